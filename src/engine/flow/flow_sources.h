/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_sources.h - what processors of service.pipelines ask the engine for: sums of cost, how a budget stands. */
#ifndef ENGINE_FLOW_SOURCES_H
#define ENGINE_FLOW_SOURCES_H

#include "engine/engine.h"
#include "store/ledger.h"

struct genops_flow_sources {
	genops_engine *engine;        /* NULL: there are none */
	struct genops_ledger *ledger; /* the drain's */
};

/* struct genops_service_asks.costs */
GENOPS_NODISCARD int genops_flow_sources_costs(const struct genops_flow_sources *sources, const genops_str *by, size_t n_by,
    genops_service_costs_fn *fn, void *fn_arg, int64_t *ret_begin_unix_ns, struct genops_error *err);
/* struct genops_service_asks.budget, of this configuration; a budget's one window. */
bool genops_flow_sources_budget(const struct genops_flow_sources *sources, const struct genops_config *config, genops_str name,
    int64_t now_unix_ns, int64_t *ret_limit_nano_usd, int64_t *ret_consumed_nano_usd);

#endif
