# SPDX-License-Identifier: Apache-2.0
"""The operating model: asset types, attribute types, assignments, domains, domain types, communities, statuses; what a set-up does."""
import pytest

from conftest import Client
from fake_collibra import FakeCollibra

GOVERNANCE_ASSET = "00000000-0000-0000-0000-000000031201"
NOBODY = "11111111-2222-4333-8444-555555555555"


def asset_type(name, **more):
    return {"name": name, "symbolType": "NONE", "displayNameEnabled": True, "ratingEnabled": False, **more}


@pytest.fixture
def bare():
    with FakeCollibra(asset_types="none", domain=None, is_strict=True) as collibra:
        yield collibra


@pytest.mark.parametrize("mode", ["own", "none"])
def test_a_set_up_from_nothing(bare, mode):
    bare.switches.type_assignment = mode
    client = Client(bare)
    community = client.post("/communities", {"name": "AI"}).json()["id"]
    domain_type = next(row for row in client.get("/domainTypes").json()["results"] if row["name"] == "Governance Asset Domain")["id"]
    domain = client.post("/domains", {"name": "D", "communityId": community, "typeId": domain_type}).json()["id"]
    types = client.post("/assetTypes/bulk", [asset_type("Cost", publicId="Cost_C", parentId=GOVERNANCE_ASSET), asset_type("Orphan")]).json()
    attributes = client.post("/attributeTypes/bulk", [{"name": "team", "kind": "STRING", "stringType": "PLAIN_TEXT", "publicId": "Team_C"},
                                                      {"name": "cost", "kind": "NUMERIC"}]).json()
    assert [row["name"] for row in client.get(f"/assignments/domain/{domain}/assetTypes").json() if not row["system"]] == ["Cost"]  # as its parent
    assert client.post("/assets", {"name": "a", "domainId": domain, "typeId": types[1]["id"]}).status == 403
    statuses = [row["id"] for row in client.get("/statuses").json()["results"]][:2]
    change = {"statusIds": statuses, "domainTypeIds": [domain_type],
              "characteristicTypes": [{"id": attributes[0]["id"], "type": "AttributeType", "min": 0, "max": 1}, {"id": attributes[1]["id"], "type": "NumericAttributeType"}]}
    before = client.get(f"/assignments/assetType/{types[1]['id']}").json()
    assert len(before) == (1 if mode == "own" else 0)
    reply = client.post("/assignments", {"assetTypeId": types[1]["id"], **change})
    if mode == "own":
        assert reply.status == 400
        reply = client.call("PATCH", f"/assignments/{before[0]['id']}", change)
    assert (reply.status, reply.json()["defaultStatusId"]) == (200 if mode == "own" else 201, statuses[0])
    assert client.post("/assignments", {"assetTypeId": types[1]["id"], **change}).status == 400
    read, = client.get(f"/assignments/assetType/{types[1]['id']}").json()
    assert [(row["attributeType"]["name"], row.get("maximumOccurrences"), row["assignedCharacteristicTypeDiscriminator"])
            for row in read["characteristicTypes"]] == [("team", 1, "AttributeType"), ("cost", None, "AttributeType")]
    assert [row["assignedResourceReference"]["name"] for row in read["assignedCharacteristicTypeReferences"]] == ["team", "cost"]
    assert client.post("/assets", {"name": "a", "domainId": domain, "typeId": types[1]["id"]}).status == 201
    assert set(bare.asset_types()) == {"Cost", "Orphan"} and set(bare.attribute_types()) == {"team", "cost"}


def test_a_type_has_an_assignment_of_its_own_that_is_changed_alone(client, collibra):
    child = client.post("/assetTypes", asset_type("Child", parentId=collibra.type_id("AI Cost Limit"))).json()["id"]
    own, = client.get(f"/assignments/assetType/{child}").json()
    assert own["assetType"]["id"] == child and "max_cost" in {row["attributeType"]["name"] for row in own["characteristicTypes"]}
    changed = client.call("PATCH", f"/assignments/{own['id']}", {"characteristicTypes": [{"id": collibra.type_id("team"), "type": "AttributeType"}]}).json()
    assert [row["attributeType"]["name"] for row in changed["characteristicTypes"]] == ["team"]
    assert changed["domainTypes"] == own["domainTypes"] and changed["statuses"] == own["statuses"]
    parent, = client.get(f"/assignments/assetType/{collibra.type_id('AI Cost Limit')}").json()
    assert "max_cost" in {row["attributeType"]["name"] for row in parent["characteristicTypes"]}
    for body, status in (({"statusIds": []}, 400), ({"defaultStatusId": NOBODY}, 400), ({"domainTypeIds": [NOBODY]}, 404), ({"statusIds": [NOBODY]}, 404),
                         ({"characteristicTypes": [{"id": NOBODY, "type": "AttributeType"}]}, 404), ({"characteristicTypes": [{"type": "AttributeType"}]}, 400)):
        assert client.call("PATCH", f"/assignments/{own['id']}", body).status == status, body
    assert client.call("PATCH", f"/assignments/{NOBODY}", {}).status == 404
    collibra.permit()
    assert client.call("PATCH", f"/assignments/{own['id']}", {}).status == 403


def test_a_type_read_back_has_a_discriminator_and_no_kind(client):
    for kind, more, discriminator in (("STRING", {}, "StringAttributeType"), ("NUMERIC", {}, "NumericAttributeType"), ("BOOLEAN", {}, "BooleanAttributeType"),
                                      ("DATE", {}, "DateAttributeType"), ("SINGLE_VALUE_LIST", {"allowedValues": ["a"]}, "SingleValueListAttributeType"),
                                      ("MULTI_VALUE_LIST", {"allowedValues": ["a"]}, "MultiValueListAttributeType"), ("SCRIPT", {}, "ScriptAttributeType")):
        made = client.post("/attributeTypes", {"name": f"x {kind}", "kind": kind, **more})
        read = client.get(f"/attributeTypes/{made.json()['id']}").json()
        assert made.status == 201 and read == made.json()
        assert (read["attributeTypeDiscriminator"], read["resourceType"], "kind" in read) == (discriminator, discriminator, False)
    assert [row["name"] for row in client.get("/attributeTypes", kind="SCRIPT").json()["results"]] == ["x SCRIPT"]


@pytest.mark.parametrize("path,body", [
    ("/assetTypes", asset_type("")), ("/assetTypes", asset_type("x" * 256)), ("/assetTypes", asset_type("AI Operation Cost")), ("/assetTypes", {"name": "x"}),
    ("/assetTypes", asset_type("x", symbolType="STAR")), ("/assetTypes", asset_type("x", acronymCode="12345")), ("/assetTypes", asset_type("x", color="red")),
    ("/assetTypes", asset_type("x", publicId="X")), ("/assetTypes", asset_type("x", publicId="x_C")), ("/assetTypes", asset_type("x", publicId="X-1_C")),
    ("/assetTypes", asset_type("x", publicId="X" * 259 + "_C")), ("/assetTypes", asset_type("x", publicId="AIOperationCost_C")),
    ("/assetTypes", asset_type("x", id="00000000-0000-0000-0000-000000000001")), ("/attributeTypes", {"name": "x"}), ("/attributeTypes", {"name": "x", "kind": "TEXT"}),
    ("/attributeTypes", {"name": "team", "kind": "STRING"}), ("/attributeTypes", {"name": "x", "kind": "STRING", "stringType": "HTML"}),
    ("/attributeTypes", {"name": "x", "kind": "SINGLE_VALUE_LIST"}), ("/attributeTypes", {"name": "x", "kind": "STRING", "publicId": "Team_C"}),
    ("/communities", {"name": "AI"}), ("/communities", {}), ("/domains", {"name": "x"}), ("/statuses", {"name": "Accepted"}), ("/domainTypes", {"name": "Glossary"}),
], ids=lambda value: str(value)[:50])
def test_what_is_refused(client, path, body):
    assert client.post(path, body).status == 400


def test_unknown_parents_and_places(client, collibra):
    assert client.post("/assetTypes", asset_type("x", parentId=NOBODY)).status == 404
    community, domain_type = collibra.create_community(), "00000000-0000-0000-0000-000000010001"
    for body in ({"communityId": NOBODY, "typeId": domain_type}, {"communityId": community, "typeId": NOBODY}):
        assert client.post("/domains", {"name": "x", **body}).status == 404
    assert client.post("/domains", {"name": "AI Governance", "communityId": community, "typeId": domain_type}).status == 400
    for path in ("/domains", "/communities", "/assetTypes", "/attributeTypes", "/statuses", "/domainTypes", "/assets"):
        assert client.get(f"{path}/{NOBODY}").status == 404
        assert client.get(f"{path}/not-an-id").status == 400
    for path in ("/attributeTypes/name/nothing", "/statuses/name/nothing", "/assetTypes/publicId/Nothing_C", f"/assignments/assetType/{NOBODY}"):
        assert client.get(path).status == 404


def test_types_by_public_id_and_by_name(client, collibra):
    assert client.get("/assetTypes/publicId/AICostLimit_C").json()["name"] == "AI Cost Limit"
    assert client.get("/attributeTypes/name/max_cost").json()["publicId"] == "MaxCost_C"
    assert [row["name"] for row in client.get("/assetTypes", name="Policy", nameMatchMode="EXACT").json()["results"]] == ["Policy"]
    made = client.post("/assetTypes", asset_type("Some new-type 2")).json()
    assert made["publicId"] == "SomeNewType2_C"
    assert client.post("/assetTypes", asset_type("Some new type 2")).json()["publicId"] == "SomeNewType22_C"


def test_an_instance_without_public_ids(client, collibra):
    collibra.switches.public_ids = "off"
    assert client.get("/assetTypes/publicId/AICostLimit_C").status == 404
    assert all("publicId" not in row for row in client.get("/assetTypes").json()["results"] + client.get("/attributeTypes").json()["results"])
    assert client.get("/attributeTypes/name/max_cost").json()["resourceType"] == "NumericAttributeType"
    assert client.get("/assets", typePublicIds="AICostLimit_C").json()["total"] == client.get("/assets").json()["total"]


@pytest.mark.parametrize("switch,given,status", [("any", "AttributeType", 201), ("any", "StringAttributeType", 201), ("any", "NumericAttributeType", 400),
                                                 ("AttributeType", "AttributeType", 201), ("AttributeType", "StringAttributeType", 400),
                                                 ("kind", "AttributeType", 400), ("kind", "StringAttributeType", 201), ("any", "Sausage", 400)])
def test_the_word_for_a_characteristic(client, collibra, switch, given, status):
    collibra.switches.set(characteristic_type=switch, type_assignment="none")
    id = client.post("/assetTypes", asset_type("x")).json()["id"]
    body = {"assetTypeId": id, "statusIds": [client.get("/statuses/name/Accepted").json()["id"]], "characteristicTypes": [{"id": collibra.type_id("team"), "type": given}]}
    assert client.post("/assignments", body).status == status


def test_an_assignment_without_a_default_status(client, collibra):
    collibra.switches.set(assignment_default_status="required", type_assignment="none")
    accepted = client.get("/statuses/name/Accepted").json()["id"]
    body = {"assetTypeId": client.post("/assetTypes", asset_type("x")).json()["id"], "statusIds": [accepted]}
    assert client.post("/assignments", body).status == 400
    assert client.post("/assignments", {**body, "defaultStatusId": client.get("/statuses/name/Obsolete").json()["id"]}).status == 400
    assert client.post("/assignments", {**body, "statusIds": []}).status == 400
    assert client.post("/assignments", {**body, "defaultStatusId": accepted}).status == 201


def test_bulk_types_are_all_or_nothing(client, collibra):
    before = set(collibra.attribute_types())
    assert client.post("/attributeTypes/bulk", [{"name": "new", "kind": "STRING"}, {"name": "team", "kind": "STRING"}]).status == 400
    assert set(collibra.attribute_types()) == before
    assert client.post("/assetTypes/bulk", [asset_type("new"), asset_type("new")]).status == 400
    assert "new" not in collibra.asset_types()


def test_what_the_fake_does_not_cover_it_says(client, collibra):
    reply = client.call("DELETE", f"/domains/{collibra.domain_id}")
    assert (reply.status, reply.code) == (501, "notCovered")
    assert client.call("PUT", "/assets", {}).status == 405
    assert client.get("/relations").status == 404
