/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_identity.c - which operations are there already, by trace and span id.
 *
 * Identities are random: an index over all of them would dirty a page an operation, which would be most of what a batch
 * writes. So the newest (those behind the last run, at most as many as `pending` holds) are in memory; when it is full they
 * are sorted and appended to table identity as a run, numbered, with the range of the operations' starts. An operation
 * can only be in the runs that its start lies in: a new one as a rule in none. What was pending when a process died
 * is read from its operation rows again.
 */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BITS 40
#define HASH_MASK ((UINT64_C(1) << HASH_BITS) - 1)

struct entry {
	uint8_t ids[24]; /* key: trace and span */
	int64_t hash, id, cost_nano_usd;
	int64_t first_ns, last_ns; /* where its start lies */
};

static_assert(sizeof(struct entry) == GENOPS_LEDGER_IDENTITY_SIZE, "as ledger.c sets up");

static void join_ids(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t ret_ids[24])
{
	memcpy(ret_ids, trace_id, 16);
	memcpy(ret_ids + 16, span_id, 8);
}

int64_t genops_ledger_identity(
    const struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8])
{
	uint8_t ids[24];
	join_ids(trace_id, span_id, ids);
	return (int64_t)(genops_hash_checksum(ids, sizeof ids, ledger->seed) & HASH_MASK);
}

/* --- the runs --- */

static int add_run(struct genops_ledger *ledger, struct genops_ledger_run run, struct genops_error *err)
{
	if (ledger->n_runs == ledger->max_runs) {
		size_t max = ledger->max_runs ? 2 * ledger->max_runs : 16;
		struct genops_ledger_run *runs = realloc(ledger->runs, max * sizeof *runs);
		if (!runs)
			return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's identities");
		ledger->runs = runs;
		ledger->max_runs = max;
	}
	run.newest_ns = run.last_ns;
	if (ledger->n_runs && ledger->runs[ledger->n_runs - 1].newest_ns > run.newest_ns)
		run.newest_ns = ledger->runs[ledger->n_runs - 1].newest_ns;
	ledger->runs[ledger->n_runs++] = run;
	return GENOPS_OK;
}

static int compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static int store_run(struct genops_ledger *ledger, const struct genops_ledger_run *run, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_RUN];
	sqlite3_bind_int64(row, 1, run->number);
	sqlite3_bind_int64(row, 2, run->last_id);
	sqlite3_bind_int64(row, 3, run->first_ns);
	sqlite3_bind_int64(row, 4, run->last_ns);
	return genops_ledger_run(ledger, GENOPS_LEDGER_ADD_RUN, err);
}

/* In the transaction that is open. Equal hashes of one run get neighbouring keys. */
static int flush(struct genops_ledger *ledger, struct genops_error *err)
{
	struct genops_ledger_table *pending = &ledger->pending;
	struct entry *entries = (struct entry *)(void *)pending->entries;
	struct genops_ledger_run run = {.number = 1, .first_ns = INT64_MAX};
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_IDENTITY];
	if (ledger->n_runs)
		run.number = ledger->runs[ledger->n_runs - 1].number + 1;
	qsort(entries, pending->n, sizeof *entries, compare);
	int64_t key = run.number << HASH_BITS;
	for (size_t i = 0; i < pending->n; i++, key++) {
		const struct entry *entry = &entries[i];
		if (key < (run.number << HASH_BITS | entry->hash))
			key = run.number << HASH_BITS | entry->hash;
		run.last_id = entry->id > run.last_id ? entry->id : run.last_id;
		run.first_ns = entry->first_ns < run.first_ns ? entry->first_ns : run.first_ns;
		run.last_ns = entry->last_ns > run.last_ns ? entry->last_ns : run.last_ns;
		sqlite3_bind_int64(row, 1, key);
		sqlite3_bind_int64(row, 2, entry->id);
		GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_IDENTITY, err));
	}
	GENOPS_TRY(store_run(ledger, &run, err));
	GENOPS_TRY(add_run(ledger, run, err));
	genops_ledger_table_clear(pending);
	return GENOPS_OK;
}

/* --- what a process that begins must know --- */

static int load_run(struct genops_ledger *ledger, sqlite3_stmt *row, struct genops_error *err)
{
	struct genops_ledger_run run = {.number = sqlite3_column_int64(row, 0), .last_id = sqlite3_column_int64(row, 1),
	    .first_ns = sqlite3_column_int64(row, 2), .last_ns = sqlite3_column_int64(row, 3)};
	return add_run(ledger, run, err);
}

static int load_pending(struct genops_ledger *ledger, sqlite3_stmt *row, struct genops_error *err)
{
	genops_str trace = genops_ledger_column(row, 1), span = genops_ledger_column(row, 2);
	int64_t time = sqlite3_column_int64(row, 3), duration = sqlite3_column_int64(row, 4);
	struct entry entry = {.id = sqlite3_column_int64(row, 0), .cost_nano_usd = sqlite3_column_int64(row, 5),
	    .first_ns = duration ? time - duration : 0, /* 0: the start may not be known */
	    .last_ns = time - duration};
	if (trace.len != 16 || span.len != 8)
		return GENOPS_OK; /* not written by us */
	join_ids((const uint8_t *)trace.ptr, (const uint8_t *)span.ptr, entry.ids);
	entry.hash = genops_ledger_identity(ledger, entry.ids, entry.ids + 16);
	bool is_new;
	struct entry *to = genops_ledger_table_at(&ledger->pending, entry.ids, &is_new);
	if (!to)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's identities");
	if (is_new)
		*to = entry;
	return GENOPS_OK;
}

static int each(struct genops_ledger *ledger, const char *sql, int64_t limit,
    int (*load)(struct genops_ledger *, sqlite3_stmt *, struct genops_error *), struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger, genops_str_of(sql), &row, err));
	sqlite3_bind_int64(row, 1, limit);
	int step, code = GENOPS_OK;
	while (code == GENOPS_OK && (step = sqlite3_step(row)) != SQLITE_DONE)
		code = step == SQLITE_ROW ? load(ledger, row, err) : genops_ledger_fail(ledger, "query", err);
	sqlite3_finalize(row);
	return code;
}

int genops_ledger_identity_load(struct genops_ledger *ledger, struct genops_error *err)
{
	if (ledger->has_identities)
		return GENOPS_OK;
	genops_ledger_identity_forget(ledger);
	GENOPS_TRY(each(ledger, "SELECT number, last_id, first_ns, last_ns FROM run ORDER BY number LIMIT ?", -1, load_run, err));
	/* More than can be pending are none of ours. */
	GENOPS_TRY(each(ledger,
	    "SELECT id, trace_id, span_id, time_ns, duration_ns, cost_nano_usd FROM operation"
	    " WHERE id > (SELECT coalesce(max(last_id), 0) FROM run) ORDER BY id LIMIT ?",
	    (int64_t)ledger->pending.max, load_pending, err));
	ledger->has_identities = true;
	return GENOPS_OK;
}

void genops_ledger_identity_forget(struct genops_ledger *ledger)
{
	genops_ledger_table_clear(&ledger->pending);
	ledger->n_runs = 0;
	ledger->has_identities = false;
}

/* --- looking and adding --- */

static int find_in_run(struct genops_ledger *ledger, int64_t key, const uint8_t ids[24], bool *ret_found,
    int64_t *ret_cost, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_FIND];
	int step;
	sqlite3_bind_int64(row, 1, key);
	for (*ret_found = false; (step = sqlite3_step(row)) == SQLITE_ROW && sqlite3_column_int64(row, 0) == key; key++) {
		genops_str trace = genops_ledger_column(row, 1), span = genops_ledger_column(row, 2);
		*ret_found = trace.len == 16 && span.len == 8 && memcmp(trace.ptr, ids, 16) == 0 &&
		    memcmp(span.ptr, ids + 16, 8) == 0;
		if (*ret_found) {
			*ret_cost = sqlite3_column_int64(row, 3);
			break;
		}
	}
	int code = step == SQLITE_ROW || step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "query", err);
	sqlite3_reset(row);
	return code;
}

/* Looks into the runs that a start within [first, last] may be in. */
static int find_in_runs(struct genops_ledger *ledger, const uint8_t ids[24], int64_t hash, int64_t first_ns, int64_t last_ns,
    bool *ret_found, int64_t *ret_cost, struct genops_error *err)
{
	*ret_found = false;
	for (size_t i = ledger->n_runs; !*ret_found && i-- > 0;) {
		const struct genops_ledger_run *run = &ledger->runs[i];
		if (run->newest_ns < first_ns)
			break;
		if (run->first_ns <= last_ns && run->last_ns >= first_ns)
			GENOPS_TRY(find_in_run(ledger, run->number << HASH_BITS | hash, ids, ret_found, ret_cost, err));
	}
	return GENOPS_OK;
}

int genops_ledger_identity_claim(struct genops_ledger *ledger, const struct genops_record *record, int64_t id,
    bool *ret_is_new, struct genops_error *err)
{
	uint8_t ids[24];
	bool found;
	int64_t cost, hash = genops_ledger_identity(ledger, record->trace_id, record->span_id);
	int64_t start = record->start_unix_ns < 0 ? 0 : record->start_unix_ns;
	join_ids(record->trace_id, record->span_id, ids);
	*ret_is_new = false;
	GENOPS_TRY(find_in_runs(ledger, ids, hash, start, start, &found, &cost, err));
	if (found)
		return GENOPS_OK;
	if (ledger->pending.n == ledger->pending.max)
		GENOPS_TRY(flush(ledger, err));
	struct entry *entry = genops_ledger_table_at(&ledger->pending, ids, ret_is_new);
	if (!entry)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's identities");
	if (!*ret_is_new)
		return GENOPS_OK;
	entry->hash = hash;
	entry->id = id;
	entry->first_ns = entry->last_ns = start;
	entry->cost_nano_usd = record->actual_nano_usd < 0 ? 0 : record->actual_nano_usd;
	return GENOPS_OK;
}

bool genops_ledger_settled(struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8],
    int64_t *ret_actual_nano_usd)
{
	uint8_t ids[24];
	bool found;
	int64_t cost, hash = genops_ledger_identity(ledger, trace_id, span_id);
	join_ids(trace_id, span_id, ids);
	if (!ledger->is_writer || genops_ledger_identity_load(ledger, NULL) != GENOPS_OK)
		return false;
	const struct entry *entry = genops_ledger_table_find(&ledger->pending, ids);
	if (entry) {
		*ret_actual_nano_usd = entry->cost_nano_usd;
		return true;
	}
	if (find_in_runs(ledger, ids, hash, 0, INT64_MAX, &found, &cost, NULL) != GENOPS_OK || !found)
		return false;
	*ret_actual_nano_usd = cost;
	return true;
}

bool genops_ledger_has(
    struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8], int64_t start_unix_ns)
{
	uint8_t ids[24];
	bool found;
	int64_t cost, hash = genops_ledger_identity(ledger, trace_id, span_id);
	int64_t start = start_unix_ns < 0 ? 0 : start_unix_ns;
	join_ids(trace_id, span_id, ids);
	if (!ledger->is_writer || genops_ledger_identity_load(ledger, NULL) != GENOPS_OK)
		return false;
	return genops_ledger_table_find(&ledger->pending, ids) ||
	       (find_in_runs(ledger, ids, hash, start, start, &found, &cost, NULL) == GENOPS_OK && found);
}
