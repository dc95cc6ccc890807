/* SPDX-License-Identifier: Apache-2.0
 * net/http.h - outbound requests over libcurl (HTTP) and nghttp2 (gRPC without TLS; libcurl 7.88 cannot reuse h2c
 * connections). A request whose transport is FILE is appended to its file, one that is READ reads it; of KAFKA's, librdkafka sends the messages.
 *
 * One client is used by one thread. Connections are kept. No redirects are followed, no proxies but the usual *_proxy
 * variables, TLS 1.2+ verified unless told otherwise. Bodies of answers are cut at GENOPS_HTTP_ANSWER_MAX. No signal handler
 * is changed and no SIGPIPE raised.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "export/destination.h"

#define GENOPS_HTTP_ANSWER_MAX ((size_t)1 << 20)

struct genops_http_client;

struct genops_http_client *genops_http_client_new(struct genops_error *err);
void genops_http_client_free(struct genops_http_client *client);

/* Sends one request and waits for the answer (at most timeout_ns). A network failure is an answer with status 0. The
 * answer's texts are borrowed until the next call. `cancel` (may be NULL) is read atomically ten times a second: non-zero aborts
 * (looking up a gRPC host's name and connecting: once a second). Of settings the TLS fields, timeout_ns and nothing else
 * are used. Errors: NOMEM, MISUSE (a URL or header that cannot be sent). */
GENOPS_NODISCARD int genops_http_send(struct genops_http_client *client,
    const struct genops_destination_settings *settings, const struct genops_request *request,
    const volatile int *cancel, struct genops_response *ret_response, struct genops_error *err);

#endif
