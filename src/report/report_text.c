/* SPDX-License-Identifier: Apache-2.0
 * report/report_text.c - see report_text.h. */
#include "report/report_text.h"

#include "base/error.h"

int genops_report_text_take(struct genops_buffer *buf, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	int code = buf->error;
	size_t len;
	char *text = genops_buffer_take(buf, &len);
	genops_buffer_done(buf);
	if (!text)
		return genops_fail(err, code ? code : GENOPS_NOMEM, "the report does not fit into memory");
	*ret_text = text;
	*ret_len = len;
	return GENOPS_OK;
}
