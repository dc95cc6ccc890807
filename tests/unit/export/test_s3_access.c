/* SPDX-License-Identifier: Apache-2.0
 * Whose keys sign for S3: the chain, renewal ahead of time, answers that are none. proves CRB-263, CRB-264 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "export/s3/s3_access.h"

#include <stdio.h>

#define NOW_S INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

static const char *const *environment; /* name, value, ..., NULL */
static struct genops_s3_access access_;
static struct genops_s3_session session;
static struct genops_arena arena;
static struct genops_error err;
static struct genops_request request;

static const char *get(void *arg, const char *name)
{
	for (const char *const *at = environment; *at; at += 2) {
		if (!strcmp(*at, name))
			return at[1];
	}
	return NULL;
}

static int begin(enum genops_s3_auth auth, const char *const *variables)
{
	static const struct genops_yaml_variables from = {get, NULL};
	static const struct genops_yaml_node node;
	const struct genops_yaml_rows in = {.file = "f", .arena = &arena, .variables = &from, .err = &err};
	environment = variables;
	access_.region = GENOPS_STR("us-east-1");
	access_.role_duration_ns = 3600 * GENOPS_NS_PER_S;
	memset(&session, 0, sizeof session);
	return genops_s3_access_read(&in, &node, auth, &access_);
}

static int set_up(void **state)
{
	memset(&access_, 0, sizeof access_);
	genops_arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	genops_buffer_done(&request.body);
	genops_arena_done(&arena);
	return 0;
}

/* 1: there is a question. */
static int ask(int64_t at_s)
{
	genops_buffer_done(&request.body);
	request = (struct genops_request){0};
	return genops_s3_access_prepare(&access_, &session, (NOW_S + at_s) * GENOPS_NS_PER_S, &arena, &request, &err);
}

static enum genops_verdict_kind answer(int status, const char *body)
{
	const struct genops_response response = {.status = status, .body = genops_str_of(body), .network_error = GENOPS_STR("refused")};
	struct genops_send_verdict verdict;
	genops_s3_access_prepared(&access_, &session, &response, &verdict);
	assert_true(verdict.kind == GENOPS_SENT || verdict.reason[0]);
	assert_null(strstr(verdict.reason, "s3cret"));
	return verdict.kind;
}

static bool body_has(const char *text)
{
	return genops_str_find(genops_buffer_view(&request.body), genops_str_of(text)) != SIZE_MAX;
}

static const char *role(const char *key, const char *until)
{
	static char xml[512];
	snprintf(xml, sizeof xml, "<R><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>tok&amp;</SessionToken>"
				  "<Expiration>%s</Expiration></Credentials></R>", key, until);
	return xml;
}

static void test_given_keys_ask_nothing(void **state)
{
	static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "b", "AWS_SESSION_TOKEN", "c", NULL};
	assert_int_equal(begin(GENOPS_S3_AUTH_AUTO, variables), GENOPS_OK);
	assert_int_equal(ask(0), 0);
	struct genops_sigv4_keys keys = genops_s3_access_keys(&access_, &session);
	assert_true(genops_str_is(keys.access_key, "a") && genops_str_is(keys.secret_key, "b") && genops_str_is(keys.session_token, "c"));
}

static void test_a_role_is_renewed_ahead_of_time(void **state)
{
	static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "b", NULL};
	access_.role_arn = GENOPS_STR("arn:aws:iam::123456789012:role/R+1");
	access_.external_id = GENOPS_STR("e&f");
	assert_int_equal(begin(GENOPS_S3_AUTH_IAM_ROLE, variables), GENOPS_OK);
	assert_int_equal(ask(0), 1);
	assert_true(genops_str_is(request.url, "https://sts.us-east-1.amazonaws.com"));
	assert_true(body_has("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FR%2B1&RoleSessionName=genops&DurationSeconds=3600&ExternalId=e%26f"));
	assert_int_equal(answer(200, role("ASIA1", "2027-01-15T09:00:00Z")), GENOPS_SENT);
	assert_int_equal(ask(0), 0);
	struct genops_sigv4_keys keys = genops_s3_access_keys(&access_, &session);
	assert_true(genops_str_is(keys.access_key, "ASIA1") && genops_str_is(keys.session_token, "tok&"));
	assert_int_equal(ask(3600 - 301), 0);
	assert_int_equal(ask(3600 - 299), 1);
	assert_int_equal(answer(500, ""), GENOPS_SENT); /* STS is away: the old ones last */
	assert_int_equal(ask(3600 - 298), 0);
	assert_int_equal(ask(3600 - 260), 1); /* and again */
	assert_int_equal(answer(200, role("ASIA2", "2027-01-15T10:00:00Z")), GENOPS_SENT);
	assert_int_equal(ask(3600), 0);
	assert_true(genops_str_is(genops_s3_access_keys(&access_, &session).access_key, "ASIA2"));
	assert_int_equal(ask(7200 - 5), 1);
	assert_int_equal(answer(0, ""), GENOPS_RETRY); /* too late */
	genops_s3_access_refused(&access_, &session);
	assert_int_equal(ask(3601), 1);
}

static void test_answers_that_are_none(void **state)
{
	static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "b", NULL};
	const char *const bad[] = {"", "<html>s3cret</html>", "<AccessKeyId>a</AccessKeyId>", role("a", "tomorrow"), role("a b", "2027-01-15T09:00:00Z")};
	access_.role_arn = GENOPS_STR("arn:aws:iam::123456789012:role/R");
	assert_int_equal(begin(GENOPS_S3_AUTH_IAM_ROLE, variables), GENOPS_OK);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(ask(0), 1);
		assert_int_equal(answer(200, i < 3 ? bad[i] : i == 3 ? role("a", "tomorrow") : role("a b", "2027-01-15T09:00:00Z")), GENOPS_RETRY);
	}
	assert_int_equal(ask(0), 1);
	assert_int_equal(answer(200, role("a", "2027-01-15T07:00:00Z")), GENOPS_RETRY); /* ended before it began */
	assert_int_equal(ask(0), 1);
	assert_int_equal(answer(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"), GENOPS_RETRY);
}

static void test_a_web_identity_reads_its_file_each_time(void **state)
{
	static const char *const variables[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "/t", "AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Pod", NULL};
	assert_int_equal(begin(GENOPS_S3_AUTH_AUTO, variables), GENOPS_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(i * 3599), 1);
		assert_int_equal(request.transport, GENOPS_TRANSPORT_READ);
		assert_true(genops_str_is(request.url, "/t"));
		assert_int_equal(answer(200, "eyJ.x\n"), GENOPS_SENT);
		assert_int_equal(ask(i * 3599), 1);
		assert_true(body_has("Action=AssumeRoleWithWebIdentity") && body_has("WebIdentityToken=eyJ.x"));
		for (size_t h = 0; h < request.n_headers; h++)
			assert_false(genops_str_is(request.headers[h].key, "authorization"));
		assert_int_equal(answer(200, role("ASIA", i ? "2027-01-15T10:00:00Z" : "2027-01-15T09:00:00Z")), GENOPS_SENT);
		assert_int_equal(ask(i * 3599), 0);
	}
}

static void test_the_machine(void **state)
{
	static const char *const variables[] = {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://m/", NULL};
	assert_int_equal(begin(GENOPS_S3_AUTH_IAM_ROLE, variables), GENOPS_OK);
	assert_int_equal(ask(0), 1);
	assert_true(genops_str_is(request.url, "http://m/latest/api/token"));
	assert_string_equal(request.method, "PUT");
	assert_int_equal(answer(200, "tok"), GENOPS_SENT);
	assert_int_equal(ask(0), 1);
	assert_int_equal(answer(200, "my-role"), GENOPS_SENT);
	assert_int_equal(ask(0), 1);
	assert_true(genops_str_is(request.url, "http://m/latest/meta-data/iam/security-credentials/my-role"));
	assert_int_equal(answer(200, "{\"Code\": \"Success\", \"AccessKeyId\": \"ASIA\", \"SecretAccessKey\": \"s3cret\", \"Token\": \"t\", \"Expiration\": \"2027-01-15T14:00:00Z\"}"), GENOPS_SENT);
	assert_int_equal(ask(0), 0);
	assert_true(genops_str_is(genops_s3_access_keys(&access_, &session).secret_key, "s3cret"));
	assert_int_equal(ask(6 * 3600), 1); /* from the first question on */
	assert_true(genops_str_is(request.url, "http://m/latest/api/token"));
}

static void test_a_container(void **state)
{
	static const char *const variables[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok", NULL};
	assert_int_equal(begin(GENOPS_S3_AUTH_AUTO, variables), GENOPS_OK);
	assert_int_equal(ask(0), 1);
	assert_true(genops_str_is(request.url, "http://169.254.170.2/v2/x"));
	assert_true(genops_str_is(request.headers[0].value, "tok"));
	assert_int_equal(answer(200, "{}"), GENOPS_RETRY);
}

static void test_what_does_not_fit_together(void **state)
{
	static const char *const none[] = {NULL}, *const half[] = {"AWS_ACCESS_KEY_ID", "a", NULL}, *const off[] = {"AWS_EC2_METADATA_DISABLED", "true", NULL};
	assert_int_equal(begin(GENOPS_S3_AUTH_ACCESS_KEY, none), GENOPS_CONFIG);
	memset(&access_, 0, sizeof access_);
	assert_int_equal(begin(GENOPS_S3_AUTH_AUTO, half), GENOPS_CONFIG);
	memset(&access_, 0, sizeof access_);
	assert_int_equal(begin(GENOPS_S3_AUTH_AUTO, off), GENOPS_CONFIG);
	memset(&access_, 0, sizeof access_);
	assert_int_equal(begin(GENOPS_S3_AUTH_WEB_IDENTITY, none), GENOPS_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_given_keys_ask_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_role_is_renewed_ahead_of_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_answers_that_are_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_web_identity_reads_its_file_each_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_the_machine, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_container, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_does_not_fit_together, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
