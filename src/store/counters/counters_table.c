/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_table.c - see counters_table.h.
 *
 * Budgets and buckets hang in chains by the low bits of their key. Slots are used in order; when all are, one is used again
 * that is as good as new: a budget whose windows are all over and that no lease refers to, a bucket that is full.
 */
#include "store/counters/counters_table.h"

#include "base/clock.h"

#define BUCKETS_LOOKED_AT  256      /* under the lock, when all are in use */
#define GENERATIONS        (UINT32_C(1) << 18)

#define save genops_counters_lock_save

static void set(struct genops_counters_file *file, uint32_t *word, uint32_t value)
{
	save(file, word, sizeof *word);
	*word = value;
}

/* --- budgets --- */

static uint32_t *budget_chain(struct genops_counters_file *file, struct genops_hash key)
{
	return &file->budget_chains[key.low % GENOPS_COUNTERS_BUDGETS];
}

uint32_t genops_counters_table_budget(const struct genops_counters_file *file, struct genops_hash key)
{
	uint32_t index = file->budget_chains[key.low % GENOPS_COUNTERS_BUDGETS];
	for (uint32_t n = 0; index < GENOPS_COUNTERS_BUDGETS && n < GENOPS_COUNTERS_BUDGETS; n++) {
		if (genops_hash_equal(file->budgets[index].key, key))
			return index;
		index = file->budgets[index].next;
	}
	return GENOPS_COUNTERS_NONE;
}

static bool is_over(const struct genops_counters_budget *budget, int64_t now_unix_s)
{
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		if (budget->cell.lines[period].period_end_unix_s > now_unix_s)
			return false;
	}
	return budget->n_leases == 0;
}

static void unlink_budget(struct genops_counters_file *file, uint32_t index)
{
	uint32_t *link = budget_chain(file, file->budgets[index].key);
	for (uint32_t n = 0; *link < GENOPS_COUNTERS_BUDGETS && n < GENOPS_COUNTERS_BUDGETS; n++) {
		if (*link == index) {
			set(file, link, file->budgets[index].next);
			return;
		}
		link = &file->budgets[*link].next;
	}
}

static uint32_t free_budget(struct genops_counters_file *file, int64_t now_unix_s)
{
	struct genops_counters_header *header = &file->header;
	if (header->n_budgets < GENOPS_COUNTERS_BUDGETS) {
		set(file, &header->n_budgets, header->n_budgets + 1);
		return header->n_budgets - 1;
	}
	if (now_unix_s < header->budgets_full_unix_s)
		return GENOPS_COUNTERS_NONE;
	for (uint32_t index = 0; index < GENOPS_COUNTERS_BUDGETS; index++) {
		if (is_over(&file->budgets[index], now_unix_s)) {
			unlink_budget(file, index);
			save(file, &file->budgets[index], sizeof file->budgets[index]);
			return index;
		}
	}
	header->budgets_full_unix_s = now_unix_s + 1; /* looking at all takes a while: not for every call */
	return GENOPS_COUNTERS_NONE;
}

uint32_t genops_counters_table_add_budget(
    struct genops_counters_file *file, struct genops_hash key, genops_str label, int64_t now_unix_s)
{
	uint32_t index = genops_counters_table_budget(file, key);
	if (index != GENOPS_COUNTERS_NONE)
		return index;
	index = free_budget(file, now_unix_s);
	if (index == GENOPS_COUNTERS_NONE)
		return index;
	struct genops_counters_budget *budget = &file->budgets[index];
	uint32_t *chain = budget_chain(file, key);
	*budget = (struct genops_counters_budget){.key = key, .next = *chain};
	if (label.len)
		memcpy(budget->label, label.ptr, label.len < sizeof budget->label ? label.len : sizeof budget->label - 1);
	set(file, chain, index);
	return index;
}

/* --- buckets --- */

static uint32_t *bucket_chain(struct genops_counters_file *file, struct genops_hash key)
{
	return &file->bucket_chains[key.low % GENOPS_COUNTERS_BUCKETS];
}

uint32_t genops_counters_table_bucket(const struct genops_counters_file *file, struct genops_hash key)
{
	uint32_t index = file->bucket_chains[key.low % GENOPS_COUNTERS_BUCKETS];
	for (uint32_t n = 0; index < GENOPS_COUNTERS_BUCKETS && n < GENOPS_COUNTERS_BUCKETS; n++) {
		if (genops_hash_equal(file->buckets[index].key, key))
			return index;
		index = file->buckets[index].next;
	}
	return GENOPS_COUNTERS_NONE;
}

static void unlink_bucket(struct genops_counters_file *file, uint32_t index)
{
	uint32_t *link = bucket_chain(file, file->buckets[index].key);
	for (uint32_t n = 0; *link < GENOPS_COUNTERS_BUCKETS && n < GENOPS_COUNTERS_BUCKETS; n++) {
		if (*link == index) {
			set(file, link, file->buckets[index].next);
			return;
		}
		link = &file->buckets[*link].next;
	}
}

static uint32_t free_bucket(struct genops_counters_file *file, int64_t now_monotonic_ns)
{
	struct genops_counters_header *header = &file->header;
	if (header->n_buckets < GENOPS_COUNTERS_BUCKETS) {
		set(file, &header->n_buckets, header->n_buckets + 1);
		return header->n_buckets - 1;
	}
	for (int n = 0; n < BUCKETS_LOOKED_AT; n++) {
		uint32_t index = header->bucket_hand % GENOPS_COUNTERS_BUCKETS;
		header->bucket_hand = index + 1;
		if (file->buckets[index].rate.arrival_ns <= now_monotonic_ns) {
			unlink_bucket(file, index);
			save(file, &file->buckets[index], sizeof file->buckets[index]);
			return index;
		}
	}
	return GENOPS_COUNTERS_NONE;
}

uint32_t genops_counters_table_add_bucket(
    struct genops_counters_file *file, struct genops_hash key, int64_t now_monotonic_ns)
{
	uint32_t index = free_bucket(file, now_monotonic_ns);
	if (index == GENOPS_COUNTERS_NONE)
		return index;
	uint32_t *chain = bucket_chain(file, key);
	file->buckets[index] = (struct genops_counters_bucket){.key = key, .next = *chain};
	set(file, chain, index);
	return index;
}

/* --- leases --- */

uint32_t genops_counters_table_take_lease(struct genops_counters_file *file)
{
	struct genops_counters_header *header = &file->header;
	uint32_t index = header->free_lease;
	if (index < GENOPS_COUNTERS_LEASES) {
		save(file, &header->free_lease, sizeof header->free_lease + sizeof header->n_leases);
		header->free_lease = file->leases[index].next;
	} else {
		index = header->leases_used;
		if (index >= GENOPS_COUNTERS_LEASES)
			return GENOPS_COUNTERS_NONE;
		save(file, &header->n_leases, sizeof header->n_leases);
		set(file, &header->leases_used, index + 1);
	}
	header->n_leases++;
	save(file, &file->leases[index], offsetof(struct genops_counters_lease, identity));
	return index;
}

void genops_counters_table_give_lease(struct genops_counters_file *file, uint32_t index)
{
	struct genops_counters_header *header = &file->header;
	struct genops_counters_lease *lease = &file->leases[index];
	for (uint32_t i = 0; i < lease->n_budgets; i++) {
		struct genops_counters_budget *budget = &file->budgets[lease->budgets[i].slot];
		set(file, &budget->n_leases, budget->n_leases - 1);
	}
	save(file, &header->free_lease, sizeof header->free_lease + sizeof header->n_leases);
	save(file, lease, offsetof(struct genops_counters_lease, reserved_nano_usd));
	lease->state = GENOPS_LEASE_FREE;
	lease->next = header->free_lease;
	/* The last generation is left out: with the last index it would be GENOPS_LEASE_NONE. */
	lease->generation = (lease->generation + 1) % (GENERATIONS - 1);
	header->free_lease = index;
	header->n_leases--;
}

static void revert_line(struct genops_counters_file *file, struct genops_budget_line *line,
    const struct genops_counters_lease *lease, uint8_t alerts)
{
	int64_t at = lease->settled_unix_ns / GENOPS_NS_PER_S;
	save(file, line, sizeof *line);
	if (lease->state == GENOPS_LEASE_HELD)
		(void)genops_budget_line_settle(line, lease->reserved_nano_usd, 0, at);
	if (lease->state != GENOPS_LEASE_COMMITTED || at < line->period_start_unix_s || at >= line->period_end_unix_s)
		return;
	line->consumed_nano_usd -= lease->committed_nano_usd;
	if (line->consumed_nano_usd < 0)
		line->consumed_nano_usd = 0;
	line->alerts_fired &= ~(uint32_t)alerts;
}

void genops_counters_table_revert_lease(struct genops_counters_file *file, struct genops_counters_lease *lease)
{
	for (uint32_t i = 0; i < lease->n_budgets; i++) {
		const struct genops_counters_lease_budget *held = &lease->budgets[i];
		struct genops_counters_budget *budget = &file->budgets[held->slot];
		for (int period = 0; period < GENOPS_PERIOD_N; period++) {
			if (held->mask >> period & 1)
				revert_line(file, &budget->cell.lines[period], lease, held->alerts[period]);
		}
	}
}

/* --- starting anew --- */

void genops_counters_table_wipe_budgets(struct genops_counters_file *file)
{
	memset(file->budget_chains, 0xff, sizeof file->budget_chains);
	file->header.n_budgets = 0;
	file->header.budgets_full_unix_s = 0;
}

void genops_counters_table_wipe_buckets(struct genops_counters_file *file)
{
	memset(file->bucket_chains, 0xff, sizeof file->bucket_chains);
	file->header.n_buckets = 0;
	file->header.bucket_hand = 0;
}

/* After a power failure a lease may be from any moment; it must not lead out of the tables. */
static bool is_sound(const struct genops_counters_file *file, const struct genops_counters_lease *lease)
{
	if (lease->state != GENOPS_LEASE_HELD && lease->state != GENOPS_LEASE_COMMITTED)
		return false;
	if (lease->process >= GENOPS_COUNTERS_PROCESSES || lease->n_budgets > GENOPS_RESERVATION_BUDGETS_MAX)
		return false;
	for (uint32_t i = 0; i < lease->n_budgets; i++) {
		if (lease->budgets[i].slot >= file->header.n_budgets)
			return false;
	}
	return true;
}

void genops_counters_table_relink_leases(struct genops_counters_file *file)
{
	struct genops_counters_header *header = &file->header;
	uint32_t used = 0, n_free = 0;
	if (header->leases_used > GENOPS_COUNTERS_LEASES)
		header->leases_used = GENOPS_COUNTERS_LEASES;
	for (uint32_t index = 0; index < header->leases_used; index++) {
		if (is_sound(file, &file->leases[index]))
			used = index + 1;
	}
	header->leases_used = used;
	header->free_lease = GENOPS_COUNTERS_NONE;
	for (uint32_t index = used; index-- > 0;) {
		struct genops_counters_lease *lease = &file->leases[index];
		lease->generation %= GENERATIONS - 1;
		if (is_sound(file, lease))
			continue;
		lease->state = GENOPS_LEASE_FREE;
		lease->next = header->free_lease;
		header->free_lease = index;
		n_free++;
	}
	header->n_leases = used - n_free;
}
