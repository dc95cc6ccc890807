/* SPDX-License-Identifier: Apache-2.0
 * codec/json_scan.h - a resumable JSON scanner: bytes in pieces of any size, wanted values out.
 *
 * Why our own: DESIGN 7. It keeps no tree and copies nothing but what was asked for. A set of paths
 * is compiled once (immutable, shared by threads); a scanner is a small struct per document. RFC
 * 8259, strictly: JSONTestSuite passes. Refused: duplicate keys in one object, invalid UTF-8, lone
 * surrogates, nesting over max_depth, trailing bytes. Duplicate detection covers every object (also
 * those nobody asked about): two readers that disagree about a request are a way around policy.
 */
#ifndef CODEC_JSON_SCAN_H
#define CODEC_JSON_SCAN_H

#include "base/arena.h"
#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_JSON_DEPTH_MAX 128

/* A wanted path: "model", "messages[].content", "usage.prompt_tokens", "messages[].content[].text",
 * "" (the root). "[]" is any element; a key is matched exactly. "tools[].**" is everything below that no other path leads
 * to, however deep, the names of its members too: they are told as strings. `id` is the caller's and comes back in events. */
struct genops_json_path {
	const char *path;
	int id;
};

struct genops_json_paths; /* compiled; immutable */

/* Returns the owned set, or NULL (NOMEM, MISUSE). `paths` is borrowed for the call. */
struct genops_json_paths *genops_json_paths_new(
    const struct genops_json_path *paths, size_t n_paths, struct genops_error *err);
void genops_json_paths_free(struct genops_json_paths *paths);

enum genops_json_type {
	GENOPS_JSON_NULL,
	GENOPS_JSON_FALSE,
	GENOPS_JSON_TRUE,
	GENOPS_JSON_NUMBER,
	GENOPS_JSON_STRING,
	GENOPS_JSON_OBJECT, /* told twice: at its opening and (is_end) at its end */
	GENOPS_JSON_ARRAY,
};

struct genops_json_value {
	int id; /* of the path that matched */
	enum genops_json_type type;
	bool is_end;	 /* object, array: the closing one; string: the last piece */
	bool is_integer; /* number: it is one and fits int64 (1e3 and 1.0 are not) */
	bool is_cut;	 /* string: longer than the text limit; the rest was skipped */
	int64_t integer;
	double number; /* the nearest; an infinity for 1e999 */
	/* string: unescaped UTF-8, whole or cut at text_max; number: its characters as written.
	 * Borrowed for the call. */
	genops_str text;
	/* Byte offsets of the value in the document: [start, end); at an opening, end is start + 1. */
	uint64_t start, end;
	size_t depth; /* of the value; the root is 0 */
	size_t index; /* element number if the value stands in an array */
};

/* Called for every value that a path names, in document order. */
typedef void genops_json_value_fn(void *arg, const struct genops_json_value *value);

/* The scanner: new, feed in pieces, end; reset for the next document. */
struct genops_json_scan;

struct genops_json_scan_options {
	size_t max_depth; /* 0: GENOPS_JSON_DEPTH_MAX; at most 1024 */
	size_t text_max;  /* bytes of one wanted string that are kept; 0: 64 KiB */
	/* For responses: a provider's fault is not the client's. Each is told; the last one counts. */
	bool allow_duplicates;
	/* Where the scanner itself is, and ends; NULL: memory of its own. Borrowed. */
	struct genops_arena *arena;
};

/* Returns the owned scanner, or NULL (NOMEM). `paths` and `arg` are borrowed while it lives. */
struct genops_json_scan *genops_json_scan_new(const struct genops_json_paths *paths,
    const struct genops_json_scan_options *options, genops_json_value_fn *on_value, void *arg);
void genops_json_scan_free(struct genops_json_scan *scan);
void genops_json_scan_reset(struct genops_json_scan *scan); /* next document; keeps its memory */

/* SYNTAX (err->message names the fault and the byte offset, never the content), NOMEM, LIMIT
 * (depth, a key over 64 KiB, a wanted number over 1024 characters, 2^20 keys in open objects).
 * After a failure every further feed fails with the same. Values may have been told before a fault:
 * act on them only after end() said OK. */
GENOPS_NODISCARD int genops_json_scan_feed(
    struct genops_json_scan *scan, genops_str piece, struct genops_error *err);
GENOPS_NODISCARD int genops_json_scan_end(struct genops_json_scan *scan, struct genops_error *err);

/* Is one whole value complete (only white space may follow)? For documents that follow one
 * another. */
bool genops_json_scan_is_complete(const struct genops_json_scan *scan);

#endif
