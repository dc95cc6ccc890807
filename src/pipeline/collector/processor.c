/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor.c - the table of processor types, and how an instance's name finds its row. */
#include "pipeline/collector/processor.h"

#include "base/str.h"

static const struct genops_processor_type *const types[] = {
#define X(name) &genops_processor_type_##name,
    GENOPS_PROCESSOR_TYPES(X)
#undef X
	NULL};

#define N_TYPES (sizeof types / sizeof *types - 1)

/* "filter" and "filter/team", but not "filters". Type names have a slash themselves: "genops/cost_aggregator". */
const struct genops_processor_type *genops_processor_type_find(genops_str name)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		genops_str type = genops_str_of(types[i]->name);
		bool has_name = name.len > type.len + 1 && name.ptr[type.len] == '/';
		if (genops_str_starts(name, type) && (name.len == type.len || has_name))
			return types[i];
	}
	return NULL;
}

const char *genops_processor_type_nearest(genops_str name)
{
	const char *names[N_TYPES];
	genops_str rest = name, first = genops_str_split(&rest, '/');
	for (size_t i = 0; i < N_TYPES; i++)
		names[i] = types[i]->name;
	const char *nearest = genops_str_nearest(name, names, N_TYPES);
	return nearest ? nearest : genops_str_nearest(first, names, N_TYPES);
}

const struct genops_processor_type *const *genops_processor_types(void)
{
	return types;
}
