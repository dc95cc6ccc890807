/* SPDX-License-Identifier: Apache-2.0
 * exchange_drive.h - a host without sockets: drives whole exchanges and keeps what the client would have received. */
#ifndef TESTS_EXCHANGE_DRIVE_H
#define TESTS_EXCHANGE_DRIVE_H

#include "engine_fixture.h"

struct visit {
	const char *method, *target, *body;
	const char *headers[12]; /* name, value, name, value ... */
	size_t piece;            /* bytes of a piece, of request and answer; 0: whole */
	int status;              /* the provider's answer */
	const char *content_type, *answer;
	const char *response_headers[6];
	bool is_cut_short;       /* the provider goes away before its answer is complete */
	enum genops_outcome outcome;
};

struct visited {
	enum genops_admission admission;
	int status, code;
	char path[512], provider[64], sent_headers[2048], edited[8192], got[65536], reason[64], decision[32], id[64];
	struct genops_error err;
	size_t n_got;
	int64_t delay_ns;
	bool was_ended; /* by GenOps, in the middle */
};

static inline void add(struct visited *visited, genops_str text)
{
	assert_true(visited->n_got + text.len < sizeof visited->got);
	if (text.len)
		memcpy(visited->got + visited->n_got, text.ptr, text.len);
	visited->n_got += text.len;
	visited->got[visited->n_got] = '\0';
}

static inline void take_answer_headers(genops_exchange *exchange, struct visited *visited)
{
	struct genops_header headers[4];
	size_t n = genops_exchange_answer_headers(exchange, headers, 4);
	for (size_t i = 0; i < n; i++) {
		char *to = !strncmp(headers[i].name.ptr, "x-genops-decision", headers[i].name.len)    ? visited->decision
			   : !strncmp(headers[i].name.ptr, "x-genops-reason-code", headers[i].name.len) ? visited->reason
													: visited->id;
		keep(to, to == visited->decision ? 32 : 64, headers[i].value);
	}
}

static inline void apply_edits(const struct genops_forward *forward, const char *body, struct visited *visited)
{
	size_t at = 0, n = 0, len = strlen(body);
	for (size_t i = 0; i < forward->n_edits; i++) {
		const struct genops_edit *edit = &forward->edits[i];
		assert_true(edit->offset >= at && edit->offset + edit->removed <= len);
		memcpy(visited->edited + n, body + at, edit->offset - at);
		n += edit->offset - at;
		memcpy(visited->edited + n, edit->inserted.ptr, edit->inserted.len);
		n += edit->inserted.len;
		at = edit->offset + edit->removed;
	}
	memcpy(visited->edited + n, body + at, len - at + 1);
}

static inline void take_forward(const struct genops_forward *forward, const char *body, struct visited *visited)
{
	keep(visited->path, sizeof visited->path, forward->path);
	keep(visited->provider, sizeof visited->provider, forward->provider);
	visited->delay_ns = forward->delay_ns;
	for (size_t i = 0; i < forward->n_headers; i++) {
		size_t n = strlen(visited->sent_headers);
		snprintf(visited->sent_headers + n, sizeof visited->sent_headers - n, "%.*s: %.*s\n", (int)forward->headers[i].name.len,
		    forward->headers[i].name.ptr, (int)forward->headers[i].value.len,
		    forward->headers[i].value.len ? forward->headers[i].value.ptr : "");
	}
	apply_edits(forward, body, visited);
}

static inline void take_piece(genops_exchange *exchange, genops_str piece, struct visited *visited)
{
	struct genops_tap tap;
	genops_exchange_response_body(exchange, piece, &tap);
	size_t at = 0, end = tap.must_end ? tap.end_offset : piece.len;
	add(visited, tap.before);
	for (size_t i = 0; i < tap.n_hidden; i++) {
		size_t offset = tap.hidden[i].offset < end ? tap.hidden[i].offset : end;
		if (offset > at)
			add(visited, (genops_str){piece.ptr + at, offset - at});
		at = tap.hidden[i].offset + tap.hidden[i].len;
	}
	if (at < end)
		add(visited, (genops_str){piece.ptr + at, end - at});
	if (tap.must_end) {
		add(visited, tap.last);
		visited->was_ended = true;
	}
}

static inline void answer(genops_exchange *exchange, const struct visit *visit, struct visited *visited)
{
	size_t len = strlen(visit->answer), step = visit->piece ? visit->piece : len + 1;
	struct genops_tap tap;
	genops_exchange_response_head(
	    exchange, visit->status, genops_str_of(visit->content_type ? visit->content_type : "application/json"));
	for (size_t i = 0; i < 6 && visit->response_headers[i]; i += 2)
		genops_exchange_response_header(
		    exchange, genops_str_of(visit->response_headers[i]), genops_str_of(visit->response_headers[i + 1]));
	for (size_t at = 0; at < len && !visited->was_ended; at += step)
		take_piece(exchange, (genops_str){visit->answer + at, len - at < step ? len - at : step}, visited);
	if (visited->was_ended || visit->is_cut_short)
		return;
	genops_exchange_response_end(exchange, &tap);
	add(visited, tap.before);
	add(visited, tap.last);
}

static inline int send_request(genops_exchange *exchange, const struct visit *visit, struct visited *visited)
{
	struct genops_forward forward;
	struct genops_refusal refusal;
	const char *body = visit->body ? visit->body : "";
	size_t len = strlen(body), step = visit->piece ? visit->piece : len + 1;
	for (size_t i = 0; i < 12 && visit->headers[i]; i += 2) {
		int code = genops_exchange_header(
		    exchange, genops_str_of(visit->headers[i]), genops_str_of(visit->headers[i + 1]), &visited->err);
		if (code != GENOPS_OK)
			return code;
	}
	for (size_t at = 0; at < len; at += step) {
		int code = genops_exchange_body(exchange, (genops_str){body + at, len - at < step ? len - at : step}, &visited->err);
		if (code != GENOPS_OK)
			return code;
	}
	int code = genops_exchange_admit(exchange, &visited->admission, &forward, &refusal, &visited->err);
	if (code != GENOPS_OK)
		return code;
	take_answer_headers(exchange, visited);
	if (visited->admission == GENOPS_ADMIT_REFUSE) {
		visited->status = refusal.status;
		add(visited, refusal.body);
	} else {
		take_forward(&forward, body, visited);
	}
	return GENOPS_OK;
}

/* The whole exchange; `code` is that of the first call that failed. */
static inline struct visited *go(genops_engine *engine, struct visit visit)
{
	static struct visited visited;
	genops_exchange *exchange = NULL;
	memset(&visited, 0, sizeof visited);
	visited.code = genops_exchange_new(engine, genops_str_of(visit.method ? visit.method : "POST"), genops_str_of(visit.target), &exchange,
	    &visited.err);
	if (visited.code != GENOPS_OK)
		return &visited;
	visited.code = send_request(exchange, &visit, &visited);
	enum genops_outcome outcome = GENOPS_OUTCOME_NOT_SENT;
	if (visited.code == GENOPS_OK && visited.admission == GENOPS_ADMIT_FORWARD) {
		outcome = visit.outcome;
		if (visit.answer)
			answer(exchange, &visit, &visited);
	}
	genops_exchange_finish(exchange, outcome);
	return &visited;
}

#endif
