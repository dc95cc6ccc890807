/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_lock.c - see counters_lock.h. The lock is held for a fraction of a microsecond, so it is worth
 * trying a few times before going to sleep in the kernel. */
#include "store/counters/counters_lock.h"

#include <errno.h>

#define TRIES 64

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void genops_counters_lock_undo(struct genops_counters_file *file)
{
	struct genops_counters_header *header = &file->header;
	while (header->undo_used >= sizeof(uint32_t[2]) && header->undo_used <= GENOPS_COUNTERS_UNDO) {
		uint32_t place[2], end = header->undo_used - (uint32_t)sizeof place;
		memcpy(place, header->undo + end, sizeof place);
		/* After a power failure the log may be anything; it must not lead out of the file or into the lock. */
		if (place[1] > end || place[0] < offsetof(struct genops_counters_header, now_unix_ns) ||
		    place[0] > sizeof *file - place[1])
			break;
		memcpy((char *)file + place[0], header->undo + end - place[1], place[1]);
		atomic_signal_fence(memory_order_seq_cst);
		header->undo_used = end - place[1];
		atomic_signal_fence(memory_order_seq_cst);
	}
	header->undo_used = 0;
}

static bool repair(struct genops_counters *counters)
{
	struct genops_counters_header *header = &counters->file->header;
	genops_counters_lock_undo(counters->file);
	header->n_repairs++;
	return pthread_mutex_consistent(&header->lock.mutex) == 0;
}

bool genops_counters_lock_take(struct genops_counters *counters)
{
	pthread_mutex_t *mutex = &counters->file->header.lock.mutex;
	int code = pthread_mutex_trylock(mutex);
	for (int i = 0; code == EBUSY && i < TRIES; i++) {
		relax();
		code = pthread_mutex_trylock(mutex);
	}
	if (code == EBUSY)
		code = pthread_mutex_lock(mutex);
	if (code == EOWNERDEAD)
		return repair(counters);
	return code == 0;
}

void genops_counters_lock_leave(struct genops_counters *counters)
{
	struct genops_counters_header *header = &counters->file->header;
	atomic_signal_fence(memory_order_seq_cst);
	header->undo_used = 0;
	atomic_signal_fence(memory_order_seq_cst);
	(void)pthread_mutex_unlock(&header->lock.mutex);
}
