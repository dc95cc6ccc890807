/* SPDX-License-Identifier: Apache-2.0
 * genops/policy.h - the policies in force, and the kinds of policy there are.
 */
#ifndef GENOPS_POLICY_H
#define GENOPS_POLICY_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One policy in force. Views are borrowed for the call. */
struct genops_policy_row {
	genops_str name, type, level, on_error; /* level "block", "warn", ...; on_error "closed" or "open" */
	genops_str origin;                      /* "genops.yaml:12" */
	genops_str settings;                    /* JSON object */
	genops_str match;                       /* JSON object: attribute -> list of values; {}: every operation */
	bool is_enabled;
};

/* Returns GENOPS_OK to go on; anything else ends the walk and is what the walk returns. */
typedef int genops_policy_fn(void *arg, const struct genops_policy_row *row);

/* Every policy, enabled or not, in the order of the configuration. */
GENOPS_API GENOPS_NODISCARD int genops_policy_list(
    genops_engine *engine, genops_policy_fn *on_policy, void *arg, struct genops_error *err);

/* The same as JSON: {"mode", "policies": [{"name", "type", "enforcement_level", "on_error", "enabled", "origin", "match",
 * "settings"}]}. The caller frees *ret_text with free(). */
GENOPS_API GENOPS_NODISCARD int genops_policy_list_json(
    genops_engine *engine, char **ret_text, size_t *ret_len, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
