/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_series.c - see datadog_series.h. */
#include "export/datadog/datadog_series.h"

#include "base/hash.h"
#include "base/str.h"
#include "codec/json_write.h"

#include <float.h>
#include <math.h>

#define INDEX_FIRST 256
#define FIXED_BYTES 200 /* of a series' JSON beside its texts */

struct genops_datadog_entry {
	struct genops_datadog_entry *next;
	struct genops_datadog_point point;
	uint64_t hash;
};

void genops_datadog_series_init(struct genops_datadog_series *series, struct genops_arena *arena)
{
	*series = (struct genops_datadog_series){.arena = arena};
}

static bool is_same(const struct genops_datadog_point *a, const struct genops_datadog_point *b)
{
	return a->timestamp == b->timestamp && a->type == b->type && genops_str_equal(a->name, b->name) &&
	       genops_str_equal(a->tags, b->tags) && genops_str_equal(a->host, b->host);
}

static uint64_t hash_of(const struct genops_datadog_point *point)
{
	uint64_t hash = genops_hash_checksum(point->name.ptr, point->name.len, (uint64_t)point->timestamp);
	hash = genops_hash_checksum(point->tags.ptr, point->tags.len, hash);
	return genops_hash_checksum(point->host.ptr, point->host.len, hash);
}

static bool grow(struct genops_datadog_series *series)
{
	size_t n = series->n_index ? 2 * series->n_index : INDEX_FIRST;
	struct genops_datadog_entry **index = genops_arena_alloc(series->arena, n * sizeof(struct genops_datadog_entry *));
	if (!index)
		return false;
	for (struct genops_datadog_entry *entry = series->first; entry; entry = entry->next) {
		size_t at = entry->hash & (n - 1);
		while (index[at])
			at = (at + 1) & (n - 1);
		index[at] = entry;
	}
	series->index = index;
	series->n_index = n;
	return true;
}

static void merge(struct genops_datadog_point *point, const struct genops_datadog_point *more)
{
	bool is_more = more->value > point->value;
	if (point->keep == GENOPS_DATADOG_SUM)
		point->value = fmax(-DBL_MAX, fmin(DBL_MAX, point->value + more->value)); /* JSON has no infinities */
	else if (point->keep == GENOPS_DATADOG_LAST || is_more == (point->keep == GENOPS_DATADOG_MAX))
		point->value = more->value;
}

int genops_datadog_series_add(
    struct genops_datadog_series *series, const struct genops_datadog_point *point, struct genops_error *err)
{
	uint64_t hash = hash_of(point);
	if (2 * series->n >= series->n_index && !grow(series))
		return genops_fail(err, GENOPS_NOMEM, "no memory for metrics");
	size_t at = hash & (series->n_index - 1);
	for (; series->index[at]; at = (at + 1) & (series->n_index - 1)) {
		if (series->index[at]->hash == hash && is_same(&series->index[at]->point, point)) {
			merge(&series->index[at]->point, point);
			return GENOPS_OK;
		}
	}
	/* a text may be six times as long when it is escaped; names and tags have nothing to escape */
	size_t bytes = FIXED_BYTES + point->name.len + 3 * point->tags.len + 6 * (point->host.len + point->unit.len);
	if (series->bytes + bytes > GENOPS_DATADOG_SERIES_MAX)
		return genops_fail(err, GENOPS_LIMIT, "metrics are far over Datadog's 5 MB; send smaller batches, with fewer tags");
	struct genops_datadog_entry *entry = genops_arena_alloc(series->arena, sizeof *entry);
	if (!entry)
		return genops_fail(err, GENOPS_NOMEM, "no memory for metrics");
	entry->point = *point;
	entry->hash = hash;
	if (!genops_arena_dup(series->arena, point->name, &entry->point.name) || !genops_arena_dup(series->arena, point->tags, &entry->point.tags) ||
	    !genops_arena_dup(series->arena, point->host, &entry->point.host) || !genops_arena_dup(series->arena, point->unit, &entry->point.unit))
		return genops_fail(err, GENOPS_NOMEM, "no memory for metrics");
	*(series->last ? &series->last->next : &series->first) = entry;
	series->last = series->index[at] = entry;
	series->n++;
	series->bytes += bytes;
	return GENOPS_OK;
}

/* --- writing --- */

static void add_text(struct genops_buffer *out, const char *before, genops_str text)
{
	genops_buffer_add_text(out, before);
	genops_json_add_string(out, text);
}

static void write_one(const struct genops_datadog_point *point, struct genops_buffer *out)
{
	genops_str rest = point->tags;
	const char *before = ",\"tags\":[";
	add_text(out, "{\"metric\":", point->name);
	genops_buffer_add_text(out, ",\"type\":");
	genops_buffer_add_int(out, (int64_t)point->type);
	if (point->type != GENOPS_DATADOG_GAUGE && point->interval) {
		genops_buffer_add_text(out, ",\"interval\":");
		genops_buffer_add_int(out, point->interval);
	}
	genops_buffer_add_text(out, ",\"points\":[{\"timestamp\":");
	genops_buffer_add_int(out, point->timestamp);
	genops_buffer_add_text(out, ",\"value\":");
	genops_json_add_double(out, point->value);
	genops_buffer_add_text(out, "}]");
	if (point->host.len) {
		add_text(out, ",\"resources\":[{\"name\":", point->host);
		genops_buffer_add_text(out, ",\"type\":\"host\"}]");
	}
	for (; rest.len; before = ",")
		add_text(out, before, genops_str_split(&rest, ','));
	if (point->tags.len)
		genops_buffer_add_char(out, ']');
	if (point->unit.len)
		add_text(out, ",\"unit\":", point->unit);
	genops_buffer_add_char(out, '}');
}

void genops_datadog_series_write(const struct genops_datadog_series *series, struct genops_buffer *out)
{
	genops_buffer_add_text(out, "{\"series\":[");
	for (const struct genops_datadog_entry *entry = series->first; entry; entry = entry->next) {
		write_one(&entry->point, out);
		if (entry->next)
			genops_buffer_add_char(out, ',');
	}
	genops_buffer_add_text(out, "]}");
}

/* --- tags and names --- */

static char tag_char(char c)
{
	bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 || (c && strchr("_-:./", c));
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : is_kept ? c : '_';
}

void genops_datadog_series_tag(struct genops_buffer *tags, genops_str tag)
{
	size_t len = 0;
	tag = genops_str_trim(tag);
	if (!tag.len || tag.ptr[tag.len - 1] == ':')
		return;
	while (len < tag.len) { /* whole characters */
		size_t n = genops_str_utf8_sequence(genops_str_skip(tag, len));
		if (len + (n ? n : 1) > GENOPS_DATADOG_TAG_MAX)
			break;
		len += n ? n : 1;
	}
	if (tags->len)
		genops_buffer_add_char(tags, ',');
	for (size_t i = 0; i < len; i++)
		genops_buffer_add_char(tags, tag_char(tag.ptr[i]));
}

bool genops_datadog_series_is_name(genops_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && (!i || ((c < '0' || c > '9') && c != '_' && c != '.')))
			return false;
	}
	return name.len > 0 && name.len <= GENOPS_DATADOG_NAME_MAX;
}
