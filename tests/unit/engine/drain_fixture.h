/* SPDX-License-Identifier: Apache-2.0
 * drain_fixture.h - one budget, what was spent of it, and whether all books agree. For tests of src/engine/drain. */
#ifndef TESTS_DRAIN_FIXTURE_H
#define TESTS_DRAIN_FIXTURE_H

#include "engine_fixture.h"

static const char config[] = "governance: {budgets: [{name: all, total_budget: 1.0}]}\n";

static inline void spend(genops_engine *engine, int64_t amount)
{
	genops_operation *operation = begin(engine, (struct call){.estimate = amount});
	genops_operation_record_cost(operation, amount, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

static inline void check_agree(genops_engine *engine, int64_t amount)
{
	struct genops_budget_window window = budget_of(engine, "all");
	assert_int_equal(spent(engine), amount);
	assert_int_equal(window.consumed_nano_usd, amount);
	assert_int_equal(window.reserved_nano_usd, 0);
	struct genops_audit_verification verification;
	struct genops_error err;
	assert_int_equal(genops_report_audit_verify(engine, &verification, &err), GENOPS_OK);
	assert_int_equal(verification.first_bad, 0);
}

#endif
