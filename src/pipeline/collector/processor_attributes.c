/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_attributes.c - `attributes`: attributes of spans, log records and data points put in, changed, taken away.
 *
 * As the Collector's attributesprocessor, case by case the same (its tests are in ours); `hash` is SHA-256. */
#include "pipeline/collector/processor_attributes.h"

#include "base/str.h"
#include "pipeline/collector/item/item_map.h"

#include <math.h>

#include <openssl/evp.h>

struct applying {
	const struct genops_attributes_settings *settings;
	struct genops_processor_run *run;
	const struct genops_envelope *envelope;
	uint32_t field; /* of the attributes in the messages that are rewritten */
};

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "out of memory for attributes");
}

/* --- hash --- */

/* The bytes that the Collector hashes; lists and maps have none. */
static genops_str hashed_bytes(const struct genops_otlp_value *value, char bytes[8])
{
	uint64_t bits = (uint64_t)value->integer;
	switch (value->type) {
	case GENOPS_OTLP_STRING:
		return value->bytes;
	case GENOPS_OTLP_BOOL:
		bytes[0] = (char)(value->integer != 0);
		return (genops_str){bytes, 1};
	case GENOPS_OTLP_DOUBLE:
		memcpy(&bits, &value->number, sizeof bits);
		break;
	case GENOPS_OTLP_INT:
		break;
	default:
		return (genops_str){0};
	}
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(bits >> 8 * i);
	return (genops_str){bytes, 8};
}

static int hash(struct genops_processor_run *run, struct genops_item_map *map, struct genops_item_entry *entry, struct genops_error *err)
{
	struct genops_otlp_value hashed = {.type = GENOPS_OTLP_STRING};
	uint8_t digest[32];
	char bytes[8];
	genops_str of = hashed_bytes(&entry->value, bytes);
	if (of.len || entry->value.type == GENOPS_OTLP_STRING) {
		char *text = genops_arena_take(&run->arena, 65);
		if (!text || EVP_Digest(of.ptr, of.len, digest, NULL, EVP_sha256(), NULL) != 1)
			return no_memory(err);
		genops_str_to_hex(digest, sizeof digest, text);
		hashed.bytes = (genops_str){text, 64};
	}
	genops_item_map_change(map, entry, hashed);
	return GENOPS_OK;
}

/* --- convert --- */

static int64_t to_int64(double number)
{
	if (!(number > -9.3e18))
		return number != number ? 0 : INT64_MIN;
	return number < 9223372036854775808.0 ? (int64_t)number : INT64_MAX;
}

static bool is_digit(genops_str text, size_t i)
{
	return i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';
}

/* As Go's strconv reads it: with a plus sign. */
static bool read_int(genops_str text, int64_t *ret_value)
{
	bool has_plus = text.len > 1 && text.ptr[0] == '+' && is_digit(text, 1);
	return genops_str_to_int(has_plus ? genops_str_skip(text, 1) : text, ret_value);
}

/* As Go's strconv reads it: inf, infinity, nan, underscores between digits; no hexadecimal. */
static bool read_real(genops_str text, double *ret_value)
{
	char plain[64];
	size_t n = 0;
	bool has_sign = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
	genops_str word = genops_str_skip(text, has_sign);
	for (size_t i = 0; i < text.len && n < sizeof plain; i++) {
		if (text.ptr[i] != '_' || !i || !is_digit(text, i - 1) || !is_digit(text, i + 1))
			plain[n++] = text.ptr[i];
	}
	if (genops_str_to_double((genops_str){plain, n}, ret_value))
		return n < sizeof plain;
	if (genops_str_is_nocase(word, "inf") || genops_str_is_nocase(word, "infinity"))
		*ret_value = text.ptr[0] == '-' ? -INFINITY : INFINITY;
	else if (!has_sign && genops_str_is_nocase(word, "nan"))
		*ret_value = NAN;
	else
		return false;
	return true;
}

/* False: it stays as it is. */
static bool to_number(const struct genops_otlp_value *value, bool is_int, struct genops_otlp_value *ret)
{
	*ret = (struct genops_otlp_value){.type = is_int ? GENOPS_OTLP_INT : GENOPS_OTLP_DOUBLE};
	switch (value->type) {
	case GENOPS_OTLP_STRING:
		return is_int ? read_int(value->bytes, &ret->integer) : read_real(value->bytes, &ret->number);
	case GENOPS_OTLP_BOOL:
	case GENOPS_OTLP_INT:
		ret->integer = is_int ? value->integer : 0;
		ret->number = is_int ? 0 : (double)value->integer;
		return true;
	case GENOPS_OTLP_DOUBLE:
		ret->integer = is_int ? to_int64(value->number) : 0;
		ret->number = is_int ? 0 : value->number;
		return true;
	default:
		return false;
	}
}

static int convert(struct genops_processor_run *run, const struct genops_attributes_action *action, struct genops_item_map *map,
    struct genops_error *err)
{
	static const uint8_t types[] = {[GENOPS_ATTRIBUTES_TO_INT] = GENOPS_OTLP_INT,
	    [GENOPS_ATTRIBUTES_TO_DOUBLE] = GENOPS_OTLP_DOUBLE,
	    [GENOPS_ATTRIBUTES_TO_STRING] = GENOPS_OTLP_STRING};
	struct genops_item_entry *entry = genops_item_map_find(map, action->key);
	struct genops_otlp_value converted = {.type = GENOPS_OTLP_STRING};
	if (!entry || entry->value.type == types[action->target])
		return GENOPS_OK;
	if (action->target == GENOPS_ATTRIBUTES_TO_STRING) {
		converted.bytes = genops_item_value_text(&entry->value, &run->arena);
		if (!converted.bytes.ptr)
			return no_memory(err);
	} else if (!to_number(&entry->value, action->target == GENOPS_ATTRIBUTES_TO_INT, &converted)) {
		return GENOPS_OK;
	}
	genops_item_map_change(map, entry, converted);
	return GENOPS_OK;
}

/* --- the other actions --- */

static int extract(struct genops_processor_run *run, const struct genops_attributes_action *action, struct genops_item_map *map,
    struct genops_error *err)
{
	const struct genops_item_entry *entry = genops_item_map_find(map, action->key);
	struct genops_regex_match match;
	if (!entry || entry->value.type != GENOPS_OTLP_STRING)
		return GENOPS_OK;
	genops_str text = entry->value.bytes;
	int found = genops_regex_find(action->pattern.regex, &run->space, text, 0, &match);
	if (found < 0)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "simplify the pattern", "the pattern of extract took too many steps on a value");
	for (size_t i = 0; found && i < action->n_names; i++) {
		struct genops_otlp_value value = {.type = GENOPS_OTLP_STRING};
		bool took_part = i + 1 < match.n && match.groups[i + 1].start != SIZE_MAX;
		if (took_part)
			value.bytes = (genops_str){text.ptr + match.groups[i + 1].start, match.groups[i + 1].end - match.groups[i + 1].start};
		GENOPS_TRY(genops_item_map_set(map, action->names[i], value, err));
	}
	return GENOPS_OK;
}

static bool find_source(const struct applying *applying, const struct genops_attributes_action *action, const struct genops_item_map *map,
    struct genops_otlp_value *ret_value)
{
	const struct genops_item_entry *entry = NULL;
	*ret_value = action->has_value ? action->value : action->default_value;
	if (action->has_value)
		return true;
	if (action->from_tenant && applying->envelope->tenant.len) {
		*ret_value = (struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = applying->envelope->tenant};
		return true;
	}
	if (action->from_attribute.len)
		entry = genops_item_map_find(map, action->from_attribute);
	if (entry)
		*ret_value = entry->value;
	return entry || action->has_default;
}

static int put(const struct applying *applying, const struct genops_attributes_action *action, struct genops_item_map *map,
    struct genops_error *err)
{
	struct genops_otlp_value value;
	if (!find_source(applying, action, map, &value))
		return GENOPS_OK;
	bool is_there = genops_item_map_find(map, action->key) != NULL;
	if (action->verb == (is_there ? GENOPS_ATTRIBUTES_INSERT : GENOPS_ATTRIBUTES_UPDATE))
		return GENOPS_OK;
	return genops_item_map_set(map, action->key, value, err);
}

/* delete and hash: the attribute, and all whose keys match the pattern. */
static int each(const struct applying *applying, const struct genops_attributes_action *action, struct genops_item_map *map,
    struct genops_error *err)
{
	for (size_t i = 0; i < map->n; i++) {
		struct genops_item_entry *entry = &map->entries[i];
		int is_meant = action->key.len && genops_str_equal(entry->key, action->key);
		if (!is_meant && action->pattern.regex)
			is_meant = genops_item_match_text(&action->pattern, applying->run, entry->key, err);
		if (is_meant < 0)
			return is_meant;
		if (!is_meant || entry->is_gone)
			continue;
		if (action->verb == GENOPS_ATTRIBUTES_DELETE)
			genops_item_map_remove(map, entry);
		else
			GENOPS_TRY(hash(applying->run, map, entry, err));
	}
	return GENOPS_OK;
}

/* --- messages and items --- */

static int rewrite(void *arg, genops_str message, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	const struct applying *applying = arg;
	struct genops_item_map *map = &applying->run->map;
	GENOPS_TRY(genops_item_map_load(map, message, applying->field, err));
	for (size_t i = 0; i < applying->settings->n_actions; i++) {
		const struct genops_attributes_action *action = &applying->settings->actions[i];
		int code;
		if (action->verb <= GENOPS_ATTRIBUTES_UPSERT)
			code = put(applying, action, map, err);
		else if (action->verb == GENOPS_ATTRIBUTES_EXTRACT)
			code = extract(applying->run, action, map, err);
		else if (action->verb == GENOPS_ATTRIBUTES_CONVERT)
			code = convert(applying->run, action, map, err);
		else
			code = each(applying, action, map, err);
		GENOPS_TRY(code);
	}
	*ret_is_changed = map->is_changed;
	if (map->is_changed)
		genops_item_map_put(map, message, applying->field, out);
	return GENOPS_OK;
}

static int rewrite_data(void *arg, genops_str data, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err)
{
	return genops_item_map_parts(data, 1, rewrite, arg, out, ret_is_changed, err);
}

static int rewrite_item(
    void *arg, const struct genops_item *item, struct genops_buffer *out, enum genops_item_outcome *ret_outcome, struct genops_error *err)
{
	struct applying *applying = arg;
	const struct genops_attributes_settings *settings = applying->settings;
	bool is_changed = false;
	genops_str data;
	int means = genops_item_match_means(&settings->include, &settings->exclude, applying->run, item, err);
	if (means != 1)
		return means;
	applying->field = genops_item_attributes_field(item->signal);
	if (item->signal == GENOPS_SIGNAL_METRICS) {
		uint32_t number = genops_item_metric_data(item->encoded, &data);
		applying->field = genops_item_point_attributes_field(number);
		GENOPS_TRY(genops_item_map_parts(item->encoded, number, rewrite_data, applying, out, &is_changed, err));
	} else {
		GENOPS_TRY(rewrite(applying, item->encoded, out, &is_changed, err));
	}
	*ret_outcome = is_changed ? GENOPS_ITEM_CHANGE : GENOPS_ITEM_KEEP;
	return GENOPS_OK;
}

static int apply(const struct genops_processor *processor, struct genops_processor_run *run, const struct genops_envelope *envelope,
    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err)
{
	struct applying applying = {.settings = processor->settings, .run = run, .envelope = envelope};
	return genops_item_walk(run, envelope, rewrite_item, &applying, out, ret_is_same, err);
}

static const char *misfit(const struct genops_processor *processor, enum genops_signal signal)
{
	const struct genops_attributes_settings *settings = processor->settings;
	const char *why = genops_item_match_misfit(&settings->include, signal);
	return why ? why : genops_item_match_misfit(&settings->exclude, signal);
}

static void done(void *arg)
{
	struct genops_attributes_settings *settings = arg;
	for (size_t i = 0; i < settings->n_actions; i++)
		genops_regex_free(settings->actions[i].pattern.regex);
	settings->n_actions = 0;
	genops_item_match_done(&settings->include);
	genops_item_match_done(&settings->exclude);
}

const struct genops_processor_type genops_processor_type_attributes = {
    .name = "attributes",
    .summary = "Attributes of spans, log records and data points: put in, changed, taken away.",
    .rows = genops_processor_attributes_rows,
    .parts = genops_processor_attributes_parts,
    .settings_size = sizeof(struct genops_attributes_settings),
    .signals = 1u << GENOPS_SIGNAL_TRACES | 1u << GENOPS_SIGNAL_METRICS | 1u << GENOPS_SIGNAL_LOGS,
    .compile = genops_processor_attributes_read,
    .misfit = misfit,
    .done = done,
    .apply = apply,
};
