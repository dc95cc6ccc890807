# SPDX-License-Identifier: Apache-2.0
"""OTLP in protobuf and JSON, against Python's protobuf and opentelemetry-proto's own classes: every field of every message, both ways, in any
order of fields; requests captured from real SDKs; and what is cut into pieces is, put together, what it was.

proves part of CRB-040, OTL-047 in part"""
import base64
import collections
import json
import os
import random
import subprocess

import pytest

import gateway as gateways
from otlp_messages import ID_KEYS, REQUESTS, Generator, convert_ids, from_json, shuffle, to_json, varint
from otlp_samples import CAPTURES, GUIDE

SEEDS = range(40)


class Refused(Exception):
    pass


class Converter:
    def __init__(self, build):
        self.process = subprocess.Popen([os.path.join(build, "tests", "unit", "otlp_convert")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question, signal, data):
        self.process.stdin.write(f"{question} {signal} {data.hex()}\n".encode())
        self.process.stdin.flush()
        kind, _, rest = self.process.stdout.readline().decode().rstrip("\n").partition(" ")
        if kind != "ok":
            raise Refused(rest)
        return rest

    def read(self, signal, text):
        message = REQUESTS[signal]()
        message.ParseFromString(bytes.fromhex(self.ask("read", signal, text.encode())))
        return message

    def write(self, signal, data):
        return bytes.fromhex(self.ask("write", signal, data)).decode()

    def pieces(self, signal, data):
        accepted, rejected, pieces = self.ask("pieces", signal, data).split(" ")
        return int(accepted), int(rejected), [bytes.fromhex(p) for p in pieces.split(",") if p]


@pytest.fixture(scope="module")
def converter():
    converter = Converter(os.path.dirname(gateways.GENOPS))
    yield converter
    converter.process.stdin.close()
    converter.process.wait(timeout=30)


def same(a, b):
    """NaN is not equal to itself: bytes are."""
    return a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True)


@pytest.mark.parametrize("signal", REQUESTS)
def test_every_field_both_ways(converter, signal):
    """What a client says in one encoding arrives as what it says in the other."""
    for seed in SEEDS:
        message = Generator(random.Random(seed)).request(signal)
        data = message.SerializeToString()
        text = converter.write(signal, data)
        assert "\n" not in text
        assert same(from_json(signal, text), message), f"seed {seed}: written"
        assert same(converter.read(signal, to_json(message)), message), f"seed {seed}: read"
        assert same(converter.read(signal, text), message), f"seed {seed}: there and back"


@pytest.mark.parametrize("signal", REQUESTS)
def test_fields_in_any_order(converter, signal):
    for seed in SEEDS:
        rand = random.Random(1000 + seed)
        message = Generator(rand).request(signal)
        data = shuffle(rand, message.DESCRIPTOR, message.SerializeToString())
        expected = REQUESTS[signal]()
        expected.ParseFromString(data)
        expected.DiscardUnknownFields()
        assert same(from_json(signal, converter.write(signal, data)), expected), f"seed {seed}"
        _, rejected, pieces = converter.pieces(signal, data)
        assert rejected == 0 and pieces in ([data], []), f"seed {seed}: a small request goes on as it came"


def items(signal, data):
    """Of a request, how often which item with which resource and scope; a metric's points apart, as a large one is cut between them."""
    message = REQUESTS[signal]()
    message.ParseFromString(data)
    found = collections.Counter()
    for resource in next(iter(message.ListFields()), (None, []))[1]:
        scopes = getattr(resource, {"traces": "scope_spans", "metrics": "scope_metrics", "logs": "scope_logs"}[signal])
        for scope in scopes:
            where = (resource.resource.SerializeToString(deterministic=True), resource.schema_url,
                     scope.scope.SerializeToString(deterministic=True), scope.schema_url)
            for item in getattr(scope, {"traces": "spans", "metrics": "metrics", "logs": "log_records"}[signal]):
                found[(*where, item.SerializeToString(deterministic=True))] += 1
    return found


@pytest.mark.parametrize("signal", REQUESTS)
def test_large_requests_are_cut_and_nothing_is_lost(converter, signal):
    rand = random.Random(5)
    data = b""
    while len(data) < 3_000_000:
        message = Generator(rand, depth=6).request(signal)
        data += shuffle(rand, message.DESCRIPTOR, message.SerializeToString())
    accepted, rejected, pieces = converter.pieces(signal, data)
    assert rejected == 0 and len(pieces) > 1
    assert all(len(piece) <= 512 << 10 for piece in pieces)
    assert items(signal, b"".join(pieces)) == items(signal, data)
    assert signal == "metrics" or accepted == sum(items(signal, data).values())


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_captured_requests(converter, capture):
    signal, body = capture.signal, capture.body
    if capture.content_type == "application/json":
        message = from_json(signal, body.decode())
        assert same(converter.read(signal, body.decode()), message)
        body = message.SerializeToString()
    message = REQUESTS[signal]()
    message.ParseFromString(body)
    text = converter.write(signal, body)
    assert same(from_json(signal, text), message)
    assert same(converter.read(signal, text), message)
    accepted, rejected, pieces = converter.pieces(signal, body)
    assert accepted > 0 and rejected == 0 and pieces == [body]


def test_the_guides_curls(converter):
    for text in GUIDE:
        message = converter.read("traces", text)
        assert same(message, from_json("traces", text))
        data = message.SerializeToString()
        assert converter.pieces("traces", data) == (1, 0, [data])


def test_what_sdks_and_people_write(converter):
    """Times as numbers, ids in capitals, names of enums: what other receivers' tests have."""
    def span(**members):
        return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [members]}]}]})
    message = converter.read("traces", span(name="a", kind=3, startTimeUnixNano=1700000000000000000, endTimeUnixNano="1700000000000000001",
                                            attributes=[{"key": "k", "value": {"intValue": 5}}], status={"code": 1}, unknown=[{}]))
    found = message.resource_spans[0].scope_spans[0].spans[0]
    assert (found.start_time_unix_nano, found.attributes[0].value.int_value, found.status.code) == (1700000000000000000, 5, 1)
    assert converter.read("traces", "{}") == REQUESTS["traces"]()
    upper = converter.read("traces", span(traceId="5B8EFFF798038103D269B633813FC60C", spanId="EEE19B7EC3C1B174"))
    assert upper.resource_spans[0].scope_spans[0].spans[0].trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    # opentelemetry-proto's examples/events.json writes lists of values so
    bare = converter.read("traces", span(attributes=[{"key": "m", "value": {"kvlistValue": [{"key": "a", "value": {"intValue": "1"}}]}},
                                                     {"key": "l", "value": {"arrayValue": [{"stringValue": "b"}, {"arrayValue": []}]}}]))
    whole = converter.read("traces", span(attributes=[
        {"key": "m", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}},
        {"key": "l", "value": {"arrayValue": {"values": [{"stringValue": "b"}, {"arrayValue": {"values": []}}]}}}]))
    assert bare == whole
    for wrong in (span(kind="SPAN_KIND_SERVER"), span(status={"code": "STATUS_CODE_OK"}), span(traceId="5b8efff798038103d269b633813fc60g"),
                  span(name=5), '{"resourceSpans":[', "[]", ""):
        with pytest.raises(Refused, match="^-3 "):
            converter.read("traces", wrong)


def test_damaged_json_is_refused_or_read_as_protobuf_reads_it(converter):
    """One byte of a document changed: what both take means the same to both."""
    rand = random.Random(3)
    n_taken = 0
    for signal in REQUESTS:
        text = to_json(Generator(rand, depth=4, breadth=1).request(signal))
        for _ in range(1000):
            at = rand.randrange(len(text))
            changed = text[:at] + rand.choice('0123456789aefntul{}[]",:.-+ \\') + text[at + 1:]
            try:
                ours = converter.read(signal, changed)
            except Refused:
                continue
            try:
                tree = convert_ids(json.loads(changed), lambda t: base64.b64encode(bytes.fromhex(t)).decode())
                theirs = from_json(signal, changed) if tree else REQUESTS[signal]()
            except Exception:  # stricter than OTLP: unknown names, names of enums; or ids of a wrong length
                continue
            n_taken += 1
            if not any(key in changed for key in ID_KEYS):
                assert same(ours, theirs), changed
    assert n_taken > 50


def test_what_is_taken_is_not_too_deep_for_others(converter):
    """Python's protobuf, like C++'s, Java's and Rust's, refuses requests of messages more than 100 deep."""
    def field(number, content):
        return varint(number << 3 | 2) + varint(len(content)) + content
    places = {"traces": [11, 3], "metrics": [9, 1, 8, 7], "logs": [6]}  # attributes of an event; of an exemplar of a histogram's point
    for signal, path in places.items():
        for depth in range(1, 60):
            value = b"\x18\x01"
            for _ in range(depth - 1):
                value = field(6, field(1, field(2, value)))
            data = field(2, value)
            for number in reversed(path):
                data = field(number, data)
            data = field(1, field(2, field(2, data)))
            accepted, rejected, _ = converter.pieces(signal, data)
            assert (accepted, rejected) == ((1, 0) if depth <= 30 else (0, 1))
            if accepted:
                REQUESTS[signal]().ParseFromString(data)
