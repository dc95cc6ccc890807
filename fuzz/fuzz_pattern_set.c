/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_pattern_set.c - two patterns and a text (lines one, two and the rest; a line that
 * begins with ~ is a regular expression): both back ends give the same verdict and the same
 * pattern, unless PCRE2 reached its limits. */
#include <stdlib.h>

#include "base/str.h"
#include "govern/policy/pattern_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PATTERN_MAX 24 /* longer ones are slow to compile, not different */

static struct genops_pattern pattern_of(genops_str line)
{
	if (line.len > PATTERN_MAX)
		line.len = PATTERN_MAX;
	if (line.len && line.ptr[0] == '~')
		return (struct genops_pattern){genops_str_skip(line, 1), true};
	return (struct genops_pattern){line, false};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str rest = {(const char *)data, size};
	struct genops_pattern patterns[2];
	struct genops_pattern_set *best, *pcre2;
	struct genops_error err = {0};
	size_t first = 9, second = 9;
	patterns[0] = pattern_of(genops_str_split(&rest, '\n'));
	patterns[1] = pattern_of(genops_str_split(&rest, '\n'));
	if (genops_pattern_set_new(patterns, 2, GENOPS_PATTERN_BEST, &best, &err) != GENOPS_OK) {
		if (!err.message[0])
			abort();
		return 0;
	}
	if (genops_pattern_set_new(patterns, 2, GENOPS_PATTERN_PCRE2, &pcre2, &err) != GENOPS_OK)
		abort();
	enum genops_pattern_outcome a = genops_pattern_set_find(best, rest, &first);
	enum genops_pattern_outcome b = genops_pattern_set_find(pcre2, rest, &second);
	if (a != GENOPS_PATTERN_FAILED && b != GENOPS_PATTERN_FAILED && (a != b || first != second))
		abort();
	genops_pattern_set_free(best);
	genops_pattern_set_free(pcre2);
	return 0;
}
