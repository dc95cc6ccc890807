/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/service.c - running service.pipelines: an envelope through the pipelines that name its receiver, and ticks.
 *
 * Two buffers take turns: what one processor has written the next one reads. A request that nobody changes is handed on as it came,
 * without being copied. What a run remembers of a processor it remembers by name, so that a reload keeps it. */
#include "pipeline/collector/service.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"
#include "pipeline/collector/item/item_map.h"

#include <stdio.h>
#include <stdlib.h>

void genops_service_done(struct genops_service *service)
{
	for (size_t i = 0; i < service->n_processors; i++) {
		if (service->processors[i].type->done && service->processors[i].settings)
			service->processors[i].type->done(service->processors[i].settings);
	}
	*service = (struct genops_service){0};
}

static bool has_receiver(const struct genops_service_pipeline *pipeline, genops_str receiver)
{
	for (size_t i = 0; i < pipeline->receivers.n; i++) {
		if (genops_str_equal(pipeline->receivers.items[i], receiver))
			return true;
	}
	return false;
}

bool genops_service_is_fed(const struct genops_service *service, enum genops_signal signal, genops_str receiver)
{
	for (size_t i = 0; i < service->n_pipelines; i++) {
		if (service->pipelines[i].signal == signal && has_receiver(&service->pipelines[i], receiver))
			return true;
	}
	return false;
}

const struct genops_processor_memory_limiter *genops_service_memory_limiter(const struct genops_service *service, genops_str receiver)
{
	const struct genops_processor_memory_limiter *strictest = NULL;
	for (size_t i = 0; i < service->n_pipelines; i++) {
		const struct genops_service_pipeline *pipeline = &service->pipelines[i];
		for (size_t k = 0; has_receiver(pipeline, receiver) && k < pipeline->n_processors; k++) {
			const struct genops_processor *processor = pipeline->processors[k];
			const struct genops_processor_memory_limiter *limiter = processor->settings;
			if (processor->type == &genops_processor_type_memory_limiter &&
			    (!strictest || limiter->soft_limit_bytes < strictest->soft_limit_bytes))
				strictest = limiter;
		}
	}
	return strictest;
}

/* --- counting items --- */

/* How many fields of this number are in a message. */
static int64_t count_fields(genops_str message, uint32_t number)
{
	struct genops_wire_reader reader;
	struct genops_wire_field field;
	int64_t n = 0;
	genops_wire_reader_init(&reader, message, 1);
	while (genops_wire_next(&reader, &field) > 0)
		n += field.number == number && field.type == GENOPS_WIRE_BYTES;
	return n;
}

/* Data points of a Metric: field 1 of each of gauge, sum, histogram, exponential histogram, summary. */
static int64_t count_points(genops_str metric)
{
	struct genops_wire_reader reader;
	struct genops_wire_field field;
	int64_t n = 0;
	genops_wire_reader_init(&reader, metric, 1);
	while (genops_wire_next(&reader, &field) > 0) {
		bool is_data = field.number == 5 || field.number == 7 || (field.number >= 9 && field.number <= 11);
		if (is_data && field.type == GENOPS_WIRE_BYTES)
			n += count_fields(field.bytes, 1);
	}
	return n;
}

/* Damage ends the count early: who reads the request will say so. */
static int64_t count_level(genops_str message, uint32_t number, unsigned level, bool is_metrics)
{
	struct genops_wire_reader reader;
	struct genops_wire_field field;
	int64_t n = 0;
	genops_wire_reader_init(&reader, message, 1);
	while (genops_wire_next(&reader, &field) > 0) {
		if (field.number != number || field.type != GENOPS_WIRE_BYTES)
			continue;
		if (level)
			n += count_level(field.bytes, 2, level - 1, is_metrics);
		else
			n += is_metrics ? count_points(field.bytes) : 1;
	}
	return n;
}

int64_t genops_service_count(enum genops_signal signal, genops_str request)
{
	return count_level(request, 1, 2, signal == GENOPS_SIGNAL_METRICS);
}

/* --- the run --- */

int genops_service_run_new(const struct genops_service_asks *asks, struct genops_processor_run **ret, struct genops_error *err)
{
	struct genops_processor_run *run = calloc(1, sizeof *run);
	if (!run)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for service.pipelines");
	if (asks)
		run->asks = *asks;
	struct genops_buffer *buffers[] = {
	    &run->buffers[0], &run->buffers[1], &run->metrics, &run->item, &run->part, &run->steps[0], &run->steps[1]};
	for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
		genops_buffer_init(buffers[i], GENOPS_SERVICE_REQUEST_MAX);
	genops_arena_init(&run->arena, GENOPS_SERVICE_ITEM_MAX);
	*ret = run;
	return GENOPS_OK;
}

void genops_service_run_free(struct genops_processor_run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->n_memories; i++)
		free(run->memories[i].name);
	free(run->memories);
	for (int i = 0; i < 2; i++) {
		genops_buffer_done(&run->buffers[i]);
		genops_buffer_done(&run->steps[i]);
	}
	genops_buffer_done(&run->part);
	genops_buffer_done(&run->metrics);
	genops_buffer_done(&run->item);
	genops_arena_done(&run->arena);
	genops_item_map_done(&run->map);
	genops_regex_space_free(run->space);
	free(run);
}

static struct genops_service_memory *find_memory(const struct genops_processor_run *run, genops_str name)
{
	for (size_t i = 0; i < run->n_memories; i++) {
		if (genops_str_is(name, run->memories[i].name))
			return &run->memories[i];
	}
	return NULL;
}

/* Made when a processor is seen first; names of processors that are gone stay, up to a maximum over all reloads. */
static int get_memory(struct genops_processor_run *run, const struct genops_processor *processor, struct genops_service_memory **ret,
    struct genops_error *err)
{
	struct genops_service_memory *found = find_memory(run, processor->name);
	if (found) {
		*ret = found;
		return GENOPS_OK;
	}
	if (run->n_memories == GENOPS_SERVICE_MEMORIES_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "restart genops serve", "more than %d processors were configured one after another",
		    GENOPS_SERVICE_MEMORIES_MAX);
	struct genops_service_memory *more = realloc(run->memories, (run->n_memories + 1) * sizeof *more);
	if (!more)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for service.pipelines");
	run->memories = more;
	char *name = strndup(processor->name.ptr, processor->name.len);
	if (!name)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for service.pipelines");
	more[run->n_memories] = (struct genops_service_memory){.name = name, .last_tick_unix_ns = run->now_unix_ns};
	*ret = &more[run->n_memories++];
	return GENOPS_OK;
}

const struct genops_processor_count *genops_service_run_count(const struct genops_processor_run *run, genops_str processor)
{
	const struct genops_service_memory *memory = find_memory(run, processor);
	return memory ? &memory->count : NULL;
}

void genops_service_run_fault(struct genops_processor_run *run, const struct genops_processor *processor, const struct genops_error *why)
{
	struct genops_service_memory *memory = run->current;
	memory->count.n_failed++;
	if (!run->asks.fault || (memory->told_unix_ns && run->now_unix_ns - memory->told_unix_ns < GENOPS_NS_PER_MIN &&
				    run->now_unix_ns >= memory->told_unix_ns))
		return;
	memory->told_unix_ns = run->now_unix_ns;
	run->asks.fault(run->asks.arg, processor, why);
}

/* --- an envelope through one pipeline --- */

/* *envelope's request becomes what the processor has made of it. *ret_is_over: nothing is left, or it went to the dead letters. */
static int apply(struct genops_processor_run *run, const struct genops_service_pipeline *pipeline, const struct genops_processor *processor,
    struct genops_envelope *envelope, struct genops_buffer *out, bool *ret_is_over, struct genops_error *err)
{
	struct genops_error why = {0};
	bool is_same = false;
	GENOPS_TRY(get_memory(run, processor, &run->current, err));
	genops_buffer_clear(out);
	int code = processor->type->apply(processor, run, envelope, out, &is_same, &why);
	if (code == GENOPS_OK && !is_same)
		code = out->error ? genops_fail(&why, out->error, "processor \"%.*s\" makes a request longer than %zu bytes of it",
					GENOPS_STR_ARG(processor->name), out->max)
				  : GENOPS_OK;
	if (code == GENOPS_NOMEM)
		return genops_fail(err, GENOPS_NOMEM, "out of memory in processor \"%.*s\"", GENOPS_STR_ARG(processor->name));
	if (code != GENOPS_OK) {
		*ret_is_over = true;
		run->current->count.n_failed++;
		return run->asks.reject ? run->asks.reject(run->asks.arg, pipeline, processor, envelope, &why, err) : GENOPS_OK;
	}
	if (!is_same)
		envelope->request = genops_buffer_view(out);
	*ret_is_over = !envelope->request.len;
	return GENOPS_OK;
}

/* In requests of at most pipeline->items_max; a metric with more data points goes alone. */
static int emit_pieces(struct genops_processor_run *run, const struct genops_service_pipeline *pipeline, struct genops_envelope envelope,
    genops_service_emit_fn *emit, void *arg, struct genops_error *err)
{
	struct genops_otlp_reader reader;
	struct genops_otlp_writer writer = {.out = &run->part};
	int64_t n = 0;
	genops_str item, request = envelope.request;
	genops_otlp_reader_init(&reader, envelope.signal, request);
	genops_buffer_clear(&run->part);
	for (int code = 1; code > 0;) {
		code = genops_otlp_reader_next(&reader, &item);
		int64_t weight = code > 0 ? (envelope.signal == GENOPS_SIGNAL_METRICS ? count_points(item) : 1) : 0;
		if (n && (code <= 0 || n + weight > pipeline->items_max)) {
			genops_otlp_writer_end(&writer);
			envelope.request = genops_buffer_view(&run->part);
			if (run->part.error)
				return genops_fail(err, GENOPS_NOMEM, "out of memory for a part of a request");
			GENOPS_TRY(emit(arg, pipeline, &envelope, n, err));
			genops_buffer_clear(&run->part);
			writer = (struct genops_otlp_writer){.out = &run->part};
			n = 0;
		}
		if (code > 0) {
			genops_otlp_writer_place(&writer, &reader.resource);
			genops_wire_put_bytes(&run->part, 2, item);
			n += weight;
		}
	}
	return GENOPS_OK;
}

static int take(struct genops_processor_run *run, const struct genops_service_pipeline *pipeline, struct genops_envelope envelope,
    genops_service_emit_fn *emit, void *arg, struct genops_error *err)
{
	unsigned turn = 0;
	bool is_over = !envelope.request.len;
	for (size_t i = 0; i < pipeline->n_processors && !is_over; i++) {
		if (!pipeline->processors[i]->type->apply)
			continue;
		GENOPS_TRY(apply(run, pipeline, pipeline->processors[i], &envelope, &run->buffers[turn], &is_over, err));
		if (envelope.request.ptr == run->buffers[turn].ptr)
			turn = !turn;
	}
	int64_t n = is_over ? 0 : genops_service_count(envelope.signal, envelope.request);
	if (pipeline->items_max && n > pipeline->items_max)
		return emit_pieces(run, pipeline, envelope, emit, arg, err);
	return n ? emit(arg, pipeline, &envelope, n, err) : GENOPS_OK;
}

int genops_service_take(const struct genops_service *service, struct genops_processor_run *run, const struct genops_envelope *envelope,
    int64_t now_unix_ns, genops_service_emit_fn *emit, void *arg, struct genops_error *err)
{
	run->now_unix_ns = now_unix_ns;
	for (size_t i = 0; i < service->n_pipelines; i++) {
		const struct genops_service_pipeline *pipeline = &service->pipelines[i];
		if (pipeline->signal == envelope->signal && has_receiver(pipeline, envelope->receiver))
			GENOPS_TRY(take(run, pipeline, *envelope, emit, arg, err));
	}
	return GENOPS_OK;
}

/* --- what processors say by themselves --- */

/* The receiver that a metrics pipeline shares with a pipeline in which the processor stands; empty: none. */
static genops_str shared_receiver(
    const struct genops_service *service, const struct genops_processor *processor, const struct genops_service_pipeline *metrics)
{
	for (size_t i = 0; i < service->n_pipelines; i++) {
		const struct genops_service_pipeline *pipeline = &service->pipelines[i];
		bool stands = false;
		for (size_t k = 0; k < pipeline->n_processors; k++)
			stands |= pipeline->processors[k] == processor;
		for (size_t k = 0; stands && k < pipeline->receivers.n; k++) {
			if (has_receiver(metrics, pipeline->receivers.items[k]))
				return pipeline->receivers.items[k];
		}
	}
	return (genops_str){0};
}

bool genops_service_is_heard(const struct genops_service *service, const struct genops_processor *processor)
{
	for (size_t i = 0; i < service->n_pipelines; i++) {
		if (service->pipelines[i].signal == GENOPS_SIGNAL_METRICS && shared_receiver(service, processor, &service->pipelines[i]).len)
			return true;
	}
	return false;
}

static int tick(const struct genops_service *service, struct genops_processor_run *run, const struct genops_processor *processor,
    genops_service_emit_fn *emit, void *arg, struct genops_error *err)
{
	struct genops_error why = {0};
	genops_buffer_clear(&run->metrics);
	int code = processor->type->tick(processor, run, run->now_unix_ns, &run->metrics, &why);
	if (code == GENOPS_OK && run->metrics.error)
		code = genops_fail(&why, run->metrics.error, "its metrics are too long: use fewer dimensions");
	if (code != GENOPS_OK) { /* told, and tried again when its time comes again */
		run->current = find_memory(run, processor->name);
		genops_service_run_fault(run, processor, &why);
		return GENOPS_OK;
	}
	for (size_t i = 0; i < service->n_pipelines && run->metrics.len; i++) {
		const struct genops_service_pipeline *pipeline = &service->pipelines[i];
		if (pipeline->signal != GENOPS_SIGNAL_METRICS)
			continue;
		genops_str receiver = shared_receiver(service, processor, pipeline);
		struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_METRICS,
		    .received_unix_ns = run->now_unix_ns,
		    .receiver = receiver,
		    .input = genops_str_is(receiver, "otlp") ? GENOPS_STR(GENOPS_INPUT_OTLP) : receiver,
		    .request = genops_buffer_view(&run->metrics)};
		if (receiver.len)
			GENOPS_TRY(take(run, pipeline, envelope, emit, arg, err));
	}
	return GENOPS_OK;
}

int genops_service_tick(const struct genops_service *service, struct genops_processor_run *run, int64_t now_unix_ns,
    genops_service_emit_fn *emit, void *arg, struct genops_error *err)
{
	run->now_unix_ns = now_unix_ns;
	for (size_t i = 0; i < service->n_processors; i++) {
		const struct genops_processor *processor = &service->processors[i];
		struct genops_service_memory *memory;
		if (!processor->type->tick || !processor->is_used)
			continue;
		GENOPS_TRY(get_memory(run, processor, &memory, err));
		int64_t passed = now_unix_ns - memory->last_tick_unix_ns;
		if (passed >= 0 && passed < processor->type->interval_ns(processor))
			continue;
		GENOPS_TRY(tick(service, run, processor, emit, arg, err));
		find_memory(run, processor->name)->last_tick_unix_ns = now_unix_ns; /* the others' may have moved it */
	}
	return GENOPS_OK;
}

int64_t genops_service_due(const struct genops_service *service, const struct genops_processor_run *run)
{
	int64_t due = INT64_MAX;
	for (size_t i = 0; i < service->n_processors; i++) {
		const struct genops_processor *processor = &service->processors[i];
		const struct genops_service_memory *memory = find_memory(run, processor->name);
		if (!processor->type->tick || !processor->is_used)
			continue;
		int64_t at = memory ? memory->last_tick_unix_ns + processor->type->interval_ns(processor) : 0;
		due = at < due ? at : due;
	}
	return due;
}
