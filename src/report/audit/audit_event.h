/* SPDX-License-Identifier: Apache-2.0
 * report/audit/audit_event.h - an audit row made readable, and the rows that name its columns: JSON, CSV and Parquet are all written from them. */
#ifndef REPORT_AUDIT_EVENT_H
#define REPORT_AUDIT_EVENT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "store/ledger.h"

#include <genops/report.h>

enum genops_audit_column_type {
	GENOPS_AUDIT_TEXT,  /* genops_str; empty: null */
	GENOPS_AUDIT_TIME,  /* int64_t, Unix ns */
	GENOPS_AUDIT_INT,   /* int64_t */
	GENOPS_AUDIT_MONEY, /* int64_t nano-USD; two columns: <name>_nano_usd, <name>_usd */
	GENOPS_AUDIT_BOOL,  /* bool */
	GENOPS_AUDIT_RAW,   /* genops_str of JSON; empty: null */
};

/* Which records have it. */
enum genops_audit_scope { GENOPS_AUDIT_ALL, GENOPS_AUDIT_OPERATION, GENOPS_AUDIT_OTHER };

struct genops_audit_column {
	const char *name;
	enum genops_audit_column_type type;
	size_t offset; /* in struct genops_audit_event */
	enum genops_audit_scope scope;
};

extern const struct genops_audit_column genops_audit_columns[];
extern const size_t genops_audit_n_columns;

/* NULL: records like this one do not have that column. */
const void *genops_audit_field(const struct genops_audit_event *event, const struct genops_audit_column *column);

/* What a row is made readable with; kept over many rows. */
struct genops_audit_reader {
	struct genops_arena arena; /* of the record */
	struct genops_buffer text; /* ids and JSON texts; the event's views are into it */
};

void genops_audit_reader_init(struct genops_audit_reader *reader);
void genops_audit_reader_done(struct genops_audit_reader *reader);

/* The event's texts live until the next read. A payload that cannot be decoded is CORRUPT. */
GENOPS_NODISCARD int genops_audit_reader_read(struct genops_audit_reader *reader, const struct genops_audit_row *row,
    struct genops_audit_event *ret_event, struct genops_error *err);

#endif
