/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_put.c - see s3_put.h. */
#include "export/s3/s3_put.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "export/file/event_table.h"
#include "export/s3/s3_key.h"
#include "export/s3/sigv4.h"

#include <openssl/evp.h>
#include <stdio.h>

/* What a request is made of, on its way. */
struct put {
	const struct genops_destination_settings *settings;
	const struct genops_s3_settings *own;
	struct genops_s3_object object;
	struct genops_arena *arena;
	struct genops_request *request;
	genops_str path;                /* percent-encoded, with the bucket if it stands there */
	bool is_full;                   /* no memory */
};

/* --- the body --- */

static void add_line(struct genops_buffer *body, genops_str json)
{
	size_t start = body->len;
	genops_buffer_add(body, json);
	for (size_t i = start; !body->error && i < body->len; i++) {
		if (body->ptr[i] == '\n' || body->ptr[i] == '\r') /* between values: in them JSON escapes it */
			body->ptr[i] = ' ';
	}
	genops_buffer_add_char(body, '\n');
}

static genops_str payload_of(const void *arg, size_t i)
{
	const struct genops_destination_item *item = (const struct genops_destination_item *)arg + i;
	return item->payload.len ? item->payload : item->body;
}

static int write_table(struct put *put, const struct genops_destination_batch *batch, struct genops_hash *ret_content, struct genops_error *err)
{
	GENOPS_TRY(genops_event_table_write(payload_of, batch->items, batch->n_items, false, &put->request->body, err));
	*ret_content = genops_hash_of(genops_buffer_view(&put->request->body), batch->items[0].id);
	return GENOPS_OK;
}

static int write_body(struct put *put, const struct genops_destination_batch *batch, struct genops_hash *ret_content, struct genops_error *err)
{
	struct genops_buffer lines;
	genops_buffer_init(&lines, GENOPS_S3_OBJECT_MAX);
	for (size_t i = 0; i < batch->n_items; i++)
		add_line(&lines, payload_of(batch->items, i));
	int code = lines.error ? genops_fail(err, lines.error, "an object of %zu events is over %zu MiB", batch->n_items, GENOPS_S3_OBJECT_MAX >> 20)
			       : GENOPS_OK;
	if (code == GENOPS_OK)
		*ret_content = genops_hash_of(genops_buffer_view(&lines), batch->items[0].id);
	if (code == GENOPS_OK && put->object.compression != GENOPS_COMPRESS_NONE) {
		code = genops_compress_encode(put->object.compression, (int)put->own->compression_level, genops_buffer_view(&lines), &put->request->body, err);
	} else if (code == GENOPS_OK) {
		genops_buffer_done(&put->request->body);
		put->request->body = lines;
		return GENOPS_OK;
	}
	genops_buffer_done(&lines);
	return code;
}

/* --- headers --- */

static void add_header(struct put *put, const char *name, genops_str value)
{
	struct genops_request *request = put->request;
	if (value.len && request->n_headers < sizeof request->headers / sizeof *request->headers)
		request->headers[request->n_headers++] = (struct genops_text_pair){genops_str_of(name), value};
}

static void add_kept(struct put *put, const char *name, const char *value)
{
	genops_str kept = {0};
	put->is_full |= !genops_arena_dup(put->arena, genops_str_of(value), &kept);
	add_header(put, name, kept);
}

static void add_hash(struct put *put, const char *name, const uint8_t *bytes, size_t n)
{
	struct genops_buffer text;
	genops_str kept = {0};
	genops_buffer_init(&text, 128);
	genops_base64_add(&text, (genops_str){(const char *)bytes, n});
	put->is_full |= text.error || !genops_arena_dup(put->arena, genops_buffer_view(&text), &kept);
	add_header(put, name, kept);
	genops_buffer_done(&text);
}

/* YYYY-MM-DDThh:mm:ssZ of what is `ns` from now. */
static void add_until(struct put *put, const char *name, int64_t now_unix_ns, int64_t ns)
{
	char date[GENOPS_SIGV4_DATE_SIZE], text[32];
	genops_sigv4_date(now_unix_ns + ns, date);
	snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4, date + 6, date + 9, date + 11, date + 13);
	add_kept(put, name, text);
}

static void add_storage(struct put *put, const struct genops_destination_batch *batch)
{
	const struct genops_s3_settings *own = put->own;
	const struct genops_s3_object *object = &put->object;
	char count[24];
	add_header(put, "x-amz-storage-class", own->storage_class);
	if (object->encryption == GENOPS_S3_SSE_AES256)
		add_header(put, "x-amz-server-side-encryption", GENOPS_STR("AES256"));
	if (object->encryption == GENOPS_S3_SSE_KMS) {
		add_header(put, "x-amz-server-side-encryption", GENOPS_STR("aws:kms"));
		add_header(put, "x-amz-server-side-encryption-aws-kms-key-id", own->kms_key_id);
	}
	if (object->lock) {
		add_header(put, "x-amz-object-lock-mode", object->lock == GENOPS_S3_COMPLIANCE ? GENOPS_STR("COMPLIANCE") : GENOPS_STR("GOVERNANCE"));
		add_until(put, "x-amz-object-lock-retain-until-date", batch->now_unix_ns, object->lock_ns);
	}
	if (own->legal_hold)
		add_header(put, "x-amz-object-lock-legal-hold", GENOPS_STR("ON"));
	if (object->retention_ns)
		add_until(put, "x-amz-meta-genops-retain-until", batch->now_unix_ns, object->retention_ns);
	snprintf(count, sizeof count, "%zu", batch->n_items);
	add_kept(put, "x-amz-meta-genops-events", count);
	if (own->if_none_match)
		add_header(put, "if-none-match", GENOPS_STR("*"));
}

/* SHA-256 stays with the object as evidence. Stores that want a checksum with a lock know Content-MD5, if not that. */
static bool add_checksums(struct put *put, char ret_hex[GENOPS_SIGV4_SHA256_SIZE])
{
	genops_str body = genops_buffer_view(&put->request->body);
	uint8_t hash[32], md5[16];
	if (!genops_sigv4_sha256(body, hash))
		return false;
	genops_sigv4_hex(hash, ret_hex);
	add_hash(put, "x-amz-checksum-sha256", hash, sizeof hash);
	bool is_locked = put->object.lock || put->own->legal_hold;
	if (is_locked && EVP_Digest(body.ptr, body.len, md5, NULL, EVP_md5(), NULL) == 1)
		add_hash(put, "content-md5", md5, sizeof md5);
	return true;
}

static int sign(struct put *put, int64_t now_unix_ns, const char *hash_hex, struct genops_error *err)
{
	const struct genops_s3_pump *pump = put->settings->session;
	static const struct genops_s3_session none;
	const struct genops_sigv4_keys keys = genops_s3_access_keys(&put->own->access, pump ? &pump->access : &none);
	char date[GENOPS_SIGV4_DATE_SIZE];
	genops_str authorization, token = {0};
	genops_sigv4_date(now_unix_ns, date);
	add_kept(put, "x-amz-date", date);
	add_kept(put, "x-amz-content-sha256", hash_hex);
	put->is_full |= keys.session_token.len && !genops_arena_dup(put->arena, keys.session_token, &token);
	add_header(put, "x-amz-security-token", token);
	if (put->is_full)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an object's headers");
	const struct genops_sigv4_request request = {.method = GENOPS_STR("PUT"), .path = put->path, .headers = put->request->headers,
	    .n_headers = put->request->n_headers, .payload_sha256 = hash_hex, .region = put->own->access.region, .service = GENOPS_STR("s3"), .date = date};
	GENOPS_TRY(genops_sigv4_authorization(&request, &keys, put->arena, &authorization, err));
	add_header(put, "authorization", authorization);
	return GENOPS_OK;
}

/* --- the request --- */

static int set_url(struct put *put, genops_str key, struct genops_error *err)
{
	struct genops_buffer url;
	genops_str kept = {0};
	genops_buffer_init(&url, 8192);
	genops_buffer_add(&url, put->own->origin);
	genops_buffer_add(&url, put->own->root);
	genops_sigv4_encode(key, true, &url);
	bool ok = !url.error && genops_arena_dup(put->arena, genops_buffer_view(&url), &kept);
	genops_buffer_done(&url);
	put->request->url = kept;
	put->path = genops_str_skip(kept, put->own->origin.len);
	return ok ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for an object's address");
}

static int fill(struct put *put, const struct genops_destination_batch *batch, struct genops_error *err)
{
	const struct genops_s3_settings *own = put->own;
	bool is_table = put->object.is_parquet, is_gzip = !is_table && put->object.compression == GENOPS_COMPRESS_GZIP;
	genops_str media = is_table ? GENOPS_STR("application/vnd.apache.parquet") : is_gzip ? GENOPS_STR("application/gzip") : GENOPS_STR("application/x-ndjson");
	char hash_hex[GENOPS_SIGV4_SHA256_SIZE];
	struct genops_hash content = {0};
	genops_str key;
	GENOPS_TRY(is_table ? write_table(put, batch, &content, err) : write_body(put, batch, &content, err));
	GENOPS_TRY(genops_s3_key_make(own, &batch->items[0], content, is_gzip, put->arena, &key, err));
	GENOPS_TRY(set_url(put, key, err));
	add_header(put, "host", own->host);
	add_header(put, "content-type", own->content_type.len ? own->content_type : media);
	for (size_t i = 0; i < put->settings->headers.n; i++)
		put->request->headers[put->request->n_headers++] = put->settings->headers.items[i];
	add_storage(put, batch);
	if (!add_checksums(put, hash_hex))
		return genops_fail(err, GENOPS_NOMEM, "an object cannot be signed: no SHA-256");
	return sign(put, batch->now_unix_ns, hash_hex, err);
}

int genops_s3_put(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_s3_pump *pump = settings->session;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "PUT", .kept_header = "x-amz-version-id"};
	struct put put = {.settings = settings, .own = settings->own, .arena = arena, .request = &request};
	genops_s3_settings_routed(put.own, batch->items[0].settings, arena, &put.object);
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = fill(&put, batch, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	/* A large object takes its time. */
	request.timeout_ns = (settings->timeout_ns > 0 ? settings->timeout_ns : GENOPS_DESTINATION_TIMEOUT_NS) +
			     (int64_t)(request.body.len >> 20) * GENOPS_NS_PER_S;
	if (pump)
		pump->wants_versions = put.object.wants_versions;
	*ret_request = request;
	return GENOPS_OK;
}
