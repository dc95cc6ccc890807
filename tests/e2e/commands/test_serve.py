# SPDX-License-Identifier: Apache-2.0
"""`genops serve`: what keeps it from starting, what it reloads while it runs, and how it ends.

Proves: issue "What bad input gets" (configuration errors, addresses that others can reach), "hot reload without a restart of the
workers", "Provider names resolve at run time, start works without DNS"; CORE-051.
"""
import os
import re
import signal
import socket

import pytest

import gateway as gateways
import recordings
from gateway import genops, until
from provider import Answer, Provider

FAULTS = {
    "unknown_key": ("governance:\n  polices: []\n", (2, 3), "policies"),
    "bad_value": ("governance:\n  policies:\n    - {name: a, type: cost_limit, max_cost: lots}\n", (3, 45), "max_cost"),
    "bad_type": ("governance:\n  policies:\n    - {name: a, type: cost_limits}\n", (3, 23), "cost_limit"),
    "dangling": ("service:\n  pipelines:\n    traces: {receivers: [genops], exporters: [otlp]}\n", (3, 47), "otlp"),
    "syntax": ("governance: [\n", (2, 1), "bracket"),
    "open_to_others": ("gateway:\n  listen: 0.0.0.0:0\n", (2, 11), "governance.keys"),
    "open_to_others_h2c": ("gateway:\n  listen_h2c: '[::]:0'\n", (2, 15), "governance.keys"),
    "no_variable": ("governance:\n  keys: [{name: a, key: '${GENOPS_NOT_SET}'}]\n", (2, None), "GENOPS_NOT_SET"),
}


@pytest.mark.parametrize("command", ["serve", "validate", "cost"])
@pytest.mark.parametrize("kind", FAULTS)
def test_wrong_configuration(tmp_path, kind, command):
    text, (line, column), hint = FAULTS[kind]
    config = tmp_path / "genops.yaml"
    config.write_text(text)
    done = genops(command, config=config, state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 2
    said = done.stderr if command != "validate" else done.stdout + done.stderr
    assert f"{config}:{line}:" in said
    if column:
        assert re.search(re.escape(f"{config}:{line}:{column}") + "[:)]", said), said
    assert hint in said
    if command != "validate":
        assert len(done.stderr.strip().splitlines()) == 1


def test_listening_to_others_with_keys(start, provider):
    running = start(gateways.config_text({"openai": provider.url}, """
governance:
  keys: [{name: a, key: vk-0123456789abcdef0123456789}]
""").replace("listen: 127.0.0.1:0", "listen: 0.0.0.0:0"))
    assert running.chat().status == 401
    assert running.chat(headers={"authorization": "Bearer vk-0123456789abcdef0123456789"}).status == 200


def test_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = tmp_path / "genops.yaml"
        config.write_text(f"gateway: {{listen: 127.0.0.1:{taken.getsockname()[1]}, listen_h2c: off}}\n")
        done = genops("serve", config=config, state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr and "gateway.listen" in done.stderr


def test_state_directory_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    config = tmp_path / "genops.yaml"
    config.write_text("gateway: {listen: 127.0.0.1:0, listen_h2c: off}\n")
    done = genops("serve", config=config, state=tmp_path / "file" / "state", home=tmp_path)
    assert done.returncode == 2
    assert str(tmp_path / "file" / "state") in done.stderr and "--state" in done.stderr


def test_starts_without_dns(start):
    running = start(gateways.config_text({"openai": "https://no-such-name.invalid"}))
    reply = running.chat()
    assert reply.status == 502
    assert running.call("GET", "/ready").status == 200


def test_health_ready_metrics(gateway):
    running = gateway()
    running.chat(headers={"x-genops-feature": "m"})
    running.operation(feature="m")
    assert running.call("GET", "/health").json() == {"status": "ok"}
    assert running.call("GET", "/ready").json() == {"status": "ready"}

    def shown():
        text = running.call("GET", "/metrics").body.decode()
        return text if "gpt-4o-mini" in text else None
    text = until(shown, what="the call in /metrics")
    assert "genops_" in text and text.startswith("# ")


POLICY = """
governance:
  policies:
    - {name: filter, type: content_filter, enforcement_level: block, blocked_patterns: [%s]}
"""


def workers(process):
    """Process ids of nginx's workers: the children of genops's child."""
    def children(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    return sorted(worker for master in children(process.pid) for worker in children(master))


def test_policies_reload_without_a_restart(start, provider):
    providers = {"openai": provider.url}
    running = start(gateways.config_text(providers, POLICY % "apple"))
    before = workers(running.process)
    assert len(before) == 2
    assert (running.chat("an apple").status, running.chat("a pear").status) == (403, 200)
    running.config.write_text(gateways.config_text(providers, POLICY % "pear"))
    # Every worker has it: ask often enough that each was asked.
    until(lambda: all(running.chat("a pear").status == 403 for _ in range(8)), 10, "the new policy")
    assert running.chat("an apple").status == 200
    assert workers(running.process) == before

    running.config.write_text(gateways.config_text(providers, POLICY % "plum").replace("content_filter", "content_filterr"))
    until(lambda: any("content_filterr" in line for line in running.log), 10, "a word about the fault")
    assert any(f"{running.config}:" in line for line in running.log if "content_filterr" in line)
    assert (running.chat("a pear").status, running.chat("a plum").status) == (403, 200), "the old policies stay"
    assert running.process.poll() is None

    running.config.write_text(gateways.config_text(providers, POLICY % "plum"))
    until(lambda: all(running.chat("a plum").status == 403 for _ in range(8)), 10, "the mended policy")


def test_providers_reload_without_dropping_a_request(start, provider):
    other = Provider()
    other.play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))
    running = start(gateways.config_text({"openai": provider.url}))
    assert running.chat().status == 200
    running.config.write_text(gateways.config_text({"openai": other.url}))
    until(lambda: running.chat().status == 200 and other.received, 15, "a call at the new address")
    other.close()


def test_prices_reload(start, provider, tmp_path):
    prices = tmp_path / "prices.csv"
    header = "provider,model,input_cost_per_1k,output_cost_per_1k\n"
    text = f"governance:\n  pricing: {{files: ['{prices}'], reload_interval: 1s}}\n"
    prices.write_text(header + "openai,gpt-4o-mini,1,2\n")
    running = start(gateways.config_text({"openai": provider.url}, text))
    running.chat(headers={"x-genops-feature": "before"})
    assert running.operation(feature="before")["cost_nano_usd"] == 23 * 10**6 + 7 * 2 * 10**6
    prices.write_text(header + "openai,gpt-4o-mini,10,20\n")
    seen = iter(range(1000))

    def is_new():
        feature = f"after-{next(seen)}"
        running.chat(headers={"x-genops-feature": feature})
        return running.operation(feature=feature)["cost_nano_usd"] == 23 * 10**7 + 7 * 2 * 10**7
    until(is_new, 15, "the new price")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_in_order(start, provider, number):
    running = start(gateways.config_text({"openai": provider.url}))
    assert running.chat().status == 200
    nginx = workers(running.process)
    assert running.stop(number) == 0
    assert not [pid for pid in nginx if os.path.exists(f"/proc/{pid}")]
    total = genops("cost", "--json", state=running.state, config=running.config, home=running.folder)
    assert '"operations":1' in total.stdout


def test_commands_work_beside_a_serving_gateway(gateway):
    running = gateway("governance:\n  budgets: [{name: b, daily_budget: 1}]\n")
    running.chat(headers={"x-genops-feature": "beside"})
    running.operation(feature="beside")
    assert running.cost()["total"]["operations"] == 1
    assert running.budget("b")["consumed_nano_usd"] > 0
    assert running.command("status", "--json")["processes"] >= 3
    assert running.command("validate", "--json")["valid"]


def in_place_of_a_file(path, kind):
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "garbage":
        path.write_bytes(os.urandom(1 << 20))
    elif kind == "empty":
        path.write_text("")


@pytest.mark.parametrize("kind", ["gone", "empty", "garbage", "folder", "pipe", "endless"])
def test_whatever_becomes_of_the_file_what_governed_governs(start, provider, kind):
    """A configuration that can't be read neither opens the gate nor makes the gateway hang; a good one then counts at once."""
    blocking = gateways.config_text({"openai": provider.url}, """
governance:
  policies: [{name: what, type: model_governance, enforcement_level: block, blocked_models: gpt-4o-mini}]
""")
    running = start(blocking)
    # A worker that comes up with a file that can't be read has nothing to govern by: serve, two workers, and the command itself.
    until(lambda: running.command("status", "--json")["processes"] == 4, what="both workers have the good file")
    assert running.chat().status == 403
    said = len(running.log)
    in_place_of_a_file(running.config, kind)
    until(lambda: any(str(running.config) in line for line in running.log[said:]), 20, "serve says what is wrong")
    for _ in range(5):
        assert running.chat().status == 403
        assert running.call("GET", "/health").status == 200
    if kind != "gone":
        running.config.rmdir() if kind == "folder" else running.config.unlink()
    running.config.write_text(blocking.replace("blocked_models: gpt-4o-mini", "blocked_models: gpt-3.5"))
    until(lambda: running.chat().status == 200, seconds=30, what="the good file counts")
