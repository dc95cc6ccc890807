/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump_hold.c: a batch that comes again after a kill is the same one, however much has
 * come since; a restart does not begin its wait anew. */
#include "../store/queue_fixture.h"

#include "base/clock.h"
#include "engine/pump/pump_hold.h"
#include "engine/flow/routed.h"

static struct genops_queue_cursor *cursor;
static struct genops_pump_batch batch;
static struct genops_pump_hold hold;
static int64_t since_ns;

static void put(struct genops_queue *queue, const char *destination, uint64_t id)
{
	const genops_str name = genops_str_of(destination);
	struct genops_buffer entry;
	struct genops_error err;
	genops_buffer_init(&entry, 4096);
	genops_routed_begin(&name, 1, &entry);
	genops_routed_add(&(struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .id = id, .body = GENOPS_STR("{}")}, &entry);
	const struct genops_queue_entry made = {GENOPS_ENTRY_ROUTED, genops_buffer_view(&entry), genops_queue_audience(name)};
	assert_int_equal(genops_queue_append(queue, &made, 1, NULL, 0, &err), GENOPS_OK);
	genops_buffer_done(&entry);
}

/* A process begins. */
static struct genops_queue *start(void)
{
	static const struct genops_destination_type type = {.name = "t", .is_repeatable = true};
	struct genops_queue *queue = open_queue();
	struct genops_error err;
	assert_int_equal(genops_queue_cursor_open(queue, "s3", true, &cursor, &err), GENOPS_OK);
	genops_pump_batch_init(&batch);
	batch.destination = GENOPS_STR("s3");
	batch.type = &type;
	batch.size = 100;
	batch.size_bytes = 1 << 20;
	hold = (struct genops_pump_hold){.is_used = true};
	since_ns = 0;
	return queue;
}

/* It is killed: nothing is tidied up on the disk. */
static void die(struct genops_queue *queue)
{
	genops_queue_cursor_close(cursor);
	genops_queue_close(queue);
	genops_pump_batch_done(&batch);
}

static void gather(void)
{
	const struct genops_queue_entry *entries;
	struct genops_error err;
	size_t n = 1;
	while (n && !genops_pump_hold_is_whole(&hold, cursor, &batch)) {
		assert_int_equal(genops_queue_read(cursor, &entries, &n, &err), GENOPS_OK);
		int64_t before = batch.n;
		assert_int_equal(genops_pump_batch_add(&batch, entries, n, &err), GENOPS_OK);
		if (batch.n > before)
			assert_int_equal(genops_pump_hold_added(&hold, cursor, true, &since_ns, &err), GENOPS_OK);
	}
}

static void expect_next(uint64_t first, uint64_t last)
{
	struct genops_destination_batch send;
	assert_true(genops_pump_batch_next(&batch, &send));
	assert_int_equal(send.n_items, last - first + 1);
	for (uint64_t i = first; i <= last; i++)
		assert_int_equal(send.items[i - first].id, i);
}

static void expect(uint64_t first, uint64_t last)
{
	struct genops_error err;
	assert_int_equal(genops_pump_batch_cut(&batch, NULL, NULL, &err), GENOPS_OK);
	expect_next(first, last);
}

static void cut(void)
{
	struct genops_error err;
	assert_int_equal(batch.bytes.len, 0); /* while it waits it is not in memory */
	assert_true(genops_pump_hold_cut(&hold, cursor, &batch, since_ns, &err));
	assert_int_equal(err.code, GENOPS_OK);
	gather();
}

/* proves CRB-275 */
static void the_same_batch_after_a_kill(void **state)
{
	struct genops_error err;
	struct genops_queue *queue = start();
	for (uint64_t i = 0; i < 3; i++)
		put(queue, "s3", i);
	put(queue, "another", 9);
	gather();
	assert_int_equal(batch.n, 3);
	cut();
	expect(0, 2);
	put(queue, "s3", 3); /* comes while the batch is sent */
	die(queue);

	queue = start();
	gather();
	assert_true(genops_pump_hold_is_cut(&hold)); /* due at once */
	expect(0, 2);
	assert_int_equal(genops_queue_acknowledge(cursor, &err), GENOPS_OK);
	genops_pump_batch_clear(&batch);
	genops_pump_hold_over(&hold, &batch);
	gather();
	assert_false(genops_pump_hold_is_cut(&hold));
	assert_int_equal(batch.n, 1);
	cut();
	expect(3, 3);
	die(queue);
}

/* What is done with of a batch is not done twice; of the next batch nothing is. */
static void what_is_done_with_is_remembered(void **state)
{
	struct genops_error err;
	struct genops_queue *queue = start();
	for (uint64_t i = 0; i < 3; i++)
		put(queue, "s3", i);
	gather();
	assert_int_equal(genops_pump_hold_done(&hold, cursor, 1, &err), GENOPS_OK); /* not cut: nothing to remember */
	cut();
	assert_true(hold.n_done == 0);
	assert_int_equal(genops_pump_hold_done(&hold, cursor, 2, &err), GENOPS_OK);
	die(queue);

	queue = start();
	gather();
	assert_true(hold.n_done == 2);
	assert_int_equal(genops_pump_batch_cut(&batch, NULL, NULL, &err), GENOPS_OK);
	genops_pump_batch_skip(&batch, (size_t)hold.n_done);
	assert_true(genops_pump_batch_n_done(&batch) == 2);
	expect_next(2, 2);
	put(queue, "s3", 3);
	assert_int_equal(genops_queue_acknowledge(cursor, &err), GENOPS_OK);
	die(queue);

	queue = start();
	gather();
	cut();
	assert_true(hold.n_done == 0);
	expect(3, 3);
	die(queue);
}

static void a_wait_goes_on_after_a_restart(void **state)
{
	struct genops_error err;
	struct genops_queue *queue = start();
	put(queue, "s3", 0);
	gather();
	assert_int_equal(genops_queue_cut_save(cursor, 0, genops_clock_unix_ns() - 50 * GENOPS_NS_PER_MIN, &err), GENOPS_OK);
	die(queue);
	queue = start();
	put(queue, "s3", 1);
	gather();
	int64_t waited_ns = genops_clock_monotonic_ns() - since_ns;
	if (genops_clock_monotonic_ns() > 50 * GENOPS_NS_PER_MIN) /* else the machine was started since */
		assert_true(waited_ns >= 50 * GENOPS_NS_PER_MIN);
	assert_int_equal(batch.n, 2);
	assert_false(genops_pump_hold_is_cut(&hold));
	die(queue);
}

/* A torn or foreign note is none. */
static void what_is_not_whole_is_none(void **state)
{
	struct genops_error err;
	int64_t since;
	uint64_t end;
	struct genops_queue *queue = start();
	put(queue, "s3", 0);
	gather();
	cut();
	assert_true(genops_queue_cut_load(cursor, &end, &since));
	for (off_t at = 0; at < 40; at++) {
		char byte, other;
		assert_int_equal(pread(cursor->place_fd, &byte, 1, 8192 + at), 1);
		other = (char)(byte ^ 1);
		assert_int_equal(pwrite(cursor->place_fd, &other, 1, 8192 + at), 1);
		assert_false(genops_queue_cut_load(cursor, &end, &since));
		assert_int_equal(pwrite(cursor->place_fd, &byte, 1, 8192 + at), 1);
	}
	assert_true(genops_queue_cut_load(cursor, &end, &since));
	assert_int_equal(genops_queue_acknowledge(cursor, &err), GENOPS_OK);
	assert_false(genops_queue_cut_load(cursor, &end, &since)); /* it was of the batch before */
	die(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_same_batch_after_a_kill, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_done_with_is_remembered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_wait_goes_on_after_a_restart, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_not_whole_is_none, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
