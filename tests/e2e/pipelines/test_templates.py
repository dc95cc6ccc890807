# SPDX-License-Identifier: Apache-2.0
"""Payload templates: every template of the guide says what Node's template literal says, and stays JSON whatever the fields hold.

Proves: CRB-208, CRB-209, CRB-210, CRB-211 in part.
"""
import json
import os
import pathlib
import subprocess

import gateway as gateways
from expressions.generate import TEXTS, Generator
from expressions.node import NOW, ask_node, needs_node

TEMPLATES = [row["template"] for row in json.loads((pathlib.Path(__file__).resolve().parents[1] / "expressions/guide_templates.json").read_text())]
PLAIN = {"alert_title": "Budget Alert: team-a at 82.3%", "budget_status": "critical", "budget_name": "team-a", "team": "search", "project": "p", "environment": "production",
         "actual_utilization": 82.25, "budget_remaining": 17.75, "budget_used": 82.25, "budget_limit": 100, "budget_exhausted": False, "timestamp": 1700000000.123,
         "policy_name": "pii", "policy_result": "blocked", "policy_reason": "found", "violation_severity": "critical", "customer_id": "acme", "compliance_framework": "GDPR",
         "requires_investigation": True}


def render(templates_and_events):
    lines = "".join(json.dumps({"template": template, "event": event}) + "\n" for template, event in templates_and_events)
    done = subprocess.run([gateways.GENOPS, "pipeline", "eval", "--now", str(NOW)], input=lines, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PAGERDUTY_ROUTING_KEY": "R0UT1NG"})
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


@needs_node
def test_every_template_of_the_guide():
    """As a template literal, for fields that need no escape; a backslash of the template is one."""
    chance, asked = Generator(5).chance, []
    assert len(TEMPLATES) == 5
    for template in TEMPLATES:
        for _ in range(30):
            event = {**PLAIN, "budget_status": chance.choice(["normal", "warning", "critical", "exhausted"]), "budget_exhausted": chance.random() < 0.5,
                     "actual_utilization": chance.uniform(0, 200), "budget_used": chance.randrange(100000) / 8, "requires_investigation": chance.random() < 0.5}
            asked.append((template, event))
    literals = [("`" + template.replace("${PAGERDUTY_ROUTING_KEY}", "R0UT1NG").replace("\\", "\\\\") + "`", event) for template, event in asked]
    for (template, event), answer, node in zip(asked, render(asked), ask_node(literals), strict=True):
        assert answer == {"value": json.loads(node)["value"], "faults": 0}, (template, event)
        json.loads(answer["value"])


def test_payloads_are_json_whatever_the_fields_hold():
    generator = Generator(11)
    asked = []
    for template in TEMPLATES:
        for _ in range(200):
            event = {key: generator.one(TEXTS + ['"', "\\", "\n", '\\"', "{}", '{"a"', "\u2028", "\x00\x1f"]) if generator.chance.random() < 0.6 else generator.value() for key in PLAIN}
            asked.append((template, event))
    answers = render(asked)
    assert len(answers) == len(asked)
    for (template, event), answer in zip(asked, answers):
        assert set(answer) == {"value", "faults"}, (answer, template, event)
        json.loads(answer["value"])


def test_fields_keep_what_they_hold():
    event = {**PLAIN, "policy_name": 'a "quoted"\nname \\ ü 😀', "timestamp": "1700000000.5", "requires_investigation": None}
    template = next(template for template in TEMPLATES if "requires_investigation" in template)
    payload = json.loads(render([(template, event)])[0]["value"])
    assert payload["event"]["policy_name"] == event["policy_name"]
    assert payload["time"] == 1700000000.5 and payload["event"]["requires_investigation"] is None


def test_variables_are_of_the_environment():
    answers = render([('["${PAGERDUTY_ROUTING_KEY}"]', {"PAGERDUTY_ROUTING_KEY": "field"}), ('["${GENOPS_NO_SUCH_VARIABLE}"]', {})])
    assert answers[0] == {"value": '["R0UT1NG"]', "faults": 0}
    assert "not set" in answers[1]["error"]
