/* SPDX-License-Identifier: Apache-2.0
 * dialect/dialect.h - the row that each provider API fills: read a request, follow a response,
 * refuse in its words.
 *
 * One API family is one file (openai.c, anthropic.c, ...; what outgrows a file gets a file per
 * endpoint, openai_chat.c) ending in const struct
 * genops_dialect rows of endpoints. Pure: bytes in, facts out; pieces of any size, same result.
 * Hosts never see this: engine/exchange.c drives it.
 */
#ifndef DIALECT_DIALECT_H
#define DIALECT_DIALECT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#include <genops/decision.h>
#include <genops/exchange.h>
#include <genops/usage.h>

/* What governance needs to know of a request. Texts live in the exchange's arena. */
struct genops_call {
	genops_str model;               /* empty: the API names none */
	const char *operation;          /* gen_ai.operation.name: "chat", "embeddings", "text_completion", ... */
	bool is_stream;
	bool is_metered;                /* false: free by nature (models list, count_tokens): recorded, priced at 0 */
	bool wants_stream_usage;        /* the client asked for the usage chunk itself */
	bool asks_usage;                /* an edit asks for usage that the client did not ask for: the answer hides it */
	genops_usage expected;          /* bounds: input from bytes (never below the true count), output from max_tokens x n_choices;
					 * output 0: not said, the bound is the model's maximum x
					 * n_choices */
	bool is_input_open;             /* more comes in than the request shows (stored conversation, files, hosted tools):
					 * the bound is then the greater of expected.input_tokens
					 * and the model's context */
	int64_t input_text_bytes;       /* the words in expected.input_tokens, in bytes; the rest of it are pictures, sound, preambles */
	int64_t max_output_tokens;      /* as asked, of one choice; 0: not said */
	int64_t n_choices;              /* n or best_of, times the number of prompts; 1 unless said */
	double temperature;
	bool has_temperature;
	enum genops_tier tier;          /* requested; dearest if "auto" */
	struct genops_buffer content;   /* prompt text for content filters, pieces separated by \n; only if wanted. Owned:
					 * genops_buffer_done by who called request_finish */
	bool has_content;               /* false: no text to read (token ids, audio) or not wanted */
	size_t n_edits;                 /* body edits: ask for usage in a stream */
	struct genops_edit edits[4];
};

/* What is known of the response so far. */
struct genops_answer {
	genops_str model;               /* that really answered */
	genops_usage usage;             /* normalised (genops/usage.h); last report wins, as the API defines */
	bool has_usage;                 /* the provider reported it, and whole */
	bool has_input_usage;           /* it reported the input side (Anthropic's message_start); output is not final */
	int64_t output_bytes;           /* text seen so far, for metering while no usage is known: bound on tokens */
	bool is_complete;               /* the API's own end was seen ([DONE], message_stop, whole JSON) */
	bool is_final;                  /* of a stream: complete, and nothing that costs can follow */
	bool is_error;                  /* the provider said error, also inside a 200 stream */
	char error_type[64], finish_reason[32], request_id[96];
	char response_id[96];           /* the body's "id" */
	int64_t n_tool_calls;
	/* Where a running stream can be ended cleanly: after cut_offset bytes of the piece just fed
	 * (and tap.before) the client
	 * has whole events only. False: an event is half sent; wait for the next piece. */
	bool can_cut;
	size_t cut_offset;
};

/* What to settle at: answer->usage where the provider reported it whole, else what can be known
 * from the bytes that passed
 * (is_estimated). An error before any output costs nothing. */
genops_usage genops_answer_settled(const struct genops_call *call, const struct genops_answer *answer);

enum genops_body_form {
	GENOPS_BODY_JSON,
	GENOPS_BODY_MULTIPART,          /* audio transcription, image edits: form fields read, files measured */
	GENOPS_BODY_NONE,
};

struct genops_dialect;
struct genops_endpoint;
struct genops_reading;                  /* this room's own: what the shared readers look for (dialect/read/fields.h) */

struct genops_request_info {
	const struct genops_endpoint *endpoint;
	genops_str target;              /* "/v1/chat/completions?x=y" as the provider will see it; borrowed while the state lives */
	genops_str content_type;        /* request header; empty: none. Multipart forms need its boundary */
	bool want_content;
	bool may_ask_usage;             /* the provider's row: stream_usage is GENOPS_STREAM_USAGE_ASKED */
};

struct genops_response_info {
	const struct genops_endpoint *endpoint;
	const struct genops_call *call; /* borrowed while the state lives */
	bool is_stream;                 /* content type text/event-stream */
	int status;
};

/* One endpoint of a dialect: "POST /v1/chat/completions". */
struct genops_endpoint {
	const char *name;               /* "openai.chat": ledger, spans, tests */
	const char *method;
	const char *path;               /* suffix to match behind the provider's base, "{}" is one segment */
	const char *operation;          /* gen_ai.operation.name */
	enum genops_body_form body_form;
	bool is_metered;                /* false: free by nature, its answer's usage is not counted */
	const struct genops_reading *reading;

	/* Per-exchange state of reading; sizes so that the exchange can take them from its arena.
	 * */
	size_t request_size, response_size;
	/* request: feed pieces, then finish into *call. SYNTAX: not well formed or ambiguous (400
	 * to the client). */
	/* A state is done'd once after a begin, also after a begin that failed. */
	int (*request_begin)(void *state, struct genops_arena *arena, const struct genops_request_info *info);
	int (*request_feed)(void *state, genops_str piece, struct genops_error *err);
	int (*request_finish)(void *state, struct genops_call *call, struct genops_error *err);
	void (*request_done)(void *state);
	/* response: like the tap of genops/exchange.h; `is_stream` from the content type. Never
	 * fails: what cannot be read is
	 * left out of the answer (has_usage false) and passed on. `answer` is zeroed by the caller
	 * before the first feed and the same one
	 * for all of an exchange. */
	int (*response_begin)(void *state, struct genops_arena *arena, const struct genops_response_info *info);
	void (*response_header)(void *state, genops_str name, genops_str value, struct genops_answer *answer); /* may be NULL */
	void (*response_feed)(void *state, genops_str piece, struct genops_tap *ret_tap, struct genops_answer *answer);
	void (*response_finish)(void *state, struct genops_tap *ret_tap, struct genops_answer *answer);
	void (*response_done)(void *state);
};

struct genops_refuse_input {
	const struct genops_decision *decision; /* NULL: not governance's refusal (400, 413, 502) */
	int status;                     /* wanted when decision is NULL */
	genops_str message;             /* teaches: policy, limit, asked, reset, operation id */
	genops_str operation_id;
	int64_t now_unix_ns;
};

struct genops_dialect {
	const char *name;               /* "openai" */
	const char *summary;
	const struct genops_endpoint *endpoints;
	size_t n_endpoints;
	/* Status, body and retry headers that this API's SDKs treat as final (DESIGN 5,
	 * reference/gateways.md 7). */
	void (*refuse)(const struct genops_refuse_input *input, struct genops_buffer *body, struct genops_refusal *ret_refusal);
	/* The same inside a stream that has begun: what to send before closing. */
	void (*refuse_in_stream)(const struct genops_refuse_input *input, const struct genops_endpoint *endpoint, struct genops_buffer *out);
	/* Where this API's SDKs put the key: "authorization" (Bearer), "x-api-key", "api-key";
	 * NULL-ended. */
	const char *const *key_headers;
};

/* Built-in providers: name, dialect, default base URL, region, environment variable with the key,
 * the header it goes in, and the variables
 * that `genops run` sets to point the SDK here. One row each in providers.c. */
enum genops_stream_usage {
	GENOPS_STREAM_USAGE_ALWAYS,     /* sent unasked, or asking is not known to be accepted: the request stays as it is */
	GENOPS_STREAM_USAGE_ASKED,      /* sent only when stream_options.include_usage asks for it, and asking is accepted */
};

struct genops_provider_row {
	const char *name;               /* "groq": the first path segment */
	const char *price_name;         /* provider in the catalogue */
	const char *dialect;
	const char *base_url;           /* "https://api.groq.com/openai"; "" : must be configured (azure) */
	const char *key_variable;       /* "GROQ_API_KEY" */
	const char *base_url_variables[4]; /* {"GROQ_BASE_URL", NULL} ... */
	const char *base_url_suffix;    /* what the variable's value has behind http://host:port/<name> ("/v1", "") */
	const char *key_header;         /* "authorization" (with "Bearer "), "x-api-key", "api-key" */
	enum genops_stream_usage stream_usage;
};
const struct genops_provider_row *genops_provider_rows(size_t *ret_n);
const struct genops_provider_row *genops_provider_row_find(genops_str name);

const struct genops_dialect *genops_dialect_find(genops_str name);
const struct genops_dialect *const *genops_dialects(size_t *ret_n);
/* The endpoint for a method and path (query cut off), or NULL: unknown route. */
const struct genops_endpoint *genops_dialect_route(const struct genops_dialect *dialect, genops_str method, genops_str path);

/* For gateway.unknown_routes: pass - any JSON or SSE is searched for a usage object in the forms
 * all dialects know. */
extern const struct genops_endpoint genops_dialect_detect;

#endif
