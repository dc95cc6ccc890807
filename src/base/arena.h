/* SPDX-License-Identifier: Apache-2.0
 * base/arena.h - memory that is freed all at once: a configuration snapshot's, an operation's.
 *
 * Blocks are kept over a reset, so that an arena used again and again allocates nothing. Every allocation
 * is aligned to 16 bytes. One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <genops/attribute.h>

struct genops_arena_block;

struct genops_arena {
	struct genops_arena_block *first, *current;
	char *at;    /* what is left of the current block */
	size_t room; /* a multiple of 16 */
	size_t used; /* bytes taken from all blocks since init or reset */
	size_t max;  /* bytes at most; over it alloc returns NULL */
};

void genops_arena_init(struct genops_arena *arena, size_t max);
void genops_arena_done(struct genops_arena *arena);
void genops_arena_reset(struct genops_arena *arena);

void *genops_arena_alloc(struct genops_arena *arena, size_t size); /* zeroed; NULL: out of memory or over max */
/* The same, not zeroed: for what is written before it is read. Inline, since an operation takes some thirty pieces: nearly all
 * of them fit into the current block. */
void *genops_arena_take_slow(struct genops_arena *arena, size_t size);
static inline void *genops_arena_take(struct genops_arena *arena, size_t size)
{
	size_t rounded = (size + 15) & ~(size_t)15;
	/* Nothing, and what comes near the maximum, is not decided here. */
	if (size - 1 >= arena->room || arena->used + rounded > arena->max)
		return genops_arena_take_slow(arena, size);
	void *ptr = arena->at;
	arena->at += rounded;
	arena->room -= rounded;
	arena->used += rounded;
	return ptr;
}

/* Copies, NUL-terminated behind its length. False when there is no memory; *ret is then untouched. */
bool genops_arena_dup(struct genops_arena *arena, genops_str text, genops_str *ret);
char *genops_arena_dup_text(struct genops_arena *arena, genops_str text);

#endif
