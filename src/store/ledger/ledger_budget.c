/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_budget.c - the sums that budgets are restored from, one by one: for seeding those that are new (engine/drain/seed.c).
 *
 * `budget:<name>` in meta remembers which budgets have been seen, with a fingerprint of what they count. */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"

#include <stdio.h>

int genops_ledger_budget_consumed(struct genops_ledger *ledger, struct genops_hash key, enum genops_period period,
    int64_t start_unix_s, int64_t *ret_consumed_nano_usd, struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT consumed_nano_usd FROM budget WHERE key = ?1 AND period = ?2 AND start = ?3"), &row, err));
	genops_ledger_bind_blob(row, 1, &key, sizeof key);
	sqlite3_bind_int64(row, 2, (int64_t)period);
	sqlite3_bind_int64(row, 3, start_unix_s);
	int step = sqlite3_step(row), code = GENOPS_OK;
	if (step == SQLITE_ROW)
		*ret_consumed_nano_usd = sqlite3_column_int64(row, 0);
	else if (step == SQLITE_DONE)
		*ret_consumed_nano_usd = 0;
	else
		code = genops_ledger_fail(ledger, "budget", err);
	sqlite3_finalize(row);
	return code;
}

int genops_ledger_budget_add(struct genops_ledger *ledger, struct genops_hash key, genops_str label,
    const struct genops_ledger_window *window, int64_t amount_nano_usd, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_BUDGET];
	genops_ledger_bind_blob(row, 1, &key, sizeof key);
	sqlite3_bind_int64(row, 2, (int64_t)window->period);
	sqlite3_bind_int64(row, 3, window->start_unix_s);
	sqlite3_bind_int64(row, 4, window->end_unix_s);
	genops_ledger_bind_text(row, 5, label);
	sqlite3_bind_int64(row, 6, amount_nano_usd);
	return genops_ledger_run(ledger, GENOPS_LEDGER_ADD_BUDGET, err);
}

static genops_str mark_of(genops_str name, char out[320])
{
	int n = snprintf(out, 320, "budget:%.*s", name.len > 300 ? 300 : (int)name.len, name.ptr);
	return (genops_str){out, (size_t)n};
}

bool genops_ledger_budget_is_marked(struct genops_ledger *ledger, genops_str name, uint64_t fingerprint)
{
	sqlite3_stmt *row;
	char mark[320];
	if (genops_ledger_prepare(ledger, GENOPS_STR("SELECT value FROM meta WHERE key = ?1"), &row, NULL) != GENOPS_OK)
		return false;
	genops_ledger_bind_text(row, 1, mark_of(name, mark));
	bool is_marked = sqlite3_step(row) == SQLITE_ROW && (uint64_t)sqlite3_column_int64(row, 0) == fingerprint;
	sqlite3_finalize(row);
	return is_marked;
}

int genops_ledger_budget_mark(struct genops_ledger *ledger, genops_str name, uint64_t fingerprint, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_SET_META];
	char mark[320];
	genops_ledger_bind_text(row, 1, mark_of(name, mark));
	sqlite3_bind_int64(row, 2, (int64_t)fingerprint);
	return genops_ledger_run(ledger, GENOPS_LEDGER_SET_META, err);
}
