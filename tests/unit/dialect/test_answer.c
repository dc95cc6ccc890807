/* SPDX-License-Identifier: Apache-2.0
 * test_answer.c - what a call is settled at when the provider did not say, or not all. */
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct genops_call call_of_300_bytes(void)
{
	struct genops_call call = {.is_metered = true, .input_text_bytes = 300, .n_choices = 1};
	call.expected.input_tokens = 556;
	call.expected.output_tokens = 100;
	return call;
}

static void what_was_reported_is_settled(void **state)
{
	(void)state;
	struct genops_call call = call_of_300_bytes();
	struct genops_answer answer = {
	    .has_usage = true, .has_input_usage = true, .output_bytes = 1000};
	answer.usage.input_tokens = 7;
	genops_usage usage = genops_answer_settled(&call, &answer);
	assert_int_equal(usage.input_tokens, 7);
	assert_int_equal(usage.output_tokens, 0); /* an explicit zero stays zero */
	assert_false(usage.is_estimated);
}

static void bytes_are_estimated_within_the_bound(void **state)
{
	(void)state;
	struct genops_call call = call_of_300_bytes();
	struct genops_answer answer = {.output_bytes = 31};
	genops_usage usage = genops_answer_settled(&call, &answer);
	assert_int_equal(usage.input_tokens, 100);
	assert_int_equal(usage.output_tokens, 11);
	assert_true(usage.is_estimated);
	answer.output_bytes = 100000;
	assert_int_equal(genops_answer_settled(&call, &answer).output_tokens, 100);
	call.expected.output_tokens = 0; /* not said: no bound here */
	assert_int_equal(genops_answer_settled(&call, &answer).output_tokens, 33334);
}

static void a_reported_input_is_kept_when_the_stream_breaks(void **state)
{
	(void)state;
	struct genops_call call = call_of_300_bytes();
	struct genops_answer answer = {.has_input_usage = true, .output_bytes = 30};
	answer.usage.input_tokens = 52;
	answer.usage.output_tokens = 1; /* message_start's placeholder */
	genops_usage usage = genops_answer_settled(&call, &answer);
	assert_int_equal(usage.input_tokens, 52);
	assert_int_equal(usage.output_tokens, 10);
	assert_true(usage.is_estimated);
}

static void an_error_before_any_output_costs_nothing(void **state)
{
	(void)state;
	struct genops_call call = call_of_300_bytes();
	struct genops_answer answer = {.is_error = true};
	genops_usage usage = genops_answer_settled(&call, &answer);
	assert_int_equal(usage.input_tokens + usage.output_tokens, 0);
	answer.output_bytes = 3; /* it had begun */
	assert_int_equal(genops_answer_settled(&call, &answer).input_tokens, 100);
}

static void images_and_sound_without_usage_are_estimated(void **state)
{
	(void)state;
	struct genops_call call = call_of_300_bytes();
	struct genops_answer answer = {0};
	call.expected.images = 2;
	call.expected.image_output_tokens = call.expected.output_tokens = 16384;
	call.expected.audio_ms = 8000;
	genops_usage usage = genops_answer_settled(&call, &answer);
	assert_int_equal(usage.images, 2);
	assert_int_equal(usage.output_tokens, 16384);
	assert_int_equal(usage.audio_ms, 2000);
}

static void what_is_free_stays_free(void **state)
{
	(void)state;
	struct genops_call call = {.is_metered = false, .input_text_bytes = 300};
	struct genops_answer answer = {.output_bytes = 3000};
	genops_usage usage = genops_answer_settled(&call, &answer);
	assert_int_equal(usage.input_tokens + usage.output_tokens, 0);
	assert_false(usage.is_estimated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_reported_is_settled),
	    cmocka_unit_test(bytes_are_estimated_within_the_bound),
	    cmocka_unit_test(a_reported_input_is_kept_when_the_stream_breaks),
	    cmocka_unit_test(an_error_before_any_output_costs_nothing),
	    cmocka_unit_test(images_and_sound_without_usage_are_estimated),
	    cmocka_unit_test(what_is_free_stays_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
