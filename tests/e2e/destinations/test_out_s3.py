# SPDX-License-Identifier: Apache-2.0
"""Objects in S3: the guide's document and routes as they are written, through a real `genops serve`, at moto behind a front that checks
signatures and refuses what AWS refuses.

Proves: CRB-105, CRB-130, CRB-188, CRB-189, CRB-257..276, A-104, A-105, A-106, A-108, C-22.
"""
import datetime
import gzip
import json
import pathlib
import re
import signal
import time

import pyarrow
import pyarrow.parquet
import pytest
import yaml

import gateway as gateways
import receivers
from chaos_stage import wait_for
from fakes.s3 import ACCESS, SECRET, FakeS3, fault, lines
from receivers import post

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
AUDIT = {"genops.compliance.framework": "HIPAA", "genops.compliance.data_class": "phi", "genops.team": "care", "genops.project": "notes",
         "genops.cost.total": 0.05, "genops.policy.name": "phi", "genops.policy.result": "allowed"}


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(s3, destinations, pipelines, more="", **env):
        variables = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_S3": s3.url, "AWS_ENDPOINT_URL_STS": s3.url,
                     "AWS_REGION": "us-east-1", **env}
        (tmp_path / "destinations.yaml").write_text("\n---\n".join(destinations))
        for number, text in enumerate(pipelines):
            (tmp_path / f"pipeline-{number}.yaml").write_text(text)
        running = receivers.Serve(tmp_path, "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
                                  f"pipelines: pipeline-*.yaml\ndestinations: destinations.yaml\n{more}",
                                  env={key: value for key, value in variables.items() if value is not None})
        started.append(running)
        return running

    yield serve
    for running in started:
        running.stop()


def span(attributes, name="check", at=None):
    at = at or time.time_ns()
    values = [{"key": key, "value": {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}}
              for key, value in attributes.items()]
    return {"name": name, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{time.monotonic_ns() & (2**63 - 1):016x}",
            "startTimeUnixNano": str(at), "endTimeUnixNano": str(at + 1), "attributes": values}


def send(running, *spans):
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})
    assert post(running.http, body=body.encode(), headers=receivers.JSON).status == 200


def pipeline(destination, **route):
    return yaml.safe_dump({"id": "p", "processors": [{"name": "e", "type": "eval", "expressions": [
        {"title": "attributes['genops.title'] || 'nothing'"}, {"team": "attributes['genops.team']"}]}],
        "routes": [{"name": "all", "destination": destination, **route}]})


def bucket(**settings):
    return yaml.safe_dump({"id": "store", "type": "s3", "bucket": "company-genops-compliance-audit", "region": "us-east-1", "flush_interval": "50ms",
                           "retry_interval": "20ms", "retry_backoff": "constant", **settings})


def titles(s3):
    found = []
    for content in s3.objects().values():
        body = content["Body"].read()
        found += [event["title"] for event in lines(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)]
    return sorted(found)


def test_the_guides_document_and_routes(serve):
    """Pipeline 4 as it is written, with the destination as it is written; a role is assumed, objects are locked and encrypted."""
    audit = (GUIDE / "pipelines/genops-audit-trail.yaml").read_text()
    others = [f"id: {name}\ntype: file\npath: out/{name}\n" for name in ("snowflake_audit_db", "cribl_lake")]
    standard = "id: s3_compliance_standard\ntype: s3\nbucket: standard\nflush_interval: 50ms\n"
    with FakeS3() as s3:
        s3.make("standard")
        running = serve(s3, [(GUIDE / "destinations/s3_compliance_glacier.yaml").read_text(), standard, *others], [audit])
        before = datetime.datetime.now(datetime.timezone.utc)
        send(running, span(AUDIT), span(AUDIT), span({**AUDIT, "genops.compliance.framework": "GDPR"}))
        wait_for(lambda: s3.objects("standard"), 10, lambda: running.log)
        running.stop()  # an hour is long: what is there goes at the end
        objects = s3.objects()
        assert s3.n_roles == 1
        (key, stored), = objects.items()
        assert re.fullmatch(f"audit-trail/{before:%Y/%m/%d}/genops-audit-{before:%Y%m%d}\\d{{6}}-[0-9a-z]{{6}}\\.json\\.gz", key)
        events = lines(gzip.decompress(stored["Body"].read()))
        assert len(events) == 2 and all(event["retention_class"] == "long_term" for event in events)
        put = next(request for request in s3.puts() if "standard" not in request.path)
        assert put.headers["x-amz-server-side-encryption"] == "AES256" and "x-amz-server-side-encryption-aws-kms-key-id" not in put.headers
        assert put.headers["x-amz-storage-class"] == "GLACIER_IR" and put.headers["if-none-match"] == "*"
        assert stored["ObjectLockMode"] == "COMPLIANCE" and stored["VersionId"]
        assert abs(stored["ObjectLockRetainUntilDate"] - before - datetime.timedelta(days=2555)) < datetime.timedelta(minutes=5)
        assert stored["Metadata"]["genops-events"] == "2"
        assert stored["Metadata"]["genops-retain-until"][:10] == str(stored["ObjectLockRetainUntilDate"].date())
        with pytest.raises(s3.client.exceptions.ClientError):
            s3.client.delete_object(Bucket=s3.bucket, Key=key, VersionId=stored["VersionId"])
        (_, stored), = s3.objects("standard").items()
        assert stored["ServerSideEncryption"] == "AES256" and len(lines(gzip.decompress(stored["Body"].read()))) == 1


def test_a_contradiction_of_the_guide_is_told(tmp_path):
    (tmp_path / "genops.yaml").write_text(f"destinations: {GUIDE}/destinations/s3_compliance_glacier.yaml")
    told = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert "kms_key_id is not used" in told.stdout and "aws:kms" in told.stdout


def test_routes_say_how(serve):
    """compression, encryption, retention and object_lock of routes; each kind in an object of its own."""
    routes = [{"name": "a", "destination": "store", "compression": "gzip"},
              {"name": "b", "destination": "store", "retention": "7 years", "encryption": "AES-256"},
              {"name": "c", "destination": "store", "object_lock": "GOVERNANCE mode, 30 days", "retention": "1 year"},
              {"name": "d", "destination": "store", "payload_template": '{"only": "${name}"}'}]
    with FakeS3() as s3:
        running = serve(s3, [bucket(compression="none", path="")], [yaml.safe_dump({"id": "p", "routes": routes})])
        send(running, span({}, name="one"))
        wait_for(lambda: len(s3.objects()) == 4, 10, lambda: running.log)
        now = datetime.datetime.now(datetime.timezone.utc)
        objects = list(s3.objects().values())
        bodies = [content["Body"].read() for content in objects]
        assert sorted(body[:2] == b"\x1f\x8b" for body in bodies) == [False, False, False, True]
        kept = next(content for content in objects if "ServerSideEncryption" in content and "ObjectLockMode" not in content and
                    "genops-retain-until" in content["Metadata"])
        assert kept["Metadata"]["genops-retain-until"][:10] in {str((now + datetime.timedelta(days=days)).date()) for days in (2555, 2554)}
        locked = next(content for content in objects if "ObjectLockMode" in content)
        assert locked["ObjectLockMode"] == "GOVERNANCE" and (locked["ObjectLockRetainUntilDate"] - now).days in (364, 365)
        assert b'{"only": "one"}\n' in bodies


def test_parquet(serve):
    """Read by somebody else's reader."""
    with FakeS3() as s3:
        running = serve(s3, [bucket(format="parquet", path="t=${team}/")], [pipeline("store")])
        send(running, *[span({"genops.title": f"{i:02}", "genops.team": f"t{i % 2}"}) for i in range(20)])
        wait_for(lambda: len(s3.objects()) >= 2, 10, lambda: running.log)
        found = []
        for key, content in s3.objects().items():
            table = pyarrow.parquet.read_table(pyarrow.BufferReader(content["Body"].read()))
            assert key.endswith(".parquet") and content["ContentType"] == "application/vnd.apache.parquet"
            found += [(row["title"], row["team"]) for row in table.to_pylist()]
            assert all(key.startswith(f"t={row['team']}/") for row in table.to_pylist())
        assert sorted(found) == [(f"{i:02}", f"t{i % 2}") for i in range(20)]


def test_paths_of_events(serve):
    """Events with different paths go to different objects, in their order; names from outside can do no harm."""
    nasty = ["../../etc/passwd", "ü ?#&=+%2F\"'<>", "a//b", "\x01\n", "x" * 3000, ".", "", "日本語"]
    with FakeS3() as s3:
        running = serve(s3, [bucket(path="team=${title}/${_time:%Y}/", filename="e.json")], [pipeline("store")])
        send(running, *[span({"genops.title": title}) for title in nasty + nasty])
        wait_for(lambda: len(titles(s3)) == 2 * len(nasty), 10, lambda: running.log)
        keys = s3.objects()
        assert len(keys) == len(nasty)
        assert all(re.fullmatch(r"e-[0-9a-f]{12}\.json", key.split("/")[-1]) for key in keys)
        assert not any(part in ("", ".", "..") for key in keys for part in key.split("/"))
        assert titles(s3) == sorted([title or "nothing" for title in nasty] * 2)


@pytest.mark.parametrize("answer", [fault(503, "SlowDown", "Please reduce your request rate."), fault(503, "SlowDown", **{"retry-after": "1"}), fault(429, "TooMany"),
                                    fault(500, "InternalError"), fault(400, "RequestTimeout"), (502, {}, b"<html>"), "cut", "hang"],
                         ids=["slow-down", "retry-after", "429", "500", "time-out", "proxy", "answer-lost", "hang"])
def test_nothing_is_lost_and_nothing_twice(serve, answer):
    with FakeS3() as s3:
        s3.script = [answer]
        running = serve(s3, [bucket(timeout="1s")], [pipeline("store")])
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: titles(s3) == ["a"] and len(s3.puts()) > 1, 10, lambda: running.log)
        send(running, span({"genops.title": "b"}))
        wait_for(lambda: titles(s3) == ["a", "b"], 10, lambda: running.log)
        assert len(s3.versions()) == 2
        assert s3.puts()[0].path == s3.puts()[1].path  # the same name, so that it cannot be there twice


def test_keys_that_expire_are_renewed(serve):
    with FakeS3() as s3:
        running = serve(s3, [bucket(auth_type="iam_role", role_arn="arn:aws:iam::123456789012:role/Writer", external_id="e/1")], [pipeline("store")])
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: titles(s3) == ["a"], 10, lambda: running.log)
        for key, (secret, token, until) in list(s3.keys.items()):  # all at once, long before they should
            if until:
                s3.keys[key] = secret, token, datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
        send(running, span({"genops.title": "b"}))
        wait_for(lambda: titles(s3) == ["a", "b"], 10, lambda: running.log)
        assert s3.n_roles == 2
        assert not any("secret/" in line or "token+" in line for line in running.log)


def test_a_web_identity(serve, tmp_path):
    with FakeS3() as s3:
        s3.web_token = "eyJhbGciOi.x.y"
        (tmp_path / "token").write_text(s3.web_token + "\n")
        running = serve(s3, [bucket()], [pipeline("store")], AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                        AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"), AWS_ROLE_ARN="arn:aws:iam::123456789012:role/Pod")
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: titles(s3) == ["a"], 10, lambda: running.log)


def test_what_somebody_has_to_mend_waits(serve):
    """No bucket, no rights: told with what to do; nothing goes to the dead letters."""
    with FakeS3() as s3:
        s3.script = [fault(403, "AccessDenied", "no")]
        running = serve(s3, [bucket()], [pipeline("store")])
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: any("s3:PutObject" in line for line in running.log), 10, lambda: running.log)
        assert not (pathlib.Path(running.state) / "dead-letter.jsonl").exists()
        running.stop()
        running = serve(s3, [bucket()], [pipeline("store")])
        wait_for(lambda: titles(s3) == ["a"], 10, lambda: running.log)


def test_a_kill_between_put_and_acknowledgement(serve):
    """The object is there, its answer never came, the process is dead, more has come: the same object again, which the store refuses, and then the rest."""
    with FakeS3() as s3:
        s3.script = ["cut"] + [fault(503, "SlowDown", **{"retry-after": "60"})] * 50
        running = serve(s3, [bucket()], [pipeline("store")])
        send(running, span({"genops.title": "a"}), span({"genops.title": "b"}))
        wait_for(lambda: len(s3.puts()) >= 2, 10, lambda: running.log)
        send(running, span({"genops.title": "c"}))
        running.stop(signal.SIGKILL)
        s3.script = []
        running = serve(s3, [bucket()], [pipeline("store")])
        wait_for(lambda: titles(s3) == ["a", "b", "c"], 15, lambda: running.log)
        assert len(s3.versions()) == 2
        assert sum(request.status == 412 for request in s3.puts()) == 1


def test_an_hour_is_not_begun_anew(serve):
    """A batch that waits survives a kill and a downtime, and so does the time since which it waits."""
    with FakeS3() as s3:
        running = serve(s3, [bucket(flush_interval="5s", batch_size="100 MB")], [pipeline("store")])
        begin = time.monotonic()
        send(running, span({"genops.title": "a"}))
        time.sleep(2)  # the wait itself is what is tested
        running.stop(signal.SIGKILL)
        assert not s3.objects()
        running = serve(s3, [bucket(flush_interval="5s", batch_size="100 MB")], [pipeline("store")])
        send(running, span({"genops.title": "b"}))
        wait_for(lambda: titles(s3) == ["a", "b"], 10, lambda: running.log)
        assert time.monotonic() - begin < 6.8 and len(s3.versions()) == 1


def test_a_full_object_goes_at_once(serve):
    with FakeS3() as s3:
        running = serve(s3, [bucket(flush_interval="3600s", batch_size="100 KB", compression="none")], [pipeline("store")])
        for number in range(12):
            send(running, *[span({"genops.title": f"{number:02}{i:02}", "pad": "x" * 800}) for i in range(20)])
        wait_for(lambda: len(s3.objects()) > 1, 15, lambda: running.log)
        for content in s3.objects().values():
            assert content["ContentLength"] <= 102_400
        running.stop()
        assert titles(s3) == sorted(f"{number:02}{i:02}" for number in range(12) for i in range(20))


@pytest.mark.parametrize("settings, message", [
    ({"bucket": "No"}, "is not a bucket's name"), ({"object_lock": True}, "object_lock_mode and object_lock_retention"),
    ({"retention": "7 eons"}, "7 eons"), ({"server_side_encryption": "ROT13"}, "ROT13"), ({"nonsense": 1}, "nonsense"),
    ({"path": "${x +}"}, "path"), ({"filename": "a.gz", "compression": "none"}, "filename ends in .gz"),
    ({"format": "parquet", "compression": "gzip"}, "gzip is not it"), ({"endpoint": "minio:9000"}, "endpoint is not an address"), ({"access_key_id": "x"}, "belong together"),
    ({"object_lock": "COMPLIANCE mode"}, "COMPLIANCE mode, 7 years"), ({"role_arn": "Writer"}, "ARN")])
def test_faults_of_the_configuration(tmp_path, settings, message):
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": [yaml.safe_load(bucket(**settings))]}))
    told = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert told.returncode == 2 and message in told.stdout + told.stderr, told.stdout + told.stderr
    assert re.search(r"genops.yaml:\d+", told.stdout + told.stderr)


@pytest.mark.parametrize("route, message", [({"retention": "soon"}, "retention"), ({"dataset": "x"}, "dataset"), ({"versioning": "disabled"}, "versioning"),
                                            ({"object_lock": "7 years"}, "object_lock"), ({"encryption": "DES"}, "encryption")])
def test_faults_of_routes(tmp_path, route, message):
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": [yaml.safe_load(bucket())], "pipelines": [yaml.safe_load(pipeline("store", **route))]}))
    told = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert told.returncode == 2 and message in told.stdout + told.stderr, told.stdout + told.stderr
