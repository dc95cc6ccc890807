/* SPDX-License-Identifier: Apache-2.0
 * net/http.c - see http.h: HTTP/1.1 and gRPC over TLS through one libcurl multi handle, whose connections are kept; gRPC
 * without TLS goes to grpc_h2c.c, files to append.c, Kafka's messages to kafka_producer.c. Owns its handles and the answer's memory.
 *
 * The multi handle is there for its poll: an easy one cannot be interrupted. */
#include "net/http.h"

#include "base/clock.h"
#include "base/str.h"
#include "net/append.h"
#include "net/grpc_h2c.h"
#include "net/incoming.h"
#include "net/kafka_producer.h"
#include "net/read_file.h"
#include "net/sigpipe.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define POLL_MS		    100 /* how long a cancel may go unseen */
#define UPLOAD_BUFFER	    (256L * 1024)
#define HEADER_MAX	    ((size_t)16384)
#define GRPC_TIMEOUT_MAX_MS INT64_C(99999999)

struct genops_http_client {
	CURLM *multi;
	CURL *easy;
	struct genops_grpc_h2c *h2c;
	struct genops_kafka_producer *kafka;
	struct genops_incoming incoming;
	char error[CURL_ERROR_SIZE];
};

/* A gRPC body: frame and message, without copying the message behind the frame. */
struct upload {
	char frame[GENOPS_GRPC_FRAME_LEN];
	genops_str message;
	size_t at;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready;

static void start_curl(void)
{
	is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct genops_http_client *genops_http_client_new(struct genops_error *err)
{
	pthread_once(&once, start_curl);
	struct genops_http_client *client = calloc(1, sizeof *client);
	if (client)
		genops_incoming_init(&client->incoming);
	if (client && is_ready) {
		client->multi = curl_multi_init();
		client->easy = curl_easy_init();
		client->h2c = genops_grpc_h2c_new();
	}
	if (!client || !client->multi || !client->easy || !client->h2c) {
		genops_http_client_free(client);
		genops_fail(err, GENOPS_NOMEM, "no memory for an HTTP client");
		return NULL;
	}
	return client;
}

void genops_http_client_free(struct genops_http_client *client)
{
	struct genops_sigpipe guard;
	if (!client)
		return;
	genops_sigpipe_block(&guard); /* closing a TLS connection writes */
	curl_easy_cleanup(client->easy);
	curl_multi_cleanup(client->multi);
	genops_grpc_h2c_free(client->h2c);
	genops_kafka_producer_free(client->kafka);
	genops_sigpipe_restore(&guard);
	genops_incoming_done(&client->incoming);
	free(client);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	/* Anything but n ends the transfer: what is there is enough to judge by. */
	return genops_incoming_body(arg, (genops_str){bytes, size * n}) ? size * n : 0;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	genops_str rest = {bytes, size * n};
	if (genops_str_starts(rest, GENOPS_STR("HTTP/"))) {
		genops_incoming_clear(arg); /* a new answer: the one before was 1xx or a proxy's */
		return size * n;
	}
	genops_str name = genops_str_split(&rest, ':');
	genops_incoming_header(arg, name, rest);
	return size * n;
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
	struct upload *upload = arg;
	size_t room = size * n, done = 0;
	if (upload->at < GENOPS_GRPC_FRAME_LEN) {
		done = GENOPS_GRPC_FRAME_LEN - upload->at;
		done = done < room ? done : room;
		memcpy(out, upload->frame + upload->at, done);
		upload->at += done;
	}
	size_t at =
	    upload->at - (upload->at < GENOPS_GRPC_FRAME_LEN ? upload->at : GENOPS_GRPC_FRAME_LEN);
	size_t rest = upload->message.len - at;
	rest = rest < room - done ? rest : room - done;
	if (rest && upload->at >= GENOPS_GRPC_FRAME_LEN) {
		memcpy(out + done, upload->message.ptr + at, rest);
		upload->at += rest;
		done += rest;
	}
	return done;
}

/* libcurl begins again when a kept connection turns out to be dead. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct upload *upload = arg;
	if (origin != SEEK_SET || offset < 0 ||
	    (size_t)offset > GENOPS_GRPC_FRAME_LEN + upload->message.len)
		return CURL_SEEKFUNC_CANTSEEK;
	upload->at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static bool is_plain(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 && text.ptr[i] != '\t')
			return false;
	}
	return true;
}

static bool add_header(struct curl_slist **list, genops_str name, genops_str value)
{
	struct genops_buffer line;
	genops_buffer_init(&line, HEADER_MAX);
	genops_buffer_add(&line, name);
	genops_buffer_add(&line, GENOPS_STR(": "));
	genops_buffer_add(&line, value);
	if (!value.len) { /* libcurl's own way to say "empty value" */
		genops_buffer_clear(&line);
		genops_buffer_add(&line, name);
		genops_buffer_add(&line, GENOPS_STR(";"));
	}
	char *text = genops_buffer_take(&line, NULL);
	genops_buffer_done(&line);
	if (!text)
		return false;
	struct curl_slist *longer = curl_slist_append(*list, text);
	free(text);
	if (longer)
		*list = longer;
	return longer != NULL;
}

static int64_t timeout_of(const struct genops_destination_settings *settings, const struct genops_request *request)
{
	if (request->timeout_ns > 0)
		return request->timeout_ns;
	return settings->timeout_ns > 0 ? settings->timeout_ns : GENOPS_DESTINATION_TIMEOUT_NS;
}

/* The headers that gRPC itself wants, into out; returns how many. `scratch` holds grpc-timeout. */
static size_t grpc_headers(const struct genops_destination_settings *settings, const struct genops_request *request,
    struct genops_text_pair out[3], char scratch[32])
{
	int64_t ms = timeout_of(settings, request) / GENOPS_NS_PER_MS;
	snprintf(
	    scratch, 32, "%lldm", (long long)(ms > GRPC_TIMEOUT_MAX_MS ? GRPC_TIMEOUT_MAX_MS : ms));
	out[0] =
	    (struct genops_text_pair){GENOPS_STR("content-type"), GENOPS_STR("application/grpc")};
	out[1] = (struct genops_text_pair){GENOPS_STR("te"), GENOPS_STR("trailers")};
	out[2] = (struct genops_text_pair){GENOPS_STR("grpc-timeout"), genops_str_of(scratch)};
	return 3;
}

static bool make_headers(const struct genops_destination_settings *settings,
    const struct genops_request *request, struct curl_slist **list)
{
	struct genops_text_pair own[3];
	char scratch[32];
	bool ok = true;
	size_t n_own =
	    request->transport == GENOPS_TRANSPORT_GRPC ? grpc_headers(settings, request, own, scratch) : 0;
	for (size_t i = 0; ok && i < n_own; i++)
		ok = add_header(list, own[i].key, own[i].value);
	for (size_t i = 0; ok && i < request->n_headers; i++)
		ok = add_header(list, request->headers[i].key, request->headers[i].value);
	/* No round trip for "100 Continue" before a body. */
	struct curl_slist *longer = ok ? curl_slist_append(*list, "Expect:") : NULL;
	if (longer)
		*list = longer;
	return longer != NULL;
}

/* libcurl copies these. False: no memory. */
static bool set_text(CURL *easy, CURLoption option, genops_str text)
{
	if (!text.len)
		return true;
	char *copy = strndup(text.ptr, text.len);
	CURLcode code = copy ? curl_easy_setopt(easy, option, copy) : CURLE_OUT_OF_MEMORY;
	free(copy);
	return code == CURLE_OK;
}

static bool set_common(struct genops_http_client *client,
    const struct genops_destination_settings *settings, const struct genops_request *request)
{
	CURL *easy = client->easy;
	long timeout_ms = (long)(timeout_of(settings, request) / GENOPS_NS_PER_MS);
	curl_easy_reset(easy); /* connections live in the multi handle */
	client->error[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* signed as it is */
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, settings->is_tls13 ? (long)CURL_SSLVERSION_TLSv1_3 : (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, settings->skip_verify ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, settings->skip_verify ? 0L : 2L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
	if (settings->connect_timeout_ns > 0)
		curl_easy_setopt(
		    easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(settings->connect_timeout_ns / GENOPS_NS_PER_MS) + 1);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "genops/" GENOPS_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &client->incoming);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, &client->incoming);
	return set_text(easy, CURLOPT_URL, request->url) &&
	       set_text(easy, CURLOPT_CAINFO, settings->ca_file) &&
	       set_text(easy, CURLOPT_SSLCERT, settings->certificate_file) &&
	       set_text(easy, CURLOPT_SSLKEY, settings->key_file);
}

static bool set_http(CURL *easy, const struct genops_request *request)
{
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* On a kept connection that turns out to be closed libcurl sends a request again by itself, a POST too. */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->is_once ? 1L : 0L);
	if (request->body.len || genops_str_is(genops_str_of(request->method), "POST")) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		curl_easy_setopt(
		    easy, CURLOPT_POSTFIELDS, request->body.ptr ? request->body.ptr : "");
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
		   request->method ? request->method : "GET") == CURLE_OK;
}

static bool set_grpc(CURL *easy, const struct genops_request *request, struct upload *upload)
{
	struct genops_buffer url;
	genops_buffer_init(&url, HEADER_MAX);
	genops_buffer_add(&url, request->url);
	genops_buffer_add(&url, request->grpc_path);
	bool ok = !url.error && set_text(easy, CURLOPT_URL, genops_buffer_view(&url));
	genops_buffer_done(&url);
	*upload = (struct upload){.message = genops_buffer_view(&request->body)};
	genops_grpc_status_frame(upload->frame, request->is_compressed, upload->message.len);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)(GENOPS_GRPC_FRAME_LEN + upload->message.len));
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, upload);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, upload);
	/* With a content-length libcurl 7.88 stops at the last byte of the message and never sees the trailers. */
	curl_easy_setopt(easy, CURLOPT_IGNORE_CONTENT_LENGTH, 1L);
	return ok;
}

/* The result of the one transfer; CURLE_OK while it has none. */
static bool finished(CURLM *multi, CURLcode *ret_code)
{
	CURLMsg *message;
	int n_left;
	while ((message = curl_multi_info_read(multi, &n_left)) != NULL) {
		if (message->msg == CURLMSG_DONE) {
			*ret_code = message->data.result;
			return true;
		}
	}
	return false;
}

static void tell_failure(struct genops_http_client *client, CURLcode code)
{
	const char *text = client->error[0] ? client->error : curl_easy_strerror(code);
	genops_incoming_fail(&client->incoming, "%s", text);
}

static void run(struct genops_http_client *client, const volatile int *cancel)
{
	CURLcode code = CURLE_OK;
	int n_running = 1;
	while (!finished(client->multi, &code)) {
		if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)) {
			genops_incoming_fail(&client->incoming, "cancelled");
			return;
		}
		CURLMcode multi_code = curl_multi_perform(client->multi, &n_running);
		if (multi_code == CURLM_OK && n_running)
			multi_code = curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
		if (multi_code != CURLM_OK) {
			genops_incoming_fail(
			    &client->incoming, "%s", curl_multi_strerror(multi_code));
			return;
		}
	}
	long status = 0;
	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	/* Breaking off a too long body is our own doing: the answer counts. */
	if (code == CURLE_OK || client->incoming.is_cut) {
		client->incoming.status = (int)status;
		return;
	}
	curl_off_t sending_at = 0;
	curl_easy_getinfo(client->easy, CURLINFO_PRETRANSFER_TIME_T, &sending_at);
	client->incoming.is_unsent = sending_at == 0;
	client->incoming.is_timeout = code == CURLE_OPERATION_TIMEDOUT;
	tell_failure(client, code);
}

static int send_curl(struct genops_http_client *client,
    const struct genops_destination_settings *settings, const struct genops_request *request,
    const volatile int *cancel, struct genops_error *err)
{
	struct curl_slist *headers = NULL;
	struct upload upload;
	bool ok =
	    set_common(client, settings, request) && make_headers(settings, request, &headers);
	if (ok && request->transport == GENOPS_TRANSPORT_GRPC)
		ok = set_grpc(client->easy, request, &upload);
	else if (ok)
		ok = set_http(client->easy, request);
	if (ok)
		ok = curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
		     curl_multi_add_handle(client->multi, client->easy) == CURLM_OK;
	if (ok) {
		run(client, cancel);
		curl_multi_remove_handle(client->multi, client->easy);
	}
	curl_slist_free_all(headers);
	return ok ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for a request");
}

static int send_h2c(struct genops_http_client *client,
    const struct genops_destination_settings *settings, const struct genops_request *request,
    const volatile int *cancel, struct genops_error *err)
{
	struct genops_text_pair headers[sizeof request->headers / sizeof *request->headers + 3];
	char scratch[32];
	struct genops_grpc_call call = {
	    .url = request->url,
	    .path = request->grpc_path,
	    .headers = headers,
	    .n_headers = grpc_headers(settings, request, headers, scratch),
	    .message = genops_buffer_view(&request->body),
	    .is_compressed = request->is_compressed,
	    .deadline_ns = genops_clock_monotonic_ns() + timeout_of(settings, request),
	    .cancel = cancel,
	};
	for (size_t i = 0; i < request->n_headers; i++)
		headers[call.n_headers++] = request->headers[i];
	return genops_grpc_h2c_send(client->h2c, &call, &client->incoming, err);
}

static int check(const struct genops_request *request, struct genops_error *err)
{
	if (request->n_headers > sizeof request->headers / sizeof *request->headers)
		return genops_fail(err, GENOPS_MISUSE, "a request has too many headers");
	if (!request->url.len || !is_plain(request->url) || !is_plain(request->grpc_path))
		return genops_fail(
		    err, GENOPS_MISUSE, "a request has no URL, or one with control characters");
	for (size_t i = 0; i < request->n_headers; i++) {
		if (!request->headers[i].key.len || !is_plain(request->headers[i].key) ||
		    !is_plain(request->headers[i].value))
			return genops_fail(err, GENOPS_MISUSE,
			    "header \"%.*s\" cannot be sent: control characters",
			    GENOPS_STR_ARG(request->headers[i].key));
	}
	return GENOPS_OK;
}

int genops_http_send(struct genops_http_client *client,
    const struct genops_destination_settings *settings, const struct genops_request *request,
    const volatile int *cancel, struct genops_response *ret_response, struct genops_error *err)
{
	bool is_grpc = request->transport == GENOPS_TRANSPORT_GRPC;
	bool is_h2c = is_grpc && genops_str_starts(request->url, GENOPS_STR("http://"));
	struct genops_sigpipe guard;
	int code;
	GENOPS_TRY(check(request, err));
	genops_incoming_clear(&client->incoming);
	client->incoming.kept_name = request->kept_header;
	client->incoming.body.max = request->answer_max ? request->answer_max : GENOPS_HTTP_ANSWER_MAX;
	if (request->transport == GENOPS_TRANSPORT_FILE) {
		code = genops_append_file(
		    request->url, genops_buffer_view(&request->body), request->file, &client->incoming, err);
	} else if (request->transport == GENOPS_TRANSPORT_READ) {
		code = genops_read_file(request->url, &client->incoming, err);
	} else if (request->transport == GENOPS_TRANSPORT_KAFKA) {
		code = genops_kafka_send(&client->kafka, settings, request, cancel, &client->incoming, err);
	} else {
		genops_sigpipe_block(&guard);
		code = is_h2c ? send_h2c(client, settings, request, cancel, err)
			      : send_curl(client, settings, request, cancel, err);
		genops_sigpipe_restore(&guard);
	}
	if (code != GENOPS_OK)
		return code;
	genops_incoming_export(&client->incoming, is_grpc, ret_response);
	if (request->transport == GENOPS_TRANSPORT_KAFKA) {
		ret_response->kinds = (const uint8_t *)ret_response->body.ptr;
		ret_response->n_kinds = ret_response->body.len;
	}
	return GENOPS_OK;
}
