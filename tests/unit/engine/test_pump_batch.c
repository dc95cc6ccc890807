/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump_batch.c: what an answer that tells items apart leaves to be sent. */
#include "engine_fixture.h"

#include "engine/pump/pump_batch.h"

static void put(struct genops_pump_batch *batch, struct genops_destination_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		items[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .id = i};
	genops_pump_batch_init(batch);
	batch->items = items;
	batch->n_items = n;
}

static void items_are_told_apart(void **state)
{
	static const uint8_t kinds[] = {GENOPS_SENT, GENOPS_RETRY, GENOPS_REJECTED, GENOPS_SENT, GENOPS_RETRY, GENOPS_SENT};
	static const uint64_t want[] = {0, 3, 5, 2, 1, 4, 6};
	struct genops_destination_item items[7];
	struct genops_pump_batch batch;
	size_t n_sent, n_rejected;
	put(&batch, items, 7);
	genops_pump_batch_sort(&batch, kinds, 6, &n_sent, &n_rejected);
	assert_int_equal(n_sent, 3);
	assert_int_equal(n_rejected, 1);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(items[i].id, want[i]);
	genops_pump_batch_sent(&batch, n_sent + n_rejected);
	assert_int_equal(batch.item_at, 4); /* 1, 4 and then 6, which was not in the request */
}

static void all_of_one_kind(void **state)
{
	struct genops_destination_item items[3];
	struct genops_pump_batch batch;
	for (uint8_t kind = GENOPS_SENT; kind <= GENOPS_REJECTED; kind++) {
		const uint8_t kinds[] = {kind, kind, kind};
		size_t n_sent, n_rejected;
		put(&batch, items, 3);
		genops_pump_batch_sort(&batch, kinds, 3, &n_sent, &n_rejected);
		assert_int_equal(n_sent, kind == GENOPS_SENT || kind == GENOPS_SENT_PARTLY ? 3 : 0);
		assert_int_equal(n_rejected, kind == GENOPS_REJECTED ? 3 : 0);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(items[i].id, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(items_are_told_apart),
	    cmocka_unit_test(all_of_one_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
