/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_api.c - genops/backup.h: backups made and listed by hand, and how the schedule is doing. */
#include "engine/backup/backup_name.h"
#include "engine/backup/place/backup_place.h"
#include "engine/backup/backup_run.h"
#include "engine/backup/place/backup_settings.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define FOUND_MAX 20000

/* A place by hand: in a bucket that the configuration knows, by its credentials, else by the environment's. */
static int name_place(const struct genops_config *config, const char *to, struct genops_backup_named *named, struct genops_error *err)
{
	genops_str text = genops_str_of(to);
	GENOPS_TRY(genops_backup_named_read(named, text, err));
	for (int kind = 0; named->settings.s3 && kind < GENOPS_BACKUP_KINDS; kind++) {
		const struct genops_config_backup_place *known = &config->backups[kind].place;
		genops_str rest = genops_str_skip(text, 5), known_rest = genops_str_skip(known->text, 5);
		if (known->s3 && genops_str_equal(genops_str_split(&rest, '/'), genops_str_split(&known_rest, '/')))
			named->settings.s3 = known->s3;
	}
	return GENOPS_OK;
}

static int make(genops_engine *engine, struct genops_config *config, enum genops_backup_kind kind, const char *to, struct genops_backup *ret_backup,
    struct genops_error *err)
{
	const struct genops_config_backup *settings = &config->backups[kind];
	struct genops_backup_named named = {0};
	struct genops_backup_run run = {.engine = engine, .config = config, .kind = kind, .place = &settings->place, .retention_ns = settings->retention_ns,
	    .now_unix_ns = genops_clock_unix_ns()};
	if (!to && !settings->is_on)
		return genops_fail_fix(err, GENOPS_CONFIG, "write backup_strategy.config_backup and state_backup with a destination, or say --to DIR",
		    "the configuration names no place for backups of the %s", kind == GENOPS_BACKUP_STATE ? "state" : "configuration");
	if (!to)
		return genops_backup_run(&run, ret_backup, err);
	int code = name_place(config, to, &named, err);
	run.place = &named.settings;
	run.retention_ns = 0; /* what lies elsewhere is not ours to remove */
	if (code == GENOPS_OK)
		code = genops_backup_run(&run, ret_backup, err);
	genops_backup_named_forget(&named);
	return code;
}

int genops_backup_make(
    genops_engine *engine, enum genops_backup_kind kind, const char *to, struct genops_backup *ret_backup, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	int code = make(engine, config, kind, to, ret_backup, err);
	genops_config_unref(config);
	return code;
}

/* --- the list --- */

struct listing {
	const struct genops_config_backup_place *place;
	unsigned kinds; /* bits */
	struct genops_backup *backups;
	size_t n;
};

static int on_found(void *arg, genops_str name, uint64_t bytes, struct genops_error *err)
{
	struct listing *listing = arg;
	struct genops_backup *backup = &listing->backups[listing->n];
	enum genops_backup_kind kind;
	int64_t unix_ns;
	(void)err;
	if (listing->n == FOUND_MAX || !genops_backup_name_read(name, &kind, &unix_ns) || !(listing->kinds & 1U << kind))
		return GENOPS_OK;
	*backup = (struct genops_backup){.kind = kind, .unix_ns = unix_ns, .bytes = bytes};
	snprintf(backup->name, sizeof backup->name, "%.*s", GENOPS_STR_ARG(name));
	snprintf(backup->place, sizeof backup->place, "%.*s", GENOPS_STR_ARG(listing->place->text));
	listing->n++;
	return GENOPS_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct genops_backup *left = a, *right = b;
	if (left->unix_ns != right->unix_ns)
		return left->unix_ns < right->unix_ns ? -1 : 1;
	return strcmp(left->name, right->name);
}

static int list_place(struct listing *listing, const struct genops_config_backup_place *settings, unsigned kinds, struct genops_error *err)
{
	struct genops_backup_place *place = genops_backup_place_open(settings, NULL, err);
	if (!place)
		return GENOPS_IO;
	listing->place = settings;
	listing->kinds = kinds;
	int code = place->type->list(place, on_found, listing, err);
	genops_backup_place_close(place);
	return code;
}

static int list(const struct genops_config *config, const char *to, struct listing *listing, struct genops_error *err)
{
	struct genops_backup_named named = {0};
	int code = GENOPS_OK;
	if (to) {
		code = name_place(config, to, &named, err);
		if (code == GENOPS_OK)
			code = list_place(listing, &named.settings, ~0U, err);
		genops_backup_named_forget(&named);
		return code;
	}
	for (int kind = 0; code == GENOPS_OK && kind < GENOPS_BACKUP_KINDS; kind++) {
		if (config->backups[kind].is_on)
			code = list_place(listing, &config->backups[kind].place, 1U << kind, err);
	}
	return code;
}

int genops_backup_list(genops_engine *engine, const char *to, genops_backup_fn *on_backup, void *arg, struct genops_error *err)
{
	struct listing listing = {.backups = calloc(FOUND_MAX + 1, sizeof *listing.backups)};
	if (!listing.backups)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a list of archives");
	struct genops_config *config = genops_engine_config(engine);
	int code = list(config, to, &listing, err);
	qsort(listing.backups, listing.n, sizeof *listing.backups, by_time);
	for (size_t i = 0; code == GENOPS_OK && i < listing.n; i++)
		code = on_backup(arg, &listing.backups[i]);
	genops_config_unref(config);
	free(listing.backups);
	return code;
}

/* --- the schedule --- */

int genops_backup_status(genops_engine *engine, enum genops_backup_kind kind, struct genops_backup_status *ret_status, struct genops_error *err)
{
	struct genops_backup_record records[GENOPS_BACKUP_KINDS];
	struct genops_config *config = genops_engine_config(engine);
	const struct genops_config_backup *settings = &config->backups[kind];
	struct genops_backup_status status = {.kind = kind, .is_scheduled = settings->is_on};
	(void)err;
	genops_backup_record_read(engine->state_dir, records);
	const struct genops_backup_record *record = &records[kind];
	snprintf(status.place, sizeof status.place, "%.*s", GENOPS_STR_ARG(settings->place.text));
	status.last = record->last;
	status.n_made = record->n_made;
	status.n_failures = record->n_failures;
	status.failed_unix_ns = record->failed_unix_ns;
	snprintf(status.reason, sizeof status.reason, "%s", record->reason);
	if (settings->is_on)
		status.next_unix_ns = genops_backup_next(
		    settings->every_ns, record->last.unix_ns, record->failed_unix_ns, record->n_failures, genops_clock_unix_ns());
	genops_config_unref(config);
	*ret_status = status;
	return GENOPS_OK;
}
