/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_ledger.c - how fast the drain can record, and how long a cost summary takes.
 *
 *   bench_ledger [records [batch [combinations [microseconds]]]]      default 200000 1000 360 777600: between two operations
 *
 * Everything is on: operation rows with 16 attributes, roll-ups at three levels, two budgets of two windows, the audit chain, one
 * durable commit a batch. Times are CPU seconds of this process beside wall time. The ledger is in a new directory
 * below $TMPDIR and removed afterwards (GENOPS_BENCH_KEEP=1 keeps it).
 */
#include "base/arena.h"
#include "base/clock.h"
#include "store/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_ATTRIBUTES 16
#define N_EVALUATIONS 6
#define START_S INT64_C(1767225600) /* 2026-01-01 */
static int64_t step_ns = INT64_C(777600000); /* 10 million take 90 days */

static double cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t random_u64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct source {
	uint64_t random;
	size_t n_all, combinations;
	char texts[N_ATTRIBUTES][48];
	struct genops_attribute attributes[N_ATTRIBUTES];
	struct genops_evaluation evaluations[N_EVALUATIONS];
	struct genops_record_budget budgets[2];
};

static void set_text(struct source *source, size_t i, const char *key, uint64_t number)
{
	snprintf(source->texts[i], sizeof source->texts[i], "%s-%llu", key, (unsigned long long)number);
	source->attributes[i] = (struct genops_attribute){
	    .key = genops_str_of(key), .value.string = genops_str_of(source->texts[i])};
}

static void fill(struct source *source, size_t number, struct genops_record *record)
{
	static const char *const models[] = {"gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "claude-haiku-4-5", "gemini-2.5-flash", "llama-3.3-70b"};
	static const char *const names[N_ATTRIBUTES] = {"team", "project", "customer_id", "environment", "cost_center", "feature",
	    "request.id", "session.id", "app.version", "build", "user.tier", "experiment", "prompt.id", "pod", "zone", "priority"};
	uint64_t combination = random_u64(&source->random) % source->combinations;
	for (size_t i = 0; i < N_ATTRIBUTES; i++)
		set_text(source, i, names[i], i < 6 ? (combination >> i) % 50 : random_u64(&source->random) % 1000000);
	set_text(source, 0, "team", combination % 20);
	set_text(source, 1, "project", combination);
	for (size_t i = 0; i < N_EVALUATIONS; i++)
		source->evaluations[i] = (struct genops_evaluation){.policy = GENOPS_STR("a-policy-name"),
		    .policy_type = GENOPS_STR("cost_limit"), .action = GENOPS_STR("block"),
		    .message = GENOPS_STR("estimated 0.01 of 10.00 USD")};
	int64_t time = START_S + (int64_t)number * step_ns / GENOPS_NS_PER_S;
	for (size_t i = 0; i < 2; i++)
		source->budgets[i] = (struct genops_record_budget){.key = {combination % 20 + 1, i + 1},
		    .name = GENOPS_STR("budget"), .label = GENOPS_STR("budget[team=x]"), .limit_nano_usd = 1000,
		    .n_lines = 2, .lines = {{GENOPS_PERIOD_DAILY, time - time % 86400, time - time % 86400 + 86400},
				      {GENOPS_PERIOD_TOTAL, 0, INT64_MAX}}};
	*record = (struct genops_record){.start_unix_ns = time * GENOPS_NS_PER_S, .decided_unix_ns = time * GENOPS_NS_PER_S + 1000,
	    .first_byte_unix_ns = time * GENOPS_NS_PER_S + 300000000, .end_unix_ns = time * GENOPS_NS_PER_S + 900000000,
	    .name = GENOPS_STR("ai.completion"), .type = GENOPS_STR("ai.inference"), .provider = GENOPS_STR("openai"),
	    .request_model = genops_str_of(models[combination % 6]), .response_model = GENOPS_STR("gpt-4o-2024-08-06"),
	    .usage = {.input_tokens = 900, .output_tokens = 120, .cache_read_tokens = 500},
	    .estimated_nano_usd = 9000000, .reserved_nano_usd = 9000000, .actual_nano_usd = (int64_t)(combination + 1) * 1000,
	    .price_source = GENOPS_STR("catalogue 2026-01"), .http_status = 200, .finish_reason = GENOPS_STR("stop"),
	    .dialect = GENOPS_STR("openai.chat"), .service_name = GENOPS_STR("chatbot"), .host = GENOPS_STR("node-1"), .pid = 4711,
	    .n_attributes = N_ATTRIBUTES, .attributes = source->attributes, .n_evaluations = N_EVALUATIONS,
	    .evaluations = source->evaluations, .n_budgets = 2, .budgets = source->budgets};
	uint64_t ids[3] = {random_u64(&source->random), random_u64(&source->random), random_u64(&source->random)};
	memcpy(record->trace_id, ids, 16);
	memcpy(record->span_id, ids + 2, 8);
}

static void die(const struct genops_error *err)
{
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

/* One batch as the drain reads it from the segments: encodings one after the other. */
static size_t prepare(struct source *source, size_t first, size_t n, struct genops_buffer *bytes, size_t *ends)
{
	size_t i;
	genops_buffer_clear(bytes);
	for (i = 0; i < n && first + i < source->n_all; i++) {
		struct genops_record record;
		fill(source, first + i, &record);
		genops_record_encode(&record, bytes);
		ends[i] = bytes->len;
	}
	return i;
}

static void write_batch(struct genops_ledger *ledger, struct genops_arena *arena, const char *bytes, const size_t *ends, size_t n)
{
	struct genops_error err = {0};
	if (genops_ledger_begin(ledger, &err))
		die(&err);
	for (size_t i = 0, start = 0; i < n; start = ends[i], i++) {
		struct genops_record record;
		genops_str encoded = {bytes + start, ends[i] - start};
		bool is_new;
		genops_arena_reset(arena);
		if (genops_record_decode(encoded, arena, &record, &err) ||
		    genops_ledger_add(ledger, &record, encoded, &is_new, &err))
			die(&err);
	}
	if (genops_ledger_commit(ledger, &err))
		die(&err);
}

static void write_all(struct genops_ledger *ledger, struct source *source, size_t batch)
{
	struct genops_buffer bytes;
	struct genops_arena arena;
	size_t *ends = calloc(batch, sizeof *ends), total = 0, n;
	genops_buffer_init(&bytes, batch * 8192);
	genops_arena_init(&arena, GENOPS_RECORD_MAX * 4);
	double worst = 0, cpu = 0, wall = 0;
	for (size_t i = 0; ends && i < source->n_all; i += n) {
		n = prepare(source, i, batch, &bytes, ends);
		total += bytes.len;
		double cpu_start = cpu_s();
		int64_t start = genops_clock_monotonic_ns();
		write_batch(ledger, &arena, bytes.ptr, ends, n);
		double took = (double)(genops_clock_monotonic_ns() - start) * 1e-9;
		worst = took > worst ? took : worst;
		wall += took;
		cpu += cpu_s() - cpu_start;
	}
	double all = (double)source->n_all;
	printf("recorded %zu operations (%zu bytes each, batches of %zu): %.0f/s wall, %.2f us CPU each, worst batch %.0f ms\n",
	    source->n_all, total / source->n_all, batch, all / wall, cpu / all * 1e6, worst * 1e3);
	free(ends);
	genops_buffer_done(&bytes);
	genops_arena_done(&arena);
}

static int count_group(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	++*(size_t *)arg;
	return GENOPS_OK;
}

static void summarise(const char *state_dir, const char *what, const struct genops_sums_query *query)
{
	struct genops_error err = {0};
	struct genops_ledger *ledger;
	int64_t start = genops_clock_monotonic_ns();
	size_t n = 0;
	if (genops_ledger_open(state_dir, false, &ledger, &err) || genops_ledger_sums(ledger, query, count_group, &n, &err))
		die(&err);
	genops_ledger_close(ledger);
	printf("cost %s: %zu groups in %.1f ms, opening included\n", what, n,
	    (double)(genops_clock_monotonic_ns() - start) * 1e-6);
}

static void verify(const char *state_dir)
{
	struct genops_error err = {0};
	struct genops_ledger *ledger;
	int64_t start = genops_clock_monotonic_ns(), n, first_bad;
	if (genops_ledger_open(state_dir, false, &ledger, &err) || genops_ledger_verify(ledger, &n, &first_bad, &err))
		die(&err);
	genops_ledger_close(ledger);
	double seconds = (double)(genops_clock_monotonic_ns() - start) * 1e-9;
	printf("verify: %lld records, first bad %lld, %.0f/s\n", (long long)n, (long long)first_bad, (double)n / seconds);
}

int main(int argc, char **argv)
{
	struct source source = {.n_all = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000,
	    .combinations = argc > 3 ? strtoul(argv[3], NULL, 10) : 360};
	if (argc > 4)
		step_ns = strtoll(argv[4], NULL, 10) * 1000;
	size_t batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
	const char *tmp = getenv("TMPDIR");
	char directory[256], command[640];
	snprintf(directory, sizeof directory, "%s/genops-bench-XXXXXX", tmp ? tmp : "/tmp");
	struct genops_error err = {0};
	struct genops_ledger *ledger;
	if (!source.n_all || !source.combinations || !batch || !mkdtemp(directory) ||
	    genops_ledger_open(directory, true, &ledger, &err))
		die(&err);
	write_all(ledger, &source, batch);
	genops_ledger_close(ledger);
	summarise(directory, "total", &(struct genops_sums_query){0});
	summarise(directory, "--by team", &(struct genops_sums_query){.by = {GENOPS_STR("team")}, .n_by = 1});
	summarise(directory, "--by team,project,model",
	    &(struct genops_sums_query){.by = {GENOPS_STR("team"), GENOPS_STR("project"), GENOPS_STR("model")}, .n_by = 3});
	int64_t end = START_S + (int64_t)source.n_all * step_ns / GENOPS_NS_PER_S;
	summarise(directory, "--by team, last 24 h, odd edges", &(struct genops_sums_query){.by = {GENOPS_STR("team")}, .n_by = 1,
	    .since_unix_s = end - 86400 - 1234, .until_unix_s = end - 1234});
	summarise(directory, "--by team, 30 d, odd edges", &(struct genops_sums_query){.by = {GENOPS_STR("team")}, .n_by = 1,
	    .since_unix_s = end - 31 * 86400 - 1234, .until_unix_s = end - 86400 - 1234});
	summarise(directory, "--by day", &(struct genops_sums_query){.by = {GENOPS_STR("day")}, .n_by = 1});
	verify(directory);
	snprintf(command, sizeof command, "du -sh %s; %s %s", directory, getenv("GENOPS_BENCH_KEEP") ? "echo kept" : "rm -r", directory);
	return system(command) == 0 ? 0 : 1;
}
