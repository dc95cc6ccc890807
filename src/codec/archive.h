/* SPDX-License-Identifier: Apache-2.0
 * codec/archive.h - .tar.zst piece by piece: plain files in ustar, in one zstd frame with its checksum. Bounded memory whatever the size.
 *
 * What is written goes to a sink as it comes; what is read is fed as it comes, from outside: names that lead outside, links, damage and what is cut
 * off are errors (codec/tar.h), and nothing is done but by the events' functions. No I/O here. One thread an archive.
 */
#ifndef CODEC_ARCHIVE_H
#define CODEC_ARCHIVE_H

#include "base/error.h"
#include "codec/tar.h"

/* Takes compressed bytes, all of them, or fails with err. */
typedef int genops_archive_sink(void *arg, genops_str bytes, struct genops_error *err);

struct genops_archive_writer;
/* NULL: NOMEM. */
struct genops_archive_writer *genops_archive_writer_new(genops_archive_sink *sink, void *arg, struct genops_error *err);
void genops_archive_writer_free(struct genops_archive_writer *writer);
/* A file, then exactly `size` bytes of it. MISUSE: the one before is not whole. LIMIT: codec/tar.h. */
GENOPS_NODISCARD int genops_archive_file(struct genops_archive_writer *writer, genops_str name, uint64_t size, struct genops_error *err);
/* MISUSE: more than was said. */
GENOPS_NODISCARD int genops_archive_bytes(struct genops_archive_writer *writer, genops_str bytes, struct genops_error *err);
GENOPS_NODISCARD int genops_archive_end(struct genops_archive_writer *writer, struct genops_error *err);

/* Each fails with err to end the reading; that is what feed returns. `name` is borrowed for the call. */
struct genops_archive_events {
	int (*on_file)(void *arg, genops_str name, uint64_t size, struct genops_error *err);
	int (*on_bytes)(void *arg, genops_str bytes, struct genops_error *err);
	int (*on_file_end)(void *arg, struct genops_error *err);
};

struct genops_archive_reader;
/* `events` outlive the reader. NULL: NOMEM. */
struct genops_archive_reader *genops_archive_reader_new(
    const struct genops_archive_events *events, void *arg, struct genops_error *err);
void genops_archive_reader_free(struct genops_archive_reader *reader);
/* The next bytes. SYNTAX: damaged, or no archive. UNSUPPORTED: codec/tar.h. */
GENOPS_NODISCARD int genops_archive_feed(struct genops_archive_reader *reader, genops_str bytes, struct genops_error *err);
/* SYNTAX: there should have been more. */
GENOPS_NODISCARD int genops_archive_fed(struct genops_archive_reader *reader, struct genops_error *err);

#endif
