/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression.h - expressions of pipelines: JavaScript's semantics for the constructs of docs/reference/expressions.md.
 *
 * Compiled once, when a configuration loads, into instructions for a small stack machine; what is outside the constructs is an error
 * then, with its place. There are no loops, so a run ends after at most as many steps as there are instructions; texts, the arena and
 * the matching of patterns are bounded. What JavaScript would throw is an error of the run, also a value: nothing else happens.
 *
 * A name is a field of the event (undefined if there is none), unless it is one of JavaScript's own (Math, parseFloat, ...); `__e` is
 * the event itself. Time and chance are the caller's: see struct genops_expression_run.
 */
#ifndef PIPELINE_EXPRESSION_H
#define PIPELINE_EXPRESSION_H

#include "pipeline/value.h"

#define GENOPS_EXPRESSION_LEN_MAX   ((size_t)16384) /* bytes of source */
#define GENOPS_EXPRESSION_DEPTH_MAX 100             /* nesting of the source */
#define GENOPS_EXPRESSION_CODE_MAX  16384           /* instructions */
#define GENOPS_EXPRESSION_STACK_MAX 128             /* values at once */

struct genops_expression; /* immutable; any thread */

/* What a run needs; one thread at a time. Fill arena, now_ms and random_state; the rest is zero and stays the run's. The arena is
 * taken from, never reset: its owner does that between events, when the values of the last are done with. */
struct genops_expression_run {
	struct genops_arena *arena;
	int64_t now_ms;           /* Date.now() */
	uint64_t random_state[2]; /* Math.random(); seed it with anything but zero */
	struct genops_regex_space *regex_space; /* made when a pattern is first matched; run_done frees it and what follows */
	struct genops_buffer scratch;           /* texts that are put together, before they go into the arena */
	struct genops_json_paths *paths;        /* of templates: is a text JSON? */
	struct genops_json_scan *scan;
};

/* Compiles the source; *ret is the caller's. Errors: SYNTAX (message, fix, line and column within the source), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_expression_compile(genops_str source, struct genops_expression **ret, struct genops_error *err);
void genops_expression_free(struct genops_expression *expression);

/* Evaluates over an event (an object, else it has no fields). The value lives in the arena, the event or the expression. Errors:
 * SYNTAX (what JavaScript would throw; with place), LIMIT (a text or the arena is over its maximum), NOMEM. */
GENOPS_NODISCARD int genops_expression_evaluate(const struct genops_expression *expression, struct genops_value event,
    struct genops_expression_run *run, struct genops_value *ret_value, struct genops_error *err);
void genops_expression_run_done(struct genops_expression_run *run);

/* The expression that stands in `source` from byte *at to a "}", behind which *at then is. Places are within the whole source. */
GENOPS_NODISCARD int genops_expression_compile_in(
    genops_str source, size_t *at, struct genops_expression **ret, struct genops_error *err);

/* A value of this expression's as String(value) has it; in the arena, or borrowed from it. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_expression_text(const struct genops_expression *expression, struct genops_value value,
    struct genops_expression_run *run, genops_str *ret_text, struct genops_error *err);

double genops_expression_random(struct genops_expression_run *run); /* what Math.random() says next */

/* Does it name that field or member anywhere? */
bool genops_expression_names(const struct genops_expression *expression, genops_str name);
/* Has the event at least one of the fields that it reads (null and undefined count as none), or does it read none? */
bool genops_expression_is_about(const struct genops_expression *expression, struct genops_value event);

/* As JavaScript's Boolean(value): what a filter asks. */
bool genops_expression_is_true(struct genops_value value);

/* The line of `source` that the error is about, and a caret under the place: two lines, cut to what a terminal shows. */
void genops_expression_caret(genops_str source, const struct genops_error *err, char *out, size_t size);

#endif
