/* SPDX-License-Identifier: Apache-2.0
 * net/grpc_h2c.c - see grpc_h2c.h. Owns its connections; one call runs at a time.
 *
 * A connection is given up after anything but a clean end of the stream, and looked at before it is used again: a GOAWAY or
 * an end that arrived in between costs a new connection, not a failed batch. */
#include "net/grpc_h2c.h"

#include "base/clock.h"
#include "base/str.h"

#include <curl/curl.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 8
#define POLL_MS		100
#define RECEIVE_SIZE	16384
#define WINDOW_SIZE	(1 << 20)
#define HEADERS_MAX	40

struct connection {
	char *url;  /* owned; NULL: free place */
	CURL *curl; /* owns the socket */
	int fd;
	nghttp2_session *session; /* owned */
	bool is_used;		  /* carried a call before */
	bool is_going_away;	  /* the server wants no new streams */
	uint64_t used_at;	  /* for choosing whom to close */
};

struct genops_grpc_h2c {
	struct connection connections[CONNECTIONS_MAX];
	uint64_t n_calls;
	nghttp2_session_callbacks *callbacks;
};

/* The call that is running, reached from nghttp2's callbacks. */
struct stream {
	struct connection *connection;
	const struct genops_grpc_call *call;
	struct genops_incoming *incoming;
	char frame[GENOPS_GRPC_FRAME_LEN];
	size_t at; /* of frame and message */
	int32_t id;
	bool is_closed;
	uint32_t close_code;
};

enum outcome { DONE, FAILED, NOT_BEGUN };

static ssize_t on_send(
    nghttp2_session *session, const uint8_t *data, size_t length, int flags, void *arg)
{
	const struct connection *connection = arg;
	ssize_t n = send(connection->fd, data, length, MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? NGHTTP2_ERR_WOULDBLOCK
						 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static struct stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct stream *stream = stream_of(session, frame->hd.stream_id);
	genops_str key = {(const char *)name, name_len}, text = {(const char *)value, value_len};
	int64_t status;
	if (!stream)
		return 0;
	if (genops_str_is(key, ":status") && genops_str_to_int(text, &status))
		stream->incoming->status = (int)status;
	else
		genops_incoming_header(stream->incoming, key, text);
	return 0;
}

static int on_data(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *arg)
{
	struct stream *stream = stream_of(session, id);
	/* What is over the maximum is read and dropped: the trailers behind it decide. */
	if (stream)
		genops_incoming_body(stream->incoming, (genops_str){(const char *)data, len});
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct connection *connection = arg;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		connection->is_going_away = true;
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct stream *stream = stream_of(session, id);
	if (stream) {
		stream->is_closed = true;
		stream->close_code = code;
	}
	return 0;
}

static ssize_t on_body_wanted(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct stream *stream = source->ptr;
	genops_str message = stream->call->message;
	size_t total = GENOPS_GRPC_FRAME_LEN + message.len, n = 0;
	for (; n < room && stream->at < GENOPS_GRPC_FRAME_LEN; n++)
		out[n] = (uint8_t)stream->frame[stream->at++];
	size_t rest = total - stream->at;
	rest = rest < room - n ? rest : room - n;
	if (rest) {
		memcpy(out + n, message.ptr + (stream->at - GENOPS_GRPC_FRAME_LEN), rest);
		stream->at += rest;
		n += rest;
	}
	if (stream->at == total)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

struct genops_grpc_h2c *genops_grpc_h2c_new(void)
{
	struct genops_grpc_h2c *h2c = calloc(1, sizeof *h2c);
	if (!h2c || nghttp2_session_callbacks_new(&h2c->callbacks) != 0) {
		free(h2c);
		return NULL;
	}
	nghttp2_session_callbacks_set_send_callback(h2c->callbacks, on_send);
	nghttp2_session_callbacks_set_on_header_callback(h2c->callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(h2c->callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(h2c->callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(h2c->callbacks, on_close);
	return h2c;
}

static void disconnect(struct connection *connection)
{
	nghttp2_session_del(connection->session);
	curl_easy_cleanup(connection->curl); /* closes the socket */
	free(connection->url);
	*connection = (struct connection){.fd = -1};
}

void genops_grpc_h2c_free(struct genops_grpc_h2c *h2c)
{
	if (!h2c)
		return;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		disconnect(&h2c->connections[i]);
	nghttp2_session_callbacks_del(h2c->callbacks);
	free(h2c);
}

static bool is_cancelled(const struct genops_grpc_call *call)
{
	return call->cancel && __atomic_load_n(call->cancel, __ATOMIC_RELAXED);
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	return is_cancelled(arg); /* non-zero ends the attempt */
}

static int64_t ms_left(const struct genops_grpc_call *call)
{
	return (call->deadline_ns - genops_clock_monotonic_ns()) / GENOPS_NS_PER_MS;
}

/* A socket that is connected, through libcurl. False: incoming says why. */
static bool open_socket(struct connection *connection, const struct genops_grpc_call *call,
    struct genops_incoming *incoming)
{
	char error[CURL_ERROR_SIZE] = "";
	curl_socket_t fd = CURL_SOCKET_BAD;
	int64_t left = ms_left(call);
	CURL *curl = connection->curl;
	curl_easy_setopt(curl, CURLOPT_URL, connection->url);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL,
	    1L); /* a proxy that only knows HTTP/1.1 must not look inside */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, left > 0 ? (long)left : 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, call);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
	if (code == CURLE_OK && fd != CURL_SOCKET_BAD) {
		connection->fd = fd;
		return true;
	}
	if (code == CURLE_ABORTED_BY_CALLBACK)
		genops_incoming_fail(incoming, "cancelled");
	else
		genops_incoming_fail(incoming, "%s", error[0] ? error : curl_easy_strerror(code));
	return false;
}

static bool start_session(struct genops_grpc_h2c *h2c, struct connection *connection)
{
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_SIZE},
	};
	return nghttp2_session_client_new(&connection->session, h2c->callbacks, connection) == 0 &&
	       nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 2) == 0;
}

/* The place of this URL, else a free one, else the one not used for longest. */
static struct connection *choose(struct genops_grpc_h2c *h2c, genops_str url)
{
	struct connection *oldest = &h2c->connections[0];
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &h2c->connections[i];
		if (connection->url && genops_str_is(url, connection->url))
			return connection;
		if (connection->used_at < oldest->used_at)
			oldest = connection;
	}
	return oldest;
}

/* Takes in what has arrived. False: the connection is at its end. */
static bool receive(struct connection *connection)
{
	uint8_t bytes[RECEIVE_SIZE];
	for (;;) {
		ssize_t n = recv(connection->fd, bytes, sizeof bytes, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0 || nghttp2_session_mem_recv(connection->session, bytes, (size_t)n) < 0)
			return false;
	}
}

static bool is_usable(struct connection *connection)
{
	return receive(connection) && !connection->is_going_away &&
	       nghttp2_session_check_request_allowed(connection->session);
}

/* OK with *ret NULL: incoming says why there is no connection. */
static int connect_to(struct genops_grpc_h2c *h2c, const struct genops_grpc_call *call,
    struct genops_incoming *incoming, struct connection **ret, struct genops_error *err)
{
	struct connection *connection = choose(h2c, call->url);
	*ret = NULL;
	if (connection->url && genops_str_is(call->url, connection->url) && is_usable(connection)) {
		*ret = connection;
		return GENOPS_OK;
	}
	disconnect(connection);
	connection->url = strndup(call->url.ptr, call->url.len);
	connection->curl = curl_easy_init();
	if (!connection->url || !connection->curl) {
		disconnect(connection);
		return genops_fail(err, GENOPS_NOMEM, "no memory for a connection");
	}
	if (!open_socket(connection, call, incoming)) {
		disconnect(connection);
		return GENOPS_OK;
	}
	if (!start_session(h2c, connection)) {
		disconnect(connection);
		return genops_fail(err, GENOPS_NOMEM, "no memory for an HTTP/2 session");
	}
	*ret = connection;
	return GENOPS_OK;
}

static nghttp2_nv pair(genops_str name, genops_str value)
{
	/* nghttp2's type is not const, but it copies. */
	union {
		const char *text;
		uint8_t *bytes;
	} n = {name.ptr}, v = {value.ptr ? value.ptr : ""};
	return (nghttp2_nv){n.bytes, v.bytes, name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

static bool submit(struct stream *stream)
{
	const struct genops_grpc_call *call = stream->call;
	nghttp2_nv fields[HEADERS_MAX];
	size_t n = 0;
	nghttp2_data_provider body = {.source.ptr = stream, .read_callback = on_body_wanted};
	genops_str authority = genops_str_skip(call->url, strlen("http://"));
	authority = genops_str_split(&authority, '/');
	fields[n++] = pair(GENOPS_STR(":method"), GENOPS_STR("POST"));
	fields[n++] = pair(GENOPS_STR(":scheme"), GENOPS_STR("http"));
	fields[n++] = pair(GENOPS_STR(":path"), call->path);
	fields[n++] = pair(GENOPS_STR(":authority"), authority);
	fields[n++] = pair(GENOPS_STR("user-agent"), GENOPS_STR("genops/" GENOPS_VERSION));
	for (size_t i = 0; i < call->n_headers && n < HEADERS_MAX; i++)
		fields[n++] = pair(call->headers[i].key, call->headers[i].value);
	genops_grpc_status_frame(stream->frame, call->is_compressed, call->message.len);
	stream->id =
	    nghttp2_submit_request(stream->connection->session, NULL, fields, n, &body, stream);
	return stream->id > 0;
}

/* Is it time to give up? Then incoming says why. */
static bool must_stop(struct stream *stream, int64_t left)
{
	if (left > 0 && !is_cancelled(stream->call))
		return false;
	genops_incoming_fail(stream->incoming, left > 0 ? "cancelled" : "timed out");
	return true;
}

/* One round of writing, waiting and reading. False: the connection is at its end. */
static bool pump(struct connection *connection, int64_t left)
{
	struct pollfd poll_fd = {.fd = connection->fd, .events = POLLIN};
	if (nghttp2_session_send(connection->session) != 0)
		return false;
	if (nghttp2_session_want_write(connection->session))
		poll_fd.events |= POLLOUT;
	if (poll(&poll_fd, 1, (int)(left < POLL_MS ? left : POLL_MS)) < 0 && errno != EINTR)
		return false;
	return receive(connection);
}

/* What a closed stream means. */
static enum outcome judge_close(struct stream *stream)
{
	if (stream->close_code == NGHTTP2_NO_ERROR)
		return DONE;
	if (stream->close_code == NGHTTP2_REFUSED_STREAM && !stream->incoming->status) {
		genops_incoming_fail(
		    stream->incoming, "the server refused the call before it began");
		return NOT_BEGUN;
	}
	/* Trailers that came before the reset count: servers do that to clients that still send. */
	if (stream->incoming->grpc.status >= 0)
		return DONE;
	genops_incoming_fail(stream->incoming, "the server reset the call: %s",
	    nghttp2_http2_strerror(stream->close_code));
	return FAILED;
}

static enum outcome run(struct stream *stream)
{
	struct connection *connection = stream->connection;
	bool was_used = connection->is_used;
	connection->is_used = true;
	if (!submit(stream)) {
		genops_incoming_fail(stream->incoming, "the request cannot be sent over HTTP/2");
		return FAILED;
	}
	while (!stream->is_closed) {
		int64_t left = ms_left(stream->call);
		if (must_stop(stream, left))
			return FAILED;
		if (pump(connection, left) || stream->is_closed)
			continue;
		/* A kept connection may have ended while we wrote: once more, unless an answer had begun. */
		bool is_stale = was_used && !stream->incoming->status;
		genops_incoming_fail(
		    stream->incoming, "the connection was closed before an answer was complete");
		return is_stale ? NOT_BEGUN : FAILED;
	}
	return judge_close(stream);
}

int genops_grpc_h2c_send(struct genops_grpc_h2c *h2c, const struct genops_grpc_call *call,
    struct genops_incoming *incoming, struct genops_error *err)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		struct stream stream = {.call = call, .incoming = incoming};
		genops_incoming_clear(incoming);
		GENOPS_TRY(connect_to(h2c, call, incoming, &stream.connection, err));
		if (!stream.connection)
			return GENOPS_OK;
		stream.connection->used_at = ++h2c->n_calls;
		enum outcome outcome = run(&stream);
		if (outcome != DONE || stream.close_code != NGHTTP2_NO_ERROR ||
		    stream.connection->is_going_away)
			disconnect(stream.connection);
		if (outcome != NOT_BEGUN)
			return GENOPS_OK;
	}
	return GENOPS_OK;
}
