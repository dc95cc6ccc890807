/* SPDX-License-Identifier: Apache-2.0
 * Transport FILE: what is there already after a kill is not written again, what others wrote stays, old files go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/append.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[96];

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_first_batch_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(old_files_go_however_many_there_are, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
