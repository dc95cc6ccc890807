/* SPDX-License-Identifier: Apache-2.0
 * export/kafka/kafka_messages.c - see kafka.h: OTLP as Kafka messages that are not too large, one key and topic each. Pure.
 *
 * A request is gone over item by item. Items of one topic and key are put together again into requests, in their order, until the next one
 * would be too large. Which key: the trace's id, or a hash of the resource's attributes, whatever their order. */
#include "export/kafka/kafka.h"

#include "base/hash.h"
#include "base/str.h"
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/otlp_span.h"

#include <stdio.h>
#include <stdlib.h>

#define LOG_TRACE_ID    9 /* field of LogRecord */
#define FRAME_LEN       64 /* tags and lengths around an item */
#define JSON_GROWTH     3 /* about; what is larger after all is cut anew */
#define REQUEST_MAX     GENOPS_DESTINATION_BODY_MAX

enum key_kind { KEY_NONE, KEY_TRACE, KEY_RESOURCE };

/* One span, log record or metric, and where it belongs. */
struct piece {
	struct genops_hash group;       /* of topic and key */
	size_t at;
	genops_str encoded, topic, key;
	struct genops_otlp_resource resource;
};

struct cutting {
	struct genops_kafka_messages *messages;
	enum genops_signal signal;
	size_t item, n_items;
	struct piece *pieces;
	size_t n, max;
	struct genops_error *err;
};

int genops_kafka_messages_add(struct genops_kafka_messages *messages, const struct genops_kafka_message *message, struct genops_error *err)
{
	if (messages->n == messages->max) { /* the arena has what was there before, too: doubled, that is as much again */
		size_t max = messages->max ? 2 * messages->max : 64;
		struct genops_kafka_message *items = genops_arena_alloc(messages->arena, max * sizeof *items);
		size_t *value_at = genops_arena_alloc(messages->arena, max * sizeof *value_at);
		if (!items || !value_at)
			return genops_fail(err, GENOPS_NOMEM, "no memory for Kafka messages");
		if (messages->n) {
			memcpy(items, messages->items, messages->n * sizeof *items);
			memcpy(value_at, messages->value_at, messages->n * sizeof *value_at);
		}
		messages->items = items;
		messages->value_at = value_at;
		messages->max = max;
	}
	messages->items[messages->n] = *message;
	messages->value_at[messages->n] = messages->body->len;
	genops_buffer_add(messages->body, message->value);
	if (messages->body->error)
		return genops_fail(err, messages->body->error, "Kafka messages do not fit into memory");
	messages->n++;
	return GENOPS_OK;
}

void genops_kafka_messages_end(struct genops_kafka_messages *messages)
{
	for (size_t i = 0; i < messages->n; i++)
		messages->items[i].value.ptr = messages->body->ptr + messages->value_at[i];
}

static enum key_kind key_kind_of(const struct genops_kafka_settings *settings, enum genops_signal signal)
{
	if (signal == GENOPS_SIGNAL_TRACES)
		return settings->traces_by_id ? KEY_TRACE : KEY_NONE;
	if (signal == GENOPS_SIGNAL_METRICS)
		return settings->metrics_by_resource ? KEY_RESOURCE : KEY_NONE;
	return settings->logs_by_trace ? KEY_TRACE : settings->logs_by_resource ? KEY_RESOURCE : KEY_NONE;
}

/* How large a request may be so that its message is not too large. */
static size_t value_max(const struct genops_kafka_messages *messages, enum genops_signal signal)
{
	size_t max = messages->settings->message_max, taken = GENOPS_KAFKA_OVERHEAD;
	for (size_t i = 0; i < messages->settings->headers.n; i++)
		taken += messages->settings->headers.items[i].key.len + messages->settings->headers.items[i].value.len + 16;
	max = max > taken ? max - taken : 1;
	return messages->settings->is_json[signal] ? max / JSON_GROWTH : max;
}

static int add_request(struct cutting *cutting, genops_str topic, genops_str key, genops_str request, size_t *ret_value_len)
{
	struct genops_kafka_message message = {.topic = topic, .key = key, .value = request, .item = cutting->item, .n_items = cutting->n_items};
	struct genops_buffer json;
	int code = GENOPS_OK;
	genops_buffer_init(&json, REQUEST_MAX);
	if (cutting->messages->settings->is_json[cutting->signal]) {
		code = genops_otlp_json_write(cutting->signal, request, &json, cutting->err);
		message.value = genops_buffer_view(&json);
	}
	*ret_value_len = message.value.len;
	if (code == GENOPS_OK)
		code = genops_kafka_messages_add(cutting->messages, &message, cutting->err);
	genops_buffer_done(&json);
	return code;
}

/* Pieces of one group, from `pieces` on, as one message; too large as JSON after all: as two, and so on. */
static int add_pieces(struct cutting *cutting, const struct piece *pieces, size_t n)
{
	struct genops_kafka_messages *messages = cutting->messages;
	struct genops_buffer request;
	size_t mark = messages->body->len, len = 0;
	genops_buffer_init(&request, REQUEST_MAX);
	struct genops_otlp_writer writer = {.out = &request};
	for (size_t i = 0; i < n; i++) {
		genops_otlp_writer_place(&writer, &pieces[i].resource);
		genops_wire_put_bytes(&request, 2, pieces[i].encoded);
	}
	genops_otlp_writer_end(&writer);
	int code = request.error ? genops_fail(cutting->err, request.error, "Kafka messages do not fit into memory")
				 : add_request(cutting, pieces->topic, pieces->key, genops_buffer_view(&request), &len);
	genops_buffer_done(&request);
	bool is_json = messages->settings->is_json[cutting->signal];
	if (code != GENOPS_OK || n < 2 || !is_json || len <= JSON_GROWTH * value_max(messages, cutting->signal))
		return code;
	messages->n--;
	messages->body->len = mark;
	GENOPS_TRY(add_pieces(cutting, pieces, n / 2));
	return add_pieces(cutting, pieces + n / 2, n - n / 2);
}

static int compare(const void *a, const void *b)
{
	const struct piece *left = a, *right = b;
	if (left->group.high != right->group.high)
		return left->group.high < right->group.high ? -1 : 1;
	if (left->group.low != right->group.low)
		return left->group.low < right->group.low ? -1 : 1;
	return left->at < right->at ? -1 : left->at > right->at;
}

static int add_groups(struct cutting *cutting)
{
	size_t max = value_max(cutting->messages, cutting->signal);
	if (cutting->n > 1)
		qsort(cutting->pieces, cutting->n, sizeof *cutting->pieces, compare);
	for (size_t first = 0, n; first < cutting->n; first += n) {
		const struct piece *pieces = &cutting->pieces[first];
		size_t len = 0;
		for (n = 0; first + n < cutting->n && genops_hash_equal(pieces[n].group, pieces->group); n++) {
			len += pieces[n].encoded.len + FRAME_LEN;
			if (!n || pieces[n].resource.n_resource != pieces[n - 1].resource.n_resource || pieces[n].resource.n_scope != pieces[n - 1].resource.n_scope)
				len += pieces[n].resource.encoded.len + pieces[n].resource.scope.len + FRAME_LEN;
			if (n && len > max)
				break;
		}
		GENOPS_TRY(add_pieces(cutting, pieces, n));
	}
	return GENOPS_OK;
}

/* --- which topic, which key --- */

static genops_str hex(struct genops_arena *arena, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *text = genops_arena_alloc(arena, 2 * n + 1);
	for (size_t i = 0; text && i < n; i++) {
		text[2 * i] = digits[((const uint8_t *)bytes)[i] >> 4];
		text[2 * i + 1] = digits[((const uint8_t *)bytes)[i] & 15];
	}
	return (genops_str){text, text ? 2 * n : 0};
}

static bool is_zero(genops_str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.ptr[i])
			return false;
	}
	return true;
}

static int trace_id_of(enum genops_signal signal, genops_str encoded, genops_str *ret_id)
{
	struct genops_otlp_span span;
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code = GENOPS_OK;
	*ret_id = (genops_str){NULL, 0};
	if (signal == GENOPS_SIGNAL_TRACES) {
		code = genops_otlp_span_read(encoded, &span);
		if (code == GENOPS_OK)
			*ret_id = span.trace_id;
		return code;
	}
	genops_wire_reader_init(&in, encoded, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == LOG_TRACE_ID && field.type == GENOPS_WIRE_BYTES)
			*ret_id = field.bytes;
	}
	return code;
}

/* The same whatever the order of the attributes. */
static int resource_of(const struct cutting *cutting, const struct genops_otlp_resource *resource, genops_str *ret_topic, genops_str *ret_key)
{
	const struct genops_kafka_settings *settings = cutting->messages->settings;
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	uint64_t sum[2] = {0, 0};
	int code;
	*ret_topic = settings->topics[cutting->signal];
	*ret_key = (genops_str){NULL, 0};
	genops_otlp_attributes_init(&attributes, resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		struct genops_hash hash = genops_hash_of(attribute.encoded, 0);
		sum[0] += hash.low;
		sum[1] += hash.high;
		bool is_topic = settings->topic_from_attribute.len && genops_str_equal(attribute.key, settings->topic_from_attribute);
		if (is_topic && attribute.value.type == GENOPS_OTLP_STRING && genops_kafka_topic_is_valid(attribute.value.bytes))
			*ret_topic = attribute.value.bytes;
	}
	if (code != GENOPS_OK)
		return genops_fail(cutting->err, GENOPS_CORRUPT, "a resource is damaged");
	if (key_kind_of(settings, cutting->signal) == KEY_RESOURCE) {
		*ret_key = hex(cutting->messages->arena, sum, sizeof sum);
		if (!ret_key->len)
			return genops_fail(cutting->err, GENOPS_NOMEM, "no memory for a key");
	}
	return GENOPS_OK;
}

static int describe(struct cutting *cutting, struct piece *piece)
{
	genops_str id;
	if (key_kind_of(cutting->messages->settings, cutting->signal) == KEY_TRACE) {
		if (trace_id_of(cutting->signal, piece->encoded, &id) != GENOPS_OK)
			return genops_fail(cutting->err, GENOPS_CORRUPT, "a span or a log record is damaged");
		bool is_none = is_zero(id);
		piece->key = (genops_str){NULL, 0};
		if (!is_none)
			piece->key = hex(cutting->messages->arena, id.ptr, id.len);
		if (!is_none && !piece->key.len)
			return genops_fail(cutting->err, GENOPS_NOMEM, "no memory for a key");
	}
	struct genops_hash topic = genops_hash_of(piece->topic, 0), key = genops_hash_of(piece->key, 1);
	piece->group = (struct genops_hash){topic.low ^ (key.low * 3), topic.high ^ (key.high * 5)};
	return GENOPS_OK;
}

static int collect(struct cutting *cutting, genops_str request)
{
	struct genops_otlp_reader reader;
	genops_str encoded, topic = {NULL, 0}, key = {NULL, 0};
	unsigned n_resource = 0;
	bool has_resource = false;
	int code;
	genops_otlp_reader_init(&reader, cutting->signal, request);
	while ((code = genops_otlp_reader_next(&reader, &encoded)) > 0) {
		if (cutting->n == cutting->max) {
			size_t max = cutting->max ? 2 * cutting->max : 256;
			struct piece *grown = realloc(cutting->pieces, max * sizeof *grown);
			if (!grown)
				return genops_fail(cutting->err, GENOPS_NOMEM, "no memory for Kafka messages");
			cutting->pieces = grown;
			cutting->max = max;
		}
		if (!has_resource || n_resource != reader.resource.n_resource)
			GENOPS_TRY(resource_of(cutting, &reader.resource, &topic, &key));
		has_resource = true;
		n_resource = reader.resource.n_resource;
		struct piece *piece = &cutting->pieces[cutting->n];
		*piece = (struct piece){.at = cutting->n, .encoded = encoded, .topic = topic, .key = key, .resource = reader.resource};
		GENOPS_TRY(describe(cutting, piece));
		cutting->n++;
	}
	return code < 0 ? genops_fail(cutting->err, GENOPS_CORRUPT, "a request is damaged") : GENOPS_OK;
}

int genops_kafka_messages_add_otlp(struct genops_kafka_messages *messages, enum genops_signal signal, genops_str request, size_t item,
    size_t n_items, struct genops_error *err)
{
	const struct genops_kafka_settings *settings = messages->settings;
	struct cutting cutting = {.messages = messages, .signal = signal, .item = item, .n_items = n_items, .err = err};
	size_t len = 0, mark = messages->body->len, n = messages->n;
	bool is_whole = key_kind_of(settings, signal) == KEY_NONE && !settings->topic_from_attribute.len;
	bool is_json = settings->is_json[signal];
	if (is_whole && request.len <= value_max(messages, signal)) {
		GENOPS_TRY(add_request(&cutting, settings->topics[signal], (genops_str){NULL, 0}, request, &len));
		if (!is_json || len <= JSON_GROWTH * value_max(messages, signal))
			return GENOPS_OK;
		messages->n = n;
		messages->body->len = mark;
	}
	int code = collect(&cutting, request);
	if (code == GENOPS_OK)
		code = add_groups(&cutting);
	free(cutting.pieces);
	return code;
}
