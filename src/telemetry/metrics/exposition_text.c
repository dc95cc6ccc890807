/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/exposition_text.c - see exposition_text.h. */
#include "telemetry/metrics/exposition_text.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A family of a text: its two head lines and its samples. */
struct block {
	genops_str name, type, all, samples;
	bool is_taken;
};

/* "# HELP name ..." or "# TYPE name ..." */
static bool is_head(genops_str line, const char *what, genops_str *ret_name, genops_str *ret_rest)
{
	genops_str prefix = genops_str_of(what);
	if (!genops_str_starts(line, prefix))
		return false;
	*ret_rest = genops_str_skip(line, prefix.len);
	*ret_name = genops_str_split(ret_rest, ' ');
	return true;
}

/* The next family. What stands before the first head is passed over. False: there are no more. */
static bool next_block(genops_str *rest, struct block *ret_block)
{
	struct block block = {.is_taken = false};
	if (!rest->len)
		return false;
	const char *end = rest->ptr + rest->len;
	while (rest->len) {
		genops_str before = *rest, line = genops_str_split(rest, '\n'), name, more;
		bool is_help = is_head(line, "# HELP ", &name, &more), is_type = !is_help && is_head(line, "# TYPE ", &name, &more);
		if ((is_help || is_type) && block.name.len && !genops_str_equal(name, block.name)) {
			*rest = before;
			break;
		}
		if (is_help || is_type) {
			if (!block.name.len)
				block.all.ptr = before.ptr;
			block.name = name;
			if (is_type)
				block.type = more;
			block.samples.ptr = rest->len ? rest->ptr : end;
		}
	}
	const char *stop = rest->len ? rest->ptr : end;
	if (!block.name.len)
		return false;
	block.all.len = (size_t)(stop - block.all.ptr);
	block.samples.len = (size_t)(stop - block.samples.ptr);
	*ret_block = block;
	return true;
}

size_t genops_exposition_series_len(genops_str line)
{
	bool is_quoted = false, has_labels = false;
	for (size_t i = 0; i < line.len; i++) {
		char c = line.ptr[i];
		if (is_quoted && c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (c == '{')
			has_labels = true;
		else if (!is_quoted && c == '}')
			return i + 1;
		else if (!is_quoted && !has_labels && c == ' ')
			return i;
	}
	return line.len;
}

static bool has_series(genops_str samples, genops_str series)
{
	while (samples.len) {
		genops_str line = genops_str_split(&samples, '\n');
		if (line.len > series.len && line.ptr[series.len] == ' ' && genops_str_starts(line, series))
			return true;
	}
	return false;
}

static bool is_structured(genops_str type)
{
	return genops_str_is(type, "histogram") || genops_str_is(type, "summary");
}

static void add_others(const struct block *own, struct block *other, struct genops_buffer *out)
{
	genops_str rest = other->samples;
	other->is_taken = true;
	if ((is_structured(own->type) || is_structured(other->type)) && !genops_str_equal(own->type, other->type))
		return;
	while (rest.len) {
		genops_str line = genops_str_split(&rest, '\n'), series = {line.ptr, genops_exposition_series_len(line)};
		if (!line.len || has_series(own->samples, series))
			continue;
		genops_buffer_add(out, line);
		genops_buffer_add_char(out, '\n');
	}
}

int genops_exposition_join(genops_str own, genops_str other, struct genops_buffer *out)
{
	struct block block, *blocks;
	genops_str rest = other;
	size_t n = 0, i = 0;
	while (next_block(&rest, &block))
		n++;
	blocks = calloc(n + 1, sizeof *blocks);
	if (!blocks)
		return GENOPS_NOMEM;
	for (rest = other; i < n; i++)
		(void)next_block(&rest, &blocks[i]);
	while (next_block(&own, &block)) {
		genops_buffer_add(out, block.all);
		for (i = 0; i < n; i++) {
			if (genops_str_equal(blocks[i].name, block.name))
				add_others(&block, &blocks[i], out);
		}
	}
	for (i = 0; i < n; i++) {
		if (!blocks[i].is_taken)
			genops_buffer_add(out, blocks[i].all);
	}
	free(blocks);
	return GENOPS_OK;
}

/* --- dressing --- */

static void add_name(const struct genops_exposition_dress *dress, genops_str name, struct genops_buffer *out)
{
	if (dress->namespace_text.len) {
		genops_buffer_add(out, dress->namespace_text);
		genops_buffer_add_char(out, '_');
	}
	genops_buffer_add(out, name);
}

/* OpenMetrics has counters' families without _total, and knows no counter whose samples are without it. */
static void add_heads(const struct genops_exposition_dress *dress, const struct block *block, struct genops_buffer *out)
{
	genops_str rest = block->all, name = block->name, type = block->type, help, of;
	if (dress->is_open_metrics && genops_str_is(type, "counter")) {
		if (genops_str_ends(name, GENOPS_STR("_total")))
			name.len -= strlen("_total");
		else
			type = GENOPS_STR("unknown");
	}
	if (dress->is_open_metrics && genops_str_is(type, "untyped"))
		type = GENOPS_STR("unknown");
	while (rest.len) {
		genops_str line = genops_str_split(&rest, '\n');
		if (!is_head(line, "# HELP ", &of, &help))
			continue;
		genops_buffer_add_text(out, "# HELP ");
		add_name(dress, name, out);
		genops_buffer_add_char(out, ' ');
		for (size_t i = 0; i < help.len; i++) {
			if (dress->is_open_metrics && help.ptr[i] == '"')
				genops_buffer_add_char(out, '\\');
			genops_buffer_add_char(out, help.ptr[i]);
		}
		genops_buffer_add_char(out, '\n');
		break;
	}
	genops_buffer_add_text(out, "# TYPE ");
	add_name(dress, name, out);
	genops_buffer_add_char(out, ' ');
	genops_buffer_add(out, type);
	genops_buffer_add_char(out, '\n');
}

static bool has_label(genops_str labels, genops_str name)
{
	bool is_quoted = false;
	for (size_t i = 0; i < labels.len; i++) {
		char c = labels.ptr[i];
		if (!is_quoted && (i == 0 || labels.ptr[i - 1] == ',') && labels.len - i > name.len + 1 && labels.ptr[i + name.len] == '=' &&
		    genops_str_starts(genops_str_skip(labels, i), name))
			return true;
		if (is_quoted && c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
	}
	return false;
}

static void add_value_escaped(genops_str value, struct genops_buffer *out)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\n') {
			genops_buffer_add_text(out, "\\n");
			continue;
		}
		if (value.ptr[i] == '"' || value.ptr[i] == '\\')
			genops_buffer_add_char(out, '\\');
		genops_buffer_add_char(out, value.ptr[i]);
	}
}

static void add_labels(const struct genops_exposition_dress *dress, genops_str labels, struct genops_buffer *out)
{
	size_t n = 0;
	const struct genops_text_map *more = dress->labels;
	for (size_t i = 0; more && i < more->n; i++) {
		if (has_label(labels, more->items[i].key))
			continue;
		genops_buffer_add_char(out, n++ ? ',' : '{');
		genops_buffer_add(out, more->items[i].key);
		genops_buffer_add_text(out, "=\"");
		add_value_escaped(more->items[i].value, out);
		genops_buffer_add_char(out, '"');
	}
	if (labels.len)
		genops_buffer_add_char(out, n++ ? ',' : '{');
	genops_buffer_add(out, labels);
	if (n)
		genops_buffer_add_char(out, '}');
}

static void add_sample(const struct genops_exposition_dress *dress, genops_str line, struct genops_buffer *out)
{
	size_t len = genops_exposition_series_len(line), open = genops_str_find_char((genops_str){line.ptr, len}, '{');
	genops_str name = {line.ptr, open == SIZE_MAX ? len : open}, labels = {0}, rest = genops_str_skip(line, len + 1);
	if (open != SIZE_MAX && len > open + 2)
		labels = (genops_str){line.ptr + open + 1, len - open - 2};
	add_name(dress, name, out);
	add_labels(dress, labels, out);
	genops_buffer_add_char(out, ' ');
	genops_str value = genops_str_split(&rest, ' ');
	int64_t ms;
	genops_buffer_add(out, value);
	if (rest.len && dress->is_open_metrics && genops_str_to_int(rest, &ms))
		genops_buffer_printf(out, " %lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
	else if (rest.len) {
		genops_buffer_add_char(out, ' ');
		genops_buffer_add(out, rest);
	}
	genops_buffer_add_char(out, '\n');
}

void genops_exposition_dress(genops_str text, const struct genops_exposition_dress *dress, struct genops_buffer *out)
{
	struct block block;
	while (next_block(&text, &block)) {
		add_heads(dress, &block, out);
		while (block.samples.len) {
			genops_str line = genops_str_split(&block.samples, '\n');
			if (line.len && line.ptr[0] != '#')
				add_sample(dress, line, out);
		}
	}
	if (dress->is_open_metrics)
		genops_buffer_add_text(out, "# EOF\n");
}

/* --- who wants what --- */

/* In thousandths; 1000 if nothing is said. */
static int quality_of(genops_str parameters, bool *ret_is_known_version)
{
	int quality = 1000;
	*ret_is_known_version = true;
	while (parameters.len) {
		genops_str value = genops_str_split(&parameters, ';'), key = genops_str_trim(genops_str_split(&value, '='));
		double number;
		value = genops_str_trim(value);
		if (genops_str_is_nocase(key, "q") && genops_str_to_double(value, &number) && number >= 0 && number <= 1)
			quality = (int)(number * 1000);
		if (genops_str_is_nocase(key, "version"))
			*ret_is_known_version = genops_str_is(value, "1.0.0") || genops_str_is(value, "0.0.1");
	}
	return quality;
}

bool genops_exposition_wants_open_metrics(genops_str accept)
{
	int open = 0, plain = 0;
	while (accept.len) {
		bool is_known;
		genops_str rest = genops_str_split(&accept, ','), type = genops_str_trim(genops_str_split(&rest, ';'));
		int quality = quality_of(rest, &is_known);
		if (genops_str_is_nocase(type, "application/openmetrics-text") && is_known)
			open = quality > open ? quality : open;
		else if (genops_str_is_nocase(type, "text/plain"))
			plain = quality > plain ? quality : plain;
	}
	return open > 0 && open >= plain;
}
