/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/segment_fixture.h - a state directory, numbered entries, and what the tests of segments ask. */
#ifndef TESTS_SEGMENT_FIXTURE_H
#define TESTS_SEGMENT_FIXTURE_H

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

static inline int set_up(void **state)
{
	struct genops_error err;
	strcpy(dir, "/tmp/genops-segment-XXXXXX");
	return mkdtemp(dir) && genops_state_dir_open(dir, &err) == GENOPS_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

#define MIB ((uint64_t)1 << 20)

static inline struct genops_segment_writer *new_writer(uint32_t process, uint64_t max_bytes)
{
	struct genops_error err;
	struct genops_segment_writer *writer =
	    genops_segment_writer_new(dir, process, 1, max_bytes, &err);
	assert_non_null(writer);
	return writer;
}

static inline struct genops_segment_reader *new_reader(uint32_t process)
{
	struct genops_error err;
	struct genops_segment_reader *reader = genops_segment_reader_new(
	    dir, (struct genops_segment_position){.process = process, .epoch = 1, .file = 1}, &err);
	assert_non_null(reader);
	return reader;
}

/* A payload that says which entry it is: the number, then bytes and a length that follow from
 * it. */
static inline genops_str payload_of(uint64_t number, char *bytes)
{
	size_t len = 8 + (size_t)(number * 37 % 1400);
	memcpy(bytes, &number, 8);
	for (size_t i = 8; i < len; i++)
		bytes[i] = (char)(number + i);
	return (genops_str){bytes, len};
}

static inline void append(struct genops_segment_writer *writer, uint64_t number)
{
	char bytes[2048];
	uint64_t sequence;
	struct genops_error err;
	assert_int_equal(genops_segment_append(writer, GENOPS_ENTRY_OPERATION,
			     payload_of(number, bytes), &sequence, &err),
	    GENOPS_OK);
	assert_int_equal(sequence, number);
}

static inline void assert_entry(const struct genops_segment_entry *entry, uint64_t number)
{
	char bytes[2048];
	genops_str expected = payload_of(number, bytes);
	assert_int_equal(entry->sequence, number);
	assert_int_equal(entry->kind, GENOPS_ENTRY_OPERATION);
	assert_int_equal(entry->payload.len, expected.len);
	assert_memory_equal(entry->payload.ptr, expected.ptr, expected.len);
	assert_int_equal(entry->after.sequence, number);
}

static inline bool next(struct genops_segment_reader *reader, struct genops_segment_entry *entry)
{
	struct genops_error err;
	bool is_found = false;
	int code = genops_segment_next(reader, entry, &is_found, &err);
	if (code != GENOPS_OK)
		fail_msg("%s", err.message);
	return is_found;
}

static inline void expect_entries(struct genops_segment_reader *reader, uint64_t from, uint64_t to)
{
	struct genops_segment_entry entry;
	for (uint64_t i = from; i <= to; i++) {
		assert_true(next(reader, &entry));
		assert_entry(&entry, i);
	}
}

static inline void expect_nothing(struct genops_segment_reader *reader)
{
	struct genops_segment_entry entry;
	assert_false(next(reader, &entry));
}

static inline void file_path(uint32_t process, uint64_t file, char *path)
{
	char folder[PATH_MAX];
	assert_true(genops_segment_format_folder(dir, folder));
	assert_true(genops_segment_format_path(folder, process, 1, file, path));
}

static inline off_t file_size(uint32_t process, uint64_t file)
{
	char path[PATH_MAX];
	struct stat st;
	file_path(process, file, path);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static inline void change_byte(uint32_t process, uint64_t file, off_t at)
{
	char path[PATH_MAX], byte;
	file_path(process, file, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static inline size_t entry_size(uint64_t number)
{
	char bytes[2048];
	return SEGMENT_ALIGNED(sizeof(struct segment_entry) + payload_of(number, bytes).len);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
