/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment_format.c - see segment_format.h. Pure but for what asks for a
 * descriptor. */
#include "store/segment/segment_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

bool genops_segment_format_folder(const char *state_dir, char *ret_path)
{
	return snprintf(ret_path, PATH_MAX, "%s/segments", state_dir) < PATH_MAX;
}

bool genops_segment_format_path(
    const char *folder, uint32_t process, uint64_t epoch, uint64_t file, char *ret_path)
{
	return snprintf(ret_path, PATH_MAX, "%s/%" PRIu32 "-%" PRIu64 "-%" PRIu64 ".seg", folder,
		   process, epoch, file) < PATH_MAX;
}

/* Digits only, without a sign or a leading zero, so that a name and its numbers say the same. */
static bool take_number(const char **text, char end, uint64_t *ret)
{
	const char *at = *text;
	uint64_t value = 0;
	if (*at == '0' && at[1] != end)
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	}
	if (at == *text || *at != end)
		return false;
	*text = at + 1;
	*ret = value;
	return true;
}

bool genops_segment_format_parse(const struct dirent *entry, struct genops_segment_position *ret_first)
{
	const char *name = entry->d_name;
	uint64_t process, epoch, file;
	/* Not every file system tells the type. */
	if ((entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) || !take_number(&name, '-', &process) || process > UINT32_MAX ||
	    !take_number(&name, '-', &epoch) || !take_number(&name, '.', &file) ||
	    strcmp(name, "seg") != 0)
		return false;
	*ret_first = (struct genops_segment_position){.process = (uint32_t)process,
	    .epoch = epoch,
	    .file = file,
	    .offset = sizeof(struct segment_header)};
	return true;
}

uint64_t genops_segment_format_header_checksum(const struct segment_header *header)
{
	const size_t begin = offsetof(struct segment_header, version),
		     end = offsetof(struct segment_header, checksum);
	return genops_hash_checksum((const char *)header + begin, end - begin, SEGMENT_MAGIC);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

uint64_t genops_segment_format_checksum(const struct segment_entry *entry, uint64_t payload_hash,
    const struct genops_segment_position *file, uint64_t offset)
{
	uint64_t hash = mix(payload_hash, (uint64_t)file->process << 32 | entry->kind);
	hash = mix(hash, file->epoch);
	hash = mix(hash, file->file);
	hash = mix(hash, offset << 32 | entry->length);
	return mix(hash, entry->sequence);
}

enum segment_state genops_segment_format_state(
    const struct segment_header *header, uint64_t file_size)
{
	if (!header->magic)
		return SEGMENT_NEW;
	if (header->magic != SEGMENT_MAGIC || !header->first_sequence ||
	    header->checksum != genops_segment_format_header_checksum(header))
		return SEGMENT_DAMAGED;
	if (!header->used)
		return SEGMENT_OPEN;
	bool is_sane = header->used == ~header->used_inverse && header->used >= sizeof *header &&
		       header->used <= file_size && header->used % 8 == 0;
	return is_sane ? SEGMENT_CLOSED : SEGMENT_DAMAGED;
}

/* A copy by the kernel keeps no order among its loads: the header of a file that is just being made
 * or closed may be half of before and half of after. So what looks damaged is looked at twice: the
 * second time, all that was stored before what the first one saw is there. */
int genops_segment_format_load(
    int fd, struct segment_header *ret_header, struct stat *ret_stat, enum segment_state *ret_state)
{
	for (int look = 0; look < 2; look++) {
		*ret_header = (struct segment_header){0};
		if (fstat(fd, ret_stat) != 0 || pread(fd, ret_header, sizeof *ret_header, 0) < 0)
			return errno;
		*ret_state =
		    genops_segment_format_state(ret_header, (uint64_t)ret_stat->st_size);
		if (*ret_state != SEGMENT_DAMAGED)
			break;
		atomic_thread_fence(memory_order_acquire);
	}
	return 0;
}

int genops_segment_format_lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
}

bool genops_segment_format_has_writer(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	/* When the question itself fails, assume the safe thing. */
	return fcntl(fd, F_OFD_GETLK, &whole) != 0 || whole.l_type != F_UNLCK;
}
