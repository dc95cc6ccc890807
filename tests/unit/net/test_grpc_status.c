/* SPDX-License-Identifier: Apache-2.0
 * Trailers: status numbers, percent-encoded messages, RetryInfo in grpc-status-details-bin; frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/grpc_status.h"

static struct genops_grpc_status read(const char *name, const char *value)
{
	struct genops_grpc_status status;
	genops_grpc_status_init(&status);
	genops_grpc_status_header(&status, genops_str_of(name), genops_str_of(value));
	return status;
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(read("grpc-status", "0").status, 0);
	assert_int_equal(read("Grpc-Status", "16").status, 16);
	assert_int_equal(read("grpc-status", "17").status, 2);
	assert_int_equal(read("grpc-status", "-1").status, 2);
	assert_int_equal(read("grpc-status", "").status, -1);
	assert_int_equal(read("grpc-status", "ok").status, -1);
	assert_int_equal(read("content-type", "0").status, -1);
}

static void test_message(void **state)
{
	(void)state;
	assert_string_equal(
	    read("grpc-message", "100%25 busy%0A%C3%A9").message, "100% busy \xc3\xa9");
	assert_string_equal(read("grpc-message", "%zz%4").message, "%zz%4");
	char long_text[1000];
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_int_equal(strlen(read("grpc-message", long_text).message), 255);
}

/* google.rpc.Status made by Google's own library: code 8, message "slow down", one RetryInfo of 7.5 s. */
#define STATUS_7_5                                                                                 \
	"CAgSCXNsb3cgZG93bho2Cih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuUmV0cnlJbmZvEgoKCAgHEIDKte4B"

static void test_retry_info(void **state)
{
	(void)state;
	assert_int_equal(read("grpc-status-details-bin", STATUS_7_5).retry_info_ns, 7500000000);
	assert_int_equal(
	    read("grpc-status-details-bin", STATUS_7_5 "==").retry_info_ns, 7500000000);
	/* no details, not base64, cut off */
	assert_int_equal(read("grpc-status-details-bin", "CAgSCXNsb3cgZG93bg").retry_info_ns, -1);
	assert_int_equal(read("grpc-status-details-bin", "***").retry_info_ns, -1);
	assert_int_equal(read("grpc-status-details-bin", "").retry_info_ns, -1);
	genops_str whole = GENOPS_STR(STATUS_7_5);
	for (size_t n = 0; n < whole.len; n++) {
		struct genops_grpc_status status;
		genops_grpc_status_init(&status);
		genops_grpc_status_header(
		    &status, GENOPS_STR("grpc-status-details-bin"), (genops_str){whole.ptr, n});
		assert_true(status.retry_info_ns == -1 || status.retry_info_ns == 7500000000);
	}
}

static void test_frame(void **state)
{
	(void)state;
	char frame[GENOPS_GRPC_FRAME_LEN];
	genops_grpc_status_frame(frame, true, 0x01020304);
	assert_memory_equal(frame, "\1\1\2\3\4", 5);
	assert_true(genops_str_is(genops_grpc_status_message(GENOPS_STR("\0\0\0\0\2hi")), "hi"));
	assert_true(
	    genops_str_is(genops_grpc_status_message(GENOPS_STR("\0\0\0\0\2hi there")), "hi"));
	assert_int_equal(genops_grpc_status_message(GENOPS_STR("\0\0\0\0\3hi")).len, 0);
	assert_int_equal(genops_grpc_status_message(GENOPS_STR("\1\0\0\0\2hi")).len, 0);
	assert_int_equal(genops_grpc_status_message(GENOPS_STR("\0\0\0")).len, 0);
	assert_int_equal(genops_grpc_status_message(GENOPS_STR("\0\xff\xff\xff\xffhi")).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_message),
	    cmocka_unit_test(test_retry_info),
	    cmocka_unit_test(test_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
