/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/pump.c - from the durable queue to one destination: gather a batch, encode, send, judge, acknowledge.
 *
 * A batch is sent when it has batch_size operations, spans and so on, when its first one has waited batch_timeout, or when somebody
 * flushes; as one request or several (pump_batch.h). It is acknowledged when all of it is done with; killed before, it comes again.
 * One thread a destination, so that one that hangs holds up nobody. Retries are net/retry.h's; what a destination
 * rejects for ever goes to <state>/dead-letter.jsonl with the reason and is counted. Owns its cursor and client.
 */
#include "engine/drain/drain.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/dead_letter.h"
#include "engine/drain/pump_batch.h"
#include "engine/thread.h"
#include "net/http.h"
#include "net/retry.h"
#include "telemetry/propagation.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_NS       (200 * GENOPS_NS_PER_MS)
#define BATCH_MAX     8192
#define BATCH_BYTES_MAX ((int64_t)16 << 20)
#define REQUEST_MAX   ((size_t)64 << 20) /* of what encoding takes beside the body */

struct genops_pump {
	genops_engine *engine;
	struct genops_config *config;        /* one reference: settings borrow from it */
	struct genops_metrics *metrics;
	struct genops_queue_cursor *cursor;
	const struct genops_destination_type *type;
	struct genops_destination_settings settings;
	struct genops_http_client *client;
	struct genops_retry retry;
	struct genops_arena arena;           /* of one request */
	struct genops_pump_batch batch;
	int64_t gathered_since_ns, batch_timeout_ns;
	int64_t failing_since_ns;            /* monotonic; 0: the last attempt was good */
	bool is_retrying;
	int64_t retry_elapsed_ns;            /* give a batch up after failing that long; 0: never */
	int64_t retries_max;                 /* or that often; 0: never */
	char labels[160];                    /* destination="otlp/tempo" */
	int must_stop;                       /* atomic: send what can be sent at once, then end */
	int must_abort;                      /* atomic: break off a running request too */
	bool is_done;

	pthread_t thread;
	pthread_mutex_t lock;                /* wake, is_woken, idle_since_ns, tried_at_ns */
	pthread_cond_t wake;
	bool is_woken, is_flushing;
	int64_t idle_since_ns;               /* monotonic; 0: something is waiting */
	int64_t tried_at_ns;                 /* last finished attempt, good or bad */
	char complaint[256];                 /* last one logged, so that it is logged once */
};

static bool is_set(const int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

static void count(struct genops_pump *pump, const char *name, double n)
{
	genops_metrics_add(pump->metrics, name, pump->labels, n);
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
	while (!pump->batch.is_cut && !genops_pump_batch_is_full(&pump->batch)) {
		const struct genops_queue_entry *entries;
		size_t n = 0;
		int code = genops_queue_read(pump->cursor, &entries, &n, err);
		if (code == GENOPS_CORRUPT) {
			genops_log_error(&pump->engine->log, GENOPS_LOG_ERROR, "the export queue is damaged", err);
			count(pump, "genops_self_damaged_blocks_total", 1);
			continue;
		}
		if (code != GENOPS_OK)
			return code;
		if (!n)
			return GENOPS_OK;
		GENOPS_TRY(genops_pump_batch_add(&pump->batch, entries, n, err));
		if (pump->batch.n && !pump->gathered_since_ns)
			pump->gathered_since_ns = genops_clock_monotonic_ns();
	}
	return GENOPS_OK;
}

static void complain(struct genops_pump *pump, const char *reason)
{
	if (!strncmp(pump->complaint, reason, sizeof pump->complaint - 1))
		return;
	snprintf(pump->complaint, sizeof pump->complaint, "%.255s", reason);
	genops_log_write(&pump->engine->log, GENOPS_LOG_WARN, "destination %.*s: %s", (int)pump->settings.name.len,
	    pump->settings.name.ptr, reason);
}

/* retry_on_failure: not at all, or not longer than max_elapsed_time; max_retries. What is given up goes to the dead letters. */
static bool is_given_up(struct genops_pump *pump)
{
	int64_t now_ns = genops_clock_monotonic_ns();
	if (!pump->failing_since_ns)
		pump->failing_since_ns = now_ns;
	if (is_set(&pump->must_stop))
		return false; /* stopping is no reason to give up: it stays in the queue */
	return !pump->is_retrying || (pump->retries_max && pump->retry.n_failures >= pump->retries_max) ||
	       (pump->retry_elapsed_ns && now_ns - pump->failing_since_ns >= pump->retry_elapsed_ns);
}

/* How much of what is counted: operations, spans, data points, events. */
static int64_t weigh(const struct genops_destination_batch *send)
{
	int64_t n = (int64_t)send->n_records;
	for (size_t i = 0; i < send->n_items; i++)
		n += send->items[i].n > 1 ? send->items[i].n : 1;
	return n;
}

static void try_again(struct genops_pump *pump, const struct genops_send_verdict *verdict)
{
	uint64_t random;
	genops_span_id_new((uint8_t *)&random);
	genops_retry_failed(&pump->retry, verdict->retry_after_ns, random, genops_clock_monotonic_ns());
	count(pump, "genops_self_export_failures_total", 1);
	complain(pump, verdict->reason);
}

/* Sent, or rejected for ever. */
static void settle(struct genops_pump *pump, const struct genops_destination_batch *send, struct genops_send_verdict *verdict)
{
	int64_t n = weigh(send);
	if (verdict->kind != GENOPS_SENT)
		complain(pump, verdict->reason);
	if (verdict->kind == GENOPS_REJECTED) {
		const struct genops_dead_letter letter = {pump->engine->state_dir, &pump->engine->log, pump->settings.name,
		    genops_str_of(verdict->reason), pump->config->telemetry.content == GENOPS_CONTENT_FULL};
		genops_dead_letter_batch(&letter, send);
		verdict->n_rejected = n;
	} else if (pump->complaint[0] && verdict->kind == GENOPS_SENT) {
		complain(pump, "is reachable again");
		pump->complaint[0] = '\0';
	}
	pump->failing_since_ns = 0;
	genops_retry_succeeded(&pump->retry);
	count(pump, "genops_self_exported_total", (double)(n - verdict->n_rejected));
	if (verdict->n_rejected)
		count(pump, "genops_self_export_rejected_total", (double)verdict->n_rejected);
}

/* What cannot be encoded will not be in an hour, but for want of memory. */
static void judge_error(const struct genops_error *err, struct genops_send_verdict *verdict)
{
	verdict->kind = err->code == GENOPS_NOMEM ? GENOPS_RETRY : GENOPS_REJECTED;
	snprintf(verdict->reason, sizeof verdict->reason, "%.255s", err->message);
}

/* An answer that tells items apart. False: some have to be tried again. */
static bool settle_items(struct genops_pump *pump, struct genops_destination_batch send, struct genops_send_verdict *verdict)
{
	size_t n = verdict->n_kinds < send.n_items ? verdict->n_kinds : send.n_items, n_sent, n_rejected;
	struct genops_send_verdict part = {.kind = GENOPS_SENT};
	bool is_over = memchr(verdict->kinds, GENOPS_RETRY, n) && is_given_up(pump);
	for (size_t i = 0; is_over && i < n; i++)
		verdict->kinds[i] = verdict->kinds[i] == GENOPS_RETRY ? GENOPS_REJECTED : verdict->kinds[i];
	genops_pump_batch_sort(&pump->batch, verdict->kinds, n, &n_sent, &n_rejected);
	send.n_items = n_sent;
	if (n_sent)
		settle(pump, &send, &part);
	send.items += n_sent;
	send.n_items = n_rejected;
	part.kind = GENOPS_REJECTED;
	snprintf(part.reason, sizeof part.reason, "%s", verdict->reason);
	if (n_rejected)
		settle(pump, &send, &part);
	genops_pump_batch_sent(&pump->batch, n_sent + n_rejected);
	if (n_sent + n_rejected == n)
		return true;
	try_again(pump, verdict);
	return false;
}

/* One request. False: it has to be tried again later. */
static bool deliver(struct genops_pump *pump, struct genops_destination_batch send)
{
	struct genops_request request = {0};
	struct genops_response response = {.grpc_status = -1};
	struct genops_send_verdict verdict = {0};
	struct genops_error err = {0};
	genops_arena_reset(&pump->arena);
	int code = pump->type->encode(&pump->settings, &send, &pump->arena, &request, &err);
	bool is_too_large = code != GENOPS_OK && code != GENOPS_NOMEM;
	if (code != GENOPS_OK) {
		judge_error(&err, &verdict);
	} else if (genops_http_send(pump->client, &pump->settings, &request, &pump->must_abort, &response, &err) == GENOPS_OK) {
		pump->type->judge(&pump->settings, &response, &verdict);
		is_too_large = response.status == 413 || response.grpc_status == 8; /* RESOURCE_EXHAUSTED without a delay */
	} else {
		verdict.kind = GENOPS_RETRY;
		snprintf(verdict.reason, sizeof verdict.reason, "%.255s", err.message);
	}
	genops_buffer_done(&request.body);
	if (verdict.n_kinds && send.n_items)
		return settle_items(pump, send, &verdict);
	if (verdict.kind == GENOPS_REJECTED && is_too_large && genops_pump_batch_narrow(&pump->batch, &send))
		return true; /* what it is that cannot be taken is found out; the rest goes */
	if (verdict.kind == GENOPS_RETRY && is_given_up(pump))
		verdict.kind = GENOPS_REJECTED;
	if (verdict.kind == GENOPS_RETRY) {
		try_again(pump, &verdict);
		return false;
	}
	if (request.n_items && request.n_items < send.n_items)
		send.n_items = request.n_items;
	settle(pump, &send, &verdict);
	genops_pump_batch_sent(&pump->batch, send.n_records + send.n_items);
	return true;
}

enum step { IDLE, BUSY, WAIT, GATHERING };

static bool is_due(struct genops_pump *pump)
{
	pthread_mutex_lock(&pump->lock);
	bool is_flushing = pump->is_flushing;
	pthread_mutex_unlock(&pump->lock);
	return is_flushing || is_set(&pump->must_stop) || genops_pump_batch_is_full(&pump->batch) ||
	       pump->batch.is_cut || genops_clock_monotonic_ns() - pump->gathered_since_ns >= pump->batch_timeout_ns;
}

static void acknowledge(struct genops_pump *pump)
{
	struct genops_error err;
	if (genops_queue_acknowledge(pump->cursor, &err) != GENOPS_OK)
		complain(pump, err.message);
}

/* One request of the batch that is due; acknowledged behind its last one. */
static enum step send_on(struct genops_pump *pump, struct genops_error *err)
{
	struct genops_destination_batch send;
	if (!pump->batch.is_cut && genops_pump_batch_cut(&pump->batch, err) != GENOPS_OK) {
		complain(pump, err->message);
		return WAIT;
	}
	if (pump->batch.n_bad)
		count(pump, "genops_self_undecodable_records_total", (double)pump->batch.n_bad);
	pump->batch.n_bad = 0;
	if (genops_pump_batch_next(&pump->batch, &send))
		return deliver(pump, send) ? BUSY : WAIT;
	forget_gathered(pump);
	acknowledge(pump);
	return BUSY;
}

static enum step step(struct genops_pump *pump)
{
	struct genops_error err;
	if (!genops_retry_may_send(&pump->retry, genops_clock_monotonic_ns()))
		return WAIT;
	if (gather(pump, &err) != GENOPS_OK) {
		complain(pump, err.message);
		forget_gathered(pump);
		genops_queue_rewind(pump->cursor);
		return WAIT;
	}
	if (!pump->batch.n) {
		acknowledge(pump); /* what is no destination's, or another one's; nothing at all: costs nothing */
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
	if (last != GATHERING)
		pump->is_flushing = false;
	while (!pump->is_woken && !is_set(&pump->must_stop)) {
		if (pthread_cond_timedwait(&pump->wake, &pump->lock, &until) != 0)
			break;
	}
	if (pump->is_woken)
		pump->idle_since_ns = 0;
	pump->is_woken = false;
	pthread_mutex_unlock(&pump->lock);
}

static void *run(void *arg)
{
	struct genops_pump *pump = arg;
	for (;;) {
		enum step last = step(pump);
		/* Stopping: what is waiting is sent if the far side takes it, and stays in the queue if not. */
		if (is_set(&pump->must_abort) || (is_set(&pump->must_stop) && last != BUSY))
			break;
		if (last != BUSY)
			wait_a_little(pump, last);
	}
	pthread_mutex_lock(&pump->lock);
	pump->is_done = true;
	pthread_cond_broadcast(&pump->wake);
	pthread_mutex_unlock(&pump->lock);
	return NULL;
}

static void fill_settings(struct genops_pump *pump, const struct genops_config_exporter *exporter)
{
	pump->settings = (struct genops_destination_settings){
	    .name = exporter->name,
	    .type = exporter->type,
	    .endpoint = exporter->endpoint,
	    .headers = exporter->headers,
	    .resource = pump->config->telemetry.resource_attributes,
	    .is_json = exporter->is_json,
	    .is_insecure = exporter->is_insecure,
	    .skip_verify = exporter->skip_verify,
	    .is_signal_url = exporter->is_signal_url,
	    .ca_file = exporter->ca_file,
	    .certificate_file = exporter->certificate_file,
	    .key_file = exporter->key_file,
	    .compression = exporter->compression,
	    .timeout_ns = exporter->timeout_ns,
	    .profile = (enum genops_profile)pump->config->telemetry.profile,
	    .own = exporter->own,
	};
	const struct genops_processor_batch *batch = &exporter->batch;
	int64_t size = batch->size_max && batch->size_max < batch->size ? batch->size_max : batch->size;
	if (!batch->size && !batch->timeout_ns) { /* no pipeline of the service leads there */
		size = pump->config->telemetry.batch_size;
		pump->batch_timeout_ns = pump->config->telemetry.batch_timeout_ns;
	} else {
		pump->batch_timeout_ns = batch->timeout_ns;
	}
	pump->batch.send_max = batch->size_max;
	pump->batch.size = size < 1 ? 1 : size > BATCH_MAX ? BATCH_MAX : (size_t)size;
	/* Enough for several requests, and not so much that a small queue is full before; bounds what comes twice after a kill, too. */
	int64_t quarter = pump->config->telemetry.queue_max_size / 4;
	int64_t bytes_max = exporter->batch_bytes ? exporter->batch_bytes : BATCH_BYTES_MAX;
	pump->batch.size_bytes = (size_t)(quarter && quarter < bytes_max ? quarter : bytes_max);
	pump->batch.destination = pump->settings.name;
	pump->batch.takes_operations = exporter->takes_operations;
	pump->is_retrying = exporter->is_retrying;
	pump->retry_elapsed_ns = exporter->retry_elapsed_ns;
	pump->retries_max = exporter->retries_max;
	if (exporter->retry_multiplier > 0)
		pump->retry.multiplier = exporter->retry_multiplier;
	if (exporter->retry_initial_ns)
		pump->retry.initial_ns = exporter->retry_initial_ns;
	if (exporter->retry_max_ns) /* whatever has failed how often: nobody waits longer than max_interval for a probe */
		pump->retry.max_ns = pump->retry.breaker_open_ns = exporter->retry_max_ns;
	snprintf(pump->labels, sizeof pump->labels, "destination=\"%.*s\"",
	    (int)(exporter->name.len > 120 ? 120 : exporter->name.len), exporter->name.ptr);
}

static void free_pump(struct genops_pump *pump)
{
	genops_queue_cursor_close(pump->cursor);
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

static int open_pump(struct genops_pump *pump, struct genops_queue *queue, struct genops_error *err)
{
	char name[GENOPS_PUMP_NAME_SIZE];
	genops_pump_name(pump->settings.name, name);
	pump->type = genops_destination_type_find(pump->settings.type);
	if (!pump->type)
		return genops_fail(err, GENOPS_CONFIG, "exporter %s: type %.*s is not known", name,
		    (int)pump->settings.type.len, pump->settings.type.ptr);
	GENOPS_TRY(pump->type->check(&pump->settings, err));
	pump->batch.type = pump->type;
	pump->client = genops_http_client_new(err);
	if (!pump->client)
		return GENOPS_NOMEM;
	return genops_queue_cursor_open(queue, name, true, &pump->cursor, err);
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
	pthread_mutex_init(&pump->lock, NULL);
	genops_thread_condition_init(&pump->wake);
	fill_settings(pump, exporter);
	int code = open_pump(pump, queue, err);
	if (code == GENOPS_OK)
		code = genops_thread_start(&pump->thread, run, pump, "a destination's thread", err);
	if (code != GENOPS_OK) {
		free_pump(pump);
		return code;
	}
	*ret_pump = pump;
	return GENOPS_OK;
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

void genops_pump_stop(struct genops_pump *pump, int64_t until_monotonic_ns)
{
	struct timespec until = {until_monotonic_ns / GENOPS_NS_PER_S, until_monotonic_ns % GENOPS_NS_PER_S};
	genops_pump_stop_begin(pump);
	pthread_mutex_lock(&pump->lock);
	while (!pump->is_done) {
		if (pthread_cond_timedwait(&pump->wake, &pump->lock, &until) != 0)
			break;
	}
	__atomic_store_n(&pump->must_abort, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&pump->lock);
	pthread_join(pump->thread, NULL);
	free_pump(pump);
}
