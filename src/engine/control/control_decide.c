/* SPDX-License-Identifier: Apache-2.0
 * engine/control/control_decide.c - POST /api/v1/decide: what would governance say? Reserves nothing, records nothing. */
#include "engine/control/control.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "engine/operation/operation.h"
#include "govern/money.h"

#define ATTRIBUTES_MAX 64

enum field { PROVIDER, MODEL, REGION, NAME, TYPE, CONTENT, INPUT_TOKENS, OUTPUT_TOKENS, COST, ATTRIBUTE_NAME };

struct question {
	struct genops_control *control;
	struct genops_operation_options options;
	struct genops_attribute attributes[ATTRIBUTES_MAX];
	size_t n_attributes;
	bool is_bad;
	const char *bad;
};

static bool read_count(const struct genops_json_value *value, int64_t *ret)
{
	if (value->type != GENOPS_JSON_NUMBER || !value->is_integer || value->integer < 0 ||
	    value->integer > GENOPS_USAGE_COUNT_MAX)
		return false;
	*ret = value->integer;
	return true;
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct question *question = arg;
	struct genops_operation_options *options = &question->options;
	genops_str *const texts[] = {&options->provider, &options->model, &options->region, &options->name, &options->type,
	    &options->content};
	static const char *const names[] = {"provider", "model", "region", "name", "type", "content", "input_tokens",
	    "max_output_tokens", "estimated_cost_usd", "attributes"};
	bool is_good = true;
	if (value->type == GENOPS_JSON_NULL)
		return;
	if (value->id <= CONTENT)
		is_good = value->type == GENOPS_JSON_STRING &&
			  genops_arena_dup(&question->control->arena, value->text, texts[value->id]);
	else if (value->id == INPUT_TOKENS)
		is_good = read_count(value, &options->expected.input_tokens);
	else if (value->id == OUTPUT_TOKENS)
		is_good = read_count(value, &options->expected.output_tokens);
	else if (value->id == COST)
		is_good = value->type == GENOPS_JSON_NUMBER &&
			  genops_money_parse(value->text, &options->estimated_cost_nano_usd);
	if (!is_good) {
		question->is_bad = true;
		question->bad = names[value->id];
	}
}

static const struct genops_json_path paths[] = {
    {"provider", PROVIDER},
    {"model", MODEL},
    {"region", REGION},
    {"name", NAME},
    {"type", TYPE},
    {"content", CONTENT},
    {"input_tokens", INPUT_TOKENS},
    {"max_output_tokens", OUTPUT_TOKENS},
    {"estimated_cost_usd", COST},
};

static const struct genops_json_path attribute_paths[] = {
#define X(symbol, name, key, header) {"attributes." name, GENOPS_ATTRIBUTE_##symbol},
    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
};

static void on_attribute(void *arg, const struct genops_json_value *value)
{
	struct question *question = arg;
	genops_str text, name = genops_str_of(attribute_paths[value->id].path);
	if (value->type == GENOPS_JSON_NULL)
		return;
	if (value->type != GENOPS_JSON_STRING || question->n_attributes == ATTRIBUTES_MAX ||
	    !genops_arena_dup(&question->control->arena, value->text, &text)) {
		question->is_bad = true;
		question->bad = attribute_paths[value->id].path;
		return;
	}
	question->attributes[question->n_attributes++] =
	    (struct genops_attribute){.key = genops_str_skip(name, sizeof("attributes.") - 1), .value.string = text};
}

static int scan(struct question *question, const struct genops_json_path *list, size_t n, genops_json_value_fn *on,
    struct genops_error *err)
{
	struct genops_json_scan_options options = {.text_max = (size_t)4 << 20};
	struct genops_json_paths *compiled = genops_json_paths_new(list, n, err);
	if (!compiled)
		return err->code;
	struct genops_json_scan *scanner = genops_json_scan_new(compiled, &options, on, question);
	int code = scanner ? genops_json_scan_feed(scanner, question->control->request_body, err)
			   : genops_fail(err, GENOPS_NOMEM, "no memory to read the question");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scanner, err);
	genops_json_scan_free(scanner);
	genops_json_paths_free(compiled);
	return code;
}

static void write_decision(struct genops_control *control, const struct genops_decision *decision)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, &control->body);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "decision", genops_str_of(genops_result_name(decision->result)));
	genops_json_key_bool(&json, "refused", decision->is_refused);
	if (decision->reason)
		genops_json_key_string(&json, "reason_code", genops_str_of(genops_reason_name(decision->reason)));
	if (decision->policy.len)
		genops_json_key_string(&json, "policy", decision->policy);
	if (decision->message.len)
		genops_json_key_string(&json, "message", decision->message);
	genops_json_key_money(&json, "estimated_cost", decision->estimated_cost_nano_usd);
	genops_json_key_int(&json, "delay_ms", decision->delay_ns / GENOPS_NS_PER_MS);
	genops_json_key_int(&json, "retry_after_ms", decision->retry_after_ns / GENOPS_NS_PER_MS);
	genops_json_key(&json, GENOPS_STR("evaluations"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < decision->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &decision->evaluations[i];
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "policy", evaluation->policy);
		genops_json_key_string(&json, "type", evaluation->policy_type);
		genops_json_key_string(&json, "result", genops_str_of(genops_result_name(evaluation->result)));
		genops_json_key_bool(&json, "violation", evaluation->is_violation);
		if (evaluation->reason)
			genops_json_key_string(&json, "reason_code", genops_str_of(genops_reason_name(evaluation->reason)));
		if (evaluation->message.len)
			genops_json_key_string(&json, "message", evaluation->message);
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	genops_json_object_end(&json);
}

void genops_control_decide(struct genops_control *control)
{
	struct question question = {.control = control};
	struct genops_error err;
	genops_operation *operation;
	genops_operation_options_init(&question.options);
	int code = scan(&question, paths, sizeof paths / sizeof paths[0], on_value, &err);
	if (code == GENOPS_OK)
		code = scan(&question, attribute_paths, GENOPS_ATTRIBUTE_N_STANDARD, on_attribute, &err);
	if (code == GENOPS_OK && question.is_bad)
		code = genops_fail(&err, GENOPS_SYNTAX, "field \"%s\" does not have the type it should have", question.bad);
	struct genops_operation_origin origin = {
	    .key = control->key,
	    .bound = control->key ? control->key->attributes : NULL,
	    .n_bound = control->key ? control->key->n_attributes : 0,
	    .config = control->config,
	    .has_content = question.options.content.len > 0,
	};
	question.options.attributes = question.attributes;
	question.options.n_attributes = question.n_attributes;
	question.options.is_dry_run = true;
	if (code == GENOPS_OK)
		code = genops_operation_begin_from(control->engine, &question.options, &origin, &operation, &err);
	if (code != GENOPS_OK) {
		genops_control_fail_with(control, &err);
		return;
	}
	write_decision(control, genops_operation_decision(operation));
	(void)genops_operation_end(operation, GENOPS_OUTCOME_NOT_SENT, NULL);
}
