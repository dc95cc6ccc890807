/* SPDX-License-Identifier: Apache-2.0
 * net/sigpipe.c - see sigpipe.h. SIGPIPE of a write is sent to the writing thread, so the thread's mask is enough. */
#include "net/sigpipe.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

static bool is_pending(void)
{
	sigset_t pending;
	sigemptyset(&pending);
	sigpending(&pending);
	return sigismember(&pending, SIGPIPE) == 1;
}

void genops_sigpipe_block(struct genops_sigpipe *guard)
{
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	guard->was_pending = is_pending();
	pthread_sigmask(SIG_BLOCK, &pipe, &guard->before);
}

void genops_sigpipe_restore(const struct genops_sigpipe *guard)
{
	const struct timespec at_once = {0, 0};
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	/* One that was there before us is somebody else's. */
	if (!guard->was_pending && is_pending())
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
