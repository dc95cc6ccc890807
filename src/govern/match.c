/* SPDX-License-Identifier: Apache-2.0
 * govern/match.c - does a `match:` clause of a policy or budget hold for an operation? See
 * attributes.h. Pure, no allocation; a compiled clause is immutable and read by any thread. */
#include "govern/attributes.h"

#include "base/str.h"
#include "govern/policy/policy.h"

enum comparison { COMPARE_EXACT, COMPARE_NOCASE, COMPARE_ENVIRONMENT, COMPARE_MODEL };

/* Contract A-007: what people call the same environment. Only for matching; the attribute keeps its
 * text. */
static genops_str environment_of(genops_str text)
{
	if (genops_str_is_nocase(text, "dev"))
		return GENOPS_STR("development");
	if (genops_str_is_nocase(text, "prod"))
		return GENOPS_STR("production");
	return text;
}

static bool value_holds(genops_str value, genops_str text, enum comparison comparison)
{
	switch (comparison) {
	case COMPARE_EXACT:
		return genops_str_glob(value, text, false);
	case COMPARE_NOCASE:
		return genops_str_glob(value, text, true);
	case COMPARE_ENVIRONMENT:
		return genops_str_glob(environment_of(value), environment_of(text), false);
	case COMPARE_MODEL:
		return genops_model_match(value, text) > 0;
	}
	return false;
}

int genops_match_part(genops_str key)
{
	static const char *const names[] = {"provider", "model", "operation", "type"};
	for (int i = 0; i < 4; i++) {
		if (genops_str_is(key, names[i]))
			return GENOPS_PART_PROVIDER + i;
	}
	int standard = genops_attributes_standard_key(key);
	return standard >= 0 ? GENOPS_PART_STANDARD + standard : GENOPS_PART_OTHER;
}

/* A part that the call has or has not; false: none of these. */
static bool is_of_call(
    const struct genops_match_subject *subject, int part, genops_str *ret_text, enum comparison *ret_comparison)
{
	switch (part) {
	case GENOPS_PART_PROVIDER:
		*ret_text = subject->provider;
		*ret_comparison = COMPARE_NOCASE;
		return true;
	case GENOPS_PART_MODEL:
		*ret_text = subject->model;
		*ret_comparison = COMPARE_MODEL;
		return true;
	case GENOPS_PART_NAME:
		*ret_text = subject->name;
		return true;
	case GENOPS_PART_TYPE:
		*ret_text = subject->type;
		return true;
	default:
		return false;
	}
}

/* The text that an entry compares with; false: the operation does not have it. `out` is for
 * numbers. */
static bool subject_text(const struct genops_match_subject *subject, const struct genops_match_entry *entry, char *out,
    size_t size, genops_str *ret_text, enum comparison *ret_comparison)
{
	int part = entry->part ? entry->part : genops_match_part(entry->key);
	*ret_comparison = COMPARE_EXACT;
	if (is_of_call(subject, part, ret_text, ret_comparison))
		return ret_text->len > 0;
	if (!subject->attributes)
		return false;
	if (part >= GENOPS_PART_STANDARD) {
		enum genops_attribute_key standard = (enum genops_attribute_key)(part - GENOPS_PART_STANDARD);
		const struct genops_attribute *item = genops_attributes_standard_item(subject->attributes, standard);
		if (standard == GENOPS_ATTRIBUTE_ENVIRONMENT)
			*ret_comparison = COMPARE_ENVIRONMENT;
		if (item)
			*ret_text = item->value.string;
		return item;
	}
	const struct genops_attribute *attribute = genops_attributes_get(subject->attributes, entry->key);
	if (!attribute)
		return false;
	*ret_text = genops_attributes_text(attribute, out, size);
	return true;
}

static bool entry_holds(
    const struct genops_match_entry *entry, const struct genops_match_subject *subject)
{
	char scratch[64];
	genops_str text;
	enum comparison comparison;
	if (!subject_text(subject, entry, scratch, sizeof scratch, &text, &comparison))
		return false;
	for (size_t i = 0; i < entry->n_values; i++) {
		if (value_holds(entry->values[i], text, comparison))
			return true;
	}
	return false;
}

bool genops_match_entries_hold(
    const struct genops_match *match, const struct genops_match_subject *subject)
{
	for (size_t i = 0; i < match->n_entries; i++) {
		if (!entry_holds(&match->entries[i], subject))
			return false;
	}
	return true;
}
