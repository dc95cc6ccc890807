/* SPDX-License-Identifier: Apache-2.0
 * govern/record/record_fields.h - the rows behind govern/record/record.c: what a record stores,
 * under which number, as what.
 *
 * X(number, kind, field, limit). Numbers never change their meaning and are never reused; new ones
 * are added at the end. Kinds: ID (the array's bytes), INT (int64), U32, SMALL (int from 0 to
 * limit), ENUM (0 to limit, exclusive), FLAG, TEXT, DOUBLE. What is zero or empty is not stored.
 * docs/queue-format.md shows the bytes.
 */
#ifndef GOVERN_RECORD_FIELDS_H
#define GOVERN_RECORD_FIELDS_H

#include "govern/record.h"

/* 4, 20, 29 and 35 are the lists (those that every record has take a key of one byte), 37 and 38 the
 * lease and the temperature (both have a value for "none" that is not zero), 64 and up the usage
 * counts in the order of GENOPS_USAGE_FIELDS. */
#define RECORD_FIELDS(X)                                                                           \
	X(1, ID, trace_id, 0)                                                                      \
	X(2, ID, span_id, 0)                                                                       \
	X(3, ID, parent_span_id, 0)                                                                \
	X(33, TEXT, tracestate, 0)                                                                 \
	X(5, INT, start_unix_ns, 0)                                                                \
	X(6, INT, decided_unix_ns, 0)                                                              \
	X(7, INT, first_byte_unix_ns, 0)                                                           \
	X(8, INT, end_unix_ns, 0)                                                                  \
	X(9, TEXT, name, 0)                                                                        \
	X(10, TEXT, type, 0)                                                                       \
	X(11, TEXT, provider, 0)                                                                   \
	X(12, TEXT, request_model, 0)                                                              \
	X(13, TEXT, response_model, 0)                                                             \
	X(14, TEXT, region, 0)                                                                     \
	X(15, ENUM, outcome, GENOPS_OUTCOME_ABANDONED + 1)                                         \
	X(16, ENUM, result, GENOPS_BLOCKED + 1)                                                    \
	X(17, ENUM, reason, GENOPS_REASON_N)                                                       \
	X(18, ENUM, mode, GENOPS_MODE_AUDIT_ONLY + 1)                                              \
	X(19, FLAG, is_refused, 0)                                                                 \
	X(34, INT, delayed_ns, 0)                                                                  \
	X(21, TEXT, policy, 0)                                                                     \
	X(22, TEXT, policy_type, 0)                                                                \
	X(23, TEXT, message, 0)                                                                    \
	X(24, INT, estimated_nano_usd, 0)                                                          \
	X(25, INT, reserved_nano_usd, 0)                                                           \
	X(26, INT, actual_nano_usd, 0)                                                             \
	X(27, INT, input_nano_usd, 0)                                                              \
	X(28, INT, output_nano_usd, 0)                                                             \
	X(36, FLAG, is_cost_estimated, 0)                                                          \
	X(30, TEXT, price_source, 0)                                                               \
	X(31, SMALL, http_status, 999)                                                             \
	X(32, FLAG, is_stream, 0)                                                                  \
	X(39, FLAG, is_dry_run, 0)                                                                 \
	X(40, TEXT, finish_reason, 0)                                                              \
	X(41, TEXT, error_type, 0)                                                                 \
	X(42, TEXT, provider_request_id, 0)                                                        \
	X(43, TEXT, key_name, 0)                                                                   \
	X(44, TEXT, dialect, 0)                                                                    \
	X(45, INT, max_output_tokens, 0)                                                           \
	X(46, TEXT, service_name, 0)                                                               \
	X(47, TEXT, host, 0)                                                                       \
	X(48, TEXT, user, 0)                                                                       \
	X(49, U32, pid, 0)                                                                         \
	X(50, ENUM, usage.tier, GENOPS_TIER_PRIORITY + 1)                                          \
	X(51, FLAG, usage.is_estimated, 0)                                                         \
	X(52, FLAG, is_observed, 0)                                                                \
	X(53, TEXT, response_id, 0)

enum record_list {
	RECORD_EVALUATION = 4,
	RECORD_BUDGET = 20,
	RECORD_ATTRIBUTE = 29,
	RECORD_ALERT = 35,
	RECORD_LEASE = 37,
	RECORD_TEMPERATURE = 38,
	RECORD_USAGE = 64,
};

enum record_evaluation { EVALUATION_POLICY = 1, EVALUATION_POLICY_TYPE };
#define EVALUATION_FIELDS(X)                                                                       \
	X(EVALUATION_POLICY, TEXT, policy, 0)                                                      \
	X(EVALUATION_POLICY_TYPE, TEXT, policy_type, 0)                                                                 \
	X(3, ENUM, result, GENOPS_BLOCKED + 1)                                                     \
	X(4, ENUM, reason, GENOPS_REASON_N)                                                        \
	X(5, FLAG, is_violation, 0)                                                                \
	X(6, FLAG, is_error, 0)                                                                    \
	X(8, TEXT, message, 0)
/* A text, stored only if it is not the one that goes with the result (genops_level_action). */
#define EVALUATION_ACTION 7

enum record_budget { BUDGET_CONSUMED = 7, BUDGET_RESERVED };
#define BUDGET_FIELDS(X)                                                                           \
	X(1, INT, key.low, 0)                                                                      \
	X(2, INT, key.high, 0)                                                                     \
	X(3, TEXT, name, 0)                                                                        \
	X(4, TEXT, label, 0)                                                                       \
	X(5, ENUM, period, GENOPS_PERIOD_N)                                                        \
	X(6, INT, limit_nano_usd, 0)                                                               \
	X(BUDGET_CONSUMED, INT, consumed_nano_usd, 0)                                                       \
	X(BUDGET_RESERVED, INT, reserved_nano_usd, 0)                                                       \
	X(10, SMALL, alert_percent, 1000000)
#define BUDGET_LINE 9

typedef __typeof__(((struct genops_record_budget *)NULL)->lines[0]) record_budget_line;
#define LINE_FIELDS(X)                                                                             \
	X(1, ENUM, period, GENOPS_PERIOD_N)                                                        \
	X(2, INT, start_unix_s, 0)                                                                 \
	X(3, INT, end_unix_s, 0)

#define ALERT_FIELDS(X)                                                                            \
	X(1, TEXT, budget, 0)                                                                      \
	X(2, ENUM, alert.period, GENOPS_PERIOD_N)                                                  \
	X(3, SMALL, alert.percent, 1000000)                                                        \
	X(4, INT, alert.limit_nano_usd, 0)                                                         \
	X(5, INT, alert.consumed_nano_usd, 0)                                                      \
	X(6, INT, alert.period_start_unix_s, 0)

/* An attribute is no message of fields, since there are many: a byte for the type (enum
 * genops_attribute_type), the key's length as a varint, the key, and the value up to the end: a
 * text, 8 bytes, or a byte. */

/* A key is number * 4 + form, as a varint. */
enum record_form { FORM_BYTE, FORM_WORD32, FORM_WORD64, FORM_BYTES };

#define RECORD_VERSION 2

#endif
