#!/usr/bin/env python3
"""What exporting to Collibra costs: CPU of the thread that makes the calls, CPU of the whole process, memory of what waits and of
what is on its way. tests/load/collibra_calls.c against the fake Collibra of tests/collibra; all but the fake is in one process.

    bench/collibra_export.py BUILD [--operations 10000] [--rounds 5]

CPU, not time: other load on the machine does not count in it. The three set-ups take turns; the medians of the rounds are told.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "collibra"))
from fake_collibra import FakeCollibra  # noqa: E402


def build(folder, out):
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O2", f"-I{ROOT}/include", str(ROOT / "tests/load/collibra_calls.c"), "-o", str(out),
                    f"-L{folder}/src", "-lgenops", f"-Wl,-rpath,{folder}/src"], check=True)


class Program:
    def __init__(self, path, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="collibra-bench-")
        arguments = [f"{key}={value}" for key, value in {"state_dir": self.folder.name + "/state", "config_file": "", **options}.items()]
        self.process = subprocess.Popen([path, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env={"PATH": os.environ["PATH"], "HOME": self.folder.name}, cwd=self.folder.name)
        assert self.process.stdout.readline().strip() == "open"

    def say(self, text):
        self.process.stdin.write(text + "\n")
        return self.process.stdout.readline().strip()

    def status(self, name):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(name + ":"):
                return int(line.split()[1])

    def cpu(self):
        """Nanoseconds of all threads."""
        return sum(int(open(f"/proc/{self.process.pid}/task/{task}/schedstat").read().split()[0]) for task in os.listdir(f"/proc/{self.process.pid}/task"))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def settled(program, n):
    """Until the ledger has them all: nothing more uses the CPU."""
    last, still = program.cpu(), 0
    while still < 5:
        time.sleep(0.2)
        now = program.cpu()
        still = still + 1 if now - last < 20_000_000 else 0
        last = now


def one_round(path, n, options):
    program = Program(path, **options)
    try:
        program.say("many 1000")
        settled(program, 1000)
        before = program.cpu()
        calling = float(program.say(f"many {n}"))
        settled(program, n)
        return calling, (program.cpu() - before) / n
    finally:
        program.close()


def memory(path, n):
    """(bytes a waiting operation, peak bytes an operation on its way)."""
    with FakeCollibra() as fake:
        program = Program(path, collibra_url=fake.url, username=fake.username, password=fake.password, domain_id=fake.domain_id, batch_size=5000,
                          batch_interval_seconds=3600, auto_validate=0, max_retries=0)
        fake.stop()
        try:
            program.say("many 2000")
            settled(program, 2000)
            before = program.status("RssAnon")
            program.say(f"many {n}")
            settled(program, n)
            waiting = (program.status("RssAnon") - before) * 1024 / n
            fake.start()
            open(f"/proc/{program.process.pid}/clear_refs", "w").write("5")
            before = program.status("RssAnon")
            program.say("flush 120")
            peak = (program.status("VmHWM") - program.status("RssFile") - before) * 1024
            return waiting, peak / min(n + 2000, 5000), fake.calls.count(), len(fake.assets("AI Operation Cost"))
        finally:
            program.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--operations", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    path = pathlib.Path(tempfile.mkdtemp(prefix="collibra-bench-")) / "calls"
    build(pathlib.Path(chosen.build).resolve(), path)
    with FakeCollibra() as fake:
        common = {"collibra_url": fake.url, "username": fake.username, "password": fake.password, "domain_id": fake.domain_id, "auto_validate": 0,
                  "rate_limit_per_second": 1000}
        setups = {"no export": {**common, "export_mode": "off"}, "batch": {**common, "batch_size": 1000},
                  "Collibra away": {**common, "collibra_url": "http://127.0.0.1:9", "batch_size": 100, "max_retries": 0}}
        found = {name: [] for name in setups}
        for number in range(chosen.rounds):
            for name in list(setups)[number % 3:] + list(setups)[:number % 3]:
                found[name].append(one_round(path, chosen.operations, setups[name]))
    print("| set-up | calling thread, us CPU an operation | whole process, us CPU an operation |\n| --- | --- | --- |")
    for name, rounds in found.items():
        print(f"| {name} | {statistics.median(r[0] for r in rounds) / 1000:.2f} | {statistics.median(r[1] for r in rounds) / 1000:.2f} |")
    waiting, peak, calls, assets = memory(path, chosen.operations)
    print(f"\nmemory: {waiting:.0f} bytes a waiting operation, {peak:.0f} bytes an operation of the batch on its way; "
          f"{assets} operations exported with {calls} calls")


if __name__ == "__main__":
    main()
