/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_asset.c - see collibra_asset.h. */
#include "connect/collibra/export/collibra_asset.h"

#include "base/str.h"
#include "codec/attribute_json.h"
#include "codec/json_write.h"
#include "govern/money.h"
#include "telemetry/conventions.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S	   INT64_C(1000000000)
#define NS_PER_MS	   INT64_C(1000000)
#define URGENT_NANO_USD	   (10 * GENOPS_NANO_PER_USD)
#define VALUES_MAX	   24
#define NAME_MAX_BYTES	   512 /* Collibra takes 2000 characters */
#define DISPLAY_MAX	   240
#define TEXT_MAX	   ((size_t)4096)
#define CUSTOM_MAX	   ((size_t)16384)
#define OPERATION_ID_SIZE  50

/* What an asset is made of while it is made. */
struct draft {
	struct genops_arena *arena;
	struct genops_collibra_value values[VALUES_MAX];
	size_t n;
	bool is_out_of_memory;
};

/* --- texts --- */

/* The longest beginning that ends with a whole character. */
static genops_str cut(genops_str text, size_t max)
{
	size_t n = 0, step;
	if (text.len <= max)
		return text;
	while ((step = genops_str_utf8_sequence(genops_str_skip(text, n))) && n + step <= max)
		n += step;
	return (genops_str){text.ptr, n};
}

static void add(struct draft *draft, enum genops_collibra_attribute_type type, genops_str text)
{
	if (text.len && draft->n < VALUES_MAX)
		draft->values[draft->n++] = (struct genops_collibra_value){type, cut(text, TEXT_MAX)};
}

static void add_copy(struct draft *draft, enum genops_collibra_attribute_type type, genops_str text)
{
	genops_str copy = GENOPS_STR("");
	if (text.len && !genops_arena_dup(draft->arena, text, &copy))
		draft->is_out_of_memory = true;
	add(draft, type, copy);
}

static void add_int(struct draft *draft, enum genops_collibra_attribute_type type, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%lld", (long long)value);
	add_copy(draft, type, (genops_str){text, (size_t)n});
}

static void add_money(struct draft *draft, enum genops_collibra_attribute_type type, int64_t nano_usd)
{
	char text[34] = "-";
	genops_money_format(nano_usd < 0 ? -nano_usd : nano_usd, 2, text + 1);
	add_copy(draft, type, genops_str_of(nano_usd < 0 ? text : text + 1));
}

static bool calendar(int64_t unix_s, struct tm *ret_at)
{
	time_t at = (time_t)unix_s;
	return gmtime_r(&at, ret_at) != NULL;
}

static void add_time(struct draft *draft, enum genops_collibra_attribute_type type, int64_t unix_ns)
{
	struct tm at;
	char text[40];
	if (!calendar(unix_ns / NS_PER_S, &at))
		return;
	size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &at);
	n += (size_t)snprintf(text + n, sizeof text - n, ".%03dZ", (int)(unix_ns / NS_PER_MS % 1000));
	add_copy(draft, type, (genops_str){text, n});
}

/* "20261121T1455" */
static void minute(int64_t unix_s, char out[24])
{
	struct tm at;
	if (!calendar(unix_s, &at) || !strftime(out, 24, "%Y%m%dT%H%M", &at))
		snprintf(out, 24, "0");
}

static genops_str print(struct draft *draft, size_t max, const char *format, ...) GENOPS_PRINTF(3, 4);
static genops_str print(struct draft *draft, size_t max, const char *format, ...)
{
	char text[2048];
	genops_str copy = GENOPS_STR("");
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	if (!genops_arena_dup(draft->arena, cut((genops_str){text, len}, max), &copy))
		draft->is_out_of_memory = true;
	return copy;
}

/* --- the list --- */

void genops_collibra_assets_init(struct genops_collibra_assets *assets, struct genops_arena *arena)
{
	*assets = (struct genops_collibra_assets){.arena = arena};
}

size_t genops_collibra_assets_count(const struct genops_collibra_assets *assets, enum genops_collibra_fate fate)
{
	size_t n = 0;
	for (size_t i = 0; i < assets->n; i++)
		n += assets->items[i].fate == fate;
	return n;
}

static bool make_room(struct genops_collibra_assets *assets)
{
	if (assets->n < assets->max)
		return true;
	size_t max = assets->max ? 2 * assets->max : 64;
	struct genops_collibra_asset *items = genops_arena_take(assets->arena, max * sizeof *items);
	if (!items)
		return false;
	if (assets->n)
		memcpy(items, assets->items, assets->n * sizeof *items);
	assets->items = items;
	assets->max = max;
	return true;
}

static int finish(struct genops_collibra_assets *assets, struct draft *draft, enum genops_collibra_asset_type type,
    genops_str name, genops_str display_name, struct genops_error *err)
{
	struct genops_collibra_value *values = genops_arena_take(assets->arena, draft->n * sizeof *values + 1);
	if (draft->is_out_of_memory || !values || !make_room(assets))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an asset");
	memcpy(values, draft->values, draft->n * sizeof *values);
	assets->items[assets->n++] = (struct genops_collibra_asset){
	    .type = type,
	    .name = name,
	    .display_name = display_name,
	    .n_values = draft->n,
	    .values = values,
	    .reason = GENOPS_STR(""),
	};
	return GENOPS_OK;
}

/* --- what all assets of an operation say --- */

/* The standard attributes have a type each, the rest is one text. */
static const enum genops_collibra_attribute_type standard_types[GENOPS_ATTRIBUTE_N_STANDARD] = {
    [GENOPS_ATTRIBUTE_TEAM] = GENOPS_COLLIBRA_ATTRIBUTE_TEAM,
    [GENOPS_ATTRIBUTE_PROJECT] = GENOPS_COLLIBRA_ATTRIBUTE_PROJECT,
    [GENOPS_ATTRIBUTE_CUSTOMER_ID] = GENOPS_COLLIBRA_ATTRIBUTE_CUSTOMER_IDENTIFIER,
    [GENOPS_ATTRIBUTE_ENVIRONMENT] = GENOPS_COLLIBRA_ATTRIBUTE_ENVIRONMENT,
    [GENOPS_ATTRIBUTE_COST_CENTER] = GENOPS_COLLIBRA_ATTRIBUTE_COST_CENTER,
    [GENOPS_ATTRIBUTE_FEATURE] = GENOPS_COLLIBRA_ATTRIBUTE_FEATURE,
};

static genops_str standard(const struct genops_record *record, enum genops_attribute_key key)
{
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *attribute = &record->attributes[i];
		if (attribute->type == GENOPS_ATTRIBUTE_STRING && genops_attributes_standard_key(attribute->key) == (int)key)
			return attribute->value.string;
	}
	return GENOPS_STR("");
}

static void add_standard(struct draft *draft, const struct genops_record *record)
{
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *attribute = &record->attributes[i];
		int key = genops_attributes_standard_key(attribute->key);
		char text[64];
		if (key < 0)
			continue;
		genops_str value = genops_attributes_text(attribute, text, sizeof text);
		if (attribute->type == GENOPS_ATTRIBUTE_STRING)
			add(draft, standard_types[key], value);
		else
			add_copy(draft, standard_types[key], value);
	}
}

static genops_str model_of(const struct genops_record *record)
{
	return record->response_model.len ? record->response_model : record->request_model;
}

static void operation_id(const struct genops_record *record, char out[OPERATION_ID_SIZE])
{
	genops_str_to_hex(record->trace_id, sizeof record->trace_id, out);
	out[32] = '-';
	genops_str_to_hex(record->span_id, sizeof record->span_id, out + 33);
}

static void add_operation(struct draft *draft, const struct genops_record *record)
{
	char id[OPERATION_ID_SIZE];
	operation_id(record, id);
	add_standard(draft, record);
	add(draft, GENOPS_COLLIBRA_ATTRIBUTE_AI_PROVIDER, record->provider);
	add(draft, GENOPS_COLLIBRA_ATTRIBUTE_MODEL_NAME, model_of(record));
	add_copy(draft, GENOPS_COLLIBRA_ATTRIBUTE_OPERATION_ID, genops_str_of(id));
	add(draft, GENOPS_COLLIBRA_ATTRIBUTE_OPERATION_NAME, record->name);
	add_copy(draft, GENOPS_COLLIBRA_ATTRIBUTE_TRACE_ID, (genops_str){id, 32});
	add_time(draft, GENOPS_COLLIBRA_ATTRIBUTE_OCCURRED_AT, record->start_unix_ns);
	add_money(draft, GENOPS_COLLIBRA_ATTRIBUTE_COST_AMOUNT, record->actual_nano_usd);
	add(draft, GENOPS_COLLIBRA_ATTRIBUTE_CURRENCY, GENOPS_STR("USD"));
}

/* --- cost --- */

/* All that is not standard, as one JSON object; what would make it longer than CUSTOM_MAX is left out. */
static void add_custom(struct draft *draft, const struct genops_record *record)
{
	struct genops_buffer text;
	struct genops_json_writer json;
	genops_str copy = GENOPS_STR("");
	size_t n = 0;
	genops_buffer_init(&text, 8 * CUSTOM_MAX);
	genops_json_writer_init(&json, &text);
	genops_json_object_begin(&json);
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *attribute = &record->attributes[i];
		size_t len = attribute->type == GENOPS_ATTRIBUTE_STRING ? attribute->value.string.len : 32;
		if (genops_attributes_standard_key(attribute->key) >= 0 || text.len + attribute->key.len + len > CUSTOM_MAX)
			continue;
		genops_attribute_json_add(&json, attribute);
		n++;
	}
	genops_json_object_end(&json);
	if (text.error || (n && !genops_arena_dup(draft->arena, genops_buffer_view(&text), &copy)))
		draft->is_out_of_memory = true;
	if (copy.len && draft->n < VALUES_MAX)
		draft->values[draft->n++] =
		    (struct genops_collibra_value){GENOPS_COLLIBRA_ATTRIBUTE_CUSTOM_ATTRIBUTES, copy};
	genops_buffer_done(&text);
}

static int add_cost(struct genops_collibra_assets *assets, const struct genops_record *record, struct genops_error *err)
{
	struct draft draft = {.arena = assets->arena};
	char id[OPERATION_ID_SIZE], at[24];
	genops_str model = model_of(record), team = standard(record, GENOPS_ATTRIBUTE_TEAM);
	add_operation(&draft, record);
	if (record->usage.input_tokens || record->usage.output_tokens) {
		add_int(&draft, GENOPS_COLLIBRA_ATTRIBUTE_INPUT_TOKENS, record->usage.input_tokens);
		add_int(&draft, GENOPS_COLLIBRA_ATTRIBUTE_OUTPUT_TOKENS, record->usage.output_tokens);
	}
	add_int(&draft, GENOPS_COLLIBRA_ATTRIBUTE_DURATION_MS, (record->end_unix_ns - record->start_unix_ns) / NS_PER_MS);
	add(&draft, GENOPS_COLLIBRA_ATTRIBUTE_OUTCOME, genops_str_of(genops_conventions_outcome(record->outcome)));
	add_custom(&draft, record);
	operation_id(record, id);
	minute(record->start_unix_ns / NS_PER_S, at);
	genops_str name = print(&draft, NAME_MAX_BYTES, "genops:cost:%s:%s", at, id);
	genops_str display = print(&draft, DISPLAY_MAX, "%.*s%s%.*s%s%.*s", GENOPS_STR_ARG(cut(record->name, 80)),
	    model.len ? ", " : "", GENOPS_STR_ARG(cut(model, 80)), team.len ? ", team " : "", GENOPS_STR_ARG(cut(team, 60)));
	return finish(assets, &draft, GENOPS_COLLIBRA_OPERATION_COST, name, display.len ? display : name, err);
}

/* --- evaluations --- */

static int add_evaluation(struct genops_collibra_assets *assets, const struct genops_record *record, size_t i,
    struct genops_error *err)
{
	struct draft draft = {.arena = assets->arena};
	const struct genops_evaluation *evaluation = &record->evaluations[i];
	genops_str result = genops_str_starts(evaluation->action, GENOPS_STR(GENOPS_RECORD_VERBATIM))
				? genops_str_skip(evaluation->action, sizeof GENOPS_RECORD_VERBATIM - 1)
				: genops_str_of(genops_result_name(evaluation->result));
	char id[OPERATION_ID_SIZE], at[24];
	add_operation(&draft, record);
	add(&draft, GENOPS_COLLIBRA_ATTRIBUTE_POLICY_NAME, evaluation->policy);
	add(&draft, GENOPS_COLLIBRA_ATTRIBUTE_POLICY_RESULT, result);
	add(&draft, GENOPS_COLLIBRA_ATTRIBUTE_POLICY_REASON,
	    evaluation->message.len ? evaluation->message : genops_str_of(genops_reason_name(evaluation->reason)));
	operation_id(record, id);
	minute(record->start_unix_ns / NS_PER_S, at);
	genops_str name = print(&draft, NAME_MAX_BYTES, "genops:evaluation:%s:%s:%zu", at, id, i);
	genops_str display = print(&draft, DISPLAY_MAX, "%.*s: %.*s, %.*s", GENOPS_STR_ARG(cut(evaluation->policy, 100)),
	    GENOPS_STR_ARG(result), GENOPS_STR_ARG(cut(record->name, 80)));
	return finish(assets, &draft, GENOPS_COLLIBRA_POLICY_EVALUATION, name, display, err);
}

int genops_collibra_assets_add_record(struct genops_collibra_assets *assets, const struct genops_record *record,
    bool has_costs, struct genops_error *err)
{
	if (has_costs && record->outcome != GENOPS_OUTCOME_REFUSED)
		GENOPS_TRY(add_cost(assets, record, err));
	for (size_t i = 0; i < record->n_evaluations; i++)
		GENOPS_TRY(add_evaluation(assets, record, i, err));
	return GENOPS_OK;
}

/* --- budgets --- */

int genops_collibra_assets_add_budget(
    struct genops_collibra_assets *assets, const struct genops_collibra_budget *budget, struct genops_error *err)
{
	struct draft draft = {.arena = assets->arena};
	const char *period = genops_period_name(budget->period);
	char at[24];
	add_copy(&draft, GENOPS_COLLIBRA_ATTRIBUTE_BUDGET_NAME, budget->name);
	add_copy(&draft, GENOPS_COLLIBRA_ATTRIBUTE_TEAM, budget->team);
	add_copy(&draft, GENOPS_COLLIBRA_ATTRIBUTE_PROJECT, budget->project);
	add_copy(&draft, GENOPS_COLLIBRA_ATTRIBUTE_ENVIRONMENT, budget->environment);
	add(&draft, GENOPS_COLLIBRA_ATTRIBUTE_BUDGET_PERIOD, genops_str_of(period));
	if (budget->period != GENOPS_PERIOD_TOTAL)
		add_time(&draft, GENOPS_COLLIBRA_ATTRIBUTE_PERIOD_START, budget->start_unix_s * NS_PER_S);
	add_money(&draft, GENOPS_COLLIBRA_ATTRIBUTE_BUDGET_LIMIT, budget->limit_nano_usd);
	add_money(&draft, GENOPS_COLLIBRA_ATTRIBUTE_BUDGET_SPENT, budget->spent_nano_usd);
	add_money(&draft, GENOPS_COLLIBRA_ATTRIBUTE_BUDGET_REMAINING, budget->limit_nano_usd - budget->spent_nano_usd);
	add(&draft, GENOPS_COLLIBRA_ATTRIBUTE_CURRENCY, GENOPS_STR("USD"));
	add_time(&draft, GENOPS_COLLIBRA_ATTRIBUTE_OCCURRED_AT, budget->seen_unix_ns);
	minute(budget->period == GENOPS_PERIOD_TOTAL ? 0 : budget->start_unix_s, at);
	genops_str name =
	    print(&draft, NAME_MAX_BYTES, "genops:budget:%.*s:%s:%s", GENOPS_STR_ARG(cut(budget->label, 400)), period, at);
	genops_str display = budget->period == GENOPS_PERIOD_TOTAL
				 ? print(&draft, DISPLAY_MAX, "Budget %.*s, total", GENOPS_STR_ARG(cut(budget->label, 160)))
				 : print(&draft, DISPLAY_MAX, "Budget %.*s, %s from %.8s",
				       GENOPS_STR_ARG(cut(budget->label, 160)), period, at);
	return finish(assets, &draft, GENOPS_COLLIBRA_BUDGET_TRACKING, name, display, err);
}

/* --- urgency --- */

bool genops_collibra_asset_is_urgent(const struct genops_record *record)
{
	if (record->result == GENOPS_BLOCKED || record->result == GENOPS_RATE_LIMITED || record->is_refused ||
	    record->reason == GENOPS_REASON_BUDGET_EXCEEDED || record->actual_nano_usd > URGENT_NANO_USD)
		return true;
	for (size_t i = 0; i < record->n_alerts; i++) {
		if (record->alerts[i].alert.percent >= 100)
			return true;
	}
	for (size_t i = 0; i < record->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &record->evaluations[i];
		if (evaluation->reason == GENOPS_REASON_BUDGET_EXCEEDED || evaluation->result == GENOPS_BLOCKED ||
		    evaluation->result == GENOPS_RATE_LIMITED)
			return true;
	}
	return false;
}

/* --- ids --- */

bool genops_collibra_asset_id(genops_str domain_id, genops_str name, char ret_id[GENOPS_COLLIBRA_ID_SIZE])
{
	/* UUID version 5 of "genops.ai" in the DNS namespace; never changes: ids in customers' instances hang on it. */
	static const uint8_t space[16] = {
	    0xb0, 0x40, 0x24, 0x50, 0xdc, 0x76, 0x56, 0x23, 0xa4, 0xae, 0x73, 0x95, 0x4b, 0x92, 0x7c, 0xad};
	uint8_t hash[EVP_MAX_MD_SIZE] = {0};
	char hex[33];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_made = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
		       EVP_DigestUpdate(context, space, sizeof space) == 1 &&
		       EVP_DigestUpdate(context, domain_id.ptr, domain_id.len) == 1 &&
		       EVP_DigestUpdate(context, "\n", 1) == 1 &&
		       EVP_DigestUpdate(context, name.ptr, name.len) == 1 && EVP_DigestFinal_ex(context, hash, NULL) == 1;
	EVP_MD_CTX_free(context);
	if (!is_made)
		return false;
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50);
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	genops_str_to_hex(hash, 16, hex);
	snprintf(ret_id, GENOPS_COLLIBRA_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return true;
}
