/* SPDX-License-Identifier: Apache-2.0
 * fuzz_lookup.c - a lookup's CSV, with and without case, asked by its first column and by its first two. */
#include "pipeline/lookup_table.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct genops_lookup_table *table, size_t n_keys)
{
	const genops_str keys[] = {GENOPS_STR("no such column"), GENOPS_STR("nor this")};
	struct genops_lookup_question all = {.n_keys = n_keys, .keys = keys};
	const struct genops_lookup_view *view;
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 16);
	genops_lookup_question_init(&all);
	if (genops_lookup_table_view(table, &all, &view, NULL) == GENOPS_OK) {
		const genops_str texts[] = {GENOPS_STR("A"), GENOPS_STR("b")};
		const genops_str *cells = genops_lookup_view_find(view, &arena, texts);
		size_t sum = 0;
		for (size_t i = 0; cells && i < genops_lookup_view_n_outputs(view); i++) {
			for (size_t j = 0; j < cells[i].len; j++)
				sum += (unsigned char)cells[i].ptr[j];
		}
		if (sum == SIZE_MAX)
			abort();
	}
	genops_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_lookup_table *table;
	struct genops_error err = {0};
	for (int is_case_sensitive = 0; is_case_sensitive < 2; is_case_sensitive++) {
		struct genops_lookup_settings settings = {.is_case_sensitive = is_case_sensitive};
		if (genops_lookup_table_parse(&settings, (genops_str){(const char *)data, size}, &table, &err) != GENOPS_OK)
			continue;
		ask(table, 1);
		ask(table, 2);
		genops_lookup_table_unref(table);
	}
	return 0;
}
