/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/collibra_policy.c - see collibra_policy.h. Attribute types are named like the options of the policy types, so a
 * policy type's own rows read the values. */
#include "connect/collibra/policy/collibra_policy.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

#define NUMBER_SIZE 64

/* --- values --- */

static const struct genops_collibra_attribute_row *row_of(enum genops_collibra_attribute_type attribute)
{
	return &genops_collibra_attribute_rows[attribute];
}

/* Rich text comes as HTML; a pattern like "<script>" in plain text must stay. */
static bool is_html(genops_str text)
{
	static const char *const tags[] = {"<p", "<div", "<ul", "<ol", "<span"};
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		size_t len = strlen(tags[i]);
		if (text.len > len + 1 && genops_str_equal_nocase((genops_str){text.ptr, len}, genops_str_of(tags[i])) &&
		    (text.ptr[len] == '>' || text.ptr[len] == ' ') && text.ptr[text.len - 1] == '>')
			return true;
	}
	return false;
}

static size_t entity(genops_str text, char *out)
{
	static const struct {
		const char *name;
		char c;
	} names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&apos;", '\''}, {"&nbsp;", ' '}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_starts(text, genops_str_of(names[i].name))) {
			*out = names[i].c;
			return strlen(names[i].name);
		}
	}
	*out = text.ptr[0];
	return 1;
}

/* The words of it: the end of a block separates like a comma. `out` holds text.len bytes. */
static genops_str without_html(genops_str text, char *out)
{
	size_t n = 0;
	while (text.len) {
		if (text.ptr[0] != '<') {
			text = genops_str_skip(text, entity(text, &out[n++]));
			continue;
		}
		size_t end = genops_str_find_char(text, '>');
		genops_str tag = {text.ptr, end == SIZE_MAX ? text.len : end};
		if (genops_str_starts(tag, GENOPS_STR("</")) ? !genops_str_is(tag, "</span") && !genops_str_is(tag, "</b")
							      : genops_str_starts(tag, GENOPS_STR("<br")))
			out[n++] = ',';
		text = genops_str_skip(text, end == SIZE_MAX ? text.len : end + 1);
	}
	return (genops_str){out, n};
}

static int append(struct genops_texts *texts, genops_str value, struct genops_arena *arena, struct genops_error *err)
{
	if ((texts->n & (texts->n - 1)) == 0) { /* full at each power of two */
		genops_str *items = genops_arena_alloc(arena, (texts->n ? 2 * texts->n : 1) * sizeof *items);
		if (!items)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
		for (size_t i = 0; i < texts->n; i++)
			items[i] = texts->items[i];
		texts->items = items;
	}
	if (!genops_arena_dup(arena, value, &texts->items[texts->n]))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
	texts->n++;
	return GENOPS_OK;
}

/* Up to the next comma or line; a pattern written /.../ keeps the commas in it. */
static genops_str next_item(genops_str *rest)
{
	genops_str text = genops_str_trim(*rest);
	size_t at = 0;
	if (text.len > 1 && text.ptr[0] == '/') {
		for (size_t i = 1; i < text.len; i++) {
			genops_str behind = genops_str_trim(genops_str_skip(text, i + 1));
			if (text.ptr[i] == '/' && text.ptr[i - 1] != '\\' && (!behind.len || behind.ptr[0] == ',')) {
				at = i;
				break;
			}
		}
	}
	while (at < text.len && text.ptr[at] != ',' && text.ptr[at] != '\n')
		at++;
	*rest = at < text.len ? genops_str_skip(text, at + 1) : (genops_str){0};
	return genops_str_trim((genops_str){text.ptr, at});
}

/* 10, "10.0" and 1.0E1 are one number; what is none stays as it is, for the message. */
static genops_str canonical_number(genops_str text, char out[NUMBER_SIZE])
{
	double number;
	if (!genops_str_to_double(text, &number) || !isfinite(number) || fabs(number) >= 1e15)
		return text;
	size_t len = (size_t)snprintf(out, NUMBER_SIZE, "%.9f", number);
	while (len && out[len - 1] == '0')
		len--;
	if (len && out[len - 1] == '.')
		len--;
	return (genops_str){out, len};
}

/* Does not fit, and is said so by build. */
static bool is_too_much(struct genops_collibra_policy *policy, enum genops_collibra_attribute_type attribute, genops_str value)
{
	static const char *const flaws[] = {"a value is longer than 65536 bytes", "there are more than 1000 values",
	    "the policy's values are longer than 262144 bytes in all"};
	_Static_assert(GENOPS_COLLIBRA_VALUE_MAX == 65536 && GENOPS_COLLIBRA_VALUES_MAX == 1000 && GENOPS_COLLIBRA_POLICY_MAX == 262144, "as above");
	if (value.len > GENOPS_COLLIBRA_VALUE_MAX)
		policy->flaw = flaws[0];
	else if (policy->values[attribute].n == GENOPS_COLLIBRA_VALUES_MAX)
		policy->flaw = flaws[1];
	else if (value.len > GENOPS_COLLIBRA_POLICY_MAX - policy->n_bytes)
		policy->flaw = flaws[2];
	else
		return false;
	policy->flawed = attribute;
	return true;
}

static int add_item(struct genops_collibra_policy *policy, enum genops_collibra_attribute_type attribute, genops_str item,
    struct genops_arena *arena, struct genops_error *err)
{
	if (!item.len || is_too_much(policy, attribute, item))
		return GENOPS_OK;
	policy->n_bytes += item.len;
	return append(&policy->values[attribute], item, arena, err);
}

static int add_items(struct genops_collibra_policy *policy, enum genops_collibra_attribute_type attribute, genops_str value,
    struct genops_arena *arena, struct genops_error *err)
{
	if (row_of(attribute)->kind != GENOPS_COLLIBRA_KIND_LIST)
		return add_item(policy, attribute, value, arena, err);
	while (value.len)
		GENOPS_TRY(add_item(policy, attribute, next_item(&value), arena, err));
	return GENOPS_OK;
}

int genops_collibra_policy_add(struct genops_collibra_policy *policy, enum genops_collibra_attribute_type attribute,
    genops_str value, struct genops_arena *arena, struct genops_error *err)
{
	enum genops_collibra_kind kind = row_of(attribute)->kind;
	char number[NUMBER_SIZE];
	value = genops_str_trim(value);
	if (is_too_much(policy, attribute, value))
		return GENOPS_OK;
	if (is_html(value)) {
		char *plain = genops_arena_take(arena, value.len);
		if (!plain)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
		value = genops_str_trim(without_html(value, plain));
		while (kind != GENOPS_COLLIBRA_KIND_LIST && value.len && value.ptr[value.len - 1] == ',')
			value = genops_str_trim((genops_str){value.ptr, value.len - 1});
	}
	if (kind == GENOPS_COLLIBRA_KIND_NUMBER)
		value = canonical_number(value, number);
	return add_items(policy, attribute, value, arena, err);
}

/* --- meaning --- */

bool genops_collibra_policy_is_off(const struct genops_collibra_policy *policy)
{
	static const char *const off[] = {"Obsolete", "Deprecated", "Rejected"};
	for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
		if (genops_str_is_nocase(genops_str_trim(policy->status), off[i]))
			return true;
	}
	return false;
}

/* One value, or several equal ones. */
static int single(const struct genops_texts *texts, const char *name, genops_str *ret_value, struct genops_error *err)
{
	for (size_t i = 1; i < texts->n; i++) {
		if (!genops_str_equal_nocase(texts->items[i], texts->items[0]))
			return genops_fail_fix(err, GENOPS_CONFIG, "keep one of them in Collibra", "%s: there are %zu values", name, texts->n);
	}
	*ret_value = texts->items[0];
	return GENOPS_OK;
}

static int set_level(const struct genops_collibra_policy *from, struct genops_policy *policy, struct genops_error *err)
{
	const struct genops_texts *texts = &from->values[GENOPS_COLLIBRA_ATTRIBUTE_ENFORCEMENT_LEVEL];
	genops_str text;
	policy->level = from->type == GENOPS_COLLIBRA_RATE_LIMIT ? GENOPS_LEVEL_RATE_LIMIT : GENOPS_LEVEL_BLOCK;
	if (!texts->n)
		return GENOPS_OK;
	GENOPS_TRY(single(texts, "enforcement_level", &text, err));
	if (genops_level_parse(text, &policy->level))
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_CONFIG, "set it to block, warn, rate_limit or allow in Collibra",
	    "enforcement_level: \"%.*s\" is no level", text.len > 40 ? 40 : (int)text.len, text.ptr);
}

/* What an asset says by applies_to_...; contract COL-136, COL-142: policies may be for some teams or projects. */
static int set_match(const struct genops_collibra_policy *from, struct genops_policy *policy, struct genops_arena *arena,
    struct genops_error *err)
{
	static const struct {
		enum genops_collibra_attribute_type attribute;
		const char *key;
	} rows[] = {{GENOPS_COLLIBRA_ATTRIBUTE_APPLIES_TO_TEAMS, "team"}, {GENOPS_COLLIBRA_ATTRIBUTE_APPLIES_TO_PROJECTS, "project"},
	    {GENOPS_COLLIBRA_ATTRIBUTE_APPLIES_TO_ENVIRONMENTS, "environment"}};
	size_t n = sizeof rows / sizeof *rows;
	policy->match.entries = genops_arena_alloc(arena, n * sizeof *policy->match.entries);
	if (!policy->match.entries)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
	for (size_t i = 0; i < n; i++) {
		const struct genops_texts *texts = &from->values[rows[i].attribute];
		struct genops_match_entry *to = &policy->match.entries[policy->match.n_entries];
		if (!texts->n)
			continue;
		*to = (struct genops_match_entry){.n_values = texts->n};
		to->values = genops_arena_alloc(arena, texts->n * sizeof *to->values);
		bool ok = to->values && genops_arena_dup(arena, genops_str_of(rows[i].key), &to->key);
		for (size_t j = 0; ok && j < texts->n; j++)
			ok = genops_arena_dup(arena, texts->items[j], &to->values[j]);
		if (!ok)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
		policy->match.n_entries++;
	}
	return GENOPS_OK;
}

static int set_option(const struct genops_option *option, const struct genops_texts *texts, void *settings,
    struct genops_arena *arena, struct genops_error *err)
{
	genops_str text;
	if (option->type == GENOPS_OPTION_LIST)
		return genops_option_set_items(option, settings, texts->items, texts->n, arena, err);
	GENOPS_TRY(single(texts, option->name, &text, err));
	return genops_option_set(option, settings, text, arena, err);
}

static int set_settings(const struct genops_collibra_policy *from, struct genops_policy *policy, struct genops_arena *arena,
    struct genops_error *err)
{
	const struct genops_option *options = policy->type->options;
	GENOPS_TRY(genops_option_defaults(options, policy->settings, arena, err));
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		const struct genops_collibra_attribute_row *row = &genops_collibra_attribute_rows[i];
		const struct genops_option *option = genops_option_find(options, genops_str_of(row->name));
		if (!option || !(row->asset_types & (1U << from->type)))
			continue;
		if (from->values[i].n)
			GENOPS_TRY(set_option(option, &from->values[i], policy->settings, arena, err));
		else if (option->is_required)
			return genops_fail_fix(err, GENOPS_CONFIG, "set it in Collibra", "%s: the policy has no value for it", row->name);
	}
	return GENOPS_OK;
}

/* Contract COL-135: 100 a minute lets 100 pass at once after a pause. */
static int set_burst(const struct genops_collibra_policy *from, struct genops_policy *policy, struct genops_arena *arena,
    struct genops_error *err)
{
	const struct genops_option *option = genops_option_find(policy->type->options, GENOPS_STR("burst"));
	double per_minute = 0;
	char text[NUMBER_SIZE];
	if (from->type != GENOPS_COLLIBRA_RATE_LIMIT || !option)
		return GENOPS_OK;
	(void)genops_str_to_double(from->values[GENOPS_COLLIBRA_ATTRIBUTE_MAX_REQUESTS_PER_MINUTE].items[0], &per_minute);
	snprintf(text, sizeof text, "%.0f", per_minute < 1 ? 1 : ceil(per_minute));
	return genops_option_set(option, policy->settings, genops_str_of(text), arena, err);
}

static int name_it(const struct genops_collibra_policy *from, struct genops_policy *policy, struct genops_arena *arena, struct genops_error *err)
{
	char origin[GENOPS_COLLIBRA_ID_SIZE + 16];
	snprintf(origin, sizeof origin, "collibra:%.*s", from->id.len > GENOPS_COLLIBRA_ID_SIZE ? GENOPS_COLLIBRA_ID_SIZE : (int)from->id.len,
	    from->id.ptr ? from->id.ptr : "");
	if (!from->name.len || from->name.len > GENOPS_COLLIBRA_NAME_MAX)
		return genops_fail_fix(err, GENOPS_CONFIG, "name it in Collibra", from->name.len ? "the policy's name is longer than %d bytes"
												  : "the policy has no name", GENOPS_COLLIBRA_NAME_MAX);
	if (!genops_arena_dup(arena, from->name, &policy->name) || !genops_arena_dup(arena, genops_str_of(origin), &policy->origin))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
	return GENOPS_OK;
}

int genops_collibra_policy_build(const struct genops_collibra_policy *from, struct genops_arena *arena,
    struct genops_policy *ret_policy, struct genops_error *err)
{
	const char *type = genops_collibra_asset_rows[from->type].policy_type;
	struct genops_policy policy = {.is_enabled = !genops_collibra_policy_is_off(from), .on_error = GENOPS_ON_ERROR_CLOSED};
	policy.type = type ? genops_policy_type_find(genops_str_of(type)) : NULL;
	if (!policy.type)
		return genops_fail(err, GENOPS_CONFIG, "\"%s\" is no type of policy", genops_collibra_asset_rows[from->type].name);
	if (from->flaw)
		return genops_fail_fix(err, GENOPS_CONFIG, "shorten it in Collibra", "%s: %s", row_of(from->flawed)->name, from->flaw);
	policy.settings = genops_arena_alloc(arena, policy.type->settings_size + 1);
	if (!policy.settings)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy of Collibra");
	GENOPS_TRY(name_it(from, &policy, arena, err));
	GENOPS_TRY(set_level(from, &policy, err));
	GENOPS_TRY(set_match(from, &policy, arena, err));
	GENOPS_TRY(set_settings(from, &policy, arena, err));
	GENOPS_TRY(set_burst(from, &policy, arena, err));
	if (policy.type->compile)
		GENOPS_TRY(policy.type->compile(policy.settings, arena, err));
	*ret_policy = policy;
	return GENOPS_OK;
}

static bool has(const struct genops_texts *texts, genops_str text)
{
	for (size_t i = 0; i < texts->n; i++) {
		if (genops_str_equal(texts->items[i], text))
			return true;
	}
	return false;
}

/* Several values of an attribute come in no particular order. */
static bool is_same_set(const struct genops_texts *a, const struct genops_texts *b)
{
	for (size_t i = 0; i < a->n; i++) {
		bool is_in_place = i < b->n && genops_str_equal(a->items[i], b->items[i]);
		if (!is_in_place && (!has(b, a->items[i]) || (i < b->n && !has(a, b->items[i]))))
			return false;
	}
	return a->n == b->n;
}

bool genops_collibra_policy_equal(const struct genops_collibra_policy *a, const struct genops_collibra_policy *b)
{
	if (!genops_str_equal(a->id, b->id) || !genops_str_equal(a->name, b->name) || a->type != b->type)
		return false;
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if (a->values[i].n != b->values[i].n || !is_same_set(&a->values[i], &b->values[i]))
			return false;
	}
	return true;
}
