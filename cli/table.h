/* SPDX-License-Identifier: Apache-2.0
 * table.h - rows of texts in aligned columns. A table that ran out of memory prints what it has. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <genops/attribute.h>

#include <stdio.h>

struct table_column {
	const char *title; /* NULL ends the columns */
	bool is_number;    /* right-aligned */
};

struct table;

struct table *table_new(const struct table_column *columns); /* `columns` is borrowed; NULL: no memory, every call below does nothing */
void table_free(struct table *table);
bool table_is_empty(const struct table *table); /* no row */
void table_begin_row(struct table *table);
/* The next cell; control characters become '?'. Cells beyond the last column are ignored. */
void table_add(struct table *table, const char *text);
void table_add_view(struct table *table, genops_str text);
/* Titles, then the rows. Titles are bold on a terminal, unless NO_COLOR is set. */
void table_print(const struct table *table, FILE *out);

#endif
