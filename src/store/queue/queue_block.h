/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_block.h - one block of the durable queue: entries to bytes and back. No I/O.
 *
 * header | positions | body, padded to 8 in the file. The body is the entries (u32 length, u32
 * kind, payload, one after another), then compressed, then sealed, as the header's flags say: each
 * block says how it was made. The checksum covers all behind it, so damage is found without the
 * key; the seal covers header and positions too.
 */
#ifndef STORE_QUEUE_BLOCK_H
#define STORE_QUEUE_BLOCK_H

#include <assert.h>
#include <stddef.h>

#include "base/buffer.h"
#include "store/queue.h"

#define QUEUE_BLOCK_MAGIC      UINT32_C(0x4b425147) /* "GQBK" */
#define QUEUE_BLOCK_VERSION    1
#define QUEUE_BLOCK_COMPRESSED 1 /* zstd */
#define QUEUE_BLOCK_SEALED     2 /* AES-256-GCM */

struct queue_block_header {
	uint32_t magic;
	uint32_t length;   /* header, positions and body; without padding */
	uint64_t checksum; /* of all that follows */
	uint8_t version, flags;
	uint16_t audience; /* of its entries; 0: everybody */
	uint32_t n_entries, n_positions;
	uint32_t raw_length;	 /* of the body, before compression */
	uint64_t number;	 /* from 1, without gaps */
	uint64_t entries_before; /* in all blocks before it */
	uint64_t key_id;	 /* 0: not sealed */
	uint8_t nonce[12];
	uint32_t audience_check; /* QUEUE_BLOCK_AUDIENCE_CHECK: it is believed before the checksum is known */
	uint8_t tag[16]; /* the seal covers version to audience_check, positions and body */
};
#define QUEUE_BLOCK_AUDIENCE_CHECK(audience) (((uint32_t)(audience) << 16 | (uint32_t)(audience)) ^ 0xFFFFU)
static_assert(sizeof(struct queue_block_header) == 88, "the layout is fixed");
static_assert(offsetof(struct queue_block_header, version) == 16, "the layout is fixed");
static_assert(offsetof(struct queue_block_header, tag) == 72, "the layout is fixed");

struct queue_block_position {
	uint32_t process, unused;
	uint64_t epoch, file, offset, sequence;
};
static_assert(sizeof(struct queue_block_position) == 40, "the layout is fixed");

#define QUEUE_BLOCK_LENGTH_MAX                                                                     \
	((uint32_t)(sizeof(struct queue_block_header) +                                            \
		    GENOPS_QUEUE_POSITIONS_MAX * sizeof(struct queue_block_position) +             \
		    GENOPS_QUEUE_BLOCK_MAX))
#define QUEUE_ALIGNED(n) (((n) + 7) & ~(uint64_t)7)

/* A secret: wipe it with genops_queue_block_key_done. */
struct genops_queue_key {
	bool is_set;
	uint8_t bytes[32];
	uint64_t id; /* tells keys apart, says nothing about them */
};

/* 64 hex digits or 32 bytes of base64; empty: not set. CONFIG. */
GENOPS_NODISCARD int genops_queue_block_key(
    genops_str text, struct genops_queue_key *ret_key, struct genops_error *err);
void genops_queue_block_key_done(struct genops_queue_key *key);

struct genops_queue_block {
	uint64_t number, entries_before;
	const struct genops_queue_entry *entries;
	size_t n_entries;
	const struct genops_segment_position *positions;
	size_t n_positions;
};

/* The block's bytes, padding included, into the emptied `buf`. `scratch` is overwritten. LIMIT,
 * NOMEM, INTERNAL (the cipher). */
GENOPS_NODISCARD int genops_queue_block_encode(const struct genops_queue_block *block,
    bool is_compressed, const struct genops_queue_key *key, struct genops_buffer *scratch,
    struct genops_buffer *buf, struct genops_error *err);

/* Can these bytes be the begin of a block? *ret_header is what they say. */
bool genops_queue_block_header(genops_str bytes, struct queue_block_header *ret_header);
/* Is `bytes` (exactly header.length of them) a whole block? */
bool genops_queue_block_verify(genops_str bytes);

/* Positions of a verified block; returns how many, fills up to max. */
size_t genops_queue_block_positions(
    genops_str bytes, struct genops_segment_position *ret_positions, size_t max);

/* Entries of a verified block: they borrow from `bytes` or from `scratch`. *entries is an array
 * of *max that grows. CORRUPT; CONFIG (sealed with another key); UNSUPPORTED (version); NOMEM. */
GENOPS_NODISCARD int genops_queue_block_decode(genops_str bytes, const struct genops_queue_key *key,
    struct genops_buffer *scratch, struct genops_queue_entry **entries, size_t *max, size_t *ret_n,
    struct genops_error *err);

/* CONFIG unless the key opens a block with this header; says what to do. */
GENOPS_NODISCARD int genops_queue_block_may_open(const struct queue_block_header *header,
    const struct genops_queue_key *key, struct genops_error *err);

#endif
