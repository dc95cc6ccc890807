/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elastic_document.h - what lies in Elasticsearch: one JSON document a span, log record or event.
 *
 * Spans and log records are written as the Collector's exporter writes them in its mapping mode otel, but for two things: @timestamp is a
 * date in text, which every index takes for a date without a template, and a span's events stand in its document. An event of a pipeline
 * is what the pipeline (or its route's template) made of it, with @timestamp, which data streams insist on.
 * Each has an id made of what does not change when it comes again, so that `create` stores it once. Pure; any thread.
 */
#ifndef EXPORT_ELASTIC_DOCUMENT_H
#define EXPORT_ELASTIC_DOCUMENT_H

#include "export/destination.h"
#include "telemetry/otlp/otlp_span.h"

struct genops_elastic_document {
	char id[33];
	int64_t time_unix_ns;  /* when it happened; 0: it does not say */
	/* private; borrows all */
	enum genops_item_kind kind;
	const struct genops_otlp_resource *resource;
	const struct genops_destination_item *event;
	genops_str encoded;
	struct genops_otlp_span span;
};

/* A span or log record, the n-th of its request. CORRUPT. */
GENOPS_NODISCARD int genops_elastic_document_of_telemetry(enum genops_item_kind kind, const struct genops_otlp_resource *resource,
    genops_str encoded, genops_str tenant, unsigned n, struct genops_elastic_document *ret, struct genops_error *err);
void genops_elastic_document_of_event(const struct genops_destination_item *item, struct genops_elastic_document *ret);

/* Appends it as one line, without the line's end. `data_stream`: a JSON value for the member of that name; "": none. The arena is for what
 * is needed meanwhile. CORRUPT, NOMEM; out->error is to be checked, too. */
GENOPS_NODISCARD int genops_elastic_document_write(const struct genops_elastic_document *document, genops_str data_stream,
    struct genops_arena *arena, struct genops_buffer *out, struct genops_error *err);

#endif
