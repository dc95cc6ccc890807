/* SPDX-License-Identifier: Apache-2.0
 * engine/destination/destination_test.c - see genops_destination_test: one request to a destination, of which nothing stays there.
 *
 * The type's own probe; of OTLP a request without anything in it; of a file whether it can be opened; else whether somebody answers. What
 * a request needs before (credentials that expire) is asked for as a pump does. */
#include <genops/destination.h>

#include "base/clock.h"
#include "base/str.h"
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

/* A request that leaves nothing. False: there is none for this type. */
static bool make_request(struct trying *trying, struct genops_request *request, struct genops_error *err)
{
	const struct genops_destination_batch nothing = {.now_unix_ns = genops_clock_unix_ns()};
	genops_str endpoint = trying->settings.endpoint;
	trying->trial->is_checked = trying->type->probe || trying->type->takes & GENOPS_TAKES_RECORDS;
	*err = (struct genops_error){0};
	if (trying->type->probe) {
		err->code = trying->type->probe(&trying->settings, &trying->arena, request, err);
		return true;
	}
	if (trying->type->takes & GENOPS_TAKES_RECORDS) {
		err->code = trying->type->encode(&trying->settings, &nothing, &trying->arena, request, err);
		if (request->transport == GENOPS_TRANSPORT_FILE)
			genops_buffer_clear(&request->body);
		return true;
	}
	*request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = "GET", .url = endpoint};
	genops_buffer_init(&request->body, 1);
	return genops_str_starts(endpoint, GENOPS_STR("http://")) || genops_str_starts(endpoint, GENOPS_STR("https://"));
}

static void judge(struct trying *trying, const struct genops_response *response)
{
	struct genops_send_verdict verdict = {0};
	struct genops_destination_trial *trial = trying->trial;
	char message[320];
	trial->http_status = response->status;
	if (!trial->is_checked) {
		bool is_refused = response->status == 401 || response->status == 403 || response->status == 407;
		snprintf(message, sizeof message, "somebody answers there (HTTP %d)%s", response->status,
		    is_refused ? ", and asks for other credentials" : "; this type has no check of credentials");
		if (!response->status)
			snprintf(message, sizeof message, "no answer: %.*s; check the address, and that it can be reached from here",
			    (int)(response->network_error.len > 180 ? 180 : response->network_error.len),
			    response->network_error.len ? response->network_error.ptr : "");
		say(trial, response->status != 0, message);
		return;
	}
	(trying->type->probe && trying->type->judge_probe ? trying->type->judge_probe : trying->type->judge)(
	    &trying->settings, response, &verdict);
	if (verdict.kind == GENOPS_SENT || verdict.kind == GENOPS_SENT_PARTLY)
		say(trial, true, "reachable, and what was asked was answered well");
	else
		say(trial, false, verdict.reason[0] ? verdict.reason : "it was not taken");
}

static void ask(struct trying *trying)
{
	struct genops_request request = {0};
	struct genops_response response = {.grpc_status = -1};
	struct genops_send_verdict verdict = {0};
	struct genops_error err;
	int64_t begun_ns = genops_clock_monotonic_ns();
	if (!genops_pump_prepare(trying->type, &trying->settings, trying->client, &trying->arena, NULL, &verdict)) {
		say(trying->trial, false, verdict.reason);
		trying->trial->is_checked = true;
		return;
	}
	genops_arena_reset(&trying->arena);
	if (!make_request(trying, &request, &err)) {
		say(trying->trial, true, "the settings are good; this type has no way to be asked without sending");
	} else if (err.code != GENOPS_OK) {
		say(trying->trial, false, err.message);
	} else if (request.transport == GENOPS_TRANSPORT_NONE) {
		say(trying->trial, true, "the settings are good; nothing is sent there by itself");
	} else if (genops_http_send(trying->client, &trying->settings, &request, NULL, &response, &err) != GENOPS_OK) {
		say(trying->trial, false, err.message);
	} else {
		judge(trying, &response);
	}
	genops_buffer_done(&request.body);
	trying->trial->duration_ns = genops_clock_monotonic_ns() - begun_ns;
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
