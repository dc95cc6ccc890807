/* SPDX-License-Identifier: Apache-2.0
 * Small files of the state directory: replaced as a whole, read whole, one worker at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "store/state_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/genops-state-file-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static void test_replaced_and_read(void **state)
{
	(void)state;
	struct genops_buffer text;
	struct genops_error err;
	struct stat status;
	char path[128];
	assert_int_equal(genops_state_file_read(dir, "x", 100, &text, &err), GENOPS_NOT_FOUND);
	genops_buffer_done(&text);
	assert_int_equal(genops_state_file_write(dir, "x", GENOPS_STR("first, longer"), &err), GENOPS_OK);
	assert_int_equal(genops_state_file_write(dir, "x", GENOPS_STR("second"), &err), GENOPS_OK);
	assert_int_equal(genops_state_file_read(dir, "x", 100, &text, &err), GENOPS_OK);
	assert_true(genops_str_is(genops_buffer_view(&text), "second"));
	genops_buffer_done(&text);
	assert_int_equal(genops_state_file_read(dir, "x", 5, &text, &err), GENOPS_LIMIT);
	genops_buffer_done(&text);
	snprintf(path, sizeof path, "%s/x", dir);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(genops_state_file_write("/nonexistent", "x", GENOPS_STR("y"), &err), GENOPS_IO);
}

/* What stands in the way of a replacement leaves the old one, and nothing beside it. */
static void test_a_failure_leaves_the_old_one(void **state)
{
	(void)state;
	struct genops_error err;
	char path[128], aside[160];
	snprintf(path, sizeof path, "%s/there", dir);
	assert_int_equal(mkdir(path, 0700), 0); /* a file cannot be renamed over a folder */
	assert_int_equal(genops_state_file_write(dir, "there", GENOPS_STR("y"), &err), GENOPS_IO);
	snprintf(aside, sizeof aside, "%s.%ld", path, (long)getpid());
	assert_int_not_equal(access(aside, F_OK), 0);
}

static void test_one_at_a_time(void **state)
{
	(void)state;
	struct genops_error err;
	int first, second;
	assert_int_equal(genops_state_file_lock(dir, "lock", &first, &err), GENOPS_OK);
	assert_int_equal(genops_state_file_lock(dir, "lock", &second, &err), GENOPS_BUSY);
	genops_state_file_unlock(first);
	assert_int_equal(genops_state_file_lock(dir, "lock", &second, &err), GENOPS_OK);
	genops_state_file_unlock(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_replaced_and_read, begin, end),
	    cmocka_unit_test_setup_teardown(test_a_failure_leaves_the_old_one, begin, end),
	    cmocka_unit_test_setup_teardown(test_one_at_a_time, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
