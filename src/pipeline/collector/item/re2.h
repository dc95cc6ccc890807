/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/re2.h - the Collector's patterns: RE2 as Go has it, matched by pipeline/regex.h with its bounds.
 *
 * What Go writes in its own way ((?P<name>, flags at the beginning, \A, \z, [[:alpha:]], \Q...\E) is rewritten; what the matcher does not have
 * is refused, never read as something else. Matching is not anchored, as Go's MatchString.
 */
#ifndef PIPELINE_COLLECTOR_ITEM_RE2_H
#define PIPELINE_COLLECTOR_ITEM_RE2_H

#include "pipeline/regex.h"

/* SYNTAX (what is wrong, in words), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_re2_compile(genops_str pattern, struct genops_regex **ret_regex, struct genops_error *err);
/* For who only asks whether it is found: `.*` at the beginning or end of an alternative changes nothing then, and is left out, as it would
 * make the search of a long text quadratic. */
GENOPS_NODISCARD int genops_re2_compile_search(genops_str pattern, struct genops_regex **ret_regex, struct genops_error *err);

#endif
