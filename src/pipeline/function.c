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

static void tell(struct genops_pipeline_run *run, const struct genops_place *place, struct genops_pipeline_count *count)
{
	if (count->n_failed++ == 0 && run->fault)
		run->fault(run->fault_arg, run->pipeline, place, &run->error);
}

bool genops_function_evaluate(struct genops_pipeline_run *run, const struct genops_expression *expression, const struct genops_place *place,
    const struct genops_value_object *event, struct genops_pipeline_count *count, struct genops_value *ret_value)
{
	struct genops_value over = {.type = GENOPS_VALUE_OBJECT, .as.object = (struct genops_value_object *)(uintptr_t)event};
	/* Only the first failure is told, so only that one needs its words. */
	struct genops_error *err = count->n_failed ? NULL : &run->error;
	if (genops_expression_evaluate(expression, over, &run->expression, ret_value, err) == GENOPS_OK)
		return true;
	*ret_value = (struct genops_value){0};
	tell(run, place, count);
	return false;
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
	tell(run, place, count);
}
