/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/write_request.h - the body of remote write 1.0: samples gathered, put together a series, written as a WriteRequest.
 *
 * What the protocol wants holds for whatever comes in: labels sorted by their bytes, each once, none empty; a series' samples in the order
 * of their times, each later than the one before. Lives in the caller's arena; one request's. Pure. */
#ifndef EXPORT_WRITE_REQUEST_H
#define EXPORT_WRITE_REQUEST_H

#include "base/buffer.h"
#include "base/option.h"
#include "export/prometheus/metric_point.h"

struct genops_write_sample;
struct genops_write_family;

struct genops_write_request {
	struct genops_arena *arena;
	const struct genops_text_map *external; /* labels that series have which have no such one of their own; NULL: none */
	genops_str prefix;                      /* stands before every name */
	size_t n, max;
	struct genops_write_sample **samples;
	struct genops_write_family *families;
	bool is_full;                           /* the arena is: what was put is not complete */
};

void genops_write_request_init(struct genops_write_request *request, struct genops_arena *arena);

/* All samples of a value, at one time. */
void genops_write_request_put(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind,
    const struct genops_metric_label *labels, size_t n_labels, const struct genops_metric_value *value, int64_t time_ms);
/* The end of a series: Prometheus' own mark for it. */
void genops_write_request_end_series(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind,
    const struct genops_metric_label *labels, size_t n_labels, const struct genops_metric_value *value, int64_t time_ms);
/* Once a family; again is nothing. */
void genops_write_request_describe(struct genops_write_request *request, genops_str family, enum genops_metric_kind kind, genops_str help);

/* May a sample of this series (a hash of its labels) at this time go? NULL: all may. */
typedef bool genops_write_sample_fn(void *arg, uint64_t series, int64_t time_ms);
/* Appends the WriteRequest, not compressed. *ret_n_late: samples that could not go. Check out->error. */
void genops_write_request_write(
    struct genops_write_request *request, genops_write_sample_fn *may_go, void *arg, struct genops_buffer *out, int64_t *ret_n_late);

#endif
