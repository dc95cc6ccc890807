/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_prices.c - CPU time to load the shipped catalogue, to find a price by its exact, a
 * dated and an unknown name, and to quote. */
#include <stdio.h>
#include <time.h>

#include "govern/prices.h"

#define ROUNDS 1000000

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run_find(
    const struct genops_prices *prices, const char *what, genops_str provider, genops_str model)
{
	int64_t sum = 0;
	double begin = cpu_ns();
	for (int i = 0; i < ROUNDS; i++)
		sum +=
		    genops_prices_find(prices, provider, model, 1792540800 + i)->max_output_tokens;
	printf("%-40s %8.1f ns\n", what, (cpu_ns() - begin) / ROUNDS);
	if (sum < 0)
		printf("unexpected result\n");
}

int main(void)
{
	struct genops_prices_source source = {
	    "shipped", genops_prices_shipped(), GENOPS_PRICES_OWN_JSON};
	struct genops_error err;
	double begin = cpu_ns();
	struct genops_prices *prices = genops_prices_new(&source, 1, &err);
	if (!prices) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	printf("%-40s %8.2f ms, %zu prices\n", "load the shipped catalogue",
	    (cpu_ns() - begin) / 1e6, genops_prices_count(prices));
	genops_str openai = GENOPS_STR("openai");
	run_find(prices, "find an exact name", openai, GENOPS_STR("gpt-4o-mini"));
	run_find(prices, "find a dated name", openai, GENOPS_STR("gpt-4o-mini-2024-07-18"));
	run_find(prices, "find an unknown name", openai, GENOPS_STR("my-deployment-2024-07-18"));
	const struct genops_price *price =
	    genops_prices_find(prices, openai, GENOPS_STR("gpt-4o-mini"), 1792540800);
	struct genops_usage usage = {
	    .input_tokens = 1497, .cache_read_tokens = 1408, .output_tokens = 1037};
	int64_t sum = 0;
	begin = cpu_ns();
	for (int i = 0; i < ROUNDS; i++, usage.output_tokens++)
		sum += genops_prices_quote(price, &usage).total_nano_usd;
	printf("%-40s %8.1f ns\n", "quote", (cpu_ns() - begin) / ROUNDS);
	begin = cpu_ns();
	for (int i = 0; i < ROUNDS; i++, usage.output_tokens++)
		sum += genops_prices_upper_bound(price, &usage);
	printf("%-40s %8.1f ns\n", "upper bound", (cpu_ns() - begin) / ROUNDS);
	genops_prices_unref(prices);
	return sum > 0 ? 0 : 1;
}
