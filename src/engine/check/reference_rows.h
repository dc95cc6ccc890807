/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference_rows.h - what the reference pages share: cells, and option rows as a table. */
#ifndef ENGINE_REFERENCE_ROWS_H
#define ENGINE_REFERENCE_ROWS_H

#include "base/buffer.h"
#include "base/option.h"

/* A cell of a table: | would end it. */
void genops_reference_rows_cell(struct genops_buffer *out, const char *text);

/* The rows as a table of key, value, default, meaning. */
void genops_reference_rows(struct genops_buffer *out, const struct genops_option *rows);

/* Gives the finished page away. Errors: NOMEM. */
GENOPS_NODISCARD int genops_reference_rows_take(
    struct genops_buffer *out, char **ret_text, size_t *ret_len, struct genops_error *err);

#endif
