/* SPDX-License-Identifier: Apache-2.0
 * test_counts.c - any usage object, however inconsistent, becomes usage whose parts never exceed
 * their whole. */
#include "dialect/read/counts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct genops_json_value number(double value)
{
	return (struct genops_json_value){.type = GENOPS_JSON_NUMBER,
	    .is_integer = value == (double)(int64_t)value,
	    .integer = (int64_t)value,
	    .number = value};
}

static void assert_invariants(const struct genops_usage *u)
{
	assert_true(u->cache_read_tokens >= 0 && u->cache_write_5m_tokens >= 0 &&
		    u->cache_write_1h_tokens >= 0);
	assert_true(
	    u->audio_input_tokens >= 0 && u->reasoning_tokens >= 0 && u->audio_output_tokens >= 0);
	assert_true(u->cache_read_tokens + u->cache_write_5m_tokens + u->cache_write_1h_tokens +
			u->audio_input_tokens <=
		    u->input_tokens);
	assert_true(u->reasoning_tokens + u->audio_output_tokens <= u->output_tokens);
}

/* Every combination of a few sizes in every pair of members, beside an input and an output. */
static void parts_never_exceed_their_whole(void **state)
{
	(void)state;
	static const double sizes[] = {0, 1, 90, 1e12};
	for (int a = 0; a < GENOPS_N_COUNTS; a++) {
		for (int b = 0; b < GENOPS_N_COUNTS; b++) {
			for (size_t i = 0; i < 16; i++) {
				struct genops_counts counts = {0};
				struct genops_usage usage = {0};
				struct genops_json_value ten = number(10), x = number(sizes[i / 4]),
							 y = number(sizes[i % 4]);
				genops_counts_set(&counts, GENOPS_COUNT_INPUT, &ten);
				genops_counts_set(&counts, GENOPS_COUNT_OUTPUT, &ten);
				genops_counts_set(&counts, (enum genops_count)a, &x);
				genops_counts_set(&counts, (enum genops_count)b, &y);
				if (genops_counts_normalise(&counts, &usage))
					assert_invariants(&usage);
			}
		}
	}
}

static void what_cannot_be_a_count_spoils_the_report(void **state)
{
	(void)state;
	struct genops_json_value bad[] = {number(-1), number(0.5), number(1e13),
	    {.type = GENOPS_JSON_STRING}, {.type = GENOPS_JSON_TRUE}, {.type = GENOPS_JSON_OBJECT}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct genops_counts counts = {0};
		genops_counts_set(&counts, GENOPS_COUNT_INPUT, &bad[i]);
		assert_true(counts.is_bad && !counts.seen);
	}
	struct genops_counts counts = {0};
	struct genops_json_value nothing = {.type = GENOPS_JSON_NULL};
	genops_counts_set(&counts, GENOPS_COUNT_INPUT, &nothing);
	assert_false(counts.is_bad || counts.seen);
}

static void a_total_alone_is_input(void **state)
{
	(void)state;
	struct genops_counts counts = {0};
	struct genops_usage usage = {0};
	struct genops_json_value total = number(18);
	genops_counts_set(&counts, GENOPS_COUNT_TOTAL, &total);
	assert_true(genops_counts_normalise(&counts, &usage));
	assert_int_equal(usage.input_tokens, 18);
	assert_int_equal(usage.output_tokens, 0);
	assert_false(usage.is_estimated);
}

static void nothing_reported_is_nothing(void **state)
{
	(void)state;
	struct genops_counts counts = {0};
	struct genops_usage usage = {.tool_calls = 3};
	struct genops_json_value one = number(1);
	genops_counts_set(&counts, GENOPS_COUNT_CACHED, &one);
	assert_false(genops_counts_normalise(&counts, &usage));
	assert_int_equal(usage.tool_calls, 3);
	assert_int_equal(usage.cache_read_tokens, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_never_exceed_their_whole),
	    cmocka_unit_test(what_cannot_be_a_count_spoils_the_report),
	    cmocka_unit_test(a_total_alone_is_input),
	    cmocka_unit_test(nothing_reported_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
