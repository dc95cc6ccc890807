/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/rewrite.c - takes the usage that GenOps asked for out of a stream again. See
 * follow.h.
 *
 * While it is on, every piece is hidden whole and the bytes due are sent by tap.before: all events
 * that are complete, less what is dropped. So what is held back is never more than the event being
 * read, and of that at most HELD_MAX: a longer event is no usage chunk and passes as it comes.
 * Without memory it stops rewriting and passes everything on.
 */
#include "dialect/read/follow.h"

#define HELD_MAX ((size_t)65536)

void genops_rewrite_begin(struct genops_rewrite *rewrite, bool is_on)
{
	*rewrite = (struct genops_rewrite){.is_on = is_on};
	genops_buffer_init(&rewrite->held, SIZE_MAX / 2);
	genops_buffer_init(&rewrite->out, SIZE_MAX / 2);
}

void genops_rewrite_done(struct genops_rewrite *rewrite)
{
	genops_buffer_done(&rewrite->held);
	genops_buffer_done(&rewrite->out);
}

void genops_rewrite_piece(struct genops_rewrite *rewrite, genops_str piece, uint64_t offset)
{
	genops_buffer_clear(&rewrite->out);
	rewrite->raw_start = offset - rewrite->held.len;
	/* All the room that this piece can need, so that nothing fails half way. */
	if (!genops_buffer_reserve(&rewrite->held, piece.len) ||
	    !genops_buffer_reserve(&rewrite->out, rewrite->held.len + piece.len)) {
		rewrite->is_on = false;
		return;
	}
	rewrite->raw = piece;
	if (rewrite->held.len) {
		genops_buffer_add(&rewrite->held, piece);
		rewrite->raw = genops_buffer_view(&rewrite->held);
	}
}

/* Puts out everything up to a place in the stream. */
static void put_until(struct genops_rewrite *rewrite, uint64_t until)
{
	if (until <= rewrite->sent)
		return;
	genops_str bytes = {rewrite->raw.ptr + (rewrite->sent - rewrite->raw_start),
	    (size_t)(until - rewrite->sent)};
	genops_buffer_add(&rewrite->out, bytes);
	rewrite->sent = until;
}

void genops_rewrite_drop(struct genops_rewrite *rewrite, const struct genops_sse_event *event)
{
	if (!rewrite->is_on || event->start < rewrite->sent)
		return; /* already going out: too long to have been held */
	put_until(rewrite, event->start);
	rewrite->sent = event->end;
}

/* Where the event's one data line begins in raw; NULL: its data is not one piece of the stream. */
static const char *find_data(
    const struct genops_rewrite *rewrite, const struct genops_sse_event *event)
{
	const char *at = rewrite->raw.ptr + (event->start - rewrite->raw_start);
	const char *end = rewrite->raw.ptr + (event->end - rewrite->raw_start);
	while (at < end) {
		size_t rest = (size_t)(end - at);
		if (rest > 5 && memcmp(at, "data:", 5) == 0) {
			at += at[5] == ' ' ? 6 : 5;
			bool is_whole = (size_t)(end - at) >= event->data.len &&
					memcmp(at, event->data.ptr, event->data.len) == 0;
			return is_whole ? at : NULL;
		}
		const char *line_end = memchr(at, '\n', rest);
		at = line_end ? line_end + 1 : end;
	}
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The member [*start, *end) of an object's text, its name included and one comma with it. `*start`:
 * where its value begins. False: it is not written as expected. */
static bool widen_to_member(genops_str data, size_t *start, size_t *end)
{
	static const char name[] = "\"usage\"";
	size_t at = *start, behind = *end;
	while (at > 0 && is_space(data.ptr[at - 1]))
		at--;
	if (at == 0 || data.ptr[--at] != ':')
		return false;
	while (at > 0 && is_space(data.ptr[at - 1]))
		at--;
	if (at < sizeof name ||
	    memcmp(data.ptr + at - (sizeof name - 1), name, sizeof name - 1) != 0)
		return false;
	at -= sizeof name - 1;
	while (behind < data.len && is_space(data.ptr[behind]))
		behind++;
	if (behind < data.len && data.ptr[behind] == ',') {
		for (behind++; behind < data.len && is_space(data.ptr[behind]); behind++)
			;
		*end = behind;
	} else {
		while (at > 0 && is_space(data.ptr[at - 1]))
			at--;
		if (at == 0 || data.ptr[at - 1] != ',')
			return false;
		at--;
	}
	*start = at;
	return true;
}

void genops_rewrite_drop_member(struct genops_rewrite *rewrite,
    const struct genops_sse_event *event, uint64_t value_start, uint64_t value_end)
{
	if (!rewrite->is_on || event->start < rewrite->sent)
		return;
	const char *data = find_data(rewrite, event);
	size_t start = (size_t)value_start, end = (size_t)value_end;
	if (!data || !widen_to_member(event->data, &start, &end))
		return;
	uint64_t data_start = rewrite->raw_start + (uint64_t)(data - rewrite->raw.ptr);
	put_until(rewrite, data_start + start);
	rewrite->sent = data_start + end;
}

/* Keeps raw from `sent` on for the next piece. */
static void hold_rest(struct genops_rewrite *rewrite)
{
	size_t done = (size_t)(rewrite->sent - rewrite->raw_start);
	size_t n_rest = rewrite->raw.len - done;
	if (n_rest && rewrite->held.len)
		memmove(rewrite->held.ptr, rewrite->held.ptr + done, n_rest);
	else if (n_rest)
		genops_buffer_add(&rewrite->held, (genops_str){rewrite->raw.ptr + done, n_rest});
	rewrite->held.len = n_rest;
}

void genops_rewrite_end_piece(
    struct genops_rewrite *rewrite, genops_str piece, uint64_t boundary, struct genops_tap *ret_tap)
{
	if (!rewrite->is_on) { /* no memory: what was held, and the piece as it is */
		ret_tap->before = genops_buffer_view(&rewrite->held);
		return;
	}
	uint64_t raw_end = rewrite->raw_start + rewrite->raw.len;
	put_until(rewrite, boundary);
	if (raw_end - rewrite->sent > HELD_MAX || boundary < rewrite->sent)
		put_until(rewrite, raw_end);
	hold_rest(rewrite);
	ret_tap->before = genops_buffer_view(&rewrite->out);
	if (piece.len) {
		ret_tap->n_hidden = 1;
		ret_tap->hidden[0].offset = 0;
		ret_tap->hidden[0].len = piece.len;
	}
}
