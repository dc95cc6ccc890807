# SPDX-License-Identifier: Apache-2.0
"""64 clients, 10,000 calls, budgets that run out, and SIGKILL at random moments for workers, master, server and drain.

Proved at the end, to the nano-dollar: no budget was ever passed; nothing stays reserved; ledger, `genops cost`, `genops budget`
and the exported spans agree; each call that a client saw complete is in the ledger at exactly its cost; the audit chain is whole.
"""
import contextlib
import http.client
import json
import os
import sqlite3
import threading
import time

import pytest

from chaos_killer import Killer
from chaos_load import Load
from chaos_stage import Stage, wait_for

BUDGETS = """
  budgets:
    - {name: team, per: [team], daily_budget: 0.036, enforcement_level: block, alerts: [50, 90]}
    - {name: all, hourly_budget: 0.15, daily_budget: 0.15, total_budget: 0.155, enforcement_level: block}
"""
CALLS = int(os.environ.get("GENOPS_CHAOS_CALLS", "10000"))
SEED = int(os.environ.get("GENOPS_CHAOS_SEED", "20240607"))


class Watcher(threading.Thread):
    """Looks at the budgets all the time: consumed + reserved never passes a limit."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.stage, self.must_end, self.n_looks, self.faults = stage, threading.Event(), 0, []

    def look(self, report):
        self.n_looks += 1
        for (label, period), window in self.stage.windows(report).items():
            if window["consumed_nano_usd"] + window["reserved_nano_usd"] > window["limit_nano_usd"]:
                self.faults.append((label, period, window))

    def run(self):
        n = 0
        while not self.must_end.wait(0.05):
            n += 1
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AssertionError):
                if n % 20 == 0 or not self.stage.serve:
                    self.look(self.stage.read("budget"))
                else:
                    status, body = self.stage.get("/api/v1/budgets")
                    if status == 200:
                        self.look(json.loads(body))

    def end(self):
        self.must_end.set()
        self.join(30)


def budget_sums(stage):
    """(label, period, start) -> what the ledger says was consumed."""
    connection = sqlite3.connect(f"file:{stage.state}/ledger.db?mode=ro", uri=True)
    try:
        return {(label, period, start): cost for label, period, start, cost in
                connection.execute("SELECT label, period, start, consumed_nano_usd FROM budget")}
    finally:
        connection.close()


def prove(stage, load, is_exported=True):
    """Everything that must hold when the dust has settled. The gateway runs."""
    wait_for(lambda: stage.run("status", "--json").returncode == 0, 20, "status")
    wait_for(lambda: all(not w["reserved_nano_usd"] for w in stage.windows().values()), 20, "nothing is reserved any more")
    windows, cost, rows = stage.windows(), stage.read("cost")["total"], stage.rows()
    total = sum(row[0] for row in rows.values())
    complete, refused = load.complete(), load.refused()
    assert cost["cost_nano_usd"] == total
    assert cost["operations"] == len(rows)
    missing = [o for o in complete if o not in rows]
    assert not missing, (len(missing), missing[:3])
    wrong = [(o, c, rows[o]) for o, c in complete.items() if rows[o][0] != c]
    assert not wrong, (len(wrong), wrong[:5])
    missing = [o for o in refused if o not in rows]
    assert not missing, (len(missing), missing[:3])
    assert all(rows[o][0] == 0 and rows[o][1] == "refused" for o in refused)
    assert len({o for o in load.told.values()}) == len(load.told)
    sums = budget_sums(stage)
    limits = {key: window["limit_nano_usd"] for key, window in windows.items()}
    periods = ["hourly", "daily", "weekly", "monthly", "total"]
    by_period = {}
    for (label, period, start), consumed in sums.items():
        assert consumed <= limits[label, periods[period]], (label, period, consumed)
        by_period[label, periods[period]] = by_period.get((label, periods[period]), 0) + consumed
    newest = {}
    for (label, period, start), consumed in sums.items():
        if start >= newest.get((label, periods[period]), (-2**62, 0))[0]:
            newest[label, periods[period]] = (start, consumed)
    for key, window in windows.items():
        if key in newest and not (key[1] == "hourly" and newest[key][0] + 3600 < time.time()):
            assert window["consumed_nano_usd"] == newest[key][1], key
    if ("all", "total") in by_period:
        assert by_period["all", "total"] == total
        assert sum(c for (label, _), c in by_period.items() if label.startswith("team[")) == total
    assert stage.run("audit", "verify").returncode == 0
    if is_exported:
        wait_for(lambda: set(stage.receiver.spans) >= set(rows), 30,
                 lambda: f"{len(set(rows) - set(stage.receiver.spans))} spans missing")
        assert set(stage.receiver.spans) == set(rows)
        assert stage.receiver.cost_nano() == total
    return rows


@pytest.mark.parametrize("round_", range(int(os.environ.get("GENOPS_CHAOS_ROUNDS", "1"))))
def test_ten_thousand_calls_with_everything_killed_at_random(round_):
    with Stage(BUDGETS, latency=0.12) as stage:
        stage.receive()
        stage.start()
        load, killer, watcher = Load(stage.port, CALLS, seconds=150), Killer(stage, SEED + round_), Watcher(stage)
        killer.start()
        watcher.start()
        began = time.monotonic()
        load.run()
        took = time.monotonic() - began
        killer.end()
        watcher.end()
        if stage.serve.poll() is not None:
            stage.start(is_waiting=False)
        wait_for(stage.is_ready, 20, "the gateway is ready again")
        print(f"{took:.1f} s, {len(load.told)} answers, {load.n_doubtful} in doubt, {len(load.complete())} complete, "
              f"{len(load.refused())} refused, {len(killer.killed)} kills, {watcher.n_looks} looks")
        assert not watcher.faults, watcher.faults[:3]
        assert len(load.told) + load.n_doubtful == CALLS, "not all were made in time"
        assert killer.killed and watcher.n_looks
        rows = prove(stage, load)
        other = {s for s, _ in load.told.values()} - {200, 402, 429}
        print(sorted((k, killer.killed.count(k)) for k in set(killer.killed)), "outcomes",
              {o: sum(1 for r in rows.values() if r[1] == o) for o in {r[1] for r in rows.values()}})
        assert not other, (other, list(load.bodies.values())[:3])
        assert load.refused(), "the budget never ran out"
