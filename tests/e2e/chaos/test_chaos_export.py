# SPDX-License-Identifier: Apache-2.0
"""A destination that is down, a queue that is full, a drain that dies between ledger and queue: nothing is dropped, nothing counts twice."""
import signal

from chaos_load import Load
from chaos_stage import Stage, chat, kill, wait_for
from test_chaos_gateway import prove

BUDGETS = """
  budgets:
    - {name: team, per: [team], daily_budget: 5, enforcement_level: block}
    - {name: all, hourly_budget: 5, daily_budget: 5, total_budget: 5, enforcement_level: block}
"""


def test_a_destination_that_is_down_for_the_whole_run_gets_everything_once_afterwards():
    with Stage(BUDGETS, exporter=", retry_on_failure: {initial_interval: 10ms, max_interval: 100ms}") as stage:
        stage.start()
        load = Load(stage.port, 1500)
        load.run()
        wait_for(lambda: stage.read("cost")["total"]["operations"] == 1500, 20, "the ledger goes on")
        wait_for(lambda: "otlphttp" in stage.log.read_text(), 15, "the log says who is not reached")
        stage.receive()
        # The circuit breaker may stay open for a minute; a new start asks at once.
        stage.stop()
        stage.start()
        rows = prove(stage, load)
        assert stage.receiver.n_received == len(rows), "nothing was lost, nothing came twice"


def test_a_destination_that_fails_now_and_then_gets_every_span():
    with Stage(BUDGETS, exporter=", retry_on_failure: {initial_interval: 10ms, max_interval: 50ms}") as stage:
        stage.receive()
        stage.start()
        for part in range(6):
            stage.receiver.is_failing = part % 2 == 0
            load = Load(stage.port, 200, first=part * 200)
            load.run()
        stage.receiver.is_failing = False
        rows = prove(stage, load)
        assert len(rows) == 1200
        assert stage.receiver.n_received == 1200


def test_a_full_queue_drops_nothing_and_the_ledger_goes_on():
    """Proves CORE-060 (batches are bounded, what happens when they overflow is defined)."""
    with Stage(BUDGETS, telemetry="  queue: {max_size: 1MiB, compression: none}") as stage:
        stage.start()
        load = Load(stage.port, 3000)
        load.run()
        wait_for(lambda: stage.read("cost")["total"]["operations"] == 3000, 20, "the ledger goes on")
        wait_for(lambda: "as much waits for destination" in stage.log.read_text(), 5, "the log says so")
        stage.receive()
        stage.stop()
        stage.start()
        prove(stage, load)
        assert stage.receiver.n_received == 3000


def test_a_drain_killed_before_a_writers_first_block_is_in_the_queue():
    """The ledger has what the queue refused; then everything dies, and the queue does not know these writers."""
    with Stage(BUDGETS, telemetry="  queue: {max_size: 1MiB, compression: none}") as stage:
        stage.start()
        first = Load(stage.port, 2500)
        first.run()
        wait_for(lambda: stage.read("cost")["total"]["operations"] == 2500, 20, "the ledger goes on")
        stage.stop(signal.SIGKILL)
        stage.start()
        load = Load(stage.port, 300, first=5000)
        load.run()
        wait_for(lambda: stage.read("cost")["total"]["operations"] == 2800, 20, "the ledger goes on")
        stage.stop(signal.SIGKILL)
        stage.receive()
        stage.start()
        prove(stage, load)
        assert len(stage.receiver.spans) == 2800


def test_the_drain_killed_again_and_again_under_load():
    with Stage(BUDGETS) as stage:
        stage.receive()
        stage.start()
        loads = []
        for part in range(8):
            loads.append(Load(stage.port, 150, first=part * 150))
            loads[-1].run()
            victim = stage.drainer()
            if victim not in stage.workers():
                victim = stage.serve.pid
            kill(victim)
            if victim == stage.serve.pid:
                stage.serve.wait()
            wait_for(lambda: restarted(stage), 20, "the gateway is back")
        load = loads[-1]
        rows = prove(stage, load)
        for one in loads:
            complete = one.complete()
            assert {o: rows[o][0] for o in complete} == complete
        assert len(rows) >= 8 * 150 - sum(one.n_doubtful for one in loads)


def restarted(stage):
    """As a supervisor does it: again, while the former workers still hold the port. Their answer to /ready does not count."""
    if stage.serve.poll() is not None:
        stage.start(is_waiting=False)
    return stage.workers() and stage.is_ready() and stage.serve.poll() is None
