/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters.c - see counters.h: what happens to budgets and leases under the lock.
 *
 * The most that a transaction saves: for each of 8 budgets a slot used again (392 bytes), its chains (24), its lease count
 * (12) and five lines (240), and one lease's head (136) and lists (32): 5512 of 8176 bytes.
 */
#include "base/clock.h"
#include "govern/money.h"
#include "store/counters/counters_table.h"

#include <genops/operation.h>

#define NONE GENOPS_COUNTERS_NONE

typedef struct genops_counters_lease_budget lease_budget;

/* The lowest period of *left, which is not 0; it is taken out. */
static inline int next_period(uint32_t *left)
{
	int period = __builtin_ctz(*left);
	*left &= *left - 1;
	return period;
}

static void save_lines(struct genops_counters_file *file, struct genops_counters_budget *budget, uint32_t mask)
{
	while (mask) {
		struct genops_budget_line *line = &budget->cell.lines[next_period(&mask)];
		genops_counters_lock_save(file, line, sizeof *line);
	}
}

static int fail_lock(struct genops_error *err)
{
	return genops_fail_fix(err, GENOPS_CORRUPT, "stop all processes that use this state directory and start again",
	    "the lock of the shared counters cannot be taken");
}

static int check_asks(const struct genops_counters *counters, size_t n_asks, int64_t amount, struct genops_error *err)
{
	if (!genops_counters_lock_is_mine(counters))
		return genops_fail(err, GENOPS_MISUSE, "this process has not attached to the counters since it was forked");
	if (n_asks > GENOPS_RESERVATION_BUDGETS_MAX)
		return genops_fail(err, GENOPS_MISUSE, "%zu budgets in one reservation, at most %d", n_asks,
		    GENOPS_RESERVATION_BUDGETS_MAX);
	if (amount < 0)
		return genops_fail(err, GENOPS_MISUSE, "an amount below zero");
	return GENOPS_OK;
}

/* --- answers --- */

static void fill_figures(
    const struct genops_budget_rule *rule, const struct genops_budget_cell *cell, struct genops_budget_answer *answer)
{
	int64_t least = INT64_MAX;
	answer->tightest = GENOPS_PERIOD_TOTAL;
	answer->limit_nano_usd = GENOPS_COST_UNKNOWN;
	answer->consumed_nano_usd = answer->reserved_nano_usd = 0;
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		const struct genops_budget_line *line = &cell->lines[period];
		int64_t limit = rule->limit_nano_usd[period];
		if (limit < 0)
			continue;
		int64_t left = limit - genops_money_add(line->consumed_nano_usd, line->reserved_nano_usd);
		if (left >= least)
			continue;
		least = left;
		answer->tightest = (enum genops_period)period;
		answer->limit_nano_usd = limit;
		answer->consumed_nano_usd = line->consumed_nano_usd;
		answer->reserved_nano_usd = line->reserved_nano_usd;
	}
}

/* True: fits, or may not refuse. */
static bool fill_answer(const struct genops_budget_ask *ask, const struct genops_budget_cell *cell, uint32_t slot,
    int64_t amount, struct genops_budget_answer *answer)
{
	answer->slot = slot;
	answer->n_windows = 0;
	answer->is_over = !genops_budget_fits(ask->rule, cell, amount, &answer->refusal);
	fill_figures(ask->rule, cell, answer);
	return !answer->is_over || !ask->may_refuse;
}

/* --- reserve --- */

/* Sums must stay exact, or giving back would not give back what was taken. */
static bool is_summable(const struct genops_budget_cell *cell, uint32_t mask, int64_t amount)
{
	while (mask) {
		if (cell->lines[next_period(&mask)].reserved_nano_usd > GENOPS_MONEY_MAX - amount)
			return false;
	}
	return true;
}

static int fail_slots(struct genops_error *err)
{
	return genops_fail_fix(err, GENOPS_LIMIT, "use fewer attributes in `per`, or shorter windows",
	    "all %d budget counters are in use", GENOPS_COUNTERS_BUDGETS);
}

static int reserve_budget(struct genops_counters_file *file, const struct genops_budget_ask *ask, int64_t amount,
    int64_t now_unix_s, lease_budget *held, struct genops_budget_answer *answer, bool *granted, struct genops_error *err)
{
	uint32_t mask = genops_budget_mask(ask->rule);
	uint32_t slot = genops_counters_table_add_budget(file, ask->key, ask->label, now_unix_s);
	if (slot == NONE)
		return fail_slots(err);
	struct genops_counters_budget *budget = &file->budgets[slot];
	genops_counters_lock_save(file, &budget->n_leases, sizeof budget->n_leases);
	save_lines(file, budget, mask);
	genops_budget_roll(ask->rule, &budget->cell, now_unix_s);
	if (!fill_answer(ask, &budget->cell, slot, amount, answer))
		*granted = false;
	if (!is_summable(&budget->cell, mask, amount))
		return genops_fail(err, GENOPS_LIMIT, "the reservations of a budget add up to more than can be counted");
	genops_budget_reserve(ask->rule, &budget->cell, amount);
	budget->n_leases++;
	*held = (lease_budget){.slot = (uint16_t)slot, .mask = (uint8_t)mask};
	return GENOPS_OK;
}

static int reserve_all(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t amount, int64_t now_unix_ns, struct genops_budget_answer *answers, bool *granted, uint32_t *index,
    struct genops_error *err)
{
	struct genops_counters_file *file = counters->file;
	*index = genops_counters_table_take_lease(file);
	if (*index == NONE)
		return genops_fail(err, GENOPS_LIMIT, "%d calls are in flight, more than can be kept track of",
		    GENOPS_COUNTERS_LEASES);
	struct genops_counters_lease *lease = &file->leases[*index];
	*granted = true;
	for (size_t i = 0; i < n_asks; i++)
		GENOPS_TRY(reserve_budget(file, &asks[i], amount, now_unix_ns / GENOPS_NS_PER_S, &lease->budgets[i],
		    &answers[i], granted, err));
	lease->process = counters->process;
	lease->epoch = counters->epoch;
	lease->reserved_nano_usd = amount;
	lease->committed_nano_usd = 0;
	lease->settled_unix_ns = now_unix_ns;
	atomic_store_explicit(&lease->metered_nano_usd, 0, memory_order_relaxed);
	lease->n_budgets = (uint32_t)n_asks;
	lease->state = GENOPS_LEASE_HELD;
	return GENOPS_OK;
}

int genops_counters_reserve(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t amount_nano_usd, const struct genops_lease_identity *identity, int64_t now_unix_ns,
    struct genops_budget_answer *ret_answers, bool *ret_granted, uint32_t *ret_lease, struct genops_error *err)
{
	struct genops_counters_file *file = counters->file;
	struct genops_budget_answer answers[GENOPS_RESERVATION_BUDGETS_MAX];
	bool granted = false;
	uint32_t index = NONE;
	GENOPS_TRY(check_asks(counters, n_asks, amount_nano_usd, err));
	if (!genops_counters_lock_take(counters))
		return fail_lock(err);
	int64_t now = genops_counters_lock_now(counters, now_unix_ns);
	int code = reserve_all(counters, asks, n_asks, amount_nano_usd, now, answers, &granted, &index, err);
	uint32_t number = GENOPS_LEASE_NONE;
	if (code == GENOPS_OK && granted) {
		file->leases[index].identity = *identity;
		number = genops_counters_table_number(file, index);
	} else {
		genops_counters_lock_undo(file);
	}
	genops_counters_lock_leave(counters);
	if (code != GENOPS_OK)
		return code;
	if (n_asks)
		memcpy(ret_answers, answers, n_asks * sizeof *answers);
	*ret_granted = granted;
	*ret_lease = number;
	return GENOPS_OK;
}

int genops_counters_peek(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t amount_nano_usd, int64_t now_unix_ns, struct genops_budget_answer *ret_answers, bool *ret_granted,
    struct genops_error *err)
{
	bool granted = true;
	GENOPS_TRY(check_asks(counters, n_asks, amount_nano_usd, err));
	if (!genops_counters_lock_take(counters))
		return fail_lock(err);
	int64_t latest = counters->file->header.now_unix_ns, now = now_unix_ns > latest ? now_unix_ns : latest;
	for (size_t i = 0; i < n_asks; i++) {
		struct genops_budget_cell cell = {0};
		uint32_t slot = genops_counters_table_budget(counters->file, asks[i].key);
		if (slot != NONE)
			cell = counters->file->budgets[slot].cell;
		genops_budget_roll(asks[i].rule, &cell, now / GENOPS_NS_PER_S);
		granted &= fill_answer(&asks[i], &cell, slot, amount_nano_usd, &ret_answers[i]);
	}
	genops_counters_lock_leave(counters);
	*ret_granted = granted;
	return GENOPS_OK;
}

/* --- a lease that runs --- */

/* NULL: not a lease of this process's, or not any more. */
static struct genops_counters_lease *find_lease(struct genops_counters *counters, uint32_t number)
{
	uint32_t index = genops_counters_table_index(number);
	struct genops_counters_lease *lease = &counters->file->leases[index];
	bool is_mine = number != GENOPS_LEASE_NONE && lease->state != GENOPS_LEASE_FREE &&
		       lease->process == counters->process && lease->epoch == counters->epoch &&
		       genops_counters_table_number(counters->file, index) == number &&
		       genops_counters_lock_is_mine(counters);
	return is_mine ? lease : NULL;
}

/* The ask that a lease's i-th budget was reserved with; n_asks: none. */
static size_t find_ask(const struct genops_budget_ask *asks, size_t n_asks, size_t i, struct genops_hash key)
{
	if (i < n_asks && genops_hash_equal(asks[i].key, key))
		return i;
	for (i = 0; i < n_asks; i++) {
		if (genops_hash_equal(asks[i].key, key))
			return i;
	}
	return n_asks;
}

static bool extend_budget(struct genops_counters_file *file, const lease_budget *held,
    const struct genops_budget_ask *ask, int64_t more, int64_t now_unix_s)
{
	struct genops_counters_budget *budget = &file->budgets[held->slot];
	struct genops_budget_refusal refusal;
	save_lines(file, budget, held->mask | (ask ? genops_budget_mask(ask->rule) : 0));
	if (ask) {
		genops_budget_roll(ask->rule, &budget->cell, now_unix_s);
		if (ask->may_refuse && !genops_budget_fits(ask->rule, &budget->cell, more, &refusal))
			return false;
	}
	if (!is_summable(&budget->cell, held->mask, more))
		return false;
	for (uint32_t left = held->mask; left;)
		budget->cell.lines[next_period(&left)].reserved_nano_usd += more;
	return true;
}

static bool extend_lease(struct genops_counters_file *file, struct genops_counters_lease *lease,
    const struct genops_budget_ask *asks, size_t n_asks, int64_t amount, int64_t now_unix_ns)
{
	int64_t more = amount - lease->reserved_nano_usd;
	if (more <= 0)
		return true;
	for (uint32_t i = 0; i < lease->n_budgets; i++) {
		const lease_budget *held = &lease->budgets[i];
		size_t ask = find_ask(asks, n_asks, i, file->budgets[held->slot].key);
		if (!extend_budget(file, held, ask < n_asks ? &asks[ask] : NULL, more, now_unix_ns / GENOPS_NS_PER_S))
			return false;
	}
	genops_counters_lock_save(file, lease, offsetof(struct genops_counters_lease, metered_nano_usd));
	lease->reserved_nano_usd = amount;
	lease->settled_unix_ns = now_unix_ns;
	return true;
}

bool genops_counters_extend(struct genops_counters *counters, uint32_t number, const struct genops_budget_ask *asks,
    size_t n_asks, int64_t amount_nano_usd, int64_t now_unix_ns)
{
	if (!genops_counters_lock_take(counters))
		return false;
	struct genops_counters_lease *lease = find_lease(counters, number);
	int64_t now = genops_counters_lock_now(counters, now_unix_ns);
	bool is_held = lease && lease->state == GENOPS_LEASE_HELD &&
		       extend_lease(counters->file, lease, asks, n_asks, amount_nano_usd, now);
	if (!is_held)
		genops_counters_lock_undo(counters->file);
	genops_counters_lock_leave(counters);
	return is_held;
}

void genops_counters_metered(struct genops_counters *counters, uint32_t number, int64_t metered_nano_usd)
{
	/* Without the lock: only this lease's holder writes what is compared. */
	struct genops_counters_lease *lease = find_lease(counters, number);
	if (lease)
		atomic_store_explicit(&lease->metered_nano_usd, metered_nano_usd, memory_order_relaxed);
}

/* --- settle --- */

struct settlement {
	const struct genops_budget_ask *asks;
	size_t n_asks;
	int64_t actual_nano_usd, at_unix_s;
	struct genops_budget_answer *answers; /* may be NULL */
	struct genops_counters_alert *alerts;
	size_t n_alerts, max_alerts;
};

static void settle_lines(struct genops_budget_cell *cell, uint32_t mask, int64_t reserved,
    const struct settlement *settlement, struct genops_budget_answer *answer)
{
	size_t n = 0;
	while (mask) {
		int period = next_period(&mask);
		struct genops_budget_line *line = &cell->lines[period];
		if (!genops_budget_line_settle(line, reserved, settlement->actual_nano_usd, settlement->at_unix_s))
			continue;
		if (answer)
			answer->windows[n++] = (struct genops_counters_window){
			    (enum genops_period)period, line->period_start_unix_s, line->period_end_unix_s};
	}
	if (answer)
		answer->n_windows = n;
}

static void settle_alerts(struct genops_budget_cell *cell, lease_budget *held, size_t ask, struct settlement *settlement)
{
	struct genops_budget_alert crossed[GENOPS_PERIOD_N * GENOPS_ALERTS_MAX];
	size_t room = settlement->max_alerts - settlement->n_alerts;
	uint32_t before[GENOPS_PERIOD_N];
	for (int period = 0; period < GENOPS_PERIOD_N; period++)
		before[period] = cell->lines[period].alerts_fired;
	size_t n = genops_budget_alerts(settlement->asks[ask].rule, cell, crossed,
	    room < GENOPS_PERIOD_N * GENOPS_ALERTS_MAX ? room : GENOPS_PERIOD_N * GENOPS_ALERTS_MAX);
	for (size_t i = 0; i < n; i++)
		settlement->alerts[settlement->n_alerts++] = (struct genops_counters_alert){ask, crossed[i]};
	for (int period = 0; n && period < GENOPS_PERIOD_N; period++)
		held->alerts[period] = (uint8_t)(cell->lines[period].alerts_fired & ~before[period]);
}

static void settle_budget(
    struct genops_counters_file *file, struct genops_counters_lease *lease, size_t i, struct settlement *settlement)
{
	lease_budget *held = &lease->budgets[i];
	struct genops_counters_budget *budget = &file->budgets[held->slot];
	size_t ask = find_ask(settlement->asks, settlement->n_asks, i, budget->key);
	bool is_asked = ask < settlement->n_asks;
	const struct genops_budget_rule *rule = is_asked ? settlement->asks[ask].rule : NULL;
	struct genops_budget_answer *answer = is_asked && settlement->answers ? &settlement->answers[ask] : NULL;
	save_lines(file, budget, held->mask | (rule ? genops_budget_mask(rule) : 0));
	if (rule)
		genops_budget_roll(rule, &budget->cell, settlement->at_unix_s);
	settle_lines(&budget->cell, held->mask, lease->reserved_nano_usd, settlement, answer);
	if (rule)
		settle_alerts(&budget->cell, held, ask, settlement);
	if (answer) {
		answer->slot = held->slot;
		answer->is_over = false;
		fill_figures(rule, &budget->cell, answer);
	}
}

static void settle_lease(struct genops_counters_file *file, struct genops_counters_lease *lease,
    struct settlement *settlement, int64_t at_unix_ns)
{
	genops_counters_lock_save(file, lease, offsetof(struct genops_counters_lease, identity));
	settlement->at_unix_s = at_unix_ns / GENOPS_NS_PER_S;
	for (uint32_t i = 0; i < lease->n_budgets; i++)
		settle_budget(file, lease, i, settlement);
	lease->state = GENOPS_LEASE_COMMITTED;
	lease->reserved_nano_usd = 0;
	lease->committed_nano_usd = settlement->actual_nano_usd;
	lease->settled_unix_ns = at_unix_ns;
}

size_t genops_counters_commit(struct genops_counters *counters, uint32_t number, const struct genops_budget_ask *asks,
    size_t n_asks, int64_t actual_nano_usd, int64_t now_unix_ns, struct genops_budget_answer *ret_answers,
    struct genops_counters_alert *ret_alerts, size_t max_alerts)
{
	struct settlement settlement = {.asks = asks, .n_asks = n_asks, .answers = ret_answers, .alerts = ret_alerts,
	    .max_alerts = max_alerts, .actual_nano_usd = actual_nano_usd > 0 ? actual_nano_usd : 0};
	if (!genops_counters_lock_take(counters))
		return 0;
	struct genops_counters_lease *lease = find_lease(counters, number);
	if (lease && lease->state == GENOPS_LEASE_HELD)
		settle_lease(counters->file, lease, &settlement, genops_counters_lock_now(counters, now_unix_ns));
	genops_counters_lock_leave(counters);
	return settlement.n_alerts;
}

void genops_counters_free(struct genops_counters *counters, uint32_t number)
{
	struct settlement settlement = {0};
	if (!genops_counters_lock_take(counters))
		return;
	struct genops_counters_lease *lease = find_lease(counters, number);
	if (lease) {
		if (lease->state == GENOPS_LEASE_HELD)
			settle_lease(counters->file, lease, &settlement, lease->settled_unix_ns);
		genops_counters_table_give_lease(counters->file, genops_counters_table_index(number));
	}
	genops_counters_lock_leave(counters);
}

void genops_counters_revert(struct genops_counters *counters, uint32_t number)
{
	if (!genops_counters_lock_take(counters))
		return;
	struct genops_counters_lease *lease = find_lease(counters, number);
	if (lease) {
		genops_counters_table_revert_lease(counters->file, lease);
		genops_counters_table_give_lease(counters->file, genops_counters_table_index(number));
	}
	genops_counters_lock_leave(counters);
}

int genops_counters_charge(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n_asks,
    int64_t actual_nano_usd, int64_t now_unix_ns, struct genops_error *err)
{
	struct genops_counters_file *file = counters->file;
	struct settlement settlement = {.actual_nano_usd = actual_nano_usd};
	GENOPS_TRY(check_asks(counters, n_asks, actual_nano_usd, err));
	if (!genops_counters_lock_take(counters))
		return fail_lock(err);
	settlement.at_unix_s = genops_counters_lock_now(counters, now_unix_ns) / GENOPS_NS_PER_S;
	int code = GENOPS_OK;
	for (size_t i = 0; i < n_asks && code == GENOPS_OK; i++) {
		uint32_t mask = genops_budget_mask(asks[i].rule);
		uint32_t slot = genops_counters_table_add_budget(file, asks[i].key, asks[i].label, settlement.at_unix_s);
		if (slot == NONE) {
			code = fail_slots(err);
			genops_counters_lock_undo(file);
			break;
		}
		save_lines(file, &file->budgets[slot], mask);
		genops_budget_roll(asks[i].rule, &file->budgets[slot].cell, settlement.at_unix_s);
		settle_lines(&file->budgets[slot].cell, mask, 0, &settlement, NULL);
	}
	genops_counters_lock_leave(counters);
	return code;
}
