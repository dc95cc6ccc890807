/* SPDX-License-Identifier: Apache-2.0
 * engine/pipeline_eval.c - see genops/pipeline.h: expressions as text in, answers as JSON out. */
#include <genops/pipeline.h>

#include "base/clock.h"
#include "pipeline/template.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define ARENA_MAX  ((size_t)64 << 20) /* an event and what an expression makes of it */
#define ANSWER_MAX ((size_t)32 << 20)

struct genops_pipeline_eval {
	struct genops_arena arena;
	struct genops_buffer answer;
	struct genops_expression_run run;
	bool is_fixed;
};

genops_pipeline_eval *genops_pipeline_eval_new(void)
{
	struct genops_pipeline_eval *eval = calloc(1, sizeof *eval);
	if (!eval)
		return NULL;
	genops_arena_init(&eval->arena, ARENA_MAX);
	genops_buffer_init(&eval->answer, ANSWER_MAX);
	eval->run.arena = &eval->arena;
	if (getrandom(eval->run.random_state, sizeof eval->run.random_state, GRND_NONBLOCK) < 0)
		eval->run.random_state[0] = (uint64_t)genops_clock_unix_ns();
	return eval;
}

void genops_pipeline_eval_free(genops_pipeline_eval *eval)
{
	if (!eval)
		return;
	genops_expression_run_done(&eval->run);
	genops_buffer_done(&eval->answer);
	genops_arena_done(&eval->arena);
	free(eval);
}

void genops_pipeline_eval_fix(genops_pipeline_eval *eval, int64_t now_ms, uint64_t random_seed)
{
	eval->is_fixed = true;
	eval->run.now_ms = now_ms;
	eval->run.random_state[0] = random_seed;
	eval->run.random_state[1] = ~random_seed;
}

static const char *exact_name(struct genops_value value)
{
	if (value.type == GENOPS_VALUE_UNDEFINED)
		return "undefined";
	if (value.type != GENOPS_VALUE_NUMBER)
		return NULL;
	double number = value.as.number;
	return isnan(number) ? "NaN" : isinf(number) ? number < 0 ? "-Infinity" : "Infinity" : number == 0 && signbit(number) ? "-0" : NULL;
}

static void set_clock(struct genops_pipeline_eval *eval)
{
	if (!eval->is_fixed)
		eval->run.now_ms = genops_clock_unix_ns() / GENOPS_NS_PER_MS;
}

static bool variable(void *arg, genops_str name, genops_str *ret_value)
{
	char copy[256];
	if (name.len >= sizeof copy)
		return false;
	memcpy(copy, name.ptr, name.len);
	copy[name.len] = '\0';
	const char *value = getenv(copy);
	*ret_value = genops_str_of(value);
	return value != NULL;
}

/* Over an event that is in the arena already. */
static int answer(struct genops_pipeline_eval *eval, genops_str source, struct genops_value event, struct genops_error *err)
{
	struct genops_expression *expression;
	struct genops_value value;
	GENOPS_TRY(genops_expression_compile(source, &expression, err));
	set_clock(eval);
	int code = genops_expression_evaluate(expression, event, &eval->run, &value, err);
	if (code == GENOPS_OK) {
		const char *name = exact_name(value);
		genops_buffer_clear(&eval->answer);
		genops_buffer_add_text(&eval->answer, "{\"value\":");
		if (!genops_value_to_json(value, &eval->answer))
			genops_buffer_add_text(&eval->answer, "null");
		if (name)
			genops_buffer_printf(&eval->answer, ",\"exact\":\"%s\"", name);
		genops_buffer_add_text(&eval->answer, "}");
		if (eval->answer.error)
			code = genops_fail(err, eval->answer.error, "the value is too large for an answer");
	}
	genops_expression_free(expression); /* texts of the value may be the expression's: not before they are written */
	return code;
}

/* A JSON template's payload, as a text. */
static int answer_template(struct genops_pipeline_eval *eval, genops_str source, struct genops_value event, struct genops_error *err)
{
	struct genops_template *template;
	struct genops_buffer payload;
	struct genops_template_faults faults;
	GENOPS_TRY(genops_template_compile(source, GENOPS_TEMPLATE_JSON, variable, NULL, &template, err));
	set_clock(eval);
	genops_buffer_init(&payload, ANSWER_MAX / 8);
	int code = genops_template_render(template, event, &eval->run, &payload, &faults, err);
	if (code == GENOPS_OK) {
		genops_buffer_clear(&eval->answer);
		genops_buffer_add_text(&eval->answer, "{\"value\":");
		(void)genops_value_to_json(genops_value_text(genops_buffer_view(&payload)), &eval->answer);
		genops_buffer_printf(&eval->answer, ",\"faults\":%u}", faults.n);
		if (eval->answer.error)
			code = genops_fail(err, eval->answer.error, "the payload is too large for an answer");
	}
	genops_buffer_done(&payload);
	genops_template_free(template);
	return code;
}

static int check_event(struct genops_value event, struct genops_error *err)
{
	if (event.type == GENOPS_VALUE_OBJECT)
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_SYNTAX, "like {\"attributes\": {\"genops.team\": \"search\"}}", "an event is a JSON object");
}

int genops_pipeline_eval_one(
    genops_pipeline_eval *eval, genops_str expression, genops_str event_json, genops_str *ret_answer, struct genops_error *err)
{
	struct genops_value event;
	genops_arena_reset(&eval->arena);
	GENOPS_TRY(genops_value_from_json(event_json.len ? event_json : GENOPS_STR("{}"), &eval->arena, &event, err));
	GENOPS_TRY(check_event(event, err));
	int code = answer(eval, expression, event, err);
	if (code != GENOPS_OK && err && err->line)
		snprintf(err->file, sizeof err->file, "expression");
	if (code != GENOPS_OK)
		return code;
	*ret_answer = genops_buffer_view(&eval->answer);
	return GENOPS_OK;
}

static int answer_line(struct genops_pipeline_eval *eval, genops_str line, struct genops_error *err)
{
	struct genops_value_key expression_key = genops_value_key_of(GENOPS_STR("expression")), event_key = genops_value_key_of(GENOPS_STR("event")),
				template_key = genops_value_key_of(GENOPS_STR("template"));
	struct genops_value asked;
	GENOPS_TRY(genops_value_from_json(line, &eval->arena, &asked, err));
	const struct genops_value *expression = NULL, *event = NULL, *template = NULL;
	if (asked.type == GENOPS_VALUE_OBJECT) {
		template = genops_value_object_get(asked.as.object, &template_key);
		expression = genops_value_object_get(asked.as.object, &expression_key);
		event = genops_value_object_get(asked.as.object, &event_key);
	}
	if (template && template->type == GENOPS_VALUE_TEXT && event && !expression) {
		GENOPS_TRY(check_event(*event, err));
		return answer_template(eval, genops_value_str(*template), *event, err);
	}
	if (!expression || expression->type != GENOPS_VALUE_TEXT || !event)
		return genops_fail_fix(err, GENOPS_SYNTAX, "like {\"expression\": \"cost > 1\", \"event\": {\"cost\": 2}}",
		    "a line is an object with \"expression\" or \"template\", a text, and \"event\", an object");
	GENOPS_TRY(check_event(*event, err));
	return answer(eval, genops_value_str(*expression), *event, err);
}

int genops_pipeline_eval_line(genops_pipeline_eval *eval, genops_str line, genops_str *ret_answer, struct genops_error *err)
{
	char text[sizeof err->message + sizeof err->fix + 64];
	struct genops_error fault = {0};
	genops_arena_reset(&eval->arena);
	if (answer_line(eval, line, &fault) != GENOPS_OK) {
		int len = 0;
		if (fault.line)
			len = snprintf(text, sizeof text, "%d:%d: ", fault.line, fault.column);
		snprintf(text + len, sizeof text - (size_t)len, "%s%s%s", fault.message, fault.fix[0] ? "; " : "", fault.fix);
		genops_buffer_clear(&eval->answer);
		genops_buffer_add_text(&eval->answer, "{\"error\":");
		(void)genops_value_to_json(genops_value_text(genops_str_of(text)), &eval->answer);
		genops_buffer_add_text(&eval->answer, "}");
		if (eval->answer.error)
			return genops_fail(err, GENOPS_NOMEM, "no memory for an answer");
	}
	*ret_answer = genops_buffer_view(&eval->answer);
	return GENOPS_OK;
}

void genops_pipeline_eval_caret(genops_str expression, const struct genops_error *err, char *out, size_t size)
{
	genops_expression_caret(expression, err, out, size);
}
