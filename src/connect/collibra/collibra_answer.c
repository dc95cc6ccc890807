/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/collibra_answer.c - see collibra_answer.h. Error bodies vary (reference: all fields optional; proxies send HTML or nothing), so an error
 * is understood by its status, and the body only gives words to it. */
#include "connect/collibra/collibra_answer.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "export/http_verdict.h"

#include <stdio.h>

#define PAUSE_MAX_NS   (60 * GENOPS_NS_PER_S)
#define BACKOFF_MAX_NS (16 * GENOPS_NS_PER_S)
#define WORDS_MAX      256

enum { TITLE, HELP, USER, CODE, MESSAGE, OAUTH_ERROR, OAUTH_DESCRIPTION, N_WORDS };

static const struct genops_json_path paths[] = {{"titleMessage", TITLE}, {"helpMessage", HELP}, {"userMessage", USER},
    {"errorCode", CODE}, {"message", MESSAGE}, {"error", OAUTH_ERROR}, {"error_description", OAUTH_DESCRIPTION}};

struct words {
	char text[N_WORDS][WORDS_MAX];
};

void genops_collibra_answer_line(genops_str text, char *out, size_t size)
{
	size_t n = 0, len;
	for (; text.len; text = genops_str_skip(text, len)) {
		unsigned char c = (unsigned char)text.ptr[0];
		size_t sequence = genops_str_utf8_sequence(text);
		/* C0, DEL, C1 (U+0080 to U+009F: a terminal may obey them too), and what is no UTF-8. */
		bool is_control = !sequence || c < ' ' || c == 127 || (c == 0xC2 && (unsigned char)text.ptr[1] < 0xA0);
		len = sequence ? sequence : 1;
		if (n + (is_control ? 1 : len) >= size)
			break;
		if (is_control)
			out[n++] = ' ';
		for (size_t i = 0; !is_control && i < len; i++)
			out[n++] = text.ptr[i];
	}
	out[n] = '\0';
}

static void on_word(void *arg, const struct genops_json_value *value)
{
	struct words *words = arg;
	if (value->type == GENOPS_JSON_STRING)
		genops_collibra_answer_line(value->text, words->text[value->id], WORDS_MAX);
}

static bool read_words(genops_str body, struct words *words)
{
	struct genops_json_scan_options options = {.text_max = WORDS_MAX, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, N_WORDS, NULL);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_word, words) : NULL;
	bool ok = scan && genops_json_scan_feed(scan, body, NULL) == GENOPS_OK && genops_json_scan_end(scan, NULL) == GENOPS_OK;
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return ok;
}

static const char *first_word(const struct words *words)
{
	static const int order[] = {USER, TITLE, OAUTH_DESCRIPTION, MESSAGE, HELP, OAUTH_ERROR};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (words->text[order[i]][0])
			return words->text[order[i]];
	}
	return "";
}

/* --- what a status means --- */

static const struct meaning {
	int status;
	enum genops_collibra_outcome outcome;
	const char *text, *fix;
} meanings[] = {
    {400, GENOPS_COLLIBRA_REFUSED, "Collibra refused the request (400)", ""},
    {401, GENOPS_COLLIBRA_UNAUTHENTICATED, "Authentication failed (401)",
	"check the credentials: wrong, expired, or the account is locked or has no access to Collibra"},
    {402, GENOPS_COLLIBRA_REFUSED, "Collibra's licence does not allow it (402)", "ask your Collibra administrator about the licence"},
    {403, GENOPS_COLLIBRA_FORBIDDEN, "the account lacks a right (403)",
	"have your Collibra administrator give the account a role in the domain with the right to view, add and update assets and attributes"},
    {404, GENOPS_COLLIBRA_NOT_FOUND, "Collibra has no such thing, or hides it from this account (404)",
	"check the URL and the ids, and the account's right to view them"},
    {413, GENOPS_COLLIBRA_REFUSED, "the request is too large for Collibra (413)", "lower collibra.batch_size"},
    {429, GENOPS_COLLIBRA_LIMITED, "Rate limit exceeded (429)",
	"lower collibra.rate_limit_per_second, or use export_mode: batch"},
};

static bool is_json(genops_str content_type)
{
	genops_str type = genops_str_trim(genops_str_split(&content_type, ';'));
	return genops_str_is_nocase(type, "application/json") ||
	       (genops_str_starts(type, GENOPS_STR("application/")) && genops_str_ends(type, GENOPS_STR("+json"))) ||
	       genops_str_is_nocase(type, "text/json");
}

static void set(struct genops_collibra_answer *answer, enum genops_collibra_outcome outcome, const char *fix,
    const char *text, const char *words)
{
	answer->outcome = outcome;
	snprintf(answer->message, sizeof answer->message, "%s%s%s", text, *words ? ": " : "", words);
	snprintf(answer->fix, sizeof answer->fix, "%s", fix);
}

/* Nobody knows whether it was done. */
static enum genops_collibra_outcome lost(enum genops_collibra_repeat repeat)
{
	return repeat == GENOPS_COLLIBRA_ONCE ? GENOPS_COLLIBRA_UNKNOWN : GENOPS_COLLIBRA_UNAVAILABLE;
}

static void judge_silence(
    const struct genops_response *response, enum genops_collibra_repeat repeat, struct genops_collibra_answer *answer)
{
	char words[WORDS_MAX];
	genops_collibra_answer_line(response->network_error, words, sizeof words);
	answer->is_timeout = response->is_timeout;
	if (genops_str_is(response->network_error, "cancelled"))
		set(answer, GENOPS_COLLIBRA_CANCELLED, "", "the call was cancelled", "");
	else
		set(answer, response->is_unsent ? GENOPS_COLLIBRA_UNAVAILABLE : lost(repeat),
		    response->is_timeout ? "check that the URL can be reached from here (firewall, proxy); raise collibra.timeout if it is only slow"
					 : "check collibra.url, the network, and that certificates are valid",
		    response->is_timeout ? "Connection timed out" : "Collibra cannot be reached", words);
}

static void judge_success(const struct genops_response *response, enum genops_collibra_repeat repeat, bool has_body,
    struct genops_collibra_answer *answer)
{
	if (response->is_cut)
		set(answer, lost(repeat), "report this: GenOps asks for pages that should be smaller", "Collibra's answer is too large", "");
	else if (has_body && !is_json(response->content_type))
		set(answer, GENOPS_COLLIBRA_UNAUTHENTICATED,
		    "check the URL and the credentials: a login page, or a server that is not Collibra, answers like this",
		    "Authentication failed: the answer is not JSON but a page", "");
	else
		answer->outcome = GENOPS_COLLIBRA_OK;
}

static void judge_status(const struct genops_response *response, enum genops_collibra_repeat repeat, bool is_token,
    const struct words *words, struct genops_collibra_answer *answer)
{
	int status = response->status;
	char text[64];
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		if (meanings[i].status == status && !(is_token && status < 402)) {
			set(answer, meanings[i].outcome, meanings[i].fix, meanings[i].text, first_word(words));
			return;
		}
	}
	bool is_refused_token = is_token && status < 500;
	snprintf(text, sizeof text, is_refused_token ? "Authentication failed (%d): Collibra gives no token" : "Collibra answered with status %d", status);
	if (is_refused_token)
		set(answer, GENOPS_COLLIBRA_UNAUTHENTICATED, "check client_id and client_secret and the OAuth application in Collibra",
		    text, first_word(words));
	else if (status >= 300 && status < 400)
		set(answer, GENOPS_COLLIBRA_UNAUTHENTICATED,
		    "check the credentials, and that collibra.url is the instance itself: redirects are not followed",
		    "Authentication failed: Collibra answered with a redirect, as to a login page", "");
	else if (status >= 500 || status == 408)
		set(answer, lost(repeat), "it is tried again; if it stays, ask your Collibra administrator", text, first_word(words));
	else
		set(answer, GENOPS_COLLIBRA_REFUSED, "", text, first_word(words));
}

void genops_collibra_answer_judge(const struct genops_response *response, enum genops_collibra_repeat repeat, bool is_token,
    struct genops_collibra_answer *ret_answer)
{
	struct words words = {{{0}}};
	*ret_answer = (struct genops_collibra_answer){.status = response->status, .body = response->body};
	if (!response->status) {
		judge_silence(response, repeat, ret_answer);
		return;
	}
	if (response->status >= 200 && response->status < 300) {
		judge_success(response, repeat, genops_str_trim(response->body).len > 0, ret_answer);
		return;
	}
	if (!read_words(response->body, &words))
		words = (struct words){{{0}}};
	judge_status(response, repeat, is_token, &words, ret_answer);
	const char *code = words.text[CODE][0] ? words.text[CODE] : words.text[OAUTH_ERROR];
	snprintf(ret_answer->error_code, sizeof ret_answer->error_code, "%.63s", code);
	if (response->status == 401 && !strcmp(code, "expiredToken"))
		snprintf(ret_answer->fix, sizeof ret_answer->fix,
		    "the token has expired: set a new COLLIBRA_API_TOKEN, or use COLLIBRA_CLIENT_ID and COLLIBRA_CLIENT_SECRET, which renew it");
}

bool genops_collibra_answer_may_repeat(
    const struct genops_response *response, const struct genops_collibra_answer *answer, enum genops_collibra_repeat repeat)
{
	switch (answer->outcome) {
	case GENOPS_COLLIBRA_LIMITED:
		return true; /* nothing was done */
	case GENOPS_COLLIBRA_UNAVAILABLE:
		return !response->is_cut && (response->status != 0 || response->is_unsent || repeat != GENOPS_COLLIBRA_ONCE);
	default:
		return false;
	}
}

int64_t genops_collibra_answer_pause(const struct genops_response *response, int n_tries, uint64_t random)
{
	int64_t asked_ns = genops_http_retry_after(response->retry_after, response->received_unix_ns);
	if (asked_ns > 0)
		return asked_ns < PAUSE_MAX_NS ? asked_ns : PAUSE_MAX_NS;
	int64_t pause_ns = GENOPS_NS_PER_S;
	for (int i = 1; i < n_tries && pause_ns < BACKOFF_MAX_NS; i++)
		pause_ns *= 2;
	int64_t fifth_ns = pause_ns / 5;
	return pause_ns - fifth_ns + (int64_t)(random % (uint64_t)(2 * fifth_ns + 1));
}

int genops_collibra_answer_fail(const struct genops_collibra_answer *answer, const char *what, struct genops_error *err)
{
	static const int codes[] = {
	    [GENOPS_COLLIBRA_OK] = GENOPS_INTERNAL,
	    [GENOPS_COLLIBRA_REFUSED] = GENOPS_REMOTE,
	    [GENOPS_COLLIBRA_NOT_FOUND] = GENOPS_NOT_FOUND,
	    [GENOPS_COLLIBRA_UNAUTHENTICATED] = GENOPS_DENIED,
	    [GENOPS_COLLIBRA_FORBIDDEN] = GENOPS_DENIED,
	    [GENOPS_COLLIBRA_LIMITED] = GENOPS_BUSY,
	    [GENOPS_COLLIBRA_UNAVAILABLE] = GENOPS_REMOTE,
	    [GENOPS_COLLIBRA_UNKNOWN] = GENOPS_REMOTE,
	    [GENOPS_COLLIBRA_CANCELLED] = GENOPS_REMOTE,
	};
	int code = answer->is_timeout ? GENOPS_TIMEOUT : codes[answer->outcome];
	return genops_fail_fix(err, code, answer->fix, "%s: %s", what, answer->message);
}
