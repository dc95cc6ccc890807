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

/* The text that an entry compares with; false: the operation does not have it. `out` is for
 * numbers. */
static bool subject_text(const struct genops_match_subject *subject, genops_str key, char *out,
    size_t size, genops_str *ret_text, enum comparison *ret_comparison)
{
	*ret_comparison = COMPARE_EXACT;
	if (genops_str_is(key, "provider") || genops_str_is(key, "model")) {
		bool is_model = genops_str_is(key, "model");
		*ret_text = is_model ? subject->model : subject->provider;
		*ret_comparison = is_model ? COMPARE_MODEL : COMPARE_NOCASE;
		return ret_text->len > 0;
	}
	if (genops_str_is(key, "operation") || genops_str_is(key, "type")) {
		*ret_text = genops_str_is(key, "type") ? subject->type : subject->name;
		return ret_text->len > 0;
	}
	if (!subject->attributes)
		return false;
	int standard = genops_attributes_standard_key(key);
	if (standard >= 0) {
		if (standard == GENOPS_ATTRIBUTE_ENVIRONMENT)
			*ret_comparison = COMPARE_ENVIRONMENT;
		const struct genops_attribute *item = genops_attributes_standard_item(
		    subject->attributes, (enum genops_attribute_key)standard);
		if (item)
			*ret_text = item->value.string;
		return item;
	}
	const struct genops_attribute *attribute = genops_attributes_get(subject->attributes, key);
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
	if (!subject_text(subject, entry->key, scratch, sizeof scratch, &text, &comparison))
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
