/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_manifest.c - see backup_manifest.h. */
#include "engine/backup/backup_manifest.h"

#include "base/str.h"
#include "engine/backup/backup_archive.h"
#include "pipeline/value.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)512 << 20)

static const struct genops_value *get(const struct genops_value_object *object, const char *name)
{
	struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	return genops_value_object_get(object, &key);
}

static genops_str get_text(const struct genops_value_object *object, const char *name)
{
	const struct genops_value *value = get(object, name);
	return value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : (genops_str){0};
}

/* Below 2^53, which files are; times lose less than a microsecond. */
static bool get_count(const struct genops_value_object *object, const char *name, double max, double *ret)
{
	const struct genops_value *value = get(object, name);
	if (!value || value->type != GENOPS_VALUE_NUMBER || !(value->as.number >= 0 && value->as.number <= max))
		return false;
	*ret = value->as.number;
	return true;
}

static int compare(genops_str a, genops_str b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
	const struct genops_backup_entry *left = a, *right = b;
	return compare(left->name, right->name);
}

static bool read_entry(const struct genops_value *value, struct genops_backup_entry *entry)
{
	double bytes;
	if (value->type != GENOPS_VALUE_OBJECT)
		return false;
	entry->name = get_text(value->as.object, "name");
	if (!entry->name.len || !get_count(value->as.object, "bytes", (double)GENOPS_TAR_SIZE_MAX, &bytes) ||
	    !genops_str_from_hex(get_text(value->as.object, "sha256"), entry->sha256, sizeof entry->sha256))
		return false;
	entry->bytes = (uint64_t)bytes;
	return true;
}

static bool read_entries(struct genops_backup_manifest *manifest, const struct genops_value *files)
{
	if (!files || files->type != GENOPS_VALUE_LIST || files->as.list->n > GENOPS_BACKUP_FILES_MAX)
		return false;
	manifest->entries = genops_arena_alloc(&manifest->arena, (files->as.list->n + 1) * sizeof *manifest->entries);
	for (size_t i = 0; manifest->entries && i < files->as.list->n; i++) {
		if (!read_entry(&files->as.list->items[i], &manifest->entries[i]))
			return false;
		manifest->n_entries++;
	}
	if (!manifest->entries)
		return false;
	qsort(manifest->entries, manifest->n_entries, sizeof *manifest->entries, by_name);
	for (size_t i = 1; i < manifest->n_entries; i++) {
		if (genops_str_equal(manifest->entries[i - 1].name, manifest->entries[i].name))
			return false;
	}
	return true;
}

static void read_secrets(struct genops_backup_manifest *manifest, const struct genops_value *secrets)
{
	size_t n = 0;
	if (!secrets || secrets->type != GENOPS_VALUE_LIST)
		return;
	manifest->n_secrets = secrets->as.list->n;
	for (size_t i = 0; i < secrets->as.list->n; i++) {
		const struct genops_value *one = &secrets->as.list->items[i];
		genops_str name = one->type == GENOPS_VALUE_OBJECT ? get_text(one->as.object, "variable") : (genops_str){0};
		bool is_plain = name.len > 0 && name.len < 200;
		for (size_t j = 0; j < name.len; j++)
			is_plain = is_plain && (name.ptr[j] == '_' || (name.ptr[j] >= '0' && name.ptr[j] <= '9') || (name.ptr[j] >= 'A' && name.ptr[j] <= 'Z'));
		if (is_plain && n + name.len + 3 < sizeof manifest->variables)
			n += (size_t)snprintf(manifest->variables + n, sizeof manifest->variables - n, "%s%.*s", n ? ", " : "", GENOPS_STR_ARG(name));
	}
}

int genops_backup_manifest_read(genops_str json, struct genops_backup_manifest *ret_manifest, struct genops_error *err)
{
	struct genops_value value = {0};
	struct genops_error cause = {0};
	double format = 0, unix_ns = 0;
	*ret_manifest = (struct genops_backup_manifest){0};
	genops_arena_init(&ret_manifest->arena, ARENA_MAX);
	int code = genops_value_from_json(json, &ret_manifest->arena, &value, &cause);
	if (code == GENOPS_NOMEM)
		return genops_fail(err, code, "no memory for an archive's manifest");
	bool ok = code == GENOPS_OK && value.type == GENOPS_VALUE_OBJECT && get_count(value.as.object, "format", 1e9, &format);
	if (ok && format > 1)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "restore it with that version", "the archive was made by a newer GenOps");
	genops_str kind = ok ? get_text(value.as.object, "kind") : (genops_str){0};
	ret_manifest->kind = genops_str_is(kind, "state") ? GENOPS_BACKUP_STATE : GENOPS_BACKUP_CONFIG;
	ok = ok && (genops_str_is(kind, "state") || genops_str_is(kind, "config")) && get_count(value.as.object, "time_unix_ns", 9e18, &unix_ns) &&
	     read_entries(ret_manifest, get(value.as.object, "files"));
	if (!ok)
		return genops_fail(err, GENOPS_SYNTAX, "the archive's " GENOPS_BACKUP_MANIFEST " is damaged");
	ret_manifest->unix_ns = (int64_t)unix_ns;
	ret_manifest->main = get_text(value.as.object, "main");
	read_secrets(ret_manifest, get(value.as.object, "secrets"));
	return GENOPS_OK;
}

void genops_backup_manifest_done(struct genops_backup_manifest *manifest)
{
	genops_arena_done(&manifest->arena);
}

const struct genops_backup_entry *genops_backup_manifest_find(const struct genops_backup_manifest *manifest, genops_str name)
{
	const struct genops_backup_entry wanted = {.name = name};
	return manifest->n_entries ? bsearch(&wanted, manifest->entries, manifest->n_entries, sizeof wanted, by_name) : NULL;
}
