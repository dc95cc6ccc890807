/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_sync.c - see collibra_sync.h. */
#include "engine/collibra/collibra_sync.h"

#include "base/clock.h"
#include "base/str.h"
#include "connect/collibra/policy/policy_fetch.h"
#include "engine/collibra/collibra_kept.h"
#include "store/state_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ARENA_MAX   ((size_t)128 << 20)
#define LOCK_FILE   "collibra-sync.lock"
#define LOCK_MAX_NS (60 * GENOPS_NS_PER_S)
#define LOOK_NS     (50 * GENOPS_NS_PER_MS)
#define NONE_FOUND  "Failed to import policies: No policies found" /* the guide's words, contract COL-069 */

/* One sync under way. */
struct syncing {
	genops_engine *engine;
	const struct genops_config *config;
	struct genops_collibra_session *session;
	struct genops_arena arena;
	struct genops_collibra_policy_set before, found, after;
	bool has_before;
	struct genops_collibra_changes changes;
	bool is_changed;
};

static int lock(genops_engine *engine, const volatile int *cancel, int *ret_fd, struct genops_error *err)
{
	int64_t until_ns = genops_clock_monotonic_ns() + LOCK_MAX_NS;
	for (;;) {
		int code = genops_state_file_lock(engine->state_dir, LOCK_FILE, ret_fd, err);
		bool is_over = genops_clock_monotonic_ns() > until_ns || (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED));
		if (code != GENOPS_BUSY || is_over)
			return code;
		nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
	}
}

/* What cannot be read is replaced. */
static int read_before(struct syncing *syncing, struct genops_error *err)
{
	struct genops_buffer text;
	int code = genops_state_file_read(
	    syncing->engine->state_dir, GENOPS_COLLIBRA_POLICIES_FILE, GENOPS_COLLIBRA_SET_MAX, &text, err);
	if (code == GENOPS_OK)
		code = genops_collibra_policy_set_read(genops_buffer_view(&text), &syncing->arena, &syncing->before, err);
	genops_buffer_done(&text);
	if (code == GENOPS_NOMEM)
		return code;
	syncing->has_before = code == GENOPS_OK && genops_collibra_kept_is_own(&syncing->config->collibra, &syncing->before);
	if (!syncing->has_before)
		syncing->before = (struct genops_collibra_policy_set){0};
	return GENOPS_OK;
}

static bool has_policy_types(const struct genops_collibra_types *types)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_collibra_asset_rows[i].policy_type && types->assets[i].id[0])
			return true;
	}
	return false;
}

static int fetch_once(struct syncing *syncing, struct genops_error *err)
{
	struct genops_collibra_session *session = syncing->session;
	GENOPS_TRY(genops_collibra_session_resolve(session, syncing->config, err));
	const struct genops_collibra_source source = {
	    .client = session->client,
	    .types = &session->types,
	    .domain = &session->domain,
	    .prefix = syncing->config->collibra.attribute_prefix,
	    .has_no_graphql = &session->has_no_graphql,
	};
	if (!has_policy_types(&session->types)) {
		genops_collibra_session_forget(session); /* they may be made any minute */
		return genops_collibra_types_need(&session->types, GENOPS_COLLIBRA_OF_POLICIES, source.prefix, err);
	}
	return genops_collibra_policy_fetch(&source, &syncing->arena, &syncing->found, err);
}

/* An id that is known from before may be gone: everything is looked up anew, once. */
static int fetch(struct syncing *syncing, struct genops_error *err)
{
	bool was_resolved = syncing->session->is_resolved;
	int code = fetch_once(syncing, err);
	if (code == GENOPS_NOT_FOUND && was_resolved) {
		genops_collibra_session_forget(syncing->session);
		code = fetch_once(syncing, err);
	}
	if (code == GENOPS_NOT_FOUND || code == GENOPS_DENIED)
		genops_collibra_session_forget(syncing->session);
	return code;
}

static int store(struct syncing *syncing, struct genops_error *err)
{
	struct genops_buffer text;
	syncing->after.url = syncing->config->collibra.url;
	syncing->after.changed_unix_ns = genops_clock_unix_ns();
	genops_buffer_init(&text, GENOPS_COLLIBRA_SET_MAX);
	genops_collibra_policy_set_write(&syncing->after, &text);
	int code = text.error ? genops_fail(err, text.error, "Collibra's policies are too many to be kept")
			      : genops_state_file_write(syncing->engine->state_dir, GENOPS_COLLIBRA_POLICIES_FILE, genops_buffer_view(&text), err);
	genops_buffer_done(&text);
	return code;
}

static int import(struct syncing *syncing, struct genops_error *err)
{
	GENOPS_TRY(read_before(syncing, err));
	GENOPS_TRY(fetch(syncing, err));
	GENOPS_TRY(genops_collibra_policy_set_diff(&syncing->before, &syncing->found, &syncing->arena, &syncing->after,
	    &syncing->changes, &syncing->is_changed, err));
	if (syncing->is_changed || !syncing->has_before)
		GENOPS_TRY(store(syncing, err));
	if (!syncing->found.n)
		snprintf(syncing->changes.errors[syncing->changes.n_errors++], sizeof syncing->changes.errors[0],
		    NONE_FOUND " in the domain \"%.200s\"", syncing->session->domain.name);
	return GENOPS_OK;
}

static void fill_result(const struct genops_collibra_changes *changes, struct genops_collibra_sync *sync)
{
	*sync = (struct genops_collibra_sync){
	    .n_imported = changes->n_imported,
	    .n_updated = changes->n_updated,
	    .n_removed = changes->n_removed,
	    .n_failed = changes->n_failed,
	    .n_errors = changes->n_errors,
	};
	memcpy(sync->errors, changes->errors, sizeof sync->errors);
}

/* A failure to write them is only told to the log: the sync itself is done, or has failed for a better reason. */
static void remember(const struct syncing *syncing, int code, const struct genops_error *cause)
{
	const struct genops_collibra_changes *changes = &syncing->changes;
	struct genops_collibra_sync_stats *stats = malloc(sizeof *stats);
	struct genops_error err;
	if (!stats)
		return;
	genops_collibra_stats_read(syncing->engine->state_dir, stats);
	stats->last_attempt_unix_ns = genops_clock_unix_ns();
	if (code == GENOPS_OK) {
		stats->last_sync_unix_ns = stats->last_attempt_unix_ns;
		stats->n_syncs++;
		stats->policies_imported += changes->n_imported;
		stats->policies_updated += changes->n_updated;
		stats->policies_removed += changes->n_removed;
		stats->policies_failed += changes->n_failed;
		stats->n_errors = changes->n_errors;
		memcpy(stats->errors, changes->errors, sizeof stats->errors);
		stats->last_error[0] = stats->last_fix[0] = '\0';
	} else {
		stats->n_failed_syncs++;
		snprintf(stats->last_error, sizeof stats->last_error, "%s", cause->message);
		snprintf(stats->last_fix, sizeof stats->last_fix, "%s", cause->fix);
	}
	if (genops_collibra_stats_write(syncing->engine->state_dir, stats, &err) != GENOPS_OK)
		genops_log_error(&syncing->engine->log, GENOPS_LOG_WARN, "the statistics of policy syncs are not stored", &err);
	free(stats);
}

static int run(struct syncing *syncing, const volatile int *cancel, struct genops_error *err)
{
	int fd;
	if (!syncing->config->collibra.url.len)
		return genops_fail_fix(err, GENOPS_CONFIG, "set collibra.url in the configuration, or COLLIBRA_URL", "Collibra is not configured");
	GENOPS_TRY(lock(syncing->engine, cancel, &fd, err));
	int code = genops_collibra_session_open(syncing->session, syncing->engine, syncing->config, cancel, err);
	if (code == GENOPS_OK)
		code = import(syncing, err);
	if (!cancel || !__atomic_load_n(cancel, __ATOMIC_RELAXED))
		remember(syncing, code, err);
	genops_state_file_unlock(fd);
	return code;
}

int genops_collibra_sync_run(genops_engine *engine, struct genops_collibra_session *session, const volatile int *cancel,
    struct genops_collibra_sync *ret_sync, struct genops_error *err)
{
	struct genops_error own;
	struct genops_config *config = genops_engine_config(engine);
	struct syncing *syncing = calloc(1, sizeof *syncing);
	if (!syncing) {
		genops_config_unref(config);
		return genops_fail(err, GENOPS_NOMEM, "no memory for a sync");
	}
	err = err ? err : &own;
	*syncing = (struct syncing){.engine = engine, .config = config, .session = session};
	genops_arena_init(&syncing->arena, ARENA_MAX);
	int code = run(syncing, cancel, err);
	if (code == GENOPS_OK)
		fill_result(&syncing->changes, ret_sync);
	/* Others see the changed file within a second; who asked sees it now. */
	if (code == GENOPS_OK && genops_engine_reload(engine, NULL, &own) != GENOPS_OK)
		genops_log_error(&engine->log, GENOPS_LOG_ERROR, "the imported policies are not in use yet", &own);
	genops_arena_done(&syncing->arena);
	free(syncing);
	genops_config_unref(config);
	return code;
}
