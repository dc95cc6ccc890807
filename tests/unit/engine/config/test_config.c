/* SPDX-License-Identifier: Apache-2.0
 * test_config.c - configurations that load: what is in the snapshot then, where it came from, and what is warned about.
 *
 * Every test runs in a home directory of its own. proves CORE-045, CORE-046, CORE-047, CORE-048, CORE-050,
 * CORE-051, CORE-052, WDB-017..WDB-027 (reading), A-003, A-032, A-045 */
#include "config_fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

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
	assert_int_equal(telemetry->exporters[0].batch.timeout_ns, 10 * USD);
	assert_int_equal(telemetry->exporters[0].batch.size, 1024);
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
	assert_int_equal(config->collibra.url.len, 0);
	assert_int_equal(config->collibra.export_mode, GENOPS_COLLIBRA_BATCH);
	assert_true(config->collibra.has_policy_sync);
	assert_int_equal(config->n_receivers, 1);
	assert_int_equal(config->receivers[0].n_listeners, 2);
	is(config->receivers[0].input, "genops_otlp_source");
	assert_int_equal(config->n_warnings, 1);
	assert_int_equal(config->warnings[0].line, 52);
	assert_int_equal(config->n_pipelines, 2);
	assert_int_equal(config->n_destinations, 3);
	assert_int_equal(config->n_lookups, 1);
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
	assert_true(warns(config, "no traces pipeline has the receiver genops"));
	assert_false(warns(config, "dd-marker"));
	assert_int_equal(config->telemetry.n_exporters, 3);
	is(config->telemetry.exporters[0].type, "elasticsearch");
	is(config->telemetry.exporters[1].name, "prometheus"); /* OTL-053, OTL-057 */
	assert_true(warns(config, "exporter \"prometheus\": others can reach 0.0.0.0, and nothing asks them for a key: only this machine is let in"));
	is(config->telemetry.exporters[2].type, "datadog");    /* OTL-054 */
	const struct genops_service *service = &config->service;
	assert_int_equal(service->n_pipelines, 2);
	is(service->pipelines[0].name, "traces");
	assert_int_equal(service->pipelines[0].n_processors, 3);
	is(service->pipelines[0].processors[1]->name, "filter");
	assert_false(service->pipelines[0].is_plain);
	assert_int_equal(service->pipelines[1].signal, GENOPS_SIGNAL_METRICS);
	assert_true(service->pipelines[1].is_plain);
	genops_config_unref(config);
}

/* The guide's three processors, as it writes them, in a pipeline. OTL-061..OTL-064 */
static void the_guides_processors_load(void **state)
{
	struct genops_config *config = load(NULL,
	    "processors:\n"
	    "  genops/cost_aggregator:\n    # Aggregate costs by team and project\n    dimensions:\n      - genops.team\n      - genops.project\n\n"
	    "    # Export aggregated metrics\n    export_interval: 60s\n"
	    "  genops/budget_enforcer:\n    # Enforce budget limits\n    budgets:\n      - team: \"ml-platform\"\n        limit: 1000.0\n"
	    "        period: \"daily\"\n        action: \"block\"  # or \"alert\"\n"
	    "  genops/budget_enforcer/two: {budgets: [{team: search, limit: 5, action: alert, timezone: UTC, name: search-cap}]}\n"
	    "  genops/policy_evaluator:\n    # Evaluate policies on collected telemetry\n    policies:\n      - name: \"pii-detection\"\n"
	    "        pattern: \".*SSN.*|.*credit_card.*\"\n        action: \"redact\"\n"
	    "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {debug: }\n"
	    "service: {pipelines: {traces: {receivers: [otlp, genops], processors: [genops/cost_aggregator, genops/budget_enforcer, genops/budget_enforcer/two,"
	    " genops/policy_evaluator], exporters: [debug]}, metrics: {receivers: [otlp], exporters: [debug]}}}\n", NULL);
	assert_int_equal(config->n_warnings, 0);
	assert_int_equal(config->n_budgets, 2);
	const struct genops_budget_rule *rule = &config->budgets[0];
	is(rule->name, "genops/budget_enforcer: team=ml-platform daily");
	assert_int_equal(rule->level, GENOPS_LEVEL_BLOCK);
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_DAILY], 1000 * USD);
	assert_int_equal(rule->limit_nano_usd[GENOPS_PERIOD_MONTHLY], -1);
	assert_int_equal(rule->match.n_entries, 1);
	is(rule->match.entries[0].key, "team");
	is(rule->match.entries[0].values[0], "ml-platform");
	assert_int_equal(rule->n_alerts, 3);
	assert_int_equal(config->budgets[1].level, GENOPS_LEVEL_WARN);
	is(config->budgets[1].name, "search-cap");
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

static void what_is_being_written_is_left_alone(void **state)
{
	struct stat status;
	put("genops.yaml", "state: here\n");
	struct genops_config *config = load(NULL, NULL, NULL);
	assert_int_equal(stat("genops.yaml", &status), 0);
	int64_t written_ns = (int64_t)status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
	assert_true(genops_config_is_settling(config, written_ns));
	assert_true(genops_config_is_settling(config, written_ns + GENOPS_CONFIG_SETTLES_NS - 1));
	assert_false(genops_config_is_settling(config, written_ns + GENOPS_CONFIG_SETTLES_NS));
	assert_false(genops_config_is_settling(config, written_ns - 1)); /* the clock was put back */
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

/* genops validate --config <(make-my-config) */
static void a_pipe_is_read_to_its_end(void **state)
{
	char want[128];
	assert_int_equal(mkfifo("pipe", 0600), 0);
	pid_t writer = fork();
	if (writer == 0) {
		int fd = open("pipe", O_WRONLY);
		_exit(fd < 0 || write(fd, "state: piped\n", 13) != 13);
	}
	struct genops_config *config = load("pipe", NULL, NULL);
	snprintf(want, sizeof want, "%s/piped", home);
	is(config->state_dir, want);
	genops_config_unref(config);
	int status;
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	unlink("pipe");
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_example_loads),
	    TEST(the_guides_file_loads),
	    TEST(the_guides_switches_switch),
	    TEST(the_collectors_file_loads),
	    TEST(the_guides_processors_load),
	    TEST(nothing_at_all_loads),
	    TEST(what_is_being_written_is_left_alone),
	    TEST(the_file_is_found),
	    TEST(a_named_file_must_be_there),
	    TEST(a_pipe_is_read_to_its_end),
	    TEST(parameter_beats_environment_beats_file_beats_default),
	    TEST(bad_variables_are_errors),
	    TEST(otel_variables_make_an_exporter),
	    TEST(grpc_from_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
