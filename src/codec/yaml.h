/* SPDX-License-Identifier: Apache-2.0
 * codec/yaml.h - YAML 1.2 as a small, bounded, read-only tree that knows where everything stood.
 *
 * libfyaml does the syntax; this layer adds what outside bytes need: maxima for bytes, depth, nodes and what
 * aliases multiply, UTF-8, duplicate keys refused, and one-line errors with line and column. Scalars are
 * texts; whoever reads them knows their type. ${VAR} is not expanded while parsing, because parts of a file
 * (pipelines, templates) mean something else by it: see genops_yaml_expand.
 * A tree is immutable after parsing (but for genops_yaml_wipe) and owns everything in it.
 */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define GENOPS_YAML_BYTES_MAX   ((size_t)8 << 20)
#define GENOPS_YAML_DEPTH_MAX   32    /* collections in each other */
#define GENOPS_YAML_NODES_MAX   200000 /* in all documents, aliases counted with all they stand for */
#define GENOPS_YAML_PAIRS_MAX   4096  /* in one mapping */
#define GENOPS_YAML_ANCHORS_MAX 256

enum genops_yaml_kind {
	GENOPS_YAML_SCALAR,
	GENOPS_YAML_SEQUENCE,
	GENOPS_YAML_MAPPING,
};

struct genops_yaml_entry {
	const struct genops_yaml_entry *next;
	const struct genops_yaml_node *key; /* a scalar; NULL in a sequence */
	const struct genops_yaml_node *value;
};

struct genops_yaml_node {
	enum genops_yaml_kind kind;
	int line, column;               /* from 1 */
	bool is_plain;                  /* a scalar without quotes or block style: may stand for null */
	genops_str text;                /* of a scalar; NUL-terminated behind its length */
	size_t n;                       /* entries of a collection */
	const struct genops_yaml_entry *first;
	size_t weight;                  /* nodes in it, itself included, aliases expanded */
};

struct genops_yaml {
	struct genops_arena arena;
	size_t n_documents;
	const struct genops_yaml_node **documents; /* an empty document is a null scalar */
};

/* Parses all documents of `text`; `name` is the file for errors. Errors: SYNTAX (file, line, column), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_yaml_parse(
    const char *name, genops_str text, struct genops_yaml **ret_yaml, struct genops_error *err);
void genops_yaml_free(struct genops_yaml *yaml);

/* The value of a key; NULL: not a mapping, or no such key. */
const struct genops_yaml_node *genops_yaml_get(const struct genops_yaml_node *mapping, const char *key);
bool genops_yaml_is_null(const struct genops_yaml_node *node); /* plain and empty, ~ or null */
const char *genops_yaml_kind_text(enum genops_yaml_kind kind); /* "a list" ... for messages */

/* Overwrites the text of a scalar that held a secret. */
void genops_yaml_wipe(const struct genops_yaml_node *node);

/* Where ${VAR} comes from; get returns NULL for a variable that is not set. */
struct genops_yaml_variables {
	const char *(*get)(void *arg, const char *name);
	void *arg;
	/* What the file at this path holds, without the line's end, for ${file:PATH}. NULL: there are none. */
	int (*file)(void *arg, genops_str path, struct genops_buffer *out, struct genops_error *err);
};

/* Appends `text` to `out` with ${VAR}, ${VAR:-default} (default also when VAR is empty, as in a shell), the Collector's
 * ${env:VAR} and ${file:PATH} expanded, and $${ as a plain ${. Values are not expanded again. Errors: CONFIG naming the variable
 * (never its value), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_yaml_expand(genops_str text, const struct genops_yaml_variables *variables,
    struct genops_buffer *out, struct genops_error *err);

#endif
