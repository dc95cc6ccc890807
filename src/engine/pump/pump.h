/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump.h - one thread a destination, from the durable queue to the far side. The drain owns pumps; these functions are its thread's. */
#ifndef ENGINE_PUMP_H
#define ENGINE_PUMP_H

#include "engine/engine.h"
#include "store/queue.h"
#include "telemetry/metrics/metrics.h"

#define GENOPS_PUMP_NAME_SIZE 128

struct genops_pump;

/* How a destination is doing, since its pump began. */
struct genops_pump_status {
	char name[GENOPS_PUMP_NAME_SIZE], type[32], endpoint[256]; /* endpoint without what may be secret in it */
	uint64_t n_sent, n_rejected, n_dropped;                     /* operations, spans, data points, log records, events */
	uint64_t n_failures, n_retries;                             /* requests */
	uint64_t n_connection_errors, n_auth_failures, n_throttled; /* of n_failures */
	uint64_t waiting_bytes, waiting_entries;                    /* in its own queue, or in the one that all share from its place on */
	uint64_t own_bytes;                                         /* of waiting_bytes, those in its own queue */
	int64_t lag_ns;                                             /* how long the first of what waits has waited */
	uint32_t n_failures_in_row;
	bool is_open;                                               /* the circuit breaker: only probes */
	bool is_blocking;                                           /* as much waits as may, and receivers refuse for it */
	int64_t sent_unix_ns, failed_unix_ns;                       /* last; 0: never */
	char reason[256];                                           /* of the last failure; "" : the last attempt was good */
};

GENOPS_NODISCARD int genops_pump_start(genops_engine *engine, struct genops_queue *queue,
    const struct genops_config_exporter *exporter, struct genops_config *config, struct genops_metrics *metrics,
    struct genops_pump **ret_pump, struct genops_error *err);
/* Would a pump that is started now be the same one? Then it need not be. */
bool genops_pump_is_same(const struct genops_pump *pump, const struct genops_config_exporter *exporter, const struct genops_config *config);
/* Several stop at once: begin with all of them, then each. What is waiting is sent, if the far side takes it, until `send_until`; the answer
 * to what was sent by then, which would else come twice, is waited for until `answer_until`. What is in flight then is broken off. */
void genops_pump_stop_begin(struct genops_pump *pump);
void genops_pump_stop(struct genops_pump *pump, int64_t send_until_ns, int64_t answer_until_ns); /* monotonic */
/* The name of an exporter's place in the queue. */
void genops_pump_name(genops_str exporter, char ret_name[GENOPS_PUMP_NAME_SIZE]);
void genops_pump_wake(struct genops_pump *pump);
/* Has everything in the queue been sent, or at least tried since `since`? */
bool genops_pump_is_offered(struct genops_pump *pump, int64_t since_monotonic_ns);

void genops_pump_status(struct genops_pump *pump, struct genops_pump_status *ret_status);
/* All queues together have what they may have, or not any more. */
void genops_pump_limit(struct genops_pump *pump, bool is_disk_full);

#endif
