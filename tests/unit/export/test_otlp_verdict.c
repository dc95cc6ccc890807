/* SPDX-License-Identifier: Apache-2.0
 * What an OTLP server's answer means: the specification's tables, whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"
#include "export/otlp_verdict.h"

static struct genops_response response(int status, const char *content_type, genops_str body)
{
	return (struct genops_response){.status = status,
	    .grpc_status = -1,
	    .retry_info_ns = -1,
	    .body = body,
	    .content_type = genops_str_of(content_type)};
}

static struct genops_send_verdict http(const struct genops_response *response)
{
	struct genops_send_verdict verdict;
	memset(&verdict, 0xaa, sizeof verdict);
	genops_otlp_verdict_http(response, &verdict);
	return verdict;
}

static struct genops_send_verdict grpc(const struct genops_response *response)
{
	struct genops_send_verdict verdict;
	memset(&verdict, 0xaa, sizeof verdict);
	genops_otlp_verdict_grpc(response, &verdict);
	return verdict;
}

/* proves OTL-091: 429, 502, 503, 504 and no answer are tried again, nothing else */
static void test_http_table(void **state)
{
	(void)state;
	for (int status = 200; status < 600; status++) {
		struct genops_response r = response(status, "", (genops_str){0});
		bool is_retryable =
		    status == 429 || status == 502 || status == 503 || status == 504 || status == 401 || status == 403 || status == 407;
		enum genops_verdict_kind expected = status < 300   ? GENOPS_SENT
						    : is_retryable ? GENOPS_RETRY
								   : GENOPS_REJECTED;
		if (http(&r).kind != expected)
			fail_msg("%d is %d", status, http(&r).kind);
	}
	struct genops_response none = response(0, "", (genops_str){0});
	none.network_error = GENOPS_STR("connection refused");
	assert_int_equal(http(&none).kind, GENOPS_RETRY);
	assert_non_null(strstr(http(&none).reason, "connection refused"));
}

/* The table of the specification, in the order of the codes. */
static void test_grpc_table(void **state)
{
	(void)state;
	static const char expected[] =
	    "SRXXRXXRXXRRXXRRR"; /* sent, retry, rejected; 8 without RetryInfo; 7 and 16 are ours */
	for (int code = 0; code <= 16; code++) {
		struct genops_response r = response(200, "application/grpc", (genops_str){0});
		r.grpc_status = code;
		enum genops_verdict_kind kind = expected[code] == 'S'	? GENOPS_SENT
						: expected[code] == 'R' ? GENOPS_RETRY
									: GENOPS_REJECTED;
		if (grpc(&r).kind != kind)
			fail_msg("%d is %d", code, grpc(&r).kind);
		r.retry_info_ns = 3000000000;
		if (code == 8 || kind == GENOPS_RETRY) {
			assert_int_equal(grpc(&r).kind, GENOPS_RETRY);
			assert_int_equal(grpc(&r).retry_after_ns, 3000000000);
		} else {
			assert_int_equal(grpc(&r).kind, kind);
		}
	}
}

static void test_grpc_without_a_status(void **state)
{
	(void)state;
	static const struct {
		int status;
		enum genops_verdict_kind kind;
	} rows[] = {{0, GENOPS_RETRY}, {200, GENOPS_RETRY}, {400, GENOPS_REJECTED},
	    {401, GENOPS_RETRY}, {403, GENOPS_RETRY}, {404, GENOPS_REJECTED},
	    {429, GENOPS_RETRY}, {500, GENOPS_REJECTED}, {502, GENOPS_RETRY}, {503, GENOPS_RETRY},
	    {504, GENOPS_RETRY}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_response r =
		    response(rows[i].status, "text/html", GENOPS_STR("<html>"));
		if (grpc(&r).kind != rows[i].kind)
			fail_msg("%d is %d", rows[i].status, grpc(&r).kind);
	}
	struct genops_response r = response(404, "text/html", (genops_str){0});
	assert_non_null(strstr(grpc(&r).reason, "HTTP 404"));
	assert_non_null(strstr(grpc(&r).reason, "otlphttp"));
}

static void test_partial_success_protobuf(void **state)
{
	(void)state;
	struct genops_buffer body;
	genops_buffer_init(&body, 1024);
	size_t mark = genops_wire_begin(&body, 1);
	genops_wire_put_int(&body, 1, 5);
	genops_wire_put_text(&body, 2, GENOPS_STR("too old\nreally"));
	genops_wire_end(&body, mark);
	struct genops_response r =
	    response(200, "application/x-protobuf", genops_buffer_view(&body));
	struct genops_send_verdict verdict = http(&r);
	assert_int_equal(verdict.kind, GENOPS_SENT_PARTLY);
	assert_int_equal(verdict.n_rejected, 5);
	assert_string_equal(verdict.reason, "the server rejected 5 spans: too old really");
	r.grpc_status = 0;
	assert_int_equal(grpc(&r).kind, GENOPS_SENT_PARTLY);
	/* cut at every byte: sent, whatever it says of the rest */
	for (size_t n = 0; n < body.len; n++) {
		r.body.len = n;
		assert_int_not_equal(http(&r).kind, GENOPS_RETRY);
		assert_int_not_equal(http(&r).kind, GENOPS_REJECTED);
	}
	genops_buffer_clear(&body);
	mark = genops_wire_begin(&body, 1);
	genops_wire_put_text(&body, 2, GENOPS_STR("deprecated endpoint"));
	genops_wire_end(&body, mark);
	r.body = genops_buffer_view(&body);
	verdict = http(&r);
	assert_int_equal(verdict.kind, GENOPS_SENT);
	assert_string_equal(verdict.reason, "the server warns: deprecated endpoint");
	genops_buffer_done(&body);
}

static void test_partial_success_json(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		enum genops_verdict_kind kind;
		int64_t n;
	} rows[] = {
	    {"{}", GENOPS_SENT, 0},
	    {"", GENOPS_SENT, 0},
	    {"{\"partialSuccess\":{}}", GENOPS_SENT, 0},
	    {"{\"partialSuccess\":{\"rejectedSpans\":\"7\",\"errorMessage\":\"no\"}}",
		GENOPS_SENT_PARTLY, 7},
	    {"{\"partialSuccess\":{\"rejectedSpans\":7}}", GENOPS_SENT_PARTLY, 7},
	    {"{\"partialSuccess\":{\"rejectedSpans\":\"0\",\"errorMessage\":\"hm\"}}", GENOPS_SENT,
		0},
	    {"{\"partialSuccess\":{\"rejectedSpans\":-7}}", GENOPS_SENT, 0},
	    {"{\"partialSuccess\":{\"rejectedSpans\":\"7\"", GENOPS_SENT, 0},
	    {"no JSON", GENOPS_SENT, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_response r =
		    response(200, "application/json; charset=utf-8", genops_str_of(rows[i].body));
		struct genops_send_verdict verdict = http(&r);
		if (verdict.kind != rows[i].kind || verdict.n_rejected != rows[i].n)
			fail_msg("%s", rows[i].body);
	}
}

static void test_reasons_teach(void **state)
{
	(void)state;
	struct genops_response r =
	    response(400, "application/json", GENOPS_STR("{\"message\":\"bad span id\"}"));
	assert_string_equal(http(&r).reason, "HTTP 400: bad span id");
	r = response(400, "application/x-protobuf",
	    GENOPS_STR("\x08\x03\x12\x03"
		       "bad"));
	assert_string_equal(http(&r).reason, "HTTP 400: bad");
	r = response(401, "", (genops_str){0});
	assert_string_equal(http(&r).reason, "HTTP 401; what waits is kept: check the credentials in headers");
	assert_true(http(&r).retry_after_ns > 0);
	r = response(302, "", (genops_str){0});
	assert_non_null(strstr(http(&r).reason, "final address"));
	static char long_text[2000];
	memset(long_text, 'x', sizeof long_text);
	r = response(404, "text/plain", (genops_str){long_text, sizeof long_text});
	assert_true(strlen(http(&r).reason) < 256);
	r = response(200, "", (genops_str){0});
	r.grpc_status = 3;
	r.grpc_message = (genops_str){long_text, sizeof long_text};
	assert_true(strlen(grpc(&r).reason) < 256);
}

/* Which of them honour it; how it is read is test_http_verdict.c's. */
static void test_retry_after(void **state)
{
	(void)state;
	struct genops_response r = response(502, "", (genops_str){0});
	r.retry_after = GENOPS_STR("11");
	assert_int_equal(http(&r).retry_after_ns, 11 * GENOPS_NS_PER_S);
	r.status = 500;
	assert_int_equal(http(&r).retry_after_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_http_table),
	    cmocka_unit_test(test_grpc_table),
	    cmocka_unit_test(test_grpc_without_a_status),
	    cmocka_unit_test(test_partial_success_protobuf),
	    cmocka_unit_test(test_partial_success_json),
	    cmocka_unit_test(test_reasons_teach),
	    cmocka_unit_test(test_retry_after),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
