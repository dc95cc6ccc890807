/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_attributes.h - the attributes processor's settings, between what reads and what applies them. */
#ifndef PIPELINE_COLLECTOR_PROCESSOR_ATTRIBUTES_H
#define PIPELINE_COLLECTOR_PROCESSOR_ATTRIBUTES_H

#include "pipeline/collector/item/item_match.h"
#include "pipeline/collector/processor.h"

#define GENOPS_ATTRIBUTES_ACTIONS_MAX 1000

enum genops_attributes_verb {
	GENOPS_ATTRIBUTES_INSERT,
	GENOPS_ATTRIBUTES_UPDATE,
	GENOPS_ATTRIBUTES_UPSERT,
	GENOPS_ATTRIBUTES_DELETE,
	GENOPS_ATTRIBUTES_HASH,
	GENOPS_ATTRIBUTES_EXTRACT,
	GENOPS_ATTRIBUTES_CONVERT,
};

enum genops_attributes_target { GENOPS_ATTRIBUTES_NOTHING, GENOPS_ATTRIBUTES_TO_INT, GENOPS_ATTRIBUTES_TO_DOUBLE, GENOPS_ATTRIBUTES_TO_STRING };

struct genops_attributes_action {
	enum genops_attributes_verb verb;
	genops_str key;
	bool has_value, has_default, from_tenant;
	struct genops_otlp_value value, default_value;
	genops_str from_attribute;       /* "" : none */
	struct genops_item_pattern pattern; /* of keys; extract: of the value */
	size_t n_names;
	genops_str *names;               /* extract: of the pattern's groups, from the first on */
	enum genops_attributes_target target;
};

struct genops_attributes_settings {
	struct genops_item_match include, exclude;
	size_t n_actions;
	struct genops_attributes_action *actions;
};

extern const struct genops_option genops_processor_attributes_rows[];
extern const struct genops_processor_part genops_processor_attributes_parts[];

/* struct genops_processor_type.compile */
int genops_processor_attributes_read(
    struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in);

#endif
