/* SPDX-License-Identifier: Apache-2.0
 * export/s3/sigv4.c - see sigv4.h. The steps are those of AWS's documentation: canonical request, text to sign, key, signature. */
#include "export/s3/sigv4.h"

#include "base/clock.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CANONICAL_MAX ((size_t)256 << 10)
#define QUERY_MAX     64 /* parameters */

void genops_sigv4_date(int64_t unix_ns, char ret_date[GENOPS_SIGV4_DATE_SIZE])
{
	struct tm tm = {0};
	time_t seconds = (time_t)(unix_ns / GENOPS_NS_PER_S);
	gmtime_r(&seconds, &tm);
	if (!strftime(ret_date, GENOPS_SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm))
		memcpy(ret_date, "19700101T000000Z", GENOPS_SIGV4_DATE_SIZE);
}

bool genops_sigv4_sha256(genops_str bytes, uint8_t ret_hash[32])
{
	return EVP_Digest(bytes.len ? bytes.ptr : "", bytes.len, ret_hash, NULL, EVP_sha256(), NULL) == 1;
}

void genops_sigv4_hex(const uint8_t hash[32], char ret_hex[GENOPS_SIGV4_SHA256_SIZE])
{
	genops_str_to_hex(hash, 32, ret_hex);
}

void genops_sigv4_encode(genops_str text, bool is_path, struct genops_buffer *out)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
				c == '_' || c == '~' || (c == '/' && is_path);
		if (is_plain) {
			genops_buffer_add_char(out, (char)c);
			continue;
		}
		const char escape[] = {'%', digits[c >> 4], digits[c & 15]};
		genops_buffer_add(out, (genops_str){escape, 3});
	}
}

/* --- the canonical request --- */

static int compare(genops_str a, genops_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
	return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_parameter(const void *left, const void *right)
{
	genops_str a = *(const genops_str *)left, b = *(const genops_str *)right;
	genops_str name_a = genops_str_split(&a, '='), name_b = genops_str_split(&b, '=');
	int order = compare(name_a, name_b);
	return order ? order : compare(a, b);
}

static int add_query(genops_str query, struct genops_buffer *out, struct genops_error *err)
{
	genops_str parameters[QUERY_MAX];
	size_t n = 0;
	for (genops_str rest = query; rest.len;) {
		if (n == QUERY_MAX)
			return genops_fail(err, GENOPS_LIMIT, "over %d parameters in a query", QUERY_MAX);
		parameters[n++] = genops_str_split(&rest, '&');
	}
	qsort(parameters, n, sizeof *parameters, by_parameter);
	for (size_t i = 0; i < n; i++) {
		if (i)
			genops_buffer_add_char(out, '&');
		genops_buffer_add(out, parameters[i]);
		if (genops_str_find_char(parameters[i], '=') == SIZE_MAX)
			genops_buffer_add_char(out, '=');
	}
	return GENOPS_OK;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int by_name(const void *left, const void *right)
{
	genops_str a = (*(const struct genops_text_pair *const *)left)->key, b = (*(const struct genops_text_pair *const *)right)->key;
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return lower(a.ptr[i]) < lower(b.ptr[i]) ? -1 : 1;
	}
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	const struct genops_text_pair *first = *(const struct genops_text_pair *const *)left;
	return first < *(const struct genops_text_pair *const *)right ? -1 : 1; /* equal names stay in their order */
}

static void add_lower(struct genops_buffer *out, genops_str text)
{
	for (size_t i = 0; i < text.len; i++)
		genops_buffer_add_char(out, lower(text.ptr[i]));
}

/* Blanks at both ends go, several in a row become one. */
static void add_value(struct genops_buffer *out, genops_str value)
{
	value = genops_str_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		bool is_blank = value.ptr[i] == ' ' || value.ptr[i] == '\t';
		if (is_blank && (value.ptr[i - 1] == ' ' || value.ptr[i - 1] == '\t'))
			continue;
		genops_buffer_add_char(out, is_blank ? ' ' : value.ptr[i]);
	}
}

static void add_headers(const struct genops_text_pair *const *headers, size_t n, struct genops_buffer *out, struct genops_buffer *names)
{
	for (size_t i = 0; i < n; i++) {
		add_lower(out, headers[i]->key);
		genops_buffer_add_char(out, ':');
		add_value(out, headers[i]->value);
		while (i + 1 < n && genops_str_equal_nocase(headers[i]->key, headers[i + 1]->key)) {
			genops_buffer_add_char(out, ',');
			add_value(out, headers[++i]->value);
		}
		genops_buffer_add_char(out, '\n');
		if (names->len)
			genops_buffer_add_char(names, ';');
		add_lower(names, headers[i]->key);
	}
}

static int add_canonical(const struct genops_sigv4_request *request, struct genops_buffer *out, struct genops_buffer *names, struct genops_error *err)
{
	const struct genops_text_pair *headers[GENOPS_SIGV4_HEADERS_MAX];
	if (request->n_headers > GENOPS_SIGV4_HEADERS_MAX)
		return genops_fail(err, GENOPS_LIMIT, "over %d headers to sign", GENOPS_SIGV4_HEADERS_MAX);
	for (size_t i = 0; i < request->n_headers; i++)
		headers[i] = &request->headers[i];
	qsort(headers, request->n_headers, sizeof *headers, by_name);
	genops_buffer_add(out, request->method);
	genops_buffer_add_char(out, '\n');
	genops_buffer_add(out, request->path);
	genops_buffer_add_char(out, '\n');
	GENOPS_TRY(add_query(request->query, out, err));
	genops_buffer_add_char(out, '\n');
	add_headers(headers, request->n_headers, out, names);
	genops_buffer_add_char(out, '\n');
	genops_buffer_add(out, genops_buffer_view(names));
	genops_buffer_add_char(out, '\n');
	genops_buffer_add_text(out, request->payload_sha256);
	return GENOPS_OK;
}

/* --- the signature --- */

static bool hmac(const uint8_t *key, size_t key_len, genops_str text, uint8_t ret_hash[32])
{
	unsigned len = 32;
	return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)(text.len ? text.ptr : ""), text.len, ret_hash, &len) != NULL;
}

static bool sign(const struct genops_sigv4_request *request, genops_str secret, genops_str text, char ret_hex[GENOPS_SIGV4_SHA256_SIZE])
{
	struct genops_buffer first;
	uint8_t key[32];
	genops_buffer_init(&first, 4096);
	genops_buffer_add(&first, GENOPS_STR("AWS4"));
	genops_buffer_add(&first, secret);
	bool ok = !first.error && hmac((const uint8_t *)first.ptr, first.len, (genops_str){request->date, 8}, key) &&
		  hmac(key, 32, request->region, key) && hmac(key, 32, request->service, key) &&
		  hmac(key, 32, GENOPS_STR("aws4_request"), key) && hmac(key, 32, text, key);
	genops_sigv4_hex(key, ret_hex);
	if (first.ptr)
		explicit_bzero(first.ptr, first.len);
	genops_buffer_done(&first);
	return ok;
}

static int write_authorization(const struct genops_sigv4_request *request, const struct genops_sigv4_keys *keys,
    struct genops_buffer *canonical, genops_str names, struct genops_buffer *out, struct genops_error *err)
{
	char hash_hex[GENOPS_SIGV4_SHA256_SIZE], signature[GENOPS_SIGV4_SHA256_SIZE], scope[160];
	uint8_t hash[32];
	snprintf(scope, sizeof scope, "%.8s/%.*s/%.*s/aws4_request", request->date, GENOPS_STR_ARG(request->region), GENOPS_STR_ARG(request->service));
	bool ok = !canonical->error && genops_sigv4_sha256(genops_buffer_view(canonical), hash);
	genops_sigv4_hex(hash, hash_hex);
	genops_buffer_clear(canonical);
	genops_buffer_printf(canonical, "AWS4-HMAC-SHA256\n%s\n%s\n%s", request->date, scope, hash_hex);
	ok = ok && !canonical->error && sign(request, keys->secret_key, genops_buffer_view(canonical), signature);
	if (!ok)
		return genops_fail(err, GENOPS_NOMEM, "a request cannot be signed: no memory, or no SHA-256");
	genops_buffer_printf(out, "AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=%.*s, Signature=%s", GENOPS_STR_ARG(keys->access_key), scope,
	    GENOPS_STR_ARG(names), signature);
	return out->error ? genops_fail(err, out->error, "a signature does not fit into memory") : GENOPS_OK;
}

int genops_sigv4_authorization(const struct genops_sigv4_request *request, const struct genops_sigv4_keys *keys,
    struct genops_arena *arena, genops_str *ret_authorization, struct genops_error *err)
{
	struct genops_buffer canonical, names, out;
	genops_buffer_init(&canonical, CANONICAL_MAX);
	genops_buffer_init(&names, CANONICAL_MAX);
	genops_buffer_init(&out, CANONICAL_MAX);
	int code = add_canonical(request, &canonical, &names, err);
	if (code == GENOPS_OK && (canonical.error || names.error))
		code = genops_fail(err, canonical.error ? canonical.error : names.error, "a request to be signed is over %zu bytes", CANONICAL_MAX);
	if (code == GENOPS_OK)
		code = write_authorization(request, keys, &canonical, genops_buffer_view(&names), &out, err);
	if (code == GENOPS_OK && !genops_arena_dup(arena, genops_buffer_view(&out), ret_authorization))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for a signature");
	genops_buffer_done(&canonical);
	genops_buffer_done(&names);
	genops_buffer_done(&out);
	return code;
}
