/* SPDX-License-Identifier: Apache-2.0
 * test_config.c - configurations that load: what is in the snapshot then, where it came from, and what is warned about.
 *
 * Every test runs in a home directory of its own. proves CORE-045, CORE-046, CORE-047, CORE-048, CORE-050,
 * CORE-051, CORE-052, WDB-017..WDB-027 (reading), A-003, A-032, A-045 */
#include "engine/config.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN GOLDEN_DIR "/config/"
#define USD    INT64_C(1000000000)

static char home[64];
static const char *const used[] = {"GENOPS_CONFIG", "GENOPS_STATE_DIR", "GENOPS_TEAM", "GENOPS_PROJECT",
    "GENOPS_ENVIRONMENT", "GENOPS_CUSTOMER_ID", "GENOPS_COST_CENTER", "GENOPS_FEATURE", "GENOPS_DAILY_BUDGET_LIMIT",
    "GENOPS_GOVERNANCE_POLICY", "GENOPS_LOG_LEVEL", "OTEL_LOG_LEVEL", "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_INSECURE", "GENOPS_CI_KEY", "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY", "DATADOG_API_KEY", "CRIBL_AUTH_TOKEN", "GENOPS_QUEUE_KEY"};

static int set_up(void **state)
{
	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		unsetenv(used[i]);
	strcpy(home, "/tmp/genops-config-XXXXXX");
	assert_non_null(mkdtemp(home));
	setenv("HOME", home, 1);
	return chdir(home);
}

static int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", home);
	return chdir("/") || system(command);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct genops_config *load(const char *file, const char *text, const char *state_dir)
{
	struct genops_error err = {0};
	struct genops_config_source source = {file, text, state_dir};
	struct genops_config *config = genops_config_load(&source, &err);
	if (!config)
		fail_msg("%s:%d:%d: %s; %s", err.file, err.line, err.column, err.message, err.fix);
	return config;
}

static void is(genops_str got, const char *want)
{
	if (!genops_str_is(got, want))
		fail_msg("\"%.*s\" is not \"%s\"", GENOPS_STR_ARG(got), want);
}

static void attribute_is(const struct genops_attribute *attributes, size_t n, const char *key, const char *want)
{
	for (size_t i = 0; i < n; i++) {
		if (genops_str_is(attributes[i].key, key)) {
			assert_int_equal(attributes[i].type, GENOPS_ATTRIBUTE_STRING);
			is(attributes[i].value.string, want);
			return;
		}
	}
	if (want)
		fail_msg("no attribute %s", key);
}

static bool warns(const struct genops_config *config, const char *part)
{
	for (size_t i = 0; i < config->n_warnings; i++) {
		if (strstr(config->warnings[i].message.ptr, part))
			return true;
	}
	return false;
}

/* --- the fixed shape --- */

static void check_example_governance(const struct genops_config *config)
{
	static const char *const names[] = {"per-call-cap", "pace", "secrets", "who", "what"};
	static const enum genops_level levels[] = {GENOPS_LEVEL_BLOCK, GENOPS_LEVEL_RATE_LIMIT, GENOPS_LEVEL_BLOCK,
	    GENOPS_LEVEL_BLOCK, GENOPS_LEVEL_BLOCK};
	assert_int_equal(config->mode, GENOPS_MODE_ENFORCED);
	attribute_is(config->attributes, config->n_attributes, "team", "ml-platform");
	attribute_is(config->attributes, config->n_attributes, "environment", "production");
	assert_int_equal(config->n_policies, 5);
	for (size_t i = 0; i < 5; i++) {
		is(config->policies[i]->name, names[i]);
		assert_int_equal(config->policies[i]->level, levels[i]);
		assert_true(config->policies[i]->is_enabled);
	}
	is(config->policies[0]->origin, "genops.example.yaml:17");
	assert_int_equal(config->policies[0]->match.n_entries, 1);
	is(config->policies[0]->match.entries[0].key, "environment");
	is(config->policies[0]->match.entries[0].values[0], "production");
	assert_true(config->wants_content);
	assert_false(config->blocks_unknown_model);
	assert_int_equal(config->price_reload_interval_ns, 300 * USD);
	assert_int_equal(config->price_files.n, 1);
	is(config->price_files.items[0], GOLDEN "prices.csv");
	assert_int_equal(config->approval_threshold_nano_usd, 25 * USD);
}

static void check_example_budget(const struct genops_config *config)
{
	const struct genops_budget_rule *rule = &config->budgets[0];
	assert_int_equal(config->n_budgets, 1);
	is(rule->name, "ml-platform");
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_DAILY], 100 * USD);
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_MONTHLY], 3000 * USD);
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_TOTAL], -1);
	assert_int_equal(rule->n_alerts, 3);
	assert_int_equal(rule->alert_percent[1], 90);
	assert_int_equal(rule->n_per, 0);
	assert_false(rule->is_policy);
	assert_ptr_equal(rule->zone, genops_zone_utc());
}

static void check_example_gateway(const struct genops_config *config)
{
	const struct genops_config_gateway *gateway = &config->gateway;
	is(gateway->listen, "127.0.0.1:4319");
	is(gateway->listen_h2c, "127.0.0.1:4320");
	assert_int_equal(gateway->workers, 0);
	assert_int_equal(gateway->max_body, 64 << 20);
	assert_int_equal(gateway->connect_timeout_ns, 10 * USD);
	assert_int_equal(gateway->read_timeout_ns, 600 * USD);
	assert_false(gateway->require_key);
	const struct genops_config_provider *openai = genops_config_provider_find(config, GENOPS_STR("openai"));
	assert_non_null(openai);
	is(openai->host, "api.openai.com");
	is(openai->scheme, "https");
	assert_int_equal(openai->port, 443);
	is(openai->path, "");
	is(openai->api_key, "sk-openai-marker");
	assert_null(genops_config_provider_find(config, GENOPS_STR("nobody")));
	const struct genops_config_key *key = genops_config_key_find(config, GENOPS_STR("ci-key-0123456789"));
	assert_non_null(key);
	is(key->name, "ci");
	attribute_is(key->attributes, key->n_attributes, "project", "nightly");
	is(key->provider_keys.items[0].key, "openai");
	is(key->provider_keys.items[0].value, "sk-openai-marker");
	assert_int_equal(key->control, GENOPS_CONTROL_OWN);
	assert_null(genops_config_key_find(config, GENOPS_STR("ci-key-0123456788")));
	assert_null(genops_config_key_find(config, GENOPS_STR("")));
}

static void check_example_telemetry(const struct genops_config *config)
{
	const struct genops_config_telemetry *telemetry = &config->telemetry;
	assert_int_equal(telemetry->queue_max_size, 500 << 20);
	assert_int_equal(telemetry->queue_compression, 1);
	assert_int_equal(telemetry->queue_encryption_key.len, 0);
	assert_int_equal(telemetry->batch_timeout_ns, 10 * USD);
	assert_int_equal(telemetry->batch_size, 1024);
	assert_int_equal(telemetry->n_exporters, 2);
	is(telemetry->exporters[0].name, "otlp/tempo");
	is(telemetry->exporters[0].type, "otlp");
	is(telemetry->exporters[0].endpoint, "http://127.0.0.1:14317");
	assert_true(telemetry->exporters[0].is_insecure);
	is(telemetry->exporters[0].headers.items[0].value, "acme");
	is(telemetry->exporters[1].type, "otlphttp");
	is(telemetry->exporters[1].headers.items[0].value, "Bearer ");
	assert_int_equal(telemetry->exporters[1].timeout_ns, 10 * USD);
}

static void the_example_loads(void **state)
{
	char want[128];
	setenv("GENOPS_CI_KEY", "ci-key-0123456789", 1);
	setenv("OPENAI_API_KEY", "sk-openai-marker", 1);
	struct genops_config *config = load(GOLDEN "genops.example.yaml", NULL, NULL);
	check_example_governance(config);
	check_example_budget(config);
	check_example_gateway(config);
	check_example_telemetry(config);
	snprintf(want, sizeof want, "%s/.genops/state", home);
	is(config->state_dir, want);
	assert_true(genops_prices_count(config->prices) > 0);
	assert_true(warns(config, "approvals are read by a later version"));
	assert_true(warns(config, "section pipelines is read by a later version"));
	assert_int_equal(config->collibra.url.len, 0);
	assert_int_equal(config->collibra.export_mode, GENOPS_COLLIBRA_BATCH);
	assert_true(config->collibra.has_policy_sync);
	assert_true(warns(config, "receivers are read by a later version"));
	assert_int_equal(config->n_warnings, 5);
	assert_int_equal(config->warnings[0].line, 52);
	genops_config_unref(config);
}

/* --- the guides' files --- */

static void the_guides_file_loads(void **state)
{
	char text[4096];
	mkdir(".genops", 0700);
	FILE *from = fopen(GOLDEN "guides.yaml", "r");
	text[fread(text, 1, sizeof text - 1, from)] = '\0';
	fclose(from);
	put(".genops/config.yaml", text);
	struct genops_config *config = load(NULL, NULL, NULL);
	assert_true(genops_str_ends(config->file, GENOPS_STR("/.genops/config.yaml")));
	is(config->wandb.api_key, "your-wandb-api-key");
	is(config->wandb.default_team, "ml-team");
	is(config->wandb.default_project, "experiments");
	assert_int_equal(config->mode, GENOPS_MODE_ADVISORY);
	assert_int_equal(config->max_experiment_cost_nano_usd, 50 * USD);
	assert_int_equal(config->n_budgets, 1);
	is(config->budgets[0].name, "daily_budget_limit");
	assert_int_equal(config->budgets[0].limit_nano_usd[GENOPS_PERIOD_DAILY], 100 * USD);
	assert_int_equal(config->budgets[0].n_alerts, 3);
	assert_int_equal(config->telemetry.batch_timeout_ns, 30 * USD);
	genops_config_unref(config);
}

static void the_guides_switches_switch(void **state)
{
	struct genops_config *config = load(NULL,
	    "governance: {daily_budget_limit: 1, enable_cost_alerts: false}\n"
	    "observability: {export_to_otel: false}\n"
	    "exporters: {otlp: {endpoint: 'x:1'}, file: {path: out.json}}\n", NULL);
	assert_int_equal(config->budgets[0].n_alerts, 0);
	assert_int_equal(config->telemetry.n_exporters, 1); /* only what is no OTLP */
	is(config->telemetry.exporters[0].type, "file");
	genops_config_unref(config);
}

static void the_collectors_file_loads(void **state)
{
	struct genops_error err = {0};
	struct genops_config_source source = {.file = GOLDEN "collector.yaml"};
	assert_null(genops_config_load(&source, &err)); /* CORE-051: unset is a clear error */
	assert_string_equal(err.message, "environment variable DATADOG_API_KEY is not set");
	assert_int_equal(err.line, 44);
	setenv("DATADOG_API_KEY", "dd-marker", 1);
	struct genops_config *config = load(source.file, NULL, NULL);
	assert_true(warns(config, "exporter type \"elasticsearch\" is not available"));
	assert_true(warns(config, "exporter type \"datadog\" is not available"));
	assert_true(warns(config, "exporter type \"prometheus\" is not available"));
	assert_true(warns(config, "no traces pipeline has the receiver genops"));
	assert_false(warns(config, "dd-marker"));
	assert_int_equal(config->telemetry.n_exporters, 0);
	genops_config_unref(config);
}

/* --- precedence --- */

static void nothing_at_all_loads(void **state)
{
	struct genops_config *config = load(NULL, NULL, NULL);
	is(config->file, "");
	assert_int_equal(config->n_warnings, 0);
	assert_int_equal(config->n_attributes, 1);
	attribute_is(config->attributes, 1, "environment", "development"); /* CORE-047 */
	assert_int_equal(config->n_budgets, 0);
	assert_int_equal(config->telemetry.n_exporters, 0);
	assert_int_equal(config->sync_interval_ns, USD);
	assert_false(genops_config_is_stale(config));
	put("genops.yaml", "state: here\n");
	assert_true(genops_config_is_stale(config)); /* the one that was looked for came */
	genops_config_unref(config);
}

static void the_file_is_found(void **state)
{
	char want[128];
	mkdir(".genops", 0700);
	put(".genops/config.yaml", "state: /s/home\n");
	struct genops_config *config = load(NULL, NULL, NULL);
	is(config->state_dir, "/s/home");
	genops_config_unref(config);
	put("genops.yaml", "state: here\n");
	config = load(NULL, NULL, NULL);
	snprintf(want, sizeof want, "%s/here", home);
	is(config->state_dir, want);
	genops_config_unref(config);
	put("other.yaml", "state: {directory: /s/other, sync_interval: 250ms}\n");
	setenv("GENOPS_CONFIG", "other.yaml", 1);
	config = load(NULL, NULL, NULL);
	is(config->state_dir, "/s/other");
	assert_int_equal(config->sync_interval_ns, 250000000);
	genops_config_unref(config);
	config = load("genops.yaml", NULL, NULL);
	is(config->state_dir, want);
	genops_config_unref(config);
	config = load("", NULL, NULL);
	is(config->file, "");
	genops_config_unref(config);
}

static void a_named_file_must_be_there(void **state)
{
	struct genops_error err = {0};
	struct genops_config_source source = {.file = "none.yaml"};
	assert_null(genops_config_load(&source, &err));
	assert_int_equal(err.code, GENOPS_CONFIG);
	assert_string_equal(err.message, "the configuration cannot be read: none.yaml: No such file or directory");
	assert_string_equal(err.fix, "make one with genops init, or name another with --config");
}

static void parameter_beats_environment_beats_file_beats_default(void **state)
{
	static const char text[] = "state: /s/file\n"
				   "governance:\n"
				   "  mode: advisory\n"
				   "  daily_budget_limit: 5\n"
				   "  attributes: {team: file, project: file, cost_center: ''}\n";
	struct genops_config *config = load(NULL, text, NULL);
	is(config->state_dir, "/s/file");
	attribute_is(config->attributes, config->n_attributes, "team", "file");
	assert_int_equal(config->mode, GENOPS_MODE_ADVISORY);
	genops_config_unref(config);
	setenv("GENOPS_STATE_DIR", "/s/env", 1);
	setenv("GENOPS_TEAM", "env", 1);
	setenv("GENOPS_PROJECT", "", 1); /* empty: not set */
	setenv("GENOPS_ENVIRONMENT", "production", 1);
	setenv("GENOPS_CUSTOMER_ID", "c-1", 1);
	setenv("GENOPS_COST_CENTER", "cc", 1);
	setenv("GENOPS_FEATURE", "f", 1);
	setenv("GENOPS_GOVERNANCE_POLICY", "strict", 1);
	setenv("GENOPS_DAILY_BUDGET_LIMIT", "7.5", 1);
	config = load(NULL, text, NULL);
	is(config->state_dir, "/s/env");
	assert_int_equal(config->mode, GENOPS_MODE_ENFORCED);
	assert_int_equal(config->n_attributes, 6);
	attribute_is(config->attributes, 6, "team", "env");
	attribute_is(config->attributes, 6, "project", "file");
	attribute_is(config->attributes, 6, "environment", "production");
	attribute_is(config->attributes, 6, "customer_id", "c-1");
	attribute_is(config->attributes, 6, "cost_center", "cc");
	attribute_is(config->attributes, 6, "feature", "f");
	assert_int_equal(config->budgets[0].limit_nano_usd[GENOPS_PERIOD_DAILY], 7500000000);
	genops_config_unref(config);
	config = load(NULL, text, "/s/parameter");
	is(config->state_dir, "/s/parameter");
	genops_config_unref(config);
}

static void fails_with(const char *message)
{
	struct genops_error err = {0};
	struct genops_config_source source = {.file = ""};
	assert_null(genops_config_load(&source, &err));
	assert_int_equal(err.code, GENOPS_CONFIG);
	assert_string_equal(err.message, message);
	assert_int_equal(err.line, 0);
}

static void bad_variables_are_errors(void **state)
{
	setenv("GENOPS_GOVERNANCE_POLICY", "lenient", 1);
	fails_with("environment variable GENOPS_GOVERNANCE_POLICY must be enforced, advisory or audit_only");
	unsetenv("GENOPS_GOVERNANCE_POLICY");
	setenv("GENOPS_DAILY_BUDGET_LIMIT", "-5", 1);
	fails_with("environment variable GENOPS_DAILY_BUDGET_LIMIT must be an amount in USD above 0");
	unsetenv("GENOPS_DAILY_BUDGET_LIMIT");
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost", 1);
	fails_with("environment variable OTEL_EXPORTER_OTLP_ENDPOINT must be a URL like http://localhost:4318");
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", 1);
	setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http", 1);
	fails_with("environment variable OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, http/json or grpc");
	unsetenv("OTEL_EXPORTER_OTLP_PROTOCOL");
	setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d%0aEvil: 1", 1);
	fails_with("environment variable OTEL_EXPORTER_OTLP_HEADERS must be key=value,key=value without control characters");
}

static void otel_variables_make_an_exporter(void **state)
{
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", 1);
	setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=1=2", 1);
	setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", 1);
	setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2500", 1);
	setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", 1);
	setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes,team=a", 1);
	struct genops_config *config = load(NULL, NULL, NULL);
	const struct genops_config_exporter *exporter = config->telemetry.exporters;
	assert_int_equal(config->telemetry.n_exporters, 1);
	is(exporter->type, "otlphttp");
	is(exporter->endpoint, "http://collector:4318");
	assert_false(exporter->is_signal_url);
	assert_int_equal(exporter->headers.n, 2);
	is(exporter->headers.items[0].value, "a b");
	is(exporter->headers.items[1].value, "1=2");
	is(exporter->compression, "gzip");
	is(exporter->ca_file, "/ca.pem");
	assert_int_equal(exporter->timeout_ns, 2500000000);
	is(config->telemetry.service_name, "from-attributes");
	assert_int_equal(config->telemetry.resource_attributes.n, 2);
	genops_config_unref(config);

	setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/whole", 1);
	setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "only=this", 1);
	setenv("OTEL_SERVICE_NAME", "svc", 1);
	setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", 1);
	config = load(NULL, NULL, NULL);
	exporter = config->telemetry.exporters;
	is(exporter->endpoint, "https://t/whole");
	assert_true(exporter->is_signal_url);
	assert_true(exporter->is_json);
	assert_int_equal(exporter->headers.n, 1);
	is(config->telemetry.service_name, "svc");
	genops_config_unref(config);

	config = load(NULL, "exporters: {debug: }\n", NULL); /* a configured one is stronger */
	assert_int_equal(config->telemetry.n_exporters, 1);
	is(config->telemetry.exporters[0].type, "debug");
	genops_config_unref(config);
	setenv("OTEL_SDK_DISABLED", "true", 1);
	config = load(NULL, "exporters: {debug: }\n", NULL);
	assert_int_equal(config->telemetry.n_exporters, 0);
	genops_config_unref(config);
}

static void grpc_from_the_environment(void **state)
{
	setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 1);
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", 1);
	struct genops_config *config = load(NULL, NULL, NULL);
	is(config->telemetry.exporters[0].type, "otlp");
	is(config->telemetry.exporters[0].endpoint, "https://collector:4317");
	assert_false(config->telemetry.exporters[0].is_insecure);
	genops_config_unref(config);
	setenv("OTEL_EXPORTER_OTLP_INSECURE", "true", 1);
	config = load(NULL, NULL, NULL);
	is(config->telemetry.exporters[0].endpoint, "http://collector:4317");
	assert_true(config->telemetry.exporters[0].is_insecure);
	genops_config_unref(config);
}

/* --- sections --- */

static void modes_have_their_alias(void **state)
{
	static const struct {
		const char *text;
		enum genops_mode mode;
	} cases[] = {{"governance: {mode: Strict}", GENOPS_MODE_ENFORCED}, {"governance: {mode: audit_only}", GENOPS_MODE_AUDIT_ONLY},
	    {"governance: {policy_enforcement: advisory}", GENOPS_MODE_ADVISORY},
	    {"governance: {governance_policy: enforced}", GENOPS_MODE_ENFORCED}, {"governance:", GENOPS_MODE_ENFORCED}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_config *config = load(NULL, cases[i].text, NULL);
		assert_int_equal(config->mode, cases[i].mode);
		genops_config_unref(config);
	}
}

static void budgets_of_policies(void **state)
{
	struct genops_config *config = load(NULL,
	    "governance:\n"
	    "  policies:\n"
	    "    - {name: p, type: budget_limit, monthly_budget: 1000, enforcement_level: Warning, timezone: UTC}\n"
	    "    - {name: off, type: budget_limit, daily_budget: 1, enabled: false}\n"
	    "  budgets:\n"
	    "    - {name: b, weekly_budget: 2.5, hourly_budget: 1, per: customer_id, alerts: [50%, 10], on_error: open}\n", NULL);
	assert_int_equal(config->n_policies, 2);
	assert_int_equal(config->n_budgets, 2);
	const struct genops_budget_rule *rule = &config->budgets[0];
	assert_true(rule->is_policy);
	assert_int_equal(rule->level, GENOPS_LEVEL_WARN);
	assert_int_equal(rule->n_per, 2);
	is(rule->per[0], "team");
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_MONTHLY], 1000 * USD);
	rule = &config->budgets[1];
	assert_int_equal(rule->on_error, GENOPS_ON_ERROR_OPEN);
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_WEEKLY], 2500000000);
	assert_int_equal(rule->n_per, 1);
	is(rule->per[0], "customer_id");
	assert_int_equal(rule->n_alerts, 2);
	assert_int_equal(rule->alert_percent[0], 10);
	genops_config_unref(config);
}

static void zones_come_from_the_system(void **state)
{
	if (access("/usr/share/zoneinfo/America/New_York", R_OK) != 0)
		skip();
	struct genops_config *config =
	    load(NULL, "governance: {budgets: [{name: b, daily_budget: 1, timezone: America/New_York}]}", NULL);
	is(genops_zone_name(config->budgets[0].zone), "America/New_York");
	genops_config_unref(config);
}

static void providers_merge(void **state)
{
	setenv("ANTHROPIC_API_KEY", "sk-ant-env", 1);
	put("key", "  sk-from-file\n");
	chmod("key", 0644);
	struct genops_config *config = load(NULL,
	    "gateway:\n"
	    "  read_timeout: 30s\n"
	    "  providers:\n"
	    "    openai: {api_key_file: key, connect_timeout: 1s}\n"
	    "    local-llm: {base_url: 'http://[::1]:8080/v1/', region: eu}\n"
	    "    anthropic: {api_key: sk-ant-file}\n", NULL);
	const struct genops_config_provider *provider = genops_config_provider_find(config, GENOPS_STR("openai"));
	is(provider->api_key, "sk-from-file");
	is(provider->host, "api.openai.com");
	assert_int_equal(provider->connect_timeout_ns, USD);
	assert_int_equal(provider->read_timeout_ns, 30 * USD);
	assert_true(warns(config, "holds a key and others may read it"));
	provider = genops_config_provider_find(config, GENOPS_STR("local-llm"));
	is(provider->dialect, "openai");
	is(provider->price_name, "local-llm");
	is(provider->host, "::1");
	assert_int_equal(provider->port, 8080);
	is(provider->path, "/v1");
	is(provider->region, "eu");
	is(genops_config_provider_find(config, GENOPS_STR("anthropic"))->api_key, "sk-ant-file");
	genops_config_unref(config);
	config = load(NULL, NULL, NULL);
	is(genops_config_provider_find(config, GENOPS_STR("anthropic"))->api_key, "sk-ant-env");
	is(genops_config_provider_find(config, GENOPS_STR("openai"))->api_key, "");
	genops_config_unref(config);
}

static void open_addresses_need_keys(void **state)
{
	struct genops_config *config = load(NULL,
	    "governance: {keys: [{name: a, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}]}\n"
	    "gateway: {listen: '0.0.0.0:4319', listen_h2c: off}\n", NULL);
	assert_true(config->gateway.require_key);
	assert_int_equal(config->gateway.listen_h2c.len, 0);
	assert_true(warns(config, "in plain text"));
	assert_non_null(genops_config_key_find(config, GENOPS_STR("test"))); /* its SHA-256 is above */
	genops_config_unref(config);
	config = load(NULL, "gateway: {listen: '127.0.0.1:0', listen_h2c: '[::1]:0', workers: 4}", NULL);
	assert_false(config->gateway.require_key);
	assert_int_equal(config->gateway.workers, 4);
	genops_config_unref(config);
}

/* Nothing of a virtual key stays but its hash. */
static void a_virtual_key_is_not_kept(void **state)
{
	struct genops_config *config =
	    load(NULL, "governance: {keys: [{name: a, key: vk-MARKER-0123456789}]}", NULL);
	assert_non_null(genops_config_key_find(config, GENOPS_STR("vk-MARKER-0123456789")));
	struct block { /* as in base/arena.c */
		struct block *next;
		size_t size;
	};
	for (const struct block *block = (const void *)config->arena.first; block; block = block->next)
		assert_null(memmem(block + 1, block->size, "MARKER", 6));
	genops_config_unref(config);
}

static void collectors_exporters(void **state)
{
	struct genops_config *config = load(NULL,
	    "exporters:\n"
	    "  otlp/a: {endpoint: 'tempo:4317', tls: {insecure: true}, compression: gzip, timeout: 5s,\n"
	    "           retry_on_failure: {initial_interval: 2s, max_interval: 60s, max_elapsed_time: 0s}, sending_queue: {enabled: true}}\n"
	    "  otlp/b: {endpoint: 'tempo:4317', tls: {ca_file: ca.pem, cert_file: c.pem, key_file: k.pem}}\n"
	    "  otlphttp: {traces_endpoint: 'https://x/v1/t', encoding: json, tls: {insecure_skip_verify: true}}\n"
	    "  console:\n"
	    "  file: {path: spans.jsonl}\n"
	    "service:\n"
	    "  pipelines:\n"
	    "    traces/1: {receivers: [genops], exporters: [otlp/a, otlp/b, otlphttp, file]}\n"
	    "    metrics: {receivers: [genops], exporters: [console]}\n", NULL);
	const struct genops_config_exporter *exporter = config->telemetry.exporters;
	assert_int_equal(config->telemetry.n_exporters, 4);
	is(exporter[0].endpoint, "http://tempo:4317");
	assert_true(exporter[0].is_insecure);
	assert_int_equal(exporter[0].retry_initial_ns, 2 * USD);
	assert_int_equal(exporter[0].retry_max_ns, 60 * USD);
	is(exporter[1].endpoint, "https://tempo:4317");
	assert_true(genops_str_ends(exporter[1].ca_file, GENOPS_STR("/ca.pem")));
	assert_true(exporter[2].is_signal_url && exporter[2].is_json && exporter[2].skip_verify);
	assert_true(genops_str_ends(exporter[3].endpoint, GENOPS_STR("/spans.jsonl")));
	assert_true(warns(config, "receiver genops only gives traces"));
	genops_config_unref(config);
}

static void changes_are_seen(void **state)
{
	put("p.csv", "provider,model,input_cost_per_1k,output_cost_per_1k\nopenai,gpt-4,0.03,0.06\n");
	put("genops.yaml", "governance: {pricing: {files: p.csv}}\n");
	struct genops_config *config = load("genops.yaml", NULL, NULL);
	assert_false(genops_config_is_stale(config));
	put("p.csv", "provider,model,input_cost_per_1k,output_cost_per_1k\nopenai,gpt-4,0.03,0.0601\n");
	assert_false(genops_config_is_stale(config)); /* prices are looked at every reload_interval */
	config->loaded_monotonic_ns -= config->price_reload_interval_ns;
	assert_true(genops_config_is_stale(config));
	genops_config_unref(config);
	config = load("genops.yaml", NULL, NULL);
	unlink("genops.yaml");
	assert_true(genops_config_is_stale(config));
	struct genops_config *same = genops_config_ref(config);
	genops_config_unref(config);
	is(same->price_files.items[0], same->price_files.items[0].ptr);
	genops_config_unref(same);
}

static void what_looks_mistyped_is_warned_about(void **state)
{
	struct genops_config *config = load(NULL,
	    "governance:\n"
	    "  attributes: {tem: a, mine: 5, ok: true, ratio: 1.5, text: '5'}\n"
	    "  keys: [{name: k, key: short}]\n", NULL);
	assert_true(warns(config, "\"tem\" is not a standard attribute"));
	assert_true(warns(config, "key \"k\" is shorter than 16 characters"));
	assert_false(warns(config, "mine"));
	assert_int_equal(config->attributes[2].type, GENOPS_ATTRIBUTE_INT);
	assert_int_equal(config->attributes[2].value.integer, 5);
	assert_int_equal(config->attributes[3].type, GENOPS_ATTRIBUTE_BOOL);
	assert_true(config->attributes[3].value.boolean);
	assert_int_equal(config->attributes[4].type, GENOPS_ATTRIBUTE_DOUBLE);
	assert_int_equal(config->attributes[5].type, GENOPS_ATTRIBUTE_STRING);
	genops_config_unref(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_example_loads),
	    TEST(the_guides_file_loads),
	    TEST(the_guides_switches_switch),
	    TEST(the_collectors_file_loads),
	    TEST(nothing_at_all_loads),
	    TEST(the_file_is_found),
	    TEST(a_named_file_must_be_there),
	    TEST(parameter_beats_environment_beats_file_beats_default),
	    TEST(bad_variables_are_errors),
	    TEST(otel_variables_make_an_exporter),
	    TEST(grpc_from_the_environment),
	    TEST(modes_have_their_alias),
	    TEST(budgets_of_policies),
	    TEST(zones_come_from_the_system),
	    TEST(providers_merge),
	    TEST(open_addresses_need_keys),
	    TEST(a_virtual_key_is_not_kept),
	    TEST(collectors_exporters),
	    TEST(changes_are_seen),
	    TEST(what_looks_mistyped_is_warned_about),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
