# SPDX-License-Identifier: Apache-2.0
"""Processes with threads that govern through the C API, killed with SIGKILL at random moments, the drain among them.

Whatever genops_operation_end() acknowledged is in the ledger at exactly its cost; budgets hold at every look; nothing stays reserved.
"""
import os
import random
import subprocess
import time

import pytest

from chaos_stage import BUILD, ROOT, Stage, kill, wait_for
from test_chaos_gateway import Watcher, budget_sums

BUDGETS = """
  budgets:
    - {name: team, per: [team], daily_budget: 0.25, enforcement_level: block}
    - {name: all, hourly_budget: 0.8, weekly_budget: 0.82, total_budget: 0.84, enforcement_level: block}
"""
PROCESSES, THREADS, CALLS = 5, 8, int(os.environ.get("GENOPS_CHAOS_CALLS", "100"))
SEED = int(os.environ.get("GENOPS_CHAOS_SEED", "7"))


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    out = tmp_path_factory.mktemp("load") / "c_calls"
    subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-O1", "-g", f"-I{ROOT}/include", str(ROOT / "tests/load/c_calls.c"),
                    "-o", str(out), f"-L{BUILD}/src", "-lgenops", f"-Wl,-rpath,{BUILD}/src", "-lpthread"], check=True)
    return out


class Crowd:
    """Keeps PROCESSES alive until enough of them were killed; the last ones may finish."""

    def __init__(self, stage, program, seed):
        self.stage, self.program, self.random, self.n_started = stage, program, random.Random(seed), 0
        self.journal, self.errors = stage.folder / "journal", (stage.folder / "c_calls.log").open("w")
        self.processes = [self.start() for _ in range(PROCESSES)]

    def start(self):
        self.n_started += 1
        return subprocess.Popen([str(self.program), str(self.stage.config), str(self.stage.state), str(THREADS), str(CALLS),
                                 str(self.n_started), str(self.journal)], stderr=self.errors, env=self.stage.env)

    def kill_some(self, n_kills):
        for _ in range(n_kills):
            time.sleep(self.random.uniform(0.01, 0.25))
            i = self.random.randrange(PROCESSES)
            drainer = self.stage.drainer()
            if self.random.random() < 0.4 and drainer in [p.pid for p in self.processes]:
                i = [p.pid for p in self.processes].index(drainer)
            kill(self.processes[i].pid)
            self.processes[i].wait()
            self.processes[i] = self.start()

    def finish(self):
        for process in self.processes:
            assert process.wait(timeout=60) == 0, (self.stage.folder / "c_calls.log").read_text()[-2000:]
        self.errors.close()

    def acknowledged(self):
        lines = [line.split() for line in self.journal.read_text().splitlines()]
        return {line[0]: (int(line[1]), line[2]) for line in lines if len(line) == 3}


def test_what_the_c_api_acknowledged_is_settled_exactly(program):
    with Stage(BUDGETS) as stage:
        stage.receive()
        crowd, watcher = Crowd(stage, program, SEED), Watcher(stage)
        wait_for(lambda: (stage.state / "ledger.db").exists(), 10, "a first process")
        watcher.start()
        crowd.kill_some(50)
        crowd.finish()
        watcher.end()
        assert not watcher.faults, watcher.faults[:3]
        assert watcher.n_looks
        stage.start()
        wait_for(lambda: all(not w["reserved_nano_usd"] for w in stage.windows().values()), 20, "nothing is reserved")
        rows, acknowledged = stage.rows(), crowd.acknowledged()
        print(len(rows), len(acknowledged), watcher.n_looks, crowd.n_started)
        missing = [o for o in acknowledged if o not in rows]
        assert not missing, (len(missing), missing[:3])
        wrong = [(o, c, rows[o]) for o, (c, _) in acknowledged.items() if rows[o][0] != c]
        assert not wrong, (len(wrong), wrong[:3])
        assert any(kind == "r" for _, kind in acknowledged.values()), "the budget never ran out"
        total = sum(row[0] for row in rows.values())
        windows = stage.windows()
        assert stage.read("cost")["total"]["cost_nano_usd"] == total
        assert windows["all", "total"]["consumed_nano_usd"] == total
        for (label, period, _), consumed in budget_sums(stage).items():
            name = ["hourly", "daily", "weekly", "monthly", "total"][period]
            assert consumed <= windows[label, name]["limit_nano_usd"]
        assert stage.run("audit", "verify").returncode == 0
        wait_for(lambda: len(stage.receiver.spans) >= len(rows), 60,
                 lambda: f"{len(rows) - len(stage.receiver.spans)} spans missing; {stage.metrics('genops_self_')}")
        assert set(stage.receiver.spans) == set(rows)
        assert stage.receiver.cost_nano() == total
