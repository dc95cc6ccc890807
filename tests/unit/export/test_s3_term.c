/* SPDX-License-Identifier: Apache-2.0
 * The words of S3's settings, and the texts of its XML. proves A-105 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "export/s3/s3_term.h"
#include "export/s3/xml_text.h"

static void test_terms(void **state)
{
	static const struct {
		const char *text;
		int64_t days;
	} terms[] = {{"7 years", 2555}, {"2555 days", 2555}, {" 90d ", 90}, {"1 day", 1}, {"18 months", 540}, {"2 Weeks", 14}, {"30", 30}, {"100 years", 36500},
	    {"101 years", 0}, {"0 days", 0}, {"-1 days", 0}, {"7", 7}, {"7 eons", 0}, {"years", 0}, {"", 0}, {"7 years 1 day", 0}, {"1.5 years", 0},
	    {"99999999999999999999 days", 0}};
	for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
		int64_t ns = -1;
		bool ok = genops_s3_term_days(genops_str_of(terms[i].text), &ns);
		if (ok != (terms[i].days > 0) || (ok && ns != terms[i].days * GENOPS_S3_TERM_DAY_NS))
			fail_msg("%s", terms[i].text);
	}
}

static void test_locks(void **state)
{
	enum genops_s3_lock lock;
	int64_t ns;
	assert_true(genops_s3_term_lock(GENOPS_STR("COMPLIANCE mode, 7 years"), &lock, &ns));
	assert_int_equal(lock, GENOPS_S3_COMPLIANCE);
	assert_true(ns == 2555 * GENOPS_S3_TERM_DAY_NS);
	assert_true(genops_s3_term_lock(GENOPS_STR("30 days, governance"), &lock, &ns));
	assert_int_equal(lock, GENOPS_S3_GOVERNANCE);
	assert_true(genops_s3_term_lock(GENOPS_STR("Compliance"), &lock, &ns));
	assert_int_equal(ns, 0);
	static const char *const bad[] = {"", "7 years", "COMPLIANCE mode,", "COMPLIANCE 7 years", "LEGAL, 7 years", "COMPLIANCE, 7 years, 8 years", "mode", ",", "7 years, 7 years"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (genops_s3_term_lock(genops_str_of(bad[i]), &lock, &ns))
			fail_msg("%s", bad[i]);
	}
}

static void test_encryptions(void **state)
{
	enum genops_s3_encryption encryption;
	assert_true(genops_s3_term_encryption(GENOPS_STR("AES-256"), &encryption) && encryption == GENOPS_S3_SSE_AES256);
	assert_true(genops_s3_term_encryption(GENOPS_STR("aes256"), &encryption) && encryption == GENOPS_S3_SSE_AES256);
	assert_true(genops_s3_term_encryption(GENOPS_STR("aws:kms"), &encryption) && encryption == GENOPS_S3_SSE_KMS);
	assert_false(genops_s3_term_encryption(GENOPS_STR("AES-128"), &encryption));
}

static void expect_text(const char *xml, const char *name, const char *want)
{
	char out[32];
	bool ok = genops_xml_text(genops_str_of(xml), name, out, sizeof out);
	if (ok != (want != NULL) || (want && strcmp(out, want) != 0) || (!want && out[0]))
		fail_msg("%s: %s", xml, out);
}

static void test_xml(void **state)
{
	expect_text("<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>a &amp; &lt;b&gt; &#65;&#x42;</Message></Error>", "Code", "SlowDown");
	expect_text("<Error><Message>a &amp; &lt;b&gt; &#65;&#x42;</Message></Error>", "Message", "a & <b> AB");
	expect_text("<ns:Code a=\"b\">x</ns:Code>", "Code", "x");
	expect_text("<Code\n>x</Code>", "Code", "x");
	expect_text("<Codes>x</Codes><Code>y</Code>", "Code", "y");
	expect_text("<Code></Code>", "Code", "");
	static const char *const none[] = {"", "<", "<Code", "<Code>", "<Code>x", "<Code>x<", "<Code/>", "<Code><a>x</a></Code>", "<Code>&nbsp;</Code>", "<Code>&#0;</Code>",
	    "<Code>&#xffffffffff;</Code>", "<Code>&</Code>", "<Code>\xff</Code>", "<Code>0123456789012345678901234567890123</Code>", "<html>Bad gateway</html>"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		expect_text(none[i], "Code", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_terms),
	    cmocka_unit_test(test_locks),
	    cmocka_unit_test(test_encryptions),
	    cmocka_unit_test(test_xml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
