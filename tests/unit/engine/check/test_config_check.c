/* SPDX-License-Identifier: Apache-2.0
 * test_config_check.c - the checklist of genops validate: each check's failure with its fix, the counts and exit codes,
 * no secret in it, nothing changed on disk. proves CORE-050, CORE-052 */
#include "base/str.h"

#include <genops/config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[64], state_dir[96];

static int set_up(void **state)
{
	unsetenv("OPENAI_API_KEY");
	unsetenv("ANTHROPIC_API_KEY");
	unsetenv("GENOPS_CONFIG");
	unsetenv("GENOPS_STATE_DIR");
	unsetenv("GENOPS_NGINX");
	strcpy(home, "/tmp/genops-check-XXXXXX");
	assert_non_null(mkdtemp(home));
	setenv("HOME", home, 1);
	snprintf(state_dir, sizeof state_dir, "%s/state", home);
	return chdir(home);
}

static int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", home);
	return chdir("/") || system(command);
}

static struct genops_checklist *check(const char *text)
{
	struct genops_engine_options options = {
	    .size = sizeof options, .config_text = text, .state_dir = state_dir};
	struct genops_checklist *list = genops_config_check(&options, NULL);
	assert_non_null(list);
	assert_int_equal(list->n_checks, list->n_passed + list->n_warnings + list->n_failed + list->n_skipped);
	assert_int_equal(list->is_valid, list->n_failed == 0);
	for (size_t i = 0; i < list->n_checks; i++) {
		assert_null(strstr(list->checks[i].message, "MARKER"));
		assert_null(strstr(list->checks[i].fix, "MARKER"));
	}
	return list;
}

static const struct genops_check *find(const struct genops_checklist *list, const char *name)
{
	for (size_t i = 0; i < list->n_checks; i++) {
		if (!strcmp(list->checks[i].name, name))
			return &list->checks[i];
	}
	fail_msg("there is no check %s", name);
	return NULL;
}

static void what_is_right_passes(void **state)
{
	char want[160];
	setenv("OPENAI_API_KEY", "sk-MARKER", 1);
	struct genops_checklist *list = check(genops_config_starter());
	assert_int_equal(list->exit_code, 0);
	assert_int_equal(list->n_failed, 0);
	assert_string_equal(find(list, "configuration")->message, "the configuration text is well formed");
	assert_string_equal(find(list, "policies")->message, "1 cost_limit, 1 rate_limit; 0 switched off; mode enforced");
	assert_string_equal(find(list, "budgets")->message, "1, of which 1 block");
	assert_string_equal(find(list, "provider keys")->message, "1 found");
	assert_string_equal(find(list, "provider openai")->message, "https://api.openai.com, with a key of the gateway");
	assert_string_equal(find(list, "gateway")->message,
	    "listens on 127.0.0.1:4319 and 127.0.0.1:4320, answers this host only");
	assert_string_equal(find(list, "exporters")->message, "there are none: operations stay in the ledger");
	snprintf(want, sizeof want, "%s will be made", state_dir);
	assert_string_equal(find(list, "state directory")->message, want);
	assert_int_equal(access(state_dir, F_OK), -1); /* looked, not made */
	genops_config_check_free(list);
}

static void no_key_is_a_warning(void **state)
{
	struct genops_checklist *list = check("");
	const struct genops_check *keys = find(list, "provider keys");
	assert_int_equal(keys->status, GENOPS_CHECK_WARNING);
	assert_string_equal(keys->message, "No LLM provider API keys found");
	assert_true(list->is_valid);
	assert_int_equal(list->exit_code, 0);
	genops_config_check_free(list);
	list = check("governance: {keys: [{name: k, key: vk-MARKER-0123456789, provider_keys: {openai: sk-MARKER}}]}");
	assert_int_equal(find(list, "provider keys")->status, GENOPS_CHECK_PASSED);
	genops_config_check_free(list);
}

static void a_provider_without_prices_is_a_warning(void **state)
{
	(void)state;
#define OWN "gateway: {providers: {llm-lab: {base_url: 'https://llm.example.com'"
	struct genops_checklist *list = check(OWN "}}}");
	const struct genops_check *lab = find(list, "provider llm-lab");
	assert_int_equal(lab->status, GENOPS_CHECK_WARNING);
	assert_non_null(strstr(lab->message, "no price of \"llm-lab\" is known"));
	assert_non_null(strstr(lab->fix, "price_provider"));
	assert_true(list->is_valid);
	genops_config_check_free(list);
	list = check(OWN ", price_provider: openai}}}");
	assert_int_equal(find(list, "provider llm-lab")->status, GENOPS_CHECK_PASSED);
	genops_config_check_free(list);
	list = check(OWN ", price_provider: opnai}}}");
	assert_int_equal(find(list, "provider llm-lab")->status, GENOPS_CHECK_WARNING);
	genops_config_check_free(list);
}

/* Spans would go round for ever. */
static void an_exporter_to_ourselves_is_a_warning(void **state)
{
	(void)state;
#define RECEIVING "receivers: {otlp/in: {protocols: {grpc: {endpoint: '127.0.0.1:4317'}}}}\nexporters: {otlp/x: {endpoint: '%s'}}\n"
	static const struct {
		const char *endpoint;
		enum genops_check_status status;
	} rows[] = {{"localhost:4317", GENOPS_CHECK_WARNING}, {"http://127.0.0.1:4317", GENOPS_CHECK_WARNING}, {"127.0.0.1:4327", GENOPS_CHECK_PASSED},
	    {"tempo.example.com:4317", GENOPS_CHECK_PASSED}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512];
		snprintf(text, sizeof text, RECEIVING, rows[i].endpoint);
		struct genops_checklist *list = check(text);
		const struct genops_check *exporter = find(list, "exporter otlp/x");
		if (exporter->status != rows[i].status)
			fail_msg("%s: %s", rows[i].endpoint, exporter->message);
		assert_true(exporter->status == GENOPS_CHECK_PASSED || strstr(exporter->message, "receiver otlp/in"));
		genops_config_check_free(list);
	}
	struct genops_checklist *list = check("destinations: [{id: there, type: otlphttp, endpoint: 'http://127.0.0.1:4329'}]\n");
	assert_int_equal(find(list, "destination there")->status, GENOPS_CHECK_PASSED);
	for (size_t i = 0; i < list->n_checks; i++)
		assert_string_not_equal(list->checks[i].name, "exporters");
	genops_config_check_free(list);
}

static void a_wrong_configuration_is_exit_code_2(void **state)
{
	struct genops_checklist *list = check("governance:\n  polcies: []\n");
	const struct genops_check *first = &list->checks[0];
	assert_string_equal(first->name, "configuration");
	assert_int_equal(first->status, GENOPS_CHECK_FAILED);
	assert_string_equal(first->message, "unknown key \"polcies\" in governance");
	assert_string_equal(first->fix, "did you mean \"policies\"?");
	assert_int_equal(first->line, 2);
	assert_int_equal(first->column, 3);
	assert_int_equal(find(list, "budgets")->status, GENOPS_CHECK_SKIPPED);
	assert_int_equal(list->exit_code, 2);
	genops_config_check_free(list);
}

static void warnings_have_their_place(void **state)
{
	struct genops_checklist *list = check("governance:\n  approvals:\n    cost_approval_threshold: 5\n");
	size_t n = 0;
	for (size_t i = 0; i < list->n_checks; i++)
		n += list->checks[i].status == GENOPS_CHECK_WARNING && list->checks[i].line == 3;
	assert_int_equal(n, 1);
	genops_config_check_free(list);
}

static void state_is(const char *message, const char *fix, enum genops_check_status status)
{
	struct genops_checklist *list = check("");
	const struct genops_check *found = find(list, "state directory");
	if (!strstr(found->message, message))
		fail_msg("%s", found->message);
	assert_string_equal(found->fix, fix);
	assert_int_equal(found->status, status);
	assert_int_equal(list->exit_code, status == GENOPS_CHECK_FAILED ? 1 : 0);
	genops_config_check_free(list);
}

static void the_state_directory_is_looked_at(void **state)
{
	fclose(fopen(state_dir, "w"));
	state_is("is not a directory", "name a directory", GENOPS_CHECK_FAILED);
	unlink(state_dir);
	mkdir(state_dir, 0755);
	state_is("is empty and will be made private", "", GENOPS_CHECK_PASSED);
	mkdir("state/segments", 0700);
	state_is("is open to others (mode 0755)", "chmod 700 it", GENOPS_CHECK_FAILED);
	chmod(state_dir, 0700);
	struct genops_checklist *list = check("");
	assert_int_not_equal(find(list, "state directory")->status, GENOPS_CHECK_SKIPPED);
	assert_null(strstr(find(list, "state directory")->message, "open to others"));
	genops_config_check_free(list);
	strcpy(state_dir, "/dev/null/state");
	state_is("Not a directory", "name another with --state or GENOPS_STATE_DIR", GENOPS_CHECK_FAILED);
}

static void files_are_looked_for(void **state)
{
	struct genops_checklist *list = check("gateway: {tls: {certificate: /none.pem, key: /none.key}}\n"
					      "exporters: {otlp: {endpoint: 'https://u:p-MARKER@x:1', tls: {ca_file: /none.ca}}}\n");
	assert_int_equal(list->n_failed, 3);
	assert_string_equal(find(list, "gateway certificate")->message, "/none.pem cannot be read: No such file or directory");
	assert_int_equal(list->exit_code, 1);
	genops_config_check_free(list);
}

static void nginx_is_looked_for(void **state)
{
	setenv("GENOPS_NGINX", "/nonexistent/nginx", 1);
	struct genops_checklist *list = check("");
	assert_int_equal(find(list, "nginx")->status, GENOPS_CHECK_WARNING);
	genops_config_check_free(list);
	setenv("GENOPS_NGINX", "/bin/sh", 1);
	list = check("");
	assert_string_equal(find(list, "nginx")->message, "/bin/sh");
	genops_config_check_free(list);
}

static void names_of_results(void **state)
{
	assert_string_equal(genops_config_check_status(GENOPS_CHECK_PASSED), "passed");
	assert_string_equal(genops_config_check_status(GENOPS_CHECK_SKIPPED), "skipped");
	assert_string_equal(genops_config_check_status((enum genops_check_status)99), "unknown");
	genops_config_check_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_right_passes),
	    TEST(no_key_is_a_warning),
	    TEST(a_provider_without_prices_is_a_warning),
	    TEST(an_exporter_to_ourselves_is_a_warning),
	    TEST(a_wrong_configuration_is_exit_code_2),
	    TEST(warnings_have_their_place),
	    TEST(the_state_directory_is_looked_at),
	    TEST(files_are_looked_for),
	    TEST(nginx_is_looked_for),
	    TEST(names_of_results),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
