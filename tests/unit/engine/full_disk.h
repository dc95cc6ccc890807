/* SPDX-License-Identifier: Apache-2.0
 * full_disk.h - a disk that is full: a limit on the size of files (EFBIG). The segment cannot be made, everything that is mapped
 * already goes on. */
#ifndef TESTS_FULL_DISK_H
#define TESTS_FULL_DISK_H

#include "engine_fixture.h"

#include <signal.h>
#include <sys/resource.h>

static const char config[] = "governance: {budgets: [{name: all, total_budget: 1.0}]}\n";

static inline void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
