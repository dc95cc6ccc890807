/* SPDX-License-Identifier: Apache-2.0
 * test_report_memory.c - the n-th allocation of flush, reload, close, of each report and of the control API's reading fails, for
 * every n: a clean NOMEM with nothing given out, or the same answer as ever.
 *
 * As in test_engine_memory.c the engine's own thread does not fail. Reload: see failing_alloc.h on libfyaml.
 */
#include "engine_fixture.h"

#include "../failing_alloc.h"

#include <genops/control.h>

#if FAILING_ALLOC
static const char config[] = "governance:\n"
			     "  attributes: {team: search, project: bot}\n"
			     "  policies: [{name: cap, type: cost_limit, max_cost: 1.0}]\n"
			     "  budgets: [{name: all, daily_budget: 1.0, total_budget: 2.0, per: [team]}]\n";

#define ROUNDS_MAX   20000
#define N_OPERATIONS 3

/* What it answers when nothing fails; any other answer that says OK is a lie. */
static struct told {
	char *text;
	size_t len;
} whole, now;

static void add(struct told *to, const char *bytes, size_t len)
{
	char *grown = __libc_realloc(to->text, to->len + len + 1);
	if (!grown)
		abort();
	memcpy(grown + to->len, bytes, len);
	to->text = grown;
	to->len += len;
}

/* cmocka needs memory to say what is wrong. */
static void check(bool is_true, const char *what, int64_t value)
{
	long left = allocs_left;
	allocs_left = -1;
	if (!is_true)
		fail_msg("%s: %lld", what, (long long)value);
	allocs_left = left;
}

/* Returns a code and adds what it was told to `now`. */
typedef int attempt_fn(genops_engine *engine, struct genops_error *err);

static void walk(genops_engine *engine, const char *what, attempt_fn *attempt)
{
	whole.len = 0;
	for (long n = -1; n < ROUNDS_MAX; n++) { /* first with nothing failing */
		struct genops_error err = {0};
		now.len = 0;
		allocs_left = n;
		int code = attempt(engine, &err);
		bool is_exhausted = allocs_left > 0;
		allocs_left = -1;
		if (code != GENOPS_OK && (n < 0 || code != GENOPS_NOMEM))
			fail_msg("%s, allocation %ld: %d %s", what, n, code, err.message);
		if (n < 0)
			add(&whole, now.text, now.len);
		else if (code == GENOPS_OK && (now.len != whole.len || memcmp(now.text, whole.text, now.len) != 0))
			fail_msg("%s, allocation %ld: OK with another answer: %.*s", what, n, (int)now.len, now.text);
		if (code == GENOPS_OK && is_exhausted)
			return;
	}
	fail_msg("%s did not end", what);
}

static int keep_text(int code, char *text, size_t len)
{
	if (code == GENOPS_OK) {
		add(&now, text, len);
		free(text);
	}
	return code;
}

static int cost(genops_engine *engine, struct genops_error *err)
{
	static const genops_str by[] = {{"team", 4}, {"x.y", 3}};
	static const struct genops_report_filter where[] = {{{"project", 7}, {"bot", 3}}};
	struct genops_cost_query query = {.size = sizeof query, .by = by, .n_by = 2, .where = where, .n_where = 1};
	struct genops_cost_report *report = NULL;
	char *text = NULL;
	size_t len = 0;
	int code = genops_report_cost(engine, &query, &report, err);
	if (code != GENOPS_OK) {
		check(!report, "a report given out", code);
		return code;
	}
	code = keep_text(genops_report_cost_json(report, &text, &len, err), text, len);
	if (code == GENOPS_OK)
		code = keep_text(genops_report_cost_csv(report, &text, &len, err), text, len);
	genops_report_cost_free(report);
	return code;
}

static int budgets(genops_engine *engine, struct genops_error *err)
{
	struct genops_budget_report *report = NULL;
	char *text = NULL;
	size_t len = 0;
	int code = genops_report_budgets(engine, (genops_str){0}, &report, err);
	if (code != GENOPS_OK) {
		check(!report, "a report given out", code);
		return code;
	}
	code = keep_text(genops_report_budgets_json(report, &text, &len, err), text, len);
	genops_report_budgets_free(report);
	return code;
}

static int keep_bytes(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	add(&now, bytes, len);
	return GENOPS_OK;
}

static int export_as(genops_engine *engine, enum genops_audit_format format, struct genops_error *err)
{
	struct genops_audit_report_query query = {.size = sizeof query, .newest_first = true};
	int64_t n = 0;
	int code = genops_report_audit_export(engine, &query, format, keep_bytes, NULL, &n, err);
	if (code == GENOPS_OK)
		check(n >= N_OPERATIONS, "exported", n);
	return code;
}

static int export_json(genops_engine *engine, struct genops_error *err)
{
	return export_as(engine, GENOPS_AUDIT_JSON, err);
}

static int export_csv(genops_engine *engine, struct genops_error *err)
{
	return export_as(engine, GENOPS_AUDIT_CSV, err);
}

static int export_parquet(genops_engine *engine, struct genops_error *err)
{
	return export_as(engine, GENOPS_AUDIT_PARQUET, err);
}

static int verify(genops_engine *engine, struct genops_error *err)
{
	struct genops_audit_verification verification;
	char *text = NULL;
	size_t len = 0;
	int code = genops_report_audit_verify(engine, &verification, err);
	if (code != GENOPS_OK)
		return code;
	check(!verification.first_bad, verification.message, verification.first_bad);
	return keep_text(genops_report_audit_verify_json(&verification, &text, &len, err), text, len);
}

/* The text itself changes with every call: how long the process lives stands in it. */
static int metrics(genops_engine *engine, struct genops_error *err)
{
	char *text = NULL;
	size_t len = 0;
	int code = genops_engine_metrics(engine, &text, &len, err);
	if (code == GENOPS_OK)
		free(text);
	return code;
}

static int flushing(genops_engine *engine, struct genops_error *err)
{
	return genops_engine_flush(engine, FLUSH_MS, err);
}

static int control(genops_engine *engine, struct genops_error *err)
{
	static const char *const targets[] = {"/api/v1/cost?by=team", "/api/v1/budgets?name=all", "/api/v1/operations?limit=2&where=team%3Dsearch"};
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		struct genops_control_answer answer = {0};
		int code = genops_control_handle(
		    engine, GENOPS_STR("GET"), genops_str_of(targets[i]), (genops_str){0}, (genops_str){0}, &answer, err);
		if (code != GENOPS_OK)
			return code;
		if (answer.status != 200) { /* it could say that it could not */
			check(answer.status >= 500, answer.body, answer.status);
			free(answer.body);
			return GENOPS_NOMEM;
		}
		keep_text(code, answer.body, answer.body_len);
	}
	return GENOPS_OK;
}

static void operate(genops_engine *engine)
{
	struct genops_attribute attribute = text_attribute("x.y", "z");
	genops_operation *operation =
	    begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .in = 10, .out = 10, .attributes = &attribute, .n_attributes = 1});
	genops_operation_record_cost(operation, 10, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

static void reports(void **state)
{
	static const struct {
		const char *name;
		attempt_fn *attempt;
	} attempts[] = {{"cost", cost}, {"budgets", budgets}, {"json", export_json}, {"csv", export_csv}, {"parquet", export_parquet},
	    {"verify", verify}, {"metrics", metrics}, {"flush", flushing}, {"control", control}};
	genops_engine *engine = open_engine(*state, config);
	for (int i = 0; i < N_OPERATIONS; i++)
		operate(engine);
	flush(engine);
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
		walk(engine, attempts[i].name, attempts[i].attempt);
	assert_int_equal(spent(engine), 10 * N_OPERATIONS);
	genops_engine_close(engine);
}

/* --- events: appended whole or not at all --- */

static int event(genops_engine *engine, struct genops_error *err)
{
	return genops_engine_record_event(engine, GENOPS_STR("test.event"), GENOPS_STR("{\"a\":1}"), err);
}

static int configuration(genops_engine *engine, struct genops_error *err)
{
	return genops_engine_record_configuration(engine, GENOPS_STR("config.shown"), err);
}

static void events(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	walk(engine, "event", event);
	walk(engine, "configuration", configuration);
	struct genops_audit_verification verification;
	struct genops_error err;
	flush(engine);
	assert_int_equal(genops_report_audit_verify(engine, &verification, &err), GENOPS_OK);
	assert_int_equal(verification.first_bad, 0);
	genops_engine_close(engine);
}

/* --- reload: the old configuration, or the new one --- */

static void write_config(const char *path, int i)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "governance: {policies: [{name: 'cap %d', type: cost_limit, max_cost: 1.%d}]}\n", i, i);
	assert_int_equal(fclose(file), 0);
}

static void reload(void **state)
{
	char path[512];
	snprintf(path, sizeof path, "%s/../%s.yaml", (const char *)*state, strrchr(*state, '/') + 1);
	struct genops_engine_options options = {
	    .size = sizeof options, .config_file = path, .state_dir = *state, .drain = GENOPS_DRAIN_NEVER};
	struct genops_error err = {0};
	write_config(path, 0);
	only_own_allocs = 1; /* libfyaml */
	long n = 0;
	for (bool is_exhausted = false; !is_exhausted; n++) {
		/* An engine for each: its own thread would reload too. */
		genops_engine *engine = genops_engine_open(&options, &err);
		assert_non_null(engine);
		write_config(path, (int)(n & 0xff) + 1);
		bool is_changed = false;
		allocs_left = n;
		int code = genops_engine_reload(engine, &is_changed, &err);
		is_exhausted = allocs_left > 0;
		allocs_left = -1;
		if (code != GENOPS_OK && code != GENOPS_NOMEM)
			fail_msg("allocation %ld: %d %s", n, code, err.message);
		assert_false(code != GENOPS_OK && is_changed);
		operate(engine);
		assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
		genops_engine_close(engine);
	}
	assert_true(n > 20);
	remove(path);
	genops_engine *engine = open_engine(*state, config);
	flush(engine);
	assert_int_equal(spent(engine), 10 * n);
	genops_engine_close(engine);
}

/* --- close: what is open is ended, whatever memory there is --- */

static void close_with_operations_open(void **state)
{
	long n = 0;
	for (bool is_exhausted = false; !is_exhausted; n++) {
		genops_engine *engine = open_as(*state, config, n & 1 ? GENOPS_DRAIN_AUTO : GENOPS_DRAIN_NEVER);
		operate(engine);
		genops_operation *open = begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .in = 10, .out = 10});
		(void)open; /* closing ends it */
		allocs_left = n;
		genops_engine_close(engine);
		is_exhausted = allocs_left > 0;
		allocs_left = -1;
	}
	genops_engine *engine = open_engine(*state, config);
	flush(engine);
	assert_int_equal(look_up(engine, "outcome", "cancelled").n, n);
	assert_int_equal(look_up(engine, "outcome", "ok").n, n);
	assert_int_equal(budget_of(engine, "all[team=search]").reserved_nano_usd, 0);
	genops_engine_close(engine);
}
#else
static void nothing(void **state)
{
	(void)state;
	skip(); /* a sanitizer owns malloc */
}
#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
#if FAILING_ALLOC
	    TEST(reports),
	    TEST(events),
	    TEST(reload),
	    TEST(close_with_operations_open),
#else
	    cmocka_unit_test(nothing),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
