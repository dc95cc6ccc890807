# SPDX-License-Identifier: Apache-2.0
"""Splunk: the guide's document as it is written, behind the guide's pipeline, through a real `genops serve`, at a fake that refuses what the
HTTP Event Collector refuses.

Proves: CRB-128, CRB-210, CRB-211, CRB-234..256, CORE-075, A-090, A-091.
"""
import json
import pathlib
import ssl
import time

import pytest
import yaml

import receivers
from chaos_stage import free_port, wait_for
from fakes.splunk import TOKEN, FakeSplunk, code
from gateway import genops
from authority import Authority
from test_out_datadog import others, send, serve, span  # noqa: F401

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
ENDPOINT = "https://splunk.company.com:8088/services/collector"
VIOLATION = {"genops.policy.name": "pii", "genops.policy.result": "blocked", "genops.policy.reason": 'an "SSN"\nin it \\ 😀', "genops.team": "t",
             "genops.customer_id": "c-1", "genops.environment": "production", "genops.policy.metadata.compliance_framework": "HIPAA"}


def document(splunk_or_url, **changes):
    url = splunk_or_url if isinstance(splunk_or_url, str) else f"{splunk_or_url.url}/services/collector"
    text = (GUIDE / "destinations/splunk_hec.yaml").read_text()
    assert text.count(ENDPOINT) == 1
    made = yaml.safe_load(text.replace(ENDPOINT, url))
    made.update({"flush_interval": "100ms", "retry_interval": "20ms", "max_retry_delay": "100ms", **changes})
    return {key: value for key, value in made.items() if value is not None}


def simple(**route):
    return {"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [
        {"n": "attributes['n']"}, {"requires_investigation": "true"}, {"policy_name": "attributes['genops.policy.name']"},
        {"index_of": "attributes['index']"}]}], "routes": [{"name": "all", "destination": "splunk_hec", **route}]}


def numbers(splunk):
    return [event["event"]["n"] for event in splunk.events]


NUMBERED = '{"event": {"n": ${n}}}'


def test_the_guides_document_behind_its_pipeline(serve):  # noqa: F811
    pipeline = yaml.safe_load((GUIDE / "pipelines/genops-policy-compliance.yaml").read_text())
    for route in pipeline["routes"]:
        if route["destination"] != "splunk_hec":
            for key in ("retention", "encryption", "output_format"):
                route.pop(key, None)
    text = yaml.safe_dump(pipeline)
    with FakeSplunk() as splunk:
        running = serve([(GUIDE / "destinations/splunk_hec.yaml").read_text().replace(ENDPOINT, f"{splunk.url}/services/collector").replace(
            "flush_interval: 5s", "flush_interval: 1s"), *others([text], {"splunk_hec"})], [text], env={"SPLUNK_HEC_TOKEN": TOKEN})
        before = time.time()
        send(running, span(VIOLATION), span({**VIOLATION, "genops.policy.result": "allowed"}),
             span({**VIOLATION, "genops.policy.result": "warning", "genops.environment": ""}))
        wait_for(lambda: len(splunk.events) >= 2, 15, lambda: (running.log, splunk.requests))
        first, second = splunk.events
        request = splunk.taken()[0]
        assert request.path == "/services/collector" and request.headers["authorization"] == f"Splunk {TOKEN}"
        assert first == {"time": first["time"], "host": "production", "source": "genops", "sourcetype": "genops:policy", "index": "security",
                         "event": {"policy_name": "pii", "policy_result": "blocked", "policy_reason": 'an "SSN"\nin it \\ 😀',
                                   "violation_severity": "critical", "team": "t", "customer_id": "c-1", "compliance_framework": "HIPAA",
                                   "requires_investigation": True}}
        assert abs(first["time"] - before) < 5 and round(first["time"], 3) == first["time"]
        assert second["event"]["policy_result"] == "warning" and second["event"]["requires_investigation"] is False
        assert second["host"] == "unknown" and len(splunk.events) == 2


def test_destination_values_are_defaults_of_what_a_template_does_not_set(serve):  # noqa: F811
    with FakeSplunk() as splunk:
        running = serve([document(splunk, event_template=None, host="gw")], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 1.0}))
        wait_for(lambda: splunk.events, 10, lambda: running.log)
        event = splunk.events[0]
        assert (event["source"], event["sourcetype"], event["index"], event["host"]) == ("genops_ai", "genops:policy:violation", "security", "gw")
        assert event["event"]["n"] == 1 and event["event"]["attributes"]["n"] == 1  # the whole event
        running.stop()
    with FakeSplunk() as splunk:
        running = serve([document(splunk, event_template='{"n": ${n}, "time": "mine"}')], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 2.0}))
        wait_for(lambda: splunk.events, 10, lambda: running.log)
        assert splunk.events[0]["event"] == {"n": 2, "time": "mine"} and splunk.events[0]["source"] == "genops_ai"


def test_batches_are_as_large_as_they_may_be(serve):  # noqa: F811
    with FakeSplunk(content_max=20_000) as splunk:
        running = serve([document(splunk, batch_size=50, max_content_length=20_000, event_template='{"event": {"n": ${n}, "pad": "${attributes.pad}"}}')],
                        [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, *[span({"n": float(n), "pad": "x" * (1000 if n % 2 else 10)}) for n in range(200)])
        wait_for(lambda: len(splunk.events) >= 200, 20, lambda: (running.log, len(splunk.events)))
        assert numbers(splunk) == list(range(200))
        assert max(len(request.events) for request in splunk.taken()) <= 50
        assert any(request.headers.get("content-encoding") == "gzip" for request in splunk.taken())


def test_one_wrong_event_does_not_hold_up_the_others(serve):  # noqa: F811
    """Codes 7, 12 and 15 in the middle of batches: what is before them was taken, they go to the dead letters, the rest goes on."""
    with FakeSplunk() as splunk:
        template = '{"index": "${index_of}", "event": ${n == 3 ? null : {n: n}}, "fields": ${n == 5 ? {deep: {}} : {}}}'.replace("{n: n}", "n").replace(
            "{deep: {}}", "'{\"a\":{}}'").replace(": {}}", ": '{}'}")
        running = serve([document(splunk, event_template=template)], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, *[span({"n": float(n), "index": "nowhere" if n in (1, 6) else "main"}) for n in range(8)])
        wait_for(lambda: len(splunk.events) >= 4, 20, lambda: (running.log, splunk.events))
        letters = wait_for(lambda: (lines := (running.state / "dead-letter.jsonl").read_text().splitlines()) and len(lines) >= 4 and lines, 10, "letters")
        assert [event["event"] for event in splunk.events] == [0, 2, 4, 7]
        reasons = [json.loads(line)["reason"] for line in letters]
        assert [reason.split(":")[0] for reason in reasons] == [f"HTTP 400, Splunk's code {n}" for n in (7, 12, 15, 7)], reasons


def test_failures_are_tried_again(serve):  # noqa: F811
    with FakeSplunk() as splunk:
        splunk.script = [code(9), (429, {"Retry-After": "1"}, ""), code(8), (503, {"content-type": "application/json"}, {"text": "Server is shutting down", "code": 23})]
        running = serve([document(splunk, event_template=NUMBERED)], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 1.0}), span({"n": 2.0}))
        wait_for(lambda: len(splunk.events) >= 2, 20, lambda: running.log)
        assert numbers(splunk) == [1, 2] and len(splunk.requests) == 5
        assert splunk.requests[2].time - splunk.requests[1].time >= 0.9
        assert any("Splunk's code 9: Server is busy" in line for line in running.log)


def test_a_downtime_loses_nothing_and_says_what_is_wrong(serve):  # noqa: F811
    port = free_port()
    running = serve([document(f"http://127.0.0.1:{port}/services/collector", event_template=NUMBERED)], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
    send(running, span({"n": 1.0}))
    wait_for(lambda: any("destination splunk_hec: no answer" in line for line in running.log), 10, lambda: running.log)
    send(running, span({"n": 2.0}))
    with FakeSplunk(port) as splunk:
        wait_for(lambda: len(splunk.events) >= 2, 30, lambda: running.log)
        assert sorted(numbers(splunk)) == [1, 2]


@pytest.mark.parametrize("make, message", [
    ({"token": "another"}, "Splunk's code 4: Invalid token; check token"), ({"is_enabled": False}, "Splunk's code 1: Token disabled; enable the token"),
    ({"has_ack": True}, "Splunk's code 10: Data channel is missing; the token wants acknowledgements: set ack: true")])
def test_what_is_wrong_with_us_keeps_the_events(serve, make, message):  # noqa: F811
    with FakeSplunk(**make) as splunk:
        running = serve([document(splunk, event_template=NUMBERED)], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 1.0}))
        wait_for(lambda: any(message in line for line in running.log), 10, lambda: running.log)
        assert not (running.state / "dead-letter.jsonl").exists() and TOKEN not in "".join(running.log)


def test_acknowledged_events_are_done_and_others_come_again(serve):  # noqa: F811
    with FakeSplunk(has_ack=True) as splunk:
        splunk.acks_after = 3
        running = serve([document(splunk, event_template=NUMBERED, ack=True, ack_timeout="60s")], [simple()], env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 1.0}))
        wait_for(lambda: splunk.polls >= 3, 20, lambda: running.log)
        send(running, span({"n": 2.0}))
        wait_for(lambda: 2 in numbers(splunk), 20, lambda: running.log)
        assert numbers(splunk) == [1, 2] and len(splunk.channels) == 1
        assert running.metrics("genops_self_export_failures_total").get('destination="splunk_hec"', 0) == 0  # to wait is no failure


def test_what_is_never_acknowledged_is_sent_again(serve):  # noqa: F811
    with FakeSplunk(has_ack=True) as splunk:
        splunk.acks_after = 10**6
        running = serve([document(splunk, event_template=NUMBERED, ack=True, ack_timeout="2s", channel="0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba")], [simple()],
                        env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 1.0}))
        wait_for(lambda: len(splunk.events) >= 2, 20, lambda: running.log)
        assert list(splunk.channels) == ["0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba"]
        splunk.acks_after = 0
        wait_for(lambda: any("no indexer has acknowledged within ack_timeout" in line for line in running.log), 5, lambda: running.log)
        wait_for(lambda: not any(splunk.channels.values()) or splunk.n_acks and len(splunk.channels["0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba"]) == 1, 10, "the last is acknowledged")


def test_certificates_are_verified_unless_verify_tls_says_no(serve, tmp_path_factory):  # noqa: F811
    authority = Authority(tmp_path_factory.mktemp("authority"), "ours")
    certificate, key = authority.sign("splunk", "IP:127.0.0.1")
    with FakeSplunk() as splunk:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        splunk.server.socket = context.wrap_socket(splunk.server.socket, server_side=True)
        url = f"https://127.0.0.1:{splunk.port}/services/collector"
        running = serve([document(url, event_template=NUMBERED), {**document(url, event_template=NUMBERED, verify_tls=False), "id": "anyone"},
                         {**document(url, event_template=NUMBERED, tls={"ca_file": str(authority.certificate)}), "id": "known"}],
                        [{**simple(), "routes": [{"name": name, "destination": name, "filter": f"n == {n}"} for n, name in enumerate(("splunk_hec", "anyone", "known"))]}],
                        env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, *[span({"n": float(n)}) for n in range(3)])
        wait_for(lambda: len(splunk.events) >= 2, 20, lambda: running.log)
        wait_for(lambda: any("destination splunk_hec: no answer" in line and "certificate" in line for line in running.log), 10, lambda: running.log)
        assert sorted(numbers(splunk)) == [1, 2]


def test_the_raw_endpoint_takes_lines(serve):  # noqa: F811
    with FakeSplunk() as splunk:
        running = serve([document(f"{splunk.url}/services/collector/raw", event_template='{"a":\n ${n}}', sourcetype="genops:x y")], [simple()],
                        env={"SPLUNK_HEC_TOKEN": TOKEN})
        send(running, span({"n": 1.0}), span({"n": 2.0}))
        wait_for(lambda: len(splunk.raw) >= 2, 10, lambda: (running.log, splunk.requests))
        assert [line for line, _ in splunk.raw] == ['{"a":  1}', '{"a":  2}']
        assert splunk.raw[0][1] == {"source": "genops_ai", "sourcetype": "genops:x y", "index": "security"}


def test_health_is_asked_for_at_its_own_path(tmp_path):
    """CRB-256."""
    with FakeSplunk() as splunk:
        (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": document(splunk), "pipelines": simple()}))
        done = genops("destination", "test", "splunk_hec", state=tmp_path / "state", config=tmp_path / "genops.yaml", env={"SPLUNK_HEC_TOKEN": TOKEN})
        assert done.returncode == 0, done.stdout + done.stderr
        request, = splunk.requests
        assert (request.method, request.path, request.headers["authorization"]) == ("GET", "/services/collector/health", f"Splunk {TOKEN}")
        splunk.script = [(503, {"content-type": "application/json"}, {"text": "HEC is unhealthy, queues are full", "code": 18})]
        done = genops("destination", "test", "splunk_hec", state=tmp_path / "state", config=tmp_path / "genops.yaml", env={"SPLUNK_HEC_TOKEN": TOKEN})
        assert done.returncode == 1 and "HEC is unhealthy, queues are full" in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("change, message", [
    ({"token": "${NO_SUCH_TOKEN}"}, "NO_SUCH_TOKEN is not set"), ({"token": None}, 'needs "token"'), ({"endpoint": "splunk:8088"}, "is not a URL"),
    ({"event_template": '{"a": "${b}'}, "event_template"), ({"event_template": '{"a": ${b + }}'}, "event_template"), ({"channel": "x"}, "channel is no GUID"),
    ({"sourcetypes": "x"}, "sourcetype"), ({"ack": "maybe"}, "ack"),
])
def test_wrong_settings_are_told_with_their_place(tmp_path, change, message):
    made = {key: value for key, value in {**document("http://127.0.0.1:1"), **change}.items() if value is not None}
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": made, "pipelines": simple()}))
    done = genops("validate", "--offline", state=tmp_path / "state", config=tmp_path / "genops.yaml", env={"SPLUNK_HEC_TOKEN": TOKEN})
    assert done.returncode != 0 and message in done.stdout + done.stderr, done.stdout + done.stderr
    assert "genops.yaml:" in done.stdout + done.stderr
