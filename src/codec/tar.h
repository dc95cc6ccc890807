/* SPDX-License-Identifier: Apache-2.0
 * codec/tar.h - tar archives in memory: written as POSIX ustar, read as that, with pax paths and GNU's long names.
 *
 * What is read comes from outside: checksums are checked, sizes bounded by the archive, and a name that would lead out of where it is
 * unpacked (absolute, "..", a backslash, a control character) is an error, not a file. Only plain files are entries; directories are passed
 * over, and links, devices and the like are refused, since nothing here needs them.
 */
#ifndef CODEC_TAR_H
#define CODEC_TAR_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>

#define GENOPS_TAR_NAME_MAX 255 /* bytes of a name */

/* A plain file, 0644, of no owner and no time, so that the same content is the same archive. Check out->error; LIMIT there also for a name that
 * does not fit (over 100 bytes with no "/" at which to cut). */
void genops_tar_add(struct genops_buffer *out, genops_str name, genops_str content);
void genops_tar_end(struct genops_buffer *out);

/* For who reads and writes piece by piece (codec/archive.h): one header by itself. */
#define GENOPS_TAR_BLOCK ((size_t)512)
#define GENOPS_TAR_SIZE_MAX (((uint64_t)1 << 33) - 1) /* bytes of one file: what ustar has digits for */

/* LIMIT: a name or a size that does not fit. */
GENOPS_NODISCARD int genops_tar_header_make(
    genops_str name, uint64_t size, char ret_block[GENOPS_TAR_BLOCK], struct genops_error *err);
/* 1: a plain file, ret_name is NUL-terminated and safe; 0: the end. Else as genops_tar_next; what is no plain file is UNSUPPORTED, pax
 * headers and directories too. */
GENOPS_NODISCARD int genops_tar_header_read(const char block[GENOPS_TAR_BLOCK], char ret_name[GENOPS_TAR_NAME_MAX + 1],
    uint64_t *ret_size, struct genops_error *err);

struct genops_tar_reader {
	genops_str rest;
	char name[GENOPS_TAR_NAME_MAX + 1];
};

/* Borrows the archive. */
void genops_tar_reader_init(struct genops_tar_reader *reader, genops_str archive);
/* 1: *ret_name (until the next call, without a leading "./") and *ret_content are the next file's; 0: the end; else SYNTAX (damaged, or cut
 * off), UNSUPPORTED (a link, a name that leads outside), LIMIT (a name too long). */
GENOPS_NODISCARD int genops_tar_next(
    struct genops_tar_reader *reader, genops_str *ret_name, genops_str *ret_content, struct genops_error *err);

#endif
