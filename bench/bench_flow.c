/* SPDX-License-Identifier: Apache-2.0
 * bench_flow.c - CPU time a span of received telemetry, without sockets and disks: OTLP checked and cut, an envelope made and read, the flow, and
 * the requests that destinations get. Passed through by service.pipelines, and through the guide's four pipelines, whose routes lead to
 * OTLP. Median of many rounds, and spans a CPU-second of it. guide_spans.h says which spans these are.
 *   build-release/bench/bench_flow [THE GUIDE'S DOCUMENTS, tests/guide]
 */
#include "guide_spans.h"

#include "base/clock.h"
#include "engine/flow/flow.h"
#include "engine/flow/routed.h"
#include "telemetry/otlp/envelope.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define SPANS  512
#define ROUNDS 101
#define ITEMS  4096

static struct {
	struct genops_buffer request, envelope, scratch;
	struct genops_arena arena;
	struct genops_config *config;
	struct genops_flow *flow;
	int64_t n_out;
	size_t bytes_out;
} bench;

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what, const struct genops_error *err)
{
	fprintf(stderr, "%s: %s:%d:%d: %s; %s\n", what, err->file, err->line, err->column, err->message, err->fix);
	exit(1);
}

static const struct genops_config_exporter *destination_named(genops_str name)
{
	const struct genops_config_exporter *found = genops_config_destination_find(bench.config, name);
	for (size_t i = 0; !found && i < bench.config->telemetry.n_exporters; i++) {
		if (genops_str_equal(bench.config->telemetry.exporters[i].name, name))
			found = &bench.config->telemetry.exporters[i];
	}
	return found;
}

/* What a pump does with an entry before it sends. */
static void encode(const struct genops_queue_entry *entry, genops_str name)
{
	static struct genops_destination_item items[ITEMS];
	const struct genops_config_exporter *destination = destination_named(name);
	struct genops_destination_settings settings = {.name = name, .endpoint = GENOPS_STR("http://127.0.0.1:9"), .compression = GENOPS_STR("none")};
	struct genops_destination_batch batch = {.items = items};
	struct genops_routed_reader reader;
	struct genops_request request = {0};
	struct genops_error err = {0};
	if (!destination)
		return;
	genops_routed_reader_init(&reader, entry->payload);
	while (batch.n_items < ITEMS && genops_routed_reader_next(&reader, &items[batch.n_items]) > 0)
		bench.n_out += items[batch.n_items++].n;
	const struct genops_destination_type *type = genops_destination_type_find(destination->type);
	genops_arena_reset(&bench.arena);
	if (!type || type->encode(&settings, &batch, &bench.arena, &request, &err) != GENOPS_OK)
		die("encode", &err);
	bench.bytes_out += request.body.len;
	genops_buffer_done(&request.body);
}

static int take_piece(void *arg, genops_str piece, struct genops_error *err)
{
	const struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_TRACES,
	    .is_observed = true,
	    .received_unix_ns = INT64_C(1700000000000000000),
	    .receiver = GENOPS_STR("otlp"),
	    .input = GENOPS_STR(GENOPS_INPUT_OTLP),
	    .request = piece};
	genops_buffer_clear(&bench.envelope);
	genops_envelope_encode(&envelope, &bench.envelope);
	const struct genops_queue_entry entry = {GENOPS_ENTRY_SPANS, genops_buffer_view(&bench.envelope)};
	return genops_flow_take(bench.flow, &entry, err);
}

static void round_of(const genops_str *names, size_t n_names)
{
	struct genops_otlp_count count;
	struct genops_error err = {0};
	const struct genops_queue_entry *entries;
	size_t n;
	if (genops_otlp_request_pieces(GENOPS_SIGNAL_TRACES, genops_buffer_view(&bench.request), &bench.scratch, take_piece, NULL, &count, &err) !=
		GENOPS_OK ||
	    genops_flow_tick(bench.flow, INT64_MAX - 1, &err) != GENOPS_OK || genops_flow_give(bench.flow, &entries, &n, &err) != GENOPS_OK)
		die("flow", &err);
	for (size_t i = 0; i < n; i++) {
		for (size_t d = 0; d < n_names; d++) {
			bool is_for = false;
			if (genops_routed_is_for(entries[i].payload, names[d], &is_for, &err) == GENOPS_OK && is_for)
				encode(&entries[i], names[d]);
		}
	}
	genops_flow_forget(bench.flow);
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

static void measure(const char *what, const char *config_text, const genops_str *names, size_t n_names)
{
	double rounds[ROUNDS];
	struct genops_error err = {0};
	struct genops_log log = {0};
	const struct genops_config_source source = {.text = config_text, .state_dir = "/tmp", .without_prices = true};
	struct genops_metrics *metrics = genops_metrics_new(100);
	bench.config = genops_config_load(&source, &err);
	if (!bench.config)
		die(what, &err);
	bench.flow = genops_flow_new(&log, "/tmp", metrics, &err);
	if (!bench.flow || genops_flow_configure(bench.flow, bench.config, &err) != GENOPS_OK)
		die(what, &err);
	round_of(names, n_names);
	bench.n_out = 0;
	bench.bytes_out = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns();
		round_of(names, n_names);
		rounds[i] = (now_ns() - start) / SPANS;
	}
	qsort(rounds, ROUNDS, sizeof *rounds, by_value);
	double median = rounds[ROUNDS / 2];
	printf("%6.0f ns a span  %9.0f spans/CPU-s  %5.2f out a span, %5.0f B each  %s\n", median, 1e9 / median, (double)bench.n_out / ROUNDS / SPANS,
	    bench.n_out ? (double)bench.bytes_out / (double)bench.n_out : 0, what);
	genops_flow_free(bench.flow);
	genops_config_unref(bench.config);
	genops_metrics_free(metrics);
}

int main(int argc, char **argv)
{
	static const char *const ids[] = {"datadog_metrics_dest", "prometheus_remote_write", "s3_cost_bucket", "cribl_lake", "splunk_hec", "elasticsearch_security",
	    "s3_compliance_bucket", "webhook_alerts", "pagerduty_events", "slack_webhook", "s3_compliance_glacier", "s3_compliance_standard", "snowflake_audit_db"};
	enum { N = sizeof ids / sizeof *ids };
	static const char plain[] = "receivers: {otlp: {protocols: {http: {}}}}\nexporters: {otlphttp/far: {endpoint: 'http://127.0.0.1:9'}}\n"
				    "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlphttp/far]}}}\n";
	const char *directory = argc > 1 ? argv[1] : "tests/guide";
	genops_str names[N], far = GENOPS_STR("otlphttp/far");
	struct genops_buffer config;
	struct rusage usage;
	genops_buffer_init(&bench.request, 1 << 24);
	genops_buffer_init(&bench.envelope, 1 << 24);
	genops_buffer_init(&bench.scratch, 1 << 24);
	genops_arena_init(&bench.arena, 1 << 24);
	genops_buffer_init(&config, 1 << 16);
	guide_spans(&bench.request, SPANS, 16);
	genops_buffer_printf(&config, "lookups: [{id: customer_budgets, type: csv, file: %s/lookups/customer_budgets.csv, key_field: customer_id}]\n", directory);
	genops_buffer_printf(&config, "pipelines: [%s/pipelines/*.yaml]\ndestinations:\n", directory);
	for (size_t i = 0; i < N; i++) {
		names[i] = genops_str_of(ids[i]);
		genops_buffer_printf(&config, "  - {id: %s, type: otlphttp, endpoint: 'http://127.0.0.1:9'}\n", ids[i]);
	}
	genops_buffer_add_char(&config, '\0');
	measure("passed through", plain, &far, 1);
	measure("the guide's four pipelines", config.ptr, names, N);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		printf("%6ld KiB at most\n", usage.ru_maxrss);
	genops_buffer_done(&config);
	genops_buffer_done(&bench.request);
	genops_buffer_done(&bench.envelope);
	genops_buffer_done(&bench.scratch);
	genops_arena_done(&bench.arena);
	return 0;
}
