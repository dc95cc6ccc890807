/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/methods_list.c - the methods of lists; none changes its list. args[0] is the list. */
#include "pipeline/expression/functions.h"

#include "pipeline/number_text.h"

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

bool genops_method_list_includes(ARGUMENTS)
{
	const struct genops_value_list *list = args[0].as.list;
	size_t i;
	if (!genops_convert_position(machine, args[2], list->n, true, 0, &i))
		return false;
	while (i < list->n && !genops_convert_same_or_nan(list->items[i], args[1]))
		i++;
	*ret = genops_value_boolean(i < list->n);
	return true;
}

bool genops_method_list_index_of(ARGUMENTS)
{
	const struct genops_value_list *list = args[0].as.list;
	size_t i;
	if (!genops_convert_position(machine, args[2], list->n, true, 0, &i))
		return false;
	while (i < list->n && !genops_convert_same(list->items[i], args[1]))
		i++;
	*ret = genops_value_number(i < list->n ? (double)i : -1);
	return true;
}

bool genops_method_list_last_index_of(ARGUMENTS)
{
	const struct genops_value_list *list = args[0].as.list;
	double from = (double)list->n - 1;
	if (n > 2) {
		if (!genops_convert_to_number(machine, args[2], &from))
			return false;
		from = genops_number_to_integer(from);
		from = from < 0 ? from + (double)list->n : from;
	}
	from = from > (double)list->n - 1 ? (double)list->n - 1 : from;
	int64_t i = from < 0 ? -1 : (int64_t)from;
	while (i >= 0 && !genops_convert_same(list->items[i], args[1]))
		i--;
	*ret = genops_value_number((double)i);
	return true;
}

bool genops_method_list_join(ARGUMENTS)
{
	genops_str between = GENOPS_STR(","), text;
	if (args[1].type != GENOPS_VALUE_UNDEFINED && !genops_convert_to_text(machine, args[1], &between))
		return false;
	return genops_convert_join(machine, args[0].as.list, between, &text) && genops_run_text(machine, text, ret);
}

bool genops_method_list_slice(ARGUMENTS)
{
	const struct genops_value_list *list = args[0].as.list;
	size_t from, to;
	if (!genops_convert_position(machine, args[1], list->n, true, 0, &from) ||
	    !genops_convert_position(machine, args[2], list->n, true, list->n, &to))
		return false;
	size_t count = from < to ? to - from : 0;
	struct genops_value_list *part = genops_value_list_new(machine->run->arena, count);
	if (!part)
		return genops_run_full(machine);
	if (count)
		memcpy(part->items, list->items + from, count * sizeof *part->items);
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = part};
	return true;
}

bool genops_method_list_concat(ARGUMENTS)
{
	size_t count = 0, at = 0;
	for (unsigned i = 0; i < n; i++)
		count += args[i].type == GENOPS_VALUE_LIST ? args[i].as.list->n : 1;
	struct genops_value_list *all = genops_value_list_new(machine->run->arena, count);
	if (!all)
		return genops_run_full(machine);
	for (unsigned i = 0; i < n; i++) {
		bool is_list = args[i].type == GENOPS_VALUE_LIST;
		size_t more = is_list ? args[i].as.list->n : 1;
		if (more)
			memcpy(all->items + at, is_list ? args[i].as.list->items : &args[i], more * sizeof *all->items);
		at += more;
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = all};
	return true;
}

bool genops_method_list_at(ARGUMENTS)
{
	const struct genops_value_list *list = args[0].as.list;
	double at;
	if (!genops_convert_to_number(machine, args[1], &at))
		return false;
	at = genops_number_to_integer(at);
	at = at < 0 ? at + (double)list->n : at;
	if (at >= 0 && at < (double)list->n)
		*ret = list->items[(size_t)at];
	return true;
}
