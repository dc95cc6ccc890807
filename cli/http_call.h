/* SPDX-License-Identifier: Apache-2.0
 * http_call.h - one HTTP call to a gateway, for demo and for waiting until serve is ready. */
#ifndef CLI_HTTP_CALL_H
#define CLI_HTTP_CALL_H

#include <stdbool.h>
#include <stddef.h>

struct http_answer {
	int status;             /* 0: no answer; `failure` says why */
	char decision[32], reason[64], operation_id[64];
	char *body;             /* owned; NUL-terminated */
	size_t body_len;
	char failure[256];
};

/* POSTs `body` as JSON, or GETs when it is NULL. `headers` are "Name: value" texts, NULL-ended, or NULL. Always fills *ret. */
void http_call(const char *url, const char *const *headers, const char *body, long timeout_ms, struct http_answer *ret);
void http_answer_done(struct http_answer *answer);

#endif
