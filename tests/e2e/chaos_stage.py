# SPDX-License-Identifier: Apache-2.0
"""The stage of the chaos tests: a state directory, `genops serve` on fixed ports, a provider, an OTLP receiver; and their ends.

Nothing here sleeps for a guess: every wait is for a condition with a deadline. Processes are ended by their own id.
"""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("GENOPS_BUILD", ROOT / "build"))
GENOPS = BUILD / "genops"
MODULE = BUILD / "nginx" / "ngx_http_genops_module.so"
NANO_IN, NANO_OUT = 150, 600  # nano-USD a token of gpt-4o-mini, in the shipped catalogue


def nano(money):
    """A decimal amount of USD, as text or number, in nano-USD."""
    return round(float(money) * 1e9)


def wait_for(condition, seconds, what):
    """The condition's first true value; fails the test when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def free_port():
    """Below the range that the kernel gives to outgoing connections: none of those takes it before it is listened on."""
    for port in random.sample(range(15000, 32000), 100):
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise OSError("no port is free")


def children(pid):
    with contextlib.suppress(OSError):
        return [int(x) for x in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Receiver:
    """OTLP/HTTP with JSON. Counts spans by id, so that a span that comes twice is seen once."""

    def __init__(self, port=0):
        self.spans, self.n_received, self.bodies = {}, 0, []
        self.is_failing, self.lock = False, threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status = 503 if receiver.is_failing else 200
                if status == 200:
                    receiver.take(body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # senders are killed on purpose

            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body):
        request = json.loads(body)
        with self.lock:
            self.bodies.append(body)
            for resource in request["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        self.n_received += 1
                        self.spans[span["traceId"] + "-" + span["spanId"]] = span

    def cost_nano(self):
        with self.lock:
            return sum(self.cost_of(span) for span in self.spans.values())

    @staticmethod
    def cost_of(span):
        for attribute in span["attributes"]:
            if attribute["key"] == "genops.cost.total":
                value = attribute["value"]
                return nano(value.get("doubleValue", value.get("stringValue", value.get("intValue"))))
        return 0

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Stage:
    """One state directory and whatever runs on it. As a context manager it leaves nothing behind."""

    def __init__(self, governance="", telemetry="", gateway="", exporter="", with_exporter=True, state=None,
                 latency=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="genops-chaos-"))
        self.state = state or self.folder / "state"
        self.port, self.provider_port = free_port(), None
        self.receiver_port = free_port()
        self.receiver, self.serve, self.provider = None, None, None
        self.governance, self.telemetry, self.gateway, self.exporter = governance, telemetry, gateway, exporter
        self.with_exporter, self.log, self.latency = with_exporter, self.folder / "serve.log", latency
        self.env = {k: v for k, v in os.environ.items() if k == "GENOPS_NGINX" or not k.startswith(("OTEL_", "GENOPS_"))}
        self.env.update(GENOPS_NGINX_MODULE=str(MODULE), HOME=str(self.folder), TMPDIR=str(self.folder))

    def __enter__(self):
        self.provider = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).with_name("chaos_provider.py")), "0",
                                          str(self.latency)],
                                         stdout=subprocess.PIPE, text=True)
        self.provider_port = int(self.provider.stdout.readline())
        self.configure()
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        self.provider.kill()
        self.provider.wait()
        self.provider.stdout.close()
        if self.receiver:
            self.receiver.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def config(self):
        return self.folder / "genops.yaml"

    def configure(self, governance=None, providers=""):
        if governance is not None:
            self.governance = governance
        text = f"""state: {self.state}
governance:
  mode: enforced
{self.governance}
gateway:
  listen: 127.0.0.1:{self.port}
  listen_h2c: ""
  workers: 2
{self.gateway}
  providers:
    openai: {{base_url: "http://127.0.0.1:{self.provider_port}"}}
{providers}
"""
        if self.telemetry:
            text += f"telemetry:\n{self.telemetry}\n"
        if self.with_exporter:
            text += f"""exporters:
  otlphttp/test: {{endpoint: "http://127.0.0.1:{self.receiver_port}", encoding: json, compression: none{self.exporter}}}
service:
  pipelines:
    traces: {{receivers: [genops], exporters: [otlphttp/test]}}
"""
        aside = self.config.with_suffix(".new")
        aside.write_text(text)
        aside.rename(self.config)

    def receive(self):
        self.receiver = Receiver(self.receiver_port)

    # --- the gateway ---

    def start(self, is_waiting=True):
        self.serve = subprocess.Popen([str(GENOPS), "-c", str(self.config), "serve"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=self.log.open("a"), env=self.env)
        if is_waiting:
            wait_for(lambda: self.is_ready() or self.serve.poll() is not None, 20, "the gateway is ready")
            assert self.serve.poll() is None, self.log.read_text()[-3000:]

    def is_ready(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/ready")[0] == 200
        return False

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def metrics(self, prefix):
        return [line for line in self.get("/metrics")[1].decode().splitlines() if line.startswith(prefix)]

    def nginx(self):
        """The master's id, 0 when there is none."""
        found = children(self.serve.pid) if self.serve else []
        return found[0] if found else 0

    def workers(self):
        return children(self.nginx()) if self.nginx() else []

    def drainer(self):
        """The id of the process that drains, 0 when nobody does (or is only just writing it)."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int((self.state / "drain.lock").read_text().split()[0])
        return 0

    def stop(self, number=signal.SIGTERM):
        if not self.serve:
            return
        below = [self.nginx(), *self.workers()]
        kill(self.serve.pid, number)
        self.serve.wait(timeout=60)
        self.serve = None
        for pid in below:
            if pid and number == signal.SIGKILL:
                kill(pid)

    # --- the commands ---

    def run(self, *arguments, timeout=60, env=None):
        return subprocess.run([str(GENOPS), "-c", str(self.config), *arguments], capture_output=True, text=True,
                              timeout=timeout, env={**self.env, **(env or {})}, check=False)

    def read(self, *arguments):
        result = self.run(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def windows(self, report=None):
        """(label, period) -> window, of every budget."""
        report = report or self.read("budget")
        return {(b["label"], w["period"]): w for b in report["budgets"] for w in b["windows"]}

    def rows(self):
        """Operation id -> (cost in nano-USD, outcome, result) straight from the database."""
        path = self.state / "ledger.db"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return {f"{t.hex()}-{s.hex()}": (cost, outcome, result) for t, s, cost, outcome, result in connection.execute(
                "SELECT trace_id, span_id, cost_nano_usd, outcome, result FROM operation"
                " JOIN dimension ON dimension.id = operation.dimension")}
        finally:
            connection.close()


def chat(port, n, team="t0", path="/openai/v1/chat/completions", timeout=20, **more):
    """One call with the standard client: (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    body = {"model": "gpt-4o-mini", "user": str(n), "max_tokens": 60, "messages": [{"role": "user", "content": "say words"}]}
    body.update(more)
    try:
        connection.request("POST", path, json.dumps(body), {
            "content-type": "application/json", "authorization": "Bearer sk-test", "x-genops-team": team})
        answer = connection.getresponse()
        data = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data
    finally:
        connection.close()
