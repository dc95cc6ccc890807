/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/place/backup_place.h - where archives lie: a directory, or a bucket. One file a kind of place, one row in GENOPS_BACKUP_PLACES.
 *
 * An archive is there as a whole or not at all, whenever somebody is killed: a directory's is written aside and renamed, a bucket's is an object only when
 * it is complete. Blocking I/O; one thread a place. `cancel` is read atomically, non-zero ends waiting.
 */
#ifndef ENGINE_BACKUP_PLACE_BACKUP_PLACE_H
#define ENGINE_BACKUP_PLACE_BACKUP_PLACE_H

#include "base/error.h"
#include "base/log.h"
#include "engine/config.h"

struct genops_backup_place;

/* name of an object or file at the place, and its size. Fails to end the walk. */
typedef int genops_backup_found_fn(void *arg, genops_str name, uint64_t bytes, struct genops_error *err);
typedef int genops_backup_bytes_fn(void *arg, genops_str bytes, struct genops_error *err);

struct genops_backup_place_type {
	size_t size; /* of its struct, which begins with a genops_backup_place */
	int (*open)(struct genops_backup_place *place, struct genops_error *err);
	void (*close)(struct genops_backup_place *place);
	/* One archive at a time: begin, bytes*, then commit or abort. abort never fails; after a failure of bytes or commit it is called, too. */
	int (*begin)(struct genops_backup_place *place, const char *name, struct genops_error *err);
	int (*bytes)(struct genops_backup_place *place, genops_str bytes, struct genops_error *err);
	int (*commit)(struct genops_backup_place *place, struct genops_error *err);
	void (*abort)(struct genops_backup_place *place);
	int (*list)(struct genops_backup_place *place, genops_backup_found_fn *on_found, void *arg, struct genops_error *err);
	int (*remove)(struct genops_backup_place *place, const char *name, struct genops_error *err);
	int (*read)(struct genops_backup_place *place, const char *name, genops_backup_bytes_fn *on_bytes, void *arg, struct genops_error *err);
	/* What killed processes left half written longer ago than a day. Never fails: another time will do. */
	void (*sweep)(struct genops_backup_place *place, int64_t now_unix_ns);
};

struct genops_backup_place {
	const struct genops_backup_place_type *type;
	const struct genops_config_backup_place *settings; /* borrowed */
	const volatile int *cancel;
};

extern const struct genops_backup_place_type genops_backup_place_directory;
extern const struct genops_backup_place_type genops_backup_place_s3;

/* `settings` outlives it. NULL: err. */
struct genops_backup_place *genops_backup_place_open(
    const struct genops_config_backup_place *settings, const volatile int *cancel, struct genops_error *err);
void genops_backup_place_close(struct genops_backup_place *place);

/* A place from its text, with credentials from the environment: "/var/backups" or "s3://bucket/prefix". Freed by forget. */
struct genops_backup_named {
	struct genops_arena arena;
	struct genops_config_backup_place settings;
	void *s3; /* the form's own */
};
GENOPS_NODISCARD int genops_backup_named_read(struct genops_backup_named *named, genops_str text, struct genops_error *err);
void genops_backup_named_forget(struct genops_backup_named *named);

#endif
