/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_delta.c: what counters have grown by, when requests fail, come twice, and after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "codec/wire.h"
#include "export/datadog/datadog_points.h"

#include <math.h>
#include <stdio.h>

#define SINCE 1000

static double growth(struct genops_datadog_delta *delta, uint64_t series, double value, uint64_t start, uint64_t time)
{
	double ret = -1;
	return genops_datadog_delta_of(delta, series, value, start, time, &ret) ? ret : -1;
}

static void only_what_was_taken_counts(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	genops_datadog_delta_begin(delta, SINCE);
	assert_float_equal(growth(delta, 7, 10, 1, 2000), -1, 0); /* began before us */
	assert_float_equal(growth(delta, 8, 10, 1500, 2000), 10, 0);
	assert_float_equal(growth(delta, 0, 3, 1500, 2000), 3, 0);
	genops_datadog_delta_begin(delta, SINCE); /* not taken: the same again */
	assert_float_equal(growth(delta, 7, 10, 1, 2000), -1, 0);
	assert_float_equal(growth(delta, 8, 10, 1500, 2000), 10, 0);
	assert_float_equal(growth(delta, 8, 12, 1500, 2100), 2, 0); /* two points of one request */
	genops_datadog_delta_taken(delta);
	for (int i = 0; i < 3; i++) {
		genops_datadog_delta_begin(delta, SINCE);
		assert_float_equal(growth(delta, 7, 15, 1, 3000), 5, 0);
		assert_float_equal(growth(delta, 8, 12.5, 1500, 3000), 0.5, 0);
	}
	genops_datadog_delta_taken(delta);
	genops_datadog_delta_begin(delta, SINCE);
	assert_float_equal(growth(delta, 7, 15, 1, 3000), -1, 0);   /* came twice */
	assert_float_equal(growth(delta, 7, 14, 1, 2500), -1, 0);   /* is late */
	assert_float_equal(growth(delta, 7, 2, 3500, 4000), 2, 0);  /* began anew */
	assert_float_equal(growth(delta, 8, 1, 1500, 4000), 1, 0);  /* fell, so it did, too */
	genops_datadog_delta_free(delta);
}

static void what_is_no_number_is_forgotten(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	genops_datadog_delta_begin(delta, SINCE);
	assert_float_equal(growth(delta, 7, 10, 1500, 2000), 10, 0);
	assert_float_equal(growth(delta, 7, NAN, 1500, 2100), -1, 0);
	assert_float_equal(growth(delta, 7, INFINITY, 1500, 2200), -1, 0);
	assert_float_equal(growth(delta, 7, 12, 1500, 2300), 2, 0);
	genops_datadog_delta_free(delta);
}

#define MINUTES(n) ((uint64_t)(n)*UINT64_C(60000000000))

/* An SDK whose clock was an hour ahead, and was set right: the counter goes on, not in an hour. */
static void a_clock_that_is_set_right_does_not_silence_a_counter(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	genops_datadog_delta_begin(delta, SINCE);
	assert_float_equal(growth(delta, 7, 10, 1500, MINUTES(60)), 10, 0);
	assert_float_equal(growth(delta, 8, 10, 1500, MINUTES(9)), 10, 0);
	genops_datadog_delta_taken(delta);
	genops_datadog_delta_begin(delta, SINCE);
	assert_float_equal(growth(delta, 7, 11, 1500, MINUTES(61)), 1, 0);  /* still ahead */
	assert_float_equal(growth(delta, 7, 11, 1500, MINUTES(60)), -1, 0); /* came twice */
	assert_float_equal(growth(delta, 7, 14, 1500, MINUTES(1)), 3, 0);
	assert_float_equal(growth(delta, 7, 15, 1500, MINUTES(2)), 1, 0);
	assert_float_equal(growth(delta, 7, 15, 1500, MINUTES(2)), -1, 0);
	assert_float_equal(growth(delta, 8, 9, 1500, MINUTES(8)), -1, 0); /* late as ever */
	assert_float_equal(growth(delta, 8, 11, 1500, MINUTES(10)), 1, 0);
	genops_datadog_delta_free(delta);
}

#define NOW_S INT64_C(1800000000)

static void put_tag(struct genops_buffer *out, uint32_t field, int n, size_t len)
{
	char key[32], text[200];
	memset(text, 'x', sizeof text);
	snprintf(key, sizeof key, "genops.k%d", n);
	size_t mark = genops_wire_begin(out, field), value;
	genops_wire_put_text(out, 1, genops_str_of(key));
	value = genops_wire_begin(out, 2);
	genops_wire_put_bytes(out, 1, (genops_str){text, len});
	genops_wire_end(out, value);
	genops_wire_end(out, mark);
}

/* A gauge of n points, each with a tag of its own. */
static void put_request(struct genops_buffer *out, int n_tags, int n_points, uint64_t time_ns)
{
	size_t of_resource = genops_wire_begin(out, 1), mark = genops_wire_begin(out, 1);
	for (int i = 0; i < n_tags; i++)
		put_tag(out, 1, i, 180);
	genops_wire_end(out, mark);
	size_t scope = genops_wire_begin(out, 2), metric = genops_wire_begin(out, 2);
	genops_wire_put_text(out, 1, GENOPS_STR("a"));
	size_t gauge = genops_wire_begin(out, 5);
	for (int i = 0; i < n_points; i++) {
		size_t point = genops_wire_begin(out, 1);
		genops_wire_put_fixed64(out, 3, time_ns);
		genops_wire_put_double(out, 4, 1);
		put_tag(out, 7, 1000000 + i, 1);
		genops_wire_end(out, point);
	}
	genops_wire_end(out, gauge);
	genops_wire_end(out, metric);
	genops_wire_end(out, scope);
	genops_wire_end(out, of_resource);
}

static int write(int n_tags, int n_points, uint64_t time_ns, struct genops_buffer *out)
{
	struct genops_arena arena;
	struct genops_datadog_series series;
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	struct genops_buffer request;
	struct genops_error err;
	const struct genops_datadog_points points = {&series, delta, GENOPS_STR("h"), NOW_S};
	genops_arena_init(&arena, (size_t)64 << 20); /* as the pump's */
	genops_buffer_init(&request, (size_t)64 << 20);
	genops_datadog_series_init(&series, &arena);
	genops_datadog_delta_begin(delta, SINCE);
	put_request(&request, n_tags, n_points, time_ns);
	assert_int_equal(request.error, 0);
	int code = genops_datadog_points_add(&points, genops_buffer_view(&request), &err);
	if (code == GENOPS_OK)
		genops_datadog_series_write(&series, out);
	genops_buffer_add_char(out, '\0');
	genops_buffer_done(&request);
	genops_arena_done(&arena);
	genops_datadog_delta_free(delta);
	return code;
}

/* Datadog drops without a word what is over ten minutes in the future. */
static void a_clock_that_is_ahead_loses_nothing(void **state)
{
	static const int64_t ahead_s[] = {0, 500, 3600, 16000000000};
	for (size_t i = 0; i < 4; i++) {
		struct genops_buffer out;
		char wanted[64];
		genops_buffer_init(&out, 1 << 20);
		assert_int_equal(write(0, 1, (uint64_t)(NOW_S + ahead_s[i]) * 1000000000, &out), GENOPS_OK);
		snprintf(wanted, sizeof wanted, "\"timestamp\":%lld,", (long long)(NOW_S + (i < 2 ? ahead_s[i] : 0)));
		if (!strstr(out.ptr, wanted))
			fail_msg("%s: %s", wanted, out.ptr);
		genops_buffer_done(&out);
	}
}

/* What is small on the way in and large on the way out is refused, not tried again for ever for want of memory. */
static void what_is_far_too_large_is_told(void **state)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 20);
	assert_int_equal(write(330, 1500, (uint64_t)NOW_S * 1000000000, &out), GENOPS_LIMIT);
	genops_buffer_done(&out);
}

static void it_survives_a_restart(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	struct genops_buffer kept;
	genops_buffer_init(&kept, 1 << 24);
	genops_datadog_delta_begin(delta, SINCE);
	(void)growth(delta, 7, 10, 1, 2000);
	genops_datadog_delta_taken(delta);
	genops_datadog_delta_begin(delta, SINCE);
	assert_float_equal(growth(delta, 7, 11, 1, 3000), 1, 0);
	(void)growth(delta, 9, 5, 1, 3000);
	genops_datadog_delta_write(delta, &kept); /* the second was not taken */
	genops_datadog_delta_free(delta);
	assert_int_equal(kept.len, strlen("genops-deltas-1\n") + 24);
	for (size_t len = 0; len <= kept.len; len++) {
		delta = genops_datadog_delta_new(SINCE);
		genops_datadog_delta_read(delta, (genops_str){kept.ptr, len});
		genops_datadog_delta_begin(delta, SINCE);
		assert_float_equal(growth(delta, 7, 11, 1, 3000), len == kept.len ? 1 : -1, 0);
		genops_datadog_delta_free(delta);
	}
	genops_buffer_done(&kept);
}

static void it_is_bounded(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	for (uint64_t round = 0; round < 3; round++) {
		genops_datadog_delta_begin(delta, SINCE);
		for (uint64_t i = 1; i <= GENOPS_DATADOG_DELTA_MAX; i++)
			(void)growth(delta, i * UINT64_C(0x9E3779B97F4A7C15) + round, 1, SINCE, 2000 + round);
		genops_datadog_delta_taken(delta);
	}
	genops_datadog_delta_free(delta);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_was_taken_counts),
	    cmocka_unit_test(what_is_no_number_is_forgotten),
	    cmocka_unit_test(a_clock_that_is_set_right_does_not_silence_a_counter),
	    cmocka_unit_test(a_clock_that_is_ahead_loses_nothing),
	    cmocka_unit_test(what_is_far_too_large_is_told),
	    cmocka_unit_test(it_survives_a_restart),
	    cmocka_unit_test(it_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
