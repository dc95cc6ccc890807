/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/condition/condition_operand.c - words, constants and paths of conditions, see condition_operand.h. */
#include "pipeline/collector/condition/condition_operand.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

/* --- words --- */

genops_condition_node_p genops_condition_operand_refuse(struct genops_condition_parser *p, size_t at, const char *fix, const char *format, ...)
{
	char message[256];
	va_list args;
	if (p->code != GENOPS_OK)
		return NULL;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	p->code = genops_fail_fix(p->err, GENOPS_SYNTAX, fix, "%s", message);
	genops_error_place(p->err, "", 1, (int)at + 1);
	return NULL;
}

genops_condition_node_p genops_condition_operand_node(struct genops_condition_parser *p, enum genops_condition_kind kind)
{
	genops_condition_node_p node = genops_arena_alloc(p->arena, sizeof *node);
	if (!node)
		p->code = genops_fail(p->err, GENOPS_NOMEM, "out of memory while reading the configuration");
	else
		node->kind = kind;
	return node;
}

void genops_condition_operand_skip(struct genops_condition_parser *p)
{
	while (p->at < p->text.len && strchr(" \t\r\n", p->text.ptr[p->at]) && p->text.ptr[p->at])
		p->at++;
}

char genops_condition_operand_peek(struct genops_condition_parser *p)
{
	genops_condition_operand_skip(p);
	return p->at < p->text.len ? p->text.ptr[p->at] : '\0';
}

bool genops_condition_operand_take(struct genops_condition_parser *p, const char *text)
{
	genops_condition_operand_skip(p);
	if (!genops_str_starts(genops_str_skip(p->text, p->at), genops_str_of(text)))
		return false;
	p->at += strlen(text);
	return true;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

genops_str genops_condition_operand_word(struct genops_condition_parser *p)
{
	genops_condition_operand_skip(p);
	size_t start = p->at;
	while (p->at < p->text.len && is_word(p->text.ptr[p->at]))
		p->at++;
	return (genops_str){p->text.ptr + start, p->at - start};
}

/* --- values --- */

static bool take_string(struct genops_condition_parser *p, genops_str *ret_text)
{
	static const char letters[] = "nrtabfv\"\\'", codes[] = "\n\r\t\a\b\f\v\"\\'";
	size_t start = p->at++, n = 0;
	char *text = genops_arena_take(p->arena, p->text.len - start + 1);
	if (!text) {
		p->code = genops_fail(p->err, GENOPS_NOMEM, "out of memory while reading the configuration");
		return false;
	}
	while (p->at < p->text.len && p->text.ptr[p->at] != '"') {
		char c = p->text.ptr[p->at++];
		if (c == '\\') {
			char next = p->at < p->text.len ? p->text.ptr[p->at++] : '\0';
			const char *found = next ? strchr(letters, next) : NULL;
			if (!found)
				return genops_condition_operand_refuse(p, p->at - 2, "write \\\\ for a backslash", "an escape that is not one") != NULL;
			c = codes[found - letters];
		}
		text[n++] = c;
	}
	if (p->at == p->text.len)
		return genops_condition_operand_refuse(p, start, "", "a text has no end") != NULL;
	p->at++;
	*ret_text = (genops_str){text, n};
	return true;
}

static genops_condition_node_p constant(struct genops_condition_parser *p, struct genops_otlp_value value)
{
	genops_condition_node_p node = genops_condition_operand_node(p, GENOPS_CONDITION_VALUE);
	if (node)
		node->value = value;
	return node;
}

static genops_condition_node_p parse_string(struct genops_condition_parser *p)
{
	struct genops_otlp_value value = {.type = GENOPS_OTLP_STRING};
	return take_string(p, &value.bytes) ? constant(p, value) : NULL;
}

static genops_condition_node_p parse_number(struct genops_condition_parser *p)
{
	size_t start = p->at;
	struct genops_otlp_value value = {.type = GENOPS_OTLP_INT};
	if (genops_condition_operand_peek(p) == '+' || genops_condition_operand_peek(p) == '-')
		p->at++;
	while (p->at < p->text.len && (is_word(p->text.ptr[p->at]) || p->text.ptr[p->at] == '.'))
		p->at++;
	genops_str text = {p->text.ptr + start, p->at - start};
	if (text.len && text.ptr[0] == '+')
		text = genops_str_skip(text, 1);
	if (genops_str_to_int(text, &value.integer))
		return constant(p, value);
	value.type = GENOPS_OTLP_DOUBLE;
	if (genops_str_to_double(text, &value.number))
		return constant(p, value);
	return genops_condition_operand_refuse(p, start, "", "\"%.*s\" is no number", text.len > 40 ? 40 : (int)text.len, text.ptr ? text.ptr : "");
}

/* SpanID(0x...), TraceID(0x...), behind the name. */
static genops_condition_node_p parse_id(struct genops_condition_parser *p, size_t n)
{
	size_t start = p->at;
	uint8_t *id = genops_arena_alloc(p->arena, n);
	if (!id || !genops_condition_operand_take(p, "("))
		return genops_condition_operand_refuse(p, start, "", "%s expected", "(");
	bool is_hex = genops_condition_operand_take(p, "0x");
	genops_str digits = genops_condition_operand_word(p);
	if (!is_hex || !genops_str_from_hex(digits, id, n) || !genops_condition_operand_take(p, ")"))
		return genops_condition_operand_refuse(p, start, n == 8 ? "SpanID(0x0123456789abcdef)" : "TraceID(0x...) with 32 hex digits", "%zu bytes in hex expected", n);
	return constant(p, (struct genops_otlp_value){.type = GENOPS_OTLP_BYTES, .bytes = {(const char *)id, n}});
}

static bool parse_keys(struct genops_condition_parser *p, genops_condition_node_p node)
{
	struct genops_condition_key keys[GENOPS_CONDITION_KEYS_MAX];
	while (genops_condition_operand_take(p, "[")) {
		struct genops_condition_key key = {0};
		size_t start = p->at;
		if (node->n_keys == GENOPS_CONDITION_KEYS_MAX)
			return genops_condition_operand_refuse(p, start, "", "more than %d keys behind one another", GENOPS_CONDITION_KEYS_MAX) != NULL;
		if (genops_condition_operand_peek(p) == '"') {
			if (!take_string(p, &key.text))
				return false;
		} else {
			key.is_index = true;
			if (!genops_str_to_int(genops_condition_operand_word(p), &key.index) || key.index < 0)
				return genops_condition_operand_refuse(p, start, "put a key in double quotes", "a text or a number expected in brackets") != NULL;
		}
		if (!genops_condition_operand_take(p, "]"))
			return genops_condition_operand_refuse(p, p->at, "", "] expected") != NULL;
		keys[node->n_keys++] = key;
	}
	if (!node->n_keys)
		return true;
	node->keys = genops_arena_take(p->arena, node->n_keys * sizeof *keys);
	if (!node->keys) {
		p->code = genops_fail(p->err, GENOPS_NOMEM, "out of memory while reading the configuration");
		return false;
	}
	memcpy(node->keys, keys, node->n_keys * sizeof *keys);
	return true;
}

/* --- paths --- */

/* Whose value may a condition of this context ask for? Its own, and of what it is in. */
static bool may_ask(enum genops_condition_context who, enum genops_condition_context whom)
{
	if (whom == who || whom == GENOPS_CONDITION_RESOURCE)
		return true;
	if (whom == GENOPS_CONDITION_SCOPE)
		return who != GENOPS_CONDITION_RESOURCE;
	return (who == GENOPS_CONDITION_SPANEVENT && whom == GENOPS_CONDITION_SPAN) ||
	       (who == GENOPS_CONDITION_DATAPOINT && whom == GENOPS_CONDITION_METRIC);
}

static bool is_of_signal(enum genops_signal signal, enum genops_condition_context context)
{
	switch (context) {
	case GENOPS_CONDITION_SPAN:
	case GENOPS_CONDITION_SPANEVENT:
		return signal == GENOPS_SIGNAL_TRACES;
	case GENOPS_CONDITION_METRIC:
	case GENOPS_CONDITION_DATAPOINT:
		return signal == GENOPS_SIGNAL_METRICS;
	case GENOPS_CONDITION_LOG:
		return signal == GENOPS_SIGNAL_LOGS;
	default:
		return true;
	}
}

static bool find_context(genops_str word, enum genops_condition_context *ret_context)
{
	for (int i = 0; i < GENOPS_CONDITION_INFERRED; i++) {
		*ret_context = (enum genops_condition_context)i;
		if (genops_str_is(word, genops_condition_context_name(*ret_context)))
			return true;
	}
	*ret_context = GENOPS_CONDITION_SCOPE;
	return genops_str_is(word, "instrumentation_scope");
}

/* Of all that is asked about, what is a part of the others. */
void genops_condition_operand_infer(struct genops_condition_parser *p, enum genops_condition_context context)
{
	if (p->is_inferred && (p->context == GENOPS_CONDITION_INFERRED || context > p->context))
		p->context = context;
}

/* Cuts "span." off; without one it is the condition's own. */
static bool take_context(struct genops_condition_parser *p, size_t start, genops_str *path, enum genops_condition_context *ret_context)
{
	genops_str rest = *path, first = genops_str_split(&rest, '.');
	enum genops_condition_context context;
	if (!rest.ptr || !find_context(first, &context)) {
		*ret_context = p->context;
		if (p->is_inferred)
			return genops_condition_operand_refuse(p, start, "write span.name, resource.attributes[...] and so on", "\"%.*s\" does not say of what it is",
				   path->len > 60 ? 60 : (int)path->len, path->ptr) != NULL;
		return true;
	}
	*path = rest;
	*ret_context = context;
	if (p->is_inferred && is_of_signal(p->signal, context)) {
		genops_condition_operand_infer(p, context);
		return true;
	}
	if (!p->is_inferred && may_ask(p->context, context))
		return true;
	return genops_condition_operand_refuse(p, start, "", "there is no %.*s here", GENOPS_STR_ARG(first)) != NULL;
}

static const struct genops_condition_path *find_path(
    struct genops_condition_parser *p, size_t start, enum genops_condition_context context, genops_str name)
{
	const char *names[32];
	char fix[96] = "";
	size_t n = 0;
	for (const struct genops_condition_path *path = genops_condition_paths; path->name; path++) {
		if (path->context != context)
			continue;
		if (genops_str_is(name, path->name))
			return path;
		if (n < 32)
			names[n++] = path->name;
	}
	const char *nearest = genops_str_nearest(name, names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean %s?", nearest);
	genops_condition_operand_refuse(p, start, fix, "\"%.*s\" is not done here, or is nothing that a %s has", name.len > 60 ? 60 : (int)name.len, name.ptr,
	    genops_condition_context_name(context));
	return NULL;
}

static genops_condition_node_p parse_path(struct genops_condition_parser *p, size_t start)
{
	enum genops_condition_context context;
	genops_condition_node_p node = genops_condition_operand_node(p, GENOPS_CONDITION_PATH);
	while (p->at < p->text.len && (is_word(p->text.ptr[p->at]) || p->text.ptr[p->at] == '.'))
		p->at++;
	genops_str path = {p->text.ptr + start, p->at - start};
	if (!node || !take_context(p, start, &path, &context))
		return NULL;
	node->path = find_path(p, start, context, path);
	if (!node->path || !parse_keys(p, node))
		return NULL;
	bool takes_keys = node->path->read == GENOPS_CONDITION_ATTRIBUTES || node->path->read == GENOPS_CONDITION_ANY;
	if (node->n_keys && !takes_keys)
		return genops_condition_operand_refuse(p, start, "", "%s has no keys", node->path->name);
	if (node->n_keys && node->keys[0].is_index && node->path->read == GENOPS_CONDITION_ATTRIBUTES)
		return genops_condition_operand_refuse(p, start, "put it in double quotes", "an attribute's key is a text");
	return node;
}

genops_condition_node_p genops_condition_operand_parse(struct genops_condition_parser *p)
{
	size_t start = (genops_condition_operand_skip(p), p->at);
	int64_t number;
	char c = genops_condition_operand_peek(p);
	if (c == '"')
		return parse_string(p);
	if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.')
		return parse_number(p);
	genops_str word = genops_condition_operand_word(p);
	if (genops_str_is(word, "nil"))
		return constant(p, (struct genops_otlp_value){0});
	if (genops_str_is(word, "true") || genops_str_is(word, "false"))
		return constant(p, (struct genops_otlp_value){.type = GENOPS_OTLP_BOOL, .integer = word.len == 4});
	if (genops_condition_enum(word, &number))
		return constant(p, (struct genops_otlp_value){.type = GENOPS_OTLP_INT, .integer = number});
	if (genops_str_is(word, "SpanID") || genops_str_is(word, "TraceID"))
		return parse_id(p, word.len == 6 ? 8 : 16);
	if (!word.len)
		return genops_condition_operand_refuse(p, start, "", "a value expected");
	if (word.ptr[0] >= 'A' && word.ptr[0] <= 'Z')
		return genops_condition_operand_refuse(p, start, "see docs/collector.md for what is", "%.*s is not done here", word.len > 60 ? 60 : (int)word.len, word.ptr);
	return parse_path(p, start);
}
