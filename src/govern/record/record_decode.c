/* SPDX-License-Identifier: Apache-2.0
 * govern/record/record_decode.c - reading a record back (see record.h; rows in record_fields.h).
 *
 * One pass. Lists are written last: at the first element of one the rest is counted, holding them to
 * their maxima, and arrays of just that size are filled. Depth is fixed by the format (a budget's lines are the
 * deepest), so nothing recurses. Numbers that this build does not know are skipped; a known one in
 * a form that is not its own is corruption. Pure; any thread.
 */
#include <endian.h>

#include "govern/level.h"
#include "govern/record/record_fields.h"

struct field {
	unsigned number;
	enum record_form form;
	uint64_t value;	  /* BYTE, WORD32, WORD64 */
	genops_str bytes; /* BYTES */
};

static bool take_long_varint(genops_str *rest, unsigned max_bytes, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < max_bytes && i < rest->len; i++) {
		uint8_t byte = (uint8_t)rest->ptr[i];
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			rest->ptr += i + 1;
			rest->len -= i + 1;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* Nearly all are of one byte. */
static inline bool take_varint(genops_str *rest, unsigned max_bytes, uint64_t *ret_value)
{
	if (!rest->len || (uint8_t)rest->ptr[0] >= 0x80)
		return take_long_varint(rest, max_bytes, ret_value);
	*ret_value = (uint8_t)rest->ptr[0];
	rest->ptr++;
	rest->len--;
	return true;
}

static inline bool take_fixed(genops_str *rest, size_t width, uint64_t *ret_value)
{
	if (rest->len < width)
		return false;
	uint64_t little = 0;
	memcpy(&little, rest->ptr, width);
	*ret_value = le64toh(little);
	rest->ptr += width;
	rest->len -= width;
	return true;
}

/* The next field; false: the bytes are not a field. Inlined everywhere: a record has a hundred, and a
 * call each is half of what decoding costs. */
__attribute__((always_inline)) static inline bool take_field(genops_str *rest, struct field *ret)
{
	uint64_t key, len;
	ret->value = 0;
	if (!take_varint(rest, 3, &key))
		return false;
	ret->number = (unsigned)(key >> 2);
	ret->form = (enum record_form)(key & 3);
	switch (ret->form) {
	case FORM_BYTE:
		return take_fixed(rest, 1, &ret->value);
	case FORM_WORD32:
		return take_fixed(rest, 4, &ret->value);
	case FORM_WORD64:
		return take_fixed(rest, 8, &ret->value);
	case FORM_BYTES:
		if (!take_varint(rest, 4, &len) || len > rest->len)
			return false;
		ret->bytes = (genops_str){rest->ptr, (size_t)len};
		rest->ptr += len;
		rest->len -= (size_t)len;
		return true;
	}
	return false;
}

/* ---- one value each; false: not in its form or out of its range ---- */

static bool read_int(const struct field *field, int64_t *ret)
{
	if (field->form != FORM_WORD32 && field->form != FORM_WORD64)
		return false;
	*ret = (int64_t)field->value;
	return true;
}

static bool read_range(const struct field *field, int64_t max, int64_t *ret)
{
	int64_t value;
	if (!read_int(field, &value) || value < 0 || value > max)
		return false;
	*ret = value;
	return true;
}

static bool read_byte(const struct field *field, unsigned limit, unsigned *ret)
{
	if (field->form != FORM_BYTE || field->value >= limit)
		return false;
	*ret = (unsigned)field->value;
	return true;
}

static bool read_text(const struct field *field, genops_str *ret)
{
	if (field->form != FORM_BYTES)
		return false;
	*ret = field->bytes;
	return true;
}

static bool read_id(const struct field *field, uint8_t *id, size_t len)
{
	if (field->form != FORM_BYTES || field->bytes.len != len)
		return false;
	memcpy(id, field->bytes.ptr, len);
	return true;
}

static bool read_double(const struct field *field, double *ret)
{
	if (field->form != FORM_WORD64)
		return false;
	memcpy(ret, &field->value, sizeof *ret);
	return true;
}

#define READ_ID(field, limit) return read_id(f, r->field, sizeof(r->field))
#define READ_INT(field, limit)                                                                     \
	if (!read_int(f, &number))                                                                 \
		return false;                                                                      \
	r->field = (__typeof__(r->field))number;                                                   \
	return true
#define READ_SMALL(field, limit)                                                                   \
	if (!read_range(f, limit, &number))                                                        \
		return false;                                                                      \
	r->field = (__typeof__(r->field))number;                                                   \
	return true
#define READ_U32(field, limit) READ_SMALL(field, UINT32_MAX)
#define READ_ENUM(field, limit)                                                                    \
	if (!read_byte(f, limit, &small))                                                          \
		return false;                                                                      \
	r->field = (__typeof__(r->field))small;                                                    \
	return true
#define READ_FLAG(field, limit) READ_ENUM(field, 2)
#define READ_TEXT(field, limit) return read_text(f, &r->field)
#define READ(number_, kind, field, limit)                                                          \
	case number_:                                                                              \
		READ_##kind(field, limit);

/* Defines `static bool name(const struct field *f, type *r)`: puts a field where it belongs;
 * unknown ones are fine. */
#define READER(name, type, FIELDS)                                                                 \
	static bool name(const struct field *f, type *r)                                           \
	{                                                                                          \
		int64_t number = 0;                                                                \
		unsigned small = 0;                                                                \
		(void)number, (void)small;                                                         \
		switch (f->number) {                                                               \
			FIELDS(READ)                                                               \
		default:                                                                           \
			return true;                                                               \
		}                                                                                  \
	}

/* Defines `static bool name(genops_str rest, type *ret)`: reads a nested message field by field. */
#define MESSAGE(name, type, read_field)                                                            \
	static bool name(genops_str rest, type *ret)                                               \
	{                                                                                          \
		struct field field;                                                                \
		while (rest.len) {                                                                 \
			if (!take_field(&rest, &field) || !read_field(&field, ret))                \
				return false;                                                      \
		}                                                                                  \
		return true;                                                                       \
	}

READER(read_scalar, struct genops_record, RECORD_FIELDS)
READER(read_evaluation_field, struct genops_evaluation, EVALUATION_FIELDS)
READER(read_budget_field, struct genops_record_budget, BUDGET_FIELDS)
READER(read_line_field, record_budget_line, LINE_FIELDS)
READER(read_alert_field, struct genops_record_alert, ALERT_FIELDS)
MESSAGE(read_line, record_budget_line, read_line_field)

static bool read_evaluation_part(const struct field *field, struct genops_evaluation *ret)
{
	return field->number == EVALUATION_ACTION ? read_text(field, &ret->action)
						  : read_evaluation_field(field, ret);
}
MESSAGE(read_evaluation_fields, struct genops_evaluation, read_evaluation_part)

static bool read_evaluation(genops_str bytes, struct genops_evaluation *ret)
{
	if (!read_evaluation_fields(bytes, ret))
		return false;
	if (!ret->action.ptr)
		ret->action = genops_level_action(ret->result);
	return true;
}
MESSAGE(read_alert, struct genops_record_alert, read_alert_field)

static bool read_budget_part(const struct field *field, struct genops_record_budget *ret)
{
	if (field->number != BUDGET_LINE)
		return read_budget_field(field, ret);
	return field->form == FORM_BYTES && ret->n_lines < GENOPS_PERIOD_N &&
	       read_line(field->bytes, &ret->lines[ret->n_lines++]);
}
MESSAGE(read_budget, struct genops_record_budget, read_budget_part)

static bool read_attribute_value(genops_str bytes, struct genops_attribute *ret)
{
	uint64_t word = 0;
	switch (ret->type) {
	case GENOPS_ATTRIBUTE_STRING:
		ret->value.string = bytes;
		return true;
	case GENOPS_ATTRIBUTE_INT:
	case GENOPS_ATTRIBUTE_DOUBLE:
		if (bytes.len != sizeof word || !take_fixed(&bytes, sizeof word, &word))
			return false;
		memcpy(&ret->value, &word, sizeof word);
		return true;
	case GENOPS_ATTRIBUTE_BOOL:
		ret->value.boolean = bytes.len && bytes.ptr[0];
		return bytes.len == 1 && (uint8_t)bytes.ptr[0] <= 1;
	}
	return false;
}

static bool read_attribute(genops_str rest, struct genops_attribute *ret)
{
	uint64_t type, len;
	if (!take_fixed(&rest, 1, &type) || type > GENOPS_ATTRIBUTE_BOOL ||
	    !take_varint(&rest, 4, &len) || len > rest.len)
		return false;
	ret->type = (enum genops_attribute_type)type;
	ret->key = (genops_str){rest.ptr, (size_t)len};
	return read_attribute_value((genops_str){rest.ptr + len, rest.len - (size_t)len}, ret);
}

static bool read_usage(const struct field *field, genops_usage *ret)
{
	unsigned number = RECORD_USAGE;
#define X(name, unit)                                                                              \
	if (field->number == number++)                                                             \
		return read_range(field, GENOPS_USAGE_COUNT_MAX, &ret->name);
	GENOPS_USAGE_FIELDS(X)
#undef X
	return true;
}

static bool read_lease(const struct field *field, uint32_t *ret)
{
	int64_t value;
	if (!read_range(field, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value - 1;
	return true;
}

/* The arrays while they are filled. */
struct lists {
	struct genops_evaluation *evaluations;
	struct genops_record_budget *budgets;
	struct genops_record_alert *alerts;
	struct genops_attribute *attributes;
	size_t n_evaluations, n_budgets, n_alerts, n_attributes;
	bool is_open;
};

static bool is_list(const struct field *field)
{
	return field->number == RECORD_EVALUATION || field->number == RECORD_BUDGET ||
	       field->number == RECORD_ALERT || field->number == RECORD_ATTRIBUTE;
}

/* From an element of a list on. */
static bool count_lists(genops_str rest, struct lists *ret)
{
	struct field field;
	while (rest.len) {
		if (!take_field(&rest, &field))
			return false;
		if (is_list(&field) && field.form != FORM_BYTES)
			return false;
		ret->n_evaluations += field.number == RECORD_EVALUATION;
		ret->n_budgets += field.number == RECORD_BUDGET;
		ret->n_alerts += field.number == RECORD_ALERT;
		ret->n_attributes += field.number == RECORD_ATTRIBUTE;
	}
	return ret->n_evaluations <= GENOPS_EVALUATIONS_MAX &&
	       ret->n_budgets <= GENOPS_RECORD_BUDGETS_MAX &&
	       ret->n_alerts <= GENOPS_RECORD_ALERTS_MAX &&
	       ret->n_attributes <= GENOPS_RECORD_ATTRIBUTES_MAX;
}

static bool allocate_lists(struct lists *lists, struct genops_arena *arena)
{
	lists->evaluations =
	    genops_arena_alloc(arena, lists->n_evaluations * sizeof *lists->evaluations);
	lists->budgets = genops_arena_alloc(arena, lists->n_budgets * sizeof *lists->budgets);
	lists->alerts = genops_arena_alloc(arena, lists->n_alerts * sizeof *lists->alerts);
	lists->attributes =
	    genops_arena_alloc(arena, lists->n_attributes * sizeof *lists->attributes);
	return lists->evaluations && lists->budgets && lists->alerts && lists->attributes;
}

static bool read_field(const struct field *field, struct lists *at, struct genops_record *record)
{
	switch (field->number) {
	case RECORD_EVALUATION:
		return read_evaluation(field->bytes, at->evaluations++);
	case RECORD_BUDGET:
		return read_budget(field->bytes, at->budgets++);
	case RECORD_ALERT:
		return read_alert(field->bytes, at->alerts++);
	case RECORD_ATTRIBUTE:
		return read_attribute(field->bytes, at->attributes++);
	case RECORD_LEASE:
		return read_lease(field, &record->lease);
	case RECORD_TEMPERATURE:
		record->has_temperature = true;
		return read_double(field, &record->temperature);
	default:
		return field->number >= RECORD_USAGE ? read_usage(field, &record->usage)
						     : read_scalar(field, record);
	}
}

static int fail_corrupt(struct genops_error *err)
{
	return genops_fail(err, GENOPS_CORRUPT, "a stored operation record is malformed");
}

/* `rest` begins with the first element of all lists. */
static int open_lists(genops_str rest, struct genops_arena *arena, struct lists *lists,
    struct genops_record *record, struct genops_error *err)
{
	if (!count_lists(rest, lists))
		return fail_corrupt(err);
	if (!allocate_lists(lists, arena))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation record's lists");
	lists->is_open = true;
	record->n_evaluations = lists->n_evaluations;
	record->evaluations = lists->evaluations;
	record->n_budgets = lists->n_budgets;
	record->budgets = lists->budgets;
	record->n_alerts = lists->n_alerts;
	record->alerts = lists->alerts;
	record->n_attributes = lists->n_attributes;
	record->attributes = lists->attributes;
	return GENOPS_OK;
}

int genops_record_decode(genops_str bytes, struct genops_arena *arena,
    struct genops_record *ret_record, struct genops_error *err)
{
	if (!bytes.len || bytes.len > GENOPS_RECORD_MAX)
		return fail_corrupt(err);
	if (bytes.ptr[0] != RECORD_VERSION)
		return genops_fail_fix(err, GENOPS_CORRUPT,
		    "update every GenOps that shares this state",
		    "a stored operation record has version %d; this GenOps reads version %d",
		    (uint8_t)bytes.ptr[0], RECORD_VERSION);
	genops_str rest = {bytes.ptr + 1, bytes.len - 1};
	struct lists lists = {0};
	struct genops_record record = {.lease = UINT32_MAX}; /* GENOPS_LEASE_NONE */
	struct field field;
	while (rest.len) {
		genops_str from = rest;
		if (!take_field(&rest, &field))
			return fail_corrupt(err);
		if (!lists.is_open && is_list(&field))
			GENOPS_TRY(open_lists(from, arena, &lists, &record, err));
		if (!read_field(&field, &lists, &record))
			return fail_corrupt(err);
	}
	*ret_record = record;
	return GENOPS_OK;
}
