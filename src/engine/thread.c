/* SPDX-License-Identifier: Apache-2.0
 * engine/thread.c - see thread.h. */
#include "engine/thread.h"

#include "base/clock.h"

#include <signal.h>
#include <time.h>

int genops_thread_start(
    pthread_t *thread, void *(*run)(void *), void *arg, const char *what, struct genops_error *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int failure = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failure ? genops_fail_errno(err, GENOPS_NOMEM, failure, "%s cannot be started", what) : GENOPS_OK;
}

int genops_thread_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int failure = pthread_condattr_init(&attributes);
	if (failure)
		return failure;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	failure = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return failure;
}

/* --- one that pauses --- */

int genops_thread_loop_init(struct genops_thread_loop *loop)
{
	*loop = (struct genops_thread_loop){.is_running = false};
	int failure = pthread_mutex_init(&loop->lock, NULL);
	return failure ? failure : genops_thread_condition_init(&loop->wake);
}

void genops_thread_loop_done(struct genops_thread_loop *loop)
{
	pthread_cond_destroy(&loop->wake);
	pthread_mutex_destroy(&loop->lock);
}

int genops_thread_loop_start(
    struct genops_thread_loop *loop, void *(*run)(void *), void *arg, const char *what, struct genops_error *err)
{
	loop->must_stop = 0;
	loop->is_woken = false;
	GENOPS_TRY(genops_thread_start(&loop->thread, run, arg, what, err));
	loop->is_running = true;
	return GENOPS_OK;
}

bool genops_thread_loop_is_ending(const struct genops_thread_loop *loop)
{
	return __atomic_load_n(&loop->must_stop, __ATOMIC_RELAXED);
}

bool genops_thread_loop_pause(struct genops_thread_loop *loop, int64_t ns, bool *ret_is_woken)
{
	int64_t at = genops_clock_monotonic_ns() + (ns > 0 ? ns : 0);
	struct timespec until = {.tv_sec = at / GENOPS_NS_PER_S, .tv_nsec = at % GENOPS_NS_PER_S};
	pthread_mutex_lock(&loop->lock);
	while (!loop->is_woken && !genops_thread_loop_is_ending(loop)) {
		if (pthread_cond_timedwait(&loop->wake, &loop->lock, &until) != 0)
			break;
	}
	if (ret_is_woken)
		*ret_is_woken = loop->is_woken;
	loop->is_woken = false;
	bool goes_on = !genops_thread_loop_is_ending(loop);
	pthread_mutex_unlock(&loop->lock);
	return goes_on;
}

void genops_thread_loop_wake(struct genops_thread_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	loop->is_woken = true;
	pthread_cond_signal(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

void genops_thread_loop_stop(struct genops_thread_loop *loop)
{
	if (!loop->is_running)
		return;
	pthread_mutex_lock(&loop->lock);
	__atomic_store_n(&loop->must_stop, 1, __ATOMIC_RELAXED);
	pthread_cond_signal(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
	pthread_join(loop->thread, NULL);
	loop->is_running = false;
}
