/* SPDX-License-Identifier: Apache-2.0
 * Both back ends over the same cases: the same verdict and the same pattern, alone and together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "failing_alloc.h"

#include "base/str.h"
#include "govern/policy/pattern_set.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* GENOPS_STR for static tables: a compound literal is no constant there. */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}

static const struct genops_pattern patterns[] = {
    {TEXT("(c) [draft]"), false},
    {TEXT("na\xc3\xafve"), false},
    {TEXT("a\tb"), false},
    {TEXT("(\\w)\\1{3}"), true},      /* a back-reference: PCRE2 */
    {TEXT("secret(?! santa)"), true}, /* look-ahead: PCRE2 */
    {TEXT("\\b\\d{3}-\\d{2}-\\d{4}\\b"), true},
    {TEXT("^begin"), true},
    {TEXT("end$"), true},
    {TEXT("api[_-]?key\\s*[:=]\\s*\\S{8,}"), true},
    {TEXT("x.y"), true},
    {TEXT("[\xc3\xa0-\xc3\xbc]{5}"), true},
};
#define N (sizeof patterns / sizeof *patterns)

static const struct {
	genops_str text;
	int index; /* -1: none */
} cases[] = {
    {TEXT(""), -1},
    {TEXT("nothing to see"), -1},
    {TEXT("this is (C) [DRAFT] 2"), 0},
    {TEXT("c draft"), -1},
    {TEXT("how NA\xc3\x8fVE"), 1},
    {TEXT("A\tB"), 2},
    {TEXT("a b"), -1},
    {TEXT("zzzz"), 3},
    {TEXT("the secret plan"), 4},
    {TEXT("secret santa"), -1},
    {TEXT("SSN 123-45-6789"), 5},
    {TEXT("9123-45-6789"), -1},
    {TEXT("Beginning"), 6},
    {TEXT("I begin"), -1},
    {TEXT("line\nbegin"), -1},
    {TEXT("the END"), 7},
    {TEXT("the end\n"), 7},
    {TEXT("the end of it"), -1},
    {TEXT("API_KEY = abcdefgh"), 8},
    {TEXT("x\ny"), -1},
    {TEXT("x\xc3\xa9y"), 9},
    {TEXT("\xc3\x80\xc3\x81\xc3\xa2\xc3\xa3\xc3\xa4"), 10},
    {TEXT("xzy and 123-45-6789 and zzzz"), 3}, /* the first in the order of the set */
    {TEXT("end with 123-45-6789"), 5},
    {TEXT("\xff\xfe broken \x80 (C) [draft]"), 0},
    {TEXT("\xff x\xff\xffy"), -1},
    {TEXT("nul \0 zzzz"), 3},
};

static struct genops_pattern_set *make(enum genops_pattern_backend backend)
{
	struct genops_pattern_set *set = NULL;
	struct genops_error err;
	assert_int_equal(genops_pattern_set_new(patterns, N, backend, &set, &err), GENOPS_OK);
	return set;
}

static void run_cases(const struct genops_pattern_set *set)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t index = 99;
		enum genops_pattern_outcome outcome =
		    genops_pattern_set_find(set, cases[i].text, &index);
		if (outcome != (cases[i].index < 0 ? GENOPS_PATTERN_ABSENT : GENOPS_PATTERN_FOUND))
			fail_msg("case %zu: outcome %d, pattern %zu", i, outcome, index);
		if (cases[i].index >= 0)
			assert_int_equal(index, cases[i].index);
	}
}

static void both_back_ends_agree(void **state)
{
	struct genops_pattern_set *best = make(GENOPS_PATTERN_BEST),
				  *pcre2 = make(GENOPS_PATTERN_PCRE2);
	run_cases(best);
	run_cases(pcre2);
	assert_int_equal(genops_pattern_set_fast_count(pcre2), 0);
	/* Hyperscan takes all but the two it cannot know; a build without it takes none. */
	size_t n_fast = genops_pattern_set_fast_count(best);
	assert_true(n_fast == N - 2 || n_fast == 0);
	genops_pattern_set_free(best);
	genops_pattern_set_free(pcre2);
}

/* Random texts made of the pieces that matter: the two back ends never differ. */
static void both_back_ends_agree_on_random_texts(void **state)
{
	static const char *const pieces[] = {"x", "y", "end", "begin", "\n", "123-45-6789",
	    "secret", " santa", "zz", "z", "(c) ", "[draft]", "\xc3\xa9", "\xe2\x84\xaa",
	    "\xc5\xbf", "ecret", " ", "api", "_key", "=", "\xff", "a\tb"};
	struct genops_pattern_set *best = make(GENOPS_PATTERN_BEST),
				  *pcre2 = make(GENOPS_PATTERN_PCRE2);
	uint64_t random = 0x9e3779b97f4a7c15;
	for (int i = 0; i < 20000; i++) {
		char text[256];
		size_t len = 0;
		for (int j = 0; j < 8; j++) {
			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			const char *piece = pieces[random % (sizeof pieces / sizeof *pieces)];
			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		size_t a = 77, b = 77;
		enum genops_pattern_outcome first =
		    genops_pattern_set_find(best, (genops_str){text, len}, &a);
		enum genops_pattern_outcome second =
		    genops_pattern_set_find(pcre2, (genops_str){text, len}, &b);
		if (first != second || a != b)
			fail_msg(
			    "\"%.*s\": %d/%zu and %d/%zu", (int)len, text, first, a, second, b);
	}
	genops_pattern_set_free(best);
	genops_pattern_set_free(pcre2);
}

static void faults_are_named(void **state)
{
	static const struct genops_pattern bad[] = {{TEXT("(open"), true}, {TEXT("a?"), true},
	    {TEXT(""), false}, {TEXT("\xff"), false}, {{"a\0b", 3}, false}, {TEXT("\\C"), true}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct genops_pattern_set *set = NULL;
		struct genops_error err;
		assert_int_equal(
		    genops_pattern_set_new(&bad[i], 1, GENOPS_PATTERN_BEST, &set, &err),
		    GENOPS_CONFIG);
		assert_null(set);
		assert_true(err.message[0]);
	}
	struct genops_pattern_set *none = NULL;
	size_t index;
	assert_int_equal(
	    genops_pattern_set_new(NULL, 0, GENOPS_PATTERN_BEST, &none, NULL), GENOPS_OK);
	assert_int_equal(
	    genops_pattern_set_find(none, GENOPS_STR("x"), &index), GENOPS_PATTERN_ABSENT);
	genops_pattern_set_free(none);
	genops_pattern_set_free(NULL);
}

/* Short of memory it is an error, or Hyperscan is given up: never a set that answers wrongly. */
static void every_allocation_may_fail(void **state)
{
	static const struct genops_pattern few[] = {{TEXT("secret"), false}, {TEXT("(a)\\1"), true}};
	long n = 0;
	bool is_made = false;
	for (; FAILING_ALLOC && !is_made && n < 20000; n += 1 + n / 50) {
		struct genops_pattern_set *set = NULL;
		struct genops_error err = {0};
		size_t index = 9;
		allocs_left = n;
		int code = genops_pattern_set_new(few, 2, GENOPS_PATTERN_BEST, &set, &err);
		is_made = allocs_left > 0;
		allocs_left = -1;
		if (code != GENOPS_OK) {
			assert_null(set);
			assert_int_equal(code, GENOPS_NOMEM);
			continue;
		}
		assert_int_equal(
		    genops_pattern_set_find(set, GENOPS_STR("SECRET"), &index), GENOPS_PATTERN_FOUND);
		assert_int_equal(index, 0);
		genops_pattern_set_free(set);
	}
	assert_true(!FAILING_ALLOC || is_made);
}

static void *search_often(void *arg)
{
	for (int i = 0; i < 200; i++)
		run_cases(arg);
	return NULL;
}

static void threads_and_a_forked_child_share_a_set(void **state)
{
	struct genops_pattern_set *set = make(GENOPS_PATTERN_BEST);
	pthread_t threads[20]; /* more than the pool has slots */
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, search_often, set), 0);
	pid_t child = fork();
	if (child == 0) {
		size_t index;
		_exit(
		    genops_pattern_set_find(set, GENOPS_STR("zzzz"), &index) == GENOPS_PATTERN_FOUND
			? 0
			: 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < 20; i++)
		pthread_join(threads[i], NULL);
	genops_pattern_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_back_ends_agree),
	    cmocka_unit_test(both_back_ends_agree_on_random_texts),
	    cmocka_unit_test(faults_are_named),
	    cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(threads_and_a_forked_child_share_a_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
