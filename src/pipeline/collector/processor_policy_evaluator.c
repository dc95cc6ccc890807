/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_policy_evaluator.c - `genops/policy_evaluator`: patterns over what spans and log records say.
 *
 * Looked at are attributes of spans, of their events and links, and of log records, a span's name and status message, an event's name, a
 * record's body. A pattern is looked for in keys and in values, in lists and maps to their depth. What it finds is redacted whole: the rest
 * of a text that holds a secret is not made public because the pattern named a word of it only. A search that passes its bounds counts as
 * found: when in doubt nothing leaves. */
#include "pipeline/collector/processor.h"

#include "base/str.h"
#include "pipeline/collector/item/item_mark.h"
#include "pipeline/collector/item/item_match.h"
#include "pipeline/collector/item/re2.h"

#include <stdio.h>

#define POLICIES_MAX 256
#define DEPTH_MAX    GENOPS_OTLP_DEPTH_MAX

enum verb { REDACT, DROP, ALERT };

struct policy {
	genops_str name, replacement;
	int verb;
	struct genops_item_pattern pattern;
};

struct evaluator {
	size_t n_policies;
	struct policy *policies;
};

static const struct genops_option rows[] = {
    {.name = "policies", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "what is looked for, and what happens then"},
    {.name = NULL},
};

static const struct genops_option policy_rows[] = {
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct policy, name), .is_required = true, .text = "as genops.policy.name"},
    {.name = "pattern",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct policy, pattern.text),
	.is_required = true,
	.text = "RE2; looked for in keys and values of attributes, names, bodies"},
    {.name = "action",
	.type = GENOPS_OPTION_ENUM,
	.offset = offsetof(struct policy, verb),
	.is_required = true,
	.names = (const char *const[]){"redact", "drop", "alert", NULL},
	.text = "redact: the whole value is replaced; drop: the span or record goes no further; alert: it is marked"},
    {.name = "replacement",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct policy, replacement),
	.default_text = "[REDACTED]",
	.text = "what stands there then"},
    {.name = NULL},
};

static const struct genops_processor_part parts[] = {
    {"policies[]", "", policy_rows},
    {.name = NULL},
};

/* --- one value --- */

struct evaluating {
	const struct genops_processor *processor;
	const struct evaluator *settings;
	struct genops_processor_run *run;
	const struct policy *first;      /* that found something in this item */
	bool must_drop;
	uint32_t field;                  /* of the attributes in the messages that are rewritten */
};

static bool is_in_text(struct evaluating *evaluating, const struct policy *policy, genops_str text)
{
	struct genops_error why = {0};
	int found = genops_item_match_text(&policy->pattern, evaluating->run, text, &why);
	if (found < 0)
		genops_service_run_fault(evaluating->run, evaluating->processor, &why);
	return found != 0;
}

static bool is_in_value(struct evaluating *evaluating, const struct policy *policy, const struct genops_otlp_value *value, int depth)
{
	struct genops_wire_reader in;
	struct genops_otlp_attributes entries;
	struct genops_otlp_attribute entry;
	struct genops_otlp_value element;
	if (depth > DEPTH_MAX)
		return true;
	switch (value->type) {
	case GENOPS_OTLP_STRING:
	case GENOPS_OTLP_BYTES:
		return value->bytes.len && is_in_text(evaluating, policy, value->bytes);
	case GENOPS_OTLP_ARRAY:
		genops_wire_reader_init(&in, value->bytes, 0);
		while (genops_otlp_array_next(&in, &element) > 0) {
			if (is_in_value(evaluating, policy, &element, depth + 1))
				return true;
		}
		return false;
	case GENOPS_OTLP_KVLIST:
		genops_otlp_attributes_init(&entries, value->bytes, 1);
		while (genops_otlp_attributes_next(&entries, &entry) > 0) {
			if (is_in_text(evaluating, policy, entry.key) || is_in_value(evaluating, policy, &entry.value, depth + 1))
				return true;
		}
		return false;
	case GENOPS_OTLP_INT:
	case GENOPS_OTLP_DOUBLE: {
		genops_str text = genops_item_value_text(value, &evaluating->run->arena);
		return !text.ptr || is_in_text(evaluating, policy, text);
	}
	default:
		return false;
	}
}

/* Remembers what was found. The first policy that redacts it; NULL: none. */
static const struct policy *evaluate(struct evaluating *evaluating, genops_str key, const struct genops_otlp_value *value)
{
	const struct policy *redacting = NULL;
	for (size_t i = 0; i < evaluating->settings->n_policies; i++) {
		const struct policy *policy = &evaluating->settings->policies[i];
		bool is_found = (key.len && is_in_text(evaluating, policy, key)) || is_in_value(evaluating, policy, value, 0);
		if (!is_found)
			continue;
		evaluating->must_drop |= policy->verb == DROP;
		if (!evaluating->first || policy < evaluating->first)
			evaluating->first = policy;
		if (policy->verb == REDACT && !redacting)
			redacting = policy;
	}
	return redacting;
}

static struct genops_otlp_value replacement_of(const struct policy *policy)
{
	return (struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = policy->replacement};
}

/* --- messages --- */

static int load_map(struct evaluating *evaluating, genops_str message, uint32_t field, struct genops_error *err)
{
	struct genops_item_map *map = &evaluating->run->map;
	GENOPS_TRY(genops_item_map_load(map, message, field, err));
	for (size_t i = 0; i < map->n; i++) {
		struct genops_item_entry *entry = &map->entries[i];
		const struct policy *policy = entry->is_gone ? NULL : evaluate(evaluating, entry->key, &entry->value);
		if (policy)
			genops_item_map_change(map, entry, replacement_of(policy));
	}
	return GENOPS_OK;
}

static int rewrite_map(void *arg, genops_str message, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	struct evaluating *evaluating = arg;
	struct genops_item_map *map = &evaluating->run->map;
	GENOPS_TRY(load_map(evaluating, message, evaluating->field, err));
	*ret_is_changed = map->is_changed;
	if (map->is_changed)
		genops_item_map_put(map, message, evaluating->field, out);
	return GENOPS_OK;
}

/* The content of a field that is a text itself. */
static int rewrite_text(void *arg, genops_str text, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	struct evaluating *evaluating = arg;
	const struct genops_otlp_value value = {.type = GENOPS_OTLP_STRING, .bytes = text};
	const struct policy *policy = evaluate(evaluating, (genops_str){0}, &value);
	(void)err;
	if (policy)
		genops_buffer_add_utf8(out, policy->replacement);
	*ret_is_changed = policy != NULL;
	return GENOPS_OK;
}

static int rewrite_status(void *arg, genops_str status, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	return genops_item_map_parts(status, 2, rewrite_text, arg, out, ret_is_changed, err);
}

static int rewrite_body(void *arg, genops_str any_value, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	struct evaluating *evaluating = arg;
	struct genops_otlp_value body;
	if (genops_otlp_value_read(any_value, &body) != GENOPS_OK)
		return genops_fail(err, GENOPS_CORRUPT, "a log record's body is damaged");
	const struct policy *policy = evaluate(evaluating, (genops_str){0}, &body);
	if (policy)
		genops_wire_put_text(out, 1, policy->replacement);
	*ret_is_changed = policy != NULL;
	return GENOPS_OK;
}

/* An event of a span: its attributes, then its name; each step reads what the one before has written. */
static int rewrite_event(void *arg, genops_str event, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	struct evaluating *evaluating = arg;
	struct genops_buffer *scratch = &evaluating->run->part;
	bool is_name_changed = false;
	genops_buffer_clear(scratch);
	evaluating->field = GENOPS_OTLP_EVENT_ATTRIBUTES;
	GENOPS_TRY(rewrite_map(evaluating, event, scratch, ret_is_changed, err));
	if (scratch->error)
		return genops_fail(err, scratch->error, "no memory for an event of a span");
	size_t before = out->len;
	GENOPS_TRY(genops_item_map_parts(
	    *ret_is_changed ? genops_buffer_view(scratch) : event, 2, rewrite_text, evaluating, out, &is_name_changed, err));
	*ret_is_changed |= is_name_changed;
	if (!*ret_is_changed && !out->error)
		out->len = before;
	return GENOPS_OK;
}

static int rewrite_link(void *arg, genops_str link, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	struct evaluating *evaluating = arg;
	evaluating->field = 4;
	return rewrite_map(arg, link, out, ret_is_changed, err);
}

/* --- items --- */

static const struct {
	enum genops_signal signal;
	uint32_t field;
	genops_item_rewrite_fn *fn;
} steps[] = {{GENOPS_SIGNAL_TRACES, 5, rewrite_text}, {GENOPS_SIGNAL_TRACES, 11, rewrite_event}, {GENOPS_SIGNAL_TRACES, 13, rewrite_link},
    {GENOPS_SIGNAL_TRACES, 15, rewrite_status}, {GENOPS_SIGNAL_LOGS, 5, rewrite_body}};

/* All but the item's own attributes: from one buffer into the other, as often as something changes. */
static int rewrite_parts(struct evaluating *evaluating, const struct genops_item *item, genops_str *ret_item, struct genops_error *err)
{
	struct genops_buffer *buffers = evaluating->run->steps;
	genops_str current = item->encoded;
	unsigned turn = 0;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct genops_buffer *out = &buffers[turn];
		bool is_changed = false;
		if (steps[i].signal != item->signal)
			continue;
		genops_buffer_clear(out);
		GENOPS_TRY(genops_item_map_parts(current, steps[i].field, steps[i].fn, evaluating, out, &is_changed, err));
		if (out->error)
			return genops_fail(err, out->error, "no memory for a redacted span");
		if (!is_changed)
			continue;
		current = genops_buffer_view(out);
		turn = !turn;
	}
	*ret_item = current;
	return GENOPS_OK;
}

/* What was found is said on the span: the first policy's name. */
static int mark(struct evaluating *evaluating, struct genops_error *err)
{
	static const char *const verbs[] = {"redact", "drop", "alert"};
	const struct policy *first = evaluating->first;
	if (!first || !genops_item_mark_is_news(&evaluating->run->map, GENOPS_WARNING))
		return GENOPS_OK;
	char *reason = genops_arena_take(&evaluating->run->arena, first->name.len + 64);
	if (!reason)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy's reason");
	snprintf(reason, first->name.len + 64, "the pattern of policy %.*s was found", GENOPS_STR_ARG(first->name));
	const struct genops_item_mark mark = {.policy = first->name,
	    .reason = genops_str_of(reason),
	    .action = genops_str_of(verbs[first->verb]),
	    .result = GENOPS_WARNING,
	    .code = GENOPS_REASON_POLICY_DENY_CONTENT};
	return genops_item_mark_set(&evaluating->run->map, &mark, err);
}

static int evaluate_item(
    void *arg, const struct genops_item *item, struct genops_buffer *out, enum genops_item_outcome *ret_outcome, struct genops_error *err)
{
	struct evaluating *evaluating = arg;
	uint32_t field = genops_item_attributes_field(item->signal);
	genops_str rewritten;
	evaluating->first = NULL;
	evaluating->must_drop = false;
	GENOPS_TRY(rewrite_parts(evaluating, item, &rewritten, err));
	GENOPS_TRY(load_map(evaluating, item->encoded, field, err));
	if (evaluating->must_drop) {
		*ret_outcome = GENOPS_ITEM_DROP;
		return GENOPS_OK;
	}
	GENOPS_TRY(mark(evaluating, err));
	if (!evaluating->run->map.is_changed && rewritten.ptr == item->encoded.ptr)
		return GENOPS_OK;
	genops_item_map_put(&evaluating->run->map, rewritten, field, out);
	*ret_outcome = GENOPS_ITEM_CHANGE;
	return GENOPS_OK;
}

static int apply(const struct genops_processor *processor, struct genops_processor_run *run, const struct genops_envelope *envelope,
    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err)
{
	struct evaluating evaluating = {.processor = processor, .settings = processor->settings, .run = run};
	return genops_item_walk(run, envelope, evaluate_item, &evaluating, out, ret_is_same, err);
}

/* --- reading --- */

static int read_policy(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what, struct policy *policy)
{
	struct genops_error why = {0};
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(in, node, what, policy_rows, policy));
	int code = policy->pattern.text.len ? genops_re2_compile_search(policy->pattern.text, &policy->pattern.regex, &why)
					    : genops_fail(&why, GENOPS_SYNTAX, "it is empty");
	if (code == GENOPS_NOMEM)
		return genops_fail(in->err, code, "%s", why.message);
	if (code != GENOPS_OK)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "pattern"), why.fix, "%s: pattern of policy \"%.100s\": %s", what,
		    policy->name.ptr, why.message);
	return GENOPS_OK;
}

static int compile(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	struct evaluator *settings = processor->settings;
	const struct genops_yaml_node *list = genops_yaml_rows_get(node, rows, "policies");
	char what[128];
	snprintf(what, sizeof what, "processor \"%.100s\"", processor->name.ptr);
	if (!list)
		return genops_yaml_rows_fail(in, node, NULL, "%s needs \"policies\"", what);
	GENOPS_TRY(genops_yaml_rows_expect(in, list, what, GENOPS_YAML_SEQUENCE));
	if (!list->n || list->n > POLICIES_MAX)
		return genops_yaml_rows_fail(in, list, NULL, "%s takes 1 to %d policies", what, POLICIES_MAX);
	settings->policies = genops_arena_alloc(in->arena, list->n * sizeof *settings->policies);
	if (!settings->policies)
		return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_policy(in, entry->value, what, &settings->policies[settings->n_policies++]));
	return GENOPS_OK;
}

static void done(void *arg)
{
	struct evaluator *settings = arg;
	for (size_t i = 0; i < settings->n_policies; i++)
		genops_regex_free(settings->policies[i].pattern.regex);
	settings->n_policies = 0;
}

const struct genops_processor_type genops_processor_type_policy_evaluator = {
    .name = "genops/policy_evaluator",
    .summary = "Patterns over attributes, names and bodies: redacted, dropped, or marked.",
    .rows = rows,
    .parts = parts,
    .settings_size = sizeof(struct evaluator),
    .signals = 1u << GENOPS_SIGNAL_TRACES | 1u << GENOPS_SIGNAL_LOGS,
    .compile = compile,
    .done = done,
    .apply = apply,
};
