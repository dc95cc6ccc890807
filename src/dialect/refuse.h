/* SPDX-License-Identifier: Apache-2.0
 * dialect/refuse.h - what all dialects share about refusing: which kind it is, and the headers that
 * keep SDKs from retrying.
 *
 * Measured with the official SDKs: they retry every 429 unless x-should-retry says false, and some
 * sleep through any Retry-After. So a budget's 429 is final and names its reset only in the
 * message; a rate limit's has a true, short Retry-After.
 */
#ifndef DIALECT_REFUSE_H
#define DIALECT_REFUSE_H

#include "codec/json_write.h"
#include "dialect/dialect.h"

enum genops_refuse_kind {
	GENOPS_REFUSE_POLICY,  /* model, team, cost, region, key: 403 */
	GENOPS_REFUSE_CONTENT, /* 403 */
	GENOPS_REFUSE_BUDGET,  /* 429 (or as the dialect has it), final */
	GENOPS_REFUSE_RATE,    /* 429, to be retried soon */
	GENOPS_REFUSE_OTHER,   /* no decision: input->status */
};

enum genops_refuse_kind genops_refuse_kind(const struct genops_refuse_input *input);

/* The status that goes with it; `budget_status` for a budget. */
int genops_refuse_status(
    const struct genops_refuse_input *input, enum genops_refuse_kind kind, int budget_status);

/* The reason code of the decision ("POLICY_DENY_MODEL"), or "" . */
const char *genops_refuse_code(const struct genops_refuse_input *input);

/* What people read: the input's message, else the decision's, else a short text for the status. */
genops_str genops_refuse_message(const struct genops_refuse_input *input);

/* When the JSON body is written: fills *ret_refusal, with the headers for `kind`. The views are of
 * `body` (which also keeps the header values, behind the body's bytes) or static. Without memory: a
 * static body. */
void genops_refuse_conclude(const struct genops_refuse_input *input, enum genops_refuse_kind kind,
    int status, struct genops_buffer *body, struct genops_refusal *ret_refusal);

#endif
