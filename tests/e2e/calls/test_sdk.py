# SPDX-License-Identifier: Apache-2.0
"""Official SDKs as they are on PyPI and npm, in programs that know nothing of GenOps: sdk/call.py and sdk/call.mjs.

Proves: CORE-006, CORE-026, CORE-034; issue "Official SDKs, unmodified, from npm and PyPI: normal, streamed, blocked by policy, out of
budget: the SDK's own exception, one attempt, no hang"; `genops run` sets the variables, passes the exit code, ends with a summary.
"""
import json
import os
import shutil
import sys
import time

import pytest

import gateway as gateways
import recordings
from provider import Answer, Provider

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
KEY = "vk-sdk-0123456789abcdef0123456789"

TEXT = f"""
governance:
  attributes: {{team: apps}}
  keys: [{{name: app, key: {KEY}}}]
  policies:
    - {{name: secrets, type: content_filter, enforcement_level: block, blocked_patterns: [confidential]}}
    - {{name: what, type: model_governance, enforcement_level: block, blocked_models: [gpt-4-turbo, claude-3-opus]}}
    - {{name: pace, type: rate_limit, enforcement_level: rate_limit, match: {{team: hurry}}, max_requests_per_minute: 60, burst: 1, max_delay: 0s}}
  budgets:
    - {{name: empty, match: {{team: poor}}, total_budget: 0.000000001}}
"""

# language, SDK, model, the gateway's provider, recordings of a whole and a streamed answer, the exceptions for 403 and 429
SDKS = [
    ("python", "openai", "gpt-4o-mini", "openai", "PermissionDeniedError", "RateLimitError"),
    ("python", "azure", "gpt-4o-mini", "azure", "PermissionDeniedError", "RateLimitError"),
    ("python", "anthropic", "claude-3-haiku-20240307", "anthropic", "PermissionDeniedError", "RateLimitError"),
    ("python", "groq", "llama3-8b-8192", "groq", "PermissionDeniedError", "RateLimitError"),
    ("python", "together", "mistralai/Mixtral-8x7B-Instruct-v0.1", "together", "PermissionDeniedError", "RateLimitError"),
    ("node", "openai", "gpt-4o-mini", "openai", "PermissionDeniedError", "RateLimitError"),
    ("node", "anthropic", "claude-3-haiku-20240307", "anthropic", "PermissionDeniedError", "RateLimitError"),
    ("node", "groq", "llama3-8b-8192", "groq", "PermissionDeniedError", "RateLimitError"),
    ("node", "together", "mistralai/Mixtral-8x7B-Instruct-v0.1", "together", "PermissionDeniedError", "RateLimitError"),
]
ANSWERS = {"openai": ("openai/chat-gpt-4o-mini", "openai/chat_stream_usage"), "azure": ("azure_openai/chat-", "azure_openai/chat_stream"),
           "anthropic": ("anthropic/messages", "anthropic/stream-claude-3-haiku"), "groq": ("groq/chat", "groq/stream"),
           "together": ("together/chat", "openai/chat_stream_usage")}
KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "groq": "GROQ_API_KEY",
                 "together": "TOGETHER_API_KEY"}
URL_VARIABLES = {"openai": ("OPENAI_BASE_URL", "/openai/v1"), "azure": ("AZURE_OPENAI_ENDPOINT", "/azure"),
                 "anthropic": ("ANTHROPIC_BASE_URL", "/anthropic"), "groq": ("GROQ_BASE_URL", "/groq"),
                 "together": ("TOGETHER_BASE_URL", "/together/v1")}


def program(language, sdk):
    if language == "python":
        return [sys.executable, os.path.join(HERE, "sdk", "call.py"), sdk]
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    package = {"anthropic": "@anthropic-ai/sdk", "groq": "groq-sdk", "together": "together-ai"}.get(sdk, "openai")
    if not os.path.isdir(os.path.join(HERE, "node_modules", package)):
        pytest.skip(f"{package} is not in tests/e2e/node_modules: npm could not install it")
    return [shutil.which("node"), os.path.join(HERE, "sdk", "call.mjs"), sdk]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    provider = Provider()
    gateway = gateways.Gateway(tmp_path_factory.mktemp("sdk"),
                               gateways.config_text({name: provider.url for name in gateways.PROVIDERS}, TEXT))
    yield gateway, provider
    gateway.stop()
    provider.close()


def text_of(recording):
    """The text that an SDK should make of this recording."""
    if not recording.is_stream:
        body = json.loads(recording.body)
        return body["content"][0]["text"] if "content" in body else body["choices"][0]["message"]["content"]
    events = [json.loads(line[6:]) for line in recording.body.decode().splitlines() if line.startswith("data: {")]
    return "".join(event.get("delta", {}).get("text", "") if "choices" not in event else
                   "".join(choice["delta"].get("content") or "" for choice in event["choices"]) for event in events)


def call(house, language, sdk, provider_name, model, prompt, team="apps", mode=""):
    """Runs the program. -> what it printed, seconds, attempts that the gateway decided on."""
    gateway, provider = house
    variable, path = URL_VARIABLES[sdk]
    feature = f"{language}-{sdk}-{team}-{len(gateway.log)}-{time.monotonic_ns()}"
    env = gateways.environment(gateway.folder, **{
        KEY_VARIABLES[sdk]: KEY, variable: f"{gateway.url}/t/{team}/p/{feature}{path}", "NO_PROXY": "127.0.0.1"})
    began = time.monotonic()
    done = gateways.subprocess.run([*program(language, sdk), model, prompt, mode], env=env, capture_output=True, text=True, timeout=60)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), seconds, gateway.operations(1, project=feature)


@pytest.mark.parametrize("mode", ["", "stream"], ids=["whole", "stream"])
@pytest.mark.parametrize("language, sdk, model, name, denied, limited", SDKS, ids=[f"{row[0]}-{row[1]}" for row in SDKS])
def test_normal(house, language, sdk, model, name, denied, limited, mode):
    recording = recordings.find(ANSWERS[name][bool(mode)])
    house[1].play(Answer.of(recording, piece=64 if mode else 0))
    answer, _, operations = call(house, language, sdk, name, model, "Hello", mode=mode)
    assert answer == {"text": text_of(recording)}
    assert len(operations) == len(house[1].received) == 1
    assert operations[0]["outcome"] == "ok"
    assert operations[0]["cost_nano_usd"] > 0
    assert KEY not in str(house[1].received[0].headers)


@pytest.mark.parametrize("mode", ["", "stream"], ids=["whole", "stream"])
@pytest.mark.parametrize("language, sdk, model, name, denied, limited", SDKS, ids=[f"{row[0]}-{row[1]}" for row in SDKS])
def test_blocked_by_policy(house, language, sdk, model, name, denied, limited, mode):
    house[1].play(Answer(500))
    answer, seconds, operations = call(house, language, sdk, name, model, "this is confidential", mode=mode)
    assert (answer["error"], answer["status"]) == (denied, 403)
    assert "secrets" in answer["message"]
    assert len(operations) == 1, "one attempt"
    assert house[1].received == []
    assert seconds < 20


@pytest.mark.parametrize("mode", ["", "stream"], ids=["whole", "stream"])
@pytest.mark.parametrize("language, sdk, model, name, denied, limited", SDKS, ids=[f"{row[0]}-{row[1]}" for row in SDKS])
def test_out_of_budget(house, language, sdk, model, name, denied, limited, mode):
    house[1].play(Answer(500))
    answer, seconds, operations = call(house, language, sdk, name, model, "Hello", team="poor", mode=mode)
    assert (answer["error"], answer["status"]) == (limited, 429)
    assert "empty" in answer["message"]
    assert len(operations) == 1, "one attempt: the SDK takes it as final"
    assert house[1].received == []
    assert seconds < 20


@pytest.mark.parametrize("language, sdk, model, name, denied, limited", SDKS, ids=[f"{row[0]}-{row[1]}" for row in SDKS])
def test_rate_limited_then_served(house, language, sdk, model, name, denied, limited):
    """A rate limit is worth a retry: the SDK waits as long as it is told, and then gets its answer."""
    gateway, provider = house
    recording = recordings.find(ANSWERS[name][0])
    provider.play(Answer.of(recording))
    path = {"anthropic": "/v1/messages", "azure": f"/openai/deployments/{model}/chat/completions?api-version=2024-10-21",
            "groq": "/openai/v1/chat/completions"}.get(name, "/v1/chat/completions")
    body = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    gateway.call("POST", f"/{name}{path}", body, {"x-genops-team": "hurry", "authorization": "Bearer x"})  # empties the bucket
    answer, seconds, operations = call(house, language, sdk, name, model, "Hello", team="hurry")
    assert answer == {"text": text_of(recording)}
    assert 1 <= len(operations) <= 3
    assert operations[0]["outcome"] == "ok"
    assert seconds < 20


@pytest.mark.parametrize("language", ["python", "node"])
@pytest.mark.parametrize("sdk, name, model", [("openai", "openai", "gpt-4o-mini"), ("anthropic", "anthropic", "claude-3-haiku-20240307")])
def test_genops_run_governs_a_program_as_it_is(tmp_path, provider, sdk, name, model, language):
    config = tmp_path / "genops.yaml"
    config.write_text(gateways.config_text({name: provider.url}, TEXT))
    env = {KEY_VARIABLES[sdk]: "sk-own"}

    def run(prompt, *options):
        done = gateways.genops("run", *options, "--", *program(language, sdk), model, prompt, state=tmp_path / "state", config=config,
                               home=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr
    provider.play(Answer.of(recordings.find(ANSWERS[name][0])))
    answer, told = run("Hello", "--team", "search")
    assert answer == {"text": text_of(recordings.find(ANSWERS[name][0]))}
    assert "1 calls, 0 refused, $0.0" in told
    answer, told = run("something confidential", "--json")
    assert answer["error"] == "PermissionDeniedError" and "secrets" in answer["message"]
    summary = json.loads(told.splitlines()[-1])
    assert (summary["operations"], summary["refused"], summary["cost_nano_usd"]) == (1, 1, 0)
    answer, _ = run("Hello", "--team", "poor")
    assert answer["error"] == "RateLimitError"
    assert len(provider.received) == 1
    groups = json.loads(gateways.genops("cost", "--json", "--by", "team", state=tmp_path / "state", config=config).stdout)["groups"]
    assert len(groups) == 3
