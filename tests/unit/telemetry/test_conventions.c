/* SPDX-License-Identifier: Apache-2.0
 * The rows: no name twice, the guides' and the specification's names among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "telemetry/conventions.h"

#define assert_text(text, expected) assert_true(genops_str_is((text), (expected)))

static void test_no_name_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < GENOPS_CONVENTION_N; i++) {
		for (size_t j = i + 1; j < GENOPS_CONVENTION_N; j++)
			assert_false(genops_str_equal(
			    genops_conventions[i].name, genops_conventions[j].name));
		assert_true(genops_conventions[i].profiles & GENOPS_CONVENTION_BOTH);
		assert_true(
		    genops_str_ends(genops_str_of(genops_conventions[i].text), GENOPS_STR(".")) ||
		    genops_conventions[i].text[0]);
	}
}

/* proves CORE-010, CORE-016..022, A-004, A-005: the index of all attributes, contract D1 */
static void test_reserved(void **state)
{
	(void)state;
	static const char *const reserved[] = {"genops.team", "genops.project",
	    "genops.customer_id", "genops.environment", "genops.cost_center", "genops.feature",
	    "genops.cost.total", "genops.cost.input_cost", "genops.cost.output_cost",
	    "genops.cost.currency", "genops.cost.model", "genops.cost.provider",
	    "genops.tokens.input", "genops.tokens.output", "genops.tokens.total",
	    "genops.policy.name", "genops.policy.result", "genops.policy.reason",
	    "genops.policy.violation_type", "genops.policy.action", "genops.budget.name",
	    "genops.budget.limit", "genops.budget.allocated", "genops.budget.consumed",
	    "genops.budget.used", "genops.budget.remaining", "genops.budget.utilization_percent",
	    "genops.budget.period", "genops.budget.alert_threshold", "ai.model.provider",
	    "ai.model.name", "ai.request.input_tokens", "ai.request.output_tokens",
	    "ai.request.max_tokens", "ai.request.temperature", "service.name",
	    "genops.spec.version", "genops.accounting.reserved", "genops.accounting.actual",
	    "genops.accounting.unit"};
	static const char *const free_names[] = {"genops.eval.score",
	    "genops.policy.metadata.severity", "genops.compliance.framework",
	    "genops.cost.metadata.x", "genops.cost.tota", "business.unit", "", "team", "genops.",
	    "session_id"};
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (!genops_conventions_is_reserved(genops_str_of(reserved[i])))
			fail_msg("%s is not reserved", reserved[i]);
	}
	for (size_t i = 0; i < sizeof free_names / sizeof *free_names; i++) {
		if (genops_conventions_is_reserved(genops_str_of(free_names[i])))
			fail_msg("%s is reserved", free_names[i]);
	}
}

static void test_standard(void **state)
{
	(void)state;
	struct genops_attribute attributes[] = {
	    {.key = GENOPS_STR("genops.feature"), .value.string = GENOPS_STR("f")},
	    {.key = GENOPS_STR("team"), .value.string = GENOPS_STR("t")},
	    {.key = GENOPS_STR("genops.teams"), .value.string = GENOPS_STR("no")},
	    {.key = GENOPS_STR("project"), .type = GENOPS_ATTRIBUTE_INT, .value.integer = 1},
	};
	struct genops_record record = {.attributes = attributes, .n_attributes = 4};
	genops_str values[GENOPS_ATTRIBUTE_N_STANDARD];
	genops_conventions_standard_values(&record, values);
	assert_text(values[GENOPS_ATTRIBUTE_FEATURE], "f");
	assert_text(values[GENOPS_ATTRIBUTE_TEAM], "t");
	assert_int_equal(values[GENOPS_ATTRIBUTE_PROJECT].len, 0);
#define X(symbol, name, key, header)                                                               \
	assert_true(genops_conventions_is_standard(GENOPS_STR(name)));                             \
	assert_true(genops_conventions_is_standard(GENOPS_STR(key)));
	GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	assert_false(genops_conventions_is_standard(GENOPS_STR("genops.genops.team")));
	assert_false(genops_conventions_is_standard((genops_str){0}));
}

static void test_gen_ai_names(void **state)
{
	(void)state;
	assert_text(genops_conventions_gen_ai_provider(GENOPS_STR("bedrock")), "aws.bedrock");
	assert_text(genops_conventions_gen_ai_provider(GENOPS_STR("mistral")), "mistral_ai");
	assert_text(genops_conventions_gen_ai_provider(GENOPS_STR("anthropic")), "anthropic");
	assert_text(genops_conventions_gen_ai_operation(GENOPS_STR("anthropic.messages")), "chat");
	assert_text(genops_conventions_gen_ai_operation(GENOPS_STR("openai.completions")),
	    "text_completion");
	assert_text(
	    genops_conventions_gen_ai_operation(GENOPS_STR("openai.embeddings")), "embeddings");
	assert_text(genops_conventions_gen_ai_operation((genops_str){0}), "chat");
}

static void test_outcomes(void **state)
{
	(void)state;
	for (int i = GENOPS_OUTCOME_OK; i <= GENOPS_OUTCOME_ABANDONED; i++)
		assert_string_not_equal(
		    genops_conventions_outcome((enum genops_outcome)i), "unknown");
	assert_true(genops_conventions_is_executed(GENOPS_OUTCOME_CANCELLED));
	assert_false(genops_conventions_is_executed(GENOPS_OUTCOME_REFUSED));
	assert_false(genops_conventions_is_executed(GENOPS_OUTCOME_NOT_SENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_name_twice),
	    cmocka_unit_test(test_reserved),
	    cmocka_unit_test(test_standard),
	    cmocka_unit_test(test_gen_ai_names),
	    cmocka_unit_test(test_outcomes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
