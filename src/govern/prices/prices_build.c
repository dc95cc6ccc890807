/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_build.c - see prices_build.h: collects rows and names while sources are
 * read. One thread. */
#include "govern/prices/prices_build.h"

#include "base/str.h"
#include "codec/json_scan.h"

#include <stdlib.h>

void genops_prices_build_done(struct genops_prices_build *build)
{
	free(build->rows);
	free(build->names);
	build->rows = NULL;
	build->names = NULL;
}

static void card_init(struct genops_rate_card *card, enum genops_tier tier, int64_t above)
{
	*card = (struct genops_rate_card){.tier = tier, .input_tokens_above = above};
	for (int i = 0; i < GENOPS_RATE_N; i++)
		card->nano_per_million[i] = GENOPS_RATE_NONE;
}

void genops_prices_build_row_init(struct genops_price *row)
{
	*row = (struct genops_price){
	    .valid_from_unix_s = INT64_MIN, .valid_until_unix_s = INT64_MAX, .n_cards = 1};
	card_init(&row->cards[0], GENOPS_TIER_STANDARD, 0);
}

struct genops_rate_card *genops_prices_build_card(
    struct genops_price *row, enum genops_tier tier, int64_t input_tokens_above)
{
	for (size_t i = 0; i < row->n_cards; i++) {
		if (row->cards[i].tier == tier &&
		    row->cards[i].input_tokens_above == input_tokens_above)
			return &row->cards[i];
	}
	if (row->n_cards == GENOPS_RATE_CARDS_MAX)
		return NULL;
	struct genops_rate_card *card = &row->cards[row->n_cards++];
	card_init(card, tier, input_tokens_above);
	return card;
}

/* Room for one more element of `size` bytes; *ptr moves. */
static bool grow(void **ptr, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return true;
	size_t more = *cap ? 2 * *cap : 256;
	void *moved = realloc(*ptr, more * size);
	if (!moved)
		return false;
	*ptr = moved;
	*cap = more;
	return true;
}

static int check_name(genops_str name, const char *what, struct genops_error *err)
{
	if (!name.len)
		return genops_fail(err, GENOPS_CONFIG, "a price has no %s", what);
	if (name.len > GENOPS_PRICES_MODEL_MAX)
		return genops_fail(err, GENOPS_CONFIG, "a %s's name is longer than %d bytes", what,
		    GENOPS_PRICES_MODEL_MAX);
	if (!genops_str_is_utf8(name) || genops_str_find_char(name, '\0') != SIZE_MAX)
		return genops_fail(err, GENOPS_CONFIG, "a %s's name is not a text in UTF-8", what);
	return GENOPS_OK;
}

int genops_prices_build_alias(
    struct genops_prices_build *build, genops_str model, struct genops_error *err)
{
	genops_str copy;
	GENOPS_TRY(check_name(model, "model", err));
	if (build->n_names >= GENOPS_PRICES_NAMES_MAX)
		return genops_fail(
		    err, GENOPS_LIMIT, "more than %d names of models", GENOPS_PRICES_NAMES_MAX);
	void *names = build->names;
	bool has_room = grow(&names, build->n_names, &build->cap_names, sizeof *build->names);
	build->names = names;
	if (!has_room || !genops_arena_dup(build->arena, model, &copy))
		return genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	build->names[build->n_names++] =
	    (struct genops_prices_name){copy, (uint32_t)(build->n_rows - 1)};
	return GENOPS_OK;
}

int genops_prices_build_add(
    struct genops_prices_build *build, const struct genops_price *row, struct genops_error *err)
{
	struct genops_price copy = *row;
	copy.provider = genops_prices_name_provider(row->provider);
	GENOPS_TRY(check_name(copy.provider, "provider", err));
	GENOPS_TRY(check_name(copy.model, "model", err));
	if (build->n_rows >= GENOPS_PRICES_MAX)
		return genops_fail(err, GENOPS_LIMIT, "more than %d prices", GENOPS_PRICES_MAX);
	void *rows = build->rows;
	bool has_room = grow(&rows, build->n_rows, &build->cap_rows, sizeof *build->rows);
	build->rows = rows;
	if (!has_room || !genops_arena_dup(build->arena, copy.provider, &copy.provider) ||
	    !genops_arena_dup(build->arena, row->model, &copy.model) ||
	    !genops_arena_dup(build->arena, row->source, &copy.source) ||
	    !genops_arena_dup(build->arena, row->source_date, &copy.source_date) ||
	    !genops_arena_dup(build->arena, row->mode, &copy.mode))
		return genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	build->rows[build->n_rows++] = copy;
	return genops_prices_build_alias(build, copy.model, err);
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar (Howard Hinnant's days_from_civil, for
 * years >= 1). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400, year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

bool genops_prices_build_date(genops_str text, int64_t *ret_unix_s)
{
	int64_t year, month, day;
	if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
	    !genops_str_to_int((genops_str){text.ptr, 4}, &year) ||
	    !genops_str_to_int((genops_str){text.ptr + 5, 2}, &month) ||
	    !genops_str_to_int((genops_str){text.ptr + 8, 2}, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*ret_unix_s = days_of(year, month, day) * 86400;
	return true;
}

bool genops_prices_build_tier(genops_str text, enum genops_tier *ret_tier)
{
	static const char *const names[] = {"standard", "batch", "flex", "priority"};
	for (int i = 0; i < 4; i++) {
		if (genops_str_is(text, names[i])) {
			*ret_tier = (enum genops_tier)i;
			return true;
		}
	}
	return false;
}

int genops_prices_build_feed(const struct genops_prices_build *build, struct genops_json_scan *scan,
    genops_str text, int *line, const int *code, struct genops_error *err)
{
	while (text.len) {
		size_t end = genops_str_find_char(text, '\n');
		size_t len = end == SIZE_MAX ? text.len : end + 1;
		int fed = genops_json_scan_feed(scan, (genops_str){text.ptr, len}, err);
		if (fed != GENOPS_OK) {
			genops_error_place(err, build->file, *line, 0);
			return fed;
		}
		if (*code != GENOPS_OK)
			return *code;
		*line += end != SIZE_MAX;
		text = genops_str_skip(text, len);
	}
	int ended = genops_json_scan_end(scan, err);
	if (ended != GENOPS_OK)
		genops_error_place(err, build->file, *line, 0);
	return ended != GENOPS_OK ? ended : *code;
}
