/* SPDX-License-Identifier: Apache-2.0
 * govern/budget.h - budgets: the rule, its counters, and the arithmetic between them. Pure; the caller locks.
 *
 * A cell holds one budget's counters, one line per period. `consumed` is what was settled in the line's period, `reserved` what
 * running calls hold. Invariant after every call: a blocking rule's consumed + reserved <= limit, but for an
 * actual above its own estimate. A line whose period has passed is rolled over by whoever touches it first:
 * consumed starts at 0, reserved stays (running calls settle into the period in which they end).
 */
#ifndef GOVERN_BUDGET_H
#define GOVERN_BUDGET_H

#include "govern/attributes.h"
#include "govern/calendar.h"
#include "govern/level.h"

#define GENOPS_ALERTS_MAX 8

struct genops_budget_rule {
	genops_str name;
	struct genops_match match;
	enum genops_level level;
	enum genops_on_error on_error;
	int64_t limit_nano_usd[GENOPS_PERIOD_N]; /* GENOPS_COST_UNKNOWN (-1): no such window */
	const struct genops_zone *zone;
	size_t n_alerts;
	int alert_percent[GENOPS_ALERTS_MAX];    /* ascending; default 80, 90, 100 */
	size_t n_per;                            /* one counter for each combination of these attributes */
	genops_str *per;                         /* `budgets:` default none; a budget_limit policy: team, project */
	genops_str origin;                       /* "genops.yaml:40", "collibra:<asset id>" */
	bool is_policy;                          /* came from a policy of type budget_limit */
};

/* One line of a cell, in shared memory: fixed layout, 40 bytes. */
struct genops_budget_line {
	int64_t period_start_unix_s;
	int64_t period_end_unix_s;
	int64_t consumed_nano_usd;
	int64_t reserved_nano_usd;
	uint32_t alerts_fired; /* bit per alert_percent index, this period */
	uint32_t is_restored;  /* consumed came from the ledger: thresholds it has reached were told before */
};

struct genops_budget_cell {
	struct genops_budget_line lines[GENOPS_PERIOD_N];
};

struct genops_budget_refusal {
	enum genops_period period;
	int64_t limit_nano_usd, consumed_nano_usd, reserved_nano_usd, asked_nano_usd;
	int64_t resets_at_unix_s; /* 0: never */
};

/* Brings all lines with a limit to the period of now. A clock that went back keeps the newer period. */
void genops_budget_roll(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t now_unix_s);

/* Would amount fit every window? False fills *ret_refusal with the first window that refuses (strictly: consumed + reserved + amount >
 * limit, or consumed >= limit). Call after roll. */
bool genops_budget_fits(const struct genops_budget_rule *rule, const struct genops_budget_cell *cell,
    int64_t amount_nano_usd, struct genops_budget_refusal *ret_refusal);

void genops_budget_reserve(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t amount_nano_usd);
void genops_budget_release(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t amount_nano_usd);

struct genops_budget_alert {
	enum genops_period period;
	int percent;
	int64_t limit_nano_usd, consumed_nano_usd, period_start_unix_s;
};

/* Which lines have a limit: bit 1 << period. */
uint32_t genops_budget_mask(const struct genops_budget_rule *rule);

/* One line: gives `reserved` back and adds `actual`. False when unix_s lies outside the line's period (it was rolled over in between,
 * or nobody has rolled it yet): then only `reserved` is given back, and the amount counts in the ledger alone. */
bool genops_budget_line_settle(struct genops_budget_line *line, int64_t reserved_nano_usd, int64_t actual_nano_usd,
    int64_t settled_unix_s);

/* Marks alerts that consumed has reached and returns those not told before in their period, at most max
 * (the rest is told next time). */
size_t genops_budget_alerts(const struct genops_budget_rule *rule, struct genops_budget_cell *cell,
    struct genops_budget_alert *ret_alerts, size_t max);

/* Rolls over to settled_unix_s, then both of the above for every line with a limit. */
size_t genops_budget_settle(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t reserved_nano_usd,
    int64_t actual_nano_usd, int64_t settled_unix_s, struct genops_budget_alert *ret_alerts, size_t max);

/* Is the label one of this rule's counters? */
bool genops_budget_is_label(const struct genops_budget_rule *rule, genops_str label);

/* The counter that an operation belongs to: hash of rule name and the values of `per`; and its label ("name" or "name[team=a,project=b]"). */
struct genops_hash;
GENOPS_NODISCARD int genops_budget_key(const struct genops_budget_rule *rule, const struct genops_match_subject *subject,
    struct genops_arena *arena, uint64_t seed, struct genops_hash *ret_key, genops_str *ret_label,
    struct genops_error *err);

#endif
