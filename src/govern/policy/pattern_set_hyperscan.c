/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/pattern_set_hyperscan.c - the Hyperscan back end of pattern_set.h. Without the
 * library (GENOPS_HYPERSCAN not defined) it takes no pattern, and PCRE2 looks for all. The database
 * is immutable; scratch space is pooled. */
#include "govern/policy/pattern_set.h"

#ifdef GENOPS_HYPERSCAN

#include "base/pool.h"

#include <hs/hs.h>
#include <stdlib.h>

/* Each pattern is reported once: which ones are found is asked, not where or how often. */
#define FLAGS (HS_FLAG_CASELESS | HS_FLAG_UTF8 | HS_FLAG_SINGLEMATCH)

struct genops_pattern_hyperscan {
	hs_database_t *database;
	hs_scratch_t *scratch; /* what all others are cloned from */
	struct genops_pool *pool;
};

/* What is being compiled: the patterns still taken, side by side. */
struct batch {
	const char **expressions;
	unsigned *flags, *ids;
	unsigned n;
};

static bool is_known(const char *expression)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *fault = NULL;
	hs_error_t code = hs_expression_info(expression, FLAGS, &info, &fault);
	hs_free_compile_error(fault);
	free(info);
	return code == HS_SUCCESS;
}

static void fill_batch(
    struct batch *batch, const char *const *expressions, size_t n, const bool *is_taken)
{
	batch->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_taken[i])
			continue;
		batch->expressions[batch->n] = expressions[i];
		batch->flags[batch->n] = FLAGS;
		batch->ids[batch->n++] = (unsigned)i;
	}
}

/* Compiles the batch; a pattern that turns out to be too much for it leaves the batch, until the
 * rest compiles. */
static hs_database_t *compile_batch(
    struct batch *batch, const char *const *expressions, size_t n, bool *is_taken)
{
	for (fill_batch(batch, expressions, n, is_taken); batch->n;
	     fill_batch(batch, expressions, n, is_taken)) {
		hs_database_t *database = NULL;
		hs_compile_error_t *fault = NULL;
		if (hs_compile_multi(batch->expressions, batch->flags, batch->ids, batch->n,
			HS_MODE_BLOCK, NULL, &database, &fault) == HS_SUCCESS)
			return database;
		bool is_one =
		    fault && fault->expression >= 0 && (unsigned)fault->expression < batch->n;
		if (is_one)
			is_taken[batch->ids[fault->expression]] = false;
		hs_free_compile_error(fault);
		if (!is_one)
			break;
	}
	for (size_t i = 0; i < n; i++)
		is_taken[i] = false;
	return NULL;
}

static hs_database_t *compile(
    const char *const *expressions, size_t n, bool *is_taken, bool *ret_is_nomem)
{
	struct batch batch = {
	    .expressions = calloc(n + 1, sizeof *batch.expressions),
	    .flags = calloc(n + 1, sizeof *batch.flags),
	    .ids = calloc(n + 1, sizeof *batch.ids),
	};
	hs_database_t *database = NULL;
	*ret_is_nomem = !batch.expressions || !batch.flags || !batch.ids;
	if (!*ret_is_nomem) {
		for (size_t i = 0; i < n; i++)
			is_taken[i] = is_known(expressions[i]);
		database = compile_batch(&batch, expressions, n, is_taken);
	}
	free(batch.expressions);
	free(batch.flags);
	free(batch.ids);
	return database;
}

int genops_pattern_set_hyperscan_new(const char *const *expressions, size_t n, bool *is_taken,
    struct genops_pattern_hyperscan **ret, struct genops_error *err)
{
	bool is_nomem;
	if (hs_valid_platform() != HS_SUCCESS)
		return GENOPS_OK; /* a processor without what Hyperscan needs: PCRE2 does it */
	hs_database_t *database = compile(expressions, n, is_taken, &is_nomem);
	if (is_nomem)
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	if (!database)
		return GENOPS_OK;
	struct genops_pattern_hyperscan *hyperscan = calloc(1, sizeof *hyperscan);
	if (!hyperscan) {
		hs_free_database(database);
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	}
	hyperscan->database = database;
	hyperscan->pool = calloc(1, sizeof *hyperscan->pool);
	if (!hyperscan->pool || hs_alloc_scratch(database, &hyperscan->scratch) != HS_SUCCESS) {
		genops_pattern_set_hyperscan_free(hyperscan);
		return genops_fail(err, GENOPS_NOMEM, "no memory for patterns");
	}
	*ret = hyperscan;
	return GENOPS_OK;
}

void genops_pattern_set_hyperscan_free(struct genops_pattern_hyperscan *hyperscan)
{
	if (!hyperscan)
		return;
	for (hs_scratch_t *scratch;
	     hyperscan->pool && (scratch = genops_pool_take(hyperscan->pool));)
		hs_free_scratch(scratch);
	hs_free_scratch(hyperscan->scratch);
	hs_free_database(hyperscan->database);
	free(hyperscan->pool);
	free(hyperscan);
}

struct search {
	unsigned first; /* the lowest id found so far */
};

static int on_match(
    unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct search *search = arg;
	if (id < search->first)
		search->first = id;
	return search->first == 0; /* no lower one can come */
}

enum genops_pattern_outcome genops_pattern_set_hyperscan_find(
    const struct genops_pattern_hyperscan *hyperscan, genops_str text, size_t *ret_index)
{
	struct search search = {UINT32_MAX};
	hs_scratch_t *scratch = genops_pool_take(hyperscan->pool);
	if (!scratch && hs_clone_scratch(hyperscan->scratch, &scratch) != HS_SUCCESS)
		return GENOPS_PATTERN_FAILED;
	hs_error_t code = hs_scan(hyperscan->database, text.ptr ? text.ptr : "", (unsigned)text.len,
	    0, scratch, on_match, &search);
	if (!genops_pool_put(hyperscan->pool, scratch))
		hs_free_scratch(scratch);
	if (search.first != UINT32_MAX) {
		*ret_index = search.first;
		return GENOPS_PATTERN_FOUND;
	}
	return code == HS_SUCCESS ? GENOPS_PATTERN_ABSENT : GENOPS_PATTERN_FAILED;
}

#else

int genops_pattern_set_hyperscan_new(const char *const *expressions, size_t n, bool *is_taken,
    struct genops_pattern_hyperscan **ret, struct genops_error *err)
{
	return GENOPS_OK;
}

void genops_pattern_set_hyperscan_free(struct genops_pattern_hyperscan *hyperscan)
{
}

enum genops_pattern_outcome genops_pattern_set_hyperscan_find(
    const struct genops_pattern_hyperscan *hyperscan, genops_str text, size_t *ret_index)
{
	return GENOPS_PATTERN_FAILED;
}

#endif
