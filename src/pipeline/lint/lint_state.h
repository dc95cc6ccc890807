/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint_state.h - one pipeline while it is looked at: its functions in order, and what each field is known to be at that point.
 * Private to lint/: lint.c walks, each lint_*.c knows one kind of trap. */
#ifndef PIPELINE_LINT_STATE_H
#define PIPELINE_LINT_STATE_H

#include "pipeline/function.h"
#include "pipeline/lint/lint.h"
#include "pipeline/lint/possible.h"

struct genops_lint_field {
	genops_str name;
	struct genops_possible possible;
	const struct genops_tree *tree; /* what it was set to last; NULL: not by an expression */
	struct genops_place place;
	bool is_sure;                   /* it is that; not only under some condition */
};

struct genops_lint_rule {               /* of a sampling */
	const struct genops_tree *condition; /* NULL: the rest, or it could not be read */
	bool is_rest;
	double rate;
	genops_str source;
	struct genops_place place;
};

struct genops_lint_mask {
	genops_str field;
	struct genops_place place;
};

struct genops_lint {
	const struct genops_pipeline *pipeline;
	genops_lint_fn *fn;
	void *arg;
	struct genops_arena arena;
	unsigned steps_left;              /* of looking things up and comparing conditions; at 0 nothing more is found: a load ends in time */
	size_t n_fields, n_rules, n_masks;
	struct genops_lint_field *fields; /* room for all that the pipeline sets */
	struct genops_lint_rule *rules;   /* of the sampling at hand */
	struct genops_lint_mask *masks;   /* of all masks so far */
	genops_str *names;                /* of all fields that are ever set, for "did you mean" */
	size_t n_names;
	uint64_t told[64];                /* hashes of names that were told: once each; when it is full, again */
	size_t n_told;
	bool is_dropping_rest;            /* a sampling before has rate 0 */
	struct genops_place dropping_place;
	const struct genops_tree **guards; /* the pipeline's filters */
};

/* For "%.*s" of texts that somebody else chose the length of. */
#define GENOPS_LINT_ARG(s) (int)((s).len > 80 ? 80 : (s).len), (s).ptr ? (s).ptr : ""

/* A finding. */
void genops_lint_say(struct genops_lint *lint, const struct genops_place *place, const char *fix, const char *format, ...) GENOPS_PRINTF(4, 5);
/* The field as it is now; NULL: nothing has set it. */
const struct genops_lint_field *genops_lint_find(struct genops_lint *lint, genops_str name);
/* Of a tree now. */
struct genops_possible genops_lint_possible(struct genops_lint *lint, const struct genops_tree *tree);
/* cost_total, attributes['x'], 'text', 1.5: short things as they are written; "this" for others. Into out. */
const char *genops_lint_text(const struct genops_tree *tree, char *out, size_t size);
/* attributes['K'], or attributes['K'] || something: K, or "". */
genops_str genops_lint_source_attribute(const struct genops_tree *tree);

/* --- one file a kind of trap; each is asked at the point of the pipeline where it matters --- */

void genops_lint_compare(struct genops_lint *lint, const struct genops_tree *tree, const struct genops_place *place);
void genops_lint_names(struct genops_lint *lint, const struct genops_tree *tree, const struct genops_place *place);
void genops_lint_field_name(struct genops_lint *lint, genops_str name, const struct genops_place *place);
void genops_lint_sampling(struct genops_lint *lint);
void genops_lint_mask_rule(struct genops_lint *lint, const struct genops_function_fact *fact);
void genops_lint_masks(struct genops_lint *lint); /* at the end of the functions */
void genops_lint_route(struct genops_lint *lint, const struct genops_route *route);

#endif
