/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_otlp.c - CPU time a span for what is done with every received one: check and hand on (genops_otlp_request_pieces), walk over
 * spans and their attributes, JSON in, JSON out, cutting. 512 spans a request, each of 16 attributes and an event, 666 bytes: what
 * fluent-bit was measured with; and how the first two grow from 10 to 1,000 attributes. Median and best of many rounds. */
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/otlp_span.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SPANS  512
#define ROUNDS 400

static const struct {
	const char *key, *text;
	int64_t integer;
	double number;
} attributes[16] = {
    {"gen_ai.operation.name", "chat", 0, 0},
    {"gen_ai.provider.name", "openai", 0, 0},
    {"gen_ai.request.model", "gpt-4o-mini", 0, 0},
    {"gen_ai.response.model", "gpt-4o-mini-2024-07-18", 0, 0},
    {"gen_ai.response.id", "chatcmpl-B9MBs8CjcvOU2jLn", 0, 0},
    {"gen_ai.usage.input_tokens", NULL, 1520, 0},
    {"gen_ai.usage.output_tokens", NULL, 850, 0},
    {"gen_ai.request.temperature", NULL, 0, 0.7},
    {"gen_ai.request.max_tokens", NULL, 1000, 0},
    {"genops.team", "ml-platform", 0, 0},
    {"genops.project", "chat-service", 0, 0},
    {"genops.customer_id", "acme", 0, 0},
    {"genops.environment", "production", 0, 0},
    {"genops.cost.total", NULL, 0, 0.0032},
    {"server.address", "api.openai.com", 0, 0},
    {"server.port", NULL, 443, 0},
};

static void put_attribute(struct genops_buffer *buf, size_t i)
{
	size_t attribute = genops_wire_begin(buf, 9);
	genops_wire_put_bytes(buf, 1, genops_str_of(attributes[i].key));
	size_t value = genops_wire_begin(buf, 2);
	if (attributes[i].text)
		genops_wire_put_bytes(buf, 1, genops_str_of(attributes[i].text));
	else if (attributes[i].integer)
		genops_wire_put_int(buf, 3, attributes[i].integer);
	else
		genops_wire_put_double(buf, 4, attributes[i].number);
	genops_wire_end_tight(buf, value);
	genops_wire_end_tight(buf, attribute);
}

static void put_span(struct genops_buffer *buf, uint64_t n, size_t n_attributes)
{
	char id[17];
	size_t span = genops_wire_begin(buf, 2);
	snprintf(id, sizeof id, "%016llx", (unsigned long long)(n * UINT64_C(0x9E3779B97F4A7C15)));
	genops_wire_put_bytes(buf, 1, (genops_str){id, 16});
	genops_wire_put_bytes(buf, 2, (genops_str){id, 8});
	genops_wire_put_bytes(buf, 4, (genops_str){id + 8, 8});
	genops_wire_put_bytes(buf, 5, GENOPS_STR("chat gpt-4o-mini"));
	genops_wire_put_uint(buf, 6, 3);
	genops_wire_put_fixed64(buf, 7, UINT64_C(1700000000000000000) + n);
	genops_wire_put_fixed64(buf, 8, UINT64_C(1700000001000000000) + n);
	for (size_t i = 0; i < n_attributes; i++)
		put_attribute(buf, i % 16);
	size_t event = genops_wire_begin(buf, 11);
	genops_wire_put_fixed64(buf, 1, UINT64_C(1700000000500000000) + n);
	genops_wire_put_bytes(buf, 2, GENOPS_STR("first token"));
	genops_wire_end_tight(buf, event);
	size_t status = genops_wire_begin(buf, 15);
	genops_wire_put_uint(buf, 3, 1);
	genops_wire_end_tight(buf, status);
	genops_wire_end_tight(buf, span);
}

static void put_request(struct genops_buffer *buf, uint64_t n_spans, size_t n_attributes)
{
	size_t resource = genops_wire_begin(buf, 1);
	genops_wire_put_bytes(buf, 1, GENOPS_STR("\x0A\x16\x0A\x0Cservice.name\x12\x06\x0A\x04shop"));
	size_t scope = genops_wire_begin(buf, 2);
	genops_wire_put_bytes(buf, 1, GENOPS_STR("\x0A\x05" "bench"));
	for (uint64_t i = 0; i < n_spans; i++)
		put_span(buf, i, n_attributes);
	genops_wire_end(buf, scope);
	genops_wire_end(buf, resource);
}

static struct genops_buffer request, large, json, scratch;
static volatile uint64_t sink; /* keeps the work from being optimised away */

static int drop(void *arg, genops_str piece, struct genops_error *err)
{
	(void)arg, (void)err;
	sink += piece.len;
	return GENOPS_OK;
}

static bool check(const struct genops_buffer *from)
{
	struct genops_otlp_count count;
	return genops_otlp_request_pieces(GENOPS_SIGNAL_TRACES, genops_buffer_view(from), &scratch, drop, NULL, &count, NULL) == GENOPS_OK;
}

static bool run_check(void)
{
	return check(&request);
}

static bool run_cut(void)
{
	return check(&large);
}

static bool walk(bool with_attributes)
{
	struct genops_otlp_reader reader;
	genops_str item;
	int code;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&request));
	while ((code = genops_otlp_reader_next(&reader, &item)) > 0) {
		struct genops_otlp_span span;
		struct genops_otlp_attributes list;
		struct genops_otlp_attribute attribute;
		if (genops_otlp_span_read(item, &span) != GENOPS_OK)
			return false;
		sink += span.start_unix_ns;
		genops_otlp_attributes_init(&list, item, GENOPS_OTLP_SPAN_ATTRIBUTES);
		while (with_attributes && genops_otlp_attributes_next(&list, &attribute) > 0)
			sink += attribute.key.len + (uint64_t)attribute.value.integer;
	}
	return code == 0;
}

static bool run_spans(void)
{
	return walk(false);
}

static bool run_attributes(void)
{
	return walk(true);
}

static bool run_json_read(void)
{
	genops_buffer_clear(&scratch);
	return genops_otlp_json_read(GENOPS_SIGNAL_TRACES, genops_buffer_view(&json), &scratch, NULL) == GENOPS_OK;
}

static bool run_json_write(void)
{
	genops_buffer_clear(&scratch);
	return genops_otlp_json_write(GENOPS_SIGNAL_TRACES, genops_buffer_view(&request), &scratch, NULL) == GENOPS_OK;
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const char *what, bool (*run)(void), size_t n_spans, int rounds)
{
	static double times[ROUNDS];
	bool is_right = true;
	for (int i = 0; i < rounds; i++) {
		double start = cpu_ns();
		is_right = run() && is_right;
		times[i] = (cpu_ns() - start) / (double)n_spans;
	}
	qsort(times, (size_t)rounds, sizeof *times, compare);
	printf("otlp: %-28s %8.0f ns a span (best %.0f)%s\n", what, times[rounds / 2], times[0], is_right ? "" : " ERROR");
}

int main(void)
{
	genops_buffer_init(&request, 1 << 20);
	genops_buffer_init(&large, 32 << 20);
	genops_buffer_init(&json, 16 << 20);
	genops_buffer_init(&scratch, 16 << 20);
	put_request(&request, SPANS, 16);
	for (int i = 0; i < 16; i++)
		genops_buffer_add(&large, genops_buffer_view(&request));
	if (genops_otlp_json_write(GENOPS_SIGNAL_TRACES, genops_buffer_view(&request), &json, NULL) != GENOPS_OK)
		return 1;
	printf("otlp: %zu bytes a span, %zu in JSON\n", request.len / SPANS, json.len / SPANS);
	measure("check", run_check, SPANS, ROUNDS);
	measure("check and cut (16 times)", run_cut, 16 * SPANS, ROUNDS / 8);
	measure("spans", run_spans, SPANS, ROUNDS);
	measure("spans and attributes", run_attributes, SPANS, ROUNDS);
	measure("JSON in", run_json_read, SPANS, ROUNDS / 4);
	measure("JSON out", run_json_write, SPANS, ROUNDS / 4);
	for (size_t n = 10; n <= 1000; n *= 10) {
		char what[64];
		genops_buffer_clear(&request);
		put_request(&request, 4096 / n, n);
		snprintf(what, sizeof what, "check, %zu attributes", n);
		measure(what, run_check, 4096 / n, ROUNDS);
		snprintf(what, sizeof what, "all of %zu attributes", n);
		measure(what, run_attributes, 4096 / n, ROUNDS);
	}
	genops_buffer_done(&request);
	genops_buffer_done(&large);
	genops_buffer_done(&json);
	genops_buffer_done(&scratch);
	return 0;
}
