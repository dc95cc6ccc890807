/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_table.c - see ledger_impl.h. Open addressing with linear probing, at most half full. */
#include "store/ledger/ledger_impl.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN ((size_t)64)

static uint32_t *find_slot(const struct genops_ledger_table *table, const void *key)
{
	size_t mask = table->n_slots - 1;
	size_t i = genops_hash_checksum(key, table->key_size, 0) & mask;
	while (table->slots[i] &&
	    memcmp(table->entries + (table->slots[i] - 1) * table->entry_size, key, table->key_size) != 0)
		i = (i + 1) & mask;
	return &table->slots[i];
}

static bool grow(struct genops_ledger_table *table)
{
	size_t n_slots = table->n_slots ? table->n_slots * 2 : SLOTS_MIN;
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	char *entries = realloc(table->entries, n_slots / 2 * table->entry_size);
	if (entries) {
		table->entries = entries;
		table->cap = n_slots / 2;
	}
	if (!slots || !entries) {
		free(slots);
		return false;
	}
	free(table->slots);
	table->slots = slots;
	table->n_slots = n_slots;
	for (size_t i = 0; i < table->n; i++)
		*find_slot(table, table->entries + i * table->entry_size) = (uint32_t)(i + 1);
	return true;
}

void *genops_ledger_table_find(const struct genops_ledger_table *table, const void *key)
{
	const uint32_t *slot = table->n_slots ? find_slot(table, key) : NULL;
	return slot && *slot ? table->entries + (*slot - 1) * table->entry_size : NULL;
}

void *genops_ledger_table_at(struct genops_ledger_table *table, const void *key, bool *ret_is_new)
{
	uint32_t *slot = table->n_slots ? find_slot(table, key) : NULL;
	if (slot && *slot) {
		*ret_is_new = false;
		return table->entries + (*slot - 1) * table->entry_size;
	}
	if (table->n >= table->max)
		return NULL;
	if (table->n >= table->n_slots / 2) {
		if (!grow(table))
			return NULL;
		slot = find_slot(table, key);
	}
	char *entry = table->entries + table->n * table->entry_size;
	memset(entry, 0, table->entry_size);
	memcpy(entry, key, table->key_size);
	table->n++;
	*slot = (uint32_t)table->n;
	*ret_is_new = true;
	return entry;
}

void genops_ledger_table_clear(struct genops_ledger_table *table)
{
	if (table->n)
		memset(table->slots, 0, table->n_slots * sizeof *table->slots);
	table->n = 0;
}

void genops_ledger_table_done(struct genops_ledger_table *table)
{
	free(table->slots);
	free(table->entries);
	table->slots = NULL;
	table->entries = NULL;
	table->n = table->cap = table->n_slots = 0;
}
