/* SPDX-License-Identifier: Apache-2.0
 * engine/trial/pipeline_list.c - see genops/pipeline.h: the configuration's pipelines, and their counts out of <state>/metrics.prom, which the
 * drain writes. A file that is not there, or of another make, is no counts. */
#include <genops/pipeline.h>

#include "base/str.h"
#include "codec/json_write.h"
#include "engine/config.h"
#include "telemetry/metrics/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define METRICS_MAX ((size_t)64 << 20)
#define TEXT_MAX    ((size_t)64 << 20)

enum { IN, MATCHED, DROPPED, FAILED, DEAD, N_FAMILIES };

static const char *const families[N_FAMILIES] = {
#define X(symbol, name, labels, text) name,
    GENOPS_METRIC_PIPELINE(X)
#undef X
};

static void read_metrics(const char *state_dir, struct genops_buffer *out)
{
	char path[4200];
	ssize_t n = 1;
	snprintf(path, sizeof path, "%s/metrics.prom", state_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	while (fd >= 0 && n > 0) {
		char *to = genops_buffer_reserve(out, 65536);
		n = to ? read(fd, to, 65536) : 0;
		out->len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
}

/* The value of a label, unescaped into out. */
static genops_str label_value(genops_str labels, const char *name, char *out, size_t size)
{
	char head[48];
	size_t n = 0;
	snprintf(head, sizeof head, "%s=\"", name);
	size_t at = genops_str_find(labels, genops_str_of(head));
	if (at == SIZE_MAX)
		return (genops_str){0};
	for (at += strlen(head); at < labels.len && labels.ptr[at] != '"' && n + 1 < size; at++) {
		if (labels.ptr[at] == '\\' && at + 1 < labels.len)
			at++;
		out[n++] = labels.ptr[at] == 'n' && labels.ptr[at - 1] == '\\' ? '\n' : labels.ptr[at];
	}
	return (genops_str){out, n};
}

struct sample {
	int family;
	char pipeline[256], kind[64], name[256];
	genops_str pipeline_text, kind_text, name_text;
	int64_t value;
};

/* genops_pipeline_in_total{pipeline="a",kind="route",name="b"} 12 */
static bool read_sample(genops_str line, struct sample *sample)
{
	genops_str rest = line, family = genops_str_split(&rest, '{');
	for (sample->family = 0; sample->family < N_FAMILIES; sample->family++) {
		if (genops_str_is(family, families[sample->family]))
			break;
	}
	size_t end = rest.len;
	while (end && rest.ptr[end - 1] != '}')
		end--;
	if (sample->family == N_FAMILIES || !end || !genops_str_to_int(genops_str_trim(genops_str_skip(rest, end)), &sample->value))
		return false;
	genops_str labels = {rest.ptr, end - 1};
	sample->pipeline_text = label_value(labels, "pipeline", sample->pipeline, sizeof sample->pipeline);
	sample->kind_text = label_value(labels, "kind", sample->kind, sizeof sample->kind);
	sample->name_text = label_value(labels, "name", sample->name, sizeof sample->name);
	return true;
}

static void fill(genops_str metrics, const struct genops_pipeline *pipeline, int64_t (*counts)[DEAD], int64_t *ret_dead)
{
	struct sample sample;
	char name[256];
	while (metrics.len) {
		genops_str line = genops_str_split(&metrics, '\n');
		if (!genops_str_starts(line, GENOPS_STR("genops_pipeline_")) || !read_sample(line, &sample) ||
		    !genops_str_equal(sample.pipeline_text, pipeline->id))
			continue;
		if (sample.family == DEAD)
			*ret_dead = sample.value;
		for (size_t i = 0; i < pipeline->n_counts && sample.family != DEAD; i++) {
			genops_pipeline_count_name(pipeline, i, name, sizeof name);
			genops_str rest = genops_str_of(name), kind = genops_str_split(&rest, ' ');
			if (genops_str_equal(kind, sample.kind_text) && genops_str_equal(rest, sample.name_text))
				counts[i][sample.family] = sample.value;
		}
	}
}

static void add_routes(struct genops_json_writer *json, const struct genops_pipeline *pipeline)
{
	genops_json_key(json, GENOPS_STR("routes"));
	genops_json_array_begin(json);
	for (size_t i = 0; i < pipeline->n_routes; i++) {
		const struct genops_route *route = &pipeline->routes[i];
		genops_json_object_begin(json);
		genops_json_key_string(json, "name", route->name);
		genops_json_key_string(json, "destination", route->destination);
		genops_json_key_string(json, "filter", route->filter_source);
		genops_json_object_end(json);
	}
	genops_json_array_end(json);
}

static void add_counts(struct genops_json_writer *json, const struct genops_pipeline *pipeline, int64_t (*counts)[DEAD])
{
	static const char *const keys[] = {"in", "matched", "dropped", "failed"};
	char name[256];
	genops_json_key(json, GENOPS_STR("counts"));
	genops_json_array_begin(json);
	for (size_t i = 0; i < pipeline->n_counts; i++) {
		genops_pipeline_count_name(pipeline, i, name, sizeof name);
		genops_str rest = genops_str_of(name), kind = genops_str_split(&rest, ' ');
		genops_json_object_begin(json);
		genops_json_key_string(json, "kind", kind);
		genops_json_key_string(json, "name", rest);
		for (int k = 0; k < DEAD; k++)
			genops_json_key_int(json, keys[k], counts[i][k]);
		genops_json_object_end(json);
	}
	genops_json_array_end(json);
}

static int add_pipeline(struct genops_json_writer *json, const struct genops_pipeline *pipeline, genops_str metrics)
{
	int64_t dead = 0, (*counts)[DEAD] = calloc(pipeline->n_counts + 1, sizeof *counts);
	if (!counts)
		return GENOPS_NOMEM;
	fill(metrics, pipeline, counts, &dead);
	genops_json_object_begin(json);
	genops_json_key_string(json, "id", pipeline->id);
	genops_json_key_string(json, "description", pipeline->description);
	genops_json_key_bool(json, "enabled", pipeline->is_enabled);
	genops_json_key_string(json, "file", genops_str_of(pipeline->place.file));
	genops_json_key_int(json, "line", pipeline->place.line);
	genops_json_key_int(json, "filters", (int64_t)pipeline->n_filters);
	genops_json_key_int(json, "functions", (int64_t)pipeline->n_functions);
	add_routes(json, pipeline);
	add_counts(json, pipeline, counts);
	genops_json_key_int(json, "dead_letters", dead);
	genops_json_object_end(json);
	free(counts);
	return GENOPS_OK;
}

static int add_text(struct genops_buffer *out, const struct genops_pipeline *pipeline, genops_str metrics)
{
	int64_t dead = 0, (*counts)[DEAD] = calloc(pipeline->n_counts + 1, sizeof *counts);
	char name[256];
	if (!counts)
		return GENOPS_NOMEM;
	fill(metrics, pipeline, counts, &dead);
	genops_buffer_printf(out, "%.*s%s\n", GENOPS_STR_ARG(pipeline->id), pipeline->is_enabled ? "" : " (disabled)");
	genops_buffer_printf(out, "  %s:%d; %lld dead letters\n", pipeline->place.file, pipeline->place.line, (long long)dead);
	genops_buffer_printf(out, "  %-58s %10s %10s %10s %10s\n", "", "in", "matched", "dropped", "failed");
	for (size_t i = 0; i < pipeline->n_counts; i++) {
		const int64_t *count = counts[i];
		size_t route = i - (pipeline->n_counts - pipeline->n_routes);
		genops_pipeline_count_name(pipeline, i, name, sizeof name);
		bool is_whole = i < pipeline->n_filters || route < pipeline->n_routes || !strncmp(name, "sampling ", 9);
		if (!is_whole && !count[IN] && !count[MATCHED] && !count[FAILED])
			continue; /* an eval's field, mostly */
		genops_buffer_printf(out, "  %-58s %10lld %10lld %10lld %10lld", name, (long long)count[IN], (long long)count[MATCHED],
		    (long long)count[DROPPED], (long long)count[FAILED]);
		if (route < pipeline->n_routes)
			genops_buffer_printf(out, "  -> %.*s", GENOPS_STR_ARG(pipeline->routes[route].destination));
		genops_buffer_add_char(out, '\n');
	}
	free(counts);
	return GENOPS_OK;
}

static int write_text(const struct genops_config *config, genops_str metrics, struct genops_buffer *out, struct genops_error *err)
{
	int code = GENOPS_OK;
	if (!config->n_pipelines)
		genops_buffer_add_text(out, "there are no pipelines; genops init --pipelines writes four to start from\n");
	for (size_t i = 0; i < config->n_pipelines && code == GENOPS_OK; i++)
		code = add_text(out, config->pipelines[i], metrics);
	code = code == GENOPS_OK ? out->error : code;
	return code == GENOPS_OK ? code : genops_fail(err, code, "no memory for the list of pipelines");
}

static int write_list(const struct genops_config *config, genops_str metrics, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_json_writer json;
	int code = GENOPS_OK;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("pipelines"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < config->n_pipelines && code == GENOPS_OK; i++)
		code = add_pipeline(&json, config->pipelines[i], metrics);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_char(out, '\n');
	code = code == GENOPS_OK ? out->error : code;
	return code == GENOPS_OK ? code : genops_fail(err, code, "no memory for the list of pipelines");
}

int genops_pipeline_list(
    const struct genops_engine_options *options, bool as_text, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_error own;
	struct genops_config_source source = {.without_prices = true};
	struct genops_buffer metrics, out;
	err = err ? err : &own;
	if (options) {
		source.file = options->config_file;
		source.text = options->config_text;
		source.state_dir = options->state_dir;
	}
	struct genops_config *config = genops_config_load(&source, err);
	if (!config)
		return err->code;
	genops_buffer_init(&metrics, METRICS_MAX);
	genops_buffer_init(&out, TEXT_MAX);
	read_metrics(config->state_dir.ptr, &metrics);
	int code = (as_text ? write_text : write_list)(config, genops_buffer_view(&metrics), &out, err);
	char *text = code == GENOPS_OK ? genops_buffer_take(&out, ret_len) : NULL;
	if (code == GENOPS_OK && !text)
		code = genops_fail(err, GENOPS_NOMEM, "no memory for the list of pipelines");
	if (text)
		*ret_text = text;
	genops_buffer_done(&metrics);
	genops_buffer_done(&out);
	genops_config_unref(config);
	return code;
}
