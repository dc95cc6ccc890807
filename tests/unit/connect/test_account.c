/* SPDX-License-Identifier: Apache-2.0
 * URLs, credentials, OAuth tokens and the pace; time is an argument. Contract COL-016..020, COL-091. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "connect/collibra/account.h"

#define NOW (1000 * GENOPS_NS_PER_S)

static void test_urls(void **state)
{
	(void)state;
	static const struct {
		const char *given, *normal; /* NULL: refused */
	} rows[] = {
	    {"https://acme.collibra.com", "https://acme.collibra.com"},
	    {" https://acme.collibra.com/ ", "https://acme.collibra.com"},
	    {"https://acme.collibra.com/rest/2.0/", "https://acme.collibra.com"},
	    {"https://acme.collibra.com/rest", "https://acme.collibra.com"},
	    {"https://host/collibra/rest/2.0", "https://host/collibra"},
	    {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
	    {"http://localhost", "http://localhost"},
	    {"http://[::1]:80/rest/2.0", "http://[::1]:80"},
	    {"http://acme.collibra.com", NULL},
	    {"http://127.0.0.1.evil.example", NULL},
	    {"http://localhost.evil.example", NULL},
	    {"acme.collibra.com", NULL},
	    {"", NULL},
	    {"https://", NULL},
	    {"https://user:secret@acme.collibra.com", NULL},
	    {"https://acme.collibra.com?x=1", NULL},
	    {"https://acme\n.com", NULL},
	    {"ftp://acme.collibra.com", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_error err = {0};
		char out[256] = "untouched";
		int code = genops_collibra_url_normalize(genops_str_of(rows[i].given), out, sizeof out, &err);
		if (rows[i].normal) {
			assert_int_equal(code, GENOPS_OK);
			assert_string_equal(out, rows[i].normal);
		} else {
			assert_int_equal(code, GENOPS_CONFIG);
			assert_string_equal(out, "untouched");
			assert_true(err.fix[0] != '\0');
			assert_null(strstr(err.message, "secret"));
		}
	}
}

static struct genops_collibra_settings settings(void)
{
	return (struct genops_collibra_settings){.url = GENOPS_STR("https://acme.collibra.com")};
}

static void test_credentials(void **state)
{
	(void)state;
	struct genops_collibra_settings given = settings();
	struct genops_error err = {0};
	char header[GENOPS_COLLIBRA_HEADER_MAX];
	uint64_t number;
	assert_null(genops_collibra_account_new(&given, &err));
	assert_non_null(strstr(err.fix, "COLLIBRA_API_TOKEN"));
	given.username = GENOPS_STR("user");
	assert_null(genops_collibra_account_new(&given, &err));
	assert_non_null(strstr(err.message, "password"));
	given.password = GENOPS_STR("pass\r\nX: y");
	assert_null(genops_collibra_account_new(&given, &err));
	given.password = GENOPS_STR("p:ss");
	struct genops_collibra_account *account = genops_collibra_account_new(&given, &err);
	assert_non_null(account);
	assert_true(genops_collibra_account_authorize(account, 0, NOW, header, sizeof header, &number));
	assert_string_equal(header, "Basic dXNlcjpwOnNz");
	assert_true(genops_collibra_account_fits(account, &given));
	given.api_token = GENOPS_STR("a.b.c");
	assert_false(genops_collibra_account_fits(account, &given));
	genops_collibra_account_unref(account);
	account = genops_collibra_account_new(&given, &err);
	assert_true(genops_collibra_account_authorize(account, 0, NOW, header, sizeof header, &number));
	assert_string_equal(header, "Bearer a.b.c"); /* stronger than a password */
	genops_collibra_account_unref(account);
}

static void test_tokens_are_renewed_in_time(void **state)
{
	(void)state;
	struct genops_collibra_settings given = settings();
	struct genops_error err = {0};
	char header[GENOPS_COLLIBRA_HEADER_MAX];
	uint64_t number = 0;
	given.client_id = GENOPS_STR("urn:sys:env");
	given.client_secret = GENOPS_STR("not/a+real secret");
	struct genops_collibra_account *account = genops_collibra_account_new(&given, &err);
	assert_non_null(account);
	assert_false(genops_collibra_account_authorize(account, 0, NOW, header, sizeof header, &number));
	genops_collibra_account_ask(account, header, sizeof header);
	assert_string_equal(header, "Basic dXJuJTNBc3lzJTNBZW52Om5vdCUyRmElMkJyZWFsJTIwc2VjcmV0");
	static const char *const bad[] = {"", "{}", "[]", "{\"access_token\":5}", "{\"access_token\":\"a\\nb\"}", "{\"access_token\":\"\"}", "<html>"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_not_equal(genops_collibra_account_keep(account, genops_str_of(bad[i]), NOW, &err), GENOPS_OK);
	assert_int_equal(genops_collibra_account_keep(
			     account, GENOPS_STR("{\"access_token\":\"tok-1234\",\"token_type\":\"Bearer\",\"expires_in\":3600}"), NOW, &err),
	    GENOPS_OK);
	assert_true(genops_collibra_account_authorize(account, 0, NOW + 3539 * GENOPS_NS_PER_S, header, sizeof header, &number));
	assert_string_equal(header, "Bearer tok-1234");
	assert_false(genops_collibra_account_authorize(account, 0, NOW + 3540 * GENOPS_NS_PER_S, header, sizeof header, &number));
	/* One that Collibra refused is no good, whatever its age; a newer one is. */
	assert_false(genops_collibra_account_authorize(account, 1, NOW, header, sizeof header, &number));
	assert_int_equal(genops_collibra_account_keep(account, GENOPS_STR("{\"access_token\":\"tok-5678\"}"), NOW, &err), GENOPS_OK);
	assert_true(genops_collibra_account_authorize(account, 1, NOW, header, sizeof header, &number));
	assert_int_equal(number, 2);
	char message[] = "Collibra said not/a+real secret and tok-5678, tok-5678";
	genops_collibra_account_censor(account, message);
	assert_string_equal(message, "Collibra said *** and ***, ***");
	/* As they were sent, and where the far side's text was cut inside one. */
	char sent[] = "I got Basic dXJuJTNBc3lzJTNBZW52Om5vdCUyRmElMkJyZWFsJTIwc2VjcmV0";
	genops_collibra_account_censor(account, sent);
	assert_string_equal(sent, "I got Basic ***");
	char cut[] = "Collibra said not/a+real se";
	genops_collibra_account_censor(account, cut);
	assert_string_equal(cut, "Collibra said ***");
	char harmless[] = "Collibra said not";
	genops_collibra_account_censor(account, harmless);
	assert_string_equal(harmless, "Collibra said not");
	genops_collibra_account_unref(account);
	given = settings();
	given.username = GENOPS_STR("joe");
	given.password = GENOPS_STR("hunter2secret");
	account = genops_collibra_account_new(&given, &err);
	assert_non_null(account);
	char basic[] = "am9lOmh1bnRlcjJzZWNyZXQ= is wrong, hunter2secret";
	genops_collibra_account_censor(account, basic);
	assert_string_equal(basic, "*** is wrong, ***");
	genops_collibra_account_unref(account);
}

static void test_no_second_sees_more(void **state)
{
	(void)state;
	struct genops_collibra_settings given = settings();
	struct genops_error err = {0};
	int64_t at[100], now_ns = NOW;
	given.api_token = GENOPS_STR("token");
	given.rate_limit_per_second = 10;
	struct genops_collibra_account *account = genops_collibra_account_new(&given, &err);
	for (int i = 0; i < 100; i++) {
		int64_t wait_ns;
		while ((wait_ns = genops_collibra_account_take(account, now_ns)) > 0)
			now_ns += wait_ns;
		at[i] = now_ns;
		now_ns += (i % 7) * GENOPS_NS_PER_MS;
	}
	assert_int_equal(at[9] - at[0] < GENOPS_NS_PER_S / 10, 1); /* ten at once */
	for (int i = 10; i < 100; i++)
		assert_true(at[i] - at[i - 10] > GENOPS_NS_PER_S);
	struct genops_collibra_counts counts;
	genops_collibra_account_counts(account, &counts);
	assert_int_equal(counts.n_calls, 100);
	genops_collibra_account_unref(account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_credentials),
	    cmocka_unit_test(test_tokens_are_renewed_in_time),
	    cmocka_unit_test(test_no_second_sees_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
