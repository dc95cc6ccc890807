# SPDX-License-Identifier: Apache-2.0
"""The knowledge graph: limits at every level, the node budget, filters, and errors that come with status 200."""
import json
import re

import pytest

from fake_collibra.graph import PATH

POLICIES = """query P($d: UUID!, $t: [String!]) {
  assets(where:{domain:{id:{eq:$d}}, type:{publicId:{in:$t}}}, order:[{id:asc}], limit:200) {
    id fullName displayName modifiedOn type{publicId name} status{name}
    stringAttributes(limit:40){type{publicId name} stringValue modifiedOn}
    numericAttributes(limit:20){type{publicId name} numericValue modifiedOn}
    booleanAttributes(limit:10){type{publicId name} booleanValue}
    multiValueAttributes(limit:20){type{publicId name} stringValues}
  } }"""
TYPES = ["AICostLimit_C", "ModelGovernance_C", "TeamAccessControl_C"]


@pytest.fixture
def ask(client):
    def send(query, **variables):
        reply = client.send("POST", PATH, json.dumps({"query": query, "variables": variables}), {"Content-Type": "application/json"})
        assert reply.status == 200, reply.body
        return reply.json()
    return send


def test_the_policy_query(collibra, ask):
    collibra.create_attribute_type("on", kind="BOOLEAN")
    collibra.create_attribute_type("levels", kind="MULTI_VALUE_LIST", allowedValues=["a", "b"])
    id = collibra.create_policy("AI Cost Limit", "dear", max_cost="5.5", enforcement_level="strict", allowed_models=["gpt-4o", "o3"], on=True, levels=["b", "a"])
    collibra.create_policy("AI Operation Cost", "another type")
    collibra.create_policy("AI Cost Limit", "another domain", domain=collibra.create_domain("Other"))
    asset, = ask(POLICIES, d=collibra.domain_id, t=TYPES)["data"]["assets"]
    assert (asset["id"], asset["fullName"], asset["status"], asset["type"]) == (
        id, "dear", {"name": "Accepted"}, {"publicId": "AICostLimit_C", "name": "AI Cost Limit"})
    values = {name: [(attribute["type"]["name"], attribute[member]) for attribute in asset[name]] for name, member in (
        ("stringAttributes", "stringValue"), ("numericAttributes", "numericValue"), ("booleanAttributes", "booleanValue"), ("multiValueAttributes", "stringValues"))}
    assert sorted(values.pop("stringAttributes")) == [("allowed_models", "gpt-4o"), ("allowed_models", "o3"), ("enforcement_level", "strict")]
    assert values == {"numericAttributes": [("max_cost", 5.5)], "booleanAttributes": [("on", True)], "multiValueAttributes": [("levels", "b,a")]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", asset["modifiedOn"])


def test_every_list_has_ten_elements_unless_told_otherwise(collibra, ask):
    for number in range(12):
        collibra.create_policy("AI Cost Limit", f"n{number:02d}", allowed_models=[f"m{i}" for i in range(12)])
    assets = ask("{assets{stringAttributes{stringValue} tags{name}}}")["data"]["assets"]
    assert len(assets) == 10 and all(len(asset["stringAttributes"]) == 10 for asset in assets)
    assets = ask("{assets(limit:11){stringAttributes(limit:12){stringValue}}}")["data"]["assets"]
    assert len(assets) == 11 and all(len(asset["stringAttributes"]) == 12 for asset in assets)
    rest = ask("{assets(order:[{fullName:asc}],offset:11){fullName}}")["data"]["assets"]
    assert rest == [{"fullName": "n11"}]


def test_pages_by_id(collibra, ask):
    ids = sorted(collibra.create_policy("AI Cost Limit", f"n{number}") for number in range(5))
    found, after = [], "00000000-0000-0000-0000-000000000000"
    while True:
        page = ask("query Q($a: UUID){assets(where:{id:{gt:$a}},order:[{id:asc}],limit:2){id}}", a=after)["data"]["assets"]
        found += [asset["id"] for asset in page]
        if len(page) < 2:
            break
        after = found[-1]
    assert found == ids


@pytest.mark.parametrize("where,names", [
    ('{fullName:{eq:"b"}}', "b"), ('{fullName:{in:["a","c"]}}', "ac"), ('{status:{name:{ne:"Obsolete"}}}', "ac"), ('{_or:[{fullName:{eq:"a"}},{fullName:{eq:"b"}}]}', "ab"),
    ('{_and:[{fullName:{gt:"a"}},{fullName:{lt:"c"}}]}', "b"), ('{numericAttributes:{any:{numericValue:{gte:2}}}}', "bc"),
    ('{numericAttributes:{none:{numericValue:{gte:2}}}}', "a"), ('{stringAttributes:{empty:true}}', "abc"), ('{type:{parent:{name:{eq:"Policy"}}}}', "abc"),
    ('{domain:{name:{startsWith:"AI"}}}', "abc"), ('{fullName:{null:true}}', ""), ('{modifiedOn:{gt:"2000-01-01T00:00:00Z"}}', "abc"),
    ('{modifiedOn:{gt:"2100-01-01T00:00:00Z"}}', ""), ('{numericAttributes:{typePublicId:"Other",any:{numericValue:{gte:2}}}}', "")])
def test_filters(collibra, ask, where, names):
    for number, name in enumerate("abc", 1):
        collibra.create_policy("AI Cost Limit", name, max_cost=number, status="Obsolete" if name == "b" else "Accepted")
    assets = ask("{assets(where:%s,order:[{fullName:asc}]){fullName}}" % where)["data"]["assets"]
    assert "".join(asset["fullName"] for asset in assets) == names


def test_modified_since(collibra, ask):
    collibra.create_policy("AI Cost Limit", "old")
    seen = ask("{assets{modifiedOn}}")["data"]["assets"][0]["modifiedOn"]
    collibra.advance(60)
    collibra.create_policy("AI Cost Limit", "new")
    found = ask("query Q($s: DateTime){assets(where:{modifiedOn:{gt:$s}}){fullName}}", s=seen)["data"]["assets"]
    assert found == [{"fullName": "new"}]


@pytest.mark.parametrize("query,is_refused", [
    ("{assets(limit:1000){stringAttributes(limit:100){id}}}", True), ("{assets(limit:100001){id}}", True), ("{assets(limit:100000){id}}", False),
    ("query Q($l: Int = 1000){assets(limit:$l){stringAttributes(limit:$l){id}}}", True), ("{assets(limit:300){...F}} fragment F on Asset{stringAttributes(limit:400){id}}", True),
    (POLICIES.replace("($d: UUID!, $t: [String!])", "").replace("domain:{id:{eq:$d}}, type:{publicId:{in:$t}}", ""), False)], ids=range(6))
def test_the_node_budget(ask, query, is_refused):
    answer = ask(query)
    assert ("errors" in answer) == is_refused
    if is_refused:
        assert "size limit" in answer["errors"][0]["message"] and "data" not in answer
        assert answer["errors"][0]["extensions"]["classification"] == "ValidationError"


@pytest.mark.parametrize("query", ["{assets{nothing}}", "{assets(where:{id:{eq:5}}){id}}", '{assets(where:{id:{eq:"x"}}){id}}', "{", "{assets{id stringAttributes}}",
                                   "query Q($d: String){assets(where:{id:{eq:$d}}){id}}", "{assets(limit:-1){id}}"])
def test_a_wrong_query_is_told_with_status_200(ask, query):
    answer = ask(query)
    assert answer["errors"][0]["message"]
    assert "data" not in answer


def test_partial_data_beside_errors(collibra, ask):
    for name in "ab":
        collibra.create_policy("AI Cost Limit", name)
    collibra.switches.graphql_broken = "numericAttributes"
    answer = ask("{assets(order:[{id:asc}]){fullName numericAttributes{id}}}")
    assert answer["data"]["assets"][1] is None and answer["data"]["assets"][0]["fullName"]
    assert answer["errors"][0]["path"] == ["assets", 1, "numericAttributes"]


@pytest.mark.parametrize("switches,status", [({"graphql": "404"}, 404), ({"graphql": "403"}, 403), ({"public_ids": "off"}, 404)], ids=str)
def test_an_instance_without_the_graph(client, collibra, switches, status):
    collibra.switches.set(**switches)
    assert client.send("POST", PATH, '{"query":"{assets{id}}"}', {"Content-Type": "application/json"}).status == status


def test_the_request_itself(client):
    assert client.send("POST", PATH, "{}", {"Content-Type": "application/json"}).status == 400
    assert client.send("POST", PATH, "{assets{id}}", {"Content-Type": "application/json"}).status == 400
    assert client.send("POST", PATH, '{"query":"{assets{id}}"}').status == 415
    assert client.send("POST", PATH, '{"query":"{assets{id}}"}', {"Content-Type": "application/json"}, authorization=None).status == 401


def test_domains_and_communities(collibra, ask):
    collibra.create_policy("AI Cost Limit", "a")
    assert ask("{domains{name parent{name} type{name} assets{fullName}}}")["data"]["domains"] == [
        {"name": "AI Governance", "parent": {"name": "AI"}, "type": {"name": "Governance Asset Domain"}, "assets": [{"fullName": "a"}]}]
    assert ask("{communities{name}}")["data"]["communities"] == [{"name": "AI"}]


def test_the_budget_and_the_separator_are_switches(collibra, ask):
    collibra.create_attribute_type("levels", kind="MULTI_VALUE_LIST", allowedValues=["a", "b"])
    collibra.create_policy("AI Cost Limit", "x", levels=["b", "a"])
    collibra.switches.set(graphql_separator=", ", graphql_nodes_maximum=110)
    query = "{assets(limit:10){multiValueAttributes(limit:%d){stringValues}}}"
    assert ask(query % 10)["data"]["assets"] == [{"multiValueAttributes": [{"stringValues": "b, a"}]}]
    assert "size limit" in ask(query % 11)["errors"][0]["message"]
