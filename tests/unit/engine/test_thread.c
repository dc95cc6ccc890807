/* SPDX-License-Identifier: Apache-2.0 - engine/thread.c: a thread that pauses goes on when it is woken or its pause is over, and ends at once when it is
 * stopped, however long its pause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "engine/thread.h"

#include <semaphore.h>
#include <signal.h>

#define FOREVER (INT64_C(1000000) * GENOPS_NS_PER_S)

struct turns {
	struct genops_thread_loop loop;
	sem_t done;          /* one for each turn */
	int64_t pause_ns;
	bool takes_signals;
	int n_woken;
};

static void *run(void *arg)
{
	struct turns *turns = arg;
	sigset_t blocked;
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	turns->takes_signals = sigismember(&blocked, SIGINT) == 0;
	bool is_woken = false;
	do {
		turns->n_woken += is_woken;
		sem_post(&turns->done);
	} while (genops_thread_loop_pause(&turns->loop, turns->pause_ns, &is_woken));
	return NULL;
}

static void begin(struct turns *turns, int64_t pause_ns)
{
	struct genops_error err;
	*turns = (struct turns){.pause_ns = pause_ns};
	sem_init(&turns->done, 0, 0);
	assert_int_equal(genops_thread_loop_init(&turns->loop), 0);
	assert_int_equal(genops_thread_loop_start(&turns->loop, run, turns, "a test", &err), GENOPS_OK);
}

static void end(struct turns *turns)
{
	genops_thread_loop_stop(&turns->loop);
	assert_true(genops_thread_loop_is_ending(&turns->loop));
	assert_false(turns->takes_signals);
	genops_thread_loop_stop(&turns->loop); /* again: nothing */
	genops_thread_loop_done(&turns->loop);
	sem_destroy(&turns->done);
}

static void woken_and_stopped_in_a_long_pause(void **state)
{
	struct turns turns;
	(void)state;
	begin(&turns, FOREVER);
	for (int i = 0; i < 100; i++) {
		sem_wait(&turns.done);
		genops_thread_loop_wake(&turns.loop); /* in its pause, or before it */
	}
	sem_wait(&turns.done);
	end(&turns);
	assert_int_equal(turns.n_woken, 100);
}

static void a_pause_ends_by_itself(void **state)
{
	struct turns turns;
	(void)state;
	begin(&turns, 1);
	for (int i = 0; i < 100; i++)
		sem_wait(&turns.done);
	end(&turns);
	assert_int_equal(turns.n_woken, 0);
}

static void stopped_before_it_began(void **state)
{
	struct turns turns = {.pause_ns = FOREVER};
	(void)state;
	for (int i = 0; i < 100; i++) {
		begin(&turns, FOREVER);
		end(&turns);
	}
	assert_int_equal(genops_thread_loop_init(&turns.loop), 0);
	genops_thread_loop_stop(&turns.loop); /* never started */
	genops_thread_loop_done(&turns.loop);
}

static void started_again(void **state)
{
	struct turns turns;
	struct genops_error err;
	(void)state;
	begin(&turns, FOREVER);
	genops_thread_loop_stop(&turns.loop);
	while (sem_trywait(&turns.done) == 0) {
	}
	assert_int_equal(genops_thread_loop_start(&turns.loop, run, &turns, "a test", &err), GENOPS_OK);
	assert_false(genops_thread_loop_is_ending(&turns.loop));
	sem_wait(&turns.done);
	end(&turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(woken_and_stopped_in_a_long_pause),
	    cmocka_unit_test(a_pause_ends_by_itself),
	    cmocka_unit_test(stopped_before_it_began),
	    cmocka_unit_test(started_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
