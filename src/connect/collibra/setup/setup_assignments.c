/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/setup/setup_assignments.c - which attributes an asset type has, and in which domains it may be.
 *
 * An assignment is replaced as a whole. One of a type that this run made is nobody's yet, and is written anew. One that was there is added to
 * only if all that is in it can be said again (attribute types); else people are told what to add. */
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "connect/collibra/setup/collibra_setup.h"

#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX  ((size_t)256 << 10)
#define OTHERS_MAX 100 /* characteristics that are not ours */
#define PLACES_MAX 50

struct characteristic {
	char id[GENOPS_COLLIBRA_ID_SIZE], type[64], kind[64]; /* "AttributeType", "StringAttributeType" */
	int64_t min, max; /* max -1: any number */
};

struct assignment {
	const struct genops_collibra_setup *setup;
	char id[GENOPS_COLLIBRA_ID_SIZE]; /* "" : there is none */
	char asset_type[GENOPS_COLLIBRA_ID_SIZE]; /* whose it is: a parent's is not to be changed */
	size_t n_elements, n_others, n_places, n_statuses;
	struct characteristic others[OTHERS_MAX], current;
	char places[PLACES_MAX][GENOPS_COLLIBRA_ID_SIZE];
	char statuses[PLACES_MAX][GENOPS_COLLIBRA_ID_SIZE];
	bool has[GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES];
	bool has_unknown; /* something in it cannot be said again */
};

enum { ELEMENT, ID, OWNER, CHARACTERISTIC, RESOURCE, DISCRIMINATOR, KIND, LEAST, MOST, PLACE, STATUS };

static const struct genops_json_path paths[] = {{"[]", ELEMENT}, {"[].id", ID}, {"[].assetType.id", OWNER},
    {"[].characteristicTypes[]", CHARACTERISTIC}, {"[].characteristicTypes[].assignedResourceId", RESOURCE},
    {"[].characteristicTypes[].attributeType.id", RESOURCE},
    {"[].characteristicTypes[].attributeType.attributeTypeDiscriminator", KIND},
    {"[].characteristicTypes[].attributeType.resourceType", KIND},
    {"[].characteristicTypes[].assignedCharacteristicTypeDiscriminator", DISCRIMINATOR},
    {"[].characteristicTypes[].assignedResourceType", DISCRIMINATOR}, {"[].characteristicTypes[].minimumOccurrences", LEAST},
    {"[].characteristicTypes[].maximumOccurrences", MOST}, {"[].domainTypes[].id", PLACE}, {"[].statuses[].id", STATUS}};

static void keep(char *out, size_t size, genops_str text)
{
	snprintf(out, size, "%.*s", GENOPS_STR_ARG(text));
}

static void end_characteristic(struct assignment *assignment)
{
	const struct characteristic *current = &assignment->current;
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if (current->id[0] && !strcmp(current->id, assignment->setup->types.attributes[i].id)) {
			assignment->has[i] = true;
			return;
		}
	}
	if (!current->id[0] || !strstr(current->type, "AttributeType") || assignment->n_others == OTHERS_MAX)
		assignment->has_unknown = true;
	else
		assignment->others[assignment->n_others++] = *current;
}

static void keep_id(char list[PLACES_MAX][GENOPS_COLLIBRA_ID_SIZE], size_t *n, struct assignment *assignment, genops_str id)
{
	if (*n == PLACES_MAX)
		assignment->has_unknown = true;
	else
		keep(list[(*n)++], GENOPS_COLLIBRA_ID_SIZE, id);
}

static void on_text(struct assignment *assignment, int id, genops_str text)
{
	struct characteristic *current = &assignment->current;
	if (id == ID)
		keep(assignment->id, sizeof assignment->id, text);
	else if (id == OWNER)
		keep(assignment->asset_type, sizeof assignment->asset_type, text);
	else if (id == RESOURCE)
		keep(current->id, sizeof current->id, text);
	else if (id == DISCRIMINATOR && !current->type[0])
		keep(current->type, sizeof current->type, text);
	else if (id == KIND && !current->kind[0])
		keep(current->kind, sizeof current->kind, text);
	else if (id == PLACE)
		keep_id(assignment->places, &assignment->n_places, assignment, text);
	else if (id == STATUS)
		keep_id(assignment->statuses, &assignment->n_statuses, assignment, text);
}

/* The first is the global one; others are of scopes. */
static void on_value(void *arg, const struct genops_json_value *value)
{
	struct assignment *assignment = arg;
	if (value->id == ELEMENT)
		assignment->n_elements += !value->is_end;
	else if (assignment->n_elements > 1)
		return;
	else if (value->id == CHARACTERISTIC && value->type == GENOPS_JSON_OBJECT && !value->is_end)
		assignment->current = (struct characteristic){.max = -1};
	else if (value->id == CHARACTERISTIC && value->type == GENOPS_JSON_OBJECT)
		end_characteristic(assignment);
	else if (value->id == LEAST && value->is_integer)
		assignment->current.min = value->integer;
	else if (value->id == MOST && value->is_integer)
		assignment->current.max = value->integer;
	else if (value->type == GENOPS_JSON_STRING)
		on_text(assignment, value->id, value->text);
}

static int scan_assignments(genops_str body, struct assignment *assignment, struct genops_error *err)
{
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_ID_SIZE - 1, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, sizeof paths / sizeof *paths, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_value, assignment) : NULL;
	int code = scan ? genops_json_scan_feed(scan, body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's assignments");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return code;
}

static int read_assignment(struct genops_collibra_setup *setup, const char *asset_type, struct assignment *assignment, struct genops_error *err)
{
	struct genops_collibra_answer answer;
	char path[96];
	*assignment = (struct assignment){.setup = setup};
	snprintf(path, sizeof path, "/assignments/assetType/%s", asset_type);
	GENOPS_TRY(genops_collibra_client_get(setup->client, genops_str_of(path), (genops_str){0}, "the assignments", &answer, err));
	GENOPS_TRY(scan_assignments(answer.body, assignment, err));
	if (strcmp(assignment->asset_type, asset_type) != 0)
		assignment->id[0] = '\0'; /* inherited */
	return GENOPS_OK;
}

/* --- writing --- */

static void write_characteristic(
    const struct genops_collibra_setup *setup, struct genops_json_writer *json, const struct characteristic *item)
{
	const char *type = setup->is_kind_typed && item->kind[0] ? item->kind : "AttributeType";
	genops_json_object_begin(json);
	genops_json_key_string(json, "id", genops_str_of(item->id));
	genops_json_key_string(json, "type", genops_str_of(type));
	genops_json_key_int(json, "min", item->min);
	if (item->max >= 0)
		genops_json_key_int(json, "max", item->max);
	genops_json_object_end(json);
}

static const char *kind_word(const char *kind)
{
	return !strcmp(kind, "NUMERIC")             ? "NumericAttributeType"
	       : !strcmp(kind, "SINGLE_VALUE_LIST") ? "SingleValueListAttributeType"
	       : !strcmp(kind, "MULTI_VALUE_LIST")  ? "MultiValueListAttributeType"
						    : "StringAttributeType";
}

static void write_ids(struct genops_json_writer *json, const char *name, char ids[PLACES_MAX][GENOPS_COLLIBRA_ID_SIZE], size_t n, const char *more)
{
	bool has_more = false;
	genops_json_key(json, genops_str_of(name));
	genops_json_array_begin(json);
	for (size_t i = 0; i < n; i++) {
		genops_json_string(json, genops_str_of(ids[i]));
		has_more |= !strcmp(ids[i], more);
	}
	if (*more && !has_more)
		genops_json_string(json, genops_str_of(more));
	genops_json_array_end(json);
}

static void write_assignment(struct genops_collibra_setup *setup, size_t type, struct assignment *assignment, struct genops_buffer *body)
{
	struct genops_json_writer json;
	genops_buffer_clear(body);
	genops_json_writer_init(&json, body);
	genops_json_object_begin(&json);
	if (!assignment->id[0]) {
		genops_json_key_string(&json, "assetTypeId", genops_str_of(setup->types.assets[type].id));
		write_ids(&json, "statusIds", assignment->statuses, assignment->n_statuses, "");
		if (assignment->n_statuses)
			genops_json_key_string(&json, "defaultStatusId", genops_str_of(assignment->statuses[0]));
	}
	write_ids(&json, "domainTypeIds", assignment->places, assignment->n_places, setup->domain.type_id);
	genops_json_key(&json, GENOPS_STR("characteristicTypes"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < assignment->n_others; i++)
		write_characteristic(setup, &json, &assignment->others[i]);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		struct characteristic ours = {.max = -1};
		if (!(genops_collibra_attribute_rows[i].asset_types & (1U << type)))
			continue;
		snprintf(ours.id, sizeof ours.id, "%s", setup->types.attributes[i].id);
		snprintf(ours.kind, sizeof ours.kind, "%s", kind_word(setup->types.attributes[i].kind));
		write_characteristic(setup, &json, &ours);
	}
	genops_json_array_end(&json);
	genops_json_object_end(&json);
}

/* Every status there is, where no parent's assignment says which. */
static int read_statuses(struct genops_collibra_setup *setup, struct assignment *assignment, struct genops_error *err)
{
	static const struct genops_json_path status_paths[] = {{"results[].id", STATUS}};
	struct genops_collibra_answer answer;
	if (assignment->n_statuses)
		return GENOPS_OK;
	GENOPS_TRY(genops_collibra_client_get(setup->client, GENOPS_STR("/statuses"), GENOPS_STR("limit=50"), "the statuses", &answer, err));
	struct genops_json_scan_options options = {.text_max = GENOPS_COLLIBRA_ID_SIZE - 1, .allow_duplicates = true};
	struct genops_json_paths *compiled = genops_json_paths_new(status_paths, 1, err);
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_value, assignment) : NULL;
	int code = scan ? genops_json_scan_feed(scan, answer.body, err) : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's statuses");
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return code;
}

/* Nobody documents which word `type` wants: the general one is tried first. */
static int send_assignment(struct genops_collibra_setup *setup, size_t type, struct assignment *assignment, struct genops_error *err)
{
	struct genops_collibra_answer answer;
	struct genops_buffer body;
	char path[96] = "/assignments";
	int code = GENOPS_OK;
	if (assignment->id[0])
		snprintf(path, sizeof path, "/assignments/%s", assignment->id);
	else
		GENOPS_TRY(read_statuses(setup, assignment, err));
	genops_buffer_init(&body, BODY_MAX);
	for (int i = 0; i < 2; i++) {
		write_assignment(setup, type, assignment, &body);
		code = genops_collibra_setup_call(setup, assignment->id[0] ? "PATCH" : "POST", genops_str_of(path), &body, "the assignments", &answer, err);
		if (code == GENOPS_OK || answer.status != 400 || setup->is_kind_typed)
			break;
		setup->is_kind_typed = true;
	}
	genops_buffer_done(&body);
	return code;
}

/* --- one asset type --- */

static bool is_complete(const struct genops_collibra_setup *setup, size_t type, const struct assignment *assignment)
{
	bool has_place = !setup->domain.type_id[0];
	for (size_t i = 0; i < assignment->n_places; i++)
		has_place |= !strcmp(assignment->places[i], setup->domain.type_id);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if ((genops_collibra_attribute_rows[i].asset_types & (1U << type)) && !assignment->has[i])
			return false;
	}
	return has_place && assignment->id[0];
}

static int assign(struct genops_collibra_setup *setup, size_t type, struct assignment *assignment, struct genops_error *err)
{
	const char *name = genops_collibra_asset_rows[type].name;
	const char *place = setup->domain.type_name[0] ? setup->domain.type_name : "the domain's type";
	bool is_new = (setup->made & (1U << type)) != 0;
	if (!is_new || !setup->is_dry_run) {
		GENOPS_TRY(read_assignment(setup, setup->types.assets[type].id, assignment, err));
		if (is_complete(setup, type, assignment))
			return GENOPS_OK;
		if (!is_new && assignment->has_unknown)
			return genops_collibra_setup_tell(setup, "assign", "asset type", name, true,
			    "its assignment holds more than attributes, so add by hand (Settings, Operating model): its attribute types, and the domain type %s",
			    place);
		if (!setup->is_dry_run)
			GENOPS_TRY(send_assignment(setup, type, assignment, err));
	}
	return genops_collibra_setup_tell(setup, "assign", "asset type", name, false, "its attribute types; allowed in domains of type %s", place);
}

int genops_collibra_setup_assignments(struct genops_collibra_setup *setup, struct genops_error *err)
{
	struct assignment *assignment = malloc(sizeof *assignment);
	int code = assignment ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's assignments");
	for (size_t i = 0; code == GENOPS_OK && i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++)
		code = assign(setup, i, assignment, err);
	free(assignment);
	return code;
}
