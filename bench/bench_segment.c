/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_segment.c - CPU time of one append of 700 bytes to a segment, page faults,
 * allocation and rotation included; and of reading it back. Writes 70 MB below the working
 * directory's file system (TMPDIR if set). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "store/segment.h"
#include "store/state_dir.h"

#define N 100000

static double user_ns(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec * 1e9 + (double)usage.ru_utime.tv_usec * 1e3;
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const struct genops_error *err)
{
	fprintf(stderr, "bench_segment: %s\n", err->message);
	exit(1);
}

static double append_all(const char *dir, double *ret_user)
{
	static char payload[700];
	struct genops_error err;
	struct genops_segment_writer *writer =
	    genops_segment_writer_new(dir, 1, 1, (uint64_t)1 << 30, &err);
	if (!writer)
		fail(&err);
	double begin = cpu_ns(), user = user_ns();
	for (int i = 0; i < N; i++) {
		payload[i % 700]++;
		if (genops_segment_append(writer, GENOPS_ENTRY_OPERATION,
			(genops_str){payload, sizeof payload}, NULL, &err) != GENOPS_OK)
			fail(&err);
	}
	double took = (cpu_ns() - begin) / N;
	*ret_user = (user_ns() - user) / N;
	genops_segment_writer_free(writer);
	return took;
}

static double read_all(const char *dir)
{
	struct genops_error err;
	struct genops_segment_entry entry;
	bool is_found = true;
	struct genops_segment_reader *reader = genops_segment_reader_new(
	    dir, (struct genops_segment_position){.process = 1, .epoch = 1, .file = 1}, &err);
	double begin = cpu_ns();
	while (is_found) {
		if (genops_segment_next(reader, &entry, &is_found, &err) != GENOPS_OK)
			fail(&err);
	}
	double took = (cpu_ns() - begin) / N;
	genops_segment_reader_free(reader);
	genops_segment_remove_before(dir, entry.after);
	return took;
}

int main(void)
{
	char dir[512], command[600];
	struct genops_error err;
	snprintf(
	    dir, sizeof dir, "%s/genops-bench-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : ".");
	if (!mkdtemp(dir) || genops_state_dir_open(dir, &err) != GENOPS_OK)
		return 1;
	double user, append = append_all(dir, &user), read = read_all(dir);
	/* The rest is the kernel's: making, zeroing and mapping the pages of the files. */
	printf("segment/append %.0f ns (%.0f of them in user space), read %.0f ns, 700 bytes\n", append, user,
	    read);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) != 0;
}
