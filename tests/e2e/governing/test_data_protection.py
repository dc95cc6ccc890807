# SPDX-License-Identifier: Apache-2.0
"""`data_protection` as the Cribl guide writes it: what masks find leaves nowhere, the queue is sealed, TLS is not only asked for.

Proves: CRB-467, CRB-468, CRB-469 (its plain side), CRB-470, CRB-471, CRB-472, CRB-473, CRB-479.
"""
import pathlib
import time

import pytest

import receivers
from gateway import genops, until
from opentelemetry.proto.logs.v1 import logs_pb2
from receivers import REQUESTS, post, traces
from sink import Sink

GUIDE = (pathlib.Path(__file__).resolve().parents[2] / "guide" / "parts" / "data_protection.yaml").read_text()
KEY = "5e" * 32
MARKERS = ("078-05-1120", "jane.Doe@example.com", "555-867-5309")
SINK = "exporters: {{otlphttp: {{endpoint: '{url}'}}}}\n"
SERVICE = "service: {pipelines: {" + ", ".join(f"{kind}: {{receivers: [otlp{', genops' if kind == 'traces' else ''}], exporters: [otlphttp]}}"
                                               for kind in REQUESTS) + "}}\n"


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


def span():
    request = REQUESTS["traces"].FromString(traces("call " + MARKERS[2], attributes=(("note", "from " + MARKERS[1]),)))
    request.resource_spans[0].resource.attributes.add(key="owner").value.string_value = MARKERS[1]
    one = request.resource_spans[0].scope_spans[0].spans[0]
    one.events.add(name="said").attributes.add(key="ssn").value.array_value.values.add().string_value = MARKERS[0]
    return request.SerializeToString()


def log():
    request = REQUESTS["logs"]()
    record = request.resource_logs.add().scope_logs.add().log_records.add(severity_number=logs_pb2.SEVERITY_NUMBER_INFO)
    record.body.string_value = f"{MARKERS[0]} and {MARKERS[1]}"
    return request.SerializeToString()


def metric():
    request = REQUESTS["metrics"]()
    point = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m").gauge.data_points.add(as_int=1, time_unix_nano=time.time_ns())
    point.attributes.add(key="customer").value.string_value = MARKERS[1]
    return request.SerializeToString()


def test_what_masks_find_leaves_nowhere(tmp_path, sink):
    documents = ("pipelines: [{id: all, routes: [{name: all, destination: out}]}]\n"
                 f"destinations: [{{id: out, type: file, path: '{tmp_path}/out.jsonl'}}]\n")
    text = ("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n" + GUIDE + SINK.format(url=sink.url) + SERVICE + documents)
    server = receivers.Serve(tmp_path, text, providers={"openai": "http://127.0.0.1:9"}, env={"GENOPS_QUEUE_KEY": KEY})
    try:
        for kind, body in (("traces", span()), ("logs", log()), ("metrics", metric())):
            assert post(server.http, f"/v1/{kind}", body).status == 200
        server.chat(headers={"x-genops-customer-id": MARKERS[1]})  # an operation of our own: it fails, and is told
        until(lambda: all(sink.requests(kind) for kind in REQUESTS) and len(sink.spans()) == 2, what="everything")
        out = until(lambda: (tmp_path / "out.jsonl").exists() and (tmp_path / "out.jsonl").read_text(), what="the events")
        until(lambda: (tmp_path / "out.jsonl").read_text().count("\n") == 2, what="both events")
        out = (tmp_path / "out.jsonl").read_text()
        sent = "".join(str(request) for kind in REQUESTS for request in sink.requests(kind))
        for marker in MARKERS:
            assert marker not in sent and marker not in out, marker
        assert "call [REDACTED]" in sent and "from [REDACTED]" in sent and "[REDACTED] and [REDACTED]" in sent
        queue = b"".join(path.read_bytes() for path in (server.state / "queue").glob("*.q"))
        assert len(queue) > 1000 and b"openai" not in queue and b"REDACTED" not in queue
    finally:
        server.stop()


def test_a_queue_without_a_key_is_an_error(tmp_path):
    (tmp_path / "genops.yaml").write_text(GUIDE)
    done = genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert done.returncode == 2 and "there is no key" in done.stdout and "GENOPS_QUEUE_KEY" in done.stdout
    done = genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state", env={"GENOPS_QUEUE_KEY": KEY})
    assert done.returncode == 0, done.stdout
    assert "retention has no effect yet" in done.stdout and "buffer_storage" in done.stdout


@pytest.mark.parametrize("more, said", [
    ("exporters: {otlphttp: {endpoint: 'http://far.example.com'}}\n", "otlphttp is sent to without it"),
    ("exporters: {otlp: {endpoint: 'far.example.com:4317', tls: {insecure: true}}}\n", "otlp is sent to without it"),
    ("receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}}}}\n", "receiver otlp listens without it"),
    ("data_protection: {masking: {pii_patterns: [{bad: '('}]}}\n", "the pattern bad"),
    ("data_protection: {masking: {action: drop}}\n", "action"),
    ("data_protection: {maskng: {}}\n", "masking"),
])
def test_what_is_promised_and_not_kept_is_an_error(tmp_path, more, said):
    text = more if more.startswith("data_protection") else GUIDE + more
    (tmp_path / "genops.yaml").write_text(text)
    done = genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state", env={"GENOPS_QUEUE_KEY": KEY})
    assert done.returncode == 2 and said in done.stdout, done.stdout
