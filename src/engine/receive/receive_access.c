/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_access.c - who may send, and for which tenant.
 *
 * A receiver's own tokens and the virtual keys of governance are both let in. What a token binds, no header changes. Tokens are compared by
 * hash and in constant time. Where nothing is configured that could be asked for, only this machine is let in (docs/telemetry-in.md).
 */
#include "engine/receive/receive.h"

#include "base/str.h"

#include <stdio.h>

/* As Mimir and Loki have it, so that what is let in here can be sent on there. */
#define TENANT_MAX   ((size_t)150)
#define TENANT_CHARS "!-_.*'()"

static genops_str bearer_of(genops_str authorization)
{
	genops_str scheme = genops_str_split(&authorization, ' ');
	return genops_str_is_nocase(scheme, "bearer") ? genops_str_trim(authorization) : (genops_str){0};
}

static bool refuse(struct genops_receiver_request *request, const char *message, struct genops_receiver_answer *ret_answer)
{
	struct genops_receive_fault fault = {401, GENOPS_GRPC_UNAUTHENTICATED, GENOPS_RECEIVE_UNAUTHENTICATED, 0};
	genops_receive_answer_fault(request, &fault, message, ret_answer);
	if (!request->is_grpc)
		genops_receive_answer_header(ret_answer, GENOPS_STR("www-authenticate"), GENOPS_STR("Bearer realm=\"genops\""));
	return false;
}

static bool is_tenant(genops_str text)
{
	bool is_only_dots = true;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_word && (!c || !strchr(TENANT_CHARS, c)))
			return false;
		is_only_dots &= c == '.';
	}
	return text.len <= TENANT_MAX && !(text.len && text.len <= 2 && is_only_dots); /* "." and "..": it may become a folder's name */
}

static bool find_tenant(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	genops_str tenant = genops_str_trim(request->tenant);
	if (request->token && request->token->tenant.len)
		tenant = request->token->tenant;
	else if (request->has_many_tenants || !is_tenant(tenant)) {
		struct genops_receive_fault fault = {400, GENOPS_GRPC_INVALID_ARGUMENT, GENOPS_RECEIVE_MALFORMED, 0};
		genops_receive_answer_fault(request, &fault,
		    "X-Scope-OrgID must be one tenant: at most 150 letters, digits and " TENANT_CHARS, ret_answer);
		return false;
	}
	snprintf(request->tenant_text, sizeof request->tenant_text, "%.*s", GENOPS_STR_ARG(tenant));
	return true;
}

bool genops_receive_access(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	const struct genops_config_access *access = &request->listener->access;
	genops_str secret = bearer_of(request->authorization);
	if (!secret.len)
		secret = genops_str_trim(request->api_key);
	request->token = genops_config_token_find(access, secret);
	if (request->token || access->mode == GENOPS_ACCESS_OPEN || (access->mode == GENOPS_ACCESS_LOCAL && request->is_local))
		return find_tenant(request, ret_answer);
	if (access->mode == GENOPS_ACCESS_LOCAL)
		return refuse(request,
		    "this receiver has no authentication configured and so takes telemetry from its own machine only: set auth.bearer_tokens "
		    "under the receiver, or auth: none to let everybody in", ret_answer);
	return refuse(request, secret.len ? "this token is not one of this receiver's" : "no token was sent: send `Authorization: Bearer ...`",
	    ret_answer);
}
