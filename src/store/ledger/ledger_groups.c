/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_groups.c - see ledger_impl.h. Groups in the order in which they were first met; the texts live in an arena. */
#include "store/ledger/ledger_impl.h"

#include "base/arena.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX   4
#define TEXTS_MAX  ((size_t)256 << 20)
#define KEY_BUFFER (GENOPS_ATTRIBUTE_VALUE_MAX * KEYS_MAX * 4)

struct group {
	struct genops_hash key;
	genops_str keys[KEYS_MAX];
	struct genops_sums sums;
};

struct genops_groups {
	struct genops_ledger_table table;
	struct genops_arena texts;
	struct genops_buffer identity;
};

struct genops_groups *genops_groups_new(void)
{
	struct genops_groups *groups = calloc(1, sizeof *groups);
	if (!groups)
		return NULL;
	groups->table = (struct genops_ledger_table){.key_size = sizeof(struct genops_hash),
	    .entry_size = sizeof(struct group), .max = GENOPS_GROUPS_MAX};
	genops_arena_init(&groups->texts, TEXTS_MAX);
	genops_buffer_init(&groups->identity, KEY_BUFFER);
	return groups;
}

void genops_groups_free(struct genops_groups *groups)
{
	if (!groups)
		return;
	genops_ledger_table_done(&groups->table);
	genops_arena_done(&groups->texts);
	genops_buffer_done(&groups->identity);
	free(groups);
}

/* Lengths between the texts: ("a", "bc") is not ("ab", "c"). */
static struct genops_hash identity_of(struct genops_groups *groups, const genops_str *keys, size_t n_keys)
{
	struct genops_buffer *buf = &groups->identity;
	genops_buffer_clear(buf);
	for (size_t i = 0; i < n_keys; i++) {
		genops_buffer_add(buf, (genops_str){(const char *)&keys[i].len, sizeof keys[i].len});
		genops_buffer_add(buf, keys[i]);
	}
	return genops_hash_of(genops_buffer_view(buf), 0);
}

int genops_groups_find(struct genops_groups *groups, const genops_str *keys, size_t n_keys, size_t *ret_index,
    struct genops_error *err)
{
	struct genops_hash key = identity_of(groups, keys, n_keys);
	if (groups->identity.error)
		return genops_fail(err, groups->identity.error, "no memory for a group's key");
	bool is_new;
	struct group *group = genops_ledger_table_at(&groups->table, &key, &is_new);
	if (!group && groups->table.n == groups->table.max)
		return genops_fail_fix(err, GENOPS_LIMIT, "group by less, or narrow it with a filter or a shorter range",
		    "the summary has more than %zu groups", GENOPS_GROUPS_MAX);
	bool ok = group != NULL;
	for (size_t i = 0; ok && is_new && i < n_keys; i++)
		ok = genops_arena_dup(&groups->texts, keys[i], &group->keys[i]);
	if (!ok)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for a summary's groups");
	*ret_index = (size_t)(group - (struct group *)(void *)groups->table.entries);
	return GENOPS_OK;
}

size_t genops_groups_n(const struct genops_groups *groups)
{
	return groups->table.n;
}

const genops_str *genops_groups_keys(const struct genops_groups *groups, size_t index)
{
	return ((const struct group *)(void *)groups->table.entries)[index].keys;
}

struct genops_sums *genops_groups_sums(struct genops_groups *groups, size_t index)
{
	return &((struct group *)(void *)groups->table.entries)[index].sums;
}
