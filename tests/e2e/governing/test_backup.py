# SPDX-License-Identifier: Apache-2.0
"""Backups by the guide's section, through a real `genops serve`, at moto behind a front that checks signatures, and in directories; restored into empty
folders, where figures, audit chain and what waited for destinations are as they were.

Proves: CRB-415, CRB-416, CRB-417, CRB-418, CRB-419, CRB-420, CRB-421, CRB-422, CRB-423, CRB-427; in part CRB-424, CRB-425, CRB-426: a region without
an address is told at load.
"""
import contextlib
import datetime
import gzip
import io
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tarfile
import threading
import time

import pytest

import gateway as gateways
import receivers
from chaos_stage import free_port, wait_for
from fakes.s3 import ACCESS, SECRET, ArchiveS3, fault
from provider import Answer, Provider

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "guide"
STRATEGY = (GUIDE / "backup" / "backup_strategy.yaml").read_text()
RECEIVERS = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
CONFIG, STATE = "cribl-config-backup", "cribl-state-backup"
NAME = re.compile(r"(config|state)-\d{8}T\d{6}Z\.tar\.zst")
PASSWORD = "hunter2-in-the-file"


def keys(s3):
    return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_S3": s3.url}


@pytest.fixture
def store():
    with ArchiveS3() as s3:
        s3.make(CONFIG)
        s3.make(STATE)
        yield s3


@pytest.fixture
def provider():
    answer = {"id": "1", "object": "chat.completion", "model": "gpt-4o-mini", "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "Hi"}}], "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}}
    provider = Provider(0)
    provider.play(lambda request: Answer(200, {"content-type": "application/json"}, json.dumps(answer).encode(), is_chunked=False))
    yield provider
    provider.close()


@pytest.fixture
def serve(tmp_path):
    started = []

    def serve(text, folder=tmp_path, providers=None, **more):
        folder.mkdir(exist_ok=True)
        running = receivers.Serve(folder, RECEIVERS + text, providers, **more)
        started.append(running)
        return running
    yield serve
    for running in started:
        running.stop()


def write_documents(folder):
    """One of each kind that the guide's includes name; a secret in a document, and one in a file."""
    for part in ("pipelines", "lookups", "destinations"):
        (folder / part).mkdir()
    (folder / "key").write_text("sk-in-a-file")
    (folder / "key").chmod(0o600)
    (folder / "lookups/team_metadata.csv").write_bytes((GUIDE / "lookups/team_metadata.csv").read_bytes())
    (folder / "lookups/teams.yaml").write_text("id: teams\ntype: csv\nfile: team_metadata.csv\nkey_field: team\n")
    (folder / "pipelines/keep.yaml").write_text("id: keep\nroutes: [{name: all, destination: kept}]\n")
    (folder / "destinations/kept.yaml").write_text("id: kept\ntype: file\npath: kept\n")
    (folder / "destinations/elastic.yaml").write_text(
        f"id: search\ntype: elasticsearch\nendpoint: http://127.0.0.1:9\nindex: x\nuser: u\npassword: {PASSWORD}\n")
    (folder / "sources.yaml").write_text("Source Configuration: {Name: edge, Address: 127.0.0.1, Port: %d}\n" % free_port() + "")
    return ("lookups: lookups/*.yaml\npipelines: pipelines/*.yaml\ndestinations: destinations/*.yaml\nsources: sources.yaml\n"
            "governance: {attributes: {team: search}}\n")


def archives(s3, bucket):
    return {entry["Key"]: entry["Size"] for entry in s3.client.list_objects_v2(Bucket=bucket).get("Contents", [])}


def content(archive):
    """What is in it, by GNU's and zstd's own readers."""
    plain = subprocess.run(["zstd", "-dcq"], input=archive, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def body(s3, bucket, key):
    return s3.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def run(*arguments, state=None, config=None, **env):
    return gateways.genops(*arguments, state=state, config=config, env={"AWS_REGION": "us-east-1", **env})


def figures(state):
    cost, audit = run("cost", "--json", "--by", "team", state=state), run("audit", "verify", state=state)
    assert audit.returncode == 0, audit.stderr + audit.stdout
    return json.loads(cost.stdout), audit.stdout


def take_spans(request, spans):
    body = gzip.decompress(request.body) if request.header("content-encoding") == "gzip" else request.body
    spans.extend(span.name for group in receivers.REQUESTS["traces"].FromString(body).resource_spans for scope in group.scope_spans for span in scope.spans)
    return Answer(200, {"content-type": "application/x-protobuf"}, b"", is_chunked=False)


def test_the_guides_section_by_schedule(tmp_path, serve, store, provider):
    """Archives of both kinds in the guide's buckets, of what it lists; old ones go, the newest and others' stay; restored, all is as it was."""
    text = write_documents(tmp_path)
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = [f"{now - datetime.timedelta(days=days):%Y%m%dT%H%M%SZ}" for days in (31, 29, 8, 6)]
    old = {CONFIG: [f"config-{stamp[0]}.tar.zst"], STATE: [f"state-{stamp[2]}.tar.zst"]}
    kept = {CONFIG: [f"config-{stamp[1]}.tar.zst", f"state-{stamp[0]}.tar.zst", "a.txt", f"sub/config-{stamp[0]}.tar.zst"], STATE: [f"state-{stamp[3]}.tar.zst"]}
    for names in (old, kept):
        for bucket, each in names.items():
            for name in each:
                store.client.put_object(Bucket=bucket, Key=name, Body=b"x")
    running = serve(text + STRATEGY, providers={"openai": f"http://127.0.0.1:{provider.port}"}, env=keys(store))
    for _ in range(3):
        assert running.chat().status == 200
    running.operations(3)
    made = {bucket: wait_for(lambda bucket=bucket: [key for key in archives(store, bucket) if NAME.fullmatch(key) and key not in kept[bucket] + old[bucket]],
                             20, lambda: running.log) for bucket in (CONFIG, STATE)}
    wait_for(lambda: all(name not in archives(store, bucket) for bucket, names in old.items() for name in names), 10, lambda: running.log)
    assert all(name in archives(store, bucket) for bucket, names in kept.items() for name in names)

    held = content(body(store, CONFIG, made[CONFIG][0]))
    assert {"genops.yaml", "pipelines/keep.yaml", "sources.yaml", "destinations/kept.yaml", "lookups/teams.yaml", "lookups/team_metadata.csv"} < set(held)
    assert held["lookups/team_metadata.csv"] == (GUIDE / "lookups/team_metadata.csv").read_bytes() and "key" not in held
    assert not any(secret in data for data in held.values() for secret in (PASSWORD.encode(), SECRET.encode(), b"sk-real", b"sk-in-a-file"))
    assert {"ledger.db", "audit.head", "hash-seed"} < set(content(body(store, STATE, made[STATE][0])))

    status = {row["kind"]: row for row in running.command("status", "--json")["backups"]}
    assert status["config"]["last"] == made[CONFIG][0] and status["config"]["next_time"] == f"{now + datetime.timedelta(days=1):%Y-%m-%d}T00:00:00Z"
    assert re.fullmatch(r"\S+:00:00Z", status["state"]["next_time"]) and status["state"]["failures"] == 0
    wait_for(lambda: running.metrics("genops_self_backups_total") == {'kind="config"': 1, 'kind="state"': 1}, 10, lambda: running.log)
    assert running.metrics("genops_self_backup_last_bytes")['kind="config"'] == archives(store, CONFIG)[made[CONFIG][0]]

    made_now = run("backup", "now", "state", "--json", state=running.state, config=running.config, **keys(store))
    assert made_now.returncode == 0, made_now.stderr
    newest = json.loads(made_now.stdout)["backups"][0]["name"]
    listed = json.loads(run("backup", "list", "--json", state=running.state, config=running.config, **keys(store)).stdout)["backups"]
    assert newest in [row["name"] for row in listed] and listed == sorted(listed, key=lambda row: row["unix_ns"])
    before = figures(running.state)
    restored = run("restore", f"s3://{STATE}/{newest}", "--to", tmp_path / "dr/state", **keys(store))
    assert restored.returncode == 0, restored.stderr
    assert figures(tmp_path / "dr/state") == before and before[0]["total"]["operations"] == 3


def test_drill_restore_into_empty_folders_delivers_what_waited(tmp_path, serve, provider):
    """CRB-415, CRB-427: a gateway dies with events that nobody has taken; another one, of the archives alone, goes on where it was."""
    port, away = free_port(), tmp_path / "backups"
    text = (f"exporters: {{otlphttp: {{endpoint: 'http://127.0.0.1:{port}', retry_on_failure: {{initial_interval: 100ms, max_interval: 200ms}}}}}}\n"
            f"service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlphttp]}}}}}}\n"
            f"backup_strategy: {{config_backup: {{destination: {away}}}, state_backup: {{destination: {away}}}}}\n")
    running = serve(text, providers={"openai": f"http://127.0.0.1:{provider.port}"})
    names = [f"span-{i}" for i in range(200)]
    for at in range(0, 200, 20):
        assert receivers.post(running.http, body=receivers.traces(*names[at:at + 20])).status == 200
    assert running.chat().status == 200
    running.operations(1)
    done = run("backup", "now", "--json", state=running.state, config=running.config)
    assert done.returncode == 0, done.stderr
    made = {row["kind"]: f"{row['place']}/{row['name']}" for row in json.loads(done.stdout)["backups"]}
    assert oct(os.stat(made["state"]).st_mode & 0o777) == "0o600"
    before = figures(running.state)
    running.process.kill()
    running.process.wait(10)

    new = tmp_path / "new"
    for kind, to in (("config", new), ("state", new / "state")):
        told = run("restore", made[kind], "--to", to, "--json")
        assert told.returncode == 0, told.stderr
        variables = json.loads(told.stdout)["variables"] if kind == "config" else variables
    assert (new / "genops.yaml").read_text().count("${GENOPS_SECRET_API_KEY_1}") == 1 and variables == "GENOPS_SECRET_API_KEY_1"
    assert oct(os.stat(new / "state").st_mode & 0o777) == "0o700"
    assert figures(new / "state") == before
    spans = []
    with contextlib.closing(Provider(port)) as backend:
        backend.play(lambda request: take_spans(request, spans))
        again = gateways.Gateway(new, (new / "genops.yaml").read_text(), env={"GENOPS_SECRET_API_KEY_1": "sk-new"})  # as it came out
        try:
            wait_for(lambda: set(names) <= set(spans), 20, lambda: (len(set(spans)), again.log))
            assert again.chat().status == 200
            again.operations(2)
        finally:
            again.stop()
    assert run("audit", "verify", state=new / "state").returncode == 0


def test_backups_under_load_lose_nothing(tmp_path, serve):
    """CRB-427: what was acknowledged before a backup began comes out of it, while more comes all the time and the drain goes on."""
    port, away, sent, stop = free_port(), tmp_path / "backups", [], threading.Event()
    text = (f"exporters: {{otlphttp: {{endpoint: 'http://127.0.0.1:{port}', retry_on_failure: {{initial_interval: 100ms, max_interval: 200ms}}}}}}\n"
            "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}}\n"
            f"backup_strategy: {{state_backup: {{destination: {away}, includes: [persistent_queues, checkpoints]}}}}\n")
    running = serve(text)

    def load():
        while not stop.is_set():
            names = [f"{len(sent)}-{i}" for i in range(20)]
            if receivers.post(running.http, body=receivers.traces(*names, pad=2000)).status == 200:
                sent.extend(names)
    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    made = []
    for n in (200, 1000, 3000):
        wait_for(lambda n=n: len(sent) >= n, 30, lambda: running.log)
        before = list(sent)
        done = run("backup", "now", "state", "--json", state=running.state, config=running.config)
        assert done.returncode == 0, done.stderr
        made.append((json.loads(done.stdout)["backups"][0]["name"], before))
    stop.set()
    thread.join(30)
    running.stop()
    for number, (name, before) in enumerate(made):
        spans, folder = [], tmp_path / f"new-{number}"
        assert run("restore", away / name, "--to", folder / "state").returncode == 0
        with contextlib.closing(Provider(port)) as backend:
            backend.play(lambda request, spans=spans: take_spans(request, spans))
            again = serve(text, folder)
            wait_for(lambda spans=spans, before=before: set(before) <= set(spans), 30, lambda: (len(set(before) - set(spans)), again.log))
            again.stop()


def test_another_region_has_a_copy_by_an_exporter(tmp_path, serve, provider):
    """What CRB-424 to CRB-426 are after, as docs/operations.md says: by an exporter to the other gateway, which has the call within seconds."""
    (tmp_path / "dr").mkdir()
    other = serve("governance: {}\n", tmp_path / "dr")
    running = serve(f"exporters: {{otlphttp/us-west-2: {{endpoint: 'http://127.0.0.1:{other.http}'}}}}\n"
                    "service: {pipelines: {traces/copy: {receivers: [otlp, genops], exporters: [otlphttp/us-west-2]}}}\n",
                    providers={"openai": f"http://127.0.0.1:{provider.port}"})
    assert running.chat().status == 200
    cost = running.operations(1) and running.cost()["total"]["cost_nano_usd"]
    wait_for(lambda: other.cost()["total"]["operations"] == 1, 40, lambda: (other.log, running.log))
    assert other.cost()["total"]["cost_nano_usd"] == cost > 0


def test_large_archives_go_in_parts_and_come_back(tmp_path, store):
    """What is over 16 MiB, as a state directory soon is: an upload in parts; unfinished ones of the day before are given up."""
    state, config = tmp_path / "state", tmp_path / "genops.yaml"
    config.write_text(STRATEGY)
    assert run("cost", state=state, config=config, **keys(store)).returncode == 0
    noise = random.Random(7).randbytes(40 << 20)
    (state / "dead-letter.jsonl").write_bytes(noise)
    done = run("backup", "now", "state", "--json", state=state, config=config, **keys(store))
    assert done.returncode == 0, done.stderr
    name = json.loads(done.stdout)["backups"][0]["name"]
    assert archives(store, STATE)[name] > 40 << 20
    assert sum("partNumber=" in request.path for request in store.puts()) == 3
    assert run("restore", f"s3://{STATE}/{name}", "--to", tmp_path / "back", **keys(store)).returncode == 0
    assert (tmp_path / "back/dead-letter.jsonl").read_bytes() == noise


def test_killed_in_the_middle_no_half_archive_counts(tmp_path, serve, store):
    """SIGKILL while parts are sent, and while a directory is written to: nothing is there then, and the next one is whole."""
    text = STRATEGY + "telemetry: {queue: {max_size: 100MiB}}\n"
    state = tmp_path / "state"
    (tmp_path / "genops.yaml").write_text(text)
    assert run("cost", state=state, config=tmp_path / "genops.yaml", **keys(store)).returncode == 0
    (state / "dead-letter.jsonl").write_bytes(random.Random(8).randbytes(40 << 20))
    store.script = [None] * 6 + ["hang"] * 100  # of the configuration: uploads, put, list; of the state: uploads, begin, a part
    running = serve(text, env=keys(store))
    wait_for(lambda: any("partNumber=2" in request.path for request in store.puts()), 20, lambda: running.log)
    running.process.kill()
    running.process.wait(10)
    store.script = []
    assert not archives(store, STATE) and (state / "backup.tmp").is_dir()
    done = run("backup", "now", "state", "--json", state=state, config=tmp_path / "genops.yaml", **keys(store))
    assert done.returncode == 0, done.stderr
    name = json.loads(done.stdout)["backups"][0]["name"]
    assert list(archives(store, STATE)) == [name] and not (state / "backup.tmp").exists()
    assert run("restore", f"s3://{STATE}/{name}", "--to", tmp_path / "back", **keys(store)).returncode == 0

    away = tmp_path / "away"
    for delay in (0.02, 0.1, 0.2, 0.3, 0.5):
        killed = subprocess.Popen([gateways.GENOPS, "backup", "now", "state", "--to", away, "--state", state, "--config", tmp_path / "genops.yaml"],
                                  env=gateways.environment(tmp_path, **keys(store)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            killed.wait(delay)
        killed.kill()
        killed.wait(10)
        for path in away.glob("*.tar.zst") if away.exists() else ():
            shutil.rmtree(tmp_path / "check", ignore_errors=True)
            assert run("restore", path, "--to", tmp_path / "check").returncode == 0
    assert run("backup", "now", "state", "--to", away, state=state, config=tmp_path / "genops.yaml").returncode == 0


def test_a_backup_that_fails_is_told_and_stops_nothing(serve, store, provider):
    """No such bucket: cause and remedy in log and status, once; calls, ledger and the other backup go on."""
    store.client.delete_bucket(Bucket=STATE)
    running = serve(STRATEGY, providers={"openai": f"http://127.0.0.1:{provider.port}"}, env=keys(store))
    wait_for(lambda: any("the backup of the state failed and is tried again" in line for line in running.log), 20, lambda: running.log)
    line = next(line for line in running.log if "the backup of the state failed" in line)
    assert "NoSuchBucket" in line and "make the bucket, or name another" in line
    assert running.chat().status == 200
    running.operations(1)
    status = {row["kind"]: row for row in running.command("status", "--json")["backups"]}
    assert status["state"]["failures"] == 1 and "NoSuchBucket" in status["state"]["reason"] and status["state"]["last"] == ""
    wait_for(lambda: archives(store, CONFIG), 10, lambda: running.log)
    wait_for(lambda: running.metrics("genops_self_backup_failing").get('kind="state"') == 1, 10, lambda: running.log)
    assert sum("the backup of the state failed" in line for line in running.log) == 1


def test_stopping_waits_for_no_store(serve, store):
    """A store that does not answer holds up neither the end of the process nor what it told: giving up is no failure."""
    store.script = ["hang"] * 100
    running = serve(STRATEGY, env=keys(store))
    wait_for(lambda: store.requests, 20, lambda: running.log)
    begun = time.monotonic()
    running.process.terminate()
    running.process.wait(20)
    assert time.monotonic() - begun < 10 and not any("failed" in line for line in running.log), running.log
    status = json.loads(run("status", "--json", state=running.state, config=running.config, **keys(store)).stdout)["backups"]
    assert [row["failures"] for row in status] == [0, 0]


@pytest.mark.parametrize("answer", [fault(503, "SlowDown"), fault(500, "InternalError"), "cut"], ids=["slow-down", "500", "answer-lost"])
def test_a_store_that_stumbles_gets_it_all_the_same(tmp_path, store, answer):
    (tmp_path / "genops.yaml").write_text(STRATEGY)
    store.script = [None, answer]
    done = run("backup", "now", "config", state=tmp_path / "state", config=tmp_path / "genops.yaml", **keys(store))
    assert done.returncode == 0, done.stderr
    assert len(archives(store, CONFIG)) == 1


def test_restore_replaces_nothing_unasked(tmp_path):
    (tmp_path / "genops.yaml").write_text("governance: {}\n")
    away, to = tmp_path / "away", tmp_path / "to"
    assert run("backup", "now", "--to", away, state=tmp_path / "state", config=tmp_path / "genops.yaml").returncode == 0
    archive = next(away.glob("config-*"))
    to.mkdir()
    (to / "mine").write_text("x")
    refused = run("restore", archive, "--to", to)
    assert refused.returncode == 1 and "is not empty" in refused.stderr and "--force" in refused.stderr and [p.name for p in to.iterdir()] == ["mine"]
    assert run("restore", archive, "--to", to, "--force").returncode == 0
    assert (to / "genops.yaml").read_text() == "governance: {}\n" and not (to / "mine").exists()
    assert [(p / "mine").read_text() for p in tmp_path.glob("to.before-*")] == ["x"]
    data = archive.read_bytes()
    for number, damaged in enumerate((data[:len(data) // 2], data[:-1], data[:60] + b"\0\0\0\0" + data[64:], b"", b"nothing", data + b"x")):
        (tmp_path / "damaged.tar.zst").write_bytes(damaged)
        refused = run("restore", tmp_path / "damaged.tar.zst", "--to", tmp_path / f"none-{number}")
        assert refused.returncode in (1, 2) and "archive" in refused.stderr, refused.stderr
        assert not (tmp_path / f"none-{number}").exists() and not list(tmp_path.glob("none-*"))


def test_what_a_killed_restore_left_is_removed_by_the_next(tmp_path):
    """SIGKILL while it unpacks: the next one removes the folder beside and says so; not that of one who lives, nor what only looks like one."""
    (tmp_path / "genops.yaml").write_text("governance: {}\n")
    away, to = tmp_path / "away", tmp_path / "to"
    assert run("backup", "now", "--to", away, state=tmp_path / "state", config=tmp_path / "genops.yaml").returncode == 0
    archive = next(away.glob("config-*"))
    os.mkfifo(tmp_path / "slow.tar.zst")  # nobody writes to it: who reads it waits
    running = [subprocess.Popen([gateways.GENOPS, "restore", tmp_path / "slow.tar.zst", "--to", f"{to}/"], env=gateways.environment(tmp_path),
                                stdin=subprocess.DEVNULL) for _ in range(2)]
    killed, living = (tmp_path / f"to.restoring-{process.pid}" for process in running)
    wait_for(lambda: killed.exists() and living.exists(), 10, "two that unpack")
    (killed / "queue").mkdir()
    (killed / "queue" / "1.q").write_text("x")
    others = [tmp_path / f"to.restoring-{ending}" for ending in ("mine", "1x", "")] + [tmp_path / f"other.restoring-{running[0].pid}"]
    for other in others:
        other.mkdir()
    running[0].kill()
    running[0].wait(10)
    (tmp_path / f"to.restoring-{2 ** 22 + 1}").symlink_to(others[0])  # beyond the kernel's greatest process
    told = run("restore", archive, "--to", to, "--json")
    assert told.returncode == 0 and json.loads(told.stdout)["leftovers"] == 1, told.stderr
    assert not killed.exists() and all(path.exists() for path in (living, *others))
    running[1].kill()
    running[1].wait(10)
    told = run("restore", archive, "--to", to, "--force")
    assert told.returncode == 0 and "1 restore that was killed had left its folder beside: removed" in told.stdout
    assert not living.exists() and (to / "genops.yaml").read_text() == "governance: {}\n"


def packed(tmp_path, *members):
    """An archive of members that our own writer would not make."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind, link, data in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, link, len(data)
            tar.addfile(member, io.BytesIO(data))
    path = tmp_path / "evil.tar.zst"
    path.write_bytes(subprocess.run(["zstd", "-qc"], input=out.getvalue(), capture_output=True, check=True).stdout)
    return path


MANIFEST = ("MANIFEST.json", tarfile.REGTYPE, "", b'{"format":1,"kind":"config","time_unix_ns":1,"main":"","files":[]}')


@pytest.mark.parametrize("members", [
    [("../up", tarfile.REGTYPE, "", b"x"), MANIFEST], [("/tmp/genops-test-absolute", tarfile.REGTYPE, "", b"x"), MANIFEST],
    [("link", tarfile.SYMTYPE, "/etc", b""), ("link/x", tarfile.REGTYPE, "", b"x"), MANIFEST], [("hard", tarfile.LNKTYPE, "MANIFEST.json", b""), MANIFEST],
    [("x", tarfile.REGTYPE, "", b"x"), MANIFEST], [MANIFEST, ("x", tarfile.REGTYPE, "", b"x")], [("x", tarfile.REGTYPE, "", b"x")],
    [("x", tarfile.REGTYPE, "", b"x"), ("x", tarfile.REGTYPE, "", b"y"), MANIFEST], [("fifo", tarfile.FIFOTYPE, "", b""), MANIFEST]],
    ids=["up", "absolute", "link", "hard-link", "not-in-manifest", "behind-manifest", "no-manifest", "twice", "fifo"])
def test_restore_leads_nowhere_outside(tmp_path, members):
    refused = run("restore", packed(tmp_path, *members), "--to", tmp_path / "to")
    assert refused.returncode in (1, 2) and refused.stderr.startswith("genops: "), refused.stderr
    assert not (tmp_path / "to").exists() and not (tmp_path / "up").exists() and sorted(p.name for p in tmp_path.iterdir()) == ["evil.tar.zst"]


def test_a_state_directory_in_use_is_not_replaced(tmp_path, serve):
    running = serve("governance: {}\n")
    assert run("backup", "now", "state", "--to", tmp_path / "away", state=running.state, config=running.config).returncode == 0
    refused = run("restore", next((tmp_path / "away").glob("state-*")), "--to", running.state, "--force")
    assert refused.returncode == 1 and "stop what uses the state directory" in refused.stderr


def test_the_guides_section_is_checked(tmp_path):
    (tmp_path / "genops.yaml").write_text(STRATEGY)
    told = run("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state").stdout
    assert "names no address" in told
    for wrong, said in (("daily", "hourli"), ("30 days", "soon"), ("pipelines", "pipelins"), ("s3://cribl-config-backup/", "ftp://x/")):
        (tmp_path / "genops.yaml").write_text(STRATEGY.replace(wrong, said, 1))
        refused = run("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
        assert refused.returncode == 2 and re.search(r"genops.yaml:\d+:\d+", refused.stdout + refused.stderr), refused.stdout
