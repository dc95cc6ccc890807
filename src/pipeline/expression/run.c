/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/run.c - the stack machine. The compiler has counted the stack, and jumps only go forward, so that nothing here
 * needs to be checked but the values themselves. */
#include "pipeline/expression/program.h"

#include "pipeline/expression/lexer.h"
#include "pipeline/number_text.h"
#include "pipeline/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* --- failing --- */

bool genops_run_throw(struct genops_machine *machine, const char *fix, const char *format, ...)
{
	char message[300];
	int line, column;
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	machine->code = genops_fail_fix(machine->err, GENOPS_SYNTAX, fix, "%s", message);
	genops_lexer_place(machine->expression->source, machine->place, &line, &column);
	genops_error_place(machine->err, "", line, column);
	return false;
}

bool genops_run_full(struct genops_machine *machine)
{
	int line, column;
	machine->code = genops_fail(machine->err, GENOPS_LIMIT, "a text is over %zu bytes, or the event's memory is used up",
	    GENOPS_VALUE_TEXT_MAX);
	genops_lexer_place(machine->expression->source, machine->place, &line, &column);
	genops_error_place(machine->err, "", line, column);
	return false;
}

bool genops_run_text(struct genops_machine *machine, genops_str text, struct genops_value *ret)
{
	if (!text.ptr || text.len > GENOPS_VALUE_TEXT_MAX)
		return genops_run_full(machine);
	*ret = genops_value_text(text);
	return true;
}

/* --- members --- */

static bool of_nullish(struct genops_machine *machine, struct genops_value of, genops_str key)
{
	return genops_run_throw(machine, "give it a default, as in (field || ''), or write ?. before the name",
	    "%s has no members (%.*s was asked for)", of.type == GENOPS_VALUE_NULL ? "null" : "undefined", key.len < 80 ? (int)key.len : 80,
	    key.ptr ? key.ptr : "");
}

static bool element(struct genops_machine *machine, struct genops_value of, uint32_t index, struct genops_value *ret)
{
	*ret = (struct genops_value){0};
	if (of.type == GENOPS_VALUE_LIST) {
		if (index < of.as.list->n)
			*ret = of.as.list->items[index];
		return true;
	}
	if (genops_text_unit(genops_value_str(of), index) < 0)
		return true;
	return genops_run_text(machine, genops_text_slice(machine->run->arena, genops_value_str(of), index, (size_t)index + 1), ret);
}

static bool member(struct genops_machine *machine, struct genops_value of, const struct genops_value_key *key, struct genops_value *ret)
{
	uint32_t index;
	const struct genops_value *found;
	struct genops_value value = {0};
	switch ((enum genops_value_type)of.type) {
	case GENOPS_VALUE_UNDEFINED:
	case GENOPS_VALUE_NULL:
		return of_nullish(machine, of, key->text);
	case GENOPS_VALUE_OBJECT:
		found = genops_value_object_get(of.as.object, key);
		*ret = found ? *found : value;
		return true;
	case GENOPS_VALUE_TEXT:
	case GENOPS_VALUE_LIST:
		if (genops_str_is(key->text, "length")) {
			*ret = genops_value_number(
			    of.type == GENOPS_VALUE_LIST ? (double)of.as.list->n : (double)genops_text_length(genops_value_str(of)));
			return true;
		}
		if (genops_value_is_index(key->text, &index))
			return element(machine, of, index, ret);
		break;
	default:
		break;
	}
	for (size_t i = 0; i < genops_n_methods; i++) {
		if (genops_str_is(key->text, genops_methods[i].name))
			return genops_run_throw(machine, "call it", "%s is a method", genops_methods[i].name);
	}
	*ret = value;
	return true;
}

static bool at_index(struct genops_machine *machine, struct genops_value of, struct genops_value index, struct genops_value *ret)
{
	genops_str text;
	bool is_sequence = of.type == GENOPS_VALUE_LIST || of.type == GENOPS_VALUE_TEXT;
	double number = index.as.number;
	if (index.type == GENOPS_VALUE_NUMBER && is_sequence && number >= 0 && number < UINT32_MAX && number == floor(number))
		return element(machine, of, (uint32_t)number, ret);
	if (genops_value_is_nullish(of))
		return of_nullish(machine, of, index.type == GENOPS_VALUE_TEXT ? genops_value_str(index) : GENOPS_STR("[...]"));
	if (!genops_convert_to_text(machine, index, &text))
		return false;
	struct genops_value_key key = genops_value_key_of(text);
	return member(machine, of, &key, ret);
}

static bool is_in(struct genops_machine *machine, struct genops_value key, struct genops_value of, struct genops_value *ret)
{
	genops_str text;
	uint32_t index;
	if (of.type != GENOPS_VALUE_OBJECT && of.type != GENOPS_VALUE_LIST)
		return genops_run_throw(machine, "in asks for a member of an object; a part of a text is asked for with includes()",
		    "\"in\" wants an object on its right, not %s", of.type == GENOPS_VALUE_NULL ? "null" : genops_convert_type_name(of));
	if (!genops_convert_to_text(machine, key, &text))
		return false;
	struct genops_value_key wanted = genops_value_key_of(text);
	bool has = of.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(of.as.object, &wanted) != NULL
						  : genops_str_is(text, "length") || (genops_value_is_index(text, &index) && index < of.as.list->n);
	*ret = genops_value_boolean(has);
	return true;
}

/* --- operators --- */

static bool unary(struct genops_machine *machine, enum genops_op op, struct genops_value *value)
{
	double number;
	switch (op) {
	case OP_NOT:
		*value = genops_value_boolean(!genops_convert_to_boolean(*value));
		return true;
	case OP_TYPEOF:
		*value = genops_value_text(genops_str_of(genops_convert_type_name(*value)));
		return true;
	case OP_VOID:
		*value = (struct genops_value){0};
		return true;
	default:
		break;
	}
	if (!genops_convert_to_number(machine, *value, &number))
		return false;
	*value = genops_value_number(op == OP_NEGATE ? -number : op == OP_PLUS ? number : (double)~genops_number_to_int32(number));
	return true;
}

double genops_run_power(double base, double exponent)
{
	if (isnan(exponent) || (fabs(base) == 1 && isinf(exponent)))
		return NAN;
	return pow(base, exponent);
}

static double arithmetic(enum genops_op op, double a, double b)
{
	int32_t left = genops_number_to_int32(a), right = genops_number_to_int32(b);
	uint32_t shift = (uint32_t)right & 31;
	switch (op) {
	case OP_REMAINDER:
		return fmod(a, b);
	case OP_POWER:
		return genops_run_power(a, b);
	case OP_BIT_AND:
		return left & right;
	case OP_BIT_OR:
		return left | right;
	case OP_BIT_XOR:
		return left ^ right;
	case OP_SHIFT_LEFT:
		return (double)(int32_t)((uint32_t)left << shift);
	case OP_SHIFT_RIGHT:
		return left >> shift;
	default:
		return (double)((uint32_t)left >> shift);
	}
}

static bool numeric(struct genops_machine *machine, enum genops_op op, struct genops_value *a, struct genops_value b)
{
	double x = a->as.number, y = b.as.number;
	if ((a->type != GENOPS_VALUE_NUMBER && !genops_convert_to_number(machine, *a, &x)) ||
	    (b.type != GENOPS_VALUE_NUMBER && !genops_convert_to_number(machine, b, &y)))
		return false;
	a->type = GENOPS_VALUE_NUMBER;
	a->as.number = op == OP_SUBTRACT ? x - y : op == OP_MULTIPLY ? x * y : op == OP_DIVIDE ? x / y : arithmetic(op, x, y);
	return true;
}

static bool relation(struct genops_machine *machine, enum genops_op op, struct genops_value *a, struct genops_value b)
{
	int order;
	if (a->type == GENOPS_VALUE_NUMBER && b.type == GENOPS_VALUE_NUMBER) {
		double x = a->as.number, y = b.as.number;
		*a = genops_value_boolean(op == OP_LESS ? x < y : op == OP_LESS_EQUAL ? x <= y : op == OP_GREATER ? x > y : x >= y);
		return true;
	}
	if (!genops_convert_compare(machine, *a, b, &order))
		return false;
	*a = genops_value_boolean(order != 2 && (op == OP_LESS	    ? order < 0
						: op == OP_LESS_EQUAL ? order <= 0
						: op == OP_GREATER    ? order > 0
								      : order >= 0));
	return true;
}

/* a: its left, and where the result goes. */
static bool binary(struct genops_machine *machine, enum genops_op op, struct genops_value *a, struct genops_value b)
{
	bool equal;
	switch (op) {
	case OP_ADD:
		return genops_convert_add(machine, *a, b, a);
	case OP_EQUAL:
	case OP_NOT_EQUAL:
		if (!genops_convert_equal(machine, *a, b, &equal))
			return false;
		*a = genops_value_boolean(equal == (op == OP_EQUAL));
		return true;
	case OP_SAME:
	case OP_NOT_SAME:
		*a = genops_value_boolean(genops_convert_same(*a, b) == (op == OP_SAME));
		return true;
	case OP_LESS:
	case OP_LESS_EQUAL:
	case OP_GREATER:
	case OP_GREATER_EQUAL:
		return relation(machine, op, a, b);
	case OP_IN:
		return is_in(machine, *a, b, a);
	case OP_INDEX:
		return at_index(machine, *a, b, a);
	default:
		return numeric(machine, op, a, b);
	}
}

/* --- calls --- */

static bool join(struct genops_machine *machine, struct genops_value *values, unsigned n)
{
	genops_str parts[GENOPS_EXPRESSION_STACK_MAX];
	size_t len = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!genops_convert_to_text(machine, values[i], &parts[i]))
			return false;
		len += parts[i].len;
	}
	if (len > GENOPS_VALUE_TEXT_MAX)
		return genops_run_full(machine);
	return genops_run_text(machine, genops_text_join(machine->run->arena, parts, n), &values[0]);
}

static bool list(struct genops_machine *machine, struct genops_value *values, unsigned n)
{
	struct genops_value_list *made = genops_value_list_new(machine->run->arena, n);
	if (!made)
		return genops_run_full(machine);
	if (n)
		memcpy(made->items, values, n * sizeof *values);
	values[0] = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = made};
	return true;
}

/* Arguments that were not given are undefined. */
static void fill(struct genops_value *values, unsigned n, unsigned most)
{
	for (unsigned i = n; i < most; i++)
		values[i] = (struct genops_value){0};
}

static bool method(struct genops_machine *machine, const struct genops_method *row, struct genops_value *values, unsigned n)
{
	struct genops_value result = {0}, of = values[0];
	genops_function_fn *call = of.type == GENOPS_VALUE_TEXT	    ? row->on_text
				   : of.type == GENOPS_VALUE_NUMBER ? row->on_number
				   : of.type == GENOPS_VALUE_LIST   ? row->on_list
								    : row->on_other;
	if (genops_value_is_nullish(of))
		return of_nullish(machine, of, genops_str_of(row->name));
	if (!call)
		return genops_run_throw(machine, "convert it first, with String() or parseFloat()", "a value of type %s has no method %s",
		    genops_convert_type_name(of), row->name);
	fill(values, n, row->max + 1U);
	if (!call(machine, values, n, &result))
		return false;
	values[0] = result;
	return true;
}

static bool function(struct genops_machine *machine, const struct genops_builtin *row, struct genops_value *values, unsigned n)
{
	struct genops_value result = {0};
	fill(values, n, row->max);
	if (!row->call(machine, values, n, &result))
		return false;
	values[0] = result;
	return true;
}

/* The instructions that take n values, at `values`, and leave one there. */
static bool call(struct genops_machine *machine, const struct genops_instruction *at, struct genops_value *values)
{
	switch ((enum genops_op)at->op) {
	case OP_JOIN:
		return join(machine, values, at->n);
	case OP_LIST:
		return list(machine, values, at->n);
	case OP_FUNCTION:
		return function(machine, &genops_functions[at->a], values, at->n);
	default:
		return method(machine, &genops_methods[at->a], values, at->n);
	}
}

/* --- the machine --- */

/* Does the jump at `at` go, given what is on top? */
static inline bool goes(const struct genops_instruction *at, struct genops_value top)
{
	switch ((enum genops_op)at->op) {
	case OP_JUMP_FALSE:
	case OP_AND:
		return !genops_convert_to_boolean(top);
	case OP_OR:
		return top.type == GENOPS_VALUE_TEXT ? top.len > 0 : genops_convert_to_boolean(top);
	case OP_COALESCE:
		return !genops_value_is_nullish(top);
	default:
		return genops_value_is_nullish(top);
	}
}

/* What is not done in the loop itself: calls and operators. Behind the last value it leaves; NULL: failed. */
static struct genops_value *other(struct genops_machine *machine, const struct genops_instruction *at, struct genops_value *top)
{
	machine->place = machine->expression->places[at - machine->expression->code];
	switch ((enum genops_op)at->op) {
	case OP_JOIN:
	case OP_LIST:
	case OP_FUNCTION:
	case OP_METHOD:
		top -= at->n;
		return call(machine, at, top) ? top + 1 : NULL;
	case OP_MEMBER:
		return member(machine, top[-1], &machine->expression->keys[at->a], &top[-1]) ? top : NULL;
	default:
		break;
	}
	if (at->op >= OP_NOT && at->op <= OP_VOID)
		return unary(machine, at->op, &top[-1]) ? top : NULL;
	return binary(machine, at->op, &top[-2], top[-1]) ? top - 1 : NULL;
}

/* == and != of what needs no conversion; otherwise false, and nothing is done. */
static inline bool quick_equal(struct genops_value *a, const struct genops_value *b, bool is_equal)
{
	bool same;
	if (a->type == GENOPS_VALUE_TEXT && b->type == GENOPS_VALUE_TEXT)
		same = a->len == b->len && (a->as.text == b->as.text || memcmp(a->as.text, b->as.text, a->len) == 0);
	else if (b->type <= GENOPS_VALUE_NULL || a->type <= GENOPS_VALUE_NULL)
		same = b->type <= GENOPS_VALUE_NULL && a->type <= GENOPS_VALUE_NULL;
	else if (a->type == GENOPS_VALUE_BOOLEAN && b->type == GENOPS_VALUE_BOOLEAN)
		same = a->as.boolean == b->as.boolean;
	else
		return false;
	*a = genops_value_boolean(same == is_equal);
	return true;
}

/* The members of a field that is an object, which nearly all are. False: see member(). */
static inline bool quick_member(
    const struct genops_value_object *event, const struct genops_value_key *keys, const struct genops_instruction *at, struct genops_value *ret)
{
	const struct genops_value *found = event ? genops_value_object_get(event, &keys[at->a]) : NULL;
	*ret = found ? *found : (struct genops_value){0};
	if (ret->type != GENOPS_VALUE_OBJECT)
		return false;
	found = genops_value_object_get(ret->as.object, &keys[at->b]);
	*ret = found ? *found : (struct genops_value){0};
	return true;
}

/* All of it; behind the value it leaves, or NULL: failed. */
static struct genops_value *run_all(struct genops_machine *machine, struct genops_value *top)
{
	const struct genops_expression *expression = machine->expression;
	const struct genops_instruction *at = expression->code, *end = at + expression->n_code;
	const struct genops_value_object *event = machine->event.type == GENOPS_VALUE_OBJECT ? machine->event.as.object : NULL;
	const struct genops_value *found;
	while (at < end && top) {
		switch ((enum genops_op)at->op) {
		case OP_CONSTANT:
			*top++ = expression->constants[at->a];
			break;
		case OP_EVENT:
			*top++ = machine->event;
			break;
		case OP_FIELD:
			found = event ? genops_value_object_get(event, &expression->keys[at->a]) : NULL;
			*top++ = found ? *found : (struct genops_value){0};
			break;
		case OP_FIELD_MEMBER:
			if (!quick_member(event, expression->keys, at, top)) {
				machine->place = expression->places[at - expression->code];
				if (!member(machine, *top, &expression->keys[at->b], top))
					return NULL;
			}
			top++;
			break;
		case OP_EQUAL:
		case OP_NOT_EQUAL:
			top = quick_equal(&top[-2], &top[-1], at->op == OP_EQUAL) ? top - 1 : other(machine, at, top);
			break;
		case OP_POP:
			top--;
			break;
		case OP_JUMP:
			at = expression->code + at->a;
			continue;
		case OP_JUMP_FALSE:
		case OP_AND:
		case OP_OR:
		case OP_COALESCE: {
			bool does_go = goes(at, top[-1]);
			top -= at->op == OP_JUMP_FALSE || !does_go;
			at = does_go ? expression->code + at->a : at + 1;
			continue;
		}
		case OP_OPTIONAL:
			if (!goes(at, top[-1]))
				break;
			top[-1] = (struct genops_value){0};
			at = expression->code + at->a;
			continue;
		default:
			top = other(machine, at, top);
			break;
		}
		at++;
	}
	return top;
}

int genops_expression_evaluate(const struct genops_expression *expression, struct genops_value event,
    struct genops_expression_run *run, struct genops_value *ret_value, struct genops_error *err)
{
	struct genops_machine machine = {.expression = expression, .run = run, .event = event, .err = err};
	struct genops_value stack[GENOPS_EXPRESSION_STACK_MAX + 1];
	if (!run_all(&machine, stack))
		return machine.code;
	*ret_value = stack[0];
	return GENOPS_OK;
}

int genops_expression_text(const struct genops_expression *expression, struct genops_value value, struct genops_expression_run *run,
    genops_str *ret_text, struct genops_error *err)
{
	struct genops_machine machine = {.expression = expression, .run = run, .err = err};
	genops_str text;
	if (!genops_convert_to_text(&machine, value, &text))
		return machine.code;
	*ret_text = text;
	return GENOPS_OK;
}
