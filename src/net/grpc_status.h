/* SPDX-License-Identifier: Apache-2.0
 * net/grpc_status.h - what a gRPC answer says in its trailers, and the frame around a message. Private to http.c and grpc_h2c.c. */
#ifndef NET_GRPC_STATUS_H
#define NET_GRPC_STATUS_H

#include <genops/attribute.h>

#define GENOPS_GRPC_FRAME_LEN 5

struct genops_grpc_status {
	int status;            /* 0..16; -1: none was sent */
	int64_t retry_info_ns; /* google.rpc.RetryInfo; -1: none */
	char message[256];     /* percent-decoded, cut, NUL-terminated */
};

void genops_grpc_status_init(struct genops_grpc_status *status);

/* Takes a header or trailer; others than grpc-* are ignored. Names in any case. */
void genops_grpc_status_header(struct genops_grpc_status *status, genops_str name, genops_str value);

/* The 5 bytes before a message of len bytes. */
void genops_grpc_status_frame(char out[GENOPS_GRPC_FRAME_LEN], bool is_compressed, size_t len);
/* The first message of an answer's body; empty: none, not whole, or compressed (we never ask for that). */
genops_str genops_grpc_status_message(genops_str body);

#endif
