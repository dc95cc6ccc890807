/* SPDX-License-Identifier: Apache-2.0
 * A state directory of a test's own, budgets to spend from, and leases without much ado. */
#ifndef COUNTERS_FIXTURE_H
#define COUNTERS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "store/counters.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS   INT64_C(1000000000)
#define DAY  INT64_C(86400)
#define NOON ((1709164800 + DAY / 2) * NS) /* 2024-02-29 */

static char state_dir[64];

static int make_dir(void **state)
{
	snprintf(state_dir, sizeof state_dir, "/tmp/genops-counters-XXXXXX");
	return mkdtemp(state_dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", state_dir);
	return system(command);
}

#define in_dir(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

static inline const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", state_dir, name);
	return path;
}

static inline struct genops_counters *attach(bool expect_first)
{
	struct genops_counters *counters = NULL;
	struct genops_error err = {0};
	bool is_first = !expect_first;
	int code = genops_counters_open(state_dir, &counters, &is_first, &err);
	if (code != GENOPS_OK)
		fail_msg("open: %s", err.message);
	assert_int_equal(is_first, expect_first);
	return counters;
}

static inline struct genops_counters *attach_ready(void)
{
	struct genops_counters *counters = attach(true);
	genops_counters_ready(counters);
	return counters;
}

static inline struct genops_budget_rule rule_of(int64_t daily, int64_t monthly)
{
	return (struct genops_budget_rule){
	    .name = GENOPS_STR("b"),
	    .zone = genops_zone_utc(),
	    .limit_nano_usd = {-1, daily, -1, monthly, -1},
	    .n_alerts = 3,
	    .alert_percent = {80, 90, 100},
	};
}

static inline struct genops_budget_ask ask_of(const struct genops_budget_rule *rule, uint64_t key)
{
	return (struct genops_budget_ask){.key = {key * UINT64_C(0x9e3779b97f4a7c15), key}, .label = rule->name,
	    .rule = rule, .may_refuse = true};
}

static inline bool reserve(struct genops_counters *counters, const struct genops_budget_ask *asks, size_t n, int64_t amount,
    int64_t now, uint32_t *ret_lease)
{
	struct genops_budget_answer answers[GENOPS_RESERVATION_BUDGETS_MAX];
	struct genops_lease_identity identity = {.team = "team", .model = "model"};
	struct genops_error err = {0};
	bool granted = false;
	*ret_lease = GENOPS_LEASE_NONE;
	int code = genops_counters_reserve(
	    counters, asks, n, amount, &identity, now, answers, &granted, ret_lease, &err);
	if (code != GENOPS_OK)
		fail_msg("reserve: %s", err.message);
	assert_int_equal(granted, *ret_lease != GENOPS_LEASE_NONE);
	return granted;
}

/* With the record appended in between, so to speak. */
static inline size_t settle(struct genops_counters *counters, uint32_t lease, const struct genops_budget_ask *asks, size_t n,
    int64_t actual, int64_t now)
{
	struct genops_counters_alert alerts[16];
	size_t n_alerts = genops_counters_commit(counters, lease, asks, n, actual, now, NULL, alerts, 16);
	genops_counters_free(counters, lease);
	return n_alerts;
}

static inline struct genops_budget_line line_of(
    struct genops_counters *counters, const struct genops_budget_ask *ask, enum genops_period period)
{
	struct genops_budget_view view;
	struct genops_budget_line none = {0};
	return genops_counters_budget(counters, ask->key, &view) ? view.cell.lines[period] : none;
}

static inline void expect_line(struct genops_counters *counters, const struct genops_budget_ask *ask,
    enum genops_period period, int64_t consumed, int64_t reserved)
{
	struct genops_budget_line line = line_of(counters, ask, period);
	assert_int_equal(line.consumed_nano_usd, consumed);
	assert_int_equal(line.reserved_nano_usd, reserved);
}

static inline struct genops_counters_stats stats_of(struct genops_counters *counters)
{
	struct genops_counters_stats stats = {0};
	genops_counters_stats(counters, &stats);
	return stats;
}

#endif
