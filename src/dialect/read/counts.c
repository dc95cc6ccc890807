/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/counts.c - see counts.h. Pure.
 *
 * Invariant: what it fills obeys genops/usage.h: parts never exceed their whole. Where a report
 * breaks that, the parts are taken to stand apart (the reading that costs more) and the usage is
 * marked estimated.
 */
#include "dialect/read/counts.h"

#include <math.h>

static bool whole_number(const struct genops_json_value *value, int64_t *ret_count)
{
	if (value->is_integer) {
		*ret_count = value->integer;
	} else {
		/* 12.0 is what some gateways make of 12. */
		if (!(fabs(value->number) <= (double)GENOPS_USAGE_COUNT_MAX) ||
		    value->number != floor(value->number))
			return false;
		*ret_count = (int64_t)value->number;
	}
	return *ret_count >= 0 && *ret_count <= GENOPS_USAGE_COUNT_MAX;
}

static bool milliseconds(const struct genops_json_value *value, int64_t *ret_count)
{
	double ms = value->number * 1000;
	if (!(ms >= 0 && ms <= (double)GENOPS_USAGE_COUNT_MAX))
		return false;
	*ret_count = (int64_t)ceil(ms);
	return true;
}

void genops_counts_set(
    struct genops_counts *counts, enum genops_count which, const struct genops_json_value *value)
{
	int64_t count = 0;
	if (value->type == GENOPS_JSON_NULL)
		return;
	bool is_good = value->type == GENOPS_JSON_NUMBER &&
		       (which == GENOPS_COUNT_SECONDS ? milliseconds(value, &count)
						      : whole_number(value, &count));
	if (!is_good) {
		counts->is_bad = true;
		return;
	}
	if (which < GENOPS_COUNT_ROUNDS_INPUT)
		counts->values[which] = count;
	else if (count <= GENOPS_USAGE_COUNT_MAX - counts->values[which])
		counts->values[which] += count;
	else
		counts->is_bad = true;
	counts->seen |= UINT32_C(1) << which;
}

void genops_counts_begin(struct genops_counts *counts)
{
	for (size_t i = GENOPS_COUNT_ROUNDS_INPUT; i < GENOPS_N_COUNTS; i++) {
		counts->values[i] = 0;
		counts->seen &= ~(UINT32_C(1) << i);
	}
	counts->is_bad = false;
}

static bool has(const struct genops_counts *counts, enum genops_count which)
{
	return counts->seen >> which & 1;
}

/* Output: reasoning is usually part of it. xAI and Gemini leave it out of the output but not of the
 * total, and say so only by that. */
static int64_t output_of(const struct genops_counts *counts, bool *ret_is_estimated)
{
	const int64_t *v = counts->values;
	int64_t output = v[GENOPS_COUNT_OUTPUT] + v[GENOPS_COUNT_THOUGHTS];
	int64_t unexplained = v[GENOPS_COUNT_TOTAL] - v[GENOPS_COUNT_INPUT] - output;
	bool is_input_only = !has(counts, GENOPS_COUNT_INPUT) && !has(counts, GENOPS_COUNT_OUTPUT);
	if (has(counts, GENOPS_COUNT_TOTAL) && unexplained > 0 && !is_input_only &&
	    !has(counts, GENOPS_COUNT_CACHE_READ) && !has(counts, GENOPS_COUNT_CACHE_WRITE)) {
		if (unexplained != v[GENOPS_COUNT_REASONING])
			*ret_is_estimated = true;
		output += unexplained;
	}
	int64_t parts =
	    v[GENOPS_COUNT_REASONING] + v[GENOPS_COUNT_THOUGHTS] + v[GENOPS_COUNT_AUDIO_OUT];
	if (parts > output) {
		output += parts;
		*ret_is_estimated = true;
	}
	return output;
}

static void fill_cache(const struct genops_counts *counts, struct genops_usage *usage)
{
	const int64_t *v = counts->values;
	int64_t written = v[GENOPS_COUNT_CACHE_WRITE_5M] + v[GENOPS_COUNT_CACHE_WRITE_1H];
	int64_t rest =
	    v[GENOPS_COUNT_CACHE_WRITE] > written ? v[GENOPS_COUNT_CACHE_WRITE] - written : 0;
	usage->cache_read_tokens = v[GENOPS_COUNT_CACHED] + v[GENOPS_COUNT_CACHE_READ];
	usage->cache_write_5m_tokens = v[GENOPS_COUNT_CACHE_WRITE_5M] + v[GENOPS_COUNT_WRITTEN];
	usage->cache_write_1h_tokens = v[GENOPS_COUNT_CACHE_WRITE_1H];
	/* The total may have grown since the lifetimes were told (hosted tools): more of the same
	 * kind. */
	if (v[GENOPS_COUNT_CACHE_WRITE_1H] > 0 && !v[GENOPS_COUNT_CACHE_WRITE_5M])
		usage->cache_write_1h_tokens += rest;
	else
		usage->cache_write_5m_tokens += rest;
}

/* Cached sound is told in both places: the cheaper name gives way. */
static void fit_audio(int64_t audio, int64_t parts, struct genops_usage *usage)
{
	int64_t excess = parts + audio - usage->input_tokens;
	if (excess > 0) {
		int64_t taken =
		    excess < usage->cache_read_tokens ? excess : usage->cache_read_tokens;
		usage->cache_read_tokens -= taken;
		audio -= excess - taken;
	}
	usage->audio_input_tokens = audio > 0 ? audio : 0;
}

static struct genops_counts of_all_rounds(const struct genops_counts *counts)
{
	static const enum genops_count pairs[][2] = {
	    {GENOPS_COUNT_INPUT, GENOPS_COUNT_ROUNDS_INPUT},
	    {GENOPS_COUNT_OUTPUT, GENOPS_COUNT_ROUNDS_OUTPUT},
	    {GENOPS_COUNT_CACHE_READ, GENOPS_COUNT_ROUNDS_CACHE_READ},
	    {GENOPS_COUNT_CACHE_WRITE, GENOPS_COUNT_ROUNDS_CACHE_WRITE}};
	struct genops_counts all = *counts;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		int64_t sum = counts->values[pairs[i][1]];
		if (sum <= counts->values[pairs[i][0]])
			continue;
		all.values[pairs[i][0]] = sum;
		all.seen |= UINT32_C(1) << pairs[i][0];
	}
	return all;
}

bool genops_counts_normalise(const struct genops_counts *reported, struct genops_usage *usage)
{
	const struct genops_counts all = of_all_rounds(reported), *counts = &all;
	const int64_t *v = counts->values;
	bool is_estimated = false;
	if (!has(counts, GENOPS_COUNT_INPUT) && !has(counts, GENOPS_COUNT_OUTPUT) &&
	    !has(counts, GENOPS_COUNT_SECONDS) && !has(counts, GENOPS_COUNT_TOTAL))
		return false;
	fill_cache(counts, usage);
	int64_t apart = v[GENOPS_COUNT_CACHE_READ] + usage->cache_write_5m_tokens -
			v[GENOPS_COUNT_WRITTEN] + usage->cache_write_1h_tokens;
	usage->input_tokens = v[GENOPS_COUNT_INPUT] + apart;
	if (!has(counts, GENOPS_COUNT_INPUT) && !has(counts, GENOPS_COUNT_OUTPUT))
		usage->input_tokens += v[GENOPS_COUNT_TOTAL];
	int64_t parts =
	    usage->cache_read_tokens + usage->cache_write_5m_tokens + usage->cache_write_1h_tokens;
	if (parts > usage->input_tokens) {
		usage->input_tokens += parts;
		is_estimated = true;
	}
	fit_audio(v[GENOPS_COUNT_AUDIO_IN], parts, usage);
	usage->output_tokens = output_of(counts, &is_estimated);
	usage->reasoning_tokens = v[GENOPS_COUNT_REASONING] + v[GENOPS_COUNT_THOUGHTS];
	usage->audio_output_tokens = v[GENOPS_COUNT_AUDIO_OUT];
	usage->image_input_tokens = v[GENOPS_COUNT_IMAGE_IN];
	usage->image_output_tokens = v[GENOPS_COUNT_IMAGE_OUT];
	if (has(counts, GENOPS_COUNT_WEB_SEARCHES))
		usage->web_searches = v[GENOPS_COUNT_WEB_SEARCHES];
	if (has(counts, GENOPS_COUNT_SECONDS))
		usage->audio_ms = v[GENOPS_COUNT_SECONDS];
	usage->is_estimated = is_estimated;
	return true;
}
