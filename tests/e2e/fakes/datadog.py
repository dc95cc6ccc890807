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
