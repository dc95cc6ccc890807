/* SPDX-License-Identifier: Apache-2.0
 * engine/thread.h - threads inside somebody else's program: no signal of the host's is delivered to them. */
#ifndef ENGINE_THREAD_H
#define ENGINE_THREAD_H

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* `what` names it in the error. NOMEM. */
GENOPS_NODISCARD int genops_thread_start(
    pthread_t *thread, void *(*run)(void *), void *arg, const char *what, struct genops_error *err);

/* One thread that does something, pauses and does it again, until it is stopped: run() is `do ... while (genops_thread_loop_pause(...))`, or while.
 * Whoever owns it inits, starts, stops and ends it; wake is for any thread. */
struct genops_thread_loop {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_running, is_woken;
	volatile int must_stop;   /* read atomically: also the cancel of what takes long */
};

/* Returns an errno value, 0: done. Anew in the child of a fork, where the parent's thread is not. */
int genops_thread_loop_init(struct genops_thread_loop *loop);
void genops_thread_loop_done(struct genops_thread_loop *loop); /* stopped, or never started */
/* `what` as above. NOMEM. */
GENOPS_NODISCARD int genops_thread_loop_start(
    struct genops_thread_loop *loop, void *(*run)(void *), void *arg, const char *what, struct genops_error *err);
/* For so long, or until it is woken: *ret_is_woken says so (NULL is fine). False: it ends, at once. In the loop's thread. */
bool genops_thread_loop_pause(struct genops_thread_loop *loop, int64_t ns, bool *ret_is_woken);
bool genops_thread_loop_is_ending(const struct genops_thread_loop *loop);
void genops_thread_loop_wake(struct genops_thread_loop *loop);
/* Waits for its end. Nothing where it does not run. */
void genops_thread_loop_stop(struct genops_thread_loop *loop);

/* A condition variable that waits by the monotonic clock. Returns an errno value, 0: done. */
int genops_thread_condition_init(pthread_cond_t *condition);

#endif
