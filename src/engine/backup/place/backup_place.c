/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/place/backup_place.c - see backup_place.h: a place's text, and which kind of place it is. */
#include "engine/backup/place/backup_place.h"
#include "engine/backup/place/backup_settings.h"

#include "base/str.h"
#include "export/s3/s3_settings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of the keys of destinations of type s3 those that say something of an archive. */
static const char *const keys[] = {"region", "endpoint", "path_style", "auth_type", "access_key_id", "secret_access_key", "session_token", "role_arn",
    "external_id", "role_session_name", "role_duration", "web_identity_token_file", "sts_endpoint", "storage_class", "server_side_encryption",
    "encryption", "kms_key_id"};

static bool has_variable(const struct genops_yaml_rows *in, const char *name)
{
	const char *value = in->variables->get(in->variables->arg, name);
	return value && value[0];
}

static int check_keys(const struct genops_yaml_rows *in, const struct genops_yaml_node *mapping)
{
	for (const struct genops_yaml_entry *entry = mapping ? mapping->first : NULL; entry; entry = entry->next) {
		bool is_known = false;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			is_known |= genops_str_is(entry->key->text, keys[i]);
		const char *nearest = genops_str_nearest(entry->key->text, keys, sizeof keys / sizeof *keys);
		char fix[96];
		snprintf(fix, sizeof fix, nearest ? "did you mean \"%s\"?" : "region, endpoint, access_key_id, role_arn ... of destinations of type s3%s", nearest ? nearest : "");
		if (!is_known)
			return genops_yaml_rows_fail(in, entry->key, fix, "unknown key \"%.64s\" in backup_strategy.s3", entry->key->text.ptr);
	}
	return GENOPS_OK;
}

/* The rows of destinations of type s3, over `mapping` and the bucket. AWS's own tools take us-east-1 where no region is said; the store tells when the
 * bucket is elsewhere. */
static int read_s3(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, genops_str bucket,
    const struct genops_yaml_node *mapping, void **ret_own)
{
	const struct genops_destination_form *form = &genops_s3_form;
	const struct genops_yaml_node names[2] = {{.text = GENOPS_STR("bucket"), .line = node->line, .column = node->column},
	    {.text = GENOPS_STR("region"), .line = node->line, .column = node->column}};
	const struct genops_yaml_node values[2] = {{.text = bucket, .line = node->line, .column = node->column}, {.text = GENOPS_STR("us-east-1")}};
	bool has_region = genops_yaml_rows_get(mapping, form->rows, "region") || has_variable(in, "AWS_REGION") || has_variable(in, "AWS_DEFAULT_REGION");
	const struct genops_yaml_entry region = {mapping ? mapping->first : NULL, &names[1], &values[1]};
	const struct genops_yaml_entry first = {has_region ? region.next : &region, &names[0], &values[0]};
	const struct genops_yaml_node whole = {.kind = GENOPS_YAML_MAPPING, .line = node->line, .column = node->column,
	    .n = (mapping ? mapping->n : 0) + 1 + !has_region, .first = &first};
	void *own = genops_arena_alloc(in->arena, form->size);
	if (!own)
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for a backup's place");
	*ret_own = own;
	GENOPS_TRY(check_keys(in, mapping));
	GENOPS_TRY(genops_yaml_rows_section(in, &whole, "backup_strategy.s3", form->rows, own));
	return form->read(in, &whole, own);
}

/* "a/b/" as keys begin; "" : none. */
static bool set_prefix(struct genops_arena *arena, genops_str text, genops_str *ret_prefix)
{
	char prefix[800];
	while (text.len && text.ptr[0] == '/')
		text = genops_str_skip(text, 1);
	while (text.len && text.ptr[text.len - 1] == '/')
		text.len--;
	if (text.len > sizeof prefix - 2)
		return false;
	snprintf(prefix, sizeof prefix, "%.*s%s", GENOPS_STR_ARG(text), text.len ? "/" : "");
	return genops_arena_dup(arena, genops_str_of(prefix), ret_prefix);
}

int genops_backup_settings_s3(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, genops_str text,
    const struct genops_yaml_node *mapping, struct genops_config_backup_place *place, void **ret_own)
{
	genops_str rest = genops_str_skip(text, 5), bucket = genops_str_split(&rest, '/'), kept;
	if (!genops_arena_dup(in->arena, bucket, &kept) || !genops_arena_dup(in->arena, text, &place->text) ||
	    !set_prefix(in->arena, rest, &place->prefix))
		return genops_yaml_rows_fail(in, node, "write s3://bucket/prefix", "a backup's destination is too long");
	GENOPS_TRY(read_s3(in, node, kept, mapping, ret_own));
	place->s3 = *ret_own;
	return GENOPS_OK;
}

/* --- opening --- */

struct genops_backup_place *genops_backup_place_open(
    const struct genops_config_backup_place *settings, const volatile int *cancel, struct genops_error *err)
{
	const struct genops_backup_place_type *type = settings->s3 ? &genops_backup_place_s3 : &genops_backup_place_directory;
	struct genops_backup_place *place = calloc(1, type->size);
	if (!place) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a backup's place");
		return NULL;
	}
	*place = (struct genops_backup_place){type, settings, cancel};
	if (type->open(place, err) == GENOPS_OK)
		return place;
	genops_backup_place_close(place);
	return NULL;
}

void genops_backup_place_close(struct genops_backup_place *place)
{
	if (!place)
		return;
	place->type->close(place);
	free(place);
}

/* --- a place that somebody names --- */

static const char *get_variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static int set_directory(struct genops_backup_named *named, genops_str text, struct genops_error *err)
{
	char path[PATH_MAX], folder[PATH_MAX];
	bool is_whole = text.len && text.ptr[0] == '/';
	if (!text.len || text.len >= sizeof path || (!is_whole && !getcwd(folder, sizeof folder)))
		return genops_fail_fix(err, GENOPS_CONFIG, "name a directory, or s3://bucket/prefix", "there is no such place for a backup");
	if (snprintf(path, sizeof path, "%s%s%.*s", is_whole ? "" : folder, is_whole ? "" : "/", GENOPS_STR_ARG(text)) >= (int)sizeof path)
		return genops_fail(err, GENOPS_CONFIG, "the path of a backup is too long");
	bool ok = genops_arena_dup(&named->arena, genops_str_of(path), &named->settings.directory);
	named->settings.text = named->settings.directory;
	return ok ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for a backup's place");
}

int genops_backup_named_read(struct genops_backup_named *named, genops_str text, struct genops_error *err)
{
	const struct genops_yaml_variables variables = {.get = get_variable};
	struct genops_error own = {0};
	*named = (struct genops_backup_named){0};
	genops_arena_init(&named->arena, (size_t)1 << 20);
	if (!genops_backup_settings_is_s3(text))
		return set_directory(named, text, err);
	const struct genops_yaml_rows in = {.file = "", .arena = &named->arena, .variables = &variables, .err = err ? err : &own};
	const struct genops_yaml_node node = {.text = text};
	return genops_backup_settings_s3(&in, &node, text, NULL, &named->settings, &named->s3);
}

void genops_backup_named_forget(struct genops_backup_named *named)
{
	if (named->s3)
		genops_s3_form.done(named->s3);
	genops_arena_done(&named->arena);
}
