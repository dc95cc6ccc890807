/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/service.h - service.pipelines, compiled: receivers, processors in order, exporters, a signal each.
 *
 * The configuration compiles it (engine/config/service/), the flow (engine/flow/) runs it: genops_service_take with each envelope
 * whose receiver a pipeline names, genops_service_tick from time to time. What comes out is given to the caller a pipeline, who puts it
 * before each of its exporters. A service is immutable and of the configuration's snapshot; a run is one thread's, and outlives reloads.
 *
 * What a processor gives of its own accord (genops/cost_aggregator: metrics) enters the metrics pipelines that share a receiver with a
 * pipeline in which it stands, as if that receiver had received it.
 */
#ifndef PIPELINE_COLLECTOR_SERVICE_H
#define PIPELINE_COLLECTOR_SERVICE_H

#include "pipeline/collector/processor.h"

#define GENOPS_SERVICE_PIPELINES_MAX 256
#define GENOPS_SERVICE_PARTS_MAX     64 /* receivers, processors, exporters of one pipeline: each */

struct genops_service_pipeline {
	genops_str name;                /* "traces", "traces/eu" */
	enum genops_signal signal;
	struct genops_texts receivers, exporters;
	size_t n_processors;
	const struct genops_processor **processors;
	int64_t items_max;              /* batch: send_batch_max_size: of what leaves it at once; 0: no maximum */
	bool is_plain;                  /* nothing changes anything, neither processors nor masks: a request leaves as it came */
};

struct genops_service {
	size_t n_processors;            /* all that are configured */
	struct genops_processor *processors;
	size_t n_pipelines;
	struct genops_service_pipeline *pipelines;
};

/* Frees what is not in the configuration's arena. */
void genops_service_done(struct genops_service *service);
/* Spans, data points or log records of a request. */
int64_t genops_service_count(enum genops_signal signal, genops_str request);
/* Does a pipeline of this signal name the receiver? */
bool genops_service_is_fed(const struct genops_service *service, enum genops_signal signal, genops_str receiver);
/* The strictest memory_limiter of the pipelines that name the receiver; NULL: there is none. */
const struct genops_processor_memory_limiter *genops_service_memory_limiter(const struct genops_service *service, genops_str receiver);
/* Is there a metrics pipeline for what this processor says by itself? */
bool genops_service_is_heard(const struct genops_service *service, const struct genops_processor *processor);

typedef int genops_service_costs_fn(void *arg, const genops_str *values, int64_t cost_nano_usd);

/* What a processor may ask for, and what becomes of what cannot be processed. */
struct genops_service_asks {
	/* Sums of cost over all operations that are recorded, grouped by `by` (store/ledger.h's keys): calls `fn` for each group. Their beginning
	 * is the time of the first operation. NULL: there are none. */
	int (*costs)(void *arg, const genops_str *by, size_t n_by, genops_service_costs_fn *fn, void *fn_arg, int64_t *ret_begin_unix_ns,
	    struct genops_error *err);
	/* How a budget stands now; false: there is none, or it cannot be read. NULL: the same. */
	bool (*budget)(void *arg, genops_str name, int64_t now_unix_ns, int64_t *ret_limit_nano_usd, int64_t *ret_consumed_nano_usd);
	/* A request that a processor could not process and that goes nowhere: to the dead letters with `why`. */
	int (*reject)(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_processor *processor,
	    const struct genops_envelope *envelope, const struct genops_error *why, struct genops_error *err);
	/* Something was wrong with an item that went on (error_mode: ignore), or dropped: told once a minute and processor. */
	void (*fault)(void *arg, const struct genops_processor *processor, const struct genops_error *why);
	void *arg;
};

/* Items by processor since the run was made; a processor is known by its name. */
struct genops_processor_count {
	uint64_t n_in, n_out, n_changed, n_failed;
};

/* One thread's. */
GENOPS_NODISCARD int genops_service_run_new(
    const struct genops_service_asks *asks, struct genops_processor_run **ret, struct genops_error *err);
void genops_service_run_free(struct genops_processor_run *run);
/* NULL: this processor has seen nothing yet. */
const struct genops_processor_count *genops_service_run_count(const struct genops_processor_run *run, genops_str processor);

/* A request that has left a pipeline, borrowed for the call: envelope->request, everything else as it came. n_items: spans, data points, log
 * records. Any code but OK ends the walk and is passed on. */
typedef int genops_service_emit_fn(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_envelope *envelope,
    int64_t n_items, struct genops_error *err);

/* Runs an envelope through every pipeline of its signal that names its receiver. The AI calls that are not observed yet are the caller's to
 * take out before. NOMEM, LIMIT, CORRUPT, and what emit returned; what a processor could not process is no error: asks->reject. */
GENOPS_NODISCARD int genops_service_take(const struct genops_service *service, struct genops_processor_run *run,
    const struct genops_envelope *envelope, int64_t now_unix_ns, genops_service_emit_fn *emit, void *arg, struct genops_error *err);
/* Asks each processor that has something to say by itself, when its interval has passed since it said it last (or since the run was made). */
/* What fails is told to asks->fault and tried again at the next time. */
GENOPS_NODISCARD int genops_service_tick(const struct genops_service *service, struct genops_processor_run *run, int64_t now_unix_ns,
    genops_service_emit_fn *emit, void *arg, struct genops_error *err);
/* When to call it next; INT64_MAX: never. */
int64_t genops_service_due(const struct genops_service *service, const struct genops_processor_run *run);

#endif
