# SPDX-License-Identifier: Apache-2.0
"""The gateway against hostile providers, byte by byte."""
import json
import re
import socket
import subprocess
import threading

import pytest

from raw_gateway import DEADLINE_S, CHAT, ANSWER, plain, read_message, gateway, sent_headers, fresh  # noqa: F401 (fixtures)


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
