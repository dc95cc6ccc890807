# SPDX-License-Identifier: Apache-2.0
"""Snowflake: the guide's audit route through a real `genops serve`; each event is one row, whatever dies, runs long or is refused.

Proves: CRB-190, A-075 as DESIGN 6 decides; CRB-310 in part.
"""
import json
import pathlib
import signal
import subprocess

import pytest
import yaml

import gateway as gateways
import receivers
from chaos_stage import wait_for
from fakes.snowflake import FakeSnowflake
from receivers import post
from test_out_alert import files, send, serve, simple, span  # noqa: F401: a fixture

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
AUDITED = {"genops.compliance.framework": "HIPAA", "genops.team": "health", "genops.environment": "production"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    run = lambda *command: subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)  # noqa: E731
    run("genrsa", "-out", "rsa.pem", "2048")
    run("pkcs8", "-topk8", "-in", "rsa.pem", "-out", "key.p8", "-passout", "pass:s3cret")
    run("rsa", "-in", "rsa.pem", "-pubout", "-out", "key.pub")
    run("genrsa", "-out", "other.pem", "2048")
    return folder


def document(fake, keys, more=""):
    return (f"id: snowflake_audit_db\ntype: snowflake\naccount: myorg-account\nendpoint: {fake.url}\nuser: genops\nprivate_key: ${{file:{keys}/key.p8}}\n"
            f"private_key_passphrase: ${{SNOWFLAKE_PASSPHRASE}}\nwarehouse: AUDIT_WH\nflush_interval: 100ms\ntimeout: 2s\nretry_interval: 50ms\nretry_backoff: constant\n{more}")


ENV = {"SNOWFLAKE_PASSPHRASE": "s3cret"}


def audited(name, **more):
    return {**span({**AUDITED, **more}, name=name), "spanId": f"{abs(hash(name)) % 2**60 + 1:016x}"}


def letters(running):
    path = running.state / "dead-letter.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def pipeline(keep_filter=False):
    """The guide's, with the trap of its route mended unless asked: eval makes audit_trail_required a boolean, the filter asks for a text."""
    text = (GUIDE / "pipelines/genops-audit-trail.yaml").read_text()
    assert text.count("filter: audit_trail_required == 'true'") == 1
    return text if keep_filter else text.replace("filter: audit_trail_required == 'true'", "filter: audit_trail_required == true")


def start(serve, fake, keys, more="", text=None):  # noqa: F811
    (keys / "out").mkdir(exist_ok=True)
    text = text or pipeline()
    names = {route["destination"] for route in yaml.safe_load(text)["routes"]}
    others = [one.replace("out/", f"{keys}/out/") for one in files(text) if "snowflake" not in one and one.split("\n")[0][4:] in names]
    return serve([document(fake, keys, more), *others], [text], env=ENV)


def test_the_guides_route(serve, keys):  # noqa: F811
    with FakeSnowflake(public_key=keys / "key.pub") as fake:
        running = start(serve, fake, keys)
        send(running, audited("chat gpt-4"), span({"genops.team": "not audited"}))
        (row,) = wait_for(fake.rows, 10, lambda: (running.log, [request.body for request in fake.requests]))
        assert row["pipeline"] == "genops-audit-trail" and row["route"] == "to_snowflake_audit" and row["event_time"].startswith("20")
        assert row["event"]["compliance_framework"] == "HIPAA" and row["event"]["operation_name"] == "chat gpt-4" and row["event"]["retention_years"] == 7
        body = json.loads(fake.requests[0].body)
        assert body["warehouse"] == "AUDIT_WH" and body["statement"].startswith('MERGE INTO "GENOPS_AUDIT_TRAIL" AS t')


def test_the_trap_of_the_guides_filter(serve, keys):  # noqa: F811
    """As it is written nothing goes there, and the linter says why."""
    with FakeSnowflake(public_key=keys / "key.pub") as fake:
        running = start(serve, fake, keys, text=pipeline(keep_filter=True))
        told = gateways.genops("validate", "--json", config=running.config, home=running.folder, env=ENV)
        assert any("audit_trail_required" in each["message"] for each in json.loads(told.stdout)["checks"])
        send(running, audited("trap"))
        wait_for(lambda: "trap" in (keys / "out/cribl_lake").read_text() if (keys / "out/cribl_lake").exists() else None, 10, lambda: running.log)
        assert fake.requests == []


def test_answers(serve, keys):  # noqa: F811
    """429 with and without Retry-After, 500, 503, 408, a lost answer, a hang, long statements: one row each."""
    with FakeSnowflake(public_key=keys / "key.pub") as fake:
        running = start(serve, fake, keys)
        fake.script = [(429, {"Retry-After": "1"}, ""), (429, {}, ""), (500, {}, "<html>"), (503, {}, ""), "cut", "hang", (401, {}, '{"code": "390144", "message": "JWT token is invalid."}')]
        send(running, audited("a"), audited("b"))
        wait_for(lambda: len(fake.rows()) == 2 and len(fake.requests) == 8, 15, lambda: (len(fake.requests), running.log))
        assert fake.requests[1].time - fake.requests[0].time >= 0.95
        assert len({request.path for request in fake.requests}) == 1 and "retry=true" in fake.requests[0].path  # one statement, one id: executed once
        assert fake.n_rows_given == 2
        fake.polls, n = 2, len(fake.requests)
        send(running, audited("c"))
        wait_for(lambda: len(fake.requests) >= n + 3, 10, lambda: running.log)
        fake.polls = 0
        send(running, audited("after c"))
        wait_for(lambda: len(fake.rows()) == 4, 10, lambda: running.log)
        assert [request.method for request in fake.requests[n:]] == ["POST", "GET", "GET", "POST"]  # what it said when asked was the answer
        assert fake.requests[n + 1].path.startswith("/api/v2/statements/")
        port = fake.port
        fake.close()
        send(running, audited("d"))
        wait_for(lambda: any("no answer" in line for line in running.log), 10, lambda: running.log)
        with FakeSnowflake(port, public_key=keys / "key.pub") as fake:
            wait_for(lambda: [row["event"]["operation_name"] for row in fake.rows()] == ["d"], 10, lambda: running.log)
            assert letters(running) == []


def test_what_sql_refuses(serve, keys):  # noqa: F811
    """A row that cannot be is found and told; a table that is not there holds what waits, and the message says what to do."""
    with FakeSnowflake(public_key=keys / "key.pub") as fake:
        running = start(serve, fake, keys)
        fake.poison = "p0ison"
        send(running, *[audited(f"{i}-{'p0ison' if i == 3 else 'fine'}") for i in range(7)])
        wait_for(lambda: len(fake.rows()) == 6 and letters(running), 10, lambda: (len(fake.rows()), running.log))
        assert len(letters(running)) == 1 and "100069" in letters(running)[0]["reason"]
        fake.polls = 2 # the same of a statement that runs long: its neighbours are not lost with it
        send(running, *[audited(f"{i}-{'p0ison' if i == 3 else 'long'}") for i in range(7)])
        wait_for(lambda: len(fake.rows()) == 12 and len(letters(running)) == 2, 20, lambda: (len(fake.rows()), letters(running), running.log))
        fake.polls = 0
        del fake.tables['"GENOPS_AUDIT_TRAIL"']
        send(running, audited("waits"))
        wait_for(lambda: any("002003 42S02" in line and "create the table" in line for line in running.log), 10, lambda: running.log)
        assert len(letters(running)) == 2
        running.stop(signal.SIGKILL)
        fake.tables['"GENOPS_AUDIT_TRAIL"'] = {}
        running = receivers.Serve(running.folder, running.config.read_text().split("\ngateway:")[0], env=ENV)
        try:
            wait_for(lambda: [row["event"]["operation_name"] for row in fake.rows()] == ["waits"], 10, lambda: running.log)
        finally:
            running.stop()


def test_credentials(serve, keys, tmp_path):  # noqa: F811
    """Tokens of both kinds; another key than the user's; what cannot be read is an error when it loads, without the secret."""
    with FakeSnowflake(token="pat-0123") as fake:
        for kind, value in (("programmatic_access_token", "pat-0123"), ("oauth", "pat-0123")):
            (tmp_path / kind).mkdir()
            (tmp_path / kind / "token").write_text(value + "\n")
            text = f"id: s\ntype: snowflake\naccount: a\nendpoint: {fake.url}\ntoken: ${{file:{tmp_path / kind}/token}}\ntoken_type: {kind}\ntable: db.public.\"{kind}\"\nflush_interval: 50ms\n"
            fake.tables[f'"DB"."PUBLIC"."{kind}"'] = {}
            running = serve([text], [simple("s")])
            send(running, audited(kind))
            wait_for(lambda: fake.rows(f'"DB"."PUBLIC"."{kind}"'), 10, lambda: running.log)  # noqa: B023
            running.stop()
    with FakeSnowflake(public_key=keys / "key.pub") as fake:
        running = serve([document(fake, keys).replace("key.p8", "other.pem")], [simple("snowflake_audit_db")], env=ENV)
        send(running, audited("x"))
        wait_for(lambda: any("390144" in line and "public key" in line for line in running.log), 10, lambda: running.log)
        assert letters(running) == [] and not any("PRIVATE KEY" in line for line in running.log)
    (tmp_path / "bad.yaml").write_text("destinations:\n  - id: s\n    type: snowflake\n    account: a\n    user: u\n"
                                       f"    private_key: ${{file:{keys}/key.p8}}\n    private_key_passphrase: wr0ng\n")
    done = gateways.genops("validate", config=tmp_path / "bad.yaml", home=tmp_path)
    assert done.returncode == 2 and "private_key_passphrase" in done.stdout + done.stderr and "wr0ng" not in done.stdout + done.stderr


def test_a_table_is_no_sql(serve, tmp_path):  # noqa: F811
    text = yaml.safe_dump({"id": "p", "routes": [{"name": "r", "destination": "s", "table": "audit; DROP TABLE users --"}]})
    (tmp_path / "genops.yaml").write_text(f"destinations: [{{id: s, type: snowflake, account: a, token: t}}]\npipelines: {json.dumps([yaml.safe_load(text)])}\n")
    done = gateways.genops("validate", config=tmp_path / "genops.yaml", home=tmp_path)
    assert done.returncode == 2 and "is no name of a table" in done.stdout + done.stderr


def test_killed_again_and_again(serve, keys):  # noqa: F811
    with FakeSnowflake(public_key=keys / "key.pub") as fake:
        running, names = start(serve, fake, keys), []
        for generation in range(4):
            fake.script = ["cut"] if generation % 2 else ["hang"]
            before = len(fake.requests)
            names += [f"{generation}-{i}" for i in range(10)]
            send(running, *[audited(name) for name in names[-10:]])
            wait_for(lambda: len(fake.requests) > before, 10, lambda: running.log)  # noqa: B023
            running.stop(signal.SIGKILL)
            fake.script = []
            running = receivers.Serve(running.folder, running.config.read_text().split("\ngateway:")[0], env=ENV)
        try:
            wait_for(lambda: len(fake.rows()) >= len(names), 15, lambda: (len(fake.rows()), running.log))
            assert sorted(row["event"]["operation_name"] for row in fake.rows()) == sorted(names)
            assert post(running.http, "/v1/traces").status == 200
        finally:
            running.stop()
