/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/envelope.c - see envelope.h. Pure. */
#include "telemetry/otlp/envelope.h"

#include "codec/wire.h"

#define VERSION 1

enum { SIGNAL = 1, IS_OBSERVED, RECEIVED, RECEIVER, INPUT, TENANT, REQUEST, KEY };

static void put_text(struct genops_buffer *out, uint32_t field, genops_str text)
{
	if (text.len)
		genops_wire_put_bytes(out, field, text);
}

void genops_envelope_encode(const struct genops_envelope *envelope, struct genops_buffer *out)
{
	genops_buffer_add_char(out, VERSION);
	if (envelope->signal)
		genops_wire_put_uint(out, SIGNAL, envelope->signal);
	if (envelope->is_observed)
		genops_wire_put_bool(out, IS_OBSERVED, true);
	genops_wire_put_int(out, RECEIVED, envelope->received_unix_ns);
	put_text(out, RECEIVER, envelope->receiver);
	put_text(out, INPUT, envelope->input);
	put_text(out, TENANT, envelope->tenant);
	put_text(out, KEY, envelope->key);
	put_text(out, REQUEST, envelope->request);
}

/* A field that is known must have its type. */
static bool read_field(const struct genops_wire_field *field, struct genops_envelope *envelope)
{
	switch (field->number) {
	case SIGNAL:
		envelope->signal = (enum genops_signal)field->value;
		return field->type == GENOPS_WIRE_VARINT && field->value < GENOPS_SIGNAL_N;
	case IS_OBSERVED:
		envelope->is_observed = field->value != 0;
		return field->type == GENOPS_WIRE_VARINT;
	case RECEIVED:
		envelope->received_unix_ns = (int64_t)field->value;
		return field->type == GENOPS_WIRE_VARINT;
	case RECEIVER:
		envelope->receiver = field->bytes;
		return field->type == GENOPS_WIRE_BYTES;
	case INPUT:
		envelope->input = field->bytes;
		return field->type == GENOPS_WIRE_BYTES;
	case TENANT:
		envelope->tenant = field->bytes;
		return field->type == GENOPS_WIRE_BYTES;
	case KEY:
		envelope->key = field->bytes;
		return field->type == GENOPS_WIRE_BYTES;
	case REQUEST:
		envelope->request = field->bytes;
		return field->type == GENOPS_WIRE_BYTES;
	default:
		return true;
	}
}

int genops_envelope_decode(genops_str bytes, struct genops_envelope *ret_envelope, struct genops_error *err)
{
	struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_TRACES};
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	if (!bytes.len || bytes.ptr[0] == 0)
		return genops_fail(err, GENOPS_CORRUPT, "stored telemetry: no version where one is due");
	if (bytes.ptr[0] != VERSION)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "let the newer GenOps drain this state directory",
		    "stored telemetry has version %d; this GenOps reads %d", (unsigned char)bytes.ptr[0], VERSION);
	genops_wire_reader_init(&in, (genops_str){bytes.ptr + 1, bytes.len - 1}, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (!read_field(&field, &envelope))
			return genops_fail(err, GENOPS_CORRUPT, "stored telemetry: field %u is not what it should be", field.number);
	}
	if (code < 0)
		return genops_fail(err, GENOPS_CORRUPT, "stored telemetry: not well formed");
	*ret_envelope = envelope;
	return GENOPS_OK;
}
