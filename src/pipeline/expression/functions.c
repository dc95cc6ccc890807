/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/functions.c - the functions that an expression can call by name, a row each, and JavaScript's constants. */
#include "pipeline/expression/functions.h"

#include "pipeline/number_text.h"
#include "pipeline/text.h"

#include <math.h>

#define POSITIONS_MAX 10000 /* of a list or text that are listed */

static bool as_number(struct genops_value *ret, double number)
{
	*ret = genops_value_number(number);
	return true;
}

static bool as_boolean(struct genops_value *ret, bool boolean)
{
	*ret = genops_value_boolean(boolean);
	return true;
}

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

/* --- Math: what the C library computes exactly as JavaScript does, but for the last digits of pow, exp and logarithms --- */

static double js_round(double value)
{
	if (!(fabs(value) < 4503599627370496.0) || value == 0)
		return value;
	double down = floor(value), result = value - down >= 0.5 ? down + 1 : down;
	return result == 0 && value < 0 ? -0.0 : result;
}

static double js_sign(double value)
{
	return value > 0 ? 1 : value < 0 ? -1 : value;
}

static double js_fround(double value)
{
	return (double)(float)value;
}

#define MATH(name, function)                                                                          \
	static bool math_##name(ARGUMENTS)                                                            \
	{                                                                                             \
		double number;                                                                        \
		return genops_convert_to_number(machine, args[0], &number) && as_number(ret, function(number)); \
	}

MATH(abs, fabs)
MATH(ceil, ceil)
MATH(floor, floor)
MATH(trunc, trunc)
MATH(round, js_round)
MATH(sign, js_sign)
MATH(sqrt, sqrt)
MATH(cbrt, cbrt)
MATH(fround, js_fround)
MATH(exp, exp)
MATH(log, log)
MATH(log2, log2)
MATH(log10, log10)

static bool extreme(ARGUMENTS, bool is_max)
{
	double most = is_max ? -INFINITY : INFINITY;
	bool has_nan = false;
	for (unsigned i = 0; i < n; i++) {
		double number;
		if (!genops_convert_to_number(machine, args[i], &number))
			return false;
		has_nan |= isnan(number);
		bool is_more = is_max ? number > most : number < most;
		if (number == 0 && most == 0) /* -0 is less than 0 */
			is_more = is_max ? signbit(most) : signbit(number);
		most = is_more ? number : most;
	}
	return as_number(ret, has_nan ? NAN : most);
}

static bool math_max(ARGUMENTS)
{
	return extreme(machine, args, n, ret, true);
}

static bool math_min(ARGUMENTS)
{
	return extreme(machine, args, n, ret, false);
}

static bool math_pow(ARGUMENTS)
{
	double base, exponent;
	return genops_convert_to_number(machine, args[0], &base) && genops_convert_to_number(machine, args[1], &exponent) &&
	       as_number(ret, genops_run_power(base, exponent));
}

/* xorshift128+, as V8 has it; for identifiers and samples, not for secrets. */
double genops_expression_random(struct genops_expression_run *run)
{
	uint64_t *state = run->random_state, x = state[0], y = state[1];
	if (!x && !y)
		x = 0x9E3779B97F4A7C15;
	state[0] = y;
	x ^= x << 23;
	x ^= x >> 17 ^ y ^ y >> 26;
	state[1] = x;
	return (double)((x + y) >> 11) * 0x1p-53;
}

static bool math_random(ARGUMENTS)
{
	return as_number(ret, genops_expression_random(machine->run));
}

/* --- numbers and texts --- */

static bool parse_float(ARGUMENTS)
{
	genops_str text;
	if (args[0].type == GENOPS_VALUE_NUMBER) /* its text reads back, but for the sign of 0 */
		return as_number(ret, args[0].as.number + 0.0);
	return genops_convert_to_text(machine, args[0], &text) && as_number(ret, genops_number_parse_float(text));
}

static bool parse_int(ARGUMENTS)
{
	genops_str text;
	double radix;
	/* The digits before the point, where the text has no exponent. */
	if (args[0].type == GENOPS_VALUE_NUMBER && n == 1 && fabs(args[0].as.number) < 1e15 && fabs(args[0].as.number) >= 1)
		return as_number(ret, trunc(args[0].as.number));
	return genops_convert_to_text(machine, args[0], &text) && genops_convert_to_number(machine, args[1], &radix) &&
	       as_number(ret, genops_number_parse_int(text, genops_number_to_int32(radix)));
}

static bool to_number(ARGUMENTS)
{
	double number = 0;
	return (!n || genops_convert_to_number(machine, args[0], &number)) && as_number(ret, number);
}

static bool to_boolean(ARGUMENTS)
{
	return as_boolean(ret, genops_convert_to_boolean(args[0]));
}

static bool to_string(ARGUMENTS)
{
	genops_str text = GENOPS_STR("");
	return (!n || genops_convert_to_text(machine, args[0], &text)) && genops_run_text(machine, text, ret);
}

static bool is_nan(ARGUMENTS)
{
	double number;
	return genops_convert_to_number(machine, args[0], &number) && as_boolean(ret, isnan(number));
}

static bool is_finite(ARGUMENTS)
{
	double number;
	return genops_convert_to_number(machine, args[0], &number) && as_boolean(ret, isfinite(number));
}

static bool number_is_nan(ARGUMENTS)
{
	return as_boolean(ret, args[0].type == GENOPS_VALUE_NUMBER && isnan(args[0].as.number));
}

static bool number_is_finite(ARGUMENTS)
{
	return as_boolean(ret, args[0].type == GENOPS_VALUE_NUMBER && isfinite(args[0].as.number));
}

static bool number_is_integer(ARGUMENTS)
{
	double number = args[0].type == GENOPS_VALUE_NUMBER ? args[0].as.number : NAN;
	return as_boolean(ret, isfinite(number) && trunc(number) == number);
}

static bool number_is_safe(ARGUMENTS)
{
	double number = args[0].type == GENOPS_VALUE_NUMBER ? args[0].as.number : NAN;
	return as_boolean(ret, isfinite(number) && trunc(number) == number && fabs(number) <= 9007199254740991.0);
}

static bool from_char_code(ARGUMENTS)
{
	char units[GENOPS_ARGUMENTS_MAX][4];
	genops_str parts[GENOPS_ARGUMENTS_MAX];
	for (unsigned i = 0; i < n; i++) {
		double number;
		if (!genops_convert_to_number(machine, args[i], &number))
			return false;
		parts[i] = (genops_str){units[i], genops_text_encode((uint32_t)genops_number_to_int32(number) & 0xFFFF, units[i])};
	}
	return genops_run_text(machine, genops_text_join(machine->run->arena, parts, n), ret);
}

/* --- JSON, objects, lists --- */

static bool stringify(ARGUMENTS)
{
	struct genops_buffer *buf = &machine->run->scratch;
	genops_str text;
	genops_buffer_clear(buf);
	buf->max = GENOPS_VALUE_TEXT_MAX;
	if (!genops_value_to_json(args[0], buf))
		return true; /* undefined, of undefined */
	if (buf->error || !genops_arena_dup(machine->run->arena, genops_buffer_view(buf), &text))
		return genops_run_full(machine);
	return genops_run_text(machine, text, ret);
}

/* Of a list or a text: the positions; the elements or units. */
static bool positions(struct genops_machine *machine, struct genops_value of, bool is_keys, struct genops_value *ret)
{
	char digits[GENOPS_NUMBER_TEXT_MAX];
	genops_str text = genops_value_str(of);
	size_t count = of.type == GENOPS_VALUE_LIST ? of.as.list->n : genops_text_length(text);
	struct genops_value_list *list = count > POSITIONS_MAX ? NULL : genops_value_list_new(machine->run->arena, count);
	if (!list)
		return genops_run_full(machine);
	for (uint32_t i = 0; i < list->n; i++) {
		genops_str item;
		if (!is_keys && of.type == GENOPS_VALUE_LIST) {
			list->items[i] = of.as.list->items[i];
			continue;
		}
		if (is_keys && !genops_arena_dup(machine->run->arena, genops_number_to_text(i, digits), &item))
			return genops_run_full(machine);
		if (!is_keys)
			item = genops_text_slice(machine->run->arena, text, i, (size_t)i + 1);
		if (!genops_run_text(machine, item, &list->items[i]))
			return false;
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}

/* Object.keys and Object.values. */
static bool members(ARGUMENTS, bool is_keys)
{
	struct genops_value of = args[0];
	if (genops_value_is_nullish(of))
		return genops_run_throw(machine, "give it a default", "undefined and null have no members");
	if (of.type == GENOPS_VALUE_LIST || of.type == GENOPS_VALUE_TEXT)
		return positions(machine, of, is_keys, ret);
	const struct genops_value_object *object = of.type == GENOPS_VALUE_OBJECT ? genops_value_object_whole(of.as.object) : NULL;
	uint32_t count = object ? object->n : 0;
	struct genops_value_list *list = genops_value_list_new(machine->run->arena, count);
	uint32_t *order = genops_arena_take(machine->run->arena, (count + 1) * sizeof *order);
	if (!list || !order || (of.type == GENOPS_VALUE_OBJECT && !object))
		return genops_run_full(machine);
	if (count)
		genops_value_object_order(object, order);
	for (uint32_t i = 0; i < count; i++) {
		const struct genops_value_member *member = &object->members[order[i]];
		list->items[i] = is_keys ? genops_value_text(member->key.text) : member->value;
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return true;
}

static bool object_keys(ARGUMENTS)
{
	return members(machine, args, n, ret, true);
}

static bool object_values(ARGUMENTS)
{
	return members(machine, args, n, ret, false);
}

static bool is_array(ARGUMENTS)
{
	return as_boolean(ret, args[0].type == GENOPS_VALUE_LIST);
}

/* --- rows --- */

const struct genops_builtin genops_functions[] = {
    {"parseFloat", 1, 1, parse_float, "the number that a text begins with, or NaN"},
    {"parseInt", 1, 2, parse_int, "the integer that a text begins with, or NaN; radix 2 to 36"},
    {"Number", 0, 1, to_number, "the number that all of a text is, or NaN"},
    {"String", 0, 1, to_string, "the value as text"},
    {"Boolean", 0, 1, to_boolean, "false for undefined, null, 0, NaN, '' and false"},
    {"isNaN", 1, 1, is_nan, "is it NaN as a number?"},
    {"isFinite", 1, 1, is_finite, "is it a finite number, converted?"},
    {"Number.isNaN", 1, 1, number_is_nan, "is it NaN?"},
    {"Number.isFinite", 1, 1, number_is_finite, "is it a finite number?"},
    {"Number.isInteger", 1, 1, number_is_integer, "is it an integer?"},
    {"Number.isSafeInteger", 1, 1, number_is_safe, "is it an integer that a number holds exactly?"},
    {"Number.parseFloat", 1, 1, parse_float, "parseFloat"},
    {"Number.parseInt", 1, 2, parse_int, "parseInt"},
    {"String.fromCharCode", 0, GENOPS_ARGUMENTS_MAX, from_char_code, "the text of these UTF-16 units"},
    {"Math.abs", 1, 1, math_abs, "without its sign"},
    {"Math.ceil", 1, 1, math_ceil, "up to an integer"},
    {"Math.floor", 1, 1, math_floor, "down to an integer"},
    {"Math.trunc", 1, 1, math_trunc, "towards 0 to an integer"},
    {"Math.round", 1, 1, math_round, "to the nearest integer, halves up"},
    {"Math.sign", 1, 1, math_sign, "-1, 0 or 1"},
    {"Math.sqrt", 1, 1, math_sqrt, "square root"},
    {"Math.cbrt", 1, 1, math_cbrt, "cube root"},
    {"Math.fround", 1, 1, math_fround, "to single precision"},
    {"Math.exp", 1, 1, math_exp, "e to that power"},
    {"Math.log", 1, 1, math_log, "natural logarithm"},
    {"Math.log2", 1, 1, math_log2, "logarithm to base 2"},
    {"Math.log10", 1, 1, math_log10, "logarithm to base 10"},
    {"Math.pow", 2, 2, math_pow, "as **"},
    {"Math.max", 0, GENOPS_ARGUMENTS_MAX, math_max, "the largest"},
    {"Math.min", 0, GENOPS_ARGUMENTS_MAX, math_min, "the smallest"},
    {"Math.random", 0, 0, math_random, "at least 0, less than 1"},
    {"JSON.stringify", 1, 1, stringify, "the value as JSON"},
    {"Object.keys", 1, 1, object_keys, "the keys of an object"},
    {"Object.values", 1, 1, object_values, "the values of an object"},
    {"Array.isArray", 1, 1, is_array, "is it a list?"},
    {"encodeURIComponent", 1, 1, genops_uri_encode_component, "percent-encoded"},
    {"decodeURIComponent", 1, 1, genops_uri_decode_component, "percent-decoded"},
    {"Date.now", 0, 0, genops_date_now, "milliseconds since 1970"},
    {"Date.parse", 1, 1, genops_date_parse, "milliseconds since 1970 of an ISO 8601 text; without a zone it is UTC"},
    {"Date.UTC", 1, 7, genops_date_utc, "milliseconds since 1970 of year, month from 0, day ..."},
    {"new Date", 0, 1, genops_date_new, "a time, of which a method is called at once"},
    {"Date#toISOString", 1, 1, genops_date_iso, "2026-01-31T12:00:00.000Z"},
    {"Date#toJSON", 1, 1, genops_date_json, "the same, or null"},
    {"Date#getTime", 1, 1, genops_date_time, "milliseconds since 1970"},
    {"Date#valueOf", 1, 1, genops_date_time, "milliseconds since 1970"},
    {"Date#getUTCFullYear", 1, 1, genops_date_year, "year"},
    {"Date#getUTCMonth", 1, 1, genops_date_month, "month, from 0"},
    {"Date#getUTCDate", 1, 1, genops_date_day, "day of the month"},
    {"Date#getUTCDay", 1, 1, genops_date_weekday, "day of the week, Sunday is 0"},
    {"Date#getUTCHours", 1, 1, genops_date_hours, "hours"},
    {"Date#getUTCMinutes", 1, 1, genops_date_minutes, "minutes"},
    {"Date#getUTCSeconds", 1, 1, genops_date_seconds, "seconds"},
    {"Date#getUTCMilliseconds", 1, 1, genops_date_milliseconds, "milliseconds"},
};
const size_t genops_n_functions = sizeof genops_functions / sizeof *genops_functions;

const struct genops_named_constant genops_named_constants[] = {
    {"NaN", NAN},
    {"Infinity", INFINITY},
    {"Math.E", 2.718281828459045},
    {"Math.LN10", 2.302585092994046},
    {"Math.LN2", 0.6931471805599453},
    {"Math.LOG10E", 0.4342944819032518},
    {"Math.LOG2E", 1.4426950408889634},
    {"Math.PI", 3.141592653589793},
    {"Math.SQRT1_2", 0.7071067811865476},
    {"Math.SQRT2", 1.4142135623730951},
    {"Number.EPSILON", 2.220446049250313e-16},
    {"Number.MAX_SAFE_INTEGER", 9007199254740991},
    {"Number.MAX_VALUE", 1.7976931348623157e308},
    {"Number.MIN_SAFE_INTEGER", -9007199254740991},
    {"Number.MIN_VALUE", 5e-324},
    {"Number.NaN", NAN},
    {"Number.NEGATIVE_INFINITY", -INFINITY},
    {"Number.POSITIVE_INFINITY", INFINITY},
};
const size_t genops_n_named_constants = sizeof genops_named_constants / sizeof *genops_named_constants;
