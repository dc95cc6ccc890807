/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_attributes_read.c - the attributes processor's section. Which keys belong to which action is as in the
 * Collector (internal/coreinternal/attraction). */
#include "pipeline/collector/processor_attributes.h"

#include "base/str.h"
#include "pipeline/collector/item/re2.h"

#include <stdio.h>

struct action {
	genops_str action, key, from_attribute, from_context, pattern;
	int converted_type;
};

#define AT(field) offsetof(struct action, field)
#define TEXT(key, at, says) {.name = key, .type = GENOPS_OPTION_TEXT, .offset = AT(at), .text = says}
#define CUSTOM(key, says)   {.name = key, .type = GENOPS_OPTION_CUSTOM, .text = says}

const struct genops_option genops_processor_attributes_rows[] = {
    {.name = "actions", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "what is done, in this order"},
    CUSTOM("include", "only to these"),
    CUSTOM("exclude", "not to these"),
    {.name = NULL},
};

static const struct genops_option action_rows[] = {
    {.name = "action",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(action),
	.is_required = true,
	.text = "insert (if it is not there), update (if it is), upsert, delete, hash (SHA-256 in hex), extract, convert"},
    TEXT("key", key, "the attribute"),
    CUSTOM("value", "insert, update, upsert: a text, number, true or false; without quotes a number is a number"),
    TEXT("from_attribute", from_attribute, "insert, update, upsert: the attribute that gives the value; without it nothing is done"),
    TEXT("from_context", from_context, "insert, update, upsert: metadata.x-scope-orgid, the tenant that sent it"),
    CUSTOM("default_value", "insert, update, upsert: the value if there is none in from_attribute or from_context"),
    TEXT("pattern", pattern, "delete, hash: keys in which it is found, too; extract: its named groups ((?P<name>...)) become attributes"),
    {.name = "converted_type",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(converted_type),
	.names = (const char *const[]){"", "int", "double", "string", NULL},
	.text = "convert: the type; what cannot be converted stays as it is"},
    {.name = NULL},
};

const struct genops_processor_part genops_processor_attributes_parts[] = {
    {"actions[]", "", action_rows},
    {.name = NULL},
};

struct reading {
	const struct genops_yaml_rows *in;
	const char *what;
};

static const char *const verbs[] = {"insert", "update", "upsert", "delete", "hash", "extract", "convert"};

static int read_verb(const struct reading *reading, const struct genops_yaml_node *node, genops_str name, enum genops_attributes_verb *ret_verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		*ret_verb = (enum genops_attributes_verb)i;
		if (genops_str_is_nocase(name, verbs[i]))
			return GENOPS_OK;
	}
	return genops_yaml_rows_fail(reading->in, genops_yaml_get(node, "action"), action_rows[0].text, "%s: there is no action \"%.*s\"",
	    reading->what, name.len > 32 ? 32 : (int)name.len, name.ptr);
}

/* Keys that the action does not use are mistakes, as in the Collector. */
static int check_keys(const struct reading *reading, const struct genops_yaml_node *node, enum genops_attributes_verb verb)
{
	static const struct {
		const char *key;
		unsigned verbs;
	} uses[] = {{"value", 7}, {"from_attribute", 7}, {"from_context", 7}, {"default_value", 7}, {"pattern", 0x38}, {"converted_type", 0x40}};
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
		const struct genops_yaml_node *value = genops_yaml_get(node, uses[i].key);
		if (value && !(uses[i].verbs & 1u << verb))
			return genops_yaml_rows_fail(
			    reading->in, value, "remove it", "%s: action %s does not use %s", reading->what, verbs[verb], uses[i].key);
	}
	return GENOPS_OK;
}

/* insert, update, upsert: where the value is from. */
static int read_source(const struct reading *reading, const struct genops_yaml_node *node, const struct action *raw,
    struct genops_attributes_action *action)
{
	const struct genops_yaml_node *value = genops_yaml_get(node, "value"), *other = genops_yaml_get(node, "default_value");
	int n = (value != NULL) + (raw->from_attribute.len > 0) + (raw->from_context.len > 0);
	action->has_value = value != NULL;
	action->has_default = other != NULL;
	action->from_attribute = raw->from_attribute;
	action->from_tenant = raw->from_context.len > 0;
	if (n > 1 || (!n && !other))
		return genops_yaml_rows_fail(reading->in, node, "give it value, from_attribute, from_context or default_value",
		    "%s: an action needs one source of its value", reading->what);
	if (action->from_tenant && !genops_str_is_nocase(raw->from_context, "metadata.x-scope-orgid"))
		return genops_yaml_rows_fail(reading->in, genops_yaml_get(node, "from_context"), "metadata.x-scope-orgid is what there is",
		    "%s: from_context \"%.*s\" is not done here", reading->what, raw->from_context.len > 60 ? 60 : (int)raw->from_context.len,
		    raw->from_context.ptr);
	if (value)
		GENOPS_TRY(genops_item_value_read(reading->in, value, reading->what, &action->value));
	return other ? genops_item_value_read(reading->in, other, reading->what, &action->default_value) : GENOPS_OK;
}

/* The names of a pattern's groups, in order: all of them must have one. */
static bool find_names(genops_str pattern, struct genops_arena *arena, struct genops_attributes_action *action)
{
	bool is_in_class = false;
	action->names = genops_arena_alloc(arena, (GENOPS_REGEX_GROUPS_MAX + 1) * sizeof *action->names);
	for (size_t i = 0; action->names && i < pattern.len; i++) {
		char c = pattern.ptr[i];
		genops_str rest = genops_str_skip(pattern, i);
		if (c == '\\') {
			i++;
		} else if (is_in_class || c == '[') {
			is_in_class = c != ']' || i == 0;
		} else if (c == '(' && (!genops_str_starts(rest, GENOPS_STR("(?")))) {
			return false;
		} else if (c == '(') {
			size_t at = genops_str_starts(rest, GENOPS_STR("(?P<")) ? 4 : genops_str_starts(rest, GENOPS_STR("(?<")) ? 3 : 0;
			size_t len = genops_str_find_char(genops_str_skip(rest, at), '>');
			if (!at || len == SIZE_MAX)
				continue;
			if (action->n_names == GENOPS_REGEX_GROUPS_MAX)
				return false;
			action->names[action->n_names++] = (genops_str){rest.ptr + at, len};
		}
	}
	return action->n_names > 0;
}

static int read_pattern(const struct reading *reading, const struct genops_yaml_node *node, struct genops_attributes_action *action)
{
	struct genops_error why = {0};
	genops_str text = action->pattern.text;
	int code = action->verb == GENOPS_ATTRIBUTES_EXTRACT ? genops_re2_compile(text, &action->pattern.regex, &why)
							    : genops_re2_compile_search(text, &action->pattern.regex, &why);
	if (code == GENOPS_NOMEM)
		return genops_fail(reading->in->err, code, "%s", why.message);
	if (code != GENOPS_OK)
		return genops_yaml_rows_fail(reading->in, genops_yaml_get(node, "pattern"), why.fix, "%s: pattern \"%.*s\": %s", reading->what,
		    text.len > 100 ? 100 : (int)text.len, text.ptr, why.message);
	if (action->verb == GENOPS_ATTRIBUTES_EXTRACT && !find_names(text, reading->in->arena, action))
		return genops_yaml_rows_fail(reading->in, genops_yaml_get(node, "pattern"), "name each group: (?P<name>...); (?:...) has no value",
		    "%s: extract needs a pattern whose groups all have names", reading->what);
	return GENOPS_OK;
}

static int read_action(const struct reading *reading, const struct genops_yaml_node *node, struct genops_attributes_action *action)
{
	struct action raw = {0};
	GENOPS_TRY(genops_yaml_rows_expect(reading->in, node, reading->what, GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(reading->in, node, reading->what, action_rows, &raw));
	GENOPS_TRY(read_verb(reading, node, raw.action, &action->verb));
	GENOPS_TRY(check_keys(reading, node, action->verb));
	action->key = raw.key;
	action->pattern.text = raw.pattern;
	action->target = (enum genops_attributes_target)raw.converted_type;
	bool may_lack_key = (action->verb == GENOPS_ATTRIBUTES_DELETE || action->verb == GENOPS_ATTRIBUTES_HASH) && raw.pattern.len;
	if (!raw.key.len && !may_lack_key)
		return genops_yaml_rows_fail(reading->in, node, NULL, "%s: an action needs \"key\"", reading->what);
	if (action->verb == GENOPS_ATTRIBUTES_EXTRACT && !raw.pattern.len)
		return genops_yaml_rows_fail(reading->in, node, NULL, "%s: extract needs \"pattern\"", reading->what);
	if (action->verb == GENOPS_ATTRIBUTES_CONVERT && !action->target)
		return genops_yaml_rows_fail(reading->in, node, "int, double or string", "%s: convert needs \"converted_type\"", reading->what);
	if (action->verb <= GENOPS_ATTRIBUTES_UPSERT)
		return read_source(reading, node, &raw, action);
	return raw.pattern.len ? read_pattern(reading, node, action) : GENOPS_OK;
}

int genops_processor_attributes_read(
    struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	struct genops_attributes_settings *settings = processor->settings;
	const struct genops_option *rows = genops_processor_attributes_rows;
	char what[128];
	snprintf(what, sizeof what, "processor \"%.100s\"", processor->name.ptr);
	const struct reading reading = {in, what};
	const struct genops_yaml_node *list = genops_yaml_rows_get(node, rows, "actions");
	if (!list)
		return genops_yaml_rows_fail(in, node, NULL, "%s needs \"actions\"", what);
	GENOPS_TRY(genops_yaml_rows_expect(in, list, what, GENOPS_YAML_SEQUENCE));
	if (!list->n || list->n > GENOPS_ATTRIBUTES_ACTIONS_MAX)
		return genops_yaml_rows_fail(in, list, NULL, "%s takes 1 to %d actions", what, GENOPS_ATTRIBUTES_ACTIONS_MAX);
	settings->actions = genops_arena_alloc(in->arena, list->n * sizeof *settings->actions);
	if (!settings->actions)
		return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_action(&reading, entry->value, &settings->actions[settings->n_actions++]));
	GENOPS_TRY(genops_item_match_read(in, genops_yaml_rows_get(node, rows, "include"), what, &settings->include));
	return genops_item_match_read(in, genops_yaml_rows_get(node, rows, "exclude"), what, &settings->exclude);
}
