# SPDX-License-Identifier: Apache-2.0
"""The gateway against hostile clients and hostile providers, byte by byte over sockets of our own.

The provider is a scripted server on the loopback; nothing here needs a network, and nothing waits but for a condition with a deadline.
GENOPS_BUILD names the build directory (build/ unless set).
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


# --- what clients send ---

def test_plain_call_is_governed(gateway):
    status, headers, body = gateway.call()
    assert (status, body) == (200, ANSWER)
    assert headers["x-genops-decision"] == "allowed"
    assert "x-genops-reason-code" not in headers


@pytest.mark.parametrize("name", ["X-Genops-Team", "x-genops-team", "X-GENOPS-TEAM"])
def test_headers_count_in_any_case(gateway, name):
    status, headers, body = gateway.call(headers=[f"{name}: poor"])
    assert status == 429 and headers["x-genops-reason-code"] == "BUDGET_EXCEEDED", body
    assert not gateway.provider.seen


@pytest.mark.parametrize("target", [
    "/t/a%2Fopenai%2F/ollama/v1/chat/completions",       # nginx sees /t/a/openai/ollama/...
    "/ollama/../openai/v1/chat/completions",
    "/ollama/%2e%2e/openai/v1/chat/completions",
    "/ollama/v1/..%2f..%2fopenai/v1/chat/completions",
    "/ollama/x/./../../openai/v1/chat/completions",
    "/t/a/../../openai/v1/chat/completions",
    "/openai/v1/chat/completions#/v1/moderations",       # a provider that cuts fragments would see a priced route
])
def test_a_path_means_one_thing_or_is_refused(gateway, target):
    """What chooses the price and the policy must be what chooses the connection."""
    status, _, body = gateway.call(target)
    assert status in (400, 404), (status, body)
    assert json.loads(body)["error"]["message"]
    assert not gateway.provider.seen and not gateway.other.seen


def test_absolute_form_is_the_same_call(gateway):
    status, headers, _ = gateway.call("http://elsewhere.example/openai/v1/chat/completions")
    assert status == 200 and headers["x-genops-decision"] == "allowed"
    assert gateway.provider.seen[-1][0] == "POST /v1/chat/completions HTTP/1.1"


@pytest.mark.parametrize("length", [9000, 20000, 40000])
def test_a_long_target_is_the_clients_fault(gateway, length):
    status, _, body = gateway.call("/openai/v1/chat/completions?" + "x" * length)
    assert status == 414, (status, body)
    if length < 32768:  # beyond, nginx has not read as far as the path
        assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("value", ["x" * 5000, "caf\xe9"])
def test_a_bad_attribute_is_the_clients_fault(gateway, value):
    status, _, body = gateway.call(headers=["x-genops-team: " + value])
    assert status == 400, (status, body)
    assert "x-genops-team" in json.loads(body)["error"]["message"]
    assert not gateway.provider.seen


def test_headers_without_end(gateway):
    status, _, body = gateway.call(headers=[f"x-genops-feature-{i}: " + "y" * 8000 for i in range(40)])
    assert status in (400, 431), (status, body)
    assert json.loads(body)["error"]["message"]
    assert gateway.call()[0] == 200


def test_nothing_of_ours_reaches_the_provider(gateway):
    baggage = "genops.team=poor, other=1"
    gateway.call(headers=["x-genops-project: p", "baggage: a=b", "baggage: genops.customer_id=secret-customer,c=d"])
    told = json.dumps(gateway.provider.seen[-1][1]).lower()
    assert "genops" not in told and "secret-customer" not in told, told
    assert gateway.call(headers=["baggage: " + baggage])[0] == 429


def test_a_virtual_key_stays_here(gateway):
    """Wherever and however often it is sent: the provider sees its own key, once."""
    key = "vk-review-0123456789abcdef"
    for target, headers, name, value in [
        ("/openai/v1/chat/completions", [f"Authorization: Bearer {key}"], "authorization", "Bearer sk-own-openai"),
        ("/openai/v1/chat/completions", [f"authorization: bearer {key}"], "authorization", "Bearer sk-own-openai"),
        ("/anthropic/v1/messages", [f"x-api-key: {key}", f"X-Api-Key: {key}"], "x-api-key", "sk-own-anthropic"),
        ("/anthropic/v1/messages", [f"x-api-key: {key}", f"authorization: Bearer {key}"], "x-api-key", "sk-own-anthropic"),
        ("/anthropic/v1/messages", [f"authorization: Bearer {key}"], "x-api-key", "sk-own-anthropic"),
    ]:
        body = dict(CHAT, model="claude-3-5-haiku-latest") if "messages" in target else CHAT
        status, _, answer = gateway.call(target, body, headers)
        assert status == 200, answer
        assert sent_headers(gateway.provider, name) == [value]
        assert key not in json.dumps(gateway.provider.seen[-1][1]), (target, headers)
    assert key not in gateway.told()


def test_keepalive_after_a_refusal(gateway):
    """An answer of ours leaves the connection in order: the next request on it is read from its first byte."""
    connection, file = gateway.connect()
    data = json.dumps(CHAT).encode()
    with connection, file:
        for team, status in [("poor", 429), ("rich", 200), ("poor", 429), ("rich", 200)]:
            connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nx-genops-team: %s\r\n"
                               b"Content-Length: %d\r\n\r\n%s" % (team.encode(), len(data), data))
            assert int(read_message(file)[0].split()[1]) == status


def test_pipelined_requests_are_answered_in_order(gateway):
    data = json.dumps(CHAT).encode()
    request = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nx-genops-team: %s\r\nContent-Length: %d\r\n\r\n%s"
    connection, file = gateway.connect()
    with connection, file:
        teams = [b"poor", b"a", b"poor", b"b"]
        connection.sendall(b"".join(request % (team, len(data), data) for team in teams))
        assert [int(read_message(file)[0].split()[1]) for _ in teams] == [429, 200, 429, 200]


def test_body_too_large_keeps_the_providers_words(gateway):
    status, _, body = gateway.call(body=b"x" * (5 << 20))
    assert status == 413 and json.loads(body)["error"]["message"]


def test_chunked_and_expect_continue(gateway):
    data = json.dumps(CHAT).encode()
    connection, file = gateway.connect()
    with connection, file:
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n"
                           b"Expect: 100-continue\r\n\r\n")
        assert b"100" in file.readline()
        file.readline()
        for byte in data:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\nX-Trailer: 1\r\n\r\n")
        assert " 200 " in read_message(file)[0]
    assert gateway.provider.seen[-1][2] == data
    assert sent_headers(gateway.provider, "expect") == []


@pytest.mark.parametrize("head", [
    "Content-Length: 3\r\nContent-Length: 4", "Content-Length: 3\r\nTransfer-Encoding: chunked", "Content-Length: -1",
    "Content-Length: 3\r\nTransfer-Encoding: gzip, chunked"])
def test_two_lengths_are_refused(gateway, head):
    status, _, body = gateway.raw(f"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\n{head}\r\n\r\nabc".encode())
    assert status in (400, 501) and json.loads(body)["error"]["message"]
    assert not gateway.provider.seen


def test_http_1_0(gateway):
    data = json.dumps(CHAT).encode()
    connection, file = gateway.connect()
    with connection, file:
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))
        assert file.read().endswith(ANSWER)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "CONNECT"])
def test_other_methods_do_not_pass(gateway, method):
    connection, file = gateway.connect()
    with connection, file:
        connection.sendall(f"{method} /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n".encode())
        assert int(file.readline().split()[1]) in (400, 404, 405)
    assert not gateway.provider.seen


def test_a_stream_request_of_two_megabytes_is_edited_in_its_file(gateway):
    """Over 1 MB the body lies in a temporary file; the edit that asks for usage goes in all the same."""
    gateway.provider.answer = plain(
        b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}],"usage":null}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\ndata: [DONE]\n\n'
    ).replace(b"application/json", b"text/event-stream")
    body = dict(CHAT, stream=True, messages=[{"role": "user", "content": "word " * 400000}])
    status, headers, answer = gateway.call(body=body)
    assert status == 200, answer
    forwarded = json.loads(gateway.provider.seen[-1][2])
    assert forwarded.pop("stream_options") == {"include_usage": True}
    assert forwarded == body
    assert b'"usage"' not in answer and answer.endswith(b"data: [DONE]\n\n")
    assert gateway.find(headers["x-genops-operation-id"])["input_tokens"] == 3


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"a","model":"b"}', b'{"model":"\xff"}', b"\x00" * 10, b"[" * 5000])
def test_bodies_that_are_none(gateway, body):
    status, _, answer = gateway.call(body=body)
    assert status == 400, answer
    assert json.loads(answer)["error"]["message"]
    assert not gateway.provider.seen


def test_a_client_that_leaves_while_it_waits_is_never_sent(gateway):
    headers = "x-genops-team: slow"
    assert gateway.call(headers=[headers])[0] == 200
    gateway.provider.seen.clear()
    data = json.dumps(CHAT).encode()
    for _ in range(20):
        connection, _file = gateway.connect()
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\n%s\r\nContent-Length: %d\r\n\r\n%s" %
                           (headers.encode(), len(data), data))
        _file.close()
        connection.close()
    assert gateway.call()[0] == 200
    records = until(lambda: (o := [e for e in gateway.operations('"slow"') if e.get("outcome") == "not_sent"]) and len(o) >= 18 and o,
                    "the records of those that left")
    assert all(record["cost_nano_usd"] == 0 for record in records)


def test_a_client_that_leaves_after_sending_pays_for_its_prompt(gateway):
    """The provider has the prompt and bills it, whether or not anybody waits for the answer."""
    asked = threading.Event()
    left = threading.Event()

    def answer(connection):
        asked.set()
        left.wait(DEADLINE_S)
        return "close"

    gateway.provider.answer = answer
    data = json.dumps(dict(CHAT, messages=[{"role": "user", "content": "word " * 1000}])).encode()
    connection, file = gateway.connect()
    connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nx-genops-feature: leaver\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
    assert asked.wait(DEADLINE_S)
    file.close()
    connection.close()
    record = until(lambda: next((e for e in gateway.operations("leaver") if e.get("outcome")), None), "its record")
    left.set()
    assert record["outcome"] == "cancelled"
    assert record["input_tokens"] > 0 and record["cost_nano_usd"] > 0


# --- what providers send ---

@pytest.mark.parametrize("target", ["/api/v1/operations", "/openai/v1/models", "/genops-error", "/health", "/metrics"])
def test_a_provider_cannot_redirect_inside(gateway, target):
    gateway.provider.answer = plain(headers=[f"X-Accel-Redirect: {target}"])
    status, headers, body = gateway.call()
    assert (status, body) == (200, ANSWER)
    assert headers["x-genops-decision"] == "allowed"
    assert len(gateway.provider.seen) == 1


def test_a_provider_cannot_slow_or_buffer_or_speak_for_us(gateway):
    gateway.provider.answer = plain(headers=[
        "X-Accel-Limit-Rate: 1", "X-Accel-Buffering: yes", "X-Accel-Charset: utf-7", "X-Genops-Decision: blocked",
        "x-genops-operation-id: forged", "Set-Cookie: a=b"])
    connection, file = gateway.connect()
    data = json.dumps(CHAT).encode()
    with connection, file:
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(data), data))
        _, headers, body = read_message(file)
    assert body == ANSWER
    assert [v for k, v in headers if k.lower() == "x-genops-decision"] == ["allowed"]
    assert [v for k, v in headers if k.lower() == "x-genops-operation-id"] != ["forged"]
    assert ("Set-Cookie", "a=b") in headers


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_are_whole(gateway, status):
    gateway.provider.answer = f"HTTP/1.1 {status}\r\n\r\n".encode()
    answer, headers, body = gateway.call()
    assert answer == int(status[:3]) and not body
    assert gateway.find(headers["x-genops-operation-id"])["outcome"] == "ok"


def test_half_an_answer_is_the_providers_fault(gateway):
    def answer(connection):
        connection.sendall(plain()[:-20])
        return "close"

    gateway.provider.answer = answer
    data = json.dumps(CHAT).encode()
    connection, file = gateway.connect()
    with connection, file:
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(data), data))
        text = file.read()
    operation = re.search(rb"x-genops-operation-id: (\S+)", text).group(1).decode()
    assert gateway.find(operation)["outcome"] == "provider_error"


@pytest.mark.parametrize("answer", [
    b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad Header\x00: 1\r\n\r\n"])
def test_a_provider_that_talks_no_http_is_502(gateway, answer):
    def say(connection):
        connection.sendall(answer)
        return "close"

    gateway.provider.answer = say
    status, headers, body = gateway.call()
    assert status == 502, (status, body)
    assert json.loads(body)["error"]["message"]
    assert len(gateway.provider.seen) == 1, "a call that costs money is not sent twice"
    assert gateway.find(headers["x-genops-operation-id"])["outcome"] == "provider_error"


def test_a_chunked_answer_with_trailers(gateway):
    pieces = [ANSWER[i:i + 7] for i in range(0, len(ANSWER), 7)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    gateway.provider.answer = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
                               chunks + b"0\r\nX-Late: 1\r\n\r\n")
    status, headers, body = gateway.call()
    assert (status, body) == (200, ANSWER)
    record = gateway.find(headers["x-genops-operation-id"])
    assert (record["outcome"], record["input_tokens"], record["output_tokens"]) == ("ok", 9, 2)


def test_a_compressed_answer_passes_and_is_billed(gateway):
    """identity was asked for; a provider that compresses all the same is settled by an estimate, never at nothing."""
    import gzip
    body = gzip.compress(ANSWER)
    gateway.provider.answer = plain(body, headers=["Content-Encoding: gzip"])
    status, headers, answer = gateway.call()
    assert (status, answer) == (200, body)
    record = gateway.find(headers["x-genops-operation-id"])
    assert record["cost_nano_usd"] > 0 and record["is_cost_estimated"]
    assert sent_headers(gateway.provider, "accept-encoding") == ["identity"]


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_client_that_reads_late_gets_every_byte(gateway, is_asked):
    """Megabytes wait in the gateway while the client does not read, with events taken out and without."""
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]%s}\n\n'
    parts = [(b"%06d" % i) * 300 for i in range(2000)]
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
    done = b"data: [DONE]\n\n"
    stream = b"".join(event % (part, b',"usage":null') for part in parts) + usage + done
    wanted = stream if is_asked else b"".join(event % (part, b"") for part in parts) + done
    gateway.provider.answer = plain(stream).replace(b"application/json", b"text/event-stream")
    data = json.dumps(dict(CHAT, stream=True, **({"stream_options": {"include_usage": True}} if is_asked else {}))).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(DEADLINE_S)
        connection.connect(("127.0.0.1", gateway.port))
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(data), data))
        assert gateway.call("/health", b"", method="GET")[0] == 200  # meanwhile, others are served
        with connection.makefile("rb") as file:
            first, _, body = read_message(file)
    assert " 200 " in first
    assert body == wanted


def test_http_2_without_a_length(gateway):
    if "HTTP2" not in subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout:
        pytest.skip("this curl speaks no HTTP/2")
    for team, status in [("h2", "200"), ("poor", "429")]:
        told = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--http2-prior-knowledge", "-X", "POST", "-T", "-", "-H", "x-genops-team: " + team, "-w",
             "\n%{http_code} %{http_version}", f"http://127.0.0.1:{gateway.h2c_port}/openai/v1/chat/completions"],
            input=json.dumps(CHAT), capture_output=True, text=True, timeout=DEADLINE_S)
        assert told.stdout.endswith(f"\n{status} 2"), told
    assert json.loads(gateway.provider.seen[-1][2]) == CHAT
    assert len(gateway.provider.seen) == 1


# --- the control API ---

def test_control_api_survives_clients_that_leave(gateway):
    for _ in range(30):
        connection, file = gateway.connect()
        connection.sendall(b"GET /api/v1/cost?by=team HTTP/1.1\r\nHost: g\r\n\r\n")
        file.close()
        connection.close()
    assert gateway.call("/api/v1/budgets", b"", method="GET")[0] == 200


def test_no_secret_in_any_log(gateway):
    gateway.call(headers=["Authorization: Bearer sk-client-secret-77"])
    gateway.call("/openai/nowhere", headers=["Authorization: Bearer sk-client-secret-77"])
    assert "sk-client-secret-77" not in gateway.told()
    for file in gateway.state.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"sk-client-secret-77" not in content and b"vk-review-0123456789abcdef" not in content, file


@pytest.mark.parametrize("is_asked", [True, False])
def test_each_event_goes_out_as_it_comes(gateway, is_asked):
    """Small events do not wait for company, neither as they are nor with something taken out."""
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%d"}}],"usage":null}\n\n'
    arrived = [threading.Event() for _ in range(4)]

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i, seen in enumerate(arrived):
            text = event % i
            connection.sendall(b"%x\r\n%s\r\n" % (len(text), text))
            if not seen.wait(5):
                break
        connection.sendall(b"0\r\n\r\n")

    gateway.provider.answer = answer
    data = json.dumps(dict(CHAT, stream=True, **({"stream_options": {"include_usage": True}} if is_asked else {}))).encode()
    connection, file = gateway.connect()
    with connection, file:
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(data), data))
        got = b""
        for i, seen in enumerate(arrived):
            while b'"content":"%d"' % i not in got:
                piece = connection.recv(65536)
                assert piece, f"event {i} did not come"
                got += piece
                assert b"\r\n0\r\n" not in got or b'"content":"%d"' % i in got, f"event {i} came late"
            seen.set()


@pytest.mark.parametrize("origin, status", [(None, 200), ("http://localhost:3000", 200), ("http://127.0.0.1", 200),
                                            ("https://evil.example", 403), ("null", 403), ("http://localhost.evil.example", 403)])
def test_a_page_of_another_host_does_not_spend_the_gateways_key(gateway, origin, status):
    """A browser sends text/plain to a loopback gateway without asking; the answer would cost money."""
    got, _, body = gateway.call(headers=[f"Origin: {origin}"] if origin else [])
    assert got == status, body
    assert len(gateway.provider.seen) == (1 if status == 200 else 0)
