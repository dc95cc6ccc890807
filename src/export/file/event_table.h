/* SPDX-License-Identifier: Apache-2.0
 * export/file/event_table.h - JSON events as one flat table, a Parquet file. Pure.
 *
 * A column each member that any of the events has; members of members are called "attributes.genops.team", lists and what is too deep are
 * JSON texts. A column's type is that of all its values: whole numbers, numbers, truths, else texts; null is null. The same events give the
 * same bytes.
 */
#ifndef EXPORT_EVENT_TABLE_H
#define EXPORT_EVENT_TABLE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "codec/parquet.h"

/* `event` gives the i-th event, a JSON object. `is_plain`: not compressed with snappy. Appends to `out`. SYNTAX (an event is no object), LIMIT,
 * NOMEM. */
typedef genops_str genops_event_table_fn(const void *arg, size_t i);
GENOPS_NODISCARD int genops_event_table_write(
    genops_event_table_fn *event, const void *arg, size_t n, bool is_plain, struct genops_buffer *out, struct genops_error *err);

#endif
