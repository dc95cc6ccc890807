/* SPDX-License-Identifier: Apache-2.0
 * store/state_dir.h - the state directory: made and checked.
 *
 * <state>/            mode 0700, owned by who runs GenOps, on a local file system
 *   segments/ queue/  made here; counters, ledger.db and the rest by their own files
 *   drain.lock        store/drain_lock.h
 */
#ifndef STORE_STATE_DIR_H
#define STORE_STATE_DIR_H

#include "base/error.h"

#include <stdint.h>

/* Who holds its lock (store/state_file.h) copies segments and queue: the drain removes nothing meanwhile. */
#define GENOPS_STATE_HOLD "backup.hold"

/* Makes what is missing (parents too, all 0700), makes an empty directory private, and refuses
 * what is not safe to use. Errors: CONFIG (not a directory, a path too long), DENIED (another
 * owner, open to others, not writable), UNSUPPORTED (a network file system), FULL, IO. */
GENOPS_NODISCARD int genops_state_dir_open(const char *path, struct genops_error *err);

/* FULL unless the file system has `need_bytes` left for us. */
GENOPS_NODISCARD int genops_state_dir_space(
    const char *path, uint64_t need_bytes, struct genops_error *err);

#endif
