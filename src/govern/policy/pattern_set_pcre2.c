/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/pattern_set_pcre2.c - the PCRE2 back end of pattern_set.h: one compiled expression
 * after the other, with JIT where the system allows it, and bounds on steps, depth and memory of
 * each match attempt, so that an expression that backtracks without end becomes FAILED and not an
 * outage. Compiled expressions are immutable; work space is pooled. */
#include "govern/policy/pattern_set.h"

#include "base/pool.h"
#include "base/str.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT	200000 /* steps from one starting position */
#define DEPTH_LIMIT	10000  /* nested backtracking without JIT */
#define HEAP_LIMIT_KIB	20480
#define JIT_STACK_FIRST ((size_t)32 * 1024)
#define JIT_STACK_MAX	((size_t)512 * 1024)

struct genops_pattern_pcre2 {
	size_t n;
	pcre2_code **codes;
	struct genops_pool *pool;
};

struct space {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static void space_free(struct space *space)
{
	if (!space)
		return;
	pcre2_jit_stack_free(space->stack);
	pcre2_match_context_free(space->context);
	pcre2_match_data_free(space->data);
	free(space);
}

static struct space *space_new(void)
{
	struct space *space = calloc(1, sizeof *space);
	if (!space)
		return NULL;
	space->data = pcre2_match_data_create(1, NULL);
	space->context = pcre2_match_context_create(NULL);
	if (!space->data || !space->context) {
		space_free(space);
		return NULL;
	}
	pcre2_set_match_limit(space->context, MATCH_LIMIT);
	pcre2_set_depth_limit(space->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(space->context, HEAP_LIMIT_KIB);
	/* Without a stack of its own JIT uses 32 KiB of the thread's; that is enough for most. */
	space->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
	if (space->stack)
		pcre2_jit_stack_assign(space->context, NULL, space->stack);
	return space;
}

static int fail_pattern(
    const struct genops_pattern *pattern, int number, PCRE2_SIZE offset, struct genops_error *err)
{
	PCRE2_UCHAR text[160];
	pcre2_get_error_message(number, text, sizeof text);
	return genops_fail_fix(err, GENOPS_CONFIG,
	    "write the expression as PCRE2 reads it, or as plain text without slashes",
	    "pattern \"%.*s\": %s, at byte %zu",
	    pattern->text.len > 80 ? 80 : (int)pattern->text.len, pattern->text.ptr,
	    (const char *)text, offset);
}

/* What matches the empty text is found in every text: surely not what was meant. */
static int check_not_empty(
    const pcre2_code *code, const struct genops_pattern *pattern, struct genops_error *err)
{
	struct space *space = space_new();
	if (!space)
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	int matched = pcre2_match(code, (PCRE2_SPTR) "", 0, 0, 0, space->data, space->context);
	space_free(space);
	if (matched < 0)
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_CONFIG, "use + instead of *, or anchor it to something",
	    "pattern \"%.*s\" matches the empty text, so that it would be found in every call",
	    pattern->text.len > 80 ? 80 : (int)pattern->text.len, pattern->text.ptr);
}

static int compile_one(const char *expression, const struct genops_pattern *pattern,
    pcre2_code **ret_code, struct genops_error *err)
{
	int number;
	PCRE2_SIZE offset;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
	    PCRE2_CASELESS | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &number,
	    &offset, NULL);
	if (!code && number == PCRE2_ERROR_HEAP_FAILED)
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	if (!code)
		return fail_pattern(pattern, number, offset, err);
	*ret_code = code;
	/* A system that forbids executable memory makes this fail; matching then interprets. */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return check_not_empty(code, pattern, err);
}

int genops_pattern_set_pcre2_new(const char *const *expressions,
    const struct genops_pattern *patterns, size_t n, struct genops_pattern_pcre2 **ret,
    struct genops_error *err)
{
	struct genops_pattern_pcre2 *pcre2 = calloc(1, sizeof *pcre2);
	if (!pcre2)
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	pcre2->n = n;
	pcre2->codes = calloc(n + 1, sizeof(pcre2_code *));
	pcre2->pool = calloc(1, sizeof *pcre2->pool);
	int code = GENOPS_OK;
	if (!pcre2->codes || !pcre2->pool)
		code = genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	for (size_t i = 0; code == GENOPS_OK && i < n; i++)
		code = compile_one(expressions[i], &patterns[i], &pcre2->codes[i], err);
	if (code != GENOPS_OK) {
		genops_pattern_set_pcre2_free(pcre2);
		return code;
	}
	*ret = pcre2;
	return GENOPS_OK;
}

void genops_pattern_set_pcre2_free(struct genops_pattern_pcre2 *pcre2)
{
	if (!pcre2)
		return;
	for (size_t i = 0; pcre2->codes && i < pcre2->n; i++)
		pcre2_code_free(pcre2->codes[i]);
	for (struct space *space; pcre2->pool && (space = genops_pool_take(pcre2->pool));)
		space_free(space);
	free(pcre2->codes);
	free(pcre2->pool);
	free(pcre2);
}

static enum genops_pattern_outcome find(const struct genops_pattern_pcre2 *pcre2,
    struct space *space, genops_str text, const bool *is_done, size_t end, size_t *ret_index)
{
	enum genops_pattern_outcome outcome = GENOPS_PATTERN_ABSENT;
	for (size_t i = 0; i < end; i++) {
		if (is_done && is_done[i])
			continue;
		int matched = pcre2_match(pcre2->codes[i], (PCRE2_SPTR)(text.ptr ? text.ptr : ""),
		    text.len, 0, 0, space->data, space->context);
		if (matched >= 0) {
			*ret_index = i;
			return GENOPS_PATTERN_FOUND;
		}
		if (matched != PCRE2_ERROR_NOMATCH)
			outcome = GENOPS_PATTERN_FAILED; /* another one may still be found */
	}
	return outcome;
}

enum genops_pattern_outcome genops_pattern_set_pcre2_find(const struct genops_pattern_pcre2 *pcre2,
    genops_str text, const bool *is_done, size_t end, size_t *ret_index)
{
	struct space *space = genops_pool_take(pcre2->pool);
	if (!space && !(space = space_new()))
		return GENOPS_PATTERN_FAILED;
	enum genops_pattern_outcome outcome = find(pcre2, space, text, is_done, end, ret_index);
	if (!genops_pool_put(pcre2->pool, space))
		space_free(space);
	return outcome;
}
