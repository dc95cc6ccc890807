/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression.c - see expression.h: what the parser has written becomes one immutable thing. */
#include "pipeline/expression.h"

#include "codec/json_scan.h"
#include "pipeline/expression/emit.h"
#include "pipeline/regex.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)4 << 20) /* of one expression: its texts and its code */

static void free_regexes(const struct genops_buffer *regexes)
{
	struct genops_regex *const *items = (const void *)regexes->ptr;
	for (size_t i = 0; i < regexes->len / sizeof *items; i++)
		genops_regex_free(items[i]);
}

static void parser_done(struct genops_parser *parser)
{
	genops_buffer_done(&parser->code);
	genops_buffer_done(&parser->places);
	genops_buffer_done(&parser->constants);
	genops_buffer_done(&parser->keys);
	genops_buffer_done(&parser->regexes);
}

/* A copy in the arena; *ret_n counts items of `size` bytes. */
static void *keep(struct genops_arena *arena, const struct genops_buffer *buf, size_t size, uint32_t *ret_n)
{
	void *copy = genops_arena_take(arena, buf->len + 1);
	if (copy && buf->len)
		memcpy(copy, buf->ptr, buf->len);
	*ret_n = (uint32_t)(buf->len / size);
	return copy;
}

static int keep_all(struct genops_expression *made, struct genops_parser *parser, struct genops_error *err)
{
	uint32_t n_places;
	made->code = keep(&made->arena, &parser->code, sizeof *made->code, &made->n_code);
	made->places = keep(&made->arena, &parser->places, sizeof *made->places, &n_places);
	made->constants = keep(&made->arena, &parser->constants, sizeof *made->constants, &made->n_constants);
	made->keys = keep(&made->arena, &parser->keys, sizeof *made->keys, &made->n_keys);
	struct genops_regex **regexes = keep(&made->arena, &parser->regexes, sizeof(struct genops_regex *), &made->n_regexes);
	if (!made->code || !made->places || !made->constants || !made->keys || !regexes) {
		made->n_regexes = 0;
		return genops_fail(err, GENOPS_NOMEM, "no memory for an expression"); /* the arena holds the longest */
	}
	made->regexes = regexes;
	return GENOPS_OK;
}

/* from SIZE_MAX: all of the source; else from there to a "}". *ret_end: behind the last that was read. */
static int compile(struct genops_expression *made, genops_str source, size_t from, size_t *ret_end, struct genops_error *err)
{
	struct genops_parser parser = {.landed = GENOPS_NO_JUMP};
	if (!genops_arena_dup(&made->arena, source, &made->source))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an expression");
	parser.lexer = (struct genops_lexer){.arena = &made->arena, .source = made->source, .err = err, .at = from == SIZE_MAX ? 0 : (uint32_t)from};
	genops_buffer_init(&parser.code, GENOPS_EXPRESSION_CODE_MAX * sizeof *made->code);
	genops_buffer_init(&parser.places, GENOPS_EXPRESSION_CODE_MAX * sizeof *made->places);
	genops_buffer_init(&parser.constants, GENOPS_EXPRESSION_CODE_MAX * sizeof *made->constants);
	genops_buffer_init(&parser.keys, GENOPS_EXPRESSION_CODE_MAX * sizeof *made->keys);
	genops_buffer_init(&parser.regexes, 64 * sizeof(struct genops_regex *));
	bool is_parsed = from == SIZE_MAX ? genops_parse_all(&parser) : genops_parse_to_brace(&parser);
	int code = is_parsed ? keep_all(made, &parser, err) : parser.lexer.code;
	*ret_end = parser.lexer.at;
	if (code != GENOPS_OK)
		free_regexes(&parser.regexes);
	parser_done(&parser);
	return code;
}

static int compile_new(genops_str source, size_t from, size_t *ret_end, struct genops_expression **ret, struct genops_error *err)
{
	if (source.len > GENOPS_EXPRESSION_LEN_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "compute parts of it in an eval before", "an expression over %zu bytes",
		    GENOPS_EXPRESSION_LEN_MAX);
	if (!genops_str_is_utf8(source))
		return genops_fail(err, GENOPS_SYNTAX, "an expression that is not UTF-8");
	struct genops_expression *made = calloc(1, sizeof *made);
	if (!made)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an expression");
	genops_arena_init(&made->arena, ARENA_MAX);
	size_t end;
	int code = compile(made, source, from, &end, err);
	if (code != GENOPS_OK) {
		genops_expression_free(made);
		return code;
	}
	*ret_end = end;
	*ret = made;
	return GENOPS_OK;
}

int genops_expression_compile(genops_str source, struct genops_expression **ret, struct genops_error *err)
{
	size_t end;
	return compile_new(source, SIZE_MAX, &end, ret, err);
}

int genops_expression_compile_in(genops_str source, size_t *at, struct genops_expression **ret, struct genops_error *err)
{
	return compile_new(source, *at, at, ret, err);
}

void genops_expression_free(struct genops_expression *expression)
{
	if (!expression)
		return;
	for (uint32_t i = 0; i < expression->n_regexes; i++)
		genops_regex_free(expression->regexes[i]);
	genops_arena_done(&expression->arena);
	free(expression);
}

bool genops_expression_names(const struct genops_expression *expression, genops_str name)
{
	for (uint32_t i = 0; i < expression->n_keys; i++) {
		if (genops_str_equal(expression->keys[i].text, name))
			return true;
	}
	return false;
}

bool genops_expression_is_about(const struct genops_expression *expression, struct genops_value event)
{
	bool reads_any = false;
	for (uint32_t i = 0; i < expression->n_code; i++) {
		const struct genops_instruction *instruction = &expression->code[i];
		if (instruction->op != OP_FIELD && instruction->op != OP_FIELD_MEMBER)
			continue;
		const struct genops_value *value = event.type == GENOPS_VALUE_OBJECT
						       ? genops_value_object_get(event.as.object, &expression->keys[instruction->a])
						       : NULL;
		if (value && instruction->op == OP_FIELD_MEMBER)
			value = value->type == GENOPS_VALUE_OBJECT
				    ? genops_value_object_get(value->as.object, &expression->keys[instruction->b])
				    : NULL;
		if (value && !genops_value_is_nullish(*value))
			return true;
		reads_any = true;
	}
	return !reads_any;
}

void genops_expression_run_done(struct genops_expression_run *run)
{
	genops_regex_space_free(run->regex_space);
	genops_buffer_done(&run->scratch);
	genops_json_scan_free(run->scan);
	genops_json_paths_free(run->paths);
	run->regex_space = NULL;
	run->scan = NULL;
	run->paths = NULL;
}

void genops_expression_caret(genops_str source, const struct genops_error *err, char *out, size_t size)
{
	enum { WIDTH = 100 };
	genops_str line = {0};
	for (int i = 0; i < err->line; i++)
		line = genops_str_split(&source, '\n');
	if (!size)
		return;
	out[0] = '\0';
	if (err->line < 1 || err->column < 1)
		return;
	/* From a bit before the place, at whole characters. */
	int column = 1, from = err->column > WIDTH / 2 ? err->column - WIDTH / 2 : 1;
	size_t at = 0, end;
	for (; at < line.len && column < from; column++)
		at += genops_str_utf8_sequence(genops_str_skip(line, at));
	end = at;
	for (int i = 0; end < line.len && i < WIDTH; i++)
		end += genops_str_utf8_sequence(genops_str_skip(line, end));
	char marked[WIDTH + 2] = "";
	int before = err->column - from < WIDTH ? err->column - from : WIDTH;
	memset(marked, ' ', (size_t)before);
	marked[before] = '^';
	marked[before + 1] = '\0';
	snprintf(out, size, "%.*s\n%s", (int)(end - at), line.ptr ? line.ptr + at : "", marked);
}
