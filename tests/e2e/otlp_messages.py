# SPDX-License-Identifier: Apache-2.0
"""OTLP requests for tests, by reflection over opentelemetry-proto's own classes: every field of every message, random values, edges among
them; and OTLP's JSON mapping made of protobuf's (ids in hex, enums as numbers)."""
import base64
import json
import math

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as Field
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}
IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
ID_KEYS = {"traceId", "spanId", "parentSpanId"}

TEXTS = ["", "a", "chat gpt-4o-mini", "x" * 127, "y" * 128, "z" * 20000, "\x00\x01\x1f\x7f", '"\\/\b\f\n\r\t', "é€😀", "\u2028", "名" * 50]
INTEGERS = {
    Field.TYPE_INT32: [0, 1, -1, 2**31 - 1, -2**31], Field.TYPE_SINT32: [0, 1, -1, 2**31 - 1, -2**31],
    Field.TYPE_UINT32: [0, 1, 127, 128, 2**32 - 1], Field.TYPE_FIXED32: [0, 1, 257, 2**32 - 1],
    Field.TYPE_INT64: [0, 1, -1, 2**53 + 1, 2**63 - 1, -2**63], Field.TYPE_SFIXED64: [0, 1, -1, 2**63 - 1, -2**63],
    Field.TYPE_UINT64: [0, 1, 300, 2**63, 2**64 - 1], Field.TYPE_FIXED64: [0, 1, 1_700_000_000_123_456_789, 2**64 - 1],
    Field.TYPE_ENUM: [0, 1, 2, 3, 99, -1, 2**31 - 1],
}
DOUBLES = [0.0, -0.0, 1.0, 0.1, 1 / 3, 1e300, -1e-300, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 123456789012345678.0]


class Generator:
    def __init__(self, random, depth=7, breadth=3):
        self.random, self.depth, self.breadth = random, depth, breadth

    def scalar(self, field):
        if field.name in IDS and field.type == Field.TYPE_BYTES:
            return self.random.choice([b"", self.random.randbytes(IDS[field.name])])
        if field.type == Field.TYPE_STRING:
            return self.random.choice(TEXTS)
        if field.type == Field.TYPE_BYTES:
            return self.random.randbytes(self.random.choice([0, 1, 2, 3, 200]))
        if field.type == Field.TYPE_DOUBLE:
            return self.random.choice([*DOUBLES, self.random.uniform(-1e6, 1e6)])
        if field.type == Field.TYPE_BOOL:
            return self.random.random() < 0.5
        return self.random.choice(INTEGERS[field.type])

    def fill(self, message, depth=0):
        chosen = {oneof.name: self.random.choice(oneof.fields) for oneof in message.DESCRIPTOR.oneofs}
        for field in message.DESCRIPTOR.fields:
            if field.containing_oneof and chosen[field.containing_oneof.name] is not field:
                continue
            if self.random.random() < 0.2 or (field.message_type and depth > self.depth and field.message_type.name in ("AnyValue", "KeyValue")):
                continue
            if field.is_repeated:
                for _ in range(self.random.randint(0, self.breadth)):
                    if field.message_type:
                        self.fill(getattr(message, field.name).add(), depth + 1)
                    else:
                        getattr(message, field.name).append(self.scalar(field))
            elif field.message_type:
                getattr(message, field.name).SetInParent()
                self.fill(getattr(message, field.name), depth + 1)
            else:
                setattr(message, field.name, self.scalar(field))
        return message

    def request(self, signal):
        return self.fill(REQUESTS[signal]())


def convert_ids(value, convert):
    if isinstance(value, list):
        return [convert_ids(v, convert) for v in value]
    if isinstance(value, dict):
        return {k: convert(v) if k in ID_KEYS and isinstance(v, str) else convert_ids(v, convert) for k, v in value.items()}
    return value


def to_json(message):
    """The text that OTLP's mapping wants, from protobuf's own."""
    tree = json_format.MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(convert_ids(tree, lambda text: base64.b64decode(text).hex()))


def from_json(signal, text):
    """protobuf's own reading of what OTLP's mapping is; strict about names."""
    tree = convert_ids(json.loads(text), lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return json_format.ParseDict(tree, REQUESTS[signal](), max_recursion_depth=1000)


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields_of(data):
    """(number, wire type, content) of each field."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        begin = at
        if tag & 7 == 0:
            _, at = read_varint(data, at)
        elif tag & 7 == 2:
            n, begin = read_varint(data, at)
            at = begin + n
        else:
            at += 8 if tag & 7 == 1 else 4
        yield tag >> 3, tag & 7, data[begin:at]


def shuffle(random, descriptor, data):
    """The same message: fields of different numbers in any order, packed numbers unpacked or in two parts, lengths padded, fields that
    nobody knows between them."""
    by_number = {f.number: f for f in descriptor.fields}
    groups = {}
    for number, wire, content in fields_of(data):
        field, parts = by_number[number], [(wire, content)]
        if field.message_type:
            parts = [(wire, shuffle(random, field.message_type, content))]
        elif wire == 2 and field.is_repeated and field.type not in (Field.TYPE_STRING, Field.TYPE_BYTES) and random.random() < 0.7:
            if field.type in (Field.TYPE_FIXED64, Field.TYPE_DOUBLE):
                parts = [(1, content[i:i + 8]) for i in range(0, len(content), 8)]
            else:
                parts, at = [], 0
                while at < len(content):
                    _, end = read_varint(content, at)
                    parts.append((0, content[at:end]))
                    at = end
            if len(parts) > 2 and random.random() < 0.5:
                parts = [(2, content)] if random.random() < 0.2 else [parts[0], (2, b"".join(c for _, c in parts[1:]))]
        groups.setdefault(number, []).extend(parts)
    if random.random() < 0.3:
        groups[random.choice([99, 1000, 536870911])] = [(random.choice([(0, b"\x05"), (2, b"what?"), (1, b"12345678"), (5, b"1234")]))]
    order = [number for number, parts in groups.items() for _ in parts]
    random.shuffle(order)  # neighbours of one number keep their order
    out = bytearray()
    for number in order:
        wire, content = groups[number].pop(0)
        out += varint(number << 3 | wire)
        if wire == 2:
            length = bytearray(varint(len(content)))
            if random.random() < 0.2:
                length[-1] |= 0x80
                length += b"\x80\x00"
            out += length
        out += content
    return bytes(out)
