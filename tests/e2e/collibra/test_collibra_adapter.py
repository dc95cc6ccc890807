# SPDX-License-Identifier: Apache-2.0
"""The guide's adapter on the C API (genops/collibra_adapter.h), through a program that does what its standard input says."""
import json
import os
import subprocess
import time

import pytest

from collibra_stage import COST, EVALUATION, FakeCollibra
from gateway import BUILD, SOURCE, environment


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    out = tmp_path_factory.mktemp("load") / "collibra_calls"
    subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-O1", "-g", f"-I{SOURCE}/include", f"{SOURCE}/tests/load/collibra_calls.c",
                    "-o", str(out), f"-L{BUILD}/src", "-lgenops", f"-Wl,-rpath,{BUILD}/src"], check=True)
    return out


@pytest.fixture
def collibra():
    with FakeCollibra() as fake:
        yield fake


class Adapter:
    def __init__(self, program, folder, env=None, **options):
        arguments = [f"{key}={value}" for key, value in {"state_dir": folder / "state", "config_file": "", **options}.items() if value is not None]
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env=environment(folder, **(env or {})), cwd=folder)
        self.greeting = self.process.stdout.readline().strip()

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        return self.process.stdout.readline().strip()

    def track(self, name="op", cost=0.05, provider="openai", model="gpt-4", tokens=(150, 200), **attributes):
        return self.say("track", name, cost, provider, model, *tokens, *(f"{key}={value}" for key, value in attributes.items()))

    def metrics(self):
        return json.loads(self.say("metrics"))

    def close(self):
        out, _ = self.process.communicate("quit\n", timeout=30)
        return out.strip()


@pytest.fixture
def adapter(program, tmp_path, collibra):
    opened = []

    def open_one(env=None, **options):
        settings = {"collibra_url": collibra.url, "username": collibra.username, "password": collibra.password, "domain_id": collibra.domain_id}
        opened.append(Adapter(program, tmp_path, env, **{**settings, **options}))
        return opened[-1]
    yield open_one
    for one in opened:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_the_guides_example(adapter, collibra):
    """Proves COL-033 in part, COL-051 in part, COL-098 in part, COL-102 in part, COL-103, COL-104 in part,
    COL-106 in part, COL-108 in part, COL-109, COL-110, COL-111, COL-112, COL-113, COL-115, COL-116 in part, COL-119, COL-131"""
    one = adapter(team="ml-platform", project="demo", environment="production", daily_budget_limit=100)
    assert one.greeting == "open"
    zero = one.metrics()
    assert zero["operation_count"] == zero["assets_exported"] == zero["buffer_size"] == 0 and zero["average_export_time_ms"] == 0
    for number in range(9):
        assert one.track(f"op{number}", 0.55) == "ok"
    assert one.say("policy", "cost_limit", "allowed", "within") == "ok"
    assert one.track("last", 0.55, customer_id="acme", team="data-science", model_version="v2.1") == "ok"
    metrics = one.metrics()
    assert metrics["operation_count"] == 10 and metrics["total_cost"] == pytest.approx(5.5)
    assert metrics["daily_budget_limit"] == 100 and metrics["budget_remaining"] == pytest.approx(94.5) and metrics["buffer_size"] == 10
    exported = int(one.say("flush", 20))
    after = one.metrics()
    assert exported == after["assets_exported"] == after["assets_created"] == len([a for a in collibra.assets() if a["type"].startswith("AI ")])
    assert after["assets_failed"] == 0 and after["buffer_size"] == 0 and after["batches_sent"] == 1 and after["average_export_time_ms"] > 0
    assert one.say("flush", 20) == "0"
    costs = {asset["attributes"]["operation_name"][0]: asset["attributes"] for asset in collibra.assets(COST)}
    assert len(costs) == 10 and costs["op0"]["team"] == ["ml-platform"] and costs["op0"]["cost_amount"] == [0.55]
    assert costs["op0"]["input_tokens"] == [150] and costs["op0"]["output_tokens"] == [200] and costs["op0"]["ai_provider"] == ["openai"]
    last = costs["last"]
    assert last["team"] == ["data-science"] and last["customer_identifier"] == ["acme"] and last["model_name"] == ["gpt-4"]
    assert json.loads(last["custom_attributes"][0]) == {"model_version": "v2.1", "genops.cost.metadata.note": "x"}
    recorded = [asset["attributes"] for asset in collibra.assets(EVALUATION) if asset["attributes"]["policy_name"] == ["cost_limit"]]
    assert len(recorded) == 1 and recorded[0]["policy_result"] == ["allowed"] and recorded[0]["policy_reason"] == ["within"]
    assert one.close() == "closed"


def test_parameters_beat_environment(adapter, collibra):
    """Proves COL-032 in part, COL-072, COL-077 in part, COL-092 in part, COL-097"""
    env = {"COLLIBRA_URL": collibra.url, "COLLIBRA_USERNAME": collibra.username, "COLLIBRA_PASSWORD": collibra.password,
           "GENOPS_COLLIBRA_DOMAIN_ID": collibra.domain_id, "GENOPS_TEAM": "env-team", "GENOPS_PROJECT": "env-project"}
    one = adapter(env, collibra_url=None, username=None, password=None, domain_id=None, team="direct-team")
    one.track()
    one.say("flush", 20)
    attributes = collibra.assets(COST)[0]["attributes"]
    assert attributes["team"] == ["direct-team"] and attributes["project"] == ["env-project"] and attributes["environment"] == ["development"]


@pytest.mark.parametrize("what, words", [("url", "COLLIBRA_URL"), ("password", "401"), ("port", "127.0.0.1"), ("mode", "export_mode"), ("size", "batch_size")])
def test_what_opening_says(adapter, what, words):
    """Proves COL-016, COL-020, COL-034 in part, COL-036, COL-042, COL-081"""
    options = {"url": {"collibra_url": None, "username": None, "password": None}, "password": {"password": "wrong"},
               "port": {"collibra_url": "http://127.0.0.1:9", "max_retries": 0}, "mode": {"export_mode": "sometimes"}, "size": {"batch_size": 0}}[what]
    one = adapter(**options)
    assert one.greeting.startswith("error") and words in one.greeting
    one.process.wait(10)


def test_validation_can_be_left_out(adapter, collibra):
    """Proves COL-036, COL-088 in part"""
    one = adapter(auto_validate=0)
    assert one.greeting == "open" and not collibra.calls.count()


def test_a_budget_that_is_spent_refuses(adapter, collibra):
    """Proves COL-103, COL-110, COL-157 in part, COL-160"""
    one = adapter(daily_budget_limit=1.0)
    assert one.track(cost=0.6) == one.track(cost=0.6) == "ok"
    assert one.track(cost=0.6).startswith("refused BUDGET")
    assert one.metrics()["budget_remaining"] == pytest.approx(-0.2)


@pytest.mark.parametrize("result, told, is_urgent", [("BLOCKED", "blocked", True), ("throttle", "rate_limited", True), ("warn", "warning", False), ("maybe", "maybe", False)])
def test_recorded_policies_in_hybrid_mode(adapter, collibra, result, told, is_urgent):
    """Proves COL-010, COL-046, COL-106 in part"""
    one = adapter(export_mode="hybrid")
    one.say("policy", "mine", result, "because")
    one.track()
    if is_urgent:
        assert collibra.calls.wait(lambda calls: calls.count("POST /attributes/bulk") >= 1, 5)
    else:
        time.sleep(0.8)
        assert not collibra.assets(EVALUATION)
    one.say("flush", 20)
    asset = collibra.assets(EVALUATION)[0]["attributes"]
    assert asset["policy_name"] == ["mine"] and asset["policy_result"] == [told] and asset["policy_reason"] == ["because"]


def test_bad_costs_are_refused(adapter):
    """Proves COL-107 in part"""
    one = adapter(auto_validate=0)
    for cost in ("-1", "nan", "inf"):
        assert one.track(cost=cost).startswith("error -2")


def test_cost_tracking_off(adapter, collibra):
    """Proves COL-085"""
    one = adapter(enable_cost_tracking=0)
    one.say("policy", "mine", "allowed", "because")
    one.track()
    assert one.say("flush", 20) == "1"
    assert not collibra.assets(COST)


def test_closing_sends_what_waits(adapter, collibra):
    """Proves COL-052 in part, COL-053"""
    one = adapter()
    for _ in range(7):
        one.track()
    assert one.close() == "closed"
    assert len(collibra.assets(COST)) == 7


def test_closing_keeps_its_deadline(adapter, collibra):
    """Proves COL-052 in part, A-044"""
    one = adapter(max_retries=0)
    one.track()
    collibra.fault("delay", seconds=20, stored=False, times=None)
    before = time.monotonic()
    assert one.close() == "closed"
    assert 4 < time.monotonic() - before < 6.5
    collibra.faults.clear()


def test_several_adapters_share_one_export(adapter, collibra):
    """One process exports, whoever recorded; a flush in another one waits for it. Proves COL-163 in part"""
    first, second = adapter(), adapter()
    for one in (first, second, first):
        assert one.track() == "ok"
    assert second.say("flush", 20) == "3"
    first.process.kill()
    first.process.wait()
    second.track()
    assert second.say("flush", 20) == "1"
    assert len(collibra.assets(COST)) == 4
