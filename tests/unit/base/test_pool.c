/* SPDX-License-Identifier: Apache-2.0
 * test_pool.c - what is put into a pool comes out once, whichever thread takes it, and a full one says so. */
#include "base/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void an_empty_pool_has_nothing(void **state)
{
	struct genops_pool pool = {0};
	assert_null(genops_pool_take(&pool));
}

static void a_full_pool_says_so(void **state)
{
	struct genops_pool pool = {0};
	int items[GENOPS_POOL_SIZE + 1] = {0};
	for (size_t i = 0; i < GENOPS_POOL_SIZE; i++)
		assert_true(genops_pool_put(&pool, &items[i]));
	assert_false(genops_pool_put(&pool, &items[GENOPS_POOL_SIZE]));
	for (int *item; (item = genops_pool_take(&pool));)
		assert_int_equal((*item)++, 0);
	for (size_t i = 0; i < GENOPS_POOL_SIZE; i++)
		assert_int_equal(items[i], 1);
	assert_true(genops_pool_put(&pool, &items[GENOPS_POOL_SIZE]));
}

struct sharing {
	struct genops_pool pool;
	_Atomic int n_users[4];
	_Atomic int n_faults;
};

static void *use(void *arg)
{
	struct sharing *sharing = arg;
	for (int i = 0; i < 20000; i++) {
		_Atomic int *item = genops_pool_take(&sharing->pool);
		if (!item)
			continue;
		if (atomic_fetch_add(item, 1) != 0)
			atomic_fetch_add(&sharing->n_faults, 1);
		atomic_fetch_sub(item, 1);
		if (!genops_pool_put(&sharing->pool, item))
			atomic_fetch_add(&sharing->n_faults, 1);
	}
	return NULL;
}

static void no_two_threads_have_the_same(void **state)
{
	static struct sharing sharing;
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_true(genops_pool_put(&sharing.pool, &sharing.n_users[i]));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, &sharing), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(sharing.n_faults, 0);
	size_t n = 0;
	while (genops_pool_take(&sharing.pool))
		n++;
	assert_int_equal(n, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_pool_has_nothing),
	    cmocka_unit_test(a_full_pool_says_so),
	    cmocka_unit_test(no_two_threads_have_the_same),
	};
	return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
