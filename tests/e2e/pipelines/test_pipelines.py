# SPDX-License-Identifier: Apache-2.0
"""The guide's documents, as they are written, over events by chance: what `genops pipeline test` says of each is what Node says, field by
field - fields that eval puts, what lookups find, what masks replace, which sampling rule matched, which routes take it, with which payload.

Proves: CRB-066..106, CRB-107..133, CRB-134..168, CRB-169..193, CRB-196..202, CRB-208, CRB-316..327, CRB-329..347, A-081; A-075, A-076, A-077, A-079,
A-080, A-082, A-084, A-087 as DESIGN 6 decides: literally, the first rule counts.
"""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess

import pytest
import yaml

import gateway as gateways
from expressions.generate import Generator
from expressions.guide_values import VALUES
from expressions.node import NOW

HERE = pathlib.Path(__file__).resolve().parents[1]
GUIDE = HERE.parent / "guide"
LOOKUPS = {path.stem: {"csv": path.read_text()} for path in (GUIDE / "lookups").glob("*.csv")}
LOOKUPS["customer_budgets"]["keys"] = ["customer_id"]
ENVIRONMENT = {"PAGERDUTY_ROUTING_KEY": "R0UT1NG"}
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed: tools/dependencies.sh does")

CUSTOMERS = ["enterprise-123", "ENTERPRISE-456", "startup-789", "Free-Tier-001", "nobody", "", "none", 42]
REASONS = ["Jane Doe asked", "ID AB123456 and CD1234567", "ssn 123-45-6789", "", "Content Filter Rule", "jane.doe@corp.com JANE@CORP.COM", "ü Änne Öl", "budget\nover", 'a "quoted" one', 17]
ATTRIBUTES = {
    "genops.cost.total": [0, 0.05, 0.5, 1, 1.01, 4.99, 5.01, 10, 10.5, 250, "0.05", "12.5", "", "x", True, -1, 1e-7],
    "genops.cost.provider": ["openai", "anthropic", "OpenAI", ""], "genops.cost.model": ["gpt-4", "claude-3-opus", "gpt-4-turbo", "none"], "genops.cost.currency": ["USD", "EUR"],
    "genops.tokens.input": [500, "500", "12.9", 0, "x"], "genops.tokens.output": [100, "7"], "genops.tokens.total": [0, 1000, "1500", 1e21, "0x1f"],
    "genops.team": ["nlp-team", "vision-team", "nobody", "", 0], "genops.project": ["p", 'q"uo\nte'], "genops.customer_id": CUSTOMERS, "genops.feature": ["chat"],
    "genops.environment": ["production", "staging", "development"], "genops.policy.name": ["pii", "Content Filter", ""], "genops.policy.result": ["blocked", "warning", "allowed", "BLOCKED"],
    "genops.policy.reason": REASONS, "genops.policy.metadata.severity": ["high", ""], "genops.policy.metadata.compliance_framework": ["HIPAA", "GDPR", "SOC2", "none", ""],
    "genops.budget.name": ["team-a", 'q"uo\nte \\', "ü 😀"], "genops.budget.limit": [0, 100, "1000", 0.125], "genops.budget.allocated": ["", 50, "500.5"],
    "genops.budget.used": [0, 79.99, 80, 82.25, 89.99, 90, 99.99, 100, "923"], "genops.budget.consumed": ["", 45, "81"], "genops.budget.remaining": [0, 0.01, -1, "17.75", 500],
    "genops.budget.utilization_percent": [12.5, "82.25"], "genops.compliance.audit_trail_required": ["true", True, "false", "True"], "genops.compliance.framework": ["HIPAA", "GDPR", "SOC2", "FINRA", "SOX", ""],
    "genops.compliance.data_classification": ["Restricted", ""], "genops.eval.metadata.note": REASONS, "genops.eval.metadata.list": [["123-45-6789", 5, {"deep": "x 123-45-6789"}], []],
    "genops.eval.metadata.n": [123456789, True], "genops.cost.metadata.by": REASONS, "genops.eval.other": ["123-45-6789"],
}


def load(path):
    return yaml.safe_load(path.read_text())


def part(name):
    return load(GUIDE / "parts" / f"{name}.yaml")[0]


def documents():
    """The four, and what the guide shows beside them, each in a pipeline."""
    found = {path.stem: load(path) for path in sorted((GUIDE / "pipelines").glob("*.yaml"))}
    assert len(found) == 4
    found["genops-budget-alerting"]["routes"].append(part("to_pagerduty_budget_critical"))
    found["genops-policy-compliance"]["routes"].append(part("to_slack_policy_violations"))
    for name in ("cost_aware_sampling", "policy_based_sampling", "customer_tier_sampling", "environment_sampling", "enrich_customer_budget", "enrich_team_metadata", "enrich_model_pricing"):
        found[name] = {"id": name, "processors": [part(name)], "routes": [{"name": "all", "destination": "d"}]}
    return found


def event(chance, i):
    attributes = {key: chance.choice(values) for key, values in ATTRIBUTES.items() if chance.random() < 0.6}
    made = {"__inputId": "genops_otlp_source" if chance.random() < 0.95 else "other", "name": chance.choice(["chat gpt-4", "", "Jane Doe"]), "trace_id": f"{chance.getrandbits(128):032x}",
            "attributes": attributes}
    if i % 10 == 9:
        del made["attributes"]
    return made


def flat_event(chance, i):
    """For what reads fields and not attributes."""
    fields = {key: chance.choice(values) for key, values in VALUES.items() if chance.random() < 0.8}
    fields.update(cost_provider=chance.choice(["openai", "anthropic", "OPENAI"]), cost_model=chance.choice(["gpt-4", "claude-3-opus", "Gpt-4-Turbo", "other"]),
                  customer_id=chance.choice(CUSTOMERS), team=chance.choice(["nlp-team", "PRODUCT-team", "nobody", None]), trace_id=f"{chance.getrandbits(128):032x}")
    return fields


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lookups")
    lookups = [{"id": name, "type": "csv", "file": str(GUIDE / "lookups" / f"{name}.csv"), **({"key_field": lookup["keys"][0]} if "keys" in lookup else {})}
               for name, lookup in LOOKUPS.items()]
    (directory / "genops.yaml").write_text(yaml.safe_dump({"lookups": lookups}))
    return directory / "genops.yaml"


def ours(configuration, document, events, directory, *options):
    path = directory / "document.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    lines = "".join(json.dumps(each) + "\n" for each in events)
    done = subprocess.run([gateways.GENOPS, "--config", configuration, "pipeline", "test", path, "--input", "-", "--json", "--now", str(NOW), *options], input=lines, capture_output=True,
                          text=True, timeout=300, env={**gateways.environment(directory), **ENVIRONMENT})
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert [answer["event"] for answer in answers[:-1]] == list(range(1, len(events) + 1))
    return [answer["pipelines"][0] for answer in answers[:-1]], answers[-1]


def nodes(document, events, kept):
    lines = "".join(json.dumps({"document": document, "lookups": LOOKUPS, "event": each, "now": NOW, "kept": was_kept, "env": ENVIRONMENT}) + "\n"
                    for each, was_kept in zip(events, kept))
    done = subprocess.run(["node", HERE / "pipelines/oracle.js"], input=lines, capture_output=True, text=True, timeout=300, env={**os.environ, "TZ": "UTC"})
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


def comparable(answer):
    """What both say alike. An audit_id holds chance: only its form is compared."""
    matched = {step["step"].removeprefix("sampling "): step["matched"][0] for step in answer.get("steps", []) if step["step"].startswith("sampling ")}
    after = {key: value for key, value in answer["after"].items() if value is not None} if answer["result"] == "routed" else None  # undefined is told as null
    if after and "audit_id" in after:
        after = {**after, "audit_id": re.fullmatch(rf".*-{NOW}-[0-9a-z]{{1,9}}", after["audit_id"], re.S) is not None}
    routes = [{**route, "payload": json.loads(route["payload"]) if isinstance(route.get("payload"), str) else route.get("payload")} for route in answer.get("routes", [])]
    return {"result": answer["result"], "matched": answer.get("matched", matched) or {}, "routes": routes, "after": after}


@pytest.mark.parametrize("name", documents())
def test_node_says_the_same(name, configuration, tmp_path):
    document, chance = documents()[name], random.Random(name)
    make = event if document.get("filters") else flat_event
    events = [make(chance, i) for i in range(400)]
    answers, _ = ours(configuration, document, events, tmp_path)
    expected = nodes(document, events, [answer["result"] == "routed" for answer in answers])
    differences = []
    for each, answer, node in zip(events, answers, expected, strict=True):
        assert answer["errors"] == [] or "attributes" not in each, (each, answer["errors"])
        our, theirs = comparable(answer), comparable(node)
        if our != theirs:
            differences.append((each, our, theirs))
    assert not differences, f"{len(differences)} of {len(events)}, the first: {differences[0]}"
    results = {answer["result"] for answer in answers}
    assert "routed" in results
    assert not document.get("filters") or "passed_by" in results


@pytest.mark.parametrize("name", sorted(path.stem for path in (GUIDE / "pipelines").glob("*.yaml")))
def test_the_text_of_the_guide_itself(name, configuration, tmp_path):
    """Not through another YAML library: the documents' own bytes."""
    chance = random.Random(99)
    events = [event(chance, i) for i in range(50)]
    text = (GUIDE / "pipelines" / f"{name}.yaml").read_text()
    literal, _ = ours(configuration, text, events, tmp_path)
    rewritten, _ = ours(configuration, yaml.safe_load(text), events, tmp_path)
    assert [comparable(answer) for answer in literal] == [comparable(answer) for answer in rewritten]


def test_events_of_any_kind_are_taken(configuration, tmp_path):
    """Values of every type where the documents expect texts and numbers: no crash, each event has a result."""
    generator = Generator(21)
    events = [{"__inputId": "genops_otlp_source", "attributes": {key: generator.value() for key in ATTRIBUTES}} for _ in range(150)]
    for name, document in documents().items():
        answers, _ = ours(configuration, document, events, tmp_path)
        assert {answer["result"] for answer in answers} <= {"routed", "dropped", "passed_by"}, name


# --- sampling ---

def sampled(configuration, directory, rules, events):
    document = {"id": "s", "processors": [{"name": "s", "type": "sampling", "rules": rules}], "routes": [{"destination": "d"}]}
    return ours(configuration, document, events, directory)[0]


@pytest.mark.parametrize("rate", [0, 0.01, 0.1, 0.3, 0.5, 0.9, 1])
def test_shares_are_kept(rate, configuration, tmp_path):
    n, chance = 10000, random.Random(rate)
    events = [{"trace_id": f"{chance.getrandbits(128):032x}"} if i % 2 else {"i": i} for i in range(n)]
    kept = [answer["after"] for answer in sampled(configuration, tmp_path, [{"default": rate}], events) if answer["result"] == "routed"]
    assert abs(len(kept) - n * rate) <= 3 * (n * rate * (1 - rate)) ** 0.5
    for after in kept:
        assert ("sampled" in after) == (rate < 1) and (rate == 1 or (after["sampling.rate"] == rate and after["sampled"] == 1 / rate))


def test_traces_stay_whole_and_nest(configuration, tmp_path):
    chance = random.Random(3)
    traces = [f"{chance.getrandbits(128):032x}" for _ in range(300)] + [f"{i:032x}" for i in range(1, 301)]
    kept = {}
    for rate in (0.2, 0.5):
        events = [{"trace_id": trace, "span": span} for trace in traces for span in range(3)]
        results = [answer["result"] for answer in sampled(configuration, tmp_path, [{"condition": "span >= 0", "sample_rate": rate}], events)]
        for i in range(0, len(results), 3):
            assert len(set(results[i:i + 3])) == 1
        kept[rate] = {traces[i // 3] for i in range(0, len(results), 3) if results[i] == "routed"}
    assert kept[0.2] < kept[0.5]
    assert 60 <= len(kept[0.2]) <= 180 and len([trace for trace in kept[0.5] if trace < "0" * 28 + "1000"]) > 100  # ids that are no chance at all


def test_two_samplers_say_what_is_left(configuration, tmp_path):
    document = {"id": "s", "processors": [{"type": "sampling", "rules": [{"default": 0.5}]}, {"type": "sampling", "rules": [{"default": 0.25}]}], "routes": [{"destination": "d"}]}
    chance = random.Random(4)
    by_trace = [answer for answer in ours(configuration, document, [{"trace_id": f"{chance.getrandbits(128):032x}"} for _ in range(2000)], tmp_path)[0] if answer["result"] == "routed"]
    by_chance = [answer for answer in ours(configuration, document, [{"i": i} for i in range(2000)], tmp_path)[0] if answer["result"] == "routed"]
    assert {answer["after"]["sampled"] for answer in by_trace} == {4} and 420 < len(by_trace) < 580
    assert {answer["after"]["sampled"] for answer in by_chance} == {8} and 190 < len(by_chance) < 310


def test_cost_aware_sampling_on_a_usual_mix(configuration, tmp_path):
    """CRB-333: of 1 % above $10, 4 % above $1, 15 % above $0.10 and 80 % below, 5 to 10 % stay, and all of the first."""
    chance, events = random.Random(5), []
    for i in range(20000):
        low, high = chance.choices([(10.01, 50), (1.01, 10), (0.101, 1), (0.0001, 0.1)], [1, 4, 15, 80])[0]
        events.append({"cost_total": chance.uniform(low, high), "trace_id": f"{chance.getrandbits(128):032x}"})
    answers = ours(configuration, documents()["cost_aware_sampling"], events, tmp_path)[0]
    kept = [answer["after"] for answer in answers if answer["result"] == "routed"]
    assert 0.05 * len(events) * 0.9 < len(kept) < 0.10 * len(events)
    assert sum(after["cost_total"] > 10 for after in kept) == sum(event["cost_total"] > 10 for event in events)
    scaled = sum(after["cost_total"] * after.get("sampled", 1) for after in kept)  # sums can be scaled
    assert abs(scaled / sum(event["cost_total"] for event in events) - 1) < 0.1


def test_cribls_own_rules(configuration, tmp_path):
    rules = [{"filter": "a == 1", "rate": 1}, {"filter": "true", "rate": 4}]
    answers = sampled(configuration, tmp_path, rules, [{"a": i % 2, "i": i} for i in range(4000)])
    kept = [answer["after"] for answer in answers if answer["result"] == "routed"]
    assert sum(after["a"] == 1 for after in kept) == 2000 and 400 < sum(after["a"] == 0 for after in kept) < 600
    assert {after["sampled"] for after in kept if after["a"] == 0} == {4}


# --- masks ---

def masked(configuration, directory, processor, events):
    return [answer["after"] for answer in ours(configuration, {"id": "m", "processors": [{"type": "mask", **processor}], "routes": [{"destination": "d"}]}, events, directory)[0]]


def test_masks(configuration, tmp_path):
    rows = [
        ({"rules": [{"field": "a", "pattern": r"(\w+)@(\w+)", "replacement": "$2 at $1 $$ $&"}]}, {"a": "x@y, z@w", "b": "x@y"}, {"a": "y at x $ x@y, w at z $ z@w", "b": "x@y"}),
        ({"rules": [{"field": ["a", "b.c", "attributes['x.*']"], "pattern": "secret", "flags": "i", "replacement": "*"}]},
         {"a": "SECRET", "b": {"c": "Secrets", "d": "secret"}, "attributes": {"x.1": "secret", "y.1": "secret"}}, {"a": "*", "b": {"c": "*s", "d": "secret"}, "attributes": {"x.1": "*", "y.1": "secret"}}),
        ({"rules": [{"field": "n", "pattern": "23", "replacement": "#"}, {"field": "m", "pattern": "zz", "replacement": "#"}]}, {"n": 1234, "m": 1234}, {"n": "1#4", "m": 1234}),
        ({"rules": [{"field": "attributes.*", "pattern": "p", "replacement": ""}]}, {"attributes": {"a.b": "pp", "c": ["p", {"d": "xp"}]}}, {"attributes": {"a.b": "", "c": ["", {"d": "x"}]}}),
        ({"fields": ["a*"], "rules": [{"matchRegex": r"/id-(\d+)/g", "replaceExpr": "'id-' + g1.slice(-2) + other"}]}, {"a1": "id-1234 id-99", "b": "id-12", "other": "!"},
         {"a1": "id-34! id-99!", "b": "id-12", "other": "!"}),
        ({"fields": ["a"], "rules": [{"matchRegex": "/x/", "replaceExpr": "'y'"}]}, {"a": "xx"}, {"a": "yx"}),
        ({"fields": ["a"], "depth": 0, "rules": [{"matchRegex": "/x/g", "replaceExpr": "'y'"}]}, {"a": ["x"]}, {"a": ["x"]}),
        ({"rules": [{"field": "missing", "pattern": ".*", "replacement": "x"}]}, {"a": 1}, {"a": 1}),
        ({"rules": [{"field": "a", "pattern": "x", "replacement": "y", "disabled": True}]}, {"a": "x"}, {"a": "x"}),
    ]
    for processor, before, after in rows:
        assert masked(configuration, tmp_path, processor, [before]) == [after], processor


def test_a_mask_that_fails_hides_all(configuration, tmp_path):
    text = "a" * 60 + "!"
    document = {"id": "m", "processors": [{"type": "mask", "rules": [{"field": "a", "pattern": "^(?:a|aa)+$", "replacement": "x"}]},
                                          {"type": "mask", "fields": ["b"], "rules": [{"matchRegex": "/x/g", "replaceExpr": "missing.y"}]}], "routes": [{"destination": "d"}]}
    answer = ours(configuration, document, [{"a": text, "b": "x 123"}], tmp_path)[0][0]
    assert (answer["after"]["a"], answer["after"]["b"]) == ("[REDACTED]", "[REDACTED]")
    assert len(answer["errors"]) == 2
