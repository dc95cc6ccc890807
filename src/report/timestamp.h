/* SPDX-License-Identifier: Apache-2.0
 * report/timestamp.h - times as RFC 3339, UTC. */
#ifndef REPORT_TIMESTAMP_H
#define REPORT_TIMESTAMP_H

#include <genops/attribute.h>

#define GENOPS_TIMESTAMP_MAX 40

/* "2026-11-05T12:00:00Z" and "2026-11-05T12:00:00.000000001Z". The view is of `out`. */
genops_str genops_timestamp_seconds(int64_t unix_s, char out[GENOPS_TIMESTAMP_MAX]);
genops_str genops_timestamp_nanoseconds(int64_t unix_ns, char out[GENOPS_TIMESTAMP_MAX]);

#endif
