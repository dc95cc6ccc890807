# SPDX-License-Identifier: Apache-2.0
"""Destination kafka against Apache Kafka itself: what the Collector's kafka receiver would read, keys and partitions, and nothing lost or twice
while the broker is away, stopped or killed."""
import json
import signal

import pytest
import yaml
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

import gateway as gateways
import kafka_broker
from otlp_messages import from_json
from receivers import Serve, post, traces
from authority import Authority

pytestmark = pytest.mark.skipif(not kafka_broker.jars(), reason="no Java and Maven to run Apache Kafka with: tools/dependencies.sh test installs them")
RECEIVERS = {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    broker = kafka_broker.Broker(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.stop(signal.SIGKILL)


def settings(broker, **more):
    return {"brokers": [broker.address], "timeout": "2s", "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms"}, **more}


def serve(folder, exporter=None, **more):
    config = {"receivers": RECEIVERS, **more}
    if exporter:
        config.update(exporters={"kafka": exporter}, processors={"batch": {"timeout": "100ms"}},
                      service={"pipelines": {signal: {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["kafka"]} for signal in ("traces", "metrics", "logs")}})
    return Serve(folder, yaml.safe_dump(config))


def spans_of(messages, read=trace_service_pb2.ExportTraceServiceRequest.FromString):
    requests = [read(message.value) for message in messages]
    return [span for request in requests for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


def names(messages):
    return sorted(span.name for span in spans_of(messages))


def test_traces_reach_the_topic_of_the_collector(broker, tmp_path):
    serving = serve(tmp_path, settings(broker, record_headers={"origin": "test"}))
    try:
        assert post(serving.http, body=traces("a", "b", "c")).status == 200
        messages = broker.read("otlp_spans", 1)
    finally:
        serving.stop()
    assert names(messages) == ["a", "b", "c"]
    assert messages[0].key is None and ("origin", b"test") in messages[0].headers


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_message_a_trace_as_json_with_its_id_as_key(broker, tmp_path, compression):
    topic = f"by-trace-{compression}"
    serving = serve(tmp_path, settings(broker, traces={"topic": topic, "encoding": "otlp_json"}, partition_traces_by_id=True, producer={"compression": compression}))
    request = trace_service_pb2.ExportTraceServiceRequest.FromString(traces(*(f"s{i}" for i in range(12))))
    spans = request.resource_spans[0].scope_spans[0].spans
    for i, span in enumerate(spans):
        span.trace_id = bytes([i % 4 + 1]) * 16
    try:
        for part in (spans[:6], spans[6:]):
            half = trace_service_pb2.ExportTraceServiceRequest()
            half.resource_spans.add().scope_spans.add().spans.extend(part)
            assert post(serving.http, body=half.SerializeToString()).status == 200
        messages = broker.read(topic, 4)
    finally:
        serving.stop()
    partitions, n = {}, 0
    for message in messages:
        found = from_json("traces", message.value.decode())
        ids = {span.trace_id.hex() for group in found.resource_spans for scope in group.scope_spans for span in scope.spans}
        assert ids == {message.key.decode()}
        n += sum(len(scope.spans) for group in found.resource_spans for scope in group.scope_spans)
        partitions.setdefault(message.key, set()).add(message.partition)
    assert n == 12 and len(partitions) == 4 and all(len(found) == 1 for found in partitions.values())


def test_events_of_pipelines_with_topic_and_key_from_their_fields(broker, tmp_path):
    document = {"id": "bus", "type": "kafka", "brokers": broker.address, "topic": "ai-${team}", "key": "${project}", "flush_interval": "100ms"}
    fields = {"name": "fields", "type": "eval", "expressions": [{"team": "attributes['genops.team'] || 'nobody'"}, {"project": "attributes['genops.project']"}]}
    serving = serve(tmp_path, destinations=[document], pipelines=[{"id": "p", "processors": [fields], "routes": [{"name": "r", "destination": "bus"}]}])
    try:
        assert post(serving.http, body=traces("x", attributes=[("genops.team", "blue"), ("genops.project", "ü")])).status == 200
        assert post(serving.http, body=traces("bad", attributes=[("genops.team", "no topic!"), ("genops.project", "p")])).status == 200
        assert post(serving.http, body=traces("y", "z", attributes=[("genops.team", "red"), ("genops.project", "p")])).status == 200
        (blue,), red = broker.read("ai-blue", 1), broker.read("ai-red", 2)
        letters = gateways.until(lambda: [json.loads(line) for line in dead_letters(serving)], what="a dead letter")
    finally:
        serving.stop()
    assert blue.key.decode() == "ü" and json.loads(blue.value)["name"] == "x"
    assert [json.loads(message.value)["name"] for message in red] == ["y", "z"] and {message.key for message in red} == {b"p"}
    ids = [dict(message.headers)["genops-id"] for message in (blue, *red)]
    assert len(set(ids)) == 3 and all(len(bytes.fromhex(each.decode())) == 8 for each in ids)
    assert len(letters) == 1 and "no topic!" in json.dumps(letters[0])


def dead_letters(serving):
    path = serving.state / "dead-letter.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def test_what_is_too_large_is_cut_and_one_span_that_is_goes_to_the_dead_letters(broker, tmp_path):
    serving = serve(tmp_path, settings(broker, topic="cut", producer={"max_message_bytes": 20000}))
    try:
        assert post(serving.http, body=traces(*(f"s{i}" for i in range(100)), pad=500)).status == 200
        assert post(serving.http, body=traces("large", pad=50000)).status == 200
        assert post(serving.http, body=traces("last")).status == 200
        messages = broker.read("cut", 5)
        letters = gateways.until(lambda: dead_letters(serving), what="a dead letter")
    finally:
        serving.stop()
    assert names(messages) == sorted([f"s{i}" for i in range(100)] + ["last"]) and max(len(message.value) for message in messages) < 20000
    assert len(letters) == 1 and "max_message_bytes" in letters[0]


def test_a_broker_that_dies_loses_nothing_and_gets_nothing_twice(tmp_path):
    broker = kafka_broker.Broker(tmp_path / "kafka")
    serving = serve(tmp_path, settings(broker))
    try:
        sent = [f"s{i}" for i in range(60)]
        for i, name in enumerate(sent):
            assert post(serving.http, body=traces(name)).status == 200
            if i == 20:
                broker.read("otlp_spans", 1, then=0)
                broker.stop(signal.SIGKILL)
            if i == 40:
                gateways.until(lambda: any("no broker took it" in line for line in serving.log), what="a word about the broker")
                broker.start()
        messages = []

        def all_there():
            messages[:] = broker.read("otlp_spans", 1, then=0)
            return len(spans_of(messages)) >= 60
        gateways.until(all_there, 30, "all spans")
        assert names(broker.read("otlp_spans", 1)) == sorted(sent)
        broker.stop(signal.SIGKILL)
        assert post(serving.http, body=traces("kept")).status == 200
        assert serving.stop() == 0  # promptly, with something on its way
        serving = serve(tmp_path, settings(broker))
        broker.start()
        gateways.until(lambda: "kept" in names(broker.read("otlp_spans", 1, then=0)), 30, "what waited over two stops")
    finally:
        serving.stop()
        broker.stop(signal.SIGKILL)


def test_a_gateway_that_is_killed_sends_again_only_what_was_on_its_way(broker, tmp_path):
    serving = serve(tmp_path, settings(broker, topic="killed"))
    sent = []
    for _ in range(3):
        for _ in range(20):
            sent.append(f"s{len(sent)}")
            assert post(serving.http, body=traces(sent[-1])).status == 200
        serving.stop(signal.SIGKILL)
        serving = serve(tmp_path, settings(broker, topic="killed"))
    try:
        gateways.until(lambda: set(sent) <= {span.name for span in spans_of(broker.read("killed", 1, then=0))}, 30, "all spans")
    finally:
        serving.stop()


def test_tls_and_passwords(tmp_path):
    """Refused credentials lose nothing: with the right ones all of it arrives."""
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.sign("broker", "IP:127.0.0.1")
    pem = tmp_path / "server.pem"
    pem.write_text(key.read_text() + certificate.read_text() + authority.certificate.read_text())
    broker = kafka_broker.Broker(tmp_path / "kafka", f"""ssl.keystore.type=PEM
ssl.keystore.location={pem}
sasl.enabled.mechanisms=PLAIN
listener.name.outer.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_genops="right";
""", "SASL_SSL")

    def secured(password):
        return settings(broker, brokers=[f"127.0.0.1:{broker.outer}"], tls={"ca_file": str(authority.certificate)},
                        auth={"sasl": {"username": "genops", "password": password, "mechanism": "PLAIN"}})
    serving = serve(tmp_path, secured("wrong-secret"))
    try:
        assert post(serving.http, body=traces("a", "b")).status == 200
        gateways.until(lambda: any("check auth" in line for line in serving.log), what="a word about credentials")
        assert not any("wrong-secret" in line for line in serving.log)
        serving.stop()
        serving = serve(tmp_path, secured("right"))
        assert names(broker.read("otlp_spans", 1)) == ["a", "b"]
    finally:
        serving.stop()
        broker.stop(signal.SIGKILL)


@pytest.mark.parametrize("text, says", [
    ({"required_acks": 0}, "would lose"), ({"compression": "brotli"}, "brotli"), ({"compression": "gzip", "compression_params": {"level": 12}}, "level 12"), ({"nosuch": 1}, "nosuch")])
def test_settings_that_are_refused(tmp_path, text, says):
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"exporters": {"kafka": {"producer": text}}, "receivers": RECEIVERS,
                                                         "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["kafka"]}}}}))
    done = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 2 and says in done.stdout + done.stderr
