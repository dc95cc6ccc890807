/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/drop.c - ends the event, in this pipeline only. Every function has a filter: without one it drops all. */
#include "pipeline/function.h"

#include "base/option.h"

static const struct genops_option rows[] = {{NULL}};

static int drop_read(const struct genops_yaml_node *node, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_function *function, struct genops_error *err)
{
	function->n_counts = 1;
	return GENOPS_OK;
}

static int drop_apply(const struct genops_function *function, struct genops_pipeline_run *run, struct genops_value_object *event,
    struct genops_pipeline_count *counts, bool *ret_is_dropped, struct genops_error *err)
{
	*ret_is_dropped = true;
	return GENOPS_OK;
}

const struct genops_function_type genops_function_type_drop = {
    .name = "drop", .summary = "Ends the event, in this pipeline only: those that its filter says yes to, or all", .rows = rows, .read = drop_read, .apply = drop_apply};
