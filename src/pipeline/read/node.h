/* SPDX-License-Identifier: Apache-2.0
 * pipeline/read/node.h - what the readers of documents have in common beside codec/yaml_rows.h: expressions and literal values in YAML.
 *
 * Scalars that JavaScript or a template will read are taken as they stand: nothing in them is expanded here.
 */
#ifndef PIPELINE_READ_NODE_H
#define PIPELINE_READ_NODE_H

#include "codec/yaml_rows.h"
#include "pipeline/pipeline.h"

/* What reading of one document needs; lives as long as the reading does. */
struct genops_node_reader {
	const struct genops_pipeline_reading *reading;
	struct genops_arena *arena;
	struct genops_error own_error; /* if the caller wants none */
	struct genops_yaml_variables variables;
	struct genops_yaml_rows rows;  /* hand &rows to genops_yaml_rows_... */
};

void genops_node_reader_init(struct genops_node_reader *reader, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_error *err);

struct genops_place genops_node_place(const struct genops_pipeline_reading *reading, const struct genops_yaml_node *node);

/* A scalar's text as it stands, in the arena. */
GENOPS_NODISCARD int genops_node_raw(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, genops_str *ret);

/* A scalar as an expression. `key`: of the mapping it stands in, or NULL: tells where a block's text begins. */
GENOPS_NODISCARD int genops_node_expression(const struct genops_node_reader *reader, const struct genops_yaml_node *key,
    const struct genops_yaml_node *node, const char *what, struct genops_expression **ret, genops_str *ret_source);

/* Says where in the file the place is that *err, an error of a text that a scalar holds, names by line and column. Returns CONFIG (NOMEM). */
int genops_node_fail_in(const struct genops_node_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    const char *what, const struct genops_error *inner);

/* A scalar's value as YAML means it: number, boolean, null, else text (copied). Lists and mappings are no value. */
GENOPS_NODISCARD int genops_node_value(
    const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, struct genops_value *ret);
/* true or false; NULL: false. CONFIG otherwise. */
GENOPS_NODISCARD int genops_node_boolean(
    const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, bool *ret);
/* A finite number; CONFIG otherwise. */
GENOPS_NODISCARD int genops_node_number(
    const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, double *ret);

#endif
