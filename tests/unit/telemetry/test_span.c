/* SPDX-License-Identifier: Apache-2.0
 * What a record says as a span, decoded again from protobuf; the figures are the guides' own. */
#include "span_dump.h"
#include "span_fixture.h"

#include "telemetry/span.h"

#include <stdlib.h>

static char *encode(const struct genops_record *records, size_t n, enum genops_profile profile)
{
	struct genops_span_batch batch = {profile, records, n};
	struct genops_buffer buf;
	genops_buffer_init(&buf, (size_t)1 << 22);
	genops_span_encode_protobuf(&batch, &buf);
	assert_int_equal(buf.error, 0);
	char *text = dump_request(genops_buffer_view(&buf));
	genops_buffer_done(&buf);
	return text;
}

/* proves OTL-001, OTL-003, OTL-008, OTL-009, OTL-010, OTL-021..027, CORE-009, CORE-010, CORE-016..019, CORE-024, A-004 */
static void test_attributes_of_a_full_call(void **state)
{
	(void)state;
	char *text = encode(&fixture_record, 1, GENOPS_PROFILE_GUIDES);
	static const char *const lines[] = {
	    "span ai.completion kind=3 start=1700000000000000000 end=1700000002000000000 status=1",
	    "attr genops.cost.total=d:0.0032",
	    "attr genops.cost.input_cost=d:0.0015",
	    "attr genops.cost.output_cost=d:0.0017",
	    "attr genops.cost.currency=s:USD",
	    "attr genops.cost.model=s:gpt-4-0613",
	    "attr genops.cost.provider=s:openai",
	    "attr genops.cost.price_source=s:shipped",
	    "attr genops.team=s:ml-platform",
	    "attr genops.project=s:chat-service",
	    "attr genops.customer_id=s:acme-corp",
	    "attr genops.environment=s:dev",
	    "attr genops.cost_center=s:R&D-001",
	    "attr genops.feature=s:summary",
	    "attr genops.tokens.input=i:150",
	    "attr genops.tokens.output=i:85",
	    "attr genops.tokens.total=i:235",
	    "attr genops.operation.name=s:ai.completion",
	    "attr genops.operation.type=s:ai.inference",
	    "attr genops.outcome=s:ok",
	    "attr ai.model.provider=s:openai",
	    "attr ai.model.name=s:gpt-4",
	    "attr ai.request.input_tokens=i:150",
	    "attr ai.request.output_tokens=i:85",
	    "attr ai.request.temperature=d:0.7",
	    "attr ai.request.max_tokens=i:1000",
	    "attr gen_ai.provider.name=s:openai",
	    "attr gen_ai.operation.name=s:chat",
	    "attr gen_ai.request.model=s:gpt-4",
	    "attr gen_ai.response.model=s:gpt-4-0613",
	    "attr gen_ai.usage.input_tokens=i:150",
	    "attr gen_ai.usage.output_tokens=i:85",
	    "attr gen_ai.usage.cache_read.input_tokens=i:100",
	    "attr gen_ai.usage.cache_creation.input_tokens=i:15",
	    "attr gen_ai.usage.reasoning.output_tokens=i:20",
	    "attr gen_ai.request.max_tokens=i:1000",
	    "attr gen_ai.request.temperature=d:0.7",
	    "attr gen_ai.request.stream=b:1",
	    "attr gen_ai.response.finish_reasons=[s:stop]",
	    "attr gen_ai.response.time_to_first_chunk=d:0.25",
	    "attr http.response.status_code=i:200",
	    "attr genops.provider.request_id=s:req_1",
	    "resource service.name=s:shop",
	    "resource host.name=s:host-1",
	    "resource telemetry.sdk.name=s:genops",
	    "resource telemetry.sdk.language=s:c",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_line(text, lines[i]);
	assert_no_line_starts(text, "attr genops.cost.estimated");
	assert_no_line_starts(text, "attr error.type");
	free(text);
}

/* proves CORE-013, CORE-023, OTL-017, OTL-018: verbatim with their types, and never in the place of a reserved name */
static void test_custom_attributes(void **state)
{
	(void)state;
	char *text = encode(&fixture_record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text, "attr business.unit=s:emea");
	assert_line(text, "attr response.length=i:-42");
	assert_line(text, "attr experiment.is_control=b:1");
	assert_line(text, "attr genops.eval.metric=s:accuracy");
	assert_line(text, "attr genops.eval.score=d:0.92");
	assert_no_line_starts(text, "attr genops.cost.total=s:");
	assert_no_line_starts(text, "attr ai.model.name=s:another");
	free(text);
}

/* proves CORE-020..022, CORE-025, OTL-012..016, A-005, A-006 */
static void test_decision_and_budget(void **state)
{
	(void)state;
	char *text = encode(&fixture_record, 1, GENOPS_PROFILE_GUIDES);
	static const char *const lines[] = {
	    "attr genops.policy.name=s:cost-cap",
	    "attr genops.policy.result=s:warning",
	    "attr genops.policy.reason=s:cost-cap: 0.004 USD asked, 0.003 USD allowed",
	    "attr genops.policy.reason_code=s:x_cost_limit",
	    "attr genops.policy.violation_type=s:cost_limit",
	    "attr genops.policy.action=s:alert",
	    "attr genops.budget.name=s:per-team",
	    "attr genops.budget.scope=s:per-team[team=ml-platform]",
	    "attr genops.budget.limit=d:1000",
	    "attr genops.budget.allocated=d:1000",
	    "attr genops.budget.consumed=d:750",
	    "attr genops.budget.used=d:750",
	    "attr genops.budget.remaining=d:250",
	    "attr genops.budget.utilization_percent=d:75",
	    "attr genops.budget.period=s:daily",
	    "attr genops.budget.alert_threshold=d:0.8",
	    "attr genops.spec.version=s:0.1.0",
	    "attr genops.accounting.reserved=d:0.004",
	    "attr genops.accounting.actual=d:0.0032",
	    "attr genops.accounting.unit=s:USD",
	    "attr genops.accounting.reconciliation_delta=d:-0.0008",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_line(text, lines[i]);
	assert_no_line_starts(text, "attr genops.policy.timestamp");
	free(text);
}

/* proves OTL-004, OTL-005, OTL-006, OTL-014 */
static void test_events(void **state)
{
	(void)state;
	struct genops_record record = fixture_record;
	record.n_alerts = 1;
	record.alerts = fixture_alerts;
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	static const char *const lines[] = {
	    "event policy.evaluated at=1700000000000010000",
	    "event-attr policy.evaluated genops.policy.name=s:pii-filter",
	    "event-attr policy.evaluated genops.policy.result=s:allowed",
	    "event-attr policy.evaluated genops.policy.name=s:cost-cap",
	    "event-attr policy.evaluated genops.policy.result=s:warning",
	    "event-attr policy.evaluated genops.policy.violation_type=s:cost_limit",
	    "event genops.policy.evaluated at=1700000000000010000",
	    "event-attr genops.policy.evaluated genops.policy.reason_code=s:x_cost_limit",
	    "event genops.budget.reservation at=1700000000000010000",
	    "event-attr genops.budget.reservation genops.accounting.reserved=d:0.004",
	    "event-attr genops.budget.reservation genops.accounting.unit=s:USD",
	    "event cost.calculated at=1700000002000000000",
	    "event-attr cost.calculated genops.cost.total=d:0.0032",
	    "event genops.budget.reconciliation at=1700000002000000000",
	    "event-attr genops.budget.reconciliation genops.accounting.actual=d:0.0032",
	    "event-attr genops.budget.reconciliation genops.accounting.reconciliation_delta=d:-0.0008",
	    "event genops.budget.alert at=1700000002000000000",
	    "event-attr genops.budget.alert genops.budget.name=s:per-team[team=ml-platform]",
	    "event-attr genops.budget.alert genops.budget.consumed=d:801",
	    "event-attr genops.budget.alert genops.budget.allocated=d:1000",
	    "event-attr genops.budget.alert genops.budget.alert_threshold=d:0.8",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_line(text, lines[i]);
	free(text);
}

static void test_profile_spec(void **state)
{
	(void)state;
	char *text = encode(&fixture_record, 1, GENOPS_PROFILE_SPEC);
	assert_line(text, "attr genops.policy.result=s:WARNING");
	assert_line(text, "attr genops.policy.timestamp=i:1700000000000");
	assert_line(text, "event-attr genops.policy.evaluated genops.policy.result=s:WARNING");
	assert_line(text, "event genops.cost.calculated at=1700000002000000000");
	assert_line(text, "event genops.budget.reconciliation at=1700000002000000000");
	assert_line(text, "attr genops.budget.allocated=d:1000");
	assert_line(text, "attr gen_ai.request.model=s:gpt-4");
	assert_no_line_starts(text, "event policy.evaluated");
	assert_no_line_starts(text, "event cost.calculated");
	assert_no_line_starts(text, "attr genops.budget.limit");
	assert_no_line_starts(text, "attr ai.model");
	free(text);
}

/* The specification: what did not run reserves nothing and reconciles nothing; reason_code set iff not allowed. */
static void test_refused(void **state)
{
	(void)state;
	struct genops_record record = fixture_record;
	record.outcome = GENOPS_OUTCOME_REFUSED;
	record.is_refused = true;
	record.result = GENOPS_BLOCKED;
	record.reason = GENOPS_REASON_BUDGET_EXCEEDED;
	record.actual_nano_usd = record.reserved_nano_usd = 0;
	record.http_status = 0;
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text,
	    "span ai.completion kind=3 start=1700000000000000000 end=1700000002000000000 status=2 "
	    "message=cost-cap: 0.004 USD asked, 0.003 USD allowed");
	assert_line(text, "attr genops.policy.result=s:blocked");
	assert_line(text, "attr genops.policy.reason_code=s:BUDGET_EXCEEDED");
	assert_line(text, "attr genops.policy.action=s:block");
	assert_line(text, "attr error.type=s:refused");
	assert_line(text, "attr genops.outcome=s:refused");
	assert_no_line_starts(text, "event genops.budget.re");
	assert_no_line_starts(text, "event cost.calculated");
	assert_no_line_starts(text, "attr genops.accounting.");
	assert_no_line_starts(text, "attr genops.cost.");
	assert_no_line_starts(text, "attr genops.tokens.");
	free(text);
}

static void test_not_sent_is_reserved_but_not_reconciled(void **state)
{
	(void)state;
	struct genops_record record = fixture_record;
	record.outcome = GENOPS_OUTCOME_NOT_SENT;
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_true(dump_has_start(text, "event genops.budget.reservation"));
	assert_line(text, "attr genops.accounting.reserved=d:0.004");
	assert_no_line_starts(text, "event genops.budget.reconciliation");
	assert_no_line_starts(text, "attr genops.accounting.actual");
	free(text);
}

/* proves OTL-082: errors are told as such */
static void test_provider_error_and_abandoned(void **state)
{
	(void)state;
	struct genops_record record = fixture_record;
	record.outcome = GENOPS_OUTCOME_PROVIDER_ERROR;
	record.error_type = GENOPS_STR("overloaded_error");
	record.is_cost_estimated = true;
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text, "attr error.type=s:overloaded_error");
	assert_line(text, "attr genops.cost.estimated=b:1");
	assert_line(text,
	    "span ai.completion kind=3 start=1700000000000000000 end=1700000002000000000 status=2 "
	    "message=overloaded_error");
	free(text);
	record.outcome = GENOPS_OUTCOME_ABANDONED;
	text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text, "attr genops.accounting.incomplete=b:1");
	assert_true(dump_has_start(text, "event genops.budget.reconciliation"));
	free(text);
}

/* With no policy at all the event is there too, and nothing stands for what is not known. */
static void test_smallest_record(void **state)
{
	(void)state;
	struct genops_record record = {
	    .trace_id = {1}, .span_id = {1}, .start_unix_ns = 5, .end_unix_ns = 9};
	record.name = GENOPS_STR("nightly-batch");
	record.actual_nano_usd = 1;
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text, "span nightly-batch kind=3 start=5 end=9 status=1");
	assert_line(text, "event policy.evaluated at=5");
	assert_line(text, "event-attr policy.evaluated genops.policy.result=s:allowed");
	assert_line(text, "attr genops.cost.total=d:1e-09");
	assert_line(text, "resource service.name=s:genops");
	assert_no_line_starts(text, "attr genops.cost.input_cost");
	assert_no_line_starts(text, "attr genops.policy.reason_code");
	assert_no_line_starts(text, "attr genops.budget.");
	assert_no_line_starts(text, "attr genops.team");
	assert_no_line_starts(text, "attr ai.");
	assert_no_line_starts(text, "attr gen_ai.");
	assert_no_line_starts(text, "resource host.name");
	free(text);
}

static void test_alert_record_is_no_operation(void **state)
{
	(void)state;
	struct genops_record record = fixture_record;
	record.name = GENOPS_STR("budget.alert");
	record.type = GENOPS_STR("genops.budget.alert");
	record.parent_span_id[0] = 7;
	record.n_budgets = record.n_evaluations = 0;
	record.n_alerts = 1;
	record.alerts = fixture_alerts;
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text,
	    "span budget.alert kind=1 start=1700000000000000000 end=1700000002000000000 status=1 child");
	assert_line(text, "attr genops.team=s:ml-platform");
	assert_line(text, "attr genops.budget.consumed=d:801");
	assert_true(dump_has_start(text, "event genops.budget.alert"));
	assert_no_line_starts(text, "event policy.evaluated");
	assert_no_line_starts(text, "event genops.policy.evaluated");
	assert_no_line_starts(text, "attr genops.cost.");
	assert_no_line_starts(text, "attr genops.accounting.");
	free(text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void test_one_resource_per_service(void **state)
{
	(void)state;
	struct genops_record records[5];
	for (size_t i = 0; i < 5; i++) {
		records[i] = fixture_record;
		records[i].service_name = i % 2 ? GENOPS_STR("a") : GENOPS_STR("b");
	}
	char *text = encode(records, 5, GENOPS_PROFILE_GUIDES);
	assert_int_equal(count(text, "resource service.name=s:a\n"), 1);
	assert_int_equal(count(text, "resource service.name=s:b\n"), 1);
	assert_int_equal(count(text, "\nspan "), 5);
	free(text);
	text = encode(records, 0, GENOPS_PROFILE_GUIDES);
	assert_string_equal(text, "\n");
	free(text);
}

/* A receiver refuses a whole batch for one bad string. */
static void test_bad_utf8_is_repaired(void **state)
{
	(void)state;
	struct genops_attribute attribute = {
	    .key = GENOPS_STR("x"), .type = GENOPS_ATTRIBUTE_STRING};
	struct genops_record record = fixture_record;
	attribute.value.string = GENOPS_STR("caf\xe9!");
	record.attributes = &attribute;
	record.n_attributes = 1;
	record.finish_reason = GENOPS_STR("\xff");
	record.name = GENOPS_STR("\xc0");
	char *text = encode(&record, 1, GENOPS_PROFILE_GUIDES);
	assert_line(text, "attr x=s:caf\xef\xbf\xbd!");
	assert_line(text, "attr gen_ai.response.finish_reasons=[s:\xef\xbf\xbd]");
	assert_true(dump_has_start(text, "span \xef\xbf\xbd kind=3"));
	free(text);
}

/* Every length of buffer: either all of it or an error, and never a write beyond (ASan watches). */
static void test_too_small_a_buffer(void **state)
{
	(void)state;
	struct genops_span_batch batch = {GENOPS_PROFILE_GUIDES, &fixture_record, 1};
	struct genops_buffer whole;
	genops_buffer_init(&whole, (size_t)1 << 20);
	genops_span_encode_protobuf(&batch, &whole);
	assert_int_equal(whole.error, 0);
	for (size_t max = 0; max < whole.len; max += 13) {
		struct genops_buffer buf;
		genops_buffer_init(&buf, max);
		genops_span_encode_protobuf(&batch, &buf);
		assert_int_equal(buf.error, GENOPS_LIMIT);
		genops_buffer_clear(&buf);
		genops_span_encode_json(&batch, &buf);
		assert_int_equal(buf.error, GENOPS_LIMIT);
		genops_buffer_done(&buf);
	}
	genops_buffer_done(&whole);
}

/* --- what a span has in common with the one before is copied --- */

static struct genops_buffer bytes_of(const struct genops_record *records, size_t n, enum genops_profile profile)
{
	struct genops_span_batch batch = {profile, records, n};
	struct genops_buffer buf;
	genops_buffer_init(&buf, (size_t)1 << 22);
	genops_span_encode_protobuf(&batch, &buf);
	assert_int_equal(buf.error, 0);
	return buf;
}

/* Each span of a batch is byte for byte what it is alone. Nested lengths have a fixed width, so all begin behind a head of one size. */
static void assert_as_alone(const struct genops_record *records, size_t n, enum genops_profile profile)
{
	const struct genops_record twice[] = {records[0], records[0]};
	struct genops_buffer one = bytes_of(twice, 1, profile), two = bytes_of(twice, 2, profile);
	size_t head = 2 * one.len - two.len, at = head;
	struct genops_buffer all = bytes_of(records, n, profile);
	for (size_t i = 0; i < n; i++) {
		struct genops_buffer alone = bytes_of(&records[i], 1, profile);
		assert_true(at + alone.len - head <= all.len);
		assert_memory_equal(all.ptr + at, alone.ptr + head, alone.len - head);
		at += alone.len - head;
		genops_buffer_done(&alone);
	}
	assert_int_equal(at, all.len);
	genops_buffer_done(&one);
	genops_buffer_done(&two);
	genops_buffer_done(&all);
}

#define CHANGED 21

/* The i-th is unlike the fixture in one thing. `lists` are the record's own. */
static struct genops_record change(size_t i, struct genops_attribute *attributes, struct genops_evaluation *evaluations)
{
	struct genops_record record = fixture_record;
	memcpy(attributes, fixture_attributes, sizeof fixture_attributes);
	memcpy(evaluations, fixture_evaluations, sizeof fixture_evaluations);
	record.attributes = attributes;
	record.evaluations = evaluations;
	switch (i) {
	case 0: record.decided_unix_ns += 77; record.start_unix_ns += 5; record.end_unix_ns += 99; break;
	case 1: evaluations[1].message = GENOPS_STR("cost-cap: another text of another length"); break;
	case 2: evaluations[0].result = GENOPS_BLOCKED; break;
	case 3: evaluations[0].reason = GENOPS_REASON_COST_LIMIT; evaluations[0].result = GENOPS_WARNING; break;
	case 4: evaluations[1].is_violation = false; break;
	case 5: evaluations[0].is_error = true; break;
	case 6: evaluations[0].policy = GENOPS_STR("pii-filteR"); break;
	case 7: evaluations[1].policy_type = GENOPS_STR("cost_limiT"); break;
	case 8: evaluations[1].action = GENOPS_STR("alerT"); break;
	case 9: record.n_evaluations = 1; break;
	case 10: record.n_evaluations = 0; break;
	case 11: record.policy = GENOPS_STR("another"); break;
	case 12: record.message = GENOPS_STR("another"); break;
	case 13: attributes[0].value.string = GENOPS_STR("ml-platforM"); break;
	case 14: attributes[11].value.integer = 43; break;
	case 15: attributes[10].value.number = 0.93; break;
	case 16: attributes[12].value.boolean = false; break;
	case 17: record.n_attributes--; break;
	case 18: record.name = GENOPS_STR("another"); record.type = GENOPS_STR("x"); break;
	case 19: record.key_name = GENOPS_STR("another"); break;
	case 20: record.delayed_ns = 5000000; break;
	}
	return record;
}

static void test_a_batch_says_of_each_what_is_said_of_it_alone(void **state)
{
	(void)state;
	struct genops_attribute attributes[sizeof fixture_attributes / sizeof fixture_attributes[0]];
	struct genops_evaluation evaluations[sizeof fixture_evaluations / sizeof fixture_evaluations[0]];
	for (size_t i = 0; i < CHANGED; i++) {
		struct genops_record changed = change(i, attributes, evaluations);
		const struct genops_record records[] = {fixture_record, changed, changed, fixture_record, fixture_record};
		assert_as_alone(records, 5, GENOPS_PROFILE_GUIDES);
		assert_as_alone(records, 5, GENOPS_PROFILE_SPEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attributes_of_a_full_call),
	    cmocka_unit_test(test_custom_attributes),
	    cmocka_unit_test(test_decision_and_budget),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_profile_spec),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_not_sent_is_reserved_but_not_reconciled),
	    cmocka_unit_test(test_provider_error_and_abandoned),
	    cmocka_unit_test(test_smallest_record),
	    cmocka_unit_test(test_alert_record_is_no_operation),
	    cmocka_unit_test(test_one_resource_per_service),
	    cmocka_unit_test(test_bad_utf8_is_repaired),
	    cmocka_unit_test(test_too_small_a_buffer),
	    cmocka_unit_test(test_a_batch_says_of_each_what_is_said_of_it_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
