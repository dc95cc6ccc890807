/* SPDX-License-Identifier: Apache-2.0
 * Killed at any moment: nothing is spent twice, nothing is lost, nothing stays reserved, no lock stays shut.
 *
 * The ledger here is an array in memory that all share; appending a record is one store. It knows nothing of the counters,
 * and after every death both must agree to the nano: there is no doubtful case.
 */
#include "counters_fixture.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <time.h>

#define RECORDS_PER_LIFE 100000
#define LIVES_MAX        640
#define N_RECORDS        ((size_t)RECORDS_PER_LIFE * LIVES_MAX)
#define HOUR             INT64_C(3600)
#define HOURS_MAX        4096
#define HOURLY_LIMIT     150000 /* of about 180,000 that would be spent */
#define FIRST_HOUR       (NOON / NS / HOUR)

/* One operation's record: amount + 1 in the low half (0: none), the hour it counts in, above. */
struct ledger {
	_Atomic int64_t clock_ns;                /* handed out to everybody, always later */
	_Atomic uint64_t records[N_RECORDS];
};

static struct ledger *ledger;

static void append(size_t id, int64_t amount, int64_t at_unix_s)
{
	uint64_t hour = (uint64_t)(at_unix_s / HOUR - FIRST_HOUR);
	assert_true(id < N_RECORDS && hour < HOURS_MAX && amount >= 0);
	atomic_store(&ledger->records[id], hour << 32 | (uint64_t)(amount + 1));
}

static int64_t amount_of(uint64_t record)
{
	return (int64_t)(record & UINT32_MAX) - 1;
}

static int make_ledger(void **state)
{
	ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ledger == MAP_FAILED)
		return -1;
	atomic_store(&ledger->clock_ns, NOON);
	return make_dir(state);
}

static int remove_ledger(void **state)
{
	munmap(ledger, sizeof *ledger);
	return remove_dir(state);
}

#define with_ledger(f) cmocka_unit_test_setup_teardown(f, make_ledger, remove_ledger)

/* --- what a call does --- */

static const struct genops_budget_rule *hourly_rule(void)
{
	static struct genops_budget_rule rule;
	rule = (struct genops_budget_rule){.name = GENOPS_STR("hourly"), .zone = genops_zone_utc(),
	    .limit_nano_usd = {HOURLY_LIMIT, -1, -1, -1, INT64_C(1) << 50}};
	return &rule;
}

static void asks_of(struct genops_budget_ask asks[2])
{
	static struct genops_budget_rule wide;
	wide = (struct genops_budget_rule){.name = GENOPS_STR("wide"), .zone = genops_zone_utc(),
	    .limit_nano_usd = {-1, -1, -1, -1, INT64_C(1) << 50}};
	asks[0] = ask_of(hourly_rule(), 1);
	asks[1] = ask_of(&wide, 2);
}

static struct genops_lease_identity identity_of(size_t id)
{
	struct genops_lease_identity identity = {.team = "t"};
	memcpy(identity.trace_id, &id, sizeof id);
	return identity;
}

/* The phases of a call; a test may stop a child before one and at its end. */
enum { RATE, RESERVE, EXTEND, COMMIT, APPEND, FREE, N_PHASES };
static int stop_before = -1;

static void phase(int now)
{
	if (stop_before >= 0 && (now == stop_before || now == stop_before + 1))
		raise(SIGSTOP);
}

static void one_call(struct genops_counters *counters, size_t id, int64_t amount, int64_t actual, int64_t now)
{
	struct genops_budget_ask asks[2];
	struct genops_budget_answer answers[2];
	struct genops_lease_identity identity = identity_of(id);
	struct genops_error err;
	bool granted = false;
	uint32_t lease;
	int64_t delay;
	asks_of(asks);
	phase(RATE);
	(void)genops_counters_take_rate(counters, (struct genops_hash){7, 7}, 1e9, 1000000, 0, now - NOON, false, &delay);
	phase(RESERVE);
	if (genops_counters_reserve(counters, asks, 2, amount / 2, &identity, now, answers, &granted, &lease, &err) !=
		GENOPS_OK ||
	    !granted)
		return;
	phase(EXTEND);
	genops_counters_metered(counters, lease, actual / 2);
	if (!genops_counters_extend(counters, lease, asks, 2, amount, now))
		actual /= 2;
	phase(COMMIT);
	genops_counters_commit(counters, lease, asks, 2, actual, now, answers, NULL, 0);
	phase(APPEND);
	append(id, actual, answers[0].windows[0].start_unix_s);
	phase(FREE);
	genops_counters_free(counters, lease);
	phase(N_PHASES);
}

/* --- the drain --- */

/* Abandoned calls are recorded at what is known; a record that is there already counts. */
static int64_t on_lease(void *arg, const struct genops_dead_lease *lease)
{
	size_t id;
	memcpy(&id, lease->identity.trace_id, sizeof id);
	uint64_t record = atomic_load(&ledger->records[id]);
	if (record)
		return amount_of(record);
	int64_t amount = lease->is_committed ? lease->committed_nano_usd : lease->metered_nano_usd;
	append(id, amount, lease->settled_unix_ns / NS);
	(*(size_t *)arg)++;
	return amount;
}

static size_t reap(struct genops_counters *counters)
{
	size_t n_abandoned = 0;
	int64_t now = atomic_load(&ledger->clock_ns);
	genops_counters_reap(counters, now, on_lease, &n_abandoned);
	genops_counters_reap(counters, now, on_lease, &n_abandoned);
	return n_abandoned;
}

/* Sums over all records: all, and of each hour. */
static int64_t sum_ledger(size_t n_records, int64_t *hours)
{
	int64_t sum = 0;
	memset(hours, 0, HOURS_MAX * sizeof *hours);
	for (size_t i = 0; i < n_records; i++) {
		uint64_t record = atomic_load_explicit(&ledger->records[i], memory_order_relaxed);
		if (record) {
			sum += amount_of(record);
			hours[record >> 32] += amount_of(record);
		}
	}
	return sum;
}

/* Nobody runs: counters and ledger agree exactly, nothing is reserved, no hour is above its limit. */
static int64_t expect_agreement(struct genops_counters *counters, size_t n_records)
{
	static int64_t hours[HOURS_MAX];
	struct genops_budget_ask asks[2];
	asks_of(asks);
	int64_t sum = sum_ledger(n_records, hours);
	struct genops_budget_line line = line_of(counters, &asks[0], GENOPS_PERIOD_HOURLY);
	if (line.period_start_unix_s) {
		assert_int_equal(line.consumed_nano_usd, hours[line.period_start_unix_s / HOUR - FIRST_HOUR]);
		assert_int_equal(line.reserved_nano_usd, 0);
	}
	for (size_t hour = 0; hour < HOURS_MAX; hour++)
		assert_true(hours[hour] <= HOURLY_LIMIT);
	expect_line(counters, &asks[0], GENOPS_PERIOD_TOTAL, sum, 0);
	expect_line(counters, &asks[1], GENOPS_PERIOD_TOTAL, sum, 0);
	assert_int_equal(stats_of(counters).n_leases, 0);
	return sum;
}

/* --- killed after each instruction --- */

/* Lets a child do one call, stopped before a phase of it; kills it n instructions later. Returns how many the phase
 * took, or -1 if it was not over; -2: no ptrace here. */
static long kill_after(struct genops_counters *counters, size_t id, int at_phase, long n)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct genops_error err;
		stop_before = at_phase;
		if (genops_counters_after_fork(counters, &err) != GENOPS_OK || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(77);
		one_call(counters, id, 100, 90, NOON + (int64_t)(id / 20) * HOUR * NS); /* 20 calls fit an hour */
		_exit(1);
	}
	int status;
	long steps = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status))
		return -2;
	bool is_over = false;
	while (!is_over && steps != n && ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0) {
		assert_int_equal(waitpid(child, &status, 0), child);
		is_over = !WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP;
		steps++;
	}
	kill(child, SIGKILL);
	while (waitpid(child, &status, 0) == child && !WIFSIGNALED(status) && !WIFEXITED(status))
		;
	return is_over ? steps : -1;
}

static void killed_at_every_instruction(void **state)
{
	struct genops_counters *counters = attach_ready();
	/* All of them in a run by hand; else as many as fit into a few seconds. */
	long budget = getenv("GENOPS_TEST_EVERY_INSTRUCTION") ? 1000000000 : 12000;
	size_t id = 0, n_abandoned = 0, n_deaths = 0;
	int64_t sum = 0;
	for (int at = RATE; at < N_PHASES; at++) {
		long n_steps = kill_after(counters, id++, at, 10000000);
		if (n_steps == -2)
			break;
		long stride = 1 + n_steps * n_steps / (2 * budget);
		n_abandoned += reap(counters);
		sum = expect_agreement(counters, id);
		for (long n = (long)(id % (size_t)stride); n < n_steps; n += stride) {
			(void)kill_after(counters, id++, at, n); /* or just after it: calls differ a little */
			n_abandoned += reap(counters);
			int64_t now = expect_agreement(counters, id);
			assert_true(now == sum || now == sum + 45 || now == sum + 90);
			sum = now;
			n_deaths++;
		}
		print_message("phase %d: %ld instructions, killed after every %ld.\n", at, n_steps, stride);
	}
	print_message("%zu deaths, %zu calls abandoned, %llu transactions undone\n", n_deaths, n_abandoned,
	    (unsigned long long)stats_of(counters).n_repairs);
	if (id <= 1)
		skip();
	assert_true(n_abandoned > 0);
	assert_true(stats_of(counters).n_repairs > 0);
	genops_counters_close(counters);
}

/* --- killed at random, while others go on --- */

static void run_until_killed(struct genops_counters *parent, size_t life)
{
	struct genops_error err;
	uint64_t random = 88172645463325252u + life * 1099511628211u;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (genops_counters_after_fork(parent, &err) != GENOPS_OK)
		_exit(1);
	for (size_t i = 0; i < RECORDS_PER_LIFE; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		int64_t amount = (int64_t)(random % 200), actual = amount ? (int64_t)((random >> 20) % (uint64_t)amount) : 0;
		int64_t now = atomic_fetch_add(&ledger->clock_ns, NS); /* an hour: 3,600 calls */
		one_call(parent, life * RECORDS_PER_LIFE + i, amount, actual, now);
	}
	for (;;)
		pause();
}

static void never_over_the_limit(struct genops_counters *counters)
{
	struct genops_budget_ask asks[2];
	asks_of(asks);
	struct genops_budget_line line = line_of(counters, &asks[0], GENOPS_PERIOD_HOURLY);
	assert_true(line.consumed_nano_usd + line.reserved_nano_usd <= HOURLY_LIMIT);
}

static int64_t monotonic_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

static void killed_at_random(void **state)
{
	enum { RUNNERS = 4 };
	struct genops_counters *counters = attach_ready();
	pid_t runners[RUNNERS] = {0};
	size_t life = 0, n_kills = 0, n_abandoned = 0;
	uint64_t random = 2463534242u;
	int64_t until = monotonic_ns() + 3 * NS;
	while (life < LIVES_MAX - RUNNERS && monotonic_ns() < until) {
		for (int i = 0; i < RUNNERS; i++) {
			if (runners[i])
				continue;
			runners[i] = fork();
			assert_true(runners[i] >= 0);
			if (runners[i] == 0)
				run_until_killed(counters, life);
			life++;
		}
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		int64_t moment = monotonic_ns() + (int64_t)(random % 8000000);
		while (monotonic_ns() < moment) {
			never_over_the_limit(counters);
			usleep(200);
		}
		size_t victim = (size_t)(random >> 32) % RUNNERS;
		kill(runners[victim], SIGKILL);
		assert_int_equal(waitpid(runners[victim], NULL, 0), runners[victim]);
		runners[victim] = 0;
		n_kills++;
		n_abandoned += reap(counters);
		never_over_the_limit(counters);
	}
	for (int i = 0; i < RUNNERS; i++) {
		if (runners[i]) {
			kill(runners[i], SIGKILL);
			assert_int_equal(waitpid(runners[i], NULL, 0), runners[i]);
		}
	}
	n_abandoned += reap(counters);
	int64_t sum = expect_agreement(counters, life * RECORDS_PER_LIFE);
	print_message("%zu kills, %lld nano-USD, %zu calls abandoned, %llu transactions undone\n", n_kills, (long long)sum,
	    n_abandoned, (unsigned long long)stats_of(counters).n_repairs);
	assert_true(n_kills > 20 && sum > 0);
	genops_counters_close(counters);
}

/* What a first attacher does: reap into the ledger, restore from it, ready. */
static bool start_from_ledger(struct genops_counters *counters, size_t n_records)
{
	static int64_t hours[HOURS_MAX];
	struct genops_budget_ask asks[2];
	struct genops_error err;
	size_t n_abandoned = 0;
	int64_t now = atomic_load(&ledger->clock_ns), hour = now / NS / HOUR;
	asks_of(asks);
	genops_counters_reap(counters, now, on_lease, &n_abandoned);
	int64_t sum = sum_ledger(n_records, hours);
	for (int i = 0; i < 2; i++) {
		if (genops_counters_restore(counters, asks[i].key, asks[i].label, GENOPS_PERIOD_TOTAL, 0, INT64_MAX, sum,
			&err) != GENOPS_OK)
			return false;
	}
	if (genops_counters_restore(counters, asks[0].key, asks[0].label, GENOPS_PERIOD_HOURLY, hour * HOUR,
		hour * HOUR + HOUR, hours[hour - FIRST_HOUR], &err) != GENOPS_OK)
		return false;
	genops_counters_ready(counters);
	return true;
}

/* Until the last of those who were killed is gone. */
static struct genops_counters *attach_first(void)
{
	struct genops_counters *counters;
	struct genops_error err;
	for (int i = 0; i < 2000; i++) {
		bool is_first;
		if (genops_counters_open(state_dir, &counters, &is_first, &err) != GENOPS_OK)
			return NULL;
		if (is_first)
			return counters;
		genops_counters_close(counters);
		usleep(1000);
	}
	return NULL;
}

/* Everybody is killed, the drain too, again and again; each time the next one starts from the ledger. */
static void all_killed(void **state)
{
	size_t life = 0;
	for (int round = 0; round < 25; round++) {
		pid_t drain = fork();
		assert_true(drain >= 0);
		if (drain == 0) {
			struct genops_counters *counters = setpgid(0, 0) == 0 ? attach_first() : NULL;
			if (!counters || !start_from_ledger(counters, life * RECORDS_PER_LIFE))
				_exit(1);
			for (size_t i = 0; i < 3; i++) {
				if (fork() == 0)
					run_until_killed(counters, life + i);
			}
			usleep(10000 + 1000 * (unsigned)round);
			kill(0, SIGKILL); /* the whole group, which is ours alone */
			_exit(1);
		}
		int status;
		assert_int_equal(waitpid(drain, &status, 0), drain);
		assert_true(WIFSIGNALED(status));
		life += 3;
		struct genops_counters *counters = attach_first();
		assert_non_null(counters);
		assert_true(start_from_ledger(counters, life * RECORDS_PER_LIFE));
		int64_t sum = expect_agreement(counters, life * RECORDS_PER_LIFE);
		if (round == 24)
			print_message("%d deaths of all, %lld nano-USD\n", round + 1, (long long)sum);
		assert_true(sum > 0);
		genops_counters_close(counters);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_ledger(killed_at_every_instruction),
	    with_ledger(killed_at_random),
	    with_ledger(all_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
