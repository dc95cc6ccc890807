/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_export.c - see collibra_export.h: the thread. It looks at the ledger several times a second, which costs one
 * indexed query, and speaks with Collibra only when something is due. */
#include "engine/collibra/collibra_exporter.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_NS	     (100 * GENOPS_NS_PER_MS)
#define TAKEOVER_NS  GENOPS_NS_PER_S
#define STOP_GRACE_S 3

static bool is_set(const int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

bool genops_collibra_export_is_on(const struct genops_config *config)
{
	return config->collibra.url.len && config->collibra.export_mode != GENOPS_COLLIBRA_OFF;
}

/* --- the place --- */

int genops_collibra_export_look(const char *state_dir, struct genops_collibra_place *ret_place, struct genops_error *err)
{
	struct genops_collibra_place place;
	int code = genops_place_load(state_dir, GENOPS_COLLIBRA_PLACE_NAME, &place, sizeof place, err);
	if (code == GENOPS_NOT_FOUND) {
		memset(ret_place, 0, sizeof *ret_place);
		return GENOPS_OK;
	}
	GENOPS_TRY(code);
	if (place.version != GENOPS_COLLIBRA_PLACE_VERSION)
		return genops_fail(err, GENOPS_UNSUPPORTED, "collibra.place is of another version of GenOps");
	*ret_place = place;
	return GENOPS_OK;
}

static int end_of_ledger(const char *state_dir, int64_t *ret_sequence, struct genops_error *err)
{
	struct genops_ledger *ledger;
	uint8_t hash[32];
	*ret_sequence = 0;
	int code = genops_ledger_open(state_dir, false, &ledger, err);
	if (code == GENOPS_NOT_FOUND)
		return GENOPS_OK;
	GENOPS_TRY(code);
	code = genops_ledger_head(ledger, ret_sequence, hash, err);
	genops_ledger_close(ledger);
	return code;
}

/* A place that cannot be read begins at the oldest record: what is there already is set as it is. */
static int load_place(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	const char *state_dir = exporter->engine->state_dir;
	struct genops_collibra_place *place = &exporter->place;
	int64_t end;
	int code = genops_collibra_export_look(state_dir, place, err);
	if (code == GENOPS_CORRUPT) {
		genops_log_error(&exporter->engine->log, GENOPS_LOG_ERROR, "collibra: everything in the ledger is exported anew", err);
		memset(place, 0, sizeof *place);
		place->version = GENOPS_COLLIBRA_PLACE_VERSION;
		return GENOPS_OK;
	}
	GENOPS_TRY(code);
	GENOPS_TRY(end_of_ledger(state_dir, &end, err));
	struct genops_place_asking asked = genops_place_asked(exporter->file);
	exporter->asked = asked.ticket;
	exporter->flush_to = asked.target <= end ? asked.target : 0;
	if (place->version && place->cursor <= end)
		return GENOPS_OK;
	/* A ledger that ends before our place was made anew. */
	place->cursor = place->urgent_until = place->version ? 0 : end;
	place->version = GENOPS_COLLIBRA_PLACE_VERSION;
	return genops_place_save(exporter->file, place, sizeof *place, true, err);
}

/* OK with file NULL: somebody else exports. */
static int take_place(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	int code = genops_place_open(exporter->engine->state_dir, GENOPS_COLLIBRA_PLACE_NAME, &exporter->file, err);
	if (code == GENOPS_BUSY)
		return GENOPS_OK;
	GENOPS_TRY(code);
	code = load_place(exporter, err);
	if (code != GENOPS_OK) {
		genops_place_close(exporter->file);
		exporter->file = NULL;
		return code;
	}
	genops_collibra_feed_forget(exporter);
	return GENOPS_OK;
}

static bool has_place(struct genops_collibra_exporter *exporter, int64_t now_ns)
{
	struct genops_error err;
	if (exporter->file || now_ns < exporter->file_at_ns)
		return exporter->file != NULL;
	exporter->file_at_ns = now_ns + TAKEOVER_NS;
	if (take_place(exporter, &err) != GENOPS_OK)
		genops_collibra_delivery_fail(exporter, GENOPS_COLLIBRA_AGAIN, err.message);
	return exporter->file != NULL;
}

/* --- one round --- */

static void configure(struct genops_collibra_exporter *exporter)
{
	struct genops_config *config = genops_engine_config(exporter->engine);
	if (config == exporter->config) {
		genops_config_unref(config);
		return;
	}
	/* What is under way is made anew with the new settings. */
	genops_collibra_delivery_reset(&exporter->batch);
	genops_collibra_delivery_reset(&exporter->urgent);
	genops_collibra_link_close(exporter);
	genops_retry_init(&exporter->retry);
	exporter->n_budgets = 0;
	genops_config_unref(exporter->config);
	exporter->config = config;
	if (exporter->file)
		genops_collibra_feed_forget(exporter);
}

static bool has_ledger(struct genops_collibra_exporter *exporter)
{
	struct genops_error err;
	if (!exporter->ledger && genops_ledger_open(exporter->engine->state_dir, false, &exporter->ledger, &err) != GENOPS_OK)
		exporter->ledger = NULL; /* NOT_FOUND: nothing is recorded yet */
	return exporter->ledger != NULL;
}

/* Where all operations are urgent no batch takes the budgets along. */
static bool is_budget_due(const struct genops_collibra_exporter *exporter)
{
	if (exporter->has_exceeded_budget)
		return true;
	return exporter->config->n_budgets && exporter->place.n_operations != exporter->n_operations_told &&
	       (is_set(&exporter->must_stop) ||
		   genops_clock_monotonic_ns() - exporter->budgets_at_ns >= exporter->config->collibra.batch_interval_ns);
}

static bool is_batch_due(const struct genops_collibra_exporter *exporter)
{
	const struct genops_config_collibra *collibra = &exporter->config->collibra;
	if (!exporter->n_waiting)
		return is_budget_due(exporter);
	if (exporter->has_exceeded_budget)
		return true;
	return exporter->n_waiting >= (size_t)collibra->batch_size || is_set(&exporter->must_stop) ||
	       exporter->flush_to > exporter->place.cursor ||
	       genops_clock_monotonic_ns() - exporter->waiting_since_ns >= collibra->batch_interval_ns;
}

/* A job of an earlier life holds the batch that comes next: two imports must not touch the same assets. */
static bool is_resuming(struct genops_collibra_exporter *exporter)
{
	struct genops_collibra_job *job = &exporter->batch.job;
	bool is_success;
	if (!exporter->place.job_id[0] || exporter->batch.is_open)
		return false;
	if (!job->id[0])
		snprintf(job->id, sizeof job->id, "%s", exporter->place.job_id);
	if (genops_collibra_job_resume(job, exporter->session.client, genops_clock_monotonic_ns(), &is_success) == GENOPS_COLLIBRA_RUNNING)
		return true;
	/* Whatever came of it, the same assets are sent again: they are set as they are, and only then counted. */
	exporter->place.job_id[0] = '\0';
	genops_collibra_delivery_reset(&exporter->batch);
	return false;
}

static void step_batch(struct genops_collibra_exporter *exporter)
{
	struct genops_error err;
	if (!exporter->batch.is_open) {
		if (!is_batch_due(exporter) || !genops_collibra_link_open(exporter) || is_resuming(exporter))
			return;
		exporter->has_exceeded_budget = false;
		if (genops_collibra_feed_gather(exporter, &err) != GENOPS_OK) {
			genops_collibra_delivery_fail(exporter, GENOPS_COLLIBRA_AGAIN, err.message);
			return;
		}
	}
	genops_collibra_delivery_step(exporter, &exporter->batch);
}

/* Whoever asks for a flush wants it tried now, however long the last failure said to wait. */
static void look_for_flush(struct genops_collibra_exporter *exporter)
{
	struct genops_place_asking asked = genops_place_asked(exporter->file);
	if (asked.ticket == exporter->asked)
		return;
	exporter->asked = asked.ticket;
	exporter->flush_to = asked.target;
	genops_retry_succeeded(&exporter->retry);
}

/* Behind the cursor there is nothing but what went ahead. */
static void pass_over(struct genops_collibra_exporter *exporter)
{
	struct genops_collibra_place *place = &exporter->place;
	if (exporter->n_waiting || exporter->urgent.is_open || exporter->batch.is_open || place->urgent_until <= place->cursor ||
	    exporter->seen < place->urgent_until)
		return;
	place->cursor = place->urgent_until;
	genops_collibra_delivery_save(exporter, false);
}

static void tick(struct genops_collibra_exporter *exporter)
{
	struct genops_error err;
	int64_t now_ns = genops_clock_monotonic_ns();
	configure(exporter);
	if (!genops_collibra_export_is_on(exporter->config) || !has_place(exporter, now_ns) || !has_ledger(exporter))
		return;
	look_for_flush(exporter);
	if (genops_collibra_feed_scan(exporter, &err) != GENOPS_OK) {
		genops_collibra_delivery_fail(exporter, GENOPS_COLLIBRA_AGAIN, err.message);
		return;
	}
	pass_over(exporter);
	/* A failure holds back what begins, not a job that runs. */
	if (!genops_retry_may_send(&exporter->retry, now_ns) && !exporter->batch.is_open && !exporter->urgent.is_open)
		return;
	if (exporter->urgent.is_open && genops_collibra_link_open(exporter))
		genops_collibra_delivery_step(exporter, &exporter->urgent);
	if (exporter->batch.is_open || genops_retry_may_send(&exporter->retry, now_ns))
		step_batch(exporter);
}

/* --- the thread --- */

static bool has_work(const struct genops_collibra_exporter *exporter)
{
	return exporter->file && !exporter->place.reason[0] &&
	       (exporter->batch.is_open || exporter->urgent.is_open || exporter->n_waiting);
}

static void wait_for_tick(struct genops_collibra_exporter *exporter)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t at = (int64_t)until.tv_sec * GENOPS_NS_PER_S + until.tv_nsec + TICK_NS;
	until = (struct timespec){.tv_sec = at / GENOPS_NS_PER_S, .tv_nsec = at % GENOPS_NS_PER_S};
	pthread_mutex_lock(&exporter->lock);
	while (!exporter->is_woken) {
		if (pthread_cond_timedwait(&exporter->wake, &exporter->lock, &until) != 0)
			break;
	}
	exporter->is_woken = false;
	pthread_mutex_unlock(&exporter->lock);
}

static void *run(void *arg)
{
	struct genops_collibra_exporter *exporter = arg;
	for (;;) {
		bool is_stopping = is_set(&exporter->must_stop); /* asked before: the last records are seen after it */
		tick(exporter);
		atomic_store(&exporter->n_shown, exporter->n_waiting + exporter->urgent.n_operations);
		if (is_set(&exporter->must_abort) || (is_stopping && !has_work(exporter)))
			break;
		wait_for_tick(exporter);
	}
	pthread_mutex_lock(&exporter->lock);
	exporter->is_done = true;
	pthread_cond_broadcast(&exporter->wake);
	pthread_mutex_unlock(&exporter->lock);
	return NULL;
}

static void free_exporter(struct genops_collibra_exporter *exporter)
{
	genops_collibra_link_close(exporter);
	genops_collibra_delivery_done(&exporter->batch);
	genops_collibra_delivery_done(&exporter->urgent);
	genops_ledger_close(exporter->ledger);
	genops_place_close(exporter->file);
	genops_config_unref(exporter->config);
	pthread_cond_destroy(&exporter->wake);
	pthread_mutex_destroy(&exporter->lock);
	free(exporter);
}

int genops_collibra_export_start(
    genops_engine *engine, struct genops_collibra_exporter **ret_exporter, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	bool has_export = genops_collibra_export_is_on(config) && engine->drain_option != GENOPS_DRAIN_NEVER;
	genops_config_unref(config);
	*ret_exporter = NULL;
	if (!has_export)
		return GENOPS_OK;
	struct genops_collibra_exporter *exporter = calloc(1, sizeof *exporter);
	if (!exporter)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the export to Collibra");
	exporter->engine = engine;
	genops_retry_init(&exporter->retry);
	genops_collibra_delivery_init(&exporter->batch);
	genops_collibra_delivery_init(&exporter->urgent);
	pthread_mutex_init(&exporter->lock, NULL);
	genops_thread_condition_init(&exporter->wake);
	int code = take_place(exporter, err); /* now: what is recorded from here on is exported */
	if (code == GENOPS_OK)
		code = genops_thread_start(&exporter->thread, run, exporter, "the thread that exports to Collibra", err);
	if (code != GENOPS_OK) {
		free_exporter(exporter);
		return code;
	}
	*ret_exporter = exporter;
	return GENOPS_OK;
}

void genops_collibra_export_wake(struct genops_collibra_exporter *exporter)
{
	if (!exporter)
		return;
	pthread_mutex_lock(&exporter->lock);
	exporter->is_woken = true;
	pthread_cond_signal(&exporter->wake);
	pthread_mutex_unlock(&exporter->lock);
}

void genops_collibra_export_hurry(struct genops_collibra_exporter *exporter)
{
	if (exporter)
		__atomic_store_n(&exporter->must_abort, 1, __ATOMIC_RELAXED);
}

void genops_collibra_export_stop(struct genops_collibra_exporter *exporter)
{
	struct timespec until;
	if (!exporter)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_GRACE_S;
	__atomic_store_n(&exporter->must_stop, 1, __ATOMIC_RELAXED);
	genops_collibra_export_wake(exporter);
	pthread_mutex_lock(&exporter->lock);
	while (!exporter->is_done) {
		if (pthread_cond_timedwait(&exporter->wake, &exporter->lock, &until) != 0)
			break;
	}
	pthread_mutex_unlock(&exporter->lock);
	__atomic_store_n(&exporter->must_abort, 1, __ATOMIC_RELAXED);
	pthread_join(exporter->thread, NULL);
	free_exporter(exporter);
}
