/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference_expressions.c - see reference_expressions.h: functions, methods and constants from their rows; the examples of
 * syntax are evaluated by a test, which also asks Node. */
#include "engine/check/reference_expressions.h"

#include "base/str.h"
#include "engine/check/reference_rows.h"
#include "pipeline/expression/program.h"
#include "pipeline/template.h"

static const struct {
	const char *what, *example, *value;
} syntax[] = {
    {"text, with JavaScript's escapes", "'a\\u00e4' + \"b\"", "\"aäb\""},
    {"number: decimal, exponent, hexadecimal, octal, binary, `_` between digits", "0x1f + 1_000 + .5", "1031.5"},
    {"`true`, `false`, `null`, `undefined`, `NaN`, `Infinity`", "null == undefined", "true"},
    {"field of the event; one that is missing is undefined", "no_such_field === undefined", "true"},
    {"the event itself", "__e['no.such.field']", "undefined"},
    {"member by name, by key, by position", "[['a', 'b'].length, ['a', 'b'][1], 'ab'[0]]", "[2,\"b\",\"a\"]"},
    {"member, or undefined where there is nothing it could be of", "no_such_field?.name", "undefined"},
    {"template; `$${...}` is a dollar and a value", "`$${(12.5).toFixed(2)} of ${1 + 1}`", "\"$12.50 of 2\""},
    {"list", "['HIPAA', 'GDPR'].includes('GDPR')", "true"},
    {"pattern, with the flags g, i, m, s, u", "/^gpt-(\\d)/i.exec('GPT-4o')[1]", "\"4\""},
    {"call of a function or method below", "parseFloat('12.9kg')", "12.9"},
    {"a time: `new Date(...)` and at once a method", "new Date(0).toISOString()", "\"1970-01-01T00:00:00.000Z\""},
    {"`? :`", "2 > 1 ? 'more' : 'less'", "\"more\""},
    {"`&&` `\\|\\|` `??`: the operand that decides", "'' || 'unknown'", "\"unknown\""},
    {"`==` `!=`, converting; `===` `!==`, not", "['1' == 1, '1' === 1, true == 'true']", "[true,false,false]"},
    {"`<` `<=` `>` `>=`: numbers, or texts by UTF-16 units", "'10' < '9' && 10 > 9", "true"},
    {"`+` `-` `*` `/` `%` `**`", "7 % 4 + 2 ** 3", "11"},
    {"`&` `\\|` `^` `~` `<<` `>>` `>>>`", "~5 & 0xff", "250"},
    {"`!` `-` `+` `typeof` `void`", "typeof -'1'", "\"number\""},
    {"`in`: has the object that key?", "'a' in __e", "false"},
    {"comments", "1 /* one */ + 1 // two", "2"},
};

static void add_syntax(struct genops_buffer *out)
{
	genops_buffer_add_text(out, "\n## Syntax\n\n| construct | example | value |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof syntax / sizeof *syntax; i++) {
		genops_buffer_printf(out, "| %s | `` ", syntax[i].what);
		genops_reference_rows_cell(out, syntax[i].example);
		genops_buffer_printf(out, " `` | `%s` |\n", syntax[i].value);
	}
	genops_buffer_add_text(out,
	    "\nAssignments, declarations, functions of one's own, objects written out, loops, `instanceof`, tagged templates, BigInt and\n"
	    "local time are outside: a load error that says where and what to write instead.\n");
}

static void add_functions(struct genops_buffer *out)
{
	genops_buffer_add_text(out, "\n## Functions\n\n| function | result |\n| --- | --- |\n");
	for (size_t i = 0; i < genops_n_functions; i++) {
		const struct genops_builtin *row = &genops_functions[i];
		bool is_date = genops_str_starts(genops_str_of(row->name), GENOPS_STR("Date#"));
		genops_buffer_printf(out, "| `%s%s` | ", is_date ? "new Date(...)." : "", is_date ? row->name + 5 : row->name);
		genops_reference_rows_cell(out, row->text);
		genops_buffer_add_text(out, " |\n");
	}
	genops_buffer_add_text(out, "\nConstants:");
	for (size_t i = 0; i < genops_n_named_constants; i++)
		genops_buffer_printf(out, "%s `%s`", i ? "," : "", genops_named_constants[i].name);
	genops_buffer_add_text(out, ".\n");
}

static void add_methods(struct genops_buffer *out)
{
	genops_buffer_add_text(out, "\n## Methods\n\n| method | of | result |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < genops_n_methods; i++) {
		const struct genops_method *row = &genops_methods[i];
		const char *others = genops_str_is(genops_str_of(row->name), "hasOwnProperty") ? "objects"
				     : row->on_text					       ? "all"
										       : "patterns";
		genops_buffer_printf(out, "| `%s` |", row->name);
		if (row->on_other)
			genops_buffer_printf(out, " %s", others);
		else
			genops_buffer_printf(out, "%s%s%s%s", row->on_text ? " texts" : "", row->on_number ? " numbers" : "",
			    row->on_text && row->on_list ? "," : "", row->on_list ? " lists" : "");
		genops_buffer_printf(out, " | %s |\n", row->text);
	}
}

void genops_reference_expressions(struct genops_buffer *out)
{
	genops_buffer_add_text(out,
	    "# Expressions\n\n"
	    "The language of pipelines: JavaScript, of which this is what there is, with JavaScript's own results to the last digit; tests ask\n"
	    "Node. `genops pipeline eval EXPRESSION --event FILE` tries one.\n\n"
	    "An expression is compiled once, whatever number of events it sees. What JavaScript would throw when it runs (a method of undefined) is\n"
	    "an error of that event, never of the process.\n");
	add_syntax(out);
	add_functions(out);
	add_methods(out);
	genops_buffer_printf(out,
	    "\n## Templates\n\n"
	    "A text with `${...}`: an expression, a variable of the environment in capitals (`${API_KEY}`, put in when the template is\n"
	    "compiled), `${_time:%%Y/%%m/%%d}` (of the event's `_time` or now, UTC) or `${_random:6}`; at most %d. A payload stays JSON whatever the\n"
	    "fields hold: inside of quotes a value is text, escaped; outside it is a JSON value, where a text that is JSON goes in as it is,\n"
	    "any other in quotes, and undefined, NaN and infinities are null. An expression that fails leaves its place empty.\n",
	    GENOPS_TEMPLATE_PLACES_MAX);
	genops_buffer_printf(out,
	    "\n## Where it differs from JavaScript\n\n"
	    "- Objects have no prototype: `'toString' in __e` is false, `constructor`, `prototype` and `__proto__` are not reachable.\n"
	    "- A name that JavaScript has (`Math`, `Date`, ...) is not a field; such a field is `__e['Date']`.\n"
	    "- Patterns work on code points, as with the flag `u`. A repeated group may not have a capturing group in it.\n"
	    "- A date's text is ISO 8601; without a zone it is UTC. There is no local time.\n"
	    "- Digits of `**`, `Math.pow`, `Math.exp`, `Math.cbrt` and logarithms may differ in the last place.\n\n"
	    "## Bounds\n\n"
	    "Source %zu bytes, %d levels of nesting, a text %zu bytes; a pattern %s. Passing one is an error with its place.\n",
	    GENOPS_EXPRESSION_LEN_MAX, GENOPS_EXPRESSION_DEPTH_MAX, GENOPS_VALUE_TEXT_MAX, "200,000 steps a search");
}
