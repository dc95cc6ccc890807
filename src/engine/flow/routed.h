/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/routed.h - entries of kind GENOPS_ENTRY_ROUTED: items that go to one destination, or the same ones to several.
 *
 * A version byte, then fields as in codec/wire.h: when it was made, the destinations' names, then items. docs/queue-format.md has the bytes.
 */
#ifndef ENGINE_ROUTED_H
#define ENGINE_ROUTED_H

#include "base/buffer.h"
#include "export/destination.h"

#define GENOPS_ROUTED_BYTES_MAX ((size_t)512 << 10) /* of an entry, unless its one item is longer */

void genops_routed_begin(const genops_str *destinations, size_t n, struct genops_buffer *out);
void genops_routed_add(const struct genops_destination_item *item, struct genops_buffer *out); /* appends; check out->error */

/* When it was made, Unix ns; 0: not said. */
int64_t genops_routed_time(genops_str entry);

/* Is it for this one? Cheap: pumps skip what is not theirs. CORRUPT, UNSUPPORTED. */
GENOPS_NODISCARD int genops_routed_is_for(genops_str entry, genops_str destination, bool *ret_is_for, struct genops_error *err);

/* Goes over the items. 1: *ret_item is the next one, borrowed from the entry; 0: the end; CORRUPT. */
struct genops_routed_reader {
	const char *at, *end; /* private */
};
void genops_routed_reader_init(struct genops_routed_reader *reader, genops_str entry);
GENOPS_NODISCARD int genops_routed_reader_next(struct genops_routed_reader *reader, struct genops_destination_item *ret_item);

#endif
