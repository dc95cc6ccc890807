/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump.c: from the queue to a destination that takes, refuses, fails or hangs. */
#include "far_side.h"

#include "store/queue.h"

#include <genops/destination.h>

static void what_is_flushed_has_been_offered(void **state)
{
	struct loopback loopback;
	char traces[20][33];
	reset(200);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	for (int i = 0; i < 20; i++) {
		one_call(engine, traces[i]);
		if (i % 5 == 0)
			flush(engine);
	}
	flush(engine);
	for (int i = 0; i < 20; i++)
		assert_int_equal(times(traces[i]), 1);
	assert_non_null(strstr(far.head, "POST /v1/traces"));
	assert_non_null(strstr(far.head, "Bearer sk-destination"));
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

static void a_failure_is_tried_again(void **state)
{
	struct loopback loopback;
	char trace[33];
	const int failures[] = {503, 429, 0};
	for (size_t i = 0; i < 3; i++) {
		reset(failures[i]);
		loopback_start(&loopback, serve, NULL);
		genops_engine *engine = open_with(*state, &loopback);
		one_call(engine, trace);
		flush(engine); /* offered once is enough */
		assert_int_equal(times(trace), 0);
		atomic_store(&far.status, 200);
		flush_until(engine, trace);
		genops_engine_close(engine);
		loopback_stop(&loopback);
	}
}

/* However often it has failed: max_interval bounds the time to the next probe. */
static void a_far_side_that_stays_down_is_probed(void **state)
{
	struct loopback loopback;
	loopback_start(&loopback, serve, NULL);
	reset(503);
	char trace[33];
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	for (int i = 0; i < 20000 && atomic_load(&loopback.n_requests) < 15; i++)
		flush(engine);
	assert_true(atomic_load(&loopback.n_requests) >= 15);
	reset(200);
	flush_until(engine, trace);
	assert_int_equal(times(trace), 1);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

static uint64_t n_waiting(const char *dir)
{
	struct genops_queue_options options = {0};
	struct genops_queue_stats stats;
	struct genops_queue *queue;
	struct genops_error err;
	assert_int_equal(genops_queue_open(dir, &options, &queue, &err), GENOPS_OK);
	genops_queue_stats(queue, &stats);
	genops_queue_close(queue);
	return stats.n_waiting_entries;
}

/* Nothing of them is for a destination, and nothing of them waits. */
static void events_of_the_audit_trail_do_not_wait(void **state)
{
	struct loopback loopback;
	struct genops_error err;
	loopback_start(&loopback, serve, NULL);
	reset(200);
	genops_engine *engine = open_with(*state, &loopback);
	assert_int_equal(genops_engine_record_event(engine, GENOPS_STR("test.happened"), GENOPS_STR("{}"), &err), GENOPS_OK);
	flush(engine);
	genops_engine_close(engine);
	assert_int_equal(n_waiting(*state), 0);
	assert_int_equal(atomic_load(&loopback.n_requests), 0);
	loopback_stop(&loopback);
}

static void what_is_rejected_for_ever_is_told(void **state)
{
	struct loopback loopback;
	struct genops_status status;
	struct genops_error err;
	char trace[33], after[33], path[128], text[4096] = "";
	reset(400);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	flush(engine);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(genops_engine_status(engine, &status, &err), GENOPS_OK);
		if (status.n_dead_letters)
			break;
		usleep(1000);
	}
	assert_int_equal(status.n_dead_letters, 1);
	snprintf(path, sizeof path, "%s/dead-letter.jsonl", (char *)*state);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof text - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, trace));
	assert_non_null(strstr(text, "otlphttp/far"));
	assert_null(strstr(text, "sk-destination"));
	atomic_store(&far.status, 200); /* the next one goes through */
	one_call(engine, after);
	flush_until(engine, after);
	assert_int_equal(times(trace), 0);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

/* What was not taken waits on disk for the next process; the ledger never waits. */
static void what_waits_survives(void **state)
{
	struct loopback loopback;
	char trace[33];
	reset(0);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	assert_int_equal(spent(engine), 10);
	genops_engine_close(engine);
	assert_int_equal(times(trace), 0);
	atomic_store(&far.status, 200);
	engine = open_with(*state, &loopback);
	flush_until(engine, trace);
	genops_engine_close(engine);
	engine = open_with(*state, &loopback);
	flush(engine);
	genops_engine_close(engine);
	assert_int_equal(times(trace), 1); /* and is not sent again */
	loopback_stop(&loopback);
}

static void a_far_side_that_hangs_holds_up_nobody(void **state)
{
	struct loopback loopback;
	char trace[33];
	reset(-1);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	for (int i = 0; i < 5000 && !atomic_load(&loopback.n_requests); i++)
		usleep(1000);
	assert_true(atomic_load(&loopback.n_requests) > 0);
	struct genops_cost_query query = {.size = sizeof query};
	struct genops_cost_report *report;
	struct genops_error err;
	assert_int_equal(genops_report_cost(engine, &query, &report, &err), GENOPS_OK); /* waits a moment for the flush, not for ever */
	assert_int_equal(report->total.cost_nano_usd, 10);
	genops_report_cost_free(report);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

/* What was taken, and would come twice if its answer were not waited for. */
static void stopping_waits_for_the_answer_to_what_was_sent(void **state)
{
	struct loopback loopback;
	char trace[33], later[33];
	reset(LATE);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	for (int i = 0; i < 20000 && !atomic_load(&loopback.n_requests); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&loopback.n_requests), 1);
	atomic_store(&far.is_stopping, true);
	genops_engine_close(engine);
	atomic_store(&far.status, 200);
	engine = open_with(*state, &loopback);
	one_call(engine, later);
	flush_until(engine, later);
	assert_int_equal(times(trace), 1);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void reload(genops_engine *engine)
{
	struct genops_error err = {0};
	if (genops_engine_reload(engine, NULL, &err) != GENOPS_OK)
		fail_msg("%s; %s", err.message, err.fix);
}

static void put_two(const char *path, const char *dir, int port, const char *file)
{
	char text[1024];
	snprintf(text, sizeof text,
	    "exporters:\n  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: none, timeout: 20s,\n"
	    "    headers: {authorization: 'Bearer ${file:secret}'}, retry_on_failure: {initial_interval: 10ms, max_interval: 20ms}}\n"
	    "  file/near: {path: '%s/%s.jsonl'}\n", port, dir, file);
	put(path, text);
}

/* A reload leaves a destination that it does not change to its request; a secret in a file (CRB-478) that changed begins it anew. */
static void a_reload_touches_only_what_it_changes(void **state)
{
	struct loopback loopback;
	char config[256], secret[256], text[1024], trace[33];
	snprintf(config, sizeof config, "%s/genops.yaml", (char *)*state);
	snprintf(secret, sizeof secret, "%s/secret", (char *)*state);
	reset(-1);
	loopback_start(&loopback, serve, NULL);
	put(secret, "sk-old\n");
	put_two(config, *state, loopback.port, "one");
	struct genops_engine_options options = {.size = sizeof options, .config_file = config, .state_dir = *state};
	struct genops_error err = {0};
	genops_engine *engine = genops_engine_open(&options, &err);
	assert_non_null(engine);
	one_call(engine, trace);
	for (int i = 0; i < 5000 && !atomic_load(&loopback.n_requests); i++)
		usleep(1000);
	assert_non_null(strstr(far.head, "Bearer sk-old\r\n"));
	put_two(config, *state, loopback.port, "two");
	reload(engine);
	snprintf(text, sizeof text, "%s/two.jsonl", (char *)*state);
	one_call(engine, trace);
	for (int i = 0; i < 5000 && access(text, F_OK) != 0; i++)
		usleep(1000);
	assert_int_equal(access(text, F_OK), 0);
	assert_int_equal(atomic_load(&loopback.n_requests), 1); /* still the same one */
	atomic_store(&far.status, 200);
	put(secret, "sk-new\n");
	reload(engine);
	flush_until(engine, trace);
	assert_non_null(strstr(far.head, "Bearer sk-new\r\n"));
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

/* What a destination says of itself is not given up by retry_on_status, and not said over and over without a pause. */
static void what_is_due_waits_as_anything_else(void **state)
{
	struct loopback loopback;
	char config[1024], path[256];
	reset(500);
	loopback_start(&loopback, serve, NULL);
	snprintf(path, sizeof path, "%s/destination-far.memory", (char *)*state);
	put(path, "genops-remote-write 1\nevents\nF 1 cost_total c\nS 0 1 1 5 0 - 0 | team=\"a\"\ndeltas\n");
	snprintf(config, sizeof config,
	    "destinations:\n  - {id: far, type: prometheus_remote_write, url: 'http://127.0.0.1:%d/w', retry_interval: 60s, retry_on_status: [429],\n"
	    "    metrics: {mappings: [{name: cost, type: counter, value: '${cost}'}]}}\n", loopback.port);
	genops_engine *engine = open_engine(*state, config);
	(void)wait_for_state(engine, "failing");
	assert_int_equal(atomic_load(&loopback.n_requests), 1);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_flushed_has_been_offered),
	    TEST(a_failure_is_tried_again),
	    TEST(a_far_side_that_stays_down_is_probed),
	    TEST(events_of_the_audit_trail_do_not_wait),
	    TEST(what_is_rejected_for_ever_is_told),
	    TEST(what_waits_survives),
	    TEST(a_far_side_that_hangs_holds_up_nobody),
	    TEST(stopping_waits_for_the_answer_to_what_was_sent),
	    TEST(a_reload_touches_only_what_it_changes),
	    TEST(what_is_due_waits_as_anything_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
