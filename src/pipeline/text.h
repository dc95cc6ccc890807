/* SPDX-License-Identifier: Apache-2.0
 * pipeline/text.h - texts as JavaScript counts them: in UTF-16 code units, over the UTF-8 of value.h. Positions and lengths are in
 * units; what is ASCII needs no counting. Functions that return a text return ptr NULL when the arena is full (an empty text has a
 * pointer). Pure; any thread. */
#ifndef PIPELINE_TEXT_H
#define PIPELINE_TEXT_H

#include "base/arena.h"

#define GENOPS_TEXT_NOWHERE SIZE_MAX

size_t genops_text_length(genops_str text);
size_t genops_text_position(genops_str text, size_t byte); /* units before that byte */
int genops_text_unit(genops_str text, size_t at);          /* -1: at or behind the end */

/* Units [from, to), both within the text. Borrows the text's bytes, unless it cuts a pair in two. */
genops_str genops_text_slice(struct genops_arena *arena, genops_str text, size_t from, size_t to);
/* The parts, one behind the other; halves that meet become the character that they are. */
genops_str genops_text_join(struct genops_arena *arena, const genops_str *parts, size_t n);

/* The first at or behind `from` / the last at or before it, in units; NOWHERE. */
size_t genops_text_find(struct genops_arena *arena, genops_str text, genops_str part, size_t from);
size_t genops_text_find_last(struct genops_arena *arena, genops_str text, genops_str part, size_t from);

int genops_text_compare(genops_str a, genops_str b); /* by units: < 0, 0, > 0 */

/* One character of UTF-16's rules: a code point (a lone half is its own) and its bytes; text must not be empty. */
size_t genops_text_decode(genops_str text, uint32_t *ret_code);
size_t genops_text_encode(uint32_t code, char out[4]);

genops_str genops_text_upper(struct genops_arena *arena, genops_str text); /* text_case.c */
genops_str genops_text_lower(struct genops_arena *arena, genops_str text);

#endif
