/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_table.h - finding and making the slots of budgets, buckets and leases. Inner header.
 * The lock is held; what changes is in the undo log. */
#ifndef STORE_COUNTERS_TABLE_H
#define STORE_COUNTERS_TABLE_H

#include "store/counters/counters_lock.h"

/* NONE: not there. */
uint32_t genops_counters_table_budget(const struct genops_counters_file *file, struct genops_hash key);
/* Makes it if it is not there. NONE: all slots hold something. */
uint32_t genops_counters_table_add_budget(
    struct genops_counters_file *file, struct genops_hash key, genops_str label, int64_t now_unix_s);

uint32_t genops_counters_table_bucket(const struct genops_counters_file *file, struct genops_hash key);
uint32_t genops_counters_table_add_bucket(
    struct genops_counters_file *file, struct genops_hash key, int64_t now_monotonic_ns);

/* Takes a free lease and counts it; its head is saved, state is still FREE. NONE: all are in flight. */
uint32_t genops_counters_table_take_lease(struct genops_counters_file *file);
/* Gives a lease back; its budgets lose a lease each. */
void genops_counters_table_give_lease(struct genops_counters_file *file, uint32_t index);

/* Forgets all budgets. Only for a first attacher, and no transaction. */
/* Takes back what a committed lease added, gives back what a held one holds. */
void genops_counters_table_revert_lease(struct genops_counters_file *file, struct genops_counters_lease *lease);

void genops_counters_table_wipe_budgets(struct genops_counters_file *file);
void genops_counters_table_wipe_buckets(struct genops_counters_file *file);
/* Makes the free list from the leases' states; those in flight stay. */
void genops_counters_table_relink_leases(struct genops_counters_file *file);

/* A lease's number outside: generation above the index. */
static inline uint32_t genops_counters_table_number(const struct genops_counters_file *file, uint32_t index)
{
	return file->leases[index].generation * GENOPS_COUNTERS_LEASES + index;
}

static inline uint32_t genops_counters_table_index(uint32_t number)
{
	return number % GENOPS_COUNTERS_LEASES;
}

#endif
