/* SPDX-License-Identifier: Apache-2.0
 * engine/exchange/exchange_state.h - the inside of a genops_exchange. exchange.c reads the request and admits, exchange_response.c follows
 * the answer and settles.
 *
 * An exchange and its arena are pooled by the engine: only those are kept whose arena stayed small.
 */
#ifndef ENGINE_EXCHANGE_STATE_H
#define ENGINE_EXCHANGE_STATE_H

#include "dialect/dialect.h"
#include "engine/operation/operation.h"

#include <genops/exchange.h>

#define GENOPS_EXCHANGE_ARENA_MAX ((size_t)8 << 20)
#define GENOPS_REFUSAL_MAX        ((size_t)16 << 10)

struct genops_exchange {
	genops_engine *engine;               /* borrowed */
	struct genops_config *config;        /* one reference */
	struct genops_arena arena;
	genops_str method, target;           /* target: behind the provider's segment */
	genops_str provider_name;
	genops_str prefix_team, prefix_project; /* /t/<team>/p/<project>; as sent, percent-decoded */
	bool is_path_ambiguous;              /* two readers could see two providers in it: refused */
	const struct genops_config_provider *provider; /* NULL: nobody knows it */
	const struct genops_provider_row *row;         /* NULL: only configured */
	const struct genops_dialect *dialect;
	const struct genops_endpoint *endpoint;        /* NULL: unknown route */

	/* request headers that matter */
	genops_str content_type, traceparent, tracestate, baggage, secret, origin;
	size_t n_attributes;                 /* x-genops-*, in attributes */

	void *request;                       /* the endpoint's state; NULL: not begun */
	struct genops_call call;
	const struct genops_config_key *key;
	genops_operation *operation;         /* NULL before admit, and for what is refused before deciding */
	enum genops_outcome refused_outcome;
	struct genops_buffer refusal_body;

	int status;
	bool is_stream, has_head, is_ended;
	void *response;
	struct genops_answer answer;
	struct genops_buffer last;           /* what ends a cut-off stream */
	bool is_cut_off, wants_cut;
	bool is_unanswered;                  /* the provider has the whole request and said nothing to it */

	struct genops_error fault;           /* first fault of the request; code 0: none */
	/* From fault on nothing is zeroed for the next exchange but fault.code: it is two thirds of all, and seldom written. */
	struct genops_attribute attributes[GENOPS_ATTRIBUTE_N_STANDARD];
};

/* Its memory, zeroed but for the arena, from the engine's pool or new; NULL: none. And back. */
genops_exchange *genops_exchange_pool_take(genops_engine *engine);
void genops_exchange_pool_put(genops_exchange *exchange);
/* At close: all that are pooled. */
void genops_exchange_pool_free(genops_engine *engine);

/* What no attribute can hold is the client's fault: told by admit. `what` names it. */
void genops_exchange_check_value(genops_exchange *exchange, const char *what, genops_str value);

/* Does a browser send this for a page of another host? Without a key of ours that page would spend the gateway's own. */
bool genops_exchange_is_foreign(const genops_exchange *exchange);

/* The refusal in the provider's words, or OpenAI's where nobody knows the provider. */
void genops_exchange_refuse_with(genops_exchange *exchange, const struct genops_decision *decision, int status,
    genops_str message, struct genops_refusal *ret_refusal);

#endif
