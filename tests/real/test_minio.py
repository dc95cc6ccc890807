# SPDX-License-Identifier: Apache-2.0
"""MinIO: objects under a lock cannot be deleted; an object whose answer was lost is there once, for If-None-Match refuses the second."""
import gzip
import json
import re
import signal
import socket
import threading
import time

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

import receivers
from chaos_stage import free_port, wait_for
from real_server import program
from receivers import post

USER, PASSWORD, BUCKET = "genops-root", "a-password-of-the-test", "genops-audit"


@pytest.fixture
def port(run, tmp_path):
    port, console = free_port(), free_port()
    run("minio", [program("minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}", "--console-address", f"127.0.0.1:{console}", tmp_path / "data"], port,
        env={"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"})
    return port


@pytest.fixture
def s3(port):
    """A client, and a bucket made with object lock (so with versions)."""
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id=USER, aws_secret_access_key=PASSWORD,
                          config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10}, connect_timeout=5, read_timeout=20))
    client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return client


@pytest.fixture
def start(serve, tmp_path):
    def start(port, **settings):
        folder = tmp_path / "genops"
        folder.mkdir(exist_ok=True)
        (folder / "pipeline.yaml").write_text(yaml.safe_dump({"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [
            {"title": "attributes['genops.title']"}]}], "routes": [{"name": "all", "destination": "store"}]}))
        (folder / "destinations.yaml").write_text(yaml.safe_dump({
            "id": "store", "type": "s3", "bucket": BUCKET, "region": "us-east-1", "endpoint": f"http://127.0.0.1:{port}", "path_style": True, "access_key_id": USER,
            "secret_access_key": PASSWORD, "path": "audit/", "flush_interval": "50ms", "retry_interval": "50ms", "retry_backoff": "constant", **settings}))
        return serve("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\npipelines: pipeline.yaml\ndestinations: destinations.yaml\n")
    return start


def send(running, *titles):
    spans = [{"name": title, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{time.monotonic_ns() & (2**63 - 1):016x}", "startTimeUnixNano": str(time.time_ns()),
              "endTimeUnixNano": str(time.time_ns()), "attributes": [{"key": "genops.title", "value": {"stringValue": title}}]} for title in titles]
    assert post(running.http, body=json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode(), headers=receivers.JSON).status == 200


def versions(s3):
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return [version for page in pages for version in page.get("Versions", [])]


def titles(s3):
    found = []
    for version in versions(s3):
        body = s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        found += [json.loads(line)["title"] for line in body.splitlines()]
    return sorted(found)


@pytest.mark.parametrize("mode", ["COMPLIANCE", "GOVERNANCE"])
def test_a_locked_object_cannot_be_deleted(port, s3, start, mode):
    running = start(port, object_lock=f"{mode} mode, 30 days")
    send(running, "a", "b")
    wait_for(lambda: titles(s3) == ["a", "b"], 20, lambda: running.log[-5:])
    for version in versions(s3):
        which = {"Bucket": BUCKET, "Key": version["Key"], "VersionId": version["VersionId"]}
        head = s3.head_object(**which)
        assert head["ObjectLockMode"] == mode and 29 <= (head["ObjectLockRetainUntilDate"].timestamp() - time.time()) / 86400 <= 31
        with pytest.raises(ClientError) as refusal:
            s3.delete_object(**which)
        assert "WORM" in str(refusal.value) or refusal.value.response["Error"]["Code"] == "AccessDenied"
        s3.delete_object(Bucket=BUCKET, Key=version["Key"])  # a marker hides it and takes nothing away
    assert titles(s3) == ["a", "b"]


class Losing:
    """A way to MinIO on which the first `n` answers to a PUT get lost after MinIO has given them."""

    def __init__(self, port, n):
        self.to, self.n, self.statuses = port, n, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        with client, socket.create_connection(("127.0.0.1", self.to), timeout=30) as server:
            threading.Thread(target=self.forward, args=(client, server), daemon=True).start()
            while data := self.receive(server):
                if match := re.match(rb"HTTP/1\.1 (\d{3})", data):
                    if match[1] == b"100":
                        client.sendall(data)
                        continue
                    self.statuses.append(int(match[1]))
                    if self.n > 0:
                        self.n -= 1
                        client.shutdown(socket.SHUT_RDWR)
                        return
                client.sendall(data)

    @staticmethod
    def receive(connection):
        try:
            return connection.recv(65536)
        except OSError:
            return b""

    def forward(self, client, server):
        try:
            while data := self.receive(client):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_an_object_whose_answer_was_lost_is_there_once(port, s3, start):
    way = Losing(port, 2)
    running = start(way.port)
    send(running, "a", "b", "c")
    wait_for(lambda: len(way.statuses) >= 3, 20, lambda: (way.statuses, running.log[-5:]))
    running.stop()
    assert way.statuses == [200, 412, 412] and len(versions(s3)) == 1 and titles(s3) == ["a", "b", "c"]
    assert not (running.state / "dead-letter.jsonl").exists()
    way.listener.close()


def test_once_over_kills(port, s3, start):
    sent = []
    for generation in range(6):
        running = start(port)
        for i in range(10):
            send(running, *(some := [f"{generation}-{i}-{k}" for k in range(5)]))
            sent += some
            time.sleep(0.02)
        running.stop(signal.SIGKILL)
    running = start(port)
    wait_for(lambda: len(titles(s3)) >= len(sent), 30, lambda: (len(titles(s3)), len(sent), running.log[-5:]))
    running.stop()
    found = versions(s3)
    assert titles(s3) == sorted(sent) and len({version["Key"] for version in found}) == len(found)
    print(f"{len(sent)} events in {len(found)} objects, each once")
