/* SPDX-License-Identifier: Apache-2.0
 * base/option.h - option rows: one row is an option's name, type, bounds, default, place and text.
 *
 * The row feeds the configuration parser, the validator, the nearest-name suggestion and the reference page.
 * A struct is described by an array of rows that ends with name NULL. Defaults are texts, parsed like input.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/arena.h"
#include "base/error.h"

enum genops_option_type {
	GENOPS_OPTION_BOOL,     /* bool */
	GENOPS_OPTION_INT,      /* int64_t, min..max */
	GENOPS_OPTION_DOUBLE,   /* double, min..max */
	GENOPS_OPTION_TEXT,     /* genops_str */
	GENOPS_OPTION_ENUM,     /* int: index into `names` (NULL-ended) */
	GENOPS_OPTION_DURATION, /* int64_t ns: "300s", "5m", "2h", "1d", "250ms"; a bare number is seconds */
	GENOPS_OPTION_SIZE,     /* int64_t bytes: "64MiB", "500MB", "10k"; a bare number is bytes */
	GENOPS_OPTION_MONEY,    /* int64_t nano-USD: 10.0 */
	GENOPS_OPTION_LIST,     /* struct genops_texts: "a,b" or a YAML list; blanks trimmed, empties dropped */
	GENOPS_OPTION_MAP,      /* struct genops_text_map: text to text; as one text "key=value,key=value" */
	GENOPS_OPTION_CUSTOM,   /* whoever owns the section reads it; the row is for names and pages */
};

struct genops_texts {
	size_t n;
	genops_str *items;
};

struct genops_text_map {
	size_t n;
	struct genops_text_pair {
		genops_str key, value;
	} *items;
};

struct genops_option {
	const char *name;       /* "max_cost" */
	enum genops_option_type type;
	size_t offset;          /* in the struct that is filled */
	const char *default_text; /* NULL: the field stays zero, "not set" */
	double min, max;        /* INT, DOUBLE, DURATION (s), SIZE, MONEY (USD); both 0: no bounds; max < min: no upper one */
	const char *const *names; /* ENUM */
	bool is_required;
	bool is_secret;         /* never printed; may come from ${VAR} or a file */
	const char *text;       /* one sentence for help and the reference page */
	const char *const *aliases; /* other names read as this one; NULL-ended or NULL */
};

/* Reads one scalar text into the row's field of `object`. Errors: CONFIG, message without place ("max_cost: ..."). */
GENOPS_NODISCARD int genops_option_set(const struct genops_option *option, void *object, genops_str text,
    struct genops_arena *arena, struct genops_error *err);
/* The same for several values at once: what a YAML list or mapping holds. LIST rows take items, MAP rows take pairs. */
GENOPS_NODISCARD int genops_option_set_items(const struct genops_option *option, void *object,
    const genops_str *items, size_t n_items, struct genops_arena *arena, struct genops_error *err);
GENOPS_NODISCARD int genops_option_set_pairs(const struct genops_option *option, void *object,
    const struct genops_text_pair *pairs, size_t n_pairs, struct genops_arena *arena, struct genops_error *err);
/* All defaults of all rows. */
GENOPS_NODISCARD int genops_option_defaults(const struct genops_option *options, void *object,
    struct genops_arena *arena, struct genops_error *err);
/* By name or alias; NULL: none. */
const struct genops_option *genops_option_find(const struct genops_option *options, genops_str name);
/* The nearest name, for "did you mean"; NULL: none is near. */
const char *genops_option_nearest(const struct genops_option *options, genops_str name);
/* "number", "duration", "true or false" ...: the type in words, for messages and pages. Static. */
const char *genops_option_type_text(enum genops_option_type type);

/* The scalars by themselves. */
bool genops_option_parse_duration(genops_str text, int64_t *ret_ns);
bool genops_option_parse_size(genops_str text, int64_t *ret_bytes);

#endif
