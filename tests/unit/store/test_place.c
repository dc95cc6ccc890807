/* SPDX-License-Identifier: Apache-2.0
 * Tests of store/place.c: one holder, whole replacement, damage, asking. */
#include "store/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/genops-place-XXXXXX";
static struct genops_error err;

static int make(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int drop(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static void one_holds_it(void **state)
{
	struct genops_place *place, *other = NULL;
	assert_int_equal(genops_place_open(folder, "x", &place, &err), GENOPS_OK);
	assert_int_equal(genops_place_open(folder, "x", &other, &err), GENOPS_BUSY);
	assert_null(other);
	assert_int_equal(genops_place_open(folder, "y", &other, &err), GENOPS_OK);
	genops_place_close(other);
	genops_place_close(place);
	assert_int_equal(genops_place_open(folder, "x", &place, &err), GENOPS_OK);
	genops_place_close(place);
	genops_place_close(NULL);
}

static void the_dead_holders_place_is_free(void **state)
{
	struct genops_place *place;
	pid_t child = fork();
	if (!child) {
		if (genops_place_open(folder, "x", &place, &err) != GENOPS_OK || genops_place_save(place, "12345678", 8, false, &err) != GENOPS_OK)
			_exit(1);
		_exit(0); /* without closing */
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	char bytes[8];
	assert_int_equal(genops_place_open(folder, "x", &place, &err), GENOPS_OK);
	assert_int_equal(genops_place_load(folder, "x", bytes, 8, &err), GENOPS_OK);
	assert_memory_equal(bytes, "12345678", 8);
	genops_place_close(place);
}

static void saved_is_loaded(void **state)
{
	struct genops_place *place;
	char bytes[4] = "....";
	assert_int_equal(genops_place_load(folder, "new", bytes, 4, &err), GENOPS_NOT_FOUND);
	assert_int_equal(genops_place_open(folder, "new", &place, &err), GENOPS_OK);
	assert_int_equal(genops_place_save(place, "one!", 4, true, &err), GENOPS_OK);
	assert_int_equal(genops_place_save(place, "two!", 4, true, &err), GENOPS_OK);
	assert_int_equal(genops_place_load(folder, "new", bytes, 4, &err), GENOPS_OK);
	assert_memory_equal(bytes, "two!", 4);
	genops_place_close(place);
}

static void damage_is_found_and_nothing_touched(void **state)
{
	struct genops_place *place;
	char path[128], bytes[4] = "....";
	assert_int_equal(genops_place_open(folder, "bad", &place, &err), GENOPS_OK);
	assert_int_equal(genops_place_save(place, "good", 4, false, &err), GENOPS_OK);
	assert_int_equal(genops_place_load(folder, "bad", bytes, 3, &err), GENOPS_CORRUPT);
	snprintf(path, sizeof path, "%s/bad.place", folder);
	for (long at = 0; at < 28; at++) {
		FILE *file = fopen(path, "r+");
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		int byte = fgetc(file);
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		fputc(byte ^ 1, file);
		fclose(file);
		assert_int_equal(genops_place_load(folder, "bad", bytes, 4, &err), GENOPS_CORRUPT);
		assert_int_equal(genops_place_save(place, "good", 4, false, &err), GENOPS_OK);
	}
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(genops_place_load(folder, "bad", bytes, 4, &err), GENOPS_CORRUPT);
	assert_memory_equal(bytes, "....", 4);
	genops_place_close(place);
}

static void what_is_asked_only_grows(void **state)
{
	struct genops_place *place;
	assert_int_equal(genops_place_open(folder, "asked", &place, &err), GENOPS_OK);
	assert_int_equal(genops_place_asked(place).target, 0);
	assert_int_equal(genops_place_ask(folder, "asked", 7, &err), GENOPS_OK);
	assert_int_equal(genops_place_asked(place).target, 7);
	uint64_t ticket = genops_place_asked(place).ticket;
	assert_int_equal(genops_place_ask(folder, "asked", 5, &err), GENOPS_OK);
	assert_int_equal(genops_place_asked(place).target, 7);
	assert_true(genops_place_asked(place).ticket != ticket);
	genops_place_close(place);
}

static void a_folder_that_is_not_there(void **state)
{
	struct genops_place *place = NULL;
	assert_int_equal(genops_place_open("/nonexistent/x", "x", &place, &err), GENOPS_IO);
	assert_null(place);
	assert_int_equal(genops_place_ask("/nonexistent/x", "x", 1, &err), GENOPS_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_holds_it),
	    cmocka_unit_test(the_dead_holders_place_is_free),
	    cmocka_unit_test(saved_is_loaded),
	    cmocka_unit_test(damage_is_found_and_nothing_touched),
	    cmocka_unit_test(what_is_asked_only_grows),
	    cmocka_unit_test(a_folder_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
