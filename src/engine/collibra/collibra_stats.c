/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_stats.c - what all syncs of a state directory did, in a file beside the kept policies: that one changes only when they do. */
#include "engine/collibra/collibra_sync.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "store/state_file.h"

#include <stdio.h>

#define STATS_MAX ((size_t)256 << 10)

/* X(field): whole numbers, by their own names. */
#define NUMBERS(X)                                                                                                           \
	X(policies_imported) X(policies_updated) X(policies_removed) X(policies_failed) X(n_syncs) X(n_failed_syncs)                 \
	X(last_sync_unix_ns) X(last_attempt_unix_ns)

enum {
#define X(field) NUMBER_##field,
	NUMBERS(X)
#undef X
	LAST_ERROR,
	LAST_FIX,
	ERROR
};

static const struct genops_json_path paths[] = {
#define X(field) {#field, NUMBER_##field},
    NUMBERS(X)
#undef X
	{"last_error", LAST_ERROR},
    {"last_fix", LAST_FIX}, {"errors[]", ERROR}};

static void keep(char *out, size_t size, genops_str text)
{
	snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1), text.len ? text.ptr : "");
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct genops_collibra_sync_stats *stats = arg;
	switch (value->id) {
#define X(field)                                                                                                                 \
	case NUMBER_##field:                                                                                                         \
		stats->field = value->is_integer ? value->integer : 0;                                                               \
		break;
		NUMBERS(X)
#undef X
	case LAST_ERROR:
		keep(stats->last_error, sizeof stats->last_error, value->text);
		break;
	case LAST_FIX:
		keep(stats->last_fix, sizeof stats->last_fix, value->text);
		break;
	case ERROR:
		if (stats->n_errors < GENOPS_COLLIBRA_ERRORS_MAX)
			keep(stats->errors[stats->n_errors++], GENOPS_COLLIBRA_ERROR_MAX, value->text);
		break;
	}
}

void genops_collibra_stats_read(const char *state_dir, struct genops_collibra_sync_stats *ret_stats)
{
	struct genops_buffer text;
	struct genops_json_scan_options options = {0};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, sizeof paths / sizeof *paths, NULL);
	*ret_stats = (struct genops_collibra_sync_stats){0};
	struct genops_json_scan *scan = compiled ? genops_json_scan_new(compiled, &options, on_value, ret_stats) : NULL;
	int code = genops_state_file_read(state_dir, GENOPS_COLLIBRA_STATS_FILE, STATS_MAX, &text, NULL);
	if (code == GENOPS_OK && scan)
		code = genops_json_scan_feed(scan, genops_buffer_view(&text), NULL);
	if (code == GENOPS_OK && scan)
		code = genops_json_scan_end(scan, NULL);
	if (code != GENOPS_OK)
		*ret_stats = (struct genops_collibra_sync_stats){0};
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	genops_buffer_done(&text);
}

int genops_collibra_stats_write(
    const char *state_dir, const struct genops_collibra_sync_stats *stats, struct genops_error *err)
{
	struct genops_buffer text;
	struct genops_json_writer json;
	genops_buffer_init(&text, STATS_MAX);
	genops_json_writer_init(&json, &text);
	genops_json_object_begin(&json);
#define X(field) genops_json_key_int(&json, #field, stats->field);
	NUMBERS(X)
#undef X
	genops_json_key_string(&json, "last_error", genops_str_of(stats->last_error));
	genops_json_key_string(&json, "last_fix", genops_str_of(stats->last_fix));
	genops_json_key(&json, GENOPS_STR("errors"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < stats->n_errors; i++)
		genops_json_string(&json, genops_str_of(stats->errors[i]));
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	int code = text.error ? genops_fail(err, text.error, "no memory for the statistics of syncs")
			      : genops_state_file_write(state_dir, GENOPS_COLLIBRA_STATS_FILE, genops_buffer_view(&text), err);
	genops_buffer_done(&text);
	return code;
}
