/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices.c - see govern/prices.h: builds, indexes and finds.
 *
 * The index is an open-addressed table over (provider, model) in lower case, whose slots point to
 * chains of rows, the one added last first: a later source wins, and of several validities the
 * first that holds at the moment. Immutable after new, but for what was found for names that the catalogue does not have
 * ("gpt-4o-mini-2024-07-18"), which is remembered: a place is filled once, by whoever is first. References are counted with atomics,
 * so any thread may find in one while another thread drops its reference. */
#include "govern/prices/prices_build.h"

#include "base/hash.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdlib.h>

struct name_entry {
	uint32_t row;
	uint32_t next; /* entry + 1 of the same name; 0: last */
};

struct slot {
	uint64_t hash; /* both are compared: 128 bits stand for the name */
	uint64_t check;
	uint32_t first; /* entry + 1; 0: empty */
};

/* What a name that the catalogue does not have came to, between two changes of validity. */
struct found {
	struct genops_hash name;
	const struct genops_price *row;
	int64_t since_unix_s, until_unix_s; /* exclusive */
};

#define FOUND_PLACES 64 /* who asks for more names waits as long as before */

struct genops_prices {
	_Atomic uint32_t refs;
	struct genops_arena arena;
	struct genops_price *rows;
	size_t n_rows;
	struct name_entry *entries;
	size_t n_entries;
	struct slot *slots;
	size_t mask;
	struct genops_price *ceilings; /* one a provider */
	size_t n_ceilings;
	struct genops_price *ceiling; /* of all; NULL: no rows */
	_Atomic(struct found *) *found; /* FOUND_PLACES of them, each NULL until it is filled */
};

#define EVERY_BYTE UINT64_C(0x0101010101010101)

/* Eight ASCII letters at a time: what is from A to Z, and below 0x80, gets the bit that makes it a small one. */
static uint64_t lower_word(uint64_t word)
{
	uint64_t low = word & 0x7f * EVERY_BYTE;
	uint64_t is_large = (low + (0x80 - 'A') * EVERY_BYTE) & ~(low + (0x7f - 'Z') * EVERY_BYTE) & ~word & 0x80 * EVERY_BYTE;
	return word | is_large >> 2;
}

#define KEY_SIZE (2 * GENOPS_PRICES_MODEL_MAX + 8) /* to whole words */

/* The lower-case key "provider\0model" in `out`; 0: too long to be in the catalogue. */
static size_t key_of(genops_str provider, genops_str model, char out[KEY_SIZE])
{
	if (provider.len > GENOPS_PRICES_MODEL_MAX || model.len > GENOPS_PRICES_MODEL_MAX)
		return 0;
	char *end = genops_str_put(out, provider);
	*end++ = '\0';
	end = genops_str_put(end, model);
	memset(end, 0, 7);
	for (char *at = out; at < end; at += 8) {
		uint64_t word;
		memcpy(&word, at, sizeof word);
		word = lower_word(word);
		memcpy(at, &word, sizeof word);
	}
	return (size_t)(end - out);
}

/* The slot of the name, or the empty one where it belongs; NULL: a name too long. */
static struct slot *slot_of(const struct genops_prices *prices, genops_str provider,
    genops_str model, struct genops_hash *ret_hash)
{
	char key[KEY_SIZE];
	size_t n = key_of(provider, model, key);
	if (!n)
		return NULL;
	*ret_hash = genops_hash_of((genops_str){key, n}, 0);
	for (size_t i = ret_hash->low & prices->mask;; i = (i + 1) & prices->mask) {
		struct slot *slot = &prices->slots[i];
		if (!slot->first || (slot->hash == ret_hash->low && slot->check == ret_hash->high))
			return slot;
	}
}

static void index_name(struct genops_prices *prices, genops_str model, uint32_t row, bool is_weak)
{
	struct genops_hash hash;
	struct slot *slot = slot_of(prices, prices->rows[row].provider, model, &hash);
	if (!slot || (is_weak && slot->first))
		return;
	prices->entries[prices->n_entries++] = (struct name_entry){row, slot->first};
	*slot = (struct slot){hash.low, hash.high, (uint32_t)prices->n_entries};
}

static int index_all(
    struct genops_prices *prices, const struct genops_prices_build *build, struct genops_error *err)
{
	size_t n_slots = 64;
	while (n_slots < 4 * build->n_names)
		n_slots *= 2;
	prices->slots = calloc(n_slots, sizeof *prices->slots);
	prices->entries = calloc(2 * build->n_names + 1, sizeof *prices->entries);
	prices->found = calloc(FOUND_PLACES, sizeof *prices->found);
	if (!prices->slots || !prices->entries || !prices->found)
		return genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	prices->mask = n_slots - 1;
	for (size_t i = 0; i < build->n_names; i++)
		index_name(prices, build->names[i].model, build->names[i].row, false);
	/* "claude-3-5-haiku-latest" also answers for "claude-3-5-haiku" and its dates, unless that
	 * has a price of its own. */
	for (size_t i = 0; i < build->n_names; i++) {
		genops_str model = build->names[i].model;
		if (!genops_str_ends(model, GENOPS_STR("-latest")))
			continue;
		model.len -= 7;
		index_name(prices, model, build->names[i].row, true);
	}
	return GENOPS_OK;
}

static struct genops_price *ceiling_of(const struct genops_prices *prices, genops_str provider)
{
	for (size_t i = 0; i < prices->n_ceilings; i++) {
		if (genops_str_equal_nocase(prices->ceilings[i].provider, provider))
			return &prices->ceilings[i];
	}
	return NULL;
}

static void ceiling_init(struct genops_price *ceiling, genops_str provider)
{
	genops_prices_build_row_init(ceiling);
	ceiling->provider = provider;
	ceiling->model = GENOPS_STR("*");
	ceiling->source = GENOPS_STR("the dearest known rates");
	ceiling->mode = GENOPS_STR("chat");
	ceiling->is_ceiling = true;
}

static int add_ceilings(struct genops_prices *prices, struct genops_error *err)
{
	bool counts_all = false;
	prices->ceilings = calloc(prices->n_rows + 1, sizeof *prices->ceilings);
	if (!prices->ceilings)
		return genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	/* First by the rows that count; then for the providers that have none of those, by all rows
	 * they have. */
	for (int round = 0; round < 2; round++, counts_all = true) {
		size_t n_known = prices->n_ceilings;
		for (size_t i = 0; i < prices->n_rows; i++) {
			const struct genops_price *row = &prices->rows[i];
			if (!counts_all && !genops_prices_ceiling_counts(row))
				continue;
			struct genops_price *ceiling = ceiling_of(prices, row->provider);
			if (counts_all && ceiling && ceiling < prices->ceilings + n_known)
				continue;
			if (!ceiling) {
				ceiling = &prices->ceilings[prices->n_ceilings++];
				ceiling_init(ceiling, row->provider);
			}
			genops_prices_ceiling_add(ceiling, row);
		}
	}
	/* The array is as long as the rows, for want of a count before; providers are few. */
	struct genops_price *fitted =
	    realloc(prices->ceilings, (prices->n_ceilings + 1) * sizeof *prices->ceilings);
	if (fitted)
		prices->ceilings = fitted;
	if (!prices->n_ceilings)
		return GENOPS_OK;
	prices->ceiling = &prices->ceilings[prices->n_ceilings];
	ceiling_init(prices->ceiling, GENOPS_STR("*"));
	for (size_t i = 0; i < prices->n_ceilings; i++)
		genops_prices_ceiling_add(prices->ceiling, &prices->ceilings[i]);
	return GENOPS_OK;
}

static int read_source(struct genops_prices_build *build, const struct genops_prices_source *source,
    struct genops_error *err)
{
	genops_str text = source->text;
	build->file = source->name;
	if (genops_str_starts(text, GENOPS_STR("\xEF\xBB\xBF")))
		text = genops_str_skip(text, 3);
	if (text.len > GENOPS_PRICES_TEXT_MAX)
		return genops_fail(
		    err, GENOPS_LIMIT, "%s: a price file is longer than 64 MiB", source->name);
	switch (source->format) {
	case GENOPS_PRICES_OWN_JSON:
		return genops_prices_json_read(build, text, err);
	case GENOPS_PRICES_CSV:
		return genops_prices_csv_read(build, text, err);
	case GENOPS_PRICES_LITELLM_JSON:
		return genops_prices_litellm_read(build, text, err);
	case GENOPS_PRICES_DETECT:
		break;
	}
	genops_str trimmed = genops_str_trim(text);
	bool is_object = trimmed.len && trimmed.ptr[0] == '{';
	if (!is_object && !(trimmed.len && trimmed.ptr[0] == '['))
		return genops_prices_csv_read(build, text, err);
	/* Both are JSON; only ours has a list of prices. */
	bool is_own = !is_object || genops_str_find(trimmed, GENOPS_STR("\"prices\"")) != SIZE_MAX;
	return is_own ? genops_prices_json_read(build, text, err)
		      : genops_prices_litellm_read(build, text, err);
}

static int read_all(struct genops_prices *prices, const struct genops_prices_source *sources,
    size_t n_sources, struct genops_error *err)
{
	struct genops_prices_build build = {.arena = &prices->arena};
	int code = GENOPS_OK;
	for (size_t i = 0; code == GENOPS_OK && i < n_sources; i++)
		code = read_source(&build, &sources[i], err);
	/* Rows are large, and the array has grown by doubling: what is over is given back. */
	struct genops_price *fitted =
	    build.n_rows ? realloc(build.rows, build.n_rows * sizeof *build.rows) : NULL;
	prices->rows = fitted ? fitted : build.rows;
	prices->n_rows = build.n_rows;
	build.rows = NULL;
	if (code == GENOPS_OK)
		code = index_all(prices, &build, err);
	genops_prices_build_done(&build);
	if (code == GENOPS_OK)
		code = add_ceilings(prices, err);
	for (size_t i = 0; code == GENOPS_OK && i < prices->n_rows; i++)
		genops_prices_quote_prepare(&prices->rows[i]);
	for (size_t i = 0; code == GENOPS_OK && prices->ceiling && i <= prices->n_ceilings; i++)
		genops_prices_quote_prepare(&prices->ceilings[i]); /* the one of all is behind them */
	return code;
}

struct genops_prices *genops_prices_new(
    const struct genops_prices_source *sources, size_t n_sources, struct genops_error *err)
{
	struct genops_prices *prices = calloc(1, sizeof *prices);
	if (!prices) {
		(void)genops_fail(err, GENOPS_NOMEM, "no memory for prices");
		return NULL;
	}
	atomic_init(&prices->refs, 1);
	genops_arena_init(&prices->arena, GENOPS_PRICES_ARENA_MAX);
	if (read_all(prices, sources, n_sources, err) != GENOPS_OK) {
		genops_prices_unref(prices);
		return NULL;
	}
	return prices;
}

struct genops_prices *genops_prices_ref(struct genops_prices *prices)
{
	atomic_fetch_add_explicit(&prices->refs, 1, memory_order_relaxed);
	return prices;
}

void genops_prices_unref(struct genops_prices *prices)
{
	if (!prices || atomic_fetch_sub_explicit(&prices->refs, 1, memory_order_acq_rel) != 1)
		return;
	genops_arena_done(&prices->arena);
	for (size_t i = 0; prices->found && i < FOUND_PLACES; i++)
		free(atomic_load_explicit(&prices->found[i], memory_order_relaxed));
	free(prices->found);
	free(prices->rows);
	free(prices->entries);
	free(prices->slots);
	free(prices->ceilings);
	free(prices);
}

/* The row of exactly this name that is valid at the moment. */
static const struct genops_price *exact(
    const struct genops_prices *prices, genops_str provider, genops_str model, int64_t unix_s)
{
	struct genops_hash hash;
	const struct slot *slot = slot_of(prices, provider, model, &hash);
	for (uint32_t i = slot ? slot->first : 0; i; i = prices->entries[i - 1].next) {
		const struct genops_price *row = &prices->rows[prices->entries[i - 1].row];
		if (row->valid_from_unix_s <= unix_s && unix_s < row->valid_until_unix_s)
			return row;
	}
	return NULL;
}

/* The exact name, then shorter and shorter ones. */
static const struct genops_price *nearest(
    const struct genops_prices *prices, genops_str provider, genops_str model, int64_t unix_s)
{
	do {
		const struct genops_price *row = exact(prices, provider, model, unix_s);
		if (row)
			return row;
	} while (genops_prices_name_shorten(&model));
	return NULL;
}

/* For a name that the catalogue does not have. */
static const struct genops_price *find_other(
    const struct genops_prices *prices, genops_str provider, genops_str model, int64_t unix_s)
{
	const struct genops_price *row = NULL;
	genops_str other, rest;
	genops_str known = genops_prices_name_provider(provider), shorter = model;
	bool is_known = known.ptr == provider.ptr; /* then the exact name was tried */
	provider = known;
	if (!is_known || genops_prices_name_shorten(&shorter))
		row = nearest(prices, provider, shorter, unix_s);
	for (int step = 0; !row && (other = genops_prices_name_fallback(provider, step)).len;
	     step++)
		row = nearest(prices, other, model, unix_s);
	/* A reseller's name says whose model it is; the vendor's own price is nearer than a
	 * ceiling. */
	if (!row && genops_prices_name_vendor(model, &other, &rest))
		row = nearest(prices, other, rest, unix_s);
	if (row)
		return row;
	row = ceiling_of(prices, provider);
	if (!row && (other = genops_prices_name_fallback(provider, 0)).len)
		row = ceiling_of(prices, other);
	return row;
}

static void remember(const struct genops_prices *prices, struct genops_hash name,
    const struct genops_price *row, int64_t unix_s)
{
	struct found *found = malloc(sizeof *found), *nothing = NULL;
	if (!found)
		return;
	*found = (struct found){name, row, INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < prices->n_rows; i++) {
		const int64_t changes[] = {prices->rows[i].valid_from_unix_s, prices->rows[i].valid_until_unix_s};
		for (size_t k = 0; k < 2; k++) {
			if (changes[k] <= unix_s && changes[k] > found->since_unix_s)
				found->since_unix_s = changes[k];
			else if (changes[k] > unix_s && changes[k] < found->until_unix_s)
				found->until_unix_s = changes[k];
		}
	}
	if (!atomic_compare_exchange_strong_explicit(&prices->found[name.high % FOUND_PLACES], &nothing, found,
		memory_order_release, memory_order_relaxed))
		free(found);
}

const struct genops_price *genops_prices_find(
    const struct genops_prices *prices, genops_str provider, genops_str model, int64_t unix_s)
{
	if (!prices->n_rows)
		return NULL;
	const struct genops_price *row = exact(prices, provider, model, unix_s);
	if (row)
		return row;
	/* As written: prefixes and suffixes are told by their case. */
	struct genops_hash name = genops_hash_of(model, genops_hash_of(provider, 0).low);
	const struct found *found =
	    atomic_load_explicit(&prices->found[name.high % FOUND_PLACES], memory_order_acquire);
	if (found && genops_hash_equal(found->name, name) && found->since_unix_s <= unix_s && unix_s < found->until_unix_s)
		return found->row;
	row = find_other(prices, provider, model, unix_s);
	if (row && !found)
		remember(prices, name, row, unix_s);
	return row;
}

const struct genops_price *genops_prices_ceiling(const struct genops_prices *prices, int64_t unix_s)
{
	return prices->ceiling;
}

size_t genops_prices_count(const struct genops_prices *prices)
{
	return prices->n_rows;
}

const struct genops_price *genops_prices_at(const struct genops_prices *prices, size_t index)
{
	return index < prices->n_rows ? &prices->rows[index] : NULL;
}
