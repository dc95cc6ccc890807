/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_mark.h - genops.policy.* on a span or log record: what a processor found. */
#ifndef PIPELINE_COLLECTOR_ITEM_ITEM_MARK_H
#define PIPELINE_COLLECTOR_ITEM_ITEM_MARK_H

#include "pipeline/collector/item/item_map.h"

#include <genops/decision.h>

struct genops_item_mark {
	genops_str policy, reason, action;
	enum genops_result result;
	enum genops_reason code;
};

/* Is the result that stands on it weaker, or none? A stricter or equal one stays. Every spelling is read. */
bool genops_item_mark_is_news(const struct genops_item_map *map, enum genops_result result);
/* Sets all of genops.policy.name, result, reason, reason_code, action. NOMEM. */
GENOPS_NODISCARD int genops_item_mark_set(struct genops_item_map *map, const struct genops_item_mark *mark, struct genops_error *err);

#endif
