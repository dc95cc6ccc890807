/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/convert.c - how JavaScript turns one type into another, and what it therefore holds for equal. */
#include "pipeline/expression/program.h"

#include "pipeline/number_text.h"
#include "pipeline/regex.h"
#include "pipeline/text.h"

#include <math.h>

bool genops_convert_to_boolean(struct genops_value value)
{
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_UNDEFINED:
	case GENOPS_VALUE_NULL:
		return false;
	case GENOPS_VALUE_BOOLEAN:
		return value.as.boolean;
	case GENOPS_VALUE_NUMBER:
		return value.as.number != 0 && !isnan(value.as.number);
	case GENOPS_VALUE_TEXT:
		return value.len > 0;
	default:
		return true;
	}
}

bool genops_expression_is_true(struct genops_value value)
{
	return genops_convert_to_boolean(value);
}

const char *genops_convert_type_name(struct genops_value value)
{
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_UNDEFINED:
		return "undefined";
	case GENOPS_VALUE_BOOLEAN:
		return "boolean";
	case GENOPS_VALUE_NUMBER:
		return "number";
	case GENOPS_VALUE_TEXT:
		return "string";
	default:
		return "object";
	}
}

static bool number_text(struct genops_machine *machine, double number, genops_str *ret)
{
	char text[GENOPS_NUMBER_TEXT_MAX];
	if (!genops_arena_dup(machine->run->arena, genops_number_to_text(number, text), ret))
		return genops_run_full(machine);
	return true;
}

bool genops_convert_to_text(struct genops_machine *machine, struct genops_value value, genops_str *ret)
{
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_UNDEFINED:
		*ret = GENOPS_STR("undefined");
		return true;
	case GENOPS_VALUE_NULL:
		*ret = GENOPS_STR("null");
		return true;
	case GENOPS_VALUE_BOOLEAN:
		*ret = value.as.boolean ? GENOPS_STR("true") : GENOPS_STR("false");
		return true;
	case GENOPS_VALUE_NUMBER:
		return number_text(machine, value.as.number, ret);
	case GENOPS_VALUE_TEXT:
		*ret = genops_value_str(value);
		return true;
	case GENOPS_VALUE_LIST:
		return genops_convert_join(machine, value.as.list, GENOPS_STR(","), ret);
	case GENOPS_VALUE_REGEX:
		*ret = genops_regex_source(value.as.regex);
		return true;
	case GENOPS_VALUE_OBJECT:
		break;
	}
	*ret = GENOPS_STR("[object Object]");
	return true;
}

/* Lists in lists are as deep as an event or an expression can be. */
bool genops_convert_join(struct genops_machine *machine, const struct genops_value_list *list, genops_str between, genops_str *ret)
{
	struct genops_arena *arena = machine->run->arena;
	size_t n = list->n ? 2 * (size_t)list->n - 1 : 0, len = 0;
	genops_str *parts = genops_arena_take(arena, (n + 1) * sizeof *parts);
	if (!parts)
		return genops_run_full(machine);
	for (uint32_t i = 0; i < list->n; i++) {
		genops_str *part = &parts[2 * (size_t)i];
		*part = (genops_str){0};
		if (!genops_value_is_nullish(list->items[i]) && !genops_convert_to_text(machine, list->items[i], part))
			return false;
		if (i)
			parts[2 * (size_t)i - 1] = between;
		len += part->len + between.len;
	}
	*ret = len > 2 * GENOPS_VALUE_TEXT_MAX ? (genops_str){0} : genops_text_join(arena, parts, n);
	return (ret->ptr && ret->len <= GENOPS_VALUE_TEXT_MAX) || genops_run_full(machine);
}

bool genops_convert_to_number(struct genops_machine *machine, struct genops_value value, double *ret)
{
	genops_str text;
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_UNDEFINED:
		*ret = NAN;
		return true;
	case GENOPS_VALUE_NULL:
		*ret = 0;
		return true;
	case GENOPS_VALUE_BOOLEAN:
		*ret = value.as.boolean;
		return true;
	case GENOPS_VALUE_NUMBER:
		*ret = value.as.number;
		return true;
	case GENOPS_VALUE_TEXT:
		*ret = genops_number_from_text(genops_value_str(value));
		return true;
	default:
		break;
	}
	if (!genops_convert_to_text(machine, value, &text))
		return false;
	*ret = genops_number_from_text(text);
	return true;
}

/* Lists, objects and patterns become texts. */
static bool to_primitive(struct genops_machine *machine, struct genops_value *value)
{
	genops_str text;
	if (value->type <= GENOPS_VALUE_TEXT)
		return true;
	if (!genops_convert_to_text(machine, *value, &text))
		return false;
	*value = genops_value_text(text);
	return true;
}

bool genops_convert_add(struct genops_machine *machine, struct genops_value a, struct genops_value b, struct genops_value *ret)
{
	genops_str parts[2];
	double x, y;
	if (a.type == GENOPS_VALUE_NUMBER && b.type == GENOPS_VALUE_NUMBER) {
		*ret = genops_value_number(a.as.number + b.as.number);
		return true;
	}
	if (!to_primitive(machine, &a) || !to_primitive(machine, &b))
		return false;
	if (a.type != GENOPS_VALUE_TEXT && b.type != GENOPS_VALUE_TEXT) {
		if (!genops_convert_to_number(machine, a, &x) || !genops_convert_to_number(machine, b, &y))
			return false;
		*ret = genops_value_number(x + y);
		return true;
	}
	if (!genops_convert_to_text(machine, a, &parts[0]) || !genops_convert_to_text(machine, b, &parts[1]))
		return false;
	if (parts[0].len + parts[1].len > GENOPS_VALUE_TEXT_MAX)
		return genops_run_full(machine);
	return genops_run_text(machine, genops_text_join(machine->run->arena, parts, 2), ret);
}

bool genops_convert_same(struct genops_value a, struct genops_value b)
{
	if (a.type != b.type)
		return false;
	switch ((enum genops_value_type)a.type) {
	case GENOPS_VALUE_UNDEFINED:
	case GENOPS_VALUE_NULL:
		return true;
	case GENOPS_VALUE_BOOLEAN:
		return a.as.boolean == b.as.boolean;
	case GENOPS_VALUE_NUMBER:
		return a.as.number == b.as.number;
	case GENOPS_VALUE_TEXT:
		return genops_str_equal(genops_value_str(a), genops_value_str(b));
	case GENOPS_VALUE_LIST:
		return a.as.list == b.as.list;
	case GENOPS_VALUE_REGEX:
		return a.as.regex == b.as.regex;
	case GENOPS_VALUE_OBJECT:
		break;
	}
	return a.as.object == b.as.object;
}

bool genops_convert_same_or_nan(struct genops_value a, struct genops_value b)
{
	bool both_nan = a.type == GENOPS_VALUE_NUMBER && b.type == GENOPS_VALUE_NUMBER && isnan(a.as.number) && isnan(b.as.number);
	return both_nan || genops_convert_same(a, b);
}

bool genops_convert_equal(struct genops_machine *machine, struct genops_value a, struct genops_value b, bool *ret)
{
	double x, y;
	bool is_a_object = a.type > GENOPS_VALUE_TEXT, is_b_object = b.type > GENOPS_VALUE_TEXT;
	if (a.type == b.type || (is_a_object && is_b_object)) {
		*ret = genops_convert_same(a, b);
		return true;
	}
	if (genops_value_is_nullish(a) || genops_value_is_nullish(b)) {
		*ret = genops_value_is_nullish(a) && genops_value_is_nullish(b);
		return true;
	}
	if (!to_primitive(machine, &a) || !to_primitive(machine, &b))
		return false;
	if (a.type == GENOPS_VALUE_TEXT && b.type == GENOPS_VALUE_TEXT) {
		*ret = genops_convert_same(a, b);
		return true;
	}
	if (!genops_convert_to_number(machine, a, &x) || !genops_convert_to_number(machine, b, &y))
		return false;
	*ret = x == y;
	return true;
}

bool genops_convert_compare(struct genops_machine *machine, struct genops_value a, struct genops_value b, int *ret)
{
	double x, y;
	if (!to_primitive(machine, &a) || !to_primitive(machine, &b))
		return false;
	if (a.type == GENOPS_VALUE_TEXT && b.type == GENOPS_VALUE_TEXT) {
		*ret = genops_text_compare(genops_value_str(a), genops_value_str(b));
		return true;
	}
	if (!genops_convert_to_number(machine, a, &x) || !genops_convert_to_number(machine, b, &y))
		return false;
	*ret = isnan(x) || isnan(y) ? 2 : x < y ? -1 : x > y;
	return true;
}

bool genops_convert_position(
    struct genops_machine *machine, struct genops_value value, size_t length, bool from_end, size_t otherwise, size_t *ret)
{
	double number;
	if (value.type == GENOPS_VALUE_UNDEFINED) {
		*ret = otherwise;
		return true;
	}
	if (!genops_convert_to_number(machine, value, &number))
		return false;
	number = genops_number_to_integer(number);
	if (number < 0)
		number = from_end ? fmax(0, (double)length + number) : 0;
	*ret = number > (double)length ? length : (size_t)number;
	return true;
}
