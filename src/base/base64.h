/* SPDX-License-Identifier: Apache-2.0
 * base/base64.h - RFC 4648, for bytes in JSON and in headers. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buffer.h"

/* Bytes that n characters can stand for, at most. */
#define GENOPS_BASE64_MAX(n) ((n) / 4 * 3 + 3)

/* Padded or not, in either alphabet, as receivers of proto3's JSON and of gRPC's headers must accept. `out` has room for
 * GENOPS_BASE64_MAX(text.len). False: it is not base64. */
bool genops_base64_decode(genops_str text, char *out, size_t *ret_len);

/* Appends it with the ordinary alphabet, padded; check buf->error. */
void genops_base64_add(struct genops_buffer *buf, genops_str bytes);

#endif
