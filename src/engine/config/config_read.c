/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_read.c - what every section's reader says: what is wrong, and what looks wrong. See config_read.h. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

int genops_config_read_place(struct genops_config_reader *reader, const struct genops_yaml_node *node, int code)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	return genops_yaml_rows_place(&in, node, code);
}

int genops_config_read_missing(struct genops_config_reader *reader, const struct genops_yaml_node *node, int code)
{
	if (code == GENOPS_IO) {
		reader->err->code = code = GENOPS_CONFIG;
		if (!reader->err->fix[0])
			snprintf(reader->err->fix, sizeof reader->err->fix, "name a file that is there and can be read");
	}
	return genops_config_read_place(reader, node, code);
}

int genops_config_read_no_memory(struct genops_config_reader *reader)
{
	return genops_fail(reader->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

int genops_config_read_warn(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...)
{
	struct genops_config *config = reader->config;
	char message[512];
	va_list args;
	if (config->n_warnings == GENOPS_CONFIG_WARNINGS_MAX)
		return GENOPS_OK;
	if (!config->warnings)
		config->warnings = genops_arena_alloc(
		    reader->arena, GENOPS_CONFIG_WARNINGS_MAX * sizeof *config->warnings);
	if (!config->warnings)
		return genops_config_read_no_memory(reader);
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	struct genops_config_warning warning = {.line = node ? node->line : 0, .column = node ? node->column : 0};
	const char *file = reader->is_in_document ? reader->file : "";
	if (!genops_arena_dup(reader->arena, genops_str_of(message), &warning.message) ||
	    !genops_arena_dup(reader->arena, genops_str_of(fix), &warning.fix) ||
	    !genops_arena_dup(reader->arena, genops_str_of(file), &warning.file))
		return genops_config_read_no_memory(reader);
	config->warnings[config->n_warnings++] = warning;
	return GENOPS_OK;
}

int genops_config_read_fail(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...)
{
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return genops_yaml_rows_fail(&in, node, fix, "%s", message);
}
