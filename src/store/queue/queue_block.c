/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_block.c - see queue_block.h. Compression is zstd, level 1 (batches of telemetry
 * shrink to a fifth, and the drain has better things to do); the seal is AES-256-GCM with a random
 * nonce of 96 bits. Stateless; any thread.
 */
#include "store/queue/queue_block.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/hash.h"
#include "base/str.h"

#define HEADER_SIZE	  sizeof(struct queue_block_header)
#define POSITION_SIZE	  sizeof(struct queue_block_position)
#define CHECKSUM_BEGIN	  offsetof(struct queue_block_header, version)
#define SEALED_END	  offsetof(struct queue_block_header, tag)
#define ENTRY_HEADER_SIZE 8
#define ZSTD_LEVEL	  1

/* ---- keys ---- */

static bool from_base64(genops_str text, uint8_t *ret_bytes)
{
	unsigned char padded[44], bytes[33];
	if (text.len == 44 && text.ptr[43] == '=')
		text.len--;
	if (text.len != 43)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				(c >= 'a' && c <= 'z') || c == '+' || c == '/';
		if (!is_digit)
			return false;
		padded[i] = (unsigned char)c;
	}
	padded[43] = '=';
	bool is_decoded = EVP_DecodeBlock(bytes, padded, sizeof padded) == sizeof bytes;
	if (is_decoded)
		memcpy(ret_bytes, bytes, 32);
	OPENSSL_cleanse(bytes, sizeof bytes);
	OPENSSL_cleanse(padded, sizeof padded);
	return is_decoded;
}

int genops_queue_block_key(
    genops_str text, struct genops_queue_key *ret_key, struct genops_error *err)
{
	struct genops_queue_key key = {.is_set = text.len > 0};
	if (key.is_set && !genops_str_from_hex(text, key.bytes, sizeof key.bytes) &&
	    !from_base64(text, key.bytes)) {
		OPENSSL_cleanse(&key, sizeof key);
		return genops_fail_fix(err, GENOPS_CONFIG, "make one with: openssl rand -hex 32",
		    "the queue's encryption key is not 64 hex digits or 32 bytes in base64");
	}
	if (key.is_set) {
		static const char label[] = "genops queue key id";
		uint8_t input[sizeof label + sizeof key.bytes], digest[SHA256_DIGEST_LENGTH];
		memcpy(input, label, sizeof label);
		memcpy(input + sizeof label, key.bytes, sizeof key.bytes);
		SHA256(input, sizeof input, digest);
		memcpy(&key.id, digest, sizeof key.id);
		key.id |= 1; /* never the 0 of "not sealed" */
		OPENSSL_cleanse(input, sizeof input);
	}
	*ret_key = key;
	OPENSSL_cleanse(&key, sizeof key);
	return GENOPS_OK;
}

void genops_queue_block_key_done(struct genops_queue_key *key)
{
	OPENSSL_cleanse(key, sizeof *key);
}

int genops_queue_block_may_open(const struct queue_block_header *header,
    const struct genops_queue_key *key, struct genops_error *err)
{
	if (header->version != QUEUE_BLOCK_VERSION)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "update GenOps",
		    "a queue block has version %u; this GenOps reads version %d", header->version,
		    QUEUE_BLOCK_VERSION);
	if (!(header->flags & QUEUE_BLOCK_SEALED) || (key->is_set && key->id == header->key_id))
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_CONFIG,
	    "give the key it was written with until it is delivered, then change it; or remove <state>/queue and lose it",
	    "the queue holds undelivered data that is encrypted with %s",
	    key->is_set ? "another key" : "a key, and none is configured");
}

/* ---- the cipher ---- */

/* Seals or opens `bytes` in place; the header's nonce is set, its tag is made or checked. */
static bool run_cipher(bool is_sealing, const struct genops_queue_key *key,
    struct queue_block_header *header, const char *positions, size_t positions_len, char *bytes,
    size_t len)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	if (!context)
		return false;
	unsigned char *at = (unsigned char *)bytes;
	int n, enc = is_sealing;
	bool is_done =
	    EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key->bytes, header->nonce, enc) ==
		1 &&
	    EVP_CipherUpdate(context, NULL, &n, (unsigned char *)header + CHECKSUM_BEGIN,
		(int)(SEALED_END - CHECKSUM_BEGIN)) == 1 &&
	    (!positions_len || EVP_CipherUpdate(context, NULL, &n, (const unsigned char *)positions,
				   (int)positions_len) == 1) &&
	    (!len || EVP_CipherUpdate(context, at, &n, at, (int)len) == 1) &&
	    (is_sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof header->tag,
			       header->tag) == 1) &&
	    EVP_CipherFinal_ex(context, at + len, &n) == 1 &&
	    (!is_sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, sizeof header->tag,
				header->tag) == 1);
	EVP_CIPHER_CTX_free(context);
	return is_done;
}

/* ---- writing ---- */

static int measure(
    const struct genops_queue_block *block, size_t *ret_raw, struct genops_error *err)
{
	size_t raw = 0;
	for (size_t i = 0; i < block->n_entries && raw <= GENOPS_QUEUE_BLOCK_MAX; i++) {
		size_t len = block->entries[i].payload.len;
		raw += len > GENOPS_QUEUE_BLOCK_MAX ? GENOPS_QUEUE_BLOCK_MAX + 1
						    : ENTRY_HEADER_SIZE + len;
	}
	if (raw > GENOPS_QUEUE_BLOCK_MAX || block->n_positions > GENOPS_QUEUE_POSITIONS_MAX)
		return genops_fail(err, GENOPS_LIMIT,
		    "a queue block is over its maximum of %zu bytes, %d positions",
		    GENOPS_QUEUE_BLOCK_MAX, GENOPS_QUEUE_POSITIONS_MAX);
	*ret_raw = raw;
	return GENOPS_OK;
}

static void put_entries(const struct genops_queue_block *block, struct genops_buffer *buf)
{
	for (size_t i = 0; i < block->n_entries; i++) {
		const struct genops_queue_entry *entry = &block->entries[i];
		uint32_t head[2] = {(uint32_t)entry->payload.len, (uint32_t)entry->kind};
		genops_buffer_add(buf, (genops_str){(const char *)head, sizeof head});
		genops_buffer_add(buf, entry->payload);
	}
}

static void put_positions(const struct genops_queue_block *block, struct genops_buffer *buf)
{
	for (size_t i = 0; i < block->n_positions; i++) {
		const struct genops_segment_position *from = &block->positions[i];
		struct queue_block_position to = {.process = from->process,
		    .epoch = from->epoch,
		    .file = from->file,
		    .offset = from->offset,
		    .sequence = from->sequence};
		genops_buffer_add(buf, (genops_str){(const char *)&to, sizeof to});
	}
}

/* Compresses behind what `buf` holds; false: it does not get smaller (or cannot be compressed),
 * nothing was added. */
static bool put_compressed(genops_str raw, struct genops_buffer *buf)
{
	if (raw.len < 64)
		return false;
	char *to = genops_buffer_reserve(buf, raw.len);
	if (!to)
		return false;
	size_t n =
	    ZSTD_compress(to, raw.len, raw.ptr, raw.len, ZSTD_LEVEL); /* no room is no gain */
	if (ZSTD_isError(n) || n >= raw.len)
		return false;
	buf->len += n;
	return true;
}

static int seal(struct genops_buffer *buf, struct queue_block_header *header,
    const struct genops_queue_key *key, size_t body_at, struct genops_error *err)
{
	header->flags |= QUEUE_BLOCK_SEALED;
	header->key_id = key->id;
	if (RAND_bytes(header->nonce, sizeof header->nonce) != 1 ||
	    !run_cipher(true, key, header, buf->ptr + HEADER_SIZE, body_at - HEADER_SIZE,
		buf->ptr + body_at, buf->len - body_at))
		return genops_fail(err, GENOPS_INTERNAL, "the queue's cipher failed");
	return GENOPS_OK;
}

static uint16_t audience_of(const struct genops_queue_block *block)
{
	uint16_t audience = 0;
	for (size_t i = 0; i < block->n_entries; i++) {
		if (!block->entries[i].audience)
			return 0;
		audience |= block->entries[i].audience;
	}
	return audience;
}

int genops_queue_block_encode(const struct genops_queue_block *block, bool is_compressed,
    const struct genops_queue_key *key, struct genops_buffer *scratch, struct genops_buffer *buf,
    struct genops_error *err)
{
	static const char zeros[HEADER_SIZE];
	size_t raw = 0;
	GENOPS_TRY(measure(block, &raw, err));
	struct queue_block_header header = {
	    .magic = QUEUE_BLOCK_MAGIC,
	    .version = QUEUE_BLOCK_VERSION,
	    .n_entries = (uint32_t)block->n_entries,
	    .n_positions = (uint32_t)block->n_positions,
	    .raw_length = (uint32_t)raw,
	    .audience = audience_of(block),
	    .number = block->number,
	    .entries_before = block->entries_before,
	};
	header.audience_check = QUEUE_BLOCK_AUDIENCE_CHECK(header.audience);
	genops_buffer_clear(buf);
	genops_buffer_clear(scratch);
	genops_buffer_add(buf, (genops_str){zeros, HEADER_SIZE});
	put_positions(block, buf);
	size_t body_at = buf->len;
	if (is_compressed)
		put_entries(block, scratch);
	if (is_compressed && !scratch->error && put_compressed(genops_buffer_view(scratch), buf))
		header.flags |= QUEUE_BLOCK_COMPRESSED;
	else
		put_entries(block, buf);
	/* The final call of a cipher may not write, but is given a place. */
	if (!genops_buffer_reserve(buf, 16))
		return genops_fail(err, buf->error, "no memory for a queue block");
	header.length = (uint32_t)buf->len;
	if (key->is_set)
		GENOPS_TRY(seal(buf, &header, key, body_at, err));
	memcpy(buf->ptr, &header, HEADER_SIZE);
	header.checksum = genops_hash_checksum(
	    buf->ptr + CHECKSUM_BEGIN, buf->len - CHECKSUM_BEGIN, header.length);
	memcpy(buf->ptr, &header, CHECKSUM_BEGIN);
	genops_buffer_add(buf, (genops_str){zeros, (size_t)(QUEUE_ALIGNED(buf->len) - buf->len)});
	return GENOPS_OK;
}

/* ---- reading ---- */

bool genops_queue_block_header(genops_str bytes, struct queue_block_header *ret_header)
{
	if (bytes.len < HEADER_SIZE)
		return false;
	struct queue_block_header header;
	memcpy(&header, bytes.ptr, HEADER_SIZE);
	if (header.magic != QUEUE_BLOCK_MAGIC || header.length < HEADER_SIZE ||
	    header.length > QUEUE_BLOCK_LENGTH_MAX)
		return false;
	*ret_header = header;
	return true;
}

bool genops_queue_block_verify(genops_str bytes)
{
	struct queue_block_header header;
	return genops_queue_block_header(bytes, &header) && header.length == bytes.len &&
	       header.checksum == genops_hash_checksum(bytes.ptr + CHECKSUM_BEGIN,
				      bytes.len - CHECKSUM_BEGIN, header.length);
}

/* How many positions there really are. */
static size_t count_positions(const struct queue_block_header *header)
{
	size_t room = (header->length - HEADER_SIZE) / POSITION_SIZE;
	return header->n_positions <= room && header->n_positions <= GENOPS_QUEUE_POSITIONS_MAX
		   ? header->n_positions
		   : 0;
}

size_t genops_queue_block_positions(
    genops_str bytes, struct genops_segment_position *ret_positions, size_t max)
{
	struct queue_block_header header;
	if (!genops_queue_block_header(bytes, &header) || header.version != QUEUE_BLOCK_VERSION ||
	    header.length > bytes.len)
		return 0;
	size_t n = count_positions(&header);
	for (size_t i = 0; i < n && i < max; i++) {
		struct queue_block_position from;
		memcpy(&from, bytes.ptr + HEADER_SIZE + i * POSITION_SIZE, POSITION_SIZE);
		ret_positions[i] = (struct genops_segment_position){.process = from.process,
		    .epoch = from.epoch,
		    .file = from.file,
		    .offset = from.offset,
		    .sequence = from.sequence};
	}
	return n;
}

static int fail_corrupt(const struct queue_block_header *header, struct genops_error *err)
{
	return genops_fail(err, GENOPS_CORRUPT, "queue block %llu cannot be read",
	    (unsigned long long)header->number);
}

static int fail_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "no memory to read a queue block");
}

static int split(const struct queue_block_header *header, genops_str raw,
    struct genops_queue_entry *entries, struct genops_error *err)
{
	for (size_t i = 0; i < header->n_entries; i++) {
		uint32_t head[2];
		if (raw.len < sizeof head)
			return fail_corrupt(header, err);
		memcpy(head, raw.ptr, sizeof head);
		raw = genops_str_skip(raw, sizeof head);
		if (head[0] > raw.len)
			return fail_corrupt(header, err);
		entries[i] = (struct genops_queue_entry){
		    (enum genops_entry_kind)head[1], {raw.ptr, head[0]}};
		raw = genops_str_skip(raw, head[0]);
	}
	return raw.len ? fail_corrupt(header, err) : GENOPS_OK;
}

/* The body as it was before sealing and compressing. One allocation: the opened body goes behind
 * where it is unpacked to. */
static int unpack(struct queue_block_header *header, genops_str positions, genops_str body,
    const struct genops_queue_key *key, struct genops_buffer *scratch, genops_str *ret_raw,
    struct genops_error *err)
{
	genops_buffer_clear(scratch);
	char *room = genops_buffer_reserve(scratch, (size_t)header->raw_length + body.len + 16);
	if (!room)
		return fail_memory(err);
	if (header->flags & QUEUE_BLOCK_SEALED) {
		char *opened = room + header->raw_length;
		if (body.len)
			memcpy(opened, body.ptr, body.len);
		if (!run_cipher(false, key, header, positions.ptr, positions.len, opened, body.len))
			return fail_corrupt(header, err);
		body.ptr = opened;
	}
	if (header->flags & QUEUE_BLOCK_COMPRESSED) {
		size_t n = ZSTD_decompress(room, header->raw_length, body.ptr, body.len);
		if (ZSTD_isError(n))
			return fail_corrupt(header, err);
		body = (genops_str){room, n};
	}
	if (body.len != header->raw_length)
		return fail_corrupt(header, err);
	*ret_raw = body;
	return GENOPS_OK;
}

int genops_queue_block_decode(genops_str bytes, const struct genops_queue_key *key,
    struct genops_buffer *scratch, struct genops_queue_entry **entries, size_t *max, size_t *ret_n,
    struct genops_error *err)
{
	struct queue_block_header header = {0};
	if (!genops_queue_block_header(bytes, &header) || header.length > bytes.len)
		return fail_corrupt(&header, err);
	GENOPS_TRY(genops_queue_block_may_open(&header, key, err));
	if ((header.flags & ~(QUEUE_BLOCK_COMPRESSED | QUEUE_BLOCK_SEALED)) ||
	    count_positions(&header) != header.n_positions ||
	    header.raw_length > GENOPS_QUEUE_BLOCK_MAX ||
	    header.n_entries > header.raw_length / ENTRY_HEADER_SIZE)
		return fail_corrupt(&header, err);
	genops_str positions = {bytes.ptr + HEADER_SIZE, header.n_positions * POSITION_SIZE};
	genops_str body = {
	    positions.ptr + positions.len, header.length - HEADER_SIZE - positions.len};
	genops_str raw = body;
	GENOPS_TRY(unpack(&header, positions, body, key, scratch, &raw, err));
	if (header.n_entries > *max) {
		struct genops_queue_entry *grown =
		    realloc(*entries, header.n_entries * sizeof *grown);
		if (!grown)
			return fail_memory(err);
		*entries = grown;
		*max = header.n_entries;
	}
	GENOPS_TRY(split(&header, raw, *entries, err));
	*ret_n = header.n_entries;
	return GENOPS_OK;
}
