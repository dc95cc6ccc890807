/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_span.h - reading spans, log records and metrics out of a request's bytes, without copying.
 *
 * Everything borrows from the request. A reader goes from span to span; attributes are read one after another when somebody asks. The
 * request was checked (otlp_request.h), so errors here mean damage: CORRUPT.
 */
#ifndef TELEMETRY_OTLP_SPAN_H
#define TELEMETRY_OTLP_SPAN_H

#include "codec/wire.h"
#include "telemetry/otlp/otlp_request.h"

/* AnyValue. */
enum genops_otlp_value_type {
	GENOPS_OTLP_NONE,
	GENOPS_OTLP_STRING,
	GENOPS_OTLP_BOOL,
	GENOPS_OTLP_INT,
	GENOPS_OTLP_DOUBLE,
	GENOPS_OTLP_ARRAY,  /* bytes: an ArrayValue */
	GENOPS_OTLP_KVLIST, /* bytes: a KeyValueList */
	GENOPS_OTLP_BYTES,
};

struct genops_otlp_value {
	enum genops_otlp_value_type type;
	int64_t integer; /* INT, BOOL */
	double number;   /* DOUBLE */
	genops_str bytes; /* STRING, BYTES, ARRAY, KVLIST */
};

struct genops_otlp_attribute {
	genops_str key;
	struct genops_otlp_value value;
	genops_str encoded; /* the KeyValue as it stands in the request, without tag and length */
};

struct genops_otlp_resource { /* one of ResourceSpans, ResourceLogs, ResourceMetrics: the same numbers in all three */
	genops_str encoded;    /* the Resource message */
	genops_str schema_url;
	genops_str scope;      /* the InstrumentationScope message */
	genops_str scope_name, scope_version, scope_schema_url;
	unsigned n_resource, n_scope; /* count up, so that who keeps something a resource or scope knows when to make it anew */
};

struct genops_otlp_span {
	genops_str encoded;    /* the Span message */
	genops_str trace_id, span_id, parent_span_id; /* 16, 8, 8 bytes, or empty */
	genops_str trace_state, name, status_message;
	uint32_t kind, status_code, flags;
	uint64_t start_unix_ns, end_unix_ns;
	uint32_t n_attributes, n_events, n_links;
};

/* Goes over all spans (metrics, log records) of a request. */
struct genops_otlp_reader {
	enum genops_signal signal;
	struct genops_wire_reader request, resource_items, scope_items;
	struct genops_otlp_resource resource;
	bool is_in_resource, is_in_scope;
};

void genops_otlp_reader_init(struct genops_otlp_reader *reader, enum genops_signal signal, genops_str request);
/* 1: *ret_item is the next Span, Metric or LogRecord message, and reader->resource is where it belongs; 0: the end; CORRUPT. */
GENOPS_NODISCARD int genops_otlp_reader_next(struct genops_otlp_reader *reader, genops_str *ret_item);

GENOPS_NODISCARD int genops_otlp_span_read(genops_str item, struct genops_otlp_span *ret_span);

/* Attributes of a message in which they have this field number: resource 1, scope 3, span 9, event 3, log record 6. 1, 0, CORRUPT. */
#define GENOPS_OTLP_RESOURCE_ATTRIBUTES 1
#define GENOPS_OTLP_SCOPE_ATTRIBUTES    3
#define GENOPS_OTLP_SPAN_ATTRIBUTES     9
#define GENOPS_OTLP_EVENT_ATTRIBUTES    3
#define GENOPS_OTLP_LOG_ATTRIBUTES      6
struct genops_otlp_attributes {
	struct genops_wire_reader reader;
	uint32_t field;
};
void genops_otlp_attributes_init(struct genops_otlp_attributes *attributes, genops_str message, uint32_t field);
GENOPS_NODISCARD int genops_otlp_attributes_next(struct genops_otlp_attributes *attributes, struct genops_otlp_attribute *ret_attribute);

/* An AnyValue message: a log record's body. CORRUPT. */
GENOPS_NODISCARD int genops_otlp_value_read(genops_str any_value, struct genops_otlp_value *ret_value);
/* The elements of an ArrayValue: 1, 0, CORRUPT; `reader` was begun with genops_wire_reader_init(.., value.bytes, 0). A KeyValueList is
 * read with genops_otlp_attributes_init(.., list, 1). */
GENOPS_NODISCARD int genops_otlp_array_next(struct genops_wire_reader *reader, struct genops_otlp_value *ret_value);

/* Puts spans back together into requests, sharing resource and scope between neighbours. Begin with zero; end closes what is open. */
struct genops_otlp_writer {
	struct genops_buffer *out;
	int64_t n_items;
	/* private: where in `out` stands what is open now; compared by content, as the request it came from may be gone */
	size_t resource_mark, scope_mark, resource_len, scope_len;
	bool is_open;
};
/* Opens what the item needs, and counts it; then the caller appends it as field 2 (genops_wire_begin(out, 2) ... or
 * genops_wire_put_bytes). Fields of the resource and the scope that are not known are left out. Check out->error. */
void genops_otlp_writer_place(struct genops_otlp_writer *writer, const struct genops_otlp_resource *resource);
void genops_otlp_writer_end(struct genops_otlp_writer *writer);

#endif
