/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_documents.h - the documents of `pipelines`: spans as events through all of them, and what their routes give to destinations.
 *
 * An event goes to a destination as its type wants it: as JSON beside the route's payload, or as the span that it has become. One that
 * cannot be processed (it needs more memory than an event may have) goes to the dead letters. One thread: the drain's.
 */
#ifndef ENGINE_FLOW_DOCUMENTS_H
#define ENGINE_FLOW_DOCUMENTS_H

#include "base/log.h"
#include "engine/config.h"
#include "engine/flow/flow_output.h"
#include "engine/flow/flow_tap.h"
#include "telemetry/otlp/envelope.h"

struct genops_flow_document {             /* one pipeline, and what has happened in it since it was first configured */
	const struct genops_pipeline *pipeline;
	struct genops_pipeline_count *counts; /* pipeline->n_counts */
	uint64_t n_rejected;                  /* events in the dead letters */
	struct genops_flow_target **targets;  /* of each route; NULL: the configuration has no such destination. Private */
};

struct genops_flow_documents;
/* An event that cannot be processed: a request of its one span. */
typedef void genops_flow_reject_fn(void *arg, const struct genops_flow_document *document, const struct genops_envelope *envelope,
    genops_str request, const struct genops_error *why);
struct genops_flow_documents *genops_flow_documents_new(
    const struct genops_log *log, genops_flow_reject_fn *fn, void *arg, struct genops_error *err);
void genops_flow_documents_free(struct genops_flow_documents *documents);
/* Shows events to who watches; borrowed, NULL: to nobody. */
void genops_flow_documents_show(struct genops_flow_documents *documents, struct genops_flow_tap *tap);

/* The configuration outlives its use. On failure nothing has changed. Counts go over to what has the same name. */
GENOPS_NODISCARD int genops_flow_documents_configure(
    struct genops_flow_documents *documents, const struct genops_config *config, struct genops_error *err);
/* Is there a pipeline at all for such telemetry? */
bool genops_flow_documents_are_wanted(const struct genops_flow_documents *documents, enum genops_signal signal);

/* Every span of it. NOMEM. */
GENOPS_NODISCARD int genops_flow_documents_take(
    struct genops_flow_documents *documents, const struct genops_envelope *envelope, struct genops_error *err);

/* What came out: one output a destination. */
size_t genops_flow_documents_n_outputs(const struct genops_flow_documents *documents);
struct genops_flow_output *genops_flow_documents_output(struct genops_flow_documents *documents, size_t i);

/* For the exposition. */
size_t genops_flow_documents_n(const struct genops_flow_documents *documents);
const struct genops_flow_document *genops_flow_documents_at(const struct genops_flow_documents *documents, size_t i);

#endif
