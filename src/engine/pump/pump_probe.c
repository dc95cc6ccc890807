/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_probe.c - see pump_probe.h. */
#include "engine/pump/pump_probe.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/pump/pump_prepare.h"

#include <stdio.h>

static void say(struct genops_pump_probe *probe, bool is_good, const char *message)
{
	probe->is_good = is_good;
	snprintf(probe->message, sizeof probe->message, "%.319s", message);
}

/* Of "https://host:1/hook/secret" what is in front of the path: connecting is enough, and nothing over there is set off. "": not over HTTP. */
static genops_str origin(genops_str url)
{
	bool is_http = genops_str_starts(url, GENOPS_STR("http://")) || genops_str_starts(url, GENOPS_STR("https://"));
	size_t host = is_http ? genops_str_find(url, GENOPS_STR("://")) + 3 : 0;
	size_t end = is_http ? genops_str_find_char(genops_str_skip(url, host), '/') : 0;
	return (genops_str){url.ptr, !is_http ? 0 : end == SIZE_MAX ? url.len : host + end};
}

/* A request that leaves nothing. False: there is none for this type. */
static bool make_request(const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    struct genops_arena *arena, struct genops_pump_probe *probe, struct genops_request *request, struct genops_error *err)
{
	const struct genops_destination_batch nothing = {.now_unix_ns = genops_clock_unix_ns()};
	*err = (struct genops_error){0};
	probe->is_checked = type->probe || (!type->address && type->takes & GENOPS_TAKES_RECORDS);
	if (type->probe) {
		err->code = type->probe(settings, arena, request, err);
		return true;
	}
	if (probe->is_checked) {
		err->code = type->encode(settings, &nothing, arena, request, err);
		if (request->transport == GENOPS_TRANSPORT_FILE)
			genops_buffer_clear(&request->body);
		return true;
	}
	genops_str url = origin(type->address ? type->address(settings) : settings->endpoint);
	*request = (struct genops_request){.transport = GENOPS_TRANSPORT_HTTP, .method = "GET", .url = url};
	genops_buffer_init(&request->body, 1);
	return url.len != 0;
}

/* Of a type without a check of its own: `url` is what origin gave. */
static void judge_connection(genops_str url, const struct genops_response *response, struct genops_pump_probe *probe)
{
	genops_str why = response->network_error, host = genops_str_skip(url, genops_str_find(url, GENOPS_STR("://")) + 3);
	size_t user = genops_str_find_char(host, '@');
	char message[320];
	if (user != SIZE_MAX)
		host = genops_str_skip(host, user + 1);
	if (response->status)
		snprintf(message, sizeof message, "somebody answers there (HTTP %d); this type has no check of credentials", response->status);
	else
		snprintf(message, sizeof message, "no answer from %.*s: %.*s; check the address, and that it can be reached from here",
		    (int)(host.len > 80 ? 80 : host.len), host.len ? host.ptr : "", (int)(why.len > 140 ? 140 : why.len), why.len ? why.ptr : "");
	say(probe, response->status != 0, message);
}

static void judge(const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    const struct genops_response *response, struct genops_pump_probe *probe)
{
	struct genops_send_verdict verdict = {0};
	(type->probe && type->judge_probe ? type->judge_probe : type->judge)(settings, response, &verdict);
	if (verdict.kind == GENOPS_SENT || verdict.kind == GENOPS_SENT_PARTLY)
		say(probe, true, "reachable, and what was asked was answered well");
	else
		say(probe, false, verdict.reason[0] ? verdict.reason : "it was not taken");
}

void genops_pump_probe(const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    struct genops_http_client *client, struct genops_arena *arena, const int *cancel, struct genops_pump_probe *ret_probe)
{
	struct genops_request request = {0};
	struct genops_response response = {.grpc_status = -1};
	struct genops_send_verdict verdict = {0};
	struct genops_error err;
	*ret_probe = (struct genops_pump_probe){.grpc_status = -1};
	if (!genops_pump_prepare(type, settings, client, arena, cancel, &verdict)) {
		say(ret_probe, false, verdict.reason);
		ret_probe->is_checked = ret_probe->is_asked = true;
		return;
	}
	genops_arena_reset(arena);
	if (!make_request(type, settings, arena, ret_probe, &request, &err)) {
		say(ret_probe, true, "the settings are good; this type has no way to be asked without sending");
	} else if (err.code != GENOPS_OK) {
		say(ret_probe, false, err.message);
	} else if (request.transport == GENOPS_TRANSPORT_NONE) {
		say(ret_probe, true, "the settings are good; nothing is sent there by itself");
	} else if (genops_http_send(client, settings, &request, cancel, &response, &err) != GENOPS_OK) {
		say(ret_probe, false, err.message);
	} else {
		ret_probe->is_asked = request.transport != GENOPS_TRANSPORT_FILE;
		ret_probe->status = response.status;
		ret_probe->grpc_status = response.grpc_status;
		if (ret_probe->is_checked)
			judge(type, settings, &response, ret_probe);
		else
			judge_connection(request.url, &response, ret_probe);
	}
	genops_buffer_done(&request.body);
}
