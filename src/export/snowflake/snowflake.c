/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake.c - destination type snowflake: events of pipelines into a table by the SQL API v2.
 *
 * A statement has an id made of what it says (requestId, with retry=true), so a repetition after a time-out joins the one that runs. If it runs
 * long Snowflake answers with a handle, which is asked until it is over; what it then says is taken as the answer to the request. What was
 * killed in between is sent anew: the statement adds each event once (snowflake_statement.h).
 * Pure; the session belongs to one pump. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "export/otlp_outgoing.h"
#include "export/snowflake/snowflake_answer.h"
#include "export/snowflake/snowflake_key.h"
#include "export/snowflake/snowflake_statement.h"

#include <inttypes.h>
#include <stdio.h>

#define BYTES_MAX   ((size_t)4 << 20) /* a text that is bound may have 16 MiB */
#define ITEMS_MAX   4096
#define TOKEN_MAX   4096
#define POLL_MAX_NS (10 * GENOPS_NS_PER_S)
#define PATH        "/api/v2/statements"

struct session {
	char bearer[TOKEN_MAX];       /* "Bearer " and a token made of the key */
	int64_t bearer_until_ns;
	unsigned n_refused;           /* times in a row that credentials were refused */
	uint64_t n_failed;            /* statements that ended badly: the next one is another one, for an id stands for one result */
	struct genops_hash statement; /* the last one sent */
	char handle[GENOPS_SNOWFLAKE_HANDLE_LEN + 1]; /* it runs */
	int64_t wait_ns;              /* between two questions about it */
	bool is_over, is_told;        /* it was asked about, and this is how it ended; encode has said so */
	struct genops_send_verdict outcome;
};

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "no memory for a request to Snowflake");
}

/* --- requests --- */

static int add_headers(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *request,
    struct genops_error *err)
{
	const struct genops_snowflake_settings *own = settings->own;
	const struct session *session = settings->session;
	const struct genops_text_pair rows[] = {{GENOPS_STR("authorization"), own->key ? genops_str_of(session->bearer) : own->bearer},
	    {GENOPS_STR("x-snowflake-authorization-token-type"), own->token_type_name}, {GENOPS_STR("accept"), GENOPS_STR("application/json")},
	    {GENOPS_STR("content-type"), GENOPS_STR("application/json")}, {GENOPS_STR("user-agent"), GENOPS_STR("genops/1.0")}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		GENOPS_TRY(genops_otlp_outgoing_header(request, rows[i].key, rows[i].value, arena, err));
	return genops_otlp_outgoing_headers(settings, request, arena, err);
}

/* A token of the key's, before the last one is over. */
static int renew(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_error *err)
{
	const struct genops_snowflake_settings *own = settings->own;
	struct session *session = settings->session;
	struct genops_buffer token;
	if (!own->key || now_unix_ns < session->bearer_until_ns)
		return GENOPS_OK;
	genops_buffer_init(&token, TOKEN_MAX - 1);
	genops_buffer_add_text(&token, "Bearer ");
	int code = genops_snowflake_key_sign(own->key, now_unix_ns, &token, err);
	if (code == GENOPS_OK) {
		memcpy(session->bearer, token.ptr, token.len);
		session->bearer[token.len] = '\0';
		session->bearer_until_ns = now_unix_ns + GENOPS_SNOWFLAKE_JWT_LIFE_S / 2 * GENOPS_NS_PER_S;
	}
	genops_buffer_done(&token);
	return code;
}

static int prepare(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_snowflake_settings *own = settings->own;
	const struct session *session = settings->session;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "GET"};
	GENOPS_TRY(renew(settings, now_unix_ns, err));
	if (!session->handle[0])
		return 0;
	size_t size = own->url.len + sizeof PATH + sizeof session->handle + 1;
	char *url = genops_arena_alloc(arena, size);
	if (!url)
		return no_memory(err);
	snprintf(url, size, "%.*s" PATH "/%s", GENOPS_STR_ARG(own->url), session->handle);
	request.url = genops_str_of(url);
	GENOPS_TRY(add_headers(settings, arena, &request, err));
	*ret_request = request;
	return 1;
}

/* What is told of credentials: those that are only old are made anew at once. */
static void follow_credentials(const struct genops_destination_settings *settings, int status, struct genops_send_verdict *verdict)
{
	const struct genops_snowflake_settings *own = settings->own;
	struct session *session = settings->session;
	if (status != 401) {
		session->n_refused = status >= 200 && status < 500 ? 0 : session->n_refused;
		return;
	}
	session->bearer_until_ns = 0;
	if (own->key && session->n_refused++ == 0)
		verdict->retry_after_ns = 0;
}

static bool is_end(int status, const struct genops_send_verdict *verdict)
{
	return (status == 200 && verdict->kind == GENOPS_SENT) || status == 408 || status == 422;
}

static void prepared(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	struct session *session = settings->session;
	genops_snowflake_answer(response, NULL, ret_verdict);
	follow_credentials(settings, response->status, ret_verdict);
	if (response->status == 202) {
		session->wait_ns = session->wait_ns * 2 > POLL_MAX_NS ? POLL_MAX_NS : session->wait_ns * 2;
		ret_verdict->retry_after_ns = session->wait_ns;
	} else if (is_end(response->status, ret_verdict)) {
		session->handle[0] = '\0';
		session->is_over = true;
		session->outcome = *ret_verdict;
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	} else if (ret_verdict->kind == GENOPS_REJECTED || response->status == 404) { /* it is not known any more: the statement is sent again */
		session->handle[0] = '\0';
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
	}
}

/* The same statement has the same id, until it has failed. */
static int set_url(const struct genops_destination_settings *settings, struct genops_hash id, struct genops_arena *arena, genops_str *ret,
    struct genops_error *err)
{
	const struct genops_snowflake_settings *own = settings->own;
	size_t size = own->url.len + 128;
	char *url = genops_arena_alloc(arena, size);
	if (!url)
		return no_memory(err);
	/* A UUID of version 8 (RFC 9562): made by whoever it is from. */
	snprintf(url, size, "%.*s" PATH "?requestId=%08x-%04x-8%03x-%04x-%012" PRIx64 "&retry=true", GENOPS_STR_ARG(own->url),
	    (unsigned)(id.high >> 32), (unsigned)(id.high >> 16) & 0xffff, (unsigned)id.high & 0xfff, 0x8000 | ((unsigned)(id.low >> 48) & 0x3fff),
	    id.low & UINT64_C(0xffffffffffff));
	*ret = genops_str_of(url);
	return GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	struct session *session = settings->session;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST"};
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_snowflake_statement_write(settings->own, batch, arena, &request.body, &request.n_items, err);
	if (code == GENOPS_OK && request.body.error)
		code = genops_fail(err, request.body.error, "a statement for Snowflake: %s", genops_error_text(request.body.error));
	struct genops_hash id = genops_hash_of(genops_buffer_view(&request.body), session->n_failed);
	if (code == GENOPS_OK)
		code = set_url(settings, id, arena, &request.url, err);
	if (code == GENOPS_OK)
		code = add_headers(settings, arena, &request, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	/* The one that was asked about: there is nothing to send. */
	session->is_told = session->is_over && genops_hash_equal(session->statement, id);
	session->is_over = false;
	session->statement = id;
	if (session->is_told)
		request.transport = GENOPS_TRANSPORT_NONE;
	*ret_request = request;
	return GENOPS_OK;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	struct session *session = settings->session;
	if (session->is_told) {
		session->is_told = false;
		session->n_failed += session->outcome.kind != GENOPS_SENT;
		*ret_verdict = session->outcome;
		return;
	}
	genops_snowflake_answer(response, session->handle, ret_verdict);
	follow_credentials(settings, response->status, ret_verdict);
	session->wait_ns = ret_verdict->retry_after_ns;
	session->n_failed += response->status == 408 || response->status == 422;
}

/* --- routes --- */

static const char *const route_keys[] = {"table", "payload_template", NULL};

static int check_route(const void *own, genops_str key, genops_str value, struct genops_error *err)
{
	struct genops_arena scratch;
	genops_str table;
	(void)own;
	if (!genops_str_is(key, "table"))
		return GENOPS_OK;
	genops_arena_init(&scratch, 1 << 16);
	int code = genops_snowflake_statement_table(value, &scratch, &table, err);
	genops_arena_done(&scratch);
	return code;
}

static int partition(const struct genops_destination_settings *settings, const struct genops_destination_item *items, size_t n_items,
    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err)
{
	for (size_t i = 0; i < n_items; i++) {
		genops_str table;
		if (i && genops_str_equal(items[i].settings, items[i - 1].settings)) {
			ret_parts[i] = ret_parts[i - 1];
			continue;
		}
		genops_arena_reset(scratch);
		GENOPS_TRY(genops_snowflake_statement_table_of(settings->own, &items[i], scratch, &table, err));
		ret_parts[i] = genops_hash_checksum(table.ptr, table.len, 0);
	}
	return GENOPS_OK;
}

/* --- the type --- */

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	return genops_otlp_outgoing_check(settings, err);
}

/* Needs no warehouse and leaves nothing behind. */
static int probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err)
{
	static const char statement[] = "{\"statement\":\"SELECT CURRENT_ROLE()\"}";
	const struct genops_snowflake_settings *own = settings->own;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST"};
	size_t size = own->url.len + sizeof PATH;
	char *url = genops_arena_alloc(arena, size);
	if (!url)
		return no_memory(err);
	snprintf(url, size, "%.*s" PATH, GENOPS_STR_ARG(own->url));
	request.url = genops_str_of(url);
	GENOPS_TRY(add_headers(settings, arena, &request, err));
	genops_buffer_init(&request.body, sizeof statement);
	genops_buffer_add_text(&request.body, statement);
	if (request.body.error)
		return no_memory(err);
	*ret_request = request;
	return GENOPS_OK;
}

const struct genops_destination_type genops_destination_type_snowflake = {
    .name = "snowflake",
    .summary = "Snowflake: events into a table by the SQL API, each added once",
    .document = &genops_snowflake_form,
    .route_keys = route_keys,
    .check_route = check_route,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .items_max = ITEMS_MAX,
    .bytes_max = BYTES_MAX,
    .check = check,
    .partition = partition,
    .session_size = sizeof(struct session),
    .prepare = prepare,
    .prepared = prepared,
    .encode = encode,
    .judge = judge,
    .probe = probe,
};
