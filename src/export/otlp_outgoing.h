/* SPDX-License-Identifier: Apache-2.0
 * export/otlp_outgoing.h - what the two OTLP destinations share on the way out: endpoint rules, headers, body. Pure. */
#ifndef EXPORT_OTLP_OUTGOING_H
#define EXPORT_OTLP_OUTGOING_H

#include "export/destination.h"
#include "telemetry/otlp/otlp_request.h"

#define GENOPS_OTLP_BYTES_MAX ((size_t)7 << 19) /* of one request: gRPC servers take 4 MiB unless told otherwise */

/* Headers can be sent, compression is known, TLS files go together. CONFIG. */
GENOPS_NODISCARD int genops_otlp_outgoing_check(
    const struct genops_destination_settings *settings, struct genops_error *err);

/* scheme://host[:port][/path] with one of the two schemes? CONFIG with the remedy. */
GENOPS_NODISCARD int genops_otlp_outgoing_check_url(genops_str url, const char *example, struct genops_error *err);

/* Adds a header; keys in lower case, which HTTP/2 demands. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_otlp_outgoing_header(struct genops_request *request, genops_str key, genops_str value,
    struct genops_arena *arena, struct genops_error *err);
/* All of the settings' headers. */
GENOPS_NODISCARD int genops_otlp_outgoing_headers(const struct genops_destination_settings *settings,
    struct genops_request *request, struct genops_arena *arena, struct genops_error *err);

/* What the batch is about: records are traces. */
enum genops_signal genops_otlp_outgoing_signal(const struct genops_destination_batch *batch);

/* Appends the batch as Export<Signal>ServiceRequest. NOMEM, LIMIT, CORRUPT. */
GENOPS_NODISCARD int genops_otlp_outgoing_encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, bool is_json, struct genops_buffer *body, struct genops_error *err);
/* The batch as Export<Signal>ServiceRequest into request->body, compressed as the settings say; *ret_encoding is the name of
 * the compression, "" for none. On failure the body is freed. NOMEM, LIMIT, CORRUPT. */
GENOPS_NODISCARD int genops_otlp_outgoing_body(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, bool is_json, struct genops_request *request,
    const char **ret_encoding, struct genops_error *err);

#endif
