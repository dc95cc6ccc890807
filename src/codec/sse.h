/* SPDX-License-Identifier: Apache-2.0
 * codec/sse.h - server-sent events (WHATWG HTML 9.2), resumable at any byte.
 *
 * An event's data longer than data_max is told with is_cut and the rest skipped; nothing is
 * unbounded.
 */
#ifndef CODEC_SSE_H
#define CODEC_SSE_H

#include <genops/attribute.h>

struct genops_sse_event {
	genops_str name; /* field "event"; empty: "message" */
	genops_str data; /* lines joined with \n; borrowed for the call */
	bool is_cut; /* data (or a name over 128 bytes) was longer, or there was no memory for it */
	uint64_t start,
	    end; /* byte offsets in the stream of the whole event, its blank line included */
};

/* Blocks without data (comments, pings) are no events and are not told: their bytes lie in no
 * [start, end). After a blank line that ends in CR the event is told with the next byte, which may
 * be its LF. */
typedef void genops_sse_event_fn(void *arg, const struct genops_sse_event *event);

struct genops_sse;

struct genops_sse *genops_sse_new(
    size_t data_max, genops_sse_event_fn *on_event, void *arg); /* NULL: no memory */
void genops_sse_free(struct genops_sse *sse);
void genops_sse_feed(struct genops_sse *sse, genops_str piece);
void genops_sse_end(struct genops_sse
	*sse); /* once; an unfinished last event is dispatched if it has data (tolerant reader) */

/* Where the event that is being read began: everything before it is complete. */
uint64_t genops_sse_event_start(const struct genops_sse *sse);

#endif
