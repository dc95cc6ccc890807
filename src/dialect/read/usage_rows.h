/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/usage_rows.h - rows for the usage objects of the APIs, wherever they stand
 * (fields.h, counts.h). */
#ifndef DIALECT_READ_USAGE_ROWS_H
#define DIALECT_READ_USAGE_ROWS_H

#include "dialect/read/counts.h"
#include "dialect/read/fields.h"

#define GENOPS_COUNT_ROW(path, count)                                                              \
	{                                                                                          \
		path, (int)GENOPS_ANSWER_COUNT + (int)GENOPS_COUNT_##count                         \
	}

/* chat completions and everything that imitates them; images, embeddings, transcriptions */
#define GENOPS_OPENAI_USAGE_ROWS(at)                                                               \
	{at, GENOPS_ANSWER_USAGE}, GENOPS_COUNT_ROW(at ".prompt_tokens", INPUT),                   \
	    GENOPS_COUNT_ROW(at ".completion_tokens", OUTPUT),                                     \
	    GENOPS_COUNT_ROW(at ".total_tokens", TOTAL),                                           \
	    GENOPS_COUNT_ROW(at ".prompt_tokens_details.cached_tokens", CACHED),                   \
	    GENOPS_COUNT_ROW(at ".prompt_tokens_details.cache_write_tokens", WRITTEN),             \
	    GENOPS_COUNT_ROW(at ".prompt_tokens_details.audio_tokens", AUDIO_IN),                  \
	    GENOPS_COUNT_ROW(at ".prompt_tokens_details.image_tokens", IMAGE_IN),                  \
	    GENOPS_COUNT_ROW(at ".completion_tokens_details.reasoning_tokens", REASONING),         \
	    GENOPS_COUNT_ROW(at ".completion_tokens_details.audio_tokens", AUDIO_OUT),             \
	    GENOPS_COUNT_ROW(at ".completion_tokens_details.image_tokens", IMAGE_OUT),             \
	    GENOPS_COUNT_ROW(at ".prompt_cache_hit_tokens", CACHED), /* DeepSeek */                \
	    GENOPS_COUNT_ROW(at ".cached_tokens", CACHED),	     /* Together, Moonshot */      \
	    GENOPS_COUNT_ROW(at ".num_search_queries", WEB_SEARCHES) /* Perplexity */

/* responses, images, transcriptions */
#define GENOPS_RESPONSES_USAGE_ROWS(at)                                                            \
	GENOPS_COUNT_ROW(at ".input_tokens", INPUT),                                               \
	    GENOPS_COUNT_ROW(at ".output_tokens", OUTPUT),                                         \
	    GENOPS_COUNT_ROW(at ".input_tokens_details.cached_tokens", CACHED),                    \
	    GENOPS_COUNT_ROW(at ".input_tokens_details.audio_tokens", AUDIO_IN),                   \
	    GENOPS_COUNT_ROW(at ".input_tokens_details.image_tokens", IMAGE_IN),                   \
	    GENOPS_COUNT_ROW(at ".input_token_details.audio_tokens", AUDIO_IN),                    \
	    GENOPS_COUNT_ROW(at ".output_tokens_details.reasoning_tokens", REASONING),             \
	    GENOPS_COUNT_ROW(at ".output_tokens_details.audio_tokens", AUDIO_OUT),                 \
	    GENOPS_COUNT_ROW(at ".output_tokens_details.image_tokens", IMAGE_OUT),                 \
	    GENOPS_COUNT_ROW(at ".seconds", SECONDS)

#define GENOPS_ANTHROPIC_USAGE_ROWS(at)                                                            \
	GENOPS_COUNT_ROW(at ".cache_read_input_tokens", CACHE_READ),                               \
	    GENOPS_COUNT_ROW(at ".cache_creation_input_tokens", CACHE_WRITE),                      \
	    GENOPS_COUNT_ROW(at ".cache_creation.ephemeral_5m_input_tokens", CACHE_WRITE_5M),      \
	    GENOPS_COUNT_ROW(at ".cache_creation.ephemeral_1h_input_tokens", CACHE_WRITE_1H),      \
	    GENOPS_COUNT_ROW(at ".server_tool_use.web_search_requests", WEB_SEARCHES),             \
	    GENOPS_COUNT_ROW(at ".iterations[].input_tokens", ROUNDS_INPUT),                       \
	    GENOPS_COUNT_ROW(at ".iterations[].output_tokens", ROUNDS_OUTPUT),                     \
	    GENOPS_COUNT_ROW(at ".iterations[].cache_read_input_tokens", ROUNDS_CACHE_READ),       \
	    GENOPS_COUNT_ROW(at ".iterations[].cache_creation_input_tokens", ROUNDS_CACHE_WRITE),  \
	    {at ".service_tier", GENOPS_ANSWER_TIER},                                              \
	{                                                                                          \
		at ".speed", GENOPS_ANSWER_SPEED                                                   \
	}

#endif
