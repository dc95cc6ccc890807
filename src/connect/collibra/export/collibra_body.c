/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/export/collibra_body.c - see collibra_body.h. */
#include "connect/collibra/export/collibra_body.h"

#include "codec/json_write.h"

#define BOUNDARY GENOPS_COLLIBRA_BODY_BOUNDARY

static genops_str type_of(const struct genops_collibra_target *target, const struct genops_collibra_value *value)
{
	return genops_str_of(target->types.attributes[value->type].id);
}

static void write_command(struct genops_json_writer *json, const struct genops_collibra_target *target,
    const struct genops_collibra_asset *asset)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "resourceType", GENOPS_STR("Asset"));
	genops_json_key(json, GENOPS_STR("identifier"));
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", asset->name);
	genops_json_key(json, GENOPS_STR("domain"));
	genops_json_object_begin(json);
	genops_json_key_string(json, "id", genops_str_of(target->domain_id));
	genops_json_object_end(json);
	genops_json_object_end(json);
	genops_json_key_string(json, "displayName", asset->display_name);
	genops_json_key(json, GENOPS_STR("type"));
	genops_json_object_begin(json);
	genops_json_key_string(json, "id", genops_str_of(target->types.assets[asset->type].id));
	genops_json_object_end(json);
	genops_json_key(json, GENOPS_STR("attributes"));
	genops_json_object_begin(json);
	for (size_t i = 0; i < asset->n_values; i++) {
		genops_json_key(json, type_of(target, &asset->values[i]));
		genops_json_array_begin(json);
		genops_json_object_begin(json);
		genops_json_key_string(json, "value", asset->values[i].text);
		genops_json_object_end(json);
		genops_json_array_end(json);
	}
	genops_json_object_end(json);
	genops_json_object_end(json);
}

static void add_field(struct genops_buffer *buf, const char *name, const char *value)
{
	genops_buffer_printf(buf,
	    "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value);
}

void genops_collibra_body_import(struct genops_buffer *buf, const struct genops_collibra_target *target,
    const struct genops_collibra_assets *assets, const uint32_t *picked, size_t n_picked)
{
	struct genops_json_writer json;
	add_field(buf, "fileName", "genops.json");
	add_field(buf, "continueOnError", "true"); /* its default differs between versions */
	add_field(buf, "sendNotification", "false");
	genops_buffer_add_text(buf,
	    "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"genops.json\"\r\n"
	    "Content-Type: application/json\r\n\r\n");
	genops_json_writer_init(&json, buf);
	genops_json_array_begin(&json);
	for (size_t i = 0; i < n_picked; i++)
		write_command(&json, target, &assets->items[picked[i]]);
	genops_json_array_end(&json);
	genops_buffer_add_text(buf, "\r\n--" BOUNDARY "--\r\n");
}

int genops_collibra_body_assets(struct genops_buffer *buf, const struct genops_collibra_target *target,
    const struct genops_collibra_assets *assets, const uint32_t *picked, size_t n_picked, struct genops_error *err)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, buf);
	genops_json_array_begin(&json);
	for (size_t i = 0; i < n_picked; i++) {
		const struct genops_collibra_asset *asset = &assets->items[picked[i]];
		char id[GENOPS_COLLIBRA_ID_SIZE];
		if (!genops_collibra_asset_id(genops_str_of(target->domain_id), asset->name, id))
			return genops_fail(err, GENOPS_NOMEM, "no memory for an asset's id");
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "id", genops_str_of(id));
		genops_json_key_string(&json, "name", asset->name);
		genops_json_key_string(&json, "displayName", asset->display_name);
		genops_json_key_string(&json, "domainId", genops_str_of(target->domain_id));
		genops_json_key_string(&json, "typeId", genops_str_of(target->types.assets[asset->type].id));
		genops_json_key_bool(&json, "excludedFromAutoHyperlinking", true);
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	return buf->error ? genops_fail(err, buf->error, "no memory for a batch of assets") : GENOPS_OK;
}

void genops_collibra_body_attribute(struct genops_json_writer *json, const struct genops_collibra_target *target,
    genops_str asset_id, const struct genops_collibra_value *value)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "assetId", asset_id);
	genops_json_key_string(json, "typeId", type_of(target, value));
	genops_json_key_string(json, "value", value->text);
	genops_json_object_end(json);
}
