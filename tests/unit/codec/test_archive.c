/* SPDX-License-Identifier: Apache-2.0
 * test_archive.c - archives piece by piece: what is written is read again whatever the pieces; what is cut, flipped, or leads outside is refused. */
#include "codec/archive.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

/* What was read: "name:size:content;" one behind the other. */
struct seen {
	struct genops_buffer text;
	int fail_with;
};

static int on_file(void *arg, genops_str name, uint64_t size, struct genops_error *err)
{
	struct seen *seen = arg;
	genops_buffer_printf(&seen->text, "%.*s:%llu:", GENOPS_STR_ARG(name), (unsigned long long)size);
	return seen->fail_with ? genops_fail(err, seen->fail_with, "as asked") : GENOPS_OK;
}

static int on_bytes(void *arg, genops_str bytes, struct genops_error *err)
{
	(void)err;
	genops_buffer_add(&((struct seen *)arg)->text, bytes);
	return GENOPS_OK;
}

static int on_file_end(void *arg, struct genops_error *err)
{
	(void)err;
	genops_buffer_add_char(&((struct seen *)arg)->text, ';');
	return GENOPS_OK;
}

static const struct genops_archive_events events = {on_file, on_bytes, on_file_end};

static int add(void *arg, genops_str bytes, struct genops_error *err)
{
	(void)err;
	genops_buffer_add(arg, bytes);
	return GENOPS_OK;
}

static int read_pieces(genops_str bytes, size_t piece, struct seen *seen, struct genops_error *err)
{
	struct genops_archive_reader *reader = genops_archive_reader_new(&events, seen, err);
	int code = GENOPS_OK;
	genops_buffer_init(&seen->text, 1 << 20);
	for (size_t i = 0; code == GENOPS_OK && i < bytes.len; i += piece)
		code = genops_archive_feed(reader, (genops_str){bytes.ptr + i, bytes.len - i < piece ? bytes.len - i : piece}, err);
	if (code == GENOPS_OK)
		code = genops_archive_fed(reader, err);
	genops_archive_reader_free(reader);
	return code;
}

static void make(struct genops_buffer *out)
{
	struct genops_error err;
	genops_buffer_init(out, 1 << 20);
	struct genops_archive_writer *writer = genops_archive_writer_new(add, out, &err);
	assert_int_equal(genops_archive_file(writer, GENOPS_STR("a.txt"), 5, &err), GENOPS_OK);
	assert_int_equal(genops_archive_bytes(writer, GENOPS_STR("he"), &err), GENOPS_OK);
	assert_int_equal(genops_archive_bytes(writer, GENOPS_STR("llo"), &err), GENOPS_OK);
	assert_int_equal(genops_archive_file(writer, GENOPS_STR("b/empty"), 0, &err), GENOPS_OK);
	assert_int_equal(genops_archive_file(writer, GENOPS_STR("b/c"), 1, &err), GENOPS_OK);
	assert_int_equal(genops_archive_bytes(writer, GENOPS_STR("x"), &err), GENOPS_OK);
	assert_int_equal(genops_archive_end(writer, &err), GENOPS_OK);
	genops_archive_writer_free(writer);
}

static void written_is_read_in_pieces_of_any_size(void **state)
{
	struct genops_buffer out;
	make(&out);
	for (size_t piece = 1; piece <= out.len; piece = piece * 3 + 1) {
		struct seen seen = {0};
		struct genops_error err = {0};
		assert_int_equal(read_pieces(genops_buffer_view(&out), piece, &seen, &err), GENOPS_OK);
		assert_true(genops_str_is(genops_buffer_view(&seen.text), "a.txt:5:hello;b/empty:0:;b/c:1:x;"));
		genops_buffer_done(&seen.text);
	}
	genops_buffer_done(&out);
}

static void a_file_has_as_many_bytes_as_was_said(void **state)
{
	struct genops_buffer out;
	struct genops_error err = {0};
	genops_buffer_init(&out, 1 << 20);
	struct genops_archive_writer *writer = genops_archive_writer_new(add, &out, &err);
	assert_int_equal(genops_archive_file(writer, GENOPS_STR("a"), 2, &err), GENOPS_OK);
	assert_int_equal(genops_archive_bytes(writer, GENOPS_STR("abc"), &err), GENOPS_MISUSE);
	assert_int_equal(genops_archive_end(writer, &err), GENOPS_MISUSE);
	assert_int_equal(genops_archive_file(writer, GENOPS_STR("b"), (uint64_t)1 << 40, &err), GENOPS_MISUSE); /* the first is not whole */
	genops_archive_writer_free(writer);
	writer = genops_archive_writer_new(add, &out, &err);
	assert_int_equal(genops_archive_file(writer, GENOPS_STR("b"), (uint64_t)1 << 40, &err), GENOPS_LIMIT);
	genops_archive_writer_free(writer);
	genops_buffer_done(&out);
}

static void what_is_cut_off_or_changed_is_refused(void **state)
{
	struct genops_buffer out;
	make(&out);
	for (size_t len = 0; len < out.len; len++) {
		struct seen seen = {0};
		struct genops_error err = {0};
		assert_int_equal(read_pieces((genops_str){out.ptr, len}, 64, &seen, &err), GENOPS_SYNTAX);
		assert_true(err.message[0] != '\0');
		genops_buffer_done(&seen.text);
	}
	for (size_t i = 0; i < out.len; i++) {
		struct seen seen = {0};
		struct genops_error err = {0};
		out.ptr[i] ^= 0x10;
		int code = read_pieces(genops_buffer_view(&out), out.len, &seen, &err);
		bool is_same = genops_str_is(genops_buffer_view(&seen.text), "a.txt:5:hello;b/empty:0:;b/c:1:x;");
		assert_true(code != GENOPS_OK || is_same); /* unused bits of the frame's header */
		out.ptr[i] ^= 0x10;
		genops_buffer_done(&seen.text);
	}
	genops_buffer_add_text(&out, "x");
	struct seen seen = {0};
	assert_int_equal(read_pieces(genops_buffer_view(&out), 64, &seen, NULL), GENOPS_SYNTAX);
	genops_buffer_done(&seen.text);
	genops_buffer_done(&out);
}

/* A tar with one header, its type and name set; compressed. */
static int read_header(const char *name, char type, struct genops_error *err)
{
	char tar[3 * 512] = {0}, out[4096];
	struct seen seen = {0};
	char block[GENOPS_TAR_BLOCK];
	unsigned sum = 0;
	assert_int_equal(genops_tar_header_make(GENOPS_STR("placeholder"), 0, block, NULL), GENOPS_OK);
	memset(block, 0, 100);
	memcpy(block, name, strlen(name));
	block[156] = type;
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof block; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	memcpy(tar, block, sizeof block);
	size_t n = ZSTD_compress(out, sizeof out, tar, sizeof tar, 1);
	int code = read_pieces((genops_str){out, n}, n, &seen, err);
	genops_buffer_done(&seen.text);
	return code;
}

static void what_leads_outside_is_refused(void **state)
{
	static const char *const names[] = {"../up", "/etc/passwd", "a/../../b", "a\\b", "a\nb", "..", "a/.."};
	struct genops_error err = {0};
	assert_int_equal(read_header("fine", '0', &err), GENOPS_OK);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(read_header(names[i], '0', &err), GENOPS_UNSUPPORTED);
		assert_non_null(strstr(err.message, "leads outside"));
	}
	for (const char *type = "123456xLKgS"; *type; type++)
		assert_int_equal(read_header("fine", *type, &err), GENOPS_UNSUPPORTED);
}

static void an_event_that_fails_ends_it(void **state)
{
	struct genops_buffer out;
	struct seen seen = {.fail_with = GENOPS_FULL};
	struct genops_error err = {0};
	make(&out);
	assert_int_equal(read_pieces(genops_buffer_view(&out), out.len, &seen, &err), GENOPS_FULL);
	assert_string_equal(err.message, "as asked");
	genops_buffer_done(&seen.text);
	genops_buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(written_is_read_in_pieces_of_any_size),
	    cmocka_unit_test(a_file_has_as_many_bytes_as_was_said),
	    cmocka_unit_test(what_is_cut_off_or_changed_is_refused),
	    cmocka_unit_test(what_leads_outside_is_refused),
	    cmocka_unit_test(an_event_that_fails_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
