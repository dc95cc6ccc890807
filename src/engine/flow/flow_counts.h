/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_counts.h - what rules and routes have counted, in Prometheus' text exposition. Pure. */
#ifndef ENGINE_FLOW_COUNTS_H
#define ENGINE_FLOW_COUNTS_H

#include "engine/flow/flow_documents.h"

/* Appends all families of GENOPS_METRIC_PIPELINE that have a sample. Check buf->error. */
void genops_flow_counts_expose(const struct genops_flow_documents *documents, const struct genops_service *service,
    const struct genops_processor_run *run, uint64_t n_rejected_by_service, struct genops_buffer *buf);

#endif
