/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/policy_rest.c - policies through REST: GET /assets of the six types, then GET /attributes.
 *
 * Attributes can be listed for one asset, or for the whole instance by their types. The first costs a call for each policy, the
 * second reads what other domains have of these types too: few policies are asked for one by one. */
#include "connect/collibra/policy/policy_fetch.h"

#include "base/str.h"
#include "codec/json_scan.h"

#define ONE_BY_ONE_MAX 50
#define QUERY_MAX      ((size_t)8 << 10)

enum { ELEMENT, ID, NAME, TYPE_ID, STATUS, ASSET_ID, VALUE };

static const struct genops_json_path asset_paths[] = {{"results[]", ELEMENT}, {"results[].id", ID}, {"results[].name", NAME},
    {"results[].type.id", TYPE_ID}, {"results[].status.name", STATUS}};
static const struct genops_json_path attribute_paths[] = {{"results[]", ELEMENT}, {"results[].type.id", TYPE_ID},
    {"results[].asset.id", ASSET_ID}, {"results[].value", VALUE}, {"results[].value[]", VALUE}};

struct reader {
	const struct genops_collibra_types *types;
	struct genops_arena *arena;
	struct genops_collibra_policy_set *set;
	/* The asset being read. */
	struct genops_collibra_policy *policy;
	bool has_type;
	/* The attribute being read. */
	genops_str asset_id, type_id;
	struct genops_texts values;
	int code;
	struct genops_error *err;
};

static genops_str copy(struct reader *reader, genops_str text)
{
	genops_str kept = {0};
	if (!genops_arena_dup(reader->arena, text, &kept))
		reader->code = genops_fail(reader->err, GENOPS_NOMEM, "no memory for Collibra's policies");
	return kept;
}

/* --- assets --- */

static void on_asset_type(struct reader *reader, genops_str id)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_collibra_asset_rows[i].policy_type && genops_str_is(id, reader->types->assets[i].id)) {
			reader->policy->type = (enum genops_collibra_asset_type)i;
			reader->has_type = true;
		}
	}
}

static void on_asset(void *arg, const struct genops_json_value *value)
{
	struct reader *reader = arg;
	if (reader->code != GENOPS_OK)
		return;
	if (value->id == ELEMENT && value->type == GENOPS_JSON_OBJECT && !value->is_end) {
		reader->has_type = false;
		reader->code = genops_collibra_policy_set_add(reader->set, (genops_str){0}, reader->arena, &reader->policy, reader->err);
	} else if (value->id == ELEMENT && value->type == GENOPS_JSON_OBJECT) {
		/* A subtype that somebody made of ours, or one that is not a policy. */
		if (!reader->has_type || !reader->policy->id.len)
			reader->set->n--;
	} else if (value->type == GENOPS_JSON_STRING && reader->policy) {
		if (value->id == ID)
			reader->policy->id = copy(reader, value->text);
		else if (value->id == NAME)
			reader->policy->name = copy(reader, value->text);
		else if (value->id == STATUS)
			reader->policy->status = copy(reader, value->text);
		else if (value->id == TYPE_ID)
			on_asset_type(reader, value->text);
	}
}

/* --- attributes --- */

static void end_attribute(struct reader *reader)
{
	struct genops_collibra_policy *policy =
	    reader->asset_id.len ? genops_collibra_policy_set_find(reader->set, reader->asset_id) : NULL;
	for (size_t i = 0; policy && reader->type_id.len && i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if (!genops_str_is(reader->type_id, reader->types->attributes[i].id))
			continue;
		for (size_t j = 0; j < reader->values.n && reader->code == GENOPS_OK; j++)
			reader->code = genops_collibra_policy_add(
			    policy, (enum genops_collibra_attribute_type)i, reader->values.items[j], reader->arena, reader->err);
	}
}

static void add_value(struct reader *reader, genops_str text)
{
	if (reader->values.n > GENOPS_COLLIBRA_VALUES_MAX)
		return; /* one more than may be, so that the policy sees it */
	if (!reader->values.items)
		reader->values.items = genops_arena_alloc(reader->arena, (GENOPS_COLLIBRA_VALUES_MAX + 1) * sizeof(genops_str));
	if (!reader->values.items)
		reader->code = genops_fail(reader->err, GENOPS_NOMEM, "no memory for Collibra's policies");
	else
		reader->values.items[reader->values.n++] = copy(reader, text);
}

static void on_attribute(void *arg, const struct genops_json_value *value)
{
	struct reader *reader = arg;
	if (reader->code != GENOPS_OK)
		return;
	if (value->id == ELEMENT && value->type == GENOPS_JSON_OBJECT && !value->is_end) {
		reader->asset_id = reader->type_id = (genops_str){0};
		reader->values.n = 0;
	} else if (value->id == ELEMENT && value->type == GENOPS_JSON_OBJECT) {
		end_attribute(reader);
	} else if (value->id == VALUE) {
		if (value->type == GENOPS_JSON_STRING || value->type == GENOPS_JSON_NUMBER)
			add_value(reader, value->text);
		else if (value->type == GENOPS_JSON_TRUE || value->type == GENOPS_JSON_FALSE)
			add_value(reader, value->type == GENOPS_JSON_TRUE ? GENOPS_STR("true") : GENOPS_STR("false"));
	} else if (value->type == GENOPS_JSON_STRING) {
		*(value->id == ASSET_ID ? &reader->asset_id : &reader->type_id) = copy(reader, value->text);
	}
}

/* --- pages --- */

static int read_page(struct reader *reader, genops_str body, const struct genops_json_path *paths, size_t n_paths,
    genops_json_value_fn *on_value, struct genops_error *err)
{
	struct genops_error own;
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_VALUE_MAX + 1, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, n_paths, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_value, reader) : NULL;
	reader->err = err ? err : &own;
	int code = scan ? genops_json_scan_feed(scan, body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return code == GENOPS_OK ? reader->code : code;
}

int genops_collibra_policy_rest_read_assets(genops_str body, const struct genops_collibra_types *types, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, struct genops_error *err)
{
	struct reader reader = {.types = types, .arena = arena, .set = set};
	return read_page(&reader, body, asset_paths, sizeof asset_paths / sizeof *asset_paths, on_asset, err);
}

int genops_collibra_policy_rest_read_attributes(genops_str body, const struct genops_collibra_types *types, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, struct genops_error *err)
{
	struct reader reader = {.types = types, .arena = arena, .set = set};
	return read_page(&reader, body, attribute_paths, sizeof attribute_paths / sizeof *attribute_paths, on_attribute, err);
}

struct fetching {
	const struct genops_collibra_source *source;
	struct genops_arena *arena;
	struct genops_collibra_policy_set *set;
};

static int on_assets(void *arg, genops_str body, struct genops_error *err)
{
	struct fetching *fetching = arg;
	return genops_collibra_policy_rest_read_assets(body, fetching->source->types, fetching->arena, fetching->set, err);
}

static int on_attributes(void *arg, genops_str body, struct genops_error *err)
{
	struct fetching *fetching = arg;
	return genops_collibra_policy_rest_read_attributes(body, fetching->source->types, fetching->arena, fetching->set, err);
}

static int list_assets(struct fetching *fetching, struct genops_buffer *query, struct genops_error *err)
{
	const struct genops_collibra_source *source = fetching->source;
	genops_collibra_query_add(query, "domainId", genops_str_of(source->domain->id));
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_collibra_asset_rows[i].policy_type && source->types->assets[i].id[0])
			genops_collibra_query_add(query, "typeIds", genops_str_of(source->types->assets[i].id));
	}
	return genops_collibra_client_list(
	    source->client, GENOPS_STR("/assets"), genops_buffer_view(query), true, "the policies", on_assets, fetching, err);
}

/* `asset_id` "": of all assets that have such attributes. */
static int list_attributes(struct fetching *fetching, genops_str asset_id, struct genops_buffer *query, struct genops_error *err)
{
	const struct genops_collibra_source *source = fetching->source;
	genops_buffer_clear(query);
	if (asset_id.len)
		genops_collibra_query_add(query, "assetId", asset_id);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if ((genops_collibra_attribute_rows[i].asset_types & GENOPS_COLLIBRA_OF_POLICIES) && source->types->attributes[i].id[0])
			genops_collibra_query_add(query, "typeIds", genops_str_of(source->types->attributes[i].id));
	}
	genops_collibra_query_add(query, "sortField", GENOPS_STR("ID"));
	genops_collibra_query_add(query, "sortOrder", GENOPS_STR("ASC"));
	return genops_collibra_client_list(source->client, GENOPS_STR("/attributes"), genops_buffer_view(query), true,
	    "the policies' attributes", on_attributes, fetching, err);
}

int genops_collibra_policy_rest_fetch(const struct genops_collibra_source *source, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, struct genops_error *err)
{
	struct fetching fetching = {source, arena, set};
	struct genops_buffer query;
	genops_buffer_init(&query, QUERY_MAX);
	int code = list_assets(&fetching, &query, err);
	if (code == GENOPS_OK && set->n > ONE_BY_ONE_MAX)
		code = list_attributes(&fetching, (genops_str){0}, &query, err);
	for (size_t i = 0; code == GENOPS_OK && set->n <= ONE_BY_ONE_MAX && i < set->n; i++)
		code = list_attributes(&fetching, set->policies[i].id, &query, err);
	genops_buffer_done(&query);
	return code;
}
