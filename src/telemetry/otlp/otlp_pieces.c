/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_pieces.c - see otlp_request.h. The whole request is checked before anything of it is handed on; then it either goes
 * on as it came, or is put together again from its items.
 *
 * Each piece begins with the fields of its resource and scope, whatever stands beside the items, known or not. These are at most
 * HEAD_MAX, so that a request of small items cannot grow to a multiple of itself. Pure but for the function that it calls.
 */
#include "telemetry/otlp/otlp_check.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD_MAX  ((size_t)128 << 10) /* bytes of a resource and a scope, without their items */
#define FRAME_LEN ((size_t)32)        /* tags and lengths of resource, scope, item */

#define ITEMS_FIELD 2 /* of scopes in a resource, and of items in a scope */

struct cut {
	enum genops_signal signal;
	struct genops_buffer *out;
	genops_otlp_piece_fn *fn;
	void *arg;
	struct genops_error *err;
	struct genops_otlp_count count;
	int64_t n_items;   /* looked at */
	bool has_wrong_ids; /* somewhere in the request */
	genops_str resource, scope; /* the messages whose items are being cut */
	size_t head;       /* bytes of both without items */
	size_t resource_mark, scope_mark;
	bool has_resource, has_scope; /* open in the piece */
	bool has_items;
};

/* Bytes of a message beside its field ITEMS_FIELD; appended to `out` if there is one. */
static size_t copy_head(genops_str message, struct genops_buffer *out)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	size_t len = 0;
	genops_wire_reader_init(&in, message, 0);
	for (const char *from = in.at; genops_wire_next(&in, &field) > 0; from = in.at) {
		if (field.number == ITEMS_FIELD)
			continue;
		len += (size_t)(in.at - from);
		if (out)
			genops_buffer_add(out, (genops_str){from, (size_t)(in.at - from)});
	}
	return len;
}

static void close_scope(struct cut *cut)
{
	if (cut->has_scope)
		genops_wire_end(cut->out, cut->scope_mark);
	cut->has_scope = false;
}

static void close_resource(struct cut *cut)
{
	close_scope(cut);
	if (cut->has_resource)
		genops_wire_end(cut->out, cut->resource_mark);
	cut->has_resource = false;
}

static int hand_on(struct cut *cut)
{
	close_resource(cut);
	if (cut->out->error)
		return genops_fail(cut->err, cut->out->error, "no memory to cut an OTLP request of %s", genops_signal_name(cut->signal));
	int code = cut->has_items ? cut->fn(cut->arg, genops_buffer_view(cut->out), cut->err) : GENOPS_OK;
	genops_buffer_clear(cut->out);
	cut->has_items = false;
	return code;
}

static void reject(struct cut *cut, int64_t n, const char *what)
{
	cut->count.n_rejected += n;
	if (!cut->count.reason[0])
		snprintf(cut->count.reason, sizeof cut->count.reason, "%s %" PRId64 ": %s", genops_otlp_signals[cut->signal].item,
		    cut->n_items, what);
}

static void describe_wrong_id(const struct genops_otlp_field *row, size_t len, char *text, size_t size)
{
	snprintf(text, size, "%s has %zu bytes; send %d, or none", row->name.ptr, len,
	    row->kind == GENOPS_OTLP_KIND_TRACE_ID ? 16 : 8);
}

/* Is the item to be left out? Counts it either way. */
static bool is_rejected(struct cut *cut, genops_str item)
{
	bool is_metric = cut->signal == GENOPS_SIGNAL_METRICS;
	struct genops_otlp_check check = {0};
	char text[128];
	cut->n_items++;
	/* Checked before, so it is right but for what is counted here. */
	if (is_metric || cut->has_wrong_ids)
		(void)!genops_otlp_check_message(&check, genops_otlp_signals[cut->signal].record, item);
	int64_t n = is_metric ? check.n_points : 1;
	if (check.wrong_id) {
		describe_wrong_id(check.wrong_id, check.wrong_len, text, sizeof text);
		reject(cut, n, text);
	} else if (cut->head > HEAD_MAX) {
		snprintf(text, sizeof text, "its resource and scope have %zu bytes; at most %zu are taken", cut->head, HEAD_MAX);
		reject(cut, n, text);
	} else if (item.len > GENOPS_OTLP_ITEM_MAX - FRAME_LEN - cut->head) {
		snprintf(text, sizeof text, "it has %zu bytes with its resource and scope; at most %zu are taken; shorten its attributes",
		    cut->head + item.len, GENOPS_OTLP_ITEM_MAX);
		reject(cut, n, text);
	} else {
		cut->count.n_accepted += n;
		return false;
	}
	return true;
}

static int cut_item(struct cut *cut, genops_str item)
{
	if (is_rejected(cut, item))
		return GENOPS_OK;
	size_t more = item.len + FRAME_LEN + (cut->has_scope ? 0 : cut->head);
	if (cut->has_items && cut->out->len + more > GENOPS_OTLP_PIECE_MAX)
		GENOPS_TRY(hand_on(cut));
	if (!cut->has_resource) {
		cut->resource_mark = genops_wire_begin(cut->out, 1);
		(void)copy_head(cut->resource, cut->out);
		cut->has_resource = true;
	}
	if (!cut->has_scope) {
		cut->scope_mark = genops_wire_begin(cut->out, ITEMS_FIELD);
		(void)copy_head(cut->scope, cut->out);
		cut->has_scope = true;
	}
	genops_wire_put_bytes(cut->out, ITEMS_FIELD, item);
	cut->has_items = true;
	return GENOPS_OK;
}

static int cut_scope(struct cut *cut, genops_str scope, size_t resource_head)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	cut->scope = scope;
	cut->head = resource_head + copy_head(scope, NULL);
	genops_wire_reader_init(&in, scope, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == ITEMS_FIELD)
			GENOPS_TRY(cut_item(cut, field.bytes));
	}
	close_scope(cut);
	return GENOPS_OK;
}

static int cut_resource(struct cut *cut, genops_str resource)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	size_t head = copy_head(resource, NULL);
	cut->resource = resource;
	genops_wire_reader_init(&in, resource, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == ITEMS_FIELD)
			GENOPS_TRY(cut_scope(cut, field.bytes, head));
	}
	close_resource(cut);
	return GENOPS_OK;
}

static int cut_request(struct cut *cut, genops_str request)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_buffer_clear(cut->out);
	genops_wire_reader_init(&in, request, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == 1)
			GENOPS_TRY(cut_resource(cut, field.bytes));
	}
	return hand_on(cut);
}

int genops_otlp_request_pieces(enum genops_signal signal, genops_str request, struct genops_buffer *scratch,
    genops_otlp_piece_fn *fn, void *arg, struct genops_otlp_count *ret_count, struct genops_error *err)
{
	struct genops_otlp_check check = {0};
	if (genops_otlp_check_message(&check, genops_otlp_signals[signal].request, request) != GENOPS_OK)
		return genops_otlp_check_fail(&check, signal, request.ptr, err);
	struct cut cut = {.signal = signal, .out = scratch, .fn = fn, .arg = arg, .err = err, .has_wrong_ids = check.wrong_id};
	if (request.len > GENOPS_OTLP_PIECE_MAX || check.wrong_id) {
		GENOPS_TRY(cut_request(&cut, request));
	} else if (check.n_items) {
		cut.count.n_accepted = signal == GENOPS_SIGNAL_METRICS ? check.n_points : check.n_items;
		GENOPS_TRY(fn(arg, request, err));
	}
	*ret_count = cut.count;
	return GENOPS_OK;
}
