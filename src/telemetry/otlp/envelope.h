/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/envelope.h - received telemetry as it lies in a segment entry of kind GENOPS_ENTRY_SPANS: where it came from, and OTLP.
 *
 * A version byte, then tag, length, value as in codec/wire.h, so that an old drain reads what a newer receiver wrote
 * (docs/queue-format.md).
 */
#ifndef TELEMETRY_ENVELOPE_H
#define TELEMETRY_ENVELOPE_H

#include "telemetry/otlp/otlp_request.h"

struct genops_envelope {
	enum genops_signal signal;
	bool is_observed;      /* traces: the LLM calls in it have been counted, and carry genops.* of it; not to be counted again */
	int64_t received_unix_ns;
	genops_str receiver;   /* "otlp", "otlp/edge": what service.pipelines call it; "genops": the engine's own operations */
	genops_str input;      /* __inputId of its events: "genops_otlp_source" for otlp, else the receiver's name */
	genops_str tenant;     /* X-Scope-OrgID, or what the token stands for; "" : none */
	genops_str key;        /* name of the token or governance key that sent it; "" : none */
	genops_str request;    /* Export<Signal>ServiceRequest in protobuf, checked */
};

#define GENOPS_INPUT_OTLP "genops_otlp_source" /* DESIGN 5 */

void genops_envelope_encode(const struct genops_envelope *envelope, struct genops_buffer *out); /* appends; check out->error */
/* Texts borrow from `bytes`. CORRUPT, UNSUPPORTED. */
GENOPS_NODISCARD int genops_envelope_decode(genops_str bytes, struct genops_envelope *ret_envelope, struct genops_error *err);

#endif
