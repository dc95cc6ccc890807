/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/methods_regex.c - what texts and patterns do with one another. */
#include "pipeline/expression/functions.h"

#include "pipeline/number_text.h"
#include "pipeline/regex.h"
#include "pipeline/text.h"

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

#define MATCHES_MAX 100000 /* of one pattern in one text */

static bool find(struct genops_machine *machine, const struct genops_regex *regex, genops_str text, size_t from,
    struct genops_regex_match *match, bool *ret_found)
{
	int found = genops_regex_find(regex, &machine->run->regex_space, text, from, match);
	*ret_found = found > 0;
	if (found >= 0)
		return true;
	return genops_run_throw(machine, "make the pattern simpler: avoid repetitions within repetitions",
	    "the search for the pattern %.*s passed its bounds", GENOPS_STR_ARG(genops_regex_source(regex)));
}

/* A pattern that is to be searched for: the argument, or JavaScript's reading of what stands in its place. */
static bool wants_pattern(struct genops_machine *machine, struct genops_value value)
{
	return value.type == GENOPS_VALUE_REGEX ||
	       genops_run_throw(machine, "write the pattern between slashes", "a pattern is due, not a value of type %s",
		   genops_convert_type_name(value));
}

static genops_str group(genops_str text, const struct genops_regex_match *match, unsigned i)
{
	if (match->groups[i].end == match->groups[i].start)
		return GENOPS_STR("");
	return (genops_str){text.ptr + match->groups[i].start, match->groups[i].end - match->groups[i].start};
}

/* Where the next search begins, so that an empty match is found once. */
static size_t behind(genops_str text, const struct genops_regex_match *match)
{
	uint32_t ignored;
	size_t end = match->groups[0].end;
	if (end > match->groups[0].start || end >= text.len)
		return end + (end == match->groups[0].start);
	return end + genops_text_decode(genops_str_skip(text, end), &ignored);
}

bool genops_method_test(ARGUMENTS)
{
	struct genops_regex_match match;
	genops_str text;
	bool found;
	if (args[0].type != GENOPS_VALUE_REGEX)
		return genops_run_throw(machine, "write /pattern/.test(text)", "only a pattern has test()");
	if (!genops_convert_to_text(machine, args[1], &text) || !find(machine, args[0].as.regex, text, 0, &match, &found))
		return false;
	*ret = genops_value_boolean(found);
	return true;
}

/* The whole match and its groups; null when there is none. */
static bool groups(struct genops_machine *machine, const struct genops_regex *regex, genops_str text, struct genops_value *ret)
{
	struct genops_regex_match match;
	bool found;
	*ret = genops_value_null();
	if (!find(machine, regex, text, 0, &match, &found) || !found)
		return machine->code == 0;
	struct genops_value_list *list = genops_value_list_new(machine->run->arena, genops_regex_n_groups(regex) + 1);
	if (!list)
		return genops_run_full(machine);
	for (unsigned i = 0; i < list->n && i < match.n; i++) {
		if (match.groups[i].start != SIZE_MAX)
			list->items[i] = genops_value_text(group(text, &match, i));
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}

bool genops_method_exec(ARGUMENTS)
{
	genops_str text;
	if (args[0].type != GENOPS_VALUE_REGEX)
		return genops_run_throw(machine, "write /pattern/.exec(text)", "only a pattern has exec()");
	return genops_convert_to_text(machine, args[1], &text) && groups(machine, args[0].as.regex, text, ret);
}

/* Every match as a text; the list is made when their number is known. */
static bool all_matches(struct genops_machine *machine, const struct genops_regex *regex, genops_str text, struct genops_value *ret)
{
	struct genops_regex_match match;
	struct genops_value_list *list = NULL;
	bool found;
	for (int pass = 0; pass < 2; pass++) {
		uint32_t count = 0;
		for (size_t from = 0; from <= text.len; from = behind(text, &match)) {
			if (!find(machine, regex, text, from, &match, &found))
				return false;
			if (!found)
				break;
			if (list)
				list->items[count] = genops_value_text(group(text, &match, 0));
			if (++count == MATCHES_MAX)
				return genops_run_full(machine);
		}
		*ret = genops_value_null();
		if (!count)
			return true;
		if (!list && !(list = genops_value_list_new(machine->run->arena, count)))
			return genops_run_full(machine);
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}

bool genops_method_match(ARGUMENTS)
{
	if (!wants_pattern(machine, args[1]))
		return false;
	const struct genops_regex *regex = args[1].as.regex;
	genops_str text = genops_value_str(args[0]);
	return genops_regex_is_global(regex) ? all_matches(machine, regex, text, ret) : groups(machine, regex, text, ret);
}

bool genops_method_search(ARGUMENTS)
{
	struct genops_regex_match match;
	genops_str text = genops_value_str(args[0]);
	bool found;
	if (!wants_pattern(machine, args[1]) || !find(machine, args[1].as.regex, text, 0, &match, &found))
		return false;
	*ret = genops_value_number(found ? (double)genops_text_position(text, match.groups[0].start) : -1);
	return true;
}

/* What $$, $&, $` and $' stand for where a plain text was found at `at`. */
static void add_replacement(struct genops_buffer *buf, genops_str text, size_t at, size_t len, genops_str replacement)
{
	for (size_t i = 0; i < replacement.len; i++) {
		char next = i + 1 < replacement.len ? replacement.ptr[i + 1] : '\0';
		bool is_special = replacement.ptr[i] == '$' && next && strchr("$&`'", next);
		if (!is_special) {
			genops_buffer_add_char(buf, replacement.ptr[i]);
			continue;
		}
		i++;
		if (next == '$')
			genops_buffer_add_char(buf, '$');
		else if (next == '&')
			genops_buffer_add(buf, (genops_str){text.ptr + at, len});
		else if (next == '`')
			genops_buffer_add(buf, (genops_str){text.ptr, at});
		else
			genops_buffer_add(buf, genops_str_skip(text, at + len));
	}
}

static void replace_text(struct genops_buffer *buf, genops_str text, genops_str part, genops_str replacement, bool is_all)
{
	size_t from = 0;
	for (size_t at = 0; at <= text.len;) {
		size_t found = genops_str_find(genops_str_skip(text, at), part);
		if (found == SIZE_MAX)
			break;
		found += at;
		genops_buffer_add(buf, (genops_str){text.ptr + from, found - from});
		add_replacement(buf, text, found, part.len, replacement);
		from = found + part.len;
		at = from;
		if (!part.len) { /* between every two characters */
			uint32_t ignored;
			at += at < text.len ? genops_text_decode(genops_str_skip(text, at), &ignored) : 1;
		}
		if (!is_all || buf->error)
			break;
	}
	genops_buffer_add(buf, genops_str_skip(text, from));
}

static bool replace(ARGUMENTS, bool is_all)
{
	struct genops_buffer *buf = &machine->run->scratch;
	genops_str text = genops_value_str(args[0]), part, replacement, copy;
	if (!genops_convert_to_text(machine, args[2], &replacement))
		return false;
	genops_buffer_clear(buf);
	buf->max = GENOPS_VALUE_TEXT_MAX;
	if (args[1].type == GENOPS_VALUE_REGEX) {
		if (is_all && !genops_regex_is_global(args[1].as.regex))
			return genops_run_throw(machine, "write g behind the pattern", "replaceAll() wants a pattern with the flag g");
		if (!genops_regex_replace(args[1].as.regex, &machine->run->regex_space, text, replacement, buf))
			return genops_run_throw(machine, "make the pattern simpler", "the search for the pattern %.*s passed its bounds",
			    GENOPS_STR_ARG(genops_regex_source(args[1].as.regex)));
	} else {
		if (!genops_convert_to_text(machine, args[1], &part))
			return false;
		replace_text(buf, text, part, replacement, is_all);
	}
	if (buf->error || !genops_arena_dup(machine->run->arena, genops_buffer_view(buf), &copy))
		return genops_run_full(machine);
	return genops_run_text(machine, copy, ret);
}

bool genops_method_replace(ARGUMENTS)
{
	return replace(machine, args, n, ret, false);
}

bool genops_method_replace_all(ARGUMENTS)
{
	return replace(machine, args, n, ret, true);
}

/* The parts between matches, and what the groups matched between them. Pass 0 counts, pass 1 fills. */
static bool split_pass(struct genops_machine *machine, const struct genops_regex *regex, genops_str text, size_t limit,
    struct genops_value_list *list, size_t *ret_count)
{
	struct genops_regex_match match;
	size_t count = 0, from = 0, at = 0;
	bool found;
	while (at < text.len && count < limit) {
		if (!find(machine, regex, text, at, &match, &found))
			return false;
		if (!found || match.groups[0].start >= text.len)
			break;
		if (match.groups[0].end == from) { /* nothing, where a part begins */
			uint32_t ignored;
			at += genops_text_decode(genops_str_skip(text, at), &ignored);
			continue;
		}
		struct genops_regex_match part = {.groups = {{from, match.groups[0].start}}};
		if (list)
			list->items[count] = genops_value_text(group(text, &part, 0));
		count++;
		for (unsigned i = 1; i <= genops_regex_n_groups(regex) && count < limit; i++, count++) {
			if (list && i < match.n && match.groups[i].start != SIZE_MAX)
				list->items[count] = genops_value_text(group(text, &match, i));
		}
		from = at = match.groups[0].end;
		if (count > MATCHES_MAX)
			return genops_run_full(machine);
	}
	if (count < limit) {
		struct genops_regex_match part = {.groups = {{from, text.len}}};
		if (list)
			list->items[count] = genops_value_text(group(text, &part, 0));
		count++;
	}
	*ret_count = count;
	return true;
}

bool genops_method_split_regex(ARGUMENTS)
{
	const struct genops_regex *regex = args[1].as.regex;
	genops_str text = genops_value_str(args[0]);
	struct genops_regex_match match;
	double limit = UINT32_MAX;
	size_t count = 0;
	bool found = false;
	if (args[2].type != GENOPS_VALUE_UNDEFINED && !genops_convert_to_number(machine, args[2], &limit))
		return false;
	size_t most = args[2].type == GENOPS_VALUE_UNDEFINED ? UINT32_MAX : (uint32_t)genops_number_to_int32(limit);
	if (!text.len && !find(machine, regex, text, 0, &match, &found)) /* an empty text is one part, unless it matches */
		return false;
	if (!found && !split_pass(machine, regex, text, most, NULL, &count))
		return false;
	struct genops_value_list *list = genops_value_list_new(machine->run->arena, count);
	if (!list)
		return genops_run_full(machine);
	if (!found && !split_pass(machine, regex, text, most, list, &count))
		return false;
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}
