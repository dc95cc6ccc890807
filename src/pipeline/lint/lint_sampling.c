/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint_sampling.c - rules of a sampling that others before them take the events from: the first that matches counts. */
#include "base/str.h"
#include "pipeline/lint/implies.h"
#include "pipeline/lint/lint_state.h"

#include <stdio.h>

static bool takes_all(struct genops_lint *lint, const struct genops_lint_rule *before, const struct genops_lint_rule *rule)
{
	if (before->is_rest)
		return true;
	return before->condition && rule->condition && genops_implies(rule->condition, before->condition, &lint->steps_left);
}

/* Something that must be kept, of which a rule before drops a part. */
static bool takes_some(struct genops_lint *lint, const struct genops_lint_rule *before, const struct genops_lint_rule *rule)
{
	if (rule->is_rest || rule->rate < 1 || before->rate >= 1 || !before->condition || !rule->condition)
		return false;
	return !genops_implies_not(before->condition, rule->condition, &lint->steps_left);
}

static void check_rule(struct genops_lint *lint, size_t index)
{
	const struct genops_lint_rule *rule = &lint->rules[index];
	for (size_t i = 0; i < index; i++) {
		if (!takes_all(lint, &lint->rules[i], rule))
			continue;
		genops_lint_say(lint, &rule->place, "put it before that rule, or take it out",
		    "sampling rule %zu (%.*s) is never reached: rule %zu before it matches all of its events", index + 1,
		    GENOPS_LINT_ARG(rule->is_rest ? GENOPS_STR("the default") : rule->source), i + 1);
		return;
	}
	for (size_t i = 0; i < index; i++) {
		if (!takes_some(lint, &lint->rules[i], rule))
			continue;
		genops_lint_say(lint, &rule->place, "put the rules that keep everything first",
		    "sampling rule %zu keeps everything (%.*s), but rule %zu (%.*s) comes first and drops %g %% of what both match", index + 1,
		    GENOPS_LINT_ARG(rule->source), i + 1, GENOPS_LINT_ARG(lint->rules[i].source), 100 * (1 - lint->rules[i].rate));
		return;
	}
}

void genops_lint_sampling(struct genops_lint *lint)
{
	for (size_t i = 1; i < lint->n_rules; i++)
		check_rule(lint, i);
	for (size_t i = 0; i < lint->n_rules; i++) {
		if (lint->rules[i].rate <= 0 && !lint->is_dropping_rest) {
			lint->is_dropping_rest = true;
			lint->dropping_place = lint->rules[i].place;
		}
	}
}
