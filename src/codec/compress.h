/* SPDX-License-Identifier: Apache-2.0
 * codec/compress.h - whole buffers through gzip, zlib, zstd and snappy, with a bound on what comes out.
 *
 * The bound is the output buffer's maximum, so a body that inflates a thousandfold costs no more
 * memory than one that was sent plain: reading stops at the first byte over it. Both functions
 * append to `out` and leave it as it was when they fail.
 */
#ifndef CODEC_COMPRESS_H
#define CODEC_COMPRESS_H

#include "base/buffer.h"
#include "base/error.h"

enum genops_compress_kind {
	GENOPS_COMPRESS_NONE,
	GENOPS_COMPRESS_GZIP,
	GENOPS_COMPRESS_ZLIB, /* what HTTP calls "deflate" */
	GENOPS_COMPRESS_ZSTD,
	GENOPS_COMPRESS_SNAPPY, /* one block: no Content-Encoding by that name that a receiver here reads */
};

/* A Content-Encoding: "", "identity", "gzip", "x-gzip", "deflate", "zstd" in any case. False:
 * another one. */
bool genops_compress_named(genops_str name, enum genops_compress_kind *ret_kind);
const char *genops_compress_name(enum genops_compress_kind kind); /* "gzip"; "" for NONE */

/* `level` 0 is the library's usual one (gzip, zlib 1..9, zstd 1..19). LIMIT (zstd may want a little
 * more room than it uses), NOMEM, MISUSE (level). */
GENOPS_NODISCARD int genops_compress_encode(enum genops_compress_kind kind, int level,
    genops_str bytes, struct genops_buffer *out, struct genops_error *err);

/* Concatenated members or frames are read as one. SYNTAX: cut off, damaged, or followed by
 * something else. LIMIT: more than out may hold, or a zstd window over 8 MiB (RFC 8878 asks for no
 * more). NOMEM. */
GENOPS_NODISCARD int genops_compress_decode(enum genops_compress_kind kind, genops_str bytes,
    struct genops_buffer *out, struct genops_error *err);

#endif
