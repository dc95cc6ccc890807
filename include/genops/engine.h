/* SPDX-License-Identifier: Apache-2.0
 * genops/engine.h - the engine: a configuration and a state directory, opened.
 *
 * Threads: an engine may be used from any number of threads at once; open and close are the only calls that
 * must not overlap with others on the same engine. After fork() a child calls genops_engine_after_fork()
 * before anything else (nginx workers do), or opens its own.
 * An engine starts one background thread (reload, drain and export when this process holds the directory's
 * drain lock, upkeep). It changes no signal handlers, no locale, prints nothing; logging goes to `on_log`.
 */
#ifndef GENOPS_ENGINE_H
#define GENOPS_ENGINE_H

#include <genops/attribute.h>
#include <genops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct genops_engine genops_engine;

enum genops_log_level { GENOPS_LOG_ERROR, GENOPS_LOG_WARN, GENOPS_LOG_INFO, GENOPS_LOG_DEBUG };

/* Called from any thread, one line without newline, never a secret or a prompt. Must not call the engine. */
typedef void genops_log_fn(void *arg, enum genops_log_level level, const char *line);

enum genops_drain_mode {
	GENOPS_DRAIN_AUTO,   /* drain the state directory when nobody else does (the default) */
	GENOPS_DRAIN_NEVER,  /* only append: gateway workers beside a drain process, read-only commands */
	GENOPS_DRAIN_ALWAYS, /* fail to open with GENOPS_BUSY when another process drains */
};

struct genops_engine_options {
	size_t size;            /* sizeof(struct genops_engine_options) */
	const char *config_file;  /* NULL: $GENOPS_CONFIG, ./genops.yaml, ~/.genops/config.yaml, else defaults */
	const char *config_text;  /* YAML instead of a file; NULL: none */
	const char *state_dir;    /* NULL: configuration, $GENOPS_STATE_DIR, ~/.genops/state */
	const char *service_name; /* resource attribute service.name; NULL: $OTEL_SERVICE_NAME or "genops" */
	enum genops_drain_mode drain;
	genops_log_fn *on_log;    /* NULL: silent */
	void *log_arg;
};

/* Opens an engine. Borrows everything in `options` for the call only; `options` may be NULL (all defaults).
 * Returns the owned engine (release with genops_engine_close), or NULL with *err filled: CONFIG or SYNTAX
 * (file, line, column, fix set), IO, FULL, CORRUPT, BUSY, NOMEM. */
GENOPS_API genops_engine *genops_engine_open(
    const struct genops_engine_options *options, struct genops_error *err);

/* In a forked child: gives it its own process slot, segment and thread. */
GENOPS_API GENOPS_NODISCARD int genops_engine_after_fork(genops_engine *engine, struct genops_error *err);

/* Waits until everything appended so far by this process is in the ledger and offered to all exporters once
 * (whoever drains). timeout_ms < 0: no limit. TIMEOUT when it did not get there; nothing is lost then. */
GENOPS_API GENOPS_NODISCARD int genops_engine_flush(
    genops_engine *engine, int64_t timeout_ms, struct genops_error *err);

/* Re-reads configuration, policies, budgets and prices if their files changed. On an error the old snapshot
 * stays and the error says where. ret_changed may be NULL. */
GENOPS_API GENOPS_NODISCARD int genops_engine_reload(
    genops_engine *engine, bool *ret_changed, struct genops_error *err);

/* Ends open operations as cancelled, stops the thread, gives the slot back. NULL is fine. */
GENOPS_API void genops_engine_close(genops_engine *engine);

/* What this process can see of itself; text in Prometheus exposition format 0.0.4 (`/metrics`). The caller
 * frees *ret_text with free(). */
GENOPS_API GENOPS_NODISCARD int genops_engine_metrics(
    genops_engine *engine, char **ret_text, size_t *ret_len, struct genops_error *err);

/* Adds an event that is no operation to the audit chain: `kind` like "serve.started" (at most 64 bytes), `detail` a JSON object with
 * no secret in it (at most 512 KiB). Errors: MISUSE, FULL, IO, LIMIT, NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_engine_record_event(
    genops_engine *engine, genops_str kind, genops_str detail, struct genops_error *err);
/* The same with what is in force as detail: mode, policies with their settings, budgets, names of keys. */
GENOPS_API GENOPS_NODISCARD int genops_engine_record_configuration(
    genops_engine *engine, genops_str kind, struct genops_error *err);

/* "0.1.0": of the library that is loaded. Static. */
GENOPS_API const char *genops_version(void);

#ifdef __cplusplus
}
#endif
#endif
