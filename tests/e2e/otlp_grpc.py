# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC as bytes: what no proper client would send, too, and what an error's details say."""
from google.rpc import error_details_pb2, status_pb2

TRACE_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def call(channel, body, method=TRACE_METHOD, **more):
    """Bytes as they are: what no proper client would send, too."""
    return channel.unary_unary(method, request_serializer=lambda data: data, response_deserializer=lambda data: data)(body, timeout=20, **more)


def details_of(error):
    value = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    status = status_pb2.Status.FromString(value)
    assert status.code == error.code().value[0]
    found = {}
    for detail in status.details:
        info = error_details_pb2.RetryInfo()
        assert detail.Unpack(info)
        found["retry"] = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return found
