/* SPDX-License-Identifier: Apache-2.0
 * genops/destination.h - where telemetry goes: how each destination is doing, and whether one can be reached. */
#ifndef GENOPS_DESTINATION_H
#define GENOPS_DESTINATION_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counts are those of the process that drains, since it began with this destination; views are borrowed for the call. */
struct genops_destination_status {
	genops_str name, type;
	genops_str endpoint;             /* scheme and host; "" : none */
	genops_str state;                /* "up", "idle" (nothing was sent yet), "failing", "down" (the circuit breaker is open: only probes are
					  * sent), "rejecting" (what was last sent was refused for ever, all or a part), "unknown" (nobody has drained for it yet) */
	genops_str reason;               /* what is wrong and what to do; "" : nothing */
	bool is_open, is_blocking;       /* the breaker; as much waits as may, and senders of telemetry are refused for it */
	int64_t sent, rejected, dropped; /* operations, spans, data points, log records, events */
	int64_t failures, retries;       /* requests */
	int64_t connection_errors, authentication_failures, throttled; /* of the failures: no answer; 401, 403, 407; 429 */
	int64_t waiting, waiting_bytes;  /* entries of the queue */
	double lag_seconds;              /* how long the first of them has waited */
	int64_t last_sent_unix_ns, last_failed_unix_ns; /* 0: never */
};

/* Returns GENOPS_OK to go on; anything else ends the walk and is what the walk returns. */
typedef int genops_destination_fn(void *arg, const struct genops_destination_status *status);

/* Every exporter and destination of the configuration. IO, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_destination_status_list(
    genops_engine *engine, genops_destination_fn *on_destination, void *arg, struct genops_error *err);

struct genops_destination_trial {
	char name[128], type[32];
	bool is_good;
	bool is_checked;                 /* the destination was asked by its own check; else only whether somebody answers */
	int http_status;                 /* 0: none */
	int64_t duration_ns;
	char message[320];               /* what came of it, and where it is bad what to do; never a secret */
};

/* Asks a destination whether address and credentials are right: by the vendor's own check where there is one. Nothing is stored there.
 * NOT_FOUND: the configuration has none of that name. Whatever the destination says is no error. */
GENOPS_API GENOPS_NODISCARD int genops_destination_test(
    genops_engine *engine, genops_str name, struct genops_destination_trial *ret_trial, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
