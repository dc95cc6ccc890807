/* SPDX-License-Identifier: Apache-2.0
 * export/outgoing_body.c - see outgoing_body.h. */
#include "export/outgoing_body.h"

#define LEVEL 1 /* telemetry repeats itself: higher levels cost much and save little */

int genops_outgoing_body_compress(enum genops_compress_kind kind, struct genops_buffer *body, genops_str *ret_name, struct genops_error *err)
{
	struct genops_buffer small;
	*ret_name = (genops_str){"", 0};
	if (kind == GENOPS_COMPRESS_NONE || body->len < GENOPS_OUTGOING_BODY_SMALL)
		return GENOPS_OK;
	genops_buffer_init(&small, body->max);
	int code = genops_compress_encode(kind, LEVEL, genops_buffer_view(body), &small, err);
	genops_buffer_done(code == GENOPS_OK ? body : &small);
	if (code != GENOPS_OK)
		return code;
	*body = small;
	*ret_name = genops_str_of(genops_compress_name(kind));
	return GENOPS_OK;
}
