/* SPDX-License-Identifier: Apache-2.0
 * fuzz_config.c - genops_config_load of a text (engine/config.h) and everything under it.
 * Property: any text gives a snapshot whose parts belong together, or an error that says something; nothing is left behind.
 * The environment is emptied and api_key_file, price files and zones may be read, so no text can name more than files. */
#include "engine/config.h"

#include "base/str.h"

#include <stdlib.h>
#include <unistd.h>

static void check(const struct genops_config *config)
{
	size_t n_rules = 0;
	for (size_t i = 0; i < config->n_policies; i++) {
		if (!config->policies[i]->name.len || !config->policies[i]->settings)
			abort();
		n_rules += !strcmp(config->policies[i]->type->name, "budget_limit") && config->policies[i]->is_enabled;
	}
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		int64_t most = 0;
		for (int period = 0; period < GENOPS_PERIOD_N; period++)
			most = rule->limit_nano_usd[period] > most ? rule->limit_nano_usd[period] : most;
		if (!rule->name.len || !rule->zone || most <= 0 || rule->n_alerts > GENOPS_ALERTS_MAX)
			abort();
		n_rules -= rule->is_policy;
	}
	for (size_t i = 0; i < config->telemetry.n_exporters; i++) {
		if (!config->telemetry.exporters[i].name.len || !config->telemetry.exporters[i].type.len)
			abort();
	}
	if (n_rules || !config->prices || config->state_dir.ptr[0] != '/' || !config->gateway.listen.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_error err = {0};
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	clearenv();
	setenv("HOME", "/nonexistent", 1);
	setenv("GENOPS_CI_KEY", "0123456789abcdef", 1);
	setenv("OPENAI_API_KEY", "sk", 1);
	setenv("DATADOG_API_KEY", "dd", 1);
	struct genops_config_source source = {.text = text};
	struct genops_config *config = genops_config_load(&source, &err);
	if (config)
		check(config);
	else if (!err.code || !err.message[0])
		abort();
	genops_config_unref(config);
	free(text);
	return 0;
}
