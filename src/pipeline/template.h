/* SPDX-License-Identifier: Apache-2.0
 * pipeline/template.h - texts with ${...} in them: payloads of routes, tags, paths of objects.
 *
 * Between ${ and } stands an expression (expression.h), or the name of a variable of the environment, all capitals, which is set in at
 * once when the template is compiled; in texts also ${_time:%Y/%m} (of the event's _time, else now, in UTC) and ${_random:6}. $${x} is a
 * dollar and a value. A backslash is a backslash.
 *
 * A JSON template gives well-formed JSON whatever the fields hold: inside of quotes a value is text, escaped; outside it is JSON, where a
 * text that is JSON itself (a number in a text, what JSON.stringify made) goes in as it is, any other in quotes, and undefined, NaN and
 * infinities are null. Its shape is checked when it is compiled. What JavaScript would throw makes that place empty (null outside of
 * quotes); the render says how often, and why the first time.
 */
#ifndef PIPELINE_TEMPLATE_H
#define PIPELINE_TEMPLATE_H

#include "pipeline/expression.h"

#define GENOPS_TEMPLATE_PLACES_MAX 128 /* ${...} in one template */

enum genops_template_kind {
	GENOPS_TEMPLATE_TEXT,
	GENOPS_TEMPLATE_JSON,
};

/* The value of a variable, borrowed for the call; false: it is not set. */
typedef bool genops_template_variable_fn(void *arg, genops_str name, genops_str *ret_value);

struct genops_template; /* immutable; any thread */

/* Compiles the source; *ret is the caller's. `variable` NULL: no variable is set. Errors: SYNTAX (line and column within the source), LIMIT,
 * NOMEM. */
GENOPS_NODISCARD int genops_template_compile(genops_str source, enum genops_template_kind kind, genops_template_variable_fn *variable,
    void *arg, struct genops_template **ret, struct genops_error *err);
void genops_template_free(struct genops_template *template);

/* What it is made of, in order, for those who reason about it. */
enum genops_template_piece_kind { GENOPS_PIECE_PLAIN, GENOPS_PIECE_EXPRESSION, GENOPS_PIECE_TIME, GENOPS_PIECE_RANDOM };
struct genops_template_piece {
	enum genops_template_piece_kind kind;
	bool is_quoted;                            /* JSON: it stands inside of quotes */
	genops_str text;                           /* PLAIN: as it is (variables set in); TIME: its format */
	unsigned n;                                /* RANDOM: how many characters */
	const struct genops_expression *expression; /* EXPRESSION */
};
/* The i-th; false: there are no more. */
bool genops_template_piece_at(const struct genops_template *template, size_t i, struct genops_template_piece *ret);

struct genops_template_faults {
	unsigned n;                /* places that are empty because their expression failed */
	struct genops_error first; /* why the first did; only if n */
};

/* Appends what the template says of an event. Errors: LIMIT, NOMEM (then what is in `out` is of no use). *ret_faults may be NULL. */
GENOPS_NODISCARD int genops_template_render(const struct genops_template *template, struct genops_value event,
    struct genops_expression_run *run, struct genops_buffer *out, struct genops_template_faults *ret_faults, struct genops_error *err);

#endif
