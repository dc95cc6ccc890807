/* SPDX-License-Identifier: Apache-2.0
 * test_config_receiver.c - `receivers` and `sources`: what they become, who is let in where, and that no token stays. proves CRB-021 to CRB-032,
 * OTL-046, OTL-047, OTL-060 */
#include "config_fixture.h"

#include "base/clock.h"
#include "engine/config/config_read.h"

#include <openssl/sha.h>

static void nothing_said_is_loopback(void **state)
{
	(void)state;
	struct genops_config *config = load("", NULL, NULL);
	assert_int_equal(config->n_receivers, 1);
	const struct genops_config_receiver *otlp = &config->receivers[0];
	is(otlp->name, "otlp");
	is(otlp->input, "genops_otlp_source");
	assert_true(otlp->is_implicit);
	assert_int_equal(otlp->n_listeners, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct genops_config_listener *listener = &otlp->listeners[i];
		is(listener->host, "127.0.0.1");
		assert_int_equal(listener->port, listener->is_grpc ? 4317 : 4318);
		assert_int_equal(listener->access.mode, GENOPS_ACCESS_LOCAL);
		assert_int_equal(listener->max_body, 64 << 20);
	}
	assert_int_equal(config->n_warnings, 0);
	genops_config_unref(config);
}

static void an_empty_section_receives_nothing(void **state)
{
	(void)state;
	struct genops_config *config = load(NULL, "receivers: {}\n", NULL);
	assert_int_equal(config->n_receivers, 0);
	genops_config_unref(config);
	config = load(NULL, "receivers:\n  prometheus: {config: {scrape_configs: []}}\n  otlp/b:\n", NULL);
	assert_int_equal(config->n_receivers, 1);
	is(config->receivers[0].input, "otlp/b");
	assert_false(config->receivers[0].is_implicit);
	assert_true(warns(config, "receiver type \"prometheus\" is not available"));
	genops_config_unref(config);
}

/* By address, what is said, and keys of governance. */
static void who_is_let_in(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint, *auth, *keys;
		enum genops_access_mode mode;
		size_t n_tokens;
	} rows[] = {
	    {"127.0.0.1:1", "", "", GENOPS_ACCESS_LOCAL, 0},
	    {"localhost:1", "", "[{name: k, key: key-0123456789abcdef}]", GENOPS_ACCESS_LOCAL, 1},
	    {"[::1]:1", "", "", GENOPS_ACCESS_LOCAL, 0},
	    {"127.0.0.1:1", ", auth: none", "", GENOPS_ACCESS_OPEN, 0},
	    {"0.0.0.0:1", "", "", GENOPS_ACCESS_LOCAL, 0},
	    {":1", "", "", GENOPS_ACCESS_LOCAL, 0},
	    {"0.0.0.0:1", "", "[{name: k, key: key-0123456789abcdef}]", GENOPS_ACCESS_REQUIRED, 1},
	    {"0.0.0.0:1", ", auth: none", "[{name: k, key: key-0123456789abcdef}]", GENOPS_ACCESS_OPEN, 1},
	    {"127.0.0.1:1", ", auth: {bearer_tokens: token-0123456789abcdef}", "[{name: k, key: key-0123456789abcdef}]", GENOPS_ACCESS_REQUIRED, 2},
	    {"0.0.0.0:1", ", auth: {bearer_tokens: [token-0123456789abcdef, {token: other-0123456789abcdef, tenant: t}]}", "", GENOPS_ACCESS_REQUIRED, 2},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[1024];
		snprintf(text, sizeof text, "receivers:\n  otlp: {protocols: {http: {endpoint: '%s'}}%s}\ngovernance: {keys: %s}\n", rows[i].endpoint,
		    rows[i].auth, rows[i].keys);
		struct genops_config *config = load(NULL, text, NULL);
		const struct genops_config_access *access = &config->receivers[0].listeners[0].access;
		if (access->mode != rows[i].mode || access->n_tokens != rows[i].n_tokens)
			fail_msg("row %zu: mode %d, %zu tokens", i, (int)access->mode, access->n_tokens);
		bool is_loopback = genops_config_gateway_is_loopback(config->receivers[0].listeners[0].host);
		assert_int_equal(warns(config, "only this machine is let in"), rows[i].mode == GENOPS_ACCESS_LOCAL && !is_loopback);
		genops_config_unref(config);
	}
}

static void tokens_are_found_and_only_their_hashes_stay(void **state)
{
	(void)state;
	put("tokens", "file-token-0123456789\n\nfile-token-9876543210\n");
	struct genops_config *config = load(NULL,
	    "receivers:\n  otlp:\n    protocols: {http: {auth: {authenticator: bearertokenauth/x}}, grpc: }\n"
	    "    auth: {bearer_tokens: [plain-token-0123456789, {token: bound-token-0123456789, tenant: acme, name: edge}, {file: tokens}]}\n"
	    "extensions: {bearertokenauth/x: {tokens: [collector-token-0123]}}\n", NULL);
	const struct genops_config_access *http = &config->receivers[0].listeners[0].access, *grpc = &config->receivers[0].listeners[1].access;
	assert_non_null(genops_config_token_find(http, GENOPS_STR("collector-token-0123")));
	assert_null(genops_config_token_find(http, GENOPS_STR("plain-token-0123456789")));
	assert_null(genops_config_token_find(grpc, GENOPS_STR("collector-token-0123")));
	is(genops_config_token_find(grpc, GENOPS_STR("bound-token-0123456789"))->tenant, "acme");
	assert_non_null(genops_config_token_find(grpc, GENOPS_STR("file-token-9876543210")));
	assert_null(genops_config_token_find(grpc, GENOPS_STR("")));
	assert_null(genops_config_token_find(grpc, GENOPS_STR("plain-token-012345678")));
	uint8_t want[32];
	SHA256((const uint8_t *)"plain-token-0123456789", 22, want);
	assert_memory_equal(grpc->tokens[0].sha256, want, 32);
	for (size_t i = 0; i < config->n_watches; i++)
		if (genops_str_ends(config->watches[i].path, GENOPS_STR("/tokens")))
			*state = config; /* a changed file is read again */
	assert_ptr_equal(*state, config);
	*state = NULL;
	genops_config_unref(config);
}

static void the_collectors_settings(void **state)
{
	(void)state;
	struct genops_config *config = load(NULL,
	    "receivers:\n  otlp:\n    allow: [10.0.0.0/8, '::1']\n    deny: [192.0.2.1]\n    rate_limit: 600/minute\n    input_id: edge\n"
	    "    max_buffer_size: 100 MB\n    protocols:\n"
	    "      http: {endpoint: 'localhost:0', max_request_body_size: 10 MB, traces_url_path: /t, keep_alives_enabled: false, idle_timeout: 5s,\n"
	    "             cors: {allowed_origins: ['https://*.example.com'], allowed_headers: [x-a], max_age: 60}}\n"
	    "      grpc: {max_recv_msg_size_mib: 4, max_concurrent_streams: 7, keepalive: {server_parameters: {max_connection_age: 1h}},\n"
	    "             tls: {cert_file: c.pem, key_file: k.pem, client_ca_file: ca.pem, min_version: '1.3'}}\n", NULL);
	const struct genops_config_receiver *otlp = &config->receivers[0];
	const struct genops_config_listener *http = &otlp->listeners[0], *grpc = &otlp->listeners[1];
	is(otlp->input, "edge");
	assert_int_equal(otlp->rate_per_second, 10);
	assert_int_equal(otlp->buffer_max, 100000000);
	assert_int_equal(otlp->allow.n, 2);
	assert_int_equal(http->max_body, 10000000);
	assert_false(http->is_keeping_alive);
	is(http->paths[GENOPS_SIGNAL_TRACES], "/t");
	is(http->paths[GENOPS_SIGNAL_LOGS], "/v1/logs");
	is(http->cors_headers, "accept, content-type, x-requested-with, x-a");
	is(http->cors_max_age, "60");
	assert_int_equal(grpc->max_body, 4 << 20);
	assert_int_equal(grpc->max_streams, 7);
	assert_int_equal(grpc->max_age_ns, 3600 * GENOPS_NS_PER_S);
	assert_int_equal(grpc->tls_min, 1);
	assert_true(genops_str_ends(grpc->tls_client_ca, GENOPS_STR("/ca.pem")));
	genops_config_unref(config);
}

static void the_guides_source(void **state)
{
	(void)state;
	put("source.yaml",
	    "Source Configuration:\n  Name: genops-otlp\n  Input ID: genops_otlp_source\n  Port: 4318\n  Path: /v1/traces\n  Protocol: HTTP\n"
	    "Authentication:\n  Type: Bearer Token\n  Token: <generate-secure-token>\n"
	    "Advanced Settings:\n  Max Request Size: 10 MB\n  Request Timeout: 30s\n  Keep-Alive: enabled\n"
	    "Buffer Settings:\n  Max Buffer Size: 100 MB\n  Flush Interval: 10s\n");
	struct genops_config *config = load(NULL, "sources: [source.yaml]\n", NULL);
	assert_int_equal(config->n_receivers, 1);
	const struct genops_config_receiver *source = &config->receivers[0];
	const struct genops_config_listener *http = &source->listeners[0];
	is(source->name, "genops-otlp");
	is(source->input, "genops_otlp_source");
	is(http->host, "0.0.0.0");
	assert_int_equal(http->port, 4318);
	assert_int_equal(http->access.mode, GENOPS_ACCESS_REQUIRED);
	assert_non_null(genops_config_token_find(&http->access, GENOPS_STR("<generate-secure-token>")));
	assert_int_equal(http->max_body, 10000000);
	assert_int_equal(http->read_timeout_ns, 30 * GENOPS_NS_PER_S);
	assert_int_equal(source->buffer_max, 100000000);
	assert_int_equal(http->paths[GENOPS_SIGNAL_LOGS].len, 0);
	assert_true(warns(config, "a placeholder"));
	genops_config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(nothing_said_is_loopback, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_empty_section_receives_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_is_let_in, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(tokens_are_found_and_only_their_hashes_stay, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_collectors_settings, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_guides_source, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
