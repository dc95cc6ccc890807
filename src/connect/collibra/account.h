/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/account.h - the inside of an account, for client.c: pace, credentials, counts. Private to this folder.
 *
 * Everything behind `lock` is shared by the clients' threads; a token is fetched by one of them while the others wait. */
#ifndef CONNECT_COLLIBRA_ACCOUNT_H
#define CONNECT_COLLIBRA_ACCOUNT_H

#include "connect/collibra/client.h"
#include "net/http.h"

#include <pthread.h>
#include <stdatomic.h>

#define GENOPS_COLLIBRA_RATE_MAX  1000
#define GENOPS_COLLIBRA_TOKEN_MAX 8192
#define GENOPS_COLLIBRA_HEADER_MAX 12288 /* Authorization */

struct genops_collibra_account {
	_Atomic uint32_t refs;
	struct genops_arena arena;
	uint64_t fingerprint;         /* of the settings as they were given */
	struct genops_collibra_settings settings; /* copies; url normalised */
	pthread_mutex_t lock;
	/* A token comes back a second after it was taken, so that no second sees more calls than there are tokens. */
	int64_t taken_ns[GENOPS_COLLIBRA_RATE_MAX];
	size_t next;
	/* OAuth. */
	pthread_mutex_t token_lock;   /* held while a token is fetched */
	char token[GENOPS_COLLIBRA_TOKEN_MAX];
	int64_t token_until_ns;       /* monotonic; 0: none */
	uint64_t token_number;        /* which one it is: whoever was refused with an older one has only to take this one */
	struct genops_collibra_counts counts;
};

/* Takes a token of the pace, or returns how long to wait for the next try (ns > 0). */
int64_t genops_collibra_account_take(struct genops_collibra_account *account, int64_t now_ns);

/* What stands in the header Authorization, into `out` ("Bearer ..."). *ret_number: of the OAuth token; 0: not OAuth. False: there is no token yet,
 * or it is about to expire, or its number is `refused`: fetch one (under token_lock). */
bool genops_collibra_account_authorize(struct genops_collibra_account *account, uint64_t refused, int64_t now_ns,
    char *out, size_t size, uint64_t *ret_number);

/* The request for a token: the header's value into `out`. Its body is GENOPS_COLLIBRA_TOKEN_BODY. */
void genops_collibra_account_ask(const struct genops_collibra_account *account, char *out, size_t size);
#define GENOPS_COLLIBRA_TOKEN_PATH "/rest/oauth/v2/token"
#define GENOPS_COLLIBRA_TOKEN_BODY "grant_type=client_credentials"
/* Keeps the token of an answer. SYNTAX: there is none in it. */
GENOPS_NODISCARD int genops_collibra_account_keep(
    struct genops_collibra_account *account, genops_str answer, int64_t now_ns, struct genops_error *err);

/* Puts *** where a secret of ours stands in a message. */
void genops_collibra_account_censor(struct genops_collibra_account *account, char *message);

#endif
