/* SPDX-License-Identifier: Apache-2.0
 * engine/trial/pipeline_trial.h - the inside of a trial: running (pipeline_trial.c) and telling (pipeline_trial_report.c). */
#ifndef ENGINE_PIPELINE_TRIAL_H
#define ENGINE_PIPELINE_TRIAL_H

#include <genops/pipeline.h>

#include "codec/json_write.h"
#include "engine/config.h"
#include "pipeline/event_span.h"

/* A field as it was: its name, and its value in JSON. */
struct genops_pipeline_trial_field {
	genops_str name, json;
};

struct genops_pipeline_trial_fields {
	size_t n;
	struct genops_pipeline_trial_field *items;
};

struct genops_pipeline_trial {
	struct genops_config *config;
	bool as_text, is_fixed;
	struct genops_arena arena, resources; /* of one event; of one request's resource and scope */
	struct genops_arena notes;            /* what is remembered of one event on its way through one pipeline */
	struct genops_event_span maker;
	struct genops_pipeline_run run;
	struct genops_pipeline_count **counts; /* a pipeline */
	int64_t n_events;
	struct genops_buffer out;
	struct genops_json_writer json;
	/* of the pipeline at hand */
	const struct genops_pipeline *pipeline;
	struct genops_pipeline_count *before;  /* counts as they were when the step began */
	struct genops_pipeline_trial_fields fields;
	struct genops_buffer routes, errors;   /* told behind the steps */
	bool is_full;
};

/* --- pipeline_trial_report.c: each writes to trial->out --- */

void genops_pipeline_trial_report_event(struct genops_pipeline_trial *trial, struct genops_value event);
void genops_pipeline_trial_report_begin(struct genops_pipeline_trial *trial, const struct genops_pipeline *pipeline, struct genops_value event);
void genops_pipeline_trial_report_step(void *arg, const char *what, bool is_passed, struct genops_value event);
int genops_pipeline_trial_report_route(
    void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload);
void genops_pipeline_trial_report_fault(
    void *arg, const struct genops_pipeline *pipeline, const struct genops_place *place, const struct genops_error *err);
void genops_pipeline_trial_report_end(struct genops_pipeline_trial *trial, enum genops_pipeline_result result, struct genops_value event);
void genops_pipeline_trial_report_event_end(struct genops_pipeline_trial *trial);
void genops_pipeline_trial_report_summary(struct genops_pipeline_trial *trial);

#endif
