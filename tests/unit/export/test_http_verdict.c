/* SPDX-License-Identifier: Apache-2.0
 * What an HTTP API's answer means where its own contract says nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "export/http_verdict.h"

static struct genops_send_verdict judge(int status, const char *retry_after, genops_str body)
{
	struct genops_response response = {.status = status, .grpc_status = -1, .retry_after = genops_str_of(retry_after), .body = body};
	struct genops_send_verdict verdict;
	memset(&verdict, 0xaa, sizeof verdict);
	genops_http_verdict(&response, &verdict);
	return verdict;
}

static enum genops_verdict_kind expected(int status)
{
	if (status < 300)
		return GENOPS_SENT;
	if (status >= 500 || status == 408 || status == 425 || status == 429 || status == 401 || status == 403 || status == 407)
		return GENOPS_RETRY;
	return GENOPS_REJECTED;
}

static void test_table(void **state)
{
	(void)state;
	for (int status = 200; status < 600; status++) {
		struct genops_send_verdict verdict = judge(status, "", (genops_str){0});
		if (verdict.kind != expected(status))
			fail_msg("%d is %d", status, verdict.kind);
		assert_int_equal(verdict.n_kinds, 0);
		assert_true(status < 300 || strstr(verdict.reason, "HTTP "));
	}
}

static void test_refused_credentials_are_left_alone_for_a_minute_and_lose_nothing(void **state)
{
	(void)state;
	assert_int_equal(judge(401, "", (genops_str){0}).retry_after_ns, GENOPS_HTTP_CREDENTIALS_HOLD_NS);
	assert_int_equal(judge(403, "5", (genops_str){0}).retry_after_ns, GENOPS_HTTP_CREDENTIALS_HOLD_NS);
	assert_int_equal(judge(403, "120", (genops_str){0}).retry_after_ns, 120 * GENOPS_NS_PER_S);
	assert_non_null(strstr(judge(401, "", (genops_str){0}).reason, "check the credentials"));
}

static void test_reasons_are_one_line_of_bounded_length(void **state)
{
	(void)state;
	assert_string_equal(judge(503, "", GENOPS_STR("a\nb\x7f")).reason, "HTTP 503: a b ");
	char body[1000];
	memset(body, 'x', sizeof body);
	memcpy(body + 157, "\xe2\x82\xac", 3); /* cut within a character */
	struct genops_send_verdict verdict = judge(413, "", (genops_str){body, sizeof body});
	assert_non_null(memchr(verdict.reason, '\0', sizeof verdict.reason));
	assert_true(genops_str_is_utf8(genops_str_of(verdict.reason)));
	assert_non_null(strstr(verdict.reason, "batch_size"));
}

static void test_no_answer(void **state)
{
	(void)state;
	struct genops_response none = {.grpc_status = -1, .network_error = GENOPS_STR("SSL certificate problem")};
	struct genops_send_verdict verdict;
	genops_http_verdict(&none, &verdict);
	assert_int_equal(verdict.kind, GENOPS_RETRY);
	assert_non_null(strstr(verdict.reason, "SSL certificate problem"));
	assert_non_null(strstr(verdict.reason, "tls.ca_file"));
}

static void test_retry_after(void **state)
{
	(void)state;
	const int64_t now =
	    INT64_C(784111770) * GENOPS_NS_PER_S; /* Sun, 06 Nov 1994 08:49:30 GMT */
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {{"7", 7}, {" 7 ", 7}, {"0", 0}, {"-5", 0}, {"999999999", 86400}, {"", 0},
	    {"soon", 0}, {"Sun, 06 Nov 1994 08:49:37 GMT", 7}, {"Sun, 06 Nov 1994 08:49:07 GMT", 0},
	    {"Mon, 07 Nov 1994 08:49:31 GMT", 86400}, {"Sun, 06 Nop 1994 08:49:37 GMT", 0},
	    {"Sunday, 06-Nov-94 08:49:37 GMT", 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ns = genops_http_retry_after(genops_str_of(rows[i].text), now);
		if (ns != rows[i].seconds * GENOPS_NS_PER_S)
			fail_msg("\"%s\" is %lld ns", rows[i].text, (long long)ns);
	}
	assert_int_equal(
	    genops_http_retry_after(GENOPS_STR("Sun, 06 Nov 1994 08:49:37 GMT"), 0), 0);
	assert_int_equal(judge(429, "7", (genops_str){0}).retry_after_ns, 7 * GENOPS_NS_PER_S);
	assert_int_equal(judge(500, "", (genops_str){0}).retry_after_ns, 0);
}

/* An API's one address: what is not its answer says nothing of what was sent. */
static void what_is_no_answer_of_an_api(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
		enum genops_verdict_kind kind;
	} cases[] = {{200, "application/json", "{}", GENOPS_SENT}, {202, "", "", GENOPS_SENT}, {200, "text/html; charset=utf-8", "Sign in", GENOPS_RETRY},
	    {200, "", " \n<!DOCTYPE html>", GENOPS_RETRY}, {302, "", "", GENOPS_RETRY}, {404, "", "default backend", GENOPS_RETRY}, {405, "", "", GENOPS_RETRY},
	    {400, "", "<bad>", GENOPS_REJECTED}, {413, "text/html", "<html>", GENOPS_REJECTED}, {503, "text/html", "<html>", GENOPS_RETRY}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct genops_response response = {
		    .status = cases[i].status, .content_type = genops_str_of(cases[i].type), .body = genops_str_of(cases[i].body)};
		struct genops_send_verdict verdict;
		genops_http_verdict_api(&response, &verdict);
		if (verdict.kind != cases[i].kind || (verdict.kind != GENOPS_SENT && !verdict.reason[0]))
			fail_msg("%zu: %d %s", i, verdict.kind, verdict.reason);
		assert_int_equal(verdict.retry_after_ns, verdict.kind == GENOPS_RETRY && cases[i].status < 500 ? GENOPS_HTTP_CREDENTIALS_HOLD_NS : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_refused_credentials_are_left_alone_for_a_minute_and_lose_nothing),
	    cmocka_unit_test(test_reasons_are_one_line_of_bounded_length),
	    cmocka_unit_test(test_no_answer),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(what_is_no_answer_of_an_api),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
