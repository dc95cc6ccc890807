/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_archive.h - one archive on its way to its place: files go in, their hashes into MANIFEST.json, which is the last one.
 *
 * Owned by the caller; end or give_up ends it in any case. One thread. */
#ifndef ENGINE_BACKUP_BACKUP_ARCHIVE_H
#define ENGINE_BACKUP_BACKUP_ARCHIVE_H

#include "base/buffer.h"
#include "codec/archive.h"
#include "codec/json_write.h"
#include "engine/backup/backup_name.h"
#include "engine/backup/place/backup_place.h"

#define GENOPS_BACKUP_MANIFEST      "MANIFEST.json"
#define GENOPS_BACKUP_MANIFEST_MAX  ((size_t)64 << 20)
#define GENOPS_BACKUP_FILES_MAX     100000

struct genops_backup_archive {
	struct genops_backup_place *place;
	struct genops_archive_writer *writer;
	struct genops_buffer manifest, secrets; /* secrets: objects of JSON, for the manifest */
	struct genops_json_writer json;
	uint64_t n_files, bytes;         /* bytes: of the archive */
	uint64_t n_secrets, n_masked;    /* told; numbers of their variables */
};

struct genops_backup_about {             /* for the manifest */
	enum genops_backup_kind kind;
	int64_t unix_ns;
	const char *name, *host, *main;  /* main: the configuration's file; "" : none */
};

GENOPS_NODISCARD int genops_backup_archive_begin(struct genops_backup_archive *archive, struct genops_backup_place *place,
    const struct genops_backup_about *about, struct genops_error *err);
/* `path`: where it was; "" : nobody needs to know. */
GENOPS_NODISCARD int genops_backup_archive_text(
    struct genops_backup_archive *archive, genops_str name, genops_str content, genops_str path, struct genops_error *err);
/* As it is when it is opened: what is appended meanwhile stays out. NOT_FOUND: it is gone. */
GENOPS_NODISCARD int genops_backup_archive_file(
    struct genops_backup_archive *archive, genops_str name, const char *path, struct genops_error *err);
/* A secret that is a ${variable} in the archive. */
void genops_backup_archive_secret(struct genops_backup_archive *archive, const char *variable, genops_str name, int line, genops_str key);
/* The archive is at its place then, or, with an error, nothing is. */
GENOPS_NODISCARD int genops_backup_archive_end(struct genops_backup_archive *archive, struct genops_error *err);
void genops_backup_archive_give_up(struct genops_backup_archive *archive);

#endif
