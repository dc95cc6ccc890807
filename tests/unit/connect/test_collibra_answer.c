/* SPDX-License-Identifier: Apache-2.0
 * What an answer means, and which requests may be made again after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "connect/collibra/collibra_answer.h"

#define T(literal) {literal, sizeof(literal) - 1}
#define JSON .content_type = T("application/json; charset=utf-8")
#define READ GENOPS_COLLIBRA_READ
#define SAME GENOPS_COLLIBRA_IDEMPOTENT
#define ONCE GENOPS_COLLIBRA_ONCE

static const struct {
	struct genops_response response;
	enum genops_collibra_repeat repeat;
	enum genops_collibra_outcome outcome;
	bool may_repeat;
	const char *message; /* a part of it */
} rows[] = {
    {{.status = 200, JSON, .body = T("{}")}, READ, GENOPS_COLLIBRA_OK, false, ""},
    {{.status = 204}, ONCE, GENOPS_COLLIBRA_OK, false, ""},
    {{.status = 200, .content_type = T("text/html"), .body = T("<html>")}, READ, GENOPS_COLLIBRA_UNAUTHENTICATED, false, "page"},
    {{.status = 200, JSON, .body = T("{"), .is_cut = true}, READ, GENOPS_COLLIBRA_UNAVAILABLE, false, "too large"},
    {{.status = 201, JSON, .body = T("{"), .is_cut = true}, ONCE, GENOPS_COLLIBRA_UNKNOWN, false, "too large"},
    {{.status = 302}, READ, GENOPS_COLLIBRA_UNAUTHENTICATED, false, "redirect"},
    {{.status = 400, JSON, .body = T("{\"userMessage\":\"Name is\\ntaken\",\"titleMessage\":\"No\"}")}, ONCE, GENOPS_COLLIBRA_REFUSED, false, "Name is taken"},
    {{.status = 401, JSON, .body = T("{\"errorCode\":\"expiredToken\"}")}, READ, GENOPS_COLLIBRA_UNAUTHENTICATED, false, "Authentication failed (401)"},
    {{.status = 402}, ONCE, GENOPS_COLLIBRA_REFUSED, false, "licence"},
    {{.status = 403}, ONCE, GENOPS_COLLIBRA_FORBIDDEN, false, "right"},
    {{.status = 404}, SAME, GENOPS_COLLIBRA_NOT_FOUND, false, "404"},
    {{.status = 409}, ONCE, GENOPS_COLLIBRA_REFUSED, false, "409"},
    {{.status = 413}, ONCE, GENOPS_COLLIBRA_REFUSED, false, "413"},
    {{.status = 422}, ONCE, GENOPS_COLLIBRA_REFUSED, false, "422"},
    {{.status = 429}, ONCE, GENOPS_COLLIBRA_LIMITED, true, "Rate limit exceeded (429)"},
    {{.status = 429}, READ, GENOPS_COLLIBRA_LIMITED, true, "Rate limit exceeded (429)"},
    {{.status = 408}, READ, GENOPS_COLLIBRA_UNAVAILABLE, true, "408"},
    {{.status = 500}, READ, GENOPS_COLLIBRA_UNAVAILABLE, true, "500"},
    {{.status = 503}, SAME, GENOPS_COLLIBRA_UNAVAILABLE, true, "503"},
    {{.status = 502, .content_type = T("text/html"), .body = T("<html>")}, ONCE, GENOPS_COLLIBRA_UNKNOWN, false, "502"},
    {{.network_error = T("Connection refused"), .is_unsent = true}, ONCE, GENOPS_COLLIBRA_UNAVAILABLE, true, "Connection refused"},
    {{.network_error = T("reset")}, ONCE, GENOPS_COLLIBRA_UNKNOWN, false, "reset"},
    {{.network_error = T("reset")}, SAME, GENOPS_COLLIBRA_UNAVAILABLE, true, "reset"},
    {{.network_error = T("late"), .is_timeout = true}, ONCE, GENOPS_COLLIBRA_UNKNOWN, false, "Connection timed out"},
    {{.network_error = T("late"), .is_timeout = true}, READ, GENOPS_COLLIBRA_UNAVAILABLE, true, "Connection timed out"},
    {{.network_error = T("cancelled")}, READ, GENOPS_COLLIBRA_CANCELLED, false, "cancelled"},
};

static void test_meanings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_collibra_answer answer;
		genops_collibra_answer_judge(&rows[i].response, rows[i].repeat, false, &answer);
		assert_int_equal(answer.outcome, rows[i].outcome);
		assert_non_null(strstr(answer.message, rows[i].message));
		assert_int_equal(genops_collibra_answer_may_repeat(&rows[i].response, &answer, rows[i].repeat), rows[i].may_repeat);
		assert_null(strchr(answer.message, '\n'));
	}
}

static void test_errors_of_the_token_endpoint(void **state)
{
	(void)state;
	struct genops_response response = {.status = 400, JSON, .body = T("{\"error\":\"invalid_scope\",\"error_description\":\"no such scope\"}")};
	struct genops_collibra_answer answer;
	genops_collibra_answer_judge(&response, SAME, true, &answer);
	assert_int_equal(answer.outcome, GENOPS_COLLIBRA_UNAUTHENTICATED);
	assert_string_equal(answer.error_code, "invalid_scope");
	assert_non_null(strstr(answer.message, "no such scope"));
	struct genops_error err;
	assert_int_equal(genops_collibra_answer_fail(&answer, "the token", &err), GENOPS_DENIED);
	assert_non_null(strstr(err.message, "the token: "));
}

static void test_pauses(void **state)
{
	(void)state;
	struct genops_response response = {.received_unix_ns = 1700000000 * GENOPS_NS_PER_S};
	static const int64_t seconds[] = {1, 2, 4, 8, 16, 16, 16};
	for (int i = 0; i < 7; i++) {
		for (uint64_t random = 0; random < 5; random++) {
			int64_t pause_ns = genops_collibra_answer_pause(&response, i + 1, random * UINT64_C(0x3333333333333333));
			assert_in_range(pause_ns, seconds[i] * GENOPS_NS_PER_S * 8 / 10, seconds[i] * GENOPS_NS_PER_S * 12 / 10);
		}
	}
	response.retry_after = GENOPS_STR("7");
	assert_int_equal(genops_collibra_answer_pause(&response, 1, 0), 7 * GENOPS_NS_PER_S);
	response.retry_after = GENOPS_STR("Tue, 14 Nov 2023 22:13:25 GMT");
	assert_int_equal(genops_collibra_answer_pause(&response, 1, 0), 5 * GENOPS_NS_PER_S);
	response.retry_after = GENOPS_STR("86400"); /* absurd */
	assert_int_equal(genops_collibra_answer_pause(&response, 1, 0), 60 * GENOPS_NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_meanings),
	    cmocka_unit_test(test_errors_of_the_token_endpoint),
	    cmocka_unit_test(test_pauses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
