/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_csv.c - reads the guides' price table (contract CORE-027, CRB-323): a header
 * line, then one model a line, USD per 1,000 tokens.
 *
 *   provider,model,input_cost_per_1k,output_cost_per_1k,context_window
 *
 * Columns may stand in any order. Besides the guides' five: cache_read_cost_per_1k,
 * cache_write_cost_per_1k, valid_from, valid_until, currency (only USD). Other columns are passed
 * over. Fields may be quoted (RFC 4180, without line feeds inside); empty lines and lines that
 * begin with # are skipped. Every error names its line. */
#include "govern/prices/prices_build.h"

#include "base/str.h"
#include "govern/money.h"

#define COLUMNS_MAX 64
#define FIELD_MAX   1024 /* bytes of a quoted field */

enum column {
	COLUMN_PROVIDER,
	COLUMN_MODEL,
	COLUMN_INPUT,
	COLUMN_OUTPUT,
	COLUMN_CONTEXT,
	COLUMN_CACHE_READ,
	COLUMN_CACHE_WRITE,
	COLUMN_VALID_FROM,
	COLUMN_VALID_UNTIL,
	COLUMN_CURRENCY,
	COLUMN_N,
};

static const char *const column_names[COLUMN_N] = {"provider", "model", "input_cost_per_1k",
    "output_cost_per_1k", "context_window", "cache_read_cost_per_1k", "cache_write_cost_per_1k",
    "valid_from", "valid_until", "currency"};

struct table {
	struct genops_prices_build *build;
	int line;
	int place[COLUMN_N]; /* the field's number; -1: the table has no such column */
};

/* The message is `before`, the text in quotes if there is one, and `after`. */
static int fail(const struct table *table, struct genops_error *err, const char *fix,
    const char *before, genops_str text, const char *after)
{
	const char *quote = text.len ? "\"" : "";
	int code = genops_fail_fix(err, GENOPS_CONFIG, fix, "%s%s%.*s%s%s", before, quote,
	    text.len > 60 ? 60 : (int)text.len, text.ptr ? text.ptr : "", quote, after);
	genops_error_place(err, table->build->file, table->line, 0);
	return code;
}

/* Takes a field in quotes off the front of *rest into `out`; false: no closing quote, or too
 * long. */
static bool take_quoted(genops_str *rest, char out[FIELD_MAX], genops_str *ret_field)
{
	size_t n = 0, i = 1;
	for (; i < rest->len; i++) {
		if (rest->ptr[i] == '"' && (i + 1 == rest->len || rest->ptr[i + 1] != '"'))
			break;
		i += rest->ptr[i] == '"'; /* "" is one quote */
		if (n == FIELD_MAX)
			return false;
		out[n++] = rest->ptr[i];
	}
	if (i >= rest->len)
		return false;
	*rest = genops_str_skip(*rest, i + 1);
	*ret_field = (genops_str){out, n};
	*rest = genops_str_trim(*rest);
	if (rest->len && rest->ptr[0] != ',')
		return false;
	*rest = genops_str_skip(*rest, 1);
	return true;
}

struct fields {
	size_t n;
	genops_str items[COLUMNS_MAX];
	char quoted[4][FIELD_MAX];
	size_t n_quoted;
};

static int split(
    const struct table *table, genops_str line, struct fields *ret, struct genops_error *err)
{
	bool is_open = true; /* a line "a," has an empty last field */
	ret->n = ret->n_quoted = 0;
	while (line.len || is_open) {
		if (ret->n == COLUMNS_MAX)
			return fail(
			    table, err, "", "the table has too many columns", (genops_str){0}, "");
		genops_str *field = &ret->items[ret->n++];
		line = genops_str_trim(line);
		if (line.len && line.ptr[0] == '"') {
			/* Only the few columns that we read need their quotes taken off. */
			char *room = ret->quoted[ret->n_quoted < 3 ? ret->n_quoted++ : 3];
			is_open = false;
			if (!take_quoted(&line, room, field))
				return fail(table, err, "", "a quoted field does not end properly",
				    (genops_str){0}, "");
			continue;
		}
		is_open = genops_str_find_char(line, ',') != SIZE_MAX;
		*field = genops_str_trim(genops_str_split(&line, ','));
	}
	return GENOPS_OK;
}

static int read_header(struct table *table, const struct fields *fields, struct genops_error *err)
{
	for (int i = 0; i < COLUMN_N; i++) {
		table->place[i] = -1;
		for (size_t j = 0; j < fields->n; j++) {
			if (genops_str_is_nocase(fields->items[j], column_names[i]))
				table->place[i] = (int)j;
		}
		if (i <= COLUMN_OUTPUT && table->place[i] < 0)
			return fail(table, err,
			    "begin the table with provider,model,input_cost_per_1k,output_cost_per_1k,context_window",
			    "the price table has no column ", genops_str_of(column_names[i]), "");
	}
	return GENOPS_OK;
}

static genops_str field_of(
    const struct table *table, const struct fields *fields, enum column column)
{
	int place = table->place[column];
	return place >= 0 && (size_t)place < fields->n ? fields->items[place] : (genops_str){0};
}

static int read_rates(const struct table *table, const struct fields *fields,
    struct genops_price *row, struct genops_error *err)
{
	static const struct {
		enum column column;
		enum genops_rate_kind kind;
	} rates[] = {{COLUMN_INPUT, GENOPS_RATE_INPUT}, {COLUMN_OUTPUT, GENOPS_RATE_OUTPUT},
	    {COLUMN_CACHE_READ, GENOPS_RATE_CACHE_READ},
	    {COLUMN_CACHE_WRITE, GENOPS_RATE_CACHE_WRITE_5M}};
	for (size_t i = 0; i < 4; i++) {
		genops_str text = field_of(table, fields, rates[i].column);
		bool is_needed = rates[i].column <= COLUMN_OUTPUT;
		if (!text.len && !is_needed)
			continue;
		if (!genops_money_parse_scaled(
			text, 12, &row->cards[0].nano_per_million[rates[i].kind]))
			return fail(table, err, "write USD per 1,000 tokens like 0.03",
			    text.len ? "" : "a price is missing", text,
			    text.len ? " is not a price" : "");
	}
	return GENOPS_OK;
}

static int read_row(
    const struct table *table, const struct fields *fields, struct genops_error *err)
{
	struct genops_price row;
	genops_prices_build_row_init(&row);
	row.provider = field_of(table, fields, COLUMN_PROVIDER);
	row.model = field_of(table, fields, COLUMN_MODEL);
	row.source = genops_str_of(table->build->file);
	GENOPS_TRY(read_rates(table, fields, &row, err));
	genops_str context = field_of(table, fields, COLUMN_CONTEXT);
	if (context.len &&
	    (!genops_str_to_int(context, &row.max_input_tokens) || row.max_input_tokens < 0))
		return fail(table, err, "", "", context, " is not a number of tokens");
	genops_str from = field_of(table, fields, COLUMN_VALID_FROM),
		   until = field_of(table, fields, COLUMN_VALID_UNTIL);
	if (from.len && !genops_prices_build_date(from, &row.valid_from_unix_s))
		return fail(table, err, "write it like 2026-11-20", "", from, " is not a date");
	if (until.len && !genops_prices_build_date(until, &row.valid_until_unix_s))
		return fail(table, err, "write it like 2026-11-20", "", until, " is not a date");
	genops_str currency = field_of(table, fields, COLUMN_CURRENCY);
	if (currency.len && !genops_str_is_nocase(currency, "USD"))
		return fail(table, err, "convert the prices to USD", "prices in ", currency,
		    " are not read");
	int code = genops_prices_build_add(table->build, &row, err);
	genops_error_place(code == GENOPS_OK ? NULL : err, table->build->file, table->line, 0);
	return code;
}

int genops_prices_csv_read(
    struct genops_prices_build *build, genops_str text, struct genops_error *err)
{
	struct table table = {.build = build};
	struct fields *fields = genops_arena_alloc(build->arena, sizeof *fields);
	bool has_header = false;
	if (!fields)
		return genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	while (text.len) {
		genops_str line = genops_str_trim(genops_str_split(&text, '\n'));
		table.line++;
		if (!line.len || line.ptr[0] == '#')
			continue;
		GENOPS_TRY(split(&table, line, fields, err));
		if (has_header)
			GENOPS_TRY(read_row(&table, fields, err));
		else
			GENOPS_TRY(read_header(&table, fields, err));
		has_header = true;
	}
	if (has_header)
		return GENOPS_OK;
	table.line = 1;
	return fail(&table, err, "", "the price table is empty", (genops_str){0}, "");
}
