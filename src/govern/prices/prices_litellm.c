/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_litellm.c - reads LiteLLM's model_prices_and_context_window.json: one object
 * whose keys are models, USD per unit.
 *
 * The document is checked whole first; then each member is read by itself, so that the names of
 * models need not be known. Field names are taken apart by rule: base, then _above_NNNk_tokens (a
 * context) and _priority, _flex or _batches (a tier), in any order. Fields that we do not charge by
 * (video, pixels, pages, stored gigabytes, unknown tiers) are passed over; a row that has nothing
 * else is left out, and its model is then unknown, not free. */
#include "govern/prices/prices_build.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "govern/money.h"

struct field {
	const char *base;
	enum genops_rate_kind kind;
};

/* USD per token, image, character, second or call. */
static const struct field fields[] = {
    {"input_cost_per_token", GENOPS_RATE_INPUT},
    {"output_cost_per_token", GENOPS_RATE_OUTPUT},
    {"cache_read_input_token_cost", GENOPS_RATE_CACHE_READ},
    {"cache_creation_input_token_cost_above_1hr", GENOPS_RATE_CACHE_WRITE_1H},
    {"cache_creation_input_token_cost", GENOPS_RATE_CACHE_WRITE_5M},
    {"output_cost_per_reasoning_token", GENOPS_RATE_REASONING},
    {"input_cost_per_audio_token", GENOPS_RATE_AUDIO_INPUT},
    {"output_cost_per_audio_token", GENOPS_RATE_AUDIO_OUTPUT},
    {"input_cost_per_image_token", GENOPS_RATE_IMAGE_INPUT},
    {"output_cost_per_image_token", GENOPS_RATE_IMAGE_OUTPUT},
    {"output_cost_per_image", GENOPS_RATE_IMAGE},
    {"input_cost_per_character", GENOPS_RATE_CHARACTER},
    {"input_cost_per_second", GENOPS_RATE_AUDIO_SECOND},
    {"input_cost_per_audio_per_second", GENOPS_RATE_AUDIO_SECOND},
    {"input_cost_per_query", GENOPS_RATE_REQUEST},
    {"input_cost_per_request", GENOPS_RATE_REQUEST},
};

#define PER_MILLION 15 /* USD a unit to nano-USD a million units: * 1e9 * 1e6 */

/* Reads "_above_200k_tokens", "_priority" ... to the end of the name. False: something else stands
 * there. */
static bool read_suffixes(genops_str rest, enum genops_tier *tier, int64_t *above)
{
	static const struct {
		const char *suffix;
		enum genops_tier tier;
	} tiers[] = {{"_priority", GENOPS_TIER_PRIORITY}, {"_flex", GENOPS_TIER_FLEX},
	    {"_batches", GENOPS_TIER_BATCH}};
	while (rest.len) {
		size_t i = 0;
		while (i < 3 && !genops_str_starts(rest, genops_str_of(tiers[i].suffix)))
			i++;
		if (i < 3) {
			*tier = tiers[i].tier;
			rest = genops_str_skip(rest, strlen(tiers[i].suffix));
			continue;
		}
		if (!genops_str_starts(rest, GENOPS_STR("_above_")))
			return false;
		rest = genops_str_skip(rest, 7);
		size_t k = genops_str_find(rest, GENOPS_STR("k_tokens"));
		int64_t thousands;
		if (k == SIZE_MAX || !genops_str_to_int((genops_str){rest.ptr, k}, &thousands) ||
		    thousands < 1 || thousands > 1000000)
			return false;
		*above = thousands * 1000;
		rest = genops_str_skip(rest, k + 8);
	}
	return true;
}

/* Where the rate of a field goes in the row; NULL: we do not charge by it. */
static int64_t *rate_place(struct genops_price *row, genops_str name)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		genops_str base = genops_str_of(fields[i].base);
		enum genops_tier tier = GENOPS_TIER_STANDARD;
		int64_t above = 0;
		if (!genops_str_starts(name, base) ||
		    !read_suffixes(genops_str_skip(name, base.len), &tier, &above))
			continue;
		struct genops_rate_card *card = genops_prices_build_card(row, tier, above);
		return card ? &card->nano_per_million[fields[i].kind] : NULL;
	}
	return NULL;
}

/* --- one level of JSON, already known to be well formed --- */

/* A cursor over the members of one object. */
struct members {
	genops_str rest; /* behind '{' or the last member */
	int line;
};

struct member {
	genops_str key;	  /* raw, between its quotes: names of models and fields need no escapes */
	genops_str value; /* raw, with quotes or brackets */
	int line;	  /* of the key */
};

static void skip_blanks(struct members *m)
{
	size_t i = 0;
	for (; i < m->rest.len; i++) {
		char c = m->rest.ptr[i];
		if (c == '\n')
			m->line++;
		else if (c != ' ' && c != '\t' && c != '\r' && c != ',' && c != ':')
			break;
	}
	m->rest = genops_str_skip(m->rest, i);
}

/* The end of the string whose opening quote is at 0: behind its closing quote. */
static size_t string_end(genops_str text)
{
	size_t i = 1;
	while (i < text.len && text.ptr[i] != '"')
		i += text.ptr[i] == '\\' ? 2 : 1;
	return i < text.len ? i + 1 : text.len;
}

static size_t value_end(genops_str text)
{
	size_t i = 0, depth = 0;
	while (i < text.len) {
		char c = text.ptr[i];
		if (c == '"') {
			i += string_end(genops_str_skip(text, i));
		} else {
			if (depth == 0 && memchr(",} \t\r\n", c, 6))
				return i;
			depth += c == '{' || c == '[';
			depth -= (c == '}' || c == ']') && depth > 0;
			i++;
		}
		if (depth == 0 && i && memchr("}]\"", text.ptr[i - 1], 3))
			return i;
	}
	return i;
}

static size_t count_lines(genops_str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

static struct members members_of(genops_str object, int line)
{
	struct members m = {object, line};
	skip_blanks(&m);
	m.rest = genops_str_skip(m.rest, 1);
	return m;
}

static bool next_member(struct members *m, struct member *ret)
{
	skip_blanks(m);
	if (!m->rest.len || m->rest.ptr[0] != '"')
		return false;
	size_t end = string_end(m->rest);
	ret->line = m->line;
	ret->key = (genops_str){m->rest.ptr + 1, end >= 2 ? end - 2 : 0};
	m->rest = genops_str_skip(m->rest, end);
	skip_blanks(m);
	end = value_end(m->rest);
	ret->value = (genops_str){m->rest.ptr, end};
	m->line += (int)count_lines(ret->value);
	m->rest = genops_str_skip(m->rest, end);
	return true;
}

/* A string without its quotes, anything else as it is written. */
static genops_str plain(genops_str value)
{
	if (value.len >= 2 && value.ptr[0] == '"')
		return (genops_str){value.ptr + 1, value.len - 2};
	return value;
}

/* --- one model --- */

/* {"search_context_size_low": 0.01, ...}: the dearest, as the size is not in the usage. */
static void read_search(genops_str value, int64_t *ret)
{
	struct members m = members_of(value, 0);
	struct member member;
	int64_t rate;
	while (value.len && value.ptr[0] == '{' && next_member(&m, &member)) {
		if (genops_money_parse_scaled(plain(member.value), PER_MILLION, &rate) &&
		    rate > *ret)
			*ret = rate;
	}
}

static int fail(
    const struct genops_prices_build *build, const struct member *member, struct genops_error *err)
{
	int code = genops_fail(err, GENOPS_CONFIG, "%.*s: %.*s is not a price or a count",
	    member->key.len > 80 ? 80 : (int)member->key.len, member->key.ptr,
	    member->value.len > 40 ? 40 : (int)member->value.len, member->value.ptr);
	genops_error_place(err, build->file, member->line, 0);
	return code;
}

static int read_count(const struct genops_prices_build *build, const struct member *member,
    int64_t *ret, struct genops_error *err)
{
	int64_t nano;
	/* Some counts are written 1e6 or 128000.0. */
	if (!genops_money_parse_scaled(plain(member->value), 0, &nano))
		return fail(build, member, err);
	*ret = nano;
	return GENOPS_OK;
}

static int read_field(const struct genops_prices_build *build, const struct member *member,
    struct genops_price *row, struct genops_error *err)
{
	genops_str key = member->key, value = plain(member->value);
	if (genops_str_is(member->value, "null") || !value.len)
		return GENOPS_OK;
	if (genops_str_is(key, "litellm_provider"))
		row->provider = value;
	else if (genops_str_is(key, "mode"))
		row->mode = value;
	else if (genops_str_is(key, "source"))
		row->source = value;
	else if (genops_str_is(key, "max_input_tokens"))
		return read_count(build, member, &row->max_input_tokens, err);
	else if (genops_str_is(key, "max_output_tokens"))
		return read_count(build, member, &row->max_output_tokens, err);
	else if (genops_str_is(key, "search_context_cost_per_query"))
		read_search(member->value, &row->cards[0].nano_per_million[GENOPS_RATE_WEB_SEARCH]);
	else if (genops_str_find(key, GENOPS_STR("cost")) != SIZE_MAX) {
		int64_t *place = rate_place(row, key);
		if (place && !genops_money_parse_scaled(value, PER_MILLION, place))
			return fail(build, member, err);
	}
	return GENOPS_OK;
}

/* Image models are priced by the image they make, whichever of the two fields says so. */
static int read_image_price(const struct genops_prices_build *build, genops_str object,
    struct genops_price *row, struct genops_error *err)
{
	struct members m = members_of(object, 0);
	struct member member;
	int64_t *rate = &row->cards[0].nano_per_million[GENOPS_RATE_IMAGE];
	if (!genops_str_starts(row->mode, GENOPS_STR("image")) || *rate >= 0)
		return GENOPS_OK;
	while (next_member(&m, &member)) {
		if (genops_str_is(member.key, "input_cost_per_image") &&
		    !genops_money_parse_scaled(plain(member.value), PER_MILLION, rate))
			return fail(build, &member, err);
	}
	return GENOPS_OK;
}

/* A model that is priced by tokens is not charged by characters, seconds or images as well: these
 * say the same in another way. */
static void drop_alternatives(struct genops_price *row)
{
	int64_t *rates = row->cards[0].nano_per_million;
	if (rates[GENOPS_RATE_INPUT] > 0) {
		rates[GENOPS_RATE_CHARACTER] = GENOPS_RATE_NONE;
		rates[GENOPS_RATE_AUDIO_SECOND] = GENOPS_RATE_NONE;
	}
	if (rates[GENOPS_RATE_OUTPUT] > 0 || rates[GENOPS_RATE_IMAGE_OUTPUT] >= 0)
		rates[GENOPS_RATE_IMAGE] = GENOPS_RATE_NONE;
	/* Nobody writes a cache for nothing: zero stands for "no extra charge", that is the price
	 * of input. */
	if (rates[GENOPS_RATE_CACHE_WRITE_5M] == 0)
		rates[GENOPS_RATE_CACHE_WRITE_5M] = GENOPS_RATE_NONE;
}

static bool has_rate(const struct genops_price *row)
{
	for (size_t i = 0; i < row->n_cards; i++) {
		for (int kind = 0; kind < GENOPS_RATE_N; kind++) {
			if (row->cards[i].nano_per_million[kind] >= 0)
				return true;
		}
	}
	return false;
}

/* "gemini/gemini-2.5-pro" of provider gemini is its model "gemini-2.5-pro"; "openai/gpt-oss-120b"
 * of groq stays. */
static genops_str model_of(genops_str key, genops_str provider)
{
	genops_str rest = key;
	genops_str first = genops_str_split(&rest, '/');
	bool is_own = genops_str_equal(
	    genops_prices_name_provider(first), genops_prices_name_provider(provider));
	return rest.len && is_own ? rest : key;
}

static int read_model(
    struct genops_prices_build *build, const struct member *member, struct genops_error *err)
{
	struct genops_price row;
	struct members m = members_of(member->value, member->line);
	struct member field;
	genops_prices_build_row_init(&row);
	row.source = genops_str_of(build->file);
	if (member->value.ptr[0] != '{')
		return fail(build, member, err);
	if (genops_str_is(member->key, "sample_spec"))
		return GENOPS_OK; /* its documentation, in the form of a row */
	while (next_member(&m, &field))
		GENOPS_TRY(read_field(build, &field, &row, err));
	GENOPS_TRY(read_image_price(build, member->value, &row, err));
	drop_alternatives(&row);
	if (!row.provider.len || !has_rate(&row))
		return GENOPS_OK;
	row.model = model_of(member->key, row.provider);
	int code = genops_prices_build_add(build, &row, err);
	genops_error_place(code == GENOPS_OK ? NULL : err, build->file, member->line, 0);
	return code;
}

static void ignore(void *arg, const struct genops_json_value *value)
{
}

/* Is the whole text one JSON document? What follows may then walk it without looking out. */
static int check(const struct genops_prices_build *build, genops_str text, struct genops_error *err)
{
	static const struct genops_json_path root = {"", 0};
	static const struct genops_json_scan_options options = {.max_depth = 32, .text_max = 1};
	struct genops_json_paths *paths = genops_json_paths_new(&root, 1, err);
	struct genops_json_scan *scan =
	    paths ? genops_json_scan_new(paths, &options, ignore, NULL) : NULL;
	int line = 1, told = GENOPS_OK;
	int code = scan ? genops_prices_build_feed(build, scan, text, &line, &told, err)
			: genops_fail(err, GENOPS_NOMEM, "no memory for prices");
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return code;
}

int genops_prices_litellm_read(
    struct genops_prices_build *build, genops_str text, struct genops_error *err)
{
	genops_str trimmed = genops_str_trim(text);
	struct member member;
	GENOPS_TRY(check(build, text, err));
	if (trimmed.ptr[0] != '{') {
		int code =
		    genops_fail(err, GENOPS_CONFIG, "the price map is not an object of models");
		genops_error_place(err, build->file, 1, 0);
		return code;
	}
	struct members m = members_of(text, 1);
	while (next_member(&m, &member))
		GENOPS_TRY(read_model(build, &member, err));
	return GENOPS_OK;
}
