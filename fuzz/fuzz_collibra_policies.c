/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_collibra_policies.c - what Collibra answers about policies, on any bytes (the first byte says which reader). What is accepted
 * must be kept and read again as the same, must build or be refused with a cause, and compared with itself must change nothing. */
#include <stdlib.h>

#include "connect/collibra/policy/policy_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every type is there, under its own name as its id. */
static void fill_types(struct genops_collibra_types *types)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		types->assets[i].id[0] = (char)('A' + i);
		strncpy(types->assets[i].public_id, genops_collibra_asset_rows[i].public_id, sizeof types->assets[i].public_id - 1);
	}
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++)
		strncpy(types->attributes[i].id, genops_collibra_attribute_rows[i].name, sizeof types->attributes[i].id - 1);
}

static void check(const struct genops_collibra_policy_set *set, struct genops_arena *arena)
{
	struct genops_collibra_policy_set before = {0}, after, again;
	static struct genops_collibra_changes changes;
	struct genops_error err = {0};
	struct genops_buffer text;
	bool is_changed;
	if (genops_collibra_policy_set_diff(&before, set, arena, &after, &changes, &is_changed, &err) != GENOPS_OK)
		return; /* no room */
	if (changes.n_failed && !changes.errors[0][0])
		abort();
	genops_buffer_init(&text, GENOPS_COLLIBRA_SET_MAX);
	genops_collibra_policy_set_write(&after, &text);
	if (text.error || genops_collibra_policy_set_read(genops_buffer_view(&text), arena, &again, &err) != GENOPS_OK) {
		genops_buffer_done(&text);
		return; /* two assets of one id, an id that is empty */
	}
	if (again.n != after.n)
		abort();
	genops_buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genops_collibra_types types;
	struct genops_collibra_policy_set set = {0};
	struct genops_arena arena;
	struct genops_error err = {0};
	size_t n = 0;
	bool is_cut = false;
	int code;
	if (!size)
		return 0;
	genops_str body = {(const char *)data + 1, size - 1};
	fill_types(&types);
	genops_arena_init(&arena, (size_t)64 << 20);
	switch (data[0]) {
	case 'g':
		code = genops_collibra_policy_graphql_read(body, (genops_str){0}, &types, &arena, &set, &n, &is_cut, &err);
		break;
	case 'r':
		code = genops_collibra_policy_rest_read_assets(body, &types, &arena, &set, &err);
		if (code == GENOPS_OK)
			code = genops_collibra_policy_rest_read_attributes(body, &types, &arena, &set, &err);
		break;
	default:
		code = genops_collibra_policy_set_read(body, &arena, &set, &err);
	}
	if (code == GENOPS_OK)
		check(&set, &arena);
	else if (!err.message[0])
		abort();
	genops_arena_done(&arena);
	return 0;
}
