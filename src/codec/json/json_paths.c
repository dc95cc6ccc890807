/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_paths.c - compiles "messages[].content" and its like into a trie. See
 * json_paths.h.
 *
 * Sized first and filled then: a path has at most as many steps as bytes, so three arrays are
 * enough.
 */
#include "codec/json/json_paths.h"

#include <stdlib.h>

#define PATHS_MAX    ((size_t)4096)
#define PATH_LEN_MAX ((size_t)1024)
#define NODES_MAX    ((size_t)1 << 20)

static int32_t add_node(struct genops_json_paths *paths, genops_str key)
{
	int32_t node = paths->n_nodes++;
	struct genops_json_node *at = &paths->nodes[node];
	*at = (struct genops_json_node){.key = key, .next_sibling = GENOPS_JSON_NODE_NONE, .element = GENOPS_JSON_NODE_NONE,
	    .rest = GENOPS_JSON_NODE_NONE, .first_wanted = GENOPS_JSON_NODE_NONE};
	for (size_t i = 0; i < GENOPS_JSON_LISTS; i++)
		at->first_child[i] = GENOPS_JSON_NODE_NONE;
	return node;
}

static int32_t element_of(struct genops_json_paths *paths, int32_t node)
{
	if (paths->nodes[node].element < 0) {
		int32_t element = add_node(paths, (genops_str){0});
		paths->nodes[node].element = element;
	}
	return paths->nodes[node].element;
}

static int32_t rest_of(struct genops_json_paths *paths, int32_t node)
{
	if (paths->nodes[node].rest < 0) {
		int32_t rest = add_node(paths, (genops_str){0});
		paths->nodes[node].rest = rest;
		paths->nodes[rest].rest = rest;
	}
	return paths->nodes[node].rest;
}

static int32_t member_of(struct genops_json_paths *paths, int32_t node, genops_str key)
{
	int32_t child = genops_json_paths_member(paths, node, key);
	if (child >= 0 && child != paths->nodes[node].rest)
		return child;
	child = add_node(paths, key);
	int32_t *list = &paths->nodes[node].first_child[genops_json_paths_list(key)];
	paths->nodes[child].next_sibling = *list;
	*list = child;
	return child;
}

/* Appended at the end of the list: ids of one place are told in the order of their rows. */
static void want(struct genops_json_paths *paths, int32_t node, int id)
{
	int32_t *link = &paths->nodes[node].first_wanted;
	while (*link >= 0)
		link = &paths->wanted[*link].next;
	*link = paths->n_wanted;
	paths->wanted[paths->n_wanted++] = (struct genops_json_wanted){id, -1};
}

/* Walks one path, making what is missing. The last node, or NONE when it is not a path. */
static int32_t add_path(struct genops_json_paths *paths, genops_str path)
{
	int32_t node = 0;
	for (size_t at = 0; at < path.len;) {
		if (path.ptr[at] == '[') {
			if (at + 1 >= path.len || path.ptr[at + 1] != ']')
				return GENOPS_JSON_NODE_NONE;
			node = element_of(paths, node);
			at += 2;
			continue;
		}
		if (at > 0 && path.ptr[at++] != '.')
			return GENOPS_JSON_NODE_NONE;
		size_t from = at;
		while (at < path.len && path.ptr[at] != '.' && path.ptr[at] != '[')
			at++;
		if (at == from)
			return GENOPS_JSON_NODE_NONE;
		if (at - from == 2 && memcmp(path.ptr + from, "**", 2) == 0)
			return at == path.len ? rest_of(paths, node) : GENOPS_JSON_NODE_NONE;
		node = member_of(paths, node, (genops_str){path.ptr + from, at - from});
	}
	return node;
}

void genops_json_paths_free(struct genops_json_paths *paths)
{
	if (!paths)
		return;
	free(paths->nodes);
	free(paths->wanted);
	free(paths->text);
	free(paths);
}

static struct genops_json_paths *allocate(size_t n_paths, size_t n_bytes)
{
	struct genops_json_paths *paths = calloc(1, sizeof *paths);
	if (!paths)
		return NULL;
	paths->nodes = calloc(n_bytes + 1, sizeof *paths->nodes);
	paths->wanted = calloc(n_paths + 1, sizeof *paths->wanted);
	paths->text = malloc(n_bytes + 1);
	if (paths->nodes && paths->wanted && paths->text)
		return paths;
	genops_json_paths_free(paths);
	return NULL;
}

struct genops_json_paths *genops_json_paths_new(
    const struct genops_json_path *rows, size_t n_paths, struct genops_error *err)
{
	size_t n_bytes = 0;
	for (size_t i = 0; i < n_paths && i <= PATHS_MAX; i++) {
		size_t len = rows[i].path ? strlen(rows[i].path) : PATH_LEN_MAX + 1;
		n_bytes += len;
		if (len > PATH_LEN_MAX || n_bytes > NODES_MAX || n_paths > PATHS_MAX) {
			genops_fail(
			    err, GENOPS_MISUSE, "the set of JSON paths is too large at row %zu", i);
			return NULL;
		}
	}
	struct genops_json_paths *paths = allocate(n_paths, n_bytes);
	if (!paths) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a set of %zu JSON paths", n_paths);
		return NULL;
	}
	add_node(paths, (genops_str){0});
	char *text = paths->text;
	for (size_t i = 0; i < n_paths; i++) {
		genops_str path = {text, strlen(rows[i].path)};
		memcpy(text, rows[i].path, path.len);
		text += path.len;
		int32_t node = add_path(paths, path);
		if (node < 0) {
			genops_fail(err, GENOPS_MISUSE, "\"%s\" is not a JSON path", rows[i].path);
			genops_json_paths_free(paths);
			return NULL;
		}
		want(paths, node, rows[i].id);
	}
	for (int32_t i = 0; i < paths->n_nodes; i++) {
		if (paths->nodes[i].element < 0)
			paths->nodes[i].element = paths->nodes[i].rest;
	}
	return paths;
}
