/* SPDX-License-Identifier: Apache-2.0
 * engine/destination/destination_test.c - see genops_destination_test: one request to a destination, of which nothing stays there
 * (engine/pump/pump_probe.h), with a client and credentials of its own. */
#include <genops/destination.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/pump/pump_probe.h"
#include "engine/pump/pump_state.h"

#include <stdio.h>

#define ARENA_MAX ((size_t)64 << 20)

struct trying {
	const struct genops_destination_type *type;
	struct genops_destination_settings settings;
	struct genops_pump_memory memory;
	struct genops_http_client *client;
	struct genops_arena arena;
	struct genops_destination_trial *trial;
};

static void say(struct genops_destination_trial *trial, bool is_good, const char *message)
{
	trial->is_good = is_good;
	snprintf(trial->message, sizeof trial->message, "%.319s", message);
}

static void ask(struct trying *trying)
{
	struct genops_destination_trial *trial = trying->trial;
	struct genops_pump_probe probe;
	int64_t begun_ns = genops_clock_monotonic_ns();
	genops_pump_probe(trying->type, &trying->settings, trying->client, &trying->arena, NULL, &probe);
	say(trial, probe.is_good, probe.message);
	trial->is_checked = probe.is_checked;
	trial->http_status = probe.status;
	trial->duration_ns = genops_clock_monotonic_ns() - begun_ns;
}

static int begin(struct trying *trying, const genops_engine *engine, struct genops_error *err)
{
	GENOPS_TRY(trying->type->check(&trying->settings, err));
	GENOPS_TRY(genops_pump_memory_open(&trying->memory, engine, trying->type, &trying->settings, err));
	GENOPS_TRY(genops_pump_session_begin(trying->type, &trying->settings, err));
	trying->client = genops_http_client_new(err);
	return trying->client ? GENOPS_OK : GENOPS_NOMEM;
}

static int try_one(const genops_engine *engine, const struct genops_config *config, const struct genops_config_exporter *exporter,
    struct genops_destination_trial *ret_trial, struct genops_error *err)
{
	struct trying trying = {.type = genops_destination_type_find(exporter->type), .trial = ret_trial};
	if (!trying.type)
		return genops_fail(err, GENOPS_UNSUPPORTED, "type %.*s is not known", GENOPS_STR_ARG(exporter->type));
	genops_pump_settings_of(engine, exporter, config, &trying.settings);
	if (exporter->health_timeout_ns)
		trying.settings.timeout_ns = exporter->health_timeout_ns;
	genops_arena_init(&trying.arena, ARENA_MAX);
	genops_pump_name(exporter->name, ret_trial->name);
	snprintf(ret_trial->type, sizeof ret_trial->type, "%s", trying.type->name);
	int code = begin(&trying, engine, err);
	if (code == GENOPS_OK)
		ask(&trying);
	if (code == GENOPS_CONFIG) { /* a setting that cannot be: what is asked for */
		say(ret_trial, false, err->message);
		code = GENOPS_OK;
	}
	genops_http_client_free(trying.client);
	genops_pump_session_end(trying.type, &trying.settings);
	genops_pump_memory_close(&trying.memory);
	genops_arena_done(&trying.arena);
	return code;
}

static const struct genops_config_exporter *find(const struct genops_config *config, genops_str name)
{
	for (size_t i = 0; i < config->telemetry.n_exporters; i++) {
		if (genops_str_equal(config->telemetry.exporters[i].name, name))
			return &config->telemetry.exporters[i];
	}
	return genops_config_destination_find(config, name);
}

int genops_destination_test(genops_engine *engine, genops_str name, struct genops_destination_trial *ret_trial, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	const struct genops_config_exporter *exporter = find(config, name);
	struct genops_destination_trial trial = {0};
	int code = exporter ? try_one(engine, config, exporter, &trial, err)
			    : genops_fail_fix(err, GENOPS_NOT_FOUND, "genops destination list names them", "the configuration has no destination \"%.*s\"",
				  (int)(name.len > 100 ? 100 : name.len), name.len ? name.ptr : "");
	genops_config_unref(config);
	if (code == GENOPS_OK)
		*ret_trial = trial;
	return code;
}
