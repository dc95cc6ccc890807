/* SPDX-License-Identifier: Apache-2.0
 * report/report_cost.c - see report_cost.h and genops/report.h. A report owns one arena for its texts and one array of groups. */
#include "report/report_cost.h"

#include "base/error.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "report/csv_write.h"
#include "report/report_text.h"
#include "report/timestamp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHERE_MAX  32
#define TEXTS_MAX  ((size_t)256 << 20)
#define REPORT_MAX ((size_t)512 << 20) /* bytes, as text */

struct owned_report {
	struct genops_cost_report report; /* first: what the caller sees */
	struct genops_arena arena;
	size_t cap;
	struct genops_error *err;
};

static_assert(sizeof(struct genops_report_filter) == sizeof(struct genops_text_pair), "two views each");

static void add_sums(struct genops_cost_line *line, const struct genops_sums *sums)
{
	struct genops_sums total = {.operations = line->operations, .refused = line->refused,
	    .cost_nano_usd = line->cost_nano_usd,
#define X(field, unit) .field = line->field,
	    GENOPS_USAGE_FIELDS(X)
#undef X
	};
	genops_sums_add(&total, sums);
	line->operations = total.operations;
	line->refused = total.refused;
	line->cost_nano_usd = total.cost_nano_usd;
#define X(field, unit) line->field = total.field;
	GENOPS_USAGE_FIELDS(X)
#undef X
}

static bool join_keys(struct genops_arena *arena, const genops_str *keys, size_t n, genops_str *ret_key)
{
	size_t len = 2 * n;
	for (size_t i = 0; i < n; i++)
		len += keys[i].len;
	char *text = genops_arena_alloc(arena, len + 1), *to = text;
	if (!text)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i) {
			memcpy(to, ", ", 2);
			to += 2;
		}
		if (keys[i].len)
			memcpy(to, keys[i].ptr, keys[i].len);
		to += keys[i].len;
	}
	*ret_key = (genops_str){text, (size_t)(to - text)};
	return true;
}

static int add_group(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	struct owned_report *owned = arg;
	struct genops_cost_report *report = &owned->report;
	add_sums(&report->total, sums);
	if (!n_keys)
		return GENOPS_OK;
	if (report->n_groups == owned->cap) {
		size_t cap = owned->cap ? owned->cap * 2 : 64;
		struct genops_cost_line *groups = realloc(report->groups, cap * sizeof *groups);
		if (!groups)
			return genops_fail(owned->err, GENOPS_NOMEM, "out of memory for a cost report");
		report->groups = groups;
		owned->cap = cap;
	}
	struct genops_cost_line *line = &report->groups[report->n_groups];
	memset(line, 0, sizeof *line);
	bool ok = join_keys(&owned->arena, keys, n_keys, &line->key);
	for (size_t i = 0; ok && i < n_keys; i++)
		ok = genops_arena_dup(&owned->arena, keys[i], &line->keys[i]);
	if (!ok)
		return genops_fail(owned->err, GENOPS_NOMEM, "out of memory for a cost report");
	add_sums(line, sums);
	report->n_groups++;
	return GENOPS_OK;
}

static int compare_text(genops_str a, genops_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_key(const void *a, const void *b)
{
	return compare_text(((const struct genops_cost_line *)a)->key, ((const struct genops_cost_line *)b)->key);
}

static int by_cost(const void *a, const void *b)
{
	const struct genops_cost_line *x = a, *y = b;
	if (x->cost_nano_usd != y->cost_nano_usd)
		return x->cost_nano_usd < y->cost_nano_usd ? 1 : -1;
	return by_key(a, b);
}

static bool is_time(genops_str key)
{
	return genops_str_is(key, "hour") || genops_str_is(key, "day") || genops_str_is(key, "month");
}

static int read_groups(struct owned_report *owned, struct genops_ledger *ledger,
    const struct genops_cost_query *query, struct genops_error *err)
{
	struct genops_text_pair where[WHERE_MAX];
	struct genops_sums_query sums = {.n_by = query->n_by, .where = where, .n_where = query->n_where,
	    .since_unix_s = query->since_unix_s, .until_unix_s = query->until_unix_s};
	for (size_t i = 0; i < query->n_by; i++) {
		sums.by[i] = query->by[i];
		if (!genops_arena_dup(&owned->arena, query->by[i], &owned->report.by[i]))
			return genops_fail(err, GENOPS_NOMEM, "out of memory for a cost report");
	}
	for (size_t i = 0; i < query->n_where; i++)
		where[i] = (struct genops_text_pair){query->where[i].key, query->where[i].value};
	owned->err = err;
	if (ledger)
		GENOPS_TRY(genops_ledger_sums(ledger, &sums, add_group, owned, err));
	if (owned->report.n_groups)
		qsort(owned->report.groups, owned->report.n_groups, sizeof *owned->report.groups,
		    is_time(query->by[0]) ? by_key : by_cost);
	return GENOPS_OK;
}

/* --- names that nobody has --- */

static bool has_values(const struct genops_cost_report *report, size_t key)
{
	for (size_t i = 0; i < report->n_groups; i++) {
		if (report->groups[i].keys[key].len)
			return true;
	}
	return false;
}

/* A name that is mistyped would give one group of everything, or a filter that nothing passes. One that is no name of ours is right if
 * some operation has an attribute of that name; it may be missing (yet) in a filter, and in an empty ledger, unless it looks mistyped. */
static int check_name(struct genops_ledger *ledger, genops_str name, bool may_be_missing, struct genops_error *err)
{
	static const char *const names[] = {"team", "project", "customer_id", "environment", "cost_center", "feature", "provider",
	    "model", "key_name", "result", "hour", "day", "month", "operation", "type", "outcome", "reason", "policy"};
	const size_t n = sizeof names / sizeof *names;
	bool has = false;
	if (genops_str_starts(name, GENOPS_STR("attribute:")))
		return GENOPS_OK;
	for (size_t i = 0; i < n; i++)
		if (genops_str_is(name, names[i]))
			return GENOPS_OK;
	if (ledger)
		GENOPS_TRY(genops_ledger_has_attribute(ledger, name, &has, err));
	const char *nearest = genops_str_nearest(name, names, n);
	if (has || (may_be_missing && !nearest))
		return GENOPS_OK;
	char fix[200];
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_fail_fix(err, GENOPS_MISUSE,
	    nearest ? fix : "use team, project, customer_id, environment, cost_center, feature, provider, model, key_name, result, or an "
			    "attribute that operations have",
	    "no operation has an attribute \"%.*s\"", name.len > 80 ? 80 : (int)name.len, name.ptr);
}

static int check_names(struct owned_report *owned, struct genops_ledger *ledger, const struct genops_cost_query *query,
    struct genops_error *err)
{
	for (size_t i = 0; i < query->n_by; i++) {
		if (!has_values(&owned->report, i))
			GENOPS_TRY(check_name(ledger, query->by[i], !ledger, err));
	}
	for (size_t i = 0; i < query->n_where && !owned->report.total.operations; i++)
		GENOPS_TRY(check_name(ledger, query->where[i].key, true, err));
	return GENOPS_OK;
}

int genops_report_cost_make(struct genops_ledger *ledger, const struct genops_cost_query *query,
    struct genops_cost_report **ret_report, struct genops_error *err)
{
	if (query->n_by > GENOPS_REPORT_KEYS_MAX || query->n_where > WHERE_MAX)
		return genops_fail(err, GENOPS_LIMIT, "a cost report is grouped by at most %d keys and filtered by %d",
		    GENOPS_REPORT_KEYS_MAX, WHERE_MAX);
	struct owned_report *owned = calloc(1, sizeof *owned);
	if (!owned)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for a cost report");
	genops_arena_init(&owned->arena, TEXTS_MAX);
	owned->report.n_by = query->n_by;
	owned->report.since_unix_s = query->since_unix_s;
	owned->report.until_unix_s = query->until_unix_s;
	int code = read_groups(owned, ledger, query, err);
	if (code == GENOPS_OK)
		code = check_names(owned, ledger, query, err);
	if (code != GENOPS_OK) {
		genops_report_cost_free(&owned->report);
		return code;
	}
	*ret_report = &owned->report;
	return GENOPS_OK;
}

void genops_report_cost_free(struct genops_cost_report *report)
{
	if (!report)
		return;
	struct owned_report *owned = (struct owned_report *)report;
	genops_arena_done(&owned->arena);
	free(report->groups);
	free(owned);
}

static void write_line(struct genops_json_writer *json, const struct genops_cost_line *line)
{
	genops_json_key_int(json, "operations", line->operations);
	genops_json_key_int(json, "refused", line->refused);
	genops_json_key_money(json, "cost", line->cost_nano_usd);
#define X(field, unit) genops_json_key_int(json, #field, line->field);
	GENOPS_USAGE_FIELDS(X)
#undef X
}

static void write_time(struct genops_json_writer *json, const char *key, int64_t unix_s)
{
	char text[GENOPS_TIMESTAMP_MAX];
	genops_json_key(json, genops_str_of(key));
	if (unix_s > 0)
		genops_json_string(json, genops_timestamp_seconds(unix_s, text));
	else
		genops_json_null(json);
}

static void write_group(
    struct genops_json_writer *json, const struct genops_cost_report *report, const struct genops_cost_line *line)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "key", line->key);
	genops_json_key(json, GENOPS_STR("keys"));
	genops_json_object_begin(json);
	for (size_t i = 0; i < report->n_by; i++) {
		genops_json_key(json, report->by[i]);
		genops_json_string(json, line->keys[i]);
	}
	genops_json_object_end(json);
	write_line(json, line);
	genops_json_object_end(json);
}

int genops_report_cost_json(
    const struct genops_cost_report *report, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, REPORT_MAX);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	write_time(&json, "since", report->since_unix_s);
	write_time(&json, "until", report->until_unix_s);
	genops_json_key(&json, GENOPS_STR("total"));
	genops_json_object_begin(&json);
	write_line(&json, &report->total);
	genops_json_object_end(&json);
	genops_json_key(&json, GENOPS_STR("groups"));
	genops_json_array_begin(&json);
	for (size_t i = 0; i < report->n_groups; i++)
		write_group(&json, report, &report->groups[i]);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_char(&buf, '\n');
	return genops_report_text_take(&buf, ret_text, ret_len, err);
}

static void write_csv_line(struct genops_csv_writer *csv, const struct genops_cost_line *line, size_t n_by)
{
	for (size_t i = 0; i < n_by; i++)
		genops_csv_text(csv, line->keys[i]);
	genops_csv_int(csv, line->operations);
	genops_csv_int(csv, line->refused);
	genops_csv_money(csv, line->cost_nano_usd);
#define X(field, unit) genops_csv_int(csv, line->field);
	GENOPS_USAGE_FIELDS(X)
#undef X
	genops_csv_end(csv);
}

int genops_report_cost_csv(
    const struct genops_cost_report *report, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	static const char *const names[] = {"operations", "refused", "cost_nano_usd", "cost_usd",
#define X(field, unit) #field,
	    GENOPS_USAGE_FIELDS(X)
#undef X
	};
	struct genops_buffer buf;
	struct genops_csv_writer csv;
	genops_buffer_init(&buf, REPORT_MAX);
	genops_csv_writer_init(&csv, &buf);
	for (size_t i = 0; i < report->n_by; i++)
		genops_csv_text(&csv, report->by[i]);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		genops_csv_text(&csv, genops_str_of(names[i]));
	genops_csv_end(&csv);
	for (size_t i = 0; i < report->n_groups; i++)
		write_csv_line(&csv, &report->groups[i], report->n_by);
	if (!report->n_by)
		write_csv_line(&csv, &report->total, 0);
	return genops_report_text_take(&buf, ret_text, ret_len, err);
}
