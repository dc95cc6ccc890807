/* SPDX-License-Identifier: Apache-2.0
 * codec/parquet.h - writing flat tables as Apache Parquet files: PLAIN values, snappy or
 * uncompressed pages.
 *
 * Rows come one by one; a row group goes to the sink when it is full, so memory is bounded however
 * long the table is (about row_group_bytes twice). Nothing is read back and nothing seeks: a pipe
 * will do.
 *
 *   genops_parquet_add_int(file, 0, unix_ns);
 *   genops_parquet_add_text(file, 1, team);         a column not added is null
 *   GENOPS_TRY(genops_parquet_end_row(file, err));
 *   ...
 *   GENOPS_TRY(genops_parquet_finish(file, err));   without it, what was written is no Parquet file
 */
#ifndef CODEC_PARQUET_H
#define CODEC_PARQUET_H

#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_PARQUET_COLUMNS_MAX 1024
#define GENOPS_PARQUET_TEXT_MAX	   ((size_t)16 << 20) /* bytes of one text */

enum genops_parquet_type {
	GENOPS_PARQUET_INT,    /* INT64 */
	GENOPS_PARQUET_DOUBLE, /* DOUBLE */
	GENOPS_PARQUET_BOOL,   /* BOOLEAN */
	GENOPS_PARQUET_TEXT,   /* BYTE_ARRAY, a UTF-8 string; what is not UTF-8 becomes U+FFFD */
};

struct genops_parquet_column {
	const char *name;
	enum genops_parquet_type type;
	bool is_optional; /* may be null */
};

struct genops_parquet_options {
	bool is_plain;		/* pages are not compressed with snappy */
	size_t row_group_rows;	/* 0: 131072 */
	size_t row_group_bytes; /* of values; 0: 16 MiB, at most 512 MiB */
};

/* Takes the file's next bytes, borrowed for the call. OK, or a code that every later call returns
 * too. */
typedef int genops_parquet_sink_fn(void *arg, genops_str bytes, struct genops_error *err);

struct genops_parquet;

/* Returns the owned writer, or NULL (MISUSE, NOMEM). The columns and their names are borrowed while
 * it lives. */
struct genops_parquet *genops_parquet_new(const struct genops_parquet_column *columns,
    size_t n_columns, const struct genops_parquet_options *options, genops_parquet_sink_fn *sink,
    void *arg, struct genops_error *err);
void genops_parquet_free(struct genops_parquet *file); /* without finish: the file stays torn */

/* A value of the row that is being written; each column at most once a row. Faults are told by
 * end_row. */
void genops_parquet_add_int(struct genops_parquet *file, size_t column, int64_t value);
void genops_parquet_add_double(struct genops_parquet *file, size_t column, double value);
void genops_parquet_add_bool(struct genops_parquet *file, size_t column, bool value);
void genops_parquet_add_text(struct genops_parquet *file, size_t column, genops_str text);

/* MISUSE (a column of another type, twice, or missing though required), LIMIT, NOMEM, or the sink's
 * code. After a failure every further call fails. */
GENOPS_NODISCARD int genops_parquet_end_row(struct genops_parquet *file, struct genops_error *err);
GENOPS_NODISCARD int genops_parquet_finish(struct genops_parquet *file, struct genops_error *err);

#endif
