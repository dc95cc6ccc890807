/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/request.h - the state of reading one request body, for every dialect; and the bound
 * on its input tokens.
 *
 * The input bound (request_tokens.c) is sound, not tight: the bytes of the body, less what is
 * provably no words (pictures, sound, escapes), plus the documented most for each picture, plus
 * what providers add by themselves.
 */
#ifndef DIALECT_READ_REQUEST_H
#define DIALECT_READ_REQUEST_H

#include "dialect/read/fields.h"

#define GENOPS_REQUEST_MODEL_MAX   ((size_t)256)
#define GENOPS_REQUEST_COUNT_MAX   INT64_C(1000000000)
#define GENOPS_REQUEST_CONTENT_MAX ((size_t)512 << 20)

struct genops_request {
	struct genops_request_info info;
	struct genops_arena *arena;
	struct genops_json_scan *scan; /* NULL: no JSON to read (any more) */
	struct genops_call
	    call; /* being filled; content is owned until request_finish hands it over */
	bool is_handed_over;

	uint64_t n_bytes;     /* of the body */
	uint64_t media_bytes; /* of them: pictures and sound */
	uint64_t slack_bytes; /* of them: escapes */
	int64_t growth;	      /* what normalising tokenizers may add to the text */
	int64_t audio_bytes;
	int64_t n_images, n_prompts, n_choices, n_hosted_words;
	int64_t n_files, n_text_sources;
	int64_t file_bytes, n_form_files;		 /* of a form */
	bool has_tools, is_text_source, is_media_source; /* of the source being read */

	uint64_t root_start;
	uint64_t options_start, options_end, include_start,
	    include_end; /* stream_options and its include_usage */
	bool has_options, is_options_null, has_include, is_options_known, is_options_empty;

	int code;	   /* not OK: refused, */
	const char *field; /* because this field, */
	const char *fault; /* has this fault */
};

/* The functions that endpoint rows name. */
int genops_request_begin(
    void *state, struct genops_arena *arena, const struct genops_request_info *info);
int genops_request_feed(void *state, genops_str piece, struct genops_error *err);
int genops_request_finish(void *state, struct genops_call *call, struct genops_error *err);
void genops_request_done(void *state);

/* For multipart forms: one text field as if it stood in JSON. */
void genops_request_form_field(struct genops_request *request, const char *path, genops_str text);
/* The same, without JSON: hands over what is known. */
int genops_request_conclude(
    struct genops_request *request, struct genops_call *call, struct genops_error *err);

/* request_edits.c: looks at a piece that was scanned; adds the edits when all is read */
void genops_request_edits_look(struct genops_request *request, genops_str piece);
void genops_request_edits_ask(struct genops_request *request);

/* request_tokens.c */
void genops_request_bound(const struct genops_request *request, struct genops_call *call);
int64_t genops_request_growth(genops_str text);
int64_t genops_request_characters(genops_str text);    /* code points */
int64_t genops_request_image_tokens(genops_str model); /* the most that one picture counts */
void genops_request_tool(struct genops_request *request, genops_str type);

#endif
