/* SPDX-License-Identifier: Apache-2.0
 * engine/trial/pipeline_trial_report.c - what a trial tells of each event, for people or as JSON. A step's changes are found by comparing
 * the event's fields in JSON before and after it, attributes one by one. */
#include "engine/trial/pipeline_trial.h"

#include "base/str.h"

#include <stdio.h>

#define FIELD_MAX ((size_t)1 << 20)
#define SHOWN_MAX 200 /* of a value, for people */

/* --- fields --- */

static genops_str json_of(struct genops_pipeline_trial *trial, struct genops_value value)
{
	struct genops_buffer buf;
	genops_str copy = {0};
	genops_buffer_init(&buf, FIELD_MAX);
	if (!genops_value_to_json(value, &buf) && !buf.error)
		genops_buffer_add_text(&buf, "null");
	if (!genops_arena_dup(&trial->notes, buf.error ? GENOPS_STR("\"(too large to show)\"") : genops_buffer_view(&buf), &copy))
		trial->is_full = true;
	genops_buffer_done(&buf);
	return copy;
}

static void add_field(struct genops_pipeline_trial *trial, struct genops_pipeline_trial_fields *fields, genops_str name, struct genops_value value)
{
	fields->items[fields->n++] = (struct genops_pipeline_trial_field){name, json_of(trial, value)};
}

static genops_str attribute_name(struct genops_pipeline_trial *trial, genops_str key)
{
	char *name = genops_arena_alloc(&trial->notes, key.len + 16);
	if (!name) {
		trial->is_full = true;
		return (genops_str){0};
	}
	snprintf(name, key.len + 16, "attributes['%.*s']", GENOPS_STR_ARG(key));
	return genops_str_of(name);
}

static const struct genops_value_object *whole(struct genops_value value)
{
	return value.type == GENOPS_VALUE_OBJECT ? genops_value_object_whole(value.as.object) : NULL;
}

static struct genops_pipeline_trial_fields fields_of(struct genops_pipeline_trial *trial, struct genops_value event)
{
	struct genops_pipeline_trial_fields fields = {0};
	const struct genops_value_object *object = whole(event), *attributes = NULL;
	const struct genops_value_key key = genops_value_key_of(GENOPS_STR("attributes"));
	const struct genops_value *found = object ? genops_value_object_get(object, &key) : NULL;
	if (found)
		attributes = whole(*found);
	fields.items = genops_arena_alloc(&trial->notes, ((object ? object->n : 0) + (attributes ? attributes->n : 0) + 1) * sizeof *fields.items);
	if (!fields.items || !object) {
		trial->is_full = true;
		return fields;
	}
	for (uint32_t i = 0; i < object->n; i++) {
		if (!attributes || !genops_str_is(object->members[i].key.text, "attributes"))
			add_field(trial, &fields, object->members[i].key.text, object->members[i].value);
	}
	for (uint32_t i = 0; attributes && i < attributes->n; i++)
		add_field(trial, &fields, attribute_name(trial, attributes->members[i].key.text), attributes->members[i].value);
	return fields;
}

static const struct genops_pipeline_trial_field *find(const struct genops_pipeline_trial_fields *fields, genops_str name)
{
	for (size_t i = 0; i < fields->n; i++) {
		if (genops_str_equal(fields->items[i].name, name))
			return &fields->items[i];
	}
	return NULL;
}

/* --- one event --- */

static genops_str member_text(struct genops_value event, const char *name)
{
	const struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	const struct genops_value *value = genops_value_object_get(event.as.object, &key);
	return value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : (genops_str){0};
}

static void add_event(struct genops_pipeline_trial *trial, const char *key, struct genops_value event)
{
	struct genops_buffer buf;
	const struct genops_value_object *object = whole(event);
	genops_buffer_init(&buf, trial->out.max);
	genops_json_key(&trial->json, genops_str_of(key));
	struct genops_value all = {.type = GENOPS_VALUE_OBJECT, .as.object = (struct genops_value_object *)(uintptr_t)object};
	if (!object || !genops_value_to_json(all, &buf) || buf.error)
		genops_json_null(&trial->json);
	else
		genops_json_raw(&trial->json, genops_buffer_view(&buf));
	genops_buffer_done(&buf);
}

void genops_pipeline_trial_report_event(struct genops_pipeline_trial *trial, struct genops_value event)
{
	genops_str name = member_text(event, "name");
	if (trial->as_text) {
		genops_buffer_printf(&trial->out, "event %lld%s%.*s\n", (long long)trial->n_events, name.len ? ": " : "", GENOPS_STR_ARG(name));
		return;
	}
	genops_json_writer_init(&trial->json, &trial->out);
	genops_json_object_begin(&trial->json);
	genops_json_key_int(&trial->json, "event", trial->n_events);
	genops_json_key(&trial->json, GENOPS_STR("pipelines"));
	genops_json_array_begin(&trial->json);
}

void genops_pipeline_trial_report_event_end(struct genops_pipeline_trial *trial)
{
	if (!trial->as_text) {
		genops_json_array_end(&trial->json);
		genops_json_object_end(&trial->json);
	}
	genops_buffer_add_char(&trial->out, '\n');
}

void genops_pipeline_trial_report_begin(
    struct genops_pipeline_trial *trial, const struct genops_pipeline *pipeline, struct genops_value event)
{
	trial->pipeline = pipeline;
	trial->fields = fields_of(trial, event);
	genops_buffer_clear(&trial->routes);
	genops_buffer_clear(&trial->errors);
	if (trial->as_text) {
		genops_buffer_printf(&trial->out, "  pipeline %.*s\n", GENOPS_STR_ARG(pipeline->id));
		return;
	}
	genops_json_object_begin(&trial->json);
	genops_json_key_string(&trial->json, "id", pipeline->id);
	add_event(trial, "before", event);
	genops_json_key(&trial->json, GENOPS_STR("steps"));
	genops_json_array_begin(&trial->json);
}

/* --- one step --- */

static genops_str shown(genops_str json)
{
	size_t len = json.len;
	if (len <= SHOWN_MAX)
		return json;
	for (len = SHOWN_MAX; len && ((unsigned char)json.ptr[len] & 0xC0) == 0x80; len--)
		;
	return (genops_str){json.ptr, len};
}

static void tell_change(struct genops_pipeline_trial *trial, genops_str name, const struct genops_pipeline_trial_field *before,
    const struct genops_pipeline_trial_field *after)
{
	genops_str none = {0}, old = before ? before->json : none, new = after ? after->json : none;
	if (trial->as_text && before && after)
		genops_buffer_printf(&trial->out, "      ~ %.*s = %.*s, was %.*s\n", GENOPS_STR_ARG(name), GENOPS_STR_ARG(shown(new)), GENOPS_STR_ARG(shown(old)));
	else if (trial->as_text)
		genops_buffer_printf(&trial->out, "      %c %.*s%s%.*s\n", after ? '+' : '-', GENOPS_STR_ARG(name), after ? " = " : "", GENOPS_STR_ARG(shown(new)));
	if (trial->as_text)
		return;
	genops_json_key(&trial->json, name);
	genops_json_object_begin(&trial->json);
	if (before) {
		genops_json_key(&trial->json, GENOPS_STR("before"));
		genops_json_raw(&trial->json, old);
	}
	if (after) {
		genops_json_key(&trial->json, GENOPS_STR("after"));
		genops_json_raw(&trial->json, new);
	}
	genops_json_object_end(&trial->json);
}

static void tell_changes(struct genops_pipeline_trial *trial, struct genops_value event)
{
	struct genops_pipeline_trial_fields now = fields_of(trial, event);
	if (!trial->as_text) {
		genops_json_key(&trial->json, GENOPS_STR("changed"));
		genops_json_object_begin(&trial->json);
	}
	for (size_t i = 0; i < now.n; i++) {
		const struct genops_pipeline_trial_field *before = find(&trial->fields, now.items[i].name);
		if (!before || !genops_str_equal(before->json, now.items[i].json))
			tell_change(trial, now.items[i].name, before, &now.items[i]);
	}
	for (size_t i = 0; i < trial->fields.n; i++) {
		if (!find(&now, trial->fields.items[i].name))
			tell_change(trial, trial->fields.items[i].name, &trial->fields.items[i], NULL);
	}
	if (!trial->as_text)
		genops_json_object_end(&trial->json);
	trial->fields = now;
}

static const struct genops_pipeline_count *counts_of(const struct genops_pipeline_trial *trial)
{
	for (size_t i = 0; i < trial->config->n_pipelines; i++) {
		if (trial->config->pipelines[i] == trial->pipeline)
			return trial->counts[i];
	}
	return NULL;
}

/* Which parts of the step said yes: counts whose names begin with its own. */
static void tell_matched(struct genops_pipeline_trial *trial, const char *what)
{
	const struct genops_pipeline_count *counts = counts_of(trial);
	size_t len = strlen(what);
	char name[256];
	if (!trial->as_text) {
		genops_json_key(&trial->json, GENOPS_STR("matched"));
		genops_json_array_begin(&trial->json);
	}
	for (size_t i = 0; counts && i < trial->pipeline->n_counts; i++) {
		if (counts[i].n_matched == trial->before[i].n_matched)
			continue;
		genops_pipeline_count_name(trial->pipeline, i, name, sizeof name);
		if (strncmp(name, what, len) != 0 || name[len] != ' ')
			continue;
		if (trial->as_text)
			genops_buffer_printf(&trial->out, " (%s)", name + len + 1);
		else
			genops_json_string(&trial->json, genops_str_of(name + len + 1));
	}
	if (!trial->as_text)
		genops_json_array_end(&trial->json);
}

void genops_pipeline_trial_report_step(void *arg, const char *what, bool is_passed, struct genops_value event)
{
	struct genops_pipeline_trial *trial = arg;
	bool is_function = strncmp(what, "filter ", 7) != 0 && strncmp(what, "route ", 6) != 0;
	if (!trial->as_text) {
		genops_json_object_begin(&trial->json);
		genops_json_key_string(&trial->json, "step", genops_str_of(what));
		genops_json_key_bool(&trial->json, "passed", is_passed);
		if (is_function) {
			tell_matched(trial, what);
			tell_changes(trial, event);
		}
		genops_json_object_end(&trial->json);
		return;
	}
	genops_buffer_printf(&trial->out, "    %s%s", what, is_function ? is_passed ? "" : ": dropped" : is_passed ? ": yes" : ": no");
	if (is_function)
		tell_matched(trial, what);
	genops_buffer_add_char(&trial->out, '\n');
	if (is_function)
		tell_changes(trial, event);
}

/* --- routes and what failed --- */

int genops_pipeline_trial_report_route(
    void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	struct genops_pipeline_trial *trial = arg;
	struct genops_buffer *out = &trial->routes;
	if (trial->as_text) {
		genops_buffer_printf(&trial->out, "      -> %.*s\n", GENOPS_STR_ARG(route->destination));
		for (genops_str rest = payload, line; rest.len;) {
			line = genops_str_split(&rest, '\n');
			genops_buffer_printf(&trial->out, "         %.*s\n", GENOPS_STR_ARG(line));
		}
		return GENOPS_OK;
	}
	genops_buffer_add_text(out, out->len ? ",{\"route\":" : "{\"route\":");
	genops_json_add_string(out, route->name);
	genops_buffer_add_text(out, ",\"destination\":");
	genops_json_add_string(out, route->destination);
	if (payload.len) {
		genops_buffer_add_text(out, ",\"payload\":");
		genops_json_add_string(out, payload);
	}
	genops_buffer_add_char(out, '}');
	return GENOPS_OK;
}

void genops_pipeline_trial_report_fault(
    void *arg, const struct genops_pipeline *pipeline, const struct genops_place *place, const struct genops_error *err)
{
	struct genops_pipeline_trial *trial = arg;
	struct genops_buffer *out = &trial->errors;
	if (trial->as_text) {
		genops_buffer_printf(&trial->out, "    ! %s:%d:%d: %s\n", place->file, place->line, place->column, err->message);
		return;
	}
	genops_buffer_printf(out, "%s{\"line\":%d,\"column\":%d,\"message\":", out->len ? "," : "", place->line, place->column);
	genops_json_add_string(out, genops_str_of(err->message));
	genops_buffer_add_char(out, '}');
}

static void add_list(struct genops_pipeline_trial *trial, const char *key, const struct genops_buffer *items)
{
	struct genops_buffer list;
	genops_buffer_init(&list, items->max + 2);
	genops_buffer_add_char(&list, '[');
	genops_buffer_add(&list, genops_buffer_view(items));
	genops_buffer_add_char(&list, ']');
	trial->is_full |= items->error || list.error;
	genops_json_key(&trial->json, genops_str_of(key));
	genops_json_raw(&trial->json, list.error ? GENOPS_STR("[]") : genops_buffer_view(&list));
	genops_buffer_done(&list);
}

/* The event as it came out: the fields that are remembered, attributes together again. */
static void add_after(struct genops_pipeline_trial *trial)
{
	static const char prefix[] = "attributes['";
	size_t prefix_len = sizeof prefix - 1;
	bool has_attributes = false;
	genops_json_key(&trial->json, GENOPS_STR("after"));
	genops_json_object_begin(&trial->json);
	for (size_t i = 0; i < trial->fields.n; i++) {
		genops_str name = trial->fields.items[i].name;
		bool is_attribute = genops_str_starts(name, genops_str_of(prefix)) && name.len > prefix_len + 2;
		if (is_attribute && !has_attributes) {
			genops_json_key(&trial->json, GENOPS_STR("attributes"));
			genops_json_object_begin(&trial->json);
			has_attributes = true;
		}
		genops_json_key(&trial->json, is_attribute ? (genops_str){name.ptr + prefix_len, name.len - prefix_len - 2} : name);
		genops_json_raw(&trial->json, trial->fields.items[i].json);
	}
	if (has_attributes)
		genops_json_object_end(&trial->json);
	genops_json_object_end(&trial->json);
}

void genops_pipeline_trial_report_end(struct genops_pipeline_trial *trial, enum genops_pipeline_result result, struct genops_value event)
{
	static const char *const names[] = {"passed_by", "dropped", "routed"}, *const words[] = {"passes by", "is dropped", "is routed"};
	(void)event;
	if (trial->as_text) {
		genops_buffer_printf(&trial->out, "    = the event %s\n", words[result]);
		return;
	}
	genops_json_array_end(&trial->json);
	genops_json_key_string(&trial->json, "result", genops_str_of(names[result]));
	add_list(trial, "routes", &trial->routes);
	add_list(trial, "errors", &trial->errors);
	if (result != GENOPS_PIPELINE_PASSED_BY)
		add_after(trial);
	genops_json_object_end(&trial->json);
}

/* --- all of them --- */

static void tell_counts(struct genops_pipeline_trial *trial, const struct genops_pipeline *pipeline, const struct genops_pipeline_count *counts)
{
	char name[256];
	if (trial->as_text)
		genops_buffer_printf(&trial->out, "%-60.*s %8s %8s %8s %8s\n", GENOPS_STR_ARG(pipeline->id), "in", "matched", "dropped", "failed");
	for (size_t i = 0; i < pipeline->n_counts; i++) {
		genops_pipeline_count_name(pipeline, i, name, sizeof name);
		bool is_quiet = !counts[i].n_in && !counts[i].n_matched && !counts[i].n_failed; /* an eval's fields, mostly */
		if (trial->as_text && is_quiet && strncmp(name, "route ", 6) != 0 && strncmp(name, "sampling ", 9) != 0)
			continue;
		if (trial->as_text) {
			genops_buffer_printf(&trial->out, "  %-58s %8llu %8llu %8llu %8llu\n", name, (unsigned long long)counts[i].n_in,
			    (unsigned long long)counts[i].n_matched, (unsigned long long)counts[i].n_dropped, (unsigned long long)counts[i].n_failed);
			continue;
		}
		genops_json_object_begin(&trial->json);
		genops_json_key_string(&trial->json, "pipeline", pipeline->id);
		genops_json_key_string(&trial->json, "name", genops_str_of(name));
		genops_json_key_int(&trial->json, "in", (int64_t)counts[i].n_in);
		genops_json_key_int(&trial->json, "matched", (int64_t)counts[i].n_matched);
		genops_json_key_int(&trial->json, "dropped", (int64_t)counts[i].n_dropped);
		genops_json_key_int(&trial->json, "failed", (int64_t)counts[i].n_failed);
		genops_json_object_end(&trial->json);
	}
}

static void tell_finding(struct genops_pipeline_trial *trial, const struct genops_config_warning *warning)
{
	if (trial->as_text) {
		genops_buffer_printf(&trial->out, "warning: %.*s:%d:%d: %.*s; %.*s\n", GENOPS_STR_ARG(warning->file), warning->line, warning->column,
		    GENOPS_STR_ARG(warning->message), GENOPS_STR_ARG(warning->fix));
		return;
	}
	genops_json_object_begin(&trial->json);
	genops_json_key_string(&trial->json, "message", warning->message);
	genops_json_key_string(&trial->json, "fix", warning->fix);
	genops_json_key_string(&trial->json, "file", warning->file);
	genops_json_key_int(&trial->json, "line", warning->line);
	genops_json_key_int(&trial->json, "column", warning->column);
	genops_json_object_end(&trial->json);
}

void genops_pipeline_trial_report_summary(struct genops_pipeline_trial *trial)
{
	const struct genops_config *config = trial->config;
	if (!trial->as_text) {
		genops_json_writer_init(&trial->json, &trial->out);
		genops_json_object_begin(&trial->json);
		genops_json_key_int(&trial->json, "events", trial->n_events);
		genops_json_key(&trial->json, GENOPS_STR("counts"));
		genops_json_array_begin(&trial->json);
	}
	for (size_t i = 0; i < config->n_pipelines; i++)
		tell_counts(trial, config->pipelines[i], trial->counts[i]);
	if (!trial->as_text) {
		genops_json_array_end(&trial->json);
		genops_json_key(&trial->json, GENOPS_STR("findings"));
		genops_json_array_begin(&trial->json);
	}
	for (size_t i = 0; i < config->n_warnings; i++) {
		if (config->warnings[i].is_lint)
			tell_finding(trial, &config->warnings[i]);
	}
	if (!trial->as_text) {
		genops_json_array_end(&trial->json);
		genops_json_object_end(&trial->json);
		genops_buffer_add_char(&trial->out, '\n');
	}
}
