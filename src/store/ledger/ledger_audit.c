/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_audit.c - reading the audit chain, and proving that it is whole.
 *
 * What verify finds: a changed, inserted, deleted or reordered row; rows cut off at the end (table meta and audit.head know
 * better); and that audit.head itself was lost once (an event in the chain says so). What it cannot find is told in
 * docs/ledger.md.
 */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"
#include "base/str.h"

#include <string.h>

#define WHERE_MAX 32
#define SQL_MAX   ((size_t)65536)

/* A filter's SQL; `parameter` is its value's. */
static void add_filter(struct genops_buffer *sql, genops_str key, int parameter)
{
	for (int i = 0; i < GENOPS_DIMENSION_N; i++)
		if (genops_str_is(key, genops_ledger_dimension_names[i])) {
			genops_buffer_printf(sql, " AND d.%s=?%d", genops_ledger_dimension_names[i], parameter);
			return;
		}
	if (genops_str_is(key, "kind"))
		genops_buffer_printf(sql, " AND a.kind=?%d", parameter);
	else if (genops_str_is(key, "operation")) /* its id: "<trace>-<span>" */
		genops_buffer_printf(sql,
		    " AND a.sequence IN (" GENOPS_LEDGER_IDS ")"
		    " AND lower(hex(o.trace_id))||'-'||lower(hex(o.span_id))=lower(?%d)",
		    parameter);
	else if (genops_str_is(key, "name") || genops_str_is(key, "type") || genops_str_is(key, "outcome") ||
	    genops_str_is(key, "reason") || genops_str_is(key, "policy"))
		genops_buffer_printf(sql, " AND o.%.*s=?%d", GENOPS_STR_ARG(key), parameter);
	else
		genops_buffer_printf(sql,
		    " AND ?%d=(SELECT CASE type WHEN 'true' THEN type WHEN 'false' THEN type ELSE CAST(value AS TEXT) END"
		    " FROM json_each(o.attributes) WHERE key=?%d)",
		    parameter, parameter + 1);
}

static void build(struct genops_buffer *sql, const struct genops_audit_query *query)
{
	genops_buffer_add_text(sql,
	    "SELECT a.sequence,a.unix_ns,a.kind,a.payload,a.hash FROM audit a"
	    " LEFT JOIN operation o ON o.id=a.sequence LEFT JOIN dimension d ON d.id=o.dimension"
	    " WHERE a.sequence>?5 AND a.unix_ns>=?2 AND a.unix_ns<?3");
	if (query->since_unix_ns > 0)
		genops_buffer_add_text(sql, " AND a.sequence>=(SELECT min(first_id) FROM hour WHERE start>?2/1000000000-3600)");
	if (query->until_unix_ns > 0)
		genops_buffer_add_text(sql, " AND a.sequence<=(SELECT max(last_id) FROM hour WHERE start*1000000000<?3)");
	for (size_t i = 0; i < query->n_where; i++)
		add_filter(sql, query->where[i].key, 6 + 2 * (int)i);
	genops_buffer_printf(sql, " ORDER BY a.sequence %s LIMIT ?4", query->newest_first ? "DESC" : "ASC");
}

/* What a filter needs beside its value: an operation's identity is ?1, an attribute's name the next parameter. */
static void bind_second(const struct genops_ledger *ledger, sqlite3_stmt *row, int parameter,
    const struct genops_text_pair *where)
{
	genops_str prefix = GENOPS_STR("attribute:");
	uint8_t trace_id[16], span_id[8];
	if (!genops_str_is(where->key, "operation")) {
		genops_ledger_bind_text(row, parameter,
		    genops_str_starts(where->key, prefix) ? genops_str_skip(where->key, prefix.len) : where->key);
		return;
	}
	if (where->value.len == 49 && genops_str_from_hex((genops_str){where->value.ptr, 32}, trace_id, 16) &&
	    genops_str_from_hex(genops_str_skip(where->value, 33), span_id, 8))
		sqlite3_bind_int64(row, 1, genops_ledger_identity(ledger, trace_id, span_id));
}

static void bind(const struct genops_ledger *ledger, sqlite3_stmt *row, const struct genops_audit_query *query)
{
	sqlite3_bind_int64(row, 5, query->after_sequence);
	sqlite3_bind_int64(row, 2, query->since_unix_ns);
	sqlite3_bind_int64(row, 3, query->until_unix_ns > 0 ? query->until_unix_ns : INT64_MAX);
	sqlite3_bind_int64(row, 4, query->limit > 0 ? query->limit : -1);
	for (size_t i = 0; i < query->n_where; i++) {
		genops_ledger_bind_text(row, 6 + 2 * (int)i, query->where[i].value);
		bind_second(ledger, row, 7 + 2 * (int)i, &query->where[i]);
	}
}

static int read_row(
    struct genops_ledger *ledger, sqlite3_stmt *row, struct genops_audit_row *ret_row, struct genops_error *err)
{
	genops_str hash = genops_ledger_column(row, 4);
	*ret_row = (struct genops_audit_row){
	    .sequence = sqlite3_column_int64(row, 0),
	    .unix_ns = sqlite3_column_int64(row, 1),
	    .kind = genops_ledger_column(row, 2),
	    .payload = genops_ledger_column(row, 3),
	};
	if (hash.len != sizeof ret_row->hash)
		return genops_fail(err, GENOPS_CORRUPT, "audit record %lld has no hash", (long long)ret_row->sequence);
	memcpy(ret_row->hash, hash.ptr, hash.len);
	return GENOPS_OK;
}

static int each_row(struct genops_ledger *ledger, sqlite3_stmt *row, genops_audit_fn *on_row, void *arg,
    struct genops_error *err)
{
	int step;
	while ((step = sqlite3_step(row)) == SQLITE_ROW) {
		struct genops_audit_row audit;
		GENOPS_TRY(read_row(ledger, row, &audit, err));
		GENOPS_TRY(on_row(arg, &audit));
	}
	return step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "audit", err);
}

int genops_ledger_audit(struct genops_ledger *ledger, const struct genops_audit_query *query, genops_audit_fn *on_row,
    void *arg, struct genops_error *err)
{
	if (query->n_where > WHERE_MAX)
		return genops_fail(err, GENOPS_LIMIT, "audit records are filtered by at most %d keys", WHERE_MAX);
	struct genops_buffer sql;
	genops_buffer_init(&sql, SQL_MAX);
	build(&sql, query);
	sqlite3_stmt *row = NULL;
	int code = sql.error ? genops_fail(err, sql.error, "no memory for a query")
			     : genops_ledger_prepare(ledger, genops_buffer_view(&sql), &row, err);
	genops_buffer_done(&sql);
	if (code != GENOPS_OK)
		return code;
	bind(ledger, row, query);
	code = each_row(ledger, row, on_row, arg, err);
	sqlite3_finalize(row);
	return code;
}

struct verification {
	struct genops_ledger *ledger;
	struct genops_error *err;
	struct genops_chain_head last, outside; /* outside: audit.head, read before the rows */
	bool has_outside;
	int64_t n_rows, first_bad;
};

static int bad(struct verification *check, int64_t sequence, const char *what)
{
	check->first_bad = sequence;
	return genops_fail(check->err, GENOPS_CORRUPT, "audit record %lld %s", (long long)sequence, what);
}

static int check_row(void *arg, const struct genops_audit_row *row)
{
	struct verification *check = arg;
	int64_t expected = check->last.sequence + 1;
	uint8_t hash[32];
	bool ok;
	if (row->sequence != expected)
		return bad(check, row->sequence > expected ? expected : row->sequence,
		    row->sequence > expected ? "is missing" : "does not belong to the chain");
	genops_chain_hash(
	    check->ledger, check->last.hash, row->sequence, row->unix_ns, row->kind, row->payload, hash, &ok);
	if (!ok)
		return genops_fail(check->err, GENOPS_NOMEM, "out of memory for SHA-256");
	if (memcmp(hash, row->hash, sizeof hash) != 0)
		return bad(check, row->sequence, "was changed, inserted or moved: its hash does not fit");
	if (genops_str_is(row->kind, GENOPS_CHAIN_HEAD_LOST))
		return bad(check, row->sequence, "says that audit.head was lost before it: records may have been cut off there");
	if (check->has_outside && row->sequence == check->outside.sequence &&
	    memcmp(row->hash, check->outside.hash, sizeof row->hash) != 0)
		return bad(check, row->sequence, "is not the one that audit.head names: the chain was written anew");
	check->last.sequence = row->sequence;
	memcpy(check->last.hash, row->hash, sizeof row->hash);
	check->n_rows++;
	return GENOPS_OK;
}

static int check_end(struct verification *check)
{
	struct genops_chain_head meta;
	GENOPS_TRY(genops_chain_read_meta(check->ledger, &meta, check->err));
	int64_t next = check->last.sequence + 1;
	if (meta.sequence > check->last.sequence)
		return bad(check, next, "is missing: records were cut off at the end");
	if (meta.sequence < check->last.sequence || memcmp(meta.hash, check->last.hash, sizeof meta.hash) != 0)
		return bad(check, check->last.sequence, "is not the one that was recorded last");
	if (check->has_outside && check->outside.sequence > check->last.sequence)
		return bad(check, next, "is missing: audit.head knows of later records that were cut off");
	if (!check->has_outside && check->last.sequence > 0)
		return bad(check, next, "cannot be ruled out: audit.head is missing or unreadable");
	return GENOPS_OK;
}

/* audit.head is written after a commit: read before the rows, it is never ahead of them. */
static int read_outside(struct verification *check)
{
	int code = genops_chain_read_file(check->ledger, &check->outside, check->err);
	check->has_outside = code == GENOPS_OK;
	return code == GENOPS_NOT_FOUND || code == GENOPS_CORRUPT ? GENOPS_OK : code;
}

int genops_ledger_verify(
    struct genops_ledger *ledger, int64_t *ret_n_rows, int64_t *ret_first_bad, struct genops_error *err)
{
	struct verification check = {.ledger = ledger, .err = err};
	sqlite3_stmt *row = NULL;
	GENOPS_TRY(read_outside(&check));
	bool has_begun = genops_ledger_snapshot_begin(ledger);
	int code = genops_ledger_prepare(
	    ledger, GENOPS_STR("SELECT sequence,unix_ns,kind,payload,hash FROM audit ORDER BY sequence"), &row, err);
	if (code == GENOPS_OK)
		code = each_row(ledger, row, check_row, &check, err);
	sqlite3_finalize(row);
	if (code == GENOPS_OK)
		code = check_end(&check);
	if (has_begun)
		genops_ledger_snapshot_end(ledger);
	if (code != GENOPS_OK && !check.first_bad)
		return code;
	*ret_n_rows = check.n_rows;
	*ret_first_bad = check.first_bad;
	return GENOPS_OK;
}

int genops_ledger_head(
    struct genops_ledger *ledger, int64_t *ret_sequence, uint8_t ret_hash[32], struct genops_error *err)
{
	struct genops_chain_head head;
	GENOPS_TRY(genops_chain_read_meta(ledger, &head, err));
	*ret_sequence = head.sequence;
	memcpy(ret_hash, head.hash, sizeof head.hash);
	return GENOPS_OK;
}
