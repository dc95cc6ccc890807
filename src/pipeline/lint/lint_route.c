/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint_route.c - what a route sends, and what never comes to it.
 *
 * - A key that is to say "the same again" but has the time or chance in it: nothing is ever the same, one incident an event.
 * - Severities that PagerDuty refuses.
 * - object_lock as a sentence.
 * - A route without a filter behind a sampling that lets nothing of the rest through: it hears of alarms only. */
#include "base/str.h"
#include "pipeline/lint/lint_state.h"

#include <stdio.h>

#define KEY_MAX 64

static const char *const same_keys[] = {"dedup_key", "incident_key", "idempotency_key", "fingerprint", "alias"};
static const char *const severities[] = {"critical", "error", "warning", "info"};

/* Follows JSON as far as it takes to know whose value is being written. */
struct follower {
	bool is_quoted, is_value; /* in a text; behind a ":" */
	char text[KEY_MAX];       /* the text that is, or was, being read */
	size_t n;
	char key[KEY_MAX];
};

static void follow(struct follower *follower, genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (follower->is_quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			follower->is_quoted = !follower->is_quoted;
			if (follower->is_quoted)
				follower->n = 0;
		} else if (follower->is_quoted) {
			if (follower->n + 1 < KEY_MAX)
				follower->text[follower->n++] = c;
		} else if (c == ':') {
			memcpy(follower->key, follower->text, follower->n);
			follower->key[follower->n] = '\0';
			follower->is_value = true;
		} else if (c == ',' || c == '{' || c == '}' || c == ']') {
			follower->is_value = false;
		}
	}
}

static bool is_one_of(genops_str name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_str_is(name, names[i]))
			return true;
	}
	return false;
}

struct fleeting {
	struct genops_lint *lint;
	const char *name; /* of what is never twice the same; NULL: nothing is */
	int depth;
};

/* Also through the fields that it reads. */
static void find_fleeting(void *arg, const struct genops_tree *node)
{
	struct fleeting *fleeting = arg;
	if (node->op == OP_FUNCTION && (!strcmp(node->name, "Date.now") || !strcmp(node->name, "Math.random") || !strcmp(node->name, "new Date")))
		fleeting->name = node->name;
	const struct genops_lint_field *field = node->op == OP_FIELD ? genops_lint_find(fleeting->lint, node->key) : NULL;
	if (!field || !field->tree || fleeting->depth >= 8)
		return;
	fleeting->depth++;
	genops_tree_each(field->tree, find_fleeting, fleeting);
	fleeting->depth--;
}

static void check_same_key(struct genops_lint *lint, const struct genops_route *route, const char *key, const struct genops_template_piece *piece,
    const struct genops_tree *tree)
{
	struct fleeting fleeting = {.lint = lint};
	if (piece->kind == GENOPS_PIECE_TIME)
		fleeting.name = "_time";
	if (piece->kind == GENOPS_PIECE_RANDOM)
		fleeting.name = "_random";
	if (tree)
		genops_tree_each(tree, find_fleeting, &fleeting);
	if (fleeting.name)
		genops_lint_say(lint, &route->place, "build it of what stays the same: the budget, the period, the threshold",
		    "route %.*s: %s has %s in it and never repeats: every event opens an incident of its own, none is ever resolved",
		    GENOPS_LINT_ARG(route->name), key,
		    fleeting.name);
}

static void say_severity(struct genops_lint *lint, const struct genops_place *place, genops_str what, const struct genops_possible *possible)
{
	for (unsigned i = 0; possible->is_listed && i < possible->n; i++) {
		struct genops_value value = possible->values[i];
		if (value.type != GENOPS_VALUE_TEXT || is_one_of(genops_value_str(value), severities, 4))
			continue;
		genops_lint_say(lint, place, "map it: critical, error, warning or info", "%.*s can be '%.*s', which PagerDuty refuses", GENOPS_STR_ARG(what),
		    value.len > 40 ? 40 : (int)value.len, value.as.text);
		return;
	}
}

static bool is_pager(const struct genops_route *route)
{
	return genops_str_find(route->payload_source, GENOPS_STR("routing_key")) != SIZE_MAX ||
	       genops_str_glob(GENOPS_STR("*pagerduty*"), route->destination, true);
}

static void check_payload(struct genops_lint *lint, const struct genops_route *route)
{
	struct follower follower = {0};
	struct genops_template_piece piece;
	for (size_t i = 0; genops_template_piece_at(route->payload, i, &piece); i++) {
		if (piece.kind == GENOPS_PIECE_PLAIN) {
			follow(&follower, piece.text);
			continue;
		}
		const struct genops_tree *tree = piece.expression ? genops_tree_of(piece.expression, &lint->arena) : NULL;
		if (tree) {
			genops_lint_names(lint, tree, &route->place);
			genops_lint_compare(lint, tree, &route->place);
		}
		if (!follower.is_value)
			continue;
		if (is_one_of(genops_str_of(follower.key), same_keys, sizeof same_keys / sizeof *same_keys))
			check_same_key(lint, route, follower.key, &piece, tree);
		if (tree && is_pager(route) && !strcmp(follower.key, "severity")) {
			struct genops_possible possible = genops_lint_possible(lint, tree);
			say_severity(lint, &route->place, GENOPS_STR("severity"), &possible);
		}
	}
}

/* Without a payload of its own an alert says what the usual fields say. */
static void check_fields(struct genops_lint *lint, const struct genops_route *route)
{
	static const char *const fields[] = {"alert_severity", "severity"};
	for (int i = 0; i < 2 && is_pager(route); i++) {
		const struct genops_lint_field *field = genops_lint_find(lint, genops_str_of(fields[i]));
		if (field)
			say_severity(lint, &field->place, field->name, &field->possible);
	}
}

static void check_settings(struct genops_lint *lint, const struct genops_route *route)
{
	static const char *const plain[] = {"COMPLIANCE", "GOVERNANCE", "compliance", "governance", "true", "false", "enabled", "disabled"};
	struct genops_value settings;
	if (!route->settings.len || genops_value_from_json(route->settings, &lint->arena, &settings, NULL) != GENOPS_OK ||
	    settings.type != GENOPS_VALUE_OBJECT)
		return;
	const struct genops_value_key key = genops_value_key_of(GENOPS_STR("object_lock"));
	const struct genops_value *lock = genops_value_object_get(settings.as.object, &key);
	if (!lock || lock->type != GENOPS_VALUE_TEXT || is_one_of(genops_value_str(*lock), plain, sizeof plain / sizeof *plain))
		return;
	genops_lint_say(lint, &route->place, "write object_lock: COMPLIANCE and retention: \"2555 days\", or set object_lock_mode and object_lock_retention at the destination",
	    "route %.*s: object_lock is the sentence \"%.*s\": mode and time in one text are easily misread", GENOPS_LINT_ARG(route->name),
	    lock->len > 80 ? 80 : (int)lock->len, lock->as.text);
}

void genops_lint_route(struct genops_lint *lint, const struct genops_route *route)
{
	if (route->payload)
		check_payload(lint, route);
	else
		check_fields(lint, route);
	check_settings(lint, route);
	if (route->filter || !lint->is_dropping_rest)
		return;
	lint->is_dropping_rest = false; /* once is enough */
	genops_lint_say(lint, &lint->dropping_place, "leave the sampling away and filter the routes that shall only hear of some",
	    "sample rate 0 lets nothing of these events through to any route, also not to %.*s, which has no filter",
	    GENOPS_LINT_ARG(route->name));
}
