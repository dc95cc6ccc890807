# SPDX-License-Identifier: Apache-2.0
"""Prometheus: a real one scrapes `genops serve` and takes remote write, and answers the guides' queries; faults of remote write at a receiver
that refuses what the specification says a sender must not send.

Proves: CORE-073, OTL-053, OTL-057, OTL-072, OTL-073, OTL-074, OTL-075, OTL-077, CRB-104, CRB-310, A-071, A-072, C-06, C-24.
"""
import json
import math
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.parse

import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

import receivers
from chaos_stage import free_port
from chaos_stage import wait_for as wait_until
from fakes.remote_write import FakeRemoteWrite
from gateway import genops
from receivers import post

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
RECEIVERS = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
PIPELINE = {"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [
    {"cost_total": "attributes['genops.cost.total']"}, {"team": "attributes['genops.team']"}, {"tokens_input": "7"}]}],
            "routes": [{"name": "to_grafana_prometheus", "destination": "prometheus_remote_write", "filter": "cost_total != null"}]}


def wait_for(condition, seconds, what="it did not come"):
    return wait_until(condition, seconds, what)


def promtool(text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Prometheus:
    """The real one, scraping `target`, taking remote write."""

    def __init__(self, folder, target):
        self.port = free_port()
        folder.mkdir()
        (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": {"scrape_interval": "200ms"}, "scrape_configs": [
            {"job_name": "scraped", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]}))
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver"],
            stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"))
        self.log = folder / "log"
        self.url = f"http://127.0.0.1:{self.port}/api/v1/write"

    def query(self, text):
        """{labels: value}"""
        try:
            reply = post(self.port, "/api/v1/query?" + urllib.parse.urlencode({"query": text}), method="GET", headers={})
        except OSError:
            return {}
        if reply.status == 503:
            return {}
        assert reply.status == 200, reply.body
        return {tuple(sorted((k, v) for k, v in one["metric"].items() if k != "__name__")): float(one["value"][1])
                for one in reply.json()["data"]["result"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)


def span(cost=0.1, team="ml-platform", number=None, **more):
    number = number if number is not None else time.time_ns()
    attributes = {"genops.cost.total": cost, "genops.team": team, "genops.project": "chat", "gen_ai.request.model": "gpt-4",
                  "gen_ai.system": "openai", **more}
    start = time.time_ns() - 10**9
    return {"name": "chat", "traceId": f"{number + 1:032x}", "spanId": f"{number % 2**63 + 1:016x}", "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 3 * 10**8), "attributes": [
                {"key": key, "value": {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}} for key, value in attributes.items()]}


def send(running, *spans):
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})
    assert post(running.http, body=body.encode(), headers=receivers.JSON).status == 200


def metrics(cost, at, delta=False, service="app"):
    """genops.cost.total and ai.request.duration, as an SDK sends them."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    scope = resource.scope_metrics.add()
    scope.scope.name = "genops"
    one = scope.metrics.add(name="genops.cost.total", unit="USD", description='Cost "so far"\n')
    one.sum.aggregation_temporality, one.sum.is_monotonic = (1 if delta else 2), True
    point = one.sum.data_points.add(start_time_unix_nano=at - 10**9, time_unix_nano=at, as_double=cost)
    point.attributes.add(key="genops.team").value.string_value = 'ml "platform"\\'
    two = scope.metrics.add(name="ai.request.duration", unit="s")
    two.histogram.aggregation_temporality = 2
    point = two.histogram.data_points.add(start_time_unix_nano=at - 10**9, time_unix_nano=at, count=10, sum=7.5, bucket_counts=[5, 4, 1, 0],
                                          explicit_bounds=[0.5, 1, 5])
    point.attributes.add(key="ai.model.name").value.string_value = "gpt-4"
    return request.SerializeToString()


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(more, destinations=None, pipelines=None, env=None):
        documents = ""
        for name, each in (("destinations", destinations), ("pipelines", pipelines)):
            if each:
                (tmp_path / f"{name}.yaml").write_text("\n---\n".join(one if isinstance(one, str) else yaml.safe_dump(one) for one in each))
                documents += f"{name}: {name}.yaml\n"
        running = receivers.Serve(tmp_path, RECEIVERS + documents + more, env=env or {})
        started.append(running)
        return running

    yield serve
    for running in started:
        running.stop()


def scrape(port, **headers):
    return post(port, "/metrics", method="GET", headers=headers)


def pull_config(port, **more):
    return yaml.safe_dump({"exporters": {"prometheus": {"endpoint": f"127.0.0.1:{port}", **more}}, "service": {"pipelines": {"metrics": {
        "receivers": ["otlp"], "processors": ["batch"], "exporters": ["prometheus"]}}}, "processors": {"batch": {"timeout": "100ms"}}})


@pytest.mark.skipif(not shutil.which("prometheus"), reason="no prometheus here")
def test_a_real_prometheus_answers_the_guides_queries(serve, tmp_path):
    """Scraped on the exporter's own address; and by remote write from the guide's route."""
    scraped = free_port()
    with Prometheus(tmp_path / "prometheus", scraped) as prometheus:
        running = serve(pull_config(scraped) + "governance: {budgets: [{name: all, daily_budget: 100}]}\n", destinations=[
            {"id": "prometheus_remote_write", "type": "prometheus_remote_write", "endpoint": prometheus.url, "flush_interval": "0.1s",
             "push_interval": "0.5s", "external_labels": {"cluster": "test"}}], pipelines=[PIPELINE])
        send(running, *[span(0.01, "ml-platform", n) for n in range(1, 51)], *[span(0.02, "search", n) for n in range(51, 61)])
        mine = '{job="scraped"}'
        wait_for(lambda: prometheus.query(f"sum(genops_cost_total{mine}) by (genops_team)") ==
                 {(("genops_team", "ml-platform"),): 0.5, (("genops_team", "search"),): 0.2}, 15, lambda: running.log)
        # P95 latency by model, as the guide has it: all of them took 0.3 s.
        send(running, *[span(0.01, "ml-platform", n) for n in range(61, 71)])
        answers = wait_for(lambda: [v for v in prometheus.query(
            'histogram_quantile(0.95, rate(ai_request_duration_bucket{ai_model_name="gpt-4"}[5m]))').values() if not math.isnan(v)], 15)
        assert all(0.25 <= v <= 0.5 for v in answers), answers
        assert list(prometheus.query('sum(rate(traces{genops_team="ml-platform"}[5m])) by (genops_project)')) == [(("genops_project", "chat"),)] or \
            (("genops_project", "chat"),) in prometheus.query('sum(rate(traces{genops_team="ml-platform"}[5m])) by (genops_project)')
        wait_for(lambda: prometheus.query("rate(genops_budget_consumed[1h])"), 10)
        assert list(prometheus.query("genops_budget_consumed").values())[0] == pytest.approx(0.8, abs=1e-9)
        # Remote write: exact, and the increase is all of it, since a zero went before the first sample.
        wait_for(lambda: prometheus.query('sum(genops_cost_total{cluster="test"}) by (genops_team)') ==
                 {(("genops_team", "ml-platform"),): 0.6, (("genops_team", "search"),): 0.2}, 15, lambda: running.log)
        assert sum(prometheus.query('genops_tokens_total{cluster="test",type="input"}').values()) == 7 * 70
        assert "error" not in prometheus.log.read_text().lower().replace("error_handling", ""), prometheus.log.read_text()
        for headers in ({}, {"accept": OPEN}):
            assert scrape(scraped, **headers).status == 200
        assert promtool(scrape(scraped).body.decode()) == (0, "")


def test_the_exporters_own_address(serve):
    """Received metrics and GenOps' own, in one exposition; namespace, constant labels; OpenMetrics; who is let in."""
    port = free_port()
    running = serve(pull_config(port, namespace="prod", const_labels={"dc": "a"}, send_timestamps=True))
    now = time.time_ns()
    assert post(running.http, "/v1/metrics", metrics(0.05, now)).status == 200
    wait_for(lambda: b"prod_ai_request_duration_bucket" in scrape(port).body, 10, lambda: running.log)
    reply = scrape(port)
    lines = reply.body.decode().splitlines()
    assert reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    team = 'genops_team="ml \\"platform\\"\\\\"'
    assert f'prod_genops_cost_total{{dc="a",{team},job="app",otel_scope_name="genops"}} 0.05 {now // 10**6}' in lines, lines
    assert 'prod_ai_request_duration_bucket{dc="a",ai_model_name="gpt-4",job="app",otel_scope_name="genops",le="1"} 9 ' + str(now // 10**6) in lines
    assert any(line.startswith('prod_genops_self_processes{dc="a"} ') for line in lines)
    reply = scrape(port, accept=OPEN)
    assert reply.header("content-type").startswith("application/openmetrics-text; version=1.0.0")
    text = reply.body.decode()
    assert "# TYPE prod_genops_cost counter\n" in text and text.endswith("# EOF\n")
    assert post(port, "/other", method="GET", headers={}).status == 404
    assert scrape(port, authorization="Bearer wrong").status == 401
    # A point that is not newer changes nothing; a delta of another series is added up, once.
    assert post(running.http, "/v1/metrics", metrics(0.01, now - 10**9)).status == 200
    for at in (now, now + 10**6, now + 10**6):
        assert post(running.http, "/v1/metrics", metrics(0.25, at, delta=True, service="delta")).status == 200
    wait_for(lambda: b'job="delta",otel_scope_name="genops"} 0.5 ' in scrape(port).body, 10, lambda: scrape(port).body)
    assert f"{team},job=\"app\",otel_scope_name=\"genops\"}} 0.05 " in scrape(port).body.decode()


def test_counters_do_not_fall_over_restarts_and_kills(serve, tmp_path):
    port = free_port()
    config = pull_config(port)
    total = lambda: sum(float(line.rsplit(" ", 1)[1]) for line in scrape(port).body.decode().splitlines()
                        if line.startswith("genops_cost_total{") and "job=" not in line)
    received = lambda: [line for line in scrape(port).body.decode().splitlines() if line.startswith("genops_cost_total{") and "job=" in line]
    n, seen = 0, 0
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        running = serve(config)
        if n:
            assert wait_for(total, 10) >= seen - 1e-9, "a counter fell"
        send(running, *[span(0.01, "t", n + i) for i in range(20)])
        if not n:
            assert post(running.http, "/v1/metrics", metrics(0.05, time.time_ns(), delta=True)).status == 200
            wait_for(received, 10)
        n += 20
        wait_for(lambda: total() == pytest.approx(0.01 * n, abs=1e-9), 15, lambda: (total(), running.log))
        send(running, *[span(0.01, "t", n + i) for i in range(20)])  # killed at whatever they have come to
        n += 20
        seen = total()
        running.stop(number)
    running = serve(config)
    wait_for(lambda: total() == pytest.approx(0.01 * n, abs=1e-9), 15, lambda: (total(), running.log))
    cost = json.loads(genops("cost", "--json", state=running.state, config=running.config, home=running.folder).stdout)
    assert cost["total"]["cost_nano_usd"] == n * 10**7
    assert received() and received()[0].endswith(" 0.05")


def push_document(url, **more):
    return {"id": "prometheus_remote_write", "type": "prometheus_remote_write", "url": url + "/api/v1/write", "flush_interval": "0.1s",
            "push_interval": "0.1s", "retry_interval": "0.1s", "timeout": "1s", **more}


def test_totals_survive_faults_kills_and_downtime(serve):
    """429 with and without Retry-After, 500, time-out, a lost answer, 400, refused credentials' neighbour 503, then nobody there and a kill."""
    fake = FakeRemoteWrite(user="42:secret", tenant="acme")
    port = fake.port
    document = push_document(fake.url, basic_auth={"username": 42, "password": "${PASSWORD}"}, tenant="acme", external_labels={"Zone": "z"})
    config = ""
    running = serve(config, [document], [PIPELINE], env={"PASSWORD": "secret"})
    n = 0
    for fault in ((429, {"retry-after": "1"}, "slow down"), (429, {}, ""), (500, {}, "oh"), "hang", "cut", (400, {}, "out of order sample"), (503, {}, "")):
        fake.script.append(fault)
        send(running, *[span(0.001, "t", n + i) for i in range(10)])
        n += 10
        wait_for(lambda: fake.total("genops_cost_total") == pytest.approx(0.001 * n, abs=1e-12) or not fake.script, 20, lambda: running.log)
        if fault[0] != 400:
            wait_for(lambda: fake.total("genops_cost_total") == pytest.approx(0.001 * n, abs=1e-12), 20, lambda: (fault, running.log))
    labels = dict(next(iter(fake.latest("genops_cost_total"))))
    assert labels["job"] == "genops" and labels["instance"] and labels["Zone"] == "z" and labels["genops_team"] == "t"
    assert fake.metadata["genops_cost_total"] == (1, "Cost of AI operations in USD.") and fake.metadata["ai_request_duration"][0] == 3
    fake.close()
    send(running, *[span(0.001, "t", n + i) for i in range(50)])
    n += 50
    time.sleep(0.5)  # some of them are absorbed
    running.stop(signal.SIGKILL)
    again = FakeRemoteWrite(port, user="42:secret", tenant="acme")
    again.series = fake.series
    running = serve(config, [document], [PIPELINE], env={"PASSWORD": "secret"})
    wait_for(lambda: again.total("genops_cost_total") == pytest.approx(0.001 * n, abs=1e-12), 20, lambda: (again.total("genops_cost_total"), n, running.log))
    assert again.total("genops_operations_total") == n and again.total("ai_request_duration_count") == n
    assert all(value >= before for series in again.series.values() for (_, before), (_, value) in zip(series, series[1:])), "a counter fell"
    assert not (running.state / "dead-letter.jsonl").exists()
    again.close()


def test_the_guides_pipeline_as_it_is_written(serve):
    """CRB-104: route to_grafana_prometheus; fields of its own are labels; the other destinations stand as files."""
    pipeline = (GUIDE / "pipelines/genops-cost-governance.yaml").read_text()
    made = yaml.safe_load(pipeline)
    assert {"name": "to_grafana_prometheus", "description": "Send cost metrics to Grafana/Prometheus", "destination": "prometheus_remote_write",
            "filter": "cost_total != null"} in made["routes"]
    with FakeRemoteWrite() as fake:
        others = [{"id": name, "type": "file", "path": f"out/{name}"} for name in
                  sorted({route["destination"] for route in made["routes"]} - {"prometheus_remote_write"})]
        running = serve(f"lookups: [{{id: customer_budgets, type: csv, file: {GUIDE}/lookups/customer_budgets.csv, key_field: customer_id}}]\n",
                        [push_document(fake.url), *others], [pipeline])
        # Over $10 all are kept; one that is kept for two counts for two.
        send(running, *[span(12.5, "ml-platform", n, **{"genops.cost.model": "gpt-4", "genops.cost.provider": "openai", "genops.tokens.output": "30"})
                        for n in range(3)], span(12.5, "search", 9))
        wait_for(lambda: fake.total("genops_cost_total") == 50, 15, lambda: (fake.series, running.log))
        labels = [dict(labels) for labels in fake.latest("genops_cost_total", genops_team="ml-platform")]
        assert labels[0] == {"__name__": "genops_cost_total", "genops_team": "ml-platform", "genops_project": "chat", "genops_environment": "development",
                             "genops_customer_id": "none", "genops_feature": "none", "ai_model_provider": "openai", "ai_model_name": "gpt-4",
                             "job": "genops", "instance": labels[0]["instance"]}
        assert fake.total("genops_tokens_total", type="output") == 90


def test_received_metrics_go_in_order_and_once(serve):
    """As samples at their own times, in the Collector's format; over time-outs, lost answers, a 400 for one of them, downtime, kills."""
    fake = FakeRemoteWrite()
    config = yaml.safe_dump({"exporters": {"prometheusremotewrite": {"endpoint": fake.url + "/api/v1/write", "timeout": "1s", "retry_on_failure": {
        "initial_interval": "100ms", "max_interval": "200ms"}}}, "service": {"pipelines": {"metrics": {"receivers": ["otlp"], "processors": [
            "batch"], "exporters": ["prometheusremotewrite"]}}}, "processors": {"batch": {"timeout": "100ms"}}})
    running = serve(config)
    start = time.time_ns()
    times = []

    def put(step, **more):
        times.append((start + step * 10**9) // 10**6)
        assert post(running.http, "/v1/metrics", metrics(0.1 * step, start + step * 10**9, **more)).status == 200

    def there():
        found = [samples for labels, samples in fake.series.items() if ("__name__", "genops_cost_total") in labels]
        return [ms for ms, _ in found[0]] if found else []

    for step, fault in enumerate((None, (500, {}, ""), "cut", "hang", (429, {}, "")), 1):
        fake.script.append(fault)
        put(step)
        wait_for(lambda: there() == times, 20, lambda: (there(), times, running.log))
    # An older one is left out, told and counted; those after it go.
    assert post(running.http, "/v1/metrics", metrics(0.05, start)).status == 200
    put(6)
    wait_for(lambda: there() == times, 20, lambda: (there(), times, running.log))
    assert any("not newer" in line for line in running.log)
    fake.is_down = True
    for step in (7, 8, 9):
        put(step)
    running.stop(signal.SIGKILL)
    fake.is_down = False
    running = serve(config)
    wait_for(lambda: there() == times, 20, lambda: (there(), times, running.log))
    assert [value for labels, samples in fake.series.items() if ("le", "1") in labels for _, value in samples][-1] == 9
    fake.close()


def test_settings_that_cannot_be(tmp_path):
    for text, message, fix in (
            ("exporters: {prometheus: {endpoint: nowhere}}\n", "endpoint is no address", "127.0.0.1:8889"),
            ("exporters: {prometheus: {endpoint: '127.0.0.1:1', timeout: 3s}}\n", "timeout: nothing is sent", "remove it"),
            ("exporters: {prometheus: {endpoint: '127.0.0.1:1', namespace: 1a}}\n", "namespace cannot begin a name", "letters"),
            ("exporters: {prometheusremotewrite: {endpoint: prometheus:9090}}\n", "is not a URL", "/api/v1/write"),
            ("destinations: [{id: p, type: prometheus_remote_write, url: 'http://x/', push_intervall: 1s}]\n", "push_intervall", "push_interval"),
            ("destinations: [{id: p, type: prometheus_remote_write, url: 'http://x/', external_labels: {__name__: a}}]\n", "is no name of a label", "letters"),
            ("destinations: [{id: p, type: prometheus_remote_write, url: 'http://x/', metrics: {mappings: [{name: x, value: '${(}'}]}}]\n", "", ""),
            ("destinations: [{id: p, type: prometheus_remote_write, url: 'http://x/', metrics: {mappings: [{name: x, value: '1', buckets: [1]}]}}]\n",
             "only a histogram has buckets", "histogram")):
        config = tmp_path / "c.yaml"
        config.write_text(text)
        done = genops("validate", state=tmp_path / "state", config=config, home=tmp_path)
        said = done.stdout + done.stderr
        assert done.returncode in (1, 2) and message in said and fix in said and "c.yaml:" in said, said
