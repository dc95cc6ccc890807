# SPDX-License-Identifier: Apache-2.0
"""The Collector's `datadog` exporter: the OpenTelemetry guide's file as it is written (addresses of fakes beside the key), spans at the trace
intake, data points as series; counters that only grow are sent as what they grow by, over failures and restarts.

Proves: OTL-054, OTL-056, OTL-057, OTL-067, OTL-068, CORE-071, TRL-093.
"""
import pathlib
import time

import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

import receivers
from chaos_stage import free_port, wait_for
from fakes.datadog import COUNT, GAUGE, KEY, FakeDatadog, FakeDatadogTraces
from receivers import post

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "golden" / "config" / "collector.yaml"


def put(attributes, values):
    for key, value in values.items():
        made = attributes.add(key=key).value
        if isinstance(value, bool):
            made.bool_value = value
        elif isinstance(value, int):
            made.int_value = value
        elif isinstance(value, float):
            made.double_value = value
        elif isinstance(value, list):
            for one in value:
                made.array_value.values.add().string_value = one
        else:
            made.string_value = value


def traces(*spans, resource=None):
    request = trace_service_pb2.ExportTraceServiceRequest()
    group = request.resource_spans.add()
    put(group.resource.attributes, resource or {"service.name": "shop"})
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "OpenTelemetry.Instrumentation-openai", "1.2"
    for number, (name, attributes) in enumerate(spans):
        span = scope.spans.add(name=name, trace_id=bytes(range(1, 17)), span_id=bytes([0, 0, 0, 0, 0, 0, 1, number]), kind=3,
                               start_time_unix_nano=time.time_ns() - 10**9, end_time_unix_nano=time.time_ns())
        if number:
            span.parent_span_id = bytes([0, 0, 0, 0, 0, 0, 1, 0])
        put(span.attributes, attributes)
    return request.SerializeToString()


def metrics(resource=None, start=None, at=None, **values):
    """name__kind=value: gauge, sum (cumulative), delta."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    put(group.resource.attributes, resource or {"service.name": "shop", "deployment.environment.name": "production", "host.name": "web-1"})
    scope = group.scope_metrics.add()
    at = at or time.time_ns()
    for key, value in values.items():
        name, kind = key.rsplit("__", 1)
        metric = scope.metrics.add(name=name.replace("_", "."), unit="{USD}" if "cost" in name else "1")
        if kind == "histogram":
            point = metric.histogram.data_points.add(count=sum(value), sum=float(sum(value)), explicit_bounds=[1.0, 2.5], bucket_counts=value)
            metric.histogram.aggregation_temporality = 1
        else:
            data = metric.gauge if kind == "gauge" else metric.sum
            point = data.data_points.add(as_double=value)
            if kind != "gauge":
                metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, 2 if kind == "sum" else 1
        point.time_unix_nano, point.start_time_unix_nano = at, start or at - 10**10
        put(point.attributes, {"genops.team": "ML-Platform"})
    return request.SerializeToString()


@pytest.fixture
def stage(tmp_path):
    """(series, traces, serve): the guide's file, with the fakes' addresses."""
    started = []
    series, spans = FakeDatadog(), FakeDatadogTraces()

    def serve(folder=tmp_path, more=""):
        folder.mkdir(exist_ok=True)
        text = GUIDE.read_text()
        assert text.count('    api:\n      key: "${DATADOG_API_KEY}"\n') == 1
        text = text.replace('    api:\n      key: "${DATADOG_API_KEY}"\n', f'    api:\n      key: "${{DATADOG_API_KEY}}"\n    metrics: {{endpoint: "{series.url}"}}\n'
                            f'    traces: {{endpoint: "{spans.url}"}}\n{more}')
        text = text.replace("0.0.0.0:8889", f"127.0.0.1:{free_port()}").replace("0.0.0.0:4317", "127.0.0.1:0").replace("0.0.0.0:4318", "127.0.0.1:0")
        text = text.replace("timeout: 10s", "timeout: 300ms")  # nobody waits for that here
        text = text.replace("http://elasticsearch:9200", f"http://127.0.0.1:{free_port()}")
        started.append(receivers.Serve(folder, text, env={"DATADOG_API_KEY": KEY}))
        return started[-1]

    yield series, spans, serve
    for one in started:
        one.stop()
    series.close()
    spans.close()


def send(running, path, body):
    assert post(running.http, path, body).status == 200


def test_spans_of_the_guides_pipeline(stage):
    _, spans, serve = stage
    running = serve()
    send(running, "/v1/traces", traces(("chat gpt-4", {"genops.team": "ml-platform", "genops.cost.total": 0.25, "n": 7, "is": True, "list": ["a", "b"]}),
                                       ("other team", {"genops.team": "vision"}), ("child", {"genops.team": "ml-platform"}),
                                       resource={"service.name": "shop", "deployment.environment.name": "staging", "host.name": "web-1",
                                                 "service.version": "1.0", "telemetry.sdk.language": "python", "telemetry.sdk.version": "1.9"}))
    wait_for(lambda: len(spans.spans) >= 2, 20, lambda: (running.log, [request.status for request in spans.requests]))
    parent, child = sorted(spans.spans, key=lambda span: span.spanID)  # the filter of the guide keeps one team
    assert (parent.service, parent.resource, parent.type) == ("shop", "chat gpt-4", "http")
    assert parent.name == "opentelemetry.instrumentation_openai.client"
    assert parent.meta["genops.team"] == "ml-platform" and parent.meta["is"] == "true" and parent.meta["list"] == '["a","b"]'
    assert parent.meta["deployment.environment"] == "production"  # the guide's attributes processor stands last
    assert parent.metrics["genops.cost.total"] == 0.25 and parent.metrics["n"] == 7
    assert parent.traceID == int.from_bytes(bytes(range(9, 17)), "big") and parent.meta["_dd.p.tid"] == bytes(range(1, 9)).hex()
    assert parent.meta["otel.trace_id"] == bytes(range(1, 17)).hex() and child.parentID == parent.spanID and parent.parentID == 0
    assert 0.9e9 < parent.duration < 3e9 and parent.meta["span.kind"] == "client"
    tracer = spans.payloads[-1].tracerPayloads[0]
    assert (tracer.env, tracer.hostname, tracer.appVersion, tracer.languageName, tracer.tracerVersion) == ("staging", "web-1", "1.0", "python", "otlp-1.9")


def test_data_points_become_series(stage):
    series, _, serve = stage
    running = serve()
    at = time.time_ns()
    send(running, "/v1/metrics", metrics(at=at, a_gauge__gauge=1.5, genops_cost_total__delta=0.75, took__histogram=[1, 0, 3]))
    wait_for(lambda: "genops.cost.total" in series.metrics(), 20, lambda: (running.log, [request.status for request in series.requests]))
    points = {name: (set(tags), host, second, point) for (name, tags, host, second), point in series.points.items() if name != "took.bucket"}
    tags, host, second, (kind, value, unit, interval) = points["genops.cost.total"]
    assert tags == {"service:shop", "env:production", "genops.team:ml-platform"} and host == "web-1" and second == at // 10**9
    assert (kind, value, unit, interval) == (COUNT, 0.75, "{USD}", 10)
    assert points["a.gauge"][3][:2] == (GAUGE, 1.5) and points["a.gauge"][3][2] is None
    assert points["took.count"][3][:2] == (COUNT, 4) and points["took.sum"][3][:2] == (COUNT, 4)
    buckets = {tuple(sorted(tag for tag in tags if "bound" in tag)): point[1] for (name, tags, _, _), point in series.points.items() if name == "took.bucket"}
    assert buckets == {("lower_bound:-inf", "upper_bound:1"): 1, ("lower_bound:1", "upper_bound:2.5"): 0, ("lower_bound:2.5", "upper_bound:inf"): 3}


def test_what_only_grows_is_sent_as_what_it_grew_by(stage, tmp_path):
    series, _, serve = stage
    running = serve()
    before = time.time_ns() - 10**12
    second = time.time_ns() // 10**9 * 10**9
    send(running, "/v1/metrics", metrics(start=before, at=second - 30 * 10**9, old_total__sum=100.0))
    wait_for(lambda: (running.state / "destination-datadog.memory").exists(), 20, lambda: running.log)
    assert not series.points  # it began before we did: what of it is new cannot be said
    series.script = [(503, {}, ""), "cut"]
    send(running, "/v1/metrics", metrics(start=before, at=second - 20 * 10**9, old_total__sum=130.0))
    wait_for(lambda: series.total("old.total") == 30, 30, lambda: (running.log, series.points))
    running.stop()
    again = receivers.gateways.Gateway(running.folder, running.config.read_text(), env={"DATADOG_API_KEY": KEY})
    try:
        wait_for(lambda: any("OTLP over HTTP" in line for line in again.log), 15, lambda: again.log)
        import re
        again.http = next(int(found[1]) for line in again.log if (found := re.search(r"OTLP over HTTP at http://\S+:(\d+)", line)))
        send(again, "/v1/metrics", metrics(start=before, at=second - 10 * 10**9, old_total__sum=135.0))
        send(again, "/v1/metrics", metrics(start=second - 5 * 10**9, at=second, old_total__sum=2.0))  # the counter began anew
        wait_for(lambda: series.total("old.total") == 37, 30, lambda: (again.log, series.points))
    finally:
        again.stop()


def test_unknown_keys_are_refused_by_name(tmp_path):
    (tmp_path / "genops.yaml").write_text("exporters:\n  datadog:\n    api: {key: k}\n    host_metadata: {enabled: true}\n")
    done = receivers.gateways.genops("validate", "--offline", state=tmp_path / "state", config=tmp_path / "genops.yaml")
    assert done.returncode != 0 and "host_metadata" in done.stdout and "genops.yaml:4" in done.stdout, done.stdout
