/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/form.c - see form.h. A state machine over bytes; a delimiter begins with CR, which a
 * boundary cannot have, so a failed match is all data.
 */
#include "dialect/read/form.h"

#include "base/str.h"

#define HEADERS_MAX ((size_t)8192)
#define FIELD_MAX   ((size_t)4 << 20)

/* The value of a parameter in "type; name=value; name=\"value\"". *ret_n counts how often it stands
 * there. */
static genops_str parameter(genops_str header, const char *name, int *ret_n)
{
	genops_str found = {0};
	*ret_n = 0;
	size_t at = 0;
	while (at < header.len) {
		while (at < header.len && header.ptr[at] != ';')
			at++;
		while (at < header.len &&
		       (header.ptr[at] == ';' || header.ptr[at] == ' ' || header.ptr[at] == '\t'))
			at++;
		size_t name_start = at;
		while (at < header.len && header.ptr[at] != '=' && header.ptr[at] != ';')
			at++;
		genops_str this_name = {header.ptr + name_start, at - name_start};
		if (at == header.len || header.ptr[at] != '=')
			continue;
		bool is_quoted = ++at < header.len && header.ptr[at] == '"';
		at += is_quoted;
		size_t start = at;
		while (at < header.len && header.ptr[at] != (is_quoted ? '"' : ';'))
			at++;
		if (genops_str_is_nocase(genops_str_trim(this_name), name)) {
			found = (genops_str){header.ptr + start, at - start};
			++*ret_n;
		}
		at += is_quoted && at < header.len;
	}
	return found;
}

static int fail_form(struct genops_form *form, const char *fault)
{
	if (!form->fault)
		form->fault = fault;
	return GENOPS_SYNTAX;
}

static void read_boundary(struct genops_form *form, genops_str content_type)
{
	int n;
	genops_str boundary = parameter(content_type, "boundary", &n);
	size_t semicolon = genops_str_find_char(content_type, ';');
	genops_str type = {content_type.ptr, semicolon == SIZE_MAX ? content_type.len : semicolon};
	if (!genops_str_is_nocase(genops_str_trim(type), "multipart/form-data")) {
		fail_form(form, "the content type must be multipart/form-data");
		return;
	}
	boundary = genops_str_trim(boundary);
	bool is_bad = n != 1 || !boundary.len || boundary.len > GENOPS_FORM_BOUNDARY_MAX;
	for (size_t i = 0; i < boundary.len && !is_bad; i++)
		is_bad = (unsigned char)boundary.ptr[i] < 0x20 || boundary.ptr[i] == '\\';
	if (is_bad) {
		fail_form(form, "the content type has no usable boundary");
		return;
	}
	memcpy(form->delimiter, "\r\n--", 4);
	memcpy(form->delimiter + 4, boundary.ptr, boundary.len);
	form->delimiter_len = boundary.len + 4;
}

int genops_form_begin(
    void *state, struct genops_arena *arena, const struct genops_request_info *info)
{
	struct genops_form *form = state;
	*form = (struct genops_form){.n_matched = 2};
	genops_buffer_init(&form->text, FIELD_MAX);
	int code = genops_request_begin(&form->request, arena, info);
	read_boundary(form, info->content_type);
	return code;
}

/* The header of a part by its name, or empty. */
static genops_str header_of(genops_str headers, const char *name, int *ret_n)
{
	genops_str found = {0};
	*ret_n = 0;
	while (headers.len) {
		genops_str line = genops_str_split(&headers, '\n');
		genops_str line_name = genops_str_split(&line, ':');
		if (line.ptr && genops_str_is_nocase(genops_str_trim(line_name), name)) {
			found = genops_str_trim(line);
			++*ret_n;
		}
	}
	return found;
}

/* Finds the row that a part's field has; marks it as seen. */
static int begin_part(struct genops_form *form)
{
	int n_dispositions, n_encodings, n_names, n_files;
	genops_str headers = genops_buffer_view(&form->text);
	genops_str disposition = header_of(headers, "content-disposition", &n_dispositions);
	genops_str encoding = header_of(headers, "content-transfer-encoding", &n_encodings);
	genops_str name = parameter(disposition, "name", &n_names);
	parameter(disposition, "filename", &n_files);
	int n_long_files;
	parameter(disposition, "filename*", &n_long_files);
	form->is_file = n_files + n_long_files > 0;
	form->path = NULL;
	form->request.n_form_files += form->is_file;
	if (n_dispositions != 1 || n_names != 1 || genops_str_find_char(name, '\\') != SIZE_MAX)
		return fail_form(form, "a part of the form has no plain name");
	if (n_encodings && !genops_str_is_nocase(encoding, "binary") &&
	    !genops_str_is_nocase(encoding, "8bit") && !genops_str_is_nocase(encoding, "7bit"))
		return fail_form(form, "a part of the form has a transfer encoding");
	const struct genops_fields *fields = form->request.info.endpoint->reading->request;
	for (size_t i = 0; i < fields->n_rows && i < 64; i++) {
		if (!genops_str_is(name, fields->rows[i].path))
			continue;
		if (form->is_file || form->seen >> i & 1)
			return fail_form(form, "a field of the form stands twice or is a file");
		form->seen |= UINT64_C(1) << i;
		form->path = fields->rows[i].path;
	}
	genops_buffer_clear(&form->text);
	return GENOPS_OK;
}

static int end_part(struct genops_form *form)
{
	if (form->path) {
		genops_str text = genops_buffer_view(&form->text);
		if (form->text.error)
			return fail_form(form, "a field of the form is too long");
		if (!genops_str_is_utf8(text))
			return fail_form(form, "a field of the form is not UTF-8");
		genops_request_form_field(&form->request, form->path, text);
	}
	form->path = NULL;
	form->is_file = false;
	form->state = GENOPS_FORM_DELIMITED;
	form->n_after = 0;
	return GENOPS_OK;
}

/* Bytes that turned out to be a part's own. */
static int take_data(struct genops_form *form, const char *ptr, size_t len)
{
	if (!len)
		return GENOPS_OK;
	if (form->state == GENOPS_FORM_START)
		return fail_form(form, "the form does not begin with its boundary");
	if (form->path) {
		genops_buffer_add(&form->text, (genops_str){ptr, len});
	} else if (form->is_file) {
		form->request.media_bytes += len;
		form->request.file_bytes += (int64_t)len;
	}
	return GENOPS_OK;
}

/* Data up to the delimiter's last byte, or the piece's end. */
static int data_bytes(struct genops_form *form, const char **at, const char *end)
{
	while (*at < end) {
		if (form->n_matched == 0) {
			const char *cr = memchr(*at, '\r', (size_t)(end - *at));
			const char *stop = cr ? cr : end;
			GENOPS_TRY(take_data(form, *at, (size_t)(stop - *at)));
			*at = stop;
			if (cr) {
				form->n_matched = 1;
				++*at;
			}
			continue;
		}
		if (**at != form->delimiter[form->n_matched]) {
			size_t n = form->n_matched;
			form->n_matched = 0;
			GENOPS_TRY(take_data(form, form->delimiter, n));
			continue;
		}
		++*at;
		if (++form->n_matched == form->delimiter_len) {
			form->n_matched = 0;
			return end_part(form);
		}
	}
	return GENOPS_OK;
}

static int delimited_byte(struct genops_form *form, char c)
{
	if (form->n_after == 0 && (c == ' ' || c == '\t'))
		return GENOPS_OK;
	form->after[form->n_after++] = c;
	if (form->n_after < 2)
		return GENOPS_OK;
	form->n_after = 0;
	if (memcmp(form->after, "--", 2) == 0) {
		form->state = GENOPS_FORM_END;
		return GENOPS_OK;
	}
	if (memcmp(form->after, "\r\n", 2) != 0)
		return fail_form(form, "a boundary of the form does not end its line");
	form->state = GENOPS_FORM_HEADERS;
	genops_buffer_clear(&form->text);
	return GENOPS_OK;
}

static int header_byte(struct genops_form *form, char c)
{
	struct genops_buffer *text = &form->text;
	genops_buffer_add_char(text, c);
	if (text->error || text->len > HEADERS_MAX)
		return fail_form(form, "a part of the form has too long headers");
	bool is_end = text->len >= 4 && memcmp(text->ptr + text->len - 4, "\r\n\r\n", 4) == 0;
	bool is_empty = text->len == 2 && memcmp(text->ptr, "\r\n", 2) == 0;
	if (!is_end && !is_empty)
		return GENOPS_OK;
	form->state = GENOPS_FORM_DATA;
	form->n_matched = 0;
	return begin_part(form);
}

static int form_bytes(struct genops_form *form, const char *at, const char *end)
{
	while (at < end) {
		switch (form->state) {
		case GENOPS_FORM_START:
		case GENOPS_FORM_DATA:
			GENOPS_TRY(data_bytes(form, &at, end));
			break;
		case GENOPS_FORM_DELIMITED:
			GENOPS_TRY(delimited_byte(form, *at++));
			break;
		case GENOPS_FORM_HEADERS:
			GENOPS_TRY(header_byte(form, *at++));
			break;
		case GENOPS_FORM_END:
			if (form->n_after >= 2 || *at++ != "\r\n"[form->n_after++])
				return fail_form(
				    form, "something stands behind the end of the form");
			break;
		}
	}
	return GENOPS_OK;
}

int genops_form_feed(void *state, genops_str piece, struct genops_error *err)
{
	struct genops_form *form = state;
	if (piece.len && !form->fault)
		(void)form_bytes(form, piece.ptr, piece.ptr + piece.len); /* remembered in fault */
	if (form->fault)
		return genops_fail(err, GENOPS_SYNTAX, "%s", form->fault);
	form->request.n_bytes += piece.len;
	return GENOPS_OK;
}

int genops_form_finish(void *state, struct genops_call *call, struct genops_error *err)
{
	struct genops_form *form = state;
	if (!form->fault && form->state != GENOPS_FORM_END)
		fail_form(form, "the form ends too early");
	if (form->fault)
		return genops_fail(err, GENOPS_SYNTAX, "%s", form->fault);
	return genops_request_conclude(&form->request, call, err);
}

void genops_form_done(void *state)
{
	struct genops_form *form = state;
	genops_buffer_done(&form->text);
	genops_request_done(&form->request);
}
