/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/mask.c - replaces what patterns find in fields, everywhere in them; only in the fields that are named (DESIGN 6).
 *
 *   rules:                                              or as Cribl has it:
 *     - field: "attributes['genops.eval.metadata.*']"     fields: [policy_reason, "attributes.*"]
 *       type: regex                                       depth: 5
 *       pattern: '\b\d{3}-\d{2}-\d{4}\b'                  rules:
 *       flags: i                                            - matchRegex: "/\\bid-(\\d+)/g"
 *       replacement: '[REDACTED_SSN]'                         replaceExpr: "'id-' + g1.slice(-2)"
 *
 * A replacement means what it means to JavaScript's replace ($1, $&, $$). A number or boolean in which something is found becomes text, as
 * in Cribl; one in which nothing is found stays what it is. When a search passes its bounds, or a replacement fails, nobody knows what the
 * value holds: all of it is replaced, counted as failed and told.
 */
#include "pipeline/function.h"

#include "base/str.h"
#include "pipeline/function/field_path.h"
#include "pipeline/number_text.h"
#include "pipeline/read/node.h"
#include "pipeline/regex.h"

#include <stdio.h>

#define DEPTH_DEFAULT 5 /* Cribl's */
#define DEPTH_MAX     16
#define TEXT_MAX      GENOPS_VALUE_TEXT_MAX

static const genops_str unknown = {"[REDACTED]", 10}; /* in place of what could not be masked */

struct rule {
	size_t n_paths;
	struct genops_field_path *paths; /* none: the function's */
	struct genops_regex *regex;
	genops_str replacement;
	struct genops_expression *expression; /* Cribl's replaceExpr; NULL: replacement */
	genops_str pattern, source; /* source: of the expression */
	struct genops_place place;
};

struct mask {
	size_t n, n_paths;
	struct rule *rules;
	struct genops_field_path *paths;
	unsigned depth;
	struct genops_value_key groups[GENOPS_REGEX_GROUPS_MAX + 1]; /* g0, g1 ... */
};

static const struct genops_option rows[] = {
    {"rules", GENOPS_OPTION_CUSTOM, 0, .is_required = true,
	.text = "in order, each over all of its fields: {field, type: regex, pattern, replacement, flags}, or Cribl's {matchRegex: /pattern/g, replaceExpr}"},
    {"fields", GENOPS_OPTION_CUSTOM, 0, .text = "fields of rules that name none; * stands for any part of a name"},
    {"depth", GENOPS_OPTION_CUSTOM, 0, .text = "how deep in lists and objects of a field, 0 to 16; 5 unless set"},
    {NULL}};

static const char *const field_names[] = {"fields", NULL};
static const struct genops_option rule_rows[] = {
    {"field", GENOPS_OPTION_CUSTOM, 0, .aliases = field_names, .text = "one field or a list; * stands for any part of a name"},
    {"type", GENOPS_OPTION_CUSTOM, 0, .text = "regex"},
    {"pattern", GENOPS_OPTION_CUSTOM, 0, .text = "a JavaScript pattern"},
    {"flags", GENOPS_OPTION_CUSTOM, 0, .text = "of the pattern: i, m, s, u; g is always on"},
    {"replacement", GENOPS_OPTION_CUSTOM, 0, .text = "as in JavaScript's replace: $1, $&"},
    {"matchRegex", GENOPS_OPTION_CUSTOM, 0, .text = "/pattern/flags"},
    {"replaceExpr", GENOPS_OPTION_CUSTOM, 0, .text = "an expression; g0 is what was found, g1 its first group"},
    {"description", GENOPS_OPTION_CUSTOM, 0, .text = "for people"},
    {"disabled", GENOPS_OPTION_CUSTOM, 0, .text = "leaves the rule out"},
    {NULL}};

/* --- reading --- */

static int read_paths(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_field_path **ret, size_t *ret_n)
{
	bool is_list = node->kind == GENOPS_YAML_SEQUENCE;
	size_t n = is_list ? node->n : 1;
	struct genops_field_path *paths = genops_arena_alloc(reader->arena, (n + 1) * sizeof *paths);
	if (!paths || n > GENOPS_PIPELINE_PARTS_MAX)
		return genops_fail(reader->rows.err, paths ? GENOPS_LIMIT : GENOPS_NOMEM, "too many fields");
	const struct genops_yaml_entry *entry = is_list ? node->first : NULL;
	for (size_t i = 0; i < n; i++, entry = entry ? entry->next : NULL) {
		const struct genops_yaml_node *item = entry ? entry->value : node;
		GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, item, "a field", GENOPS_YAML_SCALAR));
		int code = genops_field_path_parse(item->text, reader->arena, &paths[i]);
		if (code == GENOPS_NOMEM)
			return genops_fail(reader->rows.err, code, "no memory for a pipeline");
		if (code != GENOPS_OK)
			return genops_yaml_rows_fail(&reader->rows, item, "write a name, or a path like attributes['genops.eval.metadata.*']",
			    "\"%.*s\" is no field", item->text.len > 64 ? 64 : (int)item->text.len, item->text.ptr ? item->text.ptr : "");
	}
	*ret = paths;
	*ret_n = n;
	return GENOPS_OK;
}

/* /pattern/flags; what has no slashes is a pattern that finds one. */
static void cut_regex(genops_str text, genops_str *ret_pattern, genops_str *ret_flags)
{
	size_t end = text.len;
	*ret_pattern = text;
	*ret_flags = (genops_str){0};
	if (text.len < 2 || text.ptr[0] != '/')
		return;
	while (end > 1 && text.ptr[end - 1] != '/')
		end--;
	if (end < 2)
		return;
	*ret_pattern = (genops_str){text.ptr + 1, end - 2};
	*ret_flags = genops_str_skip(text, end);
}

static int compile(const struct genops_node_reader *reader, const struct genops_yaml_node *node, genops_str pattern, genops_str flags, struct rule *rule)
{
	struct genops_error inner = {0};
	if (!genops_arena_dup(reader->arena, pattern, &rule->pattern))
		return genops_fail(reader->rows.err, GENOPS_NOMEM, "no memory for a pipeline");
	int code = genops_regex_compile(pattern, flags, &rule->regex, &inner);
	if (code == GENOPS_OK)
		return code;
	inner.line = inner.line ? inner.line : inner.column ? 1 : 0;
	return genops_node_fail_in(reader, NULL, node, "the pattern", &inner);
}

static int read_pattern(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct rule *rule)
{
	const struct genops_yaml_node *pattern = genops_yaml_rows_get(node, rule_rows, "pattern"), *flags = genops_yaml_rows_get(node, rule_rows, "flags"),
				      *replacement = genops_yaml_rows_get(node, rule_rows, "replacement"), *type = genops_yaml_rows_get(node, rule_rows, "type");
	char all[16] = "g";
	if (type && !genops_str_is(type->text, "regex"))
		return genops_yaml_rows_fail(&reader->rows, type, "write type: regex", "a mask of type \"%.*s\" is not known",
		    type->text.len > 64 ? 64 : (int)type->text.len, type->text.ptr ? type->text.ptr : "");
	if (!pattern || !replacement)
		return genops_yaml_rows_fail(&reader->rows, node, NULL, "a mask rule needs \"%s\"", pattern ? "replacement" : "pattern");
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, pattern, "pattern", GENOPS_YAML_SCALAR));
	GENOPS_TRY(genops_node_raw(reader, replacement, "replacement", &rule->replacement));
	for (size_t i = 0; flags && i < flags->text.len && i < sizeof all - 2; i++) {
		if (flags->text.ptr[i] != 'g')
			strncat(all, &flags->text.ptr[i], 1);
	}
	return compile(reader, pattern, pattern->text, genops_str_of(all), rule);
}

static int read_cribl(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct rule *rule)
{
	const struct genops_yaml_node *match = genops_yaml_rows_get(node, rule_rows, "matchRegex"), *replace = genops_yaml_rows_get(node, rule_rows, "replaceExpr");
	genops_str pattern, flags;
	if (!match || !replace || genops_yaml_rows_get(node, rule_rows, "pattern") || genops_yaml_rows_get(node, rule_rows, "replacement"))
		return genops_yaml_rows_fail(&reader->rows, node, "write pattern and replacement, or matchRegex and replaceExpr", "a mask rule needs both of one kind");
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, match, "matchRegex", GENOPS_YAML_SCALAR));
	cut_regex(match->text, &pattern, &flags);
	GENOPS_TRY(compile(reader, match, pattern, flags, rule));
	return genops_node_expression(reader, NULL, replace, "replaceExpr", &rule->expression, &rule->source);
}

static int read_rule(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct mask *mask)
{
	struct rule *rule = &mask->rules[mask->n];
	struct { int none; } nothing;
	GENOPS_TRY(genops_yaml_rows_section(&reader->rows, node, "a mask rule", rule_rows, &nothing));
	const struct genops_yaml_node *field = genops_yaml_rows_get(node, rule_rows, "field"), *disabled = genops_yaml_rows_get(node, rule_rows, "disabled");
	bool is_disabled;
	GENOPS_TRY(genops_node_boolean(reader, disabled, "disabled", &is_disabled));
	if (is_disabled)
		return GENOPS_OK;
	mask->n++; /* from here on `done` sees it */
	rule->place = genops_node_place(reader->reading, node);
	if (field)
		GENOPS_TRY(read_paths(reader, field, &rule->paths, &rule->n_paths));
	else if (!mask->n_paths)
		return genops_yaml_rows_fail(&reader->rows, node, "add field: NAME", "a mask rule without a field");
	bool is_cribl = genops_yaml_rows_get(node, rule_rows, "matchRegex") || genops_yaml_rows_get(node, rule_rows, "replaceExpr");
	return is_cribl ? read_cribl(reader, node, rule) : read_pattern(reader, node, rule);
}

static int read_depth(const struct genops_node_reader *reader, const struct genops_yaml_node *node, unsigned *ret)
{
	double number = DEPTH_DEFAULT;
	if (node)
		GENOPS_TRY(genops_node_number(reader, node, "depth", &number));
	if (!(number >= 0 && number <= DEPTH_MAX))
		return genops_yaml_rows_fail(&reader->rows, node, NULL, "depth is %g, not from 0 to %d", number, DEPTH_MAX);
	*ret = (unsigned)number;
	return GENOPS_OK;
}

static int mask_read(const struct genops_yaml_node *node, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_function *function, struct genops_error *err)
{
	struct genops_node_reader reader;
	genops_node_reader_init(&reader, reading, arena, err);
	const struct genops_yaml_node *list = genops_yaml_get(node, "rules"), *fields = genops_yaml_rows_get(node, rows, "fields");
	GENOPS_TRY(genops_yaml_rows_expect(&reader.rows, list, "rules", GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_PIPELINE_PARTS_MAX)
		return genops_yaml_rows_fail(&reader.rows, list, "spread them over several functions", "more than %d rules", GENOPS_PIPELINE_PARTS_MAX);
	struct mask *mask = genops_arena_alloc(arena, sizeof *mask);
	if (!mask || !(mask->rules = genops_arena_alloc(arena, (list->n + 1) * sizeof *mask->rules)))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pipeline");
	function->compiled = mask;
	GENOPS_TRY(read_depth(&reader, genops_yaml_rows_get(node, rows, "depth"), &mask->depth));
	for (unsigned i = 0; i <= GENOPS_REGEX_GROUPS_MAX; i++) {
		char name[8];
		snprintf(name, sizeof name, "g%u", i);
		char *copy = genops_arena_dup_text(arena, genops_str_of(name));
		if (!copy)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a pipeline");
		mask->groups[i] = genops_value_key_of(genops_str_of(copy));
	}
	if (fields)
		GENOPS_TRY(read_paths(&reader, fields, &mask->paths, &mask->n_paths));
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_rule(&reader, entry->value, mask));
	function->n_counts = 1 + mask->n;
	return GENOPS_OK;
}

static void mask_done(struct genops_function *function)
{
	const struct mask *mask = function->compiled;
	for (size_t i = 0; mask && i < mask->n; i++) {
		genops_regex_free(mask->rules[i].regex);
		genops_expression_free(mask->rules[i].expression);
	}
}

/* --- masking --- */

struct masking {
	const struct mask *mask;
	const struct rule *rule;
	struct genops_pipeline_run *run;
	struct genops_pipeline_count *count;
	const struct genops_value_object *event;
	bool is_full;
};

/* The text that takes the place of one match. */
static bool replacement_of(struct masking *masking, genops_str text, const struct genops_regex_match *match, genops_str *ret)
{
	struct genops_arena *arena = masking->run->expression.arena;
	struct genops_value_object *event = genops_value_object_over(arena, masking->event, match->n + 1);
	struct genops_value value;
	for (unsigned i = 0; event && i < match->n; i++) {
		if (match->groups[i].start == SIZE_MAX)
			continue;
		genops_str group = {text.ptr + match->groups[i].start, match->groups[i].end - match->groups[i].start};
		if (!genops_value_object_put(arena, event, masking->mask->groups[i], genops_value_text(group)))
			return false;
	}
	return event && genops_function_evaluate(masking->run, masking->rule->expression, &masking->rule->place, event, masking->count, &value) &&
	       genops_expression_text(masking->rule->expression, value, &masking->run->expression, ret, NULL) == GENOPS_OK;
}

/* As genops_regex_replace, with an expression for each match. False: something failed. */
static bool replace_by_expression(struct masking *masking, genops_str text, struct genops_buffer *out)
{
	struct genops_regex_match match;
	size_t from = 0, copied = 0;
	for (;;) {
		int found = from > text.len ? 0 : genops_regex_find(masking->rule->regex, &masking->run->expression.regex_space, text, from, &match);
		if (found < 0)
			return false;
		if (!found)
			break;
		genops_str with;
		if (!replacement_of(masking, text, &match, &with))
			return false;
		genops_buffer_add(out, (genops_str){text.ptr + copied, match.groups[0].start - copied});
		genops_buffer_add(out, with);
		copied = match.groups[0].end;
		/* behind an empty match the next character is skipped, whole */
		size_t step = copied < text.len ? genops_str_utf8_sequence(genops_str_skip(text, copied)) : 1;
		from = copied > match.groups[0].start ? copied : copied + (step ? step : 1);
		if (!genops_regex_is_global(masking->rule->regex))
			break;
	}
	genops_buffer_add(out, genops_str_skip(text, copied));
	return !out->error;
}

/* 1: *out holds the masked text; 0: nothing was found; -1: failed. */
static int mask_text(struct masking *masking, genops_str text, struct genops_buffer *out)
{
	struct genops_regex_match match;
	struct genops_regex_space **space = &masking->run->expression.regex_space;
	int found = genops_regex_find(masking->rule->regex, space, text, 0, &match);
	if (found <= 0)
		return found;
	bool ok = masking->rule->expression ? replace_by_expression(masking, text, out)
					    : genops_regex_replace(masking->rule->regex, space, text, masking->rule->replacement, out) && !out->error;
	return ok ? 1 : -1;
}

static bool mask_value(void *arg, struct genops_value *value)
{
	struct masking *masking = arg;
	char number[GENOPS_NUMBER_TEXT_MAX];
	struct genops_buffer *out = &masking->run->payload;
	genops_str text = value->type == GENOPS_VALUE_TEXT     ? genops_value_str(*value)
			  : value->type == GENOPS_VALUE_NUMBER ? genops_number_to_text(value->as.number, number)
							       : genops_str_of(value->as.boolean ? "true" : "false");
	uint64_t n_failed = masking->count->n_failed;
	genops_buffer_clear(out);
	int found = mask_text(masking, text, out);
	if (!found)
		return true;
	genops_str masked = genops_buffer_view(out);
	masking->count->n_matched++;
	if (found < 0 && masking->count->n_failed == n_failed)
		genops_function_fault(masking->run, &masking->rule->place, masking->count, GENOPS_LIMIT,
		    "a value could not be masked within bounds, so all of it is replaced");
	if (found < 0)
		masked = unknown;
	if (!genops_arena_dup(masking->run->expression.arena, masked, &masked)) {
		masking->is_full = true;
		return false;
	}
	*value = genops_value_text(masked);
	return true;
}

static int mask_apply(const struct genops_function *function, struct genops_pipeline_run *run, struct genops_value_object *event,
    struct genops_pipeline_count *counts, bool *ret_is_dropped, struct genops_error *err)
{
	const struct mask *mask = function->compiled;
	if (!run->payload.max)
		genops_buffer_init(&run->payload, TEXT_MAX);
	for (size_t i = 0; i < mask->n; i++) {
		const struct rule *rule = &mask->rules[i];
		struct masking masking = {mask, rule, run, &counts[1 + i], event, false};
		const struct genops_field_path *paths = rule->n_paths ? rule->paths : mask->paths;
		for (size_t p = 0; p < (rule->n_paths ? rule->n_paths : mask->n_paths); p++) {
			if (!genops_field_path_change(&paths[p], event, run->expression.arena, mask->depth, mask_value, &masking))
				return genops_fail(err, GENOPS_LIMIT, "the event's memory is used up while it is masked");
		}
	}
	return GENOPS_OK;
}

static void mask_count_name(const struct genops_function *function, size_t i, char *out, size_t size)
{
	snprintf(out, size, "rule %zu", i);
}

static void mask_facts(const struct genops_function *function, genops_function_fact_fn *fn, void *arg)
{
	const struct mask *mask = function->compiled;
	for (size_t i = 0; i < mask->n; i++) {
		const struct rule *rule = &mask->rules[i];
		const struct genops_field_path *paths = rule->n_paths ? rule->paths : mask->paths;
		for (size_t p = 0; p < (rule->n_paths ? rule->n_paths : mask->n_paths); p++) {
			struct genops_function_fact fact = {.kind = GENOPS_FACT_MASKS, .field = paths[p].source, .source = rule->pattern,
			    .expression = rule->expression, .regex = rule->regex, .place = rule->place};
			fn(arg, &fact);
		}
	}
}

const struct genops_function_type genops_function_type_mask = {.name = "mask",
    .summary = "Replaces what patterns find in fields, everywhere in them; only in the fields that are named",
    .rows = rows,
    .rule_rows = rule_rows,
    .text = "A field is a name or a path: `policy_reason`, `status.message`, `attributes['genops.eval.metadata.*']`. A number or boolean in which\n"
	    "something is found becomes text. Where a search passes its bounds or a replacement fails, all of the value is `[REDACTED]`.",
    .read = mask_read,
    .done = mask_done,
    .apply = mask_apply,
    .count_name = mask_count_name,
    .facts = mask_facts};
