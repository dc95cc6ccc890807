/* SPDX-License-Identifier: Apache-2.0
 * govern/record.h - the evidence of one operation: everything that the ledger, the audit chain, the
 * span and the metrics are made from. Encoded once by the process that ran it, decoded by the
 * drain.
 *
 * Encoding: a version byte, then fields as (tag varint, length varint or fixed value), unknown tags
 * skipped, so that an old drain reads a newer process (docs/queue-format.md; rows in
 * govern/record/record_fields.h). Decoding bounds everything and borrows texts from the bytes.
 */
#ifndef GOVERN_RECORD_H
#define GOVERN_RECORD_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "govern/budget.h"

#include <genops/operation.h>

struct genops_record_budget {
	struct genops_hash key;
	genops_str name, label;
	enum genops_period period;          /* the tightest window; figures after settling */
	int64_t limit_nano_usd, consumed_nano_usd, reserved_nano_usd;
	int alert_percent;                  /* the rule's lowest alert threshold; 0: none or not known */
	/* what this operation added to which windows: for restoring counters from the ledger */
	size_t n_lines;
	struct {
		enum genops_period period;
		int64_t start_unix_s, end_unix_s;
	} lines[GENOPS_PERIOD_N];
};

struct genops_record_alert {
	genops_str budget;
	struct genops_budget_alert alert;
};

struct genops_record {
	uint8_t trace_id[16], span_id[8], parent_span_id[8]; /* parent all zero: a root */
	genops_str tracestate;
	int64_t start_unix_ns, decided_unix_ns, first_byte_unix_ns, end_unix_ns; /* 0: did not happen */
	genops_str name, type, provider, request_model, response_model, region;
	enum genops_outcome outcome;
	uint32_t lease;                     /* GENOPS_LEASE_NONE: had none */
	/* decision */
	enum genops_result result;
	enum genops_reason reason;
	enum genops_mode mode;
	bool is_refused;
	int64_t delayed_ns;
	genops_str policy, policy_type, message;
	size_t n_evaluations;
	const struct genops_evaluation *evaluations;
	/* money and usage */
	genops_usage usage;
	int64_t estimated_nano_usd, reserved_nano_usd, actual_nano_usd, input_nano_usd, output_nano_usd;
	bool is_cost_estimated;             /* usage not from the provider, or a ceiling price */
	genops_str price_source;
	size_t n_budgets;
	const struct genops_record_budget *budgets;
	size_t n_alerts;
	const struct genops_record_alert *alerts;
	/* the exchange */
	int http_status;                    /* 0: none */
	bool is_stream, is_dry_run;
	bool is_observed;                   /* made by others, known from their spans: nothing could be refused */
	genops_str finish_reason, error_type, provider_request_id, response_id, key_name, dialect; /* response_id: of the answer's body; dialect: "openai.chat" */
	int64_t max_output_tokens;          /* asked for; 0: not said */
	double temperature;
	bool has_temperature;
	/* who and where */
	genops_str service_name, host, user;
	uint32_t pid;
	/* attributes, merged; evaluation data and custom ones among them */
	size_t n_attributes;
	const struct genops_attribute *attributes;
	size_t n_attribute_pieces;          /* of these that are written down already; for encoding only */
	const struct genops_attributes_piece *attribute_pieces;
};

/* The action of an evaluation that a program recorded with a result that nobody knows begins with this; the result follows. */
#define GENOPS_RECORD_VERBATIM "result:"

#define GENOPS_RECORD_MAX ((size_t)1 << 20) /* bytes, encoded */

/* How long the lists may be (evaluations: GENOPS_EVALUATIONS_MAX). */
#define GENOPS_RECORD_BUDGETS_MAX    64
#define GENOPS_RECORD_ALERTS_MAX     256
#define GENOPS_RECORD_ATTRIBUTES_MAX 256

/* Appends the encoding. Check buf->error: LIMIT when a list is too long, or the record's upper
 * bound (its texts and about 12 bytes a field) is over GENOPS_RECORD_MAX or over what the buffer
 * may still hold; nothing is appended then. */
void genops_record_encode(const struct genops_record *record, struct genops_buffer *buf);

/* The lists of records that were decoded before, for one to come that has the same: mostly policies and budgets are, and so are attributes.
 * Zeroed: there are none. What it names must stay: forget it (zero it) before their bytes or their arena go. */
#define GENOPS_RECORD_BEFORE_BUDGETS 8
struct genops_record_before {
	struct genops_record_before_list {
		genops_str bytes;                /* as encoded; empty: cannot be compared */
		const void *items;
		size_t n;
	} evaluations, attributes;
	struct genops_record_before_budget {
		genops_str bytes;
		size_t consumed_at, consumed_len; /* where in `bytes` the two are that are different each time */
		size_t reserved_at, reserved_len;
		const struct genops_record_budget *budget;
	} budgets[GENOPS_RECORD_BEFORE_BUDGETS];
};

/* As genops_record_decode; lists that are byte for byte those in `before` are shared with it, others are kept there for the next. */
GENOPS_NODISCARD int genops_record_decode_after(genops_str bytes, struct genops_record_before *before, struct genops_arena *arena,
    struct genops_record *ret_record, struct genops_error *err);

/* Texts borrow from `bytes`, arrays live in the arena. CORRUPT, NOMEM. */
GENOPS_NODISCARD int genops_record_decode(
    genops_str bytes, struct genops_arena *arena, struct genops_record *ret_record, struct genops_error *err);

#endif
