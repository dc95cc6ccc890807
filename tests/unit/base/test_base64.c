/* SPDX-License-Identifier: Apache-2.0
 * test_base64.c - RFC 4648's own vectors, both alphabets, with padding and without, and what is none. */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
	genops_str bytes, text;
} vectors[] = {
    {{"", 0}, {"", 0}},
    {{"f", 1}, {"Zg==", 4}},
    {{"fo", 2}, {"Zm8=", 4}},
    {{"foo", 3}, {"Zm9v", 4}},
    {{"foob", 4}, {"Zm9vYg==", 8}},
    {{"fooba", 5}, {"Zm9vYmE=", 8}},
    {{"foobar", 6}, {"Zm9vYmFy", 8}},
    {{"\xFB\xFF\xFE", 3}, {"+//+", 4}},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct genops_buffer buf;
		char out[64];
		size_t len;
		genops_buffer_init(&buf, 64);
		genops_base64_add(&buf, vectors[i].bytes);
		assert_int_equal(buf.error, 0);
		assert_int_equal(buf.len, vectors[i].text.len);
		if (buf.len)
			assert_memory_equal(buf.ptr, vectors[i].text.ptr, buf.len);
		genops_str text = vectors[i].text;
		for (;;) {
			assert_true(genops_base64_decode(text, out, &len));
			assert_int_equal(len, vectors[i].bytes.len);
			assert_true(len <= GENOPS_BASE64_MAX(text.len));
			if (len)
				assert_memory_equal(out, vectors[i].bytes.ptr, len);
			if (!text.len || text.ptr[text.len - 1] != '=')
				break;
			text.len--;
		}
		genops_buffer_done(&buf);
	}
	char out[8];
	size_t len;
	assert_true(genops_base64_decode(GENOPS_STR("-__-"), out, &len));
	assert_memory_equal(out, "\xFB\xFF\xFE", 3);
}

static void test_what_is_none(void **state)
{
	(void)state;
	static const char *const wrong[] = {"Z", "Zm9vY", "Zm 9v", "Zg===", "Z===", "Zm=v", "\xFFg==", "Zm9v\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char out[16];
		size_t len = 77;
		if (genops_base64_decode(genops_str_of(wrong[i]), out, &len))
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(len, 77);
	}
	struct genops_buffer buf;
	genops_buffer_init(&buf, 3);
	genops_base64_add(&buf, GENOPS_STR("f"));
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
