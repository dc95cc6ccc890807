/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_documents.c - see flow_documents.h.
 *
 * A span's event is made once for all pipelines; its parts when somebody reads them. Everything of an event is in one arena, which is reset
 * behind it; so is what pipelines make of it. */
#include "engine/flow/flow_documents.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "pipeline/event_span.h"
#include "telemetry/propagation.h"

#include <stdlib.h>

#define EVENT_MAX    ((size_t)16 << 20)  /* memory of one event with all that pipelines make of it */
#define RESOURCE_MAX ((size_t)16 << 20)
#define SPANS_BYTES  ((size_t)256 << 10) /* of spans that go to a destination as one item */
#define SPANS_MAX    ((size_t)16 << 20)

/* A destination that routes lead to. */
struct genops_flow_target {
	struct genops_flow_output output;
	unsigned takes;                      /* GENOPS_TAKES... */
	struct genops_buffer spans;          /* the request that is being written */
	struct genops_otlp_writer writer;
	/* of a type that is a message: */
	bool is_message, is_bare;            /* is_bare: what it was told last came without a payload */
	uint64_t told_at;                    /* which event in which pipeline that was about */
	struct genops_flow_mark before;      /* it */
};

struct genops_flow_documents {
	const struct genops_log *log;
	genops_flow_reject_fn *reject;
	void *reject_arg;
	size_t n;
	struct genops_flow_document *items;
	size_t n_targets;
	struct genops_flow_target *targets;
	struct genops_arena arena, resource_arena;
	struct genops_event_span maker;
	struct genops_pipeline_run run;
	struct genops_buffer body, message;  /* an event as JSON, as a Span message: made once for all routes of a pipeline */
	uint64_t n_applied;                  /* events through pipelines */
	const struct genops_value_object *body_of, *message_of; /* which event's they are; NULL: none's */
	/* the event that is on its way */
	const struct genops_envelope *envelope;
	const struct genops_otlp_resource *resource;
	const struct genops_otlp_span *span;
	struct genops_value event;
	struct genops_error error;           /* of emit: the callback has no place for it */
	struct genops_flow_tap *tap;         /* NULL: none */
	bool is_shown;                       /* somebody watches */
};

/* --- routes --- */

static uint64_t id_of(const struct genops_flow_documents *documents, const struct genops_pipeline *pipeline, const struct genops_route *route)
{
	uint64_t id = genops_hash_checksum(documents->span->encoded.ptr, documents->span->encoded.len, 0);
	id = genops_hash_checksum(pipeline->id.ptr, pipeline->id.len, id);
	return genops_hash_checksum(route->name.ptr, route->name.len, id);
}

static int64_t time_of(const struct genops_flow_documents *documents)
{
	uint64_t start = documents->span->start_unix_ns;
	return start && start <= INT64_MAX ? (int64_t)start : documents->envelope->received_unix_ns;
}

/* Closes the request that is being written. */
static int end_spans(struct genops_flow_target *target, const struct genops_envelope *envelope, struct genops_error *err)
{
	int code = GENOPS_OK;
	genops_otlp_writer_end(&target->writer);
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_TRACES,
	    .n = target->writer.n_items,
	    .time_unix_ns = envelope->received_unix_ns,
	    .body = genops_buffer_view(&target->spans),
	    .tenant = envelope->tenant};
	if (item.n)
		code = genops_flow_output_add(&target->output, &item, err);
	genops_buffer_clear(&target->spans);
	target->writer = (struct genops_otlp_writer){.out = &target->spans};
	return code;
}

static int emit_span(struct genops_flow_documents *documents, struct genops_flow_target *target, struct genops_value event)
{
	struct genops_error *err = &documents->error;
	if (target->spans.len >= SPANS_BYTES)
		GENOPS_TRY(end_spans(target, documents->envelope, err));
	const struct genops_otlp_writer before = target->writer;
	size_t len = target->spans.len;
	int code = GENOPS_OK;
	if (documents->message_of != event.as.object) {
		documents->message_of = NULL;
		genops_buffer_clear(&documents->message);
		GENOPS_TRY(genops_event_to_span(event, documents->event, documents->span, &documents->message, err));
		documents->message_of = event.as.object;
	}
	genops_otlp_writer_place(&target->writer, documents->resource);
	genops_wire_put_bytes(&target->spans, 2, genops_buffer_view(&documents->message));
	if (target->spans.error)
		code = genops_fail(err, target->spans.error, "no memory for the spans of a route");
	if (code != GENOPS_OK) { /* as if it had not come */
		target->writer = before;
		target->spans.len = len;
		target->spans.error = GENOPS_OK;
	}
	return code;
}

/* Contract A-094: two routes of a pipeline that tell the same destination of the same event tell it once, in the words of the one that has
 * some. False: it knows already. */
static bool is_news(const struct genops_flow_documents *documents, struct genops_flow_target *target, bool is_bare)
{
	bool is_told = target->is_message && target->told_at == documents->n_applied;
	if (is_told && is_bare)
		return false;
	if (is_told && target->is_bare)
		genops_flow_output_back(&target->output, target->before);
	target->told_at = documents->n_applied;
	target->is_bare = is_bare;
	target->before = genops_flow_output_mark(&target->output);
	return true;
}

static int emit_event(struct genops_flow_documents *documents, struct genops_flow_target *target, const struct genops_pipeline *pipeline,
    const struct genops_route *route, struct genops_value event, genops_str payload)
{
	struct genops_error *err = &documents->error;
	if (documents->body_of != event.as.object) {
		documents->body_of = NULL;
		genops_buffer_clear(&documents->body);
		genops_value_to_json(event, &documents->body);
		if (documents->body.error)
			return genops_fail(err, documents->body.error, "the event as JSON does not fit into memory");
		documents->body_of = event.as.object;
	}
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT,
	    .n = 1,
	    .time_unix_ns = time_of(documents),
	    .id = id_of(documents, pipeline, route),
	    .body = genops_buffer_view(&documents->body),
	    .payload = payload,
	    .pipeline = pipeline->id,
	    .route = route->name,
	    .settings = route->settings,
	    .tenant = documents->envelope->tenant};
	return is_news(documents, target, !payload.len) ? genops_flow_output_add(&target->output, &item, err) : GENOPS_OK;
}

static int emit(void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	struct genops_flow_documents *documents = arg;
	struct genops_flow_target *target = NULL;
	for (size_t i = 0; i < documents->n && !target; i++) {
		if (documents->items[i].pipeline == pipeline)
			target = documents->items[i].targets[route - pipeline->routes];
	}
	if (!target)
		return genops_fail(&documents->error, GENOPS_NOT_FOUND, "route %.*s: there is no destination for it", GENOPS_STR_ARG(route->name));
	if (documents->is_shown)
		genops_flow_tap_route(documents->tap, route, event, payload);
	if (target->takes & GENOPS_TAKES(GENOPS_ITEM_EVENT))
		return emit_event(documents, target, pipeline, route, event, payload);
	if (target->takes & GENOPS_TAKES(GENOPS_ITEM_TRACES))
		return emit_span(documents, target, event);
	return genops_fail(&documents->error, GENOPS_UNSUPPORTED, "route %.*s: its destination takes no events", GENOPS_STR_ARG(route->name));
}

/* --- spans --- */

/* As a request of its own, to the dead letters. What routes got before stays with them. */
static void reject(struct genops_flow_documents *documents, struct genops_flow_document *document, const struct genops_error *why)
{
	struct genops_otlp_writer writer = {.out = &documents->body};
	documents->body_of = NULL;
	genops_buffer_clear(&documents->body);
	genops_otlp_writer_place(&writer, documents->resource);
	genops_wire_put_bytes(&documents->body, 2, documents->span->encoded);
	genops_otlp_writer_end(&writer);
	document->n_rejected++;
	documents->reject(documents->reject_arg, document, documents->envelope,
	    documents->body.error ? (genops_str){0} : genops_buffer_view(&documents->body), why);
}

static int take_span(struct genops_flow_documents *documents, struct genops_error *err)
{
	enum genops_pipeline_result result;
	genops_arena_reset(&documents->arena);
	documents->body_of = documents->message_of = NULL; /* another event may stand where the last did */
	GENOPS_TRY(genops_event_of_span(&documents->maker, documents->envelope, documents->resource, documents->span, &documents->arena,
	    &documents->event, err));
	for (size_t i = 0; i < documents->n; i++) {
		struct genops_flow_document *document = &documents->items[i];
		struct genops_error why;
		documents->error.code = GENOPS_OK;
		documents->n_applied++;
		if (documents->is_shown)
			genops_flow_tap_begin(documents->tap, document->pipeline);
		int code = genops_pipeline_apply(
		    document->pipeline, &documents->run, documents->event, document->counts, emit, documents, &result, &why);
		if (code == GENOPS_NOMEM)
			return genops_fail(err, code, "no memory for pipeline %.*s", GENOPS_STR_ARG(document->pipeline->id));
		if (code != GENOPS_OK)
			reject(documents, document, documents->error.code ? &documents->error : &why);
		else if (documents->is_shown)
			genops_flow_tap_end(documents->tap, result, documents->event);
	}
	return GENOPS_OK;
}

int genops_flow_documents_take(
    struct genops_flow_documents *documents, const struct genops_envelope *envelope, struct genops_error *err)
{
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	genops_str bytes;
	int code = GENOPS_OK;
	documents->envelope = envelope;
	documents->resource = &reader.resource;
	documents->span = &span;
	documents->run.expression.now_ms = genops_clock_unix_ns() / GENOPS_NS_PER_MS;
	documents->is_shown = documents->tap && genops_flow_tap_is_watched(documents->tap, genops_clock_monotonic_ns());
	genops_event_span_begin(&documents->maker);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, envelope->request);
	while (code == GENOPS_OK && genops_otlp_reader_next(&reader, &bytes) > 0) {
		if (genops_otlp_span_read(bytes, &span) == GENOPS_OK)
			code = take_span(documents, err);
	}
	for (size_t i = 0; code == GENOPS_OK && i < documents->n_targets; i++)
		code = end_spans(&documents->targets[i], envelope, err);
	for (size_t i = 0; code != GENOPS_OK && i < documents->n_targets; i++) {
		genops_buffer_clear(&documents->targets[i].spans);
		documents->targets[i].writer = (struct genops_otlp_writer){.out = &documents->targets[i].spans};
	}
	return code;
}

void genops_flow_documents_show(struct genops_flow_documents *documents, struct genops_flow_tap *tap)
{
	documents->tap = tap;
}

bool genops_flow_documents_are_wanted(const struct genops_flow_documents *documents, enum genops_signal signal)
{
	return documents->n && signal == GENOPS_SIGNAL_TRACES;
}

/* --- configuring --- */

static void drop(struct genops_flow_document *items, size_t n, struct genops_flow_target *targets, size_t n_targets)
{
	for (size_t i = 0; i < n; i++) {
		free(items[i].counts);
		free(items[i].targets);
	}
	for (size_t i = 0; i < n_targets; i++) {
		genops_flow_output_done(&targets[i].output);
		genops_buffer_done(&targets[i].spans);
	}
	free(items);
	free(targets);
}

/* What is counted goes over to what is counted under the same name. Mostly nothing has moved, and the first look finds it. */
static void carry_counts(const struct genops_flow_document *from, struct genops_flow_document *to)
{
	size_t n = from->pipeline->n_counts;
	for (size_t i = 0; i < to->pipeline->n_counts; i++) {
		char name[256], other[256];
		genops_pipeline_count_name(to->pipeline, i, name, sizeof name);
		for (size_t k = 0; k < n; k++) {
			genops_pipeline_count_name(from->pipeline, (i + k) % n, other, sizeof other);
			if (strcmp(name, other) == 0) {
				to->counts[i] = from->counts[(i + k) % n];
				break;
			}
		}
	}
	to->n_rejected = from->n_rejected;
}

static int make_document(const struct genops_flow_documents *documents, const struct genops_config *config,
    const struct genops_pipeline *pipeline, struct genops_flow_target *targets, struct genops_flow_document *document, struct genops_error *err)
{
	document->pipeline = pipeline;
	document->counts = calloc(pipeline->n_counts + 1, sizeof *document->counts);
	document->targets = calloc(pipeline->n_routes + 1, sizeof(struct genops_flow_target *));
	if (!document->counts || !document->targets)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the pipelines");
	for (size_t i = 0; i < pipeline->n_routes; i++) {
		const struct genops_config_exporter *destination = genops_config_destination_find(config, pipeline->routes[i].destination);
		if (destination)
			document->targets[i] = &targets[destination - config->destinations];
	}
	for (size_t i = 0; i < documents->n; i++) {
		if (genops_str_equal(documents->items[i].pipeline->id, pipeline->id))
			carry_counts(&documents->items[i], document);
	}
	return GENOPS_OK;
}

static void make_target(const struct genops_config_exporter *destination, struct genops_flow_target *target)
{
	const struct genops_destination_type *type = genops_destination_type_find(destination->type);
	genops_flow_output_init(&target->output, &destination->name, 1);
	genops_buffer_init(&target->spans, SPANS_MAX);
	target->writer = (struct genops_otlp_writer){.out = &target->spans};
	target->takes = type ? type->takes : 0;
	target->is_message = type && type->is_message;
}

int genops_flow_documents_configure(
    struct genops_flow_documents *documents, const struct genops_config *config, struct genops_error *err)
{
	struct genops_flow_document *items = calloc(config->n_pipelines + 1, sizeof *items);
	struct genops_flow_target *targets = calloc(config->n_destinations + 1, sizeof *targets);
	size_t n = 0;
	int code = items && targets ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for the pipelines");
	for (size_t i = 0; targets && i < config->n_destinations; i++)
		make_target(&config->destinations[i], &targets[i]);
	for (size_t i = 0; code == GENOPS_OK && i < config->n_pipelines; i++) {
		if (config->pipelines[i]->is_enabled)
			code = make_document(documents, config, config->pipelines[i], targets, &items[n++], err);
	}
	if (code != GENOPS_OK) {
		drop(items, items ? n : 0, targets, targets ? config->n_destinations : 0);
		return code;
	}
	drop(documents->items, documents->n, documents->targets, documents->n_targets);
	documents->items = items;
	documents->n = n;
	documents->targets = targets;
	documents->n_targets = config->n_destinations;
	documents->run.lookups = config->lookups;
	return GENOPS_OK;
}

static void tell_fault(void *arg, const struct genops_pipeline *pipeline, const struct genops_place *place, const struct genops_error *err)
{
	struct genops_flow_documents *documents = arg;
	genops_log_write(documents->log, GENOPS_LOG_WARN, "pipeline %.*s, %s:%d:%d: %s", GENOPS_STR_ARG(pipeline->id),
	    place->file ? place->file : "", place->line, place->column, err->message);
}

struct genops_flow_documents *genops_flow_documents_new(
    const struct genops_log *log, genops_flow_reject_fn *fn, void *arg, struct genops_error *err)
{
	struct genops_flow_documents *documents = calloc(1, sizeof *documents);
	if (!documents) {
		genops_fail(err, GENOPS_NOMEM, "no memory for the pipelines");
		return NULL;
	}
	documents->log = log;
	documents->reject = fn;
	documents->reject_arg = arg;
	genops_arena_init(&documents->arena, EVENT_MAX);
	genops_arena_init(&documents->resource_arena, RESOURCE_MAX);
	genops_buffer_init(&documents->body, GENOPS_FLOW_ITEM_MAX);
	genops_buffer_init(&documents->message, SPANS_MAX);
	documents->maker.arena = &documents->resource_arena;
	documents->run.expression.arena = &documents->arena;
	documents->run.fault = tell_fault;
	documents->run.fault_arg = documents;
	genops_span_id_new((uint8_t *)&documents->run.expression.random_state[0]);
	genops_span_id_new((uint8_t *)&documents->run.expression.random_state[1]);
	genops_span_id_new((uint8_t *)&documents->run.sampling_seed);
	return documents;
}

void genops_flow_documents_free(struct genops_flow_documents *documents)
{
	if (!documents)
		return;
	drop(documents->items, documents->n, documents->targets, documents->n_targets);
	genops_pipeline_run_done(&documents->run);
	genops_arena_done(&documents->arena);
	genops_arena_done(&documents->resource_arena);
	genops_buffer_done(&documents->body);
	genops_buffer_done(&documents->message);
	free(documents);
}

/* --- what others see --- */

size_t genops_flow_documents_n_outputs(const struct genops_flow_documents *documents)
{
	return documents->n_targets;
}

struct genops_flow_output *genops_flow_documents_output(struct genops_flow_documents *documents, size_t i)
{
	return &documents->targets[i].output;
}

size_t genops_flow_documents_n(const struct genops_flow_documents *documents)
{
	return documents->n;
}

const struct genops_flow_document *genops_flow_documents_at(const struct genops_flow_documents *documents, size_t i)
{
	return &documents->items[i];
}
