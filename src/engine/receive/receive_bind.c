/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_bind.c - what a token binds stands in everything that it sends, and nothing of the sender's beside it.
 *
 * The attributes that the token binds are taken out of resources, spans, log records and data points, and put into each of the latter three:
 * so whoever reads the telemetry later finds one answer, and needs to know of no tokens. Only requests of such tokens are written anew; what
 * this file does not know of a message is copied as it came. Depth is bounded by the table.
 */
#include "engine/receive/receive.h"

#include "base/str.h"
#include "codec/wire.h"
#include "govern/attributes.h"

#include <stdio.h>

#define DEPTH_MAX  16
#define FIELDS_MAX 5

/* A message by what matters in it. */
struct level {
	uint32_t attributes; /* field of its KeyValues; 0: it has none */
	bool is_item;        /* gets what is bound */
	struct {
		uint32_t field;
		const struct level *level;
	} inner[FIELDS_MAX + 1];
};

static const struct level resource = {.attributes = 1};
static const struct level span = {.attributes = 9, .is_item = true};
static const struct level scope_spans = {.inner = {{2, &span}}};
static const struct level resource_spans = {.inner = {{1, &resource}, {2, &scope_spans}}};
static const struct level record = {.attributes = 6, .is_item = true};
static const struct level scope_logs = {.inner = {{2, &record}}};
static const struct level resource_logs = {.inner = {{1, &resource}, {2, &scope_logs}}};
static const struct level number_point = {.attributes = 7, .is_item = true}, histogram_point = {.attributes = 9, .is_item = true};
static const struct level exponential_point = {.attributes = 1, .is_item = true};
static const struct level numbers = {.inner = {{1, &number_point}}}, histogram = {.inner = {{1, &histogram_point}}};
static const struct level exponential = {.inner = {{1, &exponential_point}}};
static const struct level metric = {.inner = {{5, &numbers}, {7, &numbers}, {9, &histogram}, {10, &exponential}, {11, &numbers}}};
static const struct level scope_metrics = {.inner = {{2, &metric}}};
static const struct level resource_metrics = {.inner = {{1, &resource}, {2, &scope_metrics}}};

static const struct level requests[GENOPS_SIGNAL_N] = {
    [GENOPS_SIGNAL_TRACES] = {.inner = {{1, &resource_spans}}},
    [GENOPS_SIGNAL_METRICS] = {.inner = {{1, &resource_metrics}}},
    [GENOPS_SIGNAL_LOGS] = {.inner = {{1, &resource_logs}}},
};

struct binding {
	const struct genops_config_token *token;
	struct genops_buffer *out;
};

/* "genops.team" is "team". */
static genops_str short_name(genops_str key)
{
	return genops_str_starts(key, GENOPS_STR("genops.")) ? genops_str_skip(key, 7) : key;
}

static bool is_bound(const struct binding *binding, genops_str key_value)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, key_value, 1);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number != 1 || field.type != GENOPS_WIRE_BYTES)
			continue;
		for (size_t i = 0; i < binding->token->n_attributes; i++) {
			genops_str bound = binding->token->attributes[i].key;
			bool is_standard = genops_attributes_standard_key(bound) >= 0;
			if (genops_str_equal(is_standard ? short_name(field.bytes) : field.bytes, is_standard ? short_name(bound) : bound))
				return true;
		}
	}
	return false;
}

static void put_bound(const struct binding *binding, uint32_t number)
{
	struct genops_buffer *out = binding->out;
	for (size_t i = 0; i < binding->token->n_attributes; i++) {
		const struct genops_attribute *attribute = &binding->token->attributes[i];
		char key[GENOPS_ATTRIBUTE_KEY_MAX + 8];
		bool is_standard = genops_attributes_standard_key(attribute->key) >= 0;
		genops_str name = is_standard ? short_name(attribute->key) : attribute->key;
		snprintf(key, sizeof key, "%s%.*s", is_standard ? "genops." : "", GENOPS_STR_ARG(name));
		size_t pair = genops_wire_begin(out, number);
		genops_wire_put_text(out, 1, genops_str_of(key));
		size_t value = genops_wire_begin(out, 2);
		switch (attribute->type) {
		case GENOPS_ATTRIBUTE_STRING:
			genops_wire_put_text(out, 1, attribute->value.string);
			break;
		case GENOPS_ATTRIBUTE_BOOL:
			genops_wire_put_bool(out, 2, attribute->value.boolean);
			break;
		case GENOPS_ATTRIBUTE_INT:
			genops_wire_put_int(out, 3, attribute->value.integer);
			break;
		case GENOPS_ATTRIBUTE_DOUBLE:
			genops_wire_put_double(out, 4, attribute->value.number);
			break;
		}
		genops_wire_end_tight(out, value);
		genops_wire_end_tight(out, pair);
	}
}

static const struct level *find_inner(const struct level *level, uint32_t field)
{
	for (size_t i = 0; level->inner[i].level; i++) {
		if (level->inner[i].field == field)
			return level->inner[i].level;
	}
	return NULL;
}

static int rewrite(const struct binding *binding, const struct level *level, genops_str message)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	genops_wire_reader_init(&in, message, DEPTH_MAX);
	for (const char *before = in.at; (code = genops_wire_next(&in, &field)) > 0; before = in.at) {
		bool is_message = field.type == GENOPS_WIRE_BYTES;
		const struct level *inner = is_message ? find_inner(level, field.number) : NULL;
		if (inner) {
			size_t mark = genops_wire_begin(binding->out, field.number);
			GENOPS_TRY(rewrite(binding, inner, field.bytes));
			genops_wire_end(binding->out, mark);
		} else if (!is_message || field.number != level->attributes || !is_bound(binding, field.bytes)) {
			genops_buffer_add(binding->out, (genops_str){before, (size_t)(in.at - before)});
		}
	}
	if (level->is_item)
		put_bound(binding, level->attributes);
	return code;
}

int genops_receive_bind(struct genops_receiver_request *request, genops_str bytes, struct genops_error *err)
{
	struct binding binding = {request->token, &request->bound};
	genops_buffer_clear(&request->bound);
	request->bound.max = 4 * (size_t)request->listener->max_body + 4096;
	if (rewrite(&binding, &requests[request->signal], bytes) != GENOPS_OK)
		return genops_fail(err, GENOPS_SYNTAX, "OTLP %s: this is no protobuf message", genops_signal_name(request->signal));
	if (request->bound.error)
		return genops_fail(err, request->bound.error, "the request with what its token binds is too large");
	return GENOPS_OK;
}
