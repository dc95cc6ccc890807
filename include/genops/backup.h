/* SPDX-License-Identifier: Apache-2.0
 * genops/backup.h - archives of the configuration and of the state directory: made, listed, and unpacked again.
 *
 * An archive is a .tar.zst whose last file, MANIFEST.json, has the SHA-256 of all others: one without it is none. Secrets' values are never in it: no file
 * that a key comes from, no variable's value; a value that stands in a document under a secret's name is replaced by a ${VARIABLE}.
 */
#ifndef GENOPS_BACKUP_H
#define GENOPS_BACKUP_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

enum genops_backup_kind {
	GENOPS_BACKUP_CONFIG, /* the configuration's file, and the documents and tables that it names */
	GENOPS_BACKUP_STATE,  /* ledger, audit chain, queues, and what makes a state directory of them */
	GENOPS_BACKUP_KINDS,
};

/* "config", "state". Static. */
GENOPS_API const char *genops_backup_kind_name(enum genops_backup_kind kind);

struct genops_backup {
	enum genops_backup_kind kind;
	char name[64];               /* "config-20261122T010000Z.tar.zst" */
	char place[512];             /* the directory, or s3://bucket/prefix */
	int64_t unix_ns;             /* of which time it is */
	uint64_t bytes;              /* of the archive */
	uint64_t n_files;            /* make: in it; list: 0 */
	uint64_t n_masked;           /* make: secrets that stood in documents and are ${VARIABLE} there; list: 0 */
	uint64_t n_pruned;           /* make: older ones that were removed; list: 0 */
};

/* Returns GENOPS_OK to go on; anything else ends the walk and is what the walk returns. Views and structs are borrowed for the call. */
typedef int genops_backup_fn(void *arg, const struct genops_backup *backup);

/* Makes one archive now, whatever the schedule, and removes those that are older than its retention. `to`: a directory or s3://bucket/prefix; NULL:
 * the configuration's. CONFIG: no place is known, or a secret stands where it cannot be masked; BUSY: another backup is being made; DENIED, REMOTE,
 * IO, FULL, LIMIT, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_backup_make(genops_engine *engine, enum genops_backup_kind kind, const char *to,
    struct genops_backup *ret_backup, struct genops_error *err);

/* The archives at a place, oldest first. `to` as above; NULL: those of both kinds where the configuration has them made. */
GENOPS_API GENOPS_NODISCARD int genops_backup_list(
    genops_engine *engine, const char *to, genops_backup_fn *on_backup, void *arg, struct genops_error *err);

/* How the schedule of one kind is doing, of all processes on the state directory. */
struct genops_backup_status {
	enum genops_backup_kind kind;
	bool is_scheduled;
	char place[512];
	struct genops_backup last;   /* unix_ns 0: there was none yet */
	int64_t next_unix_ns;        /* 0: not scheduled */
	int64_t n_made, n_failures;  /* n_failures: in a row; 0: the last one succeeded */
	int64_t failed_unix_ns;
	char reason[512];            /* why the last one failed and what to do; "" : it did not */
};
GENOPS_API GENOPS_NODISCARD int genops_backup_status(
    genops_engine *engine, enum genops_backup_kind kind, struct genops_backup_status *ret_status, struct genops_error *err);

struct genops_restored {
	enum genops_backup_kind kind;
	int64_t unix_ns;             /* of which time it is */
	uint64_t n_files, bytes;
	char to[512];
	char before[512];            /* where the directory that was there has been moved; "" : there was none */
	char config[256];            /* kind config: the configuration's file in it */
	uint64_t n_outside;          /* files that were not below the configuration's folder: they are in outside/, by their former paths */
	uint64_t n_secrets;          /* variables that have to be set, */
	char variables[1024];        /* and their names; of very many not all */
	uint64_t n_leftovers;        /* folders that killed restores to this name had left beside, and that are removed */
};

/* Unpacks an archive, a file or s3://bucket/key, into the directory `to`, which is made, or empty; with is_forced what is there is moved aside.
 * Everything is checked before `to` is touched. SYNTAX, CORRUPT, UNSUPPORTED: no archive, or not a whole one; EXISTS: `to` is not empty; BUSY: a
 * process uses it. Credentials for S3 come from the environment. */
GENOPS_API GENOPS_NODISCARD int genops_backup_restore(
    const char *archive, const char *to, bool is_forced, struct genops_restored *ret_restored, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
