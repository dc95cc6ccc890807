/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_queue.c - store/queue/queue.c and queue_cursor.c: order, cursors, back-pressure,
 * keys. */
#include "queue_fixture.h"

#include "base/str.h"
#include "store/queue/queue_block.h"

#include <sys/resource.h>

/* ---- the ordinary life ---- */

/* proves CRB-060: the queue's content survives a restart, every destination goes on where it was */
static void test_restart(void **state)
{
	struct genops_queue *queue = open_queue();
	struct genops_queue_cursor *a = open_cursor(queue, "otlp/http", true),
				   *b = open_cursor(queue, "kafka", true);
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
	struct genops_queue_cursor *c = open_cursor(queue, "new, from start", true),
				   *d = open_cursor(queue, "new", false);
	append_blocks(queue, 11, 12);
	expect_blocks(a, 6, 12); /* 6 and 7 were not acknowledged */
	genops_queue_rewind(a);
	expect_blocks(a, 6, 12);
	expect_blocks(b, 11, 12);
	expect_blocks(c, 1, 12);
	expect_blocks(d, 11, 12);
	struct genops_error err;
	struct genops_queue_cursor *again;
	assert_int_equal(
	    genops_queue_cursor_open(queue, "kafka", true, &again, &err), GENOPS_EXISTS);
	genops_queue_cursor_close(b);
	b = open_cursor(queue, "kafka", true);
	expect_blocks(b, 11, 12);
	assert_int_equal(genops_queue_sync(queue, &err), GENOPS_OK);
	genops_queue_close(queue);
}

static uint64_t append_zeros(struct genops_queue *queue, size_t n)
{
	static const char zeros[1000];
	static struct genops_queue_entry entries[1000];
	struct genops_error err;
	uint64_t before = stats_of(queue).bytes;
	for (size_t i = 0; i < n; i++)
		entries[i] = (struct genops_queue_entry){GENOPS_ENTRY_OPERATION, {zeros, sizeof zeros}};
	assert_int_equal(genops_queue_append(queue, entries, n, NULL, 0, &err), GENOPS_OK);
	return stats_of(queue).bytes - before;
}

/* From `n` thousand entries on that wait, and no more when they do not. */
static void check_compressing(uint64_t max_bytes, int n)
{
	const struct genops_queue_entry *entries;
	struct genops_error err;
	struct genops_queue *queue = open_with((struct genops_queue_options){.is_compressed = true, .max_bytes = max_bytes});
	assert_true(append_zeros(queue, 1000) < 100000); /* nobody reads it yet */
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	for (int i = 1; i < n; i++)
		assert_true(append_zeros(queue, 1000) > 1000000);
	assert_true(append_zeros(queue, 1000) < 100000);
	for (size_t k = 1; k;) {
		assert_int_equal(genops_queue_read(cursor, &entries, &k, &err), GENOPS_OK);
		assert_true(k == 0 || k == 1000);
	}
	acknowledge(cursor);
	assert_true(append_zeros(queue, 1000) > 1000000);
	genops_queue_cursor_close(cursor);
	genops_queue_close(queue);
}

static void test_compresses_when_a_destination_is_behind(void **state)
{
	(void)state;
	check_compressing(0, 66);
}

static void test_compresses_earlier_when_a_quarter_is_used(void **state)
{
	(void)state;
	check_compressing((uint64_t)30 << 20, 9);
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
		assert_int_equal(
		    at[0].process, 2); /* each writer's newest, whatever block it was in */
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
	struct genops_queue_cursor *slow = open_cursor(queue, "slow", true),
				   *fast = open_cursor(queue, "fast", true);
	uint64_t n = 0;
	while (append(queue, n + 1) == GENOPS_OK)
		n++;
	assert_int_equal(append(queue, n + 1), GENOPS_FULL);
	assert_true(stats_of(queue).n_full == 2 && stats_of(queue).bytes <= 1 << 20);
	expect_blocks(fast, 1, n);
	acknowledge(fast);
	assert_int_equal(
	    append(queue, n + 1), GENOPS_FULL); /* the slow one still needs everything */
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

/* The disk is full, and all that fills it is delivered: the file goes, and appending goes on. */
static void test_full_disk_of_delivered(void **state)
{
	struct genops_queue *queue = open_queue();
	struct genops_queue_cursor *cursor = open_cursor(queue, "d", true);
	struct rlimit limit, before;
	uint64_t n = 0;
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 100000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (append(queue, n + 1) == GENOPS_OK)
		n++;
	expect_blocks(cursor, 1, n - 1);
	acknowledge(cursor);
	assert_int_equal(append(queue, n + 1), GENOPS_FULL); /* one is still needed */
	expect_blocks(cursor, n, n);
	acknowledge(cursor);
	append_blocks(queue, n + 1, n + 3);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(has_file("1.q"));
	genops_queue_close(queue);
	queue = open_queue();
	cursor = open_cursor(queue, "d", true);
	expect_blocks(cursor, n + 1, n + 3);
	genops_queue_close(queue);
}

static int append_for(struct genops_queue *queue, uint64_t number, uint16_t audience)
{
	char bytes[2048];
	const struct genops_queue_entry entry = {GENOPS_ENTRY_ROUTED, payload_of(number, bytes), audience};
	struct genops_error err;
	return genops_queue_append(queue, &entry, 1, NULL, 0, &err);
}

/* The number of the one entry that is read next; 0: nothing waits; -1: damage. */
static int64_t read_one(struct genops_queue_cursor *cursor)
{
	const struct genops_queue_entry *entries;
	struct genops_error err;
	uint64_t number = 0;
	size_t n;
	if (genops_queue_read(cursor, &entries, &n, &err) != GENOPS_OK)
		return -1;
	if (n)
		memcpy(&number, entries[0].payload.ptr, sizeof number);
	return (int64_t)number;
}

/* Blocks for others are passed over and acknowledged; whoever damages what says so brings the damage to light instead. */
static void test_audience(void **state)
{
	struct genops_queue *queue = open_with((struct genops_queue_options){0});
	const char *other = "b0";
	for (char c = '0'; genops_queue_audience(genops_str_of(other)) == genops_queue_audience(GENOPS_STR("a")); c++)
		other = c == '0' ? "b1" : c == '1' ? "b2" : "b3";
	struct genops_queue_cursor *a = open_cursor(queue, "a", true), *b = open_cursor(queue, other, true);
	uint16_t for_a = genops_queue_audience(GENOPS_STR("a")), for_b = genops_queue_audience(genops_str_of(other));
	for (uint64_t i = 1; i <= 9; i++)
		assert_int_equal(append_for(queue, i, i % 3 == 0 ? 0 : i % 3 == 1 ? for_a : for_b), GENOPS_OK);
	static const int64_t of_a[] = {1, 3, 4, 6, 7, 9, 0}, of_b[] = {2, 3, 5, 6, 8, 9, 0};
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(read_one(a), of_a[i]);
		assert_int_equal(read_one(b), of_b[i]);
	}
	acknowledge(a);
	acknowledge(b);
	assert_int_equal(append_for(queue, 10, for_a), GENOPS_OK);
	assert_int_equal(read_one(b), 0);
	acknowledge(b);
	assert_int_equal(stats_of(queue).n_waiting_entries, 1); /* of a */
	genops_queue_close(queue);

	/* A flipped bit in the audience of block 10 takes nothing from `a`: it reads the block, and is told. */
	char path[128];
	uint16_t wrong = (uint16_t)(for_a ^ for_b ^ 0x8000);
	snprintf(path, sizeof path, "%s/queue/1.q", dir);
	int fd = open(path, O_RDWR);
	off_t end = lseek(fd, 0, SEEK_END), at = end;
	struct queue_block_header header = {0};
	while (at > 0 && header.number != 10) {
		at -= 8;
		assert_int_equal(pread(fd, &header, sizeof header, at) > 0, 1);
		if (header.magic != QUEUE_BLOCK_MAGIC)
			header.number = 0;
	}
	queue = open_with((struct genops_queue_options){0});
	assert_int_equal(pwrite(fd, &wrong, sizeof wrong, at + 18), 2);
	close(fd);
	a = open_cursor(queue, "a", true);
	assert_int_equal(read_one(a), -1);
	assert_int_equal(stats_of(queue).n_corrupt_blocks, 1);
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

/* ---- threads ---- */

struct consumer {
	struct genops_queue_cursor *cursor;
	uint64_t until, n_bad;
};

/* Delivers everything in order, and acknowledges every tenth block. */
static void *consume(void *arg)
{
	struct consumer *consumer = arg;
	const struct genops_queue_entry *entries;
	size_t n;
	for (uint64_t block = 0; block < consumer->until && !consumer->n_bad;) {
		uint64_t first;
		if (genops_queue_read(consumer->cursor, &entries, &n, NULL) != GENOPS_OK) {
			consumer->n_bad++;
		} else if (n) {
			memcpy(&first, entries[0].payload.ptr, 8);
			consumer->n_bad += first != block * BATCH + 1;
			block++;
			if (block % 10 == 0)
				consumer->n_bad += genops_queue_acknowledge(consumer->cursor, NULL) != 0;
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	enum { N = 600 };
	struct genops_queue *queue = open_with((struct genops_queue_options){.max_bytes = 1 << 20});
	struct consumer consumers[2] = {{open_cursor(queue, "a", true), N, 0}, {open_cursor(queue, "b", true), N, 0}};
	pthread_t ids[2];
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, consume, &consumers[i]), 0);
	uint64_t n_full = 0;
	for (uint64_t i = 1; i <= N;) {
		int code = append(queue, i);
		assert_true(code == GENOPS_OK || code == GENOPS_FULL);
		i += code == GENOPS_OK;
		n_full += code == GENOPS_FULL;
	}
	for (size_t i = 0; i < 2; i++) {
		pthread_join(ids[i], NULL);
		assert_int_equal(consumers[i].n_bad, 0);
	}
	assert_int_equal(stats_of(queue).n_full, n_full);
	assert_int_equal(stats_of(queue).n_waiting_entries, 0);
	genops_queue_close(queue);
}

/* ---- keys ---- */

static void test_change_of_encryption(void **state)
{
	struct genops_queue *queue =
	    open_with((struct genops_queue_options){.is_compressed = true});
	open_cursor(queue, "d", true);
	append_blocks(queue, 1, 3);
	genops_queue_close(queue);
	queue = open_with((struct genops_queue_options){.encryption_key = HEX}); /* turned on */
	append_blocks(queue, 4, 6);
	genops_queue_close(queue);

	struct genops_error err;
	struct genops_queue_options without = {.is_compressed = true},
				    other = {.encryption_key = OTHER};
	struct genops_queue *refused = NULL;
	assert_int_equal(genops_queue_open(dir, &without, &refused, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "none is configured"));
	assert_int_equal(genops_queue_open(dir, &other, &refused, &err), GENOPS_CONFIG);
	assert_non_null(strstr(err.message, "another key"));
	assert_true(err.fix[0]);
	assert_null(refused);

	queue =
	    open_with((struct genops_queue_options){.encryption_key = HEX, .is_compressed = true});
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_restart),
	    ROW(test_compresses_when_a_destination_is_behind),
	    ROW(test_compresses_earlier_when_a_quarter_is_used),
	    ROW(test_positions),
	    ROW(test_full),
	    ROW(test_full_of_delivered),
	    ROW(test_full_disk_of_delivered),
	    ROW(test_audience),
	    ROW(test_options),
	    ROW(test_threads),
	    ROW(test_change_of_encryption),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
