/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_segment.c - CPU time of one append of 700 bytes to a segment, page faults,
 * allocation and rotation included: into new files, and, as in the long run, into spare ones; of
 * reading it back, and of removing what was read. Writes 30 MB at a time below the working
 * directory's file system (TMPDIR if set). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "store/segment.h"
#include "store/state_dir.h"

#define N      35000 /* 25 MB: less than may be kept as spares */
#define ROUNDS 6

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

struct costs {
	double append, user, read, remove;
};

static void append_all(struct genops_segment_writer *writer, struct costs *ret)
{
	static char payload[700];
	struct genops_error err;
	double begin = cpu_ns(), user = user_ns();
	for (int i = 0; i < N; i++) {
		payload[i % 700]++;
		if (genops_segment_append(writer, GENOPS_ENTRY_OPERATION,
			(genops_str){payload, sizeof payload}, NULL, &err) != GENOPS_OK)
			fail(&err);
	}
	ret->append = (cpu_ns() - begin) / N;
	ret->user = (user_ns() - user) / N;
}

static void read_all(const char *dir, struct genops_segment_position *at, struct costs *ret)
{
	struct genops_error err;
	struct genops_segment_entry entry = {.after = *at};
	bool is_found = true;
	struct genops_segment_reader *reader = genops_segment_reader_new(dir, *at, &err);
	double begin = cpu_ns();
	while (is_found) {
		if (genops_segment_next(reader, &entry, &is_found, &err) != GENOPS_OK)
			fail(&err);
	}
	ret->read = (cpu_ns() - begin) / N;
	genops_segment_reader_free(reader);
	*at = entry.after;
	begin = cpu_ns();
	genops_segment_remove_before(dir, *at);
	ret->remove = (cpu_ns() - begin) / N;
}

int main(void)
{
	char dir[512], command[600];
	struct genops_error err;
	snprintf(
	    dir, sizeof dir, "%s/genops-bench-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : ".");
	if (!mkdtemp(dir) || genops_state_dir_open(dir, &err) != GENOPS_OK)
		return 1;
	struct genops_segment_writer *writer =
	    genops_segment_writer_new(dir, 1, 1, (uint64_t)1 << 30, &err);
	if (!writer)
		fail(&err);
	struct genops_segment_position at = {.process = 1, .epoch = 1, .file = 1};
	for (int i = 0; i < ROUNDS; i++) {
		struct costs costs;
		append_all(writer, &costs);
		read_all(dir, &at, &costs);
		/* What is not in user space is the kernel's: making, zeroing and mapping pages. */
		if (i == 0 || i == ROUNDS - 1)
			printf("segment/append, %s files: %.0f ns (%.0f of them in user space), read %.0f ns, "
			       "remove %.0f ns, 700 bytes\n",
			    i ? "spare" : "new", costs.append, costs.user, costs.read, costs.remove);
	}
	genops_segment_writer_free(writer);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command) != 0;
}
