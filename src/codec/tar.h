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

#define GENOPS_TAR_NAME_MAX 255 /* bytes of a name */

/* A plain file, 0644, of no owner and no time, so that the same content is the same archive. Check out->error; LIMIT there also for a name that
 * does not fit (over 100 bytes with no "/" at which to cut). */
void genops_tar_add(struct genops_buffer *out, genops_str name, genops_str content);
void genops_tar_end(struct genops_buffer *out);

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
