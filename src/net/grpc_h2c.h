/* SPDX-License-Identifier: Apache-2.0
 * net/grpc_h2c.h - unary gRPC calls over HTTP/2 without TLS, on connections that are kept. Private to http.c.
 *
 * One thread. libcurl connects (names, proxies, happy eyeballs), nghttp2 speaks.
 */
#ifndef NET_GRPC_H2C_H
#define NET_GRPC_H2C_H

#include "base/error.h"
#include "base/option.h"
#include "net/incoming.h"

struct genops_grpc_h2c;

struct genops_grpc_call {
	genops_str url;                         /* "http://host:port" */
	genops_str path;                        /* "/package.Service/Method" */
	const struct genops_text_pair *headers; /* names in lower case */
	size_t n_headers;
	genops_str message;
	bool is_compressed;
	int64_t deadline_ns;                    /* monotonic */
	const volatile int *cancel;             /* may be NULL */
};

struct genops_grpc_h2c *genops_grpc_h2c_new(void); /* NULL: no memory */
void genops_grpc_h2c_free(struct genops_grpc_h2c *h2c);

/* The answer, or why there is none, goes into `incoming` (cleared by the caller). A kept connection that turns out to be
 * closed, or a call the server says it has not begun, is repeated once on a new one. Errors: NOMEM. */
GENOPS_NODISCARD int genops_grpc_h2c_send(struct genops_grpc_h2c *h2c, const struct genops_grpc_call *call,
    struct genops_incoming *incoming, struct genops_error *err);

#endif
