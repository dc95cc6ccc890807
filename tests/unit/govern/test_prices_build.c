/* SPDX-License-Identifier: Apache-2.0
 * Building a catalogue when memory runs out at any point: an error, nothing leaked or half made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "failing_alloc.h"

#include "govern/prices/prices_build.h"

#define TEXT(literal) {"" literal, sizeof(literal) - 1}

static const struct genops_prices_source sources[] = {
    {"a.csv",
	TEXT("provider,model,input_cost_per_1k,output_cost_per_1k\na,m-latest,1,2\n"),
	GENOPS_PRICES_CSV},
    {"b.json",
	TEXT("{\"provider\": \"b\", \"prices\": [{\"model\": \"n\", \"aliases\": [\"o\"],"
	     "\"cards\": [{\"input\": 1}]}]}"),
	GENOPS_PRICES_OWN_JSON},
    {"c.json",
	TEXT("{\"c/p\": {\"litellm_provider\": \"c\", \"input_cost_per_token\": 1e-6}}"),
	GENOPS_PRICES_LITELLM_JSON},
};

static void every_allocation_may_fail(void **state)
{
	long n = 0;
	for (; FAILING_ALLOC && n < 1000; n++) {
		struct genops_error err = {0};
		allocs_left = n;
		struct genops_prices *prices = genops_prices_new(sources, 3, &err);
		allocs_left = -1;
		if (prices) {
			assert_int_equal(genops_prices_count(prices), 3);
			genops_prices_unref(prices);
			break;
		}
		assert_int_equal(err.code, GENOPS_NOMEM);
	}
	assert_true(!FAILING_ALLOC || (n > 10 && n < 1000));
}

static void a_row_has_a_bounded_number_of_cards(void **state)
{
	struct genops_price row;
	genops_prices_build_row_init(&row);
	for (int64_t above = 1; above < GENOPS_RATE_CARDS_MAX; above++)
		assert_non_null(genops_prices_build_card(&row, GENOPS_TIER_STANDARD, above));
	assert_null(genops_prices_build_card(&row, GENOPS_TIER_FLEX, 0));
	assert_ptr_equal(genops_prices_build_card(&row, GENOPS_TIER_STANDARD, 0), &row.cards[0]);
}

static void names_are_bounded(void **state)
{
	struct genops_arena arena;
	static char name[GENOPS_PRICES_MODEL_MAX + 1];
	struct genops_prices_build build = {.arena = &arena};
	struct genops_price row;
	memset(name, 'x', sizeof name);
	genops_arena_init(&arena, 1 << 20);
	genops_prices_build_row_init(&row);
	row.provider = GENOPS_STR("a");
	row.model = (genops_str){name, sizeof name};
	assert_int_equal(genops_prices_build_add(&build, &row, NULL), GENOPS_CONFIG);
	row.model.len--;
	assert_int_equal(genops_prices_build_add(&build, &row, NULL), GENOPS_OK);
	assert_int_equal(genops_prices_build_alias(&build, GENOPS_STR(""), NULL), GENOPS_CONFIG);
	assert_int_equal(build.n_rows, 1);
	genops_prices_build_done(&build);
	genops_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(a_row_has_a_bounded_number_of_cards),
	    cmocka_unit_test(names_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
