/* SPDX-License-Identifier: Apache-2.0
 * net/append.h - transport FILE: whole batches at the end of a file, or on standard output. Private to this room. */
#ifndef NET_APPEND_H
#define NET_APPEND_H

#include "net/incoming.h"

/* `path` "-": standard output. `file` NULL: nothing is known of it. Success is status 200; what the system refuses is a network error. Errors: NOMEM. */
GENOPS_NODISCARD int genops_append_file(genops_str path, genops_str bytes, const struct genops_file_request *file, struct genops_incoming *incoming,
    struct genops_error *err);

#endif
