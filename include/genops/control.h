/* SPDX-License-Identifier: Apache-2.0
 * genops/control.h - the control API, /api/v1/..., for any HTTP host.
 *
 *   POST /api/v1/decide      {"provider", "model", "attributes": {...}, "content", "input_tokens", "max_output_tokens",
 *                             "estimated_cost_usd"}   a hypothetical call: nothing is reserved or recorded
 *   GET  /api/v1/cost        ?by=team&since=...&until=...&where=team=x     as `genops cost --json`
 *   GET  /api/v1/budgets                                                   as `genops budget --json`
 *   GET  /api/v1/policies                                                  as `genops policy --json`
 *   GET  /api/v1/operations  ?limit=100&where=team=...                     newest first
 *   GET  /metrics                                                          Prometheus' text format
 *
 * Authentication is the gateway's: a virtual key as Bearer token or x-api-key; without require_key a loopback gateway answers
 * anybody. A key sees what it is bound to, everything only with `control: all`, and decides as its attributes. These calls
 * read SQLite: call them from a thread that may block for some milliseconds.
 */
#ifndef GENOPS_CONTROL_H
#define GENOPS_CONTROL_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

struct genops_control_answer {
	int status;          /* HTTP */
	char *body;          /* owned by the caller: free() */
	size_t body_len;
	const char *content_type; /* static */
};

/* Answers one request. `target` with query, `secret` the presented key ("" : none). Always fills *ret_answer (errors are JSON
 * {"error": {"message", "fix"}}); GENOPS_NOMEM only when not even that could be made. */
GENOPS_API GENOPS_NODISCARD int genops_control_handle(genops_engine *engine, genops_str method, genops_str target,
    genops_str secret, genops_str body, struct genops_control_answer *ret_answer, struct genops_error *err);

/* Who scrapes, and what. Views are borrowed for the call. */
struct genops_metrics_request {
	genops_str exporter; /* whose address: the exporter's name in the configuration; "" : the gateway's /metrics */
	genops_str accept;   /* the header: Prometheus' text, or OpenMetrics for whom prefers it */
	genops_str secret;   /* the presented key, "" : none */
	bool is_local;       /* the client is on this machine */
};

/* Answers a GET of /metrics, like genops_control_handle. */
GENOPS_API GENOPS_NODISCARD int genops_metrics_answer(genops_engine *engine, const struct genops_metrics_request *request,
    struct genops_control_answer *ret_answer, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
