/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/dialect/recording.h - reads tests/recorded and tests/samples: one exchange, and its
 * line of expected.tsv. */
#ifndef TESTS_DIALECT_RECORDING_H
#define TESTS_DIALECT_RECORDING_H

#include "base/arena.h"
#include "base/str.h"
#include "codec/json_scan.h"

#include <stdio.h>
#include <stdlib.h>

enum recording_part {
	METHOD,
	PATH,
	REQUEST_BODY,
	STATUS,
	RESPONSE_BODY,
	CONTENT_TYPE,
	REQUEST_TYPE,
	N_PARTS
};

struct recording {
	genops_str parts[N_PARTS];
	int status;
	struct genops_arena arena;
};

static inline char *read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	size_t cap = (size_t)1 << 24;
	char *text = malloc(cap + 1);
	*ret_len = text ? fread(text, 1, cap, file) : 0;
	if (text)
		text[*ret_len] = '\0';
	fclose(file);
	return text;
}

static inline void recording_value(void *arg, const struct genops_json_value *value)
{
	struct recording *recording = arg;
	if (value->type == GENOPS_JSON_STRING &&
	    !genops_arena_dup(&recording->arena, value->text, &recording->parts[value->id]))
		abort();
	if (value->id == STATUS)
		recording->status = (int)value->integer;
}

static inline bool recording_read(struct recording *recording, const char *path)
{
	static const struct genops_json_path rows[] = {{"request.method", METHOD},
	    {"request.path", PATH}, {"request.body", REQUEST_BODY}, {"response.status", STATUS},
	    {"response.body", RESPONSE_BODY}, {"response.headers.content-type", CONTENT_TYPE},
	    {"request.headers.content-type", REQUEST_TYPE}};
	*recording = (struct recording){0};
	genops_arena_init(&recording->arena, (size_t)1 << 24);
	size_t len = 0;
	char *text = read_file(path, &len);
	struct genops_json_paths *paths =
	    genops_json_paths_new(rows, sizeof rows / sizeof rows[0], NULL);
	struct genops_json_scan_options options = {.text_max = (size_t)1 << 24};
	struct genops_json_scan *scan =
	    genops_json_scan_new(paths, &options, recording_value, recording);
	bool is_good = text && paths && scan &&
		       genops_json_scan_feed(scan, (genops_str){text, len}, NULL) == GENOPS_OK &&
		       genops_json_scan_end(scan, NULL) == GENOPS_OK;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	free(text);
	return is_good;
}

static inline void recording_done(struct recording *recording)
{
	genops_arena_done(&recording->arena);
}

/* The columns of expected.tsv; those from AUDIO_IN on are only in that of tests/samples. */
enum column {
	FILE_NAME,
	PROVIDER,
	API,
	STREAM,
	STATUS_CODE,
	MODEL_REQUEST,
	MODEL_RESPONSE,
	INPUT_TOKENS,
	OUTPUT_TOKENS,
	CACHE_READ,
	CACHE_WRITE,
	REASONING,
	RAW_INPUT,
	RAW_OUTPUT,
	TOTAL,
	TOOL_CALLS,
	FINISH_REASON,
	ERROR_TYPE,
	USAGE_SOURCE,
	NOTE,
	AUDIO_IN,
	AUDIO_OUT,
	CACHE_WRITE_1H,
	WEB_SEARCHES,
	IMAGE_IN,
	IMAGE_OUT,
	IS_RUNNING, /* 1: usage is told while the answer runs, growing */
	N_COLUMNS
};

struct expected {
	genops_str columns[N_COLUMNS];
};

static inline bool expected_next(genops_str *rest, struct expected *expected)
{
	genops_str line = genops_str_split(rest, '\n');
	if (!line.len)
		return false;
	for (size_t i = 0; i < N_COLUMNS; i++)
		expected->columns[i] = genops_str_split(&line, '\t');
	return true;
}

/* -1: not in the exchange. */
static inline int64_t expected_count(const struct expected *expected, enum column column)
{
	int64_t count;
	return genops_str_to_int(expected->columns[column], &count) ? count : -1;
}

static inline genops_str expected_text(const struct expected *expected, enum column column)
{
	genops_str text = expected->columns[column];
	return genops_str_is(text, "-") ? (genops_str){0} : text;
}

#endif
