/* SPDX-License-Identifier: Apache-2.0
 * genops/collibra_export.h - operations as assets in Collibra: what was sent, what waits, and sending it now.
 *
 * Every operation that is recorded becomes an AI Operation Cost asset and an AI Policy Evaluation asset for each policy and
 * budget that was evaluated; windows of budgets are AI Budget Tracking assets that are kept up to date. One process of the state
 * directory sends them, from the ledger and on a thread of its own: no call waits for Collibra, whatever it does. See
 * docs/collibra.md.
 */
#ifndef GENOPS_COLLIBRA_EXPORT_H
#define GENOPS_COLLIBRA_EXPORT_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of all processes; sums since the state directory was made. */
struct genops_collibra_export_status {
	bool is_on;                   /* the configuration has an instance and an export mode */
	char mode[16];                /* "batch", "realtime", "hybrid", "off" */
	char state[16];               /* "idle", "sending", "failing": is tried again by itself, "held": waits for somebody to mend the set-up */
	char reason[512];             /* why it fails; "" : it does not */
	uint64_t operations_waiting;  /* recorded, but not confirmed by Collibra */
	uint64_t operations_exported;
	uint64_t assets_created;      /* confirmed stored */
	uint64_t assets_updated;      /* windows of budgets that were there already */
	uint64_t assets_failed;       /* rejected for ever, and those of a delivery that fails now */
	uint64_t assets_rejected;     /* for ever: dead-letter.jsonl in the state directory has the reasons */
	uint64_t batches_sent;        /* deliveries, urgent ones included */
	uint64_t urgent_sent;
	uint64_t calls_made;          /* requests, repeats included */
	uint64_t calls_repeated, calls_limited; /* limited: answered with 429 */
	double average_export_time_ms; /* of a delivery; 0: there was none */
	int64_t cost_nano_usd;        /* of all operations that were sent */
	int64_t last_export_unix_ns, last_failure_unix_ns; /* 0: never */
};

/* What is known without asking Collibra. Any thread. IO, CORRUPT, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_export_status(
    genops_engine *engine, struct genops_collibra_export_status *ret_status, struct genops_error *err);

/* Sends everything that was recorded before the call, in this and every other process, and waits until Collibra has confirmed it.
 * *ret_created (may be NULL): assets that were created meanwhile, on failure too. timeout_ms < 0: no limit.
 * Nothing is lost by an error: what was not confirmed is sent later. CONFIG (no Collibra, export off), REMOTE (the set-up must be
 * mended; the message says what), TIMEOUT. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_flush(
    genops_engine *engine, int64_t timeout_ms, uint64_t *ret_created, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
