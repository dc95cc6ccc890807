/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_send.c - one request of a pump's batch: encode, send, judge; what was rejected goes to the dead letters, what has to be
 * tried again waits as net/retry.h says. */
#include "engine/pump/pump_state.h"

#include "base/clock.h"
#include "engine/dead_letter.h"
#include "export/http_verdict.h"
#include "telemetry/propagation.h"

#include <stdio.h>

/* retry_on_failure: not at all, or not longer than max_elapsed_time. What is given up goes to the dead letters. */
static bool is_given_up(struct genops_pump *pump)
{
	int64_t now_ns = genops_clock_monotonic_ns();
	if (!pump->failing_since_ns)
		pump->failing_since_ns = now_ns;
	if (genops_pump_is_set(&pump->must_stop))
		return false; /* stopping is no reason to give up: it stays in the queue */
	return !pump->is_retrying || (pump->retry_elapsed_ns && now_ns - pump->failing_since_ns >= pump->retry_elapsed_ns);
}

/* retry_on_status: these and no others; but credentials that were refused are no fault of what waits. */
static void follow_statuses(const struct genops_pump *pump, int status, struct genops_send_verdict *verdict)
{
	bool is_listed = false;
	if (!pump->n_retry_statuses || status < 300 || status == 401 || status == 403 || status == 407)
		return;
	for (size_t i = 0; i < pump->n_retry_statuses; i++)
		is_listed |= pump->retry_statuses[i] == status;
	if (verdict->kind == GENOPS_RETRY || verdict->kind == GENOPS_REJECTED)
		verdict->kind = is_listed ? GENOPS_RETRY : GENOPS_REJECTED;
}

/* Credentials that were refused are no fault of what waits, whatever the type's contract says of repeating: somebody renews them. */
static void follow_login(const struct genops_response *response, struct genops_send_verdict *verdict)
{
	bool is_refused = response->status == 401 || response->status == 403 || response->status == 407 || response->grpc_status == 16 ||
			  response->grpc_status == 7; /* UNAUTHENTICATED, PERMISSION_DENIED */
	if (!is_refused || verdict->kind != GENOPS_REJECTED || verdict->n_kinds)
		return;
	verdict->kind = GENOPS_RETRY;
	if (verdict->retry_after_ns < GENOPS_HTTP_CREDENTIALS_HOLD_NS)
		verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
}

static void try_again(struct genops_pump *pump, const struct genops_send_verdict *verdict)
{
	uint64_t random;
	if (verdict->is_unfinished) {
		pump->retry.next_at_ns = genops_clock_monotonic_ns() + verdict->retry_after_ns;
		return;
	}
	genops_span_id_new((uint8_t *)&random);
	genops_retry_failed(&pump->retry, verdict->retry_after_ns, random, genops_clock_monotonic_ns());
	genops_pump_count(pump, "genops_self_export_failures_total", 1);
	genops_pump_status_failed(pump, verdict->reason);
	genops_pump_complain(pump, verdict->reason);
}

/* Rejected for ever. */
static void bury(struct genops_pump *pump, const struct genops_destination_batch *send, const char *reason)
{
	const struct genops_dead_letter letter = {pump->engine->state_dir, &pump->engine->log, pump->settings.name, genops_str_of(reason),
	    pump->config->telemetry.content == GENOPS_CONTENT_FULL};
	genops_dead_letter_batch(&letter, send);
}

/* Sent, or rejected and buried. */
static void settle(struct genops_pump *pump, const struct genops_destination_batch *send, struct genops_send_verdict *verdict)
{
	int64_t n = genops_pump_batch_weight(send);
	if (verdict->kind != GENOPS_SENT)
		genops_pump_complain(pump, verdict->reason);
	if (verdict->kind == GENOPS_REJECTED && n) {
		genops_pump_count(pump, "genops_self_export_dead_letters_total", (double)n);
		verdict->n_rejected = n;
	} else if (pump->complaint[0] && verdict->kind == GENOPS_SENT) {
		genops_pump_complain(pump, "is reachable again");
		pump->complaint[0] = '\0';
	}
	pump->failing_since_ns = 0;
	genops_retry_succeeded(&pump->retry);
	genops_pump_count(pump, "genops_self_exported_total", (double)(n - verdict->n_rejected));
	genops_pump_status_sent(pump, n, verdict->n_rejected, verdict->reason);
	if (verdict->n_rejected)
		genops_pump_count(pump, "genops_self_export_rejected_total", (double)verdict->n_rejected);
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
	for (size_t i = 0; i < n; i++) {
		const struct genops_destination_batch one = {.items = &send.items[i], .n_items = 1};
		if (verdict->kinds[i] == GENOPS_REJECTED)
			bury(pump, &one, genops_destination_cause(verdict, i));
	}
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

/* One request and its answer; false: there was none, as what it needs was not to be had. *ret_n_items: how many of the items were in it; 0: all. *ret_is_too_large: if it is rejected, a part of it may
 * not be. */
static bool exchange(struct genops_pump *pump, struct genops_destination_batch *send, struct genops_send_verdict *verdict,
    bool *ret_is_too_large, size_t *ret_n_items)
{
	struct genops_request request = {0};
	struct genops_response response = {.grpc_status = -1};
	struct genops_error err = {0};
	pump->answer = (struct genops_pump_answer){0};
	if (pump->retry.n_failures)
		genops_pump_status_retried(pump);
	if (!genops_pump_prepare(pump->type, &pump->settings, pump->client, &pump->arena, &pump->must_abort, verdict))
		return false; /* never given up for that */
	genops_arena_reset(&pump->arena);
	send->now_unix_ns = genops_clock_unix_ns();
	int code = pump->type->encode(&pump->settings, send, &pump->arena, &request, &err);
	*ret_is_too_large = code != GENOPS_OK && code != GENOPS_NOMEM;
	if (code != GENOPS_OK) {
		judge_error(&err, verdict);
	} else if (request.transport == GENOPS_TRANSPORT_NONE) {
		response.status = 200;
		pump->type->judge(&pump->settings, &response, verdict);
		*ret_is_too_large = verdict->is_divisible; /* how something ended that was asked about before */
	} else if (genops_http_send(pump->client, &pump->settings, &request, &pump->must_abort, &response, &err) == GENOPS_OK) {
		pump->answer = (struct genops_pump_answer){true, response.status, response.grpc_status};
		pump->type->judge(&pump->settings, &response, verdict);
		follow_statuses(pump, response.status, verdict);
		follow_login(&response, verdict);
		/* 8: RESOURCE_EXHAUSTED without a delay */
		*ret_is_too_large = response.status == 413 || response.grpc_status == 8 || verdict->is_divisible;
	} else {
		verdict->kind = GENOPS_RETRY;
		snprintf(verdict->reason, sizeof verdict->reason, "%.255s", err.message);
	}
	pump->asked_ns = genops_clock_monotonic_ns();
	*ret_n_items = request.n_items;
	genops_buffer_done(&request.body);
	return true;
}

bool genops_pump_send_due(struct genops_pump *pump)
{
	struct genops_destination_batch nothing = {0};
	struct genops_send_verdict verdict = {0};
	struct genops_error err;
	bool is_too_large = false, is_prepared;
	size_t n_items = 0;
	is_prepared = exchange(pump, &nothing, &verdict, &is_too_large, &n_items);
	if (is_prepared && verdict.kind != GENOPS_RETRY && genops_pump_memory_keep(&pump->memory, &err) != GENOPS_OK) {
		err.code = GENOPS_NOMEM;
		judge_error(&err, &verdict); /* tried again */
	}
	/* Nothing of it can be given up: what it says now is due until it is taken, and not over and over without a pause. */
	if (!is_prepared || verdict.kind == GENOPS_RETRY || verdict.kind == GENOPS_REJECTED) {
		try_again(pump, &verdict);
		return false;
	}
	settle(pump, &nothing, &verdict);
	return true;
}

bool genops_pump_send(struct genops_pump *pump, struct genops_destination_batch send)
{
	struct genops_send_verdict verdict = {0};
	bool is_too_large = false, is_prepared;
	size_t n_items = 0;
	is_prepared = exchange(pump, &send, &verdict, &is_too_large, &n_items);
	if (!is_prepared) {
		try_again(pump, &verdict);
		return false;
	}
	if (verdict.n_kinds && send.n_items)
		return settle_items(pump, send, &verdict);
	if (verdict.kind == GENOPS_REJECTED && is_too_large && genops_pump_batch_narrow(&pump->batch, &send))
		return true; /* what it is that cannot be taken is found out; the rest goes */
	if (verdict.kind == GENOPS_RETRY && !verdict.is_unfinished && is_given_up(pump))
		verdict.kind = GENOPS_REJECTED;
	if (verdict.kind == GENOPS_RETRY) {
		try_again(pump, &verdict);
		return false;
	}
	if (n_items && n_items < send.n_items)
		send.n_items = n_items;
	if (verdict.kind == GENOPS_REJECTED)
		bury(pump, &send, verdict.reason);
	settle(pump, &send, &verdict);
	genops_pump_batch_sent(&pump->batch, send.n_records + send.n_items);
	return true;
}
