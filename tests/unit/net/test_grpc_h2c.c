/* SPDX-License-Identifier: Apache-2.0
 * gRPC without TLS against a scripted HTTP/2 server (nghttp2's server half): trailers, kept connection, GOAWAY, resets,
 * connections that end, deadlines. */
#include "loopback.h"

#include "base/clock.h"
#include "base/str.h"
#include "net/http.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum act {
	ANSWER,		   /* grpc-status 0 and an empty message */
	TRAILERS_ONLY,	   /* UNAVAILABLE in the only header block */
	ANSWER_AND_GOAWAY, /* no more calls on this connection */
	ANSWER_AND_CLOSE,
	REFUSE, /* RST_STREAM with REFUSED_STREAM */
	RESET,	/* RST_STREAM with INTERNAL_ERROR */
	CLOSE,	/* the connection, without a word */
	SILENCE,
	NO_TRAILERS, /* 200, body, end */
	NOT_GRPC,    /* 404 text/html */
};

struct script {
	enum act acts[8];
	char seen[1024]; /* headers of the last call, "name: value\n" */
	struct genops_buffer body;
};

struct server {
	struct loopback *loopback;
	nghttp2_session *session;
	int fd;
	bool must_close;
};

static nghttp2_nv field(const char *name, const char *value)
{
	union {
		const char *text;
		uint8_t *bytes;
	} n = {name}, v = {value};
	return (nghttp2_nv){n.bytes, v.bytes, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static ssize_t server_send(
    nghttp2_session *session, const uint8_t *data, size_t len, int flags, void *arg)
{
	const struct server *server = arg;
	(void)session, (void)flags;
	ssize_t n = send(server->fd, data, len, MSG_NOSIGNAL);
	return n < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : n;
}

static int server_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	const struct server *server = arg;
	struct script *script = server->loopback->arg;
	size_t n = strlen(script->seen);
	(void)session, (void)frame, (void)flags;
	snprintf(script->seen + n, sizeof script->seen - n, "%.*s: %.*s\n", (int)name_len,
	    (const char *)name, (int)value_len, (const char *)value);
	return 0;
}

static int server_data(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *arg)
{
	const struct server *server = arg;
	struct script *script = server->loopback->arg;
	(void)session, (void)flags, (void)id;
	genops_buffer_add(&script->body, (genops_str){(const char *)data, len});
	return 0;
}

static ssize_t server_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	const nghttp2_nv trailers[] = {field("grpc-status", "0"), field("grpc-message", "fine")};
	(void)arg, (void)room;
	memset(out, 0, 5);
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!source->ptr) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, id, trailers, 2);
	}
	return 5;
}

static void answer(struct server *server, int32_t id, bool has_trailers)
{
	const nghttp2_nv head[] = {
	    field(":status", "200"), field("content-type", "application/grpc")};
	nghttp2_data_provider body = {
	    .source.ptr = has_trailers ? NULL : server, .read_callback = server_body};
	nghttp2_submit_response(server->session, id, head, 2, &body);
}

static void act(struct server *server, int32_t id, enum act what)
{
	const nghttp2_nv refusal[] = {field(":status", "200"),
	    field("content-type", "application/grpc"), field("grpc-status", "14"),
	    field("grpc-message", "try%20later")};
	const nghttp2_nv not_grpc[] = {field(":status", "404"), field("content-type", "text/html")};
	switch (what) {
	case ANSWER:
	case ANSWER_AND_CLOSE:
		answer(server, id, true);
		break;
	case ANSWER_AND_GOAWAY:
		answer(server, id, true);
		nghttp2_submit_goaway(
		    server->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR, NULL, 0);
		break;
	case NO_TRAILERS:
		answer(server, id, false);
		break;
	case TRAILERS_ONLY:
		nghttp2_submit_response(server->session, id, refusal, 4, NULL);
		break;
	case NOT_GRPC:
		nghttp2_submit_response(server->session, id, not_grpc, 2, NULL);
		break;
	case REFUSE:
		nghttp2_submit_rst_stream(
		    server->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
		break;
	case RESET:
		nghttp2_submit_rst_stream(
		    server->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
		break;
	case CLOSE:
	case SILENCE:
		break;
	}
	server->must_close = what == CLOSE || what == ANSWER_AND_CLOSE;
}

static int server_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct server *server = arg;
	const struct script *script = server->loopback->arg;
	(void)session;
	if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
		int i = atomic_fetch_add(&server->loopback->n_requests, 1);
		act(server, frame->hd.stream_id, i < 8 ? script->acts[i] : CLOSE);
	}
	return 0;
}

static void serve(struct loopback *loopback, int fd, int number)
{
	struct server server = {.loopback = loopback, .fd = fd};
	nghttp2_session_callbacks *callbacks;
	uint8_t bytes[16384];
	(void)number;
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_send_callback(callbacks, server_send);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, server_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, server_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_frame);
	nghttp2_session_server_new(&server.session, callbacks, &server);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(server.session, NGHTTP2_FLAG_NONE, NULL, 0);
	while (nghttp2_session_send(server.session) == 0 && !server.must_close) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n <= 0 || nghttp2_session_mem_recv(server.session, bytes, (size_t)n) < 0)
			break;
	}
	nghttp2_session_del(server.session);
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
	genops_buffer_init(&fixture->script.body, (size_t)1 << 22);
	loopback_start(&fixture->loopback, serve, &fixture->script);
	fixture->client = genops_http_client_new(&err);
	assert_non_null(fixture->client);
	fixture->settings.timeout_ns = 5 * GENOPS_NS_PER_S;
	snprintf(fixture->body, sizeof fixture->body, "hello");
	fixture->request = (struct genops_request){.transport = GENOPS_TRANSPORT_GRPC,
	    .url = genops_str_of(fixture->loopback.url),
	    .grpc_path = GENOPS_STR("/test.Service/Export"),
	    .n_headers = 1,
	    .headers = {{GENOPS_STR("x-tenant"), GENOPS_STR("acme")}},
	    .body = {.ptr = fixture->body, .len = 5, .cap = 64, .max = 64}};
}

static void stop(struct fixture *fixture)
{
	genops_http_client_free(fixture->client);
	loopback_stop(&fixture->loopback);
	genops_buffer_done(&fixture->script.body);
}

static void call(struct fixture *fixture)
{
	struct genops_error err = {0};
	int code = genops_http_send(
	    fixture->client, &fixture->settings, &fixture->request, NULL, &fixture->response, &err);
	if (code != GENOPS_OK)
		fail_msg("%d: %s", code, err.message);
}

static void assert_taken(struct fixture *fixture)
{
	call(fixture);
	if (fixture->response.network_error.len)
		fail_msg("%.*s", GENOPS_STR_ARG(fixture->response.network_error));
	assert_int_equal(fixture->response.status, 200);
	assert_int_equal(fixture->response.grpc_status, 0);
}

static void assert_no_answer(struct fixture *fixture, const char *why)
{
	call(fixture);
	assert_int_equal(fixture->response.status, 0);
	assert_int_equal(fixture->response.grpc_status, -1);
	if (genops_str_find(fixture->response.network_error, genops_str_of(why)) == SIZE_MAX)
		fail_msg("\"%.*s\" does not say %s",
		    GENOPS_STR_ARG(fixture->response.network_error), why);
}

static void test_call_and_kept_connection(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.acts = {ANSWER, TRAILERS_ONLY, ANSWER}});
	assert_taken(&f);
	assert_true(genops_str_is(f.response.grpc_message, "fine"));
	assert_int_equal(f.response.retry_info_ns, -1);
	call(&f);
	assert_int_equal(f.response.grpc_status, 14);
	assert_true(genops_str_is(f.response.grpc_message, "try later"));
	assert_taken(&f);
	assert_int_equal(f.loopback.n_connections, 1);
	stop(&f);
}

static void test_request_on_the_wire(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.acts = {ANSWER}});
	f.request.is_compressed = true;
	assert_taken(&f);
	static const char *const lines[] = {":method: POST\n", ":scheme: http\n",
	    ":path: /test.Service/Export\n", "content-type: application/grpc\n", "te: trailers\n",
	    "grpc-timeout: 5000m\n", "x-tenant: acme\n", ":authority: 127.0.0.1:"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_non_null(strstr(f.script.seen, lines[i]));
	assert_int_equal(f.script.body.len, 10);
	assert_memory_equal(f.script.body.ptr, "\1\0\0\0\5hello", 10);
	stop(&f);
}

static void test_goaway_then_a_new_connection(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.acts = {ANSWER_AND_GOAWAY, ANSWER, ANSWER_AND_CLOSE, ANSWER}});
	assert_taken(&f);
	assert_taken(&f);
	assert_int_equal(f.loopback.n_connections, 2);
	assert_taken(&f);
	assert_taken(&f);
	assert_int_equal(f.loopback.n_connections, 3);
	stop(&f);
}

static void test_refused_stream_is_repeated_once(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.acts = {REFUSE, ANSWER, REFUSE, REFUSE, ANSWER}});
	assert_taken(&f);
	assert_int_equal(f.loopback.n_requests, 2);
	assert_no_answer(&f, "refused");
	assert_int_equal(f.loopback.n_requests, 4);
	assert_taken(&f);
	stop(&f);
}

static void test_lost_connection(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.acts = {CLOSE, ANSWER, CLOSE, ANSWER, RESET}});
	assert_no_answer(&f, "closed"); /* a new connection that ends: not repeated */
	assert_int_equal(f.loopback.n_requests, 1);
	assert_taken(&f);
	assert_taken(&f); /* a kept one that ends: repeated once */
	assert_int_equal(f.loopback.n_requests, 4);
	assert_no_answer(&f, "reset");
	stop(&f);
}

static void test_deadline_and_cancel(void **state)
{
	(void)state;
	struct fixture f;
	volatile int cancel = 1;
	struct genops_error err;
	start(&f, (struct script){.acts = {SILENCE, ANSWER}});
	f.settings.timeout_ns = 50 * GENOPS_NS_PER_MS;
	assert_no_answer(&f, "timed out");
	f.settings.timeout_ns = 5 * GENOPS_NS_PER_S;
	assert_taken(&f);
	assert_int_equal(
	    genops_http_send(f.client, &f.settings, &f.request, &cancel, &f.response, &err),
	    GENOPS_OK);
	assert_true(genops_str_is(f.response.network_error, "cancelled"));
	stop(&f);
}

static void test_not_a_grpc_server(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){.acts = {NO_TRAILERS, NOT_GRPC}});
	call(&f);
	assert_int_equal(f.response.status, 200);
	assert_int_equal(f.response.grpc_status, -1);
	call(&f);
	assert_int_equal(f.response.status, 404);
	assert_int_equal(f.response.grpc_status, -1);
	stop(&f);
}

static void serve_http1(struct loopback *loopback, int fd, int number)
{
	char junk[256];
	(void)loopback, (void)number;
	if (recv(fd, junk, sizeof junk, 0) > 0)
		send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
}

static void test_http1_server(void **state)
{
	(void)state;
	struct fixture f;
	start(&f, (struct script){0});
	loopback_stop(&f.loopback);
	loopback_start(&f.loopback, serve_http1, NULL);
	f.request.url = genops_str_of(f.loopback.url);
	assert_no_answer(&f, "closed");
	stop(&f);
}

/* Larger than any window: written in many rounds. */
static void test_large_message(void **state)
{
	(void)state;
	struct fixture f;
	size_t len = 1000000;
	start(&f, (struct script){.acts = {ANSWER}});
	char *message = malloc(len);
	assert_non_null(message);
	for (size_t i = 0; i < len; i++)
		message[i] = (char)(i * 31 >> 3);
	f.request.body = (struct genops_buffer){.ptr = message, .len = len, .cap = len, .max = len};
	assert_taken(&f);
	assert_int_equal(f.script.body.len, len + 5);
	assert_memory_equal(f.script.body.ptr + 5, message, len);
	free(message);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_call_and_kept_connection),
	    cmocka_unit_test(test_request_on_the_wire),
	    cmocka_unit_test(test_goaway_then_a_new_connection),
	    cmocka_unit_test(test_refused_stream_is_repeated_once),
	    cmocka_unit_test(test_lost_connection),
	    cmocka_unit_test(test_deadline_and_cancel),
	    cmocka_unit_test(test_not_a_grpc_server),
	    cmocka_unit_test(test_http1_server),
	    cmocka_unit_test(test_large_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
