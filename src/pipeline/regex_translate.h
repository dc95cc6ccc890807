/* SPDX-License-Identifier: Apache-2.0
 * pipeline/regex_translate.h - a JavaScript pattern in PCRE2's words. Private to regex.c. */
#ifndef PIPELINE_REGEX_TRANSLATE_H
#define PIPELINE_REGEX_TRANSLATE_H

#include "base/buffer.h"
#include "base/error.h"

/* `dot_all`, `multiline`: flags s and m. SYNTAX: err->column is the place in the pattern, in bytes from 1. */
GENOPS_NODISCARD int genops_regex_translate(
    genops_str pattern, bool dot_all, bool multiline, struct genops_buffer *out, struct genops_error *err);

#endif
