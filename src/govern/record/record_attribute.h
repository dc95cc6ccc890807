/* SPDX-License-Identifier: Apache-2.0
 * govern/record/record_attribute.h - a short text attribute, as a record stores it (docs/queue-format.md): key and lengths are a byte
 * each. Inline, for those who write many: the record and who merges attributes for it. Pure. */
#ifndef GOVERN_RECORD_RECORD_ATTRIBUTE_H
#define GOVERN_RECORD_RECORD_ATTRIBUTE_H

#include "base/str.h"
#include "govern/record/record_fields.h"

#include <assert.h>

#define GENOPS_RECORD_ATTRIBUTE_HEAD ((size_t)4) /* the field's key, its length, the type, the attribute's key's length */

#define GENOPS_RECORD_ATTRIBUTE_SHORT_MAX (GENOPS_RECORD_ATTRIBUTE_HEAD + 0x7f - 2)

static_assert(RECORD_ATTRIBUTE < 0x20, "the field's key is a byte");

static inline bool genops_record_attribute_is_short(genops_str key, genops_str text)
{
	return text.len < 0x80 && key.len + text.len <= 0x7f - 2;
}

/* Is what was put here of these lengths? */
static inline bool genops_record_attribute_has_lengths(const char *at, genops_str key, genops_str text)
{
	return (unsigned char)at[3] == key.len && (unsigned char)at[1] == 2 + key.len + text.len;
}

/* Returns where the next one goes; the text is right before it. */
static inline char *genops_record_attribute_put(char *to, genops_str key, genops_str text)
{
	to[0] = RECORD_ATTRIBUTE << 2 | FORM_BYTES;
	to[1] = (char)(2 + key.len + text.len);
	to[2] = GENOPS_ATTRIBUTE_STRING;
	to[3] = (char)key.len;
	return genops_str_put(genops_str_put(to + GENOPS_RECORD_ATTRIBUTE_HEAD, key), text);
}

#endif
