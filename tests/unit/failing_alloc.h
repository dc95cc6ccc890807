/* SPDX-License-Identifier: Apache-2.0
 * failing_alloc.h - makes the n-th allocation of a program fail, to walk every out-of-memory path.
 *
 * Replaces malloc, calloc and realloc of the test that includes it. Where a sanitizer owns these,
 * nothing is replaced and FAILING_ALLOC is 0: such a test then skips its loop. Only the thread that sets allocs_left sees failures, and
 * libstdc++ never does.
 */
#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FAILING_ALLOC 1

#include <link.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);

/* Of this thread. Negative: never fail; 0: the next one fails, and all after it. */
static _Thread_local long allocs_left = -1;

/* Of this thread: only what the program itself asks for fails, not what libraries do (libfyaml 0.7.12 does not survive that). */
static _Thread_local int only_own_allocs;

extern char __executable_start, etext; /* the linker's: begin and end of the program's code */

/* libstdc++, which is operator new for libsnappy, ends the process: its code is here. Set before main. */
static const char *spared_begin, *spared_end;

static int find_spared(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size, (void)arg;
	if (!strstr(info->dlpi_name, "/libstdc++."))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		spared_begin = (const char *)info->dlpi_addr + part->p_vaddr;
		spared_end = spared_begin + part->p_memsz;
	}
	return 1;
}

__attribute__((constructor)) static void spare_libstdcxx(void)
{
	(void)dl_iterate_phdr(find_spared, NULL);
}

static int alloc_fails(void *caller)
{
	if (allocs_left < 0)
		return 0;
	if (only_own_allocs && ((char *)caller < &__executable_start || (char *)caller >= &etext))
		return 0;
	if ((const char *)caller >= spared_begin && (const char *)caller < spared_end)
		return 0;
	if (allocs_left == 0)
		return 1;
	allocs_left--;
	return 0;
}

void *malloc(size_t size)
{
	return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *ptr, size_t size)
{
	return alloc_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(ptr, size);
}
#else
#define FAILING_ALLOC 0
static _Thread_local long allocs_left = -1;
#endif

#endif
