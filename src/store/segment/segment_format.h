/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment_format.h - the bytes of a segment file and its name; shared by segment*.c
 * only.
 *
 * In the machine's byte order: a state directory stays on its machine. docs/queue-format.md has the
 * table. Invariants: an entry's length is stored last; after the last entry come zeros; `used` is
 * stored when the file is closed, before its successor gets its magic. A file under another name is
 * no segment (segment_spare.h). The file's identity
 * (process, epoch, file) is in its name, so that a damaged header costs no entry.
 */
#ifndef STORE_SEGMENT_FORMAT_H
#define STORE_SEGMENT_FORMAT_H

#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stddef.h>
#include <sys/stat.h>

#include "store/segment.h"

#define SEGMENT_MAGIC	UINT64_C(0x474553504f4e4547) /* "GENOPSEG" */
#define SEGMENT_VERSION 1

struct segment_header {
	uint64_t magic; /* stored last: the file is ready */
	uint32_t version;
	uint32_t process;
	uint64_t epoch, file;
	uint64_t first_sequence; /* of its first entry */
	uint64_t checksum;	 /* of version to first_sequence */
	uint64_t used;		 /* 0: open; else the length of what is in it */
	uint64_t used_inverse;	 /* ~used, stored before it */
};
static_assert(sizeof(struct segment_header) == 64, "the layout is fixed");
static_assert(offsetof(struct segment_header, used) == 48, "the layout is fixed");

struct segment_entry {
	uint32_t length; /* with this header, without padding; stored last */
	uint32_t kind;
	uint64_t sequence;
	uint64_t checksum;
};
static_assert(sizeof(struct segment_entry) == 24, "the layout is fixed");

#define SEGMENT_LENGTH_MAX ((uint32_t)(sizeof(struct segment_entry) + GENOPS_SEGMENT_ENTRY_MAX))
#define SEGMENT_ALIGNED(n) (((n) + 7) & ~(size_t)7)

/* <state_dir>/segments into a buffer of PATH_MAX; false: too long. */
bool genops_segment_format_folder(const char *state_dir, char *ret_path);
bool genops_segment_format_path(
    const char *folder, uint32_t process, uint64_t epoch, uint64_t file, char *ret_path);
/* The position at the begin of the file that a folder's entry is; false: not a segment's name, or a link, a folder, a pipe ... */
bool genops_segment_format_parse(const struct dirent *entry, struct genops_segment_position *ret_first);

uint64_t genops_segment_format_header_checksum(const struct segment_header *header);
/* What an entry's place adds to its payload's hash: bytes that moved, or belong to another file,
 * do not verify. */
uint64_t genops_segment_format_checksum(const struct segment_entry *entry, uint64_t payload_hash,
    const struct genops_segment_position *file, uint64_t offset);

enum segment_state {
	SEGMENT_NEW, /* its header is not there yet */
	SEGMENT_OPEN,
	SEGMENT_CLOSED,
	SEGMENT_DAMAGED, /* the header does not verify; whether it is closed is not known */
};
enum segment_state genops_segment_format_state(
    const struct segment_header *header, uint64_t file_size);
/* Reads a file's header (zero behind its end) and tells its state; returns an errno. */
int genops_segment_format_load(
    int fd, struct segment_header *ret_header, struct stat *ret_stat, enum segment_state *ret_state);

/* Takes the writer's lock; returns an errno. */
int genops_segment_format_lock(int fd);
/* Does the process that writes the file still live? By its lock on it. */
bool genops_segment_format_has_writer(int fd);

#endif
