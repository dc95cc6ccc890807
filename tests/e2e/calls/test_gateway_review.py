# SPDX-License-Identifier: Apache-2.0
"""The gateway against hostile clients, byte by byte."""
import json
import threading

import pytest

from raw_gateway import GENOPS, DEADLINE_S, CHAT, ANSWER, plain, until, read_message, gateway, sent_headers, fresh  # noqa: F401 (fixtures)


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
    for _ in range(20):  # some leave before the gateway has read what they sent
        connection, _file = gateway.connect()
        connection.sendall(b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: g\r\n%s\r\nContent-Length: %d\r\n\r\n%s" %
                           (headers.encode(), len(data), data))
        _file.close()
        connection.close()
    assert gateway.call()[0] == 200
    records = until(lambda: (o := [e for e in gateway.operations('"slow"') if e.get("outcome") == "not_sent"]) and len(o) == 20 and o,
                    "the records of those that left")
    assert len(gateway.provider.seen) == 1
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


@pytest.mark.parametrize("origin, status", [(None, 200), ("http://localhost:3000", 200), ("http://127.0.0.1", 200),
                                            ("https://evil.example", 403), ("null", 403), ("http://localhost.evil.example", 403)])
def test_a_page_of_another_host_does_not_spend_the_gateways_key(gateway, origin, status):
    """A browser sends text/plain to a loopback gateway without asking; the answer would cost money."""
    got, _, body = gateway.call(headers=[f"Origin: {origin}"] if origin else [])
    assert got == status, body
    assert len(gateway.provider.seen) == (1 if status == 200 else 0)
