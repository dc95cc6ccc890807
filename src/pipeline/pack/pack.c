/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack.c - see pack.h: files and notes, and the archive around them. */
#include "pipeline/pack/pack.h"

#include "base/str.h"
#include "codec/compress.h"
#include "codec/json_write.h"
#include "codec/tar.h"

#include <stdarg.h>
#include <stdio.h>

int genops_pack_init(struct genops_pack *pack, struct genops_error *err)
{
	*pack = (struct genops_pack){0};
	genops_arena_init(&pack->arena, 2 * GENOPS_PACK_BYTES_MAX);
	pack->files = genops_arena_alloc(&pack->arena, GENOPS_PACK_FILES_MAX * sizeof *pack->files);
	pack->notes = genops_arena_alloc(&pack->arena, GENOPS_PACK_NOTES_MAX * sizeof *pack->notes);
	if (pack->files && pack->notes)
		return GENOPS_OK;
	genops_arena_done(&pack->arena);
	return genops_fail(err, GENOPS_NOMEM, "no memory for a pack");
}

void genops_pack_done(struct genops_pack *pack)
{
	genops_arena_done(&pack->arena);
}

void genops_pack_add(struct genops_pack *pack, genops_str name, genops_str content)
{
	struct genops_pack_file file;
	if (pack->n_files == GENOPS_PACK_FILES_MAX || !genops_arena_dup(&pack->arena, name, &file.name) ||
	    !genops_arena_dup(&pack->arena, content, &file.content)) {
		pack->is_full = true;
		return;
	}
	pack->files[pack->n_files++] = file;
}

void genops_pack_note(struct genops_pack *pack, genops_str where, const char *format, ...)
{
	char text[512];
	struct genops_pack_note note;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (pack->n_notes == GENOPS_PACK_NOTES_MAX || !genops_arena_dup(&pack->arena, where, &note.where) ||
	    !genops_arena_dup(&pack->arena, genops_str_of(text), &note.what))
		pack->is_full = true;
	else
		pack->notes[pack->n_notes++] = note;
}

genops_str genops_pack_find(const struct genops_pack *pack, const char *name)
{
	for (size_t i = 0; i < pack->n_files; i++) {
		if (genops_str_is(pack->files[i].name, name))
			return pack->files[i].content;
	}
	return (genops_str){0};
}

int genops_pack_write(const struct genops_pack *pack, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_buffer tar;
	genops_buffer_init(&tar, 2 * GENOPS_PACK_BYTES_MAX);
	for (size_t i = 0; i < pack->n_files; i++)
		genops_tar_add(&tar, pack->files[i].name, pack->files[i].content);
	genops_tar_end(&tar);
	int code = tar.error ? genops_fail(err, tar.error, "the pack is too large, or a name in it too long")
			     : genops_compress_encode(GENOPS_COMPRESS_GZIP, 0, genops_buffer_view(&tar), out, err);
	genops_buffer_done(&tar);
	return code;
}

static int read_files(genops_str archive, struct genops_pack *pack, struct genops_error *err)
{
	struct genops_tar_reader reader;
	genops_str name, content;
	int more;
	genops_tar_reader_init(&reader, archive);
	while ((more = genops_tar_next(&reader, &name, &content, err)) == 1) {
		genops_pack_add(pack, name, content);
		if (pack->is_full)
			return genops_fail(err, GENOPS_LIMIT, "the pack has more than %d files, or is too large", GENOPS_PACK_FILES_MAX);
	}
	return more;
}

int genops_pack_read(genops_str crbl, struct genops_pack *pack, struct genops_error *err)
{
	struct genops_buffer tar;
	genops_buffer_init(&tar, GENOPS_PACK_BYTES_MAX);
	int code = genops_compress_decode(GENOPS_COMPRESS_GZIP, crbl, &tar, err);
	if (code == GENOPS_OK)
		code = read_files(genops_buffer_view(&tar), pack, err);
	if (code == GENOPS_OK && !pack->n_files)
		code = genops_fail(err, GENOPS_SYNTAX, "the pack is empty");
	genops_buffer_done(&tar);
	return code;
}

/* --- YAML --- */

void genops_pack_yaml(struct genops_buffer *out, int depth, const char *format, ...)
{
	char line[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	genops_buffer_printf(out, "%*s%s\n", 2 * depth, "", line);
}

void genops_pack_yaml_text(struct genops_buffer *out, int depth, const char *key, genops_str text)
{
	genops_buffer_printf(out, "%*s%s: ", 2 * depth, "", key);
	genops_json_add_string(out, text);
	genops_buffer_add_char(out, '\n');
}
