/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_datadog_otlp.c - what Datadog gets of OTLP: genops_datadog_trace_write, genops_datadog_points_add, genops_datadog_delta_read.
 * Input: a byte chooses, the rest is a request in protobuf, or a kept memory. What the queue holds was checked when it came, but a damaged
 * disk is outside, too.
 * Properties: success or an error, bounded; the JSON that is written is JSON; the same points twice, and not taken, say the same. */
#include "base/str.h"
#include "codec/json_scan.h"
#include "export/datadog/datadog_points.h"
#include "export/datadog/datadog_trace.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_json(genops_str text)
{
	struct genops_json_paths *paths = genops_json_paths_new(NULL, 0, NULL);
	struct genops_json_scan *scan = genops_json_scan_new(paths, NULL, NULL, NULL);
	check(genops_json_scan_feed(scan, text, NULL) == GENOPS_OK && genops_json_scan_end(scan, NULL) == GENOPS_OK);
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

static int write_points(struct genops_datadog_delta *delta, genops_str request, struct genops_arena *arena, struct genops_buffer *out)
{
	struct genops_datadog_series series;
	const struct genops_datadog_points points = {&series, delta, GENOPS_STR("host"), 1800000000};
	genops_arena_reset(arena);
	genops_datadog_series_init(&series, arena);
	genops_datadog_delta_begin(delta, INT64_C(1800000000000000000));
	int code = genops_datadog_points_add(&points, request, NULL);
	genops_datadog_series_write(&series, out);
	return code;
}

static void try_points(genops_str request, struct genops_arena *arena)
{
	static struct genops_datadog_delta *delta;
	struct genops_buffer first, second;
	if (!delta)
		delta = genops_datadog_delta_new(0);
	genops_buffer_init(&first, (size_t)16 << 20);
	genops_buffer_init(&second, (size_t)16 << 20);
	int code = write_points(delta, request, arena, &first);
	check(write_points(delta, request, arena, &second) == code);
	if (!first.error) {
		check_json(genops_buffer_view(&first));
		check(genops_str_equal(genops_buffer_view(&first), genops_buffer_view(&second)));
	}
	genops_datadog_delta_taken(delta);
	genops_buffer_done(&first);
	genops_buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_arena arena;
	struct genops_buffer out;
	if (!size)
		return 0;
	genops_str rest = {(const char *)data + 1, size - 1};
	genops_arena_init(&arena, (size_t)16 << 20);
	genops_buffer_init(&out, (size_t)16 << 20);
	if (data[0] % 3 == 0) {
		check(genops_datadog_trace_write(rest, GENOPS_STR("host"), &arena, &out, NULL) <= GENOPS_OK);
	} else if (data[0] % 3 == 1) {
		try_points(rest, &arena);
	} else {
		struct genops_datadog_delta *delta = genops_datadog_delta_new(0);
		genops_datadog_delta_read(delta, rest);
		genops_datadog_delta_write(delta, &out);
		genops_datadog_delta_free(delta);
	}
	genops_buffer_done(&out);
	genops_arena_done(&arena);
	return 0;
}
