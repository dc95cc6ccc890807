/* SPDX-License-Identifier: Apache-2.0
 * export/file/event_table.c - see event_table.h. The events are read twice, first for the columns, then for the values, so that never more
 * than one of them is in memory as values. */
#include "export/file/event_table.h"

#include "base/hash.h"
#include "pipeline/value.h"

#include <math.h>
#include <stdio.h>

#define EVENT_MAX  ((size_t)64 << 20)  /* of one event's values */
#define NAMES_MAX  ((size_t)4 << 20)   /* of all columns' names */
#define DEPTH_MAX  8
#define NAME_MAX_  256
#define INDEX_SIZE 4096                /* a power of two, well over GENOPS_PARQUET_COLUMNS_MAX */
#define WHOLE_MAX  9007199254740992.0  /* beyond it a double is no whole number for sure */

enum kind { KIND_NONE, KIND_BOOL, KIND_INT, KIND_DOUBLE, KIND_TEXT };

struct column {
	genops_str name;
	enum kind kind;
	size_t last_row; /* + 1: a value a row only */
};

struct table {
	struct genops_arena names, values;
	struct column *columns;
	size_t n_columns;
	uint16_t index[INDEX_SIZE]; /* + 1 */
	struct genops_parquet *file; /* NULL: columns are being looked for */
	struct genops_buffer scratch;
	size_t row;
	int error;
};

static struct column *find(struct table *table, genops_str name)
{
	size_t at = (size_t)genops_hash_checksum(name.ptr, name.len, 0) % INDEX_SIZE;
	for (; table->index[at]; at = (at + 1) % INDEX_SIZE) {
		struct column *column = &table->columns[table->index[at] - 1];
		if (genops_str_equal(column->name, name))
			return column;
	}
	if (table->file || table->n_columns == GENOPS_PARQUET_COLUMNS_MAX)
		return NULL;
	struct column *column = &table->columns[table->n_columns];
	char *kept = genops_arena_dup_text(&table->names, name);
	if (!kept)
		return NULL;
	*column = (struct column){.name = {kept, name.len}};
	table->index[at] = (uint16_t)++table->n_columns;
	return column;
}

static enum kind kind_of(struct genops_value value)
{
	switch (value.type) {
	case GENOPS_VALUE_UNDEFINED:
	case GENOPS_VALUE_NULL:
		return KIND_NONE;
	case GENOPS_VALUE_BOOLEAN:
		return KIND_BOOL;
	case GENOPS_VALUE_NUMBER:
		return fabs(value.as.number) <= WHOLE_MAX && value.as.number == floor(value.as.number) ? KIND_INT : KIND_DOUBLE;
	default:
		return KIND_TEXT;
	}
}

static enum kind common(enum kind a, enum kind b)
{
	if (a == b || b == KIND_NONE)
		return a;
	if (a == KIND_NONE)
		return b;
	return (a == KIND_INT && b == KIND_DOUBLE) || (a == KIND_DOUBLE && b == KIND_INT) ? KIND_DOUBLE : KIND_TEXT;
}

static void put(struct table *table, size_t number, enum kind kind, struct genops_value value)
{
	genops_str text;
	switch (kind) {
	case KIND_BOOL:
		genops_parquet_add_bool(table->file, number, value.as.boolean);
		return;
	case KIND_INT:
		genops_parquet_add_int(table->file, number, (int64_t)value.as.number);
		return;
	case KIND_DOUBLE:
		genops_parquet_add_double(table->file, number, value.as.number);
		return;
	default:
		genops_buffer_clear(&table->scratch);
		if (value.type == GENOPS_VALUE_TEXT) {
			text = genops_value_str(value);
		} else {
			genops_value_to_json(value, &table->scratch);
			text = genops_buffer_view(&table->scratch);
		}
		table->error = table->scratch.error ? table->scratch.error : table->error;
		genops_parquet_add_text(table->file, number, text);
	}
}

static void take_value(struct table *table, genops_str name, struct genops_value value)
{
	struct column *column = find(table, name);
	if (!column) {
		table->error = table->n_columns == GENOPS_PARQUET_COLUMNS_MAX ? GENOPS_LIMIT : GENOPS_NOMEM;
		return;
	}
	if (!table->file)
		column->kind = common(column->kind, kind_of(value));
	else if (kind_of(value) != KIND_NONE && column->last_row != table->row + 1)
		put(table, (size_t)(column - table->columns), column->kind, value);
	column->last_row = table->row + 1; /* {"a": {"b": 1}, "a.b": 2}: the first one counts */
}

/* Behind the first `at` bytes of `name`, which has room for it or is empty: then what is too long ends in a hash. A C string from here on. */
static size_t add_name(char *name, size_t at, genops_str key)
{
	size_t len = at + key.len, cut = NAME_MAX_ - 17;
	bool is_long = len > NAME_MAX_;
	while (is_long && cut && ((unsigned char)key.ptr[cut] & 0xC0) == 0x80)
		cut--;
	for (size_t i = 0; i < (is_long ? cut : key.len); i++)
		name[at + i] = key.ptr[i] ? key.ptr[i] : '?';
	if (!is_long)
		return len;
	return cut + (size_t)snprintf(name + cut, 18, "-%016llx", (unsigned long long)genops_hash_checksum(key.ptr, key.len, 0));
}

/* What nesting leaves is bounded: deeper objects are texts. */
static void take(struct table *table, char *name, size_t len, struct genops_value value, int depth)
{
	bool is_open = value.type == GENOPS_VALUE_OBJECT && value.as.object->n && depth < DEPTH_MAX;
	for (size_t i = 0; is_open && depth && i < value.as.object->n; i++)
		is_open = len + 1 + value.as.object->members[i].key.text.len <= NAME_MAX_;
	if (!is_open && depth) {
		take_value(table, (genops_str){name, len}, value);
		return;
	}
	for (size_t i = 0; is_open && !table->error && i < value.as.object->n; i++) {
		const struct genops_value_member *member = &value.as.object->members[i];
		size_t at = len;
		if (depth)
			name[at++] = '.';
		take(table, name, add_name(name, at, member->key.text), member->value, depth + 1);
	}
}

static int read_all(struct table *table, genops_event_table_fn *event, const void *arg, size_t n, struct genops_error *err)
{
	char name[NAME_MAX_ + 1];
	struct genops_value value;
	for (size_t i = 0; i < n; i++) {
		genops_arena_reset(&table->values);
		GENOPS_TRY(genops_value_from_json(event(arg, i), &table->values, &value, err));
		if (value.type != GENOPS_VALUE_OBJECT)
			return genops_fail(err, GENOPS_SYNTAX, "an event is no JSON object: no row of a table");
		table->row = i;
		take(table, name, 0, value, 0);
		if (table->error)
			return genops_fail_fix(err, table->error, "keep the fields that you need in the pipeline, or use format: json",
			    "events with more than %d different fields do not fit into one table", GENOPS_PARQUET_COLUMNS_MAX);
		if (table->file)
			GENOPS_TRY(genops_parquet_end_row(table->file, err));
	}
	return GENOPS_OK;
}

static int sink(void *arg, genops_str bytes, struct genops_error *err)
{
	struct genops_buffer *out = arg;
	genops_buffer_add(out, bytes);
	return out->error ? genops_fail(err, out->error, "a Parquet file does not fit into memory") : GENOPS_OK;
}

static int write_all(struct table *table, genops_event_table_fn *event, const void *arg, size_t n, bool is_plain, struct genops_buffer *out,
    struct genops_error *err)
{
	static const enum genops_parquet_type types[] = {
	    [KIND_NONE] = GENOPS_PARQUET_TEXT, [KIND_BOOL] = GENOPS_PARQUET_BOOL, [KIND_INT] = GENOPS_PARQUET_INT, [KIND_DOUBLE] = GENOPS_PARQUET_DOUBLE, [KIND_TEXT] = GENOPS_PARQUET_TEXT};
	const struct genops_parquet_options options = {.is_plain = is_plain};
	struct genops_parquet_column *columns = genops_arena_alloc(&table->names, (table->n_columns + 1) * sizeof *columns);
	if (!columns)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a Parquet file");
	for (size_t i = 0; i < table->n_columns; i++) {
		columns[i] = (struct genops_parquet_column){table->columns[i].name.ptr, types[table->columns[i].kind], true};
		table->columns[i].last_row = 0;
	}
	if (!table->n_columns)
		return genops_fail(err, GENOPS_SYNTAX, "events without fields are no table");
	table->file = genops_parquet_new(columns, table->n_columns, &options, sink, out, err);
	if (!table->file)
		return err ? err->code : GENOPS_NOMEM;
	int code = read_all(table, event, arg, n, err);
	if (code == GENOPS_OK)
		code = genops_parquet_finish(table->file, err);
	genops_parquet_free(table->file);
	return code;
}

int genops_event_table_write(
    genops_event_table_fn *event, const void *arg, size_t n, bool is_plain, struct genops_buffer *out, struct genops_error *err)
{
	struct table table = {0};
	size_t len = out->len;
	genops_arena_init(&table.names, NAMES_MAX);
	genops_arena_init(&table.values, EVENT_MAX);
	genops_buffer_init(&table.scratch, GENOPS_PARQUET_TEXT_MAX);
	table.columns = genops_arena_alloc(&table.names, GENOPS_PARQUET_COLUMNS_MAX * sizeof *table.columns);
	int code = table.columns ? read_all(&table, event, arg, n, err) : genops_fail(err, GENOPS_NOMEM, "no memory for a Parquet file");
	if (code == GENOPS_OK)
		code = write_all(&table, event, arg, n, is_plain, out, err);
	if (code != GENOPS_OK && out->len > len)
		out->len = len;
	genops_buffer_done(&table.scratch);
	genops_arena_done(&table.values);
	genops_arena_done(&table.names);
	return code;
}
