/* SPDX-License-Identifier: Apache-2.0
 * collibra.h - the actions of genops collibra. */
#ifndef CLI_COLLIBRA_H
#define CLI_COLLIBRA_H

#include "command.h"

#include <genops/collibra.h>

struct collibra_options {
	bool as_json;
};

/* Returns the exit code. */
typedef int collibra_action(const struct invocation *invocation, genops_engine *engine);

collibra_action collibra_status, collibra_sync, collibra_policies;

#endif
