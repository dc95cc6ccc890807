/* SPDX-License-Identifier: Apache-2.0
 * net/grpc_status.c - see grpc_status.h. Pure; what is malformed is as if it was not there. */
#include "net/grpc_status.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"

#define STATUS_MAX	16
#define DETAILS_MAX	4096 /* base64 of google.rpc.Status */
#define RETRY_DELAY_MAX INT64_C(86400)

void genops_grpc_status_init(struct genops_grpc_status *status)
{
	*status = (struct genops_grpc_status){.status = -1, .retry_info_ns = -1};
}

/* grpc-message: percent-encoded UTF-8; a bad escape stands for itself (gRPC over HTTP/2: never fail on it). */
static void decode_message(struct genops_grpc_status *status, genops_str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len && n + 1 < sizeof status->message; i++) {
		char c = text.ptr[i];
		uint8_t byte;
		if (c == '%' && text.len - i > 2 &&
		    genops_str_from_hex((genops_str){text.ptr + i + 1, 2}, &byte, 1)) {
			c = (char)byte;
			i += 2;
		}
		/* It ends up in one line of a log. */
		status->message[n++] = (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
	}
	status->message[n] = '\0';
}

/* Duration {seconds = 1, nanos = 2} */
static int64_t read_duration(struct genops_wire_reader in)
{
	struct genops_wire_field field;
	int64_t seconds = 0, nanos = 0;
	int code;
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.type == GENOPS_WIRE_VARINT && field.number == 1)
			seconds = (int64_t)field.value;
		else if (field.type == GENOPS_WIRE_VARINT && field.number == 2)
			nanos = (int64_t)field.value;
	}
	if (code < 0 || seconds < 0 || nanos < 0 || nanos >= GENOPS_NS_PER_S)
		return -1;
	if (seconds > RETRY_DELAY_MAX)
		seconds = RETRY_DELAY_MAX;
	return seconds * GENOPS_NS_PER_S + nanos;
}

/* Any {type_url = 1, value = 2} with RetryInfo {retry_delay = 1}; -1: it is something else. */
static int64_t read_detail(struct genops_wire_reader in)
{
	struct genops_wire_field field;
	struct genops_wire_reader value, duration;
	genops_str type = {0};
	int64_t delay = -1;
	while (genops_wire_next(&in, &field) > 0) {
		if (field.type == GENOPS_WIRE_BYTES && field.number == 1)
			type = field.bytes;
		if (field.number != 2 || genops_wire_enter(&in, &field, &value) != GENOPS_OK)
			continue;
		delay = 0; /* a RetryInfo without a delay: at once */
		while (genops_wire_next(&value, &field) > 0) {
			if (field.number == 1 &&
			    genops_wire_enter(&value, &field, &duration) == GENOPS_OK)
				delay = read_duration(duration);
		}
	}
	return genops_str_ends(type, GENOPS_STR("/google.rpc.RetryInfo")) ? delay : -1;
}

/* grpc-status-details-bin: google.rpc.Status {code = 1, message = 2, details = 3}. */
static void read_details(struct genops_grpc_status *status, genops_str text)
{
	char bytes[GENOPS_BASE64_MAX(DETAILS_MAX)];
	size_t len;
	struct genops_wire_reader in, detail;
	struct genops_wire_field field;
	if (text.len > DETAILS_MAX || !genops_base64_decode(text, bytes, &len))
		return;
	genops_wire_reader_init(&in, (genops_str){bytes, len}, 4);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number != 3 || genops_wire_enter(&in, &field, &detail) != GENOPS_OK)
			continue;
		int64_t delay = read_detail(detail);
		if (delay >= 0)
			status->retry_info_ns = delay;
	}
}

void genops_grpc_status_header(struct genops_grpc_status *status, genops_str name, genops_str value)
{
	int64_t number;
	if (genops_str_is_nocase(name, "grpc-message"))
		decode_message(status, value);
	else if (genops_str_is_nocase(name, "grpc-status-details-bin"))
		read_details(status, value);
	else if (genops_str_is_nocase(name, "grpc-status") && genops_str_to_int(value, &number))
		/* A number that nobody has defined is UNKNOWN (2). */
		status->status = number >= 0 && number <= STATUS_MAX ? (int)number : 2;
}

void genops_grpc_status_frame(char out[GENOPS_GRPC_FRAME_LEN], bool is_compressed, size_t len)
{
	out[0] = (char)is_compressed;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (char)(len >> (24 - 8 * i));
}

genops_str genops_grpc_status_message(genops_str body)
{
	size_t len = 0;
	if (body.len < GENOPS_GRPC_FRAME_LEN || body.ptr[0] != 0)
		return (genops_str){0};
	for (int i = 1; i < GENOPS_GRPC_FRAME_LEN; i++)
		len = len << 8 | (unsigned char)body.ptr[i];
	if (len > body.len - GENOPS_GRPC_FRAME_LEN)
		return (genops_str){0};
	return (genops_str){body.ptr + GENOPS_GRPC_FRAME_LEN, len};
}
