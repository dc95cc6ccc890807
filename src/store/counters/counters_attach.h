/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_attach.h - who is alive, as the locks on the file say. Inner header. */
#ifndef STORE_COUNTERS_ATTACH_H
#define STORE_COUNTERS_ATTACH_H

#include "store/counters/counters_lock.h"

/* Byte ranges that are locked. Where they lie is the same in every layout, so that processes of two versions see each other. */
#define GENOPS_COUNTERS_SETUP_BYTE   0
#define GENOPS_COUNTERS_PROCESS_BYTE ((off_t)offsetof(struct genops_counters_file, processes))
#define GENOPS_COUNTERS_PROCESS_STEP ((off_t)sizeof(struct genops_counters_process))

/* Does a process hold this slot? One system call; own slot: yes. */
bool genops_counters_attach_is_alive(const struct genops_counters *counters, uint32_t slot);

/* counters_seed.c: reads <dir>/hash-seed, or makes it from `known` (0: at random). Set-up lock held. */
GENOPS_NODISCARD int genops_counters_seed_load(
    const char *state_dir, uint64_t known, uint64_t *ret_seed, struct genops_error *err);

#endif
