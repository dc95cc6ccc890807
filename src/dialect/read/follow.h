/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/follow.h - the state of following one response, for every dialect.
 *
 * Reads JSON, or the JSON in server-sent events, by the endpoint's rows into a genops_answer. Where
 * usage was asked for on the client's behalf (genops_call.asks_usage) the stream is rewritten
 * (rewrite.c) so that the client sees the very bytes of a stream that nobody asked: without the
 * usage chunk and without the "usage":null of the others.
 */
#ifndef DIALECT_READ_FOLLOW_H
#define DIALECT_READ_FOLLOW_H

#include "codec/sse.h"
#include "dialect/read/counts.h"
#include "dialect/read/fields.h"

struct genops_rewrite {
	struct genops_buffer held; /* an event that has only begun; owned */
	struct genops_buffer out;  /* what goes out for the piece being read; owned */
	genops_str raw;		   /* bytes at hand: held and the piece, or the piece alone */
	uint64_t raw_start;	   /* their offset in the stream */
	uint64_t sent;		   /* stream bytes put out or dropped */
	bool is_on;
};

struct genops_follow {
	struct genops_response_info info;
	struct genops_arena *arena;
	struct genops_answer *answer;  /* the caller's; set while a call runs */
	struct genops_json_scan *scan; /* owned; NULL: nothing to read (any more) */
	struct genops_sse *sse;	       /* owned; NULL: no stream */
	uint64_t offset;	       /* bytes seen */
	struct genops_rewrite rewrite;
	struct genops_counts known, pending;
	int n_models; /* copies taken into the arena */

	/* of the event being read */
	bool has_choice, has_usage_object;
	bool is_repeat; /* it tells an output item again that was told before */
	int64_t n_calls, n_searches;
	uint64_t null_start, null_end; /* of "usage":null in the event's data; 0, 0: none */
};

int genops_follow_begin(
    void *state, struct genops_arena *arena, const struct genops_response_info *info);
void genops_follow_header(
    void *state, genops_str name, genops_str value, struct genops_answer *answer);
void genops_follow_feed(
    void *state, genops_str piece, struct genops_tap *ret_tap, struct genops_answer *answer);
void genops_follow_finish(void *state, struct genops_tap *ret_tap, struct genops_answer *answer);
void genops_follow_done(void *state);

/* Takes follow->pending as reported usage. */
void genops_follow_commit(struct genops_follow *follow, bool is_first);

/* rewrite.c */
void genops_rewrite_begin(struct genops_rewrite *rewrite, bool is_on);
void genops_rewrite_done(struct genops_rewrite *rewrite);
/* Takes a piece (before its events are read); on_event for each event; ends the piece. */
void genops_rewrite_piece(struct genops_rewrite *rewrite, genops_str piece, uint64_t offset);
void genops_rewrite_drop(struct genops_rewrite *rewrite, const struct genops_sse_event *event);
void genops_rewrite_drop_member(struct genops_rewrite *rewrite,
    const struct genops_sse_event *event, uint64_t value_start, uint64_t value_end);
/* Everything before `boundary` may go out. Fills the tap for the piece. */
void genops_rewrite_end_piece(struct genops_rewrite *rewrite, genops_str piece, uint64_t boundary,
    struct genops_tap *ret_tap);

#endif
