/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_prepare.c - see pump_prepare.h. */
#include "engine/pump/pump_prepare.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

static void set_verdict(struct genops_send_verdict *verdict, const char *reason)
{
	verdict->kind = GENOPS_RETRY;
	snprintf(verdict->reason, sizeof verdict->reason, "%.255s", reason);
}

bool genops_pump_prepare(const struct genops_destination_type *type, const struct genops_destination_settings *settings,
    struct genops_http_client *client, struct genops_arena *arena, const int *cancel, struct genops_send_verdict *ret_verdict)
{
	for (int i = 0; type->prepare && i < GENOPS_DESTINATION_PREPARES_MAX; i++) {
		struct genops_request request = {0};
		struct genops_response response = {.grpc_status = -1};
		struct genops_error err = {0};
		ret_verdict->retry_after_ns = 0;
		genops_arena_reset(arena);
		int code = type->prepare(settings, genops_clock_unix_ns(), arena, &request, &err);
		if (code == 0)
			return true;
		if (code > 0)
			code = genops_http_send(client, settings, &request, cancel, &response, &err);
		if (code == GENOPS_OK)
			type->prepared(settings, &response, ret_verdict);
		else
			set_verdict(ret_verdict, err.message);
		genops_buffer_done(&request.body);
		if (ret_verdict->kind != GENOPS_SENT) {
			ret_verdict->kind = GENOPS_RETRY; /* what waits is good, whatever is wrong with this */
			return false;
		}
	}
	if (type->prepare)
		set_verdict(ret_verdict, "preparing a request does not come to an end");
	return !type->prepare;
}

int genops_pump_session_begin(
    const struct genops_destination_type *type, struct genops_destination_settings *settings, struct genops_error *err)
{
	if (type->session_size && !(settings->session = calloc(1, type->session_size)))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a destination");
	return GENOPS_OK;
}

void genops_pump_session_end(const struct genops_destination_type *type, struct genops_destination_settings *settings)
{
	if (type && settings->session)
		explicit_bzero(settings->session, type->session_size);
	free(settings->session);
	settings->session = NULL;
}
