/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/place/backup_s3.c - archives in a bucket: what fits into one part is one object, what does not an upload in parts, which is an object only
 * when it is complete.
 *
 * A request is tried again here for a few seconds (no answer, 429, 5xx, credentials that ran out); what lasts longer is the schedule's to try again.
 */
#include "engine/backup/backup_name.h"
#include "engine/backup/place/backup_place.h"

#include "base/clock.h"
#include "export/s3/s3_key.h"
#include "export/s3/s3_request.h"
#include "export/s3/xml_text.h"
#include "net/http.h"

#include <poll.h>
#include <stdio.h>

#define PART_BYTES  ((size_t)16 << 20)
#define PARTS_MAX   10000
#define PIECE       ((size_t)8 << 20)  /* of an archive that is read */
#define ARENA_MAX   ((size_t)4 << 20)
#define TRIES       4
#define PAUSE_MS    400                /* doubled */
#define STEP_MS     100
#define TIMEOUT_NS  (120 * GENOPS_NS_PER_S)
#define STALE_S     INT64_C(86400)
#define ANSWER_MAX  GENOPS_S3_LIST_MAX

struct bucket {
	struct genops_backup_place place;
	struct genops_http_client *client;
	struct genops_s3_session session;
	struct genops_destination_settings http;
	struct genops_arena arena;
	struct genops_buffer part;      /* what has not been sent */
	struct genops_buffer list;      /* <Part> of what has */
	char name[GENOPS_BACKUP_NAME_SIZE];
	char upload[3072];              /* percent-encoded; "" : none has begun */
	unsigned n_parts;
};

static bool is_cancelled(const struct bucket *self)
{
	return self->place.cancel && __atomic_load_n((const int *)(uintptr_t)self->place.cancel, __ATOMIC_RELAXED);
}

static int open_place(struct genops_backup_place *place, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	genops_arena_init(&self->arena, ARENA_MAX);
	genops_buffer_init(&self->part, PART_BYTES);
	genops_buffer_init(&self->list, (size_t)4 << 20);
	self->http.timeout_ns = TIMEOUT_NS;
	self->client = genops_http_client_new(err);
	return self->client ? GENOPS_OK : GENOPS_NOMEM;
}

static void close_place(struct genops_backup_place *place)
{
	struct bucket *self = (struct bucket *)place;
	genops_http_client_free(self->client);
	explicit_bzero(&self->session, sizeof self->session);
	genops_buffer_done(&self->part);
	genops_buffer_done(&self->list);
	genops_arena_done(&self->arena);
}

/* --- one request --- */

/* Keys that last, by as many questions as that takes. */
static int get_keys(struct bucket *self, struct genops_error *err)
{
	const struct genops_s3_access *access = &self->place.settings->s3->access;
	struct genops_send_verdict verdict;
	for (int i = 0; i < GENOPS_DESTINATION_PREPARES_MAX; i++) {
		struct genops_request request = {0};
		struct genops_response response = {.grpc_status = -1};
		genops_arena_reset(&self->arena);
		int code = genops_s3_access_prepare(access, &self->session, genops_clock_unix_ns(), &self->arena, &request, err);
		if (code <= 0)
			return code;
		code = genops_http_send(self->client, &self->http, &request, self->place.cancel, &response, err);
		if (code == GENOPS_OK)
			genops_s3_access_prepared(access, &self->session, &response, &verdict);
		genops_buffer_done(&request.body);
		GENOPS_TRY(code);
		if (verdict.kind != GENOPS_SENT)
			return genops_fail_fix(err, GENOPS_DENIED, "give this machine credentials for the bucket, or write access_key_id", "%s", verdict.reason);
	}
	return genops_fail(err, GENOPS_DENIED, "getting credentials does not come to an end");
}

static bool is_worth_another(struct bucket *self, const struct genops_response *response)
{
	char code[64];
	if (response->status == 0 || response->status == 429 || response->status >= 500)
		return true;
	if (!genops_xml_text(response->body, "Code", code, sizeof code) || (strcmp(code, "ExpiredToken") != 0 && strcmp(code, "InvalidToken") != 0))
		return false;
	genops_s3_access_refused(&self->place.settings->s3->access, &self->session);
	return self->place.settings->s3->access.source != GENOPS_S3_GIVEN;
}

static void pause_before(const struct bucket *self, int i)
{
	for (int ms = PAUSE_MS << i; ms > 0 && !is_cancelled(self); ms -= STEP_MS)
		(void)poll(NULL, 0, STEP_MS);
}

/* The answer is borrowed until the next one. */
static int ask(struct bucket *self, const struct genops_s3_ask *what, const char *words, struct genops_response *ret_response, struct genops_error *err)
{
	for (int i = 0;; i++) {
		struct genops_request request;
		int code = get_keys(self, err);
		if (code != GENOPS_OK)
			return is_cancelled(self) ? genops_fail(err, GENOPS_BUSY, "the process ends") : code;
		genops_arena_reset(&self->arena);
		GENOPS_TRY(genops_s3_request(self->place.settings->s3, &self->session, what, genops_clock_unix_ns(), &self->arena, &request, err));
		*ret_response = (struct genops_response){.grpc_status = -1};
		GENOPS_TRY(genops_http_send(self->client, &self->http, &request, self->place.cancel, ret_response, err));
		code = genops_s3_judge(ret_response, words, err);
		if (code != GENOPS_OK && is_cancelled(self))
			return genops_fail(err, GENOPS_BUSY, "the process ends"); /* nobody's failure */
		if (code == GENOPS_OK || i + 1 == TRIES || !is_worth_another(self, ret_response))
			return code;
		pause_before(self, i);
	}
}

/* prefix/name */
static genops_str key_of(const struct bucket *self, const char *name, char out[GENOPS_S3_KEY_MAX + 1])
{
	genops_str prefix = self->place.settings->prefix;
	snprintf(out, GENOPS_S3_KEY_MAX + 1, "%.*s%s", GENOPS_STR_ARG(prefix), name);
	return genops_str_of(out);
}

static genops_str text_view(char *text, size_t size, const struct genops_buffer *buf)
{
	snprintf(text, size, "%.*s", (int)buf->len, buf->ptr ? buf->ptr : "");
	return genops_str_of(text);
}

/* --- writing --- */

static int begin(struct genops_backup_place *place, const char *name, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	(void)err;
	snprintf(self->name, sizeof self->name, "%s", name);
	genops_buffer_clear(&self->part);
	genops_buffer_clear(&self->list);
	self->upload[0] = '\0';
	self->n_parts = 0;
	return GENOPS_OK;
}

static int begin_upload(struct bucket *self, struct genops_error *err)
{
	char key[GENOPS_S3_KEY_MAX + 1], id[1024];
	struct genops_response response;
	struct genops_buffer encoded;
	const struct genops_s3_ask what = {.method = "POST", .key = key_of(self, self->name, key), .query = GENOPS_STR("uploads="), .is_new = true};
	GENOPS_TRY(ask(self, &what, "an upload cannot be begun", &response, err));
	if (!genops_xml_text(response.body, "UploadId", id, sizeof id) || !id[0])
		return genops_fail(err, GENOPS_REMOTE, "an upload cannot be begun: the store's answer names none");
	genops_buffer_init(&encoded, sizeof self->upload - 1);
	genops_sigv4_encode(genops_str_of(id), false, &encoded);
	(void)text_view(self->upload, sizeof self->upload, &encoded);
	int code = encoded.error ? genops_fail(err, GENOPS_REMOTE, "the store's upload has too long a name") : GENOPS_OK;
	genops_buffer_done(&encoded);
	return code;
}

static int send_part(struct bucket *self, struct genops_error *err)
{
	char key[GENOPS_S3_KEY_MAX + 1], query[sizeof self->upload + 64];
	struct genops_response response;
	if (!self->upload[0])
		GENOPS_TRY(begin_upload(self, err));
	if (self->n_parts == PARTS_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "have backups written to a directory, and that copied", "an archive in a bucket is at most %zu GiB",
		    (PART_BYTES * PARTS_MAX) >> 30);
	snprintf(query, sizeof query, "partNumber=%u&uploadId=%s", self->n_parts + 1, self->upload);
	const struct genops_s3_ask what = {.method = "PUT", .key = key_of(self, self->name, key), .query = genops_str_of(query),
	    .body = genops_buffer_view(&self->part), .kept_header = "etag"};
	GENOPS_TRY(ask(self, &what, "a part of an archive cannot be written", &response, err));
	genops_buffer_printf(&self->list, "<Part><PartNumber>%u</PartNumber><ETag>%.*s</ETag></Part>", self->n_parts + 1,
	    GENOPS_STR_ARG(response.kept_header));
	self->n_parts++;
	genops_buffer_clear(&self->part);
	return self->list.error ? genops_fail(err, GENOPS_NOMEM, "no memory for an upload") : GENOPS_OK;
}

static int add_bytes(struct genops_backup_place *place, genops_str bytes, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	while (bytes.len) {
		size_t room = PART_BYTES - self->part.len, n = bytes.len < room ? bytes.len : room;
		genops_buffer_add(&self->part, (genops_str){bytes.ptr, n});
		if (self->part.error)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a part of an archive");
		bytes.ptr += n;
		bytes.len -= n;
		if (self->part.len == PART_BYTES)
			GENOPS_TRY(send_part(self, err));
	}
	return GENOPS_OK;
}

/* Complete answers 200 before it knows; what went wrong stands in the answer then. */
static int complete(struct bucket *self, struct genops_error *err)
{
	char key[GENOPS_S3_KEY_MAX + 1], query[sizeof self->upload + 16], code[64];
	struct genops_response response;
	struct genops_buffer body;
	genops_buffer_init(&body, (size_t)5 << 20);
	genops_buffer_add_text(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	genops_buffer_add(&body, genops_buffer_view(&self->list));
	genops_buffer_add_text(&body, "</CompleteMultipartUpload>");
	snprintf(query, sizeof query, "uploadId=%s", self->upload);
	const struct genops_s3_ask what = {.method = "POST", .key = key_of(self, self->name, key), .query = genops_str_of(query), .body = genops_buffer_view(&body)};
	int result = body.error ? genops_fail(err, GENOPS_NOMEM, "no memory for an upload") : ask(self, &what, "an upload cannot be completed", &response, err);
	if (result == GENOPS_OK && genops_xml_text(response.body, "Code", code, sizeof code))
		result = genops_fail(err, GENOPS_REMOTE, "an upload cannot be completed: %s", code);
	genops_buffer_done(&body);
	if (result == GENOPS_OK)
		self->upload[0] = '\0';
	return result;
}

static int commit(struct genops_backup_place *place, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	char key[GENOPS_S3_KEY_MAX + 1];
	struct genops_response response;
	if (self->upload[0]) {
		if (self->part.len)
			GENOPS_TRY(send_part(self, err));
		return complete(self, err);
	}
	const struct genops_s3_ask what = {
	    .method = "PUT", .key = key_of(self, self->name, key), .body = genops_buffer_view(&self->part), .is_new = true};
	GENOPS_TRY(ask(self, &what, "an archive cannot be written", &response, err));
	genops_buffer_done(&self->part);
	genops_buffer_init(&self->part, PART_BYTES);
	return GENOPS_OK;
}

static void abort_upload(struct bucket *self, genops_str key, const char *upload)
{
	char query[sizeof self->upload + 16];
	struct genops_response response;
	snprintf(query, sizeof query, "uploadId=%s", upload);
	const struct genops_s3_ask what = {.method = "DELETE", .key = key, .query = genops_str_of(query)};
	(void)!ask(self, &what, "an upload cannot be given up", &response, NULL);
}

static void abort_archive(struct genops_backup_place *place)
{
	struct bucket *self = (struct bucket *)place;
	char key[GENOPS_S3_KEY_MAX + 1];
	if (self->upload[0])
		abort_upload(self, key_of(self, self->name, key), self->upload);
	self->upload[0] = '\0';
	genops_buffer_clear(&self->part);
}

/* --- what is there --- */

struct listing {
	const struct bucket *self;
	genops_backup_found_fn *on_found;
	void *arg;
};

static int on_object(void *arg, genops_str key, int64_t size, struct genops_error *err)
{
	const struct listing *listing = arg;
	genops_str prefix = listing->self->place.settings->prefix;
	if (!genops_str_starts(key, prefix))
		return GENOPS_OK;
	key = genops_str_skip(key, prefix.len);
	if (!key.len || genops_str_find_char(key, '/') != SIZE_MAX) /* in a folder below: somebody else's */
		return GENOPS_OK;
	return listing->on_found(listing->arg, key, (uint64_t)size, err);
}

static int list(struct genops_backup_place *place, genops_backup_found_fn *on_found, void *arg, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	struct listing listing = {self, on_found, arg};
	char token[1024] = "";
	struct genops_buffer query;
	int code = GENOPS_OK;
	genops_buffer_init(&query, 16384);
	do {
		struct genops_response response;
		genops_buffer_clear(&query);
		if (token[0]) {
			genops_buffer_add_text(&query, "continuation-token=");
			genops_sigv4_encode(genops_str_of(token), false, &query);
			genops_buffer_add_char(&query, '&');
		}
		genops_buffer_add_text(&query, "list-type=2&max-keys=1000&prefix=");
		genops_sigv4_encode(place->settings->prefix, false, &query);
		const struct genops_s3_ask what = {.method = "GET", .query = genops_buffer_view(&query), .answer_max = ANSWER_MAX};
		code = query.error ? genops_fail(err, GENOPS_NOMEM, "no memory for a list of archives")
				   : ask(self, &what, "the archives cannot be listed", &response, err);
		if (code == GENOPS_OK)
			code = genops_s3_list_read(response.body, on_object, &listing, token, err);
	} while (code == GENOPS_OK && token[0] && !is_cancelled(self));
	genops_buffer_done(&query);
	return code;
}

static int remove_archive(struct genops_backup_place *place, const char *name, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	char key[GENOPS_S3_KEY_MAX + 1];
	struct genops_response response;
	const struct genops_s3_ask what = {.method = "DELETE", .key = key_of(self, name, key)};
	return ask(self, &what, "an old archive cannot be removed", &response, err);
}

/* "bytes 0-9/123"; false: it does not say how long the whole is. */
static bool read_total(genops_str range, int64_t *ret_total)
{
	size_t slash = genops_str_find_char(range, '/');
	return slash != SIZE_MAX && genops_str_to_int(genops_str_skip(range, slash + 1), ret_total) && *ret_total >= 0;
}

static int read_archive(struct genops_backup_place *place, const char *name, genops_backup_bytes_fn *on_bytes, void *arg, struct genops_error *err)
{
	struct bucket *self = (struct bucket *)place;
	char key[GENOPS_S3_KEY_MAX + 1], range[64];
	int64_t at = 0, total = 1;
	while (at < total) {
		struct genops_response response;
		snprintf(range, sizeof range, "bytes=%lld-%lld", (long long)at, (long long)(at + (int64_t)PIECE - 1));
		const struct genops_s3_ask what = {.method = "GET", .key = key_of(self, name, key), .range = genops_str_of(range),
		    .kept_header = "content-range", .answer_max = PIECE};
		GENOPS_TRY(ask(self, &what, "the archive cannot be read", &response, err));
		bool is_all = response.status == 200 && !at && !response.is_cut;
		if (!is_all && (response.status != 206 || response.is_cut || !read_total(response.kept_header, &total)))
			return genops_fail(err, GENOPS_REMOTE, "the archive cannot be read: the store does not give a part of it");
		if (!response.body.len)
			return genops_fail(err, GENOPS_REMOTE, "the archive cannot be read: the store gives nothing");
		GENOPS_TRY(on_bytes(arg, response.body, err));
		at = is_all ? total : at + (int64_t)response.body.len;
	}
	return GENOPS_OK;
}

/* --- what was left --- */

struct sweeping {
	struct bucket *self;
	int64_t now_unix_s;
	char key[GENOPS_S3_KEY_MAX + 1], upload[3072];
};

/* One at a time: the answer is gone with the next request. */
static int on_upload(void *arg, genops_str key, genops_str upload, int64_t begun_unix_s, struct genops_error *err)
{
	struct sweeping *sweeping = arg;
	genops_str prefix = sweeping->self->place.settings->prefix;
	enum genops_backup_kind kind;
	int64_t unix_ns;
	struct genops_buffer encoded;
	(void)err;
	if (sweeping->upload[0] || !begun_unix_s || sweeping->now_unix_s - begun_unix_s < STALE_S || !genops_str_starts(key, prefix) ||
	    !genops_backup_name_read(genops_str_skip(key, prefix.len), &kind, &unix_ns))
		return GENOPS_OK;
	genops_buffer_init(&encoded, sizeof sweeping->upload - 1);
	genops_sigv4_encode(upload, false, &encoded);
	if (!encoded.error)
		(void)text_view(sweeping->upload, sizeof sweeping->upload, &encoded);
	snprintf(sweeping->key, sizeof sweeping->key, "%.*s", GENOPS_STR_ARG(key));
	genops_buffer_done(&encoded);
	return GENOPS_OK;
}

static void sweep(struct genops_backup_place *place, int64_t now_unix_ns)
{
	struct bucket *self = (struct bucket *)place;
	struct sweeping sweeping = {.self = self, .now_unix_s = now_unix_ns / GENOPS_NS_PER_S};
	struct genops_response response;
	struct genops_buffer query;
	genops_buffer_init(&query, 8192);
	genops_buffer_add_text(&query, "prefix=");
	genops_sigv4_encode(place->settings->prefix, false, &query);
	genops_buffer_add_text(&query, "&uploads=");
	const struct genops_s3_ask what = {.method = "GET", .query = genops_buffer_view(&query), .answer_max = ANSWER_MAX};
	if (!query.error && ask(self, &what, "unfinished uploads cannot be listed", &response, NULL) == GENOPS_OK)
		(void)!genops_s3_uploads_read(response.body, on_upload, &sweeping, NULL);
	if (sweeping.upload[0])
		abort_upload(self, genops_str_of(sweeping.key), sweeping.upload);
	genops_buffer_done(&query);
}

const struct genops_backup_place_type genops_backup_place_s3 = {
    .size = sizeof(struct bucket),
    .open = open_place,
    .close = close_place,
    .begin = begin,
    .bytes = add_bytes,
    .commit = commit,
    .abort = abort_archive,
    .list = list,
    .remove = remove_archive,
    .read = read_archive,
    .sweep = sweep,
};
