/* SPDX-License-Identifier: Apache-2.0
 * The merged attributes of an operation: order of strength, names, limits. Part of CORE-009,
 * CORE-010. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/record.h"

#include <stdio.h>

static int setup(void **state)
{
	static struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	*state = &arena;
	return 0;
}

static int teardown(void **state)
{
	genops_arena_done(*state);
	return 0;
}

static void a_later_add_replaces_under_any_of_its_names(void **state)
{
	struct genops_attributes a;
	genops_attributes_init(&a, *state);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("team"), GENOPS_STR("one"), NULL), 0);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("genops.team"), GENOPS_STR("two"), NULL), 0);
	assert_int_equal(a.n, 1);
	assert_true(genops_str_is(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_TEAM), "two"));
	assert_true(genops_str_is(
	    genops_attributes_get(&a, GENOPS_STR("genops.team"))->value.string, "two"));
	assert_true(genops_str_is(a.items[0].key, "team"));
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("app.tier"), GENOPS_STR("gold"), NULL), 0);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("app.tier"), GENOPS_STR("free"), NULL), 0);
	assert_int_equal(a.n, 2);
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("app.tier"))->value.string, "free"));
	assert_null(genops_attributes_get(&a, GENOPS_STR("project")));
	assert_int_equal(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_PROJECT).len, 0);
}

static void standard_names_in_all_three_forms(void **state)
{
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("cost_center")),
	    GENOPS_ATTRIBUTE_COST_CENTER);
	assert_int_equal(
	    genops_attributes_standard_key(GENOPS_STR("genops.feature")), GENOPS_ATTRIBUTE_FEATURE);
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("X-GenOps-Customer-Id")),
	    GENOPS_ATTRIBUTE_CUSTOMER_ID);
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("genops.teams")), -1);
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("")), -1);
}

static void values_are_copied_and_keep_their_type(void **state)
{
	struct genops_attributes a;
	char text[] = "alpha";
	genops_attributes_init(&a, *state);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k"), genops_str_of(text), NULL), 0);
	text[0] = 'X';
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("k"))->value.string, "alpha"));
	struct genops_attribute number = {
	    .key = GENOPS_STR("n"), .type = GENOPS_ATTRIBUTE_INT, .value.integer = 7};
	assert_int_equal(genops_attributes_set(&a, &number, NULL), 0);
	assert_int_equal(genops_attributes_get(&a, GENOPS_STR("n"))->value.integer, 7);
	number.key = GENOPS_STR("team"); /* a standard one becomes a text */
	assert_int_equal(genops_attributes_set(&a, &number, NULL), 0);
	assert_true(genops_str_is(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_TEAM), "7"));
}

static void refuses_what_it_does_not_take(void **state)
{
	struct genops_attributes a;
	struct genops_error err;
	static char big[GENOPS_ATTRIBUTE_VALUE_MAX + 1];
	memset(big, 'x', sizeof big);
	genops_attributes_init(&a, *state);
	genops_str value = GENOPS_STR("v");
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR(""), value, &err), GENOPS_SYNTAX);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("\xff"), value, &err), GENOPS_SYNTAX);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k"), GENOPS_STR("\xc0\x80"), &err),
	    GENOPS_SYNTAX);
	assert_int_equal(
	    genops_attributes_set_text(&a, (genops_str){big, 257}, value, &err), GENOPS_LIMIT);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k"), (genops_str){big, sizeof big}, &err),
	    GENOPS_LIMIT);
	assert_int_equal(a.n, 0);
	for (int i = 0; i < GENOPS_ATTRIBUTES_MAX; i++) {
		char key[16];
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(
		    genops_attributes_set_text(&a, genops_str_of(key), value, &err), 0);
	}
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("more"), value, &err), GENOPS_LIMIT);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k5"), GENOPS_STR("new"), &err), 0);
	assert_int_equal(a.n, GENOPS_ATTRIBUTES_MAX);
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("k127"))->value.string, "v"));
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("k5"))->value.string, "new"));
}

static void no_memory_is_an_error_and_changes_nothing(void **state)
{
	struct genops_arena small;
	struct genops_attributes a;
	genops_arena_init(&small, 1500); /* room for the items, not for the value */
	genops_attributes_init(&a, &small);
	static char big[2000];
	memset(big, 'x', sizeof big);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("team"), (genops_str){big, sizeof big}, NULL),
	    GENOPS_NOMEM);
	assert_int_equal(a.n, 0);
	assert_null(genops_attributes_get(&a, GENOPS_STR("team")));
	genops_arena_done(&small);
}

static uint32_t random_state = 2463534242;

static uint32_t pick(uint32_t n)
{
	random_state ^= random_state << 13, random_state ^= random_state >> 17, random_state ^= random_state << 5;
	return random_state % n;
}

static void assert_same(const struct genops_attributes *a, const struct genops_attributes *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct genops_attribute *one = &a->items[i], *other = &b->items[i];
		assert_true(genops_str_equal(one->key, other->key));
		assert_int_equal(one->type, other->type);
		if (one->type == GENOPS_ATTRIBUTE_STRING)
			assert_true(genops_str_equal(one->value.string, other->value.string));
		else
			assert_int_equal(one->value.integer, other->value.integer);
	}
	for (int key = 0; key < GENOPS_ATTRIBUTE_N_STANDARD; key++)
		assert_true(genops_str_equal(genops_attributes_standard(a, (enum genops_attribute_key)key),
		    genops_attributes_standard(b, (enum genops_attribute_key)key)));
}

/* What was written down while merging is what a record writes of the attributes themselves. */
static void assert_same_record(const struct genops_attributes *a)
{
	struct genops_buffer with, without;
	struct genops_record record = {.lease = 1,
	    .attributes = a->items, .n_attributes = a->n, .attribute_pieces = a->pieces, .n_attribute_pieces = a->n_pieces};
	genops_buffer_init(&with, GENOPS_RECORD_MAX);
	genops_buffer_init(&without, GENOPS_RECORD_MAX);
	genops_record_encode(&record, &with);
	record.n_attribute_pieces = 0;
	genops_record_encode(&record, &without);
	assert_int_equal(with.error | without.error, 0);
	assert_int_equal(with.len, without.len);
	assert_memory_equal(with.ptr, without.ptr, with.len);
	genops_buffer_done(&with);
	genops_buffer_done(&without);
}

/* A set that keeps its keys from one operation to the next is the same as one made anew: for keys in the order of before, some of
 * them, others, under other names, twice, faulty ones. */
static void a_set_used_again_is_as_a_new_one(void **state)
{
	static const char *const keys[] = {"team", "genops.team", "x-genops-project", "project", "TEAM", "environment", "a", "b",
	    "app.tier", "app.user", "gen_ai.request.temperature", "customer_id", "feature", "\xc3\xa4", "", "\xff"};
	static const char *const values[] = {"", "v", "some value", "a value that is longer than sixteen bytes", "\xc3\xbc",
	    "a value that is so long that together with its key, however short this may be, it takes two bytes for its length in a record", "\x80"};
	struct genops_arena arena, keys_arena, fresh_arena;
	struct genops_attributes again = {0}, fresh;
	genops_arena_init(&arena, 1 << 20);
	genops_arena_init(&keys_arena, 1 << 20);
	genops_arena_init(&fresh_arena, 1 << 20);
	for (int round = 0; round < 3000; round++) {
		struct genops_attribute layer[24];
		size_t n = pick(24);
		uint32_t seed = pick(3) ? 7 : random_state | 1; /* mostly the same keys in the same order */
		uint32_t before = random_state;
		random_state = seed;
		for (size_t i = 0; i < 24; i++)
			layer[i] = (struct genops_attribute){.key = genops_str_of(keys[pick(pick(20) ? 14 : 16)])};
		random_state = before;
		for (size_t i = 0; i < n; i++) {
			bool is_text = pick(8);
			layer[i].type = is_text ? GENOPS_ATTRIBUTE_STRING : GENOPS_ATTRIBUTE_INT;
			if (is_text)
				layer[i].value.string = genops_str_of(values[pick(pick(4) ? 6 : 7)]);
			else
				layer[i].value.integer = (int64_t)pick(1000);
		}
		genops_arena_reset(&arena);
		genops_arena_reset(&fresh_arena);
		genops_attributes_renew(&again, &arena, &keys_arena);
		genops_attributes_init(&fresh, &fresh_arena);
		int code = GENOPS_OK;
		size_t cut = n ? pick((uint32_t)n) : 0; /* two layers, the second of which may replace what the first has */
		for (size_t i = 0; i < n && code == GENOPS_OK; i++)
			code = genops_attributes_set(&fresh, &layer[i], NULL);
		int again_code = genops_attributes_add(&again, layer, cut, NULL);
		if (again_code == GENOPS_OK)
			again_code = genops_attributes_add(&again, layer + cut, n - cut, NULL);
		assert_int_equal(again_code, code);
		assert_same(&again, &fresh);
		assert_same_record(&again);
		for (size_t i = 0; i < 16; i++)
			assert_int_equal(!genops_attributes_get(&again, genops_str_of(keys[i])),
			    !genops_attributes_get(&fresh, genops_str_of(keys[i])));
	}
	genops_arena_done(&arena);
	genops_arena_done(&keys_arena);
	genops_arena_done(&fresh_arena);
}

/* Who sends other keys each time does not fill the memory. */
static void keys_that_change_all_the_time_are_let_go(void **state)
{
	struct genops_arena arena, keys;
	struct genops_attributes a = {0};
	genops_arena_init(&arena, 1 << 20);
	genops_arena_init(&keys, 1 << 20);
	for (int round = 0; round < 2000; round++) {
		genops_arena_reset(&arena);
		genops_attributes_renew(&a, &arena, &keys);
		for (int i = 0; i < GENOPS_ATTRIBUTES_MAX; i++) {
			char key[GENOPS_ATTRIBUTE_KEY_MAX + 1];
			int len = snprintf(key, sizeof key, "%0*d.%d", 200, round, i);
			assert_int_equal(genops_attributes_set_text(&a, (genops_str){key, (size_t)len}, GENOPS_STR("v"), NULL), 0);
		}
		assert_int_equal(a.n, GENOPS_ATTRIBUTES_MAX);
		assert_true(keys.used < 128 << 10);
	}
	genops_arena_done(&arena);
	genops_arena_done(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_set_used_again_is_as_a_new_one),
	    cmocka_unit_test(keys_that_change_all_the_time_are_let_go),
	    cmocka_unit_test_setup_teardown(
		a_later_add_replaces_under_any_of_its_names, setup, teardown),
	    cmocka_unit_test(standard_names_in_all_three_forms),
	    cmocka_unit_test_setup_teardown(values_are_copied_and_keep_their_type, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_it_does_not_take, setup, teardown),
	    cmocka_unit_test(no_memory_is_an_error_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
