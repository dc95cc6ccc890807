/* SPDX-License-Identifier: Apache-2.0
 * govern/record/record.c - writing a record (see record.h; rows in record_fields.h; reading in
 * record_decode.c).
 *
 * On the path of every call, so: one upper bound for the whole record first, one reservation, then
 * plain stores without further checks. Values are fixed-width (4 bytes where they fit, else 8),
 * because that is faster than varints and texts dominate the size anyway. Lists are nested messages
 * whose length is filled in afterwards: one byte if they are sure to be short, else three. Pure; any
 * thread.
 */
#include "govern/record.h"

#include <assert.h>
#include <endian.h>

#include "base/str.h"
#include "govern/level.h"
#include "govern/record/record_fields.h"

/* Key, and length or value: what a field takes beside a text's bytes. */
#define FIELD_MAX ((size_t)12)

static_assert(GENOPS_RECORD_MAX < (size_t)1 << 21, "a nested length is a varint of three bytes");

/* ---- the upper bound ---- */

#define BOUND_ID(field)			  (FIELD_MAX + sizeof(r->field))
#define BOUND_INT(field)		  FIELD_MAX
#define BOUND_U32(field)		  FIELD_MAX
#define BOUND_SMALL(field)		  FIELD_MAX
#define BOUND_ENUM(field)		  FIELD_MAX
#define BOUND_FLAG(field)		  FIELD_MAX
#define BOUND_TEXT(field)		  (FIELD_MAX + r->field.len)
#define BOUND(number, kind, field, limit) +BOUND_##kind(field)

static bool lists_fit(const struct genops_record *r)
{
	return r->n_evaluations <= GENOPS_EVALUATIONS_MAX &&
	       r->n_budgets <= GENOPS_RECORD_BUDGETS_MAX &&
	       r->n_alerts <= GENOPS_RECORD_ALERTS_MAX &&
	       r->n_attributes <= GENOPS_RECORD_ATTRIBUTES_MAX;
}

/* Does the next of the pieces begin at this attribute? */
static inline bool is_in_piece(const struct genops_record *record, size_t attribute, size_t piece)
{
	return piece < record->n_attribute_pieces && record->attribute_pieces[piece].first == attribute;
}

static size_t bound_lists(const struct genops_record *record)
{
	size_t sum = 0;
	for (size_t i = 0; i < record->n_evaluations; i++) {
		const struct genops_evaluation *r = &record->evaluations[i];
		sum += 2 * FIELD_MAX + r->action.len EVALUATION_FIELDS(BOUND);
	}
	for (size_t i = 0; i < record->n_budgets; i++) {
		const struct genops_record_budget *r = &record->budgets[i];
		sum += FIELD_MAX + GENOPS_PERIOD_N * 4 * FIELD_MAX BUDGET_FIELDS(BOUND);
	}
	for (size_t i = 0; i < record->n_alerts; i++) {
		const struct genops_record_alert *r = &record->alerts[i];
		sum += FIELD_MAX ALERT_FIELDS(BOUND);
	}
	for (size_t i = 0, piece = 0; i < record->n_attributes;) {
		if (is_in_piece(record, i, piece)) {
			sum += record->attribute_pieces[piece].bytes.len;
			i = record->attribute_pieces[piece++].end;
			continue;
		}
		const struct genops_attribute *a = &record->attributes[i++];
		sum += 3 * FIELD_MAX + a->key.len;
		if (a->type == GENOPS_ATTRIBUTE_STRING)
			sum += a->value.string.len;
	}
	return sum;
}

static size_t bound_record(const struct genops_record *r)
{
	size_t usage = 0;
#define X(field, unit) usage += FIELD_MAX;
	GENOPS_USAGE_FIELDS(X)
#undef X
	return 1 + 2 * FIELD_MAX + usage RECORD_FIELDS(BOUND) + bound_lists(r);
}

/* ---- stores; each returns where the next one goes ---- */

static inline char *put_key(char *to, unsigned number, enum record_form form)
{
	unsigned key = number << 2 | (unsigned)form;
	if (key < 0x80) {
		*to = (char)key;
		return to + 1;
	}
	to[0] = (char)(key | 0x80);
	to[1] = (char)(key >> 7);
	return to + 2;
}

static inline char *put_word(char *to, uint64_t value, size_t width)
{
	uint64_t little = htole64(value);
	memcpy(to, &little, 8); /* the bound leaves room for 8 always */
	return to + width;
}

static inline char *put_int(char *to, unsigned number, int64_t value)
{
	if (!value)
		return to;
	bool is_wide = (uint64_t)value >> 32;
	to = put_key(to, number, is_wide ? FORM_WORD64 : FORM_WORD32);
	return put_word(to, (uint64_t)value, is_wide ? 8 : 4);
}

static inline char *put_byte(char *to, unsigned number, unsigned value)
{
	if (!value)
		return to;
	to = put_key(to, number, FORM_BYTE);
	*to = (char)value;
	return to + 1;
}

static inline char *put_double(char *to, unsigned number, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return put_word(put_key(to, number, FORM_WORD64), bits, 8);
}

static inline char *put_length(char *to, size_t len)
{
	for (; len >= 0x80; len >>= 7)
		*to++ = (char)(len | 0x80);
	*to++ = (char)len;
	return to;
}

static inline char *put_text_always(char *to, unsigned number, genops_str text)
{
	to = put_length(put_key(to, number, FORM_BYTES), text.len);
	return genops_str_put(to, text);
}

static inline char *put_text(char *to, unsigned number, genops_str text)
{
	return text.len ? put_text_always(to, number, text) : to;
}

static inline char *put_id(char *to, unsigned number, const uint8_t *id, size_t len)
{
	static const uint8_t none[16];
	if (!memcmp(id, none, len))
		return to;
	return put_text_always(to, number, (genops_str){(const char *)id, len});
}

/* Opens a nested message: its length comes later, `width` bytes wide. A message of at most
 * SHORT_MAX bytes needs one, the others get three. */
#define SHORT_MAX ((size_t)0x7f)
static inline char *put_open(char *to, unsigned number, size_t width)
{
	return put_key(to, number, FORM_BYTES) + width;
}

static inline char *put_close(char *begin, char *to, size_t width)
{
	size_t len = (size_t)(to - begin);
	if (width == 1) {
		begin[-1] = (char)len;
		return to;
	}
	begin[-3] = (char)(len | 0x80);
	begin[-2] = (char)(len >> 7 | 0x80);
	begin[-1] = (char)(len >> 14);
	return to;
}

#define PUT_ID(number, field)		to = put_id(to, number, r->field, sizeof(r->field))
#define PUT_INT(number, field)		to = put_int(to, number, (int64_t)r->field)
#define PUT_U32(number, field)		to = put_int(to, number, (int64_t)r->field)
#define PUT_SMALL(number, field)	to = put_int(to, number, (int64_t)r->field)
#define PUT_ENUM(number, field)		to = put_byte(to, number, (unsigned)r->field)
#define PUT_FLAG(number, field)		to = put_byte(to, number, r->field)
#define PUT_TEXT(number, field)		to = put_text(to, number, r->field)
#define PUT(number, kind, field, limit) PUT_##kind(number, field);

/* What an evaluation and a line take at most beside their texts: a byte for each key, and one for a
 * short text's length or an enumeration's value; and its words. */
#define EVALUATION_FIXED ((size_t)2 * 8)
static_assert(2 + 2 * (1 + 8) <= SHORT_MAX, "a budget's line is short");

/* Nothing was found wrong, as mostly: all but the two names has its default, which is not stored. */
static inline bool is_plain(const struct genops_evaluation *r)
{
	return !((size_t)r->result | (size_t)r->reason | r->is_violation | r->is_error | r->message.len) &&
	       r->policy.len - 1 < 0x38 && r->policy_type.len - 1 < 0x38 &&
	       genops_str_equal(r->action, genops_level_action(GENOPS_ALLOWED));
}

static_assert(GENOPS_ALLOWED == 0 && GENOPS_REASON_NONE == 0 && RECORD_EVALUATION < 0x20, "the defaults; its key is a byte");

static inline char *put_plain_evaluation(char *to, const struct genops_evaluation *r)
{
	to[0] = RECORD_EVALUATION << 2 | FORM_BYTES;
	to[1] = (char)(4 + r->policy.len + r->policy_type.len);
	to = put_text_always(to + 2, EVALUATION_POLICY, r->policy);
	return put_text_always(to, EVALUATION_POLICY_TYPE, r->policy_type);
}

static char *put_evaluation(char *to, const struct genops_evaluation *r)
{
	size_t texts = r->policy.len + r->policy_type.len + r->action.len + r->message.len;
	size_t width = texts <= SHORT_MAX - EVALUATION_FIXED ? 1 : 3;
	char *begin = to = put_open(to, RECORD_EVALUATION, width);
	EVALUATION_FIELDS(PUT)
	if (!genops_str_equal(r->action, genops_level_action(r->result)))
		to = put_text_always(to, EVALUATION_ACTION, r->action);
	return put_close(begin, to, width);
}

static char *put_budget(char *to, const struct genops_record_budget *budget)
{
	char *begin = to = put_open(to, RECORD_BUDGET, 3);
	{
		const struct genops_record_budget *r = budget;
		BUDGET_FIELDS(PUT)
	}
	size_t n_lines = budget->n_lines < GENOPS_PERIOD_N ? budget->n_lines : GENOPS_PERIOD_N;
	for (size_t i = 0; i < n_lines; i++) {
		const record_budget_line *r = &budget->lines[i];
		char *line = to = put_open(to, BUDGET_LINE, 1);
		LINE_FIELDS(PUT)
		to = put_close(line, to, 1);
	}
	return put_close(begin, to, 3);
}

static char *put_alert(char *to, const struct genops_record_alert *r)
{
	char *begin = to = put_open(to, RECORD_ALERT, 3);
	ALERT_FIELDS(PUT)
	return put_close(begin, to, 3);
}

static char *put_attribute(char *to, const struct genops_attribute *attribute)
{
	genops_str key = attribute->key, text = attribute->value.string;
	bool is_text = attribute->type == GENOPS_ATTRIBUTE_STRING;
	size_t value = is_text ? text.len : attribute->type == GENOPS_ATTRIBUTE_BOOL ? 1 : 8;
	size_t length_width = key.len < 0x80 ? 1 : key.len < 0x4000 ? 2 : 3;
	to = put_key(to, RECORD_ATTRIBUTE, FORM_BYTES);
	to = put_length(to, 1 + length_width + key.len + value);
	*to++ = (char)attribute->type;
	to = genops_str_put(put_length(to, key.len), key);
	if (is_text)
		return genops_str_put(to, text);
	if (attribute->type == GENOPS_ATTRIBUTE_BOOL) {
		*to = (char)attribute->value.boolean;
		return to + 1;
	}
	uint64_t word;
	memcpy(&word, &attribute->value, sizeof word);
	return put_word(to, word, sizeof word);
}

static char *put_lists(char *to, const struct genops_record *record)
{
	for (size_t i = 0; i < record->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &record->evaluations[i];
		to = is_plain(evaluation) ? put_plain_evaluation(to, evaluation) : put_evaluation(to, evaluation);
	}
	for (size_t i = 0; i < record->n_budgets; i++)
		to = put_budget(to, &record->budgets[i]);
	for (size_t i = 0; i < record->n_alerts; i++)
		to = put_alert(to, &record->alerts[i]);
	for (size_t i = 0, piece = 0; i < record->n_attributes;) {
		if (is_in_piece(record, i, piece)) {
			to = genops_str_put(to, record->attribute_pieces[piece].bytes);
			i = record->attribute_pieces[piece++].end;
		} else {
			to = put_attribute(to, &record->attributes[i++]);
		}
	}
	return to;
}

static char *put_record(char *to, const struct genops_record *r)
{
	*to++ = RECORD_VERSION;
	RECORD_FIELDS(PUT)
	/* "No lease" is the largest number: one more makes it the zero that is not stored. */
	to = put_int(to, RECORD_LEASE, (int64_t)(uint32_t)(r->lease + 1));
	if (r->has_temperature)
		to = put_double(to, RECORD_TEMPERATURE, r->temperature);
	unsigned number = RECORD_USAGE;
#define X(field, unit) to = put_int(to, number++, r->usage.field);
	GENOPS_USAGE_FIELDS(X)
#undef X
	return put_lists(to, r);
}

void genops_record_encode(const struct genops_record *record, struct genops_buffer *buf)
{
	if (buf->error)
		return;
	size_t bound = lists_fit(record) ? bound_record(record) : SIZE_MAX;
	if (bound > GENOPS_RECORD_MAX) {
		buf->error = GENOPS_LIMIT;
		return;
	}
	char *to = genops_buffer_reserve(buf, bound);
	if (to)
		buf->len += (size_t)(put_record(to, record) - to);
}
