/* SPDX-License-Identifier: Apache-2.0
 * Remote write 1.0 (CRB-104, C-24): a request byte for byte; events as totals that are counted once, over restarts; what an answer means. */
#include "document_fixture.h"

#include "base/clock.h"
#include "codec/wire.h"
#include "export/prometheus/write_memory.h"
#include "export/prometheus/write_request.h"

#include <math.h>
#include <stdio.h>

#define URL "url: http://p/api/v1/write\n"
#define ONE "metrics: {labels: {team: '${team}'}, mappings: [{name: cost, type: counter, value: '${cost}', help: C}]}\n"

static void open_memory(struct document *d, const char *kept)
{
	d->settings.memory = d->type->memory->open(&d->settings, genops_str_of(kept));
	assert_non_null(d->settings.memory);
}

static void start(struct document *d, const char *text)
{
	char all[4096];
	snprintf(all, sizeof all, URL "%s", text);
	document_open(d, "prometheus_remote_write", all);
	open_memory(d, "");
}

static char *kept(const struct document *d)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 24);
	d->type->memory->keep(d->settings.memory, &out);
	char *text = genops_buffer_take(&out, NULL);
	assert_non_null(text);
	return text;
}

static void stop(struct document *d)
{
	d->type->memory->close(d->settings.memory);
	document_done(d);
}

/* The WriteRequest; "" : nothing goes out. */
static genops_str push(struct document *d)
{
	size_t n = d->n_items;
	d->n_items = 0;
	assert_int_equal(document_encode(d), GENOPS_OK);
	d->n_items = n;
	if (d->request.transport == GENOPS_TRANSPORT_NONE)
		return (genops_str){0};
	assert_int_equal(genops_compress_decode(GENOPS_COMPRESS_SNAPPY, genops_buffer_view(&d->request.body), &d->body, &d->err), GENOPS_OK);
	return genops_buffer_view(&d->body);
}

static struct genops_send_verdict judge(struct document *d, int status, const char *body)
{
	struct genops_send_verdict verdict = {0};
	const struct genops_response response = {.status = status, .grpc_status = -1, .body = genops_str_of(body)};
	d->type->judge(&d->settings, &response, &verdict);
	return verdict;
}

static void absorb(struct document *d)
{
	assert_int_equal(document_encode(d), GENOPS_OK);
	assert_int_equal(d->request.transport, GENOPS_TRANSPORT_NONE);
	assert_int_equal(judge(d, 200, "").kind, GENOPS_SENT);
}

/* The values of a series' samples whose labels have this text. */
static size_t samples(genops_str request, const char *label, double *values, int64_t *times)
{
	struct genops_wire_reader in, series, sample;
	struct genops_wire_field field;
	size_t n = 0;
	genops_wire_reader_init(&in, request, 8);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number != 1 || genops_str_find(field.bytes, genops_str_of(label)) == SIZE_MAX)
			continue;
		assert_int_equal(genops_wire_enter(&in, &field, &series), GENOPS_OK);
		while (genops_wire_next(&series, &field) > 0) {
			if (field.number != 2)
				continue;
			assert_int_equal(genops_wire_enter(&series, &field, &sample), GENOPS_OK);
			while (genops_wire_next(&sample, &field) > 0) {
				if (field.number == 1)
					values[n] = genops_wire_double(field.value);
				else
					times[n] = (int64_t)field.value;
			}
			n++;
		}
	}
	return n;
}

static void a_request_byte_for_byte(void **state)
{
	static const char golden[] = "\x0a\x4c"			       /* timeseries */
				     "\x0a\x09\x0a\x04Zone\x12\x01z"   /* capitals stand before __name__ */
				     "\x0a\x12\x0a\x08__name__\x12\x06p_cost"
				     "\x0a\x09\x0a\x04team\x12\x01t"
				     "\x12\x10\x09\x00\x00\x00\x00\x00\x00\x00\x00\x10\xe8\x07"
				     "\x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xe9\x07";
	struct genops_arena arena;
	struct genops_write_request request;
	struct genops_buffer out;
	struct genops_text_pair external = {GENOPS_STR("Zone"), GENOPS_STR("z")};
	const struct genops_text_map map = {1, &external};
	const struct genops_metric_label labels[] = {{GENOPS_STR("team"), GENOPS_STR("t")}, {GENOPS_STR("empty"), GENOPS_STR("")}};
	struct genops_metric_value zero = {0}, more = {.number = 1.5}, other = {.number = 9};
	int64_t n_late;
	genops_arena_init(&arena, 1 << 20);
	genops_buffer_init(&out, 1 << 20);
	genops_write_request_init(&request, &arena);
	request.external = &map;
	request.prefix = GENOPS_STR("p_");
	/* Any order comes out rising; of two at one time the later one counts. */
	genops_write_request_put(&request, GENOPS_STR("cost"), GENOPS_METRIC_COUNTER, labels, 2, &other, 1001);
	genops_write_request_put(&request, GENOPS_STR("cost"), GENOPS_METRIC_COUNTER, labels, 2, &more, 1001);
	genops_write_request_put(&request, GENOPS_STR("cost"), GENOPS_METRIC_COUNTER, labels, 2, &zero, 1000);
	genops_write_request_describe(&request, GENOPS_STR("cost"), GENOPS_METRIC_COUNTER, GENOPS_STR("C"));
	genops_write_request_describe(&request, GENOPS_STR("cost"), GENOPS_METRIC_COUNTER, GENOPS_STR("again"));
	genops_write_request_write(&request, NULL, NULL, &out, &n_late);
	assert_false(request.is_full);
	assert_int_equal(n_late, 0);
	double values[8];
	int64_t times[8];
	genops_str text = genops_buffer_view(&out);
	assert_int_equal(samples(text, "p_cost", values, times), 2);
	assert_true(values[0] == 0 && values[1] == 1.5 && times[0] == 1000 && times[1] == 1001);
	/* Labels and metadata, to the byte. */
	assert_memory_equal(out.ptr + 2, golden + 2, 2 + 9 + 2 + 18 + 2 + 9);
	assert_true(genops_str_ends(text, (genops_str){"\x1a\x0d\x08\x01\x12\x06p_cost\x22\x01" "C", 15}));
	genops_buffer_done(&out);
	genops_arena_done(&arena);
}

static void events_are_totals(void **state)
{
	struct document d;
	double values[8];
	int64_t times[8];
	start(&d, ONE "external_labels: {cluster: c}\n");
	assert_int_equal(d.type->memory->due(d.settings.memory), INT64_MAX); /* nothing to say */
	document_event(&d, "{\"cost\": 0.1, \"team\": \"a\"}");
	document_event(&d, "{\"cost\": \"0.2\", \"team\": \"a\"}");
	document_event(&d, "{\"cost\": 5, \"team\": \"b\", \"sampled\": 10}");
	document_event(&d, "{\"cost\": -1, \"team\": \"a\"}"); /* a counter does not fall */
	document_event(&d, "{\"team\": \"a\"}");
	absorb(&d);
	absorb(&d); /* the same events again are no more */
	assert_true(d.type->memory->due(d.settings.memory) <= DOCUMENT_NOW_NS);
	genops_str body = push(&d);
	assert_string_equal(document_header(&d, "content-encoding"), "snappy");
	assert_string_equal(document_header(&d, "content-type"), "application/x-protobuf");
	assert_string_equal(document_header(&d, "x-prometheus-remote-write-version"), "0.1.0");
	assert_int_equal(samples(body, "\x0a\x04team\x12\x01" "a", values, times), 2);
	assert_true(values[0] == 0 && values[1] == 0.3 && times[1] == DOCUMENT_NOW_NS / 1000000 && times[0] == times[1] - 1); /* exact */
	assert_int_equal(samples(body, "\x0a\x04team\x12\x01" "b", values, times), 2);
	assert_true(values[1] == 50);
	assert_true(genops_str_find(body, GENOPS_STR("\x0a\x07" "cluster\x12\x01" "c")) != SIZE_MAX);
	assert_true(genops_str_find(body, GENOPS_STR("\x0a\x03job\x12\x06genops")) != SIZE_MAX);
	assert_true(genops_str_find(body, GENOPS_STR("\x0a\x08instance\x12\x04here")) != SIZE_MAX);
	/* Not taken: it is said again, later than before. */
	assert_int_equal(judge(&d, 503, "").kind, GENOPS_RETRY);
	assert_int_equal(samples(push(&d), "\x0a\x04team\x12\x01" "a", values, times), 2);
	assert_int_equal(judge(&d, 204, "").kind, GENOPS_SENT);
	/* Nothing has changed: it is said again all the same, without the zero; and always later. */
	int64_t before = times[1];
	assert_int_equal(samples(push(&d), "\x0a\x04team\x12\x01" "a", values, times), 1);
	assert_true(times[0] > before && values[0] == 0.3);
	stop(&d);
}

static void restarts(void **state)
{
	struct document d, again;
	double values[8];
	int64_t times[8], before;
	start(&d, ONE);
	document_event(&d, "{\"cost\": 0.1, \"team\": \"a\\\"b\"}");
	absorb(&d);
	assert_int_equal(samples(push(&d), "a\"b", values, times), 2);
	before = times[1];
	assert_int_equal(judge(&d, 200, "").kind, GENOPS_SENT);
	char *text = kept(&d);
	document_open(&again, "prometheus_remote_write", URL ONE);
	open_memory(&again, text);
	document_event(&again, "{\"cost\": 0.1, \"team\": \"a\\\"b\"}"); /* of the batch that was not acknowledged */
	absorb(&again);
	again.n_items = 0;
	again.items[0].id = 77;
	document_event(&again, "{\"cost\": 0.25, \"team\": \"a\\\"b\"}");
	again.items[0].id = 77;
	absorb(&again);
	assert_int_equal(samples(push(&again), "a\"b", values, times), 1);
	assert_true(values[0] == 0.35 && times[0] > before);
	char *twice = kept(&again);
	assert_string_not_equal(text, twice);
	/* Damage is a beginning. */
	for (size_t cut = 0; cut < strlen(text); cut += 7) {
		char *part = strdup(text);
		part[cut] = '\0';
		again.type->memory->close(again.settings.memory);
		open_memory(&again, part);
		free(part);
	}
	free(text);
	free(twice);
	stop(&again);
	stop(&d);
}

/* A clock that was in the year 2096 for a while does not leave every later push there. */
static void a_clock_that_was_wrong(void **state)
{
	struct document d;
	double values[8];
	int64_t times[8];
	document_open(&d, "prometheus_remote_write", URL ONE);
	open_memory(&d, "genops-remote-write 1\nP 4000000000000\nevents\ndeltas\n");
	document_event(&d, "{\"cost\": 1, \"team\": \"a\"}");
	absorb(&d);
	assert_int_equal(samples(push(&d), "\x0a\x04team\x12\x01" "a", values, times), 2);
	assert_int_equal(times[1], DOCUMENT_NOW_NS / 1000000);
	stop(&d);
}

/* Damage, or another version's: no quantile is looked for where there is none. */
static void what_is_kept_is_no_event_of_ours(void **state)
{
	struct document d;
	double values[8];
	int64_t times[8];
	document_open(&d, "prometheus_remote_write", URL ONE);
	open_memory(&d, "genops-remote-write 1\nevents\nF 3 sum s\nS 0 1 1 0 2 3 1 0.5:7 | a=\"b\"\nF 0 gauge g\nS 0 1 1 5 0 - 0 | a=\"c\"\ndeltas\n");
	genops_str request = push(&d);
	assert_int_equal(samples(request, "quantile", values, times), 1);
	assert_true(values[0] == 7);
	stop(&d);
}

/* Longer than a label may be is cut, however long: the event counts, once. */
static void a_long_label(void **state)
{
	struct document d;
	double values[8];
	int64_t times[8];
	static char event[200100];
	start(&d, ONE);
	size_t n = (size_t)snprintf(event, sizeof event, "{\"cost\": 2, \"team\": \"");
	memset(event + n, 'x', 200000);
	snprintf(event + n + 200000, sizeof event - n - 200000, "\"}");
	document_event(&d, event);
	absorb(&d);
	assert_int_equal(samples(push(&d), "team", values, times), 2);
	assert_true(values[1] == 2);
	stop(&d);
}

/* What is too much for one request goes in several: all series, each once. */
static size_t push_all(struct document *d)
{
	size_t n_series = 0;
	for (int i = 0; i < 20; i++) {
		d->n_items = 0;
		int code = document_encode(d);
		if (code == GENOPS_LIMIT)
			continue; /* the next one is smaller */
		assert_int_equal(code, GENOPS_OK);
		assert_int_equal(genops_compress_decode(GENOPS_COMPRESS_SNAPPY, genops_buffer_view(&d->request.body), &d->body, &d->err), GENOPS_OK);
		struct genops_wire_reader in;
		struct genops_wire_field field;
		genops_wire_reader_init(&in, genops_buffer_view(&d->body), 8);
		while (genops_wire_next(&in, &field) > 0)
			n_series += field.number == 1;
		assert_int_equal(judge(d, 204, "").kind, GENOPS_SENT);
		if (d->type->memory->due(d->settings.memory) > genops_clock_unix_ns())
			return n_series;
	}
	fail_msg("not all is pushed: %zu", n_series);
	return 0;
}

/* Whoever sends long names and many of them gets no further series; what there is can always be kept, and pushed. */
static void series_that_do_not_fit(void **state)
{
	struct document d;
	struct genops_buffer text, out;
	char long_text[1001], event[1200];
	genops_buffer_init(&text, 1 << 16);
	genops_buffer_printf(&text, URL "max_series: 200000\nmetrics:\n  mappings: [{name: cost, type: counter, value: '${cost}'}]\n  labels:\n    id: '${id}'\n");
	for (int i = 0; i < 30; i++)
		genops_buffer_printf(&text, "    l%d: '${x}'\n", i);
	genops_buffer_add_char(&text, '\0');
	document_open(&d, "prometheus_remote_write", text.ptr);
	open_memory(&d, "");
	memset(long_text, 'x', 1000);
	long_text[1000] = '\0';
	for (int i = 0; i < 2500; i++) {
		snprintf(event, sizeof event, "{\"cost\": 1, \"id\": \"%d\", \"x\": \"%s\"}", i, long_text);
		d.n_items = 0;
		document_event(&d, event);
		d.items[0].id = (uint64_t)i + 1;
		assert_int_equal(document_encode(&d), GENOPS_OK);
	}
	assert_int_equal(judge(&d, 200, "").kind, GENOPS_SENT_PARTLY);
	genops_buffer_init(&out, GENOPS_DESTINATION_MEMORY_MAX);
	d.type->memory->keep(d.settings.memory, &out);
	assert_int_equal(out.error, GENOPS_OK);
	size_t n_kept = 0;
	for (size_t i = 0; i + 1 < out.len; i++)
		n_kept += out.ptr[i] == '\n' && out.ptr[i + 1] == 'S';
	assert_true(n_kept > 500);
	assert_int_equal(push_all(&d), n_kept);
	genops_buffer_done(&out);
	genops_buffer_done(&text);
	stop(&d);
}

/* One NaN, or a negative one, in a sum of deltas would be in it for ever. */
static void deltas_that_are_none(void **state)
{
	static const double bad[] = {NAN, INFINITY, -1};
	struct genops_metric_store store;
	struct genops_metric_point point = {
	    .family = GENOPS_STR("c"), .kind = GENOPS_METRIC_COUNTER, .is_delta = true, .time_unix_ns = 1, .value = {.number = 3}};
	assert_true(genops_metric_store_init(&store, 10, 100000));
	assert_int_equal(genops_metric_store_take(&store, &point, 1), GENOPS_OK);
	for (size_t i = 0; i < 3; i++) {
		point.time_unix_ns++;
		point.value.number = bad[i];
		assert_int_equal(genops_metric_store_take(&store, &point, 1), GENOPS_OK);
		assert_null(store.latest);
	}
	assert_int_equal(store.n_refused, 3);
	point.time_unix_ns++;
	point.value.number = 4;
	assert_int_equal(genops_metric_store_take(&store, &point, 1), GENOPS_OK);
	assert_true(store.latest->value.number == 7);
	genops_metric_store_expire(&store, 2);
	assert_int_equal(store.n_bytes, 0);
	genops_metric_store_done(&store);
}

static double sum_at(struct genops_metric_store *store, uint64_t time_unix_ns)
{
	const struct genops_metric_point point = {.family = GENOPS_STR("c"), .kind = GENOPS_METRIC_COUNTER, .is_delta = true,
	    .time_unix_ns = time_unix_ns, .value = {.number = 1}};
	assert_int_equal(genops_metric_store_take(store, &point, 1), GENOPS_OK);
	assert_non_null(store->latest);
	return store->latest->value.number;
}

/* Two that came in by two workers are read in either order; a batch that comes again counts once all the same. */
static void deltas_that_overtake_each_other(void **state)
{
	static const uint64_t times[] = {20, 10, 30, 15, 40, 50, 60, 70, 80, 90, 100};
	struct genops_metric_store store, again;
	struct genops_buffer text;
	assert_true(genops_metric_store_init(&store, 10, 100000));
	assert_true(genops_metric_store_init(&again, 10, 100000));
	for (int turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < 11; i++)
			assert_true(sum_at(&store, times[i]) == (turn ? 11.0 : (double)(i + 1)));
	}
	assert_true(sum_at(&store, 12) == 11); /* so late that nobody knows whether it was taken */
	assert_true(sum_at(&store, 95) == 12);
	assert_int_equal(store.latest->time_unix_ns, 100);
	genops_buffer_init(&text, 1 << 16);
	genops_metric_store_write(&store, &text);
	assert_int_equal(genops_metric_store_read(&again, genops_buffer_view(&text)), GENOPS_OK);
	assert_true(sum_at(&again, 95) == 12 && sum_at(&again, 100) == 12 && sum_at(&again, 101) == 13);
	genops_buffer_done(&text);
	genops_metric_store_done(&store);
	genops_metric_store_done(&again);
}

static void answers(void **state)
{
	struct document d;
	start(&d, ONE);
	document_event(&d, "{\"cost\": 1, \"team\": \"a\"}");
	absorb(&d);
	(void)push(&d);
	struct genops_send_verdict verdict = judge(&d, 400, "out of order sample");
	assert_int_equal(verdict.kind, GENOPS_SENT_PARTLY); /* the next push has it: totals lose nothing */
	assert_non_null(strstr(verdict.reason, "out of order"));
	(void)push(&d);
	verdict = judge(&d, 401, "");
	assert_int_equal(verdict.kind, GENOPS_RETRY);
	assert_true(verdict.retry_after_ns >= INT64_C(60000000000));
	(void)push(&d);
	assert_int_equal(judge(&d, 413, "").kind, GENOPS_RETRY); /* with fewer at a time */
	(void)push(&d);
	assert_int_equal(judge(&d, 429, "").kind, GENOPS_RETRY);
	(void)push(&d);
	assert_int_equal(judge(&d, 204, "").kind, GENOPS_SENT);
	stop(&d);
}

static void a_memory_bounds_itself(void **state)
{
	struct genops_write_memory memory;
	assert_true(genops_write_memory_init(&memory, 10));
	for (uint64_t id = 1; id <= 100000; id++) {
		genops_write_memory_learn(&memory, id);
		genops_write_memory_learn(&memory, id);
		assert_true(genops_write_memory_knows(&memory, id));
		assert_true(id <= GENOPS_WRITE_IDS || genops_write_memory_knows(&memory, id - GENOPS_WRITE_IDS + 1));
	}
	assert_false(genops_write_memory_knows(&memory, 1));
	assert_false(genops_write_memory_knows(&memory, 0));
	for (uint64_t series = 1; series <= 200000; series++)
		genops_write_memory_sent(&memory, series * UINT64_C(0x123456789abcdef), (int64_t)series);
	assert_int_equal(genops_write_memory_time(&memory, 200000 * UINT64_C(0x123456789abcdef)), 200000);
	assert_true(genops_write_memory_time(&memory, UINT64_C(0x123456789abcdef)) == INT64_MIN);
	genops_write_memory_done(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_byte_for_byte),
	    cmocka_unit_test(events_are_totals),
	    cmocka_unit_test(restarts),
	    cmocka_unit_test(a_clock_that_was_wrong),
	    cmocka_unit_test(what_is_kept_is_no_event_of_ours),
	    cmocka_unit_test(a_long_label),
	    cmocka_unit_test(series_that_do_not_fit),
	    cmocka_unit_test(deltas_that_are_none),
	    cmocka_unit_test(deltas_that_overtake_each_other),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(a_memory_bounds_itself),
	};
	return cmocka_run_group_tests_name("remote_write", tests, NULL, NULL);
}
