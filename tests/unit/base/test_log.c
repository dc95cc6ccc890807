/* SPDX-License-Identifier: Apache-2.0
 * test_log.c - levels, one line a call, silence without a callback. */
#include "base/error.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct sink {
	int n;
	enum genops_log_level level;
	char line[4096];
};

static void keep(void *arg, enum genops_log_level level, const char *line)
{
	struct sink *sink = arg;
	sink->n++;
	sink->level = level;
	strncpy(sink->line, line, sizeof sink->line - 1);
}

static void test_levels(void **state)
{
	(void)state;
	struct sink sink = {0};
	struct genops_log log = {keep, &sink, GENOPS_LOG_WARN};
	genops_log_write(&log, GENOPS_LOG_INFO, "quiet");
	assert_int_equal(sink.n, 0);
	genops_log_write(&log, GENOPS_LOG_WARN, "n=%d", 5);
	genops_log_write(&log, GENOPS_LOG_ERROR, "n=%d", 6);
	assert_int_equal(sink.n, 2);
	assert_int_equal(sink.level, GENOPS_LOG_ERROR);
	assert_string_equal(sink.line, "n=6");
	genops_log_write(NULL, GENOPS_LOG_ERROR, "nobody");
	log.on_log = NULL;
	genops_log_write(&log, GENOPS_LOG_ERROR, "nobody");
}

static void test_one_line_is_one_line(void **state)
{
	(void)state;
	struct sink sink = {0};
	struct genops_log log = {keep, &sink, GENOPS_LOG_DEBUG};
	genops_log_write(&log, GENOPS_LOG_ERROR, "name %s", "a\nfake\r\x1b[31m");
	assert_string_equal(sink.line, "name a fake  [31m");
	char text[3000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	genops_log_write(&log, GENOPS_LOG_ERROR, "%s", text);
	assert_true(strlen(sink.line) > 1000 && strlen(sink.line) < 3000);
}

static void test_errors(void **state)
{
	(void)state;
	struct sink sink = {0};
	struct genops_log log = {keep, &sink, GENOPS_LOG_DEBUG};
	struct genops_error err = {0};
	genops_fail(&err, GENOPS_IO, "disk");
	genops_log_error(&log, GENOPS_LOG_ERROR, "drain", &err);
	assert_string_equal(sink.line, "drain: disk");
	genops_fail_fix(&err, GENOPS_CONFIG, "say team", "unknown key");
	genops_error_place(&err, "a.yaml", 3, 4);
	genops_log_error(&log, GENOPS_LOG_ERROR, "reload", &err);
	assert_string_equal(sink.line, "reload (a.yaml:3:4): unknown key; say team");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_one_line_is_one_line),
	    cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
