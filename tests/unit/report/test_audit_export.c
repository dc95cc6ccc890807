/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/report/test_audit_export.c - the audit trail as JSON, CSV and Parquet: the same records, readable, nothing left out. */
#include "../store/ledger_fixture.h"

#include "codec/json_scan.h"
#include "report/audit/audit_event.h"
#include "report/audit/audit_export.h"

struct file {
	struct genops_buffer bytes;
	size_t fail_at;
};

static int take(void *arg, const char *bytes, size_t len)
{
	struct file *file = arg;
	if (file->fail_at && file->bytes.len + len >= file->fail_at)
		return GENOPS_FULL;
	genops_buffer_add(&file->bytes, (genops_str){bytes, len});
	return GENOPS_OK;
}

/* An operation encoded as the engine does it, and one event. */
static void fill(struct fixture *fixture, size_t n)
{
	const struct genops_evaluation evaluations[] = {{.policy = GENOPS_STR("per-call-cap"), .policy_type = GENOPS_STR("cost_limit"),
	    .result = GENOPS_BLOCKED, .reason = GENOPS_REASON_COST_LIMIT, .is_violation = true, .action = GENOPS_STR("block"),
	    .message = GENOPS_STR("estimated $12.00 of $10.00")}};
	struct sample sample;
	struct genops_buffer encoded;
	bool is_new;
	genops_buffer_init(&encoded, GENOPS_RECORD_MAX);
	fixture_begin(fixture);
	for (size_t i = 1; i <= n; i++) {
		sample_make(&sample, i, "ml, \"x\"", "gpt-4o", NOON_S + (int64_t)i, 1500000000);
		sample.record.end_unix_ns += 5;
		sample.record.user = GENOPS_STR("ada");
		sample.record.host = GENOPS_STR("node-1");
		sample.record.region = GENOPS_STR("eu-west-1");
		sample.record.result = i % 2 ? GENOPS_BLOCKED : GENOPS_ALLOWED;
		sample.record.is_refused = i % 2;
		sample.record.reason = i % 2 ? GENOPS_REASON_COST_LIMIT : GENOPS_REASON_NONE;
		sample.record.policy = i % 2 ? GENOPS_STR("per-call-cap") : (genops_str){0};
		sample.record.evaluations = evaluations;
		sample.record.n_evaluations = i % 2;
		genops_buffer_clear(&encoded);
		genops_record_encode(&sample.record, &encoded);
		assert_int_equal(genops_ledger_add(fixture->ledger, &sample.record, genops_buffer_view(&encoded), &is_new, NULL), GENOPS_OK);
	}
	assert_int_equal(genops_ledger_add_event(fixture->ledger, (NOON_S + 100) * NS, GENOPS_STR("config.reloaded"),
			     GENOPS_STR("{\"version\":2}"), NULL), GENOPS_OK);
	fixture_commit(fixture);
	genops_buffer_done(&encoded);
}

static void export(struct fixture *fixture, struct genops_audit_report_query query, enum genops_audit_format format, struct file *file, int64_t n)
{
	struct genops_error err = {0};
	int64_t n_events = -1;
	genops_buffer_init(&file->bytes, 64 << 20);
	if (genops_audit_export_file(fixture ? fixture->ledger : NULL, &query, format, take, file, &n_events, &err))
		fail_msg("%s", err.message);
	genops_buffer_add_char(&file->bytes, 0);
	assert_int_equal(n_events, n);
}

struct seen {
	size_t n_events;
	int64_t count, cost;
	char operation[64], time[64], team[64];
};

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct seen *seen = arg;
	if (value->id == 1 && !value->is_end)
		seen->n_events++;
	if (value->id == 2)
		seen->count = value->integer;
	if (value->id == 3)
		seen->cost += value->integer;
	char *text = value->id == 4 ? seen->operation : value->id == 5 ? seen->time : value->id == 6 ? seen->team : NULL;
	if (text && !text[0])
		snprintf(text, 64, "%.*s", (int)value->text.len, value->text.ptr);
}

/* proves WDB-137, WDB-139, WDB-140, WDB-142 (JSON), WDB-143 */
static void test_json(void **state)
{
	static const struct genops_json_path paths[] = {{"events[]", 1}, {"count", 2}, {"events[].cost_nano_usd", 3},
	    {"events[].operation_id", 4}, {"events[].time", 5}, {"events[].team", 6}};
	struct file file = {0};
	struct seen seen = {0};
	struct genops_error err = {0};
	fill(*state, 300);
	export(*state, (struct genops_audit_report_query){0}, GENOPS_AUDIT_JSON, &file, 301);
	struct genops_json_paths *wanted = genops_json_paths_new(paths, 6, NULL);
	struct genops_json_scan *scan = genops_json_scan_new(wanted, NULL, on_value, &seen);
	if (genops_json_scan_feed(scan, (genops_str){file.bytes.ptr, file.bytes.len - 1}, &err) || genops_json_scan_end(scan, &err))
		fail_msg("%s", err.message);
	assert_int_equal(seen.n_events, 301);
	assert_int_equal(seen.count, 301);
	assert_int_equal(seen.cost, INT64_C(300) * 1500000000);
	assert_string_equal(seen.operation, "01000000000000000000000000000000-0100000000000000");
	assert_string_equal(seen.time, "2026-11-05T12:00:01.000000005Z");
	assert_string_equal(seen.team, "ml, \"x\"");
	assert_non_null(strstr(file.bytes.ptr, "\"user\":\"ada\""));
	assert_non_null(strstr(file.bytes.ptr, "\"region\":\"eu-west-1\""));
	assert_non_null(strstr(file.bytes.ptr, "\"evaluations\":[{\"policy\":\"per-call-cap\",\"policy_type\":\"cost_limit\","
					       "\"result\":\"blocked\",\"reason_code\":\"x_cost_limit\",\"is_violation\":true"));
	assert_non_null(strstr(file.bytes.ptr, "{\"sequence\":301,\"time\":\"2026-11-05T12:01:40.000000000Z\",\"kind\":\"config.reloaded\","
					       "\"detail\":{\"version\":2},\"hash\":\""));
	genops_json_scan_free(scan);
	genops_json_paths_free(wanted);
	genops_buffer_done(&file.bytes);
}

static size_t count_char(const char *text, const char *end, char c)
{
	size_t n = 0;
	bool is_quoted = false;
	for (; text < end; text++) {
		is_quoted ^= *text == '"';
		n += !is_quoted && *text == c;
	}
	return n;
}

/* proves WDB-142 (CSV): every line has every column */
static void test_csv(void **state)
{
	struct file file = {0};
	fill(*state, 3);
	export(*state, (struct genops_audit_report_query){0}, GENOPS_AUDIT_CSV, &file, 4);
	const char *line = file.bytes.ptr, *end = strstr(line, "\r\n");
	size_t n_commas = count_char(line, end, ','), n_lines = 0;
	assert_true(n_commas > 50);
	assert_memory_equal(line, "sequence,time,kind,operation_id,", 32);
	for (; end; end = strstr(line, "\r\n"), n_lines++) {
		assert_int_equal(count_char(line, end, ','), n_commas);
		line = end + 2;
	}
	assert_int_equal(n_lines, 5);
	assert_non_null(strstr(file.bytes.ptr, ",\"ml, \"\"x\"\"\","));
	assert_non_null(strstr(file.bytes.ptr, ",1500000000,1.50,"));
	assert_non_null(strstr(file.bytes.ptr, ",\"{\"\"version\"\":2}\","));
	genops_buffer_done(&file.bytes);
}

/* proves WDB-142 (Parquet) in part: the frame; tests of codec/parquet and an independent reader prove the rest */
static void test_parquet(void **state)
{
	struct file file = {0};
	fill(*state, 10);
	export(*state, (struct genops_audit_report_query){0}, GENOPS_AUDIT_PARQUET, &file, 11);
	assert_memory_equal(file.bytes.ptr, "PAR1", 4);
	assert_memory_equal(file.bytes.ptr + file.bytes.len - 5, "PAR1", 4);
	genops_buffer_done(&file.bytes);
}

static void test_filters_and_limits(void **state)
{
	struct file file = {0};
	struct genops_report_filter blocked = {GENOPS_STR("result"), GENOPS_STR("blocked")}, kind = {GENOPS_STR("kind"), GENOPS_STR("config.reloaded")};
	fill(*state, 10);
	export(*state, (struct genops_audit_report_query){.where = &blocked, .n_where = 1}, GENOPS_AUDIT_JSON, &file, 5);
	genops_buffer_done(&file.bytes);
	export(*state, (struct genops_audit_report_query){.where = &kind, .n_where = 1}, GENOPS_AUDIT_JSON, &file, 1);
	genops_buffer_done(&file.bytes);
	export(*state, (struct genops_audit_report_query){.limit = 2, .newest_first = true}, GENOPS_AUDIT_JSON, &file, 2);
	assert_memory_equal(file.bytes.ptr, "{\"events\":[{\"sequence\":11,", 26);
	genops_buffer_done(&file.bytes);
	export(NULL, (struct genops_audit_report_query){0}, GENOPS_AUDIT_JSON, &file, 0);
	assert_string_equal(file.bytes.ptr, "{\"events\":[],\"count\":0,\"retention_days\":null}\n");
	genops_buffer_done(&file.bytes);
}

static void test_full_disk_is_told(void **state)
{
	struct genops_error err = {0};
	fill(*state, 500);
	struct fixture *fixture = *state;
	for (int format = 0; format < 3; format++) {
		struct file file = {.fail_at = 10};
		int64_t n = -7;
		genops_buffer_init(&file.bytes, 64 << 20);
		assert_int_equal(genops_audit_export_file(fixture->ledger, &(struct genops_audit_report_query){0},
				     (enum genops_audit_format)format, take, &file, &n, &err), GENOPS_FULL);
		assert_int_equal(n, -7);
		genops_buffer_done(&file.bytes);
	}
}

static int never(void *arg, const struct genops_audit_event *event)
{
	fail_msg("a payload that is no record was shown");
	return GENOPS_OK;
}

static void test_undecodable_payload(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	struct genops_error err = {0};
	sample_make(&sample, 1, "ml", "m", NOON_S, 1);
	fixture_begin(fixture);
	fixture_add(fixture, &sample); /* its payload is a text, no record */
	fixture_commit(fixture);
	assert_int_equal(genops_audit_export_each(fixture->ledger, &(struct genops_audit_report_query){0}, never, NULL, &err), GENOPS_CORRUPT);
}

static void test_verification(void **state)
{
	struct fixture *fixture = *state;
	struct genops_audit_verification found;
	char *text;
	size_t len;
	fill(fixture, 10);
	assert_int_equal(genops_audit_export_verify(fixture->ledger, &found, NULL), GENOPS_OK);
	assert_int_equal(found.first_bad, 0);
	assert_int_equal(found.n_records, 11);
	assert_int_equal(found.head_sequence, 11);
	assert_int_equal(strlen(found.head_hash), 64);
	fixture_close(fixture);
	fixture_tamper(fixture, "UPDATE audit SET kind = 'x' WHERE sequence = 4");
	fixture_open(fixture);
	assert_int_equal(genops_audit_export_verify(fixture->ledger, &found, NULL), GENOPS_OK);
	assert_int_equal(found.first_bad, 4);
	assert_int_equal(found.n_records, 3);
	assert_int_equal(genops_report_audit_verify_json(&found, &text, &len, NULL), GENOPS_OK);
	assert_memory_equal(text, "{\"valid\":false,\"records\":3,\"first_bad\":4,\"message\":\"audit record 4 was changed", 72);
	free(text);
	assert_int_equal(genops_audit_export_verify(NULL, &found, NULL), GENOPS_OK);
	assert_int_equal(found.first_bad, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_json),
	    TEST(test_csv),
	    TEST(test_parquet),
	    TEST(test_filters_and_limits),
	    TEST(test_full_disk_is_told),
	    TEST(test_undecodable_payload),
	    TEST(test_verification),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
