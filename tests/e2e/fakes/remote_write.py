# SPDX-License-Identifier: Apache-2.0
"""A receiver of Prometheus remote write 1.0, from the specification (prometheus.io/docs/specs/prw/remote_write_spec): refuses what the
specification says a sender must not send, and keeps samples as a strict receiver does: one that is not newer than its series' last is a 400 and
nothing of the request is taken, unless it says the same again. Snappy is pyarrow's, protobuf is protobuf's own: both independent of GenOps.

Not covered: native histograms, exemplars, limits of tenants."""
import base64
import math
import struct

import pyarrow
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from fakes.alert_endpoint import AlertEndpoint

STALE = 0x7ff0000000000002


def messages():
    """prompb/remote.proto and types.proto, what remote write 1.0 has of them."""
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    F = descriptor_pb2.FieldDescriptorProto
    for name, fields in {
            "Label": (("name", 1, F.TYPE_STRING, 0), ("value", 2, F.TYPE_STRING, 0)),
            "Sample": (("value", 1, F.TYPE_DOUBLE, 0), ("timestamp", 2, F.TYPE_INT64, 0)),
            "TimeSeries": (("labels", 1, "Label", 1), ("samples", 2, "Sample", 1)),
            "MetricMetadata": (("type", 1, F.TYPE_INT32, 0), ("metric_family_name", 2, F.TYPE_STRING, 0), ("help", 4, F.TYPE_STRING, 0),
                               ("unit", 5, F.TYPE_STRING, 0)),
            "WriteRequest": (("timeseries", 1, "TimeSeries", 1), ("metadata", 3, "MetricMetadata", 1))}.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            one = message.field.add(name=field, number=number, label=F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL)
            if isinstance(kind, str):
                one.type, one.type_name = F.TYPE_MESSAGE, f".prometheus.{kind}"
            else:
                one.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


WriteRequest = messages()


def unsnap(data):
    """The block format; its length stands before it."""
    length = shift = at = 0
    while True:
        byte = data[at]
        length |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    assert length < 64 << 20, "too large"
    return pyarrow.Codec("snappy").decompress(data, decompressed_size=length).to_pybytes()


class FakeRemoteWrite(AlertEndpoint):
    def __init__(self, port=0, user=None, tenant=None, max_samples=10**9):
        self.user, self.tenant, self.max_samples = user, tenant, max_samples
        self.series = {}    # labels -> [(ms, value)]
        self.metadata = {}
        super().__init__(port)

    def answer(self, request):
        headers = request.headers
        if request.method != "POST" or request.path != "/api/v1/write":
            return 404, {}, "404 page not found"
        if self.user and headers.get("authorization") != "Basic " + base64.b64encode(self.user.encode()).decode():
            return 401, {}, "invalid credentials"
        if self.tenant and headers.get("x-scope-orgid") != self.tenant:
            return 401, {}, "no org id"
        if headers.get("content-type") != "application/x-protobuf" or headers.get("content-encoding") != "snappy":
            return 415, {}, "unsupported media type"
        try:
            assert headers.get("x-prometheus-remote-write-version", "").startswith("0.1."), "version"
            assert headers.get("user-agent"), "user-agent"
            write = WriteRequest.FromString(unsnap(request.body))
            if sum(len(one.samples) for one in write.timeseries) > self.max_samples:
                return 413, {}, "too many samples"
            fresh = self.read(write)
        except (AssertionError, IndexError, ValueError, OSError, pyarrow.ArrowException) as error:
            return 400, {}, f"{error}"
        request.write = write
        for labels, samples in fresh.items():
            self.series.setdefault(labels, []).extend(samples)
        for one in write.metadata:
            self.metadata[one.metric_family_name] = (one.type, one.help)
        return 204, {}, b""

    def read(self, write):
        fresh = {}
        for one in write.timeseries:
            names = [label.name.encode() for label in one.labels]
            assert names == sorted(set(names)), f"labels are not sorted: {names}"
            assert all(label.name and label.value for label in one.labels), "an empty label"
            assert b"__name__" in names, "no name"
            assert one.samples, "a series without samples"
            labels = tuple((label.name, label.value) for label in one.labels)
            assert labels not in fresh, "a series stands twice"
            last, new = (self.series.get(labels) or [(-1, None)])[-1], []
            for sample in one.samples:
                bits = struct.unpack("<Q", struct.pack("<d", sample.value))[0]
                assert not math.isnan(sample.value) or bits == STALE, "NaN"
                if (sample.timestamp, sample.value) == last:
                    continue  # the same again is no fault
                assert sample.timestamp != last[0], "duplicate sample for timestamp"
                assert sample.timestamp > last[0], f"out of order sample: {labels}"
                last = (sample.timestamp, sample.value)
                new.append(last)
            fresh[labels] = new
        return fresh

    def latest(self, name, **labels):
        """Of all series of that name and those labels, {their other labels: the last value}."""
        with self.lock:
            return {series: samples[-1][1] for series, samples in self.series.items() if samples and
                    ("__name__", name) in series and set(labels.items()) <= set(series)}

    def total(self, name, **labels):
        return sum(self.latest(name, **labels).values())
