/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump_batch.c: what an answer that tells items apart leaves to be sent. */
#include "engine_fixture.h"

#include "engine/flow/routed.h"
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

static int part_by_id(const struct genops_destination_settings *settings, const struct genops_destination_item *items, size_t n_items,
    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err)
{
	for (size_t i = 0; i < n_items; i++)
		ret_parts[i] = (i * 7) % 3;
	return GENOPS_OK;
}

/* What may not share a request follows one another, each in its order. */
static void a_type_parts_its_items(void **state)
{
	static const struct genops_destination_type type = {.name = "parting", .partition = part_by_id};
	static const uint64_t want[] = {0, 3, 6, 1, 4, 2, 5};
	static const size_t sends[] = {3, 2, 2};
	struct genops_pump_batch batch;
	struct genops_destination_batch send;
	struct genops_arena scratch;
	struct genops_error err;
	struct genops_buffer entry;
	const genops_str name = GENOPS_STR("d");
	size_t n = 0;
	genops_arena_init(&scratch, 4096);
	genops_buffer_init(&entry, 4096);
	genops_pump_batch_init(&batch);
	batch.destination = name;
	batch.type = &type;
	genops_routed_begin(&name, 1, &entry);
	for (uint64_t i = 0; i < 7; i++)
		genops_routed_add(&(struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .id = i, .body = GENOPS_STR("{}")}, &entry);
	const struct genops_queue_entry entries[] = {{GENOPS_ENTRY_ROUTED, genops_buffer_view(&entry), 0}};
	batch.is_counting = true;
	assert_int_equal(genops_pump_batch_add(&batch, entries, 1, &err), GENOPS_OK);
	assert_int_equal(batch.n, 7);
	assert_int_equal(batch.bytes.len, 0); /* counted, not kept */
	genops_pump_batch_clear(&batch);
	batch.is_counting = false;
	assert_int_equal(genops_pump_batch_add(&batch, entries, 1, &err), GENOPS_OK);
	assert_int_equal(genops_pump_batch_cut(&batch, NULL, &scratch, &err), GENOPS_OK);
	for (size_t s = 0; s < 3; s++) {
		assert_true(genops_pump_batch_next(&batch, &send));
		assert_int_equal(send.n_items, sends[s]);
		for (size_t i = 0; i < send.n_items; i++)
			assert_int_equal(send.items[i].id, want[n++]);
		genops_pump_batch_sent(&batch, send.n_items);
	}
	assert_false(genops_pump_batch_next(&batch, &send));
	genops_pump_batch_done(&batch);
	genops_buffer_done(&entry);
	genops_arena_done(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(items_are_told_apart),
	    cmocka_unit_test(all_of_one_kind),
	    cmocka_unit_test(a_type_parts_its_items),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
