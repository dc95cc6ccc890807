/* SPDX-License-Identifier: Apache-2.0
 * Making, sharing, restoring and mistrusting the file. Full disks, foreign files, forks, and who is first. */
#include "counters_fixture.h"

#include "store/counters/counters_layout.h"

#include <sys/mount.h>
#include <sys/resource.h>

/* --- memory that runs out: the n-th allocation fails --- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define CAN_FAIL_MALLOC 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);

static int until_failure = -1; /* -1: never */

static bool fails_now(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

void *malloc(size_t size)
{
	return fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __libc_calloc(n, size);
}
#endif

static void out_of_memory(void **state)
{
#ifdef CAN_FAIL_MALLOC
	struct genops_counters *counters = NULL;
	struct genops_error err;
	bool is_first;
	int code = GENOPS_NOMEM, n = 0;
	for (; code != GENOPS_OK && n < 100; n++) {
		until_failure = n;
		code = genops_counters_open(state_dir, &counters, &is_first, &err);
		until_failure = -1;
		assert_true(code == GENOPS_OK || (code == GENOPS_NOMEM && !counters));
	}
	assert_int_equal(code, GENOPS_OK);
	assert_true(n > 1);
	genops_counters_close(counters);
#else
	skip();
#endif
}

/* --- first and further --- */

static int open_code(struct genops_error *err)
{
	struct genops_counters *counters = NULL;
	bool is_first;
	int code = genops_counters_open(state_dir, &counters, &is_first, err);
	if (code == GENOPS_OK)
		genops_counters_close(counters);
	else
		assert_null(counters);
	return code;
}

static void first_and_further(void **state)
{
	struct genops_counters *one = attach_ready(), *two = attach(false);
	assert_int_not_equal(genops_counters_process(one), genops_counters_process(two));
	assert_true(genops_counters_epoch(one) < genops_counters_epoch(two));
	assert_int_equal(stats_of(one).n_processes, 2);
	uint64_t epoch = genops_counters_epoch(two), seed = genops_counters_hash_seed(one);
	assert_int_equal(genops_counters_hash_seed(two), seed);
	genops_counters_ask_drain(one);
	uint64_t asked = genops_counters_drains_asked(one);
	genops_counters_close(one);
	assert_int_equal(stats_of(two).n_processes, 1);
	one = attach(false);
	assert_true(genops_counters_epoch(one) > epoch);
	epoch = genops_counters_epoch(one);
	genops_counters_close(one);
	genops_counters_close(two);
	one = attach(true); /* nobody was there: zero again */
	assert_true(genops_counters_epoch(one) > epoch);
	assert_int_equal(genops_counters_drains_asked(one), asked);
	assert_int_equal(genops_counters_hash_seed(one), seed);
	genops_counters_close(one);
}

static void the_file_is_whole_and_private(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_error err;
	struct stat info;
	assert_int_equal(stat(path_of("counters"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(info.st_size, sizeof(struct genops_counters_file));
	assert_true(info.st_blocks * 512 >= info.st_size); /* no holes */
	assert_int_equal(stat(path_of("hash-seed"), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(genops_counters_check(counters, &err), GENOPS_OK);
	genops_counters_close(counters);
}

static void the_seed_outlives_the_file(void **state)
{
	struct genops_counters *counters = attach_ready();
	uint64_t seed = genops_counters_hash_seed(counters), epoch = genops_counters_epoch(counters);
	assert_true(seed != 0);
	genops_counters_close(counters);
	assert_int_equal(unlink(path_of("counters")), 0);
	counters = attach_ready();
	assert_int_equal(genops_counters_hash_seed(counters), seed);
	assert_true(genops_counters_epoch(counters) > epoch); /* segments of old never get a namesake */
	genops_counters_close(counters);
	assert_int_equal(unlink(path_of("hash-seed")), 0); /* and the other way round */
	counters = attach_ready();
	assert_int_equal(genops_counters_hash_seed(counters), seed);
	genops_counters_close(counters);
	FILE *file = fopen(path_of("hash-seed"), "w");
	assert_true(fputs("no seed at all..\n", file) > 0);
	fclose(file);
	struct genops_error err;
	assert_int_equal(open_code(&err), GENOPS_CORRUPT);
}

static void restoring(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(1000, 5000);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_error err;
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 600, NOON, &lease));
	settle(counters, lease, &ask, 1, 600, NOON);
	assert_int_equal(genops_counters_restore(counters, ask.key, ask.label, GENOPS_PERIOD_DAILY, 0, 1, 1, &err),
	    GENOPS_MISUSE); /* ready: too late */
	genops_counters_close(counters);
	counters = attach(true);
	assert_int_equal(genops_counters_restore(counters, ask.key, ask.label, GENOPS_PERIOD_DAILY, 1709164800,
			     1709251200, 850, &err),
	    GENOPS_OK);
	assert_int_equal(genops_counters_restore(counters, ask.key, ask.label, GENOPS_PERIOD_MONTHLY, 1706745600,
			     1709251200, 900, &err),
	    GENOPS_OK);
	genops_counters_ready(counters);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 850, 0);
	expect_line(counters, &ask, GENOPS_PERIOD_MONTHLY, 900, 0);
	assert_false(reserve(counters, &ask, 1, 151, NOON, &lease));
	assert_true(reserve(counters, &ask, 1, 150, NOON, &lease));
	assert_int_equal(settle(counters, lease, &ask, 1, 60, NOON), 1); /* 90 %; 80 % was told before */
	genops_counters_close(counters);
}

/* Who comes while the first one restores waits until it is ready. */
static void others_wait_until_ready(void **state)
{
	struct genops_counters *counters = attach(true);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_error err;
	int go[2];
	assert_int_equal(pipe(go), 0);
	pid_t child = fork();
	if (child == 0) {
		struct genops_counters *own;
		bool is_first = true;
		(void)!write(go[1], "", 1);
		if (genops_counters_open(state_dir, &own, &is_first, &err) != GENOPS_OK || is_first)
			_exit(1);
		_exit(line_of(own, &ask, GENOPS_PERIOD_DAILY).consumed_nano_usd == 123 ? 0 : 2);
	}
	char byte;
	assert_int_equal(read(go[0], &byte, 1), 1);
	assert_int_equal(genops_counters_restore(counters, ask.key, ask.label, GENOPS_PERIOD_DAILY, 1709164800,
			     1709251200, 123, &err),
	    GENOPS_OK);
	genops_counters_ready(counters);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	genops_counters_close(counters);
	close(go[0]);
	close(go[1]);
}

/* --- files that are not as they should be --- */

static void wrong_modes(void **state)
{
	struct genops_error err;
	genops_counters_close(attach_ready());
	assert_int_equal(chmod(path_of("counters"), 0640), 0);
	assert_int_equal(open_code(&err), GENOPS_DENIED);
	assert_non_null(strstr(err.fix, "chmod"));
	assert_int_equal(chmod(path_of("counters"), 0600), 0);
	assert_int_equal(chmod(state_dir, 0755), 0);
	assert_int_equal(open_code(&err), GENOPS_DENIED);
	assert_int_equal(chmod(state_dir, 0700), 0);
	assert_int_equal(open_code(&err), GENOPS_OK);
}

static void no_such_place(void **state)
{
	struct genops_error err;
	struct genops_counters *counters = NULL;
	bool is_first;
	assert_int_equal(genops_counters_open("/nonexistent/genops", &counters, &is_first, &err), GENOPS_IO);
	assert_int_equal(genops_counters_open("/etc/passwd", &counters, &is_first, &err), GENOPS_IO);
	char long_path[5000];
	memset(long_path, '/', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_int_not_equal(genops_counters_open(long_path, &counters, &is_first, &err), GENOPS_OK);
	assert_int_equal(symlink("/etc/passwd", path_of("counters")), 0);
	assert_int_equal(open_code(&err), GENOPS_IO); /* a link leads nowhere */
	assert_int_equal(unlink(path_of("counters")), 0);
	assert_int_equal(mkdir(path_of("counters"), 0700), 0);
	assert_int_equal(open_code(&err), GENOPS_IO);
	assert_null(counters);
}

static void patch(off_t offset, const void *bytes, size_t n)
{
	int fd = open(path_of("counters"), O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, offset), (ssize_t)n);
	close(fd);
}

static void another_layout(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_error err;
	uint64_t seed = genops_counters_hash_seed(counters);
	const uint32_t other = 99, mine = GENOPS_COUNTERS_LAYOUT;
	patch(offsetof(struct genops_counters_header, layout), &other, sizeof other);
	assert_int_equal(open_code(&err), GENOPS_BUSY);
	assert_non_null(strstr(err.message, "99"));
	patch(offsetof(struct genops_counters_header, layout), &mine, sizeof mine);
	assert_int_equal(open_code(&err), GENOPS_OK);
	patch(offsetof(struct genops_counters_header, layout), &other, sizeof other);
	genops_counters_close(counters);
	counters = attach(true); /* nobody uses it: made anew */
	genops_counters_ready(counters);
	assert_int_equal(genops_counters_hash_seed(counters), seed);
	genops_counters_close(counters);
}

static void cut_short(void **state)
{
	struct genops_error err;
	struct genops_counters *counters = attach_ready();
	assert_int_equal(truncate(path_of("counters"), 4096), 0);
	assert_int_equal(open_code(&err), GENOPS_CORRUPT);
	assert_int_equal(genops_counters_check(counters, &err), GENOPS_CORRUPT);
	genops_counters_close(counters);
	counters = attach_ready();
	assert_int_equal(genops_counters_check(counters, &err), GENOPS_OK);
	struct genops_budget_rule rule = rule_of(10, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 10, NOON, &lease));
	genops_counters_close(counters);
}

/* Any rubbish in the file while nobody uses it: made anew, or at least usable. */
static void rubbish(void **state)
{
	uint64_t random = 12345;
	for (int round = 0; round < 40; round++) {
		struct genops_counters *counters = attach_ready();
		uint32_t lease;
		struct genops_budget_rule rule = rule_of(100, -1);
		struct genops_budget_ask ask = ask_of(&rule, (uint64_t)round);
		for (int i = 0; i < 20; i++)
			assert_true(reserve(counters, &ask, 1, 5, NOON, &lease));
		genops_counters_close(counters);
		for (int i = 0; i < 200; i++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			/* the front, the budgets' and the leases' first pages; magic and layout stay, or all is forgotten */
			off_t offset = i % 3 == 0 ? 24 + (off_t)(random % 12000)
				       : i % 3 == 1 ? (off_t)(offsetof(struct genops_counters_file, budgets) + random % 8192)
						    : (off_t)(offsetof(struct genops_counters_file, leases) + random % 16384);
			patch(offset, &random, sizeof random);
		}
		counters = attach(true);
		genops_counters_ready(counters);
		assert_true(reserve(counters, &ask, 1, 100, NOON, &lease));
		assert_false(reserve(counters, &ask, 1, 1, NOON, &lease));
		assert_true(stats_of(counters).n_leases <= GENOPS_COUNTERS_LEASES);
		genops_counters_close(counters);
		assert_int_equal(unlink(path_of("counters")), 0);
	}
}

static void replaced(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_error err;
	assert_int_equal(rename(path_of("counters"), "/tmp/genops-counters-moved"), 0);
	assert_int_equal(genops_counters_check(counters, &err), GENOPS_CORRUPT);
	assert_true(err.fix[0] != '\0');
	struct genops_counters *other = attach_ready(); /* in the new file, the first */
	assert_int_equal(genops_counters_check(counters, &err), GENOPS_CORRUPT);
	assert_int_equal(genops_counters_check(other, &err), GENOPS_OK);
	genops_counters_close(counters);
	genops_counters_close(other);
	assert_int_equal(unlink("/tmp/genops-counters-moved"), 0);
}

/* --- no room --- */

static int exit_code_of(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void over_the_file_size_limit(void **state)
{
	pid_t child = fork();
	if (child == 0) {
		struct genops_error err;
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20});
		_exit(open_code(&err) == GENOPS_FULL && err.fix[0] ? 0 : 1);
	}
	assert_int_equal(exit_code_of(child), 0);
	struct stat info;
	assert_int_equal(stat(path_of("counters"), &info), 0);
	assert_int_equal(info.st_size, 0); /* what there was is given back */
	genops_counters_close(attach_ready());
}

static void a_full_disk(void **state)
{
	pid_t child = fork();
	if (child == 0) {
		struct genops_error err;
		if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		    mount("none", state_dir, "tmpfs", 0, "size=4m,mode=700") != 0)
			_exit(77);
		_exit(open_code(&err) == GENOPS_FULL ? 0 : 1);
	}
	int code = exit_code_of(child);
	if (code == 77)
		skip(); /* not allowed to mount here */
	assert_int_equal(code, 0);
}

static void slots_run_out(void **state)
{
	static struct genops_counters *all[GENOPS_COUNTERS_PROCESSES];
	struct genops_error err;
	all[0] = attach_ready();
	for (int i = 1; i < GENOPS_COUNTERS_PROCESSES; i++)
		all[i] = attach(false);
	assert_int_equal(stats_of(all[0]).n_processes, GENOPS_COUNTERS_PROCESSES);
	assert_int_equal(open_code(&err), GENOPS_LIMIT);
	genops_counters_close(all[100]);
	assert_int_equal(open_code(&err), GENOPS_OK);
	for (int i = 0; i < GENOPS_COUNTERS_PROCESSES; i++) {
		if (i != 100)
			genops_counters_close(all[i]);
	}
}

/* --- forks --- */

static void after_fork(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_error err;
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 30, NOON, &lease));
	pid_t child = fork();
	if (child == 0) {
		struct genops_budget_answer answer;
		struct genops_lease_identity identity = {0};
		bool granted;
		uint32_t own, parent_slot = genops_counters_process(counters);
		if (genops_counters_reserve(counters, &ask, 1, 1, &identity, NOON, &answer, &granted, &own, &err) !=
		    GENOPS_MISUSE)
			_exit(1);
		if (genops_counters_after_fork(counters, &err) != GENOPS_OK)
			_exit(2);
		if (genops_counters_process(counters) == parent_slot || stats_of(counters).n_processes != 2)
			_exit(3);
		settle(counters, lease, &ask, 1, 30, NOON); /* the parent's: not ours to settle */
		if (line_of(counters, &ask, GENOPS_PERIOD_DAILY).reserved_nano_usd != 30)
			_exit(4);
		if (genops_counters_reserve(counters, &ask, 1, 70, &identity, NOON, &answer, &granted, &own, &err) !=
			GENOPS_OK ||
		    !granted)
			_exit(5);
		settle(counters, own, &ask, 1, 60, NOON);
		genops_counters_close(counters);
		_exit(0);
	}
	assert_int_equal(exit_code_of(child), 0);
	assert_int_equal(stats_of(counters).n_processes, 1);
	settle(counters, lease, &ask, 1, 25, NOON);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 85, 0);
	genops_counters_close(counters);
}

static void a_child_that_only_closes_does_no_harm(void **state)
{
	struct genops_counters *counters = attach_ready();
	pid_t child = fork();
	if (child == 0) {
		genops_counters_close(counters);
		_exit(0);
	}
	assert_int_equal(exit_code_of(child), 0);
	struct genops_counters *other = attach(false); /* we are still there */
	genops_counters_close(other);
	genops_counters_close(counters);
}

static void no_fork_before_ready(void **state)
{
	struct genops_counters *counters = attach(true);
	struct genops_error err;
	assert_int_equal(genops_counters_after_fork(counters, &err), GENOPS_MISUSE);
	genops_counters_ready(counters);
	genops_counters_close(counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_dir(out_of_memory),
	    in_dir(first_and_further),
	    in_dir(the_file_is_whole_and_private),
	    in_dir(the_seed_outlives_the_file),
	    in_dir(restoring),
	    in_dir(others_wait_until_ready),
	    in_dir(wrong_modes),
	    in_dir(no_such_place),
	    in_dir(another_layout),
	    in_dir(cut_short),
	    in_dir(rubbish),
	    in_dir(replaced),
	    in_dir(over_the_file_size_limit),
	    in_dir(a_full_disk),
	    in_dir(slots_run_out),
	    in_dir(after_fork),
	    in_dir(a_child_that_only_closes_does_no_harm),
	    in_dir(no_fork_before_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
