/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_sums.c - summaries: exact over any range, mostly from roll-ups.
 *
 * A range is covered by whole months, then by the whole days and hours beside them; what is finer than an hour at its two ends
 * is scanned from the operations. Rows are first added up by (dimension, time, scanned texts), as numbers; only what is left is
 * turned into texts. Keys that no roll-up is kept by are scanned.
 */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"
#include "base/str.h"

#include <string.h>
#include <time.h>

#define KEYS_MAX   4
#define WHERE_MAX  32
#define CELLS_MAX  ((size_t)1 << 22)
#define SQL_MAX    ((size_t)65536)
#define SECONDS_MAX INT64_C(9223372035) /* what nanoseconds can say */

static const enum genops_period level_periods[GENOPS_ROLLUP_N] = {
    GENOPS_PERIOD_HOURLY, GENOPS_PERIOD_DAILY, GENOPS_PERIOD_MONTHLY};

enum column_kind { COLUMN_DIMENSION, COLUMN_TIME, COLUMN_OPERATION, COLUMN_ATTRIBUTE };

struct column {
	enum column_kind kind;
	int index;        /* of the dimension; the roll-up level of a time */
	const char *sql;  /* of an operation's column */
	genops_str name;  /* of an attribute */
};

struct cell { /* what is added up while reading */
	int64_t dimension, time, extra; /* key */
	struct genops_sums sums;
};

struct summary {
	struct genops_ledger *ledger;
	const struct genops_sums_query *query;
	struct genops_error *err;
	struct column by[KEYS_MAX], where[WHERE_MAX];
	bool has_scan;                       /* a key or filter that roll-ups do not have */
	enum genops_rollup_level level;      /* the coarsest that may be used: the finest time asked for */
	bool has_time;
	struct genops_ledger_table cells;
	struct genops_groups *extras, *groups;
};

void genops_sums_add(struct genops_sums *sums, const struct genops_sums *more)
{
	int64_t *to = (int64_t *)sums;
	const int64_t *from = (const int64_t *)more;
	for (size_t i = 0; i < GENOPS_SUMS_N; i++)
		to[i] = to[i] > GENOPS_SUM_MAX - from[i] ? GENOPS_SUM_MAX : to[i] + from[i];
}

static struct column column_of(genops_str name)
{
	static const char *const times[] = {"hour", "day", "month"};
	static const struct {
		const char *name, *sql;
	} columns[] = {{"operation", "name"}, {"type", "type"}, {"outcome", "outcome"},
	    {"reason", "reason"}, {"policy", "policy"}};
	genops_str prefix = GENOPS_STR("attribute:");
	if (genops_str_starts(name, prefix))
		name = genops_str_skip(name, prefix.len);
	for (int i = 0; i < GENOPS_DIMENSION_N; i++)
		if (genops_str_is(name, genops_ledger_dimension_names[i]))
			return (struct column){.kind = COLUMN_DIMENSION, .index = i};
	for (int i = 0; i < GENOPS_ROLLUP_N; i++)
		if (genops_str_is(name, times[i]))
			return (struct column){.kind = COLUMN_TIME, .index = i};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (genops_str_is(name, columns[i].name))
			return (struct column){.kind = COLUMN_OPERATION, .sql = columns[i].sql};
	return (struct column){.kind = COLUMN_ATTRIBUTE, .name = name};
}

static int plan(struct summary *summary)
{
	const struct genops_sums_query *query = summary->query;
	if (query->n_by > KEYS_MAX || query->n_where > WHERE_MAX)
		return genops_fail(summary->err, GENOPS_LIMIT, "a summary is grouped by at most %d keys and filtered by %d",
		    KEYS_MAX, WHERE_MAX);
	summary->level = GENOPS_ROLLUP_MONTH;
	for (size_t i = 0; i < query->n_by; i++) {
		struct column column = summary->by[i] = column_of(query->by[i]);
		summary->has_scan |= column.kind >= COLUMN_OPERATION;
		if (column.kind != COLUMN_TIME)
			continue;
		summary->has_time = true;
		if (column.index < (int)summary->level)
			summary->level = (enum genops_rollup_level)column.index;
	}
	for (size_t i = 0; i < query->n_where; i++) {
		struct column column = summary->where[i] = column_of(query->where[i].key);
		summary->has_scan |= column.kind >= COLUMN_OPERATION;
		if (column.kind == COLUMN_TIME)
			return genops_fail_fix(summary->err, GENOPS_MISUSE, "give a range (since, until) instead",
			    "a summary is not filtered by %.*s", GENOPS_STR_ARG(query->where[i].key));
	}
	return GENOPS_OK;
}

/* The parameters: 1 since, 2 until, 3 level, then a filter's value and, where it has one, its attribute's name. */
static void add_column(struct genops_buffer *sql, const struct column *column, int parameter)
{
	if (column->kind == COLUMN_OPERATION)
		genops_buffer_printf(sql, "coalesce(%s,'')", column->sql);
	else
		genops_buffer_printf(sql,
		    "coalesce((SELECT CASE type WHEN 'true' THEN type WHEN 'false' THEN type ELSE CAST(value AS TEXT) END"
		    " FROM json_each(attributes) WHERE key=?%d),'')",
		    parameter);
}

static int by_parameter(size_t i)
{
	return 4 + 2 * WHERE_MAX + (int)i;
}

static void add_filters(struct genops_buffer *sql, const struct summary *summary)
{
	bool has_dimension = false;
	for (size_t i = 0; i < summary->query->n_where; i++) {
		if (summary->where[i].kind != COLUMN_DIMENSION)
			continue;
		genops_buffer_printf(sql, "%s %s=?%d",
		    has_dimension ? " AND" : " AND dimension IN (SELECT id FROM dimension WHERE",
		    genops_ledger_dimension_names[summary->where[i].index], 4 + 2 * (int)i);
		has_dimension = true;
	}
	if (has_dimension)
		genops_buffer_add_char(sql, ')');
	for (size_t i = 0; i < summary->query->n_where; i++) {
		if (summary->where[i].kind == COLUMN_DIMENSION)
			continue;
		genops_buffer_add_text(sql, " AND ");
		add_column(sql, &summary->where[i], 5 + 2 * (int)i);
		genops_buffer_printf(sql, "=?%d", 4 + 2 * (int)i);
	}
}

static void build(struct genops_buffer *sql, const struct summary *summary, bool is_scan)
{
	genops_buffer_add_text(sql, is_scan ? "SELECT dimension,time_ns/1000000000,1,is_refused,cost_nano_usd"
					    : "SELECT dimension,start,operations,refused,cost_nano_usd");
#define X(field, unit) genops_buffer_add_text(sql, "," #field);
	GENOPS_USAGE_FIELDS(X)
#undef X
	for (size_t i = 0; i < summary->query->n_by; i++) {
		if (summary->by[i].kind < COLUMN_OPERATION)
			continue;
		genops_buffer_add_char(sql, ',');
		add_column(sql, &summary->by[i], by_parameter(i));
	}
	genops_buffer_add_text(sql, is_scan
		? " FROM operation WHERE id BETWEEN (SELECT min(first_id) FROM hour WHERE start>?1-3600 AND start<?2)"
		  " AND (SELECT max(last_id) FROM hour WHERE start>?1-3600 AND start<?2)"
		  " AND time_ns>=?1*1000000000 AND time_ns<?2*1000000000"
		: " FROM rollup WHERE level=?3 AND start>=?1 AND start<?2");
	add_filters(sql, summary);
}

static void bind(sqlite3_stmt *row, const struct summary *summary, int level, int64_t since, int64_t until)
{
	sqlite3_bind_int64(row, 1, since);
	sqlite3_bind_int64(row, 2, until);
	sqlite3_bind_int64(row, 3, level);
	for (size_t i = 0; i < summary->query->n_where; i++) {
		genops_ledger_bind_text(row, 4 + 2 * (int)i, summary->query->where[i].value);
		genops_ledger_bind_text(row, 5 + 2 * (int)i, summary->where[i].name);
	}
	for (size_t i = 0; i < summary->query->n_by; i++)
		if (summary->by[i].kind == COLUMN_ATTRIBUTE)
			genops_ledger_bind_text(row, by_parameter(i), summary->by[i].name);
}

static int64_t time_bucket(const struct summary *summary, int64_t unix_s)
{
	int64_t start, end;
	genops_period_bounds(genops_zone_utc(), level_periods[summary->level], unix_s, &start, &end);
	return start;
}

static int read_row(struct summary *summary, sqlite3_stmt *row)
{
	genops_str texts[KEYS_MAX];
	size_t n_texts = 0, extra = 0;
	for (size_t i = 0; i < summary->query->n_by; i++)
		if (summary->by[i].kind >= COLUMN_OPERATION) {
			texts[n_texts] = genops_ledger_column(row, (int)(2 + GENOPS_SUMS_N + n_texts));
			n_texts++;
		}
	if (n_texts)
		GENOPS_TRY(genops_groups_find(summary->extras, texts, n_texts, &extra, summary->err));
	int64_t key[3] = {sqlite3_column_int64(row, 0), 0, (int64_t)extra};
	if (summary->has_time)
		key[1] = time_bucket(summary, sqlite3_column_int64(row, 1));
	bool is_new;
	struct cell *cell = genops_ledger_table_at(&summary->cells, key, &is_new);
	if (!cell && summary->cells.n == CELLS_MAX)
		return genops_fail_fix(summary->err, GENOPS_LIMIT, "narrow it with a filter or a shorter range",
		    "the summary adds up more than %zu combinations", CELLS_MAX);
	if (!cell)
		return genops_fail(summary->err, GENOPS_NOMEM, "out of memory for a summary");
	struct genops_sums sums;
	int64_t *values = (int64_t *)&sums;
	for (size_t i = 0; i < GENOPS_SUMS_N; i++)
		values[i] = sqlite3_column_int64(row, (int)i + 2);
	genops_sums_add(&cell->sums, &sums);
	return GENOPS_OK;
}

/* Reads one part of the range; level GENOPS_ROLLUP_N: the operations themselves. */
static int read_part(struct summary *summary, int level, int64_t since, int64_t until)
{
	struct genops_buffer sql;
	genops_buffer_init(&sql, SQL_MAX);
	build(&sql, summary, level == GENOPS_ROLLUP_N);
	sqlite3_stmt *row = NULL;
	int code = sql.error ? genops_fail(summary->err, sql.error, "no memory for a query")
			     : genops_ledger_prepare(summary->ledger, genops_buffer_view(&sql), &row, summary->err);
	genops_buffer_done(&sql);
	if (code != GENOPS_OK)
		return code;
	bind(row, summary, level, since, until);
	int step;
	while (code == GENOPS_OK && (step = sqlite3_step(row)) != SQLITE_DONE)
		code = step == SQLITE_ROW ? read_row(summary, row)
					  : genops_ledger_fail(summary->ledger, "summary", summary->err);
	sqlite3_finalize(row);
	return code;
}

/* Covers [since, until) with the whole periods of this level inside it, and what is beside them by finer ones. */
static int cover(struct summary *summary, int level, int64_t since, int64_t until)
{
	if (since >= until)
		return GENOPS_OK;
	if (level < 0)
		return read_part(summary, GENOPS_ROLLUP_N, since, until);
	int64_t first, last, end;
	genops_period_bounds(genops_zone_utc(), level_periods[level], since, &first, &end);
	if (first < since)
		first = end;
	last = until;
	if (until < SECONDS_MAX)
		genops_period_bounds(genops_zone_utc(), level_periods[level], until, &last, &end);
	if (first >= last)
		return cover(summary, level - 1, since, until);
	GENOPS_TRY(cover(summary, level - 1, since, first));
	GENOPS_TRY(read_part(summary, level, first, last));
	return cover(summary, level - 1, last, until);
}

static genops_str time_text(int64_t bucket, int level, char out[24])
{
	struct tm tm;
	time_t time = bucket;
	if (!gmtime_r(&time, &tm))
		return (genops_str){0};
	if (level == GENOPS_ROLLUP_HOUR)
		return (genops_str){out, strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm)};
	if (level == GENOPS_ROLLUP_DAY)
		return (genops_str){out, strftime(out, 24, "%Y-%m-%d", &tm)};
	return (genops_str){out, strftime(out, 24, "%Y-%m", &tm)};
}

/* A cell's numbers into the group of its texts. */
static int group_cell(struct summary *summary, const struct cell *cell, sqlite3_stmt *dimension)
{
	genops_str keys[KEYS_MAX];
	char times[KEYS_MAX][24];
	size_t n_extras = 0, index;
	sqlite3_bind_int64(dimension, 1, cell->dimension);
	int step = sqlite3_step(dimension);
	if (step != SQLITE_ROW) {
		int failed = step == SQLITE_DONE ? genops_fail(summary->err, GENOPS_CORRUPT, "%s: dimension %lld is missing",
						       summary->ledger->path, (long long)cell->dimension)
						 : genops_ledger_fail(summary->ledger, "reading a dimension", summary->err);
		sqlite3_reset(dimension);
		return failed;
	}
	for (size_t i = 0; i < summary->query->n_by; i++) {
		const struct column *column = &summary->by[i];
		if (column->kind == COLUMN_DIMENSION)
			keys[i] = genops_ledger_column(dimension, column->index);
		else if (column->kind == COLUMN_TIME)
			keys[i] = time_text(cell->time, column->index, times[i]);
		else
			keys[i] = genops_groups_keys(summary->extras, (size_t)cell->extra)[n_extras++];
	}
	int code = genops_groups_find(summary->groups, keys, summary->query->n_by, &index, summary->err);
	if (code == GENOPS_OK)
		genops_sums_add(genops_groups_sums(summary->groups, index), &cell->sums);
	sqlite3_reset(dimension);
	return code;
}

static int group(struct summary *summary)
{
	static const char sql[] = "SELECT "
#define X(column) #column ","
	    GENOPS_DIMENSIONS(X)
#undef X
	    "id FROM dimension WHERE id = ?";
	sqlite3_stmt *dimension;
	GENOPS_TRY(genops_ledger_prepare(summary->ledger, genops_str_of(sql), &dimension, summary->err));
	int code = GENOPS_OK;
	for (size_t i = 0; i < summary->cells.n && code == GENOPS_OK; i++)
		code = group_cell(summary, (const struct cell *)(void *)summary->cells.entries + i, dimension);
	sqlite3_finalize(dimension);
	return code;
}

static int collect(struct summary *summary)
{
	int64_t since = summary->query->since_unix_s, until = summary->query->until_unix_s;
	if (since < 0)
		since = 0;
	if (until <= 0 || until > SECONDS_MAX)
		until = SECONDS_MAX;
	GENOPS_TRY(cover(summary, summary->has_scan ? -1 : (int)summary->level, since, until));
	return group(summary);
}

int genops_ledger_sums(struct genops_ledger *ledger, const struct genops_sums_query *query, genops_sums_fn *on_group,
    void *arg, struct genops_error *err)
{
	struct summary summary = {.ledger = ledger, .query = query, .err = err,
	    .cells = {.key_size = 24, .entry_size = sizeof(struct cell), .max = CELLS_MAX}};
	GENOPS_TRY(plan(&summary));
	summary.extras = genops_groups_new();
	summary.groups = genops_groups_new();
	/* one snapshot for all parts; a writer inside its batch has one already */
	bool has_begun = genops_ledger_snapshot_begin(ledger);
	int code = summary.extras && summary.groups ? collect(&summary)
						    : genops_fail(err, GENOPS_NOMEM, "out of memory for a summary");
	if (has_begun)
		genops_ledger_snapshot_end(ledger);
	for (size_t i = 0; code == GENOPS_OK && i < genops_groups_n(summary.groups); i++)
		code = on_group(arg, genops_groups_keys(summary.groups, i), query->n_by,
		    genops_groups_sums(summary.groups, i));
	genops_ledger_table_done(&summary.cells);
	genops_groups_free(summary.extras);
	genops_groups_free(summary.groups);
	return code;
}
