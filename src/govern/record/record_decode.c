/* SPDX-License-Identifier: Apache-2.0
 * govern/record/record_decode.c - reading a record back (see record.h; rows in record_fields.h).
 *
 * One pass. Lists are written last: at the first element of one the rest is counted, holding them to
 * their maxima, and arrays of just that size are filled. Depth is fixed by the format (a budget's lines are the
 * deepest), so nothing recurses. Numbers that this build does not know are skipped; a known one in
 * a form that is not its own is corruption. Pure; any thread.
 */
#include "base/str.h"
#include "govern/level.h"
#include "govern/record/record_fields.h"
#include "govern/record/record_take.h"

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

/* Notes where the value of a field is that was just taken. False: it does not stand behind the one before. */
static bool note(const struct field *field, const char *begin, const char *end, size_t after, size_t *ret_at, size_t *ret_len)
{
	*ret_len = field->form == FORM_WORD32 ? 4 : 8;
	*ret_at = (size_t)(end - begin) - *ret_len;
	return *ret_at >= after;
}

/* `place`, unless NULL, is what the next record compares with. */
static bool read_budget(genops_str bytes, struct genops_record_budget *ret, struct genops_record_before_budget *place)
{
	struct genops_record_before_budget found = {.bytes = bytes, .budget = ret};
	bool is_in_order = true;
	struct field field;
	for (genops_str rest = bytes; rest.len;) {
		if (!take_field(&rest, &field) || !read_budget_part(&field, ret))
			return false;
		if (field.number == BUDGET_CONSUMED)
			is_in_order &= !found.reserved_len &&
				       note(&field, bytes.ptr, rest.ptr, 0, &found.consumed_at, &found.consumed_len);
		else if (field.number == BUDGET_RESERVED)
			is_in_order &= note(&field, bytes.ptr, rest.ptr, found.consumed_at + found.consumed_len,
			    &found.reserved_at, &found.reserved_len);
	}
	if (!found.reserved_len)
		found.reserved_at = found.consumed_at + found.consumed_len;
	if (!is_in_order)
		found.bytes.len = 0;
	if (place)
		*place = found;
	return true;
}

static int64_t load(const char *from, size_t len)
{
	uint64_t little = 0;
	memcpy(&little, from, len);
	return (int64_t)le64toh(little);
}

/* The same but for the two amounts? Then there is nothing to check in it. */
static bool read_budget_again(genops_str bytes, const struct genops_record_before_budget *before, struct genops_record_budget *ret)
{
	const char *a = bytes.ptr, *b = before->bytes.ptr;
	size_t consumed_end = before->consumed_at + before->consumed_len, reserved_end = before->reserved_at + before->reserved_len;
	if (!bytes.len || bytes.len != before->bytes.len || memcmp(a, b, before->consumed_at) != 0 ||
	    memcmp(a + consumed_end, b + consumed_end, before->reserved_at - consumed_end) != 0 ||
	    memcmp(a + reserved_end, b + reserved_end, bytes.len - reserved_end) != 0)
		return false;
	*ret = *before->budget;
	if (before->consumed_len)
		ret->consumed_nano_usd = load(a + before->consumed_at, before->consumed_len);
	if (before->reserved_len)
		ret->reserved_nano_usd = load(a + before->reserved_at, before->reserved_len);
	return true;
}

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

/* A list's elements as they stand in the record. */
struct run {
	const char *begin, *end;
	bool is_broken; /* something else stands between them */
};

/* The arrays while they are filled. */
struct lists {
	struct genops_record_before *before; /* NULL: there is none */
	struct genops_evaluation *evaluations;
	struct genops_record_budget *budgets;
	struct genops_record_alert *alerts;
	struct genops_attribute *attributes;
	size_t n_evaluations, n_budgets, n_alerts, n_attributes;
	size_t budget_at;
	struct run evaluation_run, attribute_run;
	bool is_open;
	bool has_same_evaluations, has_same_attributes; /* as `before`, so they need not be read */
};

static bool is_list(const struct field *field)
{
	return field->number == RECORD_EVALUATION || field->number == RECORD_BUDGET ||
	       field->number == RECORD_ALERT || field->number == RECORD_ATTRIBUTE;
}

static void extend(struct run *run, const char *from, const char *to)
{
	run->is_broken |= run->begin && run->end != from;
	if (!run->begin)
		run->begin = from;
	run->end = to;
}

static bool begins_with(genops_str rest, genops_str run)
{
	return run.len && rest.len >= run.len && memcmp(rest.ptr, run.ptr, run.len) == 0;
}

/* From an element of a list on, which evaluations are if there are any. Attributes stand last: if they are those of before, all is counted. */
static bool count_lists(genops_str rest, struct lists *ret)
{
	const struct genops_record_before *before = ret->before;
	struct field field;
	bool has_same = before && begins_with(rest, before->evaluations.bytes);
	if (has_same) {
		ret->n_evaluations = before->evaluations.n;
		extend(&ret->evaluation_run, rest.ptr, rest.ptr + before->evaluations.bytes.len);
		rest = genops_str_skip(rest, before->evaluations.bytes.len);
	}
	while (rest.len) {
		const char *from = rest.ptr;
		if (before && !ret->n_attributes && rest.len == before->attributes.bytes.len &&
		    begins_with(rest, before->attributes.bytes)) {
			ret->n_attributes = before->attributes.n;
			ret->has_same_attributes = true;
			break;
		}
		if (!take_field(&rest, &field))
			return false;
		if (is_list(&field) && field.form != FORM_BYTES)
			return false;
		ret->n_evaluations += field.number == RECORD_EVALUATION;
		ret->n_budgets += field.number == RECORD_BUDGET;
		ret->n_alerts += field.number == RECORD_ALERT;
		ret->n_attributes += field.number == RECORD_ATTRIBUTE;
		if (field.number == RECORD_EVALUATION)
			extend(&ret->evaluation_run, from, rest.ptr);
		else if (field.number == RECORD_ATTRIBUTE)
			extend(&ret->attribute_run, from, rest.ptr);
	}
	ret->has_same_evaluations = has_same && ret->n_evaluations == before->evaluations.n;
	return ret->n_evaluations <= GENOPS_EVALUATIONS_MAX &&
	       ret->n_budgets <= GENOPS_RECORD_BUDGETS_MAX &&
	       ret->n_alerts <= GENOPS_RECORD_ALERTS_MAX &&
	       ret->n_attributes <= GENOPS_RECORD_ATTRIBUTES_MAX;
}

static bool allocate_lists(struct lists *lists, struct genops_arena *arena)
{
	size_t n_evaluations = lists->has_same_evaluations ? 0 : lists->n_evaluations;
	size_t n_attributes = lists->has_same_attributes ? 0 : lists->n_attributes;
	lists->evaluations = genops_arena_alloc(arena, n_evaluations * sizeof *lists->evaluations);
	lists->budgets = genops_arena_alloc(arena, lists->n_budgets * sizeof *lists->budgets);
	lists->alerts = genops_arena_alloc(arena, lists->n_alerts * sizeof *lists->alerts);
	lists->attributes = genops_arena_alloc(arena, n_attributes * sizeof *lists->attributes);
	return lists->evaluations && lists->budgets && lists->alerts && lists->attributes;
}

static bool read_next_budget(genops_str bytes, struct lists *at)
{
	struct genops_record_before_budget *place =
	    at->before && at->budget_at < GENOPS_RECORD_BEFORE_BUDGETS ? &at->before->budgets[at->budget_at] : NULL;
	struct genops_record_budget *budget = &at->budgets[at->budget_at++];
	return (place && read_budget_again(bytes, place, budget)) || read_budget(bytes, budget, place);
}

static bool read_field(const struct field *field, struct lists *at, struct genops_record *record)
{
	switch (field->number) {
	case RECORD_EVALUATION:
		return read_evaluation(field->bytes, at->evaluations++);
	case RECORD_BUDGET:
		return read_next_budget(field->bytes, at);
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
	record->evaluations = lists->has_same_evaluations ? lists->before->evaluations.items : lists->evaluations;
	record->n_budgets = lists->n_budgets;
	record->budgets = lists->budgets;
	record->n_alerts = lists->n_alerts;
	record->alerts = lists->alerts;
	record->n_attributes = lists->n_attributes;
	record->attributes = lists->has_same_attributes ? lists->before->attributes.items : lists->attributes;
	return GENOPS_OK;
}

static struct genops_record_before_list list_of(const struct run *run, bool is_whole, const void *items, size_t n)
{
	if (!run->begin || run->is_broken || !is_whole)
		return (struct genops_record_before_list){0};
	return (struct genops_record_before_list){{run->begin, (size_t)(run->end - run->begin)}, items, n};
}

/* For the next one. Attributes are compared with all that is left of a record. */
static void keep(const struct lists *lists, const struct genops_record *record, const char *end)
{
	if (!lists->before || !lists->is_open)
		return;
	if (!lists->has_same_evaluations)
		lists->before->evaluations =
		    list_of(&lists->evaluation_run, true, record->evaluations, record->n_evaluations);
	if (!lists->has_same_attributes)
		lists->before->attributes = list_of(&lists->attribute_run, lists->attribute_run.end == end, record->attributes,
		    record->n_attributes);
}

static int read_record(genops_str rest, struct genops_arena *arena, struct lists *lists, struct genops_record *record,
    struct genops_error *err)
{
	const char *end = rest.ptr + rest.len;
	struct field field;
	while (rest.len) {
		genops_str from = rest;
		if (!take_field(&rest, &field))
			return fail_corrupt(err);
		if (!lists->is_open && is_list(&field)) {
			GENOPS_TRY(open_lists(from, arena, lists, record, err));
			if (lists->has_same_evaluations) {
				rest = genops_str_skip(from, lists->before->evaluations.bytes.len);
				continue;
			}
		}
		if (field.number == RECORD_ATTRIBUTE && lists->has_same_attributes)
			break; /* nothing else is left */
		if (!read_field(&field, lists, record))
			return fail_corrupt(err);
	}
	keep(lists, record, end);
	return GENOPS_OK;
}

int genops_record_decode_after(genops_str bytes, struct genops_record_before *before, struct genops_arena *arena,
    struct genops_record *ret_record, struct genops_error *err)
{
	if (!bytes.len || bytes.len > GENOPS_RECORD_MAX)
		return fail_corrupt(err);
	if (bytes.ptr[0] != RECORD_VERSION)
		return genops_fail_fix(err, GENOPS_CORRUPT,
		    "update every GenOps that shares this state",
		    "a stored operation record has version %d; this GenOps reads version %d",
		    (uint8_t)bytes.ptr[0], RECORD_VERSION);
	struct lists lists = {.before = before};
	struct genops_record record = {.lease = UINT32_MAX}; /* GENOPS_LEASE_NONE */
	GENOPS_TRY(read_record((genops_str){bytes.ptr + 1, bytes.len - 1}, arena, &lists, &record, err));
	*ret_record = record;
	return GENOPS_OK;
}

int genops_record_decode(genops_str bytes, struct genops_arena *arena,
    struct genops_record *ret_record, struct genops_error *err)
{
	return genops_record_decode_after(bytes, NULL, arena, ret_record, err);
}
