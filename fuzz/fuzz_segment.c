/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_segment.c - genops_segment_next, _list and _remove_before on a segment file with any
 * content.
 *
 * The first byte chooses what is repaired (1: the header's checksum, 2: the first entry's
 * checksum), so that what lies behind the checksums is reached too. Property: reading ends, after
 * at most as many answers as the file has places, sequences only rise, no payload is longer than
 * the file; and the file of a writer that is gone can be removed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/segment/segment_format.h"
#include "store/state_dir.h"

#define FILE_MAX ((size_t)64 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void remove_dir(void)
{
	static const char *const parts[] = {"/segments", "/queue", ""};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char path[sizeof dir + 16];
		snprintf(path, sizeof path, "%s%s", dir, parts[i]);
		rmdir(path);
	}
}

static void make_dir(void)
{
	struct genops_error err;
	if (dir[0])
		return;
	strcpy(dir, "/tmp/genops-fuzz-XXXXXX");
	if (!mkdtemp(dir) || genops_state_dir_open(dir, &err) != GENOPS_OK)
		abort();
	atexit(remove_dir);
}

static void repair(uint8_t how, char *bytes, size_t size)
{
	struct segment_header header;
	struct segment_entry entry;
	const struct genops_segment_position file = {.process = 1, .epoch = 1, .file = 1};
	if ((how & 1) && size >= sizeof header) {
		memcpy(&header, bytes, sizeof header);
		header.magic = SEGMENT_MAGIC;
		header.checksum = genops_segment_format_header_checksum(&header);
		header.used_inverse = ~header.used;
		memcpy(bytes, &header, sizeof header);
	}
	if ((how & 2) && size >= sizeof header + sizeof entry) {
		char *at = bytes + sizeof header;
		memcpy(&entry, at, sizeof entry);
		size_t room = size - sizeof header;
		if (entry.length < sizeof entry || entry.length > room)
			return;
		uint64_t hash =
		    genops_hash_checksum(at + sizeof entry, entry.length - sizeof entry, 0);
		entry.checksum = genops_segment_format_checksum(&entry, hash, &file, sizeof header);
		memcpy(at, &entry, sizeof entry);
	}
}

static void read_all(struct genops_segment_position from, size_t size)
{
	struct genops_error err;
	struct genops_segment_reader *reader = genops_segment_reader_new(dir, from, &err);
	if (!reader)
		abort();
	bool is_found = true;
	uint64_t last = 0;
	for (size_t n = 0; is_found; n++) {
		struct genops_segment_entry entry;
		if (n > size / 8 + 8)
			abort();
		int code = genops_segment_next(reader, &entry, &is_found, &err);
		if (code == GENOPS_UNSUPPORTED)
			break;
		if (code != GENOPS_OK && code != GENOPS_CORRUPT)
			abort();
		if (code == GENOPS_OK && is_found) {
			if (entry.payload.len > size || entry.sequence <= last)
				abort();
			last = entry.sequence;
			(void)genops_hash_checksum(
			    entry.payload.ptr, entry.payload.len, 0); /* every byte is readable */
		}
	}
	genops_segment_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char folder[PATH_MAX], path[PATH_MAX];
	if (!size || size > FILE_MAX)
		return 0;
	make_dir();
	if (!genops_segment_format_folder(dir, folder) ||
	    !genops_segment_format_path(folder, 1, 1, 1, path))
		abort();
	char *bytes = malloc(size);
	if (!bytes)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	repair(data[0], bytes, size - 1);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (fd < 0 || write(fd, bytes, size - 1) != (ssize_t)(size - 1))
		abort();
	close(fd);
	free(bytes);
	struct genops_segment_position first;
	if (genops_segment_list(dir, &first, 1) != 1)
		abort();
	read_all(first, size);
	genops_segment_remove_before(dir, first);
	unlink(path);
	return 0;
}
