# SPDX-License-Identifier: Apache-2.0
"""bench/otlp_in.py - telemetry in: `genops serve` receives OTLP and has nowhere to send it: parse, append, drain, drop.

    bench/otlp_in.py --build DIR [--rounds 5] [--seconds 3] [--cases protobuf-512,...]

Prints one JSON document. CPU is the run time (schedstat) of every process of genops serve - itself, nginx's master, its worker -
until the drain has caught up; the client (wrk) is not counted. A span has 16 attributes and an event, 670 bytes, as in the peer's
figures, which are of fluent-bit 5.1.1 on two virtual cores (reference: one connection, protobuf to null): 118,817 spans a
CPU-second in requests of 100 spans, 121,524 in requests of 512. With fluent-bit in the PATH it is measured beside, in the same run.
"""
import argparse
import gzip
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

# name, spans a request, connections, content type, content encoding
CASES = [("protobuf-1", 1, 32, "application/x-protobuf", ""), ("protobuf-100", 100, 4, "application/x-protobuf", ""),
         ("protobuf-512", 512, 4, "application/x-protobuf", ""), ("protobuf-2048", 2048, 4, "application/x-protobuf", ""),
         ("protobuf-gzip-512", 512, 4, "application/x-protobuf", "gzip"), ("json-512", 512, 4, "application/json", "")]

SCRIPT = """
local file = io.open(os.getenv("BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = os.getenv("TYPE")
if os.getenv("ENCODING") ~= "" then wrk.headers["Content-Encoding"] = os.getenv("ENCODING") end
"""


# --- requests: protobuf by hand, so that nothing but Python is needed ---

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(key, value):
    if isinstance(value, bool):
        encoded = field(2, int(value))
    else:
        encoded = field(3, value) if isinstance(value, int) else field(1, value.encode())
    return field(1, key.encode()) + field(2, encoded)


def spans(n):
    """(attributes, trace id, span id) of n spans: 16 attributes each."""
    for i in range(n):
        values = [[i * j, True, f"value-{i}-{j}xxxxxxxx", f"text-{j}xxxxxxxxxx"][j % 4] for j in range(16)]
        yield [(f"app.attribute.{j:02}", value) for j, value in enumerate(values)], os.urandom(16), os.urandom(8), os.urandom(8)


def protobuf(n):
    now = time.time_ns()
    times = (now.to_bytes(8, "little"), (now + 10**7).to_bytes(8, "little"))
    out = b""
    for attributes, trace, span, parent in spans(n):
        event = b"\x09" + times[0] + field(2, b"event") + field(3, attribute("message", "something happened here"))
        out += field(2, field(1, trace) + field(2, span) + field(4, parent) + field(5, b"GET /api/v1/items") + field(6, 2) + b"\x39" + times[0] +
                     b"\x41" + times[1] + b"".join(field(9, attribute(*one)) for one in attributes) + field(11, event))
    resource = b"".join(field(1, attribute(*one)) for one in (("service.name", "bench"), ("deployment.environment", "production")))
    return field(1, field(1, resource) + field(2, field(1, field(1, b"bench.scope") + field(2, b"1.0")) + out))


def as_json(n):
    def one(key, value):
        kind = "boolValue" if isinstance(value, bool) else "intValue" if isinstance(value, int) else "stringValue"
        return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}
    now = time.time_ns()
    items = [{"traceId": trace.hex(), "spanId": span.hex(), "parentSpanId": parent.hex(), "name": "GET /api/v1/items", "kind": 2,
              "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 10**7), "attributes": [one(*pair) for pair in attributes],
              "events": [{"timeUnixNano": str(now), "name": "event", "attributes": [one("message", "something happened here")]}]}
             for attributes, trace, span, parent in spans(n)]
    resource = {"attributes": [one("service.name", "bench"), one("deployment.environment", "production")]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "bench.scope"}, "spans": items}]}]},
                      separators=(",", ":")).encode()


# --- who receives ---

def descendants(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [pid] + [one for child in file.read().split() for one in descendants(int(child))]


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
    return total / 1e9


def memory_mb(pids):
    sizes = []
    for pid in pids:
        with open(f"/proc/{pid}/status") as file:
            sizes.append(int(re.search(r"RssAnon:\s+(\d+)", file.read())[1]) / 1024)
    return max(sizes)


class Genops:
    name = "genops"

    def __init__(self, build, folder):
        config = os.path.join(folder, "genops.yaml")
        with open(config, "w") as file:
            file.write("gateway: {listen: '127.0.0.1:0', listen_h2c: off, workers: 1}\n"
                       "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n")
        self.process = subprocess.Popen([os.path.join(build, "genops"), "serve", "--config", config, "--state", os.path.join(folder, "state")],
                                        stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if match := re.search(r"OTLP over HTTP at http://127.0.0.1:(\d+)", line):
                self.port = int(match[1])
            if "genops run --" in line:
                break


class FluentBit:
    name = "fluent-bit"

    def __init__(self, _build, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(["fluent-bit", "-q", "-i", "opentelemetry", "-p", "listen=127.0.0.1", "-p", f"port={self.port}", "-o", "null",
                                         "-m", "*"], cwd=folder)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("fluent-bit does not listen")


def measure(kind, build, case, seconds):
    name, n, connections, content_type, encoding = case
    with tempfile.TemporaryDirectory(prefix="genops-bench-") as folder:
        body = as_json(n) if "json" in content_type else protobuf(n)
        size = len(body) / n
        with open(os.path.join(folder, "body"), "wb") as file:
            file.write(gzip.compress(body) if encoding else body)
        with open(os.path.join(folder, "post.lua"), "w") as file:
            file.write(SCRIPT)
        system = kind(build, folder)
        try:
            pids = descendants(system.process.pid)
            before = cpu_seconds(pids)
            out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.join(folder, "post.lua"),
                                  f"http://127.0.0.1:{system.port}/v1/traces"], check=True, capture_output=True, text=True,
                                 env={**os.environ, "BODY": os.path.join(folder, "body"), "TYPE": content_type, "ENCODING": encoding}).stdout
            requests = int(re.search(r"(\d+) requests in", out)[1])
            # wrk does not wait as it is told: where the drain has no core of its own, the buffer fills and some are refused. Only what was taken counts.
            refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
            requests -= int(refused[1]) if refused else 0
            if not requests:
                raise SystemExit(f"{system.name}, {name}: {out}")
            spent = cpu_seconds(pids)
            while True:  # what is received is not yet dropped
                time.sleep(0.4)
                now = cpu_seconds(pids)
                if now - spent < 0.004:
                    break
                spent = now
            return {"spans_per_cpu_s": requests * n / (now - before), "spans_per_s": requests * n / seconds, "bytes_per_span": size,
                    "largest_mb": memory_mb(pids)}
        finally:
            system.process.send_signal(signal.SIGTERM)
            system.process.wait(60)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--cases", default="")
    arguments = parser.parse_args()
    systems = [Genops] + ([FluentBit] if shutil.which("fluent-bit") else [])
    chosen = [case for case in CASES if not arguments.cases or case[0] in arguments.cases.split(",")]
    rows = {(case[0], system.name): [] for case in chosen for system in systems}
    for _ in range(arguments.rounds):
        for case in chosen:
            for system in systems:
                rows[case[0], system.name].append(measure(system, arguments.build, case, arguments.seconds))
    result = [{"case": case, "system": system, **{key: statistics.median(one[key] for one in all_of) for key in all_of[0]},
               "lowest": min(one["spans_per_cpu_s"] for one in all_of), "highest": max(one["spans_per_cpu_s"] for one in all_of)}
              for (case, system), all_of in rows.items()]
    json.dump({"rounds": arguments.rounds, "seconds": arguments.seconds, "results": result}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
