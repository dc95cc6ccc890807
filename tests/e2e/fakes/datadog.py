# SPDX-License-Identifier: Apache-2.0
"""Datadog's intake of metrics and its check of keys, from the public contract (docs.datadoghq.com/api/latest/metrics/submit-metrics, API
specification v2 of datadog-api-client): refuses what Datadog refuses. Keeps points as Datadog does: of one series in one second the last.

Not covered: rates of requests, and what Datadog makes of a metric behind its intake (roll-ups, metadata)."""
import gzip
import re
import time
import zlib

from fakes.alert_endpoint import AlertEndpoint, strict

KEY = "0123456789abcdef0123456789abcdef"
COUNT, RATE, GAUGE = 1, 2, 3
SERIES_KEYS = {"metric", "type", "points", "interval", "resources", "tags", "unit", "source_type_name", "metadata"}


def inflate(request, maximum):
    encoding = request.headers.get("content-encoding", "identity")
    body = request.body
    if encoding == "gzip":
        body = gzip.decompress(body)
    elif encoding == "deflate":
        body = zlib.decompress(body)
    elif encoding != "identity":
        raise ValueError(f"content-encoding {encoding}")
    if len(body) > maximum:
        raise OverflowError
    return body


class FakeDatadog(AlertEndpoint):
    def __init__(self, port=0, key=KEY):
        self.key = key
        self.points = {}  # (metric, tags, host, second) -> (type, value, unit, interval)
        self.n_dropped = 0  # too old, or from the future: Datadog says nothing of them
        super().__init__(port)

    def answer(self, request):
        path = request.path.split("?")[0]
        if request.headers.get("dd-api-key") != self.key:
            return 403, {"content-type": "application/json"}, {"errors": ["Forbidden"]}
        if path == "/api/v1/validate" and request.method == "GET":
            return 200, {"content-type": "application/json"}, {"valid": True}
        if path != "/api/v2/series" or request.method != "POST":
            return 404, {"content-type": "application/json"}, {"errors": ["Not found"]}
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return 415, {}, {"errors": ["Unsupported Media Type"]}
        if len(request.body) > 512000:
            return 413, {}, {"errors": ["Payload too big"]}
        try:
            series = strict(inflate(request, 5242880).decode())["series"]
            assert isinstance(series, list) and series, "series"
            found = [point for one in series for point in self.read(one)]
        except OverflowError:
            return 413, {}, {"errors": ["Payload too big"]}
        except (AssertionError, KeyError, TypeError, ValueError, zlib.error, OSError) as error:
            return 400, {"content-type": "application/json"}, {"errors": [f"Payload is not in the expected format: {error}"]}
        request.series = series
        for key, point in found:
            if -600 <= time.time() - key[3] <= 3600:
                self.points[key] = point
            else:
                self.n_dropped += 1
        return 202, {"content-type": "application/json"}, {"errors": []}

    def read(self, series):
        assert not set(series) - SERIES_KEYS, f"unknown {set(series) - SERIES_KEYS}"
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]{0,199}", series["metric"]), "metric"
        assert series.get("type", 0) in (0, 1, 2, 3) and not isinstance(series.get("type"), bool), "type"
        assert "interval" not in series or isinstance(series["interval"], int) and series["interval"] > 0, "interval"
        tags = series.get("tags", [])
        for tag in tags:
            assert re.fullmatch(r"[^\W\d_][^\s,]{0,199}", tag) and tag == tag.lower() and not tag.endswith(":"), f"tag {tag}"
        hosts = [each["name"] for each in series.get("resources", []) if each["type"] == "host"]
        assert series["points"], "points"
        for point in series["points"]:
            assert set(point) == {"timestamp", "value"} and type(point["timestamp"]) is int and type(point["value"]) in (int, float), "point"
            key = (series["metric"], tuple(sorted(tags)), hosts[0] if hosts else "", point["timestamp"])
            yield key, (series.get("type", 0), point["value"], series.get("unit"), series.get("interval"))

    def total(self, metric, *tags):
        """sum:metric{tags} over all the time."""
        return sum(value for (name, has, _, _), (_, value, _, _) in list(self.points.items()) if name == metric and set(tags) <= set(has))

    def metrics(self):
        return {name for name, *_ in list(self.points)}


# --- the trace intake: AgentPayload and what is in it, as datadog-agent's pkg/proto/datadog/trace/*.proto has them ---

def agent_payload_class():
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    field = descriptor_pb2.FieldDescriptorProto
    types = {"string": field.TYPE_STRING, "uint64": field.TYPE_UINT64, "int64": field.TYPE_INT64, "int32": field.TYPE_INT32, "double": field.TYPE_DOUBLE,
             "bool": field.TYPE_BOOL}
    messages = {
        "Span": [("service", 1, "string"), ("name", 2, "string"), ("resource", 3, "string"), ("traceID", 4, "uint64"), ("spanID", 5, "uint64"),
                 ("parentID", 6, "uint64"), ("start", 7, "int64"), ("duration", 8, "int64"), ("error", 9, "int32"), ("meta", 10, "map string"),
                 ("metrics", 11, "map double"), ("type", 12, "string")],
        "TraceChunk": [("priority", 1, "int32"), ("origin", 2, "string"), ("spans", 3, "Span"), ("tags", 4, "map string"), ("droppedTrace", 5, "bool")],
        "TracerPayload": [("containerID", 1, "string"), ("languageName", 2, "string"), ("languageVersion", 3, "string"), ("tracerVersion", 4, "string"),
                          ("runtimeID", 5, "string"), ("chunks", 6, "TraceChunk"), ("tags", 7, "map string"), ("env", 8, "string"), ("hostname", 9, "string"),
                          ("appVersion", 10, "string")],
        "AgentPayload": [("hostName", 1, "string"), ("env", 2, "string"), ("tracerPayloads", 5, "TracerPayload"), ("tags", 6, "map string"),
                         ("agentVersion", 7, "string"), ("targetTPS", 8, "double"), ("errorTPS", 9, "double")],
    }
    file = descriptor_pb2.FileDescriptorProto(name="datadog_trace.proto", package="datadog.trace", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for key, number, kind in fields:
            made = message.field.add(name=key, number=number, label=field.LABEL_OPTIONAL)
            if kind.startswith("map "):
                entry_name = key[0].upper() + key[1:] + "Entry"
                entry = message.nested_type.add(name=entry_name)
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_STRING)
                entry.field.add(name="value", number=2, label=field.LABEL_OPTIONAL, type=types[kind[4:]])
                made.label, made.type, made.type_name = field.LABEL_REPEATED, field.TYPE_MESSAGE, f".datadog.trace.{name}.{entry_name}"
            elif kind in types:
                made.type = types[kind]
            else:
                made.label, made.type, made.type_name = field.LABEL_REPEATED, field.TYPE_MESSAGE, f".datadog.trace.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("datadog.trace.AgentPayload"))


class FakeDatadogTraces(AlertEndpoint):
    """trace.agent.<site>: POST /api/v0.2/traces. The rules are those of the agent's own normalisation, which the intake relies on."""

    def __init__(self, port=0, key=KEY):
        self.key, self.payloads, self.spans, self.payload_class = key, [], [], agent_payload_class()
        super().__init__(port)

    def answer(self, request):
        if request.headers.get("dd-api-key") != self.key:
            return 403, {}, ""
        if (request.method, request.path) != ("POST", "/api/v0.2/traces"):
            return 404, {}, ""
        if request.headers.get("content-type") != "application/x-protobuf":
            return 415, {}, ""
        try:
            payload = self.payload_class.FromString(inflate(request, 3_200_000))
            spans = list(self.read(payload))
        except OverflowError:
            return 413, {}, ""
        except Exception as error:  # what protobuf throws has no one name
            return 400, {}, str(error)
        self.payloads.append(payload)
        self.spans += spans
        return 202, {}, ""

    def read(self, payload):
        assert payload.hostName and payload.agentVersion
        for tracer in payload.tracerPayloads:
            for chunk in tracer.chunks:
                assert chunk.spans and len({span.traceID for span in chunk.spans}) == 1, "a chunk is of one trace"
                for span in chunk.spans:
                    assert span.traceID and span.spanID and span.start > 946684800 * 10**9 and span.duration >= 0, "ids and times"
                    assert 0 < len(span.service) <= 100 and re.fullmatch(r"[a-z][a-z0-9_.]{0,99}", span.name) and 0 < len(span.resource) <= 5000, "names"
                    assert all(len(value) <= 25000 for value in span.meta.values())
                    yield span
