/* SPDX-License-Identifier: Apache-2.0
 * bench_expression.c - ns an evaluation of the Cribl guide's filters and fields, over an event with 20 attributes, and the compilation.
 *
 * Best of many rounds, CPU time. The arena is reset for each evaluation, as an owner does between events.
 * bench/expression_node.js measures the same rows in Node.
 */
#include "pipeline/expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 40
#define EACH   20000

static const char *const sources[] = {
    "__inputId == 'genops_otlp_source' && attributes['genops.cost.total'] != null",
    "parseFloat(attributes['genops.cost.total'] || '0')",
    "attributes['genops.team'] || 'default'",
    "cost_total > 5 ? 'high' : (cost_total > 1 ? 'medium' : 'low')",
    "cost_total > 0 && tokens_total > 0 ? cost_total / tokens_total : 0",
    "policy_result == 'blocked' || policy_result == 'warning'",
    "customer_id != 'none' && budget_tier == 'enterprise'",
    "`Budget Alert: ${budget_name} at ${actual_utilization.toFixed(1)}%`",
    "/\\b\\d{3}-\\d{2}-\\d{4}\\b/.test(policy_reason)",
};

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct genops_value event(struct genops_arena *arena)
{
	static const char *const keys[] = {"genops.cost.total", "genops.team", "genops.project", "genops.cost.provider", "genops.cost.model", "genops.customer_id"};
	static const char *const values[] = {"0.0532", "search", "assistant", "openai", "gpt-4o", "acme"};
	struct genops_value parsed;
	struct genops_error err;
	if (genops_value_from_json(GENOPS_STR("{\"__inputId\":\"genops_otlp_source\",\"name\":\"chat gpt-4o\",\"cost_total\":1.25,\"tokens_total\":1500,"
					      "\"policy_result\":\"allowed\",\"policy_reason\":\"asked for 123-45-6789\",\"customer_id\":\"acme\",\"budget_tier\":"
					      "\"enterprise\",\"budget_name\":\"search-daily\",\"actual_utilization\":82.25}"),
		arena, &parsed, &err) != GENOPS_OK)
		abort();
	struct genops_value_object *attributes = genops_value_object_new(arena, 20);
	for (int i = 0; i < 20; i++) {
		char name[32];
		genops_str key = genops_str_of(i < 6 ? keys[i] : ""), copy;
		if (i >= 6) {
			snprintf(name, sizeof name, "gen_ai.request.field_%d", i);
			if (!genops_arena_dup(arena, genops_str_of(name), &copy))
				abort();
			key = copy;
		}
		genops_value_object_put(arena, attributes, genops_value_key_of(key), genops_value_text(genops_str_of(i < 6 ? values[i] : "value")));
	}
	genops_value_object_put(arena, parsed.as.object, genops_value_key_of(GENOPS_STR("attributes")),
	    (struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = attributes});
	return parsed;
}

static double evaluate(const struct genops_expression *expression, struct genops_value over, struct genops_expression_run *run)
{
	double best = 1e300;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (int i = 0; i < EACH; i++) {
			struct genops_value value;
			genops_arena_reset(run->arena);
			if (genops_expression_evaluate(expression, over, run, &value, NULL) != GENOPS_OK)
				abort();
		}
		double each = (now_ns() - start) / EACH;
		best = each < best ? each : best;
	}
	return best;
}

static double compile(genops_str source)
{
	double best = 1e300;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (int i = 0; i < EACH / 1000; i++) {
			struct genops_expression *expression;
			if (genops_expression_compile(source, &expression, NULL) != GENOPS_OK)
				abort();
			genops_expression_free(expression);
		}
		double each = (now_ns() - start) / (EACH / 1000);
		best = each < best ? each : best;
	}
	return best;
}

int main(void)
{
	struct genops_arena kept, arena;
	genops_arena_init(&kept, 1 << 20);
	genops_arena_init(&arena, 1 << 20);
	struct genops_value over = event(&kept);
	struct genops_expression_run run = {.arena = &arena, .now_ms = 1700000000000, .random_state = {1, 2}};
	printf("%10s %10s  expression\n", "evaluate", "compile");
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		struct genops_expression *expression;
		if (genops_expression_compile(genops_str_of(sources[i]), &expression, NULL) != GENOPS_OK)
			return 1;
		printf("%7.1f ns %7.1f us  %s\n", evaluate(expression, over, &run), compile(genops_str_of(sources[i])) / 1000, sources[i]);
		genops_expression_free(expression);
	}
	genops_expression_run_done(&run);
	genops_arena_done(&arena);
	genops_arena_done(&kept);
	return 0;
}
