/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/govern/test_record.c - govern/record.c and record_decode.c: decode(encode(x)) = x,
 * maxima, damage. */
#include "record_fixture.h"

static void check_round_trip(const struct genops_record *record)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, GENOPS_RECORD_MAX);
	genops_record_encode(record, &buf);
	assert_int_equal(buf.error, 0);
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	struct genops_record back;
	struct genops_error err;
	assert_int_equal(
	    genops_record_decode(genops_buffer_view(&buf), &arena, &back, &err), GENOPS_OK);
	assert_same(record, &back);
	genops_arena_done(&arena);
	genops_buffer_done(&buf);
}

/* proves CORE-062: what an operation did is written down whole */
static void test_round_trip_full(void **state)
{
	struct genops_record record = full_record();
	check_round_trip(&record);
}

static void test_round_trip_empty(void **state)
{
	struct genops_record record = {.lease = UINT32_MAX};
	check_round_trip(&record);
	struct genops_buffer buf;
	genops_buffer_init(&buf, 4096);
	genops_record_encode(&record, &buf);
	assert_int_equal(buf.len, 1); /* only the version: what is zero is not stored */
	genops_buffer_done(&buf);
}

/* Text lengths on both sides of every branch of the copying and of the length's varint. */
static void test_text_lengths(void **state)
{
	static char text[20000];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 31 + i / 255);
	struct genops_record record = {.lease = 7};
	for (size_t len = 0; len < 300; len++) {
		record.name = (genops_str){text + len, len};
		record.user = (genops_str){text, 300 - len};
		check_round_trip(&record);
	}
	record.message = (genops_str){text, sizeof text};
	check_round_trip(&record);
}

/* The same for what has a short form of its own: attributes, and evaluations that found nothing. */
static void test_short_forms(void **state)
{
	static char text[160];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	for (size_t key = 1; key < 140; key += key == 70 ? 50 : 1) {
		for (size_t value = 0; value < 140; value += value == 70 ? 50 : 1) {
			struct genops_attribute attribute = {.key = {text, key}, .value.string = {text + 7, value}};
			struct genops_evaluation evaluation = {
			    .policy = {text, key}, .policy_type = {text + 3, value}, .action = GENOPS_STR("log")};
			struct genops_record record = {.lease = 7,
			    .attributes = &attribute, .n_attributes = 1, .evaluations = &evaluation, .n_evaluations = 1};
			check_round_trip(&record);
		}
	}
	struct genops_evaluation other = {.policy = GENOPS_STR("p"), .policy_type = GENOPS_STR("t"), .action = GENOPS_STR("wait")};
	struct genops_record record = {.lease = 7, .evaluations = &other, .n_evaluations = 1};
	check_round_trip(&record);
}

static void test_encode_limits(void **state)
{
	struct genops_record record = full_record();
	struct genops_buffer buf;
	genops_buffer_init(&buf, 100);
	genops_record_encode(&record, &buf);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	assert_int_equal(buf.len, 0);
	genops_record_encode(&record, &buf); /* sticky */
	assert_int_equal(buf.len, 0);
	genops_buffer_done(&buf);

	genops_buffer_init(&buf, GENOPS_RECORD_MAX);
	static char big[GENOPS_RECORD_MAX];
	record.message = (genops_str){big, sizeof big};
	genops_record_encode(&record, &buf);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_clear(&buf);
	record = full_record();
	record.n_evaluations = GENOPS_EVALUATIONS_MAX + 1; /* refused before it is read */
	genops_record_encode(&record, &buf);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_done(&buf);
}

static int decode(const void *bytes, size_t len, struct genops_record *ret)
{
	static struct genops_arena arena = {.max = 1 << 20};
	struct genops_error err;
	genops_arena_done(&arena);
	return genops_record_decode((genops_str){bytes, len}, &arena, ret, &err);
}

/* A newer process's fields, in every form and with a longer key, are passed over. */
static void test_unknown_fields_are_skipped(void **state)
{
	static const uint8_t bytes[] = {RECORD_VERSION, 0xe0, 0x07, 9, 0xe1, 0x07, 1, 2, 3, 4, 0xe2,
	    0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0xe3, 0x07, 2, 'h', 'i', 0xe0, 0xe1, 0x07, 1,
	    9 << 2 | FORM_BYTES, 1, 'n'};
	struct genops_record record;
	assert_int_equal(decode(bytes, sizeof bytes, &record), GENOPS_OK);
	assert_text(record.name, GENOPS_STR("n"));
	assert_int_equal(record.lease, UINT32_MAX);
}

static void test_bad_bytes(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
	} rows[] = {
	    {{0}, 0},						/* nothing */
	    {{RECORD_VERSION + 1}, 1},				/* another version */
	    {{RECORD_VERSION, 0x80, 0x80, 0x80, 0}, 5},		/* a key without an end */
	    {{RECORD_VERSION, 15 << 2 | FORM_BYTE}, 2},		/* no value */
	    {{RECORD_VERSION, 15 << 2 | FORM_BYTE, 7}, 3},	/* an outcome that does not exist */
	    {{RECORD_VERSION, 16 << 2 | FORM_BYTE, 4}, 3},	/* a result ... */
	    {{RECORD_VERSION, 19 << 2 | FORM_BYTE, 2}, 3},	/* a flag that is neither */
	    {{RECORD_VERSION, 9 << 2 | FORM_BYTE, 1}, 3},	/* a text in the form of a byte */
	    {{RECORD_VERSION, 9 << 2 | FORM_BYTES, 5, 'a'}, 4}, /* a text beyond the end */
	    {{RECORD_VERSION, 1 << 2 | FORM_BYTES, 1, 'a'}, 4}, /* a trace id of one byte */
	    {{RECORD_VERSION, 31 << 2 | FORM_WORD32, 0xe8, 3, 0, 0}, 6}, /* HTTP status 1000 */
	    {{RECORD_VERSION, 0x80, 2 | 0}, 3}, /* usage in the form of a byte, cut */
	    {{RECORD_VERSION, 0x82, 2, 255, 255, 255, 255, 255, 255, 255, 255},
		11},			       /* negative usage */
	    {{RECORD_VERSION, 4 << 2 | FORM_BYTE, 3}, 3}, /* an evaluation in the form of a byte */
	    {{RECORD_VERSION, 4 << 2 | FORM_BYTES, 3, 3 << 2, 4, 0},
		6},				     /* an evaluation's result, out of range */
	    {{RECORD_VERSION, 4 << 2 | FORM_BYTES, 2, 7 << 2, 0}, 5}, /* an action that is no text */
	    {{RECORD_VERSION, 29 << 2 | FORM_BYTES, 0}, 3},	     /* an attribute without a type */
	    {{RECORD_VERSION, 29 << 2 | FORM_BYTES, 2, 4, 0}, 5},     /* of a type that is none */
	    {{RECORD_VERSION, 29 << 2 | FORM_BYTES, 2, 0, 1}, 5},     /* its key beyond the end */
	    {{RECORD_VERSION, 29 << 2 | FORM_BYTES, 3, 1, 0, 7}, 6},  /* an integer of one byte */
	    {{RECORD_VERSION, 29 << 2 | FORM_BYTES, 3, 3, 0, 2}, 6},  /* a boolean that is neither */
	    {{RECORD_VERSION, 29 << 2 | FORM_BYTES, 2, 3, 0}, 5},     /* without a value */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_record record = {.pid = 77};
		assert_int_equal(decode(rows[i].bytes, rows[i].len, &record), GENOPS_CORRUPT);
		assert_int_equal(record.pid, 77); /* untouched */
	}
}

/* A cut record is refused or shorter, never read beyond; each prefix lies at the end of its own
 * allocation. */
static void test_every_prefix_and_every_flip(void **state)
{
	struct genops_record record = full_record(), back;
	struct genops_buffer buf;
	genops_buffer_init(&buf, GENOPS_RECORD_MAX);
	genops_record_encode(&record, &buf);
	for (size_t len = 0; len < buf.len; len++) {
		char *copy = malloc(len ? len : 1);
		memcpy(copy, buf.ptr, len);
		(void)decode(copy, len, &back);
		free(copy);
	}
	for (size_t bit = 0; bit < buf.len * 8; bit++) {
		buf.ptr[bit / 8] = (char)(buf.ptr[bit / 8] ^ 1 << bit % 8);
		(void)decode(buf.ptr, buf.len, &back);
		buf.ptr[bit / 8] = (char)(buf.ptr[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(decode(buf.ptr, buf.len, &back), GENOPS_OK);
	genops_buffer_done(&buf);
}

static void test_too_many_attributes(void **state)
{
	static uint8_t bytes[1 + 4 * (GENOPS_RECORD_ATTRIBUTES_MAX + 1)];
	bytes[0] = RECORD_VERSION;
	for (size_t i = 1; i < sizeof bytes; i += 4)
		memcpy(bytes + i, "\x77\x02\0", 4); /* an empty attribute */
	struct genops_record record;
	assert_int_equal(decode(bytes, sizeof bytes - 4, &record), GENOPS_OK);
	assert_int_equal(record.n_attributes, GENOPS_RECORD_ATTRIBUTES_MAX);
	assert_int_equal(decode(bytes, sizeof bytes, &record), GENOPS_CORRUPT);
}

static void test_no_memory(void **state)
{
	struct genops_record record = full_record(), back = {.pid = 77};
	struct genops_buffer buf;
	genops_buffer_init(&buf, GENOPS_RECORD_MAX);
	genops_record_encode(&record, &buf);
	struct genops_arena arena;
	struct genops_error err;
	int code = GENOPS_NOMEM;
	for (size_t max = 0; code == GENOPS_NOMEM; max += 64) {
		assert_true(max < 100000);
		genops_arena_init(&arena, max);
		code = genops_record_decode(genops_buffer_view(&buf), &arena, &back, &err);
		genops_arena_done(&arena);
		if (code == GENOPS_NOMEM)
			assert_int_equal(back.pid, 77);
	}
	assert_int_equal(code, GENOPS_OK);
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip_full),
	    cmocka_unit_test(test_round_trip_empty),
	    cmocka_unit_test(test_text_lengths),
	    cmocka_unit_test(test_short_forms),
	    cmocka_unit_test(test_encode_limits),
	    cmocka_unit_test(test_unknown_fields_are_skipped),
	    cmocka_unit_test(test_bad_bytes),
	    cmocka_unit_test(test_every_prefix_and_every_flip),
	    cmocka_unit_test(test_too_many_attributes),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
