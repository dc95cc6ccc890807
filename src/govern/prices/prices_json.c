/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_json.c - reads GenOps' own price format: one object a provider, or an array
 * of such objects.
 *
 *   {"provider": "openai", "source": "https://...", "source_date": "2026-10-21", "prices": [
 *     {"model": "gpt-4o", "aliases": ["..."], "mode": "chat", "valid_from": "2024-10-02", "valid_until": "...",
 *      "max_input_tokens": 128000, "max_output_tokens": 16384,
 *      "cards": [{"input": 2.5, "output": 10, "cache_read": 1.25},
 *                {"tier": "batch", "input": 1.25, "output": 5},
 *                {"above": 200000, "input": 6, "output": 22.5}]}]}
 *
 * Rates are USD per 1,000,000 units of the kind (names: GENOPS_RATES), read digit by digit.
 * provider and source stand before prices. A row needs a rate: nothing becomes free by a slip of
 * the pen. */
#include "govern/prices/prices_build.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "govern/money.h"

#include <stdio.h>

#define ALIASES_MAX 64

enum {
	ID_PROVIDER,
	ID_SOURCE,
	ID_SOURCE_DATE,
	ID_ROW,
	ID_MODEL,
	ID_ALIAS,
	ID_MODE,
	ID_VALID_FROM,
	ID_VALID_UNTIL,
	ID_MAX_INPUT,
	ID_MAX_OUTPUT,
	ID_CARD,
	ID_TIER,
	ID_ABOVE,
	ID_RATE, /* + kind */
};

#define RATE_PATH(root, name, kind) {root "prices[].cards[]." name, ID_RATE + GENOPS_RATE_##kind},
#define PATHS(root)                                                                                \
	{root "provider", ID_PROVIDER}, {root "source", ID_SOURCE},                                \
	    {root "source_date", ID_SOURCE_DATE}, {root "prices[]", ID_ROW},                       \
	    {root "prices[].model", ID_MODEL}, {root "prices[].aliases[]", ID_ALIAS},              \
	    {root "prices[].mode", ID_MODE}, {root "prices[].valid_from", ID_VALID_FROM},          \
	    {root "prices[].valid_until", ID_VALID_UNTIL},                                         \
	    {root "prices[].max_input_tokens", ID_MAX_INPUT},                                      \
	    {root "prices[].max_output_tokens", ID_MAX_OUTPUT},                                    \
	    {root "prices[].cards[]", ID_CARD}, {root "prices[].cards[].tier", ID_TIER},           \
	    {root "prices[].cards[].above", ID_ABOVE},

static const struct genops_json_path rows[] = {PATHS("")
#define X(kind, name) RATE_PATH("", name, kind)
	GENOPS_RATES(X)
#undef X
	    PATHS("[].")
#define X(kind, name) RATE_PATH("[].", name, kind)
		GENOPS_RATES(X)
#undef X
};

/* A text that is kept until its row ends. */
struct text {
	char bytes[GENOPS_PRICES_MODEL_MAX];
	size_t len;
};

struct reader {
	struct genops_prices_build *build;
	struct genops_error *err;
	int line, code;
	struct text provider, source, source_date, model, mode;
	struct text aliases[ALIASES_MAX];
	size_t n_aliases;
	struct genops_price row;
	struct genops_rate_card card;
	bool has_rate;
};

static void fail(struct reader *r, int code, const char *what)
{
	r->code = genops_fail(r->err, code, "%s", what);
	genops_error_place(r->err, r->build->file, r->line, 0);
}

static genops_str view(const struct text *text)
{
	return (genops_str){text->bytes, text->len};
}

static void keep(struct reader *r, const struct genops_json_value *value, struct text *ret)
{
	if (value->type != GENOPS_JSON_STRING || value->text.len > sizeof ret->bytes) {
		fail(r, GENOPS_CONFIG, "a text of at most 256 bytes is due here");
		return;
	}
	memcpy(ret->bytes, value->text.ptr, value->text.len);
	ret->len = value->text.len;
}

static void set_count(struct reader *r, const struct genops_json_value *value, int64_t *ret)
{
	if (value->type == GENOPS_JSON_NULL)
		return;
	if (value->type != GENOPS_JSON_NUMBER || !value->is_integer || value->integer < 0)
		fail(r, GENOPS_CONFIG, "a number of tokens is due here");
	else
		*ret = value->integer;
}

static void set_date(struct reader *r, const struct genops_json_value *value, int64_t *ret)
{
	if (value->type != GENOPS_JSON_STRING || !genops_prices_build_date(value->text, ret))
		fail(r, GENOPS_CONFIG, "a date like 2026-11-20 is due here");
}

static void set_rate(struct reader *r, const struct genops_json_value *value, int kind)
{
	bool is_text = value->type == GENOPS_JSON_NUMBER || value->type == GENOPS_JSON_STRING;
	if (!is_text || !genops_money_parse_scaled(value->text, 9, &r->card.nano_per_million[kind]))
		fail(r, GENOPS_CONFIG, "a rate in USD per million is due here, not negative");
	r->has_rate = true;
}

static void begin_row(struct reader *r)
{
	genops_prices_build_row_init(&r->row);
	r->model.len = r->mode.len = r->n_aliases = 0;
	r->has_rate = false;
}

static void end_row(struct reader *r)
{
	r->row.provider = view(&r->provider);
	r->row.source = view(&r->source);
	r->row.source_date = view(&r->source_date);
	r->row.model = view(&r->model);
	r->row.mode = view(&r->mode);
	if (!r->has_rate) {
		fail(r, GENOPS_CONFIG, "a price has no rate; write 0 for what is really free");
		return;
	}
	r->code = genops_prices_build_add(r->build, &r->row, r->err);
	for (size_t i = 0; r->code == GENOPS_OK && i < r->n_aliases; i++)
		r->code = genops_prices_build_alias(r->build, view(&r->aliases[i]), r->err);
	if (r->code != GENOPS_OK)
		genops_error_place(r->err, r->build->file, r->line, 0);
}

static void begin_card(struct reader *r)
{
	struct genops_price empty;
	genops_prices_build_row_init(&empty);
	r->card = empty.cards[0];
}

static void end_card(struct reader *r)
{
	struct genops_rate_card *card =
	    genops_prices_build_card(&r->row, r->card.tier, r->card.input_tokens_above);
	if (card)
		*card = r->card;
	else
		fail(r, GENOPS_LIMIT, "a price has too many cards");
}

static void on_row_value(struct reader *r, const struct genops_json_value *value)
{
	switch (value->id) {
	case ID_MODEL:
		keep(r, value, &r->model);
		break;
	case ID_ALIAS:
		if (r->n_aliases == ALIASES_MAX)
			fail(r, GENOPS_LIMIT, "a price has too many aliases");
		else
			keep(r, value, &r->aliases[r->n_aliases++]);
		break;
	case ID_MODE:
		keep(r, value, &r->mode);
		break;
	case ID_VALID_FROM:
		set_date(r, value, &r->row.valid_from_unix_s);
		break;
	case ID_VALID_UNTIL:
		set_date(r, value, &r->row.valid_until_unix_s);
		break;
	case ID_MAX_INPUT:
		set_count(r, value, &r->row.max_input_tokens);
		break;
	case ID_MAX_OUTPUT:
		set_count(r, value, &r->row.max_output_tokens);
		break;
	case ID_TIER:
		if (value->type != GENOPS_JSON_STRING ||
		    !genops_prices_build_tier(value->text, &r->card.tier))
			fail(r, GENOPS_CONFIG, "a tier is one of standard, batch, flex, priority");
		break;
	case ID_ABOVE:
		set_count(r, value, &r->card.input_tokens_above);
		break;
	default:
		set_rate(r, value, value->id - ID_RATE);
	}
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct reader *r = arg;
	if (r->code != GENOPS_OK)
		return;
	switch (value->id) {
	case ID_PROVIDER:
		keep(r, value, &r->provider);
		break;
	case ID_SOURCE:
		keep(r, value, &r->source);
		break;
	case ID_SOURCE_DATE:
		keep(r, value, &r->source_date);
		break;
	case ID_ROW:
	case ID_CARD:
		if (value->type != GENOPS_JSON_OBJECT)
			fail(r, GENOPS_CONFIG, "an object is due here");
		else if (value->id == ID_ROW)
			(value->is_end ? end_row : begin_row)(r);
		else
			(value->is_end ? end_card : begin_card)(r);
		break;
	default:
		on_row_value(r, value);
	}
}

int genops_prices_json_read(
    struct genops_prices_build *build, genops_str text, struct genops_error *err)
{
	static const struct genops_json_scan_options options = {.max_depth = 16, .text_max = 1024};
	struct reader *r = genops_arena_alloc(build->arena, sizeof *r);
	struct genops_json_paths *paths =
	    genops_json_paths_new(rows, sizeof rows / sizeof *rows, err);
	struct genops_json_scan *scan =
	    r && paths ? genops_json_scan_new(paths, &options, on_value, r) : NULL;
	int code = GENOPS_NOMEM;
	if (scan) {
		*r = (struct reader){.build = build, .err = err, .line = 1};
		code = genops_prices_build_feed(build, scan, text, &r->line, &r->code, err);
	} else {
		code = genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	}
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return code;
}
