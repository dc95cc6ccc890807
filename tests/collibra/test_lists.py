# SPDX-License-Identifier: Apache-2.0
"""Lists: pages by offset and by cursor, filters, orders; what is refused."""
import pytest

NOBODY = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def ten(client, item):
    return client.post("/assets/bulk", [item(f"n{number}", displayName=f"Number {9 - number}") for number in range(10)]).json()


def names(reply):
    return [result["name"] for result in reply.json()["results"]]


def by_cursor(client, path, limit, **query):
    """All results and how many pages they were on."""
    results, cursor, pages = [], "", 0
    while cursor is not None:
        answer = client.get(path, cursor=cursor, limit=limit, **query).json()
        assert (answer["total"], answer["offset"], answer["limit"]) == (-1, -1, limit)
        results, cursor, pages = results + answer["results"], answer.get("nextCursor"), pages + 1
    return results, pages


def test_offset_pages_have_a_total(client, ten):
    answer = client.get("/assets", offset=8, limit=5).json()
    assert (answer["total"], answer["offset"], answer["limit"], len(answer["results"])) == (10, 8, 5, 2)
    assert "nextCursor" not in answer
    assert client.get("/assets", offset=50).json()["results"] == []
    assert client.get("/assets", limit=0).json()["limit"] == 1000
    assert client.get("/assets", countLimit=0).json()["total"] == -1


@pytest.mark.parametrize("limit,pages", [(3, 4), (5, 2), (10, 1), (1000, 1)])
def test_cursor_pages(client, ten, limit, pages):
    results, n = by_cursor(client, "/assets", limit)
    assert [asset["name"] for asset in results] == [f"n{number}" for number in range(10)]
    assert n == pages


def test_the_last_full_page_may_lead_to_an_empty_one(client, collibra, ten):
    collibra.switches.cursor_end = "empty_page"
    results, n = by_cursor(client, "/assets", 5)
    assert (len(results), n) == (10, 3)


@pytest.mark.parametrize("path,field,order", [("/assets", "ID", "ASC"), ("/assets", "ID", "DESC"), ("/assets", "DISPLAY_NAME", "DESC"), ("/attributes", "ID", "ASC"),
                                              ("/attributes", "LAST_MODIFIED", "DESC"), ("/attributes", "CREATED_ON", "ASC"), ("/attributes", "CREATED_BY", "DESC")])
def test_a_cursor_keeps_to_its_order_and_misses_nothing(client, ten, value, path, field, order):
    client.post("/attributes/bulk", [value(asset["id"], "team", "x") for asset in ten])
    results, _ = by_cursor(client, path, 3, sortField=field, sortOrder=order)
    assert len({result["id"] for result in results}) == 10 and len(results) == 10
    if field == "ID":
        assert [result["id"] for result in results] == sorted((result["id"] for result in results), reverse=order == "DESC")


def test_assets_that_come_between_pages_do_not_double_others(client, ten, item):
    first = client.get("/assets", cursor="", limit=5).json()
    client.post("/assets", item("a-new-one-at-the-front"))
    second = client.get("/assets", cursor=first["nextCursor"], limit=10).json()
    assert [asset["name"] for asset in first["results"] + second["results"]] == [f"n{number}" for number in range(10)]


@pytest.mark.parametrize("query", [
    {"limit": 1001}, {"limit": -1}, {"limit": "many"}, {"limit": 2 ** 31}, {"offset": -1}, {"cursor": "", "offset": 0}, {"cursor": "nonsense"}, {"cursor": "W10="},
    {"sortField": "LAST_MODIFIED"}, {"sortField": "name"}, {"sortOrder": "UP"}, {"nameMatchMode": "exact"}, {"domainId": "x"}, {"typeIds": "AIOperationCost_C"},
    {"typeInheritance": "yes"}, {"statusIds": "Accepted"}], ids=str)
def test_what_a_list_refuses(client, ten, query):
    assert client.get("/assets", **query).status == 400


def test_a_limit_above_the_maximum_under_a_switch(client, collibra, ten):
    collibra.switches.limit_over_maximum = "clamp"
    assert client.get("/assets", limit=5000).json()["limit"] == 1000


def test_a_smaller_maximum_of_the_server(client, collibra, ten):
    collibra.switches.page_maximum = 4
    answer = client.get("/assets", limit=1000).json()
    assert (answer["limit"], len(answer["results"]), answer["total"]) == (4, 4, 10)
    results, cursor = [], ""
    while cursor is not None:
        answer = client.get("/assets", limit=1000, cursor=cursor).json()
        results, cursor = results + answer["results"], answer.get("nextCursor")
    assert len(results) == 10


@pytest.mark.parametrize("mode,name,found", [
    (None, "N1", ["n1"]), ("ANYWHERE", "1", ["n1", "n8"]), ("START", "N", [f"n{i}" for i in range(10)]), ("END", "8", ["n1", "n8"]), ("EXACT", "n1", ["n1"]),
    ("EXACT", "N1", []), ("EXACT", "Number 3", ["n6"]), ("START", "number 3", ["n6"])])
def test_a_name_is_looked_for_in_full_and_display_names(client, ten, mode, name, found):
    query = {"name": name} if mode is None else {"name": name, "nameMatchMode": mode}
    assert names(client.get("/assets", **query)) == found


def test_repeated_parameters_and_subtypes(client, collibra, item):
    client.post("/assets/bulk", [item("cost"), item("limit", "AI Cost Limit"), item("rate", "AI Rate Limit"), item("plain", "Policy")])
    cost, limit, policy = (collibra.type_id(name) for name in ("AI Operation Cost", "AI Cost Limit", "Policy"))
    assert names(client.call("GET", "/assets", query=[("typeIds", cost), ("typeIds", limit)])) == ["cost", "limit"]
    assert names(client.get("/assets", typeIds=policy)) == ["limit", "plain", "rate"]
    assert names(client.get("/assets", typeIds=policy, typeInheritance="false")) == ["plain"]
    assert names(client.call("GET", "/assets", query=[("typePublicIds", "AICostLimit_C"), ("typePublicIds", "AIRateLimit_C")])) == ["limit", "rate"]


def test_filters_by_place_and_status(client, collibra, item):
    other = collibra.create_domain("Other", community="Elsewhere")
    accepted = client.get("/statuses/name/Accepted").json()["id"]
    client.post("/assets/bulk", [item("a"), item("b", statusId=accepted), item("c", domainId=other)])
    assert names(client.get("/assets", domainId=other)) == ["c"]
    assert names(client.get("/assets", statusIds=accepted)) == ["b"]
    assert names(client.get("/assets", communityId=collibra.create_community("Elsewhere"))) == ["c"]


@pytest.mark.parametrize("path,parameter", [("/assets", "domainId"), ("/assets", "typeIds"), ("/assets", "statusIds"), ("/attributes", "assetId"), ("/attributes", "typeIds"),
                                            ("/domains", "communityId"), ("/domains", "typeId")])
def test_an_unknown_id_of_a_filter(client, collibra, ten, path, parameter):
    assert client.get(path, **{parameter: NOBODY}).json()["results"] == []
    collibra.switches.unknown_filter_id = "404"
    assert client.get(path, **{parameter: NOBODY}).status == 404


def test_unknown_query_parameters_are_ignored(client, ten):
    assert client.get("/assets", modifiedSince=5, typeId="whatever").json()["total"] == 10


def test_attributes_by_type_and_by_last_change(client, collibra, ten, value):
    for number, asset in enumerate(ten[:3]):
        collibra.advance(10)
        client.post("/attributes/bulk", [value(asset["id"], "team", str(number)), value(asset["id"], "project", "p")])
    found = client.get("/attributes", typeIds=collibra.type_id("team")).json()["results"]
    assert [record["value"] for record in found] == ["2", "1", "0"]
    found = client.get("/attributes", typePublicIds="Team_C", sortOrder="ASC").json()["results"]
    assert [record["value"] for record in found] == ["0", "1", "2"]
    assert client.get("/attributes", assetId=ten[0]["id"]).json()["total"] == 2
    assert client.get("/attributes", sortField="NAME").status == 400


def test_types_and_statuses_have_offset_only(client):
    for path in ("/assetTypes", "/attributeTypes", "/statuses", "/domainTypes"):
        answer = client.get(path, cursor="", limit=2).json()
        assert answer["total"] > 0 and answer["offset"] == 0 and "nextCursor" not in answer


def test_domains_by_name(client, collibra):
    collibra.create_domain("AI Governance", community="Another")
    collibra.create_domain("ai governance of old")
    assert len(names(client.get("/domains", name="AI Governance", nameMatchMode="EXACT"))) == 2
    assert len(names(client.get("/domains", name="AI Governance"))) == 3
    assert len(by_cursor(client, "/domains", 2)[0]) == 3
