/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/fields.h - what an endpoint's JSON means, as rows: a path and the kind of thing that
 * stands there.
 *
 * A dialect file is mostly such rows; read/request.c and read/follow.c know what each kind does. A
 * set is compiled on first use, shared by all threads, and freed when the library is unloaded.
 */
#ifndef DIALECT_READ_FIELDS_H
#define DIALECT_READ_FIELDS_H

#include "codec/json_scan.h"
#include "dialect/dialect.h"

#include <stdatomic.h>

enum genops_field_kind {
	/* requests */
	GENOPS_FIELD_ROOT,   /* the document: must be an object */
	GENOPS_FIELD_MODEL,  /* text */
	GENOPS_FIELD_STREAM, /* boolean */
	GENOPS_FIELD_STREAM_OPTIONS,
	GENOPS_FIELD_INCLUDE_USAGE, /* boolean */
	GENOPS_FIELD_MAX_TOKENS,    /* count; the largest of several names */
	GENOPS_FIELD_CHOICES,	    /* count; likewise */
	GENOPS_FIELD_TEMPERATURE,   /* number */
	GENOPS_FIELD_TIER,	    /* text */
	GENOPS_FIELD_SPEED,	    /* text; "fast" is a tier of its own price */
	GENOPS_FIELD_TEXT,	    /* text for content filters */
	GENOPS_FIELD_WORDS,	    /* likewise, below "**": schemas, tools' input; read only if some filter is on */
	GENOPS_FIELD_PROMPT,	    /* an element of a list of prompts, each answered by itself */
	GENOPS_FIELD_IMAGE,	    /* an object or text that is a picture, not words */
	GENOPS_FIELD_AUDIO,	    /* an object that is sound, in base64 */
	GENOPS_FIELD_SOURCE, /* {type, media_type, data}: words if its type says so, else a picture */
	GENOPS_FIELD_SOURCE_TYPE,
	GENOPS_FIELD_SOURCE_DATA,
	GENOPS_FIELD_PART_TYPE, /* text; files and documents bring in what their bytes do not bound */
	GENOPS_FIELD_OPEN,	/* brings in what the request does not show, if it is anything */
	GENOPS_FIELD_TOOL_TYPE,	 /* text; some tools bring in more than the request shows */
	GENOPS_FIELD_TOOLS,	 /* tools or schemas: the provider adds words of its own */
	GENOPS_FIELD_PREDICTION, /* predicted output: what is rejected of it is paid as output */
	GENOPS_FIELD_SPOKEN,	 /* text to be spoken, paid by the character */
	/* answers */
	GENOPS_ANSWER_MODEL,
	GENOPS_ANSWER_ID,	 /* the answer's own: client's spans tell it, too */
	GENOPS_ANSWER_TIER,
	GENOPS_ANSWER_SPEED,
	GENOPS_ANSWER_FINISH,	 /* finish reason */
	GENOPS_ANSWER_END,	 /* finish reason that also ends the stream */
	GENOPS_ANSWER_TEXT,	 /* output words: counted, never kept */
	GENOPS_ANSWER_CHOICE,	 /* without one, a chunk is there for its usage */
	GENOPS_ANSWER_TOOL,	 /* the name of a called tool: one call if not empty */
	GENOPS_ANSWER_ITEM_TYPE, /* of an output item: "..._call" and "...tool_use" are calls */
	GENOPS_ANSWER_ITEMS,	 /* the whole list of output items: counting starts anew */
	GENOPS_ANSWER_IMAGE,	 /* an element is an image */
	GENOPS_ANSWER_ERROR,	 /* an object or text: the provider said error */
	GENOPS_ANSWER_ERROR_TYPE,
	GENOPS_ANSWER_OBJECT,	   /* Mistral's "object": "error" */
	GENOPS_ANSWER_TYPE,	   /* the event's own type: the API's ends and errors */
	GENOPS_ANSWER_FIRST_USAGE, /* a usage object whose output is only begun */
	GENOPS_ANSWER_USAGE,	   /* a usage object */
	GENOPS_ANSWER_DURATION,	   /* seconds of sound */
	/* counts: enum genops_count behind this one, in order (read/counts.h) */
	GENOPS_ANSWER_COUNT,
};

struct genops_field {
	const char *path;
	int kind; /* enum genops_field_kind, or GENOPS_ANSWER_COUNT + enum genops_count */
};

struct genops_fields {
	const struct genops_field *rows;
	size_t n_rows;
	_Atomic(struct genops_json_paths *) compiled[2]; /* [1]: with WORDS */
};

#define GENOPS_FIELDS(rows_)                                                                       \
	{                                                                                          \
		.rows = (rows_), .n_rows = sizeof(rows_) / sizeof((rows_)[0])                      \
	}

/* The compiled set; a value's id is its row's number. Borrowed for ever. NULL: no memory. */
const struct genops_json_paths *genops_fields_paths(struct genops_fields *fields, bool with_words);

struct genops_request;
struct genops_follow;

/* What an endpoint is read by. */
struct genops_reading {
	struct genops_fields *request; /* NULL: the body is not read */
	struct genops_fields *answer;  /* NULL: JSON means nothing here */
	void (*request_finish)(struct genops_request *request,
	    struct genops_call *call);			     /* the last word; may be NULL */
	void (*answer_finish)(struct genops_follow *follow); /* likewise */
	size_t data_max; /* bytes of one event's data that are read; 0: 1 MiB */
	bool is_lenient; /* an unknown route: a body that cannot be read is passed on unread */
	bool has_binary_answer; /* sound: its bytes bound its tokens */
	bool can_ask_usage;	/* knows stream_options.include_usage */
};

#endif
