/* SPDX-License-Identifier: Apache-2.0
 * cmd_budget.c - genops budget: limits, what is used of them, what running calls hold, when they begin anew. */
#include "command.h"
#include "figures.h"

#include <genops/report.h>

#include <stdlib.h>

struct budget_options {
	bool is_json;
};

static const struct command_option options[] = {
    {"json", 'j', OPTION_FLAG, offsetof(struct budget_options, is_json), NULL, "as JSON"},
    {0},
};

static void add_window(struct table *table, genops_str label, const struct genops_budget_window *window)
{
	table_begin_row(table);
	table_add_view(table, label);
	table_add(table, window->period);
	figures_money(table, window->limit_nano_usd);
	figures_money(table, window->consumed_nano_usd);
	figures_money(table, window->reserved_nano_usd);
	figures_money(table, window->remaining_nano_usd);
	figures_percent(table, window->percent);
	figures_time(table, window->resets_at_unix_s, "never");
}

static void print_table(const struct genops_budget_report *report)
{
	static const struct table_column columns[] = {{"budget", false}, {"period", false}, {"limit", true}, {"used", true},
	    {"reserved", true}, {"left", true}, {"used %", true}, {"resets at (UTC)", false}, {NULL, false}};
	if (!report->n_budgets) {
		puts("No budgets are configured. See governance.budgets in the configuration; `genops init` writes an example.");
		return;
	}
	struct table *table = table_new(columns);
	for (size_t i = 0; i < report->n_budgets; i++)
		for (size_t k = 0; k < report->budgets[i].n_windows; k++)
			add_window(table, report->budgets[i].label, &report->budgets[i].windows[k]);
	table_print(table, stdout);
	table_free(table);
}

static int print_json(const struct genops_budget_report *report)
{
	struct genops_error err;
	char *text;
	size_t len;
	if (genops_report_budgets_json(report, &text, &len, &err) != GENOPS_OK)
		return complain(&err);
	fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_DONE;
}

static int run(const struct invocation *invocation)
{
	const struct budget_options *chosen = invocation->options;
	struct genops_budget_report *report;
	struct genops_error err;
	int code;
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	genops_str name = genops_str_of(invocation->n_arguments ? invocation->arguments[0] : "");
	if (genops_report_budgets(engine, name, &report, &err) == GENOPS_OK) {
		code = EXIT_DONE;
		if (chosen->is_json)
			code = print_json(report);
		else
			print_table(report);
		genops_report_budgets_free(report);
	} else {
		code = complain(&err);
	}
	genops_engine_close(engine);
	return code;
}

const struct command command_budget = {
    .name = "budget",
    .summary = "budgets: limit, used, reserved by running calls, left, when they reset",
    .usage = "[NAME] [--json]",
    .details = "NAME is a budget as configured, or one counter of a budget that is kept per attribute: \"per-team[team=search]\".",
    .options = options,
    .options_size = sizeof(struct budget_options),
    .max_arguments = 1,
    .run = run,
};
