/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/kept/ledger_seen.c - which spans and calls were there already: see store/observed.h.
 *
 * A row's key is its run's number above 48 bits of a seeded hash; the same hash again takes the next key. A run is as wide in time as what is in it,
 * so who looks for a time passes most runs by; of the others a filter in memory (64 KiB a run, made from the table when it is first asked) says no in
 * 199 of 200 look-ups. Within a run two hashes are equal by chance once in 10 billion look-ups. The runs' own rows are
 * written with each commit; after a rollback they are read again.
 */
#include "store/ledger/ledger_impl.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define HASH_BITS 48
#define HASH_MASK ((UINT64_C(1) << HASH_BITS) - 1)

#define FILTER_BITS  ((uint64_t)1 << 19) /* 16 a row; three of them set: 1 in 200 is set by chance */
#define FILTER_WORDS (FILTER_BITS / 64)

static void filter_places(uint64_t hash, uint64_t places[3])
{
	hash &= HASH_MASK;
	places[0] = hash % FILTER_BITS;
	places[1] = (hash >> 19) % FILTER_BITS;
	places[2] = hash * UINT64_C(0x9e3779b97f4a7c15) >> 45;
}

static void filter_add(uint64_t *bits, uint64_t hash)
{
	uint64_t places[3];
	filter_places(hash, places);
	for (size_t i = 0; i < 3; i++)
		bits[places[i] / 64] |= UINT64_C(1) << places[i] % 64;
}

static bool filter_may_have(const uint64_t *bits, uint64_t hash)
{
	uint64_t places[3];
	filter_places(hash, places);
	for (size_t i = 0; i < 3; i++) {
		if (!(bits[places[i] / 64] >> places[i] % 64 & 1))
			return false;
	}
	return true;
}

static bool filter_fill(struct genops_ledger *ledger, int64_t number, uint64_t *bits)
{
	sqlite3_stmt *row;
	int step;
	if (genops_ledger_prepare(ledger, GENOPS_STR("SELECT key FROM seen WHERE key BETWEEN ?1 AND ?2"), &row, NULL) != GENOPS_OK)
		return false;
	sqlite3_bind_int64(row, 1, number << HASH_BITS);
	sqlite3_bind_int64(row, 2, (int64_t)((uint64_t)number << HASH_BITS | HASH_MASK));
	while ((step = sqlite3_step(row)) == SQLITE_ROW)
		filter_add(bits, (uint64_t)sqlite3_column_int64(row, 0));
	sqlite3_finalize(row);
	return step == SQLITE_DONE;
}

/* NULL: there is none just now, the table says. What a rollback took away stays in it, which does no harm. */
static uint64_t *filter_of(struct genops_ledger *ledger, const struct genops_ledger_seen_run *run)
{
	struct genops_ledger_seen_filter *filter = &ledger->seen.filters[run->number % GENOPS_SEEN_RUNS_MAX];
	if (filter->bits && filter->number == run->number)
		return filter->bits;
	if (!filter->bits)
		filter->bits = malloc(FILTER_WORDS * sizeof *filter->bits);
	if (!filter->bits)
		return NULL;
	memset(filter->bits, 0, FILTER_WORDS * sizeof *filter->bits);
	filter->number = run->number;
	if (run->n && !filter_fill(ledger, run->number, filter->bits))
		filter->number = 0;
	return filter->number ? filter->bits : NULL;
}

static int load(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row;
	struct genops_ledger_seen *seen = &ledger->seen;
	int step, code = GENOPS_OK;
	if (seen->is_loaded)
		return GENOPS_OK;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT number, n, first_ns, last_ns, made_s FROM seen_run ORDER BY number DESC LIMIT 512"), &row, err));
	seen->n = 0;
	while ((step = sqlite3_step(row)) == SQLITE_ROW && seen->n < GENOPS_SEEN_RUNS_MAX)
		seen->runs[seen->n++] = (struct genops_ledger_seen_run){sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
		    sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3), sqlite3_column_int64(row, 4)};
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		code = genops_ledger_fail(ledger, "seen", err);
	sqlite3_finalize(row);
	for (size_t i = 0; i < seen->n / 2; i++) { /* oldest first */
		struct genops_ledger_seen_run run = seen->runs[i];
		seen->runs[i] = seen->runs[seen->n - 1 - i];
		seen->runs[seen->n - 1 - i] = run;
	}
	seen->is_loaded = code == GENOPS_OK;
	seen->is_dirty = false;
	return code;
}

static int store_run(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_SEEN_RUN];
	const struct genops_ledger_seen *seen = &ledger->seen;
	const struct genops_ledger_seen_run *run = &seen->runs[seen->n - 1];
	sqlite3_bind_int64(row, 1, run->number);
	sqlite3_bind_int64(row, 2, run->n);
	sqlite3_bind_int64(row, 3, run->first_ns);
	sqlite3_bind_int64(row, 4, run->last_ns);
	sqlite3_bind_int64(row, 5, run->made_s);
	return genops_ledger_run(ledger, GENOPS_LEDGER_ADD_SEEN_RUN, err);
}

static int drop_oldest(struct genops_ledger *ledger, struct genops_error *err)
{
	struct genops_ledger_seen *seen = &ledger->seen;
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_DROP_SEEN];
	int64_t number = seen->runs[0].number;
	sqlite3_bind_int64(row, 1, number << HASH_BITS);
	sqlite3_bind_int64(row, 2, (int64_t)((uint64_t)number << HASH_BITS | HASH_MASK));
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_DROP_SEEN, err));
	row = ledger->statements[GENOPS_LEDGER_DROP_SEEN_RUN];
	sqlite3_bind_int64(row, 1, number);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_DROP_SEEN_RUN, err));
	memmove(&seen->runs[0], &seen->runs[1], --seen->n * sizeof seen->runs[0]);
	return GENOPS_OK;
}

/* A run is begun when the last one is full, and then what is too old or too much goes. */
static int begin_run(struct genops_ledger *ledger, struct genops_error *err)
{
	struct genops_ledger_seen *seen = &ledger->seen;
	int64_t now_s = genops_clock_unix_ns() / GENOPS_NS_PER_S;
	if (seen->n)
		GENOPS_TRY(store_run(ledger, err));
	int64_t number = seen->n ? seen->runs[seen->n - 1].number + 1 : 1;
	while (seen->n == GENOPS_SEEN_RUNS_MAX || (seen->n && seen->runs[0].made_s < now_s - GENOPS_SEEN_KEEP_S &&
						      (seen->n > 1 || seen->runs[0].n >= GENOPS_SEEN_RUN_ROWS)))
		GENOPS_TRY(drop_oldest(ledger, err));
	seen->runs[seen->n++] = (struct genops_ledger_seen_run){.number = number, .first_ns = INT64_MAX, .made_s = now_s};
	return GENOPS_OK;
}

uint64_t genops_ledger_seen_hash(
    const struct genops_ledger *ledger, enum genops_seen_kind kind, genops_str first, genops_str second, genops_str third)
{
	uint64_t hash = ledger->seed ^ ((uint64_t)kind + 1) * UINT64_C(0x9e3779b97f4a7c15);
	hash = genops_hash_checksum(first.len ? first.ptr : "", first.len, hash);
	hash = genops_hash_checksum(second.len ? second.ptr : "", second.len, hash);
	return genops_hash_checksum(third.len ? third.ptr : "", third.len, hash);
}

/* A span may say that it ended before it began. */
static void put_in_order(int64_t *from, int64_t *until)
{
	if (*from <= *until)
		return;
	int64_t later = *from;
	*from = *until;
	*until = later;
}

static int find_in_run(struct genops_ledger *ledger, int64_t key, struct genops_seen *ret_seen, size_t *n,
    struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_FIND_SEEN];
	int step = SQLITE_DONE;
	sqlite3_bind_int64(row, 1, key);
	sqlite3_bind_int64(row, 2, key + GENOPS_SEEN_FOUND_MAX - 1);
	/* Only neighbours without a gap are of this hash. */
	for (; *n < GENOPS_SEEN_FOUND_MAX && (step = sqlite3_step(row)) == SQLITE_ROW && sqlite3_column_int64(row, 0) == key; key++)
		ret_seen[(*n)++] = (struct genops_seen){sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2)};
	int code = step == SQLITE_ROW || step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "seen", err);
	sqlite3_reset(row);
	return code;
}

int genops_ledger_seen_add(
    struct genops_ledger *ledger, uint64_t hash, const struct genops_seen *what, struct genops_error *err)
{
	struct genops_ledger_seen *seen = &ledger->seen;
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_SEEN];
	int64_t from = what->start_unix_ns, until = what->end_unix_ns;
	put_in_order(&from, &until);
	GENOPS_TRY(load(ledger, err));
	if (!seen->n || seen->runs[seen->n - 1].n >= GENOPS_SEEN_RUN_ROWS)
		GENOPS_TRY(begin_run(ledger, err));
	struct genops_ledger_seen_run *run = &seen->runs[seen->n - 1];
	int64_t key = (int64_t)((uint64_t)run->number << HASH_BITS | (hash & HASH_MASK));
	uint64_t *bits = filter_of(ledger, run);
	/* Who gives all answers one id fills its places: the last one tells, at a fraction of what trying each would take. */
	struct genops_seen last[GENOPS_SEEN_FOUND_MAX];
	size_t n_last = 0;
	if (key != seen->full_key && bits && filter_may_have(bits, hash))
		GENOPS_TRY(find_in_run(ledger, key + GENOPS_SEEN_FOUND_MAX - 1, last, &n_last, err));
	if (n_last)
		seen->full_key = key;
	bool is_added = key == seen->full_key;
	for (int i = 0; i < GENOPS_SEEN_FOUND_MAX && !is_added; i++) {
		sqlite3_bind_int64(row, 1, key + i);
		sqlite3_bind_int64(row, 2, what->start_unix_ns);
		sqlite3_bind_int64(row, 3, what->end_unix_ns);
		GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_SEEN, err));
		is_added = sqlite3_changes(ledger->db) > 0;
	}
	if (bits)
		filter_add(bits, hash);
	run->n++;
	if (from < run->first_ns)
		run->first_ns = from;
	if (until > run->last_ns)
		run->last_ns = until;
	seen->is_dirty = true;
	return GENOPS_OK;
}

int genops_ledger_seen_find(struct genops_ledger *ledger, uint64_t hash, int64_t from_unix_ns, int64_t until_unix_ns,
    struct genops_seen ret_seen[GENOPS_SEEN_FOUND_MAX], size_t *ret_n, struct genops_error *err)
{
	struct genops_ledger_seen *seen = &ledger->seen;
	*ret_n = 0;
	put_in_order(&from_unix_ns, &until_unix_ns);
	GENOPS_TRY(load(ledger, err));
	for (size_t i = seen->n; i-- > 0 && *ret_n < GENOPS_SEEN_FOUND_MAX;) {
		const struct genops_ledger_seen_run *run = &seen->runs[i];
		if (run->first_ns > until_unix_ns || run->last_ns < from_unix_ns)
			continue;
		const uint64_t *bits = filter_of(ledger, run);
		if (!bits || filter_may_have(bits, hash))
			GENOPS_TRY(find_in_run(ledger,
			    (int64_t)((uint64_t)run->number << HASH_BITS | (hash & HASH_MASK)), ret_seen, ret_n, err));
	}
	return GENOPS_OK;
}

int genops_ledger_seen_flush(struct genops_ledger *ledger, struct genops_error *err)
{
	if (!ledger->seen.is_dirty)
		return GENOPS_OK;
	GENOPS_TRY(store_run(ledger, err));
	ledger->seen.is_dirty = false;
	return GENOPS_OK;
}

void genops_ledger_seen_forget(struct genops_ledger *ledger)
{
	ledger->seen.is_loaded = ledger->seen.is_dirty = false;
	ledger->seen.full_key = 0;
	ledger->seen.n = 0;
	ledger->has_candidate_bytes = false;
}

void genops_ledger_seen_done(struct genops_ledger *ledger)
{
	for (size_t i = 0; i < GENOPS_SEEN_RUNS_MAX; i++)
		free(ledger->seen.filters[i].bits);
}
