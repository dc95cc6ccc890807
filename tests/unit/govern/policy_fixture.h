/* SPDX-License-Identifier: Apache-2.0
 * A policy made from option texts, as the configuration makes it, for the tests of the policy
 * types. */
#ifndef POLICY_FIXTURE_H
#define POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/policy/policy.h"

#include <genops/operation.h>

struct fixture {
	struct genops_arena arena;
	struct genops_policy policy;
	struct genops_attributes attributes;
	struct genops_policy_input input;
	struct genops_evaluation evaluation;
	struct genops_decision decision;
	struct genops_error err;
};

/* `settings` is "name=value" texts, NULL-ended. Returns what the option rows or compile say. */
static inline int fixture_compile(struct fixture *f, const char *type, const char *const *settings)
{
	genops_arena_init(&f->arena, 1 << 24);
	genops_attributes_init(&f->attributes, &f->arena);
	f->policy.type = genops_policy_type_find(genops_str_of(type));
	assert_non_null(f->policy.type);
	f->policy.name = GENOPS_STR("rule");
	f->policy.level = GENOPS_LEVEL_BLOCK;
	f->policy.is_enabled = true;
	f->policy.settings = genops_arena_alloc(&f->arena, f->policy.type->settings_size);
	GENOPS_TRY(genops_option_defaults(
	    f->policy.type->options, f->policy.settings, &f->arena, &f->err));
	for (; *settings; settings++) {
		genops_str value = genops_str_of(*settings);
		genops_str name = genops_str_split(&value, '=');
		const struct genops_option *option =
		    genops_option_find(f->policy.type->options, name);
		assert_non_null(option);
		GENOPS_TRY(
		    genops_option_set(option, f->policy.settings, value, &f->arena, &f->err));
	}
	return f->policy.type->compile
		   ? f->policy.type->compile(f->policy.settings, &f->arena, &f->err)
		   : 0;
}

static inline void fixture_open(struct fixture *f, const char *type, const char *const *settings)
{
	assert_int_equal(fixture_compile(f, type, settings), GENOPS_OK);
	f->input.subject.attributes = &f->attributes;
	f->input.arena = &f->arena;
}

static inline void fixture_close(struct fixture *f)
{
	if (f->policy.type->release)
		f->policy.type->release(f->policy.settings);
	genops_arena_done(&f->arena);
}

static inline enum genops_result fixture_run(struct fixture *f, enum genops_mode mode)
{
	const struct genops_policy *policies[] = {&f->policy};
	f->decision = (struct genops_decision){0};
	f->evaluation = (struct genops_evaluation){0};
	assert_int_equal(
	    genops_policies_evaluate(policies, 1, mode, &f->input, &f->evaluation, 1, &f->decision),
	    1);
	assert_int_equal(f->decision.result, f->evaluation.result);
	return f->evaluation.result;
}

static inline void fixture_attribute(struct fixture *f, const char *key, const char *value)
{
	assert_int_equal(genops_attributes_set_text(
			     &f->attributes, genops_str_of(key), genops_str_of(value), &f->err),
	    GENOPS_OK);
}

static inline void assert_says(genops_str message, const char *text)
{
	if (genops_str_find(message, genops_str_of(text)) == SIZE_MAX)
		fail_msg("\"%.*s\" does not say \"%s\"", GENOPS_STR_ARG(message), text);
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
