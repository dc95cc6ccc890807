/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/published.c - metrics.prom read again by who takes over (publish.h). */
#include "engine/drain/published.h"

#include "base/str.h"
#include "store/state_file.h"
#include "telemetry/metrics/exposition_text.h"

#include <inttypes.h>
#include <stdlib.h>

#define FILE_MAX	((size_t)64 << 20)
#define RECORD_MAX	((size_t)16 << 20)

struct before {
	genops_str series; /* name{labels}, in the text */
	int64_t value;
};

struct genops_published {
	struct genops_buffer text; /* the file as it was */
	size_t n;
	struct before *before;     /* sorted */
};

static int compare(const void *a, const void *b)
{
	const struct before *x = a, *y = b;
	size_t len = x->series.len < y->series.len ? x->series.len : y->series.len;
	int order = memcmp(x->series.ptr, y->series.ptr, len);
	return order ? order : (x->series.len > y->series.len) - (x->series.len < y->series.len);
}

/* name{labels} and the number behind it. */
static bool split(genops_str line, struct before *ret)
{
	size_t len = genops_exposition_series_len(line);
	if (!line.len || line.ptr[0] == '#')
		return false;
	ret->series = (genops_str){line.ptr, len};
	return genops_str_to_int(genops_str_skip(line, len + 1), &ret->value) && ret->value >= 0;
}

static bool gather(struct genops_published *published, genops_str text)
{
	size_t max = 0;
	while (text.len) {
		struct before line;
		if (!split(genops_str_split(&text, '\n'), &line) || !genops_str_starts(line.series, GENOPS_STR("genops_pipeline_")))
			continue;
		if (published->n == max) {
			max = max ? 2 * max : 64;
			struct before *grown = realloc(published->before, max * sizeof *grown);
			if (!grown)
				return false;
			published->before = grown;
		}
		published->before[published->n++] = line;
	}
	if (published->n > 1)
		qsort(published->before, published->n, sizeof *published->before, compare);
	return true;
}

void genops_published_add(const struct genops_published *published, genops_str pipelines, struct genops_buffer *out)
{
	while (pipelines.len) {
		genops_str line = genops_str_split(&pipelines, '\n');
		struct before now, *before = NULL;
		if (published && published->n && split(line, &now))
			before = bsearch(&now, published->before, published->n, sizeof now, compare);
		genops_buffer_add(out, before ? now.series : line);
		if (before)
			genops_buffer_printf(out, " %" PRId64, now.value + before->value);
		genops_buffer_add_char(out, '\n');
	}
}

/* --- what the ledger has beyond the file --- */

struct replay {
	struct genops_metrics *metrics;
	struct genops_arena arena;
};

static int count_row(void *arg, const struct genops_audit_row *row)
{
	struct replay *replay = arg;
	struct genops_record record;
	genops_arena_reset(&replay->arena);
	if (genops_str_is(row->kind, "operation") && genops_record_decode(row->payload, &replay->arena, &record, NULL) == GENOPS_OK)
		genops_metrics_add_record(replay->metrics, &record);
	return GENOPS_OK;
}

static void catch_up(genops_engine *engine, struct genops_metrics *metrics, struct genops_ledger *ledger, int64_t after)
{
	struct replay replay = {.metrics = metrics};
	const struct genops_audit_query query = {.after_sequence = after};
	struct genops_error err;
	genops_arena_init(&replay.arena, RECORD_MAX);
	if (genops_ledger_audit(ledger, &query, count_row, &replay, &err) != GENOPS_OK)
		genops_log_error(&engine->log, GENOPS_LOG_WARN, "the metrics miss the last operations of a former process", &err);
	genops_arena_done(&replay.arena);
}

/* The last line of a file that is whole. */
static bool find_end(genops_str text, int64_t *ret_sequence)
{
	genops_str end = GENOPS_STR(GENOPS_PUBLISHED_END);
	size_t at = text.len;
	if (!text.len || text.ptr[text.len - 1] != '\n')
		return false;
	for (at = text.len - 1; at > 0 && text.ptr[at - 1] != '\n'; at--)
		;
	genops_str line = {text.ptr + at, text.len - 1 - at};
	return genops_str_starts(line, end) && genops_str_to_int(genops_str_skip(line, end.len), ret_sequence) && *ret_sequence >= 0;
}

struct genops_published *genops_published_restore(genops_engine *engine, struct genops_metrics *metrics, struct genops_ledger *ledger)
{
	struct genops_published *published = calloc(1, sizeof *published);
	struct genops_error err;
	int64_t sequence;
	if (!published)
		return NULL;
	int code = genops_state_file_read(engine->state_dir, "metrics.prom", FILE_MAX, &published->text, &err);
	if (code != GENOPS_OK || !find_end(genops_buffer_view(&published->text), &sequence))
		return published; /* as if there had been none */
	genops_metrics_restore(metrics, genops_buffer_view(&published->text));
	catch_up(engine, metrics, ledger, sequence);
	if (!gather(published, genops_buffer_view(&published->text))) {
		genops_published_free(published);
		return NULL;
	}
	return published;
}

void genops_published_free(struct genops_published *published)
{
	if (!published)
		return;
	genops_buffer_done(&published->text);
	free(published->before);
	free(published);
}
