/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3.c - destination type s3: events as lines of JSON in objects that are written once. What the store answers decides; only what an
 * object itself is at fault for is given up, everything else is somebody's to mend, and waits. Pure. */
#include "base/str.h"
#include "export/http_verdict.h"
#include "export/s3/s3_key.h"
#include "export/s3/s3_put.h"
#include "export/s3/xml_text.h"

#include <stdio.h>

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	if (settings->headers.n > GENOPS_S3_HEADERS_MAX)
		return genops_fail_fix(err, GENOPS_CONFIG, "leave some of them out", "headers: at most %d", GENOPS_S3_HEADERS_MAX);
	return GENOPS_OK;
}

static int check_route(const void *own, genops_str key, genops_str value, struct genops_error *err)
{
	struct genops_s3_object object = ((const struct genops_s3_settings *)own)->object;
	return genops_s3_settings_route(&object, key, value, err);
}

static int partition(const struct genops_destination_settings *settings, const struct genops_destination_item *items, size_t n_items,
    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err)
{
	return genops_s3_key_partition(settings->own, items, n_items, scratch, ret_parts, err);
}

static int prepare(const struct genops_destination_settings *settings, int64_t now_unix_ns, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct genops_s3_settings *own = settings->own;
	struct genops_s3_pump *pump = settings->session;
	return genops_s3_access_prepare(&own->access, &pump->access, now_unix_ns, arena, ret_request, err);
}

static void prepared(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	const struct genops_s3_settings *own = settings->own;
	struct genops_s3_pump *pump = settings->session;
	genops_s3_access_prepared(&own->access, &pump->access, response, ret_verdict);
}

/* --- answers --- */

enum meaning { OBJECT_BAD, AGAIN, KEYS_OLD, WAIT };

/* What is not here is somebody's to mend: bucket, rights, settings. */
static const struct {
	const char *code, *remedy;
	enum meaning meaning;
} codes[] = {
    {"KeyTooLongError", "; shorten path or filename", OBJECT_BAD},
    {"EntityTooLarge", "; make batch_size smaller", OBJECT_BAD},
    {"MetadataTooLarge", "; send fewer headers", OBJECT_BAD},
    {"InvalidURI", "; change path or filename", OBJECT_BAD},
    {"XMinioInvalidObjectName", "; change path or filename", OBJECT_BAD},
    {"RequestTimeout", "", AGAIN},
    {"BadDigest", "", AGAIN},
    {"IncompleteBody", "", AGAIN},
    {"XAmzContentSHA256Mismatch", "", AGAIN},
    {"XAmzContentChecksumMismatch", "", AGAIN},
    {"OperationAborted", "", AGAIN},
    {"ConditionalRequestConflict", "", AGAIN},
    {"ExpiredToken", "", KEYS_OLD},
    {"ExpiredTokenException", "", KEYS_OLD},
    {"TokenRefreshRequired", "", KEYS_OLD},
    {"InvalidToken", "; the session token is not valid", KEYS_OLD},
    {"RequestTimeTooSkewed", "; set this machine's clock right", WAIT},
    {"InvalidAccessKeyId", "; check access_key_id", WAIT},
    {"SignatureDoesNotMatch", "; check secret_access_key", WAIT},
    {"AccessDenied", "; give these credentials s3:PutObject (with object lock s3:PutObjectRetention, too)", WAIT},
    {"NoSuchBucket", "; make the bucket, or name another", WAIT},
    {"PermanentRedirect", "; the bucket is in another region: set region", WAIT},
    {"AuthorizationHeaderMalformed", "; set the bucket's region", WAIT},
    {"NotImplemented", "; leave out what the store does not do (if_none_match: false)", WAIT},
    {"InvalidRequest", "; object lock: make the bucket with it", WAIT},
};

static void judge_code(const struct genops_destination_settings *settings, const struct genops_response *response, const char *code,
    const char *message, struct genops_send_verdict *verdict)
{
	const struct genops_s3_settings *own = settings->own;
	struct genops_s3_pump *pump = settings->session;
	enum meaning meaning = response->status >= 500 || response->status == 409 || response->status == 429 ? AGAIN : WAIT;
	const char *remedy = "";
	char line[sizeof verdict->reason];
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (strcmp(code, codes[i].code) != 0)
			continue;
		remedy = codes[i].remedy;
		meaning = response->status >= 500 && codes[i].meaning != WAIT ? AGAIN : codes[i].meaning;
	}
	if (meaning == KEYS_OLD && pump)
		genops_s3_access_refused(&own->access, &pump->access);
	bool can_renew = meaning == KEYS_OLD && (own->access.source != GENOPS_S3_GIVEN || own->access.role_arn.len);
	verdict->kind = meaning == OBJECT_BAD ? GENOPS_REJECTED : GENOPS_RETRY;
	if (can_renew)
		verdict->retry_after_ns = 0; /* others are got before the next attempt */
	else if ((meaning == WAIT || meaning == KEYS_OLD) && verdict->retry_after_ns < GENOPS_HTTP_CREDENTIALS_HOLD_NS)
		verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	snprintf(line, sizeof line, "HTTP %d %s: %.120s%s", response->status, code, message, remedy);
	genops_http_verdict_text(verdict->reason, sizeof verdict->reason, genops_str_of(line));
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response,
    struct genops_send_verdict *ret_verdict)
{
	const struct genops_s3_settings *own = settings->own;
	const struct genops_s3_pump *pump = settings->session;
	char code[64], message[256];
	genops_http_verdict(response, ret_verdict);
	if (response->status == 412 && own->if_none_match) { /* it is there: sent before, and the answer got lost */
		*ret_verdict = (struct genops_send_verdict){.kind = GENOPS_SENT};
		return;
	}
	if (ret_verdict->kind == GENOPS_SENT) {
		bool is_unversioned = pump && pump->wants_versions && !response->kept_header.len;
		if (is_unversioned) {
			ret_verdict->kind = GENOPS_SENT_PARTLY; /* all of it; told */
			snprintf(ret_verdict->reason, sizeof ret_verdict->reason,
			    "bucket %.63s is not versioned, and versioning: enabled is asked for; enable it: objects are written all the same", own->bucket.ptr);
		}
		return;
	}
	if (response->status == 0 || response->status == 413)
		return;
	if (!genops_xml_text(response->body, "Code", code, sizeof code))
		snprintf(code, sizeof code, "%s", response->status >= 500 ? "without a reason" : "refused");
	(void)genops_xml_text(response->body, "Message", message, sizeof message);
	judge_code(settings, response, code, message, ret_verdict);
}

static genops_str address(const struct genops_destination_settings *settings)
{
	return ((const struct genops_s3_settings *)settings->own)->origin;
}

static const char *const route_keys[] = {"payload_template", "output_format", "compression", "retention", "encryption", "versioning", "object_lock", NULL};

const struct genops_destination_type genops_destination_type_s3 = {
    .name = "s3",
    .summary = "Amazon S3 and what speaks its API (MinIO, Ceph): lines of JSON in objects that are written once",
    .document = &genops_s3_form,
    .route_keys = route_keys,
    .check_route = check_route,
    .takes = GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .is_repeatable = true,
    .check = check,
    .partition = partition,
    .session_size = sizeof(struct genops_s3_pump),
    .prepare = prepare,
    .prepared = prepared,
    .encode = genops_s3_put,
    .judge = judge,
    .address = address,
};
