/* SPDX-License-Identifier: Apache-2.0
 * report/csv_write.c - see csv_write.h. */
#include "report/csv_write.h"

#include "govern/money.h"

#include <string.h>

void genops_csv_writer_init(struct genops_csv_writer *csv, struct genops_buffer *buf)
{
	*csv = (struct genops_csv_writer){.buf = buf};
}

static void begin_field(struct genops_csv_writer *csv)
{
	if (csv->has_fields)
		genops_buffer_add_char(csv->buf, ',');
	csv->has_fields = true;
}

static bool needs_quotes(genops_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == ',' || text.ptr[i] == '"' || text.ptr[i] == '\r' || text.ptr[i] == '\n')
			return true;
	return text.len && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ');
}

void genops_csv_text(struct genops_csv_writer *csv, genops_str text)
{
	begin_field(csv);
	if (!needs_quotes(text)) {
		genops_buffer_add(csv->buf, text);
		return;
	}
	genops_buffer_add_char(csv->buf, '"');
	while (text.len) {
		const char *quote = memchr(text.ptr, '"', text.len);
		size_t n = quote ? (size_t)(quote - text.ptr) + 1 : text.len;
		genops_buffer_add(csv->buf, (genops_str){text.ptr, n});
		if (quote)
			genops_buffer_add_char(csv->buf, '"');
		text.ptr += n;
		text.len -= n;
	}
	genops_buffer_add_char(csv->buf, '"');
}

void genops_csv_int(struct genops_csv_writer *csv, int64_t value)
{
	begin_field(csv);
	genops_buffer_add_int(csv->buf, value);
}

void genops_csv_bool(struct genops_csv_writer *csv, bool value)
{
	begin_field(csv);
	genops_buffer_add_text(csv->buf, value ? "true" : "false");
}

void genops_csv_money(struct genops_csv_writer *csv, int64_t nano_usd)
{
	char text[32];
	genops_csv_int(csv, nano_usd);
	genops_money_format(nano_usd, 2, text);
	begin_field(csv);
	genops_buffer_add_text(csv->buf, text);
}

void genops_csv_end(struct genops_csv_writer *csv)
{
	genops_buffer_add_text(csv->buf, "\r\n");
	csv->has_fields = false;
}
