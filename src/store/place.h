/* SPDX-License-Identifier: Apache-2.0
 * store/place.h - how far a connector has come: who may move its place, the place itself, and what it is asked to reach.
 *
 * <state>/<name>.lock   held by the one process that works; the kernel gives it back when that dies
 * <state>/<name>.place  a block of bytes of the connector's own, checksummed, replaced as a whole
 * <state>/<name>.ask    the furthest that anybody asked it to reach at once, and a number that every asking changes
 *
 * The connector reads its work from the ledger's audit chain, behind its place: the chain is what is durable, so nothing is
 * buffered a second time, and a far side that is away for days holds up nobody.
 *
 * Threads: a place is used by one thread; load and ask by any thread of any process.
 */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_PLACE_MAX ((size_t)65536) /* bytes of a place */

struct genops_place;

/* BUSY: another process, or another engine of this one, has it. */
GENOPS_NODISCARD int genops_place_open(
    const char *state_dir, const char *name, struct genops_place **ret_place, struct genops_error *err);
void genops_place_close(struct genops_place *place); /* NULL is fine */

/* Replaces it as a whole; with is_synced it outlives a power cut when this returns. IO, FULL. */
GENOPS_NODISCARD int genops_place_save(
    struct genops_place *place, const void *bytes, size_t len, bool is_synced, struct genops_error *err);
/* What was asked for last. All zero: nothing. The ticket differs after every asking, also for the same target. */
struct genops_place_asking {
	int64_t target;
	uint64_t ticket;
};
struct genops_place_asking genops_place_asked(const struct genops_place *place);

/* The place as it is now, `len` bytes of it. NOT_FOUND: there is none. CORRUPT: it does not verify, or has another length. */
GENOPS_NODISCARD int genops_place_load(
    const char *state_dir, const char *name, void *out, size_t len, struct genops_error *err);
/* Asks whoever works to reach `target` at once. */
GENOPS_NODISCARD int genops_place_ask(
    const char *state_dir, const char *name, int64_t target, struct genops_error *err);

#endif
