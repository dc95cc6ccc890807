/* SPDX-License-Identifier: Apache-2.0
 * export/event_template.c - see event_template.h. */
#include "export/event_template.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

#define EVENT_MAX ((size_t)64 << 20) /* of one event's values: its JSON is 16 MiB at most */

static bool variable(void *arg, genops_str name, genops_str *ret_value)
{
	const struct genops_yaml_variables *variables = arg;
	char copy[128];
	if (!variables->get || name.len >= sizeof copy)
		return false;
	snprintf(copy, sizeof copy, "%.*s", GENOPS_STR_ARG(name));
	const char *value = variables->get(variables->arg, copy);
	if (value)
		*ret_value = genops_str_of(value);
	return value != NULL;
}

/* A block's text begins in the node's line, two columns behind its key as a rule; another's where it stands, behind its quote. */
static int fail_in(const struct genops_yaml_rows *in, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    const char *what, const struct genops_error *inner)
{
	bool is_block = !node->is_plain && key && node->line > key->line;
	struct genops_yaml_node place = *node;
	if (inner->code == GENOPS_NOMEM)
		return genops_fail(in->err, GENOPS_NOMEM, "%s: %s", what, inner->message);
	if (inner->line && is_block)
		place.column = key->column + 2 + inner->column - 1;
	else if (inner->line == 1)
		place.column += inner->column - 1 + !node->is_plain;
	if (inner->line > 1)
		place.line += inner->line - 1;
	return genops_yaml_rows_fail(in, &place, inner->fix[0] ? inner->fix : NULL, "%s: %s", what, inner->message);
}

int genops_event_template_read(const struct genops_yaml_rows *in, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    const char *what, enum genops_template_kind kind, struct genops_template **ret)
{
	struct genops_error inner = {0};
	struct genops_yaml_variables variables = in->variables ? *in->variables : (struct genops_yaml_variables){0};
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_SCALAR));
	if (genops_template_compile(node->text, kind, variable, &variables, ret, &inner) != GENOPS_OK)
		return fail_in(in, key, node, what, &inner);
	return GENOPS_OK;
}

bool genops_event_template_is_about(const struct genops_template *template, struct genops_value event)
{
	struct genops_template_piece piece;
	for (size_t i = 0; genops_template_piece_at(template, i, &piece); i++) {
		if (piece.kind == GENOPS_PIECE_EXPRESSION && !genops_expression_is_about(piece.expression, event))
			return false;
	}
	return true;
}

void genops_event_template_run_init(struct genops_event_template_run *run, int64_t now_unix_ns)
{
	*run = (struct genops_event_template_run){0};
	genops_arena_init(&run->arena, EVENT_MAX);
	run->expression.arena = &run->arena;
	run->expression.now_ms = now_unix_ns / GENOPS_NS_PER_MS;
}

void genops_event_template_run_done(struct genops_event_template_run *run)
{
	genops_expression_run_done(&run->expression);
	genops_arena_done(&run->arena);
}

int genops_event_template_run_begin(
    struct genops_event_template_run *run, const struct genops_destination_item *item, struct genops_error *err)
{
	struct genops_value_key key = genops_value_key_of(GENOPS_STR("timestamp"));
	struct genops_value time = genops_value_number((double)(item->time_unix_ns / GENOPS_NS_PER_MS) / 1000);
	genops_arena_reset(&run->arena);
	run->event = (struct genops_value){0};
	run->expression.random_state[0] = item->id;
	run->expression.random_state[1] = UINT64_C(0x9E3779B97F4A7C15);
	GENOPS_TRY(genops_value_from_json(item->body, &run->arena, &run->event, err));
	if (run->event.type != GENOPS_VALUE_OBJECT)
		return genops_fail(err, GENOPS_SYNTAX, "an event that is no JSON object");
	const struct genops_value *own = genops_value_object_get(run->event.as.object, &key);
	if ((!own || genops_value_is_nullish(*own)) && !genops_value_object_put(&run->arena, run->event.as.object, key, time))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an event");
	return GENOPS_OK;
}

int genops_event_template_render(struct genops_event_template_run *run, const struct genops_template *template, struct genops_buffer *out,
    struct genops_error *err)
{
	return genops_template_render(template, run->event, &run->expression, out, NULL, err);
}
