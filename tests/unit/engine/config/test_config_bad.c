/* SPDX-License-Identifier: Apache-2.0
 * test_config_bad.c - every kind of configuration error, one file each, and the one line it is told.
 *
 * tests/golden/config/bad/expected.tsv: file, "line:column: message", fix. Every file there must be in it. No message may
 * hold the marker secret. proves CORE-051, CORE-052, WDB-027 */
#include "engine/config.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BAD GOLDEN_DIR "/config/bad/"
#define SECRET "sk-MARKER-SECRET"

static void check(const char *name, const char *line, const char *fix)
{
	char path[4096], got[900];
	struct genops_error err = {0};
	snprintf(path, sizeof path, BAD "%s.yaml", name);
	struct genops_config_source source = {.file = path};
	struct genops_config *config = genops_config_load(&source, &err);
	if (config)
		fail_msg("%s loads", name);
	snprintf(got, sizeof got, "%d:%d: %s", err.line, err.column, err.message);
	char *at = strstr(got, BAD); /* paths in messages as they are anywhere */
	if (at)
		memmove(at, at + sizeof BAD - 1, strlen(at + sizeof BAD - 1) + 1);
	if (getenv("PRINT_EXPECTED")) {
		print_message("%s\t%s\t%s\n", name, got, err.fix);
		return;
	}
	bool is_zone = strcmp(name, "budget_zone") == 0; /* its suggestion needs the database installed */
	if (is_zone && access("/usr/share/zoneinfo/zone1970.tab", R_OK) != 0)
		fix = err.fix;
	if (strcmp(got, line) != 0 || strcmp(err.fix, fix) != 0)
		fail_msg("%s:\n got  %s | %s\n want %s | %s", name, got, err.fix, line, fix);
	assert_int_equal(genops_error_exit_code(err.code), 2);
	assert_null(strstr(got, SECRET));
	if (err.line)
		assert_string_equal(err.file, path);
}

static void every_error_is_told_in_one_line(void **state)
{
	char row[2048];
	size_t n = 0, n_files = 0;
	FILE *file = fopen(BAD "expected.tsv", "r");
	assert_non_null(file);
	while (fgets(row, sizeof row, file)) {
		row[strcspn(row, "\n")] = '\0';
		char *line = strchr(row, '\t');
		assert_non_null(line);
		*line++ = '\0';
		char *fix = strchr(line, '\t');
		assert_non_null(fix);
		*fix++ = '\0';
		check(row, line, fix);
		n++;
	}
	fclose(file);
	DIR *dir = opendir(BAD);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n_files += strstr(entry->d_name, ".yaml") != NULL;
	closedir(dir);
	assert_int_equal(n, n_files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_error_is_told_in_one_line)};
	setenv("HOME", "/nonexistent", 1);
	setenv("GENOPS_TEST_SECRET", SECRET, 1);
	unsetenv("GENOPS_TEST_UNSET");
	unsetenv("GENOPS_CONFIG");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
