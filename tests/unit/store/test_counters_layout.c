/* SPDX-License-Identifier: Apache-2.0
 * docs/shared-memory.md and the code say the same about every offset, size and number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/counters/counters_layout.h"

#include <stdio.h>
#include <stdlib.h>

static char *document;

static int read_document(void **state)
{
	FILE *file = fopen(SOURCE_DIR "/docs/shared-memory.md", "r");
	if (!file)
		return -1;
	document = calloc(1, 1 << 17);
	size_t n = document ? fread(document, 1, (1 << 17) - 1, file) : 0;
	fclose(file);
	return n > 0 ? 0 : -1;
}

static int forget_document(void **state)
{
	free(document);
	return 0;
}

static void expect(const char *line)
{
	if (!strstr(document, line))
		fail_msg("docs/shared-memory.md lacks \"%s\"", line);
}

static size_t count(const char *text)
{
	size_t n = 0;
	for (const char *at = document; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static void offsets(void **state)
{
	char line[128];
	size_t n = 0;
#define X(s, field, offset)                                                                           \
	snprintf(line, sizeof line, "| `" #s "." #field "` | %zu | %zu |",                             \
	    offsetof(struct genops_counters_##s, field), sizeof(((struct genops_counters_##s *)0)->field)); \
	expect(line);                                                                                 \
	n++;
	GENOPS_COUNTERS_OFFSETS(X)
#undef X
	/* and the document has no row that the code has not */
	assert_int_equal(count("| `file.") + count("| `header.") + count("| `process.") + count("| `budget.") +
			     count("| `bucket.") + count("| `lease."),
	    n);
}

static void sizes_and_numbers(void **state)
{
	char line[128];
#define ROW(name, value)                                                                              \
	snprintf(line, sizeof line, "| `" name "` | %zu |", (size_t)(value));                          \
	expect(line)
	ROW("GENOPS_COUNTERS_LAYOUT", GENOPS_COUNTERS_LAYOUT);
	ROW("GENOPS_COUNTERS_PROCESSES", GENOPS_COUNTERS_PROCESSES);
	ROW("GENOPS_COUNTERS_BUDGETS", GENOPS_COUNTERS_BUDGETS);
	ROW("GENOPS_COUNTERS_BUCKETS", GENOPS_COUNTERS_BUCKETS);
	ROW("GENOPS_COUNTERS_LEASES", GENOPS_COUNTERS_LEASES);
	ROW("GENOPS_COUNTERS_UNDO", GENOPS_COUNTERS_UNDO);
	ROW("struct genops_counters_file", sizeof(struct genops_counters_file));
	ROW("struct genops_counters_header", sizeof(struct genops_counters_header));
	ROW("struct genops_counters_process", sizeof(struct genops_counters_process));
	ROW("struct genops_counters_budget", sizeof(struct genops_counters_budget));
	ROW("struct genops_budget_line", sizeof(struct genops_budget_line));
	ROW("struct genops_counters_bucket", sizeof(struct genops_counters_bucket));
	ROW("struct genops_counters_lease", sizeof(struct genops_counters_lease));
#undef ROW
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(offsets),
	    cmocka_unit_test(sizes_and_numbers),
	};
	return cmocka_run_group_tests(tests, read_document, forget_document);
}
