/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/pattern_set.c - see pattern_set.h: literals become expressions, and each search is
 * shared out between the two back ends. Owns the expressions, both back ends and their pools. */
#include "govern/policy/pattern_set.h"

#include "base/buffer.h"
#include "base/str.h"

#include <stdlib.h>

struct genops_pattern_set {
	size_t n;
	char **expressions;
	bool *is_fast; /* Hyperscan looks for it */
	size_t n_fast;
	struct genops_pattern_pcre2 *pcre2;
	struct genops_pattern_hyperscan *hyperscan; /* NULL: not used */
};

/* A literal as an expression that both libraries read alike: every ASCII byte that is no letter or
 * digit is escaped. */
static char *expression_of(const struct genops_pattern *pattern)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, 8 * GENOPS_PATTERN_LEN_MAX);
	if (pattern->is_regex)
		genops_buffer_add(&buf, pattern->text);
	for (size_t i = 0; !pattern->is_regex && i < pattern->text.len; i++) {
		unsigned char c = (unsigned char)pattern->text.ptr[i];
		if (c < 0x20 || c == 0x7f) {
			genops_buffer_printf(&buf, "\\x%02x", c);
			continue;
		}
		bool is_plain = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				(c >= 'a' && c <= 'z');
		if (!is_plain)
			genops_buffer_add_char(&buf, '\\');
		genops_buffer_add_char(&buf, (char)c);
	}
	char *expression = genops_buffer_take(&buf, NULL);
	genops_buffer_done(&buf);
	return expression;
}

static int check(const struct genops_pattern *pattern, struct genops_error *err)
{
	genops_str text = pattern->text;
	if (!text.len)
		return genops_fail(err, GENOPS_CONFIG, "a pattern is empty");
	if (text.len > GENOPS_PATTERN_LEN_MAX)
		return genops_fail(err, GENOPS_LIMIT,
		    "a pattern is %zu bytes long; at most %d are taken", text.len,
		    GENOPS_PATTERN_LEN_MAX);
	if (!genops_str_is_utf8(text) || genops_str_find_char(text, '\0') != SIZE_MAX)
		return genops_fail(err, GENOPS_CONFIG, "a pattern is not a text in UTF-8");
	return GENOPS_OK;
}

static int compile(struct genops_pattern_set *set, const struct genops_pattern *patterns,
    enum genops_pattern_backend backend, struct genops_error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		GENOPS_TRY(check(&patterns[i], err));
		set->expressions[i] = expression_of(&patterns[i]);
		if (!set->expressions[i])
			return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	}
	const char *const *expressions = (const char *const *)set->expressions;
	/* PCRE2 takes all of them: it is the judge of what is well formed, and reads what is not
	 * UTF-8. */
	GENOPS_TRY(genops_pattern_set_pcre2_new(expressions, patterns, set->n, &set->pcre2, err));
	if (backend == GENOPS_PATTERN_BEST)
		GENOPS_TRY(genops_pattern_set_hyperscan_new(
		    expressions, set->n, set->is_fast, &set->hyperscan, err));
	for (size_t i = 0; i < set->n; i++)
		set->n_fast += set->is_fast[i];
	return GENOPS_OK;
}

int genops_pattern_set_new(const struct genops_pattern *patterns, size_t n_patterns,
    enum genops_pattern_backend backend, struct genops_pattern_set **ret_set,
    struct genops_error *err)
{
	if (n_patterns > GENOPS_PATTERNS_MAX)
		return genops_fail(
		    err, GENOPS_LIMIT, "more than %d patterns in one set", GENOPS_PATTERNS_MAX);
	struct genops_pattern_set *set = calloc(1, sizeof *set);
	if (!set)
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	set->n = n_patterns;
	set->expressions = calloc(n_patterns + 1, sizeof *set->expressions);
	set->is_fast = calloc(n_patterns + 1, sizeof *set->is_fast);
	int code = set->expressions && set->is_fast
		       ? compile(set, patterns, backend, err)
		       : genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	if (code != GENOPS_OK) {
		genops_pattern_set_free(set);
		return code;
	}
	*ret_set = set;
	return GENOPS_OK;
}

void genops_pattern_set_free(struct genops_pattern_set *set)
{
	if (!set)
		return;
	genops_pattern_set_hyperscan_free(set->hyperscan);
	genops_pattern_set_pcre2_free(set->pcre2);
	for (size_t i = 0; set->expressions && i < set->n; i++)
		free(set->expressions[i]);
	free(set->expressions);
	free(set->is_fast);
	free(set);
}

enum genops_pattern_outcome genops_pattern_set_find(
    const struct genops_pattern_set *set, genops_str text, size_t *ret_index)
{
	enum genops_pattern_outcome outcome = GENOPS_PATTERN_ABSENT;
	size_t end = set->n;
	if (!set->hyperscan || text.len > UINT32_MAX || !genops_str_is_utf8(text))
		return genops_pattern_set_pcre2_find(set->pcre2, text, NULL, end, ret_index);
	outcome = genops_pattern_set_hyperscan_find(set->hyperscan, text, &end);
	if (outcome == GENOPS_PATTERN_FOUND)
		*ret_index = end; /* what stands before it may still be found by PCRE2 */
	if (set->n_fast == set->n)
		return outcome;
	enum genops_pattern_outcome slow =
	    genops_pattern_set_pcre2_find(set->pcre2, text, set->is_fast, end, ret_index);
	if (slow == GENOPS_PATTERN_FOUND || outcome == GENOPS_PATTERN_ABSENT)
		return slow;
	return outcome;
}

size_t genops_pattern_set_fast_count(const struct genops_pattern_set *set)
{
	return set->n_fast;
}
