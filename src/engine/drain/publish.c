/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/publish.c - see publish.h; and genops_engine_metrics, which puts file and live figures together. */
#include "engine/drain/publish.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/write.h"
#include "engine/collibra/collibra_export.h"
#include "engine/drain/published.h"
#include "engine/receive/receive_counts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPOSITION_MAX ((size_t)64 << 20)

/* --- the drain's side --- */

static void store(const struct genops_engine *engine, genops_str text)
{
	char path[4096], aside[4112];
	snprintf(path, sizeof path, "%s/metrics.prom", engine->state_dir);
	snprintf(aside, sizeof aside, "%s.%u", path, engine->pid);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool is_written = fd >= 0 && genops_write_all(fd, text);
	if (fd >= 0)
		close(fd);
	if (!is_written || rename(aside, path) != 0) {
		genops_log_write(&engine->log, GENOPS_LOG_WARN, "metrics cannot be written to %s: %s", path, strerror(errno));
		unlink(aside);
	}
}

#define VIEWS_MAX 4096

/* One gauge a window, as shared memory has it now. `view` is a copy: rolling it over changes nobody's counters. */
static void tell_budget(struct genops_metrics *metrics, const struct genops_budget_rule *rule,
    struct genops_budget_view *view, genops_str label, int64_t now_s)
{
	genops_budget_roll(rule, &view->cell, now_s);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		const struct genops_budget_line *line = &view->cell.lines[period];
		if (rule->limit_nano_usd[period] == GENOPS_COST_UNKNOWN)
			continue;
		struct genops_record_budget budget = {
		    .key = view->key,
		    .name = rule->name,
		    .label = label,
		    .period = (enum genops_period)period,
		    .limit_nano_usd = rule->limit_nano_usd[period],
		    .consumed_nano_usd = line->consumed_nano_usd,
		    .reserved_nano_usd = line->reserved_nano_usd,
		    .n_lines = 1,
		};
		budget.lines[0].period = (enum genops_period)period;
		budget.lines[0].start_unix_s = line->period_start_unix_s;
		budget.lines[0].end_unix_s = line->period_end_unix_s;
		genops_metrics_add_budget(metrics, &budget);
	}
}

static void tell_budgets(genops_engine *engine, struct genops_metrics *metrics)
{
	struct genops_budget_view *views = calloc(VIEWS_MAX, sizeof *views);
	if (!views)
		return; /* the next publishing tries again */
	struct genops_config *config = genops_engine_config(engine);
	int64_t now_s = genops_clock_unix_ns() / GENOPS_NS_PER_S;
	size_t n = genops_counters_budgets(engine->counters, views, VIEWS_MAX);
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		bool is_seen = false;
		for (size_t j = 0; j < n && j < VIEWS_MAX; j++) {
			genops_str label = genops_str_of(views[j].label);
			if (!genops_budget_is_label(rule, label))
				continue;
			is_seen = true;
			tell_budget(metrics, rule, &views[j], label, now_s);
		}
		struct genops_budget_view unused = {0};
		if (!is_seen && !rule->n_per)
			tell_budget(metrics, rule, &unused, rule->name, now_s);
	}
	genops_config_unref(config);
	free(views);
}

void genops_publish_metrics(genops_engine *engine, struct genops_metrics *metrics, struct genops_queue *queue, struct genops_ledger *ledger,
    const struct genops_flow *flow, const struct genops_published *published)
{
	struct genops_queue_stats stats;
	struct genops_buffer text, pipelines;
	int64_t sequence = 0;
	uint8_t hash[32];
	tell_budgets(engine, metrics);
	genops_queue_stats(queue, &stats);
	genops_metrics_set(metrics, "genops_self_queue_bytes", "", (double)stats.bytes);
	genops_metrics_set(metrics, "genops_self_queue_waiting", "", (double)stats.n_waiting_entries);
	genops_metrics_set_since(metrics, "genops_self_queue_full_total", "", (double)stats.n_full);
	genops_metrics_set_since(metrics, "genops_self_queue_damaged_blocks_total", "", (double)stats.n_corrupt_blocks);
	genops_collibra_export_publish(engine, metrics);
	genops_buffer_init(&text, EXPOSITION_MAX);
	genops_metrics_expose(metrics, &text);
	genops_buffer_init(&pipelines, EXPOSITION_MAX);
	genops_flow_expose(flow, &pipelines);
	genops_published_add(published, genops_buffer_view(&pipelines), &text);
	/* Which operations are in it; and that it is whole. */
	if (genops_ledger_head(ledger, &sequence, hash, NULL) == GENOPS_OK)
		genops_buffer_printf(&text, GENOPS_PUBLISHED_END "%" PRId64 "\n", sequence);
	if (!text.error && !pipelines.error)
		store(engine, genops_buffer_view(&text));
	genops_buffer_done(&pipelines);
	genops_buffer_done(&text);
}

/* --- whoever serves /metrics --- */

static void add_file(const struct genops_engine *engine, struct genops_buffer *text)
{
	char path[4096], piece[16384];
	ssize_t n;
	snprintf(path, sizeof path, "%s/metrics.prom", engine->state_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* nothing has been drained yet */
	while ((n = read(fd, piece, sizeof piece)) > 0)
		genops_buffer_add(text, (genops_str){piece, (size_t)n});
	close(fd);
}

static void add_gauge(struct genops_buffer *text, const char *name, const char *help, double value)
{
	genops_buffer_printf(text, "# HELP %s %s\n# TYPE %s gauge\n%s %.17g\n", name, help, name, name, value);
}

int genops_engine_metrics(genops_engine *engine, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_counters_stats stats;
	struct genops_buffer text;
	genops_buffer_init(&text, EXPOSITION_MAX);
	add_file(engine, &text);
	genops_counters_stats(engine->counters, &stats);
	add_gauge(&text, "genops_self_processes", "Processes attached to the state directory.", stats.n_processes);
	add_gauge(&text, "genops_self_operations_in_flight", "Governed calls that run now, in all processes.", stats.n_leases);
	add_gauge(&text, "genops_self_repaired_transactions", "Transactions undone because their process died in them.",
	    (double)stats.n_repairs);
	genops_receive_counts_expose(engine, &text);
	char *out = genops_buffer_take(&text, ret_len);
	int code = text.error;
	genops_buffer_done(&text);
	if (!out)
		return genops_fail(err, code ? code : GENOPS_NOMEM, "no memory for the metrics");
	*ret_text = out;
	return GENOPS_OK;
}
