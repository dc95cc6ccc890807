/* SPDX-License-Identifier: Apache-2.0
 * engine/engine.h - the inside of a genops_engine, for the files of this room and its thin neighbours.
 *
 * Lock order: engine.lock alone; nothing else is taken and nothing is called while it is held. Everything
 * that outlives a call holds its own reference to the configuration snapshot.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/log.h"
#include "base/pool.h"
#include "engine/config.h"
#include "engine/thread.h"
#include "store/counters.h"
#include "store/segment.h"

#include <genops/engine.h>

#include <pthread.h>
#include <stdatomic.h>

struct genops_collibra_account;
struct genops_drain;
struct genops_pending;
struct genops_collibra_exporter;
struct genops_tally;

#define GENOPS_ENGINE_SEGMENTS_MAX ((uint64_t)2 << 30) /* bytes of segments that are not drained yet */

struct genops_engine {
	struct genops_log log;
	char *config_file, *config_text, *state_option; /* as given; NULL: not given */
	const struct genops_config_parameters *parameters; /* borrowed; NULL: none */
	char *state_dir;
	char *service_text;
	char host_text[64], user_text[64];
	genops_str service_name, host, user; /* these three: each record has them */
	uint32_t pid;
	enum genops_drain_mode drain_option;

	pthread_mutex_t lock;                /* config's reference, the list of operations, the Collibra account */
	struct genops_config *_Atomic config; /* current snapshot: one reference; compared without the lock, never followed */
	struct genops_operation *operations; /* all there are, open or pooled; doubly linked, for close */
	struct genops_pool free_operations, free_exchanges, free_receives;

	struct genops_collibra_account *collibra_account; /* shared by the connector's threads; NULL: not used yet */

	struct genops_counters *counters;
	struct genops_segment_writer *segments;

	struct genops_thread_loop loop;      /* the background thread: upkeep.c */
	_Atomic int64_t flush_asked_ns, flush_done_ns; /* monotonic; set by flush, answered by the thread */
	_Atomic bool is_draining;
	struct genops_drain *drain;          /* not NULL: this process drains; the thread's alone once it runs */

	struct genops_collibra_exporter *collibra_exporter; /* collibra/; NULL: this process does not export there */

	struct genops_tally *_Atomic tally;  /* receive/receive_counts.c opens it */
	_Atomic bool has_no_tally;
	_Atomic uint64_t segment_bytes_seen, segment_bytes_since; /* receive/receive_append.c: of everybody, and of this process since */
	_Atomic bool is_queue_blocked;       /* seen with segment_bytes_seen: a destination has as much waiting as may */
	_Atomic int64_t segment_bytes_at_ns;
	_Atomic uint64_t memory_seen;        /* receive/receive_memory.c: of this process */
	_Atomic int64_t worker_memory_at_ns; /* max_memory_per_worker: this process's own, looked at when? */
	_Atomic uint64_t worker_memory_seen, worker_memory_taken; /* measured; promised to requests that are being read */
	_Atomic uint64_t worker_memory_least; /* the least that was ever measured; 0: not yet */
	_Atomic int64_t memory_at_ns;

	struct genops_pending *pending;      /* records that could not be appended yet: pending.c; under lock */
	_Atomic uint32_t n_pending;

	/* Of this process, for status and metrics. */
	_Atomic uint64_t n_append_failures, n_reloads, n_reload_failures;
};

/* As genops_engine_open; `parameters` outlive the engine. */
genops_engine *genops_engine_open_with(
    const struct genops_engine_options *options, const struct genops_config_parameters *parameters, struct genops_error *err);

/* The current snapshot; the caller unrefs. */
struct genops_config *genops_engine_config(genops_engine *engine);

/* upkeep.c: the thread that reloads, drains, exports, reaps. */
GENOPS_NODISCARD int genops_upkeep_start(genops_engine *engine, struct genops_error *err);
void genops_upkeep_stop(genops_engine *engine);
void genops_upkeep_wake(genops_engine *engine);

#endif
