/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_bulk_calls.h - what sending and repairing share. Private to collibra_bulk*.c. */
#ifndef CONNECT_COLLIBRA_EXPORT_COLLIBRA_BULK_CALLS_H
#define CONNECT_COLLIBRA_EXPORT_COLLIBRA_BULK_CALLS_H

#include "connect/collibra/export/collibra_bulk.h"

/* One POST that may not be repeated. */
enum genops_collibra_progress genops_collibra_bulk_call(struct genops_collibra_client *client, const char *path,
    struct genops_buffer *body, char ret_reason[GENOPS_COLLIBRA_REASON_SIZE], enum genops_collibra_outcome *ret_outcome);

/* POST /assets/bulk of these. */
enum genops_collibra_progress genops_collibra_bulk_create(struct genops_collibra_client *client,
    const struct genops_collibra_target *target, const struct genops_collibra_assets *assets, const uint32_t *picked,
    size_t n_picked, char ret_reason[GENOPS_COLLIBRA_REASON_SIZE], enum genops_collibra_outcome *ret_outcome);

/* The next pending assets from *at on that fit into one pair of calls, at most GENOPS_COLLIBRA_BULK_ASSETS; moves *at. */
size_t genops_collibra_bulk_pick(const struct genops_collibra_assets *assets, size_t *at, uint32_t *picked);

#endif
