/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_manifest.h - an archive's MANIFEST.json, read: from outside. Pure. */
#ifndef ENGINE_BACKUP_BACKUP_MANIFEST_H
#define ENGINE_BACKUP_BACKUP_MANIFEST_H

#include "base/arena.h"
#include "base/error.h"

#include <genops/backup.h>

struct genops_backup_entry {
	genops_str name;
	uint64_t bytes;
	uint8_t sha256[32];
};

struct genops_backup_manifest {
	struct genops_arena arena;      /* what follows lives there */
	enum genops_backup_kind kind;
	int64_t unix_ns;
	genops_str main;
	size_t n_entries;
	struct genops_backup_entry *entries; /* by name */
	uint64_t n_secrets;
	char variables[1024];
};

/* SYNTAX: none, or a damaged one. UNSUPPORTED: of a format that is newer. LIMIT, NOMEM. Ended by done in any case. */
GENOPS_NODISCARD int genops_backup_manifest_read(genops_str json, struct genops_backup_manifest *ret_manifest, struct genops_error *err);
void genops_backup_manifest_done(struct genops_backup_manifest *manifest);
/* NULL: it has none of that name. */
const struct genops_backup_entry *genops_backup_manifest_find(const struct genops_backup_manifest *manifest, genops_str name);

#endif
