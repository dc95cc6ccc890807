/* SPDX-License-Identifier: Apache-2.0
 * test_config_sections.c - what single sections of a configuration mean: modes, budgets, zones, providers, addresses, keys, exporters;
 * when a file has changed, and what is warned about. */
#include "config_fixture.h"

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
	assert_int_equal(config->telemetry.n_exporters, 5);
	is(exporter[0].endpoint, "http://tempo:4317");
	assert_true(exporter[0].is_insecure);
	assert_int_equal(exporter[0].retry_initial_ns, 2 * USD);
	assert_int_equal(exporter[0].retry_max_ns, 60 * USD);
	assert_true(exporter[0].takes_operations && exporter[4].takes_operations && !exporter[3].takes_operations);
	is(exporter[1].endpoint, "https://tempo:4317");
	assert_true(genops_str_ends(exporter[1].ca_file, GENOPS_STR("/ca.pem")));
	assert_true(exporter[2].is_signal_url && exporter[2].is_json && exporter[2].skip_verify);
	assert_true(exporter[0].takes_operations);
	assert_false(exporter[3].takes_operations); /* the console, which only the pipeline of metrics names */
	assert_true(genops_str_ends(exporter[4].endpoint, GENOPS_STR("/spans.jsonl")));
	const struct genops_service_pipeline *pipeline = config->service.pipelines;
	assert_int_equal(config->service.n_pipelines, 2);
	is(pipeline[0].name, "traces/1");
	assert_int_equal(pipeline[0].exporters.n, 4);
	is(pipeline[1].receivers.items[0], "genops");
	assert_int_equal(pipeline[1].signal, GENOPS_SIGNAL_METRICS);
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
