/* SPDX-License-Identifier: Apache-2.0
 * pipeline/protect/otlp_mask.c - see otlp_mask.h.
 *
 * The messages are rows: which fields lead to which message, and which are texts. A message is written anew field by field; when nothing
 * was found in it, what was written is taken back and its bytes are copied as they came. */
#include "pipeline/protect/otlp_mask.h"

#include "base/str.h"
#include "codec/wire.h"
#include "telemetry/otlp/otlp_span.h"

enum message {
	TEXT, /* a string that is looked at */
	BYTES, /* if they are a text */
	REQUEST, /* and its Resource..., Scope...: of the signal */
	SPANS_OF_RESOURCE, METRICS_OF_RESOURCE, LOGS_OF_RESOURCE,
	SPANS_OF_SCOPE, METRICS_OF_SCOPE, LOGS_OF_SCOPE,
	RESOURCE, SCOPE, SPAN, EVENT, LINK, STATUS, LOG, METRIC, NUMBERS, HISTOGRAMS, EXPONENTIALS, SUMMARIES,
	NUMBER_POINT, HISTOGRAM_POINT, EXPONENTIAL_POINT, SUMMARY_POINT, EXEMPLAR, KEY_VALUE, ANY_VALUE, ARRAY, MAP,
	N_MESSAGES,
};

struct part {
	uint32_t number;
	enum message message;
};

#define PARTS_MAX 6

/* opentelemetry-proto 1.x. REQUEST is entered by signal: its field 1 is the signal's. */
static const struct part schema[N_MESSAGES][PARTS_MAX] = {
    [SPANS_OF_RESOURCE] = {{1, RESOURCE}, {2, SPANS_OF_SCOPE}},
    [METRICS_OF_RESOURCE] = {{1, RESOURCE}, {2, METRICS_OF_SCOPE}},
    [LOGS_OF_RESOURCE] = {{1, RESOURCE}, {2, LOGS_OF_SCOPE}},
    [SPANS_OF_SCOPE] = {{1, SCOPE}, {2, SPAN}},
    [METRICS_OF_SCOPE] = {{1, SCOPE}, {2, METRIC}},
    [LOGS_OF_SCOPE] = {{1, SCOPE}, {2, LOG}},
    [RESOURCE] = {{1, KEY_VALUE}},
    [SCOPE] = {{3, KEY_VALUE}},
    [SPAN] = {{5, TEXT}, {9, KEY_VALUE}, {11, EVENT}, {13, LINK}, {15, STATUS}},
    [EVENT] = {{2, TEXT}, {3, KEY_VALUE}},
    [LINK] = {{4, KEY_VALUE}},
    [STATUS] = {{2, TEXT}},
    [LOG] = {{5, ANY_VALUE}, {6, KEY_VALUE}},
    [METRIC] = {{5, NUMBERS}, {7, NUMBERS}, {9, HISTOGRAMS}, {10, EXPONENTIALS}, {11, SUMMARIES}},
    [NUMBERS] = {{1, NUMBER_POINT}},
    [HISTOGRAMS] = {{1, HISTOGRAM_POINT}},
    [EXPONENTIALS] = {{1, EXPONENTIAL_POINT}},
    [SUMMARIES] = {{1, SUMMARY_POINT}},
    [NUMBER_POINT] = {{5, EXEMPLAR}, {7, KEY_VALUE}},
    [HISTOGRAM_POINT] = {{8, EXEMPLAR}, {9, KEY_VALUE}},
    [EXPONENTIAL_POINT] = {{1, KEY_VALUE}, {11, EXEMPLAR}},
    [SUMMARY_POINT] = {{7, KEY_VALUE}},
    [EXEMPLAR] = {{7, KEY_VALUE}},
    [KEY_VALUE] = {{2, ANY_VALUE}},
    [ANY_VALUE] = {{1, TEXT}, {5, ARRAY}, {6, MAP}, {7, BYTES}},
    [ARRAY] = {{1, ANY_VALUE}},
    [MAP] = {{1, KEY_VALUE}},
};

/* Resource, scope, item, event, attribute, and the values' own depth, two messages a level. */
#define DEPTH_MAX (2 * GENOPS_OTLP_DEPTH_MAX + 16)

struct masker {
	const struct genops_otlp_mask *mask;
	struct genops_otlp_masking *masking;
	struct genops_error *err;
};

void genops_otlp_mask_done(struct genops_otlp_mask *mask)
{
	for (size_t i = 0; i < mask->n; i++)
		genops_regex_free(mask->patterns[i]);
	mask->n = 0;
}

void genops_otlp_masking_init(struct genops_otlp_masking *masking, size_t request_max)
{
	*masking = (struct genops_otlp_masking){0};
	genops_buffer_init(&masking->out, request_max);
	genops_buffer_init(&masking->steps[0], request_max);
	genops_buffer_init(&masking->steps[1], request_max);
}

void genops_otlp_masking_done(struct genops_otlp_masking *masking)
{
	genops_buffer_done(&masking->out);
	genops_buffer_done(&masking->steps[0]);
	genops_buffer_done(&masking->steps[1]);
	genops_regex_space_free(masking->space);
}

/* Through the patterns, one after another. *ret_is_changed: something was found. */
static genops_str mask_text(struct masker *masker, genops_str text, bool *ret_is_changed)
{
	struct genops_otlp_masking *masking = masker->masking;
	bool is_changed = false;
	unsigned turn = 0;
	for (size_t i = 0; i < masker->mask->n; i++) {
		const struct genops_regex *pattern = masker->mask->patterns[i];
		struct genops_buffer *step = &masking->steps[turn];
		struct genops_regex_match match;
		int found = genops_regex_find(pattern, &masking->space, text, 0, &match);
		if (!found)
			continue;
		is_changed = true;
		genops_buffer_clear(step);
		if (found < 0 || !genops_regex_replace(pattern, &masking->space, text, GENOPS_OTLP_MASK_TEXT, step) || step->error) {
			masking->n_failed++;
			text = GENOPS_OTLP_MASK_TEXT;
			break;
		}
		text = genops_buffer_view(step);
		turn = !turn;
	}
	masking->n_masked += is_changed;
	*ret_is_changed = is_changed;
	return text;
}

static enum message message_of(enum message message, enum genops_signal signal, uint32_t number)
{
	static const enum message of_resource[GENOPS_SIGNAL_N] = {SPANS_OF_RESOURCE, METRICS_OF_RESOURCE, LOGS_OF_RESOURCE};
	if (message == REQUEST)
		return number == 1 ? of_resource[signal] : N_MESSAGES;
	for (size_t i = 0; i < PARTS_MAX && schema[message][i].number; i++) {
		if (schema[message][i].number == number)
			return schema[message][i].message;
	}
	return N_MESSAGES;
}

/* Appends a message's content; *ret_is_changed false: it is as it came. */
static int mask_message(struct masker *masker, enum message message, enum genops_signal signal, genops_str bytes, int depth, bool *ret_is_changed)
{
	struct genops_buffer *out = &masker->masking->out;
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	if (depth > DEPTH_MAX)
		return genops_fail(masker->err, GENOPS_LIMIT, "a value lies too deep to be looked at");
	genops_wire_reader_init(&in, bytes, 0);
	for (const char *begin = in.at; (code = genops_wire_next(&in, &field)) > 0; begin = in.at) {
		enum message part = field.type == GENOPS_WIRE_BYTES ? message_of(message, signal, field.number) : N_MESSAGES;
		const genops_str encoded = {begin, (size_t)(in.at - begin)};
		size_t mark = out->len;
		bool is_changed = false;
		if (part == BYTES)
			part = genops_str_is_utf8(field.bytes) ? TEXT : N_MESSAGES;
		if (part == TEXT) {
			genops_str text = mask_text(masker, field.bytes, &is_changed);
			if (is_changed)
				genops_wire_put_text(out, field.number, text);
		} else if (part != N_MESSAGES && field.bytes.len) {
			size_t head = genops_wire_begin(out, field.number);
			GENOPS_TRY(mask_message(masker, part, signal, field.bytes, depth + 1, &is_changed));
			genops_wire_end(out, head);
		}
		if (!is_changed && !out->error) {
			out->len = mark;
			genops_buffer_add(out, encoded);
		}
		*ret_is_changed |= is_changed;
	}
	return code < 0 ? genops_fail(masker->err, GENOPS_CORRUPT, "a request is damaged") : GENOPS_OK;
}

int genops_otlp_mask_request(const struct genops_otlp_mask *mask, struct genops_otlp_masking *masking, enum genops_signal signal,
    genops_str request, genops_str *ret_request, struct genops_error *err)
{
	struct masker masker = {mask, masking, err};
	bool is_changed = false;
	genops_buffer_clear(&masking->out);
	GENOPS_TRY(mask_message(&masker, REQUEST, signal, request, 0, &is_changed));
	if (masking->out.error)
		return genops_fail(err, masking->out.error, "no memory for a request that is masked");
	*ret_request = is_changed ? genops_buffer_view(&masking->out) : request;
	return GENOPS_OK;
}
