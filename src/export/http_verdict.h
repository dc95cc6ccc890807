/* SPDX-License-Identifier: Apache-2.0
 * export/http_verdict.h - what an HTTP API's answer means, where its own contract says nothing else. Pure.
 *
 * OTLP's table is narrower (otlp_verdict.h). A type calls this first and then overrules what its vendor means otherwise.
 */
#ifndef EXPORT_HTTP_VERDICT_H
#define EXPORT_HTTP_VERDICT_H

#include "export/destination.h"

/* How long credentials that were refused are left alone: somebody has to renew them, and a storm of failed logins locks accounts. */
#define GENOPS_HTTP_CREDENTIALS_HOLD_NS (INT64_C(60) * 1000000000)

/* 2xx: sent. No answer, 408, 425, 429, 5xx: again, after Retry-After if there is one. 401, 403, 407: again after a minute, since what
 * waits is good and the credentials are not. All others: rejected for ever. The reason is one line: what came, and what to do. */
void genops_http_verdict(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

/* The same for an API with one address for everything: a page instead of an answer (a proxy's, a login's), a redirect and 404, 405, 410 say
 * nothing of what was sent. So it is kept and tried once a minute, until somebody mends the address or what stands in between. */
void genops_http_verdict_api(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

/* No answer at all (status 0): again, with the network's own words. */
void genops_http_verdict_no_answer(const struct genops_response *response, struct genops_send_verdict *ret_verdict);

/* Retry-After: seconds, or an HTTP date against received_unix_ns. ns, at most a day; 0: none, or not readable. */
int64_t genops_http_retry_after(genops_str text, int64_t received_unix_ns);

/* A server's text for one line of a log: control characters become spaces, what is cut is cut between characters. size > 0. */
void genops_http_verdict_text(char *ret_line, size_t size, genops_str text);

#endif
