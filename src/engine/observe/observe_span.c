/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observe_span.c - how an observed span goes on: with what governance says of it, or as a duplicate without cost.
 *
 * Attributes are appended to the span as it came; genops.* that stands on it stays as it is. A duplicate loses genops.cost.* and
 * genops.accounting.*, or whoever adds up costs would count the call twice.
 */
#include "engine/observe/observe_impl.h"

#include "base/str.h"
#include "telemetry/conventions.h"
#include "telemetry/span.h"

#define KEYS_MAX 256                     /* genops.* of one span that are looked at */
#define SPAN_MAX ((size_t)960 << 10)     /* with resource and scope: what is added never makes it too long for an entry of a segment */

enum { SPANS_FIELD = 2, SPAN_ATTRIBUTES = 9 };

static void put_true(struct genops_buffer *out, genops_str key)
{
	size_t attribute = genops_wire_begin(out, SPAN_ATTRIBUTES);
	genops_wire_put_text(out, 1, key);
	size_t value = genops_wire_begin(out, 2);
	genops_wire_put_bool(out, 2, true);
	genops_wire_end(out, value);
	genops_wire_end(out, attribute);
}

static bool has_key(const genops_str *keys, size_t n, genops_str key)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_str_equal(keys[i], key))
			return true;
	}
	return false;
}

static size_t own_keys(genops_str span, genops_str keys[KEYS_MAX])
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	size_t n = 0;
	genops_otlp_attributes_init(&attributes, span, GENOPS_OTLP_SPAN_ATTRIBUTES);
	while (n < KEYS_MAX && genops_otlp_attributes_next(&attributes, &attribute) == 1) {
		if (genops_str_starts(attribute.key, GENOPS_STR("genops.")))
			keys[n++] = attribute.key;
	}
	return n;
}

static void write_governance(
    struct genops_observer *observer, const struct genops_observed *observed, const struct genops_record *record, struct genops_buffer *out)
{
	const genops_str span = observed->span.encoded;
	const size_t max = SPAN_MAX - observed->resource.encoded.len - observed->resource.scope.len;
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	genops_str keys[KEYS_MAX];
	size_t n = own_keys(span, keys);
	struct genops_config *config = genops_engine_config(observer->engine);
	genops_buffer_clear(&observer->attributes);
	genops_buffer_clear(&observer->events);
	genops_span_encode_governance(
	    record, (enum genops_profile)config->telemetry.profile, &observer->attributes, &observer->events);
	genops_config_unref(config);
	genops_buffer_add(out, span);
	genops_otlp_attributes_init(&attributes, genops_buffer_view(&observer->attributes), GENOPS_OTLP_SPAN_ATTRIBUTES);
	while (genops_otlp_attributes_next(&attributes, &attribute) == 1 && out->len + attribute.encoded.len < max) {
		if (genops_str_starts(attribute.key, GENOPS_STR("genops.")) && !has_key(keys, n, attribute.key))
			genops_wire_put_bytes(out, SPAN_ATTRIBUTES, attribute.encoded);
	}
	if (out->len + observer->events.len < max)
		genops_buffer_add(out, genops_buffer_view(&observer->events));
	if (observer->attributes.error || observer->events.error)
		out->error = observer->attributes.error ? observer->attributes.error : observer->events.error;
}

static bool is_cost(genops_str attribute)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, attribute, 1);
	while (genops_wire_next(&in, &field) == 1) {
		if (field.number == 1)
			return genops_str_starts(field.bytes, GENOPS_STR("genops.cost.")) ||
			       genops_str_starts(field.bytes, GENOPS_STR("genops.accounting."));
	}
	return false;
}

static void write_duplicate(genops_str span, struct genops_buffer *out)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, span, 1);
	for (const char *at = in.at; genops_wire_next(&in, &field) == 1; at = in.at) {
		if (field.number != SPAN_ATTRIBUTES || !is_cost(field.bytes))
			genops_buffer_add(out, (genops_str){at, (size_t)(in.at - at)});
	}
	put_true(out, genops_conventions[GENOPS_CONVENTION_DUPLICATE].name);
}

/* --- envelopes --- */

static bool is_same_origin(const struct genops_observe_out *out, const struct genops_envelope *envelope)
{
	return genops_str_equal(genops_buffer_view(&out->receiver), envelope->receiver) &&
	       genops_str_equal(genops_buffer_view(&out->input), envelope->input) &&
	       genops_str_equal(genops_buffer_view(&out->tenant), envelope->tenant);
}

static void begin_origin(struct genops_observe_out *out, const struct genops_envelope *envelope)
{
	genops_buffer_clear(&out->receiver);
	genops_buffer_add(&out->receiver, envelope->receiver);
	genops_buffer_clear(&out->input);
	genops_buffer_add(&out->input, envelope->input);
	genops_buffer_clear(&out->tenant);
	genops_buffer_add(&out->tenant, envelope->tenant);
	genops_buffer_clear(&out->request);
	out->writer = (struct genops_otlp_writer){.out = &out->request};
	out->received_unix_ns = envelope->received_unix_ns;
}

void genops_observe_span_forget(struct genops_observer *observer)
{
	genops_buffer_clear(&observer->out.request);
	observer->out.writer = (struct genops_otlp_writer){.out = &observer->out.request};
}

int genops_observe_span_flush(struct genops_observer *observer, struct genops_error *err)
{
	struct genops_observe_out *out = &observer->out;
	if (!out->writer.n_items)
		return GENOPS_OK;
	genops_otlp_writer_end(&out->writer);
	struct genops_envelope envelope = {
	    .signal = GENOPS_SIGNAL_TRACES,
	    .is_observed = true,
	    .received_unix_ns = out->received_unix_ns,
	    .receiver = genops_buffer_view(&out->receiver),
	    .input = genops_buffer_view(&out->input),
	    .tenant = genops_buffer_view(&out->tenant),
	    .request = genops_buffer_view(&out->request),
	};
	genops_buffer_clear(&out->envelope);
	genops_envelope_encode(&envelope, &out->envelope);
	if (out->request.error || out->envelope.error)
		return genops_fail(err, GENOPS_NOMEM, "no memory for observed spans");
	GENOPS_TRY(genops_ledger_outbox_add(observer->ledger, envelope.request, genops_buffer_view(&out->envelope), err));
	genops_observe_span_forget(observer);
	return GENOPS_OK;
}

int genops_observe_span_write(struct genops_observer *observer, const struct genops_observed *span,
    const struct genops_record *record, bool is_duplicate, struct genops_error *err)
{
	struct genops_observe_out *out = &observer->out;
	struct genops_buffer *body = &observer->body;
	genops_buffer_clear(body);
	if (record)
		write_governance(observer, span, record, body);
	else if (is_duplicate)
		write_duplicate(span->span.encoded, body);
	else
		genops_buffer_add(body, span->span.encoded);
	if (body->error)
		return genops_fail(err, body->error, "no memory for an observed span");
	if (out->writer.n_items &&
	    (!is_same_origin(out, &span->envelope) || out->request.len + body->len > GENOPS_OTLP_PIECE_MAX))
		GENOPS_TRY(genops_observe_span_flush(observer, err));
	if (!out->writer.n_items)
		begin_origin(out, &span->envelope);
	genops_otlp_writer_place(&out->writer, &span->resource);
	genops_wire_put_bytes(&out->request, SPANS_FIELD, genops_buffer_view(body));
	return out->request.error ? genops_fail(err, out->request.error, "no memory for observed spans") : GENOPS_OK;
}
