/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_attribute.h - an attribute as all SDKs write it, taken apart with two comparisons: a key, then a value, each shorter
 * than 128 bytes, and nothing else. Private to telemetry/otlp. Inline: a span has some sixteen. */
#ifndef TELEMETRY_OTLP_ATTRIBUTE_H
#define TELEMETRY_OTLP_ATTRIBUTE_H

#include <genops/attribute.h>

/* *ret_value: the AnyValue, at least two bytes, not looked into. False: it is to be read field by field, and may well be right. */
static inline bool genops_otlp_attribute_split(genops_str bytes, genops_str *ret_key, genops_str *ret_value)
{
	const unsigned char *at = (const unsigned char *)bytes.ptr;
	if (bytes.len < 6 || at[0] != 0x0A || at[1] >= 0x80 || at[1] > bytes.len - 6)
		return false;
	size_t key_len = at[1], value_len = bytes.len - 4 - key_len;
	if (at[2 + key_len] != 0x12 || at[3 + key_len] != value_len || value_len >= 0x80)
		return false;
	*ret_key = (genops_str){bytes.ptr + 2, key_len};
	*ret_value = (genops_str){bytes.ptr + 4 + key_len, value_len};
	return true;
}

#endif
