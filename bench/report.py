# SPDX-License-Identifier: Apache-2.0
"""bench/report.py - runs every benchmark of the bars and writes the table: to standard output and to bench/results.md.

    bench/report.py --build DIR [--peer DIR] [--rounds 5] [--seconds 4] [--output FILE]
"""
import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import gateway
import telemetry

STARTS = 15


def run(*command, timeout=600, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout, **more).stdout


def measure_start(build, upstream_port):
    """Milliseconds from exec of `genops run` to the answer of the child's first call: all providers as built in but one, a new state
    directory each time, and one that exists."""
    answers = {"new state": [], "state that exists": []}
    with tempfile.TemporaryDirectory(prefix="genops-bench-") as folder:
        config = os.path.join(folder, "genops.yaml")
        with open(config, "w") as file:
            file.write(f"gateway:\n  providers:\n    openai: {{base_url: 'http://127.0.0.1:{upstream_port}'}}\n")
        env = {k: v for k, v in os.environ.items() if k != "OPENAI_BASE_URL"}
        for i in range(STARTS):
            for kind, rows in answers.items():
                state = os.path.join(folder, f"state-{i}" if kind == "new state" else "state")
                os.makedirs(state, 0o700, exist_ok=True)
                began = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
                out = run(os.path.join(build, "genops"), "--config", config, "--state", state, "run", "--",
                          os.path.join(build, "bench", "first_call"), env=env, timeout=60)
                rows.append((int(out.split()[1]) - began) / 1e6)
    return {kind: (statistics.median(rows), max(rows)) for kind, rows in answers.items()}


def measure_gateway(arguments):
    bench = gateway.Bench(arguments)
    try:
        result = bench.run()
        result["start"] = measure_start(arguments.build, bench.ports["upstream"])
        return result
    finally:
        bench.stop()


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    cores = os.cpu_count()
    return f"{model[1] if model else platform.machine()}, {cores} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at the start"


def gateway_rows(result):
    titles = {"chat-1": "1 KB chat, 1 connection", "chat-8": "1 KB chat, 8", "chat-32": "1 KB chat, 32",
              "stream-32": "53 SSE events, 32", "64k-8": "64 KB prompt, 8", "300k-8": "300 KB prompt, 8"}
    yield "| case | system | calls/s | of plain nginx | CPU us a call | drain CPU us a call | of it in the slice | p50 ms | p99 ms |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for case, systems in result["cases"].items():
        for name, r in systems.items():
            drain = f"{r['drain_us']:.1f} | {r['drained']:.0%}" if name == "genops" else "|"
            yield (f"| {titles.get(case, case)} | {name} | {r['rps']:,.0f} | {r['ratio']:.3f} | {r['cpu_us']:.1f} | {drain} | "
                   f"{r['p50_ms']:.3f} | {r['p99_ms']:.3f} |")
    yield ""
    yield "| memory, MB | resident | proportional | private dirty |"
    yield "|---|---|---|---|"
    for name, m in result["memory_mb"].items():
        yield f"| {name} | {m['rss']} | {m['pss']} | {m['private_dirty']} |"


TELEMETRY = {"drop": "received, nobody wants it", "pass": "OTLP in, OTLP out", "four": "the guide's four pipelines, OTLP to each destination",
             "calls": "the same, one span of a hundred is an AI call",
             "real": "as before, each of the 13 destinations of its own type"}


def telemetry_rows(results):
    yield "| case | spans a CPU-second | spans/s taken | bytes out for one in | serve, MB | all processes, MB |"
    yield "|---|---|---|---|---|---|"
    for case, r in results.items():
        yield (f"| {TELEMETRY[case]} | {r['spans_a_cpu_second']:,.0f} | {r['spans_a_second']:,.0f} | {r['bytes_out_a_byte_in']:.2f} | "
               f"{r['memory_mb']['serve']} | {r['memory_mb']['all']} |")


def bars(result, operation):
    chat = result["cases"].get("chat-32", {}).get("genops")
    rows = []
    if chat:
        rows += [("gateway, 1 KB chat, of plain nginx", "≥ 0.6", f"{chat['ratio']:.2f}"),
                 ("gateway, CPU a call", "≤ 25 µs", f"{chat['cpu_us']:.1f} µs (plain nginx {result['cases']['chat-32']['nginx']['cpu_us']:.1f})"),
                 ("gateway, memory of a worker", "≤ 30 MB", f"{result['memory_mb']['genops']['rss']} MB resident, {result['memory_mb']['genops']['pss']} proportional")]
    cpu = re.findall(r"^(\d+) threads:\s+(\d+) ns", operation, re.MULTILINE)  # not those with the drain held off
    rows.append(("operation through the C API", "≤ 1 µs, linear", ", ".join(f"{int(ns) / 1000:.2f} µs on {n}" for n, ns in cpu) + " threads"))
    rows.append(("genops run to the first answer", "≤ 100 ms", ", ".join(f"{m:.0f} ms ({k})" for k, (m, _) in result["start"].items())))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--cases", default="")
    parser.add_argument("--output", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results.md"))
    parser.set_defaults(keep=False)
    arguments = parser.parse_args()
    where = machine()
    result = measure_gateway(arguments)
    operation = run(os.path.join(arguments.build, "bench", "bench_operation"))
    summary = run(os.path.join(arguments.build, "bench", "bench_cost_summary"))
    otlp = run(os.path.join(arguments.build, "bench", "bench_otlp"))
    flow = run(os.path.join(arguments.build, "bench", "bench_flow"))
    pipelines = run(os.path.join(arguments.build, "bench", "bench_pipeline"))
    collector = run(os.path.join(arguments.build, "bench", "bench_collector"))
    destinations = run(os.path.join(arguments.build, "bench", "bench_destinations"))
    spans = telemetry.bench(os.path.abspath(arguments.build), telemetry.CASES, max(arguments.rounds, 3), arguments.seconds)
    slowest = max(float(ms) for ms in re.findall(r"([\d.]+) ms wall", summary))
    rows = bars(result, operation) + [("cost summary over 10 million operations", "≤ 100 ms", f"slowest of seven {slowest:.0f} ms"),
                                       ("OTLP in, parse and drop", "≥ 1,000,000 spans a CPU-second", f"{spans['drop']['spans_a_cpu_second']:,.0f}"),
                                       ("OTLP in, four pipelines, OTLP out", "≥ 300,000 spans a CPU-second", f"{spans['four']['spans_a_cpu_second']:,.0f}")]
    text = [f"# Benchmarks, {datetime.date.today()}", "", where, "",
            f"Medians of {result['rounds']} interleaved rounds of {result['seconds']} s; method: docs/performance.md. Made by `make bench`.", "",
            "| work | bar | measured |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows), "",
            "## Gateway", "", *gateway_rows(result), "", "## `genops run` to the first answer", ""]
    text += [f"- {kind}: median {m:.1f} ms, worst {worst:.1f} ms of {STARTS}" for kind, (m, worst) in result["start"].items()]
    text += ["", "## Telemetry in and out", "", *telemetry_rows(spans)]
    text += ["", "## One operation through the C API", "", "```", operation.strip(), "```", "", "## Cost summary", "", "```", summary.strip(), "```", "",
             "## Received spans: check, walk, JSON", "", "```", otlp.strip(), "```", "",
             "## Received spans through the flow, without sockets and disks", "", "```", flow.strip(), "```", "", "## Pipelines", "", "```", pipelines.strip(), "```", "",
             "## Processors of service.pipelines", "", "```", collector.strip(), "```", "",
             "## Destinations: encoding an event", "", "```", destinations.strip(), "```", ""]
    with open(arguments.output, "w") as file:
        file.write("\n".join(text))
    print("\n".join(text))
    print(json.dumps(result), file=sys.stderr)


if __name__ == "__main__":
    main()
