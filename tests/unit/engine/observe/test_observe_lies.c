/* SPDX-License-Identifier: Apache-2.0 - engine/observe: spans that are too long, without ids worth the name, or told twice at odd times. Nothing that a
 * sender says keeps others' calls from being settled.
 *
 * proves OTL-010 */
#include "observe_fixture.h"

#include "store/observed.h"

#include <time.h>

static const char config[] = "governance: {budgets: [{name: all, daily_budget: 1000.0}]}\n";

#define CHAT INT64_C(210000) /* of gpt-4o-mini: 1000 in, 100 out */

static const struct span outer = {.trace = 1, .id = 1, .model = "gpt-4o-mini", .start_s = -9, .end_s = -2, .in = 1000, .out = 100};

static void put_long(struct genops_buffer *out, uint32_t field, const char *prefix, int n, size_t len)
{
	char key[64], *value = malloc(len + 1);
	assert_non_null(value);
	memset(value, 'x', len);
	value[len] = '\0';
	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof key, "%s%d", prefix, i);
		put_value(out, field, key, value);
	}
	free(value);
}

/* As long as a request may be, and most of it says who pays: written on the span once more. */
static void a_span_that_grows(void **state)
{
	struct world world = open_world(*state, config);
	struct genops_buffer request;
	genops_buffer_init(&request, 1 << 20);
	size_t resource_spans = genops_wire_begin(&request, 1);
	size_t resource = genops_wire_begin(&request, 1);
	put_long(&request, 1, "genops.resource_", 26, 4000);
	genops_wire_end(&request, resource);
	size_t scope_spans = genops_wire_begin(&request, 2), span = genops_wire_begin(&request, 2);
	put_id(&request, 1, 1, 16);
	put_id(&request, 2, 1, 8);
	genops_wire_put_bytes(&request, 5, GENOPS_STR("chat"));
	genops_wire_put_uint(&request, 6, 3);
	put_value(&request, 9, "gen_ai.operation.name", "chat");
	put_value(&request, 9, "gen_ai.provider.name", "openai");
	put_value(&request, 9, "gen_ai.request.model", "gpt-4o-mini");
	put_count(&request, "gen_ai.usage.input_tokens", 1000);
	put_count(&request, "gen_ai.usage.output_tokens", 100);
	for (int i = 0; i < 256; i++) /* more keys than are looked at before one is written again */
		put_value(&request, 9, "genops.duplicate", "x");
	put_long(&request, 9, "genops.p", 66, 4000);
	put_long(&request, 9, "filler", 1, (size_t)760 * 1024 - request.len);
	genops_wire_end(&request, span);
	genops_wire_end(&request, scope_spans);
	genops_wire_end(&request, resource_spans);
	assert_int_equal(request.error, 0);
	take(&world, genops_buffer_view(&request));
	genops_buffer_done(&request);
	take_span(&world, (struct span){.trace = 2, .id = 2, .model = "gpt-4o-mini", .start_s = -9, .end_s = -2, .in = 1000, .out = 100});
	assert_int_equal(resolve(&world, 11), 2);
	bring_back(&world);
	assert_int_equal(genops_ledger_candidate_bytes(world.ledger), 0); /* they have gone on */
	check_books(&world, 2, 2 * CHAT);
	close_world(&world);
}

/* Ids of zeros are none, says W3C: such spans are nobody's repetition, and nobody's child. */
static void ids_of_zeros(void **state)
{
	struct world world = open_world(*state, config);
	static const char zeros[16];
	for (int i = 0; i < 2; i++) {
		struct genops_buffer request;
		genops_buffer_init(&request, 1 << 16);
		size_t resource_spans = genops_wire_begin(&request, 1), scope_spans = genops_wire_begin(&request, 2);
		size_t span = genops_wire_begin(&request, 2);
		genops_wire_put_bytes(&request, 1, (genops_str){zeros, 16});
		genops_wire_put_bytes(&request, 2, (genops_str){zeros, 8});
		genops_wire_put_bytes(&request, 4, (genops_str){zeros, 8});
		genops_wire_put_bytes(&request, 5, GENOPS_STR("chat"));
		genops_wire_put_uint(&request, 6, 3);
		put_value(&request, 9, "gen_ai.operation.name", "chat");
		put_value(&request, 9, "gen_ai.provider.name", "openai");
		put_value(&request, 9, "gen_ai.request.model", "gpt-4o-mini");
		put_count(&request, "gen_ai.usage.input_tokens", 1000);
		put_count(&request, "gen_ai.usage.output_tokens", 100);
		genops_wire_end(&request, span);
		genops_wire_end(&request, scope_spans);
		genops_wire_end(&request, resource_spans);
		take(&world, genops_buffer_view(&request));
		genops_buffer_done(&request);
	}
	assert_int_equal(resolve(&world, 11), 2);
	check_books(&world, 2, 2 * CHAT);
	close_world(&world);
}

/* Its end before its begin; what is sent again is known by its ids all the same. */
static void an_end_before_the_begin(void **state)
{
	struct genops_ledger *ledger;
	struct genops_seen seen = {.start_unix_ns = 100, .end_unix_ns = 50}, found[GENOPS_SEEN_FOUND_MAX];
	size_t n = 0;
	struct genops_error err = {0};
	assert_int_equal(genops_ledger_open(*state, true, &ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_seen_add(ledger, 7, &seen, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_seen_find(ledger, 7, 100, 50, found, &n, &err), GENOPS_OK);
	assert_int_equal(n, 1);
	genops_ledger_rollback(ledger);
	genops_ledger_close(ledger);
}

/* The ledger has an operation of these ids that a look at the span's own (absurd) time does not find: no reason to stop. */
static void what_the_ledger_has_already(void **state)
{
	struct world world = open_world(*state, config);
	struct genops_error err = {0};
	struct span span = outer;
	span.start_s = -900000000, span.end_s = -899999999;
	take_span(&world, span);
	int64_t now = genops_clock_unix_ns();
	assert_int_equal(genops_ledger_begin(world.ledger, &err), GENOPS_OK);
	for (uint64_t i = 0; i < 40000; i++) { /* a run of identities is full, over a time that the span's arrival lies in */
		struct genops_record record = {.start_unix_ns = now + (i & 1 ? 1 : -1) * 60 * SECOND, .end_unix_ns = now, .decided_unix_ns = now};
		bool is_new;
		memcpy(record.trace_id, &(uint64_t){i + 1}, 8);
		memset(record.span_id, 7, 8);
		if (!i) {
			memset(record.trace_id, 1, 16);
			memset(record.span_id, 1, 8);
		}
		record.name = GENOPS_STR("x"), record.provider = GENOPS_STR("openai");
		assert_int_equal(genops_ledger_add(world.ledger, &record, GENOPS_STR("x"), &is_new, &err), GENOPS_OK);
		assert_true(is_new);
	}
	assert_int_equal(genops_ledger_commit(world.ledger, &err), GENOPS_OK);
	take_span(&world, (struct span){.trace = 2, .id = 2, .model = "gpt-4o-mini", .start_s = -9, .end_s = -2, .in = 1000, .out = 100});
	assert_int_equal(resolve(&world, 11), 1);
	assert_int_equal(genops_ledger_candidate_bytes(world.ledger) > 0, 1); /* in the outbox */
	bring_back(&world);
	assert_int_equal(genops_ledger_candidate_bytes(world.ledger), 0);
	struct genops_budget_window window = budget_of(world.engine, "all");
	assert_int_equal(window.consumed_nano_usd, CHAT);
	assert_int_equal(window.reserved_nano_usd, 0);
	close_world(&world);
}

/* 10,000 calls beside each other in one trace: in seconds, not in minutes. */
static void a_trace_of_many(void **state)
{
	struct world world = open_world(*state, config);
	struct genops_error err = {0};
	for (int i = 0; i < 20; i++) {
		struct genops_buffer request;
		genops_buffer_init(&request, 1 << 22);
		size_t resource_spans = genops_wire_begin(&request, 1), scope_spans = genops_wire_begin(&request, 2);
		for (int k = 0; k < 500; k++) {
			uint32_t number = (uint32_t)(i * 500 + k + 1);
			char id[8] = {0}, parent[8] = {0}, trace[16];
			memcpy(id, &number, 4), id[7] = 1;
			number = number % 40 ? number - 1 : 0; /* chains, 40 deep */
			memcpy(parent, &number, 4), parent[7] = number ? 1 : 2;
			memset(trace, 1, 16);
			size_t span = genops_wire_begin(&request, 2);
			int64_t now = genops_clock_unix_ns();
			char model[32];
			snprintf(model, sizeof model, "model-%d", i * 500 + k);
			genops_wire_put_bytes(&request, 1, (genops_str){trace, 16});
			genops_wire_put_bytes(&request, 2, (genops_str){id, 8});
			genops_wire_put_bytes(&request, 4, (genops_str){parent, 8});
			genops_wire_put_bytes(&request, 5, GENOPS_STR("chat"));
			genops_wire_put_fixed64(&request, 7, (uint64_t)(now - 9 * SECOND));
			genops_wire_put_fixed64(&request, 8, (uint64_t)now);
			put_value(&request, 9, "gen_ai.operation.name", "chat");
			put_value(&request, 9, "genops.cost.total", "#0.001");
			genops_wire_end(&request, span);
		}
		genops_wire_end(&request, scope_spans);
		genops_wire_end(&request, resource_spans);
		assert_int_equal(request.error, 0);
		take(&world, genops_buffer_view(&request));
		genops_buffer_done(&request);
	}
	clock_t from = clock();
	size_t n = 0, total = 0;
	do {
		assert_int_equal(genops_observer_resolve(world.observer, genops_clock_unix_ns() + 11 * SECOND, &n, &err), GENOPS_OK);
		total += n;
	} while (n);
	assert_int_equal(total, 251); /* a chain is one call */
	assert_true((clock() - from) / CLOCKS_PER_SEC < 5); /* of its own time; 0.3 s as this is written */
	bring_back(&world);
	assert_int_equal(genops_ledger_candidate_bytes(world.ledger), 0);
	close_world(&world);
}

static size_t n_repeated(const struct world *world)
{
	struct genops_buffer text;
	genops_buffer_init(&text, 1 << 20);
	genops_metrics_expose(world->metrics, &text);
	genops_buffer_add_char(&text, '\0');
	const char *line = strstr(text.ptr, "what=\"repeated\"");
	size_t n = line ? strtoul(strchr(line, ' '), NULL, 10) : 0;
	genops_buffer_done(&text);
	return n;
}

/* Too much waits, again and again; what is told of a repeated span is told once, when it is stored. */
static void a_batch_that_comes_again(void **state)
{
	struct world world = open_world(*state, config);
	struct genops_error err = {0};
	struct genops_buffer request = request_of(&outer, 1), entry;
	take(&world, genops_buffer_view(&request));
	struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_TRACES, .received_unix_ns = genops_clock_unix_ns(),
	    .receiver = GENOPS_STR("otlp"), .input = GENOPS_STR(GENOPS_INPUT_OTLP), .request = genops_buffer_view(&request)};
	genops_buffer_init(&entry, 1 << 20);
	genops_envelope_encode(&envelope, &entry);
	assert_int_equal(genops_segment_append(world.engine->segments, GENOPS_ENTRY_SPANS, genops_buffer_view(&entry), NULL, &err), GENOPS_OK);
	struct genops_segment_position first = {0};
	assert_int_equal(genops_segment_list(world.engine->state_dir, &first, 1), 1);
	world.at = first;
	world.reader = genops_segment_reader_new(world.engine->state_dir, first, &err);
	assert_int_equal(genops_batch_read(world.batch, world.reader, world.at, 0, &world.engine->log, world.metrics, &err), GENOPS_OK);
	assert_int_equal(world.batch->n, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(genops_ledger_begin(world.ledger, &err), GENOPS_OK);
		assert_int_equal(genops_observer_take(world.observer, &envelope, &err), GENOPS_OK);
		genops_ledger_rollback(world.ledger);
		genops_observer_taken(world.observer, false);
	}
	assert_int_equal(n_repeated(&world), 0);
	assert_int_equal(genops_batch_store(world.batch, world.ledger, world.observer, &world.engine->log, world.metrics, &err), GENOPS_OK);
	assert_int_equal(n_repeated(&world), 1);
	world.at = world.batch->after;
	genops_buffer_done(&entry);
	genops_buffer_done(&request);
	close_world(&world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(a_span_that_grows),
	    TEST(ids_of_zeros),
	    TEST(an_end_before_the_begin),
	    TEST(what_the_ledger_has_already),
	    TEST(a_trace_of_many),
	    TEST(a_batch_that_comes_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
