# SPDX-License-Identifier: Apache-2.0
"""The Cribl guide's blocks about performance, monitoring, machines and repetitions, as they stand, and what becomes of them.

Proves: CRB-387, CRB-390, CRB-394, CRB-398, CRB-406, CRB-411, CRB-428..439, CRB-440..445, CRB-485, CRB-486; CRB-430, CRB-437 exactly.
"""
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import socket
import threading
import time

import pytest

import gateway as gateways
import receivers
from chaos_stage import free_port
from gateway import genops, until
from receivers import REQUESTS, post, traces

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
PARTS = {name: (GUIDE / "parts" / f"{name}.yaml").read_text() for name in ("performance_settings", "worker_nodes", "destination_config", "retry")}
MONITORING = (GUIDE / "alerts" / "monitoring.yaml").read_text()
RECEIVER = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"


def changed(text, **changes):
    for key, value in changes.items():
        text, n = re.subn(rf"(\b{key}:) [^#\n]*", rf"\1 {value} ", text)
        assert n == 1, key
    return text


def routed(folder, settings="", pipelines=("p",)):
    """Pipelines that write every event to a file of theirs."""
    documents = "".join(f"  - {{id: {name}, routes: [{{name: r, destination: {name}}}]}}\n" for name in pipelines)
    files = "".join(f"  - {{id: {name}, type: file, path: '{folder}/{name}.jsonl'{settings}}}\n" for name in pipelines)
    return f"destinations:\n{files}pipelines:\n{documents}"


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def run(command, text, folder, **environment):
    (folder / "genops.yaml").write_text(text)
    return genops(*command, config=folder / "genops.yaml", state=folder / "state", env=environment)


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def n_workers(server):
    """Of nginx, less those that only end what they have begun."""
    masters = [pid for pid in children(server.process.pid) if b"nginx" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
    return sum(b"shutting down" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(masters[0]))


def serve(folder, text, **more):
    """On free ports; the fixture's own number of workers would be stronger than the block's."""
    return Serve(folder, text + RECEIVER, **more)


class Serve(receivers.Serve):
    def __init__(self, folder, text, **more):
        made = gateways.config_text
        gateways.config_text = lambda providers, lines: made(providers, lines).replace("  workers: 2\n", "").replace("  providers:\n", "")
        try:
            super().__init__(folder, text, **more)
        finally:
            gateways.config_text = made


class Sink:
    """An OTLP destination that counts spans."""

    def __init__(self, port=0):
        sink, self.requests = self, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                request = REQUESTS["traces"].FromString(self.rfile.read(int(self.headers["content-length"])))
                sink.requests.append(sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *what):
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        return sum(self.requests)


def noise(n):
    """Spans that no compression makes smaller."""
    return traces(*["x"] * n, attributes=[("noise", random.randbytes(1000).hex())])


def connect(port):
    """A connection that answered, or None if it was closed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health")
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 200
        return connection
    except (OSError, http.client.HTTPException):
        connection.close()
        return None


def test_all_blocks_together(tmp_path):
    """Nothing is unknown; what has no effect is told with its place; what is in force can be seen."""
    text = "".join([*PARTS.values(), MONITORING, routed(tmp_path)])
    done = run(["validate"], text, tmp_path)
    assert done.returncode == 0, done.stdout
    for said in ("no more than 1536 MiB", "is none of them, and runs all pipelines", "leader_nodes has no effect", "stands no balancer up"):
        assert re.search(rf"warn .*{said}.*genops\.yaml:\d+:\d+", done.stdout), (said, done.stdout)
    status = json.loads(run(["status", "--json"], text, tmp_path, GENOPS_NODE="cribl-worker-03").stdout)
    assert (status["node"], status["role"]) == ("cribl-worker-03", "worker")
    assert status["limits"] == {"max_memory_per_worker": 28 * 10**9, "max_connections": 1000, "max_concurrent_events": 10000,
                                "memory_size": 1536 << 20, "disk_size": 10**11}


def test_the_network_of_all_workers(tmp_path):
    """Client 5 of 4 is closed at once, whichever worker and address; connections are kept; a reload changes number and workers."""
    server = serve(tmp_path, changed(PARTS["performance_settings"], max_connections=4, worker_processes=3))
    try:
        assert n_workers(server) == 3
        held = [connect(port) for port in (server.http, server.port) * 2]
        assert all(held)
        assert not connect(server.http) and not connect(server.port)
        held.pop().close()
        held.append(until(lambda: connect(server.http), what="room for one more"))
        for connection in held:
            connection.request("GET", "/health")
            assert connection.getresponse().read() is not None
        config = tmp_path / "genops.yaml"
        config.write_text(config.read_text().replace("max_connections: 4", "max_connections: 6").replace("worker_processes: 3", "worker_processes: 2"))
        until(lambda: "nginx is reloading" in "".join(server.log), what="the reload")
        for connection in held:
            connection.close()
        until(lambda: n_workers(server) == 2, what="two workers")
        held = []
        until(lambda: held.append(connect(server.http)) or None in held, what="one too many")
        assert len(held) == 7
        assert "as many clients as may (6) are connected" in "".join(server.log) or "as many clients as may (4) are connected" in "".join(server.log)
        assert server.process.poll() is None
    finally:
        server.stop()


@pytest.mark.parametrize("keepalive, nodelay", [("true", "true"), ("false", "false")])
def test_sockets(tmp_path, keepalive, nodelay):
    server = serve(tmp_path, changed(PARTS["performance_settings"], keepalive=keepalive, tcp_nodelay=nodelay))
    try:
        for port in (server.http, server.port):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                head = connection.recv(65536).lower()
                assert (b"connection: keep-alive" in head) == (keepalive == "true") and (b"connection: close" in head) == (keepalive == "false")
        titles = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in children(server.process.pid)]
        conf = next(found[1] for title in titles if (found := re.search(r"-c (\S+?nginx\.conf)", title)))
        assert f"tcp_nodelay {'on' if nodelay == 'true' else 'off'};" in pathlib.Path(conf).read_text()
    finally:
        server.stop()


def test_memory_of_a_worker(tmp_path):
    """What would need more than the worker may ever have is refused for good, with the key to raise; what does not fit beside others at this moment
    is to be sent again; what fits is taken, before and after; told in /metrics."""
    server = serve(tmp_path, changed(PARTS["performance_settings"], max_memory_per_worker="64 MiB", worker_processes=1))
    try:
        assert post(server.http, body=traces("small")).status == 200
        large = traces(*["large"] * 40, pad=700_000)
        for _ in range(3):
            reply = post(server.http, body=large)
            assert reply.status == 413 and reply.header("retry-after") is None
            assert b"max_memory_per_worker of performance_settings (64 MiB)" in reply.body
        assert until(lambda: post(server.http, body=traces("small")).status == 200, what="room again")
        assert post(server.http, body=traces(*["middle"] * 4, pad=700_000)).status == 200
        refused = server.metrics("genops_self_refused_requests_total")
        assert refused['receiver="otlp",transport="http",reason="too_large"'] == 3 and 'receiver="otlp",transport="http",reason="full"' not in refused
        half = traces(*["half"] * 20, pad=700_000)
        replies = []
        for _ in range(5):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                replies += pool.map(lambda _: post(server.http, body=half), range(8))
            if any(reply.status == 503 for reply in replies):
                break
        assert {reply.status for reply in replies} <= {200, 503}
        assert all(int(reply.header("retry-after")) >= 1 for reply in replies if reply.status == 503)
        assert any(reply.status == 503 for reply in replies), "eight of 14 MB at once, counted twice, are more than 64 MiB"
        assert until(lambda: post(server.http, body=half).status == 200, what="room for one alone")
        limits = server.metrics("genops_self_limit")
        assert limits['limit="max_memory_per_worker"'] == 64 << 20 and limits['limit="max_connections"'] == 1000
        assert 1 << 20 < server.metrics("genops_self_process_memory_bytes")[""] < 64 << 20
    finally:
        server.stop()


def test_batches_and_waiting(tmp_path):
    """No destination says anything: a batch goes when it has batch_size events, or after flush_interval; so many events are in pipelines at once."""
    text = changed(PARTS["performance_settings"], max_concurrent_events=4096, batch_size=30, flush_interval="3s")
    with Sink() as sink:
        server = serve(tmp_path, text + "exporters: {otlphttp: {endpoint: '%s'}}\nservice: {pipelines: {traces: {receivers: [otlp, genops], exporters: [otlphttp]}}}\n" % sink.url)
        try:
            begun = time.monotonic()
            assert post(server.http, body=traces(*["x"] * 7)).status == 200
            until(lambda: sink.spans() == 7, what="the flush")
            assert 2 < time.monotonic() - begun < 10
            begun = time.monotonic()
            assert post(server.http, body=traces(*["y"] * 60)).status == 200
            until(lambda: sink.spans() == 67, what="full batches")
            assert time.monotonic() - begun < 2.5
            body = traces(*["z"] * 3000)
            assert all(post(server.http, body=body).status == 200 for _ in range(10))
            until(lambda: sink.spans() == 30067, what="all of them")
            most = []
            until(lambda: most.append(sum(server.metrics("genops_self_pipeline_events").values())) or server.metrics("genops_self_limit")['limit="batch_size"'] == 30,
                  what="the gauge")
            assert 0 <= max(most) <= 4096
        finally:
            server.stop()


def test_what_waits_is_bounded(tmp_path):
    """disk_size is what all destinations may be behind with, compressed; then senders are refused, and nothing that was taken is lost."""
    port = free_port()
    text = changed(PARTS["performance_settings"], disk_size="8 MB", flush_interval="100ms")
    server = serve(tmp_path, text + f"""exporters: {{otlphttp: {{endpoint: 'http://127.0.0.1:{port}', retry_on_failure: {{initial_interval: 50ms, max_interval: 200ms}}}}}}
service: {{pipelines: {{traces: {{receivers: [otlp, genops], exporters: [otlphttp]}}}}}}
""")
    try:
        taken = 0
        deadline = time.monotonic() + 40
        while (status := post(server.http, body=noise(100)).status) == 200:
            taken += 100
            assert time.monotonic() < deadline, taken
        assert status == 503 and taken
        used = sum(path.stat().st_size for path in (tmp_path / "state" / "queue").rglob("*") if path.is_file())
        assert used < 24 << 20, used
        assert any(float(value) >= 80 for labels, value in server.metrics("genops_self_health").items() if "buffer_utilization" in labels) or \
            until(lambda: server.metrics("genops_self_health").get('gauge="buffer_utilization"', 0) >= 80, what="a full buffer")
        with Sink(port) as sink:
            until(lambda: sink.spans() >= taken, 60, what="all of it")
            assert until(lambda: post(server.http, body=noise(1)).status == 200, 30, what="room again")
    finally:
        server.stop()


def test_machines_run_their_pipelines(tmp_path):
    """The same file on two machines; the path that a balancer probes is answered where it asks."""
    pipelines = ("genops-cost-governance", "genops-policy-compliance", "genops-budget-alerting", "genops-audit-trail")
    text = PARTS["worker_nodes"].replace("path: /health", "path: /alive") + routed(tmp_path, ", flush_interval: 100ms", pipelines)
    server = serve(tmp_path, text, env={"GENOPS_NODE": "cribl-worker-02"})
    try:
        assert [post(port, "/alive", method="GET").status for port in (server.http, server.port)] == [200, 200]
        assert post(server.http, body=traces("x")).status == 200
        until(lambda: lines(tmp_path / "genops-budget-alerting.jsonl") and lines(tmp_path / "genops-audit-trail.jsonl"), what="the two")
        assert not lines(tmp_path / "genops-cost-governance.jsonl") and not lines(tmp_path / "genops-policy-compliance.jsonl")
    finally:
        server.stop()
    assert run(["validate"], text, tmp_path, GENOPS_NODE="cribl-worker-9").returncode == 2


def test_destinations_by_the_troubleshooting_snippets(tmp_path):
    """destination_config for all of them; changed while it runs."""
    text = changed(PARTS["destination_config"], batch_size=4, flush_interval="60s") + PARTS["retry"] + routed(tmp_path)
    server = serve(tmp_path, text)
    try:
        assert post(server.http, body=traces(*["x"] * 3)).status == 200
        time.sleep(1.0)  # what would come too early would be here
        assert not lines(tmp_path / "p.jsonl")
        assert post(server.http, body=traces("y")).status == 200
        until(lambda: len(lines(tmp_path / "p.jsonl")) == 4, what="a full batch")
        assert post(server.http, body=traces("z")).status == 200
        config = tmp_path / "genops.yaml"
        config.write_text(config.read_text().replace("flush_interval: 60s", "flush_interval: 100ms"))
        until(lambda: len(lines(tmp_path / "p.jsonl")) == 5, what="the shorter wait")
    finally:
        server.stop()


def test_targets_are_watched(tmp_path):
    """Each metric of metrics_to_watch is in /metrics; the targets are rules (tests/unit/engine/config/test_config_performance.c)."""
    server = serve(tmp_path, MONITORING)
    try:
        assert post(server.http, body=traces("x")).status == 200
        wanted = {f'gauge="{name}"' for name in ("cpu_utilization", "memory_utilization", "buffer_utilization", "pipeline_lag", "error_rate", "throughput")}
        until(lambda: wanted <= set(server.metrics("genops_self_health")), what="the gauges")
    finally:
        server.stop()
