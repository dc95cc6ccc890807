/* SPDX-License-Identifier: Apache-2.0
 * genops/collibra.h - policies that people write in Collibra, and what GenOps tells it.
 *
 * Where Collibra is comes from the configuration's section `collibra` and from COLLIBRA_* variables, which are stronger
 * (docs/reference/configuration.md). Policies are imported in the background by the process that drains the state directory, if
 * enable_policy_sync is on, and by whoever calls genops_collibra_sync; either way they govern every process that is attached
 * within about a second, and go on governing when Collibra is away: the last good set is kept in the state directory.
 *
 * The functions below that talk to Collibra block, for as long as its time-outs and retries let them: they are not for the path of
 * a call. Any thread, any number at once; two syncs of one state directory wait for one another.
 */
#ifndef GENOPS_COLLIBRA_H
#define GENOPS_COLLIBRA_H

#include <genops/config.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GENOPS_COLLIBRA_ERROR_MAX  512 /* bytes of one text, NUL included */
#define GENOPS_COLLIBRA_ERRORS_MAX 20  /* texts that are kept */

/* What one sync did. A policy is in force unless its status in Collibra is Obsolete, Deprecated or Rejected. */
struct genops_collibra_sync {
	int64_t n_imported; /* in force now, not before */
	int64_t n_updated;  /* in force before and now, and changed */
	int64_t n_removed;  /* in force before, and now deleted or off */
	int64_t n_failed;   /* cannot be used; of those that were in force, the last good version stays so */
	size_t n_errors;    /* texts below; when there are more failures the rest is only counted */
	char errors[GENOPS_COLLIBRA_ERRORS_MAX][GENOPS_COLLIBRA_ERROR_MAX];
};

/* Imports the policies now. Errors leave everything in force as it was: CONFIG (no Collibra configured, several domains to choose from),
 * DENIED (credentials, rights), NOT_FOUND (domain, types), BUSY (rate limit, or another process syncs), TIMEOUT, REMOTE, IO, FULL, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_sync(
    genops_engine *engine, struct genops_collibra_sync *ret_sync, struct genops_error *err);

/* Of all syncs on this state directory, by whatever process. Sums since the state directory was made; times are 0 where there was none. */
struct genops_collibra_sync_stats {
	int64_t policies_imported, policies_updated, policies_removed, policies_failed;
	int64_t n_syncs, n_failed_syncs;
	int64_t last_sync_unix_ns;    /* that succeeded */
	int64_t last_attempt_unix_ns;
	int64_t policies_changed_unix_ns; /* when the set that governs last changed */
	size_t n_policies, n_off;     /* in force; known and off */
	char last_error[GENOPS_COLLIBRA_ERROR_MAX]; /* of the last attempt, if it failed; "" : it did not */
	char last_fix[256];
	size_t n_errors;              /* of the last sync that succeeded */
	char errors[GENOPS_COLLIBRA_ERRORS_MAX][GENOPS_COLLIBRA_ERROR_MAX];
};

GENOPS_API GENOPS_NODISCARD int genops_collibra_sync_stats(
    genops_engine *engine, struct genops_collibra_sync_stats *ret_stats, struct genops_error *err);

/* One policy asset as the last complete listing found it. Views are borrowed for the call. */
struct genops_collibra_policy_row {
	genops_str id, name, status;   /* of the asset */
	genops_str asset_type;         /* "AI Cost Limit" */
	genops_str type;               /* "cost_limit" */
	genops_str attributes;         /* JSON object: attribute -> list of texts */
	bool is_in_force;              /* false: its status says that it is off */
};

/* Returns GENOPS_OK to go on; anything else ends the walk and is what the walk returns. */
typedef int genops_collibra_policy_fn(void *arg, const struct genops_collibra_policy_row *row);

/* The policies that are kept from Collibra, without asking it. Errors: CORRUPT, IO, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_policies(
    genops_engine *engine, genops_collibra_policy_fn *on_policy, void *arg, struct genops_error *err);

/* One step of a set-up. Texts are borrowed for the call. */
struct genops_collibra_step {
	const char *action;  /* "keep", "create", "assign" */
	const char *kind;    /* "domain", "community", "attribute type", "asset type" */
	const char *name, *detail;
	bool is_done;        /* false in a dry run, and for what is kept or left to people */
	bool is_manual;      /* kept as it is, or to be done by people: detail says what */
};

/* Returns GENOPS_OK to go on; anything else ends the set-up and is what it returns. */
typedef int genops_collibra_step_fn(void *arg, const struct genops_collibra_step *step);

/* Makes what GenOps needs in Collibra and is not there: a domain, attribute types, asset types, and which belongs to which. What is
 * there is left alone, so it can be repeated. `community` names where a domain is made, if one has to be; NULL: the only one, or a new one.
 * With is_dry_run nothing is made. Errors as genops_collibra_sync; DENIED names the right that is missing. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_set_up(genops_engine *engine, const char *community, bool is_dry_run,
    genops_collibra_step_fn *on_step, void *arg, struct genops_error *err);

/* Adds to a checklist of genops_config_check what the configured Collibra says: connection, credentials, domain, types, policies, each
 * failure with its fix. Makes calls, changes nothing. Without a Collibra in the configuration, or with one that does not load, nothing is
 * added. Errors: NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_check(
    const struct genops_engine_options *options, struct genops_checklist *checklist, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
