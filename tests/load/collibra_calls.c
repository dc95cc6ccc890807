/* SPDX-License-Identifier: Apache-2.0
 * collibra_calls.c - a program that tracks operations through genops/collibra_adapter.h, as its standard input says:
 *
 *     track NAME COST PROVIDER MODEL IN OUT [KEY=VALUE ...]   begin, cost, end; prints "ok", "refused REASON" or "error TEXT"
 *     policy NAME RESULT REASON                               recorded by the next track
 *     flush SECONDS | metrics | many N | quit
 *
 * One line of JSON or text for each. Arguments are options: team=ml daily_budget_limit=100 ...
 */
#include <genops/collibra_adapter.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WORDS_MAX 64

static genops_collibra_adapter *adapter;
static char policy[3][256];

static int set_option(struct genops_collibra_options *options, char *text)
{
	char *value = strchr(text, '=');
	if (!value)
		return -1;
	*value++ = '\0';
#define TEXT(name)                                                                                                             \
	if (!strcmp(text, #name)) {                                                                                            \
		options->name = value;                                                                                         \
		return 0;                                                                                                      \
	}
#define NUMBER(name)                                                                                                           \
	if (!strcmp(text, #name)) {                                                                                            \
		options->name = atof(value);                                                                                   \
		return 0;                                                                                                      \
	}
#define INTEGER(name)                                                                                                          \
	if (!strcmp(text, #name)) {                                                                                            \
		options->name = atoi(value);                                                                                   \
		return 0;                                                                                                      \
	}
	TEXT(collibra_url) TEXT(username) TEXT(password) TEXT(api_token) TEXT(domain_id) TEXT(team) TEXT(project) TEXT(environment)
	TEXT(customer_id) TEXT(cost_center) TEXT(feature) TEXT(export_mode) TEXT(config_file) TEXT(state_dir)
	NUMBER(batch_interval_seconds) NUMBER(policy_sync_interval_minutes) NUMBER(daily_budget_limit) NUMBER(timeout)
	INTEGER(batch_size) INTEGER(enable_policy_sync) INTEGER(enable_cost_tracking) INTEGER(enable_cost_alerts)
	INTEGER(auto_validate) INTEGER(max_retries) INTEGER(rate_limit_per_second)
	return -1;
}

static int track(char **words, size_t n, struct genops_error *err)
{
	struct genops_attribute attributes[WORDS_MAX];
	genops_operation *operation;
	size_t n_attributes = 0;
	for (size_t i = 7; i < n; i++) {
		char *value = strchr(words[i], '=');
		*value++ = '\0';
		attributes[n_attributes++] = (struct genops_attribute){.key = genops_str_of(words[i]), .value.string = genops_str_of(value)};
	}
	int code = genops_collibra_adapter_begin(
	    adapter, genops_str_of(words[1]), GENOPS_STR(""), attributes, n_attributes, &operation, err);
	if (code != GENOPS_OK)
		return code;
	const struct genops_decision *decision = genops_operation_decision(operation);
	bool is_refused = decision->is_refused;
	char reason[64];
	snprintf(reason, sizeof reason, "%s", genops_reason_name(decision->reason));
	struct genops_collibra_cost cost = {.cost = atof(words[2]),
	    .provider = genops_str_of(words[3]),
	    .model = genops_str_of(words[4]),
	    .tokens_input = atoi(words[5]),
	    .tokens_output = atoi(words[6])};
	struct genops_attribute note = {.key = GENOPS_STR("note"), .value.string = GENOPS_STR("x")};
	cost.metadata = &note;
	cost.n_metadata = 1;
	if (policy[0][0])
		code = genops_operation_record_policy(
		    operation, genops_str_of(policy[0]), genops_str_of(policy[1]), genops_str_of(policy[2]), err);
	policy[0][0] = '\0';
	if (code == GENOPS_OK && !is_refused)
		code = genops_collibra_adapter_cost(adapter, operation, &cost, err);
	int ended = genops_operation_end(operation, GENOPS_OUTCOME_OK, code == GENOPS_OK ? err : NULL);
	if (code != GENOPS_OK || ended != GENOPS_OK)
		return code != GENOPS_OK ? code : ended;
	printf(is_refused ? "refused %s\n" : "ok\n", reason);
	return GENOPS_OK;
}

static int metrics(struct genops_error *err)
{
	struct genops_collibra_metrics m;
	int code = genops_collibra_adapter_metrics(adapter, &m, err);
	if (code != GENOPS_OK)
		return code;
	printf("{\"operation_count\":%llu,\"total_cost\":%.9g,\"has_daily_budget\":%d,\"daily_budget_limit\":%.9g,\"budget_remaining\":%.9g,"
	       "\"assets_exported\":%llu,\"assets_failed\":%llu,\"buffer_size\":%llu,\"assets_created\":%llu,\"batches_sent\":%llu,"
	       "\"average_export_time_ms\":%.3f}\n",
	    (unsigned long long)m.operation_count, m.total_cost, m.has_daily_budget, m.daily_budget_limit, m.budget_remaining,
	    (unsigned long long)m.assets_exported, (unsigned long long)m.assets_failed, (unsigned long long)m.buffer_size,
	    (unsigned long long)m.assets_created, (unsigned long long)m.batches_sent, m.average_export_time_ms);
	return GENOPS_OK;
}

static int flush(const char *seconds, struct genops_error *err)
{
	uint64_t n_created;
	int code = genops_collibra_adapter_flush(adapter, (int64_t)(atof(seconds) * 1000), &n_created, err);
	if (code == GENOPS_OK)
		printf("%llu\n", (unsigned long long)n_created);
	return code;
}

/* How long the calling thread's own work takes, in ns of its CPU time. */
static int many(int n, struct genops_error *err)
{
	struct timespec begin, end;
	genops_operation *operation;
	struct genops_collibra_cost cost = {.cost = 0.05, .provider = GENOPS_STR("openai"), .model = GENOPS_STR("gpt-4"), .tokens_input = 150,
	    .tokens_output = 200};
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	for (int i = 0; i < n; i++) {
		int code = genops_collibra_adapter_begin(adapter, GENOPS_STR("many"), GENOPS_STR(""), NULL, 0, &operation, err);
		if (code == GENOPS_OK)
			code = genops_collibra_adapter_cost(adapter, operation, &cost, err);
		if (code == GENOPS_OK)
			code = genops_operation_end(operation, GENOPS_OUTCOME_OK, err);
		if (code != GENOPS_OK)
			return code;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	printf("%.0f\n", ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) / n);
	return GENOPS_OK;
}

static int run(char **words, size_t n, struct genops_error *err)
{
	if (!strcmp(words[0], "track"))
		return track(words, n, err);
	if (!strcmp(words[0], "flush"))
		return flush(words[1], err);
	if (!strcmp(words[0], "many"))
		return many(atoi(words[1]), err);
	if (!strcmp(words[0], "metrics"))
		return metrics(err);
	for (int i = 0; i < 3; i++)
		snprintf(policy[i], sizeof policy[i], "%s", words[1 + i]);
	puts("ok");
	return GENOPS_OK;
}

int main(int argc, char **argv)
{
	struct genops_collibra_options options;
	struct genops_error err;
	char line[4096];
	genops_collibra_options_init(&options);
	for (int i = 1; i < argc; i++) {
		if (set_option(&options, argv[i]) != 0)
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	adapter = genops_collibra_adapter_open(&options, &err);
	if (!adapter) {
		printf("error %d %s; %s\n", err.code, err.message, err.fix);
		return 1;
	}
	puts("open");
	while (fgets(line, sizeof line, stdin)) {
		char *words[WORDS_MAX], *rest = NULL;
		size_t n = 0;
		for (char *word = strtok_r(line, " \n", &rest); word && n < WORDS_MAX; word = strtok_r(NULL, " \n", &rest))
			words[n++] = word;
		if (!n || !strcmp(words[0], "quit"))
			break;
		if (run(words, n, &err) != GENOPS_OK)
			printf("error %d %s\n", err.code, err.message);
	}
	genops_collibra_adapter_close(adapter, 5000);
	puts("closed");
	return 0;
}
