/* SPDX-License-Identifier: Apache-2.0
 * base/arena.c - see arena.h. A chain of blocks, each at least BLOCK_SIZE; reset starts at the first again. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)8192)
#define ALIGNMENT  ((size_t)16)

struct genops_arena_block {
	struct genops_arena_block *next;
	size_t size;
	_Alignas(16) char bytes[];
};

void genops_arena_init(struct genops_arena *arena, size_t max)
{
	*arena = (struct genops_arena){.max = max};
}

void genops_arena_done(struct genops_arena *arena)
{
	for (struct genops_arena_block *block = arena->first, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	*arena = (struct genops_arena){.max = arena->max};
}

static void make_current(struct genops_arena *arena, struct genops_arena_block *block)
{
	arena->current = block;
	arena->at = block->bytes;
	arena->room = block->size;
}

void genops_arena_reset(struct genops_arena *arena)
{
	arena->used = 0;
	if (arena->first)
		make_current(arena, arena->first);
}

/* The next block with room, kept over a reset or new. Those before it are too small and go: an arena that is used again and
 * again for what grows would else keep a block of every size. */
static bool take_block(struct genops_arena *arena, size_t size)
{
	struct genops_arena_block **place = arena->current ? &arena->current->next : &arena->first;
	while (*place && (*place)->size < size) {
		struct genops_arena_block *small = *place;
		*place = small->next;
		free(small);
	}
	if (!*place) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		struct genops_arena_block *block = malloc(sizeof *block + room);
		if (!block)
			return false;
		block->size = room;
		block->next = NULL;
		*place = block;
	}
	make_current(arena, *place);
	return true;
}

void *genops_arena_take_slow(struct genops_arena *arena, size_t size)
{
	if (size > arena->max || arena->used > arena->max - size || size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if ((!arena->at || size > arena->room) && !take_block(arena, size))
		return NULL;
	void *ptr = arena->at;
	arena->at += size;
	arena->room -= size;
	arena->used += size;
	return ptr;
}

void *genops_arena_alloc(struct genops_arena *arena, size_t size)
{
	void *ptr = genops_arena_take(arena, size);
	return ptr ? memset(ptr, 0, size) : NULL;
}

char *genops_arena_dup_text(struct genops_arena *arena, genops_str text)
{
	if (text.len == SIZE_MAX)
		return NULL;
	char *ptr = genops_arena_take(arena, text.len + 1);
	if (!ptr)
		return NULL;
	if (text.len)
		memcpy(ptr, text.ptr, text.len);
	ptr[text.len] = '\0';
	return ptr;
}

bool genops_arena_dup(struct genops_arena *arena, genops_str text, genops_str *ret)
{
	char *ptr = genops_arena_dup_text(arena, text);
	if (!ptr)
		return false;
	*ret = (genops_str){ptr, text.len};
	return true;
}
