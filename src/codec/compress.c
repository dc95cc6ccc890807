/* SPDX-License-Identifier: Apache-2.0
 * codec/compress.c - see compress.h. zlib, zstd and snappy do the work; this is their loop and their
 * bounds.
 *
 * Their context lives for one call. Thread-safe: nothing is shared.
 */
#include "codec/compress.h"

#include "base/str.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define STEP	       ((size_t)65536) /* bytes of room made at a time */
#define WINDOW_LOG_MAX 23	       /* 8 MiB */
#define GZIP_WINDOW    (15 + 16)       /* zlib: a full window and the gzip wrapper */
#define ZLIB_WINDOW    15
#define ZLIB_MEMORY    8
#define ZSTD_LEVEL_MAX 19
#define SNAPPY_MEMORY  ((size_t)256 << 10) /* more than it takes: a hash table, a block in, a block out */

bool genops_compress_named(genops_str name, enum genops_compress_kind *ret_kind)
{
	static const struct {
		const char *name;
		enum genops_compress_kind kind;
	} names[] = {
	    {"", GENOPS_COMPRESS_NONE},
	    {"identity", GENOPS_COMPRESS_NONE},
	    {"gzip", GENOPS_COMPRESS_GZIP},
	    {"x-gzip", GENOPS_COMPRESS_GZIP},
	    {"deflate", GENOPS_COMPRESS_ZLIB},
	    {"zstd", GENOPS_COMPRESS_ZSTD},
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(name, names[i].name)) {
			*ret_kind = names[i].kind;
			return true;
		}
	}
	return false;
}

const char *genops_compress_name(enum genops_compress_kind kind)
{
	switch (kind) {
	case GENOPS_COMPRESS_GZIP:
		return "gzip";
	case GENOPS_COMPRESS_ZLIB:
		return "deflate";
	case GENOPS_COMPRESS_ZSTD:
		return "zstd";
	case GENOPS_COMPRESS_SNAPPY:
		return "snappy";
	case GENOPS_COMPRESS_NONE:
		break;
	}
	return "";
}

/* Room for the next step's output: at most STEP bytes, at least one. 0: there is none; out->error
 * says why. */
static size_t make_room(struct genops_buffer *out, char **ret_to)
{
	size_t room = out->max - out->len;
	if (room > STEP)
		room = STEP;
	*ret_to = genops_buffer_reserve(out, room ? room : 1);
	return *ret_to ? room : 0;
}

static int no_room(const struct genops_buffer *out, struct genops_error *err)
{
	if (out->error == GENOPS_LIMIT)
		return genops_fail(
		    err, GENOPS_LIMIT, "more than the maximum of %zu bytes comes out", out->max);
	return genops_fail(err, out->error, "no memory");
}

static uInt some(size_t len)
{
	return len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)len;
}

/* Gives the stream what is left of the input. */
static void zlib_input(z_stream *stream, genops_str *rest)
{
	if (stream->avail_in || !rest->len)
		return;
	stream->next_in =
	    (Bytef *)(uintptr_t)rest->ptr; /* zlib's type has no const; it does not write */
	stream->avail_in = some(rest->len);
	*rest = genops_str_skip(*rest, stream->avail_in);
}

static int zlib_encode_all(
    z_stream *stream, genops_str rest, struct genops_buffer *out, struct genops_error *err)
{
	int status = Z_OK;
	while (status != Z_STREAM_END) {
		char *to;
		size_t room = make_room(out, &to);
		if (!room)
			return no_room(out, err);
		zlib_input(stream, &rest);
		stream->next_out = (Bytef *)to;
		stream->avail_out = (uInt)room;
		status = deflate(stream, rest.len ? Z_NO_FLUSH : Z_FINISH);
		if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
			return genops_fail(
			    err, GENOPS_INTERNAL, "zlib cannot compress (%d)", status);
		out->len += room - stream->avail_out;
	}
	return GENOPS_OK;
}

static int zlib_encode(
    int window, int level, genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	z_stream stream = {0};
	if (level < 0 || level > 9)
		return genops_fail(err, GENOPS_MISUSE, "%d is no zlib level", level);
	int status = deflateInit2(&stream, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED,
	    window, ZLIB_MEMORY, Z_DEFAULT_STRATEGY);
	if (status != Z_OK)
		return genops_fail(err, GENOPS_NOMEM, "no memory");
	int code = zlib_encode_all(&stream, bytes, out, err);
	deflateEnd(&stream);
	return code;
}

static int zlib_decode_all(
    z_stream *stream, genops_str rest, struct genops_buffer *out, struct genops_error *err)
{
	for (;;) {
		char *to;
		char beyond; /* when out is full, the stream must end without another byte */
		size_t room = out->len < out->max ? make_room(out, &to) : 0;
		if (out->error)
			return no_room(out, err);
		zlib_input(stream, &rest);
		stream->next_out = room ? (Bytef *)to : (Bytef *)&beyond;
		stream->avail_out = room ? (uInt)room : 1;
		int status = inflate(stream, Z_NO_FLUSH);
		size_t made = (room ? room : 1) - stream->avail_out;
		if (!room && made) {
			out->error = GENOPS_LIMIT;
			return no_room(out, err);
		}
		out->len += made;
		if (status == Z_STREAM_END) {
			if (!stream->avail_in && !rest.len)
				return GENOPS_OK;
			if (inflateReset(stream) != Z_OK)
				return genops_fail(err, GENOPS_INTERNAL, "zlib cannot go on");
		} else if (status == Z_MEM_ERROR) {
			return genops_fail(err, GENOPS_NOMEM, "no memory");
		} else if (status != Z_OK) {
			return genops_fail(err, GENOPS_SYNTAX,
			    status == Z_BUF_ERROR ? "compressed bytes are cut off"
						  : "compressed bytes are damaged");
		}
	}
}

static int zlib_decode(
    int window, genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	z_stream stream = {0};
	if (inflateInit2(&stream, window) != Z_OK)
		return genops_fail(err, GENOPS_NOMEM, "no memory");
	int code = zlib_decode_all(&stream, bytes, out, err);
	inflateEnd(&stream);
	return code;
}

static int zstd_encode(
    int level, genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	if (level < 0 || level > ZSTD_LEVEL_MAX)
		return genops_fail(err, GENOPS_MISUSE, "%d is no zstd level", level);
	size_t bound = ZSTD_compressBound(bytes.len), room = out->max - out->len;
	if (ZSTD_isError(bound) || bound > room)
		bound = room; /* it may fit all the same */
	char *to = genops_buffer_reserve(out, bound ? bound : 1);
	if (!to)
		return no_room(out, err);
	size_t len =
	    ZSTD_compress(to, bound, bytes.ptr, bytes.len, level ? level : ZSTD_CLEVEL_DEFAULT);
	if (ZSTD_getErrorCode(len) == ZSTD_error_dstSize_tooSmall) {
		out->error = GENOPS_LIMIT;
		return no_room(out, err);
	}
	if (ZSTD_isError(len))
		return genops_fail(
		    err, GENOPS_NOMEM, "zstd cannot compress: %s", ZSTD_getErrorName(len));
	out->len += len;
	return GENOPS_OK;
}

static int zstd_fault(size_t status, struct genops_error *err)
{
	switch (ZSTD_getErrorCode(status)) {
	case ZSTD_error_memory_allocation:
		return genops_fail(err, GENOPS_NOMEM, "no memory");
	case ZSTD_error_frameParameter_windowTooLarge:
		return genops_fail(err, GENOPS_LIMIT, "the zstd window is over %d MiB",
		    1 << (WINDOW_LOG_MAX - 20));
	default:
		return genops_fail(err, GENOPS_SYNTAX, "compressed bytes are damaged");
	}
}

static int zstd_decode_all(
    ZSTD_DCtx *context, genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
	size_t status = 1; /* 0: a frame is complete */
	bool is_full = false;
	while (in.pos < in.size || is_full) {
		char *to;
		char beyond;
		size_t room = out->len < out->max ? make_room(out, &to) : 0;
		if (out->error)
			return no_room(out, err);
		ZSTD_outBuffer step = {room ? to : &beyond, room ? room : 1, 0};
		status = ZSTD_decompressStream(context, &step, &in);
		if (ZSTD_isError(status))
			return zstd_fault(status, err);
		if (!room && step.pos) {
			out->error = GENOPS_LIMIT;
			return no_room(out, err);
		}
		out->len += step.pos;
		is_full = status != 0 && step.pos == step.size; /* more may wait inside */
	}
	return status ? genops_fail(err, GENOPS_SYNTAX, "compressed bytes are cut off") : GENOPS_OK;
}

static int zstd_decode(genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	if (!context)
		return genops_fail(err, GENOPS_NOMEM, "no memory");
	size_t status = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	int code = ZSTD_isError(status)
		       ? genops_fail(err, GENOPS_INTERNAL, "zstd: %s", ZSTD_getErrorName(status))
		       : zstd_decode_all(context, bytes, out, err);
	ZSTD_freeDCtx(context);
	return code;
}

/* libsnappy is C++ and would end the process if its one block of working memory could not be had.
 * So whether there is as much is tried first, and the block given back for it to take. (volatile:
 * or the trial is optimised away.) */
static bool has_memory_for_snappy(void)
{
	void *volatile trial = malloc(SNAPPY_MEMORY);
	bool has = trial != NULL;
	free(trial);
	return has;
}

static int snappy_encode(genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	size_t len = snappy_max_compressed_length(bytes.len);
	char *to = genops_buffer_reserve(out, len);
	if (!to)
		return no_room(out, err);
	if (!has_memory_for_snappy())
		return genops_fail(err, GENOPS_NOMEM, "no memory");
	if (snappy_compress(bytes.len ? bytes.ptr : "", bytes.len, to, &len) != SNAPPY_OK)
		return genops_fail(err, GENOPS_INTERNAL, "snappy cannot compress");
	out->len += len;
	return GENOPS_OK;
}

static int snappy_decode(genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	size_t len;
	if (!bytes.len || snappy_uncompressed_length(bytes.ptr, bytes.len, &len) != SNAPPY_OK)
		return genops_fail(err, GENOPS_SYNTAX, "compressed bytes are damaged");
	char *to = genops_buffer_reserve(out, len ? len : 1);
	if (!to)
		return no_room(out, err);
	if (snappy_uncompress(bytes.ptr, bytes.len, to, &len) != SNAPPY_OK)
		return genops_fail(err, GENOPS_SYNTAX, "compressed bytes are damaged");
	out->len += len;
	return GENOPS_OK;
}

static int plain(genops_str bytes, struct genops_buffer *out, struct genops_error *err)
{
	genops_buffer_add(out, bytes);
	return out->error ? no_room(out, err) : GENOPS_OK;
}

/* What failed leaves no trace in the buffer: not its bytes and not its error. */
static int settle(int code, size_t len, struct genops_buffer *out)
{
	if (code != GENOPS_OK) {
		out->len = len;
		out->error = GENOPS_OK;
	}
	return code;
}

int genops_compress_encode(enum genops_compress_kind kind, int level, genops_str bytes,
    struct genops_buffer *out, struct genops_error *err)
{
	if (out->error)
		return no_room(out, err);
	size_t len = out->len;
	switch (kind) {
	case GENOPS_COMPRESS_NONE:
		return settle(plain(bytes, out, err), len, out);
	case GENOPS_COMPRESS_GZIP:
		return settle(zlib_encode(GZIP_WINDOW, level, bytes, out, err), len, out);
	case GENOPS_COMPRESS_ZLIB:
		return settle(zlib_encode(ZLIB_WINDOW, level, bytes, out, err), len, out);
	case GENOPS_COMPRESS_ZSTD:
		return settle(zstd_encode(level, bytes, out, err), len, out);
	case GENOPS_COMPRESS_SNAPPY:
		return settle(snappy_encode(bytes, out, err), len, out);
	}
	return genops_fail(err, GENOPS_MISUSE, "there is no compression %d", (int)kind);
}

int genops_compress_decode(enum genops_compress_kind kind, genops_str bytes,
    struct genops_buffer *out, struct genops_error *err)
{
	if (out->error)
		return no_room(out, err);
	size_t len = out->len;
	switch (kind) {
	case GENOPS_COMPRESS_NONE:
		return settle(plain(bytes, out, err), len, out);
	case GENOPS_COMPRESS_GZIP:
		return settle(zlib_decode(GZIP_WINDOW, bytes, out, err), len, out);
	case GENOPS_COMPRESS_ZLIB:
		return settle(zlib_decode(ZLIB_WINDOW, bytes, out, err), len, out);
	case GENOPS_COMPRESS_ZSTD:
		return settle(zstd_decode(bytes, out, err), len, out);
	case GENOPS_COMPRESS_SNAPPY:
		return settle(snappy_decode(bytes, out, err), len, out);
	}
	return genops_fail(err, GENOPS_MISUSE, "there is no compression %d", (int)kind);
}
