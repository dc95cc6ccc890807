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
