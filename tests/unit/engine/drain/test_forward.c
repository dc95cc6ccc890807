/* SPDX-License-Identifier: Apache-2.0
 * test_forward.c - engine/drain/forward.c: how many events are in pipelines at once, where max_concurrent_events says it; the same comes out
 * whatever it says. Proves CRB-430. */
/* The C API has a struct of this name, too; no product file sees both. */
#define genops_forward genops_exchange_forward
#include "flow_fixture.h"
#undef genops_forward

#include "engine/drain/forward.h"
#include "engine/flow/routed.h"
#include "store/state_dir.h"

#define EACH 50 /* spans of an entry */

struct run {
	int64_t most;      /* events at once */
	size_t n_blocks;
	int64_t n_items;   /* that came out */
};

static void fill(struct genops_batch *batch, size_t n)
{
	genops_batch_init(batch);
	for (size_t i = 0; i < n; i++) {
		struct genops_buffer entry;
		make_envelope(GENOPS_SIGNAL_METRICS, (int)(i * EACH), EACH, 0, &entry);
		batch->entries[i].kind = GENOPS_ENTRY_SPANS;
		batch->entries[i].offset = batch->bytes.len;
		batch->entries[i].len = entry.len;
		batch->entries[i].after = (struct genops_segment_position){.process = 1, .epoch = 1, .sequence = i + 1};
		genops_buffer_add(&batch->bytes, genops_buffer_view(&entry));
		genops_buffer_done(&entry);
	}
	assert_int_equal(batch->bytes.error, 0);
	batch->n = n;
}

static void read_all(struct genops_queue_cursor *cursor, struct run *run)
{
	const struct genops_queue_entry *entries;
	struct genops_error err = {0};
	size_t n;
	while (genops_queue_read(cursor, &entries, &n, &err) == GENOPS_OK && n) {
		for (size_t i = 0; i < n; i++) {
			struct genops_destination_item item;
			struct genops_routed_reader reader;
			genops_routed_reader_init(&reader, entries[i].payload);
			while (genops_routed_reader_next(&reader, &item) == 1)
				run->n_items += item.n;
		}
		run->n_blocks++;
		assert_int_equal(genops_queue_acknowledge(cursor, &err), GENOPS_OK);
	}
}

static struct run pass(const char *dir, size_t n, int64_t events_max)
{
	static struct genops_batch batch;
	struct run run = {0};
	struct genops_error err = {0};
	struct genops_queue *queue;
	struct genops_queue_cursor *cursor;
	struct genops_forwarder forward;
	struct genops_segment_position after = {0};
	const struct genops_log log = {0};
	const struct genops_queue_options options = {.max_bytes = 64 << 20};
	struct genops_config_source source = {.text = "exporters: {otlphttp: {endpoint: 'http://127.0.0.1:1'}}\nreceivers: {otlp: }\n"
						      "service: {pipelines: {metrics: {receivers: [otlp], exporters: [otlphttp]}}}\n",
	    .state_dir = dir, .without_prices = true};
	struct genops_config *config = genops_config_load(&source, &err);
	assert_non_null(config);
	config->telemetry.events_max = events_max;
	struct genops_metrics *metrics = genops_metrics_new(100);
	struct genops_flow *flow = genops_flow_new(&log, dir, metrics, &err);
	assert_int_equal(genops_state_dir_open(dir, &err), GENOPS_OK);
	assert_int_equal(genops_queue_open(dir, &options, &queue, &err), GENOPS_OK);
	genops_forward_init(&forward, flow);
	assert_int_equal(genops_forward_configure(&forward, config, &err), GENOPS_OK);
	assert_int_equal(genops_queue_cursor_open(queue, "otlphttp", true, &cursor, &err), GENOPS_OK);
	fill(&batch, n);
	assert_int_equal(genops_forward_batch(&forward, &batch, queue, &after, &err), GENOPS_OK);
	assert_int_equal(after.sequence, n);
	run.most = forward.most_events;
	read_all(cursor, &run);
	genops_queue_cursor_close(cursor);
	genops_batch_done(&batch);
	genops_forward_done(&forward);
	genops_flow_free(flow);
	genops_metrics_free(metrics);
	genops_queue_close(queue);
	genops_config_unref(config);
	return run;
}

static void so_many_events_at_once(void **state)
{
	static const struct {
		int64_t max, most;
		size_t n_blocks;
	} cases[] = {{0, 0, 1}, {40 * EACH, 40 * EACH, 1}, {39 * EACH, 39 * EACH, 2}, {10 * EACH, 10 * EACH, 4}, {10 * EACH + 49, 10 * EACH, 4},
	    {EACH, EACH, 40}, {1, EACH, 40}}; /* an entry is never divided: receivers make none of more than 4096 */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct run run = pass(*state, 40, cases[i].max);
		assert_int_equal(run.n_items, 40 * EACH);
		assert_int_equal(run.most, cases[i].most);
		assert_int_equal(run.n_blocks, cases[i].n_blocks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(so_many_events_at_once, make_state, remove_state)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
