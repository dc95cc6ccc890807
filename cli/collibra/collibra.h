/* SPDX-License-Identifier: Apache-2.0
 * collibra.h - the actions of genops collibra. */
#ifndef CLI_COLLIBRA_H
#define CLI_COLLIBRA_H

#include "command.h"

#include <genops/collibra.h>
#include <genops/collibra_export.h>

struct collibra_options {
	bool as_json, is_dry_run;
	const char *community;
	int64_t timeout_s; /* flush; 0: the default */
};

/* Returns the exit code. */
typedef int collibra_action(const struct invocation *invocation, genops_engine *engine);

collibra_action collibra_status, collibra_sync, collibra_policies, collibra_flush, collibra_setup;

/* What status says of the export; JSON as one object. */
void collibra_export_json(const struct genops_collibra_export_status *status);
void collibra_export_print(const struct genops_collibra_export_status *status);

#endif
