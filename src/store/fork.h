/* SPDX-License-Identifier: Apache-2.0
 * store/fork.h - what a forked child must not keep of its parent's.
 *
 * An open-file-description lock lives as long as any process has the descriptor: a child that
 * merely inherited it would keep its dead parent's locks. So descriptors that carry such a lock are
 * guarded: a fork handler closes them in the child, whether or not the child ever calls this
 * library. Objects that belong to one process compare the generation.
 *
 * Threads: any; the handler does only what is allowed between fork and exec.
 */
#ifndef STORE_FORK_H
#define STORE_FORK_H

/* Another number in each descendant. Remember it when you take something; if it differs, it is
 * the parent's. */
unsigned genops_fork_generation(void);

/* Closes fd in every child forked from now on. At most 64 at once; more are simply inherited. */
void genops_fork_guard(int fd);
void genops_fork_unguard(int fd); /* before it is closed */

#endif
