/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_view.c - see counters.h: rate buckets, questions for a drain, and looking at what is there. */
#include "base/clock.h"
#include "store/counters/counters_attach.h"
#include "store/counters/counters_table.h"

#define NONE GENOPS_COUNTERS_NONE
#define VIEWS_AT_ONCE 64 /* copied under the lock */

/* --- rates --- */

bool genops_counters_take_rate(struct genops_counters *counters, struct genops_hash key, double tokens_per_minute,
    int64_t burst, int64_t max_delay_ns, int64_t now_monotonic_ns, bool is_dry_run, int64_t *ret_delay_ns)
{
	struct genops_counters_file *file = counters->file;
	struct genops_rate_bucket fresh = {0}, *rate = &fresh;
	*ret_delay_ns = GENOPS_NS_PER_S;
	if (!genops_counters_lock_take(counters))
		return false;
	uint32_t index = genops_counters_table_bucket(file, key);
	if (index == NONE && !is_dry_run)
		index = genops_counters_table_add_bucket(file, key, now_monotonic_ns);
	if (index != NONE) {
		rate = &file->buckets[index].rate;
		genops_counters_lock_save(file, rate, sizeof *rate);
	}
	bool is_taken = index == NONE && !is_dry_run
			    ? false
			    : genops_rate_take(rate, tokens_per_minute, burst, max_delay_ns, now_monotonic_ns,
				  is_dry_run, ret_delay_ns);
	genops_counters_lock_leave(counters);
	return is_taken;
}

/* --- views --- */

static void copy_view(const struct genops_counters_budget *budget, struct genops_budget_view *view)
{
	memcpy(view->label, budget->label, sizeof view->label);
	view->label[sizeof view->label - 1] = '\0';
	view->key = budget->key;
	view->cell = budget->cell;
}

size_t genops_counters_budgets(struct genops_counters *counters, struct genops_budget_view *ret_views, size_t max)
{
	const struct genops_counters_file *file = counters->file;
	size_t n = 0;
	bool has_more = true;
	for (uint32_t from = 0; has_more && from < GENOPS_COUNTERS_BUDGETS; from += VIEWS_AT_ONCE) {
		if (!genops_counters_lock_take(counters))
			return n;
		for (uint32_t index = from; index < from + VIEWS_AT_ONCE && index < file->header.n_budgets; index++) {
			if (n < max)
				copy_view(&file->budgets[index], &ret_views[n]);
			n++;
		}
		has_more = from + VIEWS_AT_ONCE < file->header.n_budgets;
		genops_counters_lock_leave(counters);
	}
	return n;
}

bool genops_counters_budget(struct genops_counters *counters, struct genops_hash key, struct genops_budget_view *ret_view)
{
	if (!genops_counters_lock_take(counters))
		return false;
	uint32_t index = genops_counters_table_budget(counters->file, key);
	if (index != NONE)
		copy_view(&counters->file->budgets[index], ret_view);
	genops_counters_lock_leave(counters);
	return index != NONE;
}

bool genops_counters_has_observed(struct genops_counters *counters)
{
	const struct genops_counters_file *file = counters->file;
	bool has_observed = false;
	if (!genops_counters_lock_take(counters))
		return true;
	for (uint32_t i = 0; i < file->header.leases_used && !has_observed; i++) {
		const struct genops_counters_lease *lease = &file->leases[i];
		has_observed = lease->state != GENOPS_LEASE_FREE && lease->identity.is_observed &&
			       (lease->process != counters->process || lease->epoch != counters->epoch);
	}
	genops_counters_lock_leave(counters);
	return has_observed;
}

void genops_counters_ask_drain(struct genops_counters *counters)
{
	atomic_fetch_add_explicit(&counters->file->header.drains_asked, 1, memory_order_acq_rel);
}

uint64_t genops_counters_drains_asked(const struct genops_counters *counters)
{
	return atomic_load_explicit(&counters->file->header.drains_asked, memory_order_acquire);
}

uint64_t genops_counters_hash_seed(const struct genops_counters *counters)
{
	return counters->file->header.hash_seed;
}

uint32_t genops_counters_process(const struct genops_counters *counters)
{
	return counters->process;
}

uint64_t genops_counters_epoch(const struct genops_counters *counters)
{
	return counters->epoch;
}

void genops_counters_stats(struct genops_counters *counters, struct genops_counters_stats *ret_stats)
{
	const struct genops_counters_header *header = &counters->file->header;
	struct genops_counters_stats stats = {0};
	if (!genops_counters_lock_take(counters))
		return;
	stats.n_leases = header->n_leases;
	stats.n_budgets = header->n_budgets;
	stats.n_buckets = header->n_buckets;
	stats.n_repairs = header->n_repairs;
	genops_counters_lock_leave(counters);
	for (uint32_t slot = 0; slot < GENOPS_COUNTERS_PROCESSES; slot++)
		stats.n_processes += genops_counters_attach_is_alive(counters, slot);
	*ret_stats = stats;
}

size_t genops_counters_pids(const struct genops_counters *counters, uint32_t *pids, size_t max)
{
	size_t n = 0;
	for (uint32_t slot = 0; slot < GENOPS_COUNTERS_PROCESSES && n < max; slot++) {
		if (genops_counters_attach_is_alive(counters, slot))
			pids[n++] = counters->file->processes[slot].pid;
	}
	return n;
}
