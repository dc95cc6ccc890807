/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_queue.c - store/queue*.c: order, cursors, back-pressure, damage, keys, and SIGKILL at any moment. */
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

static int set_up(void **state)
{
	struct genops_error err;
	strcpy(dir, "/tmp/genops-queue-XXXXXX");
	return mkdtemp(dir) && genops_state_dir_open(dir, &err) == GENOPS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static struct genops_queue *open_with(struct genops_queue_options options)
{
	struct genops_queue *queue = NULL;
	struct genops_error err = {0};
	if (genops_queue_open(dir, &options, &queue, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	return queue;
}

static struct genops_queue *open_queue(void)
{
	return open_with((struct genops_queue_options){.is_compressed = true});
}

#define BATCH 3 /* entries in a block */

static genops_str payload_of(uint64_t number, char *bytes)
{
	size_t len = 8 + (size_t)(number * 37 % 1400);
	memcpy(bytes, &number, 8);
	for (size_t i = 8; i < len; i++)
		bytes[i] = (char)(number * i); /* does not compress well */
	return (genops_str){bytes, len};
}

/* Appends block `number` (from 1): its entries are numbered on over the blocks. */
static int append(struct genops_queue *queue, uint64_t number)
{
	char bytes[BATCH][2048];
	struct genops_queue_entry entries[BATCH];
	struct genops_segment_position position = {(uint32_t)(number % 3), 1, number, 8, number};
	struct genops_error err;
	for (size_t i = 0; i < BATCH; i++)
		entries[i] = (struct genops_queue_entry){GENOPS_ENTRY_OPERATION, payload_of((number - 1) * BATCH + i + 1, bytes[i])};
	return genops_queue_append(queue, entries, BATCH, &position, 1, &err);
}

static void append_blocks(struct genops_queue *queue, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++)
		assert_int_equal(append(queue, i), GENOPS_OK);
}

static struct genops_queue_cursor *open_cursor(struct genops_queue *queue, const char *name, bool from_start)
{
	struct genops_queue_cursor *cursor = NULL;
	struct genops_error err;
	assert_int_equal(genops_queue_cursor_open(queue, name, from_start, &cursor, &err), GENOPS_OK);
	return cursor;
}

/* The number of the block that is read next; 0: nothing waits. */
static uint64_t read_block(struct genops_queue_cursor *cursor)
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

static void expect_blocks(struct genops_queue_cursor *cursor, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++)
		assert_int_equal(read_block(cursor), i);
}

static void acknowledge(struct genops_queue_cursor *cursor)
{
	struct genops_error err;
	assert_int_equal(genops_queue_acknowledge(cursor, &err), GENOPS_OK);
}

static struct genops_queue_stats stats_of(struct genops_queue *queue)
{
	struct genops_queue_stats stats;
	genops_queue_stats(queue, &stats);
	return stats;
}

static void file_path(const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/queue/%s", dir, name);
}

static bool has_file(const char *name)
{
	char path[PATH_MAX];
	file_path(name, path);
	return access(path, F_OK) == 0;
}

static void change_byte(const char *name, off_t at)
{
	char path[PATH_MAX], byte;
	file_path(name, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* ---- the ordinary life ---- */

/* proves CRB-060: the queue's content survives a restart, every destination goes on where it was */
static void test_restart(void **state)
{
	struct genops_queue *queue = open_queue();
	struct genops_queue_cursor *a = open_cursor(queue, "otlp/http", true), *b = open_cursor(queue, "kafka", true);
	append_blocks(queue, 1, 10);
	expect_blocks(a, 1, 5);
	acknowledge(a);
	expect_blocks(a, 6, 7);
	expect_blocks(b, 1, 10);
	acknowledge(b);
	assert_int_equal(read_block(b), 0);
	assert_int_equal(stats_of(queue).n_waiting_entries, 5 * BATCH);
	genops_queue_close(queue);

	queue = open_queue();
	assert_int_equal(stats_of(queue).n_waiting_entries, 5 * BATCH);
	assert_int_equal(stats_of(queue).n_blocks, 10);
	assert_int_equal(stats_of(queue).n_torn_bytes, 0);
	a = open_cursor(queue, "otlp/http", false);
	b = open_cursor(queue, "kafka", false);
	struct genops_queue_cursor *c = open_cursor(queue, "new, from start", true), *d = open_cursor(queue, "new", false);
	append_blocks(queue, 11, 12);
	expect_blocks(a, 6, 12); /* 6 and 7 were not acknowledged */
	genops_queue_rewind(a);
	expect_blocks(a, 6, 12);
	expect_blocks(b, 11, 12);
	expect_blocks(c, 1, 12);
	expect_blocks(d, 11, 12);
	struct genops_error err;
	struct genops_queue_cursor *again;
	assert_int_equal(genops_queue_cursor_open(queue, "kafka", true, &again, &err), GENOPS_EXISTS);
	genops_queue_cursor_close(b);
	b = open_cursor(queue, "kafka", true);
	expect_blocks(b, 11, 12);
	assert_int_equal(genops_queue_sync(queue, &err), GENOPS_OK);
	genops_queue_close(queue);
}

static void test_positions(void **state)
{
	struct genops_segment_position at[4];
	struct genops_queue *queue = open_with((struct genops_queue_options){.max_bytes = 4 << 20});
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	assert_int_equal(genops_queue_positions(queue, at, 4), 0);
	assert_int_equal(append(queue, 1), GENOPS_OK);
	assert_int_equal(append(queue, 2), GENOPS_OK);
	assert_int_equal(append(queue, 4), GENOPS_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(genops_queue_positions(queue, at, 1), 2);
		assert_int_equal(genops_queue_positions(queue, at, 4), 2);
		assert_int_equal(at[0].process, 2); /* each writer's newest, whatever block it was in */
		assert_int_equal(at[0].sequence, 2);
		assert_int_equal(at[1].process, 1);
		assert_int_equal(at[1].sequence, 4);
		genops_queue_close(queue);
		queue = open_with((struct genops_queue_options){.max_bytes = 4 << 20});
	}
	/* Writer 2 stays known, though the files that it was in are gone. */
	cursor = open_cursor(queue, "d", true);
	for (uint64_t i = 1; i < 3000; i++) {
		assert_int_equal(append(queue, 3 * i + 1), GENOPS_OK);
		while (read_block(cursor))
			acknowledge(cursor);
	}
	assert_false(has_file("1.q"));
	genops_queue_close(queue);
	queue = open_queue();
	assert_int_equal(genops_queue_positions(queue, at, 4), 2);
	assert_int_equal(at[0].process, 2);
	assert_int_equal(at[0].sequence, 2);
	assert_int_equal(at[1].sequence, 3 * 2999 + 1);
	genops_queue_close(queue);
}

/* proves CRB-059, CRB-467: full pushes back and never drops; delivered data makes room */
static void test_full(void **state)
{
	struct genops_queue_options options = {.max_bytes = 1 << 20};
	struct genops_queue *queue = open_with(options);
	struct genops_queue_cursor *slow = open_cursor(queue, "slow", true), *fast = open_cursor(queue, "fast", true);
	uint64_t n = 0;
	while (append(queue, n + 1) == GENOPS_OK)
		n++;
	assert_int_equal(append(queue, n + 1), GENOPS_FULL);
	assert_true(stats_of(queue).n_full == 2 && stats_of(queue).bytes <= 1 << 20);
	expect_blocks(fast, 1, n);
	acknowledge(fast);
	assert_int_equal(append(queue, n + 1), GENOPS_FULL); /* the slow one still needs everything */
	expect_blocks(slow, 1, n / 2);
	acknowledge(slow);
	uint64_t more = 0;
	while (append(queue, n + more + 1) == GENOPS_OK)
		more++;
	assert_true(more > n / 4);
	genops_queue_close(queue);

	queue = open_with(options);
	slow = open_cursor(queue, "slow", true);
	assert_int_equal(append(queue, n + more + 1), GENOPS_FULL);
	/* A destination that the configuration no longer has keeps nothing. */
	struct genops_error err;
	const char *const kept[] = {"slow", "unknown"};
	assert_true(has_file("fast.cursor"));
	assert_int_equal(genops_queue_keep_cursors(queue, kept, 2, &err), GENOPS_OK);
	assert_false(has_file("fast.cursor"));
	expect_blocks(slow, n / 2 + 1, n + more);
	acknowledge(slow);
	assert_int_equal(append(queue, n + more + 1), GENOPS_OK);
	expect_blocks(slow, n + more + 1, n + more + 1);
	genops_queue_close(queue);
}

/* All is delivered, and yet the newest file alone fills the queue: another one takes its place. */
static void test_full_of_delivered(void **state)
{
	struct genops_queue *queue = open_with((struct genops_queue_options){.max_bytes = 20000});
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	for (uint64_t i = 1; i <= 300; i++) {
		assert_int_equal(append(queue, i), GENOPS_OK);
		assert_int_equal(read_block(cursor), i);
		acknowledge(cursor);
		assert_true(stats_of(queue).bytes <= 20000 + 200);
	}
	genops_queue_close(queue);
}

static void test_options(void **state)
{
	struct genops_queue *queue = NULL;
	struct genops_error err;
	struct genops_queue_options options = {.encryption_key = GENOPS_STR("secret-but-no-key")};
	assert_int_equal(genops_queue_open(dir, &options, &queue, &err), GENOPS_CONFIG);
	assert_null(strstr(err.message, "secret-but"));
	options.encryption_key = HEX;
	assert_int_equal(genops_queue_open("/nonexistent", &options, &queue, &err), GENOPS_IO);
	assert_null(queue);
	queue = open_with((struct genops_queue_options){.is_synced = true});
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	append_blocks(queue, 1, 2);
	expect_blocks(cursor, 1, 2);
	acknowledge(cursor);
	static char name[400];
	memset(name, 'n', sizeof name - 1);
	assert_int_equal(genops_queue_cursor_open(queue, name, true, &cursor, &err), GENOPS_LIMIT);
	assert_int_equal(genops_queue_cursor_open(queue, "", true, &cursor, &err), GENOPS_MISUSE);
	open_cursor(queue, "../../etc/passwd", true);
	assert_true(has_file("%2E%2E%2F%2E%2E%2Fetc%2Fpasswd.cursor"));
	genops_queue_close(queue);
}

/* ---- keys ---- */

static void test_change_of_encryption(void **state)
{
	struct genops_queue *queue = open_with((struct genops_queue_options){.is_compressed = true});
	open_cursor(queue, "d", true);
	append_blocks(queue, 1, 3);
	genops_queue_close(queue);
	queue = open_with((struct genops_queue_options){.encryption_key = HEX}); /* turned on */
	append_blocks(queue, 4, 6);
	genops_queue_close(queue);

	struct genops_error err;
	struct genops_queue_options without = {.is_compressed = true}, other = {.encryption_key = OTHER};
	struct genops_queue *refused = NULL;
	assert_int_equal(genops_queue_open(dir, &without, &refused, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "none is configured"));
	assert_int_equal(genops_queue_open(dir, &other, &refused, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "another key"));
	assert_true(err.fix[0]);
	assert_null(refused);

	queue = open_with((struct genops_queue_options){.encryption_key = HEX, .is_compressed = true});
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	expect_blocks(cursor, 1, 6);
	acknowledge(cursor);
	genops_queue_close(queue);
	queue = open_with(other); /* everything is delivered: the key may change */
	cursor = open_cursor(queue, "d", true);
	append_blocks(queue, 7, 8);
	expect_blocks(cursor, 7, 8);
	genops_queue_close(queue);
}

/* ---- damage ---- */

/* Whatever end the file lost: whole blocks stay, the rest is cut, appending goes on. */
static void test_every_torn_tail(void **state)
{
	char path[PATH_MAX];
	struct stat before, after;
	file_path("1.q", path);
	struct genops_queue *queue = open_queue();
	append_blocks(queue, 1, 3);
	assert_int_equal(stat(path, &before), 0);
	append_blocks(queue, 4, 4);
	assert_int_equal(stat(path, &after), 0);
	genops_queue_close(queue);
	for (off_t size = after.st_size - 8; size > before.st_size; size -= 13) {
		assert_int_equal(truncate(path, size), 0);
		queue = open_queue();
		assert_int_equal(stats_of(queue).n_torn_bytes, size - before.st_size);
		struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
		expect_blocks(cursor, 1, 3);
		assert_int_equal(read_block(cursor), 0);
		assert_int_equal(append(queue, 4), GENOPS_OK);
		expect_blocks(cursor, 4, 4);
		genops_queue_close(queue);
	}
	for (off_t size = before.st_size; size >= 0; size -= 31) {
		assert_int_equal(truncate(path, size), 0);
		queue = open_queue();
		struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
		uint64_t n = 0;
		for (uint64_t block; (block = read_block(cursor)); n++)
			assert_int_equal(block, n + 1);
		assert_int_equal(stats_of(queue).n_blocks, n);
		genops_queue_close(queue);
	}
}

/* A bad block is skipped, told once to each cursor, counted once; nothing else is lost. */
static void test_damage(void **state)
{
	char path[PATH_MAX];
	struct stat one, two;
	file_path("1.q", path);
	struct genops_queue *queue = open_queue();
	append_blocks(queue, 1, 1);
	assert_int_equal(stat(path, &one), 0);
	append_blocks(queue, 2, 2);
	assert_int_equal(stat(path, &two), 0);
	append_blocks(queue, 3, 5);
	genops_queue_close(queue);
	for (off_t at = one.st_size; at < two.st_size - 8; at += 11) {
		const struct genops_queue_entry *entries;
		struct genops_error err;
		size_t n = 77;
		change_byte("1.q", at);
		queue = open_queue();
		struct genops_queue_cursor *a = open_cursor(queue, "a", true), *b = open_cursor(queue, "b", true);
		expect_blocks(a, 1, 1);
		assert_int_equal(genops_queue_read(a, &entries, &n, &err), GENOPS_CORRUPT);
		assert_int_equal(n, 77);
		expect_blocks(a, 3, 5);
		genops_queue_rewind(a);
		expect_blocks(a, 1, 1);
		expect_blocks(a, 3, 5);
		expect_blocks(b, 1, 1);
		assert_int_equal(genops_queue_read(b, &entries, &n, &err), GENOPS_CORRUPT);
		expect_blocks(b, 3, 5);
		assert_int_equal(stats_of(queue).n_corrupt_blocks, 1);
		genops_queue_close(queue);
		change_byte("1.q", at);
	}
}

/* A place that cannot be read is worth the one before it; without any, all that is there comes again. */
static void test_damaged_cursor(void **state)
{
	struct genops_queue *queue = open_queue();
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	append_blocks(queue, 1, 4);
	expect_blocks(cursor, 1, 1);
	acknowledge(cursor); /* slot 0 */
	expect_blocks(cursor, 2, 2);
	acknowledge(cursor); /* slot 1 */
	genops_queue_close(queue);
	change_byte("d.cursor", 4096 + 20);
	queue = open_queue();
	cursor = open_cursor(queue, "d", true);
	expect_blocks(cursor, 2, 2);
	genops_queue_close(queue);
	change_byte("d.cursor", 20);
	queue = open_queue();
	cursor = open_cursor(queue, "d", true);
	expect_blocks(cursor, 1, 4);
	acknowledge(cursor);
	genops_queue_close(queue);
	/* The files went, the cursor stayed. */
	char path[PATH_MAX];
	file_path("1.q", path);
	unlink(path);
	queue = open_queue();
	cursor = open_cursor(queue, "d", true);
	assert_int_equal(read_block(cursor), 0);
	append_blocks(queue, 1, 1);
	expect_blocks(cursor, 1, 1);
	genops_queue_close(queue);
}

/* ---- SIGKILL ---- */

struct shared {
	uint64_t appended;     /* newest block whose append returned */
	uint64_t delivered;    /* newest block that was read in order */
	uint64_t acknowledged; /* newest whose acknowledgement returned */
	uint64_t duplicates, wrong;
};

static uint64_t read_number(const struct genops_queue_entry *entries)
{
	uint64_t first;
	memcpy(&first, entries[0].payload.ptr, 8);
	return (first - 1) / BATCH + 1;
}

/* The drain's life: open, then append and deliver by turns, two blocks to an acknowledgement. */
static void work_until_killed(struct shared *shared)
{
	struct genops_queue_options options = {.max_bytes = 2 << 20, .is_compressed = true, .encryption_key = HEX};
	struct genops_queue *queue;
	struct genops_queue_cursor *cursor;
	struct genops_error err;
	if (genops_queue_open(dir, &options, &queue, &err) != GENOPS_OK ||
	    genops_queue_cursor_open(queue, "d", true, &cursor, &err) != GENOPS_OK)
		_exit(1);
	struct genops_segment_position at[4];
	size_t n_writers = genops_queue_positions(queue, at, 4);
	uint64_t next = 1;
	for (size_t i = 0; i < n_writers; i++)
		next = at[i].sequence >= next ? at[i].sequence + 1 : next;
	if (next <= shared->appended)
		shared->wrong++; /* an acknowledged append is gone */
	for (int turn = 1;; turn++) {
		int code = append(queue, next);
		if (code == GENOPS_OK)
			shared->appended = next++;
		else if (code != GENOPS_FULL)
			_exit(2);
		const struct genops_queue_entry *entries;
		size_t n;
		if (turn % 3 == 0 || genops_queue_read(cursor, &entries, &n, &err) != GENOPS_OK)
			continue;
		if (n) {
			uint64_t block = read_number(entries);
			shared->wrong += block > shared->delivered + 1;
			shared->duplicates += block <= shared->delivered;
			shared->delivered = block > shared->delivered ? block : shared->delivered;
		}
		if (turn % 2 == 0 && genops_queue_acknowledge(cursor, &err) == GENOPS_OK)
			shared->acknowledged = shared->delivered;
	}
}

/* proves CRB-060, CRB-059: writer and consumer killed at random; everything appended arrives, in order, duplicates only of what
 * was not acknowledged */
static void test_sigkill(void **state)
{
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned random = 4711;
	uint64_t n_lives = 25, lower_bound = 0;
	for (uint64_t life = 0; life < n_lives; life++) {
		random = random * 1103515245 + 12345;
		uint64_t until = shared->appended + 1 + (random >> 8) % 120;
		uint64_t unacknowledged = shared->delivered - shared->acknowledged;
		uint64_t duplicates = shared->duplicates;
		pid_t child = fork();
		if (!child)
			work_until_killed(shared);
		while (__atomic_load_n(&shared->appended, __ATOMIC_ACQUIRE) < until && waitpid(child, NULL, WNOHANG) == 0)
			;
		kill(child, SIGKILL);
		int status;
		if (waitpid(child, &status, 0) == child)
			assert_true(WIFSIGNALED(status));
		assert_true(shared->duplicates - duplicates <= unacknowledged + 2);
		assert_true(shared->acknowledged >= lower_bound);
		lower_bound = shared->acknowledged;
	}
	assert_int_equal(shared->wrong, 0);
	assert_true(shared->appended > n_lives && shared->delivered > n_lives);
	/* The rest is there, to the last acknowledged append, without a gap. */
	struct genops_queue *queue = open_with((struct genops_queue_options){.encryption_key = HEX});
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	uint64_t last = shared->delivered, block;
	while ((block = read_block(cursor))) {
		assert_true(block <= last + 1);
		last = block > last ? block : last;
	}
	assert_true(last >= shared->appended && last <= shared->appended + 1);
	assert_int_equal(stats_of(queue).n_corrupt_blocks, 0);
	genops_queue_close(queue);
	munmap(shared, sizeof *shared);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_restart),
	    ROW(test_positions),
	    ROW(test_full),
	    ROW(test_full_of_delivered),
	    ROW(test_options),
	    ROW(test_change_of_encryption),
	    ROW(test_every_torn_tail),
	    ROW(test_damage),
	    ROW(test_damaged_cursor),
	    ROW(test_sigkill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
