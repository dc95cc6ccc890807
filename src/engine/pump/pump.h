/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump.h - one thread a destination, from the durable queue to the far side. The drain owns pumps; these functions are its thread's. */
#ifndef ENGINE_PUMP_H
#define ENGINE_PUMP_H

#include "engine/engine.h"
#include "store/queue.h"
#include "telemetry/metrics.h"

struct genops_pump;

GENOPS_NODISCARD int genops_pump_start(genops_engine *engine, struct genops_queue *queue,
    const struct genops_config_exporter *exporter, struct genops_config *config, struct genops_metrics *metrics,
    struct genops_pump **ret_pump, struct genops_error *err);
/* Would a pump that is started now be the same one? Then it need not be. */
bool genops_pump_is_same(const struct genops_pump *pump, const struct genops_config_exporter *exporter, const struct genops_config *config);
/* Several stop at once: begin with all of them, then each. What is in flight at `until` is broken off. */
void genops_pump_stop_begin(struct genops_pump *pump);
void genops_pump_stop(struct genops_pump *pump, int64_t until_monotonic_ns);
/* The name of an exporter's place in the queue. */
#define GENOPS_PUMP_NAME_SIZE 128
void genops_pump_name(genops_str exporter, char ret_name[GENOPS_PUMP_NAME_SIZE]);
void genops_pump_wake(struct genops_pump *pump);
/* Has everything in the queue been sent, or at least tried since `since`? */
bool genops_pump_is_offered(struct genops_pump *pump, int64_t since_monotonic_ns);

#endif
