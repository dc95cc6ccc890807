# SPDX-License-Identifier: Apache-2.0
"""The state directory failing under the gateway: missing, read-only, full, garbled. Each has one documented outcome (docs/failures.md)."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess

import pytest

from chaos_load import Load, cost_of
from chaos_stage import Stage, chat, kill, wait_for

BUDGETS = """
  budgets:
    - {name: all, daily_budget: 5, total_budget: 5, enforcement_level: block}
"""


def settled(stage):
    """Waits until nothing is reserved, then ledger = cost = budget; returns the rows."""
    wait_for(lambda: all(not w["reserved_nano_usd"] for w in stage.windows().values()), 20, "nothing is reserved")
    cost = stage.read("cost")["total"]["cost_nano_usd"]  # lets everything into the ledger first
    rows = stage.rows()
    total = sum(row[0] for row in rows.values())
    assert cost == total
    assert stage.windows()["all", "total"]["consumed_nano_usd"] == total
    assert stage.run("audit", "verify").returncode == 0
    return rows


def recorded(stage):
    """Space is there again: waits until no worker has records in its memory any more. Each tries again by itself within a tick, and
    until then the budgets, whose leases tell the amounts, are ahead of the ledger."""
    wait_for(lambda: stage.read("cost")["total"]["cost_nano_usd"] == stage.windows()["all", "total"]["consumed_nano_usd"], 20,
             "what waited in memory is in the ledger")


def ask(stage, numbers):
    """Calls that must succeed: operation id -> cost."""
    told = {}
    for n in numbers:
        status, headers, body = chat(stage.port, n)
        assert status == 200, body
        told[headers["x-genops-operation-id"]] = cost_of(n)
    return told


def assert_told(rows, told):
    assert {o: rows.get(o, (None,))[0] for o in told} == told


# --- the directory itself ---

def test_a_state_directory_that_is_not_there_is_made():
    with Stage(BUDGETS) as stage:
        stage.state = stage.folder / "deep" / "er" / "state"
        stage.configure()
        result = stage.run("budget")
        assert result.returncode == 0, result.stderr
        assert stage.state.stat().st_mode & 0o777 == 0o700


def test_a_state_directory_that_is_a_file_is_refused_in_one_line():
    with Stage(BUDGETS) as stage:
        stage.state.write_text("not a directory")
        for command in ("budget", "serve"):
            result = stage.run(command)
            assert result.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT)
            assert str(stage.state) in result.stderr, result.stderr
            assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who may not write")
def test_a_state_directory_that_may_not_be_written_is_refused_in_one_line():
    with Stage(BUDGETS) as stage:
        stage.state.mkdir(mode=0o755)
        stage.folder.chmod(0o755)
        stage.config.chmod(0o644)
        result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(stage_genops()), "-c",
                                 str(stage.config), "budget"], capture_output=True, text=True, timeout=20, env=stage.env, check=False)
        if "setpriv: failed to execute" in result.stderr:
            pytest.skip("the build directory is closed to other users")
        assert result.returncode == 1, result
        assert str(stage.state) in result.stderr


def stage_genops():
    from chaos_stage import GENOPS
    return GENOPS


# --- the disk is full ---

@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB, to be filled."""
    where = tmp_path / "disk"
    where.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small file system wants root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("tmpfs cannot be mounted here")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=False)


def fill(disk):
    with open(disk / "ballast", "wb", buffering=0) as ballast:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                continue


def test_a_disk_that_is_full_at_the_start_says_so_and_recovers(small_disk):
    with Stage(BUDGETS, state=small_disk / "state") as stage:
        fill(small_disk)
        result = stage.run("budget")
        assert result.returncode == 1
        assert "space" in result.stderr.lower() or "full" in result.stderr.lower(), result.stderr
        (small_disk / "ballast").unlink()
        stage.start()
        told = ask(stage, range(3))
        assert_told(settled(stage), told)


def test_a_disk_that_fills_up_refuses_calls_and_loses_nothing(small_disk):
    with Stage(BUDGETS, state=small_disk / "state") as stage:
        stage.receive()
        stage.start()
        told = ask(stage, range(5))
        fill(small_disk)
        statuses, doubtful, n = [], {}, 100
        for n in range(100, 4000):
            status, headers, body = chat(stage.port, n)
            statuses.append(status)
            if status == 200:
                told[headers["x-genops-operation-id"]] = cost_of(n)
            else:
                assert status == 503, (status, body)
                error = json.loads(body)["error"]
                assert error["message"] and error["type"], body
                break
        assert statuses[-1] == 503, "a full disk never refused a call"
        (small_disk / "ballast").unlink()
        wait_for(lambda: chat(stage.port, 5000)[0] == 200, 20, "calls are taken again")
        recorded(stage)
        rows = settled(stage)
        assert_told(rows, told)
        wait_for(lambda: set(stage.receiver.spans) >= set(rows), 20, "spans arrive")
        counted = wait_for(lambda: [x for x in stage.metrics("genops_operations_total{")], 10, "metrics")
        assert sum(float(x.rsplit(" ", 1)[1]) for x in counted) == len(rows), "a batch that was rolled back counts once"


def test_a_worker_that_starts_on_a_full_disk_governs_when_space_comes_back(small_disk):
    with Stage(BUDGETS, state=small_disk / "state") as stage:
        stage.start()
        told = ask(stage, range(5))
        fill(small_disk)
        before = stage.workers()
        for pid in before:
            kill(pid)
        wait_for(lambda: len(stage.workers()) == 2 and not set(stage.workers()) & set(before), 10, "new workers")
        status, _, body = wait_for(lambda: answer_or_none(stage), 10, "an answer of any kind")
        if status != 200:  # else the new worker found room in what its predecessor had allocated
            assert status == 503 and json.loads(body)["error"]["message"]
        (small_disk / "ballast").unlink()
        wait_for(lambda: all(chat(stage.port, 7000 + i)[0] == 200 for i in range(12)), 20, "both workers govern again")
        recorded(stage)
        rows = settled(stage)
        assert_told(rows, told)


def answer_or_none(stage):
    try:
        return chat(stage.port, 6000)
    except OSError:
        return None


def test_a_full_disk_and_then_sigkill_of_everything(small_disk):
    with Stage(BUDGETS, state=small_disk / "state") as stage:
        stage.start()
        told = ask(stage, range(5))
        fill(small_disk)
        for n in range(100, 4000):
            status, headers, _ = chat(stage.port, n)
            if status != 200:
                break
            told[headers["x-genops-operation-id"]] = cost_of(n)
        stage.stop(signal.SIGKILL)
        (small_disk / "ballast").unlink()
        stage.start()
        rows = settled(stage)
        assert_told(rows, told)


# --- garbled files ---

def run_and_stop(stage, n=20):
    stage.start()
    told = ask(stage, range(n))
    settled(stage)
    stage.stop()
    return told


@pytest.mark.parametrize("how", ["garbage", "cut", "empty", "missing", "flipped"])
def test_a_bad_counters_file_is_made_anew_from_the_ledger(how):
    with Stage(BUDGETS) as stage:
        told = run_and_stop(stage)
        path = stage.state / "counters"
        data = bytearray(path.read_bytes())
        if how == "garbage":
            path.write_bytes(os.urandom(len(data)))
        elif how == "cut":
            os.truncate(path, len(data) // 3)
        elif how == "empty":
            os.truncate(path, 0)
        elif how == "missing":
            path.unlink()
        else:
            for at in range(0, len(data), 997):
                data[at] ^= 0x5A
            path.write_bytes(data)
        stage.start()
        told.update(ask(stage, range(50, 55)))
        assert_told(settled(stage), told)


def test_counters_replaced_under_running_processes_are_noticed():
    with Stage(BUDGETS) as stage:
        stage.start()
        told = ask(stage, range(3))
        path = stage.state / "counters"
        path.rename(stage.folder / "away")
        wait_for(lambda: "no longer shared" in stage.log.read_text(), 20, "the log says so")
        (stage.folder / "away").rename(path)
        told.update(ask(stage, range(3, 6)))
        assert_told(settled(stage), told)


@pytest.mark.parametrize("how", ["garbage", "empty", "page"])
def test_a_bad_ledger_is_refused_and_left_alone(how):
    with Stage(BUDGETS) as stage:
        run_and_stop(stage)
        path = stage.state / "ledger.db"
        good = path.read_bytes()
        for extra in ("ledger.db-wal", "ledger.db-shm"):
            (stage.state / extra).unlink(missing_ok=True)
        bad = {"garbage": os.urandom(len(good)), "empty": b"x" * 100, "page": good[:100] + os.urandom(4096) + good[4196:]}[how]
        path.write_bytes(bad)
        result = stage.run("serve", timeout=30)
        assert result.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT), result.stderr
        assert "ledger.db" in result.stderr, result.stderr
        assert path.read_bytes() == bad, "a damaged ledger is evidence: nothing writes to it"
        path.write_bytes(good)
        stage.start()
        ask(stage, range(3))
        settled(stage)


def test_flipped_bytes_in_a_segment_lose_no_other_record():
    """A live segment, its drain killed before it was read: each damaged entry is told and counted, all others arrive."""
    with Stage(BUDGETS) as stage:
        stage.start()
        told = ask(stage, range(40))
        settled(stage)
        segments = sorted((stage.state / "segments").glob("*.seg"))
        stage.stop(signal.SIGKILL)
        (stage.state / "ledger.db").unlink()
        for extra in ("ledger.db-wal", "ledger.db-shm", "audit.head"):
            (stage.state / extra).unlink(missing_ok=True)
        for path in segments:
            if path.exists():
                data = bytearray(path.read_bytes())
                data[64 + 24 + 10] ^= 0xFF
                path.write_bytes(data)
        stage.start()
        wait_for(lambda: stage.run("cost").returncode == 0, 10, "the ledger is there again")
        rows = stage.rows()
        n_hit = sum(1 for o in told if o not in rows)
        assert n_hit <= len(segments)
        assert all(rows[o][0] == c for o, c in told.items() if o in rows)
        assert "damaged" in stage.log.read_text()


def test_a_garbled_queue_block_costs_that_block_only():
    with Stage(BUDGETS) as stage:
        stage.start()  # nobody receives yet
        told = ask(stage, range(15))
        settled(stage)
        told.update(ask(stage, range(15, 30)))  # a block of their own: a last one that is damaged is made anew from the segments
        settled(stage)
        stage.stop(signal.SIGKILL)
        path = sorted((stage.state / "queue").glob("*.q"))[0]
        data = bytearray(path.read_bytes())
        data[16 + 88 + 60] ^= 0xFF
        path.write_bytes(data)
        stage.receive()
        stage.start()
        more = ask(stage, range(100, 105))
        wait_for(lambda: set(more) <= set(stage.receiver.spans), 30, "what came after the damage")
        assert "queue is damaged" in stage.log.read_text()
        told.update(more)
        assert_told(settled(stage), told)  # the ledger has everything
        assert set(stage.receiver.spans) <= set(told)


def test_a_wall_clock_that_goes_back_spends_no_budget_twice():
    faketime = next((p for p in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                                 "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1") if os.path.exists(p)), None)
    if not faketime:
        pytest.skip("libfaketime is not installed; tests/unit/store/test_counters.c has the same at unit level")
    with Stage(BUDGETS) as stage:
        told = run_and_stop(stage, 5)
        stage.env.update(LD_PRELOAD=faketime, FAKETIME="-3h", FAKETIME_DONT_FAKE_MONOTONIC="1")
        stage.start()
        told.update(ask(stage, range(10, 15)))
        assert_told(settled(stage), told)
        for key in ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"):
            del stage.env[key]
        stage.stop()
        stage.start()
        assert_told(settled(stage), told)
