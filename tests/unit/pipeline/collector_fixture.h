/* SPDX-License-Identifier: Apache-2.0
 * collector_fixture.h - one processor out of YAML, and OTLP in JSON through it. */
#ifndef TESTS_COLLECTOR_FIXTURE_H
#define TESTS_COLLECTOR_FIXTURE_H

#include "base/str.h"
#include "pipeline/collector/service_run.h"
#include "telemetry/otlp/otlp_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct genops_arena arena;
	struct genops_yaml *yaml;
	struct genops_processor processor;
	const struct genops_processor *processors[1];
	struct genops_service_pipeline pipeline;
	genops_str receivers[1];
	struct genops_service service;
	struct genops_processor_run *run;
	struct genops_service_asks asks;
	struct genops_error err, rejected, fault; /* fault: the last that was told */
	int n_rejected, n_faults, n_emitted;
	int64_t n_items, now;
	char *out; /* JSON of what came out last; NULL: nothing did */
};

static const char *fixture_get(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static int fixture_reject(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_processor *processor,
    const struct genops_envelope *envelope, const struct genops_error *why, struct genops_error *err)
{
	struct fixture *fixture = arg;
	(void)pipeline, (void)processor, (void)envelope, (void)err;
	fixture->rejected = *why;
	fixture->n_rejected++;
	return GENOPS_OK;
}

static void fixture_fault(void *arg, const struct genops_processor *processor, const struct genops_error *why)
{
	struct fixture *fixture = arg;
	(void)processor;
	fixture->fault = *why;
	fixture->n_faults++;
}

/* "filter/x: {...}"; the code, with err. */
static inline int fixture_load(struct fixture *fixture, const char *text)
{
	static const struct genops_yaml_variables variables = {fixture_get, NULL};
	*fixture = (struct fixture){.now = INT64_C(1700000000000000000)};
	genops_arena_init(&fixture->arena, (size_t)4 << 20);
	assert_int_equal(genops_yaml_parse("test.yaml", genops_str_of(text), &fixture->yaml, &fixture->err), GENOPS_OK);
	const struct genops_yaml_entry *entry = fixture->yaml->documents[0]->first;
	const struct genops_yaml_rows in = {"test.yaml", &fixture->arena, &variables, &fixture->err};
	const struct genops_processor_type *type = genops_processor_type_find(entry->key->text);
	assert_non_null(type);
	fixture->processor = (struct genops_processor){.name = entry->key->text,
	    .type = type,
	    .settings = genops_arena_alloc(&fixture->arena, type->settings_size),
	    .is_used = true};
	const struct genops_yaml_node *node = genops_yaml_is_null(entry->value) ? entry->key : entry->value;
	int code = genops_yaml_rows_section(&in, node == entry->key ? NULL : node, "the processor", type->rows, fixture->processor.settings);
	if (code == GENOPS_OK && type->compile)
		code = type->compile(&fixture->processor, node, &in);
	fixture->processors[0] = &fixture->processor;
	fixture->receivers[0] = GENOPS_STR("otlp");
	fixture->asks.reject = fixture_reject;
	fixture->asks.fault = fixture_fault;
	fixture->asks.arg = fixture;
	return code;
}

static inline void fixture_done(struct fixture *fixture)
{
	fixture->service = (struct genops_service){1, &fixture->processor, 0, NULL};
	genops_service_done(&fixture->service);
	genops_service_run_free(fixture->run);
	genops_yaml_free(fixture->yaml);
	genops_arena_done(&fixture->arena);
	free(fixture->out);
}

static int fixture_emit(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_envelope *envelope, int64_t n_items,
    struct genops_error *err)
{
	struct fixture *fixture = arg;
	struct genops_buffer json;
	size_t len;
	(void)pipeline;
	genops_buffer_init(&json, (size_t)16 << 20);
	assert_int_equal(genops_otlp_json_write(envelope->signal, envelope->request, &json, err), GENOPS_OK);
	free(fixture->out);
	fixture->out = genops_buffer_take(&json, &len);
	fixture->n_items = n_items;
	fixture->n_emitted++;
	return GENOPS_OK;
}

/* What comes out as JSON; "" : nothing. Valid until the next call. */
static inline const char *fixture_apply(struct fixture *fixture, enum genops_signal signal, const char *json)
{
	struct genops_buffer request;
	genops_buffer_init(&request, (size_t)16 << 20);
	if (genops_otlp_json_read(signal, genops_str_of(json), &request, &fixture->err) != GENOPS_OK)
		fail_msg("%s", fixture->err.message);
	if (!fixture->run)
		assert_int_equal(genops_service_run_new(&fixture->asks, &fixture->run, &fixture->err), GENOPS_OK);
	fixture->pipeline = (struct genops_service_pipeline){
	    .name = GENOPS_STR("x"), .signal = signal, .receivers = {1, fixture->receivers}, .n_processors = 1, .processors = fixture->processors};
	fixture->service = (struct genops_service){1, &fixture->processor, 1, &fixture->pipeline};
	const struct genops_envelope envelope = {
	    .signal = signal, .receiver = GENOPS_STR("otlp"), .request = genops_buffer_view(&request)};
	free(fixture->out);
	fixture->out = NULL;
	fixture->n_items = 0;
	assert_int_equal(
	    genops_service_take(&fixture->service, fixture->run, &envelope, fixture->now, fixture_emit, fixture, &fixture->err), GENOPS_OK);
	genops_buffer_done(&request);
	return fixture->out ? fixture->out : "";
}

/* A span with these attributes ("{\"key\": ...}, ...") of a resource with those. */
static inline const char *fixture_span(const char *name, const char *attributes, const char *resource)
{
	static char text[65536];
	snprintf(text, sizeof text,
	    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[%s]},\"scopeSpans\":[{\"scope\":{\"name\":\"otel\",\"version\":\"11\"},\"spans\":["
	    "{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\",\"name\":\"%s\",\"kind\":3,\"attributes\":[%s]}"
	    "]}]}]}",
	    resource, name, attributes);
	return text;
}

#define TEXT_VALUE(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define INT_VALUE(key, value)  "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}"

/* Each of them is refused, in words in which the second text stands. */
static inline void fixture_refuses(const char *const wrong[][2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct fixture fixture;
		if (fixture_load(&fixture, wrong[i][0]) != GENOPS_CONFIG || !strstr(fixture.err.message, wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], fixture.err.message);
		fixture_done(&fixture);
	}
}

#endif
