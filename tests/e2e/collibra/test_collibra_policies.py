# SPDX-License-Identifier: Apache-2.0
"""Policies that are written in Collibra govern calls at the gateway: imported by hand and in the background, changed, switched off,
deleted, damaged; and what GenOps says when Collibra cannot be used."""
import json
import os

import pytest

import gateway as gateways


def section(collibra, **more):
    """The section as one line of YAML."""
    settings = {"url": collibra.url, "username": collibra.username, "password": collibra.password, "export_mode": "off",
                "max_retries": 0, **more}
    return f"collibra: {json.dumps(settings)}\n"


def chat(running, content="say hello", team="search", **more):
    return running.chat(content, headers={"x-genops-team": team}, max_tokens=10, **more)


def sync(running):
    """What `genops collibra sync --json` says."""
    ran = gateways.genops("collibra", "sync", "--json", state=running.state, config=running.config)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def decision(running, **more):
    return chat(running, **more).header("x-genops-decision")


def comes(running, wanted, **more):
    """Every process takes a changed set within about a second."""
    gateways.until(lambda: decision(running, **more) == wanted, 10, f"the decision {wanted}")


def test_policy_of_collibra_blocks_a_call(collibra, gateway):
    """Created, imported by hand, enforced without a restart, in every worker. Proves COL-137, COL-138, COL-056 in part, COL-057 in part,
    COL-067 in part, COL-069 in part."""
    running = gateway(section(collibra))
    assert decision(running, content="this is CONFIDENTIAL") == "allowed"
    assert sync(running)["errors"] == ['Failed to import policies: No policies found in the domain "AI Governance"']
    collibra.create_policy("Content Filter", "No secrets", blocked_patterns="confidential, secret ,private", enforcement_level="block")
    assert sync(running) == {"imported": 1, "updated": 0, "removed": 0, "failed": 0, "errors": []}
    gateways.until(lambda: all(decision(running, content="this is CONFIDENTIAL") == "blocked" for _ in range(10)), 10, "every worker")
    assert decision(running, content="public") == "allowed"
    assert sync(running)["imported"] == 0
    tested = gateways.genops("policy", "test", "--provider", "openai", "--model", "gpt-4o-mini", "--content", "a secret", state=running.state,
                             config=running.config)
    assert tested.returncode == 3 and "No secrets" in tested.stdout, tested.stdout


def test_the_outcome_is_back_in_collibra(collibra, gateway):
    """A policy of Collibra blocks a call, and what it said is an asset there. Proves COL-001, COL-002."""
    collibra.create_policy("Content Filter", "No secrets", blocked_patterns="secret", enforcement_level="block")
    running = gateway(section(collibra, export_mode="realtime", enable_policy_sync=True, policy_sync_interval_minutes=0.02))
    comes(running, "blocked", content="a secret")

    def told():
        return [asset for asset in collibra.assets("AI Policy Evaluation") if "No secrets" in str(asset) and "blocked" in str(asset)]
    gateways.until(told, 15, "the evaluation")


# type: values that hello from team search with gpt-4o-mini violates, and such that it does not
TYPES = {
    "AI Cost Limit": ({"max_cost": 0.0000001}, {"max_cost": 10.0}),
    "AI Rate Limit": ({"max_requests_per_minute": 1}, {"max_requests_per_minute": 100000}),
    "Content Filter": ({"blocked_patterns": "goodbye,HELLO"}, {"blocked_patterns": "goodbye"}),
    "Team Access Control": ({"allowed_teams": "ml-platform, data-science"}, {"allowed_teams": "ml-platform,search"}),
    "Budget Constraint": ({"daily_budget": 0.0000001}, {"daily_budget": None, "monthly_budget": 3000.0}),
    "Model Governance": ({"allowed_models": "claude-3", "blocked_models": "gpt-4o"}, {"allowed_models": "gpt-4o-mini,claude-3"}),
}
LEVELS = (("BLOCKED", "blocked"), ("Warning", "warning"), ("throttle", "rate_limited"), ("allowed", "allowed"), ("block", "blocked"),
          ("warn", "warning"), ("rate_limit", "rate_limited"), ("allow", "allowed"))


@pytest.mark.parametrize("type_name", TYPES)
def test_every_type_at_every_level_through_its_life(collibra, gateway, type_name):
    """Created, changed, switched off, on again and deleted in Collibra; each takes effect at the next sync, without a restart. Proves COL-006,
    COL-071, COL-143, COL-148, COL-150, COL-058 in part, COL-132 in part, COL-134 in part, COL-139, COL-140 in part, COL-141 in part, COL-144,
    COL-151 in part, COL-152 in part, COL-153 in part."""
    running = gateway(section(collibra))
    violated, kept = TYPES[type_name]
    id = collibra.create_policy(type_name, "the policy", enforcement_level=LEVELS[0][0], **violated)
    assert sync(running)["imported"] == 1
    comes(running, "blocked")
    half = list(TYPES).index(type_name) % 2  # each spelling with three types
    for level, result in LEVELS[1 + half::2] if half else LEVELS[1:8:2]:
        collibra.change_policy(id, enforcement_level=level)
        assert sync(running)["updated"] == 1
        comes(running, result)
    collibra.change_policy(id, enforcement_level="block", **kept)
    assert sync(running) == {"imported": 0, "updated": 1, "removed": 0, "failed": 0, "errors": []}
    comes(running, "allowed")
    collibra.change_policy(id, **violated)
    sync(running)
    comes(running, "blocked")
    collibra.change_policy(id, status="Deprecated")
    assert sync(running)["removed"] == 1
    comes(running, "allowed")
    collibra.change_policy(id, status="Accepted")
    assert sync(running)["imported"] == 1
    comes(running, "blocked")
    collibra.delete_policy(id)
    assert sync(running)["removed"] == 1
    comes(running, "allowed")


def test_the_background_imports_what_changes(collibra, gateway):
    """At its interval, one call each, and statistics of all of it. Proves COL-007, COL-055, COL-039 in part, COL-054 in part, COL-062 in part,
    COL-063 in part, COL-065 in part."""
    running = gateway(section(collibra, enable_policy_sync=True, policy_sync_interval_minutes=0.02))
    id = collibra.create_policy("Content Filter", "No secrets", blocked_patterns="hello", enforcement_level="block")
    comes(running, "blocked")
    collibra.change_policy(id, enforcement_level="warn")
    comes(running, "warning")
    collibra.delete_policy(id)
    comes(running, "allowed")
    status = running.command("collibra", "status", "--json")["policies"]
    assert (status["imported"], status["updated"], status["removed"], status["in_force"]) == (1, 1, 1, 0)
    assert status["last_sync_unix_ns"] > 0 and status["syncs"] >= 3
    calls = collibra.calls.by_operation()
    assert calls["GET /assetTypes"] == calls["GET /attributeTypes"] == 1, "types are looked up once"
    assert set(calls) <= {"GET /domains", "GET /assetTypes", "GET /attributeTypes", "POST /graphql/knowledgeGraph/v1"}


@pytest.mark.parametrize("graphql", ("on", "404", "403"))
def test_forms_of_values(collibra, gateway, graphql):
    """Lists as one text, several values or rich text; numbers as numbers or texts; the same by either way."""
    collibra.switches.graphql = graphql
    collibra.create_policy("Content Filter", "One text", blocked_patterns=" confidential, /a{1,3}b/ ,,secret ", enforcement_level="Warn")
    collibra.create_policy("Team Access Control", "Several values", allowed_teams=["ml-platform", "search"], enforcement_level="block")
    collibra.create_policy("Model Governance", "Rich text", allowed_models="<p>gpt-4o,</p><p>claude-3</p>", enforcement_level="block")
    collibra.create_policy("AI Cost Limit", "Large", max_cost=12345678.5, enforcement_level="block", applies_to_teams="dear")
    running = gateway(section(collibra))
    assert sync(running)["imported"] == 4
    known = {row["name"]: row["attributes"] for row in running.command("collibra", "policies", "--json")["policies"]}
    assert known["One text"]["blocked_patterns"] == ["confidential", "/a{1,3}b/", "secret"]
    assert sorted(known["Several values"]["allowed_teams"]) == ["ml-platform", "search"]
    assert known["Rich text"]["allowed_models"] == ["gpt-4o", "claude-3"]
    assert known["Large"]["max_cost"] == ["12345678.5"]
    assert sync(running) == {"imported": 0, "updated": 0, "removed": 0, "failed": 0, "errors": []}
    listed = {row["name"]: row for row in running.command("policy", "--json")["policies"]}
    assert listed["Large"]["match"] == {"team": ["dear"]} and listed["Large"]["origin"].startswith("collibra:")


def test_a_way_changes_nothing(collibra, gateway):
    """The knowledge graph goes away: REST finds the same set, and nothing counts as changed."""
    for number in range(60):
        collibra.create_policy("Team Access Control", f"policy {number:02}", allowed_teams=f"team-{number}", enforcement_level="allow")
    running = gateway(section(collibra, rate_limit_per_second=1000))
    assert sync(running)["imported"] == 60
    collibra.switches.graphql = "404"
    collibra.calls.clear()
    assert sync(running) == {"imported": 0, "updated": 0, "removed": 0, "failed": 0, "errors": []}
    calls = collibra.calls.by_operation()
    assert (calls["GET /assets"], calls["GET /attributes"]) == (1, 1), "many are listed, not asked for one by one"


def test_malformed_policies_disturb_nobody(collibra, gateway):
    """Reported by name with the reason; a good one that is damaged stays in force as it was. Proves COL-059 in part, COL-064 in part,
    COL-066 in part."""
    good = collibra.create_policy("Content Filter", "Good", blocked_patterns="hello", enforcement_level="block")
    collibra.create_policy("AI Cost Limit", "No limit", enforcement_level="block")
    collibra.create_policy("AI Cost Limit", "Odd level", max_cost=1, enforcement_level="perhaps")
    running = gateway(section(collibra))
    told = sync(running)
    assert (told["imported"], told["failed"], len(told["errors"])) == (1, 2, 2)
    assert any("No limit" in text and "max_cost" in text for text in told["errors"])
    assert any("Odd level" in text and "perhaps" in text for text in told["errors"])
    comes(running, "blocked")
    collibra.change_policy(good, enforcement_level="hmm")
    told = sync(running)
    assert (told["imported"], told["updated"], told["removed"], told["failed"]) == (0, 0, 0, 3)
    assert any("last good version stays" in text for text in told["errors"])
    assert decision(running) == "blocked"
    assert running.command("collibra", "--json")["policies"]["failed"] == 5


@pytest.mark.parametrize("way", ("graphql", "rest"))
def test_too_large_policies_disturb_nobody(collibra, gateway, way):
    """A value of megabytes, thousands of values, more budgets for all than a call can be held against: each is reported, the rest governs."""
    collibra.switches.graphql = "on" if way == "graphql" else "404"
    collibra.create_policy("Content Filter", "Good", blocked_patterns="hello", enforcement_level="block")
    collibra.create_policy("Content Filter", "Long", blocked_patterns="x" * 200000)
    collibra.create_policy("Team Access Control", "Many", allowed_teams=",".join(f"team{n}" for n in range(3000)))
    for n in range(9):
        collibra.create_policy("Budget Constraint", f"Budget {n}", daily_budget=1000)
    running = gateway(section(collibra))
    told = sync(running)
    assert (told["imported"], told["failed"]) == (9, 3)
    assert any("Long" in text and "65536 bytes" in text for text in told["errors"])
    assert any("Many" in text and "1000 values" in text for text in told["errors"])
    assert any("Budget " in text and "applies_to_teams" in text for text in told["errors"])
    comes(running, "blocked")
    assert decision(running, content="public") == "allowed"


@pytest.mark.parametrize("damage", ("cut", "zeros"))
def test_damaged_kept_policies(collibra, gateway, damage):
    """A running gateway keeps the policies that it has; one that starts says that they do not govern; a sync mends it."""
    collibra.create_policy("Content Filter", "Good", blocked_patterns="hello", enforcement_level="block")
    running = gateway(section(collibra))
    sync(running)
    comes(running, "blocked")
    kept = os.path.join(running.state, "collibra-policies.json")
    with open(kept, "r+b") as file:
        size = os.path.getsize(kept)
        file.truncate(size // 2 if damage == "cut" else 0)
        file.truncate(size)
    gateways.until(lambda: "those in use stay in force" in "".join(running.log), 10, "the complaint")
    assert decision(running) == "blocked"
    status = gateways.genops("status", state=running.state, config=running.config)
    assert "do not govern" in status.stderr and "genops collibra sync" in status.stderr
    assert sync(running)["imported"] == 1
    collibra.create_policy("Content Filter", "Other", blocked_patterns="public", enforcement_level="block")
    assert sync(running)["imported"] == 1
    comes(running, "blocked", content="public")
    assert decision(running) == "blocked"


def test_half_an_answer_of_the_graph_is_none(collibra, gateway):
    """Errors beside data, and a list that is cut at its limit: REST says what is missing."""
    for n in range(3):
        collibra.create_policy("Content Filter", f"Filter {n}", blocked_patterns=f"word{n}", enforcement_level="block")
    running = gateway(section(collibra))
    assert sync(running)["imported"] == 3
    collibra.switches.graphql_broken = "stringAttributes"
    assert sync(running) == {"imported": 0, "updated": 0, "removed": 0, "failed": 0, "errors": []}
    collibra.switches.graphql_broken = None
    collibra.create_policy("Team Access Control", "Many", allowed_teams=[f"team{n}" for n in range(44)] + ["search"], enforcement_level="block")
    assert sync(running)["imported"] == 1
    gateways.until(lambda: decision(running, team="team43") == "allowed" and decision(running, team="other") == "blocked", 10, "the list")
    assert decision(running) == "allowed"
    for n in range(3):
        comes(running, "blocked", content=f"word{n}")


FAILING = {
    "no listing": lambda collibra: (collibra.fault("status", path="/graphql/*", status=503, times=None),),
    "half a listing": lambda collibra: (collibra.fault("truncate", path="/graphql/*", times=None),
                                        collibra.fault("truncate", path="/assets", times=None)),
    "no attributes": lambda collibra: (setattr(collibra.switches, "graphql", "404"),
                                       collibra.fault("reset", path="/attributes", times=None)),
    "a page of HTML": lambda collibra: (collibra.fault("html", path="/graphql/*", times=None),),
    "a deep answer": lambda collibra: (collibra.fault("deep", path="/graphql/*", times=None),
                                       collibra.fault("deep", path="/assets", times=None)),
    "a login page": lambda collibra: (collibra.fault("redirect", path="/graphql/*", times=None),),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_failed_listing_drops_nothing(collibra, gateway, name):
    """Whatever of a listing does not come: what governed before governs on."""
    collibra.create_policy("Content Filter", "No hello", blocked_patterns="hello", enforcement_level="block")
    running = gateway(section(collibra))
    sync(running)
    comes(running, "blocked")
    FAILING[name](collibra)
    ran = gateways.genops("collibra", "sync", state=running.state, config=running.config)
    assert ran.returncode == 1 and ran.stderr.startswith("genops: "), ran
    assert len(running.command("collibra", "policies", "--json")["policies"]) == 1
    assert decision(running) == "blocked"
    status = running.command("collibra", "--json")["policies"]
    assert status["failed_syncs"] == 1 and status["last_error"]


def test_collibra_down_at_start(collibra, gateway):
    """The last known policies govern from the first call on, and the log says how old they are; when Collibra is back they are imported."""
    id = collibra.create_policy("Content Filter", "No hello", blocked_patterns="hello", enforcement_level="block")
    text = section(collibra, enable_policy_sync=True, policy_sync_interval_minutes=0.02)
    running = gateway(text)
    comes(running, "blocked")
    running.stop()
    collibra.stop()
    again = gateway(text, arguments=("--state", running.state))
    assert decision(again) == "blocked"
    gateways.until(lambda: any("stay in force" in line and "seconds ago" in line for line in again.log), 10, "the log line")
    collibra.start()
    collibra.delete_policy(id)
    comes(again, "allowed")


@pytest.mark.parametrize("what", ("url", "domain_id", "domain"))
def test_policies_of_another_instance(collibra, gateway, what):
    """What was kept from one instance or domain does not govern when the configuration names another; it is said."""
    collibra.create_policy("Content Filter", "No hello", blocked_patterns="hello", enforcement_level="block")
    running = gateway(section(collibra))
    sync(running)
    comes(running, "blocked")
    text = running.config.read_text()
    other = {"url": collibra.url.replace("127.0.0.1", "localhost"), "domain_id": "00000000-1111-2222-3333-444444444444", "domain": "Glossary"}[what]
    section_text = section(collibra, **{what: other})
    running.config.write_text("\n".join(section_text.strip() if line.startswith("collibra:") else line for line in text.splitlines()) + "\n")
    comes(running, "allowed")
    checked = gateways.genops("validate", state=running.state, config=running.config)
    assert "of another instance or domain" in checked.stdout
    assert json.loads(gateways.genops("collibra", "policies", "--json", state=running.state, config=running.config).stdout)["policies"] == []
    running.config.write_text(text)
    comes(running, "blocked")


def test_names_that_the_configuration_has(collibra, gateway):
    """Counters go by names: both govern, the imported one under a name of its own."""
    running = gateway("governance: {policies: [{name: cap, type: cost_limit, max_cost: 5}], budgets: [{name: week, daily_budget: 5}]}\n" + section(collibra))
    collibra.create_policy("Content Filter", "cap", blocked_patterns="hello", enforcement_level="block")
    collibra.create_policy("Budget Constraint", "week", daily_budget=3)
    assert sync(running)["imported"] == 2
    comes(running, "blocked")
    assert {row["name"] for row in running.command("policy", "--json")["policies"]} == {"cap", "cap (Collibra)", "week (Collibra)"}
    assert {row["name"] for row in running.command("budget", "--json")["budgets"]} == {"week", "week (Collibra)"}
