/* SPDX-License-Identifier: Apache-2.0
 * bench_operation.c - one governed operation through the C API: begin, record_usage, end, with 6 policies, 2 budgets, 16 attributes.
 *
 * Links libgenops as a user's program does. Each thread counts its own CPU time (the thread's clock), so that other load on the machine does
 * not show; a process of its own drains (ledger, audit chain) meanwhile and is counted apart. A drain takes several times as long as an
 * operation, so each round is a burst, and the next one waits until the drain has caught up and put the segment files back: what is measured is
 * operations, not a growing backlog. The first round, which makes the files, does not count. Usage: bench_operation [operations a round]
 *
 * What two threads cost more has three causes, so the same is measured with the drain held off until a burst is over, once with both threads
 * in one engine and once with a state directory each: the last shares nothing and is the machine's part, the one before adds what is shared.
 */
#include <genops/genops.h>

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX  4
#define ROUNDS       7
#define CAUGHT_UP    ((uint64_t)6 << 20) /* bytes of segments: no more than the files being written */
#define N_ATTRIBUTES 16

static const char config[] =
    "governance:\n"
    "  attributes: {environment: production}\n"
    "  policies:\n"
    "    - {name: cap, type: cost_limit, enforcement_level: block, max_cost: 10.0}\n"
    "    - {name: pace, type: rate_limit, enforcement_level: rate_limit, max_requests_per_minute: 1000000000, burst: 100000000}\n"
    "    - {name: secrets, type: content_filter, enforcement_level: block, blocked_patterns: [confidential-xyzzy, secret-xyzzy]}\n"
    "    - {name: who, type: team_access, enforcement_level: block, allowed_teams: [ml-platform, data-science]}\n"
    "    - {name: what, type: model_governance, enforcement_level: block, allowed_models: [gpt-4o, gpt-4o-mini]}\n"
    "    - {name: where, type: region, enforcement_level: warn, allowed_regions: [us-east-1]}\n"
    "  budgets:\n"
    "    - {name: team, match: {team: ml-platform}, enforcement_level: block, daily_budget: 100000000, monthly_budget: 1000000000}\n"
    "    - {name: project, match: {project: chatbot}, enforcement_level: block, daily_budget: 100000000}\n";

static struct genops_attribute attributes[N_ATTRIBUTES];
static char keys[N_ATTRIBUTES][16];

struct work {
	pthread_t thread;
	genops_engine *engine;
	long n;
	int64_t cpu_ns;
	int code;
};

static void describe(void)
{
	static const char *const standard[][2] = {{"team", "ml-platform"}, {"project", "chatbot"}, {"customer_id", "acme"},
	    {"feature", "summaries"}, {"cost_center", "cc-17"}};
	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		bool is_standard = i < sizeof standard / sizeof standard[0];
		snprintf(keys[i], sizeof keys[i], "bench.key.%zu", i);
		const char *key = is_standard ? standard[i][0] : keys[i], *value = is_standard ? standard[i][1] : "some-value";
		attributes[i] = (struct genops_attribute){.key = {key, strlen(key)}, .value.string = {value, strlen(value)}};
	}
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int operate(genops_engine *engine, struct genops_error *err)
{
	static const char prompt[] = "Summarise the quarterly figures of the northern region for the board, in three short sentences.";
	const struct genops_usage usage = {.input_tokens = 212, .output_tokens = 48};
	struct genops_operation_options options;
	genops_operation *operation;
	genops_operation_options_init(&options);
	options.provider = GENOPS_STR("openai");
	options.model = GENOPS_STR("gpt-4o-mini");
	options.region = GENOPS_STR("us-east-1");
	options.attributes = attributes;
	options.n_attributes = N_ATTRIBUTES;
	options.content = (genops_str){prompt, sizeof prompt - 1};
	options.expected = (struct genops_usage){.input_tokens = 300, .output_tokens = 256};
	int code = genops_operation_begin(engine, &options, &operation, err);
	if (code != GENOPS_OK)
		return code;
	if (genops_operation_decision(operation)->is_refused)
		code = GENOPS_MISUSE;
	if (code == GENOPS_OK)
		code = genops_operation_record_usage(operation, &usage, err);
	int ended = genops_operation_end(operation, GENOPS_OUTCOME_OK, err);
	return code == GENOPS_OK ? ended : code;
}

static void *run(void *arg)
{
	struct work *work = arg;
	struct genops_error err = {0};
	int64_t from = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (long i = 0; i < work->n && work->code == GENOPS_OK; i++)
		work->code = operate(work->engine, &err);
	work->cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - from;
	if (work->code != GENOPS_OK)
		fprintf(stderr, "bench_operation: %d %s\n", work->code, err.message);
	return NULL;
}

static genops_engine *attach(const char *state_dir, enum genops_drain_mode drain)
{
	struct genops_error err;
	struct genops_engine_options options = {.size = sizeof options, .config_text = config, .state_dir = state_dir, .drain = drain};
	genops_engine *engine = genops_engine_open(&options, &err);
	if (!engine)
		fprintf(stderr, "bench_operation: %s\n", err.message);
	return engine;
}

/* The child: drains until `go_on` is closed, then everything that is left. */
static int drain(const char *state_dir, int ready, int go_on)
{
	struct genops_error err;
	char byte = 0;
	prctl(PR_SET_NAME, "drain"); /* tells the two apart in a profile */
	genops_engine *engine = attach(state_dir, GENOPS_DRAIN_ALWAYS);
	if (!engine || write(ready, &byte, 1) != 1)
		return 1;
	while (read(go_on, &byte, 1) > 0)
		;
	int code = genops_engine_flush(engine, 120000, &err);
	genops_engine_close(engine);
	return code != GENOPS_OK;
}

static bool catch_up(genops_engine *engine);

/* The child of the part without a drain: one byte asks it to drain both directories and to let go of them, one byte answers. */
static int drain_when_asked(char *const state_dirs[2], int answer, int ask)
{
	char byte;
	prctl(PR_SET_NAME, "drain");
	while (read(ask, &byte, 1) == 1) {
		for (int i = 0; i < 2; i++) {
			genops_engine *engine = attach(state_dirs[i], GENOPS_DRAIN_ALWAYS);
			bool is_good = engine && catch_up(engine);
			genops_engine_close(engine);
			if (!is_good)
				return 1;
		}
		if (write(answer, &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static bool catch_up(genops_engine *engine)
{
	struct genops_error err;
	struct genops_status status = {0};
	const struct timespec moment = {.tv_nsec = 20000000};
	int code = genops_engine_flush(engine, 120000, &err);
	for (int i = 0; i < 1000 && code == GENOPS_OK; i++) {
		code = genops_engine_status(engine, &status, &err);
		if (code == GENOPS_OK && status.segment_bytes <= CAUGHT_UP)
			return true;
		nanosleep(&moment, NULL);
	}
	fprintf(stderr, "bench_operation: the drain does not catch up: %s\n", code == GENOPS_OK ? "files are left" : err.message);
	return false;
}

/* A round of all threads, each in its engine; every thread that was begun is joined. */
static bool burst(genops_engine *const *engines, int n_threads, long n, double *ret_cpu, double *ret_wall)
{
	struct work works[THREADS_MAX] = {0};
	int64_t used = 0, from = now_ns(CLOCK_MONOTONIC);
	int begun = 0;
	for (; begun < n_threads; begun++) {
		works[begun] = (struct work){.engine = engines[begun], .n = n};
if (pthread_create(&works[begun].thread, NULL, run, &works[begun]) != 0)
			break;
	}
	bool is_good = begun == n_threads;
	for (int i = 0; i < begun; i++) {
		pthread_join(works[i].thread, NULL);
		used += works[i].cpu_ns;
		is_good = is_good && works[i].code == GENOPS_OK;
	}
	*ret_cpu = (double)used / (double)n / n_threads;
	*ret_wall = (double)(now_ns(CLOCK_MONOTONIC) - from) / (double)n / n_threads;
	return is_good;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* `ask` and `answer`: of the child that drains when asked; below zero: one drains all the time. */
static bool measure(genops_engine *const *engines, int n_threads, long n, const char *how, int ask, int answer)
{
	double cpu[ROUNDS], wall[ROUNDS];
	for (int round = -1; round < ROUNDS; round++) {
		double one, took;
		char byte = 0;
		bool is_good = burst(engines, n_threads, n, &one, &took);
		is_good = is_good && (ask < 0 ? catch_up(engines[0]) : write(ask, &byte, 1) == 1 && read(answer, &byte, 1) == 1);
		if (!is_good)
			return false;
		if (round < 0)
			continue;
		cpu[round] = one;
		wall[round] = took;
	}
	qsort(cpu, ROUNDS, sizeof *cpu, by_value);
	qsort(wall, ROUNDS, sizeof *wall, by_value);
	printf("%s%d threads: %6.0f ns CPU an operation, %6.0f ns wall (best %.0f and %.0f; median of %d bursts of %ld, the drain catches up between them)\n",
	    how, n_threads, cpu[ROUNDS / 2], wall[ROUNDS / 2], cpu[0], wall[0], ROUNDS, n);
	return true;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

/* The drain beside the operations: the figures of the bar. */
static bool measure_drained(long n)
{
	char dir[] = "/tmp/genops-bench-XXXXXX", byte;
	int ready[2], go_on[2], status = 1;
	struct rusage used;
	if (!mkdtemp(dir) || pipe(ready) != 0 || pipe(go_on) != 0)
		return false;
	pid_t child = fork();
	if (child == 0) {
		close(go_on[1]);
		_exit(drain(dir, ready[1], go_on[0]));
	}
	close(ready[1]);
	bool is_good = read(ready[0], &byte, 1) == 1;
	genops_engine *engine = is_good ? attach(dir, GENOPS_DRAIN_NEVER) : NULL;
	genops_engine *const both[2] = {engine, engine};
	is_good = engine && measure(both, 1, n, "", -1, -1) && measure(both, 2, n, "", -1, -1);
	genops_engine_close(engine);
	close(go_on[1]);
	wait4(child, &status, 0, &used);
	double drained = (double)used.ru_utime.tv_sec * 1e9 + (double)used.ru_utime.tv_usec * 1e3 +
			 (double)used.ru_stime.tv_sec * 1e9 + (double)used.ru_stime.tv_usec * 1e3;
	printf("drain:     %6.0f ns CPU an operation (ledger, roll-ups, audit chain)\n", drained / (double)(3 * n * (ROUNDS + 1)));
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return is_good && status == 0;
}

/* The drain only between the bursts. */
static bool measure_undrained(long n)
{
	char first[] = "/tmp/genops-bench-XXXXXX", second[] = "/tmp/genops-bench-XXXXXX";
	char *const dirs[2] = {first, second};
	int answer[2], ask[2], status = 1;
	if (!mkdtemp(first) || !mkdtemp(second) || pipe(answer) != 0 || pipe(ask) != 0)
		return false;
	pid_t child = fork();
	if (child == 0) {
		close(ask[1]);
		_exit(drain_when_asked(dirs, answer[1], ask[0]));
	}
	close(answer[1]);
	genops_engine *one = attach(first, GENOPS_DRAIN_NEVER), *other = attach(second, GENOPS_DRAIN_NEVER);
	genops_engine *const both[2] = {one, one}, *const each[2] = {one, other};
	bool is_good = one && other && measure(both, 1, n, "drain held off, ", ask[1], answer[0]) &&
		       measure(both, 2, n, "drain held off, ", ask[1], answer[0]) &&
		       measure(each, 2, n, "drain held off, nothing shared, ", ask[1], answer[0]);
	genops_engine_close(one);
	genops_engine_close(other);
	close(ask[1]);
	waitpid(child, &status, 0);
	nftw(first, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	nftw(second, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return is_good && status == 0;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 12000;
	describe();
	bool is_good = measure_drained(n);
	fflush(stdout); /* before the next fork */
	return !(measure_undrained(n) && is_good);
}
