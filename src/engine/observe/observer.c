/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observer.c - see observe.h: taking candidates, and resolving them a transaction at a time.
 *
 * A transaction of resolve: for each trace with something due, the calls of its candidates; for each call whose time has come, one
 * operation (or none, if it is known), its spans into the outbox, its candidates gone. Leases are freed when it is committed, and reverted
 * when it is not. Then the outbox is appended to this process's segment.
 */
#include "engine/observe/observe_impl.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/drain/batch.h"

#include <stdlib.h>
#include <sys/random.h>

#define NATIVE_WINDOW_NS GENOPS_NS_PER_S
#define ARENA_MAX        ((size_t)24 << 20)
#define ROUNDS_MAX       64 /* transactions of one resolve; more waits for the next pass */

int genops_observer_new(genops_engine *engine, struct genops_ledger *ledger, struct genops_metrics *metrics,
    struct genops_observer **ret, struct genops_error *err)
{
	struct genops_observer *observer = calloc(1, sizeof *observer);
	if (!observer)
		return genops_fail(err, GENOPS_NOMEM, "no memory for observed calls");
	observer->engine = engine;
	observer->ledger = ledger;
	observer->metrics = metrics;
	observer->latest_unix_ns = INT64_MAX; /* whoever drained before may have had another clock */
	genops_arena_init(&observer->arena, ARENA_MAX);
	struct genops_buffer *const buffers[] = {&observer->scratch, &observer->body, &observer->attributes, &observer->events,
	    &observer->out.request, &observer->out.envelope, &observer->out.receiver, &observer->out.input, &observer->out.tenant};
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		genops_buffer_init(buffers[i], (size_t)4 << 20);
	genops_observe_span_forget(observer);
	*ret = observer;
	return GENOPS_OK;
}

void genops_observer_free(struct genops_observer *observer)
{
	if (!observer)
		return;
	struct genops_buffer *const buffers[] = {&observer->scratch, &observer->body, &observer->attributes, &observer->events,
	    &observer->out.request, &observer->out.envelope, &observer->out.receiver, &observer->out.input, &observer->out.tenant};
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
		genops_buffer_done(buffers[i]);
	genops_arena_done(&observer->arena);
	free(observer);
}

/* --- take --- */

static int64_t clock_of(uint64_t unix_ns)
{
	return unix_ns > INT64_MAX ? INT64_MAX : (int64_t)unix_ns;
}

/* A span without ids is nobody's repetition: it gets some. */
static bool fill_id(genops_str from, uint8_t *to, size_t n)
{
	if (from.len == n) {
		memcpy(to, from.ptr, n);
		return true;
	}
	return getrandom(to, n, 0) == (ssize_t)n;
}

static int64_t window_of(const struct genops_observer *observer, enum genops_genai_source source)
{
	struct genops_config *config = genops_engine_config(observer->engine);
	int64_t window = config->telemetry.dedup_window_ns;
	genops_config_unref(config);
	return source >= GENOPS_GENAI_NATIVE && window > NATIVE_WINDOW_NS ? NATIVE_WINDOW_NS : window;
}

/* The span alone, in an envelope as the one it came in. */
static int encode_body(struct genops_observer *observer, const struct genops_observed *span, struct genops_error *err)
{
	struct genops_envelope envelope = span->envelope;
	struct genops_otlp_writer writer = {.out = &observer->scratch};
	genops_buffer_clear(&observer->scratch);
	genops_otlp_writer_place(&writer, &span->resource);
	genops_wire_put_bytes(&observer->scratch, 2, span->span.encoded);
	genops_otlp_writer_end(&writer);
	envelope.request = genops_buffer_view(&observer->scratch);
	genops_buffer_clear(&observer->body);
	genops_envelope_encode(&envelope, &observer->body);
	if (observer->scratch.error || observer->body.error)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a received span");
	return GENOPS_OK;
}

static int take_span(struct genops_observer *observer, struct genops_observed *span, struct genops_error *err)
{
	struct genops_candidate *candidate = &span->candidate;
	bool is_new = true, was_taken = false;
	GENOPS_TRY(genops_genai_read(&span->resource, &span->span, &span->call, err));
	if (!fill_id(span->span.trace_id, candidate->trace_id, sizeof candidate->trace_id) ||
	    !fill_id(span->span.span_id, candidate->span_id, sizeof candidate->span_id))
		return genops_fail(err, GENOPS_IO, "no random numbers for a received span");
	candidate->received_unix_ns = span->envelope.received_unix_ns;
	candidate->due_unix_ns = genops_clock_unix_ns() + window_of(observer, span->call.source);
	GENOPS_TRY(genops_observe_was_taken(observer, span, &was_taken, err));
	if (!was_taken) {
		GENOPS_TRY(encode_body(observer, span, err));
		candidate->body = genops_buffer_view(&observer->body);
		GENOPS_TRY(genops_ledger_candidate_add(observer->ledger, candidate, &is_new, err));
	}
	observer->n_repeated += was_taken || !is_new;
	return GENOPS_OK;
}

int genops_observer_take(struct genops_observer *observer, const struct genops_envelope *envelope, struct genops_error *err)
{
	struct genops_otlp_reader reader;
	genops_str item;
	int more;
	if (envelope->signal != GENOPS_SIGNAL_TRACES)
		return GENOPS_OK;
	if (envelope->is_observed)
		return genops_ledger_outbox_drop(observer->ledger, envelope->request, err);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, envelope->request);
	while ((more = genops_otlp_reader_next(&reader, &item)) == 1) {
		struct genops_observed span = {.envelope = *envelope};
		if (genops_otlp_span_read(item, &span.span) != GENOPS_OK)
			continue; /* it was checked when it came: damage, and no call that could be known */
		if (!genops_genai_is_call(&reader.resource, &span.span))
			continue;
		genops_observe_drop_zero_ids(&span.span);
		span.resource = reader.resource;
		span.start_unix_ns = clock_of(span.span.start_unix_ns);
		span.end_unix_ns = clock_of(span.span.end_unix_ns);
		GENOPS_TRY(take_span(observer, &span, err));
	}
	return GENOPS_OK;
}

void genops_observer_taken(struct genops_observer *observer, bool is_stored)
{
	if (is_stored && observer->n_repeated)
		genops_metrics_add(
		    observer->metrics, "genops_self_observed_spans_total", "what=\"repeated\"", (double)observer->n_repeated);
	observer->n_repeated = 0;
}

int genops_observer_know(struct genops_observer *observer, const struct genops_record *record, struct genops_error *err)
{
	return genops_observe_remember_record(observer, record, err);
}

/* --- resolve --- */

static bool read_candidate(struct genops_observed *span)
{
	struct genops_otlp_reader reader;
	genops_str item;
	if (genops_envelope_decode(span->candidate.body, &span->envelope, NULL) != GENOPS_OK)
		return false;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, span->envelope.request);
	if (genops_otlp_reader_next(&reader, &item) != 1 || genops_otlp_span_read(item, &span->span) != GENOPS_OK)
		return false;
	genops_observe_drop_zero_ids(&span->span);
	span->resource = reader.resource;
	span->start_unix_ns = clock_of(span->span.start_unix_ns);
	span->end_unix_ns = clock_of(span->span.end_unix_ns);
	return genops_genai_read(&span->resource, &span->span, &span->call, NULL) == GENOPS_OK;
}

static int load_trace(struct genops_observer *observer, const uint8_t trace_id[16], struct genops_error *err)
{
	struct genops_candidate candidates[GENOPS_OBSERVE_SPANS_MAX];
	size_t n;
	genops_arena_reset(&observer->arena);
	GENOPS_TRY(genops_ledger_candidates_of(observer->ledger, trace_id, &observer->arena, GENOPS_OBSERVE_BYTES_MAX, candidates,
	    GENOPS_OBSERVE_SPANS_MAX, &n, err));
	observer->n_spans = 0;
	for (size_t i = 0; i < n; i++) {
		struct genops_observed *span = &observer->spans[observer->n_spans];
		*span = (struct genops_observed){.candidate = candidates[i]};
		if (read_candidate(span)) {
			observer->n_spans++;
			continue;
		}
		genops_metrics_add(observer->metrics, "genops_self_undecodable_records_total", "", 1);
		GENOPS_TRY(genops_ledger_candidate_drop(observer->ledger, &candidates[i], err));
	}
	genops_observe_group(observer->spans, observer->n_spans);
	return GENOPS_OK;
}

/* All spans of one call go on, and are candidates no longer. */
static int finish_call(struct genops_observer *observer, size_t number, const struct genops_observed *winner,
    const struct genops_record *record, struct genops_error *err)
{
	for (size_t i = number; i < observer->n_spans; i++) {
		const struct genops_observed *span = &observer->spans[i];
		if (span->call_of != number)
			continue;
		bool is_winner = span == winner;
		GENOPS_TRY(genops_observe_span_write(observer, span, is_winner ? record : NULL, !is_winner, err));
		GENOPS_TRY(genops_observe_remember(observer, span, err));
		GENOPS_TRY(genops_ledger_candidate_drop(observer->ledger, &span->candidate, err));
		observer->n_duplicates += !is_winner;
		observer->n_unpriced += is_winner && !record;
	}
	return GENOPS_OK;
}

static int resolve_call(struct genops_observer *observer, size_t number, struct genops_error *err)
{
	enum genops_observe_result result;
	bool is_known = false;
	GENOPS_TRY(genops_observe_is_known(observer, number, &is_known, err));
	if (is_known)
		return finish_call(observer, number, NULL, NULL, err);
	const struct genops_observed *winner =
	    &observer->spans[genops_observe_best(observer->spans, observer->n_spans, number)];
	GENOPS_TRY(genops_observe_settle(observer, winner, &result, err));
	if (result == GENOPS_OBSERVE_KNOWN)
		return finish_call(observer, number, NULL, NULL, err);
	return finish_call(observer, number, winner,
	    result == GENOPS_OBSERVE_SETTLED ? &observer->calls[observer->n_calls - 1]->record : NULL, err);
}

static bool is_due(const struct genops_observer *observer, size_t number, int64_t now_unix_ns)
{
	for (size_t i = number; i < observer->n_spans; i++) {
		if (observer->spans[i].call_of == number && observer->spans[i].candidate.due_unix_ns <= now_unix_ns)
			return true;
	}
	return false;
}

/* Until the transaction is full or nothing is due. */
static int resolve_due(struct genops_observer *observer, int64_t now_unix_ns, bool *ret_has_more, struct genops_error *err)
{
	for (*ret_has_more = true;
	     observer->n_calls < GENOPS_OBSERVE_CALLS_MAX && observer->n_duplicates < GENOPS_OBSERVE_DUPLICATES_MAX;) {
		uint8_t trace_id[16];
		GENOPS_TRY(genops_ledger_candidate_due(observer->ledger, now_unix_ns, trace_id, ret_has_more, err));
		if (!*ret_has_more)
			return GENOPS_OK;
		GENOPS_TRY(load_trace(observer, trace_id, err));
		for (size_t i = 0; i < observer->n_spans && observer->n_calls < GENOPS_OBSERVE_CALLS_MAX; i++) {
			if (observer->spans[i].call_of == i && is_due(observer, i, now_unix_ns))
				GENOPS_TRY(resolve_call(observer, i, err));
		}
	}
	return GENOPS_OK;
}

/* Of what is committed. */
static void conclude(struct genops_observer *observer)
{
	for (size_t i = 0; i < observer->n_calls; i++) {
		struct genops_operation *operation = observer->calls[i];
		genops_counters_free(observer->engine->counters, operation->lease);
		genops_metrics_add_record(observer->metrics, &operation->record);
		genops_batch_tell_alerts(&operation->record, &observer->engine->log);
		genops_operation_drop(operation);
	}
	const char *name = "genops_self_observed_spans_total";
	if (observer->n_calls)
		genops_metrics_add(observer->metrics, name, "what=\"counted\"", (double)observer->n_calls);
	if (observer->n_duplicates)
		genops_metrics_add(observer->metrics, name, "what=\"duplicate\"", (double)observer->n_duplicates);
	if (observer->n_unpriced)
		genops_metrics_add(observer->metrics, name, "what=\"unpriced\"", (double)observer->n_unpriced);
}

static void take_back(struct genops_observer *observer)
{
	genops_ledger_rollback(observer->ledger);
	for (size_t i = 0; i < observer->n_calls; i++) {
		genops_counters_revert(observer->engine->counters, observer->calls[i]->lease);
		genops_operation_drop(observer->calls[i]);
	}
	genops_observe_span_forget(observer);
}

static int resolve_some(struct genops_observer *observer, int64_t now_unix_ns, bool *ret_has_more, struct genops_error *err)
{
	observer->n_calls = observer->n_duplicates = observer->n_unpriced = 0;
	GENOPS_TRY(genops_ledger_begin(observer->ledger, err));
	int code = resolve_due(observer, now_unix_ns, ret_has_more, err);
	if (code == GENOPS_OK)
		code = genops_observe_span_flush(observer, err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(observer->ledger, err);
	if (code == GENOPS_OK)
		conclude(observer);
	else
		take_back(observer);
	return code;
}

/* What is in the outbox and was not appended by this process: others' appends have been drained by now, or never were. */
static int send_outbox(struct genops_observer *observer, struct genops_error *err)
{
	for (;;) {
		int64_t id;
		GENOPS_TRY(genops_ledger_outbox_next(observer->ledger, observer->sent_until, &observer->scratch, &id, err));
		if (!id)
			return GENOPS_OK;
		GENOPS_TRY(genops_segment_append(observer->engine->segments, GENOPS_ENTRY_SPANS,
		    genops_buffer_view(&observer->scratch), NULL, err));
		observer->sent_until = id;
	}
}

/* The clock went back, or it is another's: nobody waits for it to come round again. */
static int follow_clock(struct genops_observer *observer, int64_t now_unix_ns, struct genops_error *err)
{
	bool is_back = now_unix_ns < observer->latest_unix_ns;
	if (is_back) {
		GENOPS_TRY(genops_ledger_begin(observer->ledger, err));
		int code = genops_ledger_candidates_hasten(
		    observer->ledger, now_unix_ns + window_of(observer, GENOPS_GENAI_INSTRUMENTATION), err);
		if (code == GENOPS_OK)
			code = genops_ledger_commit(observer->ledger, err);
		if (code != GENOPS_OK) {
			genops_ledger_rollback(observer->ledger);
			return code;
		}
	}
	observer->latest_unix_ns = now_unix_ns;
	return GENOPS_OK;
}

int genops_observer_resolve(struct genops_observer *observer, int64_t now_unix_ns, size_t *ret_n, struct genops_error *err)
{
	uint8_t trace_id[16];
	bool has_more = false;
	*ret_n = 0;
	/* Whoever drained before left settlements that the reaper has not taken back yet: these calls would be settled twice. */
	if (!observer->is_ready && genops_counters_has_observed(observer->engine->counters))
		return GENOPS_OK;
	observer->is_ready = true;
	genops_metrics_set(observer->metrics, "genops_self_observed_waiting_bytes", "",
	    (double)genops_ledger_candidate_bytes(observer->ledger));
	GENOPS_TRY(follow_clock(observer, now_unix_ns, err));
	GENOPS_TRY(send_outbox(observer, err));
	GENOPS_TRY(genops_ledger_candidate_due(observer->ledger, now_unix_ns, trace_id, &has_more, err));
	for (int round = 0; has_more && round < ROUNDS_MAX; round++) {
		GENOPS_TRY(resolve_some(observer, now_unix_ns, &has_more, err));
		*ret_n += observer->n_calls;
		GENOPS_TRY(send_outbox(observer, err));
	}
	return GENOPS_OK;
}
