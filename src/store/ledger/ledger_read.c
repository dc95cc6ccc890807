/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_read.c - what the drain and the counters ask of the ledger when they start. */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"

#include <string.h>

size_t genops_ledger_positions(struct genops_ledger *ledger, struct genops_segment_position *ret_positions, size_t max)
{
	sqlite3_stmt *row;
	size_t n = 0;
	if (genops_ledger_prepare(ledger,
		GENOPS_STR("SELECT process, epoch, file, offset, sequence FROM position"), &row, NULL) != GENOPS_OK)
		return 0;
	for (; sqlite3_step(row) == SQLITE_ROW; n++)
		if (n < max)
			ret_positions[n] = (struct genops_segment_position){
			    .process = (uint32_t)sqlite3_column_int64(row, 0),
			    .epoch = (uint64_t)sqlite3_column_int64(row, 1),
			    .file = (uint64_t)sqlite3_column_int64(row, 2),
			    .offset = (uint64_t)sqlite3_column_int64(row, 3),
			    .sequence = (uint64_t)sqlite3_column_int64(row, 4),
			};
	sqlite3_finalize(row);
	return n;
}

int genops_ledger_behind(
    struct genops_ledger *ledger, int64_t after, int64_t *ret_last, uint64_t *ret_n, struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT (SELECT max(id) FROM operation), (SELECT count(*) FROM operation WHERE id > ?1)"), &row, err));
	sqlite3_bind_int64(row, 1, after);
	int step = sqlite3_step(row);
	if (step == SQLITE_ROW) {
		*ret_last = sqlite3_column_int64(row, 0);
		*ret_n = (uint64_t)sqlite3_column_int64(row, 1);
	}
	sqlite3_finalize(row);
	return step == SQLITE_ROW ? GENOPS_OK : genops_ledger_fail(ledger, "query", err);
}

static int read_budget(
    struct genops_ledger *ledger, sqlite3_stmt *row, genops_ledger_budget_fn *on_budget, void *arg, struct genops_error *err)
{
	genops_str bytes = genops_ledger_column(row, 0);
	int64_t period = sqlite3_column_int64(row, 1);
	struct genops_hash key;
	if (bytes.len != sizeof key || period < 0 || period >= GENOPS_PERIOD_N)
		return genops_fail(err, GENOPS_CORRUPT, "%s: a budget's row is not one", ledger->path);
	memcpy(&key, bytes.ptr, sizeof key);
	return on_budget(arg, key, genops_ledger_column(row, 2), (enum genops_period)period,
	    sqlite3_column_int64(row, 3), sqlite3_column_int64(row, 4), sqlite3_column_int64(row, 5));
}

int genops_ledger_budgets(struct genops_ledger *ledger, int64_t now_unix_s, genops_ledger_budget_fn *on_budget,
    void *arg, struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT key, period, label, start, end, consumed_nano_usd FROM budget"
		       " WHERE end > ?1 AND start <= ?1"),
	    &row, err));
	sqlite3_bind_int64(row, 1, now_unix_s);
	int step, code = GENOPS_OK;
	while (code == GENOPS_OK && (step = sqlite3_step(row)) != SQLITE_DONE)
		code = step == SQLITE_ROW ? read_budget(ledger, row, on_budget, arg, err)
					  : genops_ledger_fail(ledger, "query", err);
	sqlite3_finalize(row);
	return code;
}

int genops_ledger_has_attribute(struct genops_ledger *ledger, genops_str name, bool *ret_has, struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT 1 FROM operation, json_each(operation.attributes) WHERE json_each.key = ?1 LIMIT 1"), &row, err));
	genops_ledger_bind_text(row, 1, name);
	int step = sqlite3_step(row), code = GENOPS_OK;
	if (step == SQLITE_ROW || step == SQLITE_DONE)
		*ret_has = step == SQLITE_ROW;
	else
		code = genops_ledger_fail(ledger, "attributes", err);
	sqlite3_finalize(row);
	return code;
}
