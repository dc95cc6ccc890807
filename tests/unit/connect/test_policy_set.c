/* SPDX-License-Identifier: Apache-2.0
 * Policy assets: their values' forms, what they mean, what a listing changes, and how they are kept. Contract COL-057..059, COL-132..153. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "connect/collibra/policy/policy_fetch.h"

#define A(name) GENOPS_COLLIBRA_ATTRIBUTE_##name

static struct genops_arena arena;

static int begin(void **state)
{
	(void)state;
	genops_arena_init(&arena, (size_t)8 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	genops_arena_done(&arena);
	return 0;
}

static struct genops_collibra_policy make(enum genops_collibra_asset_type type, const char *id)
{
	return (struct genops_collibra_policy){.id = genops_str_of(id), .name = GENOPS_STR("the policy"), .status = GENOPS_STR("Accepted"), .type = type};
}

static void give(struct genops_collibra_policy *policy, enum genops_collibra_attribute_type attribute, const char *value)
{
	assert_int_equal(genops_collibra_policy_add(policy, attribute, genops_str_of(value), &arena, NULL), GENOPS_OK);
}

static void expect(const struct genops_texts *texts, size_t n, const char *const *wanted)
{
	assert_int_equal(texts->n, n);
	for (size_t i = 0; i < n; i++)
		assert_true(genops_str_is(texts->items[i], wanted[i]));
}

static void test_forms_of_values(void **state)
{
	(void)state;
	static const struct {
		const char *given;
		size_t n;
		const char *wanted[4];
	} lists[] = {
	    {"confidential,secret,private", 3, {"confidential", "secret", "private"}},
	    {" a , ,b\nc,", 3, {"a", "b", "c"}},
	    {"/x{1,3}/ , y", 2, {"/x{1,3}/", "y"}},
	    {"/usr, /etc", 2, {"/usr", "/etc"}},
	    {"<p>gpt-4</p><p>claude&amp;co</p>", 2, {"gpt-4", "claude&co"}},
	    {"<ul><li>a</li><li><b>b</b></li></ul>", 2, {"a", "b"}},
	    {"<script>", 1, {"<script>"}},
	    {"", 0, {NULL}},
	};
	static const char *const numbers[][2] = {{"10", "10"}, {"10.0", "10"}, {"1.0E7", "10000000"}, {" 0.0025 ", "0.0025"}, {"<p>5</p>", "5"},
	    {"ten", "ten"}, {"-1", "-1"}};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct genops_collibra_policy policy = make(GENOPS_COLLIBRA_CONTENT_FILTER, "1");
		give(&policy, A(BLOCKED_PATTERNS), lists[i].given);
		expect(&policy.values[A(BLOCKED_PATTERNS)], lists[i].n, lists[i].wanted);
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct genops_collibra_policy policy = make(GENOPS_COLLIBRA_COST_LIMIT, "1");
		give(&policy, A(MAX_COST), numbers[i][0]);
		expect(&policy.values[A(MAX_COST)], 1, &numbers[i][1]);
	}
}

static int build(const struct genops_collibra_policy *from, struct genops_policy *policy, struct genops_error *err)
{
	int code = genops_collibra_policy_build(from, &arena, policy, err);
	if (code == GENOPS_OK && policy->type->release)
		policy->type->release(policy->settings);
	return code;
}

/* A policy of each type with what it needs. */
static struct genops_collibra_policy good(enum genops_collibra_asset_type type)
{
	struct genops_collibra_policy policy = make(type, "11111111-2222");
	give(&policy, A(MAX_COST), "10.0");
	give(&policy, A(MAX_REQUESTS_PER_MINUTE), "100");
	give(&policy, A(BLOCKED_PATTERNS), "confidential,secret");
	give(&policy, A(ALLOWED_TEAMS), "ml-platform,data-science");
	give(&policy, A(MONTHLY_BUDGET), "1000");
	give(&policy, A(BLOCKED_MODELS), "gpt-3.5-turbo");
	return policy;
}

static void test_every_type_at_every_level(void **state)
{
	(void)state;
	for (int type = GENOPS_COLLIBRA_COST_LIMIT; type <= GENOPS_COLLIBRA_MODEL_GOVERNANCE; type++) {
		enum genops_level wanted;
		const char *spelling;
		for (size_t i = 0; (spelling = genops_level_spelling(i, &wanted)) != NULL; i++) {
			struct genops_collibra_policy from = good((enum genops_collibra_asset_type)type);
			struct genops_policy policy;
			give(&from, A(ENFORCEMENT_LEVEL), spelling);
			assert_int_equal(build(&from, &policy, NULL), GENOPS_OK);
			assert_int_equal(policy.level, wanted);
			assert_string_equal(policy.type->name, genops_collibra_asset_rows[type].policy_type);
			assert_true(policy.is_enabled && genops_str_is(policy.origin, "collibra:11111111-2222"));
		}
	}
}

static void test_what_cannot_be_used(void **state)
{
	(void)state;
	struct genops_error err;
	struct genops_policy policy;
	for (int type = GENOPS_COLLIBRA_COST_LIMIT; type <= GENOPS_COLLIBRA_MODEL_GOVERNANCE; type++) {
		struct genops_collibra_policy from = make((enum genops_collibra_asset_type)type, "1");
		assert_int_equal(build(&from, &policy, &err), GENOPS_CONFIG);
	}
	struct genops_collibra_policy from = good(GENOPS_COLLIBRA_COST_LIMIT);
	give(&from, A(MAX_COST), "11");
	assert_int_equal(build(&from, &policy, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "max_cost"));
	from = good(GENOPS_COLLIBRA_COST_LIMIT);
	from.values[A(MAX_COST)].n = 0;
	give(&from, A(MAX_COST), "much");
	assert_int_equal(build(&from, &policy, &err), GENOPS_CONFIG);
	from = good(GENOPS_COLLIBRA_TEAM_ACCESS);
	give(&from, A(ENFORCEMENT_LEVEL), "perhaps");
	assert_int_equal(build(&from, &policy, &err), GENOPS_CONFIG);
	assert_true(err.fix[0] != '\0');
	from = good(GENOPS_COLLIBRA_OPERATION_COST);
	assert_int_equal(build(&from, &policy, &err), GENOPS_CONFIG);
}

static struct genops_collibra_policy *put(struct genops_collibra_policy_set *set, enum genops_collibra_asset_type type, const char *id)
{
	struct genops_collibra_policy *policy;
	assert_int_equal(genops_collibra_policy_set_add(set, genops_str_of(id), &arena, &policy, NULL), GENOPS_OK);
	*policy = good(type);
	policy->id = genops_str_of(id);
	return policy;
}

static void test_kept_and_read_again(void **state)
{
	(void)state;
	struct genops_collibra_policy_set set = {.url = GENOPS_STR("https://a"), .domain_id = GENOPS_STR("d"), .domain_name = GENOPS_STR("D \"x\""),
	    .changed_unix_ns = 5}, again;
	struct genops_buffer text;
	struct genops_error err;
	for (int type = GENOPS_COLLIBRA_COST_LIMIT; type <= GENOPS_COLLIBRA_MODEL_GOVERNANCE; type++) {
		static const char *const ids[] = {"a", "b", "c", "d", "e", "f"};
		put(&set, (enum genops_collibra_asset_type)type, ids[type - GENOPS_COLLIBRA_COST_LIMIT]);
	}
	genops_buffer_init(&text, GENOPS_COLLIBRA_SET_MAX);
	genops_collibra_policy_set_write(&set, &text);
	assert_int_equal(genops_collibra_policy_set_read(genops_buffer_view(&text), &arena, &again, &err), GENOPS_OK);
	assert_int_equal(again.n, 6);
	assert_int_equal(again.changed_unix_ns, 5);
	assert_true(genops_str_is(again.domain_name, "D \"x\""));
	for (size_t i = 0; i < 6; i++)
		assert_true(genops_collibra_policy_equal(&set.policies[i], &again.policies[i]));
	for (size_t cut = 0; cut < text.len; cut += 7)
		assert_int_not_equal(genops_collibra_policy_set_read((genops_str){text.ptr, cut}, &arena, &again, &err), GENOPS_OK);
	genops_buffer_done(&text);
	static const char *const bad[] = {"{}", "{\"version\":2,\"policies\":[]}", "{\"version\":1,\"policies\":[5]}", "{\"version\":1,\"policies\":[{}]}",
	    "{\"version\":1,\"policies\":[{\"id\":\"a\",\"type\":\"Other_C\"}]}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_not_equal(genops_collibra_policy_set_read(genops_str_of(bad[i]), &arena, &again, &err), GENOPS_OK);
}

static void test_what_a_listing_changes(void **state)
{
	(void)state;
	struct genops_collibra_policy_set before = {0}, found = {0}, after;
	struct genops_collibra_changes changes;
	bool is_changed;
	put(&before, GENOPS_COLLIBRA_COST_LIMIT, "same");
	put(&before, GENOPS_COLLIBRA_COST_LIMIT, "gone");
	put(&before, GENOPS_COLLIBRA_COST_LIMIT, "changed");
	put(&before, GENOPS_COLLIBRA_COST_LIMIT, "off");
	put(&before, GENOPS_COLLIBRA_TEAM_ACCESS, "reordered");
	put(&before, GENOPS_COLLIBRA_COST_LIMIT, "damaged");
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "same");
	give(put(&found, GENOPS_COLLIBRA_COST_LIMIT, "changed"), A(ENFORCEMENT_LEVEL), "warn");
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "off")->status = GENOPS_STR("obsolete");
	struct genops_collibra_policy *reordered = put(&found, GENOPS_COLLIBRA_TEAM_ACCESS, "reordered");
	reordered->values[A(ALLOWED_TEAMS)].n = 0;
	give(reordered, A(ALLOWED_TEAMS), "data-science,ml-platform");
	give(put(&found, GENOPS_COLLIBRA_COST_LIMIT, "damaged"), A(ENFORCEMENT_LEVEL), "perhaps");
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "new");
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "new and off")->status = GENOPS_STR("Rejected");
	assert_int_equal(genops_collibra_policy_set_diff(&before, &found, &arena, &after, &changes, &is_changed, NULL), GENOPS_OK);
	assert_int_equal(changes.n_imported, 1);
	assert_int_equal(changes.n_updated, 1);
	assert_int_equal(changes.n_removed, 2);
	assert_int_equal(changes.n_failed, 1);
	assert_non_null(strstr(changes.errors[0], "last good version stays"));
	assert_true(is_changed);
	assert_null(genops_collibra_policy_set_find(&after, GENOPS_STR("gone")));
	assert_int_equal(genops_collibra_policy_set_find(&after, GENOPS_STR("damaged"))->values[A(ENFORCEMENT_LEVEL)].n, 0);
	/* The same again changes nothing; an empty listing removes all. */
	struct genops_collibra_policy_set none = {0}, last;
	assert_int_equal(genops_collibra_policy_set_diff(&after, &found, &arena, &last, &changes, &is_changed, NULL), GENOPS_OK);
	assert_true(!is_changed && !changes.n_imported && !changes.n_updated && !changes.n_removed && changes.n_failed == 1);
	assert_int_equal(genops_collibra_policy_set_diff(&after, &none, &arena, &last, &changes, &is_changed, NULL), GENOPS_OK);
	assert_int_equal(changes.n_removed, 5);
	assert_int_equal(last.n, 0);
}

/* A policy that is too large is reported like any other that cannot be used; nothing of it is cut away in silence. */
static void test_too_large(void **state)
{
	(void)state;
	static char text[GENOPS_COLLIBRA_VALUE_MAX + 2];
	struct genops_collibra_policy_set before = {0}, found = {0}, after;
	struct genops_collibra_changes changes;
	struct genops_policy policy;
	struct genops_error err;
	bool is_changed;
	memset(text, 'x', sizeof text - 1);
	struct genops_collibra_policy *long_one = put(&found, GENOPS_COLLIBRA_CONTENT_FILTER, "long");
	give(long_one, A(BLOCKED_PATTERNS), text);
	assert_int_equal(build(long_one, &policy, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "blocked_patterns"));
	assert_true(err.fix[0] != '\0');
	struct genops_collibra_policy *many = put(&found, GENOPS_COLLIBRA_TEAM_ACCESS, "many");
	for (int i = 0; i < GENOPS_COLLIBRA_VALUES_MAX; i++)
		give(many, A(ALLOWED_TEAMS), "team");
	text[1000] = '\0';
	struct genops_collibra_policy *wide = put(&found, GENOPS_COLLIBRA_TEAM_ACCESS, "wide");
	for (int i = 0; i < 300; i++)
		give(wide, A(ALLOWED_TEAMS), text);
	struct genops_collibra_policy *named = put(&found, GENOPS_COLLIBRA_COST_LIMIT, "named");
	text[1000] = 'x';
	named->name = genops_str_of(text);
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "good");
	put(&before, GENOPS_COLLIBRA_TEAM_ACCESS, "many");
	assert_int_equal(genops_collibra_policy_set_diff(&before, &found, &arena, &after, &changes, &is_changed, NULL), GENOPS_OK);
	assert_int_equal(changes.n_failed, 4);
	assert_int_equal(changes.n_imported, 1);
	assert_int_equal(after.n, 2);
	assert_int_equal(genops_collibra_policy_set_find(&after, GENOPS_STR("many"))->values[A(ALLOWED_TEAMS)].n, 2);
}

/* One call can be held against so many budgets; those that are for all calls may not take the room of one another. */
static void test_budgets_for_all(void **state)
{
	(void)state;
	static const char *const ids[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
	struct genops_collibra_policy_set before = {0}, found = {0}, after, last;
	struct genops_collibra_changes changes;
	bool is_changed;
	for (size_t i = 1; i < 10; i++)
		put(&before, GENOPS_COLLIBRA_BUDGET_CONSTRAINT, ids[i]);
	give(genops_collibra_policy_set_find(&before, GENOPS_STR("j")), A(APPLIES_TO_TEAMS), "search");
	for (size_t i = 0; i < 10; i++)
		put(&found, GENOPS_COLLIBRA_BUDGET_CONSTRAINT, ids[i]);
	give(genops_collibra_policy_set_find(&found, GENOPS_STR("j")), A(APPLIES_TO_TEAMS), "search");
	assert_int_equal(genops_collibra_policy_set_diff(&before, &found, &arena, &after, &changes, &is_changed, NULL), GENOPS_OK);
	assert_int_equal(changes.n_failed, 1);
	assert_non_null(strstr(changes.errors[0], "applies_to_teams"));
	assert_int_equal(after.n, 9);
	assert_null(genops_collibra_policy_set_find(&after, GENOPS_STR("a")));
	/* Where one is gone another has room; one that is to be for all from now on has none, and stays as it was. */
	genops_collibra_policy_set_find(&found, GENOPS_STR("b"))->status = GENOPS_STR("Rejected");
	genops_collibra_policy_set_find(&found, GENOPS_STR("j"))->values[A(APPLIES_TO_TEAMS)].n = 0;
	assert_int_equal(genops_collibra_policy_set_diff(&after, &found, &arena, &last, &changes, &is_changed, NULL), GENOPS_OK);
	assert_int_equal(changes.n_imported, 1);
	assert_int_equal(changes.n_failed, 1);
	assert_int_equal(genops_collibra_policy_set_find(&last, GENOPS_STR("j"))->values[A(APPLIES_TO_TEAMS)].n, 1);
	assert_int_equal(genops_collibra_policy_set_diff(&last, &found, &arena, &after, &changes, &is_changed, NULL), GENOPS_OK);
	assert_false(is_changed);
}

/* What is told goes to terminals and logs: one line, whole characters. An asset that a page brought twice is one. */
static void test_what_is_told(void **state)
{
	(void)state;
	struct genops_collibra_policy_set before = {0}, found = {0}, after;
	struct genops_collibra_changes changes;
	bool is_changed;
	char name[] = "a\r\nb\033[31m\302\233.................................................................................................................\303\274";
	struct genops_collibra_policy *bad = put(&found, GENOPS_COLLIBRA_COST_LIMIT, "one");
	bad->name = genops_str_of(name);
	give(bad, A(ENFORCEMENT_LEVEL), "x\ny\033[2J");
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "two");
	put(&found, GENOPS_COLLIBRA_COST_LIMIT, "two");
	for (size_t shift = 0; shift < 4; shift++) {
		bad->name = genops_str_skip(genops_str_of(name), shift);
		assert_int_equal(genops_collibra_policy_set_diff(&before, &found, &arena, &after, &changes, &is_changed, NULL), GENOPS_OK);
		assert_int_equal(changes.n_failed, 1);
		assert_int_equal(after.n, 1);
		assert_true(genops_str_is_utf8(genops_str_of(changes.errors[0])));
		assert_null(strstr(changes.errors[0], "\302\233"));
		for (const char *c = changes.errors[0]; *c; c++)
			assert_true((unsigned char)*c >= ' ' && *c != 127);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_forms_of_values, begin, end),
	    cmocka_unit_test_setup_teardown(test_every_type_at_every_level, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_cannot_be_used, begin, end),
	    cmocka_unit_test_setup_teardown(test_kept_and_read_again, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_a_listing_changes, begin, end),
	    cmocka_unit_test_setup_teardown(test_too_large, begin, end),
	    cmocka_unit_test_setup_teardown(test_budgets_for_all, begin, end),
	    cmocka_unit_test_setup_teardown(test_what_is_told, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
