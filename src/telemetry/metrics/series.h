/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/series.h - metric series by family and labels: a hash table with a maximum, and label texts. Private to metrics.c.
 *
 * A series is never removed. Not locked: metrics.c is.
 */
#ifndef TELEMETRY_SERIES_H
#define TELEMETRY_SERIES_H

#include "base/buffer.h"
#include "telemetry/metrics/metrics.h"

enum genops_metric_family {
#define X(symbol, name, type, unit, labels, text) GENOPS_METRIC_##symbol,
	GENOPS_METRIC_FAMILIES(X)
#undef X
	GENOPS_METRIC_N
};

/* X(upper bound in ms, the same in seconds as text), from a cached embedding to a long reasoning run; +Inf follows. */
#define GENOPS_DURATION_BUCKETS(X)                                                                    \
	X(10, "0.01") X(25, "0.025") X(50, "0.05") X(100, "0.1") X(250, "0.25") X(500, "0.5")         \
	X(1000, "1") X(2500, "2.5") X(5000, "5") X(10000, "10") X(30000, "30") X(60000, "60")         \
	X(120000, "120") X(300000, "300") X(600000, "600")

#define X(ms, seconds) +1
enum { GENOPS_DURATION_BOUNDS = 0 GENOPS_DURATION_BUCKETS(X) };
#undef X

struct genops_series_buckets {
	uint64_t counts[GENOPS_DURATION_BOUNDS + 1]; /* not cumulative; the last is +Inf */
	uint64_t sum_ns;
};

struct genops_series {
	struct genops_hash key;
	struct genops_series *next;             /* in its family, in order of creation */
	int64_t value;                          /* count or nano-USD */
	double ratio;                           /* of a gauge with unit RATIO */
	int64_t window_start_unix_s;            /* budgets: of the figures held */
	struct genops_series_buckets *buckets;  /* histogram; owned */
	size_t labels_len;
	char labels[];                          /* `a="b",c="d"` */
};

struct genops_series_table {
	size_t n, max, n_slots;
	struct genops_series **slots; /* open addressing, a power of two, at most half full */
	struct {
		struct genops_series *first, *last, *other;
	} families[GENOPS_METRIC_N];
	uint64_t n_other;             /* samples that went to "other" */
};

bool genops_series_table_init(struct genops_series_table *table, size_t max);
void genops_series_table_done(struct genops_series_table *table);

/* The series of these labels, made if need be; "other" when there is no room. NULL: not even memory for that. */
struct genops_series *genops_series_find(
    struct genops_series_table *table, enum genops_metric_family family, const struct genops_buffer *labels);

/* Appends name="value", with its comma. Empty values are left out: to Prometheus they are absent ones. Escaped, repaired to
 * UTF-8, cut at 256 bytes. */
void genops_series_label(struct genops_buffer *labels, const char *name, genops_str value);

#endif
