# SPDX-License-Identifier: Apache-2.0
"""AI calls that others made, known from their spans: counted once by a real `genops serve`, whoever tells of them, in whatever order.

Proves: CRB-033, CRB-035, OTL-010, OTL-047, OTL-048; issue "Telemetry in": spans priced without a change of the program, no call twice.
The programs are traced/call.mjs (@traceloop/node-server-sdk, and @anthropic-ai/sdk, which traces itself), traced/call.py (OpenLLMetry's
instrumentations for Python by themselves) and traced/call_traceloop.py (traceloop-sdk, with a workflow and tasks); what they call is a recording
played on loopback.
"""
import json
import os
import re
import shutil
import signal
import sys

import pytest

import gateway as gateways
import otlp_samples
import recordings
from gateway import until
from provider import Answer, Provider
from receivers import JSON, post

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TRACED = os.path.join(HERE, "traced")
SONNET, HAIKU, OPENAI = 3_390_900, 119_250, 846_750 + 4_950 + 4_600  # nano-USD: tests/unit/engine/observe/test_observe.c has the sums

RECEIVERS = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
WINDOW = "telemetry: {dedup_window: 2s}\n"
BUDGET = "governance: {budgets: [{name: all, daily_budget: 100.0}]}\n"


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(text=BUDGET, providers=None):
        served = gateways.config_text(providers or {}, RECEIVERS + WINDOW + text)
        started.append(Observing(tmp_path, served))
        return started[-1]
    yield serve
    for one in started:
        one.stop()


class Observing(gateways.Gateway):
    def __init__(self, folder, config):
        super().__init__(folder, config)
        until(lambda: any("OTLP over HTTP" in line for line in self.log), what="the receiver's address")
        line = next(line for line in self.log if "OTLP over HTTP" in line)
        self.http = int(line.split("127.0.0.1:")[1].split("/")[0].split()[0])

    def metrics_of(self, name):
        text = self.call("GET", "/metrics").body.decode()
        return {labels: float(value) for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M)}

    def total(self):
        total = self.cost()["total"]
        return total["operations"], total["cost_nano_usd"]

    def settles_at(self, operations, cost):
        until(lambda: self.total() == (operations, cost), what=f"{operations} operations of {cost}, not {self.total()}")
        window = self.budget("all")
        assert (window["consumed_nano_usd"], window["reserved_nano_usd"]) == (cost, 0)


def send(served, name):
    sample = otlp_samples.capture(name)
    assert post(served.http, body=sample.sent, headers=sample.headers).status == 200


def test_captured_requests(serve):
    """Eleven spans, seven of them calls, five real ones; and four of an SDK alone, of which one failed. Sent again, they are known."""
    served = serve()
    for _ in range(3):
        send(served, "openllmetry-js-0.27.0-proto-traces")
    served.settles_at(5, SONNET + HAIKU + OPENAI)
    send(served, "anthropic-native-otel-js-proto-traces")
    send(served, "anthropic-native-otel-js-gzip-traces")
    until(lambda: served.total()[0] >= 8, what="the SDK's own")
    send(served, "openllmetry-js-0.27.0-proto-traces")
    rows = {row["key"][0] if isinstance(row["key"], list) else row["key"]: row for row in served.cost("--by", "team")["groups"]}
    assert "ml" in json.dumps(list(rows)) and "ml-platform" in json.dumps(list(rows))


def test_a_span_with_its_cost(serve):
    """The Cribl guide's test span: no ids, no times, a cost."""
    served = serve()
    span = {"name": "test", "attributes": [{"key": "genops.cost.total", "value": {"doubleValue": 0.05}},
                                           {"key": "genops.team", "value": {"stringValue": "support"}}]}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    assert post(served.http, body=body, headers=JSON).status == 200
    served.settles_at(1, 50_000_000)
    assert served.operation(team="support")["cost_nano_usd"] == 50_000_000


def test_killed_while_it_settles(serve, tmp_path):
    """SIGKILL of serve (and with it nginx) again and again, while batches come and are repeated: each call once, the books agree."""
    served = serve()
    for i in range(6):
        send(served, "openllmetry-js-0.27.0-proto-traces")
        until(lambda: i % 2 == 0 or served.total()[0] > 0, seconds=5, what="a settlement")
        served.stop(signal.SIGKILL)
        served = serve()
    send(served, "openllmetry-js-0.27.0-proto-traces")
    served.settles_at(5, SONNET + HAIKU + OPENAI)
    done = gateways.genops("audit", "verify", state=served.state, config=served.config, home=served.folder)
    assert done.returncode == 0, done.stderr


def test_the_budget_refuses_what_comes_next(serve):
    """What others spent is spent: the gateway and `decide` refuse the next call, with nothing but the budget that observed calls settle against."""
    provider = Provider()
    served = serve("governance: {budgets: [{name: all, daily_budget: 0.04}]}\n", {"openai": provider.url})
    provider.play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))
    assert served.chat().status == 200
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "x", "attributes": [{"key": "genops.cost.total", "value": {"doubleValue": 0.05}}]}
    assert post(served.http, body=json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(), headers=JSON).status == 200
    until(lambda: served.budget("all")["consumed_nano_usd"] > 50_000_000, what="the span's cost in the budget")
    refused = served.chat()
    assert refused.status == 429
    assert refused.header("x-genops-reason-code") == "BUDGET_EXCEEDED"
    decided = served.call("POST", "/api/v1/decide", {"provider": "openai", "model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 10})
    assert (decided.json()["decision"], decided.json()["reason_code"]) == ("blocked", "BUDGET_EXCEEDED")
    provider.close()


# --- real programs ---

def program(language):
    if language == "node":
        if not shutil.which("node") or not os.path.isdir(os.path.join(TRACED, "node_modules", "@traceloop")):
            pytest.skip("@traceloop/node-server-sdk is not in tests/e2e/traced/node_modules: npm ci --prefix tests/e2e/traced")
        return [shutil.which("node"), os.path.join(TRACED, "call.mjs")]
    imports, program = {"python": ("opentelemetry.instrumentation.openai, opentelemetry.instrumentation.anthropic", "call.py"),
                        "traceloop": ("traceloop.sdk", "call_traceloop.py")}[language]
    probe = gateways.subprocess.run([sys.executable, "-c", f"import {imports}"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"{imports} cannot be imported: pip could not install it")
    return [sys.executable, os.path.join(TRACED, program)]


ANSWERS = {"openai": "openai/chat-gpt-4o-mini", "anthropic": "anthropic/messages"}


def run(served, language, sdk, urls):
    env = gateways.environment(
        served.folder, OPENAI_API_KEY="k", ANTHROPIC_API_KEY="k", OPENAI_BASE_URL=urls[0], ANTHROPIC_BASE_URL=urls[1],
        TRACELOOP_BASE_URL=f"http://127.0.0.1:{served.http}", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{served.http}",
        OTEL_RESOURCE_ATTRIBUTES="genops.team=research,genops.project=bot", TRACELOOP_TELEMETRY="false", NO_PROXY="127.0.0.1")
    done = gateways.subprocess.run([*program(language), sdk], env=env, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
@pytest.mark.parametrize("language", ["node", "python", "traceloop"])
@pytest.mark.parametrize("way", ["directly", "through the gateway"])
def test_programs(serve, way, language, sdk):
    """One call is one operation with the provider's count, whether the gateway saw it too or not."""
    program(language)
    provider = Provider()
    recording = recordings.find(ANSWERS[sdk])
    provider.play(Answer.of(recording))
    served = serve(providers={"openai": provider.url, "anthropic": provider.url})
    if way == "directly":
        urls = f"{provider.url}/v1", provider.url
    else:
        urls = f"{served.url}/openai/v1", f"{served.url}/anthropic"
    run(served, language, sdk, urls)
    assert len(provider.received) == 1
    operation = served.operation()
    spans = served.metrics_of("genops_self_observed_spans_total")
    until(lambda: sum(served.metrics_of("genops_self_observed_spans_total").values()) > 0, what="the spans' end")
    assert len(served.operations(1)) == 1, spans
    assert operation["input_tokens"] == recording.count("input_tokens")
    assert operation["output_tokens"] == recording.count("output_tokens")
    assert operation["cost_nano_usd"] > 0
    if way == "directly":
        assert (operation["team"], operation["project"]) == ("research", "bot")
    served.settles_at(1, operation["cost_nano_usd"])
    provider.close()
