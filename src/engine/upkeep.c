/* SPDX-License-Identifier: Apache-2.0
 * engine/upkeep.c - the engine's one background thread: drain, reload, reap, publish.
 *
 * It takes the drain lock when nobody holds it (option drain AUTO), so that another process takes over when the one
 * that drained has died. All signals are blocked in it. Ticks every GENOPS_PACE_TICK_NS, at once when woken; passes of the drain come as
 * engine/drain/pace.h says, or when somebody in any process asks.
 */
#include "engine/collibra/collibra_export.h"
#include "engine/drain/drain.h"
#include "engine/operation/pending.h"
#include "engine/thread.h"

#include "base/clock.h"

#define RELOAD_EVERY_NS GENOPS_NS_PER_S
#define SETTLE_TICK_NS  (100 * GENOPS_NS_PER_MS)
#define POSTPONED_MAX   50    /* a file that somebody writes without end is read all the same */
#define TAKEOVER_NS     GENOPS_NS_PER_S
#define COMPLAIN_NS     (10 * GENOPS_NS_PER_S)
#define CHECK_EVERY_NS  (5 * GENOPS_NS_PER_S)

struct upkeep {
	genops_engine *engine;
	int64_t reload_at_ns, takeover_at_ns, collibra_at_ns, complain_at_ns, check_at_ns;
	int64_t passed_ns, pass_at_ns; /* when the last pass of the drain began, and when the next one is due */
	uint64_t n_drains_asked; /* of genops_counters_drains_asked, which the last pass answered */
	size_t n_postponed; /* looks at a configuration that is being written */
};

static void complain(struct upkeep *upkeep, int64_t now_ns, const char *what, const struct genops_error *err)
{
	if (now_ns < upkeep->complain_at_ns)
		return;
	upkeep->complain_at_ns = now_ns + COMPLAIN_NS;
	genops_log_error(&upkeep->engine->log, GENOPS_LOG_ERROR, what, err);
}

/* What is being written is not read: half a configuration may be a valid one that governs less. */
static bool is_settling(genops_engine *engine)
{
	struct genops_config *config = genops_engine_config(engine);
	bool is_settling = genops_config_is_settling(config, genops_clock_unix_ns());
	genops_config_unref(config);
	return is_settling;
}

static void reload(struct upkeep *upkeep, int64_t now_ns)
{
	struct genops_error err;
	bool is_changed = false;
	if (now_ns < upkeep->reload_at_ns)
		return;
	upkeep->reload_at_ns = now_ns + RELOAD_EVERY_NS;
	if (upkeep->n_postponed < POSTPONED_MAX && is_settling(upkeep->engine)) {
		upkeep->reload_at_ns = now_ns + SETTLE_TICK_NS;
		upkeep->n_postponed++;
		return;
	}
	upkeep->n_postponed = 0;
	if (genops_engine_reload(upkeep->engine, &is_changed, &err) != GENOPS_OK) {
		complain(upkeep, now_ns, "the changed configuration is not used", &err);
		return;
	}
	if (is_changed)
		genops_log_write(&upkeep->engine->log, GENOPS_LOG_INFO, "the changed configuration is in use");
}

/* Whoever reloaded it: genops_engine_reload may be called by any thread. */
static void configure_drain(genops_engine *engine)
{
	struct genops_config *config = genops_engine_config(engine);
	struct genops_error err;
	/* One of all the processes that reload tells the auditors. */
	if (engine->drain && genops_drain_configure(engine->drain, config) &&
	    genops_engine_record_configuration(engine, GENOPS_STR("config.reloaded"), &err) != GENOPS_OK)
		genops_log_error(&engine->log, GENOPS_LOG_ERROR, "a change of the configuration is not in the audit trail", &err);
	genops_config_unref(config);
}

/* A configuration may name Collibra only later. */
static void keep_collibra(struct upkeep *upkeep, int64_t now_ns)
{
	genops_engine *engine = upkeep->engine;
	struct genops_error err;
	if (engine->collibra_exporter || now_ns < upkeep->collibra_at_ns)
		return;
	upkeep->collibra_at_ns = now_ns + TAKEOVER_NS;
	if (genops_collibra_export_start(engine, &engine->collibra_exporter, &err) != GENOPS_OK)
		complain(upkeep, now_ns, "the export to Collibra cannot be started", &err);
}

static void take_over(struct upkeep *upkeep, int64_t now_ns)
{
	genops_engine *engine = upkeep->engine;
	struct genops_drain *drain;
	struct genops_error err;
	if (engine->drain || engine->drain_option == GENOPS_DRAIN_NEVER || now_ns < upkeep->takeover_at_ns)
		return;
	upkeep->takeover_at_ns = now_ns + TAKEOVER_NS;
	int code = genops_drain_open(engine, &drain, &err);
	if (code == GENOPS_OK) {
		engine->drain = drain;
		atomic_store(&engine->is_draining, true);
	} else if (code != GENOPS_BUSY) {
		complain(upkeep, now_ns, "the state directory cannot be drained", &err);
	}
}

static bool is_pass_due(const struct upkeep *upkeep, int64_t now_ns, bool is_woken)
{
	return is_woken || now_ns >= upkeep->pass_at_ns ||
	       genops_counters_drains_asked(upkeep->engine->counters) != upkeep->n_drains_asked;
}

static void pass(struct upkeep *upkeep, int64_t now_ns)
{
	genops_engine *engine = upkeep->engine;
	struct genops_error err;
	struct genops_pace pace = {.since_ns = now_ns - upkeep->passed_ns};
	if (!engine->drain)
		return;
	int64_t asked_ns = atomic_load(&engine->flush_asked_ns);
	upkeep->n_drains_asked = genops_counters_drains_asked(engine->counters);
	upkeep->passed_ns = now_ns;
	int code = genops_drain_pass(engine->drain, &pace, &err);
	if (code == GENOPS_FULL)
		complain(upkeep, now_ns, "the export queue is full; the ledger goes on", &err);
	else if (code != GENOPS_OK)
		complain(upkeep, now_ns, "draining failed; it is tried again", &err);
	genops_drain_upkeep(engine->drain);
	if (code == GENOPS_OK && genops_drain_offer(engine->drain, asked_ns))
		atomic_store(&engine->flush_done_ns, asked_ns);
	int64_t done_ns = genops_clock_monotonic_ns();
	pace.took_ns = done_ns - now_ns;
	upkeep->pass_at_ns = done_ns + genops_pace_wait_ns(&pace);
}

/* Somebody replaced or cut the file under us: limits are then no longer shared with those who come after. */
static void check_counters(struct upkeep *upkeep, int64_t now_ns)
{
	struct genops_error err;
	if (now_ns < upkeep->check_at_ns)
		return;
	upkeep->check_at_ns = now_ns + CHECK_EVERY_NS;
	if (genops_counters_check(upkeep->engine->counters, &err) != GENOPS_OK)
		complain(upkeep, now_ns, "budgets are no longer shared; start the processes of this state directory anew", &err);
}

/* Returns whether the thread goes on. */
static bool wait_for_tick(const struct upkeep *upkeep, bool *ret_is_woken)
{
	int64_t pause_ns = GENOPS_PACE_TICK_NS, left_ns = upkeep->pass_at_ns - genops_clock_monotonic_ns();
	if (upkeep->engine->drain && left_ns < pause_ns)
		pause_ns = left_ns;
	return genops_thread_loop_pause(&upkeep->engine->loop, pause_ns, ret_is_woken);
}

static void *run(void *arg)
{
	struct upkeep upkeep = {.engine = arg};
	genops_engine *engine = arg;
	bool is_woken = true;
	do {
		int64_t now_ns = genops_clock_monotonic_ns();
		reload(&upkeep, now_ns);
		configure_drain(engine);
		take_over(&upkeep, now_ns);
		keep_collibra(&upkeep, now_ns);
		genops_pending_retry(engine);
		check_counters(&upkeep, now_ns);
		if (is_pass_due(&upkeep, now_ns, is_woken))
			pass(&upkeep, now_ns);
		else if (engine->drain)
			genops_drain_upkeep(engine->drain);
	} while (wait_for_tick(&upkeep, &is_woken));
	pass(&upkeep, genops_clock_monotonic_ns());
	return NULL;
}

int genops_upkeep_start(genops_engine *engine, struct genops_error *err)
{
	return genops_thread_loop_start(&engine->loop, run, engine, "the engine's thread", err);
}

void genops_upkeep_stop(genops_engine *engine)
{
	genops_thread_loop_stop(&engine->loop);
}

void genops_upkeep_wake(genops_engine *engine)
{
	genops_thread_loop_wake(&engine->loop);
}
