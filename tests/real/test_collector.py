# SPDX-License-Identifier: Apache-2.0
"""The OpenTelemetry Collector: our exporters otlp and otlphttp into it, and its otlp exporter back into our receiver; spans counted by its
file exporter and by ours, over SIGKILL of GenOps."""
import collections
import json
import random
import signal

import pytest

from chaos_stage import free_port, wait_for
from real_server import program, send_until_killed
from receivers import post, traces

N, EACH, KILLS = 2000, 20, 5
COMPRESSIONS = [("otlphttp", "none"), ("otlphttp", "gzip"), ("otlphttp", "zstd"), ("otlp", "none"), ("otlp", "gzip"), ("otlp", "zstd")]


def names_in(path):
    """How often each span's name is in a file of OTLP JSON; a line that is not whole yet does not count."""
    found = collections.Counter()
    for line in path.read_text().splitlines(keepends=True) if path.exists() else []:
        if line.endswith("\n"):
            found.update(span["name"] for group in json.loads(line)["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"])
    return found


class Collector:
    """With `to` it sends what comes to that OTLP endpoint, else into a file."""

    def __init__(self, run, folder, to=None):
        self.grpc, self.http, self.out = free_port(), free_port(), folder / "collector.jsonl"
        exporter = (f"otlp: {{endpoint: '127.0.0.1:{to}', tls: {{insecure: true}}, sending_queue: {{enabled: true, num_consumers: 4}}, "
                    "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}") if to else f"file: {{path: {self.out}, flush_interval: 100ms}}"
        (folder / "collector.yaml").write_text(f"""receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{self.grpc}'}}, http: {{endpoint: '127.0.0.1:{self.http}'}}}}}}}}
exporters:
  {exporter}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [{'otlp' if to else 'file'}]}}}}
""")
        self.server = run("otelcol", [program("otelcol"), "--config", f"file:{folder}/collector.yaml"], self.http)


def config(kind, compression, to):
    return ("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\nprocessors: {batch: {timeout: 50ms, send_batch_size: 100}}\n"
            f"exporters: {{{kind}: {{endpoint: 'http://127.0.0.1:{to}', tls: {{insecure: true}}, compression: {compression}, "
            "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}, health_check: {interval: 1s, timeout: 1s}}}\n"
            f"service: {{pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [{kind}]}}}}}}\n")


def send(port, names):
    for i in range(0, len(names), EACH):
        assert post(port, body=traces(*names[i:i + EACH], attributes=[("genops.team", "ml")])).status == 200


@pytest.mark.parametrize("kind,compression", COMPRESSIONS)
def test_each_span_once(run, serve, tmp_path, kind, compression):
    collector = Collector(run, tmp_path)
    running = serve(config(kind, compression, collector.http if kind == "otlphttp" else collector.grpc))
    names = [f"span {i}" for i in range(N)]
    send(running.http, names)
    wait_for(lambda: len(names_in(collector.out)) == N, 30, lambda: (len(names_in(collector.out)), running.log[-5:]))
    running.stop()
    collector.server.stop()
    assert names_in(collector.out) == collections.Counter(names)


@pytest.mark.parametrize("kind", ["otlphttp", "otlp"])
def test_killed_while_the_collector_is_away(run, serve, tmp_path, kind):
    """What a request that was never answered nor read carries is there once, however often GenOps dies meanwhile."""
    collector = Collector(run, tmp_path)
    collector.server.stop()
    to, names = collector.http if kind == "otlphttp" else collector.grpc, []
    for generation in range(KILLS):
        running = serve(config(kind, "gzip", to))
        some = [f"{generation}-{i}" for i in range(200)]
        send(running.http, some)
        names += some
        running.stop(signal.SIGKILL)
    running = serve(config(kind, "gzip", to))
    collector.server.start()
    wait_for(lambda: len(names_in(collector.out)) == len(names), 60, lambda: (len(names_in(collector.out)), running.log[-5:]))
    running.stop()
    collector.server.stop()
    assert names_in(collector.out) == collections.Counter(names)


@pytest.mark.parametrize("kind", ["otlphttp", "otlp"])
def test_killed_while_it_sends(run, serve, tmp_path, kind):
    """None is missing. OTLP knows no ids of requests: what had no answer at a kill, or one that was not written down, comes again."""
    collector = Collector(run, tmp_path)
    to, names, unsure, chance = collector.http if kind == "otlphttp" else collector.grpc, [], [], random.Random(kind)
    for generation in range(KILLS):
        taken, others = send_until_killed(serve(config(kind, "none", to)), f"{generation}", chance.uniform(0.2, 0.6))
        names += taken
        unsure += others
    n_before = len(names_in(collector.out))
    running = serve(config(kind, "none", to))
    wait_for(lambda: not set(names) - set(names_in(collector.out)), 30, lambda: (len(names_in(collector.out)), len(names), running.log[-5:]))
    running.stop()
    collector.server.stop()
    found = names_in(collector.out)
    n_twice = sum(found.values()) - len(found)
    print(f"{len(names)} spans acknowledged, {len(unsure)} without an answer, {n_before} there before the last start, {n_twice} twice")
    assert 0 < n_before and set(names) <= set(found) <= set(names + unsure)
    assert n_twice <= KILLS * 2000  # a batch that was sent and not acknowledged (tests/e2e/chaos/test_chaos_telemetry.py)


def test_from_the_collector(run, serve, tmp_path):
    """Its exporter, over gRPC, into our receiver, which dies: what it was told is taken is there; what it was not it sends again."""
    port, out, names = free_port(), tmp_path / "out.jsonl", [f"span {i}" for i in range(N)]
    text = (f"receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\nprocessors: {{batch: {{timeout: 50ms}}}}\nexporters: {{file: {{path: '{out}'}}}}\n"
            "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [file]}}}\n")
    collector = Collector(run, tmp_path, to=port)
    running = serve(text)
    for i in range(KILLS):
        send(collector.http, names[i * N // KILLS:(i + 1) * N // KILLS])
        if i < KILLS - 1:
            running.stop(signal.SIGKILL)
            running = serve(text)
    wait_for(lambda: len(names_in(out)) == N, 30, lambda: (len(names_in(out)), running.log[-5:]))
    running.stop()
    found = names_in(out)
    n_twice = sum(found.values()) - N
    print(f"{N} spans, {n_twice} twice")
    assert set(found) == set(names) and n_twice <= KILLS * 4 * EACH  # its four consumers' requests of that moment
