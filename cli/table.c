/* SPDX-License-Identifier: Apache-2.0
 * table.c - see table.h. Widths are counted in UTF-8 code points. */
#include "table.h"

#include <stdlib.h>
#include <unistd.h>

#define GAP      2
#define ROOM_MAX 40 /* a longer cell moves the rest of its own row, not every row */

struct table {
	const struct table_column *columns;
	size_t n_columns, n_cells, cap, at; /* at: next column of the row being filled */
	char **cells;
};

struct table *table_new(const struct table_column *columns)
{
	struct table *table = calloc(1, sizeof *table);
	if (!table)
		return NULL;
	table->columns = columns;
	while (columns[table->n_columns].title)
		table->n_columns++;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void table_begin_row(struct table *table)
{
	if (!table)
		return;
	if (table->n_cells + table->n_columns > table->cap) {
		size_t cap = table->cap ? 2 * table->cap : 16 * table->n_columns;
		char **grown = realloc(table->cells, cap * sizeof *grown);
		if (!grown) {
			table->at = table->n_columns; /* the row has no place */
			return;
		}
		table->cells = grown;
		table->cap = cap;
	}
	for (size_t i = 0; i < table->n_columns; i++)
		table->cells[table->n_cells++] = NULL;
	table->at = 0;
}

void table_add_view(struct table *table, genops_str text)
{
	if (!table || table->at >= table->n_columns || !table->n_cells)
		return;
	char *cell = malloc(text.len + 1);
	size_t n = 0;
	for (size_t i = 0; cell && i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		/* U+0080 to U+009F are control characters too. */
		bool is_c1 = c == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0;
		cell[n++] = c < 0x20 || c == 0x7f || is_c1 ? '?' : text.ptr[i];
		i += is_c1;
	}
	if (cell)
		cell[n] = '\0';
	table->cells[table->n_cells - table->n_columns + table->at++] = cell;
}

void table_add(struct table *table, const char *text)
{
	table_add_view(table, genops_str_of(text));
}

bool table_is_empty(const struct table *table)
{
	return !table || !table->n_cells;
}

static size_t width(const char *text)
{
	size_t n = 0;
	for (; text && *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

static void print_cell(FILE *out, const char *text, size_t room, bool is_number, bool is_last)
{
	size_t pad = room > width(text) ? room - width(text) : 0;
	if (is_number)
		fprintf(out, "%*s%s", (int)pad, "", text);
	else
		fprintf(out, "%s%*s", text, is_last ? 0 : (int)pad, "");
	if (!is_last)
		fprintf(out, "%*s", GAP, "");
}

void table_print(const struct table *table, FILE *out)
{
	if (!table)
		return;
	size_t *rooms = calloc(table->n_columns, sizeof *rooms);
	if (!rooms)
		return;
	for (size_t i = 0; i < table->n_columns; i++)
		rooms[i] = width(table->columns[i].title);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t w = width(table->cells[i]);
		w = w < ROOM_MAX ? w : ROOM_MAX;
		if (w > rooms[i % table->n_columns])
			rooms[i % table->n_columns] = w;
	}
	bool is_bold = isatty(fileno(out)) && !getenv("NO_COLOR");
	fputs(is_bold ? "\033[1m" : "", out);
	for (size_t i = 0; i < table->n_columns; i++)
		print_cell(out, table->columns[i].title, rooms[i], table->columns[i].is_number, i + 1 == table->n_columns);
	fputs(is_bold ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t column = i % table->n_columns;
		print_cell(out, table->cells[i] ? table->cells[i] : "", rooms[column], table->columns[column].is_number,
		    column + 1 == table->n_columns);
		if (column + 1 == table->n_columns)
			fputc('\n', out);
	}
	free(rooms);
}
