/* SPDX-License-Identifier: Apache-2.0
 * engine/engine.c - opening a configuration and a state directory, and everything that lives as long as they do.
 *
 * Opening: configuration -> state directory -> counters -> (first process of all: drain what is left, restore the
 * counters from the ledger) -> segment writer -> thread. The first attacher holds the counters' set-up lock
 * until they are restored, so nobody spends from a budget that is not yet known.
 */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/str.h"
#include "connect/collibra/client.h"
#include "engine/collibra/collibra_export.h"
#include "engine/drain/drain.h"
#include "engine/exchange/exchange_state.h"
#include "engine/operation/operation.h"
#include "engine/operation/pending.h"
#include "engine/receive/receive.h"
#include "store/state_dir.h"
#include "store/tally.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define FLUSH_POLL_US      2000

struct genops_config *genops_engine_config(genops_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	struct genops_config *config = genops_config_ref(engine->config);
	pthread_mutex_unlock(&engine->lock);
	return config;
}

const char *genops_version(void)
{
	return "0.1.0";
}

/* --- opening --- */

static char *dup_or_null(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void learn_who_and_where(genops_engine *engine)
{
	struct passwd entry, *found = NULL;
	char buffer[1024];
	const char *user = getenv("GENOPS_USER");
	if (gethostname(engine->host_text, sizeof engine->host_text - 1) != 0)
		engine->host_text[0] = '\0';
	if (!user && getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
		user = found->pw_name;
	if (user)
		strncpy(engine->user_text, user, sizeof engine->user_text - 1);
	engine->host = genops_str_of(engine->host_text);
	engine->user = genops_str_of(engine->user_text);
	engine->pid = (uint32_t)getpid();
}

static enum genops_log_level log_level(void)
{
	const char *text = getenv("GENOPS_LOG_LEVEL");
	static const char *const names[] = {"error", "warn", "info", "debug"};
	if (!text)
		text = getenv("OTEL_LOG_LEVEL");
	for (int i = 0; text && i < 4; i++) {
		if (!strcasecmp(text, names[i]) || (i == GENOPS_LOG_WARN && !strcasecmp(text, "warning")))
			return (enum genops_log_level)i;
	}
	return GENOPS_LOG_INFO;
}

static int keep_options(genops_engine *engine, const struct genops_engine_options *options, struct genops_error *err)
{
	const char *service = options->service_name ? options->service_name : getenv("OTEL_SERVICE_NAME");
	engine->config_file = dup_or_null(options->config_file);
	engine->config_text = dup_or_null(options->config_text);
	engine->state_option = dup_or_null(options->state_dir);
	engine->service_text = strdup(service ? service : "genops");
	engine->service_name = genops_str_of(engine->service_text);
	engine->drain_option = options->drain;
	engine->log = (struct genops_log){options->on_log, options->log_arg, log_level()};
	if (!engine->service_text || (options->config_file && !engine->config_file) ||
	    (options->config_text && !engine->config_text) || (options->state_dir && !engine->state_option))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an engine");
	return GENOPS_OK;
}

static struct genops_config *load_config(genops_engine *engine, const struct genops_config *before, struct genops_error *err)
{
	struct genops_config_source source = {
	    .file = engine->config_file,
	    .text = engine->config_text,
	    .state_dir = engine->state_option,
	    .parameters = engine->parameters,
	    .before = before,
	};
	return genops_config_load(&source, err);
}

/* The first of all processes: what others left behind goes into the ledger, then the ledger's sums into the counters. */
static int restore(genops_engine *engine, struct genops_error *err)
{
	struct genops_drain *drain = NULL;
	GENOPS_TRY(genops_drain_open(engine, &drain, err));
	int code = genops_drain_restore(drain, err);
	if (code == GENOPS_OK)
		genops_counters_ready(engine->counters);
	if (code != GENOPS_OK || engine->drain_option == GENOPS_DRAIN_NEVER) {
		genops_drain_close(drain);
		return code;
	}
	engine->drain = drain;
	engine->is_draining = true;
	return GENOPS_OK;
}

static int open_segments(genops_engine *engine, struct genops_error *err)
{
	engine->segments = genops_segment_writer_new(engine->state_dir, genops_counters_process(engine->counters),
	    genops_counters_epoch(engine->counters), GENOPS_ENGINE_SEGMENTS_MAX, err);
	return engine->segments ? GENOPS_OK : GENOPS_NOMEM;
}

static int open_state(genops_engine *engine, struct genops_error *err)
{
	bool is_first = false;
	struct genops_config *config = load_config(engine, NULL, err);
	if (!config)
		return err->code;
	engine->config = config;
	if (config->collibra.is_kept_unread)
		genops_log_write(&engine->log, GENOPS_LOG_ERROR,
		    "the policies kept from Collibra cannot be read and do not govern; run genops collibra sync");
	engine->state_dir = strndup(config->state_dir.ptr, config->state_dir.len);
	if (!engine->state_dir)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an engine");
	GENOPS_TRY(genops_state_dir_open(engine->state_dir, err));
	GENOPS_TRY(genops_counters_open(engine->state_dir, &engine->counters, &is_first, err));
	GENOPS_TRY(open_segments(engine, err));
	if (is_first)
		GENOPS_TRY(restore(engine, err));
	if (engine->drain_option == GENOPS_DRAIN_ALWAYS && !engine->drain) {
		GENOPS_TRY(genops_drain_open(engine, &engine->drain, err));
		engine->is_draining = true;
	}
	/* Governance does not wait for it; upkeep tries it again. */
	if (genops_collibra_export_start(engine, &engine->collibra_exporter, err) != GENOPS_OK)
		genops_log_error(&engine->log, GENOPS_LOG_ERROR, "the export to Collibra cannot be started", err);
	return genops_upkeep_start(engine, err);
}

static int init_locks(genops_engine *engine)
{
	int failure = pthread_mutex_init(&engine->lock, NULL);
	return failure ? failure : genops_thread_loop_init(&engine->loop);
}

genops_engine *genops_engine_open(const struct genops_engine_options *options, struct genops_error *err)
{
	return genops_engine_open_with(options, NULL, err);
}

genops_engine *genops_engine_open_with(
    const struct genops_engine_options *options, const struct genops_config_parameters *parameters, struct genops_error *err)
{
	struct genops_engine_options defaults = {.size = sizeof defaults};
	struct genops_error own;
	if (!err)
		err = &own;
	if (!options)
		options = &defaults;
	if (options->size != sizeof *options) {
		genops_fail_fix(err, GENOPS_MISUSE, "set options.size = sizeof options, and compile against the installed headers",
		    "options->size is %zu, this library's is %zu", options->size, sizeof *options);
		return NULL;
	}
	genops_engine *engine = calloc(1, sizeof *engine);
	if (!engine || init_locks(engine)) {
		free(engine);
		genops_fail(err, GENOPS_NOMEM, "no memory for an engine");
		return NULL;
	}
	engine->parameters = parameters;
	learn_who_and_where(engine);
	int code = keep_options(engine, options, err);
	if (code == GENOPS_OK)
		code = open_state(engine, err);
	if (code != GENOPS_OK) {
		genops_engine_close(engine);
		return NULL;
	}
	return engine;
}

/* --- closing --- */

void genops_engine_close(genops_engine *engine)
{
	if (!engine)
		return;
	if (engine->segments)
		genops_operation_end_open(engine);
	genops_upkeep_stop(engine);
	genops_collibra_export_stop(engine->collibra_exporter);
	engine->collibra_exporter = NULL; /* the last publishing looks at it */
	genops_drain_close(engine->drain);
	if (engine->segments)
		genops_pending_retry(engine);
	genops_pending_free(engine);
	genops_segment_writer_free(engine->segments);
	genops_counters_close(engine->counters);
	genops_operation_free_all(engine);
	genops_exchange_pool_free(engine);
	genops_receiver_pool_free(engine);
	genops_tally_close(engine->tally);
	genops_config_unref(engine->config);
	genops_collibra_account_unref(engine->collibra_account);
	genops_thread_loop_done(&engine->loop);
	pthread_mutex_destroy(&engine->lock);
	free(engine->config_file);
	free(engine->config_text);
	free(engine->state_option);
	free(engine->state_dir);
	free(engine->service_text);
	free(engine);
}

int genops_engine_after_fork(genops_engine *engine, struct genops_error *err)
{
	/* Of the parent's, the child keeps the snapshot and the pool; threads, drain, slot and segment are the parent's.
	 * Their handles are given up without closing: what they lock and where they write belongs to the parent. */
	init_locks(engine);
	engine->drain = NULL;
	engine->collibra_exporter = NULL;
	engine->is_draining = false;
	engine->collibra_account = NULL;
	genops_operation_after_fork(engine);
	genops_pending_free(engine);
	genops_segment_writer_free(engine->segments);
	engine->segments = NULL;
	engine->pid = (uint32_t)getpid();
	GENOPS_TRY(genops_counters_after_fork(engine->counters, err));
	GENOPS_TRY(open_segments(engine, err));
	return genops_upkeep_start(engine, err);
}

/* --- reload and flush --- */

/* An editor empties a file before it writes it; to govern nothing, or to have no pipeline, is said in words. */
static bool refuse_emptied(const struct genops_config *fresh, bool was_blank, bool had_blank_document, struct genops_error *err)
{
	if (fresh->is_blank && !was_blank)
		(void)genops_fail_fix(err, GENOPS_CONFIG, "to govern nothing, write: governance: {}",
		    "%.*s is empty; the configuration in use stays in force", GENOPS_STR_ARG(fresh->file));
	else if (fresh->blank_document.len && !had_blank_document)
		(void)genops_fail_fix(err, GENOPS_CONFIG, "to have no document in it, write a comment there, or leave the file away",
		    "%.*s is empty; the configuration in use stays in force", GENOPS_STR_ARG(fresh->blank_document));
	else
		return false;
	return true;
}

int genops_engine_reload(genops_engine *engine, bool *ret_changed, struct genops_error *err)
{
	struct genops_config *old = genops_engine_config(engine);
	bool is_stale = genops_config_is_stale(old), is_kept_unread = old->collibra.is_kept_unread, is_blank = old->is_blank,
	     has_blank_document = old->blank_document.len > 0;
	if (ret_changed)
		*ret_changed = false;
	if (!is_stale) {
		genops_config_unref(old);
		return GENOPS_OK;
	}
	struct genops_error own;
	struct genops_config *fresh = load_config(engine, old, err ? err : &own);
	genops_config_unref(old);
	/* The policies that govern are better than none. */
	if (fresh && fresh->collibra.is_kept_unread && !is_kept_unread) {
		genops_config_unref(fresh);
		fresh = NULL;
		(void)genops_fail_fix(err ? err : &own, GENOPS_CORRUPT, "run genops collibra sync",
		    "the policies kept from Collibra cannot be read; those in use stay in force");
	}
	if (fresh && refuse_emptied(fresh, is_blank, has_blank_document, err ? err : &own)) {
		genops_config_unref(fresh);
		fresh = NULL;
	}
	if (!fresh) {
		atomic_fetch_add(&engine->n_reload_failures, 1);
		return err ? err->code : own.code;
	}
	pthread_mutex_lock(&engine->lock);
	old = engine->config;
	engine->config = fresh;
	pthread_mutex_unlock(&engine->lock);
	genops_config_unref(old);
	genops_operation_forget_config(engine);
	atomic_fetch_add(&engine->n_reloads, 1);
	if (ret_changed)
		*ret_changed = true;
	return GENOPS_OK;
}

/* Somebody else drains: has the ledger everything that anybody had appended at the first question? The mark comes first: a pass that began
 * before it may have ended before it, too. */
static bool is_in_ledger(genops_engine *engine, struct genops_drain_mark **mark)
{
	struct genops_error err;
	if (!*mark) {
		if (genops_drain_mark_new(engine->state_dir, mark, &err) != GENOPS_OK)
			return false;
		genops_counters_ask_drain(engine->counters);
	}
	return genops_drain_mark_is_reached(*mark);
}

/* Several may ask at once: the latest moment is what the thread answers, and answers all of them with. */
static void ask_for_flush(genops_engine *engine, int64_t asked_ns)
{
	int64_t before = atomic_load(&engine->flush_asked_ns);
	while (before < asked_ns && !atomic_compare_exchange_weak(&engine->flush_asked_ns, &before, asked_ns))
		;
}

static int wait_for_drain(genops_engine *engine, int64_t asked_ns, int64_t deadline_ns, struct genops_drain_mark **mark)
{
	for (;;) {
		genops_upkeep_wake(engine);
		if (atomic_load(&engine->is_draining) ? atomic_load(&engine->flush_done_ns) >= asked_ns
						      : is_in_ledger(engine, mark))
			return GENOPS_OK;
		if (genops_clock_monotonic_ns() > deadline_ns)
			return GENOPS_TIMEOUT;
		usleep(FLUSH_POLL_US);
	}
}

int genops_engine_flush(genops_engine *engine, int64_t timeout_ms, struct genops_error *err)
{
	struct genops_drain_mark *mark = NULL;
	int64_t asked_ns = genops_clock_monotonic_ns();
	int64_t deadline_ns;
	if (timeout_ms < 0 || __builtin_mul_overflow(timeout_ms, GENOPS_NS_PER_MS, &deadline_ns) ||
	    __builtin_add_overflow(deadline_ns, asked_ns, &deadline_ns))
		deadline_ns = INT64_MAX; /* no limit, or none that anybody lives to see */
	ask_for_flush(engine, asked_ns);
	int code = wait_for_drain(engine, asked_ns, deadline_ns, &mark);
	genops_drain_mark_free(mark);
	if (code == GENOPS_OK)
		return GENOPS_OK;
	return genops_fail_fix(err, code, "nothing is lost; `genops status` says who drains and what waits",
	    "not everything was in the ledger and offered to the exporters after %lld ms", (long long)timeout_ms);
}
