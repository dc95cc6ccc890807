/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_answer.h - what a receiver answers: Export<Signal>ServiceResponse, google.rpc.Status with RetryInfo.
 *
 * Specification: opentelemetry-proto docs/specification.md (2026-08): partial_success unset when all was taken; a body of
 * google.rpc.Status in the request's own encoding with every 4xx and 5xx; 429 and 503 with a delay.
 */
#ifndef TELEMETRY_OTLP_ANSWER_H
#define TELEMETRY_OTLP_ANSWER_H

#include "telemetry/otlp/otlp_request.h"

/* The response of one signal, with partial_success if something was rejected or `count->reason` is a warning. */
void genops_otlp_answer_success(
    enum genops_signal signal, bool is_json, const struct genops_otlp_count *count, struct genops_buffer *out);
/* google.rpc.Status; retry_after_ns > 0 adds RetryInfo to its details. grpc_code: google.rpc.Code. */
void genops_otlp_answer_status(bool is_json, int grpc_code, genops_str message, int64_t retry_after_ns, struct genops_buffer *out);

#endif
