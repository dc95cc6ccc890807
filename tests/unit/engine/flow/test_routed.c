/* SPDX-License-Identifier: Apache-2.0 - engine/flow/routed.c: what goes in comes out; nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "engine/flow/routed.h"

#include <stdlib.h>

static const genops_str names[] = {{"otlp/a", 6}, {"file", 4}};

static void make(struct genops_buffer *out)
{
	const struct genops_destination_item spans = {.kind = GENOPS_ITEM_TRACES, .n = 300, .time_unix_ns = 5, .body = GENOPS_STR("bytes")};
	const struct genops_destination_item event = {.kind = GENOPS_ITEM_EVENT,
	    .n = 1,
	    .time_unix_ns = -1,
	    .id = UINT64_MAX,
	    .body = GENOPS_STR("{}"),
	    .payload = GENOPS_STR("[1]"),
	    .pipeline = GENOPS_STR("cost"),
	    .route = GENOPS_STR("to_slack"),
	    .settings = GENOPS_STR("{\"table\":1}"),
	    .tenant = GENOPS_STR("acme")};
	genops_buffer_init(out, 1 << 20);
	genops_routed_begin(names, 2, out);
	genops_routed_add(&spans, out);
	genops_routed_add(&event, out);
	assert_int_equal(out->error, 0);
}

static bool is_for(genops_str entry, const char *name)
{
	struct genops_error err;
	bool is_for;
	assert_int_equal(genops_routed_is_for(entry, genops_str_of(name), &is_for, &err), GENOPS_OK);
	return is_for;
}

static void what_goes_in_comes_out(void **state)
{
	struct genops_buffer buf;
	struct genops_routed_reader reader;
	struct genops_destination_item item;
	(void)state;
	make(&buf);
	genops_str entry = genops_buffer_view(&buf);
	assert_true(is_for(entry, "otlp/a") && is_for(entry, "file"));
	assert_false(is_for(entry, "otlp") || is_for(entry, "") || is_for(entry, "otlp/ab"));
	genops_routed_reader_init(&reader, entry);
	assert_int_equal(genops_routed_reader_next(&reader, &item), 1);
	assert_int_equal(item.kind, GENOPS_ITEM_TRACES);
	assert_int_equal(item.n, 300);
	assert_int_equal(item.time_unix_ns, 5);
	assert_true(genops_str_is(item.body, "bytes") && !item.payload.len && !item.id);
	assert_int_equal(genops_routed_reader_next(&reader, &item), 1);
	assert_int_equal(item.kind, GENOPS_ITEM_EVENT);
	assert_int_equal(item.time_unix_ns, -1);
	assert_true(item.id == UINT64_MAX);
	assert_true(genops_str_is(item.body, "{}") && genops_str_is(item.payload, "[1]") && genops_str_is(item.pipeline, "cost"));
	assert_true(genops_str_is(item.route, "to_slack") && genops_str_is(item.settings, "{\"table\":1}") && genops_str_is(item.tenant, "acme"));
	assert_int_equal(genops_routed_reader_next(&reader, &item), 0);
	genops_buffer_done(&buf);
}

/* Cut anywhere, one byte flipped anywhere: an end or CORRUPT, never a read behind it (ASan sees to it). */
static void what_is_damaged_is_told(void **state)
{
	struct genops_buffer buf;
	(void)state;
	make(&buf);
	for (size_t cut = 0; cut < buf.len; cut++) {
		for (int flip = 0; flip < 256; flip += 51) {
			struct genops_routed_reader reader;
			struct genops_destination_item item;
			struct genops_error err;
			bool is_for;
			char *copy = malloc(buf.len);
			memcpy(copy, buf.ptr, buf.len);
			copy[cut] = (char)(copy[cut] ^ flip);
			genops_str entry = {copy, flip ? buf.len : cut};
			int code = genops_routed_is_for(entry, names[1], &is_for, &err);
			assert_true(code == GENOPS_OK || code == GENOPS_CORRUPT || code == GENOPS_UNSUPPORTED);
			genops_routed_reader_init(&reader, entry);
			while ((code = genops_routed_reader_next(&reader, &item)) > 0)
				;
			assert_true(code == 0 || code == GENOPS_CORRUPT);
			free(copy);
		}
	}
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_goes_in_comes_out),
	    cmocka_unit_test(what_is_damaged_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
