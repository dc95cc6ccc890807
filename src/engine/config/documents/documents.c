/* SPDX-License-Identifier: Apache-2.0
 * engine/config/documents/documents.c - walks the documents of a section, in the configuration and in files; see documents.h. Every file and
 * every glob is watched, so that a changed, added or removed one is a changed configuration. */
#include "engine/config/documents/documents.h"

#include "base/str.h"

#include <glob.h>

struct walk {
	const char *what;
	enum genops_config_part part;
	genops_config_document_fn *fn;
	void *arg;
	size_t n; /* so far */
};

static int take(struct genops_config_reader *reader, const struct genops_yaml_node *document, struct walk *walk)
{
	if (walk->n == GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, document, NULL, "there are more than %d documents in this section", GENOPS_CONFIG_ITEMS_MAX);
	walk->n++;
	GENOPS_TRY(genops_config_read_expect(reader, document, walk->what, GENOPS_YAML_MAPPING));
	return walk->fn(reader, document, walk->arg);
}

/* A document of a file may also be a list of them. */
static int take_all(struct genops_config_reader *reader, const struct genops_yaml *yaml, struct walk *walk)
{
	size_t n = walk->n;
	for (size_t i = 0; i < yaml->n_documents; i++) {
		const struct genops_yaml_node *document = yaml->documents[i];
		if (genops_yaml_is_null(document))
			continue;
		if (document->kind != GENOPS_YAML_SEQUENCE) {
			GENOPS_TRY(take(reader, document, walk));
			continue;
		}
		for (const struct genops_yaml_entry *entry = document->first; entry; entry = entry->next)
			GENOPS_TRY(take(reader, entry->value, walk));
	}
	if (walk->n == n)
		return genops_config_read_warn(reader, NULL, "write one, or leave the file away", "%s holds no document", reader->file);
	return GENOPS_OK;
}

static int read_text(struct genops_config_reader *reader, genops_str text, struct walk *walk)
{
	struct genops_yaml *yaml = NULL;
	if (!genops_str_trim(text).len &&
	    !genops_arena_dup(reader->arena, genops_str_of(reader->file), &reader->config->blank_document))
		return genops_config_read_no_memory(reader);
	int code = genops_yaml_parse(reader->file, text, &yaml, reader->err);
	if (code != GENOPS_OK)
		return code;
	code = take_all(reader, yaml, walk);
	genops_yaml_free(yaml);
	return code;
}

/* `path` lives as long as the configuration. */
static int read_file(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str path, struct walk *walk)
{
	struct genops_buffer text;
	const char *file = reader->file;
	genops_str folder = reader->folder;
	const char *slash = strrchr(path.ptr, '/');
	GENOPS_TRY(genops_config_file_watch(reader, path));
	reader->config->watches[reader->config->n_watches - 1].part = walk->part;
	int code = genops_config_file_read(path.ptr, GENOPS_YAML_BYTES_MAX, &text, reader->err);
	if (code != GENOPS_OK)
		return genops_config_read_missing(reader, node, code);
	reader->file = path.ptr;
	reader->is_in_document = true;
	if (slash)
		reader->folder = (genops_str){path.ptr, slash == path.ptr ? 1 : (size_t)(slash - path.ptr)};
	code = read_text(reader, genops_buffer_view(&text), walk);
	reader->file = file;
	reader->folder = folder;
	reader->is_in_document = false;
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap); /* keys may stand in it */
	genops_buffer_done(&text);
	return code;
}

static int read_matches(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, const glob_t *matches, struct walk *walk)
{
	if (matches->gl_pathc > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(reader, node, NULL, "the pattern fits more than %d files", GENOPS_CONFIG_ITEMS_MAX);
	for (size_t i = 0; i < matches->gl_pathc; i++) {
		genops_str path;
		if (!genops_arena_dup(reader->arena, genops_str_of(matches->gl_pathv[i]), &path))
			return genops_config_read_no_memory(reader);
		GENOPS_TRY(read_file(reader, node, path, walk));
	}
	return GENOPS_OK;
}

static int read_glob(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str pattern, struct walk *walk)
{
	glob_t matches = {0};
	GENOPS_TRY(genops_config_file_watch_glob(reader, pattern));
	int result = glob(pattern.ptr, 0, NULL, &matches);
	int code = GENOPS_OK;
	if (result == GLOB_NOSPACE)
		code = genops_config_read_no_memory(reader);
	else if (result == GLOB_NOMATCH)
		code = genops_config_read_warn(
		    reader, node, "correct the pattern, or take the entry out", "no file fits %.400s yet", pattern.ptr);
	else if (result != 0)
		code = genops_config_read_fail(reader, node, "correct its permissions", "%.400s cannot be looked through", pattern.ptr);
	else
		code = read_matches(reader, node, &matches, walk);
	globfree(&matches);
	return code;
}

/* `text` in its folder as a pattern: what looks like one in the folder's own name is none. */
static bool make_pattern(struct genops_arena *arena, genops_str path, genops_str text, genops_str *ret)
{
	char *out = genops_arena_take(arena, 2 * path.len + 1);
	size_t folder = genops_str_ends(path, text) ? path.len - text.len : 0, n = 0;
	for (size_t i = 0; out && i < path.len; i++) {
		if (i < folder && strchr("*?[]\\", path.ptr[i]))
			out[n++] = '\\';
		out[n++] = path.ptr[i];
	}
	if (!out)
		return false;
	out[n] = '\0';
	*ret = (genops_str){out, n};
	return true;
}

static int read_path(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct walk *walk)
{
	genops_str text, path;
	GENOPS_TRY(genops_config_read_text(reader, node, walk->what, &text));
	int code = text.len ? genops_config_file_path(reader, text, reader->folder, &path) : GENOPS_OK;
	if (!text.len)
		return genops_config_read_fail(reader, node, "write a path, or the document itself", "an empty path");
	GENOPS_TRY(genops_config_read_place(reader, node, code));
	if (!strpbrk(text.ptr, "*?["))
		return read_file(reader, node, path, walk);
	return make_pattern(reader->arena, path, text, &path) ? read_glob(reader, node, path, walk) : genops_config_read_no_memory(reader);
}

static int read_one(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct walk *walk)
{
	return node->kind == GENOPS_YAML_SCALAR ? read_path(reader, node, walk) : take(reader, node, walk);
}

int genops_config_documents_each(struct genops_config_reader *reader, const struct genops_yaml_node *section, const char *what,
    enum genops_config_part part, genops_config_document_fn *fn, void *arg)
{
	struct walk walk = {what, part, fn, arg, 0};
	if (!section || genops_yaml_is_null(section))
		return GENOPS_OK;
	if (section->kind != GENOPS_YAML_SEQUENCE)
		return read_one(reader, section, &walk);
	for (const struct genops_yaml_entry *entry = section->first; entry; entry = entry->next)
		GENOPS_TRY(read_one(reader, entry->value, &walk));
	return GENOPS_OK;
}
