/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_scan.c - see json_scan.h. A state machine over bytes; strings are json_text.c's,
 * duplicate keys json_keys.c's, wanted places json_paths.c's.
 *
 * Invariants: what is told, and where a fault is found, does not depend on how the document was cut
 * into pieces. Nothing recurses; memory is the frames of at most max_depth, one text buffer and the open
 * objects' keys, all kept over a reset. One thread at a time; the paths may be shared.
 */
#include "codec/json_scan.h"

#include "codec/json/json_keys.h"
#include "codec/json/json_number.h"
#include "codec/json/json_paths.h"
#include "codec/json/json_text.h"

#include <stdlib.h>

#define DEPTH_LIMIT	 ((size_t)1024)
#define TEXT_MAX_DEFAULT ((size_t)65536)
#define KEY_MAX		 ((size_t)65536)
#define FIRST_FRAMES	 ((size_t)12) /* deeper than nearly every document */

enum state {
	VALUE,	     /* a value is due */
	FIRST_VALUE, /* behind '[': a value or ']' */
	KEY,	     /* behind ',': a key */
	FIRST_KEY,   /* behind '{': a key or '}' */
	COLON,
	AFTER, /* behind a value: ',' or the container's end */
	IN_KEY,
	IN_STRING,
	IN_NUMBER,
	IN_LITERAL,
	DONE,
};

struct frame {
	uint64_t start;
	size_t index;	  /* of the element being read */
	size_t first_key; /* in keys */
	int32_t node;
	bool is_object;
};

struct genops_json_scan {
	const struct genops_json_paths *paths;
	genops_json_value_fn *on_value;
	void *arg;
	struct genops_json_scan_options options;

	enum state state;
	int32_t node;	/* where the value that is due or read stands */
	uint64_t start; /* of it */
	size_t depth;	/* open containers */
	const char *piece;
	uint64_t base; /* the piece's offset in the document */
	const char *literal;
	size_t literal_at;
	enum genops_json_type literal_type;
	struct genops_json_number number;
	struct genops_json_text text;
	struct genops_json_keys keys;

	int code;	   /* not OK: the scan has failed, */
	const char *fault; /* of this, */
	uint64_t fault_at; /* here */

	struct frame *frames; /* of the open containers: first_frames, or owned once they are more */
	size_t max_frames;
	struct frame first_frames[FIRST_FRAMES];
};

struct genops_json_scan *genops_json_scan_new(const struct genops_json_paths *paths,
    const struct genops_json_scan_options *options, genops_json_value_fn *on_value, void *arg)
{
	struct genops_json_scan_options set =
	    options ? *options : (struct genops_json_scan_options){0};
	if (!set.max_depth)
		set.max_depth = GENOPS_JSON_DEPTH_MAX;
	if (set.max_depth > DEPTH_LIMIT)
		set.max_depth = DEPTH_LIMIT;
	if (!set.text_max)
		set.text_max = TEXT_MAX_DEFAULT;
	struct genops_json_scan *scan = calloc(1, sizeof *scan);
	if (!scan)
		return NULL;
	scan->frames = scan->first_frames;
	scan->max_frames = FIRST_FRAMES;
	scan->paths = paths;
	scan->options = set;
	scan->on_value = on_value;
	scan->arg = arg;
	scan->keys.seed = (uint64_t)(uintptr_t)scan * UINT64_C(0x9E3779B97F4A7C15);
	genops_buffer_init(&scan->text.buf, 0);
	genops_json_scan_reset(scan);
	return scan;
}

void genops_json_scan_free(struct genops_json_scan *scan)
{
	if (!scan)
		return;
	genops_buffer_done(&scan->text.buf);
	free(scan->keys.hashes);
	if (scan->frames != scan->first_frames)
		free(scan->frames);
	free(scan);
}

void genops_json_scan_reset(struct genops_json_scan *scan)
{
	scan->state = VALUE;
	scan->node = 0;
	scan->depth = 0;
	scan->base = 0;
	scan->keys.n = 0;
	scan->code = GENOPS_OK;
}

static uint64_t offset_of(const struct genops_json_scan *scan, const char *at)
{
	return scan->base + (uint64_t)(at - scan->piece);
}

/* The one way to fail: remembered, told by feed and end. NULL stops the feed. */
static const char *fail_at(
    struct genops_json_scan *scan, int code, uint64_t offset, const char *fault)
{
	scan->code = code;
	scan->fault = fault;
	scan->fault_at = offset;
	return NULL;
}

static const char *fail(struct genops_json_scan *scan, int code, const char *at, const char *fault)
{
	return fail_at(scan, code, offset_of(scan, at), fault);
}

static bool is_wanted(const struct genops_json_scan *scan, int32_t node)
{
	return node >= 0 && scan->paths->nodes[node].first_wanted >= 0;
}

/* Fills in what all values have and tells it under each id. `depth`: containers around the
 * value. */
static void tell(const struct genops_json_scan *scan, int32_t node, size_t depth,
    struct genops_json_value *value)
{
	value->depth = depth;
	if (depth && !scan->frames[depth - 1].is_object)
		value->index = scan->frames[depth - 1].index;
	int32_t i = scan->paths->nodes[node].first_wanted;
	while (i >= 0) {
		value->id = scan->paths->wanted[i].id;
		scan->on_value(scan->arg, value);
		i = scan->paths->wanted[i].next;
	}
}

static void end_value(struct genops_json_scan *scan)
{
	scan->state = scan->depth ? AFTER : DONE;
}

static bool grow_frames(struct genops_json_scan *scan)
{
	size_t max = 4 * scan->max_frames;
	struct frame *frames = malloc(max * sizeof *frames);
	if (!frames)
		return false;
	memcpy(frames, scan->frames, scan->depth * sizeof *frames);
	if (scan->frames != scan->first_frames)
		free(scan->frames);
	scan->frames = frames;
	scan->max_frames = max;
	return true;
}

static const char *begin_container(struct genops_json_scan *scan, const char *at, bool is_object)
{
	if (scan->depth == scan->options.max_depth)
		return fail(scan, GENOPS_LIMIT, at, "nested too deeply");
	if (scan->depth == scan->max_frames && !grow_frames(scan))
		return fail(scan, GENOPS_NOMEM, at, "no memory");
	int32_t node = scan->node;
	uint64_t start = offset_of(scan, at);
	if (is_wanted(scan, node)) {
		struct genops_json_value value = {
		    .type = is_object ? GENOPS_JSON_OBJECT : GENOPS_JSON_ARRAY,
		    .start = start,
		    .end = start + 1};
		tell(scan, node, scan->depth, &value);
	}
	scan->frames[scan->depth++] = (struct frame){start, 0, scan->keys.n, node, is_object};
	if (!is_object)
		scan->node = node >= 0 ? scan->paths->nodes[node].element : GENOPS_JSON_NODE_NONE;
	scan->state = is_object ? FIRST_KEY : FIRST_VALUE;
	return at + 1;
}

static const char *end_container(struct genops_json_scan *scan, const char *at, bool is_object)
{
	struct frame *frame = scan->depth ? &scan->frames[scan->depth - 1] : NULL;
	if (!frame || frame->is_object != is_object)
		return fail(scan, GENOPS_SYNTAX, at, "a bracket that closes nothing");
	if (is_object && !genops_json_keys_close(&scan->keys, frame->first_key))
		return fail(scan, GENOPS_SYNTAX, at, "a key stood twice in the object that ends");
	scan->depth--;
	if (is_wanted(scan, frame->node)) {
		struct genops_json_value value = {
		    .type = is_object ? GENOPS_JSON_OBJECT : GENOPS_JSON_ARRAY,
		    .is_end = true,
		    .start = frame->start,
		    .end = offset_of(scan, at) + 1};
		tell(scan, frame->node, scan->depth, &value);
	}
	end_value(scan);
	return at + 1;
}

static const char *begin_literal(
    struct genops_json_scan *scan, const char *at, const char *literal, enum genops_json_type type)
{
	scan->literal = literal;
	scan->literal_at = 1;
	scan->literal_type = type;
	scan->state = IN_LITERAL;
	return at + 1;
}

static const char *begin_value(struct genops_json_scan *scan, const char *at)
{
	scan->start = offset_of(scan, at);
	switch (*at) {
	case '{':
		return begin_container(scan, at, true);
	case '[':
		return begin_container(scan, at, false);
	case '"':
		genops_json_text_begin(
		    &scan->text, is_wanted(scan, scan->node), scan->options.text_max);
		scan->state = IN_STRING;
		return at + 1;
	case 't':
		return begin_literal(scan, at, "true", GENOPS_JSON_TRUE);
	case 'f':
		return begin_literal(scan, at, "false", GENOPS_JSON_FALSE);
	case 'n':
		return begin_literal(scan, at, "null", GENOPS_JSON_NULL);
	default:
		if (*at != '-' && (*at < '0' || *at > '9'))
			return fail(scan, GENOPS_SYNTAX, at, "no value where one is due");
		genops_json_number_begin(&scan->number);
		genops_json_text_begin(
		    &scan->text, is_wanted(scan, scan->node), GENOPS_JSON_NUMBER_MAX);
		scan->state = IN_NUMBER;
		return at;
	}
}

static const char *literal_bytes(struct genops_json_scan *scan, const char *at, const char *end)
{
	while (at < end && scan->literal[scan->literal_at]) {
		if (*at != scan->literal[scan->literal_at])
			return fail(scan, GENOPS_SYNTAX, at, "no value where one is due");
		at++;
		scan->literal_at++;
	}
	if (scan->literal[scan->literal_at])
		return at;
	if (is_wanted(scan, scan->node)) {
		struct genops_json_value value = {
		    .type = scan->literal_type, .start = scan->start, .end = offset_of(scan, at)};
		tell(scan, scan->node, scan->depth, &value);
	}
	end_value(scan);
	return at;
}

/* A number ends where a byte stands that cannot belong to it, or with the document; at is there. */
static const char *end_number(struct genops_json_scan *scan, const char *from, const char *at)
{
	if (!genops_json_number_is_whole(&scan->number))
		return fail(scan, GENOPS_SYNTAX, at, "an unfinished number");
	if (is_wanted(scan, scan->node)) {
		if (!genops_json_text_finish(&scan->text, from, (size_t)(at - from)))
			return fail(scan, GENOPS_NOMEM, at, "no memory");
		if (scan->text.is_cut)
			return fail(scan, GENOPS_LIMIT, at, "a number with too many digits");
		struct genops_json_value value = {.type = GENOPS_JSON_NUMBER,
		    .text = scan->text.view,
		    .start = scan->start,
		    .end = offset_of(scan, at)};
		value.is_integer = genops_json_number_value(
		    &scan->number, value.text, &value.integer, &value.number);
		tell(scan, scan->node, scan->depth, &value);
	}
	end_value(scan);
	return at;
}

static const char *number_bytes(struct genops_json_scan *scan, const char *from, const char *end)
{
	const char *at = genops_json_number_feed(&scan->number, from, end);
	if (at < end)
		return end_number(scan, from, at);
	if (!genops_json_text_keep(&scan->text, from, (size_t)(at - from)))
		return fail(scan, GENOPS_NOMEM, at, "no memory");
	return at;
}

/* Strings and keys; NULL when it failed. *ret_done: the closing quote was read. */
static const char *text_bytes(
    struct genops_json_scan *scan, const char *at, const char *end, bool *ret_done)
{
	switch (genops_json_text_feed(&scan->text, &at, end)) {
	case GENOPS_JSON_TEXT_MORE:
		*ret_done = false;
		return at;
	case GENOPS_JSON_TEXT_DONE:
		*ret_done = true;
		return at;
	case GENOPS_JSON_TEXT_BAD:
		return fail_at(scan, GENOPS_SYNTAX, offset_of(scan, at) - scan->text.fault_back,
		    scan->text.fault);
	case GENOPS_JSON_TEXT_NOMEM:
		break;
	}
	return fail(scan, GENOPS_NOMEM, at, "no memory");
}

static const char *string_bytes(struct genops_json_scan *scan, const char *at, const char *end)
{
	bool is_done;
	at = text_bytes(scan, at, end, &is_done);
	if (!at || !is_done)
		return at;
	if (is_wanted(scan, scan->node)) {
		struct genops_json_value value = {.type = GENOPS_JSON_STRING,
		    .is_end = true,
		    .is_cut = scan->text.is_cut,
		    .text = scan->text.view,
		    .start = scan->start,
		    .end = offset_of(scan, at)};
		tell(scan, scan->node, scan->depth, &value);
	}
	end_value(scan);
	return at;
}

/* Below "**" also the names count. */
static void tell_key(const struct genops_json_scan *scan, const char *at)
{
	uint64_t offset = offset_of(scan, at);
	struct genops_json_value value = {
	    .type = GENOPS_JSON_STRING, .is_end = true, .text = scan->text.view, .start = offset, .end = offset};
	tell(scan, scan->node, scan->depth, &value);
}

static const char *key_bytes(struct genops_json_scan *scan, const char *at, const char *end)
{
	bool is_done;
	at = text_bytes(scan, at, end, &is_done);
	if (!at || !is_done)
		return at;
	if (scan->text.is_cut)
		return fail(scan, GENOPS_LIMIT, at, "a key that is too long");
	const struct frame *frame = &scan->frames[scan->depth - 1];
	if (!scan->options.allow_duplicates) {
		int code = genops_json_keys_add(&scan->keys, frame->first_key, scan->text.view);
		if (code == GENOPS_EXISTS)
			return fail(scan, GENOPS_SYNTAX, at, "a key stands twice in one object");
		if (code != GENOPS_OK)
			return fail(
			    scan, code, at, code == GENOPS_LIMIT ? "too many keys" : "no memory");
	}
	scan->node = frame->node >= 0
			 ? genops_json_paths_member(scan->paths, frame->node, scan->text.view)
			 : GENOPS_JSON_NODE_NONE;
	if (is_wanted(scan, scan->node) && scan->node == scan->paths->nodes[frame->node].rest)
		tell_key(scan, at);
	scan->state = COLON;
	return at;
}

static const char *begin_key(struct genops_json_scan *scan, const char *at)
{
	if (*at != '"')
		return fail(scan, GENOPS_SYNTAX, at, "no key where one is due");
	const struct frame *frame = &scan->frames[scan->depth - 1];
	genops_json_text_begin(
	    &scan->text, !scan->options.allow_duplicates || frame->node >= 0, KEY_MAX);
	scan->state = IN_KEY;
	return at + 1;
}

static const char *after_value(struct genops_json_scan *scan, const char *at)
{
	struct frame *frame = &scan->frames[scan->depth - 1];
	if (*at == '}' || *at == ']')
		return end_container(scan, at, *at == '}');
	if (*at != ',')
		return fail(scan, GENOPS_SYNTAX, at, "no comma where one is due");
	if (frame->is_object) {
		scan->state = KEY;
	} else {
		frame->index++;
		scan->node = frame->node >= 0 ? scan->paths->nodes[frame->node].element
					      : GENOPS_JSON_NODE_NONE;
		scan->state = VALUE;
	}
	return at + 1;
}

/* Between values. `at` is not at white space. */
static const char *structure_byte(struct genops_json_scan *scan, const char *at)
{
	switch (scan->state) {
	case FIRST_VALUE:
		return *at == ']' ? end_container(scan, at, false) : begin_value(scan, at);
	case VALUE:
		return begin_value(scan, at);
	case FIRST_KEY:
		return *at == '}' ? end_container(scan, at, true) : begin_key(scan, at);
	case KEY:
		return begin_key(scan, at);
	case COLON:
		if (*at != ':')
			return fail(scan, GENOPS_SYNTAX, at, "no colon where one is due");
		scan->state = VALUE;
		return at + 1;
	case AFTER:
		return after_value(scan, at);
	default:
		return fail(scan, GENOPS_SYNTAX, at, "something behind the value");
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *scan_bytes(struct genops_json_scan *scan, const char *at, const char *end)
{
	switch (scan->state) {
	case IN_STRING:
		return string_bytes(scan, at, end);
	case IN_KEY:
		return key_bytes(scan, at, end);
	case IN_NUMBER:
		return number_bytes(scan, at, end);
	case IN_LITERAL:
		return literal_bytes(scan, at, end);
	default:
		while (at < end && is_space(*at))
			at++;
		return at < end ? structure_byte(scan, at) : at;
	}
}

static int outcome(const struct genops_json_scan *scan, struct genops_error *err)
{
	if (scan->code == GENOPS_OK)
		return GENOPS_OK;
	return genops_fail(err, scan->code, "JSON: %s at byte %llu", scan->fault,
	    (unsigned long long)scan->fault_at);
}

int genops_json_scan_feed(struct genops_json_scan *scan, genops_str piece, struct genops_error *err)
{
	if (scan->code != GENOPS_OK || !piece.len)
		return outcome(scan, err);
	const char *at = piece.ptr, *end = at + piece.len;
	scan->piece = at;
	while (at && at < end)
		at = scan_bytes(scan, at, end);
	scan->base += piece.len;
	scan->piece = NULL;
	return outcome(scan, err);
}

int genops_json_scan_end(struct genops_json_scan *scan, struct genops_error *err)
{
	static const char nothing[1] = "";
	scan->piece = nothing;
	if (scan->code == GENOPS_OK && scan->state == IN_NUMBER)
		end_number(scan, nothing, nothing);
	if (scan->code == GENOPS_OK && scan->state != DONE)
		fail(scan, GENOPS_SYNTAX, nothing, "the document ends too early");
	return outcome(scan, err);
}

bool genops_json_scan_is_complete(const struct genops_json_scan *scan)
{
	return scan->code == GENOPS_OK && scan->state == DONE;
}
