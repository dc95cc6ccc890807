# SPDX-License-Identifier: Apache-2.0
"""Alerts of budgets under 64 concurrent callers, SIGKILL and absent destinations: each threshold of each budget and period once, in the guide's
words, and nothing before it is crossed. And the rules about GenOps' own health, as the guide writes them.

Proves: CORE-040, CRB-006, CRB-061..065, CRB-213, CRB-440..448, A-094, A-095, A-096, A-111, A-014.
"""
import collections
import json
import pathlib
import random
import sqlite3
import time

import pytest

from chaos_load import Load
from chaos_stage import Stage, chat, free_port, wait_for
from fakes.pagerduty import KEY, FakePagerDuty
from fakes.slack import FakeSlack
from receivers import JSON, post
from chaos_killer import Killer

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXX"


class AlertStage(Stage):
    """With the guide's Slack document, PagerDuty, and what `alerts` says."""

    def __init__(self, slack, pagerduty, alerts="", more="", **stage):
        super().__init__(with_exporter=False, **stage)
        (self.folder / "slack.yaml").write_text((GUIDE / "destinations/slack_webhook.yaml").read_text().replace(SLACK, slack)
                                                .replace("max_retries: 3", "max_retries: 0").replace("retry_interval: 5s", "retry_interval: 100ms"))
        self.alerts = (f"destinations:\n  - slack.yaml\n  - {{id: pagerduty_events, type: pagerduty, url: '{pagerduty}', routing_key: {KEY}, "
                       f"retry_interval: 100ms, retry_backoff: constant}}\n"
                       f"alerts:\n  to: [slack_webhook, {{destination: pagerduty_events, from: 90}}]\n{alerts}\n{more}")

    def configure(self, governance=None, providers=""):
        super().configure(governance, providers)
        self.config.write_text(self.config.read_text() + self.alerts)

    def alert_rows(self):
        connection = sqlite3.connect(f"file:{self.state}/ledger.db?mode=ro", uri=True)
        try:
            return connection.execute("SELECT key, is_resolved, is_queued, body FROM alert ORDER BY number").fetchall()
        finally:
            connection.close()


NAMES = 'q"uo te é 😀 ${budget_name}'
FENCES = "".join(f"    - {{name: fence{n}, match: {{team: fence{n}}}, total_budget: 0.0000001, enforcement_level: warn, alerts: [100]}}\n"
                 for n in range(3))
BUDGETS = f"""  budgets:
    - {{name: everything, daily_budget: 0.004, enforcement_level: warn}}
    - {{name: '{NAMES.replace("$", "$$")}', match: {{team: t0}}, hourly_budget: 0.001, enforcement_level: warn, alerts: [50]}}
{FENCES}"""


def fence(stage, number, slack, pagerduty):
    """One more alert by the same way to both: it is there behind all that fired before it, for ledger, queue and destinations keep their order."""
    assert chat(stage.port, number, team=f"fence{number}")[0] == 200
    wait_for(lambda: any(f"Budget Alert: fence{number} " in message["text"] for message in slack.messages()) and
             any(f"-fence{number}-" in key for key in pagerduty.incidents), 20, lambda: (slack.requests, stage.log.read_text()[-3000:]))


def is_fence(text):
    return "fence" in text


def which(message):
    """Of what a message is: thresholds that a killed process had not told are told together, with one utilization."""
    return message["text"].split(" at ")[0], [field["value"] for field in message["attachments"][0]["fields"] if field["title"] == "Status"][0]


def thresholds(stage, label, percents, period="daily"):
    return {f"genops-budget-{label}-{period}-{percent}" for percent in percents}


def without_start(key):
    """The key without the period's beginning."""
    head, _, percent = key.rpartition("-")
    return f"{head.rpartition('-')[0]}-{percent}"


def test_each_threshold_once_under_64_callers():
    with FakeSlack() as slack, FakePagerDuty() as pagerduty, AlertStage(slack.url, pagerduty.url, governance=BUDGETS) as stage:
        stage.start()
        for n in range(5):
            assert chat(stage.port, n)[0] == 200
        fence(stage, 0, slack, pagerduty)  # nothing is due yet; what would come too early would be here
        assert len(slack.requests) == 1 and len(pagerduty.requests) == 1
        Load(stage.port, 900, seconds=30).run()
        wait_for(lambda: len(slack.taken()) >= 5 and len(pagerduty.taken()) >= 3, 10, lambda: (slack.requests, stage.log.read_text()))
        fence(stage, 1, slack, pagerduty)  # a storm would be here
        messages = [message for message in slack.messages() if not is_fence(message["text"])]
        texts = collections.Counter(message["text"].split(" at ")[0] for message in messages)
        assert texts == {"Budget Alert: everything": 3, f"Budget Alert: {NAMES}": 1}, texts
        told = [event for event in pagerduty.events() if not is_fence(event["dedup_key"])]
        keys = [without_start(event["dedup_key"]) for event in told]
        assert sorted(keys) == ["genops-budget-everything-daily-100", "genops-budget-everything-daily-90"]
        assert set(pagerduty.n_triggers.values()) == {1}
        assert len(slack.requests) == 4 + 2 and len(pagerduty.requests) == 2 + 2
        events = {event["payload"]["severity"]: event["payload"] for event in told}
        assert set(events) == {"critical", "error"}
        assert events["critical"]["custom_details"]["budget_name"] == "everything" and events["critical"]["custom_details"]["alert_remedy"]
        assert collections.Counter(which(message)[1] for message in messages) == {"WARNING": 1, "CRITICAL": 1, "EXHAUSTED": 1, "NORMAL": 1}
        wait_for(lambda: all(row[2] for row in stage.alert_rows()), 5, stage.alert_rows)
        assert len(stage.alert_rows()) == 4 + 2
        stage.stop()
        stage.start()  # nothing is told again
        Load(stage.port, 50, seconds=10, first=5000).run()
        fence(stage, 2, slack, pagerduty)
        assert len(slack.requests) == 4 + 3 and len(pagerduty.requests) == 2 + 3


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment(seed):
    """Serve, nginx, workers and the drain die all the time, destinations fail: nothing is lost, PagerDuty has one incident each. A kill between
    Slack's answer and its acknowledgement repeats that message, nothing else does."""
    with FakeSlack() as slack, FakePagerDuty() as pagerduty, AlertStage(slack.url, pagerduty.url, governance=BUDGETS) as stage:
        chance = random.Random(seed)
        for fake in (slack, pagerduty):
            fake.script = [chance.choice([None, (500, {}, "rollup_error"), (429, {}, ""), (429, {"Retry-After": "1"}, "")]) for _ in range(3)]
        stage.start()
        killer = Killer(stage, seed)
        killer.start()
        try:
            Load(stage.port, 1200, seconds=60).run()
        finally:
            killer.end()
        if stage.serve.poll() is not None:  # the last one it killed
            stage.start(is_waiting=False)
        wait_for(stage.is_ready, 20, "the gateway is ready again")
        wait_for(lambda: len(set(pagerduty.incidents)) >= 2 and len(set(map(which, slack.messages()))) >= 4, 30,
                 lambda: (slack.messages(), pagerduty.incidents, stage.log.read_text()[-3000:]))
        fence(stage, 0, slack, pagerduty)
        assert sorted(without_start(key) for key in pagerduty.incidents if not is_fence(key)) == [
            "genops-budget-everything-daily-100", "genops-budget-everything-daily-90"]
        rows = [row for row in stage.alert_rows() if not is_fence(row[0])]
        assert len(rows) == len({row[0] for row in rows}) == 4 and all(row[2] for row in rows)
        texts = collections.Counter(which(message) for message in slack.messages() if not is_fence(message["text"]))
        assert len(texts) == 4 and sum(texts.values()) <= 4 + len(killer.killed), (texts, killer.killed)


def test_destinations_that_are_away_get_it_later():
    port = free_port()
    with FakePagerDuty() as pagerduty, AlertStage(f"http://127.0.0.1:{port}/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXX", pagerduty.url,
                                                 governance=BUDGETS) as stage:
        stage.start()
        Load(stage.port, 700, seconds=30).run()
        wait_for(lambda: len(pagerduty.taken()) == 2, 10, lambda: stage.log.read_text())
        stage.stop()
        stage.start()
        with FakeSlack(port) as slack:
            wait_for(lambda: len(slack.taken()) == 4, 40, lambda: (slack.requests, stage.log.read_text()[-2000:]))
            fence(stage, 0, slack, pagerduty)
            assert len(slack.requests) == 4 + 1 and len(pagerduty.taken()) == 2 + 1, ([(r.status, r.time, r.body[:150]) for r in slack.requests], stage.log.read_text())


def test_nobody_to_tell_then_somebody():
    """What fired before anybody was to be told is not told late."""
    with FakeSlack() as slack, FakePagerDuty() as pagerduty, AlertStage(slack.url, pagerduty.url, governance=BUDGETS) as stage:
        told, stage.alerts = stage.alerts, ""
        stage.configure()
        stage.start()
        Load(stage.port, 700, seconds=30).run()
        wait_for(lambda: [row[2] for row in stage.alert_rows()] == [1] * 4, 10, stage.alert_rows)
        stage.alerts = told
        stage.configure(BUDGETS.replace("everything", "another"))
        wait_for(lambda: ("another", "daily") in stage.windows(), 10, stage.log.read_text)
        wait_for(lambda: any("another" in line for line in stage.metrics("genops_budget")), 15, stage.log.read_text)
        Load(stage.port, 700, seconds=30, first=7000).run()
        wait_for(lambda: len(pagerduty.taken()) == 2, 10, lambda: stage.log.read_text())
        assert {event["payload"]["custom_details"]["budget_name"] for event in pagerduty.events()} == {"another"}


HEALTH = """  silence: 1s
  rules:
    - source.yaml
    - monitoring.yaml
    - {name: Refused, condition: error_rate > 50% && throughput >= 0, severity: low, notify: slack_webhook, remedy: Look there.}
"""


def test_the_guides_rules():
    """Source Down and High Error Rate at the channels that the guide names, with severity and remedy; over when it is over; once."""
    http = free_port()
    with FakeSlack() as slack, FakePagerDuty() as pagerduty, AlertStage(
            slack.url, pagerduty.url, alerts=HEALTH,
            more=f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{http}'}}}}}}}}\n") as stage:
        for name in ("source", "monitoring"):
            (stage.folder / f"{name}.yaml").write_text((GUIDE / "alerts" / f"{name}.yaml").read_text())
        stage.start()
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]}).encode()
        assert post(http, body=body, headers=JSON).status == 200
        gauges = wait_for(lambda: stage.metrics('genops_self_health{gauge="throughput"'), 15, "gauges")
        assert gauges and len(stage.metrics("genops_self_health")) >= 10
        wait_for(pagerduty.taken, 15, lambda: stage.log.read_text())
        down = pagerduty.events()[0]
        assert down["payload"]["summary"] == "GenOps Source Down" and down["payload"]["severity"] == "critical"
        assert "source_status == \"down\" holds" in down["payload"]["custom_details"]["alert_message"]
        assert "genops status" in down["payload"]["custom_details"]["alert_remedy"]
        assert not [message for message in slack.messages() if "Down" in message["text"]]
        stage.stop()
        stage.start()  # still down: one incident
        for _ in range(12):
            assert post(http, body=b"{", headers=JSON).status == 400
        wait_for(lambda: {m["text"] for m in slack.messages()} >= {"GenOps High Error Rate", "Refused"}, 15, lambda: stage.log.read_text())
        assert pagerduty.n_triggers[down["dedup_key"]] == 1
        message = next(m for m in slack.messages() if m["text"] == "Refused")
        assert {"title": "What to do", "value": "Look there.", "short": False} in message["attachments"][0]["fields"]
        end = time.monotonic() + 25
        while pagerduty.incidents[down["dedup_key"]] != "resolved":
            assert time.monotonic() < end, (pagerduty.incidents, stage.log.read_text())
            assert post(http, body=body, headers=JSON).status == 200
            time.sleep(0.2)
        assert all(list(texts.values()) == [1] for texts in ({m["text"]: 1} for m in slack.messages()))
        assert "nobody is told by Email" in stage.run("validate").stdout


@pytest.mark.parametrize("alerts, says", [
    ("alerts: {to: nowhere}", "there is no destination"),
    ("alerts: {to: slack_webhok}", 'did you mean "slack_webhook"?'),
    ("alerts: {rules: [{name: x, condition: 'error_rat > 5%'}]}", "did you mean error_rate?"),
    ("alerts: {rules: [{name: x, condition: 'error_rate >'}]}", "condition"),
    ("alerts: {rules: [{name: x, condition: 'error_rate > 5%', severity: awful}]}", "severity"),
    ("alerts: {rules: [{name: x, condition: 'error_rate > 5%', notify: Teams}]}", "there is no destination"),
    ("alerts: {rules: [{name: x, condition: 'error_rate > 5%'}, {name: x, condition: 'error_rate > 5%'}]}", "two alert rules"),
    ("alerts: {tos: slack_webhook}", 'did you mean "to"?'),
])
def test_what_is_wrong_is_told_with_its_place(alerts, says):
    with AlertStage("http://127.0.0.1:1/s", "http://127.0.0.1:1/p") as stage:
        stage.alerts = stage.alerts.split("alerts:\n")[0] + alerts + "\n"
        stage.configure()
        result = stage.run("validate")
        assert result.returncode == 2 and says in result.stdout + result.stderr, result.stdout + result.stderr
