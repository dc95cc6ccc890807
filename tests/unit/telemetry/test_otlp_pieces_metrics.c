/* SPDX-License-Identifier: Apache-2.0
 * test_otlp_pieces_metrics.c - metrics are checked and cut between their points. */
#include "otlp_pieces_fixture.h"

#include "base/str.h"

/* Points are what is counted of metrics, and packed numbers are looked into. */
static void test_metrics(void **state)
{
	(void)state;
	static const genops_str right[] = {
	    {"\x2A\x06\x0A\x00\x0A\x00\x0A\x00", 8},			  /* gauge, three points */
	    {"\x4A\x0E\x0A\x0C\x31\x01\x00\x00\x00\x00\x00\x00\x00\x0A\x01t", 16}, /* bucket_counts unpacked; field 1 is reserved */
	    {"\x4A\x0C\x0A\x0A\x32\x08\x01\x00\x00\x00\x00\x00\x00\x00", 14},	  /* packed */
	    {"\x52\x0A\x0A\x08\x42\x06\x12\x04\x01\xFF\x7F\x02", 12},		  /* exponential buckets, packed */
	};
	static const int points[] = {3, 1, 1, 1};
	static const genops_str wrong[] = {
	    {"\x4A\x0B\x0A\x09\x32\x07\x01\x00\x00\x00\x00\x00\x00", 13}, /* seven bytes of a fixed64 */
	    {"\x52\x08\x0A\x06\x42\x04\x12\x02\x01\xFF", 10},		 /* a varint that is cut off */
	    {"\x2A\x00\x2A\x00", 4},					 /* two gauges */
	};
	struct run run;
	begin(&run);
	for (size_t i = 0; i < sizeof right / sizeof *right + sizeof wrong / sizeof *wrong; i++) {
		bool is_right = i < sizeof right / sizeof *right;
		genops_buffer_clear(&run.request);
		size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2);
		genops_wire_put_bytes(&run.request, 2, is_right ? right[i] : wrong[i - sizeof right / sizeof *right]);
		genops_wire_end(&run.request, scope);
		genops_wire_end(&run.request, resource);
		int code = cut(&run, GENOPS_SIGNAL_METRICS);
		if (code != (is_right ? GENOPS_OK : GENOPS_SYNTAX))
			fail_msg("row %zu: %d %s", i, code, run.err.message);
		if (is_right)
			expect_count(&run, points[i], 0);
	}
	end(&run);
}

/* A histogram of `n` points with `len` bytes of attribute each, its head in two places. */
static void put_metric(struct genops_buffer *buf, int n, size_t len)
{
	char *text = malloc(len + 1);
	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	size_t metric = genops_wire_begin(buf, 2);
	genops_wire_put_bytes(buf, 1, GENOPS_STR("requests"));
	size_t data = genops_wire_begin(buf, 9);
	for (int i = 0; i < n; i++) {
		size_t point = genops_wire_begin(buf, 1);
		genops_wire_put_fixed64(buf, 4, (uint64_t)i);
		put_attribute(buf, 9, "k", text);
		genops_wire_end(buf, point);
	}
	genops_wire_put_uint(buf, 2, 2); /* temporality, behind the points */
	genops_wire_end(buf, data);
	genops_wire_put_bytes(buf, 3, GENOPS_STR("unit"));
	genops_wire_end(buf, metric);
	free(text);
}

/* Every metric of the pieces is named, with its unit and temporality; returns their points, which come in order. */
static int64_t count_points(const struct run *run, int64_t *ret_metrics)
{
	struct genops_otlp_reader reader;
	struct genops_wire_reader in, data, point;
	struct genops_wire_field field;
	genops_str item;
	int64_t n = 0;
	*ret_metrics = 0;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_METRICS, genops_buffer_view(&run->pieces.all));
	while (genops_otlp_reader_next(&reader, &item) > 0) {
		unsigned seen = 0, seen_data = 0;
		++*ret_metrics;
		assert_true(genops_str_equal(reader.resource.scope_name, GENOPS_STR("scope")));
		genops_wire_reader_init(&in, item, 4);
		while (genops_wire_next(&in, &field) > 0) {
			seen |= 1u << field.number;
			if (field.number != 9)
				continue;
			assert_int_equal(genops_wire_enter(&in, &field, &data), GENOPS_OK);
			while (genops_wire_next(&data, &field) > 0) {
				seen_data |= 1u << field.number;
				if (field.number != 1)
					continue;
				assert_int_equal(genops_wire_enter(&data, &field, &point), GENOPS_OK);
				assert_int_equal(genops_wire_next(&point, &field), 1);
				assert_true(field.number == 4 && (int64_t)field.value == n);
				n++;
			}
		}
		assert_int_equal(seen, 1u << 1 | 1u << 9 | 1u << 3);
		assert_int_equal(seen_data, 1u << 1 | 1u << 2);
	}
	return n;
}

static void test_a_large_metric_is_cut_between_its_points(void **state)
{
	(void)state;
	static const struct {
		int n, least_pieces;
		size_t len;
	} rows[] = {{20000, 5, 1}, {20000, 5, 300}, {3, 3, 500000}, {4097, 2, 1}, {4096, 1, 1}};
	struct run run;
	begin(&run);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t n_metrics;
		genops_buffer_clear(&run.request);
		size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2);
		put_metric(&run.request, rows[i].n, rows[i].len);
		put_scope(&run.request, "scope");
		genops_wire_end(&run.request, scope);
		genops_wire_end(&run.request, resource);
		assert_int_equal(cut(&run, GENOPS_SIGNAL_METRICS), GENOPS_OK);
		expect_count(&run, rows[i].n, 0);
		assert_true(run.pieces.n >= rows[i].least_pieces);
		assert_true(run.pieces.longest <= GENOPS_OTLP_ITEM_MAX);
		assert_true(count_points(&run, &n_metrics) == rows[i].n);
		assert_true(n_metrics == run.pieces.n);
	}
	end(&run);
}

/* What a metric has beside its points is theirs, also where it is cut between them. */
static void test_a_fault_of_a_large_metric(void **state)
{
	(void)state;
	static const struct {
		uint32_t field;
		genops_str bytes;
		const char *reason;
	} rows[] = {
	    {1, {"\xFF", 1}, "metric 1: a text (name) that is not UTF-8, as protobuf's texts have to be"},
	    {12, {"\x0A\x01\xFE", 3}, "metric 1: a text (key) that is not UTF-8, as protobuf's texts have to be"},
	};
	struct run run;
	begin(&run);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		genops_buffer_clear(&run.request);
		size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2);
		size_t metric = genops_wire_begin(&run.request, 2), data = genops_wire_begin(&run.request, 5);
		for (int j = 0; j < 5000; j++)
			genops_wire_put_bytes(&run.request, 1, GENOPS_STR("\x40\x01"));
		genops_wire_end(&run.request, data);
		genops_wire_put_bytes(&run.request, rows[i].field, rows[i].bytes);
		genops_wire_end(&run.request, metric);
		genops_wire_put_bytes(&run.request, 2, GENOPS_STR("\x2A\x02\x0A\x00"));
		genops_wire_end(&run.request, scope);
		genops_wire_end(&run.request, resource);
		assert_int_equal(cut(&run, GENOPS_SIGNAL_METRICS), GENOPS_OK);
		expect_count(&run, 1, 5000);
		assert_string_equal(run.count.reason, rows[i].reason);
	}
	end(&run);
}

/* A resource's text is its request's. */
static void test_a_resource_that_is_not_utf8(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	genops_buffer_add(&run.request, GENOPS_STR("\x0A\x07\x0A\x05\x0A\x03\x0A\x01\xFF"));
	assert_int_equal(cut(&run, GENOPS_SIGNAL_TRACES), GENOPS_SYNTAX);
	expect_untouched(&run);
	assert_string_equal(run.err.message, "OTLP traces: a text that is not UTF-8, at byte 8 (KeyValue.key)");
	end(&run);
}

/* One point that cannot be taken, of many. */
static void test_a_point_is_rejected_alone(void **state)
{
	(void)state;
	struct run run;
	begin(&run);
	size_t resource = genops_wire_begin(&run.request, 1), scope = genops_wire_begin(&run.request, 2);
	size_t metric = genops_wire_begin(&run.request, 2), data = genops_wire_begin(&run.request, 5);
	for (int i = 0; i < 5000; i++)
		genops_wire_put_bytes(&run.request, 1, i == 4500 ? GENOPS_STR("\x2A\x03\x22\x01s") : GENOPS_STR("\x40\x01"));
	genops_wire_end(&run.request, data);
	genops_wire_end(&run.request, metric);
	genops_wire_end(&run.request, scope);
	genops_wire_end(&run.request, resource);
	assert_int_equal(cut(&run, GENOPS_SIGNAL_METRICS), GENOPS_OK);
	expect_count(&run, 4999, 1);
	assert_string_equal(run.count.reason, "metric 1: spanId has 1 bytes; send 8, or none");
	end(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_metrics),
	    cmocka_unit_test(test_a_large_metric_is_cut_between_its_points),
	    cmocka_unit_test(test_a_fault_of_a_large_metric),
	    cmocka_unit_test(test_a_resource_that_is_not_utf8),
	    cmocka_unit_test(test_a_point_is_rejected_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
