# SPDX-License-Identifier: Apache-2.0
"""Failures on demand, and what the far side keeps of a call that failed."""
import email.utils
import gzip
import http.client
import json
import time

import pytest

from conftest import BASE


def test_a_fault_waits_for_its_call_plays_so_often_and_is_gone(client, collibra):
    collibra.fault("status", "GET", "/assets", nth=2, times=2, status=503)
    assert [client.get("/assets").status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert client.get("/domains").status == 200
    collibra.fault("status", path="/dom*", times=None, status=500)
    assert [client.get(path).status for path in ("/domains", "/domainTypes", "/domains", "/assets")] == [500, 500, 500, 200]
    collibra.faults.clear()
    assert client.get("/domains").status == 200


def test_a_fault_by_an_operations_path(client, collibra, item):
    id = client.post("/assets", item("a")).json()["id"]
    collibra.fault("status", "GET", "/assets/{assetId}", status=500)
    assert client.get("/assets").status == 200
    assert client.get(f"/assets/{id}").status == 500


@pytest.mark.parametrize("body,kind", [("json", "application/json"), ("html", "text/html"), ("empty", None)])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_statuses(client, collibra, item, status, body, kind):
    collibra.fault("status", "POST", "/assets", status=status, body=body)
    reply = client.post("/assets", item("a"))
    assert (reply.status, reply.headers["Content-Type"]) == (status, kind)
    assert bool(reply.body) == (body != "empty") and not collibra.assets()
    if body == "json":
        assert reply.json()["statusCode"] == status


@pytest.mark.parametrize("given,header", [(None, None), (7, "7"), ("soon", "soon"), (-5, "-5"), (10 ** 12, "1000000000000")], ids=str)
def test_retry_after(client, collibra, given, header):
    collibra.fault("status", status=429, retry_after=given)
    assert client.get("/assets").headers["Retry-After"] == header


def test_retry_after_as_a_date(client, collibra):
    collibra.fault("status", status=429, retry_after=("date", 30))
    when = email.utils.parsedate_to_datetime(client.get("/assets").headers["Retry-After"]).timestamp()
    assert 25 < when - time.time() < 35


@pytest.mark.parametrize("kind,is_stored", [("status", False), ("status", True), ("reset", False), ("reset", True), ("truncate", True)])
def test_whether_a_failed_write_is_stored(client, collibra, item, kind, is_stored):
    collibra.fault(kind, "POST", "/assets", **({} if kind == "truncate" else {"stored": is_stored}))
    if kind == "status":
        assert client.post("/assets", item("a")).status == 500
    elif kind == "reset":
        with pytest.raises(ConnectionResetError):
            client.post("/assets", item("a"))
    else:
        with pytest.raises(http.client.IncompleteRead):
            client.post("/assets", item("a"))
    assert bool(collibra.assets()) == is_stored
    assert client.post("/assets", item("a")).status == (400 if is_stored else 201)


@pytest.mark.parametrize("is_stored", [True, False])
def test_an_answer_that_comes_too_late(client, collibra, item, is_stored):
    collibra.fault("delay", "POST", "/assets", seconds=0.4, stored=is_stored)
    with pytest.raises(TimeoutError):
        client.post("/assets", item("a"), timeout=0.15)
    assert bool(collibra.assets()) == is_stored
    assert collibra.calls.wait(lambda calls: calls.all()[-1].ended)
    assert len(collibra.assets()) == 1


def test_answers_that_are_not_what_they_seem(client, collibra, item):
    client.post("/assets", item("a"))
    whole = client.get("/assets").body
    collibra.fault("html", "GET")
    reply = client.get("/assets")
    assert (reply.status, reply.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    collibra.fault("redirect", "GET")
    assert (client.get("/assets").status, collibra.calls.all()[-1].fault) == (302, "redirect")
    collibra.fault("wrong_length", "GET")
    assert client.get("/assets").body == whole[:-7]
    collibra.fault("chunked", "GET")
    reply = client.get("/assets")
    assert reply.headers["Transfer-Encoding"] == "chunked" and reply.body == whole
    collibra.fault("huge", "GET", bytes=3 << 20)
    reply = client.get("/assets")
    assert len(reply.body) > 3 << 20 and reply.json()["total"] == 1
    collibra.fault("deep", "GET", depth=5000)
    assert client.get("/assets").body.count(b"[") == 5000


def test_gzip_only_for_whom_it_is_asked(client, collibra):
    plain = client.get("/attributeTypes")
    assert plain.headers["Content-Encoding"] is None
    packed = client.call("GET", "/attributeTypes", headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    collibra.switches.gzip = "never"
    assert client.call("GET", "/attributeTypes", headers={"Accept-Encoding": "gzip"}).body == plain.body


def test_bodies_that_are_too_large_or_no_json(client, collibra, item):
    collibra.switches.body_maximum = 1000
    assert client.post("/assets/bulk", [item(f"n{i}") for i in range(20)]).status == 413
    assert client.post("/assets", item("a")).status == 201
    for body in ("", "{", "[1,", "nothing", '{"name":'):
        reply = client.send("POST", BASE + "/assets", body, {"Content-Type": "application/json"})
        assert (reply.status, reply.code) == (400, "invalidRequest")
    for body in ("[]", "7", "null", '"x"'):
        assert client.send("POST", BASE + "/assets", body, {"Content-Type": "application/json"}).status == 400
    assert client.send("POST", BASE + "/assets/bulk", json.dumps(item("b")), {"Content-Type": "application/json"}).status == 400
    assert client.send("POST", BASE + "/assets", json.dumps(item("b")), {"Content-Type": "text/plain"}).status == 415
    assert client.send("POST", BASE + "/assets", json.dumps(item("b")), {"Content-Type": "application/json; charset=utf-8"}).status == 201


def test_chunked_requests_and_one_connection_for_many(collibra, client, item):
    connection = http.client.HTTPConnection("127.0.0.1", collibra.port)
    body = json.dumps(item("a")).encode()
    for pieces, status in ((iter([body[:10], body[10:]]), 201), (body, 400)):
        connection.request("POST", BASE + "/assets", pieces, {"Authorization": client.authorization, "Content-Type": "application/json"},
                           encode_chunked=not isinstance(pieces, bytes))
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status
    connection.close()


def test_what_there_is_no_such_fault_or_switch_of(collibra):
    for arguments in (("earthquake",), ("status", "GET", "*", 1, 1)):
        with pytest.raises(ValueError):
            collibra.fault(*arguments, **({} if len(arguments) == 1 else {"seconds": 5}))
    for name, value in (("nothing", 1), ("bulk", "sometimes"), ("page_maximum", "many")):
        with pytest.raises(ValueError):
            collibra.switches.set(**{name: value})


def test_away_and_back(client, collibra, item):
    client.post("/assets", item("a"))
    port = collibra.port
    collibra.stop()
    with pytest.raises(ConnectionRefusedError):
        client.get("/assets")
    collibra.start()
    assert collibra.port == port and client.get("/assets").json()["total"] == 1


def test_a_client_that_goes_away_in_the_middle_of_its_request(collibra, client, item):
    whole = json.dumps(item("a")).encode()
    connection = http.client.HTTPConnection("127.0.0.1", collibra.port)
    connection.putrequest("POST", BASE + "/assets")
    for name, value in (("Authorization", client.authorization), ("Content-Type", "application/json"), ("Content-Length", str(len(whole) + 50))):
        connection.putheader(name, value)
    connection.endheaders(whole)
    connection.close()
    assert client.get("/assets").json()["total"] == 0
    assert collibra.calls.by_operation() == {"GET /assets": 1}
