# SPDX-License-Identifier: Apache-2.0
"""Around the destinations: how each is doing, whether one can be reached, queues of their own with a cap, rotation, TLS, kills.

Proves: CRB-052, CRB-071, CRB-310, A-092, CRB-055, CRB-056, CRB-057, CRB-058, CRB-059, CRB-060, CRB-072, CRB-233, CRB-450, CRB-451, CRB-469, CRB-478, CRB-485, CRB-486, A-110, CORE-060.
"""
import collections
import http.server
import json
import pathlib
import random
import re
import shutil
import ssl
import subprocess
import threading
import time

import pytest

import receivers
from chaos_stage import GENOPS, wait_for
from fakes.datadog import KEY, FakeDatadog
from gateway import environment
from authority import Authority

SPANS = 40


class FarSide:
    """An OTLP/HTTP server with JSON that answers as it is told and remembers who came, on which connection."""

    def __init__(self, status=200, tls=None, latency=0.0, port=0):
        self.status, self.latency, self.headers = status, latency, {}
        self.spans, self.sizes, self.connections, self.tokens = collections.Counter(), [], set(), []
        self.n_requests = 0
        far = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
                names = [span["name"] for resource in body.get("resourceSpans", []) for scope in resource["scopeSpans"]
                         for span in scope["spans"]]
                time.sleep(far.latency)
                far.n_requests += 1
                far.connections.add(self.client_address)
                far.tokens.append(self.headers.get("authorization"))
                status = far.status
                if status == 200:
                    far.spans.update(names)
                    far.sizes.append(len(names))
                self.send_response(status)
                for key, value in far.headers.items():
                    self.send_header(key, value)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def exporter(far, more="", scheme="http", headers=""):
    return (f"{{endpoint: '{scheme}://127.0.0.1:{far.port if far else 1}', encoding: json, compression: none, timeout: 5s{headers}, "
            f"retry_on_failure: {{initial_interval: 20ms, max_interval: 100ms}}{more}}}")


def config(exporters, telemetry="", processors="batch: {timeout: 50ms}"):
    lines = "\n".join(f"  {name}: {text}" for name, text in exporters.items())
    return (f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\n{telemetry}exporters:\n{lines}\n"
            f"processors: {{{processors}}}\n"
            f"service: {{pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [{', '.join(exporters)}]}}}}}}\n")


def send(running, *names, pad=0):
    return receivers.post(running.http, body=receivers.traces(*names, pad=pad)).status


def command(running, *arguments):
    return subprocess.run([str(GENOPS), "--config", str(running.config), "--state", str(running.state), *arguments], capture_output=True,
                          text=True, timeout=60, env=environment(running.folder), check=False)


def listed(running):
    result = command(running, "destination", "list", "--json")
    assert result.returncode == 0, result.stderr
    return {one["name"]: one for one in json.loads(result.stdout)["destinations"]}


@pytest.fixture
def stage(tmp_path):
    """far(...) and serve(text): ended with the test."""
    started = []

    class Stage:
        @staticmethod
        def far(*arguments, **more):
            started.append(FarSide(*arguments, **more))
            return started[-1]

        @staticmethod
        def serve(text, **more):
            running = receivers.Serve(tmp_path, text, **more)
            started.append(running)
            return running

    yield Stage
    for one in reversed(started):
        getattr(one, "close", getattr(one, "stop", None))()


def test_each_destination_says_how_it_is_doing(stage):
    """CRB-450: no answer, refused credentials and 429 apart, by destination, in commands and /metrics; CRB-451: who is slow shows it."""
    far = {"otlphttp/good": stage.far(), "otlphttp/login": stage.far(401), "otlphttp/busy": stage.far(429), "otlphttp/gone": None}
    running = stage.serve(config({name: exporter(one) for name, one in far.items()}))
    assert send(running, *(f"s{i}" for i in range(SPANS))) == 200
    wait_for(lambda: sum(far["otlphttp/good"].spans.values()) == SPANS, 10, "the good one has all")

    def told():
        now = listed(running)
        return now if (now["otlphttp/login"]["authentication_failures"] and now["otlphttp/busy"]["throttled"] > 1 and
                       now["otlphttp/gone"]["connection_errors"] > 1 and now["otlphttp/good"]["sent"] == SPANS and
                       now["otlphttp/gone"]["lag_seconds"] >= 1) else None
    now = wait_for(told, 10, lambda: listed(running))
    assert now["otlphttp/good"]["state"] == "up" and now["otlphttp/good"]["failures"] == 0
    assert now["otlphttp/login"]["throttled"] == now["otlphttp/login"]["connection_errors"] == 0
    assert "credentials" in now["otlphttp/login"]["reason"]
    assert now["otlphttp/gone"]["waiting"] > 0 and now["otlphttp/gone"]["state"] in ("failing", "down")
    assert wait_for(lambda: listed(running)["otlphttp/gone"]["breaker"] == "open", 20, "the breaker opens")
    metrics = running.metrics("genops_self_export_auth_failures_total")
    assert list(metrics) == ['destination="otlphttp/login"']
    assert set(running.metrics("genops_self_export_throttled_total")) == {'destination="otlphttp/busy"'}
    assert set(running.metrics("genops_self_export_connection_errors_total")) == {'destination="otlphttp/gone"'}
    assert running.metrics("genops_self_destination_up")['destination="otlphttp/good"'] == 1
    assert running.metrics("genops_self_destination_lag_seconds")['destination="otlphttp/gone"'] > 0
    status = json.loads(command(running, "status", "--json").stdout)
    assert {one["name"] for one in status["destinations"]} == set(far)
    assert "otlphttp/gone" in command(running, "status").stdout


def test_a_destination_is_asked_without_sending(stage, tmp_path):
    """CRB-233: the vendor's own check, with a message that names cause and fix."""
    datadog, good, login = FakeDatadog(), stage.far(), stage.far(403)
    text = config({"otlphttp/good": exporter(good), "otlphttp/login": exporter(login), "otlphttp/gone": exporter(None)}) + (
        "destinations:\n"
        f"- {{id: dd, type: datadog_metrics, endpoint: '{datadog.url}', api_key: {KEY}, metrics: {{mappings: [{{name: cost, type: gauge, value: '${{cost_total}}'}}]}}}}\n"
        f"- {{id: dd_wrong, type: datadog_metrics, endpoint: '{datadog.url}', api_key: '{'f' * 32}', metrics: {{mappings: [{{name: cost, type: gauge, value: '${{cost_total}}'}}]}}}}\n"
        f"- {{id: lines, type: file, path: {tmp_path}/lines.jsonl}}\n"
        f"- {{id: nowhere, type: file, path: {tmp_path}/no/such/lines.jsonl}}\n")
    running = stage.serve(text)
    result = command(running, "destination", "test", "--json")
    assert result.returncode == 1, result.stderr
    answers = {one["name"]: one for one in json.loads(result.stdout)["tests"]}
    assert {name for name, one in answers.items() if one["good"]} == {"otlphttp/good", "dd", "lines"}, answers
    assert all(one["checked"] for one in answers.values())
    assert "credentials" in answers["otlphttp/login"]["message"] and answers["otlphttp/login"]["http_status"] == 403
    assert "no answer" in answers["otlphttp/gone"]["message"]
    assert "no/such" in answers["nowhere"]["message"] or "No such file" in answers["nowhere"]["message"]
    assert "f" * 32 not in result.stdout and KEY not in result.stdout
    assert any(request.path == "/api/v1/validate" for request in datadog.requests)
    assert not good.spans and not datadog.points, "nothing is left there"
    assert command(running, "destination", "test", "dd").returncode == 0
    unknown = command(running, "destination", "test", "nobody")
    assert unknown.returncode != 0 and "destination list" in unknown.stderr
    datadog.close()


def test_addresses_in_own_settings_are_connected_to(stage):
    """A type without a check: name, connection and TLS, at the bare address, so that nothing is set off over there."""
    endpoint = FakeDatadog()  # any HTTP server
    running = stage.serve(config({"otlphttp/good": exporter(stage.far())}) + (
        "destinations:\n- {id: slack_webhook, type: slack, url: 'https://hooks.nowhere.invalid/services/T000/B000/XSECRETX'}\n"
        f"- {{id: hook, type: webhook, url: '{endpoint.url}/hook/XSECRETX'}}\n"
        "- {id: pages, type: pagerduty, url: 'http://127.0.0.1:1/v2/enqueue'}\n"))
    result = command(running, "destination", "test", "--json")
    answers = {one["name"]: one for one in json.loads(result.stdout)["tests"]}
    assert {name for name, one in answers.items() if one["good"]} == {"otlphttp/good", "hook"}, answers
    assert "hooks.nowhere.invalid" in answers["slack_webhook"]["message"] and "check the address" in answers["slack_webhook"]["message"]
    assert "check the address" in answers["pages"]["message"] and not answers["hook"]["checked"]
    assert "XSECRETX" not in result.stdout and not any("hook" in request.path for request in endpoint.requests)
    endpoint.close()


def test_a_destination_that_goes_down_while_nothing_is_sent_is_told(stage):
    """CRB-056, CRB-057, CRB-058: checks at their interval, only where they are asked for; down on the third failure, back with the first answer."""
    asked, unasked, hanging = stage.far(), stage.far(), stage.far(latency=5)
    asked.headers["connection"] = "close"  # else who is closed goes on with the connections that it has
    checks = ", health_check: {interval: 1s, timeout: 500ms, unhealthy_threshold: 3}"
    running = stage.serve(config({"otlphttp/asked": exporter(asked, checks), "otlphttp/unasked": exporter(unasked), "otlphttp/hanging": exporter(hanging, checks)}))
    wait_for(lambda: asked.n_requests >= 3, 15, "checks")
    assert listed(running)["otlphttp/asked"]["state"] == "idle"

    def state(*states):
        return lambda: (listed(running)["otlphttp/asked"]["state"] in states) or None

    asked.close()
    begun = time.monotonic()
    wait_for(state("failing", "down"), 10, "the first failure")
    assert time.monotonic() - begun < 5, "an interval, and the drain's own second"
    wait_for(state("down"), 15, "the third failure")
    now = listed(running)
    assert now["otlphttp/asked"]["breaker"] == "open" and now["otlphttp/asked"]["reason"] and now["otlphttp/asked"]["connection_errors"] >= 3
    assert now["otlphttp/hanging"]["state"] == "down" and now["otlphttp/unasked"]["state"] == "idle" and not unasked.n_requests
    back = stage.far(port=asked.port)
    wait_for(state("idle"), 10, "it is back")
    assert not any(one["sent"] or one["rejected"] or one["waiting"] for one in listed(running).values()) and not back.spans
    assert send(running, "late") == 200
    wait_for(lambda: back.spans["late"], 10, "data goes on")


def test_a_day_of_downtime_fills_only_the_queue_of_the_dead(stage):
    """CRB-052, A-110: more than may wait for the dead one; it loses its oldest, counted, and the others and intake go on."""
    dead, others = stage.far(503), [stage.far() for _ in range(3)]
    exporters = {"otlphttp/dead": exporter(dead, ", sending_queue: {max_size: 2MiB, overflow: drop_oldest}")}
    exporters.update({f"otlphttp/o{i}": exporter(one) for i, one in enumerate(others)})
    # One worker: what several took in goes into the queue worker by worker, and the oldest there may not be what came first.
    running = stage.serve(config(exporters, "gateway:\n  workers: 1\ntelemetry: {queue: {max_size: 4MiB, compression: none}}\n"))
    n = 0
    for part in range(60):  # 12 MB for each
        names = [f"p{part}-{i}" for i in range(100)]
        wait_for(lambda names=names: send(running, *names, pad=2000) == 200, 20, "it is taken")
        n += len(names)
    for one in others:
        wait_for(lambda one=one: sum(one.spans.values()) == n, 30, lambda one=one: f"{sum(one.spans.values())} of {n}")
        assert set(one.spans.values()) == {1}, "none twice"
    seen = wait_for(lambda: (now := listed(running)["otlphttp/dead"])["dropped"] and now, 20, "what is lost is counted")
    assert not seen["is_blocking"]
    dead.status = 200
    wait_for(lambda: listed(running)["otlphttp/dead"]["waiting"] == 0, 30, "it catches up")
    now = listed(running)["otlphttp/dead"]
    assert sum(dead.spans.values()) + now["dropped"] == n and set(dead.spans.values()) == {1}
    assert 500 < sum(dead.spans.values()) < 1500, "about two MiB of them"
    parts = collections.Counter(name.split("-")[0] for name in dead.spans)
    assert parts["p59"] == 100, parts
    letters = [json.loads(line) for line in (running.state / "dead-letter.jsonl").read_text().splitlines()]
    assert len(letters) == now["dropped"] and {one["destination"] for one in letters} == {"otlphttp/dead"}
    assert all("oldest" in one["reason"] for one in letters)


def test_a_full_queue_pushes_back_and_gives_all_afterwards(stage):
    """CRB-055, CRB-059: block is what happens unless something else is said."""
    dead, other = stage.far(503), stage.far()
    running = stage.serve(config({"otlphttp/dead": exporter(dead, ", sending_queue: {max_size: 1MiB}"), "otlphttp/other": exporter(other)},
                                 "telemetry: {queue: {max_size: 1MiB, compression: none}}\n"))
    n, refused = 0, 0
    end = time.monotonic() + 20
    for part in range(20000):
        reply = receivers.post(running.http, body=receivers.traces(*(f"p{part}-{i}" for i in range(20)), pad=2000))
        if reply.status == 200:
            n += 20
        else:
            assert reply.status == 503 and int(reply.header("retry-after")) >= 1
            refused += 1
            time.sleep(0.02)
        if refused > 10 or time.monotonic() > end:
            break
        time.sleep(0.005)
    assert refused > 10, "who sends is held back"
    wait_for(lambda: sum(other.spans.values()) == n, 20, "the other one has what was taken")
    assert wait_for(lambda: listed(running)["otlphttp/dead"]["is_blocking"], 10, "it is told who blocks")
    dead.status = 200
    wait_for(lambda: sum(dead.spans.values()) == n, 30, lambda: f"{sum(dead.spans.values())} of {n}")
    assert set(dead.spans.values()) == {1}
    wait_for(lambda: send(running, "after") == 200, 10, "senders are let in again")


def kill_all(running):
    """SIGKILL for genops serve; nginx ends with it."""
    running.process.kill()
    running.process.wait()


def test_killed_at_any_moment_with_four_destinations(stage):
    """CRB-060: none is lost; what comes twice is what was under way when it was killed, of which each has at most one batch a kill."""
    far = [stage.far(latency=0.01 * i) for i in range(4)]
    text = config({f"otlphttp/d{i}": exporter(one) for i, one in enumerate(far)},
                  processors="batch: {timeout: 20ms, send_batch_size: 100, send_batch_max_size: 100}")
    running = stage.serve(text)
    acknowledged, n_kills = set(), 5
    for part in range(n_kills):
        end = time.monotonic() + random.uniform(0.1, 0.8)
        n = 0
        while time.monotonic() < end:
            names = [f"k{part}-{n}-{i}" for i in range(20)]
            n += 1
            if send(running, *names) == 200:
                acknowledged.update(names)
            time.sleep(0.005)
        kill_all(running)
        running = stage.serve(text)
    for one in far:
        wait_for(lambda one=one: acknowledged <= set(one.spans), 30, lambda one=one: f"lost: {len(acknowledged - set(one.spans))}")
        again = sum(times - 1 for times in one.spans.values())
        assert again <= n_kills * 8192, "a batch a kill at most"
    assert command(running, "audit", "verify").returncode == 0


def test_a_secret_in_a_file_is_rotated_without_a_restart_and_nobody_else_notices(stage, tmp_path):
    """CRB-478: the next request uses it; what the old one was refused for is not lost, and the other's connection stays."""
    first, other = stage.far(), stage.far()
    secret = tmp_path / "token"
    secret.write_text("old\n")
    secret.chmod(0o600)
    headers = f", headers: {{authorization: 'Bearer ${{file:{secret}}}'}}"
    running = stage.serve(config({"otlphttp/first": exporter(first, headers=headers), "otlphttp/other": exporter(other)}))
    assert send(running, "a") == 200
    wait_for(lambda: first.spans["a"] and other.spans["a"], 10, "both have it")
    first.status = 401
    assert send(running, "b") == 200
    wait_for(lambda: first.n_requests >= 2, 10, "it is refused")
    first.status = 200
    secret.write_text("new\n")
    wait_for(lambda: first.spans["b"], 15, "it goes with the new one, before the minute is over")
    assert first.tokens[0] == "Bearer old" and first.tokens[-1] == "Bearer new"
    assert send(running, "c") == 200
    wait_for(lambda: other.spans["c"], 10, "the other one has it")
    assert len(other.connections) == 1, "its connection is still the first one"
    assert set(first.spans.values()) == set(other.spans.values()) == {1}


def test_connections_are_kept_and_batches_bounded(stage):
    """CRB-485, CRB-486: no request has more, a full one goes at once, the rest after its time."""
    far = stage.far()
    running = stage.serve(config({"otlphttp/far": exporter(far)}, processors="batch: {timeout: 2s, send_batch_size: 50, send_batch_max_size: 50}"))
    assert send(running, *(f"s{i}" for i in range(225))) == 200
    begun = time.monotonic()
    wait_for(lambda: sum(far.spans.values()) == 225, 10, "all of them")
    assert time.monotonic() - begun < 10 and max(far.sizes) <= 50 and len(far.connections) == 1


def test_nothing_older_than_what_is_set(stage, tmp_path):
    """CRB-469: TLS 1.2 where 1.3 is wanted is refused, told, and nothing is lost."""
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.sign("server", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    far = stage.far(tls=context)
    tls = f", tls: {{ca_file: {authority.certificate}}}"
    running = stage.serve(config({"otlphttp/any": exporter(far, tls, scheme="https"),
                                  "otlphttp/new": exporter(far, tls.replace("}", ", min_version: '1.3'}"), scheme="https")}))
    assert send(running, "a") == 200
    wait_for(lambda: far.spans["a"], 10, "1.2 will do where nothing else is said")
    seen = wait_for(lambda: (now := listed(running)["otlphttp/new"])["connection_errors"] and now, 10, "the other one says what is wrong")
    assert "no answer" in seen["reason"] and seen["waiting"] > 0
    assert far.spans["a"] == 1


ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("pipelines", ["data/pipelines", "tests/guide/pipelines"])
def test_the_shipped_templates_of_destinations_load_for_real(tmp_path, pipelines):
    """CRB-310, A-092: every id that the guide's routes use has a definition for the real system, which honours its routes' keys (CRB-071)."""
    for file in (ROOT / "data/pipelines").iterdir():
        shutil.copy(file, tmp_path)
    for file in (ROOT / pipelines).glob("genops-*.yaml"):
        shutil.copy(file, tmp_path)
    made, names = [], set()
    for document in (tmp_path / "destinations.yaml").read_text().split("\n---\n"):
        head, real = document.split("# For real, in place of type and path:\n")
        names |= set(re.findall(r"\$\{([A-Z_]+)\}", real))
        made.append(re.sub(r"^(type|path):.*\n", "", head, flags=re.M) + re.sub(r"^#   ", "", real, flags=re.M))
    (tmp_path / "destinations.yaml").write_text("\n---\n".join(made))
    env = {name: "https://x.example.com/y" if name.endswith("URL") else "us-east-1" if name == "AWS_REGION" else
           "f" * 32 if name.endswith("KEY") else "abc-def" for name in names}
    config = tmp_path / "genops.yaml"
    config.write_text("pipelines: genops-*.yaml\nlookups: lookups.yaml\ndestinations: destinations.yaml\n")
    result = subprocess.run([str(GENOPS), "--config", str(config), "--state", str(tmp_path / "state"), "validate", "--json"], text=True,
                            capture_output=True, env=environment(tmp_path, **env), timeout=60, check=False)
    checks = json.loads(result.stdout)["checks"]
    assert result.returncode == 0, result.stdout
    told = {check["name"].split()[1]: check for check in checks if check["name"].startswith("destination ")}
    assert {"prometheus_remote_write", "s3_cost_bucket", "elasticsearch_security", "s3_compliance_bucket", "webhook_alerts", "pagerduty_events",
            "s3_compliance_standard", "snowflake_audit_db"} <= set(told)
    assert {check["status"] for check in told.values()} == {"passed"} and not any(check["message"] == "file" for check in told.values())
