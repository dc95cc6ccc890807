/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_run.c - see backup_run.h. */
#include "engine/backup/backup_run.h"

#include "base/str.h"
#include "engine/backup/backup_archive.h"
#include "engine/backup/backup_config.h"
#include "engine/backup/place/backup_place.h"
#include "engine/backup/backup_state.h"
#include "store/state_file.h"

#include <stdio.h>
#include <stdlib.h>

#define LOCK      "backup.lock"
#define FOUND_MAX 20000

/* --- those that are too old --- */

struct pruning {
	enum genops_backup_kind kind;
	int64_t *times, newest;
	size_t n;
};

static int on_found(void *arg, genops_str name, uint64_t bytes, struct genops_error *err)
{
	struct pruning *pruning = arg;
	enum genops_backup_kind kind;
	int64_t unix_ns;
	(void)bytes;
	(void)err;
	if (!genops_backup_name_read(name, &kind, &unix_ns) || kind != pruning->kind || pruning->n == FOUND_MAX)
		return GENOPS_OK;
	pruning->times[pruning->n++] = unix_ns;
	if (unix_ns > pruning->newest)
		pruning->newest = unix_ns;
	return GENOPS_OK;
}

static int prune(const struct genops_backup_run *run, struct genops_backup_place *place, uint64_t *n, struct genops_error *err)
{
	struct pruning pruning = {.kind = run->kind, .times = calloc(FOUND_MAX, sizeof(int64_t))};
	char name[GENOPS_BACKUP_NAME_SIZE];
	if (!pruning.times)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a list of archives");
	int code = place->type->list(place, on_found, &pruning, err);
	for (size_t i = 0; code == GENOPS_OK && i < pruning.n; i++) {
		if (!genops_backup_is_expired(pruning.times[i], pruning.newest, run->retention_ns, run->now_unix_ns))
			continue;
		genops_backup_name(run->kind, pruning.times[i], name);
		code = place->type->remove(place, name, err);
		*n += code == GENOPS_OK;
	}
	free(pruning.times);
	return code;
}

/* --- the archive --- */

static int pack(const struct genops_backup_run *run, struct genops_backup_archive *archive, struct genops_error *err)
{
	const struct genops_config_backup *settings = &run->config->backups[run->kind];
	if (run->kind == GENOPS_BACKUP_CONFIG)
		return genops_backup_config_pack(archive, run->config, settings->is_on ? settings->includes : ~0U, err);
	return genops_backup_state_pack(archive, run->engine->state_dir, err);
}

static int send(const struct genops_backup_run *run, struct genops_backup_place *place, struct genops_backup *backup, struct genops_error *err)
{
	struct genops_backup_archive archive;
	char main[256];
	genops_backup_config_main(run->config, main);
	const struct genops_backup_about about = {.kind = run->kind, .unix_ns = backup->unix_ns, .name = backup->name, .host = run->engine->host_text,
	    .main = run->kind == GENOPS_BACKUP_CONFIG ? main : ""};
	int code = genops_backup_archive_begin(&archive, place, &about, err);
	if (code == GENOPS_OK)
		code = pack(run, &archive, err);
	if (code != GENOPS_OK) {
		genops_backup_archive_give_up(&archive);
		return code;
	}
	backup->n_masked = archive.n_secrets;
	backup->n_files = archive.n_files;
	GENOPS_TRY(genops_backup_archive_end(&archive, err));
	backup->bytes = archive.bytes;
	return GENOPS_OK;
}

static int make(const struct genops_backup_run *run, struct genops_backup *backup, struct genops_error *err)
{
	const struct genops_config_backup *settings = &run->config->backups[run->kind];
	struct genops_error fault;
	struct genops_backup_place *place = genops_backup_place_open(run->place, run->cancel, err);
	if (!place)
		return err->code;
	place->type->sweep(place, run->now_unix_ns);
	int code = GENOPS_OK;
	if (run->kind == GENOPS_BACKUP_STATE)
		code = genops_backup_state_copy(run->engine->state_dir, settings->is_on ? settings->includes : ~0U, run->cancel, err);
	if (code == GENOPS_OK)
		code = send(run, place, backup, err);
	if (run->kind == GENOPS_BACKUP_STATE)
		genops_backup_state_forget(run->engine->state_dir);
	if (code == GENOPS_OK && run->retention_ns && prune(run, place, &backup->n_pruned, &fault) != GENOPS_OK)
		genops_log_error(&run->engine->log, GENOPS_LOG_WARN, "old backups stay", &fault);
	genops_backup_place_close(place);
	return code;
}

/* --- what came of it --- */

static void remember(const struct genops_backup_run *run, const struct genops_backup *backup, int code, const struct genops_error *err)
{
	struct genops_backup_record records[GENOPS_BACKUP_KINDS], *record = &records[run->kind];
	struct genops_error fault;
	genops_backup_record_read(run->engine->state_dir, records);
	if (code == GENOPS_OK) {
		record->last = *backup;
		record->n_made++;
		record->n_failures = record->failed_unix_ns = 0;
		record->reason[0] = '\0';
	} else {
		record->n_failed++;
		record->n_failures++;
		record->failed_unix_ns = run->now_unix_ns;
		snprintf(record->reason, sizeof record->reason, "%.300s%s%.200s", err->message, err->fix[0] ? "; " : "", err->fix);
	}
	if (genops_backup_record_write(run->engine->state_dir, records, &fault) != GENOPS_OK)
		genops_log_error(&run->engine->log, GENOPS_LOG_WARN, "what came of a backup cannot be written down", &fault);
}

int genops_backup_run(const struct genops_backup_run *run, struct genops_backup *ret_backup, struct genops_error *err)
{
	struct genops_backup backup = {.kind = run->kind, .unix_ns = run->now_unix_ns / 1000000000 * 1000000000};
	struct genops_error own, *fault = err ? err : &own;
	int lock;
	genops_backup_name(run->kind, run->now_unix_ns, backup.name);
	snprintf(backup.place, sizeof backup.place, "%.*s", GENOPS_STR_ARG(run->place->text));
	GENOPS_TRY(genops_state_file_lock(run->engine->state_dir, LOCK, &lock, fault));
	int code = make(run, &backup, fault);
	if (code != GENOPS_BUSY)
		remember(run, &backup, code, fault);
	genops_state_file_unlock(lock);
	if (code == GENOPS_OK)
		*ret_backup = backup;
	return code;
}
