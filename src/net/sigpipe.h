/* SPDX-License-Identifier: Apache-2.0
 * net/sigpipe.h - no SIGPIPE while we write to connections: OpenSSL writes without MSG_NOSIGNAL, and the process we are
 * in may not ignore it. Handlers are not ours to change, so it is blocked in this thread and taken away if it came. */
#ifndef NET_SIGPIPE_H
#define NET_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct genops_sigpipe {
	sigset_t before;
	bool was_pending;
};

void genops_sigpipe_block(struct genops_sigpipe *guard);
void genops_sigpipe_restore(const struct genops_sigpipe *guard);

#endif
