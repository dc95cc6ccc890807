/* SPDX-License-Identifier: Apache-2.0
 * Tests of engine/collibra/collibra_export.c and collibra_export_status.c that need no Collibra: when the export starts, where it begins,
 * what it says, that it goes. Proves COL-122 */
#include "engine/collibra/collibra_export.h"
#include "engine/engine.h"
#include "store/place.h"

#include <genops/collibra_adapter.h>
#include <genops/collibra_export.h>
#include <genops/operation.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COLLIBRA "collibra: {url: 'http://127.0.0.1:9', api_token: t, batch_interval_seconds: 3600, export_mode: "

static char folder[] = "/tmp/genops-collibra-XXXXXX", state_dir[64];
static struct genops_error err;

static int make(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(state_dir, sizeof state_dir, "%s/state", folder);
	return 0;
}

static int drop(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static genops_engine *start(const char *config, enum genops_drain_mode drain)
{
	struct genops_engine_options options = {
	    .size = sizeof options, .config_text = config, .state_dir = state_dir, .drain = drain};
	genops_engine *engine = genops_engine_open(&options, &err);
	assert_non_null(engine);
	return engine;
}

static void operate(genops_engine *engine)
{
	struct genops_operation_options options;
	genops_operation *operation;
	genops_operation_options_init(&options);
	assert_int_equal(genops_operation_begin(engine, &options, &operation, &err), GENOPS_OK);
	assert_int_equal(genops_operation_end(operation, GENOPS_OUTCOME_OK, &err), GENOPS_OK);
	assert_int_equal(genops_engine_flush(engine, 10000, &err), GENOPS_OK);
}

static void off_unless_configured(void **state)
{
	struct genops_collibra_export_status status;
	uint64_t n_created = 7;
	genops_engine *engine = start("{}", GENOPS_DRAIN_AUTO);
	assert_null(engine->collibra_exporter);
	assert_int_equal(genops_collibra_export_status(engine, &status, &err), GENOPS_OK);
	assert_false(status.is_on);
	assert_int_equal(genops_collibra_flush(engine, 0, &n_created, &err), GENOPS_CONFIG);
	assert_int_equal(n_created, 0);
	assert_non_null(strstr(err.fix, "COLLIBRA_URL"));
	operate(engine);
	genops_engine_close(engine);
	engine = start(COLLIBRA "off}", GENOPS_DRAIN_AUTO);
	assert_null(engine->collibra_exporter);
	genops_engine_close(engine);
	engine = start(COLLIBRA "batch}", GENOPS_DRAIN_NEVER);
	assert_null(engine->collibra_exporter);
	genops_engine_close(engine);
}

static void it_begins_behind_what_was_there(void **state)
{
	struct genops_collibra_export_status status;
	struct genops_collibra_place place;
	genops_engine *engine = start(COLLIBRA "batch}", GENOPS_DRAIN_AUTO);
	assert_non_null(engine->collibra_exporter);
	assert_int_equal(genops_collibra_export_look(state_dir, &place, &err), GENOPS_OK);
	assert_true(place.cursor > 0); /* the operation of the test before */
	assert_int_equal(genops_collibra_export_status(engine, &status, &err), GENOPS_OK);
	assert_true(status.is_on);
	assert_string_equal(status.mode, "batch");
	assert_string_equal(status.state, "idle");
	assert_int_equal(status.operations_waiting, 0);
	assert_true(status.average_export_time_ms == 0);
	genops_engine_close(engine);
}

static void one_of_two_engines_exports(void **state)
{
	struct genops_collibra_place place;
	genops_engine *first = start(COLLIBRA "hybrid}", GENOPS_DRAIN_AUTO), *second = start(COLLIBRA "hybrid}", GENOPS_DRAIN_AUTO);
	assert_non_null(first->collibra_exporter);
	assert_non_null(second->collibra_exporter);
	genops_engine_close(first);
	assert_int_equal(genops_collibra_export_look(state_dir, &place, &err), GENOPS_OK);
	genops_engine_close(second);
}

/* A newer GenOps wrote the place: this one leaves it alone, and governs. */
static void a_place_that_cannot_be_used_stops_nothing_else(void **state)
{
	struct genops_collibra_place place = {.version = 99};
	struct genops_place *file;
	assert_int_equal(genops_place_open(state_dir, GENOPS_COLLIBRA_PLACE_NAME, &file, &err), GENOPS_OK);
	assert_int_equal(genops_place_save(file, &place, sizeof place, false, &err), GENOPS_OK);
	genops_place_close(file);
	genops_engine *engine = start(COLLIBRA "batch}", GENOPS_DRAIN_AUTO);
	assert_null(engine->collibra_exporter);
	operate(engine);
	assert_int_equal(genops_collibra_flush(engine, 0, NULL, &err), GENOPS_UNSUPPORTED);
	genops_engine_close(engine);
}

static void an_adapter_wants_its_options(void **state)
{
	struct genops_collibra_options options = {0};
	assert_null(genops_collibra_adapter_open(NULL, &err));
	assert_int_equal(err.code, GENOPS_MISUSE);
	assert_null(genops_collibra_adapter_open(&options, &err));
	assert_int_equal(err.code, GENOPS_MISUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(off_unless_configured),
	    cmocka_unit_test(it_begins_behind_what_was_there),
	    cmocka_unit_test(one_of_two_engines_exports),
	    cmocka_unit_test(a_place_that_cannot_be_used_stops_nothing_else),
	    cmocka_unit_test(an_adapter_wants_its_options),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
