/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_file.c - finding whole blocks in a queue file, past damage (see queue_state.h).
 *
 * Blocks begin at multiples of 8. After a bad one every such place is tried where the magic stands,
 * until a block verifies; what that may cost is bounded, so that a crafted file cannot make it
 * quadratic. Stateless; any thread.
 */
#include <errno.h>
#include <unistd.h>

#include "store/queue/queue_state.h"

#define SEARCH_BYTES_MAX (4 * (uint64_t)QUEUE_BLOCK_LENGTH_MAX)
#define STRIDE		 ((size_t)64 << 10)

/* Up to `len` bytes; short only at the file's end. */
static int read_at(
    int fd, uint64_t offset, size_t len, struct genops_buffer *buf, struct genops_error *err)
{
	genops_buffer_clear(buf);
	char *to = genops_buffer_reserve(buf, len);
	if (!to)
		return genops_fail(err, buf->error, "no memory to read the queue");
	while (buf->len < len) {
		ssize_t n = pread(fd, to + buf->len, len - buf->len, (off_t)(offset + buf->len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return genops_fail_errno(err, GENOPS_IO, errno, "the queue cannot be read");
		if (n == 0)
			break;
		buf->len += (size_t)n;
	}
	return GENOPS_OK;
}

/* The whole block at `offset`, or an empty buffer. */
static int read_block(int fd, uint64_t offset, uint64_t end, struct genops_buffer *block,
    uint64_t *cost, struct genops_error *err)
{
	struct queue_block_header header;
	GENOPS_TRY(read_at(fd, offset, sizeof header, block, err));
	bool is_block = genops_queue_block_header(genops_buffer_view(block), &header) &&
			header.length <= end - offset;
	if (is_block) {
		GENOPS_TRY(read_at(fd, offset, header.length, block, err));
		*cost += header.length;
		is_block = genops_queue_block_verify(genops_buffer_view(block));
	}
	if (!is_block)
		genops_buffer_clear(block);
	return GENOPS_OK;
}

/* The next place from `*offset` on where the magic stands; `end` if there is none. */
static int find_magic(
    int fd, uint64_t *offset, uint64_t end, struct genops_buffer *buf, struct genops_error *err)
{
	const uint32_t magic = QUEUE_BLOCK_MAGIC;
	while (*offset < end) {
		GENOPS_TRY(read_at(fd, *offset,
		    end - *offset < STRIDE ? (size_t)(end - *offset) : STRIDE, buf, err));
		for (size_t at = 0; at + sizeof magic <= buf->len; at += 8) {
			if (!memcmp(buf->ptr + at, &magic, sizeof magic)) {
				*offset += at;
				return GENOPS_OK;
			}
		}
		*offset = buf->len < STRIDE ? end : *offset + STRIDE;
	}
	*offset = end;
	return GENOPS_OK;
}

int genops_queue_file_next(int fd, uint64_t *offset, uint64_t end, struct genops_buffer *block,
    uint64_t *ret_skipped, struct genops_error *err)
{
	uint64_t at = *offset, cost = 0;
	genops_buffer_clear(block);
	*ret_skipped = 0;
	while (at < end && cost <= SEARCH_BYTES_MAX) {
		GENOPS_TRY(read_block(fd, at, end, block, &cost, err));
		if (block->len) {
			*ret_skipped = at - *offset;
			*offset = at;
			return GENOPS_OK;
		}
		at = QUEUE_ALIGNED(at + 1);
		GENOPS_TRY(find_magic(fd, &at, end, block, err));
	}
	genops_buffer_clear(block);
	*ret_skipped = end > *offset ? end - *offset : 0;
	return GENOPS_OK;
}
