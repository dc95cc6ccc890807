/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_statement.h - the SQL that adds events to a table, each once, and the request's body around it. Pure.
 *
 * One MERGE with one bound text, a JSON array of the rows: what has its event's id in the table already is not added again, whenever and
 * in whatever company it comes again. (An INSERT with bound arrays cannot say that, and the request's own id is known for a
 * while only.) Names of tables are quoted, never put into the SQL as they come.
 */
#ifndef EXPORT_SNOWFLAKE_STATEMENT_H
#define EXPORT_SNOWFLAKE_STATEMENT_H

#include "base/arena.h"
#include "export/snowflake/snowflake_settings.h"

/* [database.][schema.]table as SQL reads it (what is not in quotes is upper case), with all parts quoted, in the arena. CONFIG, NOMEM. */
GENOPS_NODISCARD int genops_snowflake_statement_table(genops_str name, struct genops_arena *arena, genops_str *ret, struct genops_error *err);

/* Which table an item is for: its route's, else the destination's. Borrowed, or in the arena. NOMEM. */
GENOPS_NODISCARD int genops_snowflake_statement_table_of(const struct genops_snowflake_settings *own, const struct genops_destination_item *item,
    struct genops_arena *arena, genops_str *ret, struct genops_error *err);

/* Appends the body of POST /api/v2/statements for the batch's first items, up to one for another table: *ret_n. CONFIG, NOMEM; check
 * out->error, too. */
GENOPS_NODISCARD int genops_snowflake_statement_write(const struct genops_snowflake_settings *own, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_buffer *out, size_t *ret_n, struct genops_error *err);

#endif
