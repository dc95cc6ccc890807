/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function.c - see function.h: the rows, and what the kinds of processors have in common while they run. */
#include "pipeline/function.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define X(name) extern const struct genops_function_type genops_function_type_##name;
GENOPS_FUNCTION_TYPES(X)
#undef X

static const struct genops_function_type *const types[] = {
#define X(name) &genops_function_type_##name,
    GENOPS_FUNCTION_TYPES(X)
#undef X
    NULL};

const struct genops_function_type *const *genops_function_types(void)
{
	return types;
}

const struct genops_function_type *genops_function_type_find(genops_str name)
{
	for (size_t i = 0; types[i]; i++) {
		if (genops_str_is(name, types[i]->name))
			return types[i];
	}
	return NULL;
}

void genops_function_failed(struct genops_pipeline_run *run, const struct genops_place *place, struct genops_pipeline_count *count)
{
	if (count->n_failed++ == 0 && run->fault)
		run->fault(run->fault_arg, run->pipeline, place, &run->error);
}

void genops_function_fault(struct genops_pipeline_run *run, const struct genops_place *place, struct genops_pipeline_count *count, int code,
    const char *format, ...)
{
	char message[400];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	genops_fail(&run->error, code, "%s", message);
	genops_function_failed(run, place, count);
}
