/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference_rows.c - see reference_rows.h. Pure. */
#include "engine/check/reference_rows.h"

void genops_reference_rows_cell(struct genops_buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			genops_buffer_add_char(out, '\\');
		genops_buffer_add_char(out, *text);
	}
}

static void add_type(struct genops_buffer *out, const struct genops_option *row)
{
	if (row->type == GENOPS_OPTION_ENUM) {
		for (size_t i = 0; row->names[i]; i++)
			genops_buffer_printf(out, "%s`%s`", i ? ", " : "", row->names[i]);
		return;
	}
	genops_reference_rows_cell(
	    out, row->type == GENOPS_OPTION_CUSTOM ? "see its meaning" : genops_option_type_text(row->type));
	if (row->min == 0 && row->max == 0)
		return;
	if (row->max < row->min)
		genops_buffer_printf(out, ", at least %.15g", row->min);
	else
		genops_buffer_printf(out, ", %.15g to %.15g", row->min, row->max);
	if (row->type == GENOPS_OPTION_DURATION)
		genops_buffer_add_text(out, " s");
}

static void add_row(struct genops_buffer *out, const struct genops_option *row)
{
	genops_buffer_printf(out, "| `%s`", row->name);
	for (const char *const *alias = row->aliases; alias && *alias; alias++)
		genops_buffer_printf(out, ", `%s`", *alias);
	genops_buffer_add_text(out, row->is_required ? " (required) | " : " | ");
	add_type(out, row);
	genops_buffer_add_text(out, " | ");
	if (row->default_text)
		genops_buffer_printf(out, "`%s`", row->default_text);
	genops_buffer_add_text(out, " | ");
	genops_reference_rows_cell(out, row->text ? row->text : "");
	genops_buffer_add_text(out, row->is_secret ? "; a secret, never shown |\n" : " |\n");
}

void genops_reference_rows(struct genops_buffer *out, const struct genops_option *rows)
{
	genops_buffer_add_text(out, "| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
	for (; rows->name; rows++)
		add_row(out, rows);
}

int genops_reference_rows_take(struct genops_buffer *out, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	char *text = genops_buffer_take(out, ret_len);
	genops_buffer_done(out);
	if (!text)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the reference page");
	*ret_text = text;
	return GENOPS_OK;
}
