/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/client.h - calls to a Collibra instance: who we are, how fast, how often, and what an answer means.
 *
 * An account is what one Collibra user may do in this process: credentials, the cached OAuth token, the pace, the counts. Any
 * thread may use it. A client is a connection of one thread over an account; its calls block, so it belongs on a connector's own
 * thread, never on the calling path.
 *
 * A call is tried again after a pause (Retry-After, else exponential with jitter) as often as the settings allow, but a write
 * that adds something (GENOPS_COLLIBRA_ONCE) only when it certainly never arrived: else its outcome is UNKNOWN, and the caller
 * looks. No redirect is followed; an answer that is not JSON is a failure. No secret is ever in a message.
 */
#ifndef CONNECT_COLLIBRA_CLIENT_H
#define CONNECT_COLLIBRA_CLIENT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

#define GENOPS_COLLIBRA_BODY_MAX   ((size_t)16 << 20)
#define GENOPS_COLLIBRA_ANSWER_MAX ((size_t)32 << 20)
#define GENOPS_COLLIBRA_PAGE       1000  /* Collibra's own maximum */
#define GENOPS_COLLIBRA_PAGES_MAX  10000 /* of one listing: a far side that never ends */

struct genops_collibra_settings {
	genops_str url;                      /* "https://acme.collibra.com", also with a pasted /rest/2.0 */
	genops_str username, password;       /* Basic */
	genops_str api_token;                /* Bearer, as it is; stronger than Basic */
	genops_str client_id, client_secret; /* OAuth client credentials; stronger than both */
	genops_str ca_file;                  /* extra CA; "" : the system's */
	int64_t timeout_ns;                  /* of one try, answer included; 0: 30 s */
	int64_t connect_timeout_ns;          /* 0: 10 s */
	int64_t max_retries;                 /* behind the first try; negative: none */
	int64_t rate_limit_per_second;       /* calls in any second; 0: 10 */
};

/* The number of calls by what came of them; of all threads. */
struct genops_collibra_counts {
	uint64_t n_calls;    /* requests that were sent, repeats and token requests included */
	uint64_t n_repeats;  /* of these */
	uint64_t n_limited;  /* answered with 429 */
	uint64_t n_failed;   /* calls (not tries) that did not come out OK */
	uint64_t n_tokens;   /* OAuth tokens fetched */
};

struct genops_collibra_account;

/* An owned reference; borrows nothing. NULL with *err: CONFIG (no URL, not https, no credentials; the message names the variable to set), NOMEM. */
struct genops_collibra_account *genops_collibra_account_new(
    const struct genops_collibra_settings *settings, struct genops_error *err);
struct genops_collibra_account *genops_collibra_account_ref(struct genops_collibra_account *account);
void genops_collibra_account_unref(struct genops_collibra_account *account); /* NULL is fine */
/* Is it one of these settings? */
bool genops_collibra_account_fits(
    const struct genops_collibra_account *account, const struct genops_collibra_settings *settings);
void genops_collibra_account_counts(struct genops_collibra_account *account, struct genops_collibra_counts *ret_counts);
/* "https://acme.collibra.com", normalised. Borrowed. */
genops_str genops_collibra_account_url(const struct genops_collibra_account *account);

/* Normalises a URL into `out`: without a trailing slash or a pasted /rest, /rest/2.0. CONFIG: no scheme, http:// to another host
 * than this one, credentials or a query in it. Pure. */
GENOPS_NODISCARD int genops_collibra_url_normalize(genops_str url, char *out, size_t size, struct genops_error *err);

/* What may be done when nobody knows whether a request arrived. */
enum genops_collibra_repeat {
	GENOPS_COLLIBRA_READ,       /* changes nothing */
	GENOPS_COLLIBRA_IDEMPOTENT, /* a write that leaves the same when it is made twice */
	GENOPS_COLLIBRA_ONCE,       /* a write that adds: repeated only when it certainly did not arrive (no connection, 401, 429) */
};

struct genops_collibra_call {
	const char *method;
	genops_str path;         /* "/assets": below /rest/2.0 */
	bool is_root;            /* the path begins at the host: "/graphql/knowledgeGraph/v1" */
	genops_str query;        /* encoded, without "?"; "" : none */
	genops_str body;         /* "" : none */
	genops_str content_type; /* of the body; "" : application/json */
	enum genops_collibra_repeat repeat;
};

enum genops_collibra_outcome {
	GENOPS_COLLIBRA_OK,             /* 2xx, JSON or nothing */
	GENOPS_COLLIBRA_REFUSED,        /* 400, 402, 409, 413, 422 ...: nothing was done, the same will be refused again */
	GENOPS_COLLIBRA_NOT_FOUND,      /* 404: the path, or an id in the body */
	GENOPS_COLLIBRA_UNAUTHENTICATED, /* 401, a redirect to a login page, HTML instead of JSON */
	GENOPS_COLLIBRA_FORBIDDEN,      /* 403: a right is missing, or the type is not allowed in the domain */
	GENOPS_COLLIBRA_LIMITED,        /* 429 after all tries: nothing was done */
	GENOPS_COLLIBRA_UNAVAILABLE,    /* not reached, or a read or idempotent write that failed after all tries: try again later */
	GENOPS_COLLIBRA_UNKNOWN,        /* a write made ONCE that may or may not have been done: look before doing it again */
	GENOPS_COLLIBRA_CANCELLED,
};

struct genops_collibra_answer {
	enum genops_collibra_outcome outcome;
	int status;                  /* HTTP; 0: none came */
	genops_str body;             /* borrowed from the client until its next call */
	bool is_timeout;
	char error_code[64];         /* Collibra's "errorCode", or OAuth's "error"; "" : none */
	char message[384];           /* what it says, one line, without secrets; "" when OK */
	char fix[240];               /* what to do about it */
};

struct genops_collibra_client;

/* `cancel` (may be NULL) is read atomically: non-zero ends waits and calls. `cancel` is borrowed while it lives. */
struct genops_collibra_client *genops_collibra_client_new(
    struct genops_collibra_account *account, const volatile int *cancel, struct genops_error *err);
void genops_collibra_client_free(struct genops_collibra_client *client);

/* Makes a call, tries again as far as its class allows, and judges. What the far side says is an answer; errors are NOMEM and
 * MISUSE alone. Blocks. */
GENOPS_NODISCARD int genops_collibra_client_call(struct genops_collibra_client *client,
    const struct genops_collibra_call *call, struct genops_collibra_answer *ret_answer, struct genops_error *err);

/* An answer that is not OK as an error: DENIED (401, 403), NOT_FOUND, BUSY (429), TIMEOUT, REMOTE. `what` goes before the message:
 * "the domains". Returns the code. */
int genops_collibra_answer_fail(
    const struct genops_collibra_answer *answer, const char *what, struct genops_error *err);

/* call and answer_fail in one, for callers to whom every failure is one. */
GENOPS_NODISCARD int genops_collibra_client_get(struct genops_collibra_client *client, genops_str path, genops_str query,
    const char *what, struct genops_collibra_answer *ret_answer, struct genops_error *err);

/* One page of a listing: shows the answer's body; how many elements are in "results" and what the next cursor is, the pager finds
 * itself. Anything but GENOPS_OK ends the listing and is what it returns. */
typedef int genops_collibra_page_fn(void *arg, genops_str body, struct genops_error *err);

/* All pages of "results" at `path`. `by_cursor`: assets, attributes, domains, communities; else by offset (types, statuses). The
 * listing is complete when it returns OK; otherwise nothing is known about what is missing. Errors: answer_fail's, SYNTAX, LIMIT
 * (over GENOPS_COLLIBRA_PAGES_MAX), and on_page's. */
GENOPS_NODISCARD int genops_collibra_client_list(struct genops_collibra_client *client, genops_str path, genops_str query,
    bool by_cursor, const char *what, genops_collibra_page_fn *on_page, void *arg, struct genops_error *err);

/* Adds "name=value", percent-encoded, with "&" where one is due. */
void genops_collibra_query_add(struct genops_buffer *query, const char *name, genops_str value);
/* A path segment, percent-encoded. */
void genops_collibra_path_add(struct genops_buffer *path, genops_str segment);

#endif
