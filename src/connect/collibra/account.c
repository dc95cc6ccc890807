/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/account.c - see client.h and account.h: URL, credentials, OAuth token, pace. Makes no calls itself. */
#include "connect/collibra/account.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json_scan.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX      ((size_t)256 << 10)
#define URL_MAX        1024
#define EARLY_NS       (60 * GENOPS_NS_PER_S) /* a token is renewed so long before it expires */
#define TOKEN_LIFE_S   3600                   /* where the answer does not say */
#define RATE_DEFAULT   10
#define RATE_WINDOW_NS (GENOPS_NS_PER_S + 20 * GENOPS_NS_PER_MS) /* two calls may not take equally long to arrive */
#define CONNECT_NS     (10 * GENOPS_NS_PER_S)
#define TIMEOUT_NS     (30 * GENOPS_NS_PER_S)
#define SECRET_MAX     1024 /* of everything but a token */
#define SECRET_LEAST   4 /* shorter ones stand in ordinary words */

/* --- URL --- */

/* "127.0.0.1", not a name that begins so. */
static bool is_loopback(genops_str host)
{
	if (genops_str_is_nocase(host, "localhost") || genops_str_is(host, "[::1]"))
		return true;
	for (size_t i = 0; i < host.len; i++) {
		if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
			return false;
	}
	return genops_str_starts(host, GENOPS_STR("127."));
}

static genops_str host_of(genops_str rest)
{
	genops_str host = genops_str_split(&rest, '/');
	if (host.len && host.ptr[0] == '[') {
		size_t end = genops_str_find_char(host, ']');
		return end == SIZE_MAX ? host : (genops_str){host.ptr, end + 1};
	}
	return genops_str_split(&host, ':');
}

static genops_str without_tail(genops_str url)
{
	static const char *const tails[] = {"/", "/rest/2.0", "/rest"};
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		genops_str tail = genops_str_of(tails[i]);
		if (genops_str_ends(url, tail)) {
			url.len -= tail.len;
			i = (size_t)-1; /* again: "/rest/2.0/" */
		}
	}
	return url;
}

int genops_collibra_url_normalize(genops_str url, char *out, size_t size, struct genops_error *err)
{
	static const char fix[] = "set collibra.url or COLLIBRA_URL to https://<your instance>.collibra.com";
	url = without_tail(genops_str_trim(url));
	bool is_https = genops_str_starts(url, GENOPS_STR("https://")), is_http = genops_str_starts(url, GENOPS_STR("http://"));
	genops_str host = host_of(genops_str_skip(url, is_https ? 8 : 7));
	if (!url.len)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "collibra_url is required: there is no Collibra URL (COLLIBRA_URL)");
	if ((!is_https && !is_http) || !host.len || url.len >= size)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "the Collibra URL is not one that begins with https://");
	if (genops_str_find_char(url, '@') != SIZE_MAX || genops_str_find_char(url, '?') != SIZE_MAX ||
	    genops_str_find_char(url, '#') != SIZE_MAX)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "the Collibra URL has credentials or a query in it");
	if (is_http && !is_loopback(host))
		return genops_fail_fix(err, GENOPS_CONFIG, "write https://",
		    "the Collibra URL is http:// to another host: credentials would go over the network unencrypted");
	for (size_t i = 0; i < url.len; i++) {
		if ((unsigned char)url.ptr[i] <= ' ' || (unsigned char)url.ptr[i] == 127)
			return genops_fail_fix(err, GENOPS_CONFIG, fix, "the Collibra URL has blanks or control characters in it");
	}
	snprintf(out, size, "%.*s", GENOPS_STR_ARG(url));
	return GENOPS_OK;
}

/* --- making one --- */

static bool is_header_text(genops_str text, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' || (unsigned char)text.ptr[i] == 127)
			return false;
	}
	return text.len <= max;
}

static int check_credentials(const struct genops_collibra_settings *settings, struct genops_error *err)
{
	static const char fix[] = "set COLLIBRA_API_TOKEN, or COLLIBRA_USERNAME and COLLIBRA_PASSWORD, or COLLIBRA_CLIENT_ID and "
				  "COLLIBRA_CLIENT_SECRET";
	const genops_str all[] = {settings->api_token, settings->username, settings->password, settings->client_id, settings->client_secret};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!is_header_text(all[i], i ? SECRET_MAX : GENOPS_COLLIBRA_TOKEN_MAX - 1))
			return genops_fail_fix(err, GENOPS_CONFIG, fix, "a Collibra credential is too long or has control characters in it");
	}
	if (settings->client_id.len && !settings->client_secret.len)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "Collibra: there is a client_id without its client_secret");
	if (settings->client_id.len || settings->api_token.len)
		return GENOPS_OK;
	if (!settings->username.len && !settings->password.len)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "there are no Collibra credentials");
	if (!settings->username.len || !settings->password.len)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "Collibra: username and password belong together, and %s is missing",
		    settings->username.len ? "the password" : "the user name");
	if (genops_str_find_char(settings->username, ':') != SIZE_MAX)
		return genops_fail_fix(err, GENOPS_CONFIG, fix, "Collibra: a user name cannot have a colon in it");
	return GENOPS_OK;
}

static int copy_settings(struct genops_collibra_account *account, const struct genops_collibra_settings *from, const char *url)
{
	struct genops_collibra_settings *to = &account->settings;
	*to = *from;
	genops_str *texts[] = {&to->username, &to->password, &to->api_token, &to->client_id, &to->client_secret, &to->ca_file};
	bool ok = genops_arena_dup(&account->arena, genops_str_of(url), &to->url);
	for (size_t i = 0; i < sizeof texts / sizeof *texts && ok; i++)
		ok = genops_arena_dup(&account->arena, *texts[i], texts[i]);
	if (to->timeout_ns <= 0)
		to->timeout_ns = TIMEOUT_NS;
	if (to->connect_timeout_ns <= 0)
		to->connect_timeout_ns = to->timeout_ns < CONNECT_NS ? to->timeout_ns : CONNECT_NS;
	if (to->rate_limit_per_second <= 0)
		to->rate_limit_per_second = RATE_DEFAULT;
	if (to->rate_limit_per_second > GENOPS_COLLIBRA_RATE_MAX)
		to->rate_limit_per_second = GENOPS_COLLIBRA_RATE_MAX;
	return ok ? GENOPS_OK : GENOPS_NOMEM;
}

static uint64_t fingerprint_of(const struct genops_collibra_settings *settings)
{
	const genops_str texts[] = {settings->url, settings->username, settings->password, settings->api_token, settings->client_id,
	    settings->client_secret, settings->ca_file};
	const int64_t numbers[] = {settings->timeout_ns, settings->connect_timeout_ns, settings->max_retries, settings->rate_limit_per_second};
	uint64_t sum = genops_hash_checksum(numbers, sizeof numbers, 0);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		sum = genops_hash_checksum(texts[i].len ? texts[i].ptr : "", texts[i].len, sum + texts[i].len);
	return sum;
}

bool genops_collibra_account_fits(
    const struct genops_collibra_account *account, const struct genops_collibra_settings *settings)
{
	return account->fingerprint == fingerprint_of(settings);
}

struct genops_collibra_account *genops_collibra_account_new(
    const struct genops_collibra_settings *settings, struct genops_error *err)
{
	char url[URL_MAX];
	if (genops_collibra_url_normalize(settings->url, url, sizeof url, err) != GENOPS_OK ||
	    check_credentials(settings, err) != GENOPS_OK)
		return NULL;
	struct genops_collibra_account *account = calloc(1, sizeof *account);
	if (!account) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a Collibra account");
		return NULL;
	}
	account->refs = 1;
	account->fingerprint = fingerprint_of(settings);
	genops_arena_init(&account->arena, ARENA_MAX);
	pthread_mutex_init(&account->lock, NULL);
	pthread_mutex_init(&account->token_lock, NULL);
	if (copy_settings(account, settings, url) != GENOPS_OK) {
		genops_collibra_account_unref(account);
		genops_fail(err, GENOPS_NOMEM, "no memory for a Collibra account");
		return NULL;
	}
	return account;
}

struct genops_collibra_account *genops_collibra_account_ref(struct genops_collibra_account *account)
{
	atomic_fetch_add_explicit(&account->refs, 1, memory_order_relaxed);
	return account;
}

void genops_collibra_account_unref(struct genops_collibra_account *account)
{
	if (!account || atomic_fetch_sub_explicit(&account->refs, 1, memory_order_acq_rel) != 1)
		return;
	genops_arena_done(&account->arena);
	pthread_mutex_destroy(&account->lock);
	pthread_mutex_destroy(&account->token_lock);
	explicit_bzero(account->token, sizeof account->token);
	free(account);
}

genops_str genops_collibra_account_url(const struct genops_collibra_account *account)
{
	return account->settings.url;
}

void genops_collibra_account_counts(struct genops_collibra_account *account, struct genops_collibra_counts *ret_counts)
{
	pthread_mutex_lock(&account->lock);
	*ret_counts = account->counts;
	pthread_mutex_unlock(&account->lock);
}

/* --- pace --- */

int64_t genops_collibra_account_take(struct genops_collibra_account *account, int64_t now_ns)
{
	size_t n = (size_t)account->settings.rate_limit_per_second;
	pthread_mutex_lock(&account->lock);
	int64_t *oldest = &account->taken_ns[account->next];
	int64_t wait_ns = *oldest ? *oldest + RATE_WINDOW_NS - now_ns : 0;
	if (wait_ns <= 0) {
		*oldest = now_ns;
		account->next = (account->next + 1) % n;
		account->counts.n_calls++;
	}
	pthread_mutex_unlock(&account->lock);
	return wait_ns > 0 ? wait_ns : 0;
}

/* --- credentials --- */

/* "Basic " and base64 of "user:password". */
static void basic(genops_str user, genops_str password, char *out, size_t size)
{
	unsigned char pair[6 * SECRET_MAX + 2];
	size_t len = (size_t)snprintf((char *)pair, sizeof pair, "%.*s:%.*s", GENOPS_STR_ARG(user), GENOPS_STR_ARG(password));
	size_t at = (size_t)snprintf(out, size, "Basic ");
	if (len < sizeof pair && at + 4 * ((len + 2) / 3) < size)
		EVP_EncodeBlock((unsigned char *)out + at, pair, (int)len);
	explicit_bzero(pair, sizeof pair);
}

bool genops_collibra_account_authorize(struct genops_collibra_account *account, uint64_t refused, int64_t now_ns,
    char *out, size_t size, uint64_t *ret_number)
{
	const struct genops_collibra_settings *settings = &account->settings;
	*ret_number = 0;
	if (settings->client_id.len) {
		pthread_mutex_lock(&account->lock);
		bool is_good = account->token_until_ns > now_ns && account->token_number != refused;
		*ret_number = account->token_number;
		if (is_good)
			snprintf(out, size, "Bearer %s", account->token);
		pthread_mutex_unlock(&account->lock);
		return is_good;
	}
	if (settings->api_token.len)
		snprintf(out, size, "Bearer %.*s", GENOPS_STR_ARG(settings->api_token));
	else
		basic(settings->username, settings->password, out, size);
	return true;
}

/* RFC 6749 2.3.1: each part is url-encoded first (ids look like "urn:sys:env:..."). */
void genops_collibra_account_ask(const struct genops_collibra_account *account, char *out, size_t size)
{
	struct genops_buffer id, secret;
	genops_buffer_init(&id, 3 * SECRET_MAX);
	genops_buffer_init(&secret, 3 * SECRET_MAX);
	genops_collibra_path_add(&id, account->settings.client_id);
	genops_collibra_path_add(&secret, account->settings.client_secret);
	basic(genops_buffer_view(&id), genops_buffer_view(&secret), out, size);
	if (secret.ptr)
		explicit_bzero(secret.ptr, secret.cap);
	genops_buffer_done(&id);
	genops_buffer_done(&secret);
}

struct token_answer {
	char token[GENOPS_COLLIBRA_TOKEN_MAX];
	int64_t life_s;
	bool is_cut;
};

static void on_token(void *arg, const struct genops_json_value *value)
{
	struct token_answer *answer = arg;
	if (value->id == 0 && value->type == GENOPS_JSON_STRING) {
		answer->is_cut = value->is_cut || value->text.len >= sizeof answer->token || !is_header_text(value->text, GENOPS_COLLIBRA_TOKEN_MAX - 1);
		snprintf(answer->token, sizeof answer->token, "%.*s", GENOPS_STR_ARG(value->text));
	} else if (value->id == 1 && value->type == GENOPS_JSON_NUMBER && value->number > 0 && value->number < 1e9) {
		answer->life_s = (int64_t)value->number;
	} else if (value->id == 1 && value->type == GENOPS_JSON_STRING) {
		int64_t life_s;
		if (genops_str_to_int(value->text, &life_s) && life_s > 0 && life_s < 1000000000)
			answer->life_s = life_s;
	}
}

int genops_collibra_account_keep(
    struct genops_collibra_account *account, genops_str text, int64_t now_ns, struct genops_error *err)
{
	static const struct genops_json_path paths[] = {{"access_token", 0}, {"expires_in", 1}};
	struct token_answer answer = {.life_s = TOKEN_LIFE_S};
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_TOKEN_MAX, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, 2, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_token, &answer) : NULL;
	int code = scan ? genops_json_scan_feed(scan, text, err) : GENOPS_NOMEM;
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	if (code == GENOPS_OK && (!answer.token[0] || answer.is_cut))
		code = genops_fail(err, GENOPS_SYNTAX, "Collibra's answer to the request for a token holds none that can be used");
	if (code == GENOPS_OK) {
		int64_t life_ns = answer.life_s * GENOPS_NS_PER_S;
		pthread_mutex_lock(&account->lock);
		memcpy(account->token, answer.token, sizeof answer.token);
		/* A short-lived one is used for half its life, not never. */
		account->token_until_ns = now_ns + (life_ns > 2 * EARLY_NS ? life_ns - EARLY_NS : life_ns / 2);
		account->token_number++;
		account->counts.n_tokens++;
		pthread_mutex_unlock(&account->lock);
	}
	explicit_bzero(&answer, sizeof answer);
	return code;
}

/* --- messages --- */

static void censor(char *message, genops_str secret)
{
	genops_str text = genops_str_of(message);
	size_t at;
	while (secret.len >= SECRET_LEAST && (at = genops_str_find(text, secret)) != SIZE_MAX) {
		char *hit = message + (text.ptr - message) + at;
		memmove(hit + 3, hit + secret.len, strlen(hit + secret.len) + 1);
		memcpy(hit, "***", 3);
		text = genops_str_of(hit + 3);
	}
	/* What the far side said is cut somewhere; perhaps inside the secret. */
	text = genops_str_of(message);
	for (size_t len = secret.len < text.len ? secret.len : text.len; len >= SECRET_LEAST && secret.len >= SECRET_LEAST; len--) {
		if (genops_str_ends(text, (genops_str){secret.ptr, len})) {
			memcpy(message + text.len - len, "***", sizeof "***");
			return;
		}
	}
}

/* "Basic abc": what follows the blank, or nothing. */
static void censor_header(char *message, const char *header)
{
	const char *blank = strchr(header, ' ');
	if (blank)
		censor(message, genops_str_of(blank + 1));
}

void genops_collibra_account_censor(struct genops_collibra_account *account, char *message)
{
	const struct genops_collibra_settings *settings = &account->settings;
	char header[GENOPS_COLLIBRA_HEADER_MAX] = "";
	if (settings->client_id.len)
		genops_collibra_account_ask(account, header, sizeof header);
	else if (settings->username.len)
		basic(settings->username, settings->password, header, sizeof header);
	censor_header(message, header);
	explicit_bzero(header, sizeof header);
	censor(message, settings->password);
	censor(message, settings->api_token);
	censor(message, settings->client_secret);
	pthread_mutex_lock(&account->lock);
	censor(message, genops_str_of(account->token));
	pthread_mutex_unlock(&account->lock);
}
