/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/queue_fixture.h - a state directory, numbered blocks, and what the tests of the queue ask. */
#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/queue.h"
#include "store/queue/queue_state.h"
#include "store/state_dir.h"

#define HEX   GENOPS_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
#define OTHER GENOPS_STR("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")

static char dir[64];

static inline int set_up(void **state)
{
	struct genops_error err;
	strcpy(dir, "/tmp/genops-queue-XXXXXX");
	return mkdtemp(dir) && genops_state_dir_open(dir, &err) == GENOPS_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static inline struct genops_queue *open_with(struct genops_queue_options options)
{
	struct genops_queue *queue = NULL;
	struct genops_error err = {0};
	if (genops_queue_open(dir, &options, &queue, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	return queue;
}

static inline struct genops_queue *open_queue(void)
{
	return open_with((struct genops_queue_options){.is_compressed = true});
}

#define BATCH 3 /* entries in a block */

static inline genops_str payload_of(uint64_t number, char *bytes)
{
	size_t len = 8 + (size_t)(number * 37 % 1400);
	memcpy(bytes, &number, 8);
	for (size_t i = 8; i < len; i++)
		bytes[i] = (char)(number * i); /* does not compress well */
	return (genops_str){bytes, len};
}

/* Appends block `number` (from 1): its entries are numbered on over the blocks. */
static inline int append(struct genops_queue *queue, uint64_t number)
{
	char bytes[BATCH][2048];
	struct genops_queue_entry entries[BATCH];
	struct genops_segment_position position = {(uint32_t)(number % 3), 1, number, 8, number};
	struct genops_error err;
	for (size_t i = 0; i < BATCH; i++)
		entries[i] = (struct genops_queue_entry){
		    GENOPS_ENTRY_OPERATION, payload_of((number - 1) * BATCH + i + 1, bytes[i])};
	return genops_queue_append(queue, entries, BATCH, &position, 1, &err);
}

static inline void append_blocks(struct genops_queue *queue, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++)
		assert_int_equal(append(queue, i), GENOPS_OK);
}

static inline struct genops_queue_cursor *open_cursor(
    struct genops_queue *queue, const char *name, bool from_start)
{
	struct genops_queue_cursor *cursor = NULL;
	struct genops_error err;
	assert_int_equal(
	    genops_queue_cursor_open(queue, name, from_start, &cursor, &err), GENOPS_OK);
	return cursor;
}

/* The number of the block that is read next; 0: nothing waits. */
static inline uint64_t read_block(struct genops_queue_cursor *cursor)
{
	const struct genops_queue_entry *entries;
	struct genops_error err = {0};
	size_t n;
	if (genops_queue_read(cursor, &entries, &n, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	if (!n)
		return 0;
	assert_int_equal(n, BATCH);
	uint64_t first;
	memcpy(&first, entries[0].payload.ptr, 8);
	for (size_t i = 0; i < n; i++) {
		char bytes[2048];
		genops_str expected = payload_of(first + i, bytes);
		assert_int_equal(entries[i].kind, GENOPS_ENTRY_OPERATION);
		assert_int_equal(entries[i].payload.len, expected.len);
		assert_memory_equal(entries[i].payload.ptr, expected.ptr, expected.len);
	}
	return (first - 1) / BATCH + 1;
}

static inline void expect_blocks(struct genops_queue_cursor *cursor, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++)
		assert_int_equal(read_block(cursor), i);
}

static inline void acknowledge(struct genops_queue_cursor *cursor)
{
	struct genops_error err;
	assert_int_equal(genops_queue_acknowledge(cursor, &err), GENOPS_OK);
}

static inline struct genops_queue_stats stats_of(struct genops_queue *queue)
{
	struct genops_queue_stats stats;
	genops_queue_stats(queue, &stats);
	return stats;
}

static inline void file_path(const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/queue/%s", dir, name);
}

static inline bool has_file(const char *name)
{
	char path[PATH_MAX];
	file_path(name, path);
	return access(path, F_OK) == 0;
}

static inline void change_byte(const char *name, off_t at)
{
	char path[PATH_MAX], byte;
	file_path(name, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
