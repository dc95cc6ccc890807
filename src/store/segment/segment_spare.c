/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment_spare.c - drained segment files are used again (see segment_spare.h).
 *
 * A new file costs its writer a system's work for every page: finding it, zeroing it, and on a
 * virtual machine often fetching it from the host: that was most of an operation's CPU time. So the
 * drain renames a drained file of full size to <same>.used, zeroes what was written into it (it has
 * the time, its pages are at hand, and no drained record stays readable), and renames it to
 * <same>.spare. A writer takes a spare by locking it and renaming it to its own file's name.
 *
 * Why no two processes get one file, and no old byte is ever read as new, whoever is killed when:
 * - a spare's name is that of the file it was, process, epoch and number, which never come again: a
 *   name leads to one file only, so who has the file's lock and could rename it away has it alone;
 * - who closed the file has let go of its lock as the last thing it did with it;
 * - under the name .spare a file is all zero, under .used nobody takes it;
 * - between renaming and the header's magic it is what a new file is: not ready, or, once its lock
 *   is free, made by somebody who died;
 * - a power failure may bring old bytes back: the beginning is looked at, and zeroed again if it must be, before the file gets its new name, and each entry
 *   zeroes the length behind it, so that a reader waits there; of the rest no checksum fits, as they name the former file.
 * Renaming never replaces anything. Where the file system cannot promise that, nothing is kept.
 */
#include "store/segment/segment_spare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define USED  ".used"
#define SPARE ".spare"

#define SEGMENT_HEAD (sizeof(struct segment_header) + sizeof(struct segment_entry))

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), n = strlen(ending);
	return len > n && !strcmp(name + len - n, ending);
}

size_t genops_segment_spare_count(const char *folder)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		n += has_ending(entry->d_name, SPARE);
		if (has_ending(entry->d_name, USED))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return n;
}

/* ---- keeping ---- */

/* Where written blocks are not written again in place, a store into a spare needs new ones: on a full disk that is SIGBUS. A file
 * that was only just allocated has its blocks. */
static bool is_rewritten_in_place(int folder)
{
	static const unsigned long elsewhere[] = {BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */, 0xca451a4e /* bcachefs */};
	struct statfs system;
	if (fstatfs(folder, &system) != 0)
		return false;
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
		if (((unsigned long)system.f_type & UINT32_MAX) == elsewhere[i])
			return false;
	}
	return true;
}

/* How much of a file that is worth keeping is to be zeroed; 0: it is not. */
static size_t length_to_zero(int fd)
{
	struct stat st;
	struct segment_header header;
	enum segment_state state;
	if (genops_segment_format_load(fd, &header, &st, &state) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_nlink != 1 || st.st_size != (off_t)GENOPS_SEGMENT_SIZE)
		return 0;
	return state == SEGMENT_CLOSED ? header.used : GENOPS_SEGMENT_SIZE;
}

static bool zero(int fd, size_t len)
{
	static char zeros[64 << 10]; /* never written to: all its pages are one */
	for (size_t done = 0; done < len;) {
		size_t n = len - done < sizeof zeros ? len - done : sizeof zeros;
		ssize_t written = pwrite(fd, zeros, n, (off_t)done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		done += (size_t)written;
	}
	return true;
}

static bool make_spare(int folder, const char *name)
{
	char used[96], spare[96];
	snprintf(used, sizeof used, "%s" USED, name);
	snprintf(spare, sizeof spare, "%s" SPARE, name);
	int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	size_t len = length_to_zero(fd);
	bool is_kept = len && renameat2(folder, name, folder, used, RENAME_NOREPLACE) == 0;
	if (is_kept &&
	    (!zero(fd, len) || renameat2(folder, used, folder, spare, RENAME_NOREPLACE) != 0)) {
		(void)unlinkat(folder, used, 0);
		is_kept = false;
	}
	close(fd);
	return is_kept;
}

void genops_segment_spare_retire(int folder, const char *name, size_t *n_spares)
{
	if (*n_spares < GENOPS_SEGMENT_SPARES_MAX && is_rewritten_in_place(folder) && make_spare(folder, name))
		++*n_spares;
	else
		(void)unlinkat(folder, name, 0);
}

/* ---- taking ---- */

/* The head as the drain left it, nearly always: looking is cheaper than writing, for which the file system walks over every block of
 * the large page that the head is in. */
static bool has_no_head(int fd)
{
	static const char none[SEGMENT_HEAD];
	char head[SEGMENT_HEAD];
	return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && !memcmp(head, none, sizeof head);
}

static int take(int folder, const char *name, const char *path)
{
	int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	struct stat st;
	if (genops_segment_format_lock(fd) == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && st.st_size == (off_t)GENOPS_SEGMENT_SIZE && (has_no_head(fd) || zero(fd, SEGMENT_HEAD)) &&
	    renameat2(folder, name, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return fd;
	close(fd);
	return -1;
}

int genops_segment_spare_take(const char *folder, const char *path)
{
	int fd = -1;
	DIR *dir = opendir(folder);
	if (!dir)
		return -1;
	for (struct dirent *entry; fd < 0 && (entry = readdir(dir));) {
		if (has_ending(entry->d_name, SPARE))
			fd = take(dirfd(dir), entry->d_name, path);
	}
	closedir(dir);
	return fd;
}
