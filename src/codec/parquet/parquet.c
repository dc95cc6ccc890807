/* SPDX-License-Identifier: Apache-2.0
 * codec/parquet/parquet.c - see parquet.h. The format: apache/parquet-format, README.md and
 * parquet.thrift.
 *
 *   "PAR1"  row group*  footer (FileMetaData)  footer length, 4 bytes  "PAR1"
 *   row group: a chunk of one page for each column: PageHeader, (compressed) levels and values
 *
 * Null or not is one bit a row (definition level 0 or 1), written as one bit-packed run. A row
 * group's metadata is serialised when the group is written, so the footer is a copy. One thread at
 * a time.
 */
#include "codec/compress.h"
#include "codec/parquet.h"

#include "base/str.h"
#include "codec/parquet/thrift.h"
#include "codec/wire.h"

#include <stdlib.h>

#define MAGIC	      "PAR1"
#define ROWS_DEFAULT  ((size_t)131072)
#define ROWS_MAX      ((size_t)1 << 24)
#define BYTES_DEFAULT ((size_t)16 << 20)
#define BYTES_MAX     ((size_t)512 << 20)
#define FOOTER_MAX    ((size_t)256 << 20)
#define PAGE_MAX      (BYTES_MAX + GENOPS_PARQUET_TEXT_MAX + ROWS_MAX)
#define CREATED_BY "genops version 0.1.0"

/* Numbers of parquet.thrift. */
enum { TYPE_BOOLEAN = 0, TYPE_INT64 = 2, TYPE_DOUBLE = 5, TYPE_BYTE_ARRAY = 6 };
enum { REPETITION_REQUIRED = 0, REPETITION_OPTIONAL = 1 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3 };
enum { CODEC_UNCOMPRESSED = 0, CODEC_SNAPPY = 1 };
enum { CONVERTED_UTF8 = 0 };
enum { PAGE_DATA = 0 };

struct chunk {
	struct genops_buffer values; /* PLAIN */
	struct genops_buffer levels; /* optional columns: one bit a row, 1: there is a value */
	size_t n_values;	     /* without nulls */
	bool is_set;		     /* in the row that is being written */
};

struct genops_parquet {
	const struct genops_parquet_column *columns;
	size_t n_columns;
	struct genops_parquet_options options;
	genops_parquet_sink_fn *sink;
	void *arg;
	uint64_t offset; /* bytes given to the sink */
	int64_t n_rows;
	size_t n_group_rows, n_groups;
	struct genops_buffer groups; /* RowGroup structs of the footer */
	struct genops_buffer page, packed, head;
	int code;	   /* not OK: it has failed */
	const char *fault; /* and why, if the sink did not say */
	struct chunk chunks[];
};

static int32_t physical_type(enum genops_parquet_type type)
{
	switch (type) {
	case GENOPS_PARQUET_INT:
		return TYPE_INT64;
	case GENOPS_PARQUET_DOUBLE:
		return TYPE_DOUBLE;
	case GENOPS_PARQUET_BOOL:
		return TYPE_BOOLEAN;
	case GENOPS_PARQUET_TEXT:
		break;
	}
	return TYPE_BYTE_ARRAY;
}

static void set_options(
    struct genops_parquet_options *set, const struct genops_parquet_options *options)
{
	if (options)
		*set = *options;
	if (!set->row_group_rows)
		set->row_group_rows = ROWS_DEFAULT;
	if (set->row_group_rows > ROWS_MAX)
		set->row_group_rows = ROWS_MAX;
	if (!set->row_group_bytes)
		set->row_group_bytes = BYTES_DEFAULT;
	if (set->row_group_bytes > BYTES_MAX)
		set->row_group_bytes = BYTES_MAX;
}

struct genops_parquet *genops_parquet_new(const struct genops_parquet_column *columns,
    size_t n_columns, const struct genops_parquet_options *options, genops_parquet_sink_fn *sink,
    void *arg, struct genops_error *err)
{
	if (!n_columns || n_columns > GENOPS_PARQUET_COLUMNS_MAX) {
		genops_fail(err, GENOPS_MISUSE, "a Parquet table has 1 to %d columns, not %zu",
		    GENOPS_PARQUET_COLUMNS_MAX, n_columns);
		return NULL;
	}
	struct genops_parquet *file = calloc(1, sizeof *file + n_columns * sizeof *file->chunks);
	if (!file) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a Parquet table");
		return NULL;
	}
	file->columns = columns;
	file->n_columns = n_columns;
	file->sink = sink;
	file->arg = arg;
	set_options(&file->options, options);
	genops_buffer_init(&file->groups, FOOTER_MAX);
	genops_buffer_init(&file->page, PAGE_MAX);
	genops_buffer_init(&file->packed, SIZE_MAX / 2);
	genops_buffer_init(&file->head, FOOTER_MAX);
	for (size_t i = 0; i < n_columns; i++) {
		genops_buffer_init(&file->chunks[i].values, BYTES_MAX + GENOPS_PARQUET_TEXT_MAX);
		genops_buffer_init(&file->chunks[i].levels, ROWS_MAX);
	}
	return file;
}

void genops_parquet_free(struct genops_parquet *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n_columns; i++) {
		genops_buffer_done(&file->chunks[i].values);
		genops_buffer_done(&file->chunks[i].levels);
	}
	genops_buffer_done(&file->groups);
	genops_buffer_done(&file->page);
	genops_buffer_done(&file->packed);
	genops_buffer_done(&file->head);
	free(file);
}

static void set_fault(struct genops_parquet *file, int code, const char *fault)
{
	if (file->code != GENOPS_OK)
		return;
	file->code = code;
	file->fault = fault;
}

static int outcome(const struct genops_parquet *file, struct genops_error *err)
{
	if (file->code == GENOPS_OK)
		return GENOPS_OK;
	return genops_fail(err, file->code, "Parquet: %s", file->fault);
}

/* Bit number n of a bit-packed buffer, where bits come in order. */
static void add_bit(struct genops_buffer *buf, size_t n, bool bit)
{
	if (n % 8 == 0)
		genops_buffer_add_char(buf, '\0');
	if (bit && !buf->error)
		buf->ptr[n / 8] = (char)(buf->ptr[n / 8] | 1 << n % 8);
}

/* The column's chunk, ready for this row's value; NULL: it may not have one. */
static struct chunk *begin_value(
    struct genops_parquet *file, size_t column, enum genops_parquet_type type)
{
	if (file->code != GENOPS_OK)
		return NULL;
	if (column >= file->n_columns || file->columns[column].type != type ||
	    file->chunks[column].is_set) {
		set_fault(file, GENOPS_MISUSE,
		    "a value for a column of another type, or the second in a row");
		return NULL;
	}
	file->chunks[column].is_set = true;
	return &file->chunks[column];
}

void genops_parquet_add_int(struct genops_parquet *file, size_t column, int64_t value)
{
	struct chunk *chunk = begin_value(file, column, GENOPS_PARQUET_INT);
	if (!chunk)
		return;
	genops_wire_put_raw64(&chunk->values, (uint64_t)value);
	chunk->n_values++;
}

void genops_parquet_add_double(struct genops_parquet *file, size_t column, double value)
{
	struct chunk *chunk = begin_value(file, column, GENOPS_PARQUET_DOUBLE);
	uint64_t bits;
	if (!chunk)
		return;
	memcpy(&bits, &value, sizeof bits);
	genops_wire_put_raw64(&chunk->values, bits);
	chunk->n_values++;
}

void genops_parquet_add_bool(struct genops_parquet *file, size_t column, bool value)
{
	struct chunk *chunk = begin_value(file, column, GENOPS_PARQUET_BOOL);
	if (!chunk)
		return;
	add_bit(&chunk->values, chunk->n_values, value);
	chunk->n_values++;
}

static void store_u32(char *to, size_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(value >> 8 * i);
}

static void add_u32(struct genops_buffer *buf, size_t value)
{
	char bytes[4];
	store_u32(bytes, value);
	genops_buffer_add(buf, (genops_str){bytes, sizeof bytes});
}

void genops_parquet_add_text(struct genops_parquet *file, size_t column, genops_str text)
{
	struct chunk *chunk = begin_value(file, column, GENOPS_PARQUET_TEXT);
	if (!chunk)
		return;
	if (text.len > GENOPS_PARQUET_TEXT_MAX / 3) { /* repair may make three bytes of one */
		set_fault(file, GENOPS_LIMIT, "a text that is too long");
		return;
	}
	size_t at = chunk->values.len;
	add_u32(&chunk->values, text.len);
	if (genops_str_is_utf8(text)) {
		genops_buffer_add(&chunk->values, text);
	} else {
		genops_buffer_add_utf8(&chunk->values, text);
		if (!chunk->values.error)
			store_u32(chunk->values.ptr + at, chunk->values.len - at - 4);
	}
	chunk->n_values++;
}

/* Gives bytes to the sink. The sink's error is in err; later calls say only that it failed. */
static int give(struct genops_parquet *file, genops_str bytes, struct genops_error *err)
{
	int code = bytes.len ? file->sink(file->arg, bytes, err) : GENOPS_OK;
	if (code != GENOPS_OK)
		set_fault(file, code, "the file could not be written");
	file->offset += bytes.len;
	return code;
}

static int check(
    struct genops_parquet *file, const struct genops_buffer *buf, struct genops_error *err)
{
	if (buf->error)
		set_fault(file, buf->error, buf->error == GENOPS_LIMIT ? "too large" : "no memory");
	return outcome(file, err);
}

/* Levels and values as a page wants them, into file->page. */
static void build_page(struct genops_parquet *file, const struct chunk *chunk, bool is_optional)
{
	genops_buffer_clear(&file->page);
	if (is_optional) {
		uint64_t run =
		    (uint64_t)chunk->levels.len << 1 | 1; /* bit-packed, in groups of eight */
		add_u32(&file->page, genops_wire_varint_len(run) + chunk->levels.len);
		genops_wire_put_varint(&file->page, run);
		genops_buffer_add(&file->page, genops_buffer_view(&chunk->levels));
	}
	genops_buffer_add(&file->page, genops_buffer_view(&chunk->values));
}

/* The page's bytes as stored: file->page or, compressed, file->packed. */
static int pack_page(struct genops_parquet *file, genops_str *ret_bytes, struct genops_error *err)
{
	if (file->options.is_plain) {
		*ret_bytes = genops_buffer_view(&file->page);
		return GENOPS_OK;
	}
	genops_buffer_clear(&file->packed);
	int code = genops_compress_encode(GENOPS_COMPRESS_SNAPPY, 0, genops_buffer_view(&file->page), &file->packed, err);
	if (code != GENOPS_OK) {
		set_fault(file, code, code == GENOPS_NOMEM ? "no memory" : "snappy cannot compress");
		return outcome(file, err);
	}
	*ret_bytes = genops_buffer_view(&file->packed);
	return GENOPS_OK;
}

static void write_page_header(struct genops_parquet *file, size_t packed_len)
{
	struct genops_buffer *head = &file->head;
	int last = 0, inner = 0;
	genops_buffer_clear(head);
	genops_thrift_i32(head, &last, 1, PAGE_DATA);
	genops_thrift_i32(head, &last, 2, (int32_t)file->page.len);
	genops_thrift_i32(head, &last, 3, (int32_t)packed_len);
	genops_thrift_field(head, &last, 5, GENOPS_THRIFT_STRUCT); /* DataPageHeader */
	genops_thrift_i32(head, &inner, 1, (int32_t)file->n_group_rows);
	genops_thrift_i32(head, &inner, 2, ENCODING_PLAIN);
	genops_thrift_i32(head, &inner, 3, ENCODING_RLE);
	genops_thrift_i32(head, &inner, 4, ENCODING_RLE);
	genops_thrift_stop(head);
	genops_thrift_stop(head);
}

/* ColumnChunk, an element of the row group's list. Sizes count the page's header. */
static void add_column_chunk(struct genops_parquet *file,
    const struct genops_parquet_column *column, uint64_t page_offset, size_t plain_len,
    size_t packed_len)
{
	struct genops_buffer *buf = &file->groups;
	int last = 0, inner = 0;
	genops_thrift_i64(buf, &last, 2, 0);			  /* file_offset, deprecated */
	genops_thrift_field(buf, &last, 3, GENOPS_THRIFT_STRUCT); /* ColumnMetaData */
	genops_thrift_i32(buf, &inner, 1, physical_type(column->type));
	genops_thrift_list(buf, &inner, 2, GENOPS_THRIFT_I32, 2);
	genops_thrift_put_int(buf, ENCODING_PLAIN);
	genops_thrift_put_int(buf, ENCODING_RLE);
	genops_thrift_list(buf, &inner, 3, GENOPS_THRIFT_BINARY, 1);
	genops_thrift_put_text(buf, genops_str_of(column->name));
	genops_thrift_i32(
	    buf, &inner, 4, file->options.is_plain ? CODEC_UNCOMPRESSED : CODEC_SNAPPY);
	genops_thrift_i64(buf, &inner, 5, (int64_t)file->n_group_rows);
	genops_thrift_i64(buf, &inner, 6, (int64_t)plain_len);
	genops_thrift_i64(buf, &inner, 7, (int64_t)packed_len);
	genops_thrift_i64(buf, &inner, 9, (int64_t)page_offset);
	genops_thrift_stop(buf);
	genops_thrift_stop(buf);
}

static int write_chunk(
    struct genops_parquet *file, size_t column, uint64_t *plain_total, struct genops_error *err)
{
	struct chunk *chunk = &file->chunks[column];
	genops_str bytes;
	uint64_t offset = file->offset;
	build_page(file, chunk, file->columns[column].is_optional);
	GENOPS_TRY(check(file, &file->page, err));
	GENOPS_TRY(pack_page(file, &bytes, err));
	write_page_header(file, bytes.len);
	GENOPS_TRY(check(file, &file->head, err));
	GENOPS_TRY(give(file, genops_buffer_view(&file->head), err));
	GENOPS_TRY(give(file, bytes, err));
	size_t plain_len = file->head.len + file->page.len;
	add_column_chunk(
	    file, &file->columns[column], offset, plain_len, file->head.len + bytes.len);
	*plain_total += plain_len;
	genops_buffer_clear(&chunk->values);
	genops_buffer_clear(&chunk->levels);
	chunk->n_values = 0;
	return check(file, &file->groups, err);
}

/* "PAR1" before anything else. */
static int begin_file(struct genops_parquet *file, struct genops_error *err)
{
	return file->offset ? GENOPS_OK : give(file, GENOPS_STR(MAGIC), err);
}

static int write_group(struct genops_parquet *file, struct genops_error *err)
{
	int last = 0;
	if (!file->n_group_rows)
		return GENOPS_OK;
	GENOPS_TRY(begin_file(file, err));
	uint64_t start = file->offset, plain_total = 0;
	genops_thrift_list(&file->groups, &last, 1, GENOPS_THRIFT_STRUCT, file->n_columns);
	for (size_t i = 0; i < file->n_columns; i++)
		GENOPS_TRY(write_chunk(file, i, &plain_total, err));
	genops_thrift_i64(&file->groups, &last, 2, (int64_t)plain_total);
	genops_thrift_i64(&file->groups, &last, 3, (int64_t)file->n_group_rows);
	genops_thrift_i64(&file->groups, &last, 5, (int64_t)start);
	genops_thrift_i64(&file->groups, &last, 6, (int64_t)(file->offset - start));
	genops_thrift_stop(&file->groups);
	file->n_groups++;
	file->n_group_rows = 0;
	return check(file, &file->groups, err);
}

int genops_parquet_end_row(struct genops_parquet *file, struct genops_error *err)
{
	size_t bytes = 0;
	for (size_t i = 0; i < file->n_columns; i++) {
		struct chunk *chunk = &file->chunks[i];
		if (file->columns[i].is_optional)
			add_bit(&chunk->levels, file->n_group_rows, chunk->is_set);
		else if (!chunk->is_set)
			set_fault(
			    file, GENOPS_MISUSE, "a row without a value for a required column");
		chunk->is_set = false;
		bytes += chunk->values.len;
		GENOPS_TRY(check(file, &chunk->values, err));
		GENOPS_TRY(check(file, &chunk->levels, err));
	}
	GENOPS_TRY(outcome(file, err));
	file->n_group_rows++;
	file->n_rows++;
	if (file->n_group_rows < file->options.row_group_rows &&
	    bytes < file->options.row_group_bytes)
		return GENOPS_OK;
	return write_group(file, err);
}

static void add_schema_element(
    struct genops_buffer *buf, const struct genops_parquet_column *column)
{
	int last = 0, logical = 0;
	genops_thrift_i32(buf, &last, 1, physical_type(column->type));
	genops_thrift_i32(
	    buf, &last, 3, column->is_optional ? REPETITION_OPTIONAL : REPETITION_REQUIRED);
	genops_thrift_text(buf, &last, 4, genops_str_of(column->name));
	if (column->type == GENOPS_PARQUET_TEXT) {
		genops_thrift_i32(buf, &last, 6, CONVERTED_UTF8);
		genops_thrift_field(
		    buf, &last, 10, GENOPS_THRIFT_STRUCT); /* LogicalType, a union: */
		genops_thrift_field(
		    buf, &logical, 1, GENOPS_THRIFT_STRUCT); /* STRING, without fields */
		genops_thrift_stop(buf);
		genops_thrift_stop(buf);
	}
	genops_thrift_stop(buf);
}

static void build_footer(struct genops_parquet *file)
{
	struct genops_buffer *buf = &file->head;
	int last = 0, root = 0;
	genops_buffer_clear(buf);
	genops_thrift_i32(buf, &last, 1, 1); /* version */
	genops_thrift_list(buf, &last, 2, GENOPS_THRIFT_STRUCT, file->n_columns + 1);
	genops_thrift_text(buf, &root, 4, GENOPS_STR("schema"));
	genops_thrift_i32(buf, &root, 5, (int32_t)file->n_columns);
	genops_thrift_stop(buf);
	for (size_t i = 0; i < file->n_columns; i++)
		add_schema_element(buf, &file->columns[i]);
	genops_thrift_i64(buf, &last, 3, file->n_rows);
	genops_thrift_list(buf, &last, 4, GENOPS_THRIFT_STRUCT, file->n_groups);
	genops_buffer_add(buf, genops_buffer_view(&file->groups));
	genops_thrift_text(buf, &last, 6, GENOPS_STR(CREATED_BY));
	genops_thrift_stop(buf);
	add_u32(buf, buf->len);
	genops_buffer_add(buf, GENOPS_STR(MAGIC));
}

int genops_parquet_finish(struct genops_parquet *file, struct genops_error *err)
{
	GENOPS_TRY(outcome(file, err));
	for (size_t i = 0; i < file->n_columns; i++) {
		if (file->chunks[i].is_set)
			set_fault(file, GENOPS_MISUSE, "the last row was not ended");
	}
	GENOPS_TRY(outcome(file, err));
	GENOPS_TRY(begin_file(file, err));
	GENOPS_TRY(write_group(file, err));
	build_footer(file);
	GENOPS_TRY(check(file, &file->head, err));
	GENOPS_TRY(give(file, genops_buffer_view(&file->head), err));
	set_fault(file, GENOPS_MISUSE, "the file is finished");
	return GENOPS_OK;
}
