/* SPDX-License-Identifier: Apache-2.0
 * engine/flow and what is around it: received telemetry from the segments to destinations that take, refuse or are away. */
#include "../net/loopback.h"
#include "flow_fixture.h"

#include "engine/engine.h"
#include "engine/flow/flow.h"

struct far_side {
	_Atomic int status;
	_Atomic int too_large;  /* bodies over so many bytes: 413; 0: none */
	pthread_mutex_t lock;
	struct genops_buffer got[GENOPS_SIGNAL_N]; /* bodies that were taken, one behind the other: a request */
};

static struct far_side far = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool read_more(int fd, struct genops_buffer *in)
{
	char *room = genops_buffer_reserve(in, 65536);
	ssize_t n = room ? read(fd, room, 65536) : 0;
	in->len += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* One request into `in`; false when there is no more. */
static bool read_request(int fd, struct genops_buffer *in, genops_str *ret_body)
{
	genops_buffer_clear(in);
	while (read_more(fd, in)) {
		size_t head = genops_str_find(genops_buffer_view(in), GENOPS_STR("\r\n\r\n"));
		if (head == SIZE_MAX)
			continue;
		genops_buffer_add_char(in, '\0');
		in->len--;
		char *length = strcasestr(in->ptr, "content-length:");
		size_t need = head + 4 + (length ? (size_t)atol(length + 15) : 0);
		while (in->len < need && read_more(fd, in))
			;
		*ret_body = (genops_str){in->ptr + head + 4, in->len - head - 4};
		return in->len >= need;
	}
	return false;
}

static void serve(struct loopback *loopback, int fd, int number)
{
	static const char *const paths[] = {"POST /v1/traces ", "POST /v1/metrics ", "POST /v1/logs "};
	struct genops_buffer in;
	genops_str body;
	char answer[128];
	(void)number;
	genops_buffer_init(&in, (size_t)64 << 20);
	while (read_request(fd, &in, &body)) {
		int status = atomic_load(&far.status), too_large = atomic_load(&far.too_large);
		if (too_large && body.len > (size_t)too_large)
			status = 413;
		pthread_mutex_lock(&far.lock);
		for (int i = 0; i < GENOPS_SIGNAL_N && status == 200; i++) {
			if (!strncmp(in.ptr, paths[i], strlen(paths[i])))
				genops_buffer_add(&far.got[i], body);
		}
		pthread_mutex_unlock(&far.lock);
		atomic_fetch_add(&loopback->n_requests, 1);
		int n = snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", status);
		if (write(fd, answer, (size_t)n) != n)
			break;
	}
	genops_buffer_done(&in);
}

static void start(struct loopback *loopback, int status)
{
	atomic_store(&far.status, status);
	atomic_store(&far.too_large, 0);
	for (int i = 0; i < GENOPS_SIGNAL_N; i++)
		genops_buffer_init(&far.got[i], (size_t)256 << 20);
	loopback_start(loopback, serve, NULL);
}

static void stop(struct loopback *loopback)
{
	loopback_stop(loopback);
	for (int i = 0; i < GENOPS_SIGNAL_N; i++)
		genops_buffer_done(&far.got[i]);
}

static genops_engine *open_with(const char *dir, const struct loopback *loopback, const char *more)
{
	char config[2048];
	snprintf(config, sizeof config,
	    "receivers: {otlp: {protocols: {http: {}}}}\n"
	    "exporters:\n"
	    "  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', compression: none, retry_on_failure: {initial_interval: 1ms, max_interval: 5ms}}\n"
	    "%s", loopback->port, more);
	return open_engine(dir, config);
}

static const char plain[] =
    "service:\n"
    "  pipelines:\n"
    "    traces: {receivers: [otlp], exporters: [otlphttp/far]}\n"
    "    metrics: {receivers: [otlp], exporters: [otlphttp/far]}\n"
    "    logs: {receivers: [otlp], exporters: [otlphttp/far]}\n";

static void receive(genops_engine *engine, enum genops_signal signal, int first, int n, size_t size)
{
	struct genops_buffer entry;
	struct genops_error err;
	make_envelope(signal, first, n, size, &entry);
	assert_int_equal(
	    genops_segment_append(engine->segments, GENOPS_ENTRY_SPANS, genops_buffer_view(&entry), NULL, &err), GENOPS_OK);
	genops_buffer_done(&entry);
}

/* How often the far side has got thing `i`. */
static size_t times(enum genops_signal signal, int i)
{
	char text[64];
	size_t n = 0;
	snprintf(text, sizeof text, "thing-%d-", i);
	pthread_mutex_lock(&far.lock);
	genops_str rest = genops_buffer_view(&far.got[signal]);
	for (size_t at; rest.len && (at = genops_str_find(rest, genops_str_of(text))) != SIZE_MAX; n++)
		rest = genops_str_skip(rest, at + strlen(text));
	pthread_mutex_unlock(&far.lock);
	return n;
}

static void flush_until(genops_engine *engine, enum genops_signal signal, int i)
{
	for (int tries = 0; tries < 5000 && !times(signal, i); tries++) {
		flush(engine);
		usleep(1000); /* a retry is due in some ms: nothing but its clock can say when */
	}
	assert_int_equal(times(signal, i), 1);
}

static void each_signal_passes_through(void **state)
{
	struct loopback loopback;
	start(&loopback, 200);
	genops_engine *engine = open_with(*state, &loopback, plain);
	for (int signal = 0; signal < GENOPS_SIGNAL_N; signal++)
		receive(engine, (enum genops_signal)signal, 10 * signal, 3, 0);
	flush(engine);
	for (int signal = 0; signal < GENOPS_SIGNAL_N; signal++) {
		struct genops_buffer sent;
		genops_buffer_init(&sent, 1 << 20);
		make_request((enum genops_signal)signal, 10 * signal, 3, 0, &sent);
		assert_int_equal(far.got[signal].len, sent.len); /* byte for byte as it came */
		assert_memory_equal(far.got[signal].ptr, sent.ptr, sent.len);
		genops_buffer_done(&sent);
	}
	genops_engine_close(engine);
	stop(&loopback);
}

static void nobody_wants_it(void **state)
{
	struct loopback loopback;
	start(&loopback, 200);
	genops_engine *engine = open_with(*state, &loopback,
	    "service: {pipelines: {metrics: {receivers: [otlp], exporters: [otlphttp/far]}, traces: {receivers: [genops], exporters: [otlphttp/far]}}}\n");
	receive(engine, GENOPS_SIGNAL_TRACES, 0, 3, 0);
	receive(engine, GENOPS_SIGNAL_LOGS, 0, 3, 0);
	receive(engine, GENOPS_SIGNAL_METRICS, 0, 3, 0);
	flush(engine);
	assert_int_equal(far.got[GENOPS_SIGNAL_TRACES].len, 0);
	assert_int_equal(times(GENOPS_SIGNAL_METRICS, 2), 1);
	genops_engine_close(engine);
	stop(&loopback);
}

/* Down, killed by closing, up again: each once. */
static void what_waits_arrives(void **state)
{
	struct loopback loopback;
	start(&loopback, 503);
	genops_engine *engine = open_with(*state, &loopback, plain);
	for (int i = 0; i < 10; i++) {
		receive(engine, GENOPS_SIGNAL_TRACES, i, 1, 100);
		receive(engine, GENOPS_SIGNAL_LOGS, i, 1, 100);
	}
	flush(engine);
	genops_engine_close(engine);
	assert_int_equal(times(GENOPS_SIGNAL_TRACES, 0), 0);
	atomic_store(&far.status, 200);
	engine = open_with(*state, &loopback, plain);
	flush_until(engine, GENOPS_SIGNAL_LOGS, 9);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(times(GENOPS_SIGNAL_TRACES, i), 1);
		assert_int_equal(times(GENOPS_SIGNAL_LOGS, i), 1);
	}
	genops_engine_close(engine);
	stop(&loopback);
}

/* Several signals are several requests of one batch: what was sent is not sent again because what follows is not taken. */
static void a_batch_goes_on_where_it_was(void **state)
{
	struct loopback loopback;
	start(&loopback, 200);
	genops_engine *engine = open_with(*state, &loopback, plain);
	atomic_store(&far.too_large, 1000);
	receive(engine, GENOPS_SIGNAL_TRACES, 0, 1, 100);
	receive(engine, GENOPS_SIGNAL_TRACES, 1, 1, 5000); /* alone too large: rejected for ever, and alone */
	receive(engine, GENOPS_SIGNAL_TRACES, 2, 1, 100);
	receive(engine, GENOPS_SIGNAL_LOGS, 3, 1, 100);
	flush_until(engine, GENOPS_SIGNAL_LOGS, 3);
	assert_int_equal(times(GENOPS_SIGNAL_TRACES, 0), 1);
	assert_int_equal(times(GENOPS_SIGNAL_TRACES, 1), 0);
	assert_int_equal(times(GENOPS_SIGNAL_TRACES, 2), 1);
	genops_engine_close(engine);
	char text[4096];
	read_file(*state, "dead-letter.jsonl", text, sizeof text);
	assert_non_null(strstr(text, "\"span_id\":\"3030303030303031\"")); /* "00000001" */
	assert_null(strstr(text, "\"span_id\":\"3030303030303030\""));
	assert_non_null(strstr(text, "413"));
	stop(&loopback);
}

/* A queue that is full holds up nothing of the ledger, and everything comes when there is room again, each once. */
static void a_full_queue_goes_on(void **state)
{
	struct loopback loopback;
	char more[1024];
	start(&loopback, 503);
	snprintf(more, sizeof more, "%stelemetry: {queue: {max_size: 1MiB, compression: none}}\n", plain);
	genops_engine *engine = open_with(*state, &loopback, more);
	for (int i = 0; i < 40; i++)
		receive(engine, GENOPS_SIGNAL_TRACES, i, 1, 100000);
	genops_operation *operation = begin(engine, (struct call){.estimate = 10});
	genops_operation_record_cost(operation, 10, NULL);
	end(operation, GENOPS_OUTCOME_OK);
	for (int i = 0; i < 1000 && spent(engine) != 10; i++)
		usleep(1000); /* flush does not end while the queue is full */
	assert_int_equal(spent(engine), 10);
	atomic_store(&far.status, 200);
	flush_until(engine, GENOPS_SIGNAL_TRACES, 39);
	for (int i = 0; i < 40; i++)
		assert_int_equal(times(GENOPS_SIGNAL_TRACES, i), 1);
	genops_engine_close(engine);
	stop(&loopback);
}

/* --- documents --- */

static const char documents[] =
    "destinations:\n"
    "  - {id: lines, type: file, path: '%s/lines.jsonl'}\n"
    "  - {id: far, type: otlphttp, endpoint: 'http://127.0.0.1:%d', compression: none}\n"
    "pipelines:\n"
    "  - id: numbers\n"
    "    filters: [{name: things, expression: \"name.startsWith('thing')\"}]\n"
    "    processors:\n"
    "      - {name: number, type: eval, expressions: {number: \"parseInt(name.split('-')[1])\", is_large: number > 4}}\n"
    "    routes:\n"
    "      - {name: large, filter: is_large, destination: far}\n"
    "      - name: odd\n"
    "        filter: number %% 2 == 1\n"
    "        destination: lines\n"
    "        payload_template: '{\"number\": ${number}, \"input\": \"${__inputId}\"}'\n";

static genops_engine *open_documents(const char *dir, const struct loopback *loopback)
{
	char config[4096];
	snprintf(config, sizeof config, documents, dir, loopback->port);
	return open_engine(dir, config);
}

static void documents_route_events(void **state)
{
	struct loopback loopback;
	char text[65536];
	start(&loopback, 200);
	genops_engine *engine = open_documents(*state, &loopback);
	receive(engine, GENOPS_SIGNAL_TRACES, 0, 8, 0);
	receive(engine, GENOPS_SIGNAL_LOGS, 20, 3, 0); /* no pipeline is for logs */
	flush_until(engine, GENOPS_SIGNAL_TRACES, 7);
	for (int i = 0; i < 8; i++)
		assert_int_equal(times(GENOPS_SIGNAL_TRACES, i), i > 4);
	assert_true(genops_str_find(genops_buffer_view(&far.got[GENOPS_SIGNAL_TRACES]), GENOPS_STR("is_large")) != SIZE_MAX); /* an attribute now */
	read_file(*state, "lines.jsonl", text, sizeof text);
	assert_string_equal(text,
	    "{\"number\": 1, \"input\": \"genops_otlp_source\"}\n{\"number\": 3, \"input\": \"genops_otlp_source\"}\n"
	    "{\"number\": 5, \"input\": \"genops_otlp_source\"}\n{\"number\": 7, \"input\": \"genops_otlp_source\"}\n");
	genops_engine_close(engine);
	stop(&loopback);
}

/* proves DESIGN 5: they enter as spans of __inputId genops_otlp_source */
static void own_operations_are_events_too(void **state)
{
	char config[2048], text[65536];
	snprintf(config, sizeof config,
	    "destinations: [{id: lines, type: file, path: '%s/lines.jsonl'}]\n"
	    "pipelines:\n"
	    "  - id: own\n"
	    "    filters: [{expression: \"__inputId == 'genops_otlp_source' && attributes['genops.cost.total'] > 0\"}]\n"
	    "    processors: [{name: cost, type: eval, expressions: {cost: \"attributes['genops.cost.total'] * 2\"}}]\n"
	    "    routes: [{name: all, destination: lines}]\n", (char *)*state);
	genops_engine *engine = open_engine(*state, config);
	genops_operation *operation = begin(engine, (struct call){.estimate = 500000000});
	genops_operation_record_cost(operation, 500000000, NULL);
	end(operation, GENOPS_OUTCOME_OK);
	flush(engine);
	read_file(*state, "lines.jsonl", text, sizeof text);
	assert_non_null(strstr(text, "\"cost\":1,") ? strstr(text, "\"cost\":1,") : strstr(text, "\"cost\":1}"));
	assert_non_null(strstr(text, "\"genops.cost.total\":0.5"));
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(each_signal_passes_through),
	    TEST(nobody_wants_it),
	    TEST(what_waits_arrives),
	    TEST(a_batch_goes_on_where_it_was),
	    TEST(a_full_queue_goes_on),
	    TEST(documents_route_events),
	    TEST(own_operations_are_events_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
