/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_paths.h - the compiled set of wanted paths, as json_scan.c walks it. Private to
 * the scanner.
 *
 * A trie in one array: a node is a place in a document. Immutable once built, so threads share it.
 */
#ifndef CODEC_JSON_JSON_PATHS_H
#define CODEC_JSON_JSON_PATHS_H

#include "codec/json_scan.h"

#include "base/str.h"

#define GENOPS_JSON_NODE_NONE (-1) /* nobody asked about this place or anything below it */

#define GENOPS_JSON_LISTS 8 /* a request's root has dozens of members that are asked about, and each key is looked for */

struct genops_json_node {
	genops_str key;	     /* of the member that leads here; borrowed from the set */
	int32_t first_child[GENOPS_JSON_LISTS]; /* members asked about, by genops_json_paths_list; lists through next_sibling */
	int32_t next_sibling;
	int32_t element;      /* "[]" */
	int32_t rest;	      /* ".**": every other member and, without "[]", every element; leads to itself */
	int32_t first_wanted; /* the ids to tell, a list through next */
};

struct genops_json_wanted {
	int id;
	int32_t next;
};

struct genops_json_paths {
	struct genops_json_node *nodes; /* [0] is the root */
	struct genops_json_wanted *wanted;
	char *text; /* the keys */
	int32_t n_nodes, n_wanted;
};

static inline size_t genops_json_paths_list(genops_str key)
{
	return key.len ? (key.len ^ (unsigned char)key.ptr[0] ^ (unsigned char)key.ptr[key.len - 1] * 3u) % GENOPS_JSON_LISTS : 0;
}

/* The node of member `key` below `node`, or GENOPS_JSON_NODE_NONE. */
static inline int32_t genops_json_paths_member(
    const struct genops_json_paths *paths, int32_t node, genops_str key)
{
	int32_t child = paths->nodes[node].first_child[genops_json_paths_list(key)];
	while (child >= 0) {
		const struct genops_json_node *at = &paths->nodes[child];
		if (genops_str_equal(at->key, key))
			break;
		child = at->next_sibling;
	}
	return child >= 0 ? child : paths->nodes[node].rest;
}

#endif
