/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/kept/ledger_alert.c - see store/alerts.h. */
#include "store/alerts.h"

#include "base/clock.h"
#include "store/ledger/ledger_impl.h"

static int newest(struct genops_ledger *ledger, int64_t *ret_number, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_NEWEST_ALERT];
	int step = sqlite3_step(row);
	int code = step == SQLITE_ROW ? GENOPS_OK : genops_ledger_fail(ledger, "alerts", err);
	if (code == GENOPS_OK)
		*ret_number = sqlite3_column_int64(row, 0);
	sqlite3_reset(row);
	return code;
}

int genops_ledger_alert_add(
    struct genops_ledger *ledger, const struct genops_alert_row *alert, bool *ret_is_new, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_ALERT];
	int64_t number, now_ns = genops_clock_unix_ns();
	GENOPS_TRY(newest(ledger, &number, err));
	number = now_ns > number ? now_ns : number + 1;
	sqlite3_bind_int64(row, 1, number);
	genops_ledger_bind_text(row, 2, alert->key);
	sqlite3_bind_int64(row, 3, alert->is_resolved);
	sqlite3_bind_int64(row, 4, alert->unix_ns);
	sqlite3_bind_int64(row, 5, alert->ends_unix_s);
	genops_ledger_bind_text(row, 6, alert->subject);
	sqlite3_bind_int64(row, 7, alert->rank);
	sqlite3_bind_int64(row, 8, alert->is_quiet);
	sqlite3_bind_int64(row, 9, !alert->is_resolved);
	genops_ledger_bind_text(row, 10, alert->body);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_ALERT, err));
	*ret_is_new = sqlite3_changes(ledger->db) > 0;
	if (!alert->is_resolved)
		return GENOPS_OK;
	row = ledger->statements[GENOPS_LEDGER_CLOSE_ALERT];
	genops_ledger_bind_text(row, 1, alert->key);
	return genops_ledger_run(ledger, GENOPS_LEDGER_CLOSE_ALERT, err);
}

static int read_row(sqlite3_stmt *row, struct genops_arena *arena, struct genops_alert_row *ret_row, struct genops_error *err)
{
	struct genops_alert_row alert = {.number = sqlite3_column_int64(row, 0),
	    .is_resolved = sqlite3_column_int64(row, 2) != 0,
	    .unix_ns = sqlite3_column_int64(row, 3),
	    .ends_unix_s = sqlite3_column_int64(row, 4),
	    .rank = sqlite3_column_int64(row, 6),
	    .is_quiet = sqlite3_column_int64(row, 7) != 0};
	if (!genops_arena_dup(arena, genops_ledger_column(row, 1), &alert.key) ||
	    !genops_arena_dup(arena, genops_ledger_column(row, 5), &alert.subject) ||
	    !genops_arena_dup(arena, genops_ledger_column(row, 8), &alert.body))
		return genops_fail(err, GENOPS_NOMEM, "no memory for alerts");
	*ret_row = alert;
	return GENOPS_OK;
}

static int read_rows(struct genops_ledger *ledger, enum genops_ledger_statement statement, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[statement];
	int step = SQLITE_DONE, code = GENOPS_OK;
	size_t n = 0;
	while (code == GENOPS_OK && n < max && (step = sqlite3_step(row)) == SQLITE_ROW) {
		code = read_row(row, arena, &ret_rows[n], err);
		n += code == GENOPS_OK;
	}
	if (code == GENOPS_OK && step != SQLITE_ROW && step != SQLITE_DONE)
		code = genops_ledger_fail(ledger, "alerts", err);
	sqlite3_reset(row);
	*ret_n = n;
	return code;
}

int genops_ledger_alerts_waiting(struct genops_ledger *ledger, int64_t after, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err)
{
	sqlite3_bind_int64(ledger->statements[GENOPS_LEDGER_WAITING_ALERTS], 1, after);
	return read_rows(ledger, GENOPS_LEDGER_WAITING_ALERTS, arena, ret_rows, max, ret_n, err);
}

int genops_ledger_alerts_queued(struct genops_ledger *ledger, int64_t until, int64_t now_unix_s, struct genops_error *err)
{
	sqlite3_bind_int64(ledger->statements[GENOPS_LEDGER_QUEUED_ALERTS], 1, until);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_QUEUED_ALERTS, err));
	sqlite3_bind_int64(ledger->statements[GENOPS_LEDGER_DROP_ALERTS], 1, (now_unix_s - GENOPS_ALERT_KEEP_S) * GENOPS_NS_PER_S);
	return genops_ledger_run(ledger, GENOPS_LEDGER_DROP_ALERTS, err);
}

int genops_ledger_alerts_over(struct genops_ledger *ledger, int64_t now_unix_s, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err)
{
	sqlite3_bind_int64(ledger->statements[GENOPS_LEDGER_OVER_ALERTS], 1, now_unix_s);
	return read_rows(ledger, GENOPS_LEDGER_OVER_ALERTS, arena, ret_rows, max, ret_n, err);
}

int genops_ledger_alerts_open(struct genops_ledger *ledger, genops_str subject, struct genops_arena *arena,
    struct genops_alert_row *ret_rows, size_t max, size_t *ret_n, struct genops_error *err)
{
	genops_ledger_bind_text(ledger->statements[GENOPS_LEDGER_OPEN_ALERTS], 1, subject);
	return read_rows(ledger, GENOPS_LEDGER_OPEN_ALERTS, arena, ret_rows, max, ret_n, err);
}
