/* SPDX-License-Identifier: Apache-2.0
 * genops/pipeline.h - pipelines without an engine: what an expression says of an event, what pipelines make of spans, and Cribl packs of
 * them.
 *
 * Expressions have JavaScript's semantics; docs/reference/expressions.md lists what they may hold. docs/pipelines.md tells of documents.
 */
#ifndef GENOPS_PIPELINE_H
#define GENOPS_PIPELINE_H

#include <genops/engine.h>

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

/* --- pipelines tried out (genops pipeline test) --- */

struct genops_pipeline_trial_options {
	size_t size;                                 /* sizeof(struct genops_pipeline_trial_options) */
	const struct genops_engine_options *engine;  /* whose configuration has pipelines and lookups; NULL: the default one */
	const char *pipelines;                       /* a path or pattern of documents instead of those; where their routes lead need not exist */
	const char *lookups;                         /* the same for lookups */
	bool as_text;                                /* for people; else JSON, an object a line */
};

/* Runs events through pipelines, one thread at a time; nothing is sent, written or locked. Owned: free with genops_pipeline_trial_free.
 * Borrows nothing. NULL with *err: CONFIG or SYNTAX (file, line, column, fix), MISUSE, NOMEM. */
typedef struct genops_pipeline_trial genops_pipeline_trial;
GENOPS_API genops_pipeline_trial *genops_pipeline_trial_new(
    const struct genops_pipeline_trial_options *options, struct genops_error *err);
GENOPS_API void genops_pipeline_trial_free(genops_pipeline_trial *trial); /* NULL is fine */
/* As genops_pipeline_eval_fix; also what sampling draws for events without a trace id. */
GENOPS_API void genops_pipeline_trial_fix(genops_pipeline_trial *trial, int64_t now_ms, uint64_t random_seed);

/* Takes whole lines, borrowed for the call; any code but GENOPS_OK ends the trial and is passed on. */
typedef int genops_pipeline_trial_fn(void *arg, genops_str lines);

/* Runs all events of `input` - OTLP in JSON ({"resourceSpans": ...}), or events as JSON: one, a list, or one after another - through all
 * pipelines, and tells each: {"event": 1, "pipelines": [{"id", "result": "routed" | "dropped" | "passed_by", "steps": [{"step", "passed",
 * "changed": {FIELD: {"before", "after"}}, "matched": [RULE]}], "routes": [{"route", "destination", "payload"}], "errors": [...],
 * "before": {...}, "after": {...}}]}. SYNTAX (not such input), LIMIT, NOMEM, and the function's. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_trial_run(genops_pipeline_trial *trial, genops_str input, genops_pipeline_trial_fn *fn,
    void *arg, struct genops_error *err);
/* What all of them came to: {"events": N, "counts": [{"pipeline", "name", "in", "matched", "dropped", "failed"}], "findings": [{"message",
 * "fix", "file", "line", "column"}]}; the findings are what looks wrong in the documents. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_trial_summary(
    genops_pipeline_trial *trial, genops_pipeline_trial_fn *fn, void *arg, struct genops_error *err);

/* --- pipelines that run (genops pipeline list, tail) --- */

/* All pipelines of the configuration, and what whoever drains its state directory has counted by filter, function, rule and route, as a
 * table for people, or in JSON:
 * {"pipelines": [{"id", "description", "enabled", "file", "line", "filters", "functions", "routes": [{"name", "destination", "filter"}],
 * "counts": [{"kind", "name", "in", "matched", "dropped", "failed"}], "dead_letters"}]}. Nothing is opened or locked. The caller frees
 * *ret_text with free(). CONFIG, SYNTAX, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_list(
    const struct genops_engine_options *options, bool as_text, char **ret_text, size_t *ret_len, struct genops_error *err);

/* Watches what goes through the pipelines of the state directory, in whatever process they run. Whoever drains never waits for a viewer:
 * what he does not take in time is lost to him, and he is told how much. Up to eight watch at once. `pipeline` NULL: all of them. NULL with
 * *err: CONFIG, IO, NOMEM. */
typedef struct genops_pipeline_tail genops_pipeline_tail;
GENOPS_API genops_pipeline_tail *genops_pipeline_tail_open(
    const struct genops_engine_options *options, const char *pipeline, struct genops_error *err);
GENOPS_API void genops_pipeline_tail_close(genops_pipeline_tail *tail); /* NULL is fine */
/* The next one, borrowed until the next call: {"lost": N, "pipeline", "result": "routed" | "dropped", "routes": [{"route", "destination",
 * "payload"}], "event": {...}}; of an event that no route took only name, trace_id and span_id. TIMEOUT (nothing for so long; a timeout
 * under 0 waits for ever), IO, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_tail_next(
    genops_pipeline_tail *tail, int64_t timeout_ms, genops_str *ret_line, struct genops_error *err);
/* The last one in words, one line, borrowed until the next call. NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_tail_words(genops_pipeline_tail *tail, genops_str *ret_text, struct genops_error *err);

/* --- Cribl packs (genops pipeline export, import) --- */

/* The configuration's pipelines and the lookups that they name as a Cribl pack: the bytes of a .crbl. `name` is the pack's id: letters, digits,
 * - and _. *ret_notes is what a pack cannot say, as lines for people or as JSON [{"where", "what"}]. The caller frees both with free().
 * CONFIG, SYNTAX, LIMIT, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_export_pack(const struct genops_engine_options *options, const char *name, bool as_text,
    char **ret_pack, size_t *ret_len, char **ret_notes, struct genops_error *err);
/* A pack's pipelines into a directory, which is made and must be empty: pipelines/NAME.yaml, lookups.yaml with its tables, destinations.yaml. What GenOps cannot
 * say is in *ret_notes (as above), and a pipeline that lacks something is written with enabled: false. SYNTAX, UNSUPPORTED, LIMIT, EXISTS,
 * IO, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_pipeline_import_pack(
    genops_str pack, const char *directory, bool as_text, char **ret_notes, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
