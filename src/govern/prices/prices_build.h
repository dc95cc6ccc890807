/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_build.h - between prices.c and its importers: rows are collected here, then
 * indexed and never changed again.
 *
 * An importer reads one text and calls add for each row; the strings are copied. Errors carry file
 * and line. */
#ifndef GOVERN_PRICES_PRICES_BUILD_H
#define GOVERN_PRICES_PRICES_BUILD_H

#include "base/arena.h"
#include "govern/prices.h"

#define GENOPS_PRICES_MAX	65536			/* rows of one catalogue */
#define GENOPS_PRICES_NAMES_MAX (4 * GENOPS_PRICES_MAX) /* rows and their aliases */
#define GENOPS_PRICES_TEXT_MAX	((size_t)64 << 20)	/* bytes of one source */
#define GENOPS_PRICES_ARENA_MAX ((size_t)256 << 20)
#define GENOPS_PRICES_MODEL_MAX 256 /* bytes of a provider's and of a model's name */

/* A name under which a row is found: its own, or an alias. */
struct genops_prices_name {
	genops_str model;
	uint32_t row;
};

struct genops_prices_build {
	struct genops_arena *arena; /* borrowed; strings live there */
	struct genops_price *rows;  /* malloc'd, as names is */
	size_t n_rows, cap_rows;
	struct genops_prices_name *names;
	size_t n_names, cap_names;
	const char *file; /* of the source being read */
};

void genops_prices_build_done(struct genops_prices_build *build);

/* A row with all rates NONE, one standard card, valid always. */
void genops_prices_build_row_init(struct genops_price *row);
/* The card for (tier, above), made if there is none; NULL: GENOPS_RATE_CARDS_MAX are used. */
struct genops_rate_card *genops_prices_build_card(
    struct genops_price *row, enum genops_tier tier, int64_t input_tokens_above);

/* Copies the row under its canonical provider name. Errors: CONFIG (no name, too long), LIMIT,
 * NOMEM. */
GENOPS_NODISCARD int genops_prices_build_add(
    struct genops_prices_build *build, const struct genops_price *row, struct genops_error *err);
/* Another name of the row added last. */
GENOPS_NODISCARD int genops_prices_build_alias(
    struct genops_prices_build *build, genops_str model, struct genops_error *err);

/* "2026-11-20" to the Unix second of its beginning in UTC. */
bool genops_prices_build_date(genops_str text, int64_t *ret_unix_s);
/* "batch", ... ; false: unknown. */
bool genops_prices_build_tier(genops_str text, enum genops_tier *ret_tier);

struct genops_json_scan;
/* Feeds a document line by line, so that *line is that of the value being told. Stops when *code is
 * not OK any more (the callback failed and has filled err), and fails for JSON that is not well
 * formed. */
GENOPS_NODISCARD int genops_prices_build_feed(const struct genops_prices_build *build,
    struct genops_json_scan *scan, genops_str text, int *line, const int *code,
    struct genops_error *err);

/* The importers. Each fails with err->file and err->line set. */
GENOPS_NODISCARD int genops_prices_json_read(
    struct genops_prices_build *build, genops_str text, struct genops_error *err);
GENOPS_NODISCARD int genops_prices_csv_read(
    struct genops_prices_build *build, genops_str text, struct genops_error *err);
GENOPS_NODISCARD int genops_prices_litellm_read(
    struct genops_prices_build *build, genops_str text, struct genops_error *err);

/* --- prices_name.c --- */

/* The name under which the catalogue keeps a provider: "azure_openai" -> "azure", "gcp.gemini" ->
 * "gemini". Any case; unknown names come back as they are. */
genops_str genops_prices_name_provider(genops_str provider);
/* Whose rows are used for what provider itself has no row for ("azure" -> "openai"); `step` 0, 1,
 * ...; empty: no more. */
genops_str genops_prices_name_fallback(genops_str provider, int step);
/* Takes one decoration off the model's name (a prefix, a version, a date ...), the surest first;
 * false: nothing is left to take. */
bool genops_prices_name_shorten(genops_str *model);
/* "openai/gpt-4o" of a reseller: vendor's provider and model. False: it has no vendor. */
bool genops_prices_name_vendor(genops_str model, genops_str *ret_provider, genops_str *ret_model);

/* --- prices_quote.c --- */

/* Fills in what upper bounds are made of, from the rates: the last thing that is done to a price. */
void genops_prices_quote_prepare(struct genops_price *price);

/* --- prices_ceiling.c --- */

/* Raises every rate of the ceiling's card to at least the dearest of the row's cards. */
void genops_prices_ceiling_add(struct genops_price *ceiling, const struct genops_price *row);
/* Does the row count for ceilings: still valid without end, and a model that talks? */
bool genops_prices_ceiling_counts(const struct genops_price *row);

#endif
