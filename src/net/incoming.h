/* SPDX-License-Identifier: Apache-2.0
 * net/incoming.h - an answer while it comes in, over whichever transport: status, the headers that matter, a bounded body.
 * Private to this room. */
#ifndef NET_INCOMING_H
#define NET_INCOMING_H

#include "base/buffer.h"
#include "export/destination.h"
#include "net/grpc_status.h"

struct genops_incoming {
	int status;                      /* HTTP; 0: none yet */
	struct genops_grpc_status grpc;
	struct genops_buffer body;       /* at most GENOPS_HTTP_ANSWER_MAX */
	bool is_cut;                     /* there was more */
	bool is_unsent, is_timeout;      /* as in genops_response */
	char content_type[128], retry_after[64], kept_header[256];
	const char *kept_name;           /* of the header that goes into kept_header; NULL: none. Clearing keeps it */
	uint64_t file_inode;             /* as in genops_response */
	int64_t file_len;
	char network_error[300];         /* "" : none */
};

void genops_incoming_init(struct genops_incoming *incoming);
void genops_incoming_done(struct genops_incoming *incoming);
void genops_incoming_clear(struct genops_incoming *incoming); /* keeps the body's memory */

void genops_incoming_header(struct genops_incoming *incoming, genops_str name, genops_str value);
/* False: the body is cut from here on, or there is no memory; nothing more need be read. */
bool genops_incoming_body(struct genops_incoming *incoming, genops_str bytes);

/* There is no answer: status 0, and why. */
void genops_incoming_fail(struct genops_incoming *incoming, const char *format, ...) GENOPS_PRINTF(2, 3);

/* As the caller of genops_http_send sees it; texts are borrowed from it. */
void genops_incoming_export(const struct genops_incoming *incoming, bool is_grpc, struct genops_response *ret_response);

#endif
