/* SPDX-License-Identifier: Apache-2.0
 * engine/observe: how spans go on when their calls are settled. */
#include "observe_fixture.h"

#include "store/observed.h"

static const char config[] = "governance: {budgets: [{name: all, daily_budget: 1000.0}]}\n";

static const struct span outer = {.trace = 1, .id = 1, .model = "gpt-4o-mini", .start_s = -9, .end_s = -2, .in = 1000, .out = 100};

static genops_str outbox(struct world *world, struct genops_envelope *envelope)
{
	static struct genops_buffer bytes;
	int64_t id = 0;
	if (!bytes.max)
		genops_buffer_init(&bytes, 1 << 22);
	assert_int_equal(genops_ledger_outbox_next(world->ledger, 0, &bytes, &id, NULL), GENOPS_OK);
	assert_true(id > 0);
	assert_int_equal(genops_envelope_decode(genops_buffer_view(&bytes), envelope, NULL), GENOPS_OK);
	return envelope->request;
}

/* The value of an attribute of the span with that number: "" : it is not there. */
static void value_of(genops_str request, uint8_t id, const char *key, char text[64])
{
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	genops_str item;
	text[0] = '\0';
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while (genops_otlp_reader_next(&reader, &item) == 1) {
		struct genops_otlp_attributes attributes;
		struct genops_otlp_attribute attribute;
		assert_int_equal(genops_otlp_span_read(item, &span), GENOPS_OK);
		if ((uint8_t)span.span_id.ptr[0] != id)
			continue;
		genops_otlp_attributes_init(&attributes, item, GENOPS_OTLP_SPAN_ATTRIBUTES);
		while (genops_otlp_attributes_next(&attributes, &attribute) == 1) {
			const struct genops_otlp_value *value = &attribute.value;
			if (attribute.key.len != strlen(key) || memcmp(attribute.key.ptr, key, attribute.key.len) != 0)
				continue;
			assert_string_equal(text, ""); /* once */
			if (value->type == GENOPS_OTLP_STRING)
				snprintf(text, 64, "%.*s", (int)value->bytes.len, value->bytes.ptr);
			else if (value->type == GENOPS_OTLP_DOUBLE)
				snprintf(text, 64, "%.9g", value->number);
			else
				snprintf(text, 64, "%lld", (long long)value->integer);
		}
	}
}

static void check_value(genops_str request, uint8_t id, const char *key, const char *expected)
{
	char text[64];
	value_of(request, id, key, text);
	if (strcmp(text, expected) != 0)
		fail_msg("%s of span %d is \"%s\", not \"%s\"", key, id, text, expected);
}

/* proves CRB-048 to CRB-060: what the guide's pipelines read stands on the span that goes on */
static void what_goes_on(void **state)
{
	struct world world = open_world(*state, config);
	struct span span = outer;
	span.keys[0] = "genops.team", span.values[0] = "mine";
	span.keys[1] = "genops.cost.currency", span.values[1] = "EUR"; /* what stands there stays */
	take_span(&world, span);
	span = outer, span.id = 2, span.parent = 1, span.start_s = -8, span.scope = "com.anthropic.sdk.python";
	take_span(&world, span);
	span = outer, span.id = 3, span.parent = 2, span.start_s = -7;
	take_span(&world, span);
	assert_int_equal(resolve(&world, 11), 1);
	struct genops_envelope envelope;
	genops_str request = outbox(&world, &envelope);
	assert_true(envelope.is_observed);
	check_value(request, 2, "genops.cost.total", "0.00021");
	check_value(request, 2, "genops.cost.input_cost", "0.00015");
	check_value(request, 2, "genops.cost.provider", "openai");
	check_value(request, 2, "genops.cost.model", "gpt-4o-mini");
	check_value(request, 2, "genops.tokens.input", "1000");
	check_value(request, 2, "genops.tokens.total", "1100");
	check_value(request, 2, "genops.budget.name", "all");
	check_value(request, 2, "genops.budget.limit", "1000");
	check_value(request, 2, "genops.budget.consumed", "0.00021");
	check_value(request, 2, "genops.policy.result", "allowed");
	check_value(request, 2, "genops.project", "app");
	check_value(request, 2, "genops.duplicate", "");
	check_value(request, 2, "gen_ai.usage.input_tokens", "1000");
	check_value(request, 1, "genops.duplicate", "1");
	check_value(request, 1, "genops.cost.total", "");
	check_value(request, 1, "genops.cost.currency", ""); /* nobody adds it up */
	check_value(request, 1, "genops.team", "mine");
	check_value(request, 3, "genops.duplicate", "1");
	/* Read from the segment, it is out of the outbox. */
	take_from(&world, request, "");
	struct genops_error err;
	int64_t id = 0;
	struct genops_buffer bytes;
	genops_buffer_init(&bytes, 1 << 20);
	assert_int_equal(genops_ledger_begin(world.ledger, &err), GENOPS_OK);
	assert_int_equal(genops_observer_take(world.observer, &envelope, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_commit(world.ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_outbox_next(world.ledger, 0, &bytes, &id, &err), GENOPS_OK);
	assert_int_equal(id, 0);
	assert_int_equal(genops_ledger_candidate_bytes(world.ledger), 0);
	genops_buffer_done(&bytes);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_goes_on, make_state, remove_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
