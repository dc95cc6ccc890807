/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/budget_limit.c - policy type budget_limit: a budget written as a policy (contract
 * COL-141..143). It has no evaluation of its own: the configuration makes a budget rule of it, and
 * budgets decide (budget_limit.h, govern/budget.h). */
#include "govern/policy/budget_limit.h"

#include "base/str.h"

#define WINDOW(symbol, key)                                                                        \
	{.name = key,                                                                              \
	    .type = GENOPS_OPTION_MONEY,                                                           \
	    .offset =                                                                              \
		offsetof(struct genops_budget_limit, limit_nano_usd[GENOPS_PERIOD_##symbol]),      \
	    .min = 1e-9,                                                                           \
	    .max = 9e9,                                                                            \
	    .text = "USD that may be spent in this period; unset: no such limit"},

static const struct genops_option options[] = {
#define X(symbol, name, key) WINDOW(symbol, key)
    GENOPS_PERIODS(X)
#undef X
	{.name = "timezone",
	    .type = GENOPS_OPTION_TEXT,
	    .offset = offsetof(struct genops_budget_limit, timezone),
	    .default_text = "UTC",
	    .text = "the time zone whose days and months count"},
    {.name = "alerts",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct genops_budget_limit, alerts),
	.default_text = "80,90,100",
	.text = "percentages of the limit at which an alert is raised, once in a period"},
    {.name = "per",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct genops_budget_limit, per),
	.default_text = "team,project",
	.text = "attributes; each combination of their values has a budget of its own"},
    {.name = NULL},
};

static int compile_alerts(struct genops_budget_limit *settings, struct genops_error *err)
{
	if (settings->alerts.n > GENOPS_ALERTS_MAX)
		return genops_fail(
		    err, GENOPS_CONFIG, "alerts: more than %d percentages", GENOPS_ALERTS_MAX);
	settings->n_alerts = 0;
	for (size_t i = 0; i < settings->alerts.n; i++) {
		genops_str text = settings->alerts.items[i];
		int64_t percent;
		if (genops_str_ends(text, GENOPS_STR("%")))
			text.len--;
		if (!genops_str_to_int(text, &percent) || percent < 1 || percent > 1000)
			return genops_fail_fix(err, GENOPS_CONFIG, "write them as [80, 90, 100]",
			    "alerts: \"%.*s\" is not a percentage from 1 to 1000",
			    GENOPS_STR_ARG(text));
		/* Kept ascending: they are few and may be written in any order. */
		size_t at = settings->n_alerts++;
		for (; at > 0 && settings->alert_percent[at - 1] > percent; at--)
			settings->alert_percent[at] = settings->alert_percent[at - 1];
		settings->alert_percent[at] = (int)percent;
	}
	return GENOPS_OK;
}

static int compile(void *object, struct genops_arena *arena, struct genops_error *err)
{
	struct genops_budget_limit *settings = object;
	bool has_window = false;
	for (int i = 0; i < GENOPS_PERIOD_N; i++) {
		has_window = has_window || settings->limit_nano_usd[i] > 0;
		if (settings->limit_nano_usd[i] == 0)
			settings->limit_nano_usd[i] = -1;
	}
	if (!has_window)
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "give one or more of hourly_budget, daily_budget, weekly_budget, monthly_budget, total_budget",
		    "budget_limit: no budget is given");
	return compile_alerts(settings, err);
}

const struct genops_policy_type genops_policy_type_budget_limit = {
    GENOPS_POLICY_TYPE_NAME("budget_limit"),
    .summary = "limits what may be spent in an hour, a day, a week, a month or altogether",
    .options = options,
    .settings_size = sizeof(struct genops_budget_limit),
    .compile = compile,
};
