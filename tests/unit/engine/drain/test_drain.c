/* SPDX-License-Identifier: Apache-2.0 - engine/drain/drain.c: one drains for all that live. Nothing forks here, so that it runs under TSan. */
#include "drain_fixture.h"

#include "store/segment/segment_format.h"

#include <genops/status.h>
#include <pthread.h>
#include <stdatomic.h>

static void only_one_drains(void **state)
{
	genops_engine *engine = open_as(*state, config, GENOPS_DRAIN_ALWAYS);
	struct genops_engine_options options = {
	    .size = sizeof options, .config_text = config, .state_dir = *state, .drain = GENOPS_DRAIN_ALWAYS};
	struct genops_error err = {0};
	assert_null(genops_engine_open(&options, &err));
	assert_int_equal(err.code, GENOPS_BUSY);
	genops_engine *other = open_as(*state, config, GENOPS_DRAIN_NEVER);
	spend(other, 5);
	spend(engine, 6);
	flush(other); /* whoever drains */
	check_agree(other, 11);
	struct genops_status status;
	assert_int_equal(genops_engine_status(other, &status, &err), GENOPS_OK);
	assert_false(status.is_drained_by_us);
	assert_false(status.is_behind);
	assert_int_equal(status.n_processes, 2);
	assert_int_equal(status.n_in_flight, 0);
	genops_engine_close(engine);
	spend(other, 7); /* nobody drains now */
	assert_int_equal(genops_engine_flush(other, 0, &err), GENOPS_TIMEOUT);
	assert_int_equal(genops_engine_status(other, &status, &err), GENOPS_OK);
	assert_true(status.is_behind);
	genops_engine_close(other);
	engine = open_engine(*state, config);
	check_agree(engine, 18);
	genops_engine_close(engine);
}

static void another_takes_over(void **state)
{
	genops_engine *first = open_engine(*state, config);
	genops_engine *second = open_engine(*state, config);
	struct genops_error err;
	spend(second, 5);
	flush(second);
	genops_engine_close(first);
	spend(second, 6);
	flush(second); /* waits until it has the lock itself */
	struct genops_status status;
	assert_int_equal(genops_engine_status(second, &status, &err), GENOPS_OK);
	assert_true(status.is_drained_by_us);
	check_agree(second, 11);
	genops_engine_close(second);
}

/* --- flushing from many threads: each gets its answer --- */

static void *flush_often(void *arg)
{
	struct genops_error err;
	for (int i = 0; i < 100; i++) {
		spend(arg, 1);
		if (genops_engine_flush(arg, FLUSH_MS, &err) != GENOPS_OK)
			return arg;
	}
	return NULL;
}

static void every_flush_is_answered(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flush_often, engine), 0);
	for (int i = 0; i < 8; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	check_agree(engine, 800);
	genops_engine_close(engine);
}

/* --- a process that never pauses: there is one more record whenever a batch has been stored --- */

#define ROUNDS 400

static const char alerting[] =
    "governance: {budgets: [{name: each, total_budget: 0.000000001, per: [customer_id], enforcement_level: log, alerts: [100]}]}\n";

static _Atomic int n_rounds;

static void spend_next(genops_engine *engine)
{
	char name[32];
	snprintf(name, sizeof name, "customer-%d", atomic_fetch_add(&n_rounds, 1));
	struct genops_attribute customer = text_attribute("customer_id", name);
	genops_operation *operation = begin(engine, (struct call){.attributes = &customer, .n_attributes = 1});
	genops_operation_record_cost(operation, 1, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

/* The drain's thread: it tells the alert of what it has just stored. */
static void spend_after_alert(void *writer, enum genops_log_level level, const char *line)
{
	(void)level;
	if (strstr(line, "has passed 100 %") && n_rounds < ROUNDS)
		spend_next(writer);
}

static void passes_and_flushes_come_to_an_end(void **state)
{
	genops_engine *writer = open_as(*state, alerting, GENOPS_DRAIN_NEVER), *other = open_as(*state, alerting, GENOPS_DRAIN_NEVER);
	struct genops_engine_options options = {.size = sizeof options, .config_text = alerting, .state_dir = *state,
	    .drain = GENOPS_DRAIN_ALWAYS, .on_log = spend_after_alert, .log_arg = writer};
	struct genops_error err;
	genops_engine *drain = genops_engine_open(&options, &err);
	assert_non_null(drain);
	spend_next(writer);
	flush(drain);
	assert_in_range(n_rounds, 2, ROUNDS - 1);
	flush(other);
	flush(writer);
	assert_in_range(n_rounds, 2, ROUNDS - 1);
	n_rounds = ROUNDS;
	genops_engine_close(drain);
	genops_engine_close(other);
	genops_engine_close(writer);
}

/* --- a file that cannot be read: the others' records, and its writer's before it, come into the ledger all the same --- */

static void put_unreadable(const char *dir, const struct genops_segment_position *at)
{
	struct segment_header header = {.magic = SEGMENT_MAGIC, .version = SEGMENT_VERSION + 1, .process = at->process,
	    .epoch = at->epoch, .file = at->file, .first_sequence = at->sequence + 1};
	char folder[PATH_MAX], path[PATH_MAX];
	header.checksum = genops_segment_format_header_checksum(&header);
	assert_true(genops_segment_format_folder(dir, folder));
	assert_true(genops_segment_format_path(folder, at->process, at->epoch, at->file, path));
	FILE *file = fopen(path, "w");
	assert_int_equal(fwrite(&header, sizeof header, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void unreadable_holds_nobody_up(void **state)
{
	struct genops_segment_position at = {.process = 0, .epoch = 1, .file = 1}, writers[4];
	genops_engine *other = open_as(*state, config, GENOPS_DRAIN_NEVER), *writer = open_as(*state, config, GENOPS_DRAIN_NEVER);
	put_unreadable(*state, &at); /* first of the list */
	spend(writer, 5);
	assert_int_equal(genops_segment_list(*state, writers, 4), 2);
	at = writers[1];
	genops_engine_close(writer);
	at.file++;
	at.sequence = 1;
	put_unreadable(*state, &at); /* behind what is to be read */
	spend(other, 6);
	genops_engine *drain = open_as(*state, config, GENOPS_DRAIN_ALWAYS);
	struct genops_error err;
	assert_int_equal(genops_engine_flush(drain, 500, &err), GENOPS_TIMEOUT);
	assert_int_equal(spent(other), 11);
	genops_engine_close(other);
	genops_engine_close(drain);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(only_one_drains),
	    TEST(another_takes_over),
	    TEST(every_flush_is_answered),
	    TEST(passes_and_flushes_come_to_an_end),
	    TEST(unreadable_holds_nobody_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
