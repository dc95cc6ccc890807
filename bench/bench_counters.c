/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_counters.c - CPU time of what one governed call does in shared memory: take a token, reserve in two budgets,
 * commit, free. By 1 and 2 threads of one process and by 1 and 2 processes, on the same budgets and on their own. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/counters.h"

#define CALLS  300000
#define ROUNDS 5
#define NOON   (INT64_C(1709208000) * 1000000000)

static char state_dir[] = "/tmp/genops-bench-XXXXXX";
static struct genops_counters *counters;

struct runner {
	uint64_t key; /* of its budgets */
	double ns;    /* CPU time a call */
	pthread_t thread;
};

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void call(const struct runner *runner, const struct genops_budget_ask *asks, const struct genops_lease_identity *identity)
{
	struct genops_budget_answer answers[2];
	struct genops_counters_alert alerts[8];
	struct genops_error err;
	bool granted = false;
	uint32_t lease;
	int64_t delay;
	if (!genops_counters_take_rate(
		counters, (struct genops_hash){runner->key, 9}, 1e12, 1000000000, 0, NOON, false, &delay) ||
	    genops_counters_reserve(counters, asks, 2, 2500000, identity, NOON, answers, &granted, &lease, &err) ||
	    !granted)
		abort();
	genops_counters_commit(counters, lease, asks, 2, 1500000, NOON, answers, alerts, 8);
	genops_counters_free(counters, lease);
}

static void *run(void *arg)
{
	static struct genops_budget_rule day = {.limit_nano_usd = {-1, INT64_C(1) << 60, -1, INT64_C(1) << 61, -1},
	    .n_alerts = 3, .alert_percent = {80, 90, 100}};
	struct runner *runner = arg;
	struct genops_budget_rule rule = day;
	rule.zone = genops_zone_utc();
	struct genops_budget_ask asks[] = {
	    {.key = {runner->key, 1}, .label = GENOPS_STR("team-day[team=search]"), .rule = &rule, .may_refuse = true},
	    {.key = {runner->key + 77, 2}, .label = GENOPS_STR("company"), .rule = &rule, .may_refuse = true},
	};
	struct genops_lease_identity identity = {.team = "search", .model = "gpt-4o-mini", .provider = "openai"};
	double start = cpu_ns();
	for (int i = 0; i < CALLS; i++)
		call(runner, asks, &identity);
	runner->ns = (cpu_ns() - start) / CALLS;
	return NULL;
}

static double by_threads(int n, bool is_shared)
{
	struct runner runners[2] = {{.key = 1}, {.key = is_shared ? 1 : 1001}};
	for (int i = 1; i < n; i++) {
		if (pthread_create(&runners[i].thread, NULL, run, &runners[i]) != 0)
			abort();
	}
	run(&runners[0]);
	for (int i = 1; i < n; i++)
		pthread_join(runners[i].thread, NULL);
	return n == 2 ? (runners[0].ns + runners[1].ns) / 2 : runners[0].ns;
}

static double by_processes(bool is_shared)
{
	struct runner *runners = mmap(NULL, sizeof *runners * 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct genops_error err;
	if (runners == MAP_FAILED)
		abort();
	runners[0].key = 1;
	runners[1].key = is_shared ? 1 : 1001;
	pid_t child = fork();
	if (child == 0) {
		if (genops_counters_after_fork(counters, &err) != GENOPS_OK)
			abort();
		run(&runners[1]);
		_exit(0);
	}
	run(&runners[0]);
	waitpid(child, NULL, 0);
	double ns = (runners[0].ns + runners[1].ns) / 2;
	munmap(runners, sizeof *runners * 2);
	return ns;
}

static double least(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

int main(void)
{
	double best[5] = {0};
	bool is_first;
	struct genops_error err;
	if (!mkdtemp(state_dir) || genops_counters_open(state_dir, &counters, &is_first, &err) != GENOPS_OK)
		return 1;
	genops_counters_ready(counters);
	for (int round = 0; round < ROUNDS; round++) { /* interleaved, the best of each */
		best[0] = least(best[0], by_threads(1, true));
		best[1] = least(best[1], by_threads(2, true));
		best[2] = least(best[2], by_threads(2, false));
		best[3] = least(best[3], by_processes(true));
		best[4] = least(best[4], by_processes(false));
	}
	printf("take a token, reserve in 2 budgets (2 windows each), commit, free; CPU ns a call and thread\n");
	printf("  1 thread                          %6.0f\n", best[0]);
	printf("  2 threads, same budgets           %6.0f\n", best[1]);
	printf("  2 threads, own budgets            %6.0f\n", best[2]);
	printf("  2 processes, same budgets         %6.0f\n", best[3]);
	printf("  2 processes, own budgets          %6.0f\n", best[4]);
	genops_counters_close(counters);
	char command[64];
	snprintf(command, sizeof command, "rm -r %s", state_dir);
	return system(command) ? 1 : 0;
}
