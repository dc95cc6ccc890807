/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment_reader.c - the reading side of segments (see segment.h, segment_format.h).
 *
 * Reads by pread into a window, never through a mapping: a file may be cut, damaged or removed
 * under it. Every entry is taken only if its checksum fits its place. A zero length is the end for
 * now while the writer lives; it is the end for good once the file is closed, has a successor or
 * lost its writer, and then whatever still follows is searched for entries that verify. Two reads
 * of a live file may see a length before its payload: a bad entry counts as bad only after a second
 * look. Owns: descriptor and window. One thread at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/segment/segment_format.h"

#define WINDOW ((size_t)64 << 10)
#define SEARCH_HASH_MAX                                                                            \
	((uint64_t)64 << 20) /* bytes hashed in one search: bounds what a crafted file can cost */

struct genops_segment_reader {
	struct genops_segment_position at;
	int fd;			  /* of at.file; -1: not open */
	enum segment_state state; /* as last loaded, with `size` */
	struct segment_header header;
	uint64_t size;
	bool is_damage_told; /* of this file's header */
	bool is_loss_told;   /* the next gap in the sequences was reported already */
	char *window;
	size_t window_cap, window_len;
	uint64_t window_at;
	struct genops_segment_reader_stats stats;
	char folder[PATH_MAX];
};

enum step { STEP_AGAIN = 1, STEP_FOUND, STEP_NOTHING }; /* or a negative error */

struct genops_segment_reader *genops_segment_reader_new(
    const char *state_dir, struct genops_segment_position from, struct genops_error *err)
{
	struct genops_segment_reader *reader = calloc(1, sizeof *reader);
	if (!reader) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a segment reader");
		return NULL;
	}
	if (!genops_segment_format_folder(state_dir, reader->folder)) {
		genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
		free(reader);
		return NULL;
	}
	reader->at = from;
	if (reader->at.offset < sizeof(struct segment_header))
		reader->at.offset = sizeof(struct segment_header);
	reader->at.offset = SEGMENT_ALIGNED(reader->at.offset);
	reader->fd = -1;
	return reader;
}

static void close_file(struct genops_segment_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
	reader->window_len = 0;
	reader->is_damage_told = false;
}

void genops_segment_reader_free(struct genops_segment_reader *reader)
{
	if (!reader)
		return;
	close_file(reader);
	free(reader->window);
	free(reader);
}

void genops_segment_reader_stats(
    const struct genops_segment_reader *reader, struct genops_segment_reader_stats *ret_stats)
{
	*ret_stats = reader->stats;
}

static int fail_read(
    const struct genops_segment_reader *reader, int error, struct genops_error *err)
{
	return genops_fail_errno(err, GENOPS_IO, error,
	    "record segment %u-%llu-%llu cannot be read", reader->at.process,
	    (unsigned long long)reader->at.epoch, (unsigned long long)reader->at.file);
}

static int fail_lost(struct genops_segment_reader *reader, uint64_t bytes, uint64_t entries,
    const char *what, struct genops_error *err)
{
	reader->stats.lost_bytes += bytes;
	reader->stats.lost_entries += entries;
	return genops_fail(err, GENOPS_CORRUPT,
	    "record segment %u-%llu-%llu: %s; lost: %llu bytes, %s%llu records", reader->at.process,
	    (unsigned long long)reader->at.epoch, (unsigned long long)reader->at.file, what,
	    (unsigned long long)bytes, bytes && !entries ? "at least " : "",
	    (unsigned long long)entries);
}

/* ---- the window ---- */

/* Reads afresh from `offset`, at least `need` bytes if the file has them. */
static int load(
    struct genops_segment_reader *reader, uint64_t offset, size_t need, struct genops_error *err)
{
	size_t want = need > WINDOW ? need : WINDOW;
	if (want > reader->window_cap) {
		char *window = realloc(reader->window, want);
		if (!window)
			return genops_fail(err, GENOPS_NOMEM, "no memory to read a record segment");
		reader->window = window;
		reader->window_cap = want;
	}
	reader->window_at = offset;
	reader->window_len = 0;
	while (reader->window_len < want) {
		ssize_t n = pread(reader->fd, reader->window + reader->window_len,
		    want - reader->window_len, (off_t)(offset + reader->window_len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_read(reader, errno, err);
		if (n == 0)
			break;
		reader->window_len += (size_t)n;
	}
	return GENOPS_OK;
}

/* The bytes at `offset`, if the window has `need` of them; NULL: not. */
static const char *peek(const struct genops_segment_reader *reader, uint64_t offset, size_t need)
{
	if (offset < reader->window_at || offset - reader->window_at > reader->window_len ||
	    reader->window_len - (offset - reader->window_at) < need)
		return NULL;
	return reader->window + (offset - reader->window_at);
}

enum verdict { VERDICT_ZERO, VERDICT_BAD, VERDICT_GOOD };

/* Judges the entry at `offset`, loading what the window lacks. */
static int examine(struct genops_segment_reader *reader, uint64_t offset,
    struct segment_entry *ret_entry, enum verdict *ret_verdict, uint64_t *hashed,
    struct genops_error *err)
{
	*ret_verdict = VERDICT_ZERO; /* beyond the end is as good as zero */
	if (!peek(reader, offset, sizeof *ret_entry))
		GENOPS_TRY(load(reader, offset, sizeof *ret_entry, err));
	const char *bytes = peek(reader, offset, sizeof *ret_entry);
	if (!bytes)
		return GENOPS_OK;
	memcpy(ret_entry, bytes, sizeof *ret_entry);
	if (!ret_entry->length)
		return GENOPS_OK;
	*ret_verdict = VERDICT_BAD;
	if (ret_entry->length < sizeof *ret_entry || ret_entry->length > SEGMENT_LENGTH_MAX)
		return GENOPS_OK;
	if (!peek(reader, offset, ret_entry->length))
		GENOPS_TRY(load(reader, offset, ret_entry->length, err));
	bytes = peek(reader, offset, ret_entry->length);
	if (!bytes)
		return GENOPS_OK;
	size_t len = ret_entry->length - sizeof *ret_entry;
	uint64_t hash = genops_hash_checksum(bytes + sizeof *ret_entry, len, 0);
	*hashed += len;
	if (ret_entry->checksum ==
	    genops_segment_format_checksum(ret_entry, hash, &reader->at, offset))
		*ret_verdict = VERDICT_GOOD;
	return GENOPS_OK;
}

/* The entry at the reader's place, looked at twice unless it is good. */
static int look(struct genops_segment_reader *reader, struct segment_entry *ret_entry,
    enum verdict *ret_verdict, struct genops_error *err)
{
	uint64_t hashed = 0;
	GENOPS_TRY(examine(reader, reader->at.offset, ret_entry, ret_verdict, &hashed, err));
	if (*ret_verdict == VERDICT_GOOD)
		return GENOPS_OK;
	uint32_t length = 0;
	if (*ret_verdict == VERDICT_ZERO &&
	    (pread(reader->fd, &length, sizeof length, (off_t)reader->at.offset) != sizeof length ||
		!length))
		return GENOPS_OK;
	atomic_thread_fence(memory_order_acquire); /* what was written before that length */
	GENOPS_TRY(load(reader, reader->at.offset, sizeof *ret_entry, err));
	return examine(reader, reader->at.offset, ret_entry, ret_verdict, &hashed, err);
}

/* Does the file's name still lead to it? Not if it was drained, and became a spare or another
 * writer's. */
static bool is_named(const struct genops_segment_reader *reader)
{
	char path[PATH_MAX];
	struct stat by_name, by_fd;
	return genops_segment_format_path(reader->folder, reader->at.process, reader->at.epoch,
		   reader->at.file, path) &&
	       lstat(path, &by_name) == 0 && fstat(reader->fd, &by_fd) == 0 &&
	       by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev;
}

/* Of the reader's descriptor, as that of file number `file`. */
static int load_state(struct genops_segment_reader *reader, uint64_t file, struct genops_error *err)
{
	struct stat st;
	int error = genops_segment_format_load(reader->fd, &reader->header, &st, &reader->state);
	if (error)
		return fail_read(reader, error, err);
	reader->size = (uint64_t)st.st_size;
	bool is_sound = reader->state == SEGMENT_OPEN || reader->state == SEGMENT_CLOSED;
	if (is_sound && (reader->header.process != reader->at.process ||
			    reader->header.epoch != reader->at.epoch || reader->header.file != file))
		reader->state = SEGMENT_DAMAGED;
	if (is_sound && reader->header.version != SEGMENT_VERSION)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED,
		    "update every GenOps that shares this state",
		    "a record segment has version %u; this GenOps reads version %d",
		    reader->header.version, SEGMENT_VERSION);
	return GENOPS_OK;
}

/* ---- from file to file ---- */

static int open_number(const struct genops_segment_reader *reader, uint64_t file)
{
	char path[PATH_MAX];
	if (!genops_segment_format_path(
		reader->folder, reader->at.process, reader->at.epoch, file, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a pipe must not make it wait */
}

/* The lowest file after the reader's; 0: there is none. */
static uint64_t find_next(const struct genops_segment_reader *reader)
{
	uint64_t next = 0;
	DIR *dir = opendir(reader->folder);
	if (!dir)
		return 0;
	struct genops_segment_position first;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (genops_segment_format_parse(entry, &first) &&
		    first.process == reader->at.process && first.epoch == reader->at.epoch &&
		    first.file > reader->at.file && (!next || first.file < next))
			next = first.file;
	}
	closedir(dir);
	return next;
}

/* Files are numbered without gaps: asking for the next number is enough while the reader's file
 * is there. */
static bool has_ready_successor(const struct genops_segment_reader *reader)
{
	int fd = open_number(reader, reader->at.file + 1);
	if (fd < 0)
		return false;
	uint64_t magic = 0;
	bool is_ready = pread(fd, &magic, sizeof magic, 0) == sizeof magic && magic;
	close(fd);
	return is_ready;
}

/* Goes to file `next` (0: there is none), if it is ready. */
static int advance_to(struct genops_segment_reader *reader, uint64_t next, struct genops_error *err)
{
	int fd = next ? open_number(reader, next) : -1;
	if (fd < 0)
		return STEP_NOTHING;
	int old = reader->fd;
	reader->fd = fd;
	int code = load_state(reader, next, err);
	reader->fd = old;
	if (code != GENOPS_OK || reader->state == SEGMENT_NEW) {
		close(fd);
		return code != GENOPS_OK ? code : STEP_NOTHING;
	}
	close_file(reader);
	reader->fd = fd;
	reader->at.file = next;
	reader->at.offset = sizeof(struct segment_header);
	bool is_told = reader->is_loss_told;
	reader->is_loss_told = false;
	uint64_t expected = reader->at.sequence + 1, first = reader->header.first_sequence;
	if (reader->state == SEGMENT_DAMAGED || first <= expected)
		return STEP_AGAIN;
	reader->at.sequence = first - 1;
	return is_told ? STEP_AGAIN
		       : fail_lost(reader, 0, first - expected, "files before it are missing", err);
}

static int advance(struct genops_segment_reader *reader, struct genops_error *err)
{
	return advance_to(reader, find_next(reader), err);
}

static int open_file(struct genops_segment_reader *reader, struct genops_error *err)
{
	reader->fd = open_number(reader, reader->at.file);
	if (reader->fd >= 0)
		return STEP_AGAIN;
	if (errno != ENOENT)
		return fail_read(reader, errno, err);
	/* In this order: one that is only now being made must not be taken for one that was
	 * removed. */
	uint64_t next = find_next(reader);
	reader->fd = open_number(reader, reader->at.file);
	return reader->fd >= 0 ? STEP_AGAIN : advance_to(reader, next, err);
}

/* ---- when there is no good entry at the reader's place ---- */

/* The first good entry after the reader's place and before `end`; 0: there is none. *ret_last:
 * behind the last byte that is not zero. */
static int search(struct genops_segment_reader *reader, uint64_t end, uint64_t *ret_found,
    uint64_t *ret_sequence, uint64_t *ret_last, struct genops_error *err)
{
	uint64_t hashed = 0;
	*ret_found = 0;
	*ret_last = reader->at.offset;
	for (uint64_t at = reader->at.offset; at < end; at += 8) {
		static const char zeros[8];
		if (!peek(reader, at, 8))
			GENOPS_TRY(load(reader, at, sizeof(struct segment_entry), err));
		const char *bytes = peek(reader, at, 8);
		if (!bytes)
			break;
		if (!memcmp(bytes, zeros, 8))
			continue;
		*ret_last = at + 8;
		struct segment_entry entry;
		enum verdict verdict;
		if (at == reader->at.offset || at + sizeof entry > end || hashed > SEARCH_HASH_MAX)
			continue;
		GENOPS_TRY(examine(reader, at, &entry, &verdict, &hashed, err));
		if (verdict == VERDICT_GOOD && entry.sequence > reader->at.sequence) {
			*ret_found = at;
			*ret_sequence = entry.sequence;
			return GENOPS_OK;
		}
	}
	return GENOPS_OK;
}

/* Gives up what is between the reader's place and `end` of a file that nobody writes any more. */
static int give_up(struct genops_segment_reader *reader, enum verdict verdict, uint64_t end,
    uint64_t last, struct genops_error *err)
{
	uint64_t begin = reader->at.offset;
	reader->at.offset = end;
	if (reader->state == SEGMENT_CLOSED) {
		reader->is_loss_told = true;
		return fail_lost(reader, end - begin, 0, "its end is damaged", err);
	}
	if (verdict == VERDICT_BAD) {
		reader->is_loss_told = true;
		return fail_lost(reader, last - begin, 0, "its end is damaged", err);
	}
	reader->stats.torn_bytes += last - begin;
	return STEP_AGAIN;
}

/* Looks for where it goes on. */
static int skip(struct genops_segment_reader *reader, const struct segment_entry *entry,
    enum verdict verdict, bool is_final, uint64_t end, struct genops_error *err)
{
	uint64_t found, sequence = 0, last, begin = reader->at.offset;
	GENOPS_TRY(search(reader, end, &found, &sequence, &last, err));
	if (found) {
		uint64_t entries = sequence - 1 - reader->at.sequence;
		reader->at.offset = found;
		reader->at.sequence = sequence - 1;
		return fail_lost(reader, found - begin, entries, "damaged in the middle", err);
	}
	if (is_final)
		return give_up(reader, verdict, end, last, err);
	/* The writer goes on behind a damaged entry: so do we, if its length can be believed. */
	bool is_plausible = entry->length >= sizeof *entry && entry->length <= SEGMENT_LENGTH_MAX &&
			    begin + entry->length <= end;
	if (!is_plausible)
		return STEP_NOTHING;
	reader->at.offset = begin + SEGMENT_ALIGNED(entry->length);
	reader->is_loss_told = true;
	return fail_lost(reader, reader->at.offset - begin, 0, "a damaged entry", err);
}

/* At the end, in the middle of damage, or in a file that is only being made. */
static int settle(struct genops_segment_reader *reader, struct segment_entry *entry,
    enum verdict verdict, struct genops_error *err)
{
	GENOPS_TRY(load_state(reader, reader->at.file, err));
	bool is_ready = reader->state == SEGMENT_OPEN || reader->state == SEGMENT_CLOSED;
	if (!is_ready && !is_named(reader)) {
		close_file(reader);
		return STEP_AGAIN;
	}
	if (reader->state == SEGMENT_NEW) {
		bool has_successor = has_ready_successor(reader);
		GENOPS_TRY(
		    load_state(reader, reader->at.file, err)); /* it may have become ready meanwhile, and full */
		if (reader->state != SEGMENT_NEW)
			return STEP_AGAIN;
		return has_successor ? advance(reader, err) : STEP_NOTHING;
	}
	if (reader->state == SEGMENT_DAMAGED && !reader->is_damage_told) {
		reader->is_damage_told = true;
		return fail_lost(reader, 0, 0, "its header is damaged", err);
	}
	bool is_final = reader->state == SEGMENT_CLOSED || has_ready_successor(reader) ||
			!genops_segment_format_has_writer(reader->fd);
	if (verdict == VERDICT_ZERO && !is_final)
		return STEP_NOTHING;
	/* What was learned now may be newer than what was read before: a last entry, the
	 * closing. */
	GENOPS_TRY(load_state(reader, reader->at.file, err));
	GENOPS_TRY(look(reader, entry, &verdict, err));
	if (verdict == VERDICT_GOOD)
		return STEP_AGAIN;
	uint64_t end = reader->state == SEGMENT_CLOSED ? reader->header.used : reader->size;
	if (reader->at.offset >= end)
		return advance(reader, err);
	return skip(reader, entry, verdict, is_final, end, err);
}

/* ---- delivering ---- */

static int deliver(struct genops_segment_reader *reader, const struct segment_entry *entry,
    struct genops_segment_entry *ret_entry, struct genops_error *err)
{
	uint64_t expected = reader->at.sequence + 1;
	if (entry->sequence > expected && !reader->is_loss_told) {
		reader->at.sequence = entry->sequence - 1;
		return fail_lost(reader, 0, entry->sequence - expected, "records are missing", err);
	}
	const char *payload = peek(reader, reader->at.offset, entry->length) + sizeof *entry;
	reader->at.offset += SEGMENT_ALIGNED(entry->length);
	if (entry->sequence < expected)
		return STEP_AGAIN; /* read before */
	reader->is_loss_told = false;
	reader->at.sequence = entry->sequence;
	*ret_entry = (struct genops_segment_entry){
	    .kind = (enum genops_entry_kind)entry->kind,
	    .sequence = entry->sequence,
	    .payload = {payload, entry->length - sizeof *entry},
	    .after = reader->at,
	};
	return STEP_FOUND;
}

static int step(struct genops_segment_reader *reader, struct genops_segment_entry *ret_entry,
    struct genops_error *err)
{
	if (reader->fd < 0) {
		int code = open_file(reader, err);
		if (code != STEP_AGAIN)
			return code;
	}
	struct segment_entry entry = {0};
	enum verdict verdict;
	GENOPS_TRY(look(reader, &entry, &verdict, err));
	return verdict == VERDICT_GOOD ? deliver(reader, &entry, ret_entry, err)
				       : settle(reader, &entry, verdict, err);
}

int genops_segment_next(struct genops_segment_reader *reader,
    struct genops_segment_entry *ret_entry, bool *ret_found, struct genops_error *err)
{
	int code;
	do {
		code = step(reader, ret_entry, err);
	} while (code == STEP_AGAIN);
	if (code < 0)
		return code;
	*ret_found = code == STEP_FOUND;
	return GENOPS_OK;
}
