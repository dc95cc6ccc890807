# SPDX-License-Identifier: Apache-2.0
"""Attributes: a POST appends, a PUT replaces, values are of their type's kind going in and coming out."""
import json

import pytest

NOBODY = "11111111-2222-4333-8444-555555555555"
KINDS = {"flag": {"kind": "BOOLEAN"}, "day": {"kind": "DATE"}, "one": {"kind": "SINGLE_VALUE_LIST", "allowedValues": ["a", "b"]},
         "many": {"kind": "MULTI_VALUE_LIST", "allowedValues": ["a", "b", "c"]}, "whole": {"kind": "NUMERIC", "isInteger": True},
         "code": {"kind": "SCRIPT"}, "rich": {"kind": "STRING", "stringType": "RICH_TEXT"}}


@pytest.fixture
def asset(client, collibra, item):
    for name, members in KINDS.items():
        collibra.create_attribute_type(name, **members)
    return client.post("/assets", item("a")).json()["id"]


def read(client, asset):
    return {record["type"]["name"]: record["value"] for record in client.get("/attributes", assetId=asset).json()["results"]}


def test_a_repeated_post_appends_and_put_replaces(client, collibra, asset, value):
    for _ in range(2):
        assert client.post("/attributes", value(asset, "team", "search")).status == 201
    assert collibra.asset(asset)["attributes"] == {"team": ["search", "search"]}
    for _ in range(2):
        reply = client.call("PUT", f"/assets/{asset}/attributes", {"typeId": collibra.type_id("team"), "values": ["ads", "maps"]})
        assert [record["value"] for record in reply.json()] == ["ads", "maps"]
    assert collibra.asset(asset)["attributes"] == {"team": ["ads", "maps"]}
    client.call("PUT", f"/assets/{asset}/attributes", {"typeId": collibra.type_id("team"), "values": []})
    assert collibra.asset(asset)["attributes"] == {}


@pytest.mark.parametrize("name,written,text", [
    ("cost_amount", "0.002500", b"0.0025"), ("cost_amount", 5, b"5.0"), ("whole", "7", b"7.0"), ("team", "search", b'"search"'), ("flag", "true", b"true"),
    ("flag", False, b"false"), ("day", 1700000000000, b"1700000000000"), ("day", "2023-11-14T22:13:20Z", b"1700000000000"), ("one", "b", b'"b"'),
    ("many", ["c", "a"], b'["c","a"]'), ("code", "x = 1", b'"x = 1"'), ("rich", "a<b", b'"a<b"')], ids=str)
def test_values_by_kind(client, asset, value, name, written, text):
    reply = client.post("/attributes", value(asset, name, written))
    assert reply.status == 201
    assert b'"value":' + text in reply.body
    discriminator = reply.json()["attributeDiscriminator"]
    assert reply.json()["type"]["resourceType"] == discriminator + "Type"
    assert read(client, asset)[name] == json.loads(text)


@pytest.mark.parametrize("name,written", [
    ("cost_amount", "dear"), ("cost_amount", ""), ("cost_amount", True), ("cost_amount", "nan"), ("cost_amount", "1e999"), ("cost_amount", [1]),
    ("whole", 1.5), ("team", 5), ("team", None), ("team", ["a"]), ("flag", "yes"), ("flag", 1), ("day", "soon"), ("one", "z"), ("many", ["a", "z"]),
    ("many", "a")], ids=str)
def test_a_value_of_another_kind_is_refused(client, collibra, asset, value, name, written):
    assert client.post("/attributes", value(asset, name, written)).status == 400
    assert client.post("/attributes/bulk", [value(asset, "team", "x"), value(asset, name, written)]).status == 400
    assert collibra.asset(asset)["attributes"] == {}
    collibra.switches.wrong_value = "store"
    assert client.post("/attributes", value(asset, name, written)).status == 201


def test_unknown_ids(client, collibra, asset, value):
    reply = client.post("/attributes/bulk", [value(asset, "team", "x"), {"assetId": asset, "typeId": NOBODY, "value": "x"}])
    assert (reply.status, reply.code, reply.json()["properties"]) == (404, "attTypeNotFoundId", {"id": NOBODY})
    assert client.post("/attributes", value(NOBODY, "team", "x")).status == 404
    assert collibra.asset(asset)["attributes"] == {}
    for path in (f"/attributes/{NOBODY}",):
        assert client.get(path).status == 404
        assert client.call("PATCH", path, {"value": "x"}).status == 404
        assert client.call("DELETE", path).status == 404
    assert client.call("PUT", f"/assets/{NOBODY}/attributes", {"typeId": collibra.type_id("team"), "values": []}).status == 404


@pytest.mark.parametrize("member", ["assetId", "typeId", "value"])
def test_required_members(client, asset, value, member):
    body = value(asset, "team", "x")
    del body[member]
    assert client.post("/attributes", body).status == 400
    assert client.post("/attributes/bulk", [body]).status == 400


def test_more_values_than_the_assignment_allows(client, collibra, asset, value):
    collibra.limit_values("AI Operation Cost", "team", 1)
    assert client.post("/attributes", value(asset, "team", "x")).status == 201
    assert client.post("/attributes", value(asset, "team", "y")).status == 400
    collibra.switches.attribute_maximum = "append"
    assert client.post("/attributes", value(asset, "team", "y")).status == 201


def test_an_unassigned_attribute_type(client, collibra, asset, value):
    assert client.post("/attributes", value(asset, "flag", True)).status == 201
    collibra.switches.unassigned_attribute = "refuse"
    assert client.post("/attributes", value(asset, "flag", True)).status == 400
    assert client.post("/attributes", value(asset, "team", "x")).status == 201


def test_change_and_delete(client, collibra, asset, value):
    one, two = client.post("/attributes/bulk", [value(asset, "team", "x"), value(asset, "cost_amount", 1)]).json()
    reply = client.call("PATCH", "/attributes/bulk", [{"id": one["id"], "value": "y"}, {"id": two["id"], "value": "2"}])
    assert [record["value"] for record in reply.json()] == ["y", 2.0]
    assert client.call("PATCH", f"/attributes/{one['id']}", {"value": 5}).status == 400
    assert client.call("DELETE", "/attributes/bulk", [two["id"]]).status == 204
    assert client.call("DELETE", f"/attributes/{one['id']}").status == 204
    assert collibra.asset(asset)["attributes"] == {}


def test_an_edit_does_not_touch_its_asset_unless_told(client, collibra, asset, value):
    before = client.get(f"/assets/{asset}").json()["lastModifiedOn"]
    collibra.advance(60)
    client.post("/attributes", value(asset, "team", "x"))
    assert client.get(f"/assets/{asset}").json()["lastModifiedOn"] == before
    collibra.switches.attribute_touches_asset = True
    client.post("/attributes", value(asset, "team", "y"))
    assert client.get(f"/assets/{asset}").json()["lastModifiedOn"] >= before + 60_000


def test_multi_values_as_an_array_or_a_record_a_value(client, collibra, asset, value):
    client.post("/attributes", value(asset, "many", ["c", "a"]))
    records = client.get("/attributes", assetId=asset).json()["results"]
    assert [record["value"] for record in records] == [["c", "a"]]
    collibra.switches.multi_values = "records"
    records = client.get("/attributes", assetId=asset).json()["results"]
    assert sorted(record["value"] for record in records) == ["a", "c"]
    assert len({record["id"] for record in records}) == 2


def test_rich_text_as_html(client, collibra, asset, value):
    collibra.switches.rich_text_html = True
    client.post("/attributes", value(asset, "rich", "a<b"))
    assert read(client, asset)["rich"] == "<p>a&lt;b</p>"


def test_attributes_go_with_their_asset(client, collibra, asset, value):
    client.post("/attributes", value(asset, "team", "x"))
    client.call("DELETE", f"/assets/{asset}")
    assert client.get("/attributes").json()["results"] == []
