/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/fields.c - see fields.h. Whoever needs a set first compiles it; of two at once one
 * wins and the other's is freed.
 *
 * All sets that were compiled stand in a list, so that unloading the library (nginx loads its
 * modules anew) frees them.
 */
#include "dialect/read/fields.h"

#include <stdlib.h>

#define SETS_MAX 64

static struct genops_fields *_Atomic sets[SETS_MAX];
static _Atomic unsigned n_sets;

static void remember(struct genops_fields *fields)
{
	unsigned at = atomic_fetch_add(&n_sets, 1);
	if (at < SETS_MAX)
		atomic_store(&sets[at], fields);
}

__attribute__((destructor)) static void free_all(void)
{
	for (size_t i = 0; i < SETS_MAX; i++) {
		struct genops_fields *fields = atomic_load(&sets[i]);
		if (fields)
			genops_json_paths_free(atomic_exchange(&fields->compiled, NULL));
	}
}

static struct genops_json_paths *compile(const struct genops_fields *fields)
{
	struct genops_json_path *rows = calloc(fields->n_rows + 1, sizeof *rows);
	if (!rows)
		return NULL;
	for (size_t i = 0; i < fields->n_rows; i++)
		rows[i] = (struct genops_json_path){fields->rows[i].path, (int)i};
	struct genops_json_paths *paths = genops_json_paths_new(rows, fields->n_rows, NULL);
	free(rows);
	return paths;
}

const struct genops_json_paths *genops_fields_paths(struct genops_fields *fields)
{
	struct genops_json_paths *known =
	    atomic_load_explicit(&fields->compiled, memory_order_acquire);
	if (known)
		return known;
	struct genops_json_paths *mine = compile(fields);
	if (!mine)
		return NULL;
	if (atomic_compare_exchange_strong(&fields->compiled, &known, mine)) {
		remember(fields);
		return mine;
	}
	genops_json_paths_free(mine);
	return known;
}
