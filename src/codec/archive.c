/* SPDX-License-Identifier: Apache-2.0
 * codec/archive.c - see archive.h. libzstd compresses; the window is bounded on both sides, so is memory. */
#include "codec/archive.h"

#include "base/str.h"

#include <stdlib.h>
#include <zstd.h>

#define LEVEL          3
#define WINDOW_LOG_MAX 23
#define PIECE          ((size_t)65536)

/* --- writing --- */

struct genops_archive_writer {
	ZSTD_CCtx *zstd;
	genops_archive_sink *sink;
	void *arg;
	uint64_t left;                  /* of the file that is being written */
	size_t padding;                 /* behind it */
	char out[PIECE];
};

struct genops_archive_writer *genops_archive_writer_new(genops_archive_sink *sink, void *arg, struct genops_error *err)
{
	struct genops_archive_writer *writer = calloc(1, sizeof *writer);
	if (writer)
		writer->zstd = ZSTD_createCCtx();
	if (!writer || !writer->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1))) {
		genops_archive_writer_free(writer);
		genops_fail(err, GENOPS_NOMEM, "no memory for an archive");
		return NULL;
	}
	writer->sink = sink;
	writer->arg = arg;
	return writer;
}

void genops_archive_writer_free(struct genops_archive_writer *writer)
{
	if (!writer)
		return;
	ZSTD_freeCCtx(writer->zstd);
	free(writer);
}

static int put(struct genops_archive_writer *writer, genops_str bytes, ZSTD_EndDirective how, struct genops_error *err)
{
	ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
	for (;;) {
		ZSTD_outBuffer out = {writer->out, sizeof writer->out, 0};
		size_t left = ZSTD_compressStream2(writer->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return genops_fail(err, GENOPS_NOMEM, "an archive cannot be compressed: %s", ZSTD_getErrorName(left));
		if (out.pos)
			GENOPS_TRY(writer->sink(writer->arg, (genops_str){writer->out, out.pos}, err));
		if (how == ZSTD_e_end ? !left : in.pos == in.size)
			return GENOPS_OK;
	}
}

/* What fills the file's last block. */
static int pad(struct genops_archive_writer *writer, struct genops_error *err)
{
	static const char zeros[GENOPS_TAR_BLOCK];
	size_t n = writer->padding;
	if (writer->left)
		return genops_fail(err, GENOPS_MISUSE, "a file of the archive is not whole: %llu bytes are missing", (unsigned long long)writer->left);
	writer->padding = 0;
	return n ? put(writer, (genops_str){zeros, n}, ZSTD_e_continue, err) : GENOPS_OK;
}

int genops_archive_file(struct genops_archive_writer *writer, genops_str name, uint64_t size, struct genops_error *err)
{
	char block[GENOPS_TAR_BLOCK];
	GENOPS_TRY(pad(writer, err));
	GENOPS_TRY(genops_tar_header_make(name, size, block, err));
	GENOPS_TRY(put(writer, (genops_str){block, sizeof block}, ZSTD_e_continue, err));
	writer->left = size;
	writer->padding = (size_t)((GENOPS_TAR_BLOCK - size % GENOPS_TAR_BLOCK) % GENOPS_TAR_BLOCK);
	return GENOPS_OK;
}

int genops_archive_bytes(struct genops_archive_writer *writer, genops_str bytes, struct genops_error *err)
{
	if (bytes.len > writer->left)
		return genops_fail(err, GENOPS_MISUSE, "more than a file of the archive was said to have");
	GENOPS_TRY(put(writer, bytes, ZSTD_e_continue, err));
	writer->left -= bytes.len;
	return GENOPS_OK;
}

int genops_archive_end(struct genops_archive_writer *writer, struct genops_error *err)
{
	static const char zeros[2 * GENOPS_TAR_BLOCK];
	GENOPS_TRY(pad(writer, err));
	return put(writer, (genops_str){zeros, sizeof zeros}, ZSTD_e_end, err);
}

/* --- reading --- */

struct genops_archive_reader {
	ZSTD_DCtx *zstd;
	const struct genops_archive_events *events;
	void *arg;
	bool is_frame_done;
	bool is_ended;                  /* the tar's end was there */
	bool is_in_file;
	uint64_t left;                  /* of the file */
	size_t padding;
	size_t n_block;
	char block[GENOPS_TAR_BLOCK];
	char name[GENOPS_TAR_NAME_MAX + 1];
	char out[PIECE];
};

struct genops_archive_reader *genops_archive_reader_new(const struct genops_archive_events *events, void *arg, struct genops_error *err)
{
	struct genops_archive_reader *reader = calloc(1, sizeof *reader);
	if (reader)
		reader->zstd = ZSTD_createDCtx();
	if (!reader || !reader->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		genops_archive_reader_free(reader);
		genops_fail(err, GENOPS_NOMEM, "no memory for an archive");
		return NULL;
	}
	reader->events = events;
	reader->arg = arg;
	return reader;
}

void genops_archive_reader_free(struct genops_archive_reader *reader)
{
	if (!reader)
		return;
	ZSTD_freeDCtx(reader->zstd);
	free(reader);
}

static int end_file(struct genops_archive_reader *reader, struct genops_error *err)
{
	if (!reader->is_in_file || reader->left)
		return GENOPS_OK;
	reader->is_in_file = false;
	return reader->events->on_file_end(reader->arg, err);
}

static int take_header(struct genops_archive_reader *reader, struct genops_error *err)
{
	uint64_t size = 0;
	int is_file = genops_tar_header_read(reader->block, reader->name, &size, err);
	if (is_file < 0)
		return is_file;
	if (!is_file) {
		reader->is_ended = true;
		return GENOPS_OK;
	}
	reader->left = size;
	reader->padding = (size_t)((GENOPS_TAR_BLOCK - size % GENOPS_TAR_BLOCK) % GENOPS_TAR_BLOCK);
	GENOPS_TRY(reader->events->on_file(reader->arg, genops_str_of(reader->name), size, err));
	reader->is_in_file = true;
	return end_file(reader, err);
}

static size_t least(size_t a, uint64_t b)
{
	return b < a ? (size_t)b : a;
}

/* Bytes of the tar. */
static int take(struct genops_archive_reader *reader, genops_str bytes, struct genops_error *err)
{
	while (bytes.len && !reader->is_ended) {
		size_t n;
		if (reader->left) {
			n = least(bytes.len, reader->left);
			GENOPS_TRY(reader->events->on_bytes(reader->arg, (genops_str){bytes.ptr, n}, err));
			reader->left -= n;
			GENOPS_TRY(end_file(reader, err));
		} else if (reader->padding) {
			n = least(bytes.len, reader->padding);
			reader->padding -= n;
		} else {
			n = least(bytes.len, GENOPS_TAR_BLOCK - reader->n_block);
			memcpy(reader->block + reader->n_block, bytes.ptr, n);
			reader->n_block += n;
			if (reader->n_block == GENOPS_TAR_BLOCK) {
				reader->n_block = 0;
				GENOPS_TRY(take_header(reader, err));
			}
		}
		bytes = genops_str_skip(bytes, n);
	}
	return GENOPS_OK;
}

int genops_archive_feed(struct genops_archive_reader *reader, genops_str bytes, struct genops_error *err)
{
	ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
	bool is_full = false; /* zstd may have more than fitted */
	while (in.pos < in.size || is_full) {
		ZSTD_outBuffer out = {reader->out, sizeof reader->out, 0};
		if (reader->is_frame_done)
			return genops_fail(err, GENOPS_SYNTAX, "the archive is damaged: something follows its end");
		size_t left = ZSTD_decompressStream(reader->zstd, &out, &in);
		if (ZSTD_isError(left))
			return genops_fail(err, GENOPS_SYNTAX, "the archive is damaged, or none: %s", ZSTD_getErrorName(left));
		reader->is_frame_done = !left;
		is_full = left && out.pos == out.size;
		GENOPS_TRY(take(reader, (genops_str){reader->out, out.pos}, err));
	}
	return GENOPS_OK;
}

int genops_archive_fed(struct genops_archive_reader *reader, struct genops_error *err)
{
	if (!reader->is_frame_done || !reader->is_ended)
		return genops_fail(err, GENOPS_SYNTAX, "the archive is cut off");
	return GENOPS_OK;
}
