/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_cut.c - where a destination's batch ends, beside its place (see queue.h).
 *
 * In the cursor's file, behind its two slots. Torn, or of another place: there is none. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/queue/queue_state.h"

#define CUT_MAGIC  UINT64_C(0x315455435147504f) /* "OPGQCUT1" */
#define CUT_OFFSET 8192
#define DONE_MAGIC  UINT64_C(0x31454e4f4451504f) /* "OPQDONE1" */
#define DONE_OFFSET (CUT_OFFSET + 64)

struct slot {
	uint64_t magic, begin, end;
	int64_t since_unix_ns;
	uint64_t checksum; /* of all before it */
};
static_assert(sizeof(struct slot) == 40, "the layout is fixed");

struct done {
	uint64_t magic, begin, end, n;
	uint64_t checksum; /* of all before it */
};
static_assert(sizeof(struct done) == 40, "the layout is fixed");

static uint64_t slot_checksum(const struct slot *slot)
{
	return genops_hash_checksum(slot, offsetof(struct slot, checksum), CUT_MAGIC);
}

int genops_queue_cut_save(struct genops_queue_cursor *cursor, uint64_t end, int64_t since_unix_ns, struct genops_error *err)
{
	struct slot slot = {.magic = CUT_MAGIC, .begin = cursor->acknowledged.block, .end = end, .since_unix_ns = since_unix_ns};
	slot.checksum = slot_checksum(&slot);
	ssize_t n = pwrite(cursor->place_fd, &slot, sizeof slot, CUT_OFFSET);
	if (n == sizeof slot && fdatasync(cursor->place_fd) == 0)
		return GENOPS_OK;
	int error = n >= 0 && n != sizeof slot ? ENOSPC : errno;
	return genops_fail_errno(err, error == ENOSPC ? GENOPS_FULL : GENOPS_IO, error,
	    "where a batch ends cannot be stored (%s): after a kill some of it may come twice", cursor->name);
}

bool genops_queue_cut_load(const struct genops_queue_cursor *cursor, uint64_t *ret_end, int64_t *ret_since_unix_ns)
{
	struct slot slot;
	if (pread(cursor->place_fd, &slot, sizeof slot, CUT_OFFSET) != sizeof slot || slot.magic != CUT_MAGIC ||
	    slot.checksum != slot_checksum(&slot) || slot.begin != cursor->acknowledged.block ||
	    (slot.end && slot.end <= slot.begin))
		return false;
	*ret_end = slot.end;
	*ret_since_unix_ns = slot.since_unix_ns;
	return true;
}

int genops_queue_cut_done(struct genops_queue_cursor *cursor, uint64_t end, uint64_t n_done, struct genops_error *err)
{
	struct done done = {.magic = DONE_MAGIC, .begin = cursor->acknowledged.block, .end = end, .n = n_done};
	done.checksum = genops_hash_checksum(&done, offsetof(struct done, checksum), DONE_MAGIC);
	ssize_t n = pwrite(cursor->place_fd, &done, sizeof done, DONE_OFFSET);
	if (n == sizeof done)
		return GENOPS_OK;
	int error = n >= 0 ? ENOSPC : errno;
	return genops_fail_errno(err, error == ENOSPC ? GENOPS_FULL : GENOPS_IO, error,
	    "how much of a batch is done cannot be stored (%s): after a kill some of it may come twice", cursor->name);
}

uint64_t genops_queue_cut_done_load(const struct genops_queue_cursor *cursor, uint64_t end)
{
	struct done done;
	bool is_there = pread(cursor->place_fd, &done, sizeof done, DONE_OFFSET) == sizeof done && done.magic == DONE_MAGIC &&
			done.checksum == genops_hash_checksum(&done, offsetof(struct done, checksum), DONE_MAGIC);
	return is_there && done.begin == cursor->acknowledged.block && done.end == end ? done.n : 0;
}

uint64_t genops_queue_cursor_block(const struct genops_queue_cursor *cursor)
{
	return cursor->at.block;
}
