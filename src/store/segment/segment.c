/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment.c - the writing side of segments (see segment.h, segment_format.h).
 *
 * An append is a copy into a shared mapping and one releasing store of its length: no system call,
 * and what was stored survives the process at any instruction, because the kernel has the page. The
 * payload is hashed before the mutex is taken; its place is mixed in under it. Files begin small
 * and grow (256 KiB, 1 MiB, then 4 MiB), so that a short command costs little; they are fully
 * allocated before they are mapped, so a full disk is an error and never SIGBUS. Files of full size
 * are spares where there are some (segment_spare.h); the others are cut to their length when they
 * are closed. The writer holds a lock on its file: when it dies, the kernel tells everybody
 * (segment_dir.c).
 *
 * Owns: the mapping and the descriptor. Threads: any; a forked child's append is refused (it would
 * share its parent's place).
 */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/fork.h"
#include "store/segment/segment_spare.h"

#define FIRST_SIZE ((size_t)256 << 10)
#define PAGE	   ((size_t)4096)
#define FETCH_MAX  ((size_t)2048)
#define LARGE	   ((size_t)32 << 10) /* written by the kernel, see put_payload */

/* One mapped file. */
struct segment_file {
	int fd;
	char *map; /* NULL: none */
	size_t size, used;
	bool begins_large; /* its first entry is written, see put_payload */
};

struct genops_segment_writer {
	pthread_mutex_t lock; /* guards all below but last_sequence */
	struct segment_file current;
	struct genops_segment_position at; /* process, epoch, file of `current` */
	size_t next_size;
	uint64_t max_bytes;
	unsigned generation;
	atomic_uint_fast64_t last_sequence;
	char state_dir[PATH_MAX], folder[PATH_MAX];
};

struct genops_segment_writer *genops_segment_writer_new(const char *state_dir, uint32_t process,
    uint64_t epoch, uint64_t max_bytes, struct genops_error *err)
{
	struct genops_segment_writer *writer = calloc(1, sizeof *writer);
	if (!writer) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a segment writer");
		return NULL;
	}
	if (!genops_segment_format_folder(state_dir, writer->folder)) {
		genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
		free(writer);
		return NULL;
	}
	strcpy(writer->state_dir, state_dir); /* fits, as the folder's does */
	pthread_mutex_init(&writer->lock, NULL);
	writer->current.fd = -1;
	writer->at.process = process;
	writer->at.epoch = epoch;
	writer->next_size = FIRST_SIZE;
	writer->max_bytes = max_bytes;
	writer->generation = genops_fork_generation();
	return writer;
}

/* ---- making a file ---- */

static bool is_disk_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static int fail_system(int error, const char *path, struct genops_error *err)
{
	if (is_disk_full(error))
		return genops_fail_fix(err, GENOPS_FULL,
		    "free some space, or move the state to another disk (--state)",
		    "no space left for the record segment %s", path);
	if (error == EEXIST)
		return genops_fail(err, GENOPS_IO,
		    "the record segment %s is there already: two writers took one place", path);
	return genops_fail_errno(
	    err, GENOPS_IO, error, "the record segment %s cannot be made", path);
}

/* Fills *file; returns an errno. The header's magic is not set yet. */
static int map_file(
    struct segment_file *file, const struct genops_segment_position *at, uint64_t first_sequence)
{
	/* The lock comes before the file can be taken for ready: ready and unlocked means that
	 * its writer died. */
	int error = genops_segment_format_lock(file->fd);
	if (!error)
		error = posix_fallocate(file->fd, 0, (off_t)file->size);
	if (error)
		return error;
	char *map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (map == MAP_FAILED)
		return errno;
	/* Large folios: a fault for every 4 KiB costs five times the append itself (measured).
	 * Only a hint. */
	(void)madvise(map, file->size, MADV_HUGEPAGE);
	struct segment_header header = {.version = SEGMENT_VERSION,
	    .process = at->process,
	    .epoch = at->epoch,
	    .file = at->file,
	    .first_sequence = first_sequence};
	header.checksum = genops_segment_format_header_checksum(&header);
	file->map = map;
	file->used = sizeof header;
	/* The first touch says how the kernel keeps the file: a store into the mapping gets a large folio, which small entries are stored into
	 * without a fault for every page (a third of an operation's CPU time else); a write does not, and large entries are written. */
	if (!file->begins_large || pwrite(file->fd, &header, sizeof header, 0) != sizeof header)
		*(struct segment_header *)(void *)map = header;
	return 0;
}

/* Opens and maps a file under this name: a spare one if it is to be `is_spare`, else a new one. On
 * failure (an errno) there is none. */
static int open_file(const struct genops_segment_writer *writer, const char *path,
    const struct genops_segment_position *at, bool is_spare, struct segment_file *file)
{
	uint64_t first = atomic_load_explicit(&writer->last_sequence, memory_order_relaxed) + 1;
	file->fd = is_spare ? genops_segment_spare_take(writer->folder, path)
			    : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd < 0)
		return is_spare ? ENOENT : errno;
	int error = map_file(file, at, first);
	if (error) {
		unlink(path);
		close(file->fd);
	}
	return error;
}

/* A spare has its place on the disk already; this is for new ones. What cannot be known is tried. */
static bool leaves_room(const struct genops_segment_writer *writer, size_t size)
{
	struct statvfs disk;
	if (statvfs(writer->folder, &disk) != 0)
		return true;
	uint64_t leaves = (uint64_t)disk.f_blocks * disk.f_frsize / GENOPS_SEGMENT_LEAVES_PART;
	return (uint64_t)disk.f_bavail * disk.f_frsize >= size + (leaves < GENOPS_SEGMENT_LEAVES ? leaves : GENOPS_SEGMENT_LEAVES);
}

/* Near a full disk in small steps. Returns an errno. */
static int open_fresh(const struct genops_segment_writer *writer, const char *path, const struct genops_segment_position *at, size_t least,
    struct segment_file *file)
{
	int error = leaves_room(writer, file->size) ? open_file(writer, path, at, false, file) : ENOSPC;
	if (!is_disk_full(error) || file->size <= least)
		return error;
	file->size = least;
	return leaves_room(writer, least) ? open_file(writer, path, at, false, file) : ENOSPC;
}

static int make_file(struct genops_segment_writer *writer, const struct genops_segment_position *at, size_t need,
    size_t size, size_t least, struct segment_file *ret_file, struct genops_error *err)
{
	char path[PATH_MAX];
	uint64_t bytes = genops_segment_bytes(writer->state_dir);
	if (bytes + size > writer->max_bytes)
		size = least; /* near the maximum, in small steps */
	if (bytes + size > writer->max_bytes)
		return genops_fail_fix(err, GENOPS_FULL,
		    "see `genops status`: is something draining this state directory?",
		    "records that nobody has drained yet fill their maximum of %llu MiB",
		    (unsigned long long)(writer->max_bytes >> 20));
	if (!genops_segment_format_path(writer->folder, at->process, at->epoch, at->file, path))
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	bool begins_large = need >= LARGE;
	struct segment_file spare = {.size = GENOPS_SEGMENT_SIZE, .begins_large = begins_large};
	struct segment_file fresh = {.size = size, .begins_large = begins_large};
	bool wants_spare = size == GENOPS_SEGMENT_SIZE, has_spare = false;
	if (wants_spare)
		has_spare = open_file(writer, path, at, true, &spare) == 0;
	int error = has_spare ? 0 : open_fresh(writer, path, at, least, &fresh);
	/* A spare has its place on the disk already. */
	if (is_disk_full(error) && !wants_spare && bytes + spare.size <= writer->max_bytes) {
		has_spare = open_file(writer, path, at, true, &spare) == 0;
		error = has_spare ? 0 : error;
	}
	if (error)
		return fail_system(error, path, err);
	*ret_file = has_spare ? spare : fresh;
	genops_fork_guard(ret_file->fd);
	return GENOPS_OK;
}

/* ---- closing one ---- */

static bool write_word(const struct segment_file *file, uint64_t word, size_t at)
{
	return pwrite(file->fd, &word, sizeof word, (off_t)at) == sizeof word;
}

/* Written where the head is not mapped any more (let_go): a store would map two MiB again, for which the kernel goes over each of their
 * blocks, and again when they are unmapped: 2 % of an operation's CPU time. The inverse is there first, as readers rely on. */
static void say_length(const struct segment_file *file)
{
	struct segment_header *header = (struct segment_header *)(void *)file->map;
	uint64_t used = file->used;
	if (file->size == GENOPS_SEGMENT_SIZE && used >= GENOPS_SEGMENT_SIZE / 2 &&
	    write_word(file, ~used, offsetof(struct segment_header, used_inverse)) &&
	    write_word(file, used, offsetof(struct segment_header, used)))
		return;
	header->used_inverse = ~used;
	__atomic_store_n(&header->used, used, __ATOMIC_RELEASE);
}

static void close_file(struct segment_file *file)
{
	if (!file->map)
		return;
	/* Only gives space back; readers do not mind either length. A file of full size stays as
	 * it is, so that it can become a spare. Before it is closed: then it may go. */
	if (file->size != GENOPS_SEGMENT_SIZE && ftruncate(file->fd, (off_t)file->used) != 0)
		errno = 0;
	say_length(file);
	munmap(file->map, file->size);
	genops_fork_unguard(file->fd);
	/* Not left to close: a forked child's copy of the mapping would keep the lock. */
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
	(void)fcntl(file->fd, F_OFD_SETLK, &whole);
	close(file->fd);
	*file = (struct segment_file){.fd = -1};
}

void genops_segment_writer_free(struct genops_segment_writer *writer)
{
	if (!writer)
		return;
	if (writer->generation == genops_fork_generation())
		close_file(&writer->current);
	else if (writer->current
		     .map) /* the parent goes on writing into it; the fork closed our descriptor */
		munmap(writer->current.map, writer->current.size);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* ---- appending ---- */

static int rotate(struct genops_segment_writer *writer, size_t need, struct genops_error *err)
{
	size_t least = FIRST_SIZE;
	while (least < need + sizeof(struct segment_header))
		least += PAGE;
	size_t size = writer->next_size > least ? writer->next_size : least;
	struct genops_segment_position at = writer->at;
	at.file++;
	struct segment_file fresh;
	GENOPS_TRY(make_file(writer, &at, need, size, least, &fresh, err));
	/* In this order, so that who sees a ready successor knows that this one is complete. */
	close_file(&writer->current);
	struct segment_header *header = (struct segment_header *)(void *)fresh.map;
	__atomic_store_n(&header->magic, SEGMENT_MAGIC, __ATOMIC_RELEASE);
	writer->current = fresh;
	writer->at = at;
	if (writer->next_size < GENOPS_SEGMENT_SIZE)
		writer->next_size *= 4;
	return GENOPS_OK;
}

/* The next entry's place: who zeroed it did that on another core. Fetched now, its lines are here when
 * the next operation ends, which costs that one some 3 % less (measured). Only a hint. */
static void fetch_ahead(const struct segment_file *file, size_t len)
{
	size_t end = file->used + (len < FETCH_MAX ? len : FETCH_MAX) + 64; /* with the length behind it */
	for (size_t at = file->used; at < end && at < file->size; at += 64)
		__builtin_prefetch(file->map + at, 1);
}

/* A store into a page of a new file makes the kernel fetch and zero the page first: for received telemetry that was half of
 * all its CPU time. Pages that are written whole it only copies into. What a write does not take is stored. */
static void put_payload(const struct segment_file *file, size_t at, genops_str payload)
{
	size_t done = 0;
	while (payload.len >= LARGE && done < payload.len) {
		ssize_t n = pwrite(file->fd, payload.ptr + done, payload.len - done, (off_t)(at + done));
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	if (done < payload.len)
		memcpy(file->map + at + done, payload.ptr + done, payload.len - done);
}

/* Readers read the file: what was written need not stay mapped here. At the middle the first half goes, in the size in which the
 * kernel maps it, or a worker would have two MiB more resident. Only a hint. */
static void let_go(const struct segment_file *file, size_t used_before)
{
	size_t half = GENOPS_SEGMENT_SIZE / 2;
	if (file->size == GENOPS_SEGMENT_SIZE && used_before < half && file->used >= half)
		(void)madvise(file->map, half, MADV_DONTNEED);
}

static uint64_t put_entry(struct genops_segment_writer *writer, enum genops_entry_kind kind,
    genops_str payload, uint64_t payload_hash)
{
	struct segment_file *file = &writer->current;
	struct segment_entry *entry = (struct segment_entry *)(void *)(file->map + file->used);
	struct segment_entry fields = {
	    .length = (uint32_t)(sizeof *entry + payload.len),
	    .kind = (uint32_t)kind,
	    .sequence = atomic_load_explicit(&writer->last_sequence, memory_order_relaxed) + 1,
	};
	entry->kind = fields.kind;
	entry->sequence = fields.sequence;
	entry->checksum =
	    genops_segment_format_checksum(&fields, payload_hash, &writer->at, file->used);
	put_payload(file, file->used + sizeof *entry, payload);
	/* There is nothing behind it yet, whatever a spare held before a power failure. */
	size_t end = file->used + SEGMENT_ALIGNED(fields.length);
	if (end < file->size)
		memset(file->map + end, 0, sizeof entry->length);
	__atomic_store_n(&entry->length, fields.length, __ATOMIC_RELEASE);
	file->used = end;
	let_go(file, end - SEGMENT_ALIGNED(fields.length));
	fetch_ahead(file, fields.length); /* it is likely to be as long as this one */
	atomic_store_explicit(&writer->last_sequence, fields.sequence, memory_order_relaxed);
	return fields.sequence;
}

int genops_segment_append(struct genops_segment_writer *writer, enum genops_entry_kind kind,
    genops_str payload, uint64_t *ret_sequence, struct genops_error *err)
{
	if (payload.len > GENOPS_SEGMENT_ENTRY_MAX)
		return genops_fail(err, GENOPS_LIMIT,
		    "a record of %zu bytes is over the maximum of %zu", payload.len,
		    GENOPS_SEGMENT_ENTRY_MAX);
	if (writer->generation != genops_fork_generation())
		return genops_fail(
		    err, GENOPS_MISUSE, "a forked process writes to its parent's segment");
	uint64_t payload_hash = genops_hash_checksum(payload.ptr, payload.len, 0);
	size_t need = SEGMENT_ALIGNED(sizeof(struct segment_entry) + payload.len);
	int code = GENOPS_OK;
	uint64_t sequence = 0;
	pthread_mutex_lock(&writer->lock);
	if (!writer->current.map || need > writer->current.size - writer->current.used)
		code = rotate(writer, need, err);
	if (code == GENOPS_OK)
		sequence = put_entry(writer, kind, payload, payload_hash);
	pthread_mutex_unlock(&writer->lock);
	if (code == GENOPS_OK && ret_sequence)
		*ret_sequence = sequence;
	return code;
}

uint64_t genops_segment_last_sequence(const struct genops_segment_writer *writer)
{
	return atomic_load_explicit(&writer->last_sequence, memory_order_relaxed);
}
