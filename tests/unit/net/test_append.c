/* SPDX-License-Identifier: Apache-2.0
 * Transport FILE: what is there already after a kill is not written again, what others wrote stays, old files go, what succeeded is on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/append.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[64], path[96];
static int n_synced, n_names_synced;
static bool is_disk_broken;

/* In place of the C library's. */
int fdatasync(int fd)
{
	if (is_disk_broken) {
		errno = EIO;
		return -1;
	}
	n_synced++;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	struct stat info;
	n_names_synced += fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
	return (int)syscall(SYS_fsync, fd);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/genops-append-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/out.jsonl", folder);
	return 0;
}

static int tear_down(void **state)
{
	char name[128];
	(void)state;
	for (int i = 0; i < 4400; i++) {
		snprintf(name, sizeof name, "%s/out-20261121T000000.000-%08x.jsonl", folder, (unsigned)i);
		unlink(name);
	}
	unlink(path);
	return rmdir(folder);
}

static void put(const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void append(const struct genops_file_request *file, const char *text, struct genops_incoming *incoming)
{
	struct genops_error err;
	genops_incoming_init(incoming);
	assert_int_equal(genops_append_file(genops_str_of(path), genops_str_of(text), file, incoming, &err), GENOPS_OK);
	assert_int_equal(incoming->status, 200);
	genops_incoming_done(incoming);
}

static void expect(const char *want)
{
	char text[256] = "";
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, want);
}

/* Killed between the write of the very first batch and what is remembered of it: all, or a part of it, stands there. */
static void the_first_batch_again(void **state)
{
	static const struct genops_file_request nothing_known;
	struct genops_incoming incoming;
	(void)state;
	put("one\ntwo\n");
	append(&nothing_known, "one\ntwo\n", &incoming);
	expect("one\ntwo\n");
	assert_int_equal(incoming.file_len, 8);
	put("one\ntw");
	append(&nothing_known, "one\ntwo\n", &incoming);
	expect("one\ntwo\n");
	put("other\n"); /* somebody else's */
	append(&nothing_known, "one\n", &incoming);
	expect("other\none\n");
	put("one\none\n");
	append(&nothing_known, "one\n", &incoming);
	expect("one\none\none\n");
}

static void old_files_go_however_many_there_are(void **state)
{
	char name[128], backup[128], prefix[96];
	struct genops_incoming incoming;
	struct stat info;
	(void)state;
	for (int i = 0; i < 4300; i++) {
		snprintf(name, sizeof name, "%s/out-20261121T000000.000-%08x.jsonl", folder, (unsigned)i);
		FILE *file = fopen(name, "w");
		assert_non_null(file);
		fclose(file);
	}
	put("one\n");
	assert_int_equal(stat(path, &info), 0);
	snprintf(backup, sizeof backup, "%s/out-20261121T000000.000-%08x.jsonl", folder, 4300U);
	snprintf(prefix, sizeof prefix, "%s/out-", folder);
	const struct genops_file_request file = {.inode = (uint64_t)info.st_ino, .len = 4, .backup = genops_str_of(backup), .prefix = genops_str_of(prefix),
	    .suffix = GENOPS_STR(".jsonl"), .max_backups = 4200};
	append(&file, "two\n", &incoming);
	expect("two\n");
	for (int i = 0; i <= 4300; i++) {
		snprintf(name, sizeof name, "%s/out-20261121T000000.000-%08x.jsonl", folder, (unsigned)i);
		if ((access(name, F_OK) == 0) != (i > 100))
			fail_msg("%s", name);
	}
}

/* Behind a success the queue lets its own copy go: then neither a power failure may take it, nor an error that only the sync tells. */
static void what_succeeded_is_on_the_disk(void **state)
{
	struct genops_file_request file = {0};
	struct genops_incoming incoming;
	struct genops_error err;
	struct stat info;
	(void)state;
	n_synced = n_names_synced = 0;
	append(&file, "one\n", &incoming);
	assert_int_equal(n_synced, 1);
	assert_int_equal(n_names_synced, 1);
	assert_int_equal(stat(path, &info), 0);
	file = (struct genops_file_request){.inode = (uint64_t)info.st_ino, .len = 4};
	is_disk_broken = true;
	genops_incoming_init(&incoming);
	assert_int_equal(genops_append_file(genops_str_of(path), GENOPS_STR("two\n"), &file, &incoming, &err), GENOPS_OK);
	assert_int_equal(incoming.status, 0);
	genops_incoming_done(&incoming);
	is_disk_broken = false;
	expect("one\n");
	append(&file, "two\n", &incoming);
	assert_int_equal(n_synced, 2);
	assert_int_equal(n_names_synced, 1);
	expect("one\ntwo\n");
	file.is_whole = true;
	append(&file, "whole\n", &incoming);
	assert_int_equal(n_synced, 3);
	assert_int_equal(n_names_synced, 2);
	expect("whole\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_first_batch_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(old_files_go_however_many_there_are, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_succeeded_is_on_the_disk, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
