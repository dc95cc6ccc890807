/* SPDX-License-Identifier: Apache-2.0
 * test_error.c - filling, cutting, places; every code has a text and an exit code. */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_failing_is_one_line(void **state)
{
	(void)state;
	struct genops_error err = {.line = 7, .file = "old", .fix = "old"};
	assert_int_equal(genops_fail(&err, GENOPS_CONFIG, "no \"%s\"", "team"), GENOPS_CONFIG);
	assert_int_equal(err.code, GENOPS_CONFIG);
	assert_string_equal(err.message, "no \"team\"");
	assert_string_equal(err.fix, ""); /* nothing is left of an older error */
	assert_string_equal(err.file, "");
	assert_int_equal(err.line, 0);
	assert_int_equal(
	    genops_fail_fix(&err, GENOPS_FULL, "free some", "full: %d", 3), GENOPS_FULL);
	assert_string_equal(err.message, "full: 3");
	assert_string_equal(err.fix, "free some");
	assert_int_equal(genops_fail_errno(&err, GENOPS_IO, ENOENT, "open %s", "x"), GENOPS_IO);
	assert_string_equal(err.message, "open x: No such file or directory");
	genops_fail(&err, GENOPS_CONFIG, "inner");
	genops_fail(&err, GENOPS_IO, "outer: %s", err.message);
	assert_string_equal(err.message, "outer: inner");
	assert_int_equal(genops_fail(NULL, GENOPS_LIMIT, "nobody asked"), GENOPS_LIMIT);
	assert_int_equal(genops_fail_fix(NULL, GENOPS_LIMIT, "x", "y"), GENOPS_LIMIT);
	assert_int_equal(genops_fail_errno(NULL, GENOPS_IO, ENOENT, "y"), GENOPS_IO);
}

static void test_long_texts_are_cut(void **state)
{
	(void)state;
	struct genops_error err = {0};
	char text[2000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	genops_fail_fix(&err, GENOPS_IO, text, "%s", text);
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
	assert_int_equal(strlen(err.fix), sizeof err.fix - 1);
	genops_error_place(&err, text, 1, 2);
	assert_int_equal(strlen(err.file), sizeof err.file - 1);
	genops_fail_errno(&err, GENOPS_IO, ENOENT, "%s", text);
	assert_true(strlen(err.message) < sizeof err.message);
}

static void test_the_first_place_is_kept(void **state)
{
	(void)state;
	struct genops_error err = {0};
	genops_fail(&err, GENOPS_CONFIG, "x");
	genops_error_place(&err, "a.yaml", 3, 4);
	genops_error_place(&err, "b.yaml", 5, 6);
	assert_string_equal(err.file, "a.yaml");
	assert_int_equal(err.line, 3);
	assert_int_equal(err.column, 4);
	genops_error_place(NULL, "b.yaml", 5, 6);
}

static int passes(int code, int *reached)
{
	GENOPS_TRY(code);
	*reached = 1;
	return GENOPS_OK;
}

static void test_try_passes_failures_on(void **state)
{
	(void)state;
	int reached = 0;
	assert_int_equal(passes(GENOPS_BUSY, &reached), GENOPS_BUSY);
	assert_int_equal(reached, 0);
	assert_int_equal(passes(GENOPS_OK, &reached), GENOPS_OK);
	assert_int_equal(reached, 1);
}

static void test_every_code_has_its_row(void **state)
{
	(void)state;
#define X(symbol, number, exit_code, text)                                                         \
	assert_int_equal(GENOPS_##symbol, number);                                                 \
	assert_string_equal(genops_error_text(number), text);                                      \
	assert_int_equal(genops_error_exit_code(number), exit_code);
	GENOPS_ERRORS(X)
#undef X
	assert_int_equal(genops_error_exit_code(GENOPS_OK), 0);
	assert_int_equal(genops_error_exit_code(12345), 1);
	assert_string_equal(genops_error_text(12345), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_failing_is_one_line),
	    cmocka_unit_test(test_long_texts_are_cut),
	    cmocka_unit_test(test_the_first_place_is_kept),
	    cmocka_unit_test(test_try_passes_failures_on),
	    cmocka_unit_test(test_every_code_has_its_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
