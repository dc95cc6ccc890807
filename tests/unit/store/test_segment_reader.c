/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_segment_reader.c - store/segment/segment_reader.c on damaged and missing files,
 * and segment_dir.c: who has files, which may go. */
#include "segment_fixture.h"

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

	/* A live writer's last file stays, however far it is read; a closed one goes when it is
	 * read, not before. */
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
		assert_int_equal(
		    genops_segment_next(reader, &entry, &is_found, &err), GENOPS_CORRUPT);
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
	genops_segment_remove_before(
	    dir, (struct genops_segment_position){1, 1, 1, (uint64_t)file_size(1, 1), 12});
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
		bool has_sixth = size >= sixth + (off_t)(sizeof(struct segment_entry) +
							 payload_of(6, bytes).len);
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

/* A writer that died while it copied its last entry: nobody was told, nothing is lost, the file
 * goes. */
static void test_torn_tail(void **state)
{
	off_t tail = write_closed(3, 4);
	char path[PATH_MAX];
	file_path(1, 1, path);
	int fd = open(path, O_RDWR);
	assert_int_equal(
	    pwrite(fd, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 48), 16); /* open again */
	assert_int_equal(ftruncate(fd, 262144), 0);
	assert_int_equal(pwrite(fd, "garbage", 7, tail + 8), 7); /* its length is still zero */
	close(fd);
	struct genops_segment_reader *reader = new_reader(1);
	expect_entries(reader, 1, 2);
	struct genops_segment_entry last;
	assert_true(next(reader, &last));
	assert_entry(&last, 3);
	expect_nothing(reader);
	struct genops_segment_reader_stats stats;
	genops_segment_reader_stats(reader, &stats);
	assert_int_equal(stats.torn_bytes, 16);
	assert_int_equal(stats.lost_bytes, 0);
	genops_segment_reader_free(reader);
	genops_segment_remove_before(dir, last.after);
	assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
}

static bool is_segment(const char *name, unsigned char type, struct genops_segment_position *ret_first)
{
	struct dirent entry = {.d_type = type};
	snprintf(entry.d_name, sizeof entry.d_name, "%s", name);
	return genops_segment_format_parse(&entry, ret_first);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"", "1-2.seg", "1-2-3", "1-2-3.seg2", "01-2-3.seg",
	    "-1-2-3.seg", "1-2-3.tmp", "4294967296-1-1.seg", "1-18446744073709551616-1.seg",
	    "1- 2-3.seg", "a-1-1.seg"};
	struct genops_segment_position first;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(is_segment(bad[i], DT_REG, &first));
	static const unsigned char others[] = {DT_DIR, DT_LNK, DT_FIFO, DT_SOCK, DT_CHR};
	for (size_t i = 0; i < sizeof others; i++)
		assert_false(is_segment("1-2-3.seg", others[i], &first));
	assert_true(is_segment("1-2-3.seg", DT_UNKNOWN, &first));
	assert_true(is_segment("0-18446744073709551615-3.seg", DT_REG, &first));
	assert_true(first.process == 0 && first.epoch == UINT64_MAX && first.file == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_list_and_remove),
	    ROW(test_stillborn),
	    ROW(test_every_byte_of_an_entry),
	    ROW(test_every_byte_of_the_header),
	    ROW(test_newer_version),
	    ROW(test_every_truncation),
	    ROW(test_missing_file),
	    ROW(test_zeroed_page),
	    ROW(test_torn_tail),
	    ROW(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
