/* SPDX-License-Identifier: Apache-2.0
 * What becomes of events for Cribl Lake, and which questions come before them. proves CRB-301..304, CRB-307, CRB-308, A-102 */
#include "document_fixture.h"

#include "base/clock.h"

#include <stdio.h>

#define LAKE "url: https://l:10080/\ntoken: ${SECRET}\nindexes: [customer_id]\ndatasets:\n  - {name: d, retention: 90 days, partition_by: 'team, year'}\n  - {name: e}\n"

static void test_events_have_what_is_searched_by(void **state)
{
	struct document d;
	document_open(&d, "cribl_lake", LAKE "dataset: d\n");
	document_event(&d, "{\"_time\": 1700000000.5, \"team\": \"a\"}");
	document_event(&d, "{\"_time\": \"x\", \"customer_id\": 1}");
	document_event(&d, "{}");
	document_event(&d, "[1]");
	assert_string_equal(document_body(&d),
	    "{\"genops_event_id\":\"0000000000000001\",\"year\":\"2023\",\"customer_id\":null,\"_time\": 1700000000.5, \"team\": \"a\"}\n"
	    "{\"genops_event_id\":\"0000000000000002\",\"year\":\"2027\",\"team\":null,\"_time\":1799999999.1234567,\"customer_id\":1}\n"
	    "{\"genops_event_id\":\"0000000000000003\",\"_time\":1799999999.123,\"year\":\"2027\",\"team\":null,\"customer_id\":null}\n"
	    "{\"genops_event_id\":\"0000000000000004\",\"_time\":1799999999.123,\"_raw\":\"[1]\"}\n");
	assert_true(genops_str_is(d.request.url, "https://l:10080/datasets/d"));
	assert_string_equal(document_header(&d, "authorization"), "s3cret");
	document_done(&d);
}

/* Small values take many times as much memory as they take as text: one event's at a time. */
static void test_a_batch_of_dense_events_stays_events(void **state)
{
	struct document d;
	static char event[64 << 10];
	size_t n = (size_t)snprintf(event, sizeof event, "{\"a\":[{}");
	while (n < sizeof event - 16)
		n += (size_t)snprintf(event + n, sizeof event - n, ",{}");
	snprintf(event + n, sizeof event - n, "]}");
	document_open(&d, "cribl_lake", LAKE "dataset: e\n");
	for (size_t i = 0; i < DOCUMENT_ITEMS_MAX; i++)
		document_event(&d, event);
	assert_null(strstr(document_body(&d), "_raw"));
	document_done(&d);
}

static void test_parts(void **state)
{
	struct document d;
	uint64_t parts[5];
	document_open(&d, "cribl_lake", LAKE "dataset: d\n");
	document_event(&d, "{\"team\": \"a\"}");
	document_event(&d, "{\"team\": \"b\"}");
	document_event(&d, "{\"team\": \"a\", \"x\": 1}");
	document_event(&d, "{\"team\": \"a\", \"_time\": 1}"); /* another year */
	document_event(&d, "{\"team\": \"a\"}");
	d.items[4].settings = GENOPS_STR("{\"dataset\": \"e\"}");
	assert_int_equal(d.type->partition(&d.settings, d.items, 5, &d.scratch, parts, &d.err), GENOPS_OK);
	assert_true(parts[0] == parts[2]);
	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < i; j++)
			assert_true((parts[i] == parts[j]) == (i == 2 && j == 0));
	}
	document_done(&d);
}

static int ask(struct document *d)
{
	genops_buffer_done(&d->request.body);
	d->request = (struct genops_request){0};
	return d->type->prepare(&d->settings, DOCUMENT_NOW_NS, &d->scratch, &d->request, &d->err);
}

static enum genops_verdict_kind answer(struct document *d, int status, const char *body)
{
	const struct genops_response response = {.status = status, .body = genops_str_of(body)};
	struct genops_send_verdict verdict;
	d->type->prepared(&d->settings, &response, &verdict);
	return verdict.kind;
}

static void test_datasets_are_made_and_kept_for_longer(void **state)
{
	struct document d;
	document_open(&d, "cribl_lake", LAKE "dataset: d\napi_url: https://a\napi_token: t\ncompression: parquet\n");
	assert_int_equal(ask(&d), 1);
	assert_true(genops_str_is(d.request.url, "https://a/api/v1/products/lake/lakes/default/datasets/d"));
	assert_int_equal(answer(&d, 500, ""), GENOPS_RETRY);
	assert_int_equal(ask(&d), 1);
	assert_int_equal(answer(&d, 404, ""), GENOPS_SENT);
	assert_int_equal(ask(&d), 1);
	assert_string_equal(d.request.method, "POST");
	assert_true(genops_str_is(genops_buffer_view(&d.request.body), "{\"id\":\"d\",\"retentionPeriodInDays\":90,\"format\":\"parquet\",\"httpDAUsed\":true,"
								       "\"acceleratedFields\":[\"team\",\"year\",\"customer_id\"]}"));
	assert_int_equal(answer(&d, 409, ""), GENOPS_SENT); /* somebody was faster */
	assert_int_equal(ask(&d), 1);
	assert_int_equal(answer(&d, 200, "{\"items\":[{\"id\":\"d\",\"retentionPeriodInDays\":30}]}"), GENOPS_SENT);
	assert_int_equal(ask(&d), 1);
	assert_string_equal(d.request.method, "PATCH");
	assert_true(genops_str_is(genops_buffer_view(&d.request.body), "{\"id\":\"d\",\"retentionPeriodInDays\":90}"));
	assert_int_equal(answer(&d, 200, ""), GENOPS_SENT);
	assert_int_equal(ask(&d), 1); /* e */
	assert_int_equal(answer(&d, 200, "not JSON"), GENOPS_SENT);
	assert_int_equal(ask(&d), 0);
	document_done(&d);
}

static void test_answers(void **state)
{
	struct document d;
	document_open(&d, "cribl_lake", LAKE);
	assert_int_equal(document_judge(&d, 200, "").kind, GENOPS_SENT);
	assert_int_equal(document_judge(&d, 404, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 401, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 429, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 400, "").kind, GENOPS_REJECTED);
	document_event(&d, "{}");
	assert_int_equal(document_encode(&d), GENOPS_CONFIG); /* no dataset */
	assert_int_equal(ask(&d), 0);                         /* no management API */
	document_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events_have_what_is_searched_by),
	    cmocka_unit_test(test_a_batch_of_dense_events_stays_events),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_datasets_are_made_and_kept_for_longer),
	    cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
