/* SPDX-License-Identifier: Apache-2.0
 * engine/exchange/exchange_response.c - the answer half of a governed exchange: follow, meter, cut off, settle.
 *
 * What the call has cost so far is written into its lease before the piece that shows it goes out, so that nothing the
 * client has received can be lost with this process.
 */
#include "engine/exchange/exchange_state.h"

#include "base/clock.h"
#include "base/str.h"

/* A stream with this many bytes for each token that it was capped at does not honour its cap. */
#define BYTES_PER_CAPPED_TOKEN 8

static bool is_type(genops_str content_type, const char *wanted)
{
	genops_str type = genops_str_split(&content_type, ';');
	return genops_str_is_nocase(genops_str_trim(type), wanted);
}

bool genops_exchange_response_head(genops_exchange *exchange, int status, genops_str content_type)
{
	exchange->status = status;
	exchange->has_head = true;
	exchange->is_stream = is_type(content_type, "text/event-stream") || is_type(content_type, "application/x-ndjson");
	if (!exchange->operation)
		return exchange->is_stream;
	exchange->operation->record.http_status = status;
	exchange->operation->record.first_byte_unix_ns = genops_clock_unix_ns();
	struct genops_response_info info = {
	    .endpoint = exchange->endpoint,
	    .call = &exchange->call,
	    .is_stream = exchange->is_stream,
	    .status = status,
	};
	void *state = genops_arena_alloc(&exchange->arena, exchange->endpoint->response_size + 1);
	/* Without memory the answer passes unread and is settled by its size. */
	if (!state)
		return exchange->is_stream;
	if (exchange->endpoint->response_begin(state, &exchange->arena, &info) == GENOPS_OK)
		exchange->response = state;
	else
		exchange->endpoint->response_done(state);
	return exchange->is_stream;
}

void genops_exchange_response_header(genops_exchange *exchange, genops_str name, genops_str value)
{
	if (exchange->response && exchange->endpoint->response_header)
		exchange->endpoint->response_header(exchange->response, name, value, &exchange->answer);
}

/* What the provider reported, or what can be told without a report, marked estimated. */
static genops_usage usage_so_far(const genops_exchange *exchange)
{
	genops_usage usage = genops_answer_settled(&exchange->call, &exchange->answer);
	int64_t cap = exchange->call.expected.output_tokens;
	int64_t least = exchange->answer.output_bytes / BYTES_PER_CAPPED_TOKEN;
	if (cap && usage.is_estimated && least > cap)
		usage.output_tokens = least;
	return usage;
}

static bool is_billed(const genops_exchange *exchange)
{
	return exchange->call.is_metered && (exchange->answer.has_usage || (exchange->has_head && exchange->status < 400) ||
						exchange->is_unanswered);
}

/* Writes the cost so far into the lease; false: it passes what the budgets have room for. */
static bool meter(genops_exchange *exchange)
{
	genops_operation *operation = exchange->operation;
	if (!is_billed(exchange))
		return true;
	genops_usage usage = usage_so_far(exchange);
	/* A dearer model may answer than was asked for: what runs is metered at its price. Without memory it is at the end. */
	if (exchange->answer.model.len && !operation->record.response_model.len)
		(void)genops_operation_record_model(operation, exchange->answer.model, NULL);
	/* Counts were checked by the dialect. */
	(void)genops_operation_record_usage(operation, &usage, NULL);
	int64_t cost = genops_operation_cost(operation);
	if (!operation->may_extend || cost <= operation->reserved_nano_usd)
		return true;
	return genops_operation_extend(operation, cost);
}

static void cut_off(genops_exchange *exchange, size_t offset, struct genops_tap *tap)
{
	struct genops_decision decision = {
	    .result = GENOPS_BLOCKED,
	    .reason = GENOPS_REASON_BUDGET_EXCEEDED,
	    .is_refused = true,
	    .message = GENOPS_STR("GenOps ended this stream: it passed what its budget has room for"),
	};
	struct genops_refuse_input input = {
	    .decision = &decision,
	    .message = decision.message,
	    .operation_id = genops_str_of(genops_operation_id(exchange->operation)),
	    .now_unix_ns = genops_clock_unix_ns(),
	};
	exchange->dialect->refuse_in_stream(&input, exchange->endpoint, &exchange->last);
	exchange->is_cut_off = true;
	tap->must_end = true;
	tap->end_offset = offset;
	tap->last = genops_buffer_view(&exchange->last);
}

void genops_exchange_response_body(genops_exchange *exchange, genops_str piece, struct genops_tap *ret_tap)
{
	*ret_tap = (struct genops_tap){0};
	if (exchange->is_cut_off) { /* a host that reads on all the same */
		ret_tap->must_end = true;
		return;
	}
	if (!exchange->response || exchange->is_ended) {
		exchange->answer.output_bytes += exchange->response ? 0 : (int64_t)piece.len;
		return;
	}
	exchange->endpoint->response_feed(exchange->response, piece, ret_tap, &exchange->answer);
	if (!meter(exchange))
		exchange->wants_cut = true;
	if (exchange->wants_cut && exchange->is_stream && !exchange->answer.is_complete && exchange->answer.can_cut)
		cut_off(exchange, exchange->answer.cut_offset, ret_tap);
}

void genops_exchange_response_end(genops_exchange *exchange, struct genops_tap *ret_tap)
{
	*ret_tap = (struct genops_tap){0};
	if (exchange->is_ended)
		return;
	exchange->is_ended = true;
	if (exchange->response)
		exchange->endpoint->response_finish(exchange->response, ret_tap, &exchange->answer);
	if (exchange->operation)
		(void)meter(exchange);
}

bool genops_exchange_is_answered(const genops_exchange *exchange)
{
	return exchange->response && exchange->answer.is_final;
}

static enum genops_outcome judge(const genops_exchange *exchange, enum genops_outcome outcome)
{
	if (exchange->is_cut_off)
		return GENOPS_OUTCOME_CUT_OFF;
	if (outcome != GENOPS_OUTCOME_OK)
		return outcome;
	if (!exchange->has_head)
		return GENOPS_OUTCOME_NOT_SENT;
	if (exchange->status >= 400 || exchange->answer.is_error)
		return GENOPS_OUTCOME_PROVIDER_ERROR;
	/* Half an answer: the provider's fault, billed by what it sent. */
	if (!exchange->is_ended || (exchange->is_stream && !exchange->answer.is_complete))
		return GENOPS_OUTCOME_PROVIDER_ERROR;
	return GENOPS_OUTCOME_OK;
}

static void describe_answer(genops_exchange *exchange)
{
	struct genops_record *record = &exchange->operation->record;
	const struct genops_answer *answer = &exchange->answer;
	if (answer->model.len)
		(void)genops_operation_record_model(exchange->operation, answer->model, NULL);
	record->finish_reason = genops_str_of(answer->finish_reason);
	record->error_type = genops_str_of(answer->error_type);
	record->provider_request_id = genops_str_of(answer->request_id);
	record->response_id = genops_str_of(answer->response_id);
	if (is_billed(exchange)) {
		genops_usage usage = usage_so_far(exchange);
		(void)genops_operation_record_usage(exchange->operation, &usage, NULL);
	} else {
		(void)genops_settle_usage(exchange->operation, &(genops_usage){0});
	}
}

void genops_exchange_finish(genops_exchange *exchange, enum genops_outcome outcome)
{
	if (!exchange)
		return;
	if (exchange->operation) {
		struct genops_error err;
		outcome = judge(exchange, outcome);
		/* It may well work on it and bill it, whether or not anybody waits for the answer. */
		exchange->is_unanswered = !exchange->has_head &&
					  (outcome == GENOPS_OUTCOME_CANCELLED || outcome == GENOPS_OUTCOME_PROVIDER_ERROR);
		describe_answer(exchange);
		/* A record that could not be stored was logged by settle.c; the money is settled. */
		(void)genops_operation_end(exchange->operation, outcome, &err);
	}
	if (exchange->request)
		exchange->endpoint->request_done(exchange->request);
	if (exchange->response)
		exchange->endpoint->response_done(exchange->response);
	genops_buffer_done(&exchange->call.content);
	genops_buffer_done(&exchange->refusal_body);
	genops_buffer_done(&exchange->last);
	genops_config_unref(exchange->config);
	genops_exchange_pool_put(exchange);
}

const genops_usage *genops_exchange_usage(const genops_exchange *exchange)
{
	return exchange->answer.has_usage ? &exchange->answer.usage : NULL;
}
