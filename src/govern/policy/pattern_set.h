/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/pattern_set.h - many patterns looked for in one text, at once. Compiled once,
 * immutable, used by any thread.
 *
 * Two back ends behind one face: Hyperscan, whose time does not depend on the number of patterns
 * nor on malicious texts, and PCRE2 for patterns that Hyperscan does not take (back-references,
 * look-around) and for builds without it. Both give the same answer: the first pattern, in the
 * order given, that is found anywhere in the text. Case is ignored, beyond ASCII too; \w \d \s \b
 * are ASCII; `.` does not match a line feed. */
#ifndef GOVERN_POLICY_PATTERN_SET_H
#define GOVERN_POLICY_PATTERN_SET_H

#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_PATTERNS_MAX    4096 /* in one set */
#define GENOPS_PATTERN_LEN_MAX 4096 /* bytes */

struct genops_pattern {
	genops_str text;
	bool is_regex; /* else the literal text */
};

enum genops_pattern_backend {
	GENOPS_PATTERN_BEST,  /* Hyperscan where it is built in and takes the pattern, else PCRE2 */
	GENOPS_PATTERN_PCRE2, /* PCRE2 alone */
};

enum genops_pattern_outcome {
	GENOPS_PATTERN_ABSENT,
	GENOPS_PATTERN_FOUND,
	GENOPS_PATTERN_FAILED, /* not found so far, but a match limit or memory ended the search */
};

struct genops_pattern_set;

/* Compiles. Returns the owned set in *ret_set. Errors: CONFIG (names the pattern, its fault and
 * where), LIMIT, NOMEM. `patterns` is borrowed for the call. A pattern that matches the empty text
 * is refused, as it would be found everywhere. */
GENOPS_NODISCARD int genops_pattern_set_new(const struct genops_pattern *patterns,
    size_t n_patterns, enum genops_pattern_backend backend, struct genops_pattern_set **ret_set,
    struct genops_error *err);
void genops_pattern_set_free(struct genops_pattern_set *set);

/* FOUND fills *ret_index. Any bytes are taken as text, also such that are not UTF-8. */
enum genops_pattern_outcome genops_pattern_set_find(
    const struct genops_pattern_set *set, genops_str text, size_t *ret_index);

/* How many of the patterns Hyperscan looks for; for tests and `validate`. */
size_t genops_pattern_set_fast_count(const struct genops_pattern_set *set);

/* --- between pattern_set.c and the back ends: each pools the work space of its searches, which no two threads may share --- */

/* `expressions` are NUL-terminated regular expressions, `n` long, owned by the set. */
struct genops_pattern_pcre2;
GENOPS_NODISCARD int genops_pattern_set_pcre2_new(const char *const *expressions,
    const struct genops_pattern *patterns, size_t n, struct genops_pattern_pcre2 **ret,
    struct genops_error *err);
void genops_pattern_set_pcre2_free(struct genops_pattern_pcre2 *pcre2);
/* Looks for those patterns i < end with !is_done[i] (is_done NULL: for all). */
enum genops_pattern_outcome genops_pattern_set_pcre2_find(const struct genops_pattern_pcre2 *pcre2,
    genops_str text, const bool *is_done, size_t end, size_t *ret_index);

struct genops_pattern_hyperscan;
/* Takes the patterns that it can and says in is_taken[] which. *ret is NULL when it takes none.
 * Errors: NOMEM. */
GENOPS_NODISCARD int genops_pattern_set_hyperscan_new(const char *const *expressions, size_t n,
    bool *is_taken, struct genops_pattern_hyperscan **ret, struct genops_error *err);
void genops_pattern_set_hyperscan_free(struct genops_pattern_hyperscan *hyperscan);
/* `text` must be UTF-8 and at most UINT32_MAX bytes long. */
enum genops_pattern_outcome genops_pattern_set_hyperscan_find(
    const struct genops_pattern_hyperscan *hyperscan, genops_str text, size_t *ret_index);

#endif
