/* SPDX-License-Identifier: Apache-2.0
 * engine/thread.c - see thread.h. */
#include "engine/thread.h"

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
