/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/operation.h - the inside of a genops_operation. Owned by whoever began it; pooled by the engine. */
#ifndef ENGINE_OPERATION_H
#define ENGINE_OPERATION_H

#include "engine/engine.h"
#include "govern/record.h"
#include "telemetry/propagation.h"

#include <genops/operation.h>

#define GENOPS_OPERATION_ARENA_MAX  ((size_t)1 << 20)
#define GENOPS_OPERATION_ALERTS_MAX 16
/* What a record usually needs: taken at the start, so that there is room for it at the end. */
#define GENOPS_OPERATION_RECORD_SIZE ((size_t)8 << 10)

struct genops_operation {
	genops_engine *engine;               /* borrowed: outlives the operation */
	struct genops_operation *next, *prev; /* in the engine's list */
	_Atomic bool is_open;
	struct genops_config *config;        /* one reference, kept in the pool for the next one; NULL: none */
	struct genops_arena arena, keys;     /* keys: of the attributes, kept over reuse as the next is */
	struct genops_buffer encoded;
	struct genops_attributes attributes;
	struct genops_record record;         /* filled as the operation goes */
	struct genops_decision decision;
	struct genops_evaluation *evaluations;
	const struct genops_price *price;    /* of the requested, later of the answering model; NULL: none */
	genops_str price_provider;           /* whose price it is looked up as */
	int64_t extra_cost_nano_usd;
	struct genops_quote quote;           /* of record.usage at price, if is_quoted */
	bool is_settled;                               /* recorded already; ending it only gives it back */
	bool is_quoted;
	size_t n_asks;
	struct genops_budget_ask asks[GENOPS_RESERVATION_BUDGETS_MAX];
	struct genops_budget_answer answers[GENOPS_RESERVATION_BUDGETS_MAX];
	struct genops_record_budget budgets[GENOPS_RESERVATION_BUDGETS_MAX]; /* the record's, once settled */
	struct genops_record_alert alerts[GENOPS_OPERATION_ALERTS_MAX];
	uint32_t lease;
	int64_t reserved_nano_usd;
	bool may_extend;                     /* some budget refuses: extensions must be asked for */
	int64_t begun_monotonic_ns;          /* at record.decided_unix_ns */
	struct genops_trace_context context;
	struct genops_operation_names *names; /* its own below: made for who asks, also through a const operation */
	struct genops_operation_names {
		bool are_made;
		char id[52];                 /* "<trace>-<span>" */
		char traceparent[56];
	} names_of_this;
};

/* What an HTTP exchange knows beyond the public options. Attribute layers are applied weakest first, between
 * the configuration's defaults and options->attributes; baggage comes after before_baggage. */
struct genops_operation_origin {
	const struct genops_attribute *before_baggage; /* path prefix */
	size_t n_before_baggage;
	const struct genops_attribute *bound;          /* the virtual key's: strongest of all */
	size_t n_bound;
	const struct genops_config_key *key;           /* NULL: none */
	struct genops_config *config;                  /* the snapshot that the key came from; NULL: current */
	bool has_content;
	genops_str price_provider;                     /* provider in the catalogue; empty: as options->provider */
	bool is_free;                                  /* unmetered endpoint: costs nothing */
	bool is_input_open;                            /* the model's whole context may be read, whatever the request shows */
	int64_t n_choices;                             /* 0: one; multiplies the model's maximum where no cap was said */
	const struct genops_operation_observed *observed; /* NULL: it is governed; else it has happened */
};

/* A call that others made, as its span says. Everything is evaluated, nothing is refused; budgets take it over their limits too; rate
 * limits neither give nor miss a token, as spans come in batches. */
struct genops_operation_observed {
	uint8_t trace_id[16], span_id[8], parent_span_id[8];
	int64_t start_unix_ns;
	genops_str service_name;                       /* "" : the engine's own; borrowed until the operation is dropped */
};

GENOPS_NODISCARD int genops_operation_begin_from(genops_engine *engine, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin, genops_operation **ret_operation, struct genops_error *err);

/* Without a trace: back into the pool. The lease is the caller's by now, or there is none. */
void genops_operation_drop(struct genops_operation *operation);

/* The snapshot was replaced: pooled operations give the old one back. */
void genops_operation_forget_config(genops_engine *engine);
/* In the child of a fork: what was open is its parent's. */
void genops_operation_after_fork(genops_engine *engine);
/* At close, when nobody else begins or ends any: ends those that are open as cancelled. */
void genops_operation_end_open(genops_engine *engine);
void genops_operation_free_all(genops_engine *engine);

/* decide.c: policies, key binding and budgets, then the reservation. */
GENOPS_NODISCARD int genops_decide(struct genops_operation *operation, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin, struct genops_error *err);

/* settle.c: prices, appends the record, settles the counters. */
GENOPS_NODISCARD int genops_settle(struct genops_operation *operation, enum genops_outcome outcome, int64_t now_unix_ns,
    struct genops_error *err);
/* Of an observed one: prices it (cost_nano_usd not GENOPS_COST_UNKNOWN: at that), commits the counters, and leaves the record encoded in
 * operation->encoded. It is the caller's to store it and then to free the lease, or to revert it. On failure the lease is gone. */
GENOPS_NODISCARD int genops_settle_observed(struct genops_operation *operation, enum genops_outcome outcome,
    int64_t end_unix_ns, int64_t cost_nano_usd, struct genops_error *err);
/* The model that answered is what is billed, if its price is known: from the moment on that it is. */
void genops_settle_price_answer(struct genops_operation *operation);
int64_t genops_settle_cost(const struct genops_operation *operation, struct genops_quote *ret_quote);
/* Sets the usage and quotes it, once for all who ask from now on. False: it is what was set before. */
bool genops_settle_usage(struct genops_operation *operation, const genops_usage *usage);

#endif
