/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow.c - see flow.h: who gets what, and where it is gathered.
 *
 * Received telemetry goes through service.pipelines as the bytes that it came in; spans that are no AI call, or observed, through the
 * documents as events (flow_documents.h). Operations reach the exporters of plain pipelines as records, beside the flow; only where something
 * is done to them do they become spans here, several at a time.
 */
#include "engine/flow/flow.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/dead_letter.h"
#include "engine/flow/flow_counts.h"
#include "engine/flow/flow_output.h"
#include "telemetry/genai/genai.h"
#include "telemetry/otlp/otlp_span.h"
#include "telemetry/span.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORD_MAX     ((size_t)16 << 20) /* far more than the longest record needs */
#define OPERATIONS_MAX ((size_t)256 << 10) /* spans of operations that go on together */
#define REQUEST_MAX    ((size_t)64 << 20)
#define COMPLAIN_NS    (10 * GENOPS_NS_PER_S)
#define GENOPS	       GENOPS_STR("genops")

struct genops_flow {
	const struct genops_log *log;
	char *state_dir;
	struct genops_metrics *metrics;
	struct genops_config *config;           /* one reference; NULL: not configured yet */
	struct genops_processor_run *run;
	struct genops_flow_sources sources;     /* what processors ask */
	struct genops_flow_documents *documents;
	struct genops_flow_tap *tap;
	struct genops_arena arena;              /* the record that is being decoded */
	struct genops_buffer rest;              /* a request without its AI calls */
	struct genops_otlp_masking masking;     /* data_protection */
	struct genops_buffer operations;        /* spans of them that wait for more */
	struct genops_flow_output *outputs;     /* one a pipeline of the service */
	size_t n_outputs;
	bool wants_operations;                  /* as spans */
	uint64_t n_rejected;                    /* by processors: things in the dead letters */
	int64_t complain_at_ns;                 /* monotonic */
	struct genops_queue_entry *entries;     /* given */
	size_t max_entries;
};

/* --- what cannot be processed --- */

static void dead_letter(struct genops_flow *flow, genops_str pipeline, const char *reason, const struct genops_envelope *envelope, genops_str request)
{
	char name[160];
	const struct genops_destination_item item = {.kind = (enum genops_item_kind)envelope->signal,
	    .n = genops_service_count(envelope->signal, request),
	    .time_unix_ns = envelope->received_unix_ns,
	    .body = request,
	    .tenant = envelope->tenant};
	const struct genops_destination_batch batch = {.items = &item, .n_items = 1};
	snprintf(name, sizeof name, "pipeline %.*s", (int)(pipeline.len > 128 ? 128 : pipeline.len), pipeline.ptr);
	const struct genops_dead_letter letter = {flow->state_dir, flow->log, genops_str_of(name), genops_str_of(reason),
	    flow->config->telemetry.content == GENOPS_CONTENT_FULL};
	genops_dead_letter_batch(&letter, &batch);
	if (genops_clock_monotonic_ns() < flow->complain_at_ns)
		return;
	flow->complain_at_ns = genops_clock_monotonic_ns() + COMPLAIN_NS;
	genops_log_write(flow->log, GENOPS_LOG_WARN, "%s: %s; see dead-letter.jsonl", name, reason);
}

static int reject(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_processor *processor,
    const struct genops_envelope *envelope, const struct genops_error *why, struct genops_error *err)
{
	char reason[768];
	(void)err;
	((struct genops_flow *)arg)->n_rejected += (uint64_t)genops_service_count(envelope->signal, envelope->request);
	snprintf(reason, sizeof reason, "%s%.*s%s%s", processor ? "processor " : "",
	    processor ? (int)(processor->name.len > 128 ? 128 : processor->name.len) : 0, processor ? processor->name.ptr : "",
	    processor ? ": " : "", why->message);
	dead_letter(arg, pipeline->name, reason, envelope, envelope->request);
	return GENOPS_OK;
}

static void reject_event(void *arg, const struct genops_flow_document *document, const struct genops_envelope *envelope, genops_str request,
    const struct genops_error *why)
{
	dead_letter(arg, document->pipeline->id, why->message, envelope, request);
}

static void fault(void *arg, const struct genops_processor *processor, const struct genops_error *why)
{
	struct genops_flow *flow = arg;
	genops_log_write(flow->log, GENOPS_LOG_WARN, "processor %.*s: %s", (int)processor->name.len, processor->name.ptr, why->message);
}

/* --- what processors ask --- */

static int ask_costs(void *arg, const genops_str *by, size_t n_by, genops_service_costs_fn *fn, void *fn_arg, int64_t *ret_begin_unix_ns,
    struct genops_error *err)
{
	const struct genops_flow *flow = arg;
	return genops_flow_sources_costs(&flow->sources, by, n_by, fn, fn_arg, ret_begin_unix_ns, err);
}

static bool ask_budget(void *arg, genops_str name, int64_t now_unix_ns, int64_t *ret_limit_nano_usd, int64_t *ret_consumed_nano_usd)
{
	const struct genops_flow *flow = arg;
	return genops_flow_sources_budget(
	    &flow->sources, flow->config, name, now_unix_ns, ret_limit_nano_usd, ret_consumed_nano_usd);
}

void genops_flow_ask(struct genops_flow *flow, const struct genops_flow_sources *sources)
{
	flow->sources = *sources;
}

/* --- service.pipelines --- */

static int emit(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_envelope *envelope, int64_t n_items,
    struct genops_error *err)
{
	struct genops_flow *flow = arg;
	struct genops_flow_output *output = &flow->outputs[pipeline - flow->config->service.pipelines];
	const struct genops_destination_item item = {.kind = (enum genops_item_kind)envelope->signal,
	    .n = n_items,
	    .time_unix_ns = envelope->received_unix_ns,
	    .body = envelope->request,
	    .tenant = envelope->tenant};
	struct genops_error why;
	bool is_operations = envelope->signal == GENOPS_SIGNAL_TRACES && genops_str_equal(envelope->receiver, GENOPS);
	if (!output->n_destinations || (pipeline->is_plain && is_operations))
		return GENOPS_OK; /* operations get there as they are */
	int code = genops_flow_output_add(output, &item, &why);
	if (code == GENOPS_LIMIT)
		return reject(flow, pipeline, NULL, envelope, &why, err);
	return code == GENOPS_OK ? code : genops_fail(err, code, "%s", why.message);
}

static int pass_on(struct genops_flow *flow, const struct genops_envelope *envelope, struct genops_error *err)
{
	GENOPS_TRY(genops_service_take(&flow->config->service, flow->run, envelope, genops_clock_unix_ns(), emit, flow, err));
	return genops_flow_documents_are_wanted(flow->documents, envelope->signal) ? genops_flow_documents_take(flow->documents, envelope, err)
										   : GENOPS_OK;
}

/* Masks run before anything sees it that could let it out. What cannot be masked goes nowhere but to the dead letters, by its ids. */
static int take_envelope(struct genops_flow *flow, const struct genops_envelope *envelope, struct genops_error *err)
{
	struct genops_envelope masked = *envelope;
	struct genops_error why;
	if (!flow->config->mask)
		return pass_on(flow, envelope, err);
	int code = genops_otlp_mask_request(
	    flow->config->mask, &flow->masking, envelope->signal, envelope->request, &masked.request, &why);
	if (code == GENOPS_OK)
		return pass_on(flow, &masked, err);
	if (code == GENOPS_NOMEM)
		return genops_fail(err, code, "%s", why.message);
	flow->n_rejected += (uint64_t)genops_service_count(envelope->signal, envelope->request);
	dead_letter(flow, GENOPS_STR("data_protection"), why.message, envelope, envelope->request);
	return GENOPS_OK;
}

int64_t genops_flow_due(const struct genops_flow *flow)
{
	return flow->config ? genops_service_due(&flow->config->service, flow->run) : INT64_MAX;
}

int genops_flow_tick(struct genops_flow *flow, int64_t now_unix_ns, struct genops_error *err)
{
	return genops_service_tick(&flow->config->service, flow->run, now_unix_ns, emit, flow, err);
}

static int take_spans(struct genops_flow *flow, genops_str bytes, struct genops_error *err)
{
	struct genops_envelope envelope;
	struct genops_error why;
	int code = genops_envelope_decode(bytes, &envelope, &why);
	if (code != GENOPS_OK) {
		genops_log_error(flow->log, GENOPS_LOG_ERROR, "received telemetry cannot be read", &why);
		genops_metrics_add(flow->metrics, "genops_self_undecodable_records_total", "", 1);
		return GENOPS_OK;
	}
	if (!genops_service_is_fed(&flow->config->service, envelope.signal, envelope.receiver) &&
	    !genops_flow_documents_are_wanted(flow->documents, envelope.signal))
		return GENOPS_OK;
	/* AI calls come again in an envelope that is observed. */
	if (envelope.signal == GENOPS_SIGNAL_TRACES && !envelope.is_observed)
		GENOPS_TRY(genops_genai_split(envelope.request, &flow->rest, &envelope.request, err));
	return envelope.request.len ? take_envelope(flow, &envelope, err) : GENOPS_OK;
}

/* --- the engine's own operations, as spans --- */

static int give_operations(struct genops_flow *flow, struct genops_error *err)
{
	struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_TRACES,
	    .is_observed = true,
	    .received_unix_ns = genops_clock_unix_ns(),
	    .receiver = GENOPS,
	    .input = GENOPS_STR(GENOPS_INPUT_OTLP),
	    .request = genops_buffer_view(&flow->operations)};
	if (!flow->operations.len)
		return GENOPS_OK;
	int code = take_envelope(flow, &envelope, err);
	if (code == GENOPS_OK)
		genops_buffer_clear(&flow->operations);
	return code;
}

static int take_operation(struct genops_flow *flow, genops_str bytes, struct genops_error *err)
{
	struct genops_record record;
	struct genops_error why;
	const struct genops_span_batch batch = {
	    (enum genops_profile)flow->config->telemetry.profile, &record, 1, &flow->config->telemetry.resource_attributes};
	genops_arena_reset(&flow->arena);
	int code = genops_record_decode(bytes, &flow->arena, &record, &why);
	if (code == GENOPS_NOMEM)
		return genops_fail(err, code, "%s", why.message);
	if (code != GENOPS_OK)
		return GENOPS_OK; /* counted and told where it is stored */
	size_t mark = flow->operations.len;
	genops_span_encode_protobuf(&batch, &flow->operations);
	if (flow->operations.error) {
		flow->operations.len = mark;
		flow->operations.error = GENOPS_OK;
		return genops_fail(err, GENOPS_NOMEM, "no memory for the spans of operations");
	}
	return flow->operations.len >= OPERATIONS_MAX ? give_operations(flow, err) : GENOPS_OK;
}

/* --- in and out --- */

int genops_flow_take(struct genops_flow *flow, const struct genops_queue_entry *entry, struct genops_error *err)
{
	if (entry->kind == GENOPS_ENTRY_SPANS)
		return take_spans(flow, entry->payload, err);
	if (entry->kind == GENOPS_ENTRY_OPERATION && flow->wants_operations)
		return take_operation(flow, entry->payload, err);
	return GENOPS_OK;
}

/* All outputs, the service's before the documents'. NULL: there are no more. */
static struct genops_flow_output *output_at(struct genops_flow *flow, size_t i)
{
	if (i < flow->n_outputs)
		return &flow->outputs[i];
	i -= flow->n_outputs;
	return i < genops_flow_documents_n_outputs(flow->documents) ? genops_flow_documents_output(flow->documents, i) : NULL;
}

int genops_flow_give(
    struct genops_flow *flow, const struct genops_queue_entry **ret_entries, size_t *ret_n, struct genops_error *err)
{
	struct genops_flow_output *output;
	size_t n = 0;
	GENOPS_TRY(give_operations(flow, err));
	for (size_t i = 0; (output = output_at(flow, i)); i++)
		n += output->n_starts;
	if (n > flow->max_entries) {
		struct genops_queue_entry *grown = realloc(flow->entries, 2 * n * sizeof *grown);
		if (!grown)
			return genops_fail(err, GENOPS_NOMEM, "no memory for what goes to the destinations");
		flow->entries = grown;
		flow->max_entries = 2 * n;
	}
	n = 0;
	for (size_t i = 0; (output = output_at(flow, i)); i++) {
		for (size_t k = 0; k < output->n_starts; k++)
			flow->entries[n++] = genops_flow_output_entry(output, k);
	}
	*ret_entries = flow->entries;
	*ret_n = n;
	return GENOPS_OK;
}

void genops_flow_forget(struct genops_flow *flow)
{
	struct genops_flow_output *output;
	genops_buffer_clear(&flow->operations);
	for (size_t i = 0; (output = output_at(flow, i)); i++)
		genops_flow_output_clear(output);
}

void genops_flow_expose(const struct genops_flow *flow, struct genops_buffer *buf)
{
	if (flow->config)
		genops_flow_counts_expose(flow->documents, &flow->config->service, flow->run, flow->n_rejected, buf);
}

/* --- configuring --- */

static void drop_outputs(struct genops_flow *flow)
{
	for (size_t i = 0; i < flow->n_outputs; i++)
		genops_flow_output_done(&flow->outputs[i]);
	free(flow->outputs);
	flow->outputs = NULL;
	flow->n_outputs = 0;
}

static bool names_genops(const struct genops_service_pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->receivers.n; i++) {
		if (genops_str_equal(pipeline->receivers.items[i], GENOPS))
			return true;
	}
	return false;
}

int genops_flow_configure(struct genops_flow *flow, struct genops_config *config, struct genops_error *err)
{
	const struct genops_service *service = &config->service;
	struct genops_flow_output *outputs = calloc(service->n_pipelines + 1, sizeof *outputs);
	int code = outputs ? genops_flow_documents_configure(flow->documents, config, err)
			   : genops_fail(err, GENOPS_NOMEM, "no memory for the pipelines");
	if (code != GENOPS_OK) {
		free(outputs);
		return code;
	}
	drop_outputs(flow);
	flow->outputs = outputs;
	flow->n_outputs = service->n_pipelines;
	flow->wants_operations = genops_flow_documents_are_wanted(flow->documents, GENOPS_SIGNAL_TRACES);
	for (size_t i = 0; i < service->n_pipelines; i++) {
		const struct genops_service_pipeline *pipeline = &service->pipelines[i];
		genops_flow_output_init(&outputs[i], pipeline->exporters.items, pipeline->exporters.n);
		flow->wants_operations |=
		    pipeline->signal == GENOPS_SIGNAL_TRACES && !pipeline->is_plain && names_genops(pipeline);
	}
	genops_config_unref(flow->config);
	flow->config = genops_config_ref(config);
	return GENOPS_OK;
}

struct genops_flow *genops_flow_new(
    const struct genops_log *log, const char *state_dir, struct genops_metrics *metrics, struct genops_error *err)
{
	struct genops_flow *flow = calloc(1, sizeof *flow);
	if (flow) {
		const struct genops_service_asks asks = {
		    .costs = ask_costs, .budget = ask_budget, .reject = reject, .fault = fault, .arg = flow};
		flow->log = log;
		flow->metrics = metrics;
		genops_arena_init(&flow->arena, RECORD_MAX);
		genops_buffer_init(&flow->operations, REQUEST_MAX);
		genops_buffer_init(&flow->rest, REQUEST_MAX);
		genops_otlp_masking_init(&flow->masking, REQUEST_MAX);
		flow->state_dir = strdup(state_dir);
		flow->documents = genops_flow_documents_new(log, reject_event, flow, err);
		flow->tap = flow->state_dir ? genops_flow_tap_new(flow->state_dir, err) : NULL;
		if (flow->documents)
			genops_flow_documents_show(flow->documents, flow->tap);
		if (flow->tap && flow->documents && genops_service_run_new(&asks, &flow->run, err) == GENOPS_OK)
			return flow;
	}
	genops_fail(err, GENOPS_NOMEM, "no memory for the pipelines");
	genops_flow_free(flow);
	return NULL;
}

void genops_flow_free(struct genops_flow *flow)
{
	if (!flow)
		return;
	drop_outputs(flow);
	genops_flow_documents_free(flow->documents);
	genops_flow_tap_free(flow->tap);
	genops_service_run_free(flow->run);
	genops_arena_done(&flow->arena);
	genops_buffer_done(&flow->operations);
	genops_buffer_done(&flow->rest);
	genops_otlp_masking_done(&flow->masking);
	genops_config_unref(flow->config);
	free(flow->entries);
	free(flow->state_dir);
	free(flow);
}
