/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack_export.c - our documents as a Cribl pack.
 *
 * In Cribl a route's filter is asked before its pipeline, ours after it. So each document is one Cribl route - its filter the document's filters
 * -, and the document's routes are the rules of an Output Router behind the pipeline. Where routes lead is the user's: each of our
 * destinations is an output of type devnull with its name, to be pointed at the real thing. */
#include "pipeline/pack/pack.h"

#include "base/hash.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <stdio.h>

#define CONF_MAX ((size_t)4 << 20)

/* A span as it comes out of Cribl's OpenTelemetry source with extractSpans. */
static const char sample[] =
    "[{\"_time\":1700000000,\"__inputId\":\"open_telemetry:genops_otlp_source\",\"name\":\"chat gpt-4o-mini\",\"trace_id\":\"0102030405060708090a0b0c0d0e0f10\","
    "\"span_id\":\"0102030405060708\",\"start_time_unix_nano\":1700000000000000000,\"end_time_unix_nano\":1700000001000000000,\"status\":{\"code\":0},"
    "\"attributes\":{\"genops.cost.total\":0.0125,\"genops.cost.provider\":\"openai\",\"genops.cost.model\":\"gpt-4o-mini\",\"genops.tokens.input\":500,"
    "\"genops.tokens.output\":300,\"genops.tokens.total\":800,\"genops.team\":\"nlp-team\",\"genops.project\":\"chatbot\",\"genops.customer_id\":\"enterprise-123\","
    "\"genops.policy.name\":\"cap\",\"genops.policy.result\":\"warning\",\"genops.policy.reason\":\"Daily budget is at 82 percent\",\"genops.budget.name\":\"nlp-team\","
    "\"genops.budget.limit\":100,\"genops.budget.consumed\":82,\"genops.budget.remaining\":18,\"genops.budget.utilization_percent\":82,"
    "\"genops.compliance.framework\":\"SOC2\"}}]\n";

static genops_str text_of(const struct genops_yaml_node *node, const char *key)
{
	const struct genops_yaml_node *value = genops_yaml_get(node, key);
	return value && value->kind == GENOPS_YAML_SCALAR ? value->text : (genops_str){0};
}

void genops_pack_export_begin(struct genops_pack_export *export, struct genops_pack *pack)
{
	*export = (struct genops_pack_export){.pack = pack};
	genops_buffer_init(&export->routes, CONF_MAX);
	genops_buffer_init(&export->outputs, CONF_MAX);
}

/* Cribl's ids: letters, digits, - and _. */
static void clean_id(genops_str id, char *out, size_t size)
{
	size_t n = 0;
	for (; n < id.len && n + 1 < size; n++) {
		char c = id.ptr[n];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		out[n] = is_plain ? c : '_';
	}
	out[n] = '\0';
}

/* 'genops_otlp_source' is 'open_telemetry:genops_otlp_source' there. */
static void add_filter(struct genops_buffer *out, genops_str filter)
{
	static const char ours[] = "genops_otlp_source", theirs[] = "open_telemetry:";
	for (size_t at; (at = genops_str_find(filter, genops_str_of(ours))) != SIZE_MAX;) {
		bool is_prefixed = at && filter.ptr[at - 1] == ':';
		genops_buffer_add(out, (genops_str){filter.ptr, at});
		genops_buffer_add_text(out, is_prefixed ? "" : theirs);
		genops_buffer_add_text(out, ours);
		filter = genops_str_skip(filter, at + sizeof ours - 1);
	}
	genops_buffer_add(out, filter);
}

static void add_route(struct genops_pack_export *export, const struct genops_yaml_node *document, const char *id)
{
	const struct genops_yaml_node *filters = genops_yaml_get(document, "filters");
	struct genops_buffer filter, *out = &export->routes;
	char hash[24];
	genops_buffer_init(&filter, 65536);
	for (const struct genops_yaml_entry *entry = filters ? filters->first : NULL; entry; entry = entry->next) {
		genops_buffer_add_text(&filter, filter.len ? " && (" : "(");
		add_filter(&filter, genops_str_trim(text_of(entry->value, "expression")));
		genops_buffer_add_char(&filter, ')');
	}
	snprintf(hash, sizeof hash, "%06llx", (unsigned long long)(genops_hash_checksum(id, strlen(id), 0) & 0xffffff));
	genops_pack_yaml(out, 1, "- id: g%s", hash);
	genops_pack_yaml_text(out, 2, "name", genops_str_of(id));
	genops_pack_yaml_text(out, 2, "description", text_of(document, "description"));
	genops_pack_yaml(out, 2, "final: false");
	genops_pack_yaml(out, 2, "disabled: %s", genops_str_is(text_of(document, "enabled"), "false") ? "true" : "false");
	genops_pack_yaml_text(out, 2, "pipeline", genops_str_of(id));
	genops_pack_yaml(out, 2, "enableOutputExpression: false");
	genops_pack_yaml(out, 2, "outputExpression: null");
	genops_pack_yaml_text(out, 2, "filter", filter.len && !filter.error ? genops_buffer_view(&filter) : GENOPS_STR("true"));
	genops_pack_yaml(out, 2, "clones: []");
	genops_pack_yaml(out, 2, "targetContext: group");
	genops_pack_yaml(out, 2, "output: \"router_%s\"", id);
	if (filter.error)
		genops_pack_note(export->pack, genops_str_of(id), "the filters are too long for a route; it takes everything");
	genops_buffer_done(&filter);
}

static void remember(struct genops_pack_export *export, genops_str id)
{
	for (size_t i = 0; i < export->n_destinations; i++) {
		if (genops_str_equal(export->destinations[i], id))
			return;
	}
	if (export->n_destinations < GENOPS_PACK_FILES_MAX && genops_arena_dup(&export->pack->arena, id, &export->destinations[export->n_destinations]))
		export->n_destinations++;
}

/* What a route has beside its filter is the destination's in Cribl. */
static void note_settings(struct genops_pack_export *export, const struct genops_yaml_node *route, const char *id)
{
	char where[300];
	genops_str name = text_of(route, "name"), destination = text_of(route, "destination");
	snprintf(where, sizeof where, "%s, route %.*s", id, (int)(name.len > 100 ? 100 : name.len), name.len ? name.ptr : "");
	for (const struct genops_yaml_entry *entry = route->first; entry; entry = entry->next) {
		genops_str key = entry->key->text;
		if (genops_str_is(key, "name") || genops_str_is(key, "description") || genops_str_is(key, "destination") || genops_str_is(key, "filter") ||
		    genops_str_is(key, "disabled"))
			continue;
		genops_pack_note(export->pack, genops_str_of(where), "%.60s cannot be said in a pack's route: set it at destination %.100s", key.ptr,
		    destination.len ? destination.ptr : "");
	}
}

static void add_router(struct genops_pack_export *export, const struct genops_yaml_node *document, const char *id)
{
	const struct genops_yaml_node *routes = genops_yaml_get(document, "routes");
	struct genops_buffer *out = &export->outputs;
	genops_pack_yaml(out, 1, "\"router_%s\":", id);
	genops_pack_yaml(out, 2, "type: router");
	genops_pack_yaml(out, 2, "rules:%s", routes && routes->n ? "" : " []");
	for (const struct genops_yaml_entry *entry = routes ? routes->first : NULL; entry; entry = entry->next) {
		const struct genops_yaml_node *route = entry->value;
		genops_str filter = genops_str_trim(text_of(route, "filter")), destination = text_of(route, "destination");
		char output[200];
		if (genops_str_is(text_of(route, "disabled"), "true"))
			continue;
		clean_id(destination, output, sizeof output);
		remember(export, destination);
		genops_buffer_add_text(out, "      - filter: ");
		genops_json_add_string(out, filter.len ? filter : GENOPS_STR("true"));
		genops_buffer_add_char(out, '\n');
		genops_pack_yaml_text(out, 4, "output", genops_str_of(output));
		genops_str description = text_of(route, "description");
		genops_pack_yaml_text(out, 4, "description", description.len ? description : text_of(route, "name"));
		genops_pack_yaml(out, 4, "final: false");
		note_settings(export, route, id);
	}
}

void genops_pack_export_pipeline(struct genops_pack_export *export, const struct genops_yaml_node *document)
{
	const struct genops_yaml_node *processors = genops_yaml_get(document, "processors");
	genops_str description = text_of(document, "description");
	struct genops_buffer conf;
	char id[200], name[300];
	clean_id(text_of(document, "id"), id, sizeof id);
	genops_buffer_init(&conf, CONF_MAX);
	genops_pack_yaml(&conf, 0, "output: default");
	genops_pack_yaml(&conf, 0, "streamtags: []");
	genops_pack_yaml(&conf, 0, "groups: {}");
	genops_pack_yaml(&conf, 0, "asyncFuncTimeout: 1000");
	genops_pack_yaml_text(&conf, 0, "description", description);
	genops_pack_yaml(&conf, 0, "functions:");
	genops_pack_yaml(&conf, 1, "- id: comment");
	genops_pack_yaml(&conf, 2, "filter: \"true\"");
	genops_pack_yaml(&conf, 2, "disabled: null");
	genops_pack_yaml(&conf, 2, "conf:");
	genops_pack_yaml_text(&conf, 3, "comment", description.len ? description : genops_str_of(id));
	for (const struct genops_yaml_entry *entry = processors ? processors->first : NULL; entry; entry = entry->next)
		genops_pack_function(export, genops_str_of(id), entry->value, &conf);
	snprintf(name, sizeof name, "default/pipelines/%s/conf.yml", id);
	if (conf.error)
		export->pack->is_full = true;
	genops_pack_add(export->pack, genops_str_of(name), conf.error ? GENOPS_STR("") : genops_buffer_view(&conf));
	genops_buffer_done(&conf);
	add_route(export, document, id);
	add_router(export, document, id);
	export->n_pipelines++;
}

void genops_pack_export_lookup(struct genops_pack_export *export, genops_str id, genops_str csv, size_t n_rows)
{
	char clean[200], name[256];
	struct genops_buffer yml;
	clean_id(id, clean, sizeof clean);
	genops_buffer_init(&yml, 4096);
	snprintf(name, sizeof name, "%s.csv", clean);
	genops_pack_yaml_text(&yml, 0, "id", genops_str_of(name));
	genops_pack_yaml(&yml, 0, "description: \"\"");
	genops_pack_yaml(&yml, 0, "rows: %zu", n_rows);
	genops_pack_yaml(&yml, 0, "size: %zu", csv.len);
	snprintf(name, sizeof name, "data/lookups/%s.csv", clean);
	genops_pack_add(export->pack, genops_str_of(name), csv);
	snprintf(name, sizeof name, "data/lookups/%s.yml", clean);
	genops_pack_add(export->pack, genops_str_of(name), genops_buffer_view(&yml));
	genops_buffer_done(&yml);
}

static void add_package(struct genops_pack_export *export, genops_str id)
{
	struct genops_buffer text;
	struct genops_json_writer json;
	genops_buffer_init(&text, 4096);
	genops_json_writer_init(&json, &text);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "name", id);
	genops_json_key_string(&json, "version", GENOPS_STR("1.0.0"));
	genops_json_key_string(&json, "minLogStreamVersion", GENOPS_STR("4.7.0"));
	genops_json_key_string(&json, "author", GENOPS_STR("GenOps"));
	genops_json_key_string(&json, "description", GENOPS_STR("Governance of AI calls: cost, policies, budgets, audit"));
	genops_json_key_string(&json, "displayName", GENOPS_STR("GenOps governance"));
	genops_json_key(&json, GENOPS_STR("tags"));
	genops_json_raw(&json, GENOPS_STR("{\"streamtags\":[],\"dataType\":[\"traces\"],\"useCase\":[\"routing\"]}"));
	genops_json_key(&json, GENOPS_STR("exports"));
	genops_json_raw(&json, GENOPS_STR("[]"));
	genops_json_object_end(&json);
	genops_pack_add(export->pack, GENOPS_STR("package.json"), genops_buffer_view(&text));
	genops_buffer_done(&text);
}

static void add_outputs(struct genops_pack_export *export)
{
	char id[200];
	for (size_t i = 0; i < export->n_destinations; i++) {
		clean_id(export->destinations[i], id, sizeof id);
		genops_pack_yaml(&export->outputs, 1, "\"%s\":", id);
		genops_pack_yaml(&export->outputs, 2, "type: devnull");
	}
	if (export->n_destinations)
		genops_pack_note(export->pack, GENOPS_STR("outputs.yml"), "the destinations are of type devnull: give each its real type and secrets in Cribl");
}

static void add_readme(struct genops_pack_export *export)
{
	struct genops_buffer text;
	genops_buffer_init(&text, CONF_MAX);
	genops_buffer_add_text(&text, "# GenOps governance\n\nMade by `genops pipeline export --cribl`. What a pack cannot say, and what is left to do:\n\n");
	for (size_t i = 0; i < export->pack->n_notes; i++)
		genops_buffer_printf(&text, "- %s: %s\n", export->pack->notes[i].where.ptr, export->pack->notes[i].what.ptr);
	genops_pack_add(export->pack, GENOPS_STR("README.md"), genops_buffer_view(&text));
	genops_buffer_done(&text);
}

static void add_parts(struct genops_pack_export *export)
{
	struct genops_pack *pack = export->pack;
	struct genops_buffer text;
	genops_buffer_init(&text, CONF_MAX);
	genops_buffer_add_text(&text, "id: default\ngroups: {}\ncomments: []\nroutes:\n");
	genops_buffer_add(&text, genops_buffer_view(&export->routes));
	genops_buffer_add_text(&text, "  - {id: default, name: default, final: true, disabled: false, pipeline: devnull, description: \"\", filter: \"true\", "
				      "clones: [], targetContext: group, output: devnull}\n");
	genops_pack_add(pack, GENOPS_STR("default/pipelines/route.yml"), genops_buffer_view(&text));
	genops_buffer_clear(&text);
	genops_buffer_add_text(&text, "outputs:\n");
	genops_buffer_add(&text, genops_buffer_view(&export->outputs));
	genops_buffer_add_text(&text, "  devnull:\n    type: devnull\n");
	genops_pack_add(pack, GENOPS_STR("default/outputs.yml"), genops_buffer_view(&text));
	pack->is_full |= text.error != 0;
	genops_buffer_done(&text);
	genops_pack_add(pack, GENOPS_STR("default/pack.yml"), GENOPS_STR("{}\n"));
	genops_pack_add(pack, GENOPS_STR("default/inputs.yml"),
	    GENOPS_STR("inputs:\n  genops_otlp_source:\n    type: open_telemetry\n    disabled: true\n    host: 127.0.0.1\n    port: 4317\n    protocol: grpc\n"
		       "    otlpVersion: 1.3.1\n    extractSpans: true\n    extractMetrics: false\n    extractLogs: false\n    authType: none\n    sendToRoutes: true\n"));
	genops_pack_add(pack, GENOPS_STR("default/samples.yml"),
	    GENOPS_STR("gnpsSp:\n  sampleName: genops_spans.json\n  created: 1700000000000\n  numEvents: 1\n  modified: 1700000000000\n"));
	genops_pack_add(pack, GENOPS_STR("data/samples/gnpsSp.json"), genops_str_of(sample));
}

int genops_pack_export_end(struct genops_pack_export *export, genops_str id, struct genops_error *err)
{
	add_package(export, id);
	add_outputs(export);
	add_parts(export);
	add_readme(export);
	int code = export->routes.error ? export->routes.error : export->outputs.error;
	if (code == GENOPS_OK && export->pack->is_full)
		code = GENOPS_LIMIT;
	genops_buffer_done(&export->routes);
	genops_buffer_done(&export->outputs);
	return code == GENOPS_OK ? code : genops_fail(err, code, "the pipelines are too large for a pack");
}
