# SPDX-License-Identifier: Apache-2.0
"""genops collibra setup, and what every command says of a Collibra that cannot be used: the cause and the fix, in one line."""
import json

import pytest

import gateway as gateways
from fake_collibra import FakeCollibra


class Place:
    """A configuration for an instance, and commands on it."""

    def __init__(self, folder, collibra, **more):
        self.state, self.config, self.collibra = folder / "state", folder / "genops.yaml", collibra
        self.set(**more)

    def set(self, **more):
        self.more = more = {**getattr(self, "more", {}), **more}
        settings = {"url": self.collibra.url, "username": self.collibra.username, "password": self.collibra.password, "export_mode": "off",
                    "max_retries": 0, "rate_limit_per_second": 1000, **more}
        self.config.write_text(f"collibra: {json.dumps({key: value for key, value in settings.items() if value is not None})}\n")

    def run(self, *arguments):
        return gateways.genops(*arguments, state=self.state, config=self.config)

    def json(self, *arguments):
        ran = self.run(*arguments, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)


@pytest.mark.parametrize("switches", ({}, {"type_assignment": "none"}, {"characteristic_type": "kind"}, {"public_ids": "off", "graphql": "404"},
                                      {"assignment_default_status": "required", "type_assignment": "none"}), ids=str)
def test_setup_makes_what_is_missing(tmp_path, switches):
    """An empty instance: the dry run makes nothing and says all; the run makes all; the next finds nothing to do; policies work."""
    with FakeCollibra(asset_types="none", domain=None, is_strict=True, **switches) as collibra:
        place = Place(tmp_path, collibra)
        planned = place.json("collibra", "setup", "--dry-run")
        assert not any(step["done"] for step in planned["steps"]) and planned["changes"] > 50
        assert not [call for call in collibra.calls.by_operation() if not call.startswith("GET ")]
        made = place.json("collibra", "setup")
        assert made["changes"] == planned["changes"] and made["error"] == "" and made["by_hand"] == 0
        assert {step["name"] for step in made["steps"]} == {step["name"] for step in planned["steps"]}
        again = place.json("collibra", "setup")
        assert (again["changes"], again["by_hand"]) == (0, 0)
        collibra.domain_id = next(step["detail"] for step in again["steps"] if step["kind"] == "domain")
        collibra.create_policy("AI Cost Limit", "No dear calls", max_cost=5, enforcement_level="block")
        collibra.create_policy("Content Filter", "Secrets", blocked_patterns="a,b", enforcement_level="rate_limit", applies_to_teams="search")
        assert place.json("collibra", "sync")["imported"] == 2


def test_setup_adds_only_what_is_missing(tmp_path):
    """Some of it is there already; an attribute type of a customer's own with another kind is never written into."""
    with FakeCollibra(asset_types=["AI Cost Limit"], is_strict=True) as collibra:
        place = Place(tmp_path, collibra)
        steps = place.json("collibra", "setup")["steps"]
        assert "AI Cost Limit" not in {step["name"] for step in steps if step["action"] == "create"}
        assert "max_cost" not in {step["name"] for step in steps} and "max_requests_per_minute" in {step["name"] for step in steps}
    with FakeCollibra(asset_types="none") as collibra:
        collibra.create_attribute_type("team", kind="NUMERIC")
        place = Place(tmp_path, collibra)
        ran = place.run("collibra", "setup")
        assert ran.returncode == 2 and "NUMERIC" in ran.stderr and "attribute_prefix" in ran.stderr, ran.stderr
        place.set(attribute_prefix="genops_")
        assert "genops_team" in {step["name"] for step in place.json("collibra", "setup")["steps"]}
        assert place.json("collibra", "setup")["changes"] == 0
        collibra.create_policy("AI Cost Limit", "Prefixed", genops_max_cost=5, genops_enforcement_level="warn")
        assert place.json("collibra", "sync")["imported"] == 1
        assert place.json("collibra", "policies")["policies"][0]["attributes"] == {"max_cost": ["5"], "enforcement_level": ["warn"]}


def test_setup_without_the_right(tmp_path):
    """Nothing is made, the right is named."""
    with FakeCollibra(asset_types="none") as collibra:
        collibra.permit("ASSET_ADD", "ASSET_CHANGE")
        ran = Place(tmp_path, collibra).run("collibra", "setup")
        assert ran.returncode == 1 and "403" in ran.stderr and "System administration" in ran.stderr, ran.stderr
        assert not collibra.asset_types() or "AI Cost Limit" not in str(collibra.asset_types())


def wrong_password(collibra, place):
    place.set(password="another")


def login_page(collibra, place):
    collibra.switches.bad_login = "redirect"
    place.set(password="another")


def expired_token(collibra, place):
    token = collibra.issue_token(life=1)
    collibra.advance(10)
    place.set(username=None, password=None, api_token=token)


def wrong_secret(collibra, place):
    place.set(username=None, password=None, client_id=collibra.client_id, client_secret="not this one")


def another_server(collibra, place):
    place.set(url=collibra.url + "/elsewhere")


def nobody_there(collibra, place):
    collibra.stop()


def no_domain(collibra, place):
    collibra.delete_domain(collibra.domain_id)


def wrong_domain(collibra, place):
    place.set(domain_id="6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def several_domains(collibra, place):
    collibra.delete_domain(collibra.domain_id)
    collibra.create_domain("Glossary of finance")
    collibra.create_domain("Glossary of sales")


def no_types(collibra, place):
    for name in ("AI Cost Limit", "AI Rate Limit", "Content Filter", "Team Access Control", "Budget Constraint", "Model Governance"):
        collibra.delete_type(name)


def no_page(collibra, place):
    collibra.fault("html", path="/domains", times=None)


def too_many(collibra, place):
    collibra.fault("status", path="/domains", status=429, times=None)


FAULTS = {
    wrong_password: ("Authentication failed (401)", "credentials"),
    login_page: ("Authentication failed", "redirects are not followed"),
    expired_token: ("Authentication failed (401)", "the token has expired"),
    wrong_secret: ("gives no token", "client_secret"),
    another_server: ("404", "check the URL"),
    nobody_there: ("cannot be reached", "check collibra.url"),
    no_domain: ("No Collibra domains found", "create a domain"),
    wrong_domain: ("6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "domain_id"),
    several_domains: ("Glossary of sales", "set collibra.domain_id"),
    no_types: ("AI Cost Limit", "genops collibra setup"),
    no_page: ("not JSON but a page", "login page"),
    too_many: ("Rate limit exceeded (429)", "rate_limit_per_second"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_faults_have_a_cause_and_a_fix(tmp_path, collibra, fault):
    """sync and validate say the same, no secret among it, and what is known stays. Proves COL-027 in part, COL-155 in part, COL-156 in part,
    COL-158 in part, COL-159 in part."""
    place = Place(tmp_path, collibra, enable_policy_sync=True)
    collibra.create_policy("Content Filter", "Kept", blocked_patterns="hello", enforcement_level="block")
    assert place.json("collibra", "sync")["imported"] == 1
    fault(collibra, place)
    ran = place.run("collibra", "sync")
    cause, fix = FAULTS[fault]
    assert ran.returncode in (1, 2) and ran.stderr.count("\n") == 1, ran.stderr
    assert cause in ran.stderr and fix in ran.stderr, ran.stderr
    checks = json.loads(place.run("validate", "--json").stdout)
    failed = [check for check in checks["checks"] if check["status"] == "failed"]
    assert not checks["valid"] and [check for check in failed if cause in check["message"] and fix in check["message"] + check["fix"]], failed
    assert all(check["fix"] for check in failed)
    for secret in ("another", "not this one", collibra.password):
        assert secret not in ran.stderr
    if fault not in (another_server, wrong_domain):  # those are other places, whose policies these are not
        assert [row["name"] for row in place.json("policy")["policies"]] == ["Kept"]


def test_validate_of_a_good_one(tmp_path, collibra):
    """Connection, credentials, domain, types, rights, policies; --offline asks nobody. Proves COL-026 in part, COL-028 in part."""
    place = Place(tmp_path, collibra, enable_policy_sync=True, export_mode="batch")
    collibra.create_policy("Content Filter", "Good", blocked_patterns="hello", enforcement_level="block")
    collibra.create_policy("AI Cost Limit", "Bad", enforcement_level="block")
    checks = [check for check in place.json("validate")["checks"] if check["name"].startswith("collibra")]
    assert [check["status"] for check in checks] == ["passed"] * 6 + ["warning"], checks
    assert "Bad" in checks[-1]["message"] and checks[-1]["fix"]
    collibra.calls.clear()
    assert not [check for check in place.json("validate", "--offline")["checks"] if check["name"].startswith("collibra ")]
    assert collibra.calls.count() == 0


@pytest.mark.parametrize("way", ("basic", "bearer", "oauth"))
def test_ways_to_authenticate(tmp_path, collibra, way):
    """Each alone suffices; an OAuth token that is refused is renewed once. Proves COL-014, COL-015, COL-020 in part."""
    token = collibra.issue_token()
    place = Place(tmp_path, collibra)
    if way != "basic":
        more = {"api_token": token} if way == "bearer" else {"client_id": collibra.client_id, "client_secret": collibra.client_secret}
        place.set(username=None, password=None, **more)
    if way == "oauth":
        collibra.switches.token_requests = 2  # the third request of a token is refused
    assert place.json("collibra", "sync")["failed"] == 0
    tokens = collibra.calls.by_operation().get("POST /rest/oauth/v2/token", 0)
    assert tokens == (2 if way == "oauth" else 0), collibra.calls.by_operation()


def test_tls_is_verified(tmp_path):
    """A certificate of nobody's is refused; with its authority named it is taken; http:// elsewhere is an error at load. Proves COL-003."""
    with FakeCollibra(tls=True) as collibra:
        place = Place(tmp_path, collibra)
        ran = place.run("collibra", "sync")
        assert ran.returncode == 1 and "certificate" in ran.stderr, ran.stderr
        place.set(ca_file=str(collibra.ca_file))
        assert place.json("collibra", "sync")["failed"] == 0
        place.set(url="http://acme.collibra.com")
        ran = place.run("collibra", "sync")
        assert ran.returncode == 2 and "https://" in ran.stderr and "genops.yaml:1:" in ran.stderr, ran.stderr


def test_the_pace(tmp_path, collibra):
    """No second sees more calls than rate_limit_per_second. Proves COL-091 in part."""
    collibra.switches.graphql = "404"
    for number in range(20):
        collibra.create_policy("Team Access Control", f"policy {number}", allowed_teams="a", enforcement_level="warn")
    place = Place(tmp_path, collibra, rate_limit_per_second=10)
    assert place.json("collibra", "sync")["imported"] == 20
    assert collibra.calls.count() > 20 and collibra.calls.most_in_a_second() <= 10


def test_retries(tmp_path, collibra):
    """A read is tried again after 503 and 429 with Retry-After; a wrong password is not. Proves COL-090 in part, COL-172 in part."""
    collibra.fault("status", path="/domains", status=503, times=1)
    collibra.fault("status", path="/assetTypes", status=429, retry_after="1", times=1)
    place = Place(tmp_path, collibra, max_retries=3)
    assert place.json("collibra", "sync")["failed"] == 0
    assert collibra.calls.by_operation()["GET /domains"] == collibra.calls.by_operation()["GET /assetTypes"] == 2
    collibra.calls.clear()
    place.set(password="another", max_retries=3)
    assert place.run("collibra", "sync").returncode == 1
    assert collibra.calls.count() == 1
