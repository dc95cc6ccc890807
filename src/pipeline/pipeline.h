/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pipeline.h - the pipelines of the Cribl guide: filters, functions one after another, routes.
 *
 * A document (YAML, as the guide writes it) is read and compiled once into an immutable pipeline; what is wrong in it is an error with
 * file, line and column. Documents run literally, as JavaScript and Cribl would run them (DESIGN 6); lint.h says where that is a trap.
 * Each function (eval, lookup, sampling, mask, ...) is one file and one row: function.h.
 *
 * An event that passes all filters is copied - only its top, the rest is shared until somebody writes to it -, goes through the functions
 * in order, and on to every route whose filter says yes. An expression that fails leaves its field as it was (a filter: says no), is
 * counted, and the first failure of each place is told. No allocation on the heap an event once the run is warm.
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include "codec/yaml.h"
#include "pipeline/expression.h"
#include "pipeline/template.h"

struct genops_lookups; /* lookup_table.h */

#define GENOPS_PIPELINE_PARTS_MAX 1000 /* filters, functions, rules, routes: each, of one pipeline */

struct genops_place {
	const char *file;
	int line, column;
};

struct genops_route {
	genops_str name, description, destination;
	struct genops_place place, destination_place;
	struct genops_expression *filter;       /* NULL: always */
	genops_str filter_source;
	struct genops_template *payload;        /* JSON; NULL: none */
	genops_str payload_source;
	genops_str settings;                    /* output_format, compression, dataset, retention, encryption, versioning, object_lock, table as a
						 * JSON object; "" : none */
	bool is_disabled;
};

struct genops_pipeline {
	genops_str id, description;
	bool is_enabled;
	struct genops_place place;
	size_t n_filters, n_functions, n_routes;
	struct genops_pipeline_filter *filters;
	struct genops_function *functions;      /* function.h */
	struct genops_route *routes;
	size_t n_counts;                        /* of struct genops_pipeline_count */
	uint32_t n_fields;                      /* about how many fields the functions put; private */
	bool names_attributes;                  /* an expression does, so that a copy of an event begins with them; private */
	struct genops_arena arena;              /* all of it; private */
};

struct genops_pipeline_filter {
	genops_str name, description, source;
	struct genops_place place;
	struct genops_expression *expression;
};

/* What reading a document may ask for. */
struct genops_pipeline_reading {
	const char *file;                              /* lives as long as the pipeline */
	const struct genops_lookups *lookups;          /* by id: one that is not there is an error; NULL: all are taken for known */
	genops_template_variable_fn *variable;         /* of the environment */
	void *variable_arg;
	/* Something legal that the user should know. NULL: not wanted. */
	void (*warn)(void *arg, const struct genops_place *place, const char *message, const char *fix);
	void *warn_arg;
};

/* Is it a pipeline's document (has id, and processors or routes or filters)? */
bool genops_pipeline_is_document(const struct genops_yaml_node *document);
/* Errors: CONFIG with file, line, column, fix; NOMEM. */
GENOPS_NODISCARD int genops_pipeline_read(const struct genops_yaml_node *document, const struct genops_pipeline_reading *reading,
    struct genops_pipeline **ret, struct genops_error *err);
void genops_pipeline_free(struct genops_pipeline *pipeline);

/* What happened at each place, counted since the counts were made: filters, functions' rules and routes, in order. */
struct genops_pipeline_count {
	uint64_t n_in, n_matched, n_dropped, n_failed;
};
/* Names the i-th count: "filter has_genops_cost", "sampling intelligent_cost_sampling rule 2", "route to_slack". Of a function the first
 * count is its own; those behind it count what is in it (of eval and mask: only what failed). */
void genops_pipeline_count_name(const struct genops_pipeline *pipeline, size_t i, char *out, size_t size);

/* One thread's. */
struct genops_pipeline_run {
	struct genops_expression_run expression;
	const struct genops_lookups *lookups;
	uint64_t sampling_seed;                        /* for events without a trace id */
	/* A place's expression failed, and never before since its count began; NULL: not wanted. */
	void (*fault)(void *arg, const struct genops_pipeline *pipeline, const struct genops_place *place, const struct genops_error *err);
	void *fault_arg;
	/* Before and after each step, for `pipeline test`; NULL: not wanted. `what` as genops_pipeline_count_name. */
	void (*trace)(void *arg, const char *what, bool is_passed, struct genops_value event);
	void *trace_arg;
	/* The run's own, zero at first. */
	const struct genops_pipeline *pipeline; /* that runs */
	struct genops_buffer payload;
	struct genops_error error;
};
void genops_pipeline_run_done(struct genops_pipeline_run *run); /* and its expression run */

enum genops_pipeline_result {
	GENOPS_PIPELINE_PASSED_BY, /* disabled, or a filter said no */
	GENOPS_PIPELINE_DROPPED,   /* by sampling or drop */
	GENOPS_PIPELINE_ROUTED,    /* reached the routes, whether or not one took it */
};

/* One route took the event; payload is "" without a template, borrowed for the call. */
typedef int genops_pipeline_emit_fn(
    void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload);

/* Runs one event (an object; untouched) through the pipeline. `counts` has pipeline->n_counts entries. Values live in the run's arena, which
 * the caller resets between events. Errors: LIMIT, NOMEM, and what emit returned. */
GENOPS_NODISCARD int genops_pipeline_apply(const struct genops_pipeline *pipeline, struct genops_pipeline_run *run,
    struct genops_value event, struct genops_pipeline_count *counts, genops_pipeline_emit_fn *emit, void *emit_arg,
    enum genops_pipeline_result *ret_result, struct genops_error *err);

#endif
