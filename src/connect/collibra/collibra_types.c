/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/collibra_types.c - see collibra_types.h. Two listings beat fifty look-ups; they are few hundred rows each. */
#include "connect/collibra/collibra_types.h"

#include "base/str.h"
#include "codec/json_scan.h"

#include <stdio.h>
#include <stdlib.h>

#define X(symbol, id, name, policy, acronym, text) [GENOPS_COLLIBRA_##symbol] = {id, name, policy, acronym, text},
const struct genops_collibra_asset_row genops_collibra_asset_rows[GENOPS_COLLIBRA_N_ASSET_TYPES] = {GENOPS_COLLIBRA_ASSET_TYPES(X)};
#undef X

#define X(symbol, name, kind, of, text) [GENOPS_COLLIBRA_ATTRIBUTE_##symbol] = {name, GENOPS_COLLIBRA_KIND_##kind, of, text},
const struct genops_collibra_attribute_row genops_collibra_attribute_rows[GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES] = {
    GENOPS_COLLIBRA_ATTRIBUTE_TYPES(X)};
#undef X

enum { ELEMENT, ID, NAME, PUBLIC_ID, KIND, DISCRIMINATOR, RESOURCE_TYPE, N_FIELDS };

static const struct genops_json_path paths[] = {{"results[]", ELEMENT}, {"results[].id", ID}, {"results[].name", NAME},
    {"results[].publicId", PUBLIC_ID}, {"results[].kind", KIND}, {"results[].attributeTypeDiscriminator", DISCRIMINATOR},
    {"results[].resourceType", RESOURCE_TYPE}};

struct lookup {
	struct genops_json_paths *compiled;
	struct genops_collibra_types *types;
	genops_str prefix;
	bool is_attributes;
	char field[N_FIELDS][GENOPS_COLLIBRA_NAME_SIZE];
	int code;               /* what a row found wrong */
	struct genops_error *err;
};

/* "StringAttributeType" and "STRING" are the same, said by instances of different years. */
static const struct {
	const char *kind, *discriminator;
} kinds[] = {{"STRING", "StringAttributeType"}, {"NUMERIC", "NumericAttributeType"}, {"BOOLEAN", "BooleanAttributeType"},
    {"DATE", "DateAttributeType"}, {"DATE_TIME", "DateTimeAttributeType"}, {"SINGLE_VALUE_LIST", "SingleValueListAttributeType"},
    {"MULTI_VALUE_LIST", "MultiValueListAttributeType"}, {"SCRIPT", "ScriptAttributeType"}};

static const char *kind_of(const struct lookup *lookup)
{
	const char *said[] = {lookup->field[KIND], lookup->field[DISCRIMINATOR], lookup->field[RESOURCE_TYPE]};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		for (size_t j = 0; j < sizeof kinds / sizeof *kinds; j++) {
			if (!strcmp(said[i], kinds[j].kind) || !strcmp(said[i], kinds[j].discriminator))
				return kinds[j].kind;
		}
	}
	return "";
}

static bool is_usable(enum genops_collibra_kind kind, const char *found)
{
	if (!*found || !strcmp(found, "STRING"))
		return true; /* an instance that does not say is believed */
	switch (kind) {
	case GENOPS_COLLIBRA_KIND_TEXT:
		return false;
	case GENOPS_COLLIBRA_KIND_NUMBER:
		return !strcmp(found, "NUMERIC");
	case GENOPS_COLLIBRA_KIND_LEVEL:
		return !strcmp(found, "SINGLE_VALUE_LIST");
	case GENOPS_COLLIBRA_KIND_LIST:
		return !strcmp(found, "MULTI_VALUE_LIST") || !strcmp(found, "SINGLE_VALUE_LIST");
	}
	return false;
}

static const char *kind_text(enum genops_collibra_kind kind)
{
	static const char *const texts[] = {"STRING", "NUMERIC or STRING", "SINGLE_VALUE_LIST or STRING", "STRING or MULTI_VALUE_LIST"};
	return texts[kind];
}

static void take(struct genops_collibra_found_type *found, const struct lookup *lookup, const char *kind)
{
	snprintf(found->id, sizeof found->id, "%.39s", lookup->field[ID]);
	snprintf(found->public_id, sizeof found->public_id, "%s", lookup->field[PUBLIC_ID]);
	snprintf(found->name, sizeof found->name, "%s", lookup->field[NAME]);
	snprintf(found->kind, sizeof found->kind, "%s", kind);
}

/* A public id beats a name, whatever order they come in. */
static void take_asset(struct lookup *lookup)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		const struct genops_collibra_asset_row *row = &genops_collibra_asset_rows[i];
		struct genops_collibra_found_type *found = &lookup->types->assets[i];
		bool is_by_id = !strcmp(lookup->field[PUBLIC_ID], row->public_id);
		if (is_by_id || (!found->id[0] && !strcmp(lookup->field[NAME], row->name)))
			take(found, lookup, "");
	}
}

static void take_attribute(struct lookup *lookup)
{
	genops_str name = genops_str_of(lookup->field[NAME]);
	const char *kind = kind_of(lookup);
	if (!genops_str_starts(name, lookup->prefix))
		return;
	name = genops_str_skip(name, lookup->prefix.len);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		const struct genops_collibra_attribute_row *row = &genops_collibra_attribute_rows[i];
		if (!genops_str_is(name, row->name))
			continue;
		if (!is_usable(row->kind, kind)) {
			lookup->code = genops_fail_fix(lookup->err, GENOPS_CONFIG,
			    "set collibra.attribute_prefix (like genops_), so that GenOps has attribute types of its own",
			    "Collibra's attribute type \"%s\" is of kind %s, and GenOps needs %s", lookup->field[NAME], kind, kind_text(row->kind));
			return;
		}
		take(&lookup->types->attributes[i], lookup, kind);
	}
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct lookup *lookup = arg;
	if (value->id == ELEMENT && value->type == GENOPS_JSON_OBJECT && !value->is_end) {
		memset(lookup->field, 0, sizeof lookup->field);
	} else if (value->id == ELEMENT) {
		if (lookup->code == GENOPS_OK && value->type == GENOPS_JSON_OBJECT && lookup->field[ID][0])
			lookup->is_attributes ? take_attribute(lookup) : take_asset(lookup);
	} else if (value->type == GENOPS_JSON_STRING && !value->is_cut) {
		snprintf(lookup->field[value->id], GENOPS_COLLIBRA_NAME_SIZE, "%.*s", GENOPS_STR_ARG(value->text));
	}
}

static int on_page(void *arg, genops_str body, struct genops_error *err)
{
	struct lookup *lookup = arg;
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_NAME_SIZE, .allow_duplicates = true};
	struct genops_json_scan *scan = genops_json_scan_new(lookup->compiled, &options, on_value, lookup);
	int code = scan ? genops_json_scan_feed(scan, body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's types");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	return code == GENOPS_OK ? lookup->code : code;
}

int genops_collibra_types_find(struct genops_collibra_client *client, genops_str prefix,
    struct genops_collibra_types *ret_types, struct genops_error *err)
{
	struct genops_error own;
	struct lookup lookup = {.prefix = prefix, .err = err ? err : &own};
	lookup.types = calloc(1, sizeof *lookup.types);
	lookup.compiled = genops_json_paths_new(paths, sizeof paths / sizeof *paths, lookup.err);
	int code = lookup.types && lookup.compiled ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's types");
	if (code == GENOPS_OK)
		code = genops_collibra_client_list(client, GENOPS_STR("/assetTypes"), (genops_str){0}, false, "the asset types", on_page, &lookup, lookup.err);
	lookup.is_attributes = true;
	if (code == GENOPS_OK)
		code = genops_collibra_client_list(
		    client, GENOPS_STR("/attributeTypes"), (genops_str){0}, false, "the attribute types", on_page, &lookup, lookup.err);
	if (code == GENOPS_OK)
		*ret_types = *lookup.types;
	free(lookup.types);
	genops_json_paths_free(lookup.compiled);
	return code;
}

int genops_collibra_types_need(
    const struct genops_collibra_types *types, uint32_t wanted, genops_str prefix, struct genops_error *err)
{
	struct genops_buffer missing;
	size_t n = 0;
	genops_buffer_init(&missing, 400);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if ((wanted & (1U << i)) && !types->assets[i].id[0])
			genops_buffer_printf(&missing, "%sasset type \"%s\" (%s)", n++ ? ", " : "", genops_collibra_asset_rows[i].name,
			    genops_collibra_asset_rows[i].public_id);
	}
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if ((wanted & genops_collibra_attribute_rows[i].asset_types) && !types->attributes[i].id[0])
			genops_buffer_printf(&missing, "%sattribute type \"%.*s%s\"", n++ ? ", " : "", GENOPS_STR_ARG(prefix),
			    genops_collibra_attribute_rows[i].name);
	}
	int code = GENOPS_OK;
	if (n)
		code = genops_fail_fix(err, GENOPS_NOT_FOUND,
		    "run `genops collibra setup` (--dry-run shows what it would make), with an account that may change the operating model",
		    "%zu types are missing in Collibra: %.*s%s", n, GENOPS_STR_ARG(genops_buffer_view(&missing)),
		    missing.error ? " ..." : "");
	genops_buffer_done(&missing);
	return code;
}
