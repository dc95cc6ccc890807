/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint.h - what a pipeline says that its author hardly means. Documents run literally (DESIGN 6); these are the places where that
 * is a trap: each with what, why, and the remedy, at file, line and column.
 *
 * A finding is only made where it can be shown from the document alone: which values a field can have, which conditions follow from which.
 * What cannot be decided is no finding; a pipeline that is switched off has none. Pure, no state: any thread; memory is bounded by the pipeline's own size.
 */
#ifndef PIPELINE_LINT_H
#define PIPELINE_LINT_H

#include "pipeline/pipeline.h"

/* Called for each finding, in the order of the document; texts are borrowed for the call. */
typedef void genops_lint_fn(void *arg, const struct genops_place *place, const char *message, const char *fix);

/* NOMEM. */
GENOPS_NODISCARD int genops_lint_pipeline(
    const struct genops_pipeline *pipeline, genops_lint_fn *fn, void *arg, struct genops_error *err);

#endif
