/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/condition/condition.h - conditions of the Collector's filter processor: the part of OTTL that compares.
 *
 *   attributes["genops.team"] == "ml-platform" and not (status.code == STATUS_CODE_ERROR or IsMatch(name, "^health"))
 *
 * pkg/ottl/LANGUAGE.md, comparison rules included: values of different types are unequal, numbers are compared as numbers, nil is what is
 * not there. Compiled once into a tree; evaluating takes no memory but for values that must be made (in the run's arena). What OTTL has and
 * this has not (arithmetic, other functions) is refused by name when the configuration is read.
 */
#ifndef PIPELINE_COLLECTOR_CONDITION_H
#define PIPELINE_COLLECTOR_CONDITION_H

#include "pipeline/collector/item/item_match.h"

#define GENOPS_CONDITION_DEPTH_MAX 256
#define GENOPS_CONDITION_KEYS_MAX  8
#define GENOPS_CONDITION_LEN_MAX   ((size_t)16384)

/* What a condition is about. From the whole to its parts, so that of two the later is the one that is gone over. */
enum genops_condition_context {
	GENOPS_CONDITION_RESOURCE,
	GENOPS_CONDITION_SCOPE,
	GENOPS_CONDITION_SPAN,
	GENOPS_CONDITION_METRIC,
	GENOPS_CONDITION_LOG,
	GENOPS_CONDITION_SPANEVENT,
	GENOPS_CONDITION_DATAPOINT,
	GENOPS_CONDITION_INFERRED, /* by the paths, which all name theirs */
};
const char *genops_condition_context_name(enum genops_condition_context context);

struct genops_condition_node;
struct genops_condition {
	genops_str source;
	enum genops_condition_context context; /* never INFERRED */
	const struct genops_condition_node *root;
	struct genops_condition_node *patterns; /* private: nodes that own a pattern */
};

/* SYNTAX (column: characters into the text), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_condition_compile(genops_str text, enum genops_signal signal, enum genops_condition_context context,
    struct genops_arena *arena, struct genops_condition *ret_condition, struct genops_error *err);
void genops_condition_done(struct genops_condition *condition);

/* 1, 0, or UNSUPPORTED with the reason (error_mode decides), NOMEM. item->part: the span event or data point in such a context. */
GENOPS_NODISCARD int genops_condition_holds(const struct genops_condition *condition, struct genops_processor_run *run,
    const struct genops_item *item, struct genops_error *err);

/* --- the inside --- */

enum genops_condition_kind {
	GENOPS_CONDITION_OR, GENOPS_CONDITION_AND, GENOPS_CONDITION_NOT,
	GENOPS_CONDITION_COMPARE, /* left operator right */
	GENOPS_CONDITION_CALL,    /* a function: of left, and of right */
	GENOPS_CONDITION_VALUE,   /* a constant */
	GENOPS_CONDITION_PATH,
};

enum genops_condition_operator {
	GENOPS_CONDITION_EQ, GENOPS_CONDITION_NE, GENOPS_CONDITION_LT, GENOPS_CONDITION_LE, GENOPS_CONDITION_GE, GENOPS_CONDITION_GT,
};

/* How a path's value is read out of its message. */
enum genops_condition_read {
	GENOPS_CONDITION_TEXT, GENOPS_CONDITION_NUMBER, GENOPS_CONDITION_BOOLEAN, GENOPS_CONDITION_REAL, GENOPS_CONDITION_ID, GENOPS_CONDITION_HEX,
	GENOPS_CONDITION_ANY,          /* an AnyValue */
	GENOPS_CONDITION_ATTRIBUTES,
	GENOPS_CONDITION_KIND_TEXT,     /* Client */
	GENOPS_CONDITION_KIND_OLD_TEXT, /* SPAN_KIND_CLIENT */
	GENOPS_CONDITION_STATUS_TEXT, GENOPS_CONDITION_STATUS_CODE,
	GENOPS_CONDITION_SCHEMA_URL,
	GENOPS_CONDITION_DATA_TYPE, GENOPS_CONDITION_TEMPORALITY, GENOPS_CONDITION_MONOTONIC,
	GENOPS_CONDITION_POINT,        /* a number of a data point, whose place depends on the data: struct genops_condition_path.point */
	GENOPS_CONDITION_BODY_TEXT,
};

struct genops_condition_path {
	enum genops_condition_context context;
	const char *name;
	enum genops_condition_read read;
	uint32_t number;   /* of the field */
	uint8_t point[5];  /* its number in a data point of gauge or sum, histogram, exponential histogram, summary; 0: it has none */
	enum genops_wire_type wire;
};
/* NULL-ended by name. */
extern const struct genops_condition_path genops_condition_paths[];

struct genops_condition_key {
	bool is_index;
	genops_str text;
	int64_t index;
};

enum genops_condition_function {
	GENOPS_CONDITION_IS_MATCH, GENOPS_CONDITION_HAS_PREFIX, GENOPS_CONDITION_HAS_SUFFIX,
	GENOPS_CONDITION_IS_STRING, GENOPS_CONDITION_IS_BOOL, GENOPS_CONDITION_IS_INT, GENOPS_CONDITION_IS_DOUBLE, GENOPS_CONDITION_IS_MAP,
	GENOPS_CONDITION_IS_LIST, GENOPS_CONDITION_IS_ROOT_SPAN, GENOPS_CONDITION_HAS_ATTR_KEY, GENOPS_CONDITION_HAS_ATTR,
};

struct genops_condition_node {
	enum genops_condition_kind kind;
	enum genops_condition_operator op;
	enum genops_condition_function function;
	const struct genops_condition_node *left, *right;
	struct genops_otlp_value value;          /* VALUE */
	const struct genops_condition_path *path;
	size_t n_keys;
	struct genops_condition_key *keys;
	struct genops_item_pattern pattern;      /* of IsMatch */
	struct genops_condition_node *next_pattern;
};

/* The constant of an enum's name: SPAN_KIND_CLIENT. False: there is none. */
bool genops_condition_enum(genops_str name, int64_t *ret_value);
/* The value of a PATH or VALUE; what is not there has type NONE. OK, UNSUPPORTED, NOMEM. */
GENOPS_NODISCARD int genops_condition_value(const struct genops_condition_node *node, struct genops_processor_run *run,
    const struct genops_item *item, struct genops_otlp_value *ret_value, struct genops_error *err);

#endif
