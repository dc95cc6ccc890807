/* SPDX-License-Identifier: Apache-2.0
 * destination_table.h - how each destination is doing, for `genops destination list` and `genops status`. */
#ifndef CLI_DESTINATION_TABLE_H
#define CLI_DESTINATION_TABLE_H

#include <genops/destination.h>

/* [{"name": ...}, ...] on standard output, without a line's end. */
int destination_table_json(genops_engine *engine, struct genops_error *err);
/* A table, and below it what is wrong; nothing if there are no destinations. */
int destination_table_print(genops_engine *engine, struct genops_error *err);

#endif
