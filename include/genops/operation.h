/* SPDX-License-Identifier: Apache-2.0
 * genops/operation.h - one governed AI operation: begin (decide and reserve), record, end (settle).
 *
 * begin() evaluates every policy and reserves the estimate in every matching budget, all or none. The caller
 * makes the call only if the decision is not refused, after waiting decision->delay_ns. record_*() say what
 * it consumed; end() prices it, commits it, gives the rest back and appends the record. A refused operation
 * is ended too (it leaves its record). An operation that is never ended because its process died is given
 * back by the drain and recorded as abandoned.
 *
 * Threads: different operations may be used from different threads freely; one operation is used by one
 * thread at a time.
 */
#ifndef GENOPS_OPERATION_H
#define GENOPS_OPERATION_H

#include <genops/decision.h>
#include <genops/engine.h>
#include <genops/usage.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct genops_operation genops_operation;

/* A cost or a limit that is not known. */
#define GENOPS_COST_UNKNOWN INT64_C(-1)

struct genops_operation_options {
	size_t size;               /* sizeof(struct genops_operation_options) */
	genops_str name;           /* span name; empty: "ai.completion" */
	genops_str type;           /* genops.operation.type; empty: "ai.inference" */
	genops_str provider;       /* "openai"; empty: none (no price, no model policy) */
	genops_str model;          /* as the provider calls it */
	genops_str region;         /* where it would run; empty: unknown */
	const struct genops_attribute *attributes; /* strongest source: the operation's own; copied */
	size_t n_attributes;
	genops_str baggage;        /* W3C baggage header: its genops.* members count below `attributes` */
	genops_str traceparent;    /* W3C trace context to continue; empty: a new trace */
	genops_str tracestate;
	genops_str content;        /* text for content filters; borrowed for the call, never stored */
	genops_usage expected;     /* upper bounds: input_tokens and output_tokens (0: model's maximum) */
	int64_t estimated_cost_nano_usd; /* GENOPS_COST_UNKNOWN: from `expected` and the price catalogue */
	int64_t start_unix_ns;     /* 0, or what is still to come: now */
	bool is_dry_run;           /* decide only: reserves nothing, takes no rate token, leaves no record */
};

/* Fills in the defaults of every field. Call it first. */
GENOPS_API void genops_operation_options_init(struct genops_operation_options *options);

/* Begins an operation. A refusal is not a failure: look at genops_operation_decision(). Returns the owned
 * operation in *ret_operation. Errors: MISUSE, LIMIT (attributes, operations in flight), FULL, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_operation_begin(genops_engine *engine,
    const struct genops_operation_options *options, genops_operation **ret_operation,
    struct genops_error *err);

/* Borrowed until the operation is ended. */
GENOPS_API const struct genops_decision *genops_operation_decision(const genops_operation *operation);

/* The operation's identity: 32 and 16 lower-case hex digits, NUL-terminated, borrowed. The id that users
 * see (x-genops-operation-id) is "<trace id>-<span id>". */
GENOPS_API const char *genops_operation_id(const genops_operation *operation);
/* The W3C traceparent to send on, NUL-terminated, borrowed. */
GENOPS_API const char *genops_operation_traceparent(const genops_operation *operation);

/* Replaces what is known of the usage so far (totals, not increments). MISUSE on negative counts. */
GENOPS_API int genops_operation_record_usage(
    genops_operation *operation, const genops_usage *usage, struct genops_error *err);
/* The model that really answered; it is priced if the catalogue knows it, else the requested one. */
GENOPS_API int genops_operation_record_model(
    genops_operation *operation, genops_str model, struct genops_error *err);
/* Adds a cost that the caller knows (nano-USD, >= 0) instead of, or besides, priced usage. */
GENOPS_API int genops_operation_record_cost(
    genops_operation *operation, int64_t cost_nano_usd, struct genops_error *err);
/* Adds or replaces an attribute that says more about the operation. team, project and environment are
 * immutable once begun (specification): MISUSE. */
GENOPS_API int genops_operation_set_attribute(genops_operation *operation,
    const struct genops_attribute *attribute, struct genops_error *err);

/* What a policy of the program's own said: "allowed", "blocked", "warning", "rate_limited" in any of the guides' spellings, another
 * text as it is; `reason` may be empty. Adds an evaluation to the operation's record; the decision stays what it was. At most 512
 * bytes of each text are kept. MISUSE (no policy, no result, not UTF-8), LIMIT (GENOPS_EVALUATIONS_MAX), NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_operation_record_policy(genops_operation *operation, genops_str policy,
    genops_str result, genops_str reason, struct genops_error *err);

/* Makes sure that at least cost_nano_usd is reserved for the running call. False: some budget that blocks
 * cannot hold it; the caller ends the call now, and what is reserved stays. */
GENOPS_API bool genops_operation_extend(genops_operation *operation, int64_t cost_nano_usd);

/* What the recorded usage costs by now, nano-USD; estimates included. */
GENOPS_API int64_t genops_operation_cost(const genops_operation *operation);

enum genops_outcome {
	GENOPS_OUTCOME_OK,
	GENOPS_OUTCOME_REFUSED,        /* by the decision; set by itself if the decision was a refusal */
	GENOPS_OUTCOME_PROVIDER_ERROR, /* the provider answered with an error: consumed only what it reported */
	GENOPS_OUTCOME_NOT_SENT,       /* never reached the provider: costs nothing */
	GENOPS_OUTCOME_CANCELLED,      /* the client went away; priced by what is known, marked estimated */
	GENOPS_OUTCOME_CUT_OFF,        /* ended by GenOps at its reservation */
	GENOPS_OUTCOME_ABANDONED,      /* its process died (set by the drain only) */
};

/* Settles and frees the operation, on every path. Even if it returns an error (FULL, IO: the record could
 * not be appended) the counters are settled and the operation is gone. NULL is fine. In the child of a fork its parent's
 * operations are none of its own: MISUSE, and nothing is recorded. */
GENOPS_API int genops_operation_end(
    genops_operation *operation, enum genops_outcome outcome, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
