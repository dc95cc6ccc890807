/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_asset.h - operation records as Collibra assets: what they are called and what they say. Pure.
 *
 * The same record gives the same names, and the same name in the same domain the same id, in every process and after every
 * crash: a name is unique in its domain, so what is sent twice is there once. A name begins with its kind and the minute in which the
 * operation began ("genops:cost:20261121T1455:<operation id>"), so that one listing shows what of a batch is there.
 */
#ifndef CONNECT_COLLIBRA_EXPORT_COLLIBRA_ASSET_H
#define CONNECT_COLLIBRA_EXPORT_COLLIBRA_ASSET_H

#include "connect/collibra/collibra_types.h"
#include "govern/record.h"

enum genops_collibra_fate {
	GENOPS_COLLIBRA_PENDING,
	GENOPS_COLLIBRA_STORED,   /* confirmed */
	GENOPS_COLLIBRA_REJECTED, /* for ever; reason says why */
};

struct genops_collibra_value {
	enum genops_collibra_attribute_type type;
	genops_str text; /* never empty; numbers as decimal texts */
};

struct genops_collibra_asset {
	enum genops_collibra_asset_type type;
	genops_str name, display_name;
	size_t n_values;
	const struct genops_collibra_value *values;
	/* of its delivery */
	enum genops_collibra_fate fate;
	genops_str reason;
};

/* A list that grows in an arena. */
struct genops_collibra_assets {
	struct genops_arena *arena; /* borrowed; texts, too, live in it or in the records */
	size_t n, max;
	struct genops_collibra_asset *items;
};

void genops_collibra_assets_init(struct genops_collibra_assets *assets, struct genops_arena *arena);

/* The cost of an operation that was not refused (if has_costs), and what each policy and budget said. Texts may borrow from the
 * record's. NOMEM: what was added before stays. */
GENOPS_NODISCARD int genops_collibra_assets_add_record(struct genops_collibra_assets *assets,
    const struct genops_record *record, bool has_costs, struct genops_error *err);

/* One window of one budget as it stands; the same window is always the same asset. */
struct genops_collibra_budget {
	genops_str name, label; /* label: "ml[team=a]" */
	enum genops_period period;
	int64_t start_unix_s, limit_nano_usd, spent_nano_usd, seen_unix_ns;
	genops_str team, project, environment; /* what the budget is for; "" : anything */
};
GENOPS_NODISCARD int genops_collibra_assets_add_budget(
    struct genops_collibra_assets *assets, const struct genops_collibra_budget *budget, struct genops_error *err);

/* Hybrid mode sends these at once: refused or held back, a cost above 10 USD, a budget exceeded (COL-046). */
bool genops_collibra_asset_is_urgent(const struct genops_record *record);

/* UUID version 5 of GenOps' namespace over domain and name: 36 characters and a NUL. False: no memory. */
GENOPS_NODISCARD bool genops_collibra_asset_id(genops_str domain_id, genops_str name, char ret_id[GENOPS_COLLIBRA_ID_SIZE]);

/* How many of the list have this fate. */
size_t genops_collibra_assets_count(const struct genops_collibra_assets *assets, enum genops_collibra_fate fate);

#endif
