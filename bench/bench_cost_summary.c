/* SPDX-License-Identifier: Apache-2.0
 * bench_cost_summary.c - how long a cost summary over ten million operations takes.
 *
 *   bench_cost_summary [DIR]     DIR: keep the state there, for `genops cost --state DIR`
 *
 * A summary reads roll-ups, one for each hour and combination of attributes, model and result, so its cost is that of their number. Ten
 * million operations of 360 combinations in 90 days are 13 in each of 777,600 hourly roll-ups. Here one real operation
 * (genops_ledger_add, committed in batches as the drain does) goes into each of them: the same tables and indexes, the same
 * number of roll-ups, 777,600 operations. No sum is written by this program.
 */
#include "base/clock.h"
#include "report/report_cost.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_S      INT64_C(1767225600) /* 2026-01-01 */
#define N_HOURS      (90 * 24)
#define COMBINATIONS 360
#define BATCH        4000
#define RUNS         7

static void fail(const struct genops_error *err)
{
	fprintf(stderr, "bench_cost_summary: %s\n", err->message);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add(struct genops_ledger *ledger, struct genops_buffer *bytes, int64_t number)
{
	static const char *const models[] = {"gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "claude-haiku-4-5", "gemini-2.5-flash", "llama-3.3-70b"};
	char team[32], project[32];
	struct genops_error err;
	int64_t combination = number % COMBINATIONS, end_s = START_S + number / COMBINATIONS * 3600 + combination * 10;
	bool is_new;
	snprintf(team, sizeof team, "team-%d", (int)(combination % 20));
	snprintf(project, sizeof project, "project-%d", (int)combination);
	struct genops_attribute attributes[] = {
	    {.key = GENOPS_STR("team"), .value.string = genops_str_of(team)},
	    {.key = GENOPS_STR("project"), .value.string = genops_str_of(project)},
	    {.key = GENOPS_STR("environment"), .value.string = GENOPS_STR("production")},
	};
	struct genops_record record = {
	    .start_unix_ns = (end_s - 1) * GENOPS_NS_PER_S, .end_unix_ns = end_s * GENOPS_NS_PER_S,
	    .name = GENOPS_STR("ai.completion"), .type = GENOPS_STR("ai.inference"), .provider = GENOPS_STR("openai"),
	    .request_model = genops_str_of(models[combination % 6]), .usage = {.input_tokens = 900, .output_tokens = 120},
	    .actual_nano_usd = (combination + 1) * 1000, .http_status = 200, .n_attributes = 3, .attributes = attributes,
	};
	memcpy(record.trace_id, &(int64_t[2]){number + 1, number * 7919}, 16);
	memcpy(record.span_id, &(int64_t){number + 1}, 8);
	genops_buffer_clear(bytes);
	genops_record_encode(&record, bytes);
	if (genops_ledger_add(ledger, &record, genops_buffer_view(bytes), &is_new, &err) != GENOPS_OK)
		fail(&err);
}

static void fill(const char *dir)
{
	struct genops_error err;
	struct genops_ledger *ledger;
	struct genops_buffer bytes;
	int64_t n = (int64_t)N_HOURS * COMBINATIONS;
	double from = seconds(CLOCK_PROCESS_CPUTIME_ID);
	genops_buffer_init(&bytes, GENOPS_RECORD_MAX);
	if (genops_ledger_open(dir, true, &ledger, &err) != GENOPS_OK)
		fail(&err);
	for (int64_t i = 0; i < n;) {
		if (genops_ledger_begin(ledger, &err) != GENOPS_OK)
			fail(&err);
		for (int64_t end = i + BATCH; i < end && i < n; i++)
			add(ledger, &bytes, i);
		if (genops_ledger_commit(ledger, &err) != GENOPS_OK)
			fail(&err);
	}
	genops_ledger_close(ledger);
	genops_buffer_done(&bytes);
	printf("%lld operations added to the ledger, %.1f us CPU each; roll-ups as of 10 million in 90 days\n", (long long)n,
	    (seconds(CLOCK_PROCESS_CPUTIME_ID) - from) * 1e6 / (double)n);
}

static void query(const char *dir, const char *title, const struct genops_cost_query *query)
{
	struct genops_error err;
	double best_cpu = 1e9, best_wall = 1e9;
	size_t n_groups = 0;
	int64_t operations = 0;
	for (int i = 0; i < RUNS; i++) {
		struct genops_cost_report *report;
		struct genops_ledger *ledger;
		double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
		/* A connection of its own each time, as a command has. */
		if (genops_ledger_open(dir, false, &ledger, &err) != GENOPS_OK ||
		    genops_report_cost_make(ledger, query, &report, &err) != GENOPS_OK)
			fail(&err);
		genops_ledger_close(ledger);
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		wall = seconds(CLOCK_MONOTONIC) - wall;
		best_cpu = cpu < best_cpu ? cpu : best_cpu;
		best_wall = wall < best_wall ? wall : best_wall;
		n_groups = report->n_groups;
		operations = report->total.operations;
		genops_report_cost_free(report);
	}
	printf("%-34s %7.2f ms CPU %7.2f ms wall, %5zu groups of %lld operations (best of %d)\n", title, best_cpu * 1e3,
	    best_wall * 1e3, n_groups, (long long)operations, RUNS);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

int main(int argc, char **argv)
{
	char own[] = "/tmp/genops-bench-XXXXXX";
	const char *dir = argc > 1 ? argv[1] : mkdtemp(own);
	const genops_str team[] = {GENOPS_STR("team")}, model[] = {GENOPS_STR("model")}, day[] = {GENOPS_STR("day")};
	const genops_str both[] = {GENOPS_STR("team"), GENOPS_STR("project")};
	const struct genops_report_filter one = {GENOPS_STR("team"), GENOPS_STR("team-7")};
	if (!dir)
		return 1;
	fill(dir);
#define QUERY(title, ...) query(dir, title, &(struct genops_cost_query){.size = sizeof(struct genops_cost_query), __VA_ARGS__})
	QUERY("total", .n_by = 0);
	QUERY("by team", .by = team, .n_by = 1);
	QUERY("by model", .by = model, .n_by = 1);
	QUERY("by team and project", .by = both, .n_by = 2);
	QUERY("by day", .by = day, .n_by = 1);
	QUERY("by day, of one team", .by = day, .n_by = 1, .where = &one, .n_where = 1);
	QUERY("by team, 45 days to the hour", .by = team, .n_by = 1, .since_unix_s = START_S + 20 * 86400 + 5 * 3600,
	    .until_unix_s = START_S + 65 * 86400 + 7 * 3600);
	if (argc < 2)
		nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
