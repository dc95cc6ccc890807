/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_segment_spare.c - store/segment/segment_spare.c: drained files are used again, by one writer each, and
 * nothing of their former life is ever read; SIGKILL at every system call of it. */
#include "segment_fixture.h"

#include <sys/ptrace.h>
#include <sys/resource.h>

#define ENTRY     ((size_t)200 << 10) /* 1 in the first file, 5 in the second, 20 in each of full size */
#define IN_SMALL  ((uint64_t)6)
#define IN_FULL   ((uint64_t)20)
#define FULL_SIZE ((off_t)GENOPS_SEGMENT_SIZE)

static genops_str big_payload(uint64_t number)
{
	static char bytes[ENTRY];
	for (size_t i = 0; i < sizeof bytes; i += 8) {
		uint64_t word = number * 1000003 + i;
		memcpy(bytes + i, &word, 8);
	}
	return (genops_str){bytes, sizeof bytes};
}

static int append_big(struct genops_segment_writer *writer, uint64_t number)
{
	struct genops_error err;
	return genops_segment_append(writer, GENOPS_ENTRY_OPERATION, big_payload(number), NULL, &err);
}

/* Writes until it has `n_full` files of full size, the last one with a single entry; returns the number of entries. */
static uint64_t fill(struct genops_segment_writer *writer, uint64_t n_full)
{
	uint64_t n = IN_SMALL + (n_full - 1) * IN_FULL + 1;
	for (uint64_t i = 1; i <= n; i++)
		assert_int_equal(append_big(writer, i), GENOPS_OK);
	return n;
}

/* Reads all of a process's entries, whose contents must be right; nothing may be corrupt. */
static uint64_t read_all(uint32_t process, struct genops_segment_position *ret_after)
{
	struct genops_segment_reader *reader = new_reader(process);
	struct genops_segment_entry entry;
	uint64_t n = 0;
	*ret_after = (struct genops_segment_position){.process = process, .epoch = 1, .file = 1};
	while (next(reader, &entry)) {
		genops_str expected = big_payload(++n);
		assert_int_equal(entry.sequence, n);
		assert_int_equal(entry.payload.len, expected.len);
		assert_memory_equal(entry.payload.ptr, expected.ptr, expected.len);
		*ret_after = entry.after;
	}
	genops_segment_reader_free(reader);
	return n;
}

static void drain(uint32_t process, uint64_t n_entries)
{
	struct genops_segment_position after;
	assert_int_equal(read_all(process, &after), n_entries);
	genops_segment_remove_before(dir, after);
}

/* Leaves that many spares in an empty directory. */
static void make_spares(uint32_t process, uint64_t n)
{
	struct genops_segment_writer *writer = new_writer(process, 1024 * MIB);
	uint64_t n_entries = fill(writer, n);
	genops_segment_writer_free(writer);
	drain(process, n_entries);
}

static DIR *open_folder(void)
{
	char folder[PATH_MAX];
	assert_true(genops_segment_format_folder(dir, folder));
	DIR *files = opendir(folder);
	assert_non_null(files);
	return files;
}

static size_t count_names(const char *part)
{
	size_t n = 0;
	DIR *files = open_folder();
	for (struct dirent *entry; (entry = readdir(files));)
		n += strstr(entry->d_name, part) != NULL;
	closedir(files);
	return n;
}

/* How many there are; each must be whole, and zero in every byte. */
static size_t check_spares(ino_t *ret_inodes)
{
	static char bytes[GENOPS_SEGMENT_SIZE];
	size_t n = 0;
	DIR *files = open_folder();
	for (struct dirent *entry; (entry = readdir(files));) {
		struct stat st;
		if (!strstr(entry->d_name, ".spare"))
			continue;
		int fd = openat(dirfd(files), entry->d_name, O_RDONLY);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, FULL_SIZE);
		assert_true(st.st_blocks * 512 >= FULL_SIZE);
		assert_int_equal(read(fd, bytes, sizeof bytes), FULL_SIZE);
		assert_true(!bytes[0] && !memcmp(bytes, bytes + 1, sizeof bytes - 1));
		close(fd);
		if (ret_inodes)
			ret_inodes[n] = st.st_ino;
		n++;
	}
	closedir(files);
	return n;
}

static ino_t inode_of(uint32_t process, uint64_t file)
{
	char path[PATH_MAX];
	struct stat st;
	file_path(process, file, path);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* ---- the ordinary life ---- */

static void test_used_again(void **state)
{
	ino_t inodes[GENOPS_SEGMENT_SPARES_MAX];
	make_spares(1, 3);
	assert_int_equal(check_spares(inodes), 3);
	assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
	assert_int_equal(genops_segment_bytes(dir), 0); /* nothing that waits to be drained */
	struct genops_segment_writer *writer = new_writer(2, 1024 * MIB);
	uint64_t n = fill(writer, 4); /* one more than there are */
	assert_int_equal(check_spares(NULL), 0);
	size_t n_again = 0;
	for (uint64_t file = 3; file <= 6; file++) {
		for (size_t i = 0; i < 3; i++)
			n_again += inode_of(2, file) == inodes[i];
	}
	assert_int_equal(n_again, 3);
	struct genops_segment_position after;
	assert_int_equal(read_all(2, &after), n);
	genops_segment_writer_free(writer);
	drain(2, n);
	assert_int_equal(check_spares(NULL), 4);
}

static void test_no_more_than_the_maximum(void **state)
{
	make_spares(1, GENOPS_SEGMENT_SPARES_MAX + 2);
	assert_int_equal(check_spares(NULL), GENOPS_SEGMENT_SPARES_MAX);
	assert_int_equal(count_names(".seg"), GENOPS_SEGMENT_SPARES_MAX);
	/* They are not undrained records: another writer's maximum is its own. */
	struct genops_segment_writer *writer = new_writer(2, MIB / 2);
	assert_int_equal(append_big(writer, 1), GENOPS_OK);
	genops_segment_writer_free(writer);
	make_spares(3, 1);
	assert_int_equal(check_spares(NULL), GENOPS_SEGMENT_SPARES_MAX);
}

/* A link elsewhere (a backup), another size: no spare. */
static void test_not_worth_keeping(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 1024 * MIB);
	uint64_t n = fill(writer, 2);
	genops_segment_writer_free(writer);
	struct genops_segment_position after;
	assert_int_equal(read_all(1, &after), n);
	char path[PATH_MAX], link_path[PATH_MAX + 8];
	file_path(1, 3, path);
	snprintf(link_path, sizeof link_path, "%s.backup", path);
	assert_int_equal(link(path, link_path), 0);
	file_path(1, 4, path);
	assert_int_equal(truncate(path, FULL_SIZE - 4096), 0);
	genops_segment_remove_before(dir, after);
	assert_int_equal(check_spares(NULL), 0);
	assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
	struct stat st;
	assert_true(stat(link_path, &st) == 0 && st.st_size == FULL_SIZE);
}

/* A spare of a wrong size is left alone. */
static void test_spare_that_was_cut(void **state)
{
	make_spares(1, 1);
	char path[PATH_MAX], spare[PATH_MAX + 8];
	file_path(1, 3, path);
	snprintf(spare, sizeof spare, "%s.spare", path);
	assert_int_equal(truncate(spare, 100), 0);
	struct genops_segment_writer *writer = new_writer(2, 1024 * MIB);
	uint64_t n = fill(writer, 1);
	genops_segment_writer_free(writer);
	drain(2, n);
	struct stat st;
	assert_true(stat(spare, &st) == 0 && st.st_size == 100);
}

/* proves CRB-059 where the disk is full: a spare has its place already */
static void test_full_disk(void **state)
{
	make_spares(1, 1);
	pid_t child = fork();
	if (!child) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){100 << 10, 100 << 10});
		struct genops_segment_writer *writer = new_writer(2, 1024 * MIB);
		for (uint64_t i = 1; i <= IN_FULL; i++) {
			if (append_big(writer, i) != GENOPS_OK)
				_exit(1);
		}
		_exit(append_big(writer, IN_FULL + 1) == GENOPS_FULL ? 0 : 2);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	drain(2, IN_FULL);
	assert_int_equal(check_spares(NULL), 1); /* also of a writer that died */
}

/* ---- several at once ---- */

static void test_competing_writers(void **state)
{
	enum { N = 5 };
	pid_t children[N];
	make_spares(99, GENOPS_SEGMENT_SPARES_MAX);
	for (uint32_t i = 0; i < N; i++) {
		children[i] = fork();
		if (!children[i]) {
			struct genops_segment_writer *writer = new_writer(i, 1024 * MIB);
			fill(writer, 3);
			genops_segment_writer_free(writer);
			_exit(0);
		}
	}
	for (uint32_t i = 0; i < N; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(check_spares(NULL), 0);
	for (uint32_t i = 0; i < N * 5; i++) {
		ino_t inode = inode_of(i / 5, 1 + i % 5);
		assert_true(inode);
		for (uint32_t k = 0; k < i; k++)
			assert_true(inode != inode_of(k / 5, 1 + k % 5));
	}
	for (uint32_t i = 0; i < N; i++)
		drain(i, IN_SMALL + 2 * IN_FULL + 1);
	assert_int_equal(check_spares(NULL), GENOPS_SEGMENT_SPARES_MAX);
}

/* Somebody reads a file that is drained, and another writer's meanwhile. */
static void test_reader_left_behind(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 1024 * MIB), *other = new_writer(2, 1024 * MIB);
	uint64_t n = fill(writer, 2) - 1;
	struct genops_segment_reader *reader = new_reader(1);
	struct genops_segment_entry entry;
	for (uint64_t i = 1; i <= n; i++)
		assert_true(next(reader, &entry)); /* all of the full file: its descriptor is open */
	assert_int_equal(entry.after.file, 3);
	struct genops_segment_position after;
	assert_int_equal(read_all(1, &after), n + 1);
	ino_t inode = inode_of(1, 3);
	genops_segment_remove_before(dir, after);
	assert_int_equal(check_spares(NULL), 1);
	fill(other, 1);
	assert_int_equal(inode_of(2, 3), inode);
	assert_true(next(reader, &entry));
	assert_int_equal(entry.sequence, n + 1);
	assert_int_equal(entry.after.file, 4);
	expect_nothing(reader);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
	genops_segment_writer_free(other);
}

/* After a power failure a renamed file may hold its former bytes: they are damage, never records. */
static void test_former_bytes(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 1024 * MIB);
	fill(writer, 1);
	genops_segment_writer_free(writer);
	char from[PATH_MAX], to[PATH_MAX];
	file_path(1, 3, from);
	file_path(2, 1, to);
	assert_int_equal(rename(from, to), 0);
	struct genops_segment_reader *reader = new_reader(2);
	struct genops_segment_entry entry;
	struct genops_error err;
	bool is_found = true;
	size_t n_bad = 0;
	while (is_found) {
		int code = genops_segment_next(reader, &entry, &is_found, &err);
		assert_true(code == GENOPS_OK || code == GENOPS_CORRUPT);
		assert_true(code != GENOPS_OK || !is_found);
		n_bad += code == GENOPS_CORRUPT;
	}
	assert_int_equal(n_bad, 2); /* the header, and what follows */
	genops_segment_reader_free(reader);
}

/* A power failure may bring a spare's former bytes back, for its new writer then. Who reads while that one writes must wait for
 * each entry, and pass none because the old one in its place looks damaged. */
static void test_spare_with_former_bytes(void **state)
{
	struct genops_segment_writer *writer = new_writer(1, 1024 * MIB);
	fill(writer, 1);
	for (uint64_t i = 2; i <= IN_FULL; i++)
		assert_int_equal(append_big(writer, IN_SMALL + i), GENOPS_OK);
	genops_segment_writer_free(writer);
	char path[PATH_MAX], spare[PATH_MAX + 8];
	file_path(1, 3, path);
	snprintf(spare, sizeof spare, "%s.spare", path);
	assert_int_equal(rename(path, spare), 0);
	writer = new_writer(2, 1024 * MIB);
	struct genops_segment_reader *reader = new_reader(2);
	struct genops_segment_entry entry;
	uint64_t n = IN_SMALL + IN_FULL + 1; /* the last in a file of its own */
	for (uint64_t i = 1; i <= n; i++) {
		expect_nothing(reader);
		assert_int_equal(append_big(writer, i), GENOPS_OK);
		assert_true(next(reader, &entry));
		assert_int_equal(entry.sequence, i);
	}
	expect_nothing(reader);
	assert_int_equal(count_names(".spare"), 0);
	genops_segment_reader_free(reader);
	genops_segment_writer_free(writer);
}

/* ---- SIGKILL at every system call ---- */

/* Lets a child do `work` and kills it at its n-th stop before or after a system call. False: it came to its end before. */
static bool kill_at(void (*work)(uint32_t), uint32_t process, int n)
{
	int status, steps = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(77);
		work(process);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status))
		return false;
	while (steps < n && WIFSTOPPED(status) && ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0) {
		assert_int_equal(waitpid(child, &status, 0), child);
		steps++;
	}
	bool is_over = WIFEXITED(status);
	if (is_over)
		assert_int_equal(WEXITSTATUS(status), 0);
	kill(child, SIGKILL);
	while (!is_over && waitpid(child, &status, 0) == child && WIFSTOPPED(status))
		;
	return !is_over;
}

/* As the next drain does: what is left is read, nothing is corrupt, all files go. Returns the number of entries. */
static uint64_t clean_up(uint32_t process)
{
	struct genops_segment_position after;
	uint64_t n = read_all(process, &after);
	DIR *files = open_folder(); /* as if a minute had passed */
	for (struct dirent *entry; (entry = readdir(files));)
		utimensat(dirfd(files), entry->d_name, (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}, 0);
	closedir(files);
	genops_segment_remove_before(dir, after);
	assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
	assert_int_equal(count_names(".used"), 0);
	return n;
}

static void take_one(uint32_t process)
{
	struct genops_segment_writer *writer = new_writer(process, 1024 * MIB);
	for (uint64_t i = 1; i <= IN_SMALL; i++)
		(void)append_big(writer, i);
	raise(SIGSTOP);
	(void)append_big(writer, IN_SMALL + 1);
	(void)append_big(writer, IN_SMALL + 2);
	genops_segment_writer_free(writer);
}

static void test_killed_while_taking(void **state)
{
	uint32_t process = 1;
	make_spares(process++, 1);
	for (int n = 1;; n++) {
		if (!check_spares(NULL))
			make_spares(process++, 1);
		assert_int_equal(check_spares(NULL), 1);
		bool was_killed = kill_at(take_one, process, n);
		uint64_t n_entries = clean_up(process++);
		assert_true(n_entries >= IN_SMALL && n_entries <= IN_SMALL + 2);
		assert_true(check_spares(NULL) <= 1);
		if (!was_killed) {
			assert_true(n_entries == IN_SMALL + 2 && n > 20);
			break;
		}
	}
}

static void retire_both(uint32_t process)
{
	struct genops_segment_position after;
	(void)read_all(process, &after);
	raise(SIGSTOP);
	genops_segment_remove_before(dir, after);
}

static void test_killed_while_retiring(void **state)
{
	uint32_t process = 1;
	for (int n = 1;; n++) {
		struct genops_segment_writer *writer = new_writer(process, 1024 * MIB);
		uint64_t n_entries = fill(writer, 2); /* takes the spares that the round before left */
		genops_segment_writer_free(writer);
		assert_int_equal(check_spares(NULL), 0);
		bool was_killed = kill_at(retire_both, process, n);
		/* The next drain knows from the ledger how far it is. */
		struct genops_segment_position end = {.process = process, .epoch = 1, .file = 4, .sequence = n_entries};
		end.offset = sizeof(struct segment_header) + SEGMENT_ALIGNED(sizeof(struct segment_entry) + ENTRY);
		genops_segment_remove_before(dir, end);
		assert_int_equal(genops_segment_list(dir, NULL, 0), 0);
		assert_int_equal(count_names(".used"), 0);
		size_t n_spares = check_spares(NULL);
		assert_true(n_spares <= 2);
		process++;
		if (!was_killed) {
			assert_true(n_spares == 2 && n > 150);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(test_used_again),
	    ROW(test_no_more_than_the_maximum),
	    ROW(test_not_worth_keeping),
	    ROW(test_spare_that_was_cut),
	    ROW(test_full_disk),
	    ROW(test_competing_writers),
	    ROW(test_reader_left_behind),
	    ROW(test_former_bytes),
	    ROW(test_spare_with_former_bytes),
	    ROW(test_killed_while_taking),
	    ROW(test_killed_while_retiring),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
