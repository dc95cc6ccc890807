/* SPDX-License-Identifier: Apache-2.0
 * Ids are never zero and never repeat, not over threads and not over a fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "telemetry/propagation.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 1000

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void *fill(void *arg)
{
	uint8_t(*ids)[16] = arg;
	static const uint8_t zero[8];
	uint8_t span_id[8];
	for (size_t i = 0; i < N; i++) {
		if (i % 2) {
			genops_trace_id_new(ids[i]);
			continue;
		}
		genops_trace_span_id_new(ids[i], span_id);
		assert_int_not_equal(memcmp(span_id, zero, 8), 0);
		assert_int_not_equal(memcmp(span_id, ids[i], 8), 0);
		assert_int_not_equal(memcmp(span_id, ids[i] + 8, 8), 0);
	}
	return NULL;
}

static void test_unique_over_threads(void **state)
{
	(void)state;
	static uint8_t ids[4 * N][16];
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fill, ids + i * N), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, 4 * N, 16, compare);
	static const uint8_t zero[16];
	assert_int_not_equal(memcmp(ids[0], zero, 16), 0);
	for (size_t i = 1; i < 4 * N; i++)
		assert_int_not_equal(memcmp(ids[i - 1], ids[i], 16), 0);
}

static void test_child_does_not_repeat_its_parent(void **state)
{
	(void)state;
	uint8_t mine[8], childs[8];
	int ends[2];
	genops_span_id_new(mine); /* the pool is filled now */
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		genops_span_id_new(childs);
		_exit(write(ends[1], childs, sizeof childs) == sizeof childs ? 0 : 1);
	}
	genops_span_id_new(mine);
	assert_int_equal(read(ends[0], childs, sizeof childs), sizeof childs);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_not_equal(memcmp(mine, childs, sizeof mine), 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unique_over_threads),
	    cmocka_unit_test(test_child_does_not_repeat_its_parent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
