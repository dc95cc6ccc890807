/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_export.h - operations to Collibra, on a thread of their own.
 *
 * What waits lies in the ledger's audit chain: the exporter has a place in it (store/place.h) and nothing else, so that an
 * operation that waits takes no memory here, the calling path does nothing for Collibra, and neither drain nor destinations wait
 * for it. The place moves when Collibra has confirmed; what was sent before a crash is sent again, and names, ids and imports make
 * that harmless. One process of a state directory exports; another takes over when it dies.
 *
 * Threads: the exporter belongs to its thread; start, stop, wake and the functions on places may be called by any.
 */
#ifndef ENGINE_COLLIBRA_COLLIBRA_EXPORT_H
#define ENGINE_COLLIBRA_COLLIBRA_EXPORT_H

#include "engine/engine.h"

#define GENOPS_COLLIBRA_PLACE_NAME "collibra"
#define GENOPS_COLLIBRA_BUDGETS_KNOWN 256

enum genops_collibra_state {
	GENOPS_COLLIBRA_IDLE,    /* everything was sent, or waits for its batch */
	GENOPS_COLLIBRA_SENDING,
	GENOPS_COLLIBRA_FAILING, /* tried again by itself; reason says why */
	GENOPS_COLLIBRA_WAITING_FOR_REPAIR, /* of the set-up; tried again now and then, and by a flush */
};

/* What is kept and shown to everybody; all sums since the state directory was made. */
struct genops_collibra_place {
	uint32_t version, state;
	int64_t cursor;          /* audit sequence: everything up to here is in Collibra, rejected, or none of its business */
	int64_t urgent_until;    /* what is urgent is there up to here */
	int64_t job_until;       /* what the running import job holds: after the cursor, up to here */
	char job_id[40];         /* "" : none runs */
	uint64_t n_operations, n_created, n_updated, n_rejected;
	uint64_t n_unsent;       /* assets of the delivery that failed last; 0 once it is through */
	uint64_t n_batches, n_urgent; /* deliveries; of these of urgent operations */
	uint64_t n_calls, n_repeats, n_limited;
	int64_t export_ns;       /* of all deliveries */
	int64_t cost_nano_usd;   /* of all operations sent */
	int64_t sent_unix_ns, failed_unix_ns; /* last; 0: never */
	char reason[384];        /* of the failure that lasts; "" : none */
	uint32_t n_budgets, unused;
	uint64_t budgets[GENOPS_COLLIBRA_BUDGETS_KNOWN]; /* hashes of the names of those that are there */
};
#define GENOPS_COLLIBRA_PLACE_VERSION 1

struct genops_collibra_exporter;
struct genops_metrics;

/* Starts, if the configuration exports and this engine may; else OK with *ret_exporter NULL. A new place begins at the ledger's
 * end: what was before is history. IO, FULL, NOMEM. */
GENOPS_NODISCARD int genops_collibra_export_start(
    genops_engine *engine, struct genops_collibra_exporter **ret_exporter, struct genops_error *err);
/* Sends what waits if Collibra takes it at once; what it does not take stays in the ledger. NULL is fine. */
void genops_collibra_export_stop(struct genops_collibra_exporter *exporter);
/* The coming stop waits for nothing: whoever stops has waited long enough. NULL is fine. */
void genops_collibra_export_hurry(struct genops_collibra_exporter *exporter);
void genops_collibra_export_wake(struct genops_collibra_exporter *exporter);

/* Tells the figures, whoever exports; nothing if there is no place. */
void genops_collibra_export_publish(genops_engine *engine, struct genops_metrics *metrics);

/* Does this configuration export at all? */
bool genops_collibra_export_is_on(const struct genops_config *config);

/* The place as it is now; all zero if there is none yet. CORRUPT, IO. */
GENOPS_NODISCARD int genops_collibra_export_look(
    const char *state_dir, struct genops_collibra_place *ret_place, struct genops_error *err);

#endif
