/* SPDX-License-Identifier: Apache-2.0
 * export/outgoing_body.h - compressing a request's body where it pays. Pure. */
#ifndef EXPORT_OUTGOING_BODY_H
#define EXPORT_OUTGOING_BODY_H

#include "codec/compress.h"

#define GENOPS_OUTGOING_BODY_SMALL ((size_t)2048) /* what is shorter goes as it is: it is one packet or two either way */

/* Replaces the body unless it is small; *ret_name is the content-encoding, "" : none. NOMEM, LIMIT; the body is then as it was. */
GENOPS_NODISCARD int genops_outgoing_body_compress(
    enum genops_compress_kind kind, struct genops_buffer *body, genops_str *ret_name, struct genops_error *err);

#endif
