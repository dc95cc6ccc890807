/* SPDX-License-Identifier: Apache-2.0
 * store/ledger.h - the operations, their roll-ups and the audit chain in SQLite (<state>/ledger.db, WAL).
 *
 * One writer (the drain), any readers. One transaction per drained batch holds the operation rows, the roll-ups, the budget
 * sums, the audit links and the segment positions, so that each entry counts exactly once whatever dies when. Rows are
 * idempotent by (trace_id, span_id). Sums are read from roll-ups (hour x standard attributes x provider x model),
 * never by scanning operations. An operation counts at its end (end_unix_ns), as budgets do.
 *
 * Threads: one ledger, one thread at a time; any number of ledgers in any number of processes, one of them the writer.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/option.h"
#include "govern/record.h"
#include "store/segment.h"

struct genops_ledger;

/* NOT_FOUND (readers): nothing is recorded yet. is_writer: takes the single writer's place (the caller holds the drain lock). Creates and migrates the schema. CORRUPT names the
 * file and the way to restore. */
GENOPS_NODISCARD int genops_ledger_open(
    const char *state_dir, bool is_writer, struct genops_ledger **ret_ledger, struct genops_error *err);
void genops_ledger_close(struct genops_ledger *ledger);

/* A whole copy as of one moment at the path `to`, which is not there yet; writers go on meanwhile. `cancel` (NULL: none) is read atomically. NOT_FOUND:
 * nothing is recorded yet. BUSY: cancelled. FULL, IO, CORRUPT. */
GENOPS_NODISCARD int genops_ledger_copy(const char *state_dir, const char *to, const int *cancel, struct genops_error *err);

/* --- writing: begin, add*, position*, commit (or rollback) --- */
GENOPS_NODISCARD int genops_ledger_begin(struct genops_ledger *ledger, struct genops_error *err);
/* *ret_is_new false: this operation is there already; nothing was counted twice. `encoded` is what the audit chain hashes. */
GENOPS_NODISCARD int genops_ledger_add(struct genops_ledger *ledger, const struct genops_record *record,
    genops_str encoded, bool *ret_is_new, struct genops_error *err);
/* An audit event that is no operation: kind ("config.reloaded", "serve.started", ...), JSON detail. */
GENOPS_NODISCARD int genops_ledger_add_event(struct genops_ledger *ledger, int64_t unix_ns, genops_str kind,
    genops_str detail_json, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_position(
    struct genops_ledger *ledger, struct genops_segment_position position, struct genops_error *err);
/* A writer that is gone and drained to its end: its position is of no use any more. */
GENOPS_NODISCARD int genops_ledger_position_forget(
    struct genops_ledger *ledger, uint32_t process, uint64_t epoch, struct genops_error *err);
/* On the disk when it returns: what was drained may be deleted then. */
GENOPS_NODISCARD int genops_ledger_commit(struct genops_ledger *ledger, struct genops_error *err);
void genops_ledger_rollback(struct genops_ledger *ledger);

/* --- reading --- */
size_t genops_ledger_positions(struct genops_ledger *ledger, struct genops_segment_position *ret_positions, size_t max);
/* What an operation settled at, if it is in the ledger. */
bool genops_ledger_settled(struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8],
    int64_t *ret_actual_nano_usd);

/* Is the operation of these ids that began then in the ledger? */
bool genops_ledger_has(
    struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8], int64_t start_unix_ns);

/* The id (audit sequence) of the newest operation, 0: there is none, and how many are newer than `after`. */
GENOPS_NODISCARD int genops_ledger_behind(struct genops_ledger *ledger, int64_t after, int64_t *ret_last,
    uint64_t *ret_n, struct genops_error *err);

/* For restoring counters: every budget window that contains now. */
typedef int genops_ledger_budget_fn(void *arg, struct genops_hash key, genops_str label, enum genops_period period,
    int64_t start_unix_s, int64_t end_unix_s, int64_t consumed_nano_usd);
GENOPS_NODISCARD int genops_ledger_budgets(struct genops_ledger *ledger, int64_t now_unix_s,
    genops_ledger_budget_fn *on_budget, void *arg, struct genops_error *err);

/* One budget's sums, for seeding one that is new; add and mark between begin and commit. A mark remembers that a budget was seen, and by
 * its fingerprint what it counted. */
struct genops_ledger_window {
	enum genops_period period;
	int64_t start_unix_s, end_unix_s;
};
GENOPS_NODISCARD int genops_ledger_budget_consumed(struct genops_ledger *ledger, struct genops_hash key,
    enum genops_period period, int64_t start_unix_s, int64_t *ret_consumed_nano_usd, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_budget_add(struct genops_ledger *ledger, struct genops_hash key, genops_str label,
    const struct genops_ledger_window *window, int64_t amount_nano_usd, struct genops_error *err);
bool genops_ledger_budget_is_marked(struct genops_ledger *ledger, genops_str name, uint64_t fingerprint);
GENOPS_NODISCARD int genops_ledger_budget_mark(
    struct genops_ledger *ledger, genops_str name, uint64_t fingerprint, struct genops_error *err);

/* Sums, grouped by up to 4 keys (a standard attribute, provider, model, key_name, result, or any attribute: "attribute:x",
 * "hour", "day", "month"). Standard keys come from roll-ups, the rest from a scan. */
struct genops_sums {
	int64_t operations, refused, cost_nano_usd;
#define X(field, unit) int64_t field;
	GENOPS_USAGE_FIELDS(X)
#undef X
};
void genops_sums_add(struct genops_sums *sums, const struct genops_sums *more); /* stops at 9e18 instead of overflowing */

struct genops_sums_query {
	genops_str by[4];               /* also operation (its name), type, outcome, reason, policy: scanned */
	size_t n_by;
	const struct genops_text_pair *where; /* key = value, all must hold */
	size_t n_where;
	int64_t since_unix_s, until_unix_s; /* 0: open; until exclusive. Finer than an hour at the edges is scanned, exactly */
};
typedef int genops_sums_fn(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums);
GENOPS_NODISCARD int genops_ledger_sums(struct genops_ledger *ledger, const struct genops_sums_query *query,
    genops_sums_fn *on_group, void *arg, struct genops_error *err);

/* Has any operation this attribute, beyond the standard ones? Scans until it finds one. */
GENOPS_NODISCARD int genops_ledger_has_attribute(
    struct genops_ledger *ledger, genops_str name, bool *ret_has, struct genops_error *err);

/* Audit rows, oldest first, and the verification of the chain: each row's hash = SHA-256(previous hash || sequence || time || kind || payload). */
struct genops_audit_row {
	int64_t sequence, unix_ns;
	genops_str kind;              /* "operation", "config.reloaded", ... */
	genops_str payload;           /* operation: encoded record; else JSON */
	uint8_t hash[32];
};
struct genops_audit_query {
	int64_t since_unix_ns, until_unix_ns, after_sequence, limit; /* 0: open */
	const struct genops_text_pair *where; /* team, project, ..., result, model, key_name, kind, operation (id), name, type,
						 * outcome, reason, policy, any attribute */
	size_t n_where;
	bool newest_first;
};
typedef int genops_audit_fn(void *arg, const struct genops_audit_row *row);
GENOPS_NODISCARD int genops_ledger_audit(struct genops_ledger *ledger, const struct genops_audit_query *query,
    genops_audit_fn *on_row, void *arg, struct genops_error *err);
/* OK with *ret_first_bad 0: whole. Else the sequence of the first row that does not fit, and *err->message says how. */
GENOPS_NODISCARD int genops_ledger_verify(struct genops_ledger *ledger, int64_t *ret_n_rows, int64_t *ret_first_bad,
    struct genops_error *err);
/* The newest link: kept elsewhere, it proves later that nothing was cut off. Sequence 0: there is none. */
GENOPS_NODISCARD int genops_ledger_head(
    struct genops_ledger *ledger, int64_t *ret_sequence, uint8_t ret_hash[32], struct genops_error *err);

#endif
