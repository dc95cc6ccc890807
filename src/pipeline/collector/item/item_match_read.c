/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_match_read.c - `include` and `exclude` out of the configuration. The filter processor's own names of fields
 * (resource_attributes, record_attributes, bodies ...) are aliases of those that all processors share. */
#include "pipeline/collector/item/item_match.h"

#include "base/str.h"
#include "pipeline/collector/item/re2.h"

#include <stdio.h>

enum field { SERVICES, SPAN_NAMES, SPAN_KINDS, BODIES, SEVERITY_TEXTS, SEVERITY, METRIC_NAMES, ATTRIBUTES, RESOURCES, LIBRARIES };
enum match_type { UNSAID, STRICT, REGEXP };

struct section {
	int match_type;
	struct genops_texts services, span_names, span_kinds, bodies, severity_texts, metric_names;
};

struct attribute {
	genops_str key;
};

struct library {
	genops_str name, version;
};

struct severity {
	genops_str min;
	bool matches_undefined;
};

#define AT(field)      offsetof(struct section, field)
#define LIST(key, at, says) {.name = key, .type = GENOPS_OPTION_LIST, .offset = AT(at), .text = says}
#define ALSO(...)      .aliases = (const char *const[]){__VA_ARGS__, NULL}

const struct genops_option genops_item_match_rows[] = {
    {.name = "match_type",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(match_type),
	.names = (const char *const[]){"", "strict", "regexp", NULL},
	.text = "strict: texts must be equal; regexp: they are patterns (RE2) that are looked for"},
    LIST("services", services, "spans: service.name of the resource is one of these"),
    LIST("span_names", span_names, "spans: the name is one of these"),
    LIST("span_kinds", span_kinds, "spans: the kind is one of these, as SPAN_KIND_CLIENT"),
    {.name = "log_bodies", .type = GENOPS_OPTION_LIST, .offset = AT(bodies), .text = "logs: the body is one of these", ALSO("bodies")},
    {.name = "log_severity_texts",
	.type = GENOPS_OPTION_LIST,
	.offset = AT(severity_texts),
	.text = "logs: the severity's text is one of these",
	ALSO("severity_texts")},
    {.name = "log_severity_number", .type = GENOPS_OPTION_CUSTOM, .text = "logs: from which severity on", ALSO("severity_number")},
    LIST("metric_names", metric_names, "metrics: the name is one of these"),
    {.name = "attributes",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "spans and logs: all of these attributes, each a key and (if not any will do) a value",
	ALSO("record_attributes")},
    {.name = "resources",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "all of these attributes of the resource, as in attributes",
	ALSO("resource_attributes")},
    {.name = "libraries", .type = GENOPS_OPTION_CUSTOM, .text = "spans and logs: name and version of the instrumentation scope"},
    {.name = NULL},
};

const struct genops_option genops_item_match_attribute_rows[] = {
    {.name = "key",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct attribute, key),
	.is_required = true,
	.text = "the attribute's name",
	ALSO("Key")},
    {.name = "value",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "of the same type (without quotes true, 12 and 1.5 are no texts); unset: any",
	ALSO("Value")},
    {.name = NULL},
};

const struct genops_option genops_item_match_library_rows[] = {
    {.name = "name",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct library, name),
	.is_required = true,
	.text = "of the scope",
	ALSO("Name")},
    {.name = "version", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct library, version), .text = "of the scope; unset: any", ALSO("Version")},
    {.name = NULL},
};

const struct genops_option genops_item_match_severity_rows[] = {
    {.name = "min",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct severity, min),
	.is_required = true,
	.text = "TRACE, DEBUG, INFO, WARN, ERROR, FATAL, each also with 2 to 4, or 1 to 24"},
    {.name = "match_undefined",
	.type = GENOPS_OPTION_BOOL,
	.offset = offsetof(struct severity, matches_undefined),
	.default_text = "false",
	.text = "true: records without a severity match, too"},
    {.name = NULL},
};

struct reading {
	const struct genops_yaml_rows *in;
	const char *what;
	bool is_regexp;
};

static int no_memory(const struct genops_yaml_rows *in)
{
	return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

static int read_pattern(const struct reading *reading, const struct genops_yaml_node *node, genops_str text, struct genops_item_pattern *pattern)
{
	pattern->text = text;
	if (!reading->is_regexp)
		return GENOPS_OK;
	int code = genops_re2_compile_search(text, &pattern->regex, reading->in->err);
	if (code == GENOPS_SYNTAX || code == GENOPS_LIMIT) {
		struct genops_error why = *reading->in->err;
		return genops_yaml_rows_fail(reading->in, node, why.fix, "%s: pattern \"%.*s\": %s", reading->what,
		    text.len > 100 ? 100 : (int)text.len, text.ptr ? text.ptr : "", why.message);
	}
	return code;
}

static int read_patterns(const struct reading *reading, const struct genops_yaml_node *node, const struct genops_texts *texts,
    struct genops_item_patterns *patterns)
{
	if (!texts->n)
		return GENOPS_OK;
	patterns->items = genops_arena_alloc(reading->in->arena, texts->n * sizeof *patterns->items);
	if (!patterns->items)
		return no_memory(reading->in);
	for (size_t i = 0; i < texts->n; i++, patterns->n++)
		GENOPS_TRY(read_pattern(reading, node, texts->items[i], &patterns->items[i]));
	return GENOPS_OK;
}

static int read_attribute(
    const struct reading *reading, const struct genops_yaml_node *node, struct genops_item_attribute_match *match)
{
	const struct genops_option *rows = genops_item_match_attribute_rows;
	struct attribute attribute = {0};
	GENOPS_TRY(genops_yaml_rows_expect(reading->in, node, reading->what, GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(reading->in, node, reading->what, rows, &attribute));
	const struct genops_yaml_node *value = genops_yaml_rows_get(node, rows, "value");
	match->key = attribute.key;
	match->is_any = !value;
	if (!value)
		return GENOPS_OK;
	GENOPS_TRY(genops_item_value_read(reading->in, value, reading->what, &match->value));
	if (reading->is_regexp && match->value.type != GENOPS_OTLP_STRING)
		return genops_yaml_rows_fail(reading->in, value, "put it in quotes", "%s: with match_type regexp a value is a text", reading->what);
	return reading->is_regexp ? read_pattern(reading, value, match->value.bytes, &match->pattern) : GENOPS_OK;
}

static int read_attributes(
    const struct reading *reading, const struct genops_yaml_node *node, struct genops_item_attribute_matches *matches)
{
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(reading->in, node, reading->what, GENOPS_YAML_SEQUENCE));
	matches->items = genops_arena_alloc(reading->in->arena, (node->n + 1) * sizeof *matches->items);
	if (!matches->items)
		return no_memory(reading->in);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(read_attribute(reading, entry->value, &matches->items[matches->n++]));
	return GENOPS_OK;
}

static int read_libraries(const struct reading *reading, const struct genops_yaml_node *node, struct genops_item_match *match)
{
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(reading->in, node, reading->what, GENOPS_YAML_SEQUENCE));
	match->libraries = genops_arena_alloc(reading->in->arena, (node->n + 1) * sizeof *match->libraries);
	if (!match->libraries)
		return no_memory(reading->in);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		struct library raw = {0};
		struct genops_item_library *library = &match->libraries[match->n_libraries++];
		GENOPS_TRY(genops_yaml_rows_expect(reading->in, entry->value, reading->what, GENOPS_YAML_MAPPING));
		GENOPS_TRY(
		    genops_yaml_rows_section(reading->in, entry->value, reading->what, genops_item_match_library_rows, &raw));
		library->has_version = genops_yaml_rows_get(entry->value, genops_item_match_library_rows, "version") != NULL;
		GENOPS_TRY(read_pattern(reading, entry->value, raw.name, &library->name));
		if (library->has_version)
			GENOPS_TRY(read_pattern(reading, entry->value, raw.version, &library->version));
	}
	return GENOPS_OK;
}

static int read_severity(const struct reading *reading, const struct genops_yaml_node *node, struct genops_item_match *match)
{
	struct severity severity = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_section(reading->in, node, reading->what, genops_item_match_severity_rows, &severity));
	match->has_severity = true;
	match->severity = genops_item_match_severity(severity.min);
	match->matches_undefined = severity.matches_undefined;
	if (match->severity)
		return GENOPS_OK;
	return genops_yaml_rows_fail(reading->in, genops_yaml_get(node, "min"), "TRACE, DEBUG, INFO, WARN, ERROR, FATAL, or 1 to 24",
	    "%s: \"%.*s\" is no severity", reading->what, severity.min.len > 32 ? 32 : (int)severity.min.len, severity.min.ptr);
}

static int read_lists(
    const struct reading *reading, const struct genops_yaml_node *node, const struct section *section, struct genops_item_match *match)
{
	const struct {
		enum field field;
		const struct genops_texts *texts;
		struct genops_item_patterns *patterns;
	} lists[] = {{SERVICES, &section->services, &match->services}, {SPAN_NAMES, &section->span_names, &match->span_names},
	    {SPAN_KINDS, &section->span_kinds, &match->span_kinds}, {BODIES, &section->bodies, &match->bodies},
	    {SEVERITY_TEXTS, &section->severity_texts, &match->severity_texts}, {METRIC_NAMES, &section->metric_names, &match->metric_names}};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		match->fields |= lists[i].texts->n ? 1u << lists[i].field : 0;
		GENOPS_TRY(read_patterns(reading, node, lists[i].texts, lists[i].patterns));
	}
	match->fields |= match->attributes.n ? 1u << ATTRIBUTES : 0;
	match->fields |= match->resources.n ? 1u << RESOURCES : 0;
	match->fields |= match->n_libraries ? 1u << LIBRARIES : 0;
	match->fields |= match->has_severity ? 1u << SEVERITY : 0;
	return GENOPS_OK;
}

int genops_item_match_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what, struct genops_item_match *match)
{
	const struct genops_option *rows = genops_item_match_rows;
	struct reading reading = {.in = in, .what = what};
	struct section section = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(in, node, what, rows, &section));
	reading.is_regexp = section.match_type == REGEXP;
	match->is_set = true;
	GENOPS_TRY(read_attributes(&reading, genops_yaml_rows_get(node, rows, "attributes"), &match->attributes));
	GENOPS_TRY(read_attributes(&reading, genops_yaml_rows_get(node, rows, "resources"), &match->resources));
	GENOPS_TRY(read_libraries(&reading, genops_yaml_rows_get(node, rows, "libraries"), match));
	GENOPS_TRY(read_severity(&reading, genops_yaml_rows_get(node, rows, "log_severity_number"), match));
	GENOPS_TRY(read_lists(&reading, node, &section, match));
	if (section.match_type == UNSAID && match->fields & ~(1u << SEVERITY))
		return genops_yaml_rows_fail(in, node, "match_type: strict, or regexp", "%s needs match_type", what);
	return GENOPS_OK;
}

static void done_patterns(struct genops_item_patterns *patterns)
{
	for (size_t i = 0; i < patterns->n; i++)
		genops_regex_free(patterns->items[i].regex);
	patterns->n = 0;
}

static void done_attributes(struct genops_item_attribute_matches *matches)
{
	for (size_t i = 0; i < matches->n; i++)
		genops_regex_free(matches->items[i].pattern.regex);
	matches->n = 0;
}

void genops_item_match_done(struct genops_item_match *match)
{
	done_patterns(&match->services);
	done_patterns(&match->span_names);
	done_patterns(&match->span_kinds);
	done_patterns(&match->bodies);
	done_patterns(&match->severity_texts);
	done_patterns(&match->metric_names);
	done_attributes(&match->attributes);
	done_attributes(&match->resources);
	for (size_t i = 0; i < match->n_libraries; i++) {
		genops_regex_free(match->libraries[i].name.regex);
		genops_regex_free(match->libraries[i].version.regex);
	}
	match->n_libraries = 0;
}

const char *genops_item_match_misfit(const struct genops_item_match *match, enum genops_signal signal)
{
	static const unsigned legal[GENOPS_SIGNAL_N] = {
	    [GENOPS_SIGNAL_TRACES] = 1u << SERVICES | 1u << SPAN_NAMES | 1u << SPAN_KINDS | 1u << ATTRIBUTES | 1u << RESOURCES | 1u << LIBRARIES,
	    [GENOPS_SIGNAL_METRICS] = 1u << METRIC_NAMES | 1u << RESOURCES,
	    [GENOPS_SIGNAL_LOGS] =
		1u << BODIES | 1u << SEVERITY_TEXTS | 1u << SEVERITY | 1u << ATTRIBUTES | 1u << RESOURCES | 1u << LIBRARIES};
	static const char *const words[GENOPS_SIGNAL_N] = {
	    [GENOPS_SIGNAL_TRACES] = "of spans, services, span_names, span_kinds, attributes, resources and libraries can be matched, and one must be",
	    [GENOPS_SIGNAL_METRICS] = "of metrics, metric_names and resources can be matched, and one must be",
	    [GENOPS_SIGNAL_LOGS] = "of logs, log_bodies, log_severity_texts, log_severity_number, attributes, resources and libraries can be "
				   "matched, and one must be"};
	if (!match->is_set || (match->fields && !(match->fields & ~legal[signal])))
		return NULL;
	return words[signal];
}
