/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/methods_text.c - the methods of texts that need no pattern. Positions are UTF-16 units. args[0] is the text. */
#include "pipeline/expression/functions.h"

#include "pipeline/number_text.h"
#include "pipeline/text.h"

#include <math.h>

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

static bool slice(struct genops_machine *machine, genops_str text, size_t from, size_t to, struct genops_value *ret)
{
	return genops_run_text(machine, genops_text_slice(machine->run->arena, text, from, to), ret);
}

static bool to_integer(struct genops_machine *machine, struct genops_value value, double *ret)
{
	if (!genops_convert_to_number(machine, value, ret))
		return false;
	*ret = genops_number_to_integer(*ret);
	return true;
}

bool genops_method_char_at(ARGUMENTS)
{
	double at;
	genops_str text = genops_value_str(args[0]);
	if (!to_integer(machine, args[1], &at))
		return false;
	if (at < 0 || at >= (double)genops_text_length(text))
		return genops_run_text(machine, GENOPS_STR(""), ret);
	return slice(machine, text, (size_t)at, (size_t)at + 1, ret);
}

bool genops_method_at(ARGUMENTS)
{
	double at;
	genops_str text = genops_value_str(args[0]);
	double length = (double)genops_text_length(text);
	if (!to_integer(machine, args[1], &at))
		return false;
	at = at < 0 ? at + length : at;
	return at < 0 || at >= length || slice(machine, text, (size_t)at, (size_t)at + 1, ret);
}

bool genops_method_unit_at(ARGUMENTS)
{
	double at;
	if (!to_integer(machine, args[1], &at))
		return false;
	int unit = at < 0 || at > UINT32_MAX ? -1 : genops_text_unit(genops_value_str(args[0]), (size_t)at);
	*ret = genops_value_number(unit < 0 ? (double)NAN : unit);
	return true;
}

bool genops_method_code_at(ARGUMENTS)
{
	double at;
	genops_str text = genops_value_str(args[0]);
	if (!to_integer(machine, args[1], &at))
		return false;
	int unit = at < 0 || at > UINT32_MAX ? -1 : genops_text_unit(text, (size_t)at);
	int next = unit >= 0xD800 && unit <= 0xDBFF ? genops_text_unit(text, (size_t)at + 1) : -1;
	if (next >= 0xDC00 && next <= 0xDFFF)
		*ret = genops_value_number(0x10000 + ((unit & 0x3FF) << 10 | (next & 0x3FF)));
	else if (unit >= 0)
		*ret = genops_value_number(unit);
	return true;
}

bool genops_method_slice(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]);
	size_t length = genops_text_length(text), from, to;
	if (!genops_convert_position(machine, args[1], length, true, 0, &from) ||
	    !genops_convert_position(machine, args[2], length, true, length, &to))
		return false;
	return slice(machine, text, from, to, ret);
}

bool genops_method_substring(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]);
	size_t length = genops_text_length(text), from, to;
	if (!genops_convert_position(machine, args[1], length, false, 0, &from) ||
	    !genops_convert_position(machine, args[2], length, false, length, &to))
		return false;
	return slice(machine, text, from < to ? from : to, from < to ? to : from, ret);
}

bool genops_method_substr(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]);
	size_t length = genops_text_length(text), from, count;
	if (!genops_convert_position(machine, args[1], length, true, 0, &from) ||
	    !genops_convert_position(machine, args[2], length, false, length, &count))
		return false;
	return slice(machine, text, from, count < length - from ? from + count : length, ret);
}

/* A part that is looked for must be text, where JavaScript refuses a pattern. */
static bool part_of(struct genops_machine *machine, struct genops_value value, genops_str *ret)
{
	if (value.type == GENOPS_VALUE_REGEX)
		return genops_run_throw(machine, "use test() or match()", "a pattern cannot be looked for here");
	return genops_convert_to_text(machine, value, ret);
}

bool genops_method_index_of(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), part;
	size_t from;
	if (!genops_convert_to_text(machine, args[1], &part) ||
	    !genops_convert_position(machine, args[2], genops_text_length(text), false, 0, &from))
		return false;
	size_t found = genops_text_find(machine->run->arena, text, part, from);
	*ret = genops_value_number(found == GENOPS_TEXT_NOWHERE ? -1 : (double)found);
	return true;
}

bool genops_method_last_index_of(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), part;
	double number;
	size_t length = genops_text_length(text), from = length;
	if (!genops_convert_to_text(machine, args[1], &part) || !genops_convert_to_number(machine, args[2], &number))
		return false;
	if (!isnan(number) && !genops_convert_position(machine, args[2], length, false, length, &from))
		return false;
	size_t found = genops_text_find_last(machine->run->arena, text, part, from);
	*ret = genops_value_number(found == GENOPS_TEXT_NOWHERE ? -1 : (double)found);
	return true;
}

bool genops_method_includes(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), part;
	size_t from;
	if (!part_of(machine, args[1], &part) || !genops_convert_position(machine, args[2], genops_text_length(text), false, 0, &from))
		return false;
	*ret = genops_value_boolean(genops_text_find(machine->run->arena, text, part, from) != GENOPS_TEXT_NOWHERE);
	return true;
}

/* Does the part stand in the text at units [from, ...)? */
static bool stands_at(struct genops_machine *machine, genops_str text, genops_str part, size_t from, struct genops_value *ret)
{
	struct genops_value rest;
	size_t length = genops_text_length(text), to = from + genops_text_length(part);
	*ret = genops_value_boolean(false);
	if (to > length)
		return true;
	if (!slice(machine, text, from, to, &rest))
		return false;
	*ret = genops_value_boolean(genops_str_equal(genops_value_str(rest), part));
	return true;
}

bool genops_method_starts_with(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), part;
	size_t from;
	if (!part_of(machine, args[1], &part) || !genops_convert_position(machine, args[2], genops_text_length(text), false, 0, &from))
		return false;
	return stands_at(machine, text, part, from, ret);
}

bool genops_method_ends_with(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), part;
	size_t length = genops_text_length(text), end;
	if (!part_of(machine, args[1], &part) || !genops_convert_position(machine, args[2], length, false, length, &end))
		return false;
	size_t wanted = genops_text_length(part);
	*ret = genops_value_boolean(false);
	return wanted > end || stands_at(machine, text, part, end - wanted, ret);
}

bool genops_method_concat(ARGUMENTS)
{
	genops_str parts[GENOPS_ARGUMENTS_MAX + 1];
	size_t len = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!genops_convert_to_text(machine, args[i], &parts[i]))
			return false;
		len += parts[i].len;
	}
	if (len > GENOPS_VALUE_TEXT_MAX)
		return genops_run_full(machine);
	return genops_run_text(machine, genops_text_join(machine->run->arena, parts, n), ret);
}

/* `len` bytes of text, again and again from its beginning, with halves that meet left to the caller. */
static bool repeated(struct genops_machine *machine, genops_str text, size_t count, genops_str *ret)
{
	if (text.len && count > GENOPS_VALUE_TEXT_MAX / text.len)
		return genops_run_full(machine);
	char *out = genops_arena_take(machine->run->arena, text.len * count + 1);
	if (!out)
		return genops_run_full(machine);
	for (size_t i = 0; i < count && text.len; i++)
		memcpy(out + i * text.len, text.ptr, text.len);
	*ret = (genops_str){out, text.len * count};
	return true;
}

bool genops_method_repeat(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), all;
	double count;
	if (!to_integer(machine, args[1], &count))
		return false;
	if (count < 0 || isinf(count))
		return genops_run_throw(machine, "", "RangeError: repeat() wants a count that is not negative and finite");
	if (!text.len)
		return genops_run_text(machine, GENOPS_STR(""), ret);
	return repeated(machine, text, count > (double)GENOPS_VALUE_TEXT_MAX ? GENOPS_VALUE_TEXT_MAX + 1 : (size_t)count, &all) &&
	       genops_run_text(machine, all, ret);
}

static bool pad(ARGUMENTS, bool at_start)
{
	genops_str text = genops_value_str(args[0]), filler = GENOPS_STR(" "), all;
	double wanted;
	struct genops_value part;
	if (!to_integer(machine, args[1], &wanted) ||
	    (args[2].type != GENOPS_VALUE_UNDEFINED && !genops_convert_to_text(machine, args[2], &filler)))
		return false;
	size_t length = genops_text_length(text);
	if (wanted <= (double)length || !filler.len) {
		*ret = args[0];
		return true;
	}
	if (wanted > (double)GENOPS_VALUE_TEXT_MAX)
		return genops_run_full(machine);
	size_t missing = (size_t)wanted - length;
	if (!repeated(machine, filler, missing / genops_text_length(filler) + 1, &all) || !slice(machine, all, 0, missing, &part))
		return false;
	genops_str parts[2] = {at_start ? genops_value_str(part) : text, at_start ? text : genops_value_str(part)};
	return genops_run_text(machine, genops_text_join(machine->run->arena, parts, 2), ret);
}

bool genops_method_pad_start(ARGUMENTS)
{
	return pad(machine, args, n, ret, true);
}

bool genops_method_pad_end(ARGUMENTS)
{
	return pad(machine, args, n, ret, false);
}

bool genops_method_upper(ARGUMENTS)
{
	return genops_run_text(machine, genops_text_upper(machine->run->arena, genops_value_str(args[0])), ret);
}

bool genops_method_lower(ARGUMENTS)
{
	return genops_run_text(machine, genops_text_lower(machine->run->arena, genops_value_str(args[0])), ret);
}

static bool trim(ARGUMENTS, bool at_start, bool at_end)
{
	genops_str trimmed = genops_number_trim(genops_value_str(args[0]), at_start, at_end);
	return genops_run_text(machine, trimmed.len ? trimmed : GENOPS_STR(""), ret);
}

bool genops_method_trim(ARGUMENTS)
{
	return trim(machine, args, n, ret, true, true);
}

bool genops_method_trim_start(ARGUMENTS)
{
	return trim(machine, args, n, ret, true, false);
}

bool genops_method_trim_end(ARGUMENTS)
{
	return trim(machine, args, n, ret, false, true);
}

static size_t count_parts(genops_str text, genops_str between)
{
	size_t count = 1;
	for (size_t at; (at = genops_str_find(text, between)) != SIZE_MAX; count++)
		text = genops_str_skip(text, at + between.len);
	return count;
}

/* Into single units, where nothing stands between. */
static bool split_units(struct genops_machine *machine, genops_str text, size_t most, struct genops_value *ret)
{
	size_t length = genops_text_length(text);
	struct genops_value_list *list = genops_value_list_new(machine->run->arena, length < most ? length : most);
	if (!list)
		return genops_run_full(machine);
	genops_str ascii = {text.ptr, genops_str_ascii_len(text)}; /* a unit far behind is not looked for from the beginning each time */
	for (uint32_t i = 0; i < list->n; i++) {
		if (i < ascii.len)
			list->items[i] = genops_value_text((genops_str){text.ptr + i, 1});
		else if (list->n > 10000)
			return genops_run_full(machine);
		else if (!slice(machine, text, i, (size_t)i + 1, &list->items[i]))
			return false;
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}

bool genops_method_split(ARGUMENTS)
{
	genops_str text = genops_value_str(args[0]), between;
	double limit = UINT32_MAX;
	if (args[1].type == GENOPS_VALUE_REGEX)
		return genops_method_split_regex(machine, args, n, ret);
	if (args[2].type != GENOPS_VALUE_UNDEFINED) {
		if (!genops_convert_to_number(machine, args[2], &limit))
			return false;
		limit = (double)(uint32_t)genops_number_to_int32(limit);
	}
	if (!genops_convert_to_text(machine, args[1], &between))
		return false;
	if (!between.len && args[1].type != GENOPS_VALUE_UNDEFINED)
		return split_units(machine, text, (size_t)limit, ret);
	size_t count = args[1].type == GENOPS_VALUE_UNDEFINED ? 1 : count_parts(text, between);
	struct genops_value_list *list = genops_value_list_new(machine->run->arena, count < (size_t)limit ? count : (size_t)limit);
	if (!list)
		return genops_run_full(machine);
	for (uint32_t i = 0; i < list->n; i++) {
		size_t at = i + 1 == count ? text.len : genops_str_find(text, between);
		list->items[i] = genops_value_text(at ? (genops_str){text.ptr, at} : GENOPS_STR(""));
		text = genops_str_skip(text, at + between.len);
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}
