/* SPDX-License-Identifier: Apache-2.0
 * export/otlp_outgoing.c - see otlp_outgoing.h. Pure; any thread. */
#include "export/otlp_outgoing.h"

#include "base/str.h"
#include "codec/compress.h"
#include "telemetry/otlp/otlp_json.h"

#define GZIP_LEVEL 1 /* telemetry repeats itself: higher levels cost much and save little */

static bool is_token(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c <= 0x20 || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c))
			return false;
	}
	return text.len > 0;
}

static bool is_value(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* What the protocol itself sets. */
static bool is_ours(genops_str key)
{
	static const char *const names[] = {"content-type", "content-length", "content-encoding",
	    "transfer-encoding", "connection", "te", "expect", "host"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(key, names[i]))
			return true;
	}
	return key.len >= 5 &&
	       genops_str_equal_nocase((genops_str){key.ptr, 5}, GENOPS_STR("grpc-"));
}

static bool compression_of(genops_str name, enum genops_compress_kind *ret_kind)
{
	if (genops_str_is_nocase(name, "none")) {
		*ret_kind = GENOPS_COMPRESS_NONE;
		return true;
	}
	return genops_compress_named(name, ret_kind);
}

int genops_otlp_outgoing_check(
    const struct genops_destination_settings *settings, struct genops_error *err)
{
	enum genops_compress_kind kind;
	if (settings->headers.n > GENOPS_DESTINATION_HEADERS_MAX)
		return genops_fail(err, GENOPS_CONFIG,
		    "headers: %zu of them; at most %d can be sent", settings->headers.n,
		    GENOPS_DESTINATION_HEADERS_MAX);
	for (size_t i = 0; i < settings->headers.n; i++) {
		const struct genops_text_pair *header = &settings->headers.items[i];
		if (!is_token(header->key))
			return genops_fail(err, GENOPS_CONFIG,
			    "headers: \"%.*s\" is not a header name", GENOPS_STR_ARG(header->key));
		if (is_ours(header->key))
			return genops_fail_fix(err, GENOPS_CONFIG,
			    "remove it; it follows from encoding and compression",
			    "headers: \"%.*s\" is set by the protocol",
			    GENOPS_STR_ARG(header->key));
		if (!is_value(header->value)) /* the value may be a secret: not told */
			return genops_fail_fix(err, GENOPS_CONFIG,
			    "look for a line break, often at the end of a secret",
			    "headers: the value of \"%.*s\" has control characters",
			    GENOPS_STR_ARG(header->key));
	}
	if (!compression_of(settings->compression, &kind))
		return genops_fail_fix(err, GENOPS_CONFIG, "use gzip, zstd or none",
		    "compression: \"%.*s\" is not known", GENOPS_STR_ARG(settings->compression));
	if (!settings->certificate_file.len != !settings->key_file.len)
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "set both cert_file and key_file, or none",
		    "tls: a client certificate needs its key and the key its certificate");
	return GENOPS_OK;
}

int genops_otlp_outgoing_check_url(genops_str url, const char *example, struct genops_error *err)
{
	size_t skip = genops_str_starts(url, GENOPS_STR("https://")) ? 8 : 7;
	bool is_http = skip == 8 || genops_str_starts(url, GENOPS_STR("http://"));
	if (!url.len)
		return genops_fail_fix(err, GENOPS_CONFIG, example, "endpoint: is missing");
	if (!is_http || url.len == skip || url.ptr[skip] == '/' || url.ptr[skip] == ':')
		return genops_fail_fix(err, GENOPS_CONFIG, example,
		    "endpoint: \"%.*s\" is not a URL", GENOPS_STR_ARG(url));
	for (size_t i = 0; i < url.len; i++) {
		if ((unsigned char)url.ptr[i] <= 0x20 || url.ptr[i] == 0x7f)
			return genops_fail_fix(err, GENOPS_CONFIG, example,
			    "endpoint: has a blank or control character");
	}
	return GENOPS_OK;
}

int genops_otlp_outgoing_header(struct genops_request *request, genops_str key, genops_str value,
    struct genops_arena *arena, struct genops_error *err)
{
	if (request->n_headers == sizeof request->headers / sizeof *request->headers)
		return genops_fail(err, GENOPS_LIMIT, "too many headers");
	char *name = genops_arena_dup_text(arena, key);
	if (!name)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a header");
	for (size_t i = 0; i < key.len; i++) {
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] - 'A' + 'a');
	}
	request->headers[request->n_headers++] = (struct genops_text_pair){{name, key.len}, value};
	return GENOPS_OK;
}

int genops_otlp_outgoing_headers(const struct genops_destination_settings *settings,
    struct genops_request *request, struct genops_arena *arena, struct genops_error *err)
{
	for (size_t i = 0; i < settings->headers.n; i++)
		GENOPS_TRY(genops_otlp_outgoing_header(request, settings->headers.items[i].key,
		    settings->headers.items[i].value, arena, err));
	return GENOPS_OK;
}

static int compress(
    enum genops_compress_kind kind, struct genops_buffer *body, struct genops_error *err)
{
	struct genops_buffer small;
	genops_buffer_init(&small, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_compress_encode(kind, kind == GENOPS_COMPRESS_GZIP ? GZIP_LEVEL : 0,
	    genops_buffer_view(body), &small, err);
	if (code == GENOPS_OK) {
		genops_buffer_done(body);
		*body = small;
	} else {
		genops_buffer_done(&small);
	}
	return code;
}

enum genops_signal genops_otlp_outgoing_signal(const struct genops_destination_batch *batch)
{
	if (!batch->n_items || batch->items[0].kind == GENOPS_ITEM_TRACES)
		return GENOPS_SIGNAL_TRACES;
	return batch->items[0].kind == GENOPS_ITEM_METRICS ? GENOPS_SIGNAL_METRICS : GENOPS_SIGNAL_LOGS;
}

static void encode_records(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, bool is_json, struct genops_buffer *body)
{
	struct genops_span_batch spans = {settings->profile, batch->records, batch->n_records, &settings->resource};
	if (is_json)
		genops_span_encode_json(&spans, body);
	else
		genops_span_encode_protobuf(&spans, body);
}

/* Requests of one signal behind one another are a request. */
static int encode_items(const struct genops_destination_batch *batch, bool is_json, struct genops_buffer *body,
    struct genops_error *err)
{
	struct genops_buffer request;
	if (!is_json || batch->n_items == 1) {
		for (size_t i = 0; !is_json && i < batch->n_items; i++)
			genops_buffer_add(body, batch->items[i].body);
		return is_json ? genops_otlp_json_write(genops_otlp_outgoing_signal(batch), batch->items[0].body, body, err)
			       : GENOPS_OK;
	}
	genops_buffer_init(&request, GENOPS_DESTINATION_BODY_MAX);
	int code = encode_items(batch, false, &request, err);
	if (code == GENOPS_OK && request.error)
		code = genops_fail(err, request.error, "a batch of telemetry does not fit into memory");
	if (code == GENOPS_OK)
		code = genops_otlp_json_write(genops_otlp_outgoing_signal(batch), genops_buffer_view(&request), body, err);
	genops_buffer_done(&request);
	return code;
}

int genops_otlp_outgoing_encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, bool is_json, struct genops_buffer *body, struct genops_error *err)
{
	size_t n = batch->n_records + batch->n_items;
	if (batch->n_items)
		GENOPS_TRY(encode_items(batch, is_json, body, err));
	else
		encode_records(settings, batch, is_json, body);
	if (!body->error)
		return GENOPS_OK;
	return genops_fail(err, body->error, "a batch of %zu: %s", n,
	    body->error == GENOPS_LIMIT ? "larger than 256 MiB" : "out of memory");
}

int genops_otlp_outgoing_body(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, bool is_json, struct genops_request *request,
    const char **ret_encoding, struct genops_error *err)
{
	enum genops_compress_kind kind = GENOPS_COMPRESS_NONE;
	struct genops_buffer body;
	if (!compression_of(settings->compression, &kind))
		return genops_fail(err, GENOPS_CONFIG, "compression is not known");
	genops_buffer_init(&body, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_otlp_outgoing_encode(settings, batch, is_json, &body, err);
	if (code == GENOPS_OK && kind != GENOPS_COMPRESS_NONE)
		code = compress(kind, &body, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&body);
		return code;
	}
	request->body = body;
	*ret_encoding = genops_compress_name(kind);
	return GENOPS_OK;
}
