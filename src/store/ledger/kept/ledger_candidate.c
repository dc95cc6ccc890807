/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/kept/ledger_candidate.c - candidates and the outbox: see store/observed.h. */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"

#include <string.h>

/* How many bytes wait: counted once, then kept along; a rollback has it counted anew. */
static int load_bytes(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row;
	if (ledger->has_candidate_bytes)
		return GENOPS_OK;
	GENOPS_TRY(genops_ledger_prepare(ledger,
	    GENOPS_STR("SELECT (SELECT coalesce(sum(length(body)), 0) FROM candidate)"
		       " + (SELECT coalesce(sum(length(body)), 0) FROM outbox)"),
	    &row, err));
	int step = sqlite3_step(row);
	int code = step == SQLITE_ROW ? GENOPS_OK : genops_ledger_fail(ledger, "candidates", err);
	if (code == GENOPS_OK) {
		ledger->candidate_bytes = sqlite3_column_int64(row, 0);
		ledger->has_candidate_bytes = true;
	}
	sqlite3_finalize(row);
	return code;
}

int64_t genops_ledger_candidate_bytes(struct genops_ledger *ledger)
{
	return load_bytes(ledger, NULL) == GENOPS_OK ? ledger->candidate_bytes : 0;
}

int genops_ledger_candidate_add(struct genops_ledger *ledger, const struct genops_candidate *candidate, bool *ret_is_new,
    struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_CANDIDATE];
	GENOPS_TRY(load_bytes(ledger, err));
	if (ledger->candidate_bytes >= GENOPS_CANDIDATES_BYTES_MAX)
		return genops_fail(err, GENOPS_BUSY, "received spans of AI calls wait until others are settled");
	genops_ledger_bind_blob(row, 1, candidate->trace_id, sizeof candidate->trace_id);
	genops_ledger_bind_blob(row, 2, candidate->span_id, sizeof candidate->span_id);
	sqlite3_bind_int64(row, 3, candidate->received_unix_ns);
	sqlite3_bind_int64(row, 4, candidate->due_unix_ns);
	genops_ledger_bind_blob(row, 5, candidate->body.ptr, candidate->body.len);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_CANDIDATE, err));
	*ret_is_new = sqlite3_changes(ledger->db) > 0;
	if (*ret_is_new)
		ledger->candidate_bytes += (int64_t)candidate->body.len;
	return GENOPS_OK;
}

int genops_ledger_candidate_due(struct genops_ledger *ledger, int64_t now_unix_ns, uint8_t ret_trace_id[16], bool *ret_found,
    struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_DUE_CANDIDATE];
	sqlite3_bind_int64(row, 1, now_unix_ns);
	int step = sqlite3_step(row);
	int code = step == SQLITE_ROW || step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "candidates", err);
	*ret_found = false;
	if (step == SQLITE_ROW) {
		genops_str trace = genops_ledger_column(row, 0);
		*ret_found = trace.len == 16;
		if (*ret_found)
			memcpy(ret_trace_id, trace.ptr, 16);
	}
	sqlite3_reset(row);
	return code;
}

static int read_candidate(
    sqlite3_stmt *row, struct genops_arena *arena, struct genops_candidate *ret_candidate, struct genops_error *err)
{
	genops_str trace = genops_ledger_column(row, 1), span = genops_ledger_column(row, 2);
	struct genops_candidate candidate = {.id = sqlite3_column_int64(row, 0),
	    .received_unix_ns = sqlite3_column_int64(row, 3),
	    .due_unix_ns = sqlite3_column_int64(row, 4)};
	if (trace.len == 16)
		memcpy(candidate.trace_id, trace.ptr, 16);
	if (span.len == 8)
		memcpy(candidate.span_id, span.ptr, 8);
	if (!genops_arena_dup(arena, genops_ledger_column(row, 5), &candidate.body))
		return genops_fail(err, GENOPS_NOMEM, "no memory for received spans");
	*ret_candidate = candidate;
	return GENOPS_OK;
}

int genops_ledger_candidates_of(struct genops_ledger *ledger, const uint8_t trace_id[16], struct genops_arena *arena,
    size_t max_bytes, struct genops_candidate *ret_candidates, size_t max, size_t *ret_n, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_CANDIDATES_OF];
	size_t n = 0, bytes = 0;
	int step = SQLITE_DONE, code = GENOPS_OK;
	genops_ledger_bind_blob(row, 1, trace_id, 16);
	while (code == GENOPS_OK && n < max && bytes < max_bytes && (step = sqlite3_step(row)) == SQLITE_ROW) {
		code = read_candidate(row, arena, &ret_candidates[n], err);
		if (code == GENOPS_OK)
			bytes += ret_candidates[n++].body.len;
	}
	if (code == GENOPS_OK && step != SQLITE_ROW && step != SQLITE_DONE)
		code = genops_ledger_fail(ledger, "candidates", err);
	sqlite3_reset(row);
	*ret_n = n;
	return code;
}

int genops_ledger_candidate_drop(
    struct genops_ledger *ledger, const struct genops_candidate *candidate, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_DROP_CANDIDATE];
	GENOPS_TRY(load_bytes(ledger, err));
	sqlite3_bind_int64(row, 1, candidate->id);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_DROP_CANDIDATE, err));
	if (sqlite3_changes(ledger->db) > 0)
		ledger->candidate_bytes -= (int64_t)candidate->body.len;
	return GENOPS_OK;
}

int genops_ledger_candidates_hasten(struct genops_ledger *ledger, int64_t latest_due_unix_ns, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_HASTEN_CANDIDATES];
	sqlite3_bind_int64(row, 1, latest_due_unix_ns);
	return genops_ledger_run(ledger, GENOPS_LEDGER_HASTEN_CANDIDATES, err);
}

/* --- the outbox --- */

static int64_t hash_of(const struct genops_ledger *ledger, genops_str request)
{
	return (int64_t)genops_hash_checksum(request.ptr, request.len, ledger->seed);
}

int genops_ledger_outbox_add(
    struct genops_ledger *ledger, genops_str request, genops_str envelope, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_OUTBOX];
	GENOPS_TRY(load_bytes(ledger, err));
	sqlite3_bind_int64(row, 1, hash_of(ledger, request));
	genops_ledger_bind_blob(row, 2, envelope.ptr, envelope.len);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_OUTBOX, err));
	ledger->candidate_bytes += (int64_t)envelope.len;
	return GENOPS_OK;
}

int genops_ledger_outbox_next(struct genops_ledger *ledger, int64_t after, struct genops_buffer *out, int64_t *ret_id,
    struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_NEXT_OUTBOX];
	sqlite3_bind_int64(row, 1, after);
	int step = sqlite3_step(row), code = GENOPS_OK;
	*ret_id = 0;
	genops_buffer_clear(out);
	if (step == SQLITE_ROW) {
		*ret_id = sqlite3_column_int64(row, 0);
		genops_buffer_add(out, genops_ledger_column(row, 1));
		if (out->error)
			code = genops_fail(err, out->error, "no memory for received spans");
	} else if (step != SQLITE_DONE) {
		code = genops_ledger_fail(ledger, "outbox", err);
	}
	sqlite3_reset(row);
	return code;
}

int genops_ledger_outbox_drop(struct genops_ledger *ledger, genops_str request, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_DROP_OUTBOX];
	int step;
	GENOPS_TRY(load_bytes(ledger, err));
	sqlite3_bind_int64(row, 1, hash_of(ledger, request));
	while ((step = sqlite3_step(row)) == SQLITE_ROW)
		ledger->candidate_bytes -= sqlite3_column_int64(row, 0);
	int code = step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "outbox", err);
	sqlite3_reset(row);
	return code;
}
