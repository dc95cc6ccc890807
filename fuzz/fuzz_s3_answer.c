/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_s3_answer.c - what S3, STS, a container, a machine and a file answer (genops_xml_text, genops_s3_access_prepared, s3's judge).
 * Input: a byte for the question, one for the status, then the body.
 * Properties: reasons are printable, terminated lines; keys that are taken are whole, and none is shown. */
#include "base/clock.h"
#include "base/str.h"
#include "export/destination.h"
#include "export/s3/s3_put.h"
#include "export/s3/s3_request.h"
#include "export/s3/xml_text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_verdict(const struct genops_send_verdict *verdict)
{
	check(memchr(verdict->reason, '\0', sizeof verdict->reason) != NULL);
	check(verdict->retry_after_ns >= 0 && verdict->n_kinds == 0);
	check(verdict->kind == GENOPS_SENT || verdict->reason[0]);
	for (const char *at = verdict->reason; *at; at++)
		check((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void check_keys(const struct genops_s3_keys *keys)
{
	check(!keys->expires_unix_ns || (keys->access_key[0] && keys->secret_key[0]));
	check(memchr(keys->access_key, '\0', sizeof keys->access_key) && memchr(keys->session_token, '\0', sizeof keys->session_token));
}

static int on_object(void *arg, genops_str key, int64_t bytes, struct genops_error *err)
{
	(void)err;
	check(key.len > 0 && key.len <= 1024 && genops_str_is_utf8(key) && bytes >= 0);
	return ++*(int *)arg < 1000 ? GENOPS_OK : GENOPS_LIMIT;
}

static int on_upload(void *arg, genops_str key, genops_str upload, int64_t begun_unix_s, struct genops_error *err)
{
	(void)begun_unix_s;
	check(upload.len < 1024);
	return on_object(arg, key, 0, err);
}

/* Of buckets that archives lie in. */
static void check_lists(genops_str xml)
{
	char next[1024];
	int n = 0;
	if (genops_s3_list_read(xml, on_object, &n, next, NULL) == GENOPS_OK)
		check(memchr(next, '\0', sizeof next) != NULL);
	n = 0;
	(void)!genops_s3_uploads_read(xml, on_upload, &n, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 412, 400, 403, 404, 409, 429, 500, 503, 301, 0, 413};
	static struct genops_s3_pump pump;
	static struct genops_s3_settings own;
	char text[64];
	if (size < 2)
		return 0;
	memset(&pump, 0, sizeof pump);
	own.if_none_match = data[1] & 1;
	own.access.role_arn = data[1] & 2 ? GENOPS_STR("arn:aws:iam::1:role/R") : (genops_str){0};
	own.access.source = (enum genops_s3_source)(data[0] % 4);
	pump.access.asked = (enum genops_s3_question)(GENOPS_S3_ASK_TOKEN_FILE + data[0] / 4 % 7);
	pump.access.now_unix_ns = INT64_C(1700000000) * GENOPS_NS_PER_S;
	pump.wants_versions = data[1] & 4;
	const struct genops_destination_settings settings = {.own = &own, .session = &pump};
	const struct genops_response response = {.status = statuses[data[1] / 8 % (sizeof statuses / sizeof *statuses)], .body = {(const char *)data + 2, size - 2},
	    .network_error = GENOPS_STR("no"), .grpc_status = -1};
	struct genops_send_verdict verdict;
	(void)genops_xml_text(response.body, "Code", text, sizeof text);
	check(memchr(text, '\0', sizeof text) != NULL && genops_str_is_utf8(genops_str_of(text)));
	check_lists(response.body);
	check((genops_s3_judge(&response, "x", NULL) == GENOPS_OK) == (response.status >= 200 && response.status < 300));
	const struct genops_destination_type *type = genops_destination_type_find(GENOPS_STR("s3"));
	type->prepared(&settings, &response, &verdict);
	check_verdict(&verdict);
	check_keys(&pump.access.first);
	check_keys(&pump.access.role);
	type->judge(&settings, &response, &verdict);
	check_verdict(&verdict);
	return 0;
}
