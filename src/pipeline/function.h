/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function.h - the row that each kind of processor fills: read and compile, apply, what lint may know.
 *
 * One kind is one file in function/ ending in const struct genops_function_type genops_function_type_<name>, plus one row in
 * GENOPS_FUNCTION_TYPES.
 */
#ifndef PIPELINE_FUNCTION_H
#define PIPELINE_FUNCTION_H

#include "pipeline/pipeline.h"

#define GENOPS_FUNCTION_TYPES(X)                                                                      \
	X(eval)                                                                                       \
	X(lookup)                                                                                     \
	X(sampling)                                                                                   \
	X(mask)                                                                                       \
	X(drop)

struct genops_function_type;

struct genops_function {
	const struct genops_function_type *type;
	genops_str name, description;
	struct genops_place place;
	struct genops_expression *filter;      /* Cribl's; NULL: always */
	genops_str filter_source;
	bool is_disabled;
	size_t first_count, n_counts;          /* its places among the pipeline's counts; n_counts: set by read, at least 1 */
	uint32_t n_fields;                     /* how many fields it may put; set by read */
	void *compiled;                        /* the type's own, in the pipeline's arena */
};

/* What lint reasons about: told one after another, in the document's order. */
enum genops_field_type { GENOPS_FIELD_ANY, GENOPS_FIELD_BOOLEAN, GENOPS_FIELD_NUMBER, GENOPS_FIELD_TEXT };
enum genops_function_fact_kind {
	GENOPS_FACT_SETS,      /* field, from then on: expression's value, or NULL and of `type` (lookup: text; or undefined where nothing is found) */
	GENOPS_FACT_READS,     /* field, without an expression: lookup's match_field */
	GENOPS_FACT_MASKS,     /* field (a path, with * perhaps) by regex */
	GENOPS_FACT_RULE,      /* sampling, in order: rate, for what expression says; NULL: for all the rest */
};
struct genops_function_fact {
	enum genops_function_fact_kind kind;
	genops_str field, source; /* source: of the expression, or of the pattern */
	enum genops_field_type type;
	bool is_always;           /* SETS: also where nothing was found */
	double rate;
	const struct genops_expression *expression;
	const struct genops_regex *regex;
	struct genops_place place;
};
typedef void genops_function_fact_fn(void *arg, const struct genops_function_fact *fact);

struct genops_function_type {
	const char *name, *summary;
	const struct genops_option *rows;      /* beside name, type, description, filter, disabled */
	const struct genops_option *rule_rows; /* of each of its rules, NULL: it has none; both for the reference page, too */
	const char *text;                      /* more for that page; NULL: none */
	/* Keys are checked against rows before. On failure `done` is called, too. */
	int (*read)(const struct genops_yaml_node *node, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
	    struct genops_function *function, struct genops_error *err);
	void (*done)(struct genops_function *function); /* frees what is not in the arena */
	/* *ret_is_dropped is set when the event ends here. `event` is this pipeline's own copy: fields may be put into it; objects inside of it
	 * are shared and copied before they are written to. counts[0 .. n_counts) are the function's; n_in of the first is counted already. */
	int (*apply)(const struct genops_function *function, struct genops_pipeline_run *run, struct genops_value_object *event,
	    struct genops_pipeline_count *counts, bool *ret_is_dropped, struct genops_error *err);
	/* Names what is in it: "rule 2", "cost_total"; i from 1. NULL: it has one count only. */
	void (*count_name)(const struct genops_function *function, size_t i, char *out, size_t size);
	void (*facts)(const struct genops_function *function, genops_function_fact_fn *fn, void *arg);
};

const struct genops_function_type *genops_function_type_find(genops_str name);
const struct genops_function_type *const *genops_function_types(void); /* NULL-ended */

/* --- for the types --- */

/* The expression that was evaluated into run->error failed: counts it and tells it once. */
void genops_function_failed(struct genops_pipeline_run *run, const struct genops_place *place, struct genops_pipeline_count *count);

/* Evaluates; what fails is counted at `count` and told once, and *ret_value is undefined. False: it failed. Only the first failure is told,
 * so only that one needs its words. */
static inline bool genops_function_evaluate(struct genops_pipeline_run *run, const struct genops_expression *expression,
    const struct genops_place *place, const struct genops_value_object *event, struct genops_pipeline_count *count, struct genops_value *ret_value)
{
	struct genops_value over = {.type = GENOPS_VALUE_OBJECT, .as.object = (struct genops_value_object *)(uintptr_t)event};
	struct genops_error *err = count->n_failed ? NULL : &run->error;
	if (genops_expression_evaluate(expression, over, &run->expression, ret_value, err) == GENOPS_OK)
		return true;
	*ret_value = (struct genops_value){0};
	genops_function_failed(run, place, count);
	return false;
}
/* Something else failed at that place: counts it and tells it once. */
void genops_function_fault(struct genops_pipeline_run *run, const struct genops_place *place, struct genops_pipeline_count *count, int code,
    const char *format, ...) GENOPS_PRINTF(5, 6);

#endif
