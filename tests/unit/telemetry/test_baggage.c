/* SPDX-License-Identifier: Apache-2.0
 * W3C baggage: what is read, skipped, stripped; its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/str.h"
#include "telemetry/propagation.h"

#include <stdlib.h>

static const struct genops_attribute *get(
    const struct genops_attributes *attributes, const char *key)
{
	return genops_attributes_get(attributes, genops_str_of(key));
}

static void assert_text(
    const struct genops_attributes *attributes, const char *key, const char *value)
{
	const struct genops_attribute *attribute = get(attributes, key);
	assert_non_null(attribute);
	if (!genops_str_is(attribute->value.string, value))
		fail_msg("%s is %.*s, not %s", key, GENOPS_STR_ARG(attribute->value.string), value);
}

struct baggage {
	struct genops_arena arena;
	struct genops_attributes attributes;
};

static void read_baggage(struct baggage *baggage, const char *header)
{
	genops_arena_init(&baggage->arena, 1 << 20);
	genops_attributes_init(&baggage->attributes, &baggage->arena);
	genops_baggage_read(genops_str_of(header), &baggage->attributes);
}

/* proves OTL-007, A-069 */
static void test_baggage_read(void **state)
{
	(void)state;
	struct baggage baggage;
	read_baggage(&baggage,
	    "userId=alice , genops.team = ml%20platform ;p=1;genops.feature=no,"
	    "genops.project=chat+service,genops.customer_id=caf%C3%A9,genops.custom.key=a=b==,"
	    "genops.team=second");
	assert_int_equal(baggage.attributes.n, 4);
	assert_text(&baggage.attributes, "team", "second");
	assert_text(
	    &baggage.attributes, "project", "chat+service"); /* a plus sign is a plus sign */
	assert_text(&baggage.attributes, "customer_id", "caf\xc3\xa9");
	assert_text(&baggage.attributes, "genops.custom.key", "a=b==");
	assert_null(get(&baggage.attributes, "userId"));
	assert_null(get(&baggage.attributes, "feature"));
	genops_arena_done(&baggage.arena);
}

static void test_baggage_skips_what_is_malformed(void **state)
{
	(void)state;
	static const char *const headers[] = {"", ",", ",,,", "genops.team",
	    "genops.team=", "genops.=x", "genops.te am=x", "genops.team=a%2", "genops.team=a%zz",
	    "genops.team=a b", "genops.team=\"a\"", "genops.team=a\\b", "genops.team=%ff",
	    "GENOPS.team=x", "=genops.team", "genops.t\"m=x", "genops.team= ;x=1"};
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct baggage baggage;
		read_baggage(&baggage, headers[i]);
		if (baggage.attributes.n)
			fail_msg("\"%s\" gave an attribute", headers[i]);
		genops_arena_done(&baggage.arena);
	}
	struct baggage baggage;
	read_baggage(&baggage, "genops.team=%zz,genops.project=good");
	assert_int_equal(baggage.attributes.n, 1); /* one bad member does not spoil the others */
	genops_arena_done(&baggage.arena);
}

/* 180 members and 8192 bytes are read; what is beyond is as if it were not there. */
static void test_baggage_limits(void **state)
{
	(void)state;
	struct baggage baggage;
	struct genops_buffer header;
	genops_buffer_init(&header, 1 << 16);
	for (int i = 0; i < 179; i++)
		genops_buffer_add_text(&header, "a=1,");
	genops_buffer_add_text(&header, "genops.team=last,genops.project=beyond");
	genops_buffer_add_char(&header, '\0');
	read_baggage(&baggage, header.ptr);
	assert_text(&baggage.attributes, "team", "last");
	assert_null(get(&baggage.attributes, "project"));
	genops_arena_done(&baggage.arena);

	genops_buffer_clear(&header);
	genops_buffer_add_text(&header, "genops.team=first,genops.feature=");
	while (header.len < GENOPS_BAGGAGE_BYTES_MAX + 1)
		genops_buffer_add_char(&header, 'x');
	genops_buffer_add_text(&header, ",genops.project=beyond");
	genops_buffer_add_char(&header, '\0');
	read_baggage(&baggage, header.ptr);
	assert_int_equal(baggage.attributes.n, 1);
	assert_text(&baggage.attributes, "team", "first");
	genops_arena_done(&baggage.arena);
	genops_buffer_done(&header);
}

static void test_baggage_strip(void **state)
{
	(void)state;
	static const struct {
		const char *header, *rest;
	} rows[] = {
	    {"", ""},
	    {"a=1,b=2;p", "a=1,b=2;p"},
	    {" a=1 , b=2 ", "a=1 , b=2"},
	    {"genops.team=x", ""},
	    {"genops.team=x,a=1", "a=1"},
	    {"a=1, genops.team=x ,b=2", "a=1,b=2"},
	    {"a=1,Genops.Team=x", "a=1"},
	    {"a=1,genops.=x,genops.y", "a=1"},
	    {"a=genops.team,genops=1", "a=genops.team,genops=1"},
	    {",genops.a=1,,b=2,", "b=2"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_arena arena;
		genops_str rest;
		genops_arena_init(&arena, 4096);
		assert_true(genops_baggage_strip(genops_str_of(rows[i].header), &arena, &rest));
		if (!genops_str_is(rest, rows[i].rest))
			fail_msg("\"%s\" became \"%.*s\"", rows[i].header, GENOPS_STR_ARG(rest));
		genops_arena_done(&arena);
	}
}

static void test_strip_without_memory(void **state)
{
	(void)state;
	struct genops_arena arena;
	genops_str rest = GENOPS_STR("untouched");
	genops_arena_init(&arena, 0);
	assert_false(genops_baggage_strip(GENOPS_STR("a=1,genops.team=x"), &arena, &rest));
	assert_true(genops_str_is(rest, "untouched"));
	genops_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_baggage_read),
	    cmocka_unit_test(test_baggage_skips_what_is_malformed),
	    cmocka_unit_test(test_baggage_limits),
	    cmocka_unit_test(test_baggage_strip),
	    cmocka_unit_test(test_strip_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
