# SPDX-License-Identifier: Apache-2.0
"""Telemetry in, through the pipelines, and out, while everything dies: what was acknowledged arrives, and how often is bounded.

Proves: CORE-060, CRB-059.
"""
import http.client
import http.server
import os
import random
import signal
import shutil
import subprocess
import threading
import time

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from chaos_stage import Stage, free_port, kill, wait_for

REQUESTS = {"/v1/traces": trace_service_pb2.ExportTraceServiceRequest, "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
            "/v1/logs": logs_service_pb2.ExportLogsServiceRequest}
SPANS = 20  # of a request
KILLS = 12


class Destination:
    """OTLP/HTTP in protobuf: names of spans, metrics and log records, as often as they came."""

    def __init__(self, port):
        self.seen, self.n_received, self.is_failing, self.lock = {}, 0, False, threading.Lock()
        destination = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if not destination.is_failing:
                    destination.take(self.path, body)
                self.send_response(503 if destination.is_failing else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

            def handle_error(self, *_):
                pass  # senders are killed on purpose

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, body):
        request = REQUESTS[path].FromString(body)
        groups = {"/v1/traces": "resource_spans", "/v1/metrics": "resource_metrics", "/v1/logs": "resource_logs"}[path]
        with self.lock:
            for group in getattr(request, groups):
                scopes = getattr(group, groups.replace("resource", "scope"))
                for scope in scopes:
                    for item in getattr(scope, {"/v1/traces": "spans", "/v1/metrics": "metrics", "/v1/logs": "log_records"}[path]):
                        name = item.body.string_value if path == "/v1/logs" else item.name
                        self.seen[name] = self.seen.get(name, 0) + 1
                        self.n_received += 1

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Telemetry(Stage):
    """A stage whose receiver leads to destinations on fixed ports; each can be there or not."""

    def __init__(self, exporters=1, queue="", receiver="", state=None):
        self.otlp_port = free_port()
        self.ports = [free_port() for _ in range(exporters)]
        self.destinations = [None] * exporters
        self.queue, self.own = queue, receiver
        super().__init__(state=state)

    def configure(self, *_):
        names = ", ".join(f"otlphttp/{i}" for i in range(len(self.ports)))
        lines = "".join(f"  otlphttp/{i}: {{endpoint: 'http://127.0.0.1:{port}', compression: none, "
                        f"retry_on_failure: {{initial_interval: 10ms, max_interval: 100ms}}}}\n" for i, port in enumerate(self.ports))
        pipelines = "".join(f"    {kind}: {{receivers: [otlp], processors: [batch], exporters: [{names}]}}\n"
                            for kind in ("traces", "metrics", "logs"))
        aside = self.config.with_suffix(".new")
        aside.write_text(f"state: {self.state}\n"
                         f"gateway: {{listen: '127.0.0.1:{self.port}', listen_h2c: '', workers: 2}}\n"
                         f"telemetry: {{{self.queue}}}\n"
                         f"receivers: {{otlp: {{{self.own}protocols: {{http: {{endpoint: '127.0.0.1:{self.otlp_port}'}}}}}}}}\n"
                         f"processors: {{batch: {{timeout: 100ms, send_batch_size: 200}}}}\n"
                         f"exporters:\n{lines}service:\n  pipelines:\n{pipelines}")
        aside.rename(self.config)

    def open(self, i=0):
        self.destinations[i] = Destination(self.ports[i])
        return self.destinations[i]

    def __exit__(self, *arguments):
        for destination in self.destinations:
            if destination:
                destination.close()
        super().__exit__(*arguments)


def traces(names, pad=0):
    request = trace_service_pb2.ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "chaos"
    for name in names:
        span = group.scope_spans.add().spans.add(name=name, trace_id=os.urandom(16), span_id=os.urandom(8),
                                                 start_time_unix_nano=time.time_ns() - 10**6, end_time_unix_nano=time.time_ns())
        span.attributes.add(key="pad").value.string_value = "x" * pad
    return request.SerializeToString()


def metrics(names):
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    for name in names:
        scope.metrics.add(name=name).gauge.data_points.add(as_int=1, time_unix_nano=time.time_ns())
    return request.SerializeToString()


def logs(names):
    request = logs_service_pb2.ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for name in names:
        scope.log_records.add(time_unix_nano=time.time_ns()).body.string_value = name
    return request.SerializeToString()


class Sender(threading.Thread):
    """A client as the specification wants it: repeats what was not acknowledged, counts what it sent more than once."""

    def __init__(self, stage, name, n_requests, kind="/v1/traces", pad=0):
        super().__init__(daemon=True)
        self.stage, self.label, self.n_requests, self.kind, self.pad = stage, name, n_requests, kind, pad
        self.acknowledged, self.n_repeated, self.statuses, self.retry_after, self.is_enough = [], 0, {}, [], False
        self.start()

    def run(self):
        for i in range(self.n_requests):
            if self.is_enough:
                return
            names = [f"{self.label}-{i}-{k}" for k in range(SPANS)]
            body = {"/v1/traces": lambda names: traces(names, self.pad), "/v1/metrics": metrics, "/v1/logs": logs}[self.kind](names)
            while not self.post(body):
                self.n_repeated += SPANS
                time.sleep(0.02)
            self.acknowledged += names

    def post(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.stage.otlp_port, timeout=10)
        try:
            connection.request("POST", self.kind, body, {"content-type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status in (429, 503):
                self.retry_after.append(answer.getheader("retry-after"))
            return answer.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def arrived(destination, senders, seconds=60):
    """Everything that was acknowledged is there; returns how often something came more than once."""
    want = [name for sender in senders for name in sender.acknowledged]
    wait_for(lambda: all(name in destination.seen for name in want), seconds,
             lambda: f"{sum(name not in destination.seen for name in want)} of {len(want)} acknowledged ones never came")
    return destination.n_received - len(destination.seen)


def test_sigkill_of_anybody_while_the_destination_is_down_loses_nothing():
    chance = random.Random(11)
    with Telemetry() as stage:
        stage.start()
        senders = [Sender(stage, f"{kind[4:]}{i}", 10000, kind) for i in range(2) for kind in REQUESTS]
        for n_kills in range(1, KILLS + 1):
            time.sleep(chance.uniform(0.02, 0.4))
            if n_kills == 4:
                destination = stage.open()  # up in the middle of it
            elif n_kills > 4:
                destination.is_failing = n_kills % 3 == 0
            victim = wait_for(lambda: chance.choice([*stage.workers(), stage.drainer()]), 20, "somebody to kill")
            kill(victim)
            if victim == stage.serve.pid:
                stage.stop(signal.SIGKILL)
                stage.start(is_waiting=False)
        for sender in senders:
            sender.is_enough = True
        for sender in senders:
            sender.join(60)
            assert not sender.is_alive(), sender.statuses
        destination.is_failing = False
        n_twice = arrived(destination, senders)
        n_repeated = sum(sender.n_repeated for sender in senders)
        # What one kill can bring twice: a batch that was sent and not acknowledged, a block that was queued and not known to be.
        assert n_twice <= n_repeated + KILLS * 2000, (n_twice, n_repeated)
        stage.stop()


def test_a_destination_that_is_down_does_not_hold_up_another_one():
    with Telemetry(exporters=2) as stage:
        stage.start()
        there = stage.open(0)
        sender = Sender(stage, "a", 50)
        sender.join(60)
        assert arrived(there, [sender], 20) == 0
        assert stage.destinations[1] is None
        late = stage.open(1)
        assert arrived(late, [sender], 20) == 0
        stage.stop()


def test_a_full_queue_refuses_and_goes_on():
    """Proves CRB-059: nothing that was acknowledged is dropped, the client hears how long to wait."""
    with Telemetry(queue="queue: {max_size: 1MiB, compression: none}", receiver="max_buffer_size: 16MiB, ") as stage:
        stage.start()
        senders = [Sender(stage, f"s{i}", 200, pad=4000) for i in range(3)]
        wait_for(lambda: any(sender.retry_after for sender in senders), 60, "a refusal")
        assert all(int(after) >= 1 for sender in senders for after in sender.retry_after)
        destination = stage.open()
        for sender in senders:
            sender.join(120)
            assert not sender.is_alive()
        assert arrived(destination, senders) <= sum(sender.n_repeated for sender in senders)
        assert {status for sender in senders for status in sender.statuses} <= {200, 503}
        stage.stop()


def flip(path, chance, n=1):
    data = bytearray(path.read_bytes())
    used = len(data.rstrip(b"\0"))
    for _ in range(n):
        at = chance.randrange(4096, used // 2)  # what is damaged at a file's end may come again from where it was made
        data[at] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def test_a_flipped_byte_in_the_queue_is_told_and_the_rest_arrives():
    chance = random.Random(5)
    with Telemetry(queue="queue: {compression: none}") as stage:
        stage.start()
        sender = Sender(stage, "q", 200, pad=200)
        sender.join(60)
        wait_for(lambda: sum(path.stat().st_size for path in (stage.state / "queue").glob("*.q")) > 10**6, 20, "the queue has it")
        stage.stop()
        flip(max((stage.state / "queue").glob("*.q"), key=lambda path: path.stat().st_size), chance)
        stage.start()
        destination = stage.open()
        wait_for(lambda: "damaged" in stage.log.read_text(), 20, "the damage is told")
        missing = set(sender.acknowledged)
        wait_for(lambda: len(missing - destination.seen.keys()) < len(missing) / 2, 20, "the rest")
        lost = len(missing - destination.seen.keys())
        assert 0 < lost < len(missing) / 2
        wait_for(lambda: stage.metrics("genops_self_queue_damaged_blocks_total")[0].split()[-1] == "1", 20, "it is counted")
        stage.stop()


def test_a_flipped_byte_in_a_segment_is_told_and_the_rest_arrives():
    chance = random.Random(7)
    with Telemetry() as stage:
        stage.start()
        sender = Sender(stage, "warm", 1)
        sender.join(20)
        os.kill(stage.drainer(), signal.SIGSTOP)  # so that everything stays in the segments
        sender = Sender(stage, "s", 100, pad=200)
        sender.join(60)
        workers = stage.workers()
        stage.stop(signal.SIGKILL)
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), 10, "the workers' end")
        segments = [path for path in (stage.state / "segments").glob("*.seg") if len(path.read_bytes().rstrip(b"\0")) > 20000]
        flip(chance.choice(segments), chance)
        destination = stage.open()
        stage.start()
        wait_for(lambda: "a segment is damaged" in stage.log.read_text(), 20, "the damage is told")
        want = set(sender.acknowledged)
        wait_for(lambda: len(want - destination.seen.keys()) <= 2 * SPANS, 20, lambda: f"{len(want - destination.seen.keys())} are missing")
        stage.stop()


@pytest.fixture
def small_disk(tmp_path):
    where = tmp_path / "disk"
    where.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)], capture_output=True, check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=False)


def test_a_disk_that_fills_refuses_and_goes_on(small_disk):
    with Telemetry(state=small_disk / "state") as stage:
        stage.start()
        senders = [Sender(stage, f"d{i}", 300, pad=4000) for i in range(2)]
        wait_for(lambda: any(sender.retry_after for sender in senders), 60, "a refusal")
        destination = stage.open()
        for sender in senders:
            sender.join(120)
            assert not sender.is_alive(), (sender.statuses, shutil.disk_usage(small_disk), {
                str(path): path.stat().st_blocks * 512 for path in small_disk.rglob("*") if path.is_file()}, stage.log.read_text()[-600:])
        arrived(destination, senders)
        stage.stop()


def test_a_destination_that_goes_away_for_good_is_forgotten_and_frees_the_queue():
    with Telemetry(exporters=2) as stage:
        stage.start()
        there = stage.open(0)
        sender = Sender(stage, "a", 30)
        sender.join(60)
        arrived(there, [sender], 20)
        stage.ports = stage.ports[:1]
        stage.configure()
        wait_for(lambda: stage.metrics("genops_self_queue_waiting")[0].split()[-1] == "0", 20, "nothing waits for who is gone")
        second = Sender(stage, "b", 30)
        second.join(60)
        assert arrived(there, [sender, second], 20) == 0
        stage.stop()
