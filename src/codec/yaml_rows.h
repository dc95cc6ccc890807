/* SPDX-License-Identifier: Apache-2.0
 * codec/yaml_rows.h - settings out of YAML by option rows (base/option.h): one way for every section, processor and destination.
 *
 * Defaults first, then what the mapping says, ${} expanded. Unknown keys name the nearest valid one; a key said twice by an alias and a
 * missing required one are errors. Every error is CONFIG with file, line, column and a remedy, or LIMIT or NOMEM. CUSTOM rows are left to
 * the caller. No state: any thread.
 */
#ifndef CODEC_YAML_ROWS_H
#define CODEC_YAML_ROWS_H

#include "base/option.h"
#include "codec/yaml.h"

#define GENOPS_YAML_VALUE_MAX ((size_t)1 << 20) /* one value after ${} */

/* What reading needs. */
struct genops_yaml_rows {
	const char *file;                              /* name for messages */
	struct genops_arena *arena;                    /* what is read lives there */
	const struct genops_yaml_variables *variables; /* where ${} comes from */
	struct genops_error *err;                      /* never NULL */
	/* Something legal that the user should know; NULL: nobody wants to. NOMEM. */
	int (*warn)(void *arg, const struct genops_yaml_node *node, const char *fix, const char *message);
	void *warn_arg;
};

/* One set of rows and the struct that they fill. */
struct genops_yaml_part {
	const struct genops_option *rows;
	void *object;
};

/* `what` names the section in messages. A null or absent node: only the defaults. */
GENOPS_NODISCARD int genops_yaml_rows_section(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, const struct genops_option *rows, void *object);
/* The same for a mapping whose keys are spread over several sets of rows; the first one that knows a key takes it. */
GENOPS_NODISCARD int genops_yaml_rows_parts(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, const struct genops_yaml_part *parts, size_t n_parts);
/* The value that a row's name or alias has; NULL: none, or null. */
const struct genops_yaml_node *genops_yaml_rows_get(
    const struct genops_yaml_node *node, const struct genops_option *rows, const char *name);

/* A scalar, expanded, in the arena. */
GENOPS_NODISCARD int genops_yaml_rows_text(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, genops_str *ret_text);
/* A list of scalars (one scalar is a list of one), expanded, not cut at commas. */
GENOPS_NODISCARD int genops_yaml_rows_texts(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, struct genops_texts *ret_texts);
/* Only looks whether all ${} in it expand. */
GENOPS_NODISCARD int genops_yaml_rows_check_variables(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node);
/* "mapping expected" and the like. */
GENOPS_NODISCARD int genops_yaml_rows_expect(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, enum genops_yaml_kind kind);

/* CONFIG at the node's place. `fix` may be NULL. */
int genops_yaml_rows_fail(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...) GENOPS_PRINTF(4, 5);
/* Something legal that the user should know. NOMEM. */
GENOPS_NODISCARD int genops_yaml_rows_warn(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...) GENOPS_PRINTF(4, 5);
/* Gives an error that has none yet the node's place. Returns code. */
int genops_yaml_rows_place(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, int code);

#endif
