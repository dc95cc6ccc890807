/* SPDX-License-Identifier: Apache-2.0
 * Tests of section `collibra`: defaults, precedence, spellings. Proves COL-016, COL-017, COL-018, COL-019, COL-020, COL-042, COL-072,
 * COL-080..085 in part, COL-089..091 in part, COL-171 in part, COL-173 in part. */
#include "engine/config.h"

#include "base/clock.h"
#include "base/str.h"

#include <genops/operation.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct genops_config *load(const char *text, const struct genops_text_pair *parameters, size_t n, struct genops_error *err)
{
	struct genops_config_parameters given = {
	    .collibra = parameters, .n_collibra = n, .daily_budget_nano_usd = GENOPS_COST_UNKNOWN, .is_alerting = -1};
	struct genops_config_source source = {.text = text, .state_dir = "/nonexistent", .parameters = &given, .without_prices = true};
	return genops_config_load(&source, err);
}

static void is(genops_str text, const char *want)
{
	assert_int_equal(text.len, strlen(want));
	assert_memory_equal(text.ptr ? text.ptr : "", want, text.len);
}

static void the_guides_defaults(void **state)
{
	struct genops_error err;
	struct genops_config *config = load("collibra: {url: 'https://acme', api_token: t}", NULL, 0, &err);
	const struct genops_config_collibra *collibra = &config->collibra;
	is(collibra->url, "https://acme");
	assert_int_equal(collibra->export_mode, GENOPS_COLLIBRA_BATCH);
	assert_int_equal(collibra->batch_size, 100);
	assert_int_equal(collibra->batch_interval_ns, 60 * GENOPS_NS_PER_S);
	assert_true(collibra->has_costs);
	assert_false(collibra->has_policy_sync);
	assert_true(collibra->policy_sync_interval_minutes == 5.0);
	assert_int_equal(collibra->timeout_ns, 30 * GENOPS_NS_PER_S);
	assert_int_equal(collibra->max_retries, 3);
	assert_int_equal(collibra->rate_limit_per_second, 10);
	genops_config_unref(config);
}

static void parameters_beat_environment_beats_file(void **state)
{
	const struct genops_text_pair parameter = {GENOPS_STR("url"), GENOPS_STR("https://parameter")};
	struct genops_error err;
	setenv("COLLIBRA_URL", "https://environment", 1);
	setenv("COLLIBRA_USERNAME", "ann", 1);
	setenv("COLLIBRA_PASSWORD", "secret", 1);
	setenv("GENOPS_COLLIBRA_BATCH_SIZE", "500", 1);
	struct genops_config *config = load("collibra: {url: 'https://file', batch_size: 7, batch_interval_seconds: 30}", NULL, 0, &err);
	is(config->collibra.url, "https://environment");
	is(config->collibra.username, "ann");
	is(config->collibra.password, "secret");
	assert_int_equal(config->collibra.batch_size, 500);
	assert_int_equal(config->collibra.batch_interval_ns, 30 * GENOPS_NS_PER_S);
	genops_config_unref(config);
	config = load("{}", &parameter, 1, &err);
	is(config->collibra.url, "https://parameter");
	genops_config_unref(config);
	unsetenv("COLLIBRA_URL");
	unsetenv("COLLIBRA_USERNAME");
	unsetenv("COLLIBRA_PASSWORD");
	unsetenv("GENOPS_COLLIBRA_BATCH_SIZE");
}

static void modes_in_all_spellings(void **state)
{
	static const struct {
		const char *text;
		int mode;
	} rows[] = {{"batch", GENOPS_COLLIBRA_BATCH}, {"realtime", GENOPS_COLLIBRA_REALTIME}, {"Real-Time", GENOPS_COLLIBRA_REALTIME},
	    {"real_time", GENOPS_COLLIBRA_REALTIME}, {"hybrid", GENOPS_COLLIBRA_HYBRID}, {"off", GENOPS_COLLIBRA_OFF}};
	struct genops_error err;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct genops_text_pair parameter = {GENOPS_STR("export_mode"), genops_str_of(rows[i].text)};
		struct genops_config *config = load("{}", &parameter, 1, &err);
		assert_non_null(config);
		assert_int_equal(config->collibra.export_mode, rows[i].mode);
		genops_config_unref(config);
	}
}

static void what_is_wrong_is_said(void **state)
{
	const struct genops_text_pair zero = {GENOPS_STR("batch_size"), GENOPS_STR("0")}, unknown = {GENOPS_STR("bach"), GENOPS_STR("1")};
	const struct genops_text_pair mode = {GENOPS_STR("export_mode"), GENOPS_STR("sometimes")};
	struct genops_error err;
	assert_null(load("collibra: {url: 'https://acme'}", NULL, 0, &err));
	assert_int_equal(err.code, GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "no credentials"));
	assert_non_null(strstr(err.fix, "COLLIBRA_API_TOKEN"));
	assert_null(load("collibra: {url: 'https://acme', username: ann}", NULL, 0, &err));
	assert_null(load("{}", &zero, 1, &err));
	assert_int_equal(err.code, GENOPS_CONFIG);
	assert_null(load("{}", &mode, 1, &err));
	assert_non_null(strstr(err.message, "export_mode"));
	assert_null(load("{}", &unknown, 1, &err));
	assert_int_equal(err.code, GENOPS_MISUSE);
	assert_null(load("collibra: {urk: x}", NULL, 0, &err));
	assert_non_null(strstr(err.fix, "url"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_defaults),
	    cmocka_unit_test(parameters_beat_environment_beats_file),
	    cmocka_unit_test(modes_in_all_spellings),
	    cmocka_unit_test(what_is_wrong_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
