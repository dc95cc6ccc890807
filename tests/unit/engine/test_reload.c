/* SPDX-License-Identifier: Apache-2.0 - genops_engine_reload and engine/upkeep.c: a changed file under running calls. */
#include "file_fixture.h"

#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>

static bool is_refused(genops_engine *engine)
{
	genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4", .estimate = 10, .is_dry_run = true});
	bool refused = genops_operation_decision(operation)->is_refused;
	end(operation, GENOPS_OUTCOME_NOT_SENT);
	return refused;
}

#define BLOCKING "governance: {policies: [{name: models, type: model_governance, blocked_models: [gpt-4]}]}\n"
#define OPEN	 "governance: {attributes: {team: x}}\n"

static void a_changed_file_counts(void **state)
{
	struct genops_error err = {0};
	bool is_changed = true;
	write_config(OPEN);
	genops_engine *engine = open_file(*state);
	assert_false(is_refused(engine));
	assert_int_equal(genops_engine_reload(engine, &is_changed, &err), GENOPS_OK);
	assert_false(is_changed);
	write_config(BLOCKING);
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK); /* or upkeep was faster */
	assert_true(is_refused(engine));
	genops_engine_close(engine);
}

/* proves that a running engine keeps the old configuration when the new one is wrong */
static void a_wrong_file_does_not(void **state)
{
	struct genops_error err = {0};
	write_config(BLOCKING);
	genops_engine *engine = open_file(*state);
	write_config("governance: {polices: []}\n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_CONFIG);
	assert_string_equal(err.file, file);
	assert_true(err.line == 1 && err.column > 0);
	assert_non_null(strstr(err.fix, "policies"));
	assert_true(is_refused(engine));
	unlink(file);
	assert_int_not_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	assert_true(is_refused(engine));
	write_config(OPEN);
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	assert_false(is_refused(engine));
	genops_engine_close(engine);
}

static void an_emptied_file_governs_nothing_less(void **state)
{
	struct genops_error err = {0};
	write_config(BLOCKING);
	genops_engine *engine = open_file(*state);
	write_config("");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_CONFIG);
	assert_true(is_refused(engine));
	write_config("# nothing\n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_CONFIG);
	assert_true(is_refused(engine));
	write_config("governance: {}\n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	assert_false(is_refused(engine));
	genops_engine_close(engine);
}

static void write_document(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

/* A pipeline whose file is caught empty goes on: what it was to deliver would be lost else. */
static void an_emptied_document_takes_nothing_away(void **state)
{
	struct genops_error err = {0};
	char path[160], text[400];
	snprintf(path, sizeof path, "%s.pipeline.yaml", (char *)*state);
	snprintf(text, sizeof text, "pipelines: [\"%s\"]\ndestinations: [{id: d, type: debug}]\n", path);
	write_document(path, "{id: p, routes: [{name: r, destination: d}]}\n");
	write_config(text);
	genops_engine *engine = open_file(*state);
	write_document(path, " \n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, path));
	struct genops_config *config = genops_engine_config(engine);
	assert_int_equal(config->n_pipelines, 1);
	genops_config_unref(config);
	write_document(path, "# none just now\n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	config = genops_engine_config(engine);
	assert_int_equal(config->n_pipelines, 0);
	genops_config_unref(config);
	genops_engine_close(engine);
	unlink(path);
}

/* What was begun under one configuration ends under it; its views stay good. */
static void running_calls_keep_their_snapshot(void **state)
{
	struct genops_error err = {0};
	write_config("governance: {budgets: [{name: old, total_budget: 1.0}]}\n");
	genops_engine *engine = open_file(*state);
	genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .in = 10, .out = 10});
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(operation));
	for (int i = 0; i < 5; i++) {
		write_config(i % 2 ? OPEN : BLOCKING);
		assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	}
	genops_usage usage = {.input_tokens = 9, .output_tokens = 2};
	assert_int_equal(genops_operation_record_usage(operation, &usage, &err), GENOPS_OK);
	genops_operation_record_model(operation, GENOPS_STR("gpt-4o-mini"), NULL);
	end(operation, GENOPS_OUTCOME_OK);
	struct seen seen = look_up(engine, "operation", id);
	assert_int_equal(seen.cost, 2550);
	assert_non_null(strstr(seen.budgets, "old"));
	genops_engine_close(engine);
}

/* Whoever reloads, the drain's destinations follow. */
static void destinations_follow(void **state)
{
	char text[512], path[160], line[65536] = "";
	struct genops_error err = {0};
	snprintf(path, sizeof path, "%s.spans", (char *)*state);
	write_config(OPEN);
	genops_engine *engine = open_file(*state);
	flush(engine);
	snprintf(text, sizeof text, "exporters: {file/here: {path: '%s'}}\n", path);
	write_config(text);
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	genops_operation *operation = begin(engine, (struct call){.estimate = 1});
	char trace[33];
	snprintf(trace, sizeof trace, "%.32s", genops_operation_id(operation));
	/* Whatever upkeep did before the first, it sees the new configuration before the second. */
	flush(engine);
	flush(engine);
	end(operation, GENOPS_OUTCOME_OK);
	flush(engine);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	line[fread(line, 1, sizeof line - 1, in)] = '\0';
	fclose(in);
	genops_engine_close(engine);
	unlink(path);
	assert_non_null(strstr(line, trace));
}

/* --- telemetry.queue --- */

/* Does a file of the queue show this text as it is? */
static bool is_in_queue(const char *dir, const char *text)
{
	static char bytes[1 << 20];
	bool is_there = false;
	for (int number = 1; number < 10 && !is_there; number++) {
		char path[160];
		snprintf(path, sizeof path, "%s/queue/%d.q", dir, number);
		FILE *in = fopen(path, "r");
		size_t n = in ? fread(bytes, 1, sizeof bytes, in) : 0;
		is_there = memmem(bytes, n, text, strlen(text)) != NULL;
		if (in)
			fclose(in);
	}
	return is_there;
}

static void queue_up(genops_engine *engine, const char *team)
{
	struct genops_attribute attribute = text_attribute("team", team);
	/* Whatever upkeep did before the first, it sees the new configuration before the second. */
	flush(engine);
	flush(engine);
	end(begin(engine, (struct call){.estimate = 1, .attributes = &attribute, .n_attributes = 1}), GENOPS_OUTCOME_OK);
	flush(engine);
}

#define WAITING "exporters: {otlphttp: {endpoint: 'http://127.0.0.1:1'}}\n"

static void the_queue_follows(void **state)
{
	struct genops_error err = {0};
	write_config(WAITING "telemetry: {queue: {compression: none}}\n");
	genops_engine *engine = open_file(*state);
	queue_up(engine, "plain-as-it-was");
	assert_true(is_in_queue(*state, "plain-as-it-was"));
	write_config(WAITING "telemetry: {queue: {compression: none, encryption_key: "
			     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff}}\n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	queue_up(engine, "sealed-from-now-on");
	assert_false(is_in_queue(*state, "sealed-from-now-on"));
	/* Sealed blocks wait and this key does not open them: told in the log, and the queue stays as it was. */
	write_config(WAITING "telemetry: {queue: {compression: none}}\n");
	assert_int_equal(genops_engine_reload(engine, NULL, &err), GENOPS_OK);
	queue_up(engine, "still-sealed");
	assert_false(is_in_queue(*state, "still-sealed"));
	assert_int_equal(look_up(engine, "team", "still-sealed").n, 1);
	genops_engine_close(engine);
}

/* --- everything at once; the sanitizers look --- */

struct storm {
	genops_engine *engine;
	_Atomic bool is_over;
	_Atomic int64_t n_spent;
};

static void *call_on(void *arg)
{
	struct storm *storm = arg;
	for (int i = 0; i < 10000 && !atomic_load(&storm->is_over); i++) {
		genops_operation *operation = begin(storm->engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .estimate = 10});
		genops_operation_record_cost(operation, 1, NULL);
		bool counts = !genops_operation_decision(operation)->is_refused;
		end(operation, GENOPS_OUTCOME_OK);
		if (counts)
			atomic_fetch_add(&storm->n_spent, 1);
	}
	return NULL;
}

static void *flush_on(void *arg)
{
	struct storm *storm = arg;
	while (!atomic_load(&storm->is_over))
		flush(storm->engine);
	return NULL;
}

static void *reload_on(void *arg)
{
	struct storm *storm = arg;
	struct genops_error err;
	for (int i = 0; i < 20; i++) {
		write_config(i % 2 ? OPEN : BLOCKING);
		if (genops_engine_reload(storm->engine, NULL, &err) != GENOPS_OK)
			break;
	}
	atomic_store(&storm->is_over, true);
	return NULL;
}

static void *read_on(void *arg)
{
	struct storm *storm = arg;
	while (!atomic_load(&storm->is_over)) {
		char *text;
		size_t len;
		struct genops_error err;
		if (genops_engine_metrics(storm->engine, &text, &len, &err) == GENOPS_OK)
			free(text);
		spent(storm->engine);
	}
	return NULL;
}

static void all_at_once(void **state)
{
	void *(*const runs[])(void *) = {call_on, call_on, call_on, flush_on, reload_on, read_on};
	pthread_t threads[6];
	write_config(OPEN);
	struct storm storm = {.engine = open_file(*state)};
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, runs[i], &storm), 0);
	for (size_t i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	flush(storm.engine);
	assert_int_equal(spent(storm.engine), atomic_load(&storm.n_spent));
	genops_engine_close(storm.engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)
	const struct CMUnitTest tests[] = {
	    TEST(a_changed_file_counts),
	    TEST(a_wrong_file_does_not),
	    TEST(an_emptied_file_governs_nothing_less),
	    TEST(an_emptied_document_takes_nothing_away),
	    TEST(running_calls_keep_their_snapshot),
	    TEST(destinations_follow),
	    TEST(the_queue_follows),
	    TEST(all_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
