# SPDX-License-Identifier: Apache-2.0
"""The Import API: merge and set, one transaction or none, and what each kind of failure leaves behind."""
import pytest

from conftest import BASE, form


def errors(client, job):
    return client.get(f"/import/results/{job['id']}/errors").json()["results"]


def counters(client, job):
    summary = client.get(f"/import/results/{job['id']}/summary").json()
    return {entry["resourceType"]: entry["counters"] for entry in summary["resourceTypes"]}


def test_the_same_file_twice_leaves_the_same_state(client, collibra, run, command):
    file = [command("a", team="search", cost_amount="0.002500"), command("b", team="ads")]
    job = run(file, continueOnError="true")
    assert (job["state"], job["result"], job["type"]) == ("COMPLETED", "SUCCESS", "IMPORT")
    assert counters(client, job) == {"ASSET": {"added": 2, "updated": 0, "removed": 0}, "ATTRIBUTE": {"added": 3, "updated": 0, "removed": 0}}
    before = collibra.assets()
    job = run(file, continueOnError="true")
    assert counters(client, job) == {"ASSET": {"added": 0, "updated": 0, "removed": 0}, "ATTRIBUTE": {"added": 0, "updated": 0, "removed": 0}}
    assert collibra.assets() == before
    assert before[0]["attributes"] == {"team": ["search"], "cost_amount": [0.0025]}


def test_a_named_attribute_is_set_and_an_unnamed_one_stays(collibra, run, command):
    run([command("a", team="search", project="x")])
    run([command("a", team="ads", more={"displayName": "Readable", "status": {"name": "Accepted"}, "tags": ["genops"]})])
    asset = collibra.assets()[0]
    assert asset["attributes"] == {"team": ["ads"], "project": ["x"]}
    assert (asset["displayName"], asset["status"], asset["tags"]) == ("Readable", "Accepted", ["genops"])
    run([command("a", more={"attributes": {collibra.type_id("team"): [{"value": "1"}, {"value": "2"}], "project": []}})])
    assert collibra.assets()[0]["attributes"] == {"team": ["1", "2"]}


@pytest.mark.parametrize("type_", [{"name": "AI Operation Cost"}, {"publicId": "AIOperationCost_C"}, "id"], ids=str)
def test_ways_to_name_a_type(collibra, run, command, type_):
    type_ = {"id": collibra.type_id("AI Operation Cost")} if type_ == "id" else type_
    assert run([command("a", more={"type": type_})])["result"] == "SUCCESS"
    assert collibra.assets("AI Operation Cost")


def test_ways_to_identify(collibra, run, command):
    by_names = {"name": "a", "domain": {"name": "AI Governance", "community": {"name": "AI"}}}
    assert run([command("x", more={"identifier": by_names})])["result"] == "SUCCESS"
    id = collibra.assets()[0]["id"]
    assert run([command("x", more={"identifier": {"id": id}, "name": "renamed"})])["result"] == "SUCCESS"
    assert [asset["name"] for asset in collibra.assets()] == ["renamed"]


@pytest.mark.parametrize("change,code", [
    ({"identifier": {}}, "importCommandIdentifierNotDefined"), ({"identifier": {"name": "a"}}, "importCommandIdentifierNotDefined"),
    ({"identifier": {"id": "11111111-2222-4333-8444-555555555555", "name": "a"}}, "importCommandIdentifierAmbiguous"),
    ({"identifier": {"id": "11111111-2222-4333-8444-555555555555"}}, "importCommandResourceNotFound"),
    ({"identifier": {"name": "a", "domain": {"id": "11111111-2222-4333-8444-555555555555"}}}, "importCommandResourceNotFound"),
    ({"name": "another"}, "importCommandNotIdempotent"), ({"type": {"name": "Nothing"}}, "importCommandResourceNotFound"),
    ({"type": None}, "importCommandInvalid"), ({"status": {"name": "Nothing"}}, "importCommandResourceNotFound"),
    ({"resourceType": "Planet"}, "importCommandResourceTypeInvalid"), ({"attributes": {"nothing": [{"value": "x"}]}}, "importCommandResourceNotFound"),
    ({"attributes": {"cost_amount": [{"value": 5}]}}, "importCommandInvalid"), ({"attributes": {"cost_amount": [{"value": "dear"}]}}, ""),
    ({"attributes": {"team": [{"values": ["x"]}]}}, "importCommandInvalid"), ({"attributes": {"team": [{}]}}, "importCommandInvalid"),
    ({"displayName": ""}, "importCommandInvalid"), ({"type": {"name": "AI Use Case"}}, ""),
], ids=lambda value: str(value)[:60])
def test_a_bad_command_is_an_error_of_its_index(client, collibra, run, command, change, code):
    job = run([command("good"), command("a", more=change), command("last")], continueOnError="true")
    assert (job["state"], job["result"]) == ("COMPLETED", "COMPLETED_WITH_ERROR")
    error, = errors(client, job)
    assert (error["errorType"], error["resourceType"], error["command"]["indices"]) == ("VALIDATION", "ASSET", [1])
    assert error["errorMessage"].startswith(code)
    assert [asset["name"] for asset in collibra.assets()] == ["good", "last"]


def test_without_continue_on_error_nothing_is_stored(client, collibra, run, command):
    job = run([command("good"), command("a", cost_amount="dear"), command("b", cost_amount="dear")], continueOnError="false")
    assert (job["state"], job["result"]) == ("ERROR", "FAILURE")
    assert [error["command"]["indices"] for error in errors(client, job)] == [[1], [2]]
    assert collibra.assets() == []
    assert run([command("good")], continueOnError="false")["result"] == "SUCCESS"


@pytest.mark.parametrize("default", [False, True])
def test_the_default_of_continue_on_error(collibra, run, command, default):
    collibra.switches.import_continue_default = default
    run([command("good"), command("a", cost_amount="dear")])
    assert bool(collibra.assets()) == default


def test_more_than_100_failures_abort(client, collibra, run, command):
    job = run([command("good")] + [command(f"n{i}", cost_amount="dear") for i in range(101)] + [command("late")], continueOnError="true")
    assert job["result"] == "ABORTED"
    assert len(errors(client, job)) == 101
    assert [asset["name"] for asset in collibra.assets()] == ["good"]
    job = run([command("good")] + [command(f"n{i}", cost_amount="dear") for i in range(100)] + [command("late")], continueOnError="true")
    assert job["result"] == "COMPLETED_WITH_ERROR"
    page = client.get(f"/import/results/{job['id']}/errors", offset=98, limit=10).json()
    assert (page["total"], page["offset"], [error["command"]["indices"] for error in page["results"]]) == (100, 98, [[99], [100]])


@pytest.mark.parametrize("file", [b"{}", b'{"a": 1}', b"[", b"", b"7"])
def test_a_file_that_is_no_array_of_commands(collibra, run, file):
    job = run(file, continueOnError="true")
    assert (job["state"], job["result"]) == ("ERROR", "FAILURE")
    assert job["message"]


def test_the_request_itself(client, submit, command, collibra):
    assert client.post("/import/json-job", [command("a")]).status == 415
    assert submit(None, continueOnError="true").status == 400
    assert submit([command("a")], continueOnError="perhaps").status == 400
    assert submit([command("a")], relationsAction="DELETE").status == 400
    assert submit([command("a")], batchSize="0").status == 400
    headers, body = form([command("a")])
    assert client.send("POST", BASE + "/import/json-job", body[:-20], headers).status == 400
    assert client.send("POST", BASE + "/import/json-job", body, {"Content-Type": "multipart/form-data"}).status == 400
    assert not collibra.jobs()


def test_a_simulation_stores_nothing(client, collibra, run, command):
    job = run([command("a")], simulation="true")
    assert job["result"] == "SUCCESS"
    assert counters(client, job)["ASSET"]["added"] == 1
    assert collibra.assets() == []


def test_what_polls_are_told(client, collibra, submit, command):
    collibra.switches.import_polls = ("404", "500", "WAITING", "RUNNING")
    id = submit([command("a")]).json()["id"]
    assert client.get(f"/import/results/{id}/errors").status == 400
    replies = [client.get(f"/jobs/{id}") for _ in range(6)]
    assert [reply.status for reply in replies] == [404, 500, 200, 200, 200, 200]
    assert [(reply.json()["state"], reply.json()["result"]) for reply in replies[2:]] == [
        ("WAITING", "NOT_SET"), ("RUNNING", "NOT_SET"), ("COMPLETED", "SUCCESS"), ("COMPLETED", "SUCCESS")]
    assert client.get(f"/import/results/{id}/errors").json()["results"] == []
    unknown = "11111111-2222-4333-8444-555555555555"
    for path in (f"/jobs/{unknown}", f"/import/results/{unknown}/errors", f"/import/results/{unknown}/summary"):
        assert client.get(path).status == 404


def test_a_slow_job_stores_when_its_time_has_come(client, collibra, submit, command):
    collibra.switches.import_seconds = 30
    id = submit([command("a")]).json()["id"]
    assert collibra.assets() == [] and client.get("/assets").json()["results"] == []
    assert [client.get(f"/jobs/{id}").json()["state"] for _ in range(3)] == ["RUNNING"] * 3
    collibra.advance(31)
    assert client.get(f"/jobs/{id}").json()["state"] == "COMPLETED"
    assert len(collibra.assets()) == 1


@pytest.mark.parametrize("end,state", [("never", "RUNNING"), ("CANCELED", "CANCELED"), ("ERROR", "ERROR")])
def test_other_ends(client, collibra, submit, command, end, state):
    collibra.next_job(end=end, polls=())
    id = submit([command("a")]).json()["id"]
    assert client.get(f"/jobs/{id}").json()["state"] == state
    assert collibra.assets() == []
    assert collibra.jobs()[0]["state"] == state
    if end == "never":
        assert client.post(f"/jobs/{id}/canceled", {}).status == 202
        assert client.get(f"/jobs/{id}").json()["state"] == "CANCELED"
    submit([command("a")])
    assert len(collibra.assets()) == 1  # the next one is as usual again


def test_two_running_jobs_on_one_asset(client, collibra, submit, command):
    collibra.switches.import_seconds = 5
    first, second = (submit(file, continueOnError="true").json()["id"] for file in ([command("a", team="1")], [command("a", team="2"), command("b")]))
    collibra.advance(6)
    for id in (first, second):
        client.get(f"/jobs/{id}")
    assert client.get(f"/jobs/{first}").json()["result"] == "SUCCESS"
    error, = errors(client, {"id": second})
    assert (error["errorType"], error["command"]["indices"]) == ("RUNTIME", [0])
    assert {asset["name"]: asset["attributes"] for asset in collibra.assets()} == {"a": {"team": ["1"]}, "b": {}}


def test_spoiled_commands(client, collibra, run, command):
    collibra.spoil("b*", times=2)
    job = run([command("a"), command("b1"), command("b2"), command("b3")], continueOnError="true")
    assert [(error["errorType"], error["command"]["indices"]) for error in errors(client, job)] == [("RUNTIME", [1]), ("RUNTIME", [2])]
    assert [asset["name"] for asset in collibra.assets()] == ["a", "b3"]


@pytest.mark.parametrize("form_,good,bad", [("any", ["1700000000000", "2023-11-14T22:13:20Z"], ["soon"]), ("millis", ["1700000000000"], ["2023-11-14T22:13:20Z"]),
                                            ("iso", ["2023-11-14T22:13:20Z"], ["1700000000000"])])
def test_dates_in_a_file(client, collibra, run, command, form_, good, bad):
    collibra.create_attribute_type("day", kind="DATE")
    collibra.switches.import_date = form_
    for text in good:
        assert run([command("a", day=text)])["result"] == "SUCCESS"
        assert collibra.assets()[0]["attributes"] == {"day": [1700000000000]}
    for text in bad:
        assert run([command("a", day=text)])["result"] == "FAILURE"


def test_lists_and_booleans_in_a_file(collibra, run, command):
    collibra.create_attribute_type("many", kind="MULTI_VALUE_LIST", allowedValues=["a", "b"])
    collibra.create_attribute_type("flag", kind="BOOLEAN")
    assert run([command("a", flag="True", more={})])["result"] == "SUCCESS"
    assert run([command("a", more={"attributes": {"many": [{"values": ["b", "a"]}]}})])["result"] == "SUCCESS"
    assert collibra.assets()[0]["attributes"] == {"flag": [True], "many": [["b", "a"]]}
    assert run([command("a", more={"attributes": {"many": [{"values": ["z"]}]}})])["result"] == "FAILURE"


@pytest.mark.parametrize("switch", ["403", "404"])
def test_an_instance_that_does_not_let_import(client, collibra, submit, command, switch):
    collibra.switches.import_api = switch
    assert submit([command("a")]).status == int(switch)
    collibra.switches.import_api = "on"
    collibra.permit("ASSET_ADD")
    assert submit([command("a")]).status == 403


def test_a_thousand_assets_are_few_calls(client, collibra, run, command):
    collibra.calls.clear()
    job = run([command(f"n{i:04d}", team="t", cost_amount="0.01", model_name="m") for i in range(1000)], continueOnError="true")
    assert job["result"] == "SUCCESS"
    assert len(collibra.assets()) == 1000
    assert collibra.calls.by_operation() == {"POST /import/json-job": 1, "GET /jobs/{jobId}": 2}


def test_the_list_of_jobs(client, run, command):
    for name in "ab":
        run([command(name)])
    jobs = client.get("/jobs", type="IMPORT", limit=1).json()
    assert (jobs["total"], len(jobs["results"])) == (2, 1)


def test_how_many_failures_are_too_many(collibra, run, command):
    collibra.switches.import_failures_maximum = 1
    assert run([command(name, cost_amount="dear") for name in "ab"], continueOnError="true")["result"] == "ABORTED"


def test_how_jobs_end_while_the_switch_says_so(client, collibra, submit, command):
    collibra.switches.set(import_end="ERROR", import_polls=())
    for _ in range(2):
        job = client.get(f"/jobs/{submit([command('a')]).json()['id']}").json()
        assert (job["state"], job["result"]) == ("ERROR", "FAILURE")
    assert collibra.assets() == []
