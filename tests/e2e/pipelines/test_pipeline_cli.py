# SPDX-License-Identifier: Apache-2.0
"""genops init --pipelines, validate, and genops pipeline test, list and tail: what is written loads without a warning, what the guide writes is
told with its traps, what a trial tells is what happens, and what runs can be looked at while it runs.

Proves: issue "Corrected versions in data/pipelines", "A linter at load", "Seeing inside", "Reload of pipelines, lookups"; CRB-449.
"""
import gzip
import io
import json
import os
import pathlib
import select
import signal
import subprocess
import tarfile
import time

import pytest
import yaml

import gateway as gateways
import recordings
from gateway import SOURCE, genops, until
from provider import Answer, Provider

GUIDE = pathlib.Path(SOURCE) / "tests" / "guide"
SPAN = {
    "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": "chat",
    "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000"}


def spans(*attributes):
    def value(x):
        if isinstance(x, bool):
            return {"boolValue": x}
        return {"stringValue": x} if isinstance(x, str) else {"doubleValue": x}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [
        {**SPAN, "attributes": [{"key": k, "value": value(v)} for k, v in each.items()]} for each in attributes]}]}]})


@pytest.fixture
def shipped(tmp_path):
    done = genops("init", "--pipelines", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path


def trial(folder, *arguments, events, **more):
    (folder / "spans.json").write_text(events)
    done = genops("pipeline", "test", *arguments, "--input", "spans.json", "--json", cwd=folder, state=folder / "state", **more)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[:-1], lines[-1]


def pipelines_of(event):
    return {each["id"]: each for each in event["pipelines"]}


# --- what we ship ---

def test_what_init_writes_is_valid_and_clean(shipped):
    done = genops("validate", "--offline", "--json", cwd=shipped, state=shipped / "state")
    checks = json.loads(done.stdout)["checks"]
    assert done.returncode == 0
    assert [c["message"] for c in checks if c["name"] == "configuration" and c["status"] == "warning"] == []
    assert sorted(p.name for p in (shipped / "pipelines").iterdir()) == sorted(
        [p.name for p in (pathlib.Path(SOURCE) / "data" / "pipelines").iterdir()] + ["out"])


def test_the_sample_spans_can_be_tried_at_once(shipped):
    done = genops("pipeline", "test", "pipelines/genops-cost-governance.yaml", "--input", "pipelines/spans.json", cwd=shipped)
    assert (done.returncode, done.stderr) == (0, "") and "to_datadog_cost" in done.stdout, done.stdout + done.stderr


def test_tail_without_serve_says_what_to_do(shipped):
    done = genops("pipeline", "tail", cwd=shipped, state=shipped / "nowhere")
    assert done.returncode == 1 and "start genops serve" in done.stderr, done.stderr


def test_tail_of_a_pipeline_that_is_not_there_says_what_is(shipped):
    done = genops("pipeline", "tail", "genops-cost-governence", cwd=shipped)
    assert done.returncode == 1 and "did you mean genops-cost-governance?" in done.stderr, done.stderr


def test_init_never_overwrites(shipped):
    before = {p: p.read_text() for p in (shipped / "pipelines").iterdir() if p.is_file()}
    done = genops("init", "--pipelines", cwd=shipped)
    assert done.returncode == 1 and "is there already" in done.stderr
    (shipped / "pipelines" / "lookups.yaml").unlink()
    done = genops("init", "--pipelines", cwd=shipped)
    assert done.returncode == 1 and not (shipped / "pipelines" / "lookups.yaml").exists()
    assert all(p.read_text() == text for p, text in before.items() if p.name != "lookups.yaml")


def test_init_beside_a_configuration_says_what_to_add(tmp_path):
    (tmp_path / "genops.yaml").write_text("governance: {}\n")
    done = genops("init", "--pipelines", cwd=tmp_path)
    assert done.returncode == 0 and "pipelines: pipelines/genops-*.yaml" in done.stdout
    assert (tmp_path / "genops.yaml").read_text() == "governance: {}\n"


# --- the guide's documents ---

@pytest.fixture
def guide(tmp_path):
    (tmp_path / "genops.yaml").write_text(f"""
pipelines: {GUIDE}/pipelines/*.yaml
lookups: [{{id: customer_budgets, file: "{GUIDE}/lookups/customer_budgets.csv"}}]
destinations:
""" + "".join(f"- {{id: {name}, type: file, path: {name}.jsonl}}\n" for name in (
        "datadog_metrics_dest", "prometheus_remote_write", "s3_cost_bucket", "cribl_lake", "splunk_hec", "elasticsearch_security",
        "s3_compliance_bucket", "webhook_alerts", "pagerduty_events", "slack_webhook", "s3_compliance_glacier", "s3_compliance_standard",
        "snowflake_audit_db")))
    return tmp_path


def test_validate_tells_the_guides_traps(guide):
    done = genops("validate", "--offline", "--json", cwd=guide, state=guide / "state")
    found = [c for c in json.loads(done.stdout)["checks"] if c["name"] == "configuration" and c["status"] == "warning"]
    assert done.returncode == 0
    assert len(found) == 11
    assert all(c["fix"] and c["line"] and c["column"] and pathlib.Path(c["file"]).parent == GUIDE / "pipelines" for c in found)
    assert any("audit_trail_required == 'true' is never true" in c["message"] for c in found)
    text = genops("validate", "--offline", cwd=guide, state=guide / "state").stdout
    assert "genops-audit-trail.yaml:" in text


def test_an_unknown_destination_is_an_error_with_the_nearest(guide):
    text = (guide / "genops.yaml").read_text()
    (guide / "genops.yaml").write_text(text.replace("id: slack_webhook", "id: slack_web_hook"))
    done = genops("validate", "--offline", cwd=guide, state=guide / "state")
    assert done.returncode == 2
    assert 'there is no destination "slack_webhook"' in done.stdout and 'did you mean "slack_web_hook"?' in done.stdout
    assert "genops-budget-alerting.yaml:" in done.stdout


def test_an_unknown_lookup_and_type_are_errors(guide):
    text = (guide / "genops.yaml").read_text()
    (guide / "genops.yaml").write_text(text.replace("id: customer_budgets", "id: customer_budget"))
    done = genops("validate", "--offline", cwd=guide, state=guide / "state")
    assert done.returncode == 2 and 'did you mean "customer_budget"?' in done.stdout
    (guide / "genops.yaml").write_text(text.replace("{id: splunk_hec, type: file", "{id: splunk_hec, type: no_such_type"))
    done = genops("validate", "--offline", cwd=guide, state=guide / "state")
    assert done.returncode == 2 and 'type "no_such_type" is not available in this build' in done.stdout


# --- test ---

def test_a_trial_tells_each_step(shipped):
    events, summary = trial(shipped, events=spans(
        {"genops.cost.total": 12.5, "genops.customer_id": "ENTERPRISE-123"},
        {"genops.policy.name": "p", "genops.policy.result": "blocked", "genops.policy.reason": "Budget Exceeded for Jane Doe jane@x.com"},
        {"nothing": "of ours"}))
    cost = pipelines_of(events[0])["genops-cost-governance"]
    assert cost["result"] == "routed" and cost["errors"] == []
    assert {r["route"] for r in cost["routes"]} == {"to_datadog_cost", "to_grafana_prometheus", "to_s3_cost_analytics", "to_cribl_lake_cost"}
    steps = {s["step"]: s for s in cost["steps"]}
    assert steps["filter has_genops_cost"]["passed"]
    assert steps["eval parse_cost_attributes"]["changed"]["cost_total"] == {"after": 12.5}
    assert steps["lookup enrich_budget_metadata"]["changed"]["budget_tier"] == {"after": "enterprise"}
    assert steps["sampling intelligent_cost_sampling"]["matched"] == ["rule 1"]
    assert cost["before"]["attributes"]["genops.cost.total"] == 12.5 and "cost_total" not in cost["before"]
    assert cost["after"]["cost_total"] == 12.5 and cost["after"]["attributes"] == cost["before"]["attributes"]

    policy = pipelines_of(events[1])["genops-policy-compliance"]
    masked = {s["step"]: s for s in policy["steps"]}["mask mask_sensitive_data"]["changed"]
    after = "Budget Exceeded for [REDACTED_NAME] [REDACTED_EMAIL]"
    assert masked["policy_reason"]["after"] == after
    assert masked["attributes['genops.policy.reason']"] == {"before": "Budget Exceeded for Jane Doe jane@x.com", "after": after}
    slack = next(r for r in policy["routes"] if r["route"] == "to_slack_policy_violations")
    assert json.loads(slack["payload"])["attachments"][0]["fields"][2]["value"] == after

    assert all(p["result"] == "passed_by" and p["routes"] == [] for p in events[2]["pipelines"])
    assert summary["events"] == 3 and summary["findings"] == []
    counts = {(c["pipeline"], c["name"]): c for c in summary["counts"]}
    assert counts["genops-cost-governance", "filter has_genops_cost"] == {
        "pipeline": "genops-cost-governance", "name": "filter has_genops_cost", "in": 3, "matched": 1, "dropped": 0, "failed": 0}
    assert not (shipped / "state").exists()


def test_shipped_pipelines_do_what_the_guides_only_seem_to(shipped):
    events, _ = trial(shipped, events=spans(
        {"genops.budget.name": "b", "genops.budget.limit": 100.0, "genops.budget.consumed": 12.0},
        {"genops.compliance.audit_trail_required": True, "genops.eval.metadata.x": "call jane@corp.com, 123-45-6789"}))
    budget = pipelines_of(events[0])["genops-budget-alerting"]
    assert budget["after"]["budget_status"] == "normal" and budget["after"]["budget_remaining"] == 88
    assert {r["route"] for r in budget["routes"]} == {"to_datadog_budget_metrics", "to_cribl_lake_budgets"}
    audit = pipelines_of(events[1])["genops-audit-trail"]
    assert "to_snowflake_audit" in {r["route"] for r in audit["routes"]}
    assert audit["after"]["audit_version"] == "1.0"
    assert audit["after"]["attributes"]["genops.eval.metadata.x"] == "call [REDACTED_EMAIL], [REDACTED_SSN]"


def test_a_document_alone_and_its_findings(tmp_path):
    document = tmp_path / "p.yaml"
    document.write_text("""
id: alone
processors:
  - {name: e, type: eval, expressions: [{flag: "true"}, {bad: "name.x.y"}]}
routes:
  - {name: r, destination: nowhere, filter: flag == 'true'}
""")
    events, summary = trial(tmp_path, document, events=json.dumps([{"name": "a"}]) + '\n{"name": "b}"}\n{"name": "c"}', home=tmp_path)
    assert [e["pipelines"][0]["before"]["name"] for e in events] == ["a", "b}", "c"]
    assert events[0]["pipelines"][0]["routes"] == []
    assert [len(e["pipelines"][0]["errors"]) for e in events] == [1, 1, 1], events[0]["pipelines"][0]["errors"]
    assert [f["message"] for f in summary["findings"]] == ["flag == 'true' is never true: flag is only true"]
    assert summary["findings"][0]["file"] == str(document) and summary["findings"][0]["line"] == 6
    text = genops("pipeline", "test", document, "--input", tmp_path / "spans.json", home=tmp_path).stdout
    assert "+ flag = true" in text and "route r: no" in text and "warning: " in text


@pytest.mark.parametrize("arguments,said", [
    (["pipeline", "test"], "name the events"),
    (["pipeline", "test", "nowhere.yaml", "--input", "events.json"], "nowhere.yaml: No such file"),
    (["pipeline", "test", "p.yaml", "--input", "nowhere.json"], "nowhere.json: No such file"),
    (["pipeline", "test", "p.yaml", "--input", "bad.json"], "JSON"),
    (["pipeline", "test", "p.yaml", "--input", "number.json"], "an event is a JSON object"),
    (["pipeline", "test", "bad.yaml", "--input", "events.json"], "bad.yaml:3:"),
    (["pipeline", "test", "lookup.yaml", "--input", "events.json"], "lookup.yaml:"),
    (["pipeline", "test", "p.yaml", "extra", "--input", "events.json"], "one argument too many"),
    (["pipeline", "fly"], "not \"fly\""),
    (["pipeline", "list", "x"], "takes 0 to 0 arguments"),
])
def test_wrong_use_is_told(tmp_path, arguments, said):
    (tmp_path / "events.json").write_text("{}")
    (tmp_path / "bad.json").write_text('[{"a": 1}')
    (tmp_path / "number.json").write_text("7")
    (tmp_path / "p.yaml").write_text("id: p\nroutes: [{name: r, destination: d}]\n")
    (tmp_path / "bad.yaml").write_text("id: p\nprocessors:\n  - {name: e, type: evil}\n")
    (tmp_path / "lookup.yaml").write_text("id: p\nprocessors: [{name: l, type: lookup, lookup_table: none, match_field: name}]\n")
    done = genops(*arguments, cwd=tmp_path, home=tmp_path)
    assert done.returncode in (1, 2) and done.stderr.startswith("genops: "), done.stderr
    assert said in done.stderr


# --- Cribl packs ---

def test_a_pack_there_and_back(shipped):
    done = genops("pipeline", "export", "--cribl", "--json", "out.crbl", cwd=shipped, state=shipped / "state")
    assert (done.returncode, done.stderr) == (0, "")
    notes = json.loads(done.stdout)["notes"]
    assert any("payload_template" in note["what"] for note in notes) and all(note["where"] for note in notes)
    with tarfile.open(shipped / "out.crbl", "r:gz") as pack:
        files = {member.name: pack.extractfile(member).read().decode() for member in pack}
    assert json.loads(files["package.json"])["name"] == "genops-governance"
    conf = yaml.safe_load(files["default/pipelines/genops-cost-governance/conf.yml"])
    assert [f["id"] for f in conf["functions"]] == ["comment", "eval", "lookup", "eval", "sampling", "eval"]
    assert [r["rate"] for r in conf["functions"][4]["conf"]["rules"]] == [1, 1, 2, 10]
    routes = yaml.safe_load(files["default/pipelines/route.yml"])["routes"]
    assert [r["final"] for r in routes] == [False] * 4 + [True] and "open_telemetry:genops_otlp_source" in routes[0]["filter"]
    outputs = yaml.safe_load(files["default/outputs.yml"])["outputs"]
    assert all(r["output"] in outputs for r in routes)
    assert all(rule["output"] in outputs for o in outputs.values() if o["type"] == "router" for rule in o["rules"])
    assert files["data/lookups/customer_budgets.csv"] == (shipped / "pipelines" / "customer_budgets.csv").read_text()
    assert all(yaml.safe_load(text) is not None for name, text in files.items() if name.endswith(".yml"))

    again = genops("pipeline", "export", "--cribl", "out.crbl", cwd=shipped, state=shipped / "state")
    assert again.returncode == 1 and "File exists" in again.stderr
    done = genops("pipeline", "import", "out.crbl", "--output", "back", "--json", cwd=shipped)
    assert (done.returncode, done.stderr) == (0, "")
    assert [n for n in json.loads(done.stdout)["notes"] if n["where"] != "destinations.yaml"] == []
    events = spans({"genops.cost.total": 12.5, "genops.customer_id": "enterprise-123", "genops.policy.name": "p", "genops.policy.result": "blocked",
                    "genops.policy.reason": "of Jane Doe", "genops.budget.name": "b", "genops.budget.limit": 100.0, "genops.budget.consumed": 95.0})
    ours, _ = trial(shipped, events=events)
    theirs, _ = trial(shipped, "back/pipelines/*.yaml", "--lookups", "back/lookups.yaml", events=events)
    for before, after in zip(pipelines_of(ours[0]).values(), pipelines_of(theirs[0]).values()):
        assert [r["destination"] for r in before["routes"]] == [r["destination"] for r in after["routes"]]
        assert before.get("after", {}) == after.get("after", {}) or "audit" in before["id"]


def test_an_import_tells_what_it_cannot(tmp_path):
    files = {
        "default/pipelines/p/conf.yml": "functions: [{id: serde, conf: {}}, {id: eval, conf: {add: [{name: a, value: C.vars.x}]}}]",
        "default/pipelines/q/conf.yml": "functions: [{id: eval, conf: {add: [{name: a, value: name}]}}]",
        "default/pipelines/route.yml": "routes: [{pipeline: p, final: false, filter: 'a =>', output: x}, {pipeline: q, filter: 'true', output: 'devnull'}]"}
    with tarfile.open(tmp_path / "a.crbl", "w:gz") as pack:
        for name, text in files.items():
            info = tarfile.TarInfo("./" + name)
            info.size = len(text)
            pack.addfile(info, io.BytesIO(text.encode()))
    done = genops("pipeline", "import", "a.crbl", "-o", "out", cwd=tmp_path, home=tmp_path)
    assert done.returncode == 0
    for said in ("serde", "C.vars is not part", "the route's filter", "switched off"):
        assert said in done.stderr, done.stderr
    assert "enabled: false" in (tmp_path / "out" / "pipelines" / "p.yaml").read_text()
    assert "enabled: true" in (tmp_path / "out" / "pipelines" / "q.yaml").read_text()
    done = genops("pipeline", "import", "a.crbl", "-o", "out", cwd=tmp_path, home=tmp_path)
    assert done.returncode == 1 and "not empty" in done.stderr


@pytest.mark.parametrize("member,said", [("../../escaped", "leads outside"), ("/tmp/escaped", "leads outside"), ("link", "no plain file")])
def test_packs_that_would_lead_outside(tmp_path, member, said):
    with tarfile.open(tmp_path / "a.crbl", "w:gz") as pack:
        info = tarfile.TarInfo(member)
        if member == "link":
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        pack.addfile(info)
    done = genops("pipeline", "import", "a.crbl", "-o", "deep/er/out", cwd=tmp_path, home=tmp_path)
    assert done.returncode == 1 and said in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.crbl"]


def test_a_pack_that_inflates(tmp_path):
    (tmp_path / "bomb.crbl").write_bytes(gzip.compress(bytes(200 << 20), 9))
    done = genops("pipeline", "import", "bomb.crbl", cwd=tmp_path, home=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("genops: ")
    (tmp_path / "none.crbl").write_bytes(b"not gzip")
    assert genops("pipeline", "import", "none.crbl", cwd=tmp_path, home=tmp_path).returncode == 2


# --- what runs ---

DOCUMENTS = """
destinations: [{id: kept, type: file, path: kept.jsonl}]
lookups: [{id: tiers, file: tiers.csv, reload_interval: 1s}]
pipelines:
  - id: live
    processors:
      - {name: e, type: eval, expressions: [{team: "attributes['genops.team'] || 'none'"}]}
      - {name: t, type: lookup, lookup_table: tiers, match_field: team, add_fields: [tier], default_values: {tier: unknown}}
      - {name: s, type: sampling, rules: [{condition: team == 'noise', sample_rate: 0}]}
    routes: [{name: to_kept, destination: kept}]
"""


@pytest.fixture
def serving(tmp_path):
    provider = Provider()
    provider.play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))
    (tmp_path / "tiers.csv").write_text("team,tier\nred,gold\n")
    gateway = gateways.Gateway(tmp_path, gateways.config_text({"openai": provider.url}, DOCUMENTS))
    yield gateway
    gateway.stop()
    provider.close()


def tail(gateway, *arguments):
    process = subprocess.Popen([gateways.GENOPS, "pipeline", "tail", "--json", "--config", gateway.config, "--state", gateway.state, *arguments],
                               stdout=subprocess.PIPE, text=True, env=gateways.environment(gateway.folder))
    until(lambda: any((gateway.state / "watch").glob("*.sock")), what="the viewer's socket")
    time.sleep(0.5)  # the drain looks every 300 ms
    return process


def lines_of(process, n):
    return [json.loads(process.stdout.readline()) for _ in range(n)]


def counts(gateway):
    done = genops("pipeline", "list", "--json", config=gateway.config, state=gateway.state)
    assert (done.returncode, done.stderr) == (0, "")
    return {f"{c['kind']} {c['name']}": c for c in json.loads(done.stdout)["pipelines"][0]["counts"]}


def test_tail_and_list(serving):
    viewer = tail(serving)
    for team in ("red", "noise", "blue"):
        serving.chat(headers={"x-genops-team": team})
    shown = lines_of(viewer, 3)
    viewer.send_signal(signal.SIGINT)
    assert viewer.wait(10) == 0
    by_team = {line["event"].get("team"): line for line in shown}
    assert by_team["red"]["result"] == "routed" and by_team["red"]["routes"] == [{"route": "to_kept", "destination": "kept"}]
    assert by_team["red"]["event"]["tier"] == "gold" and by_team["blue"]["event"]["tier"] == "unknown"
    dropped = next(line for line in shown if line["result"] == "dropped")
    assert set(dropped["event"]) == {"name", "trace_id", "span_id"} and dropped["routes"] == []
    assert all(line["lost"] == 0 and line["pipeline"] == "live" for line in shown)
    assert list((serving.state / "watch").iterdir()) == []

    until(lambda: counts(serving)["route to_kept"]["matched"] == 2, what="the counts")
    found = counts(serving)
    assert found["lookup t"]["in"] == 3 and found["lookup t"]["matched"] == 1
    assert found["sampling s"]["dropped"] == 1
    text = genops("pipeline", "list", config=serving.config, state=serving.state).stdout
    assert "route to_kept" in text and "-> kept" in text


def test_a_viewer_that_does_not_read_holds_nothing_up(serving):
    stuck, other = tail(serving), tail(serving, "live")
    os.kill(stuck.pid, signal.SIGSTOP)
    n = 300
    for _ in range(n):
        serving.chat(headers={"x-genops-team": "red"})
    until(lambda: counts(serving)["route to_kept"]["matched"] == n, seconds=30, what="all events routed")
    assert len(lines_of(other, n)) == n
    os.kill(stuck.pid, signal.SIGCONT)
    stuck.kill()  # its socket stays behind
    assert stuck.wait(10) == -signal.SIGKILL
    other.terminate()
    assert other.wait(10) == 0
    serving.chat(headers={"x-genops-team": "red"})
    until(lambda: counts(serving)["route to_kept"]["matched"] == n + 1, what="one more")


def test_a_dead_viewers_socket_is_taken_away(serving):
    viewer = tail(serving)
    viewer.kill()
    viewer.wait(10)
    other = tail(serving)  # the drain looks again
    serving.chat(headers={"x-genops-team": "red"})
    assert lines_of(other, 1)[0]["pipeline"] == "live"
    other.terminate()
    other.wait(10)
    assert select.select([], [], [], 0)  # nothing waits


def test_lookups_and_pipelines_are_reloaded(serving):
    viewer = tail(serving)
    tiers = serving.folder / "tiers.csv"

    def tier():
        serving.chat(headers={"x-genops-team": "red"})
        return lines_of(viewer, 1)[0]["event"]["tier"]
    assert tier() == "gold"
    tiers.write_text("team,tier\nred,silver\n")
    until(lambda: tier() == "silver", what="the new table")
    tiers.write_text('team,tier\n"red,broken')
    until(lambda: any("stays as it was" in line or "changed configuration" in line for line in serving.log), what="the complaint")
    time.sleep(1.5)
    assert tier() == "silver"  # the last good one
    tiers.unlink()
    time.sleep(2.5)
    assert tier() == "silver"
    tiers.write_text("team,tier\nred,bronze\n")
    until(lambda: tier() == "bronze", what="the mended table")
    serving.config.write_text(serving.config.read_text().replace("tier: unknown", "tier: nobody"))

    def unknown():
        serving.chat(headers={"x-genops-team": "green"})
        return lines_of(viewer, 1)[0]["event"]["tier"]
    until(lambda: unknown() == "nobody", what="the changed pipeline")
    viewer.terminate()
    viewer.wait(10)
    assert counts(serving)["route to_kept"]["matched"] > 5  # counted on
