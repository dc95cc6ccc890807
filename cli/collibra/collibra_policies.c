/* SPDX-License-Identifier: Apache-2.0
 * collibra_policies.c - genops collibra sync | policies. The JSON of sync is fixed (DESIGN 5). */
#include "collibra/collibra.h"
#include "json_text.h"
#include "table.h"

#include <string.h>

static void print_errors(const struct genops_collibra_sync *sync)
{
	printf("\"errors\":[");
	for (size_t i = 0; i < sync->n_errors; i++) {
		printf("%s", i ? "," : "");
		json_string(genops_str_of(sync->errors[i]));
	}
	printf("]");
}

int collibra_sync(const struct invocation *invocation, genops_engine *engine)
{
	static struct genops_collibra_sync sync; /* large */
	const struct collibra_options *chosen = invocation->options;
	struct genops_error err;
	int code = genops_collibra_sync(engine, &sync, &err);
	if (code != GENOPS_OK) {
		if (chosen->as_json) {
			printf("{\"imported\":0,\"updated\":0,\"removed\":0,\"failed\":0,\"errors\":[");
			json_string(genops_str_of(err.message));
			printf("]}\n");
		}
		return complain(&err);
	}
	if (chosen->as_json) {
		printf("{\"imported\":%lld,\"updated\":%lld,\"removed\":%lld,\"failed\":%lld,", (long long)sync.n_imported,
		    (long long)sync.n_updated, (long long)sync.n_removed, (long long)sync.n_failed);
		print_errors(&sync);
		printf("}\n");
		return EXIT_DONE;
	}
	printf("%lld imported, %lld updated, %lld removed, %lld failed\n", (long long)sync.n_imported, (long long)sync.n_updated,
	    (long long)sync.n_removed, (long long)sync.n_failed);
	for (size_t i = 0; i < sync.n_errors; i++)
		printf("  %s\n", sync.errors[i]);
	return EXIT_DONE;
}

/* --- policies --- */

struct listing {
	struct table *table; /* NULL: JSON */
	size_t n;
};

static int on_policy(void *arg, const struct genops_collibra_policy_row *row)
{
	struct listing *listing = arg;
	if (listing->table) {
		table_begin_row(listing->table);
		table_add_view(listing->table, row->name);
		table_add_view(listing->table, row->asset_type);
		table_add_view(listing->table, row->status);
		table_add(listing->table, row->is_in_force ? "yes" : "no");
		table_add_view(listing->table, row->attributes);
	} else {
		printf("%s{", listing->n ? "," : "");
		json_text("id", row->id);
		putchar(',');
		json_text("name", row->name);
		putchar(',');
		json_text("asset_type", row->asset_type);
		putchar(',');
		json_text("type", row->type);
		putchar(',');
		json_text("status", row->status);
		printf(",\"in_force\":%s,\"attributes\":%.*s}", row->is_in_force ? "true" : "false", (int)row->attributes.len, row->attributes.ptr);
	}
	listing->n++;
	return GENOPS_OK;
}

int collibra_policies(const struct invocation *invocation, genops_engine *engine)
{
	static const struct table_column columns[] = {
	    {"NAME", false}, {"TYPE", false}, {"STATUS", false}, {"IN FORCE", false}, {"ATTRIBUTES", false}, {NULL, false}};
	const struct collibra_options *chosen = invocation->options;
	struct listing listing = {.table = chosen->as_json ? NULL : table_new(columns)};
	struct genops_error err;
	if (chosen->as_json)
		printf("{\"policies\":[");
	int code = genops_collibra_policies(engine, on_policy, &listing, &err);
	if (chosen->as_json)
		printf("]}\n");
	else if (listing.n)
		table_print(listing.table, stdout);
	else if (code == GENOPS_OK)
		printf("No policies of Collibra are known; genops collibra sync imports them.\n");
	table_free(listing.table);
	return code == GENOPS_OK ? EXIT_DONE : complain(&err);
}
