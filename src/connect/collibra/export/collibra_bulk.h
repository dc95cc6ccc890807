/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_bulk.h - assets through Collibra's Core API: fast, two calls for up to 500 assets, but neither call
 * may be made twice.
 *
 * An asset's name and id are unique, so a second POST of it is refused; an attribute's is not, so a second POST would add a second value.
 * Whenever the outcome of a call is not certain, send stops and says DOUBTFUL. Then an import of the same assets (collibra_job.h)
 * sets them right whatever is there; where imports are not allowed, repair looks first and adds only what is missing. Blocks.
 */
#ifndef CONNECT_COLLIBRA_EXPORT_COLLIBRA_BULK_H
#define CONNECT_COLLIBRA_EXPORT_COLLIBRA_BULK_H

#include "connect/collibra/export/collibra_job.h"

#define GENOPS_COLLIBRA_BULK_ASSETS	500
#define GENOPS_COLLIBRA_BULK_ATTRIBUTES 1000
#define GENOPS_COLLIBRA_REASON_SIZE	384

/* All pending assets that are new by their nature (not budgets, which are updated). DONE, or where it stopped: AGAIN, HELD, STALE,
 * DOUBTFUL. */
enum genops_collibra_progress genops_collibra_bulk_send(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, struct genops_collibra_assets *assets,
    char ret_reason[GENOPS_COLLIBRA_REASON_SIZE]);

/* All pending assets, budgets too: looks what is there, adds what is missing. As above; DOUBTFUL: do it once more, later. */
enum genops_collibra_progress genops_collibra_bulk_repair(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, struct genops_collibra_assets *assets,
    char ret_reason[GENOPS_COLLIBRA_REASON_SIZE]);

/* "genops:cost:20261121T1455" of a name; what one listing asks for. */
genops_str genops_collibra_bulk_prefix(genops_str name);

#endif
