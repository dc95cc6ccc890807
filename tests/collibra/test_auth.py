# SPDX-License-Identifier: Apache-2.0
"""Who comes in: Basic, tokens, the OAuth endpoint, sessions, permissions."""
import base64
import urllib.parse

import pytest

from conftest import BASE, Client, basic

TOKEN = "/rest/oauth/v2/token"


def quoted(id, secret):
    return basic(urllib.parse.quote_plus(id), urllib.parse.quote_plus(secret))


@pytest.fixture
def token(client, collibra):
    """token(form, authorization) -> the reply of the OAuth endpoint."""
    def send(form, authorization=None, **headers):
        return client.send("POST", TOKEN, urllib.parse.urlencode(form), {"Content-Type": "application/x-www-form-urlencoded", **headers}, authorization=authorization)
    return send


def test_only_the_instances_info_needs_no_login(collibra):
    stranger = Client(collibra)
    for path in ("/users/current", "/assets", "/assetTypes", "/jobs", "/users/current/permissions", "/nothing-like-this"):
        reply = stranger.call("GET", path, authorization=None)
        assert (reply.status, reply.code) == (401, "authenticationFailed")
    info = stranger.call("GET", "/application/info", authorization=None).json()
    assert info["baseUrl"] == collibra.url and info["version"]["fullVersion"]


@pytest.mark.parametrize("authorization", [basic("genops", "wrong"), basic("nobody", "x"), basic("guest", ""), "Basic !!!", "Bearer nothing", "Digest x",
                                           "Basic " + base64.b64encode(b"\xff\xfe").decode()])
def test_wrong_credentials(client, collibra, authorization):
    reply = client.call("GET", "/users/current", authorization=authorization)
    assert (reply.status, reply.code) == (401, "authenticationFailed")
    collibra.switches.bad_login = "redirect"
    reply = client.call("GET", "/users/current", authorization=authorization)
    assert (reply.status, reply.headers["Location"]) == (302, "/signin")
    page = client.send("GET", "/signin", authorization=None)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html")


def test_the_guest(client, collibra):
    collibra.switches.anonymous_user = "guest"
    assert client.call("GET", "/users/current", authorization=None).json()["guestUser"] is True
    assert client.get("/users/current").json()["guestUser"] is False
    assert client.call("GET", "/assets", authorization=None).status == 401


def test_a_bearer_token_ends_by_its_age(client, collibra):
    bearer = "Bearer " + collibra.issue_token(life=60)
    assert client.call("GET", "/users/current", authorization=bearer).json()["userName"] == "genops"
    collibra.advance(61)
    reply = client.call("GET", "/users/current", authorization=bearer)
    assert (reply.status, reply.code) == (401, "expiredToken")


def test_a_bearer_token_ends_by_its_use(client, collibra):
    bearer = "Bearer " + collibra.issue_token(requests=2)
    assert [client.call("GET", "/users/current", authorization=bearer).status for _ in range(3)] == [200, 200, 401]


def test_client_credentials(client, collibra, token):
    for form, authorization in (({}, quoted(collibra.client_id, collibra.client_secret)), ({"client_id": collibra.client_id, "client_secret": collibra.client_secret}, None)):
        reply = token({"grant_type": "client_credentials", **form}, authorization)
        answer = reply.json()
        assert (reply.status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3600)
        assert client.call("GET", "/users/current", authorization=f"Bearer {answer['access_token']}").status == 200
        collibra.advance(3601)
        assert client.call("GET", "/users/current", authorization=f"Bearer {answer['access_token']}").code == "expiredToken"


@pytest.mark.parametrize("form,is_right,status,error", [
    ({"grant_type": "client_credentials"}, False, 401, "invalid_client"), ({"grant_type": "client_credentials", "scope": "kg.view-all"}, True, 400, "invalid_scope"),
    ({"grant_type": "password"}, True, 400, "unsupported_grant_type"), ({"x": "y"}, True, 400, "unsupported_grant_type")], ids=str)
def test_what_the_token_endpoint_refuses(collibra, token, form, is_right, status, error):
    reply = token(form, quoted(collibra.client_id, collibra.client_secret if is_right else "x"))
    assert (reply.status, reply.json()["error"]) == (status, error)
    assert "error_description" in reply.json() and "errorCode" not in reply.json()


def test_a_client_id_that_was_not_encoded_ends_at_its_colon(collibra, token):
    assert token({"grant_type": "client_credentials"}, basic(collibra.client_id, collibra.client_secret)).status == 401


def test_the_token_endpoint_takes_forms_only_and_may_be_missing(collibra, token):
    right = quoted(collibra.client_id, collibra.client_secret)
    assert token({"grant_type": "client_credentials"}, right, **{"Content-Type": "application/json"}).json()["error"] == "invalid_request"
    collibra.switches.oauth = "404"
    assert token({"grant_type": "client_credentials"}, right).status == 404


def test_the_token_endpoint_can_throttle(collibra, token):
    collibra.fault("status", "POST", TOKEN, status=429, retry_after=3)
    right = quoted(collibra.client_id, collibra.client_secret)
    reply = token({"grant_type": "client_credentials"}, right)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "3")
    assert token({"grant_type": "client_credentials"}, right).status == 200
    assert collibra.calls.count(f"POST {TOKEN}") == 2


def log_in(client, name="genops", password=None):
    reply = client.call("POST", "/auth/sessions", {"username": name, "password": password or client.collibra.password}, authorization=None)
    return reply, {"Cookie": (reply.headers["Set-Cookie"] or "").split(";")[0], "X-CSRF-TOKEN": reply.json().get("csrfToken", "")}


def test_sessions(client, item):
    reply, first = log_in(client)
    assert reply.status == 200 and reply.json()["user"]["userName"] == "genops"
    assert client.call("POST", "/assets", item("a"), headers=first, authorization=None).status == 201
    assert client.call("POST", "/assets", item("b"), headers={**first, "X-CSRF-TOKEN": "wrong"}, authorization=None).status == 403
    assert client.call("GET", "/auth/sessions/heartbeat", headers=first, authorization=None).status == 200
    _, second = log_in(client)
    assert client.call("GET", "/assets", headers=first, authorization=None).status == 401  # the second login ended it
    assert client.call("GET", "/auth/sessions/current", headers=second, authorization=None).json()["csrfToken"] == second["X-CSRF-TOKEN"]
    assert client.call("DELETE", "/auth/sessions/current", headers=second, authorization=None).status == 204
    assert client.call("GET", "/assets", headers=second, authorization=None).status == 401
    assert log_in(client, password="wrong")[0].status == 401


def test_permissions(client, collibra, item):
    assert "SYSTEM_ADMINISTRATION" in client.get("/users/current/permissions").json()["globalPermissions"]
    assert client.get("/users/current/permissions").json() == client.get("/users/current/globalPermissions").json()
    type_ = {"name": "X", "symbolType": "NONE", "displayNameEnabled": True, "ratingEnabled": False}
    collibra.permit()
    for path, body in (("/assets", item("a")), ("/assets/bulk", [item("a")]), ("/assetTypes", type_), ("/attributeTypes", {"name": "x", "kind": "STRING"}),
                       ("/domains", {"name": "x", "communityId": collibra.create_community(), "typeId": "00000000-0000-0000-0000-000000010001"}),
                       ("/communities", {"name": "x"}), ("/domainTypes", {"name": "x"}), ("/statuses", {"name": "x"})):
        reply = client.post(path, body)
        assert (reply.status, reply.code) == (403, "authorizationFailed"), path
    assert client.get("/assets").status == 200
    assert client.get("/users/current/permissions").json() == {"globalPermissions": []}
    collibra.permit("ASSET_ADD")
    assert client.post("/assets", item("a")).status == 201
    assert client.post("/assetTypes", type_).status == 403


def test_another_user(collibra):
    collibra.add_user("reader", "secret", ())
    reader = Client(collibra, basic("reader", "secret"))
    assert reader.get("/users/current").json()["userName"] == "reader"
    assert reader.send("GET", BASE + "/assets", authorization="Bearer " + collibra.issue_token(user="reader")).status == 200


def test_how_long_tokens_of_the_endpoint_live(client, collibra, token):
    collibra.switches.set(token_life=10, token_requests=1)
    answer = token({"grant_type": "client_credentials"}, quoted(collibra.client_id, collibra.client_secret)).json()
    bearer = f"Bearer {answer['access_token']}"
    assert answer["expires_in"] == 10
    assert [client.call("GET", "/users/current", authorization=bearer).code for _ in range(2)] == [None, "expiredToken"]
    collibra.switches.token_requests = None
    bearer = "Bearer " + token({"grant_type": "client_credentials"}, quoted(collibra.client_id, collibra.client_secret)).json()["access_token"]
    collibra.advance(11)
    assert client.call("GET", "/users/current", authorization=bearer).code == "expiredToken"
