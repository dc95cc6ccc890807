# SPDX-License-Identifier: Apache-2.0
"""Requests that are refused before a provider sees anything, and what reaches the provider of those that pass.

Proves: issue "What bad input gets" (400 in the provider's shape, 413, unknown routes), "HTTP/2 without TLS", DESIGN 5 "None of
these headers, nor baggage, reaches the provider".
"""
import json
import socket

import h2.config
import h2.connection
import h2.events
import pytest

import gateway as gateways
import recordings
from provider import Answer, Provider

CHAT = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}'


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    provider = Provider()
    gateway = gateways.Gateway(tmp_path_factory.mktemp("requests"), gateways.config_text(
        {name: provider.url for name in gateways.PROVIDERS}, "gateway:\n  max_body: 1MiB\n"))
    yield gateway, provider
    gateway.stop()
    provider.close()


@pytest.fixture(autouse=True)
def play(house):
    house[1].play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))


def error_of(provider, reply):
    """The message, out of a body that has the provider's own shape."""
    body = reply.json()
    if provider == "anthropic":
        assert body["type"] == "error" and "request_id" in body
        assert body["error"]["type"] and isinstance(body["error"]["type"], str)
    elif provider == "mistral":
        assert body["object"] == "error"
        return body["message"]
    elif provider == "azure":
        assert set(body["error"]) >= {"code", "message"}
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]["message"]


PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "mistral": "/v1/chat/completions",
         "groq": "/openai/v1/chat/completions", "azure": "/openai/deployments/d/chat/completions?api-version=2024-10-21"}

BAD_BODIES = {
    "nothing": b"",
    "no_json": b"hello",
    "cut": CHAT[:-1],
    "more_after_it": CHAT + b"{}",
    "duplicate_key": b'{"model":"gpt-4o-mini","messages":[],"model":"gpt-4"}',
    "duplicate_key_escaped": b'{"model":"gpt-4o-mini","messages":[],"m\\u006fdel":"gpt-4"}',
    "duplicate_key_deep": b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"a","content":"b"}]}',
    "invalid_utf8": b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\xff\xfe"}]}',
    "overlong_utf8": b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\xc0\xaf"}]}',
    "lone_surrogate": b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\\ud800"}]}',
    "too_deep": b'{"model":"gpt-4o-mini","messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "model_no_string": b'{"model":7,"messages":[]}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV\x02\x00",
    "byte_order_mark": b"\xef\xbb\xbf" + CHAT,
    "nan": b'{"model":"gpt-4o-mini","messages":[],"temperature":NaN}',
}


@pytest.mark.parametrize("kind", BAD_BODIES)
@pytest.mark.parametrize("name", PATHS)
def test_ambiguous_body(house, name, kind):
    gateway, provider = house
    reply = gateway.call("POST", f"/{name}{PATHS[name]}", BAD_BODIES[kind], {"content-type": "application/json"})
    assert reply.status == 400
    assert "GenOps" in error_of(name, reply)
    assert provider.received == []


FRAMINGS = {
    "two_lengths": b"content-length: %d\r\ncontent-length: 5\r\n" % len(CHAT),
    "two_lengths_in_one": b"content-length: %d, 5\r\n" % len(CHAT),
    "length_and_chunked": b"content-length: %d\r\ntransfer-encoding: chunked\r\n" % len(CHAT),
    "negative_length": b"content-length: -1\r\n",
    "two_codings": b"transfer-encoding: gzip, chunked\r\n",
}


@pytest.mark.parametrize("kind", FRAMINGS)
def test_ambiguous_framing(house, kind):
    """Nothing is forwarded whose end two readers could see in different places."""
    gateway, provider = house
    answer = gateway.raw(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         + FRAMINGS[kind] + b"\r\n" + CHAT)
    assert int(answer.split()[1]) in (400, 501), answer
    assert b'"message":"GenOps' in answer
    assert provider.received == []


@pytest.mark.parametrize("name", PATHS)
def test_body_over_the_limit(house, name):
    gateway, provider = house
    body = CHAT[:-1] + b" " * (1 << 20) + b"}"
    reply = gateway.call("POST", f"/{name}{PATHS[name]}", body, {"content-type": "application/json"})
    assert reply.status == 413
    assert "max_body" in error_of(name, reply)
    assert provider.received == []


def test_body_under_the_limit_goes_through_unchanged(house):
    """Larger than nginx keeps in memory."""
    gateway, provider = house
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "word " * 200000}]}).encode()
    assert gateway.call("POST", "/openai/v1/chat/completions", body, {"content-type": "application/json"}).status == 200
    assert provider.received[0].body == body


@pytest.mark.parametrize("method, target", [("POST", "/openai/v1/secret/thing"), ("PUT", "/openai/v1/chat/completions"),
                                            ("POST", "/anthropic/v1/messages/batches"), ("POST", "/nobody/v1/chat/completions"),
                                            ("POST", "/"), ("POST", "/openai/")])
def test_unknown_route_is_refused(house, method, target):
    gateway, provider = house
    reply = gateway.call(method, target, CHAT, {"content-type": "application/json"})
    assert reply.status == 404
    assert "GenOps" in error_of(target.split("/")[1], reply)
    assert provider.received == []


# %2e is a dot: whoever reads the path first must not see another provider than whoever forwards it.
@pytest.mark.parametrize("target", ["/openai/../groq/v1/chat/completions", "/openai/%2e%2e/groq/v1/chat/completions",
                                    "/openai/%2E./groq/v1/chat/completions", "/t/a/openai/../groq/v1/chat/completions",
                                    "/openai/./v1/chat/completions", "/groq/x/../../openai/v1/chat/completions",
                                    "/openai/x%2f..%2f../groq/v1/chat/completions", "/t/a%2Fopenai/groq/v1/chat/completions",
                                    "/t/a/t/b/openai/v1/chat/completions", "/openai%2f..%2fgroq/v1/chat/completions"])
def test_path_that_climbs_is_refused(house, target):
    gateway, provider = house
    reply = gateway.call("POST", target, CHAT, {"content-type": "application/json", "authorization": "Bearer mine"})
    assert reply.status in (400, 404)
    assert provider.received == []


def test_unknown_route_passes_and_is_metered_when_asked(gateway, provider):
    running = gateway("gateway:\n  unknown_routes: pass\n")
    recording = recordings.find("openai/chat-gpt-4o-mini")
    provider.play(Answer.of(recording))
    reply = running.call("POST", "/openai/v1/brand/new", recording.request_body,
                         {"content-type": "application/json", "x-genops-feature": "new"})
    assert (reply.status, reply.body) == (200, recording.body)
    operation = running.operation(feature="new")
    assert (operation["input_tokens"], operation["output_tokens"]) == (23, 7)
    assert operation["cost_nano_usd"] > 0


def test_our_headers_in_any_case_count_and_stay_here(house):
    gateway, provider = house
    gateway.call("POST", "/openai/v1/chat/completions", CHAT, {
        "Content-Type": "application/json", "X-GenOps-Team": "search", "X-GENOPS-FEATURE": "any-case", "X-GenOps-Whatever": "1",
        "X-Other": "kept"})
    request, = provider.received
    assert not [name for name, _ in request.headers if "genops" in name.lower()]
    assert request.header("x-other") == "kept"
    assert gateway.operation(feature="any-case")["team"] == "search"


def test_baggage_in_several_headers(house):
    gateway, provider = house
    gateway.raw(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"baggage: genops.feature=two-bags,a=1\r\nbaggage: b=2,genops.team=hidden\r\nConnection: close\r\n"
                b"content-length: %d\r\n\r\n" % len(CHAT) + CHAT)
    assert sorted(provider.received[0].header("baggage").replace(" ", "").split(",")) == ["a=1", "b=2"]
    assert gateway.operation(feature="two-bags")["team"] == "hidden"


def test_trace_context_is_continued(house):
    gateway, provider = house
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = gateway.call("POST", "/openai/v1/chat/completions", CHAT, {
        "content-type": "application/json", "traceparent": f"00-{trace}-00f067aa0ba902b7-01", "tracestate": "vendor=x"})
    version, trace_id, parent, flags = provider.received[0].header("traceparent").split("-")
    assert (version, trace_id, flags) == ("00", trace, "01")
    assert parent not in ("00f067aa0ba902b7", "0" * 16)
    assert provider.received[0].header("tracestate") == "vendor=x"
    assert reply.status == 200


@pytest.mark.parametrize("bad", ["", "00-xyz", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ff-" + "1" * 32 + "-" + "2" * 16 + "-01"])
def test_bad_trace_context_begins_a_new_one(house, bad):
    gateway, provider = house
    gateway.call("POST", "/openai/v1/chat/completions", CHAT, {"content-type": "application/json", "traceparent": bad})
    version, trace_id, parent, _ = provider.received[0].header("traceparent").split("-")
    assert (version, len(trace_id), len(parent)) == ("00", 32, 16)
    assert trace_id not in bad or not bad


# --- HTTP/2 without TLS ---

def call_h2c(port, target, body, headers):
    """One request with prior knowledge. -> status, headers, body"""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    connection.send_headers(stream, [(":method", "POST"), (":path", target), (":scheme", "http"), (":authority", "x"),
                                     *headers.items()])
    connection.send_data(stream, body, end_stream=True)
    answer, data = {}, b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(connection.data_to_send())
        while received := sock.recv(65536):
            for event in connection.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    answer = dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    data += event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    return int(answer.get(":status", 0)), answer, data
            sock.sendall(connection.data_to_send())
    raise AssertionError("the connection ended before the stream")


@pytest.mark.parametrize("name", ["openai/chat-gpt-4o-mini", "openai/chat_stream_usage", "anthropic/stream-claude-3-haiku"])
def test_http2_without_tls(house, name):
    gateway, provider = house
    recording = recordings.find(name)
    provider.play(Answer.of(recording, piece=50))
    port = int(gateway.h2c_url.rsplit(":", 1)[1])
    status, headers, body = call_h2c(port, f"/{recording.provider}{recording.target}", recording.request_body, {
        "content-type": "application/json", "x-genops-feature": f"h2-{name}"})
    assert (status, body) == (200, recording.body)
    assert headers["x-genops-decision"] == "allowed"
    assert gateway.operation(feature=f"h2-{name}")["input_tokens"] == recording.count("input_tokens")


def test_http2_refusal(house):
    gateway, provider = house
    port = int(gateway.h2c_url.rsplit(":", 1)[1])
    status, _, body = call_h2c(port, "/openai/v1/chat/completions", BAD_BODIES["duplicate_key"], {"content-type": "application/json"})
    assert status == 400 and b"GenOps" in body
    assert provider.received == []
