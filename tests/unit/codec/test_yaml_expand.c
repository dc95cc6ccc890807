/* SPDX-License-Identifier: Apache-2.0
 * test_yaml_expand.c - ${VAR}, its defaults, its escape, and what a missing variable is told. proves CORE-051 (clear error) */
#include "codec/yaml.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *get(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "KEY") == 0 ? "k-${KEY}" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static const struct genops_yaml_variables variables = {get, NULL};

static void becomes(const char *text, const char *expected)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1000);
	assert_int_equal(genops_yaml_expand(genops_str_of(text), &variables, &out, NULL), GENOPS_OK);
	genops_buffer_add_char(&out, '\0');
	assert_string_equal(out.ptr, expected);
	genops_buffer_done(&out);
}

static void fails(const char *text, const char *message, const char *fix)
{
	struct genops_buffer out;
	struct genops_error err = {0};
	genops_buffer_init(&out, 1000);
	assert_int_equal(genops_yaml_expand(genops_str_of(text), &variables, &out, &err), GENOPS_CONFIG);
	assert_string_equal(err.message, message);
	assert_string_equal(err.fix, fix);
	genops_buffer_done(&out);
}

static void expands(void **state)
{
	becomes("", "");
	becomes("plain $ text }", "plain $ text }");
	becomes("Bearer ${KEY}.", "Bearer k-${KEY}."); /* a value is not expanded again */
	becomes("${env:KEY}", "k-${KEY}");
	becomes("${KEY:-other}", "k-${KEY}");
	becomes("${NONE:-}", "");
	becomes("${NONE:-http://x:1/a-b}|${EMPTY:-d}|${EMPTY}|", "http://x:1/a-b|d||");
	becomes("$${KEY} $$5 $", "${KEY} $$5 $");
	becomes("$$${KEY}", "$${KEY}");
}

static void says_what_is_missing(void **state)
{
	fails("a ${NONE}", "environment variable NONE is not set", "set it, or write ${NONE:-} where it may be empty");
	fails("${KEY", "a ${ is not closed", "close it with }, or write $${ for a plain ${");
	fails("${}", "\"${}\" names no environment variable", "write ${NAME} or ${NAME:-default}, or $${ for a plain ${");
	fails("${_time:%Y}", "\"${_time:%Y}\" names no environment variable",
	    "write ${NAME} or ${NAME:-default}, or $${ for a plain ${");
}

static void stays_within_its_maximum(void **state)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 4);
	assert_int_equal(genops_yaml_expand(GENOPS_STR("${KEY}"), &variables, &out, NULL), GENOPS_LIMIT);
	genops_buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expands),
	    cmocka_unit_test(says_what_is_missing),
	    cmocka_unit_test(stays_within_its_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
