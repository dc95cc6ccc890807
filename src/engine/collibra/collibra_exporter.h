/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_exporter.h - the exporter's inside, for the files beside it. Its thread's alone but for what `lock` guards. */
#ifndef ENGINE_COLLIBRA_COLLIBRA_EXPORTER_H
#define ENGINE_COLLIBRA_COLLIBRA_EXPORTER_H

#include "connect/collibra/export/collibra_bulk.h"
#include "engine/collibra/collibra_export.h"
#include "engine/collibra/collibra_session.h"
#include "net/retry.h"
#include "store/ledger.h"
#include "store/place.h"

/* Operations on their way: read from the ledger, made into assets, delivered as one. */
struct genops_collibra_delivery {
	bool is_open, is_import; /* is_import: a job delivers it */
	int64_t until;           /* the place moves here when it is through */
	struct genops_arena arena;
	struct genops_buffer bytes;          /* encoded records, one behind the other */
	struct genops_collibra_assets assets;
	struct genops_collibra_job job;
	size_t n_operations;
	int64_t cost_nano_usd, began_ns;
};

struct genops_collibra_sent_budget {
	uint64_t name;
	int64_t limit_nano_usd, spent_nano_usd;
};

struct genops_collibra_exporter {
	genops_engine *engine;
	struct genops_config *config;        /* one reference; NULL before the first tick */
	struct genops_place *file;           /* NULL: another process exports */
	struct genops_collibra_place place;
	struct genops_ledger *ledger;        /* NULL: nothing is recorded yet */
	int64_t file_at_ns;                  /* monotonic; when to try for it again */

	/* the far side */
	struct genops_collibra_session session;
	struct genops_collibra_target target;
	bool is_connected, is_import_closed; /* import closed: 403 or 404 */
	int64_t import_closed_ns;            /* monotonic; tried again now and then */
	struct genops_collibra_counts counted; /* of the account; what the place has already */
	struct genops_retry retry;
	char complaint[384];                 /* last one logged, so that it is logged once */

	/* what waits */
	uint64_t asked;                      /* ticket of the asking that was looked at last */
	int64_t flush_to;                    /* what it makes due */
	int64_t seen;                        /* audit sequence */
	size_t n_waiting;                    /* operations behind the cursor that were seen and are not urgent */
	int64_t waiting_since_ns;            /* monotonic; of the first of them */
	struct genops_collibra_delivery batch, urgent;
	struct genops_collibra_sent_budget budgets[GENOPS_COLLIBRA_BUDGETS_KNOWN];
	size_t n_budgets;
	uint64_t n_operations_told;          /* place.n_operations when budgets were looked at last */
	int64_t budgets_at_ns;               /* monotonic */
	bool has_exceeded_budget;            /* an urgent record said so: tell its budget at once, too */

	pthread_t thread;
	pthread_mutex_t lock;                /* is_woken, is_done */
	pthread_cond_t wake;
	bool is_woken, is_done;
	int must_stop, must_abort;           /* atomic */
	_Atomic size_t n_shown;              /* what waits, for the metrics */
};

/* collibra_link.c: session, types, domain; as needed. False: not now (complained, retry set). */
bool genops_collibra_link_open(struct genops_collibra_exporter *exporter);
void genops_collibra_link_close(struct genops_collibra_exporter *exporter);

/* collibra_feed.c: from the ledger. scan sees what is new and opens the urgent delivery; gather opens the batch. */
GENOPS_NODISCARD int genops_collibra_feed_scan(struct genops_collibra_exporter *exporter, struct genops_error *err);
GENOPS_NODISCARD int genops_collibra_feed_gather(struct genops_collibra_exporter *exporter, struct genops_error *err);
void genops_collibra_feed_forget(struct genops_collibra_exporter *exporter); /* scan again from the cursor on */

/* collibra_delivery.c: one step of a delivery. */
void genops_collibra_delivery_init(struct genops_collibra_delivery *delivery);
void genops_collibra_delivery_done(struct genops_collibra_delivery *delivery);
void genops_collibra_delivery_reset(struct genops_collibra_delivery *delivery);
void genops_collibra_delivery_step(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery);
/* Something failed: told once, tried again later. */
void genops_collibra_delivery_fail(struct genops_collibra_exporter *exporter, enum genops_collibra_progress progress, const char *reason);
void genops_collibra_delivery_save(struct genops_collibra_exporter *exporter, bool is_synced);

/* collibra_budgets.c: the windows that changed since they were sent last, as assets of the batch. */
GENOPS_NODISCARD int genops_collibra_budgets_add(struct genops_collibra_exporter *exporter, struct genops_error *err);
/* They are there now. Returns how many of them are new. */
size_t genops_collibra_budgets_sent(struct genops_collibra_exporter *exporter, const struct genops_collibra_assets *assets);

#endif
