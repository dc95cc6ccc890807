/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint_mask.c - masks that miss what they are for. A pattern is asked, not read: whether it takes an address in capitals but not
 * the same in small letters, and whether it takes ordinary words. And a text that stands twice in an event must be masked twice. */
#include "base/str.h"
#include "pipeline/lint/lint_state.h"
#include "pipeline/regex.h"

#include <stdio.h>

static bool finds(const struct genops_regex *regex, struct genops_regex_space **space, const char *text)
{
	struct genops_regex_match match;
	return genops_regex_find(regex, space, genops_str_of(text), 0, &match) == 1;
}

static void check_case(struct genops_lint *lint, const struct genops_function_fact *fact, struct genops_regex_space **space)
{
	static const struct {
		const char *upper, *lower, *what;
	} probes[] = {{"JANE.DOE@EXAMPLE.COM", "jane.doe@example.com", "e-mail addresses"}, {"HTTPS://EXAMPLE.COM/JANE", "https://example.com/jane", "addresses"},
	    {"DE89 3704 0044 0532 0130 00", "de89 3704 0044 0532 0130 00", NULL}};
	for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
		if (!finds(fact->regex, space, probes[i].upper) || finds(fact->regex, space, probes[i].lower))
			continue;
		genops_lint_say(lint, &fact->place, "add flags: i", "the pattern of field %.*s finds %s only in capital letters: %s stays",
		    GENOPS_LINT_ARG(fact->field), probes[i].what, probes[i].lower);
		return;
	}
}

/* What reasons of policies say. */
static void check_words(struct genops_lint *lint, const struct genops_function_fact *fact, struct genops_regex_space **space)
{
	static const char *const ordinary[] = {"Blocked By policy", "Budget Exceeded", "Content Filter", "Rate Limit", "Daily Budget", "Access Denied"};
	size_t n = 0, n_ordinary = sizeof ordinary / sizeof *ordinary;
	for (size_t i = 0; i < n_ordinary; i++)
		n += finds(fact->regex, space, ordinary[i]);
	if (n < n_ordinary || finds(fact->regex, space, "limit"))
		return; /* what takes any word is meant to */
	genops_lint_say(lint, &fact->place, "say what stands before a name, like (?<=\\bfor )[A-Z][a-z]+ [A-Z][a-z]+",
	    "the pattern of field %.*s also takes ordinary words: \"%s\", \"%s\"", GENOPS_LINT_ARG(fact->field), ordinary[0], ordinary[1]);
}

void genops_lint_mask_rule(struct genops_lint *lint, const struct genops_function_fact *fact)
{
	struct genops_regex_space *space = NULL;
	genops_lint_field_name(lint, fact->field, &fact->place);
	if (fact->regex) {
		check_case(lint, fact, &space);
		check_words(lint, fact, &space);
	}
	genops_regex_space_free(space);
}

/* Is the attribute masked anywhere? */
static bool is_masked(const struct genops_lint *lint, genops_str attribute)
{
	char quoted[256], dotted[256];
	snprintf(quoted, sizeof quoted, "attributes['%.*s']", attribute.len > 200 ? 200 : (int)attribute.len, attribute.ptr);
	snprintf(dotted, sizeof dotted, "attributes.%.*s", attribute.len > 200 ? 200 : (int)attribute.len, attribute.ptr);
	for (size_t i = 0; i < lint->n_masks; i++) {
		if (genops_str_glob(lint->masks[i].field, genops_str_of(quoted), false) || genops_str_glob(lint->masks[i].field, genops_str_of(dotted), false))
			return true;
	}
	return false;
}

void genops_lint_masks(struct genops_lint *lint)
{
	char fix[256];
	for (size_t i = 0; i < lint->n_masks; i++) {
		const struct genops_lint_mask *mask = &lint->masks[i];
		const struct genops_lint_field *field = genops_lint_find(lint, mask->field);
		genops_str attribute = field && field->tree ? genops_lint_source_attribute(field->tree) : (genops_str){0};
		bool is_told = i && genops_str_equal(lint->masks[i - 1].field, mask->field);
		if (!attribute.len || is_told || is_masked(lint, attribute))
			continue;
		snprintf(fix, sizeof fix, "add the same rule with field: \"attributes['%.*s']\"", GENOPS_LINT_ARG(attribute));
		genops_lint_say(lint, &mask->place, fix, "field %.*s is masked, but attribute %.*s, which it comes from, goes out as it is",
		    GENOPS_LINT_ARG(mask->field), GENOPS_LINT_ARG(attribute));
	}
}
