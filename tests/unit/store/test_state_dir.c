/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_state_dir.c - store/state_dir.c, drain_lock.c and fork.c: what is made, what is
 * refused, who may drain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/drain_lock.h"
#include "store/fork.h"
#include "store/state_dir.h"

static char top[64];

static int set_up(void **state)
{
	strcpy(top, "/tmp/genops-state-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

static const char *in_top(const char *name)
{
	static char path[5000];
	snprintf(path, sizeof path, "%s/%s", top, name);
	return path;
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	return st.st_mode & 0777;
}

static void test_makes_all(void **state)
{
	struct genops_error err;
	mode_t old = umask(0);
	assert_int_equal(genops_state_dir_open(in_top("a/b//state"), &err), GENOPS_OK);
	umask(old);
	assert_int_equal(mode_of(in_top("a")), 0700);
	assert_int_equal(mode_of(in_top("a/b/state")), 0700);
	assert_int_equal(mode_of(in_top("a/b/state/segments")), 0700);
	assert_int_equal(mode_of(in_top("a/b/state/queue")), 0700);
	assert_int_equal(genops_state_dir_open(in_top("a/b/state/"), &err), GENOPS_OK); /* again */
}

static void test_made_private(void **state)
{
	struct genops_error err;
	mkdir(in_top("fresh"), 0755);
	assert_int_equal(genops_state_dir_open(in_top("fresh"), &err), GENOPS_OK);
	assert_int_equal(mode_of(in_top("fresh")), 0700);
	chmod(in_top("fresh"), 0750); /* somebody opened what is in use */
	assert_int_equal(genops_state_dir_open(in_top("fresh"), &err), GENOPS_DENIED);
	assert_non_null(strstr(err.fix, "chmod 700"));
	assert_int_equal(mode_of(in_top("fresh")), 0750);
}

static void test_refusals(void **state)
{
	struct genops_error err;
	int fd = open(in_top("file"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(genops_state_dir_open(in_top("file"), &err), GENOPS_CONFIG);
	assert_int_equal(genops_state_dir_open(in_top("file/state"), &err), GENOPS_CONFIG);
	assert_true(err.fix[0]);
	assert_int_equal(genops_state_dir_open("", &err), GENOPS_CONFIG);
	static char path[6000];
	memset(path, 'x', sizeof path - 1);
	assert_int_equal(genops_state_dir_open(path, &err), GENOPS_CONFIG);
	assert_int_equal(genops_state_dir_open("/proc/genops", &err) == GENOPS_OK, 0);
	mkdir(in_top("s"), 0700);
	assert_int_equal(
	    symlink("/tmp", in_top("s/queue")), 0); /* a planted link is not followed */
	assert_int_equal(genops_state_dir_open(in_top("s"), &err), GENOPS_CONFIG);
	if (geteuid() == 0) {
		mkdir(in_top("theirs"), 0700);
		assert_int_equal(chown(in_top("theirs"), 4242, 4242), 0);
		assert_int_equal(genops_state_dir_open(in_top("theirs"), &err), GENOPS_DENIED);
		assert_non_null(strstr(err.message, "4242"));
	}
}

static void test_space(void **state)
{
	struct genops_error err;
	assert_int_equal(genops_state_dir_space(top, 1, &err), GENOPS_OK);
	assert_int_equal(genops_state_dir_space(top, UINT64_MAX, &err), GENOPS_FULL);
	assert_true(err.fix[0]);
	assert_int_equal(genops_state_dir_space(in_top("none"), 1, &err), GENOPS_IO);
}

static int try_in_child(void)
{
	pid_t child = fork();
	if (!child) {
		struct genops_drain_lock *lock;
		struct genops_error err;
		_exit(-genops_drain_lock_try(top, &lock, &err));
	}
	int status;
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void test_drain_lock(void **state)
{
	struct genops_drain_lock *lock = NULL, *second = NULL;
	struct genops_error err;
	char pid[32];
	assert_int_equal(genops_drain_lock_try(top, &lock, &err), GENOPS_OK);
	/* also against another engine in the same process */
	assert_int_equal(genops_drain_lock_try(top, &second, &err), GENOPS_BUSY);
	assert_null(second);
	snprintf(pid, sizeof pid, "process %d ", getpid());
	assert_non_null(strstr(err.message, pid));
	assert_int_equal(try_in_child(), GENOPS_BUSY);
	genops_drain_lock_release(lock);
	assert_int_equal(try_in_child(), GENOPS_OK);
	assert_int_equal(
	    genops_drain_lock_try(top, &lock, &err), GENOPS_OK); /* the child is gone */
	genops_drain_lock_release(lock);
	genops_drain_lock_release(NULL);
	assert_int_equal(genops_drain_lock_try(in_top("none"), &lock, &err), GENOPS_IO);
}

/* A child that lives on does not keep its dead parent's place, and letting go in a child does
 * not take it from the parent. */
static void test_fork(void **state)
{
	int pids[2], answers[2];
	char byte;
	assert_int_equal(pipe(pids), 0);
	assert_int_equal(pipe(answers), 0);
	pid_t parent = fork();
	if (!parent) {
		struct genops_drain_lock *lock = NULL;
		unsigned generation = genops_fork_generation();
		int code = genops_drain_lock_try(top, &lock, NULL);
		pid_t child = fork();
		if (!child) {
			bool is_other = genops_fork_generation() != generation;
			genops_drain_lock_release(lock);
			int again = genops_drain_lock_try(top, &lock, NULL);
			byte = is_other && again == GENOPS_BUSY ? 'y' : 'n';
			if (write(answers[1], &byte, 1) == 1)
				pause();
			_exit(0);
		}
		if (code != GENOPS_OK || write(pids[1], &child, sizeof child) != sizeof child)
			_exit(1);
		pause();
	}
	pid_t child;
	assert_int_equal(read(pids[0], &child, sizeof child), sizeof child);
	assert_int_equal(read(answers[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	struct genops_drain_lock *lock = NULL;
	struct genops_error err;
	assert_int_equal(genops_drain_lock_try(top, &lock, &err), GENOPS_BUSY);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_int_equal(genops_drain_lock_try(top, &lock, &err), GENOPS_OK);
	kill(child, SIGKILL);
	genops_drain_lock_release(lock);
	for (int i = 0; i < 2; i++) {
		close(pids[i]);
		close(answers[i]);
	}
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_makes_all),
	    ROW(test_made_private),
	    ROW(test_refusals),
	    ROW(test_space),
	    ROW(test_drain_lock),
	    ROW(test_fork),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
