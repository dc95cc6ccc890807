# SPDX-License-Identifier: Apache-2.0
"""Datadog: the guide's document as it is written, behind the guide's pipelines, through a real `genops serve`, at a fake that refuses what
Datadog refuses and keeps points as Datadog keeps them.

Proves: CRB-103, CRB-131, CRB-165, CRB-216..233, CRB-211, CORE-051, CORE-071, OTL-068, A-073.
"""
import json
import pathlib
import time

import pytest
import yaml

import receivers
from chaos_stage import free_port, wait_for
from fakes.datadog import COUNT, GAUGE, KEY, FakeDatadog
from gateway import genops
from receivers import post

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
COST = {"genops.cost.total": 12.5, "genops.tokens.total": 1500.0, "genops.team": "ml-platform", "genops.project": "chat bot",
        "genops.environment": "production", "genops.customer_id": "c-1"}
TAGS = {"team:ml-platform", "source:cribl"}


def document(url, **changes):
    """The guide's, with the address of the fake in place of Datadog's."""
    text = (GUIDE / "destinations/datadog_metrics_dest.yaml").read_text()
    assert text.count("https://api.datadoghq.com") == 1
    made = yaml.safe_load(text.replace("https://api.datadoghq.com", url))
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


def span(attributes, name="chat", age=0):
    def value(x):
        return {"doubleValue": x} if isinstance(x, float) else {"stringValue": x}
    start = time.time_ns() - int(age * 1e9)
    return {"name": name, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{start % 2**64:016x}", "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 10**6), "attributes": [{"key": key, "value": value(x)} for key, x in attributes.items()]}


def send(running, *spans):
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})
    assert post(running.http, body=body.encode(), headers=receivers.JSON).status == 200


def simple(filter_="cost_total != null"):
    """All costs, nothing sampled away."""
    return {"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [
        {"cost_total": "attributes['genops.cost.total']"}, {"team": "attributes['genops.team']"}, {"n": "attributes['n']"}]}],
            "routes": [{"name": "all", "destination": "datadog_metrics_dest", "filter": filter_, "output_format": "datadog_metrics"}]}


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(destinations, pipelines, env=None, more=""):
        for name, each in (("destinations", destinations), ("pipelines", pipelines)):
            (tmp_path / f"{name}.yaml").write_text("\n---\n".join(one if isinstance(one, str) else yaml.safe_dump(one) for one in each))
        running = receivers.Serve(tmp_path, "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                                  f"pipelines: pipelines.yaml\ndestinations: destinations.yaml\n{more}", env=env or {})
        started.append(running)
        return running

    yield serve
    for running in started:
        running.stop()


def others(pipelines, known):
    """The guide's other destinations, as files."""
    needed = {route["destination"] for text in pipelines for route in yaml.safe_load(text)["routes"]}
    return [{"id": name, "type": "file", "path": f"out/{name}"} for name in sorted(needed - known)]


def without_settings(text):
    """The routes' settings are for the destinations that stand as files here."""
    made = yaml.safe_load(text)
    for route in made["routes"]:
        if route["destination"] != "datadog_metrics_dest":
            for key in ("compression", "dataset", "retention", "encryption", "versioning", "object_lock", "table", "output_format"):
                route.pop(key, None)
    return yaml.safe_dump(made)


def test_the_guides_document_behind_its_three_pipelines(serve):
    names = ("genops-cost-governance", "genops-policy-compliance", "genops-budget-alerting")
    pipelines = [without_settings((GUIDE / f"pipelines/{name}.yaml").read_text()) for name in names]
    with FakeDatadog() as datadog:
        text = (GUIDE / "destinations/datadog_metrics_dest.yaml").read_text().replace("https://api.datadoghq.com", datadog.url)
        assert "flush_interval: 10s" in text  # the test does not wait for that
        running = serve([text.replace("flush_interval: 10s", "flush_interval: 1s"), *others(pipelines, {"datadog_metrics_dest"})], pipelines,
                        env={"DATADOG_API_KEY": KEY}, more=f"lookups: [{{id: customer_budgets, type: csv, file: {GUIDE}/lookups/customer_budgets.csv, key_field: customer_id}}]")
        send(running, span(COST), span({"genops.policy.name": "pii", "genops.policy.result": "blocked", "genops.team": "Sec Ops"}),
             span({"genops.budget.name": "b", "genops.budget.limit": 100.0, "genops.budget.used": 90.0, "genops.budget.utilization_percent": 90.0,
                   "genops.team": "ml-platform"}))
        wait_for(lambda: {"genops.cost.total", "genops.tokens.total", "genops.budget.utilization", "genops.policy.violations"} <= datadog.metrics(),
                 15, lambda: (running.log, datadog.requests))
        request = datadog.taken()[0]
        assert request.path == "/api/v2/series" and request.headers["dd-api-key"] == KEY
        by_name = {}
        for (metric, tags, host, _), point in datadog.points.items():
            by_name.setdefault(metric, []).append((set(tags), host, point))
        tags, host, (kind, value, unit, _) = by_name["genops.cost.total"][0]
        assert (kind, value, unit) == (GAUGE, 12.5, "USD") and host
        assert tags == {"team:ml-platform", "project:chat_bot", "environment:production", "source:cribl"}
        assert by_name["genops.tokens.total"][0][2][:2] == (COUNT, 1500) and by_name["genops.tokens.total"][0][2][3] == 1
        tags, _, (kind, value, unit, _) = by_name["genops.budget.utilization"][0]
        assert (kind, value, unit) == (GAUGE, 90, "percent") and TAGS <= tags
        (tags, _, (kind, value, _, _)), = by_name["genops.policy.violations"]  # a cost says nothing of policies: CRB-230
        assert (kind, value) == (COUNT, 1) and "team:sec_ops" in tags and not any(tag.startswith("project:") for tag in tags)
        assert len(by_name["genops.cost.total"]) == 1


def test_sums_are_right_however_many_come_at_once(serve):
    """A-073: with one point an event Datadog would keep the last of a second."""
    with FakeDatadog() as datadog:
        running = serve([document(datadog.url, batch_size=100, flush_interval="200ms")], [simple()], env={"DATADOG_API_KEY": KEY})
        for start in range(0, 700, 50):
            send(running, *[span({"genops.cost.total": 0.25, "genops.team": f"t{n % 3}"}) for n in range(start, start + 50)])
        wait_for(lambda: datadog.total("genops.cost.total") >= 175, 20, lambda: (datadog.total("genops.cost.total"), running.log))
        assert datadog.total("genops.cost.total") == 175.0 and datadog.total("genops.cost.total", "team:t0") == 234 * 0.25
        assert datadog.n_dropped == 0
        seconds = {key[3] for key in datadog.points}
        assert len(seconds) == len(datadog.taken())  # each request has a second of its own


def test_old_events_and_a_downtime_lose_nothing(serve):
    port = free_port()
    running = serve([document(f"http://127.0.0.1:{port}", flush_interval="100ms", max_retries=0, retry_interval="50ms")], [simple()],
                    env={"DATADOG_API_KEY": KEY})
    send(running, span({**COST}, age=86400), span({**COST}, age=0))
    wait_for(lambda: any("datadog_metrics_dest" in line and "no answer" in line for line in running.log), 10, lambda: running.log)
    with FakeDatadog(port) as datadog:
        wait_for(lambda: datadog.total("genops.cost.total") == 25, 20, lambda: running.log)
        assert datadog.n_dropped == 0


def test_each_failure_is_tried_again_and_counted_once(serve):
    with FakeDatadog() as datadog:
        datadog.script = [(429, {"Retry-After": "1"}, {"errors": ["rate limited"]}), (429, {}, ""), (500, {}, "oops"), (408, {}, ""), "cut"]
        running = serve([document(datadog.url, flush_interval="100ms", max_retries=0, retry_interval="20ms", timeout="2s")], [simple()],
                        env={"DATADOG_API_KEY": KEY})
        send(running, span(COST), span(COST))
        wait_for(lambda: len(datadog.requests) >= 6 and datadog.taken(), 20, lambda: running.log)
        assert datadog.total("genops.cost.total") == 25.0  # the answer that was lost and the repetition have the same second
        assert datadog.requests[1].time - datadog.requests[0].time >= 0.9


def test_a_refused_key_holds_everything_and_a_renewed_one_lets_it_go(serve, tmp_path):
    """Without a restart: the file is read again when it changes."""
    secret = tmp_path / "key"
    secret.write_text("wrong-key\n")
    with FakeDatadog() as datadog:
        running = serve([document(datadog.url, api_key=f"${{file:{secret}}}", flush_interval="100ms")], [simple()])
        send(running, span(COST))
        wait_for(lambda: any("refuses the API key" in line for line in running.log), 10, lambda: running.log)
        assert "wrong-key" not in "".join(running.log) and not datadog.points
        secret.write_text(KEY + "\n")
        wait_for(lambda: datadog.total("genops.cost.total") == 12.5, 20, lambda: running.log)


def test_what_is_rejected_is_told_and_kept(serve):
    with FakeDatadog() as datadog:
        datadog.script = [(400, {"content-type": "application/json"}, {"errors": ["Payload is not in the expected format: type"]}),
                          (202, {}, {"errors": ["a metric was too old"]})]
        running = serve([document(datadog.url, flush_interval="100ms")], [simple()], env={"DATADOG_API_KEY": KEY})
        send(running, span(COST))
        wait_for(lambda: any("not in the expected format" in line for line in running.log), 10, lambda: running.log)
        letter = wait_for(lambda: (running.state / "dead-letter.jsonl").exists() and (running.state / "dead-letter.jsonl").read_text(), 5, "a letter")
        assert "Payload is not in the expected format" in letter and '"route":"all"' in letter
        send(running, span(COST))
        wait_for(lambda: any("a metric was too old" in line for line in running.log), 10, lambda: running.log)


@pytest.mark.parametrize("key, is_right", [(KEY, True), ("another", False)])
def test_the_key_is_checked_by_datadogs_own_check(tmp_path, key, is_right):
    """CRB-233."""
    with FakeDatadog() as datadog:
        (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": document(datadog.url), "pipelines": simple()}))
        done = genops("destination", "test", "datadog_metrics_dest", state=tmp_path / "state", config=tmp_path / "genops.yaml", env={"DATADOG_API_KEY": key})
        assert done.returncode == (0 if is_right else 1), done.stdout + done.stderr
        request, = datadog.requests
        assert (request.method, request.path, request.headers["dd-api-key"]) == ("GET", "/api/v1/validate", key) and not request.body
        assert is_right or "refuses the API key" in done.stdout + done.stderr


@pytest.mark.parametrize("change, message", [
    ({"api_key": "${NO_SUCH_KEY}"}, "NO_SUCH_KEY is not set"), ({"api_key": None}, "needs \"api_key\""),
    ({"endpoint": None}, "endpoint is missing"), ({"endpoint": "api.datadoghq.com"}, "is not a URL"), ({"sites": "x"}, "sites"),
    ({"metrics": {"mappings": [{"name": "cost", "value": "${cost_total", "type": "gauge"}]}}, "value"),
    ({"metrics": {"mappings": [{"name": "7cost", "value": "${a}"}], "prefix": ""}}, "is no name of a metric"),
    ({"metrics": {"mappings": [{"name": "cost", "value": "${a}", "type": "distribution"}]}}, "distribution"),
    ({"metrics": {"mappings": []}}, "mappings is empty"), ({"metrics": {"tags": ["a"], "mapings": []}}, "mappings"),
])
def test_wrong_settings_are_told_with_their_place(tmp_path, change, message):
    made = {key: value for key, value in {**document("http://127.0.0.1:1"), **change}.items() if value is not None}
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": made, "pipelines": simple()}))
    done = genops("validate", "--offline", state=tmp_path / "state", config=tmp_path / "genops.yaml", env={"DATADOG_API_KEY": KEY})
    assert done.returncode != 0 and message in done.stdout + done.stderr, done.stdout + done.stderr
    assert "genops.yaml:" in done.stdout + done.stderr
