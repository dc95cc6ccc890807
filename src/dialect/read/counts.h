/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/counts.h - the numbers of a provider's usage object, as reported, and their normal
 * form.
 *
 * Providers differ in what is part of what. The name tells: cached tokens under *_details (OpenAI,
 * Gemini, Groq, DeepSeek) are part of the input; cache_read_input_tokens and
 * cache_creation_input_tokens (Anthropic, Bedrock) stand apart. Later objects override earlier ones
 * member by member (Anthropic's message_delta is cumulative).
 */
#ifndef DIALECT_READ_COUNTS_H
#define DIALECT_READ_COUNTS_H

#include "codec/json_scan.h"

#include <genops/usage.h>

enum genops_count {
	GENOPS_COUNT_INPUT,
	GENOPS_COUNT_OUTPUT,
	GENOPS_COUNT_TOTAL,
	GENOPS_COUNT_CACHED,	     /* part of the input */
	GENOPS_COUNT_CACHE_READ,     /* apart from the input, as the three that follow */
	GENOPS_COUNT_CACHE_WRITE,    /* of any lifetime */
	GENOPS_COUNT_CACHE_WRITE_5M, /* part of CACHE_WRITE */
	GENOPS_COUNT_CACHE_WRITE_1H,
	GENOPS_COUNT_WRITTEN, /* written to a cache, part of the input */
	GENOPS_COUNT_AUDIO_IN,
	GENOPS_COUNT_AUDIO_OUT,
	GENOPS_COUNT_IMAGE_IN,
	GENOPS_COUNT_IMAGE_OUT,
	GENOPS_COUNT_REASONING, /* part of the output, unless the total says that it stands apart */
	GENOPS_COUNT_THOUGHTS,	/* apart from the output */
	GENOPS_COUNT_WEB_SEARCHES,
	GENOPS_COUNT_SECONDS, /* of sound; may have a fraction */
	/* The rounds that one call took, each told apart: their sum counts where it is more than
	 * what stands above (Anthropic leaves a compaction out there). */
	GENOPS_COUNT_ROUNDS_INPUT,
	GENOPS_COUNT_ROUNDS_OUTPUT,
	GENOPS_COUNT_ROUNDS_CACHE_READ,
	GENOPS_COUNT_ROUNDS_CACHE_WRITE,
	GENOPS_N_COUNTS
};

struct genops_counts {
	int64_t values[GENOPS_N_COUNTS]; /* SECONDS in milliseconds */
	uint32_t seen;			 /* bit per count */
	bool is_bad; /* something negative, absurd or no number: nothing of it is believed */
};

void genops_counts_set(
    struct genops_counts *counts, enum genops_count which, const struct genops_json_value *value);

/* A usage object begins: what it adds up begins at nothing. */
void genops_counts_begin(struct genops_counts *counts);

/* Fills the token, search and audio fields of *usage. False: nothing that counts was reported. */
bool genops_counts_normalise(const struct genops_counts *reported, struct genops_usage *usage);

#endif
