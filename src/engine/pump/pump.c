/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump.c - from the durable queue to one destination: gather a batch, encode, send, judge, acknowledge.
 *
 * A batch is sent when it has batch_size operations, spans and so on, when its first one has waited batch_timeout, or when somebody
 * flushes; as one request or several (pump_batch.h). It is acknowledged when all of it is done with; killed before, it comes again.
 * One thread a destination, so that one that hangs holds up nobody. Retries are net/retry.h's; what a destination
 * rejects for ever goes to <state>/dead-letter.jsonl with the reason and is counted. Owns its cursor and client.
 */
#include "engine/pump/pump_state.h"

#include "base/clock.h"
#include "engine/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_NS       (200 * GENOPS_NS_PER_MS)
#define HOLD_LONG_NS  (3 * GENOPS_NS_PER_S) /* from so long on a restart goes on with a wait */
#define REQUEST_MAX   ((size_t)64 << 20) /* of what encoding takes beside the body */

void genops_pump_count(struct genops_pump *pump, const char *name, double n)
{
	genops_metrics_add(pump->metrics, name, pump->labels, n);
}

void genops_pump_complain(struct genops_pump *pump, const char *reason)
{
	if (!strncmp(pump->complaint, reason, sizeof pump->complaint - 1))
		return;
	snprintf(pump->complaint, sizeof pump->complaint, "%.255s", reason);
	genops_log_write(&pump->engine->log, GENOPS_LOG_WARN, "destination %.*s: %s", (int)pump->settings.name.len,
	    pump->settings.name.ptr, reason);
}

/* --- gathering --- */

static void forget_gathered(struct genops_pump *pump)
{
	genops_pump_batch_clear(&pump->batch);
	pump->gathered_since_ns = 0;
}

/* What is waiting in the queue, up to a batch. */
static int gather(struct genops_pump *pump, struct genops_error *err)
{
	while (!pump->batch.is_cut && !genops_pump_hold_is_whole(&pump->hold, pump->cursor, &pump->batch) &&
	       (genops_pump_hold_is_cut(&pump->hold) || !genops_pump_batch_is_full(&pump->batch))) {
		const struct genops_queue_entry *entries;
		int64_t before = pump->batch.n;
		size_t n = 0;
		int code = genops_queue_read(pump->cursor, &entries, &n, err);
		if (code == GENOPS_CORRUPT) {
			genops_log_error(&pump->engine->log, GENOPS_LOG_ERROR, "the export queue is damaged", err);
			genops_pump_count(pump, "genops_self_damaged_blocks_total", 1);
			continue;
		}
		if (code != GENOPS_OK)
			return code;
		if (!n)
			return GENOPS_OK;
		GENOPS_TRY(genops_pump_batch_add(&pump->batch, entries, n, err));
		if (pump->batch.n > before && genops_pump_hold_added(&pump->hold, pump->cursor, pump->batch_timeout_ns >= HOLD_LONG_NS,
						  &pump->gathered_since_ns, err) != GENOPS_OK)
			genops_pump_complain(pump, err->message);
	}
	return GENOPS_OK;
}

enum step { IDLE, BUSY, WAIT, GATHERING, PENDING };

bool genops_pump_is_flushing(struct genops_pump *pump)
{
	pthread_mutex_lock(&pump->lock);
	bool is_flushing = pump->is_flushing;
	pthread_mutex_unlock(&pump->lock);
	return is_flushing || genops_pump_is_set(&pump->must_stop);
}

static bool is_due(struct genops_pump *pump)
{
	return genops_pump_is_flushing(pump) || genops_pump_hold_is_cut(&pump->hold) || genops_pump_batch_is_full(&pump->batch) ||
	       pump->batch.is_cut || genops_clock_monotonic_ns() - pump->gathered_since_ns >= pump->batch_timeout_ns;
}

static void acknowledge(struct genops_pump *pump)
{
	struct genops_error err;
	if (genops_queue_acknowledge(pump->cursor, &err) != GENOPS_OK)
		genops_pump_complain(pump, err.message);
}

/* What cannot tell that something comes twice gets at most the one again that was on its way. */
static enum step send_one(struct genops_pump *pump, struct genops_destination_batch send)
{
	struct genops_error err;
	if (!genops_pump_send(pump, send))
		return WAIT;
	if (pump->type->items_max == 1 && genops_pump_hold_done(&pump->hold, pump->cursor, genops_pump_batch_n_done(&pump->batch), &err) != GENOPS_OK)
		genops_pump_complain(pump, err.message);
	/* What has gone into a file that is put aside then is known there only. */
	if (pump->type->is_repeatable && genops_pump_memory_keep(&pump->memory, &err) != GENOPS_OK)
		genops_pump_complain(pump, err.message);
	return BUSY;
}

/* One request of the batch that is due; acknowledged behind its last one. */
static enum step send_on(struct genops_pump *pump, struct genops_error *err)
{
	struct genops_destination_batch send;
	if (genops_pump_hold_cut(&pump->hold, pump->cursor, &pump->batch, pump->gathered_since_ns, err)) {
		if (err->code != GENOPS_OK)
			genops_pump_complain(pump, err->message);
		return BUSY;
	}
	if (!pump->batch.is_cut && genops_pump_batch_cut(&pump->batch, &pump->settings, &pump->arena, err) != GENOPS_OK) {
		genops_pump_complain(pump, err->message);
		return WAIT;
	}
	if (pump->batch.n_bad)
		genops_pump_count(pump, "genops_self_undecodable_records_total", (double)pump->batch.n_bad);
	pump->batch.n_bad = 0;
	if (pump->hold.n_done) { /* before a kill */
		genops_pump_batch_skip(&pump->batch, (size_t)pump->hold.n_done);
		pump->hold.n_done = 0;
	}
	if (genops_pump_batch_next(&pump->batch, &send))
		return send_one(pump, send);
	if (genops_pump_memory_keep(&pump->memory, err) != GENOPS_OK) { /* acknowledged when it is kept */
		genops_pump_complain(pump, err->message);
		return WAIT;
	}
	forget_gathered(pump);
	genops_pump_hold_over(&pump->hold, &pump->batch);
	acknowledge(pump);
	return BUSY;
}

static void move(struct genops_pump *pump)
{
	struct genops_error err;
	if (genops_pump_own_move(pump, &err) != GENOPS_OK)
		genops_pump_complain(pump, err.message);
}

static enum step step(struct genops_pump *pump)
{
	struct genops_error err;
	if (genops_pump_own_wants(pump))
		move(pump);
	if (!genops_retry_may_send(&pump->retry, genops_clock_monotonic_ns()))
		return WAIT;
	if (genops_pump_memory_is_due(&pump->memory))
		return genops_pump_send_due(pump) ? BUSY : WAIT;
	if (gather(pump, &err) != GENOPS_OK) {
		genops_pump_complain(pump, err.message);
		forget_gathered(pump);
		genops_queue_rewind(pump->cursor);
		return WAIT;
	}
	if (!pump->batch.n) {
		genops_pump_hold_over(&pump->hold, &pump->batch);
		acknowledge(pump); /* what is no destination's, or another one's; nothing at all: costs nothing */
		if (genops_pump_own_leave(pump))
			return BUSY;
		if (genops_pump_own_is_pending(pump))
			return PENDING;
		genops_pump_check_health(pump);
		return IDLE;
	}
	return is_due(pump) ? send_on(pump, &err) : GATHERING;
}

/* --- the thread --- */

static void wait_a_little(struct genops_pump *pump, enum step last)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t now_ns = (int64_t)until.tv_sec * GENOPS_NS_PER_S + until.tv_nsec;
	int64_t at = now_ns + IDLE_NS;
	if (last == WAIT && pump->retry.next_at_ns > now_ns && pump->retry.next_at_ns < at)
		at = pump->retry.next_at_ns;
	if (last == GATHERING && pump->gathered_since_ns + pump->batch_timeout_ns < at)
		at = pump->gathered_since_ns + pump->batch_timeout_ns;
	until = (struct timespec){.tv_sec = at / GENOPS_NS_PER_S, .tv_nsec = at % GENOPS_NS_PER_S};
	pthread_mutex_lock(&pump->lock);
	if (last == IDLE && !pump->is_woken && !pump->idle_since_ns)
		pump->idle_since_ns = now_ns;
	if (last == WAIT)
		pump->tried_at_ns = now_ns;
	if (last != GATHERING && last != PENDING)
		pump->is_flushing = false;
	while (!pump->is_woken && !genops_pump_is_set(&pump->must_stop)) {
		if (pthread_cond_timedwait(&pump->wake, &pump->lock, &until) != 0)
			break;
	}
	if (pump->is_woken)
		pump->idle_since_ns = 0;
	pump->is_woken = false;
	pthread_mutex_unlock(&pump->lock);
}

/* Stopping: what is waiting is sent if the far side takes it, and stays in the queue if not. What was sent is acknowledged first. */
static bool must_leave(const struct genops_pump *pump, enum step last)
{
	if (last != BUSY)
		return genops_pump_is_set(&pump->must_stop);
	if (genops_pump_is_set(&pump->must_abort))
		return !genops_pump_batch_is_sent(&pump->batch);
	return genops_pump_is_set(&pump->must_end) && !genops_pump_batch_is_begun(&pump->batch);
}

static void *run(void *arg)
{
	struct genops_pump *pump = arg;
	for (;;) {
		enum step last = step(pump);
		genops_pump_status_update(pump);
		if (must_leave(pump, last))
			break;
		if (last != BUSY)
			wait_a_little(pump, last);
	}
	/* What has been sent of a batch is not sent again by whoever comes next. */
	if (pump->cursor == pump->shared && !pump->hold.is_used && genops_pump_batch_is_begun(&pump->batch))
		move(pump);
	pthread_mutex_lock(&pump->lock);
	pump->is_done = true;
	pthread_cond_broadcast(&pump->wake);
	pthread_mutex_unlock(&pump->lock);
	return NULL;
}

static void free_pump(struct genops_pump *pump)
{
	genops_pump_own_end(pump);
	genops_queue_cursor_close(pump->shared);
	genops_pump_session_end(pump->type, &pump->settings);
	genops_pump_memory_close(&pump->memory);
	genops_http_client_free(pump->client);
	genops_arena_done(&pump->arena);
	genops_pump_batch_done(&pump->batch);
	genops_config_unref(pump->config);
	pthread_cond_destroy(&pump->wake);
	pthread_mutex_destroy(&pump->lock);
	free(pump);
}

void genops_pump_name(genops_str exporter, char ret_name[GENOPS_PUMP_NAME_SIZE])
{
	snprintf(ret_name, GENOPS_PUMP_NAME_SIZE, "%.*s", (int)(exporter.len > 120 ? 120 : exporter.len), exporter.ptr);
}

static int open_pump(struct genops_pump *pump, struct genops_queue *queue, const struct genops_config_exporter *exporter,
    struct genops_error *err)
{
	char name[GENOPS_PUMP_NAME_SIZE];
	genops_pump_name(pump->settings.name, name);
	pump->type = genops_destination_type_find(pump->settings.type);
	if (!pump->type)
		return genops_fail(err, GENOPS_CONFIG, "exporter %s: type %.*s is not known", name,
		    (int)pump->settings.type.len, pump->settings.type.ptr);
	GENOPS_TRY(pump->type->check(&pump->settings, err));
	GENOPS_TRY(genops_pump_memory_open(&pump->memory, pump->engine, pump->type, &pump->settings, err));
	pump->batch.type = pump->type;
	pump->hold.is_used = pump->type->is_repeatable;
	GENOPS_TRY(genops_pump_session_begin(pump->type, &pump->settings, err));
	pump->client = genops_http_client_new(err);
	if (!pump->client)
		return GENOPS_NOMEM;
	GENOPS_TRY(genops_queue_cursor_open(queue, name, true, &pump->shared, err));
	GENOPS_TRY(genops_pump_own_begin(pump, exporter, err));
	genops_pump_status_begin(pump);
	return GENOPS_OK;
}

int genops_pump_start(genops_engine *engine, struct genops_queue *queue, const struct genops_config_exporter *exporter,
    struct genops_config *config, struct genops_metrics *metrics, struct genops_pump **ret_pump, struct genops_error *err)
{
	struct genops_pump *pump = calloc(1, sizeof *pump);
	if (!pump)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a destination");
	pump->engine = engine;
	pump->config = genops_config_ref(config);
	pump->metrics = metrics;
	genops_retry_init(&pump->retry);
	genops_arena_init(&pump->arena, REQUEST_MAX);
	genops_pump_batch_init(&pump->batch);
	genops_pump_batch_init(&pump->own.taken);
	pthread_mutex_init(&pump->lock, NULL);
	genops_thread_condition_init(&pump->wake);
	genops_pump_settings_fill(pump, exporter);
	pump->asked_ns = genops_clock_monotonic_ns();
	int code = open_pump(pump, queue, exporter, err);
	if (code == GENOPS_OK)
		code = genops_thread_start(&pump->thread, run, pump, "a destination's thread", err);
	if (code != GENOPS_OK) {
		free_pump(pump);
		return code;
	}
	*ret_pump = pump;
	return GENOPS_OK;
}

bool genops_pump_is_same(const struct genops_pump *pump, const struct genops_config_exporter *exporter, const struct genops_config *config)
{
	return genops_str_equal(pump->settings.name, exporter->name) && pump->fingerprint == genops_pump_settings_sum(exporter, config);
}

void genops_pump_wake(struct genops_pump *pump)
{
	pthread_mutex_lock(&pump->lock);
	pump->is_woken = true;
	pump->idle_since_ns = 0;
	pthread_cond_signal(&pump->wake);
	pthread_mutex_unlock(&pump->lock);
}

bool genops_pump_is_offered(struct genops_pump *pump, int64_t since_monotonic_ns)
{
	pthread_mutex_lock(&pump->lock);
	bool is_offered = (pump->idle_since_ns != 0 && !pump->is_woken) || pump->tried_at_ns >= since_monotonic_ns;
	if (!is_offered && !pump->is_flushing) {
		pump->is_flushing = true;
		pump->is_woken = true;
		pthread_cond_signal(&pump->wake);
	}
	pthread_mutex_unlock(&pump->lock);
	return is_offered;
}

void genops_pump_stop_begin(struct genops_pump *pump)
{
	pthread_mutex_lock(&pump->lock);
	__atomic_store_n(&pump->must_stop, 1, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&pump->wake);
	pthread_mutex_unlock(&pump->lock);
}

static void wait_until_done(struct genops_pump *pump, int64_t until_ns)
{
	struct timespec until = {until_ns / GENOPS_NS_PER_S, until_ns % GENOPS_NS_PER_S};
	while (!pump->is_done) {
		if (pthread_cond_timedwait(&pump->wake, &pump->lock, &until) != 0)
			break;
	}
}

void genops_pump_stop(struct genops_pump *pump, int64_t send_until_ns, int64_t answer_until_ns)
{
	genops_pump_stop_begin(pump);
	pthread_mutex_lock(&pump->lock);
	wait_until_done(pump, send_until_ns);
	__atomic_store_n(&pump->must_end, 1, __ATOMIC_RELAXED);
	wait_until_done(pump, answer_until_ns);
	__atomic_store_n(&pump->must_abort, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&pump->lock);
	pthread_join(pump->thread, NULL);
	free_pump(pump);
}
