# SPDX-License-Identifier: Apache-2.0
"""The Collector's format through a real `genops serve`: what comes in by OTLP goes through service.pipelines, processors in order, to exporters.

Proves: OTL-048, OTL-049, OTL-050, OTL-051, OTL-056, OTL-057 (its OTLP side), OTL-060, OTL-061, OTL-062, OTL-063, OTL-064, OTL-065.
"""
import pathlib
import time

import pytest

import receivers
from gateway import genops, until
from opentelemetry.proto.metrics.v1 import metrics_pb2
from receivers import REQUESTS, post, traces
from sink import Sink, attributes_of

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "golden" / "config" / "collector.yaml"
OURS = (("genops.team", "ml-platform"),)


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def serve(tmp_path_factory, sink):
    """serve(processors, pipelines): YAML in flow style; exporter `otlphttp` is the sink."""
    started = []

    def serve(processors, pipelines, more="", folder=None):
        text = (f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\nprocessors: {{{processors}}}\n"
                f"exporters: {{otlphttp: {{endpoint: '{sink.url}'}}}}\nservice: {{pipelines: {{{pipelines}}}}}\n{more}")
        started.append(receivers.Serve(folder or tmp_path_factory.mktemp("serve"), text))
        return started[-1]
    yield serve
    for one in started:
        one.stop()


def send(serve, *names, attributes=(), signal="traces", body=None):
    reply = post(serve.http, f"/v1/{signal}", body if body is not None else traces(*names, attributes=attributes))
    assert reply.status == 200, reply.body


def call(cost, **attributes):
    """Of a span that tells of an AI call which has cost so much."""
    body = REQUESTS["traces"].FromString(traces("chat"))
    span = body.resource_spans[0].scope_spans[0].spans[0]
    named = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini", **attributes}
    for key, value in named.items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 10
    span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 5
    span.attributes.add(key="genops.cost.total").value.double_value = cost
    return body.SerializeToString()


def test_the_guides_file_is_valid(tmp_path):
    done = genops("validate", "--json", config=GUIDE, state=tmp_path / "state", env={"DATADOG_API_KEY": "k" * 32})
    assert done.returncode != 2, done.stderr
    assert '"failed": 0' in done.stdout or '"failed":0' in done.stdout, done.stdout


def test_processors_work_in_order(serve, sink):
    server = serve(
        "batch: {timeout: 0s}, filter: {spans: {include: {match_type: strict, attributes: [{key: genops.team, value: ml-platform}]}}}, "
        "attributes: {actions: [{key: deployment.environment, value: production, action: insert}]}, "
        "filter/after: {traces: {span: ['attributes[\"deployment.environment\"] == \"staging\"']}}",
        "traces: {receivers: [otlp], processors: [batch, filter, attributes, filter/after], exporters: [otlphttp]}")
    send(server, "theirs", attributes=(("genops.team", "search"),))
    send(server, "staged", attributes=(*OURS, ("deployment.environment", "staging")))
    send(server, "kept", attributes=(*OURS, ("deployment.environment", "test")))
    send(server, "ours", attributes=OURS)
    until(lambda: "ours" in sink.spans(), what="the span")
    assert sink.spans() == {"kept": {**dict(OURS), "deployment.environment": "test"}, "ours": {**dict(OURS), "deployment.environment": "production"}}
    dropped = until(lambda: server.metrics("genops_pipeline_dropped_total"), what="the counts")
    assert dropped['pipeline="service",kind="processor",name="filter"'] == 1
    assert dropped['pipeline="service",kind="processor",name="filter/after"'] == 1


def test_a_batch_waits_for_more_or_for_its_time(serve, sink):
    server = serve("batch: {timeout: 3s, send_batch_size: 10, send_batch_max_size: 10}",
                   "traces: {receivers: [otlp], processors: [batch], exporters: [otlphttp]}")
    begin = time.monotonic()
    send(server, *(f"a{i}" for i in range(25)))
    until(lambda: len(sink.spans()) >= 20, what="two full batches")
    assert time.monotonic() - begin < 2.5
    send(server, "b")
    until(lambda: "b" in sink.spans(), what="the rest")
    assert time.monotonic() - begin >= 2.5
    sizes = [sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans) for request in sink.requests("traces")]
    assert max(sizes) <= 10 and sum(sizes) == 26, sizes


def test_metrics_and_logs_have_pipelines_of_their_own(serve, sink):
    server = serve("filter: {metrics: {exclude: {match_type: strict, metric_names: [noise]}}, logs: {log_record: ['IsMatch(body, \".*password.*\")']}}",
                   "metrics: {receivers: [otlp], processors: [filter], exporters: [otlphttp]}, "
                   "logs/all: {receivers: [otlp], processors: [filter], exporters: [otlphttp]}")
    metrics, logs = REQUESTS["metrics"](), REQUESTS["logs"]()
    scope = metrics.resource_metrics.add().scope_metrics.add()
    for name in ("noise", "signal"):
        scope.metrics.add(name=name).gauge.data_points.add(as_int=1)
    records = logs.resource_logs.add().scope_logs.add().log_records
    for text in ("my password is", "hello"):
        records.add().body.string_value = text
    send(server, signal="metrics", body=metrics.SerializeToString())
    send(server, signal="logs", body=logs.SerializeToString())
    until(lambda: sink.requests("metrics") and sink.requests("logs"), what="both")
    assert [metric.name for metric in sink.requests("metrics")[0].resource_metrics[0].scope_metrics[0].metrics] == ["signal"]
    assert [record.body.string_value for record in sink.requests("logs")[0].resource_logs[0].scope_logs[0].log_records] == ["hello"]


def test_what_policies_find_leaves_redacted(serve, sink):
    server = serve('genops/policy_evaluator: {policies: [{name: "pii-detection", pattern: ".*SSN.*|.*credit_card.*", action: "redact"}]}, batch: {timeout: 0s}',
                   "traces: {receivers: [otlp], processors: [genops/policy_evaluator, batch], exporters: [otlphttp]}")
    send(server, "a", attributes=(("note", "his SSN is 123-45-6789"), ("other", "fine")))
    send(server, "b", attributes=(("note", "nothing"),))
    until(lambda: len(sink.spans()) == 2, what="both spans")
    assert sink.spans()["a"]["note"] == "[REDACTED]"
    assert sink.spans()["a"]["other"] == "fine"
    assert sink.spans()["a"]["genops.policy.name"] == "pii-detection"
    assert sink.spans()["b"] == {"note": "nothing"}


AGGREGATORS = ("genops/cost_aggregator: {dimensions: [genops.team, genops.project], export_interval: 1s}, "
               "genops/cost_aggregator/by_model: {dimensions: [gen_ai.request.model], export_interval: 1s}, batch: {timeout: 0s}, "
               "filter: {traces: {span: ['true']}}")
METERED = ("traces: {receivers: [otlp], processors: [filter, genops/cost_aggregator, genops/cost_aggregator/by_model], exporters: [otlphttp]}, "
           "metrics: {receivers: [otlp], processors: [batch], exporters: [otlphttp]}")


def key(team, project):
    return (("genops.project", project), ("genops.team", team))


def test_costs_are_summed_over_all_calls_and_survive_a_restart(serve, sink, tmp_path):
    server = serve(AGGREGATORS, METERED, folder=tmp_path)
    for i in range(20):
        send(server, body=call(0.1, **{"genops.team": "ab"[i % 2], "genops.project": "xy"[i // 2 % 2]}))
    wanted = {key(team, project): pytest.approx(0.5, abs=1e-12) for team in "ab" for project in "xy"}
    until(lambda: sink.costs() and sink.costs()[-1] == wanted, seconds=30, what="the sums")
    assert sink.costs("genops/cost_aggregator/by_model")[-1] == {(("gen_ai.request.model", "gpt-4o-mini"),): pytest.approx(2.0)}
    assert not sink.spans()  # what a filter drops has cost all the same
    n = len(sink.costs())
    until(lambda: len(sink.costs()) >= n + 2, what="two more intervals")
    assert sink.costs()[-1] == wanted
    points = [point for request in sink.requests("metrics") for group in request.resource_metrics for scope in group.scope_metrics
              for metric in scope.metrics for point in metric.sum.data_points]
    assert len({point.start_time_unix_nano for point in points}) == 1
    metric = sink.requests("metrics")[-1].resource_metrics[0].scope_metrics[0].metrics[0]
    assert (metric.unit, metric.sum.is_monotonic, metric.sum.aggregation_temporality) == ("{USD}", True, metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE)
    server.stop()
    sink.got.clear()
    server = serve(AGGREGATORS, METERED, folder=tmp_path)
    send(server, body=call(0.25, **{"genops.team": "a", "genops.project": "x"}))
    wanted[key("a", "x")] = pytest.approx(0.75, abs=1e-12)
    until(lambda: sink.costs() and sink.costs()[-1] == wanted, seconds=30, what="the sum behind the restart")


def test_a_budget_that_spans_use_up_refuses_the_next_call(serve, sink, provider):
    server = serve("genops/budget_enforcer: {budgets: [{team: ml-platform, limit: 1.0, period: daily, action: block}, "
                   "{team: search, limit: 1.0, period: monthly, action: alert}]}, batch: {timeout: 0s}",
                   "traces: {receivers: [otlp], processors: [genops/budget_enforcer, batch], exporters: [otlphttp]}",
                   more=f"gateway:\n    openai: {{base_url: '{provider.url}', api_key: sk-real}}\n")
    headers = {"x-genops-team": "ml-platform"}
    assert server.chat(headers=headers).status == 200
    send(server, body=call(1.5, **{"genops.team": "ml-platform"}))
    send(server, body=call(1.5, **{"genops.team": "search"}))
    until(lambda: server.budget("genops/budget_enforcer: team=ml-platform daily")["consumed_nano_usd"] > 10**9, what="the span's cost")
    until(lambda: server.budget("genops/budget_enforcer: team=search monthly")["consumed_nano_usd"] > 10**9, what="the other's")
    alerts = genops("audit", "show", "--json", "--where", "kind=budget.alert", state=server.state, config=server.config).stdout
    assert "team=ml-platform daily" in alerts and "team=search monthly" in alerts, alerts
    refused = server.chat(headers=headers)
    assert refused.status == 429 and refused.header("x-genops-reason-code") in ("BUDGET_EXCEEDED", "BUDGET_RESERVATION_FAILED"), refused.body
    decided = server.call("POST", "/api/v1/decide", {"provider": "openai", "model": "gpt-4o-mini", "attributes": {"team": "ml-platform"}}).json()
    assert decided["refused"] and decided["policy"] == "genops/budget_enforcer: team=ml-platform daily", decided
    assert server.chat(headers={"x-genops-team": "others"}).status == 200
    warned = server.chat(headers={"x-genops-team": "search"})
    assert warned.status == 200 and warned.header("x-genops-decision") == "warning"
    send(server, "after", attributes=OURS)
    send(server, "after search", attributes=(("genops.team", "search"),))
    send(server, "after others", attributes=(("genops.team", "others"),))
    until(lambda: "after others" in sink.spans(), what="the spans")
    after = sink.spans()
    assert after["after"]["genops.policy.result"] == "blocked"
    assert after["after"]["genops.budget.name"] == "genops/budget_enforcer: team=ml-platform daily"
    assert after["after search"]["genops.policy.result"] == "warning"
    assert "genops.policy.result" not in after["after others"]


def test_own_operations_and_observed_calls_go_through_processors_once(serve, sink, provider):
    server = serve("attributes: {actions: [{key: stage, value: test, action: upsert}]}, filter: {traces: {span: ['attributes[\"genops.team\"] == \"hidden\"']}}, "
                   "batch: {timeout: 0s}", "traces: {receivers: [otlp, genops], processors: [filter, attributes, batch], exporters: [otlphttp]}",
                   more=f"gateway:\n    openai: {{base_url: '{provider.url}', api_key: sk-real}}\n")
    for team in ("hidden", "shown"):
        assert server.chat(headers={"x-genops-team": team}).status == 200
        send(server, body=call(0.5, **{"genops.team": team, "marker": team}))

    def spans():
        return [attributes_of(span) for request in sink.requests("traces") for group in request.resource_spans
                for scope in group.scope_spans for span in scope.spans]
    until(lambda: len(spans()) >= 2, what="the gateway's call and the observed one")
    time.sleep(1.5)  # what should not come would have come
    assert len(spans()) == 2, spans()
    assert all(span["genops.team"] == "shown" and span["stage"] == "test" and "genops.accounting.actual" in span for span in spans())
    assert sorted("marker" in span for span in spans()) == [False, True]


def test_a_changed_filter_is_used_without_a_restart(serve, sink):
    server = serve("filter: {traces: {span: ['name == \"old\"']}}, batch: {timeout: 0s}", "traces: {receivers: [otlp], processors: [filter, batch], exporters: [otlphttp]}")
    send(server, "old", "new")
    until(lambda: "new" in sink.spans(), what="the first")
    port = server.http
    server.config.write_text(server.config.read_text().replace('\\"old', '\\"new').replace('"old', '"new'))
    until(lambda: send(server, "old", "new") or "old" in sink.spans(), what="the changed filter")
    assert server.http == port and server.process.poll() is None
    server.config.write_text("processors: {filter: {traces: {span: ['nonsense(']}}}\n" + server.config.read_text().replace("processors:", "x-processors:", 1))
    until(lambda: any("nonsense" in line or "x-processors" in line for line in server.log), what="the refusal")
    send(server, "after")
    until(lambda: "after" in sink.spans(), what="the span behind a faulty change")
    counts = server.metrics("genops_pipeline_in_total")
    assert counts['pipeline="service",kind="processor",name="filter"'] >= 5


def test_above_the_memory_limit_senders_are_told_to_come_again(serve, sink):
    """Memory that a process needs anyway is more than the limit; with a larger one everything is taken."""
    pipelines = "traces: {receivers: [otlp], processors: [memory_limiter], exporters: [otlphttp]}"
    server = serve("memory_limiter: {check_interval: 1s, limit_mib: 1}", pipelines)
    refused = post(server.http, body=traces("a"))
    assert refused.status == 503 and int(refused.header("retry-after")) >= 1 and b"memory_limiter" in refused.body, refused.body
    server = serve("memory_limiter: {check_interval: 1s, limit_percentage: 90, spike_limit_percentage: 10}", pipelines)
    send(server, "a")
    until(lambda: "a" in sink.spans(), what="the span")


def test_a_wrong_processor_is_told_with_its_place(tmp_path):
    config = tmp_path / "genops.yaml"
    for processors, said in (("filter: {traces: {span: ['Substring(name, 0, 1) == \"a\"']}}", "Substring is not done here"),
                             ("fliter: {}", 'did you mean "filter"'), ("tail_sampling: {}", "is not done here")):
        name = processors.split(":")[0]
        config.write_text(f"receivers: {{otlp: }}\nprocessors:\n  {processors}\nexporters: {{debug: }}\n"
                          f"service: {{pipelines: {{traces: {{receivers: [otlp], processors: [{name}], exporters: [debug]}}}}}}\n")
        done = genops("validate", config=config, state=tmp_path / "state")
        assert done.returncode == 2 and said in done.stdout + done.stderr and "genops.yaml:" in done.stdout + done.stderr, done.stderr
