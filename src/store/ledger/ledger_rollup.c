/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_rollup.c - what a batch adds to the sums, kept in memory until its commit writes it once.
 *
 * Roll-ups are kept by hour, day and month (UTC, of the operation's end), so that a summary over any range reads
 * few rows: months, then the days and hours at its edges.
 */
#include "store/ledger/ledger_impl.h"

#include "base/error.h"
#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 95

static_assert(sizeof(struct genops_sums) == GENOPS_SUMS_N * sizeof(int64_t), "sums are int64 only");

struct dimension_entry {
	struct genops_hash key;
	int64_t id;
};

struct rollup_entry {
	int64_t level, start, dimension; /* key */
	struct genops_sums sums;
};

struct hour_entry {
	int64_t start; /* key */
	int64_t first_id, last_id;
};

struct budget_entry {
	struct genops_hash key; /* key: these four */
	int64_t period, start;
	int64_t end, consumed_nano_usd;
	char label[LABEL_MAX + 1];
	uint64_t label_len;
};

static_assert(sizeof(struct dimension_entry) == 24, "as ledger.c sets up");
static_assert(sizeof(struct rollup_entry) == 24 + sizeof(struct genops_sums), "as ledger.c sets up");
static_assert(sizeof(struct hour_entry) == 24, "as ledger.c sets up");
static_assert(sizeof(struct budget_entry) <= 32 + 128, "as ledger.c sets up");

static int64_t add(int64_t a, int64_t b)
{
	return a > GENOPS_SUM_MAX - b ? GENOPS_SUM_MAX : a + b;
}

/* The value as text; `scratch` holds a number's. */
static genops_str value_text(const struct genops_attribute *attribute, char scratch[32])
{
	switch (attribute->type) {
	case GENOPS_ATTRIBUTE_INT:
		snprintf(scratch, 32, "%lld", (long long)attribute->value.integer);
		return genops_str_of(scratch);
	case GENOPS_ATTRIBUTE_DOUBLE:
		snprintf(scratch, 32, "%.17g", attribute->value.number);
		return genops_str_of(scratch);
	case GENOPS_ATTRIBUTE_BOOL:
		return attribute->value.boolean ? GENOPS_STR("true") : GENOPS_STR("false");
	case GENOPS_ATTRIBUTE_STRING:
	default:
		return attribute->value.string;
	}
}

static void dimension_texts(const struct genops_record *record, genops_str texts[GENOPS_DIMENSION_N],
    char scratch[GENOPS_ATTRIBUTE_N_STANDARD][32])
{
	static const genops_str standard[] = {
#define X(symbol, name, key, header) {name, sizeof name - 1},
	    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	};
	static_assert((int)GENOPS_DIMENSION_feature == (int)GENOPS_ATTRIBUTE_FEATURE, "standard attributes come first, in order");
	memset(texts, 0, sizeof *texts * GENOPS_DIMENSION_N);
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *attribute = &record->attributes[i];
		for (size_t k = 0; k < GENOPS_ATTRIBUTE_N_STANDARD; k++)
			if (genops_str_equal(attribute->key, standard[k]))
				texts[k] = value_text(attribute, scratch[k]);
	}
	texts[GENOPS_DIMENSION_provider] = record->provider;
	texts[GENOPS_DIMENSION_model] = record->request_model.len ? record->request_model : record->response_model;
	texts[GENOPS_DIMENSION_key_name] = record->key_name;
	texts[GENOPS_DIMENSION_result] = genops_str_of(genops_result_name(record->result));
}

static int find_dimension(struct genops_ledger *ledger, const struct genops_hash *key, int64_t *ret_id,
    struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_FIND_DIMENSION];
	genops_ledger_bind_blob(row, 1, key, sizeof *key);
	int step = sqlite3_step(row);
	*ret_id = step == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
	int code = step == SQLITE_ROW || step == SQLITE_DONE ? GENOPS_OK : genops_ledger_fail(ledger, "query", err);
	sqlite3_reset(row);
	return code;
}

static int add_dimension(struct genops_ledger *ledger, const struct genops_hash *key, const genops_str *texts,
    int64_t *ret_id, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_DIMENSION];
	genops_ledger_bind_blob(row, 1, key, sizeof *key);
	for (int i = 0; i < GENOPS_DIMENSION_N; i++)
		genops_ledger_bind_text(row, i + 2, texts[i]);
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_DIMENSION, err));
	*ret_id = sqlite3_last_insert_rowid(ledger->db);
	return GENOPS_OK;
}

/* All texts, each behind its length, as one. */
static bool join_texts(struct genops_ledger *ledger, const genops_str texts[GENOPS_DIMENSION_N], genops_str *ret_all)
{
	size_t len = 0;
	for (size_t i = 0; i < GENOPS_DIMENSION_N; i++)
		len += sizeof texts[i].len + texts[i].len;
	genops_buffer_clear(&ledger->text);
	char *at = genops_buffer_reserve(&ledger->text, len);
	if (!at)
		return false;
	for (size_t i = 0; i < GENOPS_DIMENSION_N; i++) {
		memcpy(at, &texts[i].len, sizeof texts[i].len);
		at = genops_str_put(at + sizeof texts[i].len, texts[i]);
	}
	*ret_all = (genops_str){at - len, len};
	return true;
}

static int look_up_dimension(struct genops_ledger *ledger, const genops_str texts[GENOPS_DIMENSION_N], genops_str all,
    int64_t *ret_id, struct genops_error *err)
{
	struct genops_hash key = genops_hash_of(all, ledger->seed);
	if (ledger->dimensions.n == ledger->dimensions.max)
		genops_ledger_table_clear(&ledger->dimensions);
	bool is_new;
	struct dimension_entry *entry = genops_ledger_table_at(&ledger->dimensions, &key, &is_new);
	if (!entry)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's dimensions");
	if (entry->id == 0)
		GENOPS_TRY(find_dimension(ledger, &key, &entry->id, err));
	if (entry->id == 0)
		GENOPS_TRY(add_dimension(ledger, &key, texts, &entry->id, err));
	*ret_id = entry->id;
	return GENOPS_OK;
}

int genops_ledger_dimension(struct genops_ledger *ledger, const struct genops_record *record, int64_t *ret_id,
    struct genops_error *err)
{
	genops_str texts[GENOPS_DIMENSION_N];
	char scratch[GENOPS_ATTRIBUTE_N_STANDARD][32];
	dimension_texts(record, texts, scratch);
	genops_str all;
	if (!join_texts(ledger, texts, &all))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation's attributes");
	/* As the one before, as mostly: not even hashed. */
	if (!ledger->dimension_id || !genops_str_equal(all, genops_buffer_view(&ledger->dimension_texts))) {
		int64_t id = 0;
		ledger->dimension_id = 0;
		GENOPS_TRY(look_up_dimension(ledger, texts, all, &id, err));
		genops_buffer_clear(&ledger->dimension_texts);
		genops_buffer_add(&ledger->dimension_texts, all);
		*ret_id = id;
		ledger->dimension_id = ledger->dimension_texts.error ? 0 : id;
		return GENOPS_OK;
	}
	*ret_id = ledger->dimension_id;
	return GENOPS_OK;
}

/* Days and months are made of hours: see coarsen. */
static int roll_level(struct genops_ledger *ledger, int64_t level, int64_t unix_s, int64_t dimension,
    const struct genops_sums *sums, struct genops_error *err)
{
	static const enum genops_period periods[] = {
	    GENOPS_PERIOD_HOURLY, GENOPS_PERIOD_DAILY, GENOPS_PERIOD_MONTHLY};
	struct genops_ledger_bounds *bounds = &ledger->bounds[level];
	if (unix_s < bounds->start || unix_s >= bounds->end)
		genops_period_bounds(genops_zone_utc(), periods[level], unix_s, &bounds->start, &bounds->end);
	int64_t key[3] = {level, bounds->start, dimension};
	bool is_new;
	struct rollup_entry *entry = genops_ledger_table_at(&ledger->rollups, key, &is_new);
	if (!entry)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's roll-ups");
	genops_sums_add(&entry->sums, sums);
	return GENOPS_OK;
}

static int64_t at_least_0(int64_t value)
{
	return value < 0 ? 0 : value;
}

static int roll_budgets(struct genops_ledger *ledger, const struct genops_record *record, struct genops_error *err)
{
	for (size_t i = 0; i < record->n_budgets; i++) {
		const struct genops_record_budget *budget = &record->budgets[i];
		for (size_t k = 0; k < budget->n_lines; k++) {
			struct budget_entry key = {.key = budget->key, .period = (int64_t)budget->lines[k].period,
			    .start = budget->lines[k].start_unix_s};
			bool is_new;
			struct budget_entry *entry = genops_ledger_table_at(&ledger->budgets, &key, &is_new);
			if (!entry)
				return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's budgets");
			entry->end = budget->lines[k].end_unix_s;
			entry->consumed_nano_usd = add(entry->consumed_nano_usd, record->actual_nano_usd);
			entry->label_len = budget->label.len < LABEL_MAX ? budget->label.len : LABEL_MAX;
			if (entry->label_len)
				memcpy(entry->label, budget->label.ptr, entry->label_len);
		}
	}
	return GENOPS_OK;
}

int genops_ledger_roll_hour(struct genops_ledger *ledger, int64_t id, int64_t unix_s, struct genops_error *err)
{
	int64_t start = unix_s - unix_s % 3600;
	bool is_new;
	struct hour_entry *entry = genops_ledger_table_at(&ledger->hours, &start, &is_new);
	if (!entry)
		return genops_fail(err, GENOPS_NOMEM, "out of memory for the ledger's hours");
	if (is_new)
		entry->first_id = id;
	entry->last_id = id;
	return GENOPS_OK;
}

int genops_ledger_roll(struct genops_ledger *ledger, const struct genops_record *record, int64_t dimension,
    int64_t id, int64_t unix_s, struct genops_error *err)
{
	struct genops_sums sums = {
	    .operations = 1,
	    .refused = record->is_refused,
	    .cost_nano_usd = at_least_0(record->actual_nano_usd),
#define X(field, unit) .field = at_least_0(record->usage.field),
	    GENOPS_USAGE_FIELDS(X)
#undef X
	};
	/* room for one more operation's lines in every table, or what is there is written first */
	if (GENOPS_ROLLUP_N * (ledger->rollups.n + 1) > ledger->rollups.max || ledger->hours.n + 1 > ledger->hours.max ||
	    ledger->budgets.n + record->n_budgets * GENOPS_PERIOD_N > ledger->budgets.max)
		GENOPS_TRY(genops_ledger_roll_flush(ledger, err));
	GENOPS_TRY(genops_ledger_roll_hour(ledger, id, unix_s, err));
	GENOPS_TRY(roll_level(ledger, GENOPS_ROLLUP_HOUR, unix_s, dimension, &sums, err));
	return record->actual_nano_usd > 0 ? roll_budgets(ledger, record, err) : GENOPS_OK;
}

/* What was added to hours goes to their days and months, too. There is room for them (genops_ledger_roll). */
static int coarsen(struct genops_ledger *ledger, struct genops_error *err)
{
	for (size_t i = 0, n = ledger->rollups.n; i < n; i++) {
		const struct rollup_entry hour = ((const struct rollup_entry *)(void *)ledger->rollups.entries)[i];
		for (int64_t level = GENOPS_ROLLUP_DAY; level < GENOPS_ROLLUP_N; level++)
			GENOPS_TRY(roll_level(ledger, level, hour.start, hour.dimension, &hour.sums, err));
	}
	return GENOPS_OK;
}

static int flush_rollups(struct genops_ledger *ledger, struct genops_error *err)
{
	GENOPS_TRY(coarsen(ledger, err));
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_ROLLUP];
	for (size_t i = 0; i < ledger->rollups.n; i++) {
		const struct rollup_entry *entry = (const struct rollup_entry *)(void *)ledger->rollups.entries + i;
		sqlite3_bind_int64(row, 1, entry->level);
		sqlite3_bind_int64(row, 2, entry->start);
		sqlite3_bind_int64(row, 3, entry->dimension);
		const int64_t *sums = (const int64_t *)&entry->sums;
		for (size_t k = 0; k < GENOPS_SUMS_N; k++)
			sqlite3_bind_int64(row, (int)k + 4, sums[k]);
		GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_ROLLUP, err));
	}
	return GENOPS_OK;
}

static int flush_hours(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_HOUR];
	for (size_t i = 0; i < ledger->hours.n; i++) {
		const struct hour_entry *entry = (const struct hour_entry *)(void *)ledger->hours.entries + i;
		sqlite3_bind_int64(row, 1, entry->start);
		sqlite3_bind_int64(row, 2, entry->first_id);
		sqlite3_bind_int64(row, 3, entry->last_id);
		GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_HOUR, err));
	}
	return GENOPS_OK;
}

static int flush_budgets(struct genops_ledger *ledger, struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_BUDGET];
	for (size_t i = 0; i < ledger->budgets.n; i++) {
		const struct budget_entry *entry =
		    (const void *)(ledger->budgets.entries + i * ledger->budgets.entry_size);
		genops_ledger_bind_blob(row, 1, &entry->key, sizeof entry->key);
		sqlite3_bind_int64(row, 2, entry->period);
		sqlite3_bind_int64(row, 3, entry->start);
		sqlite3_bind_int64(row, 4, entry->end);
		genops_ledger_bind_text(row, 5, (genops_str){entry->label, (size_t)entry->label_len});
		sqlite3_bind_int64(row, 6, entry->consumed_nano_usd);
		GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_ADD_BUDGET, err));
	}
	return GENOPS_OK;
}

void genops_ledger_roll_forget(struct genops_ledger *ledger)
{
	genops_ledger_table_clear(&ledger->rollups);
	genops_ledger_table_clear(&ledger->hours);
	genops_ledger_table_clear(&ledger->budgets);
}

int genops_ledger_roll_flush(struct genops_ledger *ledger, struct genops_error *err)
{
	GENOPS_TRY(flush_rollups(ledger, err));
	GENOPS_TRY(flush_hours(ledger, err));
	GENOPS_TRY(flush_budgets(ledger, err));
	genops_ledger_roll_forget(ledger);
	return GENOPS_OK;
}
