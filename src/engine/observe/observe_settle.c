/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observe_settle.c - the span that won becomes an operation: evaluated, priced, settled, recorded.
 *
 * The order is that of live calls (store/counters.h): reserve, commit, record, free. The record goes into the ledger's open
 * transaction at once instead of through a segment; until that is committed the lease says "observed", so that a reaper takes back what
 * was never recorded, and the candidate is settled anew. Budgets take the amount in the windows of now, as counters know no others; the
 * ledger counts the call at its own end, or when it was received if the client's clock cannot be right.
 */
#include "engine/observe/observe_impl.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/drain/batch.h"
#include "govern/money.h"

#define AHEAD_NS  (5 * 60 * GENOPS_NS_PER_S)          /* what a clock may be ahead */
#define BEHIND_NS (7 * 24 * 3600 * GENOPS_NS_PER_S)   /* what a span may come late */

struct times {
	int64_t start, end;
};

static struct times times_of(const struct genops_observed *span)
{
	int64_t received = span->candidate.received_unix_ns, start = span->start_unix_ns, end = span->end_unix_ns;
	if (start > 0 && start <= end && end <= received + AHEAD_NS && start >= received - BEHIND_NS)
		return (struct times){start, end > received ? (start > received ? start : received) : end};
	int64_t duration = end > start && end - start < BEHIND_NS ? end - start : 0;
	return (struct times){received - duration, received};
}

static genops_str cut(genops_str text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max && ((unsigned char)text.ptr[max] & 0xc0) == 0x80)
		max--;
	return (genops_str){text.ptr, max};
}

/* As the operation will find it: of the model that answered if it is known, else of the one that was asked for. */
static const struct genops_price *find_price(
    const struct genops_prices *prices, const struct genops_genai_call *call, genops_str provider, int64_t at_unix_s)
{
	genops_str asked = cut(call->request_model.len ? call->request_model : call->response_model, 256);
	const struct genops_price *price = NULL;
	if (call->response_model.len)
		price = genops_prices_find(prices, provider, cut(call->response_model, 256), at_unix_s);
	if (!price || price->is_ceiling)
		price = genops_prices_find(prices, provider, asked, at_unix_s);
	return price ? price : genops_prices_ceiling(prices, at_unix_s);
}

/* What the catalogue says, so that policies see the cost itself instead of a bound of it. */
static int64_t cost_of(const struct genops_observer *observer, const struct genops_genai_call *call, genops_str provider,
    int64_t at_unix_ns)
{
	struct genops_config *config = genops_engine_config(observer->engine);
	int64_t cost = 0;
	if (call->outcome == GENOPS_OUTCOME_REFUSED || call->outcome == GENOPS_OUTCOME_NOT_SENT) {
		cost = 0;
	} else if (call->has_cost) {
		cost = call->cost_nano_usd;
	} else if (provider.len) {
		const struct genops_price *price = find_price(config->prices, call, provider, at_unix_ns / GENOPS_NS_PER_S);
		cost = price ? genops_prices_quote(price, &call->usage).total_nano_usd : 0;
	}
	genops_config_unref(config);
	return cost;
}

static void describe(struct genops_observer *observer, const struct genops_observed *span,
    const struct genops_observe_attributes *attributes, struct genops_operation_options *options)
{
	const struct genops_genai_call *call = &span->call;
	genops_operation_options_init(options);
	genops_str asked = call->request_model.len ? call->request_model : call->response_model;
	options->name = cut(attributes->name, 256);
	options->type = cut(attributes->type, 256);
	/* A provider that nobody names has a price all the same: the dearest of all. */
	options->provider = call->provider.len || call->has_cost ? cut(call->provider, 256) : GENOPS_STR("unknown");
	options->model = cut(asked, 256);
	options->tracestate = cut(span->span.trace_state, GENOPS_ATTRIBUTE_VALUE_MAX);
	options->attributes = attributes->items;
	options->n_attributes = attributes->n;
	options->expected = call->usage;
	options->estimated_cost_nano_usd =
	    cost_of(observer, call, options->provider, times_of(span).start);
}

/* A governance key by its name: whose key it was is said by the receiver, not by the span. */
static const struct genops_config_key *find_key(const struct genops_config *config, genops_str name)
{
	for (size_t i = 0; name.len && i < config->n_keys; i++) {
		if (genops_str_equal(config->keys[i].name, name))
			return &config->keys[i];
	}
	return NULL;
}

static int begin(struct genops_observer *observer, const struct genops_observed *span, bool with_attributes,
    struct genops_operation **ret_operation, struct genops_error *err)
{
	struct genops_observe_attributes attributes;
	struct genops_operation_options options;
	struct genops_operation_observed observed = {.start_unix_ns = times_of(span).start};
	struct genops_operation_origin origin = {.observed = &observed};
	genops_observe_attributes_read(span, &attributes);
	if (!with_attributes)
		attributes.n = 0;
	describe(observer, span, &attributes, &options);
	memcpy(observed.trace_id, span->candidate.trace_id, sizeof observed.trace_id);
	memcpy(observed.span_id, span->candidate.span_id, sizeof observed.span_id);
	if (span->span.parent_span_id.len == sizeof observed.parent_span_id)
		memcpy(observed.parent_span_id, span->span.parent_span_id.ptr, sizeof observed.parent_span_id);
	observed.service_name = attributes.service_name;
	struct genops_config *config = origin.config = genops_engine_config(observer->engine);
	origin.key = find_key(config, span->envelope.key);
	origin.bound = origin.key ? origin.key->attributes : NULL;
	origin.n_bound = origin.key ? origin.key->n_attributes : 0;
	int code = genops_operation_begin_from(observer->engine, &options, &origin, ret_operation, err);
	genops_config_unref(config);
	return code;
}

static bool is_passing(int code)
{
	return code == GENOPS_NOMEM || code == GENOPS_FULL || code == GENOPS_IO || code == GENOPS_BUSY;
}

static int fill_answer(struct genops_operation *operation, const struct genops_observed *span, struct genops_error *err)
{
	const struct genops_genai_call *call = &span->call;
	struct genops_record *record = &operation->record;
	struct genops_arena *arena = &operation->arena;
	genops_str model = cut(call->response_model, 256);
	if (model.len)
		GENOPS_TRY(genops_operation_record_model(operation, model, err));
	(void)genops_settle_usage(operation, &call->usage);
	record->http_status = call->http_status;
	record->is_stream = call->is_stream;
	record->max_output_tokens = call->max_output_tokens;
	if (!genops_arena_dup(arena, cut(call->finish_reason, 256), &record->finish_reason) ||
	    !genops_arena_dup(arena, cut(call->error_type, 256), &record->error_type) ||
	    !genops_arena_dup(arena, cut(call->response_id, 256), &record->response_id) ||
	    !genops_arena_dup(arena, record->service_name, &record->service_name))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an observed call");
	return GENOPS_OK;
}

/* The lease goes, whatever it held or had settled. */
static void undo(struct genops_observer *observer, struct genops_operation *operation)
{
	if (operation->lease != GENOPS_LEASE_NONE)
		genops_counters_revert(observer->engine->counters, operation->lease);
	genops_operation_drop(operation);
}

int genops_observe_settle(
    struct genops_observer *observer, const struct genops_observed *span, enum genops_observe_result *ret_result,
    struct genops_error *err)
{
	struct genops_operation *operation = NULL;
	const struct genops_genai_call *call = &span->call;
	bool is_new = false;
	*ret_result = GENOPS_OBSERVE_UNPRICED;
	int code = begin(observer, span, true, &operation, err);
	if (code != GENOPS_OK && !is_passing(code))
		code = begin(observer, span, false, &operation, err);
	if (code != GENOPS_OK && !is_passing(code)) {
		genops_log_error(&observer->engine->log, GENOPS_LOG_ERROR, "an observed call cannot be counted", err);
		return GENOPS_OK;
	}
	if (code != GENOPS_OK)
		return code;
	/* No place for it in the counters just now: later. */
	if (operation->lease == GENOPS_LEASE_NONE) {
		genops_operation_drop(operation);
		return genops_fail(err, GENOPS_BUSY, "too many calls are in flight to settle an observed one");
	}
	code = fill_answer(operation, span, err);
	if (code == GENOPS_OK) {
		code = genops_settle_observed(operation, call->outcome, times_of(span).end,
		    call->has_cost ? call->cost_nano_usd : GENOPS_COST_UNKNOWN, err);
		if (code != GENOPS_OK)
			operation->lease = GENOPS_LEASE_NONE; /* reverted */
	}
	if (code == GENOPS_OK)
		code = genops_batch_add_record(
		    observer->ledger, &operation->record, genops_buffer_view(&operation->encoded), &is_new, err);
	if (code != GENOPS_OK || !is_new) {
		/* The ledger looks for these ids at the record's time, which is another than the span's own if that cannot be. */
		*ret_result = GENOPS_OBSERVE_KNOWN;
		undo(observer, operation);
		return code;
	}
	observer->calls[observer->n_calls++] = operation;
	*ret_result = GENOPS_OBSERVE_SETTLED;
	return GENOPS_OK;
}
