/* SPDX-License-Identifier: Apache-2.0
 * govern/budget.c - see budget.h. All sums saturate; `reserved` never falls below zero. */
#include "govern/budget.h"

#include "base/hash.h"
#include "base/str.h"
#include "govern/money.h"

__extension__ typedef __int128 wide;

static bool has_line(const struct genops_budget_rule *rule, int period)
{
	return rule->limit_nano_usd[period] >= 0;
}

uint32_t genops_budget_mask(const struct genops_budget_rule *rule)
{
	uint32_t mask = 0;
	for (int period = 0; period < GENOPS_PERIOD_N; period++)
		mask |= has_line(rule, period) ? UINT32_C(1) << period : 0;
	return mask;
}

/* "name", or "name[team=a]" for one that is kept per attribute. */
bool genops_budget_is_label(const struct genops_budget_rule *rule, genops_str label)
{
	return genops_str_starts(label, rule->name) && (label.len == rule->name.len || label.ptr[rule->name.len] == '[');
}

static bool is_reached(int64_t consumed, int64_t limit, int percent)
{
	if (consumed <= 0)
		return false;
	return (wide)consumed * 100 >= (wide)limit * percent;
}

/* What the ledger brought back had its alerts told in an earlier life. */
static void forget_old_alerts(
    const struct genops_budget_rule *rule, struct genops_budget_line *line, int64_t limit)
{
	for (size_t i = 0; i < rule->n_alerts && i < GENOPS_ALERTS_MAX; i++) {
		if (is_reached(line->consumed_nano_usd, limit, rule->alert_percent[i]))
			line->alerts_fired |= UINT32_C(1) << i;
	}
	line->is_restored = 0;
}

void genops_budget_roll(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t now_unix_s)
{
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		struct genops_budget_line *line = &cell->lines[period];
		if (!has_line(rule, period))
			continue;
		if (now_unix_s >= line->period_end_unix_s) {
			genops_period_bounds(rule->zone, (enum genops_period)period, now_unix_s,
			    &line->period_start_unix_s, &line->period_end_unix_s);
			line->consumed_nano_usd = 0;
			line->alerts_fired = 0;
			line->is_restored = 0;
		}
		if (line->is_restored)
			forget_old_alerts(rule, line, rule->limit_nano_usd[period]);
	}
}

bool genops_budget_fits(const struct genops_budget_rule *rule, const struct genops_budget_cell *cell,
    int64_t amount_nano_usd, struct genops_budget_refusal *ret_refusal)
{
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		const struct genops_budget_line *line = &cell->lines[period];
		int64_t limit = rule->limit_nano_usd[period];
		if (!has_line(rule, period))
			continue;
		int64_t held = genops_money_add(line->consumed_nano_usd, line->reserved_nano_usd);
		if (line->consumed_nano_usd < limit && genops_money_add(held, amount_nano_usd) <= limit)
			continue;
		*ret_refusal = (struct genops_budget_refusal){
		    .period = (enum genops_period)period,
		    .limit_nano_usd = limit,
		    .consumed_nano_usd = line->consumed_nano_usd,
		    .reserved_nano_usd = line->reserved_nano_usd,
		    .asked_nano_usd = amount_nano_usd,
		    .resets_at_unix_s = period == GENOPS_PERIOD_TOTAL ? 0 : line->period_end_unix_s,
		};
		return false;
	}
	return true;
}

void genops_budget_reserve(
    const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t amount_nano_usd)
{
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		if (has_line(rule, period))
			cell->lines[period].reserved_nano_usd =
			    genops_money_add(cell->lines[period].reserved_nano_usd, amount_nano_usd);
	}
}

static void give_back(struct genops_budget_line *line, int64_t amount)
{
	line->reserved_nano_usd = amount < line->reserved_nano_usd ? line->reserved_nano_usd - amount : 0;
}

void genops_budget_release(
    const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t amount_nano_usd)
{
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		if (has_line(rule, period))
			give_back(&cell->lines[period], amount_nano_usd);
	}
}

bool genops_budget_line_settle(struct genops_budget_line *line, int64_t reserved_nano_usd, int64_t actual_nano_usd,
    int64_t settled_unix_s)
{
	give_back(line, reserved_nano_usd);
	if (settled_unix_s < line->period_start_unix_s || settled_unix_s >= line->period_end_unix_s)
		return false;
	line->consumed_nano_usd = genops_money_add(line->consumed_nano_usd, actual_nano_usd);
	return true;
}

size_t genops_budget_alerts(const struct genops_budget_rule *rule, struct genops_budget_cell *cell,
    struct genops_budget_alert *ret_alerts, size_t max)
{
	size_t n = 0;
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		struct genops_budget_line *line = &cell->lines[period];
		int64_t limit = rule->limit_nano_usd[period];
		for (size_t i = 0; has_line(rule, period) && i < rule->n_alerts && i < GENOPS_ALERTS_MAX; i++) {
			uint32_t bit = UINT32_C(1) << i;
			if (line->alerts_fired & bit)
				continue;
			/* They ascend: who has not reached this one has reached none behind it. */
			if (n == max || !is_reached(line->consumed_nano_usd, limit, rule->alert_percent[i]))
				break;
			line->alerts_fired |= bit;
			ret_alerts[n++] = (struct genops_budget_alert){
			    .period = (enum genops_period)period,
			    .percent = rule->alert_percent[i],
			    .limit_nano_usd = limit,
			    .consumed_nano_usd = line->consumed_nano_usd,
			    .period_start_unix_s = line->period_start_unix_s,
			};
		}
	}
	return n;
}

size_t genops_budget_settle(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t reserved_nano_usd,
    int64_t actual_nano_usd, int64_t settled_unix_s, struct genops_budget_alert *ret_alerts, size_t max)
{
	genops_budget_roll(rule, cell, settled_unix_s);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		if (has_line(rule, period))
			(void)genops_budget_line_settle(
			    &cell->lines[period], reserved_nano_usd, actual_nano_usd, settled_unix_s);
	}
	return genops_budget_alerts(rule, cell, ret_alerts, max);
}

/* --- which counter --- */

static genops_str value_of(
    const struct genops_match_subject *subject, genops_str per, char *scratch, size_t size)
{
	if (genops_str_is(per, "provider"))
		return subject->provider;
	if (genops_str_is(per, "model"))
		return subject->model;
	if (genops_str_is(per, "operation"))
		return subject->name;
	if (genops_str_is(per, "type"))
		return subject->type;
	const struct genops_attribute *attribute =
	    subject->attributes ? genops_attributes_get(subject->attributes, per) : NULL;
	return attribute ? genops_attributes_text(attribute, scratch, size) : GENOPS_STR("");
}

static void put(char **at, genops_str bytes)
{
	if (bytes.len)
		memcpy(*at, bytes.ptr, bytes.len);
	*at += bytes.len;
}

/* Each part behind its length, so that no two lists of parts give the same bytes. */
static void put_part(char **at, genops_str part)
{
	uint64_t len = part.len;
	put(at, (genops_str){(const char *)&len, sizeof len});
	put(at, part);
}

int genops_budget_key(const struct genops_budget_rule *rule, const struct genops_match_subject *subject,
    struct genops_arena *arena, uint64_t seed, struct genops_hash *ret_key, genops_str *ret_label,
    struct genops_error *err)
{
	char scratch[64];
	if (!rule->n_per) {
		*ret_key = genops_hash_of(rule->name, seed);
		*ret_label = rule->name;
		return GENOPS_OK;
	}
	size_t label_len = rule->name.len + 1, key_len = rule->name.len + 8;
	for (size_t i = 0; i < rule->n_per; i++) {
		size_t len = rule->per[i].len + value_of(subject, rule->per[i], scratch, sizeof scratch).len;
		label_len += len + 2;
		key_len += len + 16;
	}
	char *label = genops_arena_alloc(arena, label_len + key_len);
	if (!label)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the counter of budget \"%.*s\"",
		    GENOPS_STR_ARG(rule->name));
	char *key = label + label_len, *label_at = label, *key_at = key;
	put(&label_at, rule->name);
	put_part(&key_at, rule->name);
	for (size_t i = 0; i < rule->n_per; i++) {
		genops_str value = value_of(subject, rule->per[i], scratch, sizeof scratch);
		put(&label_at, i ? GENOPS_STR(",") : GENOPS_STR("["));
		put(&label_at, rule->per[i]);
		put(&label_at, GENOPS_STR("="));
		put(&label_at, value);
		put_part(&key_at, rule->per[i]);
		put_part(&key_at, value);
	}
	put(&label_at, GENOPS_STR("]"));
	*ret_key = genops_hash_of((genops_str){key, key_len}, seed);
	*ret_label = (genops_str){label, label_len};
	return GENOPS_OK;
}
