/* SPDX-License-Identifier: Apache-2.0
 * Budget arithmetic: fits, reserves, settles, rolls over, alerts; time is an argument.
 * proves CORE-038, CORE-039, CORE-040, CORE-041, COL-142, COL-143, A-062 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/str.h"
#include "govern/budget.h"
#include "govern/money.h"

#define USD INT64_C(1000000000)
#define DAY INT64_C(86400)
#define NOON (1709164800 + DAY / 2) /* 2024-02-29, the last day of a month */

static struct genops_budget_rule rule_of(int64_t daily, int64_t monthly)
{
	return (struct genops_budget_rule){
	    .name = GENOPS_STR("team"),
	    .level = GENOPS_LEVEL_BLOCK,
	    .zone = genops_zone_utc(),
	    .limit_nano_usd = {-1, daily, -1, monthly, -1},
	    .n_alerts = 3,
	    .alert_percent = {80, 90, 100},
	};
}

static bool try_reserve(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t amount, int64_t now)
{
	struct genops_budget_refusal refusal;
	genops_budget_roll(rule, cell, now);
	if (!genops_budget_fits(rule, cell, amount, &refusal))
		return false;
	genops_budget_reserve(rule, cell, amount);
	return true;
}

static size_t spend(const struct genops_budget_rule *rule, struct genops_budget_cell *cell, int64_t amount, int64_t now,
    struct genops_budget_alert *alerts)
{
	struct genops_budget_alert own[16];
	return genops_budget_settle(rule, cell, 0, amount, now, alerts ? alerts : own, 16);
}

/* proves COL-142, CORE-041: spend 100, the next is blocked; next day allowed; the month still counts; month end resets */
static void daily_and_monthly(void **state)
{
	struct genops_budget_rule rule = rule_of(100 * USD, 150 * USD);
	struct genops_budget_cell cell = {0};
	int64_t first = 1706745600; /* 2024-02-01 */
	assert_true(try_reserve(&rule, &cell, 100 * USD, first));
	genops_budget_settle(&rule, &cell, 100 * USD, 100 * USD, first, (struct genops_budget_alert[16]){{0}}, 16);
	assert_false(try_reserve(&rule, &cell, 1, first + DAY - 1));
	assert_true(try_reserve(&rule, &cell, 50 * USD, first + DAY));
	genops_budget_release(&rule, &cell, 50 * USD);
	assert_false(try_reserve(&rule, &cell, 50 * USD + 1, first + DAY)); /* the month: 100 of 150 */
	assert_true(try_reserve(&rule, &cell, 100 * USD, first + 29 * DAY));
	assert_int_equal(cell.lines[GENOPS_PERIOD_MONTHLY].consumed_nano_usd, 0);
}

/* proves COL-143: one window alone */
static void one_window(void **state)
{
	struct genops_budget_rule rule = rule_of(-1, 10 * USD);
	struct genops_budget_cell cell = {0};
	assert_int_equal(genops_budget_mask(&rule), 1u << GENOPS_PERIOD_MONTHLY);
	assert_true(try_reserve(&rule, &cell, 10 * USD, NOON));
	assert_int_equal(cell.lines[GENOPS_PERIOD_DAILY].reserved_nano_usd, 0);
	assert_false(try_reserve(&rule, &cell, 1, NOON));
}

/* proves A-062: used >= limit refuses even a free call; used + asked == limit fits */
static void the_edge(void **state)
{
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_cell cell = {0};
	struct genops_budget_refusal refusal;
	assert_true(try_reserve(&rule, &cell, 100, NOON));
	assert_true(try_reserve(&rule, &cell, 0, NOON)); /* all reserved, nothing spent: what is free fits */
	genops_budget_settle(&rule, &cell, 100, 100, NOON, (struct genops_budget_alert[16]){{0}}, 16);
	assert_false(genops_budget_fits(&rule, &cell, 0, &refusal));
	assert_int_equal(refusal.period, GENOPS_PERIOD_DAILY);
	assert_int_equal(refusal.limit_nano_usd, 100);
	assert_int_equal(refusal.consumed_nano_usd, 100);
	assert_int_equal(refusal.reserved_nano_usd, 0);
	assert_int_equal(refusal.resets_at_unix_s, 1709251200);
	struct genops_budget_rule nothing = rule_of(0, -1);
	struct genops_budget_cell empty = {0};
	assert_false(try_reserve(&nothing, &empty, 0, NOON));
	struct genops_budget_rule total = {.zone = genops_zone_utc(), .limit_nano_usd = {-1, -1, -1, -1, 5}};
	struct genops_budget_cell all = {0};
	genops_budget_roll(&total, &all, NOON);
	assert_false(genops_budget_fits(&total, &all, 6, &refusal));
	assert_int_equal(refusal.resets_at_unix_s, 0);
}

/* proves CORE-038: consumed returns to zero, what runs stays reserved and settles into the period in which it ends */
static void rollover_keeps_reservations(void **state)
{
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_cell cell = {0};
	int64_t midnight = 1709251200;
	assert_true(try_reserve(&rule, &cell, 60, midnight - 10));
	spend(&rule, &cell, 30, midnight - 5, NULL);
	genops_budget_roll(&rule, &cell, midnight);
	const struct genops_budget_line *line = &cell.lines[GENOPS_PERIOD_DAILY];
	assert_int_equal(line->consumed_nano_usd, 0);
	assert_int_equal(line->reserved_nano_usd, 60);
	assert_int_equal(line->period_start_unix_s, midnight);
	assert_false(try_reserve(&rule, &cell, 41, midnight));
	genops_budget_settle(&rule, &cell, 60, 55, midnight + 1, (struct genops_budget_alert[16]){{0}}, 16);
	assert_int_equal(line->consumed_nano_usd, 55);
	assert_int_equal(line->reserved_nano_usd, 0);
}

/* A settlement whose time lies before the line's period only gives back: the ledger counts it in the old period. */
static void late_settlement(void **state)
{
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_cell cell = {0};
	int64_t midnight = 1709251200;
	assert_true(try_reserve(&rule, &cell, 60, midnight - 10));
	genops_budget_roll(&rule, &cell, midnight);
	genops_budget_settle(&rule, &cell, 60, 55, midnight - 1, (struct genops_budget_alert[16]){{0}}, 16);
	assert_int_equal(cell.lines[GENOPS_PERIOD_DAILY].consumed_nano_usd, 0);
	assert_int_equal(cell.lines[GENOPS_PERIOD_DAILY].reserved_nano_usd, 0);
	struct genops_budget_line *line = &cell.lines[GENOPS_PERIOD_DAILY];
	assert_false(genops_budget_line_settle(line, 0, 5, line->period_end_unix_s));
	assert_false(genops_budget_line_settle(line, 0, 5, line->period_start_unix_s - 1));
	assert_true(genops_budget_line_settle(line, 0, 5, line->period_end_unix_s - 1));
	assert_int_equal(line->consumed_nano_usd, 5);
}

static void a_clock_that_goes_back_keeps_the_newer_period(void **state)
{
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_cell cell = {0};
	spend(&rule, &cell, 90, NOON, NULL);
	struct genops_budget_cell before = cell;
	genops_budget_roll(&rule, &cell, NOON - 40 * DAY);
	assert_memory_equal(&cell, &before, sizeof cell);
	assert_false(try_reserve(&rule, &cell, 11, NOON - 40 * DAY));
}

/* proves CORE-040: exactly one alert a step and period, also when a call crosses several at once */
static void alerts_once(void **state)
{
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_cell cell = {0};
	struct genops_budget_alert alerts[16];
	assert_int_equal(spend(&rule, &cell, 799, NOON, alerts), 0); /* 79.9 % */
	assert_int_equal(spend(&rule, &cell, 1, NOON, alerts), 1);
	assert_int_equal(alerts[0].percent, 80);
	assert_int_equal(alerts[0].limit_nano_usd, 1000);
	assert_int_equal(alerts[0].consumed_nano_usd, 800);
	assert_int_equal(alerts[0].period_start_unix_s, 1709164800);
	assert_int_equal(spend(&rule, &cell, 50, NOON, alerts), 0);
	assert_int_equal(spend(&rule, &cell, 200, NOON, alerts), 2); /* 90 and 100 */
	assert_int_equal(alerts[0].percent, 90);
	assert_int_equal(alerts[1].percent, 100);
	assert_int_equal(spend(&rule, &cell, 500, NOON, alerts), 0);
	assert_int_equal(spend(&rule, &cell, 1000, NOON + DAY, alerts), 3); /* the next day again */
}

static void alerts_that_find_no_room_come_next_time(void **state)
{
	struct genops_budget_rule rule = rule_of(1000, 1000);
	struct genops_budget_cell cell = {0};
	struct genops_budget_alert alerts[16];
	assert_int_equal(genops_budget_settle(&rule, &cell, 0, 1000, NOON, alerts, 0), 0);
	assert_int_equal(genops_budget_settle(&rule, &cell, 0, 0, NOON, alerts, 4), 4);
	assert_int_equal(genops_budget_settle(&rule, &cell, 0, 0, NOON, alerts, 16), 2);
	assert_int_equal(alerts[1].period, GENOPS_PERIOD_MONTHLY);
	assert_int_equal(genops_budget_settle(&rule, &cell, 0, 0, NOON, alerts, 16), 0);
}

/* After a restart only thresholds not reached before are told. */
static void restored_figures_tell_no_old_alerts(void **state)
{
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_cell cell = {0};
	struct genops_budget_alert alerts[16];
	cell.lines[GENOPS_PERIOD_DAILY] = (struct genops_budget_line){.period_start_unix_s = 1709164800,
	    .period_end_unix_s = 1709251200, .consumed_nano_usd = 850, .is_restored = 1};
	assert_int_equal(spend(&rule, &cell, 10, NOON, alerts), 0);
	assert_int_equal(spend(&rule, &cell, 40, NOON, alerts), 1);
	assert_int_equal(alerts[0].percent, 90);
}

static void sums_saturate(void **state)
{
	struct genops_budget_rule rule = rule_of(GENOPS_MONEY_MAX, -1);
	struct genops_budget_cell cell = {0};
	spend(&rule, &cell, GENOPS_MONEY_MAX - 1, NOON, NULL);
	spend(&rule, &cell, GENOPS_MONEY_MAX, NOON, NULL);
	assert_int_equal(cell.lines[GENOPS_PERIOD_DAILY].consumed_nano_usd, GENOPS_MONEY_MAX);
	genops_budget_release(&rule, &cell, 5);
	assert_int_equal(cell.lines[GENOPS_PERIOD_DAILY].reserved_nano_usd, 0);
}

/* Random calls over a year, against a model that keeps every settlement: consumed is the sum of what ended in the
 * period, reserved what runs, and consumed + reserved is never above the limit. */
static void model_of_a_year(void **state)
{
	enum { RUNNING = 40 };
	struct genops_budget_rule rule = rule_of(1000, 20000);
	struct genops_budget_cell cell = {0};
	struct genops_budget_alert alerts[16];
	int64_t running[RUNNING] = {0}, now = 1704067200, sum = 0, day = 0, in_flight = 0;
	bool runs[RUNNING] = {false};
	uint64_t random = 362436069;
	size_t n_granted = 0, n_refused = 0, n_alerts = 0;
	for (int i = 0; i < 60000; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		now += (int64_t)(random % 900);
		size_t at = (random >> 20) % RUNNING;
		if (now / DAY != day) {
			day = now / DAY;
			sum = 0;
		}
		if (!runs[at]) {
			int64_t amount = (int64_t)(random >> 40) % 100;
			runs[at] = try_reserve(&rule, &cell, amount, now);
			running[at] = runs[at] ? amount : 0;
			in_flight += running[at];
			n_granted += runs[at];
			n_refused += !runs[at];
		} else {
			int64_t actual = running[at] ? (int64_t)(random >> 30) % (running[at] + 1) : 0;
			n_alerts += genops_budget_settle(&rule, &cell, running[at], actual, now, alerts, 16);
			sum += actual;
			in_flight -= running[at];
			runs[at] = false;
		}
		const struct genops_budget_line *line = &cell.lines[GENOPS_PERIOD_DAILY];
		assert_int_equal(line->reserved_nano_usd, in_flight);
		if (line->period_start_unix_s == day * DAY)
			assert_int_equal(line->consumed_nano_usd, sum);
		assert_true(line->consumed_nano_usd + line->reserved_nano_usd <= 1000);
	}
	assert_true(n_granted > 1000 && n_refused > 100 && n_alerts > 30);
}

/* --- which counter --- */

static void key_of(const struct genops_budget_rule *rule, const char *team, const char *project,
    struct genops_arena *arena, struct genops_hash *ret_key, genops_str *ret_label)
{
	struct genops_attributes attributes;
	struct genops_error err;
	genops_attributes_init(&attributes, arena);
	if (team)
		assert_int_equal(genops_attributes_set_text(&attributes, GENOPS_STR("team"), genops_str_of(team), &err), 0);
	if (project)
		assert_int_equal(
		    genops_attributes_set_text(&attributes, GENOPS_STR("project"), genops_str_of(project), &err), 0);
	struct genops_match_subject subject = {.attributes = &attributes, .model = GENOPS_STR("gpt-4o")};
	assert_int_equal(genops_budget_key(rule, &subject, arena, 7, ret_key, ret_label, &err), GENOPS_OK);
}

/* proves CORE-039, COL-136: each combination of `per` has a counter of its own */
static void keys_and_labels(void **state)
{
	genops_str per[] = {GENOPS_STR("team"), GENOPS_STR("project"), GENOPS_STR("model")};
	struct genops_budget_rule rule = {.name = GENOPS_STR("b"), .n_per = 2, .per = per};
	struct genops_arena arena;
	struct genops_hash one, two;
	genops_str label;
	genops_arena_init(&arena, 1 << 20);
	key_of(&rule, "a", "p", &arena, &one, &label);
	assert_true(genops_str_is(label, "b[team=a,project=p]"));
	key_of(&rule, "a", "p", &arena, &two, &label);
	assert_true(genops_hash_equal(one, two));
	key_of(&rule, "a", "q", &arena, &two, &label);
	assert_false(genops_hash_equal(one, two));
	key_of(&rule, "a,project=p", "", &arena, &two, &label); /* the text alone would be ambiguous */
	assert_false(genops_hash_equal(one, two));
	key_of(&rule, NULL, NULL, &arena, &two, &label);
	assert_true(genops_str_is(label, "b[team=,project=]"));
	rule.n_per = 3;
	key_of(&rule, "a", "p", &arena, &two, &label);
	assert_true(genops_str_is(label, "b[team=a,project=p,model=gpt-4o]"));
	rule.n_per = 0;
	key_of(&rule, "a", "p", &arena, &one, &label);
	assert_true(genops_str_is(label, "b"));
	key_of(&rule, "z", "p", &arena, &two, &label);
	assert_true(genops_hash_equal(one, two));
	genops_arena_done(&arena);
}

static void no_memory_for_a_key(void **state)
{
	genops_str per[] = {GENOPS_STR("model")};
	struct genops_budget_rule rule = {.name = GENOPS_STR("b"), .n_per = 1, .per = per};
	struct genops_match_subject subject = {.model = GENOPS_STR("m")};
	struct genops_arena arena;
	struct genops_hash key = {1, 2};
	struct genops_error err;
	genops_str label = GENOPS_STR("x");
	genops_arena_init(&arena, 8);
	assert_int_equal(genops_budget_key(&rule, &subject, &arena, 7, &key, &label, &err), GENOPS_NOMEM);
	assert_int_equal(key.low, 1);
	assert_true(genops_str_is(label, "x"));
	genops_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(daily_and_monthly),
	    cmocka_unit_test(one_window),
	    cmocka_unit_test(the_edge),
	    cmocka_unit_test(rollover_keeps_reservations),
	    cmocka_unit_test(late_settlement),
	    cmocka_unit_test(a_clock_that_goes_back_keeps_the_newer_period),
	    cmocka_unit_test(alerts_once),
	    cmocka_unit_test(alerts_that_find_no_room_come_next_time),
	    cmocka_unit_test(restored_figures_tell_no_old_alerts),
	    cmocka_unit_test(sums_saturate),
	    cmocka_unit_test(model_of_a_year),
	    cmocka_unit_test(keys_and_labels),
	    cmocka_unit_test(no_memory_for_a_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
