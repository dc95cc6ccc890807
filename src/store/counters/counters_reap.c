/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_reap.c - see counters.h: what dead processes held is given back or settled.
 *
 * on_lease writes to the ledger and is called without the lock. Before and after it the lease is looked at again, so that two
 * reapers do no harm, though only the drain should call.
 */
#include "base/clock.h"
#include "store/counters/counters_attach.h"
#include "store/counters/counters_table.h"

#define SCAN_AT_ONCE 512 /* leases looked at under the lock */

static bool is_dead(const struct genops_counters_file *file, const struct genops_counters_lease *lease)
{
	return lease->state != GENOPS_LEASE_FREE && lease->epoch <= file->processes[lease->process].dead_epoch;
}

/* The next dead lease at or after *index, with its number, or false. */
static bool find_dead(struct genops_counters *counters, uint32_t *index, uint32_t *ret_number)
{
	struct genops_counters_file *file = counters->file;
	bool is_found = false, has_more = true;
	while (!is_found && has_more) {
		if (!genops_counters_lock_take(counters))
			return false;
		uint32_t end = *index + SCAN_AT_ONCE;
		has_more = end < file->header.leases_used && file->header.n_leases > 0;
		if (end > file->header.leases_used)
			end = file->header.leases_used;
		while (*index < end && !is_dead(file, &file->leases[*index]))
			(*index)++;
		is_found = *index < end;
		if (is_found)
			*ret_number = genops_counters_table_number(file, *index);
		genops_counters_lock_leave(counters);
	}
	return is_found;
}

static void describe_budget(const struct genops_counters_file *file, const struct genops_counters_lease *lease, uint32_t i,
    struct genops_dead_budget *ret_budget)
{
	const struct genops_counters_lease_budget *held = &lease->budgets[i];
	const struct genops_counters_budget *budget = &file->budgets[held->slot];
	int64_t at = lease->settled_unix_ns / GENOPS_NS_PER_S;
	*ret_budget = (struct genops_dead_budget){.key = budget->key};
	memcpy(ret_budget->label, budget->label, sizeof ret_budget->label - 1);
	memcpy(ret_budget->alerts, held->alerts, sizeof ret_budget->alerts);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		const struct genops_budget_line *line = &budget->cell.lines[period];
		if ((held->mask >> period & 1) && line->period_start_unix_s <= at && at < line->period_end_unix_s)
			ret_budget->windows[ret_budget->n_windows++] = (struct genops_counters_window){
			    (enum genops_period)period, line->period_start_unix_s, line->period_end_unix_s};
	}
}

static bool describe(struct genops_counters *counters, uint32_t index, uint32_t number, struct genops_dead_lease *ret_dead)
{
	struct genops_counters_file *file = counters->file;
	const struct genops_counters_lease *lease = &file->leases[index];
	if (!genops_counters_lock_take(counters))
		return false;
	bool is_there = is_dead(file, lease) && genops_counters_table_number(file, index) == number;
	if (is_there) {
		*ret_dead = (struct genops_dead_lease){
		    .lease = number,
		    .process = lease->process,
		    .process_epoch = lease->epoch,
		    .identity = lease->identity,
		    .reserved_nano_usd = lease->reserved_nano_usd,
		    .metered_nano_usd = atomic_load_explicit(&lease->metered_nano_usd, memory_order_relaxed),
		    .is_committed = lease->state == GENOPS_LEASE_COMMITTED,
		    .committed_nano_usd = lease->committed_nano_usd,
		    .settled_unix_ns = lease->settled_unix_ns,
		    .n_budgets = lease->n_budgets,
		};
		for (uint32_t i = 0; i < lease->n_budgets; i++)
			describe_budget(file, lease, i, &ret_dead->budgets[i]);
	}
	genops_counters_lock_leave(counters);
	return is_there;
}

/* Adds in the windows that `describe` showed; one that has ended since is over for the ledger too. */
static void settle(struct genops_counters_file *file, const struct genops_counters_lease *lease, int64_t amount)
{
	for (uint32_t i = 0; i < lease->n_budgets; i++) {
		struct genops_counters_budget *budget = &file->budgets[lease->budgets[i].slot];
		for (int period = 0; period < GENOPS_PERIOD_N; period++) {
			struct genops_budget_line *line = &budget->cell.lines[period];
			if (!(lease->budgets[i].mask >> period & 1))
				continue;
			genops_counters_lock_save(file, line, sizeof *line);
			(void)genops_budget_line_settle(
			    line, lease->reserved_nano_usd, amount, lease->settled_unix_ns / GENOPS_NS_PER_S);
		}
	}
}

static bool finish(
    struct genops_counters *counters, uint32_t index, uint32_t number, int64_t amount, int64_t now_unix_ns)
{
	struct genops_counters_file *file = counters->file;
	struct genops_counters_lease *lease = &file->leases[index];
	if (!genops_counters_lock_take(counters))
		return false;
	(void)genops_counters_lock_now(counters, now_unix_ns);
	bool is_there = is_dead(file, lease) && genops_counters_table_number(file, index) == number;
	if (is_there) {
		if (amount == GENOPS_DEAD_LEASE_REVERT && !counters->is_setting_up)
			genops_counters_table_revert_lease(file, lease);
		else if (lease->state == GENOPS_LEASE_HELD && !counters->is_setting_up)
			settle(file, lease, amount);
		genops_counters_table_give_lease(file, index);
	}
	genops_counters_lock_leave(counters);
	return is_there;
}

/* Lives that have ended by now may be reaped from the next call on. */
static void mark_dead(struct genops_counters *counters)
{
	for (uint32_t slot = 0; slot < GENOPS_COUNTERS_PROCESSES; slot++) {
		struct genops_counters_process *process = &counters->file->processes[slot];
		if (!genops_counters_lock_take(counters))
			return;
		if (process->dead_epoch < process->epoch) {
			/* A process that just takes this slot holds its byte, but may not have its epoch yet. */
			bool is_alive = genops_counters_attach_is_alive(counters, slot);
			uint64_t dead = is_alive ? process->epoch - 1 : process->epoch;
			if (process->dead_epoch < dead)
				process->dead_epoch = dead;
		}
		genops_counters_lock_leave(counters);
	}
}

size_t genops_counters_reap(struct genops_counters *counters, int64_t now_unix_ns, genops_dead_lease_fn *on_lease, void *arg)
{
	struct genops_dead_lease dead;
	uint32_t number;
	size_t n = 0;
	for (uint32_t index = 0; find_dead(counters, &index, &number); index++) {
		if (!describe(counters, index, number, &dead))
			continue;
		int64_t amount = on_lease(arg, &dead);
		if (amount >= 0 || amount == GENOPS_DEAD_LEASE_REVERT)
			n += finish(counters, index, number, amount, now_unix_ns);
	}
	mark_dead(counters);
	return n;
}
