/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observe_impl.h - the inside of an observer, for the files of this folder only.
 *
 * Who does what: observe.c takes, resolves in transactions and hands on; observe_call.c finds out which spans tell of one call, and whether it is
 * known already; observe_attribute.c who pays; observe_settle.c makes it an operation; observe_span.c what is written on the spans.
 */
#ifndef ENGINE_OBSERVE_IMPL_H
#define ENGINE_OBSERVE_IMPL_H

#include "engine/observe/observe.h"
#include "engine/operation/operation.h"
#include "store/observed.h"
#include "telemetry/genai/genai.h"

#define GENOPS_OBSERVE_SPANS_MAX 512                /* of one trace that are looked at together */
#define GENOPS_OBSERVE_BYTES_MAX ((size_t)8 << 20)  /* and their bytes */
#define GENOPS_OBSERVE_DUPLICATES_MAX 2048
#define GENOPS_OBSERVE_CALLS_MAX 128                /* settled in one transaction */

struct genops_observed {                            /* a candidate, read */
	struct genops_candidate candidate;
	struct genops_envelope envelope;
	struct genops_otlp_resource resource;
	struct genops_otlp_span span;
	struct genops_genai_call call;
	int64_t start_unix_ns, end_unix_ns;         /* the span's own, whatever its clock */
	size_t parent;                              /* index of its parent's span; SIZE_MAX: it is not among these */
	size_t call_of;                             /* index of the first span of the same call: the call's number */
};

/* The spans that go on: collected into envelopes of one origin each. */
struct genops_observe_out {
	struct genops_buffer request, envelope;
	struct genops_otlp_writer writer;
	struct genops_buffer receiver, input, tenant; /* of what is being collected */
	int64_t received_unix_ns;
};

struct genops_observer {
	genops_engine *engine;
	struct genops_ledger *ledger;
	struct genops_metrics *metrics;
	bool is_ready;                              /* nobody's unfinished settlements are left (genops_counters_has_observed) */
	int64_t latest_unix_ns;                     /* the clock, to see it go back */
	int64_t sent_until;                         /* row of the outbox that this process appended last */
	struct genops_arena arena;                  /* of the trace being resolved */
	struct genops_buffer scratch, body, attributes, events;
	struct genops_observe_out out;
	size_t n_spans;
	struct genops_observed spans[GENOPS_OBSERVE_SPANS_MAX];
	size_t n_calls;                             /* settled in this transaction */
	struct genops_operation *calls[GENOPS_OBSERVE_CALLS_MAX];
	size_t n_duplicates, n_unpriced;            /* in this transaction */
	size_t n_repeated;                          /* taken in the drain's transaction that is open */
};

/* --- observe_call.c --- */
/* Ids of zeros are none (W3C Trace Context; OpenTelemetry's own exporters write them for a parent that is not there). */
void genops_observe_drop_zero_ids(struct genops_otlp_span *span);
/* Fills call_of of all spans. */
void genops_observe_group(struct genops_observed *spans, size_t n);
/* The span that tells best of call `number`. */
size_t genops_observe_best(const struct genops_observed *spans, size_t n, size_t number);
/* Has this call been recorded or resolved before, by what any of its spans say? */
GENOPS_NODISCARD int genops_observe_is_known(
    struct genops_observer *observer, size_t number, bool *ret_is_known, struct genops_error *err);
/* From now on its spans are known. */
GENOPS_NODISCARD int genops_observe_remember(
    struct genops_observer *observer, const struct genops_observed *span, struct genops_error *err);
/* A call that the gateway or a library recorded: by what its client's span would be known. */
GENOPS_NODISCARD int genops_observe_remember_record(
    struct genops_observer *observer, const struct genops_record *record, struct genops_error *err);
GENOPS_NODISCARD int genops_observe_was_taken(
    struct genops_observer *observer, const struct genops_observed *span, bool *ret_was, struct genops_error *err);

/* --- observe_attribute.c --- */
#define GENOPS_OBSERVE_ATTRIBUTES_MAX 96
struct genops_observe_attributes {
	size_t n;
	struct genops_attribute items[GENOPS_OBSERVE_ATTRIBUTES_MAX]; /* weakest first */
	genops_str service_name, name, type;
};
void genops_observe_attributes_read(const struct genops_observed *span, struct genops_observe_attributes *ret_attributes);

/* --- observe_settle.c --- */
enum genops_observe_result {
	GENOPS_OBSERVE_UNPRICED, /* cannot be counted; told in the log */
	GENOPS_OBSERVE_KNOWN,    /* the ledger has an operation of these ids */
	GENOPS_OBSERVE_SETTLED,
};
/* SETTLED: the counters are committed, the record is in the ledger's transaction; the operation is kept in observer->calls, with its lease. */
GENOPS_NODISCARD int genops_observe_settle(struct genops_observer *observer, const struct genops_observed *span,
    enum genops_observe_result *ret_result, struct genops_error *err);

/* --- observe_span.c --- */
/* Appends the span as it goes on; record NULL: it is a duplicate (or could not be priced: is_duplicate false). */
GENOPS_NODISCARD int genops_observe_span_write(struct genops_observer *observer, const struct genops_observed *span,
    const struct genops_record *record, bool is_duplicate, struct genops_error *err);
/* What was collected goes into the outbox. */
GENOPS_NODISCARD int genops_observe_span_flush(struct genops_observer *observer, struct genops_error *err);
void genops_observe_span_forget(struct genops_observer *observer);

#endif
