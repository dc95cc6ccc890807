/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_match.c - does an item match, see item_match.h. Reading is in item_match_read.c. */
#include "pipeline/collector/item/item_match.h"

#include "base/str.h"


const char *genops_item_match_kind(uint64_t kind)
{
	static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
	    "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
	return kind < sizeof kinds / sizeof *kinds ? kinds[kind] : "";
}

uint64_t genops_item_match_severity(genops_str text)
{
	static const char *const names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
	int64_t number;
	if (genops_str_to_int(text, &number))
		return number >= 1 && number <= 24 ? (uint64_t)number : 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);
		genops_str name = {text.ptr, text.len < len ? text.len : len}, rest = genops_str_skip(text, name.len);
		if (!genops_str_is_nocase(name, names[i]))
			continue;
		if (!rest.len)
			return 4 * i + 1;
		if (rest.len == 1 && rest.ptr[0] >= '2' && rest.ptr[0] <= '4')
			return 4 * i + (uint64_t)(rest.ptr[0] - '0');
	}
	return 0;
}

int genops_item_match_text(
    const struct genops_item_pattern *pattern, struct genops_processor_run *run, genops_str text, struct genops_error *err)
{
	struct genops_regex_match match;
	if (!pattern->regex)
		return genops_str_equal(pattern->text, text);
	int found = genops_regex_find(pattern->regex, &run->space, text, 0, &match);
	if (found >= 0)
		return found;
	return genops_fail_fix(err, GENOPS_UNSUPPORTED, "simplify the pattern", "pattern \"%.*s\" took too many steps on a value",
	    pattern->text.len > 100 ? 100 : (int)pattern->text.len, pattern->text.ptr);
}

/* One of them; none at all: yes. */
static int holds_any(
    const struct genops_item_patterns *patterns, struct genops_processor_run *run, genops_str text, struct genops_error *err)
{
	int holds = !patterns->n;
	for (size_t i = 0; i < patterns->n && !holds; i++)
		holds = genops_item_match_text(&patterns->items[i], run, text, err);
	return holds;
}

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "out of memory for a value");
}

static int holds_attribute(const struct genops_item_attribute_match *match, struct genops_processor_run *run,
    const struct genops_otlp_value *value, struct genops_error *err)
{
	if (match->is_any)
		return 1;
	if (!match->pattern.regex)
		return genops_item_value_equal(&match->value, value);
	if (value->type == GENOPS_OTLP_NONE || value->type >= GENOPS_OTLP_ARRAY)
		return 0;
	genops_str text = genops_item_value_text(value, &run->arena);
	return text.ptr ? genops_item_match_text(&match->pattern, run, text, err) : no_memory(err);
}

static int holds_attributes(const struct genops_item_attribute_matches *matches, struct genops_processor_run *run, genops_str message,
    uint32_t field, struct genops_error *err)
{
	int holds = 1;
	for (size_t i = 0; i < matches->n && holds == 1; i++) {
		struct genops_otlp_value value;
		holds = genops_item_attribute(message, field, matches->items[i].key, &value)
			    ? holds_attribute(&matches->items[i], run, &value, err)
			    : 0;
	}
	return holds;
}

static int holds_libraries(const struct genops_item_match *match, struct genops_processor_run *run,
    const struct genops_otlp_resource *resource, struct genops_error *err)
{
	int holds = 1;
	for (size_t i = 0; i < match->n_libraries && holds == 1; i++) {
		const struct genops_item_library *library = &match->libraries[i];
		holds = genops_item_match_text(&library->name, run, resource->scope_name, err);
		if (holds == 1 && library->has_version)
			holds = genops_item_match_text(&library->version, run, resource->scope_version, err);
	}
	return holds;
}

static int holds_service(const struct genops_item_match *match, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	struct genops_otlp_value value;
	genops_str name = GENOPS_STR("<nil-service-name>"); /* the Collector's word for none */
	if (!match->services.n)
		return 1;
	if (genops_item_attribute(item->resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, GENOPS_STR("service.name"), &value))
		name = genops_item_value_text(&value, &run->arena);
	return name.ptr ? holds_any(&match->services, run, name, err) : no_memory(err);
}

static int holds_span(const struct genops_item_match *match, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	int holds = holds_service(match, run, item, err);
	if (holds == 1 && match->span_names.n)
		holds = holds_any(&match->span_names, run, genops_item_text(item->encoded, 5), err);
	if (holds == 1 && match->span_kinds.n)
		holds = holds_any(&match->span_kinds, run,
		    genops_str_of(genops_item_match_kind(genops_item_number(item->encoded, 6))), err);
	return holds;
}

static int holds_log(const struct genops_item_match *match, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	int holds = 1;
	if (match->bodies.n) {
		struct genops_otlp_value body = {0};
		if (genops_otlp_value_read(genops_item_text(item->encoded, 5), &body) != GENOPS_OK)
			return genops_fail(err, GENOPS_CORRUPT, "a log record's body is damaged");
		genops_str text = genops_item_value_text(&body, &run->arena);
		holds = text.ptr ? holds_any(&match->bodies, run, text, err) : no_memory(err);
	}
	if (holds == 1 && match->severity_texts.n)
		holds = holds_any(&match->severity_texts, run, genops_item_text(item->encoded, 3), err);
	if (holds == 1 && match->has_severity) {
		uint64_t severity = genops_item_number(item->encoded, 2);
		holds = severity ? severity >= match->severity : match->matches_undefined;
	}
	return holds;
}

/* Metrics have names and resources only. */
static int holds_metric(const struct genops_item_match *match, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	int resource = 1, name = 1;
	if (match->resources.n)
		resource = holds_attributes(
		    &match->resources, run, item->resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, err);
	if (resource < 0 || (match->is_any_of && match->resources.n && resource == 1))
		return resource;
	if (match->metric_names.n)
		name = holds_any(&match->metric_names, run, genops_item_text(item->encoded, 1), err);
	if (name < 0 || (match->is_any_of && match->metric_names.n))
		return name;
	return resource && name;
}

int genops_item_match_holds(const struct genops_item_match *match, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_error *err)
{
	if (item->signal == GENOPS_SIGNAL_METRICS)
		return holds_metric(match, run, item, err);
	int holds = item->signal == GENOPS_SIGNAL_TRACES ? holds_span(match, run, item, err) : holds_log(match, run, item, err);
	if (holds == 1)
		holds = holds_libraries(match, run, item->resource, err);
	if (holds == 1 && match->resources.n)
		holds = holds_attributes(
		    &match->resources, run, item->resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, err);
	if (holds == 1 && match->attributes.n)
		holds = holds_attributes(
		    &match->attributes, run, item->encoded, genops_item_attributes_field(item->signal), err);
	return holds;
}

int genops_item_match_means(const struct genops_item_match *include, const struct genops_item_match *exclude,
    struct genops_processor_run *run, const struct genops_item *item, struct genops_error *err)
{
	int holds = include->is_set ? genops_item_match_holds(include, run, item, err) : 1;
	if (holds != 1 || !exclude->is_set)
		return holds;
	int is_excluded = genops_item_match_holds(exclude, run, item, err);
	return is_excluded < 0 ? is_excluded : !is_excluded;
}
