/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/client.c - see client.h: one call with its waits, tries and tokens; listings page by page. */
#include "connect/collibra/client.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "connect/collibra/account.h"
#include "connect/collibra/collibra_answer.h"
#include "telemetry/propagation.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define URL_MAX      ((size_t)64 << 10)
#define LOOK_NS      (50 * GENOPS_NS_PER_MS) /* how long a cancel may go unseen while we wait */
#define TEXT_MAX     1024
#define CURSOR_MAX   4096

struct genops_collibra_client {
	struct genops_collibra_account *account;
	const volatile int *cancel;
	struct genops_http_client *http;
	char authorization[GENOPS_COLLIBRA_HEADER_MAX];
};

/* One call under way. */
struct attempt {
	const struct genops_collibra_call *call;
	struct genops_buffer url;
	uint64_t token_number;   /* that the last try was made with */
	uint64_t refused_number; /* that Collibra did not take */
	int n_tries;
	bool is_renewed;
};

struct genops_collibra_client *genops_collibra_client_new(
    struct genops_collibra_account *account, const volatile int *cancel, struct genops_error *err)
{
	struct genops_collibra_client *client = calloc(1, sizeof *client);
	if (!client) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a Collibra client");
		return NULL;
	}
	client->account = genops_collibra_account_ref(account);
	client->cancel = cancel;
	client->http = genops_http_client_new(err);
	if (!client->http) {
		genops_collibra_client_free(client);
		return NULL;
	}
	return client;
}

void genops_collibra_client_free(struct genops_collibra_client *client)
{
	if (!client)
		return;
	genops_http_client_free(client->http);
	genops_collibra_account_unref(client->account);
	explicit_bzero(client->authorization, sizeof client->authorization);
	free(client);
}

/* --- waiting --- */

static bool is_cancelled(const struct genops_collibra_client *client)
{
	return client->cancel && __atomic_load_n(client->cancel, __ATOMIC_RELAXED);
}

/* False: cancelled. */
static bool wait_ns(const struct genops_collibra_client *client, int64_t ns)
{
	int64_t until_ns = genops_clock_monotonic_ns() + ns;
	while (!is_cancelled(client)) {
		int64_t left_ns = until_ns - genops_clock_monotonic_ns();
		if (left_ns <= 0)
			return true;
		left_ns = left_ns < LOOK_NS ? left_ns : LOOK_NS;
		nanosleep(&(struct timespec){.tv_nsec = (long)left_ns}, NULL);
	}
	return false;
}

static bool wait_for_turn(const struct genops_collibra_client *client)
{
	for (;;) {
		int64_t left_ns = genops_collibra_account_take(client->account, genops_clock_monotonic_ns());
		if (!left_ns)
			return !is_cancelled(client);
		if (!wait_ns(client, left_ns))
			return false;
	}
}

static uint64_t random_bits(void)
{
	uint64_t random;
	genops_span_id_new((uint8_t *)&random);
	return random;
}

/* --- one request --- */

static void cancel_answer(struct genops_collibra_answer *answer)
{
	*answer = (struct genops_collibra_answer){.outcome = GENOPS_COLLIBRA_CANCELLED, .message = "the call was cancelled"};
}

static int send_request(struct genops_collibra_client *client, const struct genops_collibra_call *call, genops_str url,
    struct genops_response *ret_response, struct genops_error *err)
{
	const struct genops_collibra_settings *settings = &client->account->settings;
	struct genops_destination_settings transport = {
	    .timeout_ns = settings->timeout_ns,
	    .connect_timeout_ns = settings->connect_timeout_ns,
	    .ca_file = settings->ca_file,
	};
	struct genops_request request = {
	    .transport = GENOPS_TRANSPORT_HTTP,
	    .method = call->method,
	    .url = url,
	    .n_headers = 2,
	    .headers = {{GENOPS_STR("Authorization"), genops_str_of(client->authorization)}, {GENOPS_STR("Accept"), GENOPS_STR("application/json")}},
	    .is_once = call->repeat == GENOPS_COLLIBRA_ONCE,
	    .answer_max = GENOPS_COLLIBRA_ANSWER_MAX,
	};
	genops_buffer_init(&request.body, GENOPS_COLLIBRA_BODY_MAX);
	if (call->body.len) {
		genops_str type = call->content_type.len ? call->content_type : GENOPS_STR("application/json");
		request.headers[request.n_headers++] = (struct genops_text_pair){GENOPS_STR("Content-Type"), type};
		genops_buffer_add(&request.body, call->body);
	}
	int code = request.body.error ? genops_fail(err, request.body.error, "a request to Collibra is too large")
				      : genops_http_send(client->http, &transport, &request, client->cancel, ret_response, err);
	genops_buffer_done(&request.body);
	return code;
}

static void count(struct genops_collibra_client *client, const struct genops_collibra_answer *answer, bool is_repeat)
{
	struct genops_collibra_account *account = client->account;
	pthread_mutex_lock(&account->lock);
	account->counts.n_limited += answer->status == 429;
	account->counts.n_repeats += is_repeat;
	pthread_mutex_unlock(&account->lock);
}

/* Tries until it is decided. `may_renew`: with OAuth a refused token is fetched anew, once. */
static int try_until_decided(struct genops_collibra_client *client, struct attempt *attempt, bool is_token,
    struct genops_collibra_answer *answer, struct genops_error *err)
{
	const struct genops_collibra_call *call = attempt->call;
	for (;;) {
		struct genops_response response = {0};
		if (!wait_for_turn(client)) {
			cancel_answer(answer);
			return GENOPS_OK;
		}
		GENOPS_TRY(send_request(client, call, genops_buffer_view(&attempt->url), &response, err));
		genops_collibra_answer_judge(&response, call->repeat, is_token, answer);
		count(client, answer, attempt->n_tries++ > 0);
		if (attempt->n_tries > client->account->settings.max_retries ||
		    !genops_collibra_answer_may_repeat(&response, answer, call->repeat))
			return GENOPS_OK;
		if (!wait_ns(client, genops_collibra_answer_pause(&response, attempt->n_tries, random_bits()))) {
			cancel_answer(answer);
			return GENOPS_OK;
		}
	}
}

/* --- tokens --- */

static int make_url(const struct genops_collibra_client *client, const struct genops_collibra_call *call,
    struct genops_buffer *url, struct genops_error *err)
{
	genops_buffer_init(url, URL_MAX);
	genops_buffer_add(url, client->account->settings.url);
	if (!call->is_root)
		genops_buffer_add_text(url, "/rest/2.0");
	genops_buffer_add(url, call->path);
	if (call->query.len)
		genops_buffer_add_char(url, '?');
	genops_buffer_add(url, call->query);
	return url->error ? genops_fail(err, url->error, "a URL for Collibra is too long") : GENOPS_OK;
}

static int fetch_token(struct genops_collibra_client *client, struct genops_collibra_answer *answer, struct genops_error *err)
{
	const struct genops_collibra_call call = {
	    .method = "POST",
	    .path = GENOPS_STR(GENOPS_COLLIBRA_TOKEN_PATH),
	    .is_root = true,
	    .body = GENOPS_STR(GENOPS_COLLIBRA_TOKEN_BODY),
	    .content_type = GENOPS_STR("application/x-www-form-urlencoded"),
	    .repeat = GENOPS_COLLIBRA_IDEMPOTENT,
	};
	struct attempt attempt = {.call = &call};
	struct genops_error cause;
	genops_collibra_account_ask(client->account, client->authorization, sizeof client->authorization);
	int code = make_url(client, &call, &attempt.url, err);
	if (code == GENOPS_OK)
		code = try_until_decided(client, &attempt, true, answer, err);
	genops_buffer_done(&attempt.url);
	if (code != GENOPS_OK || answer->outcome != GENOPS_COLLIBRA_OK)
		return code;
	if (genops_collibra_account_keep(client->account, answer->body, genops_clock_monotonic_ns(), &cause) != GENOPS_OK) {
		answer->outcome = GENOPS_COLLIBRA_UNAUTHENTICATED;
		snprintf(answer->message, sizeof answer->message, "%.380s", cause.message);
	}
	return GENOPS_OK;
}

/* Fills client->authorization. What hinders it is in `answer`, whose outcome is OK else. */
static int authorize(struct genops_collibra_client *client, struct attempt *attempt, struct genops_collibra_answer *answer,
    struct genops_error *err)
{
	struct genops_collibra_account *account = client->account;
	int code = GENOPS_OK;
	answer->outcome = GENOPS_COLLIBRA_OK;
	if (genops_collibra_account_authorize(account, attempt->refused_number, genops_clock_monotonic_ns(),
		client->authorization, sizeof client->authorization, &attempt->token_number))
		return GENOPS_OK;
	pthread_mutex_lock(&account->token_lock);
	/* Somebody else may have fetched one meanwhile. */
	if (!genops_collibra_account_authorize(account, attempt->refused_number, genops_clock_monotonic_ns(),
		client->authorization, sizeof client->authorization, &attempt->token_number)) {
		code = fetch_token(client, answer, err);
		if (code == GENOPS_OK && answer->outcome == GENOPS_COLLIBRA_OK)
			(void)genops_collibra_account_authorize(account, attempt->refused_number, genops_clock_monotonic_ns(),
			    client->authorization, sizeof client->authorization, &attempt->token_number);
	}
	pthread_mutex_unlock(&account->token_lock);
	return code;
}

static int call_with_token(struct genops_collibra_client *client, struct attempt *attempt,
    struct genops_collibra_answer *answer, struct genops_error *err)
{
	for (;;) {
		GENOPS_TRY(authorize(client, attempt, answer, err));
		if (answer->outcome != GENOPS_COLLIBRA_OK) {
			/* Of the call itself nothing was sent. */
			if (answer->outcome == GENOPS_COLLIBRA_UNKNOWN)
				answer->outcome = GENOPS_COLLIBRA_UNAVAILABLE;
			return GENOPS_OK;
		}
		GENOPS_TRY(try_until_decided(client, attempt, false, answer, err));
		if (answer->status != 401 || !attempt->token_number || attempt->is_renewed)
			return GENOPS_OK;
		attempt->is_renewed = true;
		attempt->refused_number = attempt->token_number;
	}
}

int genops_collibra_client_call(struct genops_collibra_client *client, const struct genops_collibra_call *call,
    struct genops_collibra_answer *ret_answer, struct genops_error *err)
{
	struct attempt attempt = {.call = call};
	struct genops_collibra_answer answer = {0};
	int code = make_url(client, call, &attempt.url, err);
	if (code == GENOPS_OK)
		code = call_with_token(client, &attempt, &answer, err);
	genops_buffer_done(&attempt.url);
	if (code != GENOPS_OK)
		return code;
	if (answer.outcome != GENOPS_COLLIBRA_OK) {
		genops_collibra_account_censor(client->account, answer.message);
		genops_collibra_account_censor(client->account, answer.error_code);
		pthread_mutex_lock(&client->account->lock);
		client->account->counts.n_failed++;
		pthread_mutex_unlock(&client->account->lock);
	}
	*ret_answer = answer;
	return GENOPS_OK;
}

int genops_collibra_client_get(struct genops_collibra_client *client, genops_str path, genops_str query, const char *what,
    struct genops_collibra_answer *ret_answer, struct genops_error *err)
{
	const struct genops_collibra_call call = {.method = "GET", .path = path, .query = query, .repeat = GENOPS_COLLIBRA_READ};
	struct genops_collibra_answer answer;
	GENOPS_TRY(genops_collibra_client_call(client, &call, &answer, err));
	if (answer.outcome != GENOPS_COLLIBRA_OK)
		return genops_collibra_answer_fail(&answer, what, err);
	*ret_answer = answer;
	return GENOPS_OK;
}

/* --- listings --- */

struct page {
	size_t n_results;
	bool has_results;
	bool is_cursor_cut;
	int64_t limit, total; /* -1: not said */
	char cursor[CURSOR_MAX];
};

enum { RESULTS, RESULT, CURSOR, LIMIT, TOTAL };

static void on_page_value(void *arg, const struct genops_json_value *value)
{
	struct page *page = arg;
	if (value->id == RESULTS && value->type == GENOPS_JSON_ARRAY) {
		page->has_results = true;
	} else if (value->id == RESULT && (value->is_end || (value->type != GENOPS_JSON_OBJECT && value->type != GENOPS_JSON_ARRAY))) {
		page->n_results++;
	} else if (value->id == CURSOR && value->type == GENOPS_JSON_STRING) {
		page->is_cursor_cut = value->is_cut || value->text.len >= sizeof page->cursor;
		snprintf(page->cursor, sizeof page->cursor, "%.*s", GENOPS_STR_ARG(value->text));
	} else if (value->id == LIMIT && value->is_integer) {
		page->limit = value->integer;
	} else if (value->id == TOTAL && value->is_integer) {
		page->total = value->integer;
	}
}

static int look_at_page(genops_str body, const char *what, struct page *page, struct genops_error *err)
{
	static const struct genops_json_path paths[] = {{"results", RESULTS}, {"results[]", RESULT}, {"nextCursor", CURSOR}, {"limit", LIMIT}, {"total", TOTAL}};
	struct genops_json_scan_options options = {.text_max = CURSOR_MAX, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, sizeof paths / sizeof *paths, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_page_value, page) : NULL;
	int code = scan ? genops_json_scan_feed(scan, body, err) : GENOPS_NOMEM;
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	if (code == GENOPS_SYNTAX || code == GENOPS_LIMIT || (code == GENOPS_OK && (!page->has_results || page->is_cursor_cut)))
		return genops_fail_fix(err, GENOPS_SYNTAX, "check that collibra.url is a Collibra instance", "%s: Collibra's answer is no list of results", what);
	return code;
}

/* One page's query: the caller's, and where it begins. */
static void make_query(struct genops_buffer *query, genops_str base, bool by_cursor, const char *cursor, uint64_t offset)
{
	char number[24];
	genops_buffer_clear(query);
	genops_buffer_add(query, base);
	snprintf(number, sizeof number, "%d", GENOPS_COLLIBRA_PAGE);
	genops_collibra_query_add(query, "limit", genops_str_of(number));
	snprintf(number, sizeof number, "%llu", (unsigned long long)offset);
	if (by_cursor)
		genops_collibra_query_add(query, "cursor", genops_str_of(cursor));
	else
		genops_collibra_query_add(query, "offset", genops_str_of(number));
}

/* Collibra may give fewer than were asked for (its own maximum), so a short page need not be the last. */
static bool is_last(const struct page *page, bool by_cursor, uint64_t offset)
{
	if (!page->n_results)
		return true;
	if (by_cursor)
		return !page->cursor[0];
	if (page->total >= 0)
		return offset >= (uint64_t)page->total;
	return page->n_results < (size_t)(page->limit > 0 ? page->limit : GENOPS_COLLIBRA_PAGE);
}

int genops_collibra_client_list(struct genops_collibra_client *client, genops_str path, genops_str query, bool by_cursor,
    const char *what, genops_collibra_page_fn *on_page, void *arg, struct genops_error *err)
{
	struct page page = {.total = -1};
	struct genops_buffer full;
	char before[CURSOR_MAX] = "";
	uint64_t offset = 0;
	int code = GENOPS_OK;
	genops_buffer_init(&full, URL_MAX);
	for (size_t n = 0; code == GENOPS_OK; n++) {
		struct genops_collibra_answer answer;
		if (n == GENOPS_COLLIBRA_PAGES_MAX || (n && by_cursor && !strcmp(before, page.cursor))) {
			code = genops_fail(err, GENOPS_LIMIT, "%s: the listing does not come to an end", what);
			break;
		}
		memcpy(before, page.cursor, sizeof before);
		make_query(&full, query, by_cursor, page.cursor, offset);
		code = full.error ? genops_fail(err, full.error, "a query to Collibra is too long")
				  : genops_collibra_client_get(client, path, genops_buffer_view(&full), what, &answer, err);
		page = (struct page){.total = -1};
		if (code == GENOPS_OK)
			code = look_at_page(answer.body, what, &page, err);
		if (code == GENOPS_OK)
			code = on_page(arg, answer.body, err);
		offset += page.n_results;
		/* An instance from before cursors does not know the parameter, and counts. */
		if (!page.cursor[0] && page.total > 0 && offset < (uint64_t)page.total)
			by_cursor = false;
		if (code == GENOPS_OK && is_last(&page, by_cursor, offset))
			break;
	}
	genops_buffer_done(&full);
	return code;
}

/* --- encoding --- */

static void add_encoded(struct genops_buffer *out, genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
				c == '.' || c == '~';
		if (is_plain)
			genops_buffer_add_char(out, c);
		else
			genops_buffer_printf(out, "%%%02X", (unsigned char)c);
	}
}

void genops_collibra_query_add(struct genops_buffer *query, const char *name, genops_str value)
{
	if (query->len)
		genops_buffer_add_char(query, '&');
	add_encoded(query, genops_str_of(name));
	genops_buffer_add_char(query, '=');
	add_encoded(query, value);
}

void genops_collibra_path_add(struct genops_buffer *path, genops_str segment)
{
	add_encoded(path, segment);
}
