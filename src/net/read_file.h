/* SPDX-License-Identifier: Apache-2.0
 * net/read_file.h - transport READ: a small file that somebody renews (a token, keys). Private to this room. */
#ifndef NET_READ_FILE_H
#define NET_READ_FILE_H

#include "net/incoming.h"

/* Success is status 200 and the file as its body, which is as long as an answer may be; what the system refuses is a network error.
 * Errors: NOMEM. */
GENOPS_NODISCARD int genops_read_file(genops_str path, struct genops_incoming *incoming, struct genops_error *err);

#endif
