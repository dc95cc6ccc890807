/* SPDX-License-Identifier: Apache-2.0
 * genops/usage.h - what an AI call consumed, normalised over all providers.
 *
 * `input_tokens` is the whole prompt, cached tokens included; `output_tokens` includes reasoning. The finer
 * fields are parts of those two, never additions: cache_read + cache_write_* + audio_input <= input_tokens,
 * reasoning + audio_output <= output_tokens. Providers that report parts apart (Anthropic, Bedrock) are
 * added up by their dialect. Counts are never negative; a negative or absurd count from outside is refused
 * by the dialect and the operation is marked estimated.
 */
#ifndef GENOPS_USAGE_H
#define GENOPS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The tier that served the call; it changes the price. */
enum genops_tier {
	GENOPS_TIER_STANDARD,
	GENOPS_TIER_BATCH,
	GENOPS_TIER_FLEX,
	GENOPS_TIER_PRIORITY,
};

/* X(field, unit): every countable thing, in the order in which records and the ledger store them. */
#define GENOPS_USAGE_FIELDS(X)                                                                        \
	X(input_tokens, "tokens")                                                                     \
	X(output_tokens, "tokens")                                                                    \
	X(cache_read_tokens, "tokens")                                                                \
	X(cache_write_5m_tokens, "tokens")                                                            \
	X(cache_write_1h_tokens, "tokens")                                                            \
	X(reasoning_tokens, "tokens")                                                                 \
	X(audio_input_tokens, "tokens")                                                               \
	X(audio_output_tokens, "tokens")                                                              \
	X(image_input_tokens, "tokens")                                                               \
	X(image_output_tokens, "tokens")                                                              \
	X(images, "images")                                                                           \
	X(characters, "characters")                                                                   \
	X(audio_ms, "milliseconds")                                                                   \
	X(web_searches, "searches")                                                                   \
	X(tool_calls, "calls")

/* The largest count that is believed; more is treated as a lie or a fault of the far side. */
#define GENOPS_USAGE_COUNT_MAX INT64_C(1000000000000)

typedef struct genops_usage {
#define X(field, unit) int64_t field;
	GENOPS_USAGE_FIELDS(X)
#undef X
	enum genops_tier tier;
	bool is_estimated; /* not what the provider reported: counted or bounded by GenOps */
} genops_usage;

#ifdef __cplusplus
}
#endif
#endif
