/* SPDX-License-Identifier: Apache-2.0
 * report/report_budget.c - see report_budget.h and genops/report.h. */
#include "report/report_budget.h"

#include "base/error.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "govern/level.h"
#include "report/report_text.h"
#include "report/timestamp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX   ((size_t)64 << 20)
#define REPORT_MAX  ((size_t)256 << 20)
#define SUGGEST_MAX 64

static_assert(GENOPS_PERIOD_N == GENOPS_BUDGET_WINDOWS_MAX, "a window for each period");

struct owned_report {
	struct genops_budget_report report; /* first: what the caller sees */
	struct genops_arena arena;
	size_t cap;
};

/* "name" or "name[...]", cut as the counters cut it. */
static bool is_counter_of(const struct genops_budget_view *view, genops_str name)
{
	size_t len = strnlen(view->label, sizeof view->label), max = sizeof view->label - 1;
	if (name.len >= max)
		return len == max && memcmp(view->label, name.ptr, max) == 0;
	return len >= name.len && memcmp(view->label, name.ptr, name.len) == 0 &&
	    (len == name.len || view->label[name.len] == '[');
}

/* Another rule may have a name that goes on where this one's ends: "a" and "a[b]". The longest is the right one. */
static const struct genops_budget_rule *rule_of(
    const struct genops_budget_rule *rules, size_t n_rules, const struct genops_budget_view *view)
{
	const struct genops_budget_rule *best = NULL;
	for (size_t i = 0; i < n_rules; i++)
		if (is_counter_of(view, rules[i].name) && (!best || rules[i].name.len > best->name.len))
			best = &rules[i];
	return best;
}

static void fill_windows(const struct genops_budget_rule *rule, struct genops_budget_cell cell, int64_t now_unix_s,
    struct genops_budget_status *status)
{
	genops_budget_roll(rule, &cell, now_unix_s);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		int64_t limit = rule->limit_nano_usd[period];
		if (limit < 0)
			continue;
		const struct genops_budget_line *line = &cell.lines[period];
		int64_t used = line->consumed_nano_usd > INT64_MAX - line->reserved_nano_usd
			? INT64_MAX
			: line->consumed_nano_usd + line->reserved_nano_usd;
		double percent = limit ? (double)line->consumed_nano_usd * 100 / (double)limit : 100;
		status->windows[status->n_windows++] = (struct genops_budget_window){
		    .period = genops_period_name((enum genops_period)period),
		    .limit_nano_usd = limit,
		    .consumed_nano_usd = line->consumed_nano_usd,
		    .reserved_nano_usd = line->reserved_nano_usd,
		    .remaining_nano_usd = used < limit ? limit - used : 0,
		    .percent = (double)(int64_t)(percent * 100 + 0.5) / 100,
		    .resets_at_unix_s = line->period_end_unix_s == INT64_MAX ? 0 : line->period_end_unix_s,
		};
	}
}

static int add_status(struct owned_report *owned, const struct genops_budget_rule *rule, genops_str label,
    const struct genops_budget_cell *cell, int64_t now_unix_s, struct genops_error *err)
{
	struct genops_budget_report *report = &owned->report;
	if (report->n_budgets == owned->cap) {
		size_t cap = owned->cap ? owned->cap * 2 : 16;
		struct genops_budget_status *budgets = realloc(report->budgets, cap * sizeof *budgets);
		if (!budgets)
			return genops_fail(err, GENOPS_NOMEM, "out of memory for a budget report");
		report->budgets = budgets;
		owned->cap = cap;
	}
	struct genops_budget_status *status = &report->budgets[report->n_budgets];
	memset(status, 0, sizeof *status);
	status->level = genops_str_of(genops_level_name(rule->level));
	if (!genops_arena_dup(&owned->arena, rule->name, &status->name) ||
	    !genops_arena_dup(&owned->arena, label, &status->label))
		return genops_fail(err, GENOPS_NOMEM, "out of memory for a budget report");
	fill_windows(rule, *cell, now_unix_s, status);
	report->n_budgets++;
	return GENOPS_OK;
}

struct inputs {
	const struct genops_budget_rule *rules;
	size_t n_rules;
	const struct genops_budget_view *views;
	size_t n_views;
	genops_str name;
	int64_t now_unix_s;
};

static int add_rule(struct owned_report *owned, const struct inputs *in, const struct genops_budget_rule *rule,
    struct genops_error *err)
{
	size_t n_before = owned->report.n_budgets;
	bool is_wanted = !in->name.len || genops_str_equal(in->name, rule->name);
	for (size_t i = 0; i < in->n_views; i++) {
		const struct genops_budget_view *view = &in->views[i];
		genops_str label = {view->label, strnlen(view->label, sizeof view->label)};
		if ((is_wanted || genops_str_equal(in->name, label)) && rule_of(in->rules, in->n_rules, view) == rule)
			GENOPS_TRY(add_status(owned, rule, label, &view->cell, in->now_unix_s, err));
	}
	if (is_wanted && owned->report.n_budgets == n_before)
		return add_status(owned, rule, rule->name, &(struct genops_budget_cell){0}, in->now_unix_s, err);
	return GENOPS_OK;
}

static int not_found(const struct inputs *in, struct genops_error *err)
{
	const char *names[SUGGEST_MAX];
	char texts[SUGGEST_MAX][96];
	size_t n = 0;
	for (; n < in->n_rules && n < SUGGEST_MAX; n++) {
		size_t len = in->rules[n].name.len < 95 ? in->rules[n].name.len : 95;
		memcpy(texts[n], in->rules[n].name.ptr, len);
		texts[n][len] = 0;
		names[n] = texts[n];
	}
	const char *near = genops_str_nearest(in->name, names, n);
	int len = in->name.len < 96 ? (int)in->name.len : 96;
	if (near)
		return genops_fail(err, GENOPS_NOT_FOUND, "there is no budget \"%.*s\", did you mean \"%s\"?", len, in->name.ptr, near);
	return genops_fail_fix(err, GENOPS_NOT_FOUND, "`genops budget` lists all", "there is no budget \"%.*s\"", len, in->name.ptr);
}

int genops_report_budgets_make(const struct genops_budget_rule *rules, size_t n_rules,
    const struct genops_budget_view *views, size_t n_views, genops_str name, int64_t now_unix_s,
    struct genops_budget_report **ret_report, struct genops_error *err)
{
	struct inputs in = {rules, n_rules, views, n_views, name, now_unix_s};
	struct owned_report *owned = calloc(1, sizeof *owned);
	if (!owned)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for a budget report");
	genops_arena_init(&owned->arena, TEXTS_MAX);
	int code = GENOPS_OK;
	for (size_t i = 0; i < n_rules && code == GENOPS_OK; i++)
		code = add_rule(owned, &in, &rules[i], err);
	if (code == GENOPS_OK && name.len && !owned->report.n_budgets)
		code = not_found(&in, err);
	if (code != GENOPS_OK) {
		genops_report_budgets_free(&owned->report);
		return code;
	}
	*ret_report = &owned->report;
	return GENOPS_OK;
}

void genops_report_budgets_free(struct genops_budget_report *report)
{
	if (!report)
		return;
	struct owned_report *owned = (struct owned_report *)report;
	genops_arena_done(&owned->arena);
	free(report->budgets);
	free(owned);
}

static void write_window(struct genops_json_writer *json, const struct genops_budget_window *window)
{
	char text[GENOPS_TIMESTAMP_MAX];
	genops_json_object_begin(json);
	genops_json_key_string(json, "period", genops_str_of(window->period));
	genops_json_key_money(json, "limit", window->limit_nano_usd);
	genops_json_key_money(json, "consumed", window->consumed_nano_usd);
	genops_json_key_money(json, "reserved", window->reserved_nano_usd);
	genops_json_key_money(json, "remaining", window->remaining_nano_usd);
	genops_json_key_double(json, "percent", window->percent);
	genops_json_key(json, GENOPS_STR("resets_at"));
	if (window->resets_at_unix_s)
		genops_json_string(json, genops_timestamp_seconds(window->resets_at_unix_s, text));
	else
		genops_json_null(json);
	genops_json_object_end(json);
}

int genops_report_budgets_json(
    const struct genops_budget_report *report, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, REPORT_MAX);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("budgets"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < report->n_budgets; i++) {
		const struct genops_budget_status *status = &report->budgets[i];
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "name", status->name);
		genops_json_key_string(&json, "label", status->label);
		genops_json_key_string(&json, "enforcement_level", status->level);
		genops_json_key(&json, GENOPS_STR("windows"));
		genops_json_array_begin(&json);
		for (size_t k = 0; k < status->n_windows; k++)
			write_window(&json, &status->windows[k]);
		genops_json_array_end(&json);
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_char(&buf, '\n');
	return genops_report_text_take(&buf, ret_text, ret_len, err);
}
