/* SPDX-License-Identifier: Apache-2.0
 * Snowflake: names of tables, the statement and its rows, tokens, what answers mean, a statement that runs long, settings that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "export/destination.h"
#include "export/snowflake/snowflake_key.h"
#include "export/snowflake/snowflake_statement.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "failing_alloc.h"

#define T0 INT64_C(1700000000123456789) /* 2023-11-14T22:13:20.123456789Z */
#define HANDLE "e4ce975e-f7ff-4b5e-b15e-bf25f59371ae"

extern const struct genops_destination_type genops_destination_type_snowflake;
static const struct genops_destination_type *const type = &genops_destination_type_snowflake;
static char pem[4096], encrypted_pem[4096], weak_pem[4096];

static void write_key(EVP_PKEY *key, const char *passphrase, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, passphrase ? EVP_aes_256_cbc() : NULL, passphrase, passphrase ? (int)strlen(passphrase) : 0, NULL, NULL), 1);
	long len = BIO_get_mem_data(bio, &text);
	assert_true(len > 0 && (size_t)len < size);
	memcpy(out, text, (size_t)len);
	out[len] = '\0';
	BIO_free(bio);
}

static int make_keys(void **state)
{
	(void)state;
	EVP_PKEY *key = EVP_RSA_gen(2048), *weak = EVP_RSA_gen(1024);
	assert_true(key && weak);
	write_key(key, NULL, pem, sizeof pem);
	write_key(key, "s3cret", encrypted_pem, sizeof encrypted_pem);
	write_key(weak, NULL, weak_pem, sizeof weak_pem);
	EVP_PKEY_free(key);
	EVP_PKEY_free(weak);
	return 0;
}

struct fixture {
	struct genops_arena arena, request_arena;
	struct genops_destination_settings settings;
	void *own;
	struct genops_request request;
	struct genops_send_verdict verdict;
	struct genops_error err;
};

static const char *get(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "KEY") == 0 ? pem : strcmp(name, "ENCRYPTED") == 0 ? encrypted_pem : strcmp(name, "WEAK") == 0 ? weak_pem : NULL;
}

static int load(struct fixture *f, const char *text)
{
	static const struct genops_yaml_variables variables = {get, NULL};
	struct genops_yaml *yaml = NULL;
	memset(f, 0, sizeof *f);
	genops_arena_init(&f->arena, 1 << 20);
	genops_arena_init(&f->request_arena, 1 << 20);
	const struct genops_yaml_rows in = {"genops.yaml", &f->arena, &variables, &f->err};
	int code = genops_yaml_parse("genops.yaml", genops_str_of(text), &yaml, &f->err);
	f->own = genops_arena_alloc(&f->arena, type->document->size);
	assert_non_null(f->own);
	if (code == GENOPS_OK)
		code = genops_yaml_rows_section(&in, yaml->documents[0], "destination", type->document->rows, f->own);
	if (code == GENOPS_OK)
		code = type->document->read(&in, yaml->documents[0], f->own);
	genops_yaml_free(yaml);
	f->settings.own = f->own;
	f->settings.session = calloc(1, type->session_size);
	assert_non_null(f->settings.session);
	return code;
}

static void unload(struct fixture *f)
{
	type->document->done(f->own);
	free(f->settings.session);
	genops_buffer_done(&f->request.body);
	genops_arena_done(&f->request_arena);
	genops_arena_done(&f->arena);
}

static void start(struct fixture *f, const char *text)
{
	if (load(f, text) != GENOPS_OK)
		fail_msg("%s", f->err.message);
	assert_int_equal(type->check(&f->settings, &f->err), GENOPS_OK);
}

/* As the pump does; returns how many requests went before it. */
static const char *send(struct fixture *f, const struct genops_destination_item *items, size_t n, int64_t now)
{
	const struct genops_destination_batch batch = {.items = items, .n_items = n, .now_unix_ns = now};
	genops_buffer_done(&f->request.body);
	genops_arena_reset(&f->request_arena);
	f->request = (struct genops_request){0};
	assert_int_equal(type->prepare(&f->settings, now, &f->request_arena, &f->request, &f->err), 0);
	if (type->encode(&f->settings, &batch, &f->request_arena, &f->request, &f->err) != GENOPS_OK)
		fail_msg("%s", f->err.message);
	genops_buffer_add_char(&f->request.body, '\0');
	f->request.body.len--;
	return f->request.body.ptr;
}

static void answer(struct fixture *f, int status, const char *body)
{
	const struct genops_response response = {.status = status, .body = genops_str_of(body)};
	memset(&f->verdict, 0xaa, sizeof f->verdict);
	type->judge(&f->settings, &response, &f->verdict);
}

/* What is asked about a statement that runs. */
static void ask(struct fixture *f, int status, const char *body)
{
	const struct genops_response response = {.status = status, .body = genops_str_of(body)};
	struct genops_request request = {0};
	assert_int_equal(type->prepare(&f->settings, T0, &f->request_arena, &request, &f->err), 1);
	assert_string_equal(request.method, "GET");
	assert_true(genops_str_ends(request.url, GENOPS_STR("/api/v2/statements/" HANDLE)));
	type->prepared(&f->settings, &response, &f->verdict);
}

static const char *header(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->request.n_headers; i++) {
		if (genops_str_is(f->request.headers[i].key, name))
			return f->request.headers[i].value.ptr;
	}
	return NULL;
}

static struct genops_destination_item item_of(uint64_t id, const char *body)
{
	return (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .id = id, .time_unix_ns = T0, .body = genops_str_of(body),
	    .pipeline = GENOPS_STR("p"), .route = GENOPS_STR("r")};
}

#define TOKEN "{account: My_Org-acc, token: t0ken, warehouse: WH, table: genops_audit_trail}"

/* proves CRB-190 in part */
static void test_statement(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_destination_item items[2] = {item_of(7, "{\"a\":\"x\\\"y\"}"), item_of(8, "{}")};
	items[1].payload = GENOPS_STR("{\"only\": 1}");
	items[1].tenant = GENOPS_STR("acme");
	start(&f, TOKEN);
	const char *body = send(&f, items, 2, T0);
	const char *expected = "{\"statement\":\"MERGE INTO \\\"GENOPS_AUDIT_TRAIL\\\" AS t USING (SELECT ";
	assert_memory_equal(body, expected, strlen(expected));
	assert_non_null(strstr(body, "WHEN NOT MATCHED THEN INSERT (event_id, event_time, pipeline, route, tenant, event) VALUES (s.event_id,"));
	assert_non_null(strstr(body, "\",\"warehouse\":\"WH\",\"bindings\":{\"1\":{\"type\":\"TEXT\",\"value\":\"[{\\\"event_id\\\":\\\""));
	assert_non_null(strstr(body, "\\\",\\\"event_time\\\":\\\"2023-11-14T22:13:20.123456789Z\\\",\\\"pipeline\\\":\\\"p\\\",\\\"route\\\":\\\"r\\\","
				     "\\\"event\\\":{\\\"a\\\":\\\"x\\\\\\\"y\\\"}},{\\\"event_id\\\":\\\""));
	assert_non_null(strstr(body, "\\\"tenant\\\":\\\"acme\\\",\\\"event\\\":{\\\"only\\\": 1}}]\"}}}"));
	assert_int_equal(f.request.n_items, 2);
	assert_string_equal(f.request.method, "POST");
	assert_true(genops_str_starts(f.request.url, GENOPS_STR("https://my-org-acc.snowflakecomputing.com/api/v2/statements?requestId=")));
	assert_true(genops_str_ends(f.request.url, GENOPS_STR("&retry=true")));
	assert_string_equal(header(&f, "authorization"), "Bearer t0ken");
	assert_string_equal(header(&f, "x-snowflake-authorization-token-type"), "PROGRAMMATIC_ACCESS_TOKEN");
	assert_string_equal(header(&f, "content-type"), "application/json");
	assert_non_null(header(&f, "user-agent"));
	unload(&f);
}

static void test_tables(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"genops_audit_trail", "\"GENOPS_AUDIT_TRAIL\""}, {"a.b.C", "\"A\".\"B\".\"C\""}, {"_x$1", "\"_X$1\""},
	    {"\"Mixed Case\"", "\"Mixed Case\""}, {"db.\"s\"\"x\".t", "\"DB\".\"s\"\"x\".\"T\""}, {"\"a;b\"", "\"a;b\""}, {"", NULL}, {"1a", NULL}, {"a b", NULL},
	    {"a;drop", NULL}, {"a.b.c.d", NULL}, {"a.b.c.", NULL}, {"a..b", NULL}, {".a", NULL}, {"a.", NULL}, {"\"\"", NULL}, {"\"a", NULL}, {"\"a\"b", NULL}, {"a\"", NULL},
	    {"\"a\nb\"", NULL}, {"$a", NULL}, {"a--", NULL}, {"é", NULL}};
	struct genops_error err;
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		genops_str table = {0};
		int code = genops_snowflake_statement_table(genops_str_of(rows[i][0]), &arena, &table, &err);
		if (code != (rows[i][1] ? GENOPS_OK : GENOPS_CONFIG) || (rows[i][1] && !genops_str_is(table, rows[i][1])))
			fail_msg("%s: %d %.*s", rows[i][0], code, GENOPS_STR_ARG(table));
		assert_int_equal(type->check_route(NULL, GENOPS_STR("table"), genops_str_of(rows[i][0]), &err), code);
	}
	char name[300];
	memset(name, 'a', sizeof name);
	genops_str table;
	assert_int_equal(genops_snowflake_statement_table((genops_str){name, 255}, &arena, &table, &err), GENOPS_OK);
	assert_int_equal(genops_snowflake_statement_table((genops_str){name, 256}, &arena, &table, &err), GENOPS_CONFIG);
	assert_int_equal(type->check_route(NULL, GENOPS_STR("payload_template"), GENOPS_STR("1"), &err), GENOPS_OK);
	genops_arena_done(&arena);
}

/* A request is for one table. */
static void test_several_tables(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_destination_item items[4];
	uint64_t parts[4];
	struct genops_arena scratch;
	for (size_t i = 0; i < 4; i++) {
		items[i] = item_of(i, "{}");
		items[i].settings = i < 2 ? GENOPS_STR("{\"x\":{\"table\":\"no\"},\"table\":\"one\"}") : i < 3 ? GENOPS_STR("{\"table\":\"two\"}") : (genops_str){0};
	}
	start(&f, TOKEN);
	genops_arena_init(&scratch, 1 << 16);
	assert_int_equal(type->partition(&f.settings, items, 4, &scratch, parts, &f.err), GENOPS_OK);
	assert_true(parts[0] == parts[1] && parts[1] != parts[2] && parts[2] != parts[3] && parts[0] != parts[3]);
	assert_non_null(strstr(send(&f, items, 4, T0), "MERGE INTO \\\"ONE\\\""));
	assert_int_equal(f.request.n_items, 2);
	assert_non_null(strstr(send(&f, items + 2, 2, T0), "MERGE INTO \\\"TWO\\\""));
	assert_int_equal(f.request.n_items, 1);
	assert_non_null(strstr(send(&f, items + 3, 1, T0), "MERGE INTO \\\"GENOPS_AUDIT_TRAIL\\\""));
	genops_arena_done(&scratch);
	unload(&f);
}

static void keep_url(const struct fixture *f, char *ret)
{
	assert_true(f->request.url.len < 200);
	snprintf(ret, 200, "%.*s", GENOPS_STR_ARG(f->request.url));
}

/* One id while it is repeated, another one for other rows and once it has failed. */
static void test_request_ids(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_destination_item item = item_of(7, "{}");
	char first[200], again[200];
	static const int statuses[] = {0, 429, 500, 503, 401};
	start(&f, TOKEN);
	(void)send(&f, &item, 1, T0);
	keep_url(&f, first);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		answer(&f, statuses[i], "");
		assert_int_equal(f.verdict.kind, GENOPS_RETRY);
		(void)send(&f, &item, 1, T0 + (int64_t)i);
		keep_url(&f, again);
		assert_string_equal(first, again);
	}
	answer(&f, 422, "{\"code\":\"002003\",\"sqlState\":\"42S02\",\"message\":\"Object\\n'X' does not exist\"}");
	assert_int_equal(f.verdict.kind, GENOPS_RETRY);
	assert_true(f.verdict.retry_after_ns >= 60 * GENOPS_NS_PER_S);
	assert_non_null(strstr(f.verdict.reason, "HTTP 422, Snowflake's 002003 42S02: Object 'X' does not exist; create the table"));
	(void)send(&f, &item, 1, T0);
	keep_url(&f, again);
	assert_string_not_equal(first, again);
	item.id = 9;
	(void)send(&f, &item, 1, T0);
	keep_url(&f, first);
	assert_string_not_equal(first, again);
	unload(&f);
}

static void test_answers(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
		enum genops_verdict_kind kind;
		bool is_held, is_divisible;
		const char *reason;
	} rows[] = {
	    {200, "{\"code\":\"090001\",\"statementHandle\":\"" HANDLE "\"}", GENOPS_SENT, false, false, ""},
	    {400, "{\"code\":\"391902\",\"message\":\"bad\"}", GENOPS_REJECTED, false, false, "391902: bad"},
	    {403, "", GENOPS_RETRY, true, false, "credentials"},
	    {408, "{\"code\":\"000630\",\"message\":\"Statement reached its timeout\"}", GENOPS_RETRY, false, false, "000630"},
	    {413, "", GENOPS_REJECTED, false, false, "413"},
	    {422, "{\"code\":\"100078\",\"sqlState\":\"22000\",\"message\":\"String too long\"}", GENOPS_REJECTED, false, true, "100078 22000: String too long"},
	    {422, "{\"code\":\"000606\",\"sqlState\":\"57P03\",\"message\":\"No active warehouse\"}", GENOPS_RETRY, true, false, "set warehouse"},
	    {422, "garbage", GENOPS_RETRY, true, false, "HTTP 422"},
	    {429, "", GENOPS_RETRY, false, false, "429"},
	    {0, "", GENOPS_RETRY, false, false, "no answer"},
	    {504, "", GENOPS_RETRY, false, false, "504"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		const struct genops_destination_item item = item_of(7, "{}");
		start(&f, TOKEN);
		(void)send(&f, &item, 1, T0);
		answer(&f, rows[i].status, rows[i].body);
		if (f.verdict.kind != rows[i].kind || f.verdict.is_divisible != rows[i].is_divisible || f.verdict.is_unfinished ||
		    rows[i].is_held != (f.verdict.retry_after_ns >= 60 * GENOPS_NS_PER_S) || !strstr(f.verdict.reason, rows[i].reason))
			fail_msg("%d: %d %s", rows[i].status, f.verdict.kind, f.verdict.reason);
		unload(&f);
	}
}

#define DONE    "{\"code\":\"090001\",\"message\":\"Statement executed successfully.\",\"statementHandle\":\"" HANDLE "\"}"
#define RUNNING "{\"code\":\"333334\",\"message\":\"in progress\",\"statementHandle\":\"" HANDLE "\"}"

static void run_long(struct fixture *f, const struct genops_destination_item *item)
{
	start(f, TOKEN);
	(void)send(f, item, 1, T0);
	answer(f, 202, RUNNING);
	assert_true(f->verdict.kind == GENOPS_RETRY && f->verdict.is_unfinished && f->verdict.retry_after_ns > 0);
}

static void test_long_statements(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_destination_item item = item_of(7, "{}"), other = item_of(8, "{}");
	run_long(&f, &item);
	int64_t last = f.verdict.retry_after_ns;
	for (int i = 0; i < 8; i++) {
		ask(&f, 202, RUNNING);
		assert_true(f.verdict.kind == GENOPS_RETRY && f.verdict.is_unfinished && f.verdict.retry_after_ns >= last && f.verdict.retry_after_ns <= 10 * GENOPS_NS_PER_S);
		last = f.verdict.retry_after_ns;
	}
	static const struct {
		int status;
		const char *body;
	} nothing[] = {{503, ""}, {200, "<html>a proxy's"}, {200, "{}"}, {200, ""}};
	for (size_t i = 0; i < 4; i++) {
		ask(&f, nothing[i].status, nothing[i].body);
		assert_true(f.verdict.kind == GENOPS_RETRY && !f.verdict.is_unfinished);
	}
	ask(&f, 200, DONE);
	assert_int_equal(f.verdict.kind, GENOPS_SENT);
	(void)send(&f, &item, 1, T0); /* its answer is there */
	assert_int_equal(f.request.transport, GENOPS_TRANSPORT_NONE);
	answer(&f, 200, "");
	assert_int_equal(f.verdict.kind, GENOPS_SENT);
	(void)send(&f, &other, 1, T0);
	assert_int_equal(f.request.transport, GENOPS_TRANSPORT_HTTP);
	unload(&f);
	run_long(&f, &item); /* it ends badly: in the data */
	ask(&f, 422, "{\"code\":\"100078\",\"sqlState\":\"22000\",\"message\":\"String too long\"}");
	(void)send(&f, &item, 1, T0);
	answer(&f, 200, "");
	assert_true(f.verdict.kind == GENOPS_REJECTED && f.verdict.is_divisible && strstr(f.verdict.reason, "100078"));
	(void)send(&f, &item, 1, T0);
	assert_int_equal(f.request.transport, GENOPS_TRANSPORT_HTTP);
	unload(&f);
	run_long(&f, &item); /* it is not known any more, or other rows come: a request as any */
	ask(&f, 404, "");
	(void)send(&f, &item, 1, T0);
	assert_int_equal(f.request.transport, GENOPS_TRANSPORT_HTTP);
	unload(&f);
	run_long(&f, &item);
	ask(&f, 200, DONE);
	(void)send(&f, &other, 1, T0);
	assert_int_equal(f.request.transport, GENOPS_TRANSPORT_HTTP);
	unload(&f);
	start(&f, TOKEN); /* without a handle that can be one, the request itself asks again */
	(void)send(&f, &item, 1, T0);
	answer(&f, 202, "{\"statementHandle\":\"../../x\"}");
	assert_true(f.verdict.is_unfinished);
	(void)send(&f, &item, 1, T0);
	unload(&f);
}

static genops_str decode(genops_str part, char *out)
{
	size_t len;
	assert_true(genops_base64_decode(part, out, &len));
	return (genops_str){out, len};
}

static void test_tokens(void **state)
{
	(void)state;
	struct fixture f;
	const struct genops_destination_item item = item_of(7, "{}");
	char first[2048], signature[2048], claims[2048], head[256], expected[256];
	start(&f, "account: xy12345.us-east-1\nuser: genops\nprivate_key: ${ENCRYPTED}\nprivate_key_passphrase: s3cret\n");
	(void)send(&f, &item, 1, T0);
	assert_string_equal(header(&f, "x-snowflake-authorization-token-type"), "KEYPAIR_JWT");
	snprintf(first, sizeof first, "%s", header(&f, "authorization"));
	assert_memory_equal(first, "Bearer ", 7);
	genops_str rest = genops_str_of(first + 7), one = genops_str_split(&rest, '.'), two = genops_str_split(&rest, '.');
	genops_str text = decode(two, claims), bytes = decode(rest, signature);
	assert_true(genops_str_is(decode(one, head), "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
	assert_true(genops_str_starts(text, GENOPS_STR("{\"iss\":\"XY12345.GENOPS.SHA256:")));
	snprintf(expected, sizeof expected, "\",\"sub\":\"XY12345.GENOPS\",\"iat\":1700000000,\"exp\":%d}", 1700000000 + GENOPS_SNOWFLAKE_JWT_LIFE_S);
	assert_true(genops_str_ends(text, genops_str_of(expected)));
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestVerify(context, (const unsigned char *)bytes.ptr, bytes.len, (const unsigned char *)first + 7, one.len + 1 + two.len), 1);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	BIO_free(bio);
	/* kept for half an hour; a new one at once when it is refused, the second time a minute later */
	(void)send(&f, &item, 1, T0 + 60 * GENOPS_NS_PER_S);
	assert_string_equal(header(&f, "authorization"), first);
	(void)send(&f, &item, 1, T0 + 1800 * GENOPS_NS_PER_S);
	assert_string_not_equal(header(&f, "authorization"), first);
	answer(&f, 401, "{\"code\":\"390144\",\"message\":\"JWT token is invalid.\"}");
	assert_true(f.verdict.kind == GENOPS_RETRY && f.verdict.retry_after_ns == 0 && strstr(f.verdict.reason, "public key"));
	(void)send(&f, &item, 1, T0 + 1801 * GENOPS_NS_PER_S);
	answer(&f, 401, "");
	assert_true(f.verdict.kind == GENOPS_RETRY && f.verdict.retry_after_ns >= 60 * GENOPS_NS_PER_S);
	unload(&f);
}

static void test_settings(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message; /* NULL: right */
	} rows[] = {
	    {"{account: a, token: t}", NULL},
	    {"{account: a, token: t, token_type: oauth, endpoint: 'http://127.0.0.1:1/'}", NULL},
	    {"{account: a, user: u, private_key: '${KEY}'}", NULL},
	    {"{account: a.global, user: u, private_key: '${KEY}'}", NULL},
	    {"{account: a, user: u, private_key: '${ENCRYPTED}', private_key_passphrase: s3cret}", NULL},
	    {"{token: t}", "account"},
	    {"{account: 'a/b', token: t}", "\"a/b\" is none"},
	    {"{account: a}", "needs private_key or token"},
	    {"{account: a, token: t, user: u, private_key: '${KEY}'}", "two ways"},
	    {"{account: a, private_key: '${KEY}'}", "needs user"},
	    {"{account: a, user: u, private_key: '${ENCRYPTED}'}", "cannot be decrypted"},
	    {"{account: a, user: u, private_key: '${ENCRYPTED}', private_key_passphrase: wrong}", "cannot be decrypted"},
	    {"{account: a, user: u, private_key: nonsense}", "no private key in PEM"},
	    {"{account: a, user: u, private_key: '${WEAK}'}", "at least 2048 bits"},
	    {"{account: a, token: \"a b\"}", "blanks or control"},
	    {"{account: a, token: t, table: 'x y'}", "is no name of a table"},
	    {"{account: a, token: t, endpoint: ftp://x}", "not a URL"},
	    {"{account: a, token: t, statement_timeout: 0.5}", "statement_timeout"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		int code = load(&f, rows[i].text);
		if (rows[i].message ? code != GENOPS_CONFIG || !strstr(f.err.message, rows[i].message) : code != GENOPS_OK)
			fail_msg("%s: %d %s", rows[i].text, code, f.err.message);
		assert_null(strstr(f.err.message, "PRIVATE"));
		assert_true(!rows[i].message || f.err.line == 1);
		unload(&f);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_destination_item item = item_of(7, "{}");
	item.settings = GENOPS_STR("{\"table\":\"x\"}");
	const struct genops_destination_batch batch = {.items = &item, .n_items = 1, .now_unix_ns = T0};
	start(&f, TOKEN);
	for (long n = 0; FAILING_ALLOC && n < 200; n++) {
		genops_arena_done(&f.request_arena);
		genops_arena_init(&f.request_arena, 1 << 20);
		allocs_left = n;
		int code = type->encode(&f.settings, &batch, &f.request_arena, &f.request, &f.err);
		allocs_left = -1;
		if (code == GENOPS_OK)
			break;
		if (code != GENOPS_NOMEM)
			fail_msg("%ld: %d %s", n, code, f.err.message);
		assert_null(f.request.body.ptr);
		assert_true(n < 199);
	}
	unload(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_statement),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_several_tables),
	    cmocka_unit_test(test_request_ids),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_long_statements),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, make_keys, NULL);
}
