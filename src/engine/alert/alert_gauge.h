/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_gauge.h - what alert rules ask for, measured: receivers from the tally of all processes, the queue, destinations, the machine.
 *
 * Sampled about once a second by the drain; what happened is told over the last minute. One thread. What cannot be measured is NaN.
 */
#ifndef ENGINE_ALERT_GAUGE_H
#define ENGINE_ALERT_GAUGE_H

#include "engine/alert/alert_rule.h"

#define GENOPS_ALERT_WINDOW 60 /* samples, about a second apart */

/* Counters that only grow. */
struct genops_alert_counts {
	int64_t monotonic_ns;
	uint64_t requests, refused, items;
	uint64_t cpu_busy, cpu_all;
};

struct genops_alert_meter {
	size_t n, at;                /* of samples, the newest */
	struct genops_alert_counts samples[GENOPS_ALERT_WINDOW];
	int64_t received_ns;         /* monotonic: when something was taken last, else when this began */
	int64_t trouble_ns;          /* since when everything is refused; 0: it is not */
	bool has_received;           /* by anybody, ever */
	bool has_heard;              /* since this began */
};

/* What the drain knows. */
struct genops_alert_inside {
	const char *state_dir;
	uint64_t queue_bytes, queue_max, segment_bytes, segment_max;
	uint64_t disk_bytes, disk_max; /* of what waits for all destinations; before it is measured, of their own queues */
	int64_t behind_since_ns;     /* monotonic; 0: everything received is in the queue */
	int64_t lag_ns;              /* of the destination that is behind most */
	size_t n_failing;
	char failing[256];           /* their names */
	int64_t silence_ns;
	bool has_receivers;
};

/* The arithmetic: a new sample, and what follows. Pure but for what is in `counts`. */
void genops_alert_gauge_take(struct genops_alert_meter *meter, const struct genops_alert_counts *counts,
    const struct genops_alert_inside *inside, struct genops_alert_gauges *ret_gauges);

/* As they are for an alert about a source that was open before this began, until something is heard: whether it still is silent is not known,
 * so it counts as silent. What was silent for an hour is not well because we were started a second ago. */
void genops_alert_gauge_unheard(const struct genops_alert_meter *meter, struct genops_alert_gauges *gauges);

/* What one destination adds to it. */
void genops_alert_gauge_destination(struct genops_alert_inside *inside, const char *name, bool is_failing, int64_t lag_ns);

/* The machine's part of a sample. */
void genops_alert_gauge_machine(struct genops_alert_counts *counts, const char *state_dir, struct genops_alert_gauges *gauges);

#endif
