/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_segment.c - store/segment*.c: order, rotation, damage, full disks, threads, and SIGKILL at any instruction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/segment.h"
#include "store/segment/segment_format.h"
#include "store/state_dir.h"

static char dir[64];

static int set_up(void **state)
{
	struct genops_error err;
	strcpy(dir, "/tmp/genops-segment-XXXXXX");
	return mkdtemp(dir) && genops_state_dir_open(dir, &err) == GENOPS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

#define MIB ((uint64_t)1 << 20)

static struct genops_segment_writer *new_writer(uint32_t process, uint64_t max_bytes)
{
	struct genops_error err;
	struct genops_segment_writer *writer = genops_segment_writer_new(dir, process, 1, max_bytes, &err);
	assert_non_null(writer);
	return writer;
}

static struct genops_segment_reader *new_reader(uint32_t process)
{
	struct genops_error err;
	struct genops_segment_reader *reader = genops_segment_reader_new(dir,
	    (struct genops_segment_position){.process = process, .epoch = 1, .file = 1}, &err);
	assert_non_null(reader);
	return reader;
}

/* A payload that says which entry it is: the number, then bytes and a length that follow from it. */
static genops_str payload_of(uint64_t number, char *bytes)
{
	size_t len = 8 + (size_t)(number * 37 % 1400);
	memcpy(bytes, &number, 8);
	for (size_t i = 8; i < len; i++)
		bytes[i] = (char)(number + i);
	return (genops_str){bytes, len};
}

static void append(struct genops_segment_writer *writer, uint64_t number)
{
	char bytes[2048];
	uint64_t sequence;
	struct genops_error err;
	assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_OPERATION, payload_of(number, bytes), &sequence, &err),
	    GENOPS_OK);
	assert_int_equal(sequence, number);
}

static void assert_entry(const struct genops_segment_entry *entry, uint64_t number)
{
	char bytes[2048];
	genops_str expected = payload_of(number, bytes);
	assert_int_equal(entry->sequence, number);
	assert_int_equal(entry->kind, GENOPS_ENTRY_OPERATION);
	assert_int_equal(entry->payload.len, expected.len);
	assert_memory_equal(entry->payload.ptr, expected.ptr, expected.len);
	assert_int_equal(entry->after.sequence, number);
}

static bool next(struct genops_segment_reader *reader, struct genops_segment_entry *entry)
{
	struct genops_error err;
	bool is_found = false;
	int code = genops_segment_next(reader, entry, &is_found, &err);
	if (code != GENOPS_OK)
		fail_msg("%s", err.message);
	return is_found;
}

static void expect_entries(struct genops_segment_reader *reader, uint64_t from, uint64_t to)
{
	struct genops_segment_entry entry;
	for (uint64_t i = from; i <= to; i++) {
		assert_true(next(reader, &entry));
		assert_entry(&entry, i);
	}
}

static void expect_nothing(struct genops_segment_reader *reader)
{
	struct genops_segment_entry entry;
	assert_false(next(reader, &entry));
}

static void file_path(uint32_t process, uint64_t file, char *path)
{
	char folder[PATH_MAX];
	assert_true(genops_segment_format_folder(dir, folder));
	assert_true(genops_segment_format_path(folder, process, 1, file, path));
}

static off_t file_size(uint32_t process, uint64_t file)
{
	char path[PATH_MAX];
	struct stat st;
	file_path(process, file, path);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void change_byte(uint32_t process, uint64_t file, off_t at)
{
	char path[PATH_MAX], byte;
	file_path(process, file, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static size_t entry_size(uint64_t number)
{
	char bytes[2048];
	return SEGMENT_ALIGNED(sizeof(struct segment_entry) + payload_of(number, bytes).len);
}

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

/* Files grow from 256 KiB to 4 MiB, are cut to what they hold when closed, and read on across. */
static void test_rotation(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	append(writer, 1);
	assert_int_equal(file_size(1, 1), 256 << 10);
	for (uint64_t i = 2; i <= 20000; i++)
		append(writer, i);
	assert_true(file_size(1, 1) < 256 << 10);
	assert_true(file_size(1, 2) > 1000 << 10 && file_size(1, 2) < 1024 << 10);
	assert_true(file_size(1, 3) > 4000 << 10 && file_size(1, 3) < 4 << 20);
	assert_int_equal(file_size(1, 6), 4 << 20);
	struct genops_segment_reader *reader = new_reader(1);
	expect_entries(reader, 1, 20000);
	expect_nothing(reader);
	genops_segment_writer_free(writer);
	assert_true(file_size(1, 6) < 4 << 20);
	expect_nothing(reader);
	struct genops_segment_reader_stats stats;
	genops_segment_reader_stats(reader, &stats);
	assert_int_equal(stats.lost_bytes + stats.lost_entries + stats.torn_bytes, 0);
	genops_segment_reader_free(reader);
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
	assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_EVENT, (genops_str){big, sizeof big}, &sequence, &err),
	    GENOPS_LIMIT);
	assert_int_equal(sequence, 77);
	assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_EVENT, (genops_str){NULL, 0}, &sequence, &err), GENOPS_OK);
	for (size_t len = 1; len <= sizeof big; len += len < 40 ? 1 : len) {
		if (len + len > sizeof big)
			len = sizeof big - 1; /* the largest */
		assert_int_equal(
		    genops_segment_append(writer, GENOPS_ENTRY_SPANS, (genops_str){big, len}, &sequence, &err), GENOPS_OK);
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
	while ((code = genops_segment_append(writer, GENOPS_ENTRY_OPERATION, payload_of(n + 1, bytes), NULL, &err)) == GENOPS_OK)
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
	assert_true(file_size(1, 4) > 0 && file_size(1, 5) < 0); /* four of 256 KiB: as much as fits */
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
	struct genops_segment_writer *writer = genops_segment_writer_new("/nonexistent", 1, 1, MIB, &err);
	assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_EVENT, GENOPS_STR("x"), NULL, &err), GENOPS_IO);
	genops_segment_writer_free(writer);
	assert_int_equal(genops_segment_list("/nonexistent", NULL, 0), 0);
	assert_int_equal(genops_segment_sync("/nonexistent", &err), GENOPS_IO);
	genops_segment_remove_before("/nonexistent", (struct genops_segment_position){0});
}

/* ---- the folder ---- */

static void test_list_and_remove(void **state)
{
	struct genops_segment_writer *a = new_writer(7, 64 * MIB), *b = new_writer(2, 64 * MIB);
	for (uint64_t i = 1; i <= 3000; i++)
		append(a, i);
	append(b, 1);
	struct genops_segment_position firsts[4] = {0};
	assert_int_equal(genops_segment_list(dir, firsts, 1), 2);
	assert_int_equal(firsts[0].process, 2);
	assert_int_equal(firsts[1].process, 0);
	assert_int_equal(genops_segment_list(dir, firsts, 4), 2);
	assert_int_equal(firsts[1].process, 7);
	assert_int_equal(firsts[1].file, 1);
	assert_int_equal(firsts[1].sequence, 0);

	struct genops_segment_reader *reader = new_reader(7);
	struct genops_segment_entry entry;
	do {
		assert_true(next(reader, &entry));
	} while (entry.after.file < 3);
	genops_segment_remove_before(dir, entry.after);
	assert_int_equal(file_size(7, 1), -1);
	assert_int_equal(file_size(7, 2), -1);
	assert_true(file_size(7, 3) > 0);
	assert_int_equal(genops_segment_list(dir, firsts, 4), 2);
	assert_int_equal(firsts[1].file, 3);
	assert_int_equal(firsts[1].sequence, entry.sequence - 1);
	expect_entries(reader, entry.sequence + 1, 3000);
	expect_nothing(reader);
	genops_segment_reader_free(reader);

	/* A live writer's last file stays, however far it is read; a closed one goes when it is read, not before. */
	struct genops_error err;
	reader = genops_segment_reader_new(dir, firsts[1], &err);
	struct genops_segment_position before_last = {0};
	while (next(reader, &entry)) {
		if (entry.sequence == 2999)
			before_last = entry.after;
	}
	genops_segment_remove_before(dir, entry.after);
	assert_true(file_size(7, entry.after.file) > 0);
	genops_segment_writer_free(a);
	genops_segment_remove_before(dir, before_last);
	assert_true(file_size(7, entry.after.file) > 0);
	genops_segment_remove_before(dir, entry.after);
	assert_int_equal(genops_segment_list(dir, firsts, 4), 1);
	expect_nothing(reader);
	assert_int_equal(genops_segment_sync(dir, &err), GENOPS_OK);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(b);
}

/* What a writer that died while making its first file leaves behind goes after a minute. */
static void test_stillborn(void **state)
{
	char path[PATH_MAX];
	file_path(4, 1, path);
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	struct genops_segment_reader *reader = new_reader(4);
	expect_nothing(reader);
	struct genops_segment_position first;
	assert_int_equal(genops_segment_list(dir, &first, 1), 1);
	genops_segment_remove_before(dir, first);
	assert_int_equal(file_size(4, 1), 0);
	assert_int_equal(futimens(fd, (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}), 0);
	genops_segment_remove_before(dir, first);
	assert_int_equal(file_size(4, 1), -1);
	close(fd);
	genops_segment_reader_free(reader);
}

/* ---- damage ---- */

/* Writes n entries and closes; returns where entry `number` begins. */
static off_t write_closed(uint64_t n, uint64_t number)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	off_t at = sizeof(struct segment_header);
	for (uint64_t i = 1; i <= n; i++) {
		append(writer, i);
		if (i < number)
			at += (off_t)entry_size(i);
	}
	genops_segment_writer_free(writer);
	return at;
}

static void test_every_byte_of_an_entry(void **state)
{
	off_t at = write_closed(12, 5);
	struct genops_error err;
	for (size_t i = 0; i < entry_size(5); i++) {
		char bytes[2048];
		if (i >= sizeof(struct segment_entry) + payload_of(5, bytes).len)
			break; /* padding is not looked at */
		change_byte(1, 1, at + (off_t)i);
		struct genops_segment_reader *reader = new_reader(1);
		struct genops_segment_entry entry;
		bool is_found;
		expect_entries(reader, 1, 4);
		assert_int_equal(genops_segment_next(reader, &entry, &is_found, &err), GENOPS_CORRUPT);
		expect_entries(reader, 6, 12);
		expect_nothing(reader);
		struct genops_segment_reader_stats stats;
		genops_segment_reader_stats(reader, &stats);
		assert_int_equal(stats.lost_bytes, entry_size(5));
		assert_int_equal(stats.lost_entries, 1);
		genops_segment_reader_free(reader);
		change_byte(1, 1, at + (off_t)i);
	}
}

static void test_every_byte_of_the_header(void **state)
{
	write_closed(12, 1);
	struct genops_error err;
	for (off_t i = 0; i < (off_t)sizeof(struct segment_header); i++) {
		change_byte(1, 1, i);
		struct genops_segment_reader *reader = new_reader(1);
		struct genops_segment_entry entry;
		bool is_found = true;
		expect_entries(reader, 1, 12); /* not one is lost by it */
		int code = genops_segment_next(reader, &entry, &is_found, &err);
		assert_true(code == GENOPS_CORRUPT || (code == GENOPS_OK && !is_found));
		expect_nothing(reader);
		/* and the file can still go */
		genops_segment_reader_free(reader);
		change_byte(1, 1, i);
	}
	change_byte(1, 1, 8); /* version, checksum */
	genops_segment_remove_before(dir, (struct genops_segment_position){1, 1, 1, (uint64_t)file_size(1, 1), 12});
	assert_int_equal(file_size(1, 1), -1);
}

static void test_newer_version(void **state)
{
	write_closed(1, 1);
	char path[PATH_MAX];
	file_path(1, 1, path);
	int fd = open(path, O_RDWR);
	struct segment_header header;
	assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
	header.version = SEGMENT_VERSION + 1;
	header.checksum = genops_segment_format_header_checksum(&header);
	assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
	change_byte(1, 1, 64);
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry;
	struct genops_error err;
	bool is_found;
	assert_int_equal(genops_segment_next(reader, &entry, &is_found, &err), GENOPS_UNSUPPORTED);
	genops_segment_reader_free(reader);
	close(fd);
}

/* Cut by a file system that lost its end. */
static void test_every_truncation(void **state)
{
	off_t fifth = write_closed(6, 5), sixth = fifth + (off_t)entry_size(5);
	char path[PATH_MAX];
	file_path(1, 1, path);
	for (off_t size = file_size(1, 1) - 1; size >= 0; size -= 7) {
		assert_int_equal(truncate(path, size), 0);
		struct genops_segment_reader *reader = new_reader(1);
		struct genops_segment_entry entry;
		struct genops_error err;
		uint64_t n = 0;
		bool is_found = true;
		for (int code = 0; code == GENOPS_CORRUPT || is_found;) {
			code = genops_segment_next(reader, &entry, &is_found, &err);
			assert_true(code == GENOPS_OK || code == GENOPS_CORRUPT);
			if (code == GENOPS_OK && is_found)
				assert_entry(&entry, ++n);
			if (code == GENOPS_CORRUPT)
				is_found = false;
		}
		char bytes[2048];
		bool has_sixth = size >= sixth + (off_t)(sizeof(struct segment_entry) + payload_of(6, bytes).len);
		if (size >= sixth)
			assert_int_equal(n, has_sixth ? 6 : 5);
		genops_segment_reader_free(reader);
	}
}

static void test_missing_file(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	for (uint64_t i = 1; i <= 3000; i++)
		append(writer, i);
	char path[PATH_MAX];
	file_path(1, 2, path);
	assert_int_equal(unlink(path), 0);
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry;
	struct genops_error err;
	bool is_found = true;
	uint64_t n = 0;
	int code;
	while ((code = genops_segment_next(reader, &entry, &is_found, &err)) == GENOPS_OK)
		assert_entry(&entry, ++n);
	assert_int_equal(code, GENOPS_CORRUPT);
	assert_true(next(reader, &entry));
	struct genops_segment_reader_stats stats;
	genops_segment_reader_stats(reader, &stats);
	assert_int_equal(stats.lost_entries, entry.sequence - 1 - n);
	assert_entry(&entry, entry.sequence);
	expect_entries(reader, entry.sequence + 1, 3000);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* A page in the middle of a closed file that never reached the disk. */
static void test_zeroed_page(void **state)
{
	write_closed(100, 1);
	char path[PATH_MAX];
	static const char zeros[4096];
	file_path(1, 1, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, zeros, 4096, 8192), 4096);
	close(fd);
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry;
	struct genops_error err;
	bool is_found = true;
	uint64_t last = 0, n_bad = 0;
	while (is_found) {
		if (genops_segment_next(reader, &entry, &is_found, &err) == GENOPS_CORRUPT) {
			n_bad++;
		} else if (is_found) {
			assert_true(entry.sequence > last);
			assert_entry(&entry, last = entry.sequence);
		}
	}
	assert_int_equal(n_bad, 1);
	assert_int_equal(last, 100);
	genops_segment_reader_free(reader);
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
		if (genops_segment_append(thread->writer, GENOPS_ENTRY_OPERATION, (genops_str){bytes, sizeof bytes},
			&thread->sequences[i], &err) != GENOPS_OK)
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

/* A child that goes on with its parent's writer is refused, and letting go of it does not close the parent's file. */
static void test_fork(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 64 * MIB);
	append(writer, 1);
	pid_t child = fork();
	if (!child) {
		struct genops_error err;
		int code = genops_segment_append(writer, GENOPS_ENTRY_EVENT, GENOPS_STR("child"), NULL, &err);
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
		utimensat(dirfd(files), entry->d_name, (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0);
	closedir(files);
}

#define VICTIMS 12

/* What a victim has been told is stored, in memory that outlives it. */
static void write_until_killed(uint32_t process, uint64_t *acknowledged)
{
	struct genops_error err;
	struct genops_segment_writer *writer = genops_segment_writer_new(dir, process, 1, 1024 * MIB, &err);
	char bytes[2048];
	for (uint64_t i = 1; writer; i++) {
		uint64_t sequence;
		if (genops_segment_append(writer, GENOPS_ENTRY_OPERATION, payload_of(i, bytes), &sequence, &err) != GENOPS_OK ||
		    sequence != i)
			break;
		__atomic_store_n(acknowledged, sequence, __ATOMIC_RELEASE);
	}
	_exit(1);
}

/* Everything that process `process` was told is stored must be there, once, in order, whole. Returns how many there are. */
static uint64_t read_victim(struct genops_segment_reader *reader, uint64_t n, struct genops_segment_position *ret_after)
{
	struct genops_segment_entry entry;
	while (next(reader, &entry)) { /* next() fails the test on CORRUPT */
		assert_entry(&entry, ++n);
		*ret_after = entry.after;
	}
	return n;
}

/* proves CRB-060 for segments: what was acknowledged survives SIGKILL of its writer at any instruction */
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
			write_until_killed(i, &acknowledged[i]);
		/* A reader follows it alive, and is there when it dies. */
		struct genops_segment_reader *reader = new_reader(i);
		struct genops_segment_position after = {.process = i, .epoch = 1, .file = 1};
		uint64_t n = 0;
		while (__atomic_load_n(&acknowledged[i], __ATOMIC_ACQUIRE) < until)
			n = read_victim(reader, n, &after);
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
		assert_int_equal(genops_segment_list(dir, NULL, 0), 0); /* a dead writer leaves nothing for ever */
	}
	munmap(acknowledged, 4096);
}

/* A writer that died while it copied its last entry: nobody was told, nothing is lost, the file goes. */
static void test_torn_tail(void **state)
{
	off_t tail = write_closed(3, 4);
	char path[PATH_MAX];
	file_path(1, 1, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 48), 16); /* open again */
	assert_int_equal(ftruncate(fd, 262144), 0);
	assert_int_equal(pwrite(fd, "garbage", 7, tail + 8), 7); /* its length is still zero */
	close(fd);
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_position after;
	assert_int_equal(read_victim(reader, 0, &after), 3);
	struct genops_segment_reader_stats stats;
	genops_segment_reader_stats(reader, &stats);
	assert_int_equal(stats.torn_bytes, 16);
	assert_int_equal(stats.lost_bytes, 0);
	genops_segment_reader_free(reader);
	genops_segment_remove_before(dir, after);
	assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"", "1-2.seg", "1-2-3", "1-2-3.seg2", "01-2-3.seg", "-1-2-3.seg", "1-2-3.tmp",
	    "4294967296-1-1.seg", "1-18446744073709551616-1.seg", "1- 2-3.seg", "a-1-1.seg"};
	struct genops_segment_position first;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(genops_segment_format_parse(bad[i], &first));
	assert_true(genops_segment_format_parse("0-18446744073709551615-3.seg", &first));
	assert_true(first.process == 0 && first.epoch == UINT64_MAX && first.file == 3);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_interleaved),
	    ROW(test_rotation),
	    ROW(test_resume),
	    ROW(test_sizes),
	    ROW(test_full),
	    ROW(test_no_directory),
	    ROW(test_list_and_remove),
	    ROW(test_stillborn),
	    ROW(test_every_byte_of_an_entry),
	    ROW(test_every_byte_of_the_header),
	    ROW(test_newer_version),
	    ROW(test_every_truncation),
	    ROW(test_missing_file),
	    ROW(test_zeroed_page),
	    ROW(test_threads),
	    ROW(test_fork),
	    ROW(test_sigkill),
	    ROW(test_torn_tail),
	    ROW(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
