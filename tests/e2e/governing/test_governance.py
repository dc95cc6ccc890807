# SPDX-License-Identifier: Apache-2.0
"""Keys, attribution, policies and budgets as a client of the gateway meets them.

Proves: CORE-009 to CORE-014 (attributes), CORE-034 (decided before the call), CORE-036 (audit of violations), CORE-039, CORE-041,
CORE-042, COL-133, COL-135, COL-136, COL-138, COL-140, COL-142, COL-145, COL-147; issue "Virtual keys ... bound to attributes,
budgets and models", "Refusals ... teach".
"""
import base64
import concurrent.futures
import hashlib
import json

import pytest

import gateway as gateways
import recordings
from provider import Answer, Provider

KEY = "vk-search-0123456789abcdef0123"
HASHED = "vk-hashed-0123456789abcdef0123"

TEXT = f"""
governance:
  attributes: {{environment: test}}
  keys:
    - {{name: search-key, key: {KEY}, attributes: {{team: search, project: index}}, provider_keys: {{anthropic: sk-ant-of-the-key}},
       models: [gpt-4o-mini, claude-3-haiku]}}
    - {{name: hashed, sha256: {hashlib.sha256(HASHED.encode()).hexdigest()}, budgets: [prepaid], attributes: {{team: paid}}, control: false}}
  policies:
    - {{name: secrets, type: content_filter, enforcement_level: block, blocked_patterns: "confidential, secret"}}
    - {{name: drafts, type: content_filter, enforcement_level: warn, blocked_patterns: [draft]}}
    - {{name: who, type: team_access, enforcement_level: block, match: {{project: closed}}, allowed_teams: "a,b"}}
    - {{name: what, type: model_governance, enforcement_level: block, blocked_models: [gpt-4-turbo]}}
    - {{name: per-call, type: cost_limit, enforcement_level: block, max_cost: 0.5}}
    - {{name: pace, type: rate_limit, enforcement_level: rate_limit, match: {{feature: paced}}, max_requests_per_minute: 6, burst: 2, max_delay: 0s, per: [team]}}
    - {{name: hold, type: rate_limit, enforcement_level: rate_limit, match: {{feature: held}}, max_requests_per_minute: 60, burst: 1, max_delay: 5s, per: [team]}}
  budgets:
    - {{name: small, match: {{team: small}}, daily_budget: 0.0005}}
    - {{name: prepaid, match: {{team: nobody}}, total_budget: 0.0005}}
    - {{name: each, match: {{project: each}}, per: [customer_id], daily_budget: 0.0005}}
    - {{name: noted, match: {{team: noted}}, daily_budget: 0.00001, enforcement_level: warn}}
"""
COST = 23 * 150 + 7 * 600  # gpt-4o-mini at 0.15 and 0.60 dollars a million tokens, as the recording's usage says


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    provider = Provider()
    gateway = gateways.Gateway(tmp_path_factory.mktemp("governance"),
                               gateways.config_text({name: provider.url for name in gateways.PROVIDERS}, TEXT))
    yield gateway, provider
    gateway.stop()
    provider.close()


@pytest.fixture(autouse=True)
def play(house):
    house[1].play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))


def chat(gateway, text="Hello", team=None, feature=None, project=None, customer=None, **more):
    headers = {"x-genops-team": team, "x-genops-feature": feature, "x-genops-project": project, "x-genops-customer-id": customer,
               **more.pop("headers", {})}
    return gateway.chat(text, headers={k: v for k, v in headers.items() if v}, **more)


# --- keys ---

@pytest.mark.parametrize("name, header, value, there, sent", [
    ("openai", "authorization", "Bearer " + KEY, "authorization", "Bearer sk-real-openai"),
    ("openai", "Authorization", "bearer " + KEY, "authorization", "Bearer sk-real-openai"),
    ("anthropic", "x-api-key", KEY, "x-api-key", "sk-ant-of-the-key"),
    ("anthropic", "authorization", "Bearer " + KEY, "x-api-key", "sk-ant-of-the-key"),
    ("azure", "api-key", KEY, "api-key", "sk-real-azure"),
    ("groq", "authorization", "Bearer " + KEY, "authorization", "Bearer sk-real-groq")])
def test_virtual_key_is_replaced_wherever_the_sdk_puts_it(house, name, header, value, there, sent):
    gateway, provider = house
    if name == "anthropic":
        provider.play(Answer.of(recordings.find("anthropic/messages")))
    path = {"anthropic": "/v1/messages", "azure": "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"}.get(name, "/v1/chat/completions")
    model = "claude-3-haiku-20240307" if name == "anthropic" else "gpt-4o-mini"
    body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    reply = gateway.call("POST", f"/{name}{path}", body, {header: value, "x-genops-team": "liar", "x-genops-feature": f"key-{name}-{header}"})
    assert reply.status == 200, reply.body
    request, = provider.received
    assert request.header(there) == sent
    assert KEY not in str(request.headers)
    operation = gateway.operation(feature=f"key-{name}-{header}")
    # What a key binds, a header does not change.
    assert (operation["team"], operation["project"], operation["key"]) == ("search", "index", "search-key")


def test_key_in_two_headers_leaves_in_none(house):
    gateway, provider = house
    body = {"model": "claude-3-haiku-20240307", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    for headers in ({"x-api-key": KEY, "authorization": f"Bearer {KEY}"}, {"authorization": f"Bearer {KEY}", "x-api-key": KEY}):
        provider.play(Answer.of(recordings.find("anthropic/messages")))
        assert gateway.call("POST", "/anthropic/v1/messages", body, headers).status == 200
        assert KEY not in str(provider.received[0].headers)
        assert provider.received[0].header("authorization") is None


def test_clients_own_key_passes_where_keys_are_optional(house):
    gateway, provider = house
    assert chat(gateway, headers={"authorization": "Bearer sk-own"}).status == 200
    assert provider.received[0].header("authorization") == "Bearer sk-own"


def test_key_may_only_use_its_models(house):
    gateway, provider = house
    reply = gateway.chat(model="gpt-4o", headers={"authorization": f"Bearer {KEY}"})
    assert reply.status == 403
    assert reply.header("x-genops-reason-code")
    assert "search-key" in reply.json()["error"]["message"] and "gpt-4o" in reply.json()["error"]["message"]
    assert provider.received == []


def test_budget_bound_to_a_key_runs_out(house):
    gateway, provider = house
    statuses = [gateway.chat(headers={"authorization": f"Bearer {HASHED}"}).status for _ in range(70)]
    assert statuses[0] == 200 and set(statuses) == {200, 429}
    assert set(statuses[-5:]) == {429}, "what is refused stays refused"
    window = gateway.budget("prepaid")
    assert window["consumed_nano_usd"] == statuses.count(200) * COST <= window["limit_nano_usd"]


def test_metrics_want_a_key_that_may_read_all(gateway):
    """As Prometheus sends it: authorization with credentials, or basic_auth."""
    running = gateway(f"governance:\n  keys:\n    - {{name: a, key: {KEY}}}\n    - {{name: scraper, key: {HASHED}, control: all}}\n"
                      "gateway:\n  require_key: true\n")

    def get(authorization):
        return running.call("GET", "/metrics", headers={"authorization": authorization} if authorization else {})

    def basic(text):
        return "Basic " + base64.b64encode(text.encode()).decode()
    for wrong in (None, "Bearer wrong", basic("prometheus:wrong"), basic("prometheus"), "Basic ?", "Basic", basic(f"{HASHED}:")):
        reply = get(wrong)
        assert (reply.status, reply.header("www-authenticate")) == (401, 'Bearer realm="genops"'), wrong
        assert b"genops_" not in reply.body
    assert get(f"Bearer {KEY}").status == get(basic(f"prometheus:{KEY}")).status == 403
    for right in (f"Bearer {HASHED}", basic(f"prometheus:{HASHED}"), basic(f":{HASHED}")):
        reply = get(right)
        assert reply.status == 200 and b"genops_self_" in reply.body
        assert reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"


def test_require_key(gateway, provider):
    running = gateway(f"governance:\n  keys: [{{name: a, key: {KEY}}}]\ngateway:\n  require_key: true\n")
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": KEY[:-1]}):
        for target in ("/openai/v1/chat/completions", "/api/v1/operations", "/api/v1/cost"):
            method = "POST" if target.startswith("/openai") else "GET"
            reply = running.call(method, target, {"model": "gpt-4o-mini", "messages": []} if method == "POST" else None, headers)
            assert reply.status == 401, target
            assert KEY not in reply.body.decode()
    assert provider.received == []
    assert running.call("GET", "/api/v1/operations", headers={"x-api-key": KEY}).status == 200
    assert running.call("GET", "/health").status == 200
    assert running.call("GET", "/ready").status == 200
    running.stop()
    assert KEY not in "".join(running.log)
    assert KEY.encode() not in b"".join(p.read_bytes() for p in running.state.rglob("*") if p.is_file()), "keys are hashed at rest"


def test_control_api_shows_a_key_only_its_own(house):
    gateway, _ = house
    chat(gateway, team="other", feature="not-for-search")
    gateway.operation(feature="not-for-search")
    own = gateway.call("GET", "/api/v1/operations?limit=1000", headers={"authorization": f"Bearer {KEY}"}).json()["operations"]
    assert own and {operation["team"] for operation in own} == {"search"}
    assert gateway.call("GET", "/api/v1/operations", headers={"authorization": f"Bearer {HASHED}"}).status == 403
    assert gateway.call("GET", "/api/v1/budgets", headers={"authorization": f"Bearer {KEY}"}).json() == {"budgets": []}
    assert gateway.call("GET", "/api/v1/policies", headers={"authorization": f"Bearer {KEY}"}).status == 403


# --- attribution ---

def test_attributes_by_path_prefix(house):
    gateway, provider = house
    reply = gateway.chat(prefix="/t/blue%20team/p/site", headers={"x-genops-feature": "prefixed"})
    assert reply.status == 200
    operation = gateway.operation(feature="prefixed")
    assert (operation["team"], operation["project"]) == ("blue team", "site")
    assert provider.received[0].target == "/v1/chat/completions"
    for prefix in ("/t/only", "/p/only", "/p/x/t/y"):
        assert gateway.chat(prefix=prefix).status == 200


def test_attributes_strongest_first(house):
    """Key, then header, then baggage, then path prefix, then the configuration's defaults."""
    gateway, _ = house
    baggage = {"baggage": "genops.team=bag,genops.project=bag,genops.customer_id=bag"}
    gateway.chat(prefix="/t/path/p/path", headers={"x-genops-team": "head", "x-genops-feature": "order", **baggage})
    operation = gateway.operation(feature="order")
    assert [operation[name] for name in ("team", "project", "customer_id", "environment")] == ["head", "bag", "bag", "test"]


# --- policies ---

REFUSED = [
    ({"text": "this is CONFIDENTIAL"}, 403, "POLICY_DENY_CONTENT", "secrets"),
    ({"model": "gpt-4-turbo"}, 403, "POLICY_DENY_MODEL", "what"),
    ({"model": "gpt-4-turbo-2024-04-09"}, 403, "POLICY_DENY_MODEL", "what"),
    ({"project": "closed", "team": "c"}, 403, "x_team_access", "who"),
    ({"project": "closed"}, 403, "x_team_access", "who"),
    ({"model": "gpt-4", "max_tokens": 8000, "n": 20}, 403, "x_cost_limit", "per-call"),
]


@pytest.mark.parametrize("call, status, reason, policy", REFUSED, ids=[f"{row[3]}-{i}" for i, row in enumerate(REFUSED)])
def test_policy_blocks_before_the_provider_sees_anything(house, call, status, reason, policy):
    gateway, provider = house
    feature = f"refused-{policy}-{len(json.dumps(call))}"
    reply = chat(gateway, feature=feature, **call)
    assert (reply.status, reply.header("x-genops-decision"), reply.header("x-genops-reason-code")) == (status, "blocked", reason)
    assert policy in reply.json()["error"]["message"]
    assert provider.received == []
    operation = gateway.operation(feature=feature)
    assert (operation["outcome"], operation["refused"], operation["cost_nano_usd"]) == ("refused", True, 0)
    assert (operation["policy"], operation["reason_code"]) == (policy, reason)
    assert operation["operation_id"] == reply.header("x-genops-operation-id")


def test_warning_passes_and_is_recorded(house):
    gateway, provider = house
    reply = chat(gateway, "Improve this draft", feature="warned")
    assert (reply.status, reply.header("x-genops-decision")) == (200, "warning")
    assert reply.header("x-genops-reason-code") is None
    assert gateway.operation(feature="warned")["decision"] == "warning"
    assert len(provider.received) == 1


def test_strictest_of_several_wins(house):
    gateway, _ = house
    reply = chat(gateway, "a draft that is secret", model="gpt-4-turbo", feature="several")
    assert reply.header("x-genops-decision") == "blocked"
    events = gateway.command("audit", "--json", "--where", f"operation={reply.header('x-genops-operation-id')}")["events"]
    told = json.dumps(events)
    assert all(name in told for name in ("secrets", "drafts", "what"))


def test_content_in_every_part_of_a_request_is_read(house):
    gateway, provider = house
    for messages in ([{"role": "system", "content": "secret"}, {"role": "user", "content": "x"}],
                     [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "se\u0063ret"}]}],
                     [{"role": "tool", "tool_call_id": "1", "content": "the secret"}]):
        body = json.dumps({"model": "gpt-4o-mini", "messages": messages}).replace("secret", "se\\u0063ret").encode()
        assert gateway.call("POST", "/openai/v1/chat/completions", body, {"content-type": "application/json"}).status == 403
    assert provider.received == []


def test_prompts_are_nowhere_at_rest(house):
    gateway, _ = house
    chat(gateway, "zebra-crossing-prompt is secret", feature="at-rest")
    chat(gateway, "zebra-crossing-prompt is fine", feature="at-rest")
    gateway.operations(2, feature="at-rest")
    assert b"zebra-crossing-prompt" not in b"".join(p.read_bytes() for p in gateway.state.rglob("*") if p.is_file())
    assert "zebra-crossing-prompt" not in "".join(gateway.log)


def test_rate_limit_refuses_with_a_true_retry_after(house):
    gateway, provider = house
    replies = [chat(gateway, feature="paced", team="fast") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    refused = replies[-1]
    assert refused.header("x-genops-decision") == "rate_limited"
    assert refused.header("x-should-retry") is None
    assert 1 <= int(refused.header("retry-after")) <= 10
    assert abs(int(refused.header("retry-after-ms")) / 1000 - int(refused.header("retry-after"))) <= 1
    assert "pace" in refused.json()["error"]["message"]
    assert chat(gateway, feature="paced", team="slow").status == 200, "limits are per team"
    assert len(provider.received) == 3


def test_rate_limit_holds_a_call_back(house):
    gateway, provider = house
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: chat(gateway, feature="held", team="together"), range(4)))
    assert [reply.status for reply in replies] == [200] * 4
    assert sorted(reply.header("x-genops-decision") for reply in replies).count("rate_limited") == 3


# --- budgets ---

def test_budget_runs_out(house):
    gateway, provider = house
    replies = [chat(gateway, team="small") for _ in range(70)]
    passed = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status != 200]
    # The other worker may see a call that follows at once before the former's reservation is given back: refused, and the next one passes.
    assert passed and {reply.status for reply in refused} == {429} == {reply.status for reply in replies[-5:]}
    reply = refused[0]
    error = reply.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "project_spend_limit_exceeded")
    assert (reply.header("x-should-retry"), reply.header("retry-after")) == ("false", None)
    for word in ("small", "$0.0005", "reset"):
        assert word in error["message"], error["message"]
    assert len(provider.received) == len(passed)
    window = gateway.budget("small")
    assert (window["consumed_nano_usd"], window["reserved_nano_usd"]) == (len(passed) * COST, 0)
    assert window["remaining_nano_usd"] == window["limit_nano_usd"] - window["consumed_nano_usd"]
    gateway.operations(70, team="small")
    report = gateway.cost("--where", "team=small")["total"]
    assert (report["operations"], report["refused"], report["cost_nano_usd"]) == (70, len(refused), len(passed) * COST)


def test_budget_holds_under_concurrency(house):
    gateway, _ = house
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: chat(gateway, project="each", customer="one"), range(100)))
    n = [reply.status for reply in replies].count(200)
    assert 0 < n * COST <= 500_000
    assert chat(gateway, project="each", customer="two").status == 200, "one customer's budget is not another's"


def test_budget_that_only_warns(house):
    gateway, _ = house
    replies = [chat(gateway, team="noted") for _ in range(4)]
    assert {reply.status for reply in replies} == {200}
    assert replies[-1].header("x-genops-decision") == "warning"


def test_decide_asks_without_recording(house):
    gateway, provider = house
    before = len(gateway.operations())
    reply = gateway.call("POST", "/api/v1/decide", {"provider": "openai", "model": "gpt-4-turbo", "content": "a secret draft",
                                                    "attributes": {"team": "x"}, "max_output_tokens": 100})
    answer = reply.json()
    assert (reply.status, answer["decision"], answer["refused"]) == (200, "blocked", True)
    assert {row["policy"] for row in answer["evaluations"]} >= {"secrets", "drafts", "what"}
    assert gateway.call("POST", "/api/v1/decide", b"{", {"content-type": "application/json"}).status == 400
    assert gateway.call("GET", "/api/v1/decide").status == 405
    assert gateway.call("GET", "/api/v1/nothing").status == 404
    assert len(gateway.operations()) == before
    assert provider.received == []


def test_everything_is_in_a_whole_audit_chain(house):
    gateway, _ = house
    verdict = gateway.command("audit", "verify", "--json")
    assert verdict["valid"] and verdict["records"] >= len(gateway.operations())
