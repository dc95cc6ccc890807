/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_segment.c - store/segment/segment.c: order, rotation, full disks, threads, and
 * SIGKILL at any instruction. */
#include "segment_fixture.h"

/* ---- the ordinary life ---- */

static void test_interleaved(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	struct genops_segment_reader *reader = new_reader(1);
	expect_nothing(reader); /* no file yet: nothing is opened before the first append */
	assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
	for (uint64_t i = 1; i <= 2000; i++) {
		append(writer, i);
		expect_entries(reader, i, i);
		expect_nothing(reader);
	}
	assert_int_equal(genops_segment_last_sequence(writer), 2000);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* Files grow from 256 KiB to 4 MiB, are cut to what they hold when closed but for those of 4 MiB, and read on across. */
static void test_rotation(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	append(writer, 1);
	assert_int_equal(file_size(1, 1), 256 << 10);
	for (uint64_t i = 2; i <= 20000; i++)
		append(writer, i);
	assert_true(file_size(1, 1) < 256 << 10);
	assert_true(file_size(1, 2) > 1000 << 10 && file_size(1, 2) < 1024 << 10);
	assert_int_equal(file_size(1, 3), 4 << 20);
	assert_int_equal(file_size(1, 6), 4 << 20);
	struct genops_segment_reader *reader = new_reader(1);
	expect_entries(reader, 1, 20000);
	expect_nothing(reader);
	genops_segment_writer_free(writer);
	assert_int_equal(file_size(1, 6), 4 << 20);
	expect_nothing(reader);
	struct genops_segment_reader_stats stats;
	genops_segment_reader_stats(reader, &stats);
	assert_int_equal(stats.lost_bytes + stats.lost_entries + stats.torn_bytes, 0);
	genops_segment_reader_free(reader);
}

/* KiB of the writer's mapping that count as this process's memory. */
static long resident_kib(void)
{
	char line[512];
	bool is_ours = false;
	unsigned long begin, end;
	long kib = 0, n;
	FILE *file = fopen("/proc/self/smaps", "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			is_ours = strstr(line, dir) != NULL;
		else if (is_ours && sscanf(line, "Rss: %ld kB", &n) == 1)
			kib += n;
	}
	fclose(file);
	return kib;
}

/* A worker's memory has a bar; what is written is the readers'. */
static void test_half_a_file_is_resident(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	long most = 0;
	for (uint64_t i = 1; i <= 20000; i++) {
		append(writer, i);
		long now = i % 100 == 0 ? resident_kib() : 0;
		most = now > most ? now : most;
	}
	assert_in_range(most, 64, 2048 + 64);
	struct genops_segment_reader *reader = new_reader(1);
	expect_entries(reader, 1, 20000);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* A file of full size is closed when its head is not mapped any more: it says its length all the same. */
static void test_full_files_say_their_length(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	for (uint64_t i = 1; i <= 20000; i++)
		append(writer, i);
	genops_segment_writer_free(writer);
	for (unsigned file = 3; file <= 5; file++) {
		struct segment_header header;
		char path[PATH_MAX];
		file_path(1, file, path);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, &header, sizeof header), sizeof header);
		assert_int_equal(genops_segment_format_state(&header, 4 << 20), SEGMENT_CLOSED);
		assert_in_range(header.used, (4 << 20) - 2048, 4 << 20);
		close(fd);
	}
}

/* Reading may begin at any entry's position, in another process, later. */
static void test_resume(void **state)
{
	struct genops_segment_writer *writer = new_writer(3, 64 * MIB);
	for (uint64_t i = 1; i <= 1000; i++)
		append(writer, i);
	struct genops_segment_reader *reader = new_reader(3);
	struct genops_segment_entry entry;
	struct genops_error err;
	for (uint64_t i = 1; i <= 1000; i++) {
		assert_true(next(reader, &entry));
		assert_entry(&entry, i);
		genops_segment_reader_free(reader);
		reader = genops_segment_reader_new(dir, entry.after, &err);
	}
	expect_nothing(reader);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

static void test_sizes(void **state)
{
	static char big[GENOPS_SEGMENT_ENTRY_MAX + 1];
	memset(big, 'b', sizeof big);
	struct genops_error err;
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	uint64_t sequence = 77;
	assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_EVENT,
			     (genops_str){big, sizeof big}, &sequence, &err),
	    GENOPS_LIMIT);
	assert_int_equal(sequence, 77);
	assert_int_equal(genops_segment_append(
			     writer, GENOPS_ENTRY_EVENT, (genops_str){NULL, 0}, &sequence, &err),
	    GENOPS_OK);
	for (size_t len = 1; len <= sizeof big; len += len < 40 ? 1 : len) {
		if (len + len > sizeof big)
			len = sizeof big - 1; /* the largest */
		assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_SPANS,
				     (genops_str){big, len}, &sequence, &err),
		    GENOPS_OK);
		if (len == sizeof big - 1)
			break;
	}
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry;
	assert_true(next(reader, &entry));
	assert_int_equal(entry.kind, GENOPS_ENTRY_EVENT);
	assert_int_equal(entry.payload.len, 0);
	for (uint64_t i = 2; i <= sequence; i++) {
		assert_true(next(reader, &entry));
		assert_int_equal(entry.kind, GENOPS_ENTRY_SPANS);
		assert_memory_equal(entry.payload.ptr, big, entry.payload.len);
	}
	assert_int_equal(entry.payload.len, GENOPS_SEGMENT_ENTRY_MAX);
	expect_nothing(reader);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* proves CRB-059: full pushes back, and goes on when somebody has drained */
static void test_full(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, MIB);
	char bytes[2048];
	struct genops_error err;
	uint64_t n = 0;
	int code;
	while ((code = genops_segment_append(writer, GENOPS_ENTRY_OPERATION,
		    payload_of(n + 1, bytes), NULL, &err)) == GENOPS_OK)
		n++;
	assert_int_equal(code, GENOPS_FULL);
	assert_true(err.fix[0]);
	assert_int_equal(genops_segment_last_sequence(writer), n);
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry = {0};
	for (uint64_t i = 1; i <= n; i++) {
		assert_true(next(reader, &entry));
		assert_entry(&entry, i);
	}
	expect_nothing(reader);
	assert_true(
	    file_size(1, 4) > 0 && file_size(1, 5) < 0); /* four of 256 KiB: as much as fits */
	genops_segment_remove_before(dir, entry.after);
	assert_int_equal(file_size(1, 3), -1);
	append(writer, n + 1);
	expect_entries(reader, n + 1, n + 1);
	expect_nothing(reader);
	genops_segment_writer_free(writer);
	genops_segment_reader_free(reader);
}

static void test_no_directory(void **state)
{
	struct genops_error err;
	struct genops_segment_writer *writer =
	    genops_segment_writer_new("/nonexistent", 1, 1, MIB, &err);
	assert_int_equal(
	    genops_segment_append(writer, GENOPS_ENTRY_EVENT, GENOPS_STR("x"), NULL, &err),
	    GENOPS_IO);
	genops_segment_writer_free(writer);
	assert_int_equal(genops_segment_list("/nonexistent", NULL, 0), 0);
	assert_int_equal(genops_segment_sync("/nonexistent", &err), GENOPS_IO);
	genops_segment_remove_before("/nonexistent", (struct genops_segment_position){0});
}

/* ---- several threads, several processes ---- */

struct thread {
	struct genops_segment_writer *writer;
	uint64_t sequences[3000];
};

static void *append_many(void *arg)
{
	struct thread *thread = arg;
	char bytes[700];
	memset(bytes, 'x', sizeof bytes);
	for (size_t i = 0; i < 3000; i++) {
		memcpy(bytes, &i, sizeof i);
		memcpy(bytes + 8, &thread, sizeof thread);
		struct genops_error err;
		if (genops_segment_append(thread->writer, GENOPS_ENTRY_OPERATION,
			(genops_str){bytes, sizeof bytes}, &thread->sequences[i],
			&err) != GENOPS_OK)
			return thread;
	}
	return NULL;
}

static void test_threads(void **state)
{
	enum { N = 4 };
	static struct thread threads[N];
	pthread_t ids[N];
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	for (size_t i = 0; i < N; i++) {
		threads[i].writer = writer;
		assert_int_equal(pthread_create(&ids[i], NULL, append_many, &threads[i]), 0);
	}
	/* read while they write */
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry;
	size_t seen[N] = {0};
	for (uint64_t n = 0; n < N * 3000;) {
		if (!next(reader, &entry))
			continue;
		assert_int_equal(entry.sequence, ++n);
		struct thread *thread;
		size_t number;
		memcpy(&number, entry.payload.ptr, 8);
		memcpy(&thread, entry.payload.ptr + 8, 8);
		size_t who = (size_t)(thread - threads);
		assert_true(who < N);
		assert_int_equal(number, seen[who]++);
	}
	for (size_t i = 0; i < N; i++) {
		void *failed;
		pthread_join(ids[i], &failed);
		assert_null(failed);
		for (size_t k = 1; k < 3000; k++)
			assert_true(threads[i].sequences[k] > threads[i].sequences[k - 1]);
	}
	expect_nothing(reader);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* A child that goes on with its parent's writer is refused, and letting go of it does not close
 * the parent's file. */
static void test_fork(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	append(writer, 1);
	pid_t child = fork();
	if (!child) {
		struct genops_error err;
		int code = genops_segment_append(
		    writer, GENOPS_ENTRY_EVENT, GENOPS_STR("child"), NULL, &err);
		genops_segment_writer_free(writer);
		_exit(code == GENOPS_MISUSE ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	append(writer, 2);
	struct genops_segment_reader *reader = new_reader(1);
	expect_entries(reader, 1, 2);
	expect_nothing(reader);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* As if a minute had passed since anybody touched the files. */
static void age_files(void)
{
	char folder[PATH_MAX];
	assert_true(genops_segment_format_folder(dir, folder));
	DIR *files = opendir(folder);
	for (struct dirent *entry; (entry = readdir(files));)
		utimensat(dirfd(files), entry->d_name,
		    (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0);
	closedir(files);
}

#define VICTIMS 12
#define AHEAD_MAX 5000

/* What a victim has been told is stored, in memory that outlives it. It runs so far ahead of its
 * death at most: where the reader is slow (valgrind) the disk is not filled. */
static void write_until_killed(uint32_t process, uint64_t until, uint64_t *acknowledged)
{
	struct genops_error err;
	struct genops_segment_writer *writer =
	    genops_segment_writer_new(dir, process, 1, 1024 * MIB, &err);
	char bytes[2048];
	for (uint64_t i = 1; writer; i++) {
		uint64_t sequence;
		if (genops_segment_append(writer, GENOPS_ENTRY_OPERATION, payload_of(i, bytes),
			&sequence, &err) != GENOPS_OK ||
		    sequence != i)
			break;
		__atomic_store_n(acknowledged, sequence, __ATOMIC_RELEASE);
		while (i == until + AHEAD_MAX)
			pause();
	}
	_exit(1);
}

/* Everything that process `process` was told is stored must be there, once, in order, whole.
 * Returns how many there are. */
static uint64_t read_victim(
    struct genops_segment_reader *reader, uint64_t n, struct genops_segment_position *ret_after)
{
	struct genops_segment_entry entry;
	while (next(reader, &entry)) { /* next() fails the test on CORRUPT */
		assert_entry(&entry, ++n);
		*ret_after = entry.after;
	}
	return n;
}

/* proves CRB-060 for segments: what was acknowledged survives SIGKILL of its writer at any
 * instruction */
static void test_sigkill(void **state)
{
	uint64_t *acknowledged =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned random = 12345;
	for (uint32_t i = 0; i < VICTIMS; i++) {
		random = random * 1103515245 + 12345;
		uint64_t until = 1 + (random >> 8) % 3000;
		acknowledged[i] = 0;
		pid_t child = fork();
		if (!child)
			write_until_killed(i, until, &acknowledged[i]);
		/* A reader follows it alive, and is there when it dies. */
		struct genops_segment_reader *reader = new_reader(i);
		struct genops_segment_position after = {.process = i, .epoch = 1, .file = 1};
		uint64_t n = 0;
		while (__atomic_load_n(&acknowledged[i], __ATOMIC_ACQUIRE) < until) {
			struct genops_segment_entry entry; /* not to the end: it may write as fast as this reads */
			if (next(reader, &entry))
				assert_entry(&entry, ++n);
		}
		kill(child, SIGKILL);
		int status;
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		n = read_victim(reader, n, &after);
		assert_true(n >= acknowledged[i]);
		assert_true(n <= acknowledged[i] + 1); /* one may be stored and not yet told */
		genops_segment_reader_free(reader);
		/* A reader that comes later finds the same. */
		reader = new_reader(i);
		assert_int_equal(read_victim(reader, 0, &after), n);
		genops_segment_reader_free(reader);
		assert_int_equal(genops_segment_list(dir, NULL, 0), 1);
		age_files();
		genops_segment_remove_before(dir, after);
		assert_int_equal(genops_segment_list(dir, NULL, 0),
		    0); /* a dead writer leaves nothing for ever */
	}
	munmap(acknowledged, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_interleaved),
	    ROW(test_rotation),
	    ROW(test_half_a_file_is_resident),
	    ROW(test_full_files_say_their_length),
	    ROW(test_resume),
	    ROW(test_sizes),
	    ROW(test_full),
	    ROW(test_no_directory),
	    ROW(test_threads),
	    ROW(test_fork),
	    ROW(test_sigkill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
