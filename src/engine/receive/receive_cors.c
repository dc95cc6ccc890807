/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_cors.c - browsers that send telemetry from other origins (`cors` of protocols.http). */
#include "engine/receive/receive.h"

#include "base/str.h"

#define VARY GENOPS_STR("vary"), GENOPS_STR("Origin")

static bool is_allowed(const struct genops_receiver_request *request)
{
	const struct genops_texts *origins = request->listener ? &request->listener->cors_origins : NULL;
	for (size_t i = 0; origins && request->origin.len && i < origins->n; i++) {
		if (genops_str_glob(origins->items[i], request->origin, true))
			return true;
	}
	return false;
}

void genops_receive_cors(const struct genops_receiver_request *request, struct genops_receiver_answer *answer)
{
	if (!request->listener || !request->listener->cors_origins.n)
		return;
	genops_receive_answer_header(answer, VARY);
	if (is_allowed(request))
		genops_receive_answer_header(answer, GENOPS_STR("access-control-allow-origin"), request->origin);
}

bool genops_receive_cors_preflight(const struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	const struct genops_config_listener *listener = request->listener;
	if (!genops_str_is(request->method, "OPTIONS") || !request->requested_method.len || !is_allowed(request))
		return false;
	*ret_answer = (struct genops_receiver_answer){.status = 204};
	genops_receive_cors(request, ret_answer);
	genops_receive_answer_header(ret_answer, GENOPS_STR("access-control-allow-methods"), GENOPS_STR("POST"));
	genops_receive_answer_header(ret_answer, GENOPS_STR("access-control-allow-headers"),
	    listener->cors_takes_any_header ? request->requested_headers : listener->cors_headers);
	if (listener->cors_max_age.len)
		genops_receive_answer_header(ret_answer, GENOPS_STR("access-control-max-age"), listener->cors_max_age);
	return true;
}
