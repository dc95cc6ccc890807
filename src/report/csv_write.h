/* SPDX-License-Identifier: Apache-2.0
 * report/csv_write.h - comma-separated values by RFC 4180 into a bounded buffer. Values are written as they are; what needs
 * quotes gets them. Check buf->error once at the end. */
#ifndef REPORT_CSV_WRITE_H
#define REPORT_CSV_WRITE_H

#include "base/buffer.h"

struct genops_csv_writer {
	struct genops_buffer *buf;
	bool has_fields; /* in this record */
};

void genops_csv_writer_init(struct genops_csv_writer *csv, struct genops_buffer *buf);
void genops_csv_text(struct genops_csv_writer *csv, genops_str text);
void genops_csv_int(struct genops_csv_writer *csv, int64_t value);
void genops_csv_bool(struct genops_csv_writer *csv, bool value); /* true, false */
/* Two fields: nano-USD, and USD as a decimal number. */
void genops_csv_money(struct genops_csv_writer *csv, int64_t nano_usd);
void genops_csv_end(struct genops_csv_writer *csv); /* of the record */

#endif
