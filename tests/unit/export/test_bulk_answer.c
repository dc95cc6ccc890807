/* SPDX-License-Identifier: Apache-2.0
 * What Elasticsearch's answers mean, document by document. */
#include "elastic_fixture.h"

#define ITEM(status, rest) "{\"create\":{\"status\":" #status rest "}}"
#define ERROR(type, reason) ",\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"}"

static void test_answers(void **state)
{
	(void)state;
	/* items of 1, 2 and 1 documents; kinds: S sent, A again, R rejected */
	static const struct {
		int status;
		const char *body, *kinds;
		enum genops_verdict_kind kind;
		bool is_held;
		const char *reason;
	} rows[] = {
	    {200, "{\"errors\":false}", "", GENOPS_SENT, false, ""},
	    {200, "{\"errors\":true,\"items\":[" ITEM(201, "") "," ITEM(409, ERROR("version_conflict_engine_exception", "there")) "," ITEM(201, "") "," ITEM(200, "") "]}", "SSS", GENOPS_SENT, false, ""},
	    {200, "{\"errors\":true,\"items\":[" ITEM(201, "") "," ITEM(201, "") "," ITEM(429, ERROR("es_rejected_execution_exception", "queue is full")) "," ITEM(201, "") "]}", "SAS", GENOPS_RETRY, false,
		"1 of 4 documents were refused, 0 of them for ever: 429 es_rejected_execution_exception: queue is full"},
	    {200, "{\"errors\":true,\"items\":[" ITEM(400, ERROR("mapper_parsing_exception", "failed to parse")) "," ITEM(429, ERROR("x", "y")) "," ITEM(400, ERROR("a", "b")) "," ITEM(201, "") "]}", "RAS", GENOPS_RETRY, false,
		"3 of 4 documents were refused, 2 of them for ever: 400 mapper_parsing_exception: failed to parse"},
	    {200, "{\"errors\":true,\"items\":[" ITEM(201, "") "," ITEM(201, "") "," ITEM(400, ",\"error\":{\"type\":\"t\",\"reason\":\"r\",\"caused_by\":{\"reason\":\"why\\nthen\"}}") "," ITEM(201, "") "]}", "SRS", GENOPS_REJECTED, false,
		"1 of 4 documents were refused, 1 of them for ever: 400 t: r: why then"},
	    {200, "{\"errors\":true,\"items\":[" ITEM(404, ERROR("index_not_found_exception", "no such index")) "," ITEM(201, "") "," ITEM(201, "") "," ITEM(403, "") "]}", "ASA", GENOPS_RETRY, true, "index_not_found_exception"},
	    {200, "{\"errors\":true,\"items\":[" ITEM(201, "") "," ITEM(201, "") ",{\"create\":{\"sta", "SAA", GENOPS_RETRY, false, "cut off"},
	    {200, "<html>", "", GENOPS_RETRY, false, "none of Elasticsearch's"},
	    {200, "{}", "", GENOPS_RETRY, false, "none of Elasticsearch's"},
	    {404, "default backend", "", GENOPS_RETRY, true, "check the address"},
	    {413, "", "", GENOPS_REJECTED, false, "HTTP 413"},
	    {429, "", "", GENOPS_RETRY, false, "HTTP 429"},
	    {401, "", "", GENOPS_RETRY, true, "credentials"},
	    {400, "{\"error\":\"x\"}", "", GENOPS_REJECTED, false, "HTTP 400"},
	    {503, "", "", GENOPS_RETRY, false, "HTTP 503"},
	};
	struct fixture f;
	struct genops_buffer requests[3];
	struct genops_destination_item items[3];
	for (int i = 0; i < 3; i++) {
		genops_buffer_init(&requests[i], 1 << 16);
		put_request(&requests[i], "a", (char)i);
		if (i == 1)
			put_request(&requests[i], "b", 9);
		items[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_TRACES, .n = 1 + (i == 1), .body = genops_buffer_view(&requests[i])};
	}
	start(&f, type->exporter, "endpoint: http://h:9200\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct genops_response response = {.status = rows[i].status, .body = genops_str_of(rows[i].body)};
		struct genops_send_verdict verdict;
		(void)encode(&f, items, 3);
		type->judge(&f.settings, &response, &verdict);
		char kinds[8] = "";
		for (size_t k = 0; k < verdict.n_kinds && k < 7; k++)
			kinds[k] = verdict.kinds[k] == GENOPS_SENT ? 'S' : verdict.kinds[k] == GENOPS_RETRY ? 'A' : 'R';
		if (strcmp(kinds, rows[i].kinds) || verdict.kind != rows[i].kind || !strstr(verdict.reason, rows[i].reason) ||
		    rows[i].is_held != (verdict.retry_after_ns >= 60 * GENOPS_NS_PER_S))
			fail_msg("%zu: kind %d, kinds %s, %s", i, verdict.kind, kinds, verdict.reason);
	}
	unload(&f);
	for (int i = 0; i < 3; i++)
		genops_buffer_done(&requests[i]);
}

/* What is lost for ever is told with its own reason, not with that of another document of the request. */
static void test_each_refusal_has_its_own_reason(void **state)
{
	static const char body[] = "{\"errors\":true,\"items\":[" ITEM(400, ERROR("strict_dynamic_mapping_exception", "introduction of [surprise]")) ","
	    ITEM(201, "") "," ITEM(429, ERROR("es_rejected_execution_exception", "queue")) "," ITEM(400, ERROR("mapper_parsing_exception", "field [cost]")) ","
	    ITEM(400, ERROR("strict_dynamic_mapping_exception", "introduction of [surprise]")) "]}";
	static const char *const expected[] = {"introduction of [surprise]", NULL, NULL, "field [cost]", "introduction of [surprise]"};
	struct genops_destination_item items[5];
	struct genops_send_verdict verdict;
	struct fixture f;
	(void)state;
	for (int i = 0; i < 5; i++)
		items[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .time_unix_ns = T0, .id = (uint64_t)i, .body = GENOPS_STR("{\"a\":1}")};
	start(&f, type->document, "endpoint: http://h:9200\n");
	(void)encode(&f, items, 5);
	const struct genops_response response = {.status = 200, .body = genops_str_of(body)};
	type->judge(&f.settings, &response, &verdict);
	assert_int_equal(verdict.n_kinds, 5);
	assert_int_equal(verdict.n_causes, 2);
	for (size_t i = 0; i < 5; i++) {
		const char *cause = genops_destination_cause(&verdict, i);
		assert_true(expected[i] ? strstr(cause, expected[i]) != NULL : cause == verdict.reason);
	}
	unload(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_each_refusal_has_its_own_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
