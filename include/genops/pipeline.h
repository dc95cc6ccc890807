/* SPDX-License-Identifier: Apache-2.0
 * genops/pipeline.h - the expression language of pipelines, asked directly: what does this expression say of that event?
 *
 * Expressions have JavaScript's semantics; docs/reference/expressions.md lists what they may hold. Nothing of an engine is needed.
 */
#ifndef GENOPS_PIPELINE_H
#define GENOPS_PIPELINE_H

#include <genops/attribute.h>
#include <genops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Evaluates expressions, one after the other; one thread at a time. Owned: free with genops_pipeline_eval_free. NULL: no memory. */
typedef struct genops_pipeline_eval genops_pipeline_eval;
GENOPS_API genops_pipeline_eval *genops_pipeline_eval_new(void);
GENOPS_API void genops_pipeline_eval_free(genops_pipeline_eval *eval);

/* What Date.now() and Math.random() say from now on, for results that can be repeated. Without it: the clock, and chance. */
GENOPS_API void genops_pipeline_eval_fix(genops_pipeline_eval *eval, int64_t now_ms, uint64_t random_seed);

/* Evaluates `expression` over the event, a JSON object; an empty one is {}. *ret_answer is one JSON object, borrowed until the next
 * call: {"value": ...}. Where JSON has no word for the value it is null or 0, and a second member "exact" names it: undefined, NaN,
 * Infinity, -Infinity, -0. Errors: SYNTAX (the expression or the event is not well formed, or JavaScript would throw; line and column
 * are the expression's), LIMIT, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_eval_one(genops_pipeline_eval *eval, genops_str expression, genops_str event_json,
    genops_str *ret_answer, struct genops_error *err);

/* The same for a line {"expression": "...", "event": {...}}; an error is an answer, too: {"error": "1:5: cause; remedy"}. With
 * "template" instead of "expression", the payload that a JSON template makes of the event, as a text: {"value": "{...}", "faults": 0},
 * faults being the places that are empty as their expression failed. Fails only with NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_eval_line(
    genops_pipeline_eval *eval, genops_str line, genops_str *ret_answer, struct genops_error *err);

/* The place of an error within `expression`: its line, and a caret below; two lines into `out`, "" if there is no place. */
GENOPS_API void genops_pipeline_eval_caret(genops_str expression, const struct genops_error *err, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
