/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/setup/setup_types.c - attribute types and asset types that are missing, each kind in one call. Somebody else may make them at
 * the same time: a refusal is looked into once. */
#include "base/str.h"
#include "codec/json_write.h"
#include "connect/collibra/setup/collibra_setup.h"
#include "govern/level.h"

#include <stdio.h>

#define BODY_MAX   ((size_t)256 << 10)
#define POLICY     "00000000-0000-0000-0000-000000031202"
#define GOVERNANCE "00000000-0000-0000-0000-000000031201" /* "Governance Asset"; ids of Collibra's own types */

static const char *kind_made(enum genops_collibra_kind kind)
{
	switch (kind) {
	case GENOPS_COLLIBRA_KIND_NUMBER:
		return "NUMERIC";
	case GENOPS_COLLIBRA_KIND_LEVEL:
		return "SINGLE_VALUE_LIST";
	case GENOPS_COLLIBRA_KIND_TEXT:
	case GENOPS_COLLIBRA_KIND_LIST:
		break;
	}
	return "STRING";
}

static void write_attribute(struct genops_json_writer *json, const struct genops_collibra_attribute_row *row, const char *name)
{
	const char *kind = kind_made(row->kind);
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", genops_str_of(name));
	genops_json_key_string(json, "kind", genops_str_of(kind));
	genops_json_key_string(json, "description", genops_str_of(row->text));
	if (!strcmp(kind, "STRING"))
		genops_json_key_string(json, "stringType", GENOPS_STR("PLAIN_TEXT"));
	if (row->kind == GENOPS_COLLIBRA_KIND_NUMBER)
		genops_json_key_bool(json, "isInteger", false);
	if (row->kind == GENOPS_COLLIBRA_KIND_LEVEL) {
		genops_json_key(json, GENOPS_STR("allowedValues"));
		genops_json_array_begin(json);
		for (int level = GENOPS_LEVEL_BLOCK; level >= GENOPS_LEVEL_ALLOW; level--)
			genops_json_string(json, genops_str_of(genops_level_name((enum genops_level)level)));
		genops_json_array_end(json);
	}
	genops_json_object_end(json);
}

static int plan_attributes(struct genops_collibra_setup *setup, struct genops_json_writer *json, size_t *n)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		const struct genops_collibra_attribute_row *row = &genops_collibra_attribute_rows[i];
		char name[GENOPS_COLLIBRA_NAME_SIZE];
		if (setup->types.attributes[i].id[0])
			continue;
		snprintf(name, sizeof name, "%.*s%s", (int)(setup->prefix.len > 100 ? 100 : setup->prefix.len), setup->prefix.len ? setup->prefix.ptr : "",
		    row->name);
		write_attribute(json, row, name);
		(*n)++;
		if (setup->is_dry_run)
			GENOPS_TRY(genops_collibra_setup_tell(setup, "create", "attribute type", name, false, "of kind %s", kind_made(row->kind)));
	}
	return GENOPS_OK;
}

/* "" : an instance without it; the type has no parent then. */
static int find_parent(struct genops_collibra_setup *setup, const char *id, char parent[GENOPS_COLLIBRA_ID_SIZE], struct genops_error *err)
{
	struct genops_collibra_answer answer;
	char path[64];
	snprintf(path, sizeof path, "/assetTypes/%s", id);
	int code = genops_collibra_client_get(setup->client, genops_str_of(path), (genops_str){0}, "the asset types", &answer, err);
	snprintf(parent, GENOPS_COLLIBRA_ID_SIZE, "%s", code == GENOPS_OK ? id : "");
	return code == GENOPS_NOT_FOUND ? GENOPS_OK : code;
}

static void write_asset(struct genops_json_writer *json, const struct genops_collibra_asset_row *row, const char *parent)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", genops_str_of(row->name));
	genops_json_key_string(json, "publicId", genops_str_of(row->public_id));
	genops_json_key_string(json, "description", genops_str_of(row->text));
	genops_json_key_string(json, "symbolType", GENOPS_STR("ACRONYM_CODE"));
	genops_json_key_string(json, "acronymCode", genops_str_of(row->acronym));
	genops_json_key_bool(json, "displayNameEnabled", true);
	genops_json_key_bool(json, "ratingEnabled", false);
	if (parent[0])
		genops_json_key_string(json, "parentId", genops_str_of(parent));
	genops_json_object_end(json);
}

static int plan_assets(struct genops_collibra_setup *setup, struct genops_json_writer *json, size_t *n, struct genops_error *err)
{
	char policy[GENOPS_COLLIBRA_ID_SIZE], governance[GENOPS_COLLIBRA_ID_SIZE];
	GENOPS_TRY(find_parent(setup, POLICY, policy, err));
	GENOPS_TRY(find_parent(setup, GOVERNANCE, governance, err));
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		const struct genops_collibra_asset_row *row = &genops_collibra_asset_rows[i];
		if (setup->types.assets[i].id[0])
			continue;
		write_asset(json, row, row->policy_type ? policy : governance);
		setup->made |= 1U << i;
		(*n)++;
		if (setup->is_dry_run)
			GENOPS_TRY(genops_collibra_setup_tell(setup, "create", "asset type", row->name, false, "with the public id %s%s", row->public_id,
			    row->policy_type && policy[0] ? ", a kind of Policy" : governance[0] ? ", a kind of Governance Asset" : ""));
	}
	return GENOPS_OK;
}

/* The call, and what is there after it. A refusal can mean that somebody else was first: then nothing may be missing now. */
static int make(struct genops_collibra_setup *setup, const char *path, const struct genops_buffer *body, const char *what,
    bool is_assets, struct genops_error *err)
{
	struct genops_collibra_answer answer;
	int code = genops_collibra_setup_call(setup, "POST", genops_str_of(path), body, what, &answer, err);
	if (code != GENOPS_OK && code != GENOPS_REMOTE && code != GENOPS_TIMEOUT)
		return code;
	struct genops_error own;
	struct genops_collibra_types before = setup->types;
	GENOPS_TRY(genops_collibra_types_find(setup->client, setup->prefix, &setup->types, code == GENOPS_OK ? err : &own));
	size_t n = is_assets ? GENOPS_COLLIBRA_N_ASSET_TYPES : GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES;
	for (size_t i = 0; i < n; i++) {
		const struct genops_collibra_found_type *now = is_assets ? &setup->types.assets[i] : &setup->types.attributes[i];
		const struct genops_collibra_found_type *then = is_assets ? &before.assets[i] : &before.attributes[i];
		if (!now->id[0])
			return code != GENOPS_OK ? code : genops_fail(err, GENOPS_REMOTE, "%s: Collibra took them, but does not list them", what);
		if (!then->id[0])
			GENOPS_TRY(genops_collibra_setup_tell(setup, "create", is_assets ? "asset type" : "attribute type", now->name, false, "%s", now->id));
	}
	return GENOPS_OK;
}

int genops_collibra_setup_types(struct genops_collibra_setup *setup, struct genops_error *err)
{
	GENOPS_TRY(genops_collibra_types_find(setup->client, setup->prefix, &setup->types, err));
	for (int is_assets = 0; is_assets < 2; is_assets++) {
		struct genops_json_writer json;
		struct genops_buffer body;
		size_t n = 0;
		genops_buffer_init(&body, BODY_MAX);
		genops_json_writer_init(&json, &body);
		genops_json_array_begin(&json);
		int code = is_assets ? plan_assets(setup, &json, &n, err) : plan_attributes(setup, &json, &n);
		genops_json_array_end(&json);
		if (code == GENOPS_OK && n && !setup->is_dry_run)
			code = make(setup, is_assets ? "/assetTypes/bulk" : "/attributeTypes/bulk", &body, is_assets ? "the asset types" : "the attribute types",
			    is_assets, err);
		genops_buffer_done(&body);
		GENOPS_TRY(code);
	}
	return GENOPS_OK;
}
