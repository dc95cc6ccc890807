# SPDX-License-Identifier: Apache-2.0
"""How GenOps stops while clients are connected: calls that run get their time, clients that do nothing hold up nobody.

Proves: DESIGN 6 "An acknowledged span or operation is never lost"; CRB-059; issue "`genops serve` takes 30 s to stop now and then".
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import grpc
import h2.connection
import h2.events
import pytest

import gateway as gateways
import receivers
import recordings
from gateway import until
from provider import Answer
from receivers import PROTOBUF, traces
from otlp_grpc import TRACE_METHOD, call
from authority import Authority

# Of a machine that is busy with other things. Who waits for a client waits for 30 s.
SOON = 15
CHAT = "/openai/v1/chat/completions"


def waiting_to_be_accepted(port):
    """Connections that nginx has not taken yet."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
            return int(fields[4].split(":")[1], 16)
    raise AssertionError(f"nobody listens at {port}")


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except ConnectionError:
        return False


class Client:
    """A connection, and when it ended. What it does while GenOps stops is `during`, again and again until then."""

    def __init__(self, port, tls=False):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=40)
        self.port, self.ended, self.received = port, None, b""
        if tls:
            self.socket.sendall(b"\x16\x03\x01\x02\x00\x01")  # a ClientHello's first bytes
        until(lambda: waiting_to_be_accepted(port) == 0, what="nginx's taking the connection")

    def during(self):
        pass

    def take(self, data):
        self.received += data

    def watch(self, until_when):
        self.socket.settimeout(0.1)
        while time.monotonic() < until_when:
            try:
                self.during()
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                data = b""
            if not data:
                break
            self.take(data)
        else:
            return
        self.ended = time.monotonic()
        self.socket.close()


class Told(Client):
    """Has sent these bytes, and is silent."""

    def __init__(self, port, data):
        super().__init__(port)
        self.socket.sendall(data)


class KeptAlive(Client):
    def __init__(self, port):
        super().__init__(port)
        self.socket.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: b'"ok"' in self.socket.recv(65536))


def message(body):
    """As gRPC frames it."""
    return b"\0" + len(body).to_bytes(4, "big") + body


class Http2(Client):
    """Frames by hand: a proper client would go when it is told to."""

    def __init__(self, port, path=TRACE_METHOD, kind="application/grpc"):
        super().__init__(port)
        self.h2 = h2.connection.H2Connection()
        self.headers = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path), ("content-type", kind), ("te", "trailers")]
        self.statuses, self.data, self.is_complete, self.last_accepted, self.sent = {}, {}, False, None, []

    def begin(self):
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def open(self, body=None, ends=True):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, self.headers)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=ends)
        self.flush()
        return stream

    def take(self, data):
        self.received += data
        while len(self.received) >= 9 and len(self.received) >= (size := 9 + int.from_bytes(self.received[:3])):
            frame, self.received = self.received[:size], self.received[size:]
            if frame[3] == 7:  # GOAWAY: the library would take nothing more, and answers are still to come
                self.last_accepted = int.from_bytes(frame[9:13])
                continue
            for event in self.h2.receive_data(frame):
                if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    self.statuses.setdefault(event.stream_id, {}).update({k.decode(): v.decode() for k, v in event.headers})
                elif isinstance(event, h2.events.DataReceived):
                    self.data[event.stream_id] = self.data.get(event.stream_id, b"") + event.data
                elif isinstance(event, h2.events.StreamEnded):
                    self.is_complete = True


class Late(Http2):
    """Was accepted, and begins to talk when the workers have been told to end; then it sends as if nothing had happened."""

    def during(self):
        if self.h2.state_machine.state.name == "IDLE":
            if is_listening(self.port):
                return
            self.begin()
        if len(self.sent) < 100:
            self.sent.append(f"late-{len(self.sent)}")
            self.open(message(traces(self.sent[-1])))


class Deaf(Http2):
    """Had an answer, and does not go when it is told to: pings on, never closes."""

    def __init__(self, port):
        super().__init__(port)
        self.begin()
        stream = self.open(message(traces("deaf")))
        self.socket.settimeout(20)
        until(lambda: self.take(self.socket.recv(65536)) or "grpc-status" in self.statuses.get(stream, ()))

    def during(self):
        self.socket.sendall(b"\0\0\x08\x06\0\0\0\0\0" + bytes(8))


class Half(Http2):
    """A stream of which no more comes."""

    def __init__(self, port, body, **more):
        super().__init__(port, **more)
        self.begin()
        self.open(body, ends=False)


def half_post(path, kind, n=1000):
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {n}\r\n\r\n".encode()


@pytest.fixture
def serve(tmp_path_factory):
    started = []

    def serve(text, **more):
        started.append(receivers.Serve(tmp_path_factory.mktemp("serve"), text, **more))
        return started[-1]
    yield serve
    for one in started:
        one.stop()


OTLP = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}, grpc: {endpoint: '127.0.0.1:0'}}}}\n"


def stop_with(running, clients):
    """Seconds until it has stopped, and until each client's connection ended (None: not at all)."""
    began = time.monotonic()
    threads = [threading.Thread(target=client.watch, args=(began + 45,)) for client in clients]
    for thread in threads:
        thread.start()
    code = running.stop()
    took = time.monotonic() - began
    for thread in threads:
        thread.join()
    assert code == 0, "".join(running.log)
    return took, [client.ended and client.ended - began for client in clients]


def assert_all_soon(running, clients):
    took, ended = stop_with(running, list(clients.values()))
    late = {name: seconds for name, seconds in zip(clients, ended) if seconds is None or seconds > SOON}
    assert not late and took < SOON, f"stopped after {took:.1f} s; {late}"
    assert not [line for line in running.log if "open socket" in line]


def test_a_connection_that_begins_while_it_stops_is_sent_away(serve):
    """As gRPC's clients do: sent away by one worker, they are back at another that has not been told yet."""
    running = serve(OTLP)
    clients = {"grpc": Late(running.grpc), "h2c": Late(int(running.h2c_url.rsplit(":", 1)[1]))}
    assert_all_soon(running, clients)
    late = clients["grpc"]
    assert late.last_accepted is not None and late.sent
    answered = {stream: status.get("grpc-status") for stream, status in late.statuses.items()}
    assert set(answered.values()) <= {"0"} and set(answered) == {n for n in range(1, late.last_accepted + 1, 2)}


def test_clients_that_do_nothing_hold_up_nobody(serve, tmp_path):
    certificate, key = Authority(tmp_path, "ours").sign("server", "IP:127.0.0.1")
    running = serve(OTLP.replace("}}}}\n", f"}}}}}}, otlp/tls: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0', "
                                          f"tls: {{cert_file: '{certificate}', key_file: '{key}'}}}}}}}}}}\n"))
    tls = int(next(line for line in running.log if "https://" in line and "gRPC" in line).split(":")[-1].split(" ")[0])
    h2c = int(running.h2c_url.rsplit(":", 1)[1])
    with grpc.insecure_channel(f"127.0.0.1:{running.grpc}", [("grpc.keepalive_time_ms", 10000)]) as channel:
        call(channel, traces("idle"))
        assert_all_soon(running, {
            "gateway": Client(running.port), "h2c": Client(h2c), "otlp": Client(running.http), "grpc": Client(running.grpc), "tls": Client(tls),
            "half a handshake": Client(tls, tls=True), "kept alive": KeptAlive(running.port), "kept alive, otlp": KeptAlive(running.http),
            "deaf": Deaf(running.grpc), "half a preface": Told(running.grpc, b"PRI * HTTP/2.0\r\n\r\nSM")})


def test_half_requests_may_be_repeated_and_hold_up_nobody(serve, provider):
    running = serve(OTLP, providers={"openai": provider.url})
    h2c = int(running.h2c_url.rsplit(":", 1)[1])
    clients = {
        "head": Told(running.port, b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: a\r\n"),
        "call": Told(running.port, half_post(CHAT, "application/json") + b'{"model":'),
        "otlp": Told(running.http, half_post("/v1/traces", "application/x-protobuf") + b"x"),
        "api": Told(running.port, half_post("/api/v1/decide", "application/json") + b"{"),
        "grpc": Half(running.grpc, message(traces("half"))),
        "grpc, nothing": Half(running.grpc, None),
        "call over h2c": Half(h2c, b'{"model":', path=CHAT, kind="application/json"),
    }
    assert_all_soon(running, clients)
    for name in ("call", "otlp", "api"):
        assert clients[name].received.startswith(b"HTTP/1.1 503 "), (name, clients[name].received)
        assert b"GenOps is stopping or restarting" in clients[name].received, name
    for name in ("grpc", "grpc, nothing"):
        status = clients[name].statuses[1]
        assert (status[":status"], status["grpc-status"]) == ("200", "14"), (name, status)
    assert clients["call over h2c"].statuses[1][":status"] == "503"
    assert not provider.received


# --- what runs, and what is said to those who ask ---

STREAM = "openai/chat_stream_usage"


class Call(threading.Thread):
    """A streamed call, half of which has come."""

    def __init__(self, running, provider):
        super().__init__(daemon=True)
        recording = recordings.find(STREAM)
        self.go_on, self.whole, self.body, self.is_whole = threading.Event(), recording.body, b"", None
        provider.play(Answer.of(recording, pause_after=len(recording.body) // 2, go_on=self.go_on))
        self.connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
        self.connection.request("POST", CHAT, recording.request_body, {"content-type": "application/json", "authorization": "Bearer x"})
        self.response = self.connection.getresponse()
        while len(self.body) < len(self.whole) // 2:
            self.body += self.response.read1(65536)
        self.start()

    def run(self):
        try:
            while part := self.response.read1(65536):
                self.body += part
            self.is_whole = True
        except (OSError, http.client.HTTPException):
            self.is_whole = False


class CallOverHttp2(Http2):
    """The same over HTTP/2 without TLS; `body` grows while it is watched."""

    def __init__(self, running):
        super().__init__(int(running.h2c_url.rsplit(":", 1)[1]), path=CHAT, kind="application/json")
        self.begin()
        self.open(recordings.find(STREAM).request_body)

    @property
    def body(self):
        return self.data.get(1, b"")


def events(running):
    """What is in the audit chain of a gateway that has stopped, by when it happened."""
    done = gateways.genops("audit", "show", "--json", state=running.state, config=running.config, home=running.folder)
    assert done.returncode == 0, done.stderr
    return sorted(json.loads(done.stdout)["events"], key=lambda event: event["time"])


def test_calls_that_run_are_let_end(serve, provider):
    running = serve(OTLP, providers={"openai": provider.url})
    call = Call(running, provider)
    other = CallOverHttp2(running)
    provider.wait_for(2)
    watching = threading.Thread(target=other.watch, args=(time.monotonic() + 60,))
    watching.start()
    running.process.send_signal(signal.SIGTERM)
    time.sleep(9)  # longer than any client that does nothing has
    assert running.process.poll() is None and call.is_whole is None and other.ended is None
    call.go_on.set()
    call.join(20)
    watching.join(20)
    assert call.is_whole and call.body == call.whole
    assert other.body == call.whole and other.is_complete
    assert running.process.wait(SOON) == 0
    assert [line for line in running.log if "calls that run have 30 seconds" in line]
    kinds = [(event["kind"], event.get("outcome")) for event in events(running)]
    assert sorted(kinds[1:3]) == [("operation", "ok"), ("operation", "ok")]
    assert kinds[0][0] == "serve.started" and kinds[3:] == [("serve.stopped", None)], "it governed until the last call had ended"


def test_what_the_control_api_works_at_is_answered(serve):
    """In the thread pool, where nothing of nginx's keeps a worker."""
    running = serve(OTLP)
    nginx = int(subprocess.check_output(["pgrep", "-P", str(running.process.pid), "-x", "nginx"]))
    running.process.send_signal(signal.SIGSTOP)  # nobody drains: what asks the ledger waits for that a while
    replies = []
    asking = threading.Thread(target=lambda: replies.append(running.call("GET", "/api/v1/cost")))
    asking.start()
    time.sleep(0.3)
    os.kill(nginx, signal.SIGQUIT)
    asking.join(30)
    running.process.send_signal(signal.SIGCONT)
    assert [reply.status for reply in replies] == [200]
    assert running.process.wait(SOON) == 1, "nginx ended by itself"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_twice_does_not_wait_for_calls(serve, provider, number):
    running = serve(OTLP, providers={"openai": provider.url})
    call = Call(running, provider)
    running.process.send_signal(number)
    until(lambda: [line for line in running.log if "calls that run have 30 seconds" in line], what="what it waits for")
    assert call.is_whole is None
    began = time.monotonic()
    running.process.send_signal(number)
    assert running.process.wait(40) == 0
    assert time.monotonic() - began < SOON
    call.join(20)
    assert call.is_whole is False
    found = events(running)
    assert [(event["kind"], event.get("outcome")) for event in found] == [
        ("serve.started", None), ("operation", "cancelled"), ("serve.stopped", None)]
    assert found[1]["cost_nano_usd"] > 0, "what came is paid for"


class Exporter(threading.Thread):
    """An SDK that sends on and on, and knows what was acknowledged and how the rest was refused."""

    def __init__(self, number, port, is_grpc):
        super().__init__(daemon=True)
        self.number, self.port, self.is_grpc, self.ended = number, port, is_grpc, threading.Event()
        self.acknowledged, self.refused = [], set()

    def run(self):
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", [("grpc.keepalive_time_ms", 10000)]) as channel:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            while not self.ended.is_set():
                name = f"{self.number}-{len(self.acknowledged)}"
                try:
                    if self.is_grpc:
                        call(channel, traces(name, pad=self.number * 5000))
                    else:
                        self.post(connection, traces(name, pad=self.number * 5000))
                except grpc.RpcError as error:
                    self.refused.add(error.code())
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    self.refused.add(type(error))
                else:
                    self.acknowledged.append(name)
                    continue
                self.ended.wait(0.02)

    def post(self, connection, body):
        connection.request("POST", "/v1/traces", body, PROTOBUF)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            self.refused.add(response.status)
            raise ConnectionError


def delivered(folder):
    out = folder / "out.jsonl"
    whole, _, _ = (out.read_text() if out.exists() else "").rpartition("\n")
    return [span["name"] for line in whole.splitlines() if line
            for group in json.loads(line)["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]


def test_who_goes_on_sending_holds_up_nobody_and_loses_nothing(tmp_path):
    text = OTLP + "exporters: {file: {path: '%s'}}\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}}\n" % (tmp_path / "out.jsonl")
    running = receivers.Serve(tmp_path, text)
    exporters = [Exporter(i, running.grpc if i % 3 else running.http, i % 3 > 0) for i in range(9)]
    for exporter in exporters:
        exporter.start()
    until(lambda: all(len(exporter.acknowledged) > 3 for exporter in exporters), what="every client's first batches")
    began = time.monotonic()
    assert running.stop() == 0
    took = time.monotonic() - began
    until(lambda: all(exporter.refused for exporter in exporters), what="every client's noticing it")
    for exporter in exporters:
        exporter.ended.set()
        exporter.join(30)
    assert took < SOON, took
    refused = set().union(*(exporter.refused for exporter in exporters))
    assert {code for code in refused if isinstance(code, grpc.StatusCode)} == {grpc.StatusCode.UNAVAILABLE}, refused
    assert {code for code in refused if isinstance(code, int)} <= {503}, refused
    again = receivers.Serve(tmp_path, text)
    try:
        acknowledged = {name for exporter in exporters for name in exporter.acknowledged}
        until(lambda: not acknowledged - set(delivered(tmp_path)), what="everything that was acknowledged")
    finally:
        again.stop()
