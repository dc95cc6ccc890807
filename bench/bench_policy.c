/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_policy.c - CPU time of one decision by six policies, without content and with 1 KB of
 * it, and of the search for 300 patterns in 64 KB by both back ends. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"
#include "govern/policy/pattern_set.h"
#include "govern/policy/policy.h"

#define ROUNDS 1000000

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool take(void *arg, struct genops_hash key, double tokens_per_minute, int64_t burst,
    int64_t max_delay_ns, bool is_dry_run, int64_t *ret_delay_ns)
{
	*ret_delay_ns = 0; /* the bucket itself is the counters' benchmark */
	return true;
}

static const char *const settings[][4] = {
    {"cost_limit", "max_cost", "10"},
    {"rate_limit", "max_requests_per_minute", "100"},
    {"content_filter", "blocked_patterns", "confidential,secret,private"},
    {"team_access", "allowed_teams", "ml-platform,data-science"},
    {"model_governance", "allowed_models", "gpt-4o,claude-sonnet-4-5"},
    {"region", "allowed_regions", "eu-*,us-east-1"},
};
#define N_POLICIES (sizeof settings / sizeof *settings)

static void check(int code, const struct genops_error *err)
{
	if (code == GENOPS_OK)
		return;
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

static void make(struct genops_policy *policy, size_t i, struct genops_arena *arena)
{
	struct genops_error err = {0};
	const struct genops_policy_type *type =
	    genops_policy_type_find(genops_str_of(settings[i][0]));
	*policy = (struct genops_policy){.name = genops_str_of(settings[i][0]),
	    .type = type,
	    .level = i == 1 ? GENOPS_LEVEL_RATE_LIMIT : GENOPS_LEVEL_BLOCK,
	    .is_enabled = true};
	policy->settings = genops_arena_alloc(arena, type->settings_size);
	check(genops_option_defaults(type->options, policy->settings, arena, &err), &err);
	check(genops_option_set(genops_option_find(type->options, genops_str_of(settings[i][1])),
		  policy->settings, genops_str_of(settings[i][2]), arena, &err),
	    &err);
	if (type->compile)
		check(type->compile(policy->settings, arena, &err), &err);
}

static void run(const char *what, const struct genops_policy *const *policies,
    struct genops_policy_input *input)
{
	struct genops_evaluation evaluations[GENOPS_EVALUATIONS_MAX];
	size_t sum = 0;
	double begin = cpu_ns();
	for (int i = 0; i < ROUNDS; i++) {
		struct genops_decision decision = {0};
		sum += genops_policies_evaluate(policies, N_POLICIES, GENOPS_MODE_ENFORCED, input,
		    evaluations, GENOPS_EVALUATIONS_MAX, &decision);
		sum += decision.is_refused;
	}
	printf("%-40s %8.1f ns\n", what, (cpu_ns() - begin) / ROUNDS);
	if (sum != (size_t)ROUNDS * N_POLICIES)
		printf("unexpected result\n");
}

static void run_patterns(const char *what, enum genops_pattern_backend backend, genops_str text)
{
	static char words[300][32];
	struct genops_pattern patterns[300];
	struct genops_pattern_set *set;
	struct genops_error err = {0};
	size_t index;
	for (int i = 0; i < 300; i++) {
		snprintf(words[i], sizeof words[i], "forbidden%dx", i * 7919);
		patterns[i] = (struct genops_pattern){genops_str_of(words[i]), false};
	}
	check(genops_pattern_set_new(patterns, 300, backend, &set, &err), &err);
	double begin = cpu_ns();
	for (int i = 0; i < 50; i++)
		(void)genops_pattern_set_find(set, text, &index);
	printf("%-40s %8.3f ns/byte\n", what, (cpu_ns() - begin) / 50 / (double)text.len);
	genops_pattern_set_free(set);
}

int main(void)
{
	struct genops_arena arena;
	struct genops_attributes attributes;
	struct genops_policy made[N_POLICIES];
	const struct genops_policy *policies[N_POLICIES];
	const struct genops_limiter limiter = {take, NULL};
	static char text[65536];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = "the quick brown fox jumps over a lazy dog, "[i % 43];
	genops_arena_init(&arena, 1 << 24);
	genops_attributes_init(&attributes, &arena);
	for (size_t i = 0; i < N_POLICIES; i++) {
		make(&made[i], i, &arena);
		policies[i] = &made[i];
	}
	check(genops_attributes_set_text(
		  &attributes, GENOPS_STR("team"), GENOPS_STR("data-science"), NULL),
	    NULL);
	check(genops_attributes_set_text(
		  &attributes, GENOPS_STR("project"), GENOPS_STR("ranking"), NULL),
	    NULL);
	struct genops_policy_input input = {.subject = {.attributes = &attributes,
						.provider = GENOPS_STR("openai"),
						.model = GENOPS_STR("gpt-4o-mini")},
	    .region = GENOPS_STR("us-east-1"),
	    .estimated_cost_nano_usd = 1000000,
	    .limiter = &limiter,
	    .arena = &arena};
	run("six policies, no content", policies, &input);
	input.content = (genops_str){text, 1024};
	input.has_content = true;
	run("six policies, 1 KB of content", policies, &input);
	run_patterns(
	    "300 patterns, best back end", GENOPS_PATTERN_BEST, (genops_str){text, sizeof text});
	run_patterns("300 patterns, PCRE2", GENOPS_PATTERN_PCRE2, (genops_str){text, sizeof text});
	for (size_t i = 0; i < N_POLICIES; i++) {
		if (made[i].type->release)
			made[i].type->release(made[i].settings);
	}
	genops_arena_done(&arena);
	return 0;
}
