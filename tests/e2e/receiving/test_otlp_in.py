# SPDX-License-Identifier: Apache-2.0
"""OTLP in: what is answered to whom, and that what was acknowledged lies in the durable log as it was sent.

Proves: CRB-003, CRB-014, CRB-024, CRB-033, CRB-035, CRB-040, CRB-041, OTL-047, OTL-048; issue "Telemetry in": the receiver's answers.
"""
import base64
import gzip
import json
import random
import socket
import subprocess
import time
import zlib

import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

import otlp_messages
import receivers
from otlp_samples import CAPTURES, GUIDE
from receivers import JSON, PROTOBUF, REQUESTS, SIGNALS, post, traces


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    running = receivers.Bare(tmp_path_factory.mktemp("bare"))
    yield running
    running.stop()


def newest(bare):
    return list(receivers.envelopes(bare.state))[-1]


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


# --- what is taken ---

@pytest.mark.parametrize("body", GUIDE)
def test_curls_of_the_guide(bare, body):
    before = receivers.span_names(bare.state)
    done = subprocess.run(["curl", "-sS", "-w", " %{http_code}", "-X", "POST", f"http://127.0.0.1:{bare.http}/v1/traces", "-H",
                           "Authorization: Bearer YOUR_TOKEN", "-H", "Content-Type: application/json", "-d", body],
                          capture_output=True, text=True, check=True)
    assert done.stdout == "{} 200"
    name = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"]
    assert receivers.span_names(bare.state) == before + [name]


def test_protobuf_is_kept_as_it_came(bare):
    body = traces("one", "two")
    reply = post(bare.http, body=body, headers={**PROTOBUF, "X-Scope-OrgID": "acme"})
    assert (reply.status, reply.body, reply.header("content-type")) == (200, b"", "application/x-protobuf")
    last = newest(bare)
    assert (last.signal, last.receiver, last.input, last.tenant) == ("traces", "otlp", "genops_otlp_source", "acme")
    assert last.request == REQUESTS["traces"].FromString(body)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_captured_requests(bare, capture):
    is_json, kind = "json" in capture.content_type, capture.content_type
    reply = post(bare.http, capture.path, capture.sent, capture.headers)
    assert (reply.status, reply.body, reply.header("content-type")) == (200, b"{}" if is_json else b"", kind)
    last = newest(bare)
    assert last.signal == capture.signal
    if not is_json:
        assert last.request == REQUESTS[capture.signal].FromString(capture.body)
    else:
        sent = json.loads(capture.body)["resourceSpans"][0]["scopeSpans"]
        assert [[span["name"] for span in scope["spans"]] for scope in sent] == [
            [span.name for span in scope.spans] for scope in last.request.resource_spans[0].scope_spans]


POINTS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


def has_items(message, signal):
    """Spans, log records, or metrics with points: a request without is empty, and nothing of it is kept."""
    names = {"traces": ("resource_spans", "scope_spans", "spans"), "metrics": ("resource_metrics", "scope_metrics", "metrics"),
             "logs": ("resource_logs", "scope_logs", "log_records")}[signal]
    items = [item for group in getattr(message, names[0]) for scope in getattr(group, names[1]) for item in getattr(scope, names[2])]
    return any(signal != "metrics" or any(getattr(item, kind).data_points for kind in POINTS) for item in items)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("seed", range(10))
def test_any_request_in_every_dress(bare, signal, seed):
    generator = otlp_messages.Generator(random.Random(seed))
    message = REQUESTS[signal]()
    while not has_items(message, signal) or message.ByteSize() > 500000:
        message = REQUESTS[signal]()
        generator.fill(message)
    plain = message.SerializeToString()
    for encoding, body in [(None, plain), ("identity", plain), ("gzip", gzip.compress(plain)), ("deflate", zlib.compress(plain)),
                           ("zstd", zstd(plain)), ("GZIP", gzip.compress(plain))]:
        headers = {**PROTOBUF, **({"content-encoding": encoding} if encoding else {})}
        n = len(list(receivers.envelopes(bare.state)))
        reply = post(bare.http, f"/v1/{signal}", body, headers)
        assert (reply.status, reply.body) == (200, b""), (encoding, reply.body)
        kept = list(receivers.envelopes(bare.state))[n:]
        assert b"".join(one.request.SerializeToString(deterministic=True) for one in kept) == message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/json ;x=y"])
def test_parameters_of_the_media_type(bare, kind):
    reply = post(bare.http, body=b"{}", headers={"Content-Type": kind})
    assert (reply.status, reply.body) == (200, b"{}")


@pytest.mark.parametrize("signal", SIGNALS)
def test_empty_requests_succeed(bare, signal):
    n = len(list(receivers.envelopes(bare.state)))
    assert post(bare.http, f"/v1/{signal}", b"").status == 200
    assert post(bare.http, f"/v1/{signal}", b"{}", JSON).json() == {}
    assert len(list(receivers.envelopes(bare.state))) == n


def raw(port, data, seconds=10):
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        return connection.recv(65536)


def test_chunked_and_in_small_pieces(bare):
    body = traces("chunked")
    pieces = [body[at:at + 7] for at in range(0, len(body), 7)]
    with socket.create_connection(("127.0.0.1", bare.http), timeout=10) as connection:
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(0.001)
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert newest(bare).request == REQUESTS["traces"].FromString(body)


@pytest.mark.parametrize("n_bytes", [300_000, 900_000, 3_000_000, 20_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_requests_are_kept_whole(bare, n_bytes, is_chunked):
    names = [f"{n_bytes}-{is_chunked}-{i}" for i in range(n_bytes // 1000)]
    body = traces(*names, pad=1000)
    before = receivers.span_names(bare.state)
    reply = post(bare.http, body=(body[at:at + 65536] for at in range(0, len(body), 65536)) if is_chunked else body)
    assert reply.status == 200
    assert receivers.span_names(bare.state)[len(before):] == names


def test_two_requests_on_one_connection(bare):
    request = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", bare.http), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(2 * request)  # pipelined
        got = b""
        while got.count(b"HTTP/1.1 200 ") < 2:
            got += connection.recv(65536)


# --- what is not ---

def status_of(reply):
    if reply.header("content-type") == "application/json":
        return json_format.Parse(reply.body, status_pb2.Status())
    assert reply.header("content-type") == "application/x-protobuf"
    return status_pb2.Status.FromString(reply.body)


NOT_PROTOBUF = b"\x0a\xff\xff\xff\xff\x0f"
MATRIX = {
    "get": (dict(method="GET", body=None), 405, 12),
    "put": (dict(method="PUT"), 405, 12),
    "other_path": (dict(path="/v1/trace"), 404, 12),
    "root": (dict(path="/"), 404, 12),
    "profiles": (dict(path="/v1development/profiles"), 404, 12),
    "text": (dict(headers={"content-type": "text/plain"}), 415, 12),
    "form": (dict(headers={"content-type": "application/x-www-form-urlencoded"}), 415, 12),
    "no_type": (dict(headers={}), 415, 12),
    "encoding": (dict(headers={**PROTOBUF, "content-encoding": "br"}), 415, 12),
    "protobuf": (dict(body=NOT_PROTOBUF), 400, 3),
    "cut_protobuf": (dict(body=traces("cut")[:-3]), 400, 3),
    "json": (dict(body=b"{", headers=JSON), 400, 3),
    "no_json": (dict(body=b"", headers=JSON), 400, 3),
    "array": (dict(body=b"[]", headers=JSON), 400, 3),
    "not_utf8": (dict(body=b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\xff"}]}]}]}', headers=JSON), 400, 3),
    "twice": (dict(body=b'{"resourceSpans":[],"resourceSpans":[]}', headers=JSON), 400, 3),
    "not_gzip": (dict(headers={**PROTOBUF, "content-encoding": "gzip"}), 400, 3),
    "cut_gzip": (dict(body=gzip.compress(traces("a"))[:-9], headers={**PROTOBUF, "content-encoding": "gzip"}), 400, 3),
    "not_zstd": (dict(headers={**JSON, "content-encoding": "zstd"}), 400, 3),
    "tenant": (dict(headers={**PROTOBUF, "X-Scope-OrgID": "a/b"}), 400, 3),
    "long_tenant": (dict(headers={**PROTOBUF, "X-Scope-OrgID": "x" * 151}), 400, 3),
    "up": (dict(headers={**PROTOBUF, "X-Scope-OrgID": ".."}), 400, 3),
}


@pytest.mark.parametrize("kind", MATRIX)
def test_refusals(bare, kind):
    arguments, status, code = MATRIX[kind]
    n = len(list(receivers.envelopes(bare.state)))
    reply = post(bare.http, **{"body": traces("refused"), **arguments})
    assert reply.status == status, reply.body
    told = status_of(reply)
    assert told.code == code and told.message
    asked = arguments.get("headers", PROTOBUF).get("content-type", "json")
    assert (reply.header("content-type") == "application/x-protobuf") == (asked == PROTOBUF["content-type"])
    assert (reply.header("allow") == "POST") == (status == 405)
    assert reply.header("retry-after") is None
    assert len(list(receivers.envelopes(bare.state))) == n


def test_deep_values_are_rejected(bare):
    nested = {"stringValue": "x"}
    for _ in range(300):
        nested = {"arrayValue": {"values": [nested]}}
    attributes = [{"key": "k", "value": nested}]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": attributes}, {"name": "flat"}]}]}]}
    reply = post(bare.http, body=json.dumps(request).encode(), headers=JSON)
    assert reply.status == 200 and json.loads(reply.body)["partialSuccess"]["rejectedSpans"] == "1"
    request["resourceSpans"][0]["resource"] = {"attributes": attributes}
    assert post(bare.http, body=json.dumps(request).encode(), headers=JSON).status == 400


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_partial_success(bare, kind):
    """An item that cannot be taken does not take its neighbours with it."""
    request = REQUESTS["traces"]()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(name="good", trace_id=b"t" * 16, span_id=b"s" * 8)
    spans.add(name="bad", trace_id=b"t" * 15, span_id=b"s" * 8)
    spans.add(name="huge").attributes.add(key="k").value.string_value = "x" * 900_000
    body = request.SerializeToString()
    if kind is JSON:
        text = json.loads(json_format.MessageToJson(request))
        for span in text["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            span.update({key: base64.b64decode(span[key]).hex() for key in ("traceId", "spanId") if key in span})
        body = json.dumps(text).encode()
    reply = post(bare.http, body=body, headers=kind)
    assert reply.status == 200, reply.body
    answer = trace_service_pb2.ExportTraceServiceResponse()
    if kind is JSON:
        json_format.Parse(reply.body, answer)
    else:
        answer.ParseFromString(reply.body)
    assert answer.partial_success.rejected_spans == 2
    assert answer.partial_success.error_message
    assert receivers.span_names(bare.state)[-1] == "good"


def test_names_that_otlp_does_not_have_are_told(bare):
    """No error, says the specification; but whoever sends snake_case would lose all of it without a word."""
    def answer(text):
        reply = post(bare.http, body=text.encode(), headers=JSON)
        assert reply.status == 200
        return json.loads(reply.body)
    told = answer('{"resource_spans":[{"scope_spans":[{"spans":[{"name":"x"}]}]}]}')["partialSuccess"]
    assert "resourceSpans" in told["errorMessage"] and told.get("rejectedSpans", "0") == "0"
    assert "partialSuccess" in answer('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}')
    for right in ("{}", " {\n} ", '{"resourceSpans":[]}', '{"resourceSpans":[{"scopeSpans":[]}]}', '{"resourceSpans":null}'):
        assert answer(right) == {}


def test_bombs_and_large_requests(tmp_path):
    running = receivers.Bare(tmp_path, receivers="{otlp: {protocols: {http: {max_request_body_size: 10 MB}, grpc: }}}")
    try:
        limit = 10_000_000
        base = len(traces("x", pad=1)) - 1
        fits = traces("x", pad=limit - base - 20)
        assert limit - 20 <= len(fits) <= limit
        reply = post(running.http, body=b"\0" * (limit + 1))
        assert reply.status == 413 and status_of(reply).code == 8 and b"max_request_body_size" in reply.body
        for kind, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd)):
            bomb = pack(b"\0" * (limit + 1))
            assert len(bomb) < 50_000
            reply = post(running.http, body=bomb, headers={**PROTOBUF, "content-encoding": kind})
            assert reply.status == 413, kind
            assert post(running.http, body=pack(b""), headers={**PROTOBUF, "content-encoding": kind}).status == 200
        assert post(running.http, body=fits).status == 200  # one span over the size of an item: told as partial success
        assert list(receivers.envelopes(running.state)) == []
    finally:
        running.stop()


def test_half_requests_leave_nothing(bare):
    body = traces("half", pad=5000)
    n = len(list(receivers.envelopes(bare.state)))
    head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(body)
    for at in (1, len(head) - 2, len(head), len(head) + 100, len(head) + len(body) - 1):
        with socket.create_connection(("127.0.0.1", bare.http), timeout=10) as connection:
            connection.sendall((head + body)[:at])
    time.sleep(0.1)
    assert len(list(receivers.envelopes(bare.state))) == n
    assert post(bare.http, body=body).status == 200


def test_retry_info_is_readable():
    """The oracle of this file reads what Google's own classes write."""
    details = error_details_pb2.RetryInfo()
    details.retry_delay.seconds = 2
    assert details.SerializeToString() == b"\x0a\x02\x08\x02"


BOUND_TOKEN, KEY = "bound-token-0123456789", "vk-0123456789abcdef0123456789"


@pytest.fixture(scope="module")
def binding(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binding")
    running = receivers.Bare(folder, receivers=json.dumps({"otlp": {"protocols": {"http": None, "grpc": None}, "auth": {"bearer_tokens": [
        {"token": BOUND_TOKEN, "tenant": "acme", "attributes": {"team": "edge", "app.tier": 3}}]}}}) +
        f"\ngovernance: {{keys: [{{name: k, key: {KEY}, attributes: {{team: search, project: bot}}}}]}}")
    yield running
    running.stop()


def plain(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("token,tenant,bound", [(BOUND_TOKEN, "acme", {"genops.team": "edge", "app.tier": 3}),
                                                (KEY, "mine", {"genops.team": "search", "genops.project": "bot"})])
def test_what_a_token_binds_nobody_changes(binding, signal, token, tenant, bound):
    """A token's tenant and attributes, and those of a governance key, stand in everything that is sent with it."""
    request = REQUESTS[signal]()
    names = {"traces": ("resource_spans", "scope_spans", "spans"), "metrics": ("resource_metrics", "scope_metrics", "metrics"),
             "logs": ("resource_logs", "scope_logs", "log_records")}[signal]
    group = getattr(request, names[0]).add()
    items = getattr(getattr(group, names[1]).add(), names[2])
    if signal == "metrics":
        holders = [getattr(items.add(name=kind), kind).data_points.add() for kind in POINTS]
    else:
        holders = [items.add() for _ in range(3)]
    for holder in [group.resource, *holders]:
        for key, value in (("genops.team", "lie"), ("genops.project", "lie"), ("kept", "yes"), ("app.tier", "lie")):
            holder.attributes.add(key=key).value.string_value = value
    reply = post(binding.http, f"/v1/{signal}", request.SerializeToString(),
                 {**PROTOBUF, "Authorization": f"Bearer {token}", "X-Scope-OrgID": "mine"})
    assert (reply.status, reply.body) == (200, b"")
    last = newest(binding)
    assert last.tenant == tenant
    got = getattr(last.request, names[0])[0]
    kept = getattr(getattr(got, names[1])[0], names[2])
    found = [getattr(item, item.WhichOneof("data")).data_points[0] for item in kept] if signal == "metrics" else kept
    free = {key: "lie" for key in ("genops.team", "genops.project", "app.tier") if key not in bound}
    assert [plain(one.attributes) for one in found] == [{**free, "kept": "yes", **bound}] * len(holders)
    assert all(len(one.attributes) == len(plain(one.attributes)) for one in found), "no key twice"
    assert plain(got.resource.attributes) == {**free, "kept": "yes"}
