# SPDX-License-Identifier: Apache-2.0
"""Assets, one and in bulk: names, ids, types, domains, and what a refused one leaves behind."""
import uuid

import pytest

NOBODY = "11111111-2222-4333-8444-555555555555"


def test_a_name_is_unique_in_its_domain_over_all_types(client, collibra, item):
    assert client.post("/assets", item("a")).status == 201
    for again in (item("a"), item("a", "AI Cost Limit")):
        reply = client.post("/assets", again)
        assert (reply.status, reply.json()["statusCode"]) == (400, 400)
    other = collibra.create_domain("Another")
    assert client.post("/assets", item("a", domainId=other)).status == 201
    assert len(collibra.assets()) == 2


def test_a_callers_id_is_kept_and_is_unique(client, item):
    id = str(uuid.uuid4())
    reply = client.post("/assets", item("a", id=id))
    assert reply.json()["id"] == id
    assert client.post("/assets", item("b", id=id)).status == 400
    assert client.get(f"/assets/{id}").json()["name"] == "a"


def test_display_name_is_the_name_unless_given_and_stays_when_the_name_changes(client, item):
    asset = client.post("/assets", item("a")).json()
    assert asset["displayName"] == "a"
    changed = client.call("PATCH", f"/assets/{asset['id']}", {"name": "b"}).json()
    assert (changed["name"], changed["displayName"]) == ("b", "a")


def test_the_default_status_is_the_types(client, collibra, item):
    asset = client.post("/assets", item("a")).json()
    assert asset["status"]["name"] == "Candidate"
    accepted = client.get("/statuses/name/Accepted").json()["id"]
    assert client.post("/assets", item("b", statusId=accepted)).json()["status"]["name"] == "Accepted"


@pytest.mark.parametrize("change", [
    {"name": ""}, {"name": "x" * 2001}, {"name": None}, {"name": 7}, {"displayName": ""}, {"domainId": "x"}, {"typeId": "x"}, {"id": "x"},
    {"id": "00000000-0000-0000-1234-000000000000"}, {"statusId": 5}, {"excludedFromAutoHyperlinking": "yes"},
    {"typeId": "AIOperationCost_C"}, {"domainId": "11111111-2222-4333-8444-55555555555A"},
], ids=lambda change: str(change)[:40])
def test_what_the_contract_does_not_allow_is_refused(client, collibra, item, change):
    reply = client.post("/assets", {**item("a"), **change})
    assert (reply.status, reply.code) == (400, "invalidRequest")
    assert not collibra.assets()


@pytest.mark.parametrize("member", ["name", "domainId", "typeId"])
def test_required_members(client, item, member):
    body = item("a")
    del body[member]
    assert client.post("/assets", body).status == 400
    assert client.post("/assets/bulk", [item("b"), body]).status == 400


def test_a_name_may_have_2000_characters(client, item):
    assert client.post("/assets", item("é" * 2000)).status == 201


@pytest.mark.parametrize("status", ["404", "400"])
@pytest.mark.parametrize("member", ["typeId", "domainId", "statusId"])
def test_an_unknown_id_in_a_body(client, collibra, item, member, status):
    collibra.switches.unknown_id = status
    reply = client.post("/assets", item("a", **{member: NOBODY}))
    assert reply.status == int(status)
    assert reply.json()["properties"] == {"id": NOBODY}


@pytest.mark.parametrize("status", ["403", "400"])
def test_a_type_must_be_assigned_to_the_domains_type(client, collibra, item, status):
    collibra.switches.type_not_in_domain = status
    glossary = collibra.create_domain("Words", domain_type="00000000-0000-0000-0000-000000010001")
    assert client.post("/assets", item("a", domainId=glossary)).status == int(status)
    assert client.post("/assets", item("a", "AI Use Case", domainId=glossary)).status == 201


def test_bulk_answers_in_the_order_of_the_items(client, collibra, item):
    names = [f"n{number:02d}" for number in (5, 3, 9, 1)]
    reply = client.post("/assets/bulk", [item(name) for name in names])
    assert (reply.status, [asset["name"] for asset in reply.json()]) == (201, names)
    collibra.switches.bulk_order = "shuffled"
    names = [f"m{number:02d}" for number in range(20)]
    found = [asset["name"] for asset in client.post("/assets/bulk", [item(name) for name in names]).json()]
    assert found != names and sorted(found) == names


@pytest.mark.parametrize("bad", [{"name": "first"}, {"name": "c", "typeId": NOBODY}, {"name": "taken"}], ids=str)
def test_bulk_is_all_or_nothing(client, collibra, item, bad):
    client.post("/assets", item("taken"))
    assert client.post("/assets/bulk", [item("first"), item("second"), item(**{"name": "x", **bad}), item("last")]).status in (400, 404)
    assert [asset["name"] for asset in collibra.assets()] == ["taken"]
    assert client.post("/assets/bulk", [item("first")]).status == 201  # the indexes were put back too


def test_bulk_partial_keeps_what_stands_before_the_bad_item(client, collibra, item):
    collibra.switches.bulk = "partial"
    assert client.post("/assets/bulk", [item("a"), item("b"), item("a"), item("c")]).status == 400
    assert [asset["name"] for asset in collibra.assets()] == ["a", "b"]


def test_change_and_delete_in_bulk(client, collibra, item):
    ids = [asset["id"] for asset in client.post("/assets/bulk", [item("a"), item("b"), item("c")]).json()]
    reply = client.call("PATCH", "/assets/bulk", [{"id": ids[0], "name": "z"}, {"id": ids[1], "displayName": "Bee"}])
    assert [(asset["name"], asset["displayName"]) for asset in reply.json()] == [("z", "a"), ("b", "Bee")]
    assert client.call("PATCH", "/assets/bulk", [{"id": ids[0], "name": "y"}, {"id": NOBODY, "name": "x"}]).status == 404
    assert client.call("PATCH", "/assets/bulk", [{"name": "y"}]).status == 400
    assert client.call("DELETE", "/assets/bulk", [ids[0], NOBODY]).status == 404
    assert len(collibra.assets()) == 3
    reply = client.call("DELETE", "/assets/bulk", ids[:2])
    assert (reply.status, reply.body) == (204, b"")
    assert [asset["name"] for asset in collibra.assets()] == ["c"]
    assert client.call("DELETE", f"/assets/{ids[2]}").status == 204
    assert client.get(f"/assets/{ids[2]}").status == 404


def test_a_changed_asset_keeps_to_the_rules_of_a_new_one(client, collibra, item):
    a, _ = client.post("/assets/bulk", [item("a"), item("b")]).json()
    assert client.call("PATCH", f"/assets/{a['id']}", {"name": "b"}).status == 400
    assert client.call("PATCH", f"/assets/{a['id']}", {"typeId": collibra.type_id("AI Use Case")}).status == 403
    assert client.call("PATCH", f"/assets/{a['id']}", {"domainId": NOBODY}).status == 404
    assert client.call("PATCH", f"/assets/{a['id']}", {"name": "a", "displayName": "A"}).json()["displayName"] == "A"


def test_members_that_the_contract_does_not_name(client, collibra, item):
    assert client.post("/assets", item("a", attributes={"x": 1})).status == 201
    collibra.switches.unknown_members = "refuse"
    assert client.post("/assets", item("b", attributes={"x": 1})).status == 400
    assert client.post("/assets/bulk", [item("b"), item("c", another=1)]).status == 400
    assert client.post("/assets", item("b")).status == 201


def test_tags(client, item):
    id = client.post("/assets", item("a")).json()["id"]
    client.post(f"/assets/{id}/tags", {"tagNames": ["x", "y"]})
    client.post("/assets", item("b"))
    assert [asset["name"] for asset in client.get("/assets", tagNames="x").json()["results"]] == ["a"]
    client.call("DELETE", f"/assets/{id}/tags", {"tagNames": ["x"]})
    assert [tag["name"] for tag in client.get(f"/assets/{id}/tags").json()] == ["y"]
    client.call("PUT", f"/assets/{id}/tags", {"tagNames": ["z"]})
    assert [tag["name"] for tag in client.get(f"/assets/{id}/tags").json()] == ["z"]
