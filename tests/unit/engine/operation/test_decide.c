/* SPDX-License-Identifier: Apache-2.0 - engine/operation/decide.c: modes, levels, budgets, keys, dry runs, unknown models. */
#include "engine_fixture.h"

#include "engine/operation/operation.h"

#include <genops/decision.h>
#include <sys/stat.h>

#define NANO INT64_C(1000000000)

static char *text_of(const char *format, ...) GENOPS_PRINTF(1, 2);

static char *text_of(const char *format, ...)
{
	static char text[16384];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return text;
}

/* The specification: a reason code is there iff the result is not ALLOWED. */
static void check_consistent(const struct genops_decision *decision)
{
	assert_int_equal(decision->reason == GENOPS_REASON_NONE, decision->result == GENOPS_ALLOWED);
	assert_int_equal(decision->policy.len == 0, decision->result == GENOPS_ALLOWED);
	if (decision->result == GENOPS_BLOCKED)
		assert_true(decision->is_refused);
	if (decision->is_refused)
		assert_true(decision->result == GENOPS_BLOCKED || decision->result == GENOPS_RATE_LIMITED);
	enum genops_result strictest = GENOPS_ALLOWED;
	for (size_t i = 0; i < decision->n_evaluations; i++) {
		const struct genops_evaluation *one = &decision->evaluations[i];
		if (one->result > strictest)
			strictest = one->result;
		assert_true(one->policy.len && one->policy_type.len && one->action.len);
		assert_int_equal(one->reason == GENOPS_REASON_NONE, !one->is_violation && !one->is_error);
	}
	assert_int_equal(decision->result, strictest);
}

/* proves CORE-036: what each level makes of a violation, in each mode */
static void modes_and_levels(void **state)
{
	static const char *const modes[] = {"enforced", "advisory", "audit_only"};
	static const struct {
		const char *level;
		enum genops_result in[3];
	} rows[] = {
	    {"block", {GENOPS_BLOCKED, GENOPS_WARNING, GENOPS_ALLOWED}},
	    {"warn", {GENOPS_WARNING, GENOPS_WARNING, GENOPS_ALLOWED}},
	    {"allow", {GENOPS_ALLOWED, GENOPS_ALLOWED, GENOPS_ALLOWED}},
	};
	for (size_t mode = 0; mode < 3; mode++) {
		for (size_t level = 0; level < 3; level++) {
			for (int kind = 0; kind < 2; kind++) {
				const char *policy = text_of("governance:\n  mode: %s\n  policies:\n    - {name: models, type: model_governance, "
							     "enforcement_level: %s, blocked_models: [gpt-4]}\n", modes[mode], rows[level].level);
				const char *budget = "";
				if (kind)
					budget = text_of("governance:\n  mode: %s\n  budgets:\n    - {name: tiny, enforcement_level: %s, "
							 "total_budget: 0.000000001}\n", modes[mode], rows[level].level);
				char *dir = NULL;
				assert_int_equal(make_state((void **)&dir), 0);
				genops_engine *engine = open_engine(dir, kind ? budget : policy);
				genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4", .estimate = 100});
				const struct genops_decision *decision = genops_operation_decision(operation);
				check_consistent(decision);
				assert_int_equal(decision->result, rows[level].in[mode]);
				assert_int_equal(decision->is_refused, rows[level].in[mode] == GENOPS_BLOCKED);
				assert_int_equal(decision->n_evaluations, 1);
				assert_true(decision->evaluations[0].is_violation);
				if (decision->result != GENOPS_ALLOWED)
					assert_int_equal(decision->reason,
					    kind ? GENOPS_REASON_BUDGET_EXCEEDED : GENOPS_REASON_POLICY_DENY_MODEL);
				end(operation, GENOPS_OUTCOME_OK);
				genops_engine_close(engine);
				remove_state((void **)&dir);
			}
		}
	}
}

static void a_budget_says_what_when_and_how_much(void **state)
{
	genops_engine *engine = open_engine(*state,
	    "governance: {budgets: [{name: day, daily_budget: 0.000001}]}\n"); /* 1000 nano-USD */
	genops_operation *first = begin(engine, (struct call){.estimate = 600});
	assert_int_equal(genops_operation_decision(first)->result, GENOPS_ALLOWED);
	genops_operation *second = begin(engine, (struct call){.estimate = 401});
	const struct genops_decision *decision = genops_operation_decision(second);
	check_consistent(decision);
	assert_true(decision->is_refused);
	assert_int_equal(decision->reason, GENOPS_REASON_BUDGET_EXCEEDED);
	assert_true(decision->resets_at_ns > 0 && decision->resets_at_ns % (86400 * NANO) == 0);
	assert_non_null(strstr(decision->message.ptr, "\"day\""));
	assert_non_null(strstr(decision->message.ptr, "it resets at"));
	genops_operation *third = begin(engine, (struct call){.estimate = 400}); /* exactly to the limit */
	assert_int_equal(genops_operation_decision(third)->result, GENOPS_ALLOWED);
	end(second, GENOPS_OUTCOME_OK);
	end(first, GENOPS_OUTCOME_NOT_SENT);
	end(third, GENOPS_OUTCOME_NOT_SENT);
	struct genops_budget_window window = budget_of(engine, "day");
	assert_int_equal(window.reserved_nano_usd, 0);
	assert_int_equal(window.consumed_nano_usd, 0);
	genops_engine_close(engine);
}

/* All or none: what one budget refuses is held in no other. */
static void all_budgets_or_none(void **state)
{
	genops_engine *engine = open_engine(*state, "governance:\n  budgets:\n"
						    "    - {name: wide, total_budget: 1.0}\n"
						    "    - {name: warned, enforcement_level: warn, total_budget: 0.00000001}\n"
						    "    - {name: narrow, total_budget: 0.00000005}\n");
	genops_operation *operation = begin(engine, (struct call){.estimate = 51});
	const struct genops_decision *decision = genops_operation_decision(operation);
	assert_true(decision->is_refused);
	assert_int_equal(decision->n_evaluations, 3);
	assert_memory_equal(decision->policy.ptr, "narrow", 6);
	assert_int_equal(budget_of(engine, "wide").reserved_nano_usd, 0);
	assert_int_equal(budget_of(engine, "warned").reserved_nano_usd, 0);
	end(operation, GENOPS_OUTCOME_OK);
	operation = begin(engine, (struct call){.estimate = 50});
	assert_int_equal(genops_operation_decision(operation)->result, GENOPS_WARNING);
	assert_int_equal(budget_of(engine, "warned").reserved_nano_usd, 50); /* warned, and counted all the same */
	end(operation, GENOPS_OUTCOME_NOT_SENT);
	genops_engine_close(engine);
}

/* The one too many cannot be reserved from: its `on_error` decides. It is a decision, no fault of the gateway's. */
static void more_budgets_than_a_reservation_holds(void **state)
{
	static const struct {
		const char *settings;
		enum genops_result result;
	} rows[] = {{"", GENOPS_BLOCKED}, {", on_error: open", GENOPS_ALLOWED}, {", enforcement_level: warn", GENOPS_WARNING}};
	for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
		char text[4096] = "governance:\n  budgets:\n";
		for (int i = 0; i < 9; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "    - {name: b%d, total_budget: 1.0%s}\n", i, i == 8 ? rows[row].settings : "");
		genops_engine *engine = open_engine(*state, text);
		genops_operation *operation = begin(engine, (struct call){.estimate = 1});
		const struct genops_decision *decision = genops_operation_decision(operation);
		assert_int_equal(decision->result, rows[row].result);
		assert_int_equal(decision->is_refused, rows[row].result == GENOPS_BLOCKED);
		if (decision->is_refused)
			assert_int_equal(decision->reason, GENOPS_REASON_BUDGET_RESERVATION_FAILED);
		for (int i = 0; i < 9; i++)
			assert_int_equal(budget_of(engine, text_of("b%d", i)).reserved_nano_usd, i < 8 && !decision->is_refused);
		end(operation, GENOPS_OUTCOME_NOT_SENT);
		genops_engine_close(engine);
		nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
		assert_int_equal(mkdir(*state, 0700), 0);
	}
}

/* Without a price and without a word from the caller nothing can be held: the call is counted when it ends. */
static void an_unknown_estimate_reserves_nothing(void **state)
{
	genops_engine *engine = open_engine(*state, "governance:\n"
						    "  policies: [{name: cap, type: cost_limit, match: {team: capped}, max_cost: 1.0}]\n"
						    "  budgets: [{name: all, total_budget: 0.0000001}]\n");
	genops_operation *operation = begin(engine, (struct call){0});
	const struct genops_decision *decision = genops_operation_decision(operation);
	assert_int_equal(decision->estimated_cost_nano_usd, 0);
	assert_false(decision->is_refused);
	genops_operation_record_cost(operation, 150, NULL);
	end(operation, GENOPS_OUTCOME_OK);
	assert_int_equal(budget_of(engine, "all").consumed_nano_usd, 150);
	operation = begin(engine, (struct call){0}); /* spent: not even a call of unknown cost gets in */
	assert_true(genops_operation_decision(operation)->is_refused);
	end(operation, GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

static void a_cost_limit_that_cannot_be_told_is_closed(void **state)
{
	genops_engine *engine = open_engine(*state, "governance:\n  policies:\n"
						    "    - {name: closed, type: cost_limit, match: {team: a}, max_cost: 1.0}\n"
						    "    - {name: open, type: cost_limit, match: {team: b}, max_cost: 1.0, on_error: open}\n");
	struct genops_attribute team = text_attribute("team", "a");
	genops_operation *operation = begin(engine, (struct call){.attributes = &team, .n_attributes = 1});
	const struct genops_decision *decision = genops_operation_decision(operation);
	check_consistent(decision);
	assert_true(decision->is_refused);
	assert_int_equal(decision->reason, GENOPS_REASON_POLICY_ERROR);
	end(operation, GENOPS_OUTCOME_OK);
	team = text_attribute("team", "b");
	operation = begin(engine, (struct call){.attributes = &team, .n_attributes = 1});
	assert_false(genops_operation_decision(operation)->is_refused);
	end(operation, GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

static void a_dry_run_leaves_nothing(void **state)
{
	genops_engine *engine = open_engine(*state, "governance:\n"
						    "  policies: [{name: pace, type: rate_limit, max_requests_per_minute: 1, burst: 1, max_delay: 0s}]\n"
						    "  budgets: [{name: all, total_budget: 0.000001}]\n");
	for (int i = 0; i < 5; i++) {
		genops_operation *operation = begin(engine, (struct call){.estimate = 900, .is_dry_run = true});
		assert_int_equal(genops_operation_decision(operation)->result, GENOPS_ALLOWED);
		end(operation, GENOPS_OUTCOME_OK);
	}
	assert_int_equal(look_up(engine, NULL, NULL).n, 0);
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
	genops_operation *real = begin(engine, (struct call){.estimate = 900});
	assert_int_equal(genops_operation_decision(real)->result, GENOPS_ALLOWED);
	genops_operation *dry = begin(engine, (struct call){.estimate = 900, .is_dry_run = true});
	check_consistent(genops_operation_decision(dry));
	assert_true(genops_operation_decision(dry)->is_refused); /* it sees what is held */
	end(dry, GENOPS_OUTCOME_OK);
	end(real, GENOPS_OUTCOME_OK);
	assert_int_equal(look_up(engine, NULL, NULL).n, 1);
	genops_engine_close(engine);
}

/* A call that policy refuses takes neither money nor a token. */
static void a_refused_call_takes_nothing(void **state)
{
	genops_engine *engine = open_engine(*state, "governance:\n  policies:\n"
						    "    - {name: pace, type: rate_limit, max_requests_per_minute: 1, burst: 1, max_delay: 0s}\n"
						    "    - {name: models, type: model_governance, blocked_models: [gpt-4]}\n"
						    "  budgets: [{name: all, total_budget: 0.000001}]\n");
	for (int i = 0; i < 3; i++) {
		genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4", .estimate = 900});
		const struct genops_decision *decision = genops_operation_decision(operation);
		check_consistent(decision);
		assert_int_equal(decision->reason, GENOPS_REASON_POLICY_DENY_MODEL);
		assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
		end(operation, GENOPS_OUTCOME_OK);
	}
	genops_operation *operation = begin(engine, (struct call){.estimate = 900});
	assert_int_equal(genops_operation_decision(operation)->result, GENOPS_ALLOWED);
	end(operation, GENOPS_OUTCOME_OK);
	operation = begin(engine, (struct call){.estimate = 1});
	assert_int_equal(genops_operation_decision(operation)->result, GENOPS_RATE_LIMITED);
	assert_true(genops_operation_decision(operation)->is_refused);
	assert_true(genops_operation_decision(operation)->retry_after_ns > 0);
	check_consistent(genops_operation_decision(operation));
	end(operation, GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

/* --- virtual keys, as a gateway begins operations --- */

static const char key_config[] = "governance:\n"
				 "  pricing: {unknown_model: block}\n"
				 "  budgets:\n"
				 "    - {name: keys, match: {team: nobody}, total_budget: 0.001}\n"
				 "  keys:\n"
				 "    - {name: bot, key: vk-0123456789abcdef0123, attributes: {team: bound}, models: [gpt-4o-mini], budgets: [keys]}\n";

static genops_operation *begin_with_key(genops_engine *engine, const char *model, bool is_free)
{
	struct genops_attribute team = text_attribute("team", "claimed");
	struct genops_operation_options options;
	struct genops_error err = {0};
	genops_operation *operation;
	struct genops_config *snapshot = genops_engine_config(engine);
	const struct genops_config_key *key = genops_config_key_find(snapshot, GENOPS_STR("vk-0123456789abcdef0123"));
	assert_non_null(key);
	assert_null(genops_config_key_find(snapshot, GENOPS_STR("vk-0123456789abcdef0124")));
	genops_operation_options_init(&options);
	options.provider = GENOPS_STR("openai");
	options.model = genops_str_of(model);
	options.attributes = &team;
	options.n_attributes = 1;
	options.expected = (genops_usage){.input_tokens = 10, .output_tokens = 10};
	struct genops_operation_origin origin = {
	    .key = key, .bound = key->attributes, .n_bound = key->n_attributes, .config = snapshot, .is_free = is_free};
	if (genops_operation_begin_from(engine, &options, &origin, &operation, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	genops_config_unref(snapshot);
	return operation;
}

static void a_key_binds(void **state)
{
	genops_engine *engine = open_engine(*state, key_config);
	genops_operation *operation = begin_with_key(engine, "gpt-4o-mini", false);
	assert_int_equal(genops_operation_decision(operation)->result, GENOPS_ALLOWED);
	assert_true(budget_of(engine, "keys").reserved_nano_usd > 0); /* whatever its match says */
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(operation));
	end(operation, GENOPS_OUTCOME_OK);
	struct seen seen = look_up(engine, "operation", id);
	assert_string_equal(seen.team, "bound"); /* a header cannot change it */
	assert_string_equal(seen.key_name, "bot");
	operation = begin_with_key(engine, "gpt-4o", false);
	check_consistent(genops_operation_decision(operation));
	assert_int_equal(genops_operation_decision(operation)->reason, GENOPS_REASON_KEY_BINDING);
	end(operation, GENOPS_OUTCOME_OK);
	operation = begin_with_key(engine, "", false); /* priced, but of no model that one can see */
	assert_true(genops_operation_decision(operation)->is_refused);
	end(operation, GENOPS_OUTCOME_OK);
	operation = begin_with_key(engine, "", true); /* the list of models */
	assert_false(genops_operation_decision(operation)->is_refused);
	end(operation, GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

static void an_unknown_model_is_never_free(void **state)
{
	genops_engine *engine = open_engine(*state, "governance: {budgets: [{name: all, total_budget: 100.0}]}\n");
	genops_operation *known = begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .in = 1000, .out = 1000});
	genops_operation *unknown = begin(engine, (struct call){.provider = "openai", .model = "nobody-knows", .in = 1000, .out = 1000});
	genops_operation *strange = begin(engine, (struct call){.provider = "nobody", .model = "nobody-knows", .in = 1000, .out = 1000});
	int64_t known_cost = genops_operation_decision(known)->estimated_cost_nano_usd;
	assert_true(genops_operation_decision(unknown)->estimated_cost_nano_usd > known_cost);
	assert_true(genops_operation_decision(strange)->estimated_cost_nano_usd > known_cost);
	/* A provider that nobody knows is not billed by a model of somebody else's, whatever it says that it is. */
	genops_usage usage = {.input_tokens = 1000, .output_tokens = 1000};
	genops_operation_record_usage(strange, &usage, NULL);
	genops_operation_record_model(strange, GENOPS_STR("gpt-4o-mini"), NULL);
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(strange));
	end(known, GENOPS_OUTCOME_NOT_SENT);
	end(unknown, GENOPS_OUTCOME_NOT_SENT);
	end(strange, GENOPS_OUTCOME_OK);
	struct seen seen = look_up(engine, "operation", id);
	assert_true(seen.is_cost_estimated);
	assert_true(seen.cost > known_cost);
	genops_engine_close(engine);
}

static void unknown_models_may_be_blocked(void **state)
{
	genops_engine *engine = open_engine(*state, key_config);
	genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "nobody-knows", .in = 1, .out = 1});
	check_consistent(genops_operation_decision(operation));
	assert_int_equal(genops_operation_decision(operation)->reason, GENOPS_REASON_UNKNOWN_MODEL);
	end(operation, GENOPS_OUTCOME_OK);
	operation = begin_with_key(engine, "gpt-4o-mini", true); /* free calls have no price to be unknown: count_tokens */
	assert_int_equal(genops_operation_decision(operation)->result, GENOPS_ALLOWED);
	end(operation, GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

/* More combinations than there are counters: what cannot be reserved from is decided by on_error. */
static void a_budget_that_cannot_be_counted(void **state)
{
	static const struct {
		const char *settings;
		enum genops_result result;
	} rows[] = {
	    {"", GENOPS_BLOCKED},
	    {", on_error: open", GENOPS_ALLOWED},
	    {", enforcement_level: warn", GENOPS_WARNING},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct genops_decision last = {0};
		genops_operation *operation = NULL;
		genops_engine *engine = open_engine(*state, text_of("governance: {budgets: [{name: all, total_budget: 1.0}, {name: each, "
								    "per: [customer_id], total_budget: 1.0%s}]}\n", rows[i].settings));
		for (int customer = 0; customer < 5000; customer++) {
			char name[32];
			snprintf(name, sizeof name, "c%d", customer);
			struct genops_attribute attribute = text_attribute("customer_id", name);
			operation = begin(engine, (struct call){.estimate = NANO / 2, .attributes = &attribute, .n_attributes = 1,
							.is_dry_run = false});
			last = *genops_operation_decision(operation);
			if (last.evaluations[0].is_error)
				break;
			end(operation, GENOPS_OUTCOME_NOT_SENT);
		}
		assert_true(last.evaluations[0].is_error);
		assert_string_equal(last.evaluations[0].policy.ptr, "each");
		assert_int_equal(last.result, rows[i].result);
		assert_int_equal(last.is_refused, rows[i].result == GENOPS_BLOCKED);
		if (rows[i].result == GENOPS_BLOCKED)
			assert_int_equal(last.reason, GENOPS_REASON_BUDGET_RESERVATION_FAILED);
		/* The other budget still counts. */
		if (rows[i].result != GENOPS_BLOCKED)
			assert_int_equal(budget_of(engine, "all").reserved_nano_usd, NANO / 2);
		end(operation, GENOPS_OUTCOME_OK);
		genops_engine_close(engine);
		nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
		assert_int_equal(mkdir(*state, 0700), 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(modes_and_levels),
	    TEST(a_budget_says_what_when_and_how_much),
	    TEST(all_budgets_or_none),
	    TEST(more_budgets_than_a_reservation_holds),
	    TEST(an_unknown_estimate_reserves_nothing),
	    TEST(a_cost_limit_that_cannot_be_told_is_closed),
	    TEST(a_budget_that_cannot_be_counted),
	    TEST(a_dry_run_leaves_nothing),
	    TEST(a_refused_call_takes_nothing),
	    TEST(a_key_binds),
	    TEST(an_unknown_model_is_never_free),
	    TEST(unknown_models_may_be_blocked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
