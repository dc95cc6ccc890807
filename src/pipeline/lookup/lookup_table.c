/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lookup/lookup_table.c - see lookup_table.h: the cells, and views with an index for each question that was asked.
 *
 * A table's cells never change. Views are put at the head of a list, under the lock, and are then immutable: readers only follow it.
 * Without case, keys are folded as JavaScript's toLowerCase does it, once in the table and once a question. */
#include "pipeline/lookup_table.h"

#include "base/hash.h"
#include "pipeline/lookup/csv_read.h"
#include "pipeline/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ARENA_MAX (8 * GENOPS_LOOKUP_BYTES_MAX)
#define VIEWS_MAX 64

struct genops_lookup_view {
	struct genops_lookup_view *next;
	const struct genops_lookup_table *table;
	uint64_t identity;
	size_t n_keys, n_outputs;
	size_t keys[GENOPS_LOOKUP_KEYS_MAX];
	struct genops_value_key *names;  /* of the outputs */
	genops_str *cells;               /* n_outputs of each row */
	genops_str *folded;              /* n_keys of each row */
	uint32_t *hashes;                /* of each row's keys */
	uint32_t *index, mask;           /* number of the row + 1, or 0 */
};

struct genops_lookup_table {
	atomic_uint n_refs;
	struct genops_arena arena; /* under the lock once others see the table */
	bool is_case_sensitive;
	size_t n_keys, n_named_outputs, n_columns, n_rows, n_views;
	const genops_str *keys, *outputs; /* of the settings */
	genops_str *columns, *cells;
	pthread_mutex_t lock;
	struct genops_lookup_view *_Atomic views;
};

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "no memory for a lookup table");
}

/* --- parsing --- */

static bool copy_names(struct genops_arena *arena, const genops_str *names, size_t n, const genops_str **ret)
{
	genops_str *copies = genops_arena_alloc(arena, (n + 1) * sizeof *copies);
	for (size_t i = 0; copies && i < n; i++) {
		if (!genops_arena_dup(arena, names[i], &copies[i]))
			return false;
	}
	*ret = copies;
	return copies != NULL;
}

static int read_columns(struct genops_lookup_table *table, struct genops_csv_reader *csv, struct genops_error *err)
{
	genops_str names[GENOPS_LOOKUP_COLUMNS_MAX];
	size_t n;
	int code = genops_csv_read_next(csv, names, GENOPS_LOOKUP_COLUMNS_MAX, &n, err);
	if (code < 0)
		return code;
	if (!code)
		return genops_fail_fix(err, GENOPS_SYNTAX, "the first line names the columns", "the lookup file is empty");
	if (n > GENOPS_LOOKUP_COLUMNS_MAX)
		return genops_fail(err, GENOPS_LIMIT, "there are more than %d columns", GENOPS_LOOKUP_COLUMNS_MAX);
	table->columns = genops_arena_alloc(&table->arena, n * sizeof *table->columns);
	for (size_t i = 0; table->columns && i < n; i++) {
		table->columns[i] = genops_str_trim(names[i]);
		table->n_columns = i;
		if (genops_lookup_table_column(table, table->columns[i]) != SIZE_MAX) {
			code = genops_fail_fix(err, GENOPS_SYNTAX, "give each column a name of its own", "two columns are called \"%.*s\"",
			    table->columns[i].len > 64 ? 64 : (int)table->columns[i].len, table->columns[i].ptr);
			genops_error_place(err, "", 1, 0);
			return code;
		}
	}
	table->n_columns = n;
	return table->columns ? GENOPS_OK : no_memory(err);
}

/* Missing fields at the end are empty; more than there are columns is a mistake, mostly a comma without quotes. */
static int read_rows(struct genops_lookup_table *table, struct genops_csv_reader *csv, struct genops_error *err)
{
	genops_str fields[GENOPS_LOOKUP_COLUMNS_MAX];
	struct genops_buffer cells;
	int code, line = csv->line;
	size_t n;
	genops_buffer_init(&cells, ARENA_MAX);
	while ((code = genops_csv_read_next(csv, fields, table->n_columns, &n, err)) > 0) {
		if (n > table->n_columns) {
			code = genops_fail_fix(err, GENOPS_SYNTAX, "put a field with a comma in quotes", "a row of %zu fields where there are %zu columns", n,
			    table->n_columns);
			genops_error_place(err, "", line, 0);
			break;
		}
		for (size_t i = n; i < table->n_columns; i++)
			fields[i] = GENOPS_STR("");
		genops_buffer_add(&cells, (genops_str){(const char *)fields, table->n_columns * sizeof *fields});
		table->n_rows++;
		line = csv->line;
	}
	if (code >= 0 && (cells.error || table->n_rows > UINT32_MAX / 4))
		code = genops_fail(err, cells.error == GENOPS_NOMEM ? GENOPS_NOMEM : GENOPS_LIMIT, "the lookup table has too many cells");
	if (code >= 0 && !(table->cells = genops_arena_take(&table->arena, cells.len + 1)))
		code = no_memory(err);
	if (code >= 0 && cells.len)
		memcpy(table->cells, cells.ptr, cells.len);
	genops_buffer_done(&cells);
	return code < 0 ? code : GENOPS_OK;
}

static int check_names(const struct genops_lookup_table *table, const genops_str *names, size_t n, const char *what, struct genops_error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_lookup_table_column(table, names[i]) == SIZE_MAX)
			return genops_fail_fix(err, GENOPS_NOT_FOUND, "the first line of the file names the columns", "there is no column \"%.*s\", which %s names",
			    names[i].len > 64 ? 64 : (int)names[i].len, names[i].ptr ? names[i].ptr : "", what);
	}
	return GENOPS_OK;
}

static int parse(struct genops_lookup_table *table, const struct genops_lookup_settings *settings, genops_str csv, struct genops_error *err)
{
	struct genops_csv_reader reader;
	genops_str copy;
	if (!genops_str_is_utf8(csv))
		return genops_fail_fix(err, GENOPS_SYNTAX, "save it as UTF-8", "the lookup file is not UTF-8");
	if (!genops_arena_dup(&table->arena, csv, &copy) || !copy_names(&table->arena, settings->keys, settings->n_keys, &table->keys) ||
	    !copy_names(&table->arena, settings->outputs, settings->n_outputs, &table->outputs))
		return no_memory(err);
	table->n_keys = settings->n_keys;
	table->n_named_outputs = settings->n_outputs;
	genops_csv_read_begin(&reader, (char *)(uintptr_t)copy.ptr, copy.len);
	GENOPS_TRY(read_columns(table, &reader, err));
	GENOPS_TRY(read_rows(table, &reader, err));
	GENOPS_TRY(check_names(table, table->keys, table->n_keys, "key_field", err));
	return check_names(table, table->outputs, table->n_named_outputs, "output_fields", err);
}

int genops_lookup_table_parse(
    const struct genops_lookup_settings *settings, genops_str csv, struct genops_lookup_table **ret, struct genops_error *err)
{
	if (csv.len > GENOPS_LOOKUP_BYTES_MAX)
		return genops_fail(err, GENOPS_LIMIT, "a lookup file over %zu bytes", GENOPS_LOOKUP_BYTES_MAX);
	struct genops_lookup_table *table = calloc(1, sizeof *table);
	if (!table)
		return no_memory(err);
	atomic_init(&table->n_refs, 1);
	pthread_mutex_init(&table->lock, NULL);
	genops_arena_init(&table->arena, ARENA_MAX);
	table->is_case_sensitive = settings->is_case_sensitive;
	int code = parse(table, settings, csv, err);
	if (code != GENOPS_OK) {
		genops_lookup_table_unref(table);
		return code;
	}
	*ret = table;
	return GENOPS_OK;
}

struct genops_lookup_table *genops_lookup_table_ref(struct genops_lookup_table *table)
{
	atomic_fetch_add_explicit(&table->n_refs, 1, memory_order_relaxed);
	return table;
}

void genops_lookup_table_unref(struct genops_lookup_table *table)
{
	if (!table || atomic_fetch_sub_explicit(&table->n_refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_destroy(&table->lock);
	genops_arena_done(&table->arena);
	free(table);
}

size_t genops_lookup_table_column(const struct genops_lookup_table *table, genops_str name)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (genops_str_equal(table->columns[i], name))
			return i;
	}
	return SIZE_MAX;
}

size_t genops_lookup_table_n_rows(const struct genops_lookup_table *table)
{
	return table->n_rows;
}

/* --- views --- */

void genops_lookup_question_init(struct genops_lookup_question *question)
{
	uint64_t identity = question->n_keys * 31 + question->n_outputs;
	for (size_t i = 0; i < question->n_keys; i++)
		identity = genops_hash_checksum(question->keys[i].ptr, question->keys[i].len, identity);
	for (size_t i = 0; i < question->n_outputs; i++)
		identity = genops_hash_checksum(question->outputs[i].ptr, question->outputs[i].len, identity);
	question->identity = identity;
}

static bool is_among(const genops_str *names, size_t n, genops_str name)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_str_equal(names[i], name))
			return true;
	}
	return false;
}

/* Fields that are called as columns are (as key columns, if the settings name them) are those; else the position counts. */
static int find_keys(const struct genops_lookup_table *table, const struct genops_lookup_question *question, struct genops_lookup_view *view,
    struct genops_error *err)
{
	const genops_str *names = table->n_keys ? table->keys : table->columns;
	size_t n_names = table->n_keys ? table->n_keys : table->n_columns;
	bool is_by_name = true;
	for (size_t i = 0; i < question->n_keys; i++)
		is_by_name = is_by_name && is_among(names, n_names, question->keys[i]);
	if (!is_by_name && (table->n_keys ? question->n_keys != table->n_keys : question->n_keys > table->n_columns))
		return genops_fail_fix(err, GENOPS_NOT_FOUND, "name as many fields in match_field as the lookup has in key_field",
		    "%zu fields are to be matched, the lookup table has %zu %s", question->n_keys, n_names, table->n_keys ? "in key_field" : "columns");
	view->n_keys = question->n_keys;
	for (size_t i = 0; i < question->n_keys; i++)
		view->keys[i] = genops_lookup_table_column(table, is_by_name ? question->keys[i] : names[i]);
	return GENOPS_OK;
}

static bool is_key(const struct genops_lookup_view *view, size_t column)
{
	for (size_t i = 0; i < view->n_keys; i++) {
		if (view->keys[i] == column)
			return true;
	}
	return false;
}

/* Which columns come out, as numbers. */
static int find_outputs(const struct genops_lookup_table *table, const struct genops_lookup_question *question, const struct genops_lookup_view *view,
    size_t *columns, size_t *ret_n, struct genops_error *err)
{
	size_t n = question->n_outputs ? question->n_outputs : table->n_named_outputs;
	const genops_str *names = question->n_outputs ? question->outputs : table->outputs;
	GENOPS_TRY(check_names(table, names, n, "add_fields", err));
	for (size_t i = 0; table->n_named_outputs && i < n; i++) {
		if (!is_among(table->outputs, table->n_named_outputs, names[i]))
			return genops_fail_fix(err, GENOPS_NOT_FOUND, "add it to the lookup's output_fields", "column \"%.*s\" is not among output_fields",
			    names[i].len > 64 ? 64 : (int)names[i].len, names[i].ptr);
	}
	for (size_t i = 0; i < n; i++)
		columns[i] = genops_lookup_table_column(table, names[i]);
	for (size_t i = 0; !question->n_outputs && !table->n_named_outputs && i < table->n_columns; i++) {
		if (!is_key(view, i))
			columns[n++] = i;
	}
	*ret_n = n;
	return GENOPS_OK;
}

/* Whether or not it is folded: borrows, or is in the arena. ptr NULL: no memory. */
static genops_str fold(const struct genops_lookup_table *table, struct genops_arena *arena, genops_str text)
{
	bool is_plain = table->is_case_sensitive;
	for (size_t i = 0; !is_plain && i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80 || (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'))
			return genops_text_lower(arena, text);
	}
	return text.ptr ? text : GENOPS_STR("");
}

static uint32_t hash_keys(const genops_str *keys, size_t n)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < n; i++)
		hash = genops_hash_checksum(keys[i].ptr, keys[i].len, hash + 1);
	return (uint32_t)hash;
}

static bool same_keys(const genops_str *a, const genops_str *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!genops_str_equal(a[i], b[i]))
			return false;
	}
	return true;
}

/* Where the row with these keys is in the index, or would be. */
static uint32_t *place_of(const struct genops_lookup_view *view, const genops_str *keys, uint32_t hash)
{
	uint32_t at = hash & view->mask;
	while (view->index[at]) {
		uint32_t row = view->index[at] - 1;
		if (view->hashes[row] == hash && same_keys(&view->folded[row * view->n_keys], keys, view->n_keys))
			break;
		at = (at + 1) & view->mask;
	}
	return &view->index[at];
}

static bool fill(struct genops_lookup_table *table, struct genops_lookup_view *view, const size_t *columns)
{
	struct genops_arena *arena = &table->arena;
	uint32_t size = 8;
	while (size < 2 * table->n_rows)
		size *= 2;
	view->mask = size - 1;
	view->index = genops_arena_alloc(arena, size * sizeof *view->index);
	view->hashes = genops_arena_take(arena, (table->n_rows + 1) * sizeof *view->hashes);
	view->folded = genops_arena_take(arena, (table->n_rows * view->n_keys + 1) * sizeof *view->folded);
	view->cells = genops_arena_take(arena, (table->n_rows * view->n_outputs + 1) * sizeof *view->cells);
	view->names = genops_arena_take(arena, (view->n_outputs + 1) * sizeof *view->names);
	if (!view->index || !view->hashes || !view->folded || !view->cells || !view->names)
		return false;
	for (size_t i = 0; i < view->n_outputs; i++)
		view->names[i] = genops_value_key_of(table->columns[columns[i]]);
	for (size_t row = 0; row < table->n_rows; row++) {
		const genops_str *cells = &table->cells[row * table->n_columns];
		genops_str *keys = &view->folded[row * view->n_keys];
		for (size_t i = 0; i < view->n_keys; i++) {
			keys[i] = fold(table, arena, cells[view->keys[i]]);
			if (!keys[i].ptr)
				return false;
		}
		for (size_t i = 0; i < view->n_outputs; i++)
			view->cells[row * view->n_outputs + i] = cells[columns[i]];
		view->hashes[row] = hash_keys(keys, view->n_keys);
		*place_of(view, keys, view->hashes[row]) = (uint32_t)row + 1; /* the last of several counts */
	}
	return true;
}

static int make_view(struct genops_lookup_table *table, const struct genops_lookup_question *question, struct genops_lookup_view **ret,
    struct genops_error *err)
{
	size_t columns[2 * GENOPS_LOOKUP_COLUMNS_MAX];
	if (table->n_views == VIEWS_MAX || !question->n_keys || question->n_keys > GENOPS_LOOKUP_KEYS_MAX || question->n_outputs > GENOPS_LOOKUP_COLUMNS_MAX)
		return genops_fail(err, GENOPS_LIMIT, "too many ways, fields or columns to look something up in one table");
	struct genops_lookup_view found = {.table = table, .identity = question->identity};
	GENOPS_TRY(find_keys(table, question, &found, err));
	GENOPS_TRY(find_outputs(table, question, &found, columns, &found.n_outputs, err));
	struct genops_lookup_view *view = genops_arena_alloc(&table->arena, sizeof *view);
	if (!view)
		return no_memory(err);
	*view = found;
	if (!fill(table, view, columns))
		return no_memory(err);
	view->next = atomic_load_explicit(&table->views, memory_order_relaxed);
	table->n_views++;
	*ret = view;
	return GENOPS_OK;
}

static struct genops_lookup_view *known_view(struct genops_lookup_table *table, const struct genops_lookup_question *question)
{
	struct genops_lookup_view *view = atomic_load_explicit(&table->views, memory_order_acquire);
	while (view && view->identity != question->identity)
		view = view->next;
	return view;
}

int genops_lookup_table_view(struct genops_lookup_table *table, const struct genops_lookup_question *question,
    const struct genops_lookup_view **ret_view, struct genops_error *err)
{
	int code = GENOPS_OK;
	struct genops_lookup_view *view = known_view(table, question);
	if (!view) {
		pthread_mutex_lock(&table->lock);
		view = known_view(table, question);
		if (!view && (code = make_view(table, question, &view, err)) == GENOPS_OK)
			atomic_store_explicit(&table->views, view, memory_order_release);
		pthread_mutex_unlock(&table->lock);
	}
	if (code == GENOPS_OK)
		*ret_view = view;
	return code;
}

const genops_str *genops_lookup_view_find(const struct genops_lookup_view *view, struct genops_arena *arena, const genops_str *keys)
{
	genops_str folded[GENOPS_LOOKUP_KEYS_MAX];
	for (size_t i = 0; i < view->n_keys; i++) {
		folded[i] = fold(view->table, arena, keys[i]);
		if (!folded[i].ptr)
			return NULL;
	}
	uint32_t row = *place_of(view, folded, hash_keys(folded, view->n_keys));
	return row ? &view->cells[(row - 1) * view->n_outputs] : NULL;
}

size_t genops_lookup_view_n_outputs(const struct genops_lookup_view *view)
{
	return view->n_outputs;
}

const struct genops_value_key *genops_lookup_view_outputs(const struct genops_lookup_view *view)
{
	return view->names;
}
