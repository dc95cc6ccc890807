/* SPDX-License-Identifier: Apache-2.0
 * report/audit/audit_parquet.c - see audit_parquet.h. The columns are those of the other formats; a time has a second one,
 * <name>_unix_ns, and money is an exact INT64 beside a DOUBLE. */
#include "report/audit/audit_parquet.h"

#include "codec/parquet.h"
#include "govern/money.h"
#include "report/audit/audit_event.h"
#include "report/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS_MAX 128
#define COLUMN_NAME_MAX 48

struct genops_audit_parquet {
	struct genops_parquet *file;
	genops_report_write_fn *on_bytes;
	void *arg;
	size_t n_columns;
	struct genops_parquet_column columns[COLUMNS_MAX];
	char names[COLUMNS_MAX][COLUMN_NAME_MAX];
};

static int sink(void *arg, genops_str bytes, struct genops_error *err)
{
	struct genops_audit_parquet *parquet = arg;
	int code = parquet->on_bytes(parquet->arg, bytes.ptr, bytes.len);
	return code == GENOPS_OK
		? GENOPS_OK
		: genops_fail(err, code, "the audit trail could not be written out: %s", genops_error_text(code));
}

static void add_column(struct genops_audit_parquet *parquet, const char *name, const char *suffix,
    enum genops_parquet_type type, bool is_optional)
{
	if (parquet->n_columns == COLUMNS_MAX)
		return;
	char *text = parquet->names[parquet->n_columns];
	snprintf(text, COLUMN_NAME_MAX, "%s%s", name, suffix);
	parquet->columns[parquet->n_columns++] =
	    (struct genops_parquet_column){.name = text, .type = type, .is_optional = is_optional};
}

static void add_columns(struct genops_audit_parquet *parquet)
{
	for (size_t i = 0; i < genops_audit_n_columns; i++) {
		const struct genops_audit_column *column = &genops_audit_columns[i];
		bool is_optional = column->scope != GENOPS_AUDIT_ALL;
		switch (column->type) {
		case GENOPS_AUDIT_TEXT:
		case GENOPS_AUDIT_RAW:
			add_column(parquet, column->name, "", GENOPS_PARQUET_TEXT, true);
			break;
		case GENOPS_AUDIT_TIME:
			add_column(parquet, column->name, "", GENOPS_PARQUET_TEXT, true);
			add_column(parquet, column->name, "_unix_ns", GENOPS_PARQUET_INT, is_optional);
			break;
		case GENOPS_AUDIT_INT:
			add_column(parquet, column->name, "", GENOPS_PARQUET_INT, is_optional);
			break;
		case GENOPS_AUDIT_MONEY:
			add_column(parquet, column->name, "_nano_usd", GENOPS_PARQUET_INT, is_optional);
			add_column(parquet, column->name, "_usd", GENOPS_PARQUET_DOUBLE, is_optional);
			break;
		case GENOPS_AUDIT_BOOL:
			add_column(parquet, column->name, "", GENOPS_PARQUET_BOOL, is_optional);
			break;
		}
	}
}

struct genops_audit_parquet *genops_audit_parquet_new(
    genops_report_write_fn *on_bytes, void *arg, struct genops_error *err)
{
	struct genops_audit_parquet *parquet = calloc(1, sizeof *parquet);
	if (!parquet) {
		genops_fail(err, GENOPS_NOMEM, "out of memory for a Parquet file");
		return NULL;
	}
	parquet->on_bytes = on_bytes;
	parquet->arg = arg;
	add_columns(parquet);
	parquet->file = genops_parquet_new(parquet->columns, parquet->n_columns, NULL, sink, parquet, err);
	if (!parquet->file) {
		free(parquet);
		return NULL;
	}
	return parquet;
}

void genops_audit_parquet_free(struct genops_audit_parquet *parquet)
{
	if (!parquet)
		return;
	genops_parquet_free(parquet->file);
	free(parquet);
}

/* Adds a field's one or two values from column `at` on; returns how many columns it has. */
static size_t add_field(
    struct genops_parquet *file, size_t at, const struct genops_audit_column *column, const void *field)
{
	char time[GENOPS_TIMESTAMP_MAX];
	bool is_double = column->type == GENOPS_AUDIT_TIME || column->type == GENOPS_AUDIT_MONEY;
	if (!field)
		return is_double ? 2 : 1;
	switch (column->type) {
	case GENOPS_AUDIT_TEXT:
	case GENOPS_AUDIT_RAW:
		if (((const genops_str *)field)->len)
			genops_parquet_add_text(file, at, *(const genops_str *)field);
		break;
	case GENOPS_AUDIT_TIME:
		genops_parquet_add_text(file, at, genops_timestamp_nanoseconds(*(const int64_t *)field, time));
		genops_parquet_add_int(file, at + 1, *(const int64_t *)field);
		break;
	case GENOPS_AUDIT_INT:
		genops_parquet_add_int(file, at, *(const int64_t *)field);
		break;
	case GENOPS_AUDIT_MONEY:
		genops_parquet_add_int(file, at, *(const int64_t *)field);
		genops_parquet_add_double(file, at + 1, genops_money_to_usd(*(const int64_t *)field));
		break;
	case GENOPS_AUDIT_BOOL:
		genops_parquet_add_bool(file, at, *(const bool *)field);
		break;
	}
	return is_double ? 2 : 1;
}

int genops_audit_parquet_add(
    struct genops_audit_parquet *parquet, const struct genops_audit_event *event, struct genops_error *err)
{
	size_t at = 0;
	for (size_t i = 0; i < genops_audit_n_columns; i++) {
		const struct genops_audit_column *column = &genops_audit_columns[i];
		at += add_field(parquet->file, at, column, genops_audit_field(event, column));
	}
	return genops_parquet_end_row(parquet->file, err);
}

int genops_audit_parquet_finish(struct genops_audit_parquet *parquet, struct genops_error *err)
{
	return genops_parquet_finish(parquet->file, err);
}
