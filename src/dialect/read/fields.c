/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/fields.c - see fields.h. Whoever needs a set first compiles it; of two at once one
 * wins and the other's is freed.
 *
 * All sets that were compiled stand in a list, so that unloading the library (nginx loads its
 * modules anew) frees them.
 */
#include "dialect/read/fields.h"

#include <stdlib.h>

#define SETS_MAX 128

static _Atomic(struct genops_json_paths *) *_Atomic sets[SETS_MAX];
static _Atomic unsigned n_sets;

static void remember(_Atomic(struct genops_json_paths *) *set)
{
	unsigned at = atomic_fetch_add(&n_sets, 1);
	if (at < SETS_MAX)
		atomic_store(&sets[at], set);
}

__attribute__((destructor)) static void free_all(void)
{
	for (size_t i = 0; i < SETS_MAX; i++) {
		_Atomic(struct genops_json_paths *) *set = atomic_load(&sets[i]);
		if (set)
			genops_json_paths_free(atomic_exchange(set, NULL));
	}
}

static struct genops_json_paths *compile(const struct genops_fields *fields, bool with_words)
{
	struct genops_json_path *rows = calloc(fields->n_rows + 1, sizeof *rows);
	size_t n = 0;
	if (!rows)
		return NULL;
	for (size_t i = 0; i < fields->n_rows; i++) {
		if (with_words || fields->rows[i].kind != GENOPS_FIELD_WORDS)
			rows[n++] = (struct genops_json_path){fields->rows[i].path, (int)i};
	}
	struct genops_json_paths *paths = genops_json_paths_new(rows, n, NULL);
	free(rows);
	return paths;
}

const struct genops_json_paths *genops_fields_paths(struct genops_fields *fields, bool with_words)
{
	_Atomic(struct genops_json_paths *) *set = &fields->compiled[with_words];
	struct genops_json_paths *known = atomic_load_explicit(set, memory_order_acquire);
	if (known)
		return known;
	struct genops_json_paths *mine = compile(fields, with_words);
	if (!mine)
		return NULL;
	if (atomic_compare_exchange_strong(set, &known, mine)) {
		remember(set);
		return mine;
	}
	genops_json_paths_free(mine);
	return known;
}
