# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is in the log, whoever is killed when; full means 503 and nothing dropped; a reload closes no connection.

Proves: CRB-031, CRB-055, CRB-059, CRB-060; DESIGN 6 "An acknowledged span is never lost"; issue "Telemetry in": SIGKILL at any moment, a full
disk, reload.
"""
import http.client
import os
import random
import resource
import signal
import subprocess
import threading
import time

import grpc
import pytest
from google.rpc import status_pb2

import gateway as gateways
import receivers
from gateway import until
from receivers import JSON, PROTOBUF, post, traces
from otlp_grpc import TRACE_METHOD, call, details_of


def in_halves(body):
    """So that most of the time some request is half there."""
    yield body[:len(body) // 2]
    time.sleep(0.003)
    yield body[len(body) // 2:]


class Sender(threading.Thread):
    """Sends requests one after another, as an SDK does: repeats what was not acknowledged. Knows what was."""

    def __init__(self, port, name, stop, pad=0):
        super().__init__(daemon=True)
        self.port, self.label, self.stop_event, self.pad = port, name, stop, pad
        self.acknowledged, self.sent, self.failures, self.statuses = [], 0, 0, set()

    def run(self):
        n = 0
        while not self.stop_event.is_set():
            names = [f"{self.label}-{n}-{i}" for i in range(random.randint(1, 30))]
            body, n = traces(*names, pad=self.pad), n + 1
            while True:
                self.sent += 1
                try:
                    status = post(self.port, body=in_halves(body), headers={**PROTOBUF, "content-length": str(len(body))}, timeout=10).status
                except (OSError, http.client.HTTPException):
                    status = 0
                self.statuses.add(status)
                if status == 200:
                    self.acknowledged += names
                    break
                self.failures += 1
                if self.stop_event.wait(0.02):
                    return


def send_while(port, work, n_senders=4, pad=0):
    stop = threading.Event()
    senders = [Sender(port, f"s{i}", stop, pad) for i in range(n_senders)]
    for sender in senders:
        sender.start()
    try:
        work()
    finally:
        stop.set()
        for sender in senders:
            sender.join(30)
    return senders


def test_workers_that_are_killed_lose_nothing(tmp_path):
    running = receivers.Bare(tmp_path, workers=2)

    def kill_workers():
        for _ in range(15):
            time.sleep(random.uniform(0.02, 0.2))
            if workers := running.workers():
                os.kill(random.choice(workers), signal.SIGKILL)
    try:
        senders = send_while(running.http, kill_workers, pad=3000)
        kept = receivers.span_names(running.state)
        acknowledged = [name for sender in senders for name in sender.acknowledged]
        assert len(acknowledged) > 500 and sum(sender.failures for sender in senders) > 0
        assert not set(acknowledged) - set(kept)
        # What came twice was in a request that had no answer.
        assert len(kept) - len(set(kept)) <= 30 * sum(sender.failures for sender in senders)
    finally:
        running.stop()


def test_nginx_that_is_killed_whole_loses_nothing(tmp_path):
    running = receivers.Bare(tmp_path, workers=2)

    def kill_all():
        for _ in range(4):
            time.sleep(random.uniform(0.1, 0.3))
            for pid in [running.process.pid, *running.workers()]:
                os.kill(pid, signal.SIGKILL)
            running.process.communicate(timeout=20)
            until(lambda: not is_listening(running.http), what="the port to be free")
            running.start()
    try:
        senders = send_while(running.http, kill_all)
        acknowledged = {name for sender in senders for name in sender.acknowledged}
        assert len(acknowledged) > 100 and not acknowledged - set(receivers.span_names(running.state))
    finally:
        running.stop()


def is_listening(port):
    try:
        post(port, "/ready", method="GET", timeout=2)
        return True
    except OSError:
        return False


# --- full ---

def fill(port, body):
    """Posts until it is refused; how often it was taken, and the refusal."""
    for n in range(10000):
        reply = post(port, body=body)
        if reply.status != 200:
            return n, reply
    raise AssertionError("it never was full")


def check_full(running, body, n_items):
    taken, reply = fill(running.http, body)
    assert reply.status == 503 and int(reply.header("retry-after")) >= 1
    assert len(receivers.span_names(running.state)) == taken * n_items
    assert post(running.http, body=b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"%s"}]}]}]}' % (b"x" * 400000), headers=JSON).json()["code"] == 14
    with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel, pytest.raises(grpc.RpcError) as caught:
        call(channel, body, TRACE_METHOD)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE and details_of(caught.value)["retry"] >= 1
    assert len(receivers.span_names(running.state)) == taken * n_items, "what was refused is not there"
    return taken


def test_the_buffers_maximum_is_kept_and_told(tmp_path):
    """CRB-031: the cap of a source's buffer."""
    running = receivers.Bare(tmp_path, receivers="{otlp: {max_buffer_size: 10 MB, protocols: {http: , grpc: }}}")
    try:
        assert check_full(running, traces(*"abcd", pad=50_000), 4) > 10
        stored = sum(path.stat().st_size for path in (running.state / "segments").glob("*.seg"))
        assert stored <= 10_000_000 + (4 << 20)
    finally:
        running.stop()


def test_a_full_disk_is_told(tmp_path):
    """No file of these processes may be as large as a segment: as if the disk had no space for one."""
    running = receivers.Bare(tmp_path)
    running.stop()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    running.start(preexec_fn=limit)
    try:
        check_full(running, traces(*"ab", pad=20_000), 2)
    finally:
        running.stop()


def test_the_last_of_a_disk_is_for_the_ledger(tmp_path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=700", "tmpfs", state], capture_output=True, check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        running = receivers.Bare(tmp_path)
        try:
            taken, reply = fill(running.http, traces(*"abcd", pad=50_000))
            assert (reply.status, reply.header("retry-after")) == (503, "2") and taken > 50
            assert "no space left" in status_pb2.Status.FromString(reply.body).message
            assert len(receivers.span_names(state)) == 4 * taken
            disk = os.statvfs(state)
            assert disk.f_bavail > 0
        finally:
            running.stop()
    finally:
        subprocess.run(["umount", state], check=True)


# --- under serve ---

FILE = """
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:%d'}, grpc: {endpoint: '127.0.0.1:%d'}}}}
exporters: {file: {path: %s}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}}
"""


def exported(path):
    import json
    if not path.exists():
        return []
    return [span["name"] for line in path.read_text().splitlines()
            for group in json.loads(line)["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]


def test_serve_that_is_killed_delivers_everything_after_its_restart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    ports = receivers.free_port(), receivers.free_port()
    text = FILE % (*ports, folder / "out.jsonl")
    started = [receivers.Serve(folder, text)]

    def kill_serve():
        for _ in range(4):
            time.sleep(random.uniform(0.2, 0.6))
            started[-1].process.kill()
            started[-1].process.wait(10)
            started.append(receivers.Serve(folder, text))
    try:
        senders = send_while(ports[0], kill_serve)
        acknowledged = {name for sender in senders for name in sender.acknowledged}
        assert len(acknowledged) > 100
        until(lambda: not acknowledged - set(exported(folder / "out.jsonl")), 40, "every acknowledged span")
        delivered = exported(folder / "out.jsonl")
        assert len(delivered) < 3 * len(set(delivered))
    finally:
        started[-1].stop()


def test_a_reload_closes_no_connection(tmp_path_factory):
    text = """
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}, grpc: {endpoint: '127.0.0.1:0'}}, auth: {bearer_tokens: [%s]}}}
"""
    folder = tmp_path_factory.mktemp("serve")
    running = receivers.Serve(folder, text % "first-0123456789abcdef")
    config = running.config.read_text()
    first, second = ({"authorization": f"Bearer {name}-0123456789abcdef"} for name in ("first", "second"))
    try:
        held = [http.client.HTTPConnection("127.0.0.1", running.http, timeout=20) for _ in range(10)]
        with grpc.insecure_channel(f"127.0.0.1:{running.grpc}") as channel:
            def ask(connection, headers):
                connection.request("POST", "/v1/traces", body=traces("a"), headers={**PROTOBUF, **headers})
                reply = connection.getresponse()
                reply.read()
                return reply.status
            assert [ask(one, first) for one in held] == [200] * 10
            sockets = [one.sock for one in held]
            assert call(channel, traces("a"), metadata=list(first.items())) == b""
            running.config.write_text(config.replace("first-", "second-"))
            until(lambda: all(ask(one, second) == 200 for one in held), 20, "the new token")
            assert [ask(one, first) for one in held] == [401] * 10
            assert [one.sock for one in held] == sockets and all(sockets), "the very connections of the beginning"
            assert call(channel, traces("a"), metadata=list(second.items())) == b""
        assert not any("nginx is reloading" in line for line in running.log)
    finally:
        running.stop()


def test_new_addresses_while_clients_send(tmp_path_factory):
    """A receiver that is added makes nginx reload: requests that run are answered, and the new one listens."""
    folder = tmp_path_factory.mktemp("serve")
    port, added = receivers.free_port(), receivers.free_port()
    running = receivers.Serve(folder, f"receivers:\n  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}\n")

    def add():
        time.sleep(0.3)
        running.config.write_text(running.config.read_text().replace(
            "receivers:\n", f"receivers:\n  otlp/more: {{protocols: {{http: {{endpoint: '127.0.0.1:{added}'}}}}}}\n"))
        until(lambda: is_listening(added), 20, "the new receiver")
        time.sleep(0.3)
    try:
        senders = send_while(port, add)
        assert all(sender.statuses == {200} for sender in senders), [sender.statuses for sender in senders]
        assert post(added, body=traces("a")).status == 200
    finally:
        running.stop()


def test_what_a_thread_checks_is_answered_when_nginx_reloads(tmp_path_factory):
    """A large request waits for no timer of its own: its worker must not take that for nothing to do."""
    text = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', read_timeout: %ds}}}}"
    running = receivers.Serve(tmp_path_factory.mktemp("serve"), text % 20)
    body = traces("a") * 60_000
    ended, is_over = [], threading.Event()

    def send():
        while not is_over.is_set():
            try:
                ended.append(post(running.http, body=body, headers={**PROTOBUF, "connection": "close"}).status)
            except (OSError, http.client.HTTPException) as error:
                ended.append(error)
    threads = [threading.Thread(target=send) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for n in range(1, 5):
            until(lambda: len(ended) > 8 * n, what="answers")
            running.config.write_text(gateways.config_text({}, text % (20 + n)))
            until(lambda: sum("nginx is reloading" in line for line in running.log) >= n, what="the reload")
        time.sleep(1)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        running.stop()
    assert set(ended) <= {200, 503}, [one for one in ended if one != 200]
