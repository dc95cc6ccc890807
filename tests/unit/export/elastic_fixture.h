/* SPDX-License-Identifier: Apache-2.0
 * elastic_fixture.h - settings of Elasticsearch out of YAML, requests of spans, and what its type makes of them. */
#ifndef TESTS_ELASTIC_FIXTURE_H
#define TESTS_ELASTIC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/compress.h"
#include "codec/wire.h"
#include "export/destination.h"

#include <stdio.h>
#include <stdlib.h>

#define T0 INT64_C(1700000000123456789) /* 2023-11-14T22:13:20.123456789Z */

extern const struct genops_destination_type genops_destination_type_elasticsearch;
static const struct genops_destination_type *const type = &genops_destination_type_elasticsearch;

struct fixture {
	struct genops_arena arena, request_arena;
	struct genops_destination_settings settings;
	const struct genops_destination_form *form;
	void *own;
	struct genops_request request;
	struct genops_error err;
};

static inline const char *get(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "ENVIRONMENT_NAME") == 0 ? "prod" : strcmp(name, "ELASTICSEARCH_URL") == 0 ? "http://from-environment:9200" : NULL;
}

static inline int load(struct fixture *f, const struct genops_destination_form *form, const char *text)
{
	static const struct genops_yaml_variables variables = {get, NULL};
	struct genops_yaml *yaml = NULL;
	memset(f, 0, sizeof *f);
	genops_arena_init(&f->arena, 1 << 20);
	genops_arena_init(&f->request_arena, 1 << 20);
	f->form = form;
	const struct genops_yaml_rows in = {"genops.yaml", &f->arena, &variables, &f->err};
	int code = genops_yaml_parse("genops.yaml", genops_str_of(text), &yaml, &f->err);
	f->own = genops_arena_alloc(&f->arena, form->size);
	assert_non_null(f->own);
	if (code == GENOPS_OK)
		code = genops_yaml_rows_section(&in, yaml->documents[0], "destination", form->rows, f->own);
	if (code == GENOPS_OK)
		code = form->read(&in, yaml->documents[0], f->own);
	genops_yaml_free(yaml);
	f->settings.own = f->own;
	f->settings.session = calloc(1, type->session_size);
	assert_non_null(f->settings.session);
	return code;
}

static inline void unload(struct fixture *f)
{
	f->form->done(f->own);
	free(f->settings.session);
	genops_buffer_done(&f->request.body);
	genops_arena_done(&f->request_arena);
	genops_arena_done(&f->arena);
}

static inline void start(struct fixture *f, const struct genops_destination_form *form, const char *text)
{
	if (load(f, form, text) != GENOPS_OK)
		fail_msg("%s", f->err.message);
	assert_int_equal(type->check(&f->settings, &f->err), GENOPS_OK);
}

static inline const char *encode(struct fixture *f, const struct genops_destination_item *items, size_t n)
{
	const struct genops_destination_batch batch = {.items = items, .n_items = n};
	genops_buffer_done(&f->request.body);
	genops_arena_reset(&f->request_arena);
	if (type->encode(&f->settings, &batch, &f->request_arena, &f->request, &f->err) != GENOPS_OK)
		fail_msg("%s", f->err.message);
	genops_buffer_add_char(&f->request.body, '\0');
	assert_int_equal(f->request.body.error, 0);
	return f->request.body.ptr;
}

static inline const char *header(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->request.n_headers; i++) {
		if (genops_str_is(f->request.headers[i].key, name))
			return f->request.headers[i].value.ptr;
	}
	return NULL;
}

static inline void put_attribute(struct genops_buffer *out, uint32_t field, const char *key, const char *value)
{
	size_t mark = genops_wire_begin(out, field);
	genops_wire_put_text(out, 1, genops_str_of(key));
	size_t inner = genops_wire_begin(out, 2);
	genops_wire_put_text(out, 1, genops_str_of(value));
	genops_wire_end(out, inner);
	genops_wire_end(out, mark);
}

static inline void put_integer(struct genops_buffer *out, uint32_t field, const char *key, uint64_t value)
{
	size_t mark = genops_wire_begin(out, field);
	genops_wire_put_text(out, 1, genops_str_of(key));
	size_t inner = genops_wire_begin(out, 2);
	genops_wire_put_uint(out, 3, value);
	genops_wire_end(out, inner);
	genops_wire_end(out, mark);
}

static inline void put_span(struct genops_buffer *out, const char *name, char id)
{
	const char ids[17] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, id};
	size_t mark = genops_wire_begin(out, 2), event;
	genops_wire_put_text(out, 1, (genops_str){ids, 16});
	genops_wire_put_text(out, 2, (genops_str){ids + 8, 8});
	genops_wire_put_text(out, 5, genops_str_of(name));
	genops_wire_put_uint(out, 6, 3);
	genops_wire_put_fixed64(out, 7, (uint64_t)T0);
	genops_wire_put_fixed64(out, 8, (uint64_t)T0 + 150000000);
	put_attribute(out, 9, "genops.team", "first");
	put_integer(out, 9, "big", UINT64_C(9007199254740993));
	put_attribute(out, 9, "genops.team", "ml \"platform\"");
	event = genops_wire_begin(out, 11);
	genops_wire_put_fixed64(out, 1, (uint64_t)T0);
	genops_wire_put_text(out, 2, GENOPS_STR("cost.calculated"));
	genops_wire_end(out, event);
	genops_wire_end(out, mark);
}

static inline void put_request(struct genops_buffer *out, const char *name, char id)
{
	size_t resource = genops_wire_begin(out, 1), inner = genops_wire_begin(out, 1);
	put_attribute(out, 1, "service.name", "app");
	genops_wire_end(out, inner);
	size_t scope = genops_wire_begin(out, 2);
	put_span(out, name, id);
	genops_wire_end(out, scope);
	genops_wire_end(out, resource);
}

#define SPAN(name, last)                                                                                                                   \
	"{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"trace_id\":\"0102030405060708090a0b0c0d0e0f" last                          \
	"\",\"span_id\":\"090a0b0c0d0e0f" last "\",\"name\":\"" name "\",\"kind\":\"Client\",\"duration\":150000000,"                     \
	"\"attributes\":{\"genops.team\":\"ml \\\"platform\\\"\",\"big\":9007199254740993},"                                            \
	"\"events\":[{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"name\":\"cost.calculated\",\"attributes\":{}}],"            \
	"\"status\":{\"code\":\"Unset\"},\"resource\":{\"attributes\":{\"service.name\":\"app\"}},\"scope\":{\"attributes\":{}}}\n"

#endif
