/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_store.h - series with the latest value of each: what a scrape shows, what remote write says again and again.
 *
 * Bounded: over the maximum new series are refused and counted. Delta points are added up; one that was added before (its time is known, or
 * older than all that are) is not added again, so that a batch that comes twice counts once: two of one series that came in by two workers may
 * be read in either order. As text it survives restarts (struct genops_destination_memory).
 * Not locked: its owner is one thread. Labels are kept as `a="b",c="d"`, escaped. */
#ifndef EXPORT_METRIC_STORE_H
#define EXPORT_METRIC_STORE_H

#include "base/buffer.h"
#include "export/prometheus/metric_point.h"

#define GENOPS_METRIC_STORE_RECENT 8 /* delta points of a series that are known one by one */

struct genops_metric_store_family {
	struct genops_metric_store_family *next; /* in order of their names */
	struct genops_metric_store_series *first, *last;
	enum genops_metric_kind kind;
	char *name, *help; /* owned */
	size_t n_bytes;
};

struct genops_metric_store_series {
	struct genops_metric_store_series *next;     /* of its family, in order of creation */
	struct genops_metric_store_series *in_slot;  /* of the hash table */
	struct genops_metric_store_family *family;
	uint64_t hash;
	size_t n_bytes;                              /* what it takes of the store's bytes_max */
	uint64_t start_unix_ns, time_unix_ns;        /* of the latest point */
	uint64_t passed_unix_ns;                     /* of deltas: up to here all are taken, or too late; after a restart the latest */
	uint64_t recent_unix_ns[GENOPS_METRIC_STORE_RECENT]; /* those behind it, in no order */
	size_t n_recent;
	int64_t arrived_unix_ns;
	struct genops_metric_value value;            /* its lists are owned */
	unsigned mark;                               /* the owner's; not kept */
	size_t labels_len;
	char labels[];
};

struct genops_metric_store {
	size_t n, max, n_slots;
	size_t n_bytes, bytes_max;                   /* as text, at most */
	struct genops_metric_store_series **slots;
	struct genops_metric_store_family *families;
	struct genops_metric_store_series *latest;   /* of the last take; NULL: it was refused */
	int64_t n_refused;                           /* series over the maxima, points of another kind than their family's, sums that would be none */
};

/* Series come from whoever sends, with names as long as they like: as text, the store is never longer than bytes_max. */
bool genops_metric_store_init(struct genops_metric_store *store, size_t max, size_t bytes_max);
void genops_metric_store_done(struct genops_metric_store *store);

/* OK: taken, or refused and counted. NOMEM. */
GENOPS_NODISCARD int genops_metric_store_take(
    struct genops_metric_store *store, const struct genops_metric_point *point, int64_t arrived_unix_ns);
/* The series of a family and labels, made if need be, its value zero; NULL: over the maximum or of another kind (counted), or no memory. */
struct genops_metric_store_series *genops_metric_store_find(
    struct genops_metric_store *store, genops_str family, genops_str help, enum genops_metric_kind kind, genops_str labels);
/* Before a value of a series gets `n` bounds or quantiles: is there room? If not, it is refused and counted. */
bool genops_metric_store_make_room(struct genops_metric_store *store, struct genops_metric_store_series *series, size_t n);
/* Forgets what has not come since. */
void genops_metric_store_expire(struct genops_metric_store *store, int64_t before_unix_ns);

/* All of it, line by line, behind what is in `out`; and back. What cannot be read is left out. NOMEM. */
void genops_metric_store_write(const struct genops_metric_store *store, struct genops_buffer *out);
GENOPS_NODISCARD int genops_metric_store_read(struct genops_metric_store *store, genops_str text);

/* Labels as text, and one after another back: the value unescaped into `scratch` (cleared here). False: the end, or damage. */
void genops_metric_store_labels(const struct genops_metric_label *labels, size_t n, struct genops_buffer *out);
bool genops_metric_store_next_label(genops_str *rest, genops_str *ret_name, genops_str *ret_value, struct genops_buffer *scratch);

/* As Prometheus' text (0.0.4). `with_times`: the points' own times behind the values. */
void genops_metric_store_expose(
    const struct genops_metric_store *store, int64_t arrived_since_unix_ns, bool with_times, struct genops_buffer *out);

#endif
