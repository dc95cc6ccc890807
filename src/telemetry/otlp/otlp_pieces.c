/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_pieces.c - see otlp_request.h. The whole request is checked before anything of it is handed on; then it either goes
 * on as it came, or is put together again from its items.
 *
 * Each piece begins with the fields of its resource and scope, whatever stands beside the items, known or not; a metric that is cut between
 * its points has its own name, unit and so on again, too. These heads are at most HEAD_MAX, so that a request of small items cannot grow to a
 * multiple of itself; they are collected once, as looking for them means going over all items. Pure but for the function that it calls.
 */
#include "telemetry/otlp/otlp_check.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD_MAX  ((size_t)128 << 10) /* bytes of a resource and a scope, without their items */
#define FRAME_LEN ((size_t)48)        /* tags and lengths of resource, scope, item; of metric, data, point */

#define ITEMS_FIELD  2 /* of scopes in a resource, and of items in a scope */
#define POINTS_FIELD 1 /* of points in a metric's data */

struct cut {
	enum genops_signal signal;
	struct genops_buffer *out;
	genops_otlp_piece_fn *fn;
	void *arg;
	struct genops_error *err;
	struct genops_otlp_count count;
	int64_t n_items;	    /* looked at */
	bool has_wrong_items;	    /* somewhere in the request */
	/* What the resource and the scope whose items are being cut have beside them, behind one another; then the same of a metric
	 * and of its data. Cut off at HEAD_MAX, where nothing of it is taken. */
	struct genops_buffer heads;
	size_t resource_head, head, metric_head, data_head; /* where the bytes of each end; head: the scope's */
	size_t resource_mark, scope_mark, metric_mark, data_mark;
	bool has_resource, has_scope, has_metric; /* open in the piece */
	bool has_items;
	int64_t n_in_piece;
};

/* A metric that is being cut between its points. */
struct metric {
	genops_str bytes, data;
	const struct genops_otlp_message *data_message;
	uint32_t data_field;
	struct genops_otlp_check check; /* of what it has beside its points: a fault there is a fault of each */
};

/* Keeps what a message has beside one of its fields, behind the first `at` bytes of heads. Returns where it ends, or would end. */
static size_t keep_head(struct cut *cut, size_t at, genops_str message, uint32_t but)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	if (at <= HEAD_MAX)
		cut->heads.len = at;
	genops_wire_reader_init(&in, message, 0);
	for (const char *from = in.at; genops_wire_next(&in, &field) > 0; from = in.at) {
		if (field.number == but)
			continue;
		at += (size_t)(in.at - from);
		if (at <= HEAD_MAX)
			genops_buffer_add(&cut->heads, (genops_str){from, (size_t)(in.at - from)});
	}
	return at;
}

static void put_head(struct cut *cut, size_t from, size_t end)
{
	if (!cut->heads.error && end > from)
		genops_buffer_add(cut->out, (genops_str){cut->heads.ptr + from, end - from});
}

static void close_metric(struct cut *cut)
{
	if (cut->has_metric) {
		genops_wire_end(cut->out, cut->data_mark);
		genops_wire_end(cut->out, cut->metric_mark);
	}
	cut->has_metric = false;
}

static void close_scope(struct cut *cut)
{
	close_metric(cut);
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
	int fault = cut->heads.error ? cut->heads.error : cut->out->error;
	if (fault)
		return genops_fail(cut->err, fault, "no memory to cut an OTLP request of %s", genops_signal_name(cut->signal));
	int code = cut->has_items ? cut->fn(cut->arg, genops_buffer_view(cut->out), cut->err) : GENOPS_OK;
	genops_buffer_clear(cut->out);
	cut->has_items = false;
	cut->n_in_piece = 0;
	return code;
}

static void reject(struct cut *cut, int64_t n, const char *what)
{
	cut->count.n_rejected += n;
	if (!cut->count.reason[0])
		snprintf(cut->count.reason, sizeof cut->count.reason, "%s %" PRId64 ": %s", genops_otlp_signals[cut->signal].item,
		    cut->n_items, what);
}

/* Is an item of `len` bytes, or a point, to be left out? Counts its `n` either way. `head`: what it needs around it. */
static bool is_rejected(struct cut *cut, const struct genops_otlp_check *check, size_t head, size_t len, int64_t n)
{
	char text[160];
	if (check->wrong_id) {
		snprintf(text, sizeof text, "%s has %zu bytes; send %d, or none", check->wrong_id->name.ptr, check->wrong_len,
		    check->wrong_id->kind == GENOPS_OTLP_KIND_TRACE_ID ? 16 : 8);
		reject(cut, n, text);
	} else if (check->wrong_text) {
		snprintf(text, sizeof text, "a text (%s) that is not UTF-8, as protobuf's texts have to be", check->wrong_text->name.ptr);
		reject(cut, n, text);
	} else if (check->is_too_deep) {
		snprintf(text, sizeof text, "values more than %d deep in one another; send flatter attributes", GENOPS_OTLP_DEPTH_MAX);
		reject(cut, n, text);
	} else if (head > HEAD_MAX) {
		snprintf(text, sizeof text, "its resource and scope have %zu bytes; at most %zu are taken", head, HEAD_MAX);
		reject(cut, n, text);
	} else if (len > GENOPS_OTLP_ITEM_MAX - FRAME_LEN - head) {
		snprintf(text, sizeof text, "it has %zu bytes with its resource and scope; at most %zu are taken; shorten its attributes",
		    head + len, GENOPS_OTLP_ITEM_MAX);
		reject(cut, n, text);
	} else {
		cut->count.n_accepted += n;
		return false;
	}
	return true;
}

/* Makes room for an item or a point, in this piece or in the next one. */
static int place(struct cut *cut, size_t len, int64_t n)
{
	size_t more = len + FRAME_LEN + (cut->has_scope ? 0 : cut->head);
	if (cut->has_items && (cut->out->len + more > GENOPS_OTLP_PIECE_MAX || cut->n_in_piece + n > GENOPS_OTLP_PIECE_ITEMS))
		GENOPS_TRY(hand_on(cut));
	if (!cut->has_resource) {
		cut->resource_mark = genops_wire_begin(cut->out, 1);
		put_head(cut, 0, cut->resource_head);
		cut->has_resource = true;
	}
	if (!cut->has_scope) {
		cut->scope_mark = genops_wire_begin(cut->out, ITEMS_FIELD);
		put_head(cut, cut->resource_head, cut->head);
		cut->has_scope = true;
	}
	cut->has_items = true;
	cut->n_in_piece += n;
	return GENOPS_OK;
}

static int cut_point(struct cut *cut, const struct metric *metric, genops_str point)
{
	const struct genops_otlp_field *points = &metric->data_message->fields[POINTS_FIELD];
	struct genops_otlp_check check = metric->check;
	if (cut->has_wrong_items)
		(void)!genops_otlp_check_message(&check, (enum genops_otlp_message_id)points->message, point);
	if (is_rejected(cut, &check, cut->data_head, point.len, 1))
		return GENOPS_OK;
	GENOPS_TRY(place(cut, point.len + (cut->has_metric ? 0 : cut->data_head - cut->head), 1));
	if (!cut->has_metric) {
		cut->metric_mark = genops_wire_begin(cut->out, ITEMS_FIELD);
		put_head(cut, cut->head, cut->metric_head);
		cut->data_mark = genops_wire_begin(cut->out, metric->data_field);
		put_head(cut, cut->metric_head, cut->data_head);
		cut->has_metric = true;
	}
	genops_wire_put_bytes(cut->out, POINTS_FIELD, point);
	return GENOPS_OK;
}

/* Of several data the last one counts, as in any oneof. */
static void find_data(struct metric *metric)
{
	const struct genops_otlp_message *message = &genops_otlp_messages[GENOPS_OTLP_METRIC];
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, metric->bytes, 0);
	while (genops_wire_next(&in, &field) > 0) {
		const struct genops_otlp_field *row = genops_otlp_message_field(message, field.number);
		if (!row || !row->is_choice)
			continue;
		metric->data = field.bytes;
		metric->data_field = field.number;
		metric->data_message = &genops_otlp_messages[row->message];
	}
}

/* A metric with points that is too large to go into a piece whole. */
static int cut_metric(struct cut *cut, genops_str bytes)
{
	struct metric metric = {.bytes = bytes, .check = {.is_in_item = true}};
	struct genops_wire_reader in;
	struct genops_wire_field field;
	find_data(&metric);
	cut->metric_head = keep_head(cut, cut->head, bytes, metric.data_field);
	if (cut->has_wrong_items && cut->metric_head <= HEAD_MAX && !cut->heads.error)
		(void)!genops_otlp_check_message(&metric.check, GENOPS_OTLP_METRIC,
		    (genops_str){cut->heads.ptr ? cut->heads.ptr + cut->head : NULL, cut->metric_head - cut->head});
	metric.check.is_in_item = true;
	cut->data_head = keep_head(cut, cut->metric_head, metric.data, POINTS_FIELD);
	genops_wire_reader_init(&in, metric.data, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == POINTS_FIELD)
			GENOPS_TRY(cut_point(cut, &metric, field.bytes));
	}
	close_metric(cut);
	return GENOPS_OK;
}

static int cut_item(struct cut *cut, genops_str item)
{
	bool is_metric = cut->signal == GENOPS_SIGNAL_METRICS;
	struct genops_otlp_check check = {0};
	cut->n_items++;
	/* Checked before, so it is right but for what is counted here. */
	if (is_metric || cut->has_wrong_items)
		(void)!genops_otlp_check_message(&check, genops_otlp_signals[cut->signal].record, item);
	if (check.n_points && (item.len > GENOPS_OTLP_PIECE_MAX - HEAD_MAX || check.n_points > GENOPS_OTLP_PIECE_ITEMS))
		return cut_metric(cut, item);
	int64_t n = is_metric ? check.n_points : 1;
	if (is_rejected(cut, &check, cut->head, item.len, n))
		return GENOPS_OK;
	GENOPS_TRY(place(cut, item.len, n));
	genops_wire_put_bytes(cut->out, ITEMS_FIELD, item);
	return GENOPS_OK;
}

static int cut_scope(struct cut *cut, genops_str scope)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	cut->head = keep_head(cut, cut->resource_head, scope, ITEMS_FIELD);
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
	cut->resource_head = keep_head(cut, 0, resource, ITEMS_FIELD);
	genops_wire_reader_init(&in, resource, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == ITEMS_FIELD)
			GENOPS_TRY(cut_scope(cut, field.bytes));
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
	struct cut cut = {.signal = signal, .out = scratch, .fn = fn, .arg = arg, .err = err};
	cut.has_wrong_items = genops_otlp_check_is_wrong(&check);
	if (request.len > GENOPS_OTLP_PIECE_MAX || check.n_items > GENOPS_OTLP_PIECE_ITEMS ||
	    check.n_points > GENOPS_OTLP_PIECE_ITEMS || cut.has_wrong_items) {
		genops_buffer_init(&cut.heads, HEAD_MAX);
		int code = cut_request(&cut, request);
		genops_buffer_done(&cut.heads);
		if (code != GENOPS_OK)
			return code;
	} else if (check.n_items) {
		cut.count.n_accepted = signal == GENOPS_SIGNAL_METRICS ? check.n_points : check.n_items;
		GENOPS_TRY(fn(arg, request, err));
	}
	*ret_count = cut.count;
	return GENOPS_OK;
}
