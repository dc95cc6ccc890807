/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/setup/collibra_setup.h - what GenOps needs in an instance, made step by step: domain, attribute types, asset types, and
 * which attributes and domains an asset type may have.
 *
 * What is there is left as it is; so a set-up that broke off is made again. A dry run looks and makes nothing. */
#ifndef CONNECT_COLLIBRA_SETUP_COLLIBRA_SETUP_H
#define CONNECT_COLLIBRA_SETUP_COLLIBRA_SETUP_H

#include "connect/collibra/domain.h"

#include <genops/collibra.h>

struct genops_collibra_setup {
	struct genops_collibra_client *client;
	genops_str domain_id, domain_name, community, prefix; /* "" : not configured */
	bool is_dry_run;
	genops_collibra_step_fn *on_step;
	void *arg;
	/* Found or made on the way. */
	bool has_domain;
	struct genops_collibra_domain domain;
	struct genops_collibra_types types;
	uint32_t made;                                        /* bits of asset types that this run made, or would make */
	bool is_kind_typed;                                   /* characteristics want StringAttributeType, not AttributeType */
};

/* All of it. Errors: DENIED (the message names the right), those of calls, and what on_step returned. */
GENOPS_NODISCARD int genops_collibra_setup_run(struct genops_collibra_setup *setup, struct genops_error *err);

/* The parts, each in a file of its own. */
GENOPS_NODISCARD int genops_collibra_setup_domain(struct genops_collibra_setup *setup, struct genops_error *err);
GENOPS_NODISCARD int genops_collibra_setup_types(struct genops_collibra_setup *setup, struct genops_error *err);
GENOPS_NODISCARD int genops_collibra_setup_assignments(struct genops_collibra_setup *setup, struct genops_error *err);

/* Tells a step; is_manual: people have to do it. */
GENOPS_NODISCARD int genops_collibra_setup_tell(struct genops_collibra_setup *setup, const char *action, const char *kind, const char *name,
    bool is_manual, const char *format, ...) GENOPS_PRINTF(6, 7);
/* A write that is refused for lack of a right says which one is needed. */
GENOPS_NODISCARD int genops_collibra_setup_call(struct genops_collibra_setup *setup, const char *method, genops_str path,
    const struct genops_buffer *body, const char *what, struct genops_collibra_answer *ret_answer, struct genops_error *err);

#endif
