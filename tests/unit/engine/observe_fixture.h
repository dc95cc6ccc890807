/* SPDX-License-Identifier: Apache-2.0
 * observe_fixture.h - an observer over an engine that nothing else drains, and requests to show it: captured ones, whole or in parts,
 * and spans written here. For tests of src/engine/observe. */
#ifndef TESTS_OBSERVE_FIXTURE_H
#define TESTS_OBSERVE_FIXTURE_H

#include "engine_fixture.h"

#include "base/base64.h"
#include "base/clock.h"
#include "engine/drain/batch.h"
#include "engine/observe/observe.h"
#include "engine/engine.h"
#include "telemetry/otlp/otlp_span.h"

#define SECOND GENOPS_NS_PER_S

struct world {
	genops_engine *engine;
	struct genops_ledger *ledger;
	struct genops_metrics *metrics;
	struct genops_observer *observer;
	struct genops_batch *batch;                    /* of what the engine's own segment brings back */
	struct genops_segment_reader *reader;
	struct genops_segment_position at;
};

static inline struct world open_world(const char *dir, const char *config)
{
	struct world world = {.engine = open_as(dir, config, GENOPS_DRAIN_NEVER)};
	struct genops_error err = {0};
	if (genops_ledger_open(dir, true, &world.ledger, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	world.metrics = genops_metrics_new(1000);
	assert_non_null(world.metrics);
	assert_int_equal(genops_observer_new(world.engine, world.ledger, world.metrics, &world.observer, &err), GENOPS_OK);
	world.batch = calloc(1, sizeof *world.batch);
	assert_non_null(world.batch);
	genops_batch_init(world.batch);
	return world;
}

/* What the observer appended comes back, as the drain would bring it. */
static inline void bring_back(struct world *world)
{
	struct genops_segment_position first = {0};
	struct genops_error err = {0};
	if (!world->reader && genops_segment_list(world->engine->state_dir, &first, 1) == 1) {
		world->at = first;
		world->reader = genops_segment_reader_new(world->engine->state_dir, first, &err);
	}
	if (!world->reader)
		return;
	do {
		if (genops_batch_read(world->batch, world->reader, world->at, 0, &world->engine->log, world->metrics, &err) != GENOPS_OK ||
		    genops_batch_store(world->batch, world->ledger, world->observer, &world->engine->log, world->metrics, &err) != GENOPS_OK)
			fail_msg("%s", err.message);
		world->at = world->batch->after;
	} while (world->batch->n);
}

static inline void close_world(struct world *world)
{
	bring_back(world);
	genops_segment_reader_free(world->reader);
	genops_batch_done(world->batch);
	free(world->batch);
	genops_observer_free(world->observer);
	genops_ledger_close(world->ledger);
	genops_metrics_free(world->metrics);
	genops_engine_close(world->engine);
}

/* The body of a captured request: tests/captures. */
static inline genops_str read_capture(const char *name)
{
	static char text[1 << 18], bytes[1 << 18];
	char path[512];
	snprintf(path, sizeof path, SOURCE_DIR "/tests/captures/%s-proto-traces.json", name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = '\0';
	const char *body = strstr(text, "\"body\": \"");
	assert_non_null(body);
	body += strlen("\"body\": \"");
	assert_true(genops_base64_decode((genops_str){body, strcspn(body, "\"")}, bytes, &n));
	return (genops_str){bytes, n};
}

/* Of a request only the spans whose scope's name begins so, or is any ("" ); the n-th of them alone, or all (-1). */
static inline struct genops_buffer part_of(genops_str request, const char *scope, int nth)
{
	struct genops_buffer out;
	struct genops_otlp_reader reader;
	struct genops_otlp_writer writer = {.out = &out};
	genops_str item, prefix = genops_str_of(scope);
	genops_buffer_init(&out, 1 << 20);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	for (int i = 0; genops_otlp_reader_next(&reader, &item) == 1;) {
		if (reader.resource.scope_name.len < prefix.len || memcmp(reader.resource.scope_name.ptr, prefix.ptr, prefix.len) != 0)
			continue;
		if (nth < 0 || i == nth) {
			genops_otlp_writer_place(&writer, &reader.resource);
			genops_wire_put_bytes(&out, 2, item);
		}
		i++;
	}
	genops_otlp_writer_end(&writer);
	assert_int_equal(out.error, 0);
	return out;
}

static inline void take_from(struct world *world, genops_str request, const char *tenant)
{
	struct genops_error err = {0};
	struct genops_envelope envelope = {.signal = GENOPS_SIGNAL_TRACES, .received_unix_ns = genops_clock_unix_ns(),
	    .receiver = GENOPS_STR("otlp"), .input = GENOPS_STR(GENOPS_INPUT_OTLP), .tenant = genops_str_of(tenant), .request = request};
	assert_int_equal(genops_ledger_begin(world->ledger, &err), GENOPS_OK);
	if (genops_observer_take(world->observer, &envelope, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	assert_int_equal(genops_ledger_commit(world->ledger, &err), GENOPS_OK);
}

static inline void take(struct world *world, genops_str request)
{
	take_from(world, request, "");
}

/* `after` seconds from now. */
static inline size_t resolve(struct world *world, int64_t after)
{
	struct genops_error err = {0};
	size_t n = 0;
	if (genops_observer_resolve(world->observer, genops_clock_unix_ns() + after * SECOND, &n, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	return n;
}

/* --- spans written here --- */

struct span {
	const char *scope, *name, *model, *response_id;
	uint8_t trace, id, parent;               /* numbers become ids; 0: none */
	int64_t start_s, end_s;                  /* from now: negative ones are past */
	int64_t in, out;
	const char *keys[8], *values[8];         /* more attributes; a value that begins with '#' is a number */
	const char *service;
};

static inline void put_id(struct genops_buffer *out, uint32_t field, uint8_t number, size_t n)
{
	char id[16];
	memset(id, number, sizeof id);
	if (number)
		genops_wire_put_bytes(out, field, (genops_str){id, n});
}

static inline void put_value(struct genops_buffer *out, uint32_t field, const char *key, const char *value)
{
	size_t attribute = genops_wire_begin(out, field);
	genops_wire_put_bytes(out, 1, genops_str_of(key));
	size_t any = genops_wire_begin(out, 2);
	if (value[0] == '#' && strchr(value, '.'))
		genops_wire_put_double(out, 4, strtod(value + 1, NULL));
	else if (value[0] == '#')
		genops_wire_put_int(out, 3, strtoll(value + 1, NULL, 10));
	else
		genops_wire_put_bytes(out, 1, genops_str_of(value));
	genops_wire_end(out, any);
	genops_wire_end(out, attribute);
}

static inline void put_count(struct genops_buffer *out, const char *key, int64_t count)
{
	char text[32];
	snprintf(text, sizeof text, "#%lld", (long long)count);
	put_value(out, 9, key, text);
}

static inline void put_span(struct genops_buffer *out, const struct span *span)
{
	int64_t now = genops_clock_unix_ns();
	size_t at = genops_wire_begin(out, 2);
	put_id(out, 1, span->trace, 16);
	put_id(out, 2, span->id, 8);
	put_id(out, 4, span->parent, 8);
	genops_wire_put_bytes(out, 5, genops_str_of(span->name ? span->name : "chat"));
	genops_wire_put_uint(out, 6, 3);
	genops_wire_put_fixed64(out, 7, (uint64_t)(now + span->start_s * SECOND));
	genops_wire_put_fixed64(out, 8, (uint64_t)(now + span->end_s * SECOND));
	put_value(out, 9, "gen_ai.operation.name", "chat");
	put_value(out, 9, "gen_ai.provider.name", "openai");
	if (span->model)
		put_value(out, 9, "gen_ai.request.model", span->model);
	if (span->response_id)
		put_value(out, 9, "gen_ai.response.id", span->response_id);
	if (span->in)
		put_count(out, "gen_ai.usage.input_tokens", span->in);
	if (span->out)
		put_count(out, "gen_ai.usage.output_tokens", span->out);
	for (size_t i = 0; i < 8 && span->keys[i]; i++)
		put_value(out, 9, span->keys[i], span->values[i]);
	genops_wire_end(out, at);
}

/* A request with these spans. */
static inline struct genops_buffer request_of(const struct span *spans, size_t n)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 22);
	for (size_t i = 0; i < n; i++) {
		size_t resource_spans = genops_wire_begin(&out, 1);
		size_t resource = genops_wire_begin(&out, 1);
		put_value(&out, 1, "service.name", spans[i].service ? spans[i].service : "app");
		genops_wire_end(&out, resource);
		size_t scope_spans = genops_wire_begin(&out, 2);
		size_t scope = genops_wire_begin(&out, 1);
		genops_wire_put_bytes(&out, 1, genops_str_of(spans[i].scope ? spans[i].scope : "some.instrumentation"));
		genops_wire_end(&out, scope);
		put_span(&out, &spans[i]);
		genops_wire_end(&out, scope_spans);
		genops_wire_end(&out, resource_spans);
	}
	assert_int_equal(out.error, 0);
	return out;
}

static inline void take_span(struct world *world, struct span span)
{
	struct genops_buffer request = request_of(&span, 1);
	take(world, genops_buffer_view(&request));
	genops_buffer_done(&request);
}

/* --- what the books say --- */

static inline struct seen see_all(struct world *world, const char *key, const char *value)
{
	static struct seen seen;
	struct genops_report_filter where[] = {
	    {GENOPS_STR("kind"), GENOPS_STR("operation")}, {genops_str_of(key), genops_str_of(value)}};
	struct genops_audit_report_query query = {.size = sizeof query, .where = where, .n_where = key ? 2 : 1};
	struct genops_error err = {0};
	memset(&seen, 0, sizeof seen);
	bring_back(world);
	if (genops_report_audit(world->engine, &query, see, &seen, &err) != GENOPS_OK && err.code != GENOPS_NOT_FOUND)
		fail_msg("%s", err.message);
	return seen;
}

/* That many operations, of that cost together, and the counters say the same. */
static inline void check_books(struct world *world, size_t n, int64_t cost)
{
	assert_int_equal(see_all(world, NULL, NULL).n, n);
	assert_int_equal(spent(world->engine), cost);
	struct genops_budget_window window = budget_of(world->engine, "all");
	assert_int_equal(window.consumed_nano_usd, cost);
	assert_int_equal(window.reserved_nano_usd, 0);
}

#endif
