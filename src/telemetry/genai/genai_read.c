/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_read.c - all that a span says of its call: genops_genai_read. See genai.h. */
#include "telemetry/genai/genai_fields.h"
#include "telemetry/genai/genai_rows.h"

#include "base/str.h"
#include "govern/money.h"

enum { STATUS_ERROR = 2 };

static bool is_native(genops_str scope)
{
#define X(prefix)                                                                                     \
	if (genops_str_starts(scope, GENOPS_STR(prefix)))                                             \
		return true;
	GENOPS_GENAI_NATIVE_SCOPES(X)
#undef X
	return false;
}

/* Only a sum of money that can be one. */
static bool read_cost(const struct genops_genai_fields *fields, int64_t *ret_nano_usd)
{
	const struct genops_otlp_value *value = &fields->values[GENOPS_GENAI_COST];
	bool is_read = false;
	if (value->type == GENOPS_OTLP_DOUBLE)
		is_read = genops_money_from_usd(value->number, ret_nano_usd);
	else if (value->type == GENOPS_OTLP_INT)
		is_read = genops_money_from_usd((double)value->integer, ret_nano_usd);
	else if (value->type == GENOPS_OTLP_STRING)
		is_read = genops_money_parse(value->bytes, ret_nano_usd);
	if (is_read && *ret_nano_usd < 0)
		is_read = false;
	if (!is_read)
		*ret_nano_usd = 0;
	return is_read;
}

static enum genops_outcome read_outcome(const struct genops_genai_fields *fields, bool is_error)
{
	genops_str text = genops_genai_fields_text(fields, GENOPS_GENAI_OUTCOME);
	if (genops_str_is(text, "refused"))
		return GENOPS_OUTCOME_REFUSED;
	if (genops_str_is(text, "not_sent"))
		return GENOPS_OUTCOME_NOT_SENT;
	if (genops_str_is(text, "cancelled"))
		return GENOPS_OUTCOME_CANCELLED;
	if (genops_str_is(text, "cut_off"))
		return GENOPS_OUTCOME_CUT_OFF;
	return is_error ? GENOPS_OUTCOME_PROVIDER_ERROR : GENOPS_OUTCOME_OK;
}

static void read_operation(
    const struct genops_genai_fields *fields, const struct genops_otlp_span *span, struct genops_genai_call *call)
{
	struct genops_genai_operation operation =
	    genops_genai_operation_of(genops_genai_fields_text(fields, GENOPS_GENAI_OPERATION));
	if (!operation.is_known && fields->values[GENOPS_GENAI_REQUEST_TYPE].type)
		operation = genops_genai_operation_of(genops_genai_fields_text(fields, GENOPS_GENAI_REQUEST_TYPE));
	if (!operation.is_known) {
		struct genops_genai_operation of_span = genops_genai_operation_of_span(span->name);
		if (of_span.is_known)
			operation = of_span;
	}
	call->operation = operation.name;
}

static void read_exchange(
    const struct genops_genai_fields *fields, const struct genops_otlp_span *span, struct genops_genai_call *call)
{
	int64_t number = 0;
	bool is_sane = false;
	if (genops_genai_fields_count(fields, GENOPS_GENAI_HTTP_STATUS, &number, &is_sane) && number < 1000)
		call->http_status = (int)number;
	if (genops_genai_fields_count(fields, GENOPS_GENAI_MAX_TOKENS, &number, &is_sane))
		call->max_output_tokens = number;
	call->is_stream = fields->values[GENOPS_GENAI_STREAM].type == GENOPS_OTLP_BOOL && fields->values[GENOPS_GENAI_STREAM].integer;
	call->error_type = genops_genai_fields_text(fields, GENOPS_GENAI_ERROR_TYPE);
	call->finish_reason = genops_genai_fields_text(fields, GENOPS_GENAI_FINISH);
	call->is_error = span->status_code == STATUS_ERROR || call->error_type.len > 0 || call->http_status >= 400;
	call->outcome = read_outcome(fields, call->is_error);
}

int genops_genai_read(const struct genops_otlp_resource *resource, const struct genops_otlp_span *span,
    struct genops_genai_call *ret_call, struct genops_error *err)
{
	struct genops_genai_fields fields;
	struct genops_genai_call call = {0};
	if (!genops_genai_is_call(resource, span)) {
		*ret_call = call;
		return GENOPS_OK;
	}
	GENOPS_TRY(genops_genai_fields_read(span, &fields, err));
	call.has_cost = read_cost(&fields, &call.cost_nano_usd);
	if (call.has_cost || fields.values[GENOPS_GENAI_SPEC].type)
		call.source = GENOPS_GENAI_GENOPS;
	else
		call.source = is_native(resource->scope_name) ? GENOPS_GENAI_NATIVE : GENOPS_GENAI_INSTRUMENTATION;
	read_operation(&fields, span, &call);
	call.provider = genops_genai_provider(&fields, span);
	call.request_model = genops_genai_fields_text(&fields, GENOPS_GENAI_REQUEST_MODEL);
	call.response_model = genops_genai_fields_text(&fields, GENOPS_GENAI_RESPONSE_MODEL);
	call.response_id = genops_genai_fields_text(&fields, GENOPS_GENAI_RESPONSE_ID);
	read_exchange(&fields, span, &call);
	genops_genai_usage(resource, &fields, &call);
	*ret_call = call;
	return GENOPS_OK;
}
