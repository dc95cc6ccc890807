/* SPDX-License-Identifier: Apache-2.0
 * engine/report_api.c - the reports over an engine (genops/report.h): lets everything appended get into the ledger, then reads it with a
 * connection of its own, so that any thread may call while the drain writes. */
#include "base/clock.h"
#include "engine/engine.h"
#include "report/audit/audit_export.h"
#include "report/report_budget.h"
#include "report/report_cost.h"

#include <stdlib.h>

#define CATCH_UP_MS 2000

/* *ret_ledger NULL: nothing was ever recorded here. */
static int open_ledger(genops_engine *engine, struct genops_ledger **ret_ledger, struct genops_error *err)
{
	struct genops_error late;
	if (genops_engine_flush(engine, CATCH_UP_MS, &late) != GENOPS_OK) /* no failure: the report says what is known */
		genops_log_error(&engine->log, GENOPS_LOG_WARN, "the newest operations may be missing", &late);
	*ret_ledger = NULL;
	int code = genops_ledger_open(engine->state_dir, false, ret_ledger, err);
	return code == GENOPS_NOT_FOUND ? GENOPS_OK : code;
}

int genops_report_cost(genops_engine *engine, const struct genops_cost_query *query,
    struct genops_cost_report **ret_report, struct genops_error *err)
{
	struct genops_ledger *ledger;
	GENOPS_TRY(open_ledger(engine, &ledger, err));
	int code = genops_report_cost_make(ledger, query, ret_report, err);
	genops_ledger_close(ledger);
	return code;
}

int genops_report_audit(genops_engine *engine, const struct genops_audit_report_query *query,
    genops_audit_event_fn *on_event, void *arg, struct genops_error *err)
{
	struct genops_ledger *ledger;
	GENOPS_TRY(open_ledger(engine, &ledger, err));
	int code = genops_audit_export_each(ledger, query, on_event, arg, err);
	genops_ledger_close(ledger);
	return code;
}

int genops_report_audit_export(genops_engine *engine, const struct genops_audit_report_query *query,
    enum genops_audit_format format, genops_report_write_fn *on_bytes, void *arg, int64_t *ret_n_events,
    struct genops_error *err)
{
	struct genops_ledger *ledger;
	GENOPS_TRY(open_ledger(engine, &ledger, err));
	int code = genops_audit_export_file(ledger, query, format, on_bytes, arg, ret_n_events, err);
	genops_ledger_close(ledger);
	return code;
}

int genops_report_audit_verify(
    genops_engine *engine, struct genops_audit_verification *ret_verification, struct genops_error *err)
{
	struct genops_ledger *ledger;
	GENOPS_TRY(open_ledger(engine, &ledger, err));
	int code = genops_audit_export_verify(ledger, ret_verification, err);
	genops_ledger_close(ledger);
	return code;
}

/* All counters, however many appear meanwhile. */
static int read_counters(
    genops_engine *engine, struct genops_budget_view **ret_views, size_t *ret_n, struct genops_error *err)
{
	size_t n = genops_counters_budgets(engine->counters, NULL, 0), max;
	struct genops_budget_view *views = NULL;
	do {
		max = n + 16;
		struct genops_budget_view *more = realloc(views, max * sizeof *views);
		if (!more) {
			free(views);
			return genops_fail(err, GENOPS_NOMEM, "out of memory for a budget report");
		}
		views = more;
		n = genops_counters_budgets(engine->counters, views, max);
	} while (n > max);
	*ret_views = views;
	*ret_n = n;
	return GENOPS_OK;
}

int genops_report_budgets(genops_engine *engine, genops_str name, struct genops_budget_report **ret_report,
    struct genops_error *err)
{
	struct genops_budget_view *views = NULL;
	size_t n = 0;
	GENOPS_TRY(read_counters(engine, &views, &n, err));
	struct genops_config *config = genops_engine_config(engine);
	int code = genops_report_budgets_make(config->budgets, config->n_budgets, views, n, name,
	    genops_clock_unix_ns() / GENOPS_NS_PER_S, ret_report, err);
	genops_config_unref(config);
	free(views);
	return code;
}
