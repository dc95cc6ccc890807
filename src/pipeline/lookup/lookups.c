/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lookup/lookups.c - the tables of a configuration by id; see lookup_table.h. A handful, so they are searched one after another, and
 * each time anew: which table there is may change between two events. */
#include "pipeline/lookup_table.h"

#include "base/error.h"
#include "base/str.h"

#include <stdlib.h>

#define LOOKUPS_MAX 1000

struct entry {
	char *id;
	struct genops_lookup_table *table;
};

struct genops_lookups {
	size_t n;
	struct entry *entries;
};

struct genops_lookups *genops_lookups_new(void)
{
	return calloc(1, sizeof(struct genops_lookups));
}

void genops_lookups_free(struct genops_lookups *lookups)
{
	if (!lookups)
		return;
	for (size_t i = 0; i < lookups->n; i++) {
		genops_lookup_table_unref(lookups->entries[i].table);
		free(lookups->entries[i].id);
	}
	free(lookups->entries);
	free(lookups);
}

int genops_lookups_add(
    struct genops_lookups *lookups, genops_str id, struct genops_lookup_table *table, struct genops_error *err)
{
	if (genops_lookups_find(lookups, id))
		return genops_fail_fix(err, GENOPS_EXISTS, "give one of them another id", "there are two lookups \"%.*s\"",
		    id.len > 100 ? 100 : (int)id.len, id.ptr);
	if (lookups->n == LOOKUPS_MAX)
		return genops_fail(err, GENOPS_LIMIT, "there are more than %d lookups", LOOKUPS_MAX);
	struct entry *entries = realloc(lookups->entries, (lookups->n + 1) * sizeof *entries);
	if (entries)
		lookups->entries = entries;
	char *copy = entries ? strndup(id.len ? id.ptr : "", id.len) : NULL;
	if (!copy)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the lookups");
	entries[lookups->n++] = (struct entry){copy, genops_lookup_table_ref(table)};
	return GENOPS_OK;
}

struct genops_lookup_table *genops_lookups_find(const struct genops_lookups *lookups, genops_str id)
{
	for (size_t i = 0; lookups && i < lookups->n; i++) {
		if (genops_str_is(id, lookups->entries[i].id))
			return lookups->entries[i].table;
	}
	return NULL;
}

const char *genops_lookups_nearest(const struct genops_lookups *lookups, genops_str id)
{
	const char *names[64];
	size_t n = 0;
	for (; lookups && n < lookups->n && n < 64; n++)
		names[n] = lookups->entries[n].id;
	return genops_str_nearest(id, names, n);
}
