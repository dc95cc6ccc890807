/* SPDX-License-Identifier: Apache-2.0
 * What becomes of a batch for S3: names that depend on content only, parts, headers, what answers mean.
 * proves CRB-105, CRB-130, CRB-188, CRB-261, CRB-262, CRB-265..272, A-104, A-108 */
#include "document_fixture.h"

#include "base/clock.h"
#include "export/s3/s3_settings.h"

#include <stdio.h>

#define KEYS "access_key_id: AKIA\nsecret_access_key: ${SECRET}\nregion: eu-central-1\nbucket: my-bucket\n"

static void open_s3(struct document *d, const char *more)
{
	char text[2048];
	snprintf(text, sizeof text, KEYS "%s", more);
	document_open(d, "s3", text);
}

/* The object's key. */
static const char *encode(struct document *d)
{
	if (document_encode(d) != GENOPS_OK)
		fail_msg("%s", d->err.message);
	const struct genops_s3_settings *own = d->own;
	return d->request.url.ptr + own->origin.len;
}

static void test_the_guides_names(void **state)
{
	struct document d;
	char first[256];
	open_s3(&d, "path: audit-trail/${_time:%Y}/${_time:%m}/${_time:%d}/\nfilename: genops-audit-${_time:%Y%m%d%H%M%S}-${_random:6}.json.gz\n");
	document_event(&d, "{\"_time\": 1700000000.5, \"a\": 1}");
	document_event(&d, "{\"_time\": 1700000001.5, \"a\": 2}");
	snprintf(first, sizeof first, "%s", encode(&d));
	assert_true(genops_str_starts(genops_str_of(first), GENOPS_STR("/audit-trail/2023/11/14/genops-audit-20231114221320-")));
	assert_int_equal(strlen(first), strlen("/audit-trail/2023/11/14/genops-audit-20231114221320-abcdef.json.gz"));
	assert_string_equal(encode(&d), first); /* again: the same name */
	assert_true(genops_str_is(d.request.url, "") == false && genops_str_starts(d.request.url, GENOPS_STR("https://my-bucket.s3.eu-central-1.amazonaws.com/")));
	d.n_items = 1;
	assert_string_not_equal(encode(&d), first); /* other content, another name */
	document_done(&d);
}

static void test_names_from_outside(void **state)
{
	static const struct {
		const char *event, *want;
	} names[] = {
	    {"{\"t\": \"../../etc\"}", "/p/_/_/etc/"}, {"{\"t\": \"\"}", "/p/"}, {"{\"t\": \"a//b\"}", "/p/a/_/b/"}, {"{\"t\": \"\\u0000\\n\\\\\"}", "/p/___/"},
	    {"{\"t\": \"\\u00fc +\"}", "/p/%C3%BC%20%2B/"}, {"{}", "/p/undefined/"}, {"{\"t\": \"...\"}", "/p/.../"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct document d;
		open_s3(&d, "path: /p/${t}\nfilename: f.json\n");
		document_event(&d, names[i].event);
		const char *key = encode(&d);
		if (!genops_str_starts(genops_str_of(key), genops_str_of(names[i].want)) || strlen(key) != strlen(names[i].want) + strlen("f-0123456789ab.json"))
			fail_msg("%s: %s", names[i].event, key);
		document_done(&d);
	}
}

/* "It is there already" counts as sent: so few characters by chance, or none as the path is cut, may not be all that tells objects apart. */
static void test_too_little_chance(void **state)
{
	static const struct {
		const char *text, *like;
	} names[] = {{"path: p\nfilename: f-${_random:2}.json\n", "/p/f-ab-0123456789ab.json"}, {"path: p\nfilename: f-${_random:6}.json\n", "/p/f-abcdef-0123456789ab.json"},
	    {"path: p\nfilename: f-${_random:12}.json\n", "/p/f-abcdefghijkl.json"}, {"path: p/${_random:12}\nfilename: f.json\n", "/p/abcdefghijkl/f-0123456789ab.json"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct document d;
		open_s3(&d, names[i].text);
		document_event(&d, "{\"a\": 1}");
		const char *key = encode(&d);
		if (strlen(key) != strlen(names[i].like))
			fail_msg("%s: %s", names[i].text, key);
		document_done(&d);
	}
}

static void test_a_long_name_ends_in_a_hash(void **state)
{
	struct document d;
	char event[6000];
	memset(event, 'x', sizeof event);
	memcpy(event, "{\"t\": \"", 7);
	memcpy(event + sizeof event - 4, "\"}\0", 4);
	open_s3(&d, "path: ${t}\nfilename: ${t}-${_random:6}\n");
	document_event(&d, event);
	assert_in_range(strlen(encode(&d)), 512, 1024);
	document_done(&d);
}

static void test_parts(void **state)
{
	struct document d;
	uint64_t parts[4];
	open_s3(&d, "path: ${t}/${_random:4}\n");
	for (int i = 0; i < 4; i++)
		document_event(&d, i % 2 ? "{\"t\": \"a\"}" : "{\"t\": \"b\"}");
	d.items[3].settings = GENOPS_STR("{\"encryption\": \"AES-256\"}");
	assert_int_equal(d.type->partition(&d.settings, d.items, 4, &d.scratch, parts, &d.err), GENOPS_OK);
	assert_true(parts[0] == parts[2] && parts[0] != parts[1] && parts[1] != parts[3] && parts[3] != parts[0]);
	document_done(&d);
}

static void test_headers(void **state)
{
	struct document d;
	open_s3(&d, "storage_class: GLACIER_IR\nserver_side_encryption: AES256\nkms_key_id: arn:x\nobject_lock: true\nobject_lock_mode: COMPLIANCE\n"
		    "object_lock_retention: 2555 days\nendpoint: https://minio:443/\nsession_token: t\n");
	document_event(&d, "{\"a\": 1}");
	assert_true(genops_str_starts(genops_str_of(encode(&d)), GENOPS_STR("/my-bucket/2027/01/15/genops-20270115")));
	assert_string_equal(document_header(&d, "host"), "minio");
	assert_string_equal(document_header(&d, "x-amz-storage-class"), "GLACIER_IR");
	assert_string_equal(document_header(&d, "x-amz-server-side-encryption"), "AES256");
	assert_string_equal(document_header(&d, "x-amz-server-side-encryption-aws-kms-key-id"), "");
	assert_string_equal(document_header(&d, "x-amz-object-lock-mode"), "COMPLIANCE");
	assert_string_equal(document_header(&d, "x-amz-object-lock-retain-until-date"), "2034-01-13T08:00:00Z"); /* 1800000000 + 2555 days */
	assert_string_equal(document_header(&d, "if-none-match"), "*");
	assert_string_equal(document_header(&d, "x-amz-security-token"), "t");
	assert_int_equal(strlen(document_header(&d, "x-amz-checksum-sha256")), 44);
	assert_int_equal(strlen(document_header(&d, "content-md5")), 24);
	d.items[0].settings = GENOPS_STR("{\"object_lock\": \"GOVERNANCE mode, 10 years\", \"retention\": \"1 day\", \"compression\": \"none\"}");
	encode(&d);
	assert_string_equal(document_header(&d, "x-amz-object-lock-mode"), "COMPLIANCE"); /* the stricter, and the longer */
	assert_string_equal(document_header(&d, "x-amz-object-lock-retain-until-date"), "2037-01-12T08:00:00Z");
	assert_memory_equal(d.request.body.ptr, "{\"a\": 1}\n", 9);
	document_done(&d);
}

static void test_kms_is_not_weakened(void **state)
{
	struct document d;
	open_s3(&d, "server_side_encryption: aws:kms\nkms_key_id: arn:k\nif_none_match: false\n");
	document_event(&d, "{}");
	d.items[0].settings = GENOPS_STR("{\"encryption\": \"AES-256\"}");
	encode(&d);
	assert_string_equal(document_header(&d, "x-amz-server-side-encryption"), "aws:kms");
	assert_string_equal(document_header(&d, "x-amz-server-side-encryption-aws-kms-key-id"), "arn:k");
	assert_string_equal(document_header(&d, "if-none-match"), "");
	document_done(&d);
}

static void test_answers(void **state)
{
	static const struct {
		int status;
		const char *code;
		enum genops_verdict_kind kind;
		int64_t wait_s;
	} answers[] = {{200, "", GENOPS_SENT, 0}, {412, "PreconditionFailed", GENOPS_SENT, 0}, {503, "SlowDown", GENOPS_RETRY, 0}, {500, "InternalError", GENOPS_RETRY, 0},
	    {400, "RequestTimeout", GENOPS_RETRY, 0}, {409, "ConditionalRequestConflict", GENOPS_RETRY, 0}, {429, "", GENOPS_RETRY, 0}, {400, "KeyTooLongError", GENOPS_REJECTED, 0},
	    {403, "AccessDenied", GENOPS_RETRY, 60}, {404, "NoSuchBucket", GENOPS_RETRY, 60}, {400, "ExpiredToken", GENOPS_RETRY, 60}, {403, "RequestTimeTooSkewed", GENOPS_RETRY, 60},
	    {301, "PermanentRedirect", GENOPS_RETRY, 60}, {400, "", GENOPS_RETRY, 60}, {501, "NotImplemented", GENOPS_RETRY, 60}, {0, "", GENOPS_RETRY, 0}};
	struct document d;
	open_s3(&d, "");
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		char body[200];
		snprintf(body, sizeof body, "<Error><Code>%s</Code><Message>why\n</Message></Error>", answers[i].code);
		struct genops_send_verdict verdict = document_judge(&d, answers[i].status, answers[i].code[0] ? body : "<html>");
		if (verdict.kind != answers[i].kind || verdict.retry_after_ns != answers[i].wait_s * GENOPS_NS_PER_S || (verdict.kind != GENOPS_SENT && strchr(verdict.reason, '\n')))
			fail_msg("%d %s: %d %s", answers[i].status, answers[i].code, verdict.kind, verdict.reason);
	}
	document_done(&d);
}

static void test_an_unversioned_bucket_is_told(void **state)
{
	struct document d;
	open_s3(&d, "versioning: enabled\n");
	document_event(&d, "{}");
	encode(&d);
	struct genops_send_verdict verdict = document_judge(&d, 200, "");
	assert_int_equal(verdict.kind, GENOPS_SENT_PARTLY);
	assert_int_equal(verdict.n_rejected, 0);
	assert_non_null(strstr(verdict.reason, "not versioned"));
	document_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_guides_names),
	    cmocka_unit_test(test_names_from_outside),
	    cmocka_unit_test(test_too_little_chance), cmocka_unit_test(test_a_long_name_ends_in_a_hash),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_kms_is_not_weakened),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_an_unversioned_bucket_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
