/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lookup_table.h - tables that pipelines look things up in: CSV, as values of texts, by one or several columns.
 *
 * A table is immutable; the file is somebody else's to read (engine/config), again every reload_interval: a changed one is parsed aside
 * and swapped in, a bad or missing one leaves the last good table and is told. RFC 4180; a "#" begins no comment. As in Cribl, values are
 * texts, and of several rows with one key the last one counts.
 */
#ifndef PIPELINE_LOOKUP_TABLE_H
#define PIPELINE_LOOKUP_TABLE_H

#include "codec/yaml.h"
#include "pipeline/value.h"

#define GENOPS_LOOKUP_BYTES_MAX   ((size_t)64 << 20)
#define GENOPS_LOOKUP_COLUMNS_MAX 256
#define GENOPS_LOOKUP_KEYS_MAX    8

struct genops_lookup_settings {              /* a document of `lookups` */
	genops_str id, description, file;
	bool is_case_sensitive;              /* false unless said (the guide's customer_budgets; Cribl's own default is true) */
	int64_t reload_interval_ns;          /* 300s unless said; 0: never */
	size_t n_keys, n_outputs;
	const genops_str *keys, *outputs;    /* key_field (one or several), output_fields; none: not restricted */
};

struct genops_lookup_table;
/* The first line names the columns. SYNTAX with the line of the CSV, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_lookup_table_parse(const struct genops_lookup_settings *settings, genops_str csv,
    struct genops_lookup_table **ret, struct genops_error *err);
struct genops_lookup_table *genops_lookup_table_ref(struct genops_lookup_table *table);
void genops_lookup_table_unref(struct genops_lookup_table *table);

/* SIZE_MAX: no such column. */
size_t genops_lookup_table_column(const struct genops_lookup_table *table, genops_str name);
size_t genops_lookup_table_n_rows(const struct genops_lookup_table *table);

/* --- looking up --- */

/* What a function asks of a table: made when the function is read, asked of whichever table there is at the time. */
struct genops_lookup_question {
	size_t n_keys, n_outputs;
	const genops_str *keys;    /* fields of the event: columns of the same names (of key_field, if there is one), else by position key_field, else
				    * the first columns */
	const genops_str *outputs; /* columns, of output_fields if there are some; none: all of those, or all but the keys */
	uint64_t identity;         /* of the names; filled by genops_lookup_question_init */
};
void genops_lookup_question_init(struct genops_lookup_question *question);

struct genops_lookup_view; /* a question's answer in one table: the columns' numbers and an index; the table's */
/* Made at the first call and kept; any thread. NOT_FOUND: the table has not these columns (message, fix); LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_lookup_table_view(struct genops_lookup_table *table, const struct genops_lookup_question *question,
    const struct genops_lookup_view **ret_view, struct genops_error *err);
/* The cells of the row with these key texts, in the order of the view's outputs; NULL: there is none. They live as long as the
 * table; the arena is taken from while keys are folded. */
const genops_str *genops_lookup_view_find(const struct genops_lookup_view *view, struct genops_arena *arena, const genops_str *keys);
size_t genops_lookup_view_n_outputs(const struct genops_lookup_view *view);
const struct genops_value_key *genops_lookup_view_outputs(const struct genops_lookup_view *view); /* their names */

/* --- the tables of a configuration, by id (lookup/lookups.c) --- */

struct genops_lookups;
struct genops_lookups *genops_lookups_new(void);         /* NULL: no memory */
void genops_lookups_free(struct genops_lookups *lookups); /* NULL is fine; gives its references back */
/* Takes a reference of its own; copies the id. EXISTS: there is one of that id; LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_lookups_add(
    struct genops_lookups *lookups, genops_str id, struct genops_lookup_table *table, struct genops_error *err);
/* Borrowed; NULL: none of that id (or no tables at all: lookups NULL). */
struct genops_lookup_table *genops_lookups_find(const struct genops_lookups *lookups, genops_str id);
/* The nearest id, for "did you mean"; NULL: none is near. */
const char *genops_lookups_nearest(const struct genops_lookups *lookups, genops_str id);

#endif
