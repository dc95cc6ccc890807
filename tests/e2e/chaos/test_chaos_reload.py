# SPDX-License-Identifier: Apache-2.0
"""Under load: configuration, policies, budgets and providers change, SIGHUP, nginx reloads; no request is dropped. And failing
providers and clients: each call is settled once, by what is known. And no secret in anything that is written."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import threading

from chaos_load import Load, request_of
from chaos_stage import Stage, chat, free_port, kill, wait_for
from test_chaos_gateway import prove

BUDGETS = """
  budgets:
    - {name: team, per: [team], daily_budget: 5, enforcement_level: block}
    - {name: all, hourly_budget: 5, daily_budget: 5, total_budget: 5, enforcement_level: block}
"""


def during(load, actions):
    """Runs the load in a thread and the actions beside it; each waits for some progress of the load."""
    thread = threading.Thread(target=load.run)
    thread.start()
    step = load.n_calls // (len(actions) + 1)
    for i, action in enumerate(actions):
        wait_for(lambda: load.next - load.first >= (i + 1) * step or not thread.is_alive(), 60, "the load goes on")
        action()
    thread.join(90)
    assert not thread.is_alive()


def test_no_request_is_dropped_while_everything_is_reloaded():
    with Stage(BUDGETS, latency=0.05) as stage:
        stage.receive()
        stage.start()
        policy = "\n  policies:\n    - {name: cap, type: cost_limit, max_cost: %s, enforcement_level: block}\n"
        load = Load(stage.port, 6000, is_patient=True)
        n_files = len(os.listdir(f"/proc/{stage.serve.pid}/fd"))

        def provider(i):
            stage.configure(providers=f'    extra{i}: {{base_url: "http://127.0.0.1:{stage.provider_port}", dialect: openai}}')

        during(load, [
            lambda: stage.configure(BUDGETS + policy % 1),
            lambda: stage.configure(BUDGETS.replace("daily_budget: 5", "daily_budget: 4") + policy % 2),
            lambda: kill(stage.serve.pid, signal.SIGHUP),
            lambda: stage.config.write_text("governance: {mode: nonsense}"),
            lambda: kill(stage.serve.pid, signal.SIGHUP),
            lambda: provider(1),
            lambda: kill(stage.serve.pid, signal.SIGHUP),
            lambda: provider(2),
        ])
        assert load.n_doubtful == 0, "a reload broke a call"
        assert {status for status, _ in load.told.values()} == {200}, list(load.bodies.values())[:2]
        assert len(load.told) == 6000
        wait_for(lambda: "extra2" in open_conf(stage), 15, "nginx knows the new provider")
        polls = []
        wait_for(lambda: served_by_new_worker(stage, "/extra2/v1/chat/completions", polls), 15, "a worker of the new configuration answers")
        assert len(prove(stage, load)) == 6000 + len(polls), "a call that a client repeated had not been made"
        assert len(os.listdir(f"/proc/{stage.serve.pid}/fd")) <= n_files + 16, "descriptors leak"


def served_by_new_worker(stage, path, polls=None):
    """Until then the worker does not know the provider, or nginx does not, and the client is told to repeat: nothing was sent.
    Adds the calls that became operations to polls."""
    status, headers, body = chat(stage.port, 9000, path=path)
    assert status in (200, 404) or (status == 503 and headers["retry-after"] == "1"), (status, body)
    if polls is not None and status != 404:
        polls.append(headers["x-genops-operation-id"])
    return status == 200


def test_a_worker_that_nginx_has_not_told_of_a_provider_asks_to_repeat():
    with Stage(BUDGETS) as stage:
        stage.receive()
        stage.start()
        kill(stage.serve.pid, signal.SIGSTOP)  # nginx's configuration is written by serve; the workers' engines follow the file alone
        try:
            stage.configure(providers=f'    late: {{base_url: "http://127.0.0.1:{stage.provider_port}", dialect: openai}}')
            late = lambda: chat(stage.port, 1, path="/late/v1/chat/completions")
            wait_for(lambda: late()[0] != 404, 15, "the worker's engine knows the provider")
            status, headers, body = late()
            assert status == 503 and headers["retry-after"] == "1" and b"repeat the request" in body, body
            assert headers["x-genops-operation-id"]
        finally:
            kill(stage.serve.pid, signal.SIGCONT)
        wait_for(lambda: served_by_new_worker(stage, "/late/v1/chat/completions"), 15, "nginx knows the provider")


def open_conf(stage):
    return "".join(p.read_text() for p in stage.folder.glob("genops-*/nginx.conf"))


def test_a_budget_that_shrinks_while_calls_run_refuses_the_next_ones():
    with Stage(BUDGETS, latency=0.02) as stage:
        stage.receive()
        stage.start()
        load = Load(stage.port, 3000, is_patient=True)
        load.end = 10**6  # as many calls as it takes until the new limit holds

        def shrink():
            stage.configure(BUDGETS.replace("total_budget: 5", "total_budget: 0.00001"))
            try:
                wait_for(load.refused, 20, "the new limit refuses calls")
            finally:
                load.end = load.next

        during(load, [shrink])
        stage.configure(BUDGETS)
        assert load.complete()
        wait_for(lambda: chat(stage.port, 9001)[0] == 200, 10, "the old limit is back")
        assert load.n_doubtful == 0
        prove(stage, load)


# --- providers and clients that fail ---

def outcome(stage, fault, **more):
    """One call with that fault: (status, outcome, nano-USD)."""
    before = set(stage.rows()) if (stage.state / "ledger.db").exists() else set()
    try:
        status = chat(stage.port, 7, metadata={"fault": fault}, timeout=15, **more)[0]
    except (OSError, Exception) as broken:  # a cut connection is what the provider did
        status = type(broken).__name__
    wait_for(lambda: stage.read("cost") and set(stage.rows()) - before, 15, f"a record of {fault}")
    new = set(stage.rows()) - before
    assert len(new) == 1, "one call, one record"
    cost, result, _ = stage.rows()[new.pop()]
    wait_for(lambda: all(not w["reserved_nano_usd"] for w in stage.windows().values()), 10, "nothing is reserved")
    return status, result, cost


def test_each_way_a_provider_fails_settles_once():
    with Stage(BUDGETS, gateway="  read_timeout: 1s\n  connect_timeout: 1s") as stage:
        stage.start()
        assert outcome(stage, "error") == (500, "provider_error", 0)
        status, result, cost = outcome(stage, "close")
        assert (status, result) == (502, "provider_error") and cost > 0, "it had the request and may bill it"
        status, result, _ = outcome(stage, "half")
        assert result == "provider_error" and status != 200
        status, result, cost = outcome(stage, "half_stream", stream=True)
        assert result == "provider_error" and cost > 0, "what was streamed is paid for"
        status, result, cost = outcome(stage, "hang")
        assert (status, result) == (504, "provider_error") and cost > 0, "it had the request and may bill it"
        stage.provider.kill()
        stage.provider.wait()
        assert outcome(stage, "") == (502, "not_sent", 0)


def test_a_worker_killed_before_the_first_byte_leaves_what_was_sent():
    with Stage(BUDGETS) as stage:
        stage.start()
        caller = threading.Thread(target=outcome_of_hanging, args=(stage,), daemon=True)
        caller.start()
        wait_for(lambda: any(w["reserved_nano_usd"] for w in stage.windows().values()), 10, "the call")
        for worker in stage.workers():
            kill(worker)
        wait_for(lambda: stage.read("cost") and stage.rows(), 15, "its record")
        (cost, result, _), = stage.rows().values()
        assert result == "abandoned" and cost > 0, "the provider has it and may bill it"
        wait_for(lambda: all(w["consumed_nano_usd"] == cost and not w["reserved_nano_usd"] for w in stage.windows().values()), 10,
                 "the budgets")
        caller.join(15)


def outcome_of_hanging(stage):
    with contextlib.suppress(OSError, http.client.HTTPException):
        chat(stage.port, 7, metadata={"fault": "hang"}, timeout=15)


def send_raw(port, data):
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(data)
    return connection


def test_clients_that_die_or_dawdle_are_settled():
    with Stage(BUDGETS) as stage:
        stage.start()
        whole = request_of(1, stage.port, "t0", "")
        send_raw(stage.port, whole[:-20]).close()  # half a body: nothing was decided
        body = json.dumps({"model": "gpt-4o-mini", "user": "3", "max_tokens": 60, "stream": True,
                           "metadata": {"fault": "slow"}, "messages": [{"role": "user", "content": "x"}]}).encode()
        head = (f"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n").encode()
        goes_away = send_raw(stage.port, head + body)
        seen = b""
        while seen.count(b"data:") < 2:
            seen += goes_away.recv(4096)
        goes_away.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        goes_away.close()
        reads_slowly = send_raw(stage.port, (head.replace(b"genops", b"x") + body.replace(b'"stream": true, ', b"")
                                            .replace(b"slow", b"big").ljust(len(body))))
        total = 0
        while total < 4_000_000:
            piece = reads_slowly.recv(200_000)
            assert piece, "a slow reader was cut off"
            total += len(piece)
        reads_slowly.close()
        wait_for(lambda: stage.read("cost")["total"]["operations"] == 2, 15, "both calls are recorded, half a body is not")
        wait_for(lambda: all(not w["reserved_nano_usd"] for w in stage.windows().values()), 10, "nothing is reserved")
        assert sorted(row[1] for row in stage.rows().values()) == ["cancelled", "ok"], stage.rows()


def test_a_dearer_model_that_answers_is_what_is_billed():
    with Stage(BUDGETS) as stage:
        stage.start()
        _, result, cost = outcome(stage, "pricier")
        assert result == "ok" and cost == 10 * 2500 + (1 + 7 * 7919 % 60) * 10000, cost


def test_a_stream_of_a_dearer_model_than_was_reserved_for_is_cut_off_at_the_limit():
    with Stage("  budgets:\n    - {name: all, total_budget: 0.0002, enforcement_level: block}\n") as stage:
        stage.start()
        _, result, cost = outcome(stage, "pricier", stream=True)
        assert result == "cut_off", (result, cost)


# --- secrets ---

def test_no_secret_and_no_prompt_in_anything_that_is_written():
    key, prompt, virtual = "sk-MARKERKEY-5551", "MARKERPROMPT zebra 777", "gk-MARKERVIRTUAL-888"
    governance = BUDGETS + """
  policies:
    - {name: words, type: content_filter, enforcement_level: block, blocked_patterns: "forbidden-word"}
  keys:
    - {name: ci, key: "${MARKER_VIRTUAL}", attributes: {team: t1}, provider_keys: {openai: "${MARKER_KEY}"}}
"""
    with Stage(governance, gateway="  read_timeout: 1s") as stage:
        stage.env.update(MARKER_VIRTUAL=virtual, MARKER_KEY=key, GENOPS_LOG_LEVEL="debug")
        stage.receive()
        stage.start()
        import http.client
        answers = []
        for secret, fault, text in ((virtual, "", prompt), (key, "", prompt), (virtual, "error", prompt), (virtual, "close", prompt),
                                    (virtual, "hang", prompt), (virtual, "", prompt + " forbidden-word"), (key + "x", "half", prompt)):
            connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
            try:
                connection.request("POST", "/openai/v1/chat/completions", json.dumps({
                    "model": "gpt-4o-mini", "user": "1", "max_tokens": 60, "metadata": {"fault": fault},
                    "messages": [{"role": "user", "content": text}]}),
                    {"content-type": "application/json", "authorization": f"Bearer {secret}"})
                answer = connection.getresponse()
                answers.append(str(answer.getheaders()).encode() + answer.read())
            except (OSError, http.client.HTTPException):
                pass
            connection.close()
        wait_for(lambda: stage.read("cost")["total"]["operations"] >= 7, 15, "records")
        wait_for(lambda: len(stage.receiver.spans) >= 7, 15, "spans")
        written = {"answers": b"".join(answers), "spans": b"".join(stage.receiver.bodies)}
        for command in (["audit", "show"], ["audit", "export", "--format", "json"], ["policy", "list"], ["status"], ["validate"]):
            result = stage.run(*command)
            written[" ".join(command)] = (result.stdout + result.stderr).encode()
        written["metrics"] = stage.get("/metrics")[1]
        stage.stop()
        for path in [p for p in stage.folder.rglob("*") if p.is_file()]:
            written[str(path)] = path.read_bytes()
        for where, data in written.items():
            for marker in (b"MARKERKEY", b"MARKERPROMPT", b"MARKERVIRTUAL", b"zebra 777"):
                assert marker not in data, (where, marker)
        assert any(pathlib.Path(w).name == "ledger.db" for w in written)
