/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_mark.c - see item_mark.h. */
#include "pipeline/collector/item/item_mark.h"

#include "base/str.h"
#include "telemetry/conventions.h"

static genops_str name_of(enum genops_convention row)
{
	return genops_conventions[row].name;
}

bool genops_item_mark_is_news(const struct genops_item_map *map, enum genops_result result)
{
	const struct genops_item_entry *entry = genops_item_map_find(map, name_of(GENOPS_CONVENTION_POLICY_RESULT));
	if (!entry || entry->value.type != GENOPS_OTLP_STRING)
		return true;
	for (int stricter = (int)result; stricter <= GENOPS_BLOCKED; stricter++) {
		if (genops_str_is_nocase(entry->value.bytes, genops_result_name((enum genops_result)stricter)))
			return false;
	}
	return true;
}

int genops_item_mark_set(struct genops_item_map *map, const struct genops_item_mark *mark, struct genops_error *err)
{
	const struct {
		enum genops_convention row;
		genops_str text;
	} texts[] = {{GENOPS_CONVENTION_POLICY_NAME, mark->policy},
	    {GENOPS_CONVENTION_POLICY_RESULT, genops_str_of(genops_result_name(mark->result))},
	    {GENOPS_CONVENTION_POLICY_REASON, mark->reason},
	    {GENOPS_CONVENTION_POLICY_REASON_CODE, genops_str_of(genops_reason_name(mark->code))},
	    {GENOPS_CONVENTION_POLICY_ACTION, mark->action}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const struct genops_otlp_value value = {.type = GENOPS_OTLP_STRING, .bytes = texts[i].text};
		GENOPS_TRY(genops_item_map_set(map, name_of(texts[i].row), value, err));
	}
	return GENOPS_OK;
}
