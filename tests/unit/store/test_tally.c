/* SPDX-License-Identifier: Apache-2.0
 * test_tally.c - counters of all processes: exact under threads and SIGKILL, bounded, and begun anew when the file is not one of ours. */
#include "store/tally.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/genops-tally-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static struct genops_tally *open_tally(void)
{
	struct genops_error err = {0};
	struct genops_tally *tally = genops_tally_open(folder, &err);
	if (!tally)
		fail_msg("%s", err.message);
	return tally;
}

struct wanted {
	genops_str name;
	uint64_t value;
	size_t n, n_all;
};

static void look(void *arg, genops_str name, uint64_t value)
{
	struct wanted *wanted = arg;
	wanted->n_all++;
	if (!genops_str_equal(name, wanted->name))
		return;
	wanted->value += value;
	wanted->n++;
}

static struct wanted find(const struct genops_tally *tally, const char *name)
{
	struct wanted wanted = {.name = genops_str_of(name)};
	genops_tally_each(tally, look, &wanted);
	return wanted;
}

static void counts_outlive_who_counts(void **state)
{
	(void)state;
	struct genops_tally *first = open_tally(), *second = open_tally(); /* opening waits for nobody who has it open */
	genops_tally_add(first, GENOPS_STR("a{b=\"c\"}"), 3);
	genops_tally_add(second, GENOPS_STR("a{b=\"c\"}"), 4);
	genops_tally_add(second, GENOPS_STR("a{b=\"d\"}"), 1);
	genops_tally_add(second, GENOPS_STR("nothing"), 0);
	genops_tally_add(NULL, GENOPS_STR("nobody"), 1);
	assert_int_equal(find(first, "a{b=\"c\"}").value, 7);
	assert_int_equal(find(first, "a{b=\"c\"}").n_all, 2);
	genops_tally_close(first);
	genops_tally_close(second);
	second = open_tally();
	assert_int_equal(find(second, "a{b=\"c\"}").value, 7);
	genops_tally_close(second);
	genops_tally_close(NULL);
}

#define ROUNDS 20000

static void *add(void *arg)
{
	char name[32];
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof name, "t%d", i % 7);
		genops_tally_add(arg, genops_str_of(name), 1);
	}
	return NULL;
}

static void threads_and_processes_lose_no_count(void **state)
{
	(void)state;
	struct genops_tally *tally = open_tally();
	pthread_t threads[4];
	pid_t child = fork();
	if (child == 0) {
		add(tally); /* the mapping is shared */
		_exit(0);
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add, tally), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	uint64_t sum = 0;
	for (int i = 0; i < 7; i++) {
		char name[32];
		snprintf(name, sizeof name, "t%d", i);
		sum += find(tally, name).value;
	}
	assert_int_equal(sum, 5 * ROUNDS);
	genops_tally_close(tally);
}

static void too_many_names_are_one(void **state)
{
	(void)state;
	struct genops_tally *tally = open_tally();
	char name[400];
	for (int i = 0; i < GENOPS_TALLY_SERIES_MAX + 100; i++) {
		snprintf(name, sizeof name, "series_%d", i);
		genops_tally_add(tally, genops_str_of(name), 1);
	}
	memset(name, 'x', sizeof name);
	genops_tally_add(tally, (genops_str){name, sizeof name}, 5);
	assert_int_equal(find(tally, GENOPS_TALLY_OTHER).value, 105);
	assert_int_equal(find(tally, "series_0").value, 1);
	genops_tally_close(tally);
}

/* Cut off, or of another version: begun anew, and who has the old one mapped goes on undisturbed. */
static void a_file_that_is_none_is_replaced(void **state)
{
	(void)state;
	char path[128];
	struct genops_tally *old = open_tally();
	genops_tally_add(old, GENOPS_STR("a"), 1);
	snprintf(path, sizeof path, "%s/tally", folder);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "another", 7, 0), 7);
	close(fd);
	struct genops_tally *fresh = open_tally();
	assert_int_equal(find(fresh, "a").n_all, 0);
	genops_tally_add(old, GENOPS_STR("a"), 1);
	assert_int_equal(find(old, "a").value, 2);
	genops_tally_close(old);
	genops_tally_close(fresh);
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "torn", 4), 4);
	close(fd);
	genops_tally_close(open_tally());
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	struct genops_error err = {0};
	assert_null(genops_tally_open(folder, &err));
	assert_int_equal(err.code, GENOPS_IO);
}

/* Whoever is killed in the middle of naming a counter, the others count on. */
static void the_killed_hold_up_nobody(void **state)
{
	(void)state;
	struct genops_tally *tally = open_tally();
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		if (child == 0) {
			char name[32];
			for (unsigned n = 0;; n++) {
				snprintf(name, sizeof name, "k%u", n % 200);
				genops_tally_add(tally, genops_str_of(name), 1);
			}
		}
		genops_tally_add(tally, GENOPS_STR("mine"), 1);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	assert_int_equal(find(tally, "mine").value, 20);
	genops_tally_close(tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(counts_outlive_who_counts, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(threads_and_processes_lose_no_count, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(too_many_names_are_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_file_that_is_none_is_replaced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_killed_hold_up_nobody, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
