/* SPDX-License-Identifier: Apache-2.0
 * One client against scripted servers: kept connections, half and slow and endless answers, refusals, cancel, files. */
#include "loopback.h"

#include "base/clock.h"
#include "base/str.h"
#include "net/http.h"

#include <signal.h>
#include <stdlib.h>

/* What the server says to the n-th request of all; "" : closes without a word; NULL: says nothing until the client goes. */
struct script {
	const char *answers[8];
	bool closes[8]; /* after this answer */
	char seen[8][4096];
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
		if (end &&
		    n >= (size_t)(end + 4 - out) + (length ? strtoul(length + 15, NULL, 10) : 0))
			return true;
	}
}

static void serve(struct loopback *loopback, int fd, int number)
{
	struct script *script = loopback->arg;
	char rest[64];
	(void)number;
	for (;;) {
		int i = atomic_load(&loopback->n_requests);
		if (i >= 8 || !read_request(fd, script->seen[i], sizeof script->seen[i]))
			return;
		atomic_fetch_add(&loopback->n_requests, 1);
		if (!script->answers[i]) {
			while (recv(fd, rest, sizeof rest, 0) > 0)
				;
			return;
		}
		size_t len = strlen(script->answers[i]);
		if (send(fd, script->answers[i], len, MSG_NOSIGNAL) != (ssize_t)len || !len ||
		    script->closes[i])
			return;
	}
}

struct fixture {
	struct loopback loopback;
	struct script script;
	struct genops_http_client *client;
	struct genops_destination_settings settings;
	struct genops_request request;
	struct genops_response response;
	char body[64];
};

static void start(struct fixture *fixture, struct script script)
{
	struct genops_error err;
	memset(fixture, 0, sizeof *fixture);
	fixture->script = script;
	loopback_start(&fixture->loopback, serve, &fixture->script);
	fixture->client = genops_http_client_new(&err);
	assert_non_null(fixture->client);
	fixture->settings.timeout_ns = 5 * GENOPS_NS_PER_S;
	snprintf(fixture->body, sizeof fixture->body, "hello");
	fixture->request = (struct genops_request){.method = "POST",
	    .url = genops_str_of(fixture->loopback.url),
	    .n_headers = 2,
	    .headers = {{GENOPS_STR("content-type"), GENOPS_STR("text/plain")},
		{GENOPS_STR("x-empty"), GENOPS_STR("")}},
	    .body = {.ptr = fixture->body, .len = 5, .cap = 64, .max = 64}};
}

static void stop(struct fixture *fixture)
{
	genops_http_client_free(fixture->client);
	loopback_stop(&fixture->loopback);
}

static void send_one(struct fixture *fixture)
{
	struct genops_error err = {0};
	int code = genops_http_send(
	    fixture->client, &fixture->settings, &fixture->request, NULL, &fixture->response, &err);
	if (code != GENOPS_OK)
		fail_msg("%d: %s", code, err.message);
}

#define OK_2                                                                                       \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"

static void test_answers_and_kept_connection(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){
		      .answers = {OK_2,
			  "HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nContent-Length: 0\r\n\r\n",
			  "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\nHTTP/1.1 200 OK\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"}});
	send_one(&f);
	assert_int_equal(f.response.status, 200);
	assert_true(genops_str_is(f.response.body, "{}"));
	assert_true(genops_str_is(f.response.content_type, "application/json; charset=utf-8"));
	assert_int_equal(f.response.grpc_status, -1);
	assert_true(f.response.received_unix_ns > 0);
	send_one(&f);
	assert_int_equal(f.response.status, 503);
	assert_true(genops_str_is(f.response.retry_after, "7"));
	send_one(&f);
	assert_int_equal(f.response.status, 200);
	assert_true(genops_str_is(f.response.body, "abc"));
	assert_int_equal(f.response.retry_after.len, 0); /* was the 100's */
	assert_int_equal(f.loopback.n_connections, 1);
	assert_int_equal(f.loopback.n_requests, 3);
	stop(&f);
	const char *seen = f.script.seen[0];
	assert_ptr_equal(strstr(seen, "POST / HTTP/1.1\r\n"), seen);
	assert_non_null(strstr(seen, "\r\ncontent-type: text/plain\r\n"));
	assert_non_null(strstr(seen, "\r\nx-empty:"));
	assert_non_null(strstr(seen, "\r\nContent-Length: 5\r\n"));
	assert_non_null(strstr(seen, "\r\nUser-Agent: genops/"));
	assert_non_null(strstr(seen, "\r\n\r\nhello"));
	assert_null(strcasestr(seen, "expect:"));
	assert_null(strcasestr(seen, "accept-encoding"));
}

static void test_redirect_is_not_followed(void **state)
{
	(void)state;
	struct fixture f;
	start(&f,
	    (struct script){
		.answers = {
		    "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"}});
	send_one(&f);
	assert_int_equal(f.response.status, 307);
	assert_int_equal(f.loopback.n_requests, 1);
	stop(&f);
}

/* A kept connection that the server closed meanwhile costs a new connection, not a failure. */
static void test_closed_connection_is_replaced(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.answers = {OK_2, OK_2}, .closes = {true, true}});
	send_one(&f);
	send_one(&f);
	assert_int_equal(f.response.status, 200);
	assert_int_equal(f.loopback.n_connections, 2);
	stop(&f);
}

static void assert_no_answer(const struct fixture *f, const char *why)
{
	assert_int_equal(f->response.status, 0);
	assert_int_equal(f->response.body.len, 0);
	assert_true(f->response.network_error.len > 0);
	if (why && genops_str_find(f->response.network_error, genops_str_of(why)) == SIZE_MAX)
		fail_msg(
		    "\"%.*s\" does not say %s", GENOPS_STR_ARG(f->response.network_error), why);
}

static void test_half_an_answer_is_none(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "",
				      "HTTP/1.1 2", OK_2},
		      .closes = {true, true, true}});
	send_one(&f);
	assert_no_answer(&f, NULL);
	send_one(&f);
	assert_no_answer(&f, NULL);
	send_one(&f);
	assert_no_answer(&f, NULL);
	send_one(&f); /* and the client is as good as new */
	assert_int_equal(f.response.status, 200);
	stop(&f);
}

static void test_slow_answer(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){0});
	f.settings.timeout_ns = 50 * GENOPS_NS_PER_MS;
	int64_t before = genops_clock_monotonic_ns();
	send_one(&f);
	assert_no_answer(&f, "timed out");
	assert_true(genops_clock_monotonic_ns() - before < 4 * GENOPS_NS_PER_S);
	stop(&f);
}

static void test_cancelled(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_error err;
	volatile int cancel = 1;
	start(&f, (struct script){0});
	int64_t before = genops_clock_monotonic_ns();
	assert_int_equal(
	    genops_http_send(f.client, &f.settings, &f.request, &cancel, &f.response, &err),
	    GENOPS_OK);
	assert_no_answer(&f, "cancelled");
	assert_true(genops_clock_monotonic_ns() - before < 4 * GENOPS_NS_PER_S);
	stop(&f);
}

static void test_nobody_there(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){0});
	loopback_stop(&f.loopback);
	send_one(&f);
	assert_no_answer(&f, "connect");
	f.request.transport = GENOPS_TRANSPORT_GRPC;
	f.request.grpc_path = GENOPS_STR("/s/m");
	send_one(&f);
	assert_no_answer(&f, "connect");
	genops_http_client_free(f.client);
}

static void serve_endless(struct loopback *loopback, int fd, int number)
{
	char junk[4096], request[4096];
	(void)loopback, (void)number;
	memset(junk, 'x', sizeof junk);
	if (!read_request(fd, request, sizeof request))
		return;
	send(fd, "HTTP/1.1 400 Bad\r\n\r\n", 20, MSG_NOSIGNAL);
	while (send(fd, junk, sizeof junk, MSG_NOSIGNAL) > 0)
		;
}

static void test_endless_body_is_cut(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){0});
	loopback_stop(&f.loopback);
	loopback_start(&f.loopback, serve_endless, NULL);
	f.request.url = genops_str_of(f.loopback.url);
	send_one(&f);
	assert_int_equal(f.response.status, 400);
	assert_int_equal(f.response.body.len, GENOPS_HTTP_ANSWER_MAX);
	stop(&f);
}

static void test_misuse(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_error err;
	start(&f, (struct script){0});
	f.request.headers[0].value = GENOPS_STR("a\r\nX-Injected: 1");
	assert_int_equal(
	    genops_http_send(f.client, &f.settings, &f.request, NULL, &f.response, &err),
	    GENOPS_MISUSE);
	assert_null(strstr(err.message, "Injected")); /* values may be secrets */
	f.request.n_headers = 0;
	f.request.url = GENOPS_STR("");
	assert_int_equal(
	    genops_http_send(f.client, &f.settings, &f.request, NULL, &f.response, &err),
	    GENOPS_MISUSE);
	f.request.url = GENOPS_STR("file:///etc/passwd");
	send_one(&f);
	assert_no_answer(&f, NULL);
	stop(&f);
}

static void test_file(void **state)
{
	(void)state;
	struct fixture f;
	char path[] = "/tmp/genops-test-XXXXXX", text[64] = "";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	start(&f, (struct script){0});
	f.request.transport = GENOPS_TRANSPORT_FILE;
	f.request.url = genops_str_of(path);
	send_one(&f);
	send_one(&f);
	assert_int_equal(f.response.status, 200);
	assert_int_equal(read(fd, text, sizeof text), 10);
	assert_string_equal(text, "hellohello");
	f.request.url = GENOPS_STR("/nonexistent/directory/file");
	send_one(&f);
	assert_no_answer(&f, "No such file");
	f.request.url = GENOPS_STR("/dev/full");
	send_one(&f);
	assert_no_answer(&f, "No space");
	close(fd);
	unlink(path);
	stop(&f);
}

static void test_no_sigpipe(void **state)
{
	(void)state;
	struct fixture f;
	sigset_t before, after;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	start(&f, (struct script){.answers = {"", ""}});
	signal(SIGPIPE, SIG_DFL);
	send_one(&f);
	send_one(&f);
	stop(&f);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers_and_kept_connection),
	    cmocka_unit_test(test_redirect_is_not_followed),
	    cmocka_unit_test(test_closed_connection_is_replaced),
	    cmocka_unit_test(test_half_an_answer_is_none),
	    cmocka_unit_test(test_slow_answer),
	    cmocka_unit_test(test_cancelled),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_endless_body_is_cut),
	    cmocka_unit_test(test_misuse),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_no_sigpipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
