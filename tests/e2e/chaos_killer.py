# SPDX-License-Identifier: Apache-2.0
"""Kills workers, master, server and drain by chance, and stands the server up again. By their own ids."""
import contextlib
import random
import threading
import time

from chaos_stage import kill


class Killer(threading.Thread):
    """Kills something every now and then, and stands the server up again as a supervisor would."""

    def __init__(self, stage, seed):
        super().__init__(daemon=True)
        self.stage, self.random, self.must_end, self.killed = stage, random.Random(seed), threading.Event(), []
        self.fault = None

    def victims(self):
        stage = self.stage
        kind = self.random.choice(["worker"] * 8 + ["drain"] * 3 + ["serve", "master", "all"])
        if kind == "worker":
            return kind, [self.random.choice(stage.workers() or [0])]
        if kind == "master":
            return kind, [stage.nginx()]
        if kind == "serve":
            return kind, [stage.serve.pid]
        if kind == "drain":
            return kind, [stage.drainer()]
        return kind, [stage.serve.pid, stage.nginx(), *stage.workers()]

    def run(self):
        try:
            while not self.must_end.wait(self.random.uniform(0.05, 0.6)):
                ours = {self.stage.serve.pid, self.stage.nginx(), *self.stage.workers()}
                kind, pids = self.victims()
                pids = [pid for pid in pids if pid and pid in ours]
                for pid in pids:
                    kill(pid)
                self.killed += [kind] if pids else []
                self.revive()
        except Exception as fault:  # told by the test
            self.fault = fault

    def revive(self):
        """serve ends by itself when nginx is gone; killed or not, another is started at once."""
        if self.random.random() < 0.5:
            self.must_end.wait(0.05)
        with contextlib.suppress(Exception):
            self.stage.serve.wait(timeout=0.3 if self.killed and self.killed[-1] in ("master", "serve", "all") else 0.01)
        while self.stage.serve.poll() is not None and not self.must_end.is_set():
            self.stage.start(is_waiting=False)
            end = time.monotonic() + 10
            while time.monotonic() < end and self.stage.serve.poll() is None and not self.stage.is_ready():
                self.must_end.wait(0.02)

    def end(self):
        self.must_end.set()
        self.join(30)
        if self.fault:
            raise self.fault
