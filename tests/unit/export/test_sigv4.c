/* SPDX-License-Identifier: Apache-2.0
 * AWS's published cases of Signature Version 4, and what S3's names are encoded to. Botocore is the oracle for whole requests in the e2e tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "export/s3/sigv4.h"
#include "sigv4_vectors.h"

static size_t read_headers(const char *text, struct genops_text_pair *headers)
{
	size_t n = 0;
	for (genops_str rest = genops_str_of(text); rest.len; n++) {
		genops_str line = genops_str_split(&rest, '\n');
		headers[n].key = genops_str_split(&line, ':');
		headers[n].value = line;
	}
	return n;
}

static void test_published_cases(void **state)
{
	struct genops_text_pair headers[GENOPS_SIGV4_HEADERS_MAX];
	struct genops_arena arena;
	struct genops_error err;
	genops_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct genops_sigv4_keys keys = {GENOPS_STR("AKIDEXAMPLE"), GENOPS_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), genops_str_of(vectors[i].token)};
		const struct genops_sigv4_request request = {.method = genops_str_of(vectors[i].method), .path = genops_str_of(vectors[i].path),
		    .query = genops_str_of(vectors[i].query), .headers = headers, .n_headers = read_headers(vectors[i].headers, headers),
		    .payload_sha256 = vectors[i].payload, .region = GENOPS_STR("us-east-1"), .service = GENOPS_STR("service"), .date = "20150830T123600Z"};
		genops_str got;
		assert_int_equal(genops_sigv4_authorization(&request, &keys, &arena, &got, &err), GENOPS_OK);
		if (!genops_str_ends(got, genops_str_of(vectors[i].signature)))
			fail_msg("%s: %s", vectors[i].name, got.ptr);
		assert_true(genops_str_starts(got, GENOPS_STR("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=")));
	}
	genops_arena_done(&arena);
}

static void test_names_are_encoded(void **state)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 10);
	genops_sigv4_encode(GENOPS_STR("a/ü b+%=&?#*~-._'"), true, &out);
	genops_buffer_add_char(&out, ' ');
	genops_sigv4_encode(GENOPS_STR("a/b"), false, &out);
	genops_buffer_add_char(&out, '\0');
	assert_string_equal(out.ptr, "a/%C3%BC%20b%2B%25%3D%26%3F%23%2A~-._%27 a%2Fb");
	genops_buffer_done(&out);
}

static void test_dates_are_utc(void **state)
{
	char date[GENOPS_SIGV4_DATE_SIZE];
	genops_sigv4_date(INT64_C(1440938160999999999), date);
	assert_string_equal(date, "20150830T123600Z");
	genops_sigv4_date(INT64_C(4102444800) * 1000000000, date);
	assert_string_equal(date, "21000101T000000Z");
}

static void test_what_does_not_fit_is_told(void **state)
{
	struct genops_text_pair headers[GENOPS_SIGV4_HEADERS_MAX + 1] = {{GENOPS_STR("a"), GENOPS_STR("b")}};
	const struct genops_sigv4_keys keys = {GENOPS_STR("a"), GENOPS_STR("b"), {0}};
	struct genops_sigv4_request request = {.method = GENOPS_STR("GET"), .path = GENOPS_STR("/"), .headers = headers, .n_headers = GENOPS_SIGV4_HEADERS_MAX + 1,
	    .payload_sha256 = "x", .region = GENOPS_STR("r"), .service = GENOPS_STR("s"), .date = "20150830T123600Z"};
	struct genops_arena arena;
	struct genops_error err;
	genops_str got;
	genops_arena_init(&arena, 1 << 20);
	assert_int_equal(genops_sigv4_authorization(&request, &keys, &arena, &got, &err), GENOPS_LIMIT);
	char query[400];
	memset(query, '&', sizeof query);
	request.n_headers = 1;
	request.query = (genops_str){query, sizeof query};
	assert_int_equal(genops_sigv4_authorization(&request, &keys, &arena, &got, &err), GENOPS_LIMIT);
	genops_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_published_cases),
	    cmocka_unit_test(test_names_are_encoded),
	    cmocka_unit_test(test_dates_are_utc),
	    cmocka_unit_test(test_what_does_not_fit_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
