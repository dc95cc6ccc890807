/* SPDX-License-Identifier: Apache-2.0
 * engine/thread.h - threads inside somebody else's program: no signal of the host's is delivered to them. */
#ifndef ENGINE_THREAD_H
#define ENGINE_THREAD_H

#include "base/error.h"

#include <pthread.h>

/* `what` names it in the error. NOMEM. */
GENOPS_NODISCARD int genops_thread_start(
    pthread_t *thread, void *(*run)(void *), void *arg, const char *what, struct genops_error *err);

/* A condition variable that waits by the monotonic clock. Returns an errno value, 0: done. */
int genops_thread_condition_init(pthread_cond_t *condition);

#endif
