/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/form.h - reads a multipart/form-data request (RFC 7578): text fields by their rows,
 * files measured.
 *
 * Strict where two readers could disagree about a field: one boundary, no preamble, no field twice,
 * no field as a file, no transfer encoding, nothing behind the end. The boundary comes from the
 * content-type header, as the provider takes it.
 */
#ifndef DIALECT_READ_FORM_H
#define DIALECT_READ_FORM_H

#include "dialect/read/request.h"

#define GENOPS_FORM_BOUNDARY_MAX ((size_t)200)

enum genops_form_state {
	GENOPS_FORM_START,     /* the first delimiter is due, without its CRLF */
	GENOPS_FORM_DATA,      /* of a part, up to the next delimiter */
	GENOPS_FORM_DELIMITED, /* behind a delimiter: CRLF or -- is due */
	GENOPS_FORM_HEADERS,   /* of a part, up to the empty line */
	GENOPS_FORM_END,       /* only one CRLF may follow */
};

struct genops_form {
	struct genops_request request; /* first: the shared functions see only this */
	enum genops_form_state state;
	char delimiter[GENOPS_FORM_BOUNDARY_MAX + 8]; /* CRLF -- boundary */
	size_t delimiter_len, n_matched;
	struct genops_buffer text; /* headers, or a text field's value; owned */
	char after[2];		   /* what followed a delimiter, or the end */
	size_t n_after;
	const char *path; /* of the field being read, a row's; NULL: a file, or nobody's */
	bool is_file;
	uint64_t seen; /* bit per row */
	const char *fault;
};

int genops_form_begin(
    void *state, struct genops_arena *arena, const struct genops_request_info *info);
int genops_form_feed(void *state, genops_str piece, struct genops_error *err);
int genops_form_finish(void *state, struct genops_call *call, struct genops_error *err);
void genops_form_done(void *state);

#endif
