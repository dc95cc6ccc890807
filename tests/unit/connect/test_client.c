/* SPDX-License-Identifier: Apache-2.0
 * One client against scripted servers: what is sent again and what never, tokens renewed, pages of new and old instances, cancelling. */
#include "../net/loopback.h"

#include "base/clock.h"
#include "base/str.h"
#include "connect/collibra/client.h"

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n"
#define OK_EMPTY     "{}"

/* What the server says to the n-th request of all; JSON: with status 200; "" : closes without a word. */
struct script {
	const char *answers[8];
	char seen[8][2048];
};

struct connection {
	struct loopback *loopback;
	int fd;
};

static bool read_request(int fd, char *out, size_t size)
{
	size_t n = 0;
	for (;;) {
		ssize_t got = recv(fd, out + n, size - 1 - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
		out[n] = '\0';
		const char *end = strstr(out, "\r\n\r\n");
		const char *length = strcasestr(out, "content-length:");
		if (end && n >= (size_t)(end + 4 - out) + (length ? strtoul(length + 15, NULL, 10) : 0))
			return true;
	}
}

static void *talk(void *arg)
{
	struct connection *connection = arg;
	struct script *script = connection->loopback->arg;
	char request[2048];
	while (read_request(connection->fd, request, sizeof request)) {
		int i = atomic_fetch_add(&connection->loopback->n_requests, 1);
		if (i >= 8 || !script->answers[i] || !script->answers[i][0])
			break;
		memcpy(script->seen[i], request, sizeof request);
		const char *answer = script->answers[i];
		char whole[512];
		bool is_json = *answer == '{' || *answer == '[';
		int len = is_json ? snprintf(whole, sizeof whole, HEAD("200 OK") "Content-Length: %zu\r\n\r\n%s", strlen(answer), answer)
				  : snprintf(whole, sizeof whole, "%s", answer);
		if (send(connection->fd, whole, (size_t)len, MSG_NOSIGNAL) != len)
			break;
	}
	close(connection->fd);
	free(connection);
	return NULL;
}

#define CONNECTIONS_MAX 16
static pthread_t threads[CONNECTIONS_MAX];

/* A connection may stay open while another one begins. */
static void serve(struct loopback *loopback, int fd, int number)
{
	struct connection *connection = malloc(sizeof *connection);
	assert_true(number < CONNECTIONS_MAX);
	*connection = (struct connection){loopback, dup(fd)};
	pthread_create(&threads[number], NULL, talk, connection);
}

static struct loopback loopback;
static struct script script;
static struct genops_collibra_account *account;
static struct genops_collibra_client *client;
static int cancel;

static void start(const struct script *answers, struct genops_collibra_settings settings)
{
	struct genops_error err;
	script = *answers;
	cancel = 0;
	loopback_start(&loopback, serve, &script);
	settings.url = genops_str_of(loopback.url);
	settings.timeout_ns = 5 * GENOPS_NS_PER_S;
	settings.rate_limit_per_second = 1000;
	account = genops_collibra_account_new(&settings, &err);
	client = genops_collibra_client_new(account, &cancel, &err);
	assert_non_null(client);
}

/* What the server saw may be looked at after this. */
static void stop(void)
{
	genops_collibra_client_free(client);
	genops_collibra_account_unref(account);
	loopback_stop(&loopback);
	for (int i = 0; i < atomic_load(&loopback.n_connections); i++)
		pthread_join(threads[i], NULL);
}

static const struct genops_collibra_settings with_token = {.api_token = {"token", 5}, .max_retries = 2};

static struct genops_collibra_answer call(const char *method, enum genops_collibra_repeat repeat)
{
	const struct genops_collibra_call made = {
	    .method = method,
	    .path = GENOPS_STR("/attributes"),
	    .body = *method == 'P' ? GENOPS_STR("{}") : (genops_str){0},
	    .repeat = repeat,
	};
	struct genops_collibra_answer answer;
	assert_int_equal(genops_collibra_client_call(client, &made, &answer, NULL), GENOPS_OK);
	return answer;
}

static void test_a_write_that_adds_is_sent_once(void **state)
{
	(void)state;
	/* The connection of the first call is kept; libcurl would send a request that finds it closed a second time by itself. */
	start(&(struct script){.answers = {OK_EMPTY, "", OK_EMPTY, OK_EMPTY}}, with_token);
	assert_int_equal(call("GET", GENOPS_COLLIBRA_READ).outcome, GENOPS_COLLIBRA_OK);
	assert_int_equal(call("POST", GENOPS_COLLIBRA_ONCE).outcome, GENOPS_COLLIBRA_UNKNOWN);
	assert_int_equal(atomic_load(&loopback.n_requests), 2);
	stop();
}

static void test_500_of_a_write_that_adds_is_unknown(void **state)
{
	(void)state;
	start(&(struct script){.answers = {HEAD("503 Busy") "Content-Length: 0\r\n\r\n", OK_EMPTY}}, with_token);
	assert_int_equal(call("POST", GENOPS_COLLIBRA_ONCE).outcome, GENOPS_COLLIBRA_UNKNOWN);
	assert_int_equal(atomic_load(&loopback.n_requests), 1);
	stop();
}

static void test_reads_are_tried_again(void **state)
{
	(void)state;
	start(&(struct script){.answers = {"", HEAD("429 Slow") "Retry-After: 1\r\nContent-Length: 0\r\n\r\n", OK_EMPTY}}, with_token);
	assert_int_equal(call("GET", GENOPS_COLLIBRA_READ).outcome, GENOPS_COLLIBRA_OK);
	struct genops_collibra_counts counts;
	genops_collibra_account_counts(account, &counts);
	assert_int_equal(counts.n_calls, 3);
	assert_int_equal(counts.n_limited, 1);
	stop();
	assert_non_null(strstr(script.seen[2], "GET /rest/2.0/attributes HTTP/1.1"));
	assert_non_null(strstr(script.seen[2], "Authorization: Bearer token\r\n"));
}

#define TOKEN(name) "{\"access_token\":\"" name "\",\"expires_in\":3600}"

static void test_a_refused_token_is_renewed_once(void **state)
{
	(void)state;
	static const struct genops_collibra_settings oauth = {.client_id = {"id", 2}, .client_secret = {"secret", 6}};
	start(&(struct script){.answers = {TOKEN("t1"), HEAD("401 No") "Content-Length: 0\r\n\r\n", TOKEN("t2"),
				   HEAD("401 No") "Content-Length: 0\r\n\r\n", OK_EMPTY}},
	    oauth);
	struct genops_collibra_answer answer = call("POST", GENOPS_COLLIBRA_ONCE);
	assert_int_equal(answer.outcome, GENOPS_COLLIBRA_UNAUTHENTICATED);
	assert_int_equal(atomic_load(&loopback.n_requests), 4);
	stop();
	assert_non_null(strstr(script.seen[0], "POST /rest/oauth/v2/token"));
	assert_non_null(strstr(script.seen[0], "grant_type=client_credentials"));
	assert_null(strstr(script.seen[0], "scope"));
	assert_non_null(strstr(script.seen[1], "Bearer t1"));
	assert_non_null(strstr(script.seen[3], "Bearer t2"));
}

static int count_page(void *arg, genops_str body, struct genops_error *err)
{
	(void)err;
	*(size_t *)arg += body.len > 0;
	return GENOPS_OK;
}

static int list(size_t *n_pages, struct genops_error *err)
{
	*n_pages = 0;
	return genops_collibra_client_list(client, GENOPS_STR("/assets"), (genops_str){0}, true, "the assets", count_page, n_pages, err);
}

static void test_pages_by_cursor(void **state)
{
	(void)state;
	size_t n_pages;
	struct genops_error err;
	start(&(struct script){.answers = {"{\"results\":[{},{}],\"nextCursor\":\"a b\"} ",
				   "{\"results\":[{}],\"total\":-1}    "}},
	    with_token);
	assert_int_equal(list(&n_pages, &err), GENOPS_OK);
	assert_int_equal(n_pages, 2);
	stop();
	assert_non_null(strstr(script.seen[0], "limit=1000&cursor= "));
	assert_non_null(strstr(script.seen[1], "cursor=a%20b "));
}

static void test_pages_of_an_instance_without_cursors(void **state)
{
	(void)state;
	size_t n_pages;
	struct genops_error err;
	start(&(struct script){.answers = {"{\"total\":3,\"offset\":0,\"results\":[{},{}]}   ",
				   "{\"total\":3,\"offset\":2,\"results\":[{}]}   "}},
	    with_token);
	assert_int_equal(list(&n_pages, &err), GENOPS_OK);
	assert_int_equal(n_pages, 2);
	stop();
	assert_non_null(strstr(script.seen[1], "offset=2 "));
	assert_null(strstr(script.seen[1], "cursor"));
}

static void test_listings_that_are_none(void **state)
{
	(void)state;
	size_t n_pages;
	struct genops_error err;
	start(&(struct script){.answers = {"{}", "[1]", "{\"results",
				   "{\"results\":[{}],\"nextCursor\":\"same\"}", "{\"results\":[{}],\"nextCursor\":\"same\"}"}},
	    with_token);
	for (int i = 0; i < 3; i++)
		assert_int_equal(list(&n_pages, &err), GENOPS_SYNTAX);
	assert_int_equal(list(&n_pages, &err), GENOPS_LIMIT); /* a cursor that leads nowhere */
	stop();
}

static void test_cancelled(void **state)
{
	(void)state;
	start(&(struct script){.answers = {OK_EMPTY}}, with_token);
	cancel = 1;
	assert_int_equal(call("GET", GENOPS_COLLIBRA_READ).outcome, GENOPS_COLLIBRA_CANCELLED);
	assert_int_equal(atomic_load(&loopback.n_requests), 0);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_write_that_adds_is_sent_once),
	    cmocka_unit_test(test_500_of_a_write_that_adds_is_unknown),
	    cmocka_unit_test(test_reads_are_tried_again),
	    cmocka_unit_test(test_a_refused_token_is_renewed_once),
	    cmocka_unit_test(test_pages_by_cursor),
	    cmocka_unit_test(test_pages_of_an_instance_without_cursors),
	    cmocka_unit_test(test_listings_that_are_none),
	    cmocka_unit_test(test_cancelled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
