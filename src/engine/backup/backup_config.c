/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_config.c - see backup_config.h. What is packed is what is on disk now: a file that changed since the snapshot was made goes along
 * as it is. */
#include "engine/backup/backup_config.h"
#include "engine/backup/backup_secrets.h"

#include "base/str.h"
#include "codec/yaml.h"
#include "engine/config/config_read.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX ((size_t)256 << 20)

struct packing {
	struct genops_backup_archive *archive;
	const struct genops_config *config;
	char folder[PATH_MAX];          /* of the configuration's file, real */
	char name[PATH_MAX + 16];       /* of the file that is being packed */
};

static void folder_of(const struct genops_config *config, char out[PATH_MAX])
{
	char path[PATH_MAX];
	out[0] = '\0';
	if (!config->file.len || !realpath(config->file.ptr, path))
		return;
	char *slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	snprintf(out, PATH_MAX, "%s", path);
}

/* Where a file stands in the archive. False: it is not there any more. */
static bool name_of(const char *folder, const char *path, char out[PATH_MAX + 16])
{
	char real[PATH_MAX];
	size_t n = strlen(folder);
	if (!realpath(path, real))
		return false;
	bool is_inside = n && !strncmp(real, folder, n) && (real[n] == '/' || !strcmp(folder, "/"));
	const char *inner = real + n + (is_inside && real[n] == '/');
	snprintf(out, PATH_MAX + 16, "%s%s", is_inside ? "" : "outside", is_inside ? inner : real);
	return true;
}

void genops_backup_config_main(const struct genops_config *config, char ret_name[256])
{
	char folder[PATH_MAX], name[PATH_MAX + 16];
	ret_name[0] = '\0';
	folder_of(config, folder);
	if (config->file.len && name_of(folder, config->file.ptr, name))
		snprintf(ret_name, 256, "%.255s", name);
}

static void on_secret(void *arg, const char *variable, int line, genops_str key)
{
	struct packing *packing = arg;
	genops_backup_archive_secret(packing->archive, variable, genops_str_of(packing->name), line, key);
}

static bool is_document(enum genops_config_part part)
{
	return part != GENOPS_PART_TABLES && part != GENOPS_PART_PRICES;
}

/* Documents of pipelines and lookups hold expressions and names, where a word like "token" is no credential. */
static bool may_have_secrets(enum genops_config_part part)
{
	return part == GENOPS_PART_MAIN || part == GENOPS_PART_SOURCES || part == GENOPS_PART_DESTINATIONS;
}

static int pack_one(struct packing *packing, const struct genops_config_watch *watch, struct genops_error *err)
{
	struct genops_buffer text, masked;
	GENOPS_TRY(genops_config_file_read(watch->path.ptr, is_document(watch->part) ? GENOPS_YAML_BYTES_MAX : FILE_MAX, &text, err));
	genops_buffer_init(&masked, 2 * GENOPS_YAML_BYTES_MAX);
	genops_str content = genops_buffer_view(&text);
	int code = GENOPS_OK;
	if (may_have_secrets(watch->part)) {
		code = genops_backup_secrets_mask(watch->path.ptr, content, &packing->archive->n_masked, on_secret, packing, &masked, err);
		content = genops_buffer_view(&masked);
	}
	if (code == GENOPS_OK)
		code = genops_backup_archive_text(packing->archive, genops_str_of(packing->name), content, watch->path, err);
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap);
	genops_buffer_done(&text);
	genops_buffer_done(&masked);
	return code;
}

/* One file may be named twice. */
static bool is_repeated(const struct genops_config *config, size_t i, const char *folder, const char *name)
{
	char other[PATH_MAX + 16];
	for (size_t j = 0; j < i; j++) {
		const struct genops_config_watch *watch = &config->watches[j];
		if (watch->part && watch->is_there && !watch->is_glob && name_of(folder, watch->path.ptr, other) && !strcmp(name, other))
			return true;
	}
	return false;
}

int genops_backup_config_pack(
    struct genops_backup_archive *archive, const struct genops_config *config, unsigned includes, struct genops_error *err)
{
	struct packing packing = {.archive = archive, .config = config};
	folder_of(config, packing.folder);
	if (!packing.folder[0])
		return genops_fail_fix(err, GENOPS_CONFIG, "make one with genops init, or name it with --config", "there is no configuration file to back up");
	for (size_t i = 0; i < config->n_watches; i++) {
		const struct genops_config_watch *watch = &config->watches[i];
		bool is_wanted = watch->part && (includes & 1U << watch->part) && watch->is_there && !watch->is_glob;
		if (!is_wanted || !name_of(packing.folder, watch->path.ptr, packing.name) || is_repeated(config, i, packing.folder, packing.name))
			continue;
		GENOPS_TRY(pack_one(&packing, watch, err));
	}
	return GENOPS_OK;
}
