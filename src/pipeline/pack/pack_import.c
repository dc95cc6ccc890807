/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack_import.c - a Cribl pack as our documents: one for each route, with the route's filter and what stands before it.
 *
 * Cribl asks routes one after another, and a final one keeps its events: so a route's filter here is its own and not those of the final ones
 * before it. A route that leads to an Output Router has the router's rules for routes. */
#include "pipeline/pack/pack_import.h"

#include "base/str.h"
#include "codec/json_write.h"
#include "pipeline/expression.h"

#include <stdio.h>

#define DOCUMENT_MAX ((size_t)4 << 20)
#define FILTER_MAX   ((size_t)16384)

genops_str genops_pack_import_text(const struct genops_yaml_node *node, const char *key)
{
	const struct genops_yaml_node *value = node ? genops_yaml_get(node, key) : NULL;
	return value && value->kind == GENOPS_YAML_SCALAR && !genops_yaml_is_null(value) ? value->text : (genops_str){0};
}

#define TEXT genops_pack_import_text

void genops_pack_import_clean(genops_str name, char *out, size_t size)
{
	size_t n = 0;
	for (; n < name.len && n + 1 < size; n++) {
		char c = name.ptr[n];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		out[n] = is_plain ? c : '_';
	}
	out[n] = '\0';
	if (!n)
		snprintf(out, size, "_");
}

struct job {
	struct genops_pack_import import;
	const struct genops_yaml_node *routes, *outputs; /* lists; NULL: none */
	struct genops_buffer finals;                     /* " && !(filter)" of the final routes so far */
	size_t n_destinations;
	genops_str destinations[GENOPS_PACK_FILES_MAX];
	struct genops_error *err;
};

/* "open_telemetry:genops_otlp_source" is "genops_otlp_source" here. */
static void add_filter(struct genops_buffer *out, genops_str filter)
{
	static const char theirs[] = "open_telemetry:genops_otlp_source";
	for (size_t at; (at = genops_str_find(filter, genops_str_of(theirs))) != SIZE_MAX;) {
		genops_buffer_add(out, (genops_str){filter.ptr, at});
		genops_buffer_add_text(out, "genops_otlp_source");
		filter = genops_str_skip(filter, at + sizeof theirs - 1);
	}
	genops_buffer_add(out, filter);
}

static bool is_expression(genops_str source)
{
	struct genops_expression *expression;
	if (genops_expression_compile(source, &expression, NULL) != GENOPS_OK)
		return false;
	genops_expression_free(expression);
	return true;
}

/* --- where it goes --- */

static void remember(struct job *job, genops_str name)
{
	for (size_t i = 0; i < job->n_destinations; i++) {
		if (genops_str_equal(job->destinations[i], name))
			return;
	}
	if (job->n_destinations < GENOPS_PACK_FILES_MAX && genops_arena_dup(&job->import.out->arena, name, &job->destinations[job->n_destinations]))
		job->n_destinations++;
}

static void add_route(struct job *job, genops_str output, genops_str filter, genops_str description, struct genops_buffer *out)
{
	char id[128];
	if (genops_str_is(output, "devnull"))
		return;
	bool has_filter = filter.len && !genops_str_is(filter, "true");
	if (has_filter && !is_expression(filter)) {
		genops_pack_note(job->import.out, job->import.pipeline, "a route to %.*s was left out: its filter is none that GenOps has",
		    output.len > 80 ? 80 : (int)output.len, output.ptr);
		job->import.is_lame = true;
		return;
	}
	genops_pack_import_clean(output, id, sizeof id);
	remember(job, genops_str_of(id));
	genops_pack_yaml(out, 1, "- name: to_%s", id);
	genops_pack_yaml(out, 2, "destination: \"%s\"", id);
	if (description.len)
		genops_pack_yaml_text(out, 2, "description", description);
	if (has_filter)
		genops_pack_yaml_text(out, 2, "filter", filter);
}

static void add_outputs(struct job *job, genops_str output, struct genops_buffer *out)
{
	char key[200];
	snprintf(key, sizeof key, "%.*s", (int)(output.len > 190 ? 190 : output.len), output.len ? output.ptr : "");
	const struct genops_yaml_node *found = job->outputs ? genops_yaml_get(job->outputs, key) : NULL;
	const struct genops_yaml_node *rules = genops_str_is(TEXT(found, "type"), "router") ? genops_yaml_get(found, "rules") : NULL;
	struct genops_buffer routes;
	genops_buffer_init(&routes, DOCUMENT_MAX);
	if (!rules)
		add_route(job, output.len ? output : GENOPS_STR("default"), (genops_str){0}, (genops_str){0}, &routes);
	for (const struct genops_yaml_entry *entry = rules ? rules->first : NULL; entry; entry = entry->next) {
		if (genops_str_is(TEXT(entry->value, "final"), "true") && entry->next) {
			genops_pack_note(job->import.out, job->import.pipeline, "a final rule of router %.100s: here the rules behind it see its events, too", key);
			job->import.is_lame = true;
		}
		add_route(job, TEXT(entry->value, "output"), genops_str_trim(TEXT(entry->value, "filter")), TEXT(entry->value, "description"), &routes);
	}
	genops_buffer_add_text(out, routes.len ? "routes:\n" : "routes: []\n");
	genops_buffer_add(out, genops_buffer_view(&routes));
	genops_buffer_done(&routes);
}

/* --- one document --- */

static int add_processors(struct job *job, genops_str pipeline, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_yaml *yaml;
	char name[400];
	size_t index = 0, mark;
	snprintf(name, sizeof name, "default/pipelines/%.*s/conf.yml", (int)(pipeline.len > 200 ? 200 : pipeline.len), pipeline.len ? pipeline.ptr : "");
	genops_str text = genops_pack_find(job->import.in, name);
	if (!text.ptr)
		return GENOPS_OK; /* one of Cribl's own: passthru, main */
	GENOPS_TRY(genops_yaml_parse(name, text, &yaml, err));
	const struct genops_yaml_node *functions = yaml->n_documents ? genops_yaml_get(yaml->documents[0], "functions") : NULL;
	mark = out->len;
	genops_buffer_add_text(out, "processors:\n");
	size_t begin = out->len;
	for (const struct genops_yaml_entry *entry = functions && functions->kind == GENOPS_YAML_SEQUENCE ? functions->first : NULL; entry; entry = entry->next)
		genops_pack_import_function(&job->import, entry->value, index++, out);
	if (out->len == begin)
		out->len = mark;
	genops_yaml_free(yaml);
	return GENOPS_OK;
}

static void add_filters(struct job *job, const struct genops_yaml_node *route, struct genops_buffer *out)
{
	struct genops_buffer filter;
	genops_str own = genops_str_trim(TEXT(route, "filter"));
	genops_buffer_init(&filter, FILTER_MAX);
	genops_buffer_add_char(&filter, '(');
	add_filter(&filter, own.len ? own : GENOPS_STR("true"));
	genops_buffer_add_char(&filter, ')');
	genops_buffer_add(&filter, genops_buffer_view(&job->finals));
	if (filter.error || job->finals.error || !is_expression(genops_buffer_view(&filter))) {
		genops_pack_note(job->import.out, job->import.pipeline, "the route's filter is none that GenOps has: %.*s", own.len > 200 ? 200 : (int)own.len, own.ptr);
		job->import.is_lame = true;
	} else if (!genops_str_is(genops_buffer_view(&filter), "(true)")) {
		genops_pack_yaml(out, 0, "filters:");
		genops_buffer_add_text(out, "  - name: route\n    expression: ");
		genops_json_add_string(out, genops_buffer_view(&filter));
		genops_buffer_add_char(out, '\n');
	}
	if (!genops_str_is(TEXT(route, "final"), "false") && !genops_str_is(TEXT(route, "disabled"), "true")) {
		genops_buffer_add_text(&job->finals, " && !(");
		add_filter(&job->finals, own.len ? own : GENOPS_STR("true"));
		genops_buffer_add_char(&job->finals, ')');
	}
	genops_buffer_done(&filter);
}

/* `route` NULL: nothing leads to the pipeline. */
static int add_document(struct job *job, genops_str pipeline, const char *id, const struct genops_yaml_node *route, struct genops_error *err)
{
	struct genops_buffer body, out;
	char name[200];
	genops_buffer_init(&body, DOCUMENT_MAX);
	genops_buffer_init(&out, DOCUMENT_MAX + 4096);
	job->import.pipeline = genops_str_of(id);
	job->import.is_lame = false;
	if (route)
		add_filters(job, route, &body);
	int code = add_processors(job, pipeline, &body, err);
	if (route)
		add_outputs(job, TEXT(route, "output"), &body);
	else
		genops_buffer_add_text(&body, "routes: []\n");
	bool is_off = job->import.is_lame || genops_str_is(TEXT(route, "disabled"), "true");
	genops_pack_yaml_text(&out, 0, "id", genops_str_of(id));
	genops_pack_yaml_text(&out, 0, "description", TEXT(route, "description"));
	genops_pack_yaml(&out, 0, "enabled: %s", is_off ? "false" : "true");
	genops_buffer_add(&out, genops_buffer_view(&body));
	if (job->import.is_lame)
		genops_pack_note(job->import.out, genops_str_of(id), "the pipeline is switched off: not all of it could be taken over");
	snprintf(name, sizeof name, "pipelines/%s.yaml", id);
	genops_pack_add(job->import.out, genops_str_of(name), out.error ? GENOPS_STR("") : genops_buffer_view(&out));
	if (code == GENOPS_OK && (out.error || body.error))
		code = genops_fail(err, GENOPS_LIMIT, "pipeline %s is too large", id);
	genops_buffer_done(&body);
	genops_buffer_done(&out);
	return code;
}

static bool is_taken(const struct job *job, const char *id)
{
	char name[200];
	snprintf(name, sizeof name, "pipelines/%s.yaml", id);
	return genops_pack_find(job->import.out, name).ptr != NULL;
}

static int take_route(struct job *job, const struct genops_yaml_node *route, struct genops_error *err)
{
	genops_str pipeline = TEXT(route, "pipeline");
	char id[150], first[128], second[16] = "";
	if (genops_str_is(pipeline, "devnull")) {
		struct genops_buffer none;
		genops_buffer_init(&none, FILTER_MAX); /* its events go nowhere; if it is final, those behind it do not see them */
		add_filters(job, route, &none);
		genops_buffer_done(&none);
		return GENOPS_OK;
	}
	genops_pack_import_clean(pipeline.len ? pipeline : TEXT(route, "name"), first, sizeof first);
	snprintf(id, sizeof id, "%s", first);
	for (int n = 2; is_taken(job, id) && n < 1000; n++) {
		snprintf(second, sizeof second, "-%d", n);
		snprintf(id, sizeof id, "%s%s", first, second);
	}
	return add_document(job, pipeline, id, route, err);
}

/* Pipelines that no route names. */
static int take_rest(struct job *job, struct genops_error *err)
{
	for (size_t i = 0; i < job->import.in->n_files; i++) {
		genops_str rest = job->import.in->files[i].name;
		char id[128];
		if (!genops_str_starts(rest, GENOPS_STR("default/pipelines/")) || !genops_str_ends(rest, GENOPS_STR("/conf.yml")))
			continue;
		rest = genops_str_skip(rest, 18);
		genops_str pipeline = {rest.ptr, rest.len - 9};
		genops_pack_import_clean(pipeline, id, sizeof id);
		if (!pipeline.len || is_taken(job, id))
			continue;
		genops_pack_note(job->import.out, genops_str_of(id), "no route of the pack leads to it");
		GENOPS_TRY(add_document(job, pipeline, id, NULL, err));
	}
	return GENOPS_OK;
}

/* --- the other files --- */

static void add_tables(struct job *job)
{
	const struct genops_pack *in = job->import.in;
	for (size_t i = 0; i < job->import.n_lookups; i++) {
		char name[400];
		snprintf(name, sizeof name, "%s.csv", job->import.seen[i].file);
		if (genops_pack_find(job->import.out, name).ptr)
			continue;
		for (size_t k = 0; k < in->n_files; k++) {
			char clean[128];
			genops_str file = in->files[k].name;
			if (!genops_str_starts(file, GENOPS_STR("data/lookups/")) || !genops_str_ends(file, GENOPS_STR(".csv")))
				continue;
			genops_pack_import_clean((genops_str){file.ptr + 13, file.len - 17}, clean, sizeof clean);
			if (!strcmp(clean, job->import.seen[i].file)) {
				genops_pack_add(job->import.out, genops_str_of(name), in->files[k].content);
				break;
			}
		}
	}
	if (job->import.n_lookups)
		genops_pack_add(job->import.out, GENOPS_STR("lookups.yaml"), genops_buffer_view(&job->import.lookups));
}

static void add_destinations(struct job *job)
{
	struct genops_buffer out;
	genops_buffer_init(&out, DOCUMENT_MAX);
	for (size_t i = 0; i < job->n_destinations; i++) {
		genops_buffer_printf(&out, "%sid: \"%.*s\"\ntype: file\npath: \"%.*s.jsonl\"\n", i ? "---\n" : "", GENOPS_STR_ARG(job->destinations[i]),
		    GENOPS_STR_ARG(job->destinations[i]));
	}
	if (job->n_destinations) {
		genops_pack_add(job->import.out, GENOPS_STR("destinations.yaml"), genops_buffer_view(&out));
		genops_pack_note(job->import.out, GENOPS_STR("destinations.yaml"), "each writes JSON lines to a file: give it its real type and settings");
	}
	genops_buffer_done(&out);
}

static int import_all(struct job *job, struct genops_yaml *routes, struct genops_yaml *outputs, struct genops_error *err)
{
	if (outputs && outputs->n_documents)
		job->outputs = genops_yaml_get(outputs->documents[0], "outputs");
	const struct genops_yaml_node *list = routes && routes->n_documents ? genops_yaml_get(routes->documents[0], "routes") : NULL;
	for (const struct genops_yaml_entry *entry = list && list->kind == GENOPS_YAML_SEQUENCE ? list->first : NULL; entry; entry = entry->next)
		GENOPS_TRY(take_route(job, entry->value, err));
	GENOPS_TRY(take_rest(job, err));
	add_tables(job);
	add_destinations(job);
	return job->import.out->is_full ? genops_fail(err, GENOPS_LIMIT, "the pack is too large") : GENOPS_OK;
}

static int parse(const struct genops_pack *in, const char *name, struct genops_yaml **ret, struct genops_error *err)
{
	genops_str text = genops_pack_find(in, name);
	*ret = NULL;
	return text.ptr ? genops_yaml_parse(name, text, ret, err) : GENOPS_OK;
}

int genops_pack_import(const struct genops_pack *in, struct genops_pack *out, struct genops_error *err)
{
	struct genops_yaml *routes = NULL, *outputs = NULL;
	struct job *job = genops_arena_alloc(&out->arena, sizeof *job);
	if (!job || !(job->import.seen = genops_arena_alloc(&out->arena, (GENOPS_PACK_FILES_MAX + 1) * sizeof *job->import.seen)))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pack");
	job->import.in = in;
	job->import.out = out;
	genops_buffer_init(&job->import.lookups, DOCUMENT_MAX);
	genops_buffer_init(&job->finals, FILTER_MAX);
	int code = parse(in, "default/pipelines/route.yml", &routes, err);
	if (code == GENOPS_OK)
		code = parse(in, "default/outputs.yml", &outputs, err);
	if (code == GENOPS_OK)
		code = import_all(job, routes, outputs, err);
	genops_yaml_free(routes);
	genops_yaml_free(outputs);
	genops_buffer_done(&job->import.lookups);
	genops_buffer_done(&job->finals);
	return code;
}
