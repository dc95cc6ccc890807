/* SPDX-License-Identifier: Apache-2.0
 * engine/flow and what is around it: received telemetry from the segments to destinations that take, refuse or are away. */
#include "../net/loopback.h"
#include "engine_fixture.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"
#include "engine/engine.h"
#include "engine/flow/flow.h"
#include "telemetry/otlp/envelope.h"

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

/* A request with `n` things in it; each of its own number and about `size` bytes. */
static void make_request(enum genops_signal signal, int first, int n, size_t size, struct genops_buffer *out)
{
	static const uint32_t text_field[] = {5, 1}; /* Span.name, Metric.name */
	size_t resource = genops_wire_begin(out, 1), scope = genops_wire_begin(out, 2);
	for (int i = first; i < first + n; i++) {
		size_t item = genops_wire_begin(out, 2);
		char id[17], text[64];
		snprintf(id, sizeof id, "%016d", i);
		snprintf(text, sizeof text, "thing-%d-", i);
		if (signal == GENOPS_SIGNAL_TRACES) {
			genops_wire_put_bytes(out, 1, (genops_str){id, 16});
			genops_wire_put_bytes(out, 2, (genops_str){id + 8, 8});
		}
		if (signal == GENOPS_SIGNAL_LOGS) {
			size_t body = genops_wire_begin(out, 5);
			genops_wire_put_text(out, 1, genops_str_of(text));
			genops_wire_end(out, body);
		} else {
			genops_wire_put_text(out, text_field[signal], genops_str_of(text));
		}
		if (signal == GENOPS_SIGNAL_METRICS) { /* a gauge with one point */
			size_t gauge = genops_wire_begin(out, 5), point = genops_wire_begin(out, 1);
			genops_wire_put_fixed64(out, 3, 1);
			genops_wire_end(out, point);
			genops_wire_end(out, gauge);
		}
		if (size) {
			char *filler = calloc(1, size);
			memset(filler, 'x', size);
			genops_wire_put_bytes(out, 1000, (genops_str){filler, size});
			free(filler);
		}
		genops_wire_end(out, item);
	}
	genops_wire_end(out, scope);
	genops_wire_end(out, resource);
}

static void make_envelope(enum genops_signal signal, int first, int n, size_t size, struct genops_buffer *entry)
{
	struct genops_buffer request;
	genops_buffer_init(&request, (size_t)1 << 20);
	genops_buffer_init(entry, (size_t)1 << 20);
	make_request(signal, first, n, size, &request);
	const struct genops_envelope envelope = {.signal = signal,
	    .received_unix_ns = genops_clock_unix_ns(),
	    .receiver = GENOPS_STR("otlp"),
	    .input = GENOPS_STR(GENOPS_INPUT_OTLP),
	    .request = genops_buffer_view(&request)};
	genops_envelope_encode(&envelope, entry);
	assert_int_equal(entry->error, 0);
	genops_buffer_done(&request);
}

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

static void read_file(const char *dir, const char *name, char *text, size_t size)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "r");
	text[0] = '\0';
	if (!file)
		return;
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
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

/* --- counts --- */

static struct genops_config *load(const char *rule)
{
	char text[2048];
	struct genops_error err = {0};
	snprintf(text, sizeof text,
	    "destinations: [{id: console, type: debug}]\n"
	    "pipelines:\n"
	    "  - id: p\n"
	    "    filters: [{name: first, expression: \"name != 'thing-3-'\"}]\n"
	    "    processors: [%s]\n"
	    "    routes: [{name: all, destination: console}]\n", rule);
	const struct genops_config_source source = {.file = "", .text = text, .state_dir = "/nonexistent"};
	struct genops_config *config = genops_config_load(&source, &err);
	if (!config)
		fail_msg("%s", err.message);
	return config;
}

static void configure(struct genops_flow *flow, const char *rule)
{
	struct genops_config *config = load(rule);
	struct genops_error err;
	assert_int_equal(genops_flow_configure(flow, config, &err), GENOPS_OK);
	genops_config_unref(config);
}

static void take(struct genops_flow *flow, size_t n_expected)
{
	const struct genops_queue_entry *given;
	struct genops_buffer entry;
	struct genops_error err;
	size_t n;
	make_envelope(GENOPS_SIGNAL_TRACES, 0, 10, 0, &entry);
	const struct genops_queue_entry taken = {GENOPS_ENTRY_SPANS, genops_buffer_view(&entry)};
	assert_int_equal(genops_flow_take(flow, &taken, &err), GENOPS_OK);
	assert_int_equal(genops_flow_give(flow, &given, &n, &err), GENOPS_OK);
	assert_int_equal(n, n_expected);
	genops_flow_forget(flow);
	genops_buffer_done(&entry);
}

static void assert_counted(const struct genops_flow *flow, const char *line)
{
	struct genops_buffer text;
	genops_buffer_init(&text, 1 << 20);
	genops_flow_expose(flow, &text);
	genops_buffer_add_char(&text, '\0');
	if (!strstr(text.ptr, line))
		fail_msg("%s is not in\n%s", line, text.ptr);
	genops_buffer_done(&text);
}

static void counts_outlive_a_reload(void **state)
{
	struct genops_error err;
	struct genops_log log = {0};
	struct genops_metrics *metrics = genops_metrics_new(100);
	struct genops_flow *flow = genops_flow_new(&log, *state, metrics, &err);
	assert_non_null(flow);
	configure(flow, "{name: cut, type: drop, filter: \"name == 'thing-4-'\"}");
	take(flow, 1);
	assert_counted(flow, "genops_pipeline_in_total{pipeline=\"p\",kind=\"filter\",name=\"first\"} 10\n");
	assert_counted(flow, "genops_pipeline_matched_total{pipeline=\"p\",kind=\"filter\",name=\"first\"} 9\n");
	assert_counted(flow, "genops_pipeline_dropped_total{pipeline=\"p\",kind=\"drop\",name=\"cut\"} 1\n");
	assert_counted(flow, "genops_pipeline_matched_total{pipeline=\"p\",kind=\"route\",name=\"all\"} 8\n");
	configure(flow, "{name: cut2, type: drop, filter: \"name == 'thing-4-'\"}, {name: cut, type: drop, filter: \"name == 'thing-5-'\"}");
	take(flow, 1);
	assert_counted(flow, "genops_pipeline_dropped_total{pipeline=\"p\",kind=\"drop\",name=\"cut\"} 2\n");
	assert_counted(flow, "genops_pipeline_dropped_total{pipeline=\"p\",kind=\"drop\",name=\"cut2\"} 1\n");
	assert_counted(flow, "genops_pipeline_matched_total{pipeline=\"p\",kind=\"route\",name=\"all\"} 15\n");
	assert_counted(flow, "genops_pipeline_dead_letters_total{pipeline=\"p\"} 0\n");
	genops_flow_free(flow);
	genops_metrics_free(metrics);
}

/* --- what cannot be processed --- */

static void make_greedy(char *rule, size_t size)
{
	size_t len = (size_t)snprintf(rule, size, "{name: greedy, type: eval, expressions: {a: \"'x'.padEnd(900000)\"");
	for (int i = 0; i < 20; i++)
		len += (size_t)snprintf(rule + len, size - len, ", f%d: \"a + %d\"", i, i);
	snprintf(rule + len, size - len, "}}");
}

/* An event that needs more memory than an event may have: told with its ids, counted, and the others go on. */
static void what_cannot_be_processed_is_told(void **state)
{
	char rule[2048], text[65536];
	struct genops_error err;
	struct genops_log log = {0};
	struct genops_metrics *metrics = genops_metrics_new(100);
	struct genops_flow *flow = genops_flow_new(&log, *state, metrics, &err);
	make_greedy(rule, sizeof rule);
	configure(flow, rule);
	take(flow, 0);
	assert_counted(flow, "genops_pipeline_dead_letters_total{pipeline=\"p\"} 9\n"); /* the filter let nine pass */
	read_file(*state, "dead-letter.jsonl", text, sizeof text);
	assert_non_null(strstr(text, "\"destination\":\"pipeline p\""));
	assert_non_null(strstr(text, "\"span_id\":\"3030303030303035\""));
	assert_null(strstr(text, "thing-")); /* what it says stays here: telemetry.content is none */
	configure(flow, "");
	take(flow, 1);
	genops_flow_free(flow);
	genops_metrics_free(metrics);
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
	    TEST(counts_outlive_a_reload),
	    TEST(what_cannot_be_processed_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
