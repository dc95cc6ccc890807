/* SPDX-License-Identifier: Apache-2.0
 * pipeline/regex.h - JavaScript's patterns, matched by PCRE2 with bounds on steps, depth and memory.
 *
 * A pattern is rewritten where the two libraries read the same text differently (`.`, `\s`, `$`, `[^]` ...), and refused where what
 * it means cannot be had. Compiled patterns are immutable; the space of a search belongs to one thread. Characters are code points, as
 * under JavaScript's flag u. A search that passes its bounds has failed, it has not found nothing.
 */
#ifndef PIPELINE_REGEX_H
#define PIPELINE_REGEX_H

#include "base/buffer.h"
#include "base/error.h"

#define GENOPS_REGEX_LEN_MAX    ((size_t)4096)
#define GENOPS_REGEX_GROUPS_MAX 32 /* of a pattern that are kept */

struct genops_regex;
struct genops_regex_space; /* what searches need; one thread at a time */

/* flags: of "gimsu". SYNTAX (column: characters into the pattern), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_regex_compile(genops_str pattern, genops_str flags, struct genops_regex **ret, struct genops_error *err);
void genops_regex_free(struct genops_regex *regex);

bool genops_regex_is_global(const struct genops_regex *regex);
genops_str genops_regex_source(const struct genops_regex *regex); /* "/pattern/flags" */
unsigned genops_regex_n_groups(const struct genops_regex *regex);
int genops_regex_group(const struct genops_regex *regex, genops_str name); /* the number of a named group; -1 */

struct genops_regex_match {
	unsigned n; /* groups that may be set, with the whole match as the first */
	struct {
		size_t start, end; /* bytes; start SIZE_MAX: took no part */
	} groups[GENOPS_REGEX_GROUPS_MAX + 1];
};

/* The first match at or behind the byte `from`. 1: found, 0: not, -1: the search passed its bounds (or no memory). *space is made at
 * the first call and the caller's. */
int genops_regex_find(const struct genops_regex *regex, struct genops_regex_space **space, genops_str text, size_t from,
    struct genops_regex_match *ret);
void genops_regex_space_free(struct genops_regex_space *space);

/* `text` with the first match (all, if the pattern is global) replaced. In `replacement` $$, $&, $1, $<name> and so on stand for what
 * they stand for in JavaScript. False: the search passed its bounds; fullness is in buf->error. */
bool genops_regex_replace(const struct genops_regex *regex, struct genops_regex_space **space, genops_str text, genops_str replacement,
    struct genops_buffer *buf);

#endif
