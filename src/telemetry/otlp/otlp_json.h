/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_json.h - OTLP's JSON mapping, both ways, for all three signals.
 *
 * proto3 JSON but for: ids in hex (either case), enums as integers only, names in lowerCamelCase only, unknown fields ignored, 64-bit
 * integers as texts or numbers, "NaN" and the infinities; null or absent is the default (opentelemetry-proto, docs/specification.md,
 * JSON Protobuf Encoding). Duplicate keys, bad UTF-8 and too much depth are errors.
 */
#ifndef TELEMETRY_OTLP_JSON_H
#define TELEMETRY_OTLP_JSON_H

#include "telemetry/otlp/otlp_request.h"

/* Appends the request as protobuf. SYNTAX, LIMIT, NOMEM; the message says at which byte. Ids of a wrong length stay so, and values that are
 * too deep stay too deep (by one level): otlp_request.h rejects only their items. */
GENOPS_NODISCARD int genops_otlp_json_read(
    enum genops_signal signal, genops_str json, struct genops_buffer *out, struct genops_error *err);
/* Of a document that was read and had no items: has it members, but not the one that such a request has? Names in snake_case, or another
 * signal's, are no error in OTLP; but who sent them should be told. */
bool genops_otlp_json_is_foreign(enum genops_signal signal, genops_str json);
/* Appends the request as one line of JSON. CORRUPT, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_otlp_json_write(
    enum genops_signal signal, genops_str request, struct genops_buffer *out, struct genops_error *err);

#endif
