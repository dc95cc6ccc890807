# SPDX-License-Identifier: Apache-2.0
"""OTLP out, to receivers that are not ours: the reference protobuf classes behind HTTP and behind a gRPC server.

Proves: CORE-007, CORE-010, CORE-016 to CORE-019, CORE-024, CORE-034, OTL-001, OTL-003, OTL-004, OTL-005, OTL-008, OTL-009, OTL-010,
OTL-021 to OTL-026, OTL-030, OTL-031, OTL-044; DESIGN 6 "An acknowledged operation is never lost".
"""
import base64
import concurrent.futures
import gzip
import json
import re

import grpc
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

import gateway as gateways
import recordings
from gateway import until
from provider import Answer, Provider

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def plain(value):
    """An AnyValue as Python has it."""
    kind = value.WhichOneof("value")
    return [plain(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)


class Span:
    def __init__(self, span, resource):
        self.span = span
        self.attributes = {item.key: plain(item.value) for item in span.attributes}
        self.kinds = {item.key: item.value.WhichOneof("value") for item in span.attributes}
        self.resource = {item.key: plain(item.value) for item in resource.attributes}
        self.events = {event.name: {item.key: plain(item.value) for item in event.attributes} for event in span.events}
        assert len(self.attributes) == len(span.attributes), "no attribute twice"


def spans_of(message):
    return [Span(span, group.resource) for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]


class HttpReceiver:
    """OTLP/HTTP, both encodings."""

    def __init__(self, port=0, answer=None):
        self.spans, self.requests = [], []
        self.refuse = answer
        self.provider = Provider(port)
        self.provider.play(self.take)
        self.port = self.provider.port

    def take(self, request):
        self.requests.append(request)
        if self.refuse and (refusal := self.refuse(len(self.requests))):
            return refusal
        body = gzip.decompress(request.body) if request.header("content-encoding") == "gzip" else request.body
        message = trace_service_pb2.ExportTraceServiceRequest()
        if request.header("content-type").startswith("application/json"):
            # OTLP/JSON writes ids in hexadecimal where protobuf's JSON has base64.
            text = json.loads(body)
            for group in text["resourceSpans"]:
                for scope in group["scopeSpans"]:
                    for span in scope["spans"]:
                        for key in ("traceId", "spanId", "parentSpanId"):
                            if key in span:
                                span[key] = base64_of(span[key])
            json_format.ParseDict(text, message)
        else:
            message.ParseFromString(body)
        self.spans.extend(spans_of(message))
        kind = request.header("content-type")
        return Answer(200, {"content-type": kind}, b"{}" if "json" in kind else b"", is_chunked=False)

    def close(self):
        self.provider.close()


def base64_of(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


class GrpcReceiver(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, port=0, credentials=None):
        self.spans, self.requests = [], []
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        address = f"127.0.0.1:{port}"
        self.port = self.server.add_secure_port(address, credentials) if credentials else self.server.add_insecure_port(address)
        self.server.start()

    def Export(self, request, context):
        self.requests.append(dict(context.invocation_metadata()))
        self.spans.extend(spans_of(request))
        return trace_service_pb2.ExportTraceServiceResponse()

    def close(self):
        self.server.stop(0).wait()


def export_to(exporter, more=""):
    return f"""
governance:
  attributes: {{team: ml, project: chat, customer_id: acme, environment: staging, cost_center: cc1, feature: answers}}
  policies:
    - {{name: secrets, type: content_filter, enforcement_level: block, blocked_patterns: [confidential]}}
    - {{name: drafts, type: content_filter, enforcement_level: warn, blocked_patterns: [draft]}}
  budgets:
    - {{name: monthly, monthly_budget: 1000}}
processors:
  batch: {{timeout: 100ms}}
exporters:
  {exporter}
service:
  pipelines:
    traces: {{receivers: [genops], processors: [batch], exporters: [{exporter.split(':')[0]}]}}
{more}"""


RECEIVERS = {
    "http_protobuf": (HttpReceiver, "otlphttp: {endpoint: 'http://127.0.0.1:%d', headers: {x-scope: acme}, retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}"),
    "http_json_gzip": (HttpReceiver, "otlphttp: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: gzip, headers: {x-scope: acme}, retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}"),
    "grpc": (GrpcReceiver, "otlp: {endpoint: '127.0.0.1:%d', tls: {insecure: true}, headers: {x-scope: acme}, retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}"),
}


@pytest.fixture(params=RECEIVERS)
def receiver(request):
    kind, exporter = RECEIVERS[request.param]
    receiver = kind()
    receiver.config = export_to(exporter % receiver.port)
    receiver.kind = kind
    yield receiver
    receiver.close()


def wait_for_spans(receiver, n, seconds=30):
    until(lambda: len(receiver.spans) >= n, seconds, f"{n} spans")
    assert len(receiver.spans) == n
    return receiver.spans


def test_span_of_a_call(gateway, provider, receiver):
    running = gateway(receiver.config)
    provider.play(Answer.of(recordings.find("openai/chat_schema")))
    reply = running.chat(model="gpt-4o", temperature=0.5, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    span, = wait_for_spans(receiver, 1)
    assert span.span.name == "ai.completion"
    assert (span.span.trace_id.hex(), span.span.parent_span_id.hex()) == (TRACE, PARENT)
    # The provider got the trace on with this very span as parent.
    assert provider.received[0].header("traceparent").split("-")[2] == span.span.span_id.hex()
    expected = {
        "genops.team": "ml", "genops.project": "chat", "genops.customer_id": "acme", "genops.environment": "staging",
        "genops.cost_center": "cc1", "genops.feature": "answers",
        "ai.model.provider": "openai", "ai.model.name": "gpt-4o", "genops.cost.provider": "openai",
        "ai.request.input_tokens": 113, "ai.request.output_tokens": 19, "genops.tokens.input": 113, "genops.tokens.output": 19,
        "genops.tokens.total": 132, "ai.request.max_tokens": 50, "ai.request.temperature": 0.5, "genops.cost.currency": "USD",
        "gen_ai.usage.input_tokens": 113, "gen_ai.usage.output_tokens": 19, "gen_ai.request.model": "gpt-4o",
        "gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat", "genops.policy.result": "allowed",
        "genops.spec.version": "0.1.0"}
    assert {key: span.attributes.get(key) for key in expected} == expected
    assert span.attributes["genops.cost.input_cost"] == pytest.approx(113 * 2.5e-6)
    assert span.attributes["genops.cost.output_cost"] == pytest.approx(19 * 1e-5)
    assert span.attributes["genops.cost.total"] == pytest.approx(
        span.attributes["genops.cost.input_cost"] + span.attributes["genops.cost.output_cost"], abs=1e-9)
    assert span.kinds["genops.cost.total"] == "double_value" and span.kinds["ai.request.input_tokens"] == "int_value"
    assert span.kinds["genops.budget.limit"] == "double_value" and span.attributes["genops.budget.limit"] == 1000.0
    assert span.resource["service.name"]
    evaluated = next(event for event in span.span.events if event.name == "policy.evaluated")
    calculated = next(event for event in span.span.events if event.name == "cost.calculated")
    assert span.span.start_time_unix_nano <= evaluated.time_unix_nano <= calculated.time_unix_nano <= span.span.end_time_unix_nano
    assert span.events["policy.evaluated"]["genops.policy.result"] == "allowed"
    assert span.events["cost.calculated"]["genops.cost.total"] == span.attributes["genops.cost.total"]


def test_headers_of_the_exporter(gateway, provider, receiver):
    running = gateway(receiver.config)
    running.chat()
    wait_for_spans(receiver, 1)
    request = receiver.requests[0]
    assert (request["x-scope"] if isinstance(request, dict) else request.header("x-scope")) == "acme"
    if isinstance(receiver, HttpReceiver):
        assert (request.method, request.target) == ("POST", "/v1/traces")


def test_spans_of_refused_warned_and_failed_calls(gateway, provider, receiver):
    running = gateway(receiver.config)
    running.chat("it is confidential")
    blocked, = wait_for_spans(receiver, 1)
    assert blocked.attributes["genops.policy.result"] == "blocked"
    assert blocked.attributes["genops.policy.name"] == "secrets"
    assert blocked.attributes["genops.policy.reason_code"] == "POLICY_DENY_CONTENT"
    assert blocked.attributes.get("genops.cost.total", 0.0) == 0.0
    assert "it is confidential" not in str(blocked.span)
    running.chat("a draft")
    assert wait_for_spans(receiver, 2)[1].attributes["genops.policy.result"] == "warning"
    provider.play(Answer(500, {"content-type": "application/json"}, b'{"error":{"message":"down","type":"server_error"}}'))
    running.chat()
    failed = wait_for_spans(receiver, 3)[2]
    assert failed.span.status.code == 2
    assert failed.attributes["http.response.status_code"] == 500


def test_receiver_down_then_up_loses_nothing(gateway, provider, receiver):
    running = gateway(receiver.config)
    running.chat()
    wait_for_spans(receiver, 1)
    # Its answer has arrived, too: what was taken and not answered comes again.
    until(lambda: re.search(rb"^genops_self_exported_total{.*} 1$", running.call("GET", "/metrics").body, re.M), what="the first span's answer")
    port = receiver.port
    receiver.close()
    replies = [running.chat() for _ in range(25)]
    running.operations(26)
    again = receiver.kind(port)
    try:
        until(lambda: len(again.spans) >= 25, 60, "the spans that waited")
        ids = [span.span.span_id for span in again.spans]
        assert len(set(ids)) == 25, "each once"
        assert {reply.status for reply in replies} == {200}
    finally:
        again.close()


def test_what_waits_survives_a_restart(start, provider):
    receiver = HttpReceiver()
    port = receiver.port
    receiver.close()
    config = gateways.config_text({"openai": provider.url}, export_to(RECEIVERS["http_protobuf"][1] % port))
    first = start(config)
    for _ in range(10):
        assert first.chat().status == 200
    first.operations(10)
    assert first.stop() == 0
    again = HttpReceiver(port)
    process = gateways.subprocess.Popen([gateways.GENOPS, "serve", "--config", first.config, "--state", first.state],
                                        env=gateways.environment(first.folder), stdout=gateways.subprocess.DEVNULL,
                                        stderr=gateways.subprocess.DEVNULL)
    try:
        until(lambda: len(again.spans) >= 10, 60, "the spans of the first gateway")
        assert len({span.span.span_id for span in again.spans}) == 10
    finally:
        process.terminate()
        process.wait(40)
        again.close()


@pytest.mark.parametrize("status, again", [(503, True), (429, True), (502, True), (400, False)])
def test_retry_by_status(gateway, provider, status, again):
    """503 and the like are repeated, 400 is not: it would be refused for ever, and hold up what comes after it. Proves CORE-061."""
    receiver = HttpReceiver(answer=lambda n: Answer(status, {}, b"") if n <= 2 else None)
    try:
        running = gateway(export_to(RECEIVERS["http_protobuf"][1] % receiver.port))
        for feature in ("one", "two", "three"):
            n = len(receiver.requests)
            running.chat(headers={"x-genops-feature": feature})
            until(lambda: len(receiver.requests) > n, 20, "a request")
            if again:
                until(lambda: receiver.spans, 20, "the span")
        until(lambda: any(span.attributes["genops.feature"] == "three" for span in receiver.spans), 30, "the last span")
        features = [span.attributes["genops.feature"] for span in receiver.spans]
        assert features == (["one", "two", "three"] if again else ["three"])
    finally:
        receiver.close()


def test_environment_variables(gateway, provider):
    receiver = HttpReceiver()
    try:
        running = gateway(env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}", "OTEL_SERVICE_NAME": "my-app",
                               "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_HEADERS": "x-scope=env",
                               "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"})
        running.chat()
        span, = wait_for_spans(receiver, 1)
        assert span.resource["service.name"] == "my-app"
        assert span.resource["deployment.environment"] == "test"
        assert receiver.requests[0].header("x-scope") == "env"
    finally:
        receiver.close()


def test_a_span_for_each_of_many_calls(gateway, provider, receiver):
    """Spans, ledger and `genops cost` agree (CORE-029, OTL-030)."""
    running = gateway(receiver.config)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: running.chat(), range(100)))
    spans = wait_for_spans(receiver, 100)
    assert len({span.span.span_id for span in spans}) == 100
    total = running.cost()["total"]
    assert total["operations"] == 100
    assert sum(round(span.attributes["genops.cost.total"] * 1e9) for span in spans) == total["cost_nano_usd"]
