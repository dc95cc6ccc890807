# SPDX-License-Identifier: Apache-2.0
"""bench/gateway.py - the gateway beside plain nginx and beside Portkey's, in interleaved slices of one run.

    bench/gateway.py --build DIR [--peer DIR] [--rounds 3] [--seconds 4] [--cases chat-32,...]

Prints one JSON document: machine, method, one entry a case and system. All three forward to the same second nginx with canned
answers, with one worker each, over loopback. CPU is the processes' own run time (schedstat) divided by the answers;
the drain (`genops serve` itself: ledger, audit chain, export) is counted apart, until it has caught up.
"""
import argparse
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
import urllib.request

ANSWER = {
    "id": "chatcmpl-9xYzAbCdEfGhIjKlMnOpQrStUvWxY", "object": "chat.completion", "created": 1760000000,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content":
        "Of course. The three figures you asked for are revenue, margin and churn; revenue grew by nine percent over the "
        "year, margin stayed level and churn fell by a tenth. Tell me which of them you want by region.",
        "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 212, "completion_tokens": 48, "total_tokens": 260,
              "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}},
    "system_fingerprint": "fp_0705bf87c0"}

CONFIG = """
governance:
  attributes: {{team: ml-platform, project: chatbot, environment: production}}
  policies:
    - {{name: cap, type: cost_limit, enforcement_level: block, max_cost: 10.0}}
    - {{name: pace, type: rate_limit, enforcement_level: rate_limit, max_requests_per_minute: 100000000, burst: 1000000}}
    - {{name: secrets, type: content_filter, enforcement_level: block, blocked_patterns: [confidential-xyzzy, 'secret-xyzzy', '/\\\\bAKIA[0-9A-Z]{{16}}\\\\b/']}}
    - {{name: who, type: team_access, enforcement_level: block, allowed_teams: [ml-platform, data-science, ci]}}
    - {{name: calls, type: budget_limit, enforcement_level: block, daily_budget: 100000000}}
    - {{name: what, type: model_governance, enforcement_level: block, allowed_models: [gpt-4o, gpt-4o-mini, claude-3]}}
    - {{name: where, type: region, enforcement_level: warn, allowed_regions: [us-east-1, eu-west-1]}}
  budgets:
    - {{name: team, match: {{team: ci}}, enforcement_level: block, daily_budget: 100000000, monthly_budget: 1000000000}}
    - {{name: project, match: {{project: nightly}}, enforcement_level: block, daily_budget: 100000000}}
    - {{name: everything, enforcement_level: warn, monthly_budget: 1000000000, total_budget: 1000000000}}
  keys:
    - {{name: bench, key: vk-bench-0123456789abcdef, attributes: {{team: ci, project: nightly}}, provider_keys: {{openai: sk-provider, streams: sk-provider}}}}
gateway:
  listen: 127.0.0.1:{gateway}
  listen_h2c: 127.0.0.1:{h2c}
  workers: 1
  providers:
    openai: {{base_url: 'http://127.0.0.1:{upstream}', region: us-east-1}}
    streams: {{base_url: 'http://127.0.0.1:{streams}', dialect: openai, price_provider: openai, region: us-east-1}}
exporters:
  otlphttp/sink: {{endpoint: 'http://127.0.0.1:{sink}'}}
"""

NGINX_HEAD = """daemon off; master_process on; worker_processes 1; pid {dir}/pid; lock_file {dir}/lock; error_log stderr error;
{user}
events {{ worker_connections 16384; multi_accept on; }}
http {{
    client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
    access_log off; server_tokens off; keepalive_timeout 75s; keepalive_requests 1000000; tcp_nodelay on;
    client_max_body_size 64m; client_body_buffer_size 1m;
"""

# The streamed answer leaves in pieces of 256 bytes, about an event each, not in one write.
UPSTREAM = NGINX_HEAD + """
    default_type application/json;
    server {{ listen 127.0.0.1:{upstream}; location / {{ return 200 '{answer}'; }} }}
    server {{ listen 127.0.0.1:{sink}; location / {{ client_max_body_size 64m; return 200 ''; }} }}
    server {{
        listen 127.0.0.1:{streams}; root {dir}; sendfile off; output_buffers 1 256; postpone_output 0;
        types {{ text/event-stream sse; }}
        location = /stream.sse {{ chunked_transfer_encoding on; etag off; }}
        location / {{ log_not_found off; error_page 404 405 =200 /stream.sse; }}
    }}
}}
"""

PLAIN = NGINX_HEAD + """
    default_type application/json;
    proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering on; proxy_buffer_size 16k;
    proxy_buffers 8 16k; proxy_busy_buffers_size 32k; proxy_max_temp_file_size 0; proxy_set_header Connection '';
    upstream answers {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000; }}
    upstream streamed {{ server 127.0.0.1:{streams}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        location /openai/ {{ proxy_pass http://answers/; }}
        location /streams/ {{ proxy_pass http://streamed/; }}
    }}
}}
"""

# (name, path, connections, bytes of prompt, streamed)
CASES = [
    ("chat-1", "openai", 1, 700, False), ("chat-8", "openai", 8, 700, False), ("chat-32", "openai", 32, 700, False),
    ("stream-32", "streams", 32, 700, True), ("64k-8", "openai", 8, 64000, False), ("300k-8", "openai", 8, 300000, False),
]


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for_port(port, process, seconds=15):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on {port} after {seconds} s")


def wait_until_ready(port, process, seconds=15):
    """The port listens before nginx is up: the gateway itself must answer."""
    until = time.monotonic() + seconds
    wait_for_port(port, process, seconds)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        try:
            opener.open(f"http://127.0.0.1:{port}/ready", timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"the gateway is not ready after {seconds} s")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(p) for p in file.read().split()]


def cpu_ns(pid):
    """Run time of all threads, nanoseconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    return total


def memory_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M))
    return {k.lower(): round(int(fields[k]) / 1024, 1) for k in ("Rss", "Pss", "Private_Dirty")}


def body(prompt_bytes, streamed):
    words = ("Summarise the quarterly figures of the northern region for the board, in three short sentences, and say what "
             "changed most since the spring. ")
    prompt = (words * (prompt_bytes // len(words) + 1))[:prompt_bytes]
    call = {"model": "gpt-4o-mini", "messages": [
        {"role": "system", "content": "You are a careful analyst. Answer in plain English, without lists, and never guess."},
        {"role": "user", "content": prompt}], "temperature": 0.2, "max_tokens": 256, "user": "u-4711"}
    if streamed:
        call["stream"] = True
        call["stream_options"] = {"include_usage": True}
    return json.dumps(call, separators=(",", ":"))


def stream_text():
    events = []
    head = {"id": "chatcmpl-9xYzAbCdEfGhIjKlMnOpQrStUvWxY", "object": "chat.completion.chunk", "created": 1760000000,
            "model": "gpt-4o-mini-2024-07-18", "system_fingerprint": "fp_0705bf87c0"}
    for i in range(50):
        events.append({**head, "choices": [{"index": 0, "delta": {"content": f" word{i:02d}"}, "logprobs": None, "finish_reason": None}]})
    events.append({**head, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]})
    events.append({**head, "choices": [], "usage": ANSWER["usage"]})
    return "".join("data: " + json.dumps(e, separators=(",", ":")) + "\n\n" for e in events) + "data: [DONE]\n\n"


class System:
    def __init__(self, name, process, port, headers, path):
        self.name, self.process, self.port, self.headers, self.path = name, process, port, headers, path

    def workers(self):
        """The processes that carry requests; `genops serve` itself is its drain, counted apart."""
        if self.name == "portkey":
            return [self.process.pid]
        master = children(self.process.pid)[0] if self.name == "genops" else self.process.pid
        return [p for p in children(master)]

    def drain(self):
        return self.process.pid if self.name == "genops" else None

    def settle(self, seconds=120):
        """Waits until the drain has caught up: it uses next to nothing for a while."""
        pid, until = self.drain(), time.monotonic() + seconds
        if not pid:
            return
        while time.monotonic() < until:
            before = cpu_ns(pid)
            time.sleep(0.3)
            if cpu_ns(pid) - before < 6_000_000:
                return
        raise SystemExit("the drain did not catch up")


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.dir = tempfile.mkdtemp(prefix="genops-bench-")
        self.processes = []
        self.nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        names = ("gateway", "h2c", "upstream", "sink", "streams", "plain", "peer")
        self.ports = dict(zip(names, free_ports(len(names))))

    def spawn(self, command, **more):
        log = open(os.path.join(self.dir, "log"), "a")
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **more)
        self.processes.append(process)
        return process

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def start_nginx(self, name, template, port):
        home = os.path.join(self.dir, name)
        user = "user root root;" if os.geteuid() == 0 else ""
        text = template.format(dir=home, user=user, answer=json.dumps(ANSWER, separators=(",", ":")), **self.ports)
        conf = self.write(f"{name}/nginx.conf", text)
        process = self.spawn([self.nginx, "-p", home, "-e", "stderr", "-c", conf])
        wait_for_port(port, process)
        return process

    def start_all(self):
        self.write("upstream/stream.sse", stream_text())
        self.start_nginx("upstream", UPSTREAM, self.ports["upstream"])
        systems = [System("nginx", self.start_nginx("plain", PLAIN, self.ports["plain"]), self.ports["plain"], {}, "/{}/v1/chat/completions")]
        config = self.write("genops.yaml", CONFIG.format(**self.ports))
        state = os.path.join(self.dir, "state")
        os.mkdir(state, 0o700)
        build = self.arguments.build
        process = self.spawn([os.path.join(build, "genops"), "--config", config, "--state", state, "serve"])
        wait_until_ready(self.ports["gateway"], process)
        systems.append(System("genops", process, self.ports["gateway"], {"Authorization": "Bearer vk-bench-0123456789abcdef"},
                              "/{}/v1/chat/completions"))
        if self.arguments.peer:
            systems.append(self.start_peer())
        return systems

    def start_peer(self):
        loopback = self.write("loopback.cjs", "const net = require('net'); const listen = net.Server.prototype.listen;\n"
                              "net.Server.prototype.listen = function (...a) {\n"
                              "  if (typeof a[0] === 'object' && a[0] && a[0].port !== undefined) a[0] = {...a[0], host: '127.0.0.1'};\n"
                              "  else if (typeof a[0] === 'number' || typeof a[0] === 'string') a = [Number(a[0]), '127.0.0.1', ...a.filter((x) => typeof x === 'function')];\n"
                              "  return listen.apply(this, a); };\n")
        server = os.path.join(self.arguments.peer, "node_modules/@portkey-ai/gateway/build/start-server.js")
        port = self.ports["peer"]
        process = self.spawn(["node", "-r", loopback, server, f"--port={port}", "--headless"],
                             env={**os.environ, "NODE_ENV": "production"}, cwd=self.arguments.peer)
        wait_for_port(port, process)
        headers = {"x-portkey-provider": "openai", "Authorization": "Bearer sk-provider"}
        return System("portkey", process, port, headers, "/v1/chat/completions")

    def slice(self, system, case):
        name, provider, connections, prompt, streamed = case
        headers = {"Content-Type": "application/json", **system.headers}
        if system.name == "portkey":
            port = self.ports["upstream" if provider == "openai" else "streams"]
            headers["x-portkey-custom-host"] = f"http://127.0.0.1:{port}/v1"
        lua = "wrk.method='POST'\nwrk.body=[==[" + body(prompt, streamed) + "]==]\n"
        lua += "".join(f"wrk.headers['{k}']='{v}'\n" for k, v in headers.items())
        lua += ("done=function(s,l,r) io.write(string.format('RESULT %d %d %d %d %d %d\\n', s.requests, s.duration, "
                "s.errors.status + s.errors.read + s.errors.write + s.errors.timeout, l:percentile(50), l:percentile(99), s.bytes)) end\n")
        script = self.write("request.lua", lua)
        workers = system.workers()
        drain = system.drain()
        before, drain_before = sum(map(cpu_ns, workers)), cpu_ns(drain) if drain else 0
        url = f"http://127.0.0.1:{system.port}{system.path.format(provider)}"
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{self.arguments.seconds}s", "-s", script, url],
                             capture_output=True, text=True, timeout=120).stdout
        after = sum(map(cpu_ns, workers))
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out)
        if not found:
            raise SystemExit(f"wrk said nothing for {system.name} {name}: {out}")
        requests, duration, errors, p50, p99, _ = map(int, found.groups())
        if errors or not requests:
            raise SystemExit(f"{errors} of {requests} calls failed: {system.name} {name}\n" + open(os.path.join(self.dir, "log")).read()[-2000:])
        at_once = cpu_ns(drain) - drain_before if drain else 0
        system.settle()
        drained = cpu_ns(drain) - drain_before if drain else 0
        return {"rps": requests / (duration / 1e6), "cpu_us": (after - before) / 1e3 / requests,
                "drain_us": drained / 1e3 / requests, "drained": at_once / drained if drained else 1.0,
                "p50_ms": p50 / 1e3, "p99_ms": p99 / 1e3, "requests": requests}

    def run(self):
        systems = self.start_all()
        cases = [c for c in CASES if not self.arguments.cases or c[0] in self.arguments.cases.split(",")]
        results = {case[0]: {s.name: [] for s in systems} for case in cases}
        for case in cases:
            for round_ in range(self.arguments.rounds):
                for system in (systems if round_ % 2 == 0 else reversed(systems)):
                    result = self.slice(system, case)
                    results[case[0]][system.name].append(result)
                    print(f"{case[0]:>10} {system.name:>8} {result['rps']:10.0f}/s {result['cpu_us']:8.1f} us "
                          f"drain {result['drain_us']:6.1f} us p50 {result['p50_ms']:.3f} p99 {result['p99_ms']:.3f} ms", file=sys.stderr)
        memory = {s.name: memory_mb(s.workers()[0]) for s in systems}
        memory["genops drain"] = memory_mb(next(s for s in systems if s.name == "genops").drain())
        medians = {case: {system: {key: statistics.median(r[key] for r in rows) for key in rows[0]}
                          for system, rows in by_system.items()} for case, by_system in results.items()}
        for case, by_system in results.items():
            for system in by_system:
                medians[case][system]["ratio"] = statistics.median(
                    a["rps"] / b["rps"] for a, b in zip(by_system[system], by_system["nginx"]))
        return {"cases": medians, "memory_mb": memory, "rounds": self.arguments.rounds, "seconds": self.arguments.seconds}

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.arguments.keep:
            print(self.dir, file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--cases", default="")
    parser.add_argument("--keep", action="store_true", help="keep the directory with logs and state")
    bench = Bench(parser.parse_args())
    try:
        print(json.dumps(bench.run(), indent=1))
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
