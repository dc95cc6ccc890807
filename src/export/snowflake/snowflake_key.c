/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_key.c - see snowflake_key.h. */
#include "export/snowflake/snowflake_key.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define BITS_MIN 2048
#define NAME_MAX_LEN 256

struct genops_snowflake_key {
	EVP_PKEY *pkey;
	char subject[2 * NAME_MAX_LEN + 2]; /* ACCOUNT.USER */
	char fingerprint[64];               /* SHA256:... of the public key */
};

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* A locator's region, and what ".global" has behind its dash, are no part of the account. */
static genops_str account_of(genops_str account)
{
	char end = genops_str_find(account, GENOPS_STR(".global")) != SIZE_MAX ? '-' : '.';
	return genops_str_split(&account, end);
}

static void set_subject(struct genops_snowflake_key *key, genops_str account, genops_str user)
{
	size_t n = 0;
	account = account_of(account);
	for (size_t i = 0; i < account.len; i++)
		key->subject[n++] = upper(account.ptr[i]);
	key->subject[n++] = '.';
	for (size_t i = 0; i < user.len; i++)
		key->subject[n++] = upper(user.ptr[i]);
	key->subject[n] = '\0';
}

static bool set_fingerprint(struct genops_snowflake_key *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned digest_len = 0;
	struct genops_buffer text;
	int len = i2d_PUBKEY(key->pkey, &der);
	bool is_right = len > 0 && EVP_Digest(der, (size_t)len, digest, &digest_len, EVP_sha256(), NULL) == 1;
	OPENSSL_free(der);
	genops_buffer_init(&text, sizeof key->fingerprint - 1);
	genops_buffer_add_text(&text, "SHA256:");
	genops_base64_add(&text, (genops_str){(const char *)digest, digest_len});
	is_right = is_right && !text.error;
	if (is_right)
		snprintf(key->fingerprint, sizeof key->fingerprint, "%.*s", (int)text.len, text.ptr);
	genops_buffer_done(&text);
	return is_right;
}

/* Never asks the terminal, as OpenSSL would by itself. */
static int on_passphrase(char *out, int size, int is_writing, void *arg)
{
	const genops_str *passphrase = arg;
	if (is_writing || passphrase->len > (size_t)size)
		return -1;
	if (passphrase->len)
		memcpy(out, passphrase->ptr, passphrase->len);
	return (int)passphrase->len;
}

static EVP_PKEY *read_pem(genops_str pem, genops_str passphrase)
{
	BIO *bio = pem.len && pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &passphrase) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

int genops_snowflake_key_new(genops_str account, genops_str user, genops_str pem, genops_str passphrase,
    struct genops_snowflake_key **ret, struct genops_error *err)
{
	bool is_encrypted = genops_str_find(pem, GENOPS_STR("ENCRYPTED")) != SIZE_MAX;
	if (!account.len || account.len > NAME_MAX_LEN || !user.len || user.len > NAME_MAX_LEN)
		return genops_fail(err, GENOPS_CONFIG, "a private key needs account and user");
	struct genops_snowflake_key *key = calloc(1, sizeof *key);
	if (!key)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a key");
	key->pkey = read_pem(pem, passphrase);
	int code = GENOPS_OK;
	if (!key->pkey)
		code = genops_fail_fix(err, GENOPS_CONFIG,
		    is_encrypted ? "set private_key_passphrase to the key's" : "private_key: ${file:/path/rsa_key.p8}, a private key in PEM",
		    is_encrypted ? "private_key cannot be decrypted" : "private_key is no private key in PEM");
	else if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key->pkey) < BITS_MIN)
		code = genops_fail_fix(err, GENOPS_CONFIG, "openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -out rsa_key.p8",
		    "private_key is no RSA key of at least %d bits", BITS_MIN);
	else if (!set_fingerprint(key))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for a key");
	if (code != GENOPS_OK) {
		genops_snowflake_key_free(key);
		return code;
	}
	set_subject(key, account, user);
	*ret = key;
	return GENOPS_OK;
}

void genops_snowflake_key_free(struct genops_snowflake_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

/* base64url, without padding. */
static void add_part(struct genops_buffer *out, genops_str bytes)
{
	size_t start = out->len;
	genops_base64_add(out, bytes);
	while (!out->error && out->len > start && out->ptr[out->len - 1] == '=')
		out->len--;
	for (size_t i = start; !out->error && i < out->len; i++)
		out->ptr[i] = out->ptr[i] == '+' ? '-' : out->ptr[i] == '/' ? '_' : out->ptr[i];
}

static void add_claims(const struct genops_snowflake_key *key, int64_t now_s, struct genops_buffer *out)
{
	struct genops_buffer claims;
	struct genops_json_writer json;
	char issuer[sizeof key->subject + sizeof key->fingerprint];
	snprintf(issuer, sizeof issuer, "%s.%s", key->subject, key->fingerprint);
	genops_buffer_init(&claims, 8192);
	genops_json_writer_init(&json, &claims);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "iss", genops_str_of(issuer));
	genops_json_key_string(&json, "sub", genops_str_of(key->subject));
	genops_json_key_int(&json, "iat", now_s);
	genops_json_key_int(&json, "exp", now_s + GENOPS_SNOWFLAKE_JWT_LIFE_S);
	genops_json_object_end(&json);
	if (claims.error && !out->error)
		out->error = claims.error;
	add_part(out, genops_buffer_view(&claims));
	genops_buffer_done(&claims);
}

static bool sign(EVP_PKEY *pkey, genops_str text, unsigned char *signature, size_t *len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool is_signed = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey) == 1 &&
			 EVP_DigestSign(context, signature, len, (const unsigned char *)text.ptr, text.len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return is_signed;
}

int genops_snowflake_key_sign(
    const struct genops_snowflake_key *key, int64_t now_unix_ns, struct genops_buffer *out, struct genops_error *err)
{
	unsigned char signature[2048]; /* of a key of 16384 bits, the longest that OpenSSL takes */
	size_t start = out->len, len = sizeof signature;
	add_part(out, GENOPS_STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
	genops_buffer_add_char(out, '.');
	add_claims(key, now_unix_ns / GENOPS_NS_PER_S, out);
	if (!out->error && !sign(key->pkey, (genops_str){out->ptr + start, out->len - start}, signature, &len))
		out->error = GENOPS_NOMEM;
	genops_buffer_add_char(out, '.');
	if (!out->error)
		add_part(out, (genops_str){(const char *)signature, len});
	return out->error ? genops_fail(err, GENOPS_NOMEM, "no memory for a token") : GENOPS_OK;
}
