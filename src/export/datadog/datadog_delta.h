/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_delta.h - counters that only grow, as what they have grown by since the last request that was taken: Datadog has
 * no others. Remembered over restarts (struct genops_destination_memory).
 *
 * What is encoded counts only when it was taken: until then every encoding begins at the same place, so a repetition says the same.
 * Bounded: over the maximum all are forgotten and begin anew. One thread. */
#ifndef EXPORT_DATADOG_DELTA_H
#define EXPORT_DATADOG_DELTA_H

#include "base/buffer.h"

#define GENOPS_DATADOG_DELTA_MAX ((size_t)32768) /* series */

struct genops_datadog_delta;

struct genops_datadog_delta *genops_datadog_delta_new(int64_t now_unix_ns); /* NULL: no memory */
void genops_datadog_delta_free(struct genops_datadog_delta *delta);

/* Before the points of a request; and after one that was taken. */
void genops_datadog_delta_begin(struct genops_datadog_delta *delta, int64_t now_unix_ns);
void genops_datadog_delta_taken(struct genops_datadog_delta *delta);

/* False: nothing can be said of this point: it is the first of a series that began before we did, or not newer than the last one,
 * unless that one lay in the future. */
bool genops_datadog_delta_of(struct genops_datadog_delta *delta, uint64_t series, double value, uint64_t start_unix_ns, uint64_t time_unix_ns,
    double *ret_growth);

void genops_datadog_delta_write(const struct genops_datadog_delta *delta, struct genops_buffer *out); /* check out->error */
void genops_datadog_delta_read(struct genops_datadog_delta *delta, genops_str text);                  /* what is damaged is left out */

#endif
