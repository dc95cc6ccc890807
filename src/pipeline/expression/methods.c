/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/methods.c - the methods that values have, a row each; those of numbers and of all values are here. */
#include "pipeline/expression/functions.h"

#include "pipeline/number_text.h"

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

static bool as_text(struct genops_machine *machine, genops_str text, struct genops_value *ret)
{
	genops_str copy;
	if (!genops_arena_dup(machine->run->arena, text, &copy))
		return genops_run_full(machine);
	return genops_run_text(machine, copy, ret);
}

/* An argument that counts digits; `name` is the method's. */
static bool digits_of(struct genops_machine *machine, struct genops_value value, int least, const char *name, int *ret)
{
	double digits;
	if (!genops_convert_to_number(machine, value, &digits))
		return false;
	digits = genops_number_to_integer(digits);
	if (digits < least || digits > 100)
		return genops_run_throw(machine, "", "RangeError: %s wants %d to 100 digits", name, least);
	*ret = (int)digits;
	return true;
}

static bool to_fixed(ARGUMENTS)
{
	char text[GENOPS_NUMBER_TEXT_MAX];
	int digits;
	return digits_of(machine, args[1], 0, "toFixed()", &digits) &&
	       as_text(machine, genops_number_to_fixed(args[0].as.number, digits, text), ret);
}

static bool to_precision(ARGUMENTS)
{
	char text[GENOPS_NUMBER_TEXT_MAX];
	int digits;
	double number = args[0].as.number;
	if (args[1].type == GENOPS_VALUE_UNDEFINED || number - number != 0) /* not finite: any number of digits */
		return as_text(machine, genops_number_to_text(number, text), ret);
	return digits_of(machine, args[1], 1, "toPrecision()", &digits) && as_text(machine, genops_number_to_precision(number, digits, text), ret);
}

static bool to_exponential(ARGUMENTS)
{
	char text[GENOPS_NUMBER_TEXT_MAX];
	int digits = -1;
	double number = args[0].as.number;
	if (number - number != 0)
		return as_text(machine, genops_number_to_text(number, text), ret);
	if (args[1].type != GENOPS_VALUE_UNDEFINED && !digits_of(machine, args[1], 0, "toExponential()", &digits))
		return false;
	return as_text(machine, genops_number_to_exponential(number, digits, text), ret);
}

static bool number_to_string(ARGUMENTS)
{
	char text[GENOPS_NUMBER_TEXT_MAX];
	double radix = 10;
	if (args[1].type != GENOPS_VALUE_UNDEFINED && !genops_convert_to_number(machine, args[1], &radix))
		return false;
	radix = genops_number_to_integer(radix);
	if (radix < 2 || radix > 36)
		return genops_run_throw(machine, "", "RangeError: toString() wants a radix of 2 to 36");
	return as_text(machine, genops_number_to_radix(args[0].as.number, (int)radix, text), ret);
}

static bool value_of(ARGUMENTS)
{
	*ret = args[0];
	return true;
}

static bool to_string(ARGUMENTS)
{
	genops_str text;
	return genops_convert_to_text(machine, args[0], &text) && genops_run_text(machine, text, ret);
}

static bool has_own(ARGUMENTS)
{
	genops_str text;
	if (args[0].type != GENOPS_VALUE_OBJECT)
		return genops_run_throw(machine, "", "hasOwnProperty() is asked of an object");
	if (!genops_convert_to_text(machine, args[1], &text))
		return false;
	struct genops_value_key key = genops_value_key_of(text);
	*ret = genops_value_boolean(genops_value_object_get(args[0].as.object, &key) != NULL);
	return true;
}

#define MANY (GENOPS_ARGUMENTS_MAX - 1)

const struct genops_method genops_methods[] = {
    {"toFixed", 0, 1, NULL, to_fixed, NULL, NULL, "so many digits behind the point"},
    {"toPrecision", 0, 1, NULL, to_precision, NULL, NULL, "so many digits"},
    {"toExponential", 0, 1, NULL, to_exponential, NULL, NULL, "with an exponent"},
    {"toString", 0, 1, to_string, number_to_string, to_string, to_string, "as text; a number in radix 2 to 36"},
    {"valueOf", 0, 0, value_of, value_of, value_of, value_of, "itself"},
    {"toUpperCase", 0, 0, genops_method_upper, NULL, NULL, NULL, "in capitals"},
    {"toLowerCase", 0, 0, genops_method_lower, NULL, NULL, NULL, "in small letters"},
    {"trim", 0, 0, genops_method_trim, NULL, NULL, NULL, "without white space around it"},
    {"trimStart", 0, 0, genops_method_trim_start, NULL, NULL, NULL, "without white space before it"},
    {"trimEnd", 0, 0, genops_method_trim_end, NULL, NULL, NULL, "without white space behind it"},
    {"includes", 1, 2, genops_method_includes, NULL, genops_method_list_includes, NULL, "is it part of the text, or in the list?"},
    {"startsWith", 1, 2, genops_method_starts_with, NULL, NULL, NULL, "does the text begin so?"},
    {"endsWith", 1, 2, genops_method_ends_with, NULL, NULL, NULL, "does the text end so?"},
    {"indexOf", 1, 2, genops_method_index_of, NULL, genops_method_list_index_of, NULL, "where it first is, or -1"},
    {"lastIndexOf", 1, 2, genops_method_last_index_of, NULL, genops_method_list_last_index_of, NULL, "where it last is, or -1"},
    {"slice", 0, 2, genops_method_slice, NULL, genops_method_list_slice, NULL, "from, to; negative ones count from the end"},
    {"substring", 0, 2, genops_method_substring, NULL, NULL, NULL, "from, to"},
    {"substr", 0, 2, genops_method_substr, NULL, NULL, NULL, "from, length"},
    {"charAt", 0, 1, genops_method_char_at, NULL, NULL, NULL, "the character there, or ''"},
    {"charCodeAt", 0, 1, genops_method_unit_at, NULL, NULL, NULL, "the UTF-16 unit there, or NaN"},
    {"codePointAt", 0, 1, genops_method_code_at, NULL, NULL, NULL, "the code point there"},
    {"at", 0, 1, genops_method_at, NULL, genops_method_list_at, NULL, "what is there; negative ones count from the end"},
    {"concat", 0, MANY, genops_method_concat, NULL, genops_method_list_concat, NULL, "one behind the other"},
    {"repeat", 0, 1, genops_method_repeat, NULL, NULL, NULL, "so many times"},
    {"padStart", 1, 2, genops_method_pad_start, NULL, NULL, NULL, "filled to a length, at the beginning"},
    {"padEnd", 1, 2, genops_method_pad_end, NULL, NULL, NULL, "filled to a length, at the end"},
    {"split", 0, 2, genops_method_split, NULL, NULL, NULL, "a list of the parts between texts or matches of a pattern"},
    {"join", 0, 1, NULL, NULL, genops_method_list_join, NULL, "a list as text"},
    {"replace", 2, 2, genops_method_replace, NULL, NULL, NULL, "the first, or with /g each match, replaced by a text"},
    {"replaceAll", 2, 2, genops_method_replace_all, NULL, NULL, NULL, "each replaced"},
    {"match", 1, 1, genops_method_match, NULL, NULL, NULL, "the match of a pattern and its groups, with /g all matches, or null"},
    {"search", 1, 1, genops_method_search, NULL, NULL, NULL, "where a pattern matches, or -1"},
    {"test", 0, 1, NULL, NULL, NULL, genops_method_test, "does the pattern match the text?"},
    {"exec", 0, 1, NULL, NULL, NULL, genops_method_exec, "the match of the pattern and its groups, or null"},
    {"hasOwnProperty", 1, 1, NULL, NULL, NULL, has_own, "has the object that key?"},
};
const size_t genops_n_methods = sizeof genops_methods / sizeof *genops_methods;
