/* SPDX-License-Identifier: Apache-2.0
 * govern/level.h - enforcement levels and modes, with every spelling the guides use (contract
 * COL-150..153). */
#ifndef GOVERN_LEVEL_H
#define GOVERN_LEVEL_H

#include <genops/decision.h>

enum genops_level { GENOPS_LEVEL_ALLOW, GENOPS_LEVEL_WARN, GENOPS_LEVEL_RATE_LIMIT, GENOPS_LEVEL_BLOCK };
enum genops_mode { GENOPS_MODE_ENFORCED, GENOPS_MODE_ADVISORY, GENOPS_MODE_AUDIT_ONLY };
enum genops_on_error { GENOPS_ON_ERROR_CLOSED, GENOPS_ON_ERROR_OPEN };

bool genops_level_parse(genops_str text, enum genops_level *ret_level);
bool genops_mode_parse(genops_str text, enum genops_mode *ret_mode); /* enforced, strict, advisory, audit_only */
const char *genops_level_name(enum genops_level level);              /* "block", ... */
const char *genops_level_spelling(size_t i, enum genops_level *ret_level); /* the i-th that is read; NULL behind the last */
const char *genops_mode_name(enum genops_mode mode);

/* What a violation at this level becomes under this mode. A violated rate limit at level RATE_LIMIT
 * is RATE_LIMITED; other types at that level are delayed then, as policy/policy.h says. */
enum genops_result genops_level_result(enum genops_level level, enum genops_mode mode);
/* What is done about a result, for genops.policy.action: "log", "alert", "throttle", "block". */
static inline genops_str genops_level_action(enum genops_result result)
{
	static const genops_str actions[] = {{"log", 3}, {"alert", 5}, {"throttle", 8}, {"block", 5}};
	return actions[result];
}

#endif
