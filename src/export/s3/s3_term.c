/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_term.c - see s3_term.h. */
#include "export/s3/s3_term.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)
#define MAX_NS  (INT64_C(36500) * GENOPS_S3_TERM_DAY_NS)

static const struct {
	const char *name;
	int64_t ns;
} units[] = {{"", GENOPS_S3_TERM_DAY_NS}, {"d", GENOPS_S3_TERM_DAY_NS}, {"day", GENOPS_S3_TERM_DAY_NS}, {"days", GENOPS_S3_TERM_DAY_NS},
    {"h", HOUR_NS}, {"hour", HOUR_NS}, {"hours", HOUR_NS}, {"w", 7 * GENOPS_S3_TERM_DAY_NS}, {"week", 7 * GENOPS_S3_TERM_DAY_NS},
    {"weeks", 7 * GENOPS_S3_TERM_DAY_NS}, {"month", 30 * GENOPS_S3_TERM_DAY_NS}, {"months", 30 * GENOPS_S3_TERM_DAY_NS},
    {"y", 365 * GENOPS_S3_TERM_DAY_NS}, {"year", 365 * GENOPS_S3_TERM_DAY_NS}, {"years", 365 * GENOPS_S3_TERM_DAY_NS}};

bool genops_s3_term_days(genops_str text, int64_t *ret_ns)
{
	int64_t n;
	text = genops_str_trim(text);
	size_t digits = 0;
	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	if (!genops_str_to_int((genops_str){text.ptr, digits}, &n))
		return false;
	genops_str unit = genops_str_trim(genops_str_skip(text, digits));
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!genops_str_is_nocase(unit, units[i].name))
			continue;
		if (n < 1 || n > MAX_NS / units[i].ns)
			return false;
		*ret_ns = n * units[i].ns;
		return true;
	}
	return false;
}

static bool read_mode(genops_str text, enum genops_s3_lock *ret_lock)
{
	text = genops_str_trim(text);
	if (text.len > 4 && genops_str_is_nocase((genops_str){text.ptr + text.len - 4, 4}, "mode"))
		text = genops_str_trim((genops_str){text.ptr, text.len - 4});
	if (genops_str_is_nocase(text, "compliance"))
		*ret_lock = GENOPS_S3_COMPLIANCE;
	else if (genops_str_is_nocase(text, "governance"))
		*ret_lock = GENOPS_S3_GOVERNANCE;
	else
		return false;
	return true;
}

bool genops_s3_term_lock(genops_str text, enum genops_s3_lock *ret_lock, int64_t *ret_ns)
{
	genops_str rest = text, first = genops_str_split(&rest, ',');
	enum genops_s3_lock lock;
	int64_t ns = 0;
	if (genops_str_find_char(rest, ',') != SIZE_MAX)
		return false;
	bool ok = read_mode(first, &lock) ? !rest.ptr || genops_s3_term_days(rest, &ns) : rest.ptr && read_mode(rest, &lock) && genops_s3_term_days(first, &ns);
	if (!ok)
		return false;
	*ret_lock = lock;
	*ret_ns = ns;
	return true;
}

bool genops_s3_term_encryption(genops_str text, enum genops_s3_encryption *ret_encryption)
{
	static const struct {
		const char *name;
		enum genops_s3_encryption encryption;
	} names[] = {{"AES256", GENOPS_S3_SSE_AES256}, {"AES-256", GENOPS_S3_SSE_AES256}, {"SSE-S3", GENOPS_S3_SSE_AES256},
	    {"aws:kms", GENOPS_S3_SSE_KMS}, {"SSE-KMS", GENOPS_S3_SSE_KMS}, {"none", GENOPS_S3_SSE_NONE}};
	text = genops_str_trim(text);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(text, names[i].name)) {
			*ret_encryption = names[i].encryption;
			return true;
		}
	}
	return false;
}
