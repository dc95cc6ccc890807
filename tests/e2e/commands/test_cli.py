# SPDX-License-Identifier: Apache-2.0
"""The commands: help, exit codes, what they print as JSON, and that their figures are those of what really ran.

Proves: DESIGN 5 "Commands", "What commands print with --json"; CORE-014, CORE-029, CORE-036, CORE-042, COL-147; issue "validate",
"audit (show, verify, export as JSON, CSV and real Parquet)", "run ... passes the exit code on", "demo".
"""
import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys

import pyarrow.parquet
import pytest

import gateway as gateways
import recordings
from gateway import environment, genops
from provider import Answer, Provider

COMMANDS = ["serve", "run", "init", "validate", "status", "cost", "budget", "policy", "pipeline", "audit", "catalog", "demo"]
COST = 23 * 150 + 7 * 600  # gpt-4o-mini, usage of the recording
TEXT = """
governance:
  policies:
    - {name: secrets, type: content_filter, enforcement_level: block, blocked_patterns: [confidential]}
    - {name: drafts, type: content_filter, enforcement_level: warn, blocked_patterns: [draft]}
  budgets:
    - {name: all, daily_budget: 1, monthly_budget: 10}
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A state directory in which a gateway governed some calls and ended. Tests must not change it."""
    provider = Provider()
    provider.play(Answer.of(recordings.find("openai/chat-gpt-4o-mini")))
    gateway = gateways.Gateway(tmp_path_factory.mktemp("cli"), gateways.config_text({"openai": provider.url}, TEXT))
    for team, n in (("red", 3), ("blue", 2)):
        for i in range(n):
            gateway.chat("Hello", headers={"x-genops-team": team, "x-genops-customer-id": f"c{i}"})
    gateway.chat("a draft", headers={"x-genops-team": "red", "x-genops-project": 'odd, "quoted"\nname'.replace("\n", " ")})
    gateway.chat("confidential", headers={"x-genops-team": "blue"})
    gateway.operations(7)
    gateway.stop()
    provider.close()
    return gateway


# --- all of them ---

@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    for option in ("--help", "-h"):
        done = genops(command, option)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: genops {command}")
        assert "--config" in done.stdout


def test_help_of_the_whole():
    for arguments in (["--help"], ["-h"], []):
        done = genops(*arguments)
        assert done.returncode == 0
        assert all(command in done.stdout for command in COMMANDS)
    assert genops("--version").stdout.startswith("genops 0.1")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal(command):
    text = genops(*command.split(), "--help").stdout
    wide = [line for line in text.splitlines() if len(line) > 80 and not line.startswith("  genops ")]  # examples stay whole
    assert not wide


@pytest.mark.parametrize("arguments, said", [(["policy"], "No policies are configured"), (["audit"], "Nothing is recorded yet"),
                                             (["audit", "--where", "team=x"], "No record fits"), (["budget"], "No budgets are configured")])
def test_nothing_is_said_in_words(tmp_path, arguments, said):
    done = genops(*arguments, home=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(said)


def test_a_folder_called_nginx_is_not_nginx(tmp_path):
    """As the build tree has one, and people put the build tree into PATH."""
    (tmp_path / "nginx").mkdir()
    path = f"{tmp_path}:{os.environ['PATH']}"
    checks = json.loads(genops("validate", "--json", home=tmp_path, env={"PATH": path}).stdout)["checks"]
    assert next(c for c in checks if c["name"] == "nginx")["message"] != f"{tmp_path}/nginx"
    config = tmp_path / "genops.yaml"
    config.write_text("gateway: {listen: 127.0.0.1:0, listen_h2c: off}\n")
    done = genops("run", "--", "true", state=tmp_path / "state", config=config, home=tmp_path, env={"PATH": path})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments, hint", [
    (["cots"], "cost"), (["cost", "--jsno"], "--json"), (["--config"], "FILE"), (["cost", "--by"], "--by"),
    (["cost", "--by", "taem"], 'did you mean "team"'), (["cost", "--where", "modle=x"], 'did you mean "model"'), (["policy", "test"], "--model gpt-4o"),
    (["cost", "-x"], "genops cost --help"), (["audit", "verify", "--limit", "3"], "whole chain"), (["audit", "--format", "csv"], "export"),
    (["audit", "export", "--json", "-o", "x.json"], "--format json"), (["policy", "--model", "gpt-4o"], "policy test"), (["policy", "list", "--cost", "1"], "policy test"), (["cost", "--since", "later"], "since"),
    (["audit", "explode"], "verify"), (["budget", "a", "b"], ""), (["audit", "export"], "--output"), (["run"], ""),
    (["cost", "--where", "team"], "KEY=VALUE"), (["audit", "export", "-f", "xml", "-o", "-"], "parquet")])
def test_wrong_usage(tmp_path, arguments, hint):
    done = genops(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert hint in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["cost"], ["budget"], ["audit"], ["audit", "verify"], ["policy"], ["status"], ["catalog"], ["validate"]])
def test_nothing_there_yet(tmp_path, arguments):
    """A new state directory is no error, and --json is JSON even then."""
    done = genops(*arguments, "--json", state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    assert genops(*arguments, state=tmp_path / "state", home=tmp_path).returncode == 0
    if arguments != ["validate"]:
        assert oct(os.stat(tmp_path / "state").st_mode & 0o777) == "0o700"


def test_output_that_cannot_be_written(ended):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([gateways.GENOPS, "cost", "--state", ended.state, "--config", ended.config], stdout=full,
                              stderr=subprocess.PIPE, env=environment(ended.folder), timeout=30)
    assert done.returncode == 1


# --- cost ---

def test_cost(ended):
    """Proves CORE-029 (by team; by project below)."""
    report = ended.cost("--by", "team")
    assert set(report) >= {"total", "groups"}
    total = report["total"]
    assert (total["operations"], total["refused"], total["cost_nano_usd"]) == (7, 1, 6 * COST)
    assert (total["input_tokens"], total["output_tokens"]) == (6 * 23, 6 * 7)
    assert total["cost_usd"] == pytest.approx(6 * COST / 1e9)
    groups = {json.dumps(group["key"]): group for group in report["groups"]}
    assert sum(group["cost_nano_usd"] for group in groups.values()) == total["cost_nano_usd"]
    assert sorted(group["cost_nano_usd"] for group in groups.values()) == [2 * COST, 4 * COST]
    assert {"operations", "cost_nano_usd", "cost_usd", "input_tokens", "output_tokens"} <= set(report["groups"][0])


def test_cost_filters_and_forms(ended):
    assert ended.cost("--where", "team=blue")["total"]["operations"] == 3
    assert ended.cost("--where", "team=blue", "--where", "customer_id=c0")["total"]["operations"] == 1
    assert ended.cost("--since", "1h")["total"]["operations"] == 7
    assert ended.cost("--until", "2020-01-01")["total"]["operations"] == 0
    assert len(ended.cost("--by", "team,customer_id")["groups"]) >= 5
    assert len(ended.cost("--period", "day")["groups"]) >= 1
    done = genops("cost", "--by", "project", "--csv", state=ended.state, config=ended.config)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert 'odd, "quoted" name' in {row["project"] for row in rows}
    assert sum(int(row["cost_nano_usd"]) for row in rows) == 6 * COST
    text = genops("cost", "--by", "team", state=ended.state, config=ended.config).stdout
    assert "red" in text and "blue" in text


# --- budget, policy, status, catalog ---

def test_budget(ended):
    budget, = ended.command("budget", "--json")["budgets"]
    assert budget["name"] == "all"
    assert [window["period"] for window in budget["windows"]] == ["daily", "monthly"]
    for window, limit in zip(budget["windows"], (10**9, 10**10)):
        assert window["limit_nano_usd"] == limit
        assert (window["consumed_nano_usd"], window["reserved_nano_usd"]) == (6 * COST, 0)
        assert window["remaining_nano_usd"] == limit - 6 * COST
        assert window["resets_at"]
    assert genops("budget", "nothing", state=ended.state, config=ended.config).returncode == 1
    assert "all" in genops("budget", state=ended.state, config=ended.config).stdout


def test_policy(ended):
    assert {policy["name"] for policy in ended.command("policy", "--json")["policies"]} == {"secrets", "drafts"}
    test = ["policy", "test", "--provider", "openai", "--model", "gpt-4o-mini", "--json", "--content"]
    refused = genops(*test, "it is confidential", state=ended.state, config=ended.config)
    assert refused.returncode == 3
    assert json.loads(refused.stdout)["decision"] == "blocked"
    warned = genops(*test, "a draft", state=ended.state, config=ended.config)
    assert (warned.returncode, json.loads(warned.stdout)["decision"]) == (0, "warning")
    assert ended.cost()["total"]["operations"] == 7, "a test is not recorded"


def test_status_and_catalog(ended):
    status = ended.command("status", "--json")
    assert status["state_dir"] == str(ended.state) and status["in_flight"] == 0
    prices = ended.command("catalog", "--json", "gpt-4o-mini*")["prices"]
    assert prices and all(price["model"].startswith("gpt-4o-mini") and price["source"] and price["source_date"] for price in prices)
    for provider in ("openai", "anthropic", "mistral", "groq", "together", "deepseek", "cohere", "ollama"):
        assert ended.command("catalog", "--json", "--provider", provider)["prices"], provider


# --- validate, init ---

def test_init_then_validate(tmp_path):
    done = genops("init", home=tmp_path, cwd=tmp_path)
    assert done.returncode == 0
    written = (tmp_path / "genops.yaml").read_text()
    again = genops("init", home=tmp_path, cwd=tmp_path)
    assert again.returncode == 1 and "genops.yaml" in again.stderr
    assert (tmp_path / "genops.yaml").read_text() == written
    assert genops("init", "--stdout", home=tmp_path).stdout == written
    done = genops("validate", "--json", state=tmp_path / "state", home=tmp_path, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (done.returncode, report["valid"], report["failed"]) == (0, True, 0)
    assert not (tmp_path / "state").exists(), "validate changes nothing"


def test_validate_shape(tmp_path):
    config = tmp_path / "genops.yaml"
    config.write_text("governance:\n  mod: enforced\n")
    done = genops("validate", "--json", config=config, state=tmp_path / "state", home=tmp_path)
    report = json.loads(done.stdout)
    assert (done.returncode, report["valid"]) == (2, False)
    assert {"valid", "passed", "warnings", "failed", "checks"} <= set(report)
    fault = next(check for check in report["checks"] if check["status"] == "failed")
    assert (fault["file"], fault["line"], fault["column"]) == (str(config), 2, 3)
    assert "mode" in fault["fix"] and "mod" in fault["message"]
    assert sum(check["status"] == "failed" for check in report["checks"]) == report["failed"]
    assert set(report["checks"][0]) == {"name", "status", "message", "fix", "file", "line", "column"}


def test_validate_fails_and_warns(tmp_path):
    (tmp_path / "state").write_text("a file")
    done = genops("validate", "--json", state=tmp_path / "state", home=tmp_path, env={"GENOPS_NGINX": "/nonexistent/nginx"})
    report = json.loads(done.stdout)
    found = {check["name"]: check for check in report["checks"]}
    assert (done.returncode, report["valid"]) == (1, False)
    assert found["state directory"]["status"] == "failed" and found["state directory"]["fix"]
    assert found["nginx"]["status"] == "warning" and "GENOPS_NGINX" in found["nginx"]["fix"]


# --- audit ---

def test_audit_show(ended):
    events = ended.command("audit", "--json")["events"]
    assert len([event for event in events if event["kind"] == "operation"]) == 7
    blocked, = [event for event in ended.command("audit", "--json", "--where", "result=blocked")["events"] if event["kind"] == "operation"]
    assert blocked["policy"] == "secrets"


def copy_of(ended, tmp_path):
    subprocess.run(["cp", "-a", str(ended.state), str(tmp_path / "state")], check=True)
    return tmp_path / "state"


def verify(state, ended):
    done = genops("audit", "verify", "--json", state=state, config=ended.config)
    return done.returncode, json.loads(done.stdout)


TAMPERING = {
    "a payload edited": "UPDATE audit SET payload = randomblob(length(payload)) WHERE sequence = 3",
    "a record removed": "DELETE FROM audit WHERE sequence = 4",
    "the end removed": "DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)",
    "a time edited": "UPDATE audit SET unix_ns = unix_ns + 1 WHERE sequence = 2",
    "a hash edited": "UPDATE audit SET hash = randomblob(length(hash)) WHERE sequence = 5",
    "two exchanged": "UPDATE audit SET sequence = CASE sequence WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE sequence IN (2, 3);"
                     "UPDATE audit SET sequence = -sequence WHERE sequence < 0",
    "one added": "INSERT INTO audit SELECT max(sequence) + 1, unix_ns, kind, payload, hash FROM audit",
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_audit_verify_finds_tampering(ended, tmp_path, kind):
    state = copy_of(ended, tmp_path)
    assert verify(state, ended)[0] == 0
    with sqlite3.connect(state / "ledger.db") as database:
        for statement in TAMPERING[kind].split(";"):
            assert database.execute(statement).rowcount != 0
    database.close()
    code, verdict = verify(state, ended)
    assert (code, verdict["valid"]) == (1, False)
    assert verdict["first_bad"] is not None and verdict["message"]
    plain = genops("audit", "verify", state=state, config=ended.config)
    assert plain.returncode == 1
    assert str(verdict["first_bad"]) in plain.stdout + plain.stderr


def test_audit_export(ended, tmp_path):
    """The same records in all three formats; Parquet is read back by an independent reader."""
    files = {}
    for form in ("json", "csv", "parquet"):
        files[form] = tmp_path / f"audit.{form}"
        done = genops("audit", "export", "--format", form, "--output", files[form], state=ended.state, config=ended.config)
        assert done.returncode == 0, done.stderr
    rows = json.loads(files["json"].read_text())["events"]
    table = pyarrow.parquet.read_table(files["parquet"]).to_pylist()
    lines = list(csv.DictReader(files["csv"].open(newline="")))
    assert len(rows) == len(table) == len(lines) >= 7
    assert [row["sequence"] for row in table] == [int(line["sequence"]) for line in lines] == [row["sequence"] for row in rows]
    assert sum(row["cost_nano_usd"] or 0 for row in table) == 6 * COST
    assert sum(int(line["cost_nano_usd"] or 0) for line in lines) == 6 * COST
    assert 'odd, "quoted" name' in {row["project"] for row in table} & {line["project"] for line in lines}
    assert genops("audit", "export", "-f", "csv", "-o", "-", "-q", state=ended.state, config=ended.config).stdout == files["csv"].read_text()
    part = genops("audit", "export", "-o", tmp_path / "part.csv", "--where", "result=blocked", state=ended.state, config=ended.config)
    assert part.returncode == 0
    assert len(list(csv.DictReader((tmp_path / "part.csv").open(newline="")))) == 1


# --- run ---

@pytest.mark.parametrize("script, code", [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 128 + 9)])
def test_run_passes_the_exit_code_on(tmp_path, script, code):
    config = tmp_path / "genops.yaml"
    config.write_text("gateway: {listen: 127.0.0.1:0, listen_h2c: off}\n")
    done = genops("run", "--", "sh", "-c", script, state=tmp_path / "state", config=config, home=tmp_path)
    assert done.returncode == code, done.stderr
    assert "0 calls" in done.stderr


def test_run_of_what_is_not_there(tmp_path):
    done = genops("run", "--", "no-such-program-at-all", state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 127
    assert "no-such-program-at-all" in done.stderr


def test_run_gives_the_childs_own_output_and_arguments(tmp_path):
    code = "import os, sys; print(sys.argv[1:], sys.stdin.read()); print(os.environ['OPENAI_BASE_URL'], file=sys.stderr)"
    done = subprocess.run([gateways.GENOPS, "run", "-q", "--state", tmp_path / "state", "--", sys.executable, "-c", code, "--json", "-q"],
                          input="typed", capture_output=True, text=True, timeout=60, env=environment(tmp_path))
    assert done.stdout == "['--json', '-q'] typed\n"
    assert done.stderr.startswith("http://127.0.0.1:") and done.stderr.rstrip().endswith("/openai/v1")
    assert len(done.stderr.splitlines()) == 1, "quiet"


def test_run_sets_the_base_urls_of_the_sdks(tmp_path):
    done = genops("run", "-q", "--", "env", state=tmp_path / "state", home=tmp_path)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    for name, path in (("OPENAI_BASE_URL", "/openai/v1"), ("ANTHROPIC_BASE_URL", "/anthropic"), ("GROQ_BASE_URL", "/groq"),
                       ("TOGETHER_BASE_URL", "/together/v1"), ("AZURE_OPENAI_ENDPOINT", "/azure")):
        if name == "AZURE_OPENAI_ENDPOINT" and name not in found:
            continue  # Azure has no public address: only with one configured
        assert found[name] == found["GENOPS_GATEWAY_URL"] + path


def test_run_keeps_the_users_own_base_url(tmp_path, provider):
    """OPENAI_BASE_URL stays meaningful: it becomes where the gateway forwards to."""
    code = ("import os, urllib.request as u; r = u.Request(os.environ['OPENAI_BASE_URL'] + '/chat/completions', "
            "b'{\"model\":\"gpt-4o-mini\",\"messages\":[]}', {'content-type': 'application/json'}); "
            "print(u.build_opener(u.ProxyHandler({})).open(r).status)")
    done = genops("run", "--", sys.executable, "-c", code, state=tmp_path / "state", home=tmp_path,
                  env={"OPENAI_BASE_URL": provider.url + "/v1"})
    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr
    assert provider.received[0].target == "/v1/chat/completions"
    assert "1 calls, 0 refused" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_run_passes_signals_on(tmp_path, number):
    script = f"trap 'echo caught; exit 5' {int(number)}; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen([gateways.GENOPS, "run", "--state", tmp_path / "state", "--", "sh", "-c", script],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path))
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert (out, process.returncode) == ("caught\n", 5)


# --- demo ---

def test_demo(tmp_path):
    done = genops("demo", home=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    for word in ("allowed", "warning", "rate_limited", "blocked", "200", "403", "429", "acme-daily", "genops cost", "genops budget"):
        assert word in done.stdout, word
    assert list(tmp_path.iterdir()) == [], "nothing is left in the home directory"
