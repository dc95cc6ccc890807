/* SPDX-License-Identifier: Apache-2.0
 * test_otlp_mask.c - what patterns find leaves in no text of a request. proves CRB-470, CRB-471, CRB-472, CRB-473, CRB-479 */
#include "collector_fixture.h"

#include "failing_alloc.h"
#include "pipeline/protect/otlp_mask.h"

static struct genops_otlp_mask mask;
static struct genops_otlp_masking masking;

static int set_up(void **state)
{
	/* The guide's, letter by letter. */
	static const char *const patterns[] = {"\\b\\d{3}-\\d{2}-\\d{4}\\b", "\\b[A-Z0-9._%+-]+@[A-Z0-9.-]+\\.[A-Z]{2,}\\b", "\\b\\d{3}-\\d{3}-\\d{4}\\b"};
	struct genops_error err;
	(void)state;
	for (mask.n = 0; mask.n < 3; mask.n++)
		assert_int_equal(genops_regex_compile(genops_str_of(patterns[mask.n]), GENOPS_STR("gi"), &mask.patterns[mask.n], &err), GENOPS_OK);
	genops_otlp_masking_init(&masking, (size_t)16 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	genops_otlp_mask_done(&mask);
	genops_otlp_masking_done(&masking);
	return 0;
}

/* JSON in, JSON out; *ret_is_same: the very bytes. */
static char *apply(enum genops_signal signal, const char *json, bool *ret_is_same)
{
	struct genops_buffer request, out;
	struct genops_error err;
	genops_str masked;
	size_t len;
	genops_buffer_init(&request, (size_t)16 << 20);
	genops_buffer_init(&out, (size_t)16 << 20);
	if (genops_otlp_json_read(signal, genops_str_of(json), &request, &err) != GENOPS_OK ||
	    genops_otlp_mask_request(&mask, &masking, signal, genops_buffer_view(&request), &masked, &err) != GENOPS_OK ||
	    genops_otlp_json_write(signal, masked, &out, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	*ret_is_same = masked.ptr == request.ptr;
	genops_buffer_done(&request);
	return genops_buffer_take(&out, &len);
}

static void expect(enum genops_signal signal, const char *json, const char *expected)
{
	bool is_same;
	char *out = apply(signal, json, &is_same);
	assert_string_equal(out, expected);
	assert_false(is_same);
	free(out);
}

#define SSN   "123-45-6789"
#define MAIL  "some.One@example.com"
#define PHONE "555-123-4567"
#define GONE  "[REDACTED]"
#define KV(text) TEXT_VALUE("k", text)
#define TRACE "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\""

#define SPANS(a, b, c)                                                                                                                      \
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[" KV(a) "]},\"scopeSpans\":[{\"scope\":{\"name\":\"otel\",\"attributes\":[" KV(b) "]}," \
	"\"spans\":[{" TRACE ",\"name\":\"n " c "\",\"attributes\":[{\"key\":\"" SSN "\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"" a  \
	"\"},{\"kvlistValue\":{\"values\":[" KV(b) "," INT_VALUE("i", "7") "]}}]}}}],\"events\":[{\"name\":\"" c "\",\"attributes\":[" KV(a) "]}],"    \
	"\"links\":[{" TRACE ",\"attributes\":[" KV(b) "]}],\"status\":{\"message\":\"" c "\",\"code\":2}}]}]}]}"

static void spans(void **state)
{
	(void)state;
	expect(GENOPS_SIGNAL_TRACES, SPANS("call " PHONE " now", MAIL, SSN "," SSN), SPANS("call " GONE " now", GONE, GONE "," GONE));
}

/* Who has patterns masked would not look whether a text came as bytes. Others have no words in them. */
static void bytes_that_are_a_text(void **state)
{
	bool is_same;
	(void)state;
	expect(GENOPS_SIGNAL_LOGS, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"bytesValue\":\"Y2FsbCAxMjMtNDUtNjc4OQ==\"}}]}]}]}",
	    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"bytesValue\":\"Y2FsbCBbUkVEQUNURURd\"}}]}]}]}");
	free(apply(GENOPS_SIGNAL_LOGS, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"bytesValue\":\"//4xMjMtNDUtNjc4OQ==\"}}]}]}]}", &is_same));
	assert_true(is_same);
}

#define LOGS(a, b)                                                                                                                          \
	"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"" a "\"},\"attributes\":[" KV(b) "]}," \
	"{\"body\":{\"kvlistValue\":{\"values\":[" KV(a) "]}}}]}]}]}"

static void logs(void **state)
{
	(void)state;
	expect(GENOPS_SIGNAL_LOGS, LOGS("from " MAIL " to " MAIL, PHONE), LOGS("from " GONE " to " GONE, GONE));
}

#define METRICS(a)                                                                                                                          \
	"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":["                                                                               \
	"{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"asDouble\":1.5,\"exemplars\":[{\"filteredAttributes\":[" KV(a) "]}],\"attributes\":[" KV(a) "]}]}},"         \
	"{\"name\":\"s\",\"sum\":{\"dataPoints\":[{\"asDouble\":1.5,\"attributes\":[" KV(a) "]}]}},"                                                \
	"{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"count\":\"1\",\"attributes\":[" KV(a) "]}]}},"                                            \
	"{\"name\":\"e\",\"exponentialHistogram\":{\"dataPoints\":[{\"attributes\":[" KV(a) "]}]}},"                                                 \
	"{\"name\":\"u\",\"summary\":{\"dataPoints\":[{\"attributes\":[" KV(a) "]}]}}]}]}]}"

static void metrics(void **state)
{
	bool is_same;
	(void)state;
	char *plain = apply(GENOPS_SIGNAL_METRICS, METRICS("fine"), &is_same);
	assert_true(is_same);
	assert_non_null(strstr(plain, "fine"));
	free(plain);
	char *out = apply(GENOPS_SIGNAL_METRICS, METRICS("to " MAIL), &is_same);
	int n = 0;
	for (const char *at = out; (at = strstr(at, "to " GONE)); at++)
		n++;
	assert_int_equal(n, 6);
	assert_null(strstr(out, "@"));
	free(out);
}

/* Keys, ids and names of metrics stay: what is addressed by them would not be found again. */
static void what_has_nothing_goes_on_as_it_came(void **state)
{
	bool is_same;
	(void)state;
	free(apply(GENOPS_SIGNAL_TRACES, SPANS("1234-56-78901", "a@b", "12-345-6789"), &is_same));
	assert_true(is_same);
}

/* A search that passes its bounds: all of the text. */
static void what_cannot_be_searched_is_hidden(void **state)
{
	struct genops_error err;
	char *json = malloc(200000), *text = malloc(100001);
	bool is_same;
	(void)state;
	memset(text, 'a', 100000);
	text[100000] = '\0';
	genops_regex_free(mask.patterns[0]);
	assert_int_equal(genops_regex_compile(GENOPS_STR("(a|aa)+[bc]"), GENOPS_STR("g"), &mask.patterns[0], &err), GENOPS_OK);
	snprintf(json, 200000, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"%s\"}}]}]}]}", text);
	char *out = apply(GENOPS_SIGNAL_LOGS, json, &is_same);
	assert_string_equal(out, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"" GONE "\"}}]}]}]}");
	assert_true(masking.n_failed == 1);
	free(out);
	free(json);
	free(text);
}

static void damage_goes_nowhere(void **state)
{
	struct genops_error err;
	genops_str masked = GENOPS_STR("untouched");
	(void)state;
	assert_int_equal(genops_otlp_mask_request(&mask, &masking, GENOPS_SIGNAL_TRACES, GENOPS_STR("\x0A\x05\x12"), &masked, &err), GENOPS_CORRUPT);
	assert_true(genops_str_is(masked, "untouched"));
	for (long n = 0; FAILING_ALLOC && n < 20; n++) {
		struct genops_otlp_masking fresh;
		genops_otlp_masking_init(&fresh, 1 << 20);
		allocs_left = n;
		int code = genops_otlp_mask_request(
		    &mask, &fresh, GENOPS_SIGNAL_LOGS, GENOPS_STR("\x0A\x15\x12\x13\x12\x11\x2A\x0F\x0A\x0D" SSN "!!"), &masked, &err);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		assert_true(code != GENOPS_OK || genops_str_find(masked, GENOPS_STR(SSN)) == SIZE_MAX);
		genops_otlp_masking_done(&fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(spans, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(bytes_that_are_a_text, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(logs, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(metrics, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_has_nothing_goes_on_as_it_came, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_cannot_be_searched_is_hidden, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(damage_goes_nowhere, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
