/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lookup/csv_read.h - CSV as RFC 4180 has it: records of fields, quoted ones with "" for a quote. CRLF or LF; a byte order mark and
 * empty lines are skipped. Nothing is a comment. Reads in place: what is quoted is unquoted where it stands. No memory is taken. */
#ifndef PIPELINE_CSV_READ_H
#define PIPELINE_CSV_READ_H

#include "base/error.h"
#include "base/str.h"

struct genops_csv_reader {
	char *at, *end;
	int line;
};

void genops_csv_read_begin(struct genops_csv_reader *reader, char *bytes, size_t len);
/* The fields of the next record into fields[0 .. max), as views of the bytes. *ret_n may be more than max: the others are skipped. 1: a record;
 * 0: the end; SYNTAX with the line. */
GENOPS_NODISCARD int genops_csv_read_next(
    struct genops_csv_reader *reader, genops_str *fields, size_t max, size_t *ret_n, struct genops_error *err);

#endif
