/* SPDX-License-Identifier: Apache-2.0
 * Tests of connect/collibra/export/collibra_body.c and collibra_read.c: what is sent and what is read. */
#include "connect/collibra/export/collibra_body.h"
#include "connect/collibra/export/collibra_read.h"

#include "base/str.h"
#include "codec/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct genops_collibra_target target;
static struct genops_collibra_value values[] = {
    {GENOPS_COLLIBRA_ATTRIBUTE_TEAM, {"m\"l", 3}}, {GENOPS_COLLIBRA_ATTRIBUTE_COST_AMOUNT, {"0.0025", 6}}};
static struct genops_collibra_asset items[2];
static struct genops_collibra_assets assets = {.n = 2, .max = 2, .items = items};
static const uint32_t both[] = {0, 1};

static int start(void **state)
{
	snprintf(target.domain_id, sizeof target.domain_id, "D");
	snprintf(target.types.assets[GENOPS_COLLIBRA_OPERATION_COST].id, GENOPS_COLLIBRA_ID_SIZE, "C");
	snprintf(target.types.attributes[GENOPS_COLLIBRA_ATTRIBUTE_TEAM].id, GENOPS_COLLIBRA_ID_SIZE, "T");
	snprintf(target.types.attributes[GENOPS_COLLIBRA_ATTRIBUTE_COST_AMOUNT].id, GENOPS_COLLIBRA_ID_SIZE, "A");
	items[0] = items[1] = (struct genops_collibra_asset){.type = GENOPS_COLLIBRA_OPERATION_COST,
	    .name = GENOPS_STR("n\n--1"),
	    .display_name = GENOPS_STR("one"),
	    .values = values,
	    .n_values = 2};
	items[1].name = GENOPS_STR("n2");
	items[1].n_values = 0;
	return 0;
}

static void an_import_is_a_form_with_a_file(void **state)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, 65536);
	genops_collibra_body_import(&buf, &target, &assets, both, 2);
	assert_int_equal(buf.error, 0);
	genops_buffer_add_char(&buf, '\0');
	assert_non_null(strstr(buf.ptr, "name=\"continueOnError\"\r\n\r\ntrue\r\n"));
	assert_non_null(strstr(buf.ptr, "name=\"sendNotification\"\r\n\r\nfalse\r\n"));
	assert_non_null(strstr(buf.ptr, "name=\"file\"; filename=\"genops.json\"\r\nContent-Type: application/json\r\n\r\n["
					"{\"resourceType\":\"Asset\",\"identifier\":{\"name\":\"n\\n--1\",\"domain\":{\"id\":\"D\"}},"
					"\"displayName\":\"one\",\"type\":{\"id\":\"C\"},\"attributes\":{\"T\":[{\"value\":\"m\\\"l\"}],"
					"\"A\":[{\"value\":\"0.0025\"}]}},{\"resourceType\""));
	assert_string_equal(buf.ptr + buf.len - 1 - strlen("]\r\n--" GENOPS_COLLIBRA_BODY_BOUNDARY "--\r\n"),
	    "]\r\n--" GENOPS_COLLIBRA_BODY_BOUNDARY "--\r\n");
	/* Nothing that an asset says can be a boundary. */
	size_t n = 0;
	for (const char *at = buf.ptr; (at = strstr(at, "\r\n--")); at++)
		n++;
	assert_int_equal(n, 4);
	genops_buffer_done(&buf);
}

static void the_core_calls_bodies(void **state)
{
	struct genops_buffer buf;
	struct genops_error err;
	struct genops_json_writer json;
	genops_buffer_init(&buf, 65536);
	assert_int_equal(genops_collibra_body_assets(&buf, &target, &assets, both + 1, 1, &err), GENOPS_OK);
	genops_str text = genops_buffer_view(&buf);
	assert_true(genops_str_starts(text, GENOPS_STR("[{\"id\":\"")));
	assert_true(genops_str_ends(text, GENOPS_STR("\"name\":\"n2\",\"displayName\":\"one\",\"domainId\":\"D\",\"typeId\":\"C\","
						     "\"excludedFromAutoHyperlinking\":true}]")));
	genops_buffer_clear(&buf);
	genops_json_writer_init(&json, &buf);
	genops_json_array_begin(&json);
	genops_collibra_body_attribute(&json, &target, GENOPS_STR("X"), &values[1]);
	genops_json_array_end(&json);
	assert_true(genops_str_is(genops_buffer_view(&buf), "[{\"assetId\":\"X\",\"typeId\":\"A\",\"value\":\"0.0025\"}]"));
	genops_buffer_done(&buf);
}

static void a_body_that_is_too_large_says_so(void **state)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, 600);
	genops_collibra_body_import(&buf, &target, &assets, both, 2);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_done(&buf);
}

static void a_job(void **state)
{
	struct genops_collibra_job_state job;
	struct genops_error err;
	assert_int_equal(genops_collibra_read_job(GENOPS_STR("{\"type\":\"IMPORT\",\"id\":\"J\",\"x\":[{\"id\":\"no\"}],\"state\":\"COMPLETED\","
							     "\"result\":\"SUCCESS\",\"message\":null}"),
			     &job, &err),
	    GENOPS_OK);
	assert_string_equal(job.id, "J");
	assert_string_equal(job.state, "COMPLETED");
	assert_string_equal(job.result, "SUCCESS");
	assert_int_equal(genops_collibra_read_job(GENOPS_STR("{\"state\":\"X\"}"), &job, &err), GENOPS_SYNTAX);
	assert_int_equal(genops_collibra_read_job(GENOPS_STR("{\"id\":"), &job, &err), GENOPS_SYNTAX);
	assert_int_equal(genops_collibra_read_job(GENOPS_STR("<html>"), &job, &err), GENOPS_SYNTAX);
	assert_string_equal(job.id, "J"); /* untouched */
}

static size_t n_told;
static struct genops_collibra_import_error told[4];

static void on_error(void *arg, const struct genops_collibra_import_error *error)
{
	if (n_told < 4)
		told[n_told++] = *error;
}

static void errors_of_an_import(void **state)
{
	struct genops_error err;
	n_told = 0;
	assert_int_equal(genops_collibra_read_errors(
			     GENOPS_STR("{\"total\":3,\"results\":[{\"command\":{\"indices\":[3,7],\"identifier\":\"{}\"},\"errorMessage\":\"bad\","
					"\"errorType\":\"VALIDATION\"},{\"errorType\":\"RUNTIME\",\"errorMessage\":\"busy\","
					"\"command\":{\"indices\":[-1,99999999999,0]}},{}]}"),
			     on_error, NULL, &err),
	    GENOPS_OK);
	assert_int_equal(n_told, 3);
	assert_true(told[0].is_validation);
	assert_int_equal(told[0].n_indices, 2);
	assert_int_equal(told[0].indices[1], 7);
	assert_string_equal(told[0].message, "bad");
	assert_false(told[1].is_validation);
	assert_int_equal(told[1].n_indices, 1);
	assert_int_equal(told[1].indices[0], 0);
	assert_int_equal(told[2].n_indices, 0);
}

static char names[4][64];

static void on_element(void *arg, genops_str id, genops_str name)
{
	snprintf(names[n_told++ % 4], 64, "%.*s=%.*s", GENOPS_STR_ARG(id), GENOPS_STR_ARG(name));
}

static void listings(void **state)
{
	struct genops_error err;
	n_told = 0;
	assert_int_equal(genops_collibra_read_assets(GENOPS_STR("{\"results\":[{\"id\":\"1\",\"type\":{\"id\":\"t\",\"name\":\"T\"},\"name\":\"a\"},"
								"{\"name\":\"b\",\"id\":\"2\"},{\"name\":\"without id\"}]}"),
			     on_element, NULL, &err),
	    GENOPS_OK);
	assert_int_equal(n_told, 2);
	assert_string_equal(names[0], "1=a");
	assert_string_equal(names[1], "2=b");
	n_told = 0;
	assert_int_equal(genops_collibra_read_attributes(
			     GENOPS_STR("{\"results\":[{\"id\":\"1\",\"asset\":{\"id\":\"x\"},\"type\":{\"id\":\"t\"},\"value\":3}]}"),
			     on_element, NULL, &err),
	    GENOPS_OK);
	assert_string_equal(names[0], "1=t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(an_import_is_a_form_with_a_file, start),
	    cmocka_unit_test_setup(the_core_calls_bodies, start),
	    cmocka_unit_test_setup(a_body_that_is_too_large_says_so, start),
	    cmocka_unit_test(a_job),
	    cmocka_unit_test(errors_of_an_import),
	    cmocka_unit_test(listings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
