# SPDX-License-Identifier: Apache-2.0
"""Webhooks, Slack and PagerDuty: the guide's document and routes as they are written, through a real `genops serve`, at fakes that refuse what
the vendors refuse.

Proves: CRB-132, CRB-156..159, CRB-277..298, CRB-346..381, A-093, A-094, CRB-210, CRB-211.
"""
import json
import pathlib
import time

import pytest
import yaml

import receivers
from chaos_stage import free_port, wait_for
from fakes.alert_endpoint import AlertEndpoint
from fakes.pagerduty import KEY, FakePagerDuty
from fakes.slack import FakeSlack
from receivers import post

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
BUDGET = {"genops.budget.name": "ml", "genops.budget.limit": 100.0, "genops.budget.used": 95.0, "genops.budget.remaining": 5.0,
          "genops.team": "nlp-team", "genops.project": "chat"}
NASTY = ['q"uo\nte \\', "ü 😀 \u2028", "${budget_name} ${process.env}", "$${x}", "</script>'; --", "\x01\x1f\x7f", "a" * 3000, "%s%n", "{\"a\": 1}"]


def guide_slack(url):
    """The guide's document, with the address of the fake in place of Slack's."""
    text = (GUIDE / "destinations/slack_webhook.yaml").read_text()
    assert text.count("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXX") == 1
    return text.replace("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXX", url)


def files(pipeline):
    """The destinations of a pipeline that this test is not about."""
    names = {route["destination"] for route in yaml.safe_load(pipeline)["routes"]} - {"slack_webhook", "webhook_alerts", "pagerduty_events"}
    return [f"id: {name}\ntype: file\npath: out/{name}\n" for name in sorted(names)]


def part(name):
    return (GUIDE / "parts" / f"{name}.yaml").read_text()


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(destinations, pipelines, env=None, more=""):
        (tmp_path / "destinations.yaml").write_text("\n---\n".join(destinations))
        for number, text in enumerate(pipelines):
            (tmp_path / f"pipeline-{number}.yaml").write_text(text)
        running = receivers.Serve(tmp_path, "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                                  f"pipelines: pipeline-*.yaml\ndestinations: destinations.yaml\n{more}", env=env or {})
        started.append(running)
        return running

    yield serve
    for running in started:
        running.stop()


def span(attributes, name="check"):
    values = [{"key": key, "value": {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}}
              for key, value in attributes.items()]
    return {"name": name, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": str(time.time_ns()),
            "endTimeUnixNano": str(time.time_ns()), "attributes": values}


def send(running, *spans):
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})
    assert post(running.http, body=body.encode(), headers=receivers.JSON).status == 200


def simple(destination, *, template=None):
    route = {"name": "all", "destination": destination}
    if template:
        route["payload_template"] = template
    return yaml.safe_dump({"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [
        {"title": "attributes['genops.title'] || 'nothing'"}, {"team": "attributes['genops.team']"}]}], "routes": [route]})


def test_the_guides_document_and_routes(serve):
    """Pipeline 3 with its own Slack template, Alert 1 and Alert 2 behind pipeline 2; destinations as the guide has them."""
    with FakeSlack() as slack, FakePagerDuty() as pagerduty:
        budget = (GUIDE / "pipelines/genops-budget-alerting.yaml").read_text() + "\n" + "".join(
            f"  {line}\n" for line in part("to_pagerduty_budget_critical").splitlines())
        running = serve([guide_slack(slack.url), f"id: pagerduty_events\ntype: pagerduty\nurl: {pagerduty.url}\n", *files(budget)],
                        [budget], env={"PAGERDUTY_ROUTING_KEY": KEY})
        send(running, span(BUDGET))
        wait_for(lambda: slack.taken() and len(pagerduty.taken()) >= 1, 10, lambda: running.log)
        message = slack.messages()[0]
        assert message["text"] == "Budget Alert: ml at 95.0%"           # the route's template goes before the destination's: A-093
        assert "username" not in message
        assert message["attachments"][0]["color"] == "warning"
        assert slack.taken()[0].headers["content-type"] == "application/json"
        send(running, span({**BUDGET, "genops.budget.name": "fence"}))   # behind whatever came of the first
        wait_for(lambda: any("-fence-" in key for key in pagerduty.incidents), 10, lambda: running.log)
        assert len(pagerduty.events()) == 2                             # to_pagerduty has no words of its own: A-094
        event = pagerduty.events()[0]
        assert event["dedup_key"].startswith("genops-budget-ml-")
        assert event["routing_key"] == KEY and event["event_action"] == "trigger"
        assert event["payload"]["severity"] == "error" and event["payload"]["source"] == "genops-cribl"
        assert event["payload"]["summary"] == "GenOps Budget Alert: ml at 95.0%"
        assert event["payload"]["custom_details"] == {
            "budget_name": "ml", "team": "nlp-team", "project": "chat", "utilization": "95.0%", "used": "$95.00", "limit": "$100.00",
            "remaining": "$5.00", "status": "critical"}


def test_the_destinations_template_where_the_route_has_none(serve):
    pipeline = (GUIDE / "pipelines/genops-budget-alerting.yaml").read_text()
    head, _ = pipeline.split("# Routes\n")
    with FakeSlack() as slack:
        running = serve([guide_slack(slack.url)], [head + "routes:\n  - {name: s, destination: slack_webhook, filter: slack_alert == true}\n"])
        before = int(time.time())
        send(running, span({**BUDGET, "genops.budget.used": 100.5, "genops.budget.remaining": 0.0}))
        wait_for(slack.taken, 10, lambda: running.log)
        message = slack.messages()[0]
        assert message["username"] == "GenOps Budget Monitor" and message["icon_emoji"] == ":money_with_wings:"
        assert message["channel"] == "#ai-cost-alerts" and message["text"] == "Budget Alert: ml at 100.5%"
        attachment = message["attachments"][0]
        assert attachment["color"] == "danger" and attachment["title"] == "Budget Alert Details"
        assert before - 60 <= attachment["ts"] <= time.time() + 1
        assert [field["value"] for field in attachment["fields"]] == ["ml", "nlp-team", "100.5%", "EXHAUSTED", "$100.50", "$0.00"]
        assert attachment["footer"] == "GenOps AI + Cribl Stream"


def test_alert_2_and_critical_violations(serve):
    policy = (GUIDE / "pipelines/genops-policy-compliance.yaml").read_text() + "\n" + "".join(
        f"  {line}\n" for line in part("to_slack_policy_violations").splitlines())
    with FakeSlack() as slack, AlertEndpoint() as hook:
        running = serve([guide_slack(slack.url), f"id: webhook_alerts\ntype: webhook\nurl: {hook.url}/hook\n", *files(policy)], [policy])
        attributes = {"genops.policy.name": "pii", "genops.policy.result": "blocked", "genops.policy.reason": 'an "SSN"\nin it',
                      "genops.policy.metadata.severity": "critical", "genops.team": "t", "genops.customer_id": "c", "genops.environment": "production",
                      "genops.policy.metadata.compliance_framework": "HIPAA"}
        send(running, span(attributes), span({**attributes, "genops.policy.result": "warning"}))
        wait_for(lambda: slack.taken() and hook.taken(), 10, lambda: running.log)
        message = slack.messages()[0]
        assert message["channel"] == "#security-alerts" and message["attachments"][0]["text"] == "*pii* was blocked"
        values = {field["title"]: field["value"] for field in message["attachments"][0]["fields"]}
        assert values["Team"] == "t" and values["Customer"] == "c" and values["Environment"] == "production"
        event = hook.taken()[0].json()                                  # no template at all: the event
        assert event["policy_name"] == "pii" and event["policy_result"] == "blocked"
        send(running, span({**attributes, "genops.policy.name": "fence"}))  # behind whatever came of the warning
        wait_for(lambda: len(hook.taken()) >= 2 and len(slack.taken()) >= 2, 10, lambda: running.log)
        assert [request.json()["policy_name"] for request in hook.taken()] == ["pii", "fence"]
        assert [message["attachments"][0]["text"] for message in slack.messages()] == ["*pii* was blocked", "*fence* was blocked"]


@pytest.mark.parametrize("name", ["slack", "webhook", "pagerduty"])
def test_whatever_names_contain(serve, name):
    """Always JSON that the vendor takes, with a route's template, with none."""
    fake = {"slack": FakeSlack, "webhook": FakeSlack, "pagerduty": FakePagerDuty}[name]
    template = {"pagerduty": '{"dedup_key": "${title}", "payload": {"summary": "${title}", "severity": "high", "source": "${team}"}}'}.get(
        name, '{"text": "${title}", "attachments": [{"fallback": "${team}"}]}')
    with fake() as far, fake() as bare:
        own = f"routing_key: {KEY}\n" if name == "pagerduty" else ""
        bare_template = "payload_template: '{\"text\": \"${title}\"}'\n" if name == "webhook" else ""
        running = serve([f"id: a\ntype: {name}\nurl: {far.url}\n{own}", f"id: b\ntype: {name}\nurl: {bare.url}\n{own}{bare_template}"],
                        [simple("a", template=template), simple("b").replace("id: p", "id: q")])
        for text in NASTY:
            send(running, span({"genops.title": text, "genops.team": "t"}))
        wait_for(lambda: len(far.requests) >= len(NASTY) and len(bare.requests) >= len(NASTY), 15,
                 lambda: (len(far.requests), len(bare.requests), running.log))
        assert [request.status for request in far.requests + bare.requests if request.status >= 300] == []
        if name == "pagerduty":
            assert {event["payload"]["severity"] for event in far.events()} == {"error"}
            assert {event["payload"]["summary"] for event in far.events()} == {text[:1024] for text in NASTY}
        else:
            assert sorted(message["text"] for message in far.messages()) == sorted(NASTY)


def test_methods_and_auth(serve):
    with AlertEndpoint() as hook:
        documents = [f"id: {name}\ntype: webhook\nurl: {hook.url}/{name}\nmethod: {method}\n{more}" for name, method, more in (
            ("bearer", "POST", "auth: {type: bearer, token: '${HOOK_TOKEN}'}\n"), ("basic", "PUT", "auth: {type: basic, username: u, password: ü}\n"),
            ("key", "PATCH", "auth: {type: header, header: X-Hook-Key, token: k}\nheaders: {Content-Type: text/plain}\npayload_template: 'hello ${title} \"'\n"))]
        running = serve(documents, [simple(name).replace("id: p", f"id: {name}") for name in ("bearer", "basic", "key")], env={"HOOK_TOKEN": "s3cret"})
        send(running, span({"genops.title": "w"}))
        wait_for(lambda: len(hook.taken()) == 3, 10, lambda: running.log)
        by_path = {request.path: request for request in hook.taken()}
        assert by_path["/bearer"].headers["authorization"] == "Bearer s3cret" and by_path["/bearer"].method == "POST"
        assert by_path["/basic"].headers["authorization"] == "Basic dTrDvA==" and by_path["/basic"].method == "PUT"
        assert by_path["/key"].headers["x-hook-key"] == "k" and by_path["/key"].method == "PATCH"
        assert by_path["/key"].body == b'hello w "' and by_path["/key"].headers["content-type"] == "text/plain"


def test_answers(serve):
    """429 with and without Retry-After, 500, a lost answer, a hang, a refused connection; a revoked webhook holds what waits."""
    slack = FakeSlack()
    running = serve([f"id: s\ntype: slack\nurl: {slack.url}\ntimeout: 1s\nretry_interval: 50ms\nretry_backoff: constant\n"], [simple("s")])
    slack.script = [(429, {"Retry-After": "1"}, "rate_limited"), (429, {}, "rate_limited"), (500, {}, "rollup_error"), "hang", (200, {}, "<html>")]
    send(running, span({"genops.title": "one"}))
    wait_for(slack.taken, 15, lambda: running.log)
    wait_for(lambda: [m["text"] for m in slack.messages()[-1:]] == ["one"] and len(slack.requests) >= 6, 15, lambda: running.log)
    first, second = slack.requests[:2]
    assert second.time - first.time >= 0.95
    port = slack.port
    slack.close()
    send(running, span({"genops.title": "two"}))
    wait_for(lambda: any("destination s: no answer" in line for line in running.log), 10, lambda: running.log)
    with FakeSlack(port) as slack:
        wait_for(lambda: slack.taken(), 10, lambda: running.log)
        assert [message["text"] for message in slack.messages()] == ["two"]
        slack.script = [(400, {}, "invalid_payload")]
        send(running, span({"genops.title": "bad"}))
        wait_for(lambda: any("invalid_payload" in line for line in running.log), 10, lambda: running.log)
        letters = wait_for(lambda: (running.state / "dead-letter.jsonl").exists() and (running.state / "dead-letter.jsonl").read_text(), 5, "a letter")
        assert "invalid_payload" in letters
        slack.fault = "no_service"
        send(running, span({"genops.title": "kept"}))
        wait_for(lambda: any("make a new one and set url" in line for line in running.log), 10, lambda: running.log)
        assert "kept" not in (running.state / "dead-letter.jsonl").read_text()
        assert not [line for line in running.log if "XXXXXXXX" in line]


def test_pagerduty_limits_and_errors(serve):
    template = '{"payload": {"summary": "${title}", "severity": "${team}", "source": "x", "custom_details": {"long": "${title + title + title}"}}, "dedup_key": "${title}"}'
    with FakePagerDuty() as far:
        running = serve([f"id: p\ntype: pagerduty\nurl: {far.url}\nrouting_key: {KEY}\n"], [simple("p", template=template)])
        send(running, span({"genops.title": "ä" * 90_000, "genops.team": "unknown"}))
        wait_for(far.taken, 10, lambda: (running.log, [request.status for request in far.requests]))
        event = far.events()[0]
        assert len(event["payload"]["summary"]) == 1024 and len(event["dedup_key"]) <= 255
        assert event["payload"]["severity"] == "error"
        assert set(event["payload"]["custom_details"]) == {"left_out"}
        far.script = [(400, {}, {"status": "invalid event", "errors": ["'payload.class' is not valid", "two"]}), (429, {}, "")]
        send(running, span({"genops.title": "refused", "genops.team": "low"}))
        wait_for(lambda: any("'payload.class' is not valid; two" in line for line in running.log), 10, lambda: running.log)
        send(running, span({"genops.title": "later", "genops.team": "low"}))
        wait_for(lambda: "later" in far.incidents, 10, lambda: running.log)
        assert KEY not in "".join(running.log)


def test_a_routing_key_that_is_gone_holds_the_alerts_until_it_is_renewed(serve, tmp_path):
    """Without a restart: the file is read again when it changes."""
    old, secret = KEY[::-1], tmp_path / "key"
    secret.write_text(old + "\n")
    with FakePagerDuty() as far:
        far.gone_keys = {old}
        template = '{"payload": {"summary": "${title}", "severity": "error", "source": "x"}, "dedup_key": "${title}"}'
        running = serve([f"id: p\ntype: pagerduty\nurl: {far.url}\nrouting_key: ${{file:{secret}}}\n"], [simple("p", template=template)])
        send(running, span({"genops.title": "kept", "genops.team": "low"}))
        wait_for(lambda: any("Invalid routing key; what waits is kept: check routing_key" in line for line in running.log), 10, lambda: running.log)
        assert not far.incidents and not (running.state / "dead-letter.jsonl").exists()
        secret.write_text(KEY + "\n")
        wait_for(lambda: far.incidents == {"kept": "triggered"}, 20, lambda: running.log)
        assert old not in "".join(running.log) and KEY not in "".join(running.log)
