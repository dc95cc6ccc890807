/* SPDX-License-Identifier: Apache-2.0
 * engine_fixture.h - an engine on a temporary state directory, and what the ledger says of a call. For tests of src/engine.
 *
 * Nothing sleeps: genops_engine_flush is what brings a record into the ledger.
 */
#ifndef TESTS_ENGINE_FIXTURE_H
#define TESTS_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <genops/exchange.h>
#include <genops/report.h>

#define FLUSH_MS 20000

static inline int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

static inline int make_state(void **state)
{
	char *dir = strdup("/tmp/genops-test-XXXXXX");
	clearenv(); /* no key, proxy or configuration of the caller's has a say */
	setenv("HOME", "/nonexistent", 1);
	*state = dir && mkdtemp(dir) ? dir : NULL;
	return *state ? 0 : -1;
}

static inline int remove_state(void **state)
{
	nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static inline genops_engine *open_as(const char *dir, const char *config, enum genops_drain_mode drain)
{
	struct genops_engine_options options = {.size = sizeof options, .config_text = config, .state_dir = dir, .drain = drain};
	struct genops_error err = {0};
	genops_engine *engine = genops_engine_open(&options, &err);
	if (!engine)
		fail_msg("%s; %s", err.message, err.fix);
	return engine;
}

static inline genops_engine *open_engine(const char *dir, const char *config)
{
	return open_as(dir, config, GENOPS_DRAIN_AUTO);
}

static inline void flush(genops_engine *engine)
{
	struct genops_error err = {0};
	if (genops_engine_flush(engine, FLUSH_MS, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
}

/* What the audit trail says of one call. */
struct seen {
	size_t n; /* how many records it has */
	char outcome[32], result[32], reason[64], policy[64], mode[32], team[64], project[64], environment[64], customer_id[64];
	char key_name[64], model[64], response_model[64], finish_reason[64], error_type[64];
	char attributes[16384], evaluations[32768], budgets[16384];
	int64_t cost, estimated, reserved, input_tokens, output_tokens, http_status;
	bool is_refused, is_cost_estimated, is_stream;
};

static inline void keep(char *to, size_t size, genops_str text)
{
	snprintf(to, size, "%.*s", (int)text.len, text.len ? text.ptr : "");
}

static inline int see(void *arg, const struct genops_audit_event *event)
{
	struct seen *seen = arg;
	seen->n++;
#define KEEP(field, from) keep(seen->field, sizeof seen->field, event->from)
	KEEP(outcome, outcome);
	KEEP(result, result);
	KEEP(reason, reason_code);
	KEEP(policy, policy);
	KEEP(mode, mode);
	KEEP(team, team);
	KEEP(project, project);
	KEEP(environment, environment);
	KEEP(customer_id, customer_id);
	KEEP(key_name, key_name);
	KEEP(model, model);
	KEEP(response_model, response_model);
	KEEP(finish_reason, finish_reason);
	KEEP(error_type, error_type);
	KEEP(attributes, attributes);
	KEEP(evaluations, evaluations);
	KEEP(budgets, budgets);
#undef KEEP
	seen->cost = event->cost_nano_usd;
	seen->estimated = event->estimated_nano_usd;
	seen->reserved = event->reserved_nano_usd;
	seen->input_tokens = event->input_tokens;
	seen->output_tokens = event->output_tokens;
	seen->http_status = event->http_status;
	seen->is_refused = event->is_refused;
	seen->is_cost_estimated = event->is_cost_estimated;
	seen->is_stream = event->is_stream;
	return GENOPS_OK;
}

/* Records that carry key = value; the last one's facts. */
static inline struct seen look_up(genops_engine *engine, const char *key, const char *value)
{
	static struct seen seen;
	struct genops_report_filter where[] = {
	    {GENOPS_STR("kind"), GENOPS_STR("operation")}, {genops_str_of(key), genops_str_of(value)}};
	struct genops_audit_report_query query = {.size = sizeof query, .where = where, .n_where = key ? 2 : 1};
	struct genops_error err = {0};
	memset(&seen, 0, sizeof seen);
	flush(engine);
	if (genops_report_audit(engine, &query, see, &seen, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	return seen;
}

static inline struct genops_budget_window budget_of(genops_engine *engine, const char *label)
{
	struct genops_budget_report *report;
	struct genops_error err = {0};
	if (genops_report_budgets(engine, genops_str_of(label), &report, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	assert_true(report->n_budgets > 0 && report->budgets[0].n_windows > 0);
	struct genops_budget_window window = report->budgets[0].windows[0];
	genops_report_budgets_free(report);
	return window;
}

static inline int64_t spent(genops_engine *engine)
{
	struct genops_cost_query query = {.size = sizeof query};
	struct genops_cost_report *report;
	struct genops_error err = {0};
	if (genops_report_cost(engine, &query, &report, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	int64_t cost = report->total.cost_nano_usd;
	genops_report_cost_free(report);
	return cost;
}

/* --- one call through the C API --- */

struct call {
	const char *provider, *model, *baggage, *traceparent, *content;
	const struct genops_attribute *attributes;
	size_t n_attributes;
	int64_t estimate; /* nano-USD; 0: from the catalogue */
	int64_t in, out;
	bool is_dry_run;
};

static inline int try_begin(genops_engine *engine, struct call call, genops_operation **ret_operation, struct genops_error *err)
{
	struct genops_operation_options options;
	genops_operation_options_init(&options);
	options.provider = genops_str_of(call.provider);
	options.model = genops_str_of(call.model);
	options.baggage = genops_str_of(call.baggage);
	options.traceparent = genops_str_of(call.traceparent);
	options.content = genops_str_of(call.content);
	options.attributes = call.attributes;
	options.n_attributes = call.n_attributes;
	options.expected.input_tokens = call.in;
	options.expected.output_tokens = call.out;
	options.is_dry_run = call.is_dry_run;
	if (call.estimate)
		options.estimated_cost_nano_usd = call.estimate;
	return genops_operation_begin(engine, &options, ret_operation, err);
}

static inline genops_operation *begin(genops_engine *engine, struct call call)
{
	genops_operation *operation = NULL;
	struct genops_error err = {0};
	if (try_begin(engine, call, &operation, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	return operation;
}

static inline void end(genops_operation *operation, enum genops_outcome outcome)
{
	struct genops_error err = {0};
	if (genops_operation_end(operation, outcome, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
}

static inline struct genops_attribute text_attribute(const char *key, const char *value)
{
	return (struct genops_attribute){.key = genops_str_of(key), .value.string = genops_str_of(value)};
}

#endif
