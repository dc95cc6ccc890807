# SPDX-License-Identifier: Apache-2.0
"""A gateway and a scripted provider, byte by byte over sockets of our own: for hostile clients and hostile providers.

Nothing here needs a network, and nothing waits but for a condition with a deadline. GENOPS_BUILD names the build directory (build/ unless set).
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GENOPS = os.path.join(os.environ.get("GENOPS_BUILD", str(ROOT / "build")), "genops")
DEADLINE_S = 20

CONFIG = """
governance:
  policies:
    - {name: slow, type: rate_limit, match: {team: slow}, max_requests_per_minute: 600, burst: 1, max_delay: 5s}
    - {name: team-models, type: model_governance, match: {team: strict}, allowed_models: [gpt-4o-mini]}
  budgets:
    - {name: small, match: {team: poor}, total_budget: 0.0000001}
  keys:
    - {name: bot, key: vk-review-0123456789abcdef, attributes: {team: bound}, provider_keys: {openai: sk-own-openai, anthropic: sk-own-anthropic}}
gateway:
  listen: 127.0.0.1:0
  listen_h2c: 127.0.0.1:0
  max_body: 4MiB
  workers: 1
  providers:
    openai: {base_url: "http://127.0.0.1:%(port)d"}
    anthropic: {base_url: "http://127.0.0.1:%(port)d"}
    ollama: {base_url: "http://127.0.0.1:%(other)d"}
"""

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 20}
ANSWER = json.dumps({
    "id": "x", "object": "chat.completion", "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}).encode()


def plain(body=ANSWER, status="200 OK", headers=()):
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def until(condition, what):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    pytest.fail("did not happen in time: " + what)


def read_message(file):
    """One HTTP/1 message: (first line, [(name, value)], body), or None at the end."""
    first = file.readline()
    if not first:
        return None
    headers = []
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip(), value.strip()))
    lower = {name.lower(): value for name, value in headers}
    body = b""
    if "chunked" in lower.get("transfer-encoding", ""):
        while size := int(file.readline().split(b";")[0] or b"0", 16):
            body += file.read(size)
            file.readline()
        while file.readline() not in (b"\r\n", b""):
            pass
    elif "content-length" in lower:
        body = file.read(int(lower["content-length"]))
    return first.decode("latin-1").rstrip(), headers, body


class Provider:
    """Answers every request with `answer` (bytes, or a function of the connection), remembers what it was sent."""

    def __init__(self):
        self.seen, self.answer = [], plain()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        file = connection.makefile("rb")
        try:
            while message := read_message(file):
                self.seen.append(message)
                if callable(self.answer):
                    if self.answer(connection) == "close":
                        break
                else:
                    connection.sendall(self.answer)
        except OSError:
            pass
        finally:
            file.close()
            connection.close()


class Gateway:
    def __init__(self, folder):
        self.provider, self.other = Provider(), Provider()
        self.state = folder / "state"
        self.config = folder / "genops.yaml"
        self.config.write_text(CONFIG % {"port": self.provider.port, "other": self.other.port})
        self.log = open(folder / "log", "w+")
        environment = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
        self.process = subprocess.Popen(
            [GENOPS, "serve", "--config", self.config, "--state", self.state], stdout=subprocess.PIPE, stderr=self.log,
            env=environment, text=True)
        head = self.process.stdout.readline() + self.process.stdout.readline()
        self.port = int(re.search(r"gateway at http://127.0.0.1:(\d+)", head).group(1))
        self.h2c_port = int(re.search(r"without TLS at http://127.0.0.1:(\d+)", head).group(1))

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        return connection, connection.makefile("rb")

    def raw(self, data):
        connection, file = self.connect()
        with connection, file:
            connection.sendall(data)
            answer = read_message(file)
        return int(answer[0].split()[1]), {k.lower(): v for k, v in answer[1]}, answer[2]

    def call(self, target="/openai/v1/chat/completions", body=CHAT, headers=(), method="POST"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {target} HTTP/1.1", "Host: gateway", "Content-Type: application/json", f"Content-Length: {len(data)}",
                 "Connection: close", *headers]
        return self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data)

    def operations(self, where="", n=1000):
        text = subprocess.run([GENOPS, "audit", "--json", "--limit", str(n), "--config", self.config, "--state", self.state],
                              capture_output=True, text=True, timeout=DEADLINE_S).stdout
        return [line for line in json.loads(text)["events"] if where in json.dumps(line)]

    def find(self, operation_id):
        """The record of a call, once it is in the ledger."""
        return until(lambda: next(iter(self.operations(operation_id)), None), "the record of " + operation_id)

    def told(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        self.log.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("review"))
    yield gateway
    gateway.stop()


@pytest.fixture(autouse=True)
def fresh(gateway):
    for provider in (gateway.provider, gateway.other):
        provider.seen.clear()
        provider.answer = plain()


def sent_headers(provider, name):
    return [v for k, v in provider.seen[-1][1] if k.lower() == name]
