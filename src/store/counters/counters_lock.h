/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_lock.h - a process's handle on the file, the lock, and the undo log. Inner header.
 *
 * A transaction: take, then for each piece save it before it is changed, then leave (keeps the changes) or undo and
 * leave. If the process dies in it, whoever takes the lock next undoes it first.
 */
#ifndef STORE_COUNTERS_LOCK_H
#define STORE_COUNTERS_LOCK_H

#include "store/counters/counters_layout.h"
#include "store/fork.h"

#include <sys/types.h>

struct genops_counters {
	struct genops_counters_file *file; /* mapped */
	int fd;                            /* its open description holds the lock on the slot's byte; -1: none */
	unsigned fork_generation;          /* another one now: slot and descriptor are the parent's */
	dev_t device;
	ino_t inode;
	uint32_t process;                  /* NONE: has no slot (a fork that failed to attach) */
	uint64_t epoch;
	bool is_setting_up;                /* first attacher, not ready yet */
	bool is_wiped;                     /* the old budgets are gone; restore may fill in */
	char *path;
};

/* Has this process a slot of its own? A forked child has none before genops_counters_after_fork. */
static inline bool genops_counters_lock_is_mine(const struct genops_counters *counters)
{
	return counters->process != GENOPS_COUNTERS_NONE && counters->fork_generation == genops_fork_generation();
}

/* False: the mutex is beyond repair. */
GENOPS_NODISCARD bool genops_counters_lock_take(struct genops_counters *counters);
void genops_counters_lock_leave(struct genops_counters *counters);
void genops_counters_lock_undo(struct genops_counters_file *file);

/* Puts what is at ptr into the undo log. The fences keep the compiler from moving stores over each other; between a
 * dead process and the next one the kernel sees to the rest. */
static inline void genops_counters_lock_save(struct genops_counters_file *file, const void *ptr, size_t len)
{
	struct genops_counters_header *header = &file->header;
	uint32_t place[2] = {(uint32_t)((const char *)ptr - (const char *)file), (uint32_t)len};
	uint32_t used = header->undo_used;
	assert(used + len + sizeof place <= GENOPS_COUNTERS_UNDO); /* a transaction's most is stated in counters.c */
	memcpy(header->undo + used, ptr, len);
	memcpy(header->undo + used + len, place, sizeof place);
	atomic_signal_fence(memory_order_seq_cst);
	header->undo_used = used + (uint32_t)(len + sizeof place);
	atomic_signal_fence(memory_order_seq_cst);
}

/* Time as everybody sees it: never goes back. Lock held. */
static inline int64_t genops_counters_lock_now(struct genops_counters *counters, int64_t now_unix_ns)
{
	struct genops_counters_header *header = &counters->file->header;
	if (header->now_unix_ns < now_unix_ns)
		header->now_unix_ns = now_unix_ns;
	return header->now_unix_ns;
}

#endif
