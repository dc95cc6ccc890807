/* SPDX-License-Identifier: Apache-2.0
 * pipeline/read/pipeline_read.h - what the readers of a pipeline's parts share. */
#ifndef PIPELINE_READ_PIPELINE_READ_H
#define PIPELINE_READ_PIPELINE_READ_H

#include "pipeline/read/node.h"

/* For the reference page, too. */
extern const struct genops_option genops_pipeline_rows[], genops_pipeline_filter_rows[], genops_function_rows[], genops_route_rows[],
    genops_route_setting_rows[];

/* The key's value, NULL if it has none; *ret_key is then the key. */
const struct genops_yaml_node *genops_pipeline_read_key(const struct genops_yaml_node *node, const char *name, const struct genops_yaml_node **ret_key);
/* An optional text for people, as it stands. */
GENOPS_NODISCARD int genops_pipeline_read_description(const struct genops_node_reader *reader, const struct genops_yaml_node *node, genops_str *ret);
/* An optional expression. */
GENOPS_NODISCARD int genops_pipeline_read_expression(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *name,
    struct genops_expression **ret, genops_str *ret_source);

/* One route. What it has made when it fails is freed with the pipeline. */
GENOPS_NODISCARD int genops_route_read(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_route *route);

#endif
