/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pipeline.c - see pipeline.h: one event through one pipeline, and the names of its counts.
 *
 * The counts of a pipeline lie one behind another: filters, then each function's own and what is in it, then routes. */
#include "pipeline/pipeline.h"

#include "base/str.h"
#include "pipeline/function.h"

#include <stdio.h>
#include <stdlib.h>

/* --- ends --- */

void genops_pipeline_free(struct genops_pipeline *pipeline)
{
	if (!pipeline)
		return;
	for (size_t i = 0; i < pipeline->n_filters; i++)
		genops_expression_free(pipeline->filters[i].expression);
	for (size_t i = 0; i < pipeline->n_functions; i++) {
		genops_expression_free(pipeline->functions[i].filter);
		if (pipeline->functions[i].type && pipeline->functions[i].type->done)
			pipeline->functions[i].type->done(&pipeline->functions[i]);
	}
	for (size_t i = 0; i < pipeline->n_routes; i++) {
		genops_expression_free(pipeline->routes[i].filter);
		genops_template_free(pipeline->routes[i].payload);
	}
	genops_arena_done(&pipeline->arena);
	free(pipeline);
}

void genops_pipeline_run_done(struct genops_pipeline_run *run)
{
	genops_expression_run_done(&run->expression);
	genops_buffer_done(&run->payload);
}

/* --- counts --- */

static size_t first_of_routes(const struct genops_pipeline *pipeline)
{
	return pipeline->n_counts - pipeline->n_routes;
}

static void name_function(const struct genops_function *function, size_t i, char *out, size_t size)
{
	char part[160] = "";
	if (i && function->type->count_name)
		function->type->count_name(function, i, part, sizeof part);
	snprintf(out, size, "%s %.*s%s%s", function->type->name, GENOPS_STR_ARG(function->name), part[0] ? " " : "", part);
}

void genops_pipeline_count_name(const struct genops_pipeline *pipeline, size_t i, char *out, size_t size)
{
	if (size)
		out[0] = '\0';
	if (i < pipeline->n_filters) {
		snprintf(out, size, "filter %.*s", GENOPS_STR_ARG(pipeline->filters[i].name));
		return;
	}
	for (size_t f = 0; f < pipeline->n_functions; f++) {
		const struct genops_function *function = &pipeline->functions[f];
		if (i >= function->first_count && i - function->first_count < function->n_counts)
			name_function(function, i - function->first_count, out, size);
	}
	if (i >= first_of_routes(pipeline) && i < pipeline->n_counts)
		snprintf(out, size, "route %.*s", GENOPS_STR_ARG(pipeline->routes[i - first_of_routes(pipeline)].name));
}

/* --- running --- */

static void trace(const struct genops_pipeline_run *run, size_t count, bool is_passed, const struct genops_value_object *event)
{
	char what[256];
	if (!run->trace)
		return;
	genops_pipeline_count_name(run->pipeline, count, what, sizeof what);
	run->trace(run->trace_arg, what, is_passed, (struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = (struct genops_value_object *)(uintptr_t)event});
}

/* Does the expression say yes? Counts; one that fails says no. */
static bool says_yes(struct genops_pipeline_run *run, const struct genops_expression *expression, const struct genops_place *place,
    const struct genops_value_object *event, struct genops_pipeline_count *count)
{
	struct genops_value value;
	return !expression || (genops_function_evaluate(run, expression, place, event, count, &value) && genops_expression_is_true(value));
}

static bool is_passed_by_filters(struct genops_pipeline_run *run, const struct genops_value_object *event, struct genops_pipeline_count *counts)
{
	for (size_t i = 0; i < run->pipeline->n_filters; i++) {
		const struct genops_pipeline_filter *filter = &run->pipeline->filters[i];
		counts[i].n_in++;
		bool is_passed = says_yes(run, filter->expression, &filter->place, event, &counts[i]);
		counts[i].n_matched += is_passed;
		trace(run, i, is_passed, event);
		if (!is_passed)
			return false;
	}
	return true;
}

static int run_functions(struct genops_pipeline_run *run, struct genops_value_object *event, struct genops_pipeline_count *counts, bool *ret_is_dropped,
    struct genops_error *err)
{
	for (size_t i = 0; i < run->pipeline->n_functions && !*ret_is_dropped; i++) {
		const struct genops_function *function = &run->pipeline->functions[i];
		struct genops_pipeline_count *own = &counts[function->first_count];
		if (function->is_disabled || !says_yes(run, function->filter, &function->place, event, own))
			continue;
		own->n_in++;
		GENOPS_TRY(function->type->apply(function, run, event, own, ret_is_dropped, err));
		own->n_dropped += *ret_is_dropped;
		trace(run, function->first_count, !*ret_is_dropped, event);
	}
	return GENOPS_OK;
}

/* What the route's template makes of the event, or "". What failed in it is empty there. */
static int render(struct genops_pipeline_run *run, const struct genops_route *route, struct genops_value event, struct genops_pipeline_count *count,
    genops_str *ret_payload, struct genops_error *err)
{
	struct genops_template_faults faults;
	*ret_payload = GENOPS_STR("");
	if (!route->payload)
		return GENOPS_OK;
	if (!run->payload.max)
		genops_buffer_init(&run->payload, GENOPS_VALUE_TEXT_MAX);
	genops_buffer_clear(&run->payload);
	GENOPS_TRY(genops_template_render(route->payload, event, &run->expression, &run->payload, &faults, err));
	if (faults.n)
		genops_function_fault(run, &route->place, count, GENOPS_SYNTAX, "payload_template: %s", faults.first.message);
	*ret_payload = genops_buffer_view(&run->payload);
	return GENOPS_OK;
}

static int run_routes(struct genops_pipeline_run *run, struct genops_value_object *event, struct genops_pipeline_count *counts, genops_pipeline_emit_fn *emit,
    void *emit_arg, struct genops_error *err)
{
	const struct genops_pipeline *pipeline = run->pipeline;
	struct genops_value value = {.type = GENOPS_VALUE_OBJECT, .as.object = event};
	for (size_t i = 0; i < pipeline->n_routes; i++) {
		const struct genops_route *route = &pipeline->routes[i];
		struct genops_pipeline_count *count = &counts[first_of_routes(pipeline) + i];
		genops_str payload;
		if (route->is_disabled)
			continue;
		count->n_in++;
		bool is_taken = says_yes(run, route->filter, &route->place, event, count);
		count->n_matched += is_taken;
		trace(run, first_of_routes(pipeline) + i, is_taken, event);
		if (!is_taken)
			continue;
		GENOPS_TRY(render(run, route, value, count, &payload, err));
		GENOPS_TRY(emit(emit_arg, pipeline, route, value, payload));
	}
	return GENOPS_OK;
}

/* What the functions write to. Attributes, which most expressions read, are at hand in it. */
static struct genops_value_object *copy_of(const struct genops_pipeline *pipeline, struct genops_arena *arena, const struct genops_value_object *event)
{
	struct genops_value_object *copy = genops_value_object_over(arena, event, pipeline->n_fields + 1);
	if (!copy || !pipeline->names_attributes)
		return copy;
	struct genops_value_key key = genops_value_key_of(GENOPS_STR("attributes"));
	const struct genops_value *attributes = genops_value_object_get(event, &key);
	return !attributes || genops_value_object_put(arena, copy, key, *attributes) ? copy : NULL;
}

int genops_pipeline_apply(const struct genops_pipeline *pipeline, struct genops_pipeline_run *run, struct genops_value event,
    struct genops_pipeline_count *counts, genops_pipeline_emit_fn *emit, void *emit_arg, enum genops_pipeline_result *ret_result,
    struct genops_error *err)
{
	bool is_dropped = false;
	if (event.type != GENOPS_VALUE_OBJECT)
		return genops_fail(err, GENOPS_MISUSE, "an event is an object");
	run->pipeline = pipeline;
	if (!pipeline->is_enabled || !is_passed_by_filters(run, event.as.object, counts)) {
		*ret_result = GENOPS_PIPELINE_PASSED_BY;
		return GENOPS_OK;
	}
	struct genops_value_object *copy = copy_of(pipeline, run->expression.arena, event.as.object);
	if (!copy)
		return genops_fail(err, GENOPS_LIMIT, "the event's memory is used up");
	GENOPS_TRY(run_functions(run, copy, counts, &is_dropped, err));
	if (!is_dropped)
		GENOPS_TRY(run_routes(run, copy, counts, emit, emit_arg, err));
	if (event.as.object->source && event.as.object->source->is_full)
		return genops_fail(err, GENOPS_LIMIT, "the event's memory is used up");
	*ret_result = is_dropped ? GENOPS_PIPELINE_DROPPED : GENOPS_PIPELINE_ROUTED;
	return GENOPS_OK;
}
