/* SPDX-License-Identifier: Apache-2.0 - engine/alert/alert_rule.c, alert_gauge.c: conditions as the guides write them, how long they must hold,
 * and the figures that they are about. Proves CRB-061..064, CRB-213, CRB-446..448. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "engine/alert/alert_gauge.h"

#include <math.h>
#include <stdio.h>

static int holds(const char *condition, const struct genops_alert_gauges *gauges)
{
	struct genops_alert_rule rule = {.condition = genops_str_of(condition)};
	struct genops_arena arena;
	struct genops_error err = {0};
	genops_arena_init(&arena, 1 << 20);
	struct genops_expression_run run = {.arena = &arena, .random_state = {1, 2}};
	if (genops_alert_rule_compile(rule.condition, &rule.expression, &err) != GENOPS_OK)
		fail_msg("%s: %s", condition, err.message);
	int result = genops_alert_rule_holds(&rule, gauges, &run);
	genops_expression_run_done(&run);
	genops_expression_free(rule.expression);
	genops_arena_done(&arena);
	return result;
}

static struct genops_alert_gauges gauges_of(enum genops_alert_gauge gauge, double value)
{
	struct genops_alert_gauges gauges = {.failing = ""};
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N; i++)
		gauges.values[i] = (double)NAN;
	gauges.values[gauge] = value;
	return gauges;
}

static void just_below_and_just_above(void **state)
{
	static const struct {
		const char *condition;
		enum genops_alert_gauge gauge;
		double below, above;
	} cases[] = {{"error_rate > 5%", GENOPS_ALERT_GAUGE_error_rate, 5, 5.01}, {"buffer_utilization > 90%", GENOPS_ALERT_GAUGE_buffer_utilization, 90, 90.1},
	    {"cpu_utilization > 80%", GENOPS_ALERT_GAUGE_cpu_utilization, 79, 81}, {"source_status == \"down\"", GENOPS_ALERT_GAUGE_source_status, 1, 0},
	    {"(error_rate>5%)&&(error_rate<50 %)", GENOPS_ALERT_GAUGE_error_rate, 5, 49}, {"error_rate % 2 == 1", GENOPS_ALERT_GAUGE_error_rate, 4, 5},
	    {"5%2 == 1 && error_rate > 1", GENOPS_ALERT_GAUGE_error_rate, 1, 2}, {"source_status != 'up'", GENOPS_ALERT_GAUGE_source_status, 1, 0},
	    {"Math.max(error_rate, 3) > 5%", GENOPS_ALERT_GAUGE_error_rate, 4, 6}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_alert_gauges below = gauges_of(cases[i].gauge, cases[i].below), above = gauges_of(cases[i].gauge, cases[i].above);
		struct genops_alert_gauges unknown = gauges_of(cases[i].gauge, (double)NAN);
		if (holds(cases[i].condition, &below) != 0 || holds(cases[i].condition, &above) != 1 || holds(cases[i].condition, &unknown) != -1)
			fail_msg("%s", cases[i].condition);
	}
}

static void what_is_no_condition(void **state)
{
	static const char *const cases[] = {"error_rat > 5%", "error_rate >", "x", "error_rate > 5%%", "source_status == \"down", "attributes['a']", ""};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_expression *made = NULL;
		struct genops_error err = {0};
		if (genops_alert_rule_compile(genops_str_of(cases[i]), &made, &err) == GENOPS_OK)
			fail_msg("%s", cases[i]);
		assert_true(err.message[0]);
		assert_null(made);
	}
}

#define MINUTE (60 * GENOPS_NS_PER_S)

static void it_must_hold_for_so_long(void **state)
{
	const struct genops_alert_rule rule = {.for_ns = 10 * MINUTE};
	struct genops_alert_watch watch = {0};
	(void)state;
	for (int64_t at = 1; at < 10; at++) /* nine minutes: nothing */
		assert_int_equal(genops_alert_watch_step(&watch, &rule, 1, at * MINUTE), GENOPS_ALERT_NOTHING);
	assert_int_equal(genops_alert_watch_step(&watch, &rule, 0, 10 * MINUTE), GENOPS_ALERT_NOTHING); /* interrupted */
	assert_int_equal(genops_alert_watch_step(&watch, &rule, 1, 11 * MINUTE), GENOPS_ALERT_NOTHING);
	assert_int_equal(genops_alert_watch_step(&watch, &rule, -1, 12 * MINUTE), GENOPS_ALERT_NOTHING);
	assert_int_equal(genops_alert_watch_step(&watch, &rule, 1, 20 * MINUTE), GENOPS_ALERT_NOTHING);
	assert_int_equal(genops_alert_watch_step(&watch, &rule, 1, 21 * MINUTE), GENOPS_ALERT_FIRES);
	for (int64_t at = 22; at < 60; at++) /* once */
		assert_int_equal(genops_alert_watch_step(&watch, &rule, 1, at * MINUTE), GENOPS_ALERT_NOTHING);
	for (int64_t at = 60; at < 80; at++) { /* it flutters */
		assert_int_equal(genops_alert_watch_step(&watch, &rule, 0, at * MINUTE), GENOPS_ALERT_NOTHING);
		assert_int_equal(genops_alert_watch_step(&watch, &rule, 1, at * MINUTE + GENOPS_NS_PER_S), GENOPS_ALERT_NOTHING);
	}
	assert_int_equal(genops_alert_watch_step(&watch, &rule, -1, 80 * MINUTE), GENOPS_ALERT_NOTHING);
	assert_int_equal(genops_alert_watch_step(&watch, &rule, 0, 90 * MINUTE), GENOPS_ALERT_NOTHING);
	assert_int_equal(genops_alert_watch_step(&watch, &rule, 0, 91 * MINUTE), GENOPS_ALERT_IS_OVER);
	const struct genops_alert_rule at_once = {.for_ns = 0};
	watch = (struct genops_alert_watch){0};
	assert_int_equal(genops_alert_watch_step(&watch, &at_once, 1, 1), GENOPS_ALERT_FIRES);
}

static struct genops_alert_meter meter;
static struct genops_alert_gauges taken;
static struct genops_alert_counts counts;
static const struct genops_alert_inside inside = {.queue_bytes = 90, .queue_max = 100, .segment_bytes = 1, .segment_max = 100,
    .silence_ns = 60 * GENOPS_NS_PER_S, .has_receivers = true, .lag_ns = 3 * GENOPS_NS_PER_S, .n_failing = 2};

static void second(uint64_t requests, uint64_t refused, uint64_t items)
{
	counts.monotonic_ns += GENOPS_NS_PER_S;
	counts.requests += requests;
	counts.refused += refused;
	counts.items += items;
	counts.cpu_all += 200;
	counts.cpu_busy += 50;
	genops_alert_gauge_take(&meter, &counts, &inside, &taken);
}

static double value(enum genops_alert_gauge gauge)
{
	return taken.values[gauge];
}

static void figures(void **state)
{
	(void)state;
	taken = gauges_of(GENOPS_ALERT_GAUGE_error_rate, (double)NAN);
	counts.monotonic_ns = GENOPS_NS_PER_S;
	second(0, 0, 0);
	assert_true(value(GENOPS_ALERT_GAUGE_error_rate) == 0);
	assert_true(value(GENOPS_ALERT_GAUGE_source_status) == 1);
	assert_true(isnan(value(GENOPS_ALERT_GAUGE_source_silence)));
	for (int i = 0; i < 59; i++)
		second(19, 1, 100);
	assert_true(fabs(value(GENOPS_ALERT_GAUGE_error_rate) - 5) < 0.01);
	assert_true(fabs(value(GENOPS_ALERT_GAUGE_throughput) - 100) < 2);
	assert_true(fabs(value(GENOPS_ALERT_GAUGE_cpu_utilization) - 25) < 0.01);
	assert_true(value(GENOPS_ALERT_GAUGE_source_silence) == 0);
	assert_true(value(GENOPS_ALERT_GAUGE_buffer_utilization) == 90 && value(GENOPS_ALERT_GAUGE_queue_utilization) == 90);
	assert_true(value(GENOPS_ALERT_GAUGE_delivery_lag) == 3 && value(GENOPS_ALERT_GAUGE_destinations_failing) == 2);
	for (int i = 0; i < 59; i++)
		second(0, 0, 0);
	assert_true(value(GENOPS_ALERT_GAUGE_source_status) == 1);
	second(0, 0, 0);
	assert_true(value(GENOPS_ALERT_GAUGE_source_status) == 0); /* a minute of silence */
	second(1, 0, 0);
	assert_true(value(GENOPS_ALERT_GAUGE_source_status) == 1);
	for (int i = 0; i < 70; i++)
		second(0, 5, 0);
	assert_true(value(GENOPS_ALERT_GAUGE_source_status) == 0 && value(GENOPS_ALERT_GAUGE_error_rate) == 100);
	counts.requests = counts.refused = counts.items = 0; /* begun anew */
	second(1, 0, 1);
	assert_true(value(GENOPS_ALERT_GAUGE_error_rate) == 0);
	for (int i = 0; i < 500; i++)
		second(1, 1, 7);
	assert_true(fabs(value(GENOPS_ALERT_GAUGE_error_rate) - 50) < 0.01 && fabs(value(GENOPS_ALERT_GAUGE_throughput) - 7) < 0.01);
}

/* What came before the first look, or before a restart, was sent by somebody who is missed when he is silent. */
static void who_sent_before_is_missed(void **state)
{
	struct genops_alert_meter fresh = {0};
	struct genops_alert_gauges gauges = {.failing = ""};
	struct genops_alert_counts now = {.monotonic_ns = GENOPS_NS_PER_S, .requests = 1};
	(void)state;
	genops_alert_gauge_take(&fresh, &now, &inside, &gauges);
	assert_true(gauges.values[GENOPS_ALERT_GAUGE_source_status] == 1);
	now.monotonic_ns += 61 * GENOPS_NS_PER_S;
	genops_alert_gauge_take(&fresh, &now, &inside, &gauges);
	assert_true(gauges.values[GENOPS_ALERT_GAUGE_source_status] == 0);
}

/* Of the three bounds the one that is nearest: the shared queue, what receivers may keep, what all destinations may be behind with. */
static void the_fullest_buffer(void **state)
{
	static const struct {
		struct genops_alert_inside inside;
		double percent;
	} cases[] = {{{.queue_bytes = 30, .queue_max = 100, .segment_bytes = 20, .segment_max = 100, .disk_bytes = 97, .disk_max = 100}, 97},
	    {{.queue_bytes = 30, .queue_max = 100, .segment_bytes = 40, .segment_max = 100, .disk_bytes = 10, .disk_max = 100}, 40},
	    {{.queue_bytes = 50, .queue_max = 100, .segment_bytes = 40, .segment_max = 100}, 50}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_alert_meter fresh = {0};
		struct genops_alert_gauges gauges = {.failing = ""};
		const struct genops_alert_counts now = {.monotonic_ns = 1};
		genops_alert_gauge_take(&fresh, &now, &cases[i].inside, &gauges);
		assert_true(gauges.values[GENOPS_ALERT_GAUGE_buffer_utilization] == cases[i].percent);
	}
}

static void the_machine(void **state)
{
	struct genops_alert_gauges gauges = gauges_of(GENOPS_ALERT_GAUGE_error_rate, 0);
	struct genops_alert_counts now = {0};
	(void)state;
	genops_alert_gauge_machine(&now, "/tmp", &gauges);
	assert_true(now.cpu_all >= now.cpu_busy && now.cpu_all > 0);
	assert_true(gauges.values[GENOPS_ALERT_GAUGE_memory_utilization] > 0 && gauges.values[GENOPS_ALERT_GAUGE_memory_utilization] < 100);
	assert_true(gauges.values[GENOPS_ALERT_GAUGE_disk_utilization] >= 0 && gauges.values[GENOPS_ALERT_GAUGE_disk_utilization] <= 100);
}

static void what_is_told(void **state)
{
	struct genops_alert_rule rule = {0};
	struct genops_alert_gauges gauges = gauges_of(GENOPS_ALERT_GAUGE_destinations_failing, 1);
	char text[256];
	(void)state;
	snprintf(gauges.failing, sizeof gauges.failing, "s3");
	assert_int_equal(genops_alert_rule_compile(GENOPS_STR("destinations_failing > 0"), &rule.expression, NULL), GENOPS_OK);
	genops_alert_rule_tell(&rule, &gauges, text, sizeof text);
	assert_string_equal(text, "destinations_failing 1 (failing: s3)");
	genops_alert_rule_tell(&rule, &gauges, text, 8); /* cut, and terminated */
	assert_int_equal(strlen(text), 7);
	assert_non_null(strstr(genops_alert_rule_remedy(&rule), "credentials"));
	genops_expression_free(rule.expression);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(just_below_and_just_above),
	    cmocka_unit_test(what_is_no_condition),
	    cmocka_unit_test(it_must_hold_for_so_long),
	    cmocka_unit_test(figures),
	    cmocka_unit_test(who_sent_before_is_missed),
	    cmocka_unit_test(the_fullest_buffer),
	    cmocka_unit_test(the_machine),
	    cmocka_unit_test(what_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
