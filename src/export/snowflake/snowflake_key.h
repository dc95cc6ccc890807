/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_key.h - key-pair authentication: a JSON Web Token (RFC 7519, RS256) that Snowflake checks against the public
 * key it has of the user. OpenSSL does the cryptography. */
#ifndef EXPORT_SNOWFLAKE_KEY_H
#define EXPORT_SNOWFLAKE_KEY_H

#include "base/buffer.h"
#include "base/error.h"

#define GENOPS_SNOWFLAKE_JWT_LIFE_S 3540 /* an hour is the most that is taken */

struct genops_snowflake_key; /* immutable; any thread */

/* A private RSA key of at least 2048 bits in PEM, encrypted or not, of `user` in `account`. *ret is the caller's. CONFIG (what is wrong and what
 * to do; never the key), NOMEM. */
GENOPS_NODISCARD int genops_snowflake_key_new(genops_str account, genops_str user, genops_str pem, genops_str passphrase,
    struct genops_snowflake_key **ret, struct genops_error *err);
void genops_snowflake_key_free(struct genops_snowflake_key *key);
/* Appends a token that is good from now on. NOMEM. */
GENOPS_NODISCARD int genops_snowflake_key_sign(
    const struct genops_snowflake_key *key, int64_t now_unix_ns, struct genops_buffer *out, struct genops_error *err);

#endif
