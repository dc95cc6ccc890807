/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain_state.h - the inside of a drain, for drain.c and drain_source.c. */
#ifndef ENGINE_DRAIN_STATE_H
#define ENGINE_DRAIN_STATE_H

#include "engine/drain/batch.h"
#include "engine/drain/drain.h"
#include "engine/drain/forward.h"
#include "engine/drain/seed.h"
#include "engine/observe/observe.h"
#include "engine/pump/pump.h"
#include "store/drain_lock.h"

#define PUMPS_MAX 2000 /* of exporters and of destinations a configuration has at most 1000 */

struct genops_alerts;
struct genops_backup_worker;
struct genops_collibra_worker;

struct genops_drain_source { /* one writer's segments */
	struct genops_segment_position ledger_at, queue_at;
	struct genops_segment_reader *reader;
	bool is_unreadable;                  /* in this pass: the others are not held up */
};

struct genops_drain {
	genops_engine *engine;
	struct genops_drain_lock *lock;
	struct genops_ledger *ledger;
	struct genops_queue *queue;
	struct genops_metrics *metrics;
	struct genops_published *published;  /* of who drained before */
	struct genops_config *config;        /* one reference */
	struct genops_observer *observer;    /* of others' AI calls */
	struct genops_flow *flow;
	struct genops_forwarder forward;       /* from the batch to the queue */
	struct genops_batch batch;
	uint64_t own_until;                  /* the last of this process's appends that this pass takes */
	struct genops_segment_position list[GENOPS_DRAIN_WRITERS_MAX]; /* scratch */
	size_t n_sources;
	struct genops_drain_source sources[GENOPS_DRAIN_WRITERS_MAX];
	size_t n_pumps;
	struct genops_pump *pumps[PUMPS_MAX];
	char blocking[GENOPS_PUMP_NAME_SIZE]; /* the destination for which receivers refuse; "" : none */
	uint64_t status_sum;                 /* of what destinations said of themselves when it was last looked at */
	bool is_blocking_known;              /* this process has said so, or that there is none */
	struct genops_collibra_worker *importer; /* of policies; NULL: none is wanted */
	struct genops_backup_worker *backups; /* NULL: none are wanted */
	bool is_changed;                     /* since the last publish */
	bool is_unsynced;                    /* since the last sync */
	bool is_queue_unsynced;              /* blocks appended since the queue's last sync, or by who had it open before */
	bool is_queue_fed;                   /* in this pass, with what is held or what the ledger had before: pumps that were idle have to look */
	int64_t published_ns, synced_ns, removed_ns;
	uint64_t bytes_taken, bytes_unremoved; /* by this pass; since files were last removed */
	struct genops_seeding seeding;
	struct genops_alerts *alerts;
	int64_t behind_since_ns;             /* monotonic: what was received is not all in the queue; 0: it is */
};

/* drain_destinations.c: pumps for all that have none. */
void genops_drain_destinations_start(struct genops_drain *drain);
/* But for those that `config` leaves as they are; NULL: all. */
void genops_drain_destinations_stop(struct genops_drain *drain, const struct genops_config *config);

/* NULL: nobody knows it. */
struct genops_drain_source *genops_drain_source_find(struct genops_drain *drain, struct genops_segment_position at);
/* New writers appear; one whose files are all gone is dropped, and forgotten by the ledger. */
void genops_drain_source_discover(struct genops_drain *drain);
/* Where ledger and queue are. */
void genops_drain_source_load(struct genops_drain *drain);

#endif
