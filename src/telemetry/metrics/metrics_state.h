/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/metrics_state.h - the inside of genops_metrics, for metrics.c and metrics_restore.c. */
#ifndef TELEMETRY_METRICS_STATE_H
#define TELEMETRY_METRICS_STATE_H

#include "base/hash.h"
#include "telemetry/metrics/exposition.h"
#include "telemetry/metrics/metrics.h"
#include "telemetry/metrics/series.h"

#include <pthread.h>

#define GENOPS_METRICS_SELF_MAX   256
#define GENOPS_METRICS_SETS_N     1024 /* powers of two */
#define GENOPS_METRICS_BUDGETS_N  256
#define GENOPS_METRICS_TOKENS_N   10

/* Where a record of these texts counts; NULL: not looked up yet, or "other". */
struct series_set {
	struct genops_hash key;
	struct genops_series *operations, *cost, *duration, *traces, *tokens[GENOPS_METRICS_TOKENS_N];
};

struct budget_set {
	struct genops_hash key;
	struct genops_series *consumed, *limit, *remaining, *utilization;
};

struct genops_metrics {
	pthread_mutex_t lock;
	struct genops_series_table table;
	struct genops_buffer labels; /* scratch */
	struct series_set sets[GENOPS_METRICS_SETS_N];
	struct budget_set budgets[GENOPS_METRICS_BUDGETS_N];
	size_t n_self;
	struct genops_exposition_self self[GENOPS_METRICS_SELF_MAX]; /* sorted by name, then labels; texts owned */
};

#endif
