# SPDX-License-Identifier: Apache-2.0
"""Answers that do not end as they should: cut by the provider, left by the client, errors, nothing at all.

Every byte offset of every recording is walked in tests/unit/dialect/test_recorded.c; here a sample goes through real nginx.
Proves: issue "the same with every stream cut at every byte", "a client that goes away is settled", "provider down, half a
response: nothing settled twice, nothing lost".
"""
import hashlib
import http.client
import json
import socket
import threading

import pytest

import gateway as gateways
import recordings
from provider import Answer, Provider

STREAMS = ["openai/chat_stream_usage", "openai/responses_stream-gpt-4o", "anthropic/stream-claude-3-haiku", "groq/stream",
           "deepseek/stream", "mistral/stream"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    provider = Provider()
    text = """
governance:
  budgets:
    - {name: all, daily_budget: 100}
gateway:
  read_timeout: 2s
  connect_timeout: 1s
"""
    gateway = gateways.Gateway(tmp_path_factory.mktemp("streams"), gateways.config_text(
        {**{name: provider.url for name in gateways.PROVIDERS}, "nobody": "http://127.0.0.1:1"}, text))
    yield gateway, provider
    gateway.stop()
    provider.close()


def read_what_comes(gateway, recording, feature, target=None):
    """-> status, bytes that came, whether the answer ended as HTTP says it must."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        connection.request("POST", target or f"/{recording.provider}{recording.target}", recording.request_body,
                           {"content-type": "application/json", "authorization": "Bearer x", "x-genops-feature": feature})
        response = connection.getresponse()
        parts = []
        try:
            while part := response.read1(65536):
                parts.append(part)
            body = b"".join(parts)
            return response.status, body, response.getheader("content-length") in (None, str(len(body)))
        except (http.client.IncompleteRead, ConnectionError) as broken:
            return response.status, b"".join(parts) + getattr(broken, "partial", b""), False
    finally:
        connection.close()


def offsets(recording, n):
    body = recording.body
    return sorted({0, 1, len(body) // 2, len(body) - 1} | {len(body) * i // n + i % 3 for i in range(1, n)})


@pytest.mark.parametrize("name", STREAMS)
def test_stream_cut_by_the_provider(house, name):
    gateway, provider = house
    recording = recordings.find(name)
    cuts = offsets(recording, 12)
    for cut in cuts:
        provider.play(Answer.of(recording, cut_after=cut, piece=97))
        status, body, is_whole = read_what_comes(gateway, recording, f"{name}-cut")
        assert (status, body, is_whole) == (200, recording.body[:cut], False), f"cut at {cut}"
    found = gateway.operations(len(cuts), feature=f"{name}-cut")
    assert len(found) == len(cuts)
    for cut, operation in zip(cuts, reversed(found)):
        # What ends a stream is its dialect's affair; past it nothing of the answer is missing.
        assert operation["outcome"] in ("provider_error", "ok"), f"cut at {cut}"
        assert operation["cost_nano_usd"] > 0, f"cut at {cut}: half an answer is not free"
    assert [operation["outcome"] for operation in found][-1] == "provider_error"


def test_whole_answer_cut_by_the_provider(house):
    gateway, provider = house
    recording = recordings.find("openai/chat-gpt-4o-mini")
    for is_chunked in (True, False):
        provider.play(Answer.of(recording, cut_after=300, is_chunked=is_chunked))
        status, body, is_whole = read_what_comes(gateway, recording, "half")
        assert (status, body, is_whole) == (200, recording.body[:300], False), is_chunked
    for operation in gateway.operations(2, feature="half"):
        assert operation["outcome"] == "provider_error"
        assert operation["cost_estimated"]


@pytest.mark.parametrize("name", ["openai/chat_stream_usage", "anthropic/stream-claude-3-haiku"])
def test_client_that_goes_away_is_settled(house, name):
    gateway, provider = house
    recording = recordings.find(name)
    before = gateway.budget("all")["consumed_nano_usd"]
    go_on = threading.Event()
    provider.play(Answer.of(recording, pause_after=len(recording.body) // 2, go_on=go_on))
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    body = recording.request_body
    connection.sendall(f"POST /{recording.provider}{recording.target} HTTP/1.1\r\nHost: x\r\nx-genops-feature: {name}-left\r\n"
                       f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    received = b""
    while recording.body[:200] not in received and len(received) < 1000:
        received += connection.recv(65536)
    connection.close()
    operation = gateway.operation(feature=f"{name}-left")
    go_on.set()
    assert operation["outcome"] == "cancelled"
    assert operation["cost_nano_usd"] > 0
    assert operation["cost_estimated"]
    window = gateway.budget("all")
    assert window["reserved_nano_usd"] == 0
    assert window["consumed_nano_usd"] == before + operation["cost_nano_usd"]


def test_client_that_leaves_before_the_answer_is_settled(house):
    gateway, provider = house
    recording = recordings.find("openai/chat-gpt-4o-mini")
    go_on = threading.Event()
    provider.play(lambda request: go_on.wait(20) and Answer.of(recording) or Answer.of(recording))
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    body = recording.request_body
    connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-genops-feature: left-early\r\n"
                       b"content-length: %d\r\n\r\n" % len(body) + body)
    provider.wait_for(1)
    connection.close()
    operation = gateway.operation(feature="left-early")
    go_on.set()
    assert operation["outcome"] == "cancelled"
    assert gateway.budget("all")["reserved_nano_usd"] == 0


@pytest.mark.parametrize("status", [429, 500, 503, 529])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_providers_own_errors_pass_unchanged(house, name, status):
    gateway, provider = house
    body = json.dumps({"error": {"message": f"made up {status}", "type": "overloaded_error"}}).encode()
    provider.play(Answer(status, {"content-type": "application/json", "retry-after": "7", "x-request-id": "req_1",
                                  "x-should-retry": "true"}, body, is_chunked=False))
    reply = gateway.chat(provider=name, headers={"x-genops-feature": f"{name}-{status}"})
    assert (reply.status, reply.body) == (status, body)
    assert (reply.header("retry-after"), reply.header("x-request-id"), reply.header("x-should-retry")) == ("7", "req_1", "true")
    assert len(provider.received) == 1, "the gateway does not repeat a call by itself"
    operation = gateway.operation(feature=f"{name}-{status}")
    assert (operation["outcome"], operation["http_status"], operation["cost_nano_usd"]) == ("provider_error", status, 0)


def test_error_in_a_stream_that_has_begun(house):
    gateway, provider = house
    recording = recordings.find("anthropic/stream-claude-3-haiku")
    half = recording.body[:recording.body.index(b"event: content_block_delta")]
    body = half + b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    provider.play(Answer(200, {"content-type": "text/event-stream"}, body))
    status, received, is_whole = read_what_comes(gateway, recording, "stream-error")
    assert (status, received, is_whole) == (200, body, True)
    operation = gateway.operation(feature="stream-error")
    assert operation["outcome"] == "provider_error"
    assert operation["input_tokens"] == 17


def test_provider_that_cannot_be_reached(house):
    gateway, _ = house
    reply = gateway.chat(provider="nobody", headers={"x-genops-feature": "unreachable"})
    assert reply.status == 502
    assert "provider cannot be reached" in reply.json()["error"]["message"]
    operation = gateway.operation(feature="unreachable")
    assert (operation["outcome"], operation["cost_nano_usd"]) == ("not_sent", 0)
    assert operation["operation_id"] == reply.header("x-genops-operation-id")


def test_provider_that_says_nothing(house):
    gateway, provider = house
    silent = threading.Event()
    provider.play(lambda request: silent.wait(20) and None or Answer())
    reply = gateway.chat(headers={"x-genops-feature": "silent"})
    silent.set()
    assert reply.status == 504
    assert "did not answer in time" in reply.json()["error"]["message"]
    operation = gateway.operation(feature="silent")
    assert operation["outcome"] == "provider_error"
    assert operation["cost_nano_usd"] > 0 and operation["cost_estimated"], "it has the request and may bill it"
    assert gateway.budget("all")["reserved_nano_usd"] == 0


def test_invalid_usage_is_not_believed(house):
    """A negative or absurd count from outside is settled as an estimate, never as it stands."""
    gateway, provider = house
    for usage in ('{"prompt_tokens":-5,"completion_tokens":10}', '{"prompt_tokens":1e300,"completion_tokens":1}',
                  '{"prompt_tokens":"many","completion_tokens":[]}', '{"prompt_tokens":99999999999999999999,"completion_tokens":1}'):
        body = '{"model":"gpt-4o-mini","choices":[{"message":{"content":"hello there"}}],"usage":%s}' % usage
        provider.play(Answer(200, {"content-type": "application/json"}, body.encode()))
        assert gateway.chat(headers={"x-genops-feature": "lies"}).body == body.encode()
    for operation in gateway.operations(4, feature="lies"):
        assert operation["cost_estimated"]
        assert 0 < operation["cost_nano_usd"] < 10**9
        assert 0 <= operation["input_tokens"] < 10**6


def long_stream(n, with_usage_member):
    usage = ',"usage":null' if with_usage_member else ""
    events = [f'data: {{"id":"x","object":"chat.completion.chunk","model":"gpt-4o","choices":[{{"index":0,"delta":{{"content":"'
              f'{i:08d}{"z" * (i % 700)}"}},"finish_reason":null}}]{usage}}}\n\n' for i in range(n)]
    if with_usage_member:
        events.append('data: {"id":"x","object":"chat.completion.chunk","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,'
                      '"completion_tokens":5,"total_tokens":14}}\n\n')
    return "".join(events + ["data: [DONE]\n\n"]).encode()


def test_a_rewritten_stream_reaches_a_slow_client_whole(house):
    """What the client gets is the stream without what was asked for on governance's behalf, whole, also when it pauses."""
    gateway, provider = house
    provider.play(Answer(headers={"content-type": "text/event-stream"}, body=long_stream(20000, True), piece=3001))
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "long"}]}).encode()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200000)
        client.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\n"
                       b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        response = http.client.HTTPResponse(client)
        response.begin()
        first = response.read(2000)
        # The client stops here until the gateway can take no more from the provider.
        threading.Event().wait(0.5)
        answer = first + response.read()
    assert answer == long_stream(20000, False)


class Flood:
    """Events as fast as they are taken, until there are 200 MB of them or enough is enough."""
    MOST = 200_000_000

    def __init__(self):
        self.block = long_stream(500, True).removesuffix(b"data: [DONE]\n\n")
        self.seen = long_stream(500, False).removesuffix(b"data: [DONE]\n\n")  # of a block, by the client
        self.n, self.is_enough = 0, threading.Event()

    def __iter__(self):
        while not self.is_enough.is_set() and self.sent < self.MOST:
            yield self.block
            self.n += 1
        yield b"data: [DONE]\n\n"

    @property
    def sent(self):
        return self.n * len(self.block)

    def wait_until_stuck(self):
        """Until nothing was taken for a second."""
        before = -1
        while self.sent != before and self.sent < self.MOST:
            before = self.sent
            threading.Event().wait(1)


def workers_memory(gateway):
    """Resident bytes of nginx and its workers, at most so far."""
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    def peak(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    return sum(peak(pid) for master in children(gateway.process.pid) for pid in [master, *children(master)])


@pytest.mark.parametrize("is_asked", [False, True], ids=["rewritten", "as it is"])
def test_a_client_that_does_not_read_holds_the_provider_back(house, is_asked):
    """What a client does not take is not taken from the provider either: its sends block, the workers' memory stays bounded, and
    nothing is lost when the client goes on."""
    gateway, provider = house
    flood = Flood()
    provider.play(Answer(headers={"content-type": "text/event-stream"}, parts=iter(flood)))
    more = {"stream_options": {"include_usage": True}} if is_asked else {}
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "long"}], **more}).encode()
    before = workers_memory(gateway)
    with socket.socket() as client:
        client.settimeout(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        client.connect(("127.0.0.1", gateway.port))
        client.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\n"
                       b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        response = http.client.HTTPResponse(client)
        response.begin()
        flood.wait_until_stuck()
        # Loopback's own buffers take some megabytes on each side; without holding back it is 200 MB of both.
        assert 100_000 < flood.sent < 40_000_000
        assert workers_memory(gateway) - before < 64_000_000
        flood.is_enough.set()
        seen, n = hashlib.sha256(), 0
        while part := response.read(1 << 20):
            seen.update(part)
            n += len(part)
    block = flood.block if is_asked else flood.seen
    assert n == flood.n * len(block) + len(b"data: [DONE]\n\n")
    expected = hashlib.sha256()
    for _ in range(flood.n):
        expected.update(block)
    expected.update(b"data: [DONE]\n\n")
    assert seen.digest() == expected.digest()
    assert workers_memory(gateway) - before < 64_000_000
