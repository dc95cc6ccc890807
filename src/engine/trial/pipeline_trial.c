/* SPDX-License-Identifier: Apache-2.0
 * engine/trial/pipeline_trial.c - see genops/pipeline.h: events through pipelines, told step by step, with nothing opened or sent. The same
 * genops_pipeline_apply that serves, so that what it tells is what will happen. */
#include "engine/trial/pipeline_trial.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "telemetry/otlp/otlp_json.h"

#include <stdlib.h>
#include <sys/random.h>

#define ARENA_MAX ((size_t)64 << 20)
#define OUT_MAX   ((size_t)64 << 20) /* what is told of one event */
#define INPUT_MAX ((size_t)256 << 20)

static int make_counts(struct genops_pipeline_trial *trial, struct genops_error *err)
{
	const struct genops_config *config = trial->config;
	trial->counts = calloc(config->n_pipelines + 1, sizeof *trial->counts);
	for (size_t i = 0; trial->counts && i < config->n_pipelines; i++) {
		trial->counts[i] = calloc(config->pipelines[i]->n_counts + 1, sizeof **trial->counts);
		if (!trial->counts[i])
			return genops_fail(err, GENOPS_NOMEM, "no memory for a trial");
	}
	return trial->counts ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for a trial");
}

static int load(struct genops_pipeline_trial *trial, const struct genops_pipeline_trial_options *options, struct genops_error *err)
{
	const struct genops_engine_options *engine = options->engine;
	const struct genops_config_source source = {.file = engine ? engine->config_file : NULL,
	    .text = engine ? engine->config_text : NULL,
	    .state_dir = engine ? engine->state_dir : NULL,
	    .pipelines = options->pipelines,
	    .lookups = options->lookups,
	    .without_prices = true};
	trial->config = genops_config_load(&source, err);
	if (!trial->config)
		return err->code;
	if (!trial->config->n_pipelines)
		return genops_fail_fix(err, GENOPS_CONFIG, "name a file of pipelines, or add pipelines to the configuration", "there is no pipeline to try");
	return make_counts(trial, err);
}

genops_pipeline_trial *genops_pipeline_trial_new(const struct genops_pipeline_trial_options *options, struct genops_error *err)
{
	struct genops_error own;
	struct genops_pipeline_trial *trial = calloc(1, sizeof *trial);
	err = err ? err : &own;
	if (!trial || options->size != sizeof *options) {
		(void)genops_fail(err, trial ? GENOPS_MISUSE : GENOPS_NOMEM, trial ? "options->size is not this library's" : "no memory for a trial");
		free(trial);
		return NULL;
	}
	trial->as_text = options->as_text;
	genops_arena_init(&trial->arena, ARENA_MAX);
	genops_arena_init(&trial->resources, ARENA_MAX);
	genops_arena_init(&trial->notes, ARENA_MAX);
	genops_buffer_init(&trial->out, OUT_MAX);
	genops_buffer_init(&trial->routes, OUT_MAX);
	genops_buffer_init(&trial->errors, OUT_MAX);
	trial->maker.arena = &trial->resources;
	trial->run = (struct genops_pipeline_run){.expression = {.arena = &trial->arena},
	    .fault = genops_pipeline_trial_report_fault,
	    .fault_arg = trial,
	    .trace = genops_pipeline_trial_report_step,
	    .trace_arg = trial};
	uint64_t random[3] = {0, 0, (uint64_t)genops_clock_unix_ns()};
	if (getrandom(random, sizeof random, GRND_NONBLOCK) < 0)
		random[0] = random[2];
	memcpy(trial->run.expression.random_state, random, 16);
	trial->run.sampling_seed = random[2];
	if (load(trial, options, err) == GENOPS_OK) {
		trial->run.lookups = trial->config->lookups;
		return trial;
	}
	genops_pipeline_trial_free(trial);
	return NULL;
}

void genops_pipeline_trial_free(genops_pipeline_trial *trial)
{
	if (!trial)
		return;
	genops_pipeline_run_done(&trial->run);
	for (size_t i = 0; trial->counts && i < trial->config->n_pipelines; i++)
		free(trial->counts[i]);
	free(trial->counts);
	genops_config_unref(trial->config);
	genops_buffer_done(&trial->out);
	genops_buffer_done(&trial->routes);
	genops_buffer_done(&trial->errors);
	genops_arena_done(&trial->arena);
	genops_arena_done(&trial->resources);
	genops_arena_done(&trial->notes);
	free(trial);
}

void genops_pipeline_trial_fix(genops_pipeline_trial *trial, int64_t now_ms, uint64_t random_seed)
{
	trial->is_fixed = true;
	trial->run.expression.now_ms = now_ms;
	trial->run.expression.random_state[0] = random_seed;
	trial->run.expression.random_state[1] = ~random_seed;
	trial->run.sampling_seed = random_seed;
}

/* --- one event --- */

struct input {
	struct genops_pipeline_trial *trial;
	genops_pipeline_trial_fn *fn;
	void *arg;
};

static int hand_over(struct input *input, struct genops_error *err)
{
	struct genops_pipeline_trial *trial = input->trial;
	if (trial->out.error || trial->is_full)
		return genops_fail(err, GENOPS_LIMIT, "event %lld is too large to tell of", (long long)trial->n_events);
	int code = input->fn(input->arg, genops_buffer_view(&trial->out));
	return code == GENOPS_OK ? code : genops_fail(err, code, "the trial was ended");
}

static int run_pipeline(struct genops_pipeline_trial *trial, size_t index, struct genops_value event, struct genops_error *err)
{
	const struct genops_pipeline *pipeline = trial->config->pipelines[index];
	enum genops_pipeline_result result = GENOPS_PIPELINE_PASSED_BY;
	genops_arena_reset(&trial->notes);
	trial->before = genops_arena_alloc(&trial->notes, (pipeline->n_counts + 1) * sizeof *trial->before);
	if (!trial->before)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a trial");
	memcpy(trial->before, trial->counts[index], pipeline->n_counts * sizeof *trial->before);
	genops_pipeline_trial_report_begin(trial, pipeline, event);
	/* A fault is told once; here every event shall tell its own. */
	for (size_t i = 0; i < pipeline->n_counts; i++)
		trial->counts[index][i].n_failed = 0;
	int code = genops_pipeline_apply(
	    pipeline, &trial->run, event, trial->counts[index], genops_pipeline_trial_report_route, trial, &result, err);
	genops_pipeline_trial_report_end(trial, result, event);
	for (size_t i = 0; i < pipeline->n_counts; i++)
		trial->counts[index][i].n_failed += trial->before[i].n_failed;
	return code;
}

static int run_event(struct input *input, struct genops_value event, struct genops_error *err)
{
	struct genops_pipeline_trial *trial = input->trial;
	if (event.type != GENOPS_VALUE_OBJECT)
		return genops_fail(err, GENOPS_SYNTAX, "an event is a JSON object");
	trial->n_events++;
	genops_buffer_clear(&trial->out);
	if (!trial->is_fixed)
		trial->run.expression.now_ms = genops_clock_unix_ns() / GENOPS_NS_PER_MS;
	genops_pipeline_trial_report_event(trial, event);
	for (size_t i = 0; i < trial->config->n_pipelines; i++)
		GENOPS_TRY(run_pipeline(trial, i, event, err));
	genops_pipeline_trial_report_event_end(trial);
	return hand_over(input, err);
}

/* --- what the input is --- */

static int run_spans(struct input *input, genops_str request, struct genops_error *err)
{
	struct genops_pipeline_trial *trial = input->trial;
	const struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_TRACES, .receiver = GENOPS_STR("otlp"), .input = GENOPS_STR(GENOPS_INPUT_OTLP),
	    .request = request};
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	struct genops_value event;
	genops_str item;
	int more;
	genops_event_span_begin(&trial->maker);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while ((more = genops_otlp_reader_next(&reader, &item)) == 1) {
		genops_arena_reset(&trial->arena);
		if ((more = genops_otlp_span_read(item, &span)) != GENOPS_OK)
			break;
		GENOPS_TRY(genops_event_of_span(&trial->maker, &envelope, &reader.resource, &span, &trial->arena, &event, err));
		GENOPS_TRY(run_event(input, event, err));
	}
	return more == 0 ? GENOPS_OK : genops_fail(err, more, "the spans cannot be read");
}

static int run_otlp(struct input *input, genops_str json, struct genops_error *err)
{
	struct genops_buffer request;
	genops_buffer_init(&request, INPUT_MAX);
	int code = genops_otlp_json_read(GENOPS_SIGNAL_TRACES, json, &request, err);
	if (code == GENOPS_OK)
		code = run_spans(input, genops_buffer_view(&request), err);
	genops_buffer_done(&request);
	return code;
}

static bool has_member(struct genops_value value, const char *name)
{
	const struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	return value.type == GENOPS_VALUE_OBJECT && genops_value_object_get(value.as.object, &key) != NULL;
}

static int run_document(struct input *input, genops_str json, struct genops_error *err)
{
	struct genops_value value;
	genops_arena_reset(&input->trial->arena);
	GENOPS_TRY(genops_value_from_json(json, &input->trial->arena, &value, err));
	if (has_member(value, "resourceSpans"))
		return run_otlp(input, json, err);
	if (value.type != GENOPS_VALUE_LIST)
		return run_event(input, value, err);
	for (uint32_t i = 0; i < value.as.list->n; i++)
		GENOPS_TRY(run_event(input, value.as.list->items[i], err));
	return GENOPS_OK;
}

/* Where the document that `text` begins with ends: behind the bracket that closes its first, texts left out. */
static size_t document_end(genops_str text)
{
	size_t depth = 0;
	bool is_quoted = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (is_quoted && c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (c == '{' || c == '['))
			depth++;
		else if (!is_quoted && (c == '}' || c == ']') && (!depth || !--depth))
			return i + 1;
	}
	return text.len;
}

int genops_pipeline_trial_run(
    genops_pipeline_trial *trial, genops_str input, genops_pipeline_trial_fn *fn, void *arg, struct genops_error *err)
{
	struct input all = {trial, fn, arg};
	genops_str rest = genops_str_trim(input);
	struct genops_error own;
	err = err ? err : &own;
	if (!rest.len)
		return genops_fail_fix(err, GENOPS_SYNTAX, "give OTLP in JSON, or events as JSON", "the input is empty");
	while (rest.len) {
		size_t end = document_end(rest);
		GENOPS_TRY(run_document(&all, (genops_str){rest.ptr, end}, err));
		rest = genops_str_trim(genops_str_skip(rest, end));
	}
	return GENOPS_OK;
}

int genops_pipeline_trial_summary(genops_pipeline_trial *trial, genops_pipeline_trial_fn *fn, void *arg, struct genops_error *err)
{
	struct input input = {trial, fn, arg};
	struct genops_error own;
	genops_buffer_clear(&trial->out);
	genops_pipeline_trial_report_summary(trial);
	return hand_over(&input, err ? err : &own);
}
