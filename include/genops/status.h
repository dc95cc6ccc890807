/* SPDX-License-Identifier: Apache-2.0
 * genops/status.h - how GenOps itself is doing on this state directory, and what the price catalogue holds.
 */
#ifndef GENOPS_STATUS_H
#define GENOPS_STATUS_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

struct genops_status {
	char state_dir[4096], config_file[4096]; /* config_file "" : defaults */
	char mode[16];                           /* "enforced", "advisory", "audit_only" */
	uint32_t n_processes;                    /* attached to the state directory, this one included */
	uint32_t n_in_flight;                    /* governed calls that run now, in all processes */
	uint64_t n_repairs;                      /* counter transactions undone because their process died in them */
	bool is_drained_by_us;                   /* this process drains */
	bool is_behind;                          /* something appended is not in the ledger yet */
	char node[256];                          /* which of worker_nodes this machine is; "" : none, or there are none */
	uint64_t worker_memory, buffer_bytes, disk_bytes; /* what may be taken; worker_memory 0: any */
	int64_t connections, events;             /* at once; 0: any */
	size_t n_policies, n_budgets, n_keys, n_prices, n_providers, n_exporters, n_warnings;
	uint64_t segment_bytes, queue_bytes, ledger_bytes;
	uint64_t free_bytes;                     /* on the disk of the state directory */
	int64_t n_dead_letters;                  /* records that a destination rejected for ever */
};

GENOPS_API GENOPS_NODISCARD int genops_engine_status(
    genops_engine *engine, struct genops_status *ret_status, struct genops_error *err);

/* One row of the catalogue as it is in force: shipped facts, then pricing.files. Rates in nano-USD per million units of `name`;
 * views are borrowed for the call. */
struct genops_catalog_rate {
	const char *name;            /* "input", "output", "cache_read", ... */
	int64_t nano_usd_per_million;
};

struct genops_catalog_row {
	genops_str provider, model, mode, source, source_date;
	int64_t max_input_tokens, max_output_tokens; /* 0: unknown */
	int64_t valid_from_unix_s, valid_until_unix_s; /* until: exclusive; INT64_MAX: open */
	bool is_ceiling;             /* the row that an unknown model of the provider is priced by */
	size_t n_rates;              /* of the standard tier */
	const struct genops_catalog_rate *rates;
	size_t n_tiers;              /* rate cards beyond the standard one: batch, priority, long context */
};

/* Returns GENOPS_OK to go on; anything else ends the walk and is what the walk returns. */
typedef int genops_catalog_fn(void *arg, const struct genops_catalog_row *row);

/* Every row whose provider and model fit (globs with *, empty: all), ordered as the catalogue is. */
GENOPS_API GENOPS_NODISCARD int genops_catalog_list(genops_engine *engine, genops_str provider, genops_str model,
    genops_catalog_fn *on_row, void *arg, struct genops_error *err);

/* The row that a call of this model would be priced by now, a ceiling included. NOT_FOUND: nothing, not even a ceiling. */
GENOPS_API GENOPS_NODISCARD int genops_catalog_find(genops_engine *engine, genops_str provider, genops_str model,
    genops_catalog_fn *on_row, void *arg, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
