/* SPDX-License-Identifier: Apache-2.0
 * test_backup_secrets.c - secrets that stand in documents are not in an archive, and everything else is as it was.
 *
 * Proves: CRB-419. */
#include "engine/backup/backup_secrets.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct told {
	struct genops_buffer text;
};

static void on_secret(void *arg, const char *variable, int line, genops_str key)
{
	genops_buffer_printf(&((struct told *)arg)->text, "%s:%d:%.*s;", variable, line, GENOPS_STR_ARG(key));
}

static int mask(const char *text, struct genops_buffer *out, struct told *told, struct genops_error *err)
{
	uint64_t n = 0;
	genops_buffer_init(out, 1 << 20);
	genops_buffer_init(&told->text, 1 << 20);
	return genops_backup_secrets_mask("genops.yaml", genops_str_of(text), &n, on_secret, told, out, err);
}

static void check(const char *text, const char *masked, const char *secrets)
{
	struct genops_buffer out;
	struct told told;
	struct genops_error err = {0};
	assert_int_equal(mask(text, &out, &told, &err), GENOPS_OK);
	genops_buffer_add_char(&out, '\0');
	genops_buffer_add_char(&told.text, '\0');
	assert_string_equal(out.ptr, masked);
	assert_string_equal(told.text.ptr, secrets);
	genops_buffer_done(&out);
	genops_buffer_done(&told.text);
}

static void values_under_secrets_names_become_variables(void **state)
{
	check("collibra:\n  password: hunter2 # ours\n", "collibra:\n  password: \"${GENOPS_SECRET_PASSWORD_1}\" # ours\n", "GENOPS_SECRET_PASSWORD_1:2:password;");
	check("a: {api_key: 'k-1', \"token\": \"t\"}\n", "a: {api_key: \"${GENOPS_SECRET_API_KEY_1}\", \"token\": \"${GENOPS_SECRET_TOKEN_2}\"}\n",
	    "GENOPS_SECRET_API_KEY_1:1:api_key;GENOPS_SECRET_TOKEN_2:1:token;");
	check("exporters:\n  otlphttp:\n    headers: {Authorization: Bearer x, x-team: a, x-api-key: 12}\n",
	    "exporters:\n  otlphttp:\n    headers: {Authorization: \"${GENOPS_SECRET_AUTHORIZATION_1}\", x-team: a, x-api-key: \"${GENOPS_SECRET_X_API_KEY_2}\"}\n",
	    "GENOPS_SECRET_AUTHORIZATION_1:3:Authorization;GENOPS_SECRET_X_API_KEY_2:3:x-api-key;");
	check("keys:\n- {name: a, key: gk-1}\n", "keys:\n- {name: a, key: \"${GENOPS_SECRET_KEY_1}\"}\n", "GENOPS_SECRET_KEY_1:2:key;");
	check("bearer_tokens: [a, \"b\"]\n", "bearer_tokens: [\"${GENOPS_SECRET_BEARER_TOKENS_1}\", \"${GENOPS_SECRET_BEARER_TOKENS_2}\"]\n",
	    "GENOPS_SECRET_BEARER_TOKENS_1:1:bearer_tokens;GENOPS_SECRET_BEARER_TOKENS_2:1:bearer_tokens;");
	check("- {type: webhook, url: 'https://x/y'}\n- {type: s3, url: plain}\n", "- {type: webhook, url: \"${GENOPS_SECRET_URL_1}\"}\n- {type: s3, url: plain}\n",
	    "GENOPS_SECRET_URL_1:1:url;");
	check("n: \xc3\xa4\xc3\xb6 \nx: {\xc3\xbc: \xc3\xa4, token: s}\n", "n: \xc3\xa4\xc3\xb6 \nx: {\xc3\xbc: \xc3\xa4, token: \"${GENOPS_SECRET_TOKEN_1}\"}\n",
	    "GENOPS_SECRET_TOKEN_1:2:token;");
}

static void everything_else_stays(void **state)
{
	static const char *const same[] = {"password: ${PW}\n", "password: ${PW:-x}\n", "api_key: ~\n", "api_key:\n", "token: \"\"\n", "api_key_file: /run/key\n",
	    "max_tokens: 100\n", "pipelines:\n- {processors: [{token: \"attributes['x']\"}]}\n", "actions: [{key: team, value: x}]\n", "skip_secret: true\n",
	    "# password: x\n", ""};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		check(same[i], same[i], "");
}

/* Better no archive than one with a secret in it. */
static void what_cannot_be_replaced_exactly_is_an_error(void **state)
{
	static const char *const texts[] = {"a: 1\nprivate_key: |\n  -----BEGIN\n  x\n", "a: 1\npassword: \"a\\\"b\"\n", "a: 1\npassword: 'it''s'\n",
	    "a: 1\npassword: one\n  two\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct genops_buffer out;
		struct told told;
		struct genops_error err = {0};
		assert_int_equal(mask(texts[i], &out, &told, &err), GENOPS_CONFIG);
		assert_true(err.line == 2 || err.line == 3); /* of a block the line behind its mark */
		assert_string_equal(err.fix, "write it as ${VARIABLE}");
		assert_int_equal(out.len, 0);
		genops_buffer_done(&out);
		genops_buffer_done(&told.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_under_secrets_names_become_variables),
	    cmocka_unit_test(everything_else_stays),
	    cmocka_unit_test(what_cannot_be_replaced_exactly_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
