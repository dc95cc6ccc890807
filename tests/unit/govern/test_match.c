/* SPDX-License-Identifier: Apache-2.0
 * `match:` clauses. Proves A-007 (dev and development, prod and production are one environment for
 * rules). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/attributes.h"

static bool holds(const char *key, const char *value, const struct genops_match_subject *subject)
{
	genops_str values[] = {GENOPS_STR("never-this"), genops_str_of(value)};
	struct genops_match_entry entry = {
	    .key = genops_str_of(key), .n_values = 2, .values = values};
	struct genops_match match = {.n_entries = 1, .entries = &entry};
	return genops_match_holds(&match, subject);
}

static void entries_compare_as_stated(void **state)
{
	struct genops_arena arena;
	struct genops_attributes a;
	genops_arena_init(&arena, 1 << 16);
	genops_attributes_init(&a, &arena);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("environment"), GENOPS_STR("prod"), NULL), 0);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("team"), GENOPS_STR("ml-platform"), NULL), 0);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("customer_id"), GENOPS_STR("acme-7"), NULL),
	    0);
	struct genops_attribute beta = {
	    .key = GENOPS_STR("beta"), .type = GENOPS_ATTRIBUTE_BOOL, .value.boolean = true};
	assert_int_equal(genops_attributes_set(&a, &beta, NULL), 0);
	struct genops_match_subject subject = {.attributes = &a,
	    .provider = GENOPS_STR("openai"),
	    .model = GENOPS_STR("gpt-4-turbo"),
	    .name = GENOPS_STR("chat"),
	    .type = GENOPS_STR("ai.inference")};
	assert_true(holds("environment", "production", &subject));
	assert_true(holds("genops.environment", "prod", &subject));
	assert_false(holds("environment", "development", &subject));
	assert_true(
	    genops_str_is(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_ENVIRONMENT), "prod"));
	assert_true(holds("team", "ml-*", &subject));
	assert_false(holds("team", "ML-*", &subject));
	assert_false(holds("team", "ml", &subject));
	assert_true(holds("customer_id", "acme-*", &subject));
	assert_true(holds("beta", "true", &subject));
	assert_false(holds("project", "*", &subject)); /* absent */
	assert_true(holds("provider", "OpenAI", &subject));
	assert_true(holds("model", "gpt-4", &subject)); /* the family */
	assert_false(holds("model", "gpt-3.5", &subject));
	assert_true(holds("operation", "chat", &subject));
	assert_true(holds("type", "ai.*", &subject));
	genops_arena_done(&arena);
}

static void every_entry_must_hold_and_none_holds_always(void **state)
{
	struct genops_match_subject subject = {.provider = GENOPS_STR("openai")};
	genops_str openai = GENOPS_STR("openai"), x = GENOPS_STR("x");
	struct genops_match_entry entries[] = {
	    {.key = GENOPS_STR("provider"), .n_values = 1, .values = &openai},
	    {.key = GENOPS_STR("model"), .n_values = 1, .values = &x},
	};
	struct genops_match match = {.n_entries = 1, .entries = entries};
	assert_true(genops_match_holds(&match, &subject));
	match.n_entries = 2;
	assert_false(genops_match_holds(&match, &subject));
	assert_true(genops_match_holds(&(struct genops_match){0}, &subject));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries_compare_as_stated),
	    cmocka_unit_test(every_entry_must_hold_and_none_holds_always),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
