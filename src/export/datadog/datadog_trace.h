/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_trace.h - spans as Datadog's trace intake takes them: the AgentPayload of POST /api/v0.2/traces (protobuf). Pure. */
#ifndef EXPORT_DATADOG_TRACE_H
#define EXPORT_DATADOG_TRACE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* Appends the payload of an Export<Traces>ServiceRequest. `host` where a resource names none. `arena` is reset. CORRUPT, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_datadog_trace_write(
    genops_str request, genops_str host, struct genops_arena *arena, struct genops_buffer *out, struct genops_error *err);

#endif
