/* SPDX-License-Identifier: Apache-2.0
 * base/arena.c - see arena.h. A chain of blocks, each at least BLOCK_SIZE; reset starts at the first again. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)8192)
#define ALIGNMENT  ((size_t)16)

struct genops_arena_block {
	struct genops_arena_block *next;
	size_t size, used;
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

void genops_arena_reset(struct genops_arena *arena)
{
	for (struct genops_arena_block *block = arena->first; block; block = block->next)
		block->used = 0;
	arena->current = arena->first;
	arena->used = 0;
}

static struct genops_arena_block *add_block(struct genops_arena *arena, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct genops_arena_block *block = malloc(sizeof *block + room);
	if (!block)
		return NULL;
	block->size = room;
	block->used = 0;
	block->next = arena->current ? arena->current->next : NULL;
	if (arena->current)
		arena->current->next = block;
	else
		arena->first = block;
	arena->current = block;
	return block;
}

void *genops_arena_take(struct genops_arena *arena, size_t size)
{
	if (size > arena->max || arena->used > arena->max - size || size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	struct genops_arena_block *block = arena->current;
	while (block && block->size - block->used < size) {
		block = block->next;
		if (block)
			arena->current = block;
	}
	if (!block)
		block = add_block(arena, size);
	if (!block)
		return NULL;
	void *ptr = block->bytes + block->used;
	block->used += size;
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
