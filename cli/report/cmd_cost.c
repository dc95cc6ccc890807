/* SPDX-License-Identifier: Apache-2.0
 * cmd_cost.c - genops cost: what was spent, by anything. */
#include "command.h"
#include "figures.h"
#include "filters.h"
#include "when.h"

#include <stdlib.h>
#include <string.h>

struct cost_options {
	struct option_list by, where;
	const char *since, *until, *period;
	bool is_json, is_csv;
};

static const struct command_option options[] = {
    {"by", 'b', OPTION_LIST, offsetof(struct cost_options, by), "ATTRIBUTE[,...]",
	"group by team, project, customer_id, environment, cost_center, feature, provider, model, key_name, result, "
	"hour, day, month or any attribute (at most 4)"},
    {"where", 'w', OPTION_LIST, offsetof(struct cost_options, where), "KEY=VALUE", "count only operations that have it; again for more"},
    {"since", 0, OPTION_TEXT, offsetof(struct cost_options, since), "TIME", "from then on: " WHEN_HELP},
    {"until", 0, OPTION_TEXT, offsetof(struct cost_options, until), "TIME", "until then; a day or month named here is included"},
    {"period", 'p', OPTION_TEXT, offsetof(struct cost_options, period), "PERIOD", "one line for each hour, day or month"},
    {"json", 'j', OPTION_FLAG, offsetof(struct cost_options, is_json), NULL, "as JSON"},
    {"csv", 0, OPTION_FLAG, offsetof(struct cost_options, is_csv), NULL, "as CSV"},
    {0},
};

static void add_line(struct table *table, const struct genops_cost_report *report,
    const struct genops_cost_line *line, bool is_total)
{
	table_begin_row(table);
	for (size_t i = 0; i < report->n_by; i++) {
		genops_str none = GENOPS_STR("-"), total = i ? (genops_str){0} : GENOPS_STR("total");
		table_add_view(table, is_total ? total : line->keys[i].len ? line->keys[i] : none);
	}
	figures_money(table, line->cost_nano_usd);
	figures_number(table, line->operations);
	figures_number(table, line->refused);
	figures_number(table, line->input_tokens);
	figures_number(table, line->output_tokens);
	figures_number(table, line->cache_read_tokens);
}

static void print_table(const struct genops_cost_report *report)
{
	static const struct table_column numbers[] = {{"cost", true}, {"operations", true}, {"refused", true},
	    {"input tokens", true}, {"output tokens", true}, {"cached", true}, {NULL, false}};
	struct table_column columns[GENOPS_REPORT_KEYS_MAX + sizeof numbers / sizeof *numbers];
	char names[GENOPS_REPORT_KEYS_MAX][64];
	for (size_t i = 0; i < report->n_by; i++) {
		snprintf(names[i], sizeof names[i], "%.*s", (int)(report->by[i].len < 63 ? report->by[i].len : 63), report->by[i].ptr);
		columns[i] = (struct table_column){names[i], false};
	}
	memcpy(columns + report->n_by, numbers, sizeof numbers);
	struct table *table = table_new(columns);
	for (size_t i = 0; i < report->n_groups; i++)
		add_line(table, report, &report->groups[i], false);
	if (!report->n_by || report->n_groups != 1)
		add_line(table, report, &report->total, true);
	table_print(table, stdout);
	table_free(table);
}

static int print_text(int (*make)(const struct genops_cost_report *, char **, size_t *, struct genops_error *),
    const struct genops_cost_report *report)
{
	struct genops_error err;
	char *text;
	size_t len;
	if (make(report, &text, &len, &err) != GENOPS_OK)
		return complain(&err);
	fwrite(text, 1, len, stdout);
	free(text);
	return EXIT_DONE;
}

static int print_report(const struct cost_options *chosen, const struct genops_cost_report *report)
{
	if (chosen->is_json)
		return print_text(genops_report_cost_json, report);
	if (chosen->is_csv)
		return print_text(genops_report_cost_csv, report);
	print_table(report);
	return EXIT_DONE;
}

static int add_period(const char *period, genops_str keys[GENOPS_REPORT_KEYS_MAX], size_t *n)
{
	if (!period)
		return -1;
	if (strcmp(period, "hour") != 0 && strcmp(period, "day") != 0 && strcmp(period, "month") != 0)
		return complain_text(EXIT_WRONG_USE, "--period is hour, day or month, not \"%s\"", period);
	if (*n == GENOPS_REPORT_KEYS_MAX)
		return complain_text(EXIT_WRONG_USE, "--period and --by are at most %d keys together", GENOPS_REPORT_KEYS_MAX);
	memmove(keys + 1, keys, *n * sizeof *keys);
	keys[0] = genops_str_of(period);
	++*n;
	return -1;
}

static int run(const struct invocation *invocation)
{
	const struct cost_options *chosen = invocation->options;
	struct genops_report_filter where[OPTION_LIST_MAX];
	genops_str by[GENOPS_REPORT_KEYS_MAX];
	struct genops_cost_query query = {.size = sizeof query, .by = by, .where = where};
	struct genops_cost_report *report;
	struct genops_error err;
	int code = when_range(chosen->since, chosen->until, &query.since_unix_s, &query.until_unix_s);
	if (code < 0)
		code = filters_by(&chosen->by, by, &query.n_by);
	if (code < 0)
		code = filters_where(&chosen->where, where, &query.n_where);
	if (code < 0)
		code = add_period(chosen->period, by, &query.n_by);
	if (code < 0 && chosen->is_json && chosen->is_csv)
		code = complain_text(EXIT_WRONG_USE, "--json or --csv, not both");
	if (code >= 0)
		return code;
	genops_engine *engine = open_engine(invocation, &code);
	if (!engine)
		return code;
	if (genops_report_cost(engine, &query, &report, &err) == GENOPS_OK) {
		code = print_report(chosen, report);
		genops_report_cost_free(report);
	} else {
		code = complain(&err);
		if (err.code == GENOPS_MISUSE)
			code = EXIT_WRONG_USE;
	}
	genops_engine_close(engine);
	return code;
}

const struct command command_cost = {
    .name = "cost",
    .summary = "what was spent, by team, project, customer, model or any attribute",
    .usage = "[--by ATTRIBUTE[,...]] [--where KEY=VALUE]... [--since TIME] [--until TIME] [--period hour|day|month] [--json|--csv]",
    .details = "An operation counts when it ends. Money is exact; in JSON and CSV it is also there as whole nano-dollars.\n\n"
	       "  genops cost                                    the total\n"
	       "  genops cost --by team,model --since 30d\n"
	       "  genops cost --by customer_id --since 2026-11 --until 2026-11 --csv\n"
	       "  genops cost --period day --where team=search --since 7d",
    .options = options,
    .options_size = sizeof(struct cost_options),
    .run = run,
};
