/* SPDX-License-Identifier: Apache-2.0
 * Levels and modes in every spelling, and what they make of a violation. Proves CORE-031 (modes),
 * CORE-033, COL-150, COL-151, COL-152, COL-153 (spellings in any case), A-002, A-003. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/level.h"

static void levels_are_read_in_every_spelling(void **state)
{
	static const struct {
		const char *text;
		enum genops_level level;
	} cases[] = {
	    {"block", GENOPS_LEVEL_BLOCK},
	    {"BLOCKED", GENOPS_LEVEL_BLOCK},
	    {"Block", GENOPS_LEVEL_BLOCK},
	    {"warn", GENOPS_LEVEL_WARN},
	    {"WARNING", GENOPS_LEVEL_WARN},
	    {"alert", GENOPS_LEVEL_WARN},
	    {"rate_limit", GENOPS_LEVEL_RATE_LIMIT},
	    {"RATE_LIMITED", GENOPS_LEVEL_RATE_LIMIT},
	    {"Throttle", GENOPS_LEVEL_RATE_LIMIT},
	    {"allow", GENOPS_LEVEL_ALLOW},
	    {"Allowed", GENOPS_LEVEL_ALLOW},
	    {" log ", GENOPS_LEVEL_ALLOW},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum genops_level level;
		assert_true(genops_level_parse(genops_str_of(cases[i].text), &level));
		assert_int_equal(level, cases[i].level);
	}
	enum genops_level level = GENOPS_LEVEL_WARN;
	assert_false(genops_level_parse(GENOPS_STR("blok"), &level));
	assert_false(genops_level_parse(GENOPS_STR(""), &level));
	assert_int_equal(level, GENOPS_LEVEL_WARN);
}

static void names_read_back(void **state)
{
	for (int i = GENOPS_LEVEL_ALLOW; i <= GENOPS_LEVEL_BLOCK; i++) {
		enum genops_level level;
		const char *name = genops_level_name((enum genops_level)i);
		assert_true(genops_level_parse(genops_str_of(name), &level));
		assert_int_equal(level, i);
	}
	for (int i = GENOPS_MODE_ENFORCED; i <= GENOPS_MODE_AUDIT_ONLY; i++) {
		enum genops_mode mode;
		assert_true(
		    genops_mode_parse(genops_str_of(genops_mode_name((enum genops_mode)i)), &mode));
		assert_int_equal(mode, i);
	}
	enum genops_mode mode;
	assert_true(genops_mode_parse(GENOPS_STR("Strict"), &mode));
	assert_int_equal(mode, GENOPS_MODE_ENFORCED);
	assert_false(genops_mode_parse(GENOPS_STR("relaxed"), &mode));
}

static void a_violation_becomes_what_level_and_mode_say(void **state)
{
	static const enum genops_result expected[4][3] = {
	    /* enforced, advisory, audit_only */
	    {GENOPS_ALLOWED, GENOPS_ALLOWED, GENOPS_ALLOWED},	   /* allow */
	    {GENOPS_WARNING, GENOPS_WARNING, GENOPS_ALLOWED},	   /* warn */
	    {GENOPS_RATE_LIMITED, GENOPS_WARNING, GENOPS_ALLOWED}, /* rate_limit */
	    {GENOPS_BLOCKED, GENOPS_WARNING, GENOPS_ALLOWED},	   /* block */
	};
	for (int level = 0; level < 4; level++) {
		for (int mode = 0; mode < 3; mode++)
			assert_int_equal(
			    genops_level_result((enum genops_level)level, (enum genops_mode)mode),
			    expected[level][mode]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(levels_are_read_in_every_spelling),
	    cmocka_unit_test(names_read_back),
	    cmocka_unit_test(a_violation_becomes_what_level_and_mode_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
