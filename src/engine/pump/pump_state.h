/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_state.h - the inside of a pump, for the files of this folder. What is not said to be locked belongs to its thread. */
#ifndef ENGINE_PUMP_STATE_H
#define ENGINE_PUMP_STATE_H

#include "base/str.h"
#include "engine/pump/pump.h"
#include "engine/pump/pump_batch.h"
#include "engine/pump/pump_hold.h"
#include "engine/pump/pump_prepare.h"
#include "engine/pump/pump_memory.h"
#include "engine/pump/pump_own.h"
#include "net/http.h"
#include "net/retry.h"

/* Of the last request. */
struct genops_pump_answer {
	bool is_sent;                        /* it went out, or was tried to */
	int status, grpc_status;
};

struct genops_pump {
	genops_engine *engine;
	struct genops_config *config;        /* one reference: settings borrow from it */
	struct genops_metrics *metrics;
	struct genops_queue_cursor *shared;  /* its place in the queue that all share */
	struct genops_queue_cursor *cursor;  /* the one it reads: that, or the one of its own queue */
	struct genops_pump_own own;
	const struct genops_destination_type *type;
	struct genops_destination_settings settings;
	struct genops_http_client *client;
	struct genops_retry retry;
	struct genops_arena arena;           /* of one request */
	struct genops_pump_batch batch;
	struct genops_pump_hold hold;
	struct genops_pump_memory memory;
	int64_t gathered_since_ns, batch_timeout_ns;
	int64_t failing_since_ns;            /* monotonic; 0: the last attempt was good */
	bool is_retrying;
	int64_t retry_elapsed_ns;            /* give a batch up after failing that long; 0: never */
	size_t n_retry_statuses;             /* 0: as the type's contract says */
	uint16_t retry_statuses[GENOPS_CONFIG_STATUSES_MAX];
	int64_t health_interval_ns, health_timeout_ns; /* 0: no checks while nothing is sent */
	int64_t asked_ns;                    /* monotonic: the last request or check, or the begin */
	uint64_t fingerprint;                /* of all settings */
	char labels[160];                    /* destination="otlp/tempo" */
	int must_stop;                       /* atomic: send what can be sent at once, then end */
	int must_end;                        /* atomic: begin no further batch */
	int must_abort;                      /* atomic: break off a running request too */
	bool is_done;

	pthread_t thread;
	pthread_mutex_t lock;                /* wake, is_woken, idle_since_ns, tried_at_ns */
	pthread_cond_t wake;
	bool is_woken, is_flushing;
	int64_t idle_since_ns;               /* monotonic; 0: something is waiting */
	int64_t tried_at_ns;                 /* last finished attempt, good or bad */
	struct genops_pump_answer answer;
	struct genops_pump_status status;    /* under the lock */
	char complaint[256];                 /* last one logged, so that it is logged once */
};

static inline bool genops_pump_is_set(const int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/* pump.c */
bool genops_pump_is_flushing(struct genops_pump *pump); /* or stopping */
void genops_pump_count(struct genops_pump *pump, const char *name, double n);
void genops_pump_complain(struct genops_pump *pump, const char *reason); /* into the log, once */
/* pump_send.c: one request. False: it has to be tried again later. */
bool genops_pump_send(struct genops_pump *pump, struct genops_destination_batch send);
/* What the destination says without anything having come. It is not repeated as it was: the next time it says what is true then. */
bool genops_pump_send_due(struct genops_pump *pump);
/* pump_health.c: nothing is waiting. At most one check, if one is due. */
void genops_pump_check_health(struct genops_pump *pump);
/* pump_status.c */
void genops_pump_status_begin(struct genops_pump *pump);
void genops_pump_status_update(struct genops_pump *pump);
void genops_pump_status_failed(struct genops_pump *pump, const char *reason); /* tried again */
void genops_pump_status_sent(struct genops_pump *pump, int64_t n, int64_t n_rejected, const char *reason);
void genops_pump_status_dropped(struct genops_pump *pump, int64_t n);
void genops_pump_status_retried(struct genops_pump *pump);
/* pump_settings.c: borrowed from the configuration. */
void genops_pump_settings_of(const genops_engine *engine, const struct genops_config_exporter *exporter,
    const struct genops_config *config, struct genops_destination_settings *ret_settings);
uint64_t genops_pump_settings_sum(const struct genops_config_exporter *exporter, const struct genops_config *config);
void genops_pump_settings_fill(struct genops_pump *pump, const struct genops_config_exporter *exporter);

#endif
