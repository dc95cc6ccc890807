/* SPDX-License-Identifier: Apache-2.0
 * document_fixture.h - a destination's document, read as engine/config does, and what its type makes of a batch of events. */
#ifndef TESTS_DOCUMENT_FIXTURE_H
#define TESTS_DOCUMENT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "codec/compress.h"
#include "export/destination.h"

#include <stdlib.h>

#define DOCUMENT_ITEMS_MAX 64
#define DOCUMENT_NOW_NS    INT64_C(1800000000500000000)

struct document {
	const struct genops_destination_type *type;
	struct genops_yaml *yaml;
	struct genops_arena arena;              /* the configuration's */
	struct genops_arena scratch;            /* of one request */
	void *own;
	struct genops_destination_settings settings;
	struct genops_destination_item items[DOCUMENT_ITEMS_MAX];
	size_t n_items;
	struct genops_request request;
	struct genops_buffer body;              /* of the request, as it was before it was compressed */
	struct genops_error err;
};

static inline const char *document_variable(void *arg, const char *name)
{
	return strcmp(name, "SECRET") == 0 ? "s3cret" : NULL;
}

/* Only the type's own keys. Returns the reader's code. */
static inline int document_read(struct document *d, const char *type, const char *text)
{
	static const struct genops_yaml_variables variables = {document_variable, NULL};
	memset(d, 0, sizeof *d);
	genops_arena_init(&d->arena, 1 << 20);
	genops_arena_init(&d->scratch, 64 << 20);
	genops_buffer_init(&d->body, 64 << 20);
	d->type = genops_destination_type_find(genops_str_of(type));
	assert_non_null(d->type);
	int code = genops_yaml_parse("d.yaml", genops_str_of(text), &d->yaml, &d->err);
	if (code != GENOPS_OK)
		return code;
	const struct genops_destination_form *form = d->type->document;
	const struct genops_yaml_rows in = {"d.yaml", &d->arena, &variables, &d->err};
	d->own = genops_arena_alloc(&d->arena, form->size);
	if (!d->own)
		return GENOPS_NOMEM;
	code = genops_yaml_rows_section(&in, d->yaml->documents[0], type, form->rows, d->own);
	if (code == GENOPS_OK && form->read)
		code = form->read(&in, d->yaml->documents[0], d->own);
	d->settings = (struct genops_destination_settings){
	    .type = genops_str_of(type), .own = d->own, .host = GENOPS_STR("here"), .batch_timeout_ns = INT64_C(10000000000)};
	if (d->type->session_size)
		d->settings.session = calloc(1, d->type->session_size);
	return code;
}

static inline void document_done(struct document *d)
{
	if (d->own && d->type->document->done)
		d->type->document->done(d->own);
	free(d->settings.session);
	genops_buffer_done(&d->request.body);
	genops_buffer_done(&d->body);
	genops_arena_done(&d->arena);
	genops_arena_done(&d->scratch);
	genops_yaml_free(d->yaml);
}

static inline void document_open(struct document *d, const char *type, const char *text)
{
	if (document_read(d, type, text) != GENOPS_OK)
		fail_msg("%d:%d %s", d->err.line, d->err.column, d->err.message);
}

static inline void document_event(struct document *d, const char *json)
{
	assert_true(d->n_items < DOCUMENT_ITEMS_MAX);
	d->items[d->n_items] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT,
	    .n = 1,
	    .time_unix_ns = INT64_C(1799999999123456789),
	    .id = d->n_items + 1,
	    .body = genops_str_of(json),
	    .pipeline = GENOPS_STR("p"),
	    .route = GENOPS_STR("r")};
	d->n_items++;
}

static inline int document_encode(struct document *d)
{
	struct genops_destination_batch batch = {.items = d->items, .n_items = d->n_items, .now_unix_ns = DOCUMENT_NOW_NS};
	genops_arena_reset(&d->scratch);
	genops_buffer_done(&d->request.body);
	genops_buffer_clear(&d->body);
	d->request = (struct genops_request){0};
	return d->type->encode(&d->settings, &batch, &d->scratch, &d->request, &d->err);
}

static inline const char *document_header(const struct document *d, const char *name)
{
	for (size_t i = 0; i < d->request.n_headers; i++) {
		if (genops_str_is(d->request.headers[i].key, name))
			return d->request.headers[i].value.ptr;
	}
	return "";
}

/* The body before compression, NUL-terminated. */
static inline const char *document_body(struct document *d)
{
	enum genops_compress_kind kind;
	if (document_encode(d) != GENOPS_OK)
		fail_msg("%s", d->err.message);
	assert_true(genops_compress_named(genops_str_of(document_header(d, "content-encoding")), &kind));
	assert_int_equal(genops_compress_decode(kind, genops_buffer_view(&d->request.body), &d->body, &d->err), GENOPS_OK);
	genops_buffer_add_char(&d->body, '\0');
	return d->body.ptr;
}

static inline struct genops_send_verdict document_judge(struct document *d, int status, const char *body)
{
	struct genops_response response = {.status = status, .grpc_status = -1, .body = genops_str_of(body), .received_unix_ns = DOCUMENT_NOW_NS};
	struct genops_send_verdict verdict;
	memset(&verdict, 0xaa, sizeof verdict);
	d->type->judge(&d->settings, &response, &verdict);
	return verdict;
}

#if defined(FAILING_ALLOC) /* failing_alloc.h stands before this */
/* Reading the document and encoding one event, where the n-th allocation fails: an error each time, and nothing left behind. */
static inline void document_without_memory(const char *type, const char *text, const char *event)
{
	bool is_over = !FAILING_ALLOC;
#if FAILING_ALLOC
	only_own_allocs = 1;
#endif
	for (long n = 0; !is_over && n < 2000; n++) {
		struct document d;
		allocs_left = n;
		int code = document_read(&d, type, text);
		if (code == GENOPS_OK) {
			document_event(&d, event);
			code = d.settings.session ? document_encode(&d) : GENOPS_NOMEM;
		}
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM || code == GENOPS_LIMIT);
		is_over = code == GENOPS_OK;
		document_done(&d);
	}
	assert_true(is_over);
}
#endif

#endif
