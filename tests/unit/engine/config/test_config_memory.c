/* SPDX-License-Identifier: Apache-2.0
 * test_config_memory.c - the n-th allocation of a load fails, for every n: NOMEM or a whole snapshot, nothing lost, no crash.
 *
 * malloc is replaced in this program, so it does nothing under a sanitizer that replaces it too. Failures end among
 * the prices, whose own tests go on from there. Only allocations of this program's own code fail: libfyaml 0.7.12 does
 * not survive failures of its own, which is not ours to repair. */
#include "engine/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

static long fail_at = -1, n_calls, n_open;
static bool is_counting;

#if !IS_SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

static bool must_fail(void *caller)
{
	Dl_info info;
	if (!is_counting)
		return false;
	is_counting = false; /* dladdr may allocate */
	bool is_theirs = dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, ".so");
	is_counting = true;
	return !is_theirs && n_calls++ == fail_at;
}

void *malloc(size_t size)
{
	void *ptr = must_fail(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
	n_open += is_counting && ptr;
	return ptr;
}

void *calloc(size_t n, size_t size)
{
	void *ptr = must_fail(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
	n_open += is_counting && ptr;
	return ptr;
}

void *realloc(void *old, size_t size)
{
	void *ptr = must_fail(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
	n_open += is_counting && ptr && !old;
	return ptr;
}

void free(void *ptr)
{
	n_open -= is_counting && ptr;
	__libc_free(ptr);
}
#endif

static const char text[] = "state: /s\n"
			   "governance:\n"
			   "  attributes: {team: a, mine: &x 5}\n"
			   "  policies:\n"
			   "    - {name: p, type: cost_limit, max_cost: 1, match: {team: [a, b]}}\n"
			   "    - {name: q, type: budget_limit, daily_budget: 1}\n"
			   "  budgets: [{name: b, daily_budget: 2, per: [team]}]\n"
			   "  keys: [{name: k, key: 0123456789abcdef, budgets: [b], provider_keys: {openai: x}}]\n"
			   "gateway: {providers: {mine: {base_url: 'http://127.0.0.1:1', api_key: k}}}\n"
			   "exporters: {otlp: {endpoint: 'x:1', headers: {a: b}}, debug: }\n"
			   "service: {pipelines: {traces: {receivers: [genops], exporters: [otlp]}}}\n";

/* A library that counts or caches for itself on first use must not look like a loss. */
static long load(struct genops_error *err, bool *ret_is_loaded)
{
	struct genops_config_source source = {.text = text};
	n_calls = n_open = 0;
	is_counting = true;
	struct genops_config *config = genops_config_load(&source, err);
	*ret_is_loaded = config != NULL;
	genops_config_unref(config);
	is_counting = false;
	return n_open;
}

static void every_allocation_may_fail(void **state)
{
	struct genops_error err = {0};
	bool is_loaded;
	if (IS_SANITIZED)
		skip();
	for (int i = 0; i < 2; i++) {
		(void)load(&err, &is_loaded);
		if (!is_loaded)
			fail_msg("%d:%d: %s", err.line, err.column, err.message);
	}
	long n = n_calls < 400 ? n_calls : 400;
	for (fail_at = 0; fail_at < n; fail_at++) {
		memset(&err, 0, sizeof err);
		long n_lost = load(&err, &is_loaded);
		if (n_lost)
			fail_msg("allocation %ld fails: %ld are lost", fail_at, n_lost);
		if (!is_loaded && err.code != GENOPS_NOMEM)
			fail_msg("allocation %ld fails: %s", fail_at, err.message);
	}
	assert_true(n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
	clearenv();
	setenv("HOME", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
