/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/routed.h - entries of kind GENOPS_ENTRY_ROUTED: items that go to one destination.
 *
 * A version byte, then fields as in codec/wire.h: the destination's name, then items. docs/queue-format.md has the bytes.
 */
#ifndef ENGINE_ROUTED_H
#define ENGINE_ROUTED_H

#include "base/buffer.h"
#include "export/destination.h"

#define GENOPS_ROUTED_ITEMS_MAX 4096
#define GENOPS_ROUTED_BYTES_MAX ((size_t)4 << 20) /* an entry is closed when it is as long; one item may pass it */

void genops_routed_begin(genops_str destination, struct genops_buffer *out);
void genops_routed_add(const struct genops_destination_item *item, struct genops_buffer *out); /* appends; check out->error */

/* For whom is it? Cheap: pumps skip what is not theirs. CORRUPT. */
GENOPS_NODISCARD int genops_routed_destination(genops_str entry, genops_str *ret_destination, struct genops_error *err);
/* Fills items[0, *ret_n), at most `max`; they borrow from `entry`. CORRUPT, LIMIT. */
GENOPS_NODISCARD int genops_routed_items(
    genops_str entry, struct genops_destination_item *items, size_t max, size_t *ret_n, struct genops_error *err);

#endif
