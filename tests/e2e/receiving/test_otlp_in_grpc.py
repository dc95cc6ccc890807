# SPDX-License-Identifier: Apache-2.0
"""OTLP in over gRPC: Google's client and the Python SDK's exporters against the receiver.

Proves: OTL-046, OTL-048, OTL-058 (plain), CRB-002; issue "Telemetry in": gRPC statuses, trailers, RetryInfo.
"""
import random

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

import otlp_messages
import receivers
from otlp_grpc import TRACE_METHOD, call, details_of
from receivers import REQUESTS, SIGNALS, traces

STUBS = {"traces": trace_service_pb2_grpc.TraceServiceStub, "metrics": metrics_service_pb2_grpc.MetricsServiceStub,
         "logs": logs_service_pb2_grpc.LogsServiceStub}
@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    running = receivers.Bare(tmp_path_factory.mktemp("bare"), receivers="{otlp: {protocols: {http: , grpc: {max_recv_msg_size_mib: 4}}}}")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def channel(bare):
    with grpc.insecure_channel(f"127.0.0.1:{bare.grpc}", options=[("grpc.max_send_message_length", 64 << 20)]) as channel:
        yield channel


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_any_request(bare, channel, signal, compression):
    message = REQUESTS[signal]()
    generator = otlp_messages.Generator(random.Random(7))
    names = {"traces": "resource_spans", "metrics": "resource_metrics", "logs": "resource_logs"}
    for _ in range(4):
        part = REQUESTS[signal]()
        generator.fill(part)
        message.MergeFrom(part)
    assert len(getattr(message, names[signal])) and message.ByteSize() < 500000
    answer = STUBS[signal](channel).Export(message, compression=compression, timeout=20, metadata=[("x-scope-orgid", "acme")])
    assert not answer.HasField("partial_success")
    last = list(receivers.envelopes(bare.state))[-1]
    assert (last.signal, last.tenant, last.receiver) == (signal, "acme", "otlp")
    assert last.request.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


def test_partial_success(bare, channel):
    request = REQUESTS["traces"]()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(name="good", trace_id=b"t" * 16, span_id=b"s" * 8)
    spans.add(name="bad", trace_id=b"t" * 3, span_id=b"s" * 8)
    answer = trace_service_pb2.ExportTraceServiceResponse.FromString(call(channel, request.SerializeToString()))
    assert answer.partial_success.rejected_spans == 1 and answer.partial_success.error_message
    assert receivers.span_names(bare.state)[-1] == "good"


REFUSED = {
    "no_protobuf": (b"\x0a\xff\xff\xff\xff\x0f", TRACE_METHOD, {}, grpc.StatusCode.INVALID_ARGUMENT),
    "cut": (traces("a")[:-1], TRACE_METHOD, {}, grpc.StatusCode.INVALID_ARGUMENT),
    "service": (b"", "/opentelemetry.proto.collector.trace.v1.TraceServices/Export", {}, grpc.StatusCode.UNIMPLEMENTED),
    "method": (b"", "/opentelemetry.proto.collector.trace.v1.TraceService/Import", {}, grpc.StatusCode.UNIMPLEMENTED),
    "large": (traces("a", pad=(4 << 20) + 1), TRACE_METHOD, {}, grpc.StatusCode.RESOURCE_EXHAUSTED),
    "bomb": (bytes((4 << 20) + 1), TRACE_METHOD, {"compression": grpc.Compression.Gzip}, grpc.StatusCode.RESOURCE_EXHAUSTED),
    "tenant": (b"", TRACE_METHOD, {"metadata": [("x-scope-orgid", "a b")]}, grpc.StatusCode.INVALID_ARGUMENT),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusals(bare, channel, kind):
    body, method, more, code = REFUSED[kind]
    n = len(list(receivers.envelopes(bare.state)))
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, body, method, **more)
    assert caught.value.code() == code, caught.value
    assert caught.value.details() and details_of(caught.value) == {}
    assert len(list(receivers.envelopes(bare.state))) == n
    assert call(channel, traces("after")) == b"", "the connection goes on"


def test_empty_requests_succeed(channel):
    assert call(channel, b"") == b""


def test_many_at_once_on_one_connection(bare, channel):
    before = len(receivers.span_names(bare.state))
    send = channel.unary_unary(TRACE_METHOD, request_serializer=lambda data: data, response_deserializer=lambda data: data)
    bodies = [traces(f"many-{i}", pad=1000 * (i % 400)) for i in range(300)]
    for future in [send.future(body, timeout=60) for body in bodies]:
        assert future.result() == b""
    assert sorted(receivers.span_names(bare.state)[before:]) == sorted(f"many-{i}" for i in range(300))


# --- the Python SDK ---

def spans_of_the_sdk(n):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test", "1")
    with tracer.start_as_current_span("sdk-parent"):
        for i in range(n):
            with tracer.start_as_current_span(f"sdk-{i}", attributes={"text": "é", "n": i, "list": ["a", "b"], "f": 0.5, "b": True}):
                pass
    return kept.get_finished_spans()


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_python_sdk(bare, transport, is_compressed):
    if transport == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        compression = grpc.Compression.Gzip if is_compressed else grpc.Compression.NoCompression
        exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{bare.grpc}", insecure=True, compression=compression)
    else:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{bare.http}/v1/traces",
                                    compression=Compression.Gzip if is_compressed else Compression.NoCompression)
    spans = spans_of_the_sdk(50)
    before = len(receivers.span_names(bare.state))
    assert exporter.export(spans).name == "SUCCESS"
    exporter.shutdown()
    assert receivers.span_names(bare.state)[before:] == [span.name for span in spans]
    last = list(receivers.envelopes(bare.state))[-1].request.resource_spans[0].scope_spans[0]
    assert [span.trace_id for span in last.spans] == [span.context.trace_id.to_bytes(16, "big") for span in spans]


def test_python_sdk_metrics_and_logs(bare):
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    exporter = OTLPMetricExporter(endpoint=f"http://127.0.0.1:{bare.grpc}", insecure=True)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=60000)])
    provider.get_meter("test").create_counter("sdk.counter").add(3, {"a": "b"})
    provider.get_meter("test").create_histogram("sdk.histogram").record(0.5)
    assert provider.force_flush()
    provider.shutdown()
    last = next(one for one in reversed(list(receivers.envelopes(bare.state))) if one.signal == "metrics")
    assert {metric.name for scope in last.request.resource_metrics[0].scope_metrics for metric in scope.metrics} >= {"sdk.counter", "sdk.histogram"}
