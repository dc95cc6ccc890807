/* SPDX-License-Identifier: Apache-2.0
 * fuzz_json_scan.c - genops_json_scan_feed and _end. Property: what is told and how it ends does
 * not depend on where the document is cut; a document that is taken has well-formed UTF-8 texts.
 * The first byte chooses the cut and the options, the rest is the document.
 */
#include "base/hash.h"
#include "base/str.h"
#include "codec/json_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct genops_json_path rows[] = {{"", 0}, {"model", 1}, {"messages[].content", 2},
    {"messages[].content[].text", 3}, {"a", 4}, {"a.b", 5}, {"[]", 6}, {"[][]", 7}, {"[].a", 8}};

struct record {
	uint64_t hash;
	size_t n;
};

static void mix(struct record *record, const void *bytes, size_t len)
{
	record->hash = genops_hash_checksum(bytes, len, record->hash);
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct record *record = arg;
	uint64_t numbers[] = {(uint64_t)value->id, value->type, value->is_end, value->is_integer,
	    value->is_cut, (uint64_t)value->integer, value->start, value->end, value->depth,
	    value->index};
	mix(record, numbers, sizeof numbers);
	mix(record, &value->number, sizeof value->number);
	mix(record, value->text.ptr, value->text.len);
	record->n++;
	if (!genops_str_is_utf8(value->text) || value->end <= value->start)
		abort();
}

static void run(const struct genops_json_paths *paths,
    const struct genops_json_scan_options *options, genops_str doc, size_t step,
    struct record *record)
{
	struct genops_error err = {0};
	struct genops_json_scan *scan = genops_json_scan_new(paths, options, on_value, record);
	if (!scan)
		return;
	int code = GENOPS_OK;
	for (size_t at = 0; at < doc.len && !code; at += step) {
		genops_str piece = {doc.ptr + at, doc.len - at < step ? doc.len - at : step};
		code = genops_json_scan_feed(scan, piece, &err);
	}
	if (!code)
		code = genops_json_scan_end(scan, &err);
	if (code != GENOPS_OK && code != GENOPS_SYNTAX && code != GENOPS_LIMIT)
		abort();
	mix(record, err.message, strlen(err.message));
	genops_json_scan_free(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct genops_json_paths *paths =
	    genops_json_paths_new(rows, sizeof rows / sizeof *rows, NULL);
	if (!paths)
		return 0;
	struct genops_json_scan_options options = {
	    .max_depth = 20, .text_max = data[0] & 64 ? 5 : 0, .allow_duplicates = data[0] & 128};
	genops_str doc = {(const char *)data + 1, size - 1};
	struct record whole = {0}, pieces = {0};
	run(paths, &options, doc, doc.len ? doc.len : 1, &whole);
	run(paths, &options, doc, 1 + (data[0] & 31), &pieces);
	if (whole.hash != pieces.hash || whole.n != pieces.n)
		abort();
	genops_json_paths_free(paths);
	return 0;
}
