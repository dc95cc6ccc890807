/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_scan.c - see json_scan.h. A state machine over bytes; strings are json_text.c's,
 * duplicate keys json_keys.c's, wanted places json_paths.c's.
 *
 * Invariants: what is told, and where a fault is found, does not depend on how the document was cut
 * into pieces. Nothing recurses; memory is the frames of at most max_depth, one text buffer and the open
 * objects' keys, all kept over a reset. One thread at a time; the paths may be shared.
 */
#include "codec/json/json_scan_state.h"

#include "codec/json/json_paths.h"

#include <stdlib.h>

#define KEY_MAX		 ((size_t)65536)
#define PLAIN_DIGITS_MAX 18 /* fit an int64 */

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
	struct genops_json_frame *frames = malloc(max * sizeof *frames);
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
	scan->frames[scan->depth++] = (struct genops_json_frame){start, 0, scan->keys.n, node, is_object};
	if (!is_object)
		scan->node = node >= 0 ? scan->paths->nodes[node].element : GENOPS_JSON_NODE_NONE;
	scan->state = is_object ? FIRST_KEY : FIRST_VALUE;
	return at + 1;
}

static const char *end_container(struct genops_json_scan *scan, const char *at, bool is_object)
{
	struct genops_json_frame *frame = scan->depth ? &scan->frames[scan->depth - 1] : NULL;
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

/* All of an integer that is whole in the piece, as counts are; NULL: something else. */
static const char *plain_integer(struct genops_json_scan *scan, const char *at, const char *end)
{
	int64_t integer = 0;
	const char *stop = at;
	while (stop < end && *stop >= '0' && *stop <= '9' && stop - at < PLAIN_DIGITS_MAX)
		integer = 10 * integer + (*stop++ - '0');
	if (stop == end || (*at == '0' && stop - at > 1) || (*stop != ',' && *stop != '}' && *stop != ']'))
		return NULL;
	if (is_wanted(scan, scan->node)) {
		struct genops_json_value value = {.type = GENOPS_JSON_NUMBER,
		    .is_integer = true,
		    .integer = integer,
		    .number = (double)integer,
		    .text = {at, (size_t)(stop - at)},
		    .start = scan->start,
		    .end = offset_of(scan, stop)};
		tell(scan, scan->node, scan->depth, &value);
	}
	end_value(scan);
	return stop;
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
    struct genops_json_scan *scan, const char *at, const char *end, size_t n_plain, bool *ret_done)
{
	switch (genops_json_text_feed(&scan->text, &at, end, n_plain)) {
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

/* `at` is behind the closing quote. */
static const char *end_string(
    struct genops_json_scan *scan, genops_str text, bool is_cut, const char *at)
{
	if (is_wanted(scan, scan->node)) {
		struct genops_json_value value = {.type = GENOPS_JSON_STRING,
		    .is_end = true,
		    .is_cut = is_cut,
		    .text = text,
		    .start = scan->start,
		    .end = offset_of(scan, at)};
		tell(scan, scan->node, scan->depth, &value);
	}
	end_value(scan);
	return at;
}

static const char *string_bytes(
    struct genops_json_scan *scan, const char *at, const char *end, size_t n_plain)
{
	bool is_done;
	at = text_bytes(scan, at, end, n_plain, &is_done);
	return at && is_done ? end_string(scan, scan->text.view, scan->text.is_cut, at) : at;
}

/* What is whole in the piece is told at once; what is not, or has more than plain bytes, is read byte by byte. */
static const char *begin_string(struct genops_json_scan *scan, const char *at, const char *end)
{
	const char *stop = genops_json_text_plain(at, end);
	size_t len = (size_t)(stop - at);
	bool is_told = is_wanted(scan, scan->node);
	if (stop < end && *stop == '"' && (!is_told || len <= scan->options.text_max))
		return end_string(scan, (genops_str){at, len}, false, stop + 1);
	genops_json_text_begin(&scan->text, is_told, scan->options.text_max);
	scan->state = IN_STRING;
	return string_bytes(scan, at, end, len);
}

static const char *begin_literal(struct genops_json_scan *scan, const char *at, const char *end,
    const char *literal, enum genops_json_type type)
{
	scan->literal = literal;
	scan->literal_at = 1;
	scan->literal_type = type;
	scan->state = IN_LITERAL;
	return literal_bytes(scan, at + 1, end);
}

static const char *begin_number(struct genops_json_scan *scan, const char *at, const char *end)
{
	if (*at != '-' && (*at < '0' || *at > '9'))
		return fail(scan, GENOPS_SYNTAX, at, "no value where one is due");
	const char *stop = *at == '-' ? NULL : plain_integer(scan, at, end);
	if (stop)
		return stop;
	genops_json_number_begin(&scan->number);
	genops_json_text_begin(&scan->text, is_wanted(scan, scan->node), GENOPS_JSON_NUMBER_MAX);
	scan->state = IN_NUMBER;
	return number_bytes(scan, at, end);
}

static const char *begin_value(struct genops_json_scan *scan, const char *at, const char *end)
{
	scan->start = offset_of(scan, at);
	switch (*at) {
	case '{':
		return begin_container(scan, at, true);
	case '[':
		return begin_container(scan, at, false);
	case '"':
		return begin_string(scan, at + 1, end);
	case 't':
		return begin_literal(scan, at, end, "true", GENOPS_JSON_TRUE);
	case 'f':
		return begin_literal(scan, at, end, "false", GENOPS_JSON_FALSE);
	case 'n':
		return begin_literal(scan, at, end, "null", GENOPS_JSON_NULL);
	default:
		return begin_number(scan, at, end);
	}
}

/* Below "**" also the names count. */
static void tell_key(const struct genops_json_scan *scan, genops_str key, const char *at)
{
	uint64_t offset = offset_of(scan, at);
	struct genops_json_value value = {
	    .type = GENOPS_JSON_STRING, .is_end = true, .text = key, .start = offset, .end = offset};
	tell(scan, scan->node, scan->depth, &value);
}

/* `at` is behind the closing quote. */
static const char *end_key(struct genops_json_scan *scan, genops_str key, const char *at, const char *end)
{
	const struct genops_json_frame *frame = &scan->frames[scan->depth - 1];
	if (!scan->options.allow_duplicates) {
		int code = genops_json_keys_add(&scan->keys, frame->first_key, key);
		if (code == GENOPS_EXISTS)
			return fail(scan, GENOPS_SYNTAX, at, "a key stands twice in one object");
		if (code != GENOPS_OK)
			return fail(
			    scan, code, at, code == GENOPS_LIMIT ? "too many keys" : "no memory");
	}
	scan->node = GENOPS_JSON_NODE_NONE;
	if (frame->node >= 0) {
		scan->node = genops_json_paths_member(scan->paths, frame->node, key);
		if (is_wanted(scan, scan->node) && scan->node == scan->paths->nodes[frame->node].rest)
			tell_key(scan, key, at);
	}
	scan->state = COLON;
	if (at < end && *at == ':') { /* as nearly always */
		scan->state = VALUE;
		at++;
	}
	return at;
}

static const char *key_bytes(
    struct genops_json_scan *scan, const char *at, const char *end, size_t n_plain)
{
	bool is_done;
	at = text_bytes(scan, at, end, n_plain, &is_done);
	if (!at || !is_done)
		return at;
	if (scan->text.is_cut)
		return fail(scan, GENOPS_LIMIT, at, "a key that is too long");
	return end_key(scan, scan->text.view, at, end);
}

static const char *begin_key(struct genops_json_scan *scan, const char *at, const char *end)
{
	if (*at != '"')
		return fail(scan, GENOPS_SYNTAX, at, "no key where one is due");
	const char *from = at + 1, *stop = genops_json_text_plain(from, end);
	size_t len = (size_t)(stop - from);
	if (stop < end && *stop == '"' && len <= KEY_MAX)
		return end_key(scan, (genops_str){from, len}, stop + 1, end);
	const struct genops_json_frame *frame = &scan->frames[scan->depth - 1];
	genops_json_text_begin(
	    &scan->text, !scan->options.allow_duplicates || frame->node >= 0, KEY_MAX);
	scan->state = IN_KEY;
	return key_bytes(scan, from, end, len);
}

static const char *after_value(struct genops_json_scan *scan, const char *at)
{
	struct genops_json_frame *frame = &scan->frames[scan->depth - 1];
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
static const char *structure_byte(struct genops_json_scan *scan, const char *at, const char *end)
{
	switch (scan->state) {
	case FIRST_VALUE:
		return *at == ']' ? end_container(scan, at, false) : begin_value(scan, at, end);
	case VALUE:
		return begin_value(scan, at, end);
	case FIRST_KEY:
		return *at == '}' ? end_container(scan, at, true) : begin_key(scan, at, end);
	case KEY:
		return begin_key(scan, at, end);
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

/* A token that began in an earlier piece. */
static const char *token_bytes(struct genops_json_scan *scan, const char *at, const char *end)
{
	switch (scan->state) {
	case IN_STRING:
		return string_bytes(scan, at, end, 0);
	case IN_KEY:
		return key_bytes(scan, at, end, 0);
	case IN_NUMBER:
		return number_bytes(scan, at, end);
	default:
		return literal_bytes(scan, at, end);
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
	if (scan->state >= IN_KEY)
		at = token_bytes(scan, at, end);
	while (at && at < end)
		at = is_space(*at) ? at + 1 : structure_byte(scan, at, end);
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
