/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/setup/collibra_setup.c - see collibra_setup.h: the order of the parts, and what they share. */
#include "connect/collibra/setup/collibra_setup.h"

#include <stdarg.h>
#include <stdio.h>

int genops_collibra_setup_tell(struct genops_collibra_setup *setup, const char *action, const char *kind, const char *name, bool is_manual,
    const char *format, ...)
{
	char detail[400];
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof detail, format, args);
	va_end(args);
	const struct genops_collibra_step step = {
	    .action = action,
	    .kind = kind,
	    .name = name,
	    .detail = detail,
	    .is_done = !setup->is_dry_run && !is_manual,
	    .is_manual = is_manual,
	};
	return setup->on_step ? setup->on_step(setup->arg, &step) : GENOPS_OK;
}

int genops_collibra_setup_call(struct genops_collibra_setup *setup, const char *method, genops_str path, const struct genops_buffer *body,
    const char *what, struct genops_collibra_answer *ret_answer, struct genops_error *err)
{
	const struct genops_collibra_call call = {
	    .method = method,
	    .path = path,
	    .body = genops_buffer_view(body),
	    .repeat = GENOPS_COLLIBRA_ONCE,
	};
	if (body->error)
		return genops_fail(err, body->error, "no memory for a request to Collibra");
	GENOPS_TRY(genops_collibra_client_call(setup->client, &call, ret_answer, err));
	if (ret_answer->outcome == GENOPS_COLLIBRA_OK)
		return GENOPS_OK;
	if (ret_answer->outcome == GENOPS_COLLIBRA_FORBIDDEN)
		snprintf(ret_answer->fix, sizeof ret_answer->fix,
		    "types need the product right System administration, a domain the right to add domains to its community: use such an account for "
		    "set-up, or have an administrator run it");
	return genops_collibra_answer_fail(ret_answer, what, err);
}

int genops_collibra_setup_run(struct genops_collibra_setup *setup, struct genops_error *err)
{
	GENOPS_TRY(genops_collibra_setup_domain(setup, err));
	GENOPS_TRY(genops_collibra_setup_types(setup, err));
	return genops_collibra_setup_assignments(setup, err);
}
