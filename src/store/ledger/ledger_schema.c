/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_schema.c - the tables and the writer's statements, as texts.
 *
 * operation.id is its audit row's sequence, so both are appended in one order and joined by number. The texts that summaries
 * group by are in `dimension`, once per combination. `hour` says which ids belong to an hour: rows come in
 * nearly sorted by time, so that this replaces an index over time. Times are Unix seconds or nanoseconds, UTC.
 */
#include "store/ledger/ledger_impl.h"

/* cap what a column holds, so that adding never leaves int64 */
#define ADD(column)                                                                                   \
	#column "=iif(" #column ">9000000000000000000-excluded." #column                              \
		",9000000000000000000," #column "+excluded." #column ")"

const char *const genops_ledger_dimension_names[GENOPS_DIMENSION_N] = {
#define X(column) #column,
    GENOPS_DIMENSIONS(X)
#undef X
};

const char *const genops_ledger_schema =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dimension(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE"
#define X(column) "," #column " TEXT NOT NULL"
    GENOPS_DIMENSIONS(X)
#undef X
    ") STRICT;"
    "CREATE TABLE operation(id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL,"
    " span_id BLOB NOT NULL, dimension INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
    " duration_ns INTEGER NOT NULL, first_byte_ns INTEGER NOT NULL, name TEXT, type TEXT, outcome TEXT NOT NULL,"
    " reason TEXT, policy TEXT, is_refused INTEGER NOT NULL, estimated_nano_usd INTEGER NOT NULL,"
    " cost_nano_usd INTEGER NOT NULL, is_cost_estimated INTEGER NOT NULL, http_status INTEGER NOT NULL"
#define X(field, unit) "," #field " INTEGER NOT NULL"
    GENOPS_USAGE_FIELDS(X)
#undef X
    ",attributes TEXT, evaluations TEXT) STRICT;"
    "CREATE TABLE identity(key INTEGER PRIMARY KEY, id INTEGER NOT NULL) STRICT;"
    "CREATE TABLE run(number INTEGER PRIMARY KEY, last_id INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE rollup(level INTEGER NOT NULL, start INTEGER NOT NULL, dimension INTEGER NOT NULL,"
    " operations INTEGER NOT NULL, refused INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL"
#define X(field, unit) "," #field " INTEGER NOT NULL"
    GENOPS_USAGE_FIELDS(X)
#undef X
    ",PRIMARY KEY(level, start, dimension)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE hour(start INTEGER PRIMARY KEY, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL) STRICT;"
    "CREATE TABLE budget(key BLOB NOT NULL, period INTEGER NOT NULL, start INTEGER NOT NULL,"
    " end INTEGER NOT NULL, label TEXT NOT NULL, consumed_nano_usd INTEGER NOT NULL,"
    " PRIMARY KEY(key, period, start)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX budget_end ON budget(end);"
    "CREATE TABLE audit(sequence INTEGER PRIMARY KEY, unix_ns INTEGER NOT NULL, kind TEXT NOT NULL,"
    " payload BLOB NOT NULL, hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE position(process INTEGER NOT NULL, epoch INTEGER NOT NULL, file INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY(process, epoch)) STRICT, WITHOUT ROWID;"
    /* for people with sqlite3 at hand */
    "CREATE VIEW operations AS SELECT o.id, strftime('%Y-%m-%dT%H:%M:%SZ', o.time_ns / 1000000000,"
    " 'unixepoch') AS time, lower(hex(o.trace_id)) AS trace, lower(hex(o.span_id)) AS span"
#define X(column) ",d." #column
    GENOPS_DIMENSIONS(X)
#undef X
    ",o.name, o.outcome, o.reason, o.policy, o.cost_nano_usd"
#define X(field, unit) ",o." #field
    GENOPS_USAGE_FIELDS(X)
#undef X
    ",o.attributes, o.evaluations FROM operation o JOIN dimension d ON d.id = o.dimension;"
    "PRAGMA user_version = 2;";

const char *const genops_ledger_schema_observed =
    "CREATE TABLE IF NOT EXISTS candidate(id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL, span_id BLOB NOT NULL,"
    " received_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(trace_id, span_id)) STRICT;"
    "CREATE INDEX IF NOT EXISTS candidate_due ON candidate(due_ns, trace_id);"
    "CREATE TABLE IF NOT EXISTS outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, hash INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS outbox_hash ON outbox(hash);"
    "CREATE TABLE IF NOT EXISTS seen(key INTEGER PRIMARY KEY, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS seen_run(number INTEGER PRIMARY KEY, n INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL, made_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS alert(number INTEGER PRIMARY KEY, key TEXT NOT NULL, is_resolved INTEGER NOT NULL,"
    " unix_ns INTEGER NOT NULL, ends_s INTEGER NOT NULL, subject TEXT NOT NULL, rank INTEGER NOT NULL, is_quiet INTEGER NOT NULL,"
    " is_open INTEGER NOT NULL, is_queued INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE(key, is_resolved)) STRICT;"
    "CREATE INDEX IF NOT EXISTS alert_waiting ON alert(number) WHERE is_queued = 0;"
    "CREATE INDEX IF NOT EXISTS alert_open ON alert(ends_s) WHERE is_open = 1;";

#define ALERT_COLUMNS "number, key, is_resolved, unix_ns, ends_s, subject, rank, is_quiet, body"

const char *const genops_ledger_sql[GENOPS_LEDGER_STATEMENT_N] = {
    [GENOPS_LEDGER_BEGIN] = "BEGIN IMMEDIATE",
    [GENOPS_LEDGER_COMMIT] = "COMMIT",
    [GENOPS_LEDGER_ROLLBACK] = "ROLLBACK",
    [GENOPS_LEDGER_FIND] = "SELECT i.key, o.trace_id, o.span_id, o.cost_nano_usd FROM identity i"
			   " CROSS JOIN operation o ON o.id = i.id WHERE i.key >= ? ORDER BY i.key",
    [GENOPS_LEDGER_ADD_OPERATION] =
	"INSERT INTO operation VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"
#define X(field, unit) ",?"
	GENOPS_USAGE_FIELDS(X)
#undef X
	",?,?)",
    [GENOPS_LEDGER_ADD_AUDIT] = "INSERT INTO audit VALUES(?,?,?,?,?)",
    [GENOPS_LEDGER_FIND_DIMENSION] = "SELECT id FROM dimension WHERE key = ?",
    [GENOPS_LEDGER_ADD_DIMENSION] =
	"INSERT INTO dimension VALUES(NULL,?"
#define X(column) ",?"
	GENOPS_DIMENSIONS(X)
#undef X
	")",
    [GENOPS_LEDGER_ADD_ROLLUP] =
	"INSERT INTO rollup VALUES(?,?,?,?,?,?"
#define X(field, unit) ",?"
	GENOPS_USAGE_FIELDS(X)
#undef X
	") ON CONFLICT DO UPDATE SET " ADD(operations) "," ADD(refused) "," ADD(cost_nano_usd)
#define X(field, unit) "," ADD(field)
	    GENOPS_USAGE_FIELDS(X),
#undef X
    [GENOPS_LEDGER_ADD_HOUR] =
	"INSERT INTO hour VALUES(?,?,?) ON CONFLICT DO UPDATE SET"
	" first_id=min(first_id,excluded.first_id), last_id=max(last_id,excluded.last_id)",
    [GENOPS_LEDGER_ADD_BUDGET] =
	"INSERT INTO budget VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET end=excluded.end," ADD(consumed_nano_usd),
    [GENOPS_LEDGER_ADD_POSITION] = "INSERT OR REPLACE INTO position VALUES(?,?,?,?,?)",
    [GENOPS_LEDGER_DROP_POSITION] = "DELETE FROM position WHERE process = ? AND epoch = ?",
    [GENOPS_LEDGER_ADD_IDENTITY] = "INSERT INTO identity VALUES(?,?)",
    [GENOPS_LEDGER_ADD_RUN] = "INSERT INTO run VALUES(?,?,?,?)",
    [GENOPS_LEDGER_ADD_CANDIDATE] =
	"INSERT OR IGNORE INTO candidate(trace_id, span_id, received_ns, due_ns, body) VALUES(?,?,?,?,?)",
    [GENOPS_LEDGER_DUE_CANDIDATE] = "SELECT trace_id FROM candidate WHERE due_ns <= ? ORDER BY due_ns LIMIT 1",
    [GENOPS_LEDGER_CANDIDATES_OF] =
	"SELECT id, trace_id, span_id, received_ns, due_ns, body FROM candidate WHERE trace_id = ? ORDER BY due_ns, id",
    [GENOPS_LEDGER_DROP_CANDIDATE] = "DELETE FROM candidate WHERE id = ?",
    [GENOPS_LEDGER_HASTEN_CANDIDATES] = "UPDATE candidate SET due_ns = ?1 WHERE due_ns > ?1",
    [GENOPS_LEDGER_ADD_OUTBOX] = "INSERT INTO outbox(hash, body) VALUES(?,?)",
    [GENOPS_LEDGER_NEXT_OUTBOX] = "SELECT id, body FROM outbox WHERE id > ? ORDER BY id LIMIT 1",
    [GENOPS_LEDGER_DROP_OUTBOX] =
	"DELETE FROM outbox WHERE id = (SELECT id FROM outbox WHERE hash = ? ORDER BY id LIMIT 1)"
	" RETURNING length(body)",
    [GENOPS_LEDGER_ADD_SEEN] = "INSERT OR IGNORE INTO seen VALUES(?,?,?)",
    [GENOPS_LEDGER_FIND_SEEN] = "SELECT key, start_ns, end_ns FROM seen WHERE key BETWEEN ? AND ? ORDER BY key",
    [GENOPS_LEDGER_DROP_SEEN] = "DELETE FROM seen WHERE key BETWEEN ? AND ?",
    [GENOPS_LEDGER_ADD_SEEN_RUN] = "INSERT OR REPLACE INTO seen_run VALUES(?,?,?,?,?)",
    [GENOPS_LEDGER_DROP_SEEN_RUN] = "DELETE FROM seen_run WHERE number = ?",
    [GENOPS_LEDGER_NEWEST_ALERT] = "SELECT coalesce(max(number), 0) FROM alert",
    [GENOPS_LEDGER_ADD_ALERT] = "INSERT OR IGNORE INTO alert VALUES(?,?,?,?,?,?,?,?,?,0,?)",
    [GENOPS_LEDGER_CLOSE_ALERT] = "UPDATE alert SET is_open = 0 WHERE key = ? AND is_resolved = 0",
    [GENOPS_LEDGER_WAITING_ALERTS] = "SELECT " ALERT_COLUMNS " FROM alert WHERE is_queued = 0 AND number > ? ORDER BY number",
    [GENOPS_LEDGER_QUEUED_ALERTS] = "UPDATE alert SET is_queued = 1 WHERE is_queued = 0 AND number <= ?",
    [GENOPS_LEDGER_DROP_ALERTS] = "DELETE FROM alert WHERE number < ? AND is_open = 0 AND is_queued = 1",
    [GENOPS_LEDGER_OVER_ALERTS] = "SELECT " ALERT_COLUMNS
				  " FROM alert WHERE is_open = 1 AND ends_s > 0 AND ends_s <= ? ORDER BY ends_s, subject, rank DESC",
    [GENOPS_LEDGER_OPEN_ALERTS] = "SELECT " ALERT_COLUMNS
				  " FROM alert WHERE is_open = 1 AND (?1 = '' OR subject = ?1) ORDER BY rank DESC, number",
    [GENOPS_LEDGER_SET_META] = "INSERT OR REPLACE INTO meta VALUES(?,?)",
};
