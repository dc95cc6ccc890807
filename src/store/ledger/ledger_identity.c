/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_identity.c - which operations are there already, by trace and span id.
 *
 * Identities are random, so that an index that gets each one as it comes dirties a page an operation: most of what a
 * batch would write. They are gathered instead: the newest (at most PENDING_MAX, those behind meta.identified) are in memory and
 * go into table identity sorted, many to a page. After a death they are read from their operation rows again. Keys begin
 * with the hour of the start, so that the pages of other hours stay as they are.
 */
#include "store/ledger/ledger_impl.h"

#include "base/clock.h"
#include "base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY_BITS 40

struct identity_entry {
	uint8_t ids[24]; /* key: trace and span */
	int64_t key, id, cost_nano_usd;
};

static_assert(sizeof(struct identity_entry) == GENOPS_LEDGER_IDENTITY_SIZE, "as ledger.c sets up");

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
	return (int64_t)(genops_hash_checksum(ids, sizeof ids, ledger->seed) & ((UINT64_C(1) << IDENTITY_BITS) - 1));
}

int64_t genops_ledger_key(const struct genops_ledger *ledger, const struct genops_record *record)
{
	static_assert(IDENTITY_BITS < 63, "leaves room for the hour");
	int64_t start = record->start_unix_ns < 0 ? 0 : record->start_unix_ns, hour = start / (3600 * GENOPS_NS_PER_S);
	return hour << IDENTITY_BITS | genops_ledger_identity(ledger, record->trace_id, record->span_id);
}

static int compare(const void *a, const void *b)
{
	const struct identity_entry *left = a, *right = b;
	return left->key < right->key ? -1 : left->key > right->key;
}

/* In the transaction that is open: all that is pending into the table. */
static int flush(struct genops_ledger *ledger, struct genops_error *err)
{
	struct genops_ledger_table *pending = &ledger->identities;
	struct identity_entry *entries = (struct identity_entry *)(void *)pending->entries;
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_IDENTITY];
	int64_t last = 0;
	qsort(entries, pending->n, sizeof *entries, compare);
	for (size_t i = 0; i < pending->n; i++) {
		last = entries[i].id > last ? entries[i].id : last;
		sqlite3_bind_int64(row, 1, entries[i].key);
		sqlite3_bind_int64(row, 2, entries[i].id);
		GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_IDENTITY, err));
	}
	genops_ledger_bind_text(ledger->statements[GENOPS_LEDGER_SET_META], 1, GENOPS_STR("identified"));
	sqlite3_bind_int64(ledger->statements[GENOPS_LEDGER_SET_META], 2, last);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_SET_META, err));
	genops_ledger_table_clear(pending);
	return GENOPS_OK;
}

static int remember(struct genops_ledger *ledger, const uint8_t ids[24], int64_t key, int64_t id, int64_t cost,
    struct genops_error *err)
{
	bool is_new;
	struct identity_entry *entry = genops_ledger_table_at(&ledger->identities, ids, &is_new);
	if (!entry)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's identities");
	if (is_new) {
		entry->key = key;
		entry->id = id;
		entry->cost_nano_usd = cost;
	}
	return GENOPS_OK;
}

static int load_row(struct genops_ledger *ledger, sqlite3_stmt *row, struct genops_error *err)
{
	genops_str trace = genops_ledger_column(row, 2), span = genops_ledger_column(row, 3);
	uint8_t ids[24];
	if (trace.len != 16 || span.len != 8)
		return GENOPS_OK; /* not written by us */
	join_ids((const uint8_t *)trace.ptr, (const uint8_t *)span.ptr, ids);
	return remember(ledger, ids, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
	    sqlite3_column_int64(row, 4), err);
}

int genops_ledger_identity_load(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row;
	if (ledger->has_identities)
		return GENOPS_OK;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT key, id, trace_id, span_id, cost_nano_usd FROM operation"
		       " WHERE id > (SELECT value FROM meta WHERE key = 'identified') ORDER BY id LIMIT ?"),
	    &row, err));
	sqlite3_bind_int64(row, 1, (sqlite3_int64)ledger->identities.max); /* more are none of ours */
	int step, code = GENOPS_OK;
	while (code == GENOPS_OK && (step = sqlite3_step(row)) != SQLITE_DONE)
		code = step == SQLITE_ROW ? load_row(ledger, row, err) : genops_ledger_fail(ledger, "query", err);
	sqlite3_finalize(row);
	if (code == GENOPS_OK)
		ledger->has_identities = true;
	else
		genops_ledger_table_clear(&ledger->identities);
	return code;
}

void genops_ledger_identity_forget(struct genops_ledger *ledger)
{
	genops_ledger_table_clear(&ledger->identities);
	ledger->has_identities = false;
}

/* Runs a FIND, its key bound, to the row of this very operation. */
static int find(struct genops_ledger *ledger, sqlite3_stmt *row, const uint8_t trace_id[16],
    const uint8_t span_id[8], bool *ret_found, int64_t *ret_cost, struct genops_error *err)
{
	bool found = false;
	int step = SQLITE_DONE;
	while (!found && (step = sqlite3_step(row)) == SQLITE_ROW) {
		genops_str trace = genops_ledger_column(row, 0), span = genops_ledger_column(row, 1);
		found = trace.len == 16 && span.len == 8 && memcmp(trace.ptr, trace_id, 16) == 0 &&
		    memcmp(span.ptr, span_id, 8) == 0;
		if (found)
			*ret_cost = sqlite3_column_int64(row, 2);
	}
	int code = found || step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "query", err);
	sqlite3_reset(row);
	*ret_found = found;
	return code;
}

int genops_ledger_identity_has(struct genops_ledger *ledger, const struct genops_record *record, int64_t key,
    bool *ret_has, struct genops_error *err)
{
	uint8_t ids[24];
	int64_t cost;
	join_ids(record->trace_id, record->span_id, ids);
	if (genops_ledger_table_find(&ledger->identities, ids)) {
		*ret_has = true;
		return GENOPS_OK;
	}
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_FIND];
	sqlite3_bind_int64(row, 1, key);
	return find(ledger, row, record->trace_id, record->span_id, ret_has, &cost, err);
}

int genops_ledger_identity_add(struct genops_ledger *ledger, const struct genops_record *record, int64_t key,
    int64_t id, struct genops_error *err)
{
	uint8_t ids[24];
	join_ids(record->trace_id, record->span_id, ids);
	if (ledger->identities.n == ledger->identities.max)
		GENOPS_TRY(flush(ledger, err));
	return remember(ledger, ids, key, id, record->actual_nano_usd < 0 ? 0 : record->actual_nano_usd, err);
}

bool genops_ledger_settled(struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8],
    int64_t *ret_actual_nano_usd)
{
	static const char sql[] =
	    "WITH " GENOPS_LEDGER_HOURS " SELECT o.trace_id, o.span_id, o.cost_nano_usd FROM hours CROSS JOIN identity i"
	    " ON i.key = (h << 40 | ?1) JOIN operation o ON o.id = i.id";
	uint8_t ids[24];
	sqlite3_stmt *row;
	bool found;
	int64_t cost;
	if (genops_ledger_identity_load(ledger, NULL) != GENOPS_OK)
		return false;
	join_ids(trace_id, span_id, ids);
	const struct identity_entry *entry = genops_ledger_table_find(&ledger->identities, ids);
	if (entry) {
		*ret_actual_nano_usd = entry->cost_nano_usd;
		return true;
	}
	if (genops_ledger_prepare(ledger, genops_str_of(sql), &row, NULL) != GENOPS_OK)
		return false;
	sqlite3_bind_int64(row, 1, genops_ledger_identity(ledger, trace_id, span_id));
	int code = find(ledger, row, trace_id, span_id, &found, &cost, NULL);
	sqlite3_finalize(row);
	if (code != GENOPS_OK || !found)
		return false;
	*ret_actual_nano_usd = cost;
	return true;
}
