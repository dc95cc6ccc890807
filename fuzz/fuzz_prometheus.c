/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_prometheus.c - export/prometheus over any bytes: taken for an OTLP metrics request, a store says the same after it was written and
 * read again, and its exposition holds when it is joined with itself and dressed; taken for what was kept over a restart, or for a
 * metrics.prom, it is read or left out, and never twice. */
#include <stdlib.h>

#include "base/str.h"
#include "export/prometheus/metric_store.h"
#include "export/prometheus/write_memory.h"
#include "export/prometheus/write_request.h"
#include "telemetry/metrics/exposition_text.h"
#include "telemetry/metrics/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

struct taking {
	struct genops_metric_store *store;
	struct genops_write_request *request;
};

static int take(void *arg, const struct genops_metric_point *point)
{
	const struct taking *taking = arg;
	genops_write_request_put(taking->request, point->family, point->kind, point->labels, point->n_labels, &point->value, 1);
	return genops_metric_store_take(taking->store, point, 1);
}

static void check_store(const struct genops_metric_store *store)
{
	struct genops_metric_store again;
	struct genops_buffer first, second, joined;
	genops_buffer_init(&first, 1 << 26);
	genops_buffer_init(&second, 1 << 26);
	genops_buffer_init(&joined, 1 << 26);
	genops_metric_store_write(store, &first);
	check(genops_metric_store_init(&again, 1000, (size_t)1 << 20));
	if (!first.error && genops_metric_store_read(&again, genops_buffer_view(&first)) == GENOPS_OK) {
		genops_metric_store_write(&again, &second);
		check(again.n == store->n);
	}
	genops_buffer_clear(&first);
	genops_metric_store_expose(store, 0, true, &first);
	check(genops_exposition_join(genops_buffer_view(&first), genops_buffer_view(&first), &joined) == GENOPS_OK);
	check(first.error || joined.error || joined.len == first.len);
	const struct genops_exposition_dress dress = {.namespace_text = GENOPS_STR("x"), .is_open_metrics = true};
	genops_exposition_dress(genops_buffer_view(&joined), &dress, &second);
	genops_metric_store_done(&again);
	genops_buffer_done(&first);
	genops_buffer_done(&second);
	genops_buffer_done(&joined);
}

static void read_points(genops_str input)
{
	const struct genops_metric_rules rules = {true, true, true};
	struct genops_metric_refusal refusal = {0};
	struct genops_metric_store store;
	struct genops_write_request request;
	struct genops_arena arena;
	struct genops_buffer out;
	int64_t n_late;
	genops_arena_init(&arena, 1 << 24);
	genops_buffer_init(&out, 1 << 24);
	genops_write_request_init(&request, &arena);
	check(genops_metric_store_init(&store, 100, (size_t)1 << 20));
	const struct taking taking = {&store, &request};
	int code = genops_metric_points_each(input, &rules, &arena, take, (void *)(uintptr_t)&taking, &refusal);
	check(code == GENOPS_OK || code == GENOPS_CORRUPT || code == GENOPS_LIMIT || code == GENOPS_NOMEM);
	check(store.n <= store.max);
	genops_write_request_write(&request, NULL, NULL, &out, &n_late);
	check_store(&store);
	genops_metric_store_done(&store);
	genops_buffer_done(&out);
	genops_arena_done(&arena);
}

static void read_memory(genops_str input)
{
	struct genops_write_memory memory;
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 26);
	check(genops_write_memory_init(&memory, 100));
	if (genops_write_memory_read(&memory, input) == GENOPS_OK)
		genops_write_memory_write(&memory, &out);
	check_store(&memory.events);
	genops_write_memory_done(&memory);
	genops_buffer_done(&out);
}

static void read_kept(genops_str input)
{
	struct genops_metric_store store;
	struct genops_metrics *metrics = genops_metrics_new(100);
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 26);
	check(metrics && genops_metric_store_init(&store, 100, (size_t)1 << 20));
	check(genops_metric_store_read(&store, input) == GENOPS_OK);
	check_store(&store);
	genops_metric_store_done(&store);
	genops_metrics_restore(metrics, input);
	genops_metrics_expose(metrics, &out);
	(void)genops_exposition_wants_open_metrics(input);
	genops_metrics_free(metrics);
	genops_buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const genops_str input = {(const char *)data, size};
	read_points(input);
	read_kept(input);
	if (genops_str_starts(input, GENOPS_STR("genops-remote"))) /* it has large tables */
		read_memory(input);
	return 0;
}
