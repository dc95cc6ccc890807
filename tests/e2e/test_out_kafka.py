# SPDX-License-Identifier: Apache-2.0
"""Destination kafka against Apache Kafka itself: what the Collector's kafka receiver would read, keys and partitions, and nothing lost or twice
while the broker is away, stopped or killed."""
import json
import signal
import subprocess

import pytest
import yaml
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

import gateway as gateways
import kafka_broker
from receivers import PROTOBUF, Serve, post, traces

pytestmark = pytest.mark.skipif(not kafka_broker.jars(), reason="no Java and Maven to run Apache Kafka with: tools/dependencies.sh test installs them")
RECEIVERS = {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = kafka_broker.Broker(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.stop()


def serve(folder, exporter, **more):
    config = {"receivers": RECEIVERS, "exporters": {"kafka": exporter},
              "service": {"pipelines": {signal: {"receivers": ["otlp"], "exporters": ["kafka"]} for signal in ("traces", "metrics", "logs")}}, **more}
    return Serve(folder, yaml.safe_dump(config))


def spans_of(messages):
    requests = [trace_service_pb2.ExportTraceServiceRequest.FromString(message.value) for message in messages]
    return [span for request in requests for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


def test_traces_reach_the_topic_of_the_collector(broker, tmp_path):
    serving = serve(tmp_path, {"brokers": [broker.address], "record_headers": {"origin": "test"}})
    try:
        assert post(serving.http, body=traces("a", "b", "c")).status == 200
        messages = broker.read("otlp_spans", 1)
    finally:
        serving.stop()
    assert sorted(span.name for span in spans_of(messages)) == ["a", "b", "c"]
    assert messages[0].key is None and ("origin", b"test") in messages[0].headers
