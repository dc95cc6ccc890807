/* SPDX-License-Identifier: Apache-2.0
 * config_fixture.h - a home directory of its own for each test of a configuration, without any variable of the caller's. */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

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
    "ANTHROPIC_API_KEY", "DATADOG_API_KEY", "CRIBL_AUTH_TOKEN", "GENOPS_QUEUE_KEY",
    "GENOPS_NODE"};

static inline int set_up(void **state)
{
	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		unsetenv(used[i]);
	strcpy(home, "/tmp/genops-config-XXXXXX");
	assert_non_null(mkdtemp(home));
	setenv("HOME", home, 1);
	return chdir(home);
}

static inline int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", home);
	return chdir("/") || system(command);
}

static inline void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static inline struct genops_config *load(const char *file, const char *text, const char *state_dir)
{
	struct genops_error err = {0};
	struct genops_config_source source = {file, text, state_dir};
	struct genops_config *config = genops_config_load(&source, &err);
	if (!config)
		fail_msg("%s:%d:%d: %s; %s", err.file, err.line, err.column, err.message, err.fix);
	return config;
}

static inline void is(genops_str got, const char *want)
{
	if (!genops_str_is(got, want))
		fail_msg("\"%.*s\" is not \"%s\"", GENOPS_STR_ARG(got), want);
}

static inline void attribute_is(const struct genops_attribute *attributes, size_t n, const char *key, const char *want)
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

static inline bool warns(const struct genops_config *config, const char *part)
{
	for (size_t i = 0; i < config->n_warnings; i++) {
		if (strstr(config->warnings[i].message.ptr, part))
			return true;
	}
	return false;
}

/* --- the fixed shape --- */

#endif
