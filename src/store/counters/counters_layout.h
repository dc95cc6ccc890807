/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_layout.h - the bytes of <state>/counters, as every process maps them.
 *
 * Fixed for a layout number: any change of an offset, a size or a meaning takes a new GENOPS_COUNTERS_LAYOUT.
 * docs/shared-memory.md shows the same offsets; test_counters_layout compares the two.
 * Everything is guarded by header.mutex, but for the fields marked "lock-free" and the locks on bytes of the file.
 */
#ifndef STORE_COUNTERS_LAYOUT_H
#define STORE_COUNTERS_LAYOUT_H

#include "store/counters.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define GENOPS_COUNTERS_MAGIC     "GENOPSC\n"
#define GENOPS_COUNTERS_LAYOUT    1
#define GENOPS_COUNTERS_PROCESSES 256
#define GENOPS_COUNTERS_BUDGETS   4096  /* a power of two, as is: */
#define GENOPS_COUNTERS_BUCKETS   16384
#define GENOPS_COUNTERS_LEASES    16384
#define GENOPS_COUNTERS_UNDO      8176  /* bytes of undo log */
#define GENOPS_COUNTERS_NONE      UINT32_MAX

struct genops_counters_header {
	char magic[8];              /* written last when the file is made */
	uint32_t layout;
	uint32_t unused;
	uint64_t file_size;
	uint64_t hash_seed;
	_Atomic uint64_t drains_asked; /* how often somebody wanted a pass of the drain; lock-free */
	uint64_t next_epoch;
	uint64_t n_starts;          /* how often a first attacher reset the counters */
	uint64_t n_repairs;
	union {                     /* a cache line of its own: everybody writes it */
		pthread_mutex_t mutex;
		char bytes[64];
	} lock;
	int64_t now_unix_ns;        /* the latest time anybody has given */
	uint32_t free_lease;        /* first of the list; NONE */
	uint32_t n_leases;          /* not free */
	uint32_t n_budgets;         /* slots 0 ... n-1 have been used */
	uint32_t n_buckets;
	uint32_t leases_used;       /* leases 0 ... n-1 have been used since the last reset */
	uint32_t bucket_hand;       /* where to look for a bucket to use again */
	int64_t budgets_full_unix_s; /* no budget slot can be used again before */
	uint32_t undo_used;         /* bytes of undo in use; 0: no transaction is open */
	char reserved[20];
	_Alignas(64) uint8_t undo[GENOPS_COUNTERS_UNDO]; /* entries: old bytes, u32 offset, u32 length; newest last */
	char reserved_end[3904];
};

struct genops_counters_process {
	uint64_t epoch;             /* of the life that has the slot or had it last; 0: never used */
	uint64_t dead_epoch;        /* lives up to this one may be reaped */
	uint32_t pid;               /* for people only: whether it lives, its lock says */
	char reserved[44];
};

struct genops_counters_budget {
	struct genops_hash key;
	uint32_t next;              /* in its chain; NONE */
	uint32_t n_leases;          /* that refer to it */
	uint64_t unused;
	struct genops_budget_cell cell;
	char label[96];
	char reserved[56];
};

struct genops_counters_bucket {
	struct genops_hash key;
	struct genops_rate_bucket rate;
	uint32_t next;
	char reserved[20];
};

enum { GENOPS_LEASE_FREE, GENOPS_LEASE_HELD, GENOPS_LEASE_COMMITTED };

struct genops_counters_lease_budget {
	uint16_t slot;
	uint8_t mask;               /* bit 1 << period: lines that hold the reservation */
	uint8_t alerts[GENOPS_PERIOD_N]; /* that the commit crossed: bit per alert_percent index */
};

struct genops_counters_lease { /* 512 bytes: never over two pages, so that one is whole even after a power failure */
	uint32_t state;
	uint32_t process;
	uint64_t epoch;
	uint32_t next;              /* in the free list; NONE */
	uint32_t generation;        /* bits above the index in the lease's number; a stale number matches nothing */
	int64_t reserved_nano_usd;
	int64_t committed_nano_usd;
	int64_t settled_unix_ns;    /* reserved, extended or committed last */
	_Atomic int64_t metered_nano_usd; /* lock-free */
	uint32_t n_budgets;
	uint32_t unused;
	struct genops_counters_lease_budget budgets[GENOPS_RESERVATION_BUDGETS_MAX];
	struct genops_lease_identity identity;
	char reserved[48];
};

struct genops_counters_file {
	struct genops_counters_header header;
	struct genops_counters_process processes[GENOPS_COUNTERS_PROCESSES];
	uint32_t budget_chains[GENOPS_COUNTERS_BUDGETS]; /* first slot by the low bits of the key; NONE */
	uint32_t bucket_chains[GENOPS_COUNTERS_BUCKETS];
	struct genops_counters_budget budgets[GENOPS_COUNTERS_BUDGETS];
	struct genops_counters_bucket buckets[GENOPS_COUNTERS_BUCKETS];
	struct genops_counters_lease leases[GENOPS_COUNTERS_LEASES];
};

/* X(struct, field, offset): what other processes rely on. */
#define GENOPS_COUNTERS_OFFSETS(X)                                                                    \
	X(file, header, 0)                                                                            \
	X(file, processes, 12288)                                                                     \
	X(file, budget_chains, 28672)                                                                 \
	X(file, bucket_chains, 45056)                                                                 \
	X(file, budgets, 110592)                                                                      \
	X(file, buckets, 1683456)                                                                     \
	X(file, leases, 2732032)                                                                      \
	X(header, magic, 0)                                                                           \
	X(header, layout, 8)                                                                          \
	X(header, file_size, 16)                                                                      \
	X(header, hash_seed, 24)                                                                      \
	X(header, drains_asked, 32)                                                                   \
	X(header, next_epoch, 40)                                                                     \
	X(header, n_starts, 48)                                                                       \
	X(header, n_repairs, 56)                                                                      \
	X(header, lock, 64)                                                                           \
	X(header, now_unix_ns, 128)                                                                   \
	X(header, free_lease, 136)                                                                    \
	X(header, n_leases, 140)                                                                      \
	X(header, n_budgets, 144)                                                                     \
	X(header, n_buckets, 148)                                                                     \
	X(header, leases_used, 152)                                                                   \
	X(header, bucket_hand, 156)                                                                   \
	X(header, budgets_full_unix_s, 160)                                                           \
	X(header, undo_used, 168)                                                                     \
	X(header, undo, 192)                                                                          \
	X(process, epoch, 0)                                                                          \
	X(process, dead_epoch, 8)                                                                     \
	X(process, pid, 16)                                                                           \
	X(budget, key, 0)                                                                             \
	X(budget, next, 16)                                                                           \
	X(budget, n_leases, 20)                                                                       \
	X(budget, cell, 32)                                                                           \
	X(budget, label, 232)                                                                         \
	X(bucket, key, 0)                                                                             \
	X(bucket, rate, 16)                                                                           \
	X(bucket, next, 40)                                                                           \
	X(lease, state, 0)                                                                            \
	X(lease, process, 4)                                                                          \
	X(lease, epoch, 8)                                                                            \
	X(lease, next, 16)                                                                            \
	X(lease, generation, 20)                                                                      \
	X(lease, reserved_nano_usd, 24)                                                               \
	X(lease, committed_nano_usd, 32)                                                              \
	X(lease, settled_unix_ns, 40)                                                                 \
	X(lease, metered_nano_usd, 48)                                                                \
	X(lease, n_budgets, 56)                                                                       \
	X(lease, budgets, 64)                                                                         \
	X(lease, identity, 128)

#define X(s, field, offset)                                                                           \
	static_assert(offsetof(struct genops_counters_##s, field) == (offset), #s "." #field);
GENOPS_COUNTERS_OFFSETS(X)
#undef X
static_assert(sizeof(pthread_mutex_t) <= 64, "the mutex has its cache line");
static_assert(sizeof(struct genops_counters_header) == 12288, "three pages");
static_assert(sizeof(struct genops_counters_process) == 64, "a cache line");
static_assert(sizeof(struct genops_counters_budget) == 384, "six cache lines");
static_assert(sizeof(struct genops_counters_bucket) == 64, "a cache line");
static_assert(sizeof(struct genops_counters_lease_budget) == 8, "eight in a cache line");
static_assert(GENOPS_COUNTERS_BUDGETS <= UINT16_MAX, "a lease names a slot in 16 bits");
static_assert(sizeof(struct genops_counters_lease) == 512, "an eighth of a page");
static_assert(sizeof(struct genops_budget_line) == 40, "shared");
static_assert(sizeof(struct genops_counters_file) == 11120640, "the file");

#endif
