# SPDX-License-Identifier: Apache-2.0
"""A call is settled before its client has the last byte: whoever asks again finds the budget as the answer left it.

Proves: CORE-042 (what remains of a budget is readable after each operation), and that nothing acknowledged can be lost: what the
client has seen whole is in the counters.
"""
import http.client
import threading

import pytest

import gateway as gateways
import recordings
from provider import Answer, Provider

ENDLESS = ["openai/chat_stream_usage", "openai/responses_stream-gpt-4o", "anthropic/stream-claude-3-haiku", "groq/stream", "mistral/stream"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    provider = Provider()
    gateway = gateways.Gateway(tmp_path_factory.mktemp("settling"), gateways.config_text(
        {name: provider.url for name in gateways.PROVIDERS},
        "governance:\n  budgets:\n    - {name: all, daily_budget: 100}\n"))
    yield gateway, provider
    gateway.stop()
    provider.close()


def ask(gateway, recording):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request("POST", f"/{recording.provider}{recording.target}", recording.request_body,
                       {"content-type": "application/json", "authorization": "Bearer x"})
    return connection, connection.getresponse()


@pytest.mark.parametrize("name", ENDLESS)
def test_a_stream_is_settled_at_its_own_end_whatever_the_provider_does_then(house, name):
    gateway, provider = house
    recording = recordings.find(name)
    go_on = threading.Event()

    def parts():
        yield recording.body
        go_on.wait(30)  # the connection stays open, the answer's last chunk does not come

    before = gateway.budget("all")["consumed_nano_usd"]
    provider.play(Answer(status=200, headers={"content-type": "text/event-stream"}, parts=parts()))
    connection, response = ask(gateway, recording)
    body = b""
    while len(body) < len(recording.body):
        body += response.read1(65536)
    assert body == recording.body
    window = gateway.budget("all")
    go_on.set()
    connection.close()
    assert window["reserved_nano_usd"] == 0
    assert window["consumed_nano_usd"] > before


def test_whole_answers_are_settled_when_they_are_there(house):
    gateway, provider = house
    recording = recordings.find("openai/chat-gpt-4o-mini")
    consumed = gateway.budget("all")["consumed_nano_usd"]
    for is_chunked in (True, False) * 10:
        provider.play(Answer.of(recording, is_chunked=is_chunked))
        connection, response = ask(gateway, recording)
        assert response.read() == recording.body
        connection.close()
        window = gateway.budget("all")
        assert (window["reserved_nano_usd"], window["consumed_nano_usd"] > consumed) == (0, True)
        consumed = window["consumed_nano_usd"]


def calls_until_refused(folder, provider, recording):
    gateway = gateways.Gateway(folder, gateways.config_text(
        {name: provider.url for name in gateways.PROVIDERS},
        "governance:\n  budgets:\n    - {name: all, daily_budget: 0.01655}\n"))
    try:
        for n in range(2000):
            connection, response = ask(gateway, recording)
            response.read()
            connection.close()
            if response.status == 429:
                return n, gateway.budget("all")
            assert response.status == 200, response.status
        raise AssertionError("the budget does not end")
    finally:
        gateway.stop()


def test_a_budget_takes_the_same_calls_each_time(tmp_path, house):
    """The budget is hardly more than one estimate. One client, two workers, call after call: no reservation of a call that is over stands in the next one's way."""
    _, provider = house
    recording = recordings.find("openai/chat-gpt-4o-mini")
    provider.play(Answer.of(recording))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    n, window = calls_until_refused(tmp_path / "a", provider, recording)
    assert n > 5, window
    assert window["reserved_nano_usd"] == 0
    assert calls_until_refused(tmp_path / "b", provider, recording) == (n, window)


@pytest.mark.parametrize("piece", [1, 3, 7, 16, 31, 64, 0])
@pytest.mark.parametrize("tail", [b": bye\n\n", b"\n", b"data: [DONE]\n\n", b'data: {"usage": null}\n\n'])
def test_what_follows_a_streams_end_passes_as_it_is(house, piece, tail):
    """Usage was asked for on the client's behalf, so pieces are held and copied; behind the end they no longer are."""
    gateway, provider = house
    events = [b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n', b"data: [DONE]\n\n"]
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}\n\n'
    provider.play(Answer(headers={"content-type": "text/event-stream"}, body=events[0] + usage + events[1] + tail, piece=piece))
    consumed = gateway.budget("all")["consumed_nano_usd"]
    reply = gateway.chat(stream=True, max_tokens=5)
    assert (reply.status, reply.body) == (200, b"".join(events) + tail)
    window = gateway.budget("all")
    assert (window["reserved_nano_usd"], window["consumed_nano_usd"] - consumed) == (0, 9 * 150 + 600)
