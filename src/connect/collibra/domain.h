/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/domain.h - the domain that GenOps works in, found without guessing.
 *
 * By its id; else by its name; else the one that is called "AI Governance"; else the only one that the account sees. Several:
 * an error that lists them, because "the first" could be anybody's glossary. */
#ifndef CONNECT_COLLIBRA_DOMAIN_H
#define CONNECT_COLLIBRA_DOMAIN_H

#include "connect/collibra/collibra_types.h"

#define GENOPS_COLLIBRA_DOMAIN_NAME "AI Governance"

struct genops_collibra_domain {
	char id[GENOPS_COLLIBRA_ID_SIZE];
	char name[GENOPS_COLLIBRA_NAME_SIZE];
	char community[GENOPS_COLLIBRA_NAME_SIZE];
	char type_id[GENOPS_COLLIBRA_ID_SIZE]; /* of its domain type */
	char type_name[GENOPS_COLLIBRA_NAME_SIZE];
};

/* `id` and `name` as configured, "" : not. Errors: NOT_FOUND (none; the fix says what to do), CONFIG (several), and those of calls. */
GENOPS_NODISCARD int genops_collibra_domain_find(struct genops_collibra_client *client, genops_str id, genops_str name,
    struct genops_collibra_domain *ret_domain, struct genops_error *err);

#endif
