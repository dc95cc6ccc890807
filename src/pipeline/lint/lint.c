/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint.c - see lint.h. Goes through a pipeline as an event would: filters, functions, routes; what an eval sets is known from
 * there on. */
#include "pipeline/lint/lint.h"

#include "base/str.h"
#include "pipeline/lint/lint_state.h"

#include <stdarg.h>
#include <stdio.h>

#define ARENA_MAX ((size_t)64 << 20)
#define STEPS_MAX 100000000u

void genops_lint_say(struct genops_lint *lint, const struct genops_place *place, const char *fix, const char *format, ...)
{
	char message[512];
	va_list args;
	if (!lint->steps_left)
		return; /* what was not found any more must not be told as not there */
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	lint->fn(lint->arg, place, message, fix);
}

const struct genops_lint_field *genops_lint_find(struct genops_lint *lint, genops_str name)
{
	for (size_t i = lint->n_fields; i-- > 0 && lint->steps_left;) {
		lint->steps_left--;
		if (genops_str_equal(lint->fields[i].name, name))
			return &lint->fields[i];
	}
	return NULL;
}

static bool field_possible(void *arg, genops_str name, struct genops_possible *ret)
{
	const struct genops_lint_field *field = genops_lint_find(arg, name);
	if (field)
		*ret = field->possible;
	return field != NULL;
}

struct genops_possible genops_lint_possible(struct genops_lint *lint, const struct genops_tree *tree)
{
	return genops_possible_of(tree, field_possible, lint);
}

const char *genops_lint_text(const struct genops_tree *tree, char *out, size_t size)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, 4096);
	if (tree->op == OP_FIELD)
		genops_buffer_add(&buf, tree->key);
	else if (tree->op == OP_FIELD_MEMBER)
		genops_buffer_printf(&buf, "%.*s['%.*s']", GENOPS_LINT_ARG(tree->key), GENOPS_LINT_ARG(tree->member));
	else if (tree->op == OP_CONSTANT && tree->value.type == GENOPS_VALUE_TEXT)
		genops_buffer_printf(&buf, "'%.*s'", tree->value.len > 60 ? 60 : (int)tree->value.len, tree->value.as.text);
	else if (tree->op != OP_CONSTANT || tree->value.type > GENOPS_VALUE_NUMBER || !genops_value_to_json(tree->value, &buf))
		genops_buffer_add_text(&buf, "this");
	snprintf(out, size, "%.*s", buf.error ? 4 : (int)buf.len, buf.error ? "this" : buf.ptr);
	genops_buffer_done(&buf);
	return out;
}

genops_str genops_lint_source_attribute(const struct genops_tree *tree)
{
	while (tree && (tree->op == OP_OR || tree->op == OP_COALESCE))
		tree = tree->children[0];
	if (tree && tree->op == OP_FIELD_MEMBER && genops_str_is(tree->key, "attributes"))
		return tree->member;
	return (genops_str){0};
}

static const struct genops_tree *read_tree(struct genops_lint *lint, const struct genops_expression *expression)
{
	return expression ? genops_tree_of(expression, &lint->arena) : NULL;
}

static const struct genops_tree *check_expression(
    struct genops_lint *lint, const struct genops_expression *expression, const struct genops_place *place)
{
	const struct genops_tree *tree = read_tree(lint, expression);
	if (tree) {
		genops_lint_names(lint, tree, place);
		genops_lint_compare(lint, tree, place);
	}
	return tree;
}

/* --- what functions do --- */

static struct genops_possible possible_of_type(enum genops_field_type type)
{
	static const unsigned types[] = {GENOPS_POSSIBLE_ANY, GENOPS_POSSIBLE_TYPE(BOOLEAN), GENOPS_POSSIBLE_TYPE(NUMBER), GENOPS_POSSIBLE_TYPE(TEXT)};
	return genops_possible_types(types[type]);
}

static void may_throw(void *arg, const struct genops_tree *node)
{
	*(bool *)arg |= node->op == OP_METHOD || node->op == OP_MEMBER || node->op == OP_INDEX;
}

/* A constant that an author took for a text: audit_version: "1.0". */
static void check_constant(struct genops_lint *lint, const struct genops_tree *tree, const struct genops_function_fact *fact)
{
	struct genops_buffer text;
	char fix[160];
	genops_str source = genops_str_trim(fact->source);
	if (tree->op != OP_CONSTANT || tree->value.type != GENOPS_VALUE_NUMBER || source.len > 60)
		return;
	genops_buffer_init(&text, 64);
	(void)genops_value_to_json(tree->value, &text);
	if (!text.error && !genops_str_equal(genops_buffer_view(&text), source)) {
		snprintf(fix, sizeof fix, "for a text write quotes within quotes: \"'%.*s'\"", GENOPS_LINT_ARG(source));
		genops_lint_say(lint, &fact->place, fix, "field %.*s becomes the number %.*s, not the text %.*s: a value is an expression",
		    GENOPS_LINT_ARG(fact->field), GENOPS_LINT_ARG(genops_buffer_view(&text)), GENOPS_LINT_ARG(source));
	}
	genops_buffer_done(&text);
}

struct step {
	struct genops_lint *lint;
	bool is_conditional; /* the function has a filter */
};

static void set_field(struct step *step, const struct genops_function_fact *fact)
{
	struct genops_lint *lint = step->lint;
	const struct genops_lint_field *before = genops_lint_find(lint, fact->field);
	const struct genops_tree *tree = check_expression(lint, fact->expression, &fact->place);
	struct genops_possible possible = possible_of_type(fact->type), unset = genops_possible_types(GENOPS_POSSIBLE_ANY);
	bool is_throwing = false, is_sure = !step->is_conditional;
	if (tree) {
		check_constant(lint, tree, fact);
		possible = genops_lint_possible(lint, tree);
		genops_tree_each(tree, may_throw, &is_throwing);
	} else {
		is_sure &= fact->is_always;
	}
	if (is_throwing || !is_sure) {
		possible = genops_possible_either(&possible, before ? &before->possible : &unset);
		is_sure = false;
	}
	lint->fields[lint->n_fields++] = (struct genops_lint_field){fact->field, possible, tree, fact->place, is_sure};
}

static void take_fact(void *arg, const struct genops_function_fact *fact)
{
	struct step *step = arg;
	struct genops_lint *lint = step->lint;
	switch (fact->kind) {
	case GENOPS_FACT_SETS:
		set_field(step, fact);
		break;
	case GENOPS_FACT_READS:
		genops_lint_field_name(lint, fact->field, &fact->place);
		break;
	case GENOPS_FACT_MASKS:
		genops_lint_mask_rule(lint, fact);
		lint->masks[lint->n_masks++] = (struct genops_lint_mask){fact->field, fact->place};
		break;
	case GENOPS_FACT_RULE: {
		const struct genops_tree *condition = check_expression(lint, fact->expression, &fact->place);
		lint->rules[lint->n_rules++] =
		    (struct genops_lint_rule){condition, !fact->expression, fact->rate, fact->source, fact->place};
		break;
	}
	}
}

static void count_fact(void *arg, const struct genops_function_fact *fact)
{
	(void)fact;
	++*(size_t *)arg;
}

static void name_fact(void *arg, const struct genops_function_fact *fact)
{
	struct genops_lint *lint = arg;
	if (fact->kind == GENOPS_FACT_SETS)
		lint->names[lint->n_names++] = fact->field;
}

/* Room for everything, so that nothing can run full later. */
static bool make_room(struct genops_lint *lint)
{
	const struct genops_pipeline *pipeline = lint->pipeline;
	size_t n = 1;
	for (size_t i = 0; i < pipeline->n_functions; i++) {
		if (pipeline->functions[i].type->facts)
			pipeline->functions[i].type->facts(&pipeline->functions[i], count_fact, &n);
	}
	lint->fields = genops_arena_alloc(&lint->arena, n * sizeof *lint->fields);
	lint->rules = genops_arena_alloc(&lint->arena, n * sizeof *lint->rules);
	lint->masks = genops_arena_alloc(&lint->arena, n * sizeof *lint->masks);
	lint->names = genops_arena_alloc(&lint->arena, n * sizeof *lint->names);
	lint->guards = genops_arena_alloc(&lint->arena, (pipeline->n_filters + 1) * sizeof *lint->guards);
	if (!lint->fields || !lint->rules || !lint->masks || !lint->names || !lint->guards)
		return false;
	for (size_t i = 0; i < pipeline->n_functions; i++) {
		if (pipeline->functions[i].type->facts && !pipeline->functions[i].is_disabled)
			pipeline->functions[i].type->facts(&pipeline->functions[i], name_fact, lint);
	}
	return true;
}

static void look_at_function(struct genops_lint *lint, const struct genops_function *function)
{
	struct step step = {lint, function->filter != NULL};
	if (function->is_disabled)
		return;
	check_expression(lint, function->filter, &function->place);
	lint->n_rules = 0;
	if (function->type->facts)
		function->type->facts(function, take_fact, &step);
	if (lint->n_rules)
		genops_lint_sampling(lint);
}

int genops_lint_pipeline(const struct genops_pipeline *pipeline, genops_lint_fn *fn, void *arg, struct genops_error *err)
{
	struct genops_lint lint = {.pipeline = pipeline, .fn = fn, .arg = arg, .steps_left = STEPS_MAX};
	if (!pipeline->is_enabled)
		return GENOPS_OK;
	genops_arena_init(&lint.arena, ARENA_MAX);
	if (!make_room(&lint)) {
		genops_arena_done(&lint.arena);
		return genops_fail(err, GENOPS_NOMEM, "no memory to look through a pipeline");
	}
	for (size_t i = 0; i < pipeline->n_filters; i++)
		lint.guards[i] = check_expression(&lint, pipeline->filters[i].expression, &pipeline->filters[i].place);
	for (size_t i = 0; i < pipeline->n_functions; i++)
		look_at_function(&lint, &pipeline->functions[i]);
	genops_lint_masks(&lint);
	for (size_t i = 0; i < pipeline->n_routes; i++) {
		if (!pipeline->routes[i].is_disabled) {
			check_expression(&lint, pipeline->routes[i].filter, &pipeline->routes[i].place);
			genops_lint_route(&lint, &pipeline->routes[i]);
		}
	}
	genops_arena_done(&lint.arena);
	return GENOPS_OK;
}
