/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger.c - see store/ledger.h: opening, migrating, and SQLite's failures as ours.
 *
 * synchronous=FULL: a commit is on the disk when it returns, one sync a batch. Segments are deleted after it and audit.head
 * is written after it, so that neither may run ahead of what a power failure leaves.
 */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 10000
#define TEXT_MAX        ((size_t)1 << 20)
#define ADDED_MAX       ((size_t)8192)  /* roll-up rows of one batch before they are written */
#define CACHE_MAX       ((size_t)65536) /* dimensions kept in memory */
#define PENDING_MAX     ((size_t)32768) /* identities gathered before they become a run */

static const char FIX_CORRUPT[] =
    "restore ledger.db and audit.head from a backup, or move ledger.db* and audit.head away together to begin anew "
    "(what was recorded is then no longer seen)";
static const char FIX_FULL[] = "free some space or move the state directory to another disk";

int genops_ledger_fail(struct genops_ledger *ledger, const char *what, struct genops_error *err)
{
	int code = sqlite3_errcode(ledger->db) & 0xff;
	const char *text = sqlite3_errmsg(ledger->db);
	ledger->has_failed = true;
	switch (code) {
	case SQLITE_NOMEM:
		return genops_fail(err, GENOPS_NOMEM, "%s: out of memory", what);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return genops_fail_fix(err, GENOPS_CORRUPT, FIX_CORRUPT, "%s: %s: %s", ledger->path, what, text);
	case SQLITE_FULL:
		return genops_fail_fix(err, GENOPS_FULL, FIX_FULL, "%s: %s: the disk is full", ledger->path, what);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return genops_fail(err, GENOPS_BUSY, "%s: %s: %s", ledger->path, what, text);
	case SQLITE_IOERR:
		if (sqlite3_system_errno(ledger->db) == ENOSPC)
			return genops_fail_fix(
			    err, GENOPS_FULL, FIX_FULL, "%s: %s: the disk is full", ledger->path, what);
		return genops_fail(err, GENOPS_IO, "%s: %s: %s", ledger->path, what, text);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return genops_fail(err, GENOPS_IO, "%s: %s: %s", ledger->path, what, text);
	default:
		return genops_fail(err, GENOPS_INTERNAL, "%s: %s: %s", ledger->path, what, text);
	}
}

int genops_ledger_exec(struct genops_ledger *ledger, const char *sql, struct genops_error *err)
{
	if (sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return genops_ledger_fail(ledger, "set-up", err);
	return GENOPS_OK;
}

int genops_ledger_run(
    struct genops_ledger *ledger, enum genops_ledger_statement statement, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[statement];
	int code = sqlite3_step(row) == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "write", err);
	sqlite3_reset(row);
	return code;
}

bool genops_ledger_snapshot_begin(struct genops_ledger *ledger)
{
	return sqlite3_get_autocommit(ledger->db) && sqlite3_exec(ledger->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
}

void genops_ledger_snapshot_end(struct genops_ledger *ledger)
{
	sqlite3_exec(ledger->db, "COMMIT", NULL, NULL, NULL);
}

int genops_ledger_prepare(
    struct genops_ledger *ledger, genops_str sql, sqlite3_stmt **ret_statement, struct genops_error *err)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(ledger->db, sql.ptr, (int)sql.len, &statement, NULL) != SQLITE_OK)
		return genops_ledger_fail(ledger, "query", err);
	*ret_statement = statement;
	return GENOPS_OK;
}

void genops_ledger_bind_text(sqlite3_stmt *statement, int index, genops_str text)
{
	sqlite3_bind_text64(statement, index, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void genops_ledger_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t len)
{
	sqlite3_bind_blob64(statement, index, bytes ? bytes : "", len, SQLITE_STATIC);
}

genops_str genops_ledger_column(sqlite3_stmt *statement, int column)
{
	/* _blob, not _text: the bytes as they are, whatever type was stored */
	genops_str text = {sqlite3_column_blob(statement, column), 0};
	if (text.ptr)
		text.len = (size_t)sqlite3_column_bytes(statement, column);
	return text;
}

static int read_int(struct genops_ledger *ledger, const char *sql, int64_t *ret, struct genops_error *err)
{
	sqlite3_stmt *statement = NULL;
	GENOPS_TRY(genops_ledger_prepare(ledger, genops_str_of(sql), &statement, err));
	int step = sqlite3_step(statement);
	int code = GENOPS_OK;
	if (step == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	else if (step == SQLITE_DONE)
		code = genops_fail_fix(err, GENOPS_CORRUPT, FIX_CORRUPT, "%s: its seed is missing", ledger->path);
	else
		code = genops_ledger_fail(ledger, "query", err);
	sqlite3_finalize(statement);
	return code;
}

static int create(struct genops_ledger *ledger, struct genops_error *err)
{
	int64_t seed;
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return genops_fail_errno(err, GENOPS_IO, errno, "no random numbers for the ledger");
	struct genops_buffer sql;
	genops_buffer_init(&sql, TEXT_MAX);
	genops_buffer_add_text(&sql, "BEGIN IMMEDIATE;");
	genops_buffer_add_text(&sql, genops_ledger_schema);
	genops_buffer_add_text(&sql, "INSERT INTO meta VALUES('seed',");
	genops_buffer_add_int(&sql, seed);
	genops_buffer_add_text(&sql, ");COMMIT;");
	genops_buffer_add_char(&sql, '\0');
	int code = sql.error ? genops_fail(err, sql.error, "out of memory for the ledger's schema")
			     : genops_ledger_exec(ledger, sql.ptr, err);
	genops_buffer_done(&sql);
	return code;
}

static int migrate(struct genops_ledger *ledger, struct genops_error *err)
{
	int64_t version = 0;
	GENOPS_TRY(read_int(ledger, "PRAGMA user_version", &version, err));
	if (version > GENOPS_LEDGER_VERSION)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "use the newer GenOps, or another state directory",
		    "%s was made by a newer GenOps (layout %lld)", ledger->path, (long long)version);
	if (version && version < GENOPS_LEDGER_VERSION)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED,
		    "use another state directory, or move ledger.db* and audit.head away together to begin anew",
		    "%s was made by an older GenOps (layout %lld)", ledger->path, (long long)version);
	if (version == 0 && !ledger->is_writer)
		return genops_fail(err, GENOPS_NOT_FOUND, "%s: nothing is recorded yet", ledger->path);
	if (version == 0)
		GENOPS_TRY(create(ledger, err));
	int64_t seed = 0;
	GENOPS_TRY(read_int(ledger, "SELECT value FROM meta WHERE key = 'seed'", &seed, err));
	ledger->seed = (uint64_t)seed;
	return GENOPS_OK;
}

/* SQLite takes over the mode of a file that is there; the WAL then has it too. */
static int make_file(const struct genops_ledger *ledger, struct genops_error *err)
{
	int fd = open(ledger->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return genops_fail_errno(
		    err, errno == ENOSPC ? GENOPS_FULL : GENOPS_IO, errno, "cannot make %s", ledger->path);
	close(fd);
	return GENOPS_OK;
}

static int open_database(struct genops_ledger *ledger, struct genops_error *err)
{
	if (ledger->is_writer)
		GENOPS_TRY(make_file(ledger, err));
	else if (access(ledger->path, F_OK) != 0)
		return genops_fail(err, GENOPS_NOT_FOUND, "%s: nothing is recorded yet", ledger->path);
	int code = sqlite3_open_v2(
	    ledger->path, &ledger->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!ledger->db)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger");
	if (code != SQLITE_OK)
		return genops_ledger_fail(ledger, "open", err);
	sqlite3_busy_timeout(ledger->db, BUSY_TIMEOUT_MS);
	sqlite3_extended_result_codes(ledger->db, 1);
	sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	GENOPS_TRY(genops_ledger_exec(ledger, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY", err));
	if (!ledger->is_writer)
		return genops_ledger_exec(ledger, "PRAGMA query_only=ON", err);
	/* Pages of 16 KiB: a tenth less CPU for a row than 8 KiB, since a commit writes half as many (measured). */
	return genops_ledger_exec(ledger,
	    "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "PRAGMA cache_size=-6144; PRAGMA wal_autocheckpoint=2048; PRAGMA journal_size_limit=67108864",
	    err);
}

static int prepare_writer(struct genops_ledger *ledger, struct genops_error *err)
{
	GENOPS_TRY(genops_ledger_exec(ledger, genops_ledger_schema_observed, err));
	for (size_t i = 0; i < GENOPS_LEDGER_STATEMENT_N; i++)
		if (sqlite3_prepare_v3(ledger->db, genops_ledger_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			&ledger->statements[i], NULL) != SQLITE_OK)
			return genops_ledger_fail(ledger, "prepare", err);
	return genops_chain_resume(ledger, err);
}

static char *join(const char *directory, const char *name)
{
	size_t n = strlen(directory), m = strlen(name);
	char *path = malloc(n + m + 2);
	if (path) {
		memcpy(path, directory, n);
		path[n] = '/';
		memcpy(path + n + 1, name, m + 1);
	}
	return path;
}

static struct genops_ledger *new_ledger(const char *state_dir, bool is_writer)
{
	struct genops_ledger *ledger = calloc(1, sizeof *ledger);
	if (!ledger)
		return NULL;
	ledger->is_writer = is_writer;
	ledger->head_fd = -1;
	ledger->path = join(state_dir, "ledger.db");
	ledger->head_path = join(state_dir, "audit.head");
	ledger->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ledger->digest = EVP_MD_CTX_new();
	genops_buffer_init(&ledger->text, TEXT_MAX);
	genops_buffer_init(&ledger->evaluations, TEXT_MAX);
	genops_buffer_init(&ledger->dimension_texts, TEXT_MAX);
	size_t sums = sizeof(struct genops_sums);
	ledger->dimensions = (struct genops_ledger_table){.key_size = 16, .entry_size = 24, .max = CACHE_MAX};
	ledger->rollups = (struct genops_ledger_table){.key_size = 24, .entry_size = 24 + sums, .max = ADDED_MAX};
	ledger->hours = (struct genops_ledger_table){.key_size = 8, .entry_size = 24, .max = ADDED_MAX};
	ledger->pending = (struct genops_ledger_table){
	    .key_size = 24, .entry_size = GENOPS_LEDGER_IDENTITY_SIZE, .max = PENDING_MAX};
	ledger->budgets = (struct genops_ledger_table){.key_size = 32, .entry_size = 32 + 128, .max = ADDED_MAX};
	if (!ledger->path || !ledger->head_path || !ledger->sha256 || !ledger->digest) {
		genops_ledger_close(ledger);
		return NULL;
	}
	return ledger;
}

int genops_ledger_open(
    const char *state_dir, bool is_writer, struct genops_ledger **ret_ledger, struct genops_error *err)
{
	struct genops_ledger *ledger = new_ledger(state_dir, is_writer);
	if (!ledger)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger");
	int code = open_database(ledger, err);
	if (code == GENOPS_OK)
		code = migrate(ledger, err);
	if (code == GENOPS_OK && is_writer)
		code = prepare_writer(ledger, err);
	if (code != GENOPS_OK) {
		genops_ledger_close(ledger);
		return code;
	}
	ledger->has_failed = false;
	*ret_ledger = ledger;
	return GENOPS_OK;
}

void genops_ledger_close(struct genops_ledger *ledger)
{
	if (!ledger)
		return;
	if (ledger->is_in_batch)
		genops_ledger_rollback(ledger);
	for (size_t i = 0; i < GENOPS_LEDGER_STATEMENT_N; i++)
		sqlite3_finalize(ledger->statements[i]);
	sqlite3_close(ledger->db);
	if (ledger->head_fd >= 0)
		close(ledger->head_fd);
	EVP_MD_CTX_free(ledger->digest);
	EVP_MD_free(ledger->sha256);
	genops_ledger_table_done(&ledger->dimensions);
	genops_ledger_table_done(&ledger->rollups);
	genops_ledger_table_done(&ledger->hours);
	genops_ledger_table_done(&ledger->budgets);
	genops_ledger_table_done(&ledger->pending);
	genops_ledger_seen_done(ledger);
	free(ledger->runs);
	genops_buffer_done(&ledger->text);
	genops_buffer_done(&ledger->evaluations);
	genops_buffer_done(&ledger->dimension_texts);
	free(ledger->path);
	free(ledger->head_path);
	free(ledger);
}
