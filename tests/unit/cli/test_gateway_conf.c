/* SPDX-License-Identifier: Apache-2.0 - cli/gateway_conf.c: whatever a path is called, it stays one word of nginx's configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/gateway_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const nasty[] = {"/tmp/a\" ; daemon on; \"", "/tmp/a;b", "/tmp/new\nline", "/tmp/back\\slash\\", "/tmp/{a}", "/tmp/$a",
    "/tmp/#a", "/tmp/it's", "/tmp/\\\"x", "/tmp/plain"};

/* As nginx reads words: quoted ones with backslash before quote and backslash. Counts those that are exactly `wanted`, checks that
 * nothing but ; { or white space follows a quoted one. */
static int count_words(const char *at, const char *wanted)
{
	char word[8192];
	int n_found = 0;
	while (*at) {
		if (*at != '"') {
			at++;
			continue;
		}
		size_t n = 0;
		for (at++; *at && *at != '"'; at++) {
			if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
				at++;
			word[n++] = *at;
			assert_true(n < sizeof word - 1);
		}
		assert_int_equal(*at++, '"');
		word[n] = '\0';
		assert_true(strchr("; \t\n", *at) != NULL);
		n_found += !strcmp(word, wanted);
	}
	return n_found;
}

static char *text_for(const char *path)
{
	struct genops_gateway_provider providers[] = {{.name = "openai", .scheme = "https", .host = "api.openai.com", .port = 443,
							  .ca_file = path, .connect_timeout_ms = 1, .read_timeout_ms = 1}};
	struct genops_gateway gateway = {.listen_host = "127.0.0.1", .listen_h2c_host = "127.0.0.1", .tls_certificate = path,
	    .tls_key = path, .state_dir = path, .providers = providers, .n_providers = 1, .max_body_bytes = 1};
	struct gateway_place place = {.run_dir = path, .module = path, .trusted_ca = path, .config_file = path, .port = 1,
	    .h2c_port = -1, .simulated_port = -1, .log_level = "warn"};
	char *text = gateway_conf_text(&gateway, &place);
	assert_non_null(text);
	return text;
}

static void paths_are_one_word_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
		char pid[256];
		char *text = text_for(nasty[i]);
		snprintf(pid, sizeof pid, "%s/nginx.pid", nasty[i]);
		/* module, configuration, state, certificate and its key, authorities; the provider's at both of its locations */
		if (count_words(text, nasty[i]) != 8 || count_words(text, pid) != 1)
			fail_msg("%s\n%s", nasty[i], text);
		free(text);
	}
}

/* nginx takes the first rule that fits an address. */
static void the_narrowest_network_comes_first(void **state)
{
	(void)state;
	static const char *const allow[] = {"10.0.0.0/8", "::1", "10.1.2.3", NULL}, *const deny[] = {"all", "10.1.0.0/16", "10.1.2.3", NULL};
	static const char wanted[] = "\t\tallow ::1;\n\t\tdeny 10.1.2.3;\n\t\tallow 10.1.2.3;\n\t\tdeny 10.1.0.0/16;\n\t\tallow 10.0.0.0/8;\n\t\tdeny all;\n";
	struct genops_gateway_listener listener = {.receiver = "otlp", .host = "127.0.0.1", .tls_certificate = "", .allow = allow, .deny = deny};
	struct genops_gateway gateway = {.listen_host = "127.0.0.1", .tls_certificate = "", .state_dir = "/s", .listeners = &listener, .n_listeners = 1};
	int port = 1;
	struct gateway_place place = {.run_dir = "/r", .module = "/m", .trusted_ca = "", .config_file = "", .port = 1, .h2c_port = -1,
	    .simulated_port = -1, .listener_ports = &port, .log_level = "warn"};
	char *text = gateway_conf_text(&gateway, &place);
	assert_non_null(strstr(text, wanted));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(paths_are_one_word_each), cmocka_unit_test(the_narrowest_network_comes_first)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
