/* SPDX-License-Identifier: Apache-2.0
 * pipeline/protect/otlp_mask.h - patterns over everything that an OTLP request says: what they find is replaced, the rest stays.
 *
 * Looked at are the values of all attributes (of resources, scopes, spans, events, links, log records, data points, exemplars; in lists and
 * maps to their depth), names and messages of spans, events and states, and bodies of log records. Keys, ids, names of metrics and scopes, and
 * bytes stay. A search that passes its bounds counts as found: the whole text is replaced, since nobody knows what it holds.
 */
#ifndef PIPELINE_PROTECT_OTLP_MASK_H
#define PIPELINE_PROTECT_OTLP_MASK_H

#include "pipeline/regex.h"
#include "telemetry/otlp/otlp_request.h"

#define GENOPS_OTLP_MASK_PATTERNS_MAX 64
#define GENOPS_OTLP_MASK_TEXT	      GENOPS_STR("[REDACTED]")

/* Immutable once it is filled. */
struct genops_otlp_mask {
	size_t n;
	struct genops_regex *patterns[GENOPS_OTLP_MASK_PATTERNS_MAX]; /* owned; global */
};

void genops_otlp_mask_done(struct genops_otlp_mask *mask);

/* What a mask writes with; one thread's. */
struct genops_otlp_masking {
	struct genops_buffer out, steps[2]; /* steps: a text on its way through the patterns */
	struct genops_regex_space *space;
	uint64_t n_masked, n_failed;        /* texts, since the beginning */
};

void genops_otlp_masking_init(struct genops_otlp_masking *masking, size_t request_max);
void genops_otlp_masking_done(struct genops_otlp_masking *masking);

/* *ret_request: the request as it may be seen, in masking->out until the next call; the same bytes if nothing was found. CORRUPT, NOMEM,
 * LIMIT: it must not go on. */
GENOPS_NODISCARD int genops_otlp_mask_request(const struct genops_otlp_mask *mask, struct genops_otlp_masking *masking,
    enum genops_signal signal, genops_str request, genops_str *ret_request, struct genops_error *err);

#endif
