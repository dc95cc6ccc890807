/* SPDX-License-Identifier: Apache-2.0
 * test_write.c - all bytes arrive through a pipe that takes them piecemeal; a descriptor that takes none says why. */
#include "base/write.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define SIZE ((size_t)1 << 20) /* sixteen times a pipe's room */

static void *read_all(void *arg)
{
	static char piece[4099];
	size_t total = 0;
	ssize_t n;
	while ((n = read(*(int *)arg, piece, sizeof piece)) > 0) {
		for (ssize_t i = 0; i < n; i++, total++)
			assert_int_equal((unsigned char)piece[i], total % 251);
	}
	return (void *)total;
}

static void test_everything_arrives(void **state)
{
	int ends[2];
	pthread_t reader;
	void *total;
	char *bytes = malloc(SIZE);
	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i % 251);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_all, &ends[0]), 0);
	assert_true(genops_write_all(ends[1], (genops_str){bytes, SIZE}));
	assert_true(genops_write_all(ends[1], (genops_str){0}));
	close(ends[1]);
	pthread_join(reader, &total);
	assert_int_equal((size_t)total, SIZE);
	close(ends[0]);
	free(bytes);
}

static void test_a_descriptor_that_takes_none(void **state)
{
	assert_false(genops_write_all(-1, GENOPS_STR("x")));
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_everything_arrives),
	    cmocka_unit_test(test_a_descriptor_that_takes_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
