# SPDX-License-Identifier: Apache-2.0
"""Jaeger, over HTTP and gRPC, plain and compressed: its query API finds every span, once."""
import uuid

import pytest

from chaos_stage import free_port, wait_for
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from real_server import RealServer, ask, program
from receivers import post, traces

N = 300


def of_service(name, body):
    request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
    request.resource_spans[0].resource.attributes.add(key="service.name").value.string_value = name
    return request.SerializeToString()


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory):
    """Ports of one that runs for all tests: each end of it takes 10 s, which are its own."""
    ports = {name: free_port() for name in ("admin.http", "collector.grpc-server", "collector.http-server", "collector.otlp.grpc", "collector.otlp.http",
                                            "query.grpc-server", "query.http-server")}
    server = RealServer(tmp_path_factory.mktemp("jaeger"), "jaeger", [program("jaeger"), *(f"--{name}.host-port=127.0.0.1:{port}" for name, port in ports.items())],
                        ports["query.http-server"], env={"SPAN_STORAGE_TYPE": "memory"})
    yield ports
    server.stop()


@pytest.mark.parametrize("kind,compression", [("otlphttp", "none"), ("otlphttp", "gzip"), ("otlphttp", "zstd"), ("otlp", "none"), ("otlp", "gzip")])
def test_spans_are_found(jaeger, serve, kind, compression):
    query, to = jaeger["query.http-server"], jaeger["collector.otlp.http" if kind == "otlphttp" else "collector.otlp.grpc"]
    running = serve("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\nprocessors: {batch: {timeout: 50ms, send_batch_size: 50}}\n"
                    f"exporters: {{{kind}: {{endpoint: 'http://127.0.0.1:{to}', tls: {{insecure: true}}, compression: {compression}}}}}\n"
                    f"service: {{pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [{kind}]}}}}}}\n")
    service = f"genops-{uuid.uuid4().hex[:8]}"
    names = [f"span {i} ü" for i in range(N)]
    for i in range(0, N, 30):
        assert post(running.http, body=of_service(service, traces(*names[i:i + 30], attributes=[("genops.team", "ml"), ("genops.cost.total", "0.0032")]))).status == 200

    def found():
        return [span for trace in ask(query, f"/api/traces?service={service}&limit=1500&lookback=1h")["data"] or [] for span in trace["spans"]]
    wait_for(lambda: len(found()) >= N, 20, lambda: (len(found()), running.log[-5:]))
    spans = found()
    assert sorted(span["operationName"] for span in spans) == sorted(names)
    tags = {tag["key"]: tag["value"] for tag in spans[0]["tags"]}
    assert tags["genops.team"] == "ml" and tags["genops.cost.total"] == "0.0032" and tags["span.kind"] == "client"
    assert not (running.state / "dead-letter.jsonl").exists()
