/* SPDX-License-Identifier: Apache-2.0
 * export/s3/sigv4.h - AWS Signature Version 4 of one request whose payload is at hand. Pure; time is an argument. */
#ifndef EXPORT_S3_SIGV4_H
#define EXPORT_S3_SIGV4_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/option.h"

#define GENOPS_SIGV4_DATE_SIZE   17 /* 20151231T235959Z */
#define GENOPS_SIGV4_SHA256_SIZE 65 /* hex */
#define GENOPS_SIGV4_HEADERS_MAX 40

struct genops_sigv4_keys {
	genops_str access_key, secret_key;
	genops_str session_token;       /* "" : none */
};

/* What is signed. Paths are as they stand on the request line: nothing is encoded or normalised again, as S3 wants it. */
struct genops_sigv4_request {
	genops_str method, path, query; /* query: "a=1&b=" percent-encoded, in any order; "" : none */
	const struct genops_text_pair *headers; /* all are signed; host and x-amz-date are among them */
	size_t n_headers;
	const char *payload_sha256;     /* hex, or UNSIGNED-PAYLOAD */
	genops_str region, service;
	const char *date;               /* the x-amz-date */
};

/* The value of the header Authorization, in the arena. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_sigv4_authorization(const struct genops_sigv4_request *request, const struct genops_sigv4_keys *keys,
    struct genops_arena *arena, genops_str *ret_authorization, struct genops_error *err);

void genops_sigv4_date(int64_t unix_ns, char ret_date[GENOPS_SIGV4_DATE_SIZE]);
/* False: no SHA-256 (then nothing can be signed). */
bool genops_sigv4_sha256(genops_str bytes, uint8_t ret_hash[32]);
void genops_sigv4_hex(const uint8_t hash[32], char ret_hex[GENOPS_SIGV4_SHA256_SIZE]);

/* Percent-encodes as AWS does: all but A-Z a-z 0-9 - . _ ~, and "/" if it is a path. */
void genops_sigv4_encode(genops_str text, bool is_path, struct genops_buffer *out);

#endif
