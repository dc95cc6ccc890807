/* SPDX-License-Identifier: Apache-2.0
 * store/drain_lock.h - who drains: whoever holds the lock of <state>/drain.lock. The kernel gives it back when the holder dies.
 */
#ifndef STORE_DRAIN_LOCK_H
#define STORE_DRAIN_LOCK_H

#include "base/error.h"

struct genops_drain_lock;

/* BUSY: another process drains (the message names it). The owned lock in *ret_lock. A forked
 * child does not inherit it. */
GENOPS_NODISCARD int genops_drain_lock_try(
    const char *state_dir, struct genops_drain_lock **ret_lock, struct genops_error *err);
void genops_drain_lock_release(struct genops_drain_lock *lock); /* NULL is fine */

#endif
