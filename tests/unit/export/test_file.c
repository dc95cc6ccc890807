/* SPDX-License-Identifier: Apache-2.0
 * Destination file: when a file is put aside. What is written where is tests/unit/net/test_append.c and tests/e2e/destinations/test_out_file.py. */
#include "document_fixture.h"

static const struct genops_file_request *encode(struct document *d)
{
	assert_int_equal(document_encode(d), GENOPS_OK);
	assert_non_null(d->request.file);
	return d->request.file;
}

static void sent(struct document *d)
{
	struct genops_send_verdict verdict = {0};
	const struct genops_response response = {.status = 200, .grpc_status = -1, .file_inode = 7, .file_len = 100};
	d->type->judge(&d->settings, &response, &verdict);
	assert_int_equal(verdict.kind, GENOPS_SENT);
}

/* One event from the year 2096 does not keep a file from being put aside for 70 years; one from before 1970 is no overflow. */
static void times_that_are_wrong(void **state)
{
	static const int64_t times[] = {INT64_C(4000000000000000000), INT64_MAX, INT64_MIN, 0};
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct document d;
		document_open(&d, "file", "path: /x/out.jsonl\nrotation: {interval: 1h}\n");
		d.settings.endpoint = GENOPS_STR("/x/out.jsonl");
		d.settings.memory = d.type->memory->open(&d.settings, (genops_str){NULL, 0});
		assert_non_null(d.settings.memory);
		document_event(&d, "{\"a\": 1}");
		d.items[0].time_unix_ns = times[i];
		assert_int_equal(encode(&d)->backup.len, 0);
		sent(&d);
		d.items[0].time_unix_ns = DOCUMENT_NOW_NS + INT64_C(3700000000000);
		assert_true(encode(&d)->backup.len > 0);
		d.items[0].time_unix_ns = INT64_MIN + 1;
		assert_int_equal(encode(&d)->backup.len, 0);
		d.type->memory->close(d.settings.memory);
		document_done(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(times_that_are_wrong)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
