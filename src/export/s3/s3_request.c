/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_request.c - see s3_request.h. */
#include "export/s3/s3_request.h"

#include "base/base64.h"
#include "base/str.h"
#include "export/http_verdict.h"
#include "export/s3/s3_key.h"
#include "export/s3/xml_text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <time.h>

struct making {
	const struct genops_s3_settings *own;
	struct genops_arena *arena;
	struct genops_request *request;
	bool is_full; /* no memory */
};

static void add_header(struct making *making, const char *name, genops_str value)
{
	struct genops_request *request = making->request;
	genops_str kept = {0};
	if (!value.len || request->n_headers == sizeof request->headers / sizeof *request->headers)
		return;
	making->is_full |= !genops_arena_dup(making->arena, value, &kept);
	request->headers[request->n_headers++] = (struct genops_text_pair){genops_str_of(name), kept};
}

static void add_text(struct making *making, const char *name, const char *value)
{
	add_header(making, name, genops_str_of(value));
}

/* Stores with object lock want it, and it costs little. */
static void add_md5(struct making *making, genops_str body)
{
	struct genops_buffer text;
	uint8_t md5[16];
	genops_buffer_init(&text, 64);
	if (EVP_Digest(body.ptr ? body.ptr : "", body.len, md5, NULL, EVP_md5(), NULL) == 1) {
		genops_base64_add(&text, (genops_str){(const char *)md5, sizeof md5});
		making->is_full |= text.error != 0;
		add_header(making, "content-md5", genops_buffer_view(&text));
	}
	genops_buffer_done(&text);
}

static void add_storage(struct making *making)
{
	const struct genops_s3_settings *own = making->own;
	add_header(making, "x-amz-storage-class", own->storage_class);
	if (own->object.encryption == GENOPS_S3_SSE_AES256)
		add_text(making, "x-amz-server-side-encryption", "AES256");
	if (own->object.encryption == GENOPS_S3_SSE_KMS) {
		add_text(making, "x-amz-server-side-encryption", "aws:kms");
		add_header(making, "x-amz-server-side-encryption-aws-kms-key-id", own->kms_key_id);
	}
}

static int set_url(struct making *making, const struct genops_s3_ask *ask, genops_str *ret_path, struct genops_error *err)
{
	struct genops_buffer url;
	genops_str kept = {0};
	if (ask->key.len > GENOPS_S3_KEY_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "shorten the prefix", "a key is over %d bytes", GENOPS_S3_KEY_MAX);
	genops_buffer_init(&url, 16384);
	genops_buffer_add(&url, making->own->origin);
	genops_buffer_add(&url, making->own->root);
	genops_sigv4_encode(ask->key, true, &url);
	size_t path_len = url.len - making->own->origin.len;
	if (ask->query.len) {
		genops_buffer_add_char(&url, '?');
		genops_buffer_add(&url, ask->query);
	}
	bool ok = !url.error && genops_arena_dup(making->arena, genops_buffer_view(&url), &kept);
	genops_buffer_done(&url);
	making->request->url = kept;
	*ret_path = (genops_str){kept.ptr + making->own->origin.len, path_len};
	return ok ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for an object's address");
}

static int sign(struct making *making, const struct genops_s3_session *session, const struct genops_s3_ask *ask, genops_str path,
    int64_t now_unix_ns, struct genops_error *err)
{
	const struct genops_sigv4_keys keys = genops_s3_access_keys(&making->own->access, session);
	char date[GENOPS_SIGV4_DATE_SIZE], hash_hex[GENOPS_SIGV4_SHA256_SIZE];
	genops_str authorization;
	uint8_t hash[32];
	if (!genops_sigv4_sha256(ask->body, hash))
		return genops_fail(err, GENOPS_NOMEM, "a request cannot be signed: no SHA-256");
	genops_sigv4_hex(hash, hash_hex);
	genops_sigv4_date(now_unix_ns, date);
	add_text(making, "x-amz-date", date);
	add_text(making, "x-amz-content-sha256", hash_hex);
	add_header(making, "x-amz-security-token", keys.session_token);
	if (making->is_full)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an object's headers");
	const struct genops_sigv4_request request = {.method = genops_str_of(ask->method), .path = path, .query = ask->query,
	    .headers = making->request->headers, .n_headers = making->request->n_headers, .payload_sha256 = hash_hex,
	    .region = making->own->access.region, .service = GENOPS_STR("s3"), .date = date};
	GENOPS_TRY(genops_sigv4_authorization(&request, &keys, making->arena, &authorization, err));
	add_header(making, "authorization", authorization);
	return making->is_full ? genops_fail(err, GENOPS_NOMEM, "no memory for an object's headers") : GENOPS_OK;
}

int genops_s3_request(const struct genops_s3_settings *own, const struct genops_s3_session *session, const struct genops_s3_ask *ask,
    int64_t now_unix_ns, struct genops_arena *arena, struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = ask->method, .kept_header = ask->kept_header,
	    .answer_max = ask->answer_max, .timeout_ns = ask->timeout_ns};
	struct making making = {.own = own, .arena = arena, .request = &request};
	genops_str path = {0};
	GENOPS_TRY(set_url(&making, ask, &path, err));
	add_header(&making, "host", own->host);
	if (ask->body.len)
		add_md5(&making, ask->body);
	if (ask->body.len && !ask->is_new) /* else the transport says that it is a form */
		add_text(&making, "content-type", !strcmp(ask->method, "POST") ? "application/xml" : "application/octet-stream");
	if (ask->is_new) {
		add_text(&making, "content-type", "application/zstd");
		add_storage(&making);
	}
	add_header(&making, "range", ask->range);
	GENOPS_TRY(sign(&making, session, ask, path, now_unix_ns, err));
	request.body = (struct genops_buffer){.ptr = (char *)(uintptr_t)ask->body.ptr, .len = ask->body.len, .cap = ask->body.len, .max = ask->body.len};
	*ret_request = request;
	return GENOPS_OK;
}

/* --- answers --- */

static const struct {
	const char *code, *fix;
} remedies[] = {
    {"InvalidAccessKeyId", "check access_key_id, or AWS_ACCESS_KEY_ID"},
    {"SignatureDoesNotMatch", "check secret_access_key, or AWS_SECRET_ACCESS_KEY"},
    {"AccessDenied", "give these credentials s3:PutObject, s3:AbortMultipartUpload, s3:GetObject, s3:DeleteObject, and s3:ListBucket of the bucket"},
    {"NoSuchBucket", "make the bucket, or name another"},
    {"PermanentRedirect", "the bucket is in another region: set region"},
    {"AuthorizationHeaderMalformed", "set the bucket's region"},
    {"RequestTimeTooSkewed", "set this machine's clock right"},
    {"ExpiredToken", "renew the session token"},
};

int genops_s3_judge(const struct genops_response *response, const char *what, struct genops_error *err)
{
	char code[64], message[256];
	const char *fix = "";
	int status = response->status;
	if (status >= 200 && status < 300)
		return GENOPS_OK;
	if (!status)
		return genops_fail_fix(err, response->is_timeout ? GENOPS_TIMEOUT : GENOPS_REMOTE, "look whether the store can be reached; it is tried again",
		    "%s: %.*s", what, (int)(response->network_error.len < 200 ? response->network_error.len : 200), response->network_error.ptr);
	if (!genops_xml_text(response->body, "Code", code, sizeof code))
		snprintf(code, sizeof code, "%s", status >= 500 ? "without a reason" : "refused");
	(void)genops_xml_text(response->body, "Message", message, sizeof message);
	for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
		if (!strcmp(code, remedies[i].code))
			fix = remedies[i].fix;
	}
	int kind = status == 404 ? GENOPS_NOT_FOUND : status == 412 ? GENOPS_EXISTS : status == 401 || status == 403 ? GENOPS_DENIED : GENOPS_REMOTE;
	char line[320];
	char raw[400];
	snprintf(raw, sizeof raw, "HTTP %d %s%s%.200s", status, code, message[0] ? ": " : "", message);
	genops_http_verdict_text(line, sizeof line, genops_str_of(raw));
	return genops_fail_fix(err, kind, fix, "%s: %s", what, line);
}

/* What is between <name> and </name>, from *rest on. */
static bool next_element(genops_str *rest, const char *name, genops_str *ret)
{
	char open[32], close[32];
	snprintf(open, sizeof open, "<%s>", name);
	snprintf(close, sizeof close, "</%s>", name);
	size_t from = genops_str_find(*rest, genops_str_of(open));
	if (from == SIZE_MAX)
		return false;
	genops_str inner = genops_str_skip(*rest, from + strlen(open));
	size_t end = genops_str_find(inner, genops_str_of(close));
	if (end == SIZE_MAX)
		return false;
	*ret = (genops_str){inner.ptr, end};
	*rest = genops_str_skip(inner, end + strlen(close));
	return true;
}

int genops_s3_list_read(genops_str xml, genops_s3_object_fn *on_object, void *arg, char ret_token[1024], struct genops_error *err)
{
	char key[GENOPS_S3_KEY_MAX + 1], size_text[32], truncated[8];
	genops_str rest = xml, content;
	int64_t size;
	if (genops_str_find(xml, GENOPS_STR("ListBucketResult")) == SIZE_MAX)
		return genops_fail_fix(err, GENOPS_SYNTAX, "look whether endpoint is a store that speaks S3's API", "the store's list of objects is none");
	while (next_element(&rest, "Contents", &content)) {
		bool ok = genops_xml_text(content, "Key", key, sizeof key) && genops_xml_text(content, "Size", size_text, sizeof size_text) &&
			  genops_str_to_int(genops_str_of(size_text), &size) && size >= 0;
		if (ok)
			GENOPS_TRY(on_object(arg, genops_str_of(key), size, err));
	}
	ret_token[0] = '\0';
	if (genops_xml_text(xml, "IsTruncated", truncated, sizeof truncated) && !strcmp(truncated, "true") &&
	    !genops_xml_text(xml, "NextContinuationToken", ret_token, 1024))
		return genops_fail(err, GENOPS_SYNTAX, "the store's list of objects does not say where it goes on");
	return GENOPS_OK;
}

static int64_t read_time(const char *text)
{
	struct tm tm = {0};
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 ||
	    tm.tm_year < 1970)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm);
}

int genops_s3_uploads_read(genops_str xml, genops_s3_upload_fn *on_upload, void *arg, struct genops_error *err)
{
	char key[GENOPS_S3_KEY_MAX + 1], upload[1024], begun[40];
	genops_str rest = xml, one;
	while (next_element(&rest, "Upload", &one)) {
		if (!genops_xml_text(one, "Key", key, sizeof key) || !genops_xml_text(one, "UploadId", upload, sizeof upload))
			continue;
		(void)genops_xml_text(one, "Initiated", begun, sizeof begun);
		GENOPS_TRY(on_upload(arg, genops_str_of(key), genops_str_of(upload), read_time(begun), err));
	}
	return GENOPS_OK;
}
