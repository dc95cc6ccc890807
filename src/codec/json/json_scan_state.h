/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_scan_state.h - the inside of a scanner: json_scan.c walks it, json_scan_memory.c makes and frees it. Private to
 * the scanner. */
#ifndef CODEC_JSON_JSON_SCAN_STATE_H
#define CODEC_JSON_JSON_SCAN_STATE_H

#include "codec/json_scan.h"

#include "codec/json/json_keys.h"
#include "codec/json/json_number.h"
#include "codec/json/json_text.h"

#define GENOPS_JSON_FIRST_FRAMES ((size_t)12) /* deeper than nearly every document */

enum genops_json_state {
	VALUE,	     /* a value is due */
	FIRST_VALUE, /* behind '[': a value or ']' */
	KEY,	     /* behind ',': a key */
	FIRST_KEY,   /* behind '{': a key or '}' */
	COLON,
	AFTER, /* behind a value: ',' or the container's end */
	DONE,
	IN_KEY, /* from here on within a token, which a piece's end may have cut */
	IN_STRING,
	IN_NUMBER,
	IN_LITERAL,
};

struct genops_json_frame {
	uint64_t start;
	size_t index;	  /* of the element being read */
	size_t first_key; /* in keys */
	int32_t node;
	bool is_object;
};

struct genops_json_scan {
	const struct genops_json_paths *paths;
	genops_json_value_fn *on_value;
	void *arg;
	struct genops_json_scan_options options;

	enum genops_json_state state;
	int32_t node;	/* where the value that is due or read stands */
	uint64_t start; /* of it */
	size_t depth;	/* open containers */
	const char *piece;
	uint64_t base; /* the piece's offset in the document */
	const char *literal;
	size_t literal_at;
	enum genops_json_type literal_type;
	struct genops_json_number number;
	struct genops_json_text text;

	int code;	   /* not OK: the scan has failed, */
	const char *fault; /* of this, */
	uint64_t fault_at; /* here */

	struct genops_json_frame *frames; /* of the open containers: first_frames, or owned once they are more */
	size_t max_frames;

	/* From here on nothing is zeroed when a scanner is made. */
	struct genops_json_keys keys;
	struct genops_json_frame first_frames[GENOPS_JSON_FIRST_FRAMES];
};

#endif
