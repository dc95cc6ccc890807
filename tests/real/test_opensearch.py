# SPDX-License-Identifier: Apache-2.0
"""OpenSearch: each document once over SIGKILL, in an index and in a data stream; of an index with strict types exactly the bad ones are dead letters."""
import json
import pathlib
import random
import time

import pytest
import yaml

import receivers
from chaos_stage import free_port, wait_for
from real_server import ask, program, send_until_killed
from receivers import post

HERE = pathlib.Path(__file__).resolve().parent
KILLS = 6


@pytest.fixture
def port(run, tmp_path):
    """Where it answers. Its launcher is compiled as it starts, which takes Java 17 a second."""
    http = free_port()
    (tmp_path / "home" / "config").mkdir(parents=True)
    run("opensearch", ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{program('opensearch')}/*", HERE / "OpenSearchNode.java",
                       tmp_path / "home", http, free_port()], http, seconds=120)
    return http


def count(port, index):
    ask(port, "/_refresh", method="POST")
    return ask(port, f"/{index}/_count?ignore_unavailable=true")["count"]


def documents(port, index):
    return ask(port, f"/{index}/_search?size={count(port, index)}&version=true")["hits"]["hits"]


@pytest.mark.parametrize("index", ["genops-ai-traces", "traces-generic.otel-default"])
def test_once_over_kills(port, serve, index):
    is_stream = index.startswith("traces-")
    ask(port, "/_index_template/t", {"index_patterns": [index], **({"data_stream": {}} if is_stream else {}), "priority": 1000,
                                     "template": {"settings": {"max_result_window": 200000}, "mappings": {"properties": {"attributes": {"type": "flat_object"}}}}}, "PUT")
    text = ("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\nprocessors: {batch: {timeout: 50ms, send_batch_size: 50}}\n"
            f"exporters: {{elasticsearch: {{endpoints: ['http://127.0.0.1:{port}'], {'' if is_stream else f'index: {index}, '}"
            "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}}\n"
            "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [elasticsearch]}}}\n")
    names, unsure, chance = [], [], random.Random(index)
    for generation in range(KILLS):
        taken, others = send_until_killed(serve(text), f"{generation}", chance.uniform(0.2, 0.6))
        names += taken
        unsure += others
    n_before = count(port, index)
    running = serve(text)
    wait_for(lambda: count(port, index) >= len(names), 60, lambda: (count(port, index), len(names), running.log[-5:]))
    running.stop()
    found = documents(port, index)
    there = [hit["_source"]["name"] for hit in found]
    assert 0 < n_before and len(set(there)) == len(there) and set(names) <= set(there) <= set(names + unsure) and {hit["_version"] for hit in found} == {1}
    assert not (running.state / "dead-letter.jsonl").exists()
    if is_stream:
        assert [stream["name"] for stream in ask(port, "/_data_stream")["data_streams"]] == [index]
    print(f"{len(names)} spans acknowledged, {len(unsure)} without an answer, {n_before} there before the last start, {len(found)} documents, each once")


REASONS = {"known": "mapper_parsing_exception: failed to parse field [cost]", "unknown": "strict_dynamic_mapping_exception"}


@pytest.fixture
def refused(port, serve, tmp_path):
    """refused(dear, unknown) sends 60 good events and so many bad ones of each kind, mixed, to an index with strict types; checks that exactly the good
    ones are there; and returns the dead letters. A dear event has a text where a number has to be, an unknown one a field that the index has not."""
    def refused(n_dear, n_unknown):
        ask(port, "/strict", {"mappings": {"dynamic": "strict", "properties": {"@timestamp": {"type": "date"}, "title": {"type": "keyword"}, "cost": {"type": "long"}}}}, "PUT")
        pipeline = {"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [{"title": "attributes['genops.title']"}, {"cost": "attributes['genops.cost']"}]}],
                    "routes": [{"name": "known", "destination": "es", "filter": "title != 'unknown'", "payload_template": '{"title": "${title}", "cost": "${cost}"}'},
                               {"name": "unknown", "destination": "es", "filter": "title == 'unknown'", "payload_template": '{"title": "${title}", "surprise": "${cost}"}'}]}
        (tmp_path / "genops").mkdir()
        (tmp_path / "genops" / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
        (tmp_path / "genops" / "destinations.yaml").write_text(
            f"id: es\ntype: elasticsearch\nendpoint: http://127.0.0.1:{port}\nindex: strict\nflush_interval: 100ms\nretry_interval: 50ms\n")
        running = serve("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\npipelines: pipeline.yaml\ndestinations: destinations.yaml\n")
        good = [(f"good {i}", str(i)) for i in range(60)]
        rows = good + [("dear", "dear")] * n_dear + [("unknown", "1")] * n_unknown
        random.Random(1).shuffle(rows)
        spans = [{"name": title, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{i + 1:016x}", "startTimeUnixNano": str(time.time_ns()),
                  "endTimeUnixNano": str(time.time_ns()), "attributes": [{"key": "genops.title", "value": {"stringValue": title}},
                                                                         {"key": "genops.cost", "value": {"stringValue": cost}}]}
                 for i, (title, cost) in enumerate(rows)]
        assert post(running.http, body=json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode(), headers=receivers.JSON).status == 200

        def letters():
            path = running.state / "dead-letter.jsonl"
            return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        wait_for(lambda: count(port, "strict") >= len(good) and len(letters()) >= n_dear + n_unknown, 30, lambda: (count(port, "strict"), letters(), running.log[-5:]))
        running.stop()
        assert sorted(hit["_source"]["title"] for hit in documents(port, "strict")) == sorted(title for title, _ in good)
        told = letters()
        assert [letter["route"] for letter in told].count("known") == n_dear and [letter["route"] for letter in told].count("unknown") == n_unknown
        assert len({letter["id"] for letter in told}) == len(told) == n_dear + n_unknown
        return told
    return refused


@pytest.mark.parametrize("n_dear,n_unknown", [(7, 0), (0, 4), (7, 4)])
def test_a_strict_index(refused, n_dear, n_unknown):
    """Exactly the bad ones are dead letters, with OpenSearch's reason."""
    kinds = [REASONS[kind] for kind, n in (("known", n_dear), ("unknown", n_unknown)) if n]
    assert all(any(kind in letter["reason"] for kind in kinds) for letter in refused(n_dear, n_unknown))


def test_each_dead_letter_has_its_own_reason(refused):
    for letter in refused(7, 4):
        assert REASONS[letter["route"]] in letter["reason"]
