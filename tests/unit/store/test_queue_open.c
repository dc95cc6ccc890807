/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_queue_open.c - store/queue/queue_open.c and queue_file.c: torn tails, damage, and
 * SIGKILL of writer and consumer at any moment. */
#include "queue_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

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
		struct genops_queue_cursor *a = open_cursor(queue, "a", true),
					   *b = open_cursor(queue, "b", true);
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

/* A place that cannot be read is worth the one before it; without any, all that is there comes
 * again. */
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
	struct genops_queue_options options = {
	    .max_bytes = 2 << 20, .is_compressed = true, .encryption_key = HEX};
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

/* proves CRB-060, CRB-059: writer and consumer killed at random; everything appended arrives, in
 * order, duplicates only of what was not acknowledged */
static void test_sigkill(void **state)
{
	struct shared *shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
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
		while (__atomic_load_n(&shared->appended, __ATOMIC_ACQUIRE) < until &&
		       waitpid(child, NULL, WNOHANG) == 0)
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
	struct genops_queue *queue =
	    open_with((struct genops_queue_options){.encryption_key = HEX});
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

/* Appends until so much is free at most. The number of the last block. */
static uint64_t append_until_free(struct genops_queue *queue, uint64_t n_free)
{
	struct statvfs disk;
	uint64_t n = 0;
	do {
		append_blocks(queue, n + 1, n + 50);
		n += 50;
		assert_int_equal(statvfs(dir, &disk), 0);
	} while ((uint64_t)disk.f_bavail * disk.f_frsize > n_free);
	return n;
}

/* On a disk of its own. What is delivered goes without an append, as soon as all of it is and segments have no room. */
static void release_on_small_disk(void)
{
	struct genops_error err;
	struct genops_queue *queue = open_with((struct genops_queue_options){0});
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	uint64_t n = append_until_free(queue, (uint64_t)6 << 20);
	expect_blocks(cursor, 1, n);
	acknowledge(cursor);
	uint64_t bytes = stats_of(queue).bytes;
	assert_int_equal(genops_queue_release(queue, &err), GENOPS_OK);
	assert_int_equal(stats_of(queue).bytes, bytes); /* there is room */
	uint64_t last = n + append_until_free(queue, (uint64_t)4 << 20);
	expect_blocks(cursor, 1, 1); /* numbered from 1 once more */
	acknowledge(cursor);
	assert_int_equal(genops_queue_release(queue, &err), GENOPS_OK);
	assert_true(stats_of(queue).bytes > bytes); /* not all is delivered */
	expect_blocks(cursor, 2, last - n);
	acknowledge(cursor);
	assert_int_equal(genops_queue_release(queue, &err), GENOPS_OK);
	assert_true(stats_of(queue).bytes < 1000);
	assert_false(has_file("1.q"));
	genops_queue_close(queue);
	queue = open_queue();
	struct genops_segment_position position;
	assert_int_equal(genops_queue_positions(queue, &position, 1), 3); /* none is forgotten */
	genops_queue_close(queue);
}

static void test_release(void **state)
{
	pid_t child = fork();
	if (child == 0) {
		struct genops_error err;
		if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		    mount("none", dir, "tmpfs", 0, "size=8m,mode=700") != 0)
			_exit(77);
		assert_int_equal(genops_state_dir_open(dir, &err), GENOPS_OK);
		release_on_small_disk();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* not allowed to mount here */
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_every_torn_tail),
	    ROW(test_damage),
	    ROW(test_damaged_cursor),
	    ROW(test_sigkill),
	    ROW(test_release),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
