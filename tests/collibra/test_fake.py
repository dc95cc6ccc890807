# SPDX-License-Identifier: Apache-2.0
"""What a test has at hand: policies, counters, the control channel, TLS, a process of its own; and that documents say what is there."""
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading

import pytest

import extract
from conftest import Client
from fake_collibra import FakeCollibra
from fake_collibra.control import ROUTES
from fake_collibra.dispatch import CONTRACT, SERVED
from fake_collibra.faults import FIELDS
from fake_collibra.switches import ROWS

FOLDER = pathlib.Path(__file__).resolve().parent
WHOLE = FOLDER.parents[2] / "shared" / "reference" / "collibra-openapi"


def test_a_policys_life(client, collibra):
    id = collibra.create_policy("Model Governance", "Models", enforcement_level="strict", allowed_models=["gpt-4o", "o3"])
    assert collibra.asset(id)["attributes"] == {"enforcement_level": ["strict"], "allowed_models": ["gpt-4o", "o3"]}
    assert collibra.asset(id)["status"] == "Accepted"
    collibra.change_policy(id, name="Renamed", enforcement_level="advisory", allowed_models=None, blocked_models="o1")
    read = {(record["type"]["name"], record["value"]) for record in client.get("/attributes", assetId=id).json()["results"]}
    assert read == {("enforcement_level", "advisory"), ("blocked_models", "o1")}
    assert client.get(f"/assets/{id}").json()["name"] == "Renamed"
    collibra.disable_policy(id)
    assert client.get(f"/assets/{id}").json()["status"]["name"] == "Obsolete"
    collibra.delete_policy(id)
    assert client.get(f"/assets/{id}").status == 404 and client.get("/attributes").json()["total"] == 0


def test_policies_of_other_kinds():
    kinds = {"max_cost": {"kind": "STRING"}, "allowed_models": {"kind": "MULTI_VALUE_LIST", "allowedValues": ["a", "b"]}}
    with FakeCollibra(asset_types=["AI Cost Limit", "Model Governance"], attribute_kinds=kinds) as collibra:
        assert set(collibra.asset_types()) == {"AI Cost Limit", "Model Governance"}
        id = collibra.create_policy("AI Cost Limit", "x", max_cost="five dollars")
        assert collibra.asset(id)["attributes"] == {"max_cost": ["five dollars"]}
        assert collibra.asset(collibra.create_policy("Model Governance", "y", allowed_models=["b", "a"]))["attributes"] == {"allowed_models": [["b", "a"]]}


def test_the_types_that_are_ours_and_what_becomes_of_them(client, collibra, item):
    assert len(collibra.asset_types()) == 9
    assert collibra.asset_types()["AI Cost Limit"]["publicId"] == "AICostLimit_C" and collibra.asset_types()["AI Cost Limit"]["parent"] == "Policy"
    assert "max_cost" in collibra.asset_types()["AI Cost Limit"]["attributes"] and collibra.attribute_types()["max_cost"]["kind"] == "NUMERIC"
    id = collibra.create_policy("AI Cost Limit", "x", max_cost=5)
    collibra.delete_type("max_cost")
    assert collibra.asset(id)["attributes"] == {} and client.get("/attributeTypes/name/max_cost").status == 404
    collibra.delete_type("AI Cost Limit")
    assert collibra.asset(id) is None and client.get("/assetTypes/publicId/AICostLimit_C").status == 404
    collibra.create_types(["AI Cost Limit"], prefix="genops_")
    assert "genops_max_cost" in collibra.asset_types()["AI Cost Limit"]["attributes"]
    collibra.delete_domain(collibra.domain_id)
    assert client.get("/domains").json()["total"] == 0


def test_calls_are_counted_by_operation_with_their_bodies(client, collibra, item):
    id = client.post("/assets", item("a secret name")).json()["id"]
    client.get(f"/assets/{id}")
    client.get("/assets", name="x")
    assert collibra.calls.by_operation() == {"POST /assets": 1, "GET /assets/{assetId}": 1, "GET /assets": 1}
    assert collibra.calls.count("GET /assets") == 1 and collibra.calls.count() == 3
    post = collibra.calls.all("POST /assets")[0]
    assert json.loads(post.body)["name"] == "a secret name"
    assert collibra.calls.wait(lambda calls: all(call.ended for call in calls.all()))
    assert (post.status, post.method, post.path, collibra.calls.all()[2].query) == (201, "POST", "/rest/2.0/assets", "name=x")
    assert collibra.calls.bytes_received() == len(post.body) and collibra.calls.bytes_sent() > 100
    assert [call.number for call in collibra.calls.mentions("secret name")] == [1] and not collibra.calls.mentions(collibra.password)
    collibra.calls.clear()
    assert collibra.calls.count() == 0


def test_calls_in_each_second():
    with FakeCollibra() as collibra:
        client = Client(collibra)
        for _ in range(3):
            client.get("/assets")
        for call, began in zip(collibra.calls.all(), (100.0, 100.7, 101.3)):
            call.began = began
        assert collibra.calls.in_each_second() == [2, 1]
        assert collibra.calls.most_in_a_second() == 2


def test_calls_at_once(client, collibra):
    client.get("/assets")
    assert collibra.calls.most_at_once == 1
    collibra.fault("delay", "GET", "/domains", times=None, seconds=0.2)
    threads = [threading.Thread(target=client.get, args=("/domains",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert collibra.calls.most_at_once == 4


def test_many_threads_write_at_once(collibra, item):
    def write(number):
        statuses.append(Client(collibra).post("/assets/bulk", [item(f"{number}-{i}") for i in range(5)] + ([item("same")] if number % 2 else [])).status)
    statuses = []
    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 9 + [400] * 7
    assert len(collibra.assets()) == 9 * 5 + 1


@pytest.fixture
def control(client):
    def send(method, path, body=None):
        reply = client.send(method, "/control/" + path, None if body is None else json.dumps(body), authorization=None)
        return reply.status, reply.json()
    return send


def test_the_control_channel(client, control, collibra):
    assert control("POST", "policies", {"type_name": "AI Cost Limit", "name": "x", "max_cost": 5})[0] == 200
    id = control("GET", "assets")[1][0]["id"]
    assert control("POST", "policies", {"do": "change", "id": id, "max_cost": 7})[0] == 200
    assert collibra.asset(id)["attributes"] == {"max_cost": [7.0]}
    assert control("POST", "policies", {"do": "disable", "id": id})[0] == 200
    control("POST", "faults", {"kind": "status", "path": "/assets", "status": 503})
    assert client.get("/assets").status == 503
    assert control("PUT", "switches", {"page_maximum": 1, "import_polls": ["404"]})[1]["import_polls"] == ["404"]
    assert client.get("/assets").json()["limit"] == 1
    assert control("GET", "calls")[1]["by_operation"] == {"GET /assets": 2}
    assert [call["status"] for call in control("GET", "log")[1]] == [503, 200]
    control("DELETE", "calls")
    assert control("GET", "calls")[1]["by_operation"] == {}
    token = control("POST", "tokens", {"life": 60})[1]["token"]
    control("POST", "clock", {"seconds": 61})
    assert client.call("GET", "/assets", authorization=f"Bearer {token}").code == "expiredToken"
    control("POST", "permissions", [])
    assert client.get("/users/current/permissions").json() == {"globalPermissions": []}
    assert control("POST", "policies", {"do": "delete", "id": id})[0] == 200 and control("GET", "assets")[1] == []
    assert control("POST", "domains", {"name": "Another"})[0] == 200
    assert control("POST", "jobs/next", {"end": "never"})[0] == 200 and control("GET", "jobs")[1] == []


def test_the_control_channel_tells_what_it_cannot(control):
    assert control("GET", "nothing")[0] == 404
    for path, body in (("faults", {"kind": "earthquake"}), ("policies", {"name": "x"}), ("policies", {"type_name": "Nothing", "name": "x"})):
        status, answer = control("POST", path, body)
        assert status == 400 and answer["error"]
    assert control("PUT", "switches", {"nothing": 1})[0] == 400


def test_tls_with_a_private_authority():
    with FakeCollibra(tls=True) as collibra:
        assert collibra.url == f"https://localhost:{collibra.port}"
        assert Client(collibra).get("/users/current").json()["userName"] == "genops"
        stranger = http.client.HTTPSConnection("localhost", collibra.port, timeout=5)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/rest/2.0/application/info")
        assert collibra.calls.count() == 1
        collibra.fault("reset")
        with pytest.raises(ConnectionResetError):
            Client(collibra).get("/assets")


def test_a_process_of_its_own():
    process = subprocess.Popen([sys.executable, "-m", "fake_collibra", "--types", "none", "--domain", "D", "page_maximum=7", 'import_polls=["404"]'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=FOLDER, env={**os.environ, "PYTHONPATH": str(FOLDER)})
    told = json.loads(process.stdout.readline())
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(told["url"].rsplit(":", 1)[1]), timeout=5)
        connection.request("GET", "/control/switches")
        switches = json.loads(connection.getresponse().read())
        connection.close()
        assert (switches["page_maximum"], switches["import_polls"]) == (7, ["404"])
    finally:
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_defect_of_the_fake_fails_the_test(monkeypatch):
    from fake_collibra import routes
    monkeypatch.setitem(routes.SERVED, "GET /assets", (lambda request: 1 / 0, ()))
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        with FakeCollibra() as collibra:
            assert Client(collibra).get("/assets").status == 500


def test_a_thousand_assets_in_bulk(client, collibra, item, value):
    for start in range(0, 1000, 500):
        assets = client.post("/assets/bulk", [item(f"n{number:04d}") for number in range(start, start + 500)]).json()
        for name in ("team", "project", "cost_amount"):
            assert client.post("/attributes/bulk", [value(asset["id"], name, "1") for asset in assets]).status == 201
    assert len(collibra.assets()) == 1000 and client.get("/attributes").json()["total"] == 3000


@pytest.mark.parametrize("room", extract.ROOMS)
def test_the_contract_is_what_the_whole_files_have(room):
    if not WHOLE.is_dir():
        pytest.skip("the whole OpenAPI files (../shared/reference/collibra-openapi) are not here")
    assert (extract.TARGET / f"{room}.json").read_text(encoding="utf-8") == extract.text(extract.extract(WHOLE, room))


def test_everything_served_is_in_the_contract():
    assert set(SERVED) <= set(CONTRACT.operations)


def test_the_readme_names_every_switch_fault_and_control_call():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, default, _, certainty, what in ROWS:
        assert f"| `{name}` | `{json.dumps(default)}` | {certainty} | {what} |" in readme, name
    for name in FIELDS:
        assert f"| `{name}` |" in readme, name
    for name in ROUTES:
        assert f"`{name}`" in readme, name


def test_every_switch_is_tested():
    tests = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("test_*.py"))
    assert [row[0] for row in ROWS if row[0] not in tests] == []
