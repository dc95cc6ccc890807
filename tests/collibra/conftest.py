# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the fake's own tests: a fake whose answers are checked against the contract too, and a plain client."""
import base64
import http.client
import json
import ssl
import urllib.parse
from dataclasses import dataclass

import pytest

from fake_collibra import FakeCollibra

BASE = "/rest/2.0"


@dataclass
class Reply:
    status: int
    headers: object
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json().get("errorCode")

    @property
    def message(self):
        return self.json().get("userMessage")


class Client:
    """Says what it is told to: no retries, no redirects, a connection a call."""

    def __init__(self, collibra, authorization=None):
        self.collibra = collibra
        self.authorization = authorization or basic(collibra.username, collibra.password)

    def send(self, method, path, body=None, headers=None, timeout=10, authorization=""):
        headers = {key: value for key, value in {"Authorization": authorization if authorization != "" else self.authorization, **(headers or {})}.items()
                   if value is not None}
        if self.collibra.ca_file:
            connection = http.client.HTTPSConnection("localhost", self.collibra.port, timeout=timeout,
                                                     context=ssl.create_default_context(cafile=self.collibra.ca_file))
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.collibra.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def call(self, method, path, body=None, query=(), **more):
        """A call below /rest/2.0 with a JSON body; query: pairs, so that names can repeat."""
        query = list(query.items()) if isinstance(query, dict) else list(query)
        target = BASE + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return self.send(method, target, None if body is None else json.dumps(body), {**headers, **more.pop("headers", {})}, **more)

    def get(self, path, **query):
        return self.call("GET", path, query=query)

    def post(self, path, body, **more):
        return self.call("POST", path, body, **more)


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def collibra():
    with FakeCollibra(is_strict=True) as collibra:
        yield collibra


@pytest.fixture
def client(collibra):
    return Client(collibra)


@pytest.fixture
def item(collibra):
    """item(name, ...) -> the body of an asset."""
    def make(name, type_name="AI Operation Cost", **more):
        return {"name": name, "domainId": collibra.domain_id, "typeId": collibra.type_id(type_name), **more}
    return make


@pytest.fixture
def value(collibra):
    """value(asset id, attribute name, value) -> the body of an attribute."""
    def make(asset_id, name, value):
        return {"assetId": asset_id, "typeId": collibra.type_id(name), "value": value}
    return make


def form(commands, **fields):
    """(headers, body) of an import: commands as the file, fields as text."""
    line, parts = "genops-boundary", []
    for name, text in fields.items():
        parts.append(f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
    if commands is not None:
        file = commands if isinstance(commands, bytes) else json.dumps(commands).encode()
        parts.append(f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="f.json"\r\nContent-Type: application/json\r\n\r\n'.encode() + file + b"\r\n")
    return {"Content-Type": f"multipart/form-data; boundary={line}"}, b"".join(parts) + f"--{line}--\r\n".encode()


@pytest.fixture
def command(collibra):
    """command(name, attribute=text ...) -> an import's command for an AI Operation Cost."""
    def make(name, type_name="AI Operation Cost", more=None, **attributes):
        return {"resourceType": "Asset", "identifier": {"name": name, "domain": {"id": collibra.domain_id}}, "type": {"name": type_name},
                "attributes": {key: [{"value": text}] for key, text in attributes.items()}, **(more or {})}
    return make


@pytest.fixture
def submit(client):
    """submit(commands, continueOnError="true" ...) -> the reply to an import."""
    def send(commands, **fields):
        headers, body = form(commands, **fields)
        return client.send("POST", BASE + "/import/json-job", body, headers)
    return send


@pytest.fixture
def run(client, submit):
    """run(commands, ...) -> the job when it is over."""
    def until_over(commands, **fields):
        reply = submit(commands, **fields)
        assert reply.status == 200, reply.body
        for _ in range(10):
            job = client.get(f"/jobs/{reply.json()['id']}").json()
            if job.get("state") in ("COMPLETED", "ERROR", "CANCELED"):
                return job
        raise AssertionError("the job does not end")
    return until_over
