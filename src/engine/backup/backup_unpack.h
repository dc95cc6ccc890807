/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_unpack.h - an archive's bytes, from outside, into a folder that was made for it, and whether all of it is as its manifest says.
 *
 * Nothing is written outside of the folder: names come from codec/archive.h's reader, files are made anew and never opened through links. Bounded: as many
 * files and as long a manifest as an archive may have. One thread. */
#ifndef ENGINE_BACKUP_BACKUP_UNPACK_H
#define ENGINE_BACKUP_BACKUP_UNPACK_H

#include "engine/backup/backup_manifest.h"

struct genops_backup_unpack;

/* `folder`: a descriptor of an empty directory, borrowed; -1: nothing is written, all is checked. NULL: NOMEM. */
struct genops_backup_unpack *genops_backup_unpack_new(int folder, struct genops_error *err);
void genops_backup_unpack_free(struct genops_backup_unpack *unpack);
/* `unpack` as void, for a place's read. */
GENOPS_NODISCARD int genops_backup_unpack_feed(void *unpack, genops_str bytes, struct genops_error *err);
/* Behind the last byte. CORRUPT: a file is not what the manifest says, or missing. The manifest is borrowed. */
GENOPS_NODISCARD int genops_backup_unpack_end(
    struct genops_backup_unpack *unpack, const struct genops_backup_manifest **ret_manifest, uint64_t *ret_bytes, struct genops_error *err);

#endif
