/* SPDX-License-Identifier: Apache-2.0
 * engine/trial/pipeline_pack.c - see genops/pipeline.h: Cribl packs from the configuration, and into a directory. What is written from a pack was named by
 * somebody else: names are made of letters, digits, - and _ (pipeline/pack/), and nothing that is there is overwritten. */
#include <genops/pipeline.h>

#include "base/str.h"
#include "base/write.h"
#include "codec/json_write.h"
#include "engine/config/config_read.h"
#include "pipeline/pack/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_MAX ((size_t)8 << 20)

static int take_notes(const struct genops_pack *pack, bool as_text, char **ret_notes, struct genops_error *err)
{
	struct genops_buffer out;
	size_t len;
	genops_buffer_init(&out, NOTES_MAX);
	genops_buffer_add_text(&out, as_text ? "" : "[");
	for (size_t i = 0; i < pack->n_notes; i++) {
		const struct genops_pack_note *note = &pack->notes[i];
		if (as_text) {
			genops_buffer_printf(&out, "%s: %s\n", note->where.ptr, note->what.ptr);
			continue;
		}
		genops_buffer_add_text(&out, i ? ",{\"where\":" : "{\"where\":");
		genops_json_add_string(&out, note->where);
		genops_buffer_add_text(&out, ",\"what\":");
		genops_json_add_string(&out, note->what);
		genops_buffer_add_char(&out, '}');
	}
	genops_buffer_add_text(&out, as_text ? "" : "]\n");
	char *text = out.len || out.error ? genops_buffer_take(&out, &len) : strdup("");
	genops_buffer_done(&out);
	if (!text)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the notes of a pack");
	*ret_notes = text;
	return GENOPS_OK;
}

/* --- out --- */

static void take_document(void *arg, const struct genops_yaml_node *document)
{
	genops_pack_export_pipeline(arg, document);
}

static int add_tables(struct genops_pack_export *export, const struct genops_config *config, struct genops_error *err)
{
	for (size_t i = 0; i < export->n_lookups; i++) {
		for (size_t k = 0; k < config->n_lookups; k++) {
			const struct genops_lookup_settings *settings = &config->lookup_settings[k].settings;
			struct genops_buffer csv;
			if (!genops_str_equal(settings->id, export->lookups[i]))
				continue;
			GENOPS_TRY(genops_config_file_read(settings->file.ptr, GENOPS_LOOKUP_BYTES_MAX, &csv, err));
			genops_pack_export_lookup(export, settings->id, genops_buffer_view(&csv),
			    genops_lookup_table_n_rows(genops_lookups_find(config->lookups, settings->id)));
			genops_buffer_done(&csv);
		}
	}
	return GENOPS_OK;
}

static int export_all(struct genops_pack_export *export, const struct genops_engine_options *options, const char *name, struct genops_buffer *out,
    struct genops_error *err)
{
	struct genops_config_source source = {.without_prices = true, .on_pipeline = take_document, .on_pipeline_arg = export};
	if (options) {
		source.file = options->config_file;
		source.text = options->config_text;
		source.state_dir = options->state_dir;
	}
	struct genops_config *config = genops_config_load(&source, err);
	if (!config)
		return err->code;
	int code = config->n_pipelines ? add_tables(export, config, err)
				       : genops_fail_fix(err, GENOPS_CONFIG, "add pipelines to the configuration", "there is no pipeline to export");
	genops_config_unref(config);
	GENOPS_TRY(code);
	GENOPS_TRY(genops_pack_export_end(export, genops_str_of(name), err));
	return genops_pack_write(export->pack, out, err);
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);
	return len && len < 100 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

int genops_pipeline_export_pack(const struct genops_engine_options *options, const char *name, bool as_text, char **ret_pack, size_t *ret_len,
    char **ret_notes, struct genops_error *err)
{
	struct genops_error own;
	struct genops_pack pack;
	struct genops_buffer out;
	char *bytes = NULL, *notes = NULL;
	err = err ? err : &own;
	if (!is_name(name))
		return genops_fail_fix(err, GENOPS_CONFIG, "write letters, digits, - and _", "\"%.100s\" is no name for a pack", name);
	struct genops_pack_export *export = calloc(1, sizeof *export);
	if (!export)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pack");
	int code = genops_pack_init(&pack, err);
	if (code == GENOPS_OK) {
		genops_buffer_init(&out, GENOPS_PACK_BYTES_MAX);
		genops_pack_export_begin(export, &pack);
		code = export_all(export, options, name, &out, err);
		if (code == GENOPS_OK)
			code = take_notes(&pack, as_text, &notes, err);
		if (code == GENOPS_OK && !(bytes = genops_buffer_take(&out, ret_len)))
			code = genops_fail(err, GENOPS_NOMEM, "no memory for a pack");
		genops_buffer_done(&out);
		genops_buffer_done(&export->routes);
		genops_buffer_done(&export->outputs);
		genops_pack_done(&pack);
	}
	free(export);
	if (code != GENOPS_OK) {
		free(notes);
		return code;
	}
	*ret_pack = bytes;
	*ret_notes = notes;
	return GENOPS_OK;
}

/* --- in --- */

static int make_folder(const char *path, bool is_fresh, struct genops_error *err)
{
	struct dirent *entry;
	bool is_empty = true;
	if (mkdir(path, 0755) == 0)
		return GENOPS_OK;
	if (errno != EEXIST)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s", path);
	DIR *list = is_fresh ? opendir(path) : NULL;
	while (list && (entry = readdir(list)))
		is_empty &= !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (list)
		closedir(list);
	return is_empty ? GENOPS_OK : genops_fail_fix(err, GENOPS_EXISTS, "name another directory", "%s is not empty", path);
}

static int write_files(const struct genops_pack *pack, const char *directory, struct genops_error *err)
{
	char path[4096];
	GENOPS_TRY(make_folder(directory, true, err));
	snprintf(path, sizeof path, "%s/pipelines", directory);
	GENOPS_TRY(make_folder(path, false, err));
	for (size_t i = 0; i < pack->n_files; i++) {
		if (snprintf(path, sizeof path, "%s/%s", directory, pack->files[i].name.ptr) >= (int)sizeof path)
			return genops_fail(err, GENOPS_LIMIT, "the path is too long");
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0)
			return genops_fail_errno(err, GENOPS_IO, errno, "%s", path);
		bool is_written = genops_write_all(fd, pack->files[i].content);
		int failure = errno;
		if (close(fd) != 0 || !is_written)
			return genops_fail_errno(err, GENOPS_IO, failure, "%s", path);
	}
	return GENOPS_OK;
}

/* What was written must load. */
static void check(struct genops_pack *pack, const char *directory)
{
	char pipelines[4200], lookups[4200];
	struct genops_error why = {0};
	snprintf(pipelines, sizeof pipelines, "%s/pipelines/*.yaml", directory);
	snprintf(lookups, sizeof lookups, "%s/lookups.yaml", directory);
	const struct genops_config_source source = {.text = "{}",
	    .pipelines = pipelines,
	    .lookups = genops_pack_find(pack, "lookups.yaml").ptr ? lookups : NULL,
	    .without_prices = true};
	struct genops_config *config = genops_config_load(&source, &why);
	if (!config)
		genops_pack_note(pack, genops_str_of(why.file), "line %d: it does not load: %.300s", why.line, why.message);
	genops_config_unref(config);
}

int genops_pipeline_import_pack(genops_str bytes, const char *directory, bool as_text, char **ret_notes, struct genops_error *err)
{
	struct genops_error own;
	struct genops_pack in, out;
	err = err ? err : &own;
	GENOPS_TRY(genops_pack_init(&in, err));
	int code = genops_pack_init(&out, err);
	if (code != GENOPS_OK) {
		genops_pack_done(&in);
		return code;
	}
	code = genops_pack_read(bytes, &in, err);
	if (code == GENOPS_OK)
		code = genops_pack_import(&in, &out, err);
	if (code == GENOPS_OK)
		code = write_files(&out, directory, err);
	if (code == GENOPS_OK) {
		check(&out, directory);
		code = take_notes(&out, as_text, ret_notes, err);
	}
	genops_pack_done(&in);
	genops_pack_done(&out);
	return code;
}
