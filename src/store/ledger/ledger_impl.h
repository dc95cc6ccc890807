/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_impl.h - the inside of a genops_ledger, for the files of this folder only.
 *
 * Who does what: ledger.c opens and maps errors; ledger_schema.c has the tables; ledger_write.c one batch; ledger_rollup.c
 * what a batch adds up to; ledger_identity.c what is there already; kept/ what is known of others' calls, and alerts; ledger_chain.c the hashes and audit.head; ledger_read.c look-ups; ledger_sums.c and
 * ledger_groups.c the summaries; ledger_audit.c the chain's rows. A ledger is used by one thread at a time.
 */
#ifndef STORE_LEDGER_IMPL_H
#define STORE_LEDGER_IMPL_H

#include "base/buffer.h"
#include "store/ledger.h"
#include "store/observed.h"

#include <openssl/evp.h>
#include <sqlite3.h>

#define GENOPS_LEDGER_VERSION 2
#define GENOPS_SUMS_N         (sizeof(struct genops_sums) / sizeof(int64_t))
#define GENOPS_SUM_MAX        INT64_C(9000000000000000000) /* sums stop here instead of overflowing */
#define GENOPS_AUDIT_EVENT_MAX ((size_t)1 << 20)

/* What a roll-up is kept by. The columns of table dimension, in this order. X(column) */
#define GENOPS_DIMENSIONS(X)                                                                          \
	X(team)                                                                                       \
	X(project)                                                                                    \
	X(customer_id)                                                                                \
	X(environment)                                                                                \
	X(cost_center)                                                                                \
	X(feature)                                                                                    \
	X(provider)                                                                                   \
	X(model)                                                                                      \
	X(key_name)                                                                                   \
	X(result)

enum {
#define X(column) GENOPS_DIMENSION_##column,
	GENOPS_DIMENSIONS(X)
#undef X
	GENOPS_DIMENSION_N
};

/* X(symbol, SQL): the writer's statements, prepared at open. */
#define GENOPS_LEDGER_STATEMENTS(X)                                                                   \
	X(BEGIN) X(COMMIT) X(ROLLBACK) X(FIND) X(ADD_OPERATION) X(ADD_AUDIT) X(FIND_DIMENSION)        \
	X(ADD_DIMENSION) X(ADD_ROLLUP) X(ADD_HOUR) X(ADD_BUDGET) X(ADD_POSITION) X(DROP_POSITION)     \
	X(SET_META) X(ADD_IDENTITY) X(ADD_RUN) X(ADD_CANDIDATE) X(DUE_CANDIDATE) X(CANDIDATES_OF)     \
	X(DROP_CANDIDATE) X(HASTEN_CANDIDATES) X(ADD_OUTBOX) X(NEXT_OUTBOX) X(DROP_OUTBOX) X(ADD_SEEN)   \
	X(FIND_SEEN) X(DROP_SEEN) X(ADD_SEEN_RUN) X(DROP_SEEN_RUN) X(NEWEST_ALERT) X(ADD_ALERT) X(CLOSE_ALERT)   \
	X(WAITING_ALERTS) X(QUEUED_ALERTS) X(DROP_ALERTS) X(OVER_ALERTS) X(OPEN_ALERTS)

enum genops_ledger_statement {
#define X(symbol) GENOPS_LEDGER_##symbol,
	GENOPS_LEDGER_STATEMENTS(X)
#undef X
	GENOPS_LEDGER_STATEMENT_N
};

/* How coarse a roll-up is; the values of rollup.level. */
enum genops_rollup_level { GENOPS_ROLLUP_HOUR, GENOPS_ROLLUP_DAY, GENOPS_ROLLUP_MONTH, GENOPS_ROLLUP_N };

/* A growing hash table of fixed-size entries; an entry begins with its key (no padding in it). */
struct genops_ledger_table {
	size_t key_size, entry_size, max;
	size_t n, cap, n_slots;
	uint32_t *slots; /* entry number + 1; 0: free */
	char *entries;
};

struct genops_chain_head {
	int64_t sequence; /* of the newest link; 0: none */
	uint8_t hash[32];
};

#define GENOPS_SEEN_RUNS_MAX (GENOPS_SEEN_ROWS_MAX / GENOPS_SEEN_RUN_ROWS)

/* kept/ledger_seen.c: what the runs of table seen hold; oldest first, the last one is being filled. */
struct genops_ledger_seen {
	bool is_loaded, is_dirty;
	int64_t full_key; /* the last one of which all places were found taken; 0: none */
	size_t n;
	struct genops_ledger_seen_run {
		int64_t number, n, first_ns, last_ns, made_s;
	} runs[GENOPS_SEEN_RUNS_MAX];
	struct genops_ledger_seen_filter {
		int64_t number; /* of the run that it is of */
		uint64_t *bits; /* a superset of the run's hashes: most look-ups end here. NULL: not made yet */
	} filters[GENOPS_SEEN_RUNS_MAX];
};

#define GENOPS_LEDGER_OPERATION_COLUMNS 64 /* at most */

struct genops_ledger {
	sqlite3 *db;
	char *path, *head_path;
	bool is_writer, is_in_batch, has_failed;
	uint64_t seed;                         /* of identity hashes; random per ledger */
	sqlite3_stmt *statements[GENOPS_LEDGER_STATEMENT_N];
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	int head_fd;
	struct genops_chain_head head, committed;
	struct genops_ledger_table dimensions; /* identity -> id, a cache */
	struct genops_ledger_table rollups, hours, budgets; /* what the batch adds up to */
	struct genops_ledger_table pending;    /* identities of the newest operations, not yet in a run */
	struct genops_ledger_run {
		int64_t number, last_id, first_ns, last_ns;
		int64_t newest_ns;              /* the greatest last_ns up to this one */
	} *runs;
	size_t n_runs, max_runs;
	bool has_identities;                   /* pending and runs have been loaded */
	struct genops_ledger_bounds {
		int64_t start, end;
	} bounds[GENOPS_ROLLUP_N];              /* of the last operation's hour, day, month */
	struct genops_buffer text, evaluations; /* JSON of the row being written */
	struct genops_buffer dimension_texts;  /* of the last operation, whose dimension is: */
	int64_t dimension_id;                  /* 0: none */
	struct genops_ledger_bound {
		bool is_set, is_null;
		int64_t value;
	} bound[GENOPS_LEDGER_OPERATION_COLUMNS + 1]; /* integers of ADD_OPERATION, which keeps them: most stay as they are */
	struct genops_ledger_seen seen;
	int64_t candidate_bytes;               /* of candidates and outbox, if has_candidate_bytes */
	bool has_candidate_bytes;
};

/* ledger.c: what SQLite says, as our error; never OK. And one statement stepped to its end and reset; whoever runs it again
 * binds all its parameters again, but for those that `bound` says it keeps. */
int genops_ledger_fail(struct genops_ledger *ledger, const char *what, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_run(
    struct genops_ledger *ledger, enum genops_ledger_statement statement, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_exec(struct genops_ledger *ledger, const char *sql, struct genops_error *err);
/* One snapshot for several statements; false: there is one already (a writer's batch), or none could be had. */
bool genops_ledger_snapshot_begin(struct genops_ledger *ledger);
void genops_ledger_snapshot_end(struct genops_ledger *ledger);
/* A reader's own statement; the caller finalizes. */
GENOPS_NODISCARD int genops_ledger_prepare(
    struct genops_ledger *ledger, genops_str sql, sqlite3_stmt **ret_statement, struct genops_error *err);
void genops_ledger_bind_text(sqlite3_stmt *statement, int index, genops_str text);
void genops_ledger_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t len);
genops_str genops_ledger_column(sqlite3_stmt *statement, int column); /* borrowed until the next step */

/* ledger_identity.c: identity.key is the run's number, shifted, and a hash of the ids. GENOPS_LEDGER_IDS gives the operations whose
 * hash is ?1, or that are not in a run yet. */
#define GENOPS_LEDGER_IDENTITY_SIZE 64
#define GENOPS_LEDGER_IDS                                                                             \
	"SELECT i.id FROM run CROSS JOIN identity i ON i.key BETWEEN (number << 40 | ?1) AND (number << 40 | ?1) + 15" \
	" UNION ALL SELECT id FROM operation WHERE id > (SELECT coalesce(max(last_id), 0) FROM run)"
int64_t genops_ledger_identity(const struct genops_ledger *ledger, const uint8_t trace_id[16], const uint8_t span_id[8]);
GENOPS_NODISCARD int genops_ledger_identity_load(struct genops_ledger *ledger, struct genops_error *err); /* once */
void genops_ledger_identity_forget(struct genops_ledger *ledger);
/* *ret_is_new false: it is there already. Else it is known from now on, as the row `id`. */
GENOPS_NODISCARD int genops_ledger_identity_claim(struct genops_ledger *ledger, const struct genops_record *record,
    int64_t id, bool *ret_is_new, struct genops_error *err);

/* ledger_schema.c */
extern const char *const genops_ledger_schema; /* of GENOPS_LEDGER_VERSION */
extern const char *const genops_ledger_schema_observed; /* made where it is missing: readers and older writers do not need it */
extern const char *const genops_ledger_sql[GENOPS_LEDGER_STATEMENT_N];
extern const char *const genops_ledger_dimension_names[GENOPS_DIMENSION_N];

/* ledger_table.c: the entry of this key, new ones zeroed behind their key. NULL: no memory, or `max` entries. Moves when it grows. */
void *genops_ledger_table_at(struct genops_ledger_table *table, const void *key, bool *ret_is_new);
void *genops_ledger_table_find(const struct genops_ledger_table *table, const void *key); /* NULL: there is none */
void genops_ledger_table_clear(struct genops_ledger_table *table);
void genops_ledger_table_done(struct genops_ledger_table *table);

/* ledger_rollup.c */
GENOPS_NODISCARD int genops_ledger_dimension(struct genops_ledger *ledger, const struct genops_record *record,
    int64_t *ret_id, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_roll(struct genops_ledger *ledger, const struct genops_record *record,
    int64_t dimension, int64_t id, int64_t unix_s, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_roll_hour(
    struct genops_ledger *ledger, int64_t id, int64_t unix_s, struct genops_error *err);
GENOPS_NODISCARD int genops_ledger_roll_flush(struct genops_ledger *ledger, struct genops_error *err);
void genops_ledger_roll_forget(struct genops_ledger *ledger);

/* kept/ledger_seen.c: the end of a batch. */
GENOPS_NODISCARD int genops_ledger_seen_flush(struct genops_ledger *ledger, struct genops_error *err);
void genops_ledger_seen_forget(struct genops_ledger *ledger);
void genops_ledger_seen_done(struct genops_ledger *ledger);

/* ledger_chain.c */
void genops_chain_hash(struct genops_ledger *ledger, const uint8_t previous[32], int64_t sequence, int64_t unix_ns,
    genops_str kind, genops_str payload, uint8_t ret_hash[32], bool *ret_ok);
GENOPS_NODISCARD int genops_chain_add(struct genops_ledger *ledger, int64_t unix_ns, genops_str kind,
    genops_str payload, struct genops_error *err);
GENOPS_NODISCARD int genops_chain_resume(struct genops_ledger *ledger, struct genops_error *err);
GENOPS_NODISCARD int genops_chain_store(struct genops_ledger *ledger, struct genops_error *err); /* into meta */
bool genops_chain_publish(struct genops_ledger *ledger); /* into audit.head */
/* NOT_FOUND: no head was ever stored there. */
GENOPS_NODISCARD int genops_chain_read_file(
    const struct genops_ledger *ledger, struct genops_chain_head *ret_head, struct genops_error *err);
GENOPS_NODISCARD int genops_chain_read_meta(
    struct genops_ledger *ledger, struct genops_chain_head *ret_head, struct genops_error *err);
/* The kind of the event that says that audit.head was lost or did not fit when a writer opened the ledger. */
#define GENOPS_CHAIN_HEAD_LOST "audit.head_lost"

/* ledger_groups.c: the groups of one sums query. */
struct genops_groups;
#define GENOPS_GROUPS_MAX ((size_t)1 << 20)
struct genops_groups *genops_groups_new(void);
void genops_groups_free(struct genops_groups *groups);
/* The group that has these n (at most 4) texts, made with zero sums if it is new. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_groups_find(struct genops_groups *groups, const genops_str *keys, size_t n_keys,
    size_t *ret_index, struct genops_error *err);
size_t genops_groups_n(const struct genops_groups *groups);
const genops_str *genops_groups_keys(const struct genops_groups *groups, size_t index);
struct genops_sums *genops_groups_sums(struct genops_groups *groups, size_t index); /* until the next find */

#endif
