# SPDX-License-Identifier: Apache-2.0
"""Elasticsearch: the guide's Collector file and the guide's route through a real `genops serve`; each document once, whatever dies or is refused.

Proves: OTL-040, OTL-041, OTL-052, CORE-074, CRB-129; CRB-310 in part.
"""
import json
import pathlib
import signal

import receivers
from chaos_stage import free_port, wait_for
from fakes.elasticsearch import FakeElasticsearch
from receivers import post, traces
from test_out_alert import files, send, serve, simple, span  # noqa: F401: a fixture

HERE = pathlib.Path(__file__).resolve().parents[1]
COLLECTOR = HERE.parent / "golden/config/collector.yaml"
VIOLATION = {"genops.policy.name": "pii", "genops.policy.result": "blocked", "genops.policy.reason": "an SSN", "genops.team": "nlp-team"}


def letters(running):
    path = running.state / "dead-letter.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def exporter(fake, more=""):
    return (f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\nprocessors: {{batch: {{timeout: 50ms, send_batch_size: 50}}}}\n"
            f"exporters: {{elasticsearch: {{endpoints: ['{fake.url}'], index: genops-ai-traces, timeout: 1s, retry_on_failure: {{initial_interval: 50ms, max_interval: 200ms}}{more}}}}}\n"
            "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [elasticsearch]}}}\n")


def test_the_guides_collector_file(tmp_path):
    """As it stands, but for addresses; spans of another team do not pass its filter."""
    text = COLLECTOR.read_text()
    with FakeElasticsearch() as fake:
        for old, new in {"http://elasticsearch:9200": fake.url, "0.0.0.0:4317": f"127.0.0.1:{free_port()}", "0.0.0.0:4318": f"127.0.0.1:{free_port()}", "0.0.0.0:8889": f"127.0.0.1:{free_port()}",
                         "timeout: 10s": "timeout: 100ms"}.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        running = receivers.Serve(tmp_path, text, env={"DATADOG_API_KEY": "0" * 32})
        try:
            for team in ("ml-platform", "others"):
                assert post(running.http, body=traces(f"of {team}", attributes=[("genops.team", team), ("genops.cost.total", "0.0032")], pad=4000)).status == 200
            wait_for(lambda: fake.documents("genops-ai-traces"), 15, lambda: running.log)
            (document,) = fake.documents("genops-ai-traces")
            assert document["name"] == "of ml-platform" and document["attributes"]["genops.team"] == "ml-platform"
            assert document["attributes"]["deployment.environment"] == "production"
            assert len(document["trace_id"]) == 32 and document["kind"] == "Client" and document["duration"] > 10**9 and document["@timestamp"].endswith("Z")
            assert fake.requests[0].headers["content-encoding"] == "gzip"
        finally:
            running.stop()


def test_the_guides_route(serve, tmp_path):  # noqa: F811
    """Violations and nothing else, into a data stream and into an index a day of its own."""
    policy = (HERE.parent / "guide/pipelines/genops-policy-compliance.yaml").read_text()
    with FakeElasticsearch(api_key="bXk6a2V5") as fake:
        others = [text for text in files(policy) if "elasticsearch_security" not in text] + ["id: webhook_alerts\ntype: file\npath: out/w\n"]
        running = serve([f"id: elasticsearch_security\ntype: elasticsearch\nendpoint: {fake.url}\napi_key: ${{ELASTIC_API_KEY}}\n"
                         "index: \"genops-${team}-${_time:%Y.%m}\"\nflush_interval: 100ms\n", *others], [policy], env={"ELASTIC_API_KEY": "my:key"})
        send(running, span(VIOLATION), span({**VIOLATION, "genops.policy.result": "allowed", "genops.policy.name": "fine"}))
        wait_for(lambda: fake.n_created, 10, lambda: running.log)
        (index, documents), = fake.indices.items()
        assert index.startswith("genops-nlp-team-20")
        (document,) = documents.values()
        assert document["policy_name"] == "pii" and document["is_violation"] is True and "@timestamp" in document
        assert document["attributes"]["genops.policy.reason"] == "an SSN"


def test_answers(tmp_path):
    """429 with and without Retry-After, 500, a lost answer, a hang, a refused connection, expired credentials: all are there, once."""
    fake = FakeElasticsearch()
    running = receivers.Serve(tmp_path, exporter(fake))
    try:
        fake.script = [(429, {"Retry-After": "1"}, ""), (429, {}, ""), (500, {}, "<html>"), "cut", "hang", (200, {}, "<html>who is this"), None]
        assert post(running.http, body=traces("one", "two")).status == 200
        wait_for(lambda: fake.n_created == 2 and fake.n_repeated == 2, 20, lambda: (fake.n_created, fake.n_repeated, running.log))
        assert fake.requests[1].time - fake.requests[0].time >= 0.95
        port = fake.port
        fake.close()
        assert post(running.http, body=traces("three")).status == 200
        wait_for(lambda: any("destination elasticsearch: no answer" in line for line in running.log), 10, lambda: running.log)
        with FakeElasticsearch(port) as fake:
            wait_for(lambda: [document["name"] for document in fake.documents("genops-ai-traces")] == ["three"], 10, lambda: running.log)
            fake.api_key = "renewed"
            assert post(running.http, body=traces("four")).status == 200
            wait_for(lambda: any("HTTP 401" in line and "check the credentials" in line for line in running.log), 10, lambda: running.log)
            assert letters(running) == []
    finally:
        running.stop()


def test_each_document_by_itself(serve):  # noqa: F811
    """One is refused for ever, one for now, one is there: the others are not sent again, the refused one is told with its reason."""
    busy = {"n": 2}

    def refuse(index, document):
        if document.get("title") == "bad":
            return 400, "document_parsing_exception", "[1:9] failed to parse field [title]"
        if document.get("title") == "busy" and busy["n"]:
            busy["n"] -= 1
            return 429, "es_rejected_execution_exception", "rejected execution of primary operation"
        return None
    with FakeElasticsearch(user="elastic:changeme") as fake:
        fake.refuse = refuse
        running = serve([f"id: es\ntype: elastic\nendpoints: [{fake.url}]\nuser: elastic\npassword: changeme\nflush_interval: 200ms\nretry_interval: 50ms\n"], [simple("es")])
        send(running, *[{**span({"genops.title": title}), "spanId": f"{i + 1:016x}"} for i, title in enumerate(("a", "bad", "busy", "b"))])
        wait_for(lambda: fake.n_created == 3, 10, lambda: (fake.indices, running.log))
        assert sorted(document["title"] for document in fake.documents("logs-genops.events-default")) == ["a", "b", "busy"]
        assert fake.n_repeated == 0
        wait_for(lambda: len(letters(running)) == 1, 5, lambda: letters(running))
        assert "failed to parse field [title]" in letters(running)[0]["reason"]
        assert len(fake.requests) == 3


def test_each_dead_letter_has_its_own_reason(serve):  # noqa: F811
    """Refused in one request, for different things: nobody looks for a fault where another document has it."""
    reasons = {"dear": "failed to parse field [cost]", "unknown": "introduction of [surprise] is not allowed"}
    with FakeElasticsearch() as fake:
        fake.refuse = lambda index, document: (400, "mapping", reasons[document["title"]]) if document.get("title") in reasons else None
        template = '{"title": "${title}"}'
        running = serve([f"id: es\ntype: elastic\nendpoints: [{fake.url}]\nflush_interval: 500ms\n"], [simple("es", template=template)])
        titles = ["dear", "fine", "unknown", "dear", "unknown"]
        send(running, *[{**span({"genops.title": title}), "spanId": f"{i + 1:016x}"} for i, title in enumerate(titles)])
        wait_for(lambda: len(letters(running)) == 4, 10, lambda: (letters(running), running.log))
        assert fake.n_created == 1 and len(fake.requests) == 1
        told = sorted(letter["reason"] for letter in letters(running))
        assert [reasons["dear"] in one for one in told] == [True, True, False, False] and [reasons["unknown"] in one for one in told] == [False, False, True, True], told


def test_killed_again_and_again(tmp_path):
    """Killed between the request and its answer, and between the answer and what is written down of it: nothing lost, nothing twice."""
    names, fake = [], FakeElasticsearch()
    try:
        for generation in range(5):
            fake.script = ["cut"] if generation % 2 else ["hang"]
            before = len(fake.requests)
            running = receivers.Serve(tmp_path, exporter(fake))
            names.append([f"{generation}-{i}" for i in range(30)])
            assert post(running.http, body=traces(*names[-1])).status == 200
            wait_for(lambda: len(fake.requests) > before, 10, lambda: running.log)
            running.stop(signal.SIGKILL)
        fake.script = []
        running = receivers.Serve(tmp_path, exporter(fake))
        wait_for(lambda: fake.n_created >= 150, 15, lambda: (fake.n_created, running.log))
        running.stop()
        assert sorted(document["name"] for document in fake.documents("genops-ai-traces")) == sorted(name for some in names for name in some)
        assert fake.n_repeated > 0
    finally:
        fake.close()
