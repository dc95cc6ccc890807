/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elastic_attributes.h - OTLP's attributes as a JSON object: flat keys, whole integers, each key once. */
#ifndef EXPORT_ELASTIC_ATTRIBUTES_H
#define EXPORT_ELASTIC_ATTRIBUTES_H

#include "base/arena.h"
#include "codec/json_write.h"
#include "telemetry/otlp/otlp_span.h"

/* {...} of the attributes that have this field number in the message. Elasticsearch refuses a document that says a key twice: of equal keys the
 * last counts, where the first one stood. CORRUPT, LIMIT (too deep), NOMEM. */
GENOPS_NODISCARD int genops_elastic_attributes_write(
    genops_str message, uint32_t field, struct genops_arena *arena, struct genops_json_writer *json);
/* An AnyValue message. The same codes. */
GENOPS_NODISCARD int genops_elastic_attributes_value(genops_str any_value, struct genops_arena *arena, struct genops_json_writer *json);

#endif
