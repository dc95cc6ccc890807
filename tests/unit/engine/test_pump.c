/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump.c: from the queue to a destination that takes, refuses, fails or hangs. */
#include "../net/loopback.h"
#include "engine_fixture.h"

#include "store/queue.h"

#include <genops/destination.h>
#include <genops/status.h>
#include <poll.h>

struct far_side {
	_Atomic int status;     /* 0: hang up without an answer; -1: never answer */
	pthread_mutex_t lock;
	char got[1 << 18];      /* all bodies that were answered with 200 */
	char head[8192];        /* of the last request */
};

static struct far_side far = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One request: false when there is no more. */
static bool read_request(int fd, char *bytes, size_t size, char **ret_body)
{
	size_t n = 0, need = 0;
	while (n < size - 1) {
		ssize_t got = read(fd, bytes + n, size - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		bytes[n] = '\0';
		char *end = strstr(bytes, "\r\n\r\n");
		if (end && !need) {
			char *length = strcasestr(bytes, "content-length:");
			need = (size_t)(end + 4 - bytes) + (length ? (size_t)atol(length + 15) : 0);
		}
		if (need && n >= need) {
			*ret_body = end + 4;
			return true;
		}
	}
	return false;
}

static void serve(struct loopback *loopback, int fd, int number)
{
	static char bytes[1 << 18];
	char *body, answer[256];
	(void)number;
	while (read_request(fd, bytes, sizeof bytes, &body)) {
		int status = atomic_load(&far.status);
		pthread_mutex_lock(&far.lock);
		snprintf(far.head, sizeof far.head, "%.*s", (int)(body - bytes), bytes);
		if (status == 200)
			strncat(far.got, body, sizeof far.got - strlen(far.got) - 1);
		pthread_mutex_unlock(&far.lock);
		atomic_fetch_add(&loopback->n_requests, 1);
		if (status == 0)
			return;
		if (status < 0) {
			struct pollfd gone = {.fd = fd, .events = POLLIN};
			poll(&gone, 1, 20000);
			return;
		}
		int n = snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", status);
		if (write(fd, answer, (size_t)n) != n)
			return;
	}
}

static genops_engine *open_with(const char *dir, const struct loopback *loopback)
{
	char config[1024];
	snprintf(config, sizeof config,
	    "exporters:\n  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: none, timeout: 20s,\n"
	    "    headers: {authorization: 'Bearer sk-destination'}, retry_on_failure: {initial_interval: 10ms, max_interval: 20ms}}\n",
	    loopback->port);
	return open_engine(dir, config);
}

static void reset(int status)
{
	atomic_store(&far.status, status);
	far.got[0] = far.head[0] = '\0';
}

static void one_call(genops_engine *engine, char *ret_trace)
{
	genops_operation *operation = begin(engine, (struct call){.estimate = 10});
	snprintf(ret_trace, 33, "%.32s", genops_operation_id(operation));
	genops_operation_record_cost(operation, 10, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

static size_t times(const char *trace)
{
	size_t n = 0;
	pthread_mutex_lock(&far.lock);
	for (const char *at = far.got; (at = strstr(at, trace)); at += 32)
		n++;
	pthread_mutex_unlock(&far.lock);
	return n;
}

/* Until the pump has got through, however often it has to try. */
static void flush_until(genops_engine *engine, const char *trace)
{
	for (int i = 0; i < 2000 && !times(trace); i++) {
		flush(engine);
		usleep(1000); /* a retry is due in 10 ms: nothing but its clock can say when */
	}
	assert_int_equal(times(trace), 1);
}

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

struct doing {
	char state[32];
	int64_t sent, failures;
};

static int see_destination(void *arg, const struct genops_destination_status *status)
{
	struct doing *doing = arg;
	snprintf(doing->state, sizeof doing->state, "%.*s", (int)status->state.len, status->state.ptr);
	doing->sent = status->sent;
	doing->failures = status->failures;
	return GENOPS_OK;
}

static struct doing wait_for_state(genops_engine *engine, const char *state)
{
	struct doing seen = {0};
	struct genops_error err;
	for (int i = 0; i < 10000 && strcmp(seen.state, state) != 0; i++) {
		assert_int_equal(genops_destination_status_list(engine, see_destination, &seen, &err), GENOPS_OK);
		usleep(1000);
	}
	assert_string_equal(seen.state, state);
	return seen;
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

static genops_engine *open_with_checks(const char *dir, const struct loopback *loopback, const char *timeout)
{
	char config[1024];
	snprintf(config, sizeof config,
	    "exporters:\n  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: none, timeout: 20s,\n"
	    "    health_check: {interval: 10ms, timeout: %s, unhealthy_threshold: 3}}\n", loopback->port, timeout);
	return open_engine(dir, config);
}

/* CRB-056, CRB-058: asked at its interval while nothing is sent; down on the third failure in a row, and back. Nothing of it is data. */
static void who_gets_nothing_is_asked(void **state)
{
	struct loopback loopback;
	char trace[33];
	reset(503);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with_checks(*state, &loopback, "10s");
	struct doing seen = wait_for_state(engine, "down");
	assert_true(seen.failures >= 3);
	assert_int_equal(seen.sent, 0);
	atomic_store(&far.status, 200);
	assert_int_equal(wait_for_state(engine, "idle").sent, 0);
	atomic_store(&far.status, 503);
	(void)wait_for_state(engine, "down");
	atomic_store(&far.status, 200);
	one_call(engine, trace); /* is tried at once, whatever the checks found */
	flush_until(engine, trace);
	assert_int_equal(wait_for_state(engine, "up").sent, 1);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

/* CRB-057: a check that hangs has failed; and nobody who stops waits for one. */
static void a_check_that_hangs_has_failed(void **state)
{
	struct loopback loopback;
	reset(-1);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with_checks(*state, &loopback, "20ms");
	(void)wait_for_state(engine, "failing");
	genops_engine_close(engine);
	loopback_stop(&loopback);
	loopback_start(&loopback, serve, NULL);
	engine = open_with_checks(*state, &loopback, "60s");
	for (int i = 0; i < 5000 && !atomic_load(&loopback.n_requests); i++)
		usleep(1000);
	assert_true(atomic_load(&loopback.n_requests) > 0);
	struct timespec begun, ended;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	genops_engine_close(engine);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(ended.tv_sec - begun.tv_sec < 10); /* and not a minute */
	loopback_stop(&loopback);
}

/* Nobody is asked who did not ask for it. */
static void without_a_setting_nobody_is_asked(void **state)
{
	struct loopback loopback;
	char trace[33];
	reset(200);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	flush_until(engine, trace);
	(void)wait_for_state(engine, "up");
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
	    TEST(a_reload_touches_only_what_it_changes),
	    TEST(what_is_due_waits_as_anything_else),
	    TEST(who_gets_nothing_is_asked),
	    TEST(a_check_that_hangs_has_failed),
	    TEST(without_a_setting_nobody_is_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
