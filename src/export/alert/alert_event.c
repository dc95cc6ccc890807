/* SPDX-License-Identifier: Apache-2.0
 * export/alert/alert_event.c - see alert_event.h. */
#include "export/alert/alert_event.h"

#include "base/clock.h"
#include "base/str.h"
#include "export/otlp_outgoing.h"

#include <stdio.h>

const char *const genops_alert_event_route_keys[] = {"payload_template", NULL};

/* --- the event --- */

const struct genops_value *genops_alert_event_get(struct genops_value object, const char *name)
{
	if (object.type != GENOPS_VALUE_OBJECT)
		return NULL;
	const struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	return genops_value_object_get(object.as.object, &key);
}

int genops_alert_event_read(const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_alert_event *ret_event, struct genops_error *err)
{
	if (!batch->n_items || batch->items[0].kind != GENOPS_ITEM_EVENT)
		return genops_fail(err, GENOPS_UNSUPPORTED, "only events of pipelines and alerts can be sent there");
	struct genops_alert_event event = {.item = &batch->items[0]};
	GENOPS_TRY(genops_value_from_json(event.item->body, arena, &event.event, err));
	if (event.event.type != GENOPS_VALUE_OBJECT)
		return genops_fail(err, GENOPS_SYNTAX, "an event is no object");
	event.is_rule = !event.item->pipeline.len;
	if (event.is_rule)
		event.is_resolved = genops_str_is(genops_alert_event_text(&event, "alert_state", arena), "resolved");
	*ret_event = event;
	return GENOPS_OK;
}

genops_str genops_alert_event_text(const struct genops_alert_event *event, const char *name, struct genops_arena *arena)
{
	const struct genops_value *value = genops_alert_event_get(event->event, name);
	struct genops_buffer text;
	genops_str ret = {"", 0};
	if (!value || genops_value_is_nullish(*value))
		return ret;
	if (value->type == GENOPS_VALUE_TEXT)
		return genops_value_str(*value);
	genops_buffer_init(&text, 4096);
	if (!genops_value_to_json(*value, &text) || text.error || !genops_arena_dup(arena, genops_buffer_view(&text), &ret))
		ret = GENOPS_STR("");
	genops_buffer_done(&text);
	return ret;
}

/* --- templates --- */

/* A field of budgets that the event does not have: the template is about something else. */
static bool fits(const struct genops_alert_event *event, const struct genops_template *template)
{
	static const char *const fields[] = {"budget_name", "budget_status", "budget_used", "budget_limit", "actual_utilization", "policy_name"};
	struct genops_template_piece piece;
	for (size_t k = 0; event->is_rule && k < sizeof fields / sizeof *fields; k++) {
		if (genops_alert_event_get(event->event, fields[k]))
			continue;
		for (size_t i = 0; genops_template_piece_at(template, i, &piece); i++) {
			if (piece.kind == GENOPS_PIECE_EXPRESSION && genops_expression_names(piece.expression, genops_str_of(fields[k])))
				return false;
		}
	}
	return true;
}

int genops_alert_event_render(const struct genops_alert_event *event, const struct genops_template *template, struct genops_arena *arena,
    struct genops_buffer *out, bool *ret_fits, struct genops_error *err)
{
	const struct genops_destination_item *item = event->item;
	struct genops_expression_run run = {.arena = arena,
	    .now_ms = item->time_unix_ns / GENOPS_NS_PER_MS,
	    .random_state = {item->id | 1, item->id ^ UINT64_C(0x9e3779b97f4a7c15)}};
	*ret_fits = fits(event, template);
	if (!*ret_fits)
		return GENOPS_OK;
	int code = genops_template_render(template, event->event, &run, out, NULL, err);
	genops_expression_run_done(&run);
	return code;
}

static bool variable(void *arg, genops_str name, genops_str *ret_value)
{
	const struct genops_yaml_rows *in = arg;
	char text[128];
	if (!in->variables || !in->variables->get || name.len >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%.*s", GENOPS_STR_ARG(name));
	const char *value = in->variables->get(in->variables->arg, text);
	if (value)
		*ret_value = genops_str_of(value);
	return value != NULL;
}

int genops_alert_event_template(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *key,
    enum genops_template_kind kind, struct genops_template **ret)
{
	const struct genops_yaml_node *value = genops_yaml_get(node, key);
	struct genops_error inner = {0};
	struct genops_yaml_rows reading = *in;
	if (!value || genops_yaml_is_null(value))
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(in, value, key, GENOPS_YAML_SCALAR));
	int code = genops_template_compile(value->text, kind, variable, &reading, ret, &inner);
	if (code == GENOPS_OK)
		return code;
	if (code == GENOPS_NOMEM)
		return genops_fail(in->err, code, "no memory for a template");
	/* A block's lines are the file's. */
	int line = value->line + (inner.line > 1 ? inner.line - 1 : 0);
	genops_fail_fix(in->err, GENOPS_CONFIG, inner.fix[0] ? inner.fix : NULL, "%s: %s", key, inner.message);
	genops_error_place(in->err, in->file, line, inner.line > 1 ? inner.column : value->column);
	return GENOPS_CONFIG;
}

/* --- requests --- */

int genops_alert_event_url(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *key, genops_str url, const char *example)
{
	struct genops_error inner = {0};
	const struct genops_yaml_node *place = genops_yaml_get(node, key);
	if (genops_otlp_outgoing_check_url(url, example, &inner) == GENOPS_OK)
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, place ? place : node, example, "%s is not an address", key); /* it may hold a secret */
}

static bool is_set_by_transport(genops_str name)
{
	static const char *const names[] = {"content-length", "host", "transfer-encoding", "connection", "expect"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(name, names[i]))
			return true;
	}
	return false;
}

static bool is_fit(genops_str text, bool is_name)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20 || c == 0x7f || (is_name && (c > 0x7e || strchr(" ():;,/<>@[]{}?=\"\\", c))))
			return false;
	}
	return text.len || !is_name;
}

int genops_alert_event_check_header(const char *what, const struct genops_text_pair *header, struct genops_error *err)
{
	if (!is_fit(header->key, true))
		return genops_fail(err, GENOPS_CONFIG, "%s: \"%.*s\" is not a header name", what, GENOPS_STR_ARG(header->key));
	if (is_set_by_transport(header->key))
		return genops_fail_fix(
		    err, GENOPS_CONFIG, "leave it out", "%s: the header \"%.*s\" is set by the protocol", what, GENOPS_STR_ARG(header->key));
	if (!is_fit(header->value, false)) /* the value may be a secret: not told */
		return genops_fail_fix(err, GENOPS_CONFIG, "look for a line break, often at the end of a secret",
		    "%s: the value of \"%.*s\" has control characters", what, GENOPS_STR_ARG(header->key));
	return GENOPS_OK;
}

int genops_alert_event_check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	if (settings->headers.n > GENOPS_DESTINATION_HEADERS_MAX)
		return genops_fail(err, GENOPS_CONFIG, "headers: %zu of them; at most %d can be sent", settings->headers.n,
		    GENOPS_DESTINATION_HEADERS_MAX);
	for (size_t i = 0; i < settings->headers.n; i++)
		GENOPS_TRY(genops_alert_event_check_header("headers", &settings->headers.items[i], err));
	return GENOPS_OK;
}

int genops_alert_event_headers(const struct genops_destination_settings *settings, struct genops_request *request,
    struct genops_arena *arena, struct genops_error *err)
{
	bool has_type = false;
	for (size_t i = 0; i < settings->headers.n; i++)
		has_type |= genops_str_is_nocase(settings->headers.items[i].key, "content-type");
	if (!has_type)
		GENOPS_TRY(genops_otlp_outgoing_header(
		    request, GENOPS_STR("content-type"), GENOPS_STR("application/json"), arena, err));
	return genops_otlp_outgoing_headers(settings, request, arena, err);
}
