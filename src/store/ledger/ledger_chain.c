/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_chain.c - the links of the audit chain, and its head outside the database (<state>/audit.head).
 *
 * hash = SHA-256(previous hash, 32 bytes (zeros before the first) || sequence, 8 bytes big-endian || Unix time in ns, 8 bytes
 * big-endian || kind || one zero byte || payload). The head is kept twice: in table meta with every batch, and in audit.head,
 * written after every commit. So it may be behind the chain (the writer died in between), never ahead of it: a head that
 * is not in the chain says that rows were cut off. The writer then goes on behind the furthest head it
 * knows, and the gap stays in sight for ever.
 */
#include "store/ledger/ledger_impl.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC    "genops-audit-head 1 "
#define HEAD_LEN (sizeof MAGIC - 1 + 19 + 1 + 64 + 1)
#define KIND_MAX 64

static void put_big_endian(uint8_t *bytes, int64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

void genops_chain_hash(struct genops_ledger *ledger, const uint8_t previous[32], int64_t sequence, int64_t unix_ns,
    genops_str kind, genops_str payload, uint8_t ret_hash[32], bool *ret_ok)
{
	uint8_t head[48 + KIND_MAX + 1];
	size_t kind_len = kind.len < KIND_MAX ? kind.len : KIND_MAX;
	memcpy(head, previous, 32);
	put_big_endian(head + 32, sequence);
	put_big_endian(head + 40, unix_ns);
	if (kind_len)
		memcpy(head + 48, kind.ptr, kind_len);
	head[48 + kind_len] = 0;
	*ret_ok = EVP_DigestInit_ex2(ledger->digest, ledger->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(ledger->digest, head, 48 + kind_len + 1) == 1 &&
	    EVP_DigestUpdate(ledger->digest, payload.ptr, payload.len) == 1 &&
	    EVP_DigestFinal_ex(ledger->digest, ret_hash, NULL) == 1;
}

int genops_chain_add(struct genops_ledger *ledger, int64_t unix_ns, genops_str kind, genops_str payload,
    struct genops_error *err)
{
	if (!kind.len || kind.len > KIND_MAX || memchr(kind.ptr, 0, kind.len))
		return genops_fail(err, GENOPS_MISUSE, "an audit event's kind has 1 to %d bytes", KIND_MAX);
	if (ledger->head.sequence == INT64_MAX)
		return genops_fail(err, GENOPS_LIMIT, "the audit chain has no more numbers");
	struct genops_chain_head next = {.sequence = ledger->head.sequence + 1};
	bool ok;
	genops_chain_hash(ledger, ledger->head.hash, next.sequence, unix_ns, kind, payload, next.hash, &ok);
	if (!ok)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for SHA-256");
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_AUDIT];
	sqlite3_bind_int64(row, 1, next.sequence);
	sqlite3_bind_int64(row, 2, unix_ns);
	genops_ledger_bind_text(row, 3, kind);
	genops_ledger_bind_blob(row, 4, payload.ptr, payload.len);
	genops_ledger_bind_blob(row, 5, next.hash, sizeof next.hash);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_AUDIT, err));
	ledger->head = next;
	return GENOPS_OK;
}

static int set_meta(struct genops_ledger *ledger, const char *key, struct genops_error *err)
{
	genops_ledger_bind_text(ledger->statements[GENOPS_LEDGER_SET_META], 1, genops_str_of(key));
	return genops_ledger_run(ledger, GENOPS_LEDGER_SET_META, err);
}

int genops_chain_store(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_SET_META];
	sqlite3_bind_int64(row, 2, ledger->head.sequence);
	GENOPS_TRY(set_meta(ledger, "head_sequence", err));
	genops_ledger_bind_blob(row, 2, ledger->head.hash, sizeof ledger->head.hash);
	return set_meta(ledger, "head_hash", err);
}

bool genops_chain_publish(struct genops_ledger *ledger)
{
	char hex[65], line[HEAD_LEN + 1];
	genops_str_to_hex(ledger->head.hash, sizeof ledger->head.hash, hex);
	snprintf(line, sizeof line, MAGIC "%019lld %s\n", (long long)ledger->head.sequence, hex);
	return pwrite(ledger->head_fd, line, HEAD_LEN, 0) == (ssize_t)HEAD_LEN;
}

int genops_chain_read_file(
    const struct genops_ledger *ledger, struct genops_chain_head *ret_head, struct genops_error *err)
{
	int fd = open(ledger->head_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return genops_fail_errno(
		    err, errno == ENOENT ? GENOPS_NOT_FOUND : GENOPS_IO, errno, "cannot read %s", ledger->head_path);
	char line[HEAD_LEN + 1];
	ssize_t n = pread(fd, line, sizeof line, 0);
	close(fd);
	struct genops_chain_head head;
	genops_str rest = {line, n > 0 ? (size_t)n : 0};
	if (rest.len != HEAD_LEN || memcmp(line, MAGIC, sizeof MAGIC - 1) != 0 || line[HEAD_LEN - 1] != '\n' ||
	    !genops_str_to_int((genops_str){line + sizeof MAGIC - 1, 19}, &head.sequence) ||
	    !genops_str_from_hex((genops_str){line + HEAD_LEN - 65, 64}, head.hash, sizeof head.hash))
		return genops_fail(err, GENOPS_CORRUPT, "%s does not hold a head", ledger->head_path);
	*ret_head = head;
	return GENOPS_OK;
}

int genops_chain_read_meta(
    struct genops_ledger *ledger, struct genops_chain_head *ret_head, struct genops_error *err)
{
	sqlite3_stmt *row;
	struct genops_chain_head head = {0};
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT s.value, h.value FROM meta s, meta h WHERE s.key = 'head_sequence'"
		       " AND h.key = 'head_hash'"),
	    &row, err));
	int code = GENOPS_OK, step = sqlite3_step(row);
	if (step == SQLITE_ROW) {
		genops_str hash = genops_ledger_column(row, 1);
		head.sequence = sqlite3_column_int64(row, 0);
		memcpy(head.hash, hash.ptr, hash.len == sizeof head.hash ? hash.len : 0);
	} else if (step != SQLITE_DONE) {
		code = genops_ledger_fail(ledger, "query", err);
	}
	sqlite3_finalize(row);
	if (code == GENOPS_OK)
		*ret_head = head;
	return code;
}

/* Is this head a row of the chain? */
static int has_head(struct genops_ledger *ledger, const struct genops_chain_head *head, bool *ret_has,
    struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger, GENOPS_STR("SELECT hash FROM audit WHERE sequence = ?"), &row, err));
	sqlite3_bind_int64(row, 1, head->sequence);
	int code = GENOPS_OK, step = sqlite3_step(row);
	if (step == SQLITE_ROW)
		*ret_has = genops_str_equal(
		    genops_ledger_column(row, 0), (genops_str){(const char *)head->hash, sizeof head->hash});
	else if (step == SQLITE_DONE)
		*ret_has = head->sequence == 0;
	else
		code = genops_ledger_fail(ledger, "query", err);
	sqlite3_finalize(row);
	return code;
}

static int open_head(struct genops_ledger *ledger, struct genops_error *err)
{
	ledger->head_fd = open(ledger->head_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (ledger->head_fd < 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "cannot make %s", ledger->head_path);
	if (!genops_chain_publish(ledger) || fsync(ledger->head_fd) != 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "cannot write %s", ledger->head_path);
	return GENOPS_OK;
}

/* Leaves in the chain itself that its head outside was lost: writing a new one must not wash that away. */
static int tell_lost(struct genops_ledger *ledger, const char *detail, struct genops_error *err)
{
	GENOPS_TRY(genops_ledger_begin(ledger, err));
	int code = genops_ledger_add_event(ledger, genops_clock_unix_ns(),
	    GENOPS_STR(GENOPS_CHAIN_HEAD_LOST), genops_str_of(detail), err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(ledger, err);
	if (code != GENOPS_OK)
		genops_ledger_rollback(ledger);
	return code;
}

/* Rows behind the head are none of ours. They stay for verify to find; new ones get numbers behind them. */
static int skip_foreign(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT max(coalesce((SELECT max(sequence) FROM audit), 0),"
		       " coalesce((SELECT max(id) FROM operation), 0))"),
	    &row, err));
	int code = sqlite3_step(row) == SQLITE_ROW ? GENOPS_OK : genops_ledger_fail(ledger, "query", err);
	if (code == GENOPS_OK && sqlite3_column_int64(row, 0) > ledger->head.sequence)
		ledger->head.sequence = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return code;
}

int genops_chain_resume(struct genops_ledger *ledger, struct genops_error *err)
{
	struct genops_chain_head meta, file = {0};
	GENOPS_TRY(genops_chain_read_meta(ledger, &meta, err));
	int code = genops_chain_read_file(ledger, &file, err);
	if (code != GENOPS_OK && code != GENOPS_NOT_FOUND && code != GENOPS_CORRUPT)
		return code;
	bool has_file = true;
	if (code == GENOPS_OK)
		GENOPS_TRY(has_head(ledger, &file, &has_file, err));
	ledger->head = code == GENOPS_OK && file.sequence > meta.sequence ? file : meta;
	GENOPS_TRY(skip_foreign(ledger, err));
	ledger->committed = ledger->head;
	GENOPS_TRY(open_head(ledger, err));
	if (code == GENOPS_OK && !has_file)
		return tell_lost(ledger, "{\"reason\":\"audit.head names a record that the chain does not have\"}", err);
	if (code != GENOPS_OK && meta.sequence > 0)
		return tell_lost(ledger, "{\"reason\":\"audit.head was missing or unreadable\"}", err);
	return GENOPS_OK;
}
