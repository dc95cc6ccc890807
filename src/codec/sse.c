/* SPDX-License-Identifier: Apache-2.0
 * codec/sse.c - see sse.h. A state machine over lines; id and retry are ignored, as nobody
 * reconnects here.
 *
 * Invariant: what is told does not depend on how the stream was cut. Memory is one data buffer of
 * at most data_max bytes, kept for the next event. One thread at a time.
 */
#include "codec/sse.h"

#include "base/buffer.h"
#include "base/str.h"

#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define NAME_MAX_BYTES	128
#define FIELD_MAX_BYTES 8 /* the fields that count are shorter */

enum state {
	LINE_START,
	FIELD,	     /* in a field's name */
	VALUE_START, /* behind the colon: one space is dropped */
	VALUE,
	IGNORED, /* a comment, or a field that does not count */
};

struct genops_sse {
	genops_sse_event_fn *on_event;
	void *arg;
	struct genops_buffer data, name;
	struct genops_buffer *value; /* the one that this line fills */
	enum state state;
	char field[FIELD_MAX_BYTES];
	size_t n_field;
	size_t n_bom;  /* bytes of a byte order mark seen; 3: it is over */
	bool has_data; /* a data line was read, be it empty */
	bool is_cut;
	bool is_after_cr; /* an LF that follows belongs to that line end */
	bool is_blank;	  /* and that line was blank */
	uint64_t start;	  /* of the event being read */
	uint64_t offset;  /* of the next byte */
};

struct genops_sse *genops_sse_new(size_t data_max, genops_sse_event_fn *on_event, void *arg)
{
	struct genops_sse *sse = calloc(1, sizeof *sse);
	if (!sse)
		return NULL;
	sse->on_event = on_event;
	sse->arg = arg;
	genops_buffer_init(&sse->data, data_max);
	genops_buffer_init(&sse->name, NAME_MAX_BYTES);
	return sse;
}

void genops_sse_free(struct genops_sse *sse)
{
	if (!sse)
		return;
	genops_buffer_done(&sse->data);
	genops_buffer_done(&sse->name);
	free(sse);
}

uint64_t genops_sse_event_start(const struct genops_sse *sse)
{
	return sse->start;
}

/* A blank line, or the end: tells the event if it has data, and begins the next one here. */
static void dispatch(struct genops_sse *sse)
{
	if (sse->has_data) {
		struct genops_sse_event event = {.name = genops_buffer_view(&sse->name),
		    .data = genops_buffer_view(&sse->data),
		    .is_cut = sse->is_cut,
		    .start = sse->start,
		    .end = sse->offset};
		sse->on_event(sse->arg, &event);
	}
	genops_buffer_clear(&sse->data);
	genops_buffer_clear(&sse->name);
	sse->has_data = false;
	sse->is_cut = false;
	sse->start = sse->offset;
}

/* As much as fits. */
static void add(struct genops_sse *sse, struct genops_buffer *buf, genops_str bytes)
{
	if (buf->error)
		return;
	size_t room = buf->max - buf->len;
	sse->is_cut = sse->is_cut || bytes.len > room;
	if (bytes.len > room)
		bytes.len = room;
	genops_buffer_add(buf, bytes);
	sse->is_cut = sse->is_cut || buf->error;
}

/* The field's name is complete: where its value goes. */
static void end_field(struct genops_sse *sse)
{
	genops_str field = {sse->field, sse->n_field};
	sse->state = VALUE_START;
	if (genops_str_is(field, "data")) {
		if (sse->has_data)
			add(sse, &sse->data, GENOPS_STR("\n"));
		sse->has_data = true;
		sse->value = &sse->data;
	} else if (genops_str_is(field, "event")) {
		genops_buffer_clear(&sse->name); /* the last one counts */
		sse->value = &sse->name;
	} else {
		sse->state = IGNORED;
	}
}

static void end_line(struct genops_sse *sse)
{
	if (sse->state == FIELD)
		end_field(sse); /* no colon: an empty value */
	sse->state = LINE_START;
	sse->n_field = 0;
}

static void name_byte(struct genops_sse *sse, char c)
{
	if (c == ':' && sse->state == LINE_START) {
		sse->state = IGNORED;
	} else if (c == ':') {
		end_field(sse);
	} else if (sse->n_field == FIELD_MAX_BYTES) {
		sse->state = IGNORED;
	} else {
		sse->state = FIELD;
		sse->field[sse->n_field++] = c;
	}
}

static const char *find_line_end(const char *at, const char *end)
{
#if defined(__SSE2__)
	const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
	while (end - at >= 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
		unsigned mask = (unsigned)_mm_movemask_epi8(
		    _mm_or_si128(_mm_cmpeq_epi8(bytes, lf), _mm_cmpeq_epi8(bytes, cr)));
		if (mask)
			return at + __builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < end && *at != '\n' && *at != '\r')
		at++;
	return at;
}

/* Bytes of one line, without its end. */
static void line_bytes(struct genops_sse *sse, const char *at, const char *end)
{
	while (at < end && (sse->state == LINE_START || sse->state == FIELD))
		name_byte(sse, *at++);
	if (at < end && sse->state == VALUE_START) {
		sse->state = VALUE;
		at += *at == ' ';
	}
	if (at < end && sse->state == VALUE)
		add(sse, sse->value, (genops_str){at, (size_t)(end - at)});
}

/* A byte order mark at the very start is dropped; what only began like one is part of the first
 * line. */
static const char *skip_bom(struct genops_sse *sse, const char *at, const char *end)
{
	static const char bom[] = "\xEF\xBB\xBF";
	while (at < end && sse->n_bom < 3 && *at == bom[sse->n_bom]) {
		sse->n_bom++;
		sse->offset++;
		at++;
	}
	if (at < end && sse->n_bom < 3) {
		line_bytes(sse, bom, bom + sse->n_bom);
		sse->n_bom = 3;
	}
	return at;
}

/* The line end at `at`; with CR, is_after_cr waits for what follows. */
static void line_end(struct genops_sse *sse, char c)
{
	bool is_blank = sse->state == LINE_START;
	end_line(sse);
	sse->offset++;
	sse->is_after_cr = c == '\r';
	sse->is_blank = is_blank;
	if (is_blank && !sse->is_after_cr)
		dispatch(sse);
}

void genops_sse_feed(struct genops_sse *sse, genops_str piece)
{
	if (!piece.len)
		return;
	const char *at = piece.ptr, *end = at + piece.len;
	if (sse->n_bom < 3)
		at = skip_bom(sse, at, end);
	while (at < end) {
		if (sse->is_after_cr) {
			sse->is_after_cr = false;
			if (*at == '\n') {
				at++;
				sse->offset++;
			}
			if (sse->is_blank)
				dispatch(sse);
			continue;
		}
		const char *stop = find_line_end(at, end);
		line_bytes(sse, at, stop);
		sse->offset += (uint64_t)(stop - at);
		at = stop;
		if (at < end)
			line_end(sse, *at++);
	}
}

void genops_sse_end(struct genops_sse *sse)
{
	end_line(sse);
	dispatch(sse);
}
