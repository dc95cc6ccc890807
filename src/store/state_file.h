/* SPDX-License-Identifier: Apache-2.0
 * store/state_file.h - small files of the state directory that are replaced as a whole: a reader sees the old one or the new
 * one, never half of one, also after a power cut. */
#ifndef STORE_STATE_FILE_H
#define STORE_STATE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Replaces <state_dir>/<name>. On a failure the old one stays. Errors: FULL, IO. */
GENOPS_NODISCARD int genops_state_file_write(const char *state_dir, const char *name, genops_str bytes, struct genops_error *err);

/* The whole of it into `out` (initialised here; the caller ends it, also after a failure). NOT_FOUND, LIMIT (longer than max), IO, NOMEM. */
GENOPS_NODISCARD int genops_state_file_read(
    const char *state_dir, const char *name, size_t max, struct genops_buffer *out, struct genops_error *err);

/* One process at a time works on what <name> stands for. BUSY: somebody else does. The lock ends with its process. */
GENOPS_NODISCARD int genops_state_file_lock(const char *state_dir, const char *name, int *ret_fd, struct genops_error *err);
void genops_state_file_unlock(int fd);

#endif
