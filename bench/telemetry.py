# SPDX-License-Identifier: Apache-2.0
"""bench/telemetry.py - telemetry in and out: spans a CPU-second over all processes of `genops serve`, and their memory.

    bench/telemetry.py --build DIR [--rounds 3] [--seconds 3] [--cases drop,pass,four,calls,real]

Prints one JSON document. One client posts requests of 500 spans (OTLP/HTTP, protobuf; 16 attributes and an event, some 700 bytes each) to
the receiver of a gateway with one worker; destinations are a server that reads and answers 200. CPU is the own run time (schedstat) of all
processes of GenOps, from the first request until everything has been delivered, divided by the spans that were acknowledged.

    drop   nobody wants it: received, checked, stored, looked at for AI calls, dropped
    pass   service.pipelines: receiver otlp, exporter otlphttp
    four   the four pipelines of the Cribl guide as they are written, but for what OTLP has no word for (payloads, retention, dataset ...), since each of their
           destinations gets OTLP. No span is an AI call
    calls  the same, and one of a hundred spans is an AI call, which is settled as an operation
    real   as calls, and each destination is of its own type: the guide's five documents and the eight that it names, all at once, before a server
           that answers as the vendors do (it keeps nothing)
"""
import argparse
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import zlib

from gateway import cpu_ns, memory_mb

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "tests" / "guide"
SPANS = 500
CASES = ("drop", "pass", "four", "calls", "real")


# --- requests ---

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(number, key, value):
    if isinstance(value, float):
        any_value = b"\x21" + struct.pack("<d", value)
    elif isinstance(value, int):
        any_value = b"\x18" + varint(value)
    else:
        any_value = field(1, value.encode())
    return field(number, field(1, key.encode()) + field(2, any_value))


def span(i, n_calls):
    """The i-th of a request. Of 100 the first n_calls are AI calls."""
    now = time.time_ns()
    is_call = i % 100 < n_calls
    attributes = {"http.request.method": "POST", "url.path": "/api/v1/answers", "server.address": "api.example.com", "server.port": 443,
                  "http.response.status_code": 200, "user_agent.original": "python-requests/2.32", "genops.team": ("search", "ads", "support")[i % 3],
                  "genops.customer_id": ("enterprise-123", "startup-789", "nobody")[i % 3], "genops.environment": "production",
                  "thread.name": "worker-7", "code.function": "answer", "code.lineno": 118, "network.protocol.version": "1.1"}
    if i % 4 == 0:
        attributes.update({"genops.policy.name": "pii", "genops.policy.result": "blocked" if i % 40 == 0 else "allowed",
                           "genops.policy.reason": "asked for 123-45-6789 of Jane Doe"})
    elif i % 10 == 1:
        attributes.update({"genops.budget.name": "search-daily", "genops.budget.limit": 1000.0, "genops.budget.used": 850.0 if i % 100 == 1 else 100.0})
    else:
        attributes.update({"messaging.system": "kafka", "messaging.destination.name": "answers", "enduser.id": "user-5561"})
    if is_call:
        attributes.update({"genops.cost.total": 0.001 * (i % 4000 + 1), "genops.cost.provider": "openai", "genops.cost.model": "gpt-4o",
                           "genops.tokens.input": 1200, "genops.tokens.output": 300})
    body = field(1, os.urandom(16)) + field(2, os.urandom(8)) + field(5, b"POST /api/v1/answers") + b"\x30\x03"
    body += b"\x39" + struct.pack("<Q", now - 250_000_000) + b"\x41" + struct.pack("<Q", now)
    body += b"".join(attribute(9, key, value) for key, value in attributes.items())
    body += field(11, b"\x09" + struct.pack("<Q", now) + field(2, b"retry") + attribute(3, "attempt", 1))
    return body


def request(n_calls):
    resource = field(1, b"".join(attribute(1, key, value) for key, value in (
        ("service.name", "answers"), ("service.version", "1.4.2"), ("telemetry.sdk.language", "python"))))
    scope = field(2, field(1, field(1, b"opentelemetry.instrumentation.requests")) + b"".join(field(2, span(i, n_calls)) for i in range(SPANS)))
    return field(1, resource + scope)


# --- who takes ---

def answer(path, body, is_gzip):
    """(status, body) of the vendor whose address that is."""
    if path.startswith("/api/v2/series"):
        return 202, b'{"errors":[]}'
    if path.startswith("/services/collector"):
        return 200, b'{"text":"Success","code":0}'
    if path.startswith("/_bulk"):
        n = (zlib.decompress(body, 47) if is_gzip else body).count(b"\n") // 2
        return 200, b'{"took":1,"errors":false,"items":[' + b",".join([b'{"create":{"status":201}}'] * n) + b"]}"
    if path.startswith("/api/v2/statements"):
        return 200, b'{"code":"090001","statementHandle":"h","message":"Statement executed successfully."}'
    if path.startswith("/v2/enqueue"):
        return 202, b'{"status":"success","message":"Event processed","dedup_key":"d"}'
    return 200, b"ok" if path.startswith("/slack") else b""


class Sink:
    def __init__(self):
        self.n_bytes = 0
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet: else Nagle waits 40 ms for an acknowledgement

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                sink.n_bytes += len(body)
                status, text = answer(self.path, body, self.headers.get("content-encoding") == "gzip")
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


# --- one measurement ---

def pipelines(folder, is_otlp):
    """The guide's, in files of the folder; returns all of their text."""
    texts = [path.read_text() for path in sorted((GUIDE / "pipelines").glob("*.yaml"))]
    for number, text in enumerate(texts):
        if is_otlp:
            text = re.sub(r"^ +(output_format|compression|dataset|retention|encryption|versioning|object_lock|table): .*\n", "", text, flags=re.M)
            text = re.sub(r"^( +)payload_template: \|\n(?:\1 +.*\n|\n)*", "", text, flags=re.M)
        pathlib.Path(folder, f"pipeline-{number}.yaml").write_text(text)
    return "".join(texts)


def destinations(folder, port):
    """A file with the guide's documents as they are written, but for the address, and with those that it only names."""
    url = f"http://127.0.0.1:{port}"
    text = "\n---\n".join(path.read_text() for path in sorted((GUIDE / "destinations").glob("*.yaml")))
    for old in ("https://api.datadoghq.com", "https://splunk.company.com:8088"):
        text = text.replace(old, url)
    text = re.sub(r"https://hooks.slack.com/\S+", f"{url}/slack", text)
    others = [f"{{id: {name}, type: s3, bucket: {name.replace('_', '-')}, region: us-east-1}}"
              for name in ("s3_cost_bucket", "s3_compliance_bucket", "s3_compliance_standard")]
    others += [f"{{id: prometheus_remote_write, type: prometheus_remote_write, url: '{url}/api/v1/write'}}",
               f"{{id: elasticsearch_security, type: elasticsearch, endpoint: '{url}', index: violations}}",
               f"{{id: webhook_alerts, type: webhook, url: '{url}/hook'}}", f"{{id: pagerduty_events, type: pagerduty, url: '{url}'}}",
               f"{{id: snowflake_audit_db, type: snowflake, account: a-b, endpoint: '{url}', token: t, warehouse: W}}"]
    path = pathlib.Path(folder, "destinations.yaml")
    path.write_text("\n---\n".join([text, *others]))
    return path


def environment(port):
    url = f"http://127.0.0.1:{port}"
    return {"DATADOG_API_KEY": "0" * 32, "SPLUNK_HEC_TOKEN": "t", "PAGERDUTY_ROUTING_KEY": "0" * 32, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_ENDPOINT_URL_S3": url, "AWS_REGION": "us-east-1", "CRIBL_LAKE_URL": url, "CRIBL_LAKE_TOKEN": "t"}


def config(case, folder, gateway_port, otlp_port, sink_port):
    text = (f"state: {folder}/state\ngateway: {{listen: '127.0.0.1:{gateway_port}', listen_h2c: '', workers: 1}}\n"
            f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{otlp_port}'}}}}}}}}\n")
    if case == "pass":
        text += (f"processors: {{batch: {{timeout: 1s, send_batch_size: 8192}}}}\n"
                 f"exporters: {{otlphttp/sink: {{endpoint: 'http://127.0.0.1:{sink_port}', compression: none}}}}\n"
                 "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlphttp/sink]}}}\n")
    if case in ("four", "calls", "real"):
        documents = pipelines(folder, case != "real")
        ids = sorted(set(re.findall(r"^\s+destination: (\S+)", documents, re.M)))
        text += "destinations:\n" + "".join(
            f"  - {{id: {name}, type: otlphttp, endpoint: 'http://127.0.0.1:{sink_port}', compression: none}}\n" for name in ids
        ) if case != "real" else f"destinations: ['{destinations(folder, sink_port)}']\n"
        text += (f"pipelines: ['{folder}/pipeline-*.yaml']\n"
                 f"lookups: [{{id: customer_budgets, file: '{GUIDE}/lookups/customer_budgets.csv', key_field: customer_id}}]\n")
    return text


class Run:
    def __init__(self, build, case, sink):
        self.folder = tempfile.TemporaryDirectory(prefix="genops-bench-")
        self.port, self.otlp_port = free_port(), free_port()
        path = pathlib.Path(self.folder.name, "genops.yaml")
        path.write_text(config(case, self.folder.name, self.port, self.otlp_port, sink.port))
        env = {**os.environ, **environment(sink.port), "GENOPS_NGINX_MODULE": f"{build}/nginx/ngx_http_genops_module.so", "HOME": self.folder.name}
        self.log = open(f"{self.folder.name}/log", "w+")
        self.serve = subprocess.Popen([f"{build}/genops", "-c", path, "serve"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=self.log)
        end = time.monotonic() + 20
        while self.get("/ready") is None:
            if self.serve.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                raise SystemExit(f"genops serve does not start: {self.log.read()}")
            time.sleep(0.05)

    def get(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else None
        except OSError:
            return None

    def pids(self):
        found, todo = [], [self.serve.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                todo += [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            except OSError:
                pass
        return found

    def cpu(self):
        return sum(cpu_ns(pid) for pid in self.pids())

    def stop(self):
        self.serve.send_signal(signal.SIGTERM)
        self.serve.wait(timeout=60)
        self.log.close()
        self.folder.cleanup()


def post_for(run, bodies, seconds):
    """Returns the spans that were acknowledged, and how often the receiver refused."""
    connection, n, n_refused = http.client.HTTPConnection("127.0.0.1", run.otlp_port, timeout=30), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.request("POST", "/v1/traces", bodies[n % len(bodies)], {"content-type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            n += 1
        else:
            n_refused += 1
            time.sleep(0.05)
    return n * SPANS, n_refused


def settled(run, sink):
    """Until nothing has moved for a while: everything is drained, delivered and acknowledged."""
    last, since = None, time.monotonic()
    while time.monotonic() - since < 1.5:
        now = (run.cpu() // 20_000_000, sink.n_bytes)
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.1)


def measure(build, case, seconds, sink, bodies):
    run = Run(build, case, sink)
    try:
        post_for(run, bodies, 0.3)
        settled(run, sink)
        before, bytes_before, began = run.cpu(), sink.n_bytes, time.monotonic()
        n, n_refused = post_for(run, bodies, seconds)
        rate = n / (time.monotonic() - began)
        settled(run, sink)
        cpu = run.cpu() - before
        memory = {"serve": memory_mb(run.serve.pid)["pss"], "all": round(sum(memory_mb(pid)["pss"] for pid in run.pids()), 1)}
        return {"spans": n, "spans_a_second": rate, "spans_a_cpu_second": n / (cpu / 1e9), "refused": n_refused, "memory_mb": memory,
                "bytes_out_a_byte_in": (sink.n_bytes - bytes_before) / (n * len(bodies[0]) / SPANS)}
    finally:
        run.stop()


def bench(build, cases, rounds, seconds):
    sink, results = Sink(), {}
    for case in cases:
        bodies = [request(1 if case in ("calls", "real") else 0) for _ in range(8)]
        rows = [measure(build, case, seconds, sink, bodies) for _ in range(rounds)]
        median = statistics.median
        results[case] = {"span_bytes": len(bodies[0]) // SPANS, "rounds": rounds, "refused": sum(row["refused"] for row in rows),
                         **{key: median(row[key] for row in rows) for key in ("spans_a_second", "spans_a_cpu_second", "bytes_out_a_byte_in")},
                         "memory_mb": {key: median(row["memory_mb"][key] for row in rows) for key in ("serve", "all")}}
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    arguments = parser.parse_args()
    print(json.dumps(bench(os.path.abspath(arguments.build), arguments.cases.split(","), arguments.rounds, arguments.seconds), indent=1))


if __name__ == "__main__":
    main()
