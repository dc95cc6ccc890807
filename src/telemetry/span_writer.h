/* SPDX-License-Identifier: Apache-2.0
 * telemetry/span_writer.h - OTLP's building blocks in protobuf or JSON behind one set of calls, so that what a span says is
 * written down once (span.c). Private to span.c and span_events.c.
 *
 * Nesting: request > resource > spans > span > attributes, events. Misuse is a fault of span.c; its tests decode the result.
 */
#ifndef TELEMETRY_SPAN_WRITER_H
#define TELEMETRY_SPAN_WRITER_H

#include "codec/json_write.h"
#include "telemetry/conventions.h"
#include "telemetry/span.h"

/* The parts of a span that are mostly those of the one before: written once and copied (protobuf only). */
enum genops_span_told_part { GENOPS_SPAN_TOLD_WHO, GENOPS_SPAN_TOLD_EVALUATIONS, GENOPS_SPAN_TOLD_N };

struct genops_span_writer {
	struct genops_buffer *buf;
	struct genops_json_writer json;
	bool is_json;
	unsigned profiles;         /* rows without one of these bits are left out */
	uint32_t attributes_field; /* field number of attributes in the message that is open */
	size_t marks[6];           /* of open protobuf messages */
	size_t depth;
	struct genops_span_told {  /* what was written of a record before this one; its bytes are still in `buf` */
		const struct genops_record *record; /* NULL: nothing yet */
		size_t at, len;
	} told[GENOPS_SPAN_TOLD_N];
};

void genops_span_writer_init(
    struct genops_span_writer *out, enum genops_profile profile, bool is_json, struct genops_buffer *buf);

/* The record whose part may be copied, if it says the same; NULL: there is none, as in JSON. Then: copies it; or remembers what was
 * written since buf->len was `from`. Records stay where they are until the writer is done. */
const struct genops_record *genops_span_writer_told(const struct genops_span_writer *out, enum genops_span_told_part part);
void genops_span_writer_tell_again(struct genops_span_writer *out, enum genops_span_told_part part);
void genops_span_writer_remember(
    struct genops_span_writer *out, enum genops_span_told_part part, const struct genops_record *record, size_t from);
/* The same for events, each of which begins with its time: they get this one. */
void genops_span_writer_tell_events_again(struct genops_span_writer *out, enum genops_span_told_part part, int64_t unix_ns);

/* A message in a field of the open one. Repeated: in JSON an element of an array that open_list began. `attributes_field` as
 * in the struct; 0: it has none. */
void genops_span_writer_open(
    struct genops_span_writer *out, uint32_t field, const char *json_name, uint32_t attributes_field);
void genops_span_writer_open_element(
    struct genops_span_writer *out, uint32_t field, uint32_t attributes_field);
void genops_span_writer_close(struct genops_span_writer *out);

/* A repeated field: nothing in protobuf. `attributes` too is one. */
void genops_span_writer_open_list(struct genops_span_writer *out, const char *json_name);
void genops_span_writer_close_list(struct genops_span_writer *out);

/* Plain fields; empty texts and zero ids are left out. */
void genops_span_writer_id(
    struct genops_span_writer *out, uint32_t field, const char *json_name, const uint8_t *id, size_t n);
void genops_span_writer_text(
    struct genops_span_writer *out, uint32_t field, const char *json_name, genops_str text);
void genops_span_writer_enum(
    struct genops_span_writer *out, uint32_t field, const char *json_name, uint32_t value);
void genops_span_writer_time(
    struct genops_span_writer *out, uint32_t field, const char *json_name, int64_t unix_ns);

/* Attributes. Empty strings are left out: no placeholder ever stands for a value. */
void genops_span_writer_string(struct genops_span_writer *out, enum genops_convention row, genops_str value);
void genops_span_writer_strings(struct genops_span_writer *out, enum genops_convention row, genops_str value);
void genops_span_writer_int(struct genops_span_writer *out, enum genops_convention row, int64_t value);
void genops_span_writer_double(struct genops_span_writer *out, enum genops_convention row, double value);
void genops_span_writer_money(struct genops_span_writer *out, enum genops_convention row, int64_t nano_usd);
void genops_span_writer_bool(struct genops_span_writer *out, enum genops_convention row, bool value);
/* A user's own: its key as given. */
void genops_span_writer_custom(struct genops_span_writer *out, const struct genops_attribute *attribute);

#endif
