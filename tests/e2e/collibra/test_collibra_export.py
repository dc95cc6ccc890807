# SPDX-License-Identifier: Apache-2.0
"""Operations through the gateway become assets in (a fake) Collibra, once each, whatever goes wrong on the way."""
import json
import time

import pytest

import gateway as gateways
from collibra_stage import ATTRIBUTES, BUDGET, COST, EVALUATION, FakeCollibra, Stage
from fake_collibra.auth import ALL_PERMISSIONS
from gateway import until
from provider import Answer


@pytest.fixture
def collibra():
    with FakeCollibra() as fake:
        yield fake


@pytest.fixture
def stage(tmp_path_factory, provider, collibra):
    """stage(governance, batch_size=..., ...) -> a running Stage."""
    made = []

    def make(*governance, **settings):
        made.append(Stage(tmp_path_factory.mktemp("gateway"), provider, collibra, *governance, **settings))
        made[-1].start()
        return made[-1]
    yield make
    for one in made:
        one.stop()


# --- what goes right ---

def test_a_batch_is_sent_when_it_is_full(stage, collibra):
    """Proves COL-001, COL-009, COL-010, COL-038, COL-040, COL-123, COL-124, COL-126, COL-128, COL-129, COL-130"""
    running = stage(batch_size=3)
    running.call(2)
    time.sleep(1)
    assert not collibra.assets(COST)
    running.call(1)
    running.check(3)
    assert collibra.calls.by_operation()["POST /import/json-job"] == 1


def test_a_batch_is_sent_when_its_time_has_come(stage, collibra):
    """Proves COL-040, COL-082"""
    running = stage(batch_interval_seconds=1)
    running.call(2)
    running.check(2, seconds=5)


def test_a_thousand_operations_take_a_hundredth_of_the_calls(stage, collibra):
    """Proves COL-043, COL-073: against one call for each asset and each attribute; names, ids and attributes are exactly right."""
    running = stage(batch_size=100, rate_limit_per_second=10)
    running.call(1000)
    assets = running.check(1000, seconds=60)
    naive = sum(1 + len(asset["attributes"]) for asset in assets)
    calls = collibra.calls.count()
    print(f"\n1000 operations: {len(assets)} assets, {naive} calls one by one, {calls} made: {collibra.calls.by_operation()}")
    assert naive >= 100 * calls
    assert collibra.calls.most_in_a_second() <= 10
    assert collibra.calls.most_at_once == 1


def test_realtime_is_there_within_a_second(stage, collibra):
    """Proves COL-041, COL-045 in part: two calls an operation, however many assets it makes."""
    running = stage(export_mode="realtime")
    running.call(1)
    running.check(1)  # its attributes too: their call is none of the next operation's
    collibra.calls.clear()
    before = time.monotonic()
    running.call(1)
    until(lambda: len(collibra.assets(COST)) == 2 and all(asset["attributes"] for asset in collibra.assets(EVALUATION)), 5)
    assert time.monotonic() - before < 1
    running.check(2)
    assert collibra.calls.by_operation() == {"POST /assets/bulk": 1, "POST /attributes/bulk": 1}


def described(collibra, kind, seconds=3):
    """The assets of a kind, once they are there with their attributes."""
    return until(lambda: (found := collibra.assets(kind)) and all(one["attributes"] for one in found) and found, seconds, f"assets of {kind}")


HYBRID = """
governance:
  attributes: {team: ml, project: bot, environment: production}
  policies:
    - {name: words, type: content_filter, enforcement_level: block, blocked_patterns: secret}
    - {name: pace, type: rate_limit, enforcement_level: rate_limit, max_requests_per_minute: 1, burst: 1, max_delay: 1ms, match: {team: fast}}
  budgets:
    - {name: small, match: {team: poor}, enforcement_level: block, daily_budget: 0.0001}
"""


@pytest.mark.parametrize("what", ["blocked", "rate_limited", "dear", "budget"])
def test_hybrid_sends_what_is_urgent_at_once(stage, collibra, provider, what):
    """Proves COL-002, COL-011, COL-046, COL-047"""
    running = stage(HYBRID, export_mode="hybrid", batch_size=1000, batch_interval_seconds=600)
    running.call(3)
    if what == "blocked":
        assert running.call(1, text="a secret") == [403]
        found = described(collibra, EVALUATION)
        results = {one["attributes"]["policy_name"][0]: one["attributes"]["policy_result"][0] for one in found}
        assert results["words"] == "blocked"
        assert not collibra.assets(COST)
    elif what == "rate_limited":
        assert 429 in running.call(4, headers={"x-genops-team": "fast"})
        found = described(collibra, EVALUATION)
        assert any(one["attributes"]["policy_result"] == ["rate_limited"] for one in found)
    elif what == "dear":
        answer = {"id": "x", "object": "chat.completion", "model": "gpt-4o",
                  "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}],
                  "usage": {"prompt_tokens": 5_000_000, "completion_tokens": 10, "total_tokens": 5_000_010}}
        provider.play(Answer(200, {"content-type": "application/json"}, json.dumps(answer).encode()))
        running.call(1, model="gpt-4o")
        assert described(collibra, COST)[0]["attributes"]["cost_amount"][0] > 10
    else:
        statuses = running.call(6, threads=1, headers={"x-genops-team": "poor"})
        assert 429 in statuses or 402 in statuses
        budget = described(collibra, BUDGET)[0]["attributes"]
        assert budget["budget_name"] == ["small"] and budget["budget_limit"] == [0.0001] and budget["team"] == ["poor"]
        assert budget["budget_spent"][0] + budget["budget_remaining"][0] == pytest.approx(0.0001) and budget["budget_period"] == ["daily"]


# --- what goes wrong ---

STORMS = {
    "429": [("status", "*", "*", {"status": 429, "retry_after": "1", "times": 3})],
    "429 for long": [("status", "*", "*", {"status": 429, "times": 6})],
    "5xx": [("status", "*", "*", {"status": 503, "body": "empty", "times": 5}), ("status", "*", "/import/*", {"status": 502, "body": "html", "stored": True, "times": 2})],
    "lost answers": [("reset", "POST", "/import/*", {"stored": True, "times": 3}), ("reset", "GET", "/jobs/*", {"times": 2})],
    "late answers": [("delay", "POST", "/import/*", {"seconds": 4, "stored": True, "times": 2}), ("delay", "GET", "/jobs/*", {"seconds": 4, "times": 1})],
    "cut answers": [("truncate", "POST", "/import/*", {"times": 2}), ("html", "GET", "/jobs/*", {"times": 1}), ("wrong_length", "GET", "/jobs/*", {"times": 1})],
}


@pytest.mark.parametrize("storm", STORMS)
def test_each_asset_once_through_a_storm(stage, collibra, storm):
    """Proves COL-172, COL-160"""
    running = stage(batch_size=20, batch_interval_seconds=1)
    for kind, method, path, options in STORMS[storm]:
        collibra.fault(kind, method=method, path=path, **options)
    running.call(50)
    running.check(50, seconds=100)


def test_a_job_that_fails_is_done_again(stage, collibra):
    running = stage(batch_size=20, batch_interval_seconds=1)
    for end in ("ERROR", "CANCELED", "ERROR"):
        collibra.next_job(end=end)
    collibra.next_job(polls=("404", "500", "WAITING", "RUNNING"), seconds=2)
    running.call(20)
    running.check(20, seconds=60)


@pytest.mark.parametrize("status", [401, 403])
def test_a_job_that_may_not_be_asked_for(stage, collibra, status):
    """A token that expires, or a right that goes, while a job runs: it is said, and the same assets are brought when it is mended."""
    collibra.fault("status", "GET", "/jobs/*", status=status, times=None)
    running = stage(export_mode="batch", batch_size=5)
    running.call(5)
    told = until(lambda: (found := running.gateway.command("collibra", "status", "--json")["export"])["state"] == "held" and found, 20)
    assert f"({status})" in told["reason"] and told["operations_exported"] == 0
    collibra.faults.clear()
    running.gateway.command("collibra", "flush", "--json")
    running.check(5)


@pytest.mark.parametrize("limit", ["ours", "Collibra's"])
def test_a_file_that_is_too_large_is_divided(stage, collibra, limit):
    """A client may send long attributes, and an instance may take small files only: neither stops the export."""
    n, length = (250, 3500) if limit == "ours" else (40, 1500)
    if limit != "ours":
        collibra.switches.body_maximum = 500_000
    policies = "  policies:\n" + "".join(f"    - {{name: cap{i}, type: cost_limit, max_cost: 5}}\n" for i in range(9))
    running = stage("governance:\n" + ATTRIBUTES + policies, batch_size=5000, batch_interval_seconds=3000, timeout=20)
    running.call(n, headers={"x-genops-feature": "f" * length, "x-genops-customer-id": "c" * length})
    assert running.gateway.command("collibra", "flush", "--json")["exported"] == 10 * n
    names = {asset["name"] for asset in collibra.assets(COST) + collibra.assets(EVALUATION)}
    assert len(names) == len(collibra.assets(COST) + collibra.assets(EVALUATION)) == 10 * n
    assert all(len(asset["attributes"]["feature"]) == 1 for asset in collibra.assets(EVALUATION))
    assert running.gateway.command("collibra", "status", "--json")["export"]["assets_failed"] == 0


def test_commands_that_fail_alone(stage, collibra):
    """RUNTIME is tried again, VALIDATION goes to the dead letters with its reason; the others are not disturbed. Proves COL-114, COL-118"""
    running = stage(batch_size=20, batch_interval_seconds=1)
    collibra.spoil(name="genops:cost:*", kind="RUNTIME", times=3)
    collibra.spoil(name="genops:evaluation:*", kind="VALIDATION", times=2, message="No such evaluation.")
    running.call(20)
    running.arrived(20, COST)
    until(lambda: len(collibra.assets(EVALUATION)) == 18 and len(collibra.assets(COST)) == 20, 30)
    letters = until(lambda: (running.gateway.state / "dead-letter.jsonl").exists() and (running.gateway.state / "dead-letter.jsonl").read_text(), 20)
    rows = [json.loads(line) for line in letters.splitlines()]
    assert len(rows) == 2 and all(row["destination"] == "collibra" and "No such evaluation" in row["reason"] for row in rows)
    assert not {row["asset"] for row in rows} & {asset["name"] for asset in collibra.assets()}


@pytest.mark.parametrize("imports", ["on", "403"])
def test_a_bad_setup_costs_no_asset(stage, collibra, imports):
    """Every asset is refused: nothing is given up, the reason is told; once it is mended everything arrives."""
    collibra.switches.set(unassigned_attribute="refuse", import_api=imports)
    collibra.delete_type("currency")
    collibra.create_attribute_type("currency")
    running = stage(batch_interval_seconds=1)
    running.call(2)
    status = until(lambda: (found := running.gateway.command("collibra", "status", "--json")["export"])["state"] == "held" and found, 20)
    assert "currency" in status["reason"] and status["assets_rejected"] == 0 and status["operations_waiting"] == 2
    collibra.switches.set(unassigned_attribute="allow")
    assert running.gateway.command("collibra", "flush", "--json")["exported"] == 4
    running.check(2)


@pytest.mark.parametrize("moment", ["sending", "stored", "polling"])
def test_killed_between_sending_and_the_answer(stage, collibra, moment):
    running = stage(batch_size=30, batch_interval_seconds=2, timeout=30)
    if moment == "polling":
        collibra.next_job(seconds=3)
    else:
        collibra.fault("delay", "POST", "/import/*", seconds=3, stored=moment == "stored")
    running.call(30)
    operation = "GET /jobs/{jobId}" if moment == "polling" else "POST /import/json-job"
    assert collibra.calls.wait(lambda calls: calls.count(operation) >= 1, 20)
    running.stop(9)
    running.start()
    running.call(5)
    running.check(35, seconds=60)


@pytest.mark.parametrize("trouble", [None, "assets lost", "attributes lost", "attributes late", "partial", "killed"])
def test_where_imports_are_not_allowed(stage, collibra, trouble):
    """Bulk calls instead: looked at before anything is added, so nothing is doubled."""
    collibra.switches.set(import_api="403")
    running = stage(batch_size=20, batch_interval_seconds=1)
    if trouble == "assets lost":
        collibra.fault("reset", "POST", "/assets/bulk", stored=True)
    elif trouble == "attributes lost":
        collibra.fault("reset", "POST", "/attributes/bulk", stored=True, times=2)
        collibra.fault("status", "POST", "/attributes/bulk", status=503, stored=False, nth=2)
    elif trouble == "attributes late":
        collibra.fault("delay", "POST", "/attributes/bulk", seconds=4, stored=True)
    elif trouble == "partial":
        collibra.switches.set(bulk="partial")
        collibra.fault("reset", "POST", "/assets/bulk", stored=True)
    elif trouble == "killed":
        collibra.fault("delay", "POST", "/attributes/bulk", seconds=2, stored=True)
    running.call(20)
    if trouble == "killed":
        assert collibra.calls.wait(lambda calls: calls.count("POST /attributes/bulk") >= 1, 20)
        running.stop(9)
        running.start()
    running.check(20, seconds=60)


@pytest.mark.parametrize("trouble", ["assets lost", "attributes lost", "attributes late", "killed", "import forbidden"])
def test_realtime_in_doubt_is_set_right(stage, collibra, trouble):
    running = stage(export_mode="realtime")
    running.call(1)
    running.arrived(1)
    if trouble == "import forbidden":
        collibra.switches.set(import_api="403")
    if trouble == "assets lost":
        collibra.fault("reset", "POST", "/assets/bulk", stored=True)
    elif trouble == "killed":
        collibra.fault("delay", "POST", "/attributes/bulk", seconds=2, stored=True)
    elif trouble == "attributes late":
        collibra.fault("delay", "POST", "/attributes/bulk", seconds=4, stored=True)
    else:
        collibra.fault("reset", "POST", "/attributes/bulk", stored=True)
    running.call(5)
    if trouble == "killed":
        assert collibra.calls.wait(lambda calls: calls.count("POST /attributes/bulk") >= 2, 20)
        running.stop(9)
        running.start()
    running.check(6, seconds=40)


def test_nothing_waits_for_a_collibra_that_hangs(stage, collibra):
    """Proves COL-044, COL-174: calls go on as before; what waits is in the ledger and arrives when Collibra is back."""
    running = stage(batch_size=10, batch_interval_seconds=1)
    collibra.fault("delay", seconds=5, stored=False, times=None)
    before = time.monotonic()
    assert set(running.call(100)) == {200}
    assert time.monotonic() - before < 10
    collibra.faults.clear()
    collibra.stop()
    running.call(10)
    collibra.start()
    running.check(110, seconds=60)


def test_what_waits_at_the_end_is_sent_by_the_next_life(stage, collibra):
    """Proves COL-053: stopping sends what Collibra takes at once; what it does not take waits in the ledger."""
    running = stage(batch_size=1000, batch_interval_seconds=600)
    running.call(3)
    running.names(3)
    running.stop()
    assert len(collibra.assets(COST)) == 3
    running.start()
    collibra.stop()
    running.call(2)
    running.names(5)
    running.stop()
    collibra.start()
    running.start()
    running.stop()
    running.start()
    running.check(5)


def test_history_is_not_exported(stage, collibra, tmp_path_factory, provider):
    """A connector that is switched on begins with what comes."""
    folder = tmp_path_factory.mktemp("gateway")
    silent = Stage(folder, provider, collibra, export_mode="off")
    silent.start()
    silent.call(5)
    silent.names(5)
    silent.stop()
    loud = Stage(folder, provider, collibra, batch_interval_seconds=1)
    loud.start()
    try:
        loud.call(2)
        loud.arrived(2)
        time.sleep(1)
        assert len(collibra.assets(COST)) == 2
    finally:
        loud.stop()


def test_a_damaged_place_is_begun_anew(stage, collibra):
    """Everything in the ledger is set once more as it is: nothing is doubled."""
    running = stage(batch_interval_seconds=1)
    running.call(3)
    running.check(3)
    running.stop()
    place = running.folder / "state" / "collibra.place"
    place.write_bytes(place.read_bytes()[:-1] + b"x")
    running.start()
    running.call(1)
    running.check(4)
    assert any("exported anew" in line for line in running.gateway.log)


def test_budgets_are_told_in_realtime_too(stage, collibra):
    """Proves COL-011: the same asset, kept up to date."""
    running = stage("governance:\n  budgets: [{name: all, daily_budget: 10, monthly_budget: 100}]\n", export_mode="realtime", batch_interval_seconds=1)

    def spent():
        return {one["attributes"]["budget_period"][0]: one["attributes"]["budget_spent"] for one in collibra.assets(BUDGET) if one["attributes"]}
    for number in (1, 2):
        running.call(1)
        cost = sum(one["cost_nano_usd"] for one in running.names(number).values()) / 1e9
        until(lambda: spent() == {"daily": [pytest.approx(cost)], "monthly": [pytest.approx(cost)]}, 10, "the budget's windows")


def test_what_an_imported_policy_decided_goes_back(stage, collibra):
    """Proves COL-001, COL-002, COL-006"""
    collibra.create_policy("Content Filter", "No secrets", enforcement_level="block", blocked_patterns="secret")
    running = stage("governance: {}\n", batch_size=1)
    running.gateway.command("collibra", "sync", "--json")
    until(lambda: running.call(1, text="a secret") == [403], 10)
    found = until(lambda: [one["attributes"] for one in collibra.assets(EVALUATION) if one["attributes"].get("policy_result") == ["blocked"]], 10)
    assert found[0]["policy_name"] == ["No secrets"] and found[0]["policy_reason"]


# --- flush, status, metrics ---

def test_flush_returns_what_is_confirmed(stage, collibra):
    """Proves COL-051 in part, COL-117, COL-119, COL-175: from another process than the one that exports; the second time there is nothing."""
    running = stage()
    running.call(7)
    done = running.gateway.command("collibra", "flush", "--json")
    assert done["exported"] == len(collibra.assets(COST) + collibra.assets(EVALUATION)) == 14
    running.check(7)
    export = done["export"]
    assert (export["assets_created"], export["assets_failed"], export["batches_sent"], export["operations_waiting"]) == (14, 0, 1, 0)
    assert export["average_export_time_ms"] > 0 and export["total_cost_nano_usd"] == sum(one["cost_nano_usd"] for one in running.names(7).values())
    assert export["calls_made"] == collibra.calls.count()
    assert running.gateway.command("collibra", "flush", "--json")["exported"] == 0
    metrics = until(lambda: (text := running.gateway.call("GET", "/metrics").body.decode()) and "genops_self_collibra_assets_total 14" in text and text)
    assert "genops_self_collibra_failing 0" in metrics and f"genops_self_collibra_calls_total {collibra.calls.count()}" in metrics


def test_flush_says_why_it_cannot(stage, collibra):
    """Proves COL-022, COL-114, COL-118: a right that is missing is told with Collibra's words, and what waits is sent when it is there."""
    running = stage()
    collibra.permit("ASSET_READ")
    running.call(2)
    done = gateways.genops("collibra", "flush", "--timeout", 10, "--json", state=running.gateway.state, config=running.gateway.config, home=running.folder)
    assert done.returncode == 1 and "permission" in done.stderr.lower() or "may not" in done.stderr.lower(), done.stderr
    assert json.loads(done.stdout)["export"]["assets_failed"] == 4
    status = running.gateway.command("collibra", "status", "--json")["export"]
    assert status["state"] == "held" and status["operations_waiting"] == 2 and status["reason"]
    collibra.permit(*ALL_PERMISSIONS)
    assert running.gateway.command("collibra", "flush", "--json")["exported"] == 4
    running.check(2)


def test_flush_without_collibra(gateway):
    running = gateway()
    done = gateways.genops("collibra", "flush", state=running.state, config=running.config, home=running.folder)
    assert done.returncode == 2 and "COLLIBRA_URL" in done.stderr


@pytest.mark.parametrize("what", ["types", "domain", "password", "url"])
def test_a_setup_that_is_wrong_is_told(stage, collibra, what):
    if what == "types":
        collibra.delete_type("AI Policy Evaluation")
    settings = {"domain": {"domain_id": "00000000-1111-2222-3333-444444444444"}, "password": {"password": "wrong"},
                "url": {"url": "http://127.0.0.1:9"}}.get(what, {})
    running = stage(batch_interval_seconds=1, max_retries=0, **settings)
    running.call(1)
    status = until(lambda: (found := running.gateway.command("collibra", "status", "--json")["export"]) and found["reason"] and found, 20)
    words = {"types": "AI Policy Evaluation", "domain": "domain", "password": "401", "url": "127.0.0.1"}
    assert words[what] in status["reason"] and status["state"] == ("failing" if what == "url" else "held")
    assert running.call(1) == [200]
    assert any("collibra" in line for line in running.gateway.log)
