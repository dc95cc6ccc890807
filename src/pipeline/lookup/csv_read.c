/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lookup/csv_read.c - see csv_read.h. */
#include "pipeline/lookup/csv_read.h"

#include "base/str.h"

void genops_csv_read_begin(struct genops_csv_reader *reader, char *bytes, size_t len)
{
	size_t skip = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	*reader = (struct genops_csv_reader){bytes + skip, bytes + len, 1};
}

static int fail(const struct genops_csv_reader *reader, int line, const char *fix, const char *message, struct genops_error *err)
{
	int code = genops_fail_fix(err, GENOPS_SYNTAX, fix, "%s", message);
	genops_error_place(err, "", line, 0);
	return code;
}

static bool is_line_end(const struct genops_csv_reader *reader)
{
	return reader->at < reader->end && (*reader->at == '\n' || (*reader->at == '\r' && reader->at + 1 < reader->end && reader->at[1] == '\n'));
}

static void skip_line_end(struct genops_csv_reader *reader)
{
	reader->at += *reader->at == '\r' ? 2 : 1;
	reader->line++;
}

/* Behind the opening quote. */
static int read_quoted(struct genops_csv_reader *reader, genops_str *ret, struct genops_error *err)
{
	char *begin = reader->at, *out = reader->at;
	int line = reader->line;
	for (; reader->at < reader->end; reader->at++) {
		if (*reader->at == '"') {
			if (reader->at + 1 == reader->end || reader->at[1] != '"')
				break;
			reader->at++;
		}
		reader->line += *reader->at == '\n';
		*out++ = *reader->at;
	}
	if (reader->at == reader->end)
		return fail(reader, line, "close it with \"; a quote inside is written \"\"", "a quoted field has no end", err);
	reader->at++;
	if (reader->at < reader->end && *reader->at != ',' && !is_line_end(reader))
		return fail(reader, reader->line, "a quote inside of a quoted field is written \"\"", "there is text behind a quoted field", err);
	*ret = (genops_str){begin, (size_t)(out - begin)};
	return 1;
}

static int read_field(struct genops_csv_reader *reader, genops_str *ret, struct genops_error *err)
{
	if (reader->at < reader->end && *reader->at == '"') {
		reader->at++;
		return read_quoted(reader, ret, err);
	}
	char *begin = reader->at;
	while (reader->at < reader->end && *reader->at != ',' && !is_line_end(reader))
		reader->at++;
	*ret = (genops_str){begin, (size_t)(reader->at - begin)};
	return 1;
}

int genops_csv_read_next(struct genops_csv_reader *reader, genops_str *fields, size_t max, size_t *ret_n, struct genops_error *err)
{
	size_t n = 0;
	while (is_line_end(reader))
		skip_line_end(reader);
	if (reader->at == reader->end)
		return 0;
	for (;;) {
		genops_str field;
		int code = read_field(reader, &field, err);
		if (code < 0)
			return code;
		if (n < max)
			fields[n] = field;
		n++;
		if (reader->at == reader->end || is_line_end(reader))
			break;
		reader->at++; /* the comma */
	}
	if (reader->at < reader->end)
		skip_line_end(reader);
	*ret_n = n;
	return 1;
}
