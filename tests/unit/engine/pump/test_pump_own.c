/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump_own.c: a destination that is dead for long has a queue of its own, the others go
 * on (CRB-052, CRB-055, CRB-059, CRB-060, A-110). */
#include "../net/loopback.h"
#include "engine_fixture.h"

#include <genops/status.h>

#define CALLS 1500

static _Atomic int status;
static _Atomic size_t n_got;

/* Takes requests of any length and counts the spans of those that it answers with 200. */
static void serve(struct loopback *loopback, int fd, int number)
{
	size_t max = (size_t)32 << 20, n = 0;
	char *bytes = malloc(max), answer[128];
	(void)number;
	for (ssize_t got; (got = read(fd, bytes + n, max - 1 - n)) > 0;) {
		n += (size_t)got;
		bytes[n] = '\0';
		char *end = strstr(bytes, "\r\n\r\n"), *length = end ? strcasestr(bytes, "content-length:") : NULL;
		if (!end || !length || n < (size_t)(end + 4 - bytes) + (size_t)atol(length + 15))
			continue;
		size_t spans = 0;
		for (const char *at = end; (at = strstr(at, "\"traceId\"")); at++)
			spans++;
		int now = atomic_load(&status);
		if (now == 200)
			atomic_fetch_add(&n_got, spans);
		atomic_fetch_add(&loopback->n_requests, 1);
		n = 0;
		int len = snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", now);
		if (write(fd, answer, (size_t)len) != len)
			break;
	}
	free(bytes);
}

static genops_engine *open_with(const char *dir, const struct loopback *loopback, const char *overflow)
{
	char config[2048];
	snprintf(config, sizeof config,
	    "telemetry: {queue: {max_size: 1MiB, compression: none, overflow: %s}}\n"
	    "exporters:\n  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: none, timeout: 20s,\n"
	    "    retry_on_failure: {initial_interval: 10ms, max_interval: 20ms}}\n"
	    "  file/near: {path: '%s/near.jsonl'}\n",
	    overflow, loopback->port, dir);
	return open_engine(dir, config);
}

/* Operations of some kilobytes each: several times what may wait for one destination. */
static void calls(genops_engine *engine, int n)
{
	static char text[1001];
	memset(text, 'x', sizeof text - 1);
	const struct genops_attribute notes[] = {
	    {.key = GENOPS_STR("note"), .type = GENOPS_ATTRIBUTE_STRING, .value.string = {text, 1000}},
	    {.key = GENOPS_STR("more"), .type = GENOPS_ATTRIBUTE_STRING, .value.string = {text, 1000}}};
	for (int i = 0; i < n; i++) {
		genops_operation *operation = begin(engine, (struct call){.estimate = 10, .attributes = notes, .n_attributes = 2});
		genops_operation_record_cost(operation, 10, NULL);
		end(operation, GENOPS_OUTCOME_OK);
		if (i % 100 == 99)
			flush(engine);
	}
}

static size_t count_in(const char *dir, const char *name, const char *what)
{
	char path[256];
	size_t n = 0, len = strlen(what), kept = 0, got;
	static char piece[1 << 20];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "r");
	while (file && (got = fread(piece + kept, 1, sizeof piece - 1 - kept, file)) > 0) {
		size_t all = kept + got;
		piece[all] = '\0';
		for (const char *at = piece; (at = strstr(at, what)); at += len)
			n++;
		kept = all < len - 1 ? all : len - 1;
		memmove(piece, piece + all - kept, kept);
	}
	if (file)
		fclose(file);
	return n;
}

static bool is_there(const char *dir, const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void wait_for(const genops_engine *engine, size_t n)
{
	for (int i = 0; i < 10000 && atomic_load(&n_got) < n; i++)
		usleep(1000);
	(void)engine;
	assert_int_equal(atomic_load(&n_got), n);
}

static void a_dead_destination_keeps_all_and_stops_nobody(void **state)
{
	struct loopback loopback;
	atomic_store(&status, 503);
	atomic_store(&n_got, 0);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback, "block");
	calls(engine, CALLS);
	flush(engine);
	assert_int_equal(count_in(*state, "near.jsonl", "\"traceId\""), CALLS); /* the other one has everything */
	assert_int_equal(spent(engine), 10 * CALLS);
	for (int i = 0; i < 5000 && !is_there(*state, "queue/blocked"); i++)
		usleep(1000);
	assert_true(is_there(*state, "queue/blocked")); /* who sends telemetry is told to wait */
	assert_true(is_there(*state, "queue/otlphttp%2Ffar.own"));
	genops_engine_close(engine);
	engine = open_with(*state, &loopback, "block"); /* and another process finds it all */
	atomic_store(&status, 200);
	wait_for(engine, CALLS);
	for (int i = 0; i < 5000 && (is_there(*state, "queue/blocked") || is_there(*state, "queue/otlphttp%2Ffar.own")); i++)
		usleep(1000);
	assert_false(is_there(*state, "queue/blocked"));
	assert_false(is_there(*state, "queue/otlphttp%2Ffar.own"));
	calls(engine, 1);
	flush(engine);
	wait_for(engine, CALLS + 1);
	genops_engine_close(engine);
	assert_int_equal(count_in(*state, "near.jsonl", "\"traceId\""), CALLS + 1);
	assert_int_equal(count_in(*state, "dead-letter.jsonl", "trace_id"), 0);
	loopback_stop(&loopback);
}

static void what_is_dropped_is_counted_and_named(void **state)
{
	static const char *const actions[] = {"drop_oldest", "drop_newest"};
	for (int i = 0; i < 2; i++) {
		struct loopback loopback;
		char path[256];
		atomic_store(&status, 503);
		atomic_store(&n_got, 0);
		loopback_start(&loopback, serve, NULL);
		genops_engine *engine = open_with(*state, &loopback, actions[i]);
		calls(engine, CALLS);
		flush(engine);
		assert_false(is_there(*state, "queue/blocked"));
		atomic_store(&status, 200);
		for (int k = 0; k < 10000 && atomic_load(&n_got) + count_in(*state, "dead-letter.jsonl", "trace_id") < CALLS; k++)
			usleep(1000);
		size_t n_dead = count_in(*state, "dead-letter.jsonl", "trace_id");
		assert_int_equal(atomic_load(&n_got) + n_dead, CALLS);
		assert_true(n_dead > 100 && n_dead < CALLS - 100);
		assert_int_equal(count_in(*state, "dead-letter.jsonl", i ? "the newest is dropped" : "the oldest is dropped"), n_dead);
		genops_engine_close(engine);
		snprintf(path, sizeof path, "%s/dead-letter.jsonl", (char *)*state);
		unlink(path);
		loopback_stop(&loopback);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(a_dead_destination_keeps_all_and_stops_nobody),
	    TEST(what_is_dropped_is_counted_and_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
